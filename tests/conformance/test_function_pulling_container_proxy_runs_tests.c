/*
 * test_function_pulling_container_proxy_runs_tests.c - what becomes of activations in a
 * container, as upstream tests it: errors of init and run, logs, blocked namespaces, health
 * checks, giving an activation back. The other actors are probes.
 * Source: FunctionPullingContainerProxyTests.scala at 1fae641a2.
 */
#include "support/conform.h"
#include "support/proxy_bed.h"

#define ALWAYS ((struct ratio){1, 1})

static int setup(void **state)
{
    *state = proxy_bed_cold();
    return 0;
}

static int teardown(void **state)
{
    proxy_bed_free(*state);
    return 0;
}

static struct proxy_bed *booted(void **state)
{
    proxy_bed_boot(*state);
    return *state;
}

static struct action_info *action_of(struct proxy_bed *t)
{
    return &t->bed->actions[BED_HELLO];
}

static void always(struct proxy_bed *t, enum action_fault fault)
{
    action_of(t)->faults[fault] = ALWAYS;
}

/* The container goes: docker's removal is the last that is seen of it. */
static void expect_destroyed(struct proxy_bed *t)
{
    proxy_bed_until(t, &t->slot->proxy.destroy);
    proxy_bed_expect(t, "container-gone\n");
}

static void two_runs_without_logs(void **state)
{
    struct proxy_bed *t = booted(state);
    action_of(t)->logs_off = true;
    proxy_bed_cold_start(t);
    proxy_bed_activate(t, 1, false);
    proxy_bed_pass(t, MSEC(300)); /* and not 5 ms more */
    proxy_bed_expect(t, "run-started\n"
                        "ClientCreated -> Running\n"
                        "run-ended 1: success\n"
                        "client: ContainerWarmed\n"
                        "health: HealthMessage(true)\n"
                        "client: RequestActivation after 300ms\n"
                        "read\n"
                        "ack 1: completion shrunk, success\n"
                        "store 1: success, 300ms\n");
    proxy_bed_activate(t, 2, true); /* blocking: one message for both */
    proxy_bed_pass(t, MSEC(100));
    proxy_bed_expect(t, "run-started\n"
                        "run-ended 2: success\n"
                        "health: HealthMessage(true)\n"
                        "client: RequestActivation after 100ms\n"
                        "ack 2: combined, success\n"
                        "store 2: success, 100ms\n");
}

static void a_creation_that_fails_says_so_and_ends(void **state)
{
    struct proxy_bed *t = booted(state);
    always(t, ACTION_FAULT_CREATE);
    proxy_bed_initialize(t);
    proxy_bed_expect(t, "Uninitialized -> CreatingClient\n");
    proxy_bed_until(t, &t->slot->proxy.operation);
    proxy_bed_expect(t, "parent: ContainerCreationFailed\n"
                        "parent: ContainerRemoved(true)\n");
    proxy_bed_expect_stopped(t);
    proxy_bed_pass(t, SEC(20));
    proxy_bed_expect(t, "");
}

static void expect_failed_init(struct proxy_bed *t)
{
    always(t, ACTION_FAULT_INIT);
    proxy_bed_activate(t, 1, false);
    proxy_bed_pass(t, MSEC(205));
    proxy_bed_expect(t, "ClientCreated -> Removing\n"
                        "health: HealthMessage(true)\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n"
                        "read\n"
                        "ack 1: completion shrunk, action developer error: "
                        "The action did not initialize and exited unexpectedly.\n"
                        "store 1: action developer error, 200ms\n");
    expect_destroyed(t);
}

static void a_failed_init_of_a_prewarmed_container_destroys_it(void **state)
{
    struct proxy_bed *t = booted(state);
    proxy_bed_prewarm(t);
    proxy_bed_adopt(t);
    expect_failed_init(t);
}

static void a_failed_init_of_a_cold_start_destroys_it(void **state)
{
    struct proxy_bed *t = booted(state);
    proxy_bed_cold_start(t);
    expect_failed_init(t);
}

static void a_run_that_ends_the_container_destroys_it(void **state)
{
    struct proxy_bed *t = booted(state);
    proxy_bed_cold_start(t);
    always(t, ACTION_FAULT_CRASH);
    proxy_bed_activate(t, 1, false);
    proxy_bed_pass(t, MSEC(305));
    proxy_bed_expect(t, "run-started\n"
                        "ClientCreated -> Running\n"
                        "run-ended 1: action developer error\n"
                        "Running -> Removing\n"
                        "client: ContainerWarmed\n"
                        "health: HealthMessage(true)\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n"
                        "read\n"
                        "ack 1: completion shrunk, action developer error: "
                        "The action did not produce a valid response and exited "
                        "unexpectedly.\n"
                        "store 1: action developer error, 300ms\n");
    expect_destroyed(t);
}

static void an_application_error_keeps_the_container(void **state)
{
    struct proxy_bed *t = booted(state);
    proxy_bed_cold_start(t);
    action_of(t)->fails = ALWAYS;
    proxy_bed_activate(t, 1, true);
    proxy_bed_pass(t, MSEC(305));
    proxy_bed_expect(t, "run-started\n"
                        "ClientCreated -> Running\n"
                        "run-ended 1: application error\n"
                        "client: ContainerWarmed\n"
                        "health: HealthMessage(true)\n"
                        "client: RequestActivation after 300ms\n"
                        "read\n"
                        "ack 1: result, application error: "
                        "The action answered with an error of its own.\n"
                        "ack 1: completion, application error: "
                        "The action answered with an error of its own.\n"
                        "store 1: application error, 300ms\n"); /* init and run */
    action_of(t)->fails = (struct ratio){0, 0};
    proxy_bed_activate(t, 2, true);
    proxy_bed_pass(t, MSEC(105));
    proxy_bed_expect(t, "run-started\n"
                        "run-ended 2: success\n"
                        "health: HealthMessage(true)\n"
                        "client: RequestActivation after 100ms\n"
                        "ack 2: result, success\n"
                        "ack 2: completion, success\n"
                        "store 2: success, 100ms\n"); /* run alone */
    assert_true(t->slot->proxy.has_container);
}

/* The run was a success, and that is acked and kept; which logs there are is not modelled. */
static void expect_failed_logs(struct proxy_bed *t)
{
    proxy_bed_cold_start(t);
    always(t, ACTION_FAULT_LOGS);
    proxy_bed_activate(t, 1, false);
    proxy_bed_pass(t, MSEC(305));
    proxy_bed_expect(t, "run-started\n"
                        "ClientCreated -> Running\n"
                        "run-ended 1: success\n"
                        "Running -> Removing\n"
                        "client: ContainerWarmed\n"
                        "health: HealthMessage(true)\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n"
                        "read\n"
                        "ack 1: completion shrunk, success\n"
                        "store 1: success, 300ms\n");
    expect_destroyed(t);
}

static void logs_read_in_part_destroy_the_container(void **state)
{
    expect_failed_logs(booted(state));
}

static void logs_not_read_destroy_the_container(void **state)
{
    expect_failed_logs(booted(state));
}

/* ---- blocked namespaces ---- */

static void a_blocked_namespace_is_answered_without_a_run(void **state)
{
    struct proxy_bed *t = *state;
    t->bed->namespaces[BED_GUEST].blocked_from = SEC(1);
    t->inv->is_blocked = true;
    proxy_bed_boot(t);
    proxy_bed_prewarm(t);
    proxy_bed_adopt(t);
    proxy_bed_activate(t, 1, true);
    proxy_bed_expect(t, "ClientCreated -> Removing\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n"
                        "ack 1: combined shrunk, application error: "
                        "The action was not invoked due to a blacklisted namespace.\n");
    expect_destroyed(t);
}

static void a_namespace_blocked_later_is_answered_without_a_run(void **state)
{
    struct proxy_bed *t = *state;
    t->bed->namespaces[BED_GUEST].blocked_from = SEC(1);
    bed_config(t->bed, "whisk.blacklist.poll-interval", SEC(20));
    proxy_bed_boot(t); /* 15 s */
    proxy_bed_prewarm(t);
    proxy_bed_adopt(t);
    proxy_bed_first_run(t);
    t->inv->is_blocked = true;
    proxy_bed_pass(t, TSTAMP_ORIGIN + SEC(20) - 1 - t->bed->now);
    proxy_bed_expect(t, "");
    assert_false(invoker_blacklist_has(t->inv->invoker, BED_GUEST));
    proxy_bed_pass(t, 1);
    assert_true(invoker_blacklist_has(t->inv->invoker, BED_GUEST));
    proxy_bed_expect(t, "");
    proxy_bed_activate(t, 2, false);
    proxy_bed_expect(t, "Running -> Removing\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n"
                        "ack 2: combined shrunk, application error: "
                        "The action was not invoked due to a blacklisted namespace.\n");
    expect_destroyed(t);
}

/* ---- time and health ---- */

static void a_long_run_is_no_silence(void **state)
{
    struct proxy_bed *t = booted(state);
    proxy_bed_prewarm(t);
    proxy_bed_adopt(t);
    proxy_bed_first_run(t);
    action_of(t)->run_a = SEC(6); /* the grace is 5 s */
    for (unsigned i = 0; i < 2; i++) {
        proxy_bed_activate(t, 2, false);
        proxy_bed_pass(t, SEC(6) + MSEC(4));
        assert_int_equal(t->slot->proxy.timed_out, 0);
        proxy_bed_pass(t, MSEC(1));
        proxy_bed_expect(t, "run-started\n"
                            "run-ended 2: success\n"
                            "health: HealthMessage(true)\n"
                            "client: RequestActivation after 6000ms\n"
                            "ack 2: completion shrunk, success\n"
                            "store 2: success, 6000ms\n");
    }
    assert_true(t->slot->proxy.has_container);
}

static void prewarmed_containers_are_checked_until_they_run(void **state)
{
    struct proxy_bed *t = *state;
    bed_config(t->bed, "whisk.container-proxy.action-health-check.enabled", 1);
    bed_config(t->bed, "whisk.container-proxy.action-health-check.check-period", MSEC(100));
    bed_config(t->bed, "whisk.container-proxy.action-health-check.max-fails", 2);
    proxy_bed_boot(t);
    proxy_bed_prewarm(t);
    proxy_bed_pass(t, MSEC(300));
    assert_int_equal(t->slot->proxy.ping_ordinal, 3);
    assert_true(timer_is_armed(&t->slot->proxy.health_ping));
    proxy_bed_expect(t, "");
    proxy_bed_adopt(t);
    assert_true(timer_is_armed(&t->slot->proxy.health_ping));
    proxy_bed_first_run(t);
    uint32_t checks = t->slot->proxy.ping_ordinal;
    assert_true(checks >= 4 && checks <= 5); /* two during the init of 200 ms */
    proxy_bed_pass(t, MSEC(200));
    assert_int_equal(t->slot->proxy.ping_ordinal, checks);
    assert_false(timer_is_armed(&t->slot->proxy.health_ping));
    proxy_bed_expect(t, "");
}

/* ---- giving back ---- */

static void a_container_that_refuses_init_gives_back(void **state)
{
    struct proxy_bed *t = booted(state);
    proxy_bed_prewarm(t);
    proxy_bed_adopt(t);
    always(t, ACTION_FAULT_INIT_REFUSED);
    proxy_bed_activate(t, 1, false);
    proxy_bed_pass(t, 0);
    proxy_bed_expect(t, "ClientCreated -> Rescheduling\n"
                        "client: RescheduleActivation(1)\n"
                        "read\n");
    assert_int_equal(t->slot->proxy.running_count, 0);
}

static void a_first_run_that_meets_nobody_gives_back(void **state)
{
    struct proxy_bed *t = booted(state);
    proxy_bed_prewarm(t);
    proxy_bed_adopt(t);
    always(t, ACTION_FAULT_UNREACHABLE);
    proxy_bed_activate(t, 1, false);
    proxy_bed_pass(t, MSEC(200));
    proxy_bed_expect(t, "ClientCreated -> Running\n"
                        "Running -> Rescheduling\n"
                        "client: ContainerWarmed\n"
                        "client: RescheduleActivation(1)\n"
                        "read\n");
}

static void a_later_run_that_meets_nobody_gives_back(void **state)
{
    struct proxy_bed *t = booted(state);
    proxy_bed_prewarm(t);
    proxy_bed_adopt(t);
    proxy_bed_first_run(t);
    always(t, ACTION_FAULT_UNREACHABLE);
    proxy_bed_activate(t, 2, false);
    proxy_bed_pass(t, 0);
    proxy_bed_expect(t, "Running -> Rescheduling\n"
                        "client: RescheduleActivation(2)\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("FunctionPullingContainerProxyTests", 1751, two_runs_without_logs),
        CONFORMS("FunctionPullingContainerProxyTests", 1819,
                 a_creation_that_fails_says_so_and_ends),
        CONFORMS("FunctionPullingContainerProxyTests", 1873,
                 a_failed_init_of_a_prewarmed_container_destroys_it),
        CONFORMS("FunctionPullingContainerProxyTests", 1948,
                 a_failed_init_of_a_cold_start_destroys_it),
        CONFORMS("FunctionPullingContainerProxyTests", 2022,
                 a_run_that_ends_the_container_destroys_it),
        CONFORMS("FunctionPullingContainerProxyTests", 2097,
                 an_application_error_keeps_the_container),
        CONFORMS("FunctionPullingContainerProxyTests", 2203,
                 logs_read_in_part_destroy_the_container),
        CONFORMS("FunctionPullingContainerProxyTests", 2269,
                 logs_not_read_destroy_the_container),
        CONFORMS("FunctionPullingContainerProxyTests", 2559,
                 a_blocked_namespace_is_answered_without_a_run),
        CONFORMS("FunctionPullingContainerProxyTests", 2626,
                 a_namespace_blocked_later_is_answered_without_a_run),
        CONFORMS("FunctionPullingContainerProxyTests", 2707, a_long_run_is_no_silence),
        CONFORMS("FunctionPullingContainerProxyTests", 2788,
                 prewarmed_containers_are_checked_until_they_run),
        CONFORMS("FunctionPullingContainerProxyTests", 2860,
                 a_container_that_refuses_init_gives_back),
        CONFORMS("FunctionPullingContainerProxyTests", 2922,
                 a_first_run_that_meets_nobody_gives_back),
        CONFORMS("FunctionPullingContainerProxyTests", 2985,
                 a_later_run_that_meets_nobody_gives_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
