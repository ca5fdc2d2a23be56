/*
 * live_send.c - from a machine to wherever its message goes, and the plan's word on it.
 *
 * The plan is asked once for each message: here when it is sent; for HTTP requests where they
 * arrive, so that a client that is not ours meets the same faults; for answers of a server
 * elsewhere when they come in.
 */
#include <string.h>

#include "live/live_target_internal.h"

void live_record_lost(struct host *self, const struct message *m)
{
    struct record r = live_record(self, RECORD_MESSAGE_LOST, m->from);
    host_record_lost(&r, m);
    live_keep(self, &r);
}

void live_refuse(struct host *self, const struct message *m)
{
    if (!message_infos[m->kind].call) {
        live_record_lost(self, m);
        return;
    }
    struct message answer = host_refusal(m);
    live_push(self, self->now, ITEM_DELIVER, &answer);
}

/* ---- the plan ---- */

static void record_fault(struct host *self, const struct message *m, uint16_t rule)
{
    struct record r = live_record(self, RECORD_FAULT_APPLIED, m->from);
    host_record_fault(&r, m, rule);
    live_keep(self, &r);
}

/* FAULT_PASS when there is no plan, or no rule for it. */
static struct fault_verdict ask(struct host *self, const struct message *m)
{
    struct fault_verdict pass = {.action = FAULT_PASS};
    if (self->world.faults.plan == NULL)
        return pass;
    const struct live_node *n = live_node_at(self, m->from);
    if (n != NULL && (n->fault_mask >> m->kind & 1) == 0)
        return pass;
    struct fault_verdict verdict =
        self->world.faults.ask(self->world.faults.plan, m, self->now, message_key(m));
    if (verdict.action == FAULT_ANSWER && m->kind != MSG_HTTP_REQUEST)
        verdict.action = FAULT_DELAY; /* only HTTP can be answered by a rule */
    if (verdict.action != FAULT_PASS)
        record_fault(self, m, verdict.rule);
    return verdict;
}

/*
 * When a message may go that a rule delays until `at` (or not: now). Links that keep the order
 * of (sender, receiver) keep it under delays, as one connection does.
 */
static tstamp in_order(struct host *self, const struct message *m, tstamp at)
{
    uint32_t kept = 0;
    struct live_hold *mine = NULL;
    if (!message_infos[m->kind].ordered || (self->hold_count == 0 && at <= self->now))
        return at;
    for (uint32_t i = 0; i < self->hold_count; i++) {
        struct live_hold hold = self->holds[i];
        if (hold.until <= self->now)
            continue;
        self->holds[kept] = hold;
        if (hold.from == m->from && hold.to == m->to && hold.from_actor == m->from_actor)
            mine = &self->holds[kept];
        kept++;
    }
    self->hold_count = kept;
    if (mine != NULL) {
        mine->until = at > mine->until ? at : mine->until;
        return mine->until;
    }
    if (at > self->now && self->hold_count < LIVE_HOLDS_MAX)
        self->holds[self->hold_count++] = (struct live_hold){
            .from = m->from, .to = m->to, .from_actor = m->from_actor, .until = at};
    return at;
}

/* A count given in the node's name is the node's answer to whoever judges. */
static void record_count(struct host *self, const struct message *m,
                         const struct fault_verdict *verdict)
{
    struct record r = live_record(self, RECORD_COUNT_ANSWERED, m->to);
    host_record_count(&r, m, verdict);
    live_keep(self, &r);
}

bool live_fault_at_receiver(struct host *self, struct message *m)
{
    struct fault_verdict verdict = ask(self, m);
    if (verdict.action == FAULT_DELAY) {
        live_push(self, tstamp_add(self->now, verdict.delay), ITEM_DELIVER, m);
        return true;
    }
    if (verdict.action != FAULT_ANSWER)
        return false;
    if (verdict.is_count)
        record_count(self, m, &verdict);
    struct message reply = host_answer(self->world.arena, m, &verdict);
    live_free_blobs(self, m);
    live_push(self, tstamp_add(self->now, verdict.delay), ITEM_SEND, &reply);
    return true;
}

void live_arrive(struct host *self, struct message *m, bool is_asked)
{
    tstamp at = self->now;
    if (is_asked) {
        struct fault_verdict verdict = ask(self, m);
        if (verdict.action == FAULT_DELAY)
            at = tstamp_add(at, verdict.delay);
        at = in_order(self, m, at);
    }
    live_push(self, at, ITEM_DELIVER, m);
}

/* ---- the way ---- */

static bool goes_inside(const struct message *m)
{
    enum link link = (enum link)message_infos[m->kind].link;
    return link == LINK_POST || link == LINK_DATABASE || m->kind == MSG_EDGE_CHANGE ||
           m->kind == MSG_EDGE_CHANGED || m->kind == MSG_CACHE_INVALIDATION;
}

static const struct range *inside_range(const struct host *self, const struct message *m)
{
    const struct cluster *c = self->world.cluster;
    switch ((enum link)message_infos[m->kind].link) {
    case LINK_DATABASE:
        return &c->timing[TIMING_LINK_DATABASE];
    case LINK_KAFKA:
        return &c->timing[TIMING_LINK_KAFKA];
    case LINK_HTTP:
        return &c->timing[TIMING_LINK_HTTP];
    case LINK_POST:
    case LINK_ETCD:
    case LINK_WATCH:
    case LINK_GRPC:
    case LINK_REMOTING:
    case LINK_CONTROL:
    case LINK_COUNT:
        break;
    }
    return NULL;
}

static void route_inside(struct host *self, const struct message *m)
{
    if (m->to == NODE_HOST) {
        ASSERT_OP(m->kind, ==, MSG_EDGE_CHANGED);
        live_outside_done(self, m->corr, m->u.edge_changed.ok);
        return;
    }
    const struct range *range = inside_range(self, m);
    duration length = range == NULL
                          ? 0
                          : draw_range(self->world.draws, PURPOSE_LINK_DATABASE,
                                       draw_mix(m->from, m->to), self->next_number, *range);
    live_push(self, tstamp_add(self->now, length), ITEM_DELIVER, m);
}

static void route_http(struct host *self, struct message *m)
{
    switch ((enum message_kind)m->kind) {
    case MSG_HTTP_REPLY:
    case MSG_HTTP_CHUNK:
    case MSG_INVOKE_REPLY:
    case MSG_FETCHED:
    case MSG_RESCHEDULED:
    case MSG_QUEUE_CREATED:
        live_http_reply(self, m);
        return;
    default: /* a number that the wire knows or does not */
        live_call_http(self, m, NULL);
        return;
    }
}

void live_route(struct host *self, struct message *m)
{
    if (m->to == NODE_HOST && m->kind == MSG_CONTROL) {
        live_push(self, self->now, ITEM_CONTROL, m); /* it may step another machine */
        return;
    }
    if (m->kind == MSG_EDGE_CHANGE && live_target_url(self, m->to) != NULL) {
        live_target_on_edge_change(self, m);
        return;
    }
    if (goes_inside(m)) {
        route_inside(self, m);
        return;
    }
    switch ((enum link)message_infos[m->kind].link) {
    case LINK_ETCD:
    case LINK_WATCH:
        live_etcd_send(self, m);
        return;
    case LINK_KAFKA:
        if (m->kind == MSG_KAFKA_ANSWER)
            live_broker_answer(self, m);
        else
            live_kafka_send(self, m);
        return;
    case LINK_HTTP:
    case LINK_GRPC:
    case LINK_REMOTING:
        route_http(self, m);
        return;
    case LINK_POST:
    case LINK_DATABASE:
    case LINK_CONTROL:
    case LINK_COUNT:
        break;
    }
    live_record_lost(self, m);
    live_free_blobs(self, m);
}

static void own_blobs(struct host *self, struct message *m)
{
    if ((self->blob_kinds >> m->kind & 1) == 0)
        return;
    blob *blobs[3];
    for (unsigned count = message_blobs(m, blobs); count > 0; count--)
        blob_own(self->world.arena, ARENA_MESSAGE, *blobs[count - 1]);
}

void live_send(struct host *self, const struct message *sent)
{
    struct message m = *sent;
    own_blobs(self, &m);
    if (m.kind != MSG_HTTP_REQUEST) { /* those are asked about where they arrive */
        struct fault_verdict verdict = ask(self, &m);
        bool is_late = verdict.action == FAULT_DELAY;
        tstamp at = in_order(self, &m, tstamp_add(self->now, is_late ? verdict.delay : 0));
        if (at > self->now) {
            live_push(self, at, ITEM_SEND, &m);
            return;
        }
    }
    live_route(self, &m);
}
