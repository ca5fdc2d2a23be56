#pragma once
/*
 * etcd_txn.h - what a client may ask of the store, in its general form: ranges, puts,
 * deletions of ranges, transactions, leases, compaction.
 *
 * Each function answers the whole request or nothing: an error changes nothing. Results point
 * into the store and hold until the end of the step. The caller sends the answer.
 * Source: etcd v3.4.23 etcdserver/apply.go, etcdserver/api/v3rpc/key.go.
 */
#include "etcd/etcd_internal.h"

#define ETCD_TXN_OPS_MAX 128u /* --max-txn-ops */

struct etcd_range {
    struct etcd_span span;
    uint64_t revision; /* 0: now */
    int64_t limit;     /* <= 0: none */
    bool count_only;
    uint8_t sort, sort_by;                                   /* before the limit */
    uint64_t mod_least, mod_most, create_least, create_most; /* 0: any; the count is of all */
};

struct etcd_put {
    struct etcd_name name;
    struct etcd_data data;
    uint64_t lease;                                      /* 0: none */
    bool prev_kv, ignore_value, ignore_lease, has_value; /* has_value: ignore_value refuses */
};

struct etcd_delete {
    struct etcd_span span;
    bool prev_kv;
};

enum etcd_target { ETCD_VERSION, ETCD_CREATE, ETCD_MOD, ETCD_VALUE, ETCD_LEASE };
enum etcd_relation { ETCD_EQUAL, ETCD_GREATER, ETCD_LESS, ETCD_NOT_EQUAL };
struct etcd_compare {
    struct etcd_span span;
    uint8_t target, relation;
    int64_t number;         /* all targets but VALUE */
    struct etcd_text value; /* VALUE */
};

enum etcd_op_kind {
    ETCD_OP_RANGE,
    ETCD_OP_PUT,
    ETCD_OP_DELETE,
    ETCD_OP_TXN,
    ETCD_OP_NONE /* refused */
};
struct etcd_txn;
struct etcd_op {
    enum etcd_op_kind kind;
    union {
        struct etcd_range range;
        struct etcd_put put;
        struct etcd_delete delete;
        struct etcd_txn *txn; /* inside of another: it has room for its answers */
    };
};

struct etcd_answer { /* of one operation */
    enum etcd_op_kind kind;
    uint64_t revision; /* of the store behind it, as the transaction sees it */
    uint64_t deleted;
    const struct etcd_version *prev; /* put: what was there, if asked for */
    struct etcd_listing list;        /* range: kvs; delete: prev_kvs, if asked for */
};

struct etcd_branch {
    const struct etcd_op *ops;
    uint32_t count;
};
struct etcd_txn {
    const struct etcd_compare *compares;
    uint32_t compare_count;
    struct etcd_branch success, failure;
    /* Of one inside of another only: room for the longer branch, and which one it was. */
    struct etcd_answer *answers;
    bool succeeded;
};

enum etcd_error etcd_range(struct etcd *self, const struct etcd_range *request,
                           struct etcd_listing *ret_list);
/* Each of these makes records and tells the watches; the revision is self->store.revision. */
enum etcd_error etcd_put(struct etcd *self, struct effects *fx, const struct etcd_put *request,
                         struct etcd_answer *ret_answer);
enum etcd_error etcd_delete(struct etcd *self, struct effects *fx,
                            const struct etcd_delete *request, struct etcd_answer *ret_answer);
/* answers: room for the longer branch. */
enum etcd_error etcd_txn(struct etcd *self, struct effects *fx, const struct etcd_txn *request,
                         bool *ret_succeeded, struct etcd_answer *answers);
enum etcd_error etcd_compact(struct etcd *self, uint64_t revision);

/* id 0: the server picks; *ret_lease has the TTL that was granted. */
enum etcd_error etcd_grant(struct etcd *self, struct effects *fx, uint64_t id, int64_t ttl_s,
                           node_id owner, const struct etcd_lease **ret_lease);
enum etcd_error etcd_revoke(struct etcd *self, struct effects *fx, uint64_t id);
/* The full TTL anew, or 0 when the lease is unknown; asserts that it is not a dead one. */
uint64_t etcd_keepalive(struct etcd *self, struct effects *fx, uint64_t id);

struct etcd_ttl {
    int64_t ttl_s; /* remaining, rounded down; -1: unknown lease */
    uint64_t granted_s;
    struct etcd_entry *const *keys; /* in key order */
    uint32_t key_count;
};
struct etcd_ttl etcd_time_to_live(const struct etcd *self, uint64_t id, tstamp now);
