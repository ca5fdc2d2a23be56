/*
 * no_duplicate_completion.c - two different completions of one activation reach a controller;
 * one that the controller's timer forced before counts as one of them.
 *
 * The same ack read twice (Kafka may deliver again after a crash) is one completion.
 */
#include "check/check_internal.h"

static void duplicate_on_record(void *self, const struct check_context *ctx,
                                const struct record *r)
{
    struct ledger_activation *a = ledger_activation(ctx->ledger, r->activation);
    (void)self;
    if (a == NULL || (a->flags & LEDGER_DOUBLED) != 0)
        return;
    check_applies(ctx);
    unsigned forced = (a->flags & LEDGER_FORCED) != 0;
    unsigned received = a->completions_received + forced;
    unsigned different = a->completions_sent + forced;
    if (received < 2 || different < 2)
        return;
    struct violation v = violation_of(r);
    v.action = a->action;
    a->flags |= LEDGER_DOUBLED;
    ctx->summary->duplicated++;
    check_report(ctx, &v, "a second completion of the activation of %s reached %s%s",
                 check_action(ctx, a->action), check_node(ctx, r->node),
                 forced != 0 ? ", after its timer had closed it" : "");
}

const struct check_ops check_no_duplicate_completion = {
    .name = "no-duplicate-completion",
    .is_seen_outside = true,
    .kinds = (const uint16_t[]){RECORD_ACK_RECEIVED, RECORD_SLOT_FORCED, RECORD_NONE},
    .on_record = duplicate_on_record,
};
