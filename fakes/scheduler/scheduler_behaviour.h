#pragma once
/*
 * scheduler_behaviour.h - in what the scheduler's behaviour sets differ: one list, one call.
 *
 * A field is named after what was so before its fix. Code that differs reads its field through
 * scheduler_behaviour(); nothing else of the scheduler asks for the set. The sets of a queue
 * that were plain fields before #5338 are a bug switch (lost-creation-id). Fixed before 14 Oct
 * 2022, and so alike in all sets: flushing at once, throttling that went to Flushing, outdated
 * queues that kept their messages, polls of deleted containers, warmed containers of any
 * revision or of disabled invokers, health data put every second.
 * Source: git history of core/scheduler from ef725a653 to 1fae641a2.
 */
#include "core/machine.h"

/* X(field, pre-5338, 5338, head): what was so, and the commit that ended it. */
#define SCHEDULER_BEHAVIOUR_LIST(X)                                                            \
    /* a Running or throttled queue that is shut down tells the manager at once, and is out of \
     * the pool while it still holds messages (651a2e957 #5338) */                             \
    X(queue_removed_on_shutdown, true, false, false)                                           \
    /* Idle and Flushing go to Removed without telling the manager (from 651a2e957 #5338 to    \
     * cb3b64f84 #5391) */                                                                     \
    X(removed_silently, false, true, false)                                                    \
    /* a drained queue in Removing sends itself QueueRemovedCompleted, and so stops            \
     * (651a2e957 #5338) */                                                                    \
    X(completes_itself, true, false, false)                                                    \
    /* Removed ends by silence alone, however long it is kept awake (fedf02278 #5388) */       \
    X(no_removed_timer, true, true, false)                                                     \
    /* RecoverQueue and the handling of cycles compare the action alone, not the namespace     \
     * that invokes it (9371d6290 #5432) */                                                    \
    X(cycle_ignores_namespace, true, true, false)                                              \
    /* with stale messages and a known duration, containers for all messages are ordered; else \
     * the stale ones are not left out of the rest (07c920249 #5344) */                        \
    X(stale_uses_all, true, true, false)                                                       \
    /* a container counts as one that runs one activation at a time (415ae98fd #5378) */       \
    X(no_concurrency, true, true, false)                                                       \
    /* the average of more than two durations leaves out the least and the greatest ever seen, \
     * the least being 0, and divides by two less (de3e0a8fd #5396) */                         \
    X(trimmed_average, true, true, false)                                                      \
    /* a duration of 0 or less is taken as it is (de3e0a8fd #5396) */                          \
    X(any_duration, true, true, false)                                                         \
    /* the namespace's limit alone counts, and an order beyond the capacity always throttles   \
     * (72bb2a1fc #5287) */                                                                    \
    X(no_action_limit, true, true, false)                                                      \
    /* Flushing does not end at a creation that the action's limits forbid (61ca4c8fe #5229)   \
     */                                                                                        \
    X(action_limit_not_checked, true, true, false)                                             \
    /* the configuration of over-provisioning is unknown (077fb6d24 #5284) */                  \
    X(no_over_provision, true, true, false)                                                    \
    /* /queue/total, /queue/status with numbers of activations, /state by scheduler and no     \
     * /activation/count (651a2e957 #5338) */                                                  \
    X(routes_before_5338, true, false, false)                                                  \
    /* a queue's data is told as its class prints it, with the workers (651a2e957 #5338) */    \
    X(plain_state_data, true, false, false)                                                    \
    /* an admin question gives the queue manager 5 s, not 1 min (651a2e957 #5338) */           \
    X(short_status_asks, true, false, false)

#define SCHEDULER_BEHAVIOUR_FIELD(field, ...) bool field;
struct scheduler_behaviour {
    SCHEDULER_BEHAVIOUR_LIST(SCHEDULER_BEHAVIOUR_FIELD)
};

/* Of this incarnation; never NULL. */
const struct scheduler_behaviour *scheduler_behaviour(const struct machine_env *env);
