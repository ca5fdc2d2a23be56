/*
 * test_json.c - the JSON writer and the reader without allocation.
 */
#include "support/bed.h"
#include "core/json.h"
#include <string.h>

static struct json_in parse(const char *text)
{
    return json_in_parse(text, strlen(text));
}

static void the_writer_puts_commas_and_escapes_where_they_belong(void **state)
{
    (void)state;
    struct arena *arena = arena_new((size_t)1 << 20);
    struct json_out out;
    json_out_init(&out, arena, ARENA_HOST);
    json_out_object_begin(&out);
    json_out_key(&out, "a");
    json_out_array_begin(&out);
    json_out_number(&out, 0);
    json_out_number(&out, UINT64_MAX);
    json_out_array_begin(&out);
    json_out_array_end(&out);
    json_out_array_end(&out);
    json_out_key(&out, "b");
    json_out_bool(&out, true);
    json_out_key(&out, "c");
    json_out_string(&out, "q\"\\\n\x01/");
    json_out_key(&out, "d");
    json_out_object_begin(&out);
    json_out_object_end(&out);
    json_out_key(&out, "e");
    json_out_raw(&out, "null");
    json_out_key(&out, "f");
    json_out_value(&out, parse(" { \"a b\\\" c\" : [ 1 ,\t2 ] }\n"));
    json_out_object_end(&out);
    blob b = json_out_finish(&out);
    assert_string_equal(blob_bytes(arena, b),
                        "{\"a\":[0,18446744073709551615,[]],\"b\":true,"
                        "\"c\":\"q\\\"\\\\\\n\\u0001/\",\"d\":{},\"e\":null,"
                        "\"f\":{\"a b\\\" c\":[1,2]}}");
    assert_int_equal(out.length, 0);
    blob_free(arena, b);
    assert_int_equal(arena_blocks(arena, ARENA_HOST), 0);
    arena_free(arena);
}

static void a_long_text_grows_the_buffer(void **state)
{
    (void)state;
    struct arena *arena = arena_new((size_t)1 << 20);
    struct json_out out;
    json_out_init(&out, arena, ARENA_HOST);
    json_out_array_begin(&out);
    for (unsigned i = 0; i < 1000; i++)
        json_out_number(&out, i);
    json_out_array_end(&out);
    blob b = json_out_finish(&out);
    struct json_in value = json_in_parse(blob_bytes(arena, b), blob_size(arena, b)), element;
    assert_int_equal(value.kind, JSON_ARRAY);
    assert_int_equal(json_in_count(value), 1000);
    int64_t number = 0;
    assert_true(json_in_element(value, 999, &element) && json_in_number(element, &number));
    assert_int_equal(number, 999);
    arena_free(arena);
}

static void valid_texts_are_told_from_others(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}",   " [ 1 , 2 ] ", "\"\\u00e9\"",        "-0.5e+3", "null",
        "true", "false",       "{\"a\":{\"b\":[]}}", "0"};
    static const char *const bad[] = {"",    "{",     "[1,]",   "{\"a\"}",   "{a:1}", "01",
                                      "1.",  "nul",   "\"\n\"", "\"\\x\"",   "[1] 2", "-",
                                      "{,}", "\"abc", "1e",     "\"\\u12\"", "[1 2]", "tru"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_not_equal(parse(good[i]).kind, JSON_INVALID);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse(bad[i]).kind != JSON_INVALID)
            fail_msg("taken for valid: %s", bad[i]);
    }
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    char text[2 * (JSON_DEPTH_MAX + 2) + 1];
    for (unsigned depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 2; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
        bool fits = depth <= JSON_DEPTH_MAX + 1;
        assert_int_equal(parse(text).kind, fits ? JSON_ARRAY : JSON_INVALID);
    }
}

static void members_are_found_by_name_and_the_last_of_equals_counts(void **state)
{
    (void)state;
    struct json_in v =
        parse("{ \"a\" : 1, \"b\": {\"a\": 2}, \"a\": [3], \"\\u0063\": \"x\" }");
    struct json_in found;
    char text[8];
    assert_int_equal(json_in_count(v), 4);
    assert_true(json_in_member(v, "a", &found));
    assert_int_equal(found.kind, JSON_ARRAY);
    assert_true(json_in_member(v, "c", &found));
    assert_true(json_in_string(found, text, sizeof text));
    assert_string_equal(text, "x");
    assert_false(json_in_member(v, "d", &found));
    assert_false(json_in_member(parse("[]"), "a", &found));
    assert_false(json_in_member(parse("{}"), "a", &found));
    assert_false(json_in_element(parse("[1]"), 1, &found));
    assert_int_equal(json_in_count(parse("{}")), 0);
}

static void a_walk_gives_each_item_once(void **state)
{
    (void)state;
    static const char object[] = " { \"a\\u0062\" : 1 , \"c\":[2,{\"d\":3}] } ";
    struct json_in key, value, whole = json_in_parse(object, sizeof object - 1);
    struct json_walk walk = json_walk_begin(whole);
    assert_true(json_walk_next(&walk, &key, &value));
    assert_true(json_in_is(key, "ab"));
    assert_int_equal(value.kind, JSON_NUMBER);
    assert_true(json_walk_next(&walk, &key, &value));
    assert_true(json_in_is(key, "c") && !json_in_is(key, "cc") && !json_in_is(value, "c"));
    struct json_walk inner = json_walk_begin(value);
    assert_true(json_walk_next(&inner, &key, &value));
    assert_int_equal(key.kind, JSON_INVALID);
    assert_true(json_walk_next(&inner, &key, &value));
    assert_int_equal(value.kind, JSON_OBJECT);
    assert_false(json_walk_next(&inner, &key, &value));
    assert_false(json_walk_next(&inner, &key, &value));
    assert_false(json_walk_next(&walk, &key, &value));
    static const char *const none[] = {"{}", "[ ]", "1", "\"x\""};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        walk = json_walk_begin(json_in_parse(none[i], strlen(none[i])));
        assert_false(json_walk_next(&walk, &key, &value));
    }
}

static void numbers_and_strings_are_decoded_within_bounds(void **state)
{
    (void)state;
    int64_t number;
    char text[8];
    assert_true(json_in_number(parse("-9223372036854775807"), &number));
    assert_int_equal(number, -INT64_MAX);
    assert_false(json_in_number(parse("9223372036854775808"), &number));
    assert_false(json_in_number(parse("1.5"), &number));
    assert_false(json_in_number(parse("\"1\""), &number));
    assert_true(json_in_string(parse("\"\\n\\u00e9\\ud83d\\ude00\""), text, sizeof text));
    assert_string_equal(text, "\n\xc3\xa9\xf0\x9f\x98\x80");
    assert_false(json_in_string(parse("\"12345678\""), text, sizeof text));
    assert_true(json_in_string(parse("\"1234567\""), text, sizeof text));
    assert_false(json_in_string(parse("7"), text, sizeof text));
}

static void several_members_are_found_in_one_walk(void **state)
{
    (void)state;
    static const char *const names[] = {"c", "a", "missing", "b"};
    struct json_in values[4];
    int64_t number = 0;
    json_in_members(parse(" {\"a\":1,\"\\u0062\":[2,3] , \"a\":{},\"c\":null}"), names, 4,
                    values);
    assert_int_equal(values[0].kind, JSON_NULL);
    assert_int_equal(values[1].kind, JSON_OBJECT); /* the last of equals */
    assert_int_equal(values[2].kind, JSON_INVALID);
    assert_int_equal(values[3].kind, JSON_ARRAY);
    assert_true(json_in_element(values[3], 1, &values[0]));
    assert_true(json_in_number(values[0], &number));
    assert_int_equal(number, 3);
    static const char *const others[] = {"{}", "[]", "\"a\""};
    for (unsigned i = 0; i < 3; i++) {
        json_in_members(parse(others[i]), names, 4, values);
        for (unsigned k = 0; k < 4; k++)
            assert_int_equal(values[k].kind, JSON_INVALID);
    }
}

static void a_walk_gives_each_element_once(void **state)
{
    (void)state;
    static const char *const none[] = {"[]", " [ ] ", "{}", "\"[1]\"", "7", "["};
    struct json_in key, item;
    int64_t number, next = 0;
    struct json_walk walk = json_walk_begin(parse(" [ 0 ,1,2 , 3]"));
    while (json_walk_next(&walk, &key, &item)) {
        assert_true(json_in_number(item, &number));
        assert_int_equal(number, next++);
    }
    assert_int_equal(next, 4);
    assert_false(json_walk_next(&walk, &key, &item));
    for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++) {
        walk = json_walk_begin(parse(none[i]));
        assert_false(json_walk_next(&walk, &key, &item));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_writer_puts_commas_and_escapes_where_they_belong),
        cmocka_unit_test(a_long_text_grows_the_buffer),
        cmocka_unit_test(valid_texts_are_told_from_others),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(members_are_found_by_name_and_the_last_of_equals_counts),
        cmocka_unit_test(a_walk_gives_each_item_once),
        cmocka_unit_test(numbers_and_strings_are_decoded_within_bounds),
        cmocka_unit_test(several_members_are_found_in_one_walk),
        cmocka_unit_test(a_walk_gives_each_element_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
