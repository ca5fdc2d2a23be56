#pragma once
/*
 * ledger.h - the one place that follows, from records alone, every activation in flight and
 * every node, container, queue and key, so that checks share one truth.
 *
 *   at a scheduler:  TOPIC --committed--> FEED --delivered--> HANDLER --> LOOK_UP --> FORWARDED
 *                                                                \---> QUEUE --handed over-->
 * (invoker) at an invoker:   handed over --> fetched --> running --> ended --> acked and stored
 *   at a controller: request passed in --> slot --> completion (or forced); request answered
 *
 * What a kill of a node loses now (product terms): at a scheduler what left its topic and is
 * in FEED to QUEUE, and what is still in the topic; at an invoker what it was handed until it
 * is acked and stored; at a controller slots and open requests, except those whose activation
 * is known to be dead already (its completion was unreadable, or died with another process).
 *
 * An activation is let go when nobody can ask for it any more: request answered, completed,
 * stored, nothing held. A record of an activation that is not in the ledger therefore comes
 * after its end: ledger_late_... tell the checks. Ids of the system (health tests, warm-ups,
 * the deployer's calls) are not followed.
 *
 * A sequence, or the firing of a trigger, lies in its controller's memory until its record is
 * written: it has a slot here, though the controller counts none. Its parts are activations of
 * their own, followed like others, but nobody has offered them: they are in no figure.
 *
 * Work per record is constant, except when a node stops or is disabled: then once over what
 * is in flight.
 */
#include "check/check.h"
#include "check/limits.h"
#include "check/table.h"

enum ledger_place {
    PLACE_NONE,
    PLACE_TOPIC,   /* appended, not committed */
    PLACE_FEED,    /* committed, not yet with the handler */
    PLACE_HANDLER, /* a mailbox of the queue manager */
    PLACE_LOOK_UP,
    PLACE_FORWARDED, /* on its way to the holder */
    PLACE_QUEUE,
    PLACE_COUNT
};

enum ledger_flag {
    LEDGER_SENT = 1u << 0, /* the client sent it */
    LEDGER_DONE = 1u << 1, /* the client has its answer */
    LEDGER_BLOCKING = 1u << 2,
    LEDGER_ACCEPTED = 1u << 3,
    LEDGER_SLOT = 1u << 4,    /* slot open at `controller` */
    LEDGER_REQUEST = 1u << 5, /* request open at `request_node` */
    LEDGER_REFUSED = 1u << 6, /* the controller turned it away: final */
    LEDGER_FORCED = 1u << 7,  /* slot ended by the controller's timer */
    LEDGER_STORED = 1u << 8,
    LEDGER_DROPPED = 1u << 9,     /* a scheduler completed it with an error */
    LEDGER_CUT = 1u << 10,        /* its container died under it */
    LEDGER_UNREADABLE = 1u << 11, /* its completion reached a controller that cannot read it */
    LEDGER_FAILED = 1u << 12,     /* set by no-failed-activation */
    LEDGER_DOUBLED = 1u << 13,    /* set by no-duplicate-completion */
    LEDGER_RETURNED = 1u << 14,   /* shown again after it had been let go */
    LEDGER_FETCHED = 1u << 15,    /* a container has it */
    LEDGER_SUSPECT = 1u << 16,    /* set by restart-safe: in the topic of a stopped scheduler */
    LEDGER_CHAIN = 1u << 17,      /* a sequence or a firing: in the controller only */
    LEDGER_STEP = 1u << 20, /* and the 3 above; set by latency: sent inside its deploy step */
};

struct ledger_activation {
    activation_id id;
    uint32_t flags;
    action_id action;
    namespace_id ns;
    node_id controller;   /* that accepted it */
    node_id request_node; /* that has, or last had, its request */
    tstamp sent_at, accepted_at, last_at;
    uint64_t last_seq; /* the newest record about it */
    tstamp lost_at;    /* where it seems to have died; 0: nowhere so far */
    uint64_t lost_seq;
    node_id lost_node;
    uint8_t lost_place; /* enum ledger_place there */
    uint8_t place;      /* at `scheduler` */
    node_id scheduler;
    node_id invoker; /* handed over to it and not yet acked and stored */
    tstamp handed_at;
    uint32_t container;
    uint8_t runs;                                   /* executions started */
    uint8_t completions_sent, completions_received; /* acks of kind completion or combined */
    uint8_t status_counted;                         /* counted as rejected under `status` */
    uint16_t status;                                /* what the client saw */
    uint64_t wait_seq; /* set by bounded-wait: the record with which its wait began; 0: none */
    node_id suspect;   /* LEDGER_SUSPECT: the scheduler that was stopped */
};

struct ledger_node {
    uint8_t kind; /* enum node_kind */
    bool up, listening, disabled, stopping;
    tstamp listening_at;
    bool in_file, in_edge; /* controllers: as last edited; in the list that nginx runs on */
    bool has_key;          /* schedulers, invokers: its own key is in etcd */
    bool healthy;          /* invokers: the health manager says `up` */
    uint32_t topic_count, held_count; /* scheduler: in the topic; FEED to QUEUE */
    uint32_t invoker_count, slot_count, request_count;
    /* invoker, in MB: of the load's containers that are neither paused nor on their way out, of
     * the system's (some are the pool's, some the health manager's); as its last claim says */
    uint32_t memory_held, memory_system, memory_free, memory_total;
    uint64_t memory_seq;
    tstamp memory_at; /* a container last began or ceased to hold some */
};

/* A container, a queue or an endpoint: what a key names, and whether the key is there. */
enum ledger_thing_kind { THING_CONTAINER, THING_QUEUE, THING_ENDPOINT };
struct ledger_thing {
    uint8_t kind;               /* enum ledger_thing_kind */
    uint8_t keys;               /* bits: 1 its key (existing), 2 warmed */
    bool is_wanted;             /* ought to have a key */
    bool is_paused, is_leaving; /* container */
    uint32_t memory_held;       /* container: MB of its invoker that it holds */
    bool by_stop;    /* ceased to be because its process stopped: keys live on by lease */
    uint32_t exists; /* how many of it (queues: of all schedulers) */
    uint32_t container;
    node_id node; /* container: invoker; endpoint: process; queue: NODE_NONE */
    action_id action;
    namespace_id ns;
    uint64_t name;                    /* in the table */
    uint64_t orphan_seq, missing_seq; /* the record that made it so; 0: it is not */
    struct key key;                   /* the key, or what it would be called */
};

/* Of the load, and so followed. */
static inline bool ledger_follows(activation_id id)
{
    return id != 0 && (id & ACTIVATION_SYSTEM) == 0;
}

struct ledger;

struct ledger *ledger_new(struct arena *arena, const struct check_world *world,
                          struct summary *summary);
void ledger_on_record(struct ledger *self, const struct record *r);
/* After the checks have seen r: let go of its activation when it is finished. */
void ledger_retire(struct ledger *self, const struct record *r);
/* Count what is still there into the summary. */
void ledger_end(struct ledger *self, tstamp now);

/* An invocation that a sequence or a firing has made. */
static inline bool ledger_is_part(activation_id id)
{
    return ACTIVATION_ENTRY(id) == REQUEST_ENTRY_PART;
}

/* NULL when unknown, finished, or not of the load. Valid until the next record. */
struct ledger_activation *ledger_activation(const struct ledger *self, activation_id id);
/* By id, or another attempt of the same request (the client may name the first). */
struct ledger_activation *ledger_find_request(const struct ledger *self, activation_id id);
const struct ledger_node *ledger_node(const struct ledger *self, node_id node);
const struct limits *ledger_limits(const struct ledger *self);
/* All activations; items are struct ledger_activation. */
const struct table *ledger_activations(const struct ledger *self);
uint32_t ledger_in_flight(const struct ledger *self); /* accepted and without completion */
uint32_t ledger_creations_open(const struct ledger *self);
/* True while handling a record of an activation that had been let go before. */
bool ledger_is_late(const struct ledger *self);
/* Has a completion and a record. */
bool ledger_is_completed(const struct ledger_activation *a);

/* Things that the current record changed. Valid until the next record. */
uint32_t ledger_changed_count(const struct ledger *self);
const struct ledger_thing *ledger_changed(const struct ledger *self, uint32_t index);
const struct ledger_thing *ledger_thing(const struct ledger *self, uint64_t name);

const struct ledger_thing *ledger_container(const struct ledger *self, uint32_t container);
/* Has the scheduler a queue of it that is neither Removing nor Removed; since when its newest
 * queue is there (TSTAMP_NEVER: there is none that serves). */
bool ledger_queue_serves(const struct ledger *self, node_id scheduler, namespace_id ns,
                         action_id action);
tstamp ledger_queue_since(const struct ledger *self, node_id scheduler, namespace_id ns,
                          action_id action);
uint32_t ledger_action_in_flight(const struct ledger *self, action_id action);
/* A container has begun to run it, and its end is not known. */
bool ledger_is_running(const struct ledger_activation *a);

/* What a kill of the node would lose now. */
struct ledger_risk {
    uint32_t total;
    uint32_t topic, feed, look_up, queue; /* scheduler; look_up with HANDLER, FORWARDED */
    uint32_t running, unacked, unstored;  /* invoker */
    uint32_t slots, requests;             /* controller: slots; requests without one */
    activation_id first;                  /* the smallest id of them; 0: none */
    action_id action;                     /* its action */
};
/*
 * reads_after, too_old: what waits in a scheduler's topic is lost when the successor, which
 * reads it at the earliest reads_after from now, finds it older than too_old.
 */
struct ledger_risk ledger_risk(const struct ledger *self, node_id node, tstamp now,
                               duration reads_after, duration too_old);
/* "1 in its topic, 2 in a queue". */
void ledger_risk_print(const struct ledger_risk *risk, char *text, size_t size);
void ledger_digest(const struct ledger *self, struct digest *d);
