/*
 * scheduler_decision.c - how many containers a queue orders, from one snapshot.
 */
#include "scheduler/scheduler_decision.h"
#include "core/assert.h"

NAMES_DEFINE(decision, DECISION_LIST)

/* The quantities of SchedulingDecisionMaker.scala:65-105. */
struct quantities {
    int32_t total;              /* containers, made or being made */
    int32_t available;          /* messages */
    int32_t namespace_capacity; /* what the namespace's limit leaves */
    int32_t over_capacity;      /* the same with the over-provision ratio */
    int32_t capacity;
    bool may_exceed;    /* the namespace's limit, with the first container of an action */
    double concurrency; /* activations at once in one container */
    double throughput;  /* messages of one container per stale-threshold */
};

int32_t ceil_int(double value)
{
    if (!(value > -2147483648.0))
        return value != value ? 0 : INT32_MIN;
    if (value >= 2147483647.0)
        return INT32_MAX;
    int32_t whole = (int32_t)value; /* toward zero */
    return (double)whole < value ? whole + 1 : whole;
}

/* Int addition of the JVM, which wraps. */
static int32_t add_int(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static int32_t min_int(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static struct quantities decide_quantities(const struct decision_input *in)
{
    struct quantities q = {.total = in->existing + in->in_progress,
                           .available = in->waiting + in->incoming};
    int32_t used = in->namespace_existing + in->namespace_in_progress;
    q.namespace_capacity = in->namespace_limit - used;
    q.over_capacity = ceil_int((double)in->namespace_limit * in->over_provision_ratio) - used;
    q.may_exceed = in->allow_over_provision && !in->behaviour->no_over_provision;
    if (q.may_exceed && q.total == 0)
        q.capacity = q.over_capacity > 0 ? 1 : 0;
    else if (in->behaviour->no_action_limit)
        q.capacity = q.namespace_capacity;
    else
        q.capacity = min_int(q.namespace_capacity, in->action_limit - q.total);
    q.concurrency = in->behaviour->no_concurrency ? 1.0 : (double)in->concurrency;
    bool is_guarded = in->duration_ms <= 0.0 && !in->behaviour->any_duration;
    q.throughput = q.concurrency;
    if (in->has_duration && !is_guarded)
        q.throughput = in->stale_ms / in->duration_ms * q.concurrency;
    return q;
}

static struct decision decision_of(enum decision_kind kind, int32_t count)
{
    return (struct decision){.kind = kind, .count = count};
}

/* SchedulingDecisionMaker.scala:261-296 */
static struct decision decide_provision(const struct decision_input *in,
                                        const struct quantities *q, int32_t count)
{
    ASSERT(q->capacity > 0);
    bool fills_namespace =
        q->capacity >= q->namespace_capacity || in->behaviour->no_action_limit;
    if (count > q->capacity)
        return decision_of(fills_namespace ? DECISION_ENABLE_THROTTLING : DECISION_ADD,
                           q->capacity);
    return count <= 0 ? decision_of(DECISION_SKIP, 0) : decision_of(DECISION_ADD, count);
}

/* For the stale messages; before #5344 for all that wait, as soon as one is stale. */
static int32_t decide_for_stale(const struct decision_input *in, const struct quantities *q)
{
    int32_t messages = in->behaviour->stale_uses_all ? q->available : in->stale;
    return min_int(ceil_int((double)messages / q->throughput), messages) - in->in_progress;
}

static struct decision decide_without_duration(const struct decision_input *in,
                                               const struct quantities *q)
{
    int32_t count = ceil_int((double)in->stale / q->concurrency) - in->in_progress;
    return decide_provision(in, q, min_int(count, q->available));
}

/* Running, with an average: SchedulingDecisionMaker.scala:157-203. */
static struct decision decide_with_duration(const struct decision_input *in,
                                            const struct quantities *q)
{
    int32_t for_stale = in->stale > 0 ? decide_for_stale(in, q) : 0;
    if (in->behaviour->stale_uses_all && in->stale > 0)
        return decide_provision(in, q, for_stale);
    double expected = q->throughput * (double)q->total;
    int32_t fresh = q->available - in->stale;
    bool is_usable = in->duration_ms > 0.0 || in->behaviour->any_duration;
    if ((double)fresh >= expected && q->total < fresh && is_usable) {
        int32_t count = ceil_int((double)fresh / q->throughput - (double)in->existing -
                                 (double)in->in_progress);
        if (add_int(count, q->total) > fresh)
            count = fresh - q->total;
        return decide_provision(in, q, add_int(count, for_stale));
    }
    return for_stale > 0 ? decide_provision(in, q, for_stale) : decision_of(DECISION_SKIP, 0);
}

/* No room: rows 3 to 5. */
static struct decision decide_full(const struct decision_input *in, const struct quantities *q)
{
    if (in->state == QUEUE_RUNNING && (!q->may_exceed || q->over_capacity <= 0))
        return decision_of(
            q->total == 0 ? DECISION_ENABLE_THROTTLING_DROP : DECISION_ENABLE_THROTTLING, 0);
    if (in->state == QUEUE_NAMESPACE_THROTTLED && q->may_exceed && q->over_capacity > 0)
        return decision_of(DECISION_DISABLE_THROTTLING, 0);
    return decision_of(DECISION_SKIP, 0);
}

static struct decision decide_running(const struct decision_input *in,
                                      const struct quantities *q)
{
    if (!in->has_duration && q->total == 0 && !in->initialized)
        return decision_of(DECISION_ADD_INITIAL, 1);
    if (q->total == 0 && q->available > 0)
        return decision_of(DECISION_ADD, 1);
    if (in->has_duration)
        return decide_with_duration(in, q);
    return in->stale > 0 ? decide_without_duration(in, q) : decision_of(DECISION_SKIP, 0);
}

static struct decision decide_removing(const struct decision_input *in,
                                       const struct quantities *q)
{
    if (in->stale == 0)
        return decision_of(DECISION_SKIP, 0);
    if (in->has_duration)
        return decide_provision(in, q, decide_for_stale(in, q));
    return decide_without_duration(in, q);
}

struct decision decide(const struct decision_input *in)
{
    ASSERT(in->concurrency > 0 && in->stale_ms > 0.0);
    ASSERT(in->stale >= 0 && in->waiting >= 0 && in->incoming >= 0);
    ASSERT(in->existing >= 0 && in->in_progress >= 0);
    struct quantities q = decide_quantities(in);
    int32_t limit = in->behaviour->no_action_limit
                        ? in->namespace_limit
                        : min_int(in->namespace_limit, in->action_limit);
    if (limit <= 0)
        return decision_of(in->state == QUEUE_FLUSHING ? DECISION_SKIP : DECISION_PAUSING, 0);
    if (q.capacity <= 0)
        return decide_full(in, &q);
    switch (in->state) {
    case QUEUE_RUNNING:
        return decide_running(in, &q);
    case QUEUE_NAMESPACE_THROTTLED:
        return decision_of(DECISION_DISABLE_THROTTLING, 0);
    case QUEUE_FLUSHING:
        return q.total == 0 ? decision_of(DECISION_ADD_INITIAL, 1)
                            : decision_of(DECISION_SKIP, 0);
    case QUEUE_REMOVING:
        return decide_removing(in, &q);
    case QUEUE_UNINITIALIZED:
    case QUEUE_IDLE:
    case QUEUE_ACTION_THROTTLED:
    case QUEUE_REMOVED:
    case QUEUE_STATE_COUNT:
        break;
    }
    return decision_of(DECISION_SKIP, 0);
}
