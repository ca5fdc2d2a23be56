/* Checks of work and room: bounded-wait, no-creation-spike, slots-conserved, memory-conserved,
 * tenant-isolation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "core/fsm.h"
#include "support/check_bed.h"

#define A ACTIVATION_ID(1, 0)
#define BOX 7u /* check_bed_start's */

/* ---- bounded-wait ---- */

static void ten_seconds_in_a_queue_are_allowed(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_wait(bed, SEC(10));
    check_bed_start(bed, A);
    check_bed_ack(bed, A);
    check_bed_store(bed, A);
    check_bed_answer(bed, A, 200);
    check_bed_wait(bed, SEC(10));
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(check_bed_result(bed, "bounded-wait").verdict, CHECK_PASS);
}

static void a_longer_wait_is_told_once_and_where_it_is(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    check_bed_append(bed, A);
    check_bed_commit(bed);
    tstamp delivered_at = bed->at;
    uint64_t seq = check_bed_deliver(bed, A);
    check_bed_wait(bed, SEC(2));
    check_bed_queue(bed, A);
    check_bed_wait(bed, SEC(30));
    check_bed_start(bed, A);
    check_bed_ack(bed, A);
    check_bed_store(bed, A);
    check_bed_answer(bed, A, 200);
    const struct violation *v = check_bed_expect(bed, "bounded-wait", 1);
    assert_int_equal(v->at, delivered_at + SEC(10));
    assert_int_equal(v->seq, seq);
    assert_int_equal(v->activation, A);
    assert_int_equal(v->node, BED_SCHEDULER0);
    assert_non_null(strstr(v->text, "in its memory queue of scheduler0"));
}

static void what_goes_round_waits_on(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    check_bed_append(bed, A);
    check_bed_commit(bed);
    check_bed_deliver(bed, A);
    for (unsigned i = 0; i < 4; i++) {
        check_bed_feed(bed, (struct record){.kind = RECORD_FORWARDED,
                                            .node = BED_SCHEDULER0,
                                            .peer = BED_SCHEDULER1,
                                            .activation = A});
        check_bed_wait(bed, SEC(3));
    }
    assert_int_equal(check_bed_result(bed, "bounded-wait").violation_count, 1);
}

static void what_died_does_not_wait(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER0);
    check_bed_wait(bed, SEC(20));
    assert_int_equal(check_bed_result(bed, "bounded-wait").violation_count, 0);
}

/* ---- no-creation-spike ---- */

static void start_boxes(struct check_bed *bed, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        check_bed_container(bed, RECORD_CONTAINER_MADE, first + i);
}

static void twice_the_need_and_two_may_start(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    start_boxes(bed, 100, 4);
    assert_int_equal(check_bed_result(bed, "no-creation-spike").violation_count, 0);
    uint64_t seq = check_bed_container(bed, RECORD_CONTAINER_MADE, 104);
    struct check_result result = check_bed_result(bed, "no-creation-spike");
    assert_int_equal(result.violation_count, 1);
    assert_int_equal(result.examples[0].seq, seq);
    assert_int_equal(result.examples[0].action, BED_HELLO);
    assert_non_null(strstr(result.examples[0].text, "5 containers of guest/hello"));
}

static void starts_are_counted_in_five_seconds(void **state)
{
    struct check_bed *bed = *state;
    check_bed_send(bed, A);
    check_bed_accept(bed, A);
    start_boxes(bed, 100, 4);
    check_bed_wait(bed, SEC(5)); /* still inside */
    start_boxes(bed, 200, 1);
    assert_int_equal(check_bed_result(bed, "no-creation-spike").violation_count, 1);
    check_bed_wait(bed, SEC(5) + 1);
    start_boxes(bed, 300, 4);
    assert_int_equal(check_bed_result(bed, "no-creation-spike").violation_count, 1);
}

static void the_need_of_a_minute_ago_is_forgotten(void **state)
{
    struct check_bed *bed = *state;
    check_bed_run_through(bed, A);
    check_bed_run_through(bed, ACTIVATION_ID(2, 0));
    check_bed_wait(bed, SEC(59));
    start_boxes(bed, 100, 4);
    assert_int_equal(check_bed_result(bed, "no-creation-spike").violation_count, 0);
    check_bed_wait(bed, SEC(6));
    start_boxes(bed, 200, 3);
    assert_int_equal(check_bed_result(bed, "no-creation-spike").violation_count, 1);
}

/* ---- slots-conserved ---- */

static void force(struct check_bed *bed)
{
    check_bed_feed(
        bed,
        (struct record){.kind = RECORD_SLOT_FORCED, .node = BED_CONTROLLER0, .activation = A});
}

static void a_forced_slot_of_a_run_that_goes_on_is_told(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    force(bed);
    struct check_result result = check_bed_result(bed, "slots-conserved");
    assert_int_equal(result.violation_count, 1);
    assert_int_equal(result.examples[0].node, BED_CONTROLLER0);
    assert_non_null(strstr(result.examples[0].text, "still runs on invoker0"));
}

static void a_forced_slot_of_what_does_not_run_is_none(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    force(bed);
    assert_int_equal(check_bed_result(bed, "slots-conserved").violation_count, 0);
}

static void tell(struct check_bed *bed, enum permits what, uint64_t free, uint64_t capacity)
{
    check_bed_feed(bed, (struct record){.kind = RECORD_PERMITS,
                                        .node = BED_INVOKER0,
                                        .detail = what,
                                        .container = TOPIC(TOPIC_INVOKER, 0),
                                        .value = free,
                                        .value2 = capacity});
}

static void a_permit_that_is_not_back_at_rest_is_told(void **state)
{
    struct check_bed *bed = *state;
    tell(bed, PERMITS_FEED, 127, 128);
    check_bed_wait(bed, SEC(1));
    const struct violation *v = check_bed_expect(bed, "slots-conserved", 1);
    assert_int_equal(v->node, BED_INVOKER0);
    assert_non_null(strstr(v->text, "127 permits of 128"));
}

static void permits_that_came_back_or_died_are_none(void **state)
{
    struct check_bed *bed = *state;
    tell(bed, PERMITS_FEED, 127, 128);
    tell(bed, PERMITS_FEED, 128, 128);
    check_bed_expect(bed, NULL, 0);
}

static void a_process_that_stopped_owes_no_permits(void **state)
{
    struct check_bed *bed = *state;
    tell(bed, PERMITS_FEED, 100, 128);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    check_set_settle(bed->set, bed->at, NULL);
    assert_int_equal(check_bed_result(bed, "slots-conserved").violation_count, 0);
}

/* guest/hello takes 256 MB */
static void more_containers_than_memory_are_told(void **state)
{
    struct check_bed *bed = *state;
    tell(bed, PERMITS_MEMORY, 512, 512);
    start_boxes(bed, 100, 2);
    assert_int_equal(check_bed_result(bed, "slots-conserved").violation_count, 0);
    check_bed_container(bed, RECORD_CONTAINER_PAUSED, 100); /* counts as free */
    start_boxes(bed, 102, 1);
    assert_int_equal(check_bed_result(bed, "slots-conserved").violation_count, 0);
    start_boxes(bed, 103, 1);
    assert_int_equal(check_bed_result(bed, "slots-conserved").violation_count, 1);
}

/* ---- memory-conserved ---- */

static void memory_at_rest_is_what_containers_leave(void **state)
{
    struct check_bed *bed = *state;
    tell(bed, PERMITS_MEMORY, 1024, 1024);
    start_boxes(bed, 100, 1);
    tell(bed, PERMITS_MEMORY, 768, 1024);
    check_bed_wait(bed, SEC(4));
    check_set_settle(bed->set, bed->at, NULL);
    assert_int_equal(check_bed_result(bed, "memory-conserved").verdict, CHECK_PASS);
}

static void memory_that_nobody_holds_is_told(void **state)
{
    struct check_bed *bed = *state;
    start_boxes(bed, 100, 1);
    tell(bed, PERMITS_MEMORY, 768, 1024);
    check_bed_container(bed, RECORD_CONTAINER_GONE, 100);
    check_bed_wait(bed, SEC(3));
    const struct violation *v = check_bed_expect(bed, "memory-conserved", 1);
    assert_int_equal(v->node, BED_INVOKER0);
    assert_non_null(strstr(v->text, "768 MB of 1024 MB are free, its containers hold 0 MB"));
}

static void memory_that_is_held_and_not_accounted_is_told(void **state)
{
    struct check_bed *bed = *state;
    tell(bed, PERMITS_MEMORY, 1024, 1024);
    start_boxes(bed, 100, 1);
    check_bed_wait(bed, SEC(3));
    check_set_settle(bed->set, bed->at, NULL);
    assert_int_equal(check_bed_result(bed, "memory-conserved").violation_count, 1);
}

static void a_figure_has_three_seconds_to_follow(void **state)
{
    struct check_bed *bed = *state;
    tell(bed, PERMITS_MEMORY, 1024, 1024);
    start_boxes(bed, 100, 1);
    check_bed_wait(bed, SEC(3) - 1);
    check_set_settle(bed->set, bed->at, NULL);
    assert_int_equal(check_bed_result(bed, "memory-conserved").violation_count, 0);
}

static void while_something_is_owed_memory_is_not_judged(void **state)
{
    struct check_bed *bed = *state;
    tell(bed, PERMITS_MEMORY, 512, 1024);
    check_set_settle(bed->set, bed->at, "an activation");
    assert_int_equal(check_bed_result(bed, "memory-conserved").violation_count, 0);
}

/* ---- tenant-isolation ---- */

static void a_run_in_a_container_of_another_namespace_is_told(void **state)
{
    struct check_bed *bed = *state;
    check_bed_feed(bed, (struct record){.kind = RECORD_CONTAINER_MADE,
                                        .node = BED_INVOKER0,
                                        .container = BOX,
                                        .ns = BED_GUEST + 1});
    check_bed_until_queued(bed, A);
    uint64_t seq = check_bed_start(bed, A);
    struct check_result result = check_bed_result(bed, "tenant-isolation");
    assert_int_equal(result.violation_count, 1);
    assert_int_equal(result.examples[0].seq, seq);
    assert_int_equal(result.examples[0].activation, A);
}

static void keys_under_another_namespace_are_told(void **state)
{
    struct check_bed *bed = *state;
    struct key key = {.family = KEY_EXISTING,
                      .ns = BED_GUEST + 1,
                      .action = BED_HELLO,
                      .node = BED_INVOKER0,
                      .id = BOX};
    check_bed_container(bed, RECORD_CONTAINER_MADE, BOX);
    check_bed_key_by(bed, RECORD_KEY_PUT, key, BED_INVOKER0, RECORD_KEY_CREATED);
    assert_int_equal(check_bed_result(bed, "tenant-isolation").violation_count, 1);
    check_bed_feed(bed, (struct record){.kind = RECORD_CREATION_ORDERED,
                                        .node = BED_SCHEDULER0,
                                        .creation = 9});
    key = (struct key){
        .family = KEY_IN_PROGRESS, .ns = BED_GUEST, .node = BED_SCHEDULER0, .id = 9};
    check_bed_key_by(bed, RECORD_KEY_PUT, key, BED_SCHEDULER0, RECORD_KEY_CREATED);
    assert_int_equal(check_bed_result(bed, "tenant-isolation").violation_count, 1);
    key.ns = BED_GUEST + 1;
    check_bed_key_by(bed, RECORD_KEY_PUT, key, BED_SCHEDULER0, 0);
    assert_int_equal(check_bed_result(bed, "tenant-isolation").violation_count, 2);
}

static void a_container_that_nobody_made_has_no_owner(void **state)
{
    struct check_bed *bed = *state;
    struct key key = {.family = KEY_WARMED,
                      .ns = BED_GUEST + 1,
                      .action = BED_HELLO,
                      .node = BED_INVOKER0,
                      .id = BOX};
    check_bed_key_by(bed, RECORD_KEY_PUT, key, BED_INVOKER0, RECORD_KEY_CREATED);
    check_bed_key_by(bed, RECORD_KEY_PUT, key, BED_INVOKER0, 0);
    struct check_result result = check_bed_result(bed, "tenant-isolation");
    assert_int_equal(result.violation_count, 0);
    assert_int_equal(result.verdict, CHECK_PASS);
}

static void ones_own_container_is_right(void **state)
{
    struct check_bed *bed = *state;
    check_bed_container(bed, RECORD_CONTAINER_MADE, BOX);
    check_bed_until_queued(bed, A);
    check_bed_start(bed, A);
    assert_int_equal(check_bed_result(bed, "tenant-isolation").verdict, CHECK_PASS);
}

static void what_was_handed_over_and_comes_back_waits_anew(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, A);
    check_bed_wait(bed, SEC(1));
    check_bed_feed(bed, (struct record){.kind = RECORD_HANDED_OVER,
                                        .node = BED_SCHEDULER0,
                                        .activation = A,
                                        .container = BOX,
                                        .peer = BED_INVOKER0});
    check_bed_wait(bed, SEC(7));
    check_bed_queue(bed, A);
    check_bed_wait(bed, SEC(5));
    assert_int_equal(check_bed_result(bed, "bounded-wait").violation_count, 0);
    check_bed_wait(bed, SEC(6));
    assert_int_equal(check_bed_result(bed, "bounded-wait").violation_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, check_bed_setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ten_seconds_in_a_queue_are_allowed),
        TEST(a_longer_wait_is_told_once_and_where_it_is),
        TEST(what_goes_round_waits_on),
        TEST(what_died_does_not_wait),
        TEST(twice_the_need_and_two_may_start),
        TEST(starts_are_counted_in_five_seconds),
        TEST(the_need_of_a_minute_ago_is_forgotten),
        TEST(a_forced_slot_of_a_run_that_goes_on_is_told),
        TEST(a_forced_slot_of_what_does_not_run_is_none),
        TEST(a_permit_that_is_not_back_at_rest_is_told),
        TEST(permits_that_came_back_or_died_are_none),
        TEST(a_process_that_stopped_owes_no_permits),
        TEST(more_containers_than_memory_are_told),
        TEST(memory_at_rest_is_what_containers_leave),
        TEST(memory_that_nobody_holds_is_told),
        TEST(memory_that_is_held_and_not_accounted_is_told),
        TEST(a_figure_has_three_seconds_to_follow),
        TEST(while_something_is_owed_memory_is_not_judged),
        TEST(a_run_in_a_container_of_another_namespace_is_told),
        TEST(keys_under_another_namespace_are_told),
        TEST(a_container_that_nobody_made_has_no_owner),
        TEST(ones_own_container_is_right),
        TEST(what_was_handed_over_and_comes_back_waits_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
