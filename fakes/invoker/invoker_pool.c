/*
 * invoker_pool.c - FunctionPullingContainerPool: which container serves a creation, and what
 * containers there are, as far as they have reported.
 *
 * Upstream's pools are maps whose order is open beyond four entries; here all are in the order
 * of insertion.
 * Source: FunctionPullingContainerPool.scala:198-444 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

void invoker_pool_start(struct invoker *self, struct effects *fx)
{
    struct timer *timer = &self->pool.sync;
    invoker_prewarm_start(self, fx);
    timer->kind = TIMER_MEMORY_SYNC;
    timer->actor = ACTOR_POOL_ID;
    timers_arm(&self->timers, fx, timer, 0, false);
}

/* What the union of the maps that decide upon a creation counts for it: the last one's datum.
 */
static uint64_t entry_used(const struct pool_entry *e)
{
    if (e->in[POOL_IN_PROGRESS])
        return e->counted_mb[POOL_IN_PROGRESS];
    if (e->in[POOL_WARMED])
        return e->counted_mb[POOL_WARMED];
    return e->in[POOL_BUSY] ? e->counted_mb[POOL_BUSY] : 0;
}

static void entry_count(struct pool *pool, enum pool_list list, struct pool_entry *e,
                        bool is_in, uint32_t memory_mb)
{
    struct pool_chain *chain = &pool->lists[list];
    uint64_t before = entry_used(e);
    ASSERT_OP(chain->memory_mb, >=, e->counted_mb[list]);
    chain->memory_mb = chain->memory_mb - e->counted_mb[list] + memory_mb;
    e->counted_mb[list] = memory_mb;
    e->in[list] = is_in;
    ASSERT_OP(pool->used_mb, >=, before);
    pool->used_mb = pool->used_mb - before + entry_used(e);
}

void invoker_pool_insert(struct pool *pool, enum pool_list list, struct slot *slot,
                         uint32_t memory_mb)
{
    struct pool_chain *chain = &pool->lists[list];
    struct pool_entry *e = &slot->pool;
    bool is_in = e->in[list] != 0;
    entry_count(pool, list, e, true, memory_mb);
    if (is_in)
        return;
    ASSERT(slot->used && !slot->is_test);
    e->next[list] = NULL;
    e->prev[list] = chain->tail;
    if (chain->tail != NULL)
        chain->tail->pool.next[list] = slot;
    else
        chain->head = slot;
    chain->tail = slot;
    chain->count++;
}

void invoker_pool_remove(struct pool *pool, enum pool_list list, struct slot *slot)
{
    struct pool_chain *chain = &pool->lists[list];
    struct pool_entry *e = &slot->pool;
    if (!e->in[list])
        return;
    ASSERT_OP(chain->count, >, 0);
    entry_count(pool, list, e, false, 0);
    if (e->prev[list] != NULL)
        e->prev[list]->pool.next[list] = e->next[list];
    else
        chain->head = e->next[list];
    if (e->next[list] != NULL)
        e->next[list]->pool.prev[list] = e->prev[list];
    else
        chain->tail = e->prev[list];
    chain->count--;
}

/* free = userMemory - busy - inProgress: paused containers count as free (Pool:515-522). */
void invoker_pool_send_memory(struct invoker *self, struct effects *fx)
{
    const struct pool *pool = &self->pool;
    uint64_t all = self->config->user_memory_bytes >> 20;
    uint64_t busy = pool->lists[POOL_BUSY].memory_mb;
    uint64_t in_progress = pool->lists[POOL_IN_PROGRESS].memory_mb;
    struct message *m = effects_post(fx, ACTOR_POOL_ID, ACTOR_HEALTH_ID, POST_MEMORY_INFO);
    *MESSAGE_LOCAL(m, struct post_memory) = (struct post_memory){
        .free_mb = (uint32_t)(all > busy + in_progress ? all - busy - in_progress : 0),
        .busy_mb = (uint32_t)busy,
        .in_progress_mb = (uint32_t)in_progress,
    };
}

/* Ack the creation that the slot was chosen for, if that has not happened yet. */
static void pool_answer(struct invoker *self, struct slot *slot, enum creation_error error,
                        struct effects *fx)
{
    if (!slot->pool.has_creation)
        return;
    slot->pool.has_creation = false;
    fx->cause = fx->cause != 0 ? fx->cause : slot->pool.cause;
    invoker_creation_answer(self, ACTOR_POOL_ID, &slot->pool.creation, error, fx);
}

/* The creation is acked when the proxy reports, so it is kept with it. */
static void pool_handle_chosen(struct invoker *self, const struct creation *creation,
                               struct effects *fx)
{
    struct slot *slot = invoker_pool_choose(self, creation, fx);
    if (slot == NULL) {
        invoker_pool_send_memory(self, fx);
        invoker_creation_answer(self, ACTOR_POOL_ID, creation, CREATION_RESOURCE_NOT_ENOUGH,
                                fx);
        return;
    }
    ASSERT(!slot->is_test);
    if (!slot->pool.has_creation) {
        slot->pool.has_creation = true;
        slot->pool.creation = *creation;
        slot->pool.cause = fx->cause;
    }
    struct message *m =
        effects_post(fx, ACTOR_POOL_ID, slot_actor(slot, ACTOR_PROXY), POST_INITIALIZE);
    *MESSAGE_LOCAL(m, struct creation) = *creation;
    invoker_pool_insert(&self->pool, POOL_IN_PROGRESS, slot, slot->pool.memory_mb);
}

static void pool_on_creation(struct invoker *self, const struct message *m, struct effects *fx)
{
    const struct creation *creation = MESSAGE_LOCAL_CONST(m, struct creation);
    if (self->pool.shutting_down)
        invoker_creation_answer(self, ACTOR_POOL_ID, creation, CREATION_SHUTTING_DOWN, fx);
    else if (creation->action >= self->env->cluster->action_count &&
             creation->action != ACTION_HEALTH_TEST) /* an ordinary action to who calls it */
        invoker_creation_answer(self, ACTOR_POOL_ID, creation, CREATION_NON_EXECUTABLE, fx);
    else
        pool_handle_chosen(self, creation, fx);
}

/* Initialized or Resumed. */
static void pool_on_ready(struct invoker *self, struct slot *slot, const struct message *m,
                          struct effects *fx)
{
    const struct post_datum *datum = MESSAGE_LOCAL_CONST(m, struct post_datum);
    slot->pool.is_warm = (uint8_t)datum->is_warm;
    slot->pool.revision = datum->revision;
    slot->pool.last_used = datum->last_used;
    slot->pool.memory_mb = cluster_action_memory(self->env->cluster, slot->pool.action);
    invoker_pool_insert(&self->pool, POOL_BUSY, slot, slot->pool.memory_mb);
    invoker_pool_remove(&self->pool, POOL_IN_PROGRESS, slot);
    pool_answer(self, slot, CREATION_NONE, fx);
}

/* Chosen again for the same creation, also while shutting down. */
static void pool_on_resume_failed(struct invoker *self, struct slot *slot, struct effects *fx)
{
    invoker_pool_remove(&self->pool, POOL_IN_PROGRESS, slot);
    if (!slot->pool.has_creation)
        return;
    slot->pool.has_creation = false;
    struct creation creation = slot->pool.creation;
    pool_handle_chosen(self, &creation, fx);
}

static void pool_on_paused(struct invoker *self, struct slot *slot, const struct message *m)
{
    const struct post_datum *datum = MESSAGE_LOCAL_CONST(m, struct post_datum);
    slot->pool.is_warm = (uint8_t)datum->is_warm;
    slot->pool.revision = datum->revision;
    slot->pool.last_used = datum->last_used;
    slot->pool.memory_mb = cluster_action_memory(self->env->cluster, slot->pool.action);
    invoker_pool_insert(&self->pool, POOL_WARMED, slot, slot->pool.memory_mb);
    invoker_pool_remove(&self->pool, POOL_BUSY, slot);
}

static void pool_on_ready_to_work(struct invoker *self, struct slot *slot,
                                  const struct message *m)
{
    const struct post_prewarmed *datum = MESSAGE_LOCAL_CONST(m, struct post_prewarmed);
    slot->pool.kind = (uint8_t)datum->kind;
    slot->pool.memory_mb = datum->memory_mb;
    slot->pool.expires_at = datum->expires_at;
    invoker_pool_remove(&self->pool, POOL_PREWARM_STARTING, slot);
    invoker_pool_insert(&self->pool, POOL_PREWARMED, slot, datum->memory_mb);
    self->pool.prewarm_failed_count = 0;
}

static void pool_on_creation_failed(struct invoker *self, struct slot *slot,
                                    const struct message *m, struct effects *fx)
{
    const struct post_failure *failure = MESSAGE_LOCAL_CONST(m, struct post_failure);
    pool_answer(self, slot, failure->is_blackbox ? CREATION_BLACK_BOX : CREATION_WHISK, fx);
}

/* Its action was updated: its containers up to this revision shut down. The datum of a busy one
 * that has run nothing has no revision, so it goes, whatever it was made for; one that is
 * in progress is not told. Told again at each message, and not counted as disabling. */
static void pool_on_deletion(struct invoker *self, const struct message *m, struct effects *fx)
{
    static const enum pool_list lists[] = {POOL_WARMED, POOL_BUSY};
    const struct creation *deletion = MESSAGE_LOCAL_CONST(m, struct creation);
    for (unsigned i = 0; i < 2; i++) {
        enum pool_list list = lists[i];
        for (const struct slot *s = self->pool.lists[list].head; s != NULL;
             s = s->pool.next[list]) {
            const struct pool_entry *e = &s->pool;
            bool is_old =
                (list == POOL_BUSY && !e->is_warm) || e->revision <= deletion->revision;
            if (e->ns == deletion->ns && e->action == deletion->action && is_old)
                effects_post(fx, ACTOR_POOL_ID, slot_actor(s, ACTOR_PROXY),
                             POST_GRACEFUL_SHUTDOWN);
        }
    }
}

static void pool_on_removed(struct invoker *self, struct slot *slot, const struct message *m,
                            struct effects *fx)
{
    struct pool *pool = &self->pool;
    invoker_pool_remove(pool, POOL_IN_PROGRESS, slot);
    invoker_pool_remove(pool, POOL_WARMED, slot);
    invoker_pool_remove(pool, POOL_BUSY, slot);
    if (slot->pool.disabling) {
        ASSERT_OP(pool->disabling_count, >, 0);
        slot->pool.disabling = false;
        pool->disabling_count--;
    }
    invoker_pool_remove(pool, POOL_PREWARMED, slot);
    if (slot->pool.in[POOL_PREWARM_STARTING]) {
        invoker_pool_remove(pool, POOL_PREWARM_STARTING, slot);
        pool->prewarm_failed_count++;
    }
    if (MESSAGE_LOCAL_CONST(m, struct post_datum)->replace)
        invoker_prewarm_adjust(self, false, false, fx);
    pool_answer(self, slot, CREATION_UNKNOWN, fx);
}

static void pool_on_get_state(struct invoker *self, const struct message *m, struct effects *fx)
{
    const struct post_ask *ask = MESSAGE_LOCAL_CONST(m, struct post_ask);
    const struct pool *pool = &self->pool;
    ASSERT_OP(ask->ask, <, ASKS_MAX);
    struct ask *waiting = self->asks[ask->ask];
    if (ask->wants_json && waiting != NULL && waiting->used && waiting->json == 0)
        waiting->json = invoker_pool_state_json(self); /* no handle goes into a post */
    struct message *reply = effects_post(fx, ACTOR_POOL_ID, m->from_actor, POST_POOL_STATE);
    *MESSAGE_LOCAL(reply, struct post_pool_state) = (struct post_pool_state){
        .ask = ask->ask,
        .count = pool->lists[POOL_BUSY].count + pool->lists[POOL_WARMED].count +
                 pool->lists[POOL_IN_PROGRESS].count,
    };
}

/* What a proxy reports. False: not a report. */
static bool pool_on_report(struct invoker *self, struct slot *slot, const struct message *m,
                           struct effects *fx)
{
    switch (m->what) {
    case POST_INITIALIZED:
    case POST_RESUMED:
        pool_on_ready(self, slot, m, fx);
        return true;
    case POST_RESUME_FAILED:
        pool_on_resume_failed(self, slot, fx);
        return true;
    case POST_CREATION_FAILED:
        pool_on_creation_failed(self, slot, m, fx);
        return true;
    case POST_CONTAINER_IS_PAUSED:
        pool_on_paused(self, slot, m);
        return true;
    case POST_CONTAINER_REMOVED:
        pool_on_removed(self, slot, m, fx);
        return true;
    case POST_READY_TO_WORK:
        pool_on_ready_to_work(self, slot, m);
        return true;
    }
    return false;
}

void invoker_pool_on_message(struct invoker *self, const struct message *m, struct effects *fx)
{
    unsigned what = m->kind == MSG_POST ? m->what : POST_NONE;
    struct slot *slot = invoker_slot_find(self, m->from_actor);
    if (what == POST_CREATION_CONTAINER)
        pool_on_creation(self, m, fx);
    else if (what == POST_GRACEFUL_SHUTDOWN)
        invoker_pool_drain(self, fx);
    else if (what == POST_ENABLE)
        self->pool.shutting_down = false;
    else if (what == POST_GET_STATE)
        pool_on_get_state(self, m, fx);
    else if (what == POST_DELETION_CONTAINER)
        pool_on_deletion(self, m, fx);
    else if (invoker_prewarm_on_message(self, what, fx))
        return;
    else if (slot == NULL || slot->is_test || !pool_on_report(self, slot, m, fx))
        effects_reject(fx, ACTOR_POOL_ID, m);
    else
        invoker_slot_release(self, slot);
}
