/*
 * test_check_fate.c - no-lost-activation: where each place is named; no-duplicate-completion
 * and no-double-execution: both sides of two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "support/check_bed.h"

#define LOST "no-lost-activation"
#define DOUBLED "no-duplicate-completion"
#define TWICE "no-double-execution"
#define A ACTIVATION_ID(1, 0)

static const struct summary *summary_of(const struct check_bed *bed)
{
    return check_set_summary(bed->set);
}

static uint64_t feed(struct check_bed *bed, enum record_kind kind, node_id node, node_id peer)
{
    return check_bed_feed(
        bed,
        (struct record){.kind = (uint16_t)kind, .node = node, .activation = A, .peer = peer});
}

/* Up to a place; the seq of the last movement. */
static uint64_t bring(struct check_bed *bed, enum ledger_place place)
{
    check_bed_send(bed, A);
    uint64_t seq = check_bed_accept(bed, A);
    if (place >= PLACE_TOPIC)
        seq = check_bed_append(bed, A);
    if (place >= PLACE_FEED)
        seq = check_bed_commit(bed);
    if (place >= PLACE_HANDLER)
        seq = check_bed_deliver(bed, A);
    if (place == PLACE_LOOK_UP)
        seq = feed(bed, RECORD_LOOKED_UP, BED_SCHEDULER0, NODE_NONE);
    if (place == PLACE_FORWARDED)
        seq = feed(bed, RECORD_FORWARDED, BED_SCHEDULER0, BED_SCHEDULER1);
    if (place == PLACE_QUEUE)
        seq = check_bed_queue(bed, A);
    assert_int_equal(ledger_activation(check_set_ledger(bed->set), A)->place, place);
    return seq;
}

static void finish(struct check_bed *bed)
{
    check_set_settle(bed->set, bed->at, NULL);
    check_set_end(bed->set, bed->at);
}

static void expect_lost(struct check_bed *bed, struct violation want, const char *how)
{
    want.activation = A;
    (void)snprintf(want.text, sizeof want.text,
                   "the activation of guest/hello, accepted by controller0, has no "
                   "completion: %s",
                   how);
    check_bed_told(bed, LOST, 1, &want);
    assert_int_equal(summary_of(bed)->lost, 1);
}

static void fresh(struct check_bed *bed)
{
    check_bed_close(bed);
    check_bed_open(bed);
    check_bed_begin(bed);
}

static void what_never_ended_is_named_by_its_place(void **state)
{
    static const char *const words[PLACE_COUNT] = {
        [PLACE_TOPIC] = "at the end it is still in the topic of scheduler0",
        [PLACE_FEED] = "at the end it is still fetched and not handled at scheduler0",
        [PLACE_HANDLER] = "at the end it is still in a mailbox of scheduler0",
        [PLACE_LOOK_UP] = "at the end it is still in a look-up at scheduler0",
        [PLACE_FORWARDED] = "at the end it is still on its way to scheduler1",
        [PLACE_QUEUE] = "at the end it is still in a queue of scheduler0",
    };
    struct check_bed *bed = *state;
    for (unsigned place = PLACE_TOPIC; place < PLACE_COUNT; place++) {
        fresh(bed);
        check_bed_wait(bed, MSEC(1234));
        struct violation want = {.at = bed->at,
                                 .seq = bring(bed, (enum ledger_place)place),
                                 .node = BED_CONTROLLER0};
        check_bed_wait(bed, SEC(5));
        finish(bed);
        expect_lost(bed, want, words[place]);
    }
}

static void what_died_with_its_process_is_named_by_its_place_there(void **state)
{
    static const char *const words[PLACE_COUNT] = {
        [PLACE_FEED] = "it died fetched and not handled at scheduler0 at 1.234 s",
        [PLACE_HANDLER] = "it died in a mailbox of scheduler0 at 1.234 s",
        [PLACE_LOOK_UP] = "it died in a look-up at scheduler0 at 1.234 s",
        [PLACE_FORWARDED] = "it died on its way to scheduler1 at 1.234 s",
        [PLACE_QUEUE] = "it died in a queue of scheduler0 at 1.234 s",
    };
    struct check_bed *bed = *state;
    for (unsigned place = PLACE_FEED; place < PLACE_COUNT; place++) {
        fresh(bed);
        bring(bed, (enum ledger_place)place);
        check_bed_wait(bed, MSEC(1234));
        node_id node = place == PLACE_FORWARDED ? BED_SCHEDULER1 : BED_SCHEDULER0;
        struct violation want = {.at = bed->at, .node = node};
        want.seq = check_bed_node(bed, RECORD_NODE_STOPPED, node);
        check_bed_node(bed, RECORD_NODE_STOPPED, BED_CONTROLLER0); /* the first death counts */
        check_bed_wait(bed, SEC(5));
        finish(bed);
        expect_lost(bed, want, words[place]);
    }
}

static void what_is_not_at_a_scheduler_is_named_by_who_had_it(void **state)
{
    struct check_bed *bed = *state;
    check_bed_wait(bed, SEC(2) + MSEC(5));
    struct violation want = {
        .at = bed->at, .seq = bring(bed, PLACE_NONE), .node = BED_CONTROLLER0};
    check_bed_wait(bed, SEC(5));
    finish(bed);
    expect_lost(bed, want, "nothing moved it after 2.005 s");
    fresh(bed);
    bring(bed, PLACE_QUEUE);
    want = (struct violation){
        .at = bed->at, .seq = check_bed_start(bed, A), .node = BED_CONTROLLER0};
    finish(bed);
    expect_lost(bed, want, "at the end it is still at invoker0");
    fresh(bed);
    bring(bed, PLACE_QUEUE);
    check_bed_start(bed, A);
    check_bed_wait(bed, SEC(3));
    want = (struct violation){.at = bed->at, .node = BED_INVOKER0};
    want.seq = check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    feed(bed, RECORD_SLOT_FORCED, BED_CONTROLLER0, NODE_NONE);
    finish(bed);
    expect_lost(bed, want,
                "it died with invoker0 at 3.000 s; the controller's timer closed it");
}

static void acked(struct check_bed *bed, node_id by, enum outcome outcome)
{
    check_bed_feed(
        bed, (struct record){
                 .kind = RECORD_ACKED, .node = by, .activation = A, .detail = ACK_COMPLETION});
    check_bed_feed(bed, (struct record){.kind = RECORD_ACK_RECEIVED,
                                        .node = BED_CONTROLLER0,
                                        .activation = A,
                                        .detail = ACK_COMPLETION,
                                        .value = 1,
                                        .outcome = (uint8_t)outcome});
}

static void a_completion_that_cannot_be_read_is_the_reason(void **state)
{
    struct check_bed *bed = *state;
    bring(bed, PLACE_QUEUE);
    check_bed_wait(bed, SEC(1));
    struct violation want = {.at = bed->at, .node = BED_CONTROLLER0, .seq = bed->seq + 1};
    acked(bed, BED_SCHEDULER0, OUTCOME_FAILED);
    finish(bed);
    expect_lost(bed, want, "its completion was one that no controller can read");
}

/* Unreadable or not, one that came through leaves only the record to miss. */
static void a_completion_without_a_record_is_told_as_such(void **state)
{
    struct check_bed *bed = *state;
    bring(bed, PLACE_QUEUE);
    check_bed_start(bed, A);
    acked(bed, BED_INVOKER0, OUTCOME_FAILED);
    acked(bed, BED_INVOKER0, OUTCOME_OK);
    struct violation want = {.at = bed->at,
                             .seq = bed->seq - 3, /* the ack that nobody could read */
                             .activation = A,
                             .node = BED_CONTROLLER0,
                             .text = "the activation of guest/hello ended, but no record of it "
                                     "was written"};
    finish(bed);
    check_bed_told(bed, LOST, 1, &want);
}

static void a_record_without_a_completion_is_a_loss_too(void **state)
{
    struct check_bed *bed = *state;
    bring(bed, PLACE_QUEUE);
    check_bed_start(bed, A);
    struct violation want = {
        .at = bed->at, .seq = check_bed_store(bed, A), .node = BED_CONTROLLER0};
    finish(bed);
    expect_lost(bed, want, "at the end it is still at invoker0");
}

static void losses_are_told_in_the_order_of_their_ids(void **state)
{
    struct check_bed *bed = *state;
    static const uint32_t order[] = {3, 1, 4, 2};
    for (uint32_t i = 0; i < 4; i++)
        check_bed_until_queued(bed, ACTIVATION_ID(order[i], 0));
    check_bed_answer(bed, ACTIVATION_ID(2, 0), 500); /* its step was named with the failure */
    finish(bed);
    struct check_result lost = check_bed_result(bed, LOST);
    assert_int_equal(lost.violation_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(lost.examples[i].activation, ACTIVATION_ID(i + 1, 0));
    assert_int_equal(summary_of(bed)->lost_outside, 3);
    assert_int_equal(summary_of(bed)->failed_outside, 1);
}

static void the_systems_own_are_not_followed(void **state)
{
    struct check_bed *bed = *state;
    check_bed_accept(bed, ACTIVATION_SYSTEM | 4);
    finish(bed);
    assert_int_equal(check_bed_result(bed, LOST).verdict, CHECK_NOT_APPLICABLE);
}

/* ---- no-duplicate-completion ---- */

static void received(struct check_bed *bed)
{
    check_bed_feed(bed, (struct record){.kind = RECORD_ACK_RECEIVED,
                                        .node = BED_CONTROLLER1,
                                        .activation = A,
                                        .detail = ACK_COMPLETION});
}

static uint64_t sent(struct check_bed *bed)
{
    return check_bed_feed(bed, (struct record){.kind = RECORD_ACKED,
                                               .node = BED_INVOKER1,
                                               .activation = A,
                                               .detail = ACK_COMPLETION});
}

static void two_of_two_completions_are_told_and_no_third(void **state)
{
    struct check_bed *bed = *state;
    bring(bed, PLACE_QUEUE);
    check_bed_start(bed, A);
    assert_int_equal(check_bed_result(bed, DOUBLED).verdict, CHECK_NOT_APPLICABLE);
    check_bed_ack(bed, A);
    assert_int_equal(check_bed_result(bed, DOUBLED).verdict, CHECK_PASS);
    received(bed); /* the one read twice */
    check_bed_told(bed, DOUBLED, 0, NULL);
    sent(bed);
    check_bed_told(bed, DOUBLED, 0, NULL); /* two are sent; the second has not come */
    struct violation want = {.at = bed->at,
                             .seq = bed->seq,
                             .activation = A,
                             .node = BED_CONTROLLER1,
                             .text = "a second completion of the activation of guest/hello "
                                     "reached controller1"};
    received(bed);
    check_bed_told(bed, DOUBLED, 1, &want);
    sent(bed);
    received(bed);
    check_bed_told(bed, DOUBLED, 1, &want);
    assert_int_equal(summary_of(bed)->duplicated, 1);
}

static void two_that_were_sent_and_one_that_came_are_none(void **state)
{
    struct check_bed *bed = *state;
    bring(bed, PLACE_QUEUE);
    check_bed_start(bed, A);
    sent(bed);
    sent(bed);
    received(bed);
    check_bed_told(bed, DOUBLED, 0, NULL);
}

static void a_timer_that_closed_it_counts_as_one(void **state)
{
    struct check_bed *bed = *state;
    bring(bed, PLACE_QUEUE);
    check_bed_start(bed, A);
    feed(bed, RECORD_SLOT_FORCED, BED_CONTROLLER0, NODE_NONE);
    check_bed_told(bed, DOUBLED, 0, NULL);
    received(bed); /* of which nobody knows who sent it */
    check_bed_told(bed, DOUBLED, 0, NULL);
    sent(bed);
    struct violation want = {.at = bed->at,
                             .seq = bed->seq,
                             .activation = A,
                             .node = BED_CONTROLLER1,
                             .text = "a second completion of the activation of guest/hello "
                                     "reached controller1, after its timer had closed it"};
    received(bed);
    check_bed_told(bed, DOUBLED, 1, &want);
}

static void a_completion_after_the_end_is_the_second(void **state)
{
    struct check_bed *bed = *state;
    check_bed_run_through(bed, A);
    received(bed); /* the one that ended it, once more */
    check_bed_told(bed, DOUBLED, 0, NULL);
    sent(bed);
    check_bed_told(bed, DOUBLED, 0, NULL);
    received(bed);
    check_bed_told(bed, DOUBLED, 1, NULL);
    assert_null(ledger_activation(check_set_ledger(bed->set), A));
    assert_int_equal(summary_of(bed)->completed, 1);
    assert_int_equal(summary_of(bed)->offered, 1);
}

/* ---- no-double-execution ---- */

static void the_second_of_three_executions_is_told(void **state)
{
    struct check_bed *bed = *state;
    bring(bed, PLACE_QUEUE);
    assert_int_equal(check_bed_result(bed, TWICE).verdict, CHECK_NOT_APPLICABLE);
    check_bed_start(bed, A);
    assert_int_equal(check_bed_result(bed, TWICE).verdict, CHECK_PASS);
    struct record again = {
        .kind = RECORD_RUN_STARTED, .node = BED_INVOKER1, .activation = A, .container = 9};
    struct violation want = {
        .at = bed->at,
        .seq = check_bed_feed(bed, again),
        .activation = A,
        .container = 9,
        .node = BED_INVOKER1,
        .text = "a second execution of the activation of guest/hello starts on invoker1"};
    check_bed_told(bed, TWICE, 1, &want);
    check_bed_feed(bed, again);
    check_bed_told(bed, TWICE, 1, &want);
}

/* Only a run that the container gave back did not take place. */
static void a_run_that_could_not_be_given_back_counts(void **state)
{
    struct check_bed *bed = *state;
    bring(bed, PLACE_QUEUE);
    check_bed_start(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_RESCHEDULED,
                                        .node = BED_INVOKER0,
                                        .activation = A,
                                        .outcome = OUTCOME_FAILED});
    assert_int_equal(ledger_activation(check_set_ledger(bed->set), A)->invoker, BED_INVOKER0);
    check_bed_start(bed, A);
    check_bed_told(bed, TWICE, 1, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, check_bed_setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_never_ended_is_named_by_its_place),
        TEST(what_died_with_its_process_is_named_by_its_place_there),
        TEST(what_is_not_at_a_scheduler_is_named_by_who_had_it),
        TEST(a_completion_that_cannot_be_read_is_the_reason),
        TEST(a_completion_without_a_record_is_told_as_such),
        TEST(a_record_without_a_completion_is_a_loss_too),
        TEST(losses_are_told_in_the_order_of_their_ids),
        TEST(the_systems_own_are_not_followed),
        TEST(two_of_two_completions_are_told_and_no_third),
        TEST(two_that_were_sent_and_one_that_came_are_none),
        TEST(a_timer_that_closed_it_counts_as_one),
        TEST(a_completion_after_the_end_is_the_second),
        TEST(the_second_of_three_executions_is_told),
        TEST(a_run_that_could_not_be_given_back_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
