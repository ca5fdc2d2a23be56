/*
 * recent.c - see recent.h.
 */
#include "database/recent.h"
#include "core/assert.h"
#include "database/database.h"

#define RECENT_FIRST 64u

static void recent_grow(struct recent *self, const struct machine_env *env, uint32_t limit)
{
    uint32_t max = self->max == 0 ? RECENT_FIRST : self->max * 2;
    max = max > limit ? limit : max;
    ASSERT_OP(max, >, self->max);
    if (self->items == NULL)
        self->items = arena_alloc_durable(env->arena, env->node, max * sizeof self->items[0]);
    else
        self->items = arena_grow(env->arena, env->node, self->items,
                                 max * sizeof self->items[0]); /* stays durable */
    self->max = max;
}

void recent_put(struct recent *self, const struct machine_env *env,
                const struct record_document *record)
{
    const struct database_config *config = env->config;
    uint32_t limit = (uint32_t)config->recent_records;
    if (limit == 0)
        return;
    if (self->count == self->max && self->max < limit)
        recent_grow(self, env, limit);
    if (self->count < self->max) {
        self->items[self->count++] = *record;
        return;
    }
    self->items[self->next] = *record;
    self->next = self->next + 1 == self->count ? 0 : self->next + 1;
}

static bool is_wanted(const struct record_document *record, namespace_id ns,
                      const struct record_query *query)
{
    uint64_t start_ms = tstamp_epoch_ms(record->start_at);
    if (record->ns != ns || (query->id != 0 && record->id != query->id))
        return false;
    if (query->action != ACTION_NONE && record->action != query->action)
        return false;
    return start_ms >= query->since_ms && start_ms <= query->upto_ms;
}

/* Into a list by start, the newest first. Records come nearly in that order. */
static void insert(const struct record_document **list, uint32_t count,
                   const struct record_document *record)
{
    uint32_t at = count;
    for (; at > 0 && list[at - 1]->start_at < record->start_at; at--)
        list[at] = list[at - 1];
    list[at] = record;
}

blob recent_find(const struct recent *self, const struct machine_env *env, namespace_id ns,
                 const struct record_query *query, uint32_t skip, uint32_t limit,
                 uint32_t *ret_total)
{
    uint32_t count = 0;
    const struct record_document **list =
        arena_alloc(env->arena, env->node, (self->count + 1) * sizeof(void *));
    for (uint32_t n = 0; n < self->count; n++) { /* from the last one written */
        uint32_t at = (self->next + self->count - 1 - n) % self->count;
        if (is_wanted(&self->items[at], ns, query))
            insert(list, count++, &self->items[at]);
    }
    *ret_total = count;
    uint32_t left = count > skip ? count - skip : 0;
    left = left > limit ? limit : left;
    blob found = 0;
    if (left > 0) {
        found = blob_new(env->arena, ARENA_MESSAGE, NULL, left * sizeof self->items[0]);
        struct record_document *to = blob_bytes_mutable(env->arena, found);
        for (uint32_t i = 0; i < left; i++)
            to[i] = *list[skip + i];
    }
    arena_release(env->arena, list);
    return found;
}
