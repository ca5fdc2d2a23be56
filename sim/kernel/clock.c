/*
 * clock.c - see clock.h. Tables grow by doubling and never shrink.
 */
#include "kernel/clock.h"

#include <string.h>

#define HEAP_FIRST 256u
#define SLAB_FIRST 256u
#define RING_FIRST 256u
#define LINE 64u

/* Room for nodes on a cache line; the arena aligns to 16. */
static struct event_key *keys_new(struct arena *arena, size_t count, void **ret_block)
{
    void *block = arena_alloc(arena, ARENA_HOST, count * sizeof(struct event_key) + LINE);
    *ret_block = block;
    return (struct event_key *)(((uintptr_t)block + LINE - 1) / LINE * LINE);
}

void clock_init(struct clock *self, struct arena *arena, uint32_t leaf_count)
{
    ASSERT_OP(leaf_count, >, 0);
    ASSERT_OP(leaf_count, <=, KEY_SLOT_MAX);
    *self = (struct clock){.now = TSTAMP_ORIGIN, .next_number = 1, .arena = arena};
    clock_grow_heap(self);
    clock_grow_slab(self);
    clock_grow_ring(self);
    self->leaf_max = 2;
    while (self->leaf_max < leaf_count)
        self->leaf_max *= 2;
    void *block; /* the tree never grows */
    self->tree = keys_new(arena, (size_t)self->leaf_max * 2, &block);
    for (uint32_t i = 0; i < self->leaf_max * 2; i++)
        self->tree[i] = EVENT_KEY_NEVER;
}

void clock_grow_heap(struct clock *self)
{
    size_t count = self->heap.nodes == NULL ? 0 : event_heap_count(&self->heap);
    size_t max = HEAP_NODES(count == 0 ? HEAP_FIRST : count * 2);
    struct event_heap grown;
    void *block;
    event_heap_init(&grown, keys_new(self->arena, max, &block), max);
    if (self->heap.nodes != NULL) {
        memcpy(grown.nodes, self->heap.nodes, self->heap.end * sizeof grown.nodes[0]);
        grown.end = self->heap.end;
        arena_release(self->arena, self->heap_block);
    }
    self->heap = grown;
    self->heap_block = block;
}

void clock_grow_slab(struct clock *self)
{
    uint32_t max = self->slot_max == 0 ? SLAB_FIRST : self->slot_max * 2;
    ASSERT_OP(max, <=, KEY_SLOT_MAX + 1);
    self->bodies =
        arena_grow(self->arena, ARENA_HOST, self->bodies, max * sizeof self->bodies[0]);
    self->free_slots =
        arena_grow(self->arena, ARENA_HOST, self->free_slots, max * sizeof self->free_slots[0]);
    self->slot_max = max;
}

void clock_grow_ring(struct clock *self)
{
    uint32_t max = self->ring_max == 0 ? RING_FIRST : self->ring_max * 2;
    struct message *ring = arena_alloc(self->arena, ARENA_HOST, max * sizeof ring[0]);
    uint64_t *numbers = arena_alloc(self->arena, ARENA_HOST, max * sizeof numbers[0]);
    for (uint32_t i = 0; i < self->ring_count; i++) {
        uint32_t from = (self->ring_head + i) & (self->ring_max - 1);
        ring[i] = self->ring[from];
        numbers[i] = self->ring_numbers[from];
    }
    arena_release(self->arena, self->ring);
    arena_release(self->arena, self->ring_numbers);
    self->ring = ring;
    self->ring_numbers = numbers;
    self->ring_head = 0;
    self->ring_max = max;
}
