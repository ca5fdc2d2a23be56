/*
 * slots_conserved.c - permits and what is held differ from the capacity.
 *
 * Controllers: a slot that the completion timer frees while the activation still runs on an
 * invoker was held, whatever the controller thinks. Invokers: the memory of the containers
 * that exist is never more than the process may use. Feeds: at rest each permit is back; a feed
 * says how many it has whenever nothing is outstanding and the number changed.
 */
#include "check/check_internal.h"
#include <inttypes.h>

struct feed_permits { /* by node and topic */
    uint64_t free, capacity, seq;
    uint32_t topic;
    node_id node;
};
struct slots {
    struct table feeds;
};

static void slots_begin(void *self, const struct check_context *ctx)
{
    struct slots *slots = self;
    table_init(&slots->feeds, ctx->arena, sizeof(struct feed_permits));
}

static void slots_on_forced(const struct check_context *ctx, const struct record *r)
{
    const struct ledger_activation *a = ledger_activation(ctx->ledger, r->activation);
    check_applies(ctx);
    if (a == NULL || !ledger_is_running(a))
        return;
    struct violation v = violation_of(r);
    v.action = a->action;
    check_report(ctx, &v, "%s frees the slot of an activation of %s that still runs on %s",
                 check_node(ctx, r->node), check_action(ctx, a->action),
                 check_node(ctx, a->invoker));
}

static void slots_on_container(const struct check_context *ctx, const struct record *r)
{
    const struct ledger_node *node = ledger_node(ctx->ledger, r->node);
    check_applies(ctx);
    if (node->memory_total == 0 || node->memory_held <= node->memory_total)
        return;
    struct violation v = violation_of(r);
    check_report(ctx, &v, "the containers of %s hold %" PRIu32 " MB of %" PRIu32 " MB",
                 check_node(ctx, r->node), node->memory_held, node->memory_total);
}

static void slots_on_record(void *self, const struct check_context *ctx, const struct record *r)
{
    struct slots *slots = self;
    if (r->kind == RECORD_SLOT_FORCED) {
        slots_on_forced(ctx, r);
        return;
    }
    if (r->kind == RECORD_CONTAINER_MADE) {
        slots_on_container(ctx, r);
        return;
    }
    if (r->kind == RECORD_PERMITS && r->detail != PERMITS_FEED)
        return;
    if (r->kind == RECORD_PERMITS) {
        struct feed_permits *feed = table_find(&slots->feeds, r->node, r->container);
        check_applies(ctx);
        if (feed == NULL)
            feed = table_add(&slots->feeds, r->node, r->container);
        *feed = (struct feed_permits){.free = r->value,
                                      .capacity = r->value2,
                                      .seq = r->seq,
                                      .topic = r->container,
                                      .node = r->node};
        return;
    }
    for (uint32_t i = 0; i < slots->feeds.item_used; i++) { /* NODE_STOPPED */
        const struct feed_permits *feed = table_at(&slots->feeds, i);
        if (feed != NULL && feed->node == r->node)
            table_remove(&slots->feeds, feed->node, feed->topic);
    }
}

static void slots_on_settle(void *self, const struct check_context *ctx, tstamp now,
                            const char *pending)
{
    const struct slots *slots = self;
    for (uint32_t i = 0; pending == NULL && i < slots->feeds.item_used; i++) {
        const struct feed_permits *feed = table_at(&slots->feeds, i);
        if (feed == NULL || feed->free == feed->capacity)
            continue;
        struct violation v = {
            .at = now, .seq = feed->seq, .node = feed->node, .action = ACTION_NONE};
        check_report(ctx, &v,
                     "a feed of %s has %" PRIu64 " permits of %" PRIu64
                     " at rest, and nothing is outstanding",
                     check_node(ctx, feed->node), feed->free, feed->capacity);
    }
}

const struct check_ops check_slots_conserved = {
    .name = "slots-conserved",
    .size = sizeof(struct slots),
    .kinds = (const uint16_t[]){RECORD_SLOT_FORCED, RECORD_CONTAINER_MADE, RECORD_PERMITS,
                                RECORD_NODE_STOPPED, RECORD_NONE},
    .begin = slots_begin,
    .on_record = slots_on_record,
    .on_settle = slots_on_settle,
};
