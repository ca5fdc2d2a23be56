/*
 * controller_publish.c - from the call to the send: throttles, action, queue look-up, slot.
 *
 * Source: FPCPoolBalancer.scala:107-164, 220-266; RateThrottler.scala:60-86;
 * FPCEntitlement.scala:46-75 at 1fae641a2.
 */
#include "controller/controller_internal.h"
#include "common/common_behaviour.h"
#include "core/assert.h"

#define SYSTEM_PER_MINUTE 60u    /* limits_actions_invokes_perMinute, ansible/group_vars/all */
#define TIMEOUT_ADDON MINUTES(1) /* a constant here, FPCPoolBalancer.scala:233 */
#define MINUTE_MS 60000u

static bool invoke_makes_sense(const struct controller *self, const struct message *m)
{
    const struct cluster *c = self->env->cluster;
    action_id action = m->u.invoke.action;
    namespace_id ns = m->u.invoke.ns;
    return m->u.invoke.id != 0 && !controller_has_id(self, m->u.invoke.id) &&
           (action < c->action_count || action == ACTION_HEALTH_TEST) &&
           (ns < c->namespace_count || ns == NAMESPACE_SYSTEM);
}

uint64_t controller_minute_limit(const struct controller *self, namespace_id ns)
{
    return ns == NAMESPACE_SYSTEM ? SYSTEM_PER_MINUTE
                                  : self->env->cluster->namespaces[ns].invocations_per_minute;
}

/* Counts first: requests that are refused count too. Firings have a count of their own. */
static bool minute_is_full(struct controller *self, namespace_id ns, bool is_fire, tstamp at)
{
    const struct cluster *c = self->env->cluster;
    uint32_t index = ns == NAMESPACE_SYSTEM ? c->namespace_count : ns;
    struct minute_count *slot = is_fire ? &self->fires[index] : &self->minutes[index];
    uint64_t limit = controller_minute_limit(self, ns);
    if (is_fire)
        limit = ns == NAMESPACE_SYSTEM ? SYSTEM_PER_MINUTE : c->namespaces[ns].fires_per_minute;
    uint64_t minute = tstamp_epoch_ms(at) / MINUTE_MS;
    if (slot->minute != minute)
        *slot = (struct minute_count){.minute = minute};
    slot->count++;
    return slot->count > limit;
}

/* The action's flag decides if there is one, else the namespace's. */
static bool is_throttled(const struct controller *self, namespace_id ns, action_id action)
{
    const struct pair *flag = call_map_find(&self->throttlers, pair_key(ns, action));
    if (flag == NULL)
        flag = call_map_find(&self->throttlers, pair_key(ns, ACTION_NONE));
    return flag != NULL && flag->value != 0;
}

enum error_text controller_throttled(struct controller *self, namespace_id ns, action_id action,
                                     tstamp at)
{
    bool is_fire = cluster_action_kind(self->env->cluster, action) == ACTION_TRIGGER;
    if (self->config->use_per_min_throttles != 0 && minute_is_full(self, ns, is_fire, at))
        return ERROR_TOO_MANY_PER_MINUTE;
    if (is_fire)
        return ERROR_NONE; /* Entitlement.scala:363-372 */
    return is_throttled(self, ns, action) ? ERROR_TOO_MANY_REQUESTS : ERROR_NONE;
}

void controller_record_refused(struct effects *fx, activation_id id, namespace_id ns,
                               action_id action, enum error_text error)
{
    struct record *r = effects_record(fx, RECORD_THROTTLED, ACTOR_MAIN_ID);
    r->action = action;
    r->ns = ns;
    r->value = error;
    r = effects_record(fx, RECORD_REJECTED, ACTOR_MAIN_ID);
    r->activation = id;
    r->action = action;
    r->ns = ns;
    r->value = 429;
}

static void refuse(const struct controller *self, const struct message *m, struct effects *fx,
                   enum error_text error)
{
    controller_record_refused(fx, m->u.invoke.id, m->u.invoke.ns, m->u.invoke.action, error);
    struct message *reply = effects_reply(fx, m, MSG_INVOKE_REPLY);
    reply->u.invoke_reply.id = m->u.invoke.id;
    reply->u.invoke_reply.status = 429;
    reply->u.invoke_reply.response = RESPONSE_WHISK_ERROR;
    reply->u.invoke_reply.error = (uint8_t)error;
    reply->u.invoke_reply.controller = self->env->node;
}

void controller_on_invoke(struct controller *self, const struct message *m, struct effects *fx)
{
    if (!invoke_makes_sense(self, m)) {
        effects_reject(fx, ACTOR_MAIN_ID, m);
        return;
    }
    enum error_text error =
        controller_throttled(self, m->u.invoke.ns, m->u.invoke.action, fx->at);
    if (error != ERROR_NONE)
        refuse(self, m, fx, error);
    else
        controller_begin(self, m, NULL, self->config->blocking_wait_max_ns, fx);
}

void controller_begin(struct controller *self, const struct message *m, struct api_invoke *http,
                      duration wait, struct effects *fx)
{
    struct invocation *i = controller_add(self, m, fx);
    i->http = http;
    i->wait = wait;
    ASSERT_OP(i->stage, ==, STAGE_ACTION);
    if (controller_has_action(self, i->action, fx))
        controller_publish(self, i, fx);
}

/* LoadBalancerException: nothing was taken, the caller gets 503. */
static void publish_failed(struct controller *self, struct invocation *i, struct effects *fx)
{
    i->stage = STAGE_OVER;
    controller_answer(self, i, fx, 503, RESPONSE_WHISK_ERROR, ERROR_NO_SCHEDULER);
}

/* setupActivation: counters and slot, before the send. */
static void set_up(struct controller *self, struct invocation *i, struct effects *fx)
{
    duration limit = cluster_action_timeout(self->env->cluster, i->action);
    if (limit < self->config->time_limit_std_ns)
        limit = self->config->time_limit_std_ns;
    struct record *r = effects_record(fx, RECORD_ACCEPTED, BALANCER_ID);
    r->activation = i->id;
    r->action = i->action;
    r->ns = i->ns;
    r->value = i->is_blocking;
    i->cause = fx->cause;
    i->is_accepted = i->has_slot = true;
    i->has_promise = i->is_blocking;
    self->slot_count++;
    controller_arm(self, fx, &i->forced, limit * self->config->timeout_factor + TIMEOUT_ADDON);
}

static void send_to(struct controller *self, struct invocation *i, node_id scheduler,
                    struct effects *fx)
{
    ASSERT(scheduler != NODE_NONE);
    i->scheduler = scheduler;
    set_up(self, i, fx);
    controller_send(self, i, fx);
}

static void look_up(struct controller *self, struct invocation *i, struct effects *fx)
{
    struct message *m =
        effects_send(fx, MSG_ETCD_RANGE, LOOK_UP_ACTOR(i->attempt), self->etcd, ACTOR_MAIN_ID);
    m->corr = i->id;
    m->u.etcd.key = (struct key){.family = KEY_QUEUE, .ns = i->ns, .action = i->action};
    m->u.etcd.mode = RANGE_GET;
    i->is_call_open = true;
    controller_arm(self, fx, &i->stage_timer, ETCD_CALL_TIMEOUT);
}

void controller_publish(struct controller *self, struct invocation *i, struct effects *fx)
{
    if (cluster_action_kind(self->env->cluster, i->action) != ACTION_CODE)
        controller_chain_begin(self, i, fx);
    else if (i->http == NULL || controller_api_admits(self, i, fx))
        controller_publish_admitted(self, i, fx);
}

void controller_publish_admitted(struct controller *self, struct invocation *i,
                                 struct effects *fx)
{
    i->revision = controller_cache(self, i->action)->revision;
    if (self->known_count == 0) {
        publish_failed(self, i, fx);
        return;
    }
    const struct pair *leader =
        call_map_find(&self->queue_endpoints, pair_key(i->ns, i->action));
    if (leader == NULL) {
        i->stage = STAGE_LOOK_UP;
        i->attempt = 0;
        look_up(self, i, fx);
        return;
    }
    node_id scheduler = (node_id)leader->value;
    if (!controller_knows(self, scheduler))
        scheduler = controller_any(self, i->id);
    send_to(self, i, scheduler, fx);
}

/* A leader was read: no queue is created, whether its scheduler is known or not. */
static void leader_found(struct controller *self, struct invocation *i, node_id scheduler,
                         struct effects *fx)
{
    call_map_put(&self->queue_endpoints, pair_key(i->ns, i->action), scheduler);
    if (!controller_knows(self, scheduler))
        scheduler = controller_any(self, i->id);
    if (scheduler == NODE_NONE)
        publish_failed(self, i, fx);
    else
        send_to(self, i, scheduler, fx);
}

/* No leader, or a value that is none: nothing is cached; each such publish asks for a queue. */
static void leader_missing(struct controller *self, struct invocation *i, struct effects *fx)
{
    node_id scheduler = controller_least(self, NULL, 0);
    if (scheduler == NODE_NONE) {
        publish_failed(self, i, fx);
        return;
    }
    controller_ask_for(self, i, scheduler, fx);
    send_to(self, i, scheduler, fx);
}

void controller_on_look_up(struct controller *self, const struct message *m, struct effects *fx)
{
    struct invocation *i = controller_find(self, m->corr);
    if (i == NULL || i->stage != STAGE_LOOK_UP || i->attempt != ACTOR_INDEX(m->to_actor))
        return; /* late: the attempt was given up */
    fx->cause = i->cause;
    if (m->kind == MSG_REFUSED || m->u.etcd_done.status != ETCD_OK) {
        controller_look_up_failed(self, i, fx);
        return;
    }
    timers_cancel(&self->timers, &i->stage_timer);
    i->is_call_open = false;
    bool is_leader = m->u.etcd_done.count > 0 &&
                     endpoints_parse(self->env, VALUE_ENDPOINTS, &m->u.etcd_done.value);
    if (is_leader)
        leader_found(self, i, m->u.etcd_done.value.node, fx);
    else
        leader_missing(self, i, fx);
}

/* etcd-java sends a read a second time, also after a reset or a time-out. */
void controller_look_up_failed(struct controller *self, struct invocation *i,
                               struct effects *fx)
{
    ASSERT_OP(i->stage, ==, STAGE_LOOK_UP);
    timers_cancel(&self->timers, &i->stage_timer);
    i->is_call_open = false;
    i->attempt++;
    if (i->attempt >= ETCD_ATTEMPTS_MAX) {
        publish_failed(self, i, fx);
        return;
    }
    duration delay =
        etcd_retry_delay(&self->etcd_retry, self->env, LOOK_UP_ACTOR(i->attempt), fx->at);
    if (delay == 0)
        look_up(self, i, fx);
    else
        timers_arm(&self->timers, fx, &i->stage_timer, delay, false);
}

void controller_look_up_timer(struct controller *self, struct invocation *i, struct effects *fx)
{
    if (i->is_call_open)
        controller_look_up_failed(self, i, fx);
    else
        look_up(self, i, fx);
}
