/*
 * no_stale_view.c - 5 s after the last change of a key a watcher's view differs from etcd.
 *
 * Views: leaders (controllers and queue managers), schedulers and throttles (controllers),
 * warmed containers (schedulers), containers and creations (the queue of their action). A
 * watcher says with VIEW_CHANGED, a queue with SET_CHANGED, what it now believes. Processes
 * and queues watch from when they are there, and read nothing of before but what the component
 * lists at its start. A queue takes an id out, too, when it is told by another way than
 * the watch (the job's end, a container's farewell); a leader that is not known is looked up; a
 * throttle that is not known is `false`: none of these is stale. A process that was disabled or
 * stopped does not watch.
 */
#include "check/check_internal.h"
#include "check/grace.h"
#include "core/assert.h"

/* The port may be bound some ms before etcd has the watch. */
#define WATCH_BEGINS SEC(1)

struct view_key { /* a key of etcd that somebody watches; by the words of its name */
    struct key key;
    uint64_t changed_seq;
    tstamp put_at; /* when it came to be */
    node_id owner; /* leaders: who put it; NODE_NONE: not known */
    bool is_there;
};
struct view_belief { /* by the words of the key's name and the watcher */
    node_id owner;
    bool is_out; /* of a set: it knows that the key is to go */
};
struct view_change { /* by seq; until its time has passed */
    uint64_t a, b;
};
struct views {
    struct table keys, beliefs, changes;
    struct grace list;
};

/* Ids of containers and creations are their own names: that is all that a queue's set knows. */
static bool view_is_of_set(const struct key *key)
{
    return key->family == KEY_EXISTING || key->family == KEY_IN_PROGRESS;
}

static uint64_t view_a(const struct key *key)
{
    uint64_t family = (uint64_t)key->family << 48;
    return view_is_of_set(key)
               ? family
               : family | (uint64_t)key->ns << 32 | (uint64_t)key->action << 16 | key->node;
}

static uint64_t view_b(const struct key *key, node_id watcher)
{
    uint32_t revision = view_is_of_set(key) ? 0 : key->revision & 0xffffu;
    return (uint64_t)watcher << 48 | (uint64_t)revision << 32 | key->id;
}

static void view_begin(void *self, const struct check_context *ctx)
{
    struct views *views = self;
    table_init(&views->keys, ctx->arena, sizeof(struct view_key));
    table_init(&views->beliefs, ctx->arena, sizeof(struct view_belief));
    table_init(&views->changes, ctx->arena, sizeof(struct view_change));
    grace_init(&views->list, ctx->arena, check_bound(ctx, BOUND_STALE_GRACE));
}

static bool view_is_watched(const struct key *key)
{
    return key->family == KEY_QUEUE || key->family == KEY_SCHEDULER ||
           key->family == KEY_THROTTLING || key->family == KEY_WARMED ||
           key->family == KEY_EXISTING || key->family == KEY_IN_PROGRESS;
}

/* From now on it is given its time. */
static void view_changed(struct views *views, const struct check_context *ctx,
                         struct view_key *key, const struct record *r)
{
    struct view_change *change = table_add(&views->changes, r->seq, 0);
    *change = (struct view_change){.a = view_a(&key->key), .b = view_b(&key->key, NODE_NONE)};
    key->changed_seq = r->seq;
    grace_add(&views->list, r->at, r->seq, r->seq);
    check_due(ctx, grace_due(&views->list));
}

/* What a watcher would have to believe: of a throttle, that it is true. */
static void view_on_key(struct views *views, const struct check_context *ctx,
                        const struct record *r)
{
    if (!view_is_watched(&r->key))
        return;
    uint64_t a = view_a(&r->key), b = view_b(&r->key, NODE_NONE);
    struct view_key *key = table_find(&views->keys, a, b);
    bool is_there = r->kind == RECORD_KEY_PUT &&
                    (r->key.family != KEY_THROTTLING || (r->detail & RECORD_KEY_TRUE) != 0);
    if (key == NULL)
        key = table_add(&views->keys, a, b);
    if (!key->is_there)
        key->put_at = r->at;
    key->key = r->key;
    key->is_there = is_there;
    key->owner = r->key.family == KEY_QUEUE ? r->peer : NODE_NONE;
    view_changed(views, ctx, key, r);
}

static void view_believe(struct views *views, node_id watcher, const struct key *key,
                         bool is_there, node_id owner)
{
    uint64_t a = view_a(key), b = view_b(key, watcher);
    struct view_belief *belief = table_find(&views->beliefs, a, b);
    const struct view_key *stored = table_find(&views->keys, a, view_b(key, NODE_NONE));
    bool keeps = is_there || (view_is_of_set(key) && stored != NULL && stored->is_there);
    if (!keeps && belief != NULL)
        table_remove(&views->beliefs, a, b);
    if (!keeps)
        return;
    if (belief == NULL)
        belief = table_add(&views->beliefs, a, b);
    *belief = (struct view_belief){.owner = owner, .is_out = !is_there};
}

/* A store of a whole set that brings another id back, or loses it, unknown to its owner. */
static void view_on_overwritten(struct views *views, const struct record *r, struct key key)
{
    key.id = (uint32_t)(r->value2 >> 32);
    if ((r->value2 & SET_IS_BACK) != 0)
        view_believe(views, r->node, &key, true, NODE_NONE);
    else if (table_find(&views->beliefs, view_a(&key), view_b(&key, r->node)) != NULL)
        table_remove(&views->beliefs, view_a(&key), view_b(&key, r->node));
}

/* A container that is fetched for again goes in before its key does. */
static void view_on_set(struct views *views, const struct check_context *ctx,
                        const struct record *r)
{
    bool is_add = (r->value2 & SET_IS_ADD) != 0, is_container = r->container != 0;
    struct key key = {.family = is_container ? KEY_EXISTING : KEY_IN_PROGRESS,
                      .id = is_container ? r->container : r->creation};
    if (r->detail == SET_LOAD || r->detail == SET_READ_STALE)
        return;
    view_believe(views, r->node, &key, is_add, NODE_NONE);
    struct view_key *stored = table_find(&views->keys, view_a(&key), view_b(&key, NODE_NONE));
    if (is_add && stored != NULL && !stored->is_there)
        view_changed(views, ctx, stored, r);
    if (r->detail == SET_STORE && r->value2 >> 32 != 0)
        view_on_overwritten(views, r, key);
}

static void view_forget(struct views *views, node_id watcher)
{
    struct table *table = &views->beliefs;
    for (uint32_t i = 0; i < table->item_used; i++) {
        uint64_t a, b;
        if (table_at(table, i) == NULL)
            continue;
        table_name(table, i, &a, &b);
        if (b >> 48 == watcher)
            table_remove(table, a, b);
    }
}

static void view_on_record(void *self, const struct check_context *ctx, const struct record *r)
{
    struct views *views = self;
    if (r->kind == RECORD_KEY_PUT || r->kind == RECORD_KEY_DELETED)
        view_on_key(views, ctx, r);
    else if (r->kind == RECORD_SET_CHANGED)
        view_on_set(views, ctx, r);
    else if (r->kind == RECORD_VIEW_CHANGED) {
        check_applies(ctx);
        view_believe(views, r->node, &r->key, r->detail != 0, r->peer);
    } else
        view_forget(views, r->node); /* NODE_STOPPED */
}

/* Does this watcher look at the key, and was it there when the key changed? */
static bool view_watches(const struct check_context *ctx, const struct view_key *key,
                         node_id watcher, tstamp changed_at)
{
    const struct ledger_node *node = ledger_node(ctx->ledger, watcher);
    if (!node->up || !node->listening || node->disabled || node->stopping ||
        node->listening_at + WATCH_BEGINS > changed_at)
        return false;
    switch ((enum key_family)key->key.family) {
    case KEY_QUEUE:
        return node->kind == NODE_CONTROLLER || node->kind == NODE_SCHEDULER;
    case KEY_SCHEDULER:
    case KEY_THROTTLING:
        return node->kind == NODE_CONTROLLER;
    case KEY_WARMED:
        return node->kind == NODE_SCHEDULER;
    case KEY_EXISTING:
    case KEY_IN_PROGRESS:
        return node->kind == NODE_SCHEDULER &&
               ledger_queue_since(ctx->ledger, watcher, key->key.ns, key->key.action) <
                   key->put_at;
    default:
        return false;
    }
}

static void view_compare(struct views *views, const struct check_context *ctx,
                         const struct view_key *key, node_id watcher, tstamp at)
{
    bool is_optional = key->key.family == KEY_QUEUE;
    const struct view_belief *belief =
        table_find(&views->beliefs, view_a(&key->key), view_b(&key->key, watcher));
    if (belief != NULL && belief->is_out) {
        if (!key->is_there)
            table_remove(&views->beliefs, view_a(&key->key), view_b(&key->key, watcher));
        return;
    }
    bool is_other = belief != NULL && key->is_there && is_optional && key->owner != NODE_NONE &&
                    belief->owner != NODE_NONE && belief->owner != key->owner;
    if ((belief != NULL) == key->is_there && !is_other)
        return;
    if (belief == NULL && is_optional)
        return;
    char text[160];
    struct violation v = {.at = at,
                          .seq = key->changed_seq,
                          .key = key->key,
                          .node = watcher,
                          .action = key->key.action};
    (void)key_print(ctx->world->cluster, &key->key, text, sizeof text);
    check_report(ctx, &v, "%s %s key %s, which %s", check_node(ctx, watcher),
                 is_other         ? "still believes in the former owner of"
                 : belief != NULL ? "still believes in"
                                  : "does not know",
                 text,
                 is_other        ? "has another"
                 : key->is_there ? "is in etcd"
                                 : "is gone from etcd");
}

static void view_on_tick(void *self, const struct check_context *ctx, tstamp now)
{
    struct views *views = self;
    struct grace_item item;
    while (grace_take(&views->list, now, &item)) {
        struct view_change change =
            *(struct view_change *)table_find(&views->changes, item.name, 0);
        table_remove(&views->changes, item.name, 0);
        const struct view_key *key = table_find(&views->keys, change.a, change.b);
        if (key == NULL || key->changed_seq != item.seq)
            continue;
        const struct cluster *cluster = ctx->world->cluster;
        for (uint32_t i = 0; i < cluster->counts[NODE_CONTROLLER]; i++) {
            node_id node = cluster_node(cluster, NODE_CONTROLLER, i);
            if (view_watches(ctx, key, node, item.since))
                view_compare(views, ctx, key, node, tstamp_add(item.since, views->list.length));
        }
        for (uint32_t i = 0; i < cluster->counts[NODE_SCHEDULER]; i++) {
            node_id node = cluster_node(cluster, NODE_SCHEDULER, i);
            if (view_watches(ctx, key, node, item.since))
                view_compare(views, ctx, key, node, tstamp_add(item.since, views->list.length));
        }
        if (!key->is_there)
            table_remove(&views->keys, change.a, change.b);
    }
    check_due(ctx, grace_due(&views->list));
}

const struct check_ops check_no_stale_view = {
    .name = "no-stale-view",
    .size = sizeof(struct views),
    .kinds = (const uint16_t[]){RECORD_KEY_PUT, RECORD_KEY_DELETED, RECORD_VIEW_CHANGED,
                                RECORD_SET_CHANGED, RECORD_NODE_STOPPED, RECORD_NONE},
    .begin = view_begin,
    .on_record = view_on_record,
    .on_tick = view_on_tick,
};
