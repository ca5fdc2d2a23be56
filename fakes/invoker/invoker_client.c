/*
 * invoker_client.c - ActivationClientProxy: one container's line to one scheduler.
 *
 * An answer to a fetch is delivered to the actor itself: its arrival is the callback and the
 * pipe in one. Closing a gRPC client lets the calls end that are already under way, and refuses
 * new ones; while another client is being made the old, closed one is still in use.
 * Opening a client makes no connection and cannot fail; looking the leader up can, and is not
 * tried again (Acp:388-409). A fetch has no deadline. Giving an activation back is a callback's
 * call: its answer goes to the proxy, past the actor. With a closed client it throws in the
 * actor itself, which its supervisor starts anew (as Uninitialized, and nobody starts a
 * client). Source: ActivationClientProxy.scala:85-409 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"
#include "common/common_behaviour.h"

static void client_leave(const struct invoker *self, struct slot *slot, enum failure failure,
                         struct effects *fx);

void invoker_client_start(struct slot *slot, node_id scheduler)
{
    struct client *client = &slot->client;
    ASSERT(!client->alive);
    client->alive = true;
    client->state = CLIENT_UNINITIALIZED;
    client->stored = scheduler;
    client->connected = scheduler;
}

static actor_id client_id(const struct slot *slot)
{
    return slot_actor(slot, ACTOR_ACTIVATION_CLIENT);
}

static void client_move(struct slot *slot, enum client_state to, struct effects *fx)
{
    struct record *r =
        fsm_move(&slot->client.state, (uint8_t)to, FSM_ACTIVATION_CLIENT, fx, client_id(slot));
    r->action = slot->proxy.action;
    r->container = slot->proxy.container;
}

static void client_to_proxy(struct slot *slot, enum invoker_post what, struct effects *fx)
{
    effects_post(fx, client_id(slot), slot_actor(slot, ACTOR_PROXY), what);
}

static void client_to_self(struct slot *slot, actor_id from, enum invoker_post what,
                           struct effects *fx)
{
    effects_post(fx, from, client_id(slot), what);
}

static void client_report_failure(const struct invoker *self, struct slot *slot,
                                  enum failure failure, struct effects *fx)
{
    if (invoker_behaviour(self->env)->silent_client_failure)
        return;
    struct message *m =
        effects_post(fx, client_id(slot), slot_actor(slot, ACTOR_PROXY), POST_FAILURE);
    MESSAGE_LOCAL(m, struct post_failure)->failure = failure;
}

/* FetchActivation; with alive = false it is the container's farewell. */
static void client_call(struct invoker *self, struct slot *slot, enum call_kind kind,
                        const struct post_request *request, struct effects *fx)
{
    const struct proxy *p = &slot->proxy;
    const struct client *client = &slot->client;
    uint32_t corr = ++slot->corr;
    ASSERT(!client->closed && p->container != 0);
    invoker_calls_add(self, &slot->calls, kind, client->connected, corr);
    struct message *m =
        effects_send(fx, MSG_FETCH, client_id(slot), client->connected, ACTOR_MAIN_ID);
    m->corr = corr;
    m->u.fetch.action = p->action;
    m->u.fetch.ns = p->ns;
    m->u.fetch.revision = p->revision;
    m->u.fetch.container = p->container;
    m->u.fetch.warmed = client->warmed;
    m->u.fetch.alive = kind == CALL_FETCH;
    if (request != NULL && request->has_duration) {
        m->u.fetch.duration_ms = request->duration_ms;
        m->u.fetch.has_duration = 1;
    }
}

/* A closed client throws when the call is issued; that becomes the message ClientClosed. */
static void client_fetch(struct invoker *self, struct slot *slot,
                         const struct post_request *request, struct effects *fx)
{
    if (slot->client.closed)
        client_to_self(slot, slot_actor(slot, ACTOR_CALLBACK), POST_CLIENT_CLOSED, fx);
    else
        client_call(self, slot, CALL_FETCH, request, fx);
}

/* closeSafely: tell the scheduler that the container leaves, and close when it has answered. */
static void client_farewell(struct invoker *self, struct slot *slot, struct effects *fx)
{
    if (slot->client.closed)
        client_to_self(slot, client_id(slot), POST_CLIENT_CLOSED, fx);
    else
        client_call(self, slot, CALL_FAREWELL, NULL, fx);
}

static void client_opened(struct slot *slot, node_id stored, node_id connected,
                          struct effects *fx)
{
    struct message *m =
        effects_post(fx, slot_actor(slot, ACTOR_CALLBACK), client_id(slot), POST_CLIENT_OPENED);
    *MESSAGE_LOCAL(m, struct post_opened) =
        (struct post_opened){.stored = stored, .connected = connected};
}

/* recreate(stored, other = true): close, then connect to whoever leads the queue by now. */
static void client_look_up(struct invoker *self, struct slot *slot, struct effects *fx)
{
    slot->client.closed = true;
    invoker_slot_range(self, slot, CALL_LEADER, 0, fx);
}

/* The leader key has been read. What upstream stores stays the old address. */
void invoker_client_on_leader(struct invoker *self, struct slot *slot, const struct message *m,
                              struct effects *fx)
{
    node_id leader = NODE_NONE;
    if (m != NULL && m->u.etcd_done.count > 0 &&
        endpoints_parse(self->env, VALUE_ENDPOINTS, &m->u.etcd_done.value))
        leader = m->u.etcd_done.value.node;
    if (leader != NODE_NONE) {
        client_opened(slot, slot->client.stored, leader, fx);
        return;
    }
    struct message *failure =
        effects_post(fx, slot_actor(slot, ACTOR_CALLBACK), client_id(slot), POST_FAILURE);
    MESSAGE_LOCAL(failure, struct post_failure)->failure = FAILURE_OTHER;
}

static void client_restart(struct slot *slot, struct effects *fx)
{
    slot->client.warmed = false;
    client_move(slot, CLIENT_UNINITIALIZED, fx);
}

static void client_reschedule(struct invoker *self, struct slot *slot, const struct message *m,
                              struct effects *fx)
{
    const struct activation *activation = MESSAGE_LOCAL_CONST(m, struct activation);
    const struct proxy *p = &slot->proxy;
    actor_id callback = slot_actor(slot, ACTOR_CALLBACK);
    if (slot->client.closed) {
        client_restart(slot, fx);
        return;
    }
    struct record *r = effects_record(fx, RECORD_RESCHEDULED, client_id(slot));
    r->activation = activation->id;
    r->action = p->action;
    r->ns = p->ns;
    r->container = p->container;
    uint32_t corr = ++slot->corr;
    invoker_calls_add(self, &slot->calls, CALL_RESCHEDULE, slot->client.connected, corr);
    struct message *request =
        effects_send(fx, MSG_RESCHEDULE, callback, slot->client.connected, ACTOR_MAIN_ID);
    request->corr = corr;
    request->u.activation = *activation;
}

/* Any error counts as not rescheduled. */
void invoker_client_on_rescheduled(struct slot *slot, const struct message *m,
                                   struct effects *fx)
{
    struct message *post =
        effects_post(fx, slot_actor(slot, ACTOR_CALLBACK), slot_actor(slot, ACTOR_PROXY),
                     POST_RESCHEDULE_RESPONSE);
    MESSAGE_LOCAL(post, struct post_rescheduled)->ok = m != NULL && m->u.rescheduled.ok;
}

/* A fetch was refused or reset: a gRPC status error; a farewell is over however it ends. */
void invoker_client_on_broken(struct invoker *self, struct slot *slot, const struct call *call,
                              struct effects *fx)
{
    actor_id callback = slot_actor(slot, ACTOR_CALLBACK);
    (void)self;
    if (call->kind == CALL_FAREWELL) {
        slot->client.closed = true;
        client_to_self(slot, callback, POST_CLIENT_CLOSED, fx);
        return;
    }
    struct message *m = effects_post(fx, callback, client_id(slot), POST_FAILURE);
    MESSAGE_LOCAL(m, struct post_failure)->failure = FAILURE_STATUS;
}

static void client_take(struct slot *slot, const struct message *m)
{
    const struct post_opened *opened = MESSAGE_LOCAL_CONST(m, struct post_opened);
    slot->client.stored = opened->stored;
    slot->client.connected = opened->connected;
    slot->client.closed = false;
}

/* Uninitialized; false: stashed. */
static bool client_on_uninitialized(const struct invoker *self, struct slot *slot,
                                    const struct message *m, struct effects *fx)
{
    if (m->kind != MSG_POST)
        return false;
    switch (m->what) {
    case POST_START_CLIENT:
        client_opened(slot, slot->client.stored, slot->client.stored, fx);
        return true;
    case POST_CLIENT_OPENED:
        client_take(slot, m);
        client_to_proxy(slot, POST_CLIENT_CREATION_COMPLETED, fx);
        client_move(slot, CLIENT_READY, fx);
        return true;
    case POST_FAILURE:
        client_leave(self, slot,
                     (enum failure)MESSAGE_LOCAL_CONST(m, struct post_failure)->failure, fx);
        return true;
    }
    return false;
}

/* The container is told why, and the actor ends without a farewell. */
static void client_leave(const struct invoker *self, struct slot *slot, enum failure failure,
                         struct effects *fx)
{
    client_report_failure(self, slot, failure, fx);
    client_to_self(slot, client_id(slot), POST_CLIENT_CLOSED, fx);
    client_move(slot, CLIENT_REMOVING, fx);
}

static void client_on_failure(struct invoker *self, struct slot *slot, enum failure failure,
                              struct effects *fx)
{
    if (failure == FAILURE_PARSE) {
        client_to_proxy(slot, POST_RETRY_REQUEST, fx);
    } else if (failure == FAILURE_STATUS) {
        client_look_up(self, slot, fx);
    } else if (failure == FAILURE_HOST || failure == FAILURE_CLOSED) {
        client_leave(self, slot, failure, fx);
    } else {
        client_report_failure(self, slot, failure, fx);
        client_farewell(self, slot, fx);
        client_move(slot, CLIENT_REMOVING, fx);
    }
}

static void client_on_request(struct invoker *self, struct slot *slot, const struct message *m,
                              struct effects *fx)
{
    const struct post_request *request = MESSAGE_LOCAL_CONST(m, struct post_request);
    if (request->has_scheduler && request->scheduler != slot->client.stored) {
        slot->client.closed = true;
        client_opened(slot, request->scheduler, request->scheduler, fx);
    } else {
        client_fetch(self, slot, request, fx);
    }
}

/* A client made anew fetches at once, also in Removing. */
static void client_on_opened(struct invoker *self, struct slot *slot, const struct message *m,
                             struct effects *fx)
{
    ASSERT_OP(slot->client.state, !=, CLIENT_UNINITIALIZED);
    client_take(slot, m);
    client_fetch(self, slot, NULL, fx);
}

/* The activation has reached the container's process. */
static void client_forward(struct slot *slot, const struct activation *activation,
                           struct effects *fx)
{
    struct record *r = effects_record(fx, RECORD_FETCHED, client_id(slot));
    r->activation = activation->id;
    r->container = slot->proxy.container;
    r->action = activation->action;
    r->ns = activation->ns;
    struct message *m =
        effects_post(fx, client_id(slot), slot_actor(slot, ACTOR_PROXY), POST_ACTIVATION);
    *MESSAGE_LOCAL(m, struct activation) = *activation;
}

static void client_on_fetched(struct invoker *self, struct slot *slot, const struct message *m,
                              struct effects *fx)
{
    bool is_removing = slot->client.state == CLIENT_REMOVING;
    ASSERT_OP(slot->client.state, !=, CLIENT_UNINITIALIZED);
    enum fetch_result result = (enum fetch_result)m->u.fetched.result;
    if (result == FETCHED_ACTIVATION) {
        client_forward(slot, &m->u.fetched.activation, fx);
    } else if (is_removing) { /* closed at once, whatever the farewell brings */
        if (!invoker_behaviour(self->env)->not_alive_not_sent)
            client_farewell(self, slot, fx);
        client_to_self(slot, client_id(slot), POST_CLIENT_CLOSED, fx);
    } else if (result == FETCHED_NO_QUEUE) {
        client_look_up(self, slot, fx);
    } else if (result == FETCHED_MISMATCH) {
        slot->client.closed = true;
        client_leave(self, slot, FAILURE_MISMATCH, fx);
    } else {
        client_to_proxy(slot, POST_RETRY_REQUEST, fx);
    }
}

/* Events that Ready and Removing have in common and do not list. */
static void client_on_unhandled(struct invoker *self, struct slot *slot,
                                const struct message *m, struct effects *fx)
{
    switch (m->what) {
    case POST_CONTAINER_WARMED:
        slot->client.warmed = true;
        return;
    case POST_GRACEFUL_SHUTDOWN: /* CloseClientProxy before #5338 */
        if (invoker_behaviour(self->env)->client_close_on_shutdown)
            client_farewell(self, slot, fx);
        client_move(slot, CLIENT_REMOVING, fx);
        return;
    case POST_STOP_CLIENT:
        client_farewell(self, slot, fx);
        return;
    case POST_CLIENT_CLOSED:
        client_to_proxy(slot, POST_CLIENT_CLOSED, fx);
        slot->client.alive = false;
        return;
    }
    effects_reject(fx, m->to_actor, m);
}

static void client_on_open(struct invoker *self, struct slot *slot, const struct message *m,
                           struct effects *fx)
{
    bool is_removing = slot->client.state == CLIENT_REMOVING;
    bool fetches = !is_removing || invoker_behaviour(self->env)->fetch_after_shutdown;
    if (m->what == POST_REQUEST_ACTIVATION && !fetches)
        client_farewell(self, slot, fx);
    else if (m->what == POST_REQUEST_ACTIVATION)
        client_on_request(self, slot, m, fx);
    else if (m->what == POST_RESCHEDULE && !is_removing)
        client_reschedule(self, slot, m, fx);
    else if (m->what == POST_CLIENT_OPENED)
        client_on_opened(self, slot, m, fx);
    else if (m->what == POST_FAILURE && is_removing)
        client_farewell(self, slot, fx);
    else if (m->what == POST_FAILURE)
        client_on_failure(
            self, slot, (enum failure)MESSAGE_LOCAL_CONST(m, struct post_failure)->failure, fx);
    else
        client_on_unhandled(self, slot, m, fx);
}

/* What was stashed while there was no client: the actor's next turns. */
static void client_unstash(struct invoker *self, struct slot *slot, struct effects *fx)
{
    struct client *client = &slot->client;
    ASSERT_OP(client->state, !=, CLIENT_UNINITIALIZED);
    for (uint32_t i = 0; i < client->stash_count && client->alive; i++) {
        struct message m = client->stash[i];
        fx->cause = m.cause;
        if (m.kind == MSG_FETCHED) /* to the actor that was there before its restart */
            client_on_fetched(self, slot, &m, fx);
        else
            client_on_open(self, slot, &m, fx);
    }
    client->stash_count = 0;
}

static void client_on_post(struct invoker *self, struct slot *slot, const struct message *m,
                           struct effects *fx)
{
    struct client *client = &slot->client;
    if (client->state != CLIENT_UNINITIALIZED)
        client_on_open(self, slot, m, fx);
    else if (!client_on_uninitialized(self, slot, m, fx))
        invoker_stash_add(self, &client->stash, &client->stash_count, &client->stash_max, m);
    else if (client->state != CLIENT_UNINITIALIZED)
        client_unstash(self, slot, fx);
}

/* An answer of the scheduler, to the actor or to its farewell's callback. */
static void client_on_answer(struct invoker *self, struct slot *slot, const struct message *m,
                             struct effects *fx)
{
    struct call call;
    if (!invoker_calls_take(&slot->calls, m->corr, &call)) { /* after the connection broke */
        invoker_message_reject(fx, m);
        return;
    }
    if (call.kind == CALL_FAREWELL || m->kind == MSG_REFUSED)
        invoker_client_on_broken(self, slot, &call, fx);
    else if (slot->client.state == CLIENT_UNINITIALIZED)
        invoker_stash_add(self, &slot->client.stash, &slot->client.stash_count,
                          &slot->client.stash_max, m);
    else
        client_on_fetched(self, slot, m, fx);
}

void invoker_client_on_message(struct invoker *self, const struct message *m,
                               struct effects *fx)
{
    struct slot *slot = invoker_slot_find(self, m->to_actor);
    bool is_answer = m->kind == MSG_FETCHED || m->kind == MSG_REFUSED;
    if (m->kind != MSG_POST && !is_answer) {
        effects_reject(fx, m->to_actor, m);
    } else if (slot == NULL || !slot->client.alive) {
        invoker_message_drop(fx, m);
    } else if (slot->is_test) {
        invoker_health_client_on_message(self, slot, m, fx);
    } else if (is_answer) {
        client_on_answer(self, slot, m, fx);
    } else {
        client_on_post(self, slot, m, fx);
    }
}
