/*
 * etcd_gateway_watch.c - streams of watches.
 *
 * The requests of a body are all taken before the first event goes out: history comes from a
 * loop of its own upstream, a moment later.
 */
#include "core/assert.h"
#include "etcd/etcd_gateway_internal.h"
#include <string.h>

#define BATCH_REVISIONS 1000u /* mvcc/watcher_group.go, watchBatchMaxRevs */
#define ID_NONE INT64_C(-1)   /* of no watch, or of all */

static struct etcd_stream stream_key(const struct gateway_stream *stream)
{
    return (struct etcd_stream){.node = stream->request.from,
                                .actor = stream->request.from_actor,
                                .number = stream->number};
}

static bool stream_has(const struct gateway_stream *stream, const struct etcd_watch *watch)
{
    return watch->stream.number == stream->number;
}

/* One line; the first one brings the head of the answer with it. */
static void stream_send(struct etcd *etcd, struct gateway_stream *stream,
                        struct gateway_out *out, struct effects *fx)
{
    gateway_out_close(out, '}');
    gateway_out_close(out, '}');
    gateway_out_add(out, "\n");
    if (!stream->has_begun)
        gateway_reply_head(&stream->request, etcd, fx)->u.http_reply.more = 1;
    stream->has_begun = true;
    struct message *m = effects_reply(fx, &stream->request, MSG_HTTP_CHUNK);
    m->u.http_chunk.body = gateway_out_finish(out);
}

/* Up to where its own members begin. */
static struct gateway_out line_begin(const struct etcd *etcd, uint64_t revision, int64_t id)
{
    struct gateway_out out = {.env = etcd->env};
    gateway_out_open(&out, NULL, '{');
    gateway_out_open(&out, "result", '{');
    gateway_print_header(&out, etcd, revision);
    gateway_out_signed(&out, "watch_id", id);
    return out;
}

static void watch_send(struct etcd *etcd, struct gateway_stream *stream,
                       struct etcd_watch *watch, const struct etcd_version *version,
                       struct effects *fx)
{
    version = etcd_watch_next(watch, version);
    while (version != NULL) {
        struct gateway_out out = line_begin(etcd, etcd->store.revision, watch->id);
        uint64_t revision = 0;
        uint32_t revisions = 0;
        gateway_out_open(&out, "events", '[');
        for (; version != NULL; version = etcd_watch_next(watch, version->log_next)) {
            revisions += version->revision != revision;
            revision = version->revision;
            if (revisions > BATCH_REVISIONS)
                break;
            gateway_print_event(&out, etcd, version, watch->prev_kv);
        }
        gateway_out_close(&out, ']');
        stream_send(etcd, stream, &out, fx);
        watch->told = true;
    }
    etcd_watch_told(watch, &etcd->store);
}

static void on_create(struct gateway_context *c, struct gateway_stream *stream,
                      const struct gateway_create *m)
{
    struct etcd *etcd = c->etcd;
    struct etcd_watch_request request = {
        .stream = stream_key(stream),
        .id = m->watch_id == 0 ? ETCD_WATCH_ID_DRAWN : m->watch_id,
        .stream_next_id = &stream->next_id,
        .span = {m->key, m->range_end},
        .start_revision = m->start_revision < 0 ? 1 : (uint64_t)m->start_revision,
        .prev_kv = m->prev_kv,
        .progress_notify = m->progress_notify,
    };
    const int32_t *filters = m->filters.items;
    for (uint32_t i = 0; i < m->filters.count; i++) {
        request.no_put |= filters[i] == FILTER_NO_PUT;
        request.no_delete |= filters[i] == FILTER_NO_DELETE;
    }
    enum etcd_cancel reason;
    const struct etcd_watch *watch =
        etcd_watch_open(&etcd->watches, &etcd->store, &request, &reason);
    struct gateway_out out =
        line_begin(etcd, etcd->store.revision, watch == NULL ? ID_NONE : watch->id);
    gateway_out_bool(&out, "created", true);
    gateway_out_bool(&out, "canceled", watch == NULL);
    gateway_out_string(&out, "cancel_reason", etcd_cancel_to_string(reason));
    stream_send(etcd, stream, &out, c->fx);
    if (m->progress_notify && !timer_is_armed(&stream->timer))
        timers_arm(&etcd->timers, c->fx, &stream->timer, etcd_config(etcd)->progress_interval,
                   true);
}

static void on_cancel(struct gateway_context *c, struct gateway_stream *stream,
                      const struct gateway_cancel *m)
{
    struct etcd *etcd = c->etcd;
    struct etcd_watch *watch = etcd_watch_find(&etcd->watches, stream_key(stream), m->watch_id);
    if (watch == NULL)
        return; /* no answer upstream either */
    etcd_watch_close(&etcd->watches, etcd->env, watch);
    struct gateway_out out = line_begin(etcd, etcd->store.revision, m->watch_id);
    gateway_out_bool(&out, "canceled", true);
    stream_send(etcd, stream, &out, c->fx);
}

static void on_request(struct gateway_context *c, struct gateway_stream *stream,
                       const struct gateway_watch *m)
{
    if (m->create != NULL) {
        on_create(c, stream, m->create);
    } else if (m->cancel != NULL) {
        on_cancel(c, stream, m->cancel);
    } else if (m->progress != NULL) {
        struct gateway_out out = line_begin(c->etcd, c->etcd->store.revision, ID_NONE);
        stream_send(c->etcd, stream, &out, c->fx);
    }
}

/* What is older than the stream: told from the log, or gone from it. */
static void stream_catch_up(struct etcd *etcd, struct gateway_stream *stream,
                            struct effects *fx)
{
    uint32_t i = 0;
    while (i < etcd->watches.count) {
        struct etcd_watch *watch = etcd->watches.list[i];
        if (!stream_has(stream, watch)) {
            i++;
        } else if (!etcd_watch_is_too_late(watch, &etcd->store)) {
            watch_send(etcd, stream, watch, etcd->store.log_first, fx);
            i++;
        } else {
            struct gateway_out out = line_begin(etcd, 0, watch->id);
            gateway_out_bool(&out, "canceled", true);
            gateway_out_number(&out, "compact_revision", etcd->store.compacted);
            stream_send(etcd, stream, &out, fx);
            etcd_watch_close(&etcd->watches, etcd->env, watch);
        }
    }
}

static struct gateway_stream *stream_open(struct gateway_context *c)
{
    const struct machine_env *env = c->etcd->env;
    struct etcd_gateway *gateway = &c->etcd->gateway;
    struct gateway_stream *stream = arena_alloc(env->arena, env->node, sizeof *stream);
    stream->timer.kind = ETCD_TIMER_PROGRESS;
    stream->request = *c->request;
    memset(&stream->request.u, 0, sizeof stream->request.u); /* its blobs are the host's */
    stream->number = ++gateway->next_number;
    if (gateway->stream_count == gateway->stream_max) {
        gateway->stream_max = gateway->stream_max == 0 ? 8 : gateway->stream_max * 2;
        gateway->streams = arena_grow(env->arena, env->node, gateway->streams,
                                      gateway->stream_max * sizeof gateway->streams[0]);
    }
    gateway->streams[gateway->stream_count++] = stream;
    return stream;
}

/* What cannot be read ends the requests, and is an error only at the begin of the body. */
void gateway_on_watch(struct gateway_context *c)
{
    struct gateway_body body = {c->body, 0};
    struct gateway_stream *stream = NULL;
    for (;;) {
        struct gateway_watch m = {0};
        struct etcd_text value;
        enum gateway_next next = gateway_body_next(&body, &value, &c->error);
        bool is_bad =
            next == GATEWAY_BAD ||
            (next == GATEWAY_VALUE &&
             !gateway_message_read(&gateway_watch_message, value, &c->memory, &m, &c->error));
        if (is_bad && stream == NULL) {
            gateway_stream_failed(c);
            return;
        }
        if (stream == NULL)
            stream = stream_open(c);
        if (is_bad || next == GATEWAY_END)
            break;
        on_request(c, stream, &m);
    }
    stream_catch_up(c->etcd, stream, c->fx);
}

static struct gateway_stream *stream_of(const struct etcd *etcd, const struct etcd_watch *watch)
{
    for (uint32_t i = 0; i < etcd->gateway.stream_count; i++) {
        if (stream_has(etcd->gateway.streams[i], watch))
            return etcd->gateway.streams[i];
    }
    return NULL;
}

void etcd_gateway_notify(struct etcd *self, struct etcd_watch *watch, struct effects *fx)
{
    struct gateway_stream *stream = stream_of(self, watch);
    ASSERT(stream != NULL);
    watch_send(self, stream, watch, self->store.change_first, fx);
}

void etcd_gateway_wake(struct etcd *self, struct timer *timer, struct effects *fx)
{
    struct gateway_stream *stream = (struct gateway_stream *)(void *)timer;
    bool is_wanted = false;
    for (uint32_t i = 0; i < self->watches.count; i++) {
        struct etcd_watch *watch = self->watches.list[i];
        if (!stream_has(stream, watch) || !watch->progress_notify)
            continue;
        is_wanted = true;
        if (!etcd_watch_is_idle(watch))
            continue;
        struct gateway_out out = line_begin(self, self->store.revision, watch->id);
        stream_send(self, stream, &out, fx);
    }
    if (is_wanted)
        timers_arm(&self->timers, fx, &stream->timer, etcd_config(self)->progress_interval,
                   true);
}

void gateway_stream_close(struct etcd *etcd, uint32_t index)
{
    struct etcd_gateway *gateway = &etcd->gateway;
    struct gateway_stream *stream = gateway->streams[index];
    timers_cancel(&etcd->timers, &stream->timer);
    etcd_watches_close_stream(&etcd->watches, etcd->env, stream_key(stream));
    arena_release(etcd->env->arena, stream);
    gateway->stream_count--;
    memmove(gateway->streams + index, gateway->streams + index + 1,
            (gateway->stream_count - index) * sizeof gateway->streams[0]);
}
