/*
 * scheduler_queue_data.c - a queue's state data as its admin route tells it.
 * Source: MemoryQueue.scala:69-100 at 1fae641a2; before #5338 what a case class prints.
 */
#include "scheduler/scheduler_queue.h"
#include <stdio.h>

static const char *bool_text(unsigned value)
{
    return value != 0 ? "true" : "false";
}

/* FlushingData has the name of another class in it (MemoryQueue.scala:85-92). */
static void put_flushing(const struct queue *q, char *text, size_t size)
{
    snprintf(text, size, "ThrottledData(error: %s, reason: %s, activeDuringFlush: %s)",
             creation_error_to_string(q->flush_error), error_text_to_string(q->flush_text),
             bool_text(q->active_during_flush));
}

/* Workers are unnamed actors; their numbers are ours. Once the dropping worker is lost, the
 * other stands for it. */
static void put_workers(const struct queue *q, const char *name, char *text, size_t size)
{
    unsigned uid = SLOT_REF(q->actor) + 1;
    uint32_t epochs[] = {q->monitor_epoch, q->worker != NULL ? q->worker->number : 0};
    char workers[2][64];
    for (unsigned i = 0; i < 2; i++)
        snprintf(workers[i], sizeof workers[i],
                 "Actor[akka://scheduler-actor-system/user/$%c%u#%u]",
                 epochs[i] != 0 && i == 1 ? 'd' : 'm',
                 (unsigned)(epochs[i] != 0 ? epochs[i] : epochs[0]), uid);
    int length = snprintf(text, size, "%s(%s,%s", name, workers[0], workers[1]);
    size_t at = length < 0 || (size_t)length >= size ? size - 1 : (size_t)length;
    if (q->state == QUEUE_FLUSHING)
        snprintf(text + at, size - at, ",%s,%s,%s)", creation_error_to_string(q->flush_error),
                 error_text_to_string(q->flush_text), bool_text(q->active_during_flush));
    else if (q->state == QUEUE_REMOVING)
        snprintf(text + at, size - at, ",%s)", bool_text(q->outdated));
    else
        snprintf(text + at, size - at, ")");
}

static const char *plain_text(const struct queue *q, char *text, size_t size)
{
    static const char *const names[QUEUE_STATE_COUNT] = {
        [QUEUE_RUNNING] = "RunningData",
        [QUEUE_FLUSHING] = "FlushingData",
        [QUEUE_NAMESPACE_THROTTLED] = "ThrottledData",
        [QUEUE_ACTION_THROTTLED] = "ThrottledData",
        [QUEUE_REMOVING] = "RemovingData",
    };
    ASSERT_OP(q->state, <, QUEUE_STATE_COUNT);
    if (q->state == QUEUE_IDLE)
        return "NoActors()";
    if (names[q->state] == NULL)
        return "NoData()";
    put_workers(q, names[q->state], text, size);
    return text;
}

const char *queue_data_text(const struct queue *q, char *text, size_t size)
{
    if (scheduler_behaviour(q->scheduler->env)->plain_state_data)
        return plain_text(q, text, size);
    switch ((enum queue_state)q->state) {
    case QUEUE_UNINITIALIZED:
    case QUEUE_REMOVED:
    case QUEUE_STATE_COUNT:
        return "NoData";
    case QUEUE_RUNNING:
        return "RunningData";
    case QUEUE_IDLE:
        return "NoActors";
    case QUEUE_NAMESPACE_THROTTLED:
    case QUEUE_ACTION_THROTTLED:
        return "ThrottledData";
    case QUEUE_REMOVING:
        return q->outdated ? "RemovingData(outdated: true)" : "RemovingData(outdated: false)";
    case QUEUE_FLUSHING:
        break;
    }
    put_flushing(q, text, size);
    return text;
}
