/*
 * test_kernel_mmc.c - a queue with a known answer, as machines and as a bare loop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bench/bench.h"
#include "bench/bench_mmc.h"
#include "core/arena.h"
#include "kernel/host_sim.h"

#define ROOM ((size_t)16 << 20)

static void machines_and_bare_loop_agree_to_the_nanosecond(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct mmc_setup setup = {.draws.seed = seed, .jobs = 20000};
        struct arena *arena = arena_new(ROOM);
        struct host *host = mmc_world_new(arena, &setup);
        struct mmc_result world = mmc_world_run(host, TSTAMP_NEVER);
        struct mmc_result bare = mmc_bare_run(&setup);
        assert_int_equal(world.jobs, setup.jobs);
        assert_int_equal(world.jobs, bare.jobs);
        assert_int_equal(world.events, bare.events);
        assert_int_equal(world.waited, bare.waited);
        assert_int_equal(world.answered, bare.answered);
        assert_int_equal(world.end, bare.end);
        assert_int_equal(host_sim_in_flight(host), 0);
        host_sim_release(host);
        arena_free(arena);
    }
}

/* Little's law: 1000 clients share think, link, waiting and service time. */
static void the_queue_does_what_the_theory_says(void **state)
{
    (void)state;
    struct mmc_setup setup = {.draws.seed = 7, .jobs = 100000};
    struct mmc_result bare = mmc_bare_run(&setup);
    duration answered = bare.answered / bare.jobs, waited = bare.waited / bare.jobs;
    duration links = MMC_LINK_MIN + MMC_LINK_MAX; /* twice their mean */
    assert_in_range(answered - waited, MMC_SERVICE + links - USEC(150),
                    MMC_SERVICE + links + USEC(150));
    duration cycle = MMC_THINK + answered;
    /* the end, when clients stop one by one, is a fifteenth of the run */
    uint64_t expected = (bare.end - TSTAMP_ORIGIN) * MMC_CLIENTS / cycle;
    assert_in_range(bare.jobs, expected * 90 / 100, expected * 102 / 100);
}

static void the_median_is_the_middle_or_the_mean_of_the_two(void **state)
{
    (void)state;
    double odd[] = {5, 1, 9}, even[] = {4, 1, 2, 8};
    assert_true(bench_median(odd, 3) == 5);
    assert_true(bench_median(even, 4) == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_and_bare_loop_agree_to_the_nanosecond),
        cmocka_unit_test(the_queue_does_what_the_theory_says),
        cmocka_unit_test(the_median_is_the_middle_or_the_mean_of_the_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
