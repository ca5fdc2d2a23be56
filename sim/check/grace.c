/*
 * grace.c - a ring that grows.
 */
#include "check/grace.h"
#include "core/assert.h"

#define GRACE_FIRST 32u

void grace_init(struct grace *self, struct arena *arena, duration length)
{
    *self = (struct grace){.arena = arena, .length = length};
}

void grace_add(struct grace *self, tstamp since, uint64_t name, uint64_t seq)
{
    if (self->count == self->max) {
        uint32_t max = self->max == 0 ? GRACE_FIRST : self->max * 2;
        struct grace_item *ring = arena_alloc(self->arena, ARENA_HOST, max * sizeof *ring);
        for (uint32_t i = 0; i < self->count; i++)
            ring[i] = self->ring[(self->head + i) & (self->max - 1)];
        arena_release(self->arena, self->ring);
        self->ring = ring;
        self->head = 0;
        self->max = max;
    }
    uint32_t last = (self->head + self->count - 1) & (self->max - 1);
    ASSERT(self->count == 0 || self->ring[last].since <= since);
    self->ring[(self->head + self->count++) & (self->max - 1)] =
        (struct grace_item){.since = since, .name = name, .seq = seq};
}

tstamp grace_due(const struct grace *self)
{
    return self->count == 0 ? TSTAMP_NEVER
                            : tstamp_add(self->ring[self->head].since, self->length);
}

bool grace_take(struct grace *self, tstamp now, struct grace_item *ret_item)
{
    if (grace_due(self) >= now)
        return false;
    *ret_item = self->ring[self->head];
    self->head = (self->head + 1) & (self->max - 1);
    self->count--;
    return true;
}
