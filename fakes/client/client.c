/*
 * client.c - see client.h: events and requests. Arrivals are in client_load.c.
 *
 * Each request has one REQUEST_SENT and exactly one REQUEST_DONE: by its answer, by a refused
 * or broken connection, or because the client gave up waiting.
 */
#include "client/client_internal.h"
#include "core/assert.h"
#include <stdio.h>

/* What the controller answered, or what took the place of its answer. */
struct ending {
    uint16_t status; /* 0: broken, 1: refused */
    uint8_t response, error;
};

static void client_init(void *self_, const struct machine_env *env)
{
    struct client *self = self_;
    self->env = env;
    timers_init(&self->timers, env->arena, env->node);
    slab_init(&self->requests, env->arena, env->node, sizeof(struct client_request));
    uint32_t count = client_config(self)->entry_count;
    ASSERT_OP(count, <=, LOAD_ENTRIES_MAX);
    self->entries = arena_alloc(env->arena, env->node, (count + 1) * sizeof *self->entries);
}

/* The edge, or without one the controllers in turn, by ordinal. */
static node_id client_target(const struct client *self, uint32_t ordinal)
{
    const struct cluster *c = self->env->cluster;
    if (c->counts[NODE_EDGE] > 0)
        return cluster_node(c, NODE_EDGE, 0);
    ASSERT_OP(c->counts[NODE_CONTROLLER], >, 0);
    return cluster_node(c, NODE_CONTROLLER, (ordinal - 1) % c->counts[NODE_CONTROLLER]);
}

/* The invocation namespace: who calls, not whose action it is. */
static namespace_id client_namespace(const struct client *self,
                                     const struct client_request *request)
{
    const struct load_entry *load = client_load(self, request->entry);
    return load->is_bound ? load->ns : self->env->cluster->actions[request->action].ns;
}

void client_send(struct client *self, uint32_t entry, uint32_t ordinal, action_id action,
                 struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    const struct load_entry *load = client_load(self, entry);
    ASSERT(ordinal > 0 && ordinal <= REQUEST_ORDINAL_MAX);
    struct client_request *request = slab_open(&self->requests);
    ASSERT_OP(action, <, c->action_count);
    request->id = ACTIVATION_ID(REQUEST_ID(entry, ordinal), 0);
    request->action = action;
    request->entry = entry;
    request->to = client_target(self, ordinal);
    request->timer.kind = CLIENT_TIMER_PATIENCE;
    request->timer.actor = ACTOR(ACTOR_LOAD, 0, entry);
    request->timer.arg = request->item.slot;
    timers_arm(&self->timers, fx, &request->timer, client_config(self)->patience, true);
    struct record *r = effects_record(fx, RECORD_REQUEST_SENT, ACTOR(ACTOR_LOAD, 0, entry));
    r->activation = request->id;
    r->action = action;
    r->ns = client_namespace(self, request);
    r->value = load->blocking;
    request->cause = fx->cause;
    struct message *m =
        effects_send(fx, MSG_INVOKE, ACTOR(ACTOR_LOAD, 0, entry), request->to, ACTOR_MAIN_ID);
    m->corr = slab_number(request);
    m->u.invoke.id = request->id;
    m->u.invoke.action = action;
    m->u.invoke.ns = client_namespace(self, request);
    m->u.invoke.sent_at = fx->at;
    m->u.invoke.blocking = load->blocking;
}

static bool is_ok(struct ending e)
{
    return e.status == 200 || e.status == 202 || e.status == 204 ||
           (e.status == 502 && e.response == RESPONSE_APPLICATION_ERROR);
}

static void client_done(struct client *self, struct client_request *request, struct ending e,
                        struct effects *fx)
{
    uint32_t entry = request->entry;
    ASSERT_OP(entry, <, client_config(self)->entry_count);
    ASSERT(request->item.is_open);
    struct record *r = effects_record(fx, RECORD_REQUEST_DONE, ACTOR(ACTOR_LOAD, 0, entry));
    r->activation = request->id;
    r->action = request->action;
    r->ns = client_namespace(self, request);
    r->value = e.status;
    r->value2 = e.error;
    r->detail = e.response;
    r->outcome = is_ok(e) ? OUTCOME_OK : OUTCOME_FAILED;
    timers_cancel(&self->timers, &request->timer);
    slab_close(&self->requests, request);
    client_load_on_done(self, entry, fx);
}

static void client_on_message(struct client *self, const struct message *m, struct effects *fx)
{
    struct client_request *request = slab_find(&self->requests, m->corr);
    struct ending e = {
        .status = 1, .response = RESPONSE_WHISK_ERROR, .error = ERROR_CONNECTION_REFUSED};
    if (m->kind == MSG_INVOKE_REPLY)
        e = (struct ending){.status = m->u.invoke_reply.status,
                            .response = m->u.invoke_reply.response,
                            .error = m->u.invoke_reply.error};
    else if (m->kind != MSG_REFUSED) {
        effects_reject(fx, ACTOR_MAIN_ID, m);
        return;
    }
    /* An answer to a request that was given up finds its connection closed. */
    if (request == NULL || (m->kind == MSG_INVOKE_REPLY && request->id != m->u.invoke_reply.id))
        return;
    client_done(self, request, e, fx);
}

static void client_on_wake(struct client *self, tstamp now, struct effects *fx)
{
    struct timer *timer = timers_pop(&self->timers, now);
    if (timer->kind == CLIENT_TIMER_ARRIVAL) {
        client_load_on_arrival(self, timer->arg, fx);
        return;
    }
    struct client_request *request = slab_at(&self->requests, timer->arg);
    ASSERT(request != NULL);
    fx->cause = request->cause;
    struct ending gave_up = {.response = RESPONSE_WHISK_ERROR, .error = ERROR_REQUEST_TIMEOUT};
    client_done(self, request, gave_up, fx);
}

/* What stood open when the connection broke; a request that takes its place is not among it. */
static void client_on_link_down(struct client *self, node_id peer, struct effects *fx)
{
    struct ending broken = {.response = RESPONSE_WHISK_ERROR, .error = ERROR_CONNECTION_BROKEN};
    uint64_t first_new = *fx->next_seq;
    for (uint32_t slot = 0; slot < slab_slots(&self->requests); slot++) {
        struct client_request *request = slab_at(&self->requests, slot);
        if (request == NULL || request->to != peer || request->cause >= first_new)
            continue;
        fx->cause = request->cause;
        client_done(self, request, broken, fx);
    }
}

static void client_step(void *self_, const struct event *ev, struct effects *fx)
{
    struct client *self = self_;
    switch (ev->kind) {
    case EVENT_START:
        /* A client that comes back would send the same requests again: it stays quiet. */
        for (uint32_t i = 0;
             self->env->incarnation == 0 && i < client_config(self)->entry_count; i++)
            client_load_start(self, i, fx);
        break;
    case EVENT_DELIVER:
        client_on_message(self, ev->message, fx);
        break;
    case EVENT_WAKE:
        client_on_wake(self, ev->at, fx);
        break;
    case EVENT_LINK:
        if (ev->down)
            client_on_link_down(self, ev->peer, fx);
        break;
    case EVENT_SIGNAL:
        break;
    }
}

static struct wakeup client_next_wakeup(const void *self)
{
    return timers_first(&((const struct client *)self)->timers);
}

static void client_digest(const void *self_, struct digest *d)
{
    const struct client *self = self_;
    for (uint32_t i = 0; i < client_config(self)->entry_count; i++) {
        const struct client_entry *e = &self->entries[i];
        digest_two(d, e->sent_count, e->next_at);
        digest_word(d, timer_is_armed(&e->timer));
    }
    for (uint32_t slot = 0; slot < slab_slots(&self->requests); slot++) {
        const struct client_request *r = slab_at(&self->requests, slot);
        if (r == NULL)
            continue;
        digest_two(d, (uint64_t)slab_number(r) << 32 | r->id, r->timer.at);
    }
}

static bool client_pending(const void *self_, char *text, size_t size)
{
    const struct client *self = self_;
    if (self->requests.open_count == 0)
        return false;
    snprintf(text, size, "%" PRIu32 " requests without an answer", self->requests.open_count);
    return true;
}

static const char *client_post_name(unsigned what)
{
    return common_post_to_string(what);
}

static const struct config_field client_fields[] = {
    {"client.patience", UNIT_DURATION, SEC(1), SEC(86400), SEC(90), SEC(90),
     (uint32_t)offsetof(struct client_config, patience),
     "how long a request is waited for before the client gives it up"},
};

const struct machine_ops client_ops = {
    .name = "client",
    .size = sizeof(struct client),
    .effects_max = CLIENT_EFFECTS_MAX,
    .init = client_init,
    .step = client_step,
    .next_wakeup = client_next_wakeup,
    .digest = client_digest,
    .pending = client_pending,
    .post_name = client_post_name,
    .config_fields = client_fields,
    .config_field_count = sizeof client_fields / sizeof client_fields[0],
    .config_size = sizeof(struct client_config),
};
