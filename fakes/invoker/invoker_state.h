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
#include "invoker/invoker_container.h"
#include "invoker/invoker_post.h"

/* What upstream hard-codes. */
#define POOL_RETRY SEC(5)         /* shutdown loop, Pool:648 */
#define DETERMINE_RETRY MSEC(500) /* keep decision, Proxy:720-745 */
#define DETERMINE_TRIES_MAX 5u
#define RUNNING_ACTIVATION_TIMEOUT SEC(10) /* Proxy:224 */
#define RESCHEDULING_TIMEOUT SEC(10)       /* Proxy:483 */
#define PING_CACHE_INTERVAL MINUTES(1)     /* Proxy:226 */
#define ASK_TIMEOUT SEC(5)                 /* pool state, Fir:391-394 */
#define HEALTH_BUFFER 10u
#define HEALTH_TOLERANCE 3u
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
    TIMER_BLACKLIST,
    TIMER_PREWARM_PACE,
    TIMER_PREWARM_CHECK,
    TIMER_SLOT, /* from here on: arg is the slot's index */
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
    TIMER_RESCHEDULING, /* state timeout of Rescheduling */
    TIMER_PING_CACHE,   /* armed in Rescheduling only, where it is silence's end */
    TIMER_HEALTH_PING,  /* of a prewarmed container */
};

/* What the pool knows of a container: what was last reported, never the proxy's own state. */
enum pool_list {
    POOL_IN_PROGRESS,
    POOL_BUSY,
    POOL_WARMED,
    POOL_PREWARMED,
    POOL_PREWARM_STARTING,
    POOL_LIST_COUNT
};
struct pool_entry {
    struct slot *next[POOL_LIST_COUNT], *prev[POOL_LIST_COUNT];
    uint8_t in[POOL_LIST_COUNT];
    bool disabling;
    bool has_creation;
    uint8_t is_warm;    /* the datum is WarmData */
    uint8_t kind;       /* of a prewarmed one: enum exec_kind */
    uint32_t memory_mb; /* of the datum that it was chosen or made with */
    uint32_t counted_mb[POOL_LIST_COUNT];
    tstamp expires_at; /* of a prewarmed one */
    struct creation creation;
    uint32_t cause;
    action_id action;
    namespace_id ns;
    uint32_t revision;
    tstamp last_used;
};

struct slot {
    uint16_t index, generation;
    bool used, is_test;
    uint16_t free_next;
    uint32_t corr;
    struct pool_entry pool;
    struct proxy proxy;
    struct client client;
    struct calls calls;
    struct timer call_timer;
};

/* The kinds that actions have here. */
#define EXEC_KIND_LIST(X) X(NODEJS_20, "nodejs:20") X(BLACKBOX, "blackbox")
#define EXEC_KIND_MEMBER(id, text) KIND_##id,
enum exec_kind { EXEC_KIND_LIST(EXEC_KIND_MEMBER) EXEC_KIND_COUNT };

#define PREWARM_CONFIGS_MAX 4u
struct prewarm_config { /* PrewarmingConfig, and the cold starts since the last check */
    uint32_t kind, memory_mb, initial_count;
    uint32_t is_reactive; /* the rest counts only then */
    uint32_t min_count, max_count, threshold, increment;
    duration ttl;
    uint32_t cold_starts;
};
struct prewarm { /* waits for its start */
    uint32_t kind, memory_mb;
    duration ttl; /* 0: no end */
};

struct pool {
    struct pool_chain {
        struct slot *head, *tail;
        uint32_t count;
        uint64_t memory_mb;
    } lists[POOL_LIST_COUNT];
    uint64_t used_mb; /* in progress, warmed or busy; who is in two of them counts once */
    uint32_t disabling_count;
    struct prewarm_config prewarm_configs[PREWARM_CONFIGS_MAX];
    uint32_t prewarm_config_count, prewarm_failed_count;
    struct prewarm *prewarm_queue; /* arena block, oldest first */
    uint32_t prewarm_queue_count, prewarm_queue_max;
    struct timer prewarm_pace, prewarm_check;
    duration prewarm_check_interval;
    bool shutting_down;
    uint32_t drain_timers; /* chains of the shutdown loop that wait */
    struct timer sync;
};

struct health {
    uint8_t state; /* enum health_state */
    uint8_t buffer[HEALTH_BUFFER];
    uint8_t buffer_count, buffer_next;
    bool is_written;  /* the test action's document is in the cache */
    bool is_prepared; /* the test activation exists */
    actor_id proxy;   /* test proxy; 0: none */
    uint32_t free_mb, busy_mb, in_progress_mb;
    uint32_t told_mb; /* free_mb of the last record */
    bool is_memory_told;
};

struct reading { /* one creation at the consumer */
    struct creation creation;
    uint32_t cause;
    bool used, has_identity;
};
#define ASKS_MAX 8u
struct ask { /* an HTTP request that waits for the pool */
    struct timer timer;
    struct message request; /* its headers are owned by the node */
    blob json;              /* the answer, put here in the pool's turn */
    bool used, wants_json;
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
    bool watch_is_open, etcd_is_down;
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
    struct run *acking_first, *acking_last; /* results that have not been answered for */
    uint8_t *blocked;                       /* the namespace blacklist */
    struct timer blacklist;
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
