#pragma once
/*
 * live_target.h - a cluster that is not ours: its edge, controllers, schedulers and invokers
 * are elsewhere, its stores are not seen; here run the client and the deploy tool alone.
 *
 * What a client and a deploy tool see is all that is recorded:
 *
 *   seen                                      recorded
 *   an answer with an activation id           accepted, by whom it was sent to
 *   an answer with the activation's result,   acked and received; a second one that says
 *   or its record                             something else is a second completion
 *   its record (GET .../activations/ID,       stored
 *   asked again with growing pauses)
 *   another answer                            rejected
 *   POST /disable, /enable answered with 200  disabled, enabled
 *   GET /activation/count, /pool/count        count answered
 *   the stop command ends with 0              stopped
 *   the start command ends with 0             started; listening once /ping answers 200
 *   /ping fails twice, answers again          stopped by a fault; started and listening
 *   the edge's add and remove commands        edge changed
 *
 * A connection that breaks takes the one call with it, not all calls to that peer: a real
 * client has many. Deviations: docs/fidelity.md#live.
 */
#include "core/cluster.h"
#include "core/payload.h"
#include "live/http_client.h"
#include "live/live_names.h"

enum live_order {
    LIVE_ORDER_STOP,
    LIVE_ORDER_START,
    LIVE_ORDER_PULL,
    LIVE_ORDER_REMOVE_CONTAINERS,
    LIVE_ORDER_EDGE_REMOVE, /* of the node, a controller */
    LIVE_ORDER_EDGE_ADD,
};

struct host_live_target {       /* borrowed for the life of the host */
    const char *const *urls;    /* by node, without a slash at the end; NULL: it runs here */
    const struct http_tls *tls; /* NULL: the system's authorities */
    const char *const *auths;   /* by namespace, "user:password" */
    const char *system_auth;    /* of whisk.system; may be NULL */
    duration patience;          /* the client's: what comes later is nobody's */
    duration record_within;     /* an activation without a record is given up after it */
    duration ping_every;
    struct live_names *names; /* gets the cluster's ids of activations */
    void *context;
    /* Begin it; `done` is called once, later, from the loop. False: there is no command for
     * it, and `done` is not called. */
    bool (*order)(void *context, node_id node, enum live_order order, void *done_context,
                  void (*done)(void *done_context, bool ok));
};
