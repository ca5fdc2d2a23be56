/*
 * timers.c - see timers.h.
 */
#include "core/timers.h"

#include "core/arena.h"
#include "core/assert.h"

#define HEAP_FIRST 16u
#define HEAP_ARITY 4u
#define HEAP_NEVER ((struct timer_node){.at = TSTAMP_NEVER, .order = UINT64_MAX})
#define TICKET_BITS 24u
#define TICKET_MAX ((UINT32_C(1) << TICKET_BITS) - 1)
#define NUMBER_MAX (UINT64_C(1) << 40)

void timers_init(struct timers *self, struct arena *arena, node_id owner)
{
    *self = (struct timers){.arena = arena, .owner = owner};
}

static bool is_due_before(const struct timer *timer, const struct wakeup *wakeup)
{
    return timer->at < wakeup->at ||
           (timer->at == wakeup->at && timer->number < wakeup->number);
}

/* As one number of 128 bits: no branch. */
static inline bool node_is_before(const struct timer_node *a, const struct timer_node *b)
{
    unsigned __int128 left = (unsigned __int128)a->at << 64 | a->order;
    unsigned __int128 right = (unsigned __int128)b->at << 64 | b->order;
    return left < right;
}

/* Where the heap's arrays are, so that the loops below keep them in registers. */
struct heap_view {
    struct timer_node *nodes; /* indices from 1: the children of i are 4i - 2 .. 4i + 1 */
    uint32_t *positions;
    size_t count;
};

static inline struct heap_view heap_view(const struct timers *self)
{
    return (struct heap_view){
        .nodes = self->heap, .positions = self->positions, .count = self->heap_count};
}

/* Each ticket knows where its node is. */
static inline void heap_set(struct heap_view view, size_t index, uint64_t at, uint64_t order)
{
    view.nodes[index - 1].at = at;
    view.nodes[index - 1].order = order;
    view.positions[order & TICKET_MAX] = (uint32_t)index;
}

static void heap_up(struct heap_view view, size_t index, struct timer_node node)
{
    while (index > 1) {
        size_t parent = (index + HEAP_ARITY - 2) / HEAP_ARITY;
        const struct timer_node *p = &view.nodes[parent - 1];
        if (!node_is_before(&node, p))
            break;
        heap_set(view, index, p->at, p->order);
        index = parent;
    }
    heap_set(view, index, node.at, node.order);
}

/* The least of four children is chosen without a branch; behind the last node lies "never". */
static void heap_down(struct heap_view view, size_t index, struct timer_node node)
{
    for (;;) {
        size_t first = index * HEAP_ARITY - (HEAP_ARITY - 2);
        if (first > view.count)
            break;
        const struct timer_node *children = &view.nodes[first - 1];
        size_t low = node_is_before(&children[1], &children[0]);
        size_t high = 2 + (size_t)node_is_before(&children[3], &children[2]);
        size_t is_high = node_is_before(&children[high], &children[low]);
        size_t best = low + ((high - low) & -is_high);
        if (!node_is_before(&children[best], &node))
            break;
        heap_set(view, index, children[best].at, children[best].order);
        index = first + best;
    }
    heap_set(view, index, node.at, node.order);
}

static void heap_grow(struct timers *self)
{
    uint32_t before = self->heap_max, max = before == 0 ? HEAP_FIRST : before * 2;
    ASSERT_OP(max, <=, TICKET_MAX);
    self->heap = arena_grow(self->arena, self->owner, self->heap, max * sizeof self->heap[0]);
    self->tickets =
        arena_grow(self->arena, self->owner, self->tickets, max * sizeof self->tickets[0]);
    self->positions =
        arena_grow(self->arena, self->owner, self->positions, max * sizeof self->positions[0]);
    for (uint32_t i = before; i < max; i++)
        self->heap[i] = HEAP_NEVER;
    self->heap_max = max;
}

static void heap_add(struct timers *self, struct timer *timer)
{
    if (self->heap_count + HEAP_ARITY > self->heap_max)
        heap_grow(self);
    uint32_t ticket = self->ticket_free;
    if (ticket != 0)
        self->ticket_free = self->positions[ticket];
    else
        ticket = ++self->ticket_count;
    self->tickets[ticket] = timer;
    timer->heap_index = ticket;
    ASSERT_OP(timer->number, <, NUMBER_MAX);
    self->heap_count++;
    heap_up(
        heap_view(self), self->heap_count,
        (struct timer_node){.at = timer->at, .order = timer->number << TICKET_BITS | ticket});
}

static void heap_remove(struct timers *self, struct timer *timer)
{
    uint32_t ticket = timer->heap_index, index = self->positions[ticket];
    ASSERT_OP(index, <=, self->heap_count);
    ASSERT(self->tickets[ticket] == timer);
    struct timer_node removed = self->heap[index - 1];
    struct timer_node last = self->heap[--self->heap_count];
    self->heap[self->heap_count] = HEAP_NEVER;
    self->positions[ticket] = self->ticket_free;
    self->ticket_free = ticket;
    timer->heap_index = 0;
    if (index > self->heap_count)
        return;
    if (node_is_before(&last, &removed)) /* from another branch of the tree */
        heap_up(heap_view(self), index, last);
    else
        heap_down(heap_view(self), index, last);
}

/* The list for this length, opened if there is room; 1-based, 0: none. */
static uint16_t list_of(struct timers *self, duration length)
{
    for (uint32_t i = 0; i < self->list_count; i++) {
        if (self->lists[i].length == length)
            return (uint16_t)(i + 1);
    }
    if (self->list_count == TIMERS_LISTS_MAX)
        return 0;
    self->lists[self->list_count++] = (struct timer_list){.length = length};
    return (uint16_t)self->list_count;
}

static void list_add(struct timer_list *list, struct timer *timer)
{
    ASSERT(list->tail == NULL || list->tail->at <= timer->at);
    timer->next = NULL;
    timer->prev = list->tail;
    if (list->tail != NULL)
        list->tail->next = timer;
    else
        list->head = timer;
    list->tail = timer;
}

static void list_remove(struct timer_list *list, struct timer *timer)
{
    if (timer->prev != NULL)
        timer->prev->next = timer->next;
    else
        list->head = timer->next;
    if (timer->next != NULL)
        timer->next->prev = timer->prev;
    else
        list->tail = timer->prev;
    timer->next = timer->prev = NULL;
}

/* Find the first again, after it was taken out. */
static void find_first(struct timers *self)
{
    self->first = NULL;
    if (self->heap_count > 0) {
        struct timer_node root = self->heap[0];
        self->first = self->tickets[root.order & TICKET_MAX];
        self->first_wakeup =
            (struct wakeup){.at = root.at, .number = root.order >> TICKET_BITS};
    }
    for (uint32_t i = 0; i < self->list_count; i++) {
        struct timer *head = self->lists[i].head;
        if (head == NULL || (self->first != NULL && !is_due_before(head, &self->first_wakeup)))
            continue;
        self->first = head;
        self->first_wakeup = (struct wakeup){.at = head->at, .number = head->number};
    }
}

void timers_arm(struct timers *self, struct effects *fx, struct timer *timer, duration length,
                bool fixed)
{
    if (timer_is_armed(timer))
        timers_cancel(self, timer);
    timer->at = tstamp_add(fx->at, length);
    timer->number = effects_number(fx);
    timer->list = fixed ? list_of(self, length) : 0;
    if (timer->list != 0)
        list_add(&self->lists[timer->list - 1], timer);
    else
        heap_add(self, timer);
    if (self->first == NULL || is_due_before(timer, &self->first_wakeup)) {
        self->first = timer;
        self->first_wakeup = (struct wakeup){.at = timer->at, .number = timer->number};
    }
}

void timers_cancel(struct timers *self, struct timer *timer)
{
    if (timer->list != 0) {
        ASSERT_OP(timer->list, <=, self->list_count);
        list_remove(&self->lists[timer->list - 1], timer);
        timer->list = 0;
    } else if (timer->heap_index != 0) {
        heap_remove(self, timer);
    }
    if (self->first == timer)
        find_first(self);
}

struct timer *timers_pop(struct timers *self, tstamp now)
{
    struct timer *first = self->first;
    ASSERT(first != NULL);
    ASSERT_OP(self->first_wakeup.at, <=, now);
    timers_cancel(self, first);
    return first;
}
