/*
 * controller.c - life of the machine: start, dispatch, deadlines, broken connections, digest.
 */
#include "controller/controller_api.h"
#include "core/assert.h"
#include <stdio.h>

#define ACK_FEED 0u
#define ACK_CAPACITY 128u /* FPCPoolBalancer.scala:704-705 */

static const struct config_field controller_fields[] = {
    {"whisk.loadbalancer.fpc.use-per-min-throttles", UNIT_BOOL, 0, 1, 1, 1,
     offsetof(struct controller_config, use_per_min_throttles),
     "count invocations per calendar minute and namespace, and refuse those over the limit"},
    {"whisk.loadbalancer.timeout-factor", UNIT_COUNT, 1, 100, 2, 2,
     offsetof(struct controller_config, timeout_factor),
     "a slot is given up after the action's limit times this, plus one minute"},
    {"whisk.controller.activation.polling-from-db", UNIT_BOOL, 0, 1, 1, 1,
     offsetof(struct controller_config, polling_from_db),
     "a blocking call also looks for the record in the database"},
    {"whisk.controller.activation.max-wait-for-blocking-activation", UNIT_DURATION, MSEC(1),
     MINUTES(60), SEC(60), SEC(60), offsetof(struct controller_config, blocking_wait_max_ns),
     "longest wait of a blocking call; then it is answered 202"},
    {"whisk.controller.readiness-fraction", UNIT_FRACTION, 0, 1000000, 1000000, 1000000,
     offsetof(struct controller_config, readiness_fraction_ppm),
     "share of healthy invokers from which /invokers/ready answers 200"},
    {"pekko.http.server.request-timeout", UNIT_DURATION, MSEC(1), MINUTES(60), SEC(65), SEC(65),
     offsetof(struct controller_config, request_timeout_ns),
     "the HTTP server answers 503 itself after this"},
    {"whisk.time-limit.std", UNIT_DURATION, MSEC(100), MINUTES(60), MINUTES(1), MINUTES(1),
     offsetof(struct controller_config, time_limit_std_ns),
     "least limit used for the time after which a slot is given up"},
};

static void controller_init(void *machine, const struct machine_env *env)
{
    struct controller *self = machine;
    const struct cluster *c = env->cluster;
    self->env = env;
    self->config = env->config;
    self->etcd = cluster_node(c, NODE_ETCD, 0);
    self->database = cluster_node(c, NODE_DATABASE, 0);
    timers_init(&self->timers, env->arena, env->node);
    self->admin = (struct admin){.routes = controller_routes,
                                 .route_count = ROUTE_COUNT,
                                 .style = ADMIN_CONTROLLER,
                                 .user = CONTROLLER_USER,
                                 .password = CONTROLLER_PASSWORD};
    self->scheduler_count = c->counts[NODE_SCHEDULER];
    self->schedulers = arena_alloc(env->arena, env->node,
                                   (self->scheduler_count + 1) * sizeof *self->schedulers);
    self->minutes =
        arena_alloc(env->arena, env->node, (c->namespace_count + 1) * sizeof *self->minutes);
    self->actions =
        arena_alloc(env->arena, env->node, (c->action_count + 1) * sizeof *self->actions);
    call_map_init(&self->queue_endpoints, env);
    call_map_init(&self->throttlers, env);
    call_table_init(&self->invocations, env);
    call_slab_init(&self->invocation_slab, env, sizeof(struct invocation));
    self->fires =
        arena_alloc(env->arena, env->node, (c->namespace_count + 1) * sizeof *self->fires);
    controller_chains_init(self);
    call_table_init(&self->asks, env);
    call_slab_init(&self->ask_slab, env, sizeof(struct queue_ask));
    self->numbers = etcd_first_corr(env);
    producer_init(&self->producer, env, &self->timers);
    watcher_init(&self->watcher, env);
    uint32_t topic = TOPIC(TOPIC_COMPLETED, c->nodes[env->node].index);
    feed_init(&self->acks, env, &self->timers, ACK_FEED, topic, ACK_CAPACITY, ACK_CAPACITY,
              ACTOR_FEED_HANDLER_ID(ACK_FEED));
}

uint32_t controller_number(struct controller *self)
{
    self->numbers++;
    return self->numbers;
}

void controller_arm(struct controller *self, struct effects *fx, struct timer *timer,
                    duration length)
{
    timers_arm(&self->timers, fx, timer, length, true);
}

struct invocation *controller_find(const struct controller *self, activation_id id)
{
    return (struct invocation *)(void *)call_table_find(&self->invocations, id);
}

bool controller_has_id(const struct controller *self, activation_id id)
{
    return controller_find(self, id) != NULL || call_table_find(&self->chains, id) != NULL;
}

static void timer_prepare(struct timer *timer, uint16_t kind)
{
    timer->kind = kind;
    timer->actor = BALANCER_ID;
}

struct invocation *controller_add(struct controller *self, const struct message *m,
                                  struct effects *fx)
{
    struct invocation *i = call_slab_take(&self->invocation_slab);
    i->id = m->u.invoke.id;
    i->received_at = fx->at;
    i->action = m->u.invoke.action;
    i->ns = m->u.invoke.ns;
    i->caller = m->from;
    i->caller_actor = m->from_actor;
    i->caller_corr = m->corr;
    i->cause = fx->cause;
    i->is_blocking = m->u.invoke.blocking != 0;
    i->is_called = true;
    i->scheduler = NODE_NONE;
    timer_prepare(&i->forced, TIMER_FORCED);
    timer_prepare(&i->request, TIMER_REQUEST);
    timer_prepare(&i->stage_timer, TIMER_STAGE);
    timer_prepare(&i->slow, TIMER_SLOW_POLL);
    timer_prepare(&i->fast, TIMER_FAST_POLL);
    call_table_add(&self->invocations, &i->link, i->id);
    i->prev = self->last;
    if (self->last != NULL)
        self->last->next = i;
    else
        self->first = i;
    self->last = i;
    self->call_count++;
    controller_arm(self, fx, &i->request, self->config->request_timeout_ns);
    return i;
}

void controller_settle(struct controller *self, struct invocation *i)
{
    if (i->is_called || i->has_slot || i->stage < STAGE_WAIT)
        return;
    ASSERT(!timer_is_armed(&i->forced) && !timer_is_armed(&i->request));
    ASSERT(!timer_is_armed(&i->stage_timer));
    ASSERT(!timer_is_armed(&i->slow) && !timer_is_armed(&i->fast));
    if (i->prev != NULL)
        i->prev->next = i->next;
    else
        self->first = i->next;
    if (i->next != NULL)
        i->next->prev = i->prev;
    else
        self->last = i->prev;
    call_table_remove(&self->invocations, &i->link);
    if (i->http != NULL)
        controller_api_forget(self, i->http);
    call_slab_give(&self->invocation_slab, i);
}

/*
 * The watch is opened and its prefixes are registered before the schedulers are read; none of
 * it is waited for (Controller.scala:106-130, FPCPoolBalancer.scala:422-527, 563-585).
 */
static void controller_start(struct controller *self, struct effects *fx)
{
    watcher_start(&self->watcher, fx);
    feed_start(&self->acks, fx);
    controller_watch(self, fx);
    controller_read_prefix(self, ROUTE_NONE, NULL, fx);
}

static void controller_deliver_main(struct controller *self, const struct message *m,
                                    struct effects *fx)
{
    if (m->kind == MSG_INVOKE)
        controller_on_invoke(self, m, fx);
    else if (m->kind == MSG_HTTP_REQUEST)
        controller_on_http(self, m, fx);
    else if (m->kind == MSG_CACHE_INVALIDATION)
        controller_invalidate(self, m->u.invalidation.action, m->u.invalidation.revision);
    else if (m->kind != MSG_HTTP_CLOSED) /* a client that is gone changes nothing */
        effects_reject(fx, ACTOR_MAIN_ID, m);
}

static void controller_deliver_balancer(struct controller *self, const struct message *m,
                                        struct effects *fx)
{
    unsigned generation = ACTOR_GENERATION(m->to_actor);
    bool is_watched =
        m->kind == MSG_POST && (m->what == POST_INSERTED || m->what == POST_REMOVED);
    if (generation == 0 && is_watched)
        controller_on_watched(self, m, fx);
    else if (generation != 0 && m->kind == MSG_QUEUE_CREATED)
        controller_on_asked(self, m, fx);
    else
        effects_reject(fx, m->to_actor, m);
}

static void controller_deliver_call(struct controller *self, const struct message *m,
                                    struct effects *fx)
{
    bool is_etcd = m->kind == MSG_ETCD_RANGED, is_document = m->kind == MSG_DATABASE_DOCUMENT;
    bool is_refused = m->kind == MSG_REFUSED, is_done = m->kind == MSG_DOCUMENT_DONE;
    unsigned generation = ACTOR_GENERATION(m->to_actor);
    if (generation == CALL_RULE && (m->kind == MSG_INVOKE_REPLY || is_refused))
        controller_on_rule(self, m, fx);
    else if (generation == CALL_STORE && (m->kind == MSG_DATABASE_STORED || is_refused))
        return; /* what becomes of it is only logged, SequenceActions.scala:183-187 */
    else if (generation == CALL_DOCUMENT && (is_done || is_refused))
        controller_api_on_document(self, m, fx);
    else if (generation == CALL_INVOKE_DOCUMENT && (is_done || is_refused))
        controller_api_on_invoke_document(self, m, fx);
    else if (generation == CALL_PREFIX && (is_etcd || is_refused))
        controller_on_prefix(self, m, fx);
    else if (generation == CALL_ACTION && (is_document || is_refused))
        controller_on_action(self, m, fx);
    else if (generation < CALL_ACTION && (is_document || is_refused))
        controller_on_poll(self, m, fx);
    else
        effects_reject(fx, m->to_actor, m);
}

static void controller_deliver(struct controller *self, const struct message *m,
                               struct effects *fx)
{
    enum actor_kind kind = ACTOR_KIND(m->to_actor);
    bool is_refused = m->kind == MSG_REFUSED;
    if (kind == ACTOR_MAIN)
        controller_deliver_main(self, m, fx);
    else if (kind == ACTOR_FEED && ACTOR_INDEX(m->to_actor) == ACK_FEED)
        feed_on_message(&self->acks, m, fx);
    else if (kind == ACTOR_FEED_HANDLER && m->kind == MSG_POST && m->what == POST_FEED_ITEM)
        controller_on_ack(self, m, fx);
    else if (kind == ACTOR_WATCHER)
        watcher_on_message(&self->watcher, m, fx);
    else if (kind == ACTOR_BALANCER)
        controller_deliver_balancer(self, m, fx);
    else if (kind == ACTOR_SLOT && (m->kind == MSG_ETCD_RANGED || is_refused))
        controller_on_look_up(self, m, fx);
    else if (kind == ACTOR_PRODUCER)
        controller_on_produced(self, m, fx);
    else if (kind == ACTOR_CALLBACK && m->kind == MSG_POST)
        controller_on_part(self, m, fx);
    else if (kind == ACTOR_CALL)
        controller_deliver_call(self, m, fx);
    else
        effects_reject(fx, m->to_actor, m);
}

#define OWNER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static void controller_wake_invocation(struct controller *self, struct timer *timer,
                                       struct effects *fx)
{
    struct invocation *i = NULL;
    switch ((enum controller_timer)timer->kind) {
    case TIMER_FORCED:
        i = OWNER_OF(timer, struct invocation, forced);
        fx->cause = i->cause;
        controller_force(self, i, fx);
        return;
    case TIMER_REQUEST:
        i = OWNER_OF(timer, struct invocation, request);
        fx->cause = i->cause;
        controller_answer(self, i, fx, 503, RESPONSE_WHISK_ERROR, ERROR_REQUEST_TIMEOUT);
        return;
    case TIMER_STAGE:
        i = OWNER_OF(timer, struct invocation, stage_timer);
        fx->cause = i->cause;
        if (i->stage == STAGE_LOOK_UP)
            controller_look_up_timer(self, i, fx);
        else
            controller_answer(self, i, fx, 202, RESPONSE_SUCCESS, ERROR_NONE);
        return;
    case TIMER_SLOW_POLL:
    case TIMER_FAST_POLL:
        i = timer->kind == TIMER_SLOW_POLL ? OWNER_OF(timer, struct invocation, slow)
                                           : OWNER_OF(timer, struct invocation, fast);
        fx->cause = i->cause;
        controller_poll(self, i, timer->kind == TIMER_FAST_POLL, fx);
        return;
    case TIMER_ASK:
    case TIMER_READ:
    case TIMER_API:
        break;
    }
    ASSERT(i != NULL);
}

static void controller_wake(struct controller *self, struct effects *fx)
{
    struct timer *timer = timers_pop(&self->timers, fx->at);
    ASSERT(timer != NULL);
    if (timer->kind == TIMER_FEED || timer->kind == TIMER_FEED_HEARTBEAT)
        feed_on_timer(&self->acks, timer, fx);
    else if (timer->kind == TIMER_ASK)
        controller_ask_timer(self, OWNER_OF(timer, struct queue_ask, timer), fx);
    else if (timer->kind == TIMER_PRODUCER)
        controller_producer_timer(self, fx);
    else if (timer->kind == TIMER_READ)
        controller_prefix_timer(self, OWNER_OF(timer, struct prefix_read, timer), fx);
    else if (timer->kind == TIMER_API)
        controller_api_timer(self, OWNER_OF(timer, struct api_call, timer), fx);
    else
        controller_wake_invocation(self, timer, fx);
}

static void controller_etcd_down(struct controller *self, struct effects *fx)
{
    struct invocation *next = NULL;
    for (struct invocation *i = self->first; i != NULL; i = next) {
        next = i->next;
        if (i->stage == STAGE_LOOK_UP && i->is_call_open) {
            fx->cause = i->cause;
            controller_look_up_failed(self, i, fx);
        }
    }
    controller_prefixes_reset(self, fx);
}

static void controller_database_down(struct controller *self, struct effects *fx)
{
    struct invocation *next = NULL;
    for (struct invocation *i = self->first; i != NULL; i = next) {
        next = i->next;
        if (i->has_slow_read || i->has_fast_read) {
            fx->cause = i->cause;
            controller_poll_failed(self, i, fx);
        }
    }
    controller_actions_reset(self, fx);
    controller_api_invokes_reset(self, fx);
    controller_api_reset(self, fx);
}

static void controller_link(struct controller *self, const struct event *ev, struct effects *fx)
{
    feed_on_link(&self->acks, ev, fx);
    watcher_on_link(&self->watcher, ev, fx);
    producer_on_link(&self->producer, ev, fx);
    if (!ev->down)
        return;
    if (ev->peer == self->etcd)
        controller_etcd_down(self, fx);
    else if (ev->peer == self->database)
        controller_database_down(self, fx);
}

static void controller_step(void *machine, const struct event *ev, struct effects *fx)
{
    struct controller *self = machine;
    switch (ev->kind) {
    case EVENT_START:
        controller_start(self, fx);
        break;
    case EVENT_DELIVER:
        controller_deliver(self, ev->message, fx);
        break;
    case EVENT_WAKE:
        controller_wake(self, fx);
        break;
    case EVENT_SIGNAL: /* ends_at_signal: nothing is drained, Controller.scala:308-312 */
        break;
    case EVENT_LINK:
        controller_link(self, ev, fx);
        break;
    }
    ASSERT_OP(self->slot_count, <=, self->invocations.count);
    ASSERT_OP(self->call_count, <=, self->invocations.count);
}

static struct wakeup controller_next_wakeup(const void *machine)
{
    const struct controller *self = machine;
    return timers_first(&self->timers);
}

static void invocation_digest(const struct invocation *i, struct digest *d)
{
    uint64_t flags = (uint64_t)i->is_blocking | (uint64_t)i->is_called << 1 |
                     (uint64_t)i->is_accepted << 2 | (uint64_t)i->has_slot << 3 |
                     (uint64_t)i->has_promise << 4 | (uint64_t)i->is_call_open << 5 |
                     (uint64_t)i->has_slow_read << 6 | (uint64_t)i->has_fast_read << 7;
    uint64_t steps = (uint64_t)i->stage << 24 | (uint64_t)i->attempt << 16 |
                     (uint64_t)i->result << 8 | i->response;
    digest_two(d, (uint64_t)i->id << 32 | i->caller_corr, (uint64_t)i->caller_actor);
    digest_two(d, flags << 32 | steps, (uint64_t)i->slow_polls << 8 | i->fast_polls);
    digest_two(d, (uint64_t)i->caller << 48 | (uint64_t)i->scheduler << 32 | i->action,
               (uint64_t)i->revision << 16 | i->ns);
    digest_two(d, timer_is_armed(&i->forced) ? i->forced.at : 0,
               timer_is_armed(&i->request) ? i->request.at : 0);
    digest_two(d, timer_is_armed(&i->stage_timer) ? i->stage_timer.at : 0,
               timer_is_armed(&i->slow) ? i->slow.at : 0);
    digest_two(d, timer_is_armed(&i->fast) ? i->fast.at : 0, i->error);
    if (i->chain != 0)
        digest_two(d, i->wait, i->chain);
    if (i->http != NULL)
        digest_two(d, i->wait, (uint64_t)i->has_run << 32 | i->run_ms);
}

static void ask_digest(const struct queue_ask *ask, struct digest *d)
{
    digest_two(d, (uint64_t)ask->corr << 32 | ask->revision,
               (uint64_t)ask->origin << 16 | (uint64_t)ask->attempts << 8 | ask->needs_action);
    digest_two(d, pair_key(ask->ns, ask->action), ask->timer.at);
    for (uint32_t i = 0; i < ask->attempts; i++)
        digest_word(d, ask->tried[i]);
}

static void controller_digest(const void *machine, struct digest *d)
{
    const struct controller *self = machine;
    const struct cluster *c = self->env->cluster;
    digest_two(d, (uint64_t)self->slot_count << 32 | self->call_count, self->numbers);
    digest_two(d, self->etcd_retry.next_immediate_at, self->etcd_retry.draw_count);
    digest_word(d, self->known_count);
    for (uint32_t i = 0; i < self->scheduler_count; i++)
        digest_two(d, self->schedulers[i].is_known, self->schedulers[i].queue_size);
    for (uint32_t i = 0; i <= c->namespace_count; i++)
        digest_two(d, self->minutes[i].minute, self->minutes[i].count);
    for (uint32_t i = 0; i <= c->action_count; i++) {
        const struct action_cache *cache = &self->actions[i];
        digest_two(d, cache->used_at, (uint64_t)cache->revision << 32 | cache->corr);
        digest_word(d, cache->is_cached);
        if (cache->least != 0)
            digest_word(d, cache->least);
    }
    controller_api_digest(self, d);
    controller_chains_digest(self, d);
    call_map_digest(&self->queue_endpoints, d);
    call_map_digest(&self->throttlers, d);
    for (const struct invocation *i = self->first; i != NULL; i = i->next)
        invocation_digest(i, d);
    for (const struct queue_ask *ask = self->ask_first; ask != NULL; ask = ask->next)
        ask_digest(ask, d);
    for (const struct prefix_read *r = self->reads; r != NULL; r = r->next)
        digest_two(d, (uint64_t)r->corr << 32 | (uint64_t)r->route << 8 | r->attempt,
                   r->timer.at);
    feed_digest(&self->acks, d);
    producer_digest(&self->producer, d);
    watcher_digest(&self->watcher, d);
}

static bool controller_pending(const void *machine, char *text, size_t size)
{
    const struct controller *self = machine;
    if (self->slot_count > 0)
        snprintf(text, size, "%" PRIu32 " slots open", self->slot_count);
    else if (self->call_count > 0)
        snprintf(text, size, "%" PRIu32 " calls not answered", self->call_count);
    else if (self->api_call_count > 0)
        snprintf(text, size, "%" PRIu32 " requests not answered", self->api_call_count);
    else if (self->chain_count > 0)
        snprintf(text, size, "%" PRIu32 " sequences or firings open", self->chain_count);
    return self->slot_count > 0 || self->call_count > 0 || self->api_call_count > 0 ||
           self->chain_count > 0;
}

const struct machine_ops controller_ops = {
    .name = "controller",
    .size = sizeof(struct controller),
    .effects_max = CONTROLLER_EFFECTS_MAX,
    .init = controller_init,
    .step = controller_step,
    .next_wakeup = controller_next_wakeup,
    .digest = controller_digest,
    .pending = controller_pending,
    .post_name = controller_post_name,
    .config_fields = controller_fields,
    .config_field_count = sizeof controller_fields / sizeof controller_fields[0],
    .config_size = sizeof(struct controller_config),
    .ends_at_signal = true,
};
