/*
 * scheduler.c - the machine: start, dispatch of events to its actors, configuration.
 */
#include "scheduler/scheduler.h"
#include "scheduler/scheduler_queue.h"
#include <stdio.h>

#define SECOND SEC(1)

/* ---- helpers of all topics ---- */

uint32_t scheduler_namespace_index(const struct scheduler *self, namespace_id ns)
{
    uint32_t count = self->env->cluster->namespace_count;
    if (ns == NAMESPACE_SYSTEM)
        return count;
    return ns < count ? ns : UINT32_MAX;
}

void scheduler_lose(struct effects *fx, actor_id actor, activation_id id)
{
    struct record *r = effects_record(fx, RECORD_MESSAGE_LOST, actor);
    r->activation = id;
    r->peer = fx->node;
    r->detail = MSG_POST;
}

struct post_activation *scheduler_post_activation(struct effects *fx, actor_id from,
                                                  actor_id to, const struct activation *a)
{
    struct message *m = effects_post(fx, from, to, POST_ACTIVATION);
    struct post_activation *post = MESSAGE_LOCAL(m, struct post_activation);
    post->activation = *a;
    return post;
}

static void scheduler_ack(struct scheduler *self, struct effects *fx, actor_id actor,
                          const struct activation *a, enum response_status response,
                          enum error_text error, enum ack_instance instance)
{
    enum ack_kind kind = a->blocking ? ACK_COMBINED : ACK_COMPLETION;
    struct record *r = effects_record(fx, RECORD_ACKED, actor);
    r->activation = a->id;
    r->peer = a->controller;
    r->detail = (uint8_t)kind;
    r->value = response;
    r->value2 = instance;
    struct entry entry = {.kind = ENTRY_ACK, .cause = fx->cause};
    entry.u.ack = (struct ack){.id = a->id,
                               .kind = (uint8_t)kind,
                               .status = (uint8_t)response,
                               .error = (uint8_t)error,
                               .instance = (uint8_t)instance,
                               .signer = self->env->node,
                               .controller = a->controller,
                               .action = a->action,
                               .ns = a->ns};
    const struct cluster *cluster = self->env->cluster;
    if (a->controller >= cluster->node_count)
        return;
    uint32_t index = cluster->nodes[a->controller].index;
    scheduler_produce(self, fx, TOPIC(TOPIC_COMPLETED, index), &entry);
}

/* Nobody waits for the broker: upstream only logs a failure. */
void scheduler_produce(struct scheduler *self, struct effects *fx, uint32_t topic,
                       const struct entry *entry)
{
    producer_send(&self->producer, fx, ACTOR_PRODUCER_ID, scheduler_corr(self), topic, entry);
}

/* MemoryQueue.scala:834-891, QueueManager.scala:611-661: duration 0, both sent and forgotten.
 */
void scheduler_complete(struct scheduler *self, struct effects *fx, actor_id actor,
                        const struct activation *a, enum response_status response,
                        enum error_text error, enum ack_instance instance)
{
    struct record *r = effects_record(fx, RECORD_DROPPED, actor);
    r->activation = a->id;
    r->action = a->action;
    r->ns = a->ns;
    r->detail = (uint8_t)error;
    r->value = response;
    uint32_t cause = fx->cause;
    scheduler_ack(self, fx, actor, a, response, error, instance);
    fx->cause = cause;
    r = effects_record(fx, RECORD_STORE_SENT, actor);
    r->activation = a->id;
    r->detail = (uint8_t)response;
    struct message *m =
        effects_send(fx, MSG_DATABASE_STORE, ACTOR_STORE_ID, self->database, ACTOR_MAIN_ID);
    m->corr = scheduler_corr(self);
    m->u.store.id = a->id;
    m->u.store.action = a->action;
    m->u.store.ns = a->ns;
    m->u.store.start_at = fx->at;
    m->u.store.end_at = fx->at;
    m->u.store.response = (uint8_t)response;
    m->u.store.error = (uint8_t)error;
}

/* ---- life ---- */

static void scheduler_init(void *machine, const struct machine_env *env)
{
    struct scheduler *self = machine;
    const struct cluster *cluster = env->cluster;
    uint32_t index = cluster->nodes[env->node].index;
    self->env = env;
    self->config = env->config;
    self->corr = etcd_first_corr(env);
    self->etcd = cluster_node(cluster, NODE_ETCD, 0);
    self->database = cluster_node(cluster, NODE_DATABASE, 0);
    ASSERT(self->etcd != NODE_NONE && self->database != NODE_NONE);
    self->queues.item_size = sizeof(struct queue);
    self->polls.item_size = sizeof(struct poll);
    self->asks.item_size = sizeof(struct ask);
    self->gathers.item_size = sizeof(struct gather);
    self->calls.item_size = sizeof(struct call);
    size_t namespaces = cluster->namespace_count + 1;
    self->counters = arena_alloc(env->arena, env->node, namespaces * sizeof *self->counters);
    self->limits = arena_alloc(env->arena, env->node, namespaces * sizeof *self->limits);
    self->metadata = arena_alloc(env->arena, env->node,
                                 (cluster->action_count + 1) * sizeof *self->metadata);
    timers_init(&self->timers, env->arena, env->node);
    producer_init(&self->producer, env, &self->timers);
    pool_init(self);
    watcher_init(&self->watcher, env);
    lease_init(&self->lease, env, &self->timers,
               (uint32_t)(self->config->lease_timeout / SECOND));
    self->data = data_new(env, &self->timers, self->config->data_retry_interval);
    uint32_t peek = (uint32_t)self->config->max_peek;
    feed_init(&self->feeds[0], env, &self->timers, 0, TOPIC(TOPIC_SCHEDULER, index), peek, peek,
              ACTOR_FEED_HANDLER_ID(0));
    feed_init(&self->feeds[1], env, &self->timers, 1, TOPIC(TOPIC_CREATION_ACK, index), peek,
              peek, ACTOR_FEED_HANDLER_ID(1));
}

/* The order of Scheduler.scala:289-366, step 5. */
static void scheduler_start(struct scheduler *self, struct effects *fx)
{
    watcher_start(&self->watcher, fx);
    lease_start(&self->lease, fx);
    data_start(self->data, fx);
    feed_start(&self->feeds[1], fx);
    container_start(self, fx);
    manager_start(self, fx);
    feed_start(&self->feeds[0], fx);
}

/* ---- dispatch ---- */

static void main_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    if (m->kind == MSG_FETCH)
        fetch_on_message(self, m, fx);
    else if (m->kind == MSG_HTTP_REQUEST)
        route_on_request(self, m, fx);
    else if (m->kind == MSG_RESCHEDULE)
        reschedule_on_message(self, m, fx);
    else
        effects_reject(fx, m->to_actor, m);
}

static void handler_on_message(struct scheduler *self, const struct message *m,
                               struct effects *fx)
{
    if (m->kind != MSG_POST || m->what != POST_FEED_ITEM)
        effects_reject(fx, m->to_actor, m);
    else if (ACTOR_INDEX(m->to_actor) == 0)
        lookup_on_item(self, m, fx);
    else
        job_on_item(self, m, fx);
}

/* An ask's answer, or a gather's: they have actors of the same kind. */
static void answer_on_message(struct scheduler *self, const struct message *m,
                              struct effects *fx)
{
    if (m->kind == MSG_POST && (m->what == POST_STATE || m->what == POST_SIZE))
        gather_on_message(self, m, fx);
    else
        ask_on_message(self, m, fx);
}

/* Of the broker and of the database, of which upstream only logs a failure. */
static void sent_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    if (ACTOR_GENERATION(m->to_actor) == 0)
        producer_on_message(&self->producer, m, fx);
    else if (m->kind != MSG_DATABASE_STORED && m->kind != MSG_REFUSED)
        effects_reject(fx, m->to_actor, m);
}

/* Actors of this component that are sent nothing but posts. */
static void post_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    enum actor_kind kind = ACTOR_KIND(m->to_actor);
    if (m->kind != MSG_POST)
        effects_reject(fx, m->to_actor, m);
    else if (m->to_actor == ACTOR_REPORTER_ID)
        manager_on_reporter(self, m, fx);
    else if (kind == ACTOR_MONITOR)
        monitor_on_message(self, m, fx);
    else if (kind == ACTOR_DECISION)
        decision_on_message(self, m, fx);
    else if (kind == ACTOR_COUNTER)
        counter_on_message(self, m, fx);
    else if (kind == ACTOR_CONTAINER_MANAGER)
        container_on_message(self, m, fx);
    else
        job_on_message(self, m, fx);
}

static void scheduler_on_message(struct scheduler *self, const struct message *m,
                                 struct effects *fx)
{
    switch (ACTOR_KIND(m->to_actor)) {
    case ACTOR_MAIN:
        main_on_message(self, m, fx);
        return;
    case ACTOR_QUEUE:
        queue_on_message(self, m, fx);
        return;
    case ACTOR_FEED_HANDLER:
        handler_on_message(self, m, fx);
        return;
    case ACTOR_CALL:
        answer_on_message(self, m, fx);
        return;
    case ACTOR_CALLBACK:
        call_on_message(self, m, fx);
        return;
    case ACTOR_QUEUE_MANAGER:
        manager_on_message(self, m, fx);
        return;
    case ACTOR_MONITOR:
    case ACTOR_DECISION:
    case ACTOR_COUNTER:
    case ACTOR_CONTAINER_MANAGER:
    case ACTOR_JOB_MANAGER:
        post_on_message(self, m, fx);
        return;
    case ACTOR_FEED:
        feed_on_message(&self->feeds[ACTOR_INDEX(m->to_actor) & 1u], m, fx);
        return;
    case ACTOR_LEASE:
        lease_on_message(&self->lease, m, fx);
        return;
    case ACTOR_WATCHER:
        watcher_on_message(&self->watcher, m, fx);
        return;
    case ACTOR_DATA:
    case ACTOR_WORKER:
        data_on_message(self->data, m, fx);
        return;
    case ACTOR_PRODUCER:
        sent_on_message(self, m, fx);
        return;
    default: /* no such actor in a scheduler */
        effects_reject(fx, m->to_actor, m);
    }
}

static void scheduler_on_own_timer(struct scheduler *self, struct timer *timer,
                                   struct effects *fx)
{
    switch ((enum scheduler_timer)timer->kind) {
    case TIMER_QUEUE_STATE:
    case TIMER_QUEUE_FLUSH:
    case TIMER_QUEUE_REMOVED:
    case TIMER_QUEUE_POLL:
        queue_on_timer(self, timer, fx);
        return;
    case TIMER_QUEUE_MONITOR:
    case TIMER_QUEUE_DROP:
        monitor_on_timer(self, timer, fx);
        return;
    case TIMER_QUEUE_SET:
        shared_set_store(fx, timer);
        return;
    case TIMER_ASK:
        ask_on_timer(self, timer, fx);
        return;
    case TIMER_GATHER:
        gather_on_timer(self, timer, fx);
        return;
    case TIMER_CALL:
        call_on_timer(self, timer, fx);
        return;
    case TIMER_JOB:
        job_on_timer(self, timer, fx);
        return;
    case TIMER_RETRY:
        job_on_retry(self, timer, fx);
        return;
    case TIMER_REPORT:
        manager_on_report(self, fx);
        return;
    case TIMER_SHUTDOWN:
        manager_on_shutdown_timer(self, fx);
        return;
    case TIMER_BOUNCE:
        bounce_on_timer(self, timer, fx);
        return;
    }
    ASSERT_OP(timer->kind, <=, TIMER_BOUNCE);
}

static void scheduler_on_wake(struct scheduler *self, struct effects *fx)
{
    struct timer *timer = timers_pop(&self->timers, fx->at);
    ASSERT(timer != NULL);
    if (timer->kind >= TIMER_COMPONENT)
        scheduler_on_own_timer(self, timer, fx);
    else if (timer->kind == TIMER_FEED || timer->kind == TIMER_FEED_HEARTBEAT)
        feed_on_timer(&self->feeds[timer->arg & 1u], timer, fx);
    else if (timer->kind == TIMER_KEEPALIVE)
        lease_on_timer(&self->lease, fx);
    else if (timer->kind == TIMER_PRODUCER)
        producer_on_timer(&self->producer, fx);
    else
        data_on_timer(self->data, timer, fx);
}

static void scheduler_on_link(struct scheduler *self, const struct event *ev,
                              struct effects *fx)
{
    watcher_on_link(&self->watcher, ev, fx);
    lease_on_link(&self->lease, ev, fx);
    data_on_link(self->data, ev, fx);
    feed_on_link(&self->feeds[0], ev, fx);
    feed_on_link(&self->feeds[1], ev, fx);
    if (ev->down)
        call_on_link(self, ev->peer, fx);
    producer_on_link(&self->producer, ev, fx);
}

static void scheduler_step(void *machine, const struct event *ev, struct effects *fx)
{
    struct scheduler *self = machine;
    switch (ev->kind) {
    case EVENT_START:
        scheduler_start(self, fx);
        return;
    case EVENT_DELIVER:
        scheduler_on_message(self, ev->message, fx);
        return;
    case EVENT_WAKE:
        scheduler_on_wake(self, fx);
        return;
    case EVENT_SIGNAL: /* ends_at_signal */
        return;
    case EVENT_LINK:
        scheduler_on_link(self, ev, fx);
        return;
    }
}

static struct wakeup scheduler_next_wakeup(const void *machine)
{
    const struct scheduler *self = machine;
    return timers_first(&self->timers);
}

/* ---- full state ---- */

static void scheduler_digest_asks(const struct scheduler *self, struct digest *d)
{
    for (uint32_t i = 0; i < self->asks.count; i++) {
        const struct ask *ask = slots_at(&self->asks, i);
        if (ask != NULL)
            digest_two(d, (uint64_t)ask->from << 32 | ask->from_actor,
                       (uint64_t)ask->corr << 32 | ask->ref);
    }
    for (uint32_t i = 0; i < self->gathers.count; i++) {
        const struct gather *gather = slots_at(&self->gathers, i);
        if (gather != NULL)
            digest_two(d, (uint64_t)gather->what << 32 | gather->expected, gather->answered);
    }
    for (uint32_t i = 0; i < self->calls.count; i++) {
        const struct call *call = slots_at(&self->calls, i);
        if (call != NULL)
            digest_two(d, (uint64_t)call->kind << 32 | call->corr,
                       (uint64_t)call->attempts << 40 | (uint64_t)call->tries << 32 |
                           call->actor);
    }
    for (const struct bounce *b = self->bounces; b != NULL; b = b->next)
        digest_two(d, b->activation.id, (uint64_t)b->queue << 32 | b->cause);
}

static void scheduler_digest(const void *machine, struct digest *d)
{
    const struct scheduler *self = machine;
    digest_two(d, (uint64_t)self->creation_ordinal << 32 | self->corr, self->is_shutting_down);
    lease_digest(&self->lease, d);
    watcher_digest(&self->watcher, d);
    data_digest(self->data, d);
    feed_digest(&self->feeds[0], d);
    feed_digest(&self->feeds[1], d);
    pool_digest(self, d);
    for (uint32_t i = 0; i < self->queues.count; i++) {
        const struct queue *q = slots_at(&self->queues, i);
        if (q != NULL)
            queue_digest(q, d);
    }
    for (uint32_t i = 0; i <= self->env->cluster->namespace_count; i++) {
        digest_two(d, (uint64_t)self->limits[i].result << 8 | self->limits[i].state,
                   self->limits[i].concurrent);
        digest_word(d, self->limits[i].read_at);
    }
    update_digest(self, d);
    counter_digest(self, d);
    producer_digest(&self->producer, d);
    container_digest(self, d);
    job_digest(self, d);
    scheduler_digest_asks(self, d);
}

static bool pending_call(const struct scheduler *self, char *text, size_t size)
{
    for (uint32_t i = 0; i < self->calls.count; i++) {
        const struct call *call = slots_at(&self->calls, i);
        if (call == NULL || (call->kind != CALL_LOOKUP && call->kind != CALL_RECOVER &&
                             call->kind != CALL_UPDATE))
            continue;
        snprintf(text, size, "activation %u waits for its queue to be found",
                 (unsigned)call->u.activation.id);
        return true;
    }
    return false;
}

static bool scheduler_pending(const void *machine, char *text, size_t size)
{
    const struct scheduler *self = machine;
    for (uint32_t i = 0; i < self->queues.count; i++) {
        const struct queue *q = slots_at(&self->queues, i);
        if (q == NULL || q->count + q->stash_count == 0)
            continue;
        snprintf(text, size, "%u activations wait in the queue of %s", (unsigned)q->count,
                 cluster_action_name(self->env->cluster, q->action));
        return true;
    }
    if (pending_call(self, text, size))
        return true;
    if (self->bounces != NULL) {
        snprintf(text, size, "activation %u bounces off a removed queue",
                 (unsigned)self->bounces->activation.id);
        return true;
    }
    if (self->jobs.count > 0) {
        snprintf(text, size, "%u creation jobs are open", (unsigned)self->jobs.count);
        return true;
    }
    return false;
}

static const char *scheduler_post_name(unsigned what)
{
#define POST_NAME(id, text) text,
    static const char *const names[] = {SCHEDULER_POST_LIST(POST_NAME)};
    if (what < POST_COMPONENT)
        return common_post_to_string(what);
    what -= POST_COMPONENT;
    return what < sizeof names / sizeof names[0] ? names[what] : "unknown";
}

/* ---- configuration ---- */

#define OFFSET(field) (uint32_t) offsetof(struct scheduler_config, field)
#define FIELD(key, unit, min, max, shipped, ansible, field, about)                             \
    {                                                                                          \
        key, unit, min, max, shipped, ansible, OFFSET(field), about                            \
    }
#define QUEUE_KEY(name) "whisk.scheduler.queue." name
#define SCHEDULING_KEY(name) "whisk.scheduler.scheduling." name

static const struct config_field scheduler_fields[] = {
    FIELD(SCHEDULING_KEY("stale-threshold"), UNIT_DURATION, MSEC(1), MINUTES(1), MSEC(100),
          MSEC(100), stale_threshold, "a message that waited this long counts as stale"),
    FIELD(SCHEDULING_KEY("check-interval"), UNIT_DURATION, MSEC(1), MINUTES(1), MSEC(100),
          MSEC(100), check_interval, "pause between two decisions of a queue"),
    FIELD(SCHEDULING_KEY("drop-interval"), UNIT_DURATION, MSEC(1), MINUTES(60), SEC(10),
          SEC(10), drop_interval, "pause between two looks for messages to drop"),
    FIELD(SCHEDULING_KEY("allow-over-provision-before-throttle"), UNIT_BOOL, 0, 1, 0, 0,
          allow_over_provision, "a first container may exceed the namespace's limit"),
    FIELD(SCHEDULING_KEY("namespace-over-provision-before-throttle-ratio"), UNIT_FRACTION, 0,
          100000000, 1500000, 1500000, over_provision_ratio, "by this factor"),
    FIELD(QUEUE_KEY("idle-grace"), UNIT_DURATION, MSEC(1), MINUTES(1440), SEC(20), MINUTES(10),
          idle_grace, "silence after which an empty queue is idle"),
    FIELD(QUEUE_KEY("stop-grace"), UNIT_DURATION, MSEC(1), MINUTES(1440), SEC(20), MINUTES(10),
          stop_grace, "silence after which an idle queue ends; longest life of a removed one"),
    FIELD(QUEUE_KEY("flush-grace"), UNIT_DURATION, MSEC(1), MINUTES(1440), SEC(60), SEC(60),
          flush_grace, "pause between two ticks of a flushing queue"),
    FIELD(QUEUE_KEY("graceful-shutdown-timeout"), UNIT_DURATION, MSEC(1), MINUTES(60), SEC(5),
          SEC(5), graceful_shutdown_timeout, "silence that ends a removing or removed queue"),
    FIELD(QUEUE_KEY("max-retention-size"), UNIT_COUNT, 1, 1000000, 10000, 10000,
          max_retention_size, "messages at which the action is throttled"),
    FIELD(QUEUE_KEY("max-retention-ms"), UNIT_DURATION, MSEC(1), MINUTES(1440), SEC(60),
          SEC(60), max_retention, "age at which a message is dropped"),
    FIELD(QUEUE_KEY("max-blackbox-retention-ms"), UNIT_DURATION, MSEC(1), MINUTES(1440),
          SEC(300), SEC(300), max_blackbox_retention, "the same for blackbox actions"),
    FIELD(QUEUE_KEY("throttling-fraction"), UNIT_FRACTION, 0, 1000000, 900000, 900000,
          throttling_fraction, "share of max-retention-size at which throttling ends"),
    FIELD(QUEUE_KEY("duration-buffer-size"), UNIT_COUNT, 1, DURATIONS_MAX, 10, 10,
          duration_buffer_size, "durations in the average"),
    FIELD(QUEUE_KEY("fail-throttle-as-whisk-error"), UNIT_BOOL, 0, 1, 0, 0,
          fail_throttle_as_whisk_error, "a throttled message is a whisk error"),
    FIELD("whisk.scheduler.queue-manager.max-scheduling-time", UNIT_DURATION, MSEC(1),
          MINUTES(1440), SEC(20), SEC(20), max_scheduling_time,
          "age of the transaction above which an activation is not scheduled"),
    FIELD("whisk.scheduler.queue-manager.max-retries-to-get-queue", UNIT_COUNT, 0, 20, 13, 13,
          max_retries_to_get_queue, "look-ups of a leader key after the first"),
    FIELD("whisk.scheduler.max-peek", UNIT_COUNT, 1, 100000, 128, 128, max_peek,
          "records of one poll, and with the handler at once"),
    FIELD("whisk.scheduler.in-progress-job-retention", UNIT_DURATION, MSEC(1), MINUTES(1440),
          SEC(20), SEC(20), in_progress_job_retention, "time of a creation job"),
    FIELD("whisk.scheduler.blackbox-multiple", UNIT_COUNT, 1, 1000, 15, 15, blackbox_multiple,
          "factor of it for blackbox actions"),
    FIELD("whisk.scheduler.data-management-service.retry-interval", UNIT_DURATION, MSEC(1),
          MINUTES(60), SEC(1), SEC(1), data_retry_interval, "pause before etcd is asked again"),
    FIELD("whisk.etcd.lease.timeout", UNIT_DURATION, SEC(1), MINUTES(60), SEC(10), SEC(10),
          lease_timeout, "time to live of the lease; the shipped files leave it open"),
    FIELD("whisk.fraction.managed-fraction", UNIT_FRACTION, 0, 1000000, 900000, 900000,
          managed_fraction, "share of invokers for actions that are not blackbox"),
    FIELD("whisk.fraction.blackbox-fraction", UNIT_FRACTION, 0, 1000000, 100000, 100000,
          blackbox_fraction, "share of invokers for blackbox actions, from the list's end"),
};

const struct machine_ops scheduler_ops = {
    .name = "scheduler",
    .size = sizeof(struct scheduler),
    .durable_size = sizeof(uint64_t),
    .effects_max = SCHEDULER_EFFECTS_MAX,
    .init = scheduler_init,
    .step = scheduler_step,
    .next_wakeup = scheduler_next_wakeup,
    .digest = scheduler_digest,
    .pending = scheduler_pending,
    .post_name = scheduler_post_name,
    .config_fields = scheduler_fields,
    .config_field_count = sizeof scheduler_fields / sizeof scheduler_fields[0],
    .config_size = sizeof(struct scheduler_config),
    .ends_at_signal = true,
};
