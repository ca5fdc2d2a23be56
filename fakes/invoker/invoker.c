/*
 * invoker.c - the machine: start-up, dispatch to actors, deadlines, the end of the process.
 */
#include "invoker/invoker_internal.h"
#include <stdio.h>

#define FIELD(name) offsetof(struct invoker_config, name)
static const struct config_field fields[] = {
    {"whisk.container-pool.user-memory", UNIT_BYTES, UINT64_C(128) << 20, UINT64_C(1) << 40,
     UINT64_C(1024) << 20, UINT64_C(2048) << 20, FIELD(user_memory_bytes),
     "memory for action containers"},
    {"whisk.container-pool.memory-sync-interval", UNIT_DURATION, MSEC(10), MINUTES(10), SEC(1),
     SEC(1), FIELD(memory_sync_interval_ns), "period of the memory report to etcd"},
    {"whisk.container-pool.batch-deletion-size", UNIT_COUNT, 1, 1000, 10, 10,
     FIELD(batch_deletion_size), "containers under removal at once after /disable"},
    {"whisk.container-proxy.timeouts.pause-grace", UNIT_DURATION, MSEC(10), MINUTES(60),
     SEC(10), SEC(10), FIELD(pause_grace_ns), "idle time before a container is paused"},
    {"whisk.container-proxy.timeouts.idle-container", UNIT_DURATION, MSEC(10), MINUTES(1440),
     MINUTES(10), MINUTES(10), FIELD(idle_container_ns), "time before a paused one is removed"},
    {"whisk.container-proxy.timeouts.keeping-duration", UNIT_DURATION, MSEC(10), MINUTES(1440),
     MINUTES(10), MINUTES(10), FIELD(keeping_duration_ns),
     "how long the last container of an action is kept beyond that"},
    {"whisk.invoker.container-creation.max-peek", UNIT_COUNT, 1, 10000, 500, 500,
     FIELD(creation_max_peek), "creations read from Kafka at once"},
    {"whisk.etcd.lease.timeout", UNIT_DURATION, SEC(1), MINUTES(60), SEC(10), SEC(10),
     FIELD(lease_timeout_ns), "time to live of the process's etcd lease, whole seconds"},
    {"whisk.scheduler.data-management-service.retry-interval", UNIT_DURATION, MSEC(1),
     MINUTES(60), SEC(1), SEC(1), FIELD(retry_interval_ns),
     "pause before an etcd write is retried"},
    {"whisk.container-proxy.action-health-check.enabled", UNIT_BOOL, 0, 1, 0, 0,
     FIELD(health_check_enabled), "whether prewarmed containers are checked"},
    {"whisk.container-proxy.action-health-check.check-period", UNIT_DURATION, MSEC(10),
     MINUTES(60), SEC(3), SEC(3), FIELD(health_check_period_ns), "how often they are checked"},
    {"whisk.container-proxy.action-health-check.max-fails", UNIT_COUNT, 1, 1000, 3, 3,
     FIELD(health_check_max_fails), "failed checks in a row that make one unfit"},
    {"whisk.blacklist.poll-interval", UNIT_DURATION, SEC(1), MINUTES(1440), MINUTES(5),
     MINUTES(5), FIELD(blacklist_interval_ns), "how often blocked namespaces are read"},
    {"prewarm.unreachable", UNIT_FRACTION, 0, 1000000, 0, 0, FIELD(prewarm_unreachable_ppm),
     "share of the checks that meet nobody"},
    {"runtimes.manifest.stemCells.initialCount", UNIT_COUNT, 0, 1000, 0, 2,
     FIELD(stem_cell_count), "prewarmed containers of the kind nodejs:20"},
    {"runtimes.manifest.stemCells.memory", UNIT_BYTES, UINT64_C(128) << 20, UINT64_C(1) << 40,
     UINT64_C(256) << 20, UINT64_C(256) << 20, FIELD(stem_cell_bytes),
     "memory of each of them"},
    {"whisk.container-pool.prewarm-expiration-check-init-delay", UNIT_DURATION, MSEC(10),
     MINUTES(1440), MINUTES(10), MINUTES(10), FIELD(prewarm_check_delay_ns),
     "first check of prewarmed containers, if any is reactive"},
    {"whisk.container-pool.prewarm-expiration-check-interval", UNIT_DURATION, MSEC(10),
     MINUTES(1440), MINUTES(10), MINUTES(10), FIELD(prewarm_check_interval_ns),
     "time between these checks"},
    {"whisk.container-pool.prewarm-expiration-check-interval-variance", UNIT_DURATION, 0,
     MINUTES(60), SEC(10), SEC(10), FIELD(prewarm_check_variance_ns),
     "at most this much, drawn in whole seconds, is added to it"},
    {"whisk.container-pool.prewarm-expiration-limit", UNIT_COUNT, 1, 100000, 100, 100,
     FIELD(prewarm_expiration_limit), "prewarmed containers that one check removes"},
    {"whisk.container-pool.prewarm-max-retry-limit", UNIT_COUNT, 1, 1000, 5, 5,
     FIELD(prewarm_retry_max), "failed starts of prewarmed containers before it gives up"},
    {"whisk.container-pool.prewarm-promotion", UNIT_BOOL, 0, 1, 0, 0, FIELD(prewarm_promotion),
     "whether a prewarmed container may have more memory than is needed"},
    {"whisk.container-pool.prewarm-container-creation-config.max-concurrent", UNIT_COUNT, 0,
     1000, 0, 0, FIELD(prewarm_pace_count),
     "prewarmed containers that start at once; 0: all, without a pace"},
    {"whisk.container-pool.prewarm-container-creation-config.creation-delay", UNIT_DURATION,
     SEC(1), MINUTES(60), SEC(1), SEC(1), FIELD(prewarm_pace_ns), "time between such starts"},
};

static void invoker_init(void *memory, const struct machine_env *env)
{
    struct invoker *self = memory;
    const struct cluster *c = env->cluster;
    ASSERT_OP(cluster_kind(c, env->node), ==, NODE_INVOKER);
    self->env = env;
    self->config = env->config;
    self->number = c->nodes[env->node].index;
    self->etcd = cluster_node(c, NODE_ETCD, 0);
    self->database = cluster_node(c, NODE_DATABASE, 0);
    self->warmed_schedulers =
        arena_alloc(env->arena, env->node, c->counts[NODE_SCHEDULER] + 1u);
    self->action_revisions =
        arena_alloc(env->arena, env->node, (c->action_count + 1u) * sizeof(uint32_t));
    self->identities = arena_alloc(env->arena, env->node, c->namespace_count + 1u);
    ASSERT(self->etcd != NODE_NONE && self->database != NODE_NONE);
    timers_init(&self->timers, env->arena, env->node);
    producer_init(&self->producer, env, &self->timers);
    watcher_init(&self->watcher, env);
    lease_init(&self->lease, env, &self->timers,
               (uint32_t)(self->config->lease_timeout_ns / SEC(1)));
    self->data = data_new(env, &self->timers, self->config->retry_interval_ns);
    uint32_t peek = (uint32_t)self->config->creation_max_peek;
    feed_init(&self->feed, env, &self->timers, 0, TOPIC(TOPIC_INVOKER, self->number), peek,
              peek, ACTOR_CONSUMER_ID);
    self->health.free_mb = (uint32_t)(self->config->user_memory_bytes >> 20);
    invoker_prewarm_init(self);
}

/* FPCInvokerReactive's constructor (Fir:82-475). The container factory has removed what an
 * earlier process left behind; so a new one starts empty, and enabled. */
static void invoker_on_start(struct invoker *self, struct effects *fx)
{
    watcher_start(&self->watcher, fx);
    lease_start(&self->lease, fx);
    data_start(self->data, fx);
    effects_post(fx, ACTOR_MAIN_ID, ACTOR_HEALTH_ID, POST_ENABLE);
    invoker_pool_start(self, fx);
    feed_start(&self->feed, fx);
    invoker_warm_up(self, fx);
    invoker_blacklist_start(self, fx);
}

/* The CoordinatedShutdown task (FPCInvokerReactive.scala:124-128): every container is removed
 * (DockerContainerFactory.scala:91-140) behind the backs of the actors, which work on until the
 * process ends: a run that loses its container is acked with an error. The lease is not
 * revoked. A container that is being made is not listed yet, and goes with the process. */
static void invoker_on_signal(struct invoker *self, struct effects *fx)
{
    for (uint32_t i = 0; i < self->slot_count; i++) {
        if (self->slots[i]->used)
            proxy_destroy(self, self->slots[i], fx);
    }
    ASSERT_OP(fx->message_count, ==, 0);
}

/* In the order of how often they come: each change in etcd reaches each invoker's watcher. */
static void invoker_on_message(struct invoker *self, const struct message *m,
                               struct effects *fx)
{
    switch (ACTOR_KIND(m->to_actor)) {
    case ACTOR_WATCHER:
        watcher_on_message(&self->watcher, m, fx);
        return;
    case ACTOR_PROXY:
        proxy_on_message(self, m, fx);
        return;
    case ACTOR_ACTIVATION_CLIENT:
        invoker_client_on_message(self, m, fx);
        return;
    case ACTOR_HEALTH:
        invoker_health_on_message(self, m, fx);
        return;
    case ACTOR_PRODUCER:
        if (producer_on_message(&self->producer, m, fx) != PRODUCED_NOTHING)
            invoker_ack_on_produced(self, m->corr, fx);
        return;
    case ACTOR_CALL: /* a record was stored, or lost: nobody waits for it */
        return;
    case ACTOR_CALLBACK:
        if (ACTOR_INDEX(m->to_actor) < INVOKER_SLOTS_MAX)
            invoker_slot_on_callback(self, m, fx);
        else
            invoker_on_callback(self, m, fx);
        return;
    case ACTOR_POOL:
        invoker_pool_on_message(self, m, fx);
        return;
    case ACTOR_DATA:
    case ACTOR_WORKER:
        data_on_message(self->data, m, fx);
        return;
    case ACTOR_LEASE:
        lease_on_message(&self->lease, m, fx);
        return;
    case ACTOR_FEED:
        feed_on_message(&self->feed, m, fx);
        return;
    case ACTOR_CONSUMER:
        invoker_consumer_on_message(self, m, fx);
        return;
    case ACTOR_MAIN:
        invoker_on_main(self, m, fx);
        return;
    case ACTOR_FEED_HANDLER:
    case ACTOR_QUEUE_MANAGER:
    case ACTOR_QUEUE:
    case ACTOR_DECISION:
    case ACTOR_MONITOR:
    case ACTOR_COUNTER:
    case ACTOR_CONTAINER_MANAGER:
    case ACTOR_JOB_MANAGER:
    case ACTOR_BALANCER:
    case ACTOR_SLOT:
    case ACTOR_HOST_DEPLOY:
    case ACTOR_LOAD:
    case ACTOR_KIND_COUNT:
        break;
    }
    effects_reject(fx, m->to_actor, m);
}

static void invoker_on_wake(struct invoker *self, struct timer *timer, struct effects *fx)
{
    switch (timer->kind) {
    case TIMER_FEED:
    case TIMER_FEED_HEARTBEAT:
        feed_on_timer(&self->feed, timer, fx);
        return;
    case TIMER_KEEPALIVE:
        lease_on_timer(&self->lease, fx);
        return;
    case TIMER_WORKER:
    case TIMER_DATA:
        data_on_timer(self->data, timer, fx);
        return;
    case TIMER_MEMORY_SYNC:
        timers_arm(&self->timers, fx, timer, self->config->memory_sync_interval_ns, true);
        invoker_pool_send_memory(self, fx);
        return;
    case TIMER_DRAIN:
        invoker_pool_on_drain_timer(self, timer, fx);
        return;
    case TIMER_ASK:
        invoker_route_on_timer(self, timer, fx);
        return;
    case TIMER_PRODUCER:
        invoker_ack_on_timer(self, fx);
        return;
    case TIMER_BLACKLIST:
        invoker_blacklist_on_timer(self, fx);
        return;
    case TIMER_PREWARM_PACE:
    case TIMER_PREWARM_CHECK:
        invoker_prewarm_on_timer(self, timer, fx);
        return;
    case TIMER_RUN:
        invoker_run_on_timer(self, (struct run *)(void *)timer, fx);
        return;
    case TIMER_CALL:
        ASSERT_OP(timer->arg, <, self->slot_count);
        invoker_slot_on_call_timer(self, self->slots[timer->arg], fx);
        return;
    }
    ASSERT_OP(timer->kind, >=, TIMER_SLOT);
    proxy_on_timer(self, timer, fx);
}

static void invoker_step(void *memory, const struct event *ev, struct effects *fx)
{
    struct invoker *self = memory;
    ASSERT(self->env != NULL);
    switch (ev->kind) {
    case EVENT_START:
        invoker_on_start(self, fx);
        break;
    case EVENT_DELIVER:
        invoker_on_message(self, ev->message, fx);
        break;
    case EVENT_WAKE:
        invoker_on_wake(self, timers_pop(&self->timers, ev->at), fx);
        break;
    case EVENT_SIGNAL:
        invoker_on_signal(self, fx);
        break;
    case EVENT_LINK:
        watcher_on_link(&self->watcher, ev, fx);
        lease_on_link(&self->lease, ev, fx);
        data_on_link(self->data, ev, fx);
        feed_on_link(&self->feed, ev, fx);
        invoker_on_link(self, ev, fx);
        break;
    }
}

static struct wakeup invoker_next_wakeup(const void *memory)
{
    return timers_first(&((const struct invoker *)memory)->timers);
}

static bool invoker_pending(const void *memory, char *text, size_t size)
{
    const struct invoker *self = memory;
    if (self->runs_open > 0)
        snprintf(text, size, "%" PRIu32 " activations run", self->runs_open);
    else if (self->containers_open > 0)
        snprintf(text, size, "%" PRIu32 " containers are being made", self->containers_open);
    else if (self->readings_open > 0)
        snprintf(text, size, "%" PRIu32 " creations are being read", self->readings_open);
    else if (producer_count(&self->producer) > 0)
        snprintf(text, size, "%" PRIu32 " acks are on their way",
                 producer_count(&self->producer));
    else
        return false;
    return true;
}

static const char *const post_names[] = {INVOKER_POST_LIST(NAMES_ENTRY)};

static const char *invoker_post_name(unsigned what)
{
    unsigned own = what - POST_COMPONENT;
    if (what >= POST_COMPONENT && own < sizeof post_names / sizeof post_names[0])
        return post_names[own];
    return common_post_to_string(what);
}

const struct machine_ops invoker_ops = {
    .name = "invoker",
    .size = sizeof(struct invoker),
    .durable_size = sizeof((struct invoker *)0)->kept,
    .effects_max = INVOKER_EFFECTS_MAX,
    .init = invoker_init,
    .step = invoker_step,
    .next_wakeup = invoker_next_wakeup,
    .digest = invoker_digest,
    .pending = invoker_pending,
    .post_name = invoker_post_name,
    .config_fields = fields,
    .config_field_count = sizeof fields / sizeof fields[0],
    .config_size = sizeof(struct invoker_config),
};
