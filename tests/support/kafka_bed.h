#pragma once
/*
 * kafka_bed.h - a Kafka machine on a bed: each request in one line.
 */
#include "kafka/kafka.h"
#include "support/bed.h"

#define KAFKA_BED_TOPIC TOPIC(TOPIC_SCHEDULER, 1) /* read by BED_SCHEDULER1 */

struct bed *kafka_bed_new(void); /* started */
/* Append an activation of this id; returns the offset that was acknowledged. */
uint64_t kafka_bed_produce(struct bed *bed, uint32_t topic, activation_id id);
/* Requests of the topic's consumer; corr is the request's own. */
void kafka_bed_join(struct bed *bed, uint32_t topic, uint32_t corr);
void kafka_bed_heartbeat(struct bed *bed, uint32_t topic, uint32_t member);
void kafka_bed_poll(struct bed *bed, uint32_t topic, uint32_t member, uint64_t offset,
                    uint32_t count);
const struct message *kafka_bed_commit(struct bed *bed, uint32_t topic, uint32_t member,
                                       uint64_t offset);
/* Join an empty group and let its initial delay pass; returns the generation. */
uint32_t kafka_bed_member(struct bed *bed, uint32_t topic);
/* The last of its kind, of those sent since bed_forget. */
const struct message *kafka_bed_last(const struct bed *bed, enum message_kind kind);
/* Activation id of the n-th record of a batch. */
activation_id kafka_bed_id(const struct bed *bed, const struct message *records, uint32_t n);
