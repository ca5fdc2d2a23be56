/*
 * test_bench.c - every benchmark once, tiny: it runs, its two sides agree, its figures are
 * there and are of what it says. Never how fast it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench/bench_model.h"

static void assert_filled(const struct bench_result *result, const char *name, unsigned runs)
{
    assert_string_equal(result->name, name);
    assert_true(strlen(result->unit) > 0);
    assert_int_equal(result->runs, runs);
    assert_true(result->ours > 0);
    assert_true(result->reference > 0);
    assert_true(result->ratio > 0);
}

static void the_machines_and_the_bare_loop_are_timed_over_the_same_events(void **state)
{
    (void)state;
    struct bench_result result;
    assert_int_equal(bench_mmc(&result, 2, 100), 0);
    assert_filled(&result, "mmc", 2);
    /* four events a job; at the end each of the 1000 clients thinks once more, for nothing */
    assert_int_equal(result.events, 4 * 4000 + 1000);
}

static void a_snapshot_brings_the_world_back(void **state)
{
    (void)state;
    struct bench_result result;
    assert_int_equal(bench_snapshot(&result, 1, 100), 0);
    assert_filled(&result, "snapshot", 1);
}

static void the_model_is_timed_event_for_event(void **state)
{
    (void)state;
    struct bench_result result;
    assert_int_equal(bench_model(&result, 1, 100), 0);
    assert_filled(&result, "model", 1);
    double per_activation = strtod(result.note, NULL); /* "31.5 events per activation, ..." */
    assert_true(per_activation > 10);
    uint64_t told = (uint64_t)(per_activation * 4000); /* one decimal: 200 off at most */
    assert_in_range(result.events, told - 201, told + 201);
}

static void a_rolled_cluster_is_timed_to_its_end(void **state)
{
    (void)state;
    struct bench_result result;
    assert_int_equal(bench_rollout(&result, 1, 12), 0);
    assert_filled(&result, "rollout", 1);
    assert_true(result.ours >= 70); /* virtual seconds: its load alone takes as long */
    assert_non_null(strstr(result.note, " activations, "));
    assert_true(strtoull(result.note, NULL, 10) > 2000);
}

static void memory_is_read_after_the_short_and_the_long_run(void **state)
{
    (void)state;
    struct bench_result result;
    assert_int_equal(bench_memory(&result, 1, 2000), 0);
    assert_filled(&result, "memory", 1);
    assert_true(result.ours >= result.reference); /* a highest value never sinks */
    assert_non_null(strstr(result.note, "5000 activations against 50;"));
}

static void cost_over_a_run_is_read_after_its_warm_up(void **state)
{
    (void)state;
    struct bench_result result;
    assert_int_equal(bench_flat(&result, 1, 200), 0);
    assert_filled(&result, "flat", 1);
    assert_non_null(strstr(result.note, " us"));
}

static void cost_is_read_with_few_and_with_many_invokers(void **state)
{
    (void)state;
    struct bench_result result;
    assert_int_equal(bench_invokers(&result, 1, 100), 0);
    assert_filled(&result, "invokers", 1);
    assert_non_null(strstr(result.note, "300 invokers against 3;"));
}

static void all_requests_of_a_closed_loop_are_completed(void **state)
{
    (void)state;
    struct bench_model model = {.invokers = 1, .requests = 1000};
    struct result first, second;
    assert_int_equal(bench_model_run(&model, &first), 0);
    assert_int_equal(bench_model_run(&model, &second), 0);
    assert_int_equal(first.completed, 1000);
    assert_int_equal(first.digest, second.digest);
    result_release(&first);
    result_release(&second);
}

static void a_model_that_cannot_be_run_is_an_error(void **state)
{
    (void)state;
    struct bench_model model = {.invokers = 0, .requests = 1000};
    struct result result;
    assert_int_equal(bench_model_run(&model, &result), -1);
}

static void the_number_of_pairs_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(bench_runs(0), 1);
    assert_int_equal(bench_runs(7), 7);
    assert_int_equal(bench_runs(BENCH_RUNS_MAX + 1), BENCH_RUNS_MAX);
}

static void the_ratio_is_the_median_over_the_pairs(void **state)
{
    (void)state;
    double ours[] = {1, 8, 3}, reference[] = {2, 2, 3}; /* 0.5, 4, 1 */
    struct bench_result result = {0};
    bench_finish(&result, ours, reference, 3);
    assert_true(result.ratio == 1);
    assert_true(result.ours == 3);
    assert_true(result.reference == 2);
    assert_int_equal(result.runs, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_machines_and_the_bare_loop_are_timed_over_the_same_events),
        cmocka_unit_test(a_snapshot_brings_the_world_back),
        cmocka_unit_test(the_model_is_timed_event_for_event),
        cmocka_unit_test(a_rolled_cluster_is_timed_to_its_end),
        cmocka_unit_test(memory_is_read_after_the_short_and_the_long_run),
        cmocka_unit_test(cost_over_a_run_is_read_after_its_warm_up),
        cmocka_unit_test(cost_is_read_with_few_and_with_many_invokers),
        cmocka_unit_test(all_requests_of_a_closed_loop_are_completed),
        cmocka_unit_test(a_model_that_cannot_be_run_is_an_error),
        cmocka_unit_test(the_number_of_pairs_is_bounded),
        cmocka_unit_test(the_ratio_is_the_median_over_the_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
