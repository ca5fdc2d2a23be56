/*
 * kafka_member.c - members of a consumer group, and the protocols they share.
 *
 * Source: GroupMetadata.scala (supportsProtocols, selectProtocol), MemberMetadata.scala (vote)
 * of Kafka 2.7.0; upstream's members are a hash map without order, here they stand as they
 * came.
 */
#include <stdio.h>
#include <string.h>
#include "kafka/kafka_coordinator.h"
#include "kafka/kafka_internal.h"
#include "kafka/kafka_topic.h"

#define MEMBERS_FIRST 4u
#define UUID_LENGTH 37u                      /* with its hyphen in front */
#define MEMBER_WORD UINT64_C(0x6d656d626572) /* tells these draws from others of the seed */

struct kafka_group_member *kafka_member_find(const struct kafka_consumer_group *group,
                                             struct kafka_text id)
{
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (kafka_text_equal(group->members[i]->id, id))
            return group->members[i];
    }
    return NULL;
}

void kafka_member_keep(struct kafka *self, struct kafka_text *kept, struct kafka_text text)
{
    char *copy = NULL;
    if (!text.is_null) {
        copy = arena_alloc(self->env->arena, self->env->node, text.length + 1);
        memcpy(copy, text.bytes, text.length);
    }
    if (!kept->is_null)
        arena_release(self->env->arena, (void *)(uintptr_t)kept->bytes);
    *kept = (struct kafka_text){.bytes = copy, .length = text.length, .is_null = text.is_null};
}

struct kafka_text kafka_member_new_id(struct kafka *self, struct kafka_text client)
{
    uint64_t number = ++self->store->members_made;
    uint64_t a = draw_mix(self->env->draws->seed ^ MEMBER_WORD, number * 2);
    uint64_t b = draw_mix(self->env->draws->seed ^ MEMBER_WORD, number * 2 + 1);
    size_t size = client.length + UUID_LENGTH + 1;
    char *id = arena_alloc(self->env->arena, self->env->node, size);
    if (client.length > 0)
        memcpy(id, client.bytes, client.length);
    snprintf(id + client.length, UUID_LENGTH + 1, "-%08x-%04x-4%03x-a%03x-%012llx",
             (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
             (unsigned)(b >> 52), (unsigned long long)(b & UINT64_C(0xffffffffffff)));
    return (struct kafka_text){.bytes = id, .length = (uint32_t)(size - 1)};
}

struct kafka_group_member *
kafka_member_add(struct kafka *self, struct kafka_consumer_group *group, struct kafka_text id)
{
    if (group->member_count == group->member_max) {
        group->member_max = group->member_max == 0 ? MEMBERS_FIRST : group->member_max * 2;
        group->members = arena_grow(self->env->arena, self->env->node, group->members,
                                    group->member_max * sizeof(group->members[0]));
    }
    struct kafka_group_member *member = slab_open(&self->broker->members);
    member->group = group->number;
    member->id = member->client = member->protocols = member->assignment =
        (struct kafka_text){.is_null = true};
    kafka_member_keep(self, &member->id, id);
    member->session.kind = KAFKA_MEMBER_SESSION;
    member->session.actor = ACTOR_MAIN_ID;
    member->session.arg = slab_number(member);
    group->members[group->member_count++] = member;
    return member;
}

void kafka_member_remove(struct kafka *self, struct kafka_consumer_group *group,
                         struct kafka_group_member *member)
{
    uint32_t at = 0;
    while (group->members[at] != member)
        at++;
    group->member_count--;
    memmove(&group->members[at], &group->members[at + 1],
            (group->member_count - at) * sizeof(group->members[0]));
    timers_cancel(&self->timers, &member->session);
    struct kafka_text *kept[] = {&member->id, &member->client, &member->protocols,
                                 &member->assignment};
    for (unsigned i = 0; i < sizeof kept / sizeof kept[0]; i++)
        kafka_member_keep(self, kept[i], (struct kafka_text){.is_null = true});
    slab_close(&self->broker->members, member);
    if (group->leader != member)
        return;
    group->leader = NULL;
    for (uint32_t i = 0; i < group->member_count && group->leader == NULL; i++)
        group->leader = group->members[i]->is_pending ? NULL : group->members[i];
}

bool kafka_member_metadata(const struct kafka_group_member *member, struct kafka_text protocol,
                           struct kafka_text *ret_metadata)
{
    struct kafka_in in = kafka_in_start(member->protocols.bytes, member->protocols.length);
    for (uint32_t i = 0; i < member->protocol_count; i++) {
        struct kafka_text name = kafka_in_string(&in);
        struct kafka_text metadata = kafka_in_bytes(&in);
        if (kafka_text_equal(name, protocol)) {
            *ret_metadata = metadata;
            return true;
        }
    }
    return false;
}

static bool all_speak(const struct kafka_consumer_group *group, struct kafka_text protocol)
{
    struct kafka_text metadata;
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (!group->members[i]->is_pending &&
            !kafka_member_metadata(group->members[i], protocol, &metadata))
            return false;
    }
    return true;
}

bool kafka_member_fits(const struct kafka_consumer_group *group, struct kafka_text type,
                       struct kafka_text protocols, uint32_t protocol_count)
{
    if (group->state == KAFKA_GROUP_EMPTY)
        return type.length > 0 && protocol_count > 0;
    if (!kafka_text_equal(group->type, type))
        return false;
    struct kafka_in in = kafka_in_start(protocols.bytes, protocols.length);
    for (uint32_t i = 0; i < protocol_count; i++) {
        struct kafka_text name = kafka_in_string(&in);
        (void)kafka_in_bytes(&in);
        if (all_speak(group, name))
            return true;
    }
    return false;
}

/* The first of a member's protocols that all speak; null: none. */
static struct kafka_text member_vote(const struct kafka_consumer_group *group,
                                     const struct kafka_group_member *member)
{
    struct kafka_in in = kafka_in_start(member->protocols.bytes, member->protocols.length);
    for (uint32_t i = 0; i < member->protocol_count; i++) {
        struct kafka_text name = kafka_in_string(&in);
        (void)kafka_in_bytes(&in);
        if (all_speak(group, name))
            return name;
    }
    return (struct kafka_text){.is_null = true};
}

struct kafka_text kafka_member_choose(const struct kafka_consumer_group *group)
{
    struct kafka_text best = {.is_null = true};
    uint32_t best_votes = 0;
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (group->members[i]->is_pending)
            continue;
        struct kafka_text vote = member_vote(group, group->members[i]);
        uint32_t votes = 0;
        for (uint32_t other = 0; other < group->member_count; other++)
            votes += !group->members[other]->is_pending &&
                     kafka_text_equal(member_vote(group, group->members[other]), vote);
        if (votes > best_votes) {
            best = vote;
            best_votes = votes;
        }
    }
    return best;
}
