#pragma once
/*
 * ledger_internal.h - the ledger's own state, shared by its topic files.
 *
 * ledger.c dispatch and end; ledger_activation.c movements of an activation; ledger_thing.c
 * nodes, containers, queues and keys; ledger_risk.c what a kill loses.
 */
#include "check/ledger.h"
#include "check/summary.h"

/* What waits in a scheduler's topic, in the order of its offsets. */
struct ledger_topic {
    struct ledger_waiting {
        uint64_t offset;
        activation_id id;
        uint32_t spare;
    } * ring; /* arena block, `max` a power of two */
    uint32_t head, count, max;
};

struct ledger_queue { /* the queues of one action at one scheduler */
    uint64_t a, b;
    uint32_t count;
    node_id node;
    action_id action;
    namespace_id ns;
    tstamp since;    /* the newest was made */
    bool is_leaving; /* Removing or Removed: has given its leader key back */
};

struct ledger_creation {
    uint32_t id;
    node_id node;
};

struct ledger {
    struct arena *arena;
    const struct cluster *cluster;
    const struct draws *draws;
    struct summary *summary;
    struct limits *limits;
    struct ledger_node *nodes;
    struct ledger_topic *topics; /* by scheduler index */
    struct table activations, things, queues, creations;
    uint32_t in_flight;
    bool is_late;
    uint64_t *changed; /* arena block: names of things this record changed */
    uint32_t changed_count, changed_max;
};

/* Drop it when it is finished; counts it. */
void ledger_let_go(struct ledger *self, struct ledger_activation *a);
/* Where it is at schedulers; node NODE_NONE with PLACE_NONE. */
void ledger_place_set(struct ledger *self, struct ledger_activation *a, enum ledger_place place,
                      node_id node);
void ledger_invoker_set(struct ledger *self, struct ledger_activation *a, node_id node);
void ledger_slot_set(struct ledger *self, struct ledger_activation *a, bool open);
void ledger_request_set(struct ledger *self, struct ledger_activation *a, node_id node);
/* It seems to have died here; kept only until it is seen alive again. */
void ledger_lost(struct ledger_activation *a, const struct record *r, node_id node,
                 enum ledger_place place);

void ledger_on_request(struct ledger *self, const struct record *r);
void ledger_on_movement(struct ledger *self, const struct record *r);
void ledger_on_chain(struct ledger *self, const struct record *r);
void ledger_on_topic(struct ledger *self, const struct record *r); /* APPENDED, COMMITTED */
void ledger_on_completion(struct ledger *self, const struct record *r);
void ledger_on_node(struct ledger *self, const struct record *r);
void ledger_on_container(struct ledger *self, const struct record *r);
void ledger_on_queue(struct ledger *self, const struct record *r);
void ledger_on_state(struct ledger *self, const struct record *r);
void ledger_on_key(struct ledger *self, const struct record *r);
void ledger_on_permits(struct ledger *self, const struct record *r);
void ledger_on_creation(struct ledger *self, const struct record *r);
/* Once over what is in flight, for a node that stopped. */
void ledger_stop_activations(struct ledger *self, const struct record *r);
