/*
 * test_controller_wait.c - the blocking wait, its database polls, and the time-outs.
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

/* The n-th read of the record went out so long after the wait began. */
static void expect_read(uint32_t n, duration after, tstamp since)
{
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), n + 1);
    assert_int_equal(bed_sent(bed, MSG_DATABASE_READ, n)->u.database.document, DOCUMENT_RECORD);
    assert_int_equal(bed_sent(bed, MSG_DATABASE_READ, n)->u.database.id, ID);
    assert_int_equal(bed->now - since, after);
}

static void without_a_result_the_call_ends_with_202_after_a_minute(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, true);
    bed_pass(bed, SEC(2)); /* the wait counts from the acknowledgement */
    answer_produced(bed, 0, true);
    bed_pass(bed, SEC(60) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    bed_pass(bed, 1);
    expect_answer(bed, ID, 202, ERROR_NONE);
    expect_count(bed, "1");
    /* a read was on its way: its answer comes too late */
    answer_record(bed, 0, DOCUMENT_FOUND, RESPONSE_SUCCESS);
    expect_answer(bed, ID, 202, ERROR_NONE);
}

static void the_slow_poll_asks_every_fifteen_seconds_after_each_answer(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    tstamp since = bed->now;
    bed_wake(bed);
    expect_read(0, SEC(15), since);
    bed_pass(bed, SEC(1));
    answer_record(bed, 0, DOCUMENT_MISSING, RESPONSE_SUCCESS);
    bed_wake(bed);
    expect_read(1, SEC(31), since);
    answer_record(bed, 1, DOCUMENT_FOUND, RESPONSE_WHISK_ERROR);
    expect_answer(bed, ID, 500, ERROR_NONE);
    assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 0)->u.invoke_reply.response,
                     RESPONSE_WHISK_ERROR);
    bed_pass(bed, SEC(60));
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 2);
}

static void an_ack_with_the_bare_id_starts_four_fast_polls(void **state)
{
    (void)state;
    static const duration at[] = {SEC(1), SEC(4), SEC(9), SEC(16)};
    invoke_published(bed, ID, BED_HELLO, true);
    tstamp since = bed->now;
    struct ack ack = an_ack(ID, ACK_COMBINED, RESPONSE_SUCCESS);
    ack.shrunk = 1;
    send_ack(bed, ack);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    for (uint32_t i = 0; i < 3; i++) {
        bed_wake(bed);
        expect_read(i, at[i], since);
        answer_record(bed, i, DOCUMENT_MISSING, RESPONSE_SUCCESS);
    }
    bed_wake(bed); /* the slow one, beside them */
    expect_read(3, SEC(15), since);
    bed_wake(bed);
    expect_read(4, at[3], since);
    answer_record(bed, 4, DOCUMENT_MISSING, RESPONSE_SUCCESS);
    answer_record(bed, 3, DOCUMENT_FOUND, RESPONSE_SUCCESS);
    expect_answer(bed, ID, 200, ERROR_NONE);
}

static void after_the_fourth_fast_poll_only_the_slow_one_goes_on(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    struct ack ack = an_ack(ID, ACK_RESULT, RESPONSE_SUCCESS);
    ack.shrunk = 1;
    send_ack(bed, ack);
    for (uint32_t i = 0; bed->now < TSTAMP_ORIGIN + SEC(59); i++) {
        bed_wake(bed);
        if (bed_sent_count(bed, MSG_DATABASE_READ) > i)
            answer_record(bed, i, DOCUMENT_MISSING, RESPONSE_SUCCESS);
    }
    bed_pass(bed, 0); /* whatever else is due at this instant */
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 4 + 3);
    expect_answer(bed, ID, 202, ERROR_NONE);
}

static void without_polling_a_bare_id_is_answered_202_at_once(void **state)
{
    (void)state;
    bed_config(bed, "whisk.controller.activation.polling-from-db", 0);
    invoke_published(bed, ID, BED_HELLO, true);
    struct ack ack = an_ack(ID, ACK_COMBINED, RESPONSE_SUCCESS);
    ack.shrunk = 1;
    send_ack(bed, ack);
    expect_answer(bed, ID, 202, ERROR_NONE);
    bed_pass(bed, SEC(70));
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 0);
}

static void a_bare_id_that_came_before_the_acknowledgement_counts_from_it(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, true);
    struct ack ack = an_ack(ID, ACK_COMBINED, RESPONSE_SUCCESS);
    ack.shrunk = 1;
    send_ack(bed, ack);
    bed_pass(bed, SEC(5));
    answer_produced(bed, 0, true);
    assert_int_equal(bed_next_in(bed), SEC(1));
}

static void a_poll_that_fails_ends_the_call_with_500(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    bed_wake(bed);
    answer_record(bed, 0, DOCUMENT_ERROR, RESPONSE_SUCCESS);
    expect_answer(bed, ID, 500, ERROR_SEND_FAILED);
    expect_count(bed, "1");
}

static void a_poll_that_is_refused_or_reset_ends_the_call_with_500(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    bed_wake(bed);
    struct message m = bed_reply(bed_sent(bed, MSG_DATABASE_READ, 0), MSG_REFUSED);
    m.u.refused.kind = MSG_DATABASE_READ;
    bed_deliver(bed, &m);
    expect_answer(bed, ID, 500, ERROR_SEND_FAILED);
    bed_forget(bed);
    activation_id second = ACTIVATION_ID(2, 0), third = ACTIVATION_ID(3, 0);
    invoke_published(bed, second, BED_HELLO, true);
    bed_wake(bed);
    bed_forget(bed);
    invoke_published(bed, third, BED_HELLO, true); /* has no read open */
    bed_forget(bed);
    bed_link(bed, BED_DATABASE, true);
    expect_answer(bed, second, 500, ERROR_SEND_FAILED);
}

static void the_server_answers_503_after_65_seconds(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, true);
    bed_pass(bed, SEC(6)); /* a slow Kafka: 60 s from here would be too late */
    answer_produced(bed, 0, true);
    bed_pass(bed, SEC(59));
    expect_answer(bed, ID, 503, ERROR_REQUEST_TIMEOUT);
    assert_int_equal(bed_record(bed, RECORD_ANSWERED, 0)->value, 503);
    expect_count(bed, "1");
    send_ack(bed, an_ack(ID, ACK_COMBINED, RESPONSE_SUCCESS));
    expect_answer(bed, ID, 503, ERROR_REQUEST_TIMEOUT);
    expect_count(bed, "0");
}

static void a_call_answered_503_before_its_action_was_read_still_goes_on(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_SLOW, false);
    bed_pass(bed, SEC(65));
    expect_answer(bed, ID, 503, ERROR_REQUEST_TIMEOUT);
    assert_int_equal(bed_record(bed, RECORD_REJECTED, 0)->value, 503);
    answer_action(bed, DOCUMENT_FOUND);
    answer_look_up(bed, 0, endpoints(BED_SCHEDULER0));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
    answer_produced(bed, 0, true);
    expect_answer(bed, ID, 503, ERROR_REQUEST_TIMEOUT);
    expect_count(bed, "1");
}

static void send_bare_id(enum ack_kind kind)
{
    struct ack ack = an_ack(ID, kind, RESPONSE_SUCCESS);
    ack.shrunk = 1;
    send_ack(bed, ack);
}

static void a_read_says_what_it_looks_for(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    send_bare_id(ACK_RESULT);
    bed_pass(bed, SEC(15));
    static const actor_id callers[] = {ACTOR(ACTOR_CALL, 1, 1), ACTOR(ACTOR_CALL, 0, 1)};
    for (uint32_t i = 0; i < 2; i++) {
        const struct message *m = bed_sent(bed, MSG_DATABASE_READ, i);
        assert_int_equal(m->to, BED_DATABASE);
        assert_int_equal(m->from_actor, callers[i]);
        assert_int_equal(m->corr, ID);
        assert_int_equal(m->u.database.id, ID);
        assert_int_equal(m->u.database.action, BED_HELLO);
        assert_int_equal(m->u.database.ns, BED_GUEST);
        assert_int_equal(m->u.database.document, DOCUMENT_RECORD);
        assert_int_equal(m->u.database.revision, 0);
    }
}

/* What says the same again later neither ends the call nor moves the next read. */
static void the_answer_to_a_read_counts_once(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    send_bare_id(ACK_RESULT);
    bed_pass(bed, SEC(1));
    answer_record(bed, 0, DOCUMENT_MISSING, RESPONSE_SUCCESS);
    bed_pass(bed, SEC(2));
    answer_record(bed, 0, DOCUMENT_FOUND, RESPONSE_SUCCESS);
    assert_int_equal(bed_next_in(bed), SEC(1));
    bed_pass(bed, SEC(1));
    answer_record(bed, 0, DOCUMENT_FOUND, RESPONSE_SUCCESS); /* of the read before */
    bed_pass(bed, SEC(11));
    answer_record(bed, 2, DOCUMENT_MISSING, RESPONSE_SUCCESS);
    bed_pass(bed, SEC(2));
    answer_record(bed, 2, DOCUMENT_FOUND, RESPONSE_SUCCESS);
    assert_int_equal(bed_next_in(bed), SEC(13));
    bed_pass(bed, SEC(13));
    answer_record(bed, 2, DOCUMENT_FOUND, RESPONSE_SUCCESS);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 4);
    answer_record(bed, 3, DOCUMENT_FOUND, RESPONSE_APPLICATION_ERROR);
    expect_answer(bed, ID, 502, ERROR_NONE);
    send_ack(bed, an_ack(ID, ACK_COMPLETION, RESPONSE_SUCCESS));
    answer_record(bed, 3, DOCUMENT_FOUND, RESPONSE_SUCCESS); /* it is gone altogether */
    expect_answer(bed, ID, 502, ERROR_NONE);
}

/* The fast and the slow: between two of them there is nothing to break. */
static void a_broken_database_ends_only_calls_with_a_read_under_way(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    bed_pass(bed, SEC(15));
    answer_record(bed, 0, DOCUMENT_MISSING, RESPONSE_SUCCESS);
    send_bare_id(ACK_RESULT);
    bed_pass(bed, SEC(1));
    answer_record(bed, 1, DOCUMENT_MISSING, RESPONSE_SUCCESS);
    bed_link(bed, BED_DATABASE, true);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    bed_pass(bed, SEC(3));
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 3); /* a fast one */
    bed_link(bed, BED_DATABASE, false);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    bed_link(bed, BED_SCHEDULER0, true);
    bed_link(bed, BED_ETCD, true);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    bed_link(bed, BED_DATABASE, true);
    expect_answer(bed, ID, 500, ERROR_SEND_FAILED);
}

static void the_servers_limit_is_to_the_nanosecond(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_SLOW, false);
    bed_pass(bed, SEC(65) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    bed_pass(bed, 1);
    expect_answer(bed, ID, 503, ERROR_REQUEST_TIMEOUT);
}

/* Nobody waits for it any more: neither a timer nor a read is left. */
static void a_result_ends_the_polling(void **state)
{
    (void)state;
    invoke_published(bed, ID, BED_HELLO, true);
    send_bare_id(ACK_RESULT);
    send_ack(bed, an_ack(ID, ACK_RESULT, RESPONSE_SUCCESS)); /* the promise was kept before */
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    bed_pass(bed, SEC(1));
    answer_record(bed, 0, DOCUMENT_FOUND, RESPONSE_SUCCESS);
    expect_answer(bed, ID, 200, ERROR_NONE);
    bed_forget(bed);
    bed_pass(bed, SEC(100));
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 0);
    assert_int_equal(bed->record_count, 0);
    expect_count(bed, "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_result_the_call_ends_with_202_after_a_minute),
        TEST(the_slow_poll_asks_every_fifteen_seconds_after_each_answer),
        TEST(an_ack_with_the_bare_id_starts_four_fast_polls),
        TEST(after_the_fourth_fast_poll_only_the_slow_one_goes_on),
        TEST(without_polling_a_bare_id_is_answered_202_at_once),
        TEST(a_bare_id_that_came_before_the_acknowledgement_counts_from_it),
        TEST(a_poll_that_fails_ends_the_call_with_500),
        TEST(a_poll_that_is_refused_or_reset_ends_the_call_with_500),
        TEST(the_server_answers_503_after_65_seconds),
        TEST(a_call_answered_503_before_its_action_was_read_still_goes_on),
        TEST(a_read_says_what_it_looks_for),
        TEST(the_answer_to_a_read_counts_once),
        TEST(a_broken_database_ends_only_calls_with_a_read_under_way),
        TEST(the_servers_limit_is_to_the_nanosecond),
        TEST(a_result_ends_the_polling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
