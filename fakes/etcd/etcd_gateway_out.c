/*
 * etcd_gateway_out.c - JSON printed; see etcd_gateway_json.h.
 */
#include "etcd/etcd_gateway_json.h"
#include <string.h>

#define OUT_FIRST 256u

static void out_append(struct gateway_out *self, const char *bytes, size_t length)
{
    size_t wanted = self->length + length;
    if (wanted > self->size) {
        size_t size = self->size == 0 ? OUT_FIRST : self->size;
        while (size < wanted)
            size *= 2;
        self->text = arena_grow(self->env->arena, self->env->node, self->text, size);
        self->size = size;
    }
    memcpy(self->text + self->length, bytes, length);
    self->length = wanted;
}

void gateway_out_free(struct gateway_out *self)
{
    arena_release(self->env->arena, self->text);
    self->text = NULL;
    self->length = self->size = 0;
}

void gateway_out_clear(struct gateway_out *self)
{
    self->length = 0;
}

void gateway_out_add(struct gateway_out *self, const char *text)
{
    out_append(self, text, strlen(text));
}

/* The comma and the name in front of a value. */
static void out_name(struct gateway_out *self, const char *name)
{
    char before = self->length == 0 ? '[' : self->text[self->length - 1];
    if (before != '{' && before != '[' && before != '\n')
        out_append(self, ",", 1);
    if (name == NULL)
        return;
    out_append(self, "\"", 1);
    gateway_out_add(self, name);
    out_append(self, "\":", 2);
}

void gateway_out_open(struct gateway_out *self, const char *name, char bracket)
{
    out_name(self, name);
    out_append(self, &bracket, 1);
}

void gateway_out_close(struct gateway_out *self, char bracket)
{
    out_append(self, &bracket, 1);
}

void gateway_out_number(struct gateway_out *self, const char *name, uint64_t value)
{
    char text[32];
    if (value == 0)
        return;
    int length = snprintf(text, sizeof text, "\"%llu\"", (unsigned long long)value);
    out_name(self, name);
    out_append(self, text, (size_t)length);
}

void gateway_out_signed(struct gateway_out *self, const char *name, int64_t value)
{
    char text[32];
    if (value == 0)
        return;
    int length = snprintf(text, sizeof text, "\"%lld\"", (long long)value);
    out_name(self, name);
    out_append(self, text, (size_t)length);
}

void gateway_out_bool(struct gateway_out *self, const char *name, bool value)
{
    if (!value)
        return;
    out_name(self, name);
    gateway_out_add(self, "true");
}

/* encoding/json: what HTML could trip over is escaped as well. */
static void out_escaped(struct gateway_out *self, char c)
{
    char escape[8];
    static const char shorts[] = "\n\r\t\"\\", letters[] = "nrt\"\\";
    const char *found = strchr(shorts, c);
    if (found != NULL && c != '\0')
        snprintf(escape, sizeof escape, "\\%c", letters[found - shorts]);
    else if ((unsigned char)c < 0x20 || c == '<' || c == '>' || c == '&')
        snprintf(escape, sizeof escape, "\\u%04x", c);
    else
        snprintf(escape, sizeof escape, "%c", c);
    gateway_out_add(self, escape);
}

void gateway_out_string(struct gateway_out *self, const char *name, const char *text)
{
    if (*text == '\0')
        return;
    out_name(self, name);
    out_append(self, "\"", 1);
    for (; *text != '\0'; text++)
        out_escaped(self, *text);
    out_append(self, "\"", 1);
}

static void out_base64(struct gateway_out *self, struct etcd_text bytes)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = (const unsigned char *)bytes.bytes;
    for (uint32_t i = 0; i < bytes.length; i += 3) {
        uint32_t left = bytes.length - i, group = (uint32_t)in[i] << 16;
        group |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        group |= left > 2 ? in[i + 2] : 0;
        char four[4] = {digits[group >> 18], digits[group >> 12 & 63],
                        left > 1 ? digits[group >> 6 & 63] : '=',
                        left > 2 ? digits[group & 63] : '='};
        out_append(self, four, 4);
    }
}

void gateway_out_element(struct gateway_out *self, struct etcd_text bytes)
{
    out_name(self, NULL);
    out_append(self, "\"", 1);
    out_base64(self, bytes);
    out_append(self, "\"", 1);
}

void gateway_out_bytes(struct gateway_out *self, const char *name, struct etcd_text bytes)
{
    if (bytes.length == 0)
        return;
    out_name(self, name);
    out_append(self, "\"", 1);
    out_base64(self, bytes);
    out_append(self, "\"", 1);
}

blob gateway_out_finish(struct gateway_out *self)
{
    blob b = self->length == 0
                 ? 0
                 : blob_new(self->env->arena, ARENA_MESSAGE, self->text, self->length);
    gateway_out_free(self);
    return b;
}
