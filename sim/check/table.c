/*
 * table.c - open addressing with removal by shifting back, so that there are no tombstones.
 */
#include "check/table.h"
#include "core/assert.h"
#include "core/draw.h"
#include <string.h>

#define TABLE_SLOTS_FIRST 64u
#define TABLE_ITEMS_FIRST 32u

struct item { /* in front of each payload */
    uint64_t a, b;
    uint32_t free_next; /* index + 1 */
    uint32_t is_used;
    uint64_t spare; /* keeps payloads aligned to 16 bytes */
};

static uint32_t table_hash(uint64_t a, uint64_t b)
{
    return (uint32_t)draw_mix(a, b);
}

static struct item *table_item(const struct table *self, uint32_t index)
{
    return (struct item *)(void *)(self->items + (size_t)index * self->stride);
}

void table_init(struct table *self, struct arena *arena, size_t item_size)
{
    ASSERT_OP(item_size, >, 0);
    *self = (struct table){
        .arena = arena,
        .slot_count = TABLE_SLOTS_FIRST,
        .stride = (uint32_t)(sizeof(struct item) + (item_size + 15) / 16 * 16),
        .item_max = TABLE_ITEMS_FIRST,
    };
    self->slots = arena_alloc(arena, ARENA_HOST, self->slot_count * sizeof *self->slots);
    self->items = arena_alloc(arena, ARENA_HOST, (size_t)self->item_max * self->stride);
}

/* The slot that holds the pair, or the empty one where it would be. */
static uint32_t table_slot(const struct table *self, uint64_t a, uint64_t b, uint32_t hash)
{
    uint32_t mask = self->slot_count - 1, at = hash & mask;
    while (self->slots[at] != 0) {
        uint64_t slot = self->slots[at];
        if ((uint32_t)(slot >> 32) == hash) {
            const struct item *item = table_item(self, (uint32_t)slot - 1);
            if (item->a == a && item->b == b)
                return at;
        }
        at = (at + 1) & mask;
    }
    return at;
}

void *table_find(const struct table *self, uint64_t a, uint64_t b)
{
    uint64_t slot = self->slots[table_slot(self, a, b, table_hash(a, b))];
    return slot == 0 ? NULL : table_item(self, (uint32_t)slot - 1) + 1;
}

static void table_grow_slots(struct table *self)
{
    uint64_t *old = self->slots;
    uint32_t old_count = self->slot_count;
    self->slot_count = old_count * 2;
    self->slots = arena_alloc(self->arena, ARENA_HOST, self->slot_count * sizeof *self->slots);
    for (uint32_t i = 0; i < old_count; i++) {
        if (old[i] == 0)
            continue;
        uint32_t at = (uint32_t)(old[i] >> 32) & (self->slot_count - 1);
        while (self->slots[at] != 0)
            at = (at + 1) & (self->slot_count - 1);
        self->slots[at] = old[i];
    }
    arena_release(self->arena, old);
}

static uint32_t table_take(struct table *self)
{
    if (self->free_first != 0) {
        uint32_t index = self->free_first - 1;
        self->free_first = table_item(self, index)->free_next;
        return index;
    }
    if (self->item_used == self->item_max) {
        self->item_max *= 2;
        self->items = arena_grow(self->arena, ARENA_HOST, self->items,
                                 (size_t)self->item_max * self->stride);
    }
    return self->item_used++;
}

void *table_add(struct table *self, uint64_t a, uint64_t b)
{
    if ((self->count + 1) * 2 > self->slot_count)
        table_grow_slots(self);
    uint32_t hash = table_hash(a, b), at = table_slot(self, a, b, hash);
    ASSERT_OP(self->slots[at], ==, 0);
    uint32_t index = table_take(self);
    struct item *item = table_item(self, index);
    memset(item, 0, self->stride);
    item->a = a;
    item->b = b;
    item->is_used = 1;
    self->slots[at] = (uint64_t)hash << 32 | (index + 1);
    self->count++;
    return item + 1;
}

void table_remove(struct table *self, uint64_t a, uint64_t b)
{
    uint32_t mask = self->slot_count - 1, hole = table_slot(self, a, b, table_hash(a, b));
    ASSERT_OP(self->slots[hole], !=, 0);
    uint32_t index = (uint32_t)self->slots[hole] - 1;
    struct item *item = table_item(self, index);
    item->is_used = 0;
    item->free_next = self->free_first;
    self->free_first = index + 1;
    self->count--;
    for (uint32_t at = (hole + 1) & mask; self->slots[at] != 0; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)(self->slots[at] >> 32) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            self->slots[hole] = self->slots[at];
            hole = at;
        }
    }
    self->slots[hole] = 0;
}

void *table_at(const struct table *self, uint32_t index)
{
    ASSERT_OP(index, <, self->item_used);
    struct item *item = table_item(self, index);
    return item->is_used ? item + 1 : NULL;
}

void table_name(const struct table *self, uint32_t index, uint64_t *ret_a, uint64_t *ret_b)
{
    const struct item *item = table_item(self, index);
    ASSERT(item->is_used != 0);
    *ret_a = item->a;
    *ret_b = item->b;
}
