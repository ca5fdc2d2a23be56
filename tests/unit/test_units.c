/* test_units.c - texts with units are exact, or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "scenario/units.h"

static void durations_are_exact_to_the_nanosecond(void **state)
{
    (void)state;
    duration d;
    assert_true(units_duration("1.5s", &d));
    assert_int_equal(d, 1500000000);
    assert_true(units_duration("0.000000001s", &d));
    assert_int_equal(d, 1);
    assert_true(units_duration("2h", &d));
    assert_int_equal(d, MINUTES(120));
    assert_true(units_duration("0", &d));
    assert_int_equal(d, 0);
    assert_true(units_duration("18446744073709551615ns", &d));
    assert_true(d == UINT64_MAX);
}

static void durations_that_are_none(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "1",
                                        "s",
                                        "1 s",
                                        "-1s",
                                        "+1s",
                                        "1.s",
                                        ".5s",
                                        "1e3s",
                                        "1s2",
                                        "0x1s",
                                        "1.5ns",
                                        "1..5s",
                                        "1_0s",
                                        "18446744073709551616ns",
                                        "1000000000000h"};
    duration d = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(units_duration(wrong[i], &d));
    assert_int_equal(d, 7);
}

static void sizes_are_of_1024(void **state)
{
    (void)state;
    uint64_t bytes;
    assert_true(units_size("256MB", &bytes));
    assert_int_equal(bytes, 256 << 20);
    assert_true(units_size("0.5KB", &bytes));
    assert_int_equal(bytes, 512);
    assert_false(units_size("0.3B", &bytes));
    assert_false(units_size("1mb", &bytes));
}

static void ranges_have_two_ends(void **state)
{
    (void)state;
    struct range r;
    assert_true(units_range("15s .. 25s", &r));
    assert_int_equal(r.min, SEC(15));
    assert_int_equal(r.max, SEC(25));
    assert_true(units_range("1ms..3ms", &r));
    assert_int_equal(r.max, MSEC(3));
    assert_true(units_range("7s", &r));
    assert_int_equal(r.min, r.max);
    assert_false(units_range("3s .. 1s", &r));
    assert_false(units_range("3s ..", &r));
    assert_false(units_range("..", &r));
}

static void ratios_and_fractions(void **state)
{
    (void)state;
    struct ratio r;
    uint64_t ppm;
    assert_true(units_ratio("1/100", &r));
    assert_int_equal(r.numerator, 1);
    assert_int_equal(r.denominator, 100);
    assert_true(units_ratio("2.5%", &r));
    assert_int_equal(r.numerator, 25000);
    assert_int_equal(r.denominator, 1000000);
    assert_false(units_ratio("2/1", &r));
    assert_false(units_ratio("1/0", &r));
    assert_false(units_ratio("0.5", &r));
    assert_true(units_fraction("0.5", &ppm));
    assert_int_equal(ppm, 500000);
    assert_true(units_fraction("150%", &ppm) == false);
    assert_false(units_fraction("1/3", &ppm));
}

static void numbers_are_printed_with_the_largest_unit_that_fits(void **state)
{
    (void)state;
    char text[40];
    units_print_duration(text, sizeof text, MSEC(1500));
    assert_string_equal(text, "1500ms");
    units_print_duration(text, sizeof text, MINUTES(10));
    assert_string_equal(text, "10m");
    units_print_duration(text, sizeof text, 0);
    assert_string_equal(text, "0s");
    units_print_size(text, sizeof text, 512 << 20);
    assert_string_equal(text, "512MB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_exact_to_the_nanosecond),
        cmocka_unit_test(durations_that_are_none),
        cmocka_unit_test(sizes_are_of_1024),
        cmocka_unit_test(ranges_have_two_ends),
        cmocka_unit_test(ratios_and_fractions),
        cmocka_unit_test(numbers_are_printed_with_the_largest_unit_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
