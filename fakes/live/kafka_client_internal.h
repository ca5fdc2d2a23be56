#pragma once
/*
 * kafka_client_internal.h - what producer, consumer and topic maker share: settings in the
 * library's words, and the descriptor by which its threads wake our loop.
 */
#include "live/kafka_client.h"
#include <librdkafka/rdkafka.h>

/* max.request.size and max.message.bytes of the big topics: application.conf:436-465. */
#define KAFKA_MESSAGE_MAX 1054644u

struct kafka_conf {
    rd_kafka_conf_t *conf; /* NULL: a setting was refused, the reason is in `error` */
    char *error;
    size_t error_size;
};

/* A length of upstream's clients, divided by the speed but never below `least_ms`. */
uint64_t kafka_scaled_ms(const struct kafka_settings *s, uint64_t ms, uint64_t least_ms);

/* With what all clients share. `error` is emptied and stays borrowed. */
struct kafka_conf kafka_conf_begin(const struct kafka_settings *s, const char *client_id,
                                   char *error, size_t error_size);
void kafka_conf_text(struct kafka_conf *self, const char *name, const char *value);
void kafka_conf_number(struct kafka_conf *self, const char *name, uint64_t value);
/* Consumes self. NULL: the reason is in its error. */
rd_kafka_t *kafka_conf_open(struct kafka_conf *self, rd_kafka_type_t type);

/* An eventfd, watched; -errno. */
int kafka_wake_open(struct loop *loop, loop_fd_fn fn, void *context);
void kafka_wake_by(rd_kafka_queue_t *queue, int fd); /* before anything can enter the queue */
void kafka_wake(int fd);
void kafka_wake_clear(int fd);
void kafka_fd_close(struct loop *loop, int fd);
