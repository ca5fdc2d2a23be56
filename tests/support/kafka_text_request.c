/* kafka_text_request.c - see kafka_text.h: batches, and text to request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kafka/kafka_wire.h"
#include "support/bed.h"
#include "support/kafka_text_fields.h"

void kafka_bytes_add(struct kafka_bytes *self, const void *bytes, size_t length)
{
    if (self->length + length > self->size) {
        self->size = (self->length + length) * 2;
        self->bytes = realloc(self->bytes, self->size);
        assert_non_null(self->bytes);
    }
    if (length > 0)
        memcpy(self->bytes + self->length, bytes, length);
    self->length += length;
}

void kafka_bytes_free(struct kafka_bytes *self)
{
    free(self->bytes);
    *self = (struct kafka_bytes){0};
}

static void add_number(struct kafka_bytes *self, unsigned width, int64_t value)
{
    uint8_t bytes[8];
    kafka_put_u64(bytes, (uint64_t)value);
    kafka_bytes_add(self, bytes + 8 - width, width);
}

static void add_varint(struct kafka_bytes *self, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        add_number(self, 1, (int64_t)(value & 0x7f) | 0x80);
    add_number(self, 1, (int64_t)value);
}

static void add_zigzag(struct kafka_bytes *self, int64_t value)
{
    add_varint(self, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

/* ---- batches ---- */

static void add_record(struct kafka_bytes *bytes, unsigned index, size_t size)
{
    struct kafka_bytes record = {0};
    add_number(&record, 1, 0); /* attributes */
    add_zigzag(&record, index);
    add_zigzag(&record, index);
    add_zigzag(&record, -1); /* no key */
    add_zigzag(&record, (int64_t)size);
    for (size_t i = 0; i < size; i++)
        add_number(&record, 1, 'a' + (int)(index % 26));
    add_zigzag(&record, 0); /* no headers */
    add_zigzag(bytes, (int64_t)record.length);
    kafka_bytes_add(bytes, record.bytes, record.length);
    kafka_bytes_free(&record);
}

static void batch_finish(uint8_t *batch, size_t length, const char *fault)
{
    kafka_put_u32(batch + 8, (uint32_t)(length - 12));
    if (strcmp(fault, "!count") == 0)
        kafka_put_u32(batch + 57, 77);
    if (strcmp(fault, "!zstd") == 0)
        batch[22] = 4;
    kafka_put_u32(batch + 17, kafka_crc32c(batch + 21, length - 21));
    if (strcmp(fault, "!crc") == 0)
        batch[20] ^= 1;
    if (strcmp(fault, "!base") == 0)
        batch[7] = 1;
    if (strcmp(fault, "!magic") == 0)
        batch[16] = 3;
    if (strcmp(fault, "!old") == 0)
        batch[16] = 1;
    if (strcmp(fault, "!long") == 0)
        kafka_put_u32(batch + 8, (uint32_t)length);
    if (strncmp(fault, "!length", 7) == 0)
        kafka_put_u32(batch + 8, (uint32_t)strtol(fault + 7, NULL, 10));
}

void kafka_text_batch(struct kafka_names *names, const char *description,
                      struct kafka_bytes *bytes)
{
    char *end;
    unsigned count = (unsigned)strtoul(description, &end, 10);
    size_t size = *end == 'x' ? strtoul(end + 1, &end, 10) : 10;
    size_t start = bytes->length;
    add_number(bytes, 8, 0);  /* base offset */
    add_number(bytes, 4, 0);  /* length */
    add_number(bytes, 4, -1); /* leader epoch */
    add_number(bytes, 1, 2);  /* magic */
    add_number(bytes, 4, 0);  /* crc */
    add_number(bytes, 2, 0);  /* attributes */
    add_number(bytes, 4, (int64_t)count - 1);
    add_number(bytes, 8, names->clock);
    add_number(bytes, 8, names->clock + (int64_t)count - 1);
    add_number(bytes, 8, -1); /* producer id */
    add_number(bytes, 2, -1); /* producer epoch */
    add_number(bytes, 4, -1); /* base sequence */
    add_number(bytes, 4, (int64_t)count);
    for (unsigned i = 0; i < count; i++)
        add_record(bytes, i, size);
    batch_finish(bytes->bytes + start, bytes->length - start, end);
    names->clock += count;
    if (strcmp(end, "!short") == 0) { /* all of it, but for the last byte of its header */
        bytes->length = start + 60;
        kafka_put_u32(bytes->bytes + start + 8, 60 - 12);
    }
    if (strcmp(end, "!two") == 0) {
        size_t length = bytes->length - start;
        uint8_t *copy = malloc(length);
        assert_non_null(copy);
        memcpy(copy, bytes->bytes + start, length);
        kafka_bytes_add(bytes, copy, length);
        free(copy);
    }
}

/* ---- text to request ---- */

struct span {
    const char *at, *end;
};

static struct span span_of(const char *at, size_t length)
{
    return (struct span){at, at + length};
}

/* Where the value of a key stands among the keys of one element. */
static bool span_find(struct span element, const struct kafka_field *field,
                      struct span *ret_value)
{
    const char *at = element.at;
    while (at < element.end) {
        while (at < element.end && *at == ' ')
            at++;
        size_t length = strcspn(at, "=[ ;]");
        const char *value = at + length + 1;
        bool is_it = length == field->name_length && strncmp(at, field->name, length) == 0;
        if (at + length >= element.end)
            return false;
        const char *end =
            at[length] == '[' ? kafka_field_closing(value) : value + strcspn(value, " ;]");
        if (is_it) {
            *ret_value = (struct span){value, end};
            return true;
        }
        at = *end == ']' && end < element.end ? end + 1 : end;
    }
    return false;
}

/* `~`, `$1` and plain words. */
static size_t expand(const struct kafka_names *names, struct span value, char *text,
                     size_t size)
{
    size_t length = (size_t)(value.end - value.at);
    const char *before = "";
    uint32_t number = length > 0 && *value.at == '$' ? (uint32_t)atoi(value.at + 1) : 0;
    if (number > 0 && number <= names->member_count) /* else as it is: nobody told it */
        return (size_t)snprintf(text, size, "%s", names->members[number - 1]);
    if (length > 0 && *value.at == '~') {
        before = names->prefix;
        value.at++;
    }
    return (size_t)snprintf(text, size, "%s%.*s", before, (int)(value.end - value.at),
                            value.at);
}

static void add_text(struct kafka_names *names, struct kafka_bytes *out, char type,
                     struct span value, bool is_flexible)
{
    struct kafka_bytes text = {0};
    char small[512];
    bool is_null = value.end - value.at == 4 && strncmp(value.at, "null", 4) == 0;
    if (type == 'B' && value.at < value.end && *value.at == '@') {
        snprintf(small, sizeof small, "%.*s", (int)(value.end - value.at - 1), value.at + 1);
        kafka_text_batch(names, small, &text);
    } else if (value.at < value.end && *value.at == '#') {
        for (unsigned long left = strtoul(value.at + 1, NULL, 10); left > 0; left--)
            kafka_bytes_add(&text, "x", 1);
    } else {
        size_t length = expand(names, value, small, sizeof small);
        assert_true(length < sizeof small);
        kafka_bytes_add(&text, small, length);
    }
    if (is_flexible)
        add_varint(out, is_null ? 0 : text.length + 1);
    else
        add_number(out, type == 'B' ? 4 : 2, is_null ? -1 : (int64_t)text.length);
    kafka_bytes_add(out, text.bytes, is_null ? 0 : text.length);
    kafka_bytes_free(&text);
}

struct writer {
    struct kafka_names *names;
    struct kafka_bytes *out;
    int16_t version;
    bool is_flexible;
};

static void add_value(const struct writer *w, const struct kafka_field *field,
                      struct span value, bool is_given);

static void add_fields(const struct writer *w, const char *table, struct span element)
{
    struct kafka_field field;
    while ((table = kafka_field_next(table, &field)) != NULL) {
        struct span value = {field.text,
                             field.text == NULL ? NULL : field.text + field.text_length};
        bool is_given = field.name_length == 0;
        if (is_given)
            value = element;
        else if (span_find(element, &field, &value))
            is_given = true;
        if (kafka_field_is_in(&field, w->version))
            add_value(w, &field, value, is_given);
    }
}

static void add_array(const struct writer *w, const struct kafka_field *field,
                      struct span value, bool is_given)
{
    bool is_null = is_given && value.end - value.at == 4 && strncmp(value.at, "null", 4) == 0;
    size_t mark = w->out->length;
    uint32_t count = 0;
    add_number(w->out, 4, -1);
    const char *at = value.at;
    while (is_given && !is_null && at < value.end) {
        const char *end = at;
        for (int depth = 0; end < value.end && (*end != ';' || depth > 0); end++)
            depth += *end == '[' ? 1 : *end == ']' ? -1 : 0;
        while (at < end && *at == ' ')
            at++;
        add_fields(w, field->inner, (struct span){at, end});
        count++;
        at = end + 1;
    }
    if (!is_null)
        kafka_put_u32(w->out->bytes + mark, count);
}

static void add_value(const struct writer *w, const struct kafka_field *field,
                      struct span value, bool is_given)
{
    static const char nothing[] = "";
    int64_t number = is_given ? strtoll(value.at, NULL, 10) : field->number;
    switch (field->type) {
    case 'b':
        add_number(w->out, 1, number);
        break;
    case 'h':
        add_number(w->out, 2, number);
        break;
    case 'i':
        add_number(w->out, 4, number);
        break;
    case 'l':
        add_number(w->out, 8, number);
        break;
    case '[':
        add_array(w, field, value, is_given);
        break;
    default: /* texts */
        if (value.at == NULL)
            value = field->type == 'n' ? span_of("null", 4) : span_of(nothing, 0);
        add_text(w->names, w->out, field->type, value, w->is_flexible);
        break;
    }
}

struct kafka_bytes kafka_text_request(struct kafka_names *names, enum kafka_text_api api,
                                      int16_t version, int32_t correlation, const char *text)
{
    struct kafka_bytes out = {0};
    const struct kafka_text_info *info = &kafka_texts[api];
    bool is_flexible = info->flexible > 0 && version >= info->flexible;
    add_number(&out, 2, info->key);
    add_number(&out, 2, version);
    add_number(&out, 4, correlation);
    add_text(names, &out, 's', span_of("test", 4), false); /* the client's id */
    if (is_flexible)
        add_varint(&out, 0);
    struct writer w = {names, &out, version, is_flexible};
    add_fields(&w, info->request, span_of(text, strlen(text)));
    if (is_flexible)
        add_varint(&out, 0);
    return out;
}
