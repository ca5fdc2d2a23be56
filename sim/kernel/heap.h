#pragma once
/*
 * heap.h - a 4-ary min heap of 16-byte nodes, and the order of everything that happens.
 *
 * A node's order is class | insertion number | slot: (time, class, number) decides, the slot
 * rides along. The four children of a node share a cache line, are padded with "never", and
 * the least of them is chosen without a branch. Root at index 3; children of i from 4i - 8.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/tstamp.h"

#define KEY_SLOT_BITS 22u
#define KEY_NUMBER_BITS 40u
#define KEY_SLOT_MAX ((UINT32_C(1) << KEY_SLOT_BITS) - 1)
#define KEY_NUMBER_MAX ((UINT64_C(1) << KEY_NUMBER_BITS) - 1)

/* Order among events of one instant. */
enum event_class { CLASS_CRASH, CLASS_LINK, CLASS_MESSAGE, CLASS_WAKE };

struct event_key {
    uint64_t at;
    uint64_t order;
};

#define EVENT_KEY_NEVER ((struct event_key){.at = TSTAMP_NEVER, .order = UINT64_MAX})

static inline struct event_key event_key_make(tstamp at, enum event_class class,
                                              uint64_t number, uint32_t slot)
{
    return (struct event_key){.at = at,
                              .order = (uint64_t) class << 62 | number << KEY_SLOT_BITS | slot};
}
static inline enum event_class event_key_class(struct event_key key)
{
    return (enum event_class)(key.order >> 62);
}
static inline uint32_t event_key_slot(struct event_key key)
{
    return (uint32_t)key.order & KEY_SLOT_MAX;
}
static inline uint64_t event_key_number(struct event_key key)
{
    return key.order >> KEY_SLOT_BITS & KEY_NUMBER_MAX;
}
static inline bool event_key_before(struct event_key a, struct event_key b)
{
    unsigned __int128 left = (unsigned __int128)a.at << 64 | a.order;
    unsigned __int128 right = (unsigned __int128)b.at << 64 | b.order;
    return left < right;
}

#define HEAP_ROOT 3u

struct event_heap {
    struct event_key *nodes; /* aligned to 64 bytes; [HEAP_ROOT, end) */
    size_t end, max;         /* max: nodes with room for the padding */
};

/* Nodes that a buffer of `count` elements needs, padding included. */
#define HEAP_NODES(count) (((size_t)(count) + HEAP_ROOT + 7) / 4 * 4)

/* nodes: 64-byte aligned room for `max` (from HEAP_NODES). */
static inline void event_heap_init(struct event_heap *self, struct event_key *nodes, size_t max)
{
    *self = (struct event_heap){.nodes = nodes, .end = HEAP_ROOT, .max = max};
    for (size_t i = 0; i < max; i++)
        nodes[i] = EVENT_KEY_NEVER;
}
static inline size_t event_heap_count(const struct event_heap *self)
{
    return self->end - HEAP_ROOT;
}
static inline bool event_heap_is_full(const struct event_heap *self)
{
    return self->end + 4 >= self->max;
}
/* EVENT_KEY_NEVER when empty. */
static inline struct event_key event_heap_first(const struct event_heap *self)
{
    return self->nodes[HEAP_ROOT];
}

/* The caller has made sure of room. */
static inline void event_heap_push(struct event_heap *self, struct event_key key)
{
    struct event_key *nodes = self->nodes;
    size_t i = self->end++;
    while (i > HEAP_ROOT) {
        size_t parent = i / 4 + 2;
        if (!event_key_before(key, nodes[parent]))
            break;
        nodes[i] = nodes[parent];
        i = parent;
    }
    nodes[i] = key;
}

/* Take the first out; the heap is not empty. */
static inline void event_heap_pop(struct event_heap *self)
{
    struct event_key *nodes = self->nodes;
    size_t end = --self->end, i = HEAP_ROOT;
    struct event_key last = nodes[end];
    nodes[end] = EVENT_KEY_NEVER;
    if (end == HEAP_ROOT)
        return;
    for (;;) {
        size_t first = i * 4 - 8;
        if (first >= end)
            break;
        size_t low = first + event_key_before(nodes[first + 1], nodes[first]);
        size_t high = first + 2 + event_key_before(nodes[first + 3], nodes[first + 2]);
        size_t step = (high - low) & -(size_t)event_key_before(nodes[high], nodes[low]);
        size_t best = low + step;
        if (!event_key_before(nodes[best], last))
            break;
        nodes[i] = nodes[best];
        i = best;
    }
    nodes[i] = last;
}
