/*
 * kafka_producer.c - see kafka_client.h: sends and delivery reports.
 *
 * What the library refuses at once (unknown topic, too large, its queue is full) is kept and
 * told from the loop, like every other outcome.
 * Source: KafkaProducerConnector.scala:52-135, application.conf:165-173 at 1fae641a2.
 */
#include "live/kafka_client_internal.h"
#include "core/assert.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rollcage's note goes along as a record header; room for it on top of upstream's limit. */
#define NOTE_HEADER "rollcage"
#define NOTE_ROOM 4096u
#define LEADER_WAIT_MS 1
#define TURN_EVENTS_MAX 64u /* others want their turn too */

_Static_assert(sizeof(void *) == sizeof(uint64_t), "a tag travels as the record's opaque");

struct refusal {
    uint64_t tag;
    rd_kafka_resp_err_t code;
};

struct topic {
    char *name;
    rd_kafka_topic_t *handle;
};

struct kafka_producer {
    struct loop *loop;
    struct kafka_producer_handler handler;
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    int wake_fd;
    struct topic *topics; /* those that were sent to */
    uint32_t topic_count;
    struct refusal *refusals;
    uint32_t refusal_count, refusal_max;
    bool is_busy, is_doomed; /* freed by its own handler: done when that returns */
};

static void on_wake(void *context, int fd, uint32_t events);

static rd_kafka_t *open_client(const struct kafka_settings *s, char *error, size_t error_size)
{
    struct kafka_conf conf = kafka_conf_begin(s, "producer", error, error_size);
    kafka_conf_text(&conf, "acks", "1");
    kafka_conf_text(&conf, "enable.idempotence", "false");
    kafka_conf_number(&conf, "queue.buffering.max.ms", 0);
    kafka_conf_number(&conf, "batch.size", 16384);
    kafka_conf_number(&conf, "max.in.flight", 5);
    kafka_conf_number(&conf, "message.max.bytes", KAFKA_MESSAGE_MAX + NOTE_ROOM);
    /* The Java client blocks its caller when 32 MiB wait; nothing may block a loop. */
    kafka_conf_number(&conf, "queue.buffering.max.messages", 1000000);
    kafka_conf_number(&conf, "queue.buffering.max.kbytes", 256u << 10);
    kafka_conf_number(&conf, "request.timeout.ms", kafka_scaled_ms(s, 30000, 2000));
    kafka_conf_number(&conf, "message.timeout.ms", kafka_scaled_ms(s, 120000, 2000));
    kafka_conf_number(&conf, "retry.backoff.ms", kafka_scaled_ms(s, 100, 10));
    /* max.block.ms: so long a topic that the broker does not know may still appear. */
    kafka_conf_number(&conf, "topic.metadata.propagation.max.ms",
                      kafka_scaled_ms(s, 60000, 500));
    kafka_conf_number(&conf, "topic.metadata.refresh.interval.ms",
                      kafka_scaled_ms(s, 15000, 1000));
    if (conf.conf != NULL)
        rd_kafka_conf_set_events(conf.conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
    return kafka_conf_open(&conf, RD_KAFKA_PRODUCER);
}

static void destroy(struct kafka_producer *self)
{
    for (uint32_t i = 0; i < self->topic_count; i++) {
        rd_kafka_topic_destroy(self->topics[i].handle);
        free(self->topics[i].name);
    }
    free(self->topics);
    if (self->queue != NULL) {
        rd_kafka_queue_io_event_enable(self->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(self->queue);
    }
    if (self->client != NULL)
        rd_kafka_destroy(self->client); /* throws away what it still holds */
    kafka_fd_close(self->loop, self->wake_fd);
    free(self->refusals);
    free(self);
}

struct kafka_producer *kafka_producer_new(struct loop *loop, const struct kafka_settings *s,
                                          const struct kafka_producer_handler *handler,
                                          char *ret_error, size_t error_size)
{
    struct kafka_producer *self = calloc(1, sizeof *self);
    if (self == NULL) {
        (void)snprintf(ret_error, error_size, "out of memory");
        return NULL;
    }
    self->loop = loop;
    self->handler = *handler;
    self->wake_fd = kafka_wake_open(loop, on_wake, self);
    if (self->wake_fd < 0)
        (void)snprintf(ret_error, error_size, "eventfd: %s", strerror(-self->wake_fd));
    else
        self->client = open_client(s, ret_error, error_size);
    if (self->client == NULL) {
        destroy(self);
        return NULL;
    }
    self->queue = rd_kafka_queue_get_main(self->client);
    kafka_wake_by(self->queue, self->wake_fd);
    kafka_wake(self->wake_fd); /* read it once: what came before woke nobody */
    return self;
}

void kafka_producer_free(struct kafka_producer *self)
{
    self->is_doomed = true;
    if (!self->is_busy)
        destroy(self);
}

static void refuse(struct kafka_producer *self, uint64_t tag, rd_kafka_resp_err_t code)
{
    if (self->refusal_count == self->refusal_max) {
        uint32_t max = self->refusal_max == 0 ? 16 : self->refusal_max * 2;
        struct refusal *refusals = realloc(self->refusals, max * sizeof *refusals);
        ASSERT(refusals != NULL);
        self->refusals = refusals;
        self->refusal_max = max;
    }
    self->refusals[self->refusal_count++] = (struct refusal){tag, code};
    kafka_wake(self->wake_fd);
}

/*
 * The library asks for the leader of a new topic in its next second. Asked from here it goes
 * at once; the answer reaches the topic also when this call no longer waits for it.
 */
static void ask_for_leader(struct kafka_producer *self, rd_kafka_topic_t *handle)
{
    const struct rd_kafka_metadata *metadata;
    if (rd_kafka_metadata(self->client, 0, handle, &metadata, LEADER_WAIT_MS) ==
        RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_metadata_destroy(metadata);
}

/* NULL: the library does not take the name. */
static rd_kafka_topic_t *topic_of(struct kafka_producer *self, const char *name)
{
    for (uint32_t i = 0; i < self->topic_count; i++) {
        if (strcmp(self->topics[i].name, name) == 0)
            return self->topics[i].handle;
    }
    rd_kafka_topic_t *handle = rd_kafka_topic_new(self->client, name, NULL);
    if (handle == NULL)
        return NULL;
    struct topic *topics = realloc(self->topics, (self->topic_count + 1) * sizeof *topics);
    char *copy = strdup(name);
    ASSERT(topics != NULL && copy != NULL);
    self->topics = topics;
    self->topics[self->topic_count++] = (struct topic){copy, handle};
    ask_for_leader(self, handle);
    return handle;
}

void kafka_producer_send(struct kafka_producer *self, const char *topic, const void *bytes,
                         size_t length, const char *note, uint64_t tag)
{
    ASSERT(!self->is_doomed);
    rd_kafka_topic_t *handle = topic_of(self, topic);
    if (handle == NULL) {
        refuse(self, tag, rd_kafka_last_error());
        return;
    }
    rd_kafka_vu_t parts[6] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = handle},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = 0},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)bytes, length}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)tag},
        {.vtype = RD_KAFKA_VTYPE_HEADER},
    };
    if (note != NULL) {
        parts[5].u.header.name = NOTE_HEADER;
        parts[5].u.header.val = note;
        parts[5].u.header.size = (ssize_t)strlen(note);
    }
    rd_kafka_error_t *error = rd_kafka_produceva(self->client, parts, note == NULL ? 5 : 6);
    if (error == NULL)
        return;
    refuse(self, tag, rd_kafka_error_code(error));
    rd_kafka_error_destroy(error);
}

/* ---- outcomes ---- */

static void tell_reports(struct kafka_producer *self, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message;
    while (!self->is_doomed && (message = rd_kafka_event_message_next(event)) != NULL) {
        bool ok = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
        self->handler.on_delivered(
            self->handler.context, (uint64_t)(uintptr_t)message->_private, ok,
            ok ? message->offset : -1, ok ? NULL : rd_kafka_err2str(message->err));
    }
}

/* Those that come while they are told are told by the next turn: refuse() wakes it. */
static void tell_refusals(struct kafka_producer *self)
{
    uint32_t count = self->refusal_count;
    for (uint32_t i = 0; i < count && !self->is_doomed; i++) {
        struct refusal refusal = self->refusals[i]; /* a send may move the array */
        self->handler.on_delivered(self->handler.context, refusal.tag, false, -1,
                                   rd_kafka_err2str(refusal.code));
    }
    self->refusal_count -= count;
    if (self->refusal_count > 0)
        memmove(self->refusals, self->refusals + count,
                self->refusal_count * sizeof *self->refusals);
}

static void on_wake(void *context, int fd, uint32_t events)
{
    (void)events;
    struct kafka_producer *self = context;
    kafka_wake_clear(fd);
    self->is_busy = true;
    rd_kafka_event_t *event = NULL;
    uint32_t count = 0;
    for (; count < TURN_EVENTS_MAX && !self->is_doomed; count++) {
        if ((event = rd_kafka_queue_poll(self->queue, 0)) == NULL)
            break;
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
            tell_reports(self, event);
        rd_kafka_event_destroy(event); /* errors: the library tries again by itself */
    }
    if (count == TURN_EVENTS_MAX)
        kafka_wake(self->wake_fd); /* not read to its end: the queue will not wake us */
    tell_refusals(self);
    self->is_busy = false;
    if (self->is_doomed)
        destroy(self);
}
