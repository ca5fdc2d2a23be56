/*
 * scheduler_queue_remove.c - how a queue ends: idle, drained, superseded, told to stop.
 */
#include "scheduler/scheduler_queue.h"

/* MemoryQueue.scala:753-759 */
static void queue_clean_watches(struct queue *q, struct effects *fx)
{
    struct key in_progress = queue_key(q, KEY_IN_PROGRESS),
               existing = queue_key(q, KEY_EXISTING);
    struct key leader = queue_key(q, KEY_QUEUE);
    watcher_unwatch(fx, q->actor, &in_progress, 4, WATCH_QUEUE, false);
    watcher_unwatch(fx, q->actor, &existing, 4, WATCH_QUEUE, false);
    watcher_unwatch(fx, q->actor, &leader, WATCH_EXACT, WATCH_QUEUE, false);
    counter_close(q->scheduler, fx, q->counter); /* not idempotent: see there */
}

/* cleanUpActors (MemoryQueue.scala:761-783) */
static void queue_clean_actors(struct queue *q, struct effects *fx)
{
    queue_clean_watches(q, fx);
    queue_stop_monitoring(q);
}

/* cleanUpData (MemoryQueue.scala:785-789): by key alone, whoever owns it by now. */
static void queue_clean_data(struct queue *q, struct effects *fx)
{
    struct key leader = queue_key(q, KEY_QUEUE);
    struct key ns = {.family = KEY_THROTTLING, .ns = q->ns, .action = ACTION_NONE};
    struct key action = queue_key(q, KEY_THROTTLING);
    data_unregister(fx, q->actor, &leader);
    data_unregister(fx, q->actor, &ns);
    data_unregister(fx, q->actor, &action);
}

static void queue_tell_removed(struct queue *q, struct effects *fx, bool has_key)
{
    struct message *m = effects_post(fx, q->actor, ACTOR_MANAGER_ID, POST_QUEUE_REMOVED);
    *MESSAGE_LOCAL(m, struct post_removed) = (struct post_removed){
        .revision = q->revision, .action = q->action, .ns = q->ns, .has_key = has_key};
}

static void queue_delete_containers(struct queue *q, struct effects *fx)
{
    struct message *m = effects_post(fx, q->actor, ACTOR_CONTAINERS_ID, POST_DELETE);
    *MESSAGE_LOCAL(m, struct post_create) =
        (struct post_create){.revision = q->revision, .action = q->action, .ns = q->ns};
}

/* To Removed from Idle and Flushing: the manager is told, but between #5338 and #5391. */
static void queue_leave(struct queue *q, struct effects *fx)
{
    if (!scheduler_behaviour(q->scheduler->env)->removed_silently)
        queue_tell_removed(q, fx, true);
    queue_move(q, fx, QUEUE_REMOVED);
}

/* P20 (MemoryQueue.scala:707-714) */
void queue_give_up(struct queue *q, struct effects *fx)
{
    queue_clean_actors(q, fx);
    queue_clean_data(q, fx);
    queue_leave(q, fx);
}

/* P10 (MemoryQueue.scala:698-705): an idle queue has no workers to stop. */
static void queue_leave_idle(struct queue *q, struct effects *fx)
{
    queue_clean_watches(q, fx);
    queue_clean_data(q, fx);
    queue_leave(q, fx);
}

/* P12 (MemoryQueue.scala:716-736): without telling the manager; before #5338 it had been told
 * at the shutdown, and the queue ended here. */
static void queue_try_end(struct queue *q, struct effects *fx, bool outdated)
{
    ASSERT_OP(q->state, ==, QUEUE_REMOVING);
    if (q->count > 0 || q->poll_count > 0)
        return;
    queue_clean_actors(q, fx);
    if (outdated)
        queue_delete_containers(q, fx);
    if (scheduler_behaviour(q->scheduler->env)->completes_itself)
        effects_post(fx, q->actor, q->actor, POST_QUEUE_REMOVED_COMPLETED);
    queue_move(q, fx, QUEUE_REMOVED);
}

void queue_on_graceful_shutdown(struct queue *q, const struct message *m, struct effects *fx)
{
    (void)m;
    switch ((enum queue_state)q->state) {
    case QUEUE_RUNNING:
    case QUEUE_NAMESPACE_THROTTLED:
    case QUEUE_ACTION_THROTTLED: /* P14 */
        queue_clean_data(q, fx);
        if (scheduler_behaviour(q->scheduler->env)->queue_removed_on_shutdown)
            queue_tell_removed(q, fx, true);
        q->outdated = false;
        queue_move(q, fx, QUEUE_REMOVING);
        break;
    case QUEUE_IDLE:
        queue_leave_idle(q, fx);
        break;
    case QUEUE_FLUSHING: /* P15 */
        queue_complete_all_stored(q, fx);
        queue_give_up(q, fx);
        break;
    case QUEUE_REMOVING:
        queue_try_end(q, fx, q->outdated);
        break;
    case QUEUE_REMOVED: /* said again: nothing */
    case QUEUE_UNINITIALIZED:
    case QUEUE_STATE_COUNT:
        break;
    }
}

/* Of P16, P19: what no container of ours will fetch goes to the new revision's queue. */
static void queue_forward_or_keep(struct queue *q, struct effects *fx)
{
    ASSERT(q->state != QUEUE_REMOVED && !q->is_stopped);
    if (shared_set_count(&q->containers) == 0) /* R6 */
        queue_forward_all(q, fx);
}

void queue_on_stop_outdated(struct queue *q, const struct message *m, struct effects *fx)
{
    (void)m;
    switch ((enum queue_state)q->state) {
    case QUEUE_RUNNING:
    case QUEUE_NAMESPACE_THROTTLED:
    case QUEUE_ACTION_THROTTLED: /* P16 */
        queue_tell_removed(q, fx, false);
        queue_forward_or_keep(q, fx);
        q->outdated = true;
        queue_move(q, fx, QUEUE_REMOVING);
        break;
    case QUEUE_IDLE: /* P17 */
        queue_clean_watches(q, fx);
        queue_tell_removed(q, fx, false);
        queue_delete_containers(q, fx);
        queue_move(q, fx, QUEUE_REMOVED);
        break;
    case QUEUE_FLUSHING: /* P18: takes the leader key from the successor */
        queue_complete_all_stored(q, fx);
        queue_tell_removed(q, fx, false);
        queue_clean_actors(q, fx);
        queue_clean_data(q, fx);
        queue_move(q, fx, QUEUE_REMOVED);
        break;
    case QUEUE_REMOVING: /* P19: not stored in the state's data */
        queue_forward_or_keep(q, fx);
        queue_try_end(q, fx, true);
        break;
    case QUEUE_REMOVED:
    case QUEUE_UNINITIALIZED:
    case QUEUE_STATE_COUNT:
        break;
    }
}

void queue_on_removed_completed(struct queue *q, const struct message *m, struct effects *fx)
{
    if (q->state == QUEUE_REMOVED)
        queue_stop(q, fx);
    else if (q->state == QUEUE_REMOVING)
        queue_try_end(q, fx, q->outdated);
    else
        effects_reject(fx, q->actor, m);
}

/* The answer about the leader key; that of the namespace's throttling key means nothing. */
void queue_on_initial_stored(struct queue *q, const struct message *m, struct effects *fx)
{
    const struct post_data *answer = MESSAGE_LOCAL_CONST(m, struct post_data);
    if (answer->key.family != KEY_QUEUE || (answer->flags & DATA_WON) != 0)
        return;
    /* P8: another scheduler leads (MemoryQueue.scala:498-510). */
    queue_tell_removed(q, fx, true);
    queue_forward_all(q, fx);
    queue_clean_actors(q, fx);
    queue_move(q, fx, QUEUE_REMOVED);
}

void queue_on_silence(struct queue *q, struct effects *fx)
{
    switch ((enum queue_state)q->state) {
    case QUEUE_RUNNING: /* P9 */
        if (q->count > 0 ||
            shared_set_count(&q->containers) + shared_set_count(&q->creations) > 0) /* R2 */
            break;
        queue_stop_monitoring(q);
        queue_move(q, fx, QUEUE_IDLE);
        break;
    case QUEUE_IDLE:
        queue_leave_idle(q, fx);
        break;
    case QUEUE_FLUSHING:
        queue_flush_tick(q, fx);
        break;
    case QUEUE_REMOVING:
        queue_try_end(q, fx, q->outdated);
        break;
    case QUEUE_REMOVED: /* whatever is on its way is lost */
        queue_tell_removed(q, fx, true);
        queue_stop(q, fx);
        break;
    case QUEUE_UNINITIALIZED:
    case QUEUE_NAMESPACE_THROTTLED:
    case QUEUE_ACTION_THROTTLED:
    case QUEUE_STATE_COUNT:
        break;
    }
}

/* The mailbox goes to dead letters; so does what the ring still holds. */
static void queue_lose_all(struct queue *q, struct effects *fx)
{
    struct scheduler *self = q->scheduler;
    while (q->count > 0) {
        struct waiting w = queue_pop(q);
        fx->cause = w.cause;
        scheduler_lose(fx, q->actor, w.activation.id);
    }
    bounce_lose(self, fx, q->actor);
}

void queue_stop(struct queue *q, struct effects *fx)
{
    struct scheduler *self = q->scheduler;
    struct arena *arena = self->env->arena;
    ASSERT(!q->is_stopped);
    q->is_stopped = true;
    struct record *r = effects_record(fx, RECORD_QUEUE_GONE, q->actor);
    r->action = q->action;
    r->ns = q->ns;
    queue_lose_all(q, fx);
    queue_stop_monitoring(q);
    while (q->workers != NULL) {
        struct drop_worker *worker = q->workers;
        q->workers = worker->next;
        timers_cancel(&self->timers, &worker->timer);
        arena_release(arena, worker);
    }
    q->worker = NULL;
    queue_release_polls(q);
    counter_release(q->scheduler, q->counter);
    q->counter = NULL;
    timers_cancel(&self->timers, &q->state_timer);
    timers_cancel(&self->timers, &q->flush_timer);
    timers_cancel(&self->timers, &q->removed_timer);
    ASSERT(q->count == 0 && q->workers == NULL && !timer_is_armed(&q->monitor_timer));
    shared_set_release(&q->containers);
    shared_set_release(&q->creations);
    arena_release(arena, q->messages);
    arena_release(arena, q->stash);
    q->messages = NULL;
    q->stash = NULL;
}
