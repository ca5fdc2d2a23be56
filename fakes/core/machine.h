#pragma once
/*
 * machine.h - what a component is to a host: a struct and these functions.
 *
 * Pure: a step looks at its arguments only. No clock, no I/O, no global, no failure.
 */
#include "core/cluster.h"
#include "core/digest.h"
#include "core/effects.h"
#include "core/timers.h"

struct machine_env { /* per node, in the arena; valid for the node's life */
    struct arena *arena;
    const struct cluster *cluster;
    const struct draws *draws;
    const void *config; /* the component's config struct, complete before init */
    node_id node;
    uint8_t behaviour;    /* enum behaviour of this incarnation */
    uint32_t incarnation; /* 0 at the first boot */
};

/* One key of configuration. Values are uint64_t in the config struct, in the unit's base:
 * ns, bytes, plain count, parts per million, 0/1. */
enum config_unit { UNIT_DURATION, UNIT_BYTES, UNIT_COUNT, UNIT_FRACTION, UNIT_BOOL };
struct config_field {
    const char *key; /* upstream's, or the project's own for what upstream hard-codes */
    enum config_unit unit;
    uint64_t min, max;
    uint64_t shipped, ansible; /* defaults of the two profiles */
    uint32_t offset;
    const char *about;
};

struct machine_ops {
    const char *name;
    size_t size;         /* of the machine's struct */
    size_t durable_size; /* its first bytes that survive a crash; blocks: arena_alloc_durable */
    uint32_t
        effects_max; /* most messages or records of one step, with its reason in the header */
    /* Called before EVENT_START of every incarnation. Memory is zeroed but for the durable
     * part. */
    void (*init)(void *self, const struct machine_env *env);
    void (*step)(void *self, const struct event *ev, struct effects *fx);
    struct wakeup (*next_wakeup)(const void *self);
    void (*digest)(const void *self, struct digest *d); /* the full state, field by field */
    /* In words the first thing still owed ("3 slots open"), or false. */
    bool (*pending)(const void *self, char *text, size_t size);
    const char *(*post_name)(unsigned what); /* of MSG_POST kinds; never NULL */
    const struct config_field *config_fields;
    uint32_t config_field_count;
    size_t config_size;
    /* SIGTERM ends its actor system, and with it all work and every connection, at once; only
     * the empty process remains until `timing.stop` (Pekko's coordinated shutdown without
     * tasks). */
    bool ends_at_signal;
};
