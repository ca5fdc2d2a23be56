/*
 * scheduler_queue_monitor.c - the two workers of a queue, the snapshot they take, the decision
 * made from it, and what the queue does then.
 *
 * A round: timer (monitoring worker: average, limit look-up) -> LIMIT (callback: snapshot,
 * next timer) -> SNAPSHOT (decision maker) -> DECIDED (its callback) -> DECISION (queue).
 * Nothing is checked again on the way (MemoryQueue.scala:928-978,
 * SchedulingDecisionMaker.scala:36-47).
 */
#include "scheduler/scheduler_queue.h"

#define PPM 1000000.0

static actor_id monitor_actor(const struct queue *q)
{
    return SLOT_ACTOR(ACTOR_MONITOR, SLOT_REF(q->actor));
}

static void queue_post_work(struct queue *q, struct effects *fx, actor_id from,
                            enum scheduler_post what, struct post_work work)
{
    struct message *m = effects_post(fx, from, monitor_actor(q), what);
    *MESSAGE_LOCAL(m, struct post_work) = work;
}

void queue_start_monitoring(struct queue *q, struct effects *fx)
{
    const struct machine_env *env = q->scheduler->env;
    ASSERT(!q->is_monitoring);
    q->is_monitoring = true;
    queue_post_work(q, fx, q->actor, POST_WORK_MONITOR,
                    (struct post_work){.epoch = ++q->monitor_epoch});
    struct drop_worker *worker = arena_alloc(env->arena, env->node, sizeof *worker);
    worker->number = ++q->drop_number;
    worker->timer = (struct timer){
        .kind = TIMER_QUEUE_DROP, .actor = monitor_actor(q), .arg = worker->number};
    worker->next = q->workers;
    q->workers = worker;
    q->worker = worker;
    queue_post_work(q, fx, q->actor, POST_WORK_DROP,
                    (struct post_work){.epoch = worker->number});
}

void queue_stop_monitoring(struct queue *q)
{
    struct scheduler *self = q->scheduler;
    q->is_monitoring = false;
    timers_cancel(&self->timers, &q->monitor_timer);
    struct drop_worker **link = &q->workers, *worker = q->worker;
    if (worker == NULL)
        return; /* lost, and so left running (MemoryQueue.scala:299) */
    while (*link != worker)
        link = &(*link)->next;
    *link = worker->next;
    timers_cancel(&self->timers, &worker->timer);
    arena_release(self->env->arena, worker);
    q->worker = NULL;
}

void queue_add_duration(struct queue *q, uint32_t duration_ms)
{
    uint32_t size = (uint32_t)q->scheduler->config->duration_buffer_size;
    ASSERT_OP(size, <=, DURATIONS_MAX);
    q->durations_ms[q->duration_next] = duration_ms;
    q->duration_next = (q->duration_next + 1) % size;
    if (q->duration_count < size)
        q->duration_count++;
    if (q->duration_max < duration_ms)
        q->duration_max = duration_ms;
}

static void queue_update_average(struct queue *q)
{
    double sum = 0.0;
    if (q->duration_count == 0)
        return;
    for (uint32_t i = 0; i < q->duration_count; i++)
        sum += (double)q->durations_ms[i];
    uint32_t count = q->duration_count;
    if (count > 2 && scheduler_behaviour(q->scheduler->env)->trimmed_average) {
        sum -= (double)q->duration_max; /* the least was 0 from the start */
        count -= 2;
    }
    q->average_ms = sum / (double)count;
    q->has_average = true;
}

/* ---- limit look-up: upstream's cache of identities, also of missing ones; an entry lasts five
 * minutes from its read on (Identity.scala:156, 168-187) ---- */

#define LIMIT_LIFE MINUTES(5)

static void limit_read(struct scheduler *self, struct effects *fx, namespace_id ns)
{
    struct limit *limit = &self->limits[scheduler_namespace_index(self, ns)];
    struct call *call = call_new(self, CALL_IDENTITY);
    if (call == NULL)
        return;
    limit->state = LIMIT_READING;
    limit->read_at = fx->at;
    call->ns = ns;
    call_read(self, fx, call, DOCUMENT_IDENTITY, ACTION_NONE, 0);
}

static void queue_look_up_limit(struct queue *q, struct effects *fx, uint32_t epoch)
{
    struct scheduler *self = q->scheduler;
    struct limit *limit = &self->limits[scheduler_namespace_index(self, q->ns)];
    if (limit->state == LIMIT_KNOWN && fx->at - limit->read_at < LIMIT_LIFE) {
        queue_post_work(q, fx, monitor_actor(q), POST_LIMIT,
                        (struct post_work){.epoch = epoch, .result = limit->result});
        return;
    }
    q->limit_waits++;
    q->limit_epoch = epoch;
    if (limit->state != LIMIT_READING)
        limit_read(self, fx, q->ns);
}

void limit_on_answer(struct scheduler *self, struct call *call, const struct message *m,
                     struct effects *fx)
{
    namespace_id ns = call->ns;
    struct limit *limit = &self->limits[scheduler_namespace_index(self, ns)];
    uint32_t result = m != NULL ? m->u.database.result : DOCUMENT_ERROR;
    limit->state = LIMIT_UNKNOWN;
    if (result == DOCUMENT_FOUND || result == DOCUMENT_MISSING)
        limit->state = LIMIT_KNOWN;
    limit->result = (uint8_t)result;
    if (result == DOCUMENT_FOUND)
        limit->concurrent = m->u.database.concurrent_limit;
    actor_id callback = call->actor;
    call_release(self, call);
    for (uint32_t i = 0; i < self->queues.count; i++) {
        struct queue *q = slots_at(&self->queues, i);
        if (q == NULL || q->ns != ns)
            continue;
        for (; q->limit_waits > 0; q->limit_waits--) /* of workers that were stopped, too */
            queue_post_work(q, fx, callback, POST_LIMIT,
                            (struct post_work){.epoch = q->limit_waits > 1 ? 0 : q->limit_epoch,
                                               .result = result});
    }
}

/* ---- snapshot ---- */

/* Head entries of at least stale-threshold; the ring is in order of age. */
uint32_t queue_stale_count(const struct queue *q, tstamp at)
{
    duration threshold = q->scheduler->config->stale_threshold;
    uint32_t low = 0, high = q->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (at - q->messages[(q->head + middle) & (q->max - 1)].enqueued_at >= threshold)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A snapshot that counts on creations while messages wait is explained by them, and so is one
 * that does not see them as they are. */
static void queue_record_snapshot(struct queue *q, struct effects *fx,
                                  const struct post_snapshot *s)
{
    bool waits = s->stale > 0 && s->in_progress > 0;
    uint32_t why = waits || q->creations.stale_record != 0 ? shared_set_why(&q->creations) : 0;
    uint64_t value = (uint64_t)s->existing << 32 | s->in_progress;
    uint64_t value2 = (uint64_t)s->waiting << 32 | s->stale;
    if (value == q->recorded && value2 == q->recorded2)
        return;
    q->recorded = value;
    q->recorded2 = value2;
    if (why != 0)
        fx->cause = why;
    struct record *r = effects_record(fx, RECORD_SNAPSHOT, monitor_actor(q));
    q->snapshot_record = (uint32_t)r->seq;
    r->action = q->action;
    r->ns = q->ns;
    r->value = value;
    r->value2 = value2;
}

static void queue_snapshot(struct queue *q, struct effects *fx)
{
    struct scheduler *self = q->scheduler;
    const struct counter *counter = q->counter;
    struct post_snapshot s = {.waiting = q->count, .stale = queue_stale_count(q, fx->at)};
    s.existing = shared_set_count_elsewhere(&q->containers, fx); /* R7 */
    s.in_progress = shared_set_count_elsewhere(&q->creations, fx);
    s.namespace_existing = counter->existing;
    s.namespace_in_progress = counter->in_progress;
    s.duration_ms = q->average_ms;
    s.has_duration = q->has_average;
    s.namespace_limit = self->limits[scheduler_namespace_index(self, q->ns)].concurrent;
    s.state = q->state;
    s.initialized = q->initialized;
    queue_record_snapshot(q, fx, &s);
    actor_id decision = SLOT_ACTOR(ACTOR_DECISION, SLOT_REF(q->actor));
    struct message *m = effects_post(fx, monitor_actor(q), decision, POST_SNAPSHOT);
    *MESSAGE_LOCAL(m, struct post_snapshot) = s;
}

/* The callback of the limit look-up. A worker that was stopped meanwhile is not run again. */
static void queue_on_limit(struct queue *q, const struct post_work *work, struct effects *fx)
{
    struct scheduler *self = q->scheduler;
    if (work->result == DOCUMENT_FOUND)
        queue_snapshot(q, fx);
    else if (work->result == DOCUMENT_MISSING)
        effects_post(fx, monitor_actor(q), q->actor, POST_STOP_OUTDATED);
    if (q->is_monitoring && work->epoch == q->monitor_epoch)
        timers_arm(&self->timers, fx, &q->monitor_timer, self->config->check_interval, true);
}

/* ---- workers ---- */

static void queue_monitor(struct queue *q, struct effects *fx)
{
    ASSERT(q->is_monitoring && !timer_is_armed(&q->monitor_timer));
    queue_update_average(q);
    queue_look_up_limit(q, fx, q->monitor_epoch);
}

static void queue_check_drop(struct queue *q, uint32_t number, struct effects *fx)
{
    struct scheduler *self = q->scheduler;
    struct drop_worker *worker = q->workers;
    while (worker != NULL && worker->number != number)
        worker = worker->next;
    if (worker == NULL)
        return; /* stopped before its first turn */
    if (q->count > 0 && fx->at - queue_head(q)->enqueued_at >= queue_retention(q))
        effects_post(fx, monitor_actor(q), q->actor, POST_DROP_OLD);
    timers_arm(&self->timers, fx, &worker->timer, self->config->drop_interval, true);
}

void monitor_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    struct queue *q = slots_get(&self->queues, SLOT_REF(m->to_actor));
    const struct post_work *work = MESSAGE_LOCAL_CONST(m, struct post_work);
    if (q == NULL)
        return; /* its workers are gone, too */
    switch (m->what) {
    case POST_WORK_MONITOR:
        if (q->is_monitoring && work->epoch == q->monitor_epoch)
            queue_monitor(q, fx);
        break;
    case POST_WORK_DROP:
        queue_check_drop(q, work->epoch, fx);
        break;
    case POST_LIMIT:
        queue_on_limit(q, work, fx);
        break;
    default:
        effects_reject(fx, m->to_actor, m);
    }
}

void monitor_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx)
{
    struct queue *q = slots_get(&self->queues, SLOT_REF(timer->actor));
    ASSERT(q != NULL);
    if (timer->kind == TIMER_QUEUE_MONITOR)
        queue_monitor(q, fx);
    else
        queue_check_drop(q, timer->arg, fx);
}

/* ---- decision maker ---- */

/* The action's own limit, at most the namespace's. */
int32_t action_limit(const struct cluster *cluster, action_id action, uint32_t namespace_limit)
{
    uint32_t own = cluster_action(cluster, action)->instance_limit;
    return (int32_t)(own == 0 || own > namespace_limit ? namespace_limit : own);
}

static uint32_t action_concurrency(const struct cluster *cluster, action_id action)
{
    uint32_t own = cluster_action(cluster, action)->concurrency;
    return own > 0 ? own : 1;
}

static void decision_on_snapshot(struct queue *q, const struct message *m, struct effects *fx)
{
    const struct scheduler *self = q->scheduler;
    const struct post_snapshot *s = MESSAGE_LOCAL_CONST(m, struct post_snapshot);
    const struct cluster *cluster = self->env->cluster;
    uint32_t limit = s->namespace_limit > INT32_MAX ? INT32_MAX : s->namespace_limit;
    struct decision_input in = {
        .behaviour = scheduler_behaviour(self->env),
        .state = (enum queue_state)s->state,
        .initialized = s->initialized,
        .has_duration = s->has_duration,
        .allow_over_provision = self->config->allow_over_provision != 0,
        .incoming = s->incoming,
        .waiting = (int32_t)s->waiting,
        .existing = (int32_t)s->existing,
        .in_progress = (int32_t)s->in_progress,
        .stale = (int32_t)s->stale,
        .namespace_existing = (int32_t)s->namespace_existing,
        .namespace_in_progress = (int32_t)s->namespace_in_progress,
        .namespace_limit = (int32_t)limit,
        .action_limit = action_limit(cluster, q->action, limit),
        .concurrency = (int32_t)action_concurrency(cluster, q->action),
        .duration_ms = s->duration_ms,
        .stale_ms = (double)(self->config->stale_threshold / MSEC(1)),
        .over_provision_ratio = (double)self->config->over_provision_ratio / PPM,
    };
    struct decision decision = decide(&in);
    if (decision.kind == DECISION_SKIP)
        return;
    struct record *r = effects_record(fx, RECORD_DECIDED, m->to_actor);
    r->action = q->action;
    r->ns = q->ns;
    r->detail = (uint8_t)decision.kind;
    r->value = (uint64_t)decision.count;
    struct message *answer = effects_post(fx, m->to_actor, m->to_actor, POST_DECIDED);
    *MESSAGE_LOCAL(answer, struct post_decision) =
        (struct post_decision){.kind = decision.kind, .count = decision.count};
}

/* The decision is a Future: a callback of its own sends it
 * (SchedulingDecisionMaker.scala:38-46).
 */
static void decision_on_decided(struct queue *q, const struct message *m, struct effects *fx)
{
    struct message *answer = effects_post(fx, m->to_actor, q->actor, POST_DECISION);
    *MESSAGE_LOCAL(answer, struct post_decision) =
        *MESSAGE_LOCAL_CONST(m, struct post_decision);
}

void decision_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    struct queue *q = slots_get(&self->queues, SLOT_REF(m->to_actor));
    if (q == NULL)
        return;
    if (m->what == POST_SNAPSHOT)
        decision_on_snapshot(q, m, fx);
    else if (m->what == POST_DECIDED)
        decision_on_decided(q, m, fx);
    else
        effects_reject(fx, m->to_actor, m);
}

/* ---- decisions, in the queue's turn ---- */

void queue_put_throttling(struct queue *q, struct effects *fx, bool is_action, bool value)
{
    struct key key = queue_key(q, KEY_THROTTLING);
    struct value text = {.kind = VALUE_BOOL, .a = value};
    if (!is_action)
        key.action = ACTION_NONE;
    data_register(fx, q->actor, &key, &text, false);
}

/* MemoryQueue.scala:1001-1018: nothing is looked at again. */
static void queue_create(struct queue *q, struct effects *fx, uint32_t count)
{
    struct scheduler *self = q->scheduler;
    uint32_t index = self->env->cluster->nodes[self->env->node].index;
    uint32_t first = index << 24 | (self->creation_ordinal + 1);
    self->creation_ordinal += count;
    ASSERT_OP(count, >, 0);
    ASSERT_OP(self->creation_ordinal, <, 1u << 24);
    uint32_t decision = fx->cause; /* of each of them */
    for (uint32_t i = 0; i < count; i++) {
        fx->cause = decision;
        struct record *r = effects_record(fx, RECORD_CREATION_ORDERED, q->actor);
        r->creation = first + i;
        r->action = q->action;
        r->ns = q->ns;
    }
    uint32_t cause = fx->cause;
    for (uint32_t i = 0; i < count; i++)
        shared_set_add(&q->creations, fx, first + i); /* W12 */
    fx->cause = cause;
    struct message *m = effects_post(fx, q->actor, ACTOR_CONTAINERS_ID, POST_CREATE);
    *MESSAGE_LOCAL(m, struct post_create) = (struct post_create){.first = first,
                                                                 .count = count,
                                                                 .revision = q->revision,
                                                                 .action = q->action,
                                                                 .ns = q->ns};
}

static void queue_pause(struct queue *q, struct effects *fx)
{
    struct message *m = effects_post(fx, q->actor, q->actor, POST_JOB_FAILED);
    *MESSAGE_LOCAL(m, struct post_job) =
        (struct post_job){.revision = q->revision,
                          .action = q->action,
                          .ns = q->ns,
                          .error = CREATION_ZERO_NAMESPACE_LIMIT};
}

/* P5 (MemoryQueue.scala:632-670) */
void queue_on_decision(struct queue *q, const struct message *m, struct effects *fx)
{
    const struct post_decision *decision = MESSAGE_LOCAL_CONST(m, struct post_decision);
    bool creates = decision->count > 0;
    switch ((enum decision_kind)decision->kind) {
    case DECISION_ADD_INITIAL:
    case DECISION_ADD:
        if (!creates) {
            effects_reject(fx, q->actor, m);
            return;
        }
        if (decision->kind == DECISION_ADD_INITIAL)
            q->initialized = true;
        queue_create(q, fx, (uint32_t)decision->count);
        break;
    case DECISION_ENABLE_THROTTLING:
    case DECISION_ENABLE_THROTTLING_DROP:
    case DECISION_DISABLE_THROTTLING: {
        if (creates)
            queue_create(q, fx, (uint32_t)decision->count);
        bool disables = decision->kind == DECISION_DISABLE_THROTTLING;
        struct message *own =
            effects_post(fx, q->actor, q->actor,
                         disables ? POST_DISABLE_THROTTLING : POST_ENABLE_THROTTLING);
        *MESSAGE_LOCAL(own, struct post_decision) = *decision;
        break;
    }
    case DECISION_PAUSING:
        queue_pause(q, fx);
        break;
    case DECISION_SKIP:
    case DECISION_COUNT:
        effects_reject(fx, q->actor, m);
    }
}

void queue_on_enable(struct queue *q, const struct message *m, struct effects *fx)
{
    if (q->state != QUEUE_RUNNING) {
        effects_reject(fx, q->actor, m);
        return;
    }
    queue_put_throttling(q, fx, false, true);
    if (MESSAGE_LOCAL_CONST(m, struct post_decision)->kind == DECISION_ENABLE_THROTTLING_DROP)
        queue_reject_all(q, fx);
    fx->cause = m->cause;
    queue_move(q, fx, QUEUE_NAMESPACE_THROTTLED);
}

/* The new state's data holds the monitoring worker twice: the dropping worker is no longer
 * known to anybody and runs until the queue ends (MemoryQueue.scala:299). */
void queue_on_disable(struct queue *q, const struct message *m, struct effects *fx)
{
    if (q->state != QUEUE_NAMESPACE_THROTTLED) {
        effects_reject(fx, q->actor, m);
        return;
    }
    queue_put_throttling(q, fx, false, false);
    q->worker = NULL;
    queue_move(q, fx, QUEUE_RUNNING);
}
