/*
 * invoker_proxy_prewarm.c - containers that no action has yet: CreatingContainer,
 * ContainerCreated, and the TCP check of those that wait.
 *
 * A check that meets nobody is drawn. It goes on until the container runs its first activation;
 * a failure that comes in CreatingClient or ClientCreated is a failure like any other there.
 * Source: FunctionPullingContainerProxy.scala:291-337, 808-827, ContainerProxy.scala:1117-1180
 * at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

bool proxy_on_creating_container(struct invoker *self, struct slot *slot, unsigned what,
                                 struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    if (what == POST_PREWARM_DATA) {
        struct message *m = effects_post(fx, slot_actor(slot, ACTOR_PROXY), proxy_parent(slot),
                                         POST_READY_TO_WORK);
        *MESSAGE_LOCAL(m, struct post_prewarmed) = (struct post_prewarmed){
            .expires_at =
                p->prewarm_ttl == 0 ? TSTAMP_NEVER : tstamp_add(fx->at, p->prewarm_ttl),
            .memory_mb = p->prewarm_mb,
            .kind = p->prewarm_kind,
        };
        proxy_move(self, slot, PROXY_CONTAINER_CREATED, fx);
        return true;
    }
    if (what != POST_FAILURE)
        return false;
    proxy_report_removed(slot, true, fx);
    timers_cancel(&self->timers, &p->operation);
    proxy_stop(self, slot);
    return true;
}

/* The stem cell becomes a container of the action, by its client alone. */
static void proxy_adopt(struct invoker *self, struct slot *slot, const struct message *m,
                        struct effects *fx)
{
    const struct creation *job = MESSAGE_LOCAL_CONST(m, struct creation);
    struct proxy *p = &slot->proxy;
    actor_id proxy = slot_actor(slot, ACTOR_PROXY);
    ASSERT(p->has_container && !slot->is_test);
    p->action = job->action;
    p->ns = job->ns;
    p->revision = job->revision;
    p->scheduler = job->scheduler;
    p->creation = job->id;
    p->last_used = fx->at;
    self->containers_open++;
    invoker_client_start(slot, p->scheduler);
    if (invoker_behaviour(self->env)->client_created_race) {
        p->datum = DATUM_INITIALIZED; /* ContainerCreatedData, of the transition itself */
        effects_post(fx, proxy, slot_actor(slot, ACTOR_ACTIVATION_CLIENT), POST_START_CLIENT);
    } else {
        effects_post(fx, proxy, proxy, POST_INITIALIZED_DATA);
    }
    proxy_move(self, slot, PROXY_CREATING_CLIENT, fx);
    p->cause = fx->cause;
}

bool proxy_on_container_created(struct invoker *self, struct slot *slot, unsigned what,
                                const struct message *m, struct effects *fx)
{
    if (what == POST_INITIALIZE && m != NULL)
        proxy_adopt(self, slot, m, fx);
    else if (what == POST_REMOVE)
        proxy_clean_up_container(self, slot, false, false, fx);
    else if (what == POST_FAILURE)
        proxy_clean_up_container(self, slot, false, true, fx);
    else
        return false;
    return true;
}

/* Failures in a row make the container unfit; then the check ends. */
void proxy_on_health_ping(struct invoker *self, struct slot *slot, struct effects *fx)
{
    const struct invoker_config *config = self->config;
    struct proxy *p = &slot->proxy;
    struct ratio unreachable = {(uint32_t)config->prewarm_unreachable_ppm, 1000000};
    bool fails = p->is_crashed || draw_chance(self->env->draws, PURPOSE_HEALTH_PING,
                                              p->container, p->ping_ordinal++, unreachable);
    p->ping_failures = fails ? p->ping_failures + 1u : 0;
    if (p->ping_failures < config->health_check_max_fails) {
        timers_arm(&self->timers, fx, &p->health_ping, config->health_check_period_ns, true);
        return;
    }
    struct message *m = effects_post(fx, slot_actor(slot, ACTOR_CALLBACK),
                                     slot_actor(slot, ACTOR_PROXY), POST_FAILURE);
    MESSAGE_LOCAL(m, struct post_failure)->failure = FAILURE_OTHER;
}
