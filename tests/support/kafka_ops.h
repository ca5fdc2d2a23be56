#pragma once
/*
 * kafka_ops.h - what a client can see of a broker, as scripts, and how they are run.
 *
 *     1 CreateTopics 4 topics[name=~t]      on connection 1, in version 4: call, note the
 * answer 2 > Fetch 11 wait=500 min=1 ...       send only 2 < 400..900 its answer, which comes
 * after 400 to 900 ms wait 1000                             let time pass close 2 the
 * connection breaks
 *
 * The notes of a run are its transcript: one line for each answer. Two brokers are equal in a
 * script when their transcripts are.
 */
#include "support/kafka_peer.h"

enum kafka_ops_flag {
    OPS_MACHINE_ONLY = 1, /* cannot be asked of a broker on TCP: `why` */
    OPS_DIFFERS = 2,      /* a real broker answers otherwise: `why` */
    OPS_MOCK_EQUAL = 4,   /* librdkafka's mock cluster answers as a real one does */
    OPS_MOCK_NEVER = 8,   /* it aborts, or never answers: `why` */
};

struct kafka_op {
    const char *name, *script, *why;
    unsigned flags;
};
extern const struct kafka_op kafka_ops_list[];
extern const unsigned kafka_ops_count;

#define KAFKA_OPS_TRANSCRIPT ((size_t)256 << 10)

/* A machine set up as scripts/real-kafka sets up a broker. */
struct kafka_peer *kafka_ops_machine(const char *prefix);
/* The transcript is cut when it is longer than the room. */
void kafka_ops_run(struct kafka_peer *peer, const char *script, char *ret_transcript,
                   size_t size);
/* A broker makes its offsets topic at the first question: wait for it. False: in vain. */
bool kafka_ops_prepare(struct kafka_peer *peer);
/* A script of `steps` random requests to a few topics and groups. */
void kafka_ops_random(uint64_t seed, unsigned steps, char *ret_script, size_t size);
