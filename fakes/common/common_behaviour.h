#pragma once
/*
 * common_behaviour.h - in what the behaviour sets differ for what all components share: one
 * list, one call (as each component's own list is).
 *
 * Two processes of which one speaks Akka do not understand each other: what the one puts into
 * etcd about schedulers the other cannot parse, and no remote message arrives. JSON on topics,
 * gRPC and all other values are the same in the three sets. Kryo's serializer of CreateQueue
 * and ActivationMessage changed too (be8ac2037 #5389: the field-compatible one), after 5338
 * and before the move to Pekko, which separates the same sets: it adds nothing to `akka`.
 * Source: git history of common/scala and of Scheduler.scala from ef725a653 to 1fae641a2.
 */
#include "core/machine.h"
#include "core/key.h"

/* X(field, pre-5338, 5338, head): what was so, and the commit that ended it. */
#define COMMON_BEHAVIOUR_LIST(X)                                                               \
    /* a watch that has ended, by an error or because it was closed, is not opened again: from \
     * then on its subscribers hear nothing (6246f6a1b #5486) */                               \
    X(watch_dies, true, true, false)                                                           \
    /* the watcher has no case for GracefulShutdown (651a2e957 #5338); nobody sends it one */  \
    X(watcher_ignores_shutdown, true, false, false)                                            \
    /* Akka, not Pekko: `akkaPort` in endpoints, and addresses and remoting that the other     \
     * does not take (7538ced3e #5551) */                                                      \
    X(akka, true, true, false)

#define COMMON_BEHAVIOUR_FIELD(field, ...) bool field;
struct common_behaviour {
    COMMON_BEHAVIOUR_LIST(COMMON_BEHAVIOUR_FIELD)
};

/* Of this incarnation; never NULL. */
const struct common_behaviour *common_behaviour(const struct machine_env *env);

/* What a scheduler of this behaviour set writes about itself: VALUE_ENDPOINTS, or
 * VALUE_SCHEDULER with its number of leader queues. */
struct value endpoints_value(const struct machine_env *env, enum value_kind kind,
                             uint32_t queue_size);
/* SchedulerEndpoints.parse, SchedulerStates.parse: is it a value of this kind, of a scheduler,
 * written by a process that speaks as this one does (Scheduler.scala:368-414)? */
bool endpoints_parse(const struct machine_env *env, enum value_kind kind,
                     const struct value *value);
/* The same of a remote message, by the bit that its sender put into it. */
bool remoting_connects(const struct machine_env *env, bool is_sender_akka);
