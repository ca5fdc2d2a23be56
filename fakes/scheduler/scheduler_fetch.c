/*
 * scheduler_fetch.c - gRPC: containers fetch activations, and give them back.
 * Source: ActivationServiceImpl.scala:36-110 at 1fae641a2.
 */
#include "scheduler/scheduler_internal.h"

#define ASK_PATIENCE SEC(5)

static void fetch_reply(struct effects *fx, const struct message *m, enum fetch_result result)
{
    struct message *reply = effects_reply(fx, m, MSG_FETCHED);
    reply->u.fetched.result = (uint8_t)result;
}

/* The queue of the revision, leader or not; another revision's is a mismatch. */
static enum fetch_result fetch_without_queue(struct scheduler *self, const struct message *m)
{
    namespace_id ns = m->u.fetch.ns;
    action_id action = m->u.fetch.action;
    if (action == ACTION_WARM_UP)
        return FETCHED_NOTHING;
    struct route *route = pool_route(self, ns, action);
    return route != NULL && route->entries != NULL ? FETCHED_MISMATCH : FETCHED_NO_QUEUE;
}

void fetch_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    const struct pool_entry *entry =
        pool_find(self, m->u.fetch.ns, m->u.fetch.action, m->u.fetch.revision);
    if (entry == NULL) {
        fetch_reply(fx, m, fetch_without_queue(self, m));
        return;
    }
    /* Pekko fails an ask of an actor that has ended at once, and a failed ask is no activation.
     */
    if (slots_get(&self->queues, SLOT_REF(entry->queue)) == NULL) {
        fetch_reply(fx, m, FETCHED_NOTHING);
        return;
    }
    uint32_t ref;
    struct ask *ask = slots_take(&self->asks, self->env, &ref);
    if (ask == NULL) {
        effects_reject(fx, ACTOR_MAIN_ID, m);
        return;
    }
    actor_id actor = SLOT_ACTOR(ACTOR_CALL, ref);
    *ask = (struct ask){.ref = ref,
                        .from = m->from,
                        .from_actor = m->from_actor,
                        .to_actor = m->to_actor,
                        .corr = m->corr};
    ask->timer.kind = TIMER_ASK;
    ask->timer.actor = actor;
    timers_arm(&self->timers, fx, &ask->timer, ASK_PATIENCE, true);
    struct message *post = effects_post(fx, actor, entry->queue, POST_GET_ACTIVATION);
    *MESSAGE_LOCAL(post, struct post_get) =
        (struct post_get){.container = m->u.fetch.container,
                          .duration_ms = m->u.fetch.duration_ms,
                          .revision = m->u.fetch.revision,
                          .action = m->u.fetch.action,
                          .invoker = m->from,
                          .warmed = m->u.fetch.warmed,
                          .alive = m->u.fetch.alive,
                          .has_duration = m->u.fetch.has_duration};
}

static void ask_end(struct scheduler *self, struct ask *ask, struct effects *fx,
                    const struct post_answer *answer)
{
    ASSERT(slots_get(&self->asks, ask->ref) == ask);
    ASSERT(answer == NULL || answer->result <= FETCHED_MISMATCH);
    struct message *m =
        effects_send(fx, MSG_FETCHED, ask->to_actor, ask->from, ask->from_actor);
    m->corr = ask->corr;
    m->u.fetched.result = FETCHED_NOTHING;
    if (answer != NULL) {
        m->u.fetched.activation = answer->activation;
        m->u.fetched.result = (uint8_t)answer->result;
    }
    timers_cancel(&self->timers, &ask->timer);
    slots_release(&self->asks, ask->ref);
}

/* An answer after the time is up goes to dead letters, with the activation in it. */
void ask_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    const struct post_answer *answer = MESSAGE_LOCAL_CONST(m, struct post_answer);
    struct ask *ask = slots_get(&self->asks, SLOT_REF(m->to_actor));
    if (m->kind != MSG_POST || m->what != POST_ASK_ANSWER)
        effects_reject(fx, m->to_actor, m);
    else if (ask != NULL)
        ask_end(self, ask, fx, answer);
    else if (answer->result == FETCHED_ACTIVATION)
        scheduler_lose(fx, m->to_actor, answer->activation.id);
}

void ask_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx)
{
    ask_end(self, (struct ask *)(void *)timer, fx, NULL);
}

/* True at once, whatever the queue's state. */
void reschedule_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    const struct activation *a = &m->u.activation;
    const struct pool_entry *entry = pool_find(self, a->ns, a->action, a->revision);
    if (entry != NULL)
        scheduler_post_activation(fx, ACTOR_MAIN_ID, entry->queue, a);
    struct message *reply = effects_reply(fx, m, MSG_RESCHEDULED);
    reply->u.rescheduled.id = a->id;
    reply->u.rescheduled.ok = entry != NULL;
}
