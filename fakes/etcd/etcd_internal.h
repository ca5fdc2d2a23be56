#pragma once
/*
 * etcd_internal.h - the machine's struct, shared by its files.
 */
#include "etcd/etcd.h"
#include "etcd/etcd_gateway.h"
#include "etcd/etcd_lease.h"
#include "etcd/etcd_watch.h"
#include "common/common.h"
#include "core/assert.h"

struct etcd_waiting { /* a keep-alive of a dead lease: answered when that is revoked */
    struct message request;
};

struct etcd {
    /* durable */
    struct etcd_store store;
    struct etcd_leases leases;
    /* gone with the process */
    const struct machine_env *env;
    struct timers timers;
    struct etcd_watches watches;
    struct etcd_waiting *waiting; /* in the order in which they came */
    uint32_t waiting_count, waiting_max;
    struct etcd_gateway gateway;
    node_id writer; /* whose message this step handles; NODE_NONE: nobody's */
};

static inline const struct etcd_config *etcd_config(const struct etcd *self)
{
    return self->env->config;
}

/* etcd_write.c: changes of the store that keep the leases' attachments in step. */
void etcd_write_put(struct etcd *self, const struct etcd_name *name,
                    const struct etcd_data *data, uint64_t lease);
void etcd_write_delete(struct etcd *self, struct etcd_entry *entry);
/* Ends the transaction: records, and every watch told. */
void etcd_write_end(struct etcd *self, struct effects *fx, bool by_expiry);
/* Delete all keys of a lease in one revision, then the lease; answer who waited for that. */
void etcd_write_revoke(struct etcd *self, struct effects *fx, struct etcd_lease *lease,
                       bool by_expiry);
/* Drop the past that nobody can ask for any more. */
void etcd_write_trim(struct etcd *self);

/* etcd_notify.c: watches of the components. */
void etcd_notify(struct etcd *self, struct effects *fx);
void etcd_notify_created(struct etcd *self, struct effects *fx, const struct message *m);
void etcd_notify_canceled(struct etcd *self, struct effects *fx, const struct message *m);
