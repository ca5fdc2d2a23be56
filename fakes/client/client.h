#pragma once
/*
 * client.h - the load: open-loop arrivals, recorded workloads, and (for benchmarks) a closed
 * loop; waits for answers and records how each request ended, exactly once.
 *
 * Request ids are load entry << 24 | ordinal (from 1), given before anything is taken out.
 * Requests go to the edge (or, without one, round robin to the controllers).
 */
#include "core/machine.h"

enum arrivals {
    ARRIVALS_POISSON, /* mean interval */
    ARRIVALS_EVERY,   /* fixed interval */
    ARRIVALS_BURSTS,  /* burst_count at once, every interval */
    ARRIVALS_TRACE,   /* cluster.calls[first_call .. + call_count] */
    ARRIVALS_CLOSED,  /* burst_count clients, each sends the next when it has its answer */
};

struct load_entry {
    action_id action; /* ACTION_NONE for a trace, whose calls have their own */
    uint8_t arrivals; /* enum arrivals */
    uint8_t blocking;
    uint8_t is_bound; /* called by the subject of `ns`, through a binding of its package */
    namespace_id ns;  /* is_bound; else the action's own */
    uint32_t burst_count;
    tstamp from;
    duration length; /* arrivals happen in [from, from + length) */
    duration interval;
    uint32_t first_call, call_count;
    uint32_t request_max; /* stop after so many; 0: none */
};
#define LOAD_ENTRIES_MAX 29 /* request ids have 5 bits for the entry; three are no load's */
#define REQUEST_ID(entry, ordinal) ((uint32_t)(entry) << 24 | (uint32_t)(ordinal))
#define REQUEST_ORDINAL_MAX 0xffffffu

struct client_config {
    const struct load_entry *entries;
    uint32_t entry_count;
    duration patience; /* gives a request up after so long without an answer; default 90 s */
};

extern const struct machine_ops client_ops;
