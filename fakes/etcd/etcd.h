#pragma once
/*
 * etcd.h - the etcd v3 store: revisions, leases, transactions, watches.
 *
 *   lease:  GRANTED --keep-alive--> GRANTED --TTL passes--> DEAD ZONE --0 to 500 ms--> revoked
 *              \------------------------ revoke ------------------------------------------^
 *
 * One store revision for all keys: it begins at 1 and grows by one with each transaction that
 * changes something; all changes of a transaction share it. Keys are ordered bytewise by
 * their texts. A lease that is past its TTL cannot be kept alive any more: whoever tries
 * waits until it is revoked and is then told a TTL of 0. All keys of a lease go in one
 * revision. A watch gets every event from its start revision on, once, in order.
 *
 * Durable: keys, revision, leases with what is attached to them. Gone with the process:
 * watches, keep-alives that wait. After a restart each lease has its full TTL again and one
 * election time-out more.
 * Files: etcd.c (typed requests), etcd_txn, etcd_grant (general ones), etcd_store, etcd_range,
 * etcd_index (keys and revisions), etcd_lease, etcd_watch, etcd_write and etcd_notify (a
 * change with what hangs on it), etcd_gateway* (clients that speak HTTP and JSON).
 * Source: etcd server v3.4.23 (mvcc/kvstore.go, lease/lessor.go, mvcc/watchable_store.go,
 * etcdserver/apply.go), observed behaviour; deviations: docs/fidelity.md#etcd.
 */
#include "core/machine.h"

/* An expired lease with 4,096 keys and 512 watches over all keys, each told of each. */
#define ETCD_EFFECTS_MAX (4096u * 512u)

struct etcd_config {
    uint64_t election_timeout;  /* ns; least TTL is 1.5 of it, rounded up to a second */
    uint64_t history_revisions; /* how many past revisions stay readable */
    uint64_t progress_interval; /* ns; of watches that asked for progress notifications */
};

extern const struct machine_ops etcd_ops;
