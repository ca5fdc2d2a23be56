/*
 * settles.c - (liveness) 15 minutes after the last fault and step something is still owed: an
 * activation in flight, a creation, a step, an unread record. The host says what, when its
 * time is over (`settles.within`).
 */
#include "check/check_internal.h"

static void settles_on_settle(void *self, const struct check_context *ctx, tstamp now,
                              const char *pending)
{
    (void)self;
    check_applies(ctx);
    if (pending == NULL)
        return;
    struct violation v = {.at = now, .node = NODE_NONE, .action = ACTION_NONE};
    check_report(ctx, &v, "still owed: %s", pending);
}

const struct check_ops check_settles = {
    .name = "settles",
    .is_seen_outside = true,
    .is_liveness = true,
    .kinds = (const uint16_t[]){RECORD_NONE},
    .on_settle = settles_on_settle,
};
