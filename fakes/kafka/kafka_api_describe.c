/*
 * kafka_api_describe.c - DescribeGroups and ListGroups: what admin clients ask about groups.
 *
 * A group that is not known is described as "Dead". What members brought and got is told of a
 * stable group only; of one that rebalances, who they are. Who has an id and has not joined
 * with it yet is no member.
 * Source: Kafka 2.7.0 KafkaApis.handleDescribeGroupRequest, handleListGroupsRequest,
 * GroupCoordinator.handleDescribeGroup, GroupMetadata.summary, MemberMetadata.summary.
 */
#include <stdio.h>
#include "kafka/kafka_coordinator.h"
#include "kafka/kafka_internal.h"
#include "kafka/kafka_topic.h"

#define OPERATIONS_NOT_ASKED INT32_MIN
#define OPERATIONS_OF_GROUP 328 /* bits of AclOperation: read, delete, describe */

static const char *const state_names[] = {KAFKA_GROUP_STATE_LIST(NAMES_ENTRY)};
static const struct kafka_text no_text = {.bytes = "", .length = 0, .is_null = false};

static struct kafka_text not_null(struct kafka_text text)
{
    return text.is_null ? no_text : text;
}

/* ---- DescribeGroups ---- */

static void write_member(struct kafka_call *call, const struct kafka_consumer_group *group,
                         const struct kafka_group_member *member)
{
    struct kafka_text metadata = no_text, assignment = no_text;
    unsigned address = member->address;
    char host[24]; /* as Java prints an address without a name */
    snprintf(host, sizeof host, "/%u.%u.%u.%u", address >> 24, address >> 16 & 255,
             address >> 8 & 255, address & 255);
    if (group->state == KAFKA_GROUP_STABLE) {
        (void)kafka_member_metadata(member, group->protocol, &metadata);
        assignment = member->assignment;
    }
    kafka_out_string(&call->out, member->id);
    if (kafka_call_version(call) >= 4)
        kafka_out_nullable(&call->out, (struct kafka_text){.is_null = true}); /* instance */
    kafka_out_string(&call->out, not_null(member->client));
    kafka_out_string(&call->out, kafka_text_of(host));
    kafka_out_bytes(&call->out, not_null(metadata));
    kafka_out_bytes(&call->out, not_null(assignment));
}

static void write_members(struct kafka_call *call, const struct kafka_consumer_group *group)
{
    size_t mark = kafka_out_mark(&call->out);
    int32_t told = 0;
    for (uint32_t i = 0; group != NULL && i < group->member_count; i++) {
        if (group->members[i]->is_pending)
            continue;
        write_member(call, group, group->members[i]);
        told++;
    }
    kafka_out_patch(&call->out, mark, told);
}

static void describe_group(struct kafka_call *call, struct kafka_text name, bool wants_allowed)
{
    const struct kafka_consumer_group *group = kafka_coordinator_find(call->self, name);
    bool is_stable = group != NULL && group->state == KAFKA_GROUP_STABLE;
    kafka_out_i16(&call->out, KAFKA_NO_ERROR);
    kafka_out_string(&call->out, name);
    kafka_out_string(&call->out,
                     kafka_text_of(group == NULL ? "Dead" : state_names[group->state]));
    kafka_out_string(&call->out, group == NULL ? no_text : not_null(group->type));
    kafka_out_string(&call->out, is_stable ? group->protocol : no_text);
    write_members(call, group);
    if (kafka_call_version(call) >= 3)
        kafka_out_i32(&call->out, wants_allowed ? OPERATIONS_OF_GROUP : OPERATIONS_NOT_ASKED);
}

void kafka_api_describe_groups(struct kafka_call *call)
{
    struct kafka_in names = call->in;
    uint32_t count = kafka_in_array(&call->in, 2, NULL);
    for (uint32_t i = 0; i < count && call->in.ok; i++)
        (void)kafka_in_string(&call->in);
    bool wants_allowed = kafka_call_version(call) >= 3 && kafka_in_i8(&call->in) != 0;
    if (call->is_trial)
        return;
    if (kafka_call_version(call) >= 1)
        kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    kafka_out_array(&call->out, count);
    (void)kafka_in_array(&names, 2, NULL);
    for (uint32_t i = 0; i < count && call->out.ok; i++)
        describe_group(call, kafka_in_string(&names), wants_allowed);
}

/* ---- ListGroups ---- */

void kafka_api_list_groups(struct kafka_call *call)
{
    const struct kafka_store *store = call->self->store;
    if (call->is_trial)
        return;
    if (kafka_call_version(call) >= 1)
        kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    kafka_out_i16(&call->out, KAFKA_NO_ERROR);
    size_t mark = kafka_out_mark(&call->out);
    int32_t told = 0;
    for (uint32_t number = 0; number < store->group_count; number++) {
        const struct kafka_consumer_group *group = kafka_coordinator_group(call->self, number);
        const struct kafka_saved_group *saved = &store->groups[number];
        if (group == NULL)
            continue;
        kafka_out_string(&call->out, (struct kafka_text){.bytes = saved->name,
                                                         .length = saved->name_length});
        kafka_out_string(&call->out, not_null(group->type));
        told++;
    }
    kafka_out_patch(&call->out, mark, told);
}
