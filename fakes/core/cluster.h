#pragma once
/*
 * cluster.h - what never changes during a run: nodes, namespaces, actions, timing, bug
 * switches. Built by the reader before the world starts; machines only read it.
 *
 * A node_id is an index into nodes. Nodes stand in a fixed order: client, edge, controllers,
 * schedulers, invokers, kafka, etcd, database, deployer.
 */
#include <stdbool.h>
#include <stdint.h>
#include "core/draw.h"
#include "core/ids.h"
#include "core/names.h"
#include "core/tstamp.h"

#define NODE_KIND_LIST(X)                                                                      \
    X(CLIENT, "client")                                                                        \
    X(EDGE, "edge")                                                                            \
    X(CONTROLLER, "controller")                                                                \
    X(SCHEDULER, "scheduler")                                                                  \
    X(INVOKER, "invoker")                                                                      \
    X(KAFKA, "kafka")                                                                          \
    X(ETCD, "etcd")                                                                            \
    X(DATABASE, "database")                                                                    \
    X(DEPLOYER, "deployer")
#define NODE_KIND_MEMBER(id, text) NODE_##id,
enum node_kind { NODE_KIND_LIST(NODE_KIND_MEMBER) NODE_KIND_COUNT };
NAMES_DECLARE(node_kind)

/* The host itself, as receiver of MSG_CONTROL and sender of MSG_CONTROL_DONE. */
#define NODE_HOST ((node_id)(UINT16_MAX - 1))

#define BEHAVIOUR_LIST(X) X(HEAD, "head") X(5338, "5338") X(PRE_5338, "pre-5338")
#define BEHAVIOUR_MEMBER(id, text) BEHAVIOUR_##id,
enum behaviour { BEHAVIOUR_LIST(BEHAVIOUR_MEMBER) BEHAVIOUR_COUNT };
NAMES_DECLARE(behaviour)

/* Bug switches (docs/hazards.md): id, text, value in each behaviour set, in the sets' order.
 * One that a scenario does not name has the value of its instance's behaviour set. */
#define BUG_LIST(X) X(LOST_CREATION_ID, "lost-creation-id", BUG_FIXED, BUG_FIXED, BUG_OLD)
#define BUG_MEMBER(id, ...) BUG_##id,
enum bug { BUG_LIST(BUG_MEMBER) BUG_COUNT };
NAMES_DECLARE(bug)
enum bug_value { BUG_BY_BEHAVIOUR, BUG_FIXED, BUG_OLD, BUG_LOST_UPDATE, BUG_VALUE_COUNT };

struct node_info {
    uint8_t kind;                         /* enum node_kind */
    uint8_t behaviour_from, behaviour_to; /* first boot; after a restart by the deployer */
    uint8_t labels;                       /* invokers: index into cluster.labels, 0: none */
    uint16_t index;                       /* within its kind: scheduler1 has 1 */
    char name[22];                        /* "scheduler1", "kafka" */
};

/* What an invoker is started with, and puts into its key besides its state. Those with the same
 * share one; the first is that of most: nothing. */
#define TAGS_MAX 32u      /* different ones in a cluster */
#define LABEL_TAGS_MAX 4u /* of one invoker; a value's text must stay short */
#define DEDICATED_MAX 2u
#define LABELS_MAX 255u
#define TAG_MAX 16u /* with NUL */
struct labels {
    uint32_t tags; /* bit by index in cluster.tags */
    uint32_t dedicated_count;
    namespace_id dedicated[DEDICATED_MAX]; /* it serves these alone; none: everybody */
};

struct namespace_info {
    char name[64];
    uint64_t invocations_per_minute, concurrent_invocations, fires_per_minute;
    uint64_t payload_max;     /* bytes of a request's parameters */
    uint32_t keeping_count;   /* warmedContainerKeepingCount */
    duration keeping_timeout; /* warmedContainerKeepingTimeout; 0: none of its own */
    duration blocked_from;    /* when its subject is blocked, from TSTAMP_ORIGIN; 0: never */
};

/* What may go wrong with an action's containers: how often, of one draw each. Default: never.
 * X(NAME, key of scenario files, what it is a share of and what follows). */
#define ACTION_FAULT_LIST(X)                                                                   \
    X(CREATE, "create-fails", "How often docker fails to make its container.")                 \
    X(PAUSE, "pause-fails", "How often docker fails to pause its container.")                  \
    X(RESUME, "resume-fails", "How often docker fails to resume its container.")               \
    X(INIT, "init-fails", "How often `/init` answers with an error.")                          \
    X(INIT_REFUSED, "init-refuses",                                                            \
      "How often `/init` says that the runtime shuts down: the activation is given back.")     \
    X(INIT_HANGS, "init-hangs",                                                                \
      "How often nobody answers `/init`, or listens for it, until the action's limit.")        \
    X(UNREACHABLE, "unreachable",                                                              \
      "How often nobody listens for `/run`: the activation is given back.")                    \
    X(CRASH, "crashes", "How often the container's process dies at the end of a run.")         \
    X(HANG, "hangs", "How often a run gives no answer; it is cut at the limit.")               \
    X(LOGS, "logs-fail", "How often the logs of a run cannot be collected.")
#define ACTION_FAULT_MEMBER(id, ...) ACTION_FAULT_##id,
enum action_fault { ACTION_FAULT_LIST(ACTION_FAULT_MEMBER) ACTION_FAULT_COUNT };

#define RUN_FIXED 0       /* a */
#define RUN_LOGNORMAL 1   /* a: p50, b: p99 */
#define RUN_PERCENTILES 2 /* points[0..6] at 0, 1, 25, 50, 75, 99, 100 %; linear between */
/* Sequences and triggers have actions as parts: components, or the actions of active rules. */
enum action_kind { ACTION_CODE, ACTION_SEQUENCE, ACTION_TRIGGER };
struct action_info {
    char name[96]; /* "guest/hello": namespace, optional package, name */
    namespace_id ns;
    uint8_t run_kind;
    uint8_t kind; /* enum action_kind */
    bool blackbox;
    bool is_spare; /* not stored at the start: a client may create it (live host) */
    uint32_t memory_mb;
    uint32_t concurrency;    /* activations at once in one container */
    uint32_t instance_limit; /* containers at once; 0: none of its own */
    uint32_t resources;      /* tags that its invoker must have, bits as in struct labels */
    bool lax_resources;      /* but any invoker if none has them */
    duration init, timeout;
    duration run_a, run_b, run_points[7];
    struct ratio fails; /* application error */
    struct ratio faults[ACTION_FAULT_COUNT];
    bool logs_off; /* limits.logs is 0: none are collected */
    const action_id *parts;
    uint32_t part_count;
};

/* Ranges that no configuration key of upstream says; see docs/scenario.md, `timing`. */
#define TIMING_LIST(X)                                                                         \
    X(RESTART_CONTROLLER, "restart.controller", SEC(15), SEC(25))                              \
    X(RESTART_SCHEDULER, "restart.scheduler", SEC(10), SEC(20))                                \
    X(RESTART_INVOKER, "restart.invoker", SEC(10), SEC(20))                                    \
    X(PULL, "pull", SEC(30), SEC(120))                                                         \
    X(STOP, "stop", SEC(1), SEC(1))                                                            \
    X(CONTAINER_CREATE, "container.create", MSEC(300), SEC(1))                                 \
    X(CONTAINER_PAUSE, "container.pause", MSEC(20), MSEC(60))                                  \
    X(CONTAINER_RESUME, "container.resume", MSEC(20), MSEC(60))                                \
    X(CONTAINER_DESTROY, "container.destroy", MSEC(100), MSEC(500))                            \
    X(LINK_HTTP, "link.http", USEC(200), MSEC(1))                                              \
    X(LINK_KAFKA, "link.kafka", MSEC(1), MSEC(3))                                              \
    X(LINK_ETCD, "link.etcd", MSEC(1), MSEC(5))                                                \
    X(LINK_WATCH, "link.watch", MSEC(1), MSEC(10))                                             \
    X(LINK_GRPC, "link.grpc", USEC(300), MSEC(1))                                              \
    X(LINK_REMOTING, "link.remoting", USEC(300), MSEC(1))                                      \
    X(LINK_DATABASE, "link.database", USEC(200), MSEC(1))                                      \
    X(DATABASE_READ, "database.read", MSEC(2), MSEC(10))                                       \
    X(DATABASE_BATCH, "database.batch", MSEC(100), MSEC(500))                                  \
    X(SET_WINDOW, "set.window", 0, MSEC(20))                                                   \
    X(SET_STALENESS, "set.staleness", 0, MINUTES(5))
#define TIMING_MEMBER(id, text, min, max) TIMING_##id,
enum timing { TIMING_LIST(TIMING_MEMBER) TIMING_COUNT };
NAMES_DECLARE(timing)

struct trace_call { /* one call of a recorded workload, sorted by at */
    tstamp at;
    duration run; /* 0: draw it from the action */
    action_id action;
    uint8_t skipped;  /* 0, or 1 + enum of sim/scenario/trace.h: not sent, only counted */
    uint32_t ordinal; /* of the load entry; request id = entry << 24 | ordinal */
};

struct cluster {
    const struct node_info *nodes;
    uint32_t node_count;
    uint32_t counts[NODE_KIND_COUNT];
    node_id firsts[NODE_KIND_COUNT]; /* the node of index 0 of each kind */
    const struct namespace_info *namespaces;
    uint32_t namespace_count;
    const struct action_info *actions;
    uint32_t action_count;
    struct range timing[TIMING_COUNT];
    const char (*tags)[TAG_MAX];
    const struct labels *labels; /* [0] has nothing; NULL: no other */
    uint32_t tag_count, label_count;
    uint8_t bugs[BUG_COUNT];        /* enum bug_value, as named; read through cluster_bug */
    const struct trace_call *calls; /* all recorded calls, sorted by request id */
    const uint32_t *call_requests;  /* their request ids, same order */
    uint32_t call_count;
};

static inline node_id cluster_node(const struct cluster *c, enum node_kind kind, uint32_t index)
{
    return index < c->counts[kind] ? (node_id)(c->firsts[kind] + index) : NODE_NONE;
}
static inline enum node_kind cluster_kind(const struct cluster *c, node_id node)
{
    return (enum node_kind)c->nodes[node].kind;
}

/* Of a value's `node` or an invoker's `labels`; what is unknown has nothing. */
const struct labels *cluster_labels(const struct cluster *c, uint32_t labels);
bool labels_serve(const struct labels *labels, namespace_id ns);
/* Never BUG_BY_BEHAVIOUR. */
enum bug_value cluster_bug(const struct cluster *c, enum bug bug, enum behaviour behaviour);

/* Names also for the system's ids and NODE_HOST; never NULL. */
const char *cluster_node_name(const struct cluster *c, node_id node);
const char *cluster_action_name(const struct cluster *c, action_id action);
const char *cluster_namespace_name(const struct cluster *c, namespace_id ns);
enum action_kind cluster_action_kind(const struct cluster *c, action_id action);
/* Of an action that is none of the load (the health test): all zeroes. */
const struct action_info *cluster_action(const struct cluster *c, action_id action);
uint32_t cluster_action_memory(const struct cluster *c, action_id action);
duration cluster_action_timeout(const struct cluster *c, action_id action);

/* How long the action's code runs for this activation, unclipped, and whether it fails. */
duration cluster_run_time(const struct cluster *c, const struct draws *draws, action_id action,
                          activation_id activation);
bool cluster_run_fails(const struct cluster *c, const struct draws *draws, action_id action,
                       activation_id activation);
/* Does it go wrong? `entity`: the container or activation; `ordinal`: which time of it. */
bool cluster_action_fault(const struct cluster *c, const struct draws *draws, action_id action,
                          enum action_fault fault, uint32_t entity, uint32_t ordinal);
/* 32 lower-case hex digits and NUL, as upstream's ids look; they can be read back. False: the
 * text is none that these functions wrote (for this seed). */
void cluster_activation_text(const struct draws *draws, activation_id id, char ret_text[33]);
bool cluster_activation_read(const struct draws *draws, const char *text, size_t length,
                             activation_id *ret_id);
void cluster_creation_text(const struct draws *draws, uint32_t creation, char ret_text[33]);
bool cluster_creation_read(const char *text, size_t length, uint32_t *ret_creation);

/* By name, ACTION_NONE, NAMESPACE_NONE or NODE_NONE if there is none. O(count). Triggers are
 * no actions. */
action_id cluster_find_action(const struct cluster *c, const char *text, size_t length);
namespace_id cluster_find_namespace(const struct cluster *c, const char *text, size_t length);
node_id cluster_find_node(const struct cluster *c, const char *text, size_t length);

/* The namespace's uuid and key, by which its subject signs in: 36 and 64 characters and NUL. */
void cluster_credentials(const struct cluster *c, namespace_id ns, char ret_user[37],
                         char ret_password[65]);
