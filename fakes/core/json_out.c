/*
 * json_out.c - a JSON writer into a growing arena buffer.
 */
#include "core/json.h"
#include "core/assert.h"
#include <string.h>

#define JSON_OUT_FIRST 128u

void json_out_init(struct json_out *self, struct arena *arena, uint32_t owner)
{
    *self = (struct json_out){.arena = arena, .owner = owner};
}

static void json_out_append(struct json_out *self, const char *bytes, size_t length)
{
    size_t wanted = self->length + length;
    if (wanted > self->size) {
        size_t size = self->size == 0 ? JSON_OUT_FIRST : self->size;
        while (size < wanted)
            size *= 2;
        self->text = arena_grow(self->arena, self->owner, self->text, size);
        self->size = size;
    }
    memcpy(self->text + self->length, bytes, length);
    self->length = wanted;
}

/* Before a key or an element. */
static void json_out_separate(struct json_out *self)
{
    if (self->needs_comma)
        json_out_append(self, ",", 1);
}

static void json_out_begin(struct json_out *self, char bracket)
{
    json_out_separate(self);
    json_out_append(self, &bracket, 1);
    self->needs_comma = false;
}

static void json_out_end(struct json_out *self, char bracket)
{
    ASSERT_OP(self->length, >, 0);
    json_out_append(self, &bracket, 1);
    self->needs_comma = true;
}

void json_out_object_begin(struct json_out *self)
{
    json_out_begin(self, '{');
}

void json_out_object_end(struct json_out *self)
{
    json_out_end(self, '}');
}

void json_out_array_begin(struct json_out *self)
{
    json_out_begin(self, '[');
}

void json_out_array_end(struct json_out *self)
{
    json_out_end(self, ']');
}

/* spray-json's escapes: short forms, else \u00xx below blank. */
static void json_out_escaped(struct json_out *self, const char *text)
{
    static const char shorts[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    static const char hex[] = "0123456789abcdef";
    json_out_append(self, "\"", 1);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        const char *found = strchr(shorts, *text);
        if (found != NULL) {
            char pair[2] = {'\\', letters[found - shorts]};
            json_out_append(self, pair, 2);
        } else if (c < 0x20) {
            char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            json_out_append(self, escape, 6);
        } else {
            json_out_append(self, text, 1);
        }
    }
    json_out_append(self, "\"", 1);
}

void json_out_key(struct json_out *self, const char *key)
{
    json_out_separate(self);
    json_out_escaped(self, key);
    json_out_append(self, ":", 1);
    self->needs_comma = false;
}

void json_out_string(struct json_out *self, const char *text)
{
    json_out_separate(self);
    json_out_escaped(self, text);
    self->needs_comma = true;
}

void json_out_raw(struct json_out *self, const char *json)
{
    json_out_separate(self);
    json_out_append(self, json, strlen(json));
    self->needs_comma = true;
}

void json_out_value(struct json_out *self, struct json_in value)
{
    bool is_text = false;
    size_t begin = 0;
    ASSERT(value.kind != JSON_INVALID);
    json_out_separate(self);
    for (size_t i = 0; i < value.length; i++) {
        char c = value.text[i];
        bool is_blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (is_text && c == '\\')
            i++;
        else if (c == '"')
            is_text = !is_text;
        else if (!is_text && is_blank) {
            json_out_append(self, value.text + begin, i - begin);
            begin = i + 1;
        }
    }
    json_out_append(self, value.text + begin, value.length - begin);
    self->needs_comma = true;
}

void json_out_number(struct json_out *self, uint64_t value)
{
    char digits[21], *at = digits + 20;
    *at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    json_out_raw(self, at);
}

void json_out_bool(struct json_out *self, bool value)
{
    json_out_raw(self, value ? "true" : "false");
}

blob json_out_finish(struct json_out *self)
{
    blob b =
        self->length == 0 ? 0 : blob_new(self->arena, self->owner, self->text, self->length);
    arena_release(self->arena, self->text);
    json_out_init(self, self->arena, self->owner);
    return b;
}
