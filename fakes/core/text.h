#pragma once
/*
 * text.h - appends printed pieces to a buffer of fixed size and counts what was wanted.
 */
#include <stddef.h>
#include <stdio.h>

struct text_out {
    char *at;            /* the buffer; may be NULL when size is 0 */
    size_t size, length; /* length: wanted so far, without NUL */
};

static inline struct text_out text_start(char *buffer, size_t size)
{
    if (size > 0)
        buffer[0] = '\0';
    return (struct text_out){.at = buffer, .size = size};
}
static inline char *text_end(const struct text_out *self)
{
    return self->length < self->size ? self->at + self->length : NULL;
}
static inline size_t text_left(const struct text_out *self)
{
    return self->length < self->size ? self->size - self->length : 0;
}
static inline void text_advance(struct text_out *self, int wanted)
{
    self->length += wanted > 0 ? (size_t)wanted : 0;
}
#define TEXT_ADD(self, ...)                                                                    \
    text_advance(self, snprintf(text_end(self), text_left(self), __VA_ARGS__))
