#pragma once
/*
 * scheduler_slots.h - tables of blocks by reference.
 */
#include "core/assert.h"
#include "core/machine.h"

/* Blocks that are used again and again, so that no activation allots one. An item's address
 * stays; its reference is generation and index as in an actor_id. */
struct slots {
    uint32_t item_size;
    uint32_t count, max, free_count;
    void **items;
    uint32_t *generations, *free;
    uint8_t *used;
};

/* Zeroed item, or NULL when all 65536 are used; ret_ref: ACTOR(0, generation, index). */
void *slots_take(struct slots *self, const struct machine_env *env, uint32_t *ret_ref);
void *slots_get(const struct slots *self, uint32_t ref); /* NULL: another generation */
void slots_release(struct slots *self, uint32_t ref);
static inline void *slots_at(const struct slots *self, uint32_t index) /* NULL: unused */
{
    return self->used[index] ? self->items[index] : NULL;
}
#define SLOT_REF(actor) ((actor)&0x03ffffffu)
#define SLOT_ACTOR(kind, ref) ((actor_id)((uint32_t)(kind) << 26 | (ref)))
