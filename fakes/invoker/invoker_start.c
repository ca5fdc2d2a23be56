/*
 * invoker_start.c - warm-up of the connections to schedulers, and answers to callbacks that
 * belong to no container.
 *
 * The watch on `whisk/scheduler` is what isEnabled reports. etcd-java makes a broken stream
 * again by itself, behind the last event that it delivered.
 * Source: FPCInvokerReactive.scala:376-475 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

/* The node's other watch is the watcher's; numbers of the two never meet. */
#define WARM_WATCH 0x8000u

static void watch_create(struct invoker *self, struct effects *fx)
{
    struct message *m =
        effects_send(fx, MSG_WATCH_CREATE, ACTOR_MAIN_ID, self->etcd, ACTOR_MAIN_ID);
    uint32_t count = (self->watch_number + 1u) & 0xffu;
    self->watch_number = (uint16_t)(WARM_WATCH | (self->env->incarnation & 0x7fu) << 8 | count);
    m->corr = self->watch_number;
    m->u.watch.key.family = KEY_SCHEDULER;
    m->u.watch.depth = 1;
    m->u.watch.watch = self->watch_number;
    m->u.watch.revision = self->watch_revision == 0 ? 0 : self->watch_revision + 1;
}

/* One fetch of the reserved action, whose answer is of no interest. */
static void warm_scheduler(struct invoker *self, const struct key *key, struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    uint32_t index = (uint32_t)key->node - c->firsts[NODE_SCHEDULER];
    if (key->family != KEY_SCHEDULER || index >= c->counts[NODE_SCHEDULER] ||
        self->warmed_schedulers[index] != 0)
        return;
    ASSERT(key->node != self->env->node);
    self->warmed_schedulers[index] = 1;
    uint32_t corr = invoker_corr(self);
    invoker_calls_add(self, &self->calls, CALL_WARM_FETCH, key->node, corr);
    struct message *m = effects_send(fx, MSG_FETCH, CALLBACK_MAIN_ID, key->node, ACTOR_MAIN_ID);
    m->corr = corr;
    m->u.fetch.action = ACTION_WARM_UP;
    m->u.fetch.ns = NAMESPACE_SYSTEM;
}

void invoker_warm_up(struct invoker *self, struct effects *fx)
{
    if (!self->watch_is_open) {
        self->watch_is_open = true;
        self->watch_revision = 0;
        watch_create(self, fx);
    }
    uint32_t corr = invoker_corr(self);
    invoker_calls_add(self, &self->calls, CALL_WARM_LIST, self->etcd, corr);
    struct message *m =
        effects_send(fx, MSG_ETCD_RANGE, CALLBACK_MAIN_ID, self->etcd, ACTOR_MAIN_ID);
    m->corr = corr;
    m->u.etcd.key.family = KEY_SCHEDULER;
    m->u.etcd.mode = RANGE_PREFIX;
    m->u.etcd.depth = 1;
}

void invoker_close_watch(struct invoker *self, struct effects *fx)
{
    if (!self->watch_is_open)
        return;
    self->watch_is_open = false;
    struct message *m =
        effects_send(fx, MSG_WATCH_CANCEL, ACTOR_MAIN_ID, self->etcd, ACTOR_MAIN_ID);
    m->corr = self->watch_number;
    m->u.watch.key.family = KEY_SCHEDULER;
    m->u.watch.depth = 1;
    m->u.watch.watch = self->watch_number;
}

void invoker_on_etcd_link(struct invoker *self, bool is_down, struct effects *fx)
{
    self->etcd_is_down = is_down;
    if (!is_down && self->watch_is_open)
        watch_create(self, fx);
}

static void main_on_watch_event(struct invoker *self, const struct message *m,
                                struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    uint32_t index = (uint32_t)m->u.watch.key.node - c->firsts[NODE_SCHEDULER];
    if (!self->watch_is_open || m->u.watch.watch != self->watch_number)
        return;
    self->watch_revision = m->u.watch.revision;
    if (!m->u.watch.deleted)
        warm_scheduler(self, &m->u.watch.key, fx);
    else if (m->u.watch.key.family == KEY_SCHEDULER && index < c->counts[NODE_SCHEDULER])
        self->warmed_schedulers[index] = 0;
}

/* The watch met nobody: it comes again when etcd listens, which may be already. */
static void main_on_refused(struct invoker *self, const struct message *m, struct effects *fx)
{
    if (self->watch_is_open && m->corr == self->watch_number && !self->etcd_is_down &&
        m->u.refused.kind == MSG_WATCH_CREATE)
        watch_create(self, fx);
}

void invoker_on_main(struct invoker *self, const struct message *m, struct effects *fx)
{
    if (m->kind == MSG_HTTP_REQUEST)
        invoker_route_on_request(self, m, fx);
    else if (m->kind == MSG_POST && m->what == POST_POOL_STATE)
        invoker_route_on_pool_state(self, m, fx);
    else if (m->kind == MSG_WATCH_EVENT)
        main_on_watch_event(self, m, fx);
    else if (m->kind == MSG_REFUSED)
        main_on_refused(self, m, fx);
    else if (m->kind != MSG_WATCH_CREATED && m->kind != MSG_WATCH_CANCELED)
        effects_reject(fx, m->to_actor, m);
}

/* The listing that follows each enable. */
static void warm_on_list(struct invoker *self, const struct message *m, struct effects *fx)
{
    if (m->kind != MSG_ETCD_RANGED || m->u.etcd_done.status != ETCD_OK)
        return;
    const struct etcd_kv *kvs = blob_bytes(self->env->arena, m->u.etcd_done.kvs);
    for (uint32_t i = 0; m->u.etcd_done.kvs != 0 && i < m->u.etcd_done.count; i++)
        warm_scheduler(self, &kvs[i].key, fx);
}

/* A callback that belongs to no slot: a post from itself, or the answer to a call. */
void invoker_on_callback(struct invoker *self, const struct message *m, struct effects *fx)
{
    struct call call;
    if (m->kind == MSG_POST) {
        if (m->to_actor == CALLBACK_HEALTH_ID)
            invoker_health_on_callback(self, m, fx);
        else if (m->to_actor == CALLBACK_CONSUMER_ID)
            invoker_consumer_on_callback(self, m, fx);
        else
            effects_reject(fx, m->to_actor, m);
        return;
    }
    if (!invoker_calls_take(&self->calls, m->corr, &call)) {
        effects_reject(fx, m->to_actor, m);
        return;
    }
    bool is_document = m->kind == MSG_DATABASE_DOCUMENT;
    bool is_found = is_document && m->u.database.result == DOCUMENT_FOUND;
    struct message post = {.kind = MSG_POST, .from = self->env->node, .to = self->env->node};
    if (call.kind == CALL_WARM_LIST) {
        warm_on_list(self, m, fx);
    } else if (call.kind == CALL_READING) {
        *MESSAGE_LOCAL(&post, struct post_reading) = (struct post_reading){
            .reading = call.arg,
            .result = is_document ? m->u.database.result : DOCUMENT_ERROR,
        };
        post.what = POST_READ;
        post.to_actor = CALLBACK_CONSUMER_ID;
        invoker_consumer_on_callback(self, &post, fx);
    } else if (call.kind == CALL_BLACKLIST) {
        invoker_blacklist_on_read(self, (namespace_id)call.arg, m);
    } else if (call.kind == CALL_TEST_WRITE && is_found) {
        invoker_health_on_written(self, fx);
    } else if (call.kind == CALL_TEST_READ && is_found) {
        post.what = POST_TEST_START;
        invoker_health_on_callback(self, &post, fx);
    }
}
