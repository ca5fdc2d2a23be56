#pragma once
/*
 * kafka_text.h - requests and answers of the Kafka protocol as one line of text, both ways.
 *
 *     group=g generation=1 member=$1 topics[name=t partitions[index=0 offset=5; index=1]]
 *
 * Arrays stand in brackets, elements are parted by `;`. Fields that a version does not have are
 * left out, those that are not given have the default of the table in kafka_text.c; `null` is
 * null. In values `~` stands for the prefix of all names of a run, `$1`, `$2`, ... for member
 * ids in the order in which answers told them, `#N` for N bytes, and `@N` for a record batch
 * of N records (`@NxSIZE` of SIZE bytes each; with !crc, !base, !magic, !old, !count, !two,
 * !zstd, !short, !length-1 at its end one that is wrong in that). Answers leave out what no two
 * brokers share (throttle times, addresses, ids and texts of errors); every byte of them is
 * read.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kafka_text_api {
    TEXT_PRODUCE,
    TEXT_FETCH,
    TEXT_LIST_OFFSETS,
    TEXT_METADATA,
    TEXT_OFFSET_COMMIT,
    TEXT_OFFSET_FETCH,
    TEXT_FIND_COORDINATOR,
    TEXT_JOIN,
    TEXT_HEARTBEAT,
    TEXT_LEAVE,
    TEXT_SYNC,
    TEXT_DESCRIBE,
    TEXT_LIST,
    TEXT_VERSIONS,
    TEXT_CREATE,
    TEXT_DELETE,
    TEXT_API_COUNT
};

struct kafka_text_info {
    const char *name, *request, *answer; /* the fields */
    int16_t key, highest;                /* highest: of the machine */
    int16_t flexible;                    /* first flexible version; 0: none here */
};
extern const struct kafka_text_info kafka_texts[TEXT_API_COUNT];

#define TEXT_MEMBERS_MAX 64u
struct kafka_names { /* of one run */
    const char *prefix;
    char members[TEXT_MEMBERS_MAX][128];
    uint32_t member_count;
    int64_t clock; /* timestamp of the next batch's first record; each record 1 ms later */
    bool has_all;  /* answers leave out nothing */
};

struct kafka_bytes {
    uint8_t *bytes; /* heap */
    size_t length, size;
};
void kafka_bytes_add(struct kafka_bytes *self, const void *bytes, size_t length);
void kafka_bytes_free(struct kafka_bytes *self);

/* A whole frame without its length, header included. Fails the test on a text that is wrong. */
struct kafka_bytes kafka_text_request(struct kafka_names *names, enum kafka_text_api api,
                                      int16_t version, int32_t correlation, const char *text);
/* The answer's body after its correlation id as text; false: it is not well-formed. */
bool kafka_text_answer(struct kafka_names *names, enum kafka_text_api api, int16_t version,
                       const uint8_t *bytes, size_t length, char *ret_text, size_t size);
/* A batch alone, as in a Produce request; description: "3x100". */
void kafka_text_batch(struct kafka_names *names, const char *description,
                      struct kafka_bytes *bytes);
