#pragma once
/*
 * scheduler_post.h - what the scheduler's actors send each other, and their timers.
 */
#include "common/common.h"

#define SCHEDULER_POST_LIST(X)                                                                 \
    X(ACTIVATION, "activation")           /* struct post_activation */                         \
    X(START, "start")                     /* manager to a new queue */                         \
    X(VERSION_UPDATED, "version-updated") /* manager to a queue of a new revision */           \
    X(GET_ACTIVATION, "get-activation")   /* ask to queue: struct post_get */                  \
    X(POLL_DONE, "poll-done")             /* queue to callback: struct post_poll_done */       \
    X(ASK_ANSWER, "answer")               /* to an ask: struct post_answer */                  \
    X(DECISION, "decision")               /* decision maker to queue: post_decision */         \
    X(ENABLE_THROTTLING, "enable-namespace-throttling") /* queue to itself: post_decision */   \
    X(DISABLE_THROTTLING, "disable-namespace-throttling")                                      \
    X(JOB_SUCCEEDED, "successful-creation-job") /* struct post_job */                          \
    X(JOB_FAILED, "failed-creation-job")        /* struct post_job */                          \
    X(STOP_OUTDATED, "stop-scheduling-as-outdated")                                            \
    X(DROP_OLD, "drop-old")                                                                    \
    X(GET_STATE, "get-state") /* struct post_question */                                       \
    X(QUEUE_REMOVED_COMPLETED, "queue-removed-completed")                                      \
    X(QUEUE_REMOVED, "queue-removed")          /* queue to manager: struct post_removed */     \
    X(RECOVER_QUEUE, "recover-queue")          /* struct post_activation */                    \
    X(QUESTION, "question")                    /* main to manager: struct post_question */     \
    X(SIZE, "size")                            /* manager to gather: struct post_state */      \
    X(STATE, "state")                          /* queue to gather: struct post_state */        \
    X(WORK_MONITOR, "monitor")                 /* struct post_work */                          \
    X(WORK_DROP, "drop-check")                 /* struct post_work */                          \
    X(LIMIT, "limit")                          /* struct post_work */                          \
    X(SNAPSHOT, "snapshot")                    /* struct post_snapshot */                      \
    X(CREATE, "container-creation")            /* struct post_create */                        \
    X(RESCHEDULE, "rescheduling-creation-job") /* struct post_create */                        \
    X(DELETE, "container-deletion")            /* struct post_create */                        \
    X(REGISTER_JOB, "register-creation-job")   /* struct post_create */                        \
    X(FINISH_JOB, "finish-creation-job")       /* struct post_job */                           \
    X(COUNT_READY, "ready-to-get-count")       /* struct post_work */                          \
    X(DECIDED, "decided")                      /* decision maker's callback: post_decision */  \
    X(UPDATE_QUEUE, "update-memory-queue")     /* struct post_update */                        \
    X(CREATE_NEW_QUEUE, "create-new-queue")    /* struct post_activation */                    \
    X(QUEUE_REACTIVATED, "queue-reactivated")  /* struct post_removed; nobody sends it */
#define SCHEDULER_POST_MEMBER(id, text) POST_##id,
enum scheduler_post {
    POST_BEFORE_SCHEDULER = POST_COMPONENT - 1,
    SCHEDULER_POST_LIST(SCHEDULER_POST_MEMBER) POST_SCHEDULER_END
};

enum scheduler_timer {
    TIMER_QUEUE_STATE = TIMER_COMPONENT, /* silence */
    TIMER_QUEUE_FLUSH,                   /* "StopQueue" */
    TIMER_QUEUE_REMOVED,                 /* "RemovedQueue" */
    TIMER_QUEUE_POLL,
    TIMER_QUEUE_MONITOR,
    TIMER_QUEUE_DROP,
    TIMER_QUEUE_SET,
    TIMER_ASK,
    TIMER_GATHER,
    TIMER_CALL,
    TIMER_JOB,
    TIMER_RETRY,
    TIMER_REPORT,
    TIMER_SHUTDOWN,
    TIMER_BOUNCE,
};

struct post_activation {
    struct activation activation;
    uint32_t is_own; /* the manager is the sender */
    uint32_t spare;
};
struct post_update { /* an activation of a newer revision than the queue here has */
    struct activation activation;
    uint32_t old_revision;
    uint32_t spare;
};
struct post_get {
    uint32_t container;
    uint32_t duration_ms;
    uint32_t revision;
    action_id action;
    node_id invoker;
    uint8_t warmed, alive, has_duration, spare;
};
struct post_answer {
    struct activation activation;
    uint32_t container;
    uint32_t result; /* enum fetch_result */
};
struct post_poll_done {
    struct post_answer answer;
    uint32_t ask;  /* actor_id */
    uint32_t poll; /* reference of the poll, whose timer an activation cancels */
};
struct post_decision {
    uint32_t kind; /* enum decision_kind */
    int32_t count;
};
struct post_create {
    uint32_t first, count; /* creation ids in a row */
    uint32_t revision;
    action_id action;
    namespace_id ns;
    uint32_t retry;
    uint32_t spare;
};
struct post_job {
    uint32_t creation, revision;
    action_id action;
    namespace_id ns;
    uint8_t error; /* enum creation_error; 0: done */
    uint8_t retry;
    uint8_t spare[2];
};
struct post_removed {
    uint32_t revision;
    action_id action;
    namespace_id ns;
    uint32_t has_key; /* the leader key is given up, too */
};
struct post_question {
    uint32_t gather;   /* actor_id */
    uint32_t position; /* in the pool */
    uint32_t what;     /* enum route */
};
struct post_state {
    uint32_t position, count; /* the text, if asked for, lies in the gather already */
};
struct post_work {
    uint32_t epoch;  /* of the worker; COUNT_READY: which prefix */
    uint32_t result; /* LIMIT: enum document_result */
};
struct post_snapshot {
    uint32_t waiting, existing, in_progress, stale;
    uint32_t namespace_existing, namespace_in_progress;
    double duration_ms;
    uint32_t namespace_limit;
    uint8_t state, initialized, incoming, has_duration;
};
