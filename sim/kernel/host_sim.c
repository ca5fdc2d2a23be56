/*
 * host_sim.c - see host_sim.h and host_sim_internal.h.
 */
#include "kernel/host_sim.h"

#include <stdio.h>
#include <string.h>

#include "kernel/host_sim_internal.h"

static void host_perform(struct host *self, struct node_slot *n);
static void host_checkpoint(struct host *self);

static void node_init(struct host *self, node_id id, const struct host_sim_config *config)
{
    struct node_slot *n = &self->nodes[id];
    n->ops = config->nodes[id].ops;
    ASSERT(n->ops != NULL && n->ops->step != NULL && n->ops->next_wakeup != NULL);
    ASSERT_OP(n->ops->durable_size, <=, n->ops->size);
    n->machine = arena_alloc(self->arena, ARENA_HOST, n->ops->size);
    n->name = self->cluster->nodes[id].name;
    n->env = (struct machine_env){.arena = self->arena,
                                  .cluster = self->cluster,
                                  .draws = self->draws,
                                  .config = config->nodes[id].config,
                                  .node = id};
    for (unsigned kind = 0; self->faults.plan != NULL && kind < MESSAGE_KIND_COUNT; kind++) {
        if (!self->faults.may_match(self->faults.plan, id, (enum message_kind)kind))
            continue;
        n->fault_mask |= UINT64_C(1) << kind;
        if (kind == MSG_POST)
            self->posts_are_ordered = true;
    }
}

struct host *host_sim_new(const struct host_sim_config *config)
{
    ASSERT_OP(config->cluster->node_count, <, NODE_HOST);
    struct host *self = arena_alloc(config->arena, ARENA_HOST, sizeof *self);
    self->arena = config->arena;
    self->cluster = config->cluster;
    self->draws = config->draws;
    self->faults = config->faults;
    self->sinks = config->sinks;
    self->trace = config->trace;
    self->checkpoint = config->checkpoint;
    self->node_count = config->cluster->node_count;
    self->blob_kinds = host_blob_kinds();
    self->next_seq = 1;
    clock_init(&self->clock, self->arena, self->node_count + 1);
    if (config->begin != 0)
        self->clock.now = config->begin;
    network_init(&self->network, self->arena, self->cluster, self->draws, config->loss);
    pair_table_init(&self->post_counts, self->arena);
    self->posts_are_ordered = (self->draws->override_purposes >> PURPOSE_POST_DELAY & 1) != 0;
    self->wakes_are_chosen = (self->draws->override_purposes >> PURPOSE_WAKE_ORDER & 1) != 0;
    self->fx = (struct effects){.arena = self->arena,
                                .next_number = &self->clock.next_number,
                                .next_seq = &self->next_seq};
    self->has_kills = self->faults.plan != NULL && self->faults.next != NULL;
    self->plan_is_stale = self->has_kills;
    self->nodes =
        arena_alloc(self->arena, ARENA_HOST, self->node_count * sizeof self->nodes[0]);
    for (uint32_t i = 0; i < self->node_count; i++)
        node_init(self, (node_id)i, config);
    assert_context = (struct assert_context){
        .seed = self->draws->seed, .at = self->clock.now, .node = NODE_HOST};
    return self;
}

/* Messages per link that are on their way, counted one by one. */
static void count_in_flight(const struct host *self, uint64_t ret_counts[LINK_COUNT])
{
    const struct clock *clock = &self->clock;
    memset(ret_counts, 0, LINK_COUNT * sizeof ret_counts[0]);
    for (size_t i = HEAP_ROOT; i < clock->heap.end; i++) {
        struct event_key key = clock->heap.nodes[i];
        if (event_key_class(key) != CLASS_MESSAGE)
            continue;
        const struct message *m = &clock->bodies[event_key_slot(key)];
        ret_counts[message_infos[m->kind & KIND_MASK].link]++;
    }
    for (uint32_t i = 0; i < clock->ring_count; i++) {
        const struct message *m = &clock->ring[(clock->ring_head + i) & (clock->ring_max - 1)];
        ret_counts[message_infos[m->kind & KIND_MASK].link]++;
    }
}

static void host_assert_counts(const struct host *self)
{
    uint64_t in_flight[LINK_COUNT];
    count_in_flight(self, in_flight);
    for (unsigned link = 0; link < LINK_COUNT; link++) {
        const struct link_count *c = &self->network.counts[link];
        ASSERT_OP(c->sent + c->duplicated, ==, c->delivered + c->dropped + in_flight[link]);
    }
    ASSERT_OP(event_heap_count(&self->clock.heap) + self->clock.free_count, ==,
              self->clock.slot_count);
}

void host_sim_release(struct host *self)
{
    struct clock *clock = &self->clock;
    host_assert_counts(self);
    for (; clock->ring_count > 0; clock_ring_pop(clock))
        host_free_blobs(self, &clock->ring[clock->ring_head]);
    while (event_heap_count(&clock->heap) > 0) {
        struct event_key key = event_heap_first(&clock->heap);
        clock_pop(clock);
        if (event_key_class(key) == CLASS_MESSAGE)
            host_free_blobs(self, &clock->bodies[event_key_slot(key)]);
        clock_free_slot(clock, event_key_slot(key));
    }
    for (uint32_t i = 0; i < self->node_count; i++)
        arena_release_owner(self->arena, i, true);
    ASSERT_OP(arena_blocks(self->arena, ARENA_MESSAGE), ==, 0);
}

/* The step alone, and the machine's next deadline; its effects wait in the buffer. */
static inline struct node_slot *host_run_step(struct host *self, node_id id, struct event *ev,
                                              uint64_t mixed, uint32_t cause)
{
    struct node_slot *n = &self->nodes[id];
    struct effects *fx = &self->fx;
    tstamp now = self->clock.now;
    digest_mixed(&self->digest, mixed);
    digest_mixed(&n->digest, mixed);
    assert_context.at = now;
    assert_context.node = id;
    assert_context.node_name = n->name;
    ev->at = now;
    fx->at = now;
    fx->node = id;
    fx->cause = cause;
    fx->message_count = 0;
    fx->record_count = 0;
    if (__builtin_expect(self->trace, 0) && self->sinks.event != NULL)
        self->sinks.event(self->sinks.context, id, ev);
    n->ops->step(n->machine, ev, fx);
    self->event_count++;
    struct wakeup wake = n->ops->next_wakeup(n->machine);
    ASSERT_OP(wake.at, >=, now);
    struct event_key key = wake.at == TSTAMP_NEVER
                               ? EVENT_KEY_NEVER
                               : event_key_make(wake.at, CLASS_WAKE, wake.number, id);
    struct event_key before = clock_leaf(&self->clock, id);
    if (before.at != key.at || before.order != key.order)
        clock_set_leaf(&self->clock, id, key);
    else /* a wake-up serves its deadline, or it would come for ever */
        ASSERT(ev->kind != EVENT_WAKE);
    return n;
}

static inline void host_send(struct host *self, const struct node_slot *n,
                             const struct message *m)
{
    unsigned kind = m->kind;
    ASSERT_OP(kind, <, MESSAGE_KIND_COUNT);
    ASSERT(m->to < self->node_count || m->to == NODE_HOST);
    if (__builtin_expect(((n->fault_mask | self->blob_kinds) >> kind & 1) != 0, 0)) {
        host_send_slow(self, m);
        return;
    }
    if (kind != MSG_POST || self->posts_are_ordered) {
        host_route(self, m, 0, 0);
        return;
    }
    ASSERT(m->to == m->from);
    self->network.counts[LINK_POST].sent++;
    *clock_post(&self->clock) = *m;
}

static void host_perform(struct host *self, struct node_slot *n)
{
    struct effects *fx = &self->fx;
    uint32_t message_count = fx->message_count, record_count = fx->record_count;
    ASSERT(n->ops->effects_max == 0 ||
           (message_count <= n->ops->effects_max && record_count <= n->ops->effects_max));
    digest_mixed(&self->digest, (uint64_t)message_count << 32 | record_count);
    for (uint32_t i = 0; i < record_count; i++) {
        uint64_t mixed = mix_record(&fx->records[i]);
        digest_mixed(&n->digest, mixed);
        host_keep_mixed(self, &fx->records[i], mixed);
    }
    for (uint32_t i = 0; i < message_count; i++)
        host_send(self, n, &fx->messages[i]);
    if (__builtin_expect((self->event_count & (HOST_CHECKPOINT_EVENTS - 1)) == 0, 0))
        host_checkpoint(self);
}

void host_step(struct host *self, node_id node, struct event *ev, uint64_t mixed)
{
    struct node_slot *n = host_run_step(self, node, ev, mixed, 0);
    host_perform(self, n);
}

static void host_checkpoint(struct host *self)
{
    host_assert_counts(self);
    ASSERT_OP(self->clock.next_number, <, KEY_NUMBER_MAX);
    for (uint32_t i = 0; i < self->node_count; i++) {
        struct node_slot *n = &self->nodes[i];
        struct digest state = {.state = n->state};
        if (state_listens(n->state) && n->ops->digest != NULL)
            n->ops->digest(n->machine, &state);
        digest_mixed(&n->digest, state.state);
        digest_mixed(&self->digest, state.state);
    }
    struct host_checkpoint checkpoint = {
        .event_count = self->event_count, .at = self->clock.now, .digest = self->digest.state};
    if (self->checkpoint != NULL)
        self->checkpoint(self->sinks.context, &checkpoint);
}

/* A message whose receiver listens: deliver, give its place back, then perform. */
static inline void host_deliver(struct host *self, struct message *m, bool is_post,
                                uint32_t slot)
{
    tstamp now = self->clock.now;
    node_id to = m->to;
    unsigned kind = m->kind;
    bool has_blobs = (self->blob_kinds >> kind & 1) != 0;
    uint64_t words =
        __builtin_expect(has_blobs, 0) ? host_mix_with_blobs(self, m) : mix_message(m);
    self->network.counts[message_infos[kind].link].delivered++;
    struct event ev = {.kind = EVENT_DELIVER, .message = m};
    struct node_slot *n =
        host_run_step(self, to, &ev, words + mix_event(EVENT_DELIVER, now, to, 0), m->cause);
    if (__builtin_expect(has_blobs, 0))
        host_free_blobs(self, m);
    if (is_post)
        clock_ring_pop(&self->clock);
    else
        clock_free_slot(&self->clock, slot);
    host_perform(self, n);
}

/* Not to a node that listens: to the host, or to nobody. False: deliver it after all. */
static bool host_take_aside(struct host *self, struct message *m)
{
    if (m->to != NODE_HOST)
        return host_turn_away(self, m);
    ASSERT_OP(m->kind, ==, MSG_CONTROL);
    self->network.counts[LINK_CONTROL].delivered++;
    digest_mixed(&self->digest,
                 mix_message(m) + mix_event(EVENT_DELIVER, self->clock.now, NODE_HOST, 0));
    return true;
}

static inline bool host_is_plain(const struct host *self, const struct message *m)
{
    return m->to < self->node_count && m->kind < MESSAGE_KIND_COUNT &&
           state_listens(self->nodes[m->to].state);
}

static inline void host_take_post(struct host *self)
{
    struct message *m = &self->clock.ring[self->clock.ring_head];
    if (__builtin_expect(!host_is_plain(self, m), 0) && host_take_aside(self, m)) {
        struct message taken = *m;
        clock_ring_pop(&self->clock);
        if (taken.to == NODE_HOST)
            host_on_control(self, &taken);
        return;
    }
    host_deliver(self, m, true, 0);
}

static inline void host_take_from_heap(struct host *self, struct event_key key)
{
    uint32_t slot = event_key_slot(key);
    struct message *m = &self->clock.bodies[slot];
    clock_pop(&self->clock);
    bool is_message = event_key_class(key) == CLASS_MESSAGE;
    if (__builtin_expect(is_message && host_is_plain(self, m), 1)) {
        host_deliver(self, m, false, slot);
        return;
    }
    struct message taken = *m; /* what follows may move the slab */
    if (is_message && !host_take_aside(self, &taken)) {
        m->kind = taken.kind;
        host_deliver(self, m, false, slot);
        return;
    }
    clock_free_slot(&self->clock, slot);
    if (event_key_class(key) == CLASS_CRASH)
        host_on_task(self, &taken);
    else if (event_key_class(key) == CLASS_LINK)
        host_on_link_event(self, &taken);
    else if (taken.to == NODE_HOST)
        host_on_control(self, &taken);
}

/* Of the machines due at this instant, the one that an override names (in order of number). */
static struct event_key host_choose_wake(struct host *self, struct event_key first)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->node_count; i++)
        count += clock_leaf(&self->clock, i).at == first.at;
    if (self->chosen_at != first.at)
        self->chosen_count = 0;
    self->chosen_at = first.at;
    uint64_t ordinal = self->chosen_count++, value;
    if (count < 2 ||
        !draw_overridden(self->draws, PURPOSE_WAKE_ORDER, first.at, ordinal, &value))
        return first;
    struct event_key chosen = first;
    for (uint64_t left = value % count; left > 0; left--) {
        struct event_key next = EVENT_KEY_NEVER;
        for (uint32_t i = 0; i < self->node_count; i++) {
            struct event_key key = clock_leaf(&self->clock, i);
            if (key.at == first.at && event_key_before(chosen, key) &&
                event_key_before(key, next))
                next = key;
        }
        chosen = next;
    }
    return chosen;
}

static inline void host_wake(struct host *self, struct event_key key)
{
    if (__builtin_expect(event_key_class(key) == CLASS_CRASH, 0)) {
        host_on_plan(self);
        return;
    }
    if (__builtin_expect(self->wakes_are_chosen, 0))
        key = host_choose_wake(self, key);
    node_id id = (node_id)event_key_slot(key);
    struct event ev = {.kind = EVENT_WAKE};
    uint64_t mixed = mix_event(EVENT_WAKE, key.at, id, event_key_number(key));
    struct node_slot *n = host_run_step(self, id, &ev, mixed, 0);
    host_perform(self, n);
}

static void host_ask_plan(struct host *self)
{
    self->plan_is_stale = false;
    tstamp at = self->faults.next(self->faults.plan);
    if (at < self->clock.now)
        at = self->clock.now;
    struct event_key key = at == TSTAMP_NEVER
                               ? EVENT_KEY_NEVER
                               : event_key_make(at, CLASS_CRASH, 0, self->node_count);
    clock_set_leaf(&self->clock, self->node_count, key);
}

/* One event at or before `until`; false: there is none. */
static inline bool host_run_event(struct host *self, tstamp until)
{
    struct clock *clock = &self->clock;
    if (__builtin_expect(self->plan_is_stale, 0))
        host_ask_plan(self);
    struct event_key leaf = clock_first_leaf(clock);
    if (clock->ring_count > 0 && !clock_heap_is_before_ring(clock) &&
        __builtin_expect(leaf.order >> 62 != CLASS_CRASH || leaf.at != clock->now, 1)) {
        host_take_post(self);
        return true;
    }
    struct event_key first = event_heap_first(&clock->heap);
    bool is_leaf = event_key_before(leaf, first);
    tstamp at = is_leaf ? leaf.at : first.at;
    if (at > until || at == TSTAMP_NEVER)
        return false;
    ASSERT_OP(at, >=, clock->now);
    clock->now = at;
    if (is_leaf)
        host_wake(self, leaf);
    else
        host_take_from_heap(self, first);
    return true;
}

static void host_enter(const struct host *self)
{
    assert_context.seed = self->draws->seed;
    assert_context.at = self->clock.now;
}

bool host_sim_run_one(struct host *self, tstamp until)
{
    host_enter(self);
    return host_run_event(self, until);
}

tstamp host_sim_run_until(struct host *self, tstamp until)
{
    host_enter(self);
    while (host_run_event(self, until)) {
    }
    if (host_sim_next(self) != TSTAMP_NEVER && until > self->clock.now)
        self->clock.now = until;
    return self->clock.now;
}

tstamp host_sim_now(const struct host *self)
{
    return self->clock.now;
}

tstamp host_sim_next(const struct host *self)
{
    if (self->clock.ring_count > 0)
        return self->clock.now;
    tstamp leaf = clock_first_leaf(&self->clock).at;
    tstamp first = event_heap_first(&self->clock.heap).at;
    return leaf < first ? leaf : first;
}

bool host_sim_pending(struct host *self, char *text, size_t size)
{
    for (uint32_t i = 0; i < self->node_count; i++) {
        const struct node_slot *n = &self->nodes[i];
        char what[160] = "";
        if (!state_listens(n->state) || n->ops->pending == NULL ||
            !n->ops->pending(n->machine, what, sizeof what))
            continue;
        (void)snprintf(text, size, "%s: %s", n->name, what);
        return true;
    }
    return false;
}

void host_sim_send(struct host *self, const struct message *m)
{
    ASSERT_OP(m->from, <, self->node_count);
    host_send(self, &self->nodes[m->from], m);
}

uint64_t host_sim_digest(const struct host *self)
{
    return self->digest.state;
}

uint64_t host_sim_node_digest(const struct host *self, node_id node)
{
    ASSERT_OP(node, <, self->node_count);
    return self->nodes[node].digest.state;
}

uint64_t host_sim_event_count(const struct host *self)
{
    return self->event_count;
}

uint64_t host_sim_record_count(const struct host *self)
{
    return self->next_seq - 1;
}

uint64_t host_sim_in_flight(const struct host *self)
{
    uint64_t counts[LINK_COUNT], sum = 0;
    count_in_flight(self, counts);
    for (unsigned link = 0; link < LINK_COUNT; link++)
        sum += counts[link];
    return sum;
}

struct link_count host_sim_link(const struct host *self, enum link link)
{
    return self->network.counts[link];
}

bool host_sim_is_listening(const struct host *self, node_id node)
{
    ASSERT_OP(node, <, self->node_count);
    return state_listens(self->nodes[node].state);
}

uint32_t host_sim_incarnation(const struct host *self, node_id node)
{
    ASSERT_OP(node, <, self->node_count);
    return self->nodes[node].env.incarnation;
}

const void *host_sim_machine(const struct host *self, node_id node)
{
    ASSERT_OP(node, <, self->node_count);
    return self->nodes[node].machine;
}

void host_sim_set_trace(struct host *self, bool trace)
{
    self->trace = trace;
}

struct arena_snapshot *host_sim_save(const struct host *self)
{
    return arena_save(self->arena);
}

void host_sim_restore(struct host *self, const struct arena_snapshot *snapshot)
{
    arena_restore(self->arena, snapshot);
}

const struct host_ops host_sim_ops = {.start = host_sim_start,
                                      .stop = host_sim_stop,
                                      .kill = host_sim_kill,
                                      .run_until = host_sim_run_until,
                                      .now = host_sim_now,
                                      .pending = host_sim_pending,
                                      .event_count = host_sim_event_count,
                                      .digest = host_sim_digest,
                                      .release = host_sim_release};
