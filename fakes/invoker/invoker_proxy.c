/*
 * invoker_proxy.c - FunctionPullingContainerProxy: dispatch by state, the stash, clean-up.
 *
 * What a state does not list is stashed, except in Removing, where it is dropped. Entering
 * Running, Removing, ClientCreated or CreatingClient puts the stashed messages back at the
 * front of the mailbox: they are the actor's next turns, here within the same step. Entering
 * Pausing, Paused or Rescheduling does not. A named timer's message that is stashed is lost.
 * Source: FunctionPullingContainerProxy.scala:234-887 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

void proxy_start(struct invoker *self, struct slot *slot)
{
    struct proxy *p = &slot->proxy;
    struct timer *const timers[] = {&p->unused,       &p->idle,       &p->keeping,
                                    &p->determine,    &p->running,    &p->removing,
                                    &p->operation,    &p->resume,     &p->destroy,
                                    &p->rescheduling, &p->ping_cache, &p->health_ping};
    static const uint16_t kinds[] = {TIMER_UNUSED,
                                     TIMER_IDLE,
                                     TIMER_KEEPING,
                                     TIMER_DETERMINE,
                                     TIMER_RUNNING_ACTIVATION,
                                     TIMER_REMOVING,
                                     TIMER_CREATE,
                                     TIMER_RESUME,
                                     TIMER_DESTROY,
                                     TIMER_RESCHEDULING,
                                     TIMER_PING_CACHE,
                                     TIMER_HEALTH_PING};
    (void)self;
    p->alive = true;
    p->state = PROXY_UNINITIALIZED;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        timers[i]->kind = kinds[i];
        timers[i]->actor = slot_actor(slot, ACTOR_PROXY);
        timers[i]->arg = slot->index;
    }
}

/* The actor stops, and its child with it; a container's removal and runs go on. */
void proxy_stop(struct invoker *self, struct slot *slot)
{
    struct proxy *p = &slot->proxy;
    struct timer *const timers[] = {&p->unused,       &p->idle,       &p->keeping,
                                    &p->determine,    &p->running,    &p->removing,
                                    &p->rescheduling, &p->ping_cache, &p->health_ping};
    ASSERT(p->alive);
    for (unsigned i = 0; i < sizeof timers / sizeof timers[0]; i++)
        timers_cancel(&self->timers, timers[i]);
    p->alive = false;
    p->stash_count = 0;
    slot->client.alive = false;
    slot->client.stash_count = 0;
}

void proxy_key(const struct invoker *self, const struct slot *slot, enum key_family family,
               struct key *ret_key)
{
    const struct proxy *p = &slot->proxy;
    *ret_key = (struct key){
        .family = (uint16_t)family,
        .ns = p->ns,
        .action = p->action,
        .node = self->env->node,
        .revision = family == KEY_WARMED ? p->warm_revision : p->revision,
        .id = p->container,
    };
}

void proxy_report(struct slot *slot, actor_id from, enum invoker_post what, struct effects *fx)
{
    const struct proxy *p = &slot->proxy;
    struct message *m = effects_post(fx, from, proxy_parent(slot), what);
    bool is_warm = p->datum == DATUM_WARM;
    *MESSAGE_LOCAL(m, struct post_datum) = (struct post_datum){
        .last_used = p->last_used,
        .revision = is_warm ? p->warm_revision : p->revision,
        .is_warm = is_warm,
    };
}

void proxy_request(struct slot *slot, actor_id from, struct effects *fx)
{
    effects_post(fx, from, slot_actor(slot, ACTOR_ACTIVATION_CLIENT), POST_REQUEST_ACTIVATION);
}

/* Start docker's work of a drawn length; its timer is the callback. */
void proxy_operate(struct invoker *self, struct slot *slot, enum invoker_timer operation,
                   struct effects *fx)
{
    static const struct {
        enum purpose purpose;
        enum timing timing;
    } works[] = {
        [TIMER_CREATE - TIMER_CREATE] = {PURPOSE_CONTAINER_CREATE, TIMING_CONTAINER_CREATE},
        [TIMER_PAUSE - TIMER_CREATE] = {PURPOSE_CONTAINER_PAUSE, TIMING_CONTAINER_PAUSE},
        [TIMER_RESUME - TIMER_CREATE] = {PURPOSE_CONTAINER_RESUME, TIMING_CONTAINER_RESUME},
        [TIMER_DESTROY - TIMER_CREATE] = {PURPOSE_CONTAINER_DESTROY, TIMING_CONTAINER_DESTROY},
    };
    ASSERT(operation >= TIMER_CREATE && operation <= TIMER_DESTROY);
    unsigned work = (unsigned)operation - TIMER_CREATE;
    struct proxy *p = &slot->proxy;
    struct timer *timer = operation == TIMER_DESTROY  ? &p->destroy
                          : operation == TIMER_RESUME ? &p->resume
                                                      : &p->operation;
    timer->kind = (uint16_t)operation;
    duration length =
        draw_range(self->env->draws, works[work].purpose, p->container, p->operation_count++,
                   self->env->cluster->timing[works[work].timing]);
    if (operation == TIMER_PAUSE && timer_is_armed(&p->resume)) /* docker does one by one */
        length += tstamp_until(p->resume.at, fx->at);
    timers_arm(&self->timers, fx, timer, length, false);
}

void proxy_move(struct invoker *self, struct slot *slot, enum proxy_state to,
                struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    struct record *r =
        fsm_move(&p->state, (uint8_t)to, FSM_PROXY, fx, slot_actor(slot, ACTOR_PROXY));
    r->action = p->action;
    r->ns = p->ns;
    r->container = p->container;
    if (to == PROXY_CONTAINER_CREATED && self->config->health_check_enabled)
        timers_arm(&self->timers, fx, &p->health_ping, self->config->health_check_period_ns,
                   true);
    if (to == PROXY_RUNNING)
        timers_cancel(&self->timers, &p->health_ping);
    if (to == PROXY_PAUSED)
        timers_arm(&self->timers, fx, &p->idle, self->config->idle_container_ns, true);
    if (to == PROXY_REMOVING)
        timers_arm(&self->timers, fx, &p->removing, self->config->pause_grace_ns, true);
}

void proxy_destroy(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    if (!p->has_container || timer_is_armed(&p->destroy))
        return;
    ASSERT_OP(p->container, !=, 0);
    proxy_operate(self, slot, TIMER_DESTROY, fx);
}

void proxy_report_removed(struct slot *slot, bool replace, struct effects *fx)
{
    proxy_report(slot, slot_actor(slot, ACTOR_PROXY), POST_CONTAINER_REMOVED, fx);
    struct message *m = &fx->messages[fx->message_count - 1];
    MESSAGE_LOCAL(m, struct post_datum)->replace = replace;
}

/* Pools and etcd first, then container and client. UnusedTimeout, the idle timer and
 * RunningActivationTimeout go on: in Removing any of them ends the actor early. */
void proxy_clean_up(struct invoker *self, struct slot *slot, bool with_client,
                    struct effects *fx)
{
    struct key key;
    slot->proxy.ping_from = 0;
    proxy_key(self, slot, KEY_EXISTING, &key);
    data_unregister(fx, slot_actor(slot, ACTOR_PROXY), &key);
    proxy_clean_up_container(self, slot, with_client, true, fx);
}

void proxy_clean_up_container(struct invoker *self, struct slot *slot, bool with_client,
                              bool replace, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id proxy = slot_actor(slot, ACTOR_PROXY);
    ASSERT_OP(p->state, !=, PROXY_REMOVING);
    proxy_report_removed(slot, replace, fx);
    if (p->state == PROXY_PAUSED) {
        p->destroy_after_resume = true;
        proxy_operate(self, slot, TIMER_RESUME, fx);
    } else {
        proxy_destroy(self, slot, fx);
    }
    if (with_client)
        effects_post(fx, proxy, slot_actor(slot, ACTOR_ACTIVATION_CLIENT), POST_STOP_CLIENT);
    else
        effects_post(fx, proxy, proxy, POST_CLIENT_CLOSED);
    proxy_move(self, slot, PROXY_REMOVING, fx);
}

/* One turn of the actor. `m` is NULL for a timer's message. */
static void proxy_turn(struct invoker *self, struct slot *slot, unsigned what,
                       const struct message *m, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    bool is_done = false;
    switch ((enum proxy_state)p->state) {
    case PROXY_UNINITIALIZED:
        is_done = proxy_on_uninitialized(self, slot, what, m, fx);
        break;
    case PROXY_CREATING_CONTAINER:
        is_done = proxy_on_creating_container(self, slot, what, fx);
        break;
    case PROXY_CONTAINER_CREATED:
        is_done = proxy_on_container_created(self, slot, what, m, fx);
        break;
    case PROXY_CREATING_CLIENT:
        is_done = proxy_on_creating_client(self, slot, what, m, fx);
        break;
    case PROXY_CLIENT_CREATED:
        is_done = proxy_on_client_created(self, slot, what, m, fx);
        break;
    case PROXY_RESCHEDULING:
        is_done = proxy_on_rescheduling(self, slot, what, m, fx);
        break;
    case PROXY_RUNNING:
        is_done = proxy_on_running(self, slot, what, m, fx);
        break;
    case PROXY_PAUSING:
        is_done = proxy_on_pausing(self, slot, what, m, fx);
        break;
    case PROXY_PAUSED:
        is_done = proxy_on_paused(self, slot, what, m, fx);
        break;
    case PROXY_REMOVING:
        proxy_on_removing(self, slot, what, m, fx);
        return;
    case PROXY_STATE_COUNT:
        ASSERT_OP(p->state, <, PROXY_STATE_COUNT);
    }
    if (is_done || m == NULL)
        return;
    if (p->state == PROXY_RESCHEDULING && invoker_behaviour(self->env)->rescheduling_drops)
        invoker_message_drop(fx, m);
    else
        invoker_stash_add(self, &p->stash, &p->stash_count, &p->stash_max, m);
}

/* Does entering the state put the stashed messages back? (Proxy:808-831) */
static bool proxy_unstashes(enum proxy_state state)
{
    return state != PROXY_PAUSING && state != PROXY_PAUSED && state != PROXY_RESCHEDULING;
}

/* The last `count` messages to the front, in their order. */
static void stash_rotate(struct proxy *p, uint32_t count)
{
    for (uint32_t moved = 0; moved < count; moved++) {
        struct message last = p->stash[p->stash_count - 1];
        for (uint32_t i = p->stash_count - 1; i > 0; i--)
            p->stash[i] = p->stash[i - 1];
        p->stash[0] = last;
    }
}

/* unstashAll: the first `left` messages are the next turns. What is stashed meanwhile stands
 * behind them, until another such transition puts it in front. */
static void proxy_unstash(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    uint32_t left = p->stash_count;
    while (left > 0 && p->alive) {
        struct message m = p->stash[0];
        uint8_t before = p->state;
        left--;
        p->stash_count--;
        for (uint32_t i = 0; i < p->stash_count; i++)
            p->stash[i] = p->stash[i + 1];
        fx->cause = m.cause;
        proxy_turn(self, slot, m.what, &m, fx);
        if (p->alive && p->state != before && proxy_unstashes((enum proxy_state)p->state)) {
            stash_rotate(p, p->stash_count - left);
            left = p->stash_count;
        }
    }
}

/* A turn, then those of the messages that its transition put back. */
static void proxy_turns(struct invoker *self, struct slot *slot, unsigned what,
                        const struct message *m, struct effects *fx)
{
    uint8_t before = slot->proxy.state;
    proxy_turn(self, slot, what, m, fx);
    struct proxy *p = &slot->proxy;
    if (before == PROXY_RESCHEDULING && p->state == PROXY_RESCHEDULING)
        proxy_on_silence_broken(self, slot, fx);
    if (p->alive && p->state != before && p->stash_count > 0 &&
        proxy_unstashes((enum proxy_state)p->state))
        proxy_unstash(self, slot, fx);
    invoker_slot_release(self, slot);
}

static activation_id carried_activation(const struct message *m)
{
    if (m->kind == MSG_FETCHED && m->u.fetched.result == FETCHED_ACTIVATION)
        return m->u.fetched.activation.id;
    if (m->kind == MSG_POST && (m->what == POST_ACTIVATION || m->what == POST_RUN_ACTIVATION))
        return MESSAGE_LOCAL_CONST(m, struct activation)->id;
    if (m->kind == MSG_POST && m->what == POST_FAILURE) {
        const struct post_failure_run *run = MESSAGE_LOCAL_CONST(m, struct post_failure_run);
        return run->failure.failure == FAILURE_HEALTH_RUN ? run->activation.id : 0;
    }
    return 0;
}

/* The activation that is lost with it is named. */
void invoker_message_reject(struct effects *fx, const struct message *m)
{
    effects_reject(fx, m->to_actor, m);
    fx->records[fx->record_count - 1].activation = carried_activation(m);
}

/* Into the void: recorded when an activation goes with it. */
void invoker_message_drop(struct effects *fx, const struct message *m)
{
    if (carried_activation(m) != 0)
        invoker_message_reject(fx, m);
}

void proxy_on_message(struct invoker *self, const struct message *m, struct effects *fx)
{
    struct slot *slot = invoker_slot_find(self, m->to_actor);
    if (m->kind != MSG_POST)
        effects_reject(fx, m->to_actor, m);
    else if (slot == NULL || !slot->proxy.alive)
        invoker_message_drop(fx, m);
    else
        proxy_turns(self, slot, m->what, m, fx);
}

/* Docker fails by chance, and when the container was removed meanwhile. */
static bool operation_succeeds(const struct invoker *self, const struct slot *slot,
                               enum action_fault fault)
{
    const struct proxy *p = &slot->proxy;
    return p->has_container &&
           !cluster_action_fault(self->env->cluster, self->env->draws, p->action, fault,
                                 p->container, p->operation_count);
}

/* Docker has done it: a callback, whose result goes to the actor as a message. */
static void proxy_on_operation(struct invoker *self, struct slot *slot, unsigned kind,
                               struct effects *fx)
{
    struct proxy *p = &slot->proxy;
    actor_id callback = slot_actor(slot, ACTOR_CALLBACK);
    fx->cause = p->cause;
    if (kind == TIMER_CREATE) {
        proxy_on_docker_created(self, slot, fx);
    } else if (kind == TIMER_PAUSE) {
        bool is_paused = operation_succeeds(self, slot, ACTION_FAULT_PAUSE);
        if (is_paused)
            invoker_run_freeze(self, slot, fx);
        effects_post(fx, callback, slot_actor(slot, ACTOR_PROXY),
                     is_paused ? POST_CONTAINER_PAUSED : POST_FAILURE);
    } else if (kind == TIMER_RESUME) {
        bool is_resumed = operation_succeeds(self, slot, ACTION_FAULT_RESUME);
        if (is_resumed)
            invoker_run_thaw(self, slot, fx);
        if (!p->destroy_after_resume)
            proxy_on_resumed(self, slot, is_resumed, fx);
        else if (is_resumed) /* else docker may hang, so it is left behind */
            proxy_destroy(self, slot, fx);
    } else {
        ASSERT_OP(kind, ==, TIMER_DESTROY);
        invoker_run_cut(self, slot, fx);
        struct record *r = effects_record(fx, RECORD_CONTAINER_GONE, callback);
        r->container = p->container;
        r->action = p->action;
        p->has_container = false;
    }
    invoker_slot_release(self, slot);
}

void proxy_on_timer(struct invoker *self, struct timer *timer, struct effects *fx)
{
    ASSERT_OP(timer->arg, <, self->slot_count);
    struct slot *slot = self->slots[timer->arg];
    ASSERT(slot->used);
    switch (timer->kind) {
    case TIMER_UNUSED:
    case TIMER_IDLE:
    case TIMER_REMOVING:
        proxy_turns(self, slot, POST_STATE_TIMEOUT, NULL, fx);
        return;
    case TIMER_KEEPING:
        proxy_turns(self, slot, POST_REMOVE, NULL, fx);
        return;
    case TIMER_RESCHEDULING:
        proxy_turns(self, slot, POST_STATE_TIMEOUT, NULL, fx);
        return;
    case TIMER_PING_CACHE: /* its read of the cached action has no other effect */
        proxy_on_silence_broken(self, slot, fx);
        return;
    case TIMER_HEALTH_PING:
        proxy_on_health_ping(self, slot, fx);
        return;
    case TIMER_DETERMINE:
        proxy_turns(self, slot, POST_DETERMINE_KEEP, NULL, fx);
        return;
    case TIMER_RUNNING_ACTIVATION:
        proxy_turns(self, slot, POST_CLIENT_CLOSED, NULL, fx);
        return;
    }
    proxy_on_operation(self, slot, timer->kind, fx);
}
