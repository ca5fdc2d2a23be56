/*
 * test_check_room.c - bounded-wait, no-creation-spike, slots-conserved, memory-conserved,
 * tenant-isolation: the last instant that is right, the first that is not, and the report.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "core/fsm.h"
#include "support/check_bed.h"

#define WAIT "bounded-wait"
#define SPIKE "no-creation-spike"
#define SLOTS "slots-conserved"
#define MEMORY "memory-conserved"
#define TENANT "tenant-isolation"
#define A ACTIVATION_ID(1, 0)
#define ID(n) ACTIVATION_ID(n, 0)

/* ---- bounded-wait ---- */

static uint64_t move(struct check_bed *bed, enum record_kind kind, node_id peer)
{
    return check_bed_feed(bed, (struct record){.kind = (uint16_t)kind,
                                               .node = BED_SCHEDULER0,
                                               .activation = A,
                                               .peer = peer,
                                               .value = TOPIC(TOPIC_SCHEDULER, 0)});
}

static void a_wait_is_told_with_the_place_where_it_is(void **state)
{
    static const struct {
        enum record_kind kind;
        node_id at;
        const char *where;
    } rows[] = {
        {RECORD_DELIVERED, BED_SCHEDULER0, "the queue manager's mailbox of scheduler0"},
        {RECORD_LOOKED_UP, BED_SCHEDULER0, "a look-up of scheduler0"},
        {RECORD_FORWARDED, BED_SCHEDULER1, "a message to another of scheduler1"},
        {RECORD_QUEUED, BED_SCHEDULER0, "its memory queue of scheduler0"},
    };
    struct check_bed *bed = *state;
    for (unsigned i = 0; i < 4; i++) {
        check_bed_close(bed);
        check_bed_open(bed);
        bed->settings.values[check_field_find(WAIT, "within")] = MSEC(2500);
        check_bed_begin(bed);
        check_bed_send(bed, A);
        check_bed_accept(bed, A);
        check_bed_append(bed, A);
        check_bed_commit(bed);
        assert_int_equal(check_bed_result(bed, WAIT).verdict, CHECK_NOT_APPLICABLE);
        struct violation want = {.at = bed->at + MSEC(2500), .activation = A};
        want.seq = move(bed, RECORD_DELIVERED, NODE_NONE);
        check_bed_wait(bed, SEC(1));
        if (rows[i].kind != RECORD_DELIVERED)
            move(bed, rows[i].kind, rows[i].at);
        check_bed_wait(bed, MSEC(1500));
        check_bed_told(bed, WAIT, 0, NULL);
        assert_int_equal(check_bed_result(bed, WAIT).verdict, CHECK_PASS);
        check_bed_wait(bed, 1);
        want.node = rows[i].at;
        (void)snprintf(want.text, sizeof want.text,
                       "the activation of guest/hello waits at the schedulers for 2.500 s "
                       "already: now in %s",
                       rows[i].where);
        check_bed_told(bed, WAIT, 1, &want);
        check_bed_wait(bed, SEC(60));
        check_bed_told(bed, WAIT, 1, &want);
    }
}

static void what_was_given_up_does_not_wait(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    move(bed, RECORD_DROPPED, NODE_NONE);
    move(bed, RECORD_QUEUED, NODE_NONE);
    move(bed, RECORD_HANDED_OVER, BED_INVOKER0);
    check_bed_wait(bed, SEC(20));
    check_bed_told(bed, WAIT, 0, NULL);
}

/* Back in the topic it waits for a feed, which is not a wait at the schedulers. */
static void what_is_in_a_topic_or_of_another_topic_does_not_wait(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    check_bed_feed(bed, (struct record){.kind = RECORD_DELIVERED,
                                        .node = BED_CONTROLLER0,
                                        .activation = A,
                                        .value = TOPIC(TOPIC_COMPLETED, 0)});
    assert_int_equal(check_bed_result(bed, WAIT).verdict, CHECK_NOT_APPLICABLE);
    check_bed_append(bed, A);
    check_bed_wait(bed, SEC(20));
    check_bed_commit(bed);
    check_bed_deliver(bed, A);
    check_bed_wait(bed, SEC(1));
    check_bed_append(bed, A);
    check_bed_wait(bed, SEC(20));
    check_bed_told(bed, WAIT, 0, NULL);
}

/* ---- no-creation-spike ---- */

static uint64_t boxes(struct check_bed *bed, uint32_t first, uint32_t count)
{
    uint64_t seq = 0;
    for (uint32_t i = 0; i < count; i++)
        seq = check_bed_container(bed, RECORD_CONTAINER_MADE, first + i);
    return seq;
}

static void accept(struct check_bed *bed, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        check_bed_send(bed, ID(first + i));
        check_bed_accept(bed, ID(first + i));
    }
}

static void a_spike_tells_its_starts_and_the_need(void **state)
{
    struct check_bed *bed = *state;
    boxes(bed, 100, 2); /* two may always start */
    check_bed_told(bed, SPIKE, 0, NULL);
    struct violation want = {.at = bed->at,
                             .seq = boxes(bed, 102, 1),
                             .container = 102,
                             .node = BED_INVOKER0,
                             .text = "3 containers of guest/hello start within 5.000 s, and no "
                                     "more than 0 were needed in the minute before"};
    check_bed_told(bed, SPIKE, 1, &want);
    boxes(bed, 103, 1); /* counted anew */
    check_bed_wait(bed, SEC(5) + 1);
    boxes(bed, 104, 2); /* that one is past */
    check_bed_told(bed, SPIKE, 1, &want);
}

static void need_is_by_what_a_container_takes_at_once(void **state)
{
    static const struct {
        uint32_t concurrency, in_flight, allowed;
    } rows[] = {{0, 3, 8}, {1, 3, 8}, {3, 3, 4}, {3, 4, 6}, {3, 6, 6}, {3, 7, 8}};
    struct check_bed *bed = *state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_bed_close(bed);
        check_bed_open(bed);
        struct action_info actions[2] = {bed->cluster.actions[0], bed->cluster.actions[1]};
        actions[0].concurrency = rows[i].concurrency;
        bed->cluster.actions = actions;
        check_bed_begin(bed);
        accept(bed, 1, rows[i].in_flight);
        boxes(bed, 100, rows[i].allowed);
        check_bed_told(bed, SPIKE, 0, NULL);
        boxes(bed, 200, 1);
        check_bed_told(bed, SPIKE, 1, NULL);
    }
}

static void end_run(struct check_bed *bed, activation_id id)
{
    check_bed_append(bed, id);
    check_bed_commit(bed);
    check_bed_deliver(bed, id);
    check_bed_queue(bed, id);
    check_bed_start(bed, id);
    check_bed_ack(bed, id);
    check_bed_store(bed, id);
    check_bed_answer(bed, id, 200);
}

/* The second that runs and the 60 before. */
static void the_need_counts_for_a_minute_after_its_end(void **state)
{
    struct check_bed *bed = *state;
    for (unsigned is_late = 0; is_late < 2; is_late++) {
        check_bed_close(bed);
        check_bed_open(bed);
        check_bed_begin(bed);
        accept(bed, 1, 2);
        check_bed_wait(bed, SEC(100)); /* they run for long, and nothing else happens */
        end_run(bed, ID(1));
        end_run(bed, ID(2));
        check_bed_wait(bed, is_late != 0 ? SEC(61) : SEC(61) - 1);
        boxes(bed, 100, 6);
        check_bed_told(bed, SPIKE, is_late != 0 ? 2 : 0, NULL);
    }
}

static void what_is_forced_or_dies_with_its_controller_was_needed_until_then(void **state)
{
    struct check_bed *bed = *state;
    for (unsigned is_stop = 0; is_stop < 2; is_stop++) {
        check_bed_close(bed);
        check_bed_open(bed);
        check_bed_begin(bed);
        accept(bed, 1, 2);
        check_bed_wait(bed, SEC(100));
        for (uint32_t i = 1; i <= 2 && is_stop == 0; i++)
            check_bed_feed(bed, (struct record){.kind = RECORD_SLOT_FORCED,
                                                .node = BED_CONTROLLER0,
                                                .activation = ID(i)});
        if (is_stop != 0)
            check_bed_node(bed, RECORD_NODE_STOPPED, BED_CONTROLLER0);
        check_bed_wait(bed, SEC(60));
        boxes(bed, 100, 6);
        check_bed_told(bed, SPIKE, 0, NULL);
        check_bed_wait(bed, SEC(6));
        boxes(bed, 200, 3);
        check_bed_told(bed, SPIKE, 1, NULL);
    }
}

static void the_need_of_a_second_is_its_most(void **state)
{
    struct check_bed *bed = *state;
    accept(bed, 1, 3);
    end_run(bed, ID(1));
    end_run(bed, ID(2));
    end_run(bed, ID(3));
    boxes(bed, 100, 8);
    check_bed_told(bed, SPIKE, 0, NULL);
}

static void a_long_row_of_starts_is_counted_within_its_window(void **state)
{
    struct check_bed *bed = *state;
    accept(bed, 1, 20);
    for (uint32_t i = 0; i < 60; i++) { /* 26 in any 5 s: the ring grows and turns */
        boxes(bed, 100 + i, 1);
        check_bed_wait(bed, MSEC(200));
    }
    boxes(bed, 300, 17); /* 25 and these: 42 are allowed */
    check_bed_told(bed, SPIKE, 0, NULL);
    boxes(bed, 400, 1);
    check_bed_told(bed, SPIKE, 1, NULL);
}

static void starts_of_another_action_or_of_the_system_are_not_its_own(void **state)
{
    struct check_bed *bed = *state;
    boxes(bed, 100, 2);
    for (uint32_t i = 0; i < 9; i++)
        check_bed_feed(bed, (struct record){.kind = RECORD_CONTAINER_MADE,
                                            .node = BED_INVOKER0,
                                            .action = ACTION_WARM_UP,
                                            .container = 200 + i});
    for (uint32_t i = 0; i < 2; i++)
        check_bed_feed(bed, (struct record){.kind = RECORD_CONTAINER_MADE,
                                            .node = BED_INVOKER0,
                                            .action = BED_OTHER,
                                            .container = 300 + i});
    check_bed_told(bed, SPIKE, 0, NULL);
}

/* ---- slots-conserved ---- */

static uint64_t force(struct check_bed *bed)
{
    return check_bed_feed(
        bed,
        (struct record){.kind = RECORD_SLOT_FORCED, .node = BED_CONTROLLER0, .activation = A});
}

static void a_slot_is_held_from_the_fetch_to_the_ack(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    struct violation want = {.at = bed->at,
                             .seq = force(bed),
                             .activation = A,
                             .node = BED_CONTROLLER0,
                             .text = "controller0 frees the slot of an activation of "
                                     "guest/hello that still runs on invoker0"};
    check_bed_told(bed, SLOTS, 1, &want);
    check_bed_ack(bed, A);
    force(bed);
    check_bed_told(bed, SLOTS, 1, &want);
}

static void what_was_cut_or_stored_or_only_fetched_does_not_run(void **state)
{
    struct check_bed *bed = *state;
    for (unsigned i = 0; i < 3; i++) {
        check_bed_close(bed);
        check_bed_open(bed);
        check_bed_begin(bed);
        check_bed_until_queued(bed, A);
        if (i == 0)
            check_bed_feed(
                bed,
                (struct record){.kind = RECORD_FETCHED, .node = BED_INVOKER0, .activation = A});
        else
            check_bed_start(bed, A);
        if (i == 1)
            move(bed, RECORD_RUN_CUT, NODE_NONE);
        if (i == 2)
            check_bed_store(bed, A);
        force(bed);
        check_bed_told(bed, SLOTS, 0, NULL);
        assert_int_equal(check_bed_result(bed, SLOTS).verdict, CHECK_PASS);
    }
}

static void permits(struct check_bed *bed, node_id node, uint32_t topic, uint64_t free)
{
    check_bed_feed(bed, (struct record){.kind = RECORD_PERMITS,
                                        .node = node,
                                        .detail = PERMITS_FEED,
                                        .container = topic,
                                        .value = free,
                                        .value2 = 128});
}

static void each_feed_of_each_process_owes_its_permits(void **state)
{
    struct check_bed *bed = *state;
    permits(bed, BED_INVOKER0, 1, 100);
    permits(bed, BED_INVOKER0, 2, 101);
    permits(bed, BED_INVOKER1, 1, 102);
    permits(bed, BED_INVOKER1, 2, 128);
    uint64_t seq = bed->seq - 2;
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    check_bed_wait(bed, SEC(1));
    struct violation want = {.at = bed->at,
                             .seq = seq,
                             .node = BED_INVOKER1,
                             .action = ACTION_NONE,
                             .text = "a feed of invoker1 has 102 permits of 128 at rest, and "
                                     "nothing is outstanding"};
    check_set_settle(bed->set, bed->at, NULL);
    check_bed_told(bed, SLOTS, 1, &want);
}

static void permits_are_not_judged_while_something_is_owed(void **state)
{
    struct check_bed *bed = *state;
    permits(bed, BED_INVOKER0, 1, 100);
    check_set_settle(bed->set, bed->at, "an activation");
    check_bed_told(bed, SLOTS, 0, NULL);
}

static void says(struct check_bed *bed, node_id node, uint64_t free, uint64_t total)
{
    check_bed_feed(bed, (struct record){.kind = RECORD_PERMITS,
                                        .node = node,
                                        .detail = PERMITS_MEMORY,
                                        .value = free,
                                        .value2 = total});
}

static void the_memory_of_containers_is_told_above_the_whole(void **state)
{
    struct check_bed *bed = *state;
    says(bed, BED_INVOKER0, 512, 512);
    assert_int_equal(check_bed_result(bed, SLOTS).verdict, CHECK_NOT_APPLICABLE);
    boxes(bed, 100, 2);
    check_bed_told(bed, SLOTS, 0, NULL);
    assert_int_equal(check_bed_result(bed, SLOTS).verdict, CHECK_PASS);
    struct violation want = {.at = bed->at,
                             .seq = boxes(bed, 102, 1),
                             .container = 102,
                             .node = BED_INVOKER0,
                             .text = "the containers of invoker0 hold 768 MB of 512 MB"};
    check_bed_told(bed, SLOTS, 1, &want);
}

/* ---- memory-conserved ---- */

static uint64_t settled(struct check_bed *bed)
{
    check_set_settle(bed->set, bed->at, NULL);
    return check_bed_result(bed, MEMORY).violation_count;
}

static void fresh(struct check_bed *bed)
{
    check_bed_close(bed);
    check_bed_open(bed);
    check_bed_begin(bed);
}

/* 256 MB of the load; a health test's 128 MB may be accounted or not. */
static void a_figure_may_count_the_systems_containers_or_not(void **state)
{
    static const struct {
        uint32_t free;
        bool is_told;
    } rows[] = {{769, true}, {768, false}, {640, false}, {639, true}};
    struct check_bed *bed = *state;
    for (unsigned i = 0; i < 4; i++) {
        fresh(bed);
        boxes(bed, 100, 1);
        check_bed_feed(bed, (struct record){.kind = RECORD_CONTAINER_MADE,
                                            .node = BED_INVOKER0,
                                            .action = ACTION_HEALTH_TEST,
                                            .container = 101});
        says(bed, BED_INVOKER0, rows[i].free, 1024);
        check_bed_wait(bed, SEC(3));
        assert_int_equal(settled(bed), rows[i].is_told);
    }
}

static void a_figure_is_told_with_all_its_numbers(void **state)
{
    struct check_bed *bed = *state;
    boxes(bed, 100, 1);
    says(bed, BED_INVOKER0, 700, 1024);
    uint64_t seq = bed->seq - 1;
    says(bed, BED_INVOKER1, 1024, 1024);
    check_bed_wait(bed, SEC(3));
    assert_int_equal(settled(bed), 1);
    struct violation want = {.at = bed->at,
                             .seq = seq,
                             .node = BED_INVOKER0,
                             .action = ACTION_NONE,
                             .text = "invoker0 says that 700 MB of 1024 MB are free, its "
                                     "containers hold 256 MB"};
    check_bed_told(bed, MEMORY, 1, &want);
}

static void who_says_nothing_or_is_down_is_not_judged(void **state)
{
    struct check_bed *bed = *state;
    boxes(bed, 100, 1);
    permits(bed, BED_INVOKER0, 1, 128);
    check_bed_wait(bed, SEC(5));
    assert_int_equal(settled(bed), 0);
    assert_int_equal(check_bed_result(bed, MEMORY).verdict, CHECK_NOT_APPLICABLE);
    fresh(bed);
    boxes(bed, 100, 1);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    says(bed, BED_INVOKER0, 700, 1024); /* a lie from beyond */
    check_bed_wait(bed, SEC(5));
    assert_int_equal(settled(bed), 0);
    assert_int_equal(check_bed_result(bed, MEMORY).verdict, CHECK_PASS);
}

/* Neither a paused container nor one that is on its way out is the pool's. */
static void a_container_holds_memory_while_it_may_run(void **state)
{
    struct check_bed *bed = *state;
    struct record leaves = {
        .kind = RECORD_STATE, .node = BED_INVOKER0, .container = 100, .detail = FSM_PROXY};
    const struct ledger *ledger = check_set_ledger(bed->set);
    boxes(bed, 100, 1);
    assert_int_equal(ledger_node(ledger, BED_INVOKER0)->memory_held, 256);
    check_bed_container(bed, RECORD_CONTAINER_PAUSED, 100);
    assert_int_equal(ledger_node(ledger, BED_INVOKER0)->memory_held, 0);
    check_bed_container(bed, RECORD_CONTAINER_USED, 100);
    assert_int_equal(ledger_node(ledger, BED_INVOKER0)->memory_held, 256);
    leaves.value2 = check_bed_state(FSM_PROXY, "Running");
    check_bed_feed(bed, leaves);
    assert_int_equal(ledger_node(ledger, BED_INVOKER0)->memory_held, 256);
    leaves.value2 = check_bed_state(FSM_PROXY, "Removing");
    leaves.detail = FSM_QUEUE; /* another machine's state of that number */
    check_bed_feed(bed, leaves);
    assert_int_equal(ledger_node(ledger, BED_INVOKER0)->memory_held, 256);
    leaves.detail = FSM_PROXY;
    check_bed_feed(bed, leaves);
    assert_int_equal(ledger_node(ledger, BED_INVOKER0)->memory_held, 0);
    check_bed_container(bed, RECORD_CONTAINER_USED, 100); /* still leaving */
    assert_int_equal(ledger_node(ledger, BED_INVOKER0)->memory_held, 0);
    check_bed_container(bed, RECORD_CONTAINER_GONE, 100);
    boxes(bed, 100, 1); /* the same name, another container */
    assert_int_equal(ledger_node(ledger, BED_INVOKER0)->memory_held, 256);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    assert_int_equal(ledger_node(ledger, BED_INVOKER0)->memory_held, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, check_bed_setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wait_is_told_with_the_place_where_it_is),
        TEST(what_was_given_up_does_not_wait),
        TEST(what_is_in_a_topic_or_of_another_topic_does_not_wait),
        TEST(a_spike_tells_its_starts_and_the_need),
        TEST(need_is_by_what_a_container_takes_at_once),
        TEST(the_need_counts_for_a_minute_after_its_end),
        TEST(what_is_forced_or_dies_with_its_controller_was_needed_until_then),
        TEST(the_need_of_a_second_is_its_most),
        TEST(a_long_row_of_starts_is_counted_within_its_window),
        TEST(starts_of_another_action_or_of_the_system_are_not_its_own),
        TEST(a_slot_is_held_from_the_fetch_to_the_ack),
        TEST(what_was_cut_or_stored_or_only_fetched_does_not_run),
        TEST(each_feed_of_each_process_owes_its_permits),
        TEST(permits_are_not_judged_while_something_is_owed),
        TEST(the_memory_of_containers_is_told_above_the_whole),
        TEST(a_figure_may_count_the_systems_containers_or_not),
        TEST(a_figure_is_told_with_all_its_numbers),
        TEST(who_says_nothing_or_is_down_is_not_judged),
        TEST(a_container_holds_memory_while_it_may_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
