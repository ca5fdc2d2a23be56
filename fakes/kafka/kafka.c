/*
 * kafka.c - see kafka.h: topics, and what clients ask for.
 */
#include "kafka/kafka.h"
#include "kafka/kafka_api.h"
#include "kafka/kafka_coordinator.h"
#include "kafka/kafka_internal.h"
#include "kafka/kafka_topic.h"
#include <stdio.h>

/* Whose instances have a topic of the kind each: common.conf:175-221. */
static const uint8_t topic_owners[TOPIC_KIND_COUNT] = {
    [TOPIC_COMPLETED] = NODE_CONTROLLER,
    [TOPIC_SCHEDULER] = NODE_SCHEDULER,
    [TOPIC_CREATION_ACK] = NODE_SCHEDULER,
    [TOPIC_INVOKER] = NODE_INVOKER,
};
static const char *const topic_names[TOPIC_KIND_COUNT] = {
    [TOPIC_COMPLETED] = "completed",
    [TOPIC_SCHEDULER] = "scheduler",
    [TOPIC_CREATION_ACK] = "creationAck",
    [TOPIC_INVOKER] = "invoker",
};

uint32_t kafka_kind_count(const struct kafka *self, enum topic_kind kind)
{
    return self->env->cluster->counts[topic_owners[kind]];
}

const char *kafka_kind_name(enum topic_kind kind)
{
    return topic_names[kind];
}

uint32_t kafka_slot(const struct kafka *self, uint32_t topic)
{
    enum topic_kind kind = TOPIC_KIND(topic);
    if (kind >= TOPIC_KIND_COUNT || TOPIC_INDEX(topic) >= kafka_kind_count(self, kind))
        return self->topic_count;
    uint32_t slot = TOPIC_INDEX(topic);
    for (unsigned before = 0; before < kind; before++)
        slot += kafka_kind_count(self, (enum topic_kind)before);
    return slot;
}

static void kafka_open_broker(struct kafka *self);

static void kafka_init(void *self_, const struct machine_env *env)
{
    struct kafka *self = self_;
    self->env = env;
    timers_init(&self->timers, env->arena, env->node);
    uint32_t count = 0;
    for (unsigned kind = 0; kind < TOPIC_KIND_COUNT; kind++)
        count += kafka_kind_count(self, (enum topic_kind)kind);
    if (self->topics == NULL) {
        self->topics =
            arena_alloc_durable(env->arena, env->node, count * sizeof self->topics[0]);
        self->topic_count = count;
    }
    ASSERT_OP(self->topic_count, ==, count);
    self->groups = arena_alloc(env->arena, env->node, count * sizeof self->groups[0]);
    for (uint32_t slot = 0; slot < count; slot++)
        kafka_group_init(self, slot);
    if (self->store != NULL)
        kafka_open_broker(self);
}

/* What the protocol needs; simulated runs never come here. */
static void kafka_open_broker(struct kafka *self)
{
    struct arena *arena = self->env->arena;
    if (self->store == NULL) {
        self->store = arena_alloc_durable(arena, self->env->node, sizeof *self->store);
        kafka_topics_init(self);
    }
    self->broker = arena_alloc(arena, self->env->node, sizeof *self->broker);
    slab_init(&self->broker->fetches, arena, self->env->node, kafka_fetch_size());
    slab_init(&self->broker->members, arena, self->env->node,
              (uint32_t)sizeof(struct kafka_group_member));
}

static void kafka_on_connection(struct kafka *self, const struct message *m, struct effects *fx)
{
    if (self->store == NULL)
        kafka_open_broker(self);
    if (m->kind == MSG_KAFKA_FRAME)
        kafka_api_on_frame(self, m, fx);
    else
        kafka_api_on_closed(self, m);
}

static struct message *kafka_answer(struct effects *fx, const struct message *m,
                                    enum message_kind kind, uint32_t generation)
{
    struct message *reply = effects_reply(fx, m, kind);
    reply->u.kafka.topic = m->u.kafka.topic;
    reply->u.kafka.member = generation;
    reply->u.kafka.ok = generation != 0;
    return reply;
}

/* Answer a poll with what is there; false: nothing is. */
static bool kafka_serve(struct kafka *self, struct effects *fx, uint32_t slot,
                        const struct message *m)
{
    const struct kafka_topic *topic = &self->topics[slot];
    uint64_t offset = kafka_log_position(topic, m->u.kafka.offset);
    uint64_t count = topic->end - offset;
    if (count == 0)
        return false;
    if (count > m->u.kafka.count)
        count = m->u.kafka.count;
    const struct entry *entries = kafka_log_entry(topic, offset);
    struct message *reply = kafka_answer(fx, m, MSG_KAFKA_RECORDS, m->u.kafka.member);
    reply->u.kafka.offset = offset;
    reply->u.kafka.count = (uint32_t)count;
    reply->u.kafka.batch =
        blob_new(self->env->arena, ARENA_MESSAGE, entries, count * sizeof *entries);
    return true;
}

void kafka_end_poll(struct kafka *self, struct effects *fx, uint32_t slot, bool is_member)
{
    struct kafka_group *group = &self->groups[slot];
    if (!group->has_poll)
        return;
    group->has_poll = false;
    timers_cancel(&self->timers, &group->long_poll);
    uint32_t cause = fx->cause, generation = is_member ? group->poll.u.kafka.member : 0;
    fx->cause = group->poll.cause;
    struct message *reply = kafka_answer(fx, &group->poll, MSG_KAFKA_RECORDS, generation);
    reply->u.kafka.offset = kafka_log_position(&self->topics[slot], group->poll.u.kafka.offset);
    fx->cause = cause;
}

/* Does the poll that waits, if any, want the record that was just appended? */
static void kafka_wake_poll(struct kafka *self, struct effects *fx, uint32_t slot)
{
    struct kafka_group *group = &self->groups[slot];
    if (group->has_poll && kafka_serve(self, fx, slot, &group->poll)) {
        group->has_poll = false;
        timers_cancel(&self->timers, &group->long_poll);
    }
}

static void kafka_on_produce(struct kafka *self, const struct message *m, struct effects *fx,
                             uint32_t slot)
{
    struct kafka_topic *topic = &self->topics[slot];
    struct entry entry = m->u.produce.entry;
    struct record *r = effects_record(fx, RECORD_APPENDED, ACTOR_MAIN_ID);
    enum entry_kind kind = (enum entry_kind)entry.kind;
    r->peer = m->from;
    r->value = m->u.produce.topic;
    r->value2 = topic->end;
    if (kind == ENTRY_ACTIVATION)
        r->activation = entry.u.activation.id;
    else if (kind == ENTRY_ACK)
        r->activation = entry.u.ack.id;
    else if (kind == ENTRY_CREATION || kind == ENTRY_CREATION_ACK)
        r->creation = entry.u.creation.id;
    entry.cause = fx->cause; /* who reads it goes on from here */
    uint64_t offset = kafka_log_append(self, topic, &entry);
    struct message *reply = effects_reply(fx, m, MSG_KAFKA_PRODUCED);
    reply->u.produced.topic = m->u.produce.topic;
    reply->u.produced.ok = 1;
    reply->u.produced.offset = offset;
    kafka_wake_poll(self, fx, slot);
}

/* A fetch is no sign of life for the coordinator; heartbeats and commits are. */
static void kafka_on_poll(struct kafka *self, const struct message *m, struct effects *fx,
                          uint32_t slot)
{
    struct kafka_group *group = &self->groups[slot];
    if (!kafka_group_is_member(self, slot, m->u.kafka.member)) {
        kafka_answer(fx, m, MSG_KAFKA_RECORDS, 0);
        return;
    }
    if (m->u.kafka.count == 0) {
        effects_reject(fx, ACTOR_MAIN_ID, m);
        return;
    }
    kafka_end_poll(self, fx, slot, true); /* one fetch at a time */
    if (kafka_serve(self, fx, slot, m))
        return;
    group->poll = *m;
    group->has_poll = true;
    if (m->u.kafka.wait_ms == 0)
        kafka_end_poll(self, fx, slot, true);
    else
        timers_arm(&self->timers, fx, &group->long_poll, MSEC(m->u.kafka.wait_ms), true);
}

static void kafka_on_commit(struct kafka *self, const struct message *m, struct effects *fx,
                            uint32_t slot)
{
    struct kafka_topic *topic = &self->topics[slot];
    uint64_t offset = m->u.kafka.offset;
    if (!kafka_group_is_member(self, slot, m->u.kafka.member)) {
        kafka_answer(fx, m, MSG_KAFKA_COMMITTED, 0);
        return;
    }
    if (offset > topic->end) {
        effects_reject(fx, ACTOR_MAIN_ID, m);
        return;
    }
    kafka_group_touch(self, fx, slot);
    if (offset != topic->committed) {
        struct record *r = effects_record(fx, RECORD_COMMITTED, ACTOR_MAIN_ID);
        r->value = m->u.kafka.topic;
        r->value2 = offset;
        kafka_log_commit(topic, offset);
    }
    ASSERT_OP(topic->committed, <=, topic->end);
    kafka_answer(fx, m, MSG_KAFKA_COMMITTED, m->u.kafka.member)->u.kafka.offset = offset;
}

static void kafka_on_message(struct kafka *self, const struct message *m, struct effects *fx)
{
    uint32_t slot = kafka_slot(self, m->u.kafka.topic); /* each request begins with it */
    switch (slot < self->topic_count ? (enum message_kind)m->kind : MESSAGE_KIND_COUNT) {
    case MSG_KAFKA_PRODUCE:
        kafka_on_produce(self, m, fx, slot);
        break;
    case MSG_KAFKA_JOIN:
        kafka_group_on_join(self, m, fx, slot);
        break;
    case MSG_KAFKA_HEARTBEAT: /* a former member learns it from its next poll or commit */
        if (kafka_group_is_member(self, slot, m->u.kafka.member))
            kafka_group_touch(self, fx, slot);
        break;
    case MSG_KAFKA_POLL:
        kafka_on_poll(self, m, fx, slot);
        break;
    case MSG_KAFKA_COMMIT:
        kafka_on_commit(self, m, fx, slot);
        break;
    default: /* no other kind is for a broker; no such topic */
        effects_reject(fx, ACTOR_MAIN_ID, m);
        break;
    }
}

/* A dead client's poll is answered to nobody. Its membership stays: that is the point. */
static void kafka_on_link(struct kafka *self, const struct event *ev)
{
    for (uint32_t slot = 0; ev->down && slot < self->topic_count; slot++) {
        struct kafka_group *group = &self->groups[slot];
        if (group->has_poll && group->poll.from == ev->peer) {
            group->has_poll = false;
            timers_cancel(&self->timers, &group->long_poll);
        }
    }
}

static void kafka_on_timer(struct kafka *self, struct effects *fx, uint32_t arg,
                           enum kafka_timer kind)
{
    switch (kind) {
    case KAFKA_SESSION:
    case KAFKA_DELAY:
    case KAFKA_LONG_POLL:
        kafka_group_on_timer(self, fx, arg, kind);
        break;
    case KAFKA_FETCH_WAIT:
        kafka_fetch_on_timer(self, fx, arg);
        break;
    case KAFKA_MEMBER_SESSION:
        kafka_coordinator_on_session(self, fx, arg);
        break;
    case KAFKA_REBALANCE:
        kafka_coordinator_on_rebalance(self, fx, arg);
        break;
    }
}

static void kafka_step(void *self_, const struct event *ev, struct effects *fx)
{
    struct kafka *self = self_;
    const struct timer *timer;
    switch (ev->kind) {
    case EVENT_START:
        for (uint32_t slot = 0; slot < self->topic_count; slot++)
            kafka_group_start(self, fx, slot);
        if (self->store != NULL)
            kafka_coordinator_start(self, fx);
        break;
    case EVENT_DELIVER:
        if (ev->message->kind == MSG_KAFKA_FRAME || ev->message->kind == MSG_KAFKA_CLOSED)
            kafka_on_connection(self, ev->message, fx);
        else
            kafka_on_message(self, ev->message, fx);
        break;
    case EVENT_WAKE:
        timer = timers_pop(&self->timers, fx->at);
        kafka_on_timer(self, fx, timer->arg, (enum kafka_timer)timer->kind);
        break;
    case EVENT_SIGNAL: /* nothing to save: what was acknowledged is in the log */
        break;
    case EVENT_LINK:
        kafka_on_link(self, ev);
        break;
    }
}

static struct wakeup kafka_next_wakeup(const void *self_)
{
    const struct kafka *self = self_;
    return timers_first(&self->timers);
}

static void kafka_digest(const void *self_, struct digest *d)
{
    const struct kafka *self = self_;
    for (uint32_t slot = 0; slot < self->topic_count; slot++) {
        kafka_log_digest(&self->topics[slot], d);
        kafka_group_digest(self, slot, d);
    }
    if (self->store == NULL)
        return;
    kafka_topics_digest(self, d);
    kafka_groups_digest(self, d);
    kafka_coordinator_digest(self, d);
}

static bool kafka_pending(const void *self_, char *text, size_t size)
{
    const struct kafka *self = self_;
    uint32_t slot = 0;
    for (unsigned kind = 0; kind < TOPIC_KIND_COUNT; kind++) {
        uint32_t count = kafka_kind_count(self, (enum topic_kind)kind);
        for (uint32_t index = 0; index < count; index++, slot++) {
            const struct kafka_topic *topic = &self->topics[slot];
            if (topic->end == topic->committed)
                continue;
            snprintf(text, size, "%llu records of topic %s%u unread",
                     (unsigned long long)(topic->end - topic->committed), topic_names[kind],
                     index);
            return true;
        }
    }
    return self->store != NULL && kafka_topics_pending(self, text, size);
}

static const char *kafka_post_name(unsigned what)
{
    (void)what;
    return "none";
}

static const struct config_field kafka_fields[] = {
    {"whisk.kafka.consumer.session-timeout-ms", UNIT_DURATION, SEC(6), MINUTES(30), SEC(30),
     SEC(30), offsetof(struct kafka_config, session_timeout),
     "a member that gave no sign of life for so long is taken for dead"},
    {"group.initial.rebalance.delay.ms", UNIT_DURATION, 0, MINUTES(1), SEC(3), SEC(3),
     offsetof(struct kafka_config, initial_rebalance_delay),
     "a join to an empty group waits so long (the distribution's server.properties: 0)"},
    {"group.min.session.timeout.ms", UNIT_DURATION, MSEC(1), MINUTES(30), SEC(6), SEC(6),
     offsetof(struct kafka_config, session_timeout_min),
     "on real sockets: members may not ask for a shorter session (as they say it)"},
    {"auto.create.topics.enable", UNIT_BOOL, 0, 1, 1, 0,
     offsetof(struct kafka_config, auto_create),
     "on real sockets: a topic that is asked for is made"},
    {"kafka.advertised-address", UNIT_COUNT, 0, UINT32_MAX, KAFKA_LOOPBACK, KAFKA_LOOPBACK,
     offsetof(struct kafka_config, advertised_address),
     "on real sockets: where clients find the broker; IPv4 as a number, 127.0.0.1"},
    {"kafka.advertised-port", UNIT_COUNT, 1, UINT16_MAX, 9092, 9092,
     offsetof(struct kafka_config, advertised_port), "on real sockets: its port"},
    {"kafka.client-speed", UNIT_COUNT, 1, 100000, 1, 1,
     offsetof(struct kafka_config, client_speed),
     "on real sockets: so many times longer is what clients ask for in the broker's time"},
    {"kafka.log-bytes", UNIT_BYTES, 0, KAFKA_LOG_BYTES_LIMIT, (uint64_t)16 << 20,
     (uint64_t)16 << 20, offsetof(struct kafka_config, log_bytes),
     "on real sockets: over it a partition drops what all groups have read; bounds memory"},
    {"kafka.log-bytes-max", UNIT_BYTES, 0, KAFKA_LOG_BYTES_LIMIT, (uint64_t)256 << 20,
     (uint64_t)256 << 20, offsetof(struct kafka_config, log_bytes_max),
     "on real sockets: over it a partition drops its oldest records, read or not"},
};

const struct machine_ops kafka_ops = {
    .name = "kafka",
    .size = sizeof(struct kafka),
    .durable_size = offsetof(struct kafka, env),
    .effects_max = KAFKA_EFFECTS_MAX,
    .init = kafka_init,
    .step = kafka_step,
    .next_wakeup = kafka_next_wakeup,
    .digest = kafka_digest,
    .pending = kafka_pending,
    .post_name = kafka_post_name,
    .config_fields = kafka_fields,
    .config_field_count = sizeof kafka_fields / sizeof kafka_fields[0],
    .config_size = sizeof(struct kafka_config),
};
