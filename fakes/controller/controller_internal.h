#pragma once
/*
 * controller_internal.h - the controller's struct and what its files share.
 *
 * Calls to other nodes carry the activation id as corr, so that their draws do not depend on
 * what else is in flight; the index of the calling actor counts the attempts, so that a late
 * answer to a former attempt is told from the present one.
 */
#include "common/admin.h"
#include "common/etcd_call.h"
#include "common/feed.h"
#include "common/producer.h"
#include "common/watcher.h"
#include "controller/controller.h"
#include "controller/controller_table.h"

enum controller_timer {
    TIMER_FORCED = TIMER_COMPONENT, /* completion time-out of a slot */
    TIMER_REQUEST,                  /* the HTTP server's own */
    TIMER_STAGE,                    /* of the stage: etcd call, blocking wait */
    TIMER_SLOW_POLL,
    TIMER_FAST_POLL,
    TIMER_ASK,  /* of a CreateQueue */
    TIMER_READ, /* of a prefix read */
    TIMER_API,  /* the HTTP server's own, of a request of the public API */
};

/* Who calls: actor kinds with a generation each, index: attempt. */
#define BALANCER_ID ACTOR(ACTOR_BALANCER, 0, 0)
#define ASK_ACTOR(origin, attempt) ACTOR(ACTOR_BALANCER, (origin), (attempt))
#define LOOK_UP_ACTOR(attempt) ACTOR(ACTOR_SLOT, 0, (attempt))
#define SEND_ACTOR ACTOR(ACTOR_PRODUCER, 0, 0)
#define WARM_UP_SEND_ACTOR ACTOR(ACTOR_PRODUCER, 1, 0)
enum call_generation {
    CALL_SLOW,
    CALL_FAST,
    CALL_ACTION,
    CALL_PREFIX,
    CALL_DOCUMENT,
    CALL_INVOKE_DOCUMENT,
    CALL_RULE, /* a firing to the own port */
    CALL_STORE /* of a chain's record */
};
#define CALL_ACTOR(generation, attempt) ACTOR(ACTOR_CALL, (generation), (attempt))

enum stage { STAGE_ACTION, STAGE_LOOK_UP, STAGE_SEND, STAGE_WAIT, STAGE_OVER };
enum result { RESULT_NONE, RESULT_RECORD, RESULT_ID_ONLY };

struct chain;    /* controller_chain.h */
struct api_call; /* of the public API, as the next two; controller_api_hooks.h */
struct api_invoke;
struct document_cache;
struct invocation {
    struct call_link link;          /* key: the activation's id */
    struct invocation *next, *prev; /* in the order of arrival */
    activation_id id;
    uint32_t revision;
    tstamp received_at;
    action_id action;
    namespace_id ns;
    node_id caller, scheduler;
    actor_id caller_actor;
    uint32_t caller_corr;
    uint32_t cause;
    uint8_t stage;   /* enum stage */
    uint8_t attempt; /* of the stage's call, from 0 */
    bool is_blocking, is_called, is_accepted;
    bool has_slot, has_promise;
    bool is_call_open; /* LOOK_UP: sent */
    uint8_t result;    /* enum result: what the promise was completed with */
    uint8_t response, error;
    uint8_t slow_polls, fast_polls; /* reads sent */
    bool has_slow_read, has_fast_read;
    bool has_run;
    uint32_t run_ms;         /* as the ack says, if it came by one */
    duration wait;           /* at most, of a blocking call */
    struct api_invoke *http; /* a client of the public API calls; NULL: MSG_INVOKE */
    activation_id chain;     /* it is a part of this sequence; 0: somebody else calls */
    struct timer forced, request, stage_timer, slow, fast;
};

/* One createQueue (FPCPoolBalancer.scala:166-210). */
#define ASK_BUDGET 5u
enum ask_origin { ASK_NONE, ASK_PUBLISH, ASK_RECREATE, ASK_WARM_UP };
struct queue_ask {
    struct call_link link; /* key: ask_key */
    struct queue_ask *next, *prev;
    uint32_t corr;
    uint32_t revision;
    uint32_t cause;
    action_id action;
    namespace_id ns;
    uint8_t origin;    /* enum ask_origin */
    uint8_t attempts;  /* sent so far */
    bool needs_action; /* recreate: waits for the action's metadata */
    node_id tried[ASK_BUDGET + 1];
    struct timer timer;
};

/* A prefix read: of the schedulers at the start, or for a route. */
enum controller_route {
    ROUTE_ROOT,
    ROUTE_INVOKERS,
    ROUTE_HEALTHY_COUNT,
    ROUTE_READY,
    ROUTE_ACTIVATION,
    ROUTE_ACTIVATION_COUNT,
    ROUTE_DISABLE,
    ROUTE_COUNT,
    ROUTE_NONE = ROUTE_COUNT, /* the read at the start */
};
struct prefix_read {
    struct prefix_read *next;
    uint32_t corr;
    uint8_t route, attempt;
    bool is_call_open;
    struct message request; /* its headers are the read's own */
    struct timer timer;
};

struct scheduler_info { /* schedulerEndpoints, by index */
    bool is_known;
    uint32_t queue_size;
};
struct minute_count {
    uint64_t minute;
    uint32_t count;
};
struct action_cache { /* MultipleReadersSingleWriterCache, by cache index */
    tstamp used_at;
    uint32_t revision;
    uint32_t corr;  /* of the read in progress; 0: none */
    uint32_t least; /* an older revision is not kept: it was written over */
    bool is_cached;
};

struct controller {
    const struct machine_env *env;
    const struct controller_config *config;
    node_id etcd, database;
    struct timers timers;
    struct feed acks;
    struct producer producer;
    struct watcher watcher;
    struct admin admin;
    struct scheduler_info *schedulers;
    uint32_t scheduler_count, known_count;
    struct call_map queue_endpoints;  /* (ns, action) -> node */
    struct call_map throttlers;       /* (ns, action) -> 0 or 1 */
    struct minute_count *minutes;     /* by namespace; the last: whisk.system */
    struct minute_count *fires;       /* the same of triggers */
    struct action_cache *actions;     /* by action; the last: the health test */
    struct document_cache *documents; /* by action; NULL: never asked for */
    struct api_call *api_calls;       /* in the order of arrival */
    uint32_t api_call_count, api_ids; /* ids: how many were given */
    struct call_table invocations;
    struct call_slab invocation_slab;
    struct invocation *first, *last;
    uint32_t slot_count, call_count;
    struct call_table chains;
    struct call_slab chain_slab;
    struct chain *chain_first, *chain_last; /* in the order of their start */
    uint32_t chain_count, part_ids;         /* ids: how many were given */
    struct call_table asks;
    struct call_slab ask_slab;
    struct queue_ask *ask_first, *ask_last;
    struct prefix_read *reads; /* in the order of arrival */
    uint32_t numbers;          /* of calls that belong to no activation */
    struct etcd_retry etcd_retry;
};

static inline uint32_t pair_key(namespace_id ns, action_id action)
{
    return (uint32_t)ns << 16 | action;
}

/* controller.c */
struct invocation *controller_find(const struct controller *self, activation_id id);
/* Does an invocation or a chain have this id? */
bool controller_has_id(const struct controller *self, activation_id id);
struct invocation *controller_add(struct controller *self, const struct message *m,
                                  struct effects *fx);
/* Give the invocation back when neither call, slot nor send needs it. */
void controller_settle(struct controller *self, struct invocation *i);
uint32_t controller_number(struct controller *self);
void controller_arm(struct controller *self, struct effects *fx, struct timer *timer,
                    duration length);

/* controller_publish.c */
void controller_on_invoke(struct controller *self, const struct message *m, struct effects *fx);
void controller_publish(struct controller *self, struct invocation *i, struct effects *fx);
void controller_on_look_up(struct controller *self, const struct message *m,
                           struct effects *fx);
/* The call of the look-up failed: refused, reset, no answer. */
void controller_look_up_failed(struct controller *self, struct invocation *i,
                               struct effects *fx);
void controller_look_up_timer(struct controller *self, struct invocation *i,
                              struct effects *fx);

/* controller_producer.c */
void controller_send(struct controller *self, struct invocation *i, struct effects *fx);
void controller_on_produced(struct controller *self, const struct message *m,
                            struct effects *fx);
void controller_producer_timer(struct controller *self, struct effects *fx);
void controller_send_warm_up(struct controller *self, uint32_t scheduler, struct effects *fx);

/* controller_ack.c */
void controller_on_ack(struct controller *self, const struct message *m, struct effects *fx);
void controller_force(struct controller *self, struct invocation *i, struct effects *fx);

/* controller_wait.c */
void controller_published(struct controller *self, struct invocation *i, struct effects *fx);
void controller_result(struct controller *self, struct invocation *i, struct effects *fx);
void controller_poll(struct controller *self, struct invocation *i, bool is_fast,
                     struct effects *fx);
void controller_on_poll(struct controller *self, const struct message *m, struct effects *fx);
void controller_poll_failed(struct controller *self, struct invocation *i, struct effects *fx);
/* Answer the call, once; afterwards the invocation may be gone. */
void controller_answer(struct controller *self, struct invocation *i, struct effects *fx,
                       uint16_t status, enum response_status response, enum error_text error);

/* controller_read.c */
void controller_read_prefix(struct controller *self, enum controller_route route,
                            const struct message *request, struct effects *fx);
void controller_on_prefix(struct controller *self, const struct message *m, struct effects *fx);
void controller_prefix_timer(struct controller *self, struct prefix_read *read,
                             struct effects *fx);
void controller_prefixes_reset(struct controller *self, struct effects *fx);
struct action_cache *controller_cache(struct controller *self, action_id action);
/* Is the action's metadata at hand? If not, a read is on its way. */
bool controller_has_action(struct controller *self, action_id action, struct effects *fx);
void controller_on_action(struct controller *self, const struct message *m, struct effects *fx);
void controller_actions_reset(struct controller *self, struct effects *fx);

/* controller_route.c */
extern const struct admin_route controller_routes[ROUTE_COUNT];
void controller_on_http(struct controller *self, const struct message *m, struct effects *fx);
/* The answer of a route that needed invokers; kvs NULL: they could not be read. */
void controller_route_read(struct controller *self, const struct prefix_read *read,
                           const struct etcd_kv *kvs, uint32_t count, struct effects *fx);

#include "controller/controller_api_hooks.h"
#include "controller/controller_chain.h"
#include "controller/controller_queue.h"
