/*
 * invoker_proxy_create.c - a container's first states: Uninitialized, CreatingClient,
 * ClientCreated (until the first activation has been initialised).
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

bool proxy_on_uninitialized(struct invoker *self, struct slot *slot, unsigned what,
                            const struct message *m, struct effects *fx)
{
    if (what != POST_INITIALIZE || m == NULL)
        return false;
    proxy_initialize(self, slot, m, fx);
    return true;
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

bool proxy_on_creating_client(struct invoker *self, struct slot *slot, unsigned what,
                              const struct message *m, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id proxy = slot_actor(slot, ACTOR_PROXY);
    struct key key;
    (void)m;
    switch (what) {
    case POST_INITIALIZED_DATA:
        p->datum = DATUM_INITIALIZED;
        effects_post(fx, proxy, slot_actor(slot, ACTOR_ACTIVATION_CLIENT), POST_START_CLIENT);
        return true;
    case POST_CLIENT_CREATION_COMPLETED:
        proxy_created(self, slot);
        proxy_key(self, slot, KEY_EXISTING, &key);
        data_register(fx, proxy, &key, &(struct value){.kind = VALUE_EMPTY}, true);
        effects_post(fx, proxy, proxy, POST_INITIALIZED_DATA);
        proxy_move(self, slot, PROXY_CLIENT_CREATED, fx);
        return true;
    case POST_CLIENT_CREATION_FAILED:
    case POST_CLIENT_CLOSED:
        proxy_created(self, slot);
        proxy_unhealthy(slot, fx);
        proxy_clean_up(self, slot, false, fx);
        return true;
    case POST_FAILURE: /* the container, if there is one, is left behind */
        proxy_created(self, slot);
        proxy_report(slot, proxy, POST_CONTAINER_REMOVED, fx);
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
    timers_arm(&self->timers, fx, &p->unused, self->config->pause_grace_ns, true);
}

/* /init is done: the datum becomes WarmData, and each further slot of the container asks. */
static void proxy_warmed(struct invoker *self, struct slot *slot, const struct message *m,
                         struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id proxy = slot_actor(slot, ACTOR_PROXY);
    const struct post_datum *datum = MESSAGE_LOCAL_CONST(m, struct post_datum);
    const struct cluster *c = self->env->cluster;
    uint32_t concurrency = p->action < c->action_count ? c->actions[p->action].concurrency : 1;
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
        p->timed_out = 0;
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
        p->timed_out = 1;
        return true;
    case POST_FAILURE:
        proxy_clean_up(self, slot, true, fx);
        return true;
    case POST_CLIENT_CLOSED:
        proxy_clean_up(self, slot, false, fx);
        return true;
    }
    return false;
}
