/*
 * admin_behaviour.c - the list as a table: a row for each behaviour set.
 */
#include "common/admin_behaviour.h"
#include "core/assert.h"

#define FIELD_PRE_5338(field, pre_5338, at_5338, head) .field = pre_5338,
#define FIELD_5338(field, pre_5338, at_5338, head) .field = at_5338,
#define FIELD_HEAD(field, pre_5338, at_5338, head) .field = head,

const struct admin_behaviour *admin_behaviour(const struct machine_env *env)
{
    static const struct admin_behaviour sets[BEHAVIOUR_COUNT] = {
        [BEHAVIOUR_PRE_5338] = {ADMIN_BEHAVIOUR_LIST(FIELD_PRE_5338)},
        [BEHAVIOUR_5338] = {ADMIN_BEHAVIOUR_LIST(FIELD_5338)},
        [BEHAVIOUR_HEAD] = {ADMIN_BEHAVIOUR_LIST(FIELD_HEAD)},
    };
    ASSERT_OP(env->behaviour, <, BEHAVIOUR_COUNT);
    return &sets[env->behaviour];
}
