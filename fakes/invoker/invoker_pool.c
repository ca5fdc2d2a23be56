/*
 * invoker_pool.c - FunctionPullingContainerPool: which container serves a creation, and what
 * containers there are, as far as they have reported.
 *
 * Upstream's pools are maps whose order is open beyond four entries; here all are in the order
 * of insertion. Prewarmed containers and deletions by action update are not modelled: their
 * counts are 0 and their messages are refused.
 * Source: FunctionPullingContainerPool.scala:198-444 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"
#include "core/json.h"
#include <stdio.h>
#include <string.h>

#define ACTION_KIND "nodejs:20" /* actions have no kind of their own here */

void invoker_pool_start(struct invoker *self, struct effects *fx)
{
    struct timer *timer = &self->pool.sync;
    timer->kind = TIMER_MEMORY_SYNC;
    timer->actor = ACTOR_POOL_ID;
    timers_arm(&self->timers, fx, timer, 0, false);
}

void invoker_pool_insert(struct pool *pool, enum pool_list list, struct slot *slot)
{
    struct pool_chain *chain = &pool->lists[list];
    struct pool_entry *e = &slot->pool;
    if (e->in[list])
        return;
    ASSERT(slot->used && !slot->is_test);
    e->in[list] = 1;
    e->next[list] = NULL;
    e->prev[list] = chain->tail;
    if (chain->tail != NULL)
        chain->tail->pool.next[list] = slot;
    else
        chain->head = slot;
    chain->tail = slot;
    chain->count++;
    chain->memory_mb += e->memory_mb;
}

void invoker_pool_remove(struct pool *pool, enum pool_list list, struct slot *slot)
{
    struct pool_chain *chain = &pool->lists[list];
    struct pool_entry *e = &slot->pool;
    if (!e->in[list])
        return;
    ASSERT_OP(chain->count, >, 0);
    ASSERT_OP(chain->memory_mb, >=, e->memory_mb);
    e->in[list] = 0;
    if (e->prev[list] != NULL)
        e->prev[list]->pool.next[list] = e->next[list];
    else
        chain->head = e->next[list];
    if (e->next[list] != NULL)
        e->next[list]->pool.prev[list] = e->prev[list];
    else
        chain->tail = e->prev[list];
    chain->count--;
    chain->memory_mb -= e->memory_mb;
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
    slot->pool.has_creation = 0;
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
        slot->pool.has_creation = 1;
        slot->pool.creation = *creation;
        slot->pool.cause = fx->cause;
    }
    struct message *m =
        effects_post(fx, ACTOR_POOL_ID, slot_actor(slot, ACTOR_PROXY), POST_INITIALIZE);
    *MESSAGE_LOCAL(m, struct creation) = *creation;
    invoker_pool_insert(&self->pool, POOL_IN_PROGRESS, slot);
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
    invoker_pool_insert(&self->pool, POOL_BUSY, slot);
    invoker_pool_remove(&self->pool, POOL_IN_PROGRESS, slot);
    pool_answer(self, slot, CREATION_NONE, fx);
}

/* Chosen again for the same creation, also while shutting down. */
static void pool_on_resume_failed(struct invoker *self, struct slot *slot, struct effects *fx)
{
    invoker_pool_remove(&self->pool, POOL_IN_PROGRESS, slot);
    if (!slot->pool.has_creation)
        return;
    slot->pool.has_creation = 0;
    struct creation creation = slot->pool.creation;
    pool_handle_chosen(self, &creation, fx);
}

static void pool_on_paused(struct invoker *self, struct slot *slot, const struct message *m)
{
    const struct post_datum *datum = MESSAGE_LOCAL_CONST(m, struct post_datum);
    slot->pool.is_warm = (uint8_t)datum->is_warm;
    slot->pool.revision = datum->revision;
    slot->pool.last_used = datum->last_used;
    invoker_pool_insert(&self->pool, POOL_WARMED, slot);
    invoker_pool_remove(&self->pool, POOL_BUSY, slot);
}

static void pool_on_removed(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct pool *pool = &self->pool;
    invoker_pool_remove(pool, POOL_IN_PROGRESS, slot);
    invoker_pool_remove(pool, POOL_WARMED, slot);
    invoker_pool_remove(pool, POOL_BUSY, slot);
    if (slot->pool.disabling) {
        ASSERT_OP(pool->disabling_count, >, 0);
        slot->pool.disabling = 0;
        pool->disabling_count--;
    }
    pool_answer(self, slot, CREATION_UNKNOWN, fx);
}

static void pool_on_get_state(struct invoker *self, const struct message *m, struct effects *fx)
{
    const struct post_ask *ask = MESSAGE_LOCAL_CONST(m, struct post_ask);
    const struct pool *pool = &self->pool;
    struct ask *waiting = ask->ask < ASKS_MAX ? self->asks[ask->ask] : NULL;
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
        pool_answer(self, slot, CREATION_WHISK, fx);
        return true;
    case POST_CONTAINER_IS_PAUSED:
        pool_on_paused(self, slot, m);
        return true;
    case POST_CONTAINER_REMOVED:
        pool_on_removed(self, slot, fx);
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
        self->pool.shutting_down = 0;
    else if (what == POST_GET_STATE)
        pool_on_get_state(self, m, fx);
    else if (slot == NULL || slot->is_test || !pool_on_report(self, slot, m, fx))
        effects_reject(fx, ACTOR_POOL_ID, m);
    else
        invoker_slot_release(self, slot);
}

static void json_containers(struct invoker *self, struct json_out *json, enum pool_list list)
{
    const struct cluster *c = self->env->cluster;
    char id[12];
    json_out_object_begin(json);
    json_out_key(json, "containers");
    json_out_array_begin(json);
    for (const struct slot *s = self->pool.lists[list].head; s != NULL;
         s = s->pool.next[list]) {
        const char *name = cluster_action_name(c, s->pool.action);
        const char *bare = strrchr(name, '/');
        snprintf(id, sizeof id, "%08" PRIx32, s->proxy.container);
        json_out_object_begin(json);
        json_out_key(json, "action");
        json_out_string(json, bare == NULL ? name : bare + 1);
        json_out_key(json, "containerId");
        json_out_string(json, id);
        json_out_key(json, "kind");
        json_out_string(json, ACTION_KIND);
        json_out_key(json, "namespace");
        json_out_string(json, cluster_namespace_name(c, s->pool.ns));
        json_out_object_end(json);
    }
    json_out_array_end(json);
    json_out_key(json, "total");
    json_out_number(json, self->pool.lists[list].count);
    json_out_object_end(json);
}

blob invoker_pool_state_json(struct invoker *self)
{
    struct json_out json;
    const struct pool_chain *lists = self->pool.lists;
    json_out_init(&json, self->env->arena, self->env->node);
    json_out_object_begin(&json);
    json_out_key(&json, "busyPool");
    json_containers(self, &json, POOL_BUSY);
    json_out_key(&json, "inProgressCount");
    json_out_number(&json, lists[POOL_IN_PROGRESS].count);
    json_out_key(&json, "pausedPool");
    json_containers(self, &json, POOL_WARMED);
    json_out_key(&json, "prewarmedPool");
    json_out_raw(&json, "{\"countsByKind\":{},\"total\":0}");
    json_out_key(&json, "totalContainers");
    json_out_number(&json, (uint64_t)lists[POOL_BUSY].count + lists[POOL_IN_PROGRESS].count +
                               lists[POOL_WARMED].count);
    json_out_object_end(&json);
    return json_out_finish(&json);
}
