#pragma once
/*
 * host_live.h - the live host: runs the same machines in real time, on real sockets.
 *
 *   DOWN --start--> (BOOTING, restarts only) --ports bound--> UP --stop--> STOPPING --> DOWN
 *                                                              \------- kill ------------^
 *
 * One process, one thread, one loop. Each node has its own ports, its own pool of HTTP
 * connections, its own Kafka clients; a node that goes down takes them with it, so that its
 * peers, and clients that know nothing of this project, see connections refused and reset.
 *
 *   between                              travels as
 *   client, edge, controllers, deployer  HTTP, upstream's routes
 *   invoker - scheduler (gRPC)           HTTP POST with JSON to the scheduler's RPC port
 *   scheduler, controller (remoting)     HTTP POST with JSON to the scheduler's remoting port
 *   anyone - etcd                        etcd's v3 JSON interface: ours, or `etcd_url`
 *   anyone - Kafka                       the Kafka protocol by librdkafka: ours, or `bootstrap`
 *   anyone - database, `docker`, the     inside the process, after their usual time
 *   shell on the edge's host
 *
 * Time: scenario time runs `speed` times as fast as the clock on the wall; every duration of a
 * machine, a client library or a session is divided by it. Before each send (and, for HTTP
 * requests, at the receiver) the fault plan is asked, as in the simulated host.
 *
 * What etcd and Kafka do is recorded from outside: an observer watches all keys; appends and
 * commits are recorded when the client library reports them. Requests of clients that are not
 * ours are recorded as the client's: sent when they arrive, done when their answer is out.
 * Files: host_live.c (world, time, steps), live_node.c (boot, stop, kill), live_send.c (faults,
 * links), live_http.c, live_call.c (HTTP both ways), live_etcd.c, live_kafka.c, live_broker.c.
 * Deviations: docs/fidelity.md#live.
 */
#include "core/host.h"
#include "live/loop.h"
#include "wire/wire_http.h"

#define LIVE_ERROR_SIZE 256

struct host_live_config {
    struct host_world world; /* its cluster may have spare actions: see spare_actions */
    /* The same cluster, writable: names of spare actions are filled in as clients create them.
     * NULL: none are. */
    struct action_info *spare_actions; /* world.cluster->actions */
    uint32_t speed;                    /* 1 or more */
    bool upstream_ports; /* the roles' base ports plus index; else any free ones */
    const char *listen;  /* numeric; NULL: 127.0.0.1 */
    const char *etcd_url, *bootstrap, *edge_url; /* NULL: the embedded ones */
};

struct host_live_endpoint {
    char url[96]; /* of the API; "" for the client, the deployer, the database */
    uint16_t ports[WIRE_PORT_COUNT]; /* 0: none; kafka: its own port in the first */
    const char *state;               /* "up", "down", "booting", "stopping", "elsewhere" */
};

extern const struct host_ops host_live_ops;

/*
 * Binds every port and starts nothing yet. NULL with one line of reason: a port, a broker or
 * an etcd that is not there. Bytes: world.arena; descriptors: a few per node and connection.
 */
struct host *host_live_open(const struct host_live_config *config,
                            char ret_error[LIVE_ERROR_SIZE]);
/* A later failure of the environment (a port that could not be bound again), or NULL. */
const char *host_live_error(const struct host *host);

struct loop *host_live_loop(struct host *host);
struct host_live_endpoint host_live_endpoint(const struct host *host, node_id node);
/* "host:port" of the broker, URL of etcd and of the edge, as clients outside use them. */
const char *host_live_bootstrap(const struct host *host);
const char *host_live_etcd_url(const struct host *host);
const char *host_live_edge_url(const struct host *host);

/* What a deploy tool calls instead of docker: done when the node is in the state (start: when
 * the boot begins). False: no such operation for this node. */
typedef void (*host_live_done_fn)(void *context, bool ok);
bool host_live_control(struct host *host, node_id node, enum control_op op, void *context,
                       host_live_done_fn done);
/* Take a controller out of the edge's list, or put it in; done when nginx has reloaded. */
bool host_live_edge(struct host *host, node_id controller, bool add, void *context,
                    host_live_done_fn done);

/* Let run_until return soon. */
void host_live_interrupt(struct host *host);
uint64_t host_live_open_exchanges(const struct host *host);
