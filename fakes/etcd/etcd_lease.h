#pragma once
/*
 * etcd_lease.h - leases, and the keys attached to each, in key order.
 *
 * A key has at most one lease. Expiry is looked for every 500 ms upstream; here a lease is
 * revoked its TTL and a drawn 0 to 500 ms after the last keep-alive. In between it exists, but
 * cannot be kept alive.
 * Source: etcd v3.4.23 lease/lessor.go.
 */
#include "etcd/etcd_store.h"

#define ETCD_TTL_MAX_S INT64_C(9000000000)
#define ETCD_EXPIRY_LOOK MSEC(500) /* lessor.go:80, runLoop */

struct etcd_lease {     /* durable block */
    struct timer timer; /* first member: its owner is found by it */
    uint64_t id;
    uint64_t ttl_s;
    tstamp deadline;     /* last keep-alive + TTL */
    uint32_t extensions; /* ordinal of its last keep-alive or restart: names the draw */
    uint32_t cause;      /* seq of the record that granted it */
    node_id owner;
    struct etcd_entry **keys; /* in key order */
    uint32_t key_count, key_max;
};

struct etcd_leases {            /* durable */
    struct etcd_lease **sorted; /* by id */
    uint32_t count, max;
    uint32_t drawn; /* ids given by the server so far */
};

/* Timers of the former incarnation are gone; etcd_leases_extend arms them again. */
void etcd_leases_init(struct etcd_leases *self);
/* All leases at once to their full TTL and `grace` more: a restart or a new leader. */
void etcd_leases_extend(struct etcd_leases *self, const struct machine_env *env,
                        struct timers *timers, struct effects *fx, duration grace);

struct etcd_lease *etcd_lease_find(const struct etcd_leases *self, uint64_t id);
/* id 0: one is drawn. Asserts that the id is free. */
struct etcd_lease *etcd_lease_add(struct etcd_leases *self, const struct machine_env *env,
                                  uint64_t id, uint64_t ttl_s, node_id owner);
/* Asserts that no key is attached any more. */
void etcd_lease_remove(struct etcd_leases *self, const struct machine_env *env,
                       struct timers *timers, struct etcd_lease *lease);
/* From now on its full TTL. */
void etcd_lease_extend(struct etcd_lease *lease, const struct machine_env *env,
                       struct timers *timers, struct effects *fx, duration grace);
/* Past its TTL and not yet revoked: cannot be kept alive. */
bool etcd_lease_is_dead(const struct etcd_lease *lease, tstamp now);
uint64_t etcd_lease_remaining_s(const struct etcd_lease *lease, tstamp now); /* rounded down */

void etcd_lease_attach(struct etcd_lease *lease, const struct machine_env *env,
                       struct etcd_entry *entry);
void etcd_lease_detach(struct etcd_lease *lease, const struct etcd_entry *entry);

void etcd_leases_digest(const struct etcd_leases *self, struct digest *d);
