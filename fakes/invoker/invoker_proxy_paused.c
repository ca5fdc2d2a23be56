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
void proxy_on_resumed(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id callback = slot_actor(slot, ACTOR_CALLBACK);
    struct key key;
    if (!p->has_container) { /* destroyed meanwhile */
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
    p->timed_out = 0;
}

/* Count the live containers of the action: existing, in-progress and warmed keys in turn. */
static void proxy_determine(struct invoker *self, struct slot *slot, struct effects *fx)
{
    slot->proxy.live_count = 0;
    slot->proxy.count_stage = 0;
    invoker_slot_range(self, slot, CALL_COUNT, 0, fx);
}

/* Five retries, 500 ms apart; then it is removed without an answer. */
static void proxy_count_failed(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    if (!p->alive)
        return;
    if (p->determine_count < DETERMINE_TRIES_MAX) {
        p->determine_count++;
        timers_arm(&self->timers, fx, &p->determine, DETERMINE_RETRY, true);
        return;
    }
    effects_post(fx, slot_actor(slot, ACTOR_CALLBACK), slot_actor(slot, ACTOR_PROXY),
                 POST_REMOVE);
}

/* One count has come. The namespace's keeping count is in the cached identity. */
void proxy_on_counted(struct invoker *self, struct slot *slot, const struct message *m,
                      struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    if (m == NULL) {
        proxy_count_failed(self, slot, fx);
        return;
    }
    ASSERT_OP(p->count_stage, <, 3);
    p->live_count += m->u.etcd_done.count;
    if (++p->count_stage < 3) {
        invoker_slot_range(self, slot, CALL_COUNT, 0, fx);
        return;
    }
    effects_post(fx, slot_actor(slot, ACTOR_CALLBACK), slot_actor(slot, ACTOR_PROXY),
                 p->live_count <= WARM_KEEPING_COUNT ? POST_KEEP : POST_REMOVE);
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
        p->determine_count = 0;
        effects_post(fx, proxy, proxy, POST_DETERMINE_KEEP);
        return true;
    case POST_DETERMINE_KEEP:
        proxy_determine(self, slot, fx);
        return true;
    case POST_KEEP:
        timers_arm(&self->timers, fx, &p->keeping, self->config->keeping_duration_ns, true);
        return true;
    case POST_REMOVE:
    case POST_GRACEFUL_SHUTDOWN:
        proxy_remove(self, slot, fx);
        return true;
    }
    return false;
}
