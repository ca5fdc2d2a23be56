/*
 * scheduler_lookup.c - the way of an activation: to a queue here, to another scheduler, or
 * back with an error.
 * Source: QueueManager.scala:280-371, 412-536, 611-661 at 1fae641a2.
 */
#include "scheduler/scheduler_internal.h"

#define WAIT_FIRST MSEC(1)
#define BOUNCE_LEG MSEC(5) /* ours: a turn takes no time here, and would come back for ever */

static void lookup_fail(struct scheduler *self, struct effects *fx, actor_id actor,
                        const struct activation *a, enum error_text error)
{
    scheduler_complete(self, fx, actor, a, RESPONSE_WHISK_ERROR, error, ACK_BY_SCHEDULER);
}

/* To the queue manager of a node; our own sees itself as the sender and breaks the cycle. */
static void lookup_send(struct scheduler *self, struct effects *fx, actor_id actor,
                        node_id node, const struct activation *a)
{
    if (node == self->env->node) {
        scheduler_post_activation(fx, actor, ACTOR_MANAGER_ID, a)->is_own = true;
        return;
    }
    struct record *r = effects_record(fx, RECORD_FORWARDED, actor);
    r->activation = a->id;
    r->action = a->action;
    r->peer = node;
    struct message *m = effects_send(fx, MSG_FORWARD, actor, node, ACTOR_MANAGER_ID);
    m->u.activation = *a;
    m->u.forward.akka = common_behaviour(self->env)->akka;
}

static void lookup_ask(struct scheduler *self, struct effects *fx, struct call *call)
{
    struct key key = {
        .family = KEY_QUEUE, .ns = call->u.activation.ns, .action = call->u.activation.action};
    call->attempts++;
    call_range(self, fx, call, RANGE_GET, &key, WATCH_EXACT);
}

static void lookup_start(struct scheduler *self, struct effects *fx, actor_id actor,
                         const struct activation *a)
{
    struct call *call = call_new(self, CALL_LOOKUP);
    if (call == NULL) {
        lookup_fail(self, fx, actor, a, ERROR_NO_ENDPOINT);
        return;
    }
    struct record *r = effects_record(fx, RECORD_LOOKED_UP, actor);
    r->activation = a->id;
    r->action = a->action;
    call->u.activation = *a;
    call->cause = fx->cause;
    lookup_ask(self, fx, call);
}

void lookup_retry(struct scheduler *self, struct call *call, struct effects *fx)
{
    lookup_ask(self, fx, call);
}

/* 14 attempts with pauses of 1, 2, 4 .. 4096 ms (QueueManager.scala:504-536). */
void lookup_on_answer(struct scheduler *self, struct call *call, const struct message *m,
                      struct effects *fx)
{
    struct activation a = call->u.activation;
    actor_id actor = call->actor;
    ASSERT(call->kind == CALL_LOOKUP && call->attempts > 0);
    fx->cause = call->cause;
    if (m == NULL || m->u.etcd_done.count == 0) {
        uint32_t retries = (uint32_t)self->config->max_retries_to_get_queue;
        if (call->attempts <= retries) {
            /* Too many lengths for a list each. */
            timers_arm(&self->timers, fx, &call->timer, WAIT_FIRST << (call->attempts - 1),
                       false);
            return;
        }
        call_release(self, call);
        lookup_fail(self, fx, actor, &a, ERROR_NO_ENDPOINT);
        return;
    }
    call_release(self, call);
    const struct value *value = &m->u.etcd_done.value;
    if (!endpoints_parse(self->env, VALUE_ENDPOINTS, value)) {
        lookup_fail(self, fx, actor, &a, ERROR_ENDPOINT_UNPARSABLE);
        return;
    }
    struct route *route = pool_route(self, a.ns, a.action);
    ASSERT(route != NULL);
    route->selection = value->node;
    lookup_send(self, fx, actor, value->node, &a);
}

void lookup_route(struct scheduler *self, struct effects *fx, actor_id actor,
                  const struct activation *original)
{
    struct activation a = *original;
    uint64_t age_ms = fx->at / MSEC(1) - a.started_at / MSEC(1); /* upstream counts so */
    if (age_ms > self->config->max_scheduling_time / MSEC(1)) {
        lookup_fail(self, fx, actor, &a, ERROR_TOO_OLD);
        return;
    }
    actor_id queue = pool_leader(self, a.ns, a.action, a.revision);
    if (queue != 0) {
        scheduler_post_activation(fx, actor, queue, &a);
        return;
    }
    struct route *route = pool_route(self, a.ns, a.action);
    if (route == NULL) {
        lookup_fail(self, fx, actor, &a, ERROR_NO_ENDPOINT);
        return;
    }
    if (route->init_revision != 0 && a.revision > route->init_revision) {
        struct message *m = effects_post(fx, actor, ACTOR_MANAGER_ID, POST_UPDATE_QUEUE);
        *MESSAGE_LOCAL(m, struct post_update) =
            (struct post_update){.activation = a, .old_revision = route->init_revision};
        return;
    }
    if (a.revision < route->init_revision)
        a.revision = route->init_revision;
    if (route->selection != NODE_NONE)
        lookup_send(self, fx, actor, route->selection, &a);
    else
        lookup_start(self, fx, actor, &a);
}

/*
 * What the feed calls for each record (QueueManager.scala:280-305): no turn of the manager. The
 * handler recovers from JSON of the wrong shape, not from what is no JSON (another exception):
 * such a record is never reported as processed, and the feed has one place less for ever.
 */
void lookup_on_item(struct scheduler *self, const struct message *m, struct effects *fx)
{
    const struct post_item *item = MESSAGE_LOCAL_CONST(m, struct post_item);
    ASSERT_OP(ACTOR_INDEX(m->to_actor), ==, 0);
    bool is_activation = item->entry.kind == ENTRY_ACTIVATION &&
                         item->entry.u.activation.action != ACTION_WARM_UP;
    if (is_activation)
        lookup_route(self, fx, m->to_actor, &item->entry.u.activation);
    if (item->entry.kind == ENTRY_UNPARSABLE)
        effects_reject(fx, m->to_actor, m);
    if (item->entry.kind == ENTRY_UNPARSABLE && item->entry.not_json)
        return;
    effects_post(fx, m->to_actor, ACTOR_FEED_ID(item->feed), POST_FEED_PROCESSED);
}

/* ---- recovery: the leader key says us, and we have no queue ---- */

void recover_start(struct scheduler *self, struct effects *fx, const struct activation *a)
{
    struct call *call = call_new(self, CALL_RECOVER);
    if (call == NULL) {
        lookup_fail(self, fx, ACTOR_MANAGER_ID, a, ERROR_ACTION_UNREADABLE);
        return;
    }
    struct record *r = effects_record(fx, RECORD_LOOKED_UP, ACTOR_MANAGER_ID);
    r->activation = a->id;
    r->action = a->action;
    call->u.activation = *a;
    call->ns = a->ns;
    call->cause = fx->cause;
    call_read(self, fx, call, DOCUMENT_ACTION, a->action, a->revision);
}

void recover_on_answer(struct scheduler *self, struct call *call, const struct message *m,
                       struct effects *fx)
{
    struct activation a = call->u.activation;
    actor_id actor = call->actor;
    ASSERT_OP(call->kind, ==, CALL_RECOVER);
    fx->cause = call->cause;
    call_release(self, call);
    if (m == NULL || m->u.database.result != DOCUMENT_FOUND) {
        lookup_fail(self, fx, actor, &a, ERROR_ACTION_UNREADABLE);
        return;
    }
    struct message *post = effects_post(fx, actor, ACTOR_MANAGER_ID, POST_RECOVER_QUEUE);
    MESSAGE_LOCAL(post, struct post_activation)->activation = a;
}

/* ---- between a removed queue and its manager ---- */

/*
 * A removed queue gives activations back, the manager finds the queue in its pool and sends
 * them to it again, until one of two timers ends the queue or the activation is too old
 * (MemoryQueue.scala:435-439). Each leg is given 5 ms: in the queue's mailbox, where it falls
 * if the queue stops, then in the manager's.
 */
void bounce_add(struct scheduler *self, struct effects *fx, actor_id queue,
                const struct activation *a)
{
    struct bounce *bounce = arena_alloc(self->env->arena, self->env->node, sizeof *bounce);
    bounce->timer.kind = TIMER_BOUNCE;
    bounce->timer.actor = queue;
    bounce->activation = *a;
    bounce->queue = queue;
    bounce->cause = fx->cause;
    bounce->next = self->bounces;
    if (self->bounces != NULL)
        self->bounces->prev = bounce;
    self->bounces = bounce;
    timers_arm(&self->timers, fx, &bounce->timer, BOUNCE_LEG, true);
}

static void bounce_release(struct scheduler *self, struct bounce *bounce)
{
    timers_cancel(&self->timers, &bounce->timer);
    if (bounce->next != NULL)
        bounce->next->prev = bounce->prev;
    if (bounce->prev != NULL)
        bounce->prev->next = bounce->next;
    else
        self->bounces = bounce->next;
    arena_release(self->env->arena, bounce);
}

void bounce_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx)
{
    struct bounce *bounce = (struct bounce *)(void *)timer;
    ASSERT(bounce->prev != NULL || self->bounces == bounce);
    if (bounce->queue != 0) {
        bounce->queue = 0;
        timers_arm(&self->timers, fx, timer, BOUNCE_LEG, true);
        return;
    }
    struct activation a = bounce->activation;
    fx->cause = bounce->cause;
    bounce_release(self, bounce);
    lookup_route(self, fx, ACTOR_MANAGER_ID, &a);
}

void bounce_lose(struct scheduler *self, struct effects *fx, actor_id queue)
{
    struct bounce *bounce = self->bounces;
    while (bounce != NULL) {
        struct bounce *next = bounce->next;
        if (bounce->queue == queue) {
            fx->cause = bounce->cause;
            scheduler_lose(fx, queue, bounce->activation.id);
            bounce_release(self, bounce);
        }
        bounce = next;
    }
}
