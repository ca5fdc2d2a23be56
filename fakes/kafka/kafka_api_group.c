/*
 * kafka_api_group.c - JoinGroup, SyncGroup, Heartbeat, LeaveGroup as frames.
 *
 * Static members (group.instance.id) are refused with UNSUPPORTED_VERSION, as a broker does
 * whose cluster still speaks an inter-broker protocol before 2.3.
 * Source: Kafka 2.7.0 KafkaApis.handleJoinGroupRequest and its neighbours.
 */
#include "kafka/kafka_coordinator.h"
#include "kafka/kafka_internal.h"
#include "kafka/kafka_topic.h"

#define NO_GENERATION (-1)

/* group.instance.id, from this version on; true: it is there. */
static bool has_instance(struct kafka_call *call, int16_t since)
{
    return kafka_call_version(call) >= since && !kafka_in_nullable(&call->in).is_null;
}

/* Elements of a name and bytes, as they come. */
static struct kafka_text read_pairs(struct kafka_call *call, uint32_t *ret_count)
{
    *ret_count = kafka_in_array(&call->in, 6, NULL);
    size_t start = call->in.at;
    for (uint32_t i = 0; i < *ret_count && call->in.ok; i++) {
        (void)kafka_in_string(&call->in);
        (void)kafka_in_bytes(&call->in);
    }
    return (struct kafka_text){.bytes = (const char *)call->in.bytes + start,
                               .length = (uint32_t)(call->in.at - start)};
}

/* ---- JoinGroup ---- */

static void write_member(struct kafka_out *out, const struct kafka_asker *asker,
                         const struct kafka_consumer_group *group,
                         const struct kafka_group_member *member)
{
    struct kafka_text metadata = {.bytes = ""};
    (void)kafka_member_metadata(member, group->protocol, &metadata);
    kafka_out_string(out, member->id);
    if (asker->version >= 5)
        kafka_out_i16(out, -1); /* group.instance.id */
    metadata.is_null = false;
    kafka_out_bytes(out, metadata);
}

/* The leader learns all members and assigns; the others learn who it is. */
void kafka_answer_joined(struct kafka *self, struct effects *fx,
                         const struct kafka_asker *asker,
                         const struct kafka_consumer_group *group,
                         const struct kafka_group_member *member)
{
    struct kafka_out out = kafka_api_begin(self, asker, 0);
    uint32_t told = 0;
    if (asker->version >= 2)
        kafka_out_i32(&out, 0); /* throttle_time_ms */
    kafka_out_i16(&out, KAFKA_NO_ERROR);
    kafka_out_i32(&out, (int32_t)group->generation);
    kafka_out_string(&out, group->protocol);
    kafka_out_string(&out, group->leader->id);
    kafka_out_string(&out, member->id);
    size_t mark = kafka_out_mark(&out);
    for (uint32_t i = 0; i < group->member_count && group->leader == member; i++) {
        if (group->members[i]->is_pending)
            continue;
        write_member(&out, asker, group, group->members[i]);
        told++;
    }
    kafka_out_patch(&out, mark, (int32_t)told);
    kafka_api_send(self, fx, asker, &out);
}

void kafka_answer_not_joined(struct kafka *self, struct effects *fx,
                             const struct kafka_asker *asker, struct kafka_text member_id,
                             int16_t error)
{
    struct kafka_out out = kafka_api_begin(self, asker, 0);
    if (asker->version >= 2)
        kafka_out_i32(&out, 0); /* throttle_time_ms */
    kafka_out_i16(&out, error);
    kafka_out_i32(&out, NO_GENERATION);
    kafka_out_string(&out, kafka_text_of("")); /* protocol */
    kafka_out_string(&out, kafka_text_of("")); /* leader */
    kafka_out_string(&out, member_id);
    kafka_out_array(&out, 0);
    kafka_api_send(self, fx, asker, &out);
}

void kafka_api_join(struct kafka_call *call)
{
    int16_t version = kafka_call_version(call);
    struct kafka_join join = {.asker = call->asker, .client = call->client};
    join.group = kafka_in_string(&call->in);
    join.session_ms = kafka_in_i32(&call->in);
    join.rebalance_ms = version >= 1 ? kafka_in_i32(&call->in) : join.session_ms;
    join.member = kafka_in_string(&call->in);
    bool is_static = has_instance(call, 5);
    join.type = kafka_in_string(&call->in);
    join.protocols = read_pairs(call, &join.protocol_count);
    join.needs_known_id = version >= 4;
    if (call->is_trial)
        return;
    call->is_later = true;
    if (is_static)
        kafka_answer_not_joined(call->self, call->fx, &call->asker, kafka_text_of(""),
                                KAFKA_UNSUPPORTED_VERSION);
    else
        kafka_coordinator_join(call->self, call->fx, &join);
}

/* ---- SyncGroup ---- */

void kafka_answer_sync(struct kafka *self, struct effects *fx, const struct kafka_asker *asker,
                       struct kafka_text assignment, int16_t error)
{
    struct kafka_out out = kafka_api_begin(self, asker, assignment.length);
    if (asker->version >= 1)
        kafka_out_i32(&out, 0); /* throttle_time_ms */
    kafka_out_i16(&out, error);
    assignment.is_null = false;
    kafka_out_bytes(&out, assignment);
    kafka_api_send(self, fx, asker, &out);
}

void kafka_api_sync(struct kafka_call *call)
{
    uint32_t count;
    struct kafka_text group = kafka_in_string(&call->in);
    int32_t generation = kafka_in_i32(&call->in);
    struct kafka_text member = kafka_in_string(&call->in);
    bool is_static = has_instance(call, 3);
    struct kafka_text assignments = read_pairs(call, &count);
    if (call->is_trial)
        return;
    call->is_later = true;
    if (is_static)
        kafka_answer_sync(call->self, call->fx, &call->asker, kafka_text_of(""),
                          KAFKA_UNSUPPORTED_VERSION);
    else
        kafka_coordinator_sync(call->self, call->fx, &call->asker, group, member, generation,
                               assignments, count);
}

/* ---- Heartbeat, LeaveGroup ---- */

void kafka_api_heartbeat(struct kafka_call *call)
{
    struct kafka_text group = kafka_in_string(&call->in);
    int32_t generation = kafka_in_i32(&call->in);
    struct kafka_text member = kafka_in_string(&call->in);
    bool is_static = has_instance(call, 3);
    if (call->is_trial)
        return;
    int16_t error = is_static ? KAFKA_UNSUPPORTED_VERSION
                              : kafka_coordinator_heartbeat(call->self, call->fx, group, member,
                                                            generation);
    if (kafka_call_version(call) >= 1)
        kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    kafka_out_i16(&call->out, error);
}

/* Version 3: several members of a group at once, each with its own error. */
static void leave_many(struct kafka_call *call, struct kafka_text group)
{
    uint32_t count = kafka_in_array(&call->in, 4, NULL);
    bool is_valid = group.length > 0;
    kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    kafka_out_i16(&call->out, is_valid ? KAFKA_NO_ERROR : KAFKA_INVALID_GROUP_ID);
    kafka_out_array(&call->out, is_valid ? count : 0);
    for (uint32_t i = 0; i < count && call->in.ok; i++) {
        struct kafka_text member = kafka_in_string(&call->in);
        struct kafka_text instance = kafka_in_nullable(&call->in);
        if (call->is_trial || !is_valid)
            continue;
        int16_t error = instance.is_null
                            ? kafka_coordinator_leave(call->self, call->fx, group, member)
                            : KAFKA_UNKNOWN_MEMBER_ID;
        kafka_out_string(&call->out, member);
        kafka_out_nullable(&call->out, instance);
        kafka_out_i16(&call->out, error);
    }
}

void kafka_api_leave(struct kafka_call *call)
{
    struct kafka_text group = kafka_in_string(&call->in);
    if (kafka_call_version(call) >= 3) {
        leave_many(call, group);
        return;
    }
    struct kafka_text member = kafka_in_string(&call->in);
    if (call->is_trial)
        return;
    int16_t error = kafka_coordinator_leave(call->self, call->fx, group, member);
    if (kafka_call_version(call) >= 1)
        kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    kafka_out_i16(&call->out, error);
}
