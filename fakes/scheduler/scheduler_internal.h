#pragma once
/*
 * scheduler_internal.h - what the scheduler's topic files share: the machine, its posts and
 * timers, its tables.
 */
#include "common/admin.h"
#include "common/common_behaviour.h"
#include "common/data.h"
#include "common/etcd_call.h"
#include "common/feed.h"
#include "common/lease.h"
#include "common/producer.h"
#include "common/watcher.h"
#include "core/actor.h"
#include "core/assert.h"
#include "core/fsm.h"
#include "scheduler/scheduler.h"
#include "scheduler/scheduler_behaviour.h"
#include "scheduler/scheduler_decision.h"
#include "scheduler/scheduler_call.h"
#include "scheduler/scheduler_pool.h"
#include "scheduler/scheduler_post.h"
#include "scheduler/scheduler_slots.h"

struct scheduler;
struct queue;

#define ACTOR_MANAGER_ID ACTOR(ACTOR_QUEUE_MANAGER, 0, 0)
#define ACTOR_CONTAINERS_ID ACTOR(ACTOR_CONTAINER_MANAGER, 0, 0)
#define ACTOR_JOBS_ID ACTOR(ACTOR_JOB_MANAGER, 0, 0)
#define ACTOR_CALLBACK_ID ACTOR(ACTOR_CALLBACK, 0, 0)
#define ACTOR_REPORTER_ID ACTOR(ACTOR_MONITOR, 0, 0xffff)
#define ACTOR_PRODUCER_ID ACTOR(ACTOR_PRODUCER, 0, 0)
#define ACTOR_STORE_ID ACTOR(ACTOR_PRODUCER, 1, 0)

/* ---- the smaller actors ---- */

struct counter { /* ContainerCounter of a namespace */
    struct counter *next;
    uint32_t existing, in_progress;
    int32_t references;
    uint32_t holders; /* queues that read it, closed or not */
    uint32_t generation;
    namespace_id ns;
    bool is_listed;             /* the one that a new queue gets */
    bool counting[2], again[2]; /* in-progress, existing */
};
struct counters { /* of one namespace: those that a queue still reads */
    struct counter *first;
    uint32_t generation; /* of the newest */
};
struct counter *counter_open(struct scheduler *self, struct effects *fx, namespace_id ns);
void counter_close(struct scheduler *self, struct effects *fx, struct counter *counter);
void counter_release(struct scheduler *self, struct counter *counter); /* its reader ended */
struct counter *counter_of(struct scheduler *self, namespace_id ns);   /* listed; or NULL */
void counter_digest(const struct scheduler *self, struct digest *d);
void counter_on_message(struct scheduler *self, const struct message *m, struct effects *fx);

enum limit_state { LIMIT_UNKNOWN, LIMIT_READING, LIMIT_KNOWN };
struct limit { /* a namespace's identity, once read, or that there is none */
    uint8_t state;
    uint8_t result; /* enum document_result */
    uint32_t concurrent;
    tstamp read_at;
};

struct metadata {      /* of an action, in the document cache */
    uint32_t revision; /* 0: none */
    tstamp read_at;
};

struct reservation { /* inProgressWarmedContainers */
    uint32_t creation;
    struct key key;
};
struct containers {     /* ContainerManager */
    struct key *warmed; /* sorted by key_compare */
    uint32_t warmed_count, warmed_max;
    struct reservation *reservations; /* in order of reservation */
    uint32_t reservation_count, reservation_max;
    uint8_t *warmed_up; /* by invoker index */
};
void container_start(struct scheduler *self, struct effects *fx);
void container_on_message(struct scheduler *self, const struct message *m, struct effects *fx);
void container_digest(const struct scheduler *self, struct digest *d);
/* Register the job of creation `id` of the batch, and order it of an invoker. */
void container_send(struct scheduler *self, struct effects *fx, actor_id actor,
                    const struct post_create *create, uint32_t id, node_id invoker);
void container_fail(struct scheduler *self, struct effects *fx, actor_id actor,
                    const struct post_create *create, uint32_t id, enum creation_error error);
/* How many of the untagged invokers are in each pool: at least one, and in small clusters they
 * overlap (ContainerManager.scala:328-332, 446-449). */
uint32_t placement_managed(const struct scheduler_config *config, uint32_t untagged);
uint32_t placement_blackbox(const struct scheduler_config *config, uint32_t untagged);
void container_warm_up(struct scheduler *self, struct effects *fx, node_id invoker);
/* A warmed container for a creation: where it is, NODE_NONE if there is none. */
node_id container_reserve(struct scheduler *self, const struct post_create *create,
                          uint32_t id);

struct job { /* creationJobPool */
    struct timer timer;
    struct post_create create;
};
struct retry { /* a creation that waits to be scheduled again */
    struct timer timer;
    struct retry *next, *prev;
    struct post_create create;
};
struct jobs {          /* CreationJobManager */
    struct job **open; /* sorted by creation id */
    uint32_t count, max;
    struct retry *retries;
};
void job_on_message(struct scheduler *self, const struct message *m, struct effects *fx);
void job_on_item(struct scheduler *self, const struct message *m, struct effects *fx);
void job_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx);
void job_on_retry(struct scheduler *self, struct timer *timer, struct effects *fx);
struct job *job_find(struct scheduler *self, uint32_t creation);
void job_digest(const struct scheduler *self, struct digest *d);
bool creation_is_whisk_error(uint8_t error); /* Message.scala:688-697 */

struct ask {            /* one fetch, waiting for a queue's answer */
    struct timer timer; /* 5 s */
    uint32_t ref;
    node_id from;
    actor_id from_actor, to_actor;
    uint32_t corr;
};
struct gather {             /* one admin question to all queues */
    struct timer timer;     /* 5 s */
    struct message request; /* its headers are ours */
    uint32_t ref;
    uint8_t what; /* enum route */
    uint32_t expected, answered;
    uint64_t sum;
    blob *texts; /* arena block, by position in the pool */
};
struct bounce { /* an activation between a removed queue and the manager */
    struct timer timer;
    struct bounce *next, *prev;
    struct activation activation;
    actor_id queue; /* still in this queue's mailbox; 0: in the manager's */
    uint32_t cause;
};

struct scheduler {
    uint32_t creation_ordinal, durable_spare; /* durable: ids never come twice */
    const struct machine_env *env;
    const struct scheduler_config *config;
    struct timers timers;
    struct lease lease;
    struct watcher watcher;
    struct data *data;
    struct feed feeds[2]; /* activations, creation acks */
    struct pool pool;
    struct slots queues, polls, asks, gathers, calls;
    struct counters *counters; /* by namespace; the last is whisk.system */
    struct limit *limits;
    struct metadata *metadata; /* by action */
    struct containers containers;
    struct jobs jobs;
    struct bounce *bounces;
    struct producer producer;
    struct timer report_timer, shutdown_timer;
    struct etcd_retry etcd_retry; /* of reads */
    node_id etcd, database;
    uint32_t corr;
    bool is_shutting_down;
};

static inline uint32_t scheduler_corr(struct scheduler *self)
{
    return ++self->corr;
}
/* Index of a namespace in counters and limits, UINT32_MAX if unknown. */
uint32_t scheduler_namespace_index(const struct scheduler *self, namespace_id ns);
/* Complete an activation with an error: record and ack, as upstream's two error paths do. */
void scheduler_complete(struct scheduler *self, struct effects *fx, actor_id actor,
                        const struct activation *activation, enum response_status response,
                        enum error_text error, enum ack_instance instance);
/* An activation fell: its receiver is gone. */
void scheduler_lose(struct effects *fx, actor_id actor, activation_id id);
void scheduler_produce(struct scheduler *self, struct effects *fx, uint32_t topic,
                       const struct entry *entry);
struct post_activation *scheduler_post_activation(struct effects *fx, actor_id from,
                                                  actor_id to, const struct activation *a);

void manager_start(struct scheduler *self, struct effects *fx);
void manager_on_message(struct scheduler *self, const struct message *m, struct effects *fx);
void manager_on_reporter(struct scheduler *self, const struct message *m, struct effects *fx);
void manager_on_report(struct scheduler *self, struct effects *fx);
void manager_on_shutdown_timer(struct scheduler *self, struct effects *fx);
/* handleActivationMessage, on whatever thread: `actor` is whose turn it is. */
void lookup_route(struct scheduler *self, struct effects *fx, actor_id actor,
                  const struct activation *a);
void lookup_on_item(struct scheduler *self, const struct message *m, struct effects *fx);
void recover_start(struct scheduler *self, struct effects *fx, const struct activation *a);
/* createNewQueue: read the action of this revision, then CREATE_NEW_QUEUE. */
void update_start(struct scheduler *self, struct effects *fx, const struct activation *a);
void update_digest(const struct scheduler *self, struct digest *d);

void fetch_on_message(struct scheduler *self, const struct message *m, struct effects *fx);
void ask_on_message(struct scheduler *self, const struct message *m, struct effects *fx);
void ask_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx);
void reschedule_on_message(struct scheduler *self, const struct message *m, struct effects *fx);

void route_on_request(struct scheduler *self, const struct message *m, struct effects *fx);
void route_on_question(struct scheduler *self, const struct message *m, struct effects *fx);
void gather_on_message(struct scheduler *self, const struct message *m, struct effects *fx);
void gather_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx);

void bounce_add(struct scheduler *self, struct effects *fx, actor_id queue,
                const struct activation *a);
void bounce_lose(struct scheduler *self, struct effects *fx, actor_id queue);
void bounce_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx);
