/*
 * kafka_text.c - see kafka_text.h.
 *
 * A field of a table: name:type, the first version with it, -last version, =default. Types: b h
 * i l integers, s string, n nullable string, B bytes, R record batches, M member id, o a name
 * that takes its element out of an answer when it is not of this run; name[...] an array, whose
 * elements may be one value without a name. Names of fields that start with a dot are left out
 * of answers.
 */
#include "support/kafka_text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kafka/kafka_wire.h"
#include "support/bed.h"

#define VERSION_MAX 999

const struct kafka_text_info kafka_texts[TEXT_API_COUNT] = {
    [TEXT_PRODUCE] = {"Produce",
                      "transactional:n3 acks:h=1 timeout:i=3000 "
                      "topics[name:s partitions[index:i records:B]]",
                      "topics[name:s partitions[index:i error:h base:l append:l2 start:l5]] "
                      ".throttle:i1",
                      0, 7, 0},
    [TEXT_FETCH] = {"Fetch",
                    "replica:i=-1 wait:i min:i max:i3=1000000 isolation:b4 session:i7 "
                    "epoch:i7=-1 topics[name:s partitions[index:i leader_epoch:i9=-1 offset:l "
                    "start:l5=-1 max:i=1000000]] forgotten[name:s partitions[:i]]7 rack:s11",
                    ".throttle:i1 error:h7 session:i7 topics[name:s partitions[index:i error:h "
                    "high:l stable:l4 start:l5 aborted[producer:l first:l]4 preferred:i11 "
                    "records:R]]",
                    1, 11, 0},
    [TEXT_LIST_OFFSETS] = {"ListOffsets",
                           "replica:i=-1 isolation:b2 topics[name:s partitions[index:i "
                           "leader_epoch:i4=-1 time:l=-1 most:i0-0=1]]",
                           ".throttle:i2 topics[name:s partitions[index:i error:h "
                           "offsets[:l]0-0 time:l1 offset:l1 leader_epoch:i4]]",
                           2, 5, 0},
    [TEXT_METADATA] = {"Metadata", "topics[:s] auto:b4=1 cluster_ops:b8 topic_ops:b8",
                       ".throttle:i3 brokers[.node:i .host:s .port:i rack:n1] .cluster:n2 "
                       ".controller:i1 topics[error:h name:s internal:b1 partitions[error:h "
                       "index:i .leader:i leader_epoch:i7 .replicas[:i] .isr[:i] "
                       "offline[:i]5] topic_ops:i8] cluster_ops:i8",
                       3, 8, 0},
    [TEXT_OFFSET_COMMIT] = {"OffsetCommit",
                            "group:s generation:i1=-1 member:s1 instance:n7 retention:l2-4=-1 "
                            "topics[name:s partitions[index:i offset:l leader_epoch:i6=-1 "
                            "time:l1-1=-1 metadata:n]]",
                            ".throttle:i3 topics[name:s partitions[index:i error:h]]", 8, 7, 0},
    [TEXT_OFFSET_FETCH] = {"OffsetFetch", "group:s topics[name:s partitions[:i]]",
                           ".throttle:i3 topics[name:s partitions[index:i offset:l "
                           "leader_epoch:i5 metadata:n error:h]] error:h2",
                           9, 5, 0},
    [TEXT_FIND_COORDINATOR] = {"FindCoordinator", "key:s type:b1",
                               ".throttle:i1 error:h .message:n1 .node:i .host:s .port:i", 10,
                               2, 0},
    [TEXT_JOIN] = {"JoinGroup",
                   "group:s session:i=10000 rebalance:i1=10000 member:s instance:n5 "
                   "type:s=consumer protocols[name:s metadata:B]",
                   ".throttle:i2 error:h generation:i protocol:s leader:M member:M "
                   "members[id:M instance:n5 metadata:B]",
                   11, 5, 0},
    [TEXT_HEARTBEAT] = {"Heartbeat", "group:s generation:i member:s instance:n3",
                        ".throttle:i1 error:h", 12, 3, 0},
    [TEXT_LEAVE] = {"LeaveGroup", "group:s member:s0-2 members[id:s instance:n]3",
                    ".throttle:i1 error:h members[id:M instance:n error:h]3", 13, 3, 0},
    [TEXT_SYNC] = {"SyncGroup",
                   "group:s generation:i member:s instance:n3 assignments[id:s bytes:B]",
                   ".throttle:i1 error:h bytes:B", 14, 3, 0},
    [TEXT_DESCRIBE] = {"DescribeGroups", "groups[:s] allowed:b3",
                       ".throttle:i1 groups[error:h name:s state:s type:s protocol:s "
                       "members[id:M instance:n4 client:s host:s metadata:B assignment:B] "
                       "allowed:i3]",
                       15, 4, 0},
    [TEXT_LIST] = {"ListGroups", "", ".throttle:i1 error:h groups[name:o type:s]", 16, 2, 0},
    [TEXT_VERSIONS] = {"ApiVersions", "software:s3=rollcage release:s3=1",
                       "error:h apis[key:h min:h max:h] .throttle:i1", 18, 3, 3},
    [TEXT_CREATE] = {"CreateTopics",
                     "topics[name:s partitions:i=1 replicas:h=1 assignments[index:i "
                     "brokers[:i]] configs[name:s value:n]] timeout:i=5000 validate:b1",
                     ".throttle:i2 topics[name:s error:h .message:n1]", 19, 4, 0},
    [TEXT_DELETE] = {"DeleteTopics", "topics[:s] timeout:i=5000",
                     ".throttle:i1 topics[name:s error:h]", 20, 3, 0},
};

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

/* ---- tables ---- */

struct field {
    const char *name;
    size_t name_length;
    char type; /* '[': array */
    const char *inner;
    int since, until;
    int64_t number; /* default */
    const char *text;
    size_t text_length;
};

static const char *closing(const char *at)
{
    for (int depth = 1;; at++) {
        depth += *at == '[' ? 1 : *at == ']' ? -1 : 0;
        if (depth == 0)
            return at;
        assert_int_not_equal(*at, 0);
    }
}

/* The next field; NULL at the end of the table or of the array's elements. */
static const char *field_next(const char *at, struct field *field)
{
    while (*at == ' ')
        at++;
    if (*at == '\0' || *at == ']')
        return NULL;
    *field = (struct field){.name = at, .until = VERSION_MAX};
    field->name_length = strcspn(at, ":[");
    at += field->name_length;
    if (*at == '[') {
        field->type = '[';
        field->inner = at + 1;
        at = closing(at + 1) + 1;
    } else {
        field->type = at[1];
        at += 2;
    }
    char *end;
    field->since = (int)strtol(at, &end, 10);
    at = end;
    if (*at == '-') {
        field->until = (int)strtol(at + 1, &end, 10);
        at = end;
    }
    if (*at == '=') {
        field->text = at + 1;
        field->text_length = strcspn(field->text, " ]");
        field->number = strtoll(field->text, NULL, 10);
        at = field->text + field->text_length;
    }
    return at;
}

static bool field_is_in(const struct field *field, int16_t version)
{
    return version >= field->since && version <= field->until;
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
    if (strcmp(fault, "!long") == 0)
        kafka_put_u32(batch + 8, (uint32_t)length);
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
static bool span_find(struct span element, const struct field *field, struct span *ret_value)
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
        const char *end = at[length] == '[' ? closing(value) : value + strcspn(value, " ;]");
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

static void add_value(const struct writer *w, const struct field *field, struct span value,
                      bool is_given);

static void add_fields(const struct writer *w, const char *table, struct span element)
{
    struct field field;
    while ((table = field_next(table, &field)) != NULL) {
        struct span value = {field.text,
                             field.text == NULL ? NULL : field.text + field.text_length};
        bool is_given = field.name_length == 0;
        if (is_given)
            value = element;
        else if (span_find(element, &field, &value))
            is_given = true;
        if (field_is_in(&field, w->version))
            add_value(w, &field, value, is_given);
    }
}

static void add_array(const struct writer *w, const struct field *field, struct span value,
                      bool is_given)
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

static void add_value(const struct writer *w, const struct field *field, struct span value,
                      bool is_given)
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

/* ---- answer to text ---- */

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
static void read_array(struct reader *r, const struct field *field)
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

static void read_value(struct reader *r, const struct field *field)
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
    struct field field;
    bool was_hidden = r->is_hidden, is_first = true;
    while ((table = field_next(table, &field)) != NULL && r->in.ok) {
        if (!field_is_in(&field, r->version))
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
