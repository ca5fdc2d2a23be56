/* kafka_text_answer.c - see kafka_text.h: answer to text. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kafka/kafka_wire.h"
#include "support/bed.h"
#include "support/kafka_text_fields.h"

struct reader {
    struct kafka_names *names;
    struct kafka_in in;
    char *text;
    size_t length, size;
    int16_t version;
    bool is_hidden;
    bool is_foreign; /* the element is of another run */
};

static void say(struct reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void say(struct reader *r, const char *format, ...)
{
    if (r->is_hidden)
        return;
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(r->text + r->length, r->size - r->length, format, arguments);
    va_end(arguments);
    assert_true(wanted >= 0 && (size_t)wanted < r->size - r->length);
    r->length += (size_t)wanted;
}

static void say_member(struct reader *r, struct kafka_text text)
{
    struct kafka_names *names = r->names;
    uint32_t i = 0;
    while (i < names->member_count && !kafka_text_equal(kafka_text_of(names->members[i]), text))
        i++;
    if (text.length > 0 && i == names->member_count) {
        assert_true(i < TEXT_MEMBERS_MAX && text.length < sizeof names->members[i]);
        memcpy(names->members[i], text.bytes, text.length);
        names->members[i][text.length] = '\0';
        names->member_count++;
    }
    if (text.length == 0)
        say(r, "none");
    else
        say(r, "$%u", i + 1);
}

static void say_text(struct reader *r, char type, struct kafka_text text)
{
    size_t skip = strlen(r->names->prefix);
    bool is_own = text.length >= skip && strncmp(text.bytes, r->names->prefix, skip) == 0;
    r->is_foreign |= type == 'o' && !is_own;
    if (text.length > 0 && memchr(text.bytes, '\0', text.length) != NULL)
        r->in.ok = false; /* none of ours has one, and it would not be seen */
    if (type == 'M')
        say_member(r, text);
    else if (text.is_null)
        say(r, "null");
    else if (text.length > 64)
        say(r, "%u bytes", text.length);
    else if (skip > 0 && !text.is_null && is_own)
        say(r, "~%.*s", (int)(text.length - skip), text.bytes + skip);
    else
        say(r, "%.*s", (int)text.length, text.bytes);
}

/* Whole batches: base offset + records / bytes. */
static void say_records(struct reader *r, struct kafka_text records)
{
    const uint8_t *at = (const uint8_t *)records.bytes;
    size_t left = records.length;
    say(r, "(");
    while (left >= 61) {
        size_t size = (size_t)kafka_get_u32(at + 8) + 12;
        if (size > left)
            break;
        if (kafka_get_u32(at + 17) != kafka_crc32c(at + 21, size - 21) || at[16] != 2)
            r->in.ok = false;
        say(r, " %llu+%u/%zu%s", (unsigned long long)kafka_get_u64(at), kafka_get_u32(at + 57),
            size, kafka_get_u32(at + 12) == 0 ? "" : "!epoch");
        at += size;
        left -= size;
    }
    say(r, " )");
}

static void read_fields(struct reader *r, const char *table);

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Elements with names in the order of their texts: brokers keep them in hash maps. */
static void read_array(struct reader *r, const struct kafka_field *field)
{
    bool is_null;
    uint32_t count = kafka_in_array(&r->in, 1, &is_null);
    char **texts = calloc(count + 1, sizeof *texts);
    assert_non_null(texts);
    size_t start = r->length;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count && r->in.ok; i++) {
        r->length = start;
        r->is_foreign = false;
        read_fields(r, field->inner);
        kafka_in_tags(&r->in);
        if (r->is_foreign)
            continue;
        texts[kept] = r->is_hidden ? calloc(1, 1) : strndup(r->text + start, r->length - start);
        assert_non_null(texts[kept++]);
    }
    count = r->in.ok ? kept : count;
    r->length = start;
    if (r->in.ok && !r->is_hidden && field->inner[0] != ':')
        qsort(texts, count, sizeof *texts, compare_texts);
    say(r, is_null ? "null" : "[");
    for (uint32_t i = 0; i < count; i++) {
        if (r->in.ok)
            say(r, "%s%s", i > 0 ? "; " : "", texts[i]);
        free(texts[i]);
    }
    if (!is_null)
        say(r, "]");
    free(texts);
}

static void read_value(struct reader *r, const struct kafka_field *field)
{
    struct kafka_text text;
    switch (field->type) {
    case 'b':
        say(r, "%d", kafka_in_i8(&r->in));
        break;
    case 'h':
        say(r, "%d", kafka_in_i16(&r->in));
        break;
    case 'i':
        say(r, "%d", kafka_in_i32(&r->in));
        break;
    case 'l':
        say(r, "%lld", (long long)kafka_in_i64(&r->in));
        break;
    case '[':
        read_array(r, field);
        break;
    case 'R':
        text = kafka_in_bytes(&r->in);
        say_records(r, text);
        break;
    default: /* texts */
        text = field->type == 'B'   ? kafka_in_bytes(&r->in)
               : field->type == 'n' ? kafka_in_nullable(&r->in)
                                    : kafka_in_string(&r->in);
        say_text(r, field->type, text);
        break;
    }
}

static void read_fields(struct reader *r, const char *table)
{
    struct kafka_field field;
    bool was_hidden = r->is_hidden, is_first = true;
    while ((table = kafka_field_next(table, &field)) != NULL && r->in.ok) {
        if (!kafka_field_is_in(&field, r->version))
            continue;
        r->is_hidden = was_hidden || (field.name[0] == '.' && !r->names->has_all);
        if (!is_first)
            say(r, " ");
        if (field.name_length > 0)
            say(r, field.type == '[' ? "%.*s" : "%.*s=", (int)field.name_length, field.name);
        is_first &= r->is_hidden;
        read_value(r, &field);
        r->is_hidden = was_hidden;
    }
}

bool kafka_text_answer(struct kafka_names *names, enum kafka_text_api api, int16_t version,
                       const uint8_t *bytes, size_t length, char *ret_text, size_t size)
{
    const struct kafka_text_info *info = &kafka_texts[api];
    struct reader r = {.names = names,
                       .in = kafka_in_start(bytes, length),
                       .text = ret_text,
                       .size = size,
                       .version = version};
    ret_text[0] = '\0';
    r.in.is_flexible = info->flexible > 0 && version >= info->flexible;
    read_fields(&r, info->answer);
    kafka_in_tags(&r.in);
    return r.in.ok && r.in.at == r.in.length;
}
