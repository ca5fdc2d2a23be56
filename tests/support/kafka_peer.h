#pragma once
/*
 * kafka_peer.h - whom a test speaks the Kafka protocol to: the machine on a bed, in virtual
 * time, or a broker at an address.
 *
 *     struct kafka_peer *peer = kafka_peer_machine("t-");
 *     uint32_t c = kafka_peer_open(peer);
 *     kafka_peer_send(peer, c, TEXT_HEARTBEAT, 3, "group=~g generation=1 member=$1");
 *     const char *answer = kafka_peer_receive(peer, c, 1000);
 */
#include "support/bed.h"
#include "support/kafka_text.h"

#define KAFKA_PEER_CONNECTIONS 64u

struct kafka_peer;

/* A started machine; its bed is there to set keys, to crash it, to look at. */
struct kafka_peer *kafka_peer_machine(const char *prefix);
struct bed *kafka_peer_bed(const struct kafka_peer *self);
/* host:port; NULL: it cannot be reached. */
struct kafka_peer *kafka_peer_address(const char *address, const char *prefix);
void kafka_peer_free(struct kafka_peer *self);
struct kafka_names *kafka_peer_names(struct kafka_peer *self);

uint32_t kafka_peer_open(struct kafka_peer *self);
void kafka_peer_close(struct kafka_peer *self, uint32_t connection);
void kafka_peer_send(struct kafka_peer *self, uint32_t connection, enum kafka_text_api api,
                     int16_t version, const char *text);
/* Bytes as they are, answered as the last request that was sent. */
void kafka_peer_send_raw(struct kafka_peer *self, uint32_t connection, const void *bytes,
                         size_t length);
/* The answer as text, "closed", "malformed", or "nothing" after so long. Borrowed until the
 * next call. */
const char *kafka_peer_receive(struct kafka_peer *self, uint32_t connection, uint32_t wait_ms);
/* Both; waits 15 s at most. */
const char *kafka_peer_call(struct kafka_peer *self, uint32_t connection,
                            enum kafka_text_api api, int16_t version, const char *text);
void kafka_peer_wait(struct kafka_peer *self, uint32_t ms);
/* How long the last kafka_peer_receive waited. */
uint32_t kafka_peer_waited(const struct kafka_peer *self);
