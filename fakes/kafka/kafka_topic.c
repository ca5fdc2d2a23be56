/*
 * kafka_topic.c - see kafka_topic.h: names, batches, retention.
 */
#include "kafka/kafka_topic.h"
#include <stdio.h>
#include <string.h>
#include "kafka/kafka_api.h"
#include "kafka/kafka_coordinator.h"
#include "kafka/kafka_internal.h"

#define BATCHES_FIRST 16u
#define TOPICS_FIRST 16u
/* whisk.activation.kafka: payload.max and serdes-overhead (ActivationEntityLimit.scala:46) */
#define CLUSTER_MESSAGE_MAX (1048576u + 6068u)

/* Layout of a batch (DefaultRecordBatch.java). */
#define BATCH_LENGTH 8u /* of what follows it */
#define BATCH_EPOCH 12u
#define BATCH_MAGIC 16u
#define BATCH_CRC 17u
#define BATCH_ATTRIBUTES 21u
#define BATCH_LAST_DELTA 23u
#define BATCH_BASE_TIME 27u
#define BATCH_MAX_TIME 35u
#define BATCH_RECORDS 57u
#define BATCH_HEADER 61u
#define BATCH_OVERHEAD 12u     /* base offset and length */
#define LEGACY_OVERHEAD 14u    /* least a message of magic 0 takes */
#define COMPRESSION_MASK 0x07u /* of the attributes */
#define COMPRESSION_ZSTD 4u
#define COMPRESSION_LAST 4u

void kafka_topics_init(struct kafka *self)
{
    for (unsigned kind = 0; kind < TOPIC_KIND_COUNT; kind++) {
        for (uint32_t i = 0; i < kafka_kind_count(self, (enum topic_kind)kind); i++) {
            char name[32];
            snprintf(name, sizeof name, "%s%u", kafka_kind_name((enum topic_kind)kind), i);
            bool is_made =
                kafka_topics_create(self, kafka_text_of(name), 1, CLUSTER_MESSAGE_MAX);
            ASSERT(is_made);
            self->store->topics[self->store->topic_count - 1].is_of_cluster = true;
        }
    }
}

struct kafka_text kafka_topic_name(const struct kafka_text_topic *topic)
{
    return (struct kafka_text){.bytes = topic->name, .length = topic->name_length};
}

uint32_t kafka_topics_find(const struct kafka *self, struct kafka_text name)
{
    const struct kafka_store *store = self->store;
    uint64_t hash = kafka_text_hash(name);
    for (uint32_t i = 0; i < store->topic_count; i++) {
        if (store->topics[i].name != NULL && store->topics[i].hash == hash &&
            kafka_text_equal(kafka_topic_name(&store->topics[i]), name))
            return i;
    }
    return store->topic_count;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-';
}

bool kafka_topic_name_is_valid(struct kafka_text name)
{
    if (name.length == 0 || name.length > KAFKA_TOPIC_NAME_MAX)
        return false;
    if (kafka_text_equal(name, kafka_text_of(".")) ||
        kafka_text_equal(name, kafka_text_of("..")))
        return false;
    for (uint32_t i = 0; i < name.length; i++) {
        if (!is_name_character(name.bytes[i]))
            return false;
    }
    return true;
}

bool kafka_topics_collide(const struct kafka *self, struct kafka_text name)
{
    for (uint32_t i = 0; i < self->store->topic_count; i++) {
        const struct kafka_text_topic *topic = &self->store->topics[i];
        bool is_equal = topic->name != NULL && topic->name_length == name.length;
        for (uint32_t n = 0; is_equal && n < name.length; n++) {
            char a = topic->name[n] == '.' ? '_' : topic->name[n];
            is_equal = a == (name.bytes[n] == '.' ? '_' : name.bytes[n]);
        }
        if (is_equal)
            return true;
    }
    return false;
}

/* That of a deleted topic, or one more. */
static struct kafka_text_topic *topics_slot(struct kafka *self)
{
    struct kafka_store *store = self->store;
    struct arena *arena = self->env->arena;
    for (uint32_t i = 0; i < store->topic_count; i++) {
        if (store->topics[i].name == NULL)
            return &store->topics[i];
    }
    if (store->topic_count == store->topic_max) {
        uint32_t max = store->topic_max == 0 ? TOPICS_FIRST : store->topic_max * 2;
        if (store->topics == NULL)
            store->topics = arena_alloc_durable(arena, self->env->node, sizeof(*store->topics));
        store->topics =
            arena_grow(arena, self->env->node, store->topics, max * sizeof(*store->topics));
        store->topic_max = max;
    }
    return &store->topics[store->topic_count++];
}

bool kafka_topics_create(struct kafka *self, struct kafka_text name, uint32_t partitions,
                         uint64_t message_max)
{
    struct kafka_store *store = self->store;
    struct arena *arena = self->env->arena;
    if (partitions > KAFKA_PARTITIONS_MAX - store->partition_count)
        return false;
    struct kafka_text_topic *topic = topics_slot(self);
    *topic = (struct kafka_text_topic){.hash = kafka_text_hash(name),
                                       .name_length = name.length,
                                       .partition_count = partitions,
                                       .message_max = message_max};
    topic->name = arena_alloc_durable(arena, self->env->node, name.length + 1);
    memcpy(topic->name, name.bytes, name.length);
    topic->partitions =
        arena_alloc_durable(arena, self->env->node, partitions * sizeof topic->partitions[0]);
    store->partition_count += partitions;
    return true;
}

void kafka_topics_delete(struct kafka *self, uint32_t index)
{
    struct arena *arena = self->env->arena;
    struct kafka_text_topic *topic = &self->store->topics[index];
    for (uint32_t p = 0; p < topic->partition_count; p++) {
        struct kafka_partition *partition = &topic->partitions[p];
        for (uint32_t i = 0; i < partition->batch_count; i++)
            arena_release(arena, partition->batches[partition->batch_first + i].bytes);
        arena_release(arena, partition->batches);
    }
    arena_release(arena, topic->partitions);
    arena_release(arena, topic->name);
    self->store->partition_count -= topic->partition_count;
    *topic = (struct kafka_text_topic){0};
}

struct kafka_partition *kafka_topics_partition(struct kafka *self, uint32_t topic,
                                               int32_t partition)
{
    struct kafka_store *store = self->store;
    if (topic >= store->topic_count || partition < 0 ||
        (uint32_t)partition >= store->topics[topic].partition_count)
        return NULL;
    return &store->topics[topic].partitions[partition];
}

/* Size of the first batch in these bytes; 0: none is whole. Negative: -error. */
static int64_t first_batch(const uint8_t *bytes, uint32_t length)
{
    if (length < BATCH_OVERHEAD)
        return 0;
    uint32_t size = kafka_get_u32(bytes + BATCH_LENGTH);
    if (size < LEGACY_OVERHEAD || size > INT32_MAX)
        return -KAFKA_CORRUPT_MESSAGE;
    if (length < BATCH_CRC)
        return 0;
    if (bytes[BATCH_MAGIC] > 2)
        return -KAFKA_CORRUPT_MESSAGE;
    return size > length - BATCH_OVERHEAD ? 0 : (int64_t)size + BATCH_OVERHEAD;
}

/* Log.analyzeAndValidateRecords, LogValidator.validateBatch */
static int16_t check_batch(const struct kafka_text_topic *topic, const uint8_t *bytes,
                           uint32_t size)
{
    if (size < BATCH_HEADER)
        return KAFKA_CORRUPT_MESSAGE;
    if (kafka_get_u64(bytes) != 0)
        return KAFKA_INVALID_RECORD;
    if (size > topic->message_max)
        return KAFKA_MESSAGE_TOO_LARGE;
    if (kafka_get_u32(bytes + BATCH_CRC) !=
        kafka_crc32c(bytes + BATCH_ATTRIBUTES, size - BATCH_ATTRIBUTES))
        return KAFKA_CORRUPT_MESSAGE;
    uint32_t delta = kafka_get_u32(bytes + BATCH_LAST_DELTA);
    if (delta >= INT32_MAX || kafka_get_u32(bytes + BATCH_RECORDS) != delta + 1)
        return KAFKA_INVALID_RECORD;
    if ((bytes[BATCH_ATTRIBUTES + 1] & COMPRESSION_MASK) > COMPRESSION_LAST)
        return KAFKA_CORRUPT_MESSAGE;
    return KAFKA_NO_ERROR;
}

int16_t kafka_partition_check(const struct kafka_text_topic *topic, int16_t version,
                              struct kafka_text records, uint32_t *ret_size)
{
    const uint8_t *bytes = (const uint8_t *)records.bytes;
    int64_t size = first_batch(bytes, records.length);
    if (size < 0)
        return (int16_t)-size;
    if (size == 0)
        return KAFKA_INVALID_RECORD;
    if (bytes[BATCH_MAGIC] < 2)
        return version >= 3 ? KAFKA_INVALID_RECORD : KAFKA_UNSUPPORTED_FOR_MESSAGE_FORMAT;
    int64_t second = first_batch(bytes + size, records.length - (uint32_t)size);
    if (second != 0)
        return second < 0 ? (int16_t)-second : KAFKA_INVALID_RECORD;
    if (version < 7 && size > BATCH_ATTRIBUTES + 1 &&
        (bytes[BATCH_ATTRIBUTES + 1] & COMPRESSION_MASK) == COMPRESSION_ZSTD)
        return KAFKA_UNSUPPORTED_COMPRESSION_TYPE;
    *ret_size = (uint32_t)size;
    return check_batch(topic, bytes, (uint32_t)size);
}

/* Room for one more behind the last; constant cost per batch over time. */
static void partition_make_room(struct kafka *self, struct kafka_partition *partition)
{
    uint32_t first = partition->batch_first, count = partition->batch_count;
    if (first + count < partition->batch_max)
        return;
    partition->batch_first = 0;
    if (partition->batch_max > 0 && first >= partition->batch_max / 2) {
        memmove(partition->batches, partition->batches + first,
                count * sizeof partition->batches[0]);
        return;
    }
    uint32_t max = partition->batch_max == 0 ? BATCHES_FIRST : partition->batch_max * 2;
    struct kafka_batch *grown =
        arena_alloc_durable(self->env->arena, self->env->node, max * sizeof *grown);
    if (count > 0)
        memcpy(grown, partition->batches + first, count * sizeof *grown);
    arena_release(self->env->arena, partition->batches);
    partition->batches = grown;
    partition->batch_max = max;
}

static void partition_drop_first(struct kafka *self, struct kafka_partition *partition)
{
    ASSERT_OP(partition->batch_count, >, 0);
    struct kafka_batch *batch = &partition->batches[partition->batch_first];
    arena_release(self->env->arena, batch->bytes);
    partition->bytes -= batch->size;
    partition->start = batch->base + batch->count;
    partition->batch_first++;
    partition->batch_count--;
}

/* The last batch stays, as upstream's active segment does. */
static void partition_retain(struct kafka *self, uint32_t topic, uint32_t number)
{
    const struct kafka_config *config = kafka_config(self);
    struct kafka_partition *partition = &self->store->topics[topic].partitions[number];
    if (partition->bytes <= config->log_bytes)
        return;
    uint64_t read_up_to = kafka_offsets_smallest(self, topic, number);
    while (partition->batch_count > 1 && partition->bytes > config->log_bytes) {
        const struct kafka_batch *first = &partition->batches[partition->batch_first];
        if (first->base + first->count > read_up_to &&
            partition->bytes <= config->log_bytes_max)
            return;
        partition_drop_first(self, partition);
    }
}

uint64_t kafka_partition_append(struct kafka *self, uint32_t topic, uint32_t number,
                                const char *bytes, uint32_t size, tstamp now)
{
    struct kafka_partition *partition = &self->store->topics[topic].partitions[number];
    partition_make_room(self, partition);
    struct kafka_batch *batch =
        &partition->batches[partition->batch_first + partition->batch_count++];
    batch->bytes = arena_alloc_durable(self->env->arena, self->env->node, size);
    memcpy(batch->bytes, bytes, size);
    batch->size = size;
    batch->base = partition->end;
    batch->count = kafka_get_u32(batch->bytes + BATCH_RECORDS);
    batch->max_timestamp = (int64_t)kafka_get_u64(batch->bytes + BATCH_MAX_TIME);
    kafka_put_u64(batch->bytes, batch->base);
    kafka_put_u32(batch->bytes + BATCH_EPOCH, KAFKA_LEADER_EPOCH);
    partition->end += batch->count;
    partition->bytes += size;
    partition->changed_at = now;
    uint64_t base = batch->base;
    partition_retain(self, topic, number);
    return base;
}

const struct kafka_batch *kafka_partition_batch(const struct kafka_partition *partition,
                                                uint32_t index)
{
    ASSERT_OP(index, <, partition->batch_count);
    return &partition->batches[partition->batch_first + index];
}

uint32_t kafka_partition_seek(const struct kafka_partition *partition, uint64_t offset)
{
    uint32_t low = 0, high = partition->batch_count;
    while (low < high) { /* the first batch that ends after it */
        uint32_t middle = low + (high - low) / 2;
        const struct kafka_batch *batch = kafka_partition_batch(partition, middle);
        if (batch->base + batch->count > offset)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Inside of a batch only when it is not compressed; else its first offset stands for all. */
static void batch_find_time(const struct kafka_batch *batch, int64_t timestamp,
                            uint64_t *ret_offset, int64_t *ret_timestamp)
{
    int64_t base_time = (int64_t)kafka_get_u64(batch->bytes + BATCH_BASE_TIME);
    *ret_offset = batch->base;
    *ret_timestamp = batch->max_timestamp;
    if ((batch->bytes[BATCH_ATTRIBUTES + 1] & COMPRESSION_MASK) != 0)
        return;
    struct kafka_in in =
        kafka_in_start(batch->bytes + BATCH_HEADER, batch->size - BATCH_HEADER);
    for (uint32_t i = 0; i < batch->count; i++) {
        int64_t length = kafka_in_zigzag(&in);
        size_t next = in.at;
        if (!in.ok || length < 0 || (uint64_t)length > in.length - in.at)
            return;
        next += (size_t)length;
        (void)kafka_in_i8(&in);
        int64_t time = (int64_t)((uint64_t)base_time + (uint64_t)kafka_in_zigzag(&in));
        uint64_t delta = (uint64_t)kafka_in_zigzag(&in);
        if (in.ok && time >= timestamp && delta < batch->count) {
            *ret_offset = batch->base + delta;
            *ret_timestamp = time;
            return;
        }
        in.at = next;
    }
}

bool kafka_partition_find_time(const struct kafka_partition *partition, int64_t timestamp,
                               uint64_t *ret_offset, int64_t *ret_timestamp)
{
    for (uint32_t i = 0; i < partition->batch_count; i++) {
        const struct kafka_batch *batch = kafka_partition_batch(partition, i);
        if (batch->max_timestamp >= timestamp) {
            batch_find_time(batch, timestamp, ret_offset, ret_timestamp);
            return true;
        }
    }
    return false;
}

void kafka_topics_digest(const struct kafka *self, struct digest *d)
{
    for (uint32_t t = 0; t < self->store->topic_count; t++) {
        const struct kafka_text_topic *topic = &self->store->topics[t];
        digest_two(d, topic->hash, topic->message_max);
        for (uint32_t p = 0; p < topic->partition_count; p++) {
            const struct kafka_partition *partition = &topic->partitions[p];
            digest_two(d, partition->start, partition->end);
            for (uint32_t i = 0; i < partition->batch_count; i++) {
                const struct kafka_batch *batch = kafka_partition_batch(partition, i);
                digest_two(d, batch->size, kafka_get_u32(batch->bytes + BATCH_CRC));
            }
        }
    }
}

bool kafka_topics_pending(const struct kafka *self, char *text, size_t size)
{
    for (uint32_t t = 0; t < self->store->topic_count; t++) {
        const struct kafka_text_topic *topic = &self->store->topics[t];
        if (!topic->is_of_cluster)
            continue;
        const struct kafka_partition *partition = &topic->partitions[0];
        uint64_t read_up_to = kafka_offsets_largest(self, t, 0);
        if (partition->end <= read_up_to)
            continue;
        snprintf(text, size, "%llu records of topic %s unread",
                 (unsigned long long)(partition->end - read_up_to), topic->name);
        return true;
    }
    return false;
}
