/*
 * scheduler_queue_take.c - activations into a queue, and out to containers.
 */
#include "scheduler/scheduler_queue.h"

#define RING_FIRST 16u
#define POLL_LENGTH SEC(1)
#define PPM UINT64_C(1000000)

static void queue_grow(struct queue *q)
{
    const struct machine_env *env = q->scheduler->env;
    uint32_t max = q->max == 0 ? RING_FIRST : q->max * 2;
    q->messages = arena_grow(env->arena, env->node, q->messages, max * sizeof *q->messages);
    /* The wrapped part of a full ring moves behind its first part. */
    for (uint32_t i = 0; i < q->head; i++)
        q->messages[q->max + i] = q->messages[i];
    q->max = max;
}

void queue_append(struct queue *q, struct effects *fx, const struct activation *a)
{
    if (q->count == q->max)
        queue_grow(q);
    struct record *r = effects_record(fx, RECORD_QUEUED, q->actor);
    r->activation = a->id;
    r->action = q->action;
    r->ns = q->ns;
    r->value = q->count + 1;
    q->messages[(q->head + q->count) & (q->max - 1)] =
        (struct waiting){.activation = *a, .enqueued_at = fx->at, .cause = fx->cause};
    q->count++;
    ASSERT_OP(q->count, <=, q->max);
}

struct waiting queue_pop(struct queue *q)
{
    ASSERT_OP(q->count, >, 0);
    struct waiting w = *queue_head(q);
    q->head = (q->head + 1) & (q->max - 1);
    q->count--;
    return w;
}

void queue_forward_all(struct queue *q, struct effects *fx)
{
    uint32_t cause = fx->cause; /* of what comes after */
    while (q->count > 0) {
        struct waiting w = queue_pop(q);
        fx->cause = w.cause;
        scheduler_post_activation(fx, q->actor, ACTOR_MANAGER_ID, &w.activation);
    }
    fx->cause = cause;
}

static void queue_record_handed_over(struct queue *q, struct effects *fx, activation_id id,
                                     uint32_t container, node_id invoker)
{
    struct record *r = effects_record(fx, RECORD_HANDED_OVER, q->actor);
    r->activation = id;
    r->container = container;
    r->peer = invoker;
}

/* ---- polls ---- */

static uint64_t poll_priority(const struct poll *poll)
{
    return (uint64_t)poll->warmed << 32 | poll->container;
}

/* Index of the first poll that is not below; the oldest of equals stands last. */
static uint32_t queue_poll_place(const struct queue *q, uint64_t priority)
{
    uint32_t low = 0, high = q->poll_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (poll_priority(q->polls[middle]) < priority)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void queue_poll_take_out(struct queue *q, uint32_t place)
{
    ASSERT_OP(place, <, q->poll_count);
    q->poll_count--;
    for (uint32_t i = place; i < q->poll_count; i++)
        q->polls[i] = q->polls[i + 1];
}

/* Complete the promise; its callback is a turn of its own (MemoryQueue.scala:1097-1115). */
static void poll_complete(struct queue *q, struct effects *fx, struct poll *poll,
                          const struct activation *a)
{
    ASSERT(poll->is_open);
    poll->is_open = false;
    struct message *m = effects_post(fx, q->actor, ACTOR_CALLBACK_ID, POST_POLL_DONE);
    struct post_poll_done *done = MESSAGE_LOCAL(m, struct post_poll_done);
    if (a != NULL)
        done->answer.activation = *a;
    done->answer.container = poll->container;
    done->answer.result = a != NULL ? FETCHED_ACTIVATION : FETCHED_NOTHING;
    done->ask = poll->ask;
    done->poll = poll->ref;
}

static void queue_buffer_poll(struct queue *q, struct effects *fx, actor_id ask,
                              const struct post_get *get)
{
    struct scheduler *self = q->scheduler;
    uint32_t ref;
    struct poll *poll = slots_take(&self->polls, self->env, &ref);
    if (poll == NULL)
        return; /* as many open polls as there can be asks: cannot be */
    if (q->poll_count == q->poll_max) {
        q->poll_max = q->poll_max == 0 ? 8 : q->poll_max * 2;
        q->polls = arena_grow(self->env->arena, self->env->node, q->polls,
                              q->poll_max * sizeof *q->polls);
    }
    *poll = (struct poll){.ref = ref,
                          .queue = q->actor,
                          .ask = ask,
                          .container = get->container,
                          .invoker = get->invoker,
                          .warmed = get->warmed != 0,
                          .is_open = true};
    uint32_t place = queue_poll_place(q, poll_priority(poll));
    for (uint32_t i = q->poll_count; i > place; i--)
        q->polls[i] = q->polls[i - 1];
    q->polls[place] = poll;
    q->poll_count++;
    poll->timer.kind = TIMER_QUEUE_POLL;
    poll->timer.actor = q->actor;
    timers_arm(&self->timers, fx, &poll->timer, POLL_LENGTH, true);
}

void queue_on_poll_timer(struct queue *q, struct poll *poll, struct effects *fx)
{
    ASSERT_OP(poll->queue, ==, q->actor);
    if (poll->is_open) {
        uint32_t place = queue_poll_place(q, poll_priority(poll));
        while (q->polls[place] != poll)
            place++;
        queue_poll_take_out(q, place);
        poll_complete(q, fx, poll, NULL);
    }
    slots_release(&q->scheduler->polls, poll->ref);
}

/* A container is gone or says farewell: its polls end, their timers go on. */
void queue_close_polls(struct queue *q, struct effects *fx, uint32_t container)
{
    for (uint32_t i = q->poll_count; i > 0; i--) {
        struct poll *poll = q->polls[i - 1];
        if (poll->container != container)
            continue;
        queue_poll_take_out(q, i - 1);
        poll_complete(q, fx, poll, NULL);
    }
}

/* The queue stops: nobody hears the timers, and the asks end by their own. */
void queue_release_polls(struct queue *q)
{
    struct scheduler *self = q->scheduler;
    for (uint32_t i = 0; i < self->polls.count; i++) {
        struct poll *poll = slots_at(&self->polls, i);
        if (poll == NULL || poll->queue != q->actor)
            continue;
        timers_cancel(&self->timers, &poll->timer);
        slots_release(&self->polls, poll->ref);
    }
    arena_release(self->env->arena, q->polls);
    q->polls = NULL;
}

/* ---- in ---- */

/* MemoryQueue.scala:796-810; true: the state is to change, which only Running does. */
static bool queue_try_throttle_action(struct queue *q, struct effects *fx)
{
    if (q->count < q->scheduler->config->max_retention_size ||
        q->state == QUEUE_ACTION_THROTTLED)
        return false;
    queue_put_throttling(q, fx, true, true);
    return q->state == QUEUE_RUNNING;
}

/* P3, handleActivationMessage (MemoryQueue.scala:1038-1058) */
static bool queue_take(struct queue *q, struct effects *fx, const struct activation *a)
{
    if (q->poll_count == 0) {
        queue_append(q, fx, a);
        return queue_try_throttle_action(q, fx);
    }
    struct poll *poll = q->polls[--q->poll_count];
    queue_record_handed_over(q, fx, a->id, poll->container, poll->invoker);
    poll_complete(q, fx, poll, a);
    return false;
}

void queue_on_activation(struct queue *q, const struct message *m, struct effects *fx)
{
    const struct activation *a = &MESSAGE_LOCAL_CONST(m, struct post_activation)->activation;
    switch ((enum queue_state)q->state) {
    case QUEUE_RUNNING:
        if (queue_take(q, fx, a))
            queue_move(q, fx, QUEUE_ACTION_THROTTLED);
        break;
    case QUEUE_IDLE: /* the state that P3 would choose is not looked at */
        queue_start_monitoring(q, fx);
        fx->cause = m->cause;
        queue_take(q, fx, a);
        queue_move(q, fx, QUEUE_RUNNING);
        break;
    case QUEUE_FLUSHING:
        queue_flush_activation(q, fx, a);
        break;
    case QUEUE_NAMESPACE_THROTTLED:
        if (shared_set_count(&q->containers) + shared_set_count(&q->creations) == 0) /* R4 */
            queue_reject(q, fx, a);
        else
            queue_take(q, fx, a);
        break;
    case QUEUE_ACTION_THROTTLED:
        queue_reject(q, fx, a);
        break;
    case QUEUE_REMOVING:
        queue_take(q, fx, a);
        break;
    case QUEUE_REMOVED:
        bounce_add(q->scheduler, fx, q->actor, a);
        break;
    case QUEUE_UNINITIALIZED:
    case QUEUE_STATE_COUNT:
        ASSERT_OP(q->state, <, QUEUE_STATE_COUNT);
    }
}

/* ---- out ---- */

static void queue_answer(struct queue *q, struct effects *fx, actor_id ask, uint32_t container,
                         enum fetch_result result, const struct activation *a)
{
    struct message *m = effects_post(fx, q->actor, ask, POST_ASK_ANSWER);
    struct post_answer *answer = MESSAGE_LOCAL(m, struct post_answer);
    if (a != NULL)
        answer->activation = *a;
    answer->container = container;
    answer->result = result;
}

/* MemoryQueue.scala:812-824 */
static void queue_try_unthrottle_action(struct queue *q, struct effects *fx)
{
    const struct scheduler_config *config = q->scheduler->config;
    if (q->state != QUEUE_ACTION_THROTTLED ||
        q->count * PPM > config->max_retention_size * config->throttling_fraction)
        return;
    queue_put_throttling(q, fx, true, false);
    queue_move(q, fx, QUEUE_RUNNING);
}

/* P4 (MemoryQueue.scala:558-569, 1060-1082) */
static void queue_serve(struct queue *q, const struct message *m, struct effects *fx)
{
    const struct post_get *get = MESSAGE_LOCAL_CONST(m, struct post_get);
    if (!get->alive) {
        queue_close_polls(q, fx, get->container);
        queue_answer(q, fx, m->from_actor, get->container, FETCHED_NOTHING, NULL);
        shared_set_remove(&q->containers, fx, get->container); /* W11 */
        return;
    }
    shared_set_add(&q->containers, fx, get->container); /* W10 */
    if (get->has_duration)
        queue_add_duration(q, get->duration_ms);
    if (q->count == 0) {
        queue_buffer_poll(q, fx, m->from_actor, get);
        return;
    }
    struct waiting w = queue_pop(q);
    fx->cause = w.cause;
    queue_record_handed_over(q, fx, w.activation.id, get->container, get->invoker);
    queue_answer(q, fx, m->from_actor, get->container, FETCHED_ACTIVATION, &w.activation);
    queue_try_unthrottle_action(q, fx);
}

void queue_on_get(struct queue *q, const struct message *m, struct effects *fx)
{
    const struct post_get *get = MESSAGE_LOCAL_CONST(m, struct post_get);
    if (get->action != q->action || get->revision != q->revision) {
        queue_answer(q, fx, m->from_actor, get->container, FETCHED_MISMATCH, NULL);
    } else if (q->state == QUEUE_IDLE) {
        queue_answer(q, fx, m->from_actor, get->container, FETCHED_NOTHING, NULL);
    } else if (q->state == QUEUE_REMOVED) {
        queue_forward_all(q, fx);
        queue_answer(q, fx, m->from_actor, get->container, FETCHED_NO_QUEUE, NULL);
    } else {
        queue_serve(q, m, fx);
    }
}
