/*
 * scheduler_slots.c - blocks that are used again, by reference.
 */
#include "scheduler/scheduler_internal.h"
#include <string.h>

#define SLOTS_FIRST 16u
#define SLOTS_MAX 65536u

static void slots_grow(struct slots *self, const struct machine_env *env)
{
    uint32_t max = self->max == 0 ? SLOTS_FIRST : self->max * 2;
    ASSERT_OP(max, <=, SLOTS_MAX);
    self->items = arena_grow(env->arena, env->node, self->items, max * sizeof *self->items);
    self->generations =
        arena_grow(env->arena, env->node, self->generations, max * sizeof *self->generations);
    self->free = arena_grow(env->arena, env->node, self->free, max * sizeof *self->free);
    self->used = arena_grow(env->arena, env->node, self->used, max);
    self->max = max;
}

void *slots_take(struct slots *self, const struct machine_env *env, uint32_t *ret_ref)
{
    uint32_t index;
    ASSERT_OP(self->item_size, >, 0);
    if (self->free_count > 0) {
        index = self->free[--self->free_count];
        memset(self->items[index], 0, self->item_size);
    } else {
        if (self->count == SLOTS_MAX)
            return NULL;
        if (self->count == self->max)
            slots_grow(self, env);
        index = self->count++;
        self->items[index] = arena_alloc(env->arena, env->node, self->item_size);
    }
    ASSERT(!self->used[index]);
    self->used[index] = 1;
    *ret_ref = ACTOR(0, self->generations[index], index);
    return self->items[index];
}

void *slots_get(const struct slots *self, uint32_t ref)
{
    uint32_t index = ACTOR_INDEX(ref);
    if (index >= self->count || !self->used[index] ||
        self->generations[index] != ACTOR_GENERATION(ref))
        return NULL;
    return self->items[index];
}

void slots_release(struct slots *self, uint32_t ref)
{
    uint32_t index = ACTOR_INDEX(ref);
    ASSERT(slots_get(self, ref) != NULL);
    self->used[index] = 0;
    self->generations[index] = (self->generations[index] + 1) & 0x3ffu;
    self->free[self->free_count++] = index;
    ASSERT_OP(self->free_count, <=, self->count);
}
