/*
 * test_draw.c - keyed draws, overrides, and the two distributions.
 */
#include "support/bed.h"
#include "core/draw.h"

static const struct draws plain = {.seed = 42};
#define DRAWS 20000u

static void a_draw_depends_on_its_name_alone(void **state)
{
    (void)state;
    uint64_t once = draw_below(&plain, PURPOSE_LINK_HTTP, 7, 3, 1000000);
    uint64_t other = draw_below(&plain, PURPOSE_LINK_KAFKA, 7, 3, 1000000);
    assert_int_equal(once, draw_below(&plain, PURPOSE_LINK_HTTP, 7, 3, 1000000));
    assert_int_not_equal(once, other);
    assert_int_not_equal(once, draw_below(&plain, PURPOSE_LINK_HTTP, 8, 3, 1000000));
    assert_int_not_equal(once, draw_below(&plain, PURPOSE_LINK_HTTP, 7, 4, 1000000));
}

static void draws_stay_in_their_bounds(void **state)
{
    (void)state;
    unsigned counts[10] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint64_t below = draw_below(&plain, PURPOSE_BENCH, i, 0, 10);
        struct range range = {MSEC(3), MSEC(4)};
        duration length = draw_range(&plain, PURPOSE_BENCH, i, 1, range);
        assert_true(below < 10);
        counts[below]++;
        assert_in_range(length, MSEC(3), MSEC(4));
    }
    for (unsigned i = 0; i < 10; i++)
        assert_in_range(counts[i], DRAWS / 10 - 200, DRAWS / 10 + 200);
    assert_int_equal(draw_below(&plain, PURPOSE_BENCH, 1, 0, 0), 0);
}

static void an_override_is_found_under_its_name_and_nowhere_else(void **state)
{
    (void)state;
    static const struct override overrides[] = {
        {.purpose = PURPOSE_LINK_HTTP, .entity = 5, .ordinal = 1, .value = 11},
        {.purpose = PURPOSE_RUN_TIME, .entity = 2, .ordinal = 0, .value = 22},
        {.purpose = PURPOSE_RUN_TIME, .entity = 2, .ordinal = 4, .value = 33},
        {.purpose = PURPOSE_RUN_TIME, .entity = 9, .ordinal = 0, .value = 44},
    };
    struct draws d = {.seed = 42,
                      .overrides = overrides,
                      .override_count = 4,
                      .override_purposes =
                          UINT64_C(1) << PURPOSE_LINK_HTTP | UINT64_C(1) << PURPOSE_RUN_TIME};
    struct range range = {100, 200};
    assert_int_equal(draw_range(&d, PURPOSE_LINK_HTTP, 5, 1, range), 11);
    assert_int_equal(draw_exponential(&d, PURPOSE_RUN_TIME, 2, 4, 1000), 33);
    assert_int_equal(draw_lognormal(&d, PURPOSE_RUN_TIME, 9, 0, 1000, 2000), 44);
    assert_int_equal(draw_below(&d, PURPOSE_RUN_TIME, 2, 0, 10), 2);
    assert_int_equal(draw_range(&d, PURPOSE_RUN_TIME, 2, 1, range),
                     draw_range(&plain, PURPOSE_RUN_TIME, 2, 1, range));
    assert_int_equal(draw_range(&d, PURPOSE_STOP, 5, 1, range),
                     draw_range(&plain, PURPOSE_STOP, 5, 1, range));
}

static void chances_come_as_often_as_their_ratio_says(void **state)
{
    (void)state;
    unsigned hits = 0;
    for (uint64_t i = 0; i < DRAWS; i++)
        hits += draw_chance(&plain, PURPOSE_BENCH, i, 0, (struct ratio){1, 4});
    assert_in_range(hits, DRAWS / 4 - 300, DRAWS / 4 + 300);
    assert_false(draw_chance(&plain, PURPOSE_BENCH, 1, 0, (struct ratio){1, 0}));
    assert_true(draw_chance(&plain, PURPOSE_BENCH, 1, 0, (struct ratio){3, 3}));
}

/* Shares of a law's lengths below some marks, in 1/1000 of all draws. */
static unsigned share_below(const duration *lengths, duration mark)
{
    unsigned count = 0;
    for (unsigned i = 0; i < DRAWS; i++)
        count += lengths[i] < mark;
    return count * 1000 / DRAWS;
}

static duration lengths[DRAWS];

static void exponential_lengths_have_their_mean_and_shape(void **state)
{
    (void)state;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        lengths[i] = draw_exponential(&plain, PURPOSE_ARRIVAL, i, 0, SEC(1));
        sum += lengths[i];
        assert_true(lengths[i] <= SEC(20));
    }
    assert_in_range(sum / DRAWS, MSEC(980), MSEC(1020));
    assert_in_range(share_below(lengths, MSEC(693)), 490, 510); /* median: ln 2 */
    assert_in_range(share_below(lengths, MSEC(105)), 90, 110);
    assert_in_range(share_below(lengths, MSEC(2303)), 890, 910);
    assert_int_equal(draw_exponential(&plain, PURPOSE_ARRIVAL, 1, 0, 0), 0);
}

static void lognormal_lengths_pass_through_their_percentiles(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < DRAWS; i++) {
        lengths[i] = draw_lognormal(&plain, PURPOSE_RUN_TIME, i, 0, MSEC(100), SEC(1));
        assert_true(lengths[i] > 0 && lengths[i] <= SEC(4));
    }
    assert_in_range(share_below(lengths, MSEC(100)), 490, 510);
    assert_in_range(share_below(lengths, SEC(1)), 986, 993);
    assert_in_range(share_below(lengths, MSEC(10)), 7, 14);
    /* one sigma up: 100 * 10^(1/2.3263) = 269 ms, 84.1 % */
    assert_in_range(share_below(lengths, MSEC(269)), 831, 851);
    assert_int_equal(draw_lognormal(&plain, PURPOSE_RUN_TIME, 1, 0, 5, 5), 5);
    assert_int_equal(draw_lognormal(&plain, PURPOSE_RUN_TIME, 1, 0, 0, 9), 0);
}

static void each_octave_is_as_likely_as_the_next(void **state)
{
    (void)state;
    struct range range = {0, USEC(1024)}; /* ten octaves */
    for (uint64_t i = 0; i < DRAWS; i++) {
        lengths[i] = draw_octaves(&plain, PURPOSE_STALE_READ, i, 0, range);
        assert_in_range(lengths[i], USEC(1), USEC(1024));
    }
    for (unsigned octave = 1; octave < 10; octave++)
        assert_in_range(share_below(lengths, USEC(1) << octave), 100 * octave - 12,
                        100 * octave + 12);
    range.max = USEC(1536); /* the last one is cut, and as likely as a whole one */
    for (uint64_t i = 0; i < DRAWS; i++) {
        lengths[i] = draw_octaves(&plain, PURPOSE_STALE_READ, i, 0, range);
        assert_true(lengths[i] <= range.max);
    }
    assert_in_range(share_below(lengths, USEC(1024)), 897, 921); /* ten of eleven */
    assert_int_equal(
        draw_octaves(&plain, PURPOSE_STALE_READ, 1, 0, (struct range){SEC(5), SEC(5)}), SEC(5));
    assert_int_equal(draw_octaves(&plain, PURPOSE_STALE_READ, 1, 0, (struct range){0, 0}), 0);
}

static void run_times_are_those_of_the_action(void **state)
{
    (void)state;
    struct bed *bed = bed_new(NULL, BED_INVOKER0, NULL);
    struct action_info *wide = &bed->actions[BED_WIDE];
    activation_id id = ACTIVATION_ID(1, 0);
    assert_int_equal(cluster_run_time(&bed->cluster, &bed->draws, BED_HELLO, id), MSEC(100));
    assert_true(cluster_run_fails(&bed->cluster, &bed->draws, BED_FAILS, id));
    assert_false(cluster_run_fails(&bed->cluster, &bed->draws, BED_HELLO, id));
    static const duration points[7] = {10, 20, 30, 40, 50, 60, 70};
    wide->run_kind = RUN_PERCENTILES;
    memcpy(wide->run_points, points, sizeof points);
    unsigned below = 0;
    for (uint32_t i = 1; i <= 4000; i++) {
        duration run =
            cluster_run_time(&bed->cluster, &bed->draws, BED_WIDE, ACTIVATION_ID(i, 0));
        assert_in_range(run, 10, 70);
        below += run < 40;
    }
    assert_in_range(below, 1900, 2100);
    static const struct trace_call calls[] = {{.run = 5}, {.run = 7}};
    static const uint32_t requests[] = {3, 9};
    bed->cluster.calls = calls;
    bed->cluster.call_requests = requests;
    bed->cluster.call_count = 2;
    id = ACTIVATION_ID(9, 1);
    assert_int_equal(cluster_run_time(&bed->cluster, &bed->draws, BED_HELLO, id), 7);
    id = ACTIVATION_ID(8, 0);
    assert_int_equal(cluster_run_time(&bed->cluster, &bed->draws, BED_HELLO, id), MSEC(100));
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_draw_depends_on_its_name_alone),
        cmocka_unit_test(draws_stay_in_their_bounds),
        cmocka_unit_test(an_override_is_found_under_its_name_and_nowhere_else),
        cmocka_unit_test(chances_come_as_often_as_their_ratio_says),
        cmocka_unit_test(exponential_lengths_have_their_mean_and_shape),
        cmocka_unit_test(lognormal_lengths_pass_through_their_percentiles),
        cmocka_unit_test(each_octave_is_as_likely_as_the_next),
        cmocka_unit_test(run_times_are_those_of_the_action),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
