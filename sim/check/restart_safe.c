/*
 * restart_safe.c - a controller, scheduler or invoker is stopped while a kill loses or fails
 * an activation (ledger.h), whatever its count said. One violation per stop.
 *
 * Looked at when the process is gone, not when it is asked to stop: what it still ended in
 * between is not lost. A stop by a fault is not judged here. What waits in the topic of a
 * stopped scheduler is only suspected: confirmed when the successor gives it up or nobody
 * ever takes it further, taken back when it goes on; the violation then stands at the stop.
 */
#include "check/check_internal.h"
#include "core/assert.h"
#include <inttypes.h>

struct stop { /* the last stop of a node */
    tstamp at;
    uint64_t seq;
    bool is_open, is_reported;
};
struct restart_safe {
    struct stop *stops; /* by node */
};

static void safe_begin(void *self, const struct check_context *ctx)
{
    struct restart_safe *safe = self;
    size_t count = ctx->world->cluster->node_count + 1;
    safe->stops = arena_alloc(ctx->arena, ARENA_HOST, count * sizeof *safe->stops);
}

static void safe_suspect(const struct check_context *ctx, node_id node)
{
    const struct table *all = ledger_activations(ctx->ledger);
    if (ledger_node(ctx->ledger, node)->topic_count == 0)
        return;
    for (uint32_t i = 0; i < all->item_used; i++) {
        struct ledger_activation *a = table_at(all, i);
        if (a != NULL && a->place == PLACE_TOPIC && a->scheduler == node) {
            a->flags |= LEDGER_SUSPECT;
            a->suspect = node;
        }
    }
}

static void safe_on_stop(void *self, const struct check_context *ctx, const struct record *r)
{
    struct restart_safe *safe = self;
    const struct ledger_node *node = ledger_node(ctx->ledger, r->node);
    if (r->detail != 0 || (node->kind != NODE_CONTROLLER && node->kind != NODE_SCHEDULER &&
                           node->kind != NODE_INVOKER))
        return;
    check_applies(ctx);
    /* Never too old: what is in the topic is left to the successor. */
    struct ledger_risk risk = ledger_risk(ctx->ledger, r->node, r->at, 0, TSTAMP_NEVER);
    safe->stops[r->node] = (struct stop){
        .at = r->at, .seq = r->seq, .is_open = true, .is_reported = risk.total > 0};
    safe_suspect(ctx, r->node);
    if (risk.total > 0)
        check_report_risk(ctx, r, &risk, "is stopped and takes", " with it");
}

static void safe_confirm(struct restart_safe *safe, const struct check_context *ctx,
                         const struct ledger_activation *a, const char *how)
{
    struct stop *stop = &safe->stops[a->suspect];
    ASSERT(stop->is_open);
    if (stop->is_reported)
        return;
    stop->is_reported = true;
    struct violation v = {.at = stop->at,
                          .seq = stop->seq,
                          .activation = a->id,
                          .node = a->suspect,
                          .action = a->action};
    check_report(ctx, &v, "%s was stopped with activations in its topic: one of %s %s",
                 check_node(ctx, a->suspect), check_action(ctx, a->action), how);
}

static void safe_on_record(void *self, const struct check_context *ctx, const struct record *r)
{
    struct ledger_activation *a = ledger_activation(ctx->ledger, r->activation);
    if (a == NULL || (a->flags & LEDGER_SUSPECT) == 0)
        return;
    a->flags &= ~(uint32_t)LEDGER_SUSPECT;
    if (r->kind == RECORD_DROPPED)
        safe_confirm(self, ctx, a, "was given up by its successor");
}

static void safe_end(void *self, const struct check_context *ctx, tstamp now)
{
    const struct table *all = ledger_activations(ctx->ledger);
    (void)now;
    for (uint32_t i = 0; i < all->item_used; i++) {
        const struct ledger_activation *a = table_at(all, i);
        if (a != NULL && (a->flags & LEDGER_SUSPECT) != 0)
            safe_confirm(self, ctx, a, "was never taken further");
    }
}

const struct check_ops check_restart_safe = {
    .name = "restart-safe",
    .size = sizeof(struct restart_safe),
    .kinds = (const uint16_t[]){RECORD_FORWARDED, RECORD_QUEUED, RECORD_HANDED_OVER,
                                RECORD_RUN_STARTED, RECORD_DROPPED, RECORD_NONE},
    .begin = safe_begin,
    .on_record = safe_on_record,
    .on_stop = safe_on_stop,
    .end = safe_end,
};
