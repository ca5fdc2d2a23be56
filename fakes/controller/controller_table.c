/*
 * controller_table.c - see controller_table.h.
 */
#include "controller/controller_table.h"
#include "core/assert.h"

#define HASH_BUCKETS_FIRST 64u
#define SLAB_OBJECTS 64u
#define PAIRS_FIRST 16u

void call_table_init(struct call_table *self, const struct machine_env *env)
{
    *self = (struct call_table){.env = env};
}

static struct call_link **hash_bucket(const struct call_table *self, uint64_t key)
{
    uint64_t mixed = key * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    return &self->buckets[(mixed ^ mixed >> 15) & (self->bucket_count - 1)];
}

struct call_link *call_table_find(const struct call_table *self, uint64_t key)
{
    if (self->count == 0)
        return NULL;
    struct call_link *link = *hash_bucket(self, key);
    while (link != NULL && link->key != key)
        link = link->chain;
    return link;
}

static void call_table_grow(struct call_table *self)
{
    struct call_link **former = self->buckets;
    uint32_t former_count = self->bucket_count;
    self->bucket_count = former_count == 0 ? HASH_BUCKETS_FIRST : former_count * 2;
    self->buckets = arena_alloc(self->env->arena, self->env->node,
                                self->bucket_count * sizeof *self->buckets);
    for (uint32_t i = 0; i < former_count; i++) {
        while (former[i] != NULL) {
            struct call_link *link = former[i], **bucket = hash_bucket(self, link->key);
            former[i] = link->chain;
            link->chain = *bucket;
            *bucket = link;
        }
    }
    arena_release(self->env->arena, former);
}

void call_table_add(struct call_table *self, struct call_link *link, uint64_t key)
{
    if (self->count == self->bucket_count)
        call_table_grow(self);
    struct call_link **bucket = hash_bucket(self, key);
    link->key = key;
    link->chain = *bucket;
    *bucket = link;
    self->count++;
}

void call_table_remove(struct call_table *self, struct call_link *link)
{
    ASSERT_OP(self->count, >, 0);
    struct call_link **at = hash_bucket(self, link->key);
    while (*at != link) {
        ASSERT(*at != NULL);
        at = &(*at)->chain;
    }
    *at = link->chain;
    link->chain = NULL;
    self->count--;
}

void call_slab_init(struct call_slab *self, const struct machine_env *env, size_t object_size)
{
    ASSERT_OP(object_size, >=, sizeof(void *));
    *self = (struct call_slab){.env = env, .object_size = object_size};
}

static void slab_grow(struct call_slab *self)
{
    char *block =
        arena_alloc(self->env->arena, self->env->node, SLAB_OBJECTS * self->object_size);
    for (uint32_t i = SLAB_OBJECTS; i > 0; i--) {
        void *object = block + (i - 1) * self->object_size;
        memcpy(object, &self->free, sizeof self->free);
        self->free = object;
    }
}

void *call_slab_take(struct call_slab *self)
{
    if (self->free == NULL)
        slab_grow(self);
    void *object = self->free;
    memcpy(&self->free, object, sizeof self->free);
    memset(object, 0, self->object_size);
    return object;
}

void call_slab_give(struct call_slab *self, void *object)
{
    memcpy(object, &self->free, sizeof self->free);
    self->free = object;
}

void call_map_init(struct call_map *self, const struct machine_env *env)
{
    *self = (struct call_map){.env = env};
}

/* Index of the first pair whose key is not below. */
static uint32_t call_map_place(const struct call_map *self, uint32_t key)
{
    uint32_t low = 0, high = self->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (self->pairs[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct pair *call_map_find(const struct call_map *self, uint32_t key)
{
    uint32_t at = call_map_place(self, key);
    return at < self->count && self->pairs[at].key == key ? &self->pairs[at] : NULL;
}

void call_map_put(struct call_map *self, uint32_t key, uint32_t value)
{
    uint32_t at = call_map_place(self, key);
    if (at < self->count && self->pairs[at].key == key) {
        self->pairs[at].value = value;
        return;
    }
    if (self->count == self->max) {
        self->max = self->max == 0 ? PAIRS_FIRST : self->max * 2;
        self->pairs = arena_grow(self->env->arena, self->env->node, self->pairs,
                                 self->max * sizeof *self->pairs);
    }
    memmove(&self->pairs[at + 1], &self->pairs[at], (self->count - at) * sizeof *self->pairs);
    self->pairs[at] = (struct pair){key, value};
    self->count++;
}

void call_map_remove(struct call_map *self, uint32_t key)
{
    uint32_t at = call_map_place(self, key);
    if (at == self->count || self->pairs[at].key != key)
        return;
    self->count--;
    memmove(&self->pairs[at], &self->pairs[at + 1], (self->count - at) * sizeof *self->pairs);
}

void call_map_digest(const struct call_map *self, struct digest *d)
{
    digest_word(d, self->count);
    for (uint32_t i = 0; i < self->count; i++)
        digest_two(d, self->pairs[i].key, self->pairs[i].value);
}
