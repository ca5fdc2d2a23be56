/*
 * kafka_wire.c - see kafka_wire.h.
 */
#include "kafka/kafka_wire.h"
#include <string.h>
#include "core/draw.h"

#define ANSWER_MAX ((size_t)96 << 20) /* over any answer: fetch.max.bytes is 55 MiB */
#define ROOM_FIRST 256u
#define VARINT_BYTES 5u
#define ZIGZAG_BYTES 10u

/* Of the reflected polynomial 0x82f63b78, four bits at a time. */
static const uint32_t crc_table[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
    0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
    0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

struct kafka_in kafka_in_start(const void *bytes, size_t length)
{
    return (struct kafka_in){.bytes = bytes, .length = length, .ok = true};
}

/* The next `count` bytes, or NULL. */
static const uint8_t *in_take(struct kafka_in *self, size_t count)
{
    if (!self->ok || count > self->length - self->at) {
        self->ok = false;
        return NULL;
    }
    const uint8_t *at = self->bytes + self->at;
    self->at += count;
    return at;
}

int8_t kafka_in_i8(struct kafka_in *self)
{
    const uint8_t *at = in_take(self, 1);
    return at == NULL ? 0 : (int8_t)at[0];
}

int16_t kafka_in_i16(struct kafka_in *self)
{
    const uint8_t *at = in_take(self, 2);
    if (at == NULL)
        return 0;
    uint16_t value = (uint16_t)(at[0] << 8 | at[1]);
    return (int16_t)value;
}

int32_t kafka_in_i32(struct kafka_in *self)
{
    const uint8_t *at = in_take(self, 4);
    return at == NULL ? 0 : (int32_t)kafka_get_u32(at);
}

int64_t kafka_in_i64(struct kafka_in *self)
{
    const uint8_t *at = in_take(self, 8);
    return at == NULL ? 0 : (int64_t)kafka_get_u64(at);
}

uint32_t kafka_in_varint(struct kafka_in *self)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_BYTES; i++) {
        const uint8_t *at = in_take(self, 1);
        if (at == NULL)
            return 0;
        value |= (uint64_t)(*at & 0x7fu) << (7 * i);
        if ((*at & 0x80u) == 0 && value <= UINT32_MAX)
            return (uint32_t)value;
    }
    self->ok = false;
    return 0;
}

int64_t kafka_in_zigzag(struct kafka_in *self)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < ZIGZAG_BYTES; i++) {
        const uint8_t *at = in_take(self, 1);
        if (at == NULL)
            return 0;
        value |= (uint64_t)(*at & 0x7fu) << (7 * i);
        if ((*at & 0x80u) == 0)
            return (int64_t)(value >> 1 ^ (0 - (value & 1)));
    }
    self->ok = false;
    return 0;
}

static struct kafka_text in_text(struct kafka_in *self, int64_t length)
{
    struct kafka_text text = {.bytes = "", .is_null = length == -1};
    if (length < -1)
        self->ok = false;
    if (length <= 0)
        return text;
    const uint8_t *at = in_take(self, (size_t)length);
    if (at == NULL)
        return text;
    text.bytes = (const char *)at;
    text.length = (uint32_t)length;
    return text;
}

struct kafka_text kafka_in_nullable(struct kafka_in *self)
{
    return in_text(self, self->is_flexible ? (int64_t)kafka_in_varint(self) - 1
                                           : (int64_t)kafka_in_i16(self));
}

struct kafka_text kafka_in_string(struct kafka_in *self)
{
    struct kafka_text text = kafka_in_nullable(self);
    if (text.is_null)
        self->ok = false;
    return text;
}

struct kafka_text kafka_in_bytes(struct kafka_in *self)
{
    return in_text(self, self->is_flexible ? (int64_t)kafka_in_varint(self) - 1
                                           : (int64_t)kafka_in_i32(self));
}

uint32_t kafka_in_array(struct kafka_in *self, uint32_t least, bool *ret_is_null)
{
    int64_t count =
        self->is_flexible ? (int64_t)kafka_in_varint(self) - 1 : (int64_t)kafka_in_i32(self);
    if (ret_is_null != NULL)
        *ret_is_null = self->ok && count == -1;
    if (count < -1 || count > (int64_t)((self->length - self->at) / least))
        self->ok = false;
    return !self->ok || count == -1 ? 0 : (uint32_t)count;
}

void kafka_in_tags(struct kafka_in *self)
{
    if (!self->is_flexible)
        return;
    uint32_t count = kafka_in_varint(self);
    for (uint32_t i = 0; i < count && self->ok; i++) {
        (void)kafka_in_varint(self); /* the tag */
        (void)in_take(self, kafka_in_varint(self));
    }
}

struct kafka_out kafka_out_start(struct arena *arena, size_t room)
{
    struct kafka_out self = {.arena = arena, .ok = true};
    self.size = room < ROOM_FIRST ? ROOM_FIRST : room > ANSWER_MAX ? ANSWER_MAX : room;
    self.bytes = arena_alloc(arena, ARENA_MESSAGE, self.size);
    return self;
}

static uint8_t *out_room(struct kafka_out *self, size_t count)
{
    if (!self->ok || count > ANSWER_MAX - self->length) {
        self->ok = false;
        return NULL;
    }
    if (count > self->size - self->length) {
        size_t size = self->size * 2;
        size = size < self->length + count ? self->length + count : size;
        self->size = size > ANSWER_MAX ? ANSWER_MAX : size;
        self->bytes = arena_grow(self->arena, ARENA_MESSAGE, self->bytes, self->size);
    }
    uint8_t *at = self->bytes + self->length;
    self->length += count;
    return at;
}

void kafka_out_i8(struct kafka_out *self, int8_t value)
{
    uint8_t *at = out_room(self, 1);
    if (at != NULL)
        *at = (uint8_t)value;
}

void kafka_out_i16(struct kafka_out *self, int16_t value)
{
    uint8_t *at = out_room(self, 2);
    if (at == NULL)
        return;
    at[0] = (uint8_t)((uint16_t)value >> 8);
    at[1] = (uint8_t)value;
}

void kafka_out_i32(struct kafka_out *self, int32_t value)
{
    uint8_t *at = out_room(self, 4);
    if (at != NULL)
        kafka_put_u32(at, (uint32_t)value);
}

void kafka_out_i64(struct kafka_out *self, int64_t value)
{
    uint8_t *at = out_room(self, 8);
    if (at != NULL)
        kafka_put_u64(at, (uint64_t)value);
}

static void out_varint(struct kafka_out *self, uint32_t value)
{
    for (; value > 0x7f; value >>= 7)
        kafka_out_i8(self, (int8_t)(uint8_t)(value | 0x80u));
    kafka_out_i8(self, (int8_t)value);
}

void kafka_out_raw(struct kafka_out *self, const void *bytes, size_t length)
{
    uint8_t *at = out_room(self, length);
    if (at != NULL && length > 0)
        memcpy(at, bytes, length);
}

void kafka_out_nullable(struct kafka_out *self, struct kafka_text text)
{
    if (self->is_flexible)
        out_varint(self, text.is_null ? 0 : text.length + 1);
    else
        kafka_out_i16(self, (int16_t)(text.is_null ? -1 : (int16_t)text.length));
    kafka_out_raw(self, text.bytes, text.is_null ? 0 : text.length);
}

void kafka_out_string(struct kafka_out *self, struct kafka_text text)
{
    text.is_null = false;
    if (text.length > INT16_MAX)
        self->ok = false;
    kafka_out_nullable(self, text);
}

void kafka_out_bytes(struct kafka_out *self, struct kafka_text bytes)
{
    if (self->is_flexible)
        out_varint(self, bytes.is_null ? 0 : bytes.length + 1);
    else
        kafka_out_i32(self, bytes.is_null ? -1 : (int32_t)bytes.length);
    kafka_out_raw(self, bytes.bytes, bytes.is_null ? 0 : bytes.length);
}

void kafka_out_array(struct kafka_out *self, uint32_t count)
{
    if (self->is_flexible)
        out_varint(self, count + 1);
    else
        kafka_out_i32(self, (int32_t)count);
}

void kafka_out_tags(struct kafka_out *self)
{
    if (self->is_flexible)
        out_varint(self, 0);
}

size_t kafka_out_mark(struct kafka_out *self)
{
    size_t mark = self->length;
    kafka_out_i32(self, 0);
    return mark;
}

void kafka_out_patch(struct kafka_out *self, size_t mark, int32_t value)
{
    if (self->ok)
        kafka_put_u32(self->bytes + mark, (uint32_t)value);
}

blob kafka_out_finish(struct kafka_out *self)
{
    blob b = 0;
    if (self->ok && self->length > 0)
        b = blob_new(self->arena, ARENA_MESSAGE, self->bytes, self->length);
    kafka_out_drop(self);
    return b;
}

void kafka_out_drop(struct kafka_out *self)
{
    arena_release(self->arena, self->bytes);
    *self = (struct kafka_out){.arena = self->arena};
}

struct kafka_text kafka_text_of(const char *text)
{
    return (struct kafka_text){.bytes = text, .length = (uint32_t)strlen(text)};
}

bool kafka_text_equal(struct kafka_text a, struct kafka_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

uint64_t kafka_text_hash(struct kafka_text text)
{
    uint64_t hash = text.length;
    for (uint32_t i = 0; i < text.length; i++)
        hash = draw_mix(hash, (uint8_t)text.bytes[i]);
    return hash;
}

uint32_t kafka_crc32c(const uint8_t *bytes, size_t length)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ crc_table[crc & 15u];
        crc = crc >> 4 ^ crc_table[crc & 15u];
    }
    return ~crc;
}
