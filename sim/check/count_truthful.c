/*
 * count_truthful.c - a disabled process, or a controller out of the edge, answers its gate
 * with 0 while a kill at that instant would lose or fail an activation (ledger.h).
 *
 * What waits in a scheduler's topic counts when it would be older than `too-old` at
 * `reads-after` from now: a Kafka session of 30 s, kept alive every 10 s, ends 20 s after the
 * death at the earliest, and a scheduler fails what is older than 20 s (KafkaConsumerConnector
 * .scala:148-168, QueueManager.scala:419-423 at 1fae641a2): with the standard bounds all of it.
 */
#include "check/check_internal.h"
#include <inttypes.h>

static bool truthful_is_gate(const struct ledger_node *node)
{
    if (node->kind == NODE_CONTROLLER)
        return node->disabled || !node->in_edge;
    return (node->kind == NODE_SCHEDULER || node->kind == NODE_INVOKER) && node->disabled;
}

static void truthful_on_record(void *self, const struct check_context *ctx,
                               const struct record *r)
{
    (void)self;
    if (r->value != 0 || r->detail != 2 || !truthful_is_gate(ledger_node(ctx->ledger, r->node)))
        return;
    check_applies(ctx);
    struct ledger_risk risk =
        ledger_risk(ctx->ledger, r->node, r->at, check_bound(ctx, BOUND_TRUTHFUL_READS_AFTER),
                    check_bound(ctx, BOUND_TRUTHFUL_TOO_OLD));
    if (risk.total > 0)
        check_report_risk(ctx, r, &risk, "answers 0 while a kill would lose", "");
}

const struct check_ops check_count_truthful = {
    .name = "count-truthful",
    .kinds = (const uint16_t[]){RECORD_COUNT_ANSWERED, RECORD_NONE},
    .on_record = truthful_on_record,
};
