/*
 * feed.c - MessageFeed, the pump; see feed.h. Its consumer is in feed_kafka.c.
 *
 * Source: MessageConsumer.scala:93-247 at 1fae641a2. FillCompleted, which upstream pipes to the
 * feed, is the delivery of the commit's answer: nothing can be seen between the two.
 */
#include "common/feed_internal.h"
#include "core/assert.h"
#include "core/fsm.h"

#define PIPELINE_DEPTH(self) (2u * (self)->capacity_max)
#define FILL_THRESHOLD(self) (PIPELINE_DEPTH(self) - (self)->peek)
#define OUTSTANDING_FIRST 8u

void feed_init(struct feed *self, const struct machine_env *env, struct timers *timers,
               uint32_t index, uint32_t topic, uint32_t capacity, uint32_t peek,
               actor_id handler)
{
    ASSERT_OP(peek, <=, 2 * (uint64_t)capacity);
    ASSERT_OP(peek, >, 0);
    *self = (struct feed){.env = env,
                          .timers = timers,
                          .index = index,
                          .topic = topic,
                          .capacity = capacity,
                          .capacity_max = capacity,
                          .capacity_told = capacity,
                          .peek = peek,
                          .handler = handler,
                          .state = FEED_IDLE,
                          /* a late answer to a former incarnation never fits */
                          .corr = (env->incarnation & 0xffu) << 24};
    self->timer.kind = TIMER_FEED;
    self->heartbeat.kind = TIMER_FEED_HEARTBEAT;
    self->timer.actor = self->heartbeat.actor = ACTOR_FEED_ID(index);
    self->timer.arg = self->heartbeat.arg = index;
}

void feed_start(struct feed *self, struct effects *fx)
{
    effects_post(fx, ACTOR_FEED_ID(self->index), ACTOR_FEED_ID(self->index), POST_FEED_READY);
}

/* What holds between any two messages. */
static void feed_check(const struct feed *self)
{
    ASSERT_OP(self->capacity, <=, self->capacity_max);
    ASSERT_OP(self->count, <=, PIPELINE_DEPTH(self));
    ASSERT((self->phase != PHASE_NONE) == (self->state == FEED_FILLING));
    ASSERT(self->state != FEED_DRAINING || self->count > FILL_THRESHOLD(self));
    ASSERT(self->count == 0 || self->capacity == 0);
    ASSERT(timer_is_armed(&self->timer) == (self->phase != PHASE_NONE));
}

static void move(struct feed *self, struct effects *fx, enum feed_state to)
{
    fsm_move(&self->state, (uint8_t)to, FSM_FEED, fx, ACTOR_FEED_ID(self->index));
}

/* ---- outstanding: a ring of records with their offsets ---- */

static void outstanding_grow(struct feed *self)
{
    uint32_t max = self->max == 0 ? OUTSTANDING_FIRST : self->max * 2;
    struct arena *arena = self->env->arena;
    struct entry *entries = arena_alloc(arena, self->env->node, max * sizeof entries[0]);
    uint64_t *offsets = arena_alloc(arena, self->env->node, max * sizeof offsets[0]);
    for (uint32_t i = 0; i < self->count; i++) {
        uint32_t from = (self->head + i) & (self->max - 1);
        entries[i] = self->outstanding[from];
        offsets[i] = self->offsets[from];
    }
    arena_release(arena, self->outstanding);
    arena_release(arena, self->offsets);
    self->outstanding = entries;
    self->offsets = offsets;
    self->max = max; /* a power of two */
    self->head = 0;
}

static void outstanding_push(struct feed *self, const struct entry *entry, uint64_t offset)
{
    if (self->count == self->max)
        outstanding_grow(self);
    uint32_t at = (self->head + self->count) & (self->max - 1);
    self->outstanding[at] = *entry;
    self->offsets[at] = offset;
    self->count++;
}

static void deliver(struct feed *self, struct effects *fx, const struct entry *entry,
                    uint64_t offset)
{
    struct record *r = effects_record(fx, RECORD_DELIVERED, ACTOR_FEED_ID(self->index));
    switch ((enum entry_kind)entry->kind) {
    case ENTRY_ACTIVATION:
    case ENTRY_WARM_UP:
    case ENTRY_UNPARSABLE:
        r->activation = entry->u.activation.id;
        break;
    case ENTRY_ACK:
        r->activation = entry->u.ack.id;
        break;
    case ENTRY_CREATION:
    case ENTRY_CREATION_ACK:
        r->creation = entry->u.creation.id;
        break;
    }
    r->value = self->topic;
    r->value2 = offset;
    struct message *m =
        effects_post(fx, ACTOR_FEED_ID(self->index), self->handler, POST_FEED_ITEM);
    *MESSAGE_LOCAL(m, struct post_item) =
        (struct post_item){.entry = *entry, .offset = (uint32_t)offset, .feed = self->index};
}

/* Each record continues the trail that it came from, not that of its neighbour. */
static void hand_out(struct feed *self, struct effects *fx)
{
    uint32_t cause = fx->cause;
    while (self->count > 0 && self->capacity > 0) {
        struct entry entry = self->outstanding[self->head];
        uint64_t offset = self->offsets[self->head];
        self->head = (self->head + 1) & (self->max - 1);
        self->count--;
        self->capacity--;
        fx->cause = entry.cause;
        deliver(self, fx, &entry, offset);
    }
    fx->cause = cause;
    ASSERT_OP(self->count, <=, PIPELINE_DEPTH(self));
}

/* Occupancy is looked at after handing out. */
/* What is not back although nothing waits is with the handler, or lost for ever. */
static void tell_permits(struct feed *self, struct effects *fx)
{
    if (self->count > 0 || self->capacity == self->capacity_told)
        return;
    uint32_t cause = fx->cause;
    struct record *r = effects_record(fx, RECORD_PERMITS, ACTOR_FEED_ID(self->index));
    r->detail = PERMITS_FEED;
    r->container = self->topic;
    r->value = self->capacity;
    r->value2 = self->capacity_max;
    fx->cause = cause;
    self->capacity_told = self->capacity;
}

static void fill_or_drain(struct feed *self, struct effects *fx)
{
    tell_permits(self, fx);
    if (self->count <= FILL_THRESHOLD(self)) {
        if (self->state != FEED_FILLING)
            move(self, fx, FEED_FILLING);
        feed_fill(self, fx);
    } else if (self->state != FEED_DRAINING) {
        move(self, fx, FEED_DRAINING);
    }
}

void feed_filled(struct feed *self, struct effects *fx)
{
    ASSERT_OP(self->state, ==, FEED_FILLING);
    self->phase = PHASE_NONE;
    timers_cancel(self->timers, &self->timer);
    for (uint32_t i = 0; i < self->batch_count; i++)
        outstanding_push(self, &self->batch[i], self->batch_offset + i);
    self->batch_count = 0;
    hand_out(self, fx);
    fill_or_drain(self, fx);
}

static void on_processed(struct feed *self, struct effects *fx)
{
    if (self->state == FEED_IDLE)
        return;
    if (self->capacity < self->capacity_max)
        self->capacity++;
    if (self->capacity == self->capacity_max)
        tell_permits(self, fx);
    hand_out(self, fx);
    if (self->state == FEED_DRAINING)
        fill_or_drain(self, fx);
}

static void on_post(struct feed *self, const struct message *m, struct effects *fx)
{
    switch (m->what) {
    case POST_FEED_READY:
        if (self->state == FEED_IDLE)
            fill_or_drain(self, fx);
        return;
    case POST_FEED_PROCESSED:
        on_processed(self, fx);
        return;
    case POST_GRACEFUL_SHUTDOWN:
        return; /* no state of the feed has a case for it: the consumer goes on */
    default:
        effects_reject(fx, ACTOR_FEED_ID(self->index), m);
        return;
    }
}

void feed_on_message(struct feed *self, const struct message *m, struct effects *fx)
{
    if (m->kind == MSG_POST)
        on_post(self, m, fx);
    else
        feed_on_kafka(self, m, fx);
    feed_check(self);
}

void feed_digest(const struct feed *self, struct digest *d)
{
    digest_two(d, (uint64_t)self->state << 32 | (uint64_t)self->phase << 24 | self->capacity,
               (uint64_t)self->member << 32 | self->corr);
    digest_two(d, self->position, (uint64_t)self->count << 32 | self->batch_count);
    digest_two(d, self->retries, self->timer.at);
    for (uint32_t i = 0; i < self->count; i++) {
        uint32_t at = (self->head + i) & (self->max - 1);
        digest_two(d, self->offsets[at],
                   (uint64_t)self->outstanding[at].kind << 32 |
                       self->outstanding[at].u.activation.id);
    }
}
