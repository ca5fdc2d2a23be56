#pragma once
/*
 * clock.h - virtual time: what happens next.
 *
 * Three places, one total order (time, class, insertion number):
 *   tree   each machine's first deadline, in a winner tree; one leaf more for the fault plan
 *   heap   messages in flight, and what the host itself has to do; bodies in a slab
 *   ring   posts without delay: all are due at `now`, in the order of their numbers
 * Time moves only when the ring is empty. Cost of the tree: log2(nodes); of the rest, nothing
 * that depends on the number of nodes.
 */
#include "core/arena.h"
#include "core/assert.h"
#include "core/message.h"
#include "kernel/heap.h"

struct clock {
    tstamp now;
    uint64_t next_number; /* insertion numbers of the world, from 1 */
    struct event_heap heap;
    struct message *bodies; /* slab; slot from the key */
    uint32_t *free_slots;   /* stack */
    uint32_t free_count, slot_count, slot_max;
    struct message *ring;   /* ring_max is a power of two */
    uint64_t *ring_numbers; /* of each post */
    uint32_t ring_head, ring_count, ring_max;
    struct event_key *tree; /* [1, 2 x leaf_max); leaves from leaf_max */
    uint32_t leaf_max;
    struct arena *arena;
    void *heap_block; /* what heap.nodes lies in */
};

/* leaf_count: machines, and one for the plan. All memory: arena, owner ARENA_HOST. */
void clock_init(struct clock *self, struct arena *arena, uint32_t leaf_count);
void clock_grow_heap(struct clock *self);
void clock_grow_slab(struct clock *self);
void clock_grow_ring(struct clock *self);

static inline uint64_t clock_number(struct clock *self)
{
    return self->next_number++;
}

/* A place in the slab, not zeroed, due at `at`. Valid until the next call. */
static inline struct message *clock_push(struct clock *self, tstamp at, enum event_class class)
{
    if (__builtin_expect(event_heap_is_full(&self->heap), 0))
        clock_grow_heap(self);
    if (__builtin_expect(self->free_count == 0 && self->slot_count == self->slot_max, 0))
        clock_grow_slab(self);
    uint32_t slot =
        self->free_count != 0 ? self->free_slots[--self->free_count] : self->slot_count++;
    event_heap_push(&self->heap, event_key_make(at, class, clock_number(self), slot));
    return &self->bodies[slot];
}

/* Take the first of the heap out; its body stays until clock_free_slot. */
static inline void clock_pop(struct clock *self)
{
    event_heap_pop(&self->heap);
}
static inline void clock_free_slot(struct clock *self, uint32_t slot)
{
    self->free_slots[self->free_count++] = slot;
}

/* A place at the end of the ring, due now. Valid until the next call. */
static inline struct message *clock_post(struct clock *self)
{
    if (__builtin_expect(self->ring_count == self->ring_max, 0))
        clock_grow_ring(self);
    uint32_t at = (self->ring_head + self->ring_count++) & (self->ring_max - 1);
    self->ring_numbers[at] = clock_number(self);
    return &self->ring[at];
}
static inline void clock_ring_pop(struct clock *self)
{
    self->ring_head = (self->ring_head + 1) & (self->ring_max - 1);
    self->ring_count--;
}
/* Is something of the heap due before the first post of the ring? */
static inline bool clock_heap_is_before_ring(const struct clock *self)
{
    struct event_key first = event_heap_first(&self->heap);
    if (__builtin_expect(first.at != self->now, 1))
        return false;
    uint64_t number = self->ring_numbers[self->ring_head];
    return first.order < event_key_make(self->now, CLASS_MESSAGE, number, 0).order;
}

/* The least of all deadlines. */
static inline struct event_key clock_first_leaf(const struct clock *self)
{
    return self->tree[1];
}
static inline struct event_key clock_leaf(const struct clock *self, uint32_t leaf)
{
    return self->tree[self->leaf_max + leaf];
}
static inline void clock_set_leaf(struct clock *self, uint32_t leaf, struct event_key key)
{
    struct event_key *tree = self->tree;
    size_t i = self->leaf_max + leaf;
    tree[i] = key;
    while (i > 1) {
        size_t best = i ^ (size_t)event_key_before(tree[i ^ 1], tree[i]);
        struct event_key won = tree[best];
        i /= 2;
        if (tree[i].at == won.at && tree[i].order == won.order)
            return;
        tree[i] = won;
    }
}
