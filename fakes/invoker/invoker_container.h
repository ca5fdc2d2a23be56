#pragma once
/*
 * invoker_container.h - a container's state by actor: its calls, its runs, proxy and client.
 */
#include "core/message.h"
#include "core/timers.h"

struct slot;

/* Calls that wait for an answer. Those of a slot first. */
enum call_kind {
    CALL_FETCH,
    CALL_FAREWELL, /* fetch with alive = false */
    CALL_LEADER,
    CALL_COUNT,
    CALL_DOCUMENT, /* arg: activation id of the run */
    CALL_RESCHEDULE,
    CALL_WARM_LIST,
    CALL_WARM_FETCH,
    CALL_TEST_WRITE,
    CALL_TEST_READ,
    CALL_READING,   /* arg: index of the reading */
    CALL_BLACKLIST, /* arg: the namespace */
};
struct call {
    uint32_t corr, arg;
    tstamp until; /* etcd calls: when this attempt has taken too long */
    node_id peer;
    uint8_t kind;    /* enum call_kind */
    uint8_t tries;   /* attempts that failed */
    bool is_waiting; /* for its second attempt, at `until` */
};
struct calls {
    struct call *items; /* arena block, oldest first */
    uint32_t count, max;
};

/* A count of live containers under way, in a call's `arg`: which attempt, which kind of key,
 * the sum so far. */
#define COUNT_ARG(attempt, stage, sum)                                                         \
    ((uint32_t)(attempt) << 28 | (uint32_t)(stage) << 24 | ((uint32_t)(sum)&0xffffffu))
#define COUNT_ATTEMPT(arg) ((arg) >> 28)
#define COUNT_STAGE(arg) ((arg) >> 24 & 0xfu)
#define COUNT_SUM(arg) ((arg)&0xffffffu)

/* One activation in a container: its document read, /init, /run, logs; at last it may wait
 * until its result has gone, so that completion goes behind it. */
enum run_phase { RUN_READING, RUN_INIT, RUN_RUN, RUN_LOGS, RUN_ACKING };
struct run {
    struct timer timer; /* first: a fired timer is its run */
    struct run *next;   /* of the slot, or of the free ones */
    struct run *acking_next;
    struct slot *slot;
    struct activation activation;
    uint32_t cause;
    uint32_t result_corr; /* of the result's send while it is open; else 0 */
    bool is_refused;      /* nobody listens, or the runtime shuts down: a health error */
    bool crashes;
    uint8_t phase, response, error;
    bool latest;       /* the read asks for the latest revision: a mismatch was seen */
    bool is_frozen;    /* in a paused container: `left` of /run is still to do */
    tstamp started_at; /* of /run */
    duration init_ns, run_ns, left;
};

enum proxy_datum { DATUM_NONE, DATUM_INITIALIZED, DATUM_WARM };
struct proxy {
    bool alive;
    uint8_t state; /* enum proxy_state */
    uint8_t datum;
    bool timed_out;
    bool has_container;
    bool destroy_after_resume; /* cleaned up in Paused */
    uint8_t determine_attempt; /* of the timer that is armed */
    bool is_crashed;           /* the container's process has ended */
    uint8_t early; /* EARLY_*: what the client said before the container was known */
    uint32_t ping_failures, ping_ordinal; /* of a prewarmed one's TCP check */
    action_id action;
    namespace_id ns;
    uint32_t revision, warm_revision; /* of the document; of the first activation */
    node_id scheduler;
    uint32_t creation, container, cause;
    uint32_t operation_count;
    uint32_t running_count; /* between "handed to the container" and "logs collected" */
    uint32_t run_ordinal;   /* how many were begun */
    uint32_t prewarm_mb, prewarm_kind;
    duration prewarm_ttl;
    tstamp last_used;
    tstamp ping_from;              /* the cache is pinged each minute from here; 0: not */
    struct activation rescheduled; /* what Rescheduling gives back */
    uint32_t reschedule_cause;
    struct run *runs;
    struct message *stash;
    uint32_t stash_count, stash_max;
    struct timer unused, idle, keeping, determine, running, removing;
    struct timer operation, resume, destroy; /* docker: create or pause; unpause; remove */
    struct timer rescheduling, ping_cache, health_ping;
};
#define EARLY_COMPLETED 1u
#define EARLY_CLOSED 2u

struct client {
    bool alive;
    uint8_t state; /* enum client_state; the test's fake one has none */
    bool warmed;
    bool closed;       /* the gRPC client; of the fake: GracefulShutdown came */
    node_id stored;    /* host:port that upstream's datum holds, maybe an old one */
    node_id connected; /* whom the gRPC client talks to */
    struct message *stash;
    uint32_t stash_count, stash_max;
};
