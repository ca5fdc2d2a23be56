#pragma once
/*
 * etcd_call.h - what every caller of etcd shares: the client library's time-out and its one
 * retry of a call whose connection could not be made.
 *
 * Source: etcd-java 0.0.24 as used at 1fae641a2: 10 s per attempt; Put, Delete, Txn, Grant and
 * Revoke are sent a second time only when the connection was refused.
 */
#include "core/machine.h"

#define ETCD_CALL_TIMEOUT SEC(10)
#define ETCD_ATTEMPTS_MAX 2u

struct etcd_retry { /* per client of etcd; zeroed at the start */
    tstamp next_immediate_at;
    uint64_t draw_count;
};

/* How long to wait before the second attempt: 0, or a drawn 500 to 1000 ms. */
duration etcd_retry_delay(struct etcd_retry *self, const struct machine_env *env,
                          actor_id actor, tstamp now);

/* A fixed order of keys by their fields, for tables (not the order of their texts). */
int key_order(const struct key *a, const struct key *b);

/* The number of an incarnation's first call: a late answer to a former one never fits. */
static inline uint32_t etcd_first_corr(const struct machine_env *env)
{
    return (env->incarnation & 0xffu) << 24;
}
