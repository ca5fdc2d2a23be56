/*
 * test_ledger_moves.c - what a record does to an activation, and what it does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "support/check_bed.h"

#define A ACTIVATION_ID(1, 0)
#define A_AGAIN ACTIVATION_ID(1, 1)
#define PART ACTIVATION_ID(REQUEST_ENTRY_PART << 24 | 1, 0)

static const struct ledger_activation *find(const struct check_bed *bed, activation_id a)
{
    return ledger_activation(check_set_ledger(bed->set), a);
}

static const struct ledger_node *node(const struct check_bed *bed, node_id id)
{
    return ledger_node(check_set_ledger(bed->set), id);
}

static struct ledger_risk risk(const struct check_bed *bed, node_id id)
{
    return ledger_risk(check_set_ledger(bed->set), id, bed->at, SEC(20), SEC(20));
}

static const struct summary *summary_of(const struct check_bed *bed)
{
    return check_set_summary(bed->set);
}

static uint64_t feed(struct check_bed *bed, enum record_kind kind, node_id at, node_id peer,
                     unsigned detail)
{
    return check_bed_feed(bed, (struct record){.kind = (uint16_t)kind,
                                               .node = at,
                                               .peer = peer,
                                               .activation = A,
                                               .detail = (uint8_t)detail});
}

static void receive(struct check_bed *bed, bool is_readable, uint64_t value)
{
    check_bed_feed(bed, (struct record){.kind = RECORD_ACK_RECEIVED,
                                        .node = BED_CONTROLLER0,
                                        .activation = A,
                                        .detail = ACK_COMPLETION,
                                        .value = value,
                                        .outcome = is_readable ? OUTCOME_OK : OUTCOME_FAILED});
}

static void sent(struct check_bed *bed)
{
    feed(bed, RECORD_ACKED, BED_INVOKER0, BED_CONTROLLER0, ACK_COMPLETION);
}

/* ---- completions ---- */

static void an_unreadable_completion_is_taken_from_those_that_were_sent(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    receive(bed, false, 0); /* of nobody: none is taken */
    assert_int_equal(find(bed, A)->completions_sent, 0);
    sent(bed);
    assert_int_equal(find(bed, A)->completions_sent, 1);
    receive(bed, false, 0);
    assert_int_equal(find(bed, A)->completions_sent, 0);
    assert_int_equal(find(bed, A)->completions_received, 0);
    assert_true((find(bed, A)->flags & LEDGER_UNREADABLE) != 0);
    assert_true((find(bed, A)->flags & LEDGER_SLOT) != 0); /* nothing frees it */
}

static void an_unreadable_completion_is_a_death_unless_one_came_before(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    check_bed_wait(bed, SEC(1));
    receive(bed, false, 0);
    assert_int_equal(find(bed, A)->lost_at, bed->at);
    assert_int_equal(find(bed, A)->lost_node, BED_CONTROLLER0);
    assert_int_equal(find(bed, A)->lost_place, PLACE_NONE);
    check_bed_close(bed);
    check_bed_open(bed);
    check_bed_begin(bed);
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    check_bed_ack(bed, A);
    receive(bed, false, 0);
    assert_int_equal(find(bed, A)->lost_at, 0);
    assert_int_equal(find(bed, A)->lost_node, NODE_NONE);
}

static void a_completion_that_comes_too_late_frees_no_slot(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    sent(bed);
    receive(bed, true, 0);
    assert_int_equal(node(bed, BED_CONTROLLER0)->slot_count, 1);
    assert_int_equal(find(bed, A)->completions_received, 1);
    receive(bed, true, 1);
    assert_int_equal(node(bed, BED_CONTROLLER0)->slot_count, 0);
    assert_int_equal(risk(bed, BED_CONTROLLER0).slots, 0);
    assert_int_equal(risk(bed, BED_CONTROLLER0).requests, 1);
    receive(bed, true, 1); /* once */
    assert_int_equal(node(bed, BED_CONTROLLER0)->slot_count, 0);
    assert_int_equal(ledger_in_flight(check_set_ledger(bed->set)), 0);
}

static void an_invoker_has_done_when_it_acked_and_stored(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    assert_int_equal(risk(bed, BED_INVOKER0).running, 1);
    check_bed_store(bed, A);
    assert_int_equal(find(bed, A)->invoker, BED_INVOKER0);
    assert_int_equal(risk(bed, BED_INVOKER0).unacked, 1);
    sent(bed);
    assert_int_equal(find(bed, A)->invoker, NODE_NONE);
    assert_int_equal(risk(bed, BED_INVOKER0).total, 0);
}

static void an_unreadable_ack_is_one_too(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    receive(bed, false, 0);
    assert_int_equal(find(bed, A)->invoker, BED_INVOKER0);
    check_bed_store(bed, A);
    assert_int_equal(find(bed, A)->invoker, NODE_NONE);
}

/* It had one completion and one record when it was let go; these are its run's own. */
static void a_run_after_the_end_owes_an_ack_and_a_record_of_its_own(void **state)
{
    struct check_bed *bed = *state;
    check_bed_run_through(bed, A);
    assert_false(ledger_is_late(check_set_ledger(bed->set)));
    check_bed_feed(bed, (struct record){.kind = RECORD_RUN_STARTED,
                                        .node = BED_INVOKER1,
                                        .activation = A,
                                        .container = 9});
    assert_true(ledger_is_late(check_set_ledger(bed->set)));
    assert_int_equal(find(bed, A)->runs, 2);
    assert_int_equal(find(bed, A)->invoker, BED_INVOKER1);
    assert_int_equal(find(bed, A)->container, 9);
    check_bed_store(bed, A);
    assert_int_equal(find(bed, A)->invoker, BED_INVOKER1);
    sent(bed);
    assert_int_equal(find(bed, A)->invoker, NODE_NONE);
    assert_int_equal(find(bed, A)->completions_sent, 2);
    receive(bed, true, 0);
    assert_null(find(bed, A));
    assert_int_equal(summary_of(bed)->offered, 1);
    assert_int_equal(summary_of(bed)->completed, 1);
}

static void a_record_of_what_has_ended_is_late(void **state)
{
    struct check_bed *bed = *state;
    const struct ledger *ledger = check_set_ledger(bed->set);
    check_bed_run_through(bed, A);
    check_bed_store(bed, A);
    assert_true(ledger_is_late(ledger));
    check_bed_queue(bed, A);
    assert_true(ledger_is_late(ledger));
    feed(bed, RECORD_MESSAGE_LOST, BED_SCHEDULER0, BED_INVOKER0, MSG_FETCHED);
    assert_false(ledger_is_late(ledger));
    feed(bed, RECORD_MESSAGE_REJECTED, BED_INVOKER0, BED_SCHEDULER0, MSG_FETCHED);
    assert_false(ledger_is_late(ledger));
    feed(bed, RECORD_ACKED, BED_INVOKER0, BED_CONTROLLER0, ACK_RESULT);
    assert_null(find(bed, A));
    sent(bed);
    assert_true(ledger_is_late(ledger));
    assert_int_equal(find(bed, A)->completions_sent, 2);
    assert_int_equal(find(bed, A)->completions_received, 1);
}

/* ---- messages that are lost or refused ---- */

static void a_dead_letter_takes_what_was_not_fetched(void **state)
{
    struct check_bed *bed = *state;
    for (unsigned is_fetched = 0; is_fetched < 2; is_fetched++) {
        check_bed_close(bed);
        check_bed_open(bed);
        check_bed_begin(bed);
        check_bed_until_queued(bed, A);
        feed(bed, RECORD_HANDED_OVER, BED_SCHEDULER0, BED_INVOKER0, 0);
        if (is_fetched != 0)
            feed(bed, RECORD_FETCHED, BED_INVOKER0, NODE_NONE, 0);
        feed(bed, RECORD_MESSAGE_LOST, BED_SCHEDULER0, BED_SCHEDULER0, MSG_POST);
        assert_int_equal(find(bed, A)->invoker, is_fetched != 0 ? BED_INVOKER0 : NODE_NONE);
        assert_int_equal(find(bed, A)->lost_place, PLACE_HANDLER);
        assert_int_equal(find(bed, A)->lost_node, BED_SCHEDULER0);
    }
}

static void only_an_invoker_that_had_not_begun_refuses_a_run(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    feed(bed, RECORD_HANDED_OVER, BED_SCHEDULER0, BED_INVOKER0, 0);
    feed(bed, RECORD_MESSAGE_REJECTED, BED_SCHEDULER0, BED_INVOKER0, MSG_FETCH);
    assert_int_equal(find(bed, A)->invoker, BED_INVOKER0);
    assert_int_equal(find(bed, A)->lost_at, 0);
    feed(bed, RECORD_MESSAGE_REJECTED, BED_INVOKER0, BED_SCHEDULER0, MSG_FETCHED);
    assert_int_equal(find(bed, A)->invoker, NODE_NONE);
    assert_int_equal(find(bed, A)->lost_at, bed->at);
    assert_int_equal(find(bed, A)->lost_node, BED_INVOKER0);
    check_bed_start(bed, A); /* alive after all */
    assert_int_equal(find(bed, A)->lost_at, 0);
    assert_int_equal(find(bed, A)->lost_node, NODE_NONE);
    feed(bed, RECORD_MESSAGE_REJECTED, BED_INVOKER0, BED_SCHEDULER0, MSG_FETCHED);
    assert_int_equal(find(bed, A)->invoker, BED_INVOKER0);
    assert_int_equal(find(bed, A)->lost_at, 0);
}

/* ---- requests ---- */

static void an_attempt_keeps_the_entry_of_its_own(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    check_bed_accept(bed, A_AGAIN); /* the client sent it again, and both were taken */
    assert_non_null(find(bed, A));
    assert_non_null(find(bed, A_AGAIN));
    check_bed_accept(bed, A_AGAIN); /* of both, this one is meant */
    assert_int_equal(node(bed, BED_CONTROLLER0)->slot_count, 2);
    assert_int_equal(summary_of(bed)->accepted, 2);
    check_bed_answer(bed, A_AGAIN, 202);
    assert_true((find(bed, A)->flags & LEDGER_DONE) == 0);
    assert_true((find(bed, A_AGAIN)->flags & LEDGER_DONE) != 0);
    check_bed_answer(bed, ACTIVATION_ID(1, 3), 202); /* whichever is first */
    assert_true((find(bed, A)->flags & LEDGER_DONE) != 0);
}

static void a_refusal_is_final_and_an_answer_ends_the_request(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    feed(bed, RECORD_REJECTED, BED_CONTROLLER0, NODE_NONE, 0);
    assert_true((find(bed, A)->flags & LEDGER_REFUSED) != 0);
    assert_int_equal(node(bed, BED_CONTROLLER0)->request_count, 0);
    check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_DONE,
                                        .node = BED_CLIENT,
                                        .activation = A,
                                        .value = 503});
    assert_null(find(bed, A));
    check_bed_until_queued(bed, ACTIVATION_ID(2, 0));
    check_bed_feed(bed, (struct record){.kind = RECORD_ANSWERED,
                                        .node = BED_CONTROLLER0,
                                        .activation = ACTIVATION_ID(2, 0),
                                        .value = 202});
    assert_true((find(bed, ACTIVATION_ID(2, 0))->flags & LEDGER_REFUSED) == 0);
    assert_int_equal(node(bed, BED_CONTROLLER0)->request_count, 0);
    assert_int_equal(node(bed, BED_CONTROLLER0)->slot_count, 1);
}

static void what_was_answered_opens_no_request_again(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_answer(bed, A, 0);
    feed(bed, RECORD_EDGE_PASSED, BED_EDGE, BED_CONTROLLER1, 0);
    assert_int_equal(node(bed, BED_CONTROLLER1)->request_count, 0);
    check_bed_accept(bed, A);
    assert_int_equal(node(bed, BED_CONTROLLER0)->request_count, 0);
    assert_int_equal(node(bed, BED_CONTROLLER0)->slot_count, 1);
}

static void only_what_was_answered_over_http_has_a_latency(void **state)
{
    static const uint64_t statuses[] = {0, 1, 199, 200, 502};
    struct check_bed *bed = *state;
    for (uint32_t i = 0; i < 5; i++) {
        check_bed_until_queued(bed, ACTIVATION_ID(10 + i, 0));
        check_bed_answer(bed, ACTIVATION_ID(10 + i, 0), statuses[i]);
        assert_int_equal(summary_of(bed)->latency.count, i < 3 ? 0 : i - 2);
    }
}

/* Components of a sequence and firings are none of the requests that a minute may have. */
static void requests_of_a_minute_are_those_of_callers(void **state)
{
    struct check_bed *bed = *state;
    struct action_info actions[2] = {bed->cluster.actions[0], bed->cluster.actions[1]};
    actions[BED_OTHER].kind = ACTION_TRIGGER;
    bed->cluster.actions = actions;
    bed->namespaces[0].invocations_per_minute = 1;
    const struct limits *limits = ledger_limits(check_set_ledger(bed->set));
    check_bed_accept(bed, PART); /* a component: blocking */
    assert_false(limits_reached(limits, bed->at, BED_GUEST, BED_HELLO, NODE_NONE));
    check_bed_feed(bed, (struct record){.kind = RECORD_CHAIN_STARTED,
                                        .node = BED_CONTROLLER0,
                                        .activation = A,
                                        .action = BED_OTHER});
    assert_false(limits_reached(limits, bed->at, BED_GUEST, BED_HELLO, NODE_NONE));
    check_bed_feed(bed, (struct record){.kind = RECORD_ACCEPTED, /* a rule's */
                                        .node = BED_CONTROLLER0,
                                        .activation = PART + 4});
    assert_true(limits_reached(limits, bed->at, BED_GUEST, BED_HELLO, NODE_NONE));
}

/* ---- the end of a process ---- */

static void a_stop_takes_only_what_the_process_had(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER1);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_CONTROLLER1);
    assert_int_equal(find(bed, A)->lost_at, 0);
    assert_int_equal(find(bed, A)->place, PLACE_QUEUE);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_CONTROLLER0);
    assert_int_equal(find(bed, A)->lost_node, BED_CONTROLLER0);
    assert_int_equal(find(bed, A)->request_node, NODE_NONE);
    assert_true((find(bed, A)->flags & (LEDGER_SLOT | LEDGER_REQUEST)) == 0);
    assert_int_equal(ledger_in_flight(check_set_ledger(bed->set)), 0);
}

static void what_a_kill_would_lose_is_said_part_by_part(void **state)
{
    (void)state;
    struct ledger_risk all = {.topic = 1,
                              .feed = 2,
                              .look_up = 3,
                              .queue = 4,
                              .running = 5,
                              .unacked = 6,
                              .unstored = 7,
                              .slots = 8,
                              .requests = 9};
    char text[240];
    ledger_risk_print(&all, text, sizeof text);
    assert_string_equal(text, "1 in its topic, 2 fetched and not handled, 3 being looked up, 4 "
                              "in its queues, 5 running, 6 not acknowledged, 7 without a "
                              "record, 8 unfinished, 9 with an open request");
}

static void a_handed_over_one_is_at_risk_for_five_seconds(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    feed(bed, RECORD_HANDED_OVER, BED_SCHEDULER0, BED_INVOKER0, 0);
    check_bed_wait(bed, SEC(5));
    assert_int_equal(risk(bed, BED_INVOKER0).running, 1);
    check_bed_wait(bed, 1);
    assert_int_equal(risk(bed, BED_INVOKER0).total, 0);
    feed(bed, RECORD_FETCHED, BED_INVOKER0, NODE_NONE, 0);
    check_bed_wait(bed, SEC(60));
    assert_int_equal(risk(bed, BED_INVOKER0).running, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, check_bed_setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_unreadable_completion_is_taken_from_those_that_were_sent),
        TEST(an_unreadable_completion_is_a_death_unless_one_came_before),
        TEST(a_completion_that_comes_too_late_frees_no_slot),
        TEST(an_invoker_has_done_when_it_acked_and_stored),
        TEST(an_unreadable_ack_is_one_too),
        TEST(a_run_after_the_end_owes_an_ack_and_a_record_of_its_own),
        TEST(a_record_of_what_has_ended_is_late),
        TEST(a_dead_letter_takes_what_was_not_fetched),
        TEST(only_an_invoker_that_had_not_begun_refuses_a_run),
        TEST(an_attempt_keeps_the_entry_of_its_own),
        TEST(a_refusal_is_final_and_an_answer_ends_the_request),
        TEST(what_was_answered_opens_no_request_again),
        TEST(only_what_was_answered_over_http_has_a_latency),
        TEST(requests_of_a_minute_are_those_of_callers),
        TEST(a_stop_takes_only_what_the_process_had),
        cmocka_unit_test(what_a_kill_would_lose_is_said_part_by_part),
        TEST(a_handed_over_one_is_at_risk_for_five_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
