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
    arena_release(self->env->arena, self->ids);
    arena_release(self->env->arena, self->versions);
    self->ids = NULL;
    self->versions = NULL;
    self->count = self->max = self->version_count = self->version_max = self->open = 0;
}

/* Index of the first id that is not below. */
static uint32_t ids_find(const uint32_t *ids, uint32_t count, uint32_t id)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Apply one change to a sorted array with room for one more; returns the new count. */
static uint32_t ids_change(uint32_t *ids, uint32_t count, uint32_t id, bool add)
{
    uint32_t at = ids_find(ids, count, id);
    bool has = at < count && ids[at] == id;
    if (has == add)
        return count;
    if (add) {
        memmove(ids + at + 1, ids + at, (count - at) * sizeof *ids);
        ids[at] = id;
        return count + 1;
    }
    memmove(ids + at, ids + at + 1, (count - at - 1) * sizeof *ids);
    return count - 1;
}

static void set_reserve(struct shared_set *self, uint32_t count)
{
    if (count <= self->max)
        return;
    uint32_t max = self->max == 0 ? SET_FIRST : self->max * 2;
    while (max < count)
        max *= 2;
    self->ids =
        arena_grow(self->env->arena, self->env->node, self->ids, max * sizeof *self->ids);
    self->max = max;
}

static void set_record(const struct shared_set *self, struct effects *fx, enum set_step step,
                       uint32_t id, uint32_t size)
{
    struct record *r = effects_record(fx, RECORD_SET_CHANGED, self->actor);
    r->detail = (uint8_t)step;
    r->action = self->action;
    if (self->is_containers)
        r->container = id;
    else
        r->creation = id;
    r->value = size;
}

/* Keep sizes as far back as a reader may look, and one before. */
static void set_remember(struct shared_set *self, tstamp at)
{
    duration reach = self->env->cluster->timing[TIMING_SET_STALENESS].max;
    uint32_t stale = 0;
    while (stale + 1 < self->version_count &&
           tstamp_add(self->versions[stale + 1].at, reach) <= at)
        stale++;
    self->version_count -= stale;
    if (stale > 0)
        memmove(self->versions, self->versions + stale,
                self->version_count * sizeof *self->versions);
    if (self->version_count == self->version_max) {
        self->version_max = self->version_max == 0 ? SET_FIRST : self->version_max * 2;
        self->versions = arena_grow(self->env->arena, self->env->node, self->versions,
                                    self->version_max * sizeof *self->versions);
    }
    self->versions[self->version_count++] =
        (struct set_version){.at = at, .count = self->count};
}

/* Load: copy the set and let the store come later. */
static void set_load(struct shared_set *self, struct effects *fx, uint32_t id, bool add)
{
    struct arena *arena = self->env->arena;
    struct set_change *change = arena_alloc(arena, self->env->node, sizeof *change);
    change->loaded = arena_alloc(arena, self->env->node, (self->count + 1) * sizeof(uint32_t));
    if (self->count > 0)
        memcpy(change->loaded, self->ids, self->count * sizeof *self->ids);
    change->loaded_count = self->count;
    change->set = self;
    change->id = id;
    change->add = add;
    change->next = self->first_open;
    self->first_open = change;
    self->open++;
    set_record(self, fx, SET_LOAD, id, self->count);
    change->timer.kind = self->timer_kind;
    change->timer.actor = self->actor;
    duration window =
        draw_range(self->env->draws, PURPOSE_SET_WINDOW, self->entity, self->changes++,
                   self->env->cluster->timing[TIMING_SET_WINDOW]);
    timers_arm(self->timers, fx, &change->timer, window, false);
}

static void set_change_by(struct shared_set *self, struct effects *fx, uint32_t id, bool add)
{
    if (self->form == SET_LOST_UPDATE) {
        set_load(self, fx, id, add);
        return;
    }
    /* A reader must also find the size before the first change. */
    if (self->form == SET_STALE && self->version_count == 0)
        set_remember(self, 0);
    set_reserve(self, self->count + 1);
    uint32_t count = ids_change(self->ids, self->count, id, add);
    if (count == self->count)
        return;
    self->count = count;
    if (self->form == SET_STALE)
        set_remember(self, fx->at);
    set_record(self, fx, add ? SET_ADD : SET_REMOVE, id, count);
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
    uint32_t at = ids_find(self->ids, self->count, id);
    return at < self->count && self->ids[at] == id;
}

uint32_t shared_set_count(const struct shared_set *self)
{
    return self->count;
}

uint32_t shared_set_count_elsewhere(struct shared_set *self, struct effects *fx)
{
    if (self->form != SET_STALE || self->version_count == 0)
        return self->count;
    duration age =
        draw_range(self->env->draws, PURPOSE_STALE_READ, self->entity, self->changes++,
                   self->env->cluster->timing[TIMING_SET_STALENESS]);
    uint32_t i = self->version_count - 1;
    while (i > 0 && tstamp_add(self->versions[i].at, age) > fx->at)
        i--;
    uint32_t count = self->versions[i].count;
    if (count != self->count)
        set_record(self, fx, SET_READ_STALE, 0, count);
    return count;
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

void shared_set_store(struct effects *fx, struct timer *timer)
{
    struct set_change *change = (struct set_change *)(void *)timer;
    struct shared_set *self = change->set;
    ASSERT_OP(self->form, ==, SET_LOST_UPDATE);
    uint32_t count = ids_change(change->loaded, change->loaded_count, change->id, change->add);
    set_reserve(self, count);
    if (count > 0)
        memcpy(self->ids, change->loaded, count * sizeof *self->ids);
    self->count = count;
    set_record(self, fx, SET_STORE, change->id, count);
    set_forget_change(self, change);
    arena_release(self->env->arena, change->loaded);
    arena_release(self->env->arena, change);
}
