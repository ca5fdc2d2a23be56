#pragma once
/*
 * kafka_wire.h - the primitive types of the Kafka protocol: a reader that never reads past its
 * frame, and a writer that grows in the arena up to a bound.
 *
 * Both are sticky: after the first thing that makes no sense (`ok` false) readers return zeros
 * and writers write nothing, so that a parser asks once, at its end. An array's count is
 * believed only as far as bytes are left for so many elements: no loop and no table is longer
 * than its frame. All integers are big endian. Flexible versions (KIP-482) have compact
 * lengths and tagged fields; `is_flexible` switches strings, arrays and kafka_in_tags.
 * Source: kafka-clients 2.7.0 common.protocol.types.Type, ByteUtils.
 */
#include <stdbool.h>
#include "core/blob.h"

struct kafka_text { /* borrowed; not NUL-terminated */
    const char *bytes;
    uint32_t length;
    bool is_null;
};

struct kafka_in {
    const uint8_t *bytes;
    size_t length, at;
    bool ok, is_flexible;
};

struct kafka_out {
    struct arena *arena;
    uint8_t *bytes; /* arena block of ARENA_MESSAGE */
    size_t length, size;
    bool ok, is_flexible;
};

struct kafka_in kafka_in_start(const void *bytes, size_t length);
int8_t kafka_in_i8(struct kafka_in *self);
int16_t kafka_in_i16(struct kafka_in *self);
int32_t kafka_in_i32(struct kafka_in *self);
int64_t kafka_in_i64(struct kafka_in *self);
uint32_t kafka_in_varint(struct kafka_in *self);          /* unsigned, at most 5 bytes */
int64_t kafka_in_zigzag(struct kafka_in *self);           /* signed, of records: 10 bytes */
struct kafka_text kafka_in_string(struct kafka_in *self); /* null is not allowed */
struct kafka_text kafka_in_nullable(struct kafka_in *self);
struct kafka_text kafka_in_bytes(struct kafka_in *self); /* int32 length, -1: null */
/* Elements of an array, each at least `least` bytes; null counts as none. */
uint32_t kafka_in_array(struct kafka_in *self, uint32_t least, bool *ret_is_null);
void kafka_in_tags(struct kafka_in *self); /* flexible versions: read over them; else nothing */

/* `room`: how many bytes are expected; it grows beyond. */
struct kafka_out kafka_out_start(struct arena *arena, size_t room);
void kafka_out_i8(struct kafka_out *self, int8_t value);
void kafka_out_i16(struct kafka_out *self, int16_t value);
void kafka_out_i32(struct kafka_out *self, int32_t value);
void kafka_out_i64(struct kafka_out *self, int64_t value);
void kafka_out_string(struct kafka_out *self, struct kafka_text text);
void kafka_out_nullable(struct kafka_out *self, struct kafka_text text);
void kafka_out_bytes(struct kafka_out *self, struct kafka_text bytes);
void kafka_out_raw(struct kafka_out *self, const void *bytes, size_t length);
void kafka_out_array(struct kafka_out *self, uint32_t count);
void kafka_out_tags(struct kafka_out *self); /* flexible versions: none of them */
/* A number that is known later: where it stands, then its value. */
size_t kafka_out_mark(struct kafka_out *self);
void kafka_out_patch(struct kafka_out *self, size_t mark, int32_t value);
/* What was written as a blob, 0 when it was too much; the writer is empty afterwards. */
blob kafka_out_finish(struct kafka_out *self);
void kafka_out_drop(struct kafka_out *self);

struct kafka_text kafka_text_of(const char *text); /* a literal, NUL-terminated */
bool kafka_text_equal(struct kafka_text a, struct kafka_text b);
uint64_t kafka_text_hash(struct kafka_text text);

/* Big-endian numbers inside of batches. */
static inline uint32_t kafka_get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
static inline uint64_t kafka_get_u64(const uint8_t *at)
{
    return (uint64_t)kafka_get_u32(at) << 32 | kafka_get_u32(at + 4);
}
static inline void kafka_put_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}
static inline void kafka_put_u64(uint8_t *at, uint64_t value)
{
    kafka_put_u32(at, (uint32_t)(value >> 32));
    kafka_put_u32(at + 4, (uint32_t)value);
}
/* CRC-32C (Castagnoli), as batches of magic 2 carry it. */
uint32_t kafka_crc32c(const uint8_t *bytes, size_t length);
