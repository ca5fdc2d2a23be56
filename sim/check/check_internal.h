#pragma once
/*
 * check_internal.h - what one check is, and what it may call.
 */
#include "check/check.h"
#include "check/ledger.h"
#include "check/summary.h"

/* Bounds by their place in check_fields(); the table is in registry.c. */
enum bound {
    BOUND_TRUTHFUL_READS_AFTER,
    BOUND_TRUTHFUL_TOO_OLD,
    BOUND_DRAIN_WITHIN,
    BOUND_FLOOR_CONTROLLERS,
    BOUND_FLOOR_SCHEDULERS,
    BOUND_FLOOR_INVOKERS,
    BOUND_ORPHAN_GRACE,
    BOUND_ORPHAN_LEASE,
    BOUND_MISSING_GRACE,
    BOUND_STALE_GRACE,
    BOUND_SPIKE_WINDOW,
    BOUND_WAIT_WITHIN,
    BOUND_LATENCY_FIRST, /* below, during: of p50, p90, p99, max */
    BOUND_SETTLES_WITHIN = BOUND_LATENCY_FIRST + 8,
    BOUND_COUNT
};

struct check_context { /* of one check */
    struct check_set *set;
    unsigned index;
    struct arena *arena;
    const struct check_world *world;
    struct ledger *ledger;
    struct summary *summary;
};

struct check_ops {
    const char *name;
    bool is_liveness;
    bool is_seen_outside;  /* check_is_seen_outside */
    size_t size;           /* of its state: zeroed, in the arena */
    const uint16_t *kinds; /* record kinds it wants, ended by RECORD_NONE */
    void (*begin)(void *self, const struct check_context *ctx); /* may be NULL, like the rest */
    void (*on_record)(void *self, const struct check_context *ctx, const struct record *r);
    /* NODE_STOPPED, before the ledger takes from the process what it held. */
    void (*on_stop)(void *self, const struct check_context *ctx, const struct record *r);
    /* A bound that check_due set has passed. */
    void (*on_tick)(void *self, const struct check_context *ctx, tstamp now);
    void (*on_settle)(void *self, const struct check_context *ctx, tstamp now,
                      const char *pending);
    void (*end)(void *self, const struct check_context *ctx, tstamp now);
};

extern const struct check_ops check_no_failed_activation, check_no_lost_activation,
    check_no_duplicate_completion, check_no_double_execution, check_count_truthful,
    check_restart_safe, check_drain_reaches_zero, check_no_orphan_key, check_no_missing_key,
    check_no_stale_view, check_leader_stable, check_no_creation_spike, check_capacity_floor,
    check_bounded_wait, check_slots_conserved, check_memory_conserved, check_throttle_truthful,
    check_tenant_isolation, check_latency, check_settles;

const struct check_ops *check_ops_at(unsigned index);

/* There was something to judge: without violation the verdict is pass. */
void check_applies(const struct check_context *ctx);
/* A violation; v without its text, which is formatted only when it is kept. */
void check_report(const struct check_context *ctx, const struct violation *v,
                  const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Call on_tick once time has passed `at` (not at that instant). Replaces the former one. */
void check_due(const struct check_context *ctx, tstamp at);
uint64_t check_bound(const struct check_context *ctx, enum bound bound);
bool check_bound_given(const struct check_context *ctx, enum bound bound);

/* A violation that points at a record. */
struct violation violation_of(const struct record *r);
/* One that points at a thing and its key: since the record `seq`, too long at `at`. */
struct violation violation_of_thing(const struct ledger_thing *thing, tstamp at, uint64_t seq);
/* What the record's node would lose: "<node> <does> <count><goes>: <parts> (first: ...)". */
void check_report_risk(const struct check_context *ctx, const struct record *r,
                       const struct ledger_risk *risk, const char *does, const char *goes);
/* "guest/hello", never NULL; "scheduler1". */
const char *check_action(const struct check_context *ctx, action_id action);
const char *check_node(const struct check_context *ctx, node_id node);
/* Seconds since the start of the scenario, for sentences. */
#define CHECK_SECONDS "%" PRIu64 ".%03" PRIu64 " s"
#define CHECK_SPAN_OF(length) ((length) / SEC(1)), ((length) % SEC(1) / MSEC(1))
#define CHECK_SECONDS_OF(at)                                                                   \
    (((at)-TSTAMP_ORIGIN) / SEC(1)), (((at)-TSTAMP_ORIGIN) % SEC(1) / MSEC(1))
