/*
 * live_call.c - calls that go out over HTTP, and what becomes of them.
 *
 * A call that nobody took comes back as MSG_REFUSED. When a process ends, the host tells its
 * peers with EVENT_LINK, and every call to it is stale from then on. A connection that breaks
 * while its peer lives concerns its call alone: a server may close one and answer on the others
 * (an nginx that reloads closes those that it takes for idle).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/live_target_internal.h"

#define CALL_TIMEOUT MINUTES(10) /* longer than any machine waits */

uint32_t live_call_new(struct host *self, const struct message *m)
{
    uint32_t slot = self->call_free;
    if (slot != UINT32_MAX) {
        self->call_free = self->calls[slot].next_free;
    } else {
        if (self->call_count == self->call_max) {
            uint32_t former = self->call_max;
            self->call_max = former == 0 ? 256 : former * 2;
            self->calls = realloc(self->calls, self->call_max * sizeof *self->calls);
            ASSERT(self->calls != NULL);
        }
        slot = self->call_count++;
        self->calls[slot] = (struct live_call){0};
    }
    self->call_open++;
    struct live_call *call = &self->calls[slot];
    struct wire_buffer line = call->line;
    wire_buffer_clear(&line);
    *call = (struct live_call){.message = *m, .host = self, .is_open = true, .line = line};
    return slot;
}

struct live_call *live_call_at(struct host *self, uint32_t slot)
{
    ASSERT_OP(slot, <, self->call_count);
    return &self->calls[slot];
}

void live_call_end(struct host *self, uint32_t slot)
{
    struct live_call *call = live_call_at(self, slot);
    ASSERT(call->is_open);
    call->is_open = false;
    call->next_free = self->call_free;
    self->call_free = slot;
    self->call_open--;
}

void live_calls_are_stale(struct host *self, node_id node, node_id peer)
{
    for (uint32_t i = 0; i < self->call_count; i++) {
        struct live_call *call = &self->calls[i];
        if (call->is_open && call->message.from == node && call->message.to == peer)
            call->is_stale = true;
    }
}

void live_calls_drop(struct host *self, node_id node)
{
    for (uint32_t i = 0; i < self->call_count; i++) {
        if (!self->calls[i].is_open || self->calls[i].message.from != node)
            continue;
        if (self->calls[i].number != 0)
            http_client_cancel(self->nodes[node].client, self->calls[i].number);
        live_call_end(self, i);
    }
}

void live_call_broken(struct host *self, struct live_call *call)
{
    node_id node = call->message.from, peer = call->message.to;
    if (call->is_stale)
        return;
    live_calls_are_stale(self, node, peer);
    live_link_event(self, node, peer, true);
    live_link_event(self, node, peer, false);
}

void live_call_broken_alone(struct host *self, const struct message *request)
{
    if (request->kind != MSG_INVOKE) {
        live_refuse(self, request);
        return;
    }
    struct message m = {.kind = MSG_INVOKE_REPLY,
                        .from = request->to,
                        .from_actor = request->to_actor,
                        .to = request->from,
                        .to_actor = request->from_actor,
                        .corr = request->corr,
                        .cause = request->cause};
    m.u.invoke_reply.id = request->u.invoke.id;
    m.u.invoke_reply.response = RESPONSE_WHISK_ERROR;
    m.u.invoke_reply.error = ERROR_CONNECTION_BROKEN;
    m.u.invoke_reply.controller = NODE_NONE;
    live_push(self, self->now, ITEM_DELIVER, &m);
}

static void on_done(void *context, uint64_t tag, const struct http_result *result)
{
    struct host *self = context;
    struct live_call *call = live_call_at(self, (uint32_t)tag);
    live_read_clock(self);
    struct message m;
    if (live_target_url(self, call->message.to) != NULL) {
        struct live_call copy = *call;
        live_call_end(self, (uint32_t)tag);
        live_target_done(self, &copy, result);
        return;
    }
    switch (result->failure) {
    case HTTP_ANSWERED:
        if (call->is_stale || call->message.kind == MSG_FORWARD)
            break;
        wire_http_read_reply(
            &self->wire, self->world.arena, &call->message,
            &(struct wire_http_in){.status = (uint16_t)result->status,
                                   .headers = {result->headers, result->headers_length},
                                   .body = {result->body, result->body_length}},
            &m);
        /* An edge that is not ours is the only server elsewhere: nobody asked for it yet. */
        live_arrive(self, &m, self->nodes[call->message.to].state == LIVE_ELSEWHERE);
        break;
    case HTTP_REFUSED:
        if (!call->is_stale)
            live_refuse(self, &call->message);
        break;
    case HTTP_BROKEN:
        if (!call->is_stale) /* its peer lives: the call alone is broken */
            live_call_broken_alone(self, &call->message);
        break;
    case HTTP_TIMED_OUT: /* the machine has long given it up */
        break;
    }
    live_call_end(self, (uint32_t)tag);
}

static const char *base_url(const struct host *self, const struct message *m)
{
    if (live_target_url(self, m->to) != NULL)
        return live_target_url(self, m->to);
    if (m->to == self->edge)
        return self->edge_url;
    enum wire_port port = wire_http_port((enum message_kind)m->kind);
    if (m->to >= self->node_count || port >= WIRE_PORT_COUNT)
        return NULL;
    return self->nodes[m->to].ports[port].url;
}

void live_call_http(struct host *self, struct message *m, const char *given)
{
    const char *base = given != NULL ? given : base_url(self, m);
    struct live_node *n = live_node_at(self, m->from);
    if (base == NULL || base[0] == '\0' || n == NULL || n->client == NULL) {
        live_refuse(self, m);
        live_free_blobs(self, m);
        return;
    }
    struct wire_http *out = &self->http;
    wire_http_clear(out);
    wire_http_write_request(&self->wire, self->world.arena, m, out);
    wire_buffer_clear(&self->text);
    wire_buffer_add(&self->text, base, strlen(base));
    wire_buffer_add(&self->text, out->path.bytes, out->path.length);
    uint8_t sight = live_target_sight(self, out, m);
    live_free_blobs(self, m);
    uint32_t slot = live_call_new(self, m);
    live_call_at(self, slot)->sight = sight;
    struct http_call call = {.method = out->method,
                             .url = self->text.bytes,
                             .headers = out->headers.bytes,
                             .body = out->body.bytes,
                             .body_length = out->body.length,
                             .timeout_ms = live_real_ms(self, CALL_TIMEOUT),
                             .tls = live_target_tls(self),
                             .context = self,
                             .tag = slot,
                             .on_done = on_done};
    uint64_t number = http_client_send(n->client, &call);
    live_call_at(self, slot)->number = number;
}

void live_call_release(struct host *self)
{
    for (uint32_t i = 0; i < self->call_count; i++)
        wire_buffer_free(&self->calls[i].line);
    free(self->calls);
}
