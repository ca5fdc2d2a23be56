#pragma once
/*
 * queue_bed.h - one MemoryQueue of scheduler0, alone: what upstream's fixture does with probes.
 *
 * The queue, its workers and the callbacks of its polls are real. Whatever it sends to another
 * actor is not delivered but written down, a line each, with its moves of state and the
 * activations it completes (each with its ack and its record in the store):
 *
 *     state Running -> Removing        data register KEY VALUE     manager activation 3
 *     watch KEY* put delete            data unregister KEY         manager removed with key
 *     answer 7: activation 3           containers create 1         error 3 whisk: TEXT
 *
 * Configuration and limits are those of MemoryQueueTestsFixture.scala.
 */
#include "scheduler/scheduler_queue.h"
#include "support/bed.h"

struct qbed;
/* Upstream's auto pilot of the decision maker; leave the kind at Skip for no answer. */
typedef struct decision qbed_pilot_fn(struct qbed *b, const struct post_snapshot *s);

struct qbed {
    struct bed *bed;
    struct scheduler *machine;
    actor_id actor;
    action_id action;
    uint32_t sent_seen, records_seen;
    uint32_t limit; /* of the namespace */
    bool has_no_identity, has_real_decision_maker;
    qbed_pilot_fn *pilot;
    uint32_t snapshots; /* so far */
    struct post_snapshot last;
    char text[65536];
    size_t length;
};

/* The machine without a queue; change what the test needs, then qbed_make. */
struct qbed *qbed_new(void);
void qbed_make(struct qbed *b, action_id action); /* not started */
struct qbed *qbed_running(void);                  /* started, and what it said forgotten */
void qbed_free(struct qbed *b);
/* NULL once it has ended. */
struct queue *qbed_queue(const struct qbed *b);

/* To the queue, then everything that follows from it at this instant. */
void qbed_tell(struct qbed *b, unsigned what, const void *payload, size_t size);
void qbed_message(struct qbed *b, uint32_t number); /* an activation, not blocking */
void qbed_messages(struct qbed *b, uint32_t first, uint32_t count);
void qbed_get(struct qbed *b, uint32_t container);
void qbed_get_after(struct qbed *b, uint32_t container, uint32_t duration_ms);
void qbed_get_warmed(struct qbed *b, uint32_t container);
void qbed_farewell(struct qbed *b, uint32_t container); /* alive = false */
void qbed_failed(struct qbed *b, uint32_t creation, enum creation_error error);
void qbed_succeeded(struct qbed *b, uint32_t creation);
void qbed_decide(struct qbed *b, enum decision_kind kind, int32_t count);
void qbed_leader_stored(struct qbed *b, bool won); /* InitialDataStorageResults */
void qbed_watched(struct qbed *b, enum key_family family, uint32_t id, bool deleted);
void qbed_timeout(struct qbed *b); /* StateTimeout, now */
void qbed_pass(struct qbed *b, duration length);
void qbed_settle(struct qbed *b);
/* Upstream's `fsm.underlyingActor.containers = ...`: ids from 1, or from QBED_CREATION. */
#define QBED_CREATION 101u
void qbed_set_containers(struct qbed *b, uint32_t count);
void qbed_set_creations(struct qbed *b, uint32_t count);
/* Upstream's `fsm.setState`: not written down. */
void qbed_set_state(struct qbed *b, enum queue_state state);

/* What was written down since the last expect is exactly this. */
void qbed_expect(struct qbed *b, const char *lines);
void qbed_expect_state(const struct qbed *b, enum queue_state state, uint32_t waiting);
