/*
 * invoker_call.c - calls to other nodes that wait for an answer, and how they break.
 *
 * Neither fetches nor document reads have a deadline upstream. A range request to etcd has the
 * client library's: 10 s an attempt, and one more attempt at once when the first met nobody or
 * took too long (etcd-java; the pause of a second retry never comes into play).
 */
#include "invoker/invoker_internal.h"

#define CALLS_FIRST 4u

struct call *invoker_calls_add(struct invoker *self, struct calls *calls, enum call_kind kind,
                               node_id peer, uint32_t corr)
{
    if (calls->count == calls->max) {
        calls->max = calls->max == 0 ? CALLS_FIRST : calls->max * 2;
        calls->items = arena_grow(self->env->arena, self->env->node, calls->items,
                                  calls->max * sizeof *calls->items);
    }
    ASSERT(corr != 0);
    struct call *call = &calls->items[calls->count++];
    *call =
        (struct call){.corr = corr, .kind = (uint8_t)kind, .peer = peer, .until = TSTAMP_NEVER};
    return call;
}

/* In order: breaking calls goes from the oldest on. */
static void calls_remove(struct calls *calls, uint32_t index)
{
    ASSERT_OP(index, <, calls->count);
    calls->count--;
    for (uint32_t i = index; i < calls->count; i++)
        calls->items[i] = calls->items[i + 1];
}

bool invoker_calls_take(struct calls *calls, uint32_t corr, struct call *ret_call)
{
    for (uint32_t i = 0; i < calls->count; i++) {
        if (calls->items[i].corr == corr) {
            *ret_call = calls->items[i];
            calls_remove(calls, i);
            return true;
        }
    }
    return false;
}

uint32_t invoker_corr(struct invoker *self)
{
    if (++self->kept.corr == 0)
        ++self->kept.corr;
    return self->kept.corr;
}

/* What a slot asks etcd: its queue's leader, or how many keys of its action there are. */
static void range_fill(const struct slot *slot, enum call_kind kind, uint32_t arg,
                       struct message *m)
{
    static const uint16_t counted[3] = {KEY_EXISTING, KEY_IN_PROGRESS, KEY_WARMED};
    const struct proxy *p = &slot->proxy;
    m->u.etcd.key = (struct key){.ns = p->ns, .action = p->action};
    if (kind == CALL_LEADER) {
        m->u.etcd.key.family = KEY_QUEUE;
        m->u.etcd.mode = RANGE_GET;
        return;
    }
    ASSERT_OP(COUNT_STAGE(arg), <, 3);
    m->u.etcd.key.family = counted[COUNT_STAGE(arg)];
    m->u.etcd.key.revision = p->warm_revision;
    m->u.etcd.mode = RANGE_COUNT;
    m->u.etcd.depth = 4;
}

/* One deadline for all calls of the slot: its first. */
static void call_timer_arm(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct timer *timer = &slot->call_timer;
    tstamp first = TSTAMP_NEVER;
    for (uint32_t i = 0; i < slot->calls.count; i++) {
        if (slot->calls.items[i].until < first)
            first = slot->calls.items[i].until;
    }
    if (first == TSTAMP_NEVER) {
        timers_cancel(&self->timers, timer);
        return;
    }
    if (timer_is_armed(timer) && timer->at == first)
        return;
    duration left = tstamp_until(first, fx->at);
    timer->kind = TIMER_CALL;
    timer->actor = slot_actor(slot, ACTOR_CALLBACK);
    timer->arg = slot->index;
    timers_arm(&self->timers, fx, timer, left, left == ETCD_CALL_TIMEOUT);
}

static void range_send(struct invoker *self, struct slot *slot, enum call_kind kind,
                       uint32_t arg, unsigned tries, struct effects *fx)
{
    uint32_t corr = ++slot->corr;
    ASSERT(kind == CALL_LEADER || kind == CALL_COUNT);
    struct call *call = invoker_calls_add(self, &slot->calls, kind, self->etcd, corr);
    call->arg = arg;
    call->tries = (uint8_t)tries;
    call->until = tstamp_add(fx->at, ETCD_CALL_TIMEOUT);
    struct message *m = effects_send(fx, MSG_ETCD_RANGE, slot_actor(slot, ACTOR_CALLBACK),
                                     self->etcd, ACTOR_MAIN_ID);
    m->corr = corr;
    range_fill(slot, kind, arg, m);
    call_timer_arm(self, slot, fx);
}

void invoker_slot_range(struct invoker *self, struct slot *slot, enum call_kind kind,
                        uint32_t arg, struct effects *fx)
{
    range_send(self, slot, kind, arg, 0, fx);
}

/* The library's one retry: at once, or after a pause when another was less than 1 s ago. */
static void range_broken(struct invoker *self, struct slot *slot, const struct call *call,
                         struct effects *fx)
{
    enum call_kind kind = (enum call_kind)call->kind;
    if (call->is_waiting) {
        range_send(self, slot, kind, call->arg, call->tries, fx);
    } else if (call->tries + 1u < ETCD_ATTEMPTS_MAX) {
        duration pause = etcd_retry_delay(&self->etcd_retry, self->env,
                                          slot_actor(slot, ACTOR_CALLBACK), fx->at);
        uint32_t corr = ++slot->corr;
        if (pause == 0) {
            range_send(self, slot, kind, call->arg, call->tries + 1u, fx);
            return;
        }
        struct call *next = invoker_calls_add(self, &slot->calls, kind, NODE_NONE, corr);
        next->arg = call->arg;
        next->tries = (uint8_t)(call->tries + 1u);
        next->is_waiting = true;
        next->until = tstamp_add(fx->at, pause);
        call_timer_arm(self, slot, fx);
    } else if (kind == CALL_LEADER) {
        invoker_client_on_leader(self, slot, NULL, fx);
    } else {
        proxy_on_counted(self, slot, call->arg, NULL, fx);
    }
}

void invoker_slot_read(struct invoker *self, struct slot *slot, struct run *run,
                       struct effects *fx)
{
    uint32_t corr = ++slot->corr;
    ASSERT(run->slot == slot && run->phase == RUN_READING);
    struct call *call =
        invoker_calls_add(self, &slot->calls, CALL_DOCUMENT, self->database, corr);
    call->arg = run->activation.id;
    struct message *m = effects_send(fx, MSG_DATABASE_READ, slot_actor(slot, ACTOR_CALLBACK),
                                     self->database, ACTOR_MAIN_ID);
    m->corr = corr;
    m->u.database.action = run->activation.action;
    m->u.database.ns = run->activation.ns;
    m->u.database.revision = run->latest ? 0 : run->activation.revision;
    m->u.database.document = DOCUMENT_ACTION;
}

void invoker_read(struct invoker *self, actor_id from, enum call_kind kind, uint32_t arg,
                  enum document_kind document, const struct creation *what, struct effects *fx)
{
    uint32_t corr = invoker_corr(self);
    invoker_calls_add(self, &self->calls, kind, self->database, corr)->arg = arg;
    struct message *m =
        effects_send(fx, MSG_DATABASE_READ, from, self->database, ACTOR_MAIN_ID);
    m->corr = corr;
    m->u.database.action = what->action;
    m->u.database.ns = what->ns;
    m->u.database.revision = document == DOCUMENT_ACTION ? what->revision : 0;
    m->u.database.document = (uint8_t)document;
}

/* One call of a slot ended without an answer: refused, reset, or (etcd) too late. */
static void slot_call_broken(struct invoker *self, struct slot *slot, const struct call *call,
                             struct effects *fx)
{
    switch ((enum call_kind)call->kind) {
    case CALL_FETCH:
    case CALL_FAREWELL:
        invoker_client_on_broken(self, slot, call, fx);
        break;
    case CALL_LEADER:
    case CALL_COUNT:
        range_broken(self, slot, call, fx);
        break;
    case CALL_DOCUMENT:
        invoker_run_on_document(self, slot, call->arg, NULL, fx);
        break;
    case CALL_RESCHEDULE:
        invoker_client_on_rescheduled(slot, NULL, fx);
        break;
    case CALL_WARM_LIST:
    case CALL_WARM_FETCH:
    case CALL_TEST_WRITE:
    case CALL_TEST_READ:
    case CALL_READING:
    case CALL_BLACKLIST:
        ASSERT(call->kind <= CALL_RESCHEDULE);
    }
}

/* Answers to what a slot's callbacks asked; they come also when its actors have stopped. */
void invoker_slot_on_callback(struct invoker *self, const struct message *m, struct effects *fx)
{
    struct slot *slot = invoker_slot_find(self, m->to_actor);
    struct call call;
    if (slot == NULL || !invoker_calls_take(&slot->calls, m->corr, &call)) {
        effects_reject(fx, m->to_actor, m);
        return;
    }
    call_timer_arm(self, slot, fx);
    bool is_answer = (m->kind == MSG_ETCD_RANGED && m->u.etcd_done.status == ETCD_OK) ||
                     m->kind == MSG_DATABASE_DOCUMENT || m->kind == MSG_RESCHEDULED;
    if (!is_answer)
        slot_call_broken(self, slot, &call, fx);
    else if (call.kind == CALL_LEADER)
        invoker_client_on_leader(self, slot, m, fx);
    else if (call.kind == CALL_COUNT)
        proxy_on_counted(self, slot, call.arg, m, fx);
    else if (call.kind == CALL_RESCHEDULE)
        invoker_client_on_rescheduled(slot, m, fx);
    else
        invoker_run_on_document(self, slot, call.arg, m, fx);
    invoker_slot_release(self, slot);
}

/* The calls that were open before: what breaking one starts anew is not looked at. */
static void slot_break(struct invoker *self, struct slot *slot, node_id peer, tstamp now,
                       struct effects *fx)
{
    uint32_t left = slot->calls.count, i = 0;
    while (left-- > 0) {
        struct call call = slot->calls.items[i];
        if (call.peer == peer || call.until <= now) {
            calls_remove(&slot->calls, i);
            slot_call_broken(self, slot, &call, fx);
        } else {
            i++;
        }
    }
}

void invoker_slot_on_call_timer(struct invoker *self, struct slot *slot, struct effects *fx)
{
    slot_break(self, slot, NODE_HOST, fx->at, fx);
    call_timer_arm(self, slot, fx);
    invoker_slot_release(self, slot);
}

/* A peer went down: every open call to it is reset, in the order of slots and calls. */
void invoker_on_link(struct invoker *self, const struct event *ev, struct effects *fx)
{
    if (ev->peer == self->etcd)
        invoker_on_etcd_link(self, ev->down != 0, fx);
    producer_on_link(&self->producer, ev, fx);
    if (!ev->down)
        return;
    for (uint32_t i = 0; i < self->slot_count; i++) {
        struct slot *slot = self->slots[i];
        if (!slot->used || slot->calls.count == 0)
            continue;
        slot_break(self, slot, ev->peer, 0, fx);
        call_timer_arm(self, slot, fx);
        invoker_slot_release(self, slot);
    }
    uint32_t left = self->calls.count, i = 0;
    while (left-- > 0) {
        struct call call = self->calls.items[i];
        if (call.peer != ev->peer) {
            i++;
            continue;
        }
        struct message broken = {.kind = MSG_REFUSED,
                                 .from = ev->peer,
                                 .to = self->env->node,
                                 .to_actor = CALLBACK_MAIN_ID,
                                 .corr = call.corr};
        invoker_on_callback(self, &broken, fx);
    }
}
