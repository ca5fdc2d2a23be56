/*
 * test_function_pulling_container_pool_tests.c - the container pool, as upstream tests it:
 * which container serves a creation, what is acked, and the shutdown. Prewarmed containers are
 * in test_function_pulling_container_pool_prewarm_tests.c.
 * Source: FunctionPullingContainerPoolTests.scala at 1fae641a2.
 */
#include "support/conform.h"
#include "support/pool_bed.h"

static int setup(void **state)
{
    *state = pool_bed_new(4);
    return 0;
}

static int teardown(void **state)
{
    actor_bed_free(*state);
    return 0;
}

static void with_memory(struct actor_bed *t, unsigned units)
{
    bed_config(t->bed, "whisk.container-pool.user-memory", (uint64_t)units * STD_MB << 20);
    pool_bed_start(t, "");
}

static void each_creation_gets_a_new_proxy(void **state)
{
    struct actor_bed *t = *state;
    with_memory(t, 4);
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "c0: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_create(t, BED_HELLO, 2, 1);
    actor_bed_expect(t, "c1: Initialize 2 guest/hello of guest rev 1\n");
    pool_bed_expect_pools(t, 2, 0, 0, 0, 0);
}

static void without_memory_nothing_starts_until_there_is(void **state)
{
    struct actor_bed *t = *state;
    with_memory(t, 2);
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "c0: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_create(t, BED_SLOW, 2, 1);
    actor_bed_expect(t, "answered 2 FAILED\n"
                        "creationAck0: 2 guest/slow of guest rev 1 retry 0 "
                        "ResourceNotEnoughError\n"
                        "health: MemoryInfo 256 0 256\n");
    pool_bed_removed(t, 0, true);
    actor_bed_expect(t, "answered 1 FAILED\n"
                        "creationAck0: 1 guest/hello of guest rev 1 retry 0 UnknownError\n");
    pool_bed_create(t, BED_SLOW, 3, 1);
    actor_bed_expect(t, "c1: Initialize 3 guest/slow of guest rev 1\n");
    pool_bed_expect_pools(t, 1, 0, 0, 0, 0);
}

static void a_pool_that_shuts_down_refuses_until_enabled(void **state)
{
    struct actor_bed *t = *state;
    with_memory(t, 1);
    actor_bed_send(t, ACTOR_MAIN_ID, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "answered 1 FAILED\n"
                        "creationAck0: 1 guest/hello of guest rev 1 retry 0 "
                        "ShuttingDownError\n");
    actor_bed_send(t, ACTOR_MAIN_ID, POST_ENABLE, NULL, 0);
    pool_bed_create(t, BED_HELLO, 2, 1);
    actor_bed_expect(t, "c0: Initialize 2 guest/hello of guest rev 1\n");
}

static uint32_t told(const struct actor_bed *t)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < INVOKER_BED_SLOTS; i++) {
        assert_true(t->told[i] <= 1);
        count += t->told[i];
    }
    return count;
}

/* Those that were told are gone; `only`: this one alone. */
static void told_are_removed(struct actor_bed *t, int only)
{
    for (uint32_t i = 0; i < 11; i++) {
        if (t->told[i] > 0 && (only < 0 || (uint32_t)only == i))
            pool_bed_removed(t, i, false);
    }
}

static void containers_stop_batch_by_batch(void **state)
{
    struct actor_bed *t = *state;
    bed_config(t->bed, "whisk.container-pool.batch-deletion-size", 3);
    with_memory(t, 20);
    for (uint32_t i = 0; i <= 10; i++)
        pool_bed_create(t, BED_HELLO, i + 1, 1);
    pool_bed_expect_pools(t, 11, 0, 0, 0, 0);
    for (uint32_t i = 0; i <= 10; i++) {
        if (i < 5)
            pool_bed_report(t, i, POST_INITIALIZED);
        else
            pool_bed_paused(t, i, t->bed->now);
    }
    pool_bed_expect_pools(t, 6, 5, 6, 0, 0);
    t->length = 0;
    actor_bed_send(t, ACTOR_MAIN_ID, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    actor_bed_expect(t, "c0: graceful-shutdown\nc1: graceful-shutdown\n"
                        "c2: graceful-shutdown\n");
    told_are_removed(t, -1);
    pool_bed_expect_pools(t, 6, 2, 6, 0, 0);
    actor_bed_pass(t, SEC(5) - 1);
    actor_bed_expect(t, "");
    actor_bed_pass(t, 1);
    actor_bed_expect(t, "c3: graceful-shutdown\nc4: graceful-shutdown\n"
                        "c5: graceful-shutdown\n");
    told_are_removed(t, 5);
    actor_bed_expect(t, "answered 6 FAILED\n"
                        "creationAck0: 6 guest/hello of guest rev 1 retry 0 UnknownError\n");
    actor_bed_pass(t, SEC(5));
    actor_bed_expect(t, "c6: graceful-shutdown\n");
    told_are_removed(t, -1);
    t->length = 0;
    actor_bed_pass(t, SEC(5));
    actor_bed_expect(t, "c7: graceful-shutdown\nc8: graceful-shutdown\n"
                        "c9: graceful-shutdown\n");
    assert_int_equal(told(t), 10);
    told_are_removed(t, -1);
    t->length = 0;
    actor_bed_pass(t, SEC(5));
    actor_bed_expect(t, "c10: graceful-shutdown\n");
    assert_int_equal(told(t), 11);
    told_are_removed(t, -1);
    pool_bed_expect_pools(t, 0, 0, 0, 0, 0);
}

static void a_warmed_container_serves_its_namespace_action_and_revision(void **state)
{
    struct actor_bed *t = *state;
    with_memory(t, 4);
    assert_int_equal(pool_bed_warmed(t, t->bed->now), 0);
    pool_bed_create(t, BED_HELLO, 1, 0); /* another revision */
    actor_bed_expect(t, "c1: Initialize 1 guest/hello of guest rev 0\n");
    struct creation creation = invoker_bed_creation(BED_HELLO, 2);
    creation.ns = BED_OTHER;
    actor_bed_send(t, ACTOR_CONSUMER_ID, POST_CREATION_CONTAINER, &creation, sizeof creation);
    actor_bed_expect(t, "c2: Initialize 2 guest/hello of other rev 1\n");
    pool_bed_create(t, BED_HELLO, 3, 1);
    actor_bed_expect(t, "c0: Initialize 3 guest/hello of guest rev 1\n");
    pool_bed_create(t, BED_HELLO, 4, 1);
    actor_bed_expect(t, "c3: Initialize 4 guest/hello of guest rev 1\n");
    pool_bed_expect_pools(t, 4, 0, 0, 0, 0);
}

static void a_failed_resume_makes_another_container(void **state)
{
    struct actor_bed *t = *state;
    with_memory(t, 2);
    pool_bed_warmed(t, t->bed->now);
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "c0: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_report(t, 0, POST_RESUME_FAILED);
    actor_bed_expect(t, "c1: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_expect_pools(t, 1, 0, 0, 0, 0);
}

static void the_oldest_warmed_containers_make_room(void **state)
{
    struct actor_bed *t = *state;
    with_memory(t, 3);
    for (uint32_t i = 0; i < 3; i++)
        pool_bed_warmed(t, t->bed->now + i);
    pool_bed_create(t, BED_SLOW, 1, 1);
    actor_bed_expect(t, "c0: Remove\nc1: Remove\n"
                        "c3: Initialize 1 guest/slow of guest rev 1\n");
    pool_bed_expect_pools(t, 1, 0, 1, 0, 0);
}

static void an_initialized_container_is_acked(void **state)
{
    struct actor_bed *t = *state;
    with_memory(t, 1);
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "c0: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_report(t, 0, POST_INITIALIZED);
    actor_bed_expect(t, "answered 1 OK\n"
                        "creationAck0: 1 guest/hello of guest rev 1 retry 0 none\n");
    pool_bed_expect_pools(t, 0, 1, 0, 0, 0);
}

static void a_resumed_container_is_acked(void **state)
{
    struct actor_bed *t = *state;
    with_memory(t, 1);
    pool_bed_warmed(t, t->bed->now);
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "c0: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_report(t, 0, POST_RESUMED);
    actor_bed_expect(t, "answered 1 OK\n"
                        "creationAck0: 1 guest/hello of guest rev 1 retry 0 none\n");
    pool_bed_expect_pools(t, 0, 1, 0, 0, 0);
}

static void lack_of_memory_and_an_early_end_are_acked(void **state)
{
    struct actor_bed *t = *state;
    with_memory(t, 1);
    pool_bed_create(t, BED_SLOW, 1, 1);
    actor_bed_expect(t, "answered 1 FAILED\n"
                        "creationAck0: 1 guest/slow of guest rev 1 retry 0 "
                        "ResourceNotEnoughError\n"
                        "health: MemoryInfo 256 0 0\n");
    pool_bed_create(t, BED_HELLO, 2, 1);
    actor_bed_expect(t, "c0: Initialize 2 guest/hello of guest rev 1\n");
    pool_bed_removed(t, 0, true);
    actor_bed_expect(t, "answered 2 FAILED\n"
                        "creationAck0: 2 guest/hello of guest rev 1 retry 0 UnknownError\n");
    pool_bed_expect_pools(t, 0, 0, 0, 0, 0);
}

#define SUITE(line, function) CONFORMS("FunctionPullingContainerPoolTests", line, function)
int main(void)
{
    static const struct CMUnitTest tests[] = {
        SUITE(224, each_creation_gets_a_new_proxy),
        SUITE(249, without_memory_nothing_starts_until_there_is),
        SUITE(284, a_pool_that_shuts_down_refuses_until_enabled),
        SUITE(326, containers_stop_batch_by_batch),
        SUITE(653, a_warmed_container_serves_its_namespace_action_and_revision),
        SUITE(708, a_failed_resume_makes_another_container),
        SUITE(764, the_oldest_warmed_containers_make_room),
        SUITE(849, an_initialized_container_is_acked),
        SUITE(883, a_resumed_container_is_acked),
        SUITE(944, lack_of_memory_and_an_early_end_are_acked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
