/*
 * controller_ack.c - acks, and the completion that the controller forces when none comes.
 *
 * Source: FPCPoolBalancer.scala:296-420 at 1fae641a2.
 */
#include "controller/controller_internal.h"
#include "core/assert.h"

static void release_slot(struct controller *self, struct invocation *i)
{
    ASSERT(i->has_slot);
    ASSERT_OP(self->slot_count, >, 0);
    i->has_slot = false;
    self->slot_count--;
    timers_cancel(&self->timers, &i->forced);
}

static void record_ack(struct effects *fx, const struct ack *ack, bool is_released,
                       enum outcome outcome)
{
    struct record *r = effects_record(fx, RECORD_ACK_RECEIVED, BALANCER_ID);
    r->activation = ack->id;
    r->action = ack->action;
    r->ns = ack->ns;
    r->peer = ack->signer;
    r->detail = ack->kind;
    r->value = is_released;
    r->outcome = (uint8_t)outcome;
}

static void process_ack(struct controller *self, const struct ack *ack, struct effects *fx)
{
    struct invocation *i = controller_find(self, ack->id);
    bool is_completion = ack->kind != ACK_RESULT, is_result = ack->kind != ACK_COMPLETION;
    bool is_released = is_completion && i != NULL && i->has_slot;
    record_ack(fx, ack, is_released, OUTCOME_OK);
    if (i == NULL)
        return; /* regularAfterForced, or of a former process */
    if (is_released)
        release_slot(self, i);
    if (!is_result || !i->has_promise) {
        controller_settle(self, i);
        return;
    }
    i->has_promise = false;
    i->result = ack->shrunk ? RESULT_ID_ONLY : RESULT_RECORD;
    i->response = ack->status;
    i->error = ack->error;
    i->run_ms = ack->run_ms;
    i->has_run = true;
    controller_result(self, i, fx);
}

/* A scheduler's own id has no instanceType: the reader fails (InstanceId.scala:148-195). */
void controller_on_ack(struct controller *self, const struct message *m, struct effects *fx)
{
    const struct post_item *item = MESSAGE_LOCAL_CONST(m, struct post_item);
    if (item->entry.kind != ENTRY_ACK)
        effects_reject(fx, m->to_actor, m);
    else if (item->entry.u.ack.instance == ACK_BY_SCHEDULER)
        record_ack(fx, &item->entry.u.ack, false, OUTCOME_FAILED);
    else
        process_ack(self, &item->entry.u.ack, fx);
    effects_post(fx, m->to_actor, ACTOR_FEED_ID(item->feed), POST_FEED_PROCESSED);
}

/* The promise fails, which no waiter looks at; a later result finds none. */
void controller_force(struct controller *self, struct invocation *i, struct effects *fx)
{
    struct record *r = effects_record(fx, RECORD_SLOT_FORCED, BALANCER_ID);
    r->activation = i->id;
    r->action = i->action;
    r->ns = i->ns;
    i->cause = fx->cause;
    release_slot(self, i);
    i->has_promise = false;
    controller_settle(self, i);
}
