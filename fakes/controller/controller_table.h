#pragma once
/*
 * controller_table.h - the three kinds of tables of a controller: a hash table for look-ups
 * only, a slab of equal objects, and a small sorted map.
 */
#include <stdbool.h>
#include "core/machine.h"

/* First member of what a hash table holds. Never iterated: order would be that of the hash. */
struct call_link {
    struct call_link *chain;
    uint64_t key;
};
struct call_table {
    const struct machine_env *env;
    struct call_link **buckets;
    uint32_t bucket_count, count;
};
void call_table_init(struct call_table *self, const struct machine_env *env);
struct call_link *call_table_find(const struct call_table *self, uint64_t key);
void call_table_add(struct call_table *self, struct call_link *link, uint64_t key);
void call_table_remove(struct call_table *self, struct call_link *link);

/* Objects of one size that begin with a pointer (used by the free list). */
struct call_slab {
    const struct machine_env *env;
    void *free;
    size_t object_size;
};
void call_slab_init(struct call_slab *self, const struct machine_env *env, size_t object_size);
void *call_slab_take(struct call_slab *self); /* zeroed */
void call_slab_give(struct call_slab *self, void *object);

/* 32-bit keys to 32-bit values, sorted by key. */
struct call_map {
    const struct machine_env *env;
    struct pair {
        uint32_t key, value;
    } * pairs;
    uint32_t count, max;
};
void call_map_init(struct call_map *self, const struct machine_env *env);
const struct pair *call_map_find(const struct call_map *self, uint32_t key);
void call_map_put(struct call_map *self, uint32_t key, uint32_t value);
void call_map_remove(struct call_map *self, uint32_t key);
void call_map_digest(const struct call_map *self, struct digest *d);
