/*
 * live_target_record.c - activations of a cluster elsewhere: what an answer shows, and the look
 * for their records.
 *
 * Every accepted activation is looked for (GET /api/v1/namespaces/NS/activations/ID through
 * the edge), at first after LOOK_FIRST, then with pauses that double up to LOOK_MAX, at most
 * READS_MAX at once. One that has none after `record_within` is given up: at the end it is
 * lost.
 */
#include <stdlib.h>
#include <string.h>

#include "live/live_target_internal.h"

#define LOOK_FIRST MSEC(300)
#define LOOK_MAX SEC(5)
#define LOOK_BUSY MSEC(50)
#define LOOK_TIMEOUT_MS 30000u
#define READS_MAX 32u

/* ---- records ---- */

static struct record record_of(struct host *self, enum record_kind kind,
                               const struct live_looking *look)
{
    struct record r = live_record(self, kind, look->node);
    r.activation = look->id;
    r.action = look->action;
    r.ns = look->ns;
    r.cause = look->cause;
    return r;
}

static void keep_completion(struct host *self, const struct live_looking *look,
                            uint8_t response)
{
    struct record acked = record_of(self, RECORD_ACKED, look);
    acked.peer = look->node;
    acked.detail = ACK_COMBINED;
    acked.value = response;
    live_keep(self, &acked);
    struct record received = record_of(self, RECORD_ACK_RECEIVED, look);
    received.detail = ACK_COMBINED;
    received.value = 1;
    live_keep(self, &received);
}

/* ---- looking ---- */

static struct live_looking *looking_new(struct live_target *target, uint32_t *ret_slot)
{
    uint32_t slot = target->looking_free;
    if (slot != UINT32_MAX) {
        target->looking_free = target->looking[slot].next_free;
    } else {
        if (target->looking_count == target->looking_max) {
            target->looking_max = target->looking_max == 0 ? 256 : target->looking_max * 2;
            target->looking =
                realloc(target->looking, target->looking_max * sizeof *target->looking);
            ASSERT(target->looking != NULL);
        }
        slot = target->looking_count++;
    }
    target->looking_open++;
    *ret_slot = slot;
    return &target->looking[slot];
}

static void looking_end(struct live_target *target, uint32_t slot)
{
    struct live_looking *look = &target->looking[slot];
    ASSERT(look->is_open);
    look->is_open = false;
    look->next_free = target->looking_free;
    target->looking_free = slot;
    target->looking_open--;
}

static void push_look(struct host *self, uint32_t slot, duration after)
{
    struct message m = {.kind = MSG_POST, .from = NODE_NONE, .to = NODE_HOST, .corr = slot};
    live_push(self, tstamp_add(self->now, after), ITEM_LOOK, &m);
}

static void found(struct host *self, uint32_t slot, uint8_t response)
{
    struct live_looking look = self->target->looking[slot];
    looking_end(self->target, slot);
    if (!look.has_result || look.response != response)
        keep_completion(self, &look, response);
    struct record r = record_of(self, RECORD_STORED, &look);
    r.detail = response;
    live_keep(self, &r);
}

static void on_look_done(void *context, uint64_t tag, const struct http_result *result)
{
    struct host *self = context;
    struct live_target *target = self->target;
    struct live_looking *look = &target->looking[tag];
    struct wire_activation seen;
    live_read_clock(self);
    target->reads_open--;
    struct wire_http_in in = {.status = (uint16_t)result->status,
                              .headers = {result->headers, result->headers_length},
                              .body = {result->body, result->body_length}};
    if (result->failure == HTTP_ANSWERED && result->status == 200 &&
        wire_http_read_activation(&in, &seen) && seen.has_record &&
        strcmp(seen.id, look->name) == 0) {
        found(self, (uint32_t)tag, seen.response);
        return;
    }
    push_look(self, (uint32_t)tag, look->pause);
    look->pause = look->pause * 2 > LOOK_MAX ? LOOK_MAX : look->pause * 2;
}

void live_target_on_look(struct host *self, uint32_t slot)
{
    struct live_target *target = self->target;
    struct live_looking *look = &target->looking[slot];
    if (self->now > tstamp_add(look->since, target->given->record_within)) {
        looking_end(target, slot);
        return;
    }
    if (target->reads_open >= READS_MAX) {
        push_look(self, slot, LOOK_BUSY);
        return;
    }
    struct wire_http *out = &self->http;
    wire_http_write_record_request(&self->wire, look->ns, look->name, out);
    wire_buffer_clear(&self->text);
    wire_buffer_print(&self->text, "%s%s", target->given->urls[self->edge], out->path.bytes);
    target->reads_open++;
    struct http_call call = {.method = out->method,
                             .url = self->text.bytes,
                             .headers = out->headers.bytes,
                             .timeout_ms = LOOK_TIMEOUT_MS,
                             .tls = target->given->tls,
                             .context = self,
                             .tag = slot,
                             .on_done = on_look_done};
    (void)http_client_send(target->client, &call);
}

/* ---- answers ---- */

static void keep_rejected(struct host *self, const struct message *request, uint16_t status)
{
    struct record r = live_record(self, RECORD_REJECTED, request->to);
    r.activation = request->u.invoke.id;
    r.action = request->u.invoke.action;
    r.ns = request->u.invoke.ns;
    r.cause = request->cause;
    r.value = status;
    live_keep(self, &r);
}

void live_target_on_answer(struct host *self, const struct message *request,
                           const struct wire_http_in *in)
{
    struct live_target *target = self->target;
    struct wire_activation seen;
    uint32_t slot;
    if (self->now >= tstamp_add(request->u.invoke.sent_at, target->given->patience))
        return; /* its caller has given it up */
    if (!wire_http_read_activation(in, &seen)) {
        keep_rejected(self, request, in->status);
        return;
    }
    struct live_looking *look = looking_new(target, &slot);
    *look = (struct live_looking){.id = request->u.invoke.id,
                                  .action = request->u.invoke.action,
                                  .ns = request->u.invoke.ns,
                                  .node = request->to,
                                  .cause = request->cause,
                                  .since = self->now,
                                  .pause = LOOK_FIRST,
                                  .is_open = true,
                                  .has_result = seen.has_record,
                                  .response = seen.response};
    memcpy(look->name, seen.id, sizeof look->name);
    live_names_keep(target->given->names, look->id, seen.id);
    struct record r = record_of(self, RECORD_ACCEPTED, look);
    r.value = request->u.invoke.blocking;
    look->cause = (uint32_t)r.seq;
    live_keep(self, &r);
    if (seen.has_record)
        keep_completion(self, look, seen.response);
    push_look(self, slot, LOOK_FIRST);
}
