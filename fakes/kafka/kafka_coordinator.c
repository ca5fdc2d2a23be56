/*
 * kafka_coordinator.c - see kafka_coordinator.h: requests of members, and timers.
 */
#include "kafka/kafka_coordinator.h"
#include <string.h>
#include "kafka/kafka_internal.h"
#include "kafka/kafka_topic.h"

#define GROUPS_FIRST 16u
#define SESSION_MAX_MS 1800000        /* group.max.session.timeout.ms */
#define NEW_MEMBER_TIMEOUT MINUTES(5) /* GroupCoordinator.NewMemberJoinTimeoutMs */

static const struct kafka_text no_text = {.bytes = "", .length = 0, .is_null = false};
static const struct kafka_text null_text = {.bytes = "", .length = 0, .is_null = true};

/* ---- groups ---- */

static struct kafka_consumer_group *group_open(struct kafka *self, uint32_t number)
{
    struct kafka_broker *broker = self->broker;
    struct arena *arena = self->env->arena;
    if (number >= broker->group_max) {
        uint32_t max = broker->group_max == 0 ? GROUPS_FIRST : broker->group_max;
        while (max <= number)
            max *= 2;
        broker->groups =
            arena_grow(arena, self->env->node, broker->groups, max * sizeof(broker->groups[0]));
        broker->group_max = max;
    }
    if (broker->groups[number] != NULL)
        return broker->groups[number];
    struct kafka_consumer_group *group = arena_alloc(arena, self->env->node, sizeof *group);
    group->number = number;
    group->type = group->protocol = null_text;
    group->rebalance.kind = KAFKA_REBALANCE;
    group->rebalance.actor = ACTOR_MAIN_ID;
    group->rebalance.arg = number;
    broker->groups[number] = group;
    return group;
}

struct kafka_consumer_group *kafka_coordinator_group(struct kafka *self, uint32_t number)
{
    return self->store->groups[number].name == NULL ? NULL : group_open(self, number);
}

struct kafka_consumer_group *kafka_coordinator_find(struct kafka *self, struct kafka_text name)
{
    uint32_t number = kafka_groups_find(self, name);
    return number < KAFKA_GROUPS_MAX ? group_open(self, number) : NULL;
}

static uint32_t group_size(const struct kafka_consumer_group *group)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < group->member_count; i++)
        size += !group->members[i]->is_pending;
    return size;
}

static void session_arm(struct kafka *self, struct effects *fx,
                        struct kafka_group_member *member, duration length)
{
    timers_arm(&self->timers, fx, &member->session, length, false);
}

/* ---- rebalance ---- */

static void answer_sync(struct kafka *self, struct effects *fx,
                        struct kafka_group_member *member, struct kafka_text assignment,
                        int16_t error)
{
    if (!member->awaits_sync)
        return;
    member->awaits_sync = false;
    kafka_answer_sync(self, fx, &member->sync, assignment, error);
    session_arm(self, fx, member, member->session_timeout);
}

static void group_finish_empty(struct kafka *self, struct kafka_consumer_group *group)
{
    group->state = KAFKA_GROUP_EMPTY;
    kafka_member_keep(self, &group->protocol, null_text);
    kafka_groups_save(self, group);
}

/* Who has not joined again is out; pending ones may still come. */
static void group_drop_absent(struct kafka *self, struct kafka_consumer_group *group)
{
    for (uint32_t i = group->member_count; i-- > 0;) {
        struct kafka_group_member *member = group->members[i];
        if (!member->is_pending && !member->awaits_join)
            kafka_member_remove(self, group, member);
    }
}

/* GroupCoordinator.onCompleteJoin */
static void group_complete_join(struct kafka *self, struct effects *fx,
                                struct kafka_consumer_group *group)
{
    ASSERT_OP(group->state, ==, KAFKA_GROUP_PREPARING);
    timers_cancel(&self->timers, &group->rebalance);
    group->is_initial_delay = false;
    group_drop_absent(self, group);
    group->generation++;
    if (group_size(group) == 0) {
        group_finish_empty(self, group);
        return;
    }
    ASSERT(group->leader != NULL);
    kafka_member_keep(self, &group->protocol, kafka_member_choose(group));
    group->state = KAFKA_GROUP_COMPLETING;
    for (uint32_t i = 0; i < group->member_count; i++) {
        struct kafka_group_member *member = group->members[i];
        if (member->is_pending)
            continue;
        member->awaits_join = member->is_new = false;
        kafka_answer_joined(self, fx, &member->join, group, member);
        session_arm(self, fx, member, member->session_timeout);
    }
}

/* DelayedJoin.tryComplete; the initial delay is never cut short. */
static void group_try_complete(struct kafka *self, struct effects *fx,
                               struct kafka_consumer_group *group)
{
    if (group->state != KAFKA_GROUP_PREPARING || group->is_initial_delay)
        return;
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (group->members[i]->is_pending || !group->members[i]->awaits_join)
            return;
    }
    group_complete_join(self, fx, group);
}

static duration group_rebalance_timeout(const struct kafka_consumer_group *group)
{
    duration longest = 0;
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (group->members[i]->rebalance_timeout > longest)
            longest = group->members[i]->rebalance_timeout;
    }
    return longest;
}

/* GroupCoordinator.prepareRebalance */
static void group_prepare(struct kafka *self, struct effects *fx,
                          struct kafka_consumer_group *group)
{
    if (group->state == KAFKA_GROUP_PREPARING)
        return;
    for (uint32_t i = 0; i < group->member_count && group->state == KAFKA_GROUP_COMPLETING;
         i++) {
        kafka_member_keep(self, &group->members[i]->assignment, null_text);
        answer_sync(self, fx, group->members[i], no_text, KAFKA_REBALANCE_IN_PROGRESS);
    }
    duration timeout = group_rebalance_timeout(group);
    duration delay = kafka_config(self)->initial_rebalance_delay;
    if (group->state == KAFKA_GROUP_EMPTY && delay > 0) {
        group->is_initial_delay = true;
        group->has_new_member = false;
        group->delay_left = timeout > delay ? timeout - delay : 0;
        timers_arm(&self->timers, fx, &group->rebalance, delay, false);
    } else {
        timers_arm(&self->timers, fx, &group->rebalance, timeout, false);
    }
    group->state = KAFKA_GROUP_PREPARING;
    group_try_complete(self, fx, group);
}

void kafka_coordinator_on_rebalance(struct kafka *self, struct effects *fx, uint32_t number)
{
    struct kafka_consumer_group *group = self->broker->groups[number];
    if (group->is_initial_delay && group->has_new_member && group->delay_left > 0) {
        duration delay = kafka_config(self)->initial_rebalance_delay;
        delay = delay < group->delay_left ? delay : group->delay_left;
        group->has_new_member = false;
        group->delay_left -= delay;
        timers_arm(&self->timers, fx, &group->rebalance, delay, false);
        return;
    }
    group_complete_join(self, fx, group);
}

/* ---- members ---- */

/* GroupCoordinator.removeMemberAndUpdateGroup, removePendingMemberAndUpdateGroup */
static void member_leave(struct kafka *self, struct effects *fx,
                         struct kafka_consumer_group *group, struct kafka_group_member *member)
{
    bool was_pending = member->is_pending;
    if (member->awaits_join)
        kafka_answer_not_joined(self, fx, &member->join, no_text, KAFKA_UNKNOWN_MEMBER_ID);
    kafka_member_remove(self, group, member);
    if (group->state == KAFKA_GROUP_PREPARING)
        group_try_complete(self, fx, group);
    else if (group->state != KAFKA_GROUP_EMPTY && !was_pending)
        group_prepare(self, fx, group);
}

void kafka_coordinator_on_session(struct kafka *self, struct effects *fx, uint32_t number)
{
    struct kafka_group_member *member = slab_find(&self->broker->members, number);
    ASSERT(member != NULL);
    if (!member->is_new && (member->awaits_join || member->awaits_sync))
        return; /* it is armed anew with the answer */
    member_leave(self, fx, self->broker->groups[member->group], member);
}

/* GroupCoordinator.addMemberAndRebalance; member: a pending one, or NULL. */
static void member_join(struct kafka *self, struct effects *fx,
                        struct kafka_consumer_group *group, struct kafka_group_member *member,
                        const struct kafka_join *join)
{
    if (member == NULL) {
        struct kafka_text id = kafka_member_new_id(self, join->client);
        member = kafka_member_add(self, group, id);
        arena_release(self->env->arena, (void *)(uintptr_t)id.bytes);
    }
    if (group_size(group) == (member->is_pending ? 0 : 1))
        kafka_member_keep(self, &group->type, join->type);
    kafka_member_keep(self, &member->client, join->client);
    member->address = join->asker.address;
    member->is_pending = false;
    member->is_new = member->awaits_join = true;
    member->join = join->asker;
    member->session_timeout = kafka_api_duration(self, join->session_ms);
    member->rebalance_timeout = kafka_api_duration(self, join->rebalance_ms);
    member->protocol_count = join->protocol_count;
    kafka_member_keep(self, &member->protocols, join->protocols);
    if (group->leader == NULL)
        group->leader = member;
    if (group->is_initial_delay)
        group->has_new_member = true;
    session_arm(self, fx, member, NEW_MEMBER_TIMEOUT);
    group_prepare(self, fx, group);
}

/* GroupCoordinator.updateMemberAndRebalance; a join that still waits is answered never. */
static void member_join_again(struct kafka *self, struct effects *fx,
                              struct kafka_consumer_group *group,
                              struct kafka_group_member *member, const struct kafka_join *join)
{
    member->protocol_count = join->protocol_count;
    kafka_member_keep(self, &member->protocols, join->protocols);
    member->join = join->asker;
    member->awaits_join = true;
    group_prepare(self, fx, group);
}

static bool member_matches(const struct kafka_group_member *member,
                           const struct kafka_join *join)
{
    return member->protocol_count == join->protocol_count &&
           kafka_text_equal(member->protocols, join->protocols);
}

static void join_known(struct kafka *self, struct effects *fx,
                       struct kafka_consumer_group *group, const struct kafka_join *join)
{
    struct kafka_group_member *member = kafka_member_find(group, join->member);
    if (member == NULL || (group->state == KAFKA_GROUP_EMPTY && !member->is_pending)) {
        kafka_answer_not_joined(self, fx, &join->asker, join->member, KAFKA_UNKNOWN_MEMBER_ID);
    } else if (member->is_pending) {
        member_join(self, fx, group, member, join);
    } else if (member_matches(member, join) &&
               (group->state == KAFKA_GROUP_COMPLETING ||
                (group->state == KAFKA_GROUP_STABLE && group->leader != member))) {
        kafka_answer_joined(self, fx, &join->asker, group, member);
    } else {
        member_join_again(self, fx, group, member, join);
    }
}

static void join_unknown(struct kafka *self, struct effects *fx,
                         struct kafka_consumer_group *group, const struct kafka_join *join)
{
    if (!join->needs_known_id) {
        member_join(self, fx, group, NULL, join);
        return;
    }
    struct kafka_text id = kafka_member_new_id(self, join->client);
    struct kafka_group_member *member = kafka_member_add(self, group, id);
    arena_release(self->env->arena, (void *)(uintptr_t)id.bytes);
    member->is_pending = true;
    session_arm(self, fx, member, kafka_api_duration(self, join->session_ms));
    kafka_answer_not_joined(self, fx, &join->asker, member->id, KAFKA_MEMBER_ID_REQUIRED);
}

/* Why a join cannot be: enum kafka_error. */
static int16_t join_check(struct kafka *self, const struct kafka_join *join,
                          struct kafka_consumer_group **ret_group)
{
    uint64_t least = kafka_config(self)->session_timeout_min / MSEC(1);
    if (join->group.length == 0)
        return KAFKA_INVALID_GROUP_ID;
    if (join->session_ms < 0 || (uint64_t)join->session_ms < least ||
        join->session_ms > SESSION_MAX_MS)
        return KAFKA_INVALID_SESSION_TIMEOUT;
    *ret_group = kafka_coordinator_find(self, join->group);
    if (*ret_group == NULL && join->member.length > 0)
        return KAFKA_UNKNOWN_MEMBER_ID;
    if (*ret_group == NULL) {
        uint32_t number = kafka_groups_make(self, join->group);
        if (number == KAFKA_GROUPS_MAX)
            return KAFKA_COORDINATOR_NOT_AVAILABLE;
        *ret_group = group_open(self, number);
    }
    if (join->member.length == 0 && (*ret_group)->member_count >= KAFKA_GROUP_MEMBERS_MAX)
        return KAFKA_GROUP_MAX_SIZE_REACHED;
    if (!kafka_member_fits(*ret_group, join->type, join->protocols, join->protocol_count))
        return KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    return KAFKA_NO_ERROR;
}

void kafka_coordinator_join(struct kafka *self, struct effects *fx,
                            const struct kafka_join *join)
{
    struct kafka_consumer_group *group = NULL;
    int16_t error = join_check(self, join, &group);
    if (error != KAFKA_NO_ERROR) {
        kafka_answer_not_joined(self, fx, &join->asker, join->member, error);
        return;
    }
    if (join->member.length > 0)
        join_known(self, fx, group, join);
    else
        join_unknown(self, fx, group, join);
    group_try_complete(self, fx, group);
}

/* ---- the other requests ---- */

/* Is it a member of this generation? */
static int16_t member_check(const struct kafka_consumer_group *group, struct kafka_text id,
                            int32_t generation, struct kafka_group_member **ret_member)
{
    *ret_member = group == NULL ? NULL : kafka_member_find(group, id);
    if (*ret_member == NULL || (*ret_member)->is_pending)
        return KAFKA_UNKNOWN_MEMBER_ID;
    return generation < 0 || (uint32_t)generation != group->generation
               ? KAFKA_ILLEGAL_GENERATION
               : KAFKA_NO_ERROR;
}

static void group_assign(struct kafka *self, struct effects *fx,
                         struct kafka_consumer_group *group, struct kafka_text assignments,
                         uint32_t count)
{
    for (uint32_t i = 0; i < group->member_count; i++)
        kafka_member_keep(self, &group->members[i]->assignment, no_text);
    struct kafka_in in = kafka_in_start(assignments.bytes, assignments.length);
    for (uint32_t i = 0; i < count; i++) {
        struct kafka_group_member *member = kafka_member_find(group, kafka_in_string(&in));
        struct kafka_text assignment = kafka_in_bytes(&in);
        if (member != NULL)
            kafka_member_keep(self, &member->assignment, assignment);
    }
    group->state = KAFKA_GROUP_STABLE;
    kafka_groups_save(self, group);
    for (uint32_t i = 0; i < group->member_count; i++)
        answer_sync(self, fx, group->members[i], group->members[i]->assignment, KAFKA_NO_ERROR);
}

void kafka_coordinator_sync(struct kafka *self, struct effects *fx,
                            const struct kafka_asker *asker, struct kafka_text name,
                            struct kafka_text id, int32_t generation,
                            struct kafka_text assignments, uint32_t assignment_count)
{
    struct kafka_consumer_group *group = kafka_coordinator_find(self, name);
    struct kafka_group_member *member;
    int16_t error = member_check(group, id, generation, &member);
    if (name.length == 0)
        error = KAFKA_INVALID_GROUP_ID;
    else if (error == KAFKA_NO_ERROR && group->state == KAFKA_GROUP_PREPARING)
        error = KAFKA_REBALANCE_IN_PROGRESS;
    if (error != KAFKA_NO_ERROR) {
        kafka_answer_sync(self, fx, asker, no_text, error);
        return;
    }
    member->sync = *asker;
    member->awaits_sync = true;
    if (group->state == KAFKA_GROUP_STABLE)
        answer_sync(self, fx, member, member->assignment, KAFKA_NO_ERROR);
    else if (group->leader == member)
        group_assign(self, fx, group, assignments, assignment_count);
}

int16_t kafka_coordinator_heartbeat(struct kafka *self, struct effects *fx,
                                    struct kafka_text name, struct kafka_text id,
                                    int32_t generation)
{
    struct kafka_consumer_group *group = kafka_coordinator_find(self, name);
    struct kafka_group_member *member;
    int16_t error = member_check(group, id, generation, &member);
    if (name.length == 0)
        return KAFKA_INVALID_GROUP_ID;
    if (error != KAFKA_NO_ERROR)
        return error;
    session_arm(self, fx, member, member->session_timeout);
    return group->state == KAFKA_GROUP_PREPARING ? KAFKA_REBALANCE_IN_PROGRESS : KAFKA_NO_ERROR;
}

int16_t kafka_coordinator_leave(struct kafka *self, struct effects *fx, struct kafka_text name,
                                struct kafka_text id)
{
    struct kafka_consumer_group *group = kafka_coordinator_find(self, name);
    struct kafka_group_member *member = group == NULL ? NULL : kafka_member_find(group, id);
    if (name.length == 0)
        return KAFKA_INVALID_GROUP_ID;
    if (member == NULL)
        return KAFKA_UNKNOWN_MEMBER_ID;
    member_leave(self, fx, group, member);
    return KAFKA_NO_ERROR;
}

int16_t kafka_coordinator_may_commit(struct kafka *self, struct effects *fx,
                                     struct kafka_text name, struct kafka_text id,
                                     int32_t generation, uint32_t *ret_group)
{
    struct kafka_consumer_group *group = kafka_coordinator_find(self, name);
    struct kafka_group_member *member;
    if (group == NULL && generation >= 0)
        return KAFKA_ILLEGAL_GENERATION;
    if (generation < 0 && (group == NULL || group->state == KAFKA_GROUP_EMPTY)) {
        *ret_group = kafka_groups_make(self, name);
        return *ret_group == KAFKA_GROUPS_MAX ? KAFKA_COORDINATOR_NOT_AVAILABLE
                                              : KAFKA_NO_ERROR;
    }
    int16_t error = member_check(group, id, generation, &member);
    if (error != KAFKA_NO_ERROR)
        return error;
    if (group->state == KAFKA_GROUP_COMPLETING)
        return KAFKA_REBALANCE_IN_PROGRESS;
    session_arm(self, fx, member, member->session_timeout);
    *ret_group = group->number;
    return KAFKA_NO_ERROR;
}

/* Dead: who has an id there and has not joined yet has to ask for another. */
static void group_die(struct kafka *self, struct kafka_consumer_group *group)
{
    struct arena *arena = self->env->arena;
    uint32_t number = group->number;
    while (group->member_count > 0)
        kafka_member_remove(self, group, group->members[0]);
    kafka_member_keep(self, &group->type, null_text);
    kafka_member_keep(self, &group->protocol, null_text);
    arena_release(arena, group->members);
    arena_release(arena, group);
    self->broker->groups[number] = NULL;
    kafka_groups_forget(self, number);
}

/* GroupMetadataManager.cleanupGroupMetadata */
void kafka_coordinator_on_deleted(struct kafka *self, uint32_t topic)
{
    for (uint32_t number = 0; number < self->store->group_count; number++) {
        kafka_offsets_forget(self, number, topic);
        struct kafka_consumer_group *group = kafka_coordinator_group(self, number);
        if (group != NULL && group->state == KAFKA_GROUP_EMPTY &&
            self->store->groups[number].offset_count == 0)
            group_die(self, group);
    }
}

/* ---- the process ---- */

/* GroupCoordinator.onGroupLoaded */
void kafka_coordinator_start(struct kafka *self, struct effects *fx)
{
    for (uint32_t number = 0; number < self->store->group_count; number++) {
        struct kafka_consumer_group *group = kafka_coordinator_group(self, number);
        if (group == NULL)
            continue;
        kafka_groups_load(self, group);
        for (uint32_t i = 0; i < group->member_count; i++)
            session_arm(self, fx, group->members[i], group->members[i]->session_timeout);
    }
}

void kafka_coordinator_forget(struct kafka *self, uint32_t corr)
{
    for (uint32_t slot = 0; slot < slab_slots(&self->broker->members); slot++) {
        struct kafka_group_member *member = slab_at(&self->broker->members, slot);
        if (member == NULL)
            continue;
        member->join.is_gone |= member->join.corr == corr;
        member->sync.is_gone |= member->sync.corr == corr;
    }
}

void kafka_coordinator_digest(const struct kafka *self, struct digest *d)
{
    for (uint32_t number = 0; number < self->broker->group_max; number++) {
        const struct kafka_consumer_group *group = self->broker->groups[number];
        if (group == NULL)
            continue;
        digest_two(d, (uint64_t)group->state << 32 | group->generation, group->member_count);
        digest_two(d, group->delay_left,
                   timer_is_armed(&group->rebalance) ? group->rebalance.at : 0);
        for (uint32_t i = 0; i < group->member_count; i++) {
            const struct kafka_group_member *member = group->members[i];
            digest_two(d, kafka_text_hash(member->id),
                       timer_is_armed(&member->session) ? member->session.at : 0);
            digest_word(d, (uint64_t)member->awaits_join << 3 |
                               (uint64_t)member->awaits_sync << 2 |
                               (uint64_t)member->is_pending << 1 | member->is_new);
        }
    }
}
