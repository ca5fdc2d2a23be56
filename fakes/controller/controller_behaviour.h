#pragma once
/*
 * controller_behaviour.h - in what the controller's behaviour sets differ: one list, one call.
 *
 * A field is named after what was so before its fix. What all components' HTTP rules differ in
 * (the routes for a roll, CORS) is in common/admin_behaviour.h. What was fixed before 1 Nov
 * 2022 (the binding of a queue's creation #5267, the time-out's addend #4700) is the same in
 * all sets; defaults of configuration keys are HEAD's in all of them. Source: git history of
 * core/controller from ef725a653 to 1fae641a2.
 */
#include "core/machine.h"

/* X(field, pre-5338, 5338, head): what was so, and the commit that ended it. */
#define CONTROLLER_BEHAVIOUR_LIST(X)                                                           \
    /* the list of invokers is filled up from 0, not from the first that has a key             \
     * (aea3a8814 #5464) */                                                                    \
    X(invokers_from_zero, true, true, false)

#define CONTROLLER_BEHAVIOUR_FIELD(field, ...) bool field;
struct controller_behaviour {
    CONTROLLER_BEHAVIOUR_LIST(CONTROLLER_BEHAVIOUR_FIELD)
};

/* Of this incarnation; never NULL. */
const struct controller_behaviour *controller_behaviour(const struct machine_env *env);
