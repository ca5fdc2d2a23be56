/*
 * drain_reaches_zero.c - a disabled process does not reach its gate's 0 within 15 minutes, or
 * leaves 0 again.
 *
 * A controller drains from the moment it is out of the edge: the roles poll its count before
 * they disable it (ansible/roles/controller/tasks/deploy.yml:377-411 at 1fae641a2). Only what
 * the gate answers counts; a process that nobody asks within the time is not judged. An answer
 * that is not a number (404, 401, 500) is not 0.
 */
#include "check/check_internal.h"
#include <inttypes.h>

struct drain {
    tstamp since; /* 0: not draining */
    uint64_t seq; /* the newest answer, or what began it */
    uint64_t count;
    uint8_t status_class; /* of the newest answer */
    bool is_asked, is_reached, is_judged;
};
struct drains {
    struct drain *nodes; /* by node */
};

static void drain_begin(void *self, const struct check_context *ctx)
{
    struct drains *drains = self;
    size_t count = ctx->world->cluster->node_count + 1;
    drains->nodes = arena_alloc(ctx->arena, ARENA_HOST, count * sizeof *drains->nodes);
}

/* The first bound to pass. */
static void drain_arm(const struct drains *drains, const struct check_context *ctx)
{
    tstamp due = TSTAMP_NEVER;
    for (uint32_t i = 0; i < ctx->world->cluster->node_count; i++) {
        const struct drain *d = &drains->nodes[i];
        if (d->since == 0 || d->is_reached || d->is_judged)
            continue;
        tstamp end = tstamp_add(d->since, check_bound(ctx, BOUND_DRAIN_WITHIN));
        if (end < due)
            due = end;
    }
    check_due(ctx, due);
}

static void drain_follow(struct drains *drains, const struct check_context *ctx, node_id node,
                         const struct record *r)
{
    if (node >= ctx->world->cluster->node_count)
        return;
    const struct ledger_node *n = ledger_node(ctx->ledger, node);
    struct drain *d = &drains->nodes[node];
    bool is_out = n->kind == NODE_CONTROLLER && !n->in_edge;
    bool is_draining = n->up && (n->disabled || is_out);
    if (!is_draining)
        *d = (struct drain){0};
    else if (d->since == 0)
        *d = (struct drain){.since = r->at, .seq = r->seq};
}

static void drain_on_answer(struct drain *d, const struct check_context *ctx,
                            const struct record *r)
{
    bool is_number = r->detail == 2, is_zero = is_number && r->value == 0;
    check_applies(ctx);
    d->is_asked = true;
    d->seq = r->seq;
    d->count = r->value;
    d->status_class = r->detail;
    if (is_zero)
        d->is_reached = true;
    else if (is_number && d->is_reached && !d->is_judged) {
        struct violation v = violation_of(r);
        d->is_judged = true;
        check_report(ctx, &v, "%s leaves 0 again while it drains: it answers %" PRIu64,
                     check_node(ctx, r->node), r->value);
    }
}

static void drain_on_record(void *self, const struct check_context *ctx, const struct record *r)
{
    struct drains *drains = self;
    if (r->kind == RECORD_COUNT_ANSWERED) {
        if (drains->nodes[r->node].since != 0)
            drain_on_answer(&drains->nodes[r->node], ctx, r);
    } else
        drain_follow(drains, ctx, r->kind == RECORD_EDGE_CHANGED ? r->peer : r->node, r);
    drain_arm(drains, ctx);
}

static void drain_on_tick(void *self, const struct check_context *ctx, tstamp now)
{
    struct drains *drains = self;
    for (uint32_t i = 0; i < ctx->world->cluster->node_count; i++) {
        struct drain *d = &drains->nodes[i];
        tstamp end = tstamp_add(d->since, check_bound(ctx, BOUND_DRAIN_WITHIN));
        if (d->since == 0 || d->is_reached || d->is_judged || end >= now)
            continue;
        d->is_judged = true;
        if (!d->is_asked)
            continue;
        struct violation v = {
            .at = end, .seq = d->seq, .node = (node_id)i, .action = ACTION_NONE};
        if (d->status_class == 2)
            check_report(ctx, &v, "%s does not reach 0: its last answer is %" PRIu64,
                         check_node(ctx, v.node), d->count);
        else
            check_report(ctx, &v, "%s does not reach 0: its last answer is HTTP %ux%s",
                         check_node(ctx, v.node), d->status_class, "x");
    }
    drain_arm(drains, ctx);
}

const struct check_ops check_drain_reaches_zero = {
    .name = "drain-reaches-zero",
    .is_seen_outside = true,
    .size = sizeof(struct drains),
    .kinds = (const uint16_t[]){RECORD_COUNT_ANSWERED, RECORD_NODE_DISABLED,
                                RECORD_NODE_ENABLED, RECORD_NODE_STARTED, RECORD_NODE_STOPPED,
                                RECORD_EDGE_CHANGED, RECORD_NONE},
    .begin = drain_begin,
    .on_record = drain_on_record,
    .on_tick = drain_on_tick,
};
