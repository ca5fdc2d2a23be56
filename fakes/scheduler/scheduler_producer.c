/*
 * scheduler_producer.c - the process's one Kafka producer: creations, and acks of errors.
 *
 * Nobody waits for the broker: a failure is only logged. But the client itself keeps what is
 * unanswered and sends it again, in order, when the connection is back or 30 s have passed,
 * after a pause of 100 ms doubling to 1 s, until it is 120 s old. An append whose answer was
 * lost is appended twice. Source: KafkaProducerConnector.scala:52-96 at 1fae641a2;
 * kafka-clients 3.9 defaults (acks=1, so no idempotence).
 */
#include "scheduler/scheduler_internal.h"

#define RING_FIRST 16u
#define PAUSE_FIRST MSEC(100)
#define PAUSE_DOUBLINGS 3u /* 100, 200, 400, 800 ms, then 1 s */
#define PAUSE_LAST SEC(1)
#define REQUEST_PATIENCE SEC(30)
#define DELIVERY_PATIENCE SEC(120)

static struct produce *produce_at(const struct producer *p, uint32_t i)
{
    ASSERT_OP(i, <, p->count);
    return &p->ring[(p->head + i) & (p->max - 1)];
}

static void producer_grow(struct scheduler *self)
{
    const struct machine_env *env = self->env;
    struct producer *p = &self->producer;
    uint32_t max = p->max == 0 ? RING_FIRST : p->max * 2;
    p->ring = arena_grow(env->arena, env->node, p->ring, max * sizeof *p->ring);
    for (uint32_t i = 0; i < p->head; i++)
        p->ring[p->max + i] = p->ring[i];
    p->max = max;
}

static void producer_arm(struct scheduler *self, struct effects *fx, duration length)
{
    struct timer *timer = &self->producer.timer;
    timer->kind = TIMER_PRODUCER;
    timer->actor = ACTOR_PRODUCER_ID;
    timers_arm(&self->timers, fx, timer, length, length == REQUEST_PATIENCE);
}

static void produce_transmit(struct scheduler *self, struct effects *fx,
                             struct produce *produce)
{
    ASSERT(!produce->is_done);
    produce->corr = scheduler_corr(self);
    struct message *m =
        effects_send(fx, MSG_KAFKA_PRODUCE, ACTOR_PRODUCER_ID, self->kafka, ACTOR_MAIN_ID);
    m->corr = produce->corr;
    m->cause = produce->entry.cause;
    m->u.produce.topic = produce->topic;
    m->u.produce.entry = produce->entry;
}

void scheduler_produce(struct scheduler *self, struct effects *fx, uint32_t topic,
                       const struct entry *entry)
{
    struct producer *p = &self->producer;
    if (p->count == p->max)
        producer_grow(self);
    struct produce *produce = &p->ring[(p->head + p->count++) & (p->max - 1)];
    *produce = (struct produce){.topic = topic, .entry = *entry, .first_at = fx->at};
    ASSERT_OP(p->count, <=, p->max);
    if (p->is_broken)
        return; /* goes with the rest */
    produce_transmit(self, fx, produce);
    if (!timer_is_armed(&p->timer))
        producer_arm(self, fx, REQUEST_PATIENCE);
}

static void producer_pop(struct scheduler *self)
{
    struct producer *p = &self->producer;
    while (p->count > 0 && produce_at(p, 0)->is_done) {
        p->head = (p->head + 1) & (p->max - 1);
        p->count--;
    }
    if (p->count == 0 && !p->is_broken)
        timers_cancel(&self->timers, &p->timer);
}

void producer_break(struct scheduler *self, struct effects *fx)
{
    struct producer *p = &self->producer;
    if (p->is_broken || p->count == 0)
        return;
    p->is_broken = 1;
    producer_arm(self, fx,
                 p->breaks <= PAUSE_DOUBLINGS ? PAUSE_FIRST << p->breaks : PAUSE_LAST);
    if (p->breaks <= PAUSE_DOUBLINGS)
        p->breaks++;
}

/* Answers come in order, so the first is nearly always the one. */
static struct produce *producer_find(const struct producer *p, uint32_t corr)
{
    for (uint32_t i = 0; i < p->count; i++) {
        if (produce_at(p, i)->corr == corr && !produce_at(p, i)->is_done)
            return produce_at(p, i);
    }
    return NULL;
}

void producer_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    struct producer *p = &self->producer;
    struct produce *produce = producer_find(p, m->corr);
    if (produce == NULL) {
        if (m->kind != MSG_REFUSED) /* of an attempt that another followed */
            effects_reject(fx, m->to_actor, m);
    } else if (m->kind == MSG_KAFKA_PRODUCED && m->u.produced.ok) {
        p->breaks = 0;
        produce->is_done = 1;
        producer_pop(self);
    } else {
        producer_break(self, fx);
    }
}

/* Also after 30 s without an answer: what is too old is lost. */
void producer_on_timer(struct scheduler *self, struct effects *fx)
{
    struct producer *p = &self->producer;
    p->is_broken = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        struct produce *produce = produce_at(p, i);
        if (!produce->is_done && fx->at - produce->first_at >= DELIVERY_PATIENCE)
            produce->is_done = 1;
        if (!produce->is_done)
            produce_transmit(self, fx, produce);
    }
    if (p->count > 0)
        producer_arm(self, fx, REQUEST_PATIENCE);
    producer_pop(self);
}
