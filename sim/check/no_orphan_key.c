/*
 * no_orphan_key.c - for more than 5 s an etcd key names a container, queue or endpoint that
 * does not exist; when it ceased to be with its process, for more than the lease and 5 s.
 *
 * A stopped process is like a killed one: nothing revokes its lease (LeaseKeepAliveService
 * .scala:54-171 at 1fae641a2). Containers of an invoker end with it, queues with their
 * scheduler. A queue exists as long as any scheduler has one of the action, also one that is
 * Removing. Keys of creations, leases and throttles name none of the three.
 */
#include "check/check_internal.h"
#include "check/grace.h"

struct orphans {
    struct grace soon, with_lease;
};

static void orphan_begin(void *self, const struct check_context *ctx)
{
    struct orphans *orphans = self;
    duration grace = check_bound(ctx, BOUND_ORPHAN_GRACE);
    grace_init(&orphans->soon, ctx->arena, grace);
    grace_init(&orphans->with_lease, ctx->arena,
               tstamp_add(grace, check_bound(ctx, BOUND_ORPHAN_LEASE)));
}

static void orphan_arm(const struct orphans *orphans, const struct check_context *ctx)
{
    tstamp soon = grace_due(&orphans->soon), late = grace_due(&orphans->with_lease);
    check_due(ctx, soon < late ? soon : late);
}

static void orphan_on_record(void *self, const struct check_context *ctx,
                             const struct record *r)
{
    struct orphans *orphans = self;
    if (r->kind == RECORD_KEY_PUT)
        check_applies(ctx);
    for (uint32_t i = 0; i < ledger_changed_count(ctx->ledger); i++) {
        const struct ledger_thing *thing = ledger_changed(ctx->ledger, i);
        if (thing == NULL || thing->orphan_seq != r->seq)
            continue;
        grace_add(thing->by_stop ? &orphans->with_lease : &orphans->soon, r->at, thing->name,
                  r->seq);
    }
    orphan_arm(orphans, ctx);
}

static void orphan_judge(const struct check_context *ctx, const struct grace_item *item,
                         duration length)
{
    static const char *const names[] = {"a container", "a queue", "an endpoint"};
    const struct ledger_thing *thing = ledger_thing(ctx->ledger, item->name);
    char key[160];
    if (thing == NULL || thing->orphan_seq != item->seq)
        return;
    struct violation v = violation_of_thing(thing, tstamp_add(item->since, length), item->seq);
    (void)key_print(ctx->world->cluster, &thing->key, key, sizeof key);
    check_report(ctx, &v, "key %s names %s that does not exist%s", key, names[thing->kind],
                 thing->by_stop ? "; its process has stopped" : "");
}

static void orphan_on_tick(void *self, const struct check_context *ctx, tstamp now)
{
    struct orphans *orphans = self;
    struct grace_item item;
    while (grace_take(&orphans->soon, now, &item))
        orphan_judge(ctx, &item, orphans->soon.length);
    while (grace_take(&orphans->with_lease, now, &item))
        orphan_judge(ctx, &item, orphans->with_lease.length);
    orphan_arm(orphans, ctx);
}

const struct check_ops check_no_orphan_key = {
    .name = "no-orphan-key",
    .size = sizeof(struct orphans),
    .kinds = (const uint16_t[]){RECORD_KEY_PUT, RECORD_CONTAINER_GONE, RECORD_QUEUE_GONE,
                                RECORD_NODE_STOPPED, RECORD_NONE},
    .begin = orphan_begin,
    .on_record = orphan_on_record,
    .on_tick = orphan_on_tick,
};
