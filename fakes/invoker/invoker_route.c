/*
 * invoker_route.c - the HTTP routes of FPCInvokerServer. All bodies are text/plain.
 * Source: FPCInvokerServer.scala:50-87, FPCInvokerReactive.scala:376-403 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"
#include <stdio.h>

enum route { ROUTE_ENABLE, ROUTE_DISABLE, ROUTE_IS_ENABLED, ROUTE_POOL, ROUTE_POOL_COUNT };
static const struct admin_route routes[] = {
    [ROUTE_ENABLE] = {HTTP_POST, "/enable", SLASH_NEVER, false, true},
    [ROUTE_DISABLE] = {HTTP_POST, "/disable", SLASH_NEVER, false, true},
    [ROUTE_IS_ENABLED] = {HTTP_GET, "/isEnabled", SLASH_NEVER, false, true},
    [ROUTE_POOL] = {HTTP_GET, "/pool", SLASH_ALLOWED, true, true},
    [ROUTE_POOL_COUNT] = {HTTP_GET, "/pool/count", SLASH_NEVER, true, true},
};
static const struct admin admin = {
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .style = ADMIN_INVOKER,
    .user = "invoker.user",
    .password = "invoker.pass",
};

static void answer_text(struct invoker *self, const struct message *request, const char *text,
                        struct effects *fx)
{
    admin_answer(&admin, self->env, request, fx, 200, CONTENT_TEXT, text);
}

/* `invoker0/0`: number and unique name, which the deployment makes the same. */
static void answer_switched(struct invoker *self, const struct message *request,
                            bool is_enabled, struct effects *fx)
{
    char text[64];
    if (invoker_behaviour(self->env)->plain_switch_texts) {
        answer_text(self, request,
                    is_enabled ? "Success enable invoker" : "Successfully disabled invoker",
                    fx);
        return;
    }
    snprintf(text, sizeof text, "invoker%" PRIu32 "/%" PRIu32 " is now %s.", self->number,
             self->number, is_enabled ? "enabled" : "disabled");
    answer_text(self, request, text, fx);
}

static void route_enable(struct invoker *self, const struct message *m, struct effects *fx)
{
    effects_record(fx, RECORD_NODE_ENABLED, ACTOR_MAIN_ID);
    effects_post(fx, ACTOR_MAIN_ID, ACTOR_HEALTH_ID, POST_ENABLE);
    effects_post(fx, ACTOR_MAIN_ID, ACTOR_POOL_ID, POST_ENABLE);
    invoker_warm_up(self, fx);
    answer_switched(self, m, true, fx);
}

static void route_disable(struct invoker *self, const struct message *m, struct effects *fx)
{
    effects_record(fx, RECORD_NODE_DISABLED, ACTOR_MAIN_ID);
    effects_post(fx, ACTOR_MAIN_ID, ACTOR_HEALTH_ID, POST_GRACEFUL_SHUTDOWN);
    effects_post(fx, ACTOR_MAIN_ID, ACTOR_POOL_ID, POST_GRACEFUL_SHUTDOWN);
    invoker_close_watch(self, fx);
    answer_switched(self, m, false, fx);
}

static void route_fail(struct invoker *self, const struct message *request, bool is_count,
                       struct effects *fx)
{
    if (is_count)
        effects_record(fx, RECORD_COUNT_ANSWERED, ACTOR_MAIN_ID)->detail = 5;
    admin_answer_fault(self->env, request, fx);
}

/* Ask the pool, and keep the request with its headers until it has answered. */
static void route_ask(struct invoker *self, const struct message *m, bool wants_json,
                      struct effects *fx)
{
    uint32_t i = 0;
    while (i < ASKS_MAX && self->asks[i] != NULL && self->asks[i]->used)
        i++;
    if (i == ASKS_MAX) {
        route_fail(self, m, !wants_json, fx);
        return;
    }
    if (self->asks[i] == NULL)
        self->asks[i] = arena_alloc(self->env->arena, self->env->node, sizeof *self->asks[i]);
    struct ask *ask = self->asks[i];
    ask->used = true;
    ask->wants_json = wants_json;
    ask->request = *m;
    ask->request.u.http_request.path = 0;
    ask->request.u.http_request.body = 0;
    ask->request.u.http_request.headers =
        blob_copy(self->env->arena, self->env->node, m->u.http_request.headers);
    ask->timer.kind = TIMER_ASK;
    ask->timer.actor = ACTOR_MAIN_ID;
    ask->timer.arg = i;
    timers_arm(&self->timers, fx, &ask->timer, ASK_TIMEOUT, true);
    struct message *post = effects_post(fx, ACTOR_MAIN_ID, ACTOR_POOL_ID, POST_GET_STATE);
    *MESSAGE_LOCAL(post, struct post_ask) = (struct post_ask){i, wants_json};
}

static void ask_end(struct invoker *self, struct ask *ask)
{
    timers_cancel(&self->timers, &ask->timer);
    blob_free(self->env->arena, ask->json);
    ask->json = 0;
    blob_free(self->env->arena, ask->request.u.http_request.headers);
    ask->used = false;
}

void invoker_route_on_pool_state(struct invoker *self, const struct message *m,
                                 struct effects *fx)
{
    const struct post_pool_state *state = MESSAGE_LOCAL_CONST(m, struct post_pool_state);
    ASSERT_OP(state->ask, <, ASKS_MAX);
    struct ask *ask = self->asks[state->ask];
    if (ask == NULL || !ask->used) /* after its time-out */
        return;
    if (ask->wants_json) {
        admin_answer_blob(&admin, self->env, &ask->request, fx, 200, CONTENT_TEXT, ask->json);
        ask->json = 0; /* gone with the answer */
    } else {
        char text[16];
        struct record *r = effects_record(fx, RECORD_COUNT_ANSWERED, ACTOR_MAIN_ID);
        r->value = state->count;
        r->detail = 2;
        snprintf(text, sizeof text, "%" PRIu32, state->count);
        answer_text(self, &ask->request, text, fx);
    }
    ask_end(self, ask);
}

void invoker_route_on_timer(struct invoker *self, const struct timer *timer, struct effects *fx)
{
    ASSERT_OP(timer->arg, <, ASKS_MAX);
    struct ask *ask = self->asks[timer->arg];
    ASSERT(ask != NULL && ask->used);
    route_fail(self, &ask->request, !ask->wants_json, fx);
    ask_end(self, ask);
}

void invoker_route_on_request(struct invoker *self, const struct message *m, struct effects *fx)
{
    int route = admin_route(&admin, self->env, m, fx);
    if (route < 0)
        return;
    switch ((enum route)route) {
    case ROUTE_ENABLE:
        route_enable(self, m, fx);
        break;
    case ROUTE_DISABLE:
        route_disable(self, m, fx);
        break;
    case ROUTE_IS_ENABLED:
        answer_text(self, m, self->watch_is_open ? "{\"enabled\":true}" : "{\"enabled\":false}",
                    fx);
        break;
    case ROUTE_POOL:
        route_ask(self, m, true, fx);
        break;
    case ROUTE_POOL_COUNT:
        route_ask(self, m, false, fx);
        break;
    }
}
