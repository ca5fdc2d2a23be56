#pragma once
/*
 * common.h - the posts of the actors that upstream's components share, and their ids.
 *
 * A component's own post kinds start at POST_COMPONENT. Timers likewise: kinds below
 * TIMER_COMPONENT belong to common. A machine's step looks at the actor kind of a message's
 * receiver (or of a timer) and calls the shared actor's function.
 */
#include "core/actor.h"
#include "core/machine.h"

#define COMMON_POST_LIST(X)                                                                    \
    X(NONE, "none")                                                                            \
    X(FEED_READY, "ready")                    /* to a feed: start */                           \
    X(FEED_ITEM, "item")                      /* feed to its handler: struct post_item */      \
    X(FEED_PROCESSED, "processed")            /* handler to feed */                            \
    X(GRACEFUL_SHUTDOWN, "graceful-shutdown") /* to any actor; feeds ignore it */              \
    X(GRANT_LEASE, "grant-lease")                                                              \
    X(SET_WATCHER, "set-watcher")                                                              \
    X(REGRANT_LEASE, "regrant-lease")                                                          \
    X(GET_LEASE, "get-lease")           /* to the lease service */                             \
    X(LEASE, "lease")                   /* its answer: struct post_lease */                    \
    X(WATCH, "watch")                   /* to the watcher: struct post_watch */                \
    X(UNWATCH, "unwatch")               /* to the watcher: struct post_watch */                \
    X(WATCHER_CLOSED, "watcher-closed") /* its feedback: struct post_watch */                  \
    X(INSERTED, "inserted")             /* watcher to a subscriber: struct post_watched */     \
    X(REMOVED, "removed")               /* watcher to a subscriber: struct post_watched */     \
    X(RESTART_WATCHER, "restart-watcher")                                                      \
    X(ELECT_LEADER, "elect-leader") /* to data: struct post_data; recipient is the sender */   \
    X(REGISTER_INITIAL, "register-initial")                                                    \
    X(REGISTER, "register")                                                                    \
    X(UNREGISTER, "unregister")                                                                \
    X(UPDATE_ON_CHANGE, "update-on-change")                                                    \
    X(ELECTED, "elected") /* data's answer: struct post_data, flag WON */                      \
    X(INITIAL_STORED,                                                                          \
      "initial-stored") /* data's answer: struct post_data, flag WON: stored */                \
    X(FINISH_WORK, "finish-work")
#define COMMON_POST_MEMBER(id, text) POST_##id,
enum common_post { COMMON_POST_LIST(COMMON_POST_MEMBER) POST_COMMON_COUNT };
NAMES_DECLARE(common_post)
#define POST_COMPONENT 64u

enum common_timer {
    TIMER_NONE,
    TIMER_FEED,      /* long poll or retry of a feed; arg: feed index */
    TIMER_KEEPALIVE, /* 500 ms */
    TIMER_WORKER,    /* retry of an EtcdWorker request; arg: request slot */
    TIMER_DATA,
    TIMER_FEED_HEARTBEAT, /* Kafka group heartbeat, 10 s; arg: feed index */
    TIMER_PRODUCER,
};
#define TIMER_COMPONENT 16u

struct post_item {
    struct entry entry; /* 32 */
    uint32_t offset;    /* low 32 bits */
    uint32_t feed;      /* index of the feed */
};
struct post_lease {
    uint32_t lease;
    uint32_t spare;
};
struct post_watch { /* a registration is (key, depth, name); depth WATCH_EXACT: the key itself
                     */
    struct key key;
    uint8_t depth;
    uint8_t puts, deletes; /* which events */
    uint8_t feedback;      /* UNWATCH: answer WATCHER_CLOSED */
    uint32_t name;         /* the subscriber's own number for the registration */
    uint32_t spare[4];
};
#define WATCH_EXACT 255u
struct post_watched { /* INSERTED, REMOVED; 40 bytes */
    struct key key;
    struct value value; /* of a delete: the previous one */
    uint32_t name;
    uint8_t is_prefix, spare[3];
};
#define DATA_FAILOVER 1u  /* watch the key and put it back when it vanishes */
#define DATA_RECIPIENT 2u /* the sender wants INITIAL_STORED */
#define DATA_WON 4u       /* answers: the put-if-absent took place */
struct post_data {
    struct key key;
    struct value value;
    uint32_t flags;
    uint32_t recipient; /* actor_id; filled by data */
};

#define ACTOR_WATCHER_ID ACTOR(ACTOR_WATCHER, 0, 0)
#define ACTOR_LEASE_ID ACTOR(ACTOR_LEASE, 0, 0)
#define ACTOR_DATA_ID ACTOR(ACTOR_DATA, 0, 0)
#define ACTOR_WORKER_ID ACTOR(ACTOR_WORKER, 0, 0)
#define ACTOR_FEED_ID(index) ACTOR(ACTOR_FEED, 0, index)
#define ACTOR_FEED_HANDLER_ID(index) ACTOR(ACTOR_FEED_HANDLER, 0, index)
#define ACTOR_MAIN_ID ACTOR(ACTOR_MAIN, 0, 0)
