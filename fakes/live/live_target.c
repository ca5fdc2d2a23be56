/*
 * live_target.c - see live_target.h: requests to a cluster elsewhere, what their answers show,
 * and the operations on its nodes. Records of activations are in live_target_record.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/live_target_internal.h"

#define PING_TIMEOUT_MS 3000u
#define PING_FAILURES 2u /* one may be a connection that broke */
#define PING_SOON MSEC(250)

/* ---- nodes ---- */

static void keep_node(struct host *self, enum record_kind kind, node_id node, uint8_t detail,
                      uint32_t cause)
{
    struct record r = live_record(self, kind, node);
    r.detail = detail;
    r.value = self->nodes[node].env.incarnation;
    r.value2 = self->nodes[node].env.behaviour;
    r.cause = cause;
    live_keep(self, &r);
}

static void node_started(struct host *self, node_id node, uint32_t cause)
{
    struct live_target_node *seen = &self->target->nodes[node];
    struct live_node *n = &self->nodes[node];
    if (seen->is_up)
        return;
    seen->is_up = true;
    n->env.incarnation = n->boots++;
    n->env.behaviour = n->boots > 1 ? self->world.cluster->nodes[node].behaviour_to
                                    : self->world.cluster->nodes[node].behaviour_from;
    keep_node(self, RECORD_NODE_STARTED, node, 0, cause);
}

static void node_listens(struct host *self, node_id node)
{
    struct live_target_node *seen = &self->target->nodes[node];
    node_started(self, node, 0);
    seen->failures = 0;
    if (seen->is_listening)
        return;
    seen->is_listening = true;
    keep_node(self, RECORD_NODE_LISTENING, node, 0, 0);
}

static void node_stopped(struct host *self, node_id node, bool by_fault, uint32_t cause)
{
    struct live_target_node *seen = &self->target->nodes[node];
    seen->stopped_at = self->now;
    if (!seen->is_up)
        return;
    seen->is_up = seen->is_listening = false;
    keep_node(self, RECORD_NODE_STOPPED, node, by_fault, cause);
}

static void push_ping(struct host *self, node_id node, duration after)
{
    struct message m = {.kind = MSG_POST, .from = node, .to = NODE_HOST};
    live_push(self, tstamp_add(self->now, after), ITEM_PING, &m);
}

static bool is_pinged(const struct host *self, node_id node)
{
    return cluster_kind(self->world.cluster, node) != NODE_EDGE;
}

void live_target_start(struct host *self, node_id node)
{
    node_listens(self, node); /* whoever opened the host has asked it */
    if (is_pinged(self, node))
        push_ping(self, node, self->target->given->ping_every);
}

static void on_ping_done(void *context, uint64_t tag, const struct http_result *result)
{
    struct host *self = context;
    node_id node = (node_id)tag;
    live_read_clock(self);
    struct live_target_node *seen = &self->target->nodes[node];
    bool is_ok = result->failure == HTTP_ANSWERED && result->status == 200;
    bool is_old = seen->stopped_at != 0 && seen->pinged_at <= seen->stopped_at;
    if (is_ok && !is_old)
        node_listens(self, node);
    else if (!is_ok && seen->is_listening && ++seen->failures >= PING_FAILURES)
        node_stopped(self, node, true, 0);
    push_ping(self, node,
              seen->is_listening && seen->failures == 0 ? self->target->given->ping_every
                                                        : PING_SOON);
}

void live_target_on_ping(struct host *self, node_id node)
{
    struct live_target *target = self->target;
    wire_buffer_clear(&self->text);
    wire_buffer_print(&self->text, "%s/ping", target->given->urls[node]);
    target->nodes[node].pinged_at = self->now;
    struct http_call call = {.method = "GET",
                             .url = self->text.bytes,
                             .timeout_ms = PING_TIMEOUT_MS,
                             .tls = target->given->tls,
                             .context = self,
                             .tag = node,
                             .on_done = on_ping_done};
    (void)http_client_send(target->client, &call);
}

/* ---- operations ---- */

static bool is_edge_order(enum live_order order)
{
    return order == LIVE_ORDER_EDGE_REMOVE || order == LIVE_ORDER_EDGE_ADD;
}

static void answer_edge(struct host *self, const struct message *asked, bool ok)
{
    struct record r = live_record(self, RECORD_EDGE_CHANGED, self->edge);
    r.peer = asked->u.edge_change.controller;
    r.value = asked->u.edge_change.add;
    r.outcome = ok ? OUTCOME_OK : OUTCOME_FAILED;
    r.cause = asked->cause;
    live_keep(self, &r);
    struct message m = {.kind = MSG_EDGE_CHANGED,
                        .from = asked->to,
                        .to = asked->from,
                        .from_actor = asked->to_actor,
                        .to_actor = asked->from_actor,
                        .corr = asked->corr,
                        .cause = asked->cause};
    m.u.edge_changed.controller = asked->u.edge_change.controller;
    m.u.edge_changed.add = asked->u.edge_change.add;
    m.u.edge_changed.ok = ok;
    live_push(self, self->now, ITEM_DELIVER, &m);
}

static void on_order_done(void *context, bool ok)
{
    struct live_target_order *order = context;
    struct host *self = order->host;
    struct message asked = order->asked;
    live_read_clock(self);
    order->is_open = false;
    if (is_edge_order((enum live_order)order->order)) {
        answer_edge(self, &asked, ok);
        return;
    }
    node_id node = asked.u.control.node;
    if (ok && order->order == LIVE_ORDER_STOP)
        node_stopped(self, node, false, asked.cause);
    if (ok && order->order == LIVE_ORDER_START)
        node_started(self, node, asked.cause);
    live_answer_control(self, &asked, ok);
}

static struct live_target_order *order_new(struct live_target *target)
{
    for (uint32_t i = 0; i < LIVE_ORDERS_MAX; i++) {
        if (!target->orders[i].is_open)
            return &target->orders[i];
    }
    return NULL;
}

/* False: there is no command for it. */
static bool order_begin(struct host *self, const struct message *m, node_id node,
                        enum live_order what)
{
    struct live_target *target = self->target;
    struct live_target_order *order = order_new(target);
    if (order == NULL)
        return false;
    *order = (struct live_target_order){
        .host = self, .asked = *m, .order = (uint8_t)what, .is_open = true};
    order->is_open =
        target->given->order(target->given->context, node, what, order, on_order_done);
    return order->is_open;
}

void live_target_on_edge_change(struct host *self, const struct message *m)
{
    enum live_order what = m->u.edge_change.add ? LIVE_ORDER_EDGE_ADD : LIVE_ORDER_EDGE_REMOVE;
    if (!order_begin(self, m, m->u.edge_change.controller, what))
        answer_edge(self, m, false);
}

void live_target_on_control(struct host *self, const struct message *m)
{
    static const uint8_t orders[] = {[CONTROL_STOP] = LIVE_ORDER_STOP,
                                     [CONTROL_KILL] = LIVE_ORDER_STOP,
                                     [CONTROL_START] = LIVE_ORDER_START,
                                     [CONTROL_PULL] = LIVE_ORDER_PULL,
                                     [CONTROL_REMOVE_CONTAINERS] =
                                         LIVE_ORDER_REMOVE_CONTAINERS};
    enum live_order what = (enum live_order)orders[m->u.control.op];
    node_id node = m->u.control.node;
    if (what == LIVE_ORDER_STOP && self->target->nodes[node].is_up)
        keep_node(self, RECORD_NODE_STOPPING, node, 0, m->cause);
    if (!order_begin(self, m, node, what))
        live_answer_control(self, m,
                            what == LIVE_ORDER_PULL || what == LIVE_ORDER_REMOVE_CONTAINERS);
}

/* ---- gates ---- */

uint8_t live_target_sight(const struct host *self, const struct wire_http *out,
                          const struct message *m)
{
    static const struct {
        const char *method, *path;
        enum live_sight sight;
    } sights[] = {{"POST", "/disable", SIGHT_DISABLE},
                  {"POST", "/enable", SIGHT_ENABLE},
                  {"GET", "/activation/count", SIGHT_COUNT},
                  {"GET", "/pool/count", SIGHT_COUNT},
                  {"GET", "/ping", SIGHT_PING}};
    if (self->target == NULL || m->kind != MSG_HTTP_REQUEST || out->path.length == 0)
        return SIGHT_NONE;
    for (size_t i = 0; i < sizeof sights / sizeof sights[0]; i++) {
        if (strcmp(out->method, sights[i].method) == 0 &&
            strcmp(out->path.bytes, sights[i].path) == 0)
            return (uint8_t)sights[i].sight;
    }
    return SIGHT_NONE;
}

static bool read_count(const struct http_result *result, uint64_t *ret_count)
{
    size_t i = 0;
    *ret_count = 0;
    while (i < result->body_length && i < 18 && result->body[i] >= '0' &&
           result->body[i] <= '9')
        *ret_count = *ret_count * 10 + (uint64_t)(result->body[i++] - '0');
    return i > 0 && i == result->body_length;
}

static void keep_sight(struct host *self, const struct live_call *call,
                       const struct http_result *result)
{
    node_id node = call->message.to;
    struct record r;
    switch ((enum live_sight)call->sight) {
    case SIGHT_NONE:
        return;
    case SIGHT_PING:
        if (result->status == 200)
            node_listens(self, node);
        return;
    case SIGHT_DISABLE:
    case SIGHT_ENABLE:
        if (result->status != 200)
            return;
        r = live_record(
            self, call->sight == SIGHT_DISABLE ? RECORD_NODE_DISABLED : RECORD_NODE_ENABLED,
            node);
        break;
    case SIGHT_COUNT:
        r = live_record(self, RECORD_COUNT_ANSWERED, node);
        r.detail = (uint8_t)(result->status / 100);
        if (!read_count(result, &r.value) && r.detail == 2)
            r.detail = 0; /* it said something, but no number */
        break;
    }
    r.cause = call->message.cause;
    live_keep(self, &r);
}

/* ---- answers ---- */

void live_target_done(struct host *self, const struct live_call *call,
                      const struct http_result *result)
{
    struct message request = call->message, reply;
    if (result->failure == HTTP_REFUSED) {
        live_refuse(self, &request);
        return;
    }
    if (result->failure != HTTP_ANSWERED) {
        live_call_broken_alone(self, &request);
        return;
    }
    struct wire_http_in in = {.status = (uint16_t)result->status,
                              .headers = {result->headers, result->headers_length},
                              .body = {result->body, result->body_length}};
    keep_sight(self, call, result);
    if (request.kind == MSG_INVOKE && request.from == self->client)
        live_target_on_answer(self, &request, &in);
    wire_http_read_reply(&self->wire, self->world.arena, &request, &in, &reply);
    live_push(self, self->now, ITEM_DELIVER, &reply);
}

/* ---- life ---- */

void live_target_open(struct host *self, const struct host_live_target *given)
{
    struct live_target *target = calloc(1, sizeof *target);
    ASSERT(target != NULL);
    self->target = target;
    target->given = given;
    target->client = http_client_new(self->loop);
    target->nodes = calloc(self->node_count, sizeof *target->nodes);
    ASSERT(target->client != NULL && target->nodes != NULL);
    target->looking_free = UINT32_MAX;
    self->wire.auths = given->auths;
    self->wire.system_auth = given->system_auth;
}

const char *live_target_url(const struct host *self, node_id node)
{
    return self->target == NULL || node >= self->node_count ? NULL
                                                            : self->target->given->urls[node];
}

const struct http_tls *live_target_tls(const struct host *self)
{
    return self->target == NULL ? NULL : self->target->given->tls;
}

bool live_target_pending(const struct host *self, char *text, size_t size)
{
    const struct live_target *target = self->target;
    if (target == NULL || target->looking_open == 0)
        return false; /* an open operation is a step of the deploy tool, which says so */
    snprintf(text, size, "%u accepted activations without a record", target->looking_open);
    return true;
}

void live_target_release(struct host *self)
{
    if (self->target == NULL)
        return;
    http_client_free(self->target->client);
    free(self->target->nodes);
    free(self->target->looking);
    free(self->target);
    self->target = NULL;
}
