/*
 * lease.c - see lease.h.
 *
 * Upstream pipes the results of its calls to itself; here the answer's delivery is that
 * message: LEASE_DONE of a grant is SetLease or a Failure, ETCD_DONE of the put sets the watch
 * and posts SetWatcher. What upstream's data is (nothing, Lease, ActiveStates) shows in `id`.
 *
 * Behaviour kept on purpose (derived from the source, LeaseKeepAliveService.scala:66-171):
 * a keep-alive's answer is never looked at, so a lease that expired unseen stays (zombie);
 * a failed put of the instance key sends a GrantLease that Ready stashes for ever (stuck);
 * RegrantLease carries no lease id, so a stashed one revokes the next lease.
 */
#include "common/lease.h"
#include "common/etcd_call.h"
#include "common/watcher.h"
#include "core/assert.h"
#include "core/fsm.h"

#define KEEPALIVE_PERIOD MSEC(500)
#define STASH_FIRST 8u
#define WATCH_NAME 0u /* the only registration of this kind of subscriber */

enum lease_phase { PHASE_NONE, PHASE_GRANT, PHASE_PUT, PHASE_REVOKE };
enum lease_call { CALL_OTHER, CALL_KEEPALIVE }; /* the lowest bit of corr */

static void lease_handle(struct lease *self, const struct message *m, struct effects *fx);

static node_id etcd_node(const struct lease *self)
{
    return cluster_node(self->env->cluster, NODE_ETCD, 0);
}

static struct key instance_key(const struct lease *self)
{
    return (struct key){.family = KEY_INSTANCE, .node = self->env->node};
}

void lease_init(struct lease *self, const struct machine_env *env, struct timers *timers,
                uint32_t ttl_s)
{
    *self = (struct lease){.env = env,
                           .timers = timers,
                           .ttl_s = ttl_s,
                           .state = LEASE_READY,
                           .corr = etcd_first_corr(env)};
    self->keepalive.kind = TIMER_KEEPALIVE;
    self->keepalive.actor = ACTOR_LEASE_ID;
    self->call_timer.kind = TIMER_KEEPALIVE;
    self->call_timer.actor = ACTOR_LEASE_ID;
}

void lease_start(struct lease *self, struct effects *fx)
{
    ASSERT_OP(self->state, ==, LEASE_READY);
    effects_post(fx, ACTOR_LEASE_ID, ACTOR_LEASE_ID, POST_GRANT_LEASE);
}

/* ---- calls ---- */

static struct message *lease_send(struct lease *self, struct effects *fx,
                                  enum message_kind kind, enum lease_call call)
{
    self->corr += 2;
    struct message *m = effects_send(fx, kind, ACTOR_LEASE_ID, etcd_node(self), ACTOR_MAIN_ID);
    m->corr = self->corr | (uint32_t)call;
    return m;
}

/* The call of the current phase, first or second attempt. */
static void call_send(struct lease *self, struct effects *fx)
{
    struct message *m = NULL;
    switch ((enum lease_phase)self->phase) {
    case PHASE_GRANT:
        m = lease_send(self, fx, MSG_LEASE_GRANT, CALL_OTHER);
        m->u.lease.ttl_s = self->ttl_s;
        break;
    case PHASE_PUT:
        m = lease_send(self, fx, MSG_ETCD_PUT, CALL_OTHER);
        m->u.etcd.key = instance_key(self);
        m->u.etcd.value = (struct value){.kind = VALUE_LEASE, .a = self->id};
        m->u.etcd.lease = self->id;
        break;
    case PHASE_REVOKE:
        m = lease_send(self, fx, MSG_LEASE_REVOKE, CALL_OTHER);
        m->u.lease.lease = self->revoked;
        break;
    case PHASE_NONE:
        break;
    }
    ASSERT(m != NULL);
    self->call_corr = m->corr;
    timers_arm(self->timers, fx, &self->call_timer, ETCD_CALL_TIMEOUT, true);
}

static void call_start(struct lease *self, struct effects *fx, enum lease_phase phase)
{
    self->phase = (uint8_t)phase;
    self->attempt = 1;
    call_send(self, fx);
}

static void call_close(struct lease *self)
{
    self->phase = PHASE_NONE;
    self->call_corr = 0;
    timers_cancel(self->timers, &self->call_timer);
}

static void keepalive_send(struct lease *self, struct effects *fx)
{
    struct message *m = lease_send(self, fx, MSG_LEASE_KEEPALIVE, CALL_KEEPALIVE);
    m->u.lease.lease = self->id;
    self->keepalive_corr = m->corr;
}

/* One tick; a tick while an answer is owed only waits for the same answer. */
static void keepalive_tick(struct lease *self, struct effects *fx)
{
    self->keepalive_waiting++;
    if (self->keepalive_corr == 0)
        keepalive_send(self, fx);
    timers_arm(self->timers, fx, &self->keepalive, KEEPALIVE_PERIOD, true);
    self->keepalive_on = 1;
}

static void keepalive_stop(struct lease *self)
{
    timers_cancel(self->timers, &self->keepalive);
    self->keepalive_on = 0;
    self->keepalive_corr = 0;
    self->keepalive_waiting = 0;
}

static void post_self(struct effects *fx, unsigned what)
{
    effects_post(fx, ACTOR_LEASE_ID, ACTOR_LEASE_ID, what);
}

/* ---- the stash ---- */

static void stash_push(struct lease *self, const struct message *m)
{
    if (self->stash_count == self->stash_max) {
        self->stash_max = self->stash_max == 0 ? STASH_FIRST : self->stash_max * 2;
        self->stash = arena_grow(self->env->arena, self->env->node, self->stash,
                                 self->stash_max * sizeof self->stash[0]);
    }
    self->stash[self->stash_count++] = *m;
}

/* What was stashed goes before what was still to be replayed, as into a mailbox's head. */
static void stash_release(struct lease *self)
{
    uint32_t replayed = self->replay_count;
    for (uint32_t i = replayed; i < self->stash_count; i++) {
        struct message m = self->stash[i];
        uint32_t to = i - replayed;
        memmove(&self->stash[to + 1], &self->stash[to], (i - to) * sizeof m);
        self->stash[to] = m;
    }
    self->replay_count = self->stash_count;
}

static void stash_replay(struct lease *self, struct effects *fx)
{
    while (self->replay_count > 0) {
        struct message m = self->stash[0];
        self->stash_count--;
        self->replay_count--;
        memmove(&self->stash[0], &self->stash[1], self->stash_count * sizeof m);
        fx->cause = m.cause;
        lease_handle(self, &m, fx);
    }
}

/* ---- states ---- */

static void move(struct lease *self, struct effects *fx, enum lease_state to)
{
    fsm_move(&self->state, (uint8_t)to, FSM_LEASE, fx, ACTOR_LEASE_ID);
    stash_release(self);
}

static void recreate(struct lease *self, struct effects *fx)
{
    struct key key = instance_key(self);
    ASSERT_OP(self->id, !=, 0);
    keepalive_stop(self);
    watcher_unwatch(fx, ACTOR_LEASE_ID, &key, WATCH_EXACT, WATCH_NAME, false);
    self->revoked = self->id;
    self->id = 0;
    call_start(self, fx, PHASE_REVOKE);
    move(self, fx, LEASE_READY);
}

static void on_ready_post(struct lease *self, const struct message *m, struct effects *fx)
{
    if (m->what == POST_GRANT_LEASE && self->id == 0)
        call_start(self, fx, PHASE_GRANT);
    else if (m->what == POST_SET_WATCHER && self->id != 0)
        move(self, fx, LEASE_ACTIVE);
    else
        stash_push(self, m);
}

static bool is_own_key(const struct lease *self, const struct message *m)
{
    const struct post_watched *w = MESSAGE_LOCAL_CONST(m, struct post_watched);
    struct key own = instance_key(self);
    return !w->is_prefix && key_equal(&w->key, &own);
}

static void on_active_post(struct lease *self, const struct message *m, struct effects *fx)
{
    if (m->what == POST_REGRANT_LEASE || (m->what == POST_REMOVED && is_own_key(self, m))) {
        recreate(self, fx);
    } else if (m->what == POST_GET_LEASE) {
        struct message *answer = effects_post(fx, ACTOR_LEASE_ID, m->from_actor, POST_LEASE);
        MESSAGE_LOCAL(answer, struct post_lease)->lease = self->id;
    } else {
        stash_push(self, m);
    }
}

/* SetLease, with data still empty. */
static void on_granted(struct lease *self, uint32_t id, struct effects *fx)
{
    ASSERT_OP(self->state, ==, LEASE_READY);
    ASSERT_OP(self->id, ==, 0);
    self->id = id;
    keepalive_tick(self, fx);
    call_start(self, fx, PHASE_PUT);
}

/* The call of the phase has ended; `ok` false: its future failed. */
static void on_call_ended(struct lease *self, bool ok, uint32_t lease, struct effects *fx)
{
    enum lease_phase phase = (enum lease_phase)self->phase;
    struct key key = instance_key(self);
    call_close(self);
    if (phase == PHASE_REVOKE || (!ok && phase != PHASE_NONE)) {
        post_self(fx, POST_GRANT_LEASE); /* after a failed put Ready will stash it: stuck */
    } else if (phase == PHASE_GRANT) {
        on_granted(self, lease, fx);
    } else if (phase == PHASE_PUT) {
        watcher_watch(fx, ACTOR_LEASE_ID, &key, WATCH_EXACT, WATCH_NAME, false, true);
        post_self(fx, POST_SET_WATCHER);
    }
}

static void on_keepalive_answer(struct lease *self, const struct message *m, struct effects *fx)
{
    uint32_t waiting = self->keepalive_waiting;
    self->keepalive_corr = 0;
    self->keepalive_waiting = 0;
    if (m->u.lease.status == ETCD_OK)
        return; /* also with ttl 0, which says that the lease is gone */
    for (uint32_t i = 0; i < waiting; i++)
        post_self(fx, POST_REGRANT_LEASE);
}

static void on_answer(struct lease *self, const struct message *m, struct effects *fx)
{
    if ((m->corr & CALL_KEEPALIVE) != 0) {
        if (m->corr == self->keepalive_corr) /* else of the lease before, or after a reset */
            on_keepalive_answer(self, m, fx);
    } else if (m->corr == 0 || m->corr != self->call_corr) {
        effects_reject(fx, ACTOR_LEASE_ID, m);
    } else if (m->kind == MSG_ETCD_DONE) {
        on_call_ended(self, m->u.etcd_done.status == ETCD_OK, 0, fx);
    } else {
        on_call_ended(self, m->u.lease.status == ETCD_OK, m->u.lease.lease, fx);
    }
}

static void on_refused(struct lease *self, const struct message *m, struct effects *fx)
{
    if ((m->corr & CALL_KEEPALIVE) != 0) {
        if (m->corr == self->keepalive_corr)
            self->keepalive_corr = 0; /* a new stream: sent again with the next tick */
    } else if (m->corr == 0 || m->corr != self->call_corr) {
        return; /* its connection was found broken before */
    } else if (self->attempt >= ETCD_ATTEMPTS_MAX) {
        on_call_ended(self, false, 0, fx);
    } else {
        duration delay = etcd_retry_delay(&self->retry, self->env, ACTOR_LEASE_ID, fx->at);
        self->attempt++;
        self->call_corr = 0;
        if (delay == 0)
            call_send(self, fx);
        else
            timers_arm(self->timers, fx, &self->call_timer, delay, false);
    }
}

static void lease_handle(struct lease *self, const struct message *m, struct effects *fx)
{
    switch ((enum message_kind)m->kind) {
    case MSG_POST:
        if (self->state == LEASE_READY)
            on_ready_post(self, m, fx);
        else
            on_active_post(self, m, fx);
        return;
    case MSG_LEASE_DONE:
    case MSG_ETCD_DONE:
        on_answer(self, m, fx);
        return;
    case MSG_REFUSED:
        on_refused(self, m, fx);
        return;
    default: /* no other kind is for a lease service */
        effects_reject(fx, ACTOR_LEASE_ID, m);
        return;
    }
}

/* What holds between any two messages. */
static void lease_check(const struct lease *self)
{
    bool is_active = self->state == LEASE_ACTIVE;
    ASSERT(!is_active || (self->id != 0 && self->phase == PHASE_NONE));
    ASSERT(self->keepalive_on == (self->id != 0));
    ASSERT(self->keepalive_corr == 0 || self->keepalive_waiting > 0);
    ASSERT(self->call_corr == 0 || self->phase != PHASE_NONE);
    ASSERT(timer_is_armed(&self->call_timer) == (self->phase != PHASE_NONE));
    ASSERT_OP(self->replay_count, ==, 0);
}

void lease_on_message(struct lease *self, const struct message *m, struct effects *fx)
{
    lease_handle(self, m, fx);
    stash_replay(self, fx);
    lease_check(self);
}

/* Two timers of one kind: the one that fired is no longer armed. */
void lease_on_timer(struct lease *self, struct effects *fx)
{
    if (self->keepalive_on && !timer_is_armed(&self->keepalive))
        keepalive_tick(self, fx);
    else if (self->call_corr == 0)
        call_send(self, fx); /* the pause before the second attempt is over */
    else
        on_call_ended(self, false, 0, fx); /* no answer within the call's time */
    lease_check(self);
}

void lease_on_link(struct lease *self, const struct event *ev, struct effects *fx)
{
    if (ev->peer != etcd_node(self) || !ev->down)
        return;
    self->keepalive_corr = 0;
    if (self->call_corr != 0)
        on_call_ended(self, false, 0, fx); /* reset after it was sent: no second attempt */
}

void lease_digest(const struct lease *self, struct digest *d)
{
    digest_two(d, (uint64_t)self->state << 16 | (uint64_t)self->phase << 8 | self->attempt,
               self->id);
    digest_two(d, (uint64_t)self->corr << 32 | self->call_corr,
               (uint64_t)self->keepalive_corr << 32 | self->keepalive_waiting);
    digest_two(d, self->keepalive.at, self->call_timer.at);
    for (uint32_t i = 0; i < self->stash_count; i++)
        digest_two(d, (uint64_t)self->stash[i].kind << 16 | self->stash[i].what,
                   self->stash[i].from_actor);
}
