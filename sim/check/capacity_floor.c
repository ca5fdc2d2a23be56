/*
 * capacity_floor.c - fewer than N of a kind serve: controllers listed in the edge and
 * listening, schedulers with their key in etcd, invokers that are `up` in etcd.
 *
 * Judged per kind from the first instant at which the floor was reached. One violation per
 * fall below it. An invoker is `up` when its health manager went to Healthy and its key is in
 * etcd: a record of a put does not carry the value. Of a cluster elsewhere only the ports are
 * seen: a scheduler or invoker serves while it listens and was not disabled.
 */
#include "check/check_internal.h"
#include <inttypes.h>

struct floor_tier {
    uint32_t serving;
    bool is_warm;
};
struct floors {
    struct floor_tier tiers[NODE_KIND_COUNT];
    uint8_t *is_serving; /* by node */
};

static uint64_t floor_of(const struct check_context *ctx, enum node_kind kind)
{
    return kind == NODE_CONTROLLER  ? check_bound(ctx, BOUND_FLOOR_CONTROLLERS)
           : kind == NODE_SCHEDULER ? check_bound(ctx, BOUND_FLOOR_SCHEDULERS)
                                    : check_bound(ctx, BOUND_FLOOR_INVOKERS);
}

static void floor_begin(void *self, const struct check_context *ctx)
{
    struct floors *floors = self;
    floors->is_serving =
        arena_alloc(ctx->arena, ARENA_HOST, ctx->world->cluster->node_count + 1);
}

static bool floor_serves(const struct check_context *ctx, const struct ledger_node *node)
{
    if (node->kind == NODE_CONTROLLER)
        return node->in_edge && node->listening;
    if (ctx->world->is_outside)
        return (node->kind == NODE_SCHEDULER || node->kind == NODE_INVOKER) &&
               node->listening && !node->disabled;
    if (node->kind == NODE_SCHEDULER)
        return node->has_key;
    return node->kind == NODE_INVOKER && node->has_key && node->healthy;
}

static void floor_report(const struct check_context *ctx, const struct floor_tier *tier,
                         enum node_kind kind, node_id node, const struct record *r)
{
    const char *how = kind == NODE_CONTROLLER  ? "in the edge and listening"
                      : ctx->world->is_outside ? "listening and not disabled"
                      : kind == NODE_SCHEDULER ? "with a key in etcd"
                                               : "up";
    struct violation v = violation_of(r);
    v.node = node;
    v.action = ACTION_NONE;
    v.container = 0;
    check_report(ctx, &v,
                 "%" PRIu32 " %s%s %s, at least %" PRIu64 " wanted: %s was the last to go",
                 tier->serving, node_kind_to_string(kind), tier->serving == 1 ? "" : "s", how,
                 floor_of(ctx, kind), check_node(ctx, node));
}

static void floor_follow(struct floors *floors, const struct check_context *ctx, node_id node,
                         const struct record *r)
{
    if (node >= ctx->world->cluster->node_count)
        return;
    const struct ledger_node *n = ledger_node(ctx->ledger, node);
    bool serves = floor_serves(ctx, n);
    if (serves == floors->is_serving[node])
        return;
    struct floor_tier *tier = &floors->tiers[n->kind];
    uint64_t floor = floor_of(ctx, (enum node_kind)n->kind);
    floors->is_serving[node] = serves;
    tier->serving += serves ? 1u : UINT32_MAX;
    if (tier->serving >= floor) {
        tier->is_warm = true;
        check_applies(ctx);
    } else if (!serves && tier->is_warm && tier->serving + 1 == floor)
        floor_report(ctx, tier, (enum node_kind)n->kind, node, r);
}

static void floor_on_record(void *self, const struct check_context *ctx, const struct record *r)
{
    bool is_key = r->kind == RECORD_KEY_PUT || r->kind == RECORD_KEY_DELETED;
    node_id node = is_key ? r->key.node : r->kind == RECORD_EDGE_CHANGED ? r->peer : r->node;
    floor_follow(self, ctx, node, r);
}

const struct check_ops check_capacity_floor = {
    .name = "capacity-floor",
    .is_seen_outside = true,
    .size = sizeof(struct floors),
    .kinds = (const uint16_t[]){RECORD_KEY_PUT, RECORD_KEY_DELETED, RECORD_EDGE_CHANGED,
                                RECORD_STATE, RECORD_NODE_LISTENING, RECORD_NODE_STARTED,
                                RECORD_NODE_STOPPED, RECORD_NODE_DISABLED, RECORD_NODE_ENABLED,
                                RECORD_NONE},
    .begin = floor_begin,
    .on_record = floor_on_record,
};
