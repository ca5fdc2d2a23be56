/*
 * test_kafka_wire.c - the primitive types of the Kafka protocol: the last byte that is read and
 * the first that is not, and what is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kafka/kafka_wire.h"

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})
#define IN(...) kafka_in_start(BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)))
#define BOUND ((size_t)96 << 20) /* of an answer */

static struct kafka_in flexible(struct kafka_in in)
{
    in.is_flexible = true;
    return in;
}

static void expect_at(const struct kafka_in *in, bool is_ok, size_t at)
{
    assert_int_equal(in->ok, is_ok);
    assert_int_equal(in->at, at);
}

static void numbers_are_big_endian_and_signed(void **state)
{
    (void)state;
    struct kafka_in in = IN(0x80, 0xff, 0xfe, 0x80, 0, 0, 1, 0x7f, 2, 3, 4, 5, 6, 7, 8);
    assert_int_equal(kafka_in_i8(&in), -128);
    assert_int_equal(kafka_in_i16(&in), -2);
    assert_int_equal(kafka_in_i32(&in), INT32_MIN + 1);
    assert_true(kafka_in_i64(&in) == INT64_C(0x7f02030405060708));
    expect_at(&in, true, 15);
    assert_int_equal(kafka_in_i8(&in), 0);
    expect_at(&in, false, 15);
}

static void what_is_not_whole_is_zero_and_nothing_is_read_after_it(void **state)
{
    (void)state;
    struct kafka_in in = IN(1);
    assert_int_equal(kafka_in_i16(&in), 0);
    expect_at(&in, false, 0);
    assert_int_equal(kafka_in_i8(&in), 0); /* it is there, but the frame makes no sense */
    in = IN(1, 2, 3);
    assert_int_equal(kafka_in_i32(&in), 0);
    expect_at(&in, false, 0);
    in = IN(1, 2, 3, 4, 5, 6, 7);
    assert_int_equal(kafka_in_i64(&in), 0);
    expect_at(&in, false, 0);
}

static void an_unsigned_varint_has_five_bytes_and_32_bits(void **state)
{
    static const struct {
        uint8_t bytes[6];
        size_t length;
        bool ok;
        uint32_t value;
    } cases[] = {
        {{0}, 1, true, 0},
        {{0x7f}, 1, true, 127},
        {{0x80, 1}, 2, true, 128},
        {{0xff, 0xff, 3}, 3, true, 65535},
        {{0xff, 0xff, 0xff, 0xff, 0x0f}, 5, true, UINT32_MAX},
        {{0xff, 0xff, 0xff, 0xff, 0x1f}, 5, false, 0},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0}, 6, false, 0},
        {{0x80, 0x80}, 2, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kafka_in in = kafka_in_start(cases[i].bytes, cases[i].length);
        assert_int_equal(kafka_in_varint(&in), cases[i].value);
        assert_int_equal(in.ok, cases[i].ok);
        assert_true(in.at <= 5);
    }
}

static void a_zigzag_number_has_ten_bytes(void **state)
{
    static const struct {
        uint8_t bytes[11];
        size_t length;
        bool ok;
        int64_t value;
    } cases[] = {
        {{0}, 1, true, 0},
        {{1}, 1, true, -1},
        {{2}, 1, true, 1},
        {{0x7f}, 1, true, -64},
        {{0x80, 1}, 2, true, 64},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 10, true, INT64_MIN},
        {{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 10, true, INT64_MAX},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0}, 11, false, 0},
        {{0x80}, 1, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kafka_in in = kafka_in_start(cases[i].bytes, cases[i].length);
        assert_true(kafka_in_zigzag(&in) == cases[i].value);
        assert_int_equal(in.ok, cases[i].ok);
        assert_true(in.at <= 10);
    }
}

static void expect_text(struct kafka_text text, const char *expected)
{
    assert_int_equal(text.is_null, expected == NULL);
    assert_int_equal(text.length, expected == NULL ? 0 : strlen(expected));
    assert_memory_equal(text.bytes, expected == NULL ? "" : expected, text.length);
}

static void texts_have_a_length_of_two_bytes_and_may_be_null(void **state)
{
    (void)state;
    struct kafka_in in = IN(0, 2, 'a', 'b', 0, 0, 0xff, 0xff, 0, 1, 'c');
    expect_text(kafka_in_string(&in), "ab");
    expect_text(kafka_in_nullable(&in), "");
    expect_text(kafka_in_nullable(&in), NULL);
    expect_text(kafka_in_nullable(&in), "c");
    expect_at(&in, true, 11);
    in = IN(0xff, 0xff);
    (void)kafka_in_string(&in); /* which may not be null */
    assert_false(in.ok);
    in = IN(0xff, 0xfe);
    (void)kafka_in_nullable(&in); /* no length is below that of null */
    assert_false(in.ok);
    in = IN(0, 3, 'a', 'b');
    expect_text(kafka_in_string(&in), "");
    assert_false(in.ok);
}

static void bytes_have_a_length_of_four(void **state)
{
    (void)state;
    struct kafka_in in = IN(0, 0, 0, 1, 'a', 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);
    expect_text(kafka_in_bytes(&in), "a");
    expect_text(kafka_in_bytes(&in), NULL);
    expect_text(kafka_in_bytes(&in), "");
    expect_at(&in, true, 13);
    in = IN(0xff, 0xff, 0xff, 0xfe);
    (void)kafka_in_bytes(&in);
    assert_false(in.ok);
}

static void compact_lengths_are_one_more(void **state)
{
    (void)state;
    struct kafka_in in = flexible(IN(3, 'a', 'b', 1, 0, 2, 'c', 0));
    expect_text(kafka_in_string(&in), "ab");
    expect_text(kafka_in_nullable(&in), "");
    expect_text(kafka_in_nullable(&in), NULL);
    expect_text(kafka_in_bytes(&in), "c");
    expect_text(kafka_in_bytes(&in), NULL);
    expect_at(&in, true, 8);
}

/* Count and null of an array of elements of two bytes each. */
static void expect_array(struct kafka_in in, bool is_ok, uint32_t count, bool is_null)
{
    bool told_null = !is_null;
    assert_int_equal(kafka_in_array(&in, 2, &told_null), count);
    assert_int_equal(in.ok, is_ok);
    assert_int_equal(told_null, is_null);
    in.at = 0;
    in.ok = true;
    assert_int_equal(kafka_in_array(&in, 2, NULL), count);
}

static void a_count_is_believed_as_far_as_bytes_are_left(void **state)
{
    (void)state;
    expect_array(IN(0, 0, 0, 2, 1, 2, 3, 4), true, 2, false);
    expect_array(IN(0, 0, 0, 2, 1, 2, 3), false, 0, false);
    expect_array(IN(0, 0, 0, 1, 1, 2, 3), true, 1, false);
    expect_array(IN(0, 0, 0, 0), true, 0, false);
    expect_array(IN(0, 0, 0, 1), false, 0, false);
    expect_array(IN(0xff, 0xff, 0xff, 0xff), true, 0, true);
    expect_array(IN(0xff, 0xff, 0xff, 0xfe, 1, 2), false, 0, false);
    expect_array(IN(0x80, 0, 0, 0, 1, 2), false, 0, false);
    expect_array(IN(0, 0, 0), false, 0, false);
    expect_array(flexible(IN(2, 1, 2)), true, 1, false);
    expect_array(flexible(IN(3, 1, 2)), false, 0, false);
    expect_array(flexible(IN(0, 1, 2)), true, 0, true);
}

static void tags_are_read_over_where_there_are_any(void **state)
{
    (void)state;
    struct kafka_in in = IN(1, 7, 2);
    kafka_in_tags(&in);
    expect_at(&in, true, 0);
    in = flexible(IN(2, 7, 2, 'a', 'b', 9, 0, 'c'));
    kafka_in_tags(&in);
    expect_at(&in, true, 7);
    in = flexible(IN(0, 1));
    kafka_in_tags(&in);
    expect_at(&in, true, 1);
    in = flexible(IN(1, 7, 2, 'a'));
    kafka_in_tags(&in);
    assert_false(in.ok);
}

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new((size_t)512 << 20);
    return arena == NULL;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void expect_out(struct kafka_out *out, const uint8_t *bytes, size_t length)
{
    blob b = kafka_out_finish(out);
    assert_int_equal(blob_size(arena, b), length);
    assert_memory_equal(blob_bytes(arena, b), bytes, length);
    blob_free(arena, b);
    assert_int_equal(out->length, 0);
    assert_null(out->bytes);
}

#define EXPECT_OUT(out, ...) expect_out(out, BYTES(__VA_ARGS__), sizeof(BYTES(__VA_ARGS__)))

static const struct kafka_text null_text = {.bytes = "", .length = 0, .is_null = true};

static void what_is_written_is_what_is_read(void **state)
{
    (void)state;
    struct kafka_out out = kafka_out_start(arena, 0);
    kafka_out_i8(&out, -2);
    kafka_out_i16(&out, -2);
    kafka_out_i32(&out, INT32_MIN + 1);
    kafka_out_i64(&out, INT64_C(0x0102030405060708));
    kafka_out_string(&out, kafka_text_of("ab"));
    kafka_out_string(&out, null_text); /* as one that is empty */
    kafka_out_nullable(&out, null_text);
    kafka_out_nullable(&out, kafka_text_of("c"));
    kafka_out_bytes(&out, kafka_text_of("d"));
    kafka_out_bytes(&out, null_text);
    kafka_out_array(&out, 258);
    kafka_out_tags(&out); /* there are none in this version */
    EXPECT_OUT(&out, 0xfe, 0xff, 0xfe, 0x80, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 2, 'a', 'b', 0,
               0, 0xff, 0xff, 0, 1, 'c', 0, 0, 0, 1, 'd', 0xff, 0xff, 0xff, 0xff, 0, 0, 1, 2);
}

static void flexible_versions_are_written_compact(void **state)
{
    (void)state;
    struct kafka_out out = kafka_out_start(arena, 0);
    out.is_flexible = true;
    kafka_out_string(&out, kafka_text_of("ab"));
    kafka_out_nullable(&out, null_text);
    kafka_out_bytes(&out, kafka_text_of("d"));
    kafka_out_bytes(&out, null_text);
    kafka_out_array(&out, 126);
    kafka_out_array(&out, 127);
    kafka_out_tags(&out);
    EXPECT_OUT(&out, 3, 'a', 'b', 0, 2, 'd', 0, 127, 0x80, 1, 0);
}

static void a_number_is_known_later(void **state)
{
    (void)state;
    struct kafka_out out = kafka_out_start(arena, 0);
    kafka_out_i8(&out, 9);
    size_t mark = kafka_out_mark(&out);
    kafka_out_i8(&out, 8);
    kafka_out_patch(&out, mark, 0x01020304);
    EXPECT_OUT(&out, 9, 1, 2, 3, 4, 8);
    out = kafka_out_start(arena, 0);
    assert_int_equal(kafka_out_finish(&out), 0); /* nothing was written */
}

static void a_text_that_no_length_can_tell_is_not_written(void **state)
{
    (void)state;
    char *longest = calloc(1, INT16_MAX + 1);
    assert_non_null(longest);
    for (uint32_t length = INT16_MAX; length <= INT16_MAX + 1u; length++) {
        struct kafka_out out = kafka_out_start(arena, 0);
        kafka_out_string(&out, (struct kafka_text){.bytes = longest, .length = length});
        assert_int_equal(out.ok, length == INT16_MAX);
        kafka_out_i8(&out, 1);
        assert_int_equal(out.length, out.ok ? length + 3 : 0);
        kafka_out_drop(&out);
    }
    free(longest);
}

static void an_answer_grows_up_to_its_bound(void **state)
{
    (void)state;
    char *block = calloc(1, BOUND);
    assert_non_null(block);
    struct kafka_out out = kafka_out_start(arena, BOUND * 2);
    kafka_out_raw(&out, block, BOUND - 1);
    kafka_out_i8(&out, 1);
    assert_true(out.ok);
    assert_int_equal(out.length, BOUND);
    kafka_out_raw(&out, block, 0);
    assert_true(out.ok);
    kafka_out_i8(&out, 1); /* one too many: all of it is nothing */
    assert_false(out.ok);
    assert_int_equal(kafka_out_finish(&out), 0);
    out = kafka_out_start(arena, 0);
    kafka_out_raw(&out, block, 257); /* more than it had room for */
    kafka_out_raw(&out, block, 10000);
    assert_true(out.ok);
    assert_int_equal(out.length, 10257);
    kafka_out_drop(&out);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian_and_signed),
        cmocka_unit_test(what_is_not_whole_is_zero_and_nothing_is_read_after_it),
        cmocka_unit_test(an_unsigned_varint_has_five_bytes_and_32_bits),
        cmocka_unit_test(a_zigzag_number_has_ten_bytes),
        cmocka_unit_test(texts_have_a_length_of_two_bytes_and_may_be_null),
        cmocka_unit_test(bytes_have_a_length_of_four),
        cmocka_unit_test(compact_lengths_are_one_more),
        cmocka_unit_test(a_count_is_believed_as_far_as_bytes_are_left),
        cmocka_unit_test(tags_are_read_over_where_there_are_any),
        cmocka_unit_test_setup_teardown(what_is_written_is_what_is_read, begin, end),
        cmocka_unit_test_setup_teardown(flexible_versions_are_written_compact, begin, end),
        cmocka_unit_test_setup_teardown(a_number_is_known_later, begin, end),
        cmocka_unit_test_setup_teardown(a_text_that_no_length_can_tell_is_not_written, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_answer_grows_up_to_its_bound, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
