#pragma once
/*
 * scheduler_pool.h - leader keys as this scheduler knows them, and its queues by revision.
 * Source: QueueManager.scala:87-101, 771-789 at 1fae641a2.
 */
#include "core/machine.h"

struct scheduler;

struct pool_entry { /* QueuePool: one queue by revision */
    struct route *route;
    struct pool_entry *next; /* of the route, ascending revision */
    uint32_t revision;
    actor_id queue;
    bool leader; /* the current revision here; not the election */
};
struct route {          /* one leader key: namespace and action */
    struct route *next; /* of the action */
    struct pool_entry *entries;
    uint32_t init_revision; /* initRevisionMap; 0: none */
    namespace_id ns;
    action_id action;
    node_id selection; /* actorSelectionMap; NODE_NONE: none */
    bool electing;     /* leaderElectionCallbacks */
    node_id asker;     /* who asked for the queue */
    actor_id asker_actor;
    uint32_t asker_corr, asked_revision;
};
struct pool {
    struct route **routes;       /* by action; the last is the health test action */
    struct pool_entry **entries; /* sorted by (ns, action, revision) */
    uint32_t count, max, leader_count;
};

void pool_init(struct scheduler *self);
/* NULL if the ids name nothing that can have a queue. */
struct route *pool_route(struct scheduler *self, namespace_id ns, action_id action);
struct pool_entry *pool_find(struct scheduler *self, namespace_id ns, action_id action,
                             uint32_t revision);
void pool_put(struct scheduler *self, struct route *route, uint32_t revision, actor_id queue);
/* It is not the current revision any more. */
void pool_depose(struct scheduler *self, struct pool_entry *entry);
/* The first of an action's queues in the order of the pool's hash map, of this namespace or of
 * any; NULL: there is none. */
const struct pool_entry *pool_first(struct scheduler *self, namespace_id ns, action_id action,
                                    bool any_namespace);
bool pool_remove(struct scheduler *self, struct route *route, uint32_t revision);
/* The queue that gets state messages: in the pool and leader; 0 if none. */
actor_id pool_leader(struct scheduler *self, namespace_id ns, action_id action,
                     uint32_t revision);
void pool_digest(const struct scheduler *self, struct digest *d);
