/*
 * etcd_write.c - changes of the store together with what hangs on them: attachments to leases,
 * records, watches.
 */
#include "etcd/etcd_internal.h"

static void attachment_move(struct etcd *self, struct etcd_entry *entry, uint64_t from,
                            uint64_t to)
{
    if (from == to)
        return;
    if (from != 0) {
        struct etcd_lease *former = etcd_lease_find(&self->leases, from);
        ASSERT(former != NULL);
        etcd_lease_detach(former, entry);
    }
    if (to != 0) {
        struct etcd_lease *lease = etcd_lease_find(&self->leases, to);
        ASSERT(lease != NULL);
        etcd_lease_attach(lease, self->env, entry);
    }
}

void etcd_write_put(struct etcd *self, const struct etcd_name *name,
                    const struct etcd_data *data, uint64_t lease)
{
    struct etcd_version *version = etcd_store_put(&self->store, name, data, lease);
    const struct etcd_version *before = version->older;
    attachment_move(self, version->entry, before == NULL ? 0 : before->lease, lease);
}

void etcd_write_delete(struct etcd *self, struct etcd_entry *entry)
{
    attachment_move(self, entry, entry->newest->lease, 0);
    etcd_store_delete(&self->store, entry);
}

/* Keys that are no component's are told by whoever looks at them from outside. */
static void write_record(const struct etcd *self, const struct etcd_version *version,
                         struct effects *fx, bool by_expiry)
{
    if (version->entry->key.family == KEY_RAW)
        return;
    enum record_kind kind = version->deleted ? RECORD_KEY_DELETED : RECORD_KEY_PUT;
    struct record *r = effects_record(fx, kind, ACTOR_MAIN_ID);
    r->key = version->entry->key;
    r->peer = self->writer;
    if (version->deleted) {
        r->detail = by_expiry ? RECORD_KEY_EXPIRED : 0;
        return;
    }
    r->detail = version->version == 1 ? RECORD_KEY_CREATED : 0;
    if (version->value.kind == VALUE_BOOL && version->value.a != 0)
        r->detail |= RECORD_KEY_TRUE;
}

void etcd_write_end(struct etcd *self, struct effects *fx, bool by_expiry)
{
    if (!etcd_store_end(&self->store))
        return;
    uint32_t cause = fx->cause;
    struct etcd_version *version = self->store.change_first;
    for (; version != NULL; version = version->log_next) {
        ASSERT_OP(version->revision, ==, self->store.revision);
        fx->cause = cause; /* side by side, not one from the other */
        write_record(self, version, fx, by_expiry);
        version->cause = fx->cause;
    }
    cause = fx->cause;
    etcd_notify(self, fx);
    fx->cause = cause;
}

/* Keep-alives that came in the dead zone learn now that the lease is unknown. */
static void waiting_answer(struct etcd *self, struct effects *fx, uint64_t lease)
{
    uint32_t kept = 0, cause = fx->cause;
    for (uint32_t i = 0; i < self->waiting_count; i++) {
        const struct message *request = &self->waiting[i].request;
        if (request->u.lease.lease != lease) {
            self->waiting[kept++] = self->waiting[i];
            continue;
        }
        fx->cause = request->cause;
        struct message *reply = effects_reply(fx, request, MSG_LEASE_DONE);
        reply->u.lease.lease = request->u.lease.lease;
    }
    self->waiting_count = kept;
    fx->cause = cause;
}

void etcd_write_revoke(struct etcd *self, struct effects *fx, struct etcd_lease *lease,
                       bool by_expiry)
{
    uint64_t id = lease->id;
    etcd_store_begin(&self->store);
    /* A key leaves the list when it is deleted; from the front: in key order. */
    while (lease->key_count > 0) {
        uint32_t left = lease->key_count;
        etcd_write_delete(self, lease->keys[0]);
        ASSERT_OP(lease->key_count, ==, left - 1);
    }
    etcd_lease_remove(&self->leases, self->env, &self->timers, lease);
    etcd_write_end(self, fx, by_expiry);
    waiting_answer(self, fx, id);
    etcd_gateway_revoked(self, id, fx);
}

void etcd_write_trim(struct etcd *self)
{
    uint64_t kept = etcd_config(self)->history_revisions, now = self->store.revision;
    if (now <= kept || now - kept <= self->store.compacted)
        return;
    enum etcd_error error = etcd_store_compact(&self->store, now - kept);
    ASSERT_OP(error, ==, ETCD_ERROR_NONE);
}
