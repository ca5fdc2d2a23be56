/*
 * kafka_api_offsets.c - OffsetCommit and OffsetFetch.
 *
 * Version 0 of both (offsets in ZooKeeper) is treated as version 1, by no member.
 * Source: Kafka 2.7.0 KafkaApis.handleOffsetCommitRequest, handleOffsetFetchRequest.
 */
#include "kafka/kafka_coordinator.h"
#include "kafka/kafka_internal.h"
#include "kafka/kafka_topic.h"

#define METADATA_MAX 4096u /* offset.metadata.max.bytes */
#define NOWHERE (-1)

static void commit_partition(struct kafka_call *call, uint32_t topic, uint32_t group,
                             int16_t error)
{
    int16_t version = kafka_call_version(call);
    struct kafka_commit commit = {.topic = topic, .leader_epoch = NOWHERE};
    int32_t number = kafka_in_i32(&call->in);
    commit.offset = kafka_in_i64(&call->in);
    if (version >= 6)
        commit.leader_epoch = kafka_in_i32(&call->in);
    if (version == 1)
        (void)kafka_in_i64(&call->in); /* time of the commit */
    commit.metadata = kafka_in_nullable(&call->in);
    if (call->is_trial)
        return;
    if (kafka_topics_partition(call->self, topic, number) == NULL)
        error = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    else if (error == KAFKA_NO_ERROR && commit.metadata.length > METADATA_MAX)
        error = KAFKA_OFFSET_METADATA_TOO_LARGE;
    commit.partition = (uint32_t)number;
    if (error == KAFKA_NO_ERROR)
        kafka_offsets_commit(call->self, group, &commit);
    kafka_out_i32(&call->out, number);
    kafka_out_i16(&call->out, error);
}

/* The error that every partition of the request has. */
static int16_t commit_begin(struct kafka_call *call, uint32_t *ret_group)
{
    int16_t version = kafka_call_version(call);
    struct kafka_text group = kafka_in_string(&call->in);
    struct kafka_text member = {.bytes = ""};
    int32_t generation = NOWHERE;
    if (version >= 1) {
        generation = kafka_in_i32(&call->in);
        member = kafka_in_string(&call->in);
    }
    bool is_static = version >= 7 && !kafka_in_nullable(&call->in).is_null;
    if (version >= 2 && version <= 4)
        (void)kafka_in_i64(&call->in); /* retention: offsets are kept */
    if (call->is_trial)
        return KAFKA_NO_ERROR;
    return is_static ? KAFKA_UNSUPPORTED_VERSION
                     : kafka_coordinator_may_commit(call->self, call->fx, group, member,
                                                    generation, ret_group);
}

void kafka_api_offset_commit(struct kafka_call *call)
{
    uint32_t group = 0;
    int16_t error = commit_begin(call, &group);
    if (kafka_call_version(call) >= 3)
        kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    uint32_t topics = kafka_in_array(&call->in, 6, NULL);
    kafka_out_array(&call->out, topics);
    for (uint32_t t = 0; t < topics && call->in.ok; t++) {
        struct kafka_text name = kafka_in_string(&call->in);
        uint32_t partitions = kafka_in_array(&call->in, 14, NULL);
        uint32_t topic = kafka_call_topic(call, name);
        kafka_out_string(&call->out, name);
        kafka_out_array(&call->out, partitions);
        for (uint32_t p = 0; p < partitions && call->in.ok; p++)
            commit_partition(call, topic, group, error);
    }
}

/* ---- OffsetFetch ---- */

static void write_offset(struct kafka_call *call, int32_t number,
                         const struct kafka_offset *offset)
{
    kafka_out_i32(&call->out, number);
    kafka_out_i64(&call->out, offset == NULL ? NOWHERE : offset->offset);
    if (kafka_call_version(call) >= 5)
        kafka_out_i32(&call->out, offset == NULL ? NOWHERE : offset->leader_epoch);
    struct kafka_text metadata = {.bytes = ""};
    if (offset != NULL && offset->metadata != NULL)
        metadata =
            (struct kafka_text){.bytes = offset->metadata, .length = offset->metadata_length};
    kafka_out_string(&call->out, metadata);
    kafka_out_i16(&call->out, KAFKA_NO_ERROR);
}

/* All that the group has committed, topic by topic. */
static void write_all(struct kafka_call *call, const struct kafka_saved_group *group)
{
    size_t mark = kafka_out_mark(&call->out);
    const struct kafka_store *store = call->self->store;
    uint32_t topics = 0;
    for (uint32_t t = 0; group != NULL && t < store->topic_count; t++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < group->offset_count; i++)
            count += group->offsets[i].topic == t;
        if (count == 0)
            continue;
        topics++;
        kafka_out_string(&call->out, kafka_topic_name(&store->topics[t]));
        kafka_out_array(&call->out, count);
        for (uint32_t i = 0; i < group->offset_count; i++) {
            if (group->offsets[i].topic == t)
                write_offset(call, (int32_t)group->offsets[i].partition, &group->offsets[i]);
        }
    }
    kafka_out_patch(&call->out, mark, (int32_t)topics);
}

static void fetch_topic(struct kafka_call *call, const struct kafka_saved_group *group)
{
    struct kafka_text name = kafka_in_string(&call->in);
    uint32_t partitions = kafka_in_array(&call->in, 4, NULL);
    uint32_t topic = kafka_call_topic(call, name);
    kafka_out_string(&call->out, name);
    kafka_out_array(&call->out, partitions);
    for (uint32_t p = 0; p < partitions && call->in.ok; p++) {
        int32_t number = kafka_in_i32(&call->in);
        if (call->is_trial)
            continue;
        const struct kafka_offset *offset =
            group == NULL || number < 0 ? NULL
                                        : kafka_offsets_find(group, topic, (uint32_t)number);
        write_offset(call, number, offset);
    }
}

void kafka_api_offset_fetch(struct kafka_call *call)
{
    int16_t version = kafka_call_version(call);
    const struct kafka_saved_group *group = NULL;
    struct kafka_text name = kafka_in_string(&call->in);
    uint32_t number = call->is_trial ? KAFKA_GROUPS_MAX : kafka_groups_find(call->self, name);
    if (number < KAFKA_GROUPS_MAX)
        group = &call->self->store->groups[number];
    if (version >= 3)
        kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    bool is_null;
    uint32_t topics = kafka_in_array(&call->in, 6, &is_null);
    if (is_null && version < 2)
        call->in.ok = false;
    if (is_null && !call->is_trial) {
        write_all(call, group);
    } else {
        kafka_out_array(&call->out, topics);
        for (uint32_t t = 0; t < topics && call->in.ok; t++)
            fetch_topic(call, group);
    }
    if (version >= 2)
        kafka_out_i16(&call->out, KAFKA_NO_ERROR);
}
