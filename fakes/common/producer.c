/*
 * producer.c - see producer.h.
 */
#include "common/producer.h"
#include "common/common.h"
#include "core/assert.h"

#define RING_FIRST 16u
#define WORD_BITS 64u
#define MAX_BLOCK SEC(60)         /* max.block.ms: without metadata of the topic */
#define DELIVERY_TIMEOUT SEC(120) /* delivery.timeout.ms */
#define REQUEST_TIMEOUT SEC(30)   /* request.timeout.ms: then the connection is closed */
#define PAUSE_FIRST MSEC(100)     /* retry.backoff.ms */
#define PAUSES_DOUBLED 4u         /* 100, 200, 400, 800 ms */
#define PAUSE_LAST SEC(1)         /* retry.backoff.max.ms, reconnect.backoff.max.ms */
#define ERRORS_MAX 3u             /* KafkaProducerConnector.scala:52,84: the next one fails */
/* max.in.flight.requests.per.connection, 5, batches of batch.size, 16 KiB, hold this many
 * messages of 500 bytes. */
#define IN_FLIGHT_MAX 160u

static struct produce *produce_at(const struct producer *self, uint32_t number)
{
    return &self->ring[number & (self->max - 1)];
}

void producer_init(struct producer *self, const struct machine_env *env, struct timers *timers)
{
    const struct cluster *c = env->cluster;
    uint32_t topics_max = 1;
    for (unsigned kind = 0; kind < NODE_KIND_COUNT; kind++)
        topics_max = c->counts[kind] > topics_max ? c->counts[kind] : topics_max;
    *self = (struct producer){.env = env, .timers = timers};
    self->kafka = cluster_node(c, NODE_KAFKA, 0);
    self->timer.kind = TIMER_PRODUCER;
    self->timer.actor = ACTOR(ACTOR_PRODUCER, 0, 0);
    self->known_words = (topics_max + WORD_BITS - 1) / WORD_BITS;
    size_t words = (size_t)TOPIC_KIND_COUNT * self->known_words;
    self->known = arena_alloc(env->arena, env->node, words * sizeof *self->known);
}

/* The word and the bit of a topic; NULL: no node has such a topic. */
static uint64_t *known_word(const struct producer *self, uint32_t topic, uint64_t *ret_bit)
{
    uint32_t index = TOPIC_INDEX(topic), kind = TOPIC_KIND(topic);
    *ret_bit = UINT64_C(1) << (index % WORD_BITS);
    if (kind >= TOPIC_KIND_COUNT || index / WORD_BITS >= self->known_words)
        return NULL;
    return &self->known[kind * self->known_words + index / WORD_BITS];
}

static bool is_known(const struct producer *self, uint32_t topic)
{
    uint64_t bit;
    const uint64_t *word = known_word(self, topic, &bit);
    return word != NULL && (*word & bit) != 0;
}

static void ring_grow(struct producer *self)
{
    uint32_t max = self->max == 0 ? RING_FIRST : self->max * 2;
    ASSERT((max & (max - 1)) == 0);
    struct produce *ring =
        arena_alloc(self->env->arena, self->env->node, max * sizeof(struct produce));
    for (uint32_t number = self->head; number != self->tail; number++)
        ring[number & (max - 1)] = *produce_at(self, number);
    arena_release(self->env->arena, self->ring);
    self->ring = ring;
    self->max = max;
}

static void transmit(struct producer *self, struct effects *fx, struct produce *p)
{
    ASSERT(!p->is_done);
    p->sent_at = fx->at;
    self->in_flight++;
    struct message *m =
        effects_send(fx, MSG_KAFKA_PRODUCE, p->actor, self->kafka, ACTOR_MAIN_ID);
    m->corr = p->corr;
    m->cause = p->entry.cause;
    m->u.produce.topic = p->topic;
    m->u.produce.entry = p->entry;
}

/* What waits goes as far as there is room; so the first open send is always on its way. */
static void pump(struct producer *self, struct effects *fx)
{
    while (!self->is_broken && self->unsent != self->tail && self->in_flight < IN_FLIGHT_MAX) {
        struct produce *p = produce_at(self, self->unsent++);
        if (!p->is_done)
            transmit(self, fx, p);
    }
}

/* The open send with (0) or without (1) metadata that is given up first. Both kinds were
 * sent in the order of their ends. */
static struct produce *first_due(struct producer *self, unsigned kind)
{
    uint32_t number = self->deadline[kind];
    if (number - self->head > self->tail - self->head)
        number = self->head;
    struct produce *p = NULL;
    for (; number != self->tail && p == NULL; number++) {
        struct produce *each = produce_at(self, number);
        if (!each->is_done && each->is_topic_new == (kind != 0))
            p = each;
    }
    self->deadline[kind] = p != NULL ? number - 1 : number;
    return p;
}

static void arm(struct producer *self, struct effects *fx)
{
    if (self->head == self->tail)
        return;
    tstamp at = self->is_broken ? self->resume_at
                                : produce_at(self, self->head)->sent_at + REQUEST_TIMEOUT;
    for (unsigned kind = 0; kind < 2; kind++) {
        const struct produce *p = first_due(self, kind);
        if (p != NULL && p->until < at)
            at = p->until;
    }
    duration left = tstamp_until(at, fx->at);
    timers_arm(self->timers, fx, &self->timer, left, left == REQUEST_TIMEOUT);
}

void producer_send(struct producer *self, struct effects *fx, actor_id actor, uint32_t corr,
                   uint32_t topic, const struct entry *entry)
{
    ASSERT_OP(ACTOR_KIND(actor), ==, ACTOR_PRODUCER);
    if (self->tail - self->head == self->max)
        ring_grow(self);
    bool is_new = !is_known(self, topic);
    *produce_at(self, self->tail) =
        (struct produce){.entry = *entry,
                         .until = tstamp_add(fx->at, is_new ? MAX_BLOCK : DELIVERY_TIMEOUT),
                         .corr = corr,
                         .topic = topic,
                         .actor = actor,
                         .is_topic_new = is_new};
    self->tail++;
    pump(self, fx);
    if (!timer_is_armed(&self->timer))
        arm(self, fx);
}

/* All that is unanswered waits for one pause, so that its order stays. */
static void pause_all(struct producer *self, struct effects *fx, duration pause)
{
    ASSERT(!self->is_broken && self->head != self->tail);
    self->is_broken = true;
    self->in_flight = 0;
    self->unsent = self->head;
    self->resume_at = tstamp_add(fx->at, pause);
    arm(self, fx);
}

static void reconnect(struct producer *self, struct effects *fx)
{
    duration pause = self->pauses < PAUSES_DOUBLED ? PAUSE_FIRST << self->pauses : PAUSE_LAST;
    if (self->pauses < PAUSES_DOUBLED)
        self->pauses++;
    pause_all(self, fx, pause);
}

static void finish(struct producer *self, struct produce *p, bool is_in_flight)
{
    ASSERT(!p->is_done);
    p->is_done = true;
    if (is_in_flight) {
        ASSERT_OP(self->in_flight, >, 0);
        self->in_flight--;
    }
    while (self->head != self->tail && produce_at(self, self->head)->is_done) {
        if (self->unsent == self->head)
            self->unsent++;
        self->head++;
    }
    if (self->head == self->tail) {
        self->is_broken = false;
        timers_cancel(self->timers, &self->timer);
    }
}

/* What is on its way by its answer. Answers come in order: it is nearly always the next. */
static struct produce *find(struct producer *self, const struct message *m)
{
    uint32_t count = self->unsent - self->head, at = self->answered - self->head;
    for (uint32_t seen = 0; seen < count; seen++, at++) {
        if (at >= count)
            at = 0;
        struct produce *p = produce_at(self, self->head + at);
        if (p->corr == m->corr && p->actor == m->to_actor && !p->is_done) {
            self->answered = self->head + at + 1;
            return p;
        }
    }
    return NULL;
}

static void acknowledged(struct producer *self, struct produce *p)
{
    uint64_t bit;
    uint64_t *word = known_word(self, p->topic, &bit);
    if (word != NULL)
        *word |= bit;
    self->pauses = 0;
    finish(self, p, true);
}

enum produced producer_on_message(struct producer *self, const struct message *m,
                                  struct effects *fx)
{
    if (m->kind != MSG_KAFKA_PRODUCED && m->kind != MSG_REFUSED) {
        effects_reject(fx, m->to_actor, m);
        return PRODUCED_NOTHING;
    }
    struct produce *p = find(self, m);
    enum produced result = PRODUCED_NOTHING;
    if (p == NULL) /* it belonged to a connection that broke */
        return result;
    if (m->kind == MSG_REFUSED) {
        reconnect(self, fx);
    } else if (m->u.produced.ok) {
        acknowledged(self, p);
        result = PRODUCED_OK;
    } else if (p->errors < ERRORS_MAX) {
        p->errors++;
        pause_all(self, fx, PAUSE_FIRST);
    } else {
        finish(self, p, true);
        result = PRODUCED_FAILED;
    }
    pump(self, fx);
    return result;
}

/* A time-out makes the producer anew: what it knew of topics is gone. */
const struct produce *producer_expire(struct producer *self, struct effects *fx)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        struct produce *p = first_due(self, kind);
        if (p == NULL || p->until > fx->at)
            continue;
        uint32_t place = self->deadline[kind] - self->head;
        finish(self, p, place < self->unsent - self->head);
        for (uint32_t i = 0; i < TOPIC_KIND_COUNT * self->known_words; i++)
            self->known[i] = 0;
        return p;
    }
    return NULL;
}

void producer_on_timer(struct producer *self, struct effects *fx)
{
    while (producer_expire(self, fx) != NULL) {
    }
    if (self->is_broken && fx->at >= self->resume_at)
        self->is_broken = false;
    else if (self->in_flight > 0 &&
             fx->at - produce_at(self, self->head)->sent_at >= REQUEST_TIMEOUT)
        reconnect(self, fx);
    pump(self, fx);
    arm(self, fx);
}

void producer_on_link(struct producer *self, const struct event *ev, struct effects *fx)
{
    if (ev->down && ev->peer == self->kafka && !self->is_broken && self->head != self->tail)
        reconnect(self, fx);
}

void producer_digest(const struct producer *self, struct digest *d)
{
    digest_two(d, (uint64_t)producer_count(self) << 32 | (self->unsent - self->head),
               (uint64_t)self->pauses << 8 | self->is_broken);
    digest_two(d, timer_is_armed(&self->timer) ? self->timer.at : TSTAMP_NEVER,
               self->resume_at);
    for (uint32_t i = 0; i < TOPIC_KIND_COUNT * self->known_words; i++)
        digest_word(d, self->known[i]);
    for (uint32_t number = self->head; number != self->tail; number++) {
        const struct produce *p = produce_at(self, number);
        digest_two(d, (uint64_t)p->corr << 32 | p->topic,
                   (uint64_t)p->actor << 32 | (uint64_t)p->errors << 8 | p->is_done);
        digest_two(d, p->until, p->sent_at);
    }
}
