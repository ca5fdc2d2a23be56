/*
 * test_invoker_frozen.c - a container is paused though an activation runs in it, which takes an
 * action concurrency above 1: the run stands still, its time-out does not.
 */
#include "support/invoker_bed.h"

/* Paused with activation 1 in it, which has run for some 10 s of `length`. */
static struct slot *frozen(struct invoker_bed *t, duration length)
{
    struct action_info *wide = &t->bed->actions[BED_WIDE];
    struct slot *slot = invoker_bed_container(t, BED_WIDE, 1);
    struct activation activation = invoker_bed_activation(BED_WIDE, 1, true);
    wide->run_a = length;
    invoker_bed_give(t, slot, &activation);
    invoker_bed_pass(t, MSEC(50));
    wide->run_a = MSEC(100);
    activation.id = ACTIVATION_ID(2, 0);
    invoker_bed_give(t, slot, &activation);
    invoker_bed_pass(t, SEC(10) + MSEC(200));
    assert_int_equal(slot->proxy.running_count, 1);
    invoker_bed_forget(t);
    invoker_bed_answer(t, slot, FETCHED_NOTHING);
    invoker_bed_pass(t, MSEC(100));
    assert_int_equal(slot->proxy.state, PROXY_PAUSED);
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_PAUSED), 1);
    return slot;
}

static void a_run_in_a_paused_container_ends_with_its_time_limit(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = frozen(t, SEC(15));
    invoker_bed_pass(t, SEC(40));
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_ENDED), 0);
    invoker_bed_pass(t, SEC(20));
    const struct record *ended = bed_record(t->bed, RECORD_RUN_ENDED, 0);
    assert_int_equal(ended->activation, ACTIVATION_ID(1, 0));
    assert_int_equal(ended->detail, RESPONSE_DEVELOPER_ERROR);
    assert_int_equal(ended->value, SEC(60));
    const struct ack *ack = &bed_sent(t->bed, MSG_KAFKA_PRODUCE, 0)->u.produce.entry.u.ack;
    assert_int_equal(ack->error, ERROR_TIMED_OUT);
    assert_int_equal(slot->proxy.state, PROXY_PAUSED); /* the failure is kept back */
    invoker_bed_free(t);
}

static void a_resumed_run_does_what_was_left(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = frozen(t, SEC(15));
    invoker_bed_pass(t, SEC(20));
    invoker_bed_create(t, BED_WIDE, 2);
    assert_int_equal(slot->proxy.state, PROXY_RUNNING);
    invoker_bed_pass(t, SEC(4));
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_ENDED), 0);
    invoker_bed_pass(t, SEC(2));
    const struct record *ended = bed_record(t->bed, RECORD_RUN_ENDED, 0);
    assert_int_equal(ended->detail, RESPONSE_SUCCESS);
    assert_true(ended->value > SEC(34) && ended->value < SEC(36));
    invoker_bed_free(t);
}

static void a_run_that_was_resumed_too_late_times_out(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    (void)frozen(t, SEC(30));
    invoker_bed_pass(t, SEC(35));
    invoker_bed_create(t, BED_WIDE, 2);
    invoker_bed_pass(t, SEC(20));
    const struct record *ended = bed_record(t->bed, RECORD_RUN_ENDED, 0);
    assert_int_equal(ended->detail, RESPONSE_DEVELOPER_ERROR);
    assert_int_equal(ended->value, SEC(60));
    invoker_bed_free(t);
}

/* A "no activation" was kept back while pausing: resumed, the container is paused at once, and
 * docker does one after the other. The creation is acked by the resume all the same. */
static void a_container_that_is_paused_while_it_resumes_has_served_its_creation(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = frozen(t, SEC(15));
    struct message retry = invoker_bed_post(t, slot_actor(slot, ACTOR_ACTIVATION_CLIENT),
                                            slot_actor(slot, ACTOR_PROXY), POST_RETRY_REQUEST);
    bed_deliver(t->bed, &retry); /* of another poll */
    invoker_bed_forget(t);
    invoker_bed_create(t, BED_WIDE, 2);
    assert_int_equal(slot->proxy.state, PROXY_PAUSING);
    assert_true(slot->proxy.operation.at > slot->proxy.resume.at);
    invoker_bed_pass(t, MSEC(200));
    assert_int_equal(slot->proxy.state, PROXY_PAUSED);
    assert_int_equal(bed_record(t->bed, RECORD_CREATION_ANSWERED, 0)->detail, CREATION_NONE);
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_USED), 1);
    const struct pool_chain *lists = t->invoker->pool.lists;
    assert_int_equal(lists[POOL_IN_PROGRESS].count, 0);
    assert_int_equal(lists[POOL_BUSY].count, 0);
    assert_int_equal(lists[POOL_WARMED].count, 1);
    assert_true(timer_is_armed(&slot->proxy.unused)); /* which ends it early */
    invoker_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_in_a_paused_container_ends_with_its_time_limit),
        cmocka_unit_test(a_resumed_run_does_what_was_left),
        cmocka_unit_test(a_run_that_was_resumed_too_late_times_out),
        cmocka_unit_test(a_container_that_is_paused_while_it_resumes_has_served_its_creation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
