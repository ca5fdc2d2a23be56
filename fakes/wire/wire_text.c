/*
 * wire_text.c - names, numbers and JSON values, as all codecs print and read them.
 */
#include "core/record.h"
#include "wire/wire_internal.h"
#include "wire/wire_key.h"
#include <string.h>

static const char health_test[] = "whisk.system/invokerHealthTestAction";
static const char warm_up[] = "whisk.system/warmUp";

/* ---- printing ---- */

void wire_write_name(struct wire_buffer *self, const char *name)
{
    wire_buffer_quote(self, (struct wire_text){name, strlen(name)});
}

const char *wire_action_last(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

void wire_write_action(const struct wire *self, action_id action, struct wire_buffer *buffer)
{
    const char *path = cluster_action_name(self->cluster, action);
    const char *last = wire_action_last(path);
    size_t length = last == path ? 0 : (size_t)(last - path) - 1;
    WIRE_ADD(buffer, "{\"name\":");
    wire_write_name(buffer, last);
    WIRE_ADD(buffer, ",\"path\":");
    wire_buffer_quote(buffer, (struct wire_text){path, length});
    WIRE_ADD(buffer, ",\"version\":\"0.0.1\"}");
}

void wire_write_revision(uint32_t revision, struct wire_buffer *buffer)
{
    char text[24];
    size_t length = key_print_revision(revision, text, sizeof text);
    if (revision == 0)
        wire_buffer_add(buffer, text, length);
    else
        wire_buffer_quote(buffer, (struct wire_text){text, length});
}

/* ---- texts ---- */

bool wire_text_is(struct wire_text text, const char *literal)
{
    size_t length = strlen(literal);
    return text.length == length && memcmp(text.bytes, literal, length) == 0;
}

bool wire_text_begins(struct wire_text text, const char *literal)
{
    size_t length = strlen(literal);
    return text.length >= length && memcmp(text.bytes, literal, length) == 0;
}

bool wire_decimal(struct wire_text text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned digit = (unsigned)((unsigned char)text.bytes[i]) - '0';
        if (digit > 9 || number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return text.length > 0 && number <= max;
}

bool wire_revision_read(struct wire_text text, uint32_t *ret_revision)
{
    char printed[24];
    uint64_t number = 0;
    const char *dash = memchr(text.bytes, '-', text.length);
    *ret_revision = 0;
    if (wire_text_is(text, "null"))
        return true;
    if (dash == NULL ||
        !wire_decimal((struct wire_text){text.bytes, (size_t)(dash - text.bytes)}, UINT32_MAX,
                      &number) ||
        number == 0)
        return false;
    key_print_revision((uint32_t)number, printed, sizeof printed);
    if (!wire_text_is(text, printed))
        return false;
    *ret_revision = (uint32_t)number;
    return true;
}

action_id wire_find_action(const struct wire *self, struct wire_text name)
{
    uint64_t index;
    if (wire_text_begins(name, health_test)) {
        size_t skip = sizeof health_test - 1;
        struct wire_text rest = {name.bytes + skip, name.length - skip};
        return wire_decimal(rest, UINT32_MAX, &index) ? ACTION_HEALTH_TEST : ACTION_NONE;
    }
    if (wire_text_is(name, warm_up))
        return ACTION_WARM_UP;
    return cluster_find_action(self->cluster, name.bytes, name.length);
}

enum error_text wire_find_error(struct wire_text text)
{
    unsigned error = ERROR_NONE + 1;
    while (error < ERROR_TEXT_COUNT && !wire_text_is(text, error_text_to_string(error)))
        error++;
    return (enum error_text)error;
}

/* ---- JSON values ---- */

bool wire_json_text(struct json_in value, struct wire_json_text *ret_text)
{
    if (value.kind != JSON_STRING)
        return false;
    struct wire_text inner = {value.text + 1, value.length - 2};
    ret_text->text = inner;
    if (inner.length == 0 || memchr(inner.bytes, '\\', inner.length) == NULL)
        return inner.length < WIRE_NAME_MAX;
    for (size_t i = 0; i + 6 <= inner.length; i++) {
        if (memcmp(inner.bytes + i, "\\u0000", 6) == 0)
            return false;
    }
    if (!json_in_string(value, ret_text->scratch, sizeof ret_text->scratch))
        return false;
    ret_text->text = (struct wire_text){ret_text->scratch, strlen(ret_text->scratch)};
    return true;
}

bool wire_json_is(struct json_in value, const char *literal)
{
    struct wire_json_text text;
    return wire_json_text(value, &text) && wire_text_is(text.text, literal);
}

bool wire_json_bool(struct json_in value, bool *ret_value)
{
    *ret_value = value.kind == JSON_TRUE;
    return value.kind == JSON_TRUE || value.kind == JSON_FALSE;
}

bool wire_json_number(struct json_in value, uint64_t max, uint64_t *ret_number)
{
    int64_t number;
    if (!json_in_number(value, &number) || number < 0 || (uint64_t)number > max)
        return false;
    *ret_number = (uint64_t)number;
    return true;
}

bool wire_json_has(struct json_in value)
{
    return value.kind != JSON_INVALID && value.kind != JSON_NULL;
}

/* An object, or a bare string (FullyQualifiedEntityName.scala:74-87). */
bool wire_read_action(const struct wire *self, struct json_in value, action_id *ret_action)
{
    static const char *const names[] = {"name", "path"};
    struct json_in members[2];
    struct wire_json_text name, path;
    char whole[2 * WIRE_NAME_MAX];
    if (value.kind == JSON_STRING) {
        if (!wire_json_text(value, &name))
            return false;
        bool has_slash = wire_text_begins(name.text, "/");
        name.text.bytes += has_slash;
        name.text.length -= has_slash;
        *ret_action = wire_find_action(self, name.text);
        return *ret_action != ACTION_NONE;
    }
    json_in_members(value, names, 2, members);
    if (!wire_json_text(members[0], &name) || !wire_json_text(members[1], &path))
        return false;
    memcpy(whole, path.text.bytes, path.text.length);
    whole[path.text.length] = '/';
    memcpy(whole + path.text.length + 1, name.text.bytes, name.text.length);
    size_t length = path.text.length + 1 + name.text.length;
    *ret_action = wire_find_action(self, (struct wire_text){whole, length});
    return *ret_action != ACTION_NONE;
}

bool wire_read_namespace(const struct wire *self, struct json_in value, namespace_id *ret_ns)
{
    struct wire_json_text name;
    if (!wire_json_text(value, &name))
        return false;
    *ret_ns = wire_text_is(name.text, "whisk.system")
                  ? NAMESPACE_SYSTEM
                  : cluster_find_namespace(self->cluster, name.text.bytes, name.text.length);
    return *ret_ns != NAMESPACE_NONE;
}

bool wire_read_revision(struct json_in value, uint32_t *ret_revision)
{
    struct wire_json_text text;
    *ret_revision = 0;
    if (value.kind == JSON_NULL)
        return true;
    return wire_json_text(value, &text) && wire_revision_read(text.text, ret_revision);
}

bool wire_read_activation_id(const struct wire *self, struct json_in value,
                             activation_id *ret_id)
{
    struct wire_json_text text;
    return wire_json_text(value, &text) &&
           cluster_activation_read(self->draws, text.text.bytes, text.text.length, ret_id);
}
