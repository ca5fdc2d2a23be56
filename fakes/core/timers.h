#pragma once
/*
 * timers.h - the deadlines of one machine.
 *
 * Fixed durations: one list per duration (append, unlink, head is next), since equal lengths
 * expire in the order they were armed. Drawn lengths: one small 4-ary heap with a tie-break.
 * A struct timer lies inside its owner at a stable address (own arena block, or a machine's
 * struct). Removal is real; nothing is cancelled by generation.
 */
#include <stdbool.h>
#include <stdint.h>
#include "core/effects.h"

struct wakeup {
    tstamp at;       /* TSTAMP_NEVER: none */
    uint64_t number; /* insertion number: order among equal times */
};

struct timer {
    tstamp at;
    uint64_t number;
    struct timer *next, *prev; /* list */
    uint32_t heap_index;       /* its ticket in the heap; 0: not in the heap */
    uint16_t list;             /* 1-based; 0: not in a list */
    uint16_t kind;             /* the machine's own: what is due */
    actor_id actor;            /* whose turn it is */
    uint32_t arg;
};

#define TIMERS_LISTS_MAX 24
struct timers {
    struct timer_list {
        duration length;
        struct timer *head, *tail;
    } lists[TIMERS_LISTS_MAX];
    uint32_t list_count;
    /* The heap's nodes are small and compared without a look at the timers. */
    struct timer_node {
        tstamp at;
        uint64_t order; /* number and ticket */
    } * heap;
    uint32_t
        *positions; /* by ticket, from 1: in the heap; of a free ticket the next free one */
    struct timer **tickets;
    uint32_t heap_count, heap_max; /* all three arrays: arena blocks of the node, grown */
    uint32_t ticket_count, ticket_free;
    struct arena *arena;
    uint32_t owner;
    struct timer *first;        /* kept by arm, cancel and pop; NULL: none */
    struct wakeup first_wakeup; /* of it */
};

void timers_init(struct timers *self, struct arena *arena, node_id owner);

/*
 * Arm (or re-arm) a timer to fire `length` from now. Set kind, actor and arg beforehand.
 * `fixed` true: a length from configuration or a constant (a list); false: a drawn one (heap).
 * With more than TIMERS_LISTS_MAX different fixed lengths the heap is used; order is the same.
 */
void timers_arm(struct timers *self, struct effects *fx, struct timer *timer, duration length,
                bool fixed);
void timers_cancel(struct timers *self, struct timer *timer); /* idle: nothing */
static inline bool timer_is_armed(const struct timer *timer)
{
    return timer->list != 0 || timer->heap_index != 0;
}
/* The first deadline by (at, number). */
static inline struct wakeup timers_first(const struct timers *self)
{
    if (self->first == NULL)
        return (struct wakeup){.at = TSTAMP_NEVER, .number = 0};
    return self->first_wakeup;
}
/* Take the first timer out; asserts that it is due at `now`. Call once per EVENT_WAKE.
 * Cost: number of lists. */
struct timer *timers_pop(struct timers *self, tstamp now);
