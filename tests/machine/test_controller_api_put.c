/*
 * test_controller_api_put.c - the body of a PUT: what is refused and with which words, what of
 * it stands in the document afterwards, on both sides of each bound.
 */
#include "support/controller_api_bed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO "/api/v1/namespaces/_/actions/hello"
#define AGAIN "?overwrite=true"
#define MALFORMED "The request content was malformed:\\n"
#define BAD_ENTRIES MALFORMED "parameters malformed!"
#define BAD_VERSION MALFORMED "semantic version malformed"
#define NO_RUNTIME(kind)                                                                       \
    MALFORMED "The specified runtime '" kind "' is not supported by this platform. Valid "     \
              "values are: 'nodejs:20', 'sequence', 'blackbox'."
#define NO_CODE(kind)                                                                          \
    MALFORMED                                                                                  \
    "'code' must be a string or attachment object defined in 'exec' for '" kind "' actions"
#define NO_IMAGE MALFORMED "'image' must be a string defined in 'exec' for 'blackbox' actions"
#define NO_INSTANCES                                                                           \
    MALFORMED "Action container concurrency must be greater than or equal to 0."
#define KIND_EXEC(more) "{\"exec\":{\"kind\":\"nodejs:20\"," more "}}"
#define BLACKBOX_EXEC(more) "{\"exec\":{\"kind\":\"blackbox\"," more "}}"
#define TEXT_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct api_bed t;

static int begin(void **state)
{
    (void)state;
    t = api_bed_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    api_bed_free(&t);
    return 0;
}

/* Answered without a look at the database. */
static void expect_refused(const char *body, const char *text)
{
    api_forget(&t);
    api(&t, HTTP_PUT, HELLO AGAIN, body);
    expect_api_error(&t, 400, text);
    assert_int_equal(t.bed->sent_count, 1);
}

/* This body changes the action, in whose document this text is then. */
static void expect_document(const char *body, const char *part)
{
    api_forget(&t);
    api(&t, HTTP_PUT, HELLO AGAIN, body);
    api_settle(&t);
    expect_api_part(&t, part);
}

struct refusal {
    const char *body, *text;
};

#define EACH(list, function)                                                                   \
    for (size_t n = 0; n < sizeof(list) / sizeof(list)[0]; n++)                                \
    function((list)[n].body, (list)[n].text)

static void what_is_no_body_of_an_action_is_refused(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {NULL, "Request entity expected but not supplied"},
        {"[]", MALFORMED "Object expected"},
        {"{\"exec\":1}", MALFORMED "JSON object expected"},
        {"{\"exec\":{}}", MALFORMED "'kind' must be a string defined in 'exec'"},
        {"{\"exec\":{\"kind\":1}}", MALFORMED "'kind' must be a string defined in 'exec'"},
        {"{\"parameters\":{}}", BAD_ENTRIES},
        {"{\"parameters\":[1]}", BAD_ENTRIES},
        {"{\"parameters\":[{\"value\":1}]}", BAD_ENTRIES},
        {"{\"parameters\":[{\"key\":1,\"value\":1}]}", BAD_ENTRIES},
        {"{\"annotations\":[{\"key\":\"a\"}]}", BAD_ENTRIES},
        {"{\"annotations\":[{\"key\":\"a\",\"value\":1},2]}", BAD_ENTRIES},
        {"{\"limits\":[]}", MALFORMED "Object expected"},
        {"{\"delAnnotations\":\"a\"}", MALFORMED "Expected List as JsArray"},
        {"{\"delAnnotations\":[\"a\",1]}", MALFORMED "Expected String as JsString"},
        {"{\"publish\":1}", MALFORMED "Expected JsBoolean"},
        {"{\"publish\":\"true\"}", MALFORMED "Expected JsBoolean"},
    };
    EACH(cases, expect_refused);
    api_forget(&t);
    api(&t, HTTP_PUT, HELLO "?overwrite=x", "{}");
    expect_api_error(&t, 400,
                     "The query parameter 'overwrite' was malformed:\\n'x' is not a "
                     "valid Boolean value");
    assert_int_equal(t.bed->sent_count, 1);
}

/* In this order; each member that is wrong is behind those that are checked before it. */
static void the_first_fault_is_told(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"{\"parameters\":1,\"exec\":{},\"limits\":[]}",
         MALFORMED "'kind' must be a string defined in 'exec'"},
        {"{\"limits\":[],\"annotations\":1}", BAD_ENTRIES},
        {"{\"version\":1,\"limits\":[]}", MALFORMED "Object expected"},
        {"{\"delAnnotations\":1,\"version\":1}", BAD_VERSION},
        {"{\"publish\":1,\"delAnnotations\":1}", MALFORMED "Expected List as JsArray"},
        {"{\"publish\":1,\"limits\":{\"memory\":1}}", MALFORMED "Expected JsBoolean"},
        {"{\"limits\":{\"concurrency\":2,\"logs\":11,\"timeout\":1,\"memory\":1}}",
         "memory size 1 MB below allowed threshold of 128 MB"},
        {"{\"limits\":{\"concurrency\":2,\"logs\":11,\"timeout\":1}}",
         "duration 1 milliseconds below allowed threshold of 100 milliseconds"},
        {"{\"limits\":{\"concurrency\":2,\"logs\":11}}",
         "log size 11 MB exceeds allowed threshold of 10 MB"},
        {"{\"limits\":{\"instances\":101,\"concurrency\":2}}",
         "concurrency 2 exceeds allowed threshold of 1"},
    };
    EACH(cases, expect_refused);
}

static void a_member_that_is_null_is_not_given(void **state)
{
    (void)state;
    expect_document("{\"exec\":null,\"parameters\":null,\"annotations\":null,\"limits\":null,"
                    "\"version\":null,\"delAnnotations\":null,\"publish\":null}",
                    "\"limits\":{\"concurrency\":1,\"logs\":10,\"memory\":256,\"timeout\":"
                    "60000},\"name\":\"hello\",\"namespace\":\"guest\",\"parameters\":[],"
                    "\"publish\":false,\"updated\":1700000000000,\"version\":\"0.0.2\"}");
    expect_document("{\"limits\":{\"memory\":null,\"instances\":null}}",
                    "\"limits\":{\"concurrency\":1,\"logs\":10,\"memory\":256,");
}

static void limits_are_whole_numbers(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"{\"limits\":{\"concurrency\":1.5}}",
         MALFORMED "intra concurrency limit must be whole number"},
        {"{\"limits\":{\"concurrency\":\"1\"}}", MALFORMED "intra concurrency limit malformed"},
        {"{\"limits\":{\"instances\":1.5}}",
         MALFORMED "instance concurrency limit must be whole number"},
        {"{\"limits\":{\"instances\":[]}}", MALFORMED "instance concurrency limit malformed"},
        {"{\"limits\":{\"logs\":1.5}}", MALFORMED "log limit must be whole number"},
        {"{\"limits\":{\"logs\":true}}", MALFORMED "log limit malformed"},
        {"{\"limits\":{\"memory\":1.5}}", MALFORMED "memory limit must be whole number"},
        {"{\"limits\":{\"memory\":{}}}", MALFORMED "memory limit malformed"},
        {"{\"limits\":{\"timeout\":1.5}}", MALFORMED "time limit must be whole number"},
        {"{\"limits\":{\"timeout\":\"1\"}}", MALFORMED "time limit malformed"},
    };
    EACH(cases, expect_refused);
}

static void limits_have_bounds(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"{\"limits\":{\"timeout\":300001}}",
         "duration 300001 milliseconds exceeds allowed threshold of 300000 milliseconds"},
        {"{\"limits\":{\"timeout\":99}}",
         "duration 99 milliseconds below allowed threshold of 100 milliseconds"},
        {"{\"limits\":{\"memory\":513}}",
         "memory size 513 MB exceeds allowed threshold of 512 MB"},
        {"{\"limits\":{\"memory\":127}}",
         "memory size 127 MB below allowed threshold of 128 MB"},
        {"{\"limits\":{\"logs\":11}}", "log size 11 MB exceeds allowed threshold of 10 MB"},
        {"{\"limits\":{\"logs\":-1}}", "log size -1 MB below allowed threshold of 0 MB"},
        {"{\"limits\":{\"concurrency\":2}}", "concurrency 2 exceeds allowed threshold of 1"},
        {"{\"limits\":{\"concurrency\":0}}", "concurrency 0 below allowed threshold of 1"},
        {"{\"limits\":{\"instances\":-1}}", NO_INSTANCES},
    };
    static const struct refusal good[] = {
        {"{\"limits\":{\"timeout\":300000,\"memory\":512,\"logs\":0,\"concurrency\":1,"
         "\"instances\":0}}",
         "\"limits\":{\"concurrency\":1,\"instances\":0,\"logs\":0,\"memory\":512,"
         "\"timeout\":300000}"},
        {"{\"limits\":{\"timeout\":100,\"memory\":128,\"logs\":10,\"instances\":100}}",
         "\"limits\":{\"concurrency\":1,\"instances\":100,\"logs\":10,\"memory\":128,"
         "\"timeout\":100}"},
        {"{}", "\"limits\":{\"concurrency\":1,\"instances\":100,\"logs\":10,\"memory\":128,"
               "\"timeout\":100}"},
    };
    EACH(cases, expect_refused);
    EACH(good, expect_document);
}

static void versions_are_up_to_three_numbers(void **state)
{
    (void)state;
    static const struct refusal bad[] = {
        {"{\"version\":\"a.b\"}", BAD_VERSION},
        {"{\"version\":\"0.0.0\"}", BAD_VERSION},
        {"{\"version\":\"0\"}", BAD_VERSION},
        {"{\"version\":\"\"}", BAD_VERSION},
        {"{\"version\":\"1..2\"}", BAD_VERSION},
        {"{\"version\":\"1.-2\"}", BAD_VERSION},
        {"{\"version\":\"1.2.x\"}", BAD_VERSION},
        {"{\"version\":1}", BAD_VERSION},
        {"{\"version\":\"65536\"}", BAD_VERSION},
        {"{\"version\":\"1.\"}", BAD_VERSION},
        {"{\"version\":\"" TEXT_64 "\"}", BAD_VERSION},
    };
    static const struct refusal good[] = {
        {"{\"version\":\"65535\"}", "\"version\":\"65535.0.0\"}"},
        {"{\"version\":\"0.1\"}", "\"version\":\"0.1.0\"}"},
        {"{}", "\"version\":\"0.1.1\"}"},
        {"{\"version\":\"0.0.9\"}", "\"version\":\"0.0.9\"}"},
        {"{}", "\"version\":\"0.0.10\"}"},
        {"{\"version\":\"2.03.4.x\"}", "\"version\":\"2.3.4\"}"},
        {"{}", "\"version\":\"2.3.5\"}"},
    };
    EACH(bad, expect_refused);
    EACH(good, expect_document);
}

static void what_runs_the_code_must_be_known(void **state)
{
    (void)state;
    static const struct refusal bad[] = {
        {KIND_EXEC("\"main\":\"x\""), NO_CODE("nodejs:20")},
        {KIND_EXEC("\"code\":1"), NO_CODE("nodejs:20")},
        {KIND_EXEC("\"jar\":null"), NO_CODE("nodejs:20")},
        {KIND_EXEC("\"code\":\"\",\"main\":1"),
         MALFORMED "if defined, 'main' be a string in 'exec' for 'nodejs:20' actions"},
        {"{\"exec\":{\"kind\":\"cobol:1\",\"code\":\"\"}}", NO_RUNTIME("cobol:1")},
        {"{\"exec\":{\"kind\":\"A Z@[`{0\",\"code\":\"\"}}", NO_RUNTIME("az@[`{0")},
        {"{\"exec\":{\"kind\":\"" TEXT_64 "\",\"code\":\"\"}}", NO_RUNTIME("...")},
        {"{\"exec\":{\"kind\":\"sequence\",\"components\":[\"/_/a\"]}}",
         MALFORMED "sequences are not part of this model"},
        {BLACKBOX_EXEC("\"code\":\"\""), NO_IMAGE},
        {BLACKBOX_EXEC("\"image\":1"), NO_IMAGE},
        {BLACKBOX_EXEC("\"image\":\"i\",\"code\":1"), NO_CODE("blackbox")},
        {BLACKBOX_EXEC("\"image\":\"i\",\"main\":null"),
         MALFORMED "if defined, 'main' be a string in 'exec' for 'blackbox' actions"},
    };
    EACH(bad, expect_refused);
}

static void what_runs_stands_in_the_document(void **state)
{
    (void)state;
#define EXEC_TAIL "},\"limits\":"
    static const struct refusal good[] = {
        {BLACKBOX_EXEC("\"image\":\"me/it\",\"main\":\"go\""),
         "{\"key\":\"exec\",\"value\":\"blackbox\"}],\"exec\":{\"kind\":\"blackbox\",\"image\":"
         "\"me/it\",\"binary\":false,\"main\":\"go\"" EXEC_TAIL},
        {BLACKBOX_EXEC("\"image\":\"me/it\",\"code\":\"AAAA\""),
         "\"exec\":{\"kind\":\"blackbox\",\"image\":\"me/it\",\"binary\":true,\"code\":"
         "\"AAAA\"" EXEC_TAIL},
        {"{\"exec\":{\"kind\":\" NodeJS:Default\",\"jar\":\"x()\",\"main\":\"go\"}}",
         "{\"key\":\"exec\",\"value\":\"nodejs:20\"}],\"exec\":{\"kind\":\"nodejs:20\","
         "\"code\":"
         "\"x()\",\"binary\":false,\"main\":\"go\"" EXEC_TAIL},
        {"{\"exec\":{\"kind\":\"nodejs:20\",\"code\":\"y()\",\"jar\":\"x()\"}}",
         "\"exec\":{\"kind\":\"nodejs:20\",\"code\":\"y()\",\"binary\":false" EXEC_TAIL},
        {"{}", "{\"key\":\"exec\",\"value\":\"nodejs:20\"}],\"exec\":{\"kind\":\"nodejs:20\","
               "\"code\":\"y()\",\"binary\":false" EXEC_TAIL},
    };
    EACH(good, expect_document);
}

static void code_in_base_64_is_binary(void **state)
{
    (void)state;
    static const char *const binary[] = {"AAECAw==", "azAZ",   "09+/",   "AAA=",  "  AAAA ",
                                         "AA/A",     "AB\\/C", "ABC\\/", "\\/ABC"};
    static const char *const text[] = {
        "",     "    ", "A===", "====", "AA=A", "AAAAA", "A@AA",   "A[AA",    "A`AA",   "A{AA",
        "A:AA", "A.AA", "A,AA", "A*AA", "A-AA", "A AA",  "A\\nAA", "AA\\\\A", "AB\\\\/"};
    char body[128], part[64];
    for (size_t i = 0; i < sizeof binary / sizeof binary[0]; i++) {
        snprintf(body, sizeof body, KIND_EXEC("\"code\":\"%s\""), binary[i]);
        snprintf(part, sizeof part, "\"code\":\"%s\",\"binary\":true", binary[i]);
        expect_document(body, part);
    }
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        snprintf(body, sizeof body, KIND_EXEC("\"code\":\"%s\""), text[i]);
        snprintf(part, sizeof part, "\"code\":\"%s\",\"binary\":false", text[i]);
        expect_document(body, part);
    }
}

/* ---- entries ---- */

#define NO_KEY_WANTED "{\"key\":\"provide-api-key\",\"value\":false}"
#define EXEC_ENTRY "{\"key\":\"exec\",\"value\":\"nodejs:20\"}"
#define ENTRY(key, value) "{\"key\":\"" key "\",\"value\":" value "}"

static void annotations_are_a_map_that_keeps_its_order(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"{}", "{\"annotations\":[" NO_KEY_WANTED "," EXEC_ENTRY "],"},
        {"{\"annotations\":[" ENTRY("a", "1") "," ENTRY("b", "2") "," ENTRY("a", "3") "]}",
         "{\"annotations\":[" NO_KEY_WANTED "," EXEC_ENTRY
         "," ENTRY("a", "3") "," ENTRY("b", "2") "],"},
        {"{\"annotations\":[" ENTRY("b", "[ 1 ]") "," ENTRY("ab", "\"c\"") "]}",
         "{\"annotations\":[" NO_KEY_WANTED "," EXEC_ENTRY
         "," ENTRY("a", "3") "," ENTRY("b", "[1]") "," ENTRY("ab", "\"c\"") "],"},
        {"{\"delAnnotations\":[\"provide-api-key\",\"x\",\"b\"],\"annotations\":[" ENTRY(
             "exec", "\"mine\"") "]}",
         "{\"annotations\":[" EXEC_ENTRY "," ENTRY("a", "3") "," ENTRY("ab", "\"c\"") "],"},
        {"{\"delAnnotations\":[\"ab\",\"exec\"],\"annotations\":[" ENTRY("ab", "4") "]}",
         "{\"annotations\":[" ENTRY("a", "3") "," ENTRY("ab", "4") "," EXEC_ENTRY "],"},
        {"{\"delAnnotations\":[\"a\",\"ab\"]}", "{\"annotations\":[" EXEC_ENTRY "],"},
    };
    EACH(cases, expect_document);
}

static void a_new_action_has_what_it_does_not_say_by_default(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"{\"exec\":{\"kind\":\"nodejs:20\",\"code\":\"\"},\"annotations\":[" ENTRY(
             "provide-api-key", "true") "]}",
         "{\"annotations\":[" ENTRY(
             "provide-api-key",
             "true") "," EXEC_ENTRY "],\"exec\":{\"kind\":\"nodejs:20\",\"code\":\"\","
                     "\"binary\":false},\"limits\":{"
                     "\"concurrency\":1,\"logs\":10,\"memory\":256,\"timeout\":60000},\"name\":"
                     "\"hello\","
                     "\"namespace\":\"guest\",\"parameters\":[],\"publish\":false,\"updated\":"
                     "1700000000000,\"version\":\"0.0.1\"}"},
        {"{}", "\"memory\":256,"},
    };
    t.bed->actions[BED_HELLO].is_spare = true;
    EACH(cases, expect_document);
}

static void parameters_are_replaced_as_a_whole(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"{\"parameters\":[{\"key\":\"a\",\"value\":1,\"init\":true},{\"value\":{ "
         "},\"key\":\"b\","
         "\"init\":false,\"more\":1},{\"key\":\"a\",\"value\":null}]}",
         "\"parameters\":[" ENTRY("a", "null") "," ENTRY("b", "{}") "],\"publish\""},
        {"{\"parameters\":[{\"key\":\"c\",\"value\":1,\"init\":true},{\"key\":\"d\",\"value\":"
         "\"\"}]}",
         "\"parameters\":[{\"key\":\"c\",\"value\":1,\"init\":true}," ENTRY(
             "d", "\"\"") "],\"publish\""},
        {"{}", "\"parameters\":[{\"key\":\"c\",\"value\":1,\"init\":true}," ENTRY(
                   "d", "\"\"") "],\"publish\""},
        {"{\"parameters\":[]}", "\"parameters\":[],\"publish\""},
    };
    EACH(cases, expect_document);
}

static void whether_it_is_public_stays_until_it_is_said_otherwise(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {"{\"publish\":true}", "\"publish\":true,"},
        {"{}", "\"publish\":true,"},
        {"{\"publish\":false}", "\"publish\":false,"},
        {"{}", "\"publish\":false,"},
    };
    EACH(cases, expect_document);
}

/* ---- sizes ---- */

/* {"MEMBER":[{"key":"k","value":"xxx..."},{"key":"kk","value":1}]}, which counts as `size`. */
static char *large_entries(const char *name, size_t size)
{
    static const char rest[] = "\"},{\"key\":\"kk\",\"value\":1}]}";
    char *body = malloc(size + 128);
    assert_non_null(body);
    int length = snprintf(body, 64, "{\"%s\":[{\"key\":\"k\",\"value\":\"", name);
    size -= 1 + 2 + 2 + 1; /* the keys, the first value's quotes, the second value */
    memset(body + length, 'x', size);
    memcpy(body + length + size, rest, sizeof rest);
    return body;
}

static void large_parts_are_413(void **state)
{
    (void)state;
    static const char *const names[] = {"parameters", "annotations"};
    for (size_t i = 0; i < 2; i++) {
        char text[80], *body = large_entries(names[i], (1u << 20) + 1);
        api(&t, HTTP_PUT, HELLO AGAIN, body);
        free(body);
        snprintf(text, sizeof text, "%s larger than allowed: 1048577 > 1048576 bytes.",
                 names[i]);
        expect_api_error(&t, 413, text);
        body = large_entries(names[i], 1u << 20);
        api(&t, HTTP_PUT, HELLO AGAIN, body);
        api_settle(&t);
        free(body);
        expect_api_begins(&t, 200, "{\"annotations\"");
    }
}

static void expect_too_much_code(const char *head, size_t more)
{
    size_t size = (48u << 20) + 1 - more, length = strlen(head);
    char *body = malloc(length + size + 8);
    assert_non_null(body);
    memcpy(body, head, length);
    memset(body + length, 'x', size);
    memcpy(body + length + size, "\"}}", 4);
    api(&t, HTTP_PUT, HELLO AGAIN, body);
    free(body);
    expect_api_error(&t, 413, "exec larger than allowed: 50331649 > 50331648 bytes.");
}

/* The main function's name and the image's count too. */
static void code_over_48_mebibyte_is_413(void **state)
{
    (void)state;
    expect_too_much_code("{\"exec\":{\"kind\":\"nodejs:20\",\"code\":\"", 0);
    expect_too_much_code("{\"exec\":{\"kind\":\"blackbox\",\"image\":\"abcd\",\"main\":\"go\","
                         "\"code\":\"",
                         4 + 2);
}

/* {"annotations":[...]} or {"delAnnotations":[...]} of so many, numbered from `first` on. */
static char *many(bool is_removal, unsigned first, unsigned count)
{
    size_t size = 64 + (size_t)count * 48, length = 0;
    char *body = malloc(size);
    assert_non_null(body);
    length = (size_t)snprintf(body, size, "{\"%s\":[",
                              is_removal ? "delAnnotations" : "annotations");
    for (unsigned i = first; i < first + count; i++)
        length += (size_t)snprintf(body + length, size - length,
                                   is_removal ? "%s\"%u\"" : "%s{\"key\":\"%u\",\"value\":0}",
                                   i > first ? "," : "", i);
    snprintf(body + length, size - length, "]}");
    return body;
}

static void lists_of_more_than_1024_are_refused(void **state)
{
    (void)state;
    for (unsigned is_removal = 0; is_removal < 2; is_removal++) {
        char *body = many(is_removal != 0, 0, 1024);
        expect_document(body, "{\"annotations\"");
        free(body);
        body = many(is_removal != 0, 0, 1025);
        expect_refused(body,
                       is_removal ? MALFORMED "Expected String as JsString" : BAD_ENTRIES);
        free(body);
    }
}

/* The action has two by itself. */
static void annotations_do_not_grow_for_ever(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 4; n++) {
        char *body = many(false, n * 1024, n < 3 ? 1024 : 1022);
        expect_document(body, "{\"annotations\"");
        free(body);
    }
    api_forget(&t);
    api(&t, HTTP_PUT, HELLO AGAIN, "{\"annotations\":[" ENTRY("x", "1") "]}");
    api_settle(&t);
    expect_api_error(&t, 413, "annotations larger than allowed: 4097 > 4096 entries.");
    assert_int_equal(t.bed->sent_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_body_of_an_action_is_refused),
        TEST(the_first_fault_is_told),
        TEST(a_member_that_is_null_is_not_given),
        TEST(limits_are_whole_numbers),
        TEST(limits_have_bounds),
        TEST(versions_are_up_to_three_numbers),
        TEST(what_runs_the_code_must_be_known),
        TEST(what_runs_stands_in_the_document),
        TEST(code_in_base_64_is_binary),
        TEST(annotations_are_a_map_that_keeps_its_order),
        TEST(a_new_action_has_what_it_does_not_say_by_default),
        TEST(parameters_are_replaced_as_a_whole),
        TEST(whether_it_is_public_stays_until_it_is_said_otherwise),
        TEST(large_parts_are_413),
        TEST(code_over_48_mebibyte_is_413),
        TEST(lists_of_more_than_1024_are_refused),
        TEST(annotations_do_not_grow_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
