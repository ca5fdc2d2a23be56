/*
 * no_double_execution.c - two executions of one activation start.
 *
 * A run that a container refused and gave back (RESCHEDULED) did not take place.
 */
#include "check/check_internal.h"

static void double_on_record(void *self, const struct check_context *ctx,
                             const struct record *r)
{
    const struct ledger_activation *a = ledger_activation(ctx->ledger, r->activation);
    (void)self;
    if (a == NULL)
        return;
    check_applies(ctx);
    if (a->runs != 2)
        return;
    struct violation v = violation_of(r);
    v.action = a->action;
    check_report(ctx, &v, "a second execution of the activation of %s starts on %s",
                 check_action(ctx, a->action), check_node(ctx, r->node));
}

const struct check_ops check_no_double_execution = {
    .name = "no-double-execution",
    .kinds = (const uint16_t[]){RECORD_RUN_STARTED, RECORD_NONE},
    .on_record = double_on_record,
};
