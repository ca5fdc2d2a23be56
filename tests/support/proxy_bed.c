/*
 * proxy_bed.c - see proxy_bed.h.
 */
#include "support/proxy_bed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRACE SEC(5)

struct proxy_bed *proxy_bed_cold(void)
{
    struct proxy_bed *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->inv = invoker_bed_cold();
    t->bed = t->inv->bed;
    t->kind = ACTOR_PROXY;
    bed_config(t->bed, "whisk.container-proxy.timeouts.pause-grace", GRACE);
    bed_config(t->bed, "whisk.container-proxy.timeouts.idle-container", GRACE);
    bed_config(t->bed, "whisk.container-proxy.timeouts.keeping-duration", GRACE);
    return t;
}

void proxy_bed_boot(struct proxy_bed *t)
{
    invoker_bed_boot(t->inv);
    t->slot = invoker_slot_new(t->inv->invoker, false);
    assert_non_null(t->slot);
    t->bed->posts_by_hand = true;
    t->sent_seen = t->bed->sent_count;
    t->records_seen = t->bed->record_count;
}

struct proxy_bed *proxy_bed_new(void)
{
    struct proxy_bed *t = proxy_bed_cold();
    proxy_bed_boot(t);
    return t;
}

void proxy_bed_free(struct proxy_bed *t)
{
    invoker_bed_free(t->inv);
    free(t);
}

/* ---- what was said ---- */

static void say(char *said, size_t size, const char *format, ...)
{
    size_t length = strlen(said);
    va_list args;
    va_start(args, format);
    vsnprintf(said + length, size - length, format, args);
    va_end(args);
    assert_true(strlen(said) + 1 < size);
}

static bool is_of_slot(const struct proxy_bed *t, actor_id actor)
{
    enum actor_kind kind = ACTOR_KIND(actor);
    return ACTOR_INDEX(actor) == t->slot->index &&
           (kind == ACTOR_PROXY || kind == ACTOR_CALLBACK || kind == ACTOR_ACTIVATION_CLIENT);
}

static void say_key(const struct proxy_bed *t, const struct message *m, char *line, size_t size)
{
    const struct post_data *data = MESSAGE_LOCAL_CONST(m, struct post_data);
    assert_int_equal(data->key.node, BED_INVOKER0);
    assert_int_equal(data->key.id, t->slot->proxy.container);
    assert_int_equal(data->key.ns, t->slot->proxy.ns);
    assert_int_equal(data->key.action, t->slot->proxy.action);
    if (m->what == POST_REGISTER) {
        assert_int_equal(data->value.kind, VALUE_EMPTY);
        assert_int_equal(data->flags, DATA_FAILOVER);
    }
    say(line, size, "data: %s %s %u\n", common_post_to_string(m->what),
        data->key.family == KEY_WARMED ? "warmed" : "existing", (unsigned)data->key.revision);
    assert_true(data->key.family == KEY_WARMED || data->key.family == KEY_EXISTING);
}

static void say_request(const struct message *m, char *line, size_t size)
{
    const struct post_request *request = MESSAGE_LOCAL_CONST(m, struct post_request);
    say(line, size, "client: RequestActivation");
    if (request->has_duration)
        say(line, size, " after %ums", (unsigned)request->duration_ms);
    if (request->has_scheduler)
        say(line, size, " of node %u", (unsigned)request->scheduler);
    say(line, size, "\n");
}

/* What the payload adds to a message's name. */
static void say_payload(const struct message *m, char *line, size_t size)
{
    const struct post_datum *datum = MESSAGE_LOCAL_CONST(m, struct post_datum);
    const struct post_prewarmed *cell = MESSAGE_LOCAL_CONST(m, struct post_prewarmed);
    switch (m->what) {
    case POST_CONTAINER_REMOVED:
        say(line, size, "(%s)", datum->replace ? "true" : "false");
        break;
    case POST_INITIALIZED:
    case POST_RESUMED:
    case POST_CONTAINER_IS_PAUSED:
        say(line, size, "(%s)", datum->is_warm ? "warm" : "initialized");
        break;
    case POST_READY_TO_WORK:
        say(line, size, "(%u MB, kind %u)", (unsigned)cell->memory_mb, (unsigned)cell->kind);
        break;
    case POST_HEALTH_MESSAGE:
        say(line, size, "(%s)",
            MESSAGE_LOCAL_CONST(m, struct post_health)->good ? "true" : "false");
        break;
    case POST_FAILURE:
        say(line, size, "(%u)", (unsigned)MESSAGE_LOCAL_CONST(m, struct post_failure)->failure);
        break;
    case POST_RESCHEDULE:
    case POST_ACTIVATION:
        say(line, size, "(%u)",
            (unsigned)ACTIVATION_REQUEST(MESSAGE_LOCAL_CONST(m, struct activation)->id));
        break;
    case POST_RESCHEDULE_RESPONSE:
        say(line, size, "(%s)",
            MESSAGE_LOCAL_CONST(m, struct post_rescheduled)->ok ? "true" : "false");
        break;
    }
}

static void say_post(const struct proxy_bed *t, const struct message *m, char *line,
                     size_t size)
{
    static const char *const probes[] = {[ACTOR_POOL] = "parent",
                                         [ACTOR_ACTIVATION_CLIENT] = "client",
                                         [ACTOR_PROXY] = "proxy",
                                         [ACTOR_HEALTH] = "health",
                                         [ACTOR_DATA] = "data"};
    unsigned kind = (unsigned)ACTOR_KIND(m->to_actor);
    assert_true(kind < sizeof probes / sizeof probes[0] && probes[kind] != NULL);
    if (kind == ACTOR_DATA) {
        say_key(t, m, line, size);
    } else if (m->what == POST_REQUEST_ACTIVATION) {
        say_request(m, line, size);
    } else {
        say(line, size, "%s: %s", probes[kind], t->bed->ops->post_name(m->what));
        say_payload(m, line, size);
        say(line, size, "\n");
    }
}

static void say_sent(const struct proxy_bed *t, const struct message *m, char *line,
                     size_t size)
{
    static const char *const acks[] = {"completion", "result", "combined"};
    const struct ack *ack = &m->u.produce.entry.u.ack;
    if (m->kind == MSG_KAFKA_PRODUCE && m->u.produce.entry.kind == ENTRY_ACK) {
        assert_int_equal(m->u.produce.topic, TOPIC(TOPIC_COMPLETED, 1));
        say(line, size, "ack %u: %s%s, %s%s%s\n", (unsigned)ACTIVATION_REQUEST(ack->id),
            acks[ack->kind], ack->shrunk ? " shrunk" : "", response_to_string(ack->status),
            ack->error ? ": " : "", error_text_to_string(ack->error));
    } else if (m->kind == MSG_DATABASE_STORE && !(m->u.store.id & ACTIVATION_SYSTEM)) {
        say(line, size, "store %u: %s, %ums\n", (unsigned)ACTIVATION_REQUEST(m->u.store.id),
            response_to_string(m->u.store.response),
            (unsigned)((m->u.store.end_at - m->u.store.start_at) / MSEC(1)));
    } else if (m->kind == MSG_FETCH && is_of_slot(t, m->from_actor)) {
        say(line, size, "fetch from node %u: %s%s%s\n", (unsigned)m->to,
            m->u.fetch.alive ? "alive" : "not alive", m->u.fetch.warmed ? ", warmed" : "",
            m->u.fetch.has_duration ? ", duration" : "");
    } else if (m->kind == MSG_RESCHEDULE) {
        say(line, size, "reschedule %u to node %u\n",
            (unsigned)ACTIVATION_REQUEST(m->u.activation.id), (unsigned)m->to);
    } else if (is_of_slot(t, m->from_actor) && m->kind == MSG_ETCD_RANGE) {
        say(line, size, "%s %s\n", m->u.etcd.mode == RANGE_COUNT ? "count" : "look up",
            key_family_to_string(m->u.etcd.key.family));
    } else if (is_of_slot(t, m->from_actor)) {
        say(line, size, "%s\n", message_to_string(m->kind));
    }
}

static bool is_state_of(const struct proxy_bed *t, const struct record *r)
{
    return r->kind == RECORD_STATE && is_of_slot(t, r->actor);
}

static void say_record(const struct proxy_bed *t, const struct record *r, char *line,
                       size_t size)
{
    static const char *const states[] = {PROXY_STATE_LIST(NAMES_ENTRY)};
    static const char *const clients[] = {CLIENT_STATE_LIST(NAMES_ENTRY)};
    if (is_state_of(t, r) && r->detail == FSM_PROXY)
        say(line, size, "%s -> %s\n", states[r->value], states[r->value2]);
    else if (is_state_of(t, r))
        say(line, size, "client %s -> %s\n", clients[r->value], clients[r->value2]);
    else if (r->kind == RECORD_RUN_ENDED && is_of_slot(t, r->actor))
        say(line, size, "run-ended %u: %s\n", (unsigned)ACTIVATION_REQUEST(r->activation),
            response_to_string(r->detail));
    else if (r->kind == RECORD_RESCHEDULED)
        say(line, size, "rescheduled %u: %u\n", (unsigned)ACTIVATION_REQUEST(r->activation),
            (unsigned)r->outcome);
    else if (is_of_slot(t, r->actor) && r->kind != RECORD_ACKED && r->kind != RECORD_STORE_SENT)
        say(line, size, "%s\n", record_to_string(r->kind));
}

/* ---- one event after the other ---- */

static void hear(struct proxy_bed *t)
{
    while (t->bed->post_first < t->bed->post_count) {
        struct message m = *bed_post(t->bed, 0);
        enum actor_kind to = ACTOR_KIND(m.to_actor);
        bool is_own = is_of_slot(t, m.to_actor) && (to == t->kind || to == ACTOR_CALLBACK);
        if (is_own) {
            bed_post_next(t->bed);
            continue;
        }
        t->bed->post_first++;
        if (is_of_slot(t, m.from_actor))
            say_post(t, &m, t->posts, sizeof t->posts);
    }
    t->bed->post_first = t->bed->post_count = 0;
}

static void refuse(struct proxy_bed *t, const struct message *m)
{
    struct message reply = bed_reply(m, MSG_ETCD_RANGED);
    reply.u.etcd_done.status = ETCD_UNAVAILABLE;
    bed_deliver(t->bed, &reply);
}

/* What was sent is answered by the bed's peers, but for the counts that are to fail. */
static void answer(struct proxy_bed *t)
{
    while (hear(t), t->sent_seen < t->bed->sent_count) {
        struct message m = t->bed->sent[t->sent_seen++];
        bool is_count = m.kind == MSG_ETCD_RANGE && m.u.etcd.mode == RANGE_COUNT;
        say_sent(t, &m, t->sends, sizeof t->sends);
        if (is_count && t->broken_counts > 0) {
            t->broken_counts--;
            refuse(t, &m);
        } else {
            invoker_bed_peer(t->inv, &m);
        }
    }
}

void proxy_bed_deliver(struct proxy_bed *t, const struct message *m)
{
    bed_deliver(t->bed, m);
    answer(t);
}

void proxy_bed_send(struct proxy_bed *t, unsigned what, const void *payload, size_t size)
{
    struct message m =
        invoker_bed_post(t->inv, ACTOR_POOL_ID, slot_actor(t->slot, t->kind), what);
    if (size > 0)
        memcpy(m.u.local, payload, size);
    proxy_bed_deliver(t, &m);
}

void proxy_bed_initialize(struct proxy_bed *t)
{
    struct creation job = invoker_bed_creation(BED_HELLO, 1);
    proxy_bed_send(t, POST_INITIALIZE, &job, sizeof job);
}

void proxy_bed_activate(struct proxy_bed *t, uint32_t request, bool blocking)
{
    struct activation activation = invoker_bed_activation(BED_HELLO, request, blocking);
    proxy_bed_send(t, POST_ACTIVATION, &activation, sizeof activation);
}

void proxy_bed_fail(struct proxy_bed *t, enum failure failure)
{
    struct post_failure_run run = {.failure = {.failure = failure},
                                   .activation = invoker_bed_activation(BED_HELLO, 1, false)};
    proxy_bed_send(t, POST_FAILURE, &run, sizeof run);
}

void proxy_bed_pass(struct proxy_bed *t, duration length)
{
    tstamp end = tstamp_add(t->bed->now, length);
    while (t->bed->ops->next_wakeup(t->bed->machine).at <= end) {
        bed_wake(t->bed);
        answer(t);
    }
    t->bed->now = end;
}

void proxy_bed_until(struct proxy_bed *t, const struct timer *timer)
{
    assert_true(timer_is_armed(timer));
    proxy_bed_pass(t, timer->at - t->bed->now);
    assert_false(timer_is_armed(timer));
}

void proxy_bed_expect(struct proxy_bed *t, const char *lines)
{
    for (; t->records_seen < t->bed->record_count; t->records_seen++)
        say_record(t, &t->bed->records[t->records_seen], t->said, sizeof t->said);
    say(t->said, sizeof t->said, "%s%s", t->posts, t->sends);
    assert_string_equal(t->said, lines);
    t->said[0] = t->posts[0] = t->sends[0] = '\0';
    bed_forget(t->bed);
    t->records_seen = t->sent_seen = t->inv->answered = 0;
}

struct proxy_bed *proxy_bed_client(void)
{
    struct proxy_bed *t = proxy_bed_new();
    struct proxy *p = &t->slot->proxy;
    t->kind = ACTOR_ACTIVATION_CLIENT;
    p->action = BED_HELLO;
    p->ns = BED_GUEST;
    p->revision = p->warm_revision = REVISION_FIRST;
    p->container = 77;
    invoker_client_start(t->slot, BED_SCHEDULER0);
    return t;
}

void proxy_bed_fetched(struct proxy_bed *t, enum fetch_result result, uint32_t request)
{
    struct message m = bed_reply(invoker_bed_fetch(t->inv, t->slot), MSG_FETCHED);
    m.u.fetched.result = (uint8_t)result;
    if (result == FETCHED_ACTIVATION)
        m.u.fetched.activation = invoker_bed_activation(BED_HELLO, request, false);
    proxy_bed_deliver(t, &m);
}

/* ---- the usual ways ---- */

void proxy_bed_prewarm(struct proxy_bed *t)
{
    struct post_start start = {.memory_mb = 256, .kind = 3};
    proxy_bed_send(t, POST_START, &start, sizeof start);
    proxy_bed_expect(t, "Uninitialized -> CreatingContainer\n");
    proxy_bed_until(t, &t->slot->proxy.operation);
    proxy_bed_expect(t, "container-made\n"
                        "CreatingContainer -> ContainerCreated\n"
                        "parent: ReadyToWork(256 MB, kind 3)\n");
}

static void client_created(struct proxy_bed *t)
{
    proxy_bed_send(t, POST_CLIENT_CREATION_COMPLETED, NULL, 0);
    proxy_bed_expect(t, "CreatingClient -> ClientCreated\n"
                        "container-used\n"
                        "data: register existing 1\n"
                        "parent: Initialized(initialized)\n"
                        "client: RequestActivation\n");
}

void proxy_bed_adopt(struct proxy_bed *t)
{
    proxy_bed_initialize(t);
    proxy_bed_expect(t, "ContainerCreated -> CreatingClient\n"
                        "client: StartClient\n");
    client_created(t);
}

void proxy_bed_cold_start(struct proxy_bed *t)
{
    proxy_bed_initialize(t);
    proxy_bed_expect(t, "Uninitialized -> CreatingClient\n");
    proxy_bed_until(t, &t->slot->proxy.operation);
    proxy_bed_expect(t, "container-made\n"
                        "client: StartClient\n");
    client_created(t);
}

void proxy_bed_first_run(struct proxy_bed *t)
{
    proxy_bed_activate(t, 1, false);
    proxy_bed_pass(t, MSEC(400));
    proxy_bed_expect(t, "run-started\n"
                        "ClientCreated -> Running\n"
                        "run-ended 1: success\n"
                        "client: ContainerWarmed\n"
                        "health: HealthMessage(true)\n"
                        "client: RequestActivation after 300ms\n"
                        "read\n"
                        "ack 1: completion shrunk, success\n"
                        "store 1: success, 300ms\n");
}

void proxy_bed_pause(struct proxy_bed *t)
{
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    proxy_bed_send(t, POST_RETRY_REQUEST, NULL, 0);
    proxy_bed_expect(t, "Running -> Pausing\n");
    proxy_bed_until(t, &t->slot->proxy.operation);
    proxy_bed_expect(t, "container-paused\n"
                        "Pausing -> Paused\n"
                        "data: register warmed 1\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerIsPaused(warm)\n");
}

void proxy_bed_expect_stopped(struct proxy_bed *t)
{
    assert_false(t->slot->proxy.alive);
}
