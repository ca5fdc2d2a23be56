#pragma once
/*
 * common_bed.h - one of the actors that all components share, alone in a process: all that it
 * posts to others is written down.
 *
 *     struct bed *bed = common_bed_new(COMMON_DATA);
 *     common_ask(bed, POST_REGISTER, key, value, 0);
 *     expect_said(bed, "etcd-worker: register whisk/... false\n");
 *
 * COMMON_DATA has no worker (its posts to it are written down), COMMON_WORKER has one too.
 */
#include "support/bed.h"
#include "common/data.h"
#include "common/feed.h"
#include "common/lease.h"
#include "common/watcher.h"

enum common_part { COMMON_DATA, COMMON_WORKER, COMMON_WATCHER, COMMON_LEASE, COMMON_FEED };

/* Who asks. */
#define COMMON_CLIENT ACTOR(ACTOR_QUEUE, 0, 3)
#define COMMON_OTHER ACTOR(ACTOR_QUEUE, 0, 4)
#define COMMON_PEEK 4u /* of the feed, whose handler takes as many */
#define COMMON_TOPIC TOPIC(TOPIC_SCHEDULER, 0)
#define COMMON_LEASE_ID 10u /* which the worker is given */

/* Made and started, on scheduler0; what it does at its start has been forgotten, but not of the
 * watcher, the lease and the feed. */
struct bed *common_bed_new(enum common_part part);
/* The same, its feed not started by itself. */
struct bed *common_bed_idle_feed(void);
void common_bed_free(struct bed *bed);

struct watcher *common_watcher(struct bed *bed);
struct lease *common_lease(struct bed *bed);
struct feed *common_feed(struct bed *bed);

/* Posts to the part. */
struct key common_key(action_id action); /* a throttle of GUEST's */
struct value common_value(bool value);
void common_ask(struct bed *bed, unsigned what, struct key key, struct value value,
                uint32_t flags);
void common_finish(struct bed *bed, struct key key); /* the worker's FinishWork */
/* From the watcher: REMOVED, WATCHER_CLOSED. */
void common_removed(struct bed *bed, actor_id to, struct key key, struct value value,
                    bool is_prefix);
void common_closed(struct bed *bed, struct key key);
void common_post(struct bed *bed, actor_id from, actor_id to, unsigned what);
/* WATCH or UNWATCH of a key; depth as in post_watch. */
void common_watch(struct bed *bed, actor_id from, unsigned what, struct key key, unsigned depth,
                  uint32_t name, bool puts, bool deletes);
void common_event(struct bed *bed, struct key key, struct value value, bool is_deleted,
                  uint32_t revision);

/* What etcd and Kafka answer to the last request of a kind. */
void common_answer_etcd(struct bed *bed, enum message_kind kind, bool succeeded,
                        enum etcd_status status);
void common_answer_lease(struct bed *bed, enum message_kind kind, uint32_t lease,
                         enum etcd_status status);
void common_answer_join(struct bed *bed, uint32_t member, uint64_t committed);
void common_fill(struct bed *bed, uint32_t count); /* a poll of `count`, and its commit */

/* All posts to others since the last call, one a line, are exactly these. */
void expect_said(struct bed *bed, const char *lines);
