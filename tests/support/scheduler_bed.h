#pragma once
/*
 * scheduler_bed.h - a bed with scheduler0, and an etcd, a database and a lease that answer at
 * once as the fields say.
 */
#include "scheduler/scheduler_queue.h"
#include "support/bed.h"

struct sched {
    struct bed *bed;
    struct scheduler *machine;
    uint32_t answered;            /* of bed->sent */
    bool election_is_lost;        /* put-if-absent finds the key */
    bool holds_range, holds_read; /* leave these unanswered */
    bool range_fails, read_fails;
    node_id leader;                 /* of every leader key; NODE_NONE: there is none */
    uint8_t leader_value;           /* enum value_kind */
    uint32_t existing, in_progress; /* counts of a namespace */
    uint32_t limit;                 /* of every namespace */
    uint8_t identity;               /* enum document_result */
    uint32_t queue_size;            /* in our health key */
    bool is_registered;
    struct {
        uint32_t free_mb;
        uint8_t status;
        bool is_listed;
    } invokers[3];
};

/* Not started: set what the test needs, then sched_start. */
struct sched *sched_new(void);
void sched_start(struct sched *s);
struct sched *sched_started(void); /* both */
void sched_free(struct sched *s);

/* Answer what was sent, until nothing is left. Everything below does so. */
void sched_pump(struct sched *s);
void sched_pass(struct sched *s, duration length);
void sched_forget(struct sched *s);

/* CreateQueue from controller0. NULL if that made none. */
struct queue *sched_make_queue(struct sched *s, namespace_id ns, action_id action);
struct queue *sched_hello(struct sched *s); /* of guest/hello, made or found */
/* Pump without the first decision, which would order a container. */
struct queue *sched_quiet(struct sched *s);

/* An activation of guest/hello, blocking, received now by controller0. */
struct activation sched_activation(const struct sched *s, uint32_t request);
void sched_arrive(struct sched *s, const struct activation *a); /* from the feed */
void sched_arrive_many(struct sched *s, uint32_t first, uint32_t count);
/* A fetch by a container on invoker0, alive, not warmed. */
struct message sched_fetch_message(const struct sched *s, uint32_t container);
void sched_fetch(struct sched *s, uint32_t container);
void sched_farewell(struct sched *s, uint32_t container);

/* A post without a payload or with this one, from an actor of the same node. */
void sched_post(struct sched *s, actor_id from, actor_id to, unsigned what, const void *payload,
                size_t size);
void sched_job_failed(struct sched *s, const struct queue *q, uint32_t creation,
                      enum creation_error error);
void sched_decide(struct sched *s, const struct queue *q, enum decision_kind kind, int count);
void sched_silence(struct sched *s, const struct queue *q); /* its state timeout, now */
void sched_watch(struct sched *s, const struct key *key, const struct value *value,
                 bool deleted);
void sched_watch_container(struct sched *s, uint32_t container, bool deleted);

/* The n-th put, or delete, of this key family since forget; fails when there are fewer. */
const struct message *sched_put(const struct sched *s, enum key_family family, uint32_t n);
uint32_t sched_deleted_count(const struct sched *s, enum key_family family);
void sched_expect_state(const struct sched *s, const struct queue *q, enum queue_state state);
/* DROPPED, ACKED, STORE_SENT and both messages, n-th of each, are of this activation. */
void sched_expect_error(const struct sched *s, uint32_t n, const struct activation *a,
                        enum response_status response, enum error_text error,
                        enum ack_instance instance);
