/* region.c - a list of chunks; large pieces get a chunk of their own. */
#include "scenario/region.h"
#include "core/assert.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGION_CHUNK ((size_t)64 << 10)

struct region_chunk {
    struct region_chunk *next;
    size_t used, size;
    max_align_t bytes[];
};

struct region {
    struct region_chunk *chunks;
};

struct region *region_new(void)
{
    struct region *self = calloc(1, sizeof *self);
    ASSERT(self != NULL);
    return self;
}

void region_free(struct region *self)
{
    if (self == NULL)
        return;
    while (self->chunks != NULL) {
        struct region_chunk *next = self->chunks->next;
        free(self->chunks);
        self->chunks = next;
    }
    free(self);
}

static struct region_chunk *region_add_chunk(struct region *self, size_t size)
{
    struct region_chunk *chunk = calloc(1, sizeof *chunk + size);
    ASSERT(chunk != NULL);
    chunk->size = size;
    /* A large piece goes behind the chunk in use, whose rest stays usable. */
    if (self->chunks != NULL && size > REGION_CHUNK) {
        chunk->next = self->chunks->next;
        self->chunks->next = chunk;
    } else {
        chunk->next = self->chunks;
        self->chunks = chunk;
    }
    return chunk;
}

void *region_alloc(struct region *self, size_t size)
{
    size_t align = sizeof(max_align_t);
    ASSERT(size < SIZE_MAX / 2);
    size = (size + align - 1) / align * align;
    struct region_chunk *chunk = self->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size)
        chunk = region_add_chunk(self, size > REGION_CHUNK ? size : REGION_CHUNK);
    void *piece = (char *)chunk->bytes + chunk->used;
    chunk->used += size;
    return piece;
}

void *region_array(struct region *self, size_t count, size_t size)
{
    ASSERT(size == 0 || count < SIZE_MAX / 2 / (size + 1));
    return region_alloc(self, count * size);
}

char *region_text(struct region *self, const char *text, size_t length)
{
    char *copy = region_alloc(self, length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    return copy;
}

char *region_printf(struct region *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    ASSERT(length >= 0);
    char *text = region_alloc(self, (size_t)length + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)length + 1, format, args);
    va_end(args);
    return text;
}
