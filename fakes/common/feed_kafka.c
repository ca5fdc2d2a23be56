/*
 * feed_kafka.c - the consumer of a feed: joins, polls, commits.
 *
 * Source: KafkaConsumerConnector.scala:71-140 at 1fae641a2, over kafka-clients 3.9.1: poll
 * returns empty after its second when no broker answers; commitSync looks for the broker again
 * for 60 s, then throws a retriable time-out, which is repeated three times. The wake-up task
 * of peek (31 s) cannot fire, since no poll lasts that long.
 */
#include "common/feed_internal.h"
#include "core/assert.h"

#define LONG_POLL MSEC(1000)
#define REQUEST_TIMEOUT SEC(30) /* request.timeout.ms */
#define API_TIMEOUT SEC(60)     /* default.api.timeout.ms: one commitSync, one join */
#define RECONNECT SEC(1)        /* reconnect.backoff.max.ms */
#define RETRY_PAUSE MSEC(100)
#define RETRIES_MAX 3u
#define HEARTBEAT_PERIOD SEC(10) /* heartbeat.interval.ms */

static node_id kafka_node(const struct feed *self)
{
    return cluster_node(self->env->cluster, NODE_KAFKA, 0);
}

static struct message *consumer_send(struct feed *self, struct effects *fx,
                                     enum message_kind kind)
{
    struct message *m =
        effects_send(fx, kind, ACTOR_FEED_ID(self->index), kafka_node(self), ACTOR_MAIN_ID);
    m->u.kafka.topic = self->topic;
    m->u.kafka.member = self->member;
    return m;
}

static struct message *consumer_call(struct feed *self, struct effects *fx,
                                     enum message_kind kind)
{
    struct message *m = consumer_send(self, fx, kind);
    m->corr = ++self->corr;
    return m;
}

static void consumer_wait(struct feed *self, struct effects *fx, enum feed_phase phase,
                          duration length)
{
    self->phase = (uint8_t)phase;
    timers_arm(self->timers, fx, &self->timer, length, true);
}

static void consumer_join(struct feed *self, struct effects *fx)
{
    ASSERT_OP(self->member, ==, 0);
    consumer_call(self, fx, MSG_KAFKA_JOIN)->u.kafka.member = self->closed_member;
    self->closed_member = 0;
    consumer_wait(self, fx, PHASE_JOIN, API_TIMEOUT);
}

static void consumer_poll(struct feed *self, struct effects *fx)
{
    ASSERT_OP(self->batch_count, ==, 0);
    ASSERT_OP(self->member, !=, 0);
    struct message *m = consumer_call(self, fx, MSG_KAFKA_POLL);
    m->u.kafka.offset = self->position;
    m->u.kafka.count = self->peek;
    m->u.kafka.wait_ms = (uint32_t)(LONG_POLL / MSEC(1));
    consumer_wait(self, fx, PHASE_POLL, REQUEST_TIMEOUT);
}

static void commit_send(struct feed *self, struct effects *fx)
{
    duration spent = fx->at - self->commit_at;
    ASSERT_OP(spent, <, API_TIMEOUT);
    struct message *m = consumer_call(self, fx, MSG_KAFKA_COMMIT);
    m->u.kafka.offset = self->position;
    duration left = API_TIMEOUT - spent;
    bool is_fixed = left >= REQUEST_TIMEOUT; /* a remainder is no list's length */
    self->phase = PHASE_COMMIT;
    timers_arm(self->timers, fx, &self->timer, is_fixed ? REQUEST_TIMEOUT : left, is_fixed);
}

/* One commitSync. */
static void consumer_commit(struct feed *self, struct effects *fx)
{
    self->commit_at = fx->at;
    commit_send(self, fx);
}

static void consumer_leave(struct feed *self)
{
    self->member = 0;
    timers_cancel(self->timers, &self->heartbeat);
}

/* The fill throws: nothing is handed on, and the next one starts at once. */
static void consumer_fail(struct feed *self, struct effects *fx)
{
    self->batch_count = 0;
    feed_filled(self, fx);
}

void feed_fill(struct feed *self, struct effects *fx)
{
    ASSERT_OP(self->phase, ==, PHASE_NONE);
    self->retries = 0;
    if (self->member == 0)
        consumer_join(self, fx);
    else
        consumer_poll(self, fx);
}

static void on_joined(struct feed *self, const struct message *m, struct effects *fx)
{
    if (!m->u.kafka.ok || m->u.kafka.member == 0) {
        consumer_wait(self, fx, PHASE_JOIN_PAUSE, RECONNECT);
        return;
    }
    self->member = m->u.kafka.member;
    self->position = m->u.kafka.offset; /* the group's committed one */
    timers_arm(self->timers, fx, &self->heartbeat, HEARTBEAT_PERIOD, true);
    consumer_poll(self, fx);
}

static void take_batch(struct feed *self, const struct message *m)
{
    uint32_t count = m->u.kafka.count;
    size_t size = count * sizeof(struct entry);
    if (count == 0)
        return;
    ASSERT_OP(self->batch_count, ==, 0);
    if (self->batch_max < count) {
        self->batch = arena_grow(self->env->arena, self->env->node, self->batch, size);
        self->batch_max = count;
    }
    memcpy(self->batch, blob_bytes(self->env->arena, m->u.kafka.batch), size);
    self->batch_count = count;
    self->batch_offset = m->u.kafka.offset;
    self->position = m->u.kafka.offset + count;
}

/* kafka.poll threw a retriable error, or another. */
static void on_poll_error(struct feed *self, struct effects *fx)
{
    if (self->retries < RETRIES_MAX) {
        self->retries++;
        consumer_wait(self, fx, PHASE_POLL_RETRY, RETRY_PAUSE);
        return;
    }
    /* The consumer is made anew; closing the old one sends LeaveGroup, here with the join. */
    self->closed_member = self->member;
    consumer_leave(self);
    consumer_fail(self, fx);
}

static void on_records(struct feed *self, const struct message *m, struct effects *fx)
{
    size_t size = m->u.kafka.count * sizeof(struct entry);
    if (m->u.kafka.ok && blob_size(self->env->arena, m->u.kafka.batch) >= size) {
        take_batch(self, m);
        self->retries = 0;
        consumer_commit(self, fx); /* also when nothing was read */
    } else if (m->u.kafka.member == 0) {
        consumer_leave(self); /* poll joins again by itself */
        consumer_join(self, fx);
    } else {
        on_poll_error(self, fx);
    }
}

static void on_committed(struct feed *self, const struct message *m, struct effects *fx)
{
    if (m->u.kafka.ok) {
        feed_filled(self, fx);
        return;
    }
    /*
     * CommitFailedException: the next poll joins again and starts at the committed offset, so
     * the batch comes again. After any other error the position has moved past the batch: the
     * next commit that succeeds skips it.
     */
    if (m->u.kafka.member == 0)
        consumer_leave(self);
    consumer_fail(self, fx);
}

/* commitSync's 60 s have passed. */
static void on_commit_timeout(struct feed *self, struct effects *fx)
{
    if (self->retries < RETRIES_MAX) {
        self->retries++;
        consumer_wait(self, fx, PHASE_COMMIT_RETRY, RETRY_PAUSE);
        return;
    }
    consumer_fail(self, fx);
}

/* The broker could not be reached, or the connection to it broke. */
static void on_unreachable(struct feed *self, struct effects *fx)
{
    switch ((enum feed_phase)self->phase) {
    case PHASE_JOIN:
        consumer_wait(self, fx, PHASE_JOIN_PAUSE, RECONNECT);
        return;
    case PHASE_POLL:
        consumer_wait(self, fx, PHASE_POLL_PAUSE, LONG_POLL);
        return;
    case PHASE_COMMIT:
        consumer_wait(self, fx, PHASE_COMMIT_PAUSE, RECONNECT);
        return;
    case PHASE_NONE:
    case PHASE_JOIN_PAUSE:
    case PHASE_POLL_PAUSE:
    case PHASE_POLL_RETRY:
    case PHASE_COMMIT_PAUSE:
    case PHASE_COMMIT_RETRY:
        return;
    }
}

void feed_on_kafka(struct feed *self, const struct message *m, struct effects *fx)
{
    enum message_kind kind = (enum message_kind)m->kind;
    bool is_open =
        self->phase == PHASE_JOIN || self->phase == PHASE_POLL || self->phase == PHASE_COMMIT;
    bool is_current = is_open && m->corr == self->corr;
    if (kind == MSG_REFUSED && is_current)
        on_unreachable(self, fx);
    else if (kind == MSG_REFUSED)
        return; /* its connection was found broken before */
    else if (!is_current)
        effects_reject(fx, ACTOR_FEED_ID(self->index), m); /* too late */
    else if (kind == MSG_KAFKA_JOINED && self->phase == PHASE_JOIN)
        on_joined(self, m, fx);
    else if (kind == MSG_KAFKA_RECORDS && self->phase == PHASE_POLL)
        on_records(self, m, fx);
    else if (kind == MSG_KAFKA_COMMITTED && self->phase == PHASE_COMMIT)
        on_committed(self, m, fx);
    else
        effects_reject(fx, ACTOR_FEED_ID(self->index), m);
}

void feed_on_link(struct feed *self, const struct event *ev, struct effects *fx)
{
    if (ev->peer == kafka_node(self) && ev->down)
        on_unreachable(self, fx);
}

static void on_heartbeat(struct feed *self, struct effects *fx)
{
    ASSERT_OP(self->member, !=, 0);               /* a former member's timer is cancelled */
    consumer_send(self, fx, MSG_KAFKA_HEARTBEAT); /* not a call: nobody answers it */
    timers_arm(self->timers, fx, &self->heartbeat, HEARTBEAT_PERIOD, true);
}

void feed_on_timer(struct feed *self, const struct timer *timer, struct effects *fx)
{
    if (timer == &self->heartbeat) {
        on_heartbeat(self, fx);
        return;
    }
    ASSERT(timer == &self->timer);
    switch ((enum feed_phase)self->phase) {
    case PHASE_JOIN: /* never answered */
    case PHASE_JOIN_PAUSE:
        consumer_join(self, fx);
        return;
    case PHASE_POLL: /* never answered: poll has long returned nothing */
    case PHASE_POLL_PAUSE:
        self->retries = 0;
        consumer_commit(self, fx);
        return;
    case PHASE_POLL_RETRY:
        consumer_poll(self, fx);
        return;
    case PHASE_COMMIT:
    case PHASE_COMMIT_PAUSE:
        if (fx->at - self->commit_at < API_TIMEOUT)
            commit_send(self, fx);
        else
            on_commit_timeout(self, fx);
        return;
    case PHASE_COMMIT_RETRY:
        consumer_commit(self, fx);
        return;
    case PHASE_NONE:
        return;
    }
}
