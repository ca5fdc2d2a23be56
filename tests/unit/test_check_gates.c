/*
 * test_check_gates.c - count-truthful, restart-safe, drain-reaches-zero, capacity-floor: who is
 * judged, from which instant on, and the whole report.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "core/fsm.h"
#include "support/check_bed.h"

#define TRUTHFUL "count-truthful"
#define SAFE "restart-safe"
#define DRAIN "drain-reaches-zero"
#define FLOOR "capacity-floor"
#define A ACTIVATION_ID(1, 0)

static uint64_t edge(struct check_bed *bed, node_id controller, bool in)
{
    return check_bed_feed(bed, (struct record){.kind = RECORD_EDGE_CHANGED,
                                               .node = BED_EDGE,
                                               .peer = controller,
                                               .value = in});
}

static uint64_t answer(struct check_bed *bed, node_id node, uint8_t class, uint64_t value)
{
    return check_bed_feed(
        bed, (struct record){
                 .kind = RECORD_COUNT_ANSWERED, .node = node, .detail = class, .value = value});
}

static unsigned verdict(const struct check_bed *bed, const char *check)
{
    return check_bed_result(bed, check).verdict;
}

/* ---- count-truthful ---- */

static void only_a_disabled_gates_0_is_judged(void **state)
{
    struct check_bed *bed = *state;
    for (node_id node = 0; node < BED_NODES; node++) {
        bool is_gate = node >= BED_CONTROLLER0 && node <= BED_INVOKER1;
        check_bed_close(bed);
        check_bed_open(bed);
        check_bed_begin(bed);
        answer(bed, node, 2, 0);
        assert_int_equal(verdict(bed, TRUTHFUL), CHECK_NOT_APPLICABLE);
        check_bed_node(bed, RECORD_NODE_DISABLED, node);
        answer(bed, node, 2, 1);
        answer(bed, node, 1, 0);
        answer(bed, node, 3, 0);
        assert_int_equal(verdict(bed, TRUTHFUL), CHECK_NOT_APPLICABLE);
        answer(bed, node, 2, 0);
        assert_int_equal(verdict(bed, TRUTHFUL), is_gate ? CHECK_PASS : CHECK_NOT_APPLICABLE);
    }
}

static void a_controller_is_a_gate_out_of_the_edge_and_when_disabled(void **state)
{
    struct check_bed *bed = *state;
    edge(bed, BED_CONTROLLER1, false);
    answer(bed, BED_CONTROLLER0, 2, 0);
    assert_int_equal(verdict(bed, TRUTHFUL), CHECK_NOT_APPLICABLE);
    answer(bed, BED_CONTROLLER1, 2, 0);
    assert_int_equal(verdict(bed, TRUTHFUL), CHECK_PASS);
    check_bed_until_queued(bed, A);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_CONTROLLER0);
    struct violation want = {.at = bed->at,
                             .seq = answer(bed, BED_CONTROLLER0, 2, 0),
                             .activation = A,
                             .node = BED_CONTROLLER0,
                             .text = "controller0 answers 0 while a kill would lose 1: 1 "
                                     "unfinished (first: guest/hello)"};
    check_bed_told(bed, TRUTHFUL, 1, &want);
}

/* Standard: read at the earliest 20 s from now, too old after 20 s. */
static void what_is_appended_at_this_instant_is_not_yet_too_old(void **state)
{
    struct check_bed *bed = *state;
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    check_bed_append(bed, A);
    answer(bed, BED_SCHEDULER0, 2, 0);
    check_bed_told(bed, TRUTHFUL, 0, NULL);
    check_bed_wait(bed, 1);
    answer(bed, BED_SCHEDULER0, 2, 0);
    check_bed_told(bed, TRUTHFUL, 1, NULL);
}

static void the_bounds_of_the_topic_are_the_scenarios(void **state)
{
    struct check_bed *bed = *state;
    check_bed_close(bed);
    check_bed_open(bed);
    bed->settings.values[check_field_find(TRUTHFUL, "reads-after")] = SEC(12);
    bed->settings.values[check_field_find(TRUTHFUL, "too-old")] = SEC(15);
    check_bed_begin(bed);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    check_bed_append(bed, A);
    check_bed_wait(bed, SEC(3));
    answer(bed, BED_SCHEDULER0, 2, 0);
    check_bed_told(bed, TRUTHFUL, 0, NULL);
    check_bed_wait(bed, 1);
    answer(bed, BED_SCHEDULER0, 2, 0);
    check_bed_told(bed, TRUTHFUL, 1, NULL);
}

/* ---- restart-safe ---- */

static uint64_t stop(struct check_bed *bed, node_id node)
{
    return check_bed_node(bed, RECORD_NODE_STOPPED, node);
}

static void only_stops_of_the_three_kinds_are_judged(void **state)
{
    struct check_bed *bed = *state;
    for (node_id node = 0; node < BED_NODES; node++) {
        bool is_judged = node >= BED_CONTROLLER0 && node <= BED_INVOKER1;
        check_bed_close(bed);
        check_bed_open(bed);
        check_bed_begin(bed);
        check_bed_feed(bed, (struct record){.kind = RECORD_NODE_STOPPED,
                                            .node = node,
                                            .detail = 1}); /* by a fault */
        assert_int_equal(verdict(bed, SAFE), CHECK_NOT_APPLICABLE);
        stop(bed, node);
        assert_int_equal(verdict(bed, SAFE), is_judged ? CHECK_PASS : CHECK_NOT_APPLICABLE);
    }
}

static void a_stop_tells_the_first_of_all_that_it_takes(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, ACTIVATION_ID(3, 0));
    check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_SENT,
                                        .node = BED_CLIENT,
                                        .activation = ACTIVATION_ID(2, 0),
                                        .action = BED_OTHER});
    check_bed_feed(bed, (struct record){.kind = RECORD_ACCEPTED,
                                        .node = BED_CONTROLLER0,
                                        .activation = ACTIVATION_ID(2, 0),
                                        .action = BED_OTHER});
    check_bed_append(bed, ACTIVATION_ID(2, 0));
    check_bed_commit(bed);
    struct violation want = {.at = bed->at,
                             .seq = stop(bed, BED_SCHEDULER0),
                             .activation = ACTIVATION_ID(2, 0),
                             .node = BED_SCHEDULER0,
                             .action = BED_OTHER,
                             .text = "scheduler0 is stopped and takes 2 with it: 1 fetched and "
                                     "not handled, 1 in its queues (first: guest/other)"};
    check_bed_told(bed, SAFE, 1, &want);
}

static void leave_in_topic(struct check_bed *bed, activation_id id)
{
    check_bed_send(bed, id);
    check_bed_accept(bed, id);
    check_bed_append(bed, id);
}

static uint64_t end_wait(struct check_bed *bed, enum record_kind kind)
{
    return check_bed_feed(
        bed, (struct record){.kind = (uint16_t)kind,
                             .node = BED_SCHEDULER0,
                             .activation = A,
                             .peer = kind == RECORD_FORWARDED ? BED_SCHEDULER1 : BED_INVOKER0});
}

static void whatever_takes_it_further_takes_the_suspicion_back(void **state)
{
    static const enum record_kind kinds[] = {RECORD_FORWARDED, RECORD_QUEUED,
                                             RECORD_HANDED_OVER, RECORD_RUN_STARTED};
    struct check_bed *bed = *state;
    for (unsigned i = 0; i < 4; i++) {
        check_bed_close(bed);
        check_bed_open(bed);
        check_bed_begin(bed);
        leave_in_topic(bed, A);
        stop(bed, BED_SCHEDULER0);
        check_bed_node(bed, RECORD_NODE_STARTED, BED_SCHEDULER0);
        end_wait(bed, kinds[i]);
        end_wait(bed, RECORD_DROPPED); /* for another reason */
        check_set_end(bed->set, bed->at);
        check_bed_told(bed, SAFE, 0, NULL);
    }
}

static void one_of_the_topic_confirms_the_stop_for_all(void **state)
{
    struct check_bed *bed = *state;
    leave_in_topic(bed, A);
    leave_in_topic(bed, ACTIVATION_ID(2, 0));
    check_bed_wait(bed, SEC(1));
    struct violation want = {.at = bed->at,
                             .seq = stop(bed, BED_SCHEDULER0),
                             .activation = A,
                             .node = BED_SCHEDULER0,
                             .text =
                                 "scheduler0 was stopped with activations in its topic: one "
                                 "of guest/hello was given up by its successor"};
    check_bed_wait(bed, SEC(9));
    end_wait(bed, RECORD_DROPPED);
    check_bed_told(bed, SAFE, 1, &want);
    check_set_end(bed->set, bed->at); /* the other was never taken further: the same stop */
    check_bed_told(bed, SAFE, 1, &want);
}

static void a_stop_that_was_told_is_not_confirmed_again(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, ACTIVATION_ID(2, 0));
    leave_in_topic(bed, A);
    stop(bed, BED_SCHEDULER0);
    check_bed_told(bed, SAFE, 1, NULL);
    end_wait(bed, RECORD_DROPPED);
    check_bed_told(bed, SAFE, 1, NULL);
}

static void the_topic_of_another_scheduler_is_not_suspected(void **state)
{
    struct check_bed *bed = *state;
    leave_in_topic(bed, A);
    check_bed_until_queued(bed, ACTIVATION_ID(2, 0));
    check_bed_feed(bed, (struct record){.kind = RECORD_APPENDED,
                                        .node = BED_KAFKA,
                                        .activation = ACTIVATION_ID(2, 0),
                                        .value = TOPIC(TOPIC_SCHEDULER, 1)});
    stop(bed, BED_SCHEDULER1); /* has 2 in its topic, not A */
    end_wait(bed, RECORD_DROPPED);
    check_bed_told(bed, SAFE, 0, NULL);
    struct violation want = {.activation = ACTIVATION_ID(2, 0),
                             .at = bed->at,
                             .seq = bed->seq - 2,
                             .node = BED_SCHEDULER1,
                             .text =
                                 "scheduler1 was stopped with activations in its topic: one "
                                 "of guest/hello was never taken further"};
    check_set_end(bed->set, bed->at);
    check_bed_told(bed, SAFE, 1, &want);
}

/* ---- drain-reaches-zero ---- */

static void each_drain_has_its_own_15_minutes(void **state)
{
    struct check_bed *bed = *state;
    tstamp begin = bed->at;
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER0);
    answer(bed, BED_INVOKER0, 2, 3);
    check_bed_wait(bed, MINUTES(5));
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER1);
    uint64_t seq = answer(bed, BED_SCHEDULER1, 4, 0);
    uint64_t last = answer(bed, BED_INVOKER0, 2, 1);
    check_bed_wait(bed, MINUTES(10) + 1);
    struct violation want = {.at = begin + MINUTES(15),
                             .seq = last,
                             .node = BED_INVOKER0,
                             .action = ACTION_NONE,
                             .text = "invoker0 does not reach 0: its last answer is 1"};
    check_bed_told(bed, DRAIN, 1, &want);
    check_bed_wait(bed, MINUTES(5) - 1);
    check_bed_told(bed, DRAIN, 1, &want);
    check_bed_wait(bed, 1);
    want =
        (struct violation){.at = begin + MINUTES(20),
                           .seq = seq,
                           .node = BED_SCHEDULER1,
                           .action = ACTION_NONE,
                           .text = "scheduler1 does not reach 0: its last answer is HTTP 4xx"};
    check_bed_told(bed, DRAIN, 2, &want);
    check_bed_wait(bed, MINUTES(60));
    check_bed_told(bed, DRAIN, 2, &want);
}

static void a_drain_that_nobody_asks_is_not_judged_even_later(void **state)
{
    struct check_bed *bed = *state;
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER0);
    check_bed_wait(bed, MINUTES(15) + 1);
    assert_int_equal(verdict(bed, DRAIN), CHECK_NOT_APPLICABLE);
    answer(bed, BED_INVOKER0, 2, 3);
    answer(bed, BED_INVOKER0, 2, 0);
    answer(bed, BED_INVOKER0, 2, 3);
    check_bed_wait(bed, MINUTES(60));
    assert_int_equal(verdict(bed, DRAIN), CHECK_PASS);
}

static void leaving_0_is_told_at_the_first_number_above_it(void **state)
{
    struct check_bed *bed = *state;
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER1);
    answer(bed, BED_INVOKER1, 2, 0);
    answer(bed, BED_INVOKER1, 2, 0);
    answer(bed, BED_INVOKER1, 5, 7); /* no number */
    check_bed_told(bed, DRAIN, 0, NULL);
    struct violation want = {.at = bed->at,
                             .seq = answer(bed, BED_INVOKER1, 2, 7),
                             .node = BED_INVOKER1,
                             .text = "invoker1 leaves 0 again while it drains: it answers 7"};
    check_bed_told(bed, DRAIN, 1, &want);
    answer(bed, BED_INVOKER1, 2, 0);
    answer(bed, BED_INVOKER1, 2, 8);
    check_bed_wait(bed, MINUTES(20));
    check_bed_told(bed, DRAIN, 1, &want);
}

static void an_error_that_says_0_is_none(void **state)
{
    struct check_bed *bed = *state;
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER1);
    answer(bed, BED_INVOKER1, 5, 0);
    answer(bed, BED_INVOKER1, 2, 7); /* leaves nothing */
    check_bed_told(bed, DRAIN, 0, NULL);
}

static void a_controller_drains_while_it_is_up_and_out_of_the_edge(void **state)
{
    struct check_bed *bed = *state;
    edge(bed, BED_CONTROLLER1, false);
    answer(bed, BED_CONTROLLER1, 2, 3);
    check_bed_wait(bed, MINUTES(14));
    stop(bed, BED_CONTROLLER1);
    answer(bed, BED_CONTROLLER1, 2, 3); /* of nobody */
    check_bed_wait(bed, MINUTES(20));
    check_bed_told(bed, DRAIN, 0, NULL);
    tstamp begin = bed->at;
    check_bed_node(bed, RECORD_NODE_STARTED, BED_CONTROLLER1);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_CONTROLLER1); /* drains already */
    uint64_t seq = answer(bed, BED_CONTROLLER1, 2, 3);
    check_bed_wait(bed, MINUTES(15));
    check_bed_told(bed, DRAIN, 0, NULL);
    check_bed_wait(bed, 1);
    struct violation want = {.at = begin + MINUTES(15),
                             .seq = seq,
                             .node = BED_CONTROLLER1,
                             .action = ACTION_NONE,
                             .text = "controller1 does not reach 0: its last answer is 3"};
    check_bed_told(bed, DRAIN, 1, &want);
}

static void an_edge_entry_of_nobody_is_nothing(void **state)
{
    struct check_bed *bed = *state;
    edge(bed, BED_NODES, false);
    edge(bed, NODE_NONE, false);
    check_bed_wait(bed, MINUTES(20));
    check_bed_expect(bed, NULL, 0);
}

/* ---- capacity-floor ---- */

static void floor_is(struct check_bed *bed, const char *tier, uint64_t least)
{
    check_bed_close(bed);
    check_bed_open(bed);
    bed->settings.values[check_field_find(FLOOR, tier)] = least;
    check_bed_begin(bed);
}

static uint64_t health(struct check_bed *bed, node_id invoker, const char *to)
{
    return check_bed_feed(bed, (struct record){.kind = RECORD_STATE,
                                               .node = invoker,
                                               .detail = FSM_HEALTH,
                                               .value2 = check_bed_state(FSM_HEALTH, to)});
}

static void a_floor_of_two_is_told_at_the_first_to_go_and_each_time(void **state)
{
    struct check_bed *bed = *state;
    floor_is(bed, "invokers", 2);
    struct violation want = {
        .at = bed->at,
        .seq = health(bed, BED_INVOKER0, "Unhealthy"),
        .node = BED_INVOKER0,
        .action = ACTION_NONE,
        .text = "1 invoker up, at least 2 wanted: invoker0 was the last to go"};
    check_bed_told(bed, FLOOR, 1, &want);
    health(bed, BED_INVOKER0, "Offline");
    health(bed, BED_INVOKER1, "Offline"); /* far below already */
    health(bed, BED_INVOKER1, "Healthy"); /* one again */
    check_bed_told(bed, FLOOR, 1, &want);
    health(bed, BED_INVOKER0, "Healthy");
    check_bed_told(bed, FLOOR, 1, &want);
    want.seq = check_bed_key_by(bed, RECORD_KEY_DELETED,
                                (struct key){.family = KEY_INVOKERS, .node = BED_INVOKER0},
                                NODE_NONE, RECORD_KEY_EXPIRED);
    check_bed_told(bed, FLOOR, 2, &want);
}

static void a_floor_that_was_never_reached_is_not_judged(void **state)
{
    struct check_bed *bed = *state;
    floor_is(bed, "invokers", 3);
    health(bed, BED_INVOKER0, "Unhealthy");
    check_bed_told(bed, FLOOR, 0, NULL);
    floor_is(bed, "schedulers", 3);
    check_bed_key(bed, RECORD_KEY_DELETED,
                  (struct key){.family = KEY_SCHEDULER, .node = BED_SCHEDULER0});
    check_bed_told(bed, FLOOR, 0, NULL);
}

static void each_tier_has_its_own_words(void **state)
{
    struct check_bed *bed = *state;
    struct key key = {.family = KEY_SCHEDULER, .node = BED_SCHEDULER0};
    floor_is(bed, "schedulers", 2);
    struct violation want = {.at = bed->at, .node = BED_SCHEDULER0, .action = ACTION_NONE};
    want.seq = check_bed_key_by(bed, RECORD_KEY_DELETED, key, NODE_NONE, 0);
    strcpy(want.text, "1 scheduler with a key in etcd, at least 2 wanted: scheduler0 was the "
                      "last to go");
    check_bed_told(bed, FLOOR, 1, &want);
    floor_is(bed, "controllers", 2);
    want.node = BED_CONTROLLER1;
    want.seq = edge(bed, BED_CONTROLLER1, false);
    strcpy(want.text, "1 controller in the edge and listening, at least 2 wanted: controller1 "
                      "was the last to go");
    check_bed_told(bed, FLOOR, 1, &want);
    floor_is(bed, "controllers", 2);
    want.seq = stop(bed, BED_CONTROLLER1);
    check_bed_told(bed, FLOOR, 1, &want);
}

static void a_stopped_scheduler_serves_until_its_key_is_gone(void **state)
{
    struct check_bed *bed = *state;
    floor_is(bed, "schedulers", 2);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    stop(bed, BED_SCHEDULER0);
    check_bed_told(bed, FLOOR, 0, NULL);
    floor_is(bed, "invokers", 2);
    stop(bed, BED_INVOKER0); /* its key says `up` until the successor writes it */
    check_bed_told(bed, FLOOR, 0, NULL);
    check_bed_node(bed, RECORD_NODE_STARTED, BED_INVOKER0);
    check_bed_told(bed, FLOOR, 1, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, check_bed_setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_a_disabled_gates_0_is_judged),
        TEST(a_controller_is_a_gate_out_of_the_edge_and_when_disabled),
        TEST(what_is_appended_at_this_instant_is_not_yet_too_old),
        TEST(the_bounds_of_the_topic_are_the_scenarios),
        TEST(only_stops_of_the_three_kinds_are_judged),
        TEST(a_stop_tells_the_first_of_all_that_it_takes),
        TEST(whatever_takes_it_further_takes_the_suspicion_back),
        TEST(one_of_the_topic_confirms_the_stop_for_all),
        TEST(a_stop_that_was_told_is_not_confirmed_again),
        TEST(the_topic_of_another_scheduler_is_not_suspected),
        TEST(each_drain_has_its_own_15_minutes),
        TEST(a_drain_that_nobody_asks_is_not_judged_even_later),
        TEST(leaving_0_is_told_at_the_first_number_above_it),
        TEST(an_error_that_says_0_is_none),
        TEST(a_controller_drains_while_it_is_up_and_out_of_the_edge),
        TEST(an_edge_entry_of_nobody_is_nothing),
        TEST(a_floor_of_two_is_told_at_the_first_to_go_and_each_time),
        TEST(a_floor_that_was_never_reached_is_not_judged),
        TEST(each_tier_has_its_own_words),
        TEST(a_stopped_scheduler_serves_until_its_key_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
