/*
 * test_ledger_things.c - what ought to have a key, and since when it has none; with
 * tenant-isolation, no-orphan-key and no-missing-key in their words.
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

#define ORPHAN "no-orphan-key"
#define MISSING "no-missing-key"
#define TENANT "tenant-isolation"
#define A ACTIVATION_ID(1, 0)
#define BOX 7u

static const struct key box_key = {
    .family = KEY_EXISTING, .revision = 1, .node = BED_INVOKER0, .id = BOX};
static const struct key queue_key = {.family = KEY_QUEUE};
static const struct key other_key = {.family = KEY_QUEUE, .action = BED_OTHER};

static uint64_t queue(struct check_bed *bed, enum record_kind kind, node_id node,
                      action_id action)
{
    return check_bed_feed(
        bed, (struct record){.kind = (uint16_t)kind, .node = node, .action = action});
}

static uint64_t moves(struct check_bed *bed, node_id node, action_id action, namespace_id ns,
                      const char *to)
{
    return check_bed_feed(bed, (struct record){.kind = RECORD_STATE,
                                               .node = node,
                                               .action = action,
                                               .ns = ns,
                                               .detail = FSM_QUEUE,
                                               .value2 = check_bed_state(FSM_QUEUE, to)});
}

static uint64_t missed(struct check_bed *bed)
{
    check_bed_wait(bed, SEC(5) + 1);
    return check_bed_result(bed, MISSING).violation_count;
}

/* ---- no-missing-key ---- */

static void each_kind_of_thing_is_missed_in_its_words(void **state)
{
    struct check_bed *bed = *state;
    check_bed_container(bed, RECORD_CONTAINER_MADE, BOX);
    struct violation want = {.at = bed->at + SEC(5),
                             .seq = check_bed_container(bed, RECORD_CONTAINER_USED, BOX),
                             .container = BOX,
                             .node = BED_INVOKER0,
                             .key = {.family = KEY_EXISTING, .node = BED_INVOKER0, .id = BOX},
                             .text = "a live container has no key: whisk/namespace/guest/"
                                     "guest/hello/null/invoker0/container/00000007 is not in "
                                     "etcd"};
    check_bed_wait(bed, SEC(5));
    check_bed_told(bed, MISSING, 0, NULL);
    assert_int_equal(check_bed_result(bed, MISSING).verdict, CHECK_PASS);
    check_bed_wait(bed, 1);
    check_bed_told(bed, MISSING, 1, &want);
    want =
        (struct violation){.at = bed->at + SEC(5),
                           .seq = queue(bed, RECORD_QUEUE_MADE, BED_SCHEDULER1, BED_HELLO),
                           .node = NODE_NONE,
                           .key = queue_key,
                           .text = "a queue has no key: whisk/queue/guest/guest/hello/leader "
                                   "is not in etcd"};
    assert_int_equal(missed(bed), 2);
    check_bed_told(bed, MISSING, 2, &want);
    struct key key = {.family = KEY_SCHEDULER, .node = BED_SCHEDULER1};
    want = (struct violation){.at = bed->at + SEC(5),
                              .node = BED_SCHEDULER1,
                              .action = ACTION_NONE,
                              .key = key,
                              .text = "an enabled process has no key: whisk/scheduler/1 is not "
                                      "in etcd"};
    want.seq = check_bed_key_by(bed, RECORD_KEY_DELETED, key, NODE_NONE, 0);
    assert_int_equal(missed(bed), 3);
    check_bed_told(bed, MISSING, 3, &want);
}

static void a_process_that_is_asked_to_stop_owes_no_key(void **state)
{
    struct check_bed *bed = *state;
    struct key key = {.family = KEY_INVOKERS, .node = BED_INVOKER1};
    check_bed_node(bed, RECORD_NODE_STOPPING, BED_INVOKER1);
    check_bed_key(bed, RECORD_KEY_DELETED, key);
    assert_int_equal(missed(bed), 0);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER1);
    check_bed_node(bed, RECORD_NODE_STARTED, BED_INVOKER1);
    check_bed_node(bed, RECORD_NODE_LISTENING, BED_INVOKER1);
    assert_int_equal(missed(bed), 1);
}

static void a_queue_of_one_action_leaves_alone(void **state)
{
    struct check_bed *bed = *state;
    check_bed_key(bed, RECORD_KEY_PUT, queue_key);
    check_bed_key(bed, RECORD_KEY_PUT, other_key);
    queue(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0, BED_HELLO);
    queue(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0, BED_OTHER);
    moves(bed, BED_SCHEDULER0, BED_HELLO, BED_GUEST, "Removing");
    moves(bed, BED_SCHEDULER1, BED_OTHER, BED_GUEST, "Removing"); /* not there */
    moves(bed, BED_SCHEDULER0, BED_OTHER, BED_ALIEN, "Removing"); /* nor of that namespace */
    moves(bed, BED_SCHEDULER0, BED_OTHER, BED_GUEST, "Idle");
    check_bed_key(bed, RECORD_KEY_DELETED, queue_key);
    assert_int_equal(missed(bed), 0);
    uint64_t seq = check_bed_key_by(bed, RECORD_KEY_DELETED, other_key, NODE_NONE, 0);
    assert_int_equal(missed(bed), 1);
    assert_int_equal(check_bed_result(bed, MISSING).examples[0].seq, seq);
    assert_int_equal(check_bed_result(bed, MISSING).examples[0].action, BED_OTHER);
}

static void a_queue_serves_unless_it_leaves(void **state)
{
    static const char *const states[] = {"Running", "Idle", "Flushing", "Removing", "Removed"};
    struct check_bed *bed = *state;
    const struct ledger *ledger = check_set_ledger(bed->set);
    assert_false(ledger_queue_serves(ledger, BED_SCHEDULER0, BED_GUEST, BED_HELLO));
    assert_int_equal(ledger_queue_since(ledger, BED_SCHEDULER0, BED_GUEST, BED_HELLO),
                     TSTAMP_NEVER);
    check_bed_wait(bed, SEC(3));
    queue(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0, BED_HELLO);
    for (unsigned i = 0; i < 5; i++) {
        moves(bed, BED_SCHEDULER0, BED_HELLO, NAMESPACE_NONE, states[i]);
        assert_int_equal(ledger_queue_serves(ledger, BED_SCHEDULER0, BED_GUEST, BED_HELLO),
                         i < 3);
        assert_int_equal(ledger_queue_since(ledger, BED_SCHEDULER0, BED_GUEST, BED_HELLO),
                         i < 3 ? bed->at : TSTAMP_NEVER);
    }
    check_bed_wait(bed, SEC(1));
    queue(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0, BED_HELLO); /* the next beside it */
    assert_int_equal(ledger_queue_since(ledger, BED_SCHEDULER0, BED_GUEST, BED_HELLO), bed->at);
    queue(bed, RECORD_QUEUE_GONE, BED_SCHEDULER0, BED_HELLO);
    assert_true(ledger_queue_serves(ledger, BED_SCHEDULER0, BED_GUEST, BED_HELLO));
    queue(bed, RECORD_QUEUE_GONE, BED_SCHEDULER0, BED_HELLO);
    assert_false(ledger_queue_serves(ledger, BED_SCHEDULER0, BED_GUEST, BED_HELLO));
    queue(bed, RECORD_QUEUE_GONE, BED_SCHEDULER0, BED_HELLO); /* of nobody */
    assert_false(ledger_queue_serves(ledger, BED_SCHEDULER0, BED_GUEST, BED_HELLO));
    assert_false(ledger_queue_serves(ledger, BED_SCHEDULER1, BED_GUEST, BED_HELLO));
}

static void a_disabled_schedulers_queue_owes_no_key_until_it_is_enabled(void **state)
{
    struct check_bed *bed = *state;
    check_bed_key(bed, RECORD_KEY_PUT, queue_key);
    queue(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0, BED_HELLO);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    check_bed_key(bed, RECORD_KEY_DELETED, queue_key);
    assert_int_equal(missed(bed), 0);
    check_bed_node(bed, RECORD_NODE_ENABLED, BED_SCHEDULER0);
    assert_int_equal(missed(bed), 1);
}

/* ---- no-orphan-key ---- */

static void each_kind_of_orphan_is_told_in_its_words(void **state)
{
    struct check_bed *bed = *state;
    check_bed_close(bed);
    check_bed_open(bed);
    bed->set = check_set_new(bed->arena, &bed->world);
    struct key key = {.family = KEY_SCHEDULER, .node = BED_SCHEDULER1};
    struct violation want = {
        .at = bed->at + SEC(5), .node = BED_SCHEDULER1, .action = ACTION_NONE, .key = key};
    want.seq = check_bed_key_by(bed, RECORD_KEY_PUT, key, NODE_NONE, 0);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER1); /* of a process that never was */
    check_bed_wait(bed, SEC(5));
    check_bed_told(bed, ORPHAN, 0, NULL);
    check_bed_wait(bed, 1);
    strcpy(want.text, "key whisk/scheduler/1 names an endpoint that does not exist");
    check_bed_told(bed, ORPHAN, 1, &want);
    want = (struct violation){.at = bed->at + SEC(5), .node = NODE_NONE, .key = queue_key};
    want.seq = check_bed_key_by(bed, RECORD_KEY_PUT, queue_key, NODE_NONE, 0);
    check_bed_wait(bed, SEC(5) + 1);
    strcpy(want.text, "key whisk/queue/guest/guest/hello/leader names a queue that does not "
                      "exist");
    check_bed_told(bed, ORPHAN, 2, &want);
    want = (struct violation){
        .at = bed->at + SEC(5), .container = BOX, .node = BED_INVOKER0, .key = box_key};
    want.key.revision = 0;
    want.seq = check_bed_key_by(bed, RECORD_KEY_PUT, want.key, NODE_NONE, 0);
    check_bed_wait(bed, SEC(5) + 1);
    strcpy(want.text, "key whisk/namespace/guest/guest/hello/null/invoker0/container/00000007 "
                      "names a container that does not exist");
    check_bed_told(bed, ORPHAN, 3, &want);
}

static void a_leader_key_lives_on_by_the_lease_of_a_stopped_scheduler(void **state)
{
    struct check_bed *bed = *state;
    check_bed_key(bed, RECORD_KEY_PUT, queue_key);
    queue(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0, BED_HELLO);
    check_bed_key_by(bed, RECORD_KEY_DELETED,
                     (struct key){.family = KEY_SCHEDULER, .node = BED_SCHEDULER0}, NODE_NONE,
                     0);
    struct violation want = {.at = bed->at + SEC(15), .node = NODE_NONE, .key = queue_key};
    want.seq = check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER0);
    strcpy(want.text, "key whisk/queue/guest/guest/hello/leader names a queue that does not "
                      "exist; its process has stopped");
    check_bed_wait(bed, SEC(15));
    check_bed_told(bed, ORPHAN, 0, NULL);
    check_bed_wait(bed, 1);
    check_bed_told(bed, ORPHAN, 1, &want);
}

/* A live scheduler wrote it: no lease of a dead one keeps it. */
static void a_leader_key_that_is_put_again_has_five_seconds(void **state)
{
    struct check_bed *bed = *state;
    check_bed_key(bed, RECORD_KEY_PUT, queue_key);
    queue(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0, BED_HELLO);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER0);
    check_bed_key(bed, RECORD_KEY_DELETED, queue_key);
    check_bed_key(bed, RECORD_KEY_PUT, queue_key);
    check_bed_wait(bed, SEC(5) + 1);
    check_bed_told(bed, ORPHAN, 1, NULL);
}

/* Written once more, it is still what a stopped process left behind. */
static void a_key_that_is_written_again_keeps_its_lease(void **state)
{
    struct check_bed *bed = *state;
    check_bed_container(bed, RECORD_CONTAINER_MADE, BOX);
    check_bed_key_by(bed, RECORD_KEY_PUT, box_key, BED_INVOKER0, 0);
    struct violation want = {
        .at = bed->at + SEC(15), .container = BOX, .node = BED_INVOKER0, .key = box_key};
    want.seq = check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    check_bed_key_by(bed, RECORD_KEY_DELETED,
                     (struct key){.family = KEY_INVOKERS, .node = BED_INVOKER0}, NODE_NONE, 0);
    check_bed_wait(bed, SEC(4));
    check_bed_key_by(bed, RECORD_KEY_PUT, box_key, BED_INVOKER0, 0);
    check_bed_wait(bed, SEC(11));
    check_bed_told(bed, ORPHAN, 0, NULL);
    check_bed_wait(bed, 1);
    char key[120];
    (void)key_print(&bed->cluster, &box_key, key, sizeof key);
    (void)snprintf(want.text, sizeof want.text,
                   "key %s names a container that does not exist; its process has stopped",
                   key);
    check_bed_told(bed, ORPHAN, 1, &want);
}

static void a_queue_that_ends_in_a_live_scheduler_has_five_seconds(void **state)
{
    struct check_bed *bed = *state;
    check_bed_key(bed, RECORD_KEY_PUT, queue_key);
    queue(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0, BED_HELLO);
    queue(bed, RECORD_QUEUE_MADE, BED_SCHEDULER1, BED_HELLO);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER1); /* not the last of it */
    queue(bed, RECORD_QUEUE_GONE, BED_SCHEDULER0, BED_HELLO);
    check_bed_wait(bed, SEC(5) + 1);
    check_bed_told(bed, ORPHAN, 1, NULL);
}

static void a_container_of_a_process_that_runs_on_has_five_seconds(void **state)
{
    struct check_bed *bed = *state;
    check_bed_container(bed, RECORD_CONTAINER_MADE, BOX);
    check_bed_key_by(bed, RECORD_KEY_PUT, box_key, BED_INVOKER0, 0);
    check_bed_container(bed, RECORD_CONTAINER_GONE, BOX);
    check_bed_wait(bed, SEC(1));
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER0); /* changes nothing of it */
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    check_bed_wait(bed, SEC(4) + 1);
    check_bed_told(bed, ORPHAN, 1, NULL);
}

static void containers_that_end_with_their_invoker_free_their_limit(void **state)
{
    struct check_bed *bed = *state;
    const struct limits *limits = ledger_limits(check_set_ledger(bed->set));
    bed->namespaces[0].concurrent_invocations = 2;
    check_bed_container(bed, RECORD_CONTAINER_MADE, 1);
    check_bed_container(bed, RECORD_CONTAINER_USED, 1); /* the same */
    assert_false(limits_reached(limits, bed->at, BED_GUEST, BED_HELLO, NODE_NONE));
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    check_bed_container(bed, RECORD_CONTAINER_MADE, 2);
    assert_false(limits_reached(limits, bed->at, BED_GUEST, BED_HELLO, NODE_NONE));
    check_bed_container(bed, RECORD_CONTAINER_MADE, 3);
    assert_true(limits_reached(limits, bed->at, BED_GUEST, BED_HELLO, NODE_NONE));
}

static void a_creation_is_open_from_its_order_to_its_end(void **state)
{
    struct check_bed *bed = *state;
    const struct ledger *ledger = check_set_ledger(bed->set);
    struct record r = {.kind = RECORD_CREATION_DONE, .node = BED_SCHEDULER0, .creation = 5};
    check_bed_feed(bed, r); /* never ordered */
    assert_int_equal(ledger_creations_open(ledger), 0);
    r.kind = RECORD_CREATION_ORDERED;
    check_bed_feed(bed, r);
    check_bed_feed(bed, r); /* sent again */
    assert_int_equal(ledger_creations_open(ledger), 1);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER1);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_SCHEDULER0);
    assert_int_equal(ledger_creations_open(ledger), 1);
    r.kind = RECORD_CREATION_DONE;
    check_bed_feed(bed, r);
    assert_int_equal(ledger_creations_open(ledger), 0);
    r.kind = RECORD_CREATION_ORDERED;
    r.creation = 0;
    check_bed_feed(bed, r);
    assert_int_equal(ledger_creations_open(ledger), 0);
}

static void a_process_is_up_from_its_start_to_its_stop(void **state)
{
    struct check_bed *bed = *state;
    const struct ledger_node *n = ledger_node(check_set_ledger(bed->set), BED_INVOKER1);
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER1);
    check_bed_node(bed, RECORD_NODE_STOPPING, BED_INVOKER1);
    assert_true(n->up && n->listening && n->disabled && n->stopping && n->healthy);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER1);
    assert_false(n->up || n->listening || n->disabled || n->stopping);
    assert_true(n->healthy);
    check_bed_node(bed, RECORD_NODE_STARTED, BED_INVOKER1);
    assert_true(n->up);
    assert_false(n->listening || n->disabled || n->stopping || n->healthy);
    check_bed_wait(bed, SEC(2));
    check_bed_node(bed, RECORD_NODE_LISTENING, BED_INVOKER1);
    assert_int_equal(n->listening_at, bed->at);
    check_bed_wait(bed, SEC(2));
    check_bed_node(bed, RECORD_NODE_LISTENING, BED_INVOKER1); /* as it did */
    assert_int_equal(n->listening_at, bed->at - SEC(2));
    check_bed_node(bed, RECORD_NODE_DISABLED, BED_INVOKER1);
    check_bed_node(bed, RECORD_NODE_ENABLED, BED_INVOKER1);
    assert_false(n->disabled);
}

/* ---- tenant-isolation ---- */

static void another_tenants_container_and_keys_are_told_by_both_names(void **state)
{
    struct check_bed *bed = *state;
    check_bed_feed(bed, (struct record){.kind = RECORD_CONTAINER_MADE,
                                        .node = BED_INVOKER0,
                                        .container = BOX,
                                        .ns = BED_ALIEN});
    check_bed_until_queued(bed, A);
    struct violation want = {.at = bed->at,
                             .seq = check_bed_start(bed, A),
                             .activation = A,
                             .container = BOX,
                             .node = BED_INVOKER0,
                             .text =
                                 "the activation of guest/hello for namespace guest runs in "
                                 "a container of alien"};
    check_bed_told(bed, TENANT, 1, &want);
    want = (struct violation){.at = bed->at,
                              .seq = check_bed_key_by(bed, RECORD_KEY_PUT, box_key, 0, 0),
                              .node = BED_ETCD,
                              .key = box_key};
    char key[160];
    (void)key_print(&bed->cluster, &box_key, key, sizeof key);
    (void)snprintf(want.text, sizeof want.text,
                   "key %s is of namespace guest, what it names belongs to alien", key);
    check_bed_told(bed, TENANT, 2, &want);
}

static void what_ended_or_was_never_ordered_has_no_owner(void **state)
{
    struct check_bed *bed = *state;
    struct record made = {
        .kind = RECORD_CONTAINER_MADE, .node = BED_INVOKER0, .container = BOX, .ns = BED_ALIEN};
    struct key key = box_key, order = {.family = KEY_IN_PROGRESS, .id = 9};
    check_bed_feed(bed, made);
    key.ns = BED_ALIEN;
    check_bed_key_by(bed, RECORD_KEY_PUT, key, 0, 0);
    made.kind = RECORD_CONTAINER_GONE;
    check_bed_feed(bed, made); /* its key keeps its name in the ledger */
    check_bed_key_by(bed, RECORD_KEY_PUT, box_key, 0, 0);
    check_bed_key_by(bed, RECORD_KEY_PUT, order, 0, 0);
    check_bed_told(bed, TENANT, 0, NULL);
    struct record ordered = {.kind = RECORD_CREATION_ORDERED,
                             .node = BED_SCHEDULER0,
                             .creation = 9,
                             .ns = BED_ALIEN};
    check_bed_feed(bed, ordered);
    ordered.ns = BED_GUEST;
    check_bed_feed(bed, ordered); /* the first order counts */
    check_bed_key_by(bed, RECORD_KEY_PUT, order, 0, 0);
    check_bed_told(bed, TENANT, 1, NULL);
    ordered.kind = RECORD_CREATION_DONE;
    check_bed_feed(bed, ordered);
    check_bed_key_by(bed, RECORD_KEY_PUT, order, 0, 0);
    check_bed_told(bed, TENANT, 1, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, check_bed_setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_of_thing_is_missed_in_its_words),
        TEST(a_process_that_is_asked_to_stop_owes_no_key),
        TEST(a_queue_of_one_action_leaves_alone),
        TEST(a_queue_serves_unless_it_leaves),
        TEST(a_disabled_schedulers_queue_owes_no_key_until_it_is_enabled),
        TEST(each_kind_of_orphan_is_told_in_its_words),
        TEST(a_leader_key_lives_on_by_the_lease_of_a_stopped_scheduler),
        TEST(a_leader_key_that_is_put_again_has_five_seconds),
        TEST(a_key_that_is_written_again_keeps_its_lease),
        TEST(a_queue_that_ends_in_a_live_scheduler_has_five_seconds),
        TEST(a_container_of_a_process_that_runs_on_has_five_seconds),
        TEST(containers_that_end_with_their_invoker_free_their_limit),
        TEST(a_creation_is_open_from_its_order_to_its_end),
        TEST(a_process_is_up_from_its_start_to_its_stop),
        TEST(another_tenants_container_and_keys_are_told_by_both_names),
        TEST(what_ended_or_was_never_ordered_has_no_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
