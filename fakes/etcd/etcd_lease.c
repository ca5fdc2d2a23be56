/*
 * etcd_lease.c - see etcd_lease.h.
 */
#include "etcd/etcd_lease.h"
#include "core/assert.h"
#include <string.h>

#define LEASES_FIRST 16u
#define KEYS_FIRST 8u
#define DRAWN_IDS UINT64_C(0x7fffffff) /* 1 .. 2^31 - 1: a message carries 32 bits */

void etcd_leases_init(struct etcd_leases *self)
{
    for (uint32_t i = 0; i < self->count; i++)
        self->sorted[i]->timer = (struct timer){0};
}

void etcd_leases_extend(struct etcd_leases *self, const struct machine_env *env,
                        struct timers *timers, struct effects *fx, duration grace)
{
    for (uint32_t i = 0; i < self->count; i++)
        etcd_lease_extend(self->sorted[i], env, timers, fx, grace);
}

/* Position of the first lease whose id is not below. */
static uint32_t leases_lower(const struct etcd_leases *self, uint64_t id)
{
    uint32_t low = 0, high = self->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (self->sorted[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct etcd_lease *etcd_lease_find(const struct etcd_leases *self, uint64_t id)
{
    uint32_t at = leases_lower(self, id);
    return at < self->count && self->sorted[at]->id == id ? self->sorted[at] : NULL;
}

/* Room for one pointer more; a durable block. */
static void *pointers_grow(const struct machine_env *env, void *pointers, uint32_t count,
                           uint32_t *max, uint32_t first)
{
    if (count < *max)
        return pointers;
    uint32_t grown_max = *max == 0 ? first : *max * 2;
    void *grown = arena_alloc_durable(env->arena, env->node, grown_max * sizeof(void *));
    if (count > 0)
        memcpy(grown, pointers, count * sizeof(void *));
    arena_release(env->arena, pointers);
    *max = grown_max;
    return grown;
}

static uint64_t lease_draw_id(struct etcd_leases *self, const struct machine_env *env)
{
    uint64_t id;
    do
        id = 1 + draw_below(env->draws, PURPOSE_LEASE_ID, env->node, self->drawn++, DRAWN_IDS);
    while (etcd_lease_find(self, id) != NULL);
    return id;
}

struct etcd_lease *etcd_lease_add(struct etcd_leases *self, const struct machine_env *env,
                                  uint64_t id, uint64_t ttl_s, node_id owner)
{
    if (id == 0)
        id = lease_draw_id(self, env);
    uint32_t at = leases_lower(self, id);
    ASSERT(at == self->count || self->sorted[at]->id != id);
    struct etcd_lease *lease = arena_alloc_durable(env->arena, env->node, sizeof *lease);
    lease->id = id;
    lease->ttl_s = ttl_s;
    lease->owner = owner;
    self->sorted = pointers_grow(env, self->sorted, self->count, &self->max, LEASES_FIRST);
    memmove(self->sorted + at + 1, self->sorted + at,
            (self->count - at) * sizeof self->sorted[0]);
    self->sorted[at] = lease;
    self->count++;
    return lease;
}

void etcd_lease_remove(struct etcd_leases *self, const struct machine_env *env,
                       struct timers *timers, struct etcd_lease *lease)
{
    uint32_t at = leases_lower(self, lease->id);
    ASSERT_OP(at, <, self->count);
    ASSERT(self->sorted[at] == lease);
    ASSERT_OP(lease->key_count, ==, 0);
    timers_cancel(timers, &lease->timer);
    self->count--;
    memmove(self->sorted + at, self->sorted + at + 1,
            (self->count - at) * sizeof self->sorted[0]);
    arena_release(env->arena, lease->keys);
    arena_release(env->arena, lease);
}

void etcd_lease_extend(struct etcd_lease *lease, const struct machine_env *env,
                       struct timers *timers, struct effects *fx, duration grace)
{
    struct range look = {0, ETCD_EXPIRY_LOOK};
    duration ttl = SEC(lease->ttl_s) + grace;
    duration late =
        draw_range(env->draws, PURPOSE_LEASE_EXPIRY, lease->id, lease->extensions++, look);
    lease->deadline = tstamp_add(fx->at, ttl);
    timers_arm(timers, fx, &lease->timer, tstamp_add(ttl, late), false);
}

bool etcd_lease_is_dead(const struct etcd_lease *lease, tstamp now)
{
    return now >= lease->deadline;
}

uint64_t etcd_lease_remaining_s(const struct etcd_lease *lease, tstamp now)
{
    return etcd_lease_is_dead(lease, now) ? 0 : (lease->deadline - now) / SEC(1);
}

/* Position of the first attached key that is not before the entry. */
static uint32_t keys_lower(const struct etcd_lease *lease, const struct etcd_entry *entry)
{
    uint32_t low = 0, high = lease->key_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (etcd_text_compare(etcd_entry_text(lease->keys[middle]), etcd_entry_text(entry)) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void etcd_lease_attach(struct etcd_lease *lease, const struct machine_env *env,
                       struct etcd_entry *entry)
{
    uint32_t at = keys_lower(lease, entry);
    ASSERT(at == lease->key_count || lease->keys[at] != entry);
    lease->keys =
        pointers_grow(env, lease->keys, lease->key_count, &lease->key_max, KEYS_FIRST);
    memmove(lease->keys + at + 1, lease->keys + at,
            (lease->key_count - at) * sizeof lease->keys[0]);
    lease->keys[at] = entry;
    lease->key_count++;
}

void etcd_lease_detach(struct etcd_lease *lease, const struct etcd_entry *entry)
{
    uint32_t at = keys_lower(lease, entry);
    ASSERT_OP(at, <, lease->key_count);
    ASSERT(lease->keys[at] == entry);
    lease->key_count--;
    memmove(lease->keys + at, lease->keys + at + 1,
            (lease->key_count - at) * sizeof lease->keys[0]);
}

void etcd_leases_digest(const struct etcd_leases *self, struct digest *d)
{
    digest_two(d, self->count, self->drawn);
    for (uint32_t i = 0; i < self->count; i++) {
        const struct etcd_lease *lease = self->sorted[i];
        digest_two(d, lease->id, lease->ttl_s);
        digest_two(d, lease->deadline, lease->timer.at);
        digest_two(d, lease->extensions, lease->cause);
        digest_two(d, lease->owner, lease->key_count);
        for (uint32_t k = 0; k < lease->key_count; k++)
            digest_two(d, key_hash(&lease->keys[k]->key), lease->keys[k]->newest->revision);
    }
}
