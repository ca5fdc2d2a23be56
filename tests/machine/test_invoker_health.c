/*
 * test_invoker_health.c - the health manager, row by row, with its test container.
 */
#include "support/invoker_bed.h"

static void post(struct invoker_bed *t, unsigned what)
{
    struct message m = invoker_bed_post(t, ACTOR_MAIN_ID, ACTOR_HEALTH_ID, what);
    bed_deliver(t->bed, &m);
    if (!t->bed->posts_by_hand)
        invoker_bed_pump(t);
}

static void result(struct invoker_bed *t, bool is_good)
{
    struct message m =
        invoker_bed_post(t, ACTOR(ACTOR_CALLBACK, 0, 0), ACTOR_HEALTH_ID, POST_HEALTH_MESSAGE);
    MESSAGE_LOCAL(&m, struct post_health)->good = is_good;
    bed_deliver(t->bed, &m);
}

/* Nothing but the health manager's own turns; its posts are kept. */
static struct invoker_bed *held(void)
{
    struct invoker_bed *t = invoker_bed_new();
    t->bed->posts_by_hand = true;
    return t;
}

static void drop_posts(struct invoker_bed *t)
{
    t->bed->post_first = t->bed->post_count = 0;
}

static void expect_published(struct invoker_bed *t, enum invoker_status status)
{
    assert_true(bed_posts(t->bed) > 0);
    const struct message *m = bed_post(t->bed, bed_posts(t->bed) - 1);
    assert_int_equal(m->what, POST_UPDATE_ON_CHANGE);
    const struct post_data *data = MESSAGE_LOCAL_CONST(m, struct post_data);
    assert_int_equal(data->key.family, KEY_INVOKERS);
    assert_int_equal(data->key.node, BED_INVOKER0);
    assert_int_equal(data->value.kind, VALUE_INVOKER);
    assert_int_equal(data->value.status, status);
}

static void its_labels_are_published_with_it(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_cold();
    t->bed->nodes[BED_INVOKER0].labels = 2;
    t->bed->posts_by_hand = true;
    bed_start(t->bed);
    drop_posts(t);
    post(t, POST_ENABLE);
    expect_published(t, INVOKER_UNHEALTHY);
    const struct message *m = bed_post(t->bed, bed_posts(t->bed) - 1);
    assert_int_equal(MESSAGE_LOCAL_CONST(m, struct post_data)->value.node, 2);
    invoker_bed_free(t);
}

static void the_first_result_makes_it_healthy_even_a_bad_one(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_cold();
    t->bed->posts_by_hand = true;
    bed_start(t->bed);
    drop_posts(t);
    post(t, POST_ENABLE);
    assert_int_equal(t->invoker->health.state, HEALTH_UNHEALTHY);
    expect_published(t, INVOKER_UNHEALTHY);
    drop_posts(t);
    result(t, false);
    assert_int_equal(t->invoker->health.state, HEALTH_HEALTHY);
    expect_published(t, INVOKER_UP);
    const struct record *r = bed_record(t->bed, RECORD_STATE, 1);
    assert_int_equal(r->detail, FSM_HEALTH);
    assert_int_equal(r->value, HEALTH_UNHEALTHY);
    assert_int_equal(r->value2, HEALTH_HEALTHY);
    invoker_bed_free(t);
}

static void three_bad_ones_of_ten_make_it_unhealthy_and_start_a_test(void **state)
{
    (void)state;
    struct invoker_bed *t = held();
    result(t, false);
    result(t, false);
    assert_int_equal(t->invoker->health.state, HEALTH_HEALTHY);
    assert_int_equal(bed_posts(t->bed), 0); /* no transition, nothing published */
    result(t, false);
    assert_int_equal(t->invoker->health.state, HEALTH_UNHEALTHY);
    assert_int_equal(bed_post(t->bed, 0)->what, POST_TEST_START);
    expect_published(t, INVOKER_UNHEALTHY);
    for (unsigned i = 0; i < 7; i++)
        result(t, true);
    assert_int_equal(t->invoker->health.state, HEALTH_UNHEALTHY);
    drop_posts(t);
    result(t, true); /* pushes a bad one out */
    assert_int_equal(t->invoker->health.state, HEALTH_HEALTHY);
    expect_published(t, INVOKER_UP);
    invoker_bed_free(t);
}

static void memory_is_published_in_every_state(void **state)
{
    (void)state;
    struct invoker_bed *t = held();
    struct message m = invoker_bed_post(t, ACTOR_POOL_ID, ACTOR_HEALTH_ID, POST_MEMORY_INFO);
    *MESSAGE_LOCAL(&m, struct post_memory) =
        (struct post_memory){.free_mb = 512, .busy_mb = 256, .in_progress_mb = 128};
    bed_deliver(t->bed, &m);
    expect_published(t, INVOKER_UP);
    const struct value *value =
        &MESSAGE_LOCAL_CONST(bed_post(t->bed, 0), struct post_data)->value;
    assert_int_equal(value->a, 512);
    assert_int_equal(value->b, 256);
    assert_int_equal(value->c, 128);
    post(t, POST_GRACEFUL_SHUTDOWN);
    drop_posts(t);
    bed_deliver(t->bed, &m);
    expect_published(t, INVOKER_DOWN);
    invoker_bed_free(t);
}

static void shutdown_makes_it_offline_and_deaf_to_results(void **state)
{
    (void)state;
    struct invoker_bed *t = held();
    post(t, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(t->invoker->health.state, HEALTH_OFFLINE);
    assert_int_equal(bed_post(t->bed, 0)->what, POST_GRACEFUL_SHUTDOWN); /* to itself */
    expect_published(t, INVOKER_DOWN);
    drop_posts(t);
    invoker_bed_forget(t);
    post(t, POST_GRACEFUL_SHUTDOWN);
    for (unsigned i = 0; i < 7; i++)
        result(t, true);
    assert_int_equal(t->invoker->health.state, HEALTH_OFFLINE);
    assert_int_equal(bed_posts(t->bed), 0);
    assert_int_equal(t->bed->record_count, 0);
    invoker_bed_free(t);
}

static void enable_when_it_is_up_is_dropped(void **state)
{
    (void)state;
    struct invoker_bed *t = held();
    post(t, POST_ENABLE);
    assert_int_equal(t->invoker->health.state, HEALTH_HEALTHY);
    assert_int_equal(bed_posts(t->bed), 0);
    assert_int_equal(bed_sent_count(t->bed, MSG_DATABASE_READ), 0);
    invoker_bed_free(t);
}

static void the_buffer_outlives_disable_and_enable(void **state)
{
    (void)state;
    struct invoker_bed *t = held();
    for (unsigned i = 0; i < 3; i++)
        result(t, false);
    drop_posts(t);
    post(t, POST_GRACEFUL_SHUTDOWN);
    drop_posts(t);
    post(t, POST_ENABLE);
    result(t, true); /* still three bad ones */
    assert_int_equal(t->invoker->health.state, HEALTH_UNHEALTHY);
    invoker_bed_free(t);
}

static void a_failure_message_makes_a_healthy_one_unhealthy(void **state)
{
    (void)state;
    struct invoker_bed *t = held();
    post(t, POST_FAILURE);
    assert_int_equal(t->invoker->health.state, HEALTH_UNHEALTHY);
    post(t, POST_FAILURE);
    assert_int_equal(t->invoker->health.state, HEALTH_UNHEALTHY);
    post(t, POST_CREATION_FAILED);
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), 0);
    invoker_bed_free(t);
}

static void a_test_container_that_ends_is_followed_by_another_while_unhealthy(void **state)
{
    (void)state;
    struct invoker_bed *t = held();
    post(t, POST_CONTAINER_REMOVED);
    assert_int_equal(bed_posts(t->bed), 0); /* Healthy: only forgotten */
    for (unsigned i = 0; i < 3; i++)
        result(t, false);
    drop_posts(t);
    post(t, POST_CONTAINER_REMOVED);
    assert_int_equal(bed_posts(t->bed), 1);
    assert_int_equal(bed_post(t->bed, 0)->what, POST_TEST_START);
    bed_post_next(t->bed); /* the read's callback: a container of its own */
    assert_int_equal(bed_post(t->bed, 0)->what, POST_INITIALIZE);
    assert_int_equal(bed_post(t->bed, 0)->to_actor, t->invoker->health.proxy);
    const struct slot *slot = invoker_slot_find(t->invoker, t->invoker->health.proxy);
    assert_true(slot->is_test);
    invoker_bed_free(t);
}

static void a_document_that_cannot_be_written_means_no_test_and_no_retry(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_cold();
    t->document = DOCUMENT_ERROR;
    bed_start(t->bed);
    invoker_bed_pump(t);
    invoker_bed_pass(t, MINUTES(2));
    assert_int_equal(t->invoker->health.state, HEALTH_UNHEALTHY);
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_MADE), 0);
    assert_int_equal(bed_sent_count(t->bed, MSG_DATABASE_READ), 1);
    invoker_bed_free(t);
}

static void disabled_while_unhealthy_it_goes_on_testing(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    for (unsigned i = 0; i < 10; i++) /* none of the good ones is left */
        result(t, false);
    actor_id proxy = t->invoker->health.proxy;
    assert_int_not_equal(proxy, 0);
    const struct slot *slot = invoker_slot_find(t->invoker, proxy);
    while (slot->proxy.state != PROXY_RUNNING)
        bed_wake(t->bed);
    post(t, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(t->invoker->health.state, HEALTH_OFFLINE);
    assert_int_equal(t->invoker->health.proxy, proxy); /* not told */
    invoker_bed_forget(t);
    invoker_bed_pass(t, SEC(1));
    assert_true(bed_record_count(t->bed, RECORD_RUN_STARTED) > 50);
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 0);
    post(t, POST_ENABLE); /* a second Initialize, which it keeps back */
    assert_int_equal(t->invoker->health.proxy, proxy);
    invoker_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_labels_are_published_with_it),
        cmocka_unit_test(the_first_result_makes_it_healthy_even_a_bad_one),
        cmocka_unit_test(three_bad_ones_of_ten_make_it_unhealthy_and_start_a_test),
        cmocka_unit_test(memory_is_published_in_every_state),
        cmocka_unit_test(shutdown_makes_it_offline_and_deaf_to_results),
        cmocka_unit_test(enable_when_it_is_up_is_dropped),
        cmocka_unit_test(the_buffer_outlives_disable_and_enable),
        cmocka_unit_test(a_failure_message_makes_a_healthy_one_unhealthy),
        cmocka_unit_test(a_test_container_that_ends_is_followed_by_another_while_unhealthy),
        cmocka_unit_test(a_document_that_cannot_be_written_means_no_test_and_no_retry),
        cmocka_unit_test(disabled_while_unhealthy_it_goes_on_testing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
