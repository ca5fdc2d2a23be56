#pragma once
/*
 * wire_entry.h - records of Kafka topics as the JSON that upstream's processes write.
 *
 * Source: Message.scala:53-753, InstanceId.scala, TransactionId.scala at 1fae641a2.
 */
#include "wire/wire.h"

/* One line of JSON. `topic` says nothing that the entry does not: it is not needed. */
void wire_entry_write(const struct wire *self, const struct entry *entry,
                      struct wire_buffer *buffer);
/*
 * What a reader of this kind of topic makes of the bytes; ENTRY_UNPARSABLE if it cannot be read
 * (the same texts that upstream's reader refuses; an ack signed by a scheduler is readable here
 * and marked ACK_BY_SCHEDULER, the machine refuses it). `cause` is left 0.
 */
struct entry wire_entry_read(const struct wire *self, enum topic_kind topic,
                             struct wire_text text);

/* An ActivationMessage alone: what fetch, reschedule and forward carry. */
void wire_activation_write(const struct wire *self, const struct activation *activation,
                           struct wire_buffer *buffer);
bool wire_activation_read(const struct wire *self, struct wire_text text,
                          struct activation *ret_activation);

/* "scheduler0", "completed1"; false: no topic of the cluster. */
void wire_topic_write(uint32_t topic, struct wire_buffer *buffer);
bool wire_topic_read(const struct cluster *cluster, struct wire_text text, uint32_t *ret_topic);
