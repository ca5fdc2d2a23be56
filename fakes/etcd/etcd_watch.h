#pragma once
/*
 * etcd_watch.h - who wants to know of which changes, from which revision on.
 *
 * A stream is the connection over which watches were opened: here the actor of a node, and a
 * number for those that have several. Ids are unique in their stream. `next` is the first
 * revision that the watch has not been told of; each change is told once, in order, and a
 * revision as a whole.
 * Source: etcd v3.4.23 mvcc/watchable_store.go, etcdserver/api/v3rpc/watch.go.
 */
#include "etcd/etcd_store.h"

#define ETCD_WATCH_ID_DRAWN INT64_MIN /* the stream's next id is taken */

struct etcd_stream {
    node_id node;
    actor_id actor;
    uint32_t number;
};

/* Why a watch was not opened (created and canceled at once, id -1). */
#define ETCD_CANCEL_LIST(X)                                                                    \
    X(NONE, "")                                                                                \
    X(EMPTY_RANGE, "mvcc: watcher range is empty")                                             \
    X(DUPLICATE_ID, "mvcc: duplicate watch ID provided on the WatchStream")
#define ETCD_CANCEL_MEMBER(id, text) ETCD_CANCEL_##id,
enum etcd_cancel { ETCD_CANCEL_LIST(ETCD_CANCEL_MEMBER) ETCD_CANCEL_COUNT };
NAMES_DECLARE(etcd_cancel)

struct etcd_watch_request {
    struct etcd_stream stream;
    int64_t id;              /* or ETCD_WATCH_ID_DRAWN */
    int64_t *stream_next_id; /* the stream's counter from 0; only for drawn ids */
    struct etcd_span span;
    uint64_t start_revision; /* 0: from the next one */
    bool prev_kv, no_put, no_delete, progress_notify;
};

struct etcd_watch { /* block of the node: gone with the process */
    struct etcd_stream stream;
    int64_t id;
    uint64_t next;
    uint32_t from_length, end_length;
    bool all; /* every key: nothing to compare */
    bool prev_kv, no_put, no_delete, progress_notify;
    bool told;   /* since the last etcd_watch_is_idle */
    char text[]; /* of the span: from, end */
};

struct etcd_watches {
    struct etcd_watch **list; /* in the order in which they were opened */
    uint32_t count, max;
};

/* NULL with the reason; else it is in the list. The first message it gets is `created`. */
struct etcd_watch *etcd_watch_open(struct etcd_watches *self, const struct etcd_store *store,
                                   const struct etcd_watch_request *request,
                                   enum etcd_cancel *ret_reason);
/* History from its start was compacted away: the caller says so and closes it. */
bool etcd_watch_is_too_late(const struct etcd_watch *self, const struct etcd_store *store);
struct etcd_watch *etcd_watch_find(const struct etcd_watches *self, struct etcd_stream stream,
                                   int64_t id);
void etcd_watch_close(struct etcd_watches *self, const struct machine_env *env,
                      struct etcd_watch *watch);
/* All of a node's: its connections are gone. */
void etcd_watches_close_node(struct etcd_watches *self, const struct machine_env *env,
                             node_id node);
void etcd_watches_close_stream(struct etcd_watches *self, const struct machine_env *env,
                               struct etcd_stream stream);

/* Does this change interest it? */
bool etcd_watch_wants(const struct etcd_watch *self, const struct etcd_version *version);
/*
 * The next change for it at or behind `from` in the log (NULL: none left). A new watch begins
 * at the store's log_first, one that is up to date at change_first. When all are told,
 * etcd_watch_told moves it on.
 */
const struct etcd_version *etcd_watch_next(const struct etcd_watch *self,
                                           const struct etcd_version *from);
void etcd_watch_told(struct etcd_watch *self, const struct etcd_store *store);
/* For progress notifications: nothing was told since it was asked last. */
bool etcd_watch_is_idle(struct etcd_watch *self);

void etcd_watches_digest(const struct etcd_watches *self, struct digest *d);
