#pragma once
/*
 * toys.h - a world of toy machines for tests of the kernel and the fault plan.
 *
 * A toy has a few timers, a few words (the first two durable) and a handler that the test
 * gives. What happens is logged: each event by the handler through toy_log, each record by
 * the host's sink.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "core/assert.h"
#include "core/machine.h"
#include "kernel/host_sim.h"

/* Four nodes whose kinds have restart times or not. */
enum toy_node { TOY_CLIENT, TOY_CONTROLLER, TOY_SCHEDULER, TOY_KAFKA, TOY_NODE_COUNT };
#define TOY_TIMERS 4u
#define TOY_WORDS 8u
#define TOY_DURABLE_WORDS 2u
#define TOY_LOG_MAX 4096u

struct toy {
    uint64_t words[TOY_WORDS]; /* the first TOY_DURABLE_WORDS survive a crash */
    const struct machine_env *env;
    struct timers timers;
    struct timer timer[TOY_TIMERS];
};

typedef void toy_handler_fn(struct toy *self, const struct event *ev, struct effects *fx);

struct toy_line {
    node_id node;
    uint8_t kind; /* enum event_kind */
    uint16_t message_kind, what;
    node_id peer; /* of a link event; sender of a message */
    uint8_t down;
    uint32_t corr;
    uint64_t word; /* first payload word; of a wake-up the timer's index */
    tstamp at;
};

struct toys {
    struct arena *arena;
    struct node_info infos[TOY_NODE_COUNT];
    struct cluster cluster;
    struct draws draws;
    struct host_node machines[TOY_NODE_COUNT];
    struct host_sim_config config; /* change it before toys_start */
    struct host *host;
    struct toy_line lines[TOY_LOG_MAX];
    uint32_t line_count;
    struct record records[TOY_LOG_MAX];
    uint32_t record_count;
    uint64_t traced; /* events seen by the trace sink */
    uint64_t checkpoints, checkpoint_digest;
    void (*on_record)(struct toys *self, const struct record *r); /* may be NULL */
    void *context;                                                /* the test's own */
};

/* Link times: HTTP 100 to 1000 ns, Kafka 1 to 3 us, others 10 us. Seed 1. */
struct toys *toys_new(toy_handler_fn *handler);
/* Makes the host and boots the nodes in order. */
void toys_start(struct toys *self);
void toys_free(struct toys *self);

/* From a handler: log the event; returns the index of the timer that woke it, taken out. */
uint32_t toy_log(struct toy *self, const struct event *ev);
void toy_arm(struct toy *self, struct effects *fx, uint32_t timer, duration length);
struct message *toy_send(struct effects *fx, enum message_kind kind, node_id to, uint32_t corr);
struct message *toy_post(struct effects *fx, unsigned from, unsigned to, unsigned what);

/* The nth line that matches, or fails the test. node NODE_NONE: any. */
const struct toy_line *toys_line(const struct toys *self, node_id node, enum event_kind kind,
                                 uint32_t nth);
uint32_t toys_count(const struct toys *self, node_id node, enum event_kind kind);
const struct record *toys_record(const struct toys *self, enum record_kind kind, uint32_t nth);
uint32_t toys_record_count(const struct toys *self, enum record_kind kind);
void toys_forget(struct toys *self);

/* Draws what to do from (node, count): sends of many kinds, posts, timers, answers, blobs. */
toy_handler_fn toy_random;
