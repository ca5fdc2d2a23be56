/*
 * kafka_client.c - see kafka_client.h: the shared half, and making topics.
 *
 * The library has threads of its own. No callback of it is used: reports, rebalances and
 * records are events in queues, a queue that turns non-empty writes to an eventfd of our
 * loop, and the queue is then read to its end, or the next write never comes.
 * Source: common application.conf:156-221, KafkaMessagingProvider.scala:56-104 at 1fae641a2;
 * defaults of kafka-clients 3.9 where upstream sets nothing.
 */
#include "live/kafka_client_internal.h"
#include "core/assert.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TOPICS_MAX 64u

/* The same in every section of application.conf:175-221; retention.ms is the broker's own. */
static const struct {
    const char *name, *value;
} TOPIC_CONFIG[] = {
    {"segment.bytes", "536870912"},
    {"retention.bytes", "1073741824"},
    {"max.message.bytes", "1054644"},
};

uint64_t kafka_scaled_ms(const struct kafka_settings *s, uint64_t ms, uint64_t least_ms)
{
    ASSERT_OP(s->speed, >, 0);
    uint64_t scaled = ms / s->speed;
    return scaled > least_ms ? scaled : least_ms;
}

struct kafka_conf kafka_conf_begin(const struct kafka_settings *s, const char *client_id,
                                   char *error, size_t error_size)
{
    ASSERT_OP(error_size, >, 0);
    error[0] = '\0';
    struct kafka_conf self = {rd_kafka_conf_new(), error, error_size};
    rd_kafka_conf_set_log_cb(self.conf, NULL); /* it would write to our standard error */
    kafka_conf_text(&self, "bootstrap.servers", s->bootstrap);
    kafka_conf_text(&self, "client.id", client_id);
    kafka_conf_text(&self, "socket.nagle.disable", "true");
    kafka_conf_text(&self, "allow.auto.create.topics", "false");
    kafka_conf_number(&self, "socket.timeout.ms", kafka_scaled_ms(s, 30000, 2000));
    kafka_conf_number(&self, "socket.connection.setup.timeout.ms",
                      kafka_scaled_ms(s, 10000, 1000));
    kafka_conf_number(&self, "reconnect.backoff.ms", kafka_scaled_ms(s, 50, 10));
    kafka_conf_number(&self, "reconnect.backoff.max.ms", kafka_scaled_ms(s, 1000, 100));
    return self;
}

void kafka_conf_text(struct kafka_conf *self, const char *name, const char *value)
{
    if (self->conf == NULL)
        return;
    if (rd_kafka_conf_set(self->conf, name, value, self->error, self->error_size) ==
        RD_KAFKA_CONF_OK)
        return;
    rd_kafka_conf_destroy(self->conf);
    self->conf = NULL;
}

void kafka_conf_number(struct kafka_conf *self, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    kafka_conf_text(self, name, text);
}

rd_kafka_t *kafka_conf_open(struct kafka_conf *self, rd_kafka_type_t type)
{
    if (self->conf == NULL)
        return NULL;
    rd_kafka_t *client = rd_kafka_new(type, self->conf, self->error, self->error_size);
    if (client == NULL)
        rd_kafka_conf_destroy(self->conf); /* only a client that was made owns it */
    self->conf = NULL;
    return client;
}

int kafka_wake_open(struct loop *loop, loop_fd_fn fn, void *context)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    int error = loop_watch(loop, fd, EPOLLIN, fn, context);
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

void kafka_wake_by(rd_kafka_queue_t *queue, int fd)
{
    uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue, fd, &one, sizeof one);
}

void kafka_wake(int fd)
{
    uint64_t one = 1;
    ssize_t size = write(fd, &one, sizeof one);
    ASSERT(size == sizeof one || errno == EAGAIN); /* full: it is awake already */
}

void kafka_wake_clear(int fd)
{
    uint64_t count;
    ssize_t size = read(fd, &count, sizeof count);
    ASSERT(size == sizeof count || errno == EAGAIN);
}

void kafka_fd_close(struct loop *loop, int fd)
{
    if (fd < 0)
        return;
    loop_unwatch(loop, fd);
    close(fd);
}

/* ---- topics ---- */

static rd_kafka_NewTopic_t *new_topic(const char *name, char *error, size_t error_size)
{
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, 1, 1, error, error_size);
    for (size_t i = 0; topic != NULL && i < sizeof TOPIC_CONFIG / sizeof *TOPIC_CONFIG; i++)
        (void)rd_kafka_NewTopic_set_config(topic, TOPIC_CONFIG[i].name, TOPIC_CONFIG[i].value);
    return topic;
}

static int read_results(rd_kafka_event_t *event, char *error, size_t error_size)
{
    if (event == NULL) {
        (void)snprintf(error, error_size, "no answer in time");
        return -1;
    }
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)snprintf(error, error_size, "%s", rd_kafka_event_error_string(event));
        return -1;
    }
    size_t count;
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR ||
            code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            continue;
        (void)snprintf(error, error_size, "topic %s: %s",
                       rd_kafka_topic_result_name(results[i]), rd_kafka_err2str(code));
        return -1;
    }
    return 0;
}

static int ask_for_topics(rd_kafka_t *client, rd_kafka_NewTopic_t **topics, uint32_t count,
                          uint32_t wait_ms, char *error, size_t error_size)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    int wait = wait_ms > 3600000 ? 3600000 : (int)wait_ms;
    (void)rd_kafka_AdminOptions_set_request_timeout(options, wait, NULL, 0);
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, wait, NULL, 0);
    rd_kafka_CreateTopics(client, topics, count, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, wait);
    int result = read_results(event, error, error_size);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return result;
}

int kafka_topic_make(const struct kafka_settings *s, const char *const *topics, uint32_t count,
                     uint32_t wait_ms, char *ret_error, size_t error_size)
{
    ASSERT_OP(count, <=, TOPICS_MAX);
    if (count == 0)
        return 0;
    struct kafka_conf conf = kafka_conf_begin(s, "admin", ret_error, error_size);
    rd_kafka_t *client = kafka_conf_open(&conf, RD_KAFKA_PRODUCER);
    if (client == NULL)
        return -1;
    rd_kafka_NewTopic_t *made[TOPICS_MAX];
    uint32_t made_count = 0;
    int result = 0;
    for (; made_count < count && result == 0; made_count += result == 0) {
        made[made_count] = new_topic(topics[made_count], ret_error, error_size);
        result = made[made_count] == NULL ? -1 : 0;
    }
    if (result == 0)
        result = ask_for_topics(client, made, count, wait_ms, ret_error, error_size);
    rd_kafka_NewTopic_destroy_array(made, made_count);
    rd_kafka_destroy(client);
    return result;
}
