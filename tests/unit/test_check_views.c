/* Checks of keys and those who watch them: no-stale-view, leader-stable, throttle-truthful. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "core/fsm.h"
#include "support/check_bed.h"

#define BOX 0x77u
static const struct key leader_key = {
    .family = KEY_QUEUE, .ns = BED_GUEST, .action = BED_HELLO};
static const struct key action_throttle = {
    .family = KEY_THROTTLING, .ns = BED_GUEST, .action = BED_HELLO};
static const struct key ns_throttle = {
    .family = KEY_THROTTLING, .ns = BED_GUEST, .action = ACTION_NONE};
static const struct key warm_key = {.family = KEY_WARMED,
                                    .ns = BED_GUEST,
                                    .action = BED_HELLO,
                                    .revision = 1,
                                    .node = BED_INVOKER0,
                                    .id = BOX};
static const struct key box_key = {.family = KEY_EXISTING,
                                   .ns = BED_GUEST,
                                   .action = BED_HELLO,
                                   .revision = 1,
                                   .node = BED_INVOKER0,
                                   .id = BOX};

static int setup(void **state)
{
    check_bed_setup(state);
    check_bed_wait(*state, SEC(2)); /* all watch */
    return 0;
}

static void live_box(struct check_bed *bed)
{
    check_bed_container(bed, RECORD_CONTAINER_MADE, BOX);
    check_bed_container(bed, RECORD_CONTAINER_PAUSED, BOX);
}

/* ---- no-stale-view ---- */

static void a_watcher_has_five_seconds(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    check_bed_key_by(bed, RECORD_KEY_PUT, warm_key, BED_INVOKER0, RECORD_KEY_CREATED);
    check_bed_wait(bed, SEC(5));
    check_bed_believe(bed, BED_SCHEDULER0, warm_key, true);
    check_bed_believe(bed, BED_SCHEDULER1, warm_key, true);
    check_bed_wait(bed, SEC(20));
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(check_bed_result(bed, "no-stale-view").verdict, CHECK_PASS);
}

static void a_key_that_a_watcher_missed_makes_its_view_stale(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    tstamp put_at = bed->at;
    uint64_t seq =
        check_bed_key_by(bed, RECORD_KEY_PUT, warm_key, BED_INVOKER0, RECORD_KEY_CREATED);
    check_bed_believe(bed, BED_SCHEDULER0, warm_key, true);
    check_bed_wait(bed, SEC(5) + 1);
    const struct violation *v = check_bed_expect(bed, "no-stale-view", 1);
    assert_int_equal(v->at, put_at + SEC(5));
    assert_int_equal(v->seq, seq);
    assert_int_equal(v->node, BED_SCHEDULER1);
    assert_true(key_equal(&v->key, &warm_key));
    assert_non_null(strstr(v->text, "does not know"));
}

static void a_deletion_that_was_missed_is_a_ghost(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    check_bed_key(bed, RECORD_KEY_PUT, warm_key);
    check_bed_wait(bed, SEC(20));
    check_bed_container(bed, RECORD_CONTAINER_GONE, BOX);
    check_bed_key_by(bed, RECORD_KEY_DELETED, warm_key, BED_INVOKER0, 0);
    check_bed_believe(bed, BED_SCHEDULER1, warm_key, false);
    check_bed_wait(bed, SEC(6));
    const struct violation *v = check_bed_expect(bed, "no-stale-view", 1);
    assert_int_equal(v->node, BED_SCHEDULER0);
    assert_non_null(strstr(v->text, "still believes in"));
}

static void who_is_disabled_or_came_later_does_not_watch(void **state)
{
    struct check_bed *bed = *state;
    live_box(bed);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    check_bed_key_by(bed, RECORD_KEY_DELETED,
                     (struct key){.family = KEY_SCHEDULER, .node = BED_SCHEDULER0},
                     BED_SCHEDULER0, 0);
    check_bed_believe(bed, BED_CONTROLLER0,
                      (struct key){.family = KEY_SCHEDULER, .node = BED_SCHEDULER0}, false);
    check_bed_believe(bed, BED_CONTROLLER1,
                      (struct key){.family = KEY_SCHEDULER, .node = BED_SCHEDULER0}, false);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER1);
    check_bed_key_by(bed, RECORD_KEY_PUT, warm_key, BED_INVOKER0, RECORD_KEY_CREATED);
    check_bed_node(bed, RECORD_NODE_STARTED, BED_SCHEDULER1);
    check_bed_wait(bed, SEC(1));
    check_bed_node(bed, RECORD_NODE_LISTENING, BED_SCHEDULER1);
    check_bed_wait(bed, SEC(20));
    check_set_settle(bed->set, bed->at, NULL);
    assert_int_equal(check_bed_result(bed, "no-stale-view").violation_count, 0);
}

static void an_unknown_leader_is_looked_up_a_wrong_one_is_stale(void **state)
{
    struct check_bed *bed = *state;
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
    check_bed_key_by(bed, RECORD_KEY_PUT, leader_key, BED_SCHEDULER0, RECORD_KEY_CREATED);
    check_bed_feed(bed, (struct record){.kind = RECORD_VIEW_CHANGED,
                                        .node = BED_CONTROLLER1,
                                        .peer = BED_SCHEDULER1,
                                        .detail = 1,
                                        .key = leader_key});
    check_bed_feed(bed, (struct record){.kind = RECORD_VIEW_CHANGED,
                                        .node = BED_SCHEDULER1,
                                        .peer = BED_SCHEDULER1,
                                        .detail = 1,
                                        .key = leader_key});
    check_bed_wait(bed, SEC(6));
    const struct violation *v = check_bed_expect(bed, "no-stale-view", 2);
    assert_int_equal(v[0].node, BED_CONTROLLER1);
    assert_int_equal(v[1].node, BED_SCHEDULER1);
    assert_non_null(strstr(v->text, "former owner"));
}

static void a_throttle_that_is_not_known_is_false(void **state)
{
    struct check_bed *bed = *state;
    check_bed_key_by(bed, RECORD_KEY_PUT, ns_throttle, BED_SCHEDULER0, RECORD_KEY_CREATED);
    check_bed_wait(bed, SEC(20));
    check_bed_expect(bed, NULL, 0);
}

static void a_queue_knows_what_came_after_it(void **state)
{
    struct check_bed *bed = *state;
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
    check_bed_key(bed, RECORD_KEY_PUT, leader_key);
    check_bed_wait(bed, SEC(1));
    live_box(bed);
    check_bed_key_by(bed, RECORD_KEY_PUT, box_key, BED_INVOKER0, RECORD_KEY_CREATED);
    check_bed_wait(bed, SEC(6));
    const struct violation *v = check_bed_expect(bed, "no-stale-view", 1);
    assert_int_equal(v->node, BED_SCHEDULER0); /* the other has no queue of it */
}

static void an_id_that_the_queue_was_told_to_take_out_is_not_missed(void **state)
{
    struct check_bed *bed = *state;
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
    check_bed_key(bed, RECORD_KEY_PUT, leader_key);
    check_bed_wait(bed, SEC(1));
    live_box(bed);
    check_bed_key(bed, RECORD_KEY_PUT, box_key);
    check_bed_believe(bed, BED_SCHEDULER0, box_key, false); /* a farewell */
    check_bed_wait(bed, SEC(20));
    check_bed_expect(bed, NULL, 0);
}

static void a_container_that_fetches_after_its_key_went_is_a_ghost_later(void **state)
{
    struct check_bed *bed = *state;
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
    check_bed_key(bed, RECORD_KEY_PUT, leader_key);
    check_bed_wait(bed, SEC(1));
    live_box(bed);
    check_bed_key(bed, RECORD_KEY_PUT, box_key);
    check_bed_wait(bed, SEC(20));
    check_bed_container(bed, RECORD_CONTAINER_GONE, BOX);
    check_bed_key(bed, RECORD_KEY_DELETED, box_key);
    check_bed_wait(bed, SEC(4));
    check_bed_believe(bed, BED_SCHEDULER0, box_key, true);
    check_bed_wait(bed, SEC(2)); /* counted from there */
    assert_int_equal(check_bed_result(bed, "no-stale-view").violation_count, 0);
    check_bed_wait(bed, SEC(4));
    assert_int_equal(check_bed_expect(bed, "no-stale-view", 1)->node, BED_SCHEDULER0);
}

/* ---- leader-stable ---- */

static void led_by_scheduler0(struct check_bed *bed)
{
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
    check_bed_key_by(bed, RECORD_KEY_PUT, leader_key, BED_SCHEDULER0, RECORD_KEY_CREATED);
}

static void a_restart_explains_one_move(void **state)
{
    struct check_bed *bed = *state;
    led_by_scheduler0(bed);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    check_bed_key_by(bed, RECORD_KEY_DELETED, leader_key, BED_SCHEDULER0, 0);
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER1);
    check_bed_key_by(bed, RECORD_KEY_PUT, leader_key, BED_SCHEDULER1, RECORD_KEY_CREATED);
    check_set_settle(bed->set, bed->at, NULL);
    struct check_result result = check_bed_result(bed, "leader-stable");
    assert_int_equal(result.verdict, CHECK_PASS);
}

static void a_move_away_from_a_scheduler_in_service_is_none(void **state)
{
    struct check_bed *bed = *state;
    led_by_scheduler0(bed);
    check_bed_key_by(bed, RECORD_KEY_DELETED, leader_key, NODE_NONE, RECORD_KEY_EXPIRED);
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER1);
    uint64_t seq =
        check_bed_key_by(bed, RECORD_KEY_PUT, leader_key, BED_SCHEDULER1, RECORD_KEY_CREATED);
    const struct violation *v = check_bed_expect(bed, "leader-stable", 1);
    assert_int_equal(v->seq, seq);
    assert_int_equal(v->node, BED_SCHEDULER1);
    assert_non_null(strstr(v->text, "neither disabled nor stopped"));
}

static void a_queue_that_ended_in_good_order_leaves_no_owner(void **state)
{
    struct check_bed *bed = *state;
    led_by_scheduler0(bed);
    check_bed_key_by(bed, RECORD_KEY_DELETED, leader_key, BED_SCHEDULER0, 0);
    check_bed_queue_made(bed, RECORD_QUEUE_GONE, BED_SCHEDULER0);
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER1);
    check_bed_key_by(bed, RECORD_KEY_PUT, leader_key, BED_SCHEDULER1, RECORD_KEY_CREATED);
    check_bed_expect(bed, NULL, 0);
}

static void a_key_that_another_deletes_or_overwrites_is_told(void **state)
{
    struct check_bed *bed = *state;
    led_by_scheduler0(bed);
    check_bed_key_by(bed, RECORD_KEY_PUT, leader_key, BED_SCHEDULER1, 0);
    check_bed_key_by(bed, RECORD_KEY_DELETED, leader_key, BED_SCHEDULER0, 0);
    const struct violation *v = check_bed_expect(bed, "leader-stable", 2);
    assert_non_null(strstr(v[0].text, "takes over"));
    assert_non_null(strstr(v[1].text, "deletes"));
    assert_int_equal(v[1].node, BED_SCHEDULER0);
}

/* ---- throttle-truthful ---- */

static void queue_moves(struct check_bed *bed, const char *state)
{
    unsigned to = 0;
    while (strcmp(fsm_state_name(FSM_QUEUE, to), state) != 0)
        to++;
    check_bed_feed(bed, (struct record){.kind = RECORD_STATE,
                                        .node = BED_SCHEDULER0,
                                        .detail = FSM_QUEUE,
                                        .value2 = to});
}

static void throttle(struct check_bed *bed, const struct key *key, unsigned value)
{
    uint64_t a = check_bed_key_by(bed, RECORD_KEY_PUT, *key, BED_SCHEDULER0, value);
    (void)a;
    check_bed_believe(bed, BED_CONTROLLER0, *key, value != 0);
    check_bed_believe(bed, BED_CONTROLLER1, *key, value != 0);
}

static void a_throttled_namespace_may_say_so(void **state)
{
    struct check_bed *bed = *state;
    led_by_scheduler0(bed);
    queue_moves(bed, "NamespaceThrottled");
    throttle(bed, &ns_throttle, RECORD_KEY_TRUE);
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(check_bed_result(bed, "throttle-truthful").verdict, CHECK_PASS);
}

static void a_key_left_behind_by_a_lifted_throttle_is_told(void **state)
{
    struct check_bed *bed = *state;
    led_by_scheduler0(bed);
    queue_moves(bed, "NamespaceThrottled");
    throttle(bed, &ns_throttle, RECORD_KEY_TRUE);
    queue_moves(bed, "Running");
    const struct violation *v = check_bed_expect(bed, "throttle-truthful", 1);
    assert_true(key_equal(&v->key, &ns_throttle));
}

static void a_throttled_queue_ends_with_its_scheduler_and_no_other(void **state)
{
    struct check_bed *bed = *state;
    led_by_scheduler0(bed);
    queue_moves(bed, "NamespaceThrottled");
    throttle(bed, &ns_throttle, RECORD_KEY_TRUE);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER1);
    check_set_settle(bed->set, bed->at, NULL);
    assert_int_equal(check_bed_result(bed, "throttle-truthful").violation_count, 0);
}

static void a_throttle_outlives_its_scheduler_as_a_lie(void **state)
{
    struct check_bed *bed = *state;
    led_by_scheduler0(bed);
    queue_moves(bed, "NamespaceThrottled");
    throttle(bed, &ns_throttle, RECORD_KEY_TRUE);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER0);
    check_set_settle(bed->set, bed->at, NULL);
    assert_int_equal(check_bed_result(bed, "throttle-truthful").violation_count, 1);
}

static void an_action_throttle_at_rest_is_told_whatever_the_queue_believes(void **state)
{
    struct check_bed *bed = *state;
    led_by_scheduler0(bed);
    queue_moves(bed, "ActionThrottled");
    throttle(bed, &action_throttle, RECORD_KEY_TRUE);
    check_bed_expect(bed, "throttle-truthful", 1);
}

static void a_throttle_that_was_set_back_or_deleted_is_none(void **state)
{
    struct check_bed *bed = *state;
    led_by_scheduler0(bed);
    throttle(bed, &action_throttle, RECORD_KEY_TRUE);
    throttle(bed, &action_throttle, 0);
    throttle(bed, &ns_throttle, RECORD_KEY_TRUE);
    check_bed_key(bed, RECORD_KEY_DELETED, ns_throttle);
    check_bed_expect(bed, NULL, 0);
}

static void a_namespace_that_is_throttled_twice_is_lifted_once(void **state)
{
    struct check_bed *bed = *state;
    led_by_scheduler0(bed);
    queue_moves(bed, "NamespaceThrottled");
    queue_moves(bed, "NamespaceThrottled");
    throttle(bed, &ns_throttle, RECORD_KEY_TRUE);
    queue_moves(bed, "Running");
    check_bed_expect(bed, "throttle-truthful", 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, check_bed_teardown)

static const struct key order_key = {.family = KEY_IN_PROGRESS,
                                     .ns = BED_GUEST,
                                     .action = BED_HELLO,
                                     .revision = 1,
                                     .node = BED_SCHEDULER0,
                                     .id = 0x55};

static void with_queue(struct check_bed *bed)
{
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
    check_bed_key(bed, RECORD_KEY_PUT, leader_key);
    check_bed_wait(bed, SEC(1));
    check_bed_feed(bed, (struct record){.kind = RECORD_CREATION_ORDERED,
                                        .node = BED_SCHEDULER0,
                                        .creation = order_key.id});
}

static void a_creation_is_known_by_its_own_id(void **state)
{
    struct check_bed *bed = *state;
    with_queue(bed);
    check_bed_key_by(bed, RECORD_KEY_PUT, order_key, BED_SCHEDULER0, RECORD_KEY_CREATED);
    check_bed_believe(bed, BED_SCHEDULER0, order_key, true);
    check_bed_wait(bed, SEC(20));
    assert_int_equal(check_bed_result(bed, "no-stale-view").violation_count, 0);
}

static void a_container_of_the_same_id_is_no_creation(void **state)
{
    struct check_bed *bed = *state;
    struct key other = box_key;
    other.id = order_key.id;
    with_queue(bed);
    check_bed_key_by(bed, RECORD_KEY_PUT, order_key, BED_SCHEDULER0, RECORD_KEY_CREATED);
    check_bed_believe(bed, BED_SCHEDULER0, other, true);
    check_bed_wait(bed, SEC(20));
    assert_int_equal(check_bed_result(bed, "no-stale-view").violation_count, 1);
}

static void store(struct check_bed *bed, uint32_t other, bool is_back, unsigned step)
{
    check_bed_feed(bed, (struct record){.kind = RECORD_SET_CHANGED,
                                        .node = BED_SCHEDULER0,
                                        .detail = (uint8_t)step,
                                        .creation = 0x99,
                                        .value2 = (uint64_t)other << 32 | SET_IS_ADD |
                                                  (is_back ? SET_IS_BACK : 0)});
}

static void a_store_that_loses_another_id_makes_the_view_stale(void **state)
{
    struct check_bed *bed = *state;
    with_queue(bed);
    check_bed_key_by(bed, RECORD_KEY_PUT, order_key, BED_SCHEDULER0, RECORD_KEY_CREATED);
    check_bed_believe(bed, BED_SCHEDULER0, order_key, true);
    store(bed, 0, false, SET_STORE);
    store(bed, order_key.id, false, SET_LOAD); /* a load changes nothing */
    check_bed_wait(bed, SEC(4));
    store(bed, order_key.id, false, SET_STORE);
    check_bed_wait(bed, SEC(20));
    assert_int_equal(check_bed_result(bed, "no-stale-view").violation_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_watcher_has_five_seconds),
        TEST(a_key_that_a_watcher_missed_makes_its_view_stale),
        TEST(a_deletion_that_was_missed_is_a_ghost),
        TEST(who_is_disabled_or_came_later_does_not_watch),
        TEST(an_unknown_leader_is_looked_up_a_wrong_one_is_stale),
        TEST(a_throttle_that_is_not_known_is_false),
        TEST(a_queue_knows_what_came_after_it),
        TEST(an_id_that_the_queue_was_told_to_take_out_is_not_missed),
        TEST(a_container_that_fetches_after_its_key_went_is_a_ghost_later),
        TEST(a_restart_explains_one_move),
        TEST(a_move_away_from_a_scheduler_in_service_is_none),
        TEST(a_queue_that_ended_in_good_order_leaves_no_owner),
        TEST(a_key_that_another_deletes_or_overwrites_is_told),
        TEST(a_throttled_namespace_may_say_so),
        TEST(a_key_left_behind_by_a_lifted_throttle_is_told),
        TEST(a_throttled_queue_ends_with_its_scheduler_and_no_other),
        TEST(a_throttle_outlives_its_scheduler_as_a_lie),
        TEST(an_action_throttle_at_rest_is_told_whatever_the_queue_believes),
        TEST(a_throttle_that_was_set_back_or_deleted_is_none),
        TEST(a_creation_is_known_by_its_own_id),
        TEST(a_container_of_the_same_id_is_no_creation),
        TEST(a_store_that_loses_another_id_makes_the_view_stale),
        TEST(a_namespace_that_is_throttled_twice_is_lifted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
