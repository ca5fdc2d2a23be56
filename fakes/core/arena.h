#pragma once
/*
 * arena.h - the one memory of a world.
 *
 * Machines, messages, timers, plan, checks and digest lie in it; nothing in it points to the
 * heap, so a snapshot is a copy of the used bytes and a restore a copy back to the same
 * address. Pointers into the arena are therefore allowed inside it. Blocks have size classes
 * with free lists and an owner: a node, or ARENA_HOST, or ARENA_MESSAGE (a blob on its way).
 * A crash gives back all blocks of its node except those allotted as durable.
 * Addresses never reach a digest, an order or an output.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define ARENA_HOST 0xfffeu    /* owner: the host itself */
#define ARENA_MESSAGE 0xfffdu /* owner: a message in flight */
#define ARENA_BLOCK_MAX ((size_t)1 << 30)

/* Reserve `bytes_max` of address space; pages are touched as used. NULL when refused. */
struct arena *arena_new(size_t bytes_max);
void arena_free(struct arena *self);

/* Zeroed, 16-byte aligned block of the owner. Asserts size <= ARENA_BLOCK_MAX and room. */
void *arena_alloc(struct arena *self, uint32_t owner, size_t size);
/* The same, kept over a crash of its owner. */
void *arena_alloc_durable(struct arena *self, uint32_t owner, size_t size);
/* Grow to new_size: contents kept, the new part zeroed; block may be NULL (then owner's). */
void *arena_grow(struct arena *self, uint32_t owner, void *block, size_t new_size);
/* Give one block back. NULL is allowed. */
void arena_release(struct arena *self, void *block);
/* Hand a block to another owner (a blob taken out of a message, or put into one). */
void arena_own(struct arena *self, uint32_t owner, void *block);
/* Give back all blocks of the owner that are not durable (crash), or all (teardown). */
void arena_release_owner(struct arena *self, uint32_t owner, bool durable_too);

size_t arena_block_size(const void *block); /* as asked for */
uint32_t arena_owner(const void *block);
size_t arena_used(const struct arena *self); /* bytes a snapshot copies */
size_t arena_blocks(const struct arena *self, uint32_t owner);

/* A snapshot lives on the heap, outside; free it with arena_snapshot_free. */
struct arena_snapshot;
struct arena_snapshot *arena_save(const struct arena *self);
void arena_restore(struct arena *self, const struct arena_snapshot *snapshot);
void arena_snapshot_free(struct arena_snapshot *snapshot);

/*
 * Handles: where a block lies, as a 32-bit number that is stable over save and restore. The
 * arena's own struct stands at the start of its memory, so 0 is never a block.
 */
#define ARENA_UNIT 16u
static inline uint32_t arena_handle(const struct arena *self, const void *block)
{
    return (uint32_t)((size_t)((const char *)block - (const char *)self) / ARENA_UNIT);
}
static inline void *arena_block(const struct arena *self, uint32_t handle)
{
    return (void *)((uintptr_t)self + (uintptr_t)handle * ARENA_UNIT);
}
