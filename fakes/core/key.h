#pragma once
/*
 * key.h - etcd keys and values as upstream writes them, as small structs.
 *
 * Texts: key_print, value_print. Order: key_compare is the bytewise order of the texts.
 * Source: EtcdUtils.scala:68-250 at 1fae641a2.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/ids.h"
#include "core/names.h"

struct cluster;

/* In the bytewise order of their texts. Cluster name is always `whisk`. */
#define KEY_LIST(X)                                                                            \
    X(NONE, "")                   /* as a prefix: all keys */                                  \
    X(IN_PROGRESS, "in-progress") /* ns, action, revision, node: scheduler, id: creation */    \
    X(INSTANCE, "instance")       /* node; ../lease */                                         \
    X(INVOKERS, "invokers")       /* node, id: enum invoker_naming */                          \
    X(EXISTING, "namespace")      /* ns, action, revision, node: invoker, id: container */     \
    X(QUEUE, "queue")             /* ns, action; ../leader */                                  \
    X(SCHEDULER, "scheduler")     /* node */                                                   \
    X(THROTTLING, "throttling")   /* ns, action or ACTION_NONE for the namespace's own flag */ \
    X(WARMED, "warmed")           /* ns, action, revision, node: invoker, id: container */     \
    X(RAW, "raw")                 /* id: blob with the text; foreign clients only */
#define KEY_MEMBER(id, text) KEY_##id,
enum key_family { KEY_LIST(KEY_MEMBER) KEY_FAMILY_COUNT };
NAMES_DECLARE(key_family)

/* Which names an invoker was started with. The deployment gives a unique one, its index again;
 * the others are those of invokers that are not ours. The displayed name is the node's. */
enum invoker_naming {
    INVOKER_UNIQUE,
    INVOKER_UNNAMED,
    INVOKER_DISPLAYED,
    INVOKER_NAMING_COUNT
};

struct key { /* 16 bytes, no padding; unused fields are 0 (node, ns, action: as listed) */
    uint16_t family;
    namespace_id ns;
    action_id action;
    node_id node;
    uint32_t revision;
    uint32_t id;
};

#define VALUE_LIST(X)                                                                          \
    X(EMPTY, "empty")                                                                          \
    X(ENDPOINTS, "endpoints") /* node: scheduler, status: enum endpoints_dialect */            \
    X(SCHEDULER, "scheduler") /* node, status: as of endpoints, a: queueSize */                \
    X(INVOKER, "invoker") /* status: enum invoker_status, a: free, b: busy, c: in progress,    \
                             MB, node: index of its labels (struct labels) */                  \
    X(BOOL, "bool")       /* a: 0 or 1 */                                                      \
    X(LEASE, "lease")     /* a: lease id */                                                    \
    X(RAW, "raw")         /* a: blob; foreign clients only */
#define VALUE_MEMBER(id, text) VALUE_##id,
enum value_kind { VALUE_LIST(VALUE_MEMBER) VALUE_KIND_COUNT };

#define INVOKER_STATUS_LIST(X) X(DOWN, "down") X(UNHEALTHY, "unhealthy") X(UP, "up")
#define INVOKER_STATUS_MEMBER(id, text) INVOKER_##id,
enum invoker_status { INVOKER_STATUS_LIST(INVOKER_STATUS_MEMBER) INVOKER_STATUS_COUNT };
NAMES_DECLARE(invoker_status)

/* How the third member of endpoints is called: pekkoPort, or akkaPort before #5551. */
enum endpoints_dialect { ENDPOINTS_PEKKO, ENDPOINTS_AKKA };

struct value { /* 16 bytes, no padding */
    uint8_t kind;
    uint8_t status;
    node_id node;
    uint32_t a, b, c;
};

bool key_equal(const struct key *a, const struct key *b);
bool value_equal(const struct value *a, const struct value *b);

/* Bytewise order of the texts: <0, 0, >0. */
int key_compare(const struct cluster *cluster, const struct key *a, const struct key *b);

/*
 * Prefix match on the fields that a prefix of this family names. `depth` says how far it goes:
 * 1 the family (`whisk/queue`), 2 and the namespace with its slash, 3 and the action,
 * 4 and the revision with its slash. KEY_NONE with depth 0 matches every key.
 */
bool key_has_prefix(const struct key *key, const struct key *prefix, unsigned depth);

/* Text with NUL, always terminated; returns the length it wanted. */
size_t key_print(const struct cluster *cluster, const struct key *key, char *text, size_t size);
size_t value_print(const struct cluster *cluster, const struct value *value, char *text,
                   size_t size);
/* `1-9f2a6d01`, or `null` for 0, as it stands in keys. */
size_t key_print_revision(uint32_t revision, char *text, size_t size);
/* Ports in endpoints: scheduler.grpc's and scheduler.pekko's base and the scheduler's index. */
#define KEY_RPC_PORT 13001u
#define KEY_PEKKO_PORT 25520u
uint64_t key_hash(const struct key *key); /* of the fields: for tables, never for order */
