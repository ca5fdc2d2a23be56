#pragma once
/*
 * watcher_behaviour.h - in what the behaviour sets differ for every component's watcher: one
 * list, one call (as each component's own list is).
 *
 * Source: git history of WatcherService.scala from ef725a653 to 1fae641a2.
 */
#include "core/machine.h"

/* X(field, pre-5338, 5338, head): what was so, and the commit that ended it. */
#define WATCHER_BEHAVIOUR_LIST(X)                                                              \
    /* a stream that has ended, by an error or because it was closed, is not opened again:     \
     * from then on its subscribers hear nothing (6246f6a1b #5486) */                                     \
    X(stays_blind, true, true, false)                                                          \
    /* GracefulShutdown means nothing to it (651a2e957 #5338) */                               \
    X(no_graceful_shutdown, true, false, false)

#define WATCHER_BEHAVIOUR_FIELD(field, ...) bool field;
struct watcher_behaviour {
    WATCHER_BEHAVIOUR_LIST(WATCHER_BEHAVIOUR_FIELD)
};

/* Of this incarnation; never NULL. */
const struct watcher_behaviour *watcher_behaviour(const struct machine_env *env);
