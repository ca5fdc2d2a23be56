/*
 * kafka_group.c - who may read a topic; states are drawn in kafka.h.
 *
 * Source: kafka.coordinator.group.GroupCoordinator (2.7.0): addMemberAndRebalance,
 * prepareRebalance (initial delay for a group that was empty), onExpireHeartbeat,
 * onGroupLoaded. A join that waits is not dropped when its process dies: its socket is muted.
 */
#include "kafka/kafka_internal.h"

#define JOINERS_FIRST 4u

void kafka_group_init(struct kafka *self, uint32_t slot)
{
    struct kafka_group *group = &self->groups[slot];
    group->session.kind = KAFKA_SESSION;
    group->delay.kind = KAFKA_DELAY;
    group->long_poll.kind = KAFKA_LONG_POLL;
    group->session.actor = group->delay.actor = group->long_poll.actor = ACTOR_MAIN_ID;
    group->session.arg = group->delay.arg = group->long_poll.arg = slot;
}

void kafka_group_start(struct kafka *self, struct effects *fx, uint32_t slot)
{
    if (self->topics[slot].member.generation != 0)
        kafka_group_touch(self, fx, slot);
}

bool kafka_group_is_member(const struct kafka *self, uint32_t slot, uint32_t generation)
{
    return generation != 0 && self->topics[slot].member.generation == generation;
}

void kafka_group_touch(struct kafka *self, struct effects *fx, uint32_t slot)
{
    ASSERT_OP(self->topics[slot].member.generation, !=, 0);
    timers_arm(&self->timers, fx, &self->groups[slot].session,
               kafka_config(self)->session_timeout, true);
}

static void group_answer_join(struct kafka *self, struct effects *fx, uint32_t slot,
                              const struct message *m)
{
    const struct kafka_topic *topic = &self->topics[slot];
    struct message *reply = effects_reply(fx, m, MSG_KAFKA_JOINED);
    reply->u.kafka.topic = m->u.kafka.topic;
    reply->u.kafka.member = topic->member.generation;
    reply->u.kafka.offset = topic->committed;
    reply->u.kafka.ok = 1;
}

/* The first who waits becomes the member. */
static void group_admit(struct kafka *self, struct effects *fx, uint32_t slot)
{
    struct kafka_topic *topic = &self->topics[slot];
    struct kafka_group *group = &self->groups[slot];
    ASSERT_OP(topic->member.generation, ==, 0);
    ASSERT_OP(group->joiner_count, >, 0);
    struct message m = group->joiners[0];
    group->joiner_count--;
    memmove(group->joiners, group->joiners + 1, group->joiner_count * sizeof m);
    topic->generation++;
    topic->member = (struct kafka_member){
        .generation = topic->generation, .node = m.from, .actor = m.from_actor, .corr = m.corr};
    uint32_t cause = fx->cause;
    fx->cause = m.cause;
    group_answer_join(self, fx, slot, &m);
    fx->cause = cause;
    kafka_group_touch(self, fx, slot);
}

/* The member is gone: its session ended, or it left. */
static void group_drop_member(struct kafka *self, struct effects *fx, uint32_t slot)
{
    kafka_end_poll(self, fx, slot, false);
    timers_cancel(&self->timers, &self->groups[slot].session);
    self->topics[slot].member = (struct kafka_member){0};
}

static bool is_same_request(const struct message *a, const struct message *b)
{
    return a->from == b->from && a->from_actor == b->from_actor && a->corr == b->corr;
}

static bool group_has_joiner(const struct kafka_group *group, const struct message *m)
{
    for (uint32_t i = 0; i < group->joiner_count; i++) {
        if (is_same_request(&group->joiners[i], m))
            return true;
    }
    return false;
}

static void group_add_joiner(struct kafka *self, struct kafka_group *group,
                             const struct message *m)
{
    if (group->joiner_count == group->joiner_max) {
        group->joiner_max = group->joiner_max == 0 ? JOINERS_FIRST : group->joiner_max * 2;
        group->joiners = arena_grow(self->env->arena, self->env->node, group->joiners,
                                    group->joiner_max * sizeof group->joiners[0]);
    }
    group->joiners[group->joiner_count++] = *m;
}

void kafka_group_on_join(struct kafka *self, const struct message *m, struct effects *fx,
                         uint32_t slot)
{
    struct kafka_topic *topic = &self->topics[slot];
    struct kafka_group *group = &self->groups[slot];
    const struct kafka_member *member = &topic->member;
    if (group_has_joiner(group, m))
        return; /* the same request twice */
    if (member->generation != 0 && member->node == m->from && member->actor == m->from_actor &&
        member->corr == m->corr) {
        group_answer_join(self, fx, slot, m);
        return;
    }
    /* A consumer that was closed and made anew has left its group (LeaveGroup). */
    if (kafka_group_is_member(self, slot, m->u.kafka.member))
        group_drop_member(self, fx, slot);
    group_add_joiner(self, group, m);
    if (member->generation != 0 || timer_is_armed(&group->delay))
        return;
    duration delay = kafka_config(self)->initial_rebalance_delay;
    if (delay == 0)
        group_admit(self, fx, slot);
    else
        timers_arm(&self->timers, fx, &group->delay, delay, true);
}

void kafka_group_on_timer(struct kafka *self, struct effects *fx, uint32_t slot,
                          enum kafka_timer kind)
{
    switch (kind) {
    case KAFKA_SESSION:
        group_drop_member(self, fx, slot);
        if (self->groups[slot].joiner_count > 0)
            group_admit(self, fx, slot);
        break;
    case KAFKA_DELAY:
        group_admit(self, fx, slot);
        break;
    case KAFKA_LONG_POLL:
        kafka_end_poll(self, fx, slot, true);
        break;
    case KAFKA_FETCH_WAIT: /* the protocol's timers go elsewhere: kafka.c */
    case KAFKA_MEMBER_SESSION:
    case KAFKA_REBALANCE:
        break;
    }
}

void kafka_group_digest(const struct kafka *self, uint32_t slot, struct digest *d)
{
    const struct kafka_member *member = &self->topics[slot].member;
    const struct kafka_group *group = &self->groups[slot];
    digest_two(d, (uint64_t)member->generation << 32 | member->corr,
               (uint64_t)member->node << 32 | member->actor);
    digest_two(d, (uint64_t)group->has_poll << 32 | group->joiner_count,
               group->has_poll ? group->poll.u.kafka.offset : 0);
    const struct timer *timers[] = {&group->session, &group->delay, &group->long_poll};
    for (unsigned i = 0; i < sizeof timers / sizeof timers[0]; i++)
        digest_word(d, timer_is_armed(timers[i]) ? timers[i]->at : 0);
    for (uint32_t i = 0; i < group->joiner_count; i++) {
        const struct message *m = &group->joiners[i];
        digest_two(d, (uint64_t)m->from << 32 | m->from_actor, m->corr);
    }
}
