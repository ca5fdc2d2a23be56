#pragma once
/*
 * etcd_store.h - keys with their revisions.
 *
 * Each life of a key has a chain of versions, newest first; all versions since the compacted
 * revision stand in one log, in the order in which they were made. A deletion ends a life: it
 * leaves the index, and stays in the log. A compaction to revision c keeps of each key the
 * newest version that is not above c, unless that one is a deletion. Pointers to versions
 * hold until the next compaction.
 * Source: etcd v3.4.23 mvcc/kvstore.go, mvcc/key_index.go.
 */
#include "etcd/etcd_index.h"

/* X(NAME, text, gRPC code) */
#define ETCD_ERROR_LIST(X)                                                                     \
    X(NONE, "", 0)                                                                             \
    X(NO_KEY, "etcdserver: key is not provided", 3)                                            \
    X(KEY_NOT_FOUND, "etcdserver: key not found", 3)                                           \
    X(VALUE_PROVIDED, "etcdserver: value is provided", 3)                                      \
    X(LEASE_PROVIDED, "etcdserver: lease is provided", 3)                                      \
    X(TOO_MANY_OPS, "etcdserver: too many operations in txn request", 3)                       \
    X(DUPLICATE_KEY, "etcdserver: duplicate key given in txn request", 3)                      \
    X(COMPACTED, "etcdserver: mvcc: required revision has been compacted", 11)                 \
    X(FUTURE_REVISION, "etcdserver: mvcc: required revision is a future revision", 11)         \
    X(LEASE_NOT_FOUND, "etcdserver: requested lease not found", 5)                             \
    X(LEASE_EXISTS, "etcdserver: lease already exists", 9)                                     \
    X(TTL_TOO_LARGE, "etcdserver: too large lease TTL", 11)
#define ETCD_ERROR_MEMBER(id, ...) ETCD_ERROR_##id,
enum etcd_error { ETCD_ERROR_LIST(ETCD_ERROR_MEMBER) ETCD_ERROR_COUNT };
NAMES_DECLARE(etcd_error)
unsigned etcd_error_code(enum etcd_error error); /* gRPC */

/* A key as a request names it: a component's fields, or a foreign client's text. */
struct etcd_name {
    struct key key;        /* KEY_RAW: the text alone counts */
    struct etcd_text text; /* bytes NULL: what the fields print as */
};

/* Keys [from, end). end.length 0: `from` alone; end "\0": no upper bound. */
struct etcd_span {
    struct etcd_text from, end;
};
#define ETCD_ZERO_BYTE ((struct etcd_text){"\0", 1})

struct etcd_data { /* a value to put */
    struct value value;
    struct etcd_text raw; /* VALUE_RAW: its bytes */
};

struct etcd_version { /* one change of one key; a durable block */
    struct etcd_entry *entry;
    struct etcd_version *older; /* of the same life; NULL: the first, or none kept */
    struct etcd_version *log_next, *log_prev;
    uint64_t revision; /* of the change: mod_revision */
    uint64_t create_revision, version, lease;
    uint32_t cause; /* seq of its record */
    uint32_t raw_length;
    struct value value;
    uint8_t deleted, logged;
    char raw[]; /* VALUE_RAW */
};

struct etcd_store { /* durable */
    uint64_t revision, compacted;
    struct etcd_index index;
    struct etcd_version *log_first, *log_last;
    struct etcd_version *change_first; /* of the open or last transaction */
    uint32_t changes;                  /* in it */
    const struct machine_env *env;     /* set anew at each boot */
};

void etcd_store_init(struct etcd_store *self, const struct machine_env *env);

bool etcd_span_is_single(const struct etcd_span *span);
bool etcd_span_is_empty(const struct etcd_span *span); /* end <= from */
bool etcd_span_has(const struct etcd_span *span, struct etcd_text text);
/* The range of a prefix (key.h's depths); text: room for what the span points to. */
struct etcd_span etcd_span_prefix(const struct cluster *cluster, const struct key *prefix,
                                  unsigned depth, char text[2 * ETCD_TEXT_MAX]);

/* The key's text, printed into `text` when the name has none. */
struct etcd_text etcd_name_text(const struct etcd_store *self, const struct etcd_name *name,
                                char text[ETCD_TEXT_MAX]);
/* The version that exists now, or NULL. O(1) for a component's key that exists. */
const struct etcd_version *etcd_store_get(struct etcd_store *self,
                                          const struct etcd_name *name);
/* The value's bytes; `text`: room for a component's value. */
struct etcd_text etcd_version_value(const struct etcd_store *self,
                                    const struct etcd_version *version,
                                    char text[ETCD_TEXT_MAX]);

/* Changes between begin and end share one revision; end says whether there were any. */
void etcd_store_begin(struct etcd_store *self);
bool etcd_store_end(struct etcd_store *self);
struct etcd_version *etcd_store_put(struct etcd_store *self, const struct etcd_name *name,
                                    const struct etcd_data *data, uint64_t lease);
/* Asserts that the key exists. */
struct etcd_version *etcd_store_delete(struct etcd_store *self, struct etcd_entry *entry);

/* A walk over a range in key order, as it is now, also inside a transaction. */
struct etcd_cursor {
    const struct etcd_store *store;
    uint32_t at, end;
};
struct etcd_cursor etcd_store_range(const struct etcd_store *self,
                                    const struct etcd_span *span);
const struct etcd_version *etcd_cursor_next(struct etcd_cursor *self); /* NULL: at its end */
uint64_t etcd_store_count(const struct etcd_store *self, const struct etcd_span *span);

/* An answer's kvs, in key order; the array is a block of the node. */
struct etcd_listing {
    const struct etcd_version **versions;
    uint32_t length, max;
    uint64_t count; /* all in the range, whatever the limit */
    bool more;      /* the limit cut some off */
};
void etcd_listing_add(struct etcd_listing *self, const struct machine_env *env,
                      const struct etcd_version *version);
void etcd_listing_free(struct etcd_listing *self, const struct machine_env *env);
/* Equal ones keep the order that they have. */
enum etcd_sort { ETCD_SORT_NONE, ETCD_SORT_UP, ETCD_SORT_DOWN };
enum etcd_sort_by { ETCD_BY_KEY, ETCD_BY_VERSION, ETCD_BY_CREATE, ETCD_BY_MOD, ETCD_BY_VALUE };
void etcd_listing_sort(struct etcd_listing *self, const struct etcd_store *store,
                       enum etcd_sort_by by, bool downwards);
/* The range as of a past revision that was not compacted. O(log + keys). */
void etcd_store_past(const struct etcd_store *self, const struct etcd_span *span,
                     uint64_t revision, struct etcd_listing *ret_list);

enum etcd_error etcd_store_check(const struct etcd_store *self, uint64_t revision);
enum etcd_error etcd_store_compact(struct etcd_store *self, uint64_t revision);

void etcd_store_digest(const struct etcd_store *self, struct digest *d);
