/*
 * live_kafka.c - every topic over librdkafka, to our broker or another.
 *
 * A process has one producer, and a consumer for each of its feeds. The typed requests of the
 * machines become calls of the library: a join makes a consumer, whose membership the library
 * keeps alive by itself (a heartbeat is nothing here); a poll and a commit are answered when
 * the library has an answer. A consumer starts at its group's committed offset, which the
 * library does not tell: until something was read, a commit is answered without being sent.
 *
 * Appends and commits are recorded when the library reports them. A record may be read before
 * its producer hears that it was appended: then the reader's news is taken for it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live/host_live_internal.h"
#include "wire/wire_entry.h"

#define SEEN_BITS 16u /* offsets of a topic whose append is remembered as recorded */
#define SEEN_MAX (1u << SEEN_BITS)
#define TOPIC_WAIT_MS 15000
#define SESSION_TIMEOUT_MS 30000 /* where the scenario's broker says nothing */
#define HEARTBEAT_MS 10000
#define FETCH_WAIT_MS 500

struct live_log {      /* what is known of a topic */
    int64_t end;       /* one behind the last record that was appended */
    int64_t committed; /* the last commit; -1: none yet */
    uint64_t seen[SEEN_MAX / 64];
};

struct live_produce {
    struct message message;
    bool is_open;
    uint32_t next_free, incarnation;
};

struct live_consumer {
    struct live_consumer *next;
    struct live_node *node;
    struct kafka_consumer *consumer;
    uint32_t topic;
    uint32_t member; /* 0: not assigned */
    uint32_t generations;
    bool has_read;
    bool has_join, has_poll, has_commit; /* requests that wait */
    struct message join, poll, commit;
};

static const enum node_kind topic_owners[TOPIC_KIND_COUNT] = {
    [TOPIC_COMPLETED] = NODE_CONTROLLER,
    [TOPIC_SCHEDULER] = NODE_SCHEDULER,
    [TOPIC_CREATION_ACK] = NODE_SCHEDULER,
    [TOPIC_INVOKER] = NODE_INVOKER,
};

static uint32_t topic_count(const struct host *self)
{
    uint32_t count = 0;
    for (unsigned kind = 0; kind < TOPIC_KIND_COUNT; kind++)
        count += self->world.cluster->counts[topic_owners[kind]];
    return count;
}

static uint32_t topic_at(const struct host *self, uint32_t slot)
{
    unsigned kind = 0;
    while (slot >= self->world.cluster->counts[topic_owners[kind]])
        slot -= self->world.cluster->counts[topic_owners[kind++]];
    return TOPIC(kind, slot);
}

static struct live_log *log_of(struct host *self, uint32_t topic)
{
    enum topic_kind kind = TOPIC_KIND(topic);
    uint32_t slot = TOPIC_INDEX(topic);
    if (kind >= TOPIC_KIND_COUNT || slot >= self->world.cluster->counts[topic_owners[kind]])
        return NULL;
    for (unsigned before = 0; before < kind; before++)
        slot += self->world.cluster->counts[topic_owners[before]];
    return &self->logs[slot];
}

/* The topic's name at the broker, in self->text. */
static const char *topic_name(struct host *self, uint32_t topic)
{
    wire_buffer_clear(&self->text);
    wire_buffer_print(&self->text, "%s", self->topic_prefix);
    wire_topic_write(topic, &self->text);
    return self->text.bytes;
}

/* The scenario's, also with a broker of somebody else: consumers ask for it. */
static uint64_t session_timeout_ms(const struct host *self)
{
    const struct live_node *n = &self->nodes[self->kafka];
    for (uint32_t i = 0; n->env.config != NULL && i < n->ops->config_field_count; i++) {
        const struct config_field *field = &n->ops->config_fields[i];
        uint64_t value;
        if (strcmp(field->key, "whisk.kafka.consumer.session-timeout-ms") != 0)
            continue;
        memcpy(&value, (const char *)n->env.config + field->offset, sizeof value);
        return value / MSEC(1);
    }
    return SESSION_TIMEOUT_MS;
}

static struct kafka_settings settings(const struct host *self)
{
    uint64_t session = session_timeout_ms(self);
    return (struct kafka_settings){.bootstrap = self->bootstrap,
                                   .speed = self->speed,
                                   .session_timeout_ms = session,
                                   .heartbeat_ms =
                                       session / 3 < HEARTBEAT_MS ? session / 3 : HEARTBEAT_MS,
                                   .fetch_wait_ms = FETCH_WAIT_MS};
}

/* ---- records ---- */

static void record_append(struct host *self, uint32_t topic, int64_t offset, node_id writer,
                          const struct entry *entry, uint32_t cause)
{
    struct live_log *log = log_of(self, topic);
    if (log == NULL || offset < 0)
        return;
    uint64_t *word = &log->seen[(uint64_t)offset % SEEN_MAX / 64];
    uint64_t bit = UINT64_C(1) << ((uint64_t)offset % 64);
    /* The half of the ring ahead is forgotten, word by word, before it is used again. */
    log->seen[((uint64_t)offset + SEEN_MAX / 2) % SEEN_MAX / 64] = 0;
    if ((*word & bit) != 0)
        return;
    *word |= bit;
    if (offset >= log->end)
        log->end = offset + 1;
    struct record r = live_record(self, RECORD_APPENDED, self->kafka);
    r.cause = cause;
    r.peer = writer;
    r.value = topic;
    r.value2 = (uint64_t)offset;
    if (entry->kind == ENTRY_ACTIVATION)
        r.activation = entry->u.activation.id;
    else if (entry->kind == ENTRY_ACK)
        r.activation = entry->u.ack.id;
    else if (entry->kind == ENTRY_CREATION || entry->kind == ENTRY_CREATION_ACK)
        r.creation = entry->u.creation.id;
    live_keep(self, &r);
}

/* ---- producers ---- */

static void on_delivered(void *context, uint64_t tag, bool ok, int64_t offset,
                         const char *reason)
{
    struct live_node *n = context;
    struct host *self = n->host;
    struct live_produce *produce = &self->produces[tag];
    (void)reason;
    if (!produce->is_open)
        return;
    live_read_clock(self);
    const struct message *sent = &produce->message;
    if (ok)
        record_append(self, sent->u.produce.topic, offset, sent->from, &sent->u.produce.entry,
                      sent->cause);
    struct message reply = {.kind = MSG_KAFKA_PRODUCED,
                            .from = sent->to,
                            .from_actor = sent->to_actor,
                            .to = sent->from,
                            .to_actor = sent->from_actor,
                            .corr = sent->corr,
                            .cause = sent->cause};
    reply.u.produced.topic = sent->u.produce.topic;
    reply.u.produced.ok = ok;
    reply.u.produced.offset = ok ? (uint64_t)offset : 0;
    if (produce->incarnation == n->env.incarnation)
        live_arrive(self, &reply, true);
    produce->is_open = false;
    produce->next_free = self->produce_free;
    self->produce_free = (uint32_t)tag;
}

static uint32_t produce_new(struct host *self)
{
    uint32_t slot = self->produce_free;
    if (slot != UINT32_MAX) {
        self->produce_free = self->produces[slot].next_free;
        return slot;
    }
    if (self->produce_count == self->produce_max) {
        self->produce_max = self->produce_max == 0 ? 256 : self->produce_max * 2;
        self->produces = realloc(self->produces, self->produce_max * sizeof *self->produces);
        ASSERT(self->produces != NULL);
    }
    return self->produce_count++;
}

static void send_produce(struct host *self, struct live_node *n, const struct message *m)
{
    char error[LIVE_ERROR_SIZE], note[64];
    struct kafka_settings s = settings(self);
    struct kafka_producer_handler handler = {.context = n, .on_delivered = on_delivered};
    if (n->producer == NULL)
        n->producer = kafka_producer_new(self->loop, &s, &handler, error, sizeof error);
    if (n->producer == NULL) {
        live_fail(self, "%s: Kafka producer: %s", n->name, error);
        return;
    }
    uint32_t slot = produce_new(self);
    self->produces[slot] = (struct live_produce){
        .message = *m, .is_open = true, .incarnation = n->env.incarnation};
    struct wire_buffer *body = &self->http.body;
    wire_buffer_clear(body);
    wire_entry_write(&self->wire, &m->u.produce.entry, body);
    snprintf(note, sizeof note, "%s %u", n->name, (unsigned)m->cause);
    const char *topic = topic_name(self, m->u.produce.topic);
    kafka_producer_send(n->producer, topic, body->bytes, body->length, note, slot);
}

/* ---- consumers ---- */

static struct message consumer_reply(const struct message *request, enum message_kind kind,
                                     uint32_t member)
{
    struct message m = {.kind = (uint16_t)kind,
                        .from = request->to,
                        .from_actor = request->to_actor,
                        .to = request->from,
                        .to_actor = request->from_actor,
                        .corr = request->corr,
                        .cause = request->cause};
    m.u.kafka.topic = request->u.kafka.topic;
    m.u.kafka.member = member;
    m.u.kafka.offset = request->u.kafka.offset;
    m.u.kafka.ok = member != 0;
    return m;
}

static void answer_join(struct live_consumer *c)
{
    struct host *self = c->node->host;
    if (!c->has_join || c->member == 0)
        return;
    c->has_join = false;
    struct message reply = consumer_reply(&c->join, MSG_KAFKA_JOINED, c->member);
    reply.u.kafka.offset = 0; /* the library starts at the committed one */
    live_arrive(self, &reply, true);
}

static void on_assigned(void *context)
{
    struct live_consumer *c = context;
    live_read_clock(c->node->host);
    c->member = ++c->generations;
    answer_join(c);
}

static void on_lost(void *context)
{
    struct live_consumer *c = context;
    struct host *self = c->node->host;
    live_read_clock(self);
    c->member = 0;
    c->has_read = false;
    if (c->has_poll) {
        struct message reply = consumer_reply(&c->poll, MSG_KAFKA_RECORDS, 0);
        c->has_poll = false;
        live_arrive(self, &reply, true);
    }
}

/* "scheduler0 123": who wrote it, and the record that led to it. */
static node_id note_read(const struct host *self, const char *note, uint32_t *ret_cause)
{
    size_t length = note == NULL ? 0 : strcspn(note, " ");
    *ret_cause = 0;
    if (length == 0 || note[length] != ' ')
        return NODE_NONE;
    uint64_t cause = strtoull(note + length + 1, NULL, 10);
    *ret_cause = cause < self->next_seq ? (uint32_t)cause : 0;
    return cluster_find_node(self->world.cluster, note, length);
}

static void on_records(void *context, const struct kafka_record *records, uint32_t count)
{
    struct live_consumer *c = context;
    struct host *self = c->node->host;
    if (!c->has_poll)
        return;
    live_read_clock(self);
    c->has_poll = false;
    struct message reply = consumer_reply(&c->poll, MSG_KAFKA_RECORDS, c->member);
    reply.u.kafka.count = count;
    if (count > 0) {
        blob batch =
            blob_new(self->world.arena, ARENA_MESSAGE, NULL, count * sizeof(struct entry));
        struct entry *entries = blob_bytes_mutable(self->world.arena, batch);
        for (uint32_t i = 0; i < count; i++) {
            struct wire_text text = {records[i].bytes, records[i].length};
            uint32_t cause;
            node_id writer = note_read(self, records[i].note, &cause);
            entries[i] = wire_entry_read(&self->wire, c->topic, text);
            entries[i].cause = cause;
            record_append(self, c->topic, records[i].offset, writer, &entries[i], cause);
        }
        reply.u.kafka.batch = batch;
        reply.u.kafka.offset = (uint64_t)records[0].offset;
        c->has_read = true;
    }
    live_arrive(self, &reply, true);
}

static void on_committed(void *context, bool ok, bool lost_membership)
{
    struct live_consumer *c = context;
    struct host *self = c->node->host;
    struct live_log *log = log_of(self, c->topic);
    if (!c->has_commit)
        return;
    live_read_clock(self);
    c->has_commit = false;
    int64_t offset = (int64_t)c->commit.u.kafka.offset;
    if (ok && log != NULL && offset != log->committed) {
        log->committed = offset;
        struct record r = live_record(self, RECORD_COMMITTED, self->kafka);
        r.cause = c->commit.cause;
        r.value = c->topic;
        r.value2 = (uint64_t)offset;
        live_keep(self, &r);
    }
    struct message reply =
        consumer_reply(&c->commit, MSG_KAFKA_COMMITTED, lost_membership ? 0 : c->member);
    reply.u.kafka.ok = ok;
    live_arrive(self, &reply, true);
}

static struct live_consumer *consumer_find(struct live_node *n, uint32_t topic)
{
    struct live_consumer *c = n->consumers;
    while (c != NULL && c->topic != topic)
        c = c->next;
    return c;
}

static bool consumer_open(struct host *self, struct live_consumer *c)
{
    char error[LIVE_ERROR_SIZE];
    struct kafka_settings s = settings(self);
    struct kafka_consumer_handler handler = {.context = c,
                                             .on_assigned = on_assigned,
                                             .on_lost = on_lost,
                                             .on_records = on_records,
                                             .on_committed = on_committed};
    const char *topic = topic_name(self, c->topic); /* the group is named like it */
    c->consumer =
        kafka_consumer_new(self->loop, &s, topic, topic, &handler, error, sizeof error);
    if (c->consumer == NULL)
        live_fail(self, "%s: Kafka consumer: %s", c->node->name, error);
    return c->consumer != NULL;
}

static void on_join(struct host *self, struct live_node *n, const struct message *m)
{
    struct live_consumer *c = consumer_find(n, m->u.kafka.topic);
    if (c == NULL) {
        c = calloc(1, sizeof *c);
        ASSERT(c != NULL);
        c->node = n;
        c->topic = m->u.kafka.topic;
        c->next = n->consumers;
        n->consumers = c;
    } else if (m->u.kafka.member != 0 && c->consumer != NULL) {
        kafka_consumer_free(c->consumer, true); /* made anew: the old one leaves its group */
        c->consumer = NULL;
        c->member = 0;
        c->has_read = false;
    }
    c->join = *m;
    c->has_join = true;
    if (c->consumer == NULL && !consumer_open(self, c))
        return;
    answer_join(c);
}

static void on_poll(struct host *self, struct live_consumer *c, const struct message *m)
{
    if (c == NULL || c->member == 0 || c->member != m->u.kafka.member) {
        struct message reply = consumer_reply(m, MSG_KAFKA_RECORDS, 0);
        live_arrive(self, &reply, true);
        return;
    }
    c->poll = *m;
    if (c->has_poll)
        return; /* the library still has the former one's wait; this one gets its answer */
    c->has_poll = true;
    uint32_t wait_ms = m->u.kafka.wait_ms / self->speed;
    kafka_consumer_poll(c->consumer, m->u.kafka.count, wait_ms == 0 ? 1 : wait_ms);
}

static void on_commit(struct host *self, struct live_consumer *c, const struct message *m)
{
    bool is_member = c != NULL && c->member != 0 && c->member == m->u.kafka.member;
    if (!is_member || !c->has_read) {
        struct message reply =
            consumer_reply(m, MSG_KAFKA_COMMITTED, is_member ? c->member : 0);
        live_arrive(self, &reply, true);
        return;
    }
    c->commit = *m;
    if (c->has_commit)
        return;
    c->has_commit = true;
    kafka_consumer_commit(c->consumer, (int64_t)m->u.kafka.offset);
}

void live_kafka_send(struct host *self, struct message *m)
{
    struct live_node *n = live_node_at(self, m->from);
    const struct live_node *broker = live_node_at(self, self->kafka);
    if (n == NULL || broker == NULL)
        return;
    if (m->kind == MSG_KAFKA_PRODUCE && broker->state < LIVE_UP) {
        live_refuse(self, m);
        return;
    }
    switch ((enum message_kind)m->kind) {
    case MSG_KAFKA_PRODUCE:
        send_produce(self, n, m);
        return;
    case MSG_KAFKA_JOIN:
        on_join(self, n, m);
        return;
    case MSG_KAFKA_POLL:
        on_poll(self, consumer_find(n, m->u.kafka.topic), m);
        return;
    case MSG_KAFKA_COMMIT:
        on_commit(self, consumer_find(n, m->u.kafka.topic), m);
        return;
    default: /* a heartbeat: the library sends its own */
        return;
    }
}

/* ---- life ---- */

static void consumers_free(struct live_node *n)
{
    while (n->consumers != NULL) {
        struct live_consumer *c = n->consumers;
        n->consumers = c->next;
        if (c->consumer != NULL)
            kafka_consumer_free(c->consumer, false);
        free(c);
    }
}

static void producer_free(struct host *self, struct live_node *n)
{
    if (n->producer == NULL)
        return;
    kafka_producer_free(n->producer);
    n->producer = NULL;
    for (uint32_t i = 0; i < self->produce_count; i++) {
        struct live_produce *produce = &self->produces[i];
        if (!produce->is_open || produce->message.from != n->env.node)
            continue;
        produce->is_open = false;
        produce->next_free = self->produce_free;
        self->produce_free = i;
    }
}

void live_kafka_drop(struct host *self, struct live_node *n, bool is_broker)
{
    consumers_free(n);
    producer_free(self, n);
    if (!is_broker || !live_broker_close(n))
        return;
    /* What the libraries still hold must not be sent twice: the machines send it again. */
    for (uint32_t i = 0; i < self->node_count; i++)
        producer_free(self, &self->nodes[i]);
}

static bool make_topics(struct host *self)
{
    char error[LIVE_ERROR_SIZE], names[256][48];
    const char *topics[256];
    uint32_t count = topic_count(self);
    if (count > 256) {
        live_fail(self, "kafka: %u topics, at most 256 at a broker of somebody else", count);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "%s", topic_name(self, topic_at(self, i)));
        topics[i] = names[i];
    }
    struct kafka_settings s = settings(self);
    if (kafka_topic_make(&s, topics, count, TOPIC_WAIT_MS, error, sizeof error) == 0)
        return true;
    live_fail(self, "Kafka %s: %s; start a broker there, or leave out --kafka", self->bootstrap,
              error);
    return false;
}

bool live_kafka_open(struct host *self)
{
    if (self->kafka == NODE_NONE)
        return true;
    self->logs = calloc(topic_count(self) + 1, sizeof *self->logs);
    ASSERT(self->logs != NULL);
    for (uint32_t i = 0; i < topic_count(self); i++)
        self->logs[i].committed = -1;
    if (self->bootstrap_given == NULL) {
        snprintf(self->bootstrap, sizeof self->bootstrap, "%s:%u",
                 strcmp(self->listen, "0.0.0.0") == 0 ? "127.0.0.1" : self->listen,
                 self->nodes[self->kafka].ports[WIRE_API].number);
        return true;
    }
    snprintf(self->bootstrap, sizeof self->bootstrap, "%s", self->bootstrap_given);
    /* whisk.kafka.topics.prefix: what former runs left in a broker is not this run's. */
    snprintf(self->topic_prefix, sizeof self->topic_prefix, "rollcage-%llx-",
             (unsigned long long)(draw_mix(self->lease_salt, 1) & 0xffffffffff));
    return make_topics(self);
}

bool live_kafka_pending(struct host *self, char *text, size_t size)
{
    for (uint32_t i = 0; self->kafka != NODE_NONE && i < topic_count(self); i++) {
        const struct live_log *log = &self->logs[i];
        int64_t committed = log->committed < 0 ? 0 : log->committed;
        if (log->end <= committed)
            continue;
        snprintf(text, size, "kafka: %lld records of topic %s unread",
                 (long long)(log->end - committed), topic_name(self, topic_at(self, i)));
        return true;
    }
    return false;
}

void live_kafka_release(struct host *self)
{
    for (uint32_t i = 0; self->nodes != NULL && i < self->node_count; i++)
        live_kafka_drop(self, &self->nodes[i], i == self->kafka);
    free(self->logs);
    free(self->produces);
}
