#pragma once
/*
 * draw.h - keyed randomness: a draw is a pure function of (seed, purpose, entity, ordinal).
 *
 * There is no generator state, so removing a fault, a request or a node leaves every other
 * draw as it was. Integers only. Never put two draws in one expression.
 * A decision that was overridden (repro file, explorer) is found under the same name.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/tstamp.h"
#include "core/names.h"

/* Sites of choice; texts are used in repro files. Append only: the number of a purpose is part
 * of each of its draws, so a member taken out, or put between, changes every later one's. */
#define PURPOSE_LIST(X)                                                                        \
    X(LINK_HTTP, "link.http")                                                                  \
    X(LINK_KAFKA, "link.kafka")                                                                \
    X(LINK_ETCD, "link.etcd")                                                                  \
    X(LINK_WATCH, "link.watch")                                                                \
    X(LINK_GRPC, "link.grpc")                                                                  \
    X(LINK_REMOTING, "link.remoting")                                                          \
    X(LINK_DATABASE, "link.database")                                                          \
    X(LINK_LOSS, "link.loss")                                                                  \
    X(POST_DELAY, "post.delay")                                                                \
    X(ARRIVAL, "arrival")                                                                      \
    X(ARRIVAL_PICK, "arrival.pick")                                                            \
    X(RUN_TIME, "run")                                                                         \
    X(RUN_FAILS, "run.fails")                                                                  \
    X(INIT_TIME, "init")                                                                       \
    X(CONTAINER_ID, "container.id")                                                            \
    X(CONTAINER_CREATE, "container.create")                                                    \
    X(CONTAINER_PAUSE, "container.pause")                                                      \
    X(CONTAINER_RESUME, "container.resume")                                                    \
    X(CONTAINER_DESTROY, "container.destroy")                                                  \
    X(ACTIVATION_TEXT, "activation.text")                                                      \
    X(TRANSACTION_TEXT, "transaction.text")                                                    \
    X(PICK_INVOKER, "pick.invoker")                                                            \
    X(PICK_SCHEDULER, "pick.scheduler")                                                        \
    X(DATABASE_READ, "database.read")                                                          \
    X(DATABASE_BATCH, "database.batch")                                                        \
    X(LEASE_EXPIRY, "lease.expiry")                                                            \
    X(LEASE_ID, "lease.id")                                                                    \
    X(RESTART, "restart")                                                                      \
    X(STOP, "stop")                                                                            \
    X(PULL, "pull")                                                                            \
    X(SET_WINDOW, "set.window")                                                                \
    X(STALE_READ, "set.stale-read")                                                            \
    X(FAULT_RATIO, "fault.ratio")                                                              \
    X(FAULT_LENGTH, "fault.length")                                                            \
    X(GROUP_HEARTBEAT, "group.heartbeat")                                                      \
    X(BENCH, "bench")                                                                          \
    X(ETCD_RETRY, "etcd.retry")                                                                \
    X(EDGE_START, "edge.start")                                                                \
    X(EDGE_WINDOW, "edge.window")                                                              \
    X(WAKE_ORDER, "wake.order") /* which of several machines due at one instant is first */    \
    X(ACTION_FAULT, "action.fault") /* ordinal: which time << 8 | enum action_fault */         \
    X(HEALTH_PING, "health.ping")                                                              \
    X(PREWARM_CHECK, "prewarm.check")
#define PURPOSE_MEMBER(id, text) PURPOSE_##id,
enum purpose { PURPOSE_LIST(PURPOSE_MEMBER) PURPOSE_COUNT };
NAMES_DECLARE(purpose)

struct override {
    uint64_t entity, ordinal, value;
    uint32_t purpose;
};

/* Seed and overrides of one world. Const while it runs. */
struct draws {
    uint64_t seed;
    const struct override *overrides; /* sorted by (purpose, entity, ordinal); may be NULL */
    uint32_t override_count;
    uint64_t override_purposes; /* bit per purpose that has any */
};

/* Mix two words into one (also for building entities out of several ids). */
static inline uint64_t draw_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) ^ (b + UINT64_C(0x632be59bd9b4e019));
    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    x = (x ^ (x >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
    return x ^ (x >> 32);
}

/* The value of an override, or false. Slow path of the functions below. */
bool draw_overridden(const struct draws *d, enum purpose purpose, uint64_t entity,
                     uint64_t ordinal, uint64_t *ret_value);

/* 64 uniform bits. Not overridable: use the ones below for a choice. */
static inline uint64_t draw_bits(const struct draws *d, enum purpose purpose, uint64_t entity,
                                 uint64_t ordinal)
{
    uint64_t key = draw_mix(d->seed, (uint64_t)purpose + 1);
    return draw_mix(key ^ ordinal * UINT64_C(0xa0761d6478bd642f), entity);
}

/* Uniform in [0, bound); 0 if bound is 0. */
static inline uint64_t draw_below(const struct draws *d, enum purpose purpose, uint64_t entity,
                                  uint64_t ordinal, uint64_t bound)
{
    uint64_t value;
    if ((d->override_purposes >> purpose & 1) != 0 &&
        draw_overridden(d, purpose, entity, ordinal, &value))
        return bound == 0 ? 0 : value % bound;
    return (uint64_t)((unsigned __int128)draw_bits(d, purpose, entity, ordinal) * bound >> 64);
}

/* A length in [range.min, range.max], uniform; an override may be any length. */
struct range {
    duration min, max;
};
static inline duration draw_range(const struct draws *d, enum purpose purpose, uint64_t entity,
                                  uint64_t ordinal, struct range range)
{
    uint64_t value;
    if ((d->override_purposes >> purpose & 1) != 0 &&
        draw_overridden(d, purpose, entity, ordinal, &value))
        return value;
    uint64_t span = range.max - range.min + 1;
    return range.min +
           (uint64_t)((unsigned __int128)draw_bits(d, purpose, entity, ordinal) * span >> 64);
}

/*
 * A length in [range.min, range.max], each octave above 1 us (1 to 2 us, 2 to 4 us, ...) as
 * likely as the next: for waits that are mostly short and now and then very long.
 */
duration draw_octaves(const struct draws *d, enum purpose purpose, uint64_t entity,
                      uint64_t ordinal, struct range range);

/* True with probability numerator/denominator. */
struct ratio {
    uint32_t numerator, denominator; /* denominator 0: never */
};
static inline bool draw_chance(const struct draws *d, enum purpose purpose, uint64_t entity,
                               uint64_t ordinal, struct ratio ratio)
{
    return ratio.denominator != 0 &&
           draw_below(d, purpose, entity, ordinal, ratio.denominator) < ratio.numerator;
}

/*
 * Exponential length with the given mean, from an integer table (no maths library), and
 * log-normal through p50 and p99. Bounds: result <= 20 x mean (exponential), <= 4 x p99.
 */
duration draw_exponential(const struct draws *d, enum purpose purpose, uint64_t entity,
                          uint64_t ordinal, duration mean);
duration draw_lognormal(const struct draws *d, enum purpose purpose, uint64_t entity,
                        uint64_t ordinal, duration p50, duration p99);
