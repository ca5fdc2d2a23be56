/*
 * etcd_index.c - see etcd_index.h.
 */
#include "etcd/etcd_index.h"
#include "core/assert.h"
#include <string.h>

#define INDEX_FIRST 64u

int etcd_text_compare(struct etcd_text a, struct etcd_text b)
{
    uint32_t length = a.length < b.length ? a.length : b.length;
    int order = length == 0 ? 0 : memcmp(a.bytes, b.bytes, length);
    if (order != 0 || a.length == b.length)
        return order;
    return a.length < b.length ? -1 : 1;
}

struct etcd_text etcd_entry_text(const struct etcd_entry *entry)
{
    return (struct etcd_text){entry->text, entry->length};
}

uint32_t etcd_index_lower(const struct etcd_index *self, struct etcd_text text)
{
    uint32_t low = 0, high = self->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (etcd_text_compare(etcd_entry_text(self->sorted[middle]), text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_hashed(const struct key *key)
{
    return key->family != KEY_NONE && key->family != KEY_RAW;
}

/* The slot that holds the key, or the free one where it would go. */
static uint32_t slot_of(const struct etcd_index *self, const struct key *key)
{
    ASSERT_OP(self->slots_used, <, self->slot_count);
    uint32_t mask = self->slot_count - 1;
    uint32_t slot = (uint32_t)key_hash(key) & mask;
    while (self->slots[slot] != NULL && !key_equal(&self->slots[slot]->key, key))
        slot = (slot + 1) & mask;
    return slot;
}

struct etcd_entry *etcd_index_find_key(const struct etcd_index *self, const struct key *key)
{
    if (self->slot_count == 0 || !is_hashed(key))
        return NULL;
    return self->slots[slot_of(self, key)];
}

struct etcd_entry *etcd_index_find_text(const struct etcd_index *self, struct etcd_text text)
{
    uint32_t at = etcd_index_lower(self, text);
    if (at == self->count || etcd_text_compare(etcd_entry_text(self->sorted[at]), text) != 0)
        return NULL;
    return self->sorted[at];
}

static void slots_grow(struct etcd_index *self, const struct machine_env *env)
{
    struct etcd_entry **old = self->slots;
    uint32_t old_count = self->slot_count;
    self->slot_count = old_count == 0 ? INDEX_FIRST : old_count * 2;
    self->slots =
        arena_alloc_durable(env->arena, env->node, self->slot_count * sizeof self->slots[0]);
    for (uint32_t i = 0; i < old_count; i++) {
        if (old[i] != NULL)
            self->slots[slot_of(self, &old[i]->key)] = old[i];
    }
    arena_release(env->arena, old);
}

static void slots_add(struct etcd_index *self, const struct machine_env *env,
                      struct etcd_entry *entry)
{
    if (!is_hashed(&entry->key))
        return;
    if ((self->slots_used + 1) * 2 > self->slot_count)
        slots_grow(self, env);
    uint32_t slot = slot_of(self, &entry->key);
    ASSERT(self->slots[slot] == NULL);
    self->slots[slot] = entry;
    self->slots_used++;
}

/* Close the gap behind a removed entry, so that no search stops short of its key. */
static void slots_remove(struct etcd_index *self, const struct etcd_entry *entry)
{
    uint32_t mask = self->slot_count - 1, hole = slot_of(self, &entry->key);
    ASSERT(self->slots[hole] == entry);
    for (uint32_t at = (hole + 1) & mask; self->slots[at] != NULL; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)key_hash(&self->slots[at]->key) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            self->slots[hole] = self->slots[at];
            hole = at;
        }
    }
    self->slots[hole] = NULL;
    self->slots_used--;
}

static void sorted_insert(struct etcd_index *self, const struct machine_env *env,
                          struct etcd_entry *entry)
{
    if (self->count == self->max) {
        uint32_t max = self->max == 0 ? INDEX_FIRST : self->max * 2;
        struct etcd_entry **grown =
            arena_alloc_durable(env->arena, env->node, max * sizeof grown[0]);
        if (self->count > 0)
            memcpy(grown, self->sorted, self->count * sizeof grown[0]);
        arena_release(env->arena, self->sorted);
        self->sorted = grown;
        self->max = max;
    }
    uint32_t at = etcd_index_lower(self, etcd_entry_text(entry));
    ASSERT(at == self->count ||
           etcd_text_compare(etcd_entry_text(self->sorted[at]), etcd_entry_text(entry)) != 0);
    memmove(self->sorted + at + 1, self->sorted + at,
            (self->count - at) * sizeof self->sorted[0]);
    self->sorted[at] = entry;
    self->count++;
}

struct etcd_entry *etcd_index_add(struct etcd_index *self, const struct machine_env *env,
                                  const struct key *key, struct etcd_text text)
{
    ASSERT_OP(text.length, >, 0);
    struct etcd_entry *entry =
        arena_alloc_durable(env->arena, env->node, sizeof *entry + text.length);
    entry->key = *key;
    entry->length = text.length;
    memcpy(entry->text, text.bytes, text.length);
    sorted_insert(self, env, entry);
    slots_add(self, env, entry);
    return entry;
}

void etcd_index_learn(struct etcd_index *self, const struct machine_env *env,
                      struct etcd_entry *entry, const struct key *key)
{
    if (is_hashed(&entry->key) || !is_hashed(key))
        return;
    entry->key = *key;
    slots_add(self, env, entry);
}

void etcd_index_remove(struct etcd_index *self, const struct etcd_entry *entry)
{
    uint32_t at = etcd_index_lower(self, etcd_entry_text(entry));
    ASSERT_OP(at, <, self->count);
    ASSERT(self->sorted[at] == entry);
    self->count--;
    memmove(self->sorted + at, self->sorted + at + 1,
            (self->count - at) * sizeof self->sorted[0]);
    if (is_hashed(&entry->key))
        slots_remove(self, entry);
}
