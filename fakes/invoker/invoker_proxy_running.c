/*
 * invoker_proxy_running.c - Running (also while resuming) and Removing.
 *
 * Nothing here moves the state for an activation: a container stays in Running from one to the
 * next. `runningActivations` is consulted only when the client has closed.
 * Source: FunctionPullingContainerProxy.scala:515-649, 771-792 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

static void proxy_on_completed(struct invoker *self, struct slot *slot, const struct message *m,
                               struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    const struct post_request *done = MESSAGE_LOCAL_CONST(m, struct post_request);
    timers_arm(&self->timers, fx, &p->unused, self->config->pause_grace_ns, true);
    struct message *request =
        effects_post(fx, slot_actor(slot, ACTOR_PROXY),
                     slot_actor(slot, ACTOR_ACTIVATION_CLIENT), POST_REQUEST_ACTIVATION);
    *MESSAGE_LOCAL(request, struct post_request) =
        (struct post_request){.duration_ms = done->duration_ms, .has_duration = 1};
}

/* No activation came. Whether another one runs (concurrency above 1) is not asked. */
static void proxy_retry(struct invoker *self, struct slot *slot, struct effects *fx)
{
    if (!slot->proxy.timed_out) {
        proxy_request(slot, slot_actor(slot, ACTOR_PROXY), fx);
        return;
    }
    proxy_operate(self, slot, TIMER_PAUSE, fx);
    proxy_move(self, slot, PROXY_PAUSING, fx);
    slot->proxy.cause = fx->cause;
}

static void proxy_on_unwell(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct message *m =
        effects_post(fx, slot_actor(slot, ACTOR_PROXY), ACTOR_HEALTH_ID, POST_HEALTH_MESSAGE);
    MESSAGE_LOCAL(m, struct post_health)->good = 0;
    proxy_clean_up(self, slot, true, fx);
}

static void proxy_on_failure(struct invoker *self, struct slot *slot, const struct message *m,
                             struct effects *fx)
{
    uint32_t failure = MESSAGE_LOCAL_CONST(m, struct post_failure)->failure;
    if (failure == FAILURE_HEALTH)
        proxy_on_unwell(self, slot, fx);
    else if (failure == FAILURE_HEALTH_RUN)
        proxy_reschedule(self, slot, m, fx);
    else /* a bad run has been reported already */
        proxy_clean_up(self, slot, true, fx);
}

static void proxy_on_closed(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    bool is_idle = p->running_count == 0;
    if (is_idle && invoker_behaviour(self->env)->orphan_existing_key)
        proxy_clean_up_container(self, slot, false, false, fx);
    else if (is_idle)
        proxy_clean_up(self, slot, false, fx);
    else
        timers_arm(&self->timers, fx, &p->running, RUNNING_ACTIVATION_TIMEOUT, true);
}

/* The key goes first, so that the queue may provide elsewhere; then the client is told. */
static void proxy_shut_down(struct invoker *self, struct slot *slot, struct effects *fx)
{
    actor_id proxy = slot_actor(slot, ACTOR_PROXY);
    struct key key;
    proxy_key(self, slot, KEY_EXISTING, &key);
    data_unregister(fx, proxy, &key);
    effects_post(fx, proxy, slot_actor(slot, ACTOR_ACTIVATION_CLIENT), POST_GRACEFUL_SHUTDOWN);
}

bool proxy_on_running(struct invoker *self, struct slot *slot, unsigned what,
                      const struct message *m, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    ASSERT_OP(p->datum, ==, DATUM_WARM);
    switch (what) {
    case POST_RUN_COMPLETED:
        proxy_on_completed(self, slot, m, fx);
        return true;
    case POST_ACTIVATION:
        p->timed_out = false;
        timers_cancel(&self->timers, &p->unused);
        invoker_run_handle(self, slot, MESSAGE_LOCAL_CONST(m, struct activation), fx);
        return true;
    case POST_RUN_ACTIVATION:
        invoker_run_begin(self, slot, MESSAGE_LOCAL_CONST(m, struct activation), fx);
        p->last_used = fx->at;
        return true;
    case POST_RETRY_REQUEST:
        proxy_retry(self, slot, fx);
        return true;
    case POST_STATE_TIMEOUT:
        p->timed_out = true;
        return true;
    case POST_RESUME_FAILED:
        proxy_on_unwell(self, slot, fx);
        return true;
    case POST_FAILURE:
        proxy_on_failure(self, slot, m, fx);
        return true;
    case POST_CLIENT_CLOSED:
        proxy_on_closed(self, slot, fx);
        return true;
    case POST_GRACEFUL_SHUTDOWN:
        proxy_shut_down(self, slot, fx);
        return true;
    }
    return false;
}

/* Waits for the client; each message, also a dropped one, restarts the state timeout. */
void proxy_on_removing(struct invoker *self, struct slot *slot, unsigned what,
                       const struct message *m, struct effects *fx)
{
    ASSERT(slot->proxy.alive);
    if (what == POST_CLIENT_CLOSED || what == POST_STATE_TIMEOUT) {
        proxy_stop(self, slot);
        return;
    }
    if (m != NULL)
        invoker_message_drop(fx, m);
    timers_arm(&self->timers, fx, &slot->proxy.removing, self->config->pause_grace_ns, true);
}
