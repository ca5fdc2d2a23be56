#pragma once
/*
 * slab.h - a table of equal elements that come and go: addresses stay, closed ones are used
 * again, and an element's number tells it from its predecessors in the same slot.
 *
 * An element begins with a struct slab_item. The table grows by chunks and never shrinks: it
 * is as large as the most that was ever open at once.
 */
#include <stdbool.h>
#include "core/arena.h"

struct slab_item {
    uint32_t slot, generation;
    uint32_t next_unused; /* 1-based */
    uint32_t is_open;
};

struct slab {
    struct arena *arena;
    uint32_t owner;
    uint32_t element_size;
    void **chunks;
    uint32_t chunk_count, chunk_max;
    uint32_t unused; /* 1-based list of closed slots, the last closed first */
    uint32_t open_count;
};

void slab_init(struct slab *self, struct arena *arena, uint32_t owner, uint32_t element_size);
/* A zeroed element; asserts fewer than 2^20 open ones. */
void *slab_open(struct slab *self);
void slab_close(struct slab *self, void *element);

/* Slots in use or not: the bound of a walk over all, in an order that repeats. */
uint32_t slab_slots(const struct slab *self);
/* The open element in this slot, or NULL. */
void *slab_at(const struct slab *self, uint32_t slot);

/* Never 0: 20 bits of slot, 12 of generation. Fits a `corr`. */
uint32_t slab_number(const void *element);
/* The open element of this number, or NULL: there is none any more. */
void *slab_find(const struct slab *self, uint32_t number);
