/*
 * invoker_run.c - one activation: its document, /init, /run, acks, logs, record.
 *
 * The deployment's log store collects in band and every action's log limit is 10 MB: a blocking
 * activation is acked with its result right after the run and completed after the logs, a
 * non-blocking one is completed after the logs. The health test has log limit 0, and its acks
 * are not sent (HealthActionAck). Each step is a callback that needs no actor, so it goes on
 * when the proxy has stopped.
 * Source: FunctionPullingContainerProxy.scala:903-1241 at 1fae641a2.
 */
#include "common/activation_response.h"
#include "invoker/invoker_internal.h"

static bool action_is_cached(const struct invoker *self, const struct activation *activation)
{
    const struct cluster *c = self->env->cluster;
    if (activation->action == ACTION_HEALTH_TEST)
        return true; /* written through the cache */
    return activation->revision != 0 && activation->action < c->action_count &&
           self->action_revisions[activation->action] == activation->revision;
}

static void run_post(const struct slot *slot, const struct activation *activation,
                     struct effects *fx)
{
    struct message *m = effects_post(fx, slot_actor(slot, ACTOR_CALLBACK),
                                     slot_actor(slot, ACTOR_PROXY), POST_RUN_ACTIVATION);
    *MESSAGE_LOCAL(m, struct activation) = *activation;
}

static void run_fail(const struct slot *slot, struct effects *fx)
{
    struct message *m = effects_post(fx, slot_actor(slot, ACTOR_CALLBACK),
                                     slot_actor(slot, ACTOR_PROXY), POST_FAILURE);
    MESSAGE_LOCAL(m, struct post_failure)->failure = FAILURE_RUN;
}

/* handleActivation: the document, from the cache if it may. No namespace is blacklisted. */
void invoker_run_handle(struct invoker *self, struct slot *slot,
                        const struct activation *activation, struct effects *fx)
{
    if (action_is_cached(self, activation)) {
        run_post(slot, activation, fx);
        return;
    }
    struct run *run = invoker_run_new(self, slot);
    run->activation = *activation;
    run->phase = RUN_READING;
    run->cause = fx->cause;
    invoker_slot_read(self, slot, run, fx);
}

static void run_ack(struct invoker *self, const struct run *run, enum ack_kind kind,
                    struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    const struct activation *a = &run->activation;
    if (run->slot->is_test || a->controller >= c->node_count ||
        cluster_kind(c, a->controller) != NODE_CONTROLLER)
        return;
    struct record *r = effects_record(fx, RECORD_ACKED, slot_actor(run->slot, ACTOR_CALLBACK));
    r->activation = a->id;
    r->action = a->action;
    r->ns = a->ns;
    r->peer = a->controller;
    r->detail = (uint8_t)kind;
    r->value = run->response;
    r->value2 = ACK_BY_INVOKER;
    struct entry entry = {.kind = ENTRY_ACK, .cause = fx->cause};
    entry.u.ack = (struct ack){
        .id = a->id,
        .kind = (uint8_t)kind,
        .status = run->response,
        .error = run->error,
        .instance = ACK_BY_INVOKER,
        .signer = self->env->node,
        .controller = a->controller,
        .action = a->action,
        .ns = a->ns,
        .shrunk = !a->blocking,
        .run_ms = (uint32_t)((run->init_ns + run->run_ns) / MSEC(1)),
    };
    uint32_t topic = TOPIC(TOPIC_COMPLETED, c->nodes[a->controller].index);
    producer_send(&self->producer, fx, ACTOR_PRODUCER_ID, invoker_corr(self), topic, &entry);
}

/* The record goes its own way: nobody waits for it, a failure only loses it. */
static void run_store(struct invoker *self, const struct run *run, struct effects *fx)
{
    const struct activation *a = &run->activation;
    struct record *r =
        effects_record(fx, RECORD_STORE_SENT, slot_actor(run->slot, ACTOR_CALLBACK));
    r->activation = a->id;
    r->action = a->action;
    r->ns = a->ns;
    r->detail = run->response;
    struct message *m =
        effects_send(fx, MSG_DATABASE_STORE, ACTOR_STORE_ID, self->database, ACTOR_MAIN_ID);
    m->corr = invoker_corr(self);
    m->u.store.id = a->id;
    m->u.store.action = a->action;
    m->u.store.ns = a->ns;
    m->u.store.start_at = run->started_at - run->init_ns;
    m->u.store.end_at = run->started_at + run->run_ns;
    m->u.store.response = run->response;
    m->u.store.error = run->error;
}

/* generateFallbackActivation: combined ack and record, and the proxy removes itself. */
static void run_fall_back(struct invoker *self, struct run *run, enum response_status response,
                          struct effects *fx)
{
    run->response = (uint8_t)response;
    run->error = ERROR_ACTION_UNREADABLE;
    run->started_at = fx->at;
    run_ack(self, run, ACK_COMBINED, fx);
    run_store(self, run, fx);
    run_fail(run->slot, fx);
    invoker_run_free(self, run);
}

void invoker_run_on_document(struct invoker *self, struct slot *slot, activation_id id,
                             const struct message *m, struct effects *fx)
{
    struct run *run = slot->proxy.runs;
    while (run != NULL && (run->activation.id != id || run->phase != RUN_READING))
        run = run->next;
    if (run == NULL)
        return;
    fx->cause = run->cause;
    unsigned result = m == NULL ? DOCUMENT_ERROR : m->u.database.result;
    struct activation activation = run->activation;
    if (result == DOCUMENT_FOUND) {
        if (!run->latest && activation.revision != 0 &&
            activation.action < self->env->cluster->action_count)
            self->action_revisions[activation.action] = activation.revision;
        invoker_run_free(self, run);
        run_post(slot, &activation, fx);
    } else if (result == DOCUMENT_MISMATCH && !run->latest) {
        run->latest = 1;
        invoker_slot_read(self, slot, run, fx);
    } else {
        run_fall_back(
            self, run,
            result == DOCUMENT_MISSING ? RESPONSE_APPLICATION_ERROR : RESPONSE_WHISK_ERROR, fx);
    }
}

static duration action_init(const struct cluster *c, action_id action)
{
    return action < c->action_count ? c->actions[action].init : HEALTH_TEST_INIT;
}

/* Logs take a constant; init and run as long as the action says. */
static void run_arm(struct invoker *self, struct run *run, enum run_phase phase,
                    duration length, struct effects *fx)
{
    run->phase = (uint8_t)phase;
    timers_arm(&self->timers, fx, &run->timer, length, phase == RUN_LOGS);
}

/* What the container answers to /run, and what that comes to. */
static uint8_t run_response(bool fails)
{
    static const char result[] = "{}", error[] = "{\"error\":\"failed\"}";
    const char *text = fails ? error : result;
    struct container_answer answer = {.status = 200, .text = text, .length = strlen(text)};
    return (uint8_t)activation_response_run(&answer).status;
}

/* /run: how long, and how it ends, is known at its start; the action's limit cuts it. */
static void run_start(struct invoker *self, struct run *run, struct effects *fx)
{
    const struct activation *a = &run->activation;
    struct record *r =
        effects_record(fx, RECORD_RUN_STARTED, slot_actor(run->slot, ACTOR_CALLBACK));
    r->activation = a->id;
    r->container = run->slot->proxy.container;
    r->action = a->action;
    r->ns = a->ns;
    run->cause = fx->cause;
    run->started_at = fx->at;
    duration limit = cluster_action_timeout(self->env->cluster, a->action);
    duration length = cluster_run_time(self->env->cluster, self->env->draws, a->action, a->id);
    if (length >= limit) {
        length = limit;
        run->response = RESPONSE_DEVELOPER_ERROR;
        run->error = ERROR_TIMED_OUT;
    } else {
        bool fails = cluster_run_fails(self->env->cluster, self->env->draws, a->action, a->id);
        run->response = run_response(fails);
        run->error = fails ? ERROR_ACTION_ERROR : ERROR_NONE;
    }
    run_arm(self, run, RUN_RUN, length, fx);
}

/* initializeAndRun: in runningActivations from here until its logs are collected. After a
 * SIGTERM the container may be gone: connecting to where it was takes longer (no route to the
 * host, after 3 s) than the process has, so it neither runs nor is acked. */
void invoker_run_begin(struct invoker *self, struct slot *slot,
                       const struct activation *activation, struct effects *fx)
{
    struct run *run = invoker_run_new(self, slot);
    run->activation = *activation;
    run->cause = fx->cause;
    run->phase = RUN_INIT;
    slot->proxy.running_count++;
    if ((activation->id & ACTIVATION_SYSTEM) == 0)
        self->runs_open++;
    if (!slot->proxy.has_container)
        return;
    if (slot->proxy.datum == DATUM_WARM) {
        run_start(self, run, fx);
        return;
    }
    const struct cluster *c = self->env->cluster;
    duration limit = cluster_action_timeout(c, activation->action);
    run->init_ns = action_init(c, activation->action);
    if (run->init_ns >= limit)
        run->init_ns = limit;
    run_arm(self, run, RUN_INIT, run->init_ns, fx);
}

/* Logs are collected: completion, record, and the proxy may go on or must end. */
static void run_complete(struct invoker *self, struct run *run, struct effects *fx)
{
    struct slot *slot = run->slot;
    ASSERT(run->phase != RUN_READING && run->response < RESPONSE_COUNT);
    run_ack(self, run, ACK_COMPLETION, fx);
    run_store(self, run, fx);
    if (run->response == RESPONSE_SUCCESS || run->response == RESPONSE_APPLICATION_ERROR) {
        struct message *m = effects_post(fx, slot_actor(slot, ACTOR_CALLBACK),
                                         slot_actor(slot, ACTOR_PROXY), POST_RUN_COMPLETED);
        MESSAGE_LOCAL(m, struct post_request)->duration_ms =
            (uint32_t)((run->init_ns + run->run_ns) / MSEC(1));
    } else {
        run_fail(slot, fx);
    }
    invoker_run_free(self, run);
    invoker_slot_release(self, slot);
}

/* The run, or the init that failed, has ended: result, health, logs. */
static void run_end(struct invoker *self, struct run *run, struct effects *fx)
{
    if (run->activation.blocking)
        run_ack(self, run, ACK_RESULT, fx);
    struct message *m = effects_post(fx, slot_actor(run->slot, ACTOR_CALLBACK), ACTOR_HEALTH_ID,
                                     POST_HEALTH_MESSAGE);
    MESSAGE_LOCAL(m, struct post_health)->good = run->response != RESPONSE_WHISK_ERROR;
    run->cause = fx->cause;
    if (run->slot->is_test)
        run_complete(self, run, fx);
    else
        run_arm(self, run, RUN_LOGS, LOG_COLLECTION, fx);
}

static void run_ran(struct invoker *self, struct run *run, struct effects *fx)
{
    ASSERT_OP(fx->at, >=, run->started_at);
    run->run_ns = fx->at - run->started_at;
    if (run->is_frozen) { /* until its time was over */
        run->response = RESPONSE_DEVELOPER_ERROR;
        run->error = ERROR_TIMED_OUT;
    }
    struct record *r =
        effects_record(fx, RECORD_RUN_ENDED, slot_actor(run->slot, ACTOR_CALLBACK));
    r->activation = run->activation.id;
    r->container = run->slot->proxy.container;
    r->action = run->activation.action;
    r->ns = run->activation.ns;
    r->detail = run->response;
    r->value = run->run_ns;
    run_end(self, run, fx);
}

static void run_initialized(struct invoker *self, struct run *run, struct effects *fx)
{
    struct slot *slot = run->slot;
    if (run->init_ns >= cluster_action_timeout(self->env->cluster, run->activation.action)) {
        run->started_at = fx->at;
        run->response = RESPONSE_DEVELOPER_ERROR;
        run->error = ERROR_TIMED_OUT;
        run_end(self, run, fx);
        return;
    }
    if (slot->proxy.datum == DATUM_INITIALIZED) {
        struct message *m =
            effects_post(fx, slot_actor(slot, ACTOR_CALLBACK), slot_actor(slot, ACTOR_PROXY),
                         POST_INIT_CODE_COMPLETED);
        *MESSAGE_LOCAL(m, struct post_datum) = (struct post_datum){
            .last_used = fx->at, .revision = run->activation.revision, .is_warm = 1};
    }
    run_start(self, run, fx);
}

void invoker_run_on_timer(struct invoker *self, struct run *run, struct effects *fx)
{
    fx->cause = run->cause;
    switch ((enum run_phase)run->phase) {
    case RUN_INIT:
        run_initialized(self, run, fx);
        return;
    case RUN_RUN:
        run_ran(self, run, fx);
        return;
    case RUN_LOGS:
        run_complete(self, run, fx);
        return;
    case RUN_READING:
        ASSERT(run->phase != RUN_READING);
    }
}

/* Paused under its runs (concurrency above 1): they stand still, their time-outs do not. */
void invoker_run_freeze(struct invoker *self, struct slot *slot, struct effects *fx)
{
    for (struct run *run = slot->proxy.runs; run != NULL; run = run->next) {
        if (run->phase != RUN_RUN || run->is_frozen)
            continue;
        duration limit = cluster_action_timeout(self->env->cluster, run->activation.action);
        ASSERT(timer_is_armed(&run->timer));
        ASSERT_OP(run->timer.at, <=, tstamp_add(run->started_at, limit));
        run->is_frozen = 1;
        run->left = run->timer.at - fx->at;
        run_arm(self, run, RUN_RUN, tstamp_add(run->started_at, limit) - fx->at, fx);
    }
}

void invoker_run_thaw(struct invoker *self, struct slot *slot, struct effects *fx)
{
    for (struct run *run = slot->proxy.runs; run != NULL; run = run->next) {
        if (!run->is_frozen)
            continue;
        ASSERT(timer_is_armed(&run->timer));
        if (run->left >= run->timer.at - fx->at)
            continue; /* does not end in time any more */
        run->is_frozen = 0;
        run_arm(self, run, RUN_RUN, run->left, fx);
    }
}

/* The container goes under its runs: the connection breaks, and asking docker whether memory
 * was the reason fails once it is gone (DockerContainer.scala:209-256), which ends the run as a
 * whisk error of no duration. */
void invoker_run_cut(struct invoker *self, struct slot *slot, struct effects *fx)
{
    uint32_t cause = fx->cause;
    struct run *next;
    for (struct run *run = slot->proxy.runs; run != NULL; run = next) {
        next = run->next;
        if (run->phase != RUN_INIT && run->phase != RUN_RUN)
            continue;
        fx->cause = run->cause;
        struct record *r = effects_record(fx, RECORD_RUN_CUT, slot_actor(slot, ACTOR_CALLBACK));
        r->activation = run->activation.id;
        r->container = slot->proxy.container;
        run->response = RESPONSE_WHISK_ERROR;
        run->error = ERROR_ABNORMAL_RUN;
        run->started_at = fx->at;
        run->init_ns = 0;
        timers_cancel(&self->timers, &run->timer);
        run_end(self, run, fx);
    }
    fx->cause = cause;
}
