#pragma once
/*
 * check_bed.h - feeds a set of checks with records made by hand.
 *
 * A 2+2+2 cluster with two namespaces and two actions, both of the first. Every helper is one
 * movement of an activation, as the machines record it; check_bed_feed takes any record.
 */
#include "check/check.h"
#include "check/ledger.h"
#include "check/summary.h"
#include "core/message.h"

enum check_bed_node {
    BED_CLIENT,
    BED_EDGE,
    BED_CONTROLLER0,
    BED_CONTROLLER1,
    BED_SCHEDULER0,
    BED_SCHEDULER1,
    BED_INVOKER0,
    BED_INVOKER1,
    BED_KAFKA,
    BED_ETCD,
    BED_DATABASE,
    BED_DEPLOYER,
    BED_NODES
};
#define BED_HELLO 0
#define BED_OTHER 1
#define BED_GUEST 0
#define BED_ALIEN 1
#define BED_FEED_AT(n) SEC(n)

struct check_bed {
    struct arena *arena;
    struct cluster cluster;
    struct namespace_info namespaces[2];
    struct draws draws;
    struct check_settings settings;
    struct check_world world;
    struct check_set *set;
    tstamp at; /* of the next record */
    uint64_t seq;
    uint64_t offsets[2];                                 /* next of each scheduler's topic */
    void (*sink)(void *context, const struct record *r); /* may be NULL */
    void *sink_context;
};

void check_bed_open(struct check_bed *self); /* settings: standard; no set yet */
void check_bed_begin(
    struct check_bed *self); /* makes the set; boots every node, keys and all */
void check_bed_close(struct check_bed *self);
/* Fixture: *state is an open bed with a set. */
int check_bed_setup(void **state);
int check_bed_teardown(void **state);

/* Fills seq and at; returns the seq. */
uint64_t check_bed_feed(struct check_bed *self, struct record r);
void check_bed_wait(struct check_bed *self, duration length);

uint64_t check_bed_send(struct check_bed *self, activation_id a); /* sent, passed by the edge */
uint64_t check_bed_accept(struct check_bed *self, activation_id a); /* by controller0 */
uint64_t check_bed_append(struct check_bed *self, activation_id a); /* to scheduler0's topic */
uint64_t check_bed_commit(struct check_bed *self); /* all of scheduler0's topic */
uint64_t check_bed_deliver(struct check_bed *self, activation_id a);
uint64_t check_bed_queue(struct check_bed *self, activation_id a);
uint64_t check_bed_start(struct check_bed *self,
                         activation_id a); /* handed over, fetched, running on invoker0 */
uint64_t check_bed_ack(struct check_bed *self,
                       activation_id a); /* run ended, acked, ack received */
uint64_t check_bed_store(struct check_bed *self, activation_id a);
uint64_t check_bed_answer(struct check_bed *self, activation_id a, uint64_t status);
/* From sent to queued at scheduler0; all of it. */
void check_bed_until_queued(struct check_bed *self, activation_id a);
void check_bed_run_through(struct check_bed *self, activation_id a);
uint64_t check_bed_node(struct check_bed *self, enum record_kind kind, node_id node);
uint64_t check_bed_count(struct check_bed *self, node_id node, uint64_t count);
/* Of etcd; and every watcher sees it at once. */
uint64_t check_bed_key(struct check_bed *self, enum record_kind kind, struct key key);
/* Of etcd alone. detail: RECORD_KEY_ bits. */
uint64_t check_bed_key_by(struct check_bed *self, enum record_kind kind, struct key key,
                          node_id writer, unsigned detail);
/* VIEW_CHANGED, or SET_CHANGED of a container or creation. */
void check_bed_believe(struct check_bed *self, node_id watcher, struct key key, bool is_there);
uint64_t check_bed_container(struct check_bed *self, enum record_kind kind, uint32_t container);
uint64_t check_bed_queue_made(struct check_bed *self, enum record_kind kind, node_id node);

/* Settle (nothing owed), end and check: the named check has so many violations, all others
 * none. name NULL: none has any. Returns the first violation of the check, or NULL. */
const struct violation *check_bed_expect(struct check_bed *self, const char *name,
                                         uint64_t count);
struct check_result check_bed_result(const struct check_bed *self, const char *name);
/* Its violations so far; the newest is this one, field by field (given `count` > 0). */
void check_bed_told(const struct check_bed *self, const char *name, uint64_t count,
                    const struct violation *newest);
/* The number of a state by its name. */
unsigned check_bed_state(unsigned fsm, const char *name);
