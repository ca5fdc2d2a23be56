/*
 * host_live.c - see host_live.h and host_live_internal.h: the world, its time, one step.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/live_target_internal.h"

#define ROUND_EVENTS 512 /* then the sockets are looked at again */

static void live_perform(struct host *self);

/* ---- time ---- */

void live_read_clock(struct host *self)
{
    uint64_t passed = (loop_now_ns() - self->start_ns) * self->speed;
    tstamp now = self->world.begin + passed;
    if (now > self->now)
        self->now = now;
}

/* ---- what is due ---- */

static bool item_before(const struct live_item *a, const struct live_item *b)
{
    return a->at != b->at ? a->at < b->at : a->number < b->number;
}

static void *grow(void *block, uint32_t *max, size_t size)
{
    *max = *max == 0 ? 256 : *max * 2;
    void *grown = realloc(block, *max * size);
    ASSERT(grown != NULL);
    return grown;
}

static struct live_item *ring_push(struct host *self)
{
    if (self->ring_count == self->ring_max) {
        uint32_t former = self->ring_max;
        self->ring = grow(self->ring, &self->ring_max, sizeof *self->ring);
        /* What had wrapped round goes behind the former end. */
        for (uint32_t i = 0; i < self->ring_head && former != 0; i++)
            self->ring[former + i] = self->ring[i];
    }
    uint32_t at = (self->ring_head + self->ring_count) & (self->ring_max - 1);
    self->ring_count++;
    return &self->ring[at];
}

static struct live_item *heap_push(struct host *self, const struct live_item *item)
{
    if (self->heap_count == self->heap_max)
        self->heap = grow(self->heap, &self->heap_max, sizeof *self->heap);
    uint32_t i = self->heap_count++;
    while (i > 0 && item_before(item, &self->heap[(i - 1) / 2])) {
        self->heap[i] = self->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    self->heap[i] = *item;
    return &self->heap[i];
}

static struct live_item heap_pop(struct host *self)
{
    struct live_item first = self->heap[0], last = self->heap[--self->heap_count];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= self->heap_count)
            break;
        if (child + 1 < self->heap_count &&
            item_before(&self->heap[child + 1], &self->heap[child]))
            child++;
        if (!item_before(&self->heap[child], &last))
            break;
        self->heap[i] = self->heap[child];
        i = child;
    }
    self->heap[i] = last;
    return first;
}

struct live_item *live_push(struct host *self, tstamp at, enum live_item_kind kind,
                            const struct message *m)
{
    struct live_item item = {
        .at = at, .number = self->next_number++, .kind = (uint8_t)kind, .message = *m};
    if (m->to < self->node_count)
        item.incarnation = self->nodes[m->to].env.incarnation;
    if (at > self->now)
        return heap_push(self, &item);
    struct live_item *slot = ring_push(self);
    *slot = item;
    return slot;
}

/* ---- records ---- */

struct record live_record(struct host *self, enum record_kind kind, node_id node)
{
    return (struct record){.seq = self->next_seq++,
                           .at = self->now,
                           .kind = (uint16_t)kind,
                           .node = node,
                           .action = ACTION_NONE,
                           .ns = NAMESPACE_NONE,
                           .peer = NODE_NONE};
}

void live_keep(struct host *self, const struct record *r)
{
    if (self->world.sinks.record != NULL)
        self->world.sinks.record(self->world.sinks.context, r);
}

void live_fail(struct host *self, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!self->has_error)
        vsnprintf(self->error, sizeof self->error, format, arguments);
    va_end(arguments);
    self->has_error = true;
    self->is_interrupted = true;
}

/* ---- one step ---- */

void live_free_blobs(struct host *self, struct message *m)
{
    struct arena *arena = self->world.arena;
    if ((self->blob_kinds >> m->kind & 1) == 0)
        return;
    blob *blobs[3];
    for (unsigned count = message_blobs(m, blobs); count > 0; count--) {
        blob b = *blobs[count - 1];
        if (b != 0 && arena_owner(arena_block(arena, b)) == ARENA_MESSAGE)
            blob_free(arena, b);
    }
}

void live_step(struct host *self, node_id id, struct event *ev, uint32_t cause)
{
    struct live_node *n = &self->nodes[id];
    struct effects *fx = &self->fx;
    ASSERT(live_listens(n->state) && n->machine != NULL);
    assert_context.at = self->now;
    assert_context.node = id;
    assert_context.node_name = n->name;
    ev->at = self->now;
    fx->at = self->now;
    fx->node = id;
    fx->cause = cause;
    fx->message_count = 0;
    fx->record_count = 0;
    if (self->world.sinks.event != NULL)
        self->world.sinks.event(self->world.sinks.context, id, ev);
    n->ops->step(n->machine, ev, fx);
    self->event_count++;
    n->wake = n->ops->next_wakeup(n->machine);
    live_perform(self);
}

static void live_perform(struct host *self)
{
    struct effects *fx = &self->fx;
    for (uint32_t i = 0; i < fx->record_count; i++)
        live_keep(self, &fx->records[i]);
    /* What is sent never steps a machine at once: the buffer stays as it is. */
    for (uint32_t i = 0; i < fx->message_count; i++)
        live_send(self, &fx->messages[i]);
}

static void deliver(struct host *self, struct live_item *item)
{
    struct message *m = &item->message;
    struct live_node *n = live_node_at(self, m->to);
    if (n == NULL || !live_listens(n->state) || n->machine == NULL ||
        n->env.incarnation != item->incarnation) {
        if (message_infos[m->kind].call && m->from < self->node_count)
            live_refuse(self, m);
        else if (m->kind != MSG_POST)
            live_record_lost(self, m);
        live_free_blobs(self, m);
        return;
    }
    struct event ev = {.kind = EVENT_DELIVER, .message = m};
    live_step(self, m->to, &ev, m->cause);
    live_free_blobs(self, m);
}

static void deliver_link(struct host *self, const struct live_item *item, bool down)
{
    struct live_node *n = live_node_at(self, item->message.to);
    if (n == NULL || !live_listens(n->state) || n->machine == NULL ||
        n->env.incarnation != item->incarnation)
        return;
    struct event ev = {.kind = EVENT_LINK, .peer = item->message.from, .down = down};
    live_step(self, item->message.to, &ev, 0);
}

static void run_item(struct host *self, struct live_item *item)
{
    switch ((enum live_item_kind)item->kind) {
    case ITEM_DELIVER:
        deliver(self, item);
        return;
    case ITEM_SEND:
        live_route(self, &item->message);
        return;
    case ITEM_CONTROL:
        live_on_control(self, &item->message);
        return;
    case ITEM_TASK:
        live_on_task(self, &item->message);
        return;
    case ITEM_LINK_DOWN:
        deliver_link(self, item, true);
        return;
    case ITEM_LINK_UP:
        deliver_link(self, item, false);
        return;
    case ITEM_LOOK:
        live_target_on_look(self, item->message.corr);
        return;
    case ITEM_PING:
        live_target_on_ping(self, item->message.from);
        return;
    }
}

/* The node whose deadline is first; NODE_NONE: none has one. */
static node_id first_wake(const struct host *self)
{
    node_id first = NODE_NONE;
    for (uint32_t i = 0; i < self->node_count; i++) {
        const struct live_node *n = &self->nodes[i];
        if (!live_listens(n->state) || n->machine == NULL || n->wake.at == TSTAMP_NEVER)
            continue;
        if (first == NODE_NONE || n->wake.at < self->nodes[first].wake.at ||
            (n->wake.at == self->nodes[first].wake.at &&
             n->wake.number < self->nodes[first].wake.number))
            first = (node_id)i;
    }
    return first;
}

static void run_first(struct host *self)
{
    struct live_item item = self->ring[self->ring_head];
    self->ring_head = (self->ring_head + 1) & (self->ring_max - 1);
    self->ring_count--;
    run_item(self, &item);
}

/* The ring goes before wake-ups and the heap, so this is the order of a round; a kill that is
 * due is the next round's first thing. */
void live_run_ring(struct host *self)
{
    const struct fault_ops *faults = &self->world.faults;
    if (faults->plan != NULL && faults->next != NULL && faults->next(faults->plan) <= self->now)
        return;
    for (uint32_t i = 0; i < ROUND_EVENTS && self->ring_count > 0 && !self->is_interrupted; i++)
        run_first(self);
}

static bool run_one(struct host *self)
{
    if (self->ring_count > 0) {
        run_first(self);
        return true;
    }
    node_id id = first_wake(self);
    tstamp wake_at = id == NODE_NONE ? TSTAMP_NEVER : self->nodes[id].wake.at;
    tstamp heap_at = self->heap_count == 0 ? TSTAMP_NEVER : self->heap[0].at;
    if (heap_at <= wake_at && heap_at <= self->now) {
        struct live_item item = heap_pop(self);
        run_item(self, &item);
        return true;
    }
    if (wake_at > self->now)
        return false;
    struct event ev = {.kind = EVENT_WAKE};
    live_step(self, id, &ev, 0);
    return true;
}

static tstamp next_instant(struct host *self, tstamp until)
{
    node_id id = first_wake(self);
    if (id != NODE_NONE && self->nodes[id].wake.at < until)
        until = self->nodes[id].wake.at;
    if (self->heap_count > 0 && self->heap[0].at < until)
        until = self->heap[0].at;
    if (self->world.faults.next != NULL && self->world.faults.plan != NULL) {
        tstamp at = self->world.faults.next(self->world.faults.plan);
        if (at < until)
            until = at;
    }
    return until;
}

static tstamp live_run_until(struct host *self, tstamp until)
{
    assert_context.seed = self->world.draws->seed;
    while (!self->is_interrupted) {
        live_read_clock(self);
        live_on_plan(self);
        live_etcd_turn(self);
        uint32_t events = 0;
        while (events < ROUND_EVENTS && run_one(self))
            events++;
        if (self->now >= until && self->ring_count == 0)
            break;
        tstamp next = next_instant(self, until);
        bool is_busy = self->ring_count > 0 || next <= self->now;
        loop_turn(self->loop, is_busy ? 0 : (int64_t)((next - self->now) / self->speed));
    }
    return self->now;
}

static tstamp live_now(const struct host *self)
{
    return self->now;
}

static bool live_pending(struct host *self, char *text, size_t size)
{
    for (uint32_t i = 0; i < self->node_count; i++) {
        const struct live_node *n = &self->nodes[i];
        char what[160] = "";
        if (!live_listens(n->state) || n->machine == NULL || n->ops->pending == NULL ||
            !n->ops->pending(n->machine, what, sizeof what))
            continue;
        (void)snprintf(text, size, "%s: %s", n->name, what);
        return true;
    }
    return live_kafka_pending(self, text, size) || live_target_pending(self, text, size);
}

static uint64_t live_event_count(const struct host *self)
{
    return self->event_count;
}

static uint64_t live_digest(const struct host *self)
{
    (void)self;
    return 0;
}

/* ---- the world ---- */

static void live_release(struct host *self)
{
    self->world.sinks.record = NULL; /* its end is nobody's failure */
    for (uint32_t i = 0; i < self->node_count; i++) {
        if (self->nodes[i].state != LIVE_ELSEWHERE)
            live_cut(self, (node_id)i, false);
    }
    live_target_release(self);
    live_etcd_release(self);
    live_kafka_release(self);
    live_http_release(self);
    live_call_release(self);
    while (self->ring_count > 0) {
        live_free_blobs(self, &self->ring[self->ring_head].message);
        self->ring_head = (self->ring_head + 1) & (self->ring_max - 1);
        self->ring_count--;
    }
    for (uint32_t i = 0; i < self->heap_count; i++)
        live_free_blobs(self, &self->heap[i].message);
    for (uint32_t i = 0; i < self->node_count; i++) {
        arena_release_owner(self->world.arena, i, true);
        if (self->nodes[i].client != NULL)
            http_client_free(self->nodes[i].client);
    }
    wire_http_free(&self->http);
    wire_buffer_free(&self->text);
    free(self->ring);
    free(self->heap);
    loop_free(self->loop);
    free(self->nodes);
    free(self);
}

static node_id only(const struct cluster *c, enum node_kind kind)
{
    return cluster_node(c, kind, 0);
}

struct host *host_live_open(const struct host_live_config *config,
                            char ret_error[LIVE_ERROR_SIZE])
{
    const struct cluster *cluster = config->world.cluster;
    struct host *self = calloc(1, sizeof *self);
    ASSERT(self != NULL);
    self->world = config->world;
    self->wire = (struct wire){.cluster = cluster, .draws = config->world.draws};
    self->spare_actions = config->spare_actions;
    self->speed = config->speed;
    self->listen = config->listen != NULL ? config->listen : "127.0.0.1";
    self->upstream_ports = config->upstream_ports;
    self->etcd_url_given = config->etcd_url;
    self->bootstrap_given = config->bootstrap;
    self->edge_url_given = config->edge_url;
    self->node_count = cluster->node_count;
    self->blob_kinds = host_blob_kinds();
    self->next_seq = 1;
    self->next_number = 1;
    self->now = config->world.begin;
    self->start_ns = loop_now_ns();
    self->exchange_free = self->call_free = self->produce_free = UINT32_MAX;
    self->etcd = only(cluster, NODE_ETCD);
    self->kafka = only(cluster, NODE_KAFKA);
    self->edge = only(cluster, NODE_EDGE);
    self->client = only(cluster, NODE_CLIENT);
    self->fx = (struct effects){.arena = self->world.arena,
                                .next_number = &self->next_number,
                                .next_seq = &self->next_seq};
    self->loop = loop_new();
    self->nodes = calloc(self->node_count, sizeof *self->nodes);
    ASSERT(self->loop != NULL && self->nodes != NULL);
    if (config->target != NULL)
        live_target_open(self, config->target);
    if (live_nodes_open(self) && live_etcd_open(self) && live_kafka_open(self)) {
        self->start_ns = loop_now_ns(); /* what was waited for so far was not the scenario's */
        return self;
    }
    snprintf(ret_error, LIVE_ERROR_SIZE, "%s", self->error);
    live_release(self);
    return NULL;
}

const char *host_live_error(const struct host *self)
{
    return self->has_error ? self->error : NULL;
}

void host_live_interrupt(struct host *self)
{
    self->is_interrupted = true;
}

struct loop *host_live_loop(struct host *self)
{
    return self->loop;
}

const char *host_live_bootstrap(const struct host *self)
{
    return self->bootstrap;
}

const char *host_live_etcd_url(const struct host *self)
{
    return self->etcd_url;
}

const char *host_live_edge_url(const struct host *self)
{
    return self->edge_url;
}

uint64_t host_live_open_exchanges(const struct host *self)
{
    return self->exchange_open;
}

static void kill_by_fault(struct host *self, node_id node)
{
    live_cut(self, node, true);
}

const struct host_ops host_live_ops = {.start = live_start,
                                       .stop = live_stop,
                                       .kill = kill_by_fault,
                                       .run_until = live_run_until,
                                       .now = live_now,
                                       .pending = live_pending,
                                       .event_count = live_event_count,
                                       .digest = live_digest,
                                       .release = live_release};
