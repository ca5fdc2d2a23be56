/*
 * invoker_health.c - InvokerHealthManager: publishes the invoker's state and proves it with a
 * test container whose client is a fake that always has the test activation.
 *
 * Writing the test action's document (a read of the old revision, then a write) is one round
 * trip to the database; what is written is in the cache, so reading it back is a callback.
 * A false among no more than ten results does not count until there are three: the first result
 * after a start makes the invoker healthy even if it is bad. The buffer is never cleared.
 * Source: InvokerHealthManager.scala at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

/* Ids of test activations: number of the invoker, ordinal, attempt 0. */
#define TEST_NUMBER_SHIFT 21u
#define TEST_ORDINAL_MAX 0x7ffffu

/* For memory-conserved: the figure, whenever it is another. */
static void health_tell_memory(struct invoker *self, struct effects *fx)
{
    struct health *h = &self->health;
    if (h->is_memory_told && h->told_mb == h->free_mb)
        return;
    uint32_t cause = fx->cause;
    struct record *r = effects_record(fx, RECORD_PERMITS, ACTOR_HEALTH_ID);
    r->detail = PERMITS_MEMORY;
    r->value = h->free_mb;
    r->value2 = self->config->user_memory_bytes >> 20;
    fx->cause = cause;
    h->told_mb = h->free_mb;
    h->is_memory_told = true;
}

static void health_publish(struct invoker *self, struct effects *fx)
{
    const struct health *h = &self->health;
    ASSERT_OP(h->state, <, HEALTH_STATE_COUNT);
    struct key key = {.family = KEY_INVOKERS, .node = self->env->node};
    struct value value = {
        .kind = VALUE_INVOKER,
        .status = (uint8_t)h->state, /* Offline is down, and so on: the same order */
        .a = h->free_mb,
        .b = h->busy_mb,
        .c = h->in_progress_mb,
        .node = self->env->cluster->nodes[self->env->node].labels,
    };
    health_tell_memory(self, fx);
    data_update_on_change(fx, ACTOR_HEALTH_ID, &key, &value);
}

/* The test action of this invoker, as a job without a scheduler. */
static struct creation test_job(void)
{
    return (struct creation){.action = ACTION_HEALTH_TEST,
                             .ns = NAMESPACE_SYSTEM,
                             .revision = REVISION_FIRST,
                             .scheduler = NODE_NONE,
                             .invoker = NODE_NONE};
}

static void health_start_test(struct invoker *self, struct effects *fx)
{
    struct creation job = test_job();
    if (self->health.is_written)
        effects_post(fx, CALLBACK_HEALTH_ID, CALLBACK_HEALTH_ID, POST_TEST_START);
    else
        invoker_read(self, CALLBACK_HEALTH_ID, CALL_TEST_READ, 0, DOCUMENT_ACTION, &job, fx);
}

/* Forgotten at once: what it still reports comes from an old test proxy. */
static void health_stop_test(struct invoker *self, struct effects *fx)
{
    actor_id proxy = self->health.proxy;
    self->health.proxy = 0;
    if (proxy != 0)
        effects_post(fx, ACTOR_HEALTH_ID, proxy, POST_GRACEFUL_SHUTDOWN);
}

/* The transitions' hooks: a test starts or stops, and all but a move to itself publish. */
static void health_move(struct invoker *self, enum health_state to, struct effects *fx)
{
    struct health *h = &self->health;
    uint8_t from = h->state;
    fsm_move(&h->state, (uint8_t)to, FSM_HEALTH, fx, ACTOR_HEALTH_ID);
    if (from == (uint8_t)to)
        return;
    if (from == HEALTH_HEALTHY && to == HEALTH_UNHEALTHY)
        health_start_test(self, fx);
    if (to == HEALTH_HEALTHY)
        health_stop_test(self, fx);
    health_publish(self, fx);
}

static void health_on_result(struct invoker *self, bool is_good, struct effects *fx)
{
    struct health *h = &self->health;
    if (h->state == HEALTH_OFFLINE)
        return;
    ASSERT_OP(h->buffer_next, <, HEALTH_BUFFER);
    h->buffer[h->buffer_next] = is_good;
    h->buffer_next = (uint8_t)((h->buffer_next + 1u) % HEALTH_BUFFER);
    if (h->buffer_count < HEALTH_BUFFER)
        h->buffer_count++;
    unsigned bad = 0;
    for (unsigned i = 0; i < h->buffer_count; i++)
        bad += h->buffer[i] == 0;
    enum health_state to = bad < HEALTH_TOLERANCE ? HEALTH_HEALTHY : HEALTH_UNHEALTHY;
    if (h->state != (uint8_t)to)
        health_move(self, to, fx);
}

static void health_on_memory(struct invoker *self, const struct message *m, struct effects *fx)
{
    const struct post_memory *memory = MESSAGE_LOCAL_CONST(m, struct post_memory);
    self->health.free_mb = memory->free_mb;
    self->health.busy_mb = memory->busy_mb;
    self->health.in_progress_mb = memory->in_progress_mb;
    health_publish(self, fx);
}

/* Write the test action; what follows does not wait for it, and is not tried again. */
static void health_enable(struct invoker *self, struct effects *fx)
{
    struct creation job = test_job();
    job.revision = 0;
    invoker_read(self, CALLBACK_HEALTH_ID, CALL_TEST_WRITE, 0, DOCUMENT_ACTION, &job, fx);
    health_move(self, HEALTH_UNHEALTHY, fx);
}

/* What the test proxy says to its parent. Only its end matters. */
static bool health_on_proxy(struct invoker *self, const struct message *m, struct effects *fx)
{
    struct health *h = &self->health;
    switch (m->what) {
    case POST_INITIALIZED:
        return true;
    case POST_CONTAINER_REMOVED: /* also from an old test proxy */
        h->proxy = 0;
        if (h->state == HEALTH_UNHEALTHY)
            health_start_test(self, fx);
        return true;
    case POST_CREATION_FAILED:
        return h->state == HEALTH_UNHEALTHY;
    case POST_FAILURE:
        if (h->state == HEALTH_HEALTHY)
            health_move(self, HEALTH_UNHEALTHY, fx);
        return true;
    }
    return false;
}

void invoker_health_on_message(struct invoker *self, const struct message *m,
                               struct effects *fx)
{
    struct health *h = &self->health;
    unsigned what = m->kind == MSG_POST ? m->what : POST_NONE;
    if (what == POST_HEALTH_MESSAGE) {
        health_on_result(self, MESSAGE_LOCAL_CONST(m, struct post_health)->good != 0, fx);
    } else if (what == POST_MEMORY_INFO) {
        health_on_memory(self, m, fx);
    } else if (what == POST_ENABLE && h->state == HEALTH_OFFLINE) {
        health_enable(self, fx);
    } else if (what == POST_GRACEFUL_SHUTDOWN) {
        if (h->state == HEALTH_OFFLINE)
            return;
        effects_post(fx, ACTOR_HEALTH_ID, ACTOR_HEALTH_ID, POST_GRACEFUL_SHUTDOWN);
        health_move(self, HEALTH_OFFLINE, fx);
    } else if (what == POST_ENABLE || what == POST_ELECTED || what == POST_INITIAL_STORED) {
        return; /* dropped with a log line */
    } else if (!health_on_proxy(self, m, fx)) {
        effects_reject(fx, ACTOR_HEALTH_ID, m);
    }
}

/* Initialize: to the test proxy that is known, else to a new one. */
static void health_initialize(struct invoker *self, struct effects *fx)
{
    struct health *h = &self->health;
    if (h->proxy == 0) {
        struct slot *slot = invoker_slot_new(self, true);
        if (slot == NULL)
            return;
        h->proxy = slot_actor(slot, ACTOR_PROXY);
    }
    struct message *m = effects_post(fx, CALLBACK_HEALTH_ID, h->proxy, POST_INITIALIZE);
    *MESSAGE_LOCAL(m, struct creation) = test_job();
}

/* The document is written: the test activation and the test read it from the cache. */
void invoker_health_on_written(struct invoker *self, struct effects *fx)
{
    self->health.is_written = true;
    effects_post(fx, CALLBACK_HEALTH_ID, CALLBACK_HEALTH_ID, POST_TEST_PREPARED);
    health_start_test(self, fx);
}

void invoker_health_on_callback(struct invoker *self, const struct message *m,
                                struct effects *fx)
{
    if (m->what == POST_TEST_PREPARED)
        self->health.is_prepared = true;
    else if (m->what == POST_TEST_START)
        health_initialize(self, fx);
    else
        effects_reject(fx, m->to_actor, m);
}

static void health_client_fetch(struct invoker *self, struct slot *slot, struct effects *fx)
{
    uint32_t ordinal = ++self->kept.test_ordinal & TEST_ORDINAL_MAX;
    struct message *m = effects_post(fx, slot_actor(slot, ACTOR_ACTIVATION_CLIENT),
                                     slot_actor(slot, ACTOR_PROXY), POST_ACTIVATION);
    *MESSAGE_LOCAL(m, struct activation) = (struct activation){
        .id = ACTIVATION_SYSTEM | self->number << TEST_NUMBER_SHIFT | ACTIVATION_ID(ordinal, 0),
        .revision = REVISION_FIRST,
        .started_at = fx->at,
        .action = ACTION_HEALTH_TEST,
        .ns = NAMESPACE_SYSTEM,
        .controller = NODE_NONE,
    };
}

/* HealthActivationServiceClient: no state machine, and deaf to what it does not list. */
void invoker_health_client_on_message(struct invoker *self, struct slot *slot,
                                      const struct message *m, struct effects *fx)
{
    struct client *client = &slot->client;
    ASSERT(slot->is_test && client->alive);
    actor_id from = slot_actor(slot, ACTOR_ACTIVATION_CLIENT);
    actor_id proxy = slot_actor(slot, ACTOR_PROXY);
    if (m->kind != MSG_POST)
        return;
    if (m->what == POST_START_CLIENT) {
        effects_post(fx, from, proxy, POST_CLIENT_CREATION_COMPLETED);
    } else if (m->what == POST_GRACEFUL_SHUTDOWN) {
        client->closed = true;
    } else if (m->what == POST_REQUEST_ACTIVATION && client->closed) {
        effects_post(fx, from, proxy, POST_CLIENT_CLOSED);
        client->alive = false;
    } else if (m->what == POST_REQUEST_ACTIVATION && self->health.is_prepared) {
        health_client_fetch(self, slot, fx);
    }
}
