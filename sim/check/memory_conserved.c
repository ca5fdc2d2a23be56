/*
 * memory_conserved.c - an invoker's accounted memory differs from its containers, at rest.
 *
 * What it says is free (the figure of its health key) must be what its containers leave of the
 * memory it may use. A container of the health test may be the pool's (a warm-up call) or the
 * health manager's, who accounts for none: either is right.
 */
#include "check/check_internal.h"
#include <inttypes.h>

/* The key is written once a second; a container that goes is accounted until it is gone. */
#define REPORT SEC(3)

static void memory_on_record(void *self, const struct check_context *ctx,
                             const struct record *r)
{
    (void)self;
    if (r->detail == PERMITS_MEMORY)
        check_applies(ctx);
}

static void memory_on_settle(void *self, const struct check_context *ctx, tstamp now,
                             const char *pending)
{
    const struct cluster *cluster = ctx->world->cluster;
    (void)self;
    for (uint32_t i = 0; pending == NULL && i < cluster->counts[NODE_INVOKER]; i++) {
        node_id id = cluster_node(cluster, NODE_INVOKER, i);
        const struct ledger_node *node = ledger_node(ctx->ledger, id);
        uint32_t accounted = node->memory_total - node->memory_free;
        if (!node->up || node->memory_total == 0 || node->memory_at + REPORT > now ||
            (accounted >= node->memory_held &&
             accounted <= node->memory_held + node->memory_system))
            continue;
        struct violation v = {
            .at = now, .seq = node->memory_seq, .node = id, .action = ACTION_NONE};
        check_report(ctx, &v,
                     "%s says that %" PRIu32 " MB of %" PRIu32
                     " MB are free, its containers hold %" PRIu32 " MB",
                     check_node(ctx, id), node->memory_free, node->memory_total,
                     node->memory_held);
    }
}

const struct check_ops check_memory_conserved = {
    .name = "memory-conserved",
    .kinds = (const uint16_t[]){RECORD_PERMITS, RECORD_NONE},
    .on_record = memory_on_record,
    .on_settle = memory_on_settle,
};
