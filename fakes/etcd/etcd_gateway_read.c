/*
 * etcd_gateway_read.c - one JSON value into one message; see etcd_gateway_message.h.
 */
#include "etcd/etcd_gateway_message.h"
#include "core/assert.h"
#include <string.h>

#define MAP_TYPE "map[string]json.RawMessage"
#define LIST_TYPE "[]json.RawMessage"

void *gateway_alloc(struct gateway_memory *self, size_t size)
{
    struct gateway_block *block =
        arena_alloc(self->env->arena, self->env->node, sizeof *block + size + 1);
    block->next = self->first;
    self->first = block;
    return block->bytes;
}

void gateway_memory_free(struct gateway_memory *self)
{
    while (self->first != NULL) {
        struct gateway_block *block = self->first;
        self->first = block->next;
        arena_release(self->env->arena, block);
    }
}

/* What Go's error calls the value. */
static const char *kind_of(struct etcd_text value)
{
    switch (value.bytes[0]) { /* a byte, not an enum */
    case '{':
        return "object";
    case '[':
        return "array";
    case '"':
        return "string";
    case 't':
    case 'f':
        return "bool";
    case 'n':
        return "null";
    default:
        return "number";
    }
}

static bool is_null(struct etcd_text value)
{
    return value.bytes[0] == 'n';
}

static bool fail_type(struct etcd_text value, const char *type, struct gateway_error *error)
{
    return GATEWAY_FAIL(error, "json: cannot unmarshal %s into Go value of type %s",
                        kind_of(value), type);
}

/* A number that was scanned; Go names its digits. */
static bool read_number(struct etcd_text value, int64_t least, int64_t most, const char *type,
                        int64_t *ret_number, struct gateway_error *error)
{
    bool is_negative = value.bytes[0] == '-', fits = true;
    uint64_t magnitude = 0;
    for (uint32_t i = is_negative; i < value.length && fits; i++) {
        uint64_t digit = (uint64_t)(value.bytes[i] - '0');
        fits = digit <= 9 && magnitude <= (UINT64_MAX - digit) / 10;
        magnitude = fits ? magnitude * 10 + digit : 0;
    }
    uint64_t limit = is_negative ? (uint64_t) - (least + 1) + 1 : (uint64_t)most;
    if (!fits || magnitude > limit)
        return GATEWAY_FAIL(error,
                            "json: cannot unmarshal number %.*s into Go value of type %s",
                            (int)value.length, value.bytes, type);
    *ret_number = (int64_t)(is_negative ? 0 - magnitude : magnitude);
    return true;
}

/* Numbers may stand in quotes; what is inside them is JSON of its own (jsonpb.go). */
static bool read_integer(struct etcd_text value, int64_t least, int64_t most, const char *type,
                         int64_t *ret_number, struct gateway_error *error)
{
    if (value.bytes[0] == '"') {
        value = (struct etcd_text){value.bytes + 1, value.length - 2};
        if (!gateway_json_check(value, error))
            return false;
        while (strchr(" \t\r\n", value.bytes[0]) != NULL)
            value.bytes++, value.length--;
        while (strchr(" \t\r\n", value.bytes[value.length - 1]) != NULL)
            value.length--;
    }
    if (is_null(value))
        return true;
    if (strcmp(kind_of(value), "number") != 0)
        return fail_type(value, type, error);
    return read_number(value, least, most, type, ret_number, error);
}

static bool read_enum(struct etcd_text value, const struct gateway_enum *values,
                      int32_t *ret_number, struct gateway_error *error)
{
    int64_t number = 0;
    if (value.bytes[0] != '"') {
        if (!read_integer(value, INT32_MIN, INT32_MAX, values->type, &number, error))
            return false;
        *ret_number = (int32_t)number;
        return true;
    }
    for (int32_t i = 0; values->names[i] != NULL; i++) {
        if (strlen(values->names[i]) == value.length - 2 &&
            memcmp(values->names[i], value.bytes + 1, value.length - 2) == 0) {
            *ret_number = i;
            return true;
        }
    }
    return GATEWAY_FAIL(error, "unknown value \"%.*s\" for enum %s", (int)value.length - 2,
                        value.bytes + 1, values->type);
}

/* Go takes an array of numbers for bytes, too. */
static bool read_byte_array(struct etcd_text value, char *bytes, uint32_t *ret_length,
                            struct gateway_error *error)
{
    struct gateway_walk walk = gateway_walk_start(value);
    struct etcd_text name, item;
    *ret_length = 0;
    while (gateway_walk_next(&walk, &name, &item)) {
        int64_t number = 0;
        if (is_null(item)) {
            bytes[(*ret_length)++] = 0;
            continue;
        }
        if (strcmp(kind_of(item), "number") != 0)
            return fail_type(item, "uint8", error);
        if (!read_number(item, 0, UINT8_MAX, "uint8", &number, error))
            return false;
        bytes[(*ret_length)++] = (char)number;
    }
    return true;
}

static bool read_bytes(struct etcd_text value, struct gateway_memory *memory,
                       struct etcd_text *ret_text, struct gateway_error *error)
{
    if (is_null(value))
        return true;
    if (value.bytes[0] != '"' && value.bytes[0] != '[')
        return fail_type(value, "[]uint8", error);
    char *bytes = gateway_alloc(memory, value.length + 3);
    uint32_t length = 0;
    ret_text->bytes = bytes;
    if (value.bytes[0] == '[') {
        bool ok = read_byte_array(value, bytes, &length, error);
        ret_text->length = length;
        return ok;
    }
    char *decoded = gateway_alloc(memory, value.length);
    struct etcd_text text = {decoded, gateway_json_decode(value, decoded)};
    if (!gateway_base64_read(text, bytes, &length))
        return GATEWAY_FAIL(error, "illegal base64 data at input byte %u", length);
    ret_text->length = length;
    return true;
}

static bool read_bool(struct etcd_text value, bool *ret_bool, struct gateway_error *error)
{
    if (value.bytes[0] != 't' && value.bytes[0] != 'f')
        return is_null(value) || fail_type(value, "bool", error);
    *ret_bool = value.bytes[0] == 't';
    return true;
}

static bool read_list(const struct gateway_field *field, struct etcd_text value,
                      struct gateway_memory *memory, struct gateway_list *ret_list,
                      struct gateway_error *error)
{
    struct etcd_text name, item;
    bool is_enum = field->kind == GATEWAY_ENUMS;
    size_t size = is_enum ? sizeof(int32_t) : field->message->size;
    if (is_null(value))
        return true;
    if (value.bytes[0] != '[')
        return fail_type(value, LIST_TYPE, error);
    struct gateway_walk walk = gateway_walk_start(value);
    while (gateway_walk_next(&walk, &name, &item))
        ret_list->count++;
    char *at = gateway_alloc(memory, ret_list->count * size);
    ret_list->items = at;
    walk = gateway_walk_start(value);
    for (; gateway_walk_next(&walk, &name, &item); at += size) {
        if (is_enum ? !read_enum(item, field->values, (int32_t *)(void *)at, error)
                    : !gateway_message_read(field->message, item, memory, at, error))
            return false;
    }
    return true;
}

static bool read_nested(const struct gateway_field *field, struct etcd_text value,
                        struct gateway_memory *memory, void **ret_message,
                        struct gateway_error *error)
{
    if (is_null(value))
        return true;
    *ret_message = gateway_alloc(memory, field->message->size);
    if (memory->depth == GATEWAY_DEPTH_MAX)
        return true;
    memory->depth++;
    bool ok = gateway_message_read(field->message, value, memory, *ret_message, error);
    memory->depth--;
    return ok;
}

static bool read_field(const struct gateway_field *field, struct etcd_text value,
                       struct gateway_memory *memory, void *place, struct gateway_error *error)
{
    switch ((enum gateway_kind)field->kind) {
    case GATEWAY_BYTES:
        return read_bytes(value, memory, place, error);
    case GATEWAY_INT64:
        return read_integer(value, INT64_MIN, INT64_MAX, "int64", place, error);
    case GATEWAY_BOOL:
        return read_bool(value, place, error);
    case GATEWAY_ENUM:
        return read_enum(value, field->values, place, error);
    case GATEWAY_ENUMS:
    case GATEWAY_MESSAGES:
        return read_list(field, value, memory, place, error);
    case GATEWAY_MESSAGE:
        return read_nested(field, value, memory, place, error);
    }
    return false;
}

/* The member that counts for a field: the last of its name, the camel spelling first. */
static bool find_member(struct etcd_text object, const struct gateway_field *field,
                        struct etcd_text *ret_value)
{
    struct gateway_walk walk = gateway_walk_start(object);
    struct etcd_text name, item;
    bool is_camel = false, found = false;
    while (gateway_walk_next(&walk, &name, &item)) {
        bool camel = gateway_json_is(name, field->camel);
        if (!camel && (is_camel || !gateway_json_is(name, field->name)))
            continue;
        is_camel = camel;
        found = true;
        *ret_value = item;
    }
    return found;
}

bool gateway_message_read(const struct gateway_message *message, struct etcd_text value,
                          struct gateway_memory *memory, void *ret_message,
                          struct gateway_error *error)
{
    if (is_null(value))
        return true;
    if (value.bytes[0] != '{')
        return fail_type(value, MAP_TYPE, error);
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct gateway_field *field = &message->fields[i];
        struct etcd_text item;
        if (!find_member(value, field, &item))
            continue;
        if (!read_field(field, item, memory, (char *)ret_message + field->offset, error))
            return false;
    }
    return true;
}
