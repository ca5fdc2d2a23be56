/*
 * invoker_proxy_paused.c - Pausing, Paused, the keep decision, and the end of a resume.
 * Source: FunctionPullingContainerProxy.scala:651-769 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

static const struct value empty = {.kind = VALUE_EMPTY};

/* The warmed key first, so that the container is never without one. */
static void proxy_paused(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id proxy = slot_actor(slot, ACTOR_PROXY);
    struct key key;
    ASSERT_OP(p->datum, ==, DATUM_WARM);
    struct record *r = effects_record(fx, RECORD_CONTAINER_PAUSED, proxy);
    r->container = p->container;
    r->action = p->action;
    proxy_key(self, slot, KEY_WARMED, &key);
    data_register(fx, proxy, &key, &empty, true);
    proxy_key(self, slot, KEY_EXISTING, &key);
    data_unregister(fx, proxy, &key);
    proxy_report(slot, proxy, POST_CONTAINER_IS_PAUSED, fx);
    proxy_move(self, slot, PROXY_PAUSED, fx);
}

/* Everything else is stashed, and stays so in Paused: a GracefulShutdown too. */
bool proxy_on_pausing(struct invoker *self, struct slot *slot, unsigned what,
                      const struct message *m, struct effects *fx)
{
    (void)m;
    if (what == POST_CONTAINER_PAUSED)
        proxy_paused(self, slot, fx);
    else if (what == POST_FAILURE)
        proxy_clean_up(self, slot, true, fx);
    else
        return false;
    return true;
}

/* Running at once, before the resume has ended. */
static void proxy_resume(struct invoker *self, struct slot *slot, const struct message *m,
                         struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    const struct creation *job = MESSAGE_LOCAL_CONST(m, struct creation);
    struct key key;
    ASSERT(!p->destroy_after_resume);
    timers_cancel(&self->timers, &p->idle);
    timers_cancel(&self->timers, &p->keeping);
    timers_cancel(&self->timers, &p->determine);
    p->scheduler = job->scheduler;
    p->creation = job->id;
    proxy_operate(self, slot, TIMER_RESUME, fx);
    proxy_key(self, slot, KEY_WARMED, &key);
    data_unregister(fx, slot_actor(slot, ACTOR_PROXY), &key);
    proxy_move(self, slot, PROXY_RUNNING, fx);
    p->cause = fx->cause;
}

/* The resume's callback. It does what it does whatever the state is by now. */
void proxy_on_resumed(struct invoker *self, struct slot *slot, bool is_resumed,
                      struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id callback = slot_actor(slot, ACTOR_CALLBACK);
    struct key key;
    if (!is_resumed) {
        proxy_report(slot, callback, POST_RESUME_FAILED, fx);
        effects_post(fx, callback, slot_actor(slot, ACTOR_PROXY), POST_RESUME_FAILED);
        return;
    }
    struct record *r = effects_record(fx, RECORD_CONTAINER_USED, callback);
    r->container = p->container;
    r->action = p->action;
    r->ns = p->ns;
    r->creation = p->creation;
    proxy_key(self, slot, KEY_EXISTING, &key);
    data_register(fx, callback, &key, &empty, true);
    proxy_report(slot, callback, POST_RESUMED, fx);
    struct message *m = effects_post(fx, callback, slot_actor(slot, ACTOR_ACTIVATION_CLIENT),
                                     POST_REQUEST_ACTIVATION);
    *MESSAGE_LOCAL(m, struct post_request) =
        (struct post_request){.scheduler = p->scheduler, .has_scheduler = 1};
    if (p->alive)
        timers_arm(&self->timers, fx, &p->unused, self->config->pause_grace_ns, true);
    p->timed_out = false;
}

/* Count the live containers of the action: existing, in-progress and warmed keys in turn. */
static void proxy_determine(struct invoker *self, struct slot *slot, uint32_t attempt,
                            struct effects *fx)
{
    ASSERT_OP(attempt, <=, DETERMINE_TRIES_MAX);
    invoker_slot_range(self, slot, CALL_COUNT, COUNT_ARG(attempt, 0, 0), fx);
}

/* Five retries, 500 ms apart; then it is removed without an answer. */
static void proxy_count_failed(struct invoker *self, struct slot *slot, uint32_t attempt,
                               struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    if (!p->alive)
        return;
    if (attempt < DETERMINE_TRIES_MAX) {
        p->determine_attempt = (uint8_t)(attempt + 1u);
        timers_arm(&self->timers, fx, &p->determine, DETERMINE_RETRY, true);
        return;
    }
    effects_post(fx, slot_actor(slot, ACTOR_CALLBACK), slot_actor(slot, ACTOR_PROXY),
                 POST_REMOVE);
}

/* The namespace's limits, from the cached identity; its own or the configured time. */
static const struct namespace_info *proxy_namespace(const struct invoker *self,
                                                    const struct slot *slot)
{
    static const struct namespace_info none;
    const struct cluster *c = self->env->cluster;
    return slot->proxy.ns < c->namespace_count ? &c->namespaces[slot->proxy.ns] : &none;
}

/* One count has come. */
void proxy_on_counted(struct invoker *self, struct slot *slot, uint32_t arg,
                      const struct message *m, struct effects *fx)
{
    uint32_t attempt = COUNT_ATTEMPT(arg), stage = COUNT_STAGE(arg);
    if (m == NULL) {
        proxy_count_failed(self, slot, attempt, fx);
        return;
    }
    ASSERT_OP(stage, <, 3);
    uint32_t sum = COUNT_SUM(arg) + m->u.etcd_done.count;
    if (stage < 2) {
        invoker_slot_range(self, slot, CALL_COUNT, COUNT_ARG(attempt, stage + 1u, sum), fx);
        return;
    }
    effects_post(fx, slot_actor(slot, ACTOR_CALLBACK), slot_actor(slot, ACTOR_PROXY),
                 sum <= proxy_namespace(self, slot)->keeping_count ? POST_KEEP : POST_REMOVE);
}

static void proxy_keep(struct invoker *self, struct slot *slot, struct effects *fx)
{
    duration own = proxy_namespace(self, slot)->keeping_timeout;
    timers_arm(&self->timers, fx, &slot->proxy.keeping,
               own != 0 ? own : self->config->keeping_duration_ns, true);
}

static void proxy_remove(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    struct key key;
    timers_cancel(&self->timers, &p->determine);
    proxy_key(self, slot, KEY_WARMED, &key);
    data_unregister(fx, slot_actor(slot, ACTOR_PROXY), &key);
    proxy_clean_up(self, slot, true, fx);
}

bool proxy_on_paused(struct invoker *self, struct slot *slot, unsigned what,
                     const struct message *m, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id proxy = slot_actor(slot, ACTOR_PROXY);
    switch (what) {
    case POST_INITIALIZE:
        proxy_resume(self, slot, m, fx);
        return true;
    case POST_STATE_TIMEOUT:
        effects_post(fx, proxy, proxy, POST_DETERMINE_KEEP);
        return true;
    case POST_DETERMINE_KEEP: /* of the idle timer the first, of its own timer a later one */
        proxy_determine(self, slot, m != NULL ? 0 : p->determine_attempt, fx);
        return true;
    case POST_KEEP:
        proxy_keep(self, slot, fx);
        return true;
    case POST_REMOVE:
    case POST_GRACEFUL_SHUTDOWN:
        proxy_remove(self, slot, fx);
        return true;
    }
    return false;
}
