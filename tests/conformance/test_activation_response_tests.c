/*
 * test_activation_response_tests.c - upstream's ActivationResponseTests: what a container's
 * answer comes to. No machine is needed: the rules are functions of the answer alone.
 */
#include "support/conform.h"
#include "common/activation_response.h"
#include <stdio.h>
#include <string.h>

#define INVALID_INIT "{\"error\":\"The action failed during initialization"
#define INVALID_RUN                                                                            \
    "{\"error\":\"The action did not produce a valid JSON or JSON Array response"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new((size_t)1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct container_answer answered(uint16_t status, const char *text)
{
    return (struct container_answer){
        .status = status, .text = text, .length = text == NULL ? 0 : strlen(text)};
}

/* Status, the record's result and the size of it. */
static void expect(const struct activation_response *r, const struct container_answer *answer,
                   enum response_status status, const char *result, uint64_t size)
{
    struct json_out out;
    json_out_init(&out, arena, ARENA_HOST);
    activation_response_write(r, answer, &out);
    blob text = json_out_finish(&out);
    assert_string_equal(blob_bytes(arena, text), result);
    blob_free(arena, text);
    assert_int_equal(r->status, status);
    assert_int_equal(r->size, size);
}

static void expect_init(const struct container_answer *answer, const char *result,
                        uint64_t size)
{
    struct activation_response r;
    assert_true(activation_response_init(answer, &r));
    expect(&r, answer, RESPONSE_DEVELOPER_ERROR, result, size);
}

static void expect_run(const struct container_answer *answer, enum response_status status,
                       const char *result, uint64_t size)
{
    struct activation_response r = activation_response_run(answer);
    expect(&r, answer, status, result, size);
}

static void
an_answer_that_was_cut_fails_init_as_the_developers_and_run_as_the_actions(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"abcdef", "abcd", "6"},
        {"{\"msg\":\"abcedf\"}", "{\\\"ms", "16"},
        {"[\"a\",\"b\",\"c\",\"d\",\"e\"]", "[\\\"a\\\"", "21"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char result[256];
        uint64_t whole = strlen(rows[i][0]);
        snprintf(result, sizeof result,
                 "{\"error\":\"The action produced a response that exceeded the allowed "
                 "length: %s > 5 bytes. The truncated response was: %s\"}",
                 rows[i][2], rows[i][1]);
        for (uint16_t status = 200; status <= 500; status = (uint16_t)(status + 300)) {
            struct container_answer answer = {.status = status,
                                              .text = rows[i][0],
                                              .length = 4,
                                              .whole = whole,
                                              .allowed = 5};
            expect_init(&answer, result, whole);
            expect_run(&answer, RESPONSE_APPLICATION_ERROR, result, whole);
        }
    }
}

static void an_init_without_an_answer_is_abnormal(void **state)
{
    (void)state;
    struct container_answer answer = {.lack = LACK_ANSWER};
    expect_init(&answer,
                "{\"error\":\"The action did not initialize and exited unexpectedly.\"}", 0);
    answer.lack = LACK_MEMORY;
    expect_init(&answer, "{\"error\":\"The action exhausted its memory and was aborted.\"}", 0);
}

static void an_init_that_fails_without_an_entity_has_a_sentence(void **state)
{
    (void)state;
    struct container_answer answer = answered(500, NULL);
    expect_init(&answer, INVALID_INIT ".\"}", 0);
}

static void an_init_that_fails_with_an_empty_entity_has_a_sentence(void **state)
{
    (void)state;
    struct container_answer answer = answered(500, "");
    expect_init(&answer, INVALID_INIT ".\"}", 0);
}

static void an_init_that_fails_with_a_text_quotes_it(void **state)
{
    (void)state;
    struct container_answer answer = answered(500, "string");
    expect_init(&answer, INVALID_INIT ": string\"}", 6);
}

static void an_init_that_fails_with_json_that_is_no_object_quotes_it(void **state)
{
    (void)state;
    struct container_answer answer = answered(500, "[1]");
    expect_init(&answer, INVALID_INIT ": [1]\"}", 3);
}

static void an_init_that_fails_with_an_error_has_that(void **state)
{
    (void)state;
    struct container_answer answer = answered(500, "{\"error\":\"foobar\"}");
    expect_init(&answer, "{\"error\":\"foobar\"}", 18);
}

static void an_init_that_fails_with_another_object_quotes_it(void **state)
{
    (void)state;
    struct container_answer answer = answered(500, "{\"foobar\":\"baz\"}");
    expect_init(&answer, INVALID_INIT ": {\\\"foobar\\\":\\\"baz\\\"}\"}", 16);
}

static void an_init_that_succeeded_is_not_interpreted(void **state)
{
    (void)state;
    struct container_answer answer = answered(200, "");
    struct activation_response r;
    assert_false(activation_response_init(&answer, &r));
    answer.status = 201;
    assert_true(activation_response_init(&answer, &r));
}

static void a_run_without_an_answer_is_abnormal(void **state)
{
    (void)state;
    struct container_answer answer = {.lack = LACK_ANSWER};
    expect_run(&answer, RESPONSE_DEVELOPER_ERROR,
               "{\"error\":\"The action did not produce a valid response and exited "
               "unexpectedly.\"}",
               0);
    answer.lack = LACK_MEMORY;
    expect_run(&answer, RESPONSE_DEVELOPER_ERROR,
               "{\"error\":\"The action exhausted its memory and was aborted.\"}", 0);
}

/* With 200 as with 500: what is no object and no array is no result. */
static void expect_invalid(const char *text, const char *tail, uint64_t size, bool also_ok)
{
    char result[256];
    snprintf(result, sizeof result, INVALID_RUN "%s\"}", tail);
    struct container_answer answer = answered(500, text);
    expect_run(&answer, RESPONSE_DEVELOPER_ERROR, result, size);
    answer.status = 200;
    if (also_ok)
        expect_run(&answer, RESPONSE_DEVELOPER_ERROR, result, size);
}

static void a_run_that_fails_without_an_entity_has_a_sentence(void **state)
{
    (void)state;
    expect_invalid(NULL, ".", 0, true);
}

static void a_run_that_fails_with_an_empty_entity_has_a_sentence(void **state)
{
    (void)state;
    expect_invalid("", ".", 0, true);
}

static void a_run_that_fails_with_a_text_quotes_it(void **state)
{
    (void)state;
    expect_invalid("string", ": string", 6, true);
    expect_invalid("17", ": 17", 2, true);
}

static void a_run_that_fails_with_json_that_is_no_object_quotes_it(void **state)
{
    (void)state;
    expect_invalid("[1]", ": [1]", 3, false);
    struct container_answer answer = answered(200, "[1]");
    expect_run(&answer, RESPONSE_SUCCESS, "[1]", 3);
}

static void a_run_that_fails_with_an_error_has_that(void **state)
{
    (void)state;
    struct container_answer answer = answered(500, "{\"error\":\"foobar\"}");
    expect_run(&answer, RESPONSE_DEVELOPER_ERROR, "{\"error\":\"foobar\"}", 18);
}

static void a_run_that_fails_with_another_object_quotes_it(void **state)
{
    (void)state;
    expect_invalid("{\"foobar\":\"baz\"}", ": {\\\"foobar\\\":\\\"baz\\\"}", 16, false);
}

static void a_run_that_succeeds_with_an_error_is_an_application_error(void **state)
{
    (void)state;
    struct container_answer answer = answered(200, "{\"error\":\"foobar\"}");
    expect_run(&answer, RESPONSE_APPLICATION_ERROR, "{\"error\":\"foobar\"}", 18);
}

static void a_run_that_succeeds_is_a_success(void **state)
{
    (void)state;
    struct container_answer answer = answered(200, "{\"foobar\":\"baz\"}");
    expect_run(&answer, RESPONSE_SUCCESS, "{\"foobar\":\"baz\"}", 16);
}

#define ANSWER(line, function) CONFORMS("ActivationResponseTests", line, function)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ANSWER(40, an_answer_that_was_cut_fails_init_as_the_developers_and_run_as_the_actions),
        ANSWER(61, an_init_without_an_answer_is_abnormal),
        ANSWER(71, an_init_that_fails_without_an_entity_has_a_sentence),
        ANSWER(79, an_init_that_fails_with_an_empty_entity_has_a_sentence),
        ANSWER(87, an_init_that_fails_with_a_text_quotes_it),
        ANSWER(96, an_init_that_fails_with_json_that_is_no_object_quotes_it),
        ANSWER(104, an_init_that_fails_with_an_error_has_that),
        ANSWER(111, an_init_that_fails_with_another_object_quotes_it),
        ANSWER(119, an_init_that_succeeded_is_not_interpreted),
        ANSWER(126, a_run_without_an_answer_is_abnormal),
        ANSWER(136, a_run_that_fails_without_an_entity_has_a_sentence),
        ANSWER(144, a_run_that_fails_with_an_empty_entity_has_a_sentence),
        ANSWER(152, a_run_that_fails_with_a_text_quotes_it),
        ANSWER(160, a_run_that_fails_with_json_that_is_no_object_quotes_it),
        ANSWER(168, a_run_that_fails_with_an_error_has_that),
        ANSWER(175, a_run_that_fails_with_another_object_quotes_it),
        ANSWER(183, a_run_that_succeeds_with_an_error_is_an_application_error),
        ANSWER(190, a_run_that_succeeds_is_a_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
