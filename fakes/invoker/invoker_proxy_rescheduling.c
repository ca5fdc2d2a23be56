/*
 * invoker_proxy_rescheduling.c - Rescheduling: a run met nobody, and its activation goes back
 * to the scheduler; if that fails, or nobody says so in time, it ends with an error.
 *
 * Every message restarts the time-out, also one that is put aside, and so does the cache's ping
 * of each minute. An UnusedTimeout that is still armed (concurrency above 1) is taken for it.
 * Source: FunctionPullingContainerProxy.scala:434-452, 483-513, 1015-1029 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

void proxy_reschedule(struct invoker *self, struct slot *slot, const struct message *m,
                      struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    const struct post_failure_run *run = MESSAGE_LOCAL_CONST(m, struct post_failure_run);
    p->rescheduled = run->activation;
    struct message *post =
        effects_post(fx, slot_actor(slot, ACTOR_PROXY),
                     slot_actor(slot, ACTOR_ACTIVATION_CLIENT), POST_RESCHEDULE);
    *MESSAGE_LOCAL(post, struct activation) = run->activation;
    proxy_move(self, slot, PROXY_RESCHEDULING, fx);
    p->reschedule_cause = fx->cause;
    timers_arm(&self->timers, fx, &p->rescheduling, RESCHEDULING_TIMEOUT, true);
    if (p->ping_from == 0)
        return;
    duration since = (fx->at - p->ping_from) % PING_CACHE_INTERVAL;
    timers_arm(&self->timers, fx, &p->ping_cache, PING_CACHE_INTERVAL - since, false);
}

void proxy_on_silence_broken(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    ASSERT_OP(p->state, ==, PROXY_RESCHEDULING);
    timers_arm(&self->timers, fx, &p->rescheduling, RESCHEDULING_TIMEOUT, true);
    if (!timer_is_armed(&p->ping_cache) && p->ping_from != 0)
        timers_arm(&self->timers, fx, &p->ping_cache, PING_CACHE_INTERVAL, true);
}

static void proxy_fall_back(struct invoker *self, struct slot *slot, enum outcome outcome,
                            struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    struct run run = {.slot = slot, .activation = p->rescheduled};
    struct record *r = effects_record(fx, RECORD_RESCHEDULED, slot_actor(slot, ACTOR_PROXY));
    r->activation = p->rescheduled.id;
    r->action = p->action;
    r->ns = p->ns;
    r->container = p->container;
    r->outcome = (uint8_t)outcome;
    invoker_ack_fall_back(self, &run, RESPONSE_WHISK_ERROR, ERROR_ABNORMAL_RUN, fx);
}

bool proxy_on_rescheduling(struct invoker *self, struct slot *slot, unsigned what,
                           const struct message *m, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    if (what == POST_STATE_TIMEOUT) {
        fx->cause = p->reschedule_cause;
        proxy_fall_back(self, slot, OUTCOME_UNKNOWN, fx);
    } else if (what == POST_RESCHEDULE_RESPONSE && m != NULL) {
        if (!MESSAGE_LOCAL_CONST(m, struct post_rescheduled)->ok)
            proxy_fall_back(self, slot, OUTCOME_FAILED, fx);
    } else {
        return false;
    }
    timers_cancel(&self->timers, &p->rescheduling);
    timers_cancel(&self->timers, &p->ping_cache);
    proxy_clean_up(self, slot, true, fx);
    return true;
}
