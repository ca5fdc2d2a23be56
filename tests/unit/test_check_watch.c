/*
 * test_check_watch.c - no-stale-view: who watches what and from when on; leader-stable and
 * throttle-truthful: each way in which a key may be somebody else's, or untrue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "core/fsm.h"
#include "support/check_bed.h"

#define STALE "no-stale-view"
#define STABLE "leader-stable"
#define TRUTHFUL "throttle-truthful"
#define BOX 0x77u

static const struct key leader_key = {.family = KEY_QUEUE};
static const struct key throttle_key = {.family = KEY_THROTTLING, .action = ACTION_NONE};
static const struct key box_key = {
    .family = KEY_EXISTING, .revision = 1, .node = BED_INVOKER0, .id = BOX};

static int setup(void **state)
{
    check_bed_setup(state);
    check_bed_wait(*state, SEC(2)); /* all watch */
    return 0;
}

static void fresh(struct check_bed *bed)
{
    check_bed_close(bed);
    check_bed_open(bed);
    check_bed_begin(bed);
    check_bed_wait(bed, SEC(2));
}

static uint64_t told(struct check_bed *bed, const char *check)
{
    return check_bed_result(bed, check).violation_count;
}

static uint64_t put(struct check_bed *bed, struct key key, node_id writer, unsigned detail)
{
    return check_bed_key_by(bed, RECORD_KEY_PUT, key, writer, detail);
}

/* ---- no-stale-view ---- */

struct watched {
    struct key key;
    unsigned value;         /* RECORD_KEY_ bits of its put */
    unsigned missed, ghost; /* bit per node that does not know it; that still believes in it */
};

#define CONTROLLERS (1u << BED_CONTROLLER0 | 1u << BED_CONTROLLER1)
#define SCHEDULERS (1u << BED_SCHEDULER0 | 1u << BED_SCHEDULER1)

static const struct watched watched[] = {
    {{.family = KEY_QUEUE, .action = BED_OTHER}, 0, 0, CONTROLLERS | SCHEDULERS},
    {{.family = KEY_SCHEDULER, .node = BED_SCHEDULER0}, 0, CONTROLLERS, CONTROLLERS},
    {{.family = KEY_THROTTLING, .action = ACTION_NONE},
     RECORD_KEY_TRUE,
     CONTROLLERS,
     CONTROLLERS},
    {{.family = KEY_WARMED, .node = BED_INVOKER0, .id = BOX}, 0, SCHEDULERS, SCHEDULERS},
    {{.family = KEY_EXISTING, .node = BED_INVOKER0, .id = BOX},
     0,
     1u << BED_SCHEDULER0,
     1u << BED_SCHEDULER0},
    {{.family = KEY_IN_PROGRESS, .node = BED_SCHEDULER0, .id = BOX},
     0,
     1u << BED_SCHEDULER0,
     1u << BED_SCHEDULER0},
    {{.family = KEY_INVOKERS, .node = BED_INVOKER0}, 0, 0, 0},
    {{.family = KEY_INSTANCE, .node = BED_INVOKER0}, 0, 0, 0},
};

/* Bits of the nodes that were told of, from the violation `first` on. */
static unsigned nodes_told(struct check_bed *bed, uint64_t first)
{
    struct check_result result = check_bed_result(bed, STALE);
    unsigned nodes = 0;
    for (uint64_t i = first; i < result.violation_count; i++)
        nodes |= 1u << result.examples[i].node;
    return nodes;
}

static void each_key_is_watched_by_those_who_need_it(void **state)
{
    struct check_bed *bed = *state;
    for (unsigned i = 0; i < sizeof watched / sizeof *watched; i++) {
        const struct watched *w = &watched[i];
        fresh(bed);
        check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
        check_bed_wait(bed, 1);
        check_bed_key_by(bed, RECORD_KEY_DELETED, w->key, NODE_NONE, 0);
        for (node_id node = BED_CONTROLLER0; node <= BED_SCHEDULER1; node++)
            check_bed_believe(bed, node, w->key, false);
        check_bed_wait(bed, SEC(6));
        uint64_t before = told(bed, STALE);
        put(bed, w->key, NODE_NONE, w->value);
        check_bed_wait(bed, SEC(5));
        assert_int_equal(told(bed, STALE), before);
        check_bed_wait(bed, 1);
        assert_int_equal(nodes_told(bed, before), w->missed);
        before = told(bed, STALE);
        for (node_id node = BED_CONTROLLER0; node <= BED_SCHEDULER1; node++)
            check_bed_believe(bed, node, w->key, true);
        check_bed_key_by(bed, RECORD_KEY_DELETED, w->key, NODE_NONE, 0);
        check_bed_wait(bed, SEC(5) + 1);
        assert_int_equal(nodes_told(bed, before), w->ghost);
    }
}

static void the_three_ways_to_be_wrong_have_their_words(void **state)
{
    struct check_bed *bed = *state;
    struct key key = {.family = KEY_THROTTLING, .action = BED_OTHER};
    struct violation want = {.at = bed->at + SEC(5),
                             .node = BED_CONTROLLER1,
                             .action = BED_OTHER,
                             .key = key,
                             .text = "controller1 does not know key whisk/throttling/guest/"
                                     "guest/other, which is in etcd"};
    want.seq = put(bed, key, NODE_NONE, RECORD_KEY_TRUE);
    check_bed_believe(bed, BED_CONTROLLER0, key, true);
    check_bed_wait(bed, SEC(5) + 1);
    check_bed_told(bed, STALE, 1, &want);
    want.at = bed->at + SEC(5);
    want.seq = put(bed, key, NODE_NONE, 0); /* false: as if it were gone */
    want.node = BED_CONTROLLER0;
    strcpy(want.text, "controller0 still believes in key whisk/throttling/guest/guest/other, "
                      "which is gone from etcd");
    check_bed_wait(bed, SEC(5) + 1);
    check_bed_told(bed, STALE, 2, &want);
    want =
        (struct violation){.at = bed->at + SEC(5), .node = BED_SCHEDULER0, .key = leader_key};
    want.seq = put(bed, leader_key, BED_SCHEDULER0, 0);
    check_bed_feed(bed, (struct record){.kind = RECORD_VIEW_CHANGED,
                                        .node = BED_SCHEDULER0,
                                        .peer = BED_SCHEDULER1,
                                        .detail = 1,
                                        .key = leader_key});
    strcpy(want.text, "scheduler0 still believes in the former owner of key whisk/queue/guest/"
                      "guest/hello/leader, which has another");
    check_bed_wait(bed, SEC(5) + 1);
    check_bed_told(bed, STALE, 3, &want);
}

static void an_owner_that_one_of_both_does_not_name_is_not_another(void **state)
{
    static const node_id owners[][3] = {{NODE_NONE, BED_SCHEDULER1, 0},
                                        {BED_SCHEDULER0, NODE_NONE, 0},
                                        {BED_SCHEDULER0, BED_SCHEDULER0, 0},
                                        {BED_SCHEDULER0, BED_SCHEDULER1, 1}};
    struct check_bed *bed = *state;
    for (unsigned i = 0; i < 4; i++) {
        fresh(bed);
        put(bed, leader_key, owners[i][0], 0);
        check_bed_feed(bed, (struct record){.kind = RECORD_VIEW_CHANGED,
                                            .node = BED_CONTROLLER0,
                                            .peer = owners[i][1],
                                            .detail = 1,
                                            .key = leader_key});
        check_bed_wait(bed, SEC(6));
        assert_int_equal(told(bed, STALE), owners[i][2]);
    }
}

/* From a second after it listens, until it is disabled, stopping or down. */
static void a_process_watches_while_it_serves(void **state)
{
    static const struct {
        enum record_kind kind; /* of controller1; NONE: nothing */
        duration before;       /* from its port to the put */
        unsigned nodes;
    } rows[] = {
        {RECORD_NONE, SEC(1), CONTROLLERS},
        {RECORD_NONE, SEC(1) - 1, 1u << BED_CONTROLLER0},
        {RECORD_NODE_DISABLED, SEC(1), 1u << BED_CONTROLLER0},
        {RECORD_NODE_STOPPING, SEC(1), 1u << BED_CONTROLLER0},
        {RECORD_NODE_STOPPED, SEC(1), 1u << BED_CONTROLLER0},
        {RECORD_NODE_STARTED, SEC(1), 1u << BED_CONTROLLER0}, /* and no port yet */
    };
    struct check_bed *bed = *state;
    for (unsigned i = 0; i < 6; i++) {
        fresh(bed);
        check_bed_node(bed, RECORD_NODE_STOPPED, BED_CONTROLLER1);
        check_bed_node(bed, RECORD_NODE_STARTED, BED_CONTROLLER1);
        check_bed_node(bed, RECORD_NODE_LISTENING, BED_CONTROLLER1);
        check_bed_wait(bed, rows[i].before);
        put(bed, throttle_key, NODE_NONE, RECORD_KEY_TRUE);
        if (rows[i].kind != RECORD_NONE)
            check_bed_node(bed, rows[i].kind, BED_CONTROLLER1);
        check_bed_wait(bed, SEC(5) + 1);
        assert_int_equal(nodes_told(bed, 0), rows[i].nodes);
    }
}

static void a_stopped_watcher_forgets_and_no_other(void **state)
{
    struct check_bed *bed = *state;
    put(bed, throttle_key, NODE_NONE, RECORD_KEY_TRUE);
    check_bed_believe(bed, BED_CONTROLLER0, throttle_key, true);
    check_bed_believe(bed, BED_CONTROLLER1, throttle_key, true);
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_CONTROLLER1);
    check_bed_node(bed, RECORD_NODE_STARTED, BED_CONTROLLER1);
    check_bed_node(bed, RECORD_NODE_LISTENING, BED_CONTROLLER1);
    check_bed_wait(bed, SEC(6));
    check_bed_key_by(bed, RECORD_KEY_DELETED, throttle_key, NODE_NONE, 0);
    check_bed_wait(bed, SEC(6));
    assert_int_equal(nodes_told(bed, 0), 1u << BED_CONTROLLER0);
}

/* A key that came before the queue, or with it, was never shown to it. */
static void a_queue_does_not_know_what_was_there_before_it(void **state)
{
    struct check_bed *bed = *state;
    for (unsigned is_later = 0; is_later < 2; is_later++) {
        fresh(bed);
        check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
        check_bed_wait(bed, is_later);
        put(bed, box_key, BED_INVOKER0, RECORD_KEY_CREATED);
        check_bed_wait(bed, SEC(6));
        assert_int_equal(told(bed, STALE), is_later);
        put(bed, box_key, BED_INVOKER0, 0); /* it came to be before */
        check_bed_wait(bed, SEC(6));
        assert_int_equal(told(bed, STALE), is_later * 2);
    }
}

static void store(struct check_bed *bed, unsigned how, unsigned what)
{
    check_bed_feed(bed, (struct record){.kind = RECORD_SET_CHANGED,
                                        .node = BED_SCHEDULER0,
                                        .detail = (uint8_t)how,
                                        .container = 0x99,
                                        .value2 = (uint64_t)BOX << 32 | what});
}

static void only_a_store_brings_another_id_back_or_loses_it(void **state)
{
    static const struct {
        enum set_step how;
        unsigned what;
        bool is_told; /* the box is gone from etcd, and out of the set before this */
    } rows[] = {{SET_STORE, SET_IS_ADD | SET_IS_BACK, true},
                {SET_STORE, SET_IS_ADD, false},
                {SET_ADD, SET_IS_ADD | SET_IS_BACK, false},
                {SET_LOAD, SET_IS_ADD | SET_IS_BACK, false},
                {SET_READ_STALE, SET_IS_ADD | SET_IS_BACK, false}};
    struct check_bed *bed = *state;
    for (unsigned i = 0; i < 5; i++) {
        fresh(bed);
        check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
        check_bed_wait(bed, 1);
        put(bed, box_key, BED_INVOKER0, RECORD_KEY_CREATED);
        check_bed_believe(bed, BED_SCHEDULER0, box_key, true);
        check_bed_wait(bed, SEC(6));
        check_bed_key_by(bed, RECORD_KEY_DELETED, box_key, BED_INVOKER0, 0);
        check_bed_believe(bed, BED_SCHEDULER0, box_key, false);
        store(bed, rows[i].how, rows[i].what);
        check_bed_wait(bed, SEC(6));
        assert_int_equal(told(bed, STALE), rows[i].is_told);
    }
}

/* ---- leader-stable ---- */

static void led(struct check_bed *bed)
{
    fresh(bed);
    check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER0);
    put(bed, leader_key, BED_SCHEDULER0, RECORD_KEY_CREATED);
}

static uint64_t erase(struct check_bed *bed, node_id writer, unsigned detail)
{
    return check_bed_key_by(bed, RECORD_KEY_DELETED, leader_key, writer, detail);
}

static void another_hand_on_a_leader_key_is_told_in_its_words(void **state)
{
    struct check_bed *bed = *state;
    struct violation want = {.node = BED_SCHEDULER1, .key = leader_key};
    led(bed);
    want.at = bed->at;
    want.seq = put(bed, leader_key, BED_SCHEDULER1, 0);
    strcpy(want.text, "scheduler1 takes over the leader key of guest/hello, which is "
                      "scheduler0's");
    check_bed_told(bed, STABLE, 1, &want);
    led(bed);
    want.seq = erase(bed, BED_SCHEDULER1, 0);
    strcpy(want.text,
           "scheduler1 deletes the leader key of guest/hello, which is scheduler0's");
    check_bed_told(bed, STABLE, 1, &want);
    erase(bed, BED_SCHEDULER1, 0); /* it is gone already */
    check_bed_told(bed, STABLE, 1, &want);
    want.seq = put(bed, leader_key, BED_SCHEDULER1, RECORD_KEY_CREATED);
    strcpy(want.text, "scheduler1 becomes owner of the leader key of guest/hello, which is "
                      "scheduler0's still: it was neither disabled nor stopped");
    check_bed_told(bed, STABLE, 2, &want);
}

static void what_the_owner_or_its_lease_does_is_right(void **state)
{
    struct check_bed *bed = *state;
    led(bed);
    put(bed, leader_key, BED_SCHEDULER0, 0);
    erase(bed, BED_SCHEDULER0, 0);
    put(bed, leader_key, BED_SCHEDULER1, RECORD_KEY_CREATED); /* given back in good order */
    assert_int_equal(told(bed, STABLE), 0);
    led(bed);
    erase(bed, NODE_NONE, RECORD_KEY_EXPIRED);
    put(bed, leader_key, BED_SCHEDULER0, RECORD_KEY_CREATED);
    assert_int_equal(told(bed, STABLE), 0);
    led(bed);
    erase(bed, NODE_NONE, RECORD_KEY_EXPIRED);
    check_bed_queue_made(bed, RECORD_QUEUE_GONE, BED_SCHEDULER0);
    put(bed, leader_key, BED_SCHEDULER1, RECORD_KEY_CREATED); /* the owner has no queue more */
    assert_int_equal(told(bed, STABLE), 0);
    assert_int_equal(check_bed_result(bed, STABLE).verdict, CHECK_PASS);
}

/* A lease that ends is nobody's delete: the owner is known until another one writes. */
static void an_expiry_leaves_its_owner(void **state)
{
    struct check_bed *bed = *state;
    led(bed);
    erase(bed, BED_SCHEDULER0, RECORD_KEY_EXPIRED);
    put(bed, leader_key, BED_SCHEDULER1, RECORD_KEY_CREATED);
    assert_int_equal(told(bed, STABLE), 1);
}

static void a_disable_or_a_stop_explains_one_move(void **state)
{
    static const enum record_kind kinds[] = {RECORD_NODE_DISABLED, RECORD_NODE_STOPPED};
    struct check_bed *bed = *state;
    for (unsigned i = 0; i < 2; i++) {
        led(bed);
        check_bed_node(bed, kinds[i], BED_SCHEDULER0);
        erase(bed, NODE_NONE, RECORD_KEY_EXPIRED);
        check_bed_queue_made(bed, RECORD_QUEUE_MADE, BED_SCHEDULER1);
        put(bed, leader_key, BED_SCHEDULER1, RECORD_KEY_CREATED);
        assert_int_equal(told(bed, STABLE), 0);
        erase(bed, NODE_NONE, RECORD_KEY_EXPIRED);
        put(bed, leader_key, BED_SCHEDULER0, RECORD_KEY_CREATED); /* back, for no reason */
        assert_int_equal(told(bed, STABLE), 1);
    }
}

static void what_nobody_of_ours_wrote_is_not_judged(void **state)
{
    struct check_bed *bed = *state;
    fresh(bed);
    put(bed, leader_key, NODE_NONE, RECORD_KEY_CREATED);
    put(bed, leader_key, BED_NODES, 0);
    erase(bed, NODE_NONE, 0);
    put(bed, throttle_key, BED_SCHEDULER0, 0);
    assert_int_equal(check_bed_result(bed, STABLE).verdict, CHECK_NOT_APPLICABLE);
    erase(bed, NODE_NONE, RECORD_KEY_EXPIRED);
    put(bed, leader_key, BED_SCHEDULER1, RECORD_KEY_CREATED); /* the first owner of all */
    assert_int_equal(check_bed_result(bed, STABLE).verdict, CHECK_PASS);
}

/* ---- throttle-truthful ---- */

static void queue_is(struct check_bed *bed, node_id node, namespace_id ns, const char *state)
{
    check_bed_feed(bed, (struct record){.kind = RECORD_STATE,
                                        .node = node,
                                        .ns = ns,
                                        .detail = FSM_QUEUE,
                                        .value2 = check_bed_state(FSM_QUEUE, state)});
}

static uint64_t settled(struct check_bed *bed, const char *pending)
{
    check_set_settle(bed->set, bed->at, pending);
    return told(bed, TRUTHFUL);
}

static void a_lie_is_told_with_its_key(void **state)
{
    struct check_bed *bed = *state;
    struct violation want = {.node = NODE_NONE, .action = ACTION_NONE, .key = throttle_key};
    fresh(bed);
    want.seq = put(bed, throttle_key, BED_SCHEDULER0, RECORD_KEY_TRUE);
    put(bed, throttle_key, BED_SCHEDULER0, RECORD_KEY_TRUE); /* since the first */
    check_bed_wait(bed, SEC(1));
    want.at = bed->at;
    strcpy(want.text, "key whisk/throttling/guest says true, and no queue is throttled");
    assert_int_equal(settled(bed, NULL), 1);
    check_bed_told(bed, TRUTHFUL, 1, &want);
    fresh(bed);
    put(bed, throttle_key, BED_SCHEDULER0, RECORD_KEY_TRUE);
    assert_int_equal(settled(bed, "an activation"), 0);
}

/* One queue at each of two schedulers; one of another namespace. */
static void any_throttled_queue_of_the_namespace_makes_it_true(void **state)
{
    struct check_bed *bed = *state;
    for (unsigned i = 0; i < 5; i++) {
        fresh(bed);
        put(bed, throttle_key, BED_SCHEDULER0, RECORD_KEY_TRUE);
        queue_is(bed, BED_SCHEDULER0, i == 3 ? BED_ALIEN : BED_GUEST, "NamespaceThrottled");
        if (i == 4) { /* another machine's state of that number is none */
            fresh(bed);
            put(bed, throttle_key, BED_SCHEDULER0, RECORD_KEY_TRUE);
            check_bed_feed(bed, (struct record){.kind = RECORD_STATE,
                                                .node = BED_SCHEDULER0,
                                                .detail = FSM_PROXY,
                                                .value2 = check_bed_state(
                                                    FSM_QUEUE, "NamespaceThrottled")});
        }
        if (i == 1)
            queue_is(bed, BED_SCHEDULER1, BED_GUEST, "NamespaceThrottled");
        if (i == 1 || i == 2)
            check_bed_queue_made(bed, RECORD_QUEUE_GONE, BED_SCHEDULER0);
        assert_int_equal(settled(bed, NULL), i >= 2);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_key_is_watched_by_those_who_need_it),
        TEST(the_three_ways_to_be_wrong_have_their_words),
        TEST(an_owner_that_one_of_both_does_not_name_is_not_another),
        TEST(a_process_watches_while_it_serves),
        TEST(a_stopped_watcher_forgets_and_no_other),
        TEST(a_queue_does_not_know_what_was_there_before_it),
        TEST(only_a_store_brings_another_id_back_or_loses_it),
        TEST(another_hand_on_a_leader_key_is_told_in_its_words),
        TEST(what_the_owner_or_its_lease_does_is_right),
        TEST(an_expiry_leaves_its_owner),
        TEST(a_disable_or_a_stop_explains_one_move),
        TEST(what_nobody_of_ours_wrote_is_not_judged),
        TEST(a_lie_is_told_with_its_key),
        TEST(any_throttled_queue_of_the_namespace_makes_it_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
