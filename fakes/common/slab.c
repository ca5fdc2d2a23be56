/*
 * slab.c - see slab.h.
 */
#include "common/slab.h"
#include <string.h>
#include "core/assert.h"

#define CHUNK 64u
#define CHUNKS_FIRST 4u
#define SLOT_BITS 20u
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

void slab_init(struct slab *self, struct arena *arena, uint32_t owner, uint32_t element_size)
{
    ASSERT_OP(element_size, >=, sizeof(struct slab_item));
    *self = (struct slab){.arena = arena, .owner = owner, .element_size = element_size};
}

static struct slab_item *item_at(const struct slab *self, uint32_t slot)
{
    char *chunk = self->chunks[slot / CHUNK];
    return (struct slab_item *)(void *)(chunk + (size_t)(slot % CHUNK) * self->element_size);
}

static void chunk_add(struct slab *self)
{
    uint32_t first = self->chunk_count * CHUNK;
    ASSERT_OP(first + CHUNK, <, SLOT_MASK);
    if (self->chunk_count == self->chunk_max) {
        self->chunk_max = self->chunk_max == 0 ? CHUNKS_FIRST : self->chunk_max * 2;
        self->chunks = arena_grow(self->arena, self->owner, self->chunks,
                                  self->chunk_max * sizeof self->chunks[0]);
    }
    self->chunks[self->chunk_count++] =
        arena_alloc(self->arena, self->owner, (size_t)CHUNK * self->element_size);
    for (uint32_t slot = first + CHUNK; slot-- > first;) {
        *item_at(self, slot) = (struct slab_item){.slot = slot, .next_unused = self->unused};
        self->unused = slot + 1;
    }
}

void *slab_open(struct slab *self)
{
    if (self->unused == 0)
        chunk_add(self);
    struct slab_item *item = item_at(self, self->unused - 1);
    struct slab_item header = {
        .slot = item->slot, .generation = item->generation + 1, .is_open = 1};
    ASSERT(!item->is_open);
    self->unused = item->next_unused;
    self->open_count++;
    memset(item, 0, self->element_size);
    *item = header;
    return item;
}

void slab_close(struct slab *self, void *element)
{
    struct slab_item *item = element;
    ASSERT(item->is_open);
    ASSERT_OP(self->open_count, >, 0);
    item->is_open = 0;
    item->next_unused = self->unused;
    self->unused = item->slot + 1;
    self->open_count--;
}

uint32_t slab_slots(const struct slab *self)
{
    return self->chunk_count * CHUNK;
}

void *slab_at(const struct slab *self, uint32_t slot)
{
    ASSERT_OP(slot, <, slab_slots(self));
    struct slab_item *item = item_at(self, slot);
    return item->is_open ? item : NULL;
}

uint32_t slab_number(const void *element)
{
    const struct slab_item *item = element;
    return item->generation << SLOT_BITS | (item->slot + 1);
}

void *slab_find(const struct slab *self, uint32_t number)
{
    uint32_t slot = (number & SLOT_MASK) - 1; /* of number 0: past the end */
    if (slot >= slab_slots(self))
        return NULL;
    struct slab_item *item = item_at(self, slot);
    return item->is_open && slab_number(item) == number ? item : NULL;
}
