/*
 * invoker_pool_choose.c - a container for a creation: a paused one of the same namespace,
 * action and revision, else a prewarmed one of its kind, else a new one; for these two the
 * oldest paused ones may have to go.
 * Source: FunctionPullingContainerPool.scala:562-576, 660-703, 769-788 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

/* Entity equality of actions includes the revision. */
static struct slot *pool_take_warmed(struct invoker *self, const struct creation *creation)
{
    struct pool *pool = &self->pool;
    struct slot *slot = pool->lists[POOL_WARMED].head;
    while (slot != NULL &&
           (slot->pool.ns != creation->ns || slot->pool.action != creation->action ||
            slot->pool.revision != creation->revision))
        slot = slot->pool.next[POOL_WARMED];
    if (slot != NULL)
        invoker_pool_remove(pool, POOL_WARMED, slot);
    return slot;
}

static struct slot *pool_oldest(const struct pool *pool)
{
    struct slot *oldest = pool->lists[POOL_WARMED].head;
    for (struct slot *s = oldest; s != NULL; s = s->pool.next[POOL_WARMED]) {
        if (s->pool.last_used < oldest->pool.last_used)
            oldest = s;
    }
    return oldest;
}

/* The oldest paused ones leave until `lacking_mb` is covered. */
static void pool_evict(struct invoker *self, uint64_t lacking_mb, struct effects *fx)
{
    struct pool *pool = &self->pool;
    uint64_t covered_mb = 0;
    ASSERT_OP(pool->lists[POOL_WARMED].memory_mb, >=, lacking_mb);
    while (covered_mb < lacking_mb) {
        struct slot *slot = pool_oldest(pool);
        covered_mb += slot->pool.memory_mb;
        invoker_pool_remove(pool, POOL_WARMED, slot);
        effects_post(fx, ACTOR_POOL_ID, slot_actor(slot, ACTOR_PROXY), POST_REMOVE);
    }
}

static struct slot *pool_take(struct invoker *self, const struct creation *creation,
                              struct effects *fx)
{
    struct pool *pool = &self->pool;
    uint64_t all = self->config->user_memory_bytes >> 20;
    uint64_t deletable = pool->lists[POOL_WARMED].memory_mb;
    int64_t free = (int64_t)all - (int64_t)pool->used_mb;
    enum exec_kind kind = invoker_action_kind(self, creation->action);
    uint32_t need = cluster_action_memory(self->env->cluster, creation->action);
    if ((int64_t)need > free + (int64_t)deletable)
        return NULL;
    int64_t cap = self->config->prewarm_promotion ? free + (int64_t)deletable : (int64_t)need;
    struct slot *slot = invoker_prewarm_take(self, kind, need, cap, fx);
    if (slot == NULL) {
        slot = invoker_slot_new(self, false);
        if (slot == NULL)
            return NULL;
        slot->pool.memory_mb = need;
        invoker_prewarm_count_cold(self, kind, need);
    }
    if ((int64_t)slot->pool.memory_mb > free)
        pool_evict(self, (uint64_t)((int64_t)slot->pool.memory_mb - free), fx);
    slot->pool.action = creation->action;
    slot->pool.ns = creation->ns;
    slot->pool.revision = creation->revision;
    return slot;
}

struct slot *invoker_pool_choose(struct invoker *self, const struct creation *creation,
                                 struct effects *fx)
{
    struct slot *slot = pool_take_warmed(self, creation);
    return slot != NULL ? slot : pool_take(self, creation, fx);
}
