/*
 * test_controller_ack.c - acks, slots, and the completion that the controller forces.
 */
#include "support/controller_bed.h"

#define ID ACTIVATION_ID(1, 0)

static struct bed *bed;

static int begin(void **state)
{
    (void)state;
    bed = controller_bed_new();
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    controller_bed_ready(bed, BED_SLOW, BED_SCHEDULER0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

static void expect_ack_record(bool released, enum outcome outcome)
{
    assert_int_equal(bed_record_count(bed, RECORD_ACK_RECEIVED), 1);
    const struct record *r = bed_record(bed, RECORD_ACK_RECEIVED, 0);
    assert_int_equal(r->activation, ID);
    assert_int_equal(r->value, released);
    assert_int_equal(r->outcome, outcome);
}

static void a_combined_ack_releases_the_slot_and_answers(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    send_ack(bed, an_ack(ID, ACK_COMBINED, RESPONSE_SUCCESS));
    expect_ack_record(true, OUTCOME_OK);
    expect_answer(bed, ID, 200, ERROR_NONE);
    expect_count(bed, "0");
    assert_int_equal(bed_record(bed, RECORD_ANSWERED, 0)->cause,
                     bed_record(bed, RECORD_ACK_RECEIVED, 0)->seq);
}

static void a_result_answers_and_leaves_the_slot(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    send_ack(bed, an_ack(ID, ACK_RESULT, RESPONSE_SUCCESS));
    expect_ack_record(false, OUTCOME_OK);
    expect_answer(bed, ID, 200, ERROR_NONE);
    expect_count(bed, "1");
    send_ack(bed, an_ack(ID, ACK_COMPLETION, RESPONSE_SUCCESS));
    assert_int_equal(bed_record(bed, RECORD_ACK_RECEIVED, 1)->value, 1);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 1);
    expect_count(bed, "0");
}

static void a_completion_alone_releases_the_slot_and_leaves_the_caller_waiting(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    send_ack(bed, an_ack(ID, ACK_COMPLETION, RESPONSE_SUCCESS));
    expect_count(bed, "0");
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    bed_pass(bed, SEC(60));
    expect_answer(bed, ID, 202, ERROR_NONE);
}

static void statuses_are_mapped_as_upstream_does(void **state)
{
    (void)state;
    static const unsigned statuses[] = {200, 502, 502, 500};
    for (uint32_t i = 0; i < RESPONSE_COUNT; i++) {
        activation_id id = ACTIVATION_ID(10 + i, 0);
        bed_forget(bed);
        invoke_published(bed, id, BED_HELLO, true);
        struct ack ack = an_ack(id, ACK_COMBINED, (enum response_status)i);
        ack.error = i == RESPONSE_SUCCESS ? ERROR_NONE : ERROR_TIMED_OUT;
        send_ack(bed, ack);
        expect_answer(bed, id, statuses[i], (enum error_text)ack.error);
        assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 0)->u.invoke_reply.response, i);
        assert_int_equal(bed_record(bed, RECORD_ANSWERED, 0)->detail, i);
    }
}

static void a_non_blocking_call_has_its_202_and_no_second_answer(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, false);
    expect_answer(bed, ID, 202, ERROR_NONE);
    send_ack(bed, an_ack(ID, ACK_COMBINED, RESPONSE_WHISK_ERROR));
    expect_answer(bed, ID, 202, ERROR_NONE);
    expect_count(bed, "0");
    char text[64];
    assert_false(bed->ops->pending(bed->machine, text, sizeof text));
}

static void an_ack_may_come_before_kafka_says_that_it_has_the_message(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, true);
    send_ack(bed, an_ack(ID, ACK_COMBINED, RESPONSE_SUCCESS));
    expect_count(bed, "0");
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    answer_produced(bed, 0, true);
    expect_answer(bed, ID, 200, ERROR_NONE);
}

static void an_ack_without_slot_changes_nothing(void **state)
{
    (void)state;
    send_ack(bed, an_ack(ID, ACK_COMPLETION, RESPONSE_SUCCESS));
    expect_ack_record(false, OUTCOME_OK);
    expect_count(bed, "0");
}

static void an_ack_signed_by_a_scheduler_cannot_be_read_and_the_slot_stays(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    struct ack ack = an_ack(ID, ACK_COMBINED, RESPONSE_WHISK_ERROR);
    ack.instance = ACK_BY_SCHEDULER;
    ack.signer = BED_SCHEDULER0;
    send_ack(bed, ack);
    expect_ack_record(false, OUTCOME_FAILED);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    expect_count(bed, "1");
}

static void an_ack_signed_by_the_queues_placeholder_is_read(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    struct ack ack = an_ack(ID, ACK_COMBINED, RESPONSE_DEVELOPER_ERROR);
    ack.instance = ACK_BY_PLACEHOLDER;
    send_ack(bed, ack);
    expect_answer(bed, ID, 502, ERROR_NONE);
    expect_count(bed, "0");
}

static void each_item_is_told_to_the_feed_as_processed(void **state)
{
    (void)state;
    bed->posts_by_hand = true;
    struct ack ack = an_ack(ID, ACK_COMPLETION, RESPONSE_SUCCESS);
    send_ack(bed, ack);
    ack.instance = ACK_BY_SCHEDULER;
    send_ack(bed, ack);
    assert_int_equal(bed_posts(bed), 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(bed_post(bed, i)->what, POST_FEED_PROCESSED);
        assert_int_equal(bed_post(bed, i)->to_actor, ACTOR_FEED_ID(0));
    }
}

static void a_slot_without_ack_is_forced_after_three_minutes(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, false);
    bed_pass(bed, SEC(180) - 1);
    expect_count(bed, "1");
    assert_int_equal(bed_record_count(bed, RECORD_SLOT_FORCED), 0);
    bed_pass(bed, 1);
    assert_int_equal(bed_record(bed, RECORD_SLOT_FORCED, 0)->activation, ID);
    expect_count(bed, "0");
    bed_forget(bed);
    send_ack(bed, an_ack(ID, ACK_COMBINED, RESPONSE_SUCCESS));
    expect_ack_record(false, OUTCOME_OK); /* regularAfterForced */
}

static void an_action_of_five_minutes_is_forced_after_eleven(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_SLOW, false);
    bed_pass(bed, SEC(660) - 1);
    expect_count(bed, "1");
    bed_pass(bed, 1);
    expect_count(bed, "0");
}

static void a_forced_completion_does_not_answer_the_caller(void **state)
{
    (void)state;
    bed_config(bed, "whisk.loadbalancer.timeout-factor", 1);
    bed_config(bed, "whisk.controller.activation.max-wait-for-blocking-activation", SEC(200));
    bed_config(bed, "pekko.http.server.request-timeout", SEC(300));
    bed_config(bed, "whisk.controller.activation.polling-from-db", 0);
    invoke_published(bed, ID, BED_HELLO, true);
    bed_pass(bed, SEC(120));
    assert_int_equal(bed_record_count(bed, RECORD_SLOT_FORCED), 1);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    send_ack(bed, an_ack(ID, ACK_RESULT, RESPONSE_SUCCESS)); /* the promise is gone */
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    bed_pass(bed, SEC(80));
    expect_answer(bed, ID, 202, ERROR_NONE);
}

static void what_it_owes_is_said_in_words(void **state)
{
    (void)state;
    char text[64];
    assert_false(bed->ops->pending(bed->machine, text, sizeof text));
    send_invoke(bed, ID, BED_HELLO, true);
    assert_true(bed->ops->pending(bed->machine, text, sizeof text));
    assert_string_equal(text, "1 slots open");
    send_ack(bed, an_ack(ID, ACK_COMPLETION, RESPONSE_SUCCESS));
    assert_true(bed->ops->pending(bed->machine, text, sizeof text));
    assert_string_equal(text, "1 calls not answered");
}

static void a_restart_forgets_everything(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    bed_crash(bed);
    assert_int_equal(arena_blocks(bed->arena, BED_CONTROLLER0), 1); /* the machine itself */
    bed_start(bed);
    expect_count(bed, "0");
    send_ack(bed, an_ack(ID, ACK_COMBINED, RESPONSE_SUCCESS));
    assert_int_equal(bed_record(bed, RECORD_ACK_RECEIVED, 0)->value, 0);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
}

static void many_invocations_leave_nothing_behind(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 3; round++) {
        size_t blocks = arena_blocks(bed->arena, BED_CONTROLLER0);
        for (uint32_t i = 0; i < 1000; i++)
            invoke_published(bed, ACTIVATION_ID(round * 1000 + i + 1, 0), BED_HELLO, i % 2);
        for (uint32_t i = 0; i < 1000; i++)
            send_ack(bed, an_ack(ACTIVATION_ID(round * 1000 + i + 1, 0), ACK_COMBINED,
                                 RESPONSE_SUCCESS));
        assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 1000);
        if (round > 0)
            assert_int_equal(arena_blocks(bed->arena, BED_CONTROLLER0), blocks);
        bed_forget(bed);
    }
    expect_count(bed, "0");
}

/* A time limit below the standard one counts as that; the factor is for what is over it. */
static void a_slot_is_given_up_after_twice_the_longer_limit_and_a_minute(void **state)
{
    (void)state;
    static const struct {
        duration limit, standard, given_up;
    } cases[] = {{SEC(60), SEC(100), SEC(260)},
                 {SEC(99), SEC(100), SEC(260)},
                 {SEC(101), SEC(100), SEC(262)},
                 {MSEC(100), SEC(60), SEC(180)}};
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bed->actions[BED_HELLO].timeout = cases[i].limit;
        bed_config(bed, "whisk.time-limit.std", cases[i].standard);
        invoke_published(bed, ACTIVATION_ID(i + 1, 0), BED_HELLO, false);
        bed_pass(bed, cases[i].given_up - 1);
        expect_count(bed, "1");
        bed_pass(bed, 1);
        expect_count(bed, "0");
    }
}

static void acks_and_forced_ends_are_recorded_in_full(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, false);
    bed_forget(bed);
    struct ack ack = an_ack(ID, ACK_RESULT, RESPONSE_SUCCESS);
    ack.action = BED_HELLO;
    ack.ns = BED_GUEST;
    send_ack(bed, ack);
    const struct record *r = bed_record(bed, RECORD_ACK_RECEIVED, 0);
    assert_int_equal(r->action, BED_HELLO);
    assert_int_equal(r->ns, BED_GUEST);
    assert_int_equal(r->peer, BED_INVOKER0);
    assert_int_equal(r->detail, ACK_RESULT);
    assert_int_equal(r->value, 0);
    bed_pass(bed, SEC(180));
    r = bed_record(bed, RECORD_SLOT_FORCED, 0);
    assert_int_equal(r->activation, ID);
    assert_int_equal(r->action, BED_HELLO);
    assert_int_equal(r->ns, BED_GUEST);
    assert_int_equal(bed->record_count, 2);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
}

/* Of two, each ends by itself. */
static void a_second_completion_releases_nothing(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 2; i++)
        invoke_published(bed, ACTIVATION_ID(i, 0), BED_HELLO, true);
    bed_forget(bed);
    for (uint32_t i = 0; i < 2; i++)
        send_ack(bed, an_ack(ID, ACK_COMPLETION, RESPONSE_SUCCESS));
    assert_int_equal(bed_record(bed, RECORD_ACK_RECEIVED, 0)->value, 1);
    assert_int_equal(bed_record(bed, RECORD_ACK_RECEIVED, 1)->value, 0);
    expect_count(bed, "1");
    send_ack(bed, an_ack(ID, ACK_COMBINED, RESPONSE_SUCCESS));
    assert_int_equal(bed_record(bed, RECORD_ACK_RECEIVED, 2)->value, 0);
    expect_answer(bed, ID, 200, ERROR_NONE);
    expect_count(bed, "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_combined_ack_releases_the_slot_and_answers),
        TEST(a_result_answers_and_leaves_the_slot),
        TEST(a_completion_alone_releases_the_slot_and_leaves_the_caller_waiting),
        TEST(statuses_are_mapped_as_upstream_does),
        TEST(a_non_blocking_call_has_its_202_and_no_second_answer),
        TEST(an_ack_may_come_before_kafka_says_that_it_has_the_message),
        TEST(an_ack_without_slot_changes_nothing),
        TEST(an_ack_signed_by_a_scheduler_cannot_be_read_and_the_slot_stays),
        TEST(an_ack_signed_by_the_queues_placeholder_is_read),
        TEST(each_item_is_told_to_the_feed_as_processed),
        TEST(a_slot_without_ack_is_forced_after_three_minutes),
        TEST(an_action_of_five_minutes_is_forced_after_eleven),
        TEST(a_forced_completion_does_not_answer_the_caller),
        TEST(what_it_owes_is_said_in_words),
        TEST(a_restart_forgets_everything),
        TEST(many_invocations_leave_nothing_behind),
        TEST(a_slot_is_given_up_after_twice_the_longer_limit_and_a_minute),
        TEST(acks_and_forced_ends_are_recorded_in_full),
        TEST(a_second_completion_releases_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
