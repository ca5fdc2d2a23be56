/*
 * test_invoker_timelines.c - whole lives: from start to `up`, from creation to pause and back,
 * disable with containers of each kind, crash.
 */
#include "support/invoker_bed.h"

static void a_started_invoker_tests_itself_and_is_up(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_cold();
    bed_start(t->bed);
    assert_int_equal(bed_sent_count(t->bed, MSG_WATCH_CREATE), 2);
    assert_int_equal(t->invoker->health.state, HEALTH_UNHEALTHY);
    const struct message *written = bed_sent(t->bed, MSG_DATABASE_READ, 0);
    assert_int_equal(written->u.database.document, DOCUMENT_ACTION);
    assert_int_equal(written->u.database.action, ACTION_HEALTH_TEST);
    assert_int_equal(written->u.database.revision, 0); /* the latest, whatever it is */
    invoker_bed_pump(t);
    invoker_bed_pass(t, SEC(3));
    const struct message *put = invoker_bed_put(t, KEY_INVOKERS);
    assert_non_null(put);
    assert_int_equal(put->u.etcd.value.status, INVOKER_UP);
    assert_int_equal(put->u.etcd.value.a, 1024);
    const struct record *made = bed_record(t->bed, RECORD_CONTAINER_MADE, 0);
    assert_int_equal(made->action, ACTION_HEALTH_TEST);
    assert_int_equal(made->ns, NAMESPACE_SYSTEM);
    assert_int_equal(bed_record(t->bed, RECORD_CONTAINER_GONE, 0)->container, made->container);
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_MADE), 1);
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), 0);
    assert_int_equal(bed_record(t->bed, RECORD_RUN_STARTED, 0)->activation,
                     ACTIVATION_SYSTEM | ACTIVATION_ID(1, 0));
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 0);
    /* On GracefulShutdown, and again in the clean-up. */
    assert_int_equal(invoker_bed_deleted(t, KEY_EXISTING), 2);
    invoker_bed_free(t);
}

static void a_container_is_made_registered_and_acked(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 5);
    const struct record *made = bed_record(t->bed, RECORD_CONTAINER_MADE, 0);
    assert_int_equal(made->action, BED_HELLO);
    assert_int_equal(made->container, slot->proxy.container);
    const struct message *put = invoker_bed_put(t, KEY_EXISTING);
    assert_non_null(put);
    assert_int_equal(put->u.etcd.key.id, slot->proxy.container);
    assert_int_equal(put->u.etcd.key.node, BED_INVOKER0);
    assert_int_equal(put->u.etcd.value.kind, VALUE_EMPTY);
    const struct message *ack = bed_sent(t->bed, MSG_KAFKA_PRODUCE, 0);
    assert_int_equal(ack->u.produce.topic, TOPIC(TOPIC_CREATION_ACK, 0));
    assert_int_equal(ack->u.produce.entry.kind, ENTRY_CREATION_ACK);
    assert_int_equal(ack->u.produce.entry.u.creation.id, 5);
    assert_int_equal(ack->u.produce.entry.u.creation.error, CREATION_NONE);
    assert_int_equal(ack->u.produce.entry.u.creation.invoker, BED_INVOKER0);
    const struct record *answered = bed_record(t->bed, RECORD_CREATION_ANSWERED, 0);
    assert_int_equal(answered->creation, 5);
    assert_int_equal(answered->outcome, OUTCOME_OK);
    assert_int_equal(bed_record(t->bed, RECORD_CONTAINER_USED, 0)->creation, 5);
    const struct message *fetch = invoker_bed_fetch(t, slot);
    assert_int_equal(fetch->to, BED_SCHEDULER0);
    assert_int_equal(fetch->to_actor, ACTOR_MAIN_ID);
    assert_int_equal(fetch->u.fetch.alive, 1);
    assert_int_equal(fetch->u.fetch.warmed, 0);
    assert_int_equal(fetch->u.fetch.has_duration, 0);
    assert_int_equal(fetch->u.fetch.container, slot->proxy.container);
    invoker_bed_free(t);
}

static void expect_ack(const struct invoker_bed *t, uint32_t n, enum ack_kind kind,
                       enum response_status status, bool shrunk)
{
    const struct message *m = bed_sent(t->bed, MSG_KAFKA_PRODUCE, n);
    const struct ack *ack = &m->u.produce.entry.u.ack;
    assert_int_equal(m->u.produce.topic, TOPIC(TOPIC_COMPLETED, 1));
    assert_int_equal(m->u.produce.entry.kind, ENTRY_ACK);
    assert_int_equal(ack->kind, kind);
    assert_int_equal(ack->status, status);
    assert_int_equal(ack->instance, ACK_BY_INVOKER);
    assert_int_equal(ack->signer, BED_INVOKER0);
    assert_int_equal(ack->controller, BED_CONTROLLER1);
    assert_int_equal(ack->shrunk, shrunk);
    const struct record *r = bed_record(t->bed, RECORD_ACKED, n);
    assert_int_equal(r->activation, ack->id);
    assert_int_equal(r->detail, kind);
    assert_int_equal(r->value, status);
    assert_int_equal(r->peer, BED_CONTROLLER1);
}

static void a_blocking_activation_goes_from_fetch_to_record(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 5);
    struct activation activation = invoker_bed_activation(BED_HELLO, 9, true);
    invoker_bed_forget(t);
    invoker_bed_give(t, slot, &activation);
    const struct record *fetched = bed_record(t->bed, RECORD_FETCHED, 0);
    assert_int_equal(fetched->activation, activation.id);
    assert_int_equal(fetched->container, slot->proxy.container);
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_STARTED), 0);
    invoker_bed_pass(t, MSEC(200)); /* init */
    assert_int_equal(bed_record(t->bed, RECORD_RUN_STARTED, 0)->activation, activation.id);
    assert_int_equal(slot->proxy.state, PROXY_RUNNING);
    invoker_bed_pass(t, MSEC(100)); /* run: the result at once */
    assert_int_equal(bed_record(t->bed, RECORD_RUN_ENDED, 0)->value, MSEC(100));
    assert_int_equal(bed_sent_count(t->bed, MSG_KAFKA_PRODUCE), 1);
    assert_int_equal(bed_sent_count(t->bed, MSG_DATABASE_STORE), 0);
    expect_ack(t, 0, ACK_RESULT, RESPONSE_SUCCESS, false);
    invoker_bed_pass(t, LOG_COLLECTION); /* completion and record after the logs */
    expect_ack(t, 1, ACK_COMPLETION, RESPONSE_SUCCESS, false);
    assert_int_equal(bed_record(t->bed, RECORD_STORE_SENT, 0)->activation, activation.id);
    const struct message *store = bed_sent(t->bed, MSG_DATABASE_STORE, 0);
    assert_int_equal(store->u.store.end_at - store->u.store.start_at, MSEC(300));
    assert_int_equal(slot->proxy.running_count, 0);
    const struct message *fetch = invoker_bed_fetch(t, slot);
    assert_int_equal(fetch->u.fetch.has_duration, 1);
    assert_int_equal(fetch->u.fetch.duration_ms, 300);
    assert_int_equal(fetch->u.fetch.warmed, 1);
    invoker_bed_free(t);
}

static void the_next_activation_moves_no_state_and_needs_no_init(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 5, 9);
    struct activation activation = invoker_bed_activation(BED_HELLO, 10, false);
    activation.blocking = 0;
    invoker_bed_forget(t);
    invoker_bed_give(t, slot, &activation);
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_STARTED), 1);
    invoker_bed_pass(t, MSEC(100));
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 0);
    invoker_bed_pass(t, LOG_COLLECTION);
    expect_ack(t, 0, ACK_COMPLETION, RESPONSE_SUCCESS, true);
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 1);
    assert_int_equal(bed_record_count(t->bed, RECORD_STATE), 0);
    assert_int_equal(invoker_bed_fetch(t, slot)->u.fetch.duration_ms, 100);
    invoker_bed_free(t);
}

static void an_unused_container_is_paused_resumed_and_in_the_end_removed(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_paused(t, BED_HELLO, 5, 9);
    uint32_t container = slot->proxy.container;
    assert_int_equal(bed_record(t->bed, RECORD_CONTAINER_PAUSED, 0)->container, container);
    assert_non_null(invoker_bed_put(t, KEY_WARMED));
    assert_int_equal(invoker_bed_deleted(t, KEY_EXISTING), 1);
    invoker_bed_forget(t);
    invoker_bed_create(t, BED_HELLO, 6);
    assert_int_equal(slot->proxy.state, PROXY_RUNNING);
    assert_int_equal(invoker_bed_deleted(t, KEY_WARMED), 1);
    invoker_bed_pass(t, MSEC(100));
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_MADE), 0);
    const struct record *used = bed_record(t->bed, RECORD_CONTAINER_USED, 0);
    assert_int_equal(used->container, container);
    assert_int_equal(used->creation, 6);
    assert_non_null(invoker_bed_put(t, KEY_EXISTING));
    assert_int_equal(invoker_bed_fetches(t, slot, true), 1);
    invoker_bed_pass(t, SEC(10));
    invoker_bed_answer(t, slot, FETCHED_NOTHING);
    invoker_bed_pass(t, MSEC(100));
    t->live_count = 1; /* its own warmed key, seen by each of the three counts */
    invoker_bed_pass(t, MINUTES(10));
    assert_int_equal(bed_sent_count(t->bed, MSG_ETCD_RANGE), 3);
    invoker_bed_pass(t, SEC(1));
    assert_int_equal(invoker_bed_fetches(t, slot, false), 1);
    assert_int_equal(bed_record(t->bed, RECORD_CONTAINER_GONE, 0)->container, container);
    invoker_bed_free(t);
}

static void deliver_switch(struct invoker_bed *t, const char *path)
{
    bed_http(t->bed, HTTP_POST, path, bed_authorization("invoker.user", "invoker.pass"), NULL);
    invoker_bed_pump(t);
}

static uint32_t pool_count(struct invoker_bed *t)
{
    bed_http(t->bed, HTTP_GET, "/pool/count", bed_authorization("invoker.user", "invoker.pass"),
             NULL);
    invoker_bed_pump(t);
    uint32_t n = bed_record_count(t->bed, RECORD_COUNT_ANSWERED);
    assert_true(n > 0);
    return (uint32_t)bed_record(t->bed, RECORD_COUNT_ANSWERED, n - 1)->value;
}

static void disable_lets_the_busy_end_and_sends_the_others_away(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *paused = invoker_bed_paused(t, BED_WIDE, 1, 1);
    struct slot *busy = invoker_bed_running(t, BED_HELLO, 2, 2);
    struct slot *idle = invoker_bed_running(t, BED_FAILS, 3, 3);
    struct activation activation = invoker_bed_activation(BED_HELLO, 4, true);
    invoker_bed_give(t, busy, &activation);
    invoker_bed_forget(t);
    assert_int_equal(pool_count(t), 3);
    deliver_switch(t, "/disable");
    assert_int_equal(bed_record_count(t->bed, RECORD_NODE_DISABLED), 1);
    assert_int_equal(t->invoker->health.state, HEALTH_OFFLINE);
    assert_int_equal(paused->proxy.state, PROXY_REMOVING);
    assert_int_equal(pool_count(t), 2);
    /* busy, idle, and the paused one's clean-up, which had none left. */
    assert_int_equal(invoker_bed_deleted(t, KEY_EXISTING), 3);
    assert_int_equal(invoker_bed_deleted(t, KEY_WARMED), 1);
    invoker_bed_answer(t, paused, FETCHED_NOTHING); /* its farewell */
    assert_false(paused->proxy.alive);
    invoker_bed_answer(t, idle, FETCHED_NOTHING); /* the poll ends */
    assert_int_equal(invoker_bed_fetches(t, idle, false), 1);
    assert_int_equal(pool_count(t), 1);
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_ENDED), 0);
    invoker_bed_pass(t, MSEC(110)); /* the run ends, no further fetch but the farewell */
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 2);
    assert_int_equal(invoker_bed_fetches(t, busy, true), 0);
    assert_int_equal(invoker_bed_fetches(t, busy, false), 1);
    assert_int_equal(pool_count(t), 1);
    invoker_bed_answer(t, busy, FETCHED_NOTHING);
    assert_int_equal(pool_count(t), 0);
    assert_true(bed_record_count(t->bed, RECORD_CONTAINER_GONE) < 3); /* zero comes earlier */
    invoker_bed_pass(t, SEC(1));
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_GONE), 3);
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_CUT), 0);
    assert_int_equal(invoker_bed_put(t, KEY_INVOKERS)->u.etcd.value.status, INVOKER_DOWN);
    invoker_bed_free(t);
}

static void a_disabled_invoker_refuses_and_an_enabled_one_is_up_again(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    deliver_switch(t, "/disable");
    invoker_bed_create(t, BED_HELLO, 8);
    const struct message *ack = bed_sent(t->bed, MSG_KAFKA_PRODUCE, 0);
    assert_int_equal(ack->u.produce.entry.u.creation.error, CREATION_SHUTTING_DOWN);
    assert_int_equal(bed_record(t->bed, RECORD_CREATION_ANSWERED, 0)->detail,
                     CREATION_SHUTTING_DOWN);
    assert_int_equal(pool_count(t), 0);
    deliver_switch(t, "/enable");
    assert_int_equal(t->invoker->health.state, HEALTH_UNHEALTHY);
    invoker_bed_pass(t, SEC(3)); /* a test runs again */
    assert_int_equal(t->invoker->health.state, HEALTH_HEALTHY);
    assert_int_equal(invoker_bed_put(t, KEY_INVOKERS)->u.etcd.value.status, INVOKER_UP);
    invoker_bed_container(t, BED_HELLO, 9);
    invoker_bed_free(t);
}

static void a_new_incarnation_starts_empty_with_new_container_ids(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    uint32_t first = invoker_bed_running(t, BED_HELLO, 5, 9)->proxy.container;
    uint32_t ordinal = t->invoker->kept.container_ordinal;
    bed_crash(t->bed);
    invoker_bed_forget(t);
    invoker_bed_boot(t);
    assert_int_equal(pool_count(t), 0);
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 6);
    assert_int_equal(t->invoker->kept.container_ordinal, ordinal + 2); /* the test's, this */
    assert_int_not_equal(slot->proxy.container, first);
    invoker_bed_free(t);
}

static uint64_t digest_of(const struct invoker_bed *t)
{
    struct digest d = {0};
    t->bed->ops->digest(t->bed->machine, &d);
    return d.state;
}

static void the_digest_follows_the_state(void **state)
{
    (void)state;
    struct invoker_bed *one = invoker_bed_new(), *two = invoker_bed_new();
    assert_true(digest_of(one) == digest_of(two));
    struct slot *slot = invoker_bed_container(one, BED_HELLO, 5);
    assert_true(digest_of(one) != digest_of(two));
    invoker_bed_container(two, BED_HELLO, 5);
    assert_true(digest_of(one) == digest_of(two));
    struct activation activation = invoker_bed_activation(BED_HELLO, 9, true);
    invoker_bed_give(one, slot, &activation);
    assert_true(digest_of(one) != digest_of(two));
    invoker_bed_free(one);
    invoker_bed_free(two);
}

static void switches_of_the_configuration_are_on_or_off(void **state)
{
    (void)state;
    unsigned switches = 0;
    for (uint32_t i = 0; i < invoker_ops.config_field_count; i++) {
        const struct config_field *f = &invoker_ops.config_fields[i];
        assert_true(f->shipped >= f->min && f->shipped <= f->max);
        assert_true(f->ansible >= f->min && f->ansible <= f->max);
        if (f->unit != UNIT_BOOL)
            continue;
        assert_true(f->min == 0 && f->max == 1);
        switches++;
    }
    assert_int_equal(switches, 2);
    assert_int_equal(invoker_ops.config_field_count * sizeof(uint64_t),
                     invoker_ops.config_size);
}

static void states_and_posts_have_upstreams_names(void **state)
{
    (void)state;
    static const char *const proxies[] = {PROXY_STATE_LIST(NAMES_ENTRY)};
    static const char *const clients[] = {CLIENT_STATE_LIST(NAMES_ENTRY)};
    static const char *const healths[] = {HEALTH_STATE_LIST(NAMES_ENTRY)};
    for (unsigned i = 0; i < PROXY_STATE_COUNT; i++)
        assert_string_equal(fsm_state_name(FSM_PROXY, i), proxies[i]);
    for (unsigned i = 0; i < CLIENT_STATE_COUNT; i++)
        assert_string_equal(fsm_state_name(FSM_ACTIVATION_CLIENT, i), clients[i]);
    for (unsigned i = 0; i < HEALTH_STATE_COUNT; i++)
        assert_string_equal(fsm_state_name(FSM_HEALTH, i), healths[i]);
    assert_string_equal(invoker_ops.post_name(POST_CONTAINER_IS_PAUSED), "ContainerIsPaused");
    assert_string_equal(invoker_ops.post_name(POST_FEED_ITEM), "item");
    assert_string_equal(invoker_ops.post_name(60000), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_started_invoker_tests_itself_and_is_up),
        cmocka_unit_test(a_container_is_made_registered_and_acked),
        cmocka_unit_test(a_blocking_activation_goes_from_fetch_to_record),
        cmocka_unit_test(the_next_activation_moves_no_state_and_needs_no_init),
        cmocka_unit_test(an_unused_container_is_paused_resumed_and_in_the_end_removed),
        cmocka_unit_test(disable_lets_the_busy_end_and_sends_the_others_away),
        cmocka_unit_test(a_disabled_invoker_refuses_and_an_enabled_one_is_up_again),
        cmocka_unit_test(a_new_incarnation_starts_empty_with_new_container_ids),
        cmocka_unit_test(the_digest_follows_the_state),
        cmocka_unit_test(switches_of_the_configuration_are_on_or_off),
        cmocka_unit_test(states_and_posts_have_upstreams_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
