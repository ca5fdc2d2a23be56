/*
 * invoker_run.c - one activation: its document, /init, /run, logs.
 *
 * The deployment's log store collects in band: a blocking activation is acked with its result
 * right after the run and completed after the logs, a non-blocking one is completed after the
 * logs. Without logs there is one ack, right after the run. Each step is a callback that needs
 * no actor, so it goes on when the proxy has stopped.
 * What goes wrong is drawn when /init or /run begins (struct action_info).
 * Source: FunctionPullingContainerProxy.scala:903-1241 at 1fae641a2.
 */
#include "common/activation_response.h"
#include "invoker/invoker_internal.h"

#define NO_ROUTE SEC(3) /* until connecting to an address that is gone fails */

static bool action_is_cached(const struct invoker *self, const struct activation *activation)
{
    const struct cluster *c = self->env->cluster;
    if (activation->action == ACTION_HEALTH_TEST)
        return true; /* written through the cache */
    return activation->revision != 0 && activation->action < c->action_count &&
           self->action_revisions[activation->action] == activation->revision;
}

static void run_block(struct invoker *self, struct run *run, struct effects *fx);
static void run_cut_others(struct invoker *self, struct slot *slot, const struct run *except,
                           enum response_status response, struct effects *fx);

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

/* handleActivation: the document, from the cache if it may, unless the namespace is blocked. */
void invoker_run_handle(struct invoker *self, struct slot *slot,
                        const struct activation *activation, struct effects *fx)
{
    bool is_blocked = invoker_blacklist_has(self, activation->ns);
    if (!is_blocked && action_is_cached(self, activation)) {
        run_post(slot, activation, fx);
        return;
    }
    struct run *run = invoker_run_new(self, slot);
    run->activation = *activation;
    run->phase = RUN_READING;
    run->cause = fx->cause;
    if (is_blocked)
        run_block(self, run, fx);
    else
        invoker_slot_read(self, slot, run, fx);
}

/* generateFallbackActivation: combined ack and record, and the proxy removes itself. */
static void run_fall_back(struct invoker *self, struct run *run, enum response_status response,
                          enum error_text error, struct effects *fx)
{
    invoker_ack_fall_back(self, run, response, error, fx);
    run_fail(run->slot, fx);
    invoker_run_free(self, run);
}

/* The controller gets its ack, without the result even for a blocking call; no record. */
static void run_block(struct invoker *self, struct run *run, struct effects *fx)
{
    run->response = RESPONSE_APPLICATION_ERROR;
    run->error = ERROR_NAMESPACE_BLOCKED;
    run->started_at = fx->at;
    invoker_ack_send(self, run, ACK_COMBINED, true, fx);
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
        if (run->latest) /* the message was copied without its revision */
            activation.revision = 0;
        else if (activation.revision != 0 &&
                 activation.action < self->env->cluster->action_count)
            self->action_revisions[activation.action] = activation.revision;
        invoker_run_free(self, run);
        run_post(slot, &activation, fx);
    } else if (result == DOCUMENT_MISMATCH && !run->latest) {
        run->latest = true;
        if (invoker_blacklist_has(self, activation.ns)) /* asked anew, too */
            run_block(self, run, fx);
        else
            invoker_slot_read(self, slot, run, fx);
    } else if (result == DOCUMENT_MISSING) {
        run_fall_back(self, run, RESPONSE_APPLICATION_ERROR, ERROR_ACTION_REMOVED, fx);
    } else {
        run_fall_back(self, run, RESPONSE_WHISK_ERROR, ERROR_ACTION_UNREADABLE, fx);
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

static bool run_has_fault(const struct invoker *self, const struct run *run,
                          enum action_fault fault)
{
    return cluster_action_fault(self->env->cluster, self->env->draws, run->activation.action,
                                fault, run->activation.id, 0);
}

/* Nobody listens: of each attempt of the container, so that another one may do better. */
static bool run_is_refused(const struct invoker *self, const struct run *run)
{
    const struct proxy *p = &run->slot->proxy;
    return p->is_crashed ||
           cluster_action_fault(self->env->cluster, self->env->draws, run->activation.action,
                                ACTION_FAULT_UNREACHABLE, p->container, p->run_ordinal);
}

/* ContainerHealthError: it does not run, nothing is acked, and the proxy gives it back. */
static void run_refused(struct invoker *self, struct run *run, struct effects *fx)
{
    struct slot *slot = run->slot;
    struct message *m = effects_post(fx, slot_actor(slot, ACTOR_CALLBACK),
                                     slot_actor(slot, ACTOR_PROXY), POST_FAILURE);
    *MESSAGE_LOCAL(m, struct post_failure_run) = (struct post_failure_run){
        .failure = {.failure = FAILURE_HEALTH_RUN}, .activation = run->activation};
    invoker_run_free(self, run);
    invoker_slot_release(self, slot);
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
    if (run_is_refused(self, run)) {
        run->is_refused = true;
        run->started_at = fx->at;
        run_arm(self, run, RUN_RUN, 0, fx);
        return;
    }
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
    if (length >= limit || run_has_fault(self, run, ACTION_FAULT_HANG)) {
        length = limit;
        run->response = RESPONSE_DEVELOPER_ERROR;
        run->error = ERROR_TIMED_OUT;
    } else if (run_has_fault(self, run, ACTION_FAULT_CRASH)) {
        run->response = RESPONSE_DEVELOPER_ERROR;
        run->error = ERROR_ABNORMAL_RUN;
        run->crashes = true;
    } else {
        bool fails = cluster_run_fails(self->env->cluster, self->env->draws, a->action, a->id);
        run->response = run_response(fails);
        run->error = fails ? ERROR_ACTION_ERROR : ERROR_NONE;
    }
    run_arm(self, run, RUN_RUN, length, fx);
}

/* /init: what nobody listens for is tried again until the action's limit. */
static void run_initialize(struct invoker *self, struct run *run, struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    const struct draws *draws = self->env->draws;
    action_id action = run->activation.action;
    uint32_t container = run->slot->proxy.container;
    duration limit = cluster_action_timeout(c, action);
    run->init_ns = action_init(c, action);
    if (cluster_action_fault(c, draws, action, ACTION_FAULT_INIT_REFUSED, container, 0)) {
        run->is_refused = true;
        run->init_ns = 0;
    } else if (run->init_ns >= limit ||
               cluster_action_fault(c, draws, action, ACTION_FAULT_INIT_HANGS, container, 0)) {
        run->init_ns = limit;
        run->response = RESPONSE_DEVELOPER_ERROR;
        run->error = ERROR_TIMED_OUT;
    } else if (cluster_action_fault(c, draws, action, ACTION_FAULT_INIT, container, 0)) {
        run->response = RESPONSE_DEVELOPER_ERROR;
        run->error = ERROR_ABNORMAL_INIT;
    }
    run_arm(self, run, RUN_INIT, run->init_ns, fx);
}

/* The container is gone (SIGTERM): there is no route to where it was. /init is tried until the
 * limit; what /run meets is a health error. */
static void run_without_container(struct invoker *self, struct run *run, struct effects *fx)
{
    if (run->slot->proxy.datum == DATUM_WARM) {
        run->is_refused = true;
        run->started_at = fx->at;
        run_arm(self, run, RUN_RUN, NO_ROUTE, fx);
        return;
    }
    run->init_ns = cluster_action_timeout(self->env->cluster, run->activation.action);
    run->response = RESPONSE_DEVELOPER_ERROR;
    run->error = ERROR_TIMED_OUT;
    run_arm(self, run, RUN_INIT, run->init_ns, fx);
}

/* initializeAndRun: in runningActivations from here until its logs are collected. */
void invoker_run_begin(struct invoker *self, struct slot *slot,
                       const struct activation *activation, struct effects *fx)
{
    struct run *run = invoker_run_new(self, slot);
    run->activation = *activation;
    run->cause = fx->cause;
    run->phase = RUN_INIT;
    slot->proxy.running_count++;
    slot->proxy.run_ordinal++;
    if ((activation->id & ACTIVATION_SYSTEM) == 0)
        self->runs_open++;
    if (!slot->proxy.has_container) {
        run_without_container(self, run, fx);
        return;
    }
    if (slot->proxy.datum == DATUM_WARM) {
        run_start(self, run, fx);
        return;
    }
    run_initialize(self, run, fx);
}

/* The deployment's log store collects in band. The health test's log limit is 0. */
bool invoker_run_has_logs(const struct invoker *self, const struct run *run)
{
    action_id action = run->activation.action;
    return !run->slot->is_test && !cluster_action(self->env->cluster, action)->logs_off;
}

/* Logs are collected: completion, record, and the proxy may go on or must end. */
static void run_complete(struct invoker *self, struct run *run, struct effects *fx)
{
    struct slot *slot = run->slot;
    bool is_well =
        (run->response == RESPONSE_SUCCESS || run->response == RESPONSE_APPLICATION_ERROR) &&
        !(invoker_run_has_logs(self, run) && run_has_fault(self, run, ACTION_FAULT_LOGS));
    ASSERT(run->phase != RUN_READING && run->response < RESPONSE_COUNT);
    struct post_request done = {.duration_ms =
                                    (uint32_t)((run->init_ns + run->run_ns) / MSEC(1))};
    invoker_run_leave(self, run);
    if (run->result_corr == 0 && invoker_run_has_logs(self, run))
        invoker_ack_send(self, run, ACK_COMPLETION, !run->activation.blocking, fx);
    invoker_ack_store(self, run, fx);
    if (is_well) {
        struct message *m = effects_post(fx, slot_actor(slot, ACTOR_CALLBACK),
                                         slot_actor(slot, ACTOR_PROXY), POST_RUN_COMPLETED);
        *MESSAGE_LOCAL(m, struct post_request) = done;
    } else {
        run_fail(slot, fx);
    }
    if (run->result_corr == 0)
        invoker_run_free(self, run);
    else
        run->cause = fx->cause;
    invoker_slot_release(self, slot);
}

/* What does not wait for logs. */
static void run_ack_end(struct invoker *self, struct run *run, struct effects *fx)
{
    bool has_logs = invoker_run_has_logs(self, run);
    bool is_blocking = run->activation.blocking != 0;
    if (is_blocking && has_logs)
        invoker_ack_send(self, run, ACK_RESULT, false, fx);
    else if (is_blocking)
        invoker_ack_send(self, run, ACK_COMBINED, false, fx);
    else if (!has_logs)
        invoker_ack_send(self, run, ACK_COMPLETION, true, fx);
}

/* The run, or the init that failed, has ended: result, health, logs. */
static void run_end(struct invoker *self, struct run *run, struct effects *fx)
{
    run_ack_end(self, run, fx);
    struct message *m = effects_post(fx, slot_actor(run->slot, ACTOR_CALLBACK), ACTOR_HEALTH_ID,
                                     POST_HEALTH_MESSAGE);
    MESSAGE_LOCAL(m, struct post_health)->good = run->response != RESPONSE_WHISK_ERROR;
    run->cause = fx->cause;
    if (invoker_run_has_logs(self, run))
        run_arm(self, run, RUN_LOGS, LOG_COLLECTION, fx);
    else
        run_complete(self, run, fx);
}

/* The container's process has ended with this run: whatever else it ran breaks off. It is
 * still docker's, so the others end like this one. */
static void run_crashed(struct invoker *self, struct run *run, struct effects *fx)
{
    run->slot->proxy.is_crashed = true;
    run_cut_others(self, run->slot, run, RESPONSE_DEVELOPER_ERROR, fx);
}

static void run_ran(struct invoker *self, struct run *run, struct effects *fx)
{
    ASSERT_OP(fx->at, >=, run->started_at);
    if (run->is_refused) {
        run_refused(self, run, fx);
        return;
    }
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
    if (run->crashes && !run->is_frozen)
        run_crashed(self, run, fx);
    run_end(self, run, fx);
}

static void run_initialized(struct invoker *self, struct run *run, struct effects *fx)
{
    struct slot *slot = run->slot;
    if (run->is_refused) {
        run_refused(self, run, fx);
        return;
    }
    if (run->response != RESPONSE_SUCCESS) {
        run->started_at = fx->at;
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
    case RUN_ACKING:
        ASSERT(run->phase != RUN_READING && run->phase != RUN_ACKING);
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
        run->is_frozen = true;
        run->left = tstamp_until(run->timer.at, fx->at);
        run_arm(self, run, RUN_RUN, tstamp_until(tstamp_add(run->started_at, limit), fx->at),
                fx);
    }
}

void invoker_run_thaw(struct invoker *self, struct slot *slot, struct effects *fx)
{
    for (struct run *run = slot->proxy.runs; run != NULL; run = run->next) {
        if (!run->is_frozen)
            continue;
        ASSERT(timer_is_armed(&run->timer));
        if (run->left >= tstamp_until(run->timer.at, fx->at))
            continue; /* does not end in time any more */
        run->is_frozen = false;
        run_arm(self, run, RUN_RUN, run->left, fx);
    }
}

/* Whatever /init or /run is under way, but for `except`, gets no answer. */
static void run_cut_others(struct invoker *self, struct slot *slot, const struct run *except,
                           enum response_status response, struct effects *fx)
{
    uint32_t cause = fx->cause;
    struct run *next;
    for (struct run *run = slot->proxy.runs; run != NULL; run = next) {
        next = run->next;
        if (run == except || (run->phase != RUN_INIT && run->phase != RUN_RUN))
            continue;
        fx->cause = run->cause;
        struct record *r = effects_record(fx, RECORD_RUN_CUT, slot_actor(slot, ACTOR_CALLBACK));
        r->activation = run->activation.id;
        r->container = slot->proxy.container;
        run->response = (uint8_t)response;
        run->error = ERROR_ABNORMAL_RUN;
        run->started_at = fx->at;
        run->init_ns = 0;
        run_end(self, run, fx);
    }
    fx->cause = cause;
}

/* The container goes under its runs: the connection breaks, and asking docker whether memory
 * was the reason fails once it is gone (DockerContainer.scala:209-256), which ends the run as a
 * whisk error of no duration. */
void invoker_run_cut(struct invoker *self, struct slot *slot, struct effects *fx)
{
    run_cut_others(self, slot, NULL, RESPONSE_WHISK_ERROR, fx);
}
