#pragma once
/*
 * kafka_client.h - producers and consumers over librdkafka, in our loop, with the settings of
 * upstream's Java clients.
 *
 * Callbacks of the library do nothing but wake the loop; ours are called from a turn of it.
 * Source: KafkaConsumerConnector.scala, KafkaProducerConnector.scala, common application.conf:
 * 156-221 at 1fae641a2; deviations: docs/fidelity.md#live.
 */
#include "live/loop.h"
#include <stddef.h>

struct kafka_settings {
    const char *bootstrap; /* host:port,... */
    uint32_t speed;        /* time-outs are divided by it */
    uint64_t session_timeout_ms, heartbeat_ms, fetch_wait_ms; /* undivided: 30000, 10000, 500 */
};

/* ---- producer: acks 1, no linger, no batching delay, no idempotence ---- */
struct kafka_producer;
struct kafka_producer_handler {
    void *context;
    /* ok: offset it got; else the broker refused it or it was given up: `reason`. */
    void (*on_delivered)(void *context, uint64_t tag, bool ok, int64_t offset,
                         const char *reason);
};
struct kafka_producer *kafka_producer_new(struct loop *loop, const struct kafka_settings *s,
                                          const struct kafka_producer_handler *handler,
                                          char *ret_error, size_t error_size);
/* As a process that dies: what is not sent yet is gone. No callback any more. */
void kafka_producer_free(struct kafka_producer *self);
/* `note` goes with the record as the header `rollcage`; NULL: none. Never calls back at once. */
void kafka_producer_send(struct kafka_producer *self, const char *topic, const void *bytes,
                         size_t length, const char *note, uint64_t tag);

/* ---- consumer: a group member of one topic, partition 0, earliest, commits by hand ---- */
struct kafka_consumer;
struct kafka_record { /* borrowed */
    int64_t offset;
    const void *bytes;
    size_t length;
    const char *note; /* NULL: none */
};
struct kafka_consumer_handler {
    void *context;
    void (*on_assigned)(void *context); /* the partition is ours: polls may begin */
    void (*on_lost)(void *context);     /* revoked; the library joins again by itself */
    /* The answer to kafka_consumer_poll: at least one record, or none after its wait. */
    void (*on_records)(void *context, const struct kafka_record *records, uint32_t count);
    /* The answer to kafka_consumer_commit. lost_membership: kicked out of the group. */
    void (*on_committed)(void *context, bool ok, bool lost_membership);
};
struct kafka_consumer *kafka_consumer_new(struct loop *loop, const struct kafka_settings *s,
                                          const char *topic, const char *group,
                                          const struct kafka_consumer_handler *handler,
                                          char *ret_error, size_t error_size);
/* is_clean: leaves the group (LeaveGroup), else as a process that dies. No callback any more. */
void kafka_consumer_free(struct kafka_consumer *self, bool is_clean);
/* One at a time: at most `count` records, at once if any are there, else after wait_ms. */
void kafka_consumer_poll(struct kafka_consumer *self, uint32_t count, uint32_t wait_ms);
/* Of the next offset to read, after on_records; one at a time. */
void kafka_consumer_commit(struct kafka_consumer *self, int64_t offset);

/* Make a topic of one partition; blocks for at most wait_ms. 0: made, or it is there; else a
 * reason. For a broker of somebody else: upstream's processes make their topics at the start. */
int kafka_topic_make(const struct kafka_settings *s, const char *const *topics, uint32_t count,
                     uint32_t wait_ms, char *ret_error, size_t error_size);
