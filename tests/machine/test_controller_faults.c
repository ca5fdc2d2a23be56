/*
 * test_controller_faults.c - a controller whose Kafka or etcd is gone.
 */
#include "support/controller_bed.h"

#define ID ACTIVATION_ID(1, 0)

static struct bed *bed;

static int begin(void **state)
{
    (void)state;
    bed = controller_bed_new();
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

static void refuse_send(uint32_t n)
{
    struct message m = bed_reply(bed_sent(bed, MSG_KAFKA_PRODUCE, n), MSG_REFUSED);
    m.u.refused.kind = MSG_KAFKA_PRODUCE;
    bed_deliver(bed, &m);
}

static void a_refused_send_is_repeated_until_the_broker_is_there(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, false);
    refuse_send(0);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 2);
    refuse_send(1);
    bed_pass(bed, SEC(1));
    answer_produced(bed, 2, true);
    expect_answer(bed, ID, 202, ERROR_NONE);
    bed_pass(bed, SEC(10));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 3);
}

static void a_reset_connection_sends_again_what_was_not_acknowledged_in_order(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 3; i++)
        send_invoke(bed, ACTIVATION_ID(i, 0), BED_HELLO, false);
    answer_produced(bed, 1, true);
    bed_link(bed, BED_KAFKA, true);
    answer_produced(bed, 0, true); /* came too late: the connection is gone */
    bed_forget(bed);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 2);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->corr, ACTIVATION_ID(1, 0));
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 1)->corr, ACTIVATION_ID(3, 0));
}

static void an_unreachable_broker_fails_the_send_after_two_minutes(void **state)
{
    (void)state;
    bed_config(bed, "pekko.http.server.request-timeout", SEC(300));
    send_invoke(bed, ID, BED_HELLO, true);
    bed_link(bed, BED_KAFKA, true);
    bed_pass(bed, SEC(120) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    bed_pass(bed, 1);
    expect_answer(bed, ID, 500, ERROR_SEND_FAILED);
    expect_count(bed, "1"); /* the slot stays until it is forced */
    bed_pass(bed, SEC(60));
    assert_int_equal(bed_record_count(bed, RECORD_SLOT_FORCED), 1);
    expect_count(bed, "0");
    expect_forgotten(bed, ID);
}

static void with_the_servers_own_limit_the_caller_gets_503_first(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, false);
    bed_link(bed, BED_KAFKA, true);
    bed_pass(bed, SEC(130));
    expect_answer(bed, ID, 503, ERROR_REQUEST_TIMEOUT);
    expect_count(bed, "1");
}

static void without_metadata_of_the_topic_a_send_fails_after_one_minute(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {3, 1};
    bed_free(bed);
    bed = controller_bed_cold();
    controller_bed_schedulers(bed, 2, sizes); /* its warm-ups are not answered */
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    struct key leader = bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0);
    send_watch_event(bed, leader, endpoints(BED_SCHEDULER1), false);
    send_invoke(bed, ID, BED_HELLO, false);
    bed_pass(bed, SEC(60));
    expect_answer(bed, ID, 500, ERROR_SEND_FAILED);
    expect_count(bed, "1");
    /* the producer was made anew: it has forgotten the other topic as well */
    bed_forget(bed);
    send_watch_event(bed, leader, endpoints(BED_SCHEDULER0), false);
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    bed_pass(bed, SEC(60));
    expect_answer(bed, ACTIVATION_ID(2, 0), 500, ERROR_SEND_FAILED);
}

static void a_send_without_answer_is_repeated_after_thirty_seconds(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, false);
    bed_pass(bed, SEC(30));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 2);
    answer_produced(bed, 1, true);
    expect_answer(bed, ID, 202, ERROR_NONE);
    answer_produced(bed, 0, true); /* of the request that was given up */
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 1);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 0);
}

static void a_read_of_an_action_without_answer_is_repeated_by_later_calls(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_SLOW, false);
    bed_pass(bed, SEC(59));
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_SLOW, false);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 1);
    bed_pass(bed, SEC(1));
    send_invoke(bed, ACTIVATION_ID(3, 0), BED_SLOW, false);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 2);
    answer_action(bed, DOCUMENT_FOUND); /* of the first: nobody listens */
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 0);
}

static void an_error_of_the_broker_is_tried_four_times(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, false);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), i + 1);
        answer_produced(bed, i, false);
        if (i < 3)
            bed_pass(bed, MSEC(100));
    }
    expect_answer(bed, ID, 500, ERROR_SEND_FAILED);
    bed_pass(bed, SEC(5));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 4);
}

static void a_broken_watch_is_made_anew_when_etcd_is_back(void **state)
{
    (void)state;
    bed_link(bed, BED_ETCD, true);
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CREATE), 0);
    bed_link(bed, BED_ETCD, false);
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CREATE), 1);
    /* meanwhile it works with what it knew */
    send_invoke(bed, ID, BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
}

static void broken_look_ups_are_repeated_once_and_then_fail(void **state)
{
    (void)state;
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0),
                     endpoints(BED_SCHEDULER0), true);
    for (uint32_t i = 1; i <= 3; i++)
        send_invoke(bed, ACTIVATION_ID(i, 0), BED_HELLO, false);
    bed_forget(bed);
    bed_link(bed, BED_ETCD, true);
    /* one at once, the others after half a second to a second */
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 1);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 3);
    for (uint32_t i = 0; i < 3; i++) {
        struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, i), MSG_REFUSED);
        m.u.refused.kind = MSG_ETCD_RANGE;
        bed_deliver(bed, &m);
    }
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, i)->u.invoke_reply.status, 503);
    expect_count(bed, "0");
    expect_forgotten(bed, ACTIVATION_ID(2, 0));
}

static void an_etcd_that_answers_unavailable_is_asked_again(void **state)
{
    (void)state;
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0),
                     endpoints(BED_SCHEDULER0), true);
    send_invoke(bed, ID, BED_HELLO, false);
    struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    m.u.etcd_done.status = ETCD_UNAVAILABLE;
    bed_deliver(bed, &m);
    answer_look_up(bed, 1, endpoints(BED_SCHEDULER1));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
}

static void digests_differ_when_the_state_does(void **state)
{
    (void)state;
    struct digest before = {0}, same = {0}, after = {0};
    bed->ops->digest(bed->machine, &before);
    bed->ops->digest(bed->machine, &same);
    send_invoke(bed, ID, BED_HELLO, false);
    bed->ops->digest(bed->machine, &after);
    assert_true(before.state == same.state);
    assert_true(before.state != after.state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_refused_send_is_repeated_until_the_broker_is_there),
        TEST(a_reset_connection_sends_again_what_was_not_acknowledged_in_order),
        TEST(an_unreachable_broker_fails_the_send_after_two_minutes),
        TEST(with_the_servers_own_limit_the_caller_gets_503_first),
        TEST(without_metadata_of_the_topic_a_send_fails_after_one_minute),
        TEST(a_send_without_answer_is_repeated_after_thirty_seconds),
        TEST(a_read_of_an_action_without_answer_is_repeated_by_later_calls),
        TEST(an_error_of_the_broker_is_tried_four_times),
        TEST(a_broken_watch_is_made_anew_when_etcd_is_back),
        TEST(broken_look_ups_are_repeated_once_and_then_fail),
        TEST(an_etcd_that_answers_unavailable_is_asked_again),
        TEST(digests_differ_when_the_state_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
