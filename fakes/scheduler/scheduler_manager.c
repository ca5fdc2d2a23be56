/*
 * scheduler_manager.c - QueueManager: elections, new queues, recovery, disable.
 * Source: QueueManager.scala:103-278, 538-609 at 1fae641a2.
 */
#include "scheduler/scheduler_behaviour.h"
#include "scheduler/scheduler_queue.h"

#define WATCH_MANAGER 0x302u
#define REPORT_INTERVAL SEC(1)
#define FEED_SHUTDOWN_DELAY SEC(5)

static struct key leader_prefix(void)
{
    return (struct key){.family = KEY_QUEUE};
}

static struct key health_key(const struct scheduler *self)
{
    return (struct key){.family = KEY_SCHEDULER, .node = self->env->node};
}

void manager_start(struct scheduler *self, struct effects *fx)
{
    struct key prefix = leader_prefix();
    watcher_watch(fx, ACTOR_MANAGER_ID, &prefix, 1, WATCH_MANAGER, true, true);
    self->report_timer.kind = TIMER_REPORT;
    self->report_timer.actor = ACTOR_REPORTER_ID;
    self->shutdown_timer.kind = TIMER_SHUTDOWN;
    self->shutdown_timer.actor = ACTOR_MANAGER_ID;
    timers_arm(&self->timers, fx, &self->report_timer, REPORT_INTERVAL, true);
}

/* Its poison pill, which a report may overtake. */
void manager_on_reporter(struct scheduler *self, const struct message *m, struct effects *fx)
{
    if (m->what == POST_GRACEFUL_SHUTDOWN)
        timers_cancel(&self->timers, &self->report_timer);
    else
        effects_reject(fx, ACTOR_REPORTER_ID, m);
}

void manager_on_report(struct scheduler *self, struct effects *fx)
{
    struct key key = health_key(self);
    struct value value = endpoints_value(self->env, VALUE_SCHEDULER, self->pool.leader_count);
    data_update_on_change(fx, ACTOR_REPORTER_ID, &key, &value);
    timers_arm(&self->timers, fx, &self->report_timer, REPORT_INTERVAL, true);
}

/* The child's mailbox: Start, then what it was made for, then a shutdown. */
static actor_id manager_make_queue(struct scheduler *self, struct effects *fx,
                                   struct route *route, uint32_t revision, unsigned what)
{
    ASSERT(route->entries == NULL || route->entries->route == route);
    actor_id queue = queue_new(self, fx, route->ns, route->action, revision);
    if (queue == 0)
        return 0;
    effects_post(fx, ACTOR_MANAGER_ID, queue, what);
    pool_put(self, route, revision, queue);
    route->init_revision = revision;
    return queue;
}

static void manager_shut_new(struct scheduler *self, struct effects *fx, actor_id queue)
{
    if (self->is_shutting_down && queue != 0)
        effects_post(fx, ACTOR_MANAGER_ID, queue, POST_GRACEFUL_SHUTDOWN);
}

/* ---- CreateQueue, from controllers ---- */

static void manager_reply_created(struct effects *fx, const struct message *request,
                                  bool success)
{
    struct message *m = effects_reply(fx, request, MSG_QUEUE_CREATED);
    m->u.queue_created = request->u.create_queue;
    m->u.queue_created.success = success;
}

static void manager_on_create_queue(struct scheduler *self, const struct message *m,
                                    struct effects *fx)
{
    namespace_id ns = m->u.create_queue.ns;
    action_id action = m->u.create_queue.action;
    uint32_t revision = m->u.create_queue.revision;
    if (action == ACTION_WARM_UP) {
        manager_reply_created(fx, m, true);
        return;
    }
    struct route *route = pool_route(self, ns, action);
    if (route == NULL) {
        effects_reject(fx, ACTOR_MANAGER_ID, m);
        return;
    }
    /* A queue that is being removed, or a mere election, counts as success, too. */
    if (pool_find(self, ns, action, revision) != NULL || route->electing) {
        manager_reply_created(fx, m, true);
        return;
    }
    route->electing = true;
    route->asker = m->from;
    route->asker_actor = m->from_actor;
    route->asker_corr = m->corr;
    route->asked_revision = revision;
    struct key key = {.family = KEY_QUEUE, .ns = ns, .action = action};
    struct value value = endpoints_value(self->env, VALUE_ENDPOINTS, 0);
    data_elect(fx, ACTOR_MANAGER_ID, &key, &value);
}

static void manager_on_elected(struct scheduler *self, const struct message *m,
                               struct effects *fx)
{
    const struct post_data *result = MESSAGE_LOCAL_CONST(m, struct post_data);
    struct route *route = pool_route(self, result->key.ns, result->key.action);
    if (route == NULL || !route->electing) {
        effects_reject(fx, ACTOR_MANAGER_ID, m);
        return;
    }
    route->electing = false;
    actor_id queue = 0;
    if ((result->flags & DATA_WON) != 0)
        queue = manager_make_queue(self, fx, route, route->asked_revision, POST_START);
    struct message *reply =
        effects_send(fx, MSG_QUEUE_CREATED, ACTOR_MANAGER_ID, route->asker, route->asker_actor);
    reply->corr = route->asker_corr;
    reply->u.queue_created.action = route->action;
    reply->u.queue_created.ns = route->ns;
    reply->u.queue_created.revision = route->asked_revision;
    reply->u.queue_created.success = 1;
    manager_shut_new(self, fx, queue);
}

/* ---- activations ---- */

/*
 * handleCycle and RecoverQueue take the first key of the action that the pool's map yields,
 * whatever its revision, and look no further. The map's order is that of hashes; ours, too.
 */
static const struct pool_entry *manager_any_queue(struct scheduler *self,
                                                  const struct activation *a)
{
    bool any_namespace = scheduler_behaviour(self->env)->cycle_ignores_namespace;
    const struct pool_entry *entry = pool_first(self, a->ns, a->action, any_namespace);
    return entry != NULL && entry->revision >= a->revision && entry->leader ? entry : NULL;
}

static void manager_forward(struct effects *fx, const struct pool_entry *entry,
                            const struct activation *a)
{
    struct activation copy = *a;
    copy.revision = entry->revision;
    scheduler_post_activation(fx, ACTOR_MANAGER_ID, entry->queue, &copy);
}

static void manager_on_cycle(struct scheduler *self, const struct activation *a,
                             const struct message *m, struct effects *fx)
{
    struct route *route = pool_route(self, a->ns, a->action);
    if (route == NULL) {
        effects_reject(fx, ACTOR_MANAGER_ID, m);
        return;
    }
    const struct pool_entry *entry = manager_any_queue(self, a);
    if (entry != NULL)
        manager_forward(fx, entry, a);
    else
        recover_start(self, fx, a);
}

/* A queue for one activation: it starts, gets the activation, and a shutdown if we end. */
static void manager_make_queue_for(struct scheduler *self, const struct message *m,
                                   struct route *route, const struct activation *a,
                                   unsigned what, struct effects *fx)
{
    actor_id queue = manager_make_queue(self, fx, route, a->revision, what);
    fx->cause = m->cause;
    if (queue != 0)
        scheduler_post_activation(fx, ACTOR_MANAGER_ID, queue, a);
    else
        scheduler_lose(fx, ACTOR_MANAGER_ID, a->id);
    manager_shut_new(self, fx, queue);
}

static void manager_on_recover(struct scheduler *self, const struct message *m,
                               struct effects *fx)
{
    const struct activation *a = &MESSAGE_LOCAL_CONST(m, struct post_activation)->activation;
    struct route *route = pool_route(self, a->ns, a->action);
    ASSERT(route != NULL);
    const struct pool_entry *entry = manager_any_queue(self, a);
    if (entry != NULL) {
        manager_forward(fx, entry, a);
        return;
    }
    /* Without an election, and without a leader key of our own. */
    manager_make_queue_for(self, m, route, a, POST_START, fx);
}

/* ---- an updated action (QueueManager.scala:148-184) ---- */

static void manager_on_update(struct scheduler *self, const struct message *m,
                              struct effects *fx)
{
    const struct post_update *update = MESSAGE_LOCAL_CONST(m, struct post_update);
    const struct activation *a = &update->activation;
    struct pool_entry *old = pool_find(self, a->ns, a->action, update->old_revision);
    if (old != NULL) {
        pool_depose(self, old);
        effects_post(fx, ACTOR_MANAGER_ID, old->queue, POST_STOP_OUTDATED);
    }
    update_start(self, fx, a);
}

/* The queue of a new revision takes over the keys that the old one wrote. */
static void manager_on_create_new(struct scheduler *self, const struct message *m,
                                  struct effects *fx)
{
    const struct activation *a = &MESSAGE_LOCAL_CONST(m, struct post_activation)->activation;
    struct route *route = pool_route(self, a->ns, a->action);
    actor_id queue = pool_leader(self, a->ns, a->action, a->revision);
    ASSERT(route != NULL);
    if (queue != 0)
        scheduler_post_activation(fx, ACTOR_MANAGER_ID, queue, a);
    else
        manager_make_queue_for(self, m, route, a, POST_VERSION_UPDATED, fx);
}

/* ---- activations of the manager's own ---- */

static void manager_on_activation(struct scheduler *self, const struct message *m,
                                  struct effects *fx)
{
    const struct post_activation *post = MESSAGE_LOCAL_CONST(m, struct post_activation);
    if (post->is_own)
        manager_on_cycle(self, &post->activation, m, fx);
    else
        lookup_route(self, fx, ACTOR_MANAGER_ID, &post->activation);
}

/* ---- the rest ---- */

/* By key, whichever actor it was (QueueManager.scala:204-211). */
static void manager_on_queue_removed(struct scheduler *self, const struct message *m,
                                     struct effects *fx)
{
    const struct post_removed *removed = MESSAGE_LOCAL_CONST(m, struct post_removed);
    struct route *route = pool_route(self, removed->ns, removed->action);
    ASSERT(route != NULL);
    if (pool_remove(self, route, removed->revision) && removed->has_key)
        route->init_revision = 0;
    effects_post(fx, ACTOR_MANAGER_ID, m->from_actor, POST_QUEUE_REMOVED_COMPLETED);
}

/* A removed queue that runs again, as upstream once had it. */
static void manager_on_reactivated(struct scheduler *self, const struct message *m,
                                   struct effects *fx)
{
    const struct post_removed *back = MESSAGE_LOCAL_CONST(m, struct post_removed);
    struct route *route = pool_route(self, back->ns, back->action);
    if (route == NULL) {
        effects_reject(fx, ACTOR_MANAGER_ID, m);
        return;
    }
    pool_put(self, route, back->revision, m->from_actor);
    route->init_revision = back->revision;
}

static void manager_on_watched(struct scheduler *self, const struct message *m,
                               struct effects *fx)
{
    const struct post_watched *event = MESSAGE_LOCAL_CONST(m, struct post_watched);
    struct route *route = pool_route(self, event->key.ns, event->key.action);
    if (event->key.family != KEY_QUEUE || route == NULL) {
        effects_reject(fx, ACTOR_MANAGER_ID, m);
        return;
    }
    bool is_removed = m->what == POST_REMOVED;
    if (!is_removed && !endpoints_parse(self->env, VALUE_ENDPOINTS, &event->value)) {
        effects_reject(fx, ACTOR_MANAGER_ID, m); /* an error in the log; the map stays */
        return;
    }
    watcher_believes(fx, ACTOR_MANAGER_ID, &event->key, !is_removed, event->value.node);
    route->selection = is_removed ? NODE_NONE : event->value.node;
}

/* QueueManager.scala:244-264 */
static void manager_on_shutdown(struct scheduler *self, struct effects *fx)
{
    struct key prefix = leader_prefix(), health = health_key(self);
    self->is_shutting_down = true;
    watcher_unwatch(fx, ACTOR_MANAGER_ID, &prefix, 1, WATCH_MANAGER, false);
    effects_post(fx, ACTOR_MANAGER_ID, ACTOR_REPORTER_ID, POST_GRACEFUL_SHUTDOWN);
    data_unregister(fx, ACTOR_MANAGER_ID, &health);
    for (uint32_t i = 0; i < self->pool.count; i++)
        effects_post(fx, ACTOR_MANAGER_ID, self->pool.entries[i]->queue,
                     POST_GRACEFUL_SHUTDOWN);
    timers_arm(&self->timers, fx, &self->shutdown_timer, FEED_SHUTDOWN_DELAY, true);
}

/* The feed ignores it, in every state. */
void manager_on_shutdown_timer(struct scheduler *self, struct effects *fx)
{
    (void)self;
    effects_post(fx, ACTOR_MANAGER_ID, ACTOR_FEED_ID(0), POST_GRACEFUL_SHUTDOWN);
}

static void manager_on_post(struct scheduler *self, const struct message *m, struct effects *fx)
{
    switch (m->what) {
    case POST_ACTIVATION:
        manager_on_activation(self, m, fx);
        break;
    case POST_ELECTED:
        manager_on_elected(self, m, fx);
        break;
    case POST_RECOVER_QUEUE:
        manager_on_recover(self, m, fx);
        break;
    case POST_UPDATE_QUEUE:
        manager_on_update(self, m, fx);
        break;
    case POST_CREATE_NEW_QUEUE:
        manager_on_create_new(self, m, fx);
        break;
    case POST_QUEUE_REACTIVATED:
        manager_on_reactivated(self, m, fx);
        break;
    case POST_QUEUE_REMOVED:
        manager_on_queue_removed(self, m, fx);
        break;
    case POST_INSERTED:
    case POST_REMOVED:
        manager_on_watched(self, m, fx);
        break;
    case POST_GRACEFUL_SHUTDOWN:
        manager_on_shutdown(self, fx);
        break;
    case POST_QUESTION:
        route_on_question(self, m, fx);
        break;
    default:
        effects_reject(fx, ACTOR_MANAGER_ID, m);
    }
}

/* Akka and Pekko do not get past the handshake; who sent it is not told. */
static void manager_lose(const struct message *m, struct effects *fx)
{
    struct record *r = effects_record(fx, RECORD_MESSAGE_LOST, ACTOR_MANAGER_ID);
    r->peer = fx->node;
    r->detail = (uint8_t)m->kind;
    r->activation = message_activation(m);
}

void manager_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    if (m->kind == MSG_POST)
        manager_on_post(self, m, fx);
    else if (m->kind == MSG_FORWARD && remoting_connects(self->env, m->u.forward.akka != 0))
        lookup_route(self, fx, ACTOR_MANAGER_ID, &m->u.activation);
    else if (m->kind == MSG_CREATE_QUEUE &&
             remoting_connects(self->env, m->u.create_queue.akka != 0))
        manager_on_create_queue(self, m, fx);
    else if (m->kind == MSG_FORWARD || m->kind == MSG_CREATE_QUEUE)
        manager_lose(m, fx);
    else
        effects_reject(fx, ACTOR_MANAGER_ID, m);
}
