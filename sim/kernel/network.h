#pragma once
/*
 * network.h - when a message arrives: latency of its link, loss, order.
 *
 * Latency: uniform in the link's range, drawn per message, keyed by (sender, receiver, kind)
 * and message_key. Ordered kinds (Kafka, watch, remoting) never overtake an earlier one of the
 * same sender address to the same node; what would be earlier arrives at the same instant,
 * after it. Per link: sent + duplicated = delivered + dropped + in flight.
 */
#include "core/cluster.h"
#include "kernel/host_sim.h"

/* The latest arrival of each pair, as long as it lies ahead; and counts of posts. */
struct pair_table {
    struct pair {
        uint64_t from, to; /* both 0: free */
        uint64_t value;
    } * pairs; /* open addressing; max is a power of two */
    uint32_t count, max;
    struct arena *arena;
};

void pair_table_init(struct pair_table *self, struct arena *arena);
/* The value of this pair, 0 if new. When it is full, entries whose value is at most `stale` are
 * dropped (0: none). Valid until the next call. */
uint64_t *pair_table_at(struct pair_table *self, uint64_t from, uint64_t to, uint64_t stale);

struct network {
    struct link_site {
        struct range range;
        uint8_t purpose; /* enum purpose */
        uint8_t has_latency;
        uint8_t has_loss;
    } sites[LINK_COUNT];
    struct ratio loss[LINK_COUNT];
    struct link_count counts[LINK_COUNT];
    struct pair_table arrivals;
    const struct draws *draws;
};

void network_init(struct network *self, struct arena *arena, const struct cluster *cluster,
                  const struct draws *draws, const struct ratio loss[LINK_COUNT]);
/* Not before what the same sender address sent to the same node earlier. Remembered. */
tstamp network_keep_order(struct network *self, const struct message *m, tstamp now, tstamp at);
/* The same for posts, per (sender, receiver) actor. */
tstamp network_keep_post_order(struct network *self, const struct message *m, tstamp now,
                               tstamp at);
bool network_is_lost(const struct network *self, const struct message *m, enum link link);

static inline uint64_t network_entity(const struct message *m)
{
    return draw_mix((uint64_t)m->from << 32 | m->from_actor, (uint64_t)m->to << 32 | m->kind);
}

/* Time on the way; `salt` tells the copies of one message apart (0: the message itself). */
static inline duration network_latency(const struct network *self, const struct message *m,
                                       enum link link, uint64_t salt)
{
    const struct link_site *site = &self->sites[link];
    if (!site->has_latency)
        return 0;
    uint64_t entity = network_entity(m);
    uint64_t ordinal = message_key(m) + salt;
    return draw_range(self->draws, (enum purpose)site->purpose, entity, ordinal, site->range);
}
