#pragma once
/*
 * ids.h - the small integers that stand for names; texts are in cluster.h.
 */
#include <stdint.h>

typedef uint16_t node_id;       /* index into cluster.nodes */
typedef uint16_t action_id;     /* index into cluster.actions */
typedef uint16_t namespace_id;  /* index into cluster.namespaces */
typedef uint32_t activation_id; /* request ordinal << 2 | attempt; see below */
typedef uint32_t actor_id;      /* an actor inside a node; see below */

#define NODE_NONE UINT16_MAX
#define ACTION_NONE UINT16_MAX
#define ACTION_HEALTH_TEST (UINT16_MAX - 1) /* whisk.system/invokerHealthTestAction<N> */
#define ACTION_WARM_UP (UINT16_MAX - 2)     /* whisk.system/warmUp */
#define NAMESPACE_NONE UINT16_MAX
#define NAMESPACE_SYSTEM (UINT16_MAX - 1) /* whisk.system */

/*
 * Activation ids. Requests are numbered from 1 before anything is taken out of a load, so
 * dropping one renumbers none. `attempt` is 0 unless a client or the edge sends the request
 * again (at most 3 times). 0 is none. Ids with ACTIVATION_SYSTEM are made by the cluster
 * itself (health tests, warm-ups, the deployer's calls) and are not part of the load.
 */
#define ACTIVATION_SYSTEM UINT32_C(0x80000000)
#define ACTIVATION_ID(request, attempt) ((activation_id)((uint32_t)(request) << 2 | (attempt)))
#define ACTIVATION_REQUEST(id) ((uint32_t)(id) >> 2)

/* A request is the load entry << 24 | its ordinal. The three last entries are no load's: parts
 * of sequences and of firings, other ids that a controller chooses, and those of clients that
 * are not ours. */
#define REQUEST_ENTRY_PART 29u
#define ACTIVATION_ENTRY(id) (((uint32_t)(id) & ~ACTIVATION_SYSTEM) >> 26)
#define REQUEST_ENTRY_CONTROLLER 30u
#define REQUEST_ENTRY_FOREIGN 31u

/*
 * Actor ids. What upstream runs as an actor or as a callback is an address (node, actor):
 * kind in the top 6 bits, generation in the next 10, index in the low 16. The generation
 * tells a message for a stopped actor from one for its successor in the same slot: the
 * machine compares it and lets the former fall (dead letter).
 */
#define ACTOR(kind, generation, index)                                                         \
    ((actor_id)((uint32_t)(kind) << 26 | ((uint32_t)(generation)&0x3ffu) << 16 |               \
                ((uint32_t)(index)&0xffffu)))
#define ACTOR_KIND(id) ((enum actor_kind)((uint32_t)(id) >> 26))
#define ACTOR_GENERATION(id) (((uint32_t)(id) >> 16) & 0x3ffu)
#define ACTOR_INDEX(id) ((uint32_t)(id)&0xffffu)
