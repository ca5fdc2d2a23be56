/*
 * no_missing_key.c - for more than 5 s a live container, queue leader or enabled endpoint has
 * no key. What ought to have one, and when it need not: ledger_thing.c.
 */
#include "check/check_internal.h"
#include "check/grace.h"

struct missing {
    struct grace list;
};

static void missing_begin(void *self, const struct check_context *ctx)
{
    struct missing *missing = self;
    grace_init(&missing->list, ctx->arena, check_bound(ctx, BOUND_MISSING_GRACE));
}

static void missing_on_record(void *self, const struct check_context *ctx,
                              const struct record *r)
{
    struct missing *missing = self;
    if (r->kind != RECORD_KEY_DELETED)
        check_applies(ctx);
    for (uint32_t i = 0; i < ledger_changed_count(ctx->ledger); i++) {
        const struct ledger_thing *thing = ledger_changed(ctx->ledger, i);
        if (thing != NULL && thing->missing_seq == r->seq)
            grace_add(&missing->list, r->at, thing->name, r->seq);
    }
    check_due(ctx, grace_due(&missing->list));
}

static void missing_judge(const struct check_context *ctx, const struct grace_item *item,
                          duration length)
{
    static const char *const names[] = {"a live container", "a queue", "an enabled process"};
    const struct ledger_thing *thing = ledger_thing(ctx->ledger, item->name);
    char key[160];
    if (thing == NULL || thing->missing_seq != item->seq)
        return;
    struct violation v = violation_of_thing(thing, tstamp_add(item->since, length), item->seq);
    (void)key_print(ctx->world->cluster, &thing->key, key, sizeof key);
    check_report(ctx, &v, "%s has no key: %s is not in etcd", names[thing->kind], key);
}

static void missing_on_tick(void *self, const struct check_context *ctx, tstamp now)
{
    struct missing *missing = self;
    struct grace_item item;
    while (grace_take(&missing->list, now, &item))
        missing_judge(ctx, &item, missing->list.length);
    check_due(ctx, grace_due(&missing->list));
}

const struct check_ops check_no_missing_key = {
    .name = "no-missing-key",
    .size = sizeof(struct missing),
    .kinds = (const uint16_t[]){RECORD_KEY_DELETED, RECORD_CONTAINER_USED,
                                RECORD_CONTAINER_PAUSED, RECORD_QUEUE_MADE, RECORD_STATE,
                                RECORD_NODE_LISTENING, RECORD_NODE_ENABLED, RECORD_NONE},
    .begin = missing_begin,
    .on_record = missing_on_record,
    .on_tick = missing_on_tick,
};
