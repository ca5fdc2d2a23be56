/*
 * kafka_consumer.c - see kafka_client.h: membership, records, commits.
 *
 *   JOINING --assign--> ASSIGNED --revoke, lost--> JOINING ...
 *
 * Records lie in a ring until a poll asks; a full ring leaves the rest in the library. They
 * are dropped with the partition: whoever has it next begins at the committed offset. One
 * timerfd stands for the end of a poll's wait, of a commit's patience, and for "at once".
 * Source: KafkaConsumerConnector.scala:71-168, application.conf:156-164 at 1fae641a2.
 */
#include "live/kafka_client_internal.h"
#include "core/assert.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NOTE_HEADER "rollcage"
#define RING_MAX 1024u /* records; the largest max.poll.records upstream sets is 500 */
/* Below these the library's threads would cost more than the cluster: a beat needs a tick of
 * its timers, and a tick about 1 ms of processor time. */
#define SESSION_MS_MIN 1500u
#define HEARTBEAT_MS_MIN 500u
#define NS_PER_MS UINT64_C(1000000)
/* A clean leaving is two short waits: for the partition to be given back, and for the request
 * to reach the socket. The broker's answer is not awaited: it may live in this very loop. */
#define REVOKE_WAIT_MS 100
#define LEAVE_WAIT_MS 20

struct kafka_consumer {
    struct loop *loop;
    struct kafka_consumer_handler handler;
    char *topic;
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;   /* rebalances, records: read only while the ring has room */
    rd_kafka_queue_t *others;  /* errors and statistics: of no use, but not to pile up */
    rd_kafka_queue_t *commits; /* results of commits, never behind records */
    int wake_fd, timer_fd;
    uint64_t armed_at; /* of the timer; 0: not armed */
    rd_kafka_event_t *ring[RING_MAX];
    struct kafka_record records[RING_MAX]; /* what a poll is answered with */
    uint32_t ring_first, ring_count;
    uint32_t poll_count;
    uint64_t poll_until, commit_until, commit_patience_ns;
    uint64_t commit_number; /* tells a result from one that was given up */
    bool is_polling, is_committing, is_assigned;
    bool is_commit_void;               /* the partition was not ours: nothing was sent */
    bool is_rest_unread;               /* the ring was full: the queue will not wake us */
    bool is_busy, is_doomed, is_clean; /* freed by its own handler: done when that returns */
};

static void on_wake(void *context, int fd, uint32_t events);
static void on_timer(void *context, int fd, uint32_t events);

/* ---- opening ---- */

static rd_kafka_t *open_client(const struct kafka_settings *s, const char *topic,
                               const char *group, char *error, size_t error_size)
{
    char client_id[256];
    (void)snprintf(client_id, sizeof client_id, "consumer-%s", topic);
    struct kafka_conf conf = kafka_conf_begin(s, client_id, error, error_size);
    uint64_t session = kafka_scaled_ms(s, s->session_timeout_ms, SESSION_MS_MIN);
    uint64_t heartbeat = kafka_scaled_ms(s, s->heartbeat_ms, HEARTBEAT_MS_MIN);
    uint64_t max_poll = kafka_scaled_ms(s, 1800000, 10000);
    kafka_conf_text(&conf, "group.id", group);
    kafka_conf_number(&conf, "session.timeout.ms", session);
    kafka_conf_number(&conf, "heartbeat.interval.ms", heartbeat);
    kafka_conf_number(&conf, "max.poll.interval.ms", max_poll > session ? max_poll : session);
    kafka_conf_text(&conf, "enable.auto.commit", "false");
    kafka_conf_text(&conf, "enable.auto.offset.store", "false");
    kafka_conf_text(&conf, "auto.offset.reset", "earliest");
    kafka_conf_text(&conf, "partition.assignment.strategy", "range");
    kafka_conf_text(&conf, "isolation.level", "read_uncommitted");
    kafka_conf_number(&conf, "fetch.wait.max.ms", kafka_scaled_ms(s, s->fetch_wait_ms, 5));
    kafka_conf_number(&conf, "fetch.min.bytes", 1);
    kafka_conf_number(&conf, "fetch.error.backoff.ms", kafka_scaled_ms(s, 100, 20));
    /* Over these thresholds the library pauses for up to a second: not to be met in common
     * operation, only a bound for a feed that stands still. */
    kafka_conf_number(&conf, "queued.min.messages", 20000);
    kafka_conf_number(&conf, "queued.max.messages.kbytes", 32u << 10);
    /* A topic that is not there yet is found by a refresh of the metadata alone. */
    kafka_conf_number(&conf, "topic.metadata.refresh.interval.ms",
                      kafka_scaled_ms(s, 5000, 1000));
    /* Heartbeats are looked after once a second, or as often as the library's timers run:
     * statistics that nobody reads make them run. */
    if (heartbeat < 2000)
        kafka_conf_number(&conf, "statistics.interval.ms", heartbeat / 2);
    if (conf.conf != NULL)
        rd_kafka_conf_set_events(conf.conf, RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_ERROR |
                                                RD_KAFKA_EVENT_REBALANCE |
                                                RD_KAFKA_EVENT_OFFSET_COMMIT);
    return kafka_conf_open(&conf, RD_KAFKA_CONSUMER);
}

static int watch_fds(struct kafka_consumer *self, char *error, size_t error_size)
{
    self->wake_fd = kafka_wake_open(self->loop, on_wake, self);
    self->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    int code = self->wake_fd < 0 ? -self->wake_fd : self->timer_fd < 0 ? errno : 0;
    if (code == 0)
        code = -loop_watch(self->loop, self->timer_fd, EPOLLIN, on_timer, self);
    if (code != 0)
        (void)snprintf(error, error_size, "descriptors of a consumer: %s", strerror(code));
    return code;
}

static int subscribe(struct kafka_consumer *self, char *error, size_t error_size)
{
    self->queue = rd_kafka_queue_get_consumer(self->client);
    self->others = rd_kafka_queue_get_main(self->client);
    self->commits = rd_kafka_queue_new(self->client);
    kafka_wake_by(self->queue, self->wake_fd);
    kafka_wake_by(self->others, self->wake_fd);
    kafka_wake_by(self->commits, self->wake_fd);
    kafka_wake(self->wake_fd); /* read it once: what came before woke nobody */
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, self->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(self->client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    (void)snprintf(error, error_size, "subscribe to %s: %s", self->topic,
                   rd_kafka_err2str(code));
    return -1;
}

struct kafka_consumer *kafka_consumer_new(struct loop *loop, const struct kafka_settings *s,
                                          const char *topic, const char *group,
                                          const struct kafka_consumer_handler *handler,
                                          char *ret_error, size_t error_size)
{
    struct kafka_consumer *self = calloc(1, sizeof *self);
    char *name = strdup(topic);
    if (self == NULL || name == NULL) {
        free(self);
        free(name);
        (void)snprintf(ret_error, error_size, "out of memory");
        return NULL;
    }
    self->loop = loop;
    self->handler = *handler;
    self->topic = name;
    self->wake_fd = self->timer_fd = -1;
    self->commit_patience_ns = kafka_scaled_ms(s, 60000, 2000) * NS_PER_MS;
    bool ok = watch_fds(self, ret_error, error_size) == 0;
    if (ok)
        self->client = open_client(s, topic, group, ret_error, error_size);
    if (self->client != NULL && subscribe(self, ret_error, error_size) == 0)
        return self;
    kafka_consumer_free(self, false);
    return NULL;
}

/* ---- ending ---- */

static void drop_records(struct kafka_consumer *self)
{
    for (uint32_t i = 0; i < self->ring_count; i++)
        rd_kafka_event_destroy(self->ring[(self->ring_first + i) % RING_MAX]);
    self->ring_count = 0;
}

/* Not rd_kafka_consumer_close: it waits for the answer to its LeaveGroup, however long. */
static void leave_group(struct kafka_consumer *self)
{
    (void)rd_kafka_unsubscribe(self->client);
    uint64_t until = loop_now_ns() + REVOKE_WAIT_MS * NS_PER_MS;
    while (self->is_assigned && loop_now_ns() < until) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(self->queue, 10);
        if (event == NULL)
            continue;
        self->is_assigned = rd_kafka_event_type(event) != RD_KAFKA_EVENT_REBALANCE;
        rd_kafka_event_destroy(event);
    }
    (void)rd_kafka_assign(self->client, NULL);
    (void)usleep(LEAVE_WAIT_MS * 1000);
}

static void destroy(struct kafka_consumer *self)
{
    drop_records(self);
    if (self->client != NULL && self->is_clean)
        leave_group(self);
    rd_kafka_queue_t *queues[] = {self->queue, self->others, self->commits};
    for (size_t i = 0; i < 3; i++) {
        if (queues[i] == NULL)
            continue;
        rd_kafka_queue_io_event_enable(queues[i], -1, NULL, 0);
        rd_kafka_queue_destroy(queues[i]);
    }
    if (self->client != NULL)
        rd_kafka_destroy_flags(self->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    kafka_fd_close(self->loop, self->wake_fd);
    kafka_fd_close(self->loop, self->timer_fd);
    free(self->topic);
    free(self);
}

void kafka_consumer_free(struct kafka_consumer *self, bool is_clean)
{
    self->is_doomed = true;
    self->is_clean = is_clean;
    if (!self->is_busy)
        destroy(self);
}

/* ---- the timer ---- */

/* An earlier time stands: its turn finds nothing due and arms the timer again. */
static void arm(struct kafka_consumer *self, uint64_t at)
{
    if (self->armed_at != 0 && self->armed_at <= at)
        return;
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(at / (1000 * NS_PER_MS)),
                                           .tv_nsec = (long)(at % (1000 * NS_PER_MS))}};
    self->armed_at = at;
    int error = timerfd_settime(self->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    ASSERT_OP(error, ==, 0);
}

static void arm_next(struct kafka_consumer *self)
{
    if (self->is_polling)
        arm(self, self->poll_until);
    if (self->is_committing)
        arm(self, self->commit_until);
}

/* ---- requests ---- */

void kafka_consumer_poll(struct kafka_consumer *self, uint32_t count, uint32_t wait_ms)
{
    ASSERT(!self->is_doomed && !self->is_polling);
    ASSERT_OP(count, >, 0);
    self->is_polling = true;
    self->poll_count = count < RING_MAX ? count : RING_MAX;
    self->poll_until = loop_now_ns() + wait_ms * NS_PER_MS;
    /* What is there is handed over by the next turn, which also reads what was left. */
    arm(self, self->ring_count > 0 || self->is_rest_unread ? 1 : self->poll_until);
}

void kafka_consumer_commit(struct kafka_consumer *self, int64_t offset)
{
    ASSERT(!self->is_doomed && !self->is_committing);
    self->is_committing = true;
    self->commit_number++;
    self->commit_until = loop_now_ns() + self->commit_patience_ns;
    /* Without a generation the library would commit like a client outside of any group, and a
     * broker whose group is empty takes that. */
    self->is_commit_void = !self->is_assigned;
    if (!self->is_commit_void) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, self->topic, 0)->offset = offset;
        rd_kafka_resp_err_t code = rd_kafka_commit_queue(
            self->client, list, self->commits, NULL, (void *)(uintptr_t)self->commit_number);
        rd_kafka_topic_partition_list_destroy(list);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            self->commit_until = 1; /* not even begun: over by the next turn */
    }
    arm(self, self->is_commit_void ? 1 : self->commit_until);
}

/* ---- what the library tells ---- */

static void end_commit(struct kafka_consumer *self, bool ok, bool lost_membership)
{
    self->is_committing = self->is_commit_void = false;
    self->handler.on_committed(self->handler.context, ok, lost_membership);
}

static void on_commit_result(struct kafka_consumer *self, rd_kafka_event_t *event)
{
    if (!self->is_committing || (uintptr_t)rd_kafka_event_opaque(event) != self->commit_number)
        return; /* given up before */
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && list != NULL && list->cnt > 0)
        code = list->elems[0].err;
    bool lost = code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
                code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
                code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
                code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
    end_commit(self, code == RD_KAFKA_RESP_ERR_NO_ERROR, lost);
}

static bool assign_first_partition(struct kafka_consumer *self, rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_list_t *given = rd_kafka_event_topic_partition_list(event);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    if (rd_kafka_topic_partition_list_find(given, self->topic, 0) != NULL)
        rd_kafka_topic_partition_list_add(list, self->topic, 0);
    bool is_ours = list->cnt > 0;
    (void)rd_kafka_assign(self->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    return is_ours;
}

static void on_rebalance(struct kafka_consumer *self, rd_kafka_event_t *event)
{
    bool was_assigned = self->is_assigned;
    if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        self->is_assigned = assign_first_partition(self, event);
        if (self->is_assigned)
            self->handler.on_assigned(self->handler.context);
        return;
    }
    self->is_assigned = false;
    drop_records(self);
    (void)rd_kafka_assign(self->client, NULL);
    if (was_assigned)
        self->handler.on_lost(self->handler.context);
}

static void on_event(struct kafka_consumer *self, rd_kafka_event_t *event)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_FETCH:
        self->ring[(self->ring_first + self->ring_count++) % RING_MAX] = event;
        return; /* kept */
    case RD_KAFKA_EVENT_REBALANCE:
        on_rebalance(self, event);
        break;
    default: /* errors: the library connects, joins and fetches again by itself */
        break;
    }
    rd_kafka_event_destroy(event);
}

/* ---- answers ---- */

static struct kafka_record record_of(rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message = rd_kafka_event_message_next(event);
    struct kafka_record record = {message->offset, message->payload, message->len, NULL};
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_header_get_last(headers, NOTE_HEADER, &value, &size) ==
            RD_KAFKA_RESP_ERR_NO_ERROR)
        record.note = value; /* the library ends it with a zero byte */
    return record;
}

static void answer_poll(struct kafka_consumer *self, uint64_t now)
{
    if (!self->is_polling || (self->ring_count == 0 && now < self->poll_until))
        return;
    rd_kafka_event_t *events[RING_MAX];
    uint32_t count = self->ring_count < self->poll_count ? self->ring_count : self->poll_count;
    for (uint32_t i = 0; i < count; i++) {
        events[i] = self->ring[(self->ring_first + i) % RING_MAX];
        self->records[i] = record_of(events[i]);
    }
    self->ring_first = (self->ring_first + count) % RING_MAX;
    self->ring_count -= count;
    self->is_polling = false;
    self->handler.on_records(self->handler.context, self->records, count);
    for (uint32_t i = 0; i < count; i++)
        rd_kafka_event_destroy(events[i]);
}

static void serve(struct kafka_consumer *self)
{
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(self->others, 0)) != NULL)
        rd_kafka_event_destroy(event);
    while (!self->is_doomed && (event = rd_kafka_queue_poll(self->commits, 0)) != NULL) {
        on_commit_result(self, event);
        rd_kafka_event_destroy(event);
    }
    if (!self->is_doomed && self->is_committing &&
        (self->is_commit_void || loop_now_ns() >= self->commit_until))
        end_commit(self, false, self->is_commit_void);
    self->is_rest_unread = true;
    while (!self->is_doomed && self->ring_count < RING_MAX) {
        if ((event = rd_kafka_queue_poll(self->queue, 0)) != NULL) {
            on_event(self, event);
            continue;
        }
        self->is_rest_unread = false;
        break;
    }
    if (!self->is_doomed)
        answer_poll(self, loop_now_ns());
}

static void turn(struct kafka_consumer *self)
{
    self->is_busy = true;
    serve(self);
    self->is_busy = false;
    if (self->is_doomed)
        destroy(self);
    else
        arm_next(self);
}

static void on_wake(void *context, int fd, uint32_t events)
{
    (void)events;
    kafka_wake_clear(fd);
    turn(context);
}

static void on_timer(void *context, int fd, uint32_t events)
{
    (void)events;
    struct kafka_consumer *self = context;
    uint64_t count;
    if (read(fd, &count, sizeof count) == sizeof count)
        self->armed_at = 0;
    turn(self);
}
