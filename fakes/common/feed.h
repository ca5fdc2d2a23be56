#pragma once
/*
 * feed.h - MessageFeed: polls a topic, commits at once, hands records to a handler.
 *
 *   IDLE --ready--> FILLING <--------- occupancy <= threshold ---------- DRAINING
 *                      \---- filled, occupancy > threshold ------------------^
 *
 * At most `capacity` records are with the handler; 2 x capacity wait in the feed. A commit
 * comes before delivery: records that were committed and not handled are lost with the
 * process. GracefulShutdown is ignored in every state. The consumer joins its group first: a
 * dead predecessor of the same group keeps the partition until its session ends.
 * Each record handed out is a FEED_ITEM post to the handler's actor (upstream: a Future
 * callback), which answers FEED_PROCESSED.
 * Source: MessageConsumer.scala:93-247, KafkaConsumerConnector.scala:71-140 at 1fae641a2.
 */
#include "common/common.h"

#define FEED_STATE_LIST(X)                                                                     \
    X(IDLE, "Idle") X(FILLING, "FillingPipeline") X(DRAINING, "DrainingPipeline")
#define FEED_STATE_MEMBER(id, text) FEED_##id,
enum feed_state { FEED_STATE_LIST(FEED_STATE_MEMBER) FEED_STATE_COUNT };

struct feed {
    const struct machine_env *env;
    struct timers *timers;
    uint32_t index; /* which feed of its node */
    uint32_t topic;
    uint32_t capacity, capacity_max, peek;
    uint32_t capacity_told; /* last record of it */
    actor_id handler;
    uint8_t state;   /* enum feed_state */
    uint8_t phase;   /* what the fill is waiting for (feed.c) */
    uint32_t member; /* Kafka membership; 0: none */
    uint32_t corr;
    uint64_t position;         /* next offset to read */
    struct entry *outstanding; /* ring, arena block of the node */
    uint64_t *offsets;
    uint32_t head, count, max;
    struct entry *batch; /* polled, not yet committed */
    uint32_t batch_count;
    uint64_t batch_offset;
    uint32_t retries;
    struct timer timer, heartbeat;
    uint32_t batch_max;
    uint32_t closed_member; /* of a consumer that was closed and left its group */
    tstamp commit_at;       /* start of the commit in progress */
};

/* capacity and peek: records; posts FEED_READY to itself is the caller's job (feed_start). */
void feed_init(struct feed *self, const struct machine_env *env, struct timers *timers,
               uint32_t index, uint32_t topic, uint32_t capacity, uint32_t peek,
               actor_id handler);
void feed_start(struct feed *self, struct effects *fx);
/* A message to ACTOR_FEED_ID(index): posts, and Kafka's answers. */
void feed_on_message(struct feed *self, const struct message *m, struct effects *fx);
void feed_on_timer(struct feed *self, const struct timer *timer, struct effects *fx);
/* Every EVENT_LINK: a call that was open to Kafka is broken. */
void feed_on_link(struct feed *self, const struct event *ev, struct effects *fx);
void feed_digest(const struct feed *self, struct digest *d);
