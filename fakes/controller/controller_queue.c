/*
 * controller_queue.c - which schedulers and queues there are, and asking for a queue.
 *
 * Source: FPCPoolBalancer.scala:166-210, 422-561, 742-745 at 1fae641a2.
 */
#include "controller/controller_internal.h"
#include "common/common_behaviour.h"
#include "core/assert.h"

#define WATCH_NAME 1u /* distributed-pool-balancer */
#define ASK_TIMEOUT SEC(8)

static const uint16_t watched[] = {KEY_QUEUE, KEY_SCHEDULER, KEY_THROTTLING};
#define WATCHED_COUNT (sizeof watched / sizeof watched[0])

void controller_watch(struct controller *self, struct effects *fx)
{
    (void)self;
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        struct key key = {.family = watched[i]};
        watcher_watch(fx, BALANCER_ID, &key, 1, WATCH_NAME, true, true);
    }
}

void controller_unwatch(struct controller *self, struct effects *fx)
{
    (void)self;
    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        struct key key = {.family = watched[i]};
        watcher_unwatch(fx, BALANCER_ID, &key, 1, WATCH_NAME, false);
    }
}

/* ---- schedulerEndpoints ---- */

static struct scheduler_info *info_of(const struct controller *self, node_id node)
{
    const struct cluster *c = self->env->cluster;
    if (node >= c->node_count || c->nodes[node].kind != NODE_SCHEDULER)
        return NULL;
    return &self->schedulers[c->nodes[node].index];
}

bool controller_knows(const struct controller *self, node_id scheduler)
{
    const struct scheduler_info *info = info_of(self, scheduler);
    return info != NULL && info->is_known;
}

/* Fewest leader queues; of equals the first by index. */
node_id controller_least(const struct controller *self, const node_id *tried, uint32_t count)
{
    node_id best = NODE_NONE;
    uint32_t best_size = 0;
    for (uint32_t i = 0; i < self->scheduler_count; i++) {
        node_id node = cluster_node(self->env->cluster, NODE_SCHEDULER, i);
        bool is_tried = false;
        for (uint32_t t = 0; t < count; t++)
            is_tried |= tried[t] == node;
        if (!self->schedulers[i].is_known || is_tried)
            continue;
        if (best == NODE_NONE || self->schedulers[i].queue_size < best_size) {
            best = node;
            best_size = self->schedulers[i].queue_size;
        }
    }
    return best;
}

/* Any known one, drawn; NODE_NONE without one. */
node_id controller_any(const struct controller *self, activation_id id)
{
    if (self->known_count == 0)
        return NODE_NONE;
    uint64_t left =
        draw_below(self->env->draws, PURPOSE_PICK_SCHEDULER, id, 0, self->known_count);
    uint32_t i = 0;
    for (; left > 0 || !self->schedulers[i].is_known; i++)
        left -= self->schedulers[i].is_known;
    ASSERT_OP(i, <, self->scheduler_count);
    return cluster_node(self->env->cluster, NODE_SCHEDULER, i);
}

static void warm_up(struct controller *self, node_id scheduler, struct effects *fx)
{
    controller_send_warm_up(self, self->env->cluster->nodes[scheduler].index, fx);
    struct message *m = effects_send(fx, MSG_CREATE_QUEUE, ASK_ACTOR(ASK_WARM_UP, 0), scheduler,
                                     ACTOR(ACTOR_QUEUE_MANAGER, 0, 0));
    m->corr = controller_number(self);
    m->u.create_queue.action = ACTION_WARM_UP;
    m->u.create_queue.ns = NAMESPACE_SYSTEM;
    m->u.create_queue.akka = common_behaviour(self->env)->akka;
}

/* NULL: cannot be parsed; an error in the log, and nothing else. */
static struct scheduler_info *info_parse(struct controller *self, const struct value *value)
{
    return endpoints_parse(self->env, VALUE_SCHEDULER, value) ? info_of(self, value->node)
                                                              : NULL;
}

void controller_scheduler_seen(struct controller *self, const struct value *value,
                               struct effects *fx)
{
    struct scheduler_info *info = info_parse(self, value);
    if (info == NULL)
        return;
    if (!info->is_known) {
        warm_up(self, value->node, fx);
        info->is_known = true;
        self->known_count++;
    }
    info->queue_size = value->a;
}

/* The value is the one before the deletion. */
static void scheduler_gone(struct controller *self, const struct value *value)
{
    struct scheduler_info *info = info_parse(self, value);
    if (info == NULL || !info->is_known)
        return;
    ASSERT_OP(self->known_count, >, 0);
    *info = (struct scheduler_info){0};
    self->known_count--;
}

/* ---- createQueue ---- */

static uint64_t ask_key(uint32_t origin, uint32_t corr)
{
    return (uint64_t)origin << 32 | corr;
}

static struct queue_ask *ask_new(struct controller *self, enum ask_origin origin, uint32_t corr,
                                 const struct invocation *i, struct effects *fx)
{
    ASSERT(call_table_find(&self->asks, ask_key(origin, corr)) == NULL);
    struct queue_ask *ask = call_slab_take(&self->ask_slab);
    ask->corr = corr;
    ask->origin = (uint8_t)origin;
    ask->action = i->action;
    ask->ns = i->ns;
    ask->revision = i->revision;
    ask->cause = fx->cause;
    ask->timer.kind = TIMER_ASK;
    ask->timer.actor = BALANCER_ID;
    call_table_add(&self->asks, &ask->link, ask_key(origin, corr));
    ask->prev = self->ask_last;
    if (self->ask_last != NULL)
        self->ask_last->next = ask;
    else
        self->ask_first = ask;
    self->ask_last = ask;
    return ask;
}

static void ask_close(struct controller *self, struct queue_ask *ask)
{
    timers_cancel(&self->timers, &ask->timer);
    if (ask->prev != NULL)
        ask->prev->next = ask->next;
    else
        self->ask_first = ask->next;
    if (ask->next != NULL)
        ask->next->prev = ask->prev;
    else
        self->ask_last = ask->prev;
    call_table_remove(&self->asks, &ask->link);
    call_slab_give(&self->ask_slab, ask);
}

static void ask_send(struct controller *self, struct queue_ask *ask, node_id scheduler,
                     struct effects *fx)
{
    ASSERT_OP(ask->attempts, <=, ASK_BUDGET);
    struct record *r = effects_record(fx, RECORD_QUEUE_ASKED, BALANCER_ID);
    r->action = ask->action;
    r->ns = ask->ns;
    r->peer = scheduler;
    ask->cause = fx->cause;
    ask->tried[ask->attempts++] = scheduler;
    struct message *m =
        effects_send(fx, MSG_CREATE_QUEUE, ASK_ACTOR(ask->origin, ask->attempts), scheduler,
                     ACTOR(ACTOR_QUEUE_MANAGER, 0, 0));
    m->corr = ask->corr;
    m->u.create_queue.action = ask->action;
    m->u.create_queue.ns = ask->ns;
    m->u.create_queue.revision = ask->revision;
    m->u.create_queue.akka = common_behaviour(self->env)->akka;
    controller_arm(self, fx, &ask->timer, ASK_TIMEOUT);
}

/* Another scheduler that was not asked yet; without one, or without budget, give up. */
static void ask_next(struct controller *self, struct queue_ask *ask, struct effects *fx)
{
    node_id scheduler = controller_least(self, ask->tried, ask->attempts);
    if (ask->attempts > ASK_BUDGET || scheduler == NODE_NONE)
        ask_close(self, ask);
    else
        ask_send(self, ask, scheduler, fx);
}

void controller_ask_for(struct controller *self, const struct invocation *i, node_id scheduler,
                        struct effects *fx)
{
    struct queue_ask *ask = ask_new(self, ASK_PUBLISH, i->id, i, fx);
    ask_send(self, ask, scheduler, fx);
}

/* Any answer ends it, also `success=false`. */
void controller_on_asked(struct controller *self, const struct message *m, struct effects *fx)
{
    (void)fx;
    uint64_t key = ask_key(ACTOR_GENERATION(m->to_actor), m->corr);
    struct queue_ask *ask = (struct queue_ask *)(void *)call_table_find(&self->asks, key);
    if (ask != NULL && ask->attempts == ACTOR_INDEX(m->to_actor))
        ask_close(self, ask);
}

void controller_ask_timer(struct controller *self, struct queue_ask *ask, struct effects *fx)
{
    fx->cause = ask->cause;
    ask_next(self, ask, fx);
}

/* A leader vanished: if a slot needs its queue, some scheduler is asked to make it again. */
static void recreate(struct controller *self, namespace_id ns, action_id action,
                     struct effects *fx)
{
    const struct invocation *i = self->first;
    while (i != NULL && !(i->has_slot && i->ns == ns && i->action == action))
        i = i->next;
    if (i == NULL)
        return;
    struct queue_ask *ask = ask_new(self, ASK_RECREATE, controller_number(self), i, fx);
    if (controller_has_action(self, action, fx))
        ask_next(self, ask, fx);
    else
        ask->needs_action = true;
}

void controller_asks_continue(struct controller *self, action_id action, bool found,
                              struct effects *fx)
{
    struct queue_ask *next = NULL;
    for (struct queue_ask *ask = self->ask_first; ask != NULL; ask = next) {
        next = ask->next;
        if (!ask->needs_action || ask->action != action)
            continue;
        ask->needs_action = false;
        fx->cause = ask->cause;
        if (found)
            ask_next(self, ask, fx);
        else
            ask_close(self, ask); /* a failed read is not handled: nothing happens */
    }
}

/* ---- watched keys ---- */

static void on_queue(struct controller *self, const struct post_watched *w, bool is_removed,
                     struct effects *fx)
{
    uint32_t key = pair_key(w->key.ns, w->key.action);
    if (is_removed) {
        call_map_remove(&self->queue_endpoints, key);
        recreate(self, w->key.ns, w->key.action, fx);
    } else if (endpoints_parse(self->env, VALUE_ENDPOINTS, &w->value)) {
        call_map_put(&self->queue_endpoints, key, w->value.node);
    }
}

/* Whatever is not `true` is false. */
static void on_throttling(struct controller *self, const struct post_watched *w,
                          bool is_removed)
{
    uint32_t key = pair_key(w->key.ns, w->key.action);
    if (is_removed)
        call_map_remove(&self->throttlers, key);
    else
        call_map_put(&self->throttlers, key, w->value.kind == VALUE_BOOL && w->value.a != 0);
}

/* What cannot be parsed changes no map; a leader's key goes by its name alone. */
static bool is_believed(const struct controller *self, const struct post_watched *w,
                        bool is_removed)
{
    if (w->key.family == KEY_QUEUE)
        return is_removed || endpoints_parse(self->env, VALUE_ENDPOINTS, &w->value);
    return w->key.family != KEY_SCHEDULER ||
           endpoints_parse(self->env, VALUE_SCHEDULER, &w->value);
}

void controller_on_watched(struct controller *self, const struct message *m, struct effects *fx)
{
    const struct post_watched *w = MESSAGE_LOCAL_CONST(m, struct post_watched);
    bool is_removed = m->what == POST_REMOVED;
    bool is_true =
        w->key.family != KEY_THROTTLING || (w->value.kind == VALUE_BOOL && w->value.a != 0);
    if (is_believed(self, w, is_removed))
        watcher_believes(fx, BALANCER_ID, &w->key, !is_removed && is_true,
                         w->key.family == KEY_QUEUE ? w->value.node : NODE_NONE);
    if (w->key.family == KEY_QUEUE)
        on_queue(self, w, is_removed, fx);
    else if (w->key.family == KEY_THROTTLING)
        on_throttling(self, w, is_removed);
    else if (w->key.family == KEY_SCHEDULER && is_removed)
        scheduler_gone(self, &w->value);
    else if (w->key.family == KEY_SCHEDULER)
        controller_scheduler_seen(self, &w->value, fx);
    else
        effects_reject(fx, BALANCER_ID, m);
}
