#pragma once
/*
 * host_sim.h - the simulated host: runs machines in virtual time.
 *
 *            start                     stop                 cut after timing.stop
 *   DOWN ------------> (BOOTING) ----> UP -----> STOPPING ------------------------> DOWN
 *     ^                    \-----------------------/ kill ---------------------------^
 *
 * One event at a time, in the total order (time, class, insertion number): it is delivered to
 * one machine, whose effects are then performed in order. The whole world, this host included,
 * lies in the caller's arena, so that a snapshot of the arena is a snapshot of the world; the
 * cluster, the draws, configs and sinks are borrowed, outside, and never change.
 *
 * A machine with ends_at_signal is cut as soon as it has had its EVENT_SIGNAL; its node then is
 * ENDING, which is as DOWN to all but START and STOP, until `timing.stop` is over.
 *
 * A node that is UP or STOPPING listens. BOOTING has no machine yet (only restarts take time).
 * Calls to a node that does not listen, or whose incarnation changed on the way, come back as
 * MSG_REFUSED; other messages are recorded as lost. A node that goes down sends EVENT_LINK
 * {down 1} to every node that listens, in node order; one that listens again, {down 0}.
 *
 * Blobs of a message are owned by ARENA_MESSAGE while it is in flight (the host sees to it at
 * the send). After the receiver's step those that are still so owned are freed: to keep one, or
 * to send it on, the receiver takes it with blob_own(arena, env->node, b).
 *
 * MSG_CONTROL to NODE_HOST is what a deploy tool does to containers; MSG_CONTROL_DONE answers:
 *   STOP               when the node is down: SIGTERM, cut after `timing.stop`, at most 10 s
 *   KILL               at once
 *   START              when the boot begins, after 0.5 s (ok 0: it was still stopping); it
 *                      listens `timing.restart.<kind>` later (kinds without such a range: at
 *                      once), and from then on runs its behaviour_to
 *   PULL               after `timing.pull`
 *   REMOVE_CONTAINERS  after 100 ms
 *
 * Digest: over each delivered event (kind, instant, node, message words with the contents of
 * blobs), the count of its effects, each record, and at every checkpoint the full state of all
 * machines. Nothing else: neither tracing nor rules that never apply change it.
 */
#include "core/host.h"

struct host_checkpoint {
    uint64_t event_count;
    tstamp at;
    uint64_t digest; /* overall, after the state of all machines went in */
};

#define HOST_CHECKPOINT_EVENTS (UINT64_C(1) << 16)

struct host_sim_config {
    struct arena
        *arena; /* of this world; what else lies in it (the plan) may be there already */
    const struct cluster *cluster;
    const struct draws *draws;
    const struct host_node *nodes; /* cluster->node_count */
    tstamp begin;                  /* first instant; 0: TSTAMP_ORIGIN */
    struct fault_ops faults;       /* plan NULL: none */
    struct host_sinks sinks;
    bool trace; /* call sinks.event */
    /* Every HOST_CHECKPOINT_EVENTS; context is sinks.context. May be NULL. */
    void (*checkpoint)(void *context, const struct host_checkpoint *checkpoint);
    struct ratio loss[LINK_COUNT]; /* of each link; denominator 0: none */
};

struct link_count { /* sent + duplicated = delivered + dropped + in flight */
    uint64_t sent, duplicated, delivered, dropped;
};

extern const struct host_ops host_sim_ops;

/* All nodes are down; start them in the order that they shall boot. Owner ARENA_HOST. */
struct host *host_sim_new(const struct host_sim_config *config);
/* Ends the world: nodes and messages give back their blocks; asserts that none is left. */
void host_sim_release(struct host *host);

void host_sim_start(struct host *host, node_id node); /* boots at once; running: nothing */
void host_sim_stop(struct host *host, node_id node);
void host_sim_kill(struct host *host, node_id node); /* recorded as a kill by a fault */
/* Every event at or before `until`; TSTAMP_NEVER: to the end of all work. Returns now: `until`
 * when later work is left, else the instant of the last event. */
tstamp host_sim_run_until(struct host *host, tstamp until);
/* One event; false: nothing left at or before `until`. */
bool host_sim_run_one(struct host *host, tstamp until);
tstamp host_sim_now(const struct host *host);
/* The instant of the next event, TSTAMP_NEVER if none. */
tstamp host_sim_next(const struct host *host);
bool host_sim_pending(struct host *host, char *text, size_t size);

/* Hand a message to the network as if m->from had just sent it (its step is not run). */
void host_sim_send(struct host *host, const struct message *m);

uint64_t host_sim_digest(const struct host *host);
uint64_t host_sim_node_digest(const struct host *host, node_id node);
uint64_t host_sim_event_count(const struct host *host);
uint64_t host_sim_record_count(const struct host *host);
uint64_t host_sim_in_flight(const struct host *host); /* messages, posts included */
struct link_count host_sim_link(const struct host *host, enum link link);
bool host_sim_is_listening(const struct host *host, node_id node);
uint32_t host_sim_incarnation(const struct host *host, node_id node);
const void *host_sim_machine(const struct host *host, node_id node); /* for reports and tests */
void host_sim_set_trace(struct host *host, bool trace);              /* part of a snapshot */

/* The whole world, arena included. The restored host has the same address. */
struct arena_snapshot *host_sim_save(const struct host *host);
void host_sim_restore(struct host *host, const struct arena_snapshot *snapshot);
