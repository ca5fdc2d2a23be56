/*
 * test_limits.c - when the load itself reached a limit: per minute and controller, in flight,
 * and containers, in this minute and the one before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "check/limits.h"

enum { CONTROLLER0 = 1, CONTROLLER1 = 2 };
#define GUEST 0
#define OTHER 1
#define MINUTE MINUTES(1)

static const struct node_info nodes[] = {
    {.kind = NODE_CLIENT, .name = "client"},
    {.kind = NODE_CONTROLLER, .index = 0, .name = "controller0"},
    {.kind = NODE_CONTROLLER, .index = 1, .name = "controller1"},
};
static const struct action_info actions[] = {
    {.name = "guest/hello", .ns = GUEST, .instance_limit = 2},
    {.name = "guest/free", .ns = GUEST},
};
static struct namespace_info namespaces[] = {
    {.name = "guest", .invocations_per_minute = 3, .concurrent_invocations = 4},
    {.name = "other", .invocations_per_minute = 3, .concurrent_invocations = 4},
};
static struct cluster cluster;

struct fixture {
    struct arena *arena;
    struct limits *limits;
};

static int setup(void **state)
{
    static struct fixture f;
    cluster = (struct cluster){.nodes = nodes,
                               .node_count = 3,
                               .namespaces = namespaces,
                               .namespace_count = 2,
                               .actions = actions,
                               .action_count = 2};
    cluster.counts[NODE_CLIENT] = 1;
    cluster.counts[NODE_CONTROLLER] = 2;
    cluster.firsts[NODE_CONTROLLER] = CONTROLLER0;
    f.arena = arena_new((size_t)1 << 20);
    assert_non_null(f.arena);
    f.limits = limits_new(f.arena, &cluster);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    return 0;
}

/* The first instant of a calendar minute after the origin. */
static tstamp minute(unsigned number)
{
    uint64_t ms = TSTAMP_EPOCH_MS % 60000;
    return TSTAMP_ORIGIN + (ms == 0 ? 0 : MSEC(60000 - ms)) + number * MINUTE;
}

static void request(struct fixture *f, node_id controller, namespace_id ns, tstamp at)
{
    struct record r = {.at = at, .node = controller, .ns = ns};
    limits_request(f->limits, &r);
}

static bool reached(struct fixture *f, tstamp at, node_id controller)
{
    return limits_reached(f->limits, at, GUEST, 1, controller);
}

static void each_controller_counts_requests_for_itself(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 2; i++)
        request(f, CONTROLLER0, GUEST, minute(1));
    request(f, CONTROLLER1, GUEST, minute(1));
    request(f, CONTROLLER0, OTHER, minute(1));
    assert_false(reached(f, minute(1), NODE_NONE));
    request(f, CONTROLLER0, GUEST, minute(1) + SEC(59));
    assert_true(reached(f, minute(1) + SEC(59), CONTROLLER0));
    assert_false(reached(f, minute(1) + SEC(59), CONTROLLER1));
    assert_true(reached(f, minute(1) + SEC(59), NODE_NONE));
    assert_false(limits_reached(f->limits, minute(1), OTHER, 1, NODE_NONE));
}

static void the_second_controller_is_found_when_none_is_named(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 3; i++)
        request(f, CONTROLLER1, GUEST, minute(1));
    assert_true(reached(f, minute(1), CONTROLLER1));
    assert_true(reached(f, minute(1), NODE_NONE));
    assert_false(reached(f, minute(1), CONTROLLER0));
}

static void requests_excuse_in_their_minute_and_the_next(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 3; i++)
        request(f, CONTROLLER0, GUEST, minute(1));
    assert_true(reached(f, minute(2), CONTROLLER0));
    assert_true(reached(f, minute(3) - 1, CONTROLLER0));
    assert_false(reached(f, minute(3), CONTROLLER0));
    request(f, CONTROLLER0, GUEST, minute(2) + SEC(1)); /* the minute before had three */
    assert_true(reached(f, minute(2) + SEC(2), CONTROLLER0));
    assert_false(reached(f, minute(3), CONTROLLER0));
}

static void a_minute_that_was_left_out_has_no_peak(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 3; i++)
        request(f, CONTROLLER0, GUEST, minute(1));
    request(f, CONTROLLER0, GUEST, minute(3));
    assert_false(reached(f, minute(3), CONTROLLER0));
}

static void what_is_in_flight_is_held_over_minutes(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 3; i++)
        limits_activation(f->limits, minute(1), GUEST, 1, true);
    assert_false(reached(f, minute(1), NODE_NONE));
    limits_activation(f->limits, minute(1), GUEST, 1, true);
    assert_true(reached(f, minute(1), NODE_NONE));
    assert_true(reached(f, minute(9), NODE_NONE)); /* nothing has ended */
    limits_activation(f->limits, minute(9), GUEST, 1, false);
    assert_true(reached(f, minute(10), NODE_NONE));  /* the peak of the minute before */
    assert_false(reached(f, minute(11), NODE_NONE)); /* three are held */
    assert_int_equal(limits_in_flight(f->limits, 1), 3);
    for (unsigned i = 0; i < 5; i++) /* no less than none */
        limits_activation(f->limits, minute(11), GUEST, 1, false);
    assert_int_equal(limits_in_flight(f->limits, 1), 0);
}

static void containers_count_as_what_is_in_flight(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 4; i++) {
        assert_false(reached(f, minute(1), NODE_NONE));
        limits_container(f->limits, minute(1), GUEST, 1, true);
    }
    assert_true(reached(f, minute(1), NODE_NONE));
    assert_false(limits_reached(f->limits, minute(1), OTHER, 1, NODE_NONE));
    limits_container(f->limits, minute(1), GUEST, 1, false);
    assert_true(reached(f, minute(2) + SEC(59), NODE_NONE));
    assert_false(reached(f, minute(3), NODE_NONE));
    limits_container(f->limits, minute(9), GUEST, 1, true); /* the other three are held */
    assert_true(reached(f, minute(9), NODE_NONE));
}

static void an_action_may_have_a_limit_of_its_own(void **state)
{
    struct fixture *f = *state;
    limits_container(f->limits, minute(1), GUEST, 0, true);
    assert_false(limits_reached(f->limits, minute(1), GUEST, 0, NODE_NONE));
    limits_container(f->limits, minute(1), GUEST, 0, true);
    assert_true(limits_reached(f->limits, minute(1), GUEST, 0, NODE_NONE));
    assert_false(limits_reached(f->limits, minute(1), GUEST, 1, NODE_NONE));
    limits_container(f->limits, minute(1), GUEST, 0, false);
    limits_container(f->limits, minute(1), GUEST, 0, false);
    assert_false(limits_reached(f->limits, minute(3), GUEST, 0, NODE_NONE));
    limits_activation(f->limits, minute(3), GUEST, 0, true);
    assert_false(limits_reached(f->limits, minute(3), GUEST, 0, NODE_NONE));
    limits_activation(f->limits, minute(3), GUEST, 0, true);
    assert_true(limits_reached(f->limits, minute(3), GUEST, 0, NODE_NONE));
    assert_int_equal(limits_in_flight(f->limits, 0), 2);
}

static void what_is_unknown_reaches_nothing(void **state)
{
    struct fixture *f = *state;
    assert_false(limits_reached(f->limits, minute(1), 2, 2, NODE_NONE));
    assert_false(limits_reached(f->limits, minute(1), GUEST, 0, NODE_NONE));
    limits_container(f->limits, minute(1), 2, 2, true);
    limits_activation(f->limits, minute(1), 2, 2, true);
    assert_false(limits_reached(f->limits, minute(1), GUEST, 0, NODE_NONE));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_controller_counts_requests_for_itself),
        TEST(the_second_controller_is_found_when_none_is_named),
        TEST(requests_excuse_in_their_minute_and_the_next),
        TEST(a_minute_that_was_left_out_has_no_peak),
        TEST(what_is_in_flight_is_held_over_minutes),
        TEST(containers_count_as_what_is_in_flight),
        TEST(an_action_may_have_a_limit_of_its_own),
        TEST(what_is_unknown_reaches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
