/*
 * leader_stable.c - a queue's leader key is deleted or taken over by another than its owner,
 * or moves although its owner was not restarted.
 *
 * The owner is who put the key. A disable or a stop of the owner explains one move of each of
 * its queues. A queue that ended in good order (idle, outdated) leaves no owner: what another
 * scheduler makes later is a new queue. Deletes are by key alone, whoever holds it
 * (EtcdWorker.scala:150-152 at 1fae641a2). Where the record does not say who wrote (a real
 * etcd), nothing is known of deletes.
 */
#include "check/check_internal.h"

struct leader {     /* by namespace << 16 | action */
    uint64_t seq;   /* of the owner's put */
    node_id owner;  /* NODE_NONE: not known */
    uint32_t epoch; /* of the owner, when it put it */
    bool is_there;
};
struct leaders {
    struct table keys;
    uint32_t *epochs; /* per node: disables and stops */
};

static void leader_begin(void *self, const struct check_context *ctx)
{
    struct leaders *leaders = self;
    table_init(&leaders->keys, ctx->arena, sizeof(struct leader));
    leaders->epochs = arena_alloc(ctx->arena, ARENA_HOST,
                                  ctx->world->cluster->node_count * sizeof *leaders->epochs);
}

static void leader_report(const struct check_context *ctx, const struct record *r,
                          const struct leader *leader, const char *does, const char *but)
{
    struct violation v = violation_of(r);
    v.key = r->key;
    v.node = r->peer;
    v.action = r->key.action;
    check_report(ctx, &v, "%s %s the leader key of %s, which is %s's%s",
                 check_node(ctx, r->peer), does, check_action(ctx, r->key.action),
                 check_node(ctx, leader->owner), but);
}

static void leader_on_put(struct leaders *leaders, const struct check_context *ctx,
                          const struct record *r, struct leader *leader)
{
    if (leader->owner != NODE_NONE && r->peer != leader->owner) {
        bool was_restarted = leaders->epochs[leader->owner] != leader->epoch;
        if (leader->is_there)
            leader_report(ctx, r, leader, "takes over", "");
        else if (!was_restarted &&
                 ledger_queue_serves(ctx->ledger, leader->owner, r->key.ns, r->key.action))
            leader_report(ctx, r, leader, "becomes owner of",
                          " still: it was neither disabled nor stopped");
    }
    leader->owner = r->peer;
    leader->epoch = leaders->epochs[r->peer];
    leader->seq = r->seq;
    leader->is_there = true;
}

static void leader_on_key(struct leaders *leaders, const struct check_context *ctx,
                          const struct record *r)
{
    uint64_t name = (uint64_t)r->key.ns << 16 | r->key.action;
    struct leader *leader = table_find(&leaders->keys, name, 0);
    bool is_expiry = r->kind == RECORD_KEY_DELETED && (r->detail & RECORD_KEY_EXPIRED) != 0;
    if (r->peer >= ctx->world->cluster->node_count && !is_expiry)
        return; /* written by nobody of ours, or nobody saw by whom */
    check_applies(ctx);
    if (leader == NULL) {
        leader = table_add(&leaders->keys, name, 0);
        leader->owner = NODE_NONE;
    }
    if (r->kind == RECORD_KEY_PUT) {
        leader_on_put(leaders, ctx, r, leader);
        return;
    }
    if (!is_expiry && leader->is_there && leader->owner != NODE_NONE &&
        r->peer != leader->owner)
        leader_report(ctx, r, leader, "deletes", "");
    leader->is_there = false;
    if (!is_expiry && r->peer == leader->owner &&
        leaders->epochs[leader->owner] == leader->epoch)
        leader->owner = NODE_NONE; /* given back in good order */
}

static void leader_on_record(void *self, const struct check_context *ctx,
                             const struct record *r)
{
    struct leaders *leaders = self;
    if (r->kind == RECORD_NODE_DISABLED || r->kind == RECORD_NODE_STOPPED)
        leaders->epochs[r->node]++;
    else if (r->key.family == KEY_QUEUE)
        leader_on_key(leaders, ctx, r);
}

const struct check_ops check_leader_stable = {
    .name = "leader-stable",
    .size = sizeof(struct leaders),
    .kinds = (const uint16_t[]){RECORD_KEY_PUT, RECORD_KEY_DELETED, RECORD_NODE_DISABLED,
                                RECORD_NODE_STOPPED, RECORD_NONE},
    .begin = leader_begin,
    .on_record = leader_on_record,
};
