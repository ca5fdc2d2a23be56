#pragma once
/*
 * common_bed.h - the data service with its worker, or a feed, alone in a process: all that it
 * posts to others is written down. The etcd services as actors among probes: service_bed.h.
 *
 *     struct bed *bed = common_bed_new(COMMON_WORKER);
 *     common_ask(bed, POST_UPDATE_ON_CHANGE, key, value, 0);
 *     expect_said(bed, "watcher: watch whisk/... exact name 0 deletes\n");
 */
#include "support/bed.h"
#include "common/data.h"
#include "common/feed.h"

enum common_part { COMMON_WORKER, COMMON_FEED };

/* Who asks. */
#define COMMON_CLIENT ACTOR(ACTOR_QUEUE, 0, 3)
#define COMMON_PEEK 4u /* of the feed, whose handler takes as many */
#define COMMON_TOPIC TOPIC(TOPIC_SCHEDULER, 0)
#define COMMON_LEASE_ID 10u /* which the worker is given */

/* Made and started, on scheduler0; what the data service does at its start has been forgotten.
 */
struct bed *common_bed_new(enum common_part part);
/* The same, its feed not started by itself. */
struct bed *common_bed_idle_feed(void);
void common_bed_free(struct bed *bed);

struct feed *common_feed(struct bed *bed);

/* Posts to the part. */
void common_ask(struct bed *bed, unsigned what, struct key key, struct value value,
                uint32_t flags);
void common_post(struct bed *bed, actor_id from, actor_id to, unsigned what);
/* What etcd and Kafka answer to the last request of a kind. */
void common_answer_etcd(struct bed *bed, enum message_kind kind, bool succeeded,
                        enum etcd_status status);
void common_answer_join(struct bed *bed, uint32_t member, uint64_t committed);
void common_fill(struct bed *bed, uint32_t count); /* a poll of `count`, and its commit */

/* All posts to others since the last call, one a line, are exactly these. */
void expect_said(struct bed *bed, const char *lines);
