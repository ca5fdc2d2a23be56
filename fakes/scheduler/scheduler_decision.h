#pragma once
/*
 * scheduler_decision.h - SchedulingDecisionMaker as a pure function.
 * Source: SchedulingDecisionMaker.scala:65-296 at 1fae641a2; older rows at 651a2e957.
 */
#include <stdbool.h>
#include <stdint.h>
#include "core/names.h"
#include "scheduler/scheduler_behaviour.h"

/* In the order of fsm.c's names. */
enum queue_state {
    QUEUE_UNINITIALIZED,
    QUEUE_RUNNING,
    QUEUE_IDLE,
    QUEUE_FLUSHING,
    QUEUE_NAMESPACE_THROTTLED,
    QUEUE_ACTION_THROTTLED,
    QUEUE_REMOVING,
    QUEUE_REMOVED,
    QUEUE_STATE_COUNT
};

#define DECISION_LIST(X)                                                                       \
    X(SKIP, "Skip")                                                                            \
    X(ADD_INITIAL, "AddInitialContainer")                                                      \
    X(ADD, "AddContainer")                                                                     \
    X(ENABLE_THROTTLING, "EnableNamespaceThrottling")                                          \
    X(ENABLE_THROTTLING_DROP, "EnableNamespaceThrottling(dropMsg)")                            \
    X(DISABLE_THROTTLING, "DisableNamespaceThrottling")                                        \
    X(PAUSING, "Pausing")
#define DECISION_MEMBER(id, text) DECISION_##id,
enum decision_kind { DECISION_LIST(DECISION_MEMBER) DECISION_COUNT };
NAMES_DECLARE(decision)

struct decision_input {
    const struct scheduler_behaviour *behaviour;
    enum queue_state state;
    bool initialized, has_duration, allow_over_provision;
    int32_t incoming, waiting; /* inc, cur */
    int32_t existing, in_progress, stale;
    int32_t namespace_existing, namespace_in_progress;
    int32_t namespace_limit, action_limit, concurrency;
    double duration_ms, stale_ms, over_provision_ratio;
};

struct decision {
    enum decision_kind kind;
    int32_t count;
};

struct decision decide(const struct decision_input *in);

/* math.ceil(d).toInt: rounds up, saturates at 32 bits. NaN gives 0. */
int32_t ceil_int(double value);
