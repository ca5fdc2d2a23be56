/*
 * invoker_slot.c - slots for containers, runs for activations, ids of containers.
 *
 * A slot outlives its actors: a container may still be under removal, a run may still send its
 * acks when proxy and client have stopped. It is given back when nothing of it is left.
 */
#include "invoker/invoker_internal.h"

#define STASH_FIRST 4u
#define SLOTS_FIRST 8u
#define CONTAINER_ORDINAL_BITS 22u /* 1024 invokers, 4 million containers each */

struct slot *invoker_slot_new(struct invoker *self, bool is_test)
{
    struct slot *slot;
    if (self->slot_free != 0) {
        slot = self->slots[self->slot_free - 1u];
        self->slot_free = slot->free_next;
    } else {
        if (self->slot_count == INVOKER_SLOTS_MAX)
            return NULL;
        if (self->slot_count == self->slot_max) {
            self->slot_max = self->slot_max == 0 ? SLOTS_FIRST : self->slot_max * 2;
            self->slots = arena_grow(self->env->arena, self->env->node, self->slots,
                                     self->slot_max * sizeof(struct slot *));
        }
        slot = arena_alloc(self->env->arena, self->env->node, sizeof *slot);
        slot->index = (uint16_t)self->slot_count;
        slot->corr = self->env->incarnation << 20;
        self->slots[self->slot_count++] = slot;
    }
    ASSERT(!slot->used && slot->calls.count == 0);
    slot->used = true;
    slot->is_test = is_test;
    proxy_start(self, slot);
    return slot;
}

struct slot *invoker_slot_find(const struct invoker *self, actor_id actor)
{
    uint32_t index = ACTOR_INDEX(actor);
    if (index >= self->slot_count)
        return NULL;
    struct slot *slot = self->slots[index];
    return slot->used && slot->generation == ACTOR_GENERATION(actor) ? slot : NULL;
}

static bool slot_is_left(const struct slot *slot)
{
    const struct proxy *p = &slot->proxy;
    const struct pool_entry *e = &slot->pool;
    return !p->alive && !p->has_container && p->runs == NULL &&
           !timer_is_armed(&p->operation) && !timer_is_armed(&p->resume) &&
           !timer_is_armed(&p->destroy) && !e->in[POOL_IN_PROGRESS] && !e->in[POOL_BUSY] &&
           !e->in[POOL_WARMED] && !e->in[POOL_PREWARMED] && !e->in[POOL_PREWARM_STARTING] &&
           !e->disabling && !e->has_creation;
}

/* Back to the free ones, keeping the blocks it has grown and the identity of its next life. */
static void slot_clear(struct invoker *self, struct slot *slot)
{
    struct slot cleared = {
        .index = slot->index,
        .generation = (slot->generation + 1u) & 0x3ffu,
        .corr = slot->corr,
        .free_next = self->slot_free,
        .calls = {.items = slot->calls.items, .max = slot->calls.max},
        .proxy = {.stash = slot->proxy.stash, .stash_max = slot->proxy.stash_max},
        .client = {.stash = slot->client.stash, .stash_max = slot->client.stash_max},
    };
    ASSERT(!slot->client.alive);
    timers_cancel(&self->timers, &slot->call_timer);
    *slot = cleared;
    self->slot_free = (uint16_t)(slot->index + 1u);
}

void invoker_slot_release(struct invoker *self, struct slot *slot)
{
    if (slot->used && slot_is_left(slot))
        slot_clear(self, slot);
}

uint32_t invoker_slot_container_id(struct invoker *self)
{
    uint64_t key = draw_bits(self->env->draws, PURPOSE_CONTAINER_ID, 0, 0);
    uint32_t id = 0;
    ASSERT_OP(self->number, <, 1u << (32 - CONTAINER_ORDINAL_BITS));
    while (id == 0) { /* 0 is none; each step is one to one, so ids are unique */
        uint32_t ordinal = ++self->kept.container_ordinal;
        ASSERT_OP(ordinal, <, 1u << CONTAINER_ORDINAL_BITS);
        id = (self->number << CONTAINER_ORDINAL_BITS | ordinal) ^ (uint32_t)key;
        id = (id ^ id >> 16) * UINT32_C(0x7feb352d);
        id = (id ^ id >> 15) * UINT32_C(0x846ca68b);
        id ^= id >> 16;
    }
    return id;
}

struct run *invoker_run_new(struct invoker *self, struct slot *slot)
{
    struct run *run = self->run_free;
    if (run != NULL)
        self->run_free = run->next;
    else
        run = arena_alloc(self->env->arena, self->env->node, sizeof *run);
    *run = (struct run){.slot = slot, .next = slot->proxy.runs};
    run->timer.kind = TIMER_RUN;
    run->timer.actor = slot_actor(slot, ACTOR_CALLBACK);
    slot->proxy.runs = run;
    return run;
}

/* Out of runningActivations: all that is left to do is an ack. */
void invoker_run_leave(struct invoker *self, struct run *run)
{
    ASSERT(run->phase != RUN_READING && run->phase != RUN_ACKING);
    ASSERT_OP(run->slot->proxy.running_count, >, 0);
    run->slot->proxy.running_count--;
    if ((run->activation.id & ACTIVATION_SYSTEM) == 0)
        self->runs_open--;
    run->phase = RUN_ACKING;
}

void invoker_run_free(struct invoker *self, struct run *run)
{
    struct run **link = &run->slot->proxy.runs;
    while (*link != run) {
        ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    ASSERT_OP(run->result_corr, ==, 0);
    if (run->phase != RUN_READING && run->phase != RUN_ACKING)
        invoker_run_leave(self, run);
    timers_cancel(&self->timers, &run->timer);
    *link = run->next;
    run->next = self->run_free;
    self->run_free = run;
}

void invoker_stash_add(struct invoker *self, struct message **stash, uint32_t *count,
                       uint32_t *max, const struct message *m)
{
    if (*count == *max) {
        *max = *max == 0 ? STASH_FIRST : *max * 2;
        *stash = arena_grow(self->env->arena, self->env->node, *stash, *max * sizeof **stash);
    }
    (*stash)[(*count)++] = *m;
}
