/*
 * test_request_target.c - paths and queries of requests: escapes, the parameters of a query,
 * and the words that stand for true and false.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/target.h"

static struct admin_text text_of(const char *text)
{
    return (struct admin_text){text, strlen(text)};
}

static void an_escape_has_two_hexadecimal_digits(void **state)
{
    static const struct {
        const char *target;
        bool ok;
    } cases[] = {
        {"", true},         {"/a?b", true},   {"%00", true},   {"%09%90", true},
        {"%aA", true},      {"%fF%Ff", true}, {"a%2", false},  {"%", false},
        {"%2", false},      {"%/0", false},   {"%:0", false},  {"%`0", false},
        {"%g0", false},     {"%@0", false},   {"%G0", false},  {"%0/", false},
        {"%0:", false},     {"%0`", false},   {"%0g", false},  {"%0@", false},
        {"%0G", false},     {"%25%2", false}, {"%%30", false}, {"%2530", true},
        {"%20x%2x", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (target_is_valid(text_of(cases[i].target)) != cases[i].ok)
            fail_msg("%s", cases[i].target);
    }
}

static void expect_decoded(const char *text, bool is_query, const char *expected)
{
    char decoded[32];
    assert_int_equal(target_decode(text_of(text), is_query, decoded, sizeof decoded),
                     strlen(expected));
    assert_string_equal(decoded, expected);
}

static void escapes_are_decoded_and_a_plus_is_a_blank_in_queries_only(void **state)
{
    (void)state;
    expect_decoded("%30%39%4a%4F%6A%6f%Fa%aF", false, "09JOjo\xfa\xaf");
    expect_decoded("a+b", false, "a+b");
    expect_decoded("a+b%2B", true, "a b+");
    expect_decoded("%25", false, "%");
    expect_decoded("%2530", true, "%30");
    expect_decoded("100%", false, "100%");
    expect_decoded("%4", false, "%4");
}

static void what_has_no_room_is_cut_and_its_length_told(void **state)
{
    (void)state;
    char text[4];
    assert_int_equal(target_decode(text_of("abc"), false, text, sizeof text), 3);
    assert_string_equal(text, "abc");
    assert_int_equal(target_decode(text_of("abcd"), false, text, sizeof text), 4);
    assert_string_equal(text, "abc");
    assert_int_equal(target_decode(text_of("abcdefgh"), false, text, 1), 8);
    assert_string_equal(text, "");
}

/* value NULL: there is no such parameter. */
static void expect_parameter(const char *target, const char *name, const char *value)
{
    char text[16] = "untouched";
    assert_int_equal(target_query(text_of(target), name, text, sizeof text), value != NULL);
    assert_string_equal(text, value == NULL ? "untouched" : value);
}

static void a_parameter_is_found_by_its_whole_name(void **state)
{
    (void)state;
    expect_parameter("/p?a=1&b=2&c=3", "a", "1");
    expect_parameter("/p?a=1&b=2&c=3", "b", "2");
    expect_parameter("/p?a=1&b=2&c=3", "c", "3");
    expect_parameter("/p?a=1&ab=2", "ab", "2");
    expect_parameter("/p?ab=2", "a", NULL);
    expect_parameter("/p?a=1&a=2", "a", "1");
    expect_parameter("/p?a", "a", "");
    expect_parameter("/p?a&b=1", "a", "");
    expect_parameter("/p?b=1&a", "a", "");
    expect_parameter("/p?a=", "a", "");
    expect_parameter("/p?a=b=c", "a", "b=c");
    expect_parameter("/p?%61=x+y%26", "a", "x y&");
    expect_parameter("/p?&&a=1", "a", "1");
    expect_parameter("/p?", "a", NULL);
    expect_parameter("/p", "a", NULL);
    expect_parameter("/a=1", "a", NULL);
    expect_parameter("", "a", NULL);
}

static void true_and_false_have_four_words_each(void **state)
{
    static const char *const yes[] = {"true", "TRUE", "True", "yes", "yEs", "on", "ON", "1"};
    static const char *const no[] = {"false", "FALSE", "no", "No", "off", "oFF", "0"};
    static const char *const neither[] = {"",   "t",  "tru",  "truee", "2",
                                          "00", "10", "nope", "of"};
    bool value;
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        assert_true(target_bool(yes[i], &value));
        assert_true(value);
    }
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
        assert_true(target_bool(no[i], &value));
        assert_false(value);
    }
    for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++)
        assert_false(target_bool(neither[i], &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_escape_has_two_hexadecimal_digits),
        cmocka_unit_test(escapes_are_decoded_and_a_plus_is_a_blank_in_queries_only),
        cmocka_unit_test(what_has_no_room_is_cut_and_its_length_told),
        cmocka_unit_test(a_parameter_is_found_by_its_whole_name),
        cmocka_unit_test(true_and_false_have_four_words_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
