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
 *
 * Clients on real sockets speak the Kafka protocol: MSG_KAFKA_FRAME, answered by
 * MSG_KAFKA_ANSWER, one at a time per connection. Their topics are named by text and hold
 * bytes; they stand beside the topics of the messages above and share nothing with them.
 * Files: kafka.c (requests), kafka_log.c (records and offsets), kafka_group.c (membership);
 * the protocol: kafka_wire.c (types), kafka_api*.c (requests), kafka_topic.c (logs),
 * kafka_coordinator.c, kafka_member.c, kafka_offsets.c (groups).
 * Source: Kafka 2.7.0 kafka.coordinator.group.GroupCoordinator; KafkaConsumerConnector.scala,
 * KafkaMessagingProvider.scala at 1fae641a2; deviations: docs/fidelity.md#kafka.
 */
#include "core/machine.h"

/* On real sockets a rebalance answers each member's sync and each one's join (256 and 256), an
 * append all fetches that wait (256); simulated at most 8: a session ends. */
#define KAFKA_EFFECTS_MAX 520u

#define KAFKA_LOOPBACK UINT64_C(0x7f000001)
#define KAFKA_LOG_BYTES_LIMIT ((uint64_t)1 << 40)

struct kafka_config {
    uint64_t session_timeout;         /* ns; asked for by the consumers */
    uint64_t initial_rebalance_delay; /* ns; of a join to an empty group */
    uint64_t session_timeout_min;     /* ns; the rest is for clients on real sockets */
    uint64_t auto_create, advertised_address, advertised_port, client_speed;
    uint64_t log_bytes, log_bytes_max;
};

extern const struct machine_ops kafka_ops;
