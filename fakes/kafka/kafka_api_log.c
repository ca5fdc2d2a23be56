/*
 * kafka_api_log.c - Produce and ListOffsets.
 *
 * A producer's batch is of magic 2. Message sets of magic 0 and 1 (Produce below 3) are
 * refused with UNSUPPORTED_FOR_MESSAGE_FORMAT: nothing here converts records. Producer ids and
 * sequences are kept in the batch and not looked at: no id is given out (InitProducerId).
 * Source: Kafka 2.7.0 KafkaApis.handleProduceRequest, ReplicaManager.appendToLocalLog,
 * fetchOffsetForTimestamp, legacyFetchOffsetsBefore.
 */
#include "kafka/kafka_api.h"
#include "kafka/kafka_internal.h"
#include "kafka/kafka_topic.h"

#define LATEST (-1)
#define EARLIEST (-2)
#define NOWHERE (-1)

int16_t kafka_api_check_epoch(int32_t epoch)
{
    if (epoch < 0 || epoch == (int32_t)KAFKA_LEADER_EPOCH)
        return KAFKA_NO_ERROR;
    return epoch < (int32_t)KAFKA_LEADER_EPOCH ? KAFKA_FENCED_LEADER_EPOCH
                                               : KAFKA_UNKNOWN_LEADER_EPOCH;
}

/* ---- Produce ---- */

/* *ret_start: of the log, when it was looked at; upstream tells it also for what it refuses
 * there, but not for a batch that is broken or too large (ReplicaManager.appendToLocalLog). */
static int16_t produce_records(struct kafka_call *call, uint32_t topic, int32_t number,
                               int16_t acks, struct kafka_text records, int64_t *ret_base,
                               int64_t *ret_start)
{
    struct kafka *self = call->self;
    uint32_t size = 0;
    if (acks < -1 || acks > 1)
        return KAFKA_INVALID_REQUIRED_ACKS;
    if (kafka_topics_partition(self, topic, number) == NULL)
        return KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    int16_t error = kafka_partition_check(&self->store->topics[topic], kafka_call_version(call),
                                          records, &size);
    const struct kafka_partition *partition = kafka_topics_partition(self, topic, number);
    if (error == KAFKA_INVALID_RECORD && size > 0)
        *ret_start = (int64_t)partition->start;
    if (error != KAFKA_NO_ERROR)
        return error;
    *ret_base = (int64_t)kafka_partition_append(self, topic, (uint32_t)number, records.bytes,
                                                size, call->fx->at);
    *ret_start = (int64_t)partition->start;
    return KAFKA_NO_ERROR;
}

/* One partition; false: an error. */
static bool produce_partition(struct kafka_call *call, uint32_t topic, int16_t acks)
{
    int32_t number = kafka_in_i32(&call->in);
    struct kafka_text records = kafka_in_bytes(&call->in);
    if (call->is_trial)
        return true;
    int64_t base = NOWHERE, start = NOWHERE;
    int16_t error = produce_records(call, topic, number, acks, records, &base, &start);
    kafka_out_i32(&call->out, number);
    kafka_out_i16(&call->out, error);
    kafka_out_i64(&call->out, base);
    if (kafka_call_version(call) >= 2)
        kafka_out_i64(&call->out, NOWHERE); /* log_append_time: the producer's is kept */
    if (kafka_call_version(call) >= 5)
        kafka_out_i64(&call->out, start);
    return error == KAFKA_NO_ERROR;
}

void kafka_api_produce(struct kafka_call *call)
{
    bool is_whole = true;
    if (kafka_call_version(call) >= 3)
        (void)kafka_in_nullable(&call->in); /* transactional id */
    int16_t acks = kafka_in_i16(&call->in);
    (void)kafka_in_i32(&call->in); /* timeout: there is no other replica to wait for */
    uint32_t topics = kafka_in_array(&call->in, 6, NULL);
    kafka_out_array(&call->out, topics);
    for (uint32_t t = 0; t < topics && call->in.ok; t++) {
        struct kafka_text name = kafka_in_string(&call->in);
        uint32_t partitions = kafka_in_array(&call->in, 8, NULL);
        uint32_t topic = kafka_call_topic(call, name);
        kafka_out_string(&call->out, name);
        kafka_out_array(&call->out, partitions);
        for (uint32_t p = 0; p < partitions && call->in.ok; p++)
            is_whole &= produce_partition(call, topic, acks);
        if (!call->is_trial)
            kafka_fetch_wake(call->self, call->fx, topic);
    }
    if (kafka_call_version(call) >= 1)
        kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    call->is_silent = acks == 0 && is_whole;
    call->is_closing = acks == 0 && !is_whole; /* how a producer without acks learns it */
}

/* ---- ListOffsets ---- */

struct listed {
    int16_t error;
    int64_t timestamp, offset;
};

static struct listed list_find(const struct kafka_partition *partition, int64_t timestamp,
                               int32_t epoch)
{
    struct listed listed = {.timestamp = NOWHERE, .offset = NOWHERE};
    uint64_t offset;
    listed.error =
        partition == NULL ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION : kafka_api_check_epoch(epoch);
    if (listed.error != KAFKA_NO_ERROR)
        return listed;
    if (timestamp == LATEST)
        listed.offset = (int64_t)partition->end;
    else if (timestamp == EARLIEST)
        listed.offset = (int64_t)partition->start;
    else if (kafka_partition_find_time(partition, timestamp, &offset, &listed.timestamp))
        listed.offset = (int64_t)offset;
    return listed;
}

/* Version 0 knows segments only: up to `most` of the starts that are older, newest first. */
static void list_segments(struct kafka_call *call, const struct kafka_partition *partition,
                          int64_t timestamp, int32_t most)
{
    int64_t found[2];
    uint32_t count = 0;
    uint64_t now = tstamp_epoch_ms(call->fx->at);
    bool has_records = partition != NULL && partition->bytes > 0;
    if (has_records && timestamp != EARLIEST &&
        (timestamp == LATEST || (timestamp >= 0 && (uint64_t)timestamp >= now)))
        found[count++] = (int64_t)partition->end;
    if (partition != NULL &&
        (timestamp < 0 || (uint64_t)timestamp >= tstamp_epoch_ms(partition->changed_at)))
        found[count++] = (int64_t)partition->start;
    int32_t wanted = most > 0 ? most : 0;
    if ((uint32_t)wanted < count)
        count = (uint32_t)wanted;
    kafka_out_i16(&call->out,
                  partition == NULL ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION : KAFKA_NO_ERROR);
    kafka_out_array(&call->out, count);
    for (uint32_t i = 0; i < count; i++)
        kafka_out_i64(&call->out, found[i]);
}

static void list_partition(struct kafka_call *call, uint32_t topic)
{
    int16_t version = kafka_call_version(call);
    int32_t number = kafka_in_i32(&call->in);
    int32_t epoch = version >= 4 ? kafka_in_i32(&call->in) : NOWHERE;
    int64_t timestamp = kafka_in_i64(&call->in);
    int32_t most = version == 0 ? kafka_in_i32(&call->in) : 1;
    if (call->is_trial)
        return;
    const struct kafka_partition *partition = kafka_topics_partition(call->self, topic, number);
    kafka_out_i32(&call->out, number);
    if (version == 0) {
        list_segments(call, partition, timestamp, most);
        return;
    }
    struct listed listed = list_find(partition, timestamp, epoch);
    kafka_out_i16(&call->out, listed.error);
    kafka_out_i64(&call->out, listed.timestamp);
    kafka_out_i64(&call->out, listed.offset);
    if (version >= 4)
        kafka_out_i32(&call->out, listed.offset < 0 ? NOWHERE : (int32_t)KAFKA_LEADER_EPOCH);
}

void kafka_api_list_offsets(struct kafka_call *call)
{
    (void)kafka_in_i32(&call->in); /* replica id */
    if (kafka_call_version(call) >= 2)
        (void)kafka_in_i8(&call->in); /* isolation: there are no transactions */
    if (kafka_call_version(call) >= 2)
        kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    uint32_t topics = kafka_in_array(&call->in, 6, NULL);
    kafka_out_array(&call->out, topics);
    for (uint32_t t = 0; t < topics && call->in.ok; t++) {
        struct kafka_text name = kafka_in_string(&call->in);
        uint32_t partitions = kafka_in_array(&call->in, 12, NULL);
        uint32_t topic = kafka_call_topic(call, name);
        kafka_out_string(&call->out, name);
        kafka_out_array(&call->out, partitions);
        for (uint32_t p = 0; p < partitions && call->in.ok; p++)
            list_partition(call, topic);
    }
}
