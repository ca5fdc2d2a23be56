/*
 * test_etcd_json.c - JSON and base64 of etcd's gateway by themselves: each escape, each length
 * of a last group, names however they are written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/machine.h"
#include "etcd/etcd_gateway_json.h"

#define NODE 3

static struct etcd_text text_of(const char *text)
{
    return (struct etcd_text){text, (uint32_t)strlen(text)};
}

static void escapes_stand_for_their_characters(void **state)
{
    static const struct {
        const char *string, *decoded;
    } cases[] = {
        {"\"\"", ""},
        {"\"a\"", "a"},
        {"\"\\b\\f\\n\\r\\t\\\"\\\\\\/\"", "\b\f\n\r\t\"\\/"},
        {"\"\\u0041\\u007f\"", "A\x7f"},
        {"\"\\u0080\\u07ff\"", "\xc2\x80\xdf\xbf"},
        {"\"\\u0800\\uFfFf\"", "\xe0\xa0\x80\xef\xbf\xbf"},
        {"\"\\ud83d\"", "\xed\xa0\xbd"}, /* a surrogate stands alone */
        {"\"x\\u00e9y\xc3\xa9z\"", "x\xc3\xa9y\xc3\xa9z"},
        {"\"\\u00aB\\u00Cd\"", "\xc2\xab\xc3\x8d"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char bytes[64] = "";
        uint32_t length = gateway_json_decode(text_of(cases[i].string), bytes);
        assert_int_equal(length, strlen(cases[i].decoded));
        assert_memory_equal(bytes, cases[i].decoded, length);
    }
}

static void a_name_is_the_same_however_it_is_written(void **state)
{
    (void)state;
    assert_true(gateway_json_is(text_of("\"key\""), "key"));
    assert_false(gateway_json_is(text_of("\"keys\""), "key"));
    assert_false(gateway_json_is(text_of("\"ke\""), "key"));
    assert_false(gateway_json_is(text_of("\"kex\""), "key"));
    assert_true(gateway_json_is(text_of("\"\\u006bey\""), "key"));
    assert_true(gateway_json_is(text_of("\"\\u006b\\u0065\\u0079\""), "key"));
    assert_false(gateway_json_is(text_of("\"\\u006beys\""), "key"));
    assert_false(gateway_json_is(text_of("\"\\u006bex\""), "key"));
    assert_false(gateway_json_is(text_of("\"\\u006be\""), "key"));
}

/* 26 characters as escapes, and some as they are. */
static void names_are_compared_up_to_a_length_that_none_of_ours_has(void **state)
{
    (void)state;
    char string[200] = "\"", plain[32];
    for (unsigned i = 0; i < 26; i++) {
        strcat(string, "\\u0061");
        plain[i] = 'a';
    }
    strcpy(plain + 26, "bb");
    strcat(string, "bb\"");
    assert_int_equal(strlen(string), 160);
    assert_true(gateway_json_is(text_of(string), plain));
    strcpy(string + 159, "b\"");
    strcat(plain, "b");
    assert_false(gateway_json_is(text_of(string), plain));
}

/* Digits of both ends of each range, and their neighbours. */
static void base64_has_its_digits_and_no_others(void **state)
{
    static const char good[] = "AZaz09+/", bad[] = "@[`{:*,.-_";
    char bytes[16];
    uint32_t length;
    (void)state;
    for (const char *c = good; *c != '\0'; c++) {
        char text[5] = {*c, *c, *c, *c, '\0'};
        assert_true(gateway_base64_read(text_of(text), bytes, &length));
        assert_int_equal(length, 3);
    }
    for (const char *c = bad; *c != '\0'; c++) {
        char text[5] = {'A', 'A', *c, 'A', '\0'};
        assert_false(gateway_base64_read(text_of(text), bytes, &length));
        assert_int_equal(length, 2);
    }
    assert_true(gateway_base64_read(text_of("AZaz09+/"), bytes, &length));
    assert_int_equal(length, 6);
    assert_memory_equal(bytes, "\x01\x96\xb3\xd3\xdf\xbf", 6);
}

static void a_last_group_of_base64_is_padded_and_line_ends_are_passed_over(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        uint32_t length; /* or the place that is wrong */
        const char *bytes;
    } cases[] = {
        {"", true, 0, ""},
        {"\r\n", true, 0, ""},
        {"/w==", true, 1, "\xff"},
        {"//8=", true, 2, "\xff\xff"},
        {"////", true, 3, "\xff\xff\xff"},
        {"\n/\r/\n/\r/\n", true, 3, "\xff\xff\xff"},
        {"/w\n=\r=\n", true, 1, "\xff"},
        {"//8=\r\n", true, 2, "\xff\xff"},
        {"/", false, 0, ""},
        {"/w", false, 0, ""},
        {"//8", false, 0, ""},
        {"/////w", false, 4, ""},
        {"=", false, 0, ""},
        {"/=", false, 1, ""},
        {"/w=", false, 3, ""},
        {"/w=\n", false, 4, ""},
        {"/w=A", false, 2, ""},
        {"/w==A", false, 4, ""},
        {"/w==\nA", false, 5, ""},
        {"//8=A", false, 4, ""},
        {"//8==", false, 4, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char bytes[16];
        uint32_t length = 99;
        assert_int_equal(gateway_base64_read(text_of(cases[i].text), bytes, &length),
                         cases[i].ok);
        assert_int_equal(length, cases[i].length);
        if (cases[i].ok)
            assert_memory_equal(bytes, cases[i].bytes, length);
    }
}

static void items_are_walked_through_whatever_stands_in_them(void **state)
{
    static const char *const items[] = {"1", "\"a\\\"]b\"", "[2, [3]]", "{\"x\": \"}\"}",
                                        "true"};
    struct gateway_walk walk =
        gateway_walk_start(text_of("[1 ,\"a\\\"]b\",[2, [3]], {\"x\": \"}\"}\n,true ]"));
    struct etcd_text name = {0}, item;
    (void)state;
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        assert_true(gateway_walk_next(&walk, &name, &item));
        assert_int_equal(item.length, strlen(items[i]));
        assert_memory_equal(item.bytes, items[i], item.length);
    }
    assert_false(gateway_walk_next(&walk, &name, &item));
    assert_null(name.bytes);
    walk = gateway_walk_start(text_of("{ \"a\" : 5,\"b\":null}"));
    assert_true(gateway_walk_next(&walk, &name, &item));
    assert_memory_equal(name.bytes, "\"a\"", name.length);
    assert_memory_equal(item.bytes, "5", item.length);
    assert_true(gateway_walk_next(&walk, &name, &item));
    assert_memory_equal(name.bytes, "\"b\"", name.length);
    assert_memory_equal(item.bytes, "null", item.length);
    assert_false(gateway_walk_next(&walk, &name, &item));
}

static struct arena *arena;
static struct machine_env env;

static int begin(void **state)
{
    (void)state;
    arena = arena_new((size_t)1 << 20);
    env = (struct machine_env){.arena = arena, .node = NODE};
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void expect_out(struct gateway_out *out, const char *expected)
{
    blob b = gateway_out_finish(out);
    assert_string_equal(b == 0 ? "" : blob_bytes(arena, b), expected);
    assert_int_equal(b == 0 ? 0 : blob_size(arena, b), strlen(expected));
    blob_free(arena, b);
}

/* Each is cut out of a longer text: what follows must not be read. */
static void bytes_are_printed_by_themselves(void **state)
{
    (void)state;
    struct gateway_out out = {.env = &env};
    static const char text[] = "\xff\xff\xff\xff\xff";
    gateway_out_open(&out, NULL, '[');
    for (uint32_t length = 0; length <= 4; length++)
        gateway_out_element(&out, (struct etcd_text){text, length});
    gateway_out_close(&out, ']');
    expect_out(&out, "[\"\",\"/w==\",\"//8=\",\"////\",\"/////w==\"]");
    gateway_out_open(&out, NULL, '{');
    gateway_out_bytes(&out, "none", (struct etcd_text){text, 0});
    gateway_out_bytes(&out, "one", (struct etcd_text){text, 1});
    gateway_out_bytes(&out, "two", (struct etcd_text){text, 2});
    gateway_out_close(&out, '}');
    expect_out(&out, "{\"one\":\"/w==\",\"two\":\"//8=\"}");
}

static void defaults_are_left_out_and_strings_escaped_as_for_html(void **state)
{
    (void)state;
    struct gateway_out out = {.env = &env};
    gateway_out_open(&out, NULL, '{');
    gateway_out_number(&out, "a", 0);
    gateway_out_number(&out, "b", UINT64_MAX);
    gateway_out_signed(&out, "c", 0);
    gateway_out_signed(&out, "d", -1);
    gateway_out_signed(&out, "e", 1);
    gateway_out_bool(&out, "f", false);
    gateway_out_bool(&out, "g", true);
    gateway_out_string(&out, "h", "");
    gateway_out_string(&out, "i", "\n\r\t\"\\\x01\x1f <>&z\x7f\xc3\xa9");
    gateway_out_close(&out, '}');
    expect_out(&out,
               "{\"b\":\"18446744073709551615\",\"d\":\"-1\",\"e\":\"1\",\"g\":true,"
               "\"i\":\"\\n\\r\\t\\\"\\\\\\u0001\\u001f \\u003c\\u003e\\u0026z\x7f\xc3\xa9"
               "\"}");
    expect_out(&out, ""); /* nothing was printed since */
}

static void a_text_grows_and_is_cleared(void **state)
{
    (void)state;
    struct gateway_out out = {.env = &env};
    char expected[1001] = "";
    for (unsigned i = 0; i < 100; i++) {
        gateway_out_add(&out, "0123456789");
        strcat(expected, "0123456789");
    }
    expect_out(&out, expected);
    gateway_out_add(&out, "gone");
    gateway_out_clear(&out);
    gateway_out_add(&out, "stays");
    expect_out(&out, "stays");
    assert_int_equal(arena_blocks(arena, NODE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_stand_for_their_characters),
        cmocka_unit_test(a_name_is_the_same_however_it_is_written),
        cmocka_unit_test(names_are_compared_up_to_a_length_that_none_of_ours_has),
        cmocka_unit_test(base64_has_its_digits_and_no_others),
        cmocka_unit_test(a_last_group_of_base64_is_padded_and_line_ends_are_passed_over),
        cmocka_unit_test(items_are_walked_through_whatever_stands_in_them),
        cmocka_unit_test_setup_teardown(bytes_are_printed_by_themselves, begin, end),
        cmocka_unit_test_setup_teardown(defaults_are_left_out_and_strings_escaped_as_for_html,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_text_grows_and_is_cleared, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
