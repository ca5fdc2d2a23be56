/*
 * controller_producer.c - the send to Kafka: what its success and its failure mean here.
 * Source: FPCPoolBalancer.scala:97-117, 533-561 at 1fae641a2.
 */
#include "controller/controller_internal.h"
#include "core/assert.h"

void controller_send(struct controller *self, struct invocation *i, struct effects *fx)
{
    ASSERT(!timer_is_armed(&i->stage_timer));
    uint32_t index = self->env->cluster->nodes[i->scheduler].index;
    struct entry entry = {.kind = ENTRY_ACTIVATION, .cause = fx->cause};
    entry.u.activation = (struct activation){.id = i->id,
                                             .revision = i->revision,
                                             .started_at = i->received_at,
                                             .action = i->action,
                                             .ns = i->ns,
                                             .controller = self->env->node,
                                             .blocking = i->is_blocking};
    i->stage = STAGE_SEND;
    producer_send(&self->producer, fx, SEND_ACTOR, i->id, TOPIC(TOPIC_SCHEDULER, index),
                  &entry);
}

/* The invocation of a send that has ended; NULL: a warm-up, nobody waits for it. */
static struct invocation *sender(const struct controller *self, actor_id actor, uint32_t corr)
{
    if (ACTOR_GENERATION(actor) != ACTOR_GENERATION(SEND_ACTOR))
        return NULL;
    struct invocation *i = controller_find(self, corr);
    ASSERT(i != NULL && i->stage == STAGE_SEND);
    return i;
}

/* The slot stays until the forced completion; the caller gets a failure (if it still waits). */
static void send_failed(struct controller *self, struct invocation *i, struct effects *fx)
{
    i->stage = STAGE_OVER;
    controller_answer(self, i, fx, 500, RESPONSE_WHISK_ERROR, ERROR_SEND_FAILED);
}

void controller_on_produced(struct controller *self, const struct message *m,
                            struct effects *fx)
{
    enum produced result = producer_on_message(&self->producer, m, fx);
    if (result == PRODUCED_NOTHING)
        return;
    struct invocation *i = sender(self, m->to_actor, m->corr);
    if (i == NULL)
        return;
    if (result == PRODUCED_OK)
        controller_published(self, i, fx);
    else
        send_failed(self, i, fx);
}

void controller_producer_timer(struct controller *self, struct effects *fx)
{
    const struct produce *p = NULL;
    while ((p = producer_expire(&self->producer, fx)) != NULL) {
        struct invocation *i = sender(self, p->actor, p->corr);
        if (i == NULL)
            continue;
        fx->cause = i->cause;
        send_failed(self, i, fx);
    }
    producer_on_timer(&self->producer, fx);
}

/* A dummy activation for a scheduler that has just appeared (FPCPoolBalancer.scala:533-561). */
void controller_send_warm_up(struct controller *self, uint32_t scheduler, struct effects *fx)
{
    struct entry entry = {.kind = ENTRY_WARM_UP, .cause = fx->cause};
    /* No id: it has no slot and no record. */
    entry.u.activation = (struct activation){.started_at = fx->at,
                                             .action = ACTION_WARM_UP,
                                             .ns = NAMESPACE_SYSTEM,
                                             .controller = self->env->node};
    producer_send(&self->producer, fx, WARM_UP_SEND_ACTOR, controller_number(self),
                  TOPIC(TOPIC_SCHEDULER, scheduler), &entry);
}
