#pragma once
/*
 * bed.h - drives one machine by hand.
 *
 * A bed is a small cluster that never changes (2 controllers, 2 schedulers, 3 invokers and one
 * of each other node), one machine of it that is real, and a log of what it sent and recorded.
 * Each call is one event and, unless posts_by_hand is set, all posts that follow from it, in
 * order, at the same instant. What goes to other nodes stays in the log until bed_forget.
 *
 *     struct bed *bed = bed_new(&controller_ops, BED_CONTROLLER0, NULL);
 *     bed_start(bed);
 *     struct message m = bed_message(bed, MSG_INVOKE, BED_EDGE, ACTOR_MAIN_ID);
 *     m.u.invoke.id = ACTIVATION_ID(1, 0);
 *     bed_deliver(bed, &m);
 *     assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->to, BED_KAFKA);
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "core/actor.h"
#include "core/assert.h"
#include "core/machine.h"
#include "common/common.h"

enum bed_node {
    BED_CLIENT,
    BED_EDGE,
    BED_CONTROLLER0,
    BED_CONTROLLER1,
    BED_SCHEDULER0,
    BED_SCHEDULER1,
    BED_INVOKER0,
    BED_INVOKER1,
    BED_INVOKER2,
    BED_KAFKA,
    BED_ETCD,
    BED_DATABASE,
    BED_DEPLOYER,
    BED_NODE_COUNT
};
/* GUEST has the first three actions, OTHER the fourth. */
enum bed_namespace { BED_GUEST, BED_OTHER, BED_NAMESPACE_COUNT };
enum bed_action {
    BED_HELLO, /* guest/hello: 256 MB, 100 ms, limit 60 s, one at a time */
    BED_SLOW,  /* guest/slow: 512 MB, 90 s (p50) to 200 s (p99), limit 300 s */
    BED_FAILS, /* guest/pack/fails: 128 MB, 10 ms, always an application error */
    BED_WIDE,  /* other/wide: 128 MB, 20 ms, 10 at a time in one container */
    BED_ACTION_COUNT
};

struct bed {
    struct arena *arena;
    struct cluster cluster; /* tests may change it before bed_start */
    struct node_info nodes[BED_NODE_COUNT];
    struct namespace_info namespaces[BED_NAMESPACE_COUNT];
    struct action_info actions[BED_ACTION_COUNT];
    struct draws draws;
    struct machine_env env;
    const struct machine_ops *ops;
    void *machine;
    void *config; /* the machine's, of uint64_t fields; change with bed_config */
    struct effects fx;
    uint64_t next_number, next_seq;
    tstamp now;
    bool posts_by_hand;
    void (*on_init)(void *machine); /* between init and EVENT_START; NULL: nothing */

    struct message *sent; /* to other nodes, since bed_forget */
    uint32_t sent_count, sent_max;
    struct record *records;
    uint32_t record_count, record_max;
    struct message *posts; /* to itself, not yet delivered */
    uint32_t post_first, post_count, post_max;
};

/* config: the component's struct, borrowed; NULL: the profile `shipped`. Seed 1. */
struct bed *bed_new(const struct machine_ops *ops, enum bed_node node, const void *config);
void bed_free(struct bed *bed);
/* Set a key of the configuration, in base units; fails the test if there is none. */
void bed_config(struct bed *bed, const char *key, uint64_t value);

/* init and EVENT_START. */
void bed_start(struct bed *bed);
/* The process dies (only its durable part stays); bed_start boots the next incarnation. */
void bed_crash(struct bed *bed);
void bed_deliver(struct bed *bed, const struct message *m);
/* Advance to the first deadline and serve it; fails the test if there is none. */
void bed_wake(struct bed *bed);
/* Let `length` pass, serving each deadline in it. */
void bed_pass(struct bed *bed, duration length);
/* Let it pass and serve nothing, as a host that is late: a message that is delivered now comes
 * before a wake-up which was due, and bed_wake serves that one at this later instant. */
void bed_oversleep(struct bed *bed, duration length);
void bed_signal(struct bed *bed);
void bed_link(struct bed *bed, node_id peer, bool down);
/* Deliver the oldest post; fails the test if there is none. Settle: until none is left. */
void bed_post_next(struct bed *bed);
void bed_settle(struct bed *bed);
/* Take it away undelivered. */
void bed_post_drop(struct bed *bed);
uint32_t bed_posts(const struct bed *bed);
const struct message *bed_post(const struct bed *bed, uint32_t n);
/* First deadline, counted from now; 0: also one that has passed; TSTAMP_NEVER if none. */
duration bed_next_in(const struct bed *bed);

/* The n-th (from 0) of its kind since bed_forget; fails the test when there are fewer. */
const struct message *bed_sent(const struct bed *bed, enum message_kind kind, uint32_t n);
const struct record *bed_record(const struct bed *bed, enum record_kind kind, uint32_t n);
uint32_t bed_sent_count(const struct bed *bed, enum message_kind kind);
uint32_t bed_record_count(const struct bed *bed, enum record_kind kind);
void bed_forget(struct bed *bed);

/* A message to the machine with its envelope, corr 77; fill the payload, then bed_deliver. */
struct message bed_message(const struct bed *bed, enum message_kind kind, node_id from,
                           actor_id to_actor);
/* The answer of its receiver to a request of the machine. */
struct message bed_reply(const struct message *request, enum message_kind kind);
struct key bed_key(enum key_family family, namespace_id ns, action_id action, node_id node);
blob bed_blob(struct bed *bed, const char *text);
const char *bed_text(const struct bed *bed, blob b);

/* An HTTP request to the machine; headers are "Name: value\n" lines or NULL. */
void bed_http(struct bed *bed, enum http_method method, const char *path, const char *headers,
              const char *body);
/* The last HTTP reply sent is this, byte for byte; body NULL: any. */
void bed_expect_http(const struct bed *bed, unsigned status, enum content_type content,
                     const char *body);
/* "Authorization: Basic ..." line for user and password; static storage. */
const char *bed_authorization(const char *user, const char *password);

/* What was sent since bed_forget, one line of message_print each, is exactly this text. */
void expect_trace(const struct bed *bed, const char *lines);
/* The same of records (record_print). */
void expect_records(const struct bed *bed, const char *lines);
