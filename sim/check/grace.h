#pragma once
/*
 * grace.h - states of things that may last for a while: one list per length, in the order in
 * which they began, so that the next to pass is the first. What ended in time stays in the
 * list until its turn; the caller knows it by the record that began it.
 */
#include "core/arena.h"
#include "core/tstamp.h"
#include <stdbool.h>

struct grace_item {
    tstamp since;
    uint64_t name; /* of the thing (ledger_thing) */
    uint64_t seq;  /* of the record that began it */
};
struct grace {
    struct arena *arena;
    duration length;
    struct grace_item *ring; /* arena block */
    uint32_t head, count, max;
};

void grace_init(struct grace *self, struct arena *arena, duration length);
void grace_add(struct grace *self, tstamp since, uint64_t name, uint64_t seq);
tstamp grace_due(const struct grace *self); /* TSTAMP_NEVER: empty */
/* Take the first out when its time has passed before `now`. */
bool grace_take(struct grace *self, tstamp now, struct grace_item *ret_item);
