/*
 * kafka_offsets.c - what the broker keeps in its offsets topic: committed offsets, and each
 * group as it was when it last became stable or empty.
 *
 * Source: GroupMetadataManager.scala (storeOffsets, storeGroup, loadGroup) of Kafka 2.7.0.
 * Offsets do not expire (upstream: 7 days after the group is empty).
 */
#include <string.h>
#include "kafka/kafka_coordinator.h"
#include "kafka/kafka_internal.h"
#include "kafka/kafka_topic.h"

#define GROUPS_FIRST 16u
#define OFFSETS_FIRST 4u

uint32_t kafka_groups_find(const struct kafka *self, struct kafka_text name)
{
    const struct kafka_store *store = self->store;
    uint64_t hash = kafka_text_hash(name);
    for (uint32_t i = 0; i < store->group_count; i++) {
        const struct kafka_saved_group *group = &store->groups[i];
        struct kafka_text own = {.bytes = group->name, .length = group->name_length};
        if (group->name != NULL && group->hash == hash && kafka_text_equal(own, name))
            return i;
    }
    return KAFKA_GROUPS_MAX;
}

/* That of a dead group, or one more; KAFKA_GROUPS_MAX: no room. */
static uint32_t groups_number(struct kafka *self)
{
    struct kafka_store *store = self->store;
    struct arena *arena = self->env->arena;
    for (uint32_t i = 0; i < store->group_count; i++) {
        if (store->groups[i].name == NULL)
            return i;
    }
    if (store->group_count == KAFKA_GROUPS_MAX)
        return KAFKA_GROUPS_MAX;
    if (store->group_count == store->group_max) {
        store->group_max = store->group_max == 0 ? GROUPS_FIRST : store->group_max * 2;
        if (store->groups == NULL)
            store->groups = arena_alloc_durable(arena, self->env->node, 0);
        store->groups = arena_grow(arena, self->env->node, store->groups,
                                   store->group_max * sizeof(store->groups[0]));
    }
    return store->group_count++;
}

uint32_t kafka_groups_make(struct kafka *self, struct kafka_text name)
{
    uint32_t number = kafka_groups_find(self, name);
    if (number < KAFKA_GROUPS_MAX)
        return number;
    number = groups_number(self);
    if (number == KAFKA_GROUPS_MAX)
        return number;
    struct kafka_saved_group *group = &self->store->groups[number];
    *group =
        (struct kafka_saved_group){.hash = kafka_text_hash(name), .name_length = name.length};
    group->name = arena_alloc_durable(self->env->arena, self->env->node, name.length + 1);
    memcpy(group->name, name.bytes, name.length);
    return number;
}

void kafka_groups_forget(struct kafka *self, uint32_t number)
{
    struct kafka_saved_group *group = &self->store->groups[number];
    struct arena *arena = self->env->arena;
    for (uint32_t i = 0; i < group->offset_count; i++)
        arena_release(arena, group->offsets[i].metadata);
    arena_release(arena, group->offsets);
    arena_release(arena, group->members);
    arena_release(arena, group->name);
    *group = (struct kafka_saved_group){0};
}

const struct kafka_offset *kafka_offsets_find(const struct kafka_saved_group *group,
                                              uint32_t topic, uint32_t partition)
{
    for (uint32_t i = 0; i < group->offset_count; i++) {
        if (group->offsets[i].topic == topic && group->offsets[i].partition == partition)
            return &group->offsets[i];
    }
    return NULL;
}

static struct kafka_offset *offset_add(struct kafka *self, struct kafka_saved_group *group)
{
    struct arena *arena = self->env->arena;
    if (group->offset_count == group->offset_max) {
        group->offset_max = group->offset_max == 0 ? OFFSETS_FIRST : group->offset_max * 2;
        if (group->offsets == NULL)
            group->offsets = arena_alloc_durable(arena, self->env->node, 0);
        group->offsets = arena_grow(arena, self->env->node, group->offsets,
                                    group->offset_max * sizeof(group->offsets[0]));
    }
    struct kafka_offset *added = &group->offsets[group->offset_count++];
    *added = (struct kafka_offset){0};
    return added;
}

void kafka_offsets_commit(struct kafka *self, uint32_t number,
                          const struct kafka_commit *commit)
{
    struct kafka_saved_group *group = &self->store->groups[number];
    struct kafka_offset *offset = (struct kafka_offset *)(uintptr_t)kafka_offsets_find(
        group, commit->topic, commit->partition);
    if (offset == NULL)
        offset = offset_add(self, group);
    offset->topic = commit->topic;
    offset->partition = commit->partition;
    offset->offset = commit->offset;
    offset->leader_epoch = commit->leader_epoch;
    arena_release(self->env->arena, offset->metadata);
    offset->metadata = NULL;
    offset->metadata_length = commit->metadata.length;
    if (commit->metadata.length == 0)
        return;
    offset->metadata =
        arena_alloc_durable(self->env->arena, self->env->node, commit->metadata.length);
    memcpy(offset->metadata, commit->metadata.bytes, commit->metadata.length);
}

void kafka_offsets_forget(struct kafka *self, uint32_t number, uint32_t topic)
{
    struct kafka_saved_group *group = &self->store->groups[number];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < group->offset_count; i++) {
        if (group->offsets[i].topic == topic)
            arena_release(self->env->arena, group->offsets[i].metadata);
        else
            group->offsets[kept++] = group->offsets[i];
    }
    group->offset_count = kept;
}

static uint64_t offset_value(const struct kafka_offset *offset)
{
    return offset->offset < 0 ? 0 : (uint64_t)offset->offset;
}

uint64_t kafka_offsets_smallest(const struct kafka *self, uint32_t topic, uint32_t partition)
{
    uint64_t smallest = UINT64_MAX;
    for (uint32_t i = 0; i < self->store->group_count; i++) {
        const struct kafka_offset *offset =
            kafka_offsets_find(&self->store->groups[i], topic, partition);
        if (offset != NULL && offset_value(offset) < smallest)
            smallest = offset_value(offset);
    }
    return smallest == UINT64_MAX ? 0 : smallest;
}

uint64_t kafka_offsets_largest(const struct kafka *self, uint32_t topic, uint32_t partition)
{
    uint64_t largest = 0;
    for (uint32_t i = 0; i < self->store->group_count; i++) {
        const struct kafka_offset *offset =
            kafka_offsets_find(&self->store->groups[i], topic, partition);
        if (offset != NULL && offset_value(offset) > largest)
            largest = offset_value(offset);
    }
    return largest;
}

void kafka_groups_save(struct kafka *self, const struct kafka_consumer_group *group)
{
    struct kafka_saved_group *saved = &self->store->groups[group->number];
    struct arena *arena = self->env->arena;
    arena_release(arena, saved->members);
    saved->members = NULL;
    saved->members_size = 0;
    saved->generation = group->generation;
    struct kafka_out out = kafka_out_start(arena, 0);
    bool is_empty = group->state == KAFKA_GROUP_EMPTY;
    kafka_out_bytes(&out, group->type);
    kafka_out_bytes(&out, group->protocol);
    kafka_out_bytes(&out, is_empty ? (struct kafka_text){.is_null = true} : group->leader->id);
    for (uint32_t i = 0; i < group->member_count && !is_empty; i++) {
        const struct kafka_group_member *member = group->members[i];
        if (member->is_pending)
            continue;
        kafka_out_bytes(&out, member->id);
        kafka_out_bytes(&out, member->client);
        kafka_out_i32(&out, (int32_t)member->address);
        kafka_out_i64(&out, (int64_t)member->session_timeout);
        kafka_out_i64(&out, (int64_t)member->rebalance_timeout);
        kafka_out_i32(&out, (int32_t)member->protocol_count);
        kafka_out_bytes(&out, member->protocols);
        kafka_out_bytes(&out, member->assignment);
    }
    if (out.ok) { /* else too large for the broker's own topic: as a group that is empty */
        saved->members_size = out.length;
        saved->members = arena_alloc_durable(arena, self->env->node, out.length);
        memcpy(saved->members, out.bytes, out.length);
    }
    kafka_out_drop(&out);
}

void kafka_groups_load(struct kafka *self, struct kafka_consumer_group *group)
{
    const struct kafka_saved_group *saved = &self->store->groups[group->number];
    group->generation = saved->generation;
    if (saved->members == NULL)
        return;
    struct kafka_in in = kafka_in_start(saved->members, saved->members_size);
    kafka_member_keep(self, &group->type, kafka_in_bytes(&in));
    kafka_member_keep(self, &group->protocol, kafka_in_bytes(&in));
    struct kafka_text leader = kafka_in_bytes(&in);
    if (leader.is_null)
        return;
    group->state = KAFKA_GROUP_STABLE;
    while (in.at < in.length) {
        struct kafka_group_member *member = kafka_member_add(self, group, kafka_in_bytes(&in));
        kafka_member_keep(self, &member->client, kafka_in_bytes(&in));
        member->address = (uint32_t)kafka_in_i32(&in);
        member->session_timeout = (duration)kafka_in_i64(&in);
        member->rebalance_timeout = (duration)kafka_in_i64(&in);
        member->protocol_count = (uint32_t)kafka_in_i32(&in);
        kafka_member_keep(self, &member->protocols, kafka_in_bytes(&in));
        kafka_member_keep(self, &member->assignment, kafka_in_bytes(&in));
        ASSERT(in.ok);
    }
    group->leader = kafka_member_find(group, leader);
    ASSERT(group->leader != NULL);
}

void kafka_groups_digest(const struct kafka *self, struct digest *d)
{
    for (uint32_t i = 0; i < self->store->group_count; i++) {
        const struct kafka_saved_group *group = &self->store->groups[i];
        struct kafka_text members = {.bytes = (const char *)group->members,
                                     .length = (uint32_t)group->members_size};
        digest_two(d, group->hash, group->generation);
        digest_word(d, kafka_text_hash(members));
        for (uint32_t n = 0; n < group->offset_count; n++) {
            const struct kafka_offset *offset = &group->offsets[n];
            digest_two(d, (uint64_t)offset->topic << 32 | offset->partition,
                       (uint64_t)offset->offset);
        }
    }
    digest_word(d, self->store->members_made);
}
