/*
 * test_function_pulling_container_pool_prewarm_tests.c - the pool's prewarmed containers, as
 * upstream tests them. How many were found and wanted, which is in upstream's log, is told by
 * how many start.
 * Source: FunctionPullingContainerPoolTests.scala at 1fae641a2.
 */
#include "support/conform.h"
#include "support/pool_bed.h"
#include <stdio.h>

static int setup(void **state)
{
    *state = pool_bed_new(2);
    return 0;
}

static int teardown(void **state)
{
    actor_bed_free(*state);
    return 0;
}

static void given(struct actor_bed *t, unsigned units, const struct prewarm_config *configs,
                  uint32_t count, const char *lines)
{
    bed_config(t->bed, "whisk.container-pool.user-memory", (uint64_t)units * STD_MB << 20);
    pool_bed_prewarm(t, configs, count);
    pool_bed_start(t, lines);
}

static void one_starts_with_the_pool(void **state)
{
    static const struct prewarm_config config = {KIND_NODEJS_20, STD_MB, .initial_count = 1};
    struct actor_bed *t = *state;
    given(t, 2, &config, 1, "c0: Start nodejs:20 256 MB\n");
    pool_bed_expect_pools(t, 0, 0, 0, 0, 1);
    actor_bed_pass(t, SEC(59));
    actor_bed_expect(t, "");
}

static void three_start_at_a_pace(void **state)
{
    static const struct prewarm_config config = {KIND_NODEJS_20, STD_MB, .initial_count = 3};
    struct actor_bed *t = *state;
    bed_config(t->bed, "whisk.container-pool.prewarm-container-creation-config.max-concurrent",
               1);
    bed_config(t->bed, "whisk.container-pool.prewarm-container-creation-config.creation-delay",
               SEC(3));
    given(t, 3, &config, 1, "");
    actor_bed_expect(t, "c0: Start nodejs:20 256 MB\nhealth: MemoryInfo 768 0 0\n");
    actor_bed_pass(t, SEC(3) - 1);
    actor_bed_expect(t, "");
    actor_bed_pass(t, 1);
    actor_bed_expect(t, "c1: Start nodejs:20 256 MB\n");
    actor_bed_pass(t, SEC(3) - 1);
    actor_bed_expect(t, "");
    actor_bed_pass(t, 1);
    actor_bed_expect(t, "c2: Start nodejs:20 256 MB\n");
    assert_true(timer_is_armed(&t->invoker->pool.prewarm_pace));
    actor_bed_pass(t, SEC(3)); /* nothing is left: the pace ends */
    actor_bed_expect(t, "");
    assert_false(timer_is_armed(&t->invoker->pool.prewarm_pace));
}

static void removed_ones_are_replaced(void **state)
{
    static const struct prewarm_config config = {KIND_NODEJS_20, STD_MB, .initial_count = 2};
    struct actor_bed *t = *state;
    given(t, 2, &config, 1, "c0: Start nodejs:20 256 MB\nc1: Start nodejs:20 256 MB\n");
    pool_bed_removed(t, 0, true);
    actor_bed_expect(t, "c2: Start nodejs:20 256 MB\n");
    pool_bed_removed(t, 1, true);
    actor_bed_expect(t, "c3: Start nodejs:20 256 MB\n");
    pool_bed_expect_pools(t, 0, 0, 0, 0, 2);
}

static void one_of_the_same_memory_is_used_and_replaced(void **state)
{
    static const struct prewarm_config configs[] = {
        {KIND_NODEJS_20, STD_MB, .initial_count = 1},
        {KIND_NODEJS_20, 2 * STD_MB, .initial_count = 1}};
    struct actor_bed *t = *state;
    given(t, 6, configs, 2, "c0: Start nodejs:20 256 MB\nc1: Start nodejs:20 512 MB\n");
    pool_bed_ready(t, 0, KIND_NODEJS_20, STD_MB, TSTAMP_NEVER);
    pool_bed_ready(t, 1, KIND_NODEJS_20, 2 * STD_MB, TSTAMP_NEVER);
    pool_bed_expect_pools(t, 0, 0, 0, 2, 0);
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "c2: Start nodejs:20 256 MB\n"
                        "c0: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_create(t, BED_HELLO, 2, 1);
    actor_bed_expect(t, "c3: Initialize 2 guest/hello of guest rev 1\n");
    pool_bed_expect_pools(t, 2, 0, 0, 1, 1);
}

static void with_promotion_a_bigger_one_is_used_and_replaced(void **state)
{
    static const struct prewarm_config configs[] = {
        {KIND_NODEJS_20, STD_MB, .initial_count = 1},
        {KIND_NODEJS_20, 3 * STD_MB, .initial_count = 1}};
    struct actor_bed *t = *state;
    bed_config(t->bed, "whisk.container-pool.prewarm-promotion", 1);
    given(t, 6, configs, 2, "c0: Start nodejs:20 256 MB\nc1: Start nodejs:20 768 MB\n");
    pool_bed_ready(t, 0, KIND_NODEJS_20, STD_MB, TSTAMP_NEVER);
    pool_bed_ready(t, 1, KIND_NODEJS_20, 3 * STD_MB, TSTAMP_NEVER);
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "c2: Start nodejs:20 256 MB\n"
                        "c0: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_create(t, BED_HELLO, 2, 1);
    actor_bed_expect(t, "c3: Start nodejs:20 768 MB\n"
                        "c1: Initialize 2 guest/hello of guest rev 1\n");
    assert_int_equal(t->invoker->pool.used_mb, 4 * STD_MB);
    pool_bed_create(t, BED_SLOW, 3, 1);
    actor_bed_expect(t, "c4: Initialize 3 guest/slow of guest rev 1\n");
    pool_bed_expect_pools(t, 3, 0, 0, 0, 2);
}

static void one_of_another_kind_is_not_used(void **state)
{
    static const struct prewarm_config config = {KIND_BLACKBOX, STD_MB, .initial_count = 1};
    struct actor_bed *t = *state;
    given(t, 1, &config, 1, "c0: Start blackbox 256 MB\n");
    pool_bed_ready(t, 0, KIND_BLACKBOX, STD_MB, TSTAMP_NEVER);
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "c1: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_expect_pools(t, 1, 0, 0, 1, 0);
}

static void one_with_too_little_memory_is_not_used(void **state)
{
    static const struct prewarm_config config = {KIND_NODEJS_20, 128, .initial_count = 1};
    struct actor_bed *t = *state;
    given(t, 1, &config, 1, "c0: Start nodejs:20 128 MB\n");
    pool_bed_ready(t, 0, KIND_NODEJS_20, 128, TSTAMP_NEVER);
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "c1: Initialize 1 guest/hello of guest rev 1\n");
    pool_bed_expect_pools(t, 1, 0, 0, 1, 0);
}

static void memory_is_reported_at_each_refusal(void **state)
{
    static const struct prewarm_config config = {KIND_NODEJS_20, STD_MB, .initial_count = 1};
    struct actor_bed *t = *state;
    given(t, 1, &config, 1, "c0: Start nodejs:20 256 MB\n"); /* the first report is in there */
    pool_bed_create(t, BED_HELLO, 1, 1);
    actor_bed_expect(t, "c1: Initialize 1 guest/hello of guest rev 1\n");
    for (unsigned i = 0; i < 2; i++) {
        pool_bed_create(t, BED_HELLO, 2, 1);
        actor_bed_expect(t, "answered 2 FAILED\n"
                            "creationAck0: 2 guest/hello of guest rev 1 retry 0 "
                            "ResourceNotEnoughError\n"
                            "health: MemoryInfo 0 0 256\n");
    }
}

static void checks(struct actor_bed *t)
{
    bed_config(t->bed, "whisk.container-pool.prewarm-expiration-check-init-delay", SEC(2));
    bed_config(t->bed, "whisk.container-pool.prewarm-expiration-check-interval", SEC(2));
    bed_config(t->bed, "whisk.container-pool.prewarm-expiration-check-interval-variance", 0);
}

static void without_a_reactive_configuration_nothing_changes(void **state)
{
    static const struct prewarm_config config = {KIND_NODEJS_20, STD_MB, .initial_count = 2};
    struct actor_bed *t = *state;
    checks(t);
    given(t, 4, &config, 1, "c0: Start nodejs:20 256 MB\nc1: Start nodejs:20 256 MB\n");
    pool_bed_ready(t, 0, KIND_NODEJS_20, STD_MB, TSTAMP_NEVER);
    pool_bed_ready(t, 1, KIND_NODEJS_20, STD_MB, TSTAMP_NEVER);
    actor_bed_pass(t, SEC(5));
    actor_bed_expect(t, "");
    pool_bed_expect_pools(t, 0, 0, 0, 2, 0);
}

static void cold_starts(struct actor_bed *t, uint32_t first, uint32_t count)
{
    char text[128];
    for (uint32_t i = 0; i < count; i++) {
        pool_bed_create(t, BED_HELLO, first + i, 1);
        snprintf(text, sizeof text, "c%u: Initialize %u guest/hello of guest rev 1\n",
                 first + i, first + i);
        actor_bed_expect(t, text);
    }
}

static void a_reactive_configuration_follows_the_cold_starts(void **state)
{
    static const struct prewarm_config config = {
        KIND_NODEJS_20, STD_MB,         .initial_count = 2, .is_reactive = 1,
        .max_count = 4, .threshold = 1, .increment = 1,     .ttl = MSEC(500)};
    struct actor_bed *t = *state;
    checks(t);
    given(t, 8, &config, 1,
          "c0: Start nodejs:20 256 MB for 500 ms\nc1: Start nodejs:20 256 MB for 500 ms\n");
    pool_bed_ready(t, 0, KIND_NODEJS_20, STD_MB, t->bed->now + MSEC(500));
    pool_bed_ready(t, 1, KIND_NODEJS_20, STD_MB, t->bed->now + MSEC(500));
    actor_bed_pass(t, SEC(2) - 1);
    actor_bed_expect(t, "");
    actor_bed_pass(t, 1); /* no cold start: none is wanted */
    actor_bed_expect(t, "c0: Remove\nc1: Remove\n");
    pool_bed_removed(t, 0, true);
    pool_bed_removed(t, 1, true);
    actor_bed_expect(t, "");
    cold_starts(t, 2, 2);
    actor_bed_pass(t, SEC(2));
    actor_bed_expect(t, "c4: Start nodejs:20 256 MB for 500 ms\n"
                        "c5: Start nodejs:20 256 MB for 500 ms\n");
    pool_bed_ready(t, 4, KIND_NODEJS_20, STD_MB, t->bed->now + MSEC(500));
    pool_bed_ready(t, 5, KIND_NODEJS_20, STD_MB, t->bed->now + MSEC(500));
    actor_bed_pass(t, SEC(2));
    actor_bed_expect(t, "c4: Remove\nc5: Remove\n");
    pool_bed_removed(t, 4, true);
    pool_bed_removed(t, 5, true);
    cold_starts(t, 6, 5);
    actor_bed_pass(t, SEC(2));
    actor_bed_expect(t, "c11: Start nodejs:20 256 MB for 500 ms\n"
                        "c12: Start nodejs:20 256 MB for 500 ms\n"
                        "c13: Start nodejs:20 256 MB for 500 ms\n"
                        "c14: Start nodejs:20 256 MB for 500 ms\n");
    pool_bed_expect_pools(t, 7, 0, 0, 0, 4);
}

static void failing_ones_are_given_up_after_the_limit(void **state)
{
    static const struct prewarm_config config = {KIND_NODEJS_20, STD_MB, .initial_count = 1};
    struct actor_bed *t = *state;
    given(t, 4, &config, 1, "c0: Start nodejs:20 256 MB\n");
    pool_bed_removed(t, 0, true);
    actor_bed_expect(t, "c1: Start nodejs:20 256 MB\n");
    pool_bed_removed(t, 1, true);
    actor_bed_expect(t, "c2: Start nodejs:20 256 MB\n");
    pool_bed_removed(t, 2, true);
    actor_bed_expect(t, "c3: Start nodejs:20 256 MB\n");
    pool_bed_removed(t, 3, true);
    actor_bed_expect(t, "");
    pool_bed_expect_pools(t, 0, 0, 0, 0, 0);
}

#define SUITE(line, function) CONFORMS("FunctionPullingContainerPoolTests", line, function)
int main(void)
{
    static const struct CMUnitTest tests[] = {
        SUITE(431, one_starts_with_the_pool),
        SUITE(448, three_start_at_a_pace),
        SUITE(486, removed_ones_are_replaced),
        SUITE(511, one_of_the_same_memory_is_used_and_replaced),
        SUITE(550, with_promotion_a_bigger_one_is_used_and_replaced),
        SUITE(605, one_of_another_kind_is_not_used),
        SUITE(629, one_with_too_little_memory_is_not_used),
        SUITE(993, memory_is_reported_at_each_refusal),
        SUITE(1029, without_a_reactive_configuration_nothing_changes),
        SUITE(1081, a_reactive_configuration_follows_the_cold_starts),
        SUITE(1229, failing_ones_are_given_up_after_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
