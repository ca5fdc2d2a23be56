/*
 * invoker_proxy_create.c - a container's first states: Uninitialized, CreatingClient,
 * ClientCreated (until the first activation has been initialised).
 *
 * Before #5348 docker's callback started the client, so that its word could come before the
 * container was known; it was sent round to the actor itself until then, and does here what the
 * last of these rounds does.
 * Source: FunctionPullingContainerProxy.scala:234-289, 339-481 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

static void proxy_initialize(struct invoker *self, struct slot *slot, const struct message *m,
                             struct effects *fx)
{
    const struct creation *job = MESSAGE_LOCAL_CONST(m, struct creation);
    struct proxy *p = &slot->proxy;
    ASSERT(!p->has_container && p->container == 0);
    p->action = job->action;
    p->ns = job->ns;
    p->revision = job->revision;
    p->scheduler = job->scheduler;
    p->creation = job->id;
    p->container = invoker_slot_container_id(self);
    p->last_used = fx->at;
    if (!slot->is_test)
        self->containers_open++;
    proxy_operate(self, slot, TIMER_CREATE, fx);
    proxy_move(self, slot, PROXY_CREATING_CLIENT, fx);
    p->cause = fx->cause;
}

/* A stem cell: a container of no action, which has no key. */
static void proxy_prewarm(struct invoker *self, struct slot *slot, const struct message *m,
                          struct effects *fx)
{
    const struct post_start *start = MESSAGE_LOCAL_CONST(m, struct post_start);
    struct proxy *p = &slot->proxy;
    ASSERT(!p->has_container && p->container == 0);
    p->action = ACTION_NONE;
    p->ns = NAMESPACE_NONE;
    p->prewarm_mb = start->memory_mb;
    p->prewarm_kind = start->kind;
    p->prewarm_ttl = start->ttl;
    p->container = invoker_slot_container_id(self);
    proxy_operate(self, slot, TIMER_CREATE, fx);
    proxy_move(self, slot, PROXY_CREATING_CONTAINER, fx);
    p->cause = fx->cause;
}

bool proxy_on_uninitialized(struct invoker *self, struct slot *slot, unsigned what,
                            const struct message *m, struct effects *fx)
{
    if (what == POST_INITIALIZE && m != NULL)
        proxy_initialize(self, slot, m, fx);
    else if (what == POST_START && m != NULL)
        proxy_prewarm(self, slot, m, fx);
    else
        return false;
    return true;
}

/* Of a cold start the pool is told at once, and the actor like after any failure. */
static void proxy_on_docker_failed(struct invoker *self, struct slot *slot, struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    struct proxy *p = &slot->proxy;
    actor_id callback = slot_actor(slot, ACTOR_CALLBACK);
    struct message *m = effects_post(fx, callback, proxy_parent(slot), POST_CREATION_FAILED);
    *MESSAGE_LOCAL(m, struct post_failure) = (struct post_failure){
        .failure = FAILURE_CREATE,
        .is_blackbox = cluster_action(c, p->action)->blackbox,
    };
    m = effects_post(fx, callback, slot_actor(slot, ACTOR_PROXY), POST_FAILURE);
    MESSAGE_LOCAL(m, struct post_failure)->failure = FAILURE_CREATE;
    p->cause = fx->cause;
}

void proxy_on_docker_created(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id callback = slot_actor(slot, ACTOR_CALLBACK);
    ASSERT(!p->has_container);
    if (cluster_action_fault(self->env->cluster, self->env->draws, p->action,
                             ACTION_FAULT_CREATE, p->container, 0)) {
        proxy_on_docker_failed(self, slot, fx);
        return;
    }
    struct record *r = effects_record(fx, RECORD_CONTAINER_MADE, callback);
    r->container = p->container;
    r->action = p->action;
    r->ns = p->ns;
    p->has_container = true;
    p->cause = fx->cause;
    if (p->state == PROXY_CREATING_CONTAINER) {
        effects_post(fx, callback, slot_actor(slot, ACTOR_PROXY), POST_PREWARM_DATA);
        return;
    }
    invoker_client_start(slot, p->scheduler);
    if (invoker_behaviour(self->env)->client_created_race)
        effects_post(fx, callback, slot_actor(slot, ACTOR_ACTIVATION_CLIENT),
                     POST_START_CLIENT);
    effects_post(fx, callback, slot_actor(slot, ACTOR_PROXY), POST_INITIALIZED_DATA);
}

/* The datum is known: the client may start, or what it said already is looked at. */
static void proxy_on_datum(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id proxy = slot_actor(slot, ACTOR_PROXY);
    p->datum = DATUM_INITIALIZED;
    if (!invoker_behaviour(self->env)->client_created_race)
        effects_post(fx, proxy, slot_actor(slot, ACTOR_ACTIVATION_CLIENT), POST_START_CLIENT);
    if (p->early & EARLY_COMPLETED)
        effects_post(fx, proxy, proxy, POST_CLIENT_CREATION_COMPLETED);
    if (p->early & EARLY_CLOSED)
        effects_post(fx, proxy, proxy, POST_CLIENT_CLOSED);
    p->early = 0;
}

static void proxy_unhealthy(struct slot *slot, struct effects *fx)
{
    struct message *m =
        effects_post(fx, slot_actor(slot, ACTOR_PROXY), ACTOR_HEALTH_ID, POST_HEALTH_MESSAGE);
    MESSAGE_LOCAL(m, struct post_health)->good = 0;
}

/* The creation is over, one way or the other. */
static void proxy_created(struct invoker *self, const struct slot *slot)
{
    if (slot->is_test)
        return;
    ASSERT_OP(self->containers_open, >, 0);
    self->containers_open--;
}

/* Without the datum the rows of the client are not met: stashed, or sent round. */
static bool is_early(const struct invoker *self, struct proxy *p, uint8_t what)
{
    if (!invoker_behaviour(self->env)->client_created_race)
        return false;
    p->early |= what;
    return true;
}

bool proxy_on_creating_client(struct invoker *self, struct slot *slot, unsigned what,
                              const struct message *m, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id proxy = slot_actor(slot, ACTOR_PROXY);
    struct key key;
    (void)m;
    switch (what) {
    case POST_INITIALIZED_DATA:
        proxy_on_datum(self, slot, fx);
        return true;
    case POST_CLIENT_CREATION_COMPLETED:
        if (p->datum == DATUM_NONE)
            return is_early(self, p, EARLY_COMPLETED);
        proxy_created(self, slot);
        proxy_key(self, slot, KEY_EXISTING, &key);
        data_register(fx, proxy, &key, &(struct value){.kind = VALUE_EMPTY}, true);
        effects_post(fx, proxy, proxy, POST_INITIALIZED_DATA);
        proxy_move(self, slot, PROXY_CLIENT_CREATED, fx);
        return true;
    case POST_CLIENT_CLOSED:
        if (p->datum == DATUM_NONE)
            return is_early(self, p, EARLY_CLOSED);
        __attribute__((fallthrough));
    case POST_CLIENT_CREATION_FAILED:
        proxy_created(self, slot);
        proxy_unhealthy(slot, fx);
        proxy_clean_up(self, slot, false, fx);
        return true;
    case POST_FAILURE: /* the container, if there is one, is left behind */
        proxy_created(self, slot);
        proxy_report_removed(slot, true, fx);
        timers_cancel(&self->timers, &p->operation);
        proxy_stop(self, slot);
        return true;
    }
    return false;
}

/* The key is on its way; the pool acks the creation, and the first fetch begins. */
static void proxy_connected(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id proxy = slot_actor(slot, ACTOR_PROXY);
    ASSERT_OP(p->datum, ==, DATUM_INITIALIZED);
    struct record *r = effects_record(fx, RECORD_CONTAINER_USED, proxy);
    r->container = p->container;
    r->action = p->action;
    r->ns = p->ns;
    r->creation = p->creation;
    proxy_report(slot, proxy, POST_INITIALIZED, fx);
    proxy_request(slot, proxy, fx);
    p->ping_from = fx->at;
    timers_arm(&self->timers, fx, &p->unused, self->config->pause_grace_ns, true);
}

/* /init is done: the datum becomes WarmData, and each further slot of the container asks. */
static void proxy_warmed(struct invoker *self, struct slot *slot, const struct message *m,
                         struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id proxy = slot_actor(slot, ACTOR_PROXY);
    const struct post_datum *datum = MESSAGE_LOCAL_CONST(m, struct post_datum);
    uint32_t concurrency = cluster_action(self->env->cluster, p->action)->concurrency;
    ASSERT_OP(p->datum, ==, DATUM_INITIALIZED);
    p->datum = DATUM_WARM;
    p->warm_revision = datum->revision;
    p->last_used = datum->last_used;
    effects_post(fx, proxy, slot_actor(slot, ACTOR_ACTIVATION_CLIENT), POST_CONTAINER_WARMED);
    for (uint32_t i = 1; i < concurrency; i++)
        proxy_request(slot, proxy, fx);
    proxy_move(self, slot, PROXY_RUNNING, fx);
}

bool proxy_on_client_created(struct invoker *self, struct slot *slot, unsigned what,
                             const struct message *m, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    switch (what) {
    case POST_INITIALIZED_DATA:
        proxy_connected(self, slot, fx);
        return true;
    case POST_ACTIVATION:
        p->timed_out = false;
        timers_cancel(&self->timers, &p->unused);
        invoker_run_handle(self, slot, MESSAGE_LOCAL_CONST(m, struct activation), fx);
        return true;
    case POST_RUN_ACTIVATION:
        invoker_run_begin(self, slot, MESSAGE_LOCAL_CONST(m, struct activation), fx);
        return true;
    case POST_INIT_CODE_COMPLETED:
        proxy_warmed(self, slot, m, fx);
        return true;
    case POST_RETRY_REQUEST:
        if (p->timed_out)
            proxy_clean_up(self, slot, true, fx);
        else
            proxy_request(slot, slot_actor(slot, ACTOR_PROXY), fx);
        return true;
    case POST_STATE_TIMEOUT:
        p->timed_out = true;
        return true;
    case POST_FAILURE:
        if (MESSAGE_LOCAL_CONST(m, struct post_failure)->failure == FAILURE_HEALTH_RUN)
            proxy_reschedule(self, slot, m, fx);
        else
            proxy_clean_up(self, slot, true, fx);
        return true;
    case POST_CLIENT_CLOSED:
        proxy_clean_up(self, slot, false, fx);
        return true;
    }
    return false;
}
