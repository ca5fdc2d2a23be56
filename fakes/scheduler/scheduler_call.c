/*
 * scheduler_call.c - open requests to etcd and the database. Each answer is a Future callback:
 * a turn of its own.
 */
#include "scheduler/scheduler_internal.h"

struct call *call_new(struct scheduler *self, enum call_kind kind)
{
    uint32_t ref;
    struct call *call = slots_take(&self->calls, self->env, &ref);
    if (call == NULL)
        return NULL;
    call->kind = (uint8_t)kind;
    call->actor = SLOT_ACTOR(ACTOR_CALLBACK, ref);
    call->timer.kind = TIMER_CALL;
    call->timer.actor = call->actor;
    return call;
}

void call_release(struct scheduler *self, struct call *call)
{
    ASSERT(call->corr == 0 && !timer_is_armed(&call->timer));
    slots_release(&self->calls, SLOT_REF(call->actor));
}

static void range_send(struct scheduler *self, struct effects *fx, struct call *call)
{
    ASSERT_OP(call->corr, ==, 0);
    ASSERT_OP(call->tries, <, ETCD_ATTEMPTS_MAX);
    call->tries++;
    call->is_pausing = false;
    call->corr = scheduler_corr(self);
    struct message *m =
        effects_send(fx, MSG_ETCD_RANGE, call->actor, self->etcd, ACTOR_MAIN_ID);
    m->corr = call->corr;
    m->u.etcd.key = call->key;
    m->u.etcd.mode = call->mode;
    m->u.etcd.depth = call->depth;
    timers_arm(&self->timers, fx, &call->timer, ETCD_CALL_TIMEOUT, true);
}

void call_range(struct scheduler *self, struct effects *fx, struct call *call,
                enum range_mode mode, const struct key *key, unsigned depth)
{
    call->cause = fx->cause;
    call->peer = self->etcd;
    call->key = *key;
    call->mode = (uint8_t)mode;
    call->depth = (uint8_t)depth;
    call->tries = 0;
    range_send(self, fx, call);
}

/* etcd-java sends a read once more when etcd was not there (a refused or broken connection is
 * that, too) or did not answer in time. */
static bool range_try_again(struct scheduler *self, struct call *call, const struct message *m,
                            struct effects *fx)
{
    bool is_unavailable =
        m == NULL || (m->kind == MSG_ETCD_RANGED && m->u.etcd_done.status == ETCD_UNAVAILABLE);
    if (call->peer != self->etcd || !is_unavailable || call->tries >= ETCD_ATTEMPTS_MAX)
        return false;
    duration pause = etcd_retry_delay(&self->etcd_retry, self->env, call->actor, fx->at);
    ASSERT_OP(call->corr, ==, 0);
    call->is_pausing = true;
    if (pause == 0)
        range_send(self, fx, call);
    else
        timers_arm(&self->timers, fx, &call->timer, pause, false);
    return true;
}

/* Without a limit of time: upstream's document client has none of its own. */
void call_read(struct scheduler *self, struct effects *fx, struct call *call,
               enum document_kind document, action_id action, uint32_t revision)
{
    ASSERT_OP(call->corr, ==, 0);
    call->cause = fx->cause;
    call->corr = scheduler_corr(self);
    call->peer = self->database;
    struct message *m =
        effects_send(fx, MSG_DATABASE_READ, call->actor, self->database, ACTOR_MAIN_ID);
    m->corr = call->corr;
    m->u.database.action = action;
    m->u.database.ns = call->ns;
    m->u.database.revision = revision;
    m->u.database.document = (uint8_t)document;
}

/* m NULL: refused, reset, or no answer in time. */
static void call_answer(struct scheduler *self, struct call *call, const struct message *m,
                        struct effects *fx)
{
    ASSERT_OP(call->corr, !=, 0);
    call->corr = 0;
    timers_cancel(&self->timers, &call->timer);
    if (range_try_again(self, call, m, fx))
        return;
    if (m != NULL && m->kind == MSG_ETCD_RANGED && m->u.etcd_done.status != ETCD_OK)
        m = NULL;
    switch ((enum call_kind)call->kind) {
    case CALL_LOOKUP:
        lookup_on_answer(self, call, m, fx);
        break;
    case CALL_RECOVER:
        recover_on_answer(self, call, m, fx);
        break;
    case CALL_PLACE:
    case CALL_WARM_UP:
        container_on_listing(self, call, m, fx);
        break;
    case CALL_COUNT:
        counter_on_answer(self, call, m, fx);
        break;
    case CALL_STATE:
        route_on_state(self, call, m, fx);
        break;
    case CALL_IDENTITY:
        limit_on_answer(self, call, m, fx);
        break;
    case CALL_DELETE:
        container_on_old(self, call, m, fx);
        break;
    case CALL_UPDATE:
        update_on_answer(self, call, m, fx);
        break;
    }
}

/* A container's poll has its result: tell the ask, and let the poll's timer go. */
static void callback_on_poll_done(struct scheduler *self, const struct message *m,
                                  struct effects *fx)
{
    const struct post_poll_done *done = MESSAGE_LOCAL_CONST(m, struct post_poll_done);
    struct message *answer = effects_post(fx, m->to_actor, done->ask, POST_ASK_ANSWER);
    *MESSAGE_LOCAL(answer, struct post_answer) = done->answer;
    if (done->answer.result != FETCHED_ACTIVATION)
        return;
    struct timer *poll = slots_get(&self->polls, done->poll); /* its first member */
    if (poll == NULL)
        return; /* the second is over, or the queue */
    timers_cancel(&self->timers, poll);
    slots_release(&self->polls, done->poll);
}

void call_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    if (m->kind == MSG_POST) {
        if (m->what == POST_POLL_DONE)
            callback_on_poll_done(self, m, fx);
        else
            effects_reject(fx, m->to_actor, m);
        return;
    }
    struct call *call = slots_get(&self->calls, SLOT_REF(m->to_actor));
    bool is_answer = m->kind == MSG_ETCD_RANGED || m->kind == MSG_DATABASE_DOCUMENT ||
                     m->kind == MSG_REFUSED;
    if (call == NULL || !is_answer || call->corr == 0 || call->corr != m->corr)
        effects_reject(fx, m->to_actor, m); /* too late */
    else
        call_answer(self, call, m->kind == MSG_REFUSED ? NULL : m, fx);
}

void call_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx)
{
    struct call *call = (struct call *)(void *)timer;
    fx->cause = call->cause;
    if (call->corr != 0) {
        call_answer(self, call, NULL, fx);
    } else if (call->is_pausing) {
        range_send(self, fx, call);
    } else {
        ASSERT_OP(call->kind, ==, CALL_LOOKUP);
        lookup_retry(self, call, fx);
    }
}

void call_on_link(struct scheduler *self, node_id peer, struct effects *fx)
{
    uint32_t count = self->calls.count; /* what is asked meanwhile goes over a new connection */
    for (uint32_t i = 0; i < count; i++) {
        struct call *call = slots_at(&self->calls, i);
        if (call == NULL || call->corr == 0 || call->peer != peer)
            continue;
        fx->cause = call->cause;
        call_answer(self, call, NULL, fx);
    }
}
