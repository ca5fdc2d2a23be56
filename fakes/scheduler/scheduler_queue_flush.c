/*
 * scheduler_queue_flush.c - results of creations, Flushing, and what waits too long.
 */
#include "scheduler/scheduler_queue.h"

/* Upstream's default text of each; those of an invoker may say more. */
static const uint8_t creation_texts[CREATION_ERROR_COUNT] = {
    [CREATION_NO_AVAILABLE_INVOKERS] = ERROR_NO_INVOKERS,
    [CREATION_NO_AVAILABLE_RESOURCE_INVOKERS] = ERROR_NO_RESOURCE_INVOKERS,
    [CREATION_RESOURCE_NOT_ENOUGH] = ERROR_RESOURCE_NOT_ENOUGH,
    [CREATION_WHISK] = ERROR_CREATION_WHISK,
    [CREATION_UNKNOWN] = ERROR_CREATION_UNKNOWN,
    [CREATION_TIMEOUT] = ERROR_CREATION_TIMEOUT,
    [CREATION_SHUTTING_DOWN] = ERROR_SHUTTING_DOWN,
    [CREATION_NON_EXECUTABLE] = ERROR_NO_EXECUTABLE,
    [CREATION_DB_FETCH] = ERROR_DB_FETCH,
    [CREATION_BLACK_BOX] = ERROR_BLACK_BOX,
    [CREATION_ZERO_NAMESPACE_LIMIT] = ERROR_NAMESPACE_LIMIT, /* the queue's own text */
    [CREATION_TOO_MANY_CONCURRENT] = ERROR_CREATION_TOO_MANY,
    [CREATION_INVALID_ACTION_LIMIT] = ERROR_INVALID_ACTION_LIMIT,
};

static enum response_status stored_response(const struct queue *q)
{
    return creation_is_whisk_error(q->flush_error) ? RESPONSE_WHISK_ERROR
                                                   : RESPONSE_DEVELOPER_ERROR;
}

static void queue_store_error(struct queue *q, uint8_t error)
{
    ASSERT_OP(error, <, CREATION_ERROR_COUNT);
    q->flush_error = error;
    q->flush_text = creation_texts[error];
}

static void queue_complete(struct queue *q, struct effects *fx, const struct activation *a,
                           enum response_status response, enum error_text error)
{
    scheduler_complete(q->scheduler, fx, q->actor, a, response, error, ACK_BY_PLACEHOLDER);
}

static void queue_complete_all(struct queue *q, struct effects *fx,
                               enum response_status response, enum error_text error)
{
    uint32_t cause = fx->cause; /* of what comes after */
    while (q->count > 0) {
        struct waiting w = queue_pop(q);
        fx->cause = w.cause;
        queue_complete(q, fx, &w.activation, response, error);
    }
    fx->cause = cause;
}

void queue_complete_all_stored(struct queue *q, struct effects *fx)
{
    queue_complete_all(q, fx, stored_response(q), (enum error_text)q->flush_text);
}

static enum response_status throttle_response(const struct queue *q)
{
    return q->scheduler->config->fail_throttle_as_whisk_error ? RESPONSE_WHISK_ERROR
                                                              : RESPONSE_DEVELOPER_ERROR;
}

/* M1 */
void queue_reject(struct queue *q, struct effects *fx, const struct activation *a)
{
    queue_complete(q, fx, a, throttle_response(q), ERROR_TOO_MANY_CONCURRENT);
}

void queue_reject_all(struct queue *q, struct effects *fx)
{
    queue_complete_all(q, fx, throttle_response(q), ERROR_TOO_MANY_CONCURRENT);
}

duration queue_retention(const struct queue *q)
{
    const struct scheduler *self = q->scheduler;
    bool is_blackbox = cluster_action(self->env->cluster, q->action)->blackbox;
    return is_blackbox ? self->config->max_blackbox_retention : self->config->max_retention;
}

/* Why it was not served: what the decision maker last saw while it waited, if anything. */
static uint32_t queue_drop_cause(const struct queue *q, const struct waiting *w)
{
    bool is_later = q->state != QUEUE_FLUSHING && q->snapshot_record > w->cause;
    return is_later ? q->snapshot_record : w->cause;
}

/* MemoryQueue.scala:1190-1212: from the head, always as a whisk error. */
static void queue_drop_old(struct queue *q, struct effects *fx, enum error_text error)
{
    duration retention = queue_retention(q);
    uint32_t cause = fx->cause;
    while (q->count > 0 && fx->at - queue_head(q)->enqueued_at >= retention) {
        struct waiting w = queue_pop(q);
        fx->cause = queue_drop_cause(q, &w);
        queue_complete(q, fx, &w.activation, RESPONSE_WHISK_ERROR, error);
    }
    fx->cause = cause;
}

/* F1 (MemoryQueue.scala:371-379) */
void queue_flush_activation(struct queue *q, struct effects *fx, const struct activation *a)
{
    ASSERT_OP(q->state, ==, QUEUE_FLUSHING);
    if (creation_is_whisk_error(q->flush_error))
        queue_append(q, fx, a);
    else
        queue_complete(q, fx, a, stored_response(q), (enum error_text)q->flush_text);
    q->active_during_flush = true;
}

/* P11 (MemoryQueue.scala:383-394) */
void queue_flush_tick(struct queue *q, struct effects *fx)
{
    ASSERT_OP(q->state, ==, QUEUE_FLUSHING);
    queue_drop_old(q, fx, (enum error_text)q->flush_text);
    if (q->active_during_flush || q->count > 0)
        q->active_during_flush = false;
    else
        queue_give_up(q, fx);
}

void queue_on_drop_old(struct queue *q, const struct message *m, struct effects *fx)
{
    (void)m;
    if (q->state == QUEUE_FLUSHING)
        queue_flush_tick(q, fx);
    else
        queue_drop_old(q, fx, ERROR_NOT_INITIATED); /* P13 */
}

void queue_on_job_succeeded(struct queue *q, const struct message *m, struct effects *fx)
{
    shared_set_remove(&q->creations, fx,
                      MESSAGE_LOCAL_CONST(m, struct post_job)->creation); /* W2, W8 */
    if (q->state == QUEUE_FLUSHING)
        queue_move(q, fx, QUEUE_RUNNING);
}

/* P6 (MemoryQueue.scala:267-283) */
static void queue_fail_running(struct queue *q, const struct post_job *job, struct effects *fx)
{
    shared_set_remove(&q->creations, fx, job->creation); /* W1 */
    if (shared_set_count(&q->containers) > 0)            /* R3 */
        return;
    queue_store_error(q, job->error);
    q->active_during_flush = false;
    if (!creation_is_whisk_error(job->error))
        queue_complete_all_stored(q, fx);
    queue_move(q, fx, QUEUE_FLUSHING);
}

/* P7 (MemoryQueue.scala:349-368) */
static void queue_fail_flushing(struct queue *q, const struct post_job *job, struct effects *fx)
{
    bool is_checked = !scheduler_behaviour(q->scheduler->env)->action_limit_not_checked;
    if (job->error == CREATION_INVALID_ACTION_LIMIT && is_checked) {
        queue_complete_all_stored(q, fx);
        queue_give_up(q, fx);
        return;
    }
    shared_set_remove(&q->creations, fx, job->creation); /* W3 */
    queue_store_error(q, job->error);
}

void queue_on_job_failed(struct queue *q, const struct message *m, struct effects *fx)
{
    const struct post_job *job = MESSAGE_LOCAL_CONST(m, struct post_job);
    ASSERT(job->error != CREATION_NONE);
    if (q->state == QUEUE_RUNNING)
        queue_fail_running(q, job, fx);
    else if (q->state == QUEUE_FLUSHING)
        queue_fail_flushing(q, job, fx);
    else
        shared_set_remove(&q->creations, fx, job->creation); /* W9 */
}

bool creation_is_whisk_error(uint8_t error)
{
    switch ((enum creation_error)error) {
    case CREATION_NO_AVAILABLE_INVOKERS:
    case CREATION_NO_AVAILABLE_RESOURCE_INVOKERS:
    case CREATION_RESOURCE_NOT_ENOUGH:
    case CREATION_WHISK:
    case CREATION_SHUTTING_DOWN:
    case CREATION_UNKNOWN:
    case CREATION_TIMEOUT:
    case CREATION_ZERO_NAMESPACE_LIMIT:
        return true;
    case CREATION_NONE:
    case CREATION_NON_EXECUTABLE:
    case CREATION_DB_FETCH:
    case CREATION_BLACK_BOX:
    case CREATION_TOO_MANY_CONCURRENT:
    case CREATION_INVALID_ACTION_LIMIT:
    case CREATION_ERROR_COUNT:
        break;
    }
    return false;
}
