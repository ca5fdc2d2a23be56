/*
 * controller_read.c - reads of etcd prefixes and of actions.
 *
 * Source: FPCPoolBalancer.scala:563-637; MultipleReadersSingleWriterCache.scala:94-211 at
 * 1fae641a2.
 */
#include "controller/controller_internal.h"
#include "core/assert.h"

#define CACHE_LIFE MINUTES(5) /* after the last use */
#define READ_TIMEOUT SEC(60)  /* pekko.http.client.idle-timeout */

/* ---- prefixes ---- */

static void prefix_send(struct controller *self, struct prefix_read *read, struct effects *fx)
{
    struct message *m = effects_send(fx, MSG_ETCD_RANGE, CALL_ACTOR(CALL_PREFIX, read->attempt),
                                     self->etcd, ACTOR_MAIN_ID);
    m->corr = read->corr;
    m->u.etcd.key.family = read->route == ROUTE_NONE ? KEY_SCHEDULER : KEY_INVOKERS;
    m->u.etcd.mode = RANGE_PREFIX;
    m->u.etcd.depth = 1;
    read->is_call_open = true;
    controller_arm(self, fx, &read->timer, ETCD_CALL_TIMEOUT);
}

void controller_read_prefix(struct controller *self, enum controller_route route,
                            const struct message *request, struct effects *fx)
{
    struct arena *arena = self->env->arena;
    node_id owner = self->env->node;
    struct prefix_read *read = arena_alloc(arena, owner, sizeof *read);
    if (request != NULL) {
        read->request = *request;
        read->request.u.http_request.path =
            blob_copy(arena, owner, request->u.http_request.path);
        read->request.u.http_request.headers =
            blob_copy(arena, owner, request->u.http_request.headers);
        read->request.u.http_request.body = 0;
    }
    read->corr = controller_number(self);
    read->route = (uint8_t)route;
    read->timer.kind = TIMER_READ;
    read->timer.actor = CALL_ACTOR(CALL_PREFIX, 0);
    struct prefix_read **link = &self->reads;
    while (*link != NULL)
        link = &(*link)->next;
    *link = read;
    prefix_send(self, read, fx);
}

/* kvs NULL: it failed. At the start that is neither retried nor told to anyone. */
static void prefix_done(struct controller *self, struct prefix_read *read,
                        const struct etcd_kv *kvs, uint32_t count, struct effects *fx)
{
    struct arena *arena = self->env->arena;
    struct prefix_read **link = &self->reads;
    while (*link != read) {
        ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = read->next;
    timers_cancel(&self->timers, &read->timer);
    if (read->route != ROUTE_NONE)
        controller_route_read(self, read, kvs, count, fx);
    for (uint32_t i = 0; i < count && read->route == ROUTE_NONE; i++) {
        watcher_believes(fx, BALANCER_ID, &kvs[i].key, true, NODE_NONE);
        controller_scheduler_seen(self, &kvs[i].value, fx);
    }
    blob_free(arena, read->request.u.http_request.path);
    blob_free(arena, read->request.u.http_request.headers);
    arena_release(arena, read);
}

static void prefix_failed(struct controller *self, struct prefix_read *read, struct effects *fx)
{
    timers_cancel(&self->timers, &read->timer);
    read->is_call_open = false;
    read->attempt++;
    if (read->attempt >= ETCD_ATTEMPTS_MAX) {
        prefix_done(self, read, NULL, 0, fx);
        return;
    }
    actor_id caller = CALL_ACTOR(CALL_PREFIX, read->attempt);
    duration delay = etcd_retry_delay(&self->etcd_retry, self->env, caller, fx->at);
    if (delay == 0)
        prefix_send(self, read, fx);
    else
        timers_arm(&self->timers, fx, &read->timer, delay, false);
}

void controller_on_prefix(struct controller *self, const struct message *m, struct effects *fx)
{
    static const struct etcd_kv none;
    struct prefix_read *read = self->reads;
    while (read != NULL && read->corr != m->corr)
        read = read->next;
    if (read == NULL || read->attempt != ACTOR_INDEX(m->to_actor))
        return; /* late: the attempt was given up */
    if (m->kind == MSG_REFUSED || m->u.etcd_done.status != ETCD_OK) {
        prefix_failed(self, read, fx);
        return;
    }
    uint32_t count = m->u.etcd_done.count;
    const struct etcd_kv *kvs =
        count == 0 ? &none : blob_bytes(self->env->arena, m->u.etcd_done.kvs);
    ASSERT(count == 0 ||
           blob_size(self->env->arena, m->u.etcd_done.kvs) == count * sizeof *kvs);
    prefix_done(self, read, kvs, count, fx);
}

void controller_prefix_timer(struct controller *self, struct prefix_read *read,
                             struct effects *fx)
{
    if (read->is_call_open)
        prefix_failed(self, read, fx);
    else
        prefix_send(self, read, fx);
}

void controller_prefixes_reset(struct controller *self, struct effects *fx)
{
    struct prefix_read *next = NULL;
    for (struct prefix_read *read = self->reads; read != NULL; read = next) {
        next = read->next;
        if (read->is_call_open)
            prefix_failed(self, read, fx);
    }
}

/* ---- actions ---- */

struct action_cache *controller_cache(struct controller *self, action_id action)
{
    uint32_t count = self->env->cluster->action_count;
    return &self->actions[action < count ? action : count];
}

bool controller_has_action(struct controller *self, action_id action, struct effects *fx)
{
    struct action_cache *cache = controller_cache(self, action);
    if (cache->is_cached && fx->at - cache->used_at <= CACHE_LIFE) {
        cache->used_at = fx->at;
        return true;
    }
    /* Readers of one document wait for one read, unless that was given up. */
    if (!cache->is_cached && cache->corr != 0 && fx->at - cache->used_at < READ_TIMEOUT)
        return false;
    cache->is_cached = false;
    cache->used_at = fx->at;
    cache->corr = controller_number(self);
    struct message *m = effects_send(fx, MSG_DATABASE_READ, CALL_ACTOR(CALL_ACTION, 0),
                                     self->database, ACTOR_MAIN_ID);
    m->corr = cache->corr;
    m->u.database.action = action;
    m->u.database.ns = action < self->env->cluster->action_count
                           ? self->env->cluster->actions[action].ns
                           : NAMESPACE_SYSTEM;
    m->u.database.document = DOCUMENT_ACTION;
    return false;
}

/* The read of an action ended: those who waited go on, in the order of their arrival. */
static void action_done(struct controller *self, uint32_t index, enum document_result result,
                        struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    action_id action = index < c->action_count ? (action_id)index : ACTION_HEALTH_TEST;
    struct invocation *next = NULL;
    for (struct invocation *i = self->first; i != NULL; i = next) {
        next = i->next;
        if (i->stage != STAGE_ACTION || i->action != action)
            continue;
        fx->cause = i->cause;
        if (result == DOCUMENT_FOUND) {
            controller_publish(self, i, fx);
            continue;
        }
        bool is_missing = result == DOCUMENT_MISSING;
        i->stage = STAGE_OVER;
        controller_answer(self, i, fx, is_missing ? 404 : 500, RESPONSE_WHISK_ERROR,
                          is_missing ? ERROR_NOT_FOUND : ERROR_SEND_FAILED);
    }
    controller_asks_continue(self, action, result == DOCUMENT_FOUND, fx);
}

void controller_on_action(struct controller *self, const struct message *m, struct effects *fx)
{
    uint32_t index = 0, count = self->env->cluster->action_count;
    while (index <= count && self->actions[index].corr != m->corr)
        index++;
    if (index > count || m->corr == 0)
        return;
    struct action_cache *cache = &self->actions[index];
    bool is_answer = m->kind == MSG_DATABASE_DOCUMENT;
    enum document_result result =
        is_answer ? (enum document_result)m->u.database.result : DOCUMENT_ERROR;
    cache->corr = 0;
    if (result == DOCUMENT_FOUND) {
        cache->is_cached = m->u.database.revision >= cache->least;
        cache->used_at = fx->at;
        cache->revision = m->u.database.revision;
    }
    action_done(self, index, result, fx);
}

void controller_actions_reset(struct controller *self, struct effects *fx)
{
    for (uint32_t i = 0; i <= self->env->cluster->action_count; i++) {
        if (self->actions[i].corr == 0)
            continue;
        self->actions[i].corr = 0;
        action_done(self, i, DOCUMENT_ERROR, fx);
    }
}
