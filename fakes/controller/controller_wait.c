/*
 * controller_wait.c - the blocking wait with its database polls, and the answer.
 *
 * Source: PrimitiveActions.scala:199-211, 632-698; Actions.scala:280-330 at 1fae641a2.
 */
#include "controller/controller_internal.h"
#include "core/assert.h"

#define SLOW_POLL SEC(15)
#define FAST_POLLS 4u
static const duration fast_pauses[FAST_POLLS] = {SEC(1), SEC(3), SEC(5), SEC(7)};

static void answer_response(struct controller *self, struct invocation *i, struct effects *fx,
                            uint8_t response, uint8_t error)
{
    static const uint16_t statuses[RESPONSE_COUNT] = {200, 502, 502, 500};
    ASSERT_OP(response, <, RESPONSE_COUNT);
    controller_answer(self, i, fx, statuses[response], (enum response_status)response,
                      (enum error_text)error);
}

/* An ack with the bare id: look for the record soon, or be content with the id. */
static void id_only(struct controller *self, struct invocation *i, struct effects *fx)
{
    if (self->config->polling_from_db == 0)
        controller_answer(self, i, fx, 202, RESPONSE_SUCCESS, ERROR_NONE);
    else
        controller_arm(self, fx, &i->fast, fast_pauses[0]);
}

void controller_published(struct controller *self, struct invocation *i, struct effects *fx)
{
    ASSERT_OP(i->stage, ==, STAGE_SEND);
    i->stage = i->is_called && i->is_blocking ? STAGE_WAIT : STAGE_OVER;
    if (i->stage == STAGE_OVER) {
        controller_answer(self, i, fx, 202, RESPONSE_SUCCESS, ERROR_NONE);
        return;
    }
    if (i->result == RESULT_RECORD) {
        answer_response(self, i, fx, i->response, i->error);
        return;
    }
    controller_arm(self, fx, &i->stage_timer, i->wait);
    if (self->config->polling_from_db != 0)
        controller_arm(self, fx, &i->slow, SLOW_POLL);
    if (i->result == RESULT_ID_ONLY)
        id_only(self, i, fx);
}

void controller_result(struct controller *self, struct invocation *i, struct effects *fx)
{
    if (i->stage != STAGE_WAIT || !i->is_called) {
        controller_settle(self, i); /* the publish is still under way, or nobody waits */
        return;
    }
    if (i->result == RESULT_RECORD)
        answer_response(self, i, fx, i->response, i->error);
    else
        id_only(self, i, fx);
}

void controller_poll(struct controller *self, struct invocation *i, bool is_fast,
                     struct effects *fx)
{
    ASSERT_OP(i->stage, ==, STAGE_WAIT);
    if (is_fast) {
        i->fast_polls++;
        i->has_fast_read = true;
    } else {
        i->slow_polls++;
        i->has_slow_read = true;
    }
    actor_id caller =
        is_fast ? CALL_ACTOR(CALL_FAST, i->fast_polls) : CALL_ACTOR(CALL_SLOW, i->slow_polls);
    struct message *m =
        effects_send(fx, MSG_DATABASE_READ, caller, self->database, ACTOR_MAIN_ID);
    m->corr = i->id;
    m->u.database.id = i->id;
    m->u.database.action = i->action;
    m->u.database.ns = i->ns;
    m->u.database.document = DOCUMENT_RECORD;
}

static void poll_again(struct controller *self, struct invocation *i, bool is_fast,
                       struct effects *fx)
{
    if (!is_fast)
        controller_arm(self, fx, &i->slow, SLOW_POLL);
    else if (i->fast_polls < FAST_POLLS)
        controller_arm(self, fx, &i->fast, fast_pauses[i->fast_polls]);
}

void controller_on_poll(struct controller *self, const struct message *m, struct effects *fx)
{
    struct invocation *i = controller_find(self, m->corr);
    bool is_fast = ACTOR_GENERATION(m->to_actor) == CALL_FAST;
    if (i == NULL || !(is_fast ? i->has_fast_read : i->has_slow_read) ||
        ACTOR_INDEX(m->to_actor) != (is_fast ? i->fast_polls : i->slow_polls))
        return; /* the call was answered meanwhile */
    if (is_fast)
        i->has_fast_read = false;
    else
        i->has_slow_read = false;
    if (m->kind == MSG_DATABASE_DOCUMENT && m->u.database.result == DOCUMENT_FOUND)
        answer_response(self, i, fx, m->u.database.response, m->u.database.error);
    else if (m->kind == MSG_DATABASE_DOCUMENT && m->u.database.result == DOCUMENT_MISSING)
        poll_again(self, i, is_fast, fx);
    else
        controller_poll_failed(self, i, fx);
}

/* Anything but "not found" ends the call. */
void controller_poll_failed(struct controller *self, struct invocation *i, struct effects *fx)
{
    controller_answer(self, i, fx, 500, RESPONSE_WHISK_ERROR, ERROR_SEND_FAILED);
}

static void close_call(struct controller *self, struct invocation *i)
{
    ASSERT_OP(self->call_count, >, 0);
    i->is_called = false;
    self->call_count--;
    i->has_slow_read = i->has_fast_read = false;
    timers_cancel(&self->timers, &i->request);
    timers_cancel(&self->timers, &i->slow);
    timers_cancel(&self->timers, &i->fast);
    if (i->stage == STAGE_WAIT) {
        timers_cancel(&self->timers, &i->stage_timer);
        i->stage = STAGE_OVER;
    }
}

void controller_answer(struct controller *self, struct invocation *i, struct effects *fx,
                       uint16_t status, enum response_status response, enum error_text error)
{
    if (!i->is_called) {
        controller_settle(self, i);
        return;
    }
    close_call(self, i);
    if (i->chain != 0) {
        controller_part_done(self, i, status, response, error, fx);
        controller_settle(self, i);
        return;
    }
    struct record *r =
        effects_record(fx, i->is_accepted ? RECORD_ANSWERED : RECORD_REJECTED, ACTOR_MAIN_ID);
    r->activation = i->id;
    r->action = i->action;
    r->ns = i->ns;
    r->value = status;
    r->detail = (uint8_t)response;
    if (i->http != NULL) {
        controller_api_answer(self, i, fx, status, response, error);
        controller_settle(self, i);
        return;
    }
    struct message *m =
        effects_send(fx, MSG_INVOKE_REPLY, ACTOR_MAIN_ID, i->caller, i->caller_actor);
    m->corr = i->caller_corr;
    m->u.invoke_reply.id = i->id;
    m->u.invoke_reply.status = status;
    m->u.invoke_reply.response = (uint8_t)response;
    m->u.invoke_reply.error = (uint8_t)error;
    m->u.invoke_reply.controller = self->env->node;
    controller_settle(self, i);
}
