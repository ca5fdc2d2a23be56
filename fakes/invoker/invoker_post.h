#pragma once
/*
 * invoker_post.h - what the invoker's actors send each other, by upstream's names.
 */
#include "common/common.h"

#define INVOKER_POST_LIST(X)                                                                   \
    X(ENABLE, "Enable")                                                                        \
    X(GET_STATE, "GetState")                   /* main to pool: struct post_ask */             \
    X(POOL_STATE, "pool-state")                /* its answer: struct post_pool_state */        \
    X(CREATION_CONTAINER, "CreationContainer") /* consumer to pool: struct creation */         \
    X(INITIALIZE, "Initialize")                /* to a proxy: struct creation */               \
    X(INITIALIZED_DATA, "InitializedData")                                                     \
    X(CLIENT_CREATION_COMPLETED, "ClientCreationCompleted")                                    \
    X(CLIENT_CREATION_FAILED, "ClientCreationFailed")                                          \
    X(CLIENT_CLOSED, "ClientClosed")                                                           \
    X(FAILURE, "FailureMessage")                /* struct post_failure */                      \
    X(ACTIVATION, "ActivationMessage")          /* struct activation */                        \
    X(RUN_ACTIVATION, "RunActivation")          /* struct activation */                        \
    X(INIT_CODE_COMPLETED, "InitCodeCompleted") /* struct post_datum */                        \
    X(RUN_COMPLETED, "RunActivationCompleted")  /* struct post_request: its duration */        \
    X(RETRY_REQUEST, "RetryRequestActivation")                                                 \
    X(CONTAINER_PAUSED, "ContainerPaused")                                                     \
    X(STATE_TIMEOUT, "StateTimeout")                                                           \
    X(DETERMINE_KEEP, "DetermineKeepContainer")                                                \
    X(KEEP, "Keep")                                                                            \
    X(REMOVE, "Remove")                                                                        \
    X(INITIALIZED, "Initialized") /* proxy to its parent: struct post_datum */                 \
    X(RESUMED, "Resumed")                                                                      \
    X(RESUME_FAILED, "ResumeFailed") /* to the parent and to itself */                         \
    X(CREATION_FAILED, "ContainerCreationFailed")                                              \
    X(CONTAINER_IS_PAUSED, "ContainerIsPaused")                                                \
    X(CONTAINER_REMOVED, "ContainerRemoved")                                                   \
    X(START_CLIENT, "StartClient")             /* proxy to its client */                       \
    X(REQUEST_ACTIVATION, "RequestActivation") /* struct post_request */                       \
    X(CONTAINER_WARMED, "ContainerWarmed")                                                     \
    X(STOP_CLIENT, "StopClientProxy")                                                          \
    X(CLIENT_OPENED, "ActivationClient") /* struct post_opened */                              \
    X(HEALTH_MESSAGE, "HealthMessage")   /* struct post_health */                              \
    X(MEMORY_INFO, "MemoryInfo")         /* struct post_memory */                              \
    X(TEST_PREPARED, "test-prepared")    /* callbacks of the health manager */                 \
    X(TEST_START, "test-start")                                                                \
    X(READ, "read")                              /* a cached document: struct post_reading */  \
    X(START, "Start")                            /* pool to a new proxy: struct post_start */  \
    X(PREWARM_DATA, "PreWarmData")               /* docker's callback to the proxy */          \
    X(READY_TO_WORK, "ReadyToWork")              /* proxy to pool: struct post_prewarmed */    \
    X(RESCHEDULE, "RescheduleActivation")        /* proxy to its client: struct activation */  \
    X(RESCHEDULE_RESPONSE, "RescheduleResponse") /* struct post_rescheduled */                 \
    X(DELETION_CONTAINER, "DeletionContainer")   /* consumer to pool: struct creation */       \
    X(PREWARM_CONTAINER, "PrewarmContainer")     /* the pace, to the pool */                   \
    X(ADJUST_PREWARMED, "AdjustPrewarmedContainer")
#define INVOKER_POST_MEMBER(id, text) POST_##id,
enum invoker_post {
    POST_INVOKER_FIRST = POST_COMPONENT - 1,
    INVOKER_POST_LIST(INVOKER_POST_MEMBER) POST_INVOKER_END
};

enum failure {
    FAILURE_RUN,    /* developer or whisk error, or no document */
    FAILURE_CREATE, /* docker */
    FAILURE_PARSE,  /* malformed JSON */
    FAILURE_HOST,   /* gRPC status "Unable to resolve host" */
    FAILURE_STATUS, /* other gRPC status */
    FAILURE_CLOSED, /* the gRPC client is closed */
    FAILURE_MISMATCH,
    FAILURE_OTHER,
    FAILURE_HEALTH,     /* ContainerHealthError */
    FAILURE_HEALTH_RUN, /* ContainerHealthErrorWithResumedRun: struct post_failure_run */
};
struct post_failure {
    uint32_t failure;     /* enum failure */
    uint32_t is_blackbox; /* FAILURE_CREATE: the user's own image */
};
struct post_failure_run {
    struct post_failure failure;
    struct activation activation; /* to be given back */
};
struct post_start {
    duration ttl; /* 0: no end */
    uint32_t memory_mb, kind;
};
struct post_prewarmed {
    tstamp expires_at; /* TSTAMP_NEVER: no end */
    uint32_t memory_mb, kind;
};
struct post_rescheduled {
    uint32_t ok, spare;
};
struct post_request { /* RequestActivation(lastDuration?, newScheduler?) */
    uint32_t duration_ms;
    node_id scheduler;
    uint8_t has_duration, has_scheduler;
};
struct post_opened {
    node_id stored, connected;
    uint32_t spare;
};
struct post_datum {
    tstamp last_used;
    uint32_t revision;
    uint16_t is_warm;
    uint16_t replace; /* ContainerRemoved: the pool may make a prewarmed one instead */
};
struct post_memory {
    uint32_t free_mb, busy_mb, in_progress_mb, spare;
};
struct post_health {
    uint32_t good, spare;
};
struct post_ask {
    uint32_t ask, wants_json;
};
struct post_pool_state {
    uint32_t ask, count; /* busy + paused + in progress */
};
struct post_reading {
    uint32_t reading, result;
};
