/*
 * test_client.c - arrivals of each kind, and that each request ends exactly once.
 */
#include "support/bed.h"
#include "client/client.h"

static struct bed *bed_of_client(const struct load_entry *entries, uint32_t count)
{
    struct client_config config = {
        .entries = entries, .entry_count = count, .patience = SEC(90)};
    return bed_new(&client_ops, BED_CLIENT, &config);
}

static struct load_entry every(duration interval, duration length)
{
    return (struct load_entry){.action = BED_HELLO,
                               .arrivals = ARRIVALS_EVERY,
                               .blocking = 1,
                               .from = TSTAMP_ORIGIN + SEC(1),
                               .length = length,
                               .interval = interval};
}

static void answer(struct bed *bed, uint32_t n, uint16_t status, enum response_status response,
                   enum error_text error)
{
    const struct message *request = bed_sent(bed, MSG_INVOKE, n);
    struct message m = bed_reply(request, MSG_INVOKE_REPLY);
    m.u.invoke_reply.id = request->u.invoke.id;
    m.u.invoke_reply.status = status;
    m.u.invoke_reply.response = (uint8_t)response;
    m.u.invoke_reply.error = (uint8_t)error;
    bed_deliver(bed, &m);
}

static void expect_done(struct bed *bed, uint32_t n, activation_id id, uint64_t status,
                        enum outcome outcome)
{
    const struct record *r = bed_record(bed, RECORD_REQUEST_DONE, n);
    assert_int_equal(r->activation, id);
    assert_int_equal(r->value, status);
    assert_int_equal(r->outcome, outcome);
}

static void requests_come_at_their_interval_until_the_end(void **state)
{
    (void)state;
    struct load_entry entry = every(MSEC(250), SEC(1));
    struct bed *bed = bed_of_client(&entry, 1);
    bed_start(bed);
    bed_pass(bed, SEC(1) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 0);
    bed_pass(bed, SEC(10));
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 4);
    const struct message *m = bed_sent(bed, MSG_INVOKE, 3);
    assert_int_equal(m->to, BED_EDGE);
    assert_int_equal(m->u.invoke.id, ACTIVATION_ID(REQUEST_ID(0, 4), 0));
    assert_int_equal(m->u.invoke.sent_at, TSTAMP_ORIGIN + SEC(1) + MSEC(750));
    assert_int_equal(m->u.invoke.blocking, 1);
    const struct record *r = bed_record(bed, RECORD_REQUEST_SENT, 3);
    assert_int_equal(r->action, BED_HELLO);
    assert_int_equal(r->ns, BED_GUEST);
    assert_int_equal(r->value, 1);
    bed_free(bed);
}

static void bursts_send_several_at_once(void **state)
{
    (void)state;
    struct load_entry entry = every(SEC(2), SEC(5));
    entry.arrivals = ARRIVALS_BURSTS;
    entry.burst_count = 10;
    entry.request_max = 25;
    struct bed *bed = bed_of_client(&entry, 1);
    bed_start(bed);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 10);
    bed_pass(bed, SEC(100));
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 25);
    bed_free(bed);
}

static void poisson_arrivals_keep_their_mean_and_do_not_depend_on_other_entries(void **state)
{
    (void)state;
    struct load_entry entries[2] = {every(MSEC(20), SEC(200)), every(MSEC(20), SEC(200))};
    entries[0].arrivals = entries[1].arrivals = ARRIVALS_POISSON;
    struct bed *alone = bed_of_client(&entries[0], 1), *both = bed_of_client(entries, 2);
    bed_start(alone);
    bed_start(both);
    bed_pass(alone, SEC(300));
    bed_pass(both, SEC(300));
    uint32_t count = bed_sent_count(alone, MSG_INVOKE), at = 0;
    assert_in_range(count, 9500, 10500);
    for (uint32_t i = 0; i < both->sent_count; i++) {
        const struct message *m = &both->sent[i];
        if (m->kind != MSG_INVOKE || ACTOR_INDEX(m->from_actor) != 0)
            continue;
        assert_int_equal(m->u.invoke.sent_at, alone->sent[at].u.invoke.sent_at);
        at++;
    }
    assert_int_equal(at, count);
    bed_free(alone);
    bed_free(both);
}

static void a_trace_sends_its_calls_and_counts_what_it_skips(void **state)
{
    (void)state;
    static const struct trace_call calls[] = {
        {.at = TSTAMP_ORIGIN, .action = BED_SLOW, .ordinal = 1},
        {.at = TSTAMP_ORIGIN, .action = BED_WIDE, .ordinal = 2, .skipped = 3},
        {.at = TSTAMP_ORIGIN, .action = BED_WIDE, .ordinal = 3},
        {.at = TSTAMP_ORIGIN + SEC(7), .action = BED_HELLO, .ordinal = 4},
    };
    struct load_entry entries[2] = {every(SEC(1), SEC(1)), {.action = ACTION_NONE}};
    entries[1].arrivals = ARRIVALS_TRACE;
    entries[1].call_count = 3;
    entries[1].first_call = 1;
    struct bed *bed = bed_of_client(entries, 2);
    bed->cluster.calls = calls;
    bed->cluster.call_count = 4;
    bed_start(bed);
    bed_pass(bed, 0);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 1);
    assert_int_equal(bed_sent(bed, MSG_INVOKE, 0)->u.invoke.action, BED_WIDE);
    assert_int_equal(bed_sent(bed, MSG_INVOKE, 0)->u.invoke.ns, BED_OTHER);
    const struct record *r = bed_record(bed, RECORD_REQUEST_SKIPPED, 0);
    assert_int_equal(r->activation, ACTIVATION_ID(REQUEST_ID(1, 2), 0));
    assert_int_equal(r->detail, 3);
    bed_pass(bed, SEC(20));
    assert_int_equal(bed_sent(bed, MSG_INVOKE, 2)->u.invoke.id,
                     ACTIVATION_ID(REQUEST_ID(1, 4), 0));
    bed_free(bed);
}

static void a_closed_loop_sends_the_next_when_it_has_its_answer(void **state)
{
    (void)state;
    struct load_entry entry = every(0, SEC(10));
    entry.arrivals = ARRIVALS_CLOSED;
    entry.burst_count = 3;
    entry.request_max = 5;
    struct bed *bed = bed_of_client(&entry, 1);
    bed_start(bed);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 3);
    answer(bed, 1, 200, RESPONSE_SUCCESS, ERROR_NONE);
    assert_int_equal(bed_sent(bed, MSG_INVOKE, 3)->u.invoke.id, ACTIVATION_ID(4, 0));
    answer(bed, 0, 200, RESPONSE_SUCCESS, ERROR_NONE);
    answer(bed, 2, 200, RESPONSE_SUCCESS, ERROR_NONE); /* five were sent: no more */
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 5);
    bed_free(bed);
}

static void a_closed_loop_ends_with_its_time(void **state)
{
    (void)state;
    struct load_entry entry = every(0, SEC(10));
    entry.arrivals = ARRIVALS_CLOSED;
    entry.burst_count = 1;
    struct bed *bed = bed_of_client(&entry, 1);
    bed_start(bed);
    bed_pass(bed, SEC(11));
    answer(bed, 0, 200, RESPONSE_SUCCESS, ERROR_NONE);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 1);
    bed_free(bed);
}

static void the_outcome_of_a_request_is_its_status(void **state)
{
    (void)state;
    struct load_entry entry = every(MSEC(1), MSEC(8));
    struct bed *bed = bed_of_client(&entry, 1);
    bed_start(bed);
    bed_pass(bed, SEC(2));
    answer(bed, 0, 200, RESPONSE_SUCCESS, ERROR_NONE);
    answer(bed, 1, 202, RESPONSE_SUCCESS, ERROR_NONE);
    answer(bed, 2, 502, RESPONSE_APPLICATION_ERROR, ERROR_ACTION_ERROR);
    answer(bed, 3, 502, RESPONSE_DEVELOPER_ERROR, ERROR_TIMED_OUT);
    answer(bed, 4, 502, RESPONSE_WHISK_ERROR, ERROR_CONNECTION_BROKEN);
    answer(bed, 5, 429, RESPONSE_SUCCESS, ERROR_TOO_MANY_REQUESTS);
    answer(bed, 6, 503, RESPONSE_WHISK_ERROR, ERROR_NO_SCHEDULER);
    answer(bed, 7, 204, RESPONSE_SUCCESS, ERROR_NONE); /* a trigger without rules */
    static const struct {
        uint32_t status;
        enum outcome outcome;
    } expected[] = {{200, OUTCOME_OK},     {202, OUTCOME_OK},     {502, OUTCOME_OK},
                    {502, OUTCOME_FAILED}, {502, OUTCOME_FAILED}, {429, OUTCOME_FAILED},
                    {503, OUTCOME_FAILED}, {204, OUTCOME_OK}};
    for (uint32_t i = 0; i < 8; i++)
        expect_done(bed, i, ACTIVATION_ID(i + 1, 0), expected[i].status, expected[i].outcome);
    assert_int_equal(bed_record(bed, RECORD_REQUEST_DONE, 2)->detail,
                     RESPONSE_APPLICATION_ERROR);
    assert_int_equal(bed_record(bed, RECORD_REQUEST_DONE, 3)->value2, ERROR_TIMED_OUT);
    bed_free(bed);
}

static void a_request_ends_once_also_when_its_answer_comes_twice(void **state)
{
    (void)state;
    struct load_entry entry = every(SEC(1), MSEC(1));
    struct bed *bed = bed_of_client(&entry, 1);
    bed_start(bed);
    bed_pass(bed, SEC(1));
    answer(bed, 0, 200, RESPONSE_SUCCESS, ERROR_NONE);
    answer(bed, 0, 500, RESPONSE_WHISK_ERROR, ERROR_NONE);
    assert_int_equal(bed_record_count(bed, RECORD_REQUEST_DONE), 1);
    bed_free(bed);
}

static void a_request_without_an_answer_is_given_up(void **state)
{
    (void)state;
    char text[64];
    struct load_entry entry = every(SEC(1), MSEC(1));
    struct bed *bed = bed_of_client(&entry, 1);
    bed_start(bed);
    bed_pass(bed, SEC(1));
    assert_true(client_ops.pending(bed->machine, text, sizeof text));
    assert_string_equal(text, "1 requests without an answer");
    bed_pass(bed, SEC(90));
    expect_done(bed, 0, ACTIVATION_ID(1, 0), 0, OUTCOME_FAILED);
    assert_int_equal(bed_record(bed, RECORD_REQUEST_DONE, 0)->value2, ERROR_REQUEST_TIMEOUT);
    answer(bed, 0, 200, RESPONSE_SUCCESS, ERROR_NONE); /* too late */
    assert_int_equal(bed_record_count(bed, RECORD_REQUEST_DONE), 1);
    assert_false(client_ops.pending(bed->machine, text, sizeof text));
    bed_free(bed);
}

static void refused_and_broken_connections_end_requests(void **state)
{
    (void)state;
    struct load_entry entry = every(MSEC(1), MSEC(3));
    struct bed *bed = bed_of_client(&entry, 1);
    bed_start(bed);
    bed_pass(bed, SEC(2));
    struct message m = bed_reply(bed_sent(bed, MSG_INVOKE, 1), MSG_REFUSED);
    bed_deliver(bed, &m);
    expect_done(bed, 0, ACTIVATION_ID(2, 0), 1, OUTCOME_FAILED);
    bed_link(bed, BED_CONTROLLER0, true);
    assert_int_equal(bed_record_count(bed, RECORD_REQUEST_DONE), 1);
    bed_link(bed, BED_EDGE, true);
    assert_int_equal(bed_record_count(bed, RECORD_REQUEST_DONE), 3);
    expect_done(bed, 1, ACTIVATION_ID(1, 0), 0, OUTCOME_FAILED);
    assert_int_equal(bed_record(bed, RECORD_REQUEST_DONE, 1)->cause,
                     bed_record(bed, RECORD_REQUEST_SENT, 0)->seq);
    bed_free(bed);
}

static void a_closed_loop_goes_on_after_a_broken_connection(void **state)
{
    (void)state;
    struct load_entry entry = every(0, SEC(10));
    entry.arrivals = ARRIVALS_CLOSED;
    entry.burst_count = 2;
    struct bed *bed = bed_of_client(&entry, 1);
    bed_start(bed);
    bed_pass(bed, SEC(1));
    bed_link(bed, BED_EDGE, true);
    assert_int_equal(bed_record_count(bed, RECORD_REQUEST_DONE), 2);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 4);
    bed_free(bed);
}

static void without_an_edge_the_controllers_take_turns(void **state)
{
    (void)state;
    struct load_entry entry = every(MSEC(1), MSEC(4));
    struct bed *bed = bed_of_client(&entry, 1);
    bed->cluster.counts[NODE_EDGE] = 0;
    bed_start(bed);
    bed_pass(bed, SEC(2));
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(bed_sent(bed, MSG_INVOKE, i)->to, BED_CONTROLLER0 + i % 2);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_come_at_their_interval_until_the_end),
        cmocka_unit_test(bursts_send_several_at_once),
        cmocka_unit_test(poisson_arrivals_keep_their_mean_and_do_not_depend_on_other_entries),
        cmocka_unit_test(a_trace_sends_its_calls_and_counts_what_it_skips),
        cmocka_unit_test(a_closed_loop_sends_the_next_when_it_has_its_answer),
        cmocka_unit_test(a_closed_loop_ends_with_its_time),
        cmocka_unit_test(the_outcome_of_a_request_is_its_status),
        cmocka_unit_test(a_request_ends_once_also_when_its_answer_comes_twice),
        cmocka_unit_test(a_request_without_an_answer_is_given_up),
        cmocka_unit_test(refused_and_broken_connections_end_requests),
        cmocka_unit_test(a_closed_loop_goes_on_after_a_broken_connection),
        cmocka_unit_test(without_an_edge_the_controllers_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
