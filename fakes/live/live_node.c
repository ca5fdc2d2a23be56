/*
 * live_node.c - what happens to a node as a whole: boot, signal, cut, and what its peers see.
 *
 * The same life as in the simulated host, with ports that are really bound and connections that
 * really break. The peers are told of it in the same instant; what they had under way with the
 * node ends at their sockets, and is then old news.
 */
#include <stdio.h>
#include <string.h>

#include "live/live_target_internal.h"

/* ansible/group_vars/all:94,115-119,210,229-231,506-523 */
static const struct {
    uint8_t has_port[WIRE_PORT_COUNT];
    uint16_t base[WIRE_PORT_COUNT];
} ports_of[NODE_KIND_COUNT] = {
    [NODE_EDGE] = {{1}, {10080}},
    [NODE_CONTROLLER] = {{1}, {10001}},
    [NODE_SCHEDULER] = {{1, 1, 1}, {14001, 13001, 17355}},
    [NODE_INVOKER] = {{1}, {12001}},
    [NODE_ETCD] = {{1}, {2379}},
};

static struct live_task *item_task(struct message *m)
{
    return MESSAGE_LOCAL(m, struct live_task);
}

void live_link_event(struct host *self, node_id node, node_id peer, bool down)
{
    struct live_node *n = live_node_at(self, node);
    if (n == NULL || !live_listens(n->state) || n->machine == NULL)
        return;
    struct message m = {.kind = MSG_POST, .from = peer, .to = node};
    live_push(self, self->now, down ? ITEM_LINK_DOWN : ITEM_LINK_UP, &m);
}

static void tell_peers(struct host *self, node_id peer, bool down)
{
    for (uint32_t i = 0; i < self->node_count; i++) {
        if (i != peer)
            live_link_event(self, (node_id)i, peer, down);
    }
}

static void keep_node_record(struct host *self, enum record_kind kind, node_id node,
                             uint8_t detail)
{
    struct live_node *n = &self->nodes[node];
    struct record r = live_record(self, kind, node);
    r.detail = detail;
    r.value = n->env.incarnation;
    r.value2 = n->env.behaviour;
    r.cause = n->cause;
    n->cause = (uint32_t)r.seq;
    live_keep(self, &r);
}

/* ---- open ---- */

static bool is_elsewhere(const struct host *self, node_id node)
{
    return (node == self->etcd && self->etcd_url_given != NULL) ||
           (node == self->kafka && self->bootstrap_given != NULL) ||
           (node == self->edge && self->edge_url_given != NULL) ||
           (self->target != NULL && live_target_url(self, node) != NULL);
}

static bool bind_ports(struct host *self, struct live_node *n)
{
    enum node_kind kind = cluster_kind(self->world.cluster, n->env.node);
    for (unsigned p = 0; p < WIRE_PORT_COUNT; p++) {
        if (ports_of[kind].has_port[p] && !live_http_open(self, &n->ports[p]))
            return false;
    }
    return kind != NODE_KAFKA || live_broker_listen(self, n);
}

static void close_ports(struct host *self, struct live_node *n)
{
    for (unsigned p = 0; p < WIRE_PORT_COUNT; p++)
        live_http_close(self, &n->ports[p]);
}

static bool node_open(struct host *self, node_id id)
{
    struct live_node *n = &self->nodes[id];
    const struct host_node *given = &self->world.nodes[id];
    const struct cluster *c = self->world.cluster;
    enum node_kind kind = cluster_kind(c, id);
    n->host = self;
    n->ops = given->ops;
    n->name = c->nodes[id].name;
    n->wake.at = TSTAMP_NEVER;
    n->env = (struct machine_env){.arena = self->world.arena,
                                  .cluster = c,
                                  .draws = self->world.draws,
                                  .config = given->config,
                                  .node = id};
    for (unsigned p = 0; p < WIRE_PORT_COUNT; p++) {
        n->ports[p] = (struct live_port){.node = n, .port = (uint8_t)p};
        if (self->upstream_ports && ports_of[kind].has_port[p])
            n->ports[p].number = (uint16_t)(ports_of[kind].base[p] + c->nodes[id].index);
    }
    for (unsigned k = 0; self->world.faults.plan != NULL && k < MESSAGE_KIND_COUNT; k++) {
        if (self->world.faults.may_match(self->world.faults.plan, id, (enum message_kind)k))
            n->fault_mask |= UINT64_C(1) << k;
    }
    if (is_elsewhere(self, id)) {
        n->state = LIVE_ELSEWHERE;
        return true;
    }
    n->machine = arena_alloc(self->world.arena, ARENA_HOST, n->ops->size);
    return bind_ports(self, n);
}

/* Every port is bound once, so that its number is known before anything runs. */
bool live_nodes_open(struct host *self)
{
    for (uint32_t i = 0; i < self->node_count; i++) {
        if (!node_open(self, (node_id)i))
            return false;
    }
    const char *edge = self->edge == NODE_NONE ? "" : self->nodes[self->edge].ports[0].url;
    snprintf(self->edge_url, sizeof self->edge_url, "%s",
             self->edge_url_given != NULL ? self->edge_url_given : edge);
    return true;
}

/* ---- boot ---- */

static void listen_now(struct host *self, node_id node)
{
    struct live_node *n = &self->nodes[node];
    size_t kept = n->ops->durable_size;
    ASSERT_OP(n->state, ==, LIVE_BOOTING);
    if (!bind_ports(self, n))
        return; /* the run ends: live_fail has been called */
    memset((char *)n->machine + kept, 0, n->ops->size - kept);
    n->client = http_client_new(self->loop);
    n->state = LIVE_UP;
    assert_context.node = node;
    assert_context.node_name = n->name;
    if (n->ops->init != NULL)
        n->ops->init(n->machine, &n->env);
    keep_node_record(self, RECORD_NODE_LISTENING, node, 0);
    struct event ev = {.kind = EVENT_START};
    live_step(self, node, &ev, 0);
    if (n->env.incarnation > 0)
        tell_peers(self, node, false);
}

static struct message *push_task(struct host *self, tstamp at, enum live_task_kind kind,
                                 node_id node, const struct message *asked)
{
    struct message m = {.kind = MSG_CONTROL, .from = NODE_NONE, .to = NODE_HOST};
    struct live_task *task = item_task(&m);
    task->kind = (uint8_t)kind;
    task->node = node;
    task->incarnation = self->nodes[node].env.incarnation;
    if (asked != NULL) {
        m.from = asked->from;
        m.from_actor = asked->from_actor;
        m.corr = asked->corr;
        m.cause = asked->cause;
        task->op = asked->u.control.op;
        task->asker =
            asked->from < self->node_count ? self->nodes[asked->from].env.incarnation : 0;
    }
    return &live_push(self, at, ITEM_TASK, &m)->message;
}

static void boot(struct host *self, node_id node, bool is_slow)
{
    struct live_node *n = &self->nodes[node];
    const struct node_info *info = &self->world.cluster->nodes[node];
    n->state = LIVE_BOOTING;
    n->env.incarnation = n->boots++;
    n->env.behaviour = n->is_updated ? info->behaviour_to : info->behaviour_from;
    keep_node_record(self, RECORD_NODE_STARTED, node, 0);
    duration time = is_slow ? host_restart_time(&n->env) : 0;
    if (time == 0)
        listen_now(self, node);
    else
        (void)push_task(self, tstamp_add(self->now, time), LIVE_TASK_LISTEN, node, NULL);
}

void live_start(struct host *self, node_id node)
{
    ASSERT_OP(node, <, self->node_count);
    live_read_clock(self);
    if (self->nodes[node].state == LIVE_DOWN)
        boot(self, node, false);
    else if (self->target != NULL && self->nodes[node].state == LIVE_ELSEWHERE)
        live_target_start(self, node);
}

/* ---- stop ---- */

void live_cut(struct host *self, node_id node, bool by_fault)
{
    struct live_node *n = &self->nodes[node];
    if (n->state == LIVE_DOWN || n->state == LIVE_ELSEWHERE) {
        close_ports(self, n); /* bound, but never started */
        live_kafka_drop(self, n, node == self->kafka);
        return;
    }
    bool listened = live_listens(n->state), has_ended = n->state == LIVE_ENDING;
    n->state = LIVE_DOWN;
    if (has_ended)
        return; /* what it had went with its SIGTERM */
    close_ports(self, n);
    live_kafka_drop(self, n, node == self->kafka);
    live_calls_drop(self, node);
    if (n->client != NULL)
        http_client_free(n->client);
    n->client = NULL;
    n->wake.at = TSTAMP_NEVER;
    arena_release_owner(self->world.arena, node, false);
    keep_node_record(self, RECORD_NODE_STOPPED, node, by_fault);
    if (!listened)
        return;
    for (uint32_t i = 0; i < self->node_count; i++)
        live_calls_are_stale(self, (node_id)i, node);
    tell_peers(self, node, true);
}

static bool stops(uint8_t state)
{
    return state == LIVE_STOPPING || state == LIVE_ENDING;
}

static void signal_node(struct host *self, node_id node)
{
    struct live_node *n = &self->nodes[node];
    if (n->state == LIVE_BOOTING)
        live_cut(self, node, false);
    if (n->state != LIVE_UP)
        return;
    n->state = LIVE_STOPPING;
    n->cut_at = tstamp_add(self->now, host_stop_time(&n->env));
    keep_node_record(self, RECORD_NODE_STOPPING, node, 0);
    struct event ev = {.kind = EVENT_SIGNAL};
    live_step(self, node, &ev, 0);
    if (!n->ops->ends_at_signal)
        return;
    live_cut(self, node, false);
    n->state = LIVE_ENDING;
}

void live_stop(struct host *self, node_id node)
{
    live_read_clock(self);
    if (stops(self->nodes[node].state))
        return;
    signal_node(self, node);
    if (stops(self->nodes[node].state))
        (void)push_task(self, self->nodes[node].cut_at, LIVE_TASK_CUT, node, NULL);
}

/* ---- operations ---- */

void live_outside_done(struct host *self, uint32_t slot, bool ok)
{
    ASSERT_OP(slot, <, sizeof self->outsides / sizeof self->outsides[0]);
    struct live_outside outside = self->outsides[slot];
    self->outsides[slot].is_open = false; /* it may ask for the next thing at once */
    if (outside.is_open && outside.done != NULL)
        outside.done(outside.context, ok);
}

static void answer(struct host *self, const struct message *asked, uint8_t op, node_id node,
                   uint32_t incarnation, bool ok)
{
    if (asked->from == NODE_HOST) {
        live_outside_done(self, asked->corr, ok);
        return;
    }
    const struct live_node *asker = live_node_at(self, asked->from);
    if (asker == NULL || !live_listens(asker->state) || asker->env.incarnation != incarnation)
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
    live_push(self, self->now, ITEM_DELIVER, &m);
}

void live_answer_control(struct host *self, const struct message *asked, bool ok)
{
    const struct live_node *asker = live_node_at(self, asked->from);
    answer(self, asked, asked->u.control.op, asked->u.control.node,
           asker == NULL ? 0 : asker->env.incarnation, ok);
}

static void stop_for(struct host *self, const struct message *m, node_id node)
{
    signal_node(self, node);
    if (stops(self->nodes[node].state))
        (void)push_task(self, self->nodes[node].cut_at, LIVE_TASK_CUT, node, m);
    else
        live_answer_control(self, m, true);
}

void live_on_control(struct host *self, const struct message *m)
{
    node_id node = m->u.control.node;
    if (self->target != NULL && self->nodes[node].state == LIVE_ELSEWHERE) {
        live_target_on_control(self, m);
        return;
    }
    if (node >= self->node_count || self->nodes[node].state == LIVE_ELSEWHERE) {
        live_answer_control(self, m, false);
        return;
    }
    switch ((enum control_op)m->u.control.op) {
    case CONTROL_STOP:
        self->nodes[node].cause = m->cause;
        stop_for(self, m, node);
        return;
    case CONTROL_KILL:
        self->nodes[node].cause = m->cause;
        live_cut(self, node, false);
        live_answer_control(self, m, true);
        return;
    case CONTROL_START:
        (void)push_task(self, tstamp_add(self->now, HOST_DOCKER_RUN), LIVE_TASK_BOOT, node, m);
        return;
    case CONTROL_PULL: {
        duration time =
            draw_range(self->world.draws, PURPOSE_PULL, node, self->nodes[node].pulls++,
                       self->world.cluster->timing[TIMING_PULL]);
        (void)push_task(self, tstamp_add(self->now, time), LIVE_TASK_DONE, node, m);
        return;
    }
    case CONTROL_REMOVE_CONTAINERS:
        (void)push_task(self, tstamp_add(self->now, HOST_DOCKER_REMOVE), LIVE_TASK_DONE, node,
                        m);
        return;
    }
}

void live_on_task(struct host *self, const struct message *m)
{
    const struct live_task *task = MESSAGE_LOCAL_CONST(m, struct live_task);
    struct live_node *n = &self->nodes[task->node];
    bool ok = true, is_same = n->env.incarnation == task->incarnation;
    switch ((enum live_task_kind)task->kind) {
    case LIVE_TASK_BOOT:
        ok = !stops(n->state);
        if (n->state == LIVE_DOWN) {
            n->cause = m->cause;
            n->is_updated = true;
            boot(self, task->node, true);
        }
        break;
    case LIVE_TASK_LISTEN:
        if (is_same && n->state == LIVE_BOOTING)
            listen_now(self, task->node);
        break;
    case LIVE_TASK_CUT:
        if (is_same && stops(n->state))
            live_cut(self, task->node, false);
        break;
    case LIVE_TASK_DONE:
        break;
    }
    if (m->from != NODE_NONE)
        answer(self, m, task->op, task->node, task->asker, ok);
}

void live_on_plan(struct host *self)
{
    struct fault_ops *faults = &self->world.faults;
    uint16_t rule = 0;
    node_id node;
    if (faults->plan == NULL || faults->next == NULL || faults->next(faults->plan) > self->now)
        return;
    while ((node = faults->take_kill(faults->plan, self->now, &rule)) != NODE_NONE) {
        struct record r = live_record(self, RECORD_FAULT_APPLIED, node);
        r.peer = node;
        r.value = rule;
        live_keep(self, &r);
        self->nodes[node].cause = (uint32_t)r.seq;
        live_cut(self, node, true);
    }
}

static bool outside_ask(struct host *self, struct message *m, void *context,
                        host_live_done_fn done)
{
    for (uint32_t i = 0; i < sizeof self->outsides / sizeof self->outsides[0]; i++) {
        if (self->outsides[i].is_open)
            continue;
        self->outsides[i] =
            (struct live_outside){.done = done, .context = context, .is_open = true};
        m->from = NODE_HOST;
        m->corr = i;
        return true;
    }
    return false;
}

bool host_live_control(struct host *self, node_id node, enum control_op op, void *context,
                       host_live_done_fn done)
{
    struct message m = {.kind = MSG_CONTROL, .to = NODE_HOST};
    m.u.control.op = (uint8_t)op;
    m.u.control.node = node;
    live_read_clock(self);
    if (node >= self->node_count || self->nodes[node].state == LIVE_ELSEWHERE ||
        !outside_ask(self, &m, context, done))
        return false;
    live_on_control(self, &m);
    return true;
}

bool host_live_edge(struct host *self, node_id controller, bool add, void *context,
                    host_live_done_fn done)
{
    struct message m = {.kind = MSG_EDGE_CHANGE, .to = self->edge};
    const struct live_node *edge = live_node_at(self, self->edge);
    if (edge == NULL || edge->machine == NULL || !outside_ask(self, &m, context, done))
        return false;
    m.u.edge_change.controller = controller;
    m.u.edge_change.add = add;
    live_push(self, self->now, ITEM_DELIVER, &m);
    return true;
}

struct host_live_endpoint host_live_endpoint(const struct host *self, node_id node)
{
    static const char *const states[] = {"down", "down",     "booting",
                                         "up",   "stopping", "elsewhere"};
    const struct live_node *n = &self->nodes[node];
    struct host_live_endpoint endpoint = {.state = states[n->state]};
    snprintf(endpoint.url, sizeof endpoint.url, "%s", n->ports[WIRE_API].url);
    for (unsigned p = 0; p < WIRE_PORT_COUNT; p++)
        endpoint.ports[p] = n->ports[p].number;
    return endpoint;
}
