/*
 * invoker_pool_drain.c - the shutdown loop: at most `batch-deletion-size` containers under
 * removal at a time, busy ones first.
 *
 * Its defects are behaviour: the stop test adds both slot counts although busy containers may
 * have left slots unused that the paused ones then used too, so up to ten paused ones may
 * never be told; and a waiting retry is not cancelled by Enable, so it shuts down again.
 * Source: FunctionPullingContainerPool.scala:427-432, 629-652 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

static uint64_t drain_slots(const struct invoker *self)
{
    uint64_t batch = self->config->batch_deletion_size;
    return batch > self->pool.disabling_count ? batch - self->pool.disabling_count : 0;
}

/* Tell up to `slots` of the list that have not been told. */
static void drain_list(struct invoker *self, enum pool_list list, uint64_t slots,
                       struct effects *fx)
{
    struct slot *slot = self->pool.lists[list].head;
    ASSERT_OP(self->pool.disabling_count, <=, self->slot_count);
    for (; slot != NULL && slots > 0; slot = slot->pool.next[list]) {
        if (slot->pool.disabling)
            continue;
        slot->pool.disabling = true;
        self->pool.disabling_count++;
        slots--;
        effects_post(fx, ACTOR_POOL_ID, slot_actor(slot, ACTOR_PROXY), POST_GRACEFUL_SHUTDOWN);
    }
}

void invoker_pool_drain(struct invoker *self, struct effects *fx)
{
    struct pool *pool = &self->pool;
    pool->shutting_down = true;
    uint64_t slots_busy = drain_slots(self);
    drain_list(self, POOL_BUSY, slots_busy, fx);
    uint64_t slots_warm = drain_slots(self);
    drain_list(self, POOL_WARMED, slots_warm, fx);
    uint64_t count = (uint64_t)pool->lists[POOL_BUSY].count + pool->lists[POOL_WARMED].count;
    if (pool->lists[POOL_IN_PROGRESS].count == 0 && count <= slots_busy + slots_warm)
        return;
    struct timer *timer = arena_alloc(self->env->arena, self->env->node, sizeof *timer);
    timer->kind = TIMER_DRAIN;
    timer->actor = ACTOR_POOL_ID;
    pool->drain_timers++;
    timers_arm(&self->timers, fx, timer, POOL_RETRY, true);
}

/* The loop's message to itself; its turn comes after what is in the mailbox. */
void invoker_pool_on_drain_timer(struct invoker *self, struct timer *timer, struct effects *fx)
{
    ASSERT_OP(self->pool.drain_timers, >, 0);
    self->pool.drain_timers--;
    arena_release(self->env->arena, timer);
    effects_post(fx, ACTOR_POOL_ID, ACTOR_POOL_ID, POST_GRACEFUL_SHUTDOWN);
}
