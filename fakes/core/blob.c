/*
 * blob.c - see blob.h. A blob is one arena block with a NUL behind its bytes; its handle is
 * where that block lies, its size the block's own.
 */
#include "core/blob.h"

#include <string.h>

#include "core/assert.h"

/* What handle 0 reads as: one NUL, never written. */
static const char blob_empty[1] = "";

blob blob_new(struct arena *arena, uint32_t owner, const void *bytes, size_t size)
{
    ASSERT_OP(size, <, ARENA_BLOCK_MAX);
    char *block = arena_alloc(arena, owner, size + 1);
    if (bytes != NULL && size > 0)
        memcpy(block, bytes, size);
    return arena_handle(arena, block);
}

blob blob_copy(struct arena *arena, uint32_t owner, blob b)
{
    if (b == 0)
        return 0;
    return blob_new(arena, owner, blob_bytes(arena, b), blob_size(arena, b));
}

void blob_free(struct arena *arena, blob b)
{
    if (b != 0)
        arena_release(arena, arena_block(arena, b));
}

void blob_own(struct arena *arena, uint32_t owner, blob b)
{
    if (b != 0)
        arena_own(arena, owner, arena_block(arena, b));
}

const void *blob_bytes(const struct arena *arena, blob b)
{
    return b == 0 ? (const void *)blob_empty : arena_block(arena, b);
}

void *blob_bytes_mutable(struct arena *arena, blob b)
{
    ASSERT(b != 0);
    return arena_block(arena, b);
}

size_t blob_size(const struct arena *arena, blob b)
{
    return b == 0 ? 0 : arena_block_size(arena_block(arena, b)) - 1;
}
