/*
 * network.c - see network.h.
 */
#include "kernel/network.h"

#include "core/assert.h"

#define PAIRS_FIRST 64u

static const struct {
    uint8_t purpose, timing, has_latency;
} link_sites[LINK_COUNT] = {
    [LINK_HTTP] = {PURPOSE_LINK_HTTP, TIMING_LINK_HTTP, 1},
    [LINK_KAFKA] = {PURPOSE_LINK_KAFKA, TIMING_LINK_KAFKA, 1},
    [LINK_ETCD] = {PURPOSE_LINK_ETCD, TIMING_LINK_ETCD, 1},
    [LINK_WATCH] = {PURPOSE_LINK_WATCH, TIMING_LINK_WATCH, 1},
    [LINK_GRPC] = {PURPOSE_LINK_GRPC, TIMING_LINK_GRPC, 1},
    [LINK_REMOTING] = {PURPOSE_LINK_REMOTING, TIMING_LINK_REMOTING, 1},
    [LINK_DATABASE] = {PURPOSE_LINK_DATABASE, TIMING_LINK_DATABASE, 1},
};

void pair_table_init(struct pair_table *self, struct arena *arena)
{
    *self = (struct pair_table){.arena = arena, .max = PAIRS_FIRST};
    self->pairs = arena_alloc(arena, ARENA_HOST, PAIRS_FIRST * sizeof self->pairs[0]);
}

static struct pair *pair_find(const struct pair_table *self, uint64_t from, uint64_t to)
{
    uint32_t i = (uint32_t)draw_mix(from, to) & (self->max - 1);
    for (;;) {
        struct pair *pair = &self->pairs[i];
        if ((pair->from == from && pair->to == to) || (pair->from | pair->to) == 0)
            return pair;
        i = (i + 1) & (self->max - 1);
    }
}

/* A new table with what is not stale, twice as large if that is more than a quarter. */
static void pair_table_rebuild(struct pair_table *self, uint64_t stale)
{
    struct pair *old = self->pairs;
    uint32_t old_max = self->max, kept = 0;
    for (uint32_t i = 0; i < old_max; i++)
        kept += (old[i].from | old[i].to) != 0 && old[i].value > stale;
    if (kept > old_max / 4)
        self->max *= 2;
    self->pairs = arena_alloc(self->arena, ARENA_HOST, self->max * sizeof self->pairs[0]);
    for (uint32_t i = 0; i < old_max; i++) {
        if ((old[i].from | old[i].to) != 0 && old[i].value > stale)
            *pair_find(self, old[i].from, old[i].to) = old[i];
    }
    self->count = kept;
    arena_release(self->arena, old);
}

uint64_t *pair_table_at(struct pair_table *self, uint64_t from, uint64_t to, uint64_t stale)
{
    ASSERT((from | to) != 0);
    struct pair *pair = pair_find(self, from, to);
    if ((pair->from | pair->to) != 0)
        return &pair->value;
    if (self->count >= self->max / 2) {
        pair_table_rebuild(self, stale);
        pair = pair_find(self, from, to);
    }
    self->count++;
    *pair = (struct pair){.from = from, .to = to};
    return &pair->value;
}

void network_init(struct network *self, struct arena *arena, const struct cluster *cluster,
                  const struct draws *draws, const struct ratio loss[LINK_COUNT])
{
    *self = (struct network){.draws = draws};
    for (unsigned i = 0; i < LINK_COUNT; i++) {
        self->sites[i] = (struct link_site){.range = cluster->timing[link_sites[i].timing],
                                            .purpose = link_sites[i].purpose,
                                            .has_latency = link_sites[i].has_latency,
                                            .has_loss = link_sites[i].has_latency &&
                                                        loss[i].denominator != 0};
        self->loss[i] = loss[i];
        ASSERT_OP(self->sites[i].range.min, <=, self->sites[i].range.max);
    }
    pair_table_init(&self->arrivals, arena);
}

static tstamp keep_order(struct network *self, uint64_t from, uint64_t to, tstamp now,
                         tstamp at)
{
    uint64_t *latest = pair_table_at(&self->arrivals, from, to, now);
    if (at < *latest)
        at = *latest;
    *latest = at;
    return at;
}

/* The receiver's half has bit 63 for posts, so that the two kinds of pairs never meet. */
tstamp network_keep_order(struct network *self, const struct message *m, tstamp now, tstamp at)
{
    return keep_order(self, (uint64_t)m->from << 32 | m->from_actor, (uint64_t)m->to + 1, now,
                      at);
}

tstamp network_keep_post_order(struct network *self, const struct message *m, tstamp now,
                               tstamp at)
{
    return keep_order(self, (uint64_t)m->from << 32 | m->from_actor,
                      UINT64_C(1) << 63 | m->to_actor, now, at);
}

bool network_is_lost(const struct network *self, const struct message *m, enum link link)
{
    if (!self->sites[link].has_loss)
        return false;
    uint64_t entity = network_entity(m);
    return draw_chance(self->draws, PURPOSE_LINK_LOSS, entity, message_key(m),
                       self->loss[link]);
}
