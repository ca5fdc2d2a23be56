/*
 * scheduler_pool.c - what this scheduler knows of each leader key, and its queues.
 *
 * Upstream keeps four concurrent maps (QueueManager.scala:87-101, 771-789): revision and
 * remote manager by leader key, pending elections, queues by (namespace, action, revision).
 * Here a leader key is one struct, found by its action; the pool keeps a sorted list, too, for
 * what visits every queue.
 */
#include "scheduler/scheduler_queue.h"
#include <string.h>

void pool_init(struct scheduler *self)
{
    const struct machine_env *env = self->env;
    size_t size = (env->cluster->action_count + 1) * sizeof *self->pool.routes;
    self->pool.routes = arena_alloc(env->arena, env->node, size);
}

static struct route **pool_chain(struct scheduler *self, action_id action)
{
    uint32_t count = self->env->cluster->action_count;
    if (action < count)
        return &self->pool.routes[action];
    return action == ACTION_HEALTH_TEST ? &self->pool.routes[count] : NULL;
}

struct route *pool_route(struct scheduler *self, namespace_id ns, action_id action)
{
    struct route **link = pool_chain(self, action);
    if (link == NULL || scheduler_namespace_index(self, ns) == UINT32_MAX)
        return NULL;
    while (*link != NULL && (*link)->ns != ns)
        link = &(*link)->next;
    if (*link == NULL) {
        struct route *route = arena_alloc(self->env->arena, self->env->node, sizeof *route);
        route->ns = ns;
        route->action = action;
        route->selection = NODE_NONE;
        *link = route;
    }
    return *link;
}

static struct pool_entry *route_entry(const struct route *route, uint32_t revision)
{
    struct pool_entry *entry = route->entries;
    while (entry != NULL && entry->revision < revision)
        entry = entry->next;
    return entry != NULL && entry->revision == revision ? entry : NULL;
}

struct pool_entry *pool_find(struct scheduler *self, namespace_id ns, action_id action,
                             uint32_t revision)
{
    struct route **link = pool_chain(self, action);
    struct route *route = link == NULL ? NULL : *link;
    while (route != NULL && route->ns != ns)
        route = route->next;
    return route == NULL ? NULL : route_entry(route, revision);
}

actor_id pool_leader(struct scheduler *self, namespace_id ns, action_id action,
                     uint32_t revision)
{
    const struct pool_entry *entry = pool_find(self, ns, action, revision);
    return entry != NULL && entry->leader ? entry->queue : 0;
}

/* By namespace, action, revision, in one number. */
static uint64_t entry_order(const struct route *route, uint32_t revision)
{
    return (uint64_t)route->ns << 48 | (uint64_t)route->action << 32 | revision;
}

static uint32_t pool_place(const struct pool *pool, uint64_t order)
{
    uint32_t low = 0, high = pool->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct pool_entry *entry = pool->entries[middle];
        if (entry_order(entry->route, entry->revision) < order)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void pool_put(struct scheduler *self, struct route *route, uint32_t revision, actor_id queue)
{
    struct pool *pool = &self->pool;
    struct pool_entry *entry = route_entry(route, revision);
    if (entry == NULL) {
        const struct machine_env *env = self->env;
        entry = arena_alloc(env->arena, env->node, sizeof *entry);
        entry->route = route;
        entry->revision = revision;
        struct pool_entry **link = &route->entries;
        while (*link != NULL && (*link)->revision < revision)
            link = &(*link)->next;
        entry->next = *link;
        *link = entry;
        if (pool->count == pool->max) {
            pool->max = pool->max == 0 ? 16 : pool->max * 2;
            pool->entries = arena_grow(env->arena, env->node, pool->entries,
                                       pool->max * sizeof *pool->entries);
        }
        uint32_t place = pool_place(pool, entry_order(route, revision));
        memmove(pool->entries + place + 1, pool->entries + place,
                (pool->count - place) * sizeof *pool->entries);
        pool->entries[place] = entry;
        pool->count++;
        ASSERT_OP(pool->count, <=, pool->max);
    }
    if (!entry->leader)
        pool->leader_count++;
    entry->queue = queue;
    entry->leader = true;
    ASSERT_OP(pool->leader_count, <=, pool->count);
}

void pool_depose(struct scheduler *self, struct pool_entry *entry)
{
    ASSERT_OP(self->pool.leader_count, >=, entry->leader);
    self->pool.leader_count -= entry->leader;
    entry->leader = false;
}

static uint64_t entry_hash(const struct pool_entry *entry)
{
    return draw_mix(entry_order(entry->route, 0), entry->revision);
}

const struct pool_entry *pool_first(struct scheduler *self, namespace_id ns, action_id action,
                                    bool any_namespace)
{
    const struct pool_entry *first = NULL;
    struct route **chain = pool_chain(self, action);
    const struct route *route = chain == NULL ? NULL : *chain;
    for (; route != NULL; route = route->next) {
        const struct pool_entry *entry = route->entries;
        if (!any_namespace && route->ns != ns)
            continue;
        for (; entry != NULL; entry = entry->next) {
            if (first == NULL || entry_hash(entry) < entry_hash(first))
                first = entry;
        }
    }
    return first;
}

bool pool_remove(struct scheduler *self, struct route *route, uint32_t revision)
{
    struct pool *pool = &self->pool;
    struct pool_entry *entry = route_entry(route, revision);
    if (entry == NULL)
        return false;
    uint32_t place = pool_place(pool, entry_order(route, revision));
    ASSERT(place < pool->count && pool->entries[place] == entry);
    pool->count--;
    memmove(pool->entries + place, pool->entries + place + 1,
            (pool->count - place) * sizeof *pool->entries);
    struct pool_entry **link = &route->entries;
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    ASSERT_OP(pool->leader_count, >=, entry->leader);
    pool->leader_count -= entry->leader;
    arena_release(self->env->arena, entry);
    return true;
}

void pool_digest(const struct scheduler *self, struct digest *d)
{
    for (uint32_t i = 0; i <= self->env->cluster->action_count; i++) {
        for (const struct route *r = self->pool.routes[i]; r != NULL; r = r->next) {
            digest_two(d, (uint64_t)r->ns << 32 | r->action,
                       (uint64_t)r->init_revision << 32 | (uint32_t)r->selection << 8 |
                           r->electing);
        }
    }
    for (uint32_t i = 0; i < self->pool.count; i++) {
        const struct pool_entry *entry = self->pool.entries[i];
        digest_two(d, entry_order(entry->route, entry->revision),
                   (uint64_t)entry->queue << 8 | entry->leader);
    }
}
