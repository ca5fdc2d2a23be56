#pragma once
/*
 * admin_behaviour.h - in what the behaviour sets differ for every component's HTTP rules: one
 * list, one call (as each component's own list is).
 *
 * Source: git history of BasicHttpService.scala, Controller.scala, FPCSchedulerServer.scala and
 * FPCInvokerServer.scala from ef725a653 to 1fae641a2.
 */
#include "core/machine.h"

/* X(field, pre-5338, 5338, head): what was so, and the commit that ended it. */
#define ADMIN_BEHAVIOUR_LIST(X)                                                                \
    /* the routes for a roll (struct admin_route, since_5338) do not exist                     \
     * (651a2e957 #5338) */                                                                    \
    X(no_roll_routes, true, false, false)                                                      \
    /* neither CORS headers nor OPTIONS on administration routes (85788875d #5351) */          \
    X(no_cors, true, true, false)

#define ADMIN_BEHAVIOUR_FIELD(field, ...) bool field;
struct admin_behaviour {
    ADMIN_BEHAVIOUR_LIST(ADMIN_BEHAVIOUR_FIELD)
};

/* Of this incarnation; never NULL. */
const struct admin_behaviour *admin_behaviour(const struct machine_env *env);
