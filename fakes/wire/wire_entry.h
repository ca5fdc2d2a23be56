#pragma once
/*
 * wire_entry.h - records of Kafka topics as the JSON that upstream's processes write.
 *
 * Source: Message.scala:53-753, InstanceId.scala, TransactionId.scala at 1fae641a2.
 */
#include "wire/wire.h"

/* One line of JSON. */
void wire_entry_write(const struct wire *self, const struct entry *entry,
                      struct wire_buffer *buffer);
/*
 * What a reader of this topic, TOPIC(kind, index), makes of the bytes; ENTRY_UNPARSABLE if it
 * cannot be read (the texts that upstream's reader refuses, and ids, actions, namespaces and
 * revisions that this cluster has not made). Two are readable here and refused by the machine:
 * an ack signed by a scheduler, marked ACK_BY_SCHEDULER, and creation errors that upstream's
 * table lacks. `cause` is left 0. What the text does not say: the node whose topic it is comes
 * from the topic's index; a shrunk or completion ack has no action (ACTION_NONE), a status of
 * whisk error or none; a result, or an ack of a queue (signed as invoker 0), no signer
 * (NODE_NONE). All of it is so upstream.
 */
struct entry wire_entry_read(const struct wire *self, uint32_t topic, struct wire_text text);

/* An ActivationMessage alone: what fetch, reschedule and forward carry. */
void wire_activation_write(const struct wire *self, const struct activation *activation,
                           struct wire_buffer *buffer);
bool wire_activation_read(const struct wire *self, struct wire_text text,
                          struct activation *ret_activation);

/* "scheduler0", "completed1"; false: no topic of the cluster. */
void wire_topic_write(uint32_t topic, struct wire_buffer *buffer);
bool wire_topic_read(const struct cluster *cluster, struct wire_text text, uint32_t *ret_topic);
