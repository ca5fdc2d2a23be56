/*
 * test_check_drain.c - count-truthful, restart-safe, drain-reaches-zero, capacity-floor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/fsm.h"
#include "support/check_bed.h"

#define A ACTIVATION_ID(1, 0)

static void finish(struct check_bed *bed)
{
    check_bed_start(bed, A);
    check_bed_ack(bed, A);
    check_bed_store(bed, A);
    check_bed_answer(bed, A, 200);
}

static void end(struct check_bed *bed)
{
    check_set_settle(bed->set, bed->at, NULL);
    check_set_end(bed->set, bed->at);
}

static void edge(struct check_bed *bed, node_id controller, bool in, bool ok)
{
    check_bed_feed(bed, (struct record){.kind = RECORD_EDGE_CHANGED,
                                        .node = BED_EDGE,
                                        .peer = controller,
                                        .value = in,
                                        .outcome = ok ? OUTCOME_OK : OUTCOME_FAILED});
}

static void a_0_with_something_in_the_topic_is_not_true(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    check_bed_append(bed, A);
    check_bed_wait(bed, MSEC(1));
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    uint64_t seq = check_bed_count(bed, BED_SCHEDULER0, 0);
    check_bed_commit(bed);
    check_bed_deliver(bed, A);
    check_bed_queue(bed, A);
    finish(bed);
    const struct violation *v = check_bed_expect(bed, "count-truthful", 1);
    assert_int_equal(v->seq, seq);
    assert_int_equal(v->node, BED_SCHEDULER0);
    assert_int_equal(v->activation, A);
    assert_string_equal(v->text, "scheduler0 answers 0 while a kill would lose 1: 1 in its "
                                 "topic (first: guest/hello)");
}

static void a_0_with_something_in_the_feed_or_a_look_up_is_not_true(void **state)
{
    struct check_bed *bed = *state;
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    check_bed_append(bed, A);
    check_bed_commit(bed);
    check_bed_count(bed, BED_SCHEDULER0, 0);
    check_bed_deliver(bed, A);
    check_bed_feed(bed, (struct record){
                            .kind = RECORD_LOOKED_UP, .node = BED_SCHEDULER0, .activation = A});
    check_bed_count(bed, BED_SCHEDULER0, 0);
    check_bed_queue(bed, A);
    finish(bed);
    const struct violation *v = check_bed_expect(bed, "count-truthful", 2);
    assert_non_null(strstr(v[0].text, "1 fetched and not handled"));
    assert_non_null(strstr(v[1].text, "1 being looked up"));
}

static void a_0_is_true_for_what_a_container_runs(void **state)
{
    struct check_bed *bed = *state;
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    check_bed_count(bed, BED_SCHEDULER0, 0);
    check_bed_ack(bed, A);
    check_bed_store(bed, A);
    check_bed_answer(bed, A, 200);
    check_bed_expect(bed, "count-truthful", 0);
    assert_int_equal(check_bed_result(bed, "count-truthful").verdict, CHECK_PASS);
}

static void an_enabled_process_may_answer_what_it_likes(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_count(bed, BED_SCHEDULER0, 0);
    check_bed_count(bed, BED_CONTROLLER0, 0);
    finish(bed);
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(check_bed_result(bed, "count-truthful").verdict, CHECK_NOT_APPLICABLE);
}

static void an_invoker_answers_0_before_the_record_is_written(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER0);
    check_bed_ack(bed, A);
    check_bed_count(bed, BED_INVOKER0, 0);
    check_bed_store(bed, A);
    check_bed_count(bed, BED_INVOKER0, 0);
    check_bed_answer(bed, A, 200);
    const struct violation *v = check_bed_expect(bed, "count-truthful", 1);
    assert_non_null(strstr(v->text, "1 without a record"));
}

static void a_controller_out_of_the_edge_answers_0_with_an_open_request(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A); /* passed by the edge, no slot yet */
    edge(bed, BED_CONTROLLER0, false, true);
    check_bed_count(bed, BED_CONTROLLER0, 0);
    check_bed_accept(bed, A);
    check_bed_append(bed, A);
    check_bed_commit(bed);
    check_bed_deliver(bed, A);
    check_bed_queue(bed, A);
    finish(bed);
    check_bed_count(bed, BED_CONTROLLER0, 0);
    edge(bed, BED_CONTROLLER0, true, true);
    const struct violation *v = check_bed_expect(bed, "count-truthful", 1);
    assert_non_null(strstr(v->text, "1 with an open request"));
}

static void a_refused_reload_leaves_the_controller_in_the_edge(void **state)
{
    struct check_bed *bed = *state;
    edge(bed, BED_CONTROLLER0, false, false);
    check_bed_until_queued(bed, A);
    check_bed_count(bed, BED_CONTROLLER0, 0);
    finish(bed);
    check_bed_expect(bed, NULL, 0);
    assert_true(ledger_node(check_set_ledger(bed->set), BED_CONTROLLER0)->in_edge);
    assert_false(ledger_node(check_set_ledger(bed->set), BED_CONTROLLER0)->in_file);
}

static void restart(struct check_bed *bed, node_id node, bool by_fault)
{
    check_bed_feed(bed, (struct record){.kind = RECORD_NODE_STOPPED,
                                        .node = node,
                                        .action = ACTION_NONE,
                                        .detail = by_fault});
    check_bed_node(bed, RECORD_NODE_STARTED, node);
    check_bed_node(bed, RECORD_NODE_LISTENING, node);
}

static void a_stop_that_takes_a_queue_with_it_is_not_safe(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    restart(bed, BED_SCHEDULER0, false);
    end(bed);
    struct check_result safe = check_bed_result(bed, "restart-safe");
    assert_int_equal(safe.violation_count, 1);
    assert_string_equal(safe.examples[0].text,
                        "scheduler0 is stopped and takes 1 with it: 1 in its queues (first: "
                        "guest/hello)");
}

static void a_kill_by_a_fault_is_not_judged(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    restart(bed, BED_SCHEDULER0, true);
    end(bed);
    assert_int_equal(check_bed_result(bed, "restart-safe").verdict, CHECK_NOT_APPLICABLE);
    assert_int_equal(check_bed_result(bed, "no-lost-activation").violation_count, 1);
}

static void a_stop_with_nothing_held_is_safe(void **state)
{
    struct check_bed *bed = *state;
    check_bed_run_through(bed, A);
    restart(bed, BED_SCHEDULER0, false);
    restart(bed, BED_INVOKER0, false);
    restart(bed, BED_CONTROLLER0, false);
    end(bed);
    assert_int_equal(check_bed_result(bed, "restart-safe").verdict, CHECK_PASS);
}

static void a_stopped_controller_takes_slots_and_requests_with_it(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    restart(bed, BED_CONTROLLER0, false);
    end(bed);
    struct check_result safe = check_bed_result(bed, "restart-safe");
    assert_int_equal(safe.violation_count, 1);
    assert_non_null(strstr(safe.examples[0].text, "1 unfinished"));
}

static uint64_t stop_with_one_in_the_topic(struct check_bed *bed)
{
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    check_bed_append(bed, A);
    uint64_t seq = bed->seq;
    restart(bed, BED_SCHEDULER0, false);
    check_bed_wait(bed, SEC(25));
    return seq;
}

static void the_topic_is_confirmed_when_the_successor_gives_it_up(void **state)
{
    struct check_bed *bed = *state;
    tstamp stopped_at = bed->at;
    uint64_t seq = stop_with_one_in_the_topic(bed);
    check_bed_commit(bed);
    check_bed_deliver(bed, A);
    assert_int_equal(check_bed_result(bed, "restart-safe").violation_count, 0);
    check_bed_feed(bed, (struct record){.kind = RECORD_DROPPED,
                                        .node = BED_SCHEDULER0,
                                        .activation = A,
                                        .detail = ERROR_TOO_OLD});
    end(bed);
    struct check_result safe = check_bed_result(bed, "restart-safe");
    assert_int_equal(safe.violation_count, 1);
    assert_int_equal(safe.examples[0].seq, seq);
    assert_int_equal(safe.examples[0].at, stopped_at);
    assert_non_null(strstr(safe.examples[0].text, "was given up by its successor"));
}

static void the_topic_is_taken_back_when_the_successor_reads_it_in_time(void **state)
{
    struct check_bed *bed = *state;
    stop_with_one_in_the_topic(bed);
    check_bed_commit(bed);
    check_bed_deliver(bed, A);
    check_bed_queue(bed, A);
    finish(bed);
    end(bed);
    assert_int_equal(check_bed_result(bed, "restart-safe").verdict, CHECK_PASS);
    assert_null(ledger_activation(check_set_ledger(bed->set), A));
}

static void the_topic_is_confirmed_when_it_is_never_read(void **state)
{
    struct check_bed *bed = *state;
    stop_with_one_in_the_topic(bed);
    check_bed_answer(bed, A, 202);
    end(bed);
    struct check_result safe = check_bed_result(bed, "restart-safe");
    assert_int_equal(safe.violation_count, 1);
    assert_non_null(strstr(safe.examples[0].text, "was never taken further"));
    struct check_result lost = check_bed_result(bed, "no-lost-activation");
    assert_non_null(strstr(lost.examples[0].text, "still in the topic of scheduler0"));
}

static void a_drain_that_reaches_0_and_stays_there_passes(void **state)
{
    struct check_bed *bed = *state;
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER0);
    check_bed_count(bed, BED_INVOKER0, 3);
    check_bed_wait(bed, MINUTES(14));
    check_bed_count(bed, BED_INVOKER0, 0);
    check_bed_wait(bed, MINUTES(10));
    check_bed_count(bed, BED_INVOKER0, 0);
    check_bed_expect(bed, "drain-reaches-zero", 0);
    assert_int_equal(check_bed_result(bed, "drain-reaches-zero").verdict, CHECK_PASS);
}

static void a_drain_above_0_for_15_minutes_is_reported_at_their_end(void **state)
{
    struct check_bed *bed = *state;
    tstamp begin = bed->at;
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER0);
    check_bed_count(bed, BED_INVOKER0, 3);
    check_bed_wait(bed, MINUTES(15));
    assert_int_equal(check_bed_result(bed, "drain-reaches-zero").violation_count, 0);
    check_bed_wait(bed, 1);
    const struct violation *v = check_bed_expect(bed, "drain-reaches-zero", 1);
    assert_int_equal(v->at, begin + MINUTES(15));
    assert_string_equal(v->text, "invoker0 does not reach 0: its last answer is 3");
}

static void a_gate_that_never_gives_a_number_does_not_reach_0(void **state)
{
    struct check_bed *bed = *state;
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    check_bed_feed(
        bed,
        (struct record){.kind = RECORD_COUNT_ANSWERED, .node = BED_SCHEDULER0, .detail = 4});
    check_bed_wait(bed, MINUTES(16));
    const struct violation *v = check_bed_expect(bed, "drain-reaches-zero", 1);
    assert_string_equal(v->text, "scheduler0 does not reach 0: its last answer is HTTP 4xx");
}

static void a_drain_that_leaves_0_again_is_reported_once(void **state)
{
    struct check_bed *bed = *state;
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    check_bed_count(bed, BED_SCHEDULER0, 0);
    check_bed_count(bed, BED_SCHEDULER0, 2);
    check_bed_count(bed, BED_SCHEDULER0, 2);
    const struct violation *v = check_bed_expect(bed, "drain-reaches-zero", 1);
    assert_string_equal(v->text, "scheduler0 leaves 0 again while it drains: it answers 2");
}

static void a_stopped_process_owes_no_0(void **state)
{
    struct check_bed *bed = *state;
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER0);
    check_bed_count(bed, BED_INVOKER0, 3);
    restart(bed, BED_INVOKER0, false);
    check_bed_wait(bed, MINUTES(20));
    check_bed_expect(bed, "drain-reaches-zero", 0);
}

static void one_of_two_controllers_may_leave_the_edge_but_not_both(void **state)
{
    struct check_bed *bed = *state;
    edge(bed, BED_CONTROLLER0, false, true);
    assert_int_equal(check_bed_result(bed, "capacity-floor").violation_count, 0);
    edge(bed, BED_CONTROLLER1, false, false); /* refused: nginx runs on with the former list */
    assert_int_equal(check_bed_result(bed, "capacity-floor").violation_count, 0);
    edge(bed, BED_CONTROLLER0, true, true);
    edge(bed, BED_CONTROLLER1, false, true); /* this reload takes the edit before into force */
    assert_int_equal(check_bed_result(bed, "capacity-floor").violation_count, 0);
    restart(bed, BED_CONTROLLER0, false);
    const struct violation *v = check_bed_expect(bed, "capacity-floor", 1);
    assert_int_equal(v->node, BED_CONTROLLER0);
    assert_string_equal(v->text, "0 controllers in the edge and listening, at least 1 wanted: "
                                 "controller0 was the last to go");
}

static void both_schedulers_without_a_key_are_too_few(void **state)
{
    struct check_bed *bed = *state;
    struct key key = {.family = KEY_SCHEDULER, .node = BED_SCHEDULER0};
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER1);
    check_bed_key(bed, RECORD_KEY_DELETED, key);
    key.node = BED_SCHEDULER1;
    uint64_t seq = check_bed_key(bed, RECORD_KEY_DELETED, key);
    const struct violation *v = check_bed_expect(bed, "capacity-floor", 1);
    assert_int_equal(v->seq, seq);
    assert_int_equal(v->node, BED_SCHEDULER1);
}

static void health(struct check_bed *bed, node_id invoker, unsigned to)
{
    check_bed_feed(
        bed, (struct record){
                 .kind = RECORD_STATE, .node = invoker, .detail = FSM_HEALTH, .value2 = to});
}

static void a_floor_of_two_invokers_is_kept_as_set(void **state)
{
    struct check_bed *bed = *state;
    check_bed_open(bed);
    bed->settings.values[check_field_find("capacity-floor", "invokers")] = 2;
    check_bed_begin(bed);
    health(bed, BED_INVOKER1, 1);
    health(bed, BED_INVOKER1, 2);
    health(bed, BED_INVOKER0, 0);
    check_bed_expect(bed, "capacity-floor", 2);
}

static void what_is_in_service_owes_no_0(void **state)
{
    struct check_bed *bed = *state;
    check_bed_count(bed, BED_SCHEDULER0, 0);
    check_bed_count(bed, BED_SCHEDULER0, 5);
    check_bed_count(bed, BED_CONTROLLER1, 5);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER0);
    check_bed_count(bed, BED_INVOKER0, 3);
    check_bed_node(bed, RECORD_NODE_ENABLED, BED_INVOKER0);
    check_bed_wait(bed, MINUTES(20));
    check_bed_expect(bed, "drain-reaches-zero", 0);
}

static void what_an_invoker_has_at_the_end_is_still_there(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    end(bed);
    struct check_result lost = check_bed_result(bed, "no-lost-activation");
    assert_int_equal(lost.violation_count, 1);
    assert_non_null(strstr(lost.examples[0].text, "at the end it is still at invoker0"));
}

static void what_nobody_has_was_last_moved_then(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    check_bed_wait(bed, SEC(3));
    end(bed);
    struct check_result lost = check_bed_result(bed, "no-lost-activation");
    assert_int_equal(lost.violation_count, 1);
    assert_non_null(strstr(lost.examples[0].text, "nothing moved it after 0.000 s"));
}

#define BED_TEST(f) cmocka_unit_test_setup_teardown(f, check_bed_setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BED_TEST(a_0_with_something_in_the_topic_is_not_true),
        BED_TEST(a_0_with_something_in_the_feed_or_a_look_up_is_not_true),
        BED_TEST(a_0_is_true_for_what_a_container_runs),
        BED_TEST(an_enabled_process_may_answer_what_it_likes),
        BED_TEST(an_invoker_answers_0_before_the_record_is_written),
        BED_TEST(a_controller_out_of_the_edge_answers_0_with_an_open_request),
        BED_TEST(a_refused_reload_leaves_the_controller_in_the_edge),
        BED_TEST(a_stop_that_takes_a_queue_with_it_is_not_safe),
        BED_TEST(a_kill_by_a_fault_is_not_judged),
        BED_TEST(a_stop_with_nothing_held_is_safe),
        BED_TEST(a_stopped_controller_takes_slots_and_requests_with_it),
        BED_TEST(the_topic_is_confirmed_when_the_successor_gives_it_up),
        BED_TEST(the_topic_is_taken_back_when_the_successor_reads_it_in_time),
        BED_TEST(the_topic_is_confirmed_when_it_is_never_read),
        BED_TEST(a_drain_that_reaches_0_and_stays_there_passes),
        BED_TEST(a_drain_above_0_for_15_minutes_is_reported_at_their_end),
        BED_TEST(a_gate_that_never_gives_a_number_does_not_reach_0),
        BED_TEST(a_drain_that_leaves_0_again_is_reported_once),
        BED_TEST(a_stopped_process_owes_no_0),
        BED_TEST(one_of_two_controllers_may_leave_the_edge_but_not_both),
        BED_TEST(both_schedulers_without_a_key_are_too_few),
        BED_TEST(a_floor_of_two_invokers_is_kept_as_set),
        BED_TEST(what_is_in_service_owes_no_0),
        BED_TEST(what_an_invoker_has_at_the_end_is_still_there),
        BED_TEST(what_nobody_has_was_last_moved_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
