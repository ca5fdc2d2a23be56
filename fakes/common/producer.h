#pragma once
/*
 * producer.h - the Kafka producer of a process: KafkaProducerConnector over the Java client.
 *
 * What was sent and not acknowledged is kept, in order. It goes again when the connection
 * broke or a request got no answer, until the send is given up. An append whose answer was
 * lost is so made twice: acks=1, hence no idempotence.
 *
 * A send is known by the actor and corr its caller gives, in all its attempts: a link keeps
 * the order of what one actor sends. Nothing is drawn.
 * Source: KafkaProducerConnector.scala:52-96 at 1fae641a2; kafka-clients 3.9.1 defaults.
 */
#include "core/digest.h"
#include "core/machine.h"
#include "core/timers.h"

struct produce {
    struct entry entry;
    tstamp until; /* then it is given up */
    tstamp sent_at;
    uint32_t corr, topic;
    actor_id actor;
    uint8_t errors; /* answers of the broker that were errors */
    bool is_done;
    bool is_topic_new; /* no metadata when it was sent: it is given up earlier */
};

struct producer {
    const struct machine_env *env;
    struct timers *timers;
    struct timer timer; /* armed while a send is open, never later than what is to do */
    struct produce *ring;
    uint64_t *known;      /* topics it has metadata of: bits */
    uint32_t known_words; /* of each kind of topic */
    uint32_t max;         /* of the ring: a power of two */
    tstamp resume_at;
    node_id kafka;
    /* Numbers of sends; they wrap. Those from `unsent` on have yet to go, or to go again. */
    uint32_t head, unsent, tail;
    uint32_t answered;    /* the one after the last answered */
    uint32_t deadline[2]; /* no open send with, or without, metadata is before it */
    uint32_t in_flight;
    uint8_t pauses; /* since the last success */
    bool is_broken; /* all wait for resume_at */
};

void producer_init(struct producer *self, const struct machine_env *env, struct timers *timers);

/* `actor` is of kind ACTOR_PRODUCER; (actor, corr) is of no other send. */
void producer_send(struct producer *self, struct effects *fx, actor_id actor, uint32_t corr,
                   uint32_t topic, const struct entry *entry);

enum produced { PRODUCED_NOTHING, PRODUCED_OK, PRODUCED_FAILED };
/* What the answer did to the send of its receiver with its corr. */
enum produced producer_on_message(struct producer *self, const struct message *m,
                                  struct effects *fx);

/* A send to give up at this moment, or NULL. Who must know calls it when the timer is due,
 * until NULL, and only then producer_on_timer. */
const struct produce *producer_expire(struct producer *self, struct effects *fx);
void producer_on_timer(struct producer *self, struct effects *fx);
void producer_on_link(struct producer *self, const struct event *ev, struct effects *fx);

static inline uint32_t producer_count(const struct producer *self)
{
    return self->tail - self->head;
}
void producer_digest(const struct producer *self, struct digest *d);
