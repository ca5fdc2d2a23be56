/*
 * shared_set.c - a sorted set of ids in three forms; see the header.
 */
#include "core/shared_set.h"
#include "core/assert.h"
#include <string.h>

#define SET_FIRST 8u

void shared_set_init(struct shared_set *self, const struct machine_env *env,
                     struct timers *timers, actor_id actor, uint16_t timer_kind,
                     enum set_form form, bool is_containers, action_id action, uint64_t entity)
{
    *self = (struct shared_set){.env = env,
                                .timers = timers,
                                .actor = actor,
                                .timer_kind = timer_kind,
                                .form = (uint8_t)form,
                                .is_containers = is_containers,
                                .action = action,
                                .entity = entity};
}

void shared_set_release(struct shared_set *self)
{
    while (self->first_open != NULL) {
        struct set_change *change = self->first_open;
        self->first_open = change->next;
        timers_cancel(self->timers, &change->timer);
        arena_release(self->env->arena, change->loaded);
        arena_release(self->env->arena, change);
    }
    arena_release(self->env->arena, self->items);
    arena_release(self->env->arena, self->versions);
    self->items = NULL;
    self->versions = NULL;
    self->count = self->max = self->version_count = self->version_max = self->open = 0;
}

/* Index of the first id that is not below. */
static uint32_t items_find(const struct set_item *items, uint32_t count, uint32_t id)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (items[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool items_have(const struct set_item *items, uint32_t count, uint32_t id)
{
    uint32_t at = items_find(items, count, id);
    return at < count && items[at].id == id;
}

/* Apply one change to a sorted array with room for one more; returns the new count. */
static uint32_t items_change(struct set_item *items, uint32_t count, uint32_t id, bool add,
                             uint32_t since)
{
    uint32_t at = items_find(items, count, id);
    if (items_have(items, count, id) == add)
        return count;
    if (add) {
        memmove(items + at + 1, items + at, (count - at) * sizeof *items);
        items[at] = (struct set_item){.id = id, .since = since};
        return count + 1;
    }
    memmove(items + at, items + at + 1, (count - at - 1) * sizeof *items);
    return count - 1;
}

static void set_reserve(struct shared_set *self, uint32_t count)
{
    if (count <= self->max)
        return;
    uint32_t max = self->max == 0 ? SET_FIRST : self->max * 2;
    while (max < count)
        max *= 2;
    self->items =
        arena_grow(self->env->arena, self->env->node, self->items, max * sizeof *self->items);
    self->max = max;
}

static struct record *set_record(const struct shared_set *self, struct effects *fx,
                                 enum set_step step, uint32_t id, bool add, uint32_t size)
{
    struct record *r = effects_record(fx, RECORD_SET_CHANGED, self->actor);
    r->detail = (uint8_t)step;
    r->action = self->action;
    if (self->is_containers)
        r->container = id;
    else
        r->creation = id;
    r->value = size;
    r->value2 = add ? SET_IS_ADD : 0;
    return r;
}

/* What a reader on another thread finds from `seen_at` on: an older version that would be seen
 * only later is never seen at all. */
static void set_remember(struct shared_set *self, tstamp at, tstamp seen_at)
{
    while (self->version_count > 0 &&
           self->versions[self->version_count - 1].seen_at >= seen_at)
        self->version_count--;
    uint32_t past = 0;
    while (past + 1 < self->version_count && self->versions[past + 1].seen_at <= at)
        past++;
    self->version_count -= past;
    if (past > 0)
        memmove(self->versions, self->versions + past,
                self->version_count * sizeof *self->versions);
    if (self->version_count == self->version_max) {
        self->version_max = self->version_max == 0 ? SET_FIRST : self->version_max * 2;
        self->versions = arena_grow(self->env->arena, self->env->node, self->versions,
                                    self->version_max * sizeof *self->versions);
    }
    self->versions[self->version_count++] =
        (struct set_version){.seen_at = seen_at, .count = self->count};
}

/* Load: copy the set and let the store come later. */
static void set_load(struct shared_set *self, struct effects *fx, uint32_t id, bool add)
{
    struct arena *arena = self->env->arena;
    struct set_change *change = arena_alloc(arena, self->env->node, sizeof *change);
    change->loaded =
        arena_alloc(arena, self->env->node, (self->count + 1) * sizeof *change->loaded);
    if (self->count > 0)
        memcpy(change->loaded, self->items, self->count * sizeof *self->items);
    change->loaded_count = self->count;
    change->set = self;
    change->id = id;
    change->stores = self->stores;
    change->add = add;
    uint32_t turn = fx->cause;
    if (self->open > 0)
        fx->cause = self->last_record;
    self->last_record = (uint32_t)set_record(self, fx, SET_LOAD, id, add, self->count)->seq;
    fx->cause = turn;
    change->next = self->first_open;
    self->first_open = change;
    self->open++;
    change->timer.kind = self->timer_kind;
    change->timer.actor = self->actor;
    duration window =
        draw_range(self->env->draws, PURPOSE_SET_WINDOW, self->entity, self->changes++,
                   self->env->cluster->timing[TIMING_SET_WINDOW]);
    timers_arm(self->timers, fx, &change->timer, window, false);
}

/* The owner's change is made; when it is seen elsewhere is drawn. */
static void set_changed_stale(struct shared_set *self, struct effects *fx)
{
    duration unseen =
        draw_octaves(self->env->draws, PURPOSE_STALE_READ, self->entity, self->changes++,
                     self->env->cluster->timing[TIMING_SET_STALENESS]);
    set_remember(self, fx->at, tstamp_add(fx->at, unseen));
}

static void set_change_by(struct shared_set *self, struct effects *fx, uint32_t id, bool add)
{
    if (self->form == SET_LOST_UPDATE) {
        set_load(self, fx, id, add);
        return;
    }
    if (items_have(self->items, self->count, id) == add)
        return;
    /* A reader must also find the size before the first change. */
    if (self->form == SET_STALE && self->version_count == 0)
        set_remember(self, fx->at, 0);
    uint32_t count = add ? self->count + 1 : self->count - 1;
    struct record *r = set_record(self, fx, add ? SET_ADD : SET_REMOVE, id, add, count);
    set_reserve(self, self->count + 1);
    self->count = items_change(self->items, self->count, id, add, (uint32_t)r->seq);
    ASSERT_OP(self->count, ==, count);
    self->last_record = (uint32_t)r->seq;
    self->last_id = id;
    self->last_add = add;
    if (self->form == SET_STALE)
        set_changed_stale(self, fx);
}

void shared_set_add(struct shared_set *self, struct effects *fx, uint32_t id)
{
    set_change_by(self, fx, id, true);
}

void shared_set_remove(struct shared_set *self, struct effects *fx, uint32_t id)
{
    set_change_by(self, fx, id, false);
}

bool shared_set_has(const struct shared_set *self, uint32_t id)
{
    return items_have(self->items, self->count, id);
}

uint32_t shared_set_count(const struct shared_set *self)
{
    return self->count;
}

/* Said once per change that is missed, not once per look. */
static void set_record_stale(struct shared_set *self, struct effects *fx, uint32_t count)
{
    if (self->stale_record != 0 && self->stale_of == self->last_record)
        return;
    uint32_t turn = fx->cause;
    fx->cause = self->last_record;
    struct record *r =
        set_record(self, fx, SET_READ_STALE, self->last_id, self->last_add, count);
    r->value2 |= (uint64_t)self->count << SET_MORE_SHIFT;
    self->stale_record = (uint32_t)r->seq;
    self->stale_of = self->last_record;
    fx->cause = turn;
}

uint32_t shared_set_count_elsewhere(struct shared_set *self, struct effects *fx)
{
    if (self->form != SET_STALE || self->version_count == 0)
        return self->count;
    uint32_t i = self->version_count - 1;
    while (i > 0 && self->versions[i].seen_at > fx->at)
        i--;
    uint32_t count = self->versions[i].count;
    if (count != self->count)
        set_record_stale(self, fx, count);
    else
        self->stale_record = 0;
    return count;
}

uint32_t shared_set_why(const struct shared_set *self)
{
    if (self->stale_record != 0)
        return self->stale_record;
    uint32_t why = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        if (why == 0 || self->items[i].since < why)
            why = self->items[i].since;
    }
    return why;
}

static void set_forget_change(struct shared_set *self, struct set_change *change)
{
    struct set_change **link = &self->first_open;
    while (*link != change) {
        ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = change->next;
    ASSERT_OP(self->open, >, 0);
    self->open--;
}

/* What was in the set until now keeps its record; the rest came in, or came back, with this. */
static void set_mark_items(const struct shared_set *self, struct set_item *items,
                           uint32_t count, uint32_t since)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = items_find(self->items, self->count, items[i].id);
        bool was_in = at < self->count && self->items[at].id == items[i].id;
        items[i].since = was_in ? self->items[at].since : since;
    }
}

/* An id of one but not of the other, apart from the one that is meant; 0: none. */
static uint32_t items_odd_one(const struct set_item *one, uint32_t one_count,
                              const struct set_item *other, uint32_t other_count,
                              uint32_t meant)
{
    for (uint32_t i = 0; i < one_count; i++) {
        if (one[i].id != meant && !items_have(other, other_count, one[i].id))
            return one[i].id;
    }
    return 0;
}

static void set_record_store(struct shared_set *self, struct effects *fx,
                             const struct set_change *change, uint32_t count)
{
    fx->cause = self->last_record;
    struct record *r = set_record(self, fx, SET_STORE, change->id, change->add, count);
    r->value2 |= (uint64_t)(self->stores - change->stores) << SET_MORE_SHIFT;
    uint32_t back = items_odd_one(change->loaded, count, self->items, self->count, change->id);
    uint32_t lost = items_odd_one(self->items, self->count, change->loaded, count, change->id);
    if (back != 0)
        r->value2 |= (uint64_t)back << 32 | SET_IS_BACK;
    else
        r->value2 |= (uint64_t)lost << 32;
    self->last_record = (uint32_t)r->seq;
}

void shared_set_store(struct effects *fx, struct timer *timer)
{
    struct set_change *change = (struct set_change *)(void *)timer;
    struct shared_set *self = change->set;
    ASSERT_OP(self->form, ==, SET_LOST_UPDATE);
    uint32_t count =
        items_change(change->loaded, change->loaded_count, change->id, change->add, 0);
    set_record_store(self, fx, change, count);
    self->stores++;
    set_mark_items(self, change->loaded, count, self->last_record);
    set_reserve(self, count);
    if (count > 0)
        memcpy(self->items, change->loaded, count * sizeof *self->items);
    self->count = count;
    set_forget_change(self, change);
    arena_release(self->env->arena, change->loaded);
    arena_release(self->env->arena, change);
}

void shared_set_digest(const struct shared_set *self, struct digest *d)
{
    for (uint32_t i = 0; i < self->count; i++)
        digest_word(d, self->items[i].id);
    for (uint32_t i = 0; i < self->version_count; i++)
        digest_two(d, self->versions[i].seen_at, self->versions[i].count);
    for (const struct set_change *change = self->first_open; change != NULL;
         change = change->next)
        digest_two(d, (uint64_t)change->id << 1 | change->add, change->loaded_count);
}
