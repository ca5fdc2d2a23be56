#pragma once
/*
 * kafka_topic.h - topics that clients name by text, and their partitions: logs of record
 * batches, kept as bytes.
 *
 * A batch (magic 2) is opaque but for its header: it gets its base offset and leader epoch and
 * is handed out whole. All of it is durable. A log keeps what it got until it is larger than
 * `kafka.log-bytes`; then whole batches that every group with an offset has read are dropped,
 * and over `kafka.log-bytes-max` the oldest, read or not: memory stays flat in a long run.
 * Source: Kafka 2.7.0 kafka.log.Log, LogValidator, common.internals.Topic;
 * DefaultRecordBatch (layout); deviations: docs/fidelity.md#kafka.
 */
#include "kafka/kafka_wire.h"
#include "core/tstamp.h"

struct kafka;
struct kafka_saved_group; /* kafka_coordinator.h */

#define KAFKA_TOPIC_NAME_MAX 249u
#define KAFKA_TOPIC_PARTITIONS_MAX 1000u /* of one CreateTopics; bounds memory */
#define KAFKA_PARTITIONS_MAX 4000u       /* of all topics: what upstream advises for a broker */

struct kafka_batch { /* durable */
    uint8_t *bytes;
    uint32_t size, count; /* offsets it covers */
    uint64_t base;
    int64_t max_timestamp;
};

struct kafka_partition { /* durable; offsets [start, end) are kept */
    struct kafka_batch *batches;
    uint32_t batch_first, batch_count, batch_max;
    uint64_t start, end, bytes;
    tstamp changed_at;
};

struct kafka_text_topic { /* durable */
    char *name;           /* durable block, NUL-terminated; NULL: deleted, its slot is free */
    uint64_t hash;
    struct kafka_partition *partitions;
    uint32_t name_length, partition_count;
    uint64_t message_max; /* max.message.bytes */
    bool is_of_cluster;   /* one of those that upstream's services make */
};

struct kafka_store { /* durable; there is none before the first frame */
    struct kafka_text_topic *topics;
    uint32_t topic_count, topic_max, partition_count;
    struct kafka_saved_group *groups;
    uint32_t group_count, group_max;
    uint64_t members_made; /* number of the last member id */
};

/* The cluster's own topics exist from the start. */
void kafka_topics_init(struct kafka *self);
struct kafka_text kafka_topic_name(const struct kafka_text_topic *topic);
/* Its index, or topic_count. */
uint32_t kafka_topics_find(const struct kafka *self, struct kafka_text name);
bool kafka_topic_name_is_valid(struct kafka_text name);
/* Two names that differ in '.' and '_' only have the same metric names: refused. */
bool kafka_topics_collide(const struct kafka *self, struct kafka_text name);
/* False: too many partitions. */
bool kafka_topics_create(struct kafka *self, struct kafka_text name, uint32_t partitions,
                         uint64_t message_max);
/* With all its records. Whoever keeps its index (offsets, fetches) has to forget it. */
void kafka_topics_delete(struct kafka *self, uint32_t topic);
/* NULL: no such topic or partition. */
struct kafka_partition *kafka_topics_partition(struct kafka *self, uint32_t topic,
                                               int32_t partition);

/* enum kafka_error; what a producer sent is one batch of magic 2. */
int16_t kafka_partition_check(const struct kafka_text_topic *topic, int16_t version,
                              struct kafka_text records, uint32_t *ret_size);
/* A batch that was checked; returns its base offset. */
uint64_t kafka_partition_append(struct kafka *self, uint32_t topic, uint32_t partition,
                                const char *bytes, uint32_t size, tstamp now);
/* The batch with this offset: index of it, batch_count when there is none (yet). */
uint32_t kafka_partition_seek(const struct kafka_partition *partition, uint64_t offset);
const struct kafka_batch *kafka_partition_batch(const struct kafka_partition *partition,
                                                uint32_t index);
/* First record at or after that time; false: none. */
bool kafka_partition_find_time(const struct kafka_partition *partition, int64_t timestamp,
                               uint64_t *ret_offset, int64_t *ret_timestamp);

struct digest;
void kafka_topics_digest(const struct kafka *self, struct digest *d);
/* In words the first of the cluster's topics that has records no group has read. */
bool kafka_topics_pending(const struct kafka *self, char *text, size_t size);
