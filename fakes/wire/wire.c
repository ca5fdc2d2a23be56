/*
 * wire.c - see wire.h: buffers, quoting, base64.
 */
#include "wire/wire.h"
#include "core/assert.h"
#include "wire/wire_internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST 256u

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Room for so many more bytes and the NUL. */
static char *buffer_room(struct wire_buffer *self, size_t length)
{
    size_t wanted = self->length + length + 1;
    if (wanted > self->size) {
        size_t size = self->size == 0 ? BUFFER_FIRST : self->size;
        while (size < wanted)
            size *= 2;
        char *bytes = realloc(self->bytes, size);
        ASSERT(bytes != NULL);
        self->bytes = bytes;
        self->size = size;
    }
    return self->bytes + self->length;
}

void wire_buffer_clear(struct wire_buffer *self)
{
    self->length = 0;
    *buffer_room(self, 0) = '\0';
}

void wire_buffer_free(struct wire_buffer *self)
{
    free(self->bytes);
    *self = (struct wire_buffer){0};
}

void wire_buffer_add(struct wire_buffer *self, const void *bytes, size_t length)
{
    char *at = buffer_room(self, length);
    if (length > 0)
        memcpy(at, bytes, length);
    at[length] = '\0';
    self->length += length;
}

void wire_buffer_text(struct wire_buffer *self, const char *text)
{
    wire_buffer_add(self, text, strlen(text));
}

void wire_buffer_number(struct wire_buffer *self, uint64_t number)
{
    char digits[20], *at = digits + sizeof digits;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    wire_buffer_add(self, at, (size_t)(digits + sizeof digits - at));
}

void wire_buffer_print(struct wire_buffer *self, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    va_end(list);
    ASSERT(length >= 0);
    vsnprintf(buffer_room(self, (size_t)length), (size_t)length + 1, format, again);
    va_end(again);
    self->length += (size_t)length;
}

/* spray-json's escapes: short forms, else \u00xx below blank. */
static void quote_escape(struct wire_buffer *self, unsigned char c)
{
    static const char shorts[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    static const char hex[] = "0123456789abcdef";
    const char *found = memchr(shorts, c, sizeof shorts - 1);
    if (found != NULL) {
        char pair[2] = {'\\', letters[found - shorts]};
        wire_buffer_add(self, pair, sizeof pair);
        return;
    }
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    wire_buffer_add(self, escape, sizeof escape);
}

void wire_buffer_quote(struct wire_buffer *self, struct wire_text text)
{
    size_t first = 0;
    WIRE_ADD(self, "\"");
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        wire_buffer_add(self, text.bytes + first, i - first);
        quote_escape(self, c);
        first = i + 1;
    }
    if (first < text.length)
        wire_buffer_add(self, text.bytes + first, text.length - first);
    WIRE_ADD(self, "\"");
}

void wire_buffer_base64(struct wire_buffer *self, struct wire_text text)
{
    const unsigned char *from = (const unsigned char *)text.bytes;
    size_t length = (text.length + 2) / 3 * 4;
    char *at = buffer_room(self, length);
    for (size_t i = 0; i < text.length; i += 3) {
        size_t rest = text.length - i;
        uint32_t bits = (uint32_t)from[i] << 16 | (rest > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
                        (rest > 2 ? from[i + 2] : 0u);
        *at++ = base64_digits[bits >> 18];
        *at++ = base64_digits[bits >> 12 & 63];
        *at++ = rest > 1 ? base64_digits[bits >> 6 & 63] : '=';
        *at++ = rest > 2 ? base64_digits[bits & 63] : '=';
    }
    *at = '\0';
    self->length += length;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool wire_base64_read(struct wire_text text, struct wire_buffer *bytes)
{
    size_t padding = 0;
    if (text.length % 4 != 0)
        return false;
    while (padding < 2 && padding < text.length && text.bytes[text.length - 1 - padding] == '=')
        padding++;
    char *at = buffer_room(bytes, text.length / 4 * 3);
    for (size_t i = 0; i < text.length; i += 4) {
        uint32_t bits = 0;
        for (size_t k = i; k < i + 4; k++) {
            int value = k >= text.length - padding ? 0 : base64_value(text.bytes[k]);
            if (value < 0) {
                bytes->bytes[bytes->length] = '\0'; /* nothing was appended */
                return false;
            }
            bits = bits << 6 | (uint32_t)value;
        }
        *at++ = (char)(bits >> 16);
        *at++ = (char)(bits >> 8 & 0xff);
        *at++ = (char)(bits & 0xff);
    }
    bytes->length += text.length / 4 * 3 - padding;
    bytes->bytes[bytes->length] = '\0';
    return true;
}
