/*
 * etcd_grant.c - leases as clients ask for them.
 */
#include "etcd/etcd_txn.h"

/* 1.5 election time-outs, in whole seconds, rounded up (etcdserver/server.go, NewServer). */
static uint64_t grant_least_s(const struct etcd *self)
{
    return (etcd_config(self)->election_timeout * 3 / 2 + SEC(1) - 1) / SEC(1);
}

enum etcd_error etcd_grant(struct etcd *self, struct effects *fx, uint64_t id, int64_t ttl_s,
                           node_id owner, const struct etcd_lease **ret_lease)
{
    if (ttl_s > ETCD_TTL_MAX_S)
        return ETCD_ERROR_TTL_TOO_LARGE;
    if (id != 0 && etcd_lease_find(&self->leases, id) != NULL)
        return ETCD_ERROR_LEASE_EXISTS;
    uint64_t ttl = ttl_s < 0 ? 0 : (uint64_t)ttl_s, least = grant_least_s(self);
    if (ttl < least)
        ttl = least;
    struct etcd_lease *lease = etcd_lease_add(&self->leases, self->env, id, ttl, owner);
    struct record *r = effects_record(fx, RECORD_LEASE_GRANTED, ACTOR_MAIN_ID);
    r->peer = owner;
    r->value = lease->id;
    lease->cause = fx->cause;
    etcd_lease_extend(lease, self->env, &self->timers, fx, 0);
    *ret_lease = lease;
    return ETCD_ERROR_NONE;
}

enum etcd_error etcd_revoke(struct etcd *self, struct effects *fx, uint64_t id)
{
    struct etcd_lease *lease = etcd_lease_find(&self->leases, id);
    if (lease == NULL)
        return ETCD_ERROR_LEASE_NOT_FOUND;
    etcd_write_revoke(self, fx, lease, false);
    return ETCD_ERROR_NONE;
}

uint64_t etcd_keepalive(struct etcd *self, struct effects *fx, uint64_t id)
{
    struct etcd_lease *lease = etcd_lease_find(&self->leases, id);
    if (lease == NULL)
        return 0;
    ASSERT(!etcd_lease_is_dead(lease, fx->at));
    etcd_lease_extend(lease, self->env, &self->timers, fx, 0);
    return lease->ttl_s;
}

struct etcd_ttl etcd_time_to_live(const struct etcd *self, uint64_t id, tstamp now)
{
    const struct etcd_lease *lease = etcd_lease_find(&self->leases, id);
    if (lease == NULL)
        return (struct etcd_ttl){.ttl_s = -1};
    return (struct etcd_ttl){.ttl_s = (int64_t)etcd_lease_remaining_s(lease, now),
                             .granted_s = lease->ttl_s,
                             .keys = lease->keys,
                             .key_count = lease->key_count};
}
