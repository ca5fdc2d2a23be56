/*
 * test_invoker_prewarm.c - containers that no action has yet: what ends them, what waits, and
 * their TCP check.
 */
#include "support/proxy_bed.h"

static struct proxy_bed *checked(uint64_t unreachable)
{
    struct proxy_bed *t = proxy_bed_cold();
    bed_config(t->bed, "whisk.container-proxy.action-health-check.enabled", 1);
    bed_config(t->bed, "prewarm.unreachable", unreachable);
    proxy_bed_boot(t);
    proxy_bed_prewarm(t);
    return t;
}

static void a_time_to_live_is_an_instant_for_the_pool(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    struct post_start start = {.memory_mb = 128, .ttl = MINUTES(7)};
    proxy_bed_send(t, POST_START, &start, sizeof start);
    proxy_bed_expect(t, "Uninitialized -> CreatingContainer\n");
    assert_int_not_equal(t->slot->proxy.container, 0);
    struct message m = invoker_bed_post(t->inv, slot_actor(t->slot, ACTOR_CALLBACK),
                                        slot_actor(t->slot, ACTOR_PROXY), POST_PREWARM_DATA);
    bed_deliver(t->bed, &m);
    const struct message *ready = bed_post(t->bed, 0);
    assert_int_equal(ready->what, POST_READY_TO_WORK);
    const struct post_prewarmed *cell = MESSAGE_LOCAL_CONST(ready, struct post_prewarmed);
    assert_int_equal(cell->expires_at, t->bed->now + MINUTES(7));
    proxy_bed_free(t);
}

static void docker_that_fails_ends_it(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    struct post_start start = {.memory_mb = 256};
    proxy_bed_send(t, POST_START, &start, sizeof start);
    proxy_bed_fail(t, FAILURE_CREATE);
    proxy_bed_expect(t, "Uninitialized -> CreatingContainer\n"
                        "parent: ContainerRemoved(true)\n");
    proxy_bed_expect_stopped(t);
    assert_false(timer_is_armed(&t->slot->proxy.operation));
    proxy_bed_free(t);
}

/* No key, and the client's word is its own. */
static void one_that_is_removed_is_not_replaced(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    proxy_bed_prewarm(t);
    proxy_bed_send(t, POST_REMOVE, NULL, 0);
    proxy_bed_expect(t, "ContainerCreated -> Removing\n"
                        "parent: ContainerRemoved(false)\n");
    proxy_bed_expect_stopped(t);
    proxy_bed_until(t, &t->slot->proxy.destroy);
    proxy_bed_expect(t, "container-gone\n");
    proxy_bed_free(t);
}

static void one_that_fails_is_replaced(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    proxy_bed_prewarm(t);
    proxy_bed_fail(t, FAILURE_OTHER);
    proxy_bed_expect(t, "ContainerCreated -> Removing\n"
                        "parent: ContainerRemoved(true)\n");
    proxy_bed_expect_stopped(t);
    proxy_bed_free(t);
}

static void a_shutdown_waits_for_its_first_use(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    proxy_bed_prewarm(t);
    proxy_bed_send(t, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    proxy_bed_expect(t, "");
    assert_int_equal(t->slot->proxy.stash_count, 1);
    proxy_bed_adopt(t);
    assert_int_equal(t->slot->proxy.stash_count, 1);
    proxy_bed_free(t);
}

static void a_job_while_it_is_made_waits(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    struct post_start start = {.memory_mb = 256, .kind = 3};
    proxy_bed_send(t, POST_START, &start, sizeof start);
    proxy_bed_initialize(t);
    proxy_bed_expect(t, "Uninitialized -> CreatingContainer\n");
    assert_int_equal(t->slot->proxy.stash_count, 1);
    proxy_bed_until(t, &t->slot->proxy.operation);
    proxy_bed_expect(t, "container-made\n"
                        "CreatingContainer -> ContainerCreated\n"
                        "ContainerCreated -> CreatingClient\n"
                        "parent: ReadyToWork(256 MB, kind 3)\n"
                        "client: StartClient\n");
    proxy_bed_free(t);
}

static void three_checks_that_fail_in_a_row_end_it(void **state)
{
    (void)state;
    struct proxy_bed *t = checked(1000000);
    proxy_bed_pass(t, SEC(9) - 1);
    proxy_bed_expect(t, "");
    assert_int_equal(t->slot->proxy.ping_failures, 2);
    proxy_bed_pass(t, 1);
    proxy_bed_expect(t, "ContainerCreated -> Removing\n"
                        "parent: ContainerRemoved(true)\n");
    proxy_bed_free(t);
}

static void a_check_that_meets_it_forgives_the_others(void **state)
{
    (void)state;
    struct proxy_bed *t = checked(0);
    t->slot->proxy.ping_failures = 2;
    proxy_bed_pass(t, SEC(3));
    assert_int_equal(t->slot->proxy.ping_failures, 0);
    assert_true(timer_is_armed(&t->slot->proxy.health_ping));
    t->slot->proxy.is_crashed = 1;
    proxy_bed_pass(t, SEC(6));
    assert_int_equal(t->slot->proxy.ping_failures, 2);
    proxy_bed_pass(t, SEC(3));
    assert_int_equal(t->slot->proxy.state, PROXY_REMOVING);
    proxy_bed_free(t);
}

/* In CreatingClient the failure is one of the client: the container is left behind. */
static void a_check_that_fails_later_is_a_failure_there(void **state)
{
    (void)state;
    struct proxy_bed *t = checked(1000000);
    proxy_bed_pass(t, SEC(8));
    proxy_bed_initialize(t);
    proxy_bed_expect(t, "ContainerCreated -> CreatingClient\n"
                        "client: StartClient\n");
    proxy_bed_pass(t, SEC(1));
    proxy_bed_expect(t, "parent: ContainerRemoved(true)\n");
    assert_false(t->slot->proxy.alive);
    assert_int_equal(t->slot->proxy.has_container, 1);
    assert_int_equal(t->inv->invoker->containers_open, 0);
    proxy_bed_free(t);
    t = checked(1000000);
    proxy_bed_adopt(t);
    proxy_bed_pass(t, SEC(5) - 1); /* before the grace */
    t->slot->proxy.ping_failures = 2;
    proxy_bed_pass(t, SEC(1) + 1);
    proxy_bed_expect(t, "ClientCreated -> Removing\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n");
    proxy_bed_free(t);
}

static void without_configuration_there_is_no_check(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    proxy_bed_prewarm(t);
    assert_false(timer_is_armed(&t->slot->proxy.health_ping));
    proxy_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_to_live_is_an_instant_for_the_pool),
        cmocka_unit_test(docker_that_fails_ends_it),
        cmocka_unit_test(one_that_is_removed_is_not_replaced),
        cmocka_unit_test(one_that_fails_is_replaced),
        cmocka_unit_test(a_shutdown_waits_for_its_first_use),
        cmocka_unit_test(a_job_while_it_is_made_waits),
        cmocka_unit_test(three_checks_that_fail_in_a_row_end_it),
        cmocka_unit_test(a_check_that_meets_it_forgives_the_others),
        cmocka_unit_test(a_check_that_fails_later_is_a_failure_there),
        cmocka_unit_test(without_configuration_there_is_no_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
