/*
 * test_ledger.c - where an activation is, what a kill loses, and what is let go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/check_bed.h"

#define A ACTIVATION_ID(1, 0)
#define A_AGAIN ACTIVATION_ID(1, 1)
#define B ACTIVATION_ID(2, 0)

static const struct ledger_activation *find(const struct check_bed *bed, activation_id a)
{
    return ledger_activation(check_set_ledger(bed->set), a);
}

static struct ledger_risk risk(const struct check_bed *bed, node_id node)
{
    return ledger_risk(check_set_ledger(bed->set), node, bed->at, SEC(20), SEC(20));
}

static const struct ledger_node *node(const struct check_bed *bed, node_id id)
{
    return ledger_node(check_set_ledger(bed->set), id);
}

static void an_activation_is_followed_from_topic_to_container(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    assert_int_equal(node(bed, BED_CONTROLLER0)->request_count, 1);
    check_bed_accept(bed, A);
    assert_int_equal(node(bed, BED_CONTROLLER0)->slot_count, 1);
    check_bed_append(bed, A);
    assert_int_equal(find(bed, A)->place, PLACE_TOPIC);
    assert_int_equal(node(bed, BED_SCHEDULER0)->topic_count, 1);
    check_bed_commit(bed);
    assert_int_equal(find(bed, A)->place, PLACE_FEED);
    assert_int_equal(node(bed, BED_SCHEDULER0)->topic_count, 0);
    assert_int_equal(node(bed, BED_SCHEDULER0)->held_count, 1);
    check_bed_deliver(bed, A);
    assert_int_equal(find(bed, A)->place, PLACE_HANDLER);
    check_bed_queue(bed, A);
    assert_int_equal(find(bed, A)->place, PLACE_QUEUE);
    check_bed_start(bed, A);
    assert_int_equal(find(bed, A)->place, PLACE_NONE);
    assert_int_equal(find(bed, A)->invoker, BED_INVOKER0);
    assert_int_equal(node(bed, BED_SCHEDULER0)->held_count, 0);
    assert_int_equal(node(bed, BED_INVOKER0)->invoker_count, 1);
    assert_int_equal(ledger_in_flight(check_set_ledger(bed->set)), 1);
    check_bed_ack(bed, A);
    assert_int_equal(ledger_in_flight(check_set_ledger(bed->set)), 0);
    assert_int_equal(node(bed, BED_INVOKER0)->invoker_count, 1); /* no record yet */
    check_bed_store(bed, A);
    assert_int_equal(node(bed, BED_INVOKER0)->invoker_count, 0);
    assert_non_null(find(bed, A)); /* its caller waits */
    check_bed_answer(bed, A, 200);
    assert_null(find(bed, A));
}

static void a_commit_takes_only_what_is_below_it(void **state)
{
    struct check_bed *bed = *state;
    activation_id ids[] = {A, B};
    for (unsigned i = 0; i < 2; i++) {
        check_bed_send(bed, ids[i]);
        check_bed_accept(bed, ids[i]);
        check_bed_append(bed, ids[i]);
    }
    check_bed_feed(bed, (struct record){.kind = RECORD_COMMITTED,
                                        .node = BED_KAFKA,
                                        .value = TOPIC(TOPIC_SCHEDULER, 0),
                                        .value2 = 1});
    assert_int_equal(find(bed, A)->place, PLACE_FEED);
    assert_int_equal(find(bed, B)->place, PLACE_TOPIC);
    check_bed_feed(bed, (struct record){.kind = RECORD_COMMITTED,
                                        .node = BED_KAFKA,
                                        .value = TOPIC(TOPIC_COMPLETED, 0),
                                        .value2 = 2});
    assert_int_equal(find(bed, B)->place, PLACE_TOPIC);
}

static void a_commit_that_outlives_its_process_is_a_loss(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    check_bed_append(bed, A);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER0);
    assert_int_equal(find(bed, A)->lost_at, 0);
    check_bed_commit(bed);
    assert_int_equal(find(bed, A)->place, PLACE_NONE);
    assert_int_equal(find(bed, A)->lost_node, BED_SCHEDULER0);
    assert_int_equal(find(bed, A)->lost_place, PLACE_FEED);
}

static void what_is_passed_on_is_held_by_the_receiver(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_FORWARDED,
                                        .node = BED_SCHEDULER0,
                                        .activation = A,
                                        .peer = BED_SCHEDULER1});
    assert_int_equal(risk(bed, BED_SCHEDULER0).total, 0);
    assert_int_equal(risk(bed, BED_SCHEDULER1).look_up, 1);
    check_bed_feed(bed, (struct record){.kind = RECORD_MESSAGE_LOST,
                                        .node = BED_SCHEDULER0,
                                        .activation = A,
                                        .peer = BED_SCHEDULER1,
                                        .detail = MSG_FORWARD});
    assert_int_equal(risk(bed, BED_SCHEDULER1).total, 0);
    assert_int_equal(find(bed, A)->lost_place, PLACE_FORWARDED);
}

static void a_dead_letter_is_lost_where_it_was(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    uint64_t seq = check_bed_feed(bed, (struct record){.kind = RECORD_MESSAGE_LOST,
                                                       .node = BED_SCHEDULER0,
                                                       .activation = A,
                                                       .peer = BED_SCHEDULER0,
                                                       .detail = MSG_POST});
    assert_int_equal(node(bed, BED_SCHEDULER0)->held_count, 0);
    assert_int_equal(find(bed, A)->lost_seq, seq);
    assert_int_equal(find(bed, A)->lost_place, PLACE_QUEUE);
}

static void a_kill_of_the_controller_takes_no_one_that_is_dead_already(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    assert_int_equal(risk(bed, BED_CONTROLLER0).slots, 1);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER0);
    assert_int_equal(risk(bed, BED_CONTROLLER0).slots, 0);
    assert_int_equal(risk(bed, BED_CONTROLLER0).requests, 1); /* its caller still waits */
    check_bed_answer(bed, A, 202);
    assert_int_equal(risk(bed, BED_CONTROLLER0).total, 0);
}

static void the_topic_counts_when_it_will_be_too_old(void **state)
{
    struct check_bed *bed = *state;
    const struct ledger *ledger = check_set_ledger(bed->set);
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    check_bed_append(bed, A);
    bed->at += SEC(3);
    assert_int_equal(ledger_risk(ledger, BED_SCHEDULER0, bed->at, SEC(20), SEC(20)).topic, 1);
    assert_int_equal(ledger_risk(ledger, BED_SCHEDULER0, bed->at, SEC(10), SEC(20)).topic, 0);
    assert_int_equal(ledger_risk(ledger, BED_SCHEDULER0, bed->at, 0, TSTAMP_NEVER).total, 0);
}

static void a_fetch_that_never_arrived_is_no_risk_for_ever(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_HANDED_OVER,
                                        .node = BED_SCHEDULER0,
                                        .activation = A,
                                        .container = 7,
                                        .peer = BED_INVOKER0});
    assert_int_equal(risk(bed, BED_INVOKER0).running, 1);
    bed->at += SEC(6);
    assert_int_equal(risk(bed, BED_INVOKER0).total, 0);
}

static void a_second_attempt_is_the_same_request(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_EDGE_PASSED,
                                        .node = BED_EDGE,
                                        .activation = A_AGAIN,
                                        .peer = BED_CONTROLLER1});
    assert_null(find(bed, A));
    assert_int_equal(node(bed, BED_CONTROLLER0)->request_count, 0);
    assert_int_equal(node(bed, BED_CONTROLLER1)->request_count, 1);
    check_bed_until_queued(bed, A_AGAIN);
    check_bed_start(bed, A_AGAIN);
    check_bed_ack(bed, A_AGAIN);
    check_bed_store(bed, A_AGAIN);
    check_bed_answer(bed, A, 200); /* the client knows its own number */
    assert_null(find(bed, A_AGAIN));
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(check_set_summary(bed->set)->offered, 1);
    assert_int_equal(check_set_summary(bed->set)->accepted, 1);
}

static void a_request_that_is_accepted_after_its_client_left_is_not_rejected(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_answer(bed, A, 0);
    assert_int_equal(check_set_summary(bed->set)->rejected, 1);
    check_bed_accept(bed, A);
    assert_int_equal(check_set_summary(bed->set)->rejected, 0);
    assert_int_equal(check_set_summary(bed->set)->accepted, 1);
    check_set_end(bed->set, bed->at); /* asserts the sums */
    assert_int_equal(check_set_summary(bed->set)->lost, 1);
}

static void a_refused_request_is_let_go_at_once(void **state)
{
    struct check_bed *bed = *state;
    check_bed_feed(
        bed, (struct record){.kind = RECORD_REQUEST_SENT, .node = BED_CLIENT, .activation = A});
    check_bed_answer(bed, A, 1);
    assert_null(find(bed, A));
    check_bed_send(bed, B);
    check_bed_answer(bed, B, 0);
    assert_non_null(find(bed, B)); /* the controller may still accept it */
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_CONTROLLER0);
    assert_null(find(bed, B));
}

static void it_says_what_a_kill_loses(void **state)
{
    (void)state;
    struct ledger_risk all = {.topic = 1, .look_up = 2, .queue = 30};
    char text[120], small[8];
    ledger_risk_print(&all, text, sizeof text);
    assert_string_equal(text, "1 in its topic, 2 being looked up, 30 in its queues");
    ledger_risk_print(&all, small, sizeof small);
    assert_string_equal(small, "1 in it");
}

static void open_creations_are_counted_and_end_with_their_scheduler(void **state)
{
    struct check_bed *bed = *state;
    struct record order = {.kind = RECORD_CREATION_ORDERED, .node = BED_SCHEDULER0};
    for (order.creation = 1; order.creation <= 3; order.creation++)
        check_bed_feed(bed, order);
    check_bed_feed(
        bed,
        (struct record){.kind = RECORD_CREATION_DONE, .node = BED_SCHEDULER0, .creation = 2});
    assert_int_equal(ledger_creations_open(check_set_ledger(bed->set)), 2);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER0);
    assert_int_equal(ledger_creations_open(check_set_ledger(bed->set)), 0);
}

#define BED_TEST(f) cmocka_unit_test_setup_teardown(f, check_bed_setup, check_bed_teardown)

#define PART ACTIVATION_ID(REQUEST_ENTRY_PART << 24 | 1, 0)

static void feed_chain(struct check_bed *bed, enum record_kind kind, activation_id id)
{
    check_bed_feed(bed, (struct record){.kind = (uint16_t)kind,
                                        .node = BED_CONTROLLER0,
                                        .activation = id,
                                        .action = BED_OTHER,
                                        .ns = BED_GUEST});
}

/* It is at risk from its start to its record; its component in between is another. */
static void a_sequence_is_open_until_its_record_is_written(void **state)
{
    struct check_bed *bed = *state;
    const struct summary *summary = check_set_summary(bed->set);
    check_bed_send(bed, A);
    feed_chain(bed, RECORD_CHAIN_STARTED, A);
    assert_int_equal(summary->accepted, 1);
    assert_int_equal(node(bed, BED_CONTROLLER0)->slot_count, 1);
    check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_DONE,
                                        .node = BED_CLIENT,
                                        .activation = A,
                                        .action = BED_OTHER,
                                        .ns = BED_GUEST,
                                        .value = 202});
    assert_int_equal(risk(bed, BED_CONTROLLER0).slots, 1);
    check_bed_accept(bed, PART);
    assert_int_equal(risk(bed, BED_CONTROLLER0).slots, 2);
    assert_int_equal(risk(bed, BED_CONTROLLER0).requests, 0); /* nobody waits for it */
    check_bed_append(bed, PART);
    check_bed_commit(bed);
    check_bed_start(bed, PART);
    check_bed_ack(bed, PART);
    check_bed_store(bed, PART);
    assert_null(find(bed, PART));
    assert_int_equal(risk(bed, BED_CONTROLLER0).slots, 1);
    feed_chain(bed, RECORD_CHAIN_ENDED, A);
    assert_int_equal(risk(bed, BED_CONTROLLER0).slots, 1);
    check_bed_store(bed, A);
    assert_null(find(bed, A));
    assert_int_equal(risk(bed, BED_CONTROLLER0).total, 0);
    assert_int_equal(ledger_in_flight(check_set_ledger(bed->set)), 0);
    assert_int_equal(summary->offered, 1);
    assert_int_equal(summary->accepted, 1);
    assert_int_equal(summary->completed, 1);
}

static void a_sequence_dies_with_its_controller_until_its_record_is_written(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    feed_chain(bed, RECORD_CHAIN_STARTED, A);
    feed_chain(bed, RECORD_CHAIN_ENDED, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_NODE_STOPPED, .node = BED_CONTROLLER0});
    assert_int_equal(node(bed, BED_CONTROLLER0)->slot_count, 0);
    assert_int_equal(find(bed, A)->lost_node, BED_CONTROLLER0);
    assert_int_equal(find(bed, A)->flags & LEDGER_STORED, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BED_TEST(an_activation_is_followed_from_topic_to_container),
        BED_TEST(a_sequence_is_open_until_its_record_is_written),
        BED_TEST(a_sequence_dies_with_its_controller_until_its_record_is_written),
        BED_TEST(a_commit_takes_only_what_is_below_it),
        BED_TEST(a_commit_that_outlives_its_process_is_a_loss),
        BED_TEST(what_is_passed_on_is_held_by_the_receiver),
        BED_TEST(a_dead_letter_is_lost_where_it_was),
        BED_TEST(a_kill_of_the_controller_takes_no_one_that_is_dead_already),
        BED_TEST(the_topic_counts_when_it_will_be_too_old),
        BED_TEST(a_fetch_that_never_arrived_is_no_risk_for_ever),
        BED_TEST(a_second_attempt_is_the_same_request),
        BED_TEST(a_request_that_is_accepted_after_its_client_left_is_not_rejected),
        BED_TEST(a_refused_request_is_let_go_at_once),
        BED_TEST(open_creations_are_counted_and_end_with_their_scheduler),
        cmocka_unit_test(it_says_what_a_kill_loses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
