/*
 * test_check_keys.c - no-orphan-key and no-missing-key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/fsm.h"
#include "support/check_bed.h"

#define BOX 7u
#define QUEUE_RUNNING 1u /* of FSM_QUEUE */
#define QUEUE_REMOVING 6u

static const struct key box_key = {.family = KEY_EXISTING, .node = BED_INVOKER0, .id = BOX};
static const struct key warm_key = {.family = KEY_WARMED, .node = BED_INVOKER0, .id = BOX};
static const struct key queue_key = {.family = KEY_QUEUE};

static void live_box(struct check_bed *bed)
{
    check_bed_container(bed, RECORD_CONTAINER_MADE, BOX);
    check_bed_container(bed, RECORD_CONTAINER_USED, BOX);
    check_bed_key(bed, RECORD_KEY_PUT, box_key);
}

static void a_key_may_outlive_its_container_for_5_seconds(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    check_bed_container(bed, RECORD_CONTAINER_GONE, BOX);
    check_bed_wait(bed, SEC(5));
    check_bed_key(bed, RECORD_KEY_DELETED, box_key);
    check_bed_wait(bed, SEC(20));
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(check_bed_result(bed, "no-orphan-key").verdict, CHECK_PASS);
}

static void a_key_that_outlives_its_container_longer_is_an_orphan(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    tstamp gone_at = bed->at;
    uint64_t seq = check_bed_container(bed, RECORD_CONTAINER_GONE, BOX);
    check_bed_wait(bed, SEC(5) + 1);
    const struct violation *v = check_bed_expect(bed, "no-orphan-key", 1);
    assert_int_equal(v->at, gone_at + SEC(5));
    assert_int_equal(v->seq, seq);
    assert_int_equal(v->container, BOX);
    assert_true(key_equal(&v->key, &box_key));
    assert_non_null(strstr(v->text, "names a container that does not exist"));
}

static void a_container_has_two_keys_and_each_can_be_left_behind(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    check_bed_key(bed, RECORD_KEY_PUT, warm_key);
    check_bed_key(bed, RECORD_KEY_DELETED, warm_key);
    check_bed_container(bed, RECORD_CONTAINER_GONE, BOX);
    check_bed_wait(bed, SEC(5) + 1);
    check_bed_expect(bed, "no-orphan-key", 1);
}

static void a_key_for_a_container_that_never_was_is_an_orphan(void **state)
{
    struct check_bed *bed = *state;
    check_bed_key(bed, RECORD_KEY_PUT, warm_key);
    check_bed_wait(bed, SEC(6));
    check_bed_expect(bed, "no-orphan-key", 1);
}

static void keys_of_a_stopped_process_live_on_by_its_lease(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    check_bed_wait(bed, SEC(15));
    check_bed_key(bed, RECORD_KEY_DELETED, box_key);
    check_bed_key(bed, RECORD_KEY_DELETED,
                  (struct key){.family = KEY_INVOKERS, .node = BED_INVOKER0});
    check_bed_wait(bed, SEC(30));
    check_bed_expect(bed, NULL, 0);
}

static void containers_that_end_while_their_process_stops_count_from_its_end(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    check_bed_node(bed, RECORD_NODE_STOPPING, BED_INVOKER0);
    check_bed_container(bed, RECORD_CONTAINER_GONE, BOX);
    check_bed_wait(bed, SEC(10));
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    check_bed_wait(bed, SEC(15));
    check_bed_key(bed, RECORD_KEY_DELETED, box_key);
    check_bed_key(bed, RECORD_KEY_DELETED,
                  (struct key){.family = KEY_INVOKERS, .node = BED_INVOKER0});
    check_bed_wait(bed, SEC(30));
    check_bed_expect(bed, NULL, 0);
}

static void keys_that_outlive_the_lease_are_orphans(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    check_bed_wait(bed, SEC(15) + 1);
    const struct violation *v = check_bed_expect(bed, "no-orphan-key", 2);
    assert_non_null(strstr(v[0].text, "; its process has stopped"));
    assert_int_equal(v[1].node, BED_INVOKER0); /* its own key */
}

static void a_leader_key_without_any_queue_is_an_orphan(void **state)
{
    struct check_bed *bed = *state;
    check_bed_key(bed, RECORD_KEY_PUT, queue_key);
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER1);
    check_bed_queue_made(bed, RECORD_QUEUE_GONE, BED_SCHEDULER0);
    check_bed_wait(bed, SEC(20));
    assert_int_equal(check_bed_result(bed, "no-orphan-key").violation_count, 0);
    check_bed_queue_made(bed, RECORD_QUEUE_GONE, BED_SCHEDULER1);
    check_bed_wait(bed, SEC(6));
    const struct violation *v = check_bed_expect(bed, "no-orphan-key", 1);
    assert_int_equal(v->key.family, KEY_QUEUE);
}

static void a_bound_of_the_scenario_holds(void **state)
{
    struct check_bed *bed = *state;
    check_bed_open(bed);
    bed->settings.values[check_field_find("no-orphan-key", "grace")] = SEC(30);
    check_bed_begin(bed);
    live_box(bed);
    check_bed_container(bed, RECORD_CONTAINER_GONE, BOX);
    check_bed_wait(bed, SEC(30));
    check_bed_expect(bed, NULL, 0);
}

static void a_live_container_without_a_key_is_found(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    check_bed_key(bed, RECORD_KEY_DELETED, box_key);
    tstamp since = bed->at;
    check_bed_wait(bed, SEC(6));
    const struct violation *v = check_bed_expect(bed, "no-missing-key", 1);
    assert_int_equal(v->at, since + SEC(5));
    assert_int_equal(v->container, BOX);
    assert_non_null(strstr(v->text, "a live container has no key"));
}

static void a_paused_container_has_its_warmed_key(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    check_bed_key(bed, RECORD_KEY_PUT, warm_key);
    check_bed_container(bed, RECORD_CONTAINER_PAUSED, BOX);
    check_bed_key(bed, RECORD_KEY_DELETED, box_key);
    check_bed_wait(bed, SEC(60));
    check_bed_expect(bed, NULL, 0);
}

static void a_container_that_is_not_used_yet_needs_no_key(void **state)
{
    struct check_bed *bed = *state;
    check_bed_container(bed, RECORD_CONTAINER_MADE, BOX);
    check_bed_wait(bed, SEC(60));
    check_bed_expect(bed, NULL, 0);
}

static void a_draining_invoker_takes_its_keys_back_first(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER0);
    check_bed_key(bed, RECORD_KEY_DELETED, box_key);
    check_bed_wait(bed, SEC(60));
    check_bed_expect(bed, NULL, 0);
}

static void a_running_queue_without_its_leader_key_is_found(void **state)
{
    struct check_bed *bed = *state;
    check_bed_key(bed, RECORD_KEY_PUT, queue_key);
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
    check_bed_key(bed, RECORD_KEY_DELETED, queue_key);
    check_bed_wait(bed, SEC(6));
    check_bed_expect(bed, "no-missing-key", 1);
}

static void a_queue_that_leaves_needs_no_leader_key(void **state)
{
    struct check_bed *bed = *state;
    struct record move = {.kind = RECORD_STATE,
                          .node = BED_SCHEDULER0,
                          .ns = NAMESPACE_NONE,
                          .detail = FSM_QUEUE,
                          .value = QUEUE_RUNNING,
                          .value2 = QUEUE_REMOVING};
    check_bed_key(bed, RECORD_KEY_PUT, queue_key);
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
    check_bed_feed(bed, move);
    check_bed_key(bed, RECORD_KEY_DELETED, queue_key);
    check_bed_wait(bed, SEC(60));
    check_bed_expect(bed, NULL, 0);
}

static void an_enabled_endpoint_without_its_key_is_found_and_a_disabled_one_is_not(void **state)
{
    struct check_bed *bed = *state;
    struct key key = {.family = KEY_SCHEDULER, .node = BED_SCHEDULER0};
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    check_bed_key(bed, RECORD_KEY_DELETED, key);
    check_bed_wait(bed, SEC(60));
    assert_int_equal(check_bed_result(bed, "no-missing-key").violation_count, 0);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER0);
    check_bed_node(bed, RECORD_NODE_STARTED, BED_SCHEDULER0);
    check_bed_wait(bed, SEC(60)); /* it boots */
    assert_int_equal(check_bed_result(bed, "no-missing-key").violation_count, 0);
    check_bed_node(bed, RECORD_NODE_LISTENING, BED_SCHEDULER0);
    check_bed_wait(bed, SEC(6));
    const struct violation *v = check_bed_expect(bed, "no-missing-key", 1);
    assert_int_equal(v->node, BED_SCHEDULER0);
}

static void a_key_that_comes_back_in_time_is_not_missed(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    for (int i = 0; i < 100; i++) {
        check_bed_key(bed, RECORD_KEY_DELETED, box_key);
        check_bed_wait(bed, SEC(4));
        check_bed_key(bed, RECORD_KEY_PUT, box_key);
        check_bed_wait(bed, SEC(4));
    }
    check_bed_expect(bed, NULL, 0);
}

static void an_endpoint_that_never_had_its_key_is_named_by_it(void **state)
{
    struct check_bed *bed = *state;
    check_bed_open(bed);
    bed->set = check_set_new(bed->arena, &bed->world);
    check_bed_node(bed, RECORD_NODE_STARTED, BED_SCHEDULER1);
    check_bed_node(bed, RECORD_NODE_LISTENING, BED_SCHEDULER1);
    check_bed_node(bed, RECORD_NODE_STARTED, BED_INVOKER1);
    check_bed_node(bed, RECORD_NODE_LISTENING, BED_INVOKER1);
    check_bed_node(bed, RECORD_NODE_STARTED, BED_CONTROLLER1); /* has none */
    check_bed_node(bed, RECORD_NODE_LISTENING, BED_CONTROLLER1);
    check_bed_wait(bed, SEC(6));
    struct check_result result = check_bed_result(bed, "no-missing-key");
    assert_int_equal(result.violation_count, 2);
    assert_int_equal(result.examples[0].key.family, KEY_SCHEDULER);
    assert_int_equal(result.examples[0].key.node, BED_SCHEDULER1);
    assert_int_equal(result.examples[1].key.family, KEY_INVOKERS);
    assert_int_equal(result.examples[1].key.node, BED_INVOKER1);
}

static void without_keys_nothing_is_said_of_them(void **state)
{
    struct check_bed *bed = *state;
    check_bed_open(bed);
    bed->set = check_set_new(bed->arena, &bed->world);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER0);
    check_bed_container(bed, RECORD_CONTAINER_GONE, BOX);
    check_bed_wait(bed, SEC(60));
    assert_int_equal(check_bed_result(bed, "no-orphan-key").verdict, CHECK_NOT_APPLICABLE);
    check_bed_expect(bed, NULL, 0);
}

static void after_an_enable_a_container_owes_its_key_from_its_next_use(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER0);
    check_bed_key(bed, RECORD_KEY_DELETED, box_key);
    check_bed_wait(bed, SEC(20));
    assert_int_equal(check_bed_result(bed, "no-missing-key").violation_count, 0);
    check_bed_node(bed, RECORD_NODE_ENABLED, BED_INVOKER0);
    check_bed_wait(bed, SEC(20));
    assert_int_equal(check_bed_result(bed, "no-missing-key").violation_count, 0);
    check_bed_container(bed, RECORD_CONTAINER_USED, BOX);
    check_bed_wait(bed, SEC(6));
    struct check_result result = check_bed_result(bed, "no-missing-key");
    assert_int_equal(result.violation_count, 1);
    assert_int_equal(result.examples[0].container, BOX);
}

#define BED_TEST(f) cmocka_unit_test_setup_teardown(f, check_bed_setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BED_TEST(a_key_may_outlive_its_container_for_5_seconds),
        BED_TEST(a_key_that_outlives_its_container_longer_is_an_orphan),
        BED_TEST(a_container_has_two_keys_and_each_can_be_left_behind),
        BED_TEST(a_key_for_a_container_that_never_was_is_an_orphan),
        BED_TEST(keys_of_a_stopped_process_live_on_by_its_lease),
        BED_TEST(containers_that_end_while_their_process_stops_count_from_its_end),
        BED_TEST(keys_that_outlive_the_lease_are_orphans),
        BED_TEST(a_leader_key_without_any_queue_is_an_orphan),
        BED_TEST(a_bound_of_the_scenario_holds),
        BED_TEST(a_live_container_without_a_key_is_found),
        BED_TEST(a_paused_container_has_its_warmed_key),
        BED_TEST(a_container_that_is_not_used_yet_needs_no_key),
        BED_TEST(a_draining_invoker_takes_its_keys_back_first),
        BED_TEST(a_running_queue_without_its_leader_key_is_found),
        BED_TEST(a_queue_that_leaves_needs_no_leader_key),
        BED_TEST(an_enabled_endpoint_without_its_key_is_found_and_a_disabled_one_is_not),
        BED_TEST(a_key_that_comes_back_in_time_is_not_missed),
        BED_TEST(an_endpoint_that_never_had_its_key_is_named_by_it),
        BED_TEST(without_keys_nothing_is_said_of_them),
        BED_TEST(after_an_enable_a_container_owes_its_key_from_its_next_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
