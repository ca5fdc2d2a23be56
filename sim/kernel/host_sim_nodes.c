/*
 * host_sim_nodes.c - what happens to a node as a whole, by the deploy tool, a fault or the
 * scenario, and what its peers see of it.
 */
#include <string.h>

#include "kernel/host_sim_internal.h"

static struct host_task *message_task(struct message *m)
{
    return MESSAGE_LOCAL(m, struct host_task);
}

void host_push_link_event(struct host *self, node_id node, node_id peer, bool down)
{
    if (node >= self->node_count || !state_listens(self->nodes[node].state))
        return;
    struct message *m = clock_push(&self->clock, self->clock.now, CLASS_LINK);
    *m = (struct message){.from = peer, .to = node};
    m->u.words[0] = down;
}

static void tell_peers(struct host *self, node_id peer, bool down)
{
    for (uint32_t i = 0; i < self->node_count; i++) {
        if (i != peer)
            host_push_link_event(self, (node_id)i, peer, down);
    }
}

void host_on_link_event(struct host *self, const struct message *m)
{
    if ((m->kind & KIND_STALE) != 0)
        return; /* for an incarnation that is gone */
    ASSERT(state_listens(self->nodes[m->to].state));
    struct event ev = {.kind = EVENT_LINK, .peer = m->from, .down = (uint8_t)m->u.words[0]};
    uint64_t word = (uint64_t)m->from << 1 | ev.down;
    host_step(self, m->to, &ev, mix_event(EVENT_LINK, self->clock.now, m->to, word));
}

static void step_plain(struct host *self, node_id node, enum event_kind kind)
{
    struct event ev = {.kind = kind};
    host_step(self, node, &ev, mix_event(kind, self->clock.now, node, 0));
}

static void keep_node_record(struct host *self, enum record_kind kind, node_id node,
                             uint8_t detail)
{
    struct node_slot *n = &self->nodes[node];
    struct record r = host_record(self, kind, node);
    r.detail = detail;
    r.value = n->env.incarnation;
    r.value2 = n->env.behaviour;
    r.cause = n->cause;
    n->cause = (uint32_t)r.seq;
    host_keep_record(self, &r);
}

static void listen(struct host *self, node_id node)
{
    struct node_slot *n = &self->nodes[node];
    size_t kept = n->ops->durable_size;
    ASSERT_OP(n->state, ==, STATE_BOOTING);
    memset((char *)n->machine + kept, 0, n->ops->size - kept);
    assert_context.node = node;
    assert_context.node_name = n->name;
    n->state = STATE_UP;
    if (n->ops->init != NULL)
        n->ops->init(n->machine, &n->env);
    keep_node_record(self, RECORD_NODE_LISTENING, node, 0);
    step_plain(self, node, EVENT_START);
    if (n->env.incarnation > 0)
        tell_peers(self, node, false);
}

static struct message *push_task(struct host *self, tstamp at, enum host_task_kind kind,
                                 node_id node, const struct message *asked)
{
    struct message *m = clock_push(&self->clock, at, CLASS_CRASH);
    *m = (struct message){.kind = MSG_CONTROL, .from = NODE_NONE, .to = NODE_HOST};
    struct host_task *task = message_task(m);
    task->kind = (uint8_t)kind;
    task->node = node;
    task->incarnation = self->nodes[node].env.incarnation;
    if (asked != NULL) {
        m->from = asked->from;
        m->from_actor = asked->from_actor;
        m->corr = asked->corr;
        m->cause = asked->cause;
        task->op = asked->u.control.op;
        task->asker_incarnation = self->nodes[asked->from].env.incarnation;
    }
    return m;
}

/* The process begins; `is_slow`: its port is bound later. */
static void boot(struct host *self, node_id node, bool is_slow)
{
    struct node_slot *n = &self->nodes[node];
    const struct node_info *info = &self->cluster->nodes[node];
    ASSERT_OP(n->state, ==, STATE_DOWN);
    n->state = STATE_BOOTING;
    n->env.incarnation = n->boots++;
    n->env.behaviour = n->is_updated ? info->behaviour_to : info->behaviour_from;
    keep_node_record(self, RECORD_NODE_STARTED, node, 0);
    duration time = is_slow ? host_restart_time(&n->env) : 0;
    if (time == 0)
        listen(self, node);
    else
        (void)push_task(self, tstamp_add(self->clock.now, time), TASK_LISTEN, node, NULL);
}

static void mark(struct message *m, node_id node)
{
    if (m->to == node)
        m->kind |= KIND_STALE;
    else if (m->from == node && message_infos[m->kind & KIND_MASK].call)
        m->kind |= KIND_ORPHAN;
}

/* What is in flight to this incarnation never arrives; cost: all that is in flight. */
static void mark_in_flight(struct host *self, node_id node)
{
    struct clock *clock = &self->clock;
    for (size_t i = HEAP_ROOT; i < clock->heap.end; i++) {
        struct event_key key = clock->heap.nodes[i];
        if (event_key_class(key) != CLASS_CRASH)
            mark(&clock->bodies[event_key_slot(key)], node);
    }
    for (uint32_t i = 0; i < clock->ring_count; i++)
        mark(&clock->ring[(clock->ring_head + i) & (clock->ring_max - 1)], node);
}

void host_cut(struct host *self, node_id node, bool by_fault)
{
    struct node_slot *n = &self->nodes[node];
    if (n->state == STATE_DOWN)
        return;
    bool listened = state_listens(n->state), has_ended = n->state == STATE_ENDING;
    n->state = STATE_DOWN;
    if (has_ended)
        return; /* what it had went with its SIGTERM */
    clock_set_leaf(&self->clock, node, EVENT_KEY_NEVER);
    arena_release_owner(self->arena, node, false);
    keep_node_record(self, RECORD_NODE_STOPPED, node, by_fault);
    if (!listened)
        return;
    mark_in_flight(self, node);
    tell_peers(self, node, true);
}

/* SIGTERM. A process that is still booting has no handler for it and ends at once. */
static void signal_node(struct host *self, node_id node)
{
    struct node_slot *n = &self->nodes[node];
    if (n->state == STATE_BOOTING)
        host_cut(self, node, false);
    if (n->state != STATE_UP)
        return;
    n->state = STATE_STOPPING;
    n->cut_at = tstamp_add(self->clock.now, host_stop_time(&n->env));
    keep_node_record(self, RECORD_NODE_STOPPING, node, 0);
    step_plain(self, node, EVENT_SIGNAL);
    if (!n->ops->ends_at_signal)
        return;
    host_cut(self, node, false);
    n->state = STATE_ENDING;
}

static void answer_asker(struct host *self, const struct message *asked, uint8_t op,
                         node_id node, uint32_t asker_incarnation, bool ok)
{
    const struct node_slot *asker = &self->nodes[asked->from];
    if (!state_listens(asker->state) || asker->env.incarnation != asker_incarnation)
        return;
    struct message m = {.kind = MSG_CONTROL_DONE,
                        .from = NODE_HOST,
                        .to = asked->from,
                        .to_actor = asked->from_actor,
                        .corr = asked->corr,
                        .cause = asked->cause};
    m.u.control_done.op = op;
    m.u.control_done.ok = ok;
    m.u.control_done.node = node;
    self->network.counts[LINK_CONTROL].sent++;
    *clock_post(&self->clock) = m;
}

static void answer_now(struct host *self, const struct message *asked, bool ok)
{
    answer_asker(self, asked, asked->u.control.op, asked->u.control.node,
                 self->nodes[asked->from].env.incarnation, ok);
}

static void on_stop(struct host *self, const struct message *m, node_id node)
{
    signal_node(self, node);
    if (state_stops(self->nodes[node].state))
        (void)push_task(self, self->nodes[node].cut_at, TASK_CUT, node, m);
    else
        answer_now(self, m, true);
}

void host_on_control(struct host *self, const struct message *m)
{
    node_id node = m->u.control.node;
    tstamp now = self->clock.now;
    ASSERT_OP(m->from, <, self->node_count);
    if (node >= self->node_count) {
        answer_now(self, m, false);
        return;
    }
    switch ((enum control_op)m->u.control.op) {
    case CONTROL_STOP:
        self->nodes[node].cause = m->cause;
        on_stop(self, m, node);
        break;
    case CONTROL_KILL:
        self->nodes[node].cause = m->cause;
        host_cut(self, node, false);
        answer_now(self, m, true);
        break;
    case CONTROL_START:
        (void)push_task(self, tstamp_add(now, HOST_DOCKER_RUN), TASK_BOOT, node, m);
        break;
    case CONTROL_PULL: {
        duration time = draw_range(self->draws, PURPOSE_PULL, node, self->nodes[node].pulls++,
                                   self->cluster->timing[TIMING_PULL]);
        (void)push_task(self, tstamp_add(now, time), TASK_DONE, node, m);
        break;
    }
    case CONTROL_REMOVE_CONTAINERS:
        (void)push_task(self, tstamp_add(now, HOST_DOCKER_REMOVE), TASK_DONE, node, m);
        break;
    }
}

void host_on_task(struct host *self, const struct message *m)
{
    const struct host_task *task = MESSAGE_LOCAL_CONST(m, struct host_task);
    struct node_slot *n = &self->nodes[task->node];
    bool ok = true, is_same = n->env.incarnation == task->incarnation;
    assert_context.at = self->clock.now;
    assert_context.node = NODE_HOST;
    assert_context.node_name = "host";
    switch ((enum host_task_kind)task->kind) {
    case TASK_BOOT:
        ok = !state_stops(n->state);
        if (n->state == STATE_DOWN) {
            n->cause = m->cause;
            n->is_updated = true;
            boot(self, task->node, true);
        }
        break;
    case TASK_LISTEN:
        if (is_same && n->state == STATE_BOOTING)
            listen(self, task->node);
        break;
    case TASK_CUT:
        if (is_same && state_stops(n->state))
            host_cut(self, task->node, false);
        break;
    case TASK_DONE:
        break;
    }
    if (m->from != NODE_NONE)
        answer_asker(self, m, task->op, task->node, task->asker_incarnation, ok);
}

void host_on_plan(struct host *self)
{
    tstamp now = self->clock.now;
    self->plan_is_stale = self->has_kills;
    uint16_t rule = 0;
    node_id node;
    while ((node = self->faults.take_kill(self->faults.plan, now, &rule)) != NODE_NONE) {
        ASSERT_OP(node, <, self->node_count);
        struct record r = host_record(self, RECORD_FAULT_APPLIED, node);
        r.peer = node;
        r.value = rule;
        host_keep_record(self, &r);
        self->nodes[node].cause = (uint32_t)r.seq;
        host_cut(self, node, true);
    }
}

void host_sim_start(struct host *self, node_id node)
{
    ASSERT_OP(node, <, self->node_count);
    if (self->nodes[node].state == STATE_DOWN)
        boot(self, node, false);
}

void host_sim_stop(struct host *self, node_id node)
{
    ASSERT_OP(node, <, self->node_count);
    if (state_stops(self->nodes[node].state))
        return;
    signal_node(self, node);
    if (state_stops(self->nodes[node].state))
        (void)push_task(self, self->nodes[node].cut_at, TASK_CUT, node, NULL);
}

void host_sim_kill(struct host *self, node_id node)
{
    ASSERT_OP(node, <, self->node_count);
    host_cut(self, node, true);
}
