/*
 * live_etcd.c - the components' requests to an etcd, ours or another, and an observer.
 *
 * Each process has its own connections; each of its watches is one stream. The observer is a
 * client of this host that watches every key from the start, for the history: whatever writes a
 * key, in whichever etcd, it is seen by its texts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/host_live_internal.h"
#include "wire/wire_etcd.h"

#define OBSERVER_RETRY MSEC(200)
#define PROBE_MS 5000 /* for an etcd that somebody named */

/* ---- answers ---- */

static void on_done(void *context, uint64_t tag, const struct http_result *result)
{
    struct host *self = context;
    struct live_call *call = live_call_at(self, (uint32_t)tag);
    struct message m;
    live_read_clock(self);
    if (result->failure == HTTP_REFUSED && !call->is_stale) {
        live_refuse(self, &call->message);
    } else if (result->failure == HTTP_BROKEN) {
        live_call_broken(self, call);
    } else if (result->failure == HTTP_ANSWERED && call->is_watch) {
        live_call_broken(self, call); /* the server ended the stream */
    } else if (result->failure == HTTP_ANSWERED && !call->is_stale) {
        struct wire_text body = {result->body, result->body_length};
        if (wire_etcd_read(&self->wire, self->world.arena, &call->message,
                           (uint16_t)result->status, body, &m)) {
            live_arrive(self, &m, true);
        } else {
            live_call_broken(self, call);
        }
    }
    live_call_end(self, (uint32_t)tag);
}

static void each_watch_message(void *context, const struct message *m)
{
    struct message arrived = *m;
    live_arrive(context, &arrived, true);
}

/* Cut the stream into lines, and give each to `line`. */
static void take_lines(struct wire_buffer *buffer, const char *bytes, size_t length,
                       void *context, void (*line)(void *context, struct wire_text text))
{
    wire_buffer_add(buffer, bytes, length);
    size_t from = 0;
    for (;;) {
        const char *end = memchr(buffer->bytes + from, '\n', buffer->length - from);
        if (end == NULL)
            break;
        size_t line_length = (size_t)(end - (buffer->bytes + from));
        line(context, (struct wire_text){buffer->bytes + from, line_length});
        from += line_length + 1;
    }
    memmove(buffer->bytes, buffer->bytes + from, buffer->length - from);
    buffer->length -= from;
}

struct watch_line {
    struct host *host;
    uint32_t slot;
};

static void watch_line(void *context, struct wire_text text)
{
    const struct watch_line *line = context;
    struct live_call *call = live_call_at(line->host, line->slot);
    if (call->is_stale)
        return;
    if (!wire_etcd_read_watch(&line->host->wire, &call->message, text, line->host,
                              each_watch_message))
        live_call_broken(line->host, call);
}

static void on_piece(void *context, uint64_t tag, const char *bytes, size_t length)
{
    struct host *self = context;
    struct watch_line line = {.host = self, .slot = (uint32_t)tag};
    live_read_clock(self);
    take_lines(&live_call_at(self, (uint32_t)tag)->line, bytes, length, &line, watch_line);
}

/* ---- requests ---- */

/* The watch that this message cancels: its stream is closed, its owner told. */
static void cancel_watch(struct host *self, const struct message *m)
{
    for (uint32_t i = 0; i < self->call_count; i++) {
        struct live_call *call = &self->calls[i];
        if (!call->is_open || !call->is_watch || call->message.from != m->from ||
            call->message.from_actor != m->from_actor ||
            call->message.u.watch.watch != m->u.watch.watch)
            continue;
        http_client_cancel(self->nodes[m->from].client, call->number);
        live_call_end(self, i);
        struct message reply = {.kind = MSG_WATCH_CANCELED,
                                .from = m->to,
                                .to = m->from,
                                .to_actor = m->from_actor,
                                .corr = m->corr,
                                .cause = m->cause,
                                .u.watch = m->u.watch};
        live_push(self, self->now, ITEM_DELIVER, &reply);
        return;
    }
}

/* The client chooses the id: 31 bits, which no other run at the same etcd will meet. */
static uint32_t lease_id(struct host *self)
{
    uint64_t mixed = draw_mix(self->lease_salt, ++self->lease_count);
    return (uint32_t)(mixed & 0x7fffffff) | 1;
}

void live_etcd_send(struct host *self, struct message *m)
{
    struct live_node *n = live_node_at(self, m->from);
    if (m->kind == MSG_WATCH_CANCEL) {
        cancel_watch(self, m);
        return;
    }
    if (m->kind == MSG_LEASE_GRANT && m->u.lease.lease == 0)
        m->u.lease.lease = lease_id(self);
    struct wire_buffer *body = &self->http.body;
    wire_buffer_clear(body);
    const char *path = wire_etcd_write(&self->wire, m, body);
    if (path == NULL || n == NULL || n->client == NULL) {
        live_refuse(self, m);
        return;
    }
    wire_buffer_clear(&self->text);
    wire_buffer_print(&self->text, "%s%s", self->etcd_url, path);
    uint32_t slot = live_call_new(self, m);
    bool is_watch = m->kind == MSG_WATCH_CREATE;
    struct http_call call = {.method = "POST",
                             .url = self->text.bytes,
                             .headers = "Content-Type: application/json\n",
                             .body = body->bytes,
                             .body_length = body->length,
                             .context = self,
                             .tag = slot,
                             .on_done = on_done,
                             .on_piece = is_watch ? on_piece : NULL};
    uint64_t number = http_client_send(n->client, &call);
    struct live_call *made = live_call_at(self, slot);
    made->number = number;
    made->is_watch = is_watch;
}

/* ---- the observer ---- */

static void observed(void *context, const struct message *m)
{
    struct host *self = context;
    if (m->kind != MSG_WATCH_EVENT)
        return;
    struct record r =
        live_record(self, m->u.watch.deleted ? RECORD_KEY_DELETED : RECORD_KEY_PUT, self->etcd);
    r.key = m->u.watch.key;
    r.peer = NODE_NONE; /* by whom, and whether it was new, is not seen from outside */
    const struct value *value = &m->u.watch.value;
    bool is_true = value->kind == VALUE_BOOL && value->a != 0;
    r.detail = is_true && !m->u.watch.deleted ? RECORD_KEY_TRUE : 0;
    if (m->u.watch.revision > self->observer_revision)
        self->observer_revision = m->u.watch.revision;
    live_keep(self, &r);
}

static void observer_line(void *context, struct wire_text text)
{
    struct host *self = context;
    struct message watch = {.kind = MSG_WATCH_CREATE, .to = self->etcd};
    (void)wire_etcd_read_watch(&self->wire, &watch, text, self, observed);
}

static void observer_piece(void *context, uint64_t tag, const char *bytes, size_t length)
{
    struct host *self = context;
    (void)tag;
    live_read_clock(self);
    take_lines(&self->observer_line, bytes, length, self, observer_line);
}

static void observer_done(void *context, uint64_t tag, const struct http_result *result)
{
    struct host *self = context;
    (void)tag;
    (void)result;
    self->observer_call = 0;
    wire_buffer_clear(&self->observer_line);
    self->observer_retry_at = tstamp_add(self->now, OBSERVER_RETRY);
}

void live_etcd_turn(struct host *self)
{
    const struct live_node *n = live_node_at(self, self->etcd);
    if (n == NULL || self->observer_call != 0 || self->now < self->observer_retry_at ||
        !live_listens(n->state))
        return;
    struct wire_buffer *body = &self->http.body;
    wire_buffer_clear(body);
    wire_buffer_print(body,
                      "{\"create_request\":{\"key\":\"AA==\",\"range_end\":\"AA==\","
                      "\"prev_kv\":true,\"start_revision\":\"%llu\"}}",
                      (unsigned long long)self->observer_revision + 1);
    wire_buffer_clear(&self->text);
    wire_buffer_print(&self->text, "%s/v3/watch", self->etcd_url);
    struct http_call call = {.method = "POST",
                             .url = self->text.bytes,
                             .body = body->bytes,
                             .body_length = body->length,
                             .context = self,
                             .on_done = observer_done,
                             .on_piece = observer_piece};
    self->observer_call = http_client_send(self->observer, &call);
}

/* ---- open ---- */

struct probe {
    bool is_done;
    unsigned status;
    bool has_keys;
    uint64_t revision;
    char reason[128];
};

static void probed(void *context, uint64_t tag, const struct http_result *result)
{
    struct probe *probe = context;
    (void)tag;
    probe->is_done = true;
    probe->status = result->failure == HTTP_ANSWERED ? result->status : 0;
    probe->has_keys = result->body != NULL && strstr(result->body, "\"count\"") != NULL;
    static const char revision[] = "\"revision\":\"";
    const char *at = result->body == NULL ? NULL : strstr(result->body, revision);
    probe->revision = at == NULL ? 0 : strtoull(at + sizeof revision - 1, NULL, 10);
    snprintf(probe->reason, sizeof probe->reason, "%s",
             result->failure == HTTP_ANSWERED ? "answered" : result->reason);
}

/* One blocking request to the etcd that somebody named: `whisk/` as a range. */
static struct probe ask_prefix(struct host *self, const char *path, const char *more)
{
    struct probe probe = {0};
    wire_buffer_clear(&self->text);
    wire_buffer_print(&self->text, "%s%s", self->etcd_url, path);
    wire_buffer_clear(&self->http.body);
    wire_buffer_print(&self->http.body, "{\"key\":\"d2hpc2sv\",\"range_end\":\"d2hpc2sw\"%s}",
                      more);
    struct http_call call = {.method = "POST",
                             .url = self->text.bytes,
                             .body = self->http.body.bytes,
                             .body_length = self->http.body.length,
                             .timeout_ms = PROBE_MS,
                             .context = &probe,
                             .on_done = probed};
    (void)http_client_send(self->observer, &call);
    uint64_t until = loop_now_ns() + 2 * PROBE_MS * UINT64_C(1000000);
    while (!probe.is_done && loop_now_ns() < until)
        loop_turn(self->loop, MSEC(50));
    return probe;
}

bool live_etcd_open(struct host *self)
{
    self->observer = http_client_new(self->loop);
    self->lease_salt = draw_mix(loop_now_ns(), (uint64_t)(uintptr_t)self);
    if (self->etcd == NODE_NONE)
        return true;
    bool is_ours = self->etcd_url_given == NULL;
    const char *url =
        is_ours ? self->nodes[self->etcd].ports[WIRE_API].url : self->etcd_url_given;
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/')
        length--;
    snprintf(self->etcd_url, sizeof self->etcd_url, "%.*s", (int)length, url);
    if (is_ours)
        return true;
    struct probe probe = ask_prefix(self, "/v3/kv/range", ",\"count_only\":true");
    if (probe.status != 200) {
        live_fail(self, "etcd %s: %s; start one there, or leave out --etcd", self->etcd_url,
                  probe.status == 0 ? probe.reason : "not an etcd with the v3 JSON interface");
        return false;
    }
    if (probe.has_keys) {
        live_fail(
            self,
            "etcd %s: it holds keys under whisk/; give an empty one, or delete them first",
            self->etcd_url);
        return false;
    }
    self->observer_revision = probe.revision;
    return true;
}

void live_etcd_release(struct host *self)
{
    /* What this run left in an etcd that is not ours goes with it (it was empty before). */
    if (self->etcd_url_given != NULL && !self->has_error && self->observer != NULL)
        (void)ask_prefix(self, "/v3/kv/deleterange", "");
    if (self->observer != NULL)
        http_client_free(self->observer);
    wire_buffer_free(&self->observer_line);
}
