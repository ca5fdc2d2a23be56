#pragma once
/*
 * host.h - what a scenario needs of a host, simulated or live.
 */
#include "core/fault.h"
#include "core/machine.h"

struct host;

/* Sinks, called in order. Borrowed arguments. Either function may be NULL. */
struct host_sinks {
    void *context;
    void (*record)(void *context, const struct record *r);
    /* Every delivered event, for traces; only when tracing is on. */
    void (*event)(void *context, node_id node, const struct event *ev);
};

struct host_node { /* what runs on a node */
    const struct machine_ops *ops;
    const void *config;
};

struct host_world { /* what any host is given; borrowed, and constant while it runs */
    struct arena *arena;
    const struct cluster *cluster;
    const struct draws *draws;
    const struct host_node *nodes; /* cluster->node_count */
    tstamp begin;                  /* first instant */
    struct fault_ops faults;       /* plan NULL: none */
    struct host_sinks sinks;
};

struct host_ops {
    /* Power a node on (boot at once), ask it to stop, or cut it. */
    void (*start)(struct host *host, node_id node);
    void (*stop)(struct host *host, node_id node);
    void (*kill)(struct host *host, node_id node);
    /* Run to `until`, or to the end of all work; returns the instant reached. */
    tstamp (*run_until)(struct host *host, tstamp until);
    tstamp (*now)(const struct host *host);
    /* In words the first thing still owed by any node, or false. */
    bool (*pending)(struct host *host, char *text, size_t size);
    uint64_t (*event_count)(const struct host *host);
    uint64_t (*digest)(const struct host *host); /* 0: it promises none */
    void (*release)(struct host *host);
};
