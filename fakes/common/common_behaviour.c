/*
 * common_behaviour.c - the list as a table: a row for each behaviour set; and what Akka and
 * Pekko do not read of each other.
 */
#include "common/common_behaviour.h"
#include "core/assert.h"
#include "core/cluster.h"

#define FIELD_PRE_5338(field, pre_5338, at_5338, head) .field = pre_5338,
#define FIELD_5338(field, pre_5338, at_5338, head) .field = at_5338,
#define FIELD_HEAD(field, pre_5338, at_5338, head) .field = head,

const struct common_behaviour *common_behaviour(const struct machine_env *env)
{
    static const struct common_behaviour sets[BEHAVIOUR_COUNT] = {
        [BEHAVIOUR_PRE_5338] = {COMMON_BEHAVIOUR_LIST(FIELD_PRE_5338)},
        [BEHAVIOUR_5338] = {COMMON_BEHAVIOUR_LIST(FIELD_5338)},
        [BEHAVIOUR_HEAD] = {COMMON_BEHAVIOUR_LIST(FIELD_HEAD)},
    };
    ASSERT_OP(env->behaviour, <, BEHAVIOUR_COUNT);
    return &sets[env->behaviour];
}

struct value endpoints_value(const struct machine_env *env, enum value_kind kind,
                             uint32_t queue_size)
{
    ASSERT(kind == VALUE_ENDPOINTS || kind == VALUE_SCHEDULER);
    ASSERT(kind == VALUE_SCHEDULER || queue_size == 0);
    return (struct value){.kind = (uint8_t)kind,
                          .status =
                              common_behaviour(env)->akka ? ENDPOINTS_AKKA : ENDPOINTS_PEKKO,
                          .node = env->node,
                          .a = queue_size};
}

bool endpoints_parse(const struct machine_env *env, enum value_kind kind,
                     const struct value *value)
{
    const struct cluster *c = env->cluster;
    /* A text: whose address it names is not looked at. */
    return value->kind == kind && value->node < c->node_count &&
           remoting_connects(env, value->status == ENDPOINTS_AKKA);
}

bool remoting_connects(const struct machine_env *env, bool is_sender_akka)
{
    return common_behaviour(env)->akka == is_sender_akka;
}
