/*
 * invoker_producer.c - the process's one Kafka producer: acks of activations and creations.
 *
 * The Java client keeps what is unanswered and sends it again when the connection comes back or
 * a request has taken 30 s, with a pause from 100 ms doubling to 1 s, until 120 s have passed
 * since the first attempt; then the ack is lost. Idempotence is off (acks=1), so an append
 * whose answer was lost is appended twice. Source: KafkaProducerConnector.scala:52-96 at
 * 1fae641a2; kafka-clients 3.9 defaults.
 */
#include "invoker/invoker_internal.h"

#define RING_FIRST 16u
#define RETRY_FIRST MSEC(100)
#define BACKOFFS_MAX 4u /* 100, 200, 400, 800 ms; then 1 s */
#define RETRY_LAST SEC(1)
#define REQUEST_TIMEOUT SEC(30)
#define DELIVERY_TIMEOUT SEC(120)

static struct produce *ring_at(const struct producer *producer, uint32_t i)
{
    ASSERT_OP(i, <, producer->count);
    return &producer->ring[(producer->head + i) & (producer->max - 1)];
}

static void ring_grow(struct invoker *self)
{
    struct producer *p = &self->producer;
    uint32_t max = p->max == 0 ? RING_FIRST : p->max * 2;
    struct produce *ring =
        arena_alloc(self->env->arena, self->env->node, max * sizeof(struct produce));
    for (uint32_t i = 0; i < p->count; i++)
        ring[i] = *ring_at(p, i);
    arena_release(self->env->arena, p->ring);
    ASSERT((max & (max - 1)) == 0);
    p->ring = ring;
    p->head = 0;
    p->max = max;
}

static void produce_transmit(struct invoker *self, struct produce *produce, struct effects *fx)
{
    produce->corr = invoker_corr(self);
    produce->sent_at = fx->at;
    struct message *m =
        effects_send(fx, MSG_KAFKA_PRODUCE, ACTOR_PRODUCER_ID, self->kafka, ACTOR_MAIN_ID);
    m->corr = produce->corr;
    m->cause = produce->entry.cause;
    m->u.produce.topic = produce->topic;
    m->u.produce.entry = produce->entry;
}

static void producer_arm(struct invoker *self, duration length, struct effects *fx)
{
    struct timer *timer = &self->producer.timer;
    timer->kind = TIMER_PRODUCER;
    timer->actor = ACTOR_PRODUCER_ID;
    timers_arm(&self->timers, fx, timer, length, length == REQUEST_TIMEOUT);
}

void invoker_producer_send(struct invoker *self, uint32_t topic, const struct entry *entry,
                           struct effects *fx)
{
    struct producer *p = &self->producer;
    if (p->count == p->max)
        ring_grow(self);
    p->count++;
    ASSERT_OP(p->count, <=, p->max);
    struct produce *produce = ring_at(p, p->count - 1);
    *produce = (struct produce){.topic = topic, .entry = *entry, .first_at = fx->at};
    if (p->is_broken)
        return;
    produce_transmit(self, produce, fx);
    if (!timer_is_armed(&p->timer))
        producer_arm(self, REQUEST_TIMEOUT, fx);
}

static void producer_pop(struct producer *p)
{
    while (p->count > 0 && ring_at(p, 0)->done) {
        p->head = (p->head + 1) & (p->max - 1);
        p->count--;
    }
}

/* The first of many failures: all wait for one pause, so that their order stays. */
static void producer_break(struct invoker *self, struct effects *fx)
{
    struct producer *p = &self->producer;
    if (p->is_broken || p->count == 0)
        return;
    p->is_broken = 1;
    duration pause = p->backoff < BACKOFFS_MAX ? RETRY_FIRST << p->backoff : RETRY_LAST;
    if (p->backoff < BACKOFFS_MAX)
        p->backoff++;
    producer_arm(self, pause, fx);
}

void invoker_producer_on_link(struct invoker *self, struct effects *fx)
{
    producer_break(self, fx);
}

void invoker_producer_on_message(struct invoker *self, const struct message *m,
                                 struct effects *fx)
{
    struct producer *p = &self->producer;
    uint32_t i = 0;
    while (i < p->count && (ring_at(p, i)->corr != m->corr || ring_at(p, i)->done))
        i++;
    bool is_answer = m->kind == MSG_KAFKA_PRODUCED || m->kind == MSG_REFUSED;
    if (!is_answer || (i == p->count && m->kind == MSG_KAFKA_PRODUCED)) {
        effects_reject(fx, m->to_actor, m);
        return;
    }
    if (i == p->count) /* refused: it was sent again meanwhile */
        return;
    if (m->kind == MSG_KAFKA_PRODUCED && m->u.produced.ok) {
        p->backoff = 0;
        ring_at(p, i)->done = 1;
        producer_pop(p);
        return;
    }
    producer_break(self, fx);
}

/* Send again what is unanswered, in order; what is too old is lost. */
static void producer_resend(struct invoker *self, struct effects *fx)
{
    struct producer *p = &self->producer;
    p->is_broken = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        struct produce *produce = ring_at(p, i);
        if (!produce->done && fx->at - produce->first_at >= DELIVERY_TIMEOUT)
            produce->done = 1;
        if (!produce->done)
            produce_transmit(self, produce, fx);
    }
    producer_pop(p);
    if (p->count > 0)
        producer_arm(self, REQUEST_TIMEOUT, fx);
}

void invoker_producer_on_timer(struct invoker *self, struct effects *fx)
{
    struct producer *p = &self->producer;
    if (p->count == 0) { /* answers that were under way when the connection broke */
        p->is_broken = 0;
        return;
    }
    ASSERT_OP(ring_at(p, 0)->sent_at, <=, fx->at);
    duration waited = fx->at - ring_at(p, 0)->sent_at;
    if (p->is_broken || waited >= REQUEST_TIMEOUT)
        producer_resend(self, fx);
    else
        producer_arm(self, REQUEST_TIMEOUT - waited, fx);
}
