#pragma once
/*
 * table.h - a map from two words to items of one size, in the arena (owner ARENA_HOST).
 *
 * Open addressing over a slab. Items keep their index until removed, freed indexes are used
 * again last in, first out, so a walk over the slab depends on the records alone, never on
 * addresses or hashes. table_add may move all items: hold no pointer over it.
 */
#include "core/arena.h"
#include <stdbool.h>

struct table {
    struct arena *arena;
    uint64_t *slots;     /* upper half: hash; lower half: index of the item + 1 */
    uint32_t slot_count; /* power of two */
    char *items;
    uint32_t stride;
    uint32_t item_max, item_used; /* room; indexes ever used */
    uint32_t free_first;          /* index + 1 */
    uint32_t count;
};

void table_init(struct table *self, struct arena *arena, size_t item_size);
void *table_find(const struct table *self, uint64_t a, uint64_t b); /* NULL: not there */
void *table_add(struct table *self, uint64_t a, uint64_t b); /* zeroed; asserts: not there */
void table_remove(struct table *self, uint64_t a, uint64_t b);
/* Walk: for (i = 0; i < table->item_used; i++) if ((item = table_at(table, i)) != NULL) ... */
void *table_at(const struct table *self, uint32_t index);
/* The two words of an item that is there. */
void table_name(const struct table *self, uint32_t index, uint64_t *ret_a, uint64_t *ret_b);
