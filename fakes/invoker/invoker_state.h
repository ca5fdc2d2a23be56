#pragma once
/*
 * invoker_state.h - the invoker's constants, deadlines and state, by actor.
 */
#include "common/data.h"
#include "common/feed.h"
#include "common/lease.h"
#include "common/producer.h"
#include "common/watcher.h"
#include "core/assert.h"
#include "invoker/invoker.h"
#include "invoker/invoker_post.h"

/* What upstream hard-codes. */
#define POOL_RETRY SEC(5)         /* shutdown loop, Pool:648 */
#define DETERMINE_RETRY MSEC(500) /* keep decision, Proxy:720-745 */
#define DETERMINE_TRIES_MAX 5u
#define RUNNING_ACTIVATION_TIMEOUT SEC(10) /* Proxy:224 */
#define ASK_TIMEOUT SEC(5)                 /* pool state, Fir:391-394 */
#define HEALTH_BUFFER 10u
#define HEALTH_TOLERANCE 3u
#define WARM_KEEPING_COUNT 0u /* a namespace's warmedContainerKeepingCount, Fir:154 */
/* Not upstream's: reading the container's log file up to its end marker, and /init of the
 * identity function. */
#define LOG_COLLECTION MSEC(5)
#define HEALTH_TEST_INIT MSEC(100)
#define REVISION_FIRST 1u

#define ACTOR_POOL_ID ACTOR(ACTOR_POOL, 0, 0)
#define ACTOR_HEALTH_ID ACTOR(ACTOR_HEALTH, 0, 0)
#define ACTOR_CONSUMER_ID ACTOR(ACTOR_CONSUMER, 0, 0)
#define ACTOR_PRODUCER_ID ACTOR(ACTOR_PRODUCER, 0, 0)
#define ACTOR_STORE_ID ACTOR(ACTOR_CALL, 0, 0)
#define CALLBACK_HEALTH_ID ACTOR(ACTOR_CALLBACK, 0, 0xffff)
#define CALLBACK_CONSUMER_ID ACTOR(ACTOR_CALLBACK, 0, 0xfffe)
#define CALLBACK_MAIN_ID ACTOR(ACTOR_CALLBACK, 0, 0xfffd)

enum invoker_timer {
    TIMER_MEMORY_SYNC = TIMER_COMPONENT,
    TIMER_DRAIN, /* one struct per chain, freed when it fires */
    TIMER_ASK,   /* arg: index of the ask */
    TIMER_RUN,   /* first member of struct run */
    TIMER_SLOT,  /* from here on: arg is the slot's index */
    TIMER_UNUSED = TIMER_SLOT,
    TIMER_IDLE,
    TIMER_KEEPING,
    TIMER_DETERMINE,
    TIMER_RUNNING_ACTIVATION,
    TIMER_REMOVING, /* state timeout of Removing */
    TIMER_CREATE,
    TIMER_PAUSE,
    TIMER_RESUME,
    TIMER_DESTROY,
    TIMER_CALL,
};

/* Calls that wait for an answer. Those of a slot first. */
enum call_kind {
    CALL_FETCH,
    CALL_FAREWELL, /* fetch with alive = false */
    CALL_LEADER,
    CALL_COUNT,
    CALL_DOCUMENT, /* arg: activation id of the run */
    CALL_WARM_LIST,
    CALL_WARM_FETCH,
    CALL_TEST_WRITE,
    CALL_TEST_READ,
    CALL_READING, /* arg: index of the reading */
};
struct call {
    uint32_t corr, arg;
    tstamp until; /* etcd calls: when this attempt has taken too long */
    node_id peer;
    uint8_t kind;       /* enum call_kind */
    uint8_t tries;      /* attempts that failed */
    uint8_t is_waiting; /* for its second attempt, at `until` */
};
struct calls {
    struct call *items; /* arena block, oldest first */
    uint32_t count, max;
};

/* One activation in a container: its document read, /init, /run, logs. */
enum run_phase { RUN_READING, RUN_INIT, RUN_RUN, RUN_LOGS };
struct run {
    struct timer timer; /* first: a fired timer is its run */
    struct run *next;   /* of the slot, or of the free ones */
    struct slot *slot;
    struct activation activation;
    uint32_t cause;
    uint8_t phase, response, error;
    uint8_t latest;    /* the read asks for the latest revision: a mismatch was seen */
    uint8_t is_frozen; /* in a paused container: `left` of /run is still to do */
    tstamp started_at; /* of /run */
    duration init_ns, run_ns, left;
};

/* What the pool knows of a container: what was last reported, never the proxy's own state. */
enum pool_list { POOL_IN_PROGRESS, POOL_BUSY, POOL_WARMED, POOL_LIST_COUNT };
struct pool_entry {
    struct slot *next[POOL_LIST_COUNT], *prev[POOL_LIST_COUNT];
    uint8_t in[POOL_LIST_COUNT];
    uint8_t disabling;
    uint8_t has_creation;
    uint8_t is_warm; /* the datum is WarmData */
    uint32_t memory_mb;
    struct creation creation;
    uint32_t cause;
    action_id action;
    namespace_id ns;
    uint32_t revision;
    tstamp last_used;
};

enum proxy_datum { DATUM_NONE, DATUM_INITIALIZED, DATUM_WARM };
struct proxy {
    uint8_t alive, state; /* enum proxy_state */
    uint8_t datum, timed_out;
    uint8_t has_container;
    uint8_t destroy_after_resume; /* cleaned up in Paused */
    uint8_t determine_count, count_stage;
    action_id action;
    namespace_id ns;
    uint32_t revision, warm_revision; /* of the document; of the first activation */
    node_id scheduler;
    uint32_t creation, container, cause;
    uint32_t operation_count;
    uint32_t running_count; /* between "handed to the container" and "logs collected" */
    uint32_t live_count;
    tstamp last_used;
    struct run *runs;
    struct message *stash;
    uint32_t stash_count, stash_max;
    struct timer unused, idle, keeping, determine, running, removing;
    struct timer operation, resume, destroy; /* docker: create or pause; unpause; remove */
};

struct client {
    uint8_t alive, state; /* enum client_state; the test's fake one has none */
    uint8_t warmed;
    uint8_t closed;    /* the gRPC client; of the fake: GracefulShutdown came */
    node_id stored;    /* host:port that upstream's datum holds, maybe an old one */
    node_id connected; /* whom the gRPC client talks to */
    struct message *stash;
    uint32_t stash_count, stash_max;
};

struct slot {
    uint16_t index, generation;
    uint8_t used, is_test;
    uint16_t free_next;
    uint32_t corr;
    struct pool_entry pool;
    struct proxy proxy;
    struct client client;
    struct calls calls;
    struct timer call_timer;
};

struct pool {
    struct pool_chain {
        struct slot *head, *tail;
        uint32_t count;
        uint64_t memory_mb;
    } lists[POOL_LIST_COUNT];
    uint32_t disabling_count, cold_start_count;
    uint8_t shutting_down;
    uint32_t drain_timers; /* chains of the shutdown loop that wait */
    struct timer sync;
};

struct health {
    uint8_t state; /* enum health_state */
    uint8_t buffer[HEALTH_BUFFER];
    uint8_t buffer_count, buffer_next;
    uint8_t is_written;  /* the test action's document is in the cache */
    uint8_t is_prepared; /* the test activation exists */
    actor_id proxy;      /* test proxy; 0: none */
    uint32_t free_mb, busy_mb, in_progress_mb;
    uint32_t told_mb; /* free_mb of the last record */
    bool is_memory_told;
};

struct reading { /* one creation at the consumer */
    struct creation creation;
    uint32_t cause;
    uint8_t used, has_identity;
};
#define ASKS_MAX 8u
struct ask { /* an HTTP request that waits for the pool */
    struct timer timer;
    struct message request; /* its headers are owned by the node */
    blob json;              /* the answer, put here in the pool's turn */
    uint8_t used, wants_json;
};
struct invoker {
    struct { /* durable */
        uint32_t container_ordinal, test_ordinal, corr, spare;
    } kept;
    const struct machine_env *env;
    const struct invoker_config *config;
    node_id etcd, database;
    uint32_t number; /* index among the invokers */
    struct timers timers;
    struct feed feed;
    struct lease lease;
    struct watcher watcher;
    struct data *data;
    struct calls calls; /* those of no slot */
    /* warm-up of scheduler connections; isEnabled is whether its watch is open */
    uint8_t watch_is_open, etcd_is_down;
    uint16_t watch_number;
    uint32_t watch_revision; /* of the last event; 0: none */
    struct etcd_retry etcd_retry;
    uint8_t *warmed_schedulers;
    struct ask *asks[ASKS_MAX];
    uint32_t *action_revisions; /* cache of action documents: revision, 0 absent */
    uint8_t *identities;        /* cache of identities */
    struct slot **slots;
    uint32_t slot_count, slot_max;
    uint16_t slot_free; /* index + 1 */
    struct run *run_free;
    uint32_t runs_open, containers_open; /* of the load: for pending */
    struct reading *readings;
    uint32_t reading_count, readings_open;
    struct pool pool;
    struct health health;
    struct producer producer;
};

static inline actor_id slot_actor(const struct slot *slot, enum actor_kind kind)
{
    return ACTOR(kind, slot->generation, slot->index);
}
static inline actor_id proxy_parent(const struct slot *slot)
{
    return slot->is_test ? ACTOR_HEALTH_ID : ACTOR_POOL_ID;
}
