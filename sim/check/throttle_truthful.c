/*
 * throttle_truthful.c - a throttling key says true when nothing is throttled, at rest.
 *
 * The key of a namespace may be true while one of its queues is NamespaceThrottled. The key of
 * an action says that too much of it waits; at rest nothing does, also where the queue has no
 * way out of ActionThrottled (MemoryQueue.scala:303-308, 812-824 at 1fae641a2). Controllers
 * answer 429 by these keys, so one that is left behind turns everybody away.
 */
#include "check/check_internal.h"
#include "core/fsm.h"
#include <string.h>

struct throttle_key { /* by namespace << 16 | action or ACTION_NONE */
    struct key key;
    uint64_t seq;
};
struct throttled { /* a queue that is NamespaceThrottled; by namespace << 16 | action, node */
    namespace_id ns;
    node_id node;
};
struct throttles {
    struct table keys, queues; /* keys that say true */
};

static void throttle_begin(void *self, const struct check_context *ctx)
{
    struct throttles *throttles = self;
    table_init(&throttles->keys, ctx->arena, sizeof(struct throttle_key));
    table_init(&throttles->queues, ctx->arena, sizeof(struct throttled));
}

static uint64_t throttle_name(namespace_id ns, action_id action)
{
    return (uint64_t)ns << 16 | action;
}

static void throttle_on_key(struct throttles *throttles, const struct record *r)
{
    uint64_t name = throttle_name(r->key.ns, r->key.action);
    bool is_true = r->kind == RECORD_KEY_PUT && (r->detail & RECORD_KEY_TRUE) != 0;
    struct throttle_key *key = table_find(&throttles->keys, name, 0);
    if (is_true && key == NULL) {
        key = table_add(&throttles->keys, name, 0);
        *key = (struct throttle_key){.key = r->key, .seq = r->seq};
    } else if (!is_true && key != NULL)
        table_remove(&throttles->keys, name, 0);
}

static void throttle_on_queue(struct throttles *throttles, const struct record *r)
{
    bool is_throttled =
        r->kind == RECORD_STATE &&
        strcmp(fsm_state_name(FSM_QUEUE, (unsigned)r->value2), "NamespaceThrottled") == 0;
    uint64_t name = throttle_name(r->ns, r->action);
    struct throttled *queue = table_find(&throttles->queues, name, r->node);
    if (!is_throttled && queue != NULL)
        table_remove(&throttles->queues, name, r->node);
    if (!is_throttled || queue != NULL)
        return;
    queue = table_add(&throttles->queues, name, r->node);
    *queue = (struct throttled){.ns = r->ns, .node = r->node};
}

static void throttle_forget(struct throttles *throttles, node_id node)
{
    struct table *queues = &throttles->queues;
    for (uint32_t i = 0; i < queues->item_used; i++) {
        const struct throttled *queue = table_at(queues, i);
        uint64_t a, b;
        if (queue == NULL || queue->node != node)
            continue;
        table_name(queues, i, &a, &b);
        table_remove(queues, a, b);
    }
}

static void throttle_on_record(void *self, const struct check_context *ctx,
                               const struct record *r)
{
    struct throttles *throttles = self;
    if (r->kind == RECORD_NODE_STOPPED) {
        throttle_forget(throttles, r->node);
    } else if (r->kind == RECORD_QUEUE_GONE || r->kind == RECORD_STATE) {
        if (r->kind == RECORD_QUEUE_GONE || r->detail == FSM_QUEUE)
            throttle_on_queue(throttles, r);
    } else if (r->key.family == KEY_THROTTLING) {
        check_applies(ctx);
        throttle_on_key(throttles, r);
    }
}

static bool throttle_is_true(const struct throttles *throttles, const struct key *key)
{
    for (uint32_t i = 0; key->action == ACTION_NONE && i < throttles->queues.item_used; i++) {
        const struct throttled *queue = table_at(&throttles->queues, i);
        if (queue != NULL && queue->ns == key->ns)
            return true;
    }
    return false;
}

static void throttle_on_settle(void *self, const struct check_context *ctx, tstamp now,
                               const char *pending)
{
    struct throttles *throttles = self;
    for (uint32_t i = 0; pending == NULL && i < throttles->keys.item_used; i++) {
        const struct throttle_key *key = table_at(&throttles->keys, i);
        char text[160];
        if (key == NULL || throttle_is_true(throttles, &key->key))
            continue;
        struct violation v = {.at = now,
                              .seq = key->seq,
                              .key = key->key,
                              .node = NODE_NONE,
                              .action = key->key.action};
        (void)key_print(ctx->world->cluster, &key->key, text, sizeof text);
        check_report(ctx, &v, "key %s says true, and no queue is throttled", text);
    }
}

const struct check_ops check_throttle_truthful = {
    .name = "throttle-truthful",
    .size = sizeof(struct throttles),
    .kinds = (const uint16_t[]){RECORD_KEY_PUT, RECORD_KEY_DELETED, RECORD_STATE,
                                RECORD_QUEUE_GONE, RECORD_NODE_STOPPED, RECORD_NONE},
    .begin = throttle_begin,
    .on_record = throttle_on_record,
    .on_settle = throttle_on_settle,
};
