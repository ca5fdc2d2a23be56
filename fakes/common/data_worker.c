/*
 * data_worker.c - EtcdWorker: the etcd calls of DataManagementService, retried for ever.
 *
 * Source: EtcdWorker.scala:43-172 at 1fae641a2. An answer of the server other than success, or
 * none within the call's time, is a gRPC status error: the lease is forgotten and asked for
 * anew. A refused or broken connection is another error: the lease is kept. Either way the
 * same request is sent again after the retry interval.
 */
#include "common/data_internal.h"
#include "core/assert.h"

#define CALLS_FIRST 8u

static void call_try(struct data *self, struct worker_call *call, struct effects *fx);

static node_id etcd_node(const struct data *self)
{
    return cluster_node(self->env->cluster, NODE_ETCD, 0);
}

void data_worker_init(struct data *self)
{
    self->worker.corr = etcd_first_corr(self->env);
}

void data_worker_ask_lease(struct effects *fx)
{
    effects_post(fx, ACTOR_WORKER_ID, ACTOR_LEASE_ID, POST_GET_LEASE);
}

/* ---- the table of calls ---- */

static struct worker_call **grow_pointers(struct data *self, struct worker_call **block,
                                          uint32_t *max)
{
    *max = *max == 0 ? CALLS_FIRST : *max * 2;
    return arena_grow(self->env->arena, self->env->node, block, *max * sizeof block[0]);
}

static struct worker_call *call_add(struct data *self)
{
    struct worker *w = &self->worker;
    struct worker_call *call = NULL;
    if (w->unused_count > 0) {
        call = w->unused[--w->unused_count];
        *call = (struct worker_call){0};
    } else {
        call = arena_alloc(self->env->arena, self->env->node, sizeof *call);
    }
    if (w->count == w->max)
        w->calls = grow_pointers(self, w->calls, &w->max);
    w->calls[w->count++] = call;
    call->timer.kind = TIMER_WORKER;
    call->timer.actor = ACTOR_WORKER_ID;
    return call;
}

static void call_remove(struct data *self, struct worker_call *call)
{
    struct worker *w = &self->worker;
    uint32_t i = 0;
    while (i < w->count && w->calls[i] != call)
        i++;
    ASSERT_OP(i, <, w->count);
    timers_cancel(self->timers, &call->timer);
    w->count--;
    memmove(&w->calls[i], &w->calls[i + 1], (w->count - i) * sizeof w->calls[0]);
    if (w->unused_count == w->unused_max)
        w->unused = grow_pointers(self, w->unused, &w->unused_max);
    w->unused[w->unused_count++] = call;
    ASSERT(!timer_is_armed(&call->timer));
}

static struct worker_call *call_find(const struct worker *w, uint32_t corr)
{
    for (uint32_t i = 0; corr != 0 && i < w->count; i++) {
        if (w->calls[i]->corr == corr)
            return w->calls[i];
    }
    return NULL;
}

/* ---- requests ---- */

static bool call_needs_lease(const struct worker_call *call)
{
    return call->what != POST_WATCHER_CLOSED;
}

static void call_send(struct data *self, struct worker_call *call, struct effects *fx)
{
    enum message_kind kind = call->what == POST_WATCHER_CLOSED ? MSG_ETCD_DELETE
                             : call->what == POST_REGISTER     ? MSG_ETCD_PUT
                                                               : MSG_ETCD_TXN;
    struct message *m = effects_send(fx, kind, ACTOR_WORKER_ID, etcd_node(self), ACTOR_MAIN_ID);
    m->corr = call->corr = ++self->worker.corr;
    m->u.etcd.key = call->data.key;
    if (call_needs_lease(call)) {
        m->u.etcd.value = call->data.value;
        m->u.etcd.lease = self->worker.lease;
    }
    ASSERT_OP(call->attempt, <, ETCD_ATTEMPTS_MAX);
    ASSERT(!call_needs_lease(call) || m->u.etcd.lease != 0);
    call->attempt++;
    call->pausing = 0;
    timers_arm(self->timers, fx, &call->timer, ETCD_CALL_TIMEOUT, true);
}

static bool same_request(const struct worker_call *a, const struct worker_call *b)
{
    return a->what == b->what && key_equal(&a->data.key, &b->data.key) &&
           value_equal(&a->data.value, &b->data.value) && a->data.flags == b->data.flags &&
           a->data.recipient == b->data.recipient;
}

/* The retry timer is keyed by the request itself: of two equal ones that wait, one is left. */
static void call_retry(struct data *self, struct worker_call *call, struct effects *fx)
{
    struct worker *w = &self->worker;
    ASSERT_OP(w->count, >, 0);
    call->corr = 0;
    call->attempt = 0;
    call->pausing = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        struct worker_call *other = w->calls[i];
        if (other != call && other->corr == 0 && !other->pausing && same_request(other, call)) {
            call_remove(self, other);
            break;
        }
    }
    timers_arm(self->timers, fx, &call->timer, self->retry_interval, true);
}

static void call_retry_without_lease(struct data *self, struct worker_call *call,
                                     struct effects *fx)
{
    self->worker.lease = 0;
    data_worker_ask_lease(fx);
    call_retry(self, call, fx);
}

static void call_try(struct data *self, struct worker_call *call, struct effects *fx)
{
    if (call_needs_lease(call) && self->worker.lease == 0)
        call_retry_without_lease(self, call, fx);
    else
        call_send(self, call, fx);
}

/* ---- ends ---- */

static void post_finish_work(const struct worker_call *call, struct effects *fx)
{
    struct message *m = effects_post(fx, ACTOR_WORKER_ID, ACTOR_DATA_ID, POST_FINISH_WORK);
    *MESSAGE_LOCAL(m, struct post_data) = (struct post_data){.key = call->data.key};
}

/* The value is the sender's own also when it lost (EtcdWorker.scala:66-89). */
static void post_result(const struct worker_call *call, unsigned what, bool won,
                        struct effects *fx)
{
    struct message *m = effects_post(fx, ACTOR_WORKER_ID, call->data.recipient, what);
    struct post_data *result = MESSAGE_LOCAL(m, struct post_data);
    *result = call->data;
    result->flags |= won ? DATA_WON : 0;
}

static void call_succeeded(struct data *self, struct worker_call *call, bool won,
                           struct effects *fx)
{
    switch (call->what) {
    case POST_ELECT_LEADER:
        post_result(call, POST_ELECTED, won, fx);
        post_finish_work(call, fx);
        break;
    case POST_REGISTER_INITIAL:
        post_finish_work(call, fx);
        if ((call->data.flags & DATA_RECIPIENT) != 0)
            post_result(call, POST_INITIAL_STORED, won, fx);
        break;
    default:
        post_finish_work(call, fx);
        break;
    }
    ASSERT_OP(call->corr, !=, 0);
    call_remove(self, call);
}

static void on_answer(struct data *self, const struct message *m, struct effects *fx)
{
    struct worker_call *call = call_find(&self->worker, m->corr);
    if (call == NULL)
        effects_reject(fx, ACTOR_WORKER_ID, m);
    else if (m->u.etcd_done.status == ETCD_OK)
        call_succeeded(self, call, m->u.etcd_done.succeeded != 0, fx);
    else
        call_retry_without_lease(self, call, fx);
}

static void on_refused(struct data *self, const struct message *m, struct effects *fx)
{
    struct worker_call *call = call_find(&self->worker, m->corr);
    if (call == NULL)
        return; /* its connection was found broken before */
    if (call->attempt >= ETCD_ATTEMPTS_MAX) {
        call_retry(self, call, fx);
        return;
    }
    duration delay = etcd_retry_delay(&self->worker.retry, self->env, ACTOR_WORKER_ID, fx->at);
    call->corr = 0;
    call->pausing = 1;
    if (delay == 0)
        call_send(self, call, fx);
    else
        timers_arm(self->timers, fx, &call->timer, delay, false);
}

static void on_post(struct data *self, const struct message *m, struct effects *fx)
{
    struct worker_call *call = NULL;
    switch (m->what) {
    case POST_LEASE:
        self->worker.lease = MESSAGE_LOCAL_CONST(m, struct post_lease)->lease;
        return;
    case POST_ELECT_LEADER:
    case POST_REGISTER_INITIAL:
    case POST_REGISTER:
    case POST_WATCHER_CLOSED:
        call = call_add(self);
        call->data = *MESSAGE_LOCAL_CONST(m, struct post_data);
        call->what = m->what;
        call->cause = m->cause;
        call_try(self, call, fx);
        return;
    default:
        effects_reject(fx, ACTOR_WORKER_ID, m);
        return;
    }
}

void data_worker_on_message(struct data *self, const struct message *m, struct effects *fx)
{
    switch ((enum message_kind)m->kind) {
    case MSG_POST:
        on_post(self, m, fx);
        return;
    case MSG_ETCD_DONE:
        on_answer(self, m, fx);
        return;
    case MSG_REFUSED:
        on_refused(self, m, fx);
        return;
    default: /* no other kind is for a worker */
        effects_reject(fx, ACTOR_WORKER_ID, m);
        return;
    }
}

void data_worker_on_timer(struct data *self, struct timer *timer, struct effects *fx)
{
    struct worker_call *call = (struct worker_call *)(void *)timer;
    ASSERT_OP(timer->kind, ==, TIMER_WORKER);
    fx->cause = call->cause;
    if (call->corr != 0)
        call_retry_without_lease(self, call, fx); /* DEADLINE_EXCEEDED is a status error */
    else if (call->pausing)
        call_send(self, call, fx);
    else
        call_try(self, call, fx);
}

void data_worker_on_link(struct data *self, const struct event *ev, struct effects *fx)
{
    struct worker *w = &self->worker;
    if (ev->peer != etcd_node(self) || !ev->down)
        return;
    /* From the end: an equal request that is dropped stands elsewhere in the table. */
    for (uint32_t i = w->count; i-- > 0;) {
        if (i < w->count && w->calls[i]->corr != 0) {
            fx->cause = w->calls[i]->cause;
            call_retry(self, w->calls[i], fx);
        }
    }
}

void data_worker_digest(const struct worker *self, struct digest *d)
{
    digest_two(d, (uint64_t)self->lease << 32 | self->corr, self->count);
    for (uint32_t i = 0; i < self->count; i++) {
        const struct worker_call *c = self->calls[i];
        digest_two(d, key_hash(&c->data.key), (uint64_t)c->what << 32 | c->corr);
        digest_two(d, c->timer.at, (uint64_t)c->attempt << 8 | c->pausing);
    }
}
