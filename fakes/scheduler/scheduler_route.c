/*
 * scheduler_route.c - the admin routes: /disable, /state, /queues, counts.
 *
 * Questions about queues go to the queue manager, which asks every queue in its pool; the
 * answer waits for all of them, or is a fault after 5 s (QueueManager.scala:266-273).
 * Source: FPCSchedulerServer.scala:48-88, Scheduler.scala:99-143 at 1fae641a2; before #5338
 * /queue/total, /queue/status and a /state by scheduler.
 */
#include "core/json.h"
#include "scheduler/scheduler_behaviour.h"
#include "scheduler/scheduler_queue.h"
#include <stdio.h>
#include <string.h>

#define QUEUE_PATIENCE SEC(5)
#define MANAGER_PATIENCE MINUTES(1) /* until the manager has asked (Scheduler.scala:131) */
#define MANAGER_PATIENCE_BEFORE SEC(5)

enum route_index {
    ROUTE_STATE,
    ROUTE_DISABLE,
    ROUTE_QUEUES,
    ROUTE_QUEUE_COUNT,
    ROUTE_ACTIVATION_COUNT,
    ROUTE_COUNT
};

static const struct admin_route routes[ROUTE_COUNT] = {
    [ROUTE_STATE] = {.method = HTTP_GET, .path = "/state"},
    [ROUTE_DISABLE] = {.method = HTTP_POST, .path = "/disable"},
    [ROUTE_QUEUES] = {.method = HTTP_GET, .path = "/queues", .slash = SLASH_ALLOWED},
    [ROUTE_QUEUE_COUNT] = {.method = HTTP_GET, .path = "/queues/count"},
    [ROUTE_ACTIVATION_COUNT] = {.method = HTTP_GET, .path = "/activation/count"},
};
/* The same places, so that the rest need not know. There was no count of activations. */
static const struct admin_route routes_before_5338[ROUTE_COUNT - 1] = {
    [ROUTE_STATE] = {.method = HTTP_GET, .path = "/state"},
    [ROUTE_DISABLE] = {.method = HTTP_POST, .path = "/disable"},
    [ROUTE_QUEUES] = {.method = HTTP_GET, .path = "/queue/status"},
    [ROUTE_QUEUE_COUNT] = {.method = HTTP_GET, .path = "/queue/total"},
};

static bool is_before_5338(const struct scheduler *self)
{
    return scheduler_behaviour(self->env)->routes_before_5338;
}

static struct admin route_admin(const struct scheduler *self)
{
    bool before = is_before_5338(self);
    return (struct admin){.routes = before ? routes_before_5338 : routes,
                          .route_count = before ? ROUTE_COUNT - 1 : ROUTE_COUNT,
                          .style = ADMIN_SCHEDULER,
                          .user = SCHEDULER_USER,
                          .password = SCHEDULER_PASSWORD};
}

/* ---- questions that wait ---- */

/* The request's path and headers stay with us until the answer. NULL: no room. */
static struct gather *gather_new(struct scheduler *self, const struct message *m,
                                 enum route_index what)
{
    const struct machine_env *env = self->env;
    uint32_t ref;
    struct gather *gather = slots_take(&self->gathers, env, &ref);
    if (gather == NULL)
        return NULL;
    gather->ref = ref;
    gather->what = (uint8_t)what;
    gather->request = *m;
    gather->request.u.http_request.body = 0;
    blob_own(env->arena, env->node, m->u.http_request.path);
    blob_own(env->arena, env->node, m->u.http_request.headers);
    gather->timer.kind = TIMER_GATHER;
    gather->timer.actor = SLOT_ACTOR(ACTOR_CALL, ref);
    return gather;
}

static void gather_release(struct scheduler *self, struct gather *gather)
{
    struct arena *arena = self->env->arena;
    timers_cancel(&self->timers, &gather->timer);
    blob_free(arena, gather->request.u.http_request.path);
    blob_free(arena, gather->request.u.http_request.headers);
    for (uint32_t i = 0; gather->texts != NULL && i < gather->expected; i++)
        blob_free(arena, gather->texts[i]);
    arena_release(arena, gather->texts);
    slots_release(&self->gathers, gather->ref);
}

static void route_record_count(struct effects *fx, uint64_t count, unsigned status)
{
    struct record *r = effects_record(fx, RECORD_COUNT_ANSWERED, ACTOR_MAIN_ID);
    r->value = count;
    r->detail = (uint8_t)(status / 100);
}

static void gather_fail(struct scheduler *self, struct gather *gather, struct effects *fx)
{
    if (gather->what == ROUTE_ACTIVATION_COUNT)
        route_record_count(fx, 0, 500);
    admin_answer_fault(self->env, &gather->request, fx);
    gather_release(self, gather);
}

static void gather_answer_number(struct scheduler *self, struct gather *gather, uint64_t number,
                                 struct effects *fx)
{
    char text[24];
    struct admin admin = route_admin(self);
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    if (gather->what == ROUTE_ACTIVATION_COUNT)
        route_record_count(fx, number, 200);
    bool is_text = gather->what == ROUTE_QUEUE_COUNT && is_before_5338(self); /* toString */
    admin_answer(&admin, self->env, &gather->request, fx, 200,
                 is_text ? CONTENT_TEXT : CONTENT_JSON, text);
    gather_release(self, gather);
}

static void gather_answer_queues(struct scheduler *self, struct gather *gather,
                                 struct effects *fx)
{
    const struct machine_env *env = self->env;
    struct admin admin = route_admin(self);
    struct json_out out;
    json_out_init(&out, env->arena, env->node);
    json_out_array_begin(&out);
    for (uint32_t i = 0; i < gather->expected; i++)
        json_out_raw(&out, blob_bytes(env->arena, gather->texts[i]));
    json_out_array_end(&out);
    admin_answer_blob(&admin, env, &gather->request, fx, 200, CONTENT_JSON,
                      json_out_finish(&out));
    gather_release(self, gather);
}

static void gather_try_answer(struct scheduler *self, struct gather *gather, struct effects *fx)
{
    ASSERT_OP(gather->answered, <=, gather->expected);
    if (gather->answered < gather->expected)
        return;
    if (gather->what == ROUTE_QUEUES)
        gather_answer_queues(self, gather, fx);
    else
        gather_answer_number(self, gather, gather->sum, fx);
}

/* In the manager's turn: ask every queue at once, each for 5 s. */
void route_on_question(struct scheduler *self, const struct message *m, struct effects *fx)
{
    const struct machine_env *env = self->env;
    const struct post_question *question = MESSAGE_LOCAL_CONST(m, struct post_question);
    struct gather *gather = slots_get(&self->gathers, SLOT_REF(question->gather));
    if (gather == NULL) {
        effects_reject(fx, ACTOR_MANAGER_ID, m);
        return;
    }
    if (gather->what == ROUTE_QUEUE_COUNT) {
        struct message *size = effects_post(fx, ACTOR_MANAGER_ID, question->gather, POST_SIZE);
        MESSAGE_LOCAL(size, struct post_state)->count = self->pool.count;
        return;
    }
    timers_cancel(&self->timers, &gather->timer);
    gather->expected = self->pool.count;
    if (gather->what == ROUTE_QUEUES && gather->expected > 0)
        gather->texts =
            arena_alloc(env->arena, env->node, gather->expected * sizeof *gather->texts);
    bool has_ended = false; /* Pekko fails an ask of an ended actor at once */
    for (uint32_t i = 0; i < gather->expected; i++) {
        has_ended |= queue_get(self, self->pool.entries[i]->queue) == NULL;
        struct message *ask =
            effects_post(fx, question->gather, self->pool.entries[i]->queue, POST_GET_STATE);
        *MESSAGE_LOCAL(ask, struct post_question) =
            (struct post_question){.position = i, .what = gather->what};
    }
    timers_arm(&self->timers, fx, &gather->timer, QUEUE_PATIENCE, true);
    if (has_ended)
        gather_fail(self, gather, fx);
    else
        gather_try_answer(self, gather, fx);
}

void gather_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    const struct post_state *state = MESSAGE_LOCAL_CONST(m, struct post_state);
    struct gather *gather = slots_get(&self->gathers, SLOT_REF(m->to_actor));
    if (gather == NULL) { /* its time was up */
        return;
    } else if (m->what == POST_SIZE) {
        gather_answer_number(self, gather, state->count, fx);
    } else {
        ASSERT_OP(state->position, <, gather->expected);
        gather->answered++;
        gather->sum += state->count;
        gather_try_answer(self, gather, fx);
    }
}

void gather_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx)
{
    gather_fail(self, (struct gather *)(void *)timer, fx);
}

/* StatusData of one queue; before #5338 with a number of waiting activations. */
static blob route_queue_text(const struct queue *q)
{
    const struct scheduler *self = q->scheduler;
    const struct machine_env *env = self->env;
    char text[256];
    struct json_out out;
    json_out_init(&out, env->arena, env->node);
    json_out_object_begin(&out);
    json_out_key(&out, "data");
    json_out_string(&out, queue_data_text(q, text, sizeof text));
    json_out_key(&out, "fqn");
    snprintf(text, sizeof text, "%s@0.0.1", cluster_action_name(env->cluster, q->action));
    json_out_string(&out, text);
    json_out_key(&out, "invocationNamespace");
    json_out_string(&out, cluster_namespace_name(env->cluster, q->ns));
    json_out_key(&out, "status");
    json_out_string(&out, fsm_state_name(FSM_QUEUE, q->state));
    json_out_key(&out, "waitingActivation");
    if (is_before_5338(self)) {
        json_out_number(&out, q->count);
    } else {
        json_out_array_begin(&out);
        for (uint32_t i = 0; i < q->count; i++) {
            char id[33];
            const struct waiting *w = &q->messages[(q->head + i) & (q->max - 1)];
            cluster_activation_text(env->draws, w->activation.id, id);
            json_out_string(&out, id);
        }
        json_out_array_end(&out);
    }
    json_out_object_end(&out);
    return json_out_finish(&out);
}

/*
 * In the queue's turn. The text goes into the gather and not with the answer: a post is
 * digested word by word, and a handle is where a block lies.
 */
void gather_put_text(struct scheduler *self, actor_id actor, uint32_t position,
                     const struct queue *q)
{
    struct gather *gather = slots_get(&self->gathers, SLOT_REF(actor));
    if (gather == NULL || gather->texts == NULL)
        return;
    ASSERT_OP(position, <, gather->expected);
    blob_free(self->env->arena, gather->texts[position]);
    gather->texts[position] = route_queue_text(q);
}

/* ---- requests ---- */

static void route_disable(struct scheduler *self, const struct message *m, struct effects *fx)
{
    struct admin admin = route_admin(self);
    effects_record(fx, RECORD_NODE_DISABLED, ACTOR_MAIN_ID);
    effects_post(fx, ACTOR_MAIN_ID, ACTOR_CONTAINERS_ID, POST_GRACEFUL_SHUTDOWN);
    effects_post(fx, ACTOR_MAIN_ID, ACTOR_MANAGER_ID, POST_GRACEFUL_SHUTDOWN);
    admin_answer(&admin, self->env, m, fx, 200, CONTENT_TEXT, "scheduler disabled");
}

/* What we last published of ourselves; the prefix of the second number is one that nobody
 * writes (Scheduler.scala:102), so it is 0 without asking. */
static void route_state(struct scheduler *self, struct gather *gather, struct effects *fx)
{
    struct call *call = call_new(self, CALL_STATE);
    struct key key = {.family = KEY_SCHEDULER, .node = self->env->node};
    if (call == NULL) {
        gather_fail(self, gather, fx);
        return;
    }
    call->asker = SLOT_ACTOR(ACTOR_CALL, gather->ref);
    bool all = is_before_5338(self);
    call_range(self, fx, call, all ? RANGE_PREFIX : RANGE_GET, &key, all ? 1 : WATCH_EXACT);
}

static void state_member(struct json_out *out, const char *key, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    json_out_key(out, key);
    json_out_string(out, text);
}

/* Its queues as its key says; -1: it cannot be parsed (Scheduler.scala:118). */
static int64_t state_size(const struct scheduler *self, const struct value *value)
{
    return endpoints_parse(self->env, VALUE_SCHEDULER, value) ? (int64_t)value->a : -1;
}

/* One member by scheduler, as it was before #5338. */
static void state_by_scheduler(const struct scheduler *self, const struct message *m,
                               struct json_out *out)
{
    const struct cluster *cluster = self->env->cluster;
    const struct etcd_kv *kvs = blob_bytes(self->env->arena, m->u.etcd_done.kvs);
    for (uint32_t i = 0; i < m->u.etcd_done.count; i++) {
        char id[12];
        if (kvs[i].key.node >= cluster->node_count)
            continue;
        snprintf(id, sizeof id, "%u", (unsigned)cluster->nodes[kvs[i].key.node].index);
        state_member(out, id, state_size(self, &kvs[i].value));
    }
}

void route_on_state(struct scheduler *self, struct call *call, const struct message *m,
                    struct effects *fx)
{
    struct gather *gather = slots_get(&self->gathers, SLOT_REF(call->asker));
    struct admin admin = route_admin(self);
    struct json_out out;
    call_release(self, call);
    ASSERT(gather != NULL);
    if (m == NULL) {
        gather_fail(self, gather, fx);
        return;
    }
    json_out_init(&out, self->env->arena, self->env->node);
    json_out_object_begin(&out);
    if (is_before_5338(self))
        state_by_scheduler(self, m, &out);
    else
        state_member(&out, "queue",
                     m->u.etcd_done.count > 0 ? state_size(self, &m->u.etcd_done.value) : 0);
    state_member(&out, "creationCount", 0);
    json_out_object_end(&out);
    admin_answer_blob(&admin, self->env, &gather->request, fx, 200, CONTENT_JSON,
                      json_out_finish(&out));
    gather_release(self, gather);
}

void route_on_request(struct scheduler *self, const struct message *m, struct effects *fx)
{
    struct admin admin = route_admin(self);
    int index = admin_route(&admin, self->env, m, fx);
    if (index < 0)
        return;
    ASSERT_OP(index, <, ROUTE_COUNT);
    if (index == ROUTE_DISABLE) {
        route_disable(self, m, fx);
        return;
    }
    struct gather *gather = gather_new(self, m, (enum route_index)index);
    if (gather == NULL) {
        admin_answer_fault(self->env, m, fx);
    } else if (index == ROUTE_STATE) {
        route_state(self, gather, fx);
    } else {
        bool is_short = scheduler_behaviour(self->env)->short_status_asks;
        timers_arm(&self->timers, fx, &gather->timer,
                   is_short ? MANAGER_PATIENCE_BEFORE : MANAGER_PATIENCE, false);
        struct message *post = effects_post(fx, ACTOR_MAIN_ID, ACTOR_MANAGER_ID, POST_QUESTION);
        MESSAGE_LOCAL(post, struct post_question)->gather = gather->timer.actor;
    }
}
