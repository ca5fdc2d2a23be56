/*
 * fuzz_json.c - the JSON reader on bytes from outside: it reads no byte that is not there, and
 * what it says about a text agrees with itself.
 *
 * With clang -fsanitize=fuzzer -DFUZZ_LIBFUZZER a libFuzzer target; else a program:
 * fuzz_json [-n COUNT] [FILE...] replays files, and without any tries COUNT random changes of
 * texts of its own.
 */
#include "core/assert.h"
#include "core/draw.h"
#include "core/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 64u /* looked at in each object or array */
#define DEPTH_MAX 8u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_value(struct json_in value, unsigned depth);

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A view is a value by itself, of the same kind, without blanks around it. */
static void check_view(struct json_in value)
{
    ASSERT_OP(value.length, >, 0);
    struct json_in again = json_in_parse(value.text, value.length);
    ASSERT_OP(again.kind, ==, value.kind);
    ASSERT(again.text == value.text && again.length == value.length);
    ASSERT(!is_blank(value.text[0]) && !is_blank(value.text[value.length - 1]));
    if (value.kind != JSON_NUMBER) { /* cut short, it is none any more */
        struct json_in shorter = json_in_parse(value.text, value.length - 1);
        ASSERT_OP(shorter.kind, ==, JSON_INVALID);
    }
}

static void check_array(struct json_in value, unsigned depth)
{
    struct json_in item;
    size_t count = json_in_count(value);
    ASSERT(!json_in_element(value, count, &item));
    const char *end = value.text;
    for (size_t i = 0; i < count && i < ITEMS_MAX; i++) {
        bool found = json_in_element(value, i, &item);
        ASSERT(found);
        ASSERT(item.text > end && item.text + item.length < value.text + value.length);
        end = item.text + item.length - 1;
        check_value(item, depth + 1);
    }
}

/* Names are not listed by the reader: each string of the text is tried as one. */
static void check_object(struct json_in value, unsigned depth)
{
    struct json_in member;
    char name[64];
    size_t count = json_in_count(value), found = 0;
    ASSERT(!json_in_element(value, 0, &member));
    for (size_t i = 1; i < value.length && found < ITEMS_MAX; i++) {
        if (value.text[i] != '"')
            continue;
        size_t end = i + 1;
        while (end < value.length && value.text[end] != '"')
            end += value.text[end] == '\\' ? 2 : 1;
        if (end >= value.length)
            break;
        struct json_in text = json_in_parse(value.text + i, end + 1 - i);
        bool is_name = text.kind == JSON_STRING && json_in_string(text, name, sizeof name) &&
                       json_in_member(value, name, &member);
        i = end;
        if (!is_name)
            continue;
        found++;
        ASSERT(member.text > value.text);
        ASSERT(member.text + member.length < value.text + value.length);
        check_value(member, depth + 1);
    }
    ASSERT(found == 0 || count > 0);
}

static void check_number(struct json_in value)
{
    int64_t number = 0;
    char text[32];
    if (!json_in_number(value, &number))
        return;
    int length = snprintf(text, sizeof text, "%lld", (long long)number);
    bool is_minus_zero = value.length == 2 && value.text[0] == '-' && value.text[1] == '0';
    ASSERT(is_minus_zero ||
           (value.length == (size_t)length && memcmp(value.text, text, value.length) == 0));
}

static void check_string(struct json_in value)
{
    char small[4], *large = malloc(value.length + 1);
    ASSERT(large != NULL);
    bool ok = json_in_string(value, large, value.length + 1);
    ASSERT(ok); /* decoded it is never longer */
    if (json_in_string(value, small, sizeof small))
        ASSERT(strcmp(small, large) == 0);
    ASSERT(!json_in_string(value, small, 0));
    free(large);
}

static void check_value(struct json_in value, unsigned depth)
{
    struct json_in other;
    char text[8];
    int64_t number;
    check_view(value);
    if (value.kind != JSON_ARRAY)
        ASSERT(!json_in_element(value, 0, &other));
    if (value.kind != JSON_OBJECT)
        ASSERT(!json_in_member(value, "a", &other));
    if (value.kind != JSON_STRING)
        ASSERT(!json_in_string(value, text, sizeof text));
    if (value.kind != JSON_NUMBER)
        ASSERT(!json_in_number(value, &number));
    if (value.kind == JSON_STRING)
        check_string(value);
    else if (value.kind == JSON_NUMBER)
        check_number(value);
    else if (value.kind == JSON_ARRAY && depth < DEPTH_MAX)
        check_array(value, depth);
    else if (value.kind == JSON_OBJECT && depth < DEPTH_MAX)
        check_object(value, depth);
    else if (depth < DEPTH_MAX)
        ASSERT_OP(json_in_count(value), ==, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size == 0 ? 1 : size); /* of its own, so that reading past it shows */
    ASSERT(text != NULL);
    if (size > 0)
        memcpy(text, bytes, size);
    struct json_in value = json_in_parse(text, size);
    if (value.kind != JSON_INVALID)
        check_value(value, 0);
    free(text);
    return 0;
}

#ifndef FUZZ_LIBFUZZER /* libFuzzer has a main of its own */

#define COUNT_DEFAULT 200000u
#define SIZE_MAX_TRIED 512u
#define FILE_SIZE_MAX ((size_t)4 << 20)

static const char *const texts[] = {
    "{}",
    "[]",
    " {\"status\":\"up\",\"freeMemory\":1024,\"busyMemory\":0,\"tags\":[]} ",
    "{\"sid\":{\"asString\":\"0\"},\"queueSize\":3,\"endpoints\":{\"host\":\"10.0.0.1\"}}",
    "[1,-2,3.5e+7,0,-0,1E5,9223372036854775807,9223372036854775808,true,false,null]",
    "{\"a\":{\"a\":[{\"a\":1},{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}],\"a\":2}}",
    "[\"\\u00e9\\u20ac\\ud83d\\ude00\\ud800\\u0000\",\"\xc3\xa9\",\"\"]",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
};
static const char pieces[] = "{}[]\":,\\\"0123456789-+.eEtrufalsn \t\n\x01\xff\x80";

struct random {
    uint64_t seed, count;
};

static size_t draw_below_count(struct random *r, size_t bound)
{
    return (size_t)(draw_mix(r->seed, r->count++) % bound);
}

/* Remove, double, replace or insert a stretch. */
static size_t change(struct random *r, char *text, size_t size)
{
    size_t at = draw_below_count(r, size + 1), length = 1 + draw_below_count(r, 4);
    size_t rest = size - at, how = draw_below_count(r, 4);
    length = length > rest ? rest : length;
    if (how == 0) {
        memmove(text + at, text + at + length, rest - length);
        return size - length;
    }
    if (how == 1 && size + length <= SIZE_MAX_TRIED) {
        memmove(text + at + length, text + at, rest);
        return size + length;
    }
    char piece = pieces[draw_below_count(r, sizeof pieces - 1)];
    if (how == 2 && rest > 0) {
        text[at] = piece;
        return size;
    }
    if (size == SIZE_MAX_TRIED)
        return size;
    memmove(text + at + 1, text + at, rest);
    text[at] = piece;
    return size + 1;
}

static void try_changes(uint64_t count)
{
    char text[SIZE_MAX_TRIED];
    for (uint64_t i = 0; i < count; i++) {
        struct random r = {.seed = draw_mix(i, 1)};
        const char *from = texts[draw_below_count(&r, sizeof texts / sizeof texts[0])];
        size_t size = strlen(from), changes = draw_below_count(&r, 6);
        memcpy(text, from, size);
        while (changes-- > 0)
            size = change(&r, text, size);
        LLVMFuzzerTestOneInput((const uint8_t *)text, size);
    }
}

/* Nesting has one bound, and neither side of it harms. */
static void try_depths(void)
{
    static char text[2 * 100000];
    for (size_t depth = 1; depth <= 100000; depth += depth < 80 ? 1 : depth) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        struct json_in value = json_in_parse(text, 2 * depth);
        ASSERT_OP(value.kind, ==, depth <= JSON_DEPTH_MAX + 1 ? JSON_ARRAY : JSON_INVALID);
        LLVMFuzzerTestOneInput((const uint8_t *)text, 2 * depth);
    }
}

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(FILE_SIZE_MAX);
    if (file == NULL || bytes == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        free(bytes);
        if (file != NULL)
            fclose(file);
        return 1;
    }
    size_t size = fread(bytes, 1, FILE_SIZE_MAX, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t count = COUNT_DEFAULT;
    int first = 1, failed = 0;
    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        count = strtoull(argv[2], NULL, 10);
        first = 3;
    }
    for (int i = first; i < argc; i++)
        failed |= replay(argv[i]);
    if (first == argc) {
        try_depths();
        try_changes(count);
    }
    return failed;
}

#endif
