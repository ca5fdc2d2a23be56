/*
 * test_check_activation.c - no-failed-activation, no-lost-activation, no-duplicate-completion,
 * no-double-execution: each fires, and each stays quiet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/check_bed.h"

#define A ACTIVATION_ID(1, 0)
#define B ACTIVATION_ID(2, 0)

static const struct summary *summary_of(const struct check_bed *bed)
{
    return check_set_summary(bed->set);
}

static void one_that_runs_through_violates_nothing(void **state)
{
    struct check_bed *bed = *state;
    check_bed_run_through(bed, A);
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(check_bed_result(bed, "no-failed-activation").verdict, CHECK_PASS);
    assert_int_equal(check_bed_result(bed, "no-lost-activation").verdict, CHECK_PASS);
    assert_int_equal(check_bed_result(bed, "no-double-execution").verdict, CHECK_PASS);
    assert_int_equal(check_bed_result(bed, "latency").verdict, CHECK_NOT_APPLICABLE);
    assert_int_equal(summary_of(bed)->offered, 1);
    assert_int_equal(summary_of(bed)->succeeded, 1);
}

static void a_503_is_a_failure_and_a_rejected_request(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_REJECTED,
                                        .node = BED_CONTROLLER0,
                                        .activation = A,
                                        .value = 503});
    uint64_t seq = check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_DONE,
                                                       .node = BED_CLIENT,
                                                       .activation = A,
                                                       .value = 503,
                                                       .value2 = ERROR_NO_SCHEDULER});
    const struct violation *v = check_bed_expect(bed, "no-failed-activation", 1);
    assert_int_equal(v->seq, seq);
    assert_int_equal(v->activation, A);
    assert_non_null(strstr(v->text, "the caller of guest/hello saw HTTP 503: The server is"));
    assert_int_equal(summary_of(bed)->rejected, 1);
    assert_int_equal(summary_of(bed)->rejected_by[0].status, 503);
}

static void feed_refusal(struct check_bed *bed, activation_id id, uint64_t status)
{
    check_bed_send(bed, id);
    check_bed_feed(bed, (struct record){.kind = RECORD_REJECTED,
                                        .node = BED_CONTROLLER0,
                                        .activation = id,
                                        .value = status});
    check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_DONE,
                                        .node = BED_CLIENT,
                                        .activation = id,
                                        .value = status});
}

#define FOREIGN(n) ACTIVATION_ID(REQUEST_ENTRY_FOREIGN << 24 | (n), 0)

static void a_body_that_is_no_json_or_too_large_is_the_callers_own(void **state)
{
    struct check_bed *bed = *state;
    feed_refusal(bed, FOREIGN(1), 400);
    feed_refusal(bed, FOREIGN(2), 413);
    feed_refusal(bed, FOREIGN(3), 415);
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(summary_of(bed)->rejected, 3);
}

static void a_refused_body_of_the_load_itself_is_a_failure(void **state)
{
    struct check_bed *bed = *state;
    feed_refusal(bed, ACTIVATION_ID(1, 0), 400);
    feed_refusal(bed, ACTIVATION_ID(2, 0), 413);
    feed_refusal(bed, ACTIVATION_ID(3, 0), 415);
    check_bed_expect(bed, "no-failed-activation", 3);
}

static void what_a_foreign_caller_cannot_cause_is_a_failure(void **state)
{
    struct check_bed *bed = *state;
    feed_refusal(bed, FOREIGN(1), 429); /* nobody reached a limit */
    feed_refusal(bed, FOREIGN(2), 500);
    feed_refusal(bed, FOREIGN(3), 502);
    check_bed_expect(bed, "no-failed-activation", 3);
}

static void a_404_for_an_action_that_nobody_deletes_is_a_failure(void **state)
{
    struct check_bed *bed = *state;
    feed_refusal(bed, A, 404);
    check_bed_expect(bed, "no-failed-activation", 1);
}

static void a_broken_connection_is_a_failure_of_a_completed_one(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    check_bed_answer(bed, A, 0);
    check_bed_ack(bed, A);
    check_bed_store(bed, A);
    check_bed_expect(bed, "no-failed-activation", 1);
    assert_int_equal(summary_of(bed)->failed, 1);
    assert_int_equal(summary_of(bed)->completed, 1);
}

static void an_application_error_is_none(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_RUN_ENDED,
                                        .node = BED_INVOKER0,
                                        .activation = A,
                                        .detail = RESPONSE_APPLICATION_ERROR});
    check_bed_ack(bed, A);
    check_bed_store(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_DONE,
                                        .node = BED_CLIENT,
                                        .activation = A,
                                        .value = 502,
                                        .detail = RESPONSE_APPLICATION_ERROR});
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(summary_of(bed)->succeeded, 1);
}

static void a_gateway_error_of_the_edge_is_a_failure(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_DONE,
                                        .node = BED_CLIENT,
                                        .activation = A,
                                        .value = 502,
                                        .value2 = ERROR_NO_UPSTREAM});
    check_bed_expect(bed, "no-failed-activation", 1);
}

static void a_drop_counts_once_however_often_it_shows(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_DROPPED,
                                        .node = BED_SCHEDULER0,
                                        .activation = A,
                                        .detail = ERROR_NOT_INITIATED,
                                        .value = RESPONSE_WHISK_ERROR});
    check_bed_feed(bed, (struct record){.kind = RECORD_ACKED,
                                        .node = BED_SCHEDULER0,
                                        .activation = A,
                                        .detail = ACK_COMBINED,
                                        .value = RESPONSE_WHISK_ERROR});
    check_bed_feed(bed, (struct record){.kind = RECORD_ACK_RECEIVED,
                                        .node = BED_CONTROLLER0,
                                        .activation = A,
                                        .detail = ACK_COMBINED,
                                        .value = 1});
    check_bed_feed(bed, (struct record){.kind = RECORD_STORED,
                                        .node = BED_DATABASE,
                                        .activation = A,
                                        .detail = RESPONSE_WHISK_ERROR});
    check_bed_answer(bed, A, 500);
    const struct violation *v = check_bed_expect(bed, "no-failed-activation", 1);
    assert_string_equal(v->text, "scheduler0 gave the activation of guest/hello up: Activation "
                                 "processing is not initiated for 60000 ms");
}

static void a_run_that_lost_its_container_fails_though_the_action_is_blamed(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    check_bed_feed(
        bed, (struct record){.kind = RECORD_RUN_CUT, .node = BED_INVOKER0, .activation = A});
    check_bed_feed(bed, (struct record){.kind = RECORD_RUN_ENDED,
                                        .node = BED_INVOKER0,
                                        .activation = A,
                                        .detail = RESPONSE_DEVELOPER_ERROR});
    check_bed_ack(bed, A);
    check_bed_store(bed, A);
    check_bed_answer(bed, A, 200);
    check_bed_expect(bed, "no-failed-activation", 1);
}

static void throttle(struct check_bed *bed, activation_id a)
{
    check_bed_send(bed, a);
    check_bed_feed(bed, (struct record){.kind = RECORD_REJECTED,
                                        .node = BED_CONTROLLER0,
                                        .activation = a,
                                        .value = 429});
    check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_DONE,
                                        .node = BED_CLIENT,
                                        .activation = a,
                                        .value = 429,
                                        .value2 = ERROR_TOO_MANY_REQUESTS});
}

static void a_429_below_the_limits_is_a_failure(void **state)
{
    struct check_bed *bed = *state;
    throttle(bed, A);
    check_bed_expect(bed, "no-failed-activation", 1);
}

/* The only throttle that a firing meets is its own limit, which each controller has in full. */
static void a_429_of_a_firing_is_none(void **state)
{
    struct check_bed *bed = *state;
    struct action_info actions[2] = {bed->cluster.actions[0], bed->cluster.actions[1]};
    actions[BED_OTHER].kind = ACTION_TRIGGER;
    bed->cluster.actions = actions;
    struct record done = {.kind = RECORD_REQUEST_DONE,
                          .node = BED_CLIENT,
                          .activation = A,
                          .action = BED_OTHER,
                          .value = 429,
                          .value2 = ERROR_TOO_MANY_PER_MINUTE};
    check_bed_send(bed, A);
    check_bed_feed(bed, done);
    check_bed_expect(bed, NULL, 0);
}

static void a_429_at_the_limit_per_minute_is_none(void **state)
{
    struct check_bed *bed = *state;
    bed->namespaces[0].invocations_per_minute = 2;
    check_bed_run_through(bed, A);
    throttle(bed, B);
    check_bed_expect(bed, NULL, 0);
}

static void a_429_with_the_namespace_full_is_none(void **state)
{
    struct check_bed *bed = *state;
    bed->namespaces[0].concurrent_invocations = 1;
    check_bed_until_queued(bed, A);
    throttle(bed, B);
    check_bed_start(bed, A);
    check_bed_ack(bed, A);
    check_bed_store(bed, A);
    check_bed_answer(bed, A, 200);
    check_bed_expect(bed, NULL, 0);
}

static void containers_long_gone_do_not_excuse_a_429(void **state)
{
    struct check_bed *bed = *state;
    bed->namespaces[0].concurrent_invocations = 1;
    check_bed_container(bed, RECORD_CONTAINER_MADE, 7);
    check_bed_container(bed, RECORD_CONTAINER_GONE, 7);
    check_bed_wait(bed, MINUTES(3));
    throttle(bed, A);
    check_bed_expect(bed, "no-failed-activation", 1);
}

static void a_forced_completion_is_none(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    uint64_t seq = check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER0);
    tstamp stopped_at = bed->at;
    check_bed_answer(bed, A, 202);
    check_bed_node(bed, RECORD_NODE_STARTED, BED_SCHEDULER0);
    check_bed_node(bed, RECORD_NODE_LISTENING, BED_SCHEDULER0);
    check_bed_wait(bed, SEC(180));
    check_bed_feed(
        bed,
        (struct record){.kind = RECORD_SLOT_FORCED, .node = BED_CONTROLLER0, .activation = A});
    check_set_settle(bed->set, bed->at, NULL);
    check_set_end(bed->set, bed->at);
    const struct check_result lost = check_bed_result(bed, "no-lost-activation");
    assert_int_equal(lost.violation_count, 1);
    assert_int_equal(lost.examples[0].at, stopped_at);
    assert_int_equal(lost.examples[0].seq, seq);
    assert_int_equal(lost.examples[0].node, BED_SCHEDULER0);
    assert_non_null(strstr(lost.examples[0].text,
                           "has no completion: it died in a queue of scheduler0 at 0.000 s; "
                           "the controller's timer closed it"));
    assert_int_equal(summary_of(bed)->lost, 1);
    assert_int_equal(summary_of(bed)->accepted, 1);
}

static void a_completion_without_a_record_is_lost(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    check_bed_ack(bed, A);
    check_bed_answer(bed, A, 200);
    const struct violation *v = check_bed_expect(bed, "no-lost-activation", 1);
    assert_non_null(strstr(v->text, "no record of it was written"));
}

static void a_rejected_request_is_never_lost(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(summary_of(bed)->rejected, 1); /* no answer when the run ended */
    assert_int_equal(summary_of(bed)->rejected_by[0].status, 0);
}

static void an_unreadable_completion_is_none(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_ACKED,
                                        .node = BED_SCHEDULER0,
                                        .activation = A,
                                        .detail = ACK_COMPLETION,
                                        .value2 = ACK_BY_SCHEDULER});
    check_bed_feed(bed, (struct record){.kind = RECORD_ACK_RECEIVED,
                                        .node = BED_CONTROLLER0,
                                        .activation = A,
                                        .detail = ACK_COMPLETION,
                                        .outcome = OUTCOME_FAILED});
    check_bed_store(bed, A);
    check_bed_answer(bed, A, 202);
    const struct violation *v = check_bed_expect(bed, "no-lost-activation", 1);
    assert_non_null(strstr(v->text, "no controller can read"));
}

static void a_late_completion_after_the_timer_is_the_second(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    check_bed_answer(bed, A, 202);
    check_bed_wait(bed, SEC(180));
    check_bed_feed(
        bed,
        (struct record){.kind = RECORD_SLOT_FORCED, .node = BED_CONTROLLER0, .activation = A});
    check_bed_ack(bed, A);
    check_bed_store(bed, A);
    check_set_settle(bed->set, bed->at, NULL);
    check_set_end(bed->set, bed->at);
    assert_int_equal(check_bed_result(bed, "no-duplicate-completion").violation_count, 1);
    assert_int_equal(check_bed_result(bed, "slots-conserved").violation_count, 1);
    assert_int_equal(summary_of(bed)->duplicated, 1);
    assert_int_equal(summary_of(bed)->lost, 0);
}

static void two_completions_are_found_after_the_activation_was_let_go(void **state)
{
    struct check_bed *bed = *state;
    check_bed_run_through(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_ACKED,
                                        .node = BED_INVOKER1,
                                        .activation = A,
                                        .detail = ACK_COMPLETION});
    check_bed_feed(bed, (struct record){.kind = RECORD_ACK_RECEIVED,
                                        .node = BED_CONTROLLER0,
                                        .activation = A,
                                        .detail = ACK_COMPLETION});
    check_bed_expect(bed, "no-duplicate-completion", 1);
}

static void the_same_ack_read_twice_is_one_completion(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    check_bed_ack(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_ACK_RECEIVED,
                                        .node = BED_CONTROLLER0,
                                        .activation = A,
                                        .detail = ACK_COMBINED});
    check_bed_store(bed, A);
    check_bed_answer(bed, A, 200);
    check_bed_feed(bed, (struct record){.kind = RECORD_ACK_RECEIVED,
                                        .node = BED_CONTROLLER0,
                                        .activation = A,
                                        .detail = ACK_COMBINED});
    check_bed_expect(bed, NULL, 0);
}

static void a_result_beside_a_completion_is_no_second_one(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_ACKED,
                                        .node = BED_INVOKER0,
                                        .activation = A,
                                        .detail = ACK_RESULT});
    check_bed_feed(bed, (struct record){.kind = RECORD_ACK_RECEIVED,
                                        .node = BED_CONTROLLER0,
                                        .activation = A,
                                        .detail = ACK_RESULT});
    check_bed_ack(bed, A);
    check_bed_store(bed, A);
    check_bed_answer(bed, A, 200);
    check_bed_expect(bed, NULL, 0);
}

static void two_executions_are_found_while_in_flight(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    uint64_t seq = check_bed_start(bed, A);
    check_bed_ack(bed, A);
    check_bed_store(bed, A);
    check_bed_answer(bed, A, 200);
    const struct violation *v = check_bed_expect(bed, "no-double-execution", 1);
    assert_int_equal(v->seq, seq);
}

static void a_second_execution_is_found_after_the_activation_was_let_go(void **state)
{
    struct check_bed *bed = *state;
    check_bed_run_through(bed, A);
    assert_null(ledger_activation(check_set_ledger(bed->set), A));
    check_bed_feed(bed, (struct record){.kind = RECORD_RUN_STARTED,
                                        .node = BED_INVOKER1,
                                        .activation = A,
                                        .container = 9});
    check_bed_expect(bed, "no-double-execution", 1);
    assert_int_equal(summary_of(bed)->accepted, 1);
}

static void a_run_that_was_given_back_does_not_count(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    check_bed_feed(bed, (struct record){
                            .kind = RECORD_RESCHEDULED, .node = BED_INVOKER0, .activation = A});
    check_bed_queue(bed, A);
    check_bed_start(bed, A);
    check_bed_ack(bed, A);
    check_bed_store(bed, A);
    check_bed_answer(bed, A, 200);
    check_bed_expect(bed, NULL, 0);
}

static void the_systems_own_activations_are_not_judged(void **state)
{
    struct check_bed *bed = *state;
    check_bed_start(bed, ACTIVATION_SYSTEM | 5);
    check_bed_start(bed, ACTIVATION_SYSTEM | 5);
    check_bed_answer(bed, ACTIVATION_SYSTEM | 5, 500);
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(summary_of(bed)->offered, 0);
}

#define BED_TEST(f) cmocka_unit_test_setup_teardown(f, check_bed_setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BED_TEST(one_that_runs_through_violates_nothing),
        BED_TEST(a_503_is_a_failure_and_a_rejected_request),
        BED_TEST(a_body_that_is_no_json_or_too_large_is_the_callers_own),
        BED_TEST(a_refused_body_of_the_load_itself_is_a_failure),
        BED_TEST(what_a_foreign_caller_cannot_cause_is_a_failure),
        BED_TEST(a_404_for_an_action_that_nobody_deletes_is_a_failure),
        BED_TEST(a_broken_connection_is_a_failure_of_a_completed_one),
        BED_TEST(an_application_error_is_none),
        BED_TEST(a_gateway_error_of_the_edge_is_a_failure),
        BED_TEST(a_drop_counts_once_however_often_it_shows),
        BED_TEST(a_run_that_lost_its_container_fails_though_the_action_is_blamed),
        BED_TEST(a_429_below_the_limits_is_a_failure),
        BED_TEST(a_429_of_a_firing_is_none),
        BED_TEST(a_429_at_the_limit_per_minute_is_none),
        BED_TEST(a_429_with_the_namespace_full_is_none),
        BED_TEST(containers_long_gone_do_not_excuse_a_429),
        BED_TEST(a_forced_completion_is_none),
        BED_TEST(a_completion_without_a_record_is_lost),
        BED_TEST(a_rejected_request_is_never_lost),
        BED_TEST(an_unreadable_completion_is_none),
        BED_TEST(a_late_completion_after_the_timer_is_the_second),
        BED_TEST(two_completions_are_found_after_the_activation_was_let_go),
        BED_TEST(the_same_ack_read_twice_is_one_completion),
        BED_TEST(a_result_beside_a_completion_is_no_second_one),
        BED_TEST(two_executions_are_found_while_in_flight),
        BED_TEST(a_second_execution_is_found_after_the_activation_was_let_go),
        BED_TEST(a_run_that_was_given_back_does_not_count),
        BED_TEST(the_systems_own_activations_are_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
