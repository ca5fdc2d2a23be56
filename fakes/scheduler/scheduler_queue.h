#pragma once
/*
 * scheduler_queue.h - one MemoryQueue: activations of one action waiting for containers.
 * Source: MemoryQueue.scala:140-1115 at 1fae641a2; the transition table is in its handlers.
 */
#include "core/shared_set.h"
#include "scheduler/scheduler_internal.h"

struct waiting {
    struct activation activation;
    tstamp enqueued_at;
    uint32_t cause; /* the record that brought it here */
    uint32_t spare;
};
struct poll {           /* a container's buffered request */
    struct timer timer; /* 1 s; goes on when the poll ends without an activation */
    uint32_t ref;
    actor_id queue, ask;
    uint32_t container, sequence;
    node_id invoker;
    bool warmed, is_open;
};
struct drop_worker { /* one is lost at every NamespaceThrottled -> Running, and runs on */
    struct timer timer;
    struct drop_worker *next;
    uint32_t number;
};

#define DURATIONS_MAX 64u
/* The name of our watch registrations: the same for every queue, since upstream names them by
 * action and revision, which the key says already (MemoryQueue.scala:208-214). */
#define WATCH_QUEUE 0x300u
struct queue {
    struct scheduler *scheduler;
    actor_id actor;
    namespace_id ns;
    action_id action;
    uint32_t revision;
    uint8_t state; /* enum queue_state */
    bool outdated, initialized, is_stopped;
    uint8_t flush_error, flush_text; /* FlushingData */
    bool active_during_flush;        /* the same */
    bool is_monitoring;
    uint16_t limit_waits;    /* look-ups that wait for the read; the last is of limit_epoch */
    struct counter *counter; /* NULL: not constructed yet */
    struct shared_set containers, creations;
    struct waiting *messages; /* ring, size a power of two */
    uint32_t head, count, max;
    struct poll **polls; /* ascending (warmed, container, age): the last is served first */
    uint32_t poll_count, poll_max, poll_sequence;
    uint32_t durations_ms[DURATIONS_MAX];
    uint32_t duration_count, duration_next;
    uint32_t duration_max; /* of all that ever came */
    bool has_average;
    double average_ms;
    struct timer state_timer, flush_timer, removed_timer, monitor_timer;
    uint32_t monitor_epoch, limit_epoch, drop_number;
    struct drop_worker *workers, *worker; /* all; the one that is known */
    struct message *stash;
    uint32_t stash_count, stash_max;
    uint64_t recorded, recorded2; /* last SNAPSHOT */
    uint32_t snapshot_record;     /* its seq */
};

static inline struct queue *queue_get(struct scheduler *self, actor_id actor)
{
    return slots_get(&self->queues, SLOT_REF(actor));
}
static inline struct waiting *queue_head(const struct queue *q)
{
    return &q->messages[q->head];
}

/* ---- scheduler_queue.c: life, dispatch ---- */
actor_id queue_new(struct scheduler *self, struct effects *fx, namespace_id ns,
                   action_id action, uint32_t revision); /* 0: no room */
void queue_on_message(struct scheduler *self, const struct message *m, struct effects *fx);
void queue_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx);
void queue_move(struct queue *q, struct effects *fx, enum queue_state to);
struct key queue_key(const struct queue *q, enum key_family family);
void queue_digest(const struct queue *q, struct digest *d);
/* scheduler_route.c: what `/queues` says of this queue, if it was asked for. */
void gather_put_text(struct scheduler *self, actor_id actor, uint32_t position,
                     const struct queue *q);

/* ---- scheduler_queue_data.c ---- */
const char *queue_data_text(const struct queue *q, char *text, size_t size);

/* ---- scheduler_queue_take.c: activations in and out ---- */
void queue_on_activation(struct queue *q, const struct message *m, struct effects *fx);
void queue_on_get(struct queue *q, const struct message *m, struct effects *fx);
void queue_on_poll_timer(struct queue *q, struct poll *poll, struct effects *fx);
void queue_close_polls(struct queue *q, struct effects *fx, uint32_t container);
void queue_release_polls(struct queue *q);
void queue_append(struct queue *q, struct effects *fx, const struct activation *a);
struct waiting queue_pop(struct queue *q);
void queue_forward_all(struct queue *q, struct effects *fx);

/* ---- scheduler_queue_flush.c: creation results, dropping ---- */
void queue_on_job_succeeded(struct queue *q, const struct message *m, struct effects *fx);
void queue_on_job_failed(struct queue *q, const struct message *m, struct effects *fx);
void queue_on_drop_old(struct queue *q, const struct message *m, struct effects *fx);
void queue_flush_tick(struct queue *q, struct effects *fx);
void queue_flush_activation(struct queue *q, struct effects *fx, const struct activation *a);
void queue_complete_all_stored(struct queue *q, struct effects *fx);
void queue_reject_all(struct queue *q, struct effects *fx);
void queue_reject(struct queue *q, struct effects *fx, const struct activation *a);
duration queue_retention(const struct queue *q);

/* ---- scheduler_queue_remove.c: shutdown, removal ---- */
void queue_on_graceful_shutdown(struct queue *q, const struct message *m, struct effects *fx);
void queue_on_stop_outdated(struct queue *q, const struct message *m, struct effects *fx);
void queue_on_removed_completed(struct queue *q, const struct message *m, struct effects *fx);
void queue_on_initial_stored(struct queue *q, const struct message *m, struct effects *fx);
void queue_on_silence(struct queue *q, struct effects *fx); /* StateTimeout */
void queue_give_up(struct queue *q, struct effects *fx); /* cleanUpActors, keys, -> Removed */
void queue_stop(struct queue *q, struct effects *fx);

/* ---- scheduler_queue_monitor.c: workers, snapshot, decisions, throttling ---- */
void queue_start_monitoring(struct queue *q, struct effects *fx);
void queue_stop_monitoring(struct queue *q);
void queue_on_decision(struct queue *q, const struct message *m, struct effects *fx);
void queue_on_enable(struct queue *q, const struct message *m, struct effects *fx);
void queue_on_disable(struct queue *q, const struct message *m, struct effects *fx);
void queue_put_throttling(struct queue *q, struct effects *fx, bool is_action, bool value);
void queue_add_duration(struct queue *q, uint32_t duration_ms);
void monitor_on_message(struct scheduler *self, const struct message *m, struct effects *fx);
void monitor_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx);
void decision_on_message(struct scheduler *self, const struct message *m, struct effects *fx);
uint32_t queue_stale_count(const struct queue *q, tstamp at);
int32_t action_limit(const struct cluster *cluster, action_id action, uint32_t namespace_limit);
