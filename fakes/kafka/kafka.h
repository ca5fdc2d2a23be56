#pragma once
/*
 * kafka.h - the broker: one log and one consumer group for each topic.
 *
 *   group:  EMPTY --join--> DELAY --initial delay--> STABLE <--- session ended --- WAITING
 *             ^---------- session ended, leave --------'---- another joins -----------^
 *
 * A topic has one partition, an append-only log, and one group named like it, with one member
 * at a time. A record that was appended is acknowledged at once. A poll answers what is there,
 * else waits for a record, at most as long as it asked for. Whoever joins while a member is
 * listed waits until that one's session has ended, 30 s after its last sign of life: the broker
 * cannot tell that a process is dead. A member starts at the committed offset, or at 0.
 *
 * Durable: logs, committed offsets, who is a member (sessions start anew at a restart). Gone
 * with the process: joins and polls that wait.
 * Files: kafka.c (requests), kafka_log.c (records and offsets), kafka_group.c (membership).
 * Source: Kafka 2.7.0 kafka.coordinator.group.GroupCoordinator; KafkaConsumerConnector.scala,
 * KafkaMessagingProvider.scala at 1fae641a2; deviations: docs/fidelity.md#kafka.
 */
#include "core/machine.h"

#define KAFKA_EFFECTS_MAX                                                                      \
    8u /* a session ends: the old member's poll and the new one's join                         \
        */

struct kafka_config {
    uint64_t session_timeout;         /* ns; asked for by the consumers */
    uint64_t initial_rebalance_delay; /* ns; of a join to an empty group */
};

extern const struct machine_ops kafka_ops;
