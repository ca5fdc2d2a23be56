/*
 * test_report.c - result.json against its schema, the summary, JUnit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "report/report.h"
#include "support/check_bed.h"

#define ID(n) ACTIVATION_ID(n, 0)
#ifndef TEST_SOURCE_DIR
#define TEST_SOURCE_DIR "."
#endif

struct fixture {
    struct check_bed bed;
    struct result result;
    uint64_t lost_seq;
};

static void step(struct check_bed *bed, enum record_kind kind, uint64_t number, uint8_t outcome)
{
    bool is_end = kind == RECORD_STEP_ENDED;
    check_bed_feed(bed, (struct record){.kind = (uint16_t)kind,
                                        .node = BED_DEPLOYER,
                                        .peer = BED_SCHEDULER0,
                                        .value = number,
                                        .value2 = is_end ? 5 : 0,
                                        .detail = outcome});
}

/* One that runs through, one that is rejected, one skipped, one lost in a stop. */
static void tell_a_story(struct fixture *f)
{
    struct check_bed *bed = &f->bed;
    check_bed_run_through(bed, ID(1));
    check_bed_wait(bed, SEC(60));
    check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_SKIPPED,
                                        .node = BED_CLIENT,
                                        .activation = ID(2),
                                        .detail = 1});
    check_bed_feed(
        bed,
        (struct record){.kind = RECORD_REQUEST_SENT, .node = BED_CLIENT, .activation = ID(3)});
    check_bed_answer(bed, ID(3), 1);
    step(bed, RECORD_STEP_STARTED, 2, 0);
    check_bed_until_queued(bed, ID(4));
    check_bed_wait(bed, MSEC(250));
    f->lost_seq = check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER0);
    step(bed, RECORD_STEP_ENDED, 2, 1);
    step(bed, RECORD_STEP_STARTED, 0, 0);
    check_set_settle(bed->set, bed->at, NULL);
    check_set_end(bed->set, bed->at);
}

static void fill(struct result *result)
{
    snprintf(result->version, sizeof result->version, "%s", "0.1.0");
    snprintf(result->scenario, sizeof result->scenario, "%s",
             "scenarios/rollout/a<b>&\"c\".yaml");
    snprintf(result->hash, sizeof result->hash, "%s", "00ff");
    snprintf(result->why, sizeof result->why, "%s", "It shows how a report looks.");
    snprintf(result->host, sizeof result->host, "%s", "sim");
    snprintf(result->reason, sizeof result->reason, "%s", "not expected: no-lost-activation");
    snprintf(result->look_closer, sizeof result->look_closer, "%s", "rollcage why out/x");
    snprintf(result->reproduce, sizeof result->reproduce, "%s", "rollcage run x.yaml --seed 7");
    result->seed = 7;
    result->verdict = RESULT_FAIL;
    result->exit_code = 1;
    result->virtual_ns = SEC(61);
    result->wall_ns = MSEC(20);
    result->events = 1234;
    result->digest = 0xabcdef;
}

static int open_fixture(void **state)
{
    static const char *const reasons[] = {"", "outside top"};
    static struct fixture f;
    check_bed_open(&f.bed);
    check_bed_begin(&f.bed);
    result_init(&f.result);
    tell_a_story(&f);
    fill(&f.result);
    assert_int_equal(result_capture(&f.result, f.bed.set, &f.bed.world, reasons, 2), 0);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    result_release(&f->result);
    check_bed_close(&f->bed);
    return 0;
}

static json_t *written(const struct result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(report_json_write(result, out), 0);
    fclose(out);
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    free(text);
    return json;
}

static json_int_t number(json_t *object, const char *a, const char *b)
{
    json_t *value = json_object_get(json_object_get(object, a), b);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void the_sums_of_the_activations_are_in_the_json(void **state)
{
    struct fixture *f = *state;
    json_t *json = written(&f->result);
    assert_int_equal(number(json, "activations", "offered"), 4);
    assert_int_equal(number(json, "activations", "accepted"), 2);
    assert_int_equal(number(json, "activations", "completed"), 1);
    assert_int_equal(number(json, "activations", "succeeded"), 1);
    assert_int_equal(number(json, "activations", "lost"), 1);
    json_t *activations = json_object_get(json, "activations");
    assert_int_equal(number(activations, "skipped", "outside top"), 1);
    assert_int_equal(number(activations, "rejected", "refused"), 1);
    assert_string_equal(json_string_value(json_object_get(json, "digest")), "0000000000abcdef");
    assert_true(json_is_null(json_object_get(json, "variant")));
    json_decref(json);
}

static void the_first_violation_is_found_again(void **state)
{
    struct fixture *f = *state;
    struct report_finding finding;
    char path[] = "/tmp/rollcage-report-XXXXXX", errmsg[200], hex[33];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(report_json_file(&f->result, path), 0);
    cluster_activation_text(&f->bed.draws, ID(4), hex);
    const char *check = "no-lost-activation";
    assert_int_equal(report_json_finding(path, check, &finding, errmsg, sizeof errmsg), 1);
    assert_string_equal(finding.check, "no-lost-activation");
    assert_string_equal(finding.activation, hex);
    assert_int_equal(finding.seq, f->lost_seq);
    assert_true(finding.at_ns == (int64_t)MSEC(60250));
    assert_int_equal(report_json_finding(path, NULL, &finding, errmsg, sizeof errmsg), 1);
    assert_string_equal(finding.check, "no-failed-activation"); /* the refused connection */
    check = "settles";
    assert_int_equal(report_json_finding(path, check, &finding, errmsg, sizeof errmsg), 0);
    FILE *out = fopen(path, "w");
    fputs("{\"schema\": \"rollcage.result/2\"}", out);
    fclose(out);
    assert_int_equal(report_json_finding(path, NULL, &finding, errmsg, sizeof errmsg), -1);
    assert_non_null(strstr(errmsg, "rollcage.result/2, expected rollcage.result/1"));
    unlink(path);
    assert_int_equal(report_json_finding(path, NULL, &finding, errmsg, sizeof errmsg), -1);
    assert_int_equal(report_json_file(&f->result, "/nowhere/result.json"), -1);
}

/* A small part of JSON Schema, enough for ours: type, const, enum, required, properties,
 * additionalProperties, items, anyOf, $ref into definitions. */
static bool fits(json_t *schema, json_t *value, json_t *root);

static bool has_type(const char *type, json_t *value)
{
    return (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(type, "null") == 0 && json_is_null(value));
}

static bool fits_type(json_t *schema, json_t *value)
{
    json_t *type = json_object_get(schema, "type"), *one;
    size_t i;
    if (type == NULL)
        return true;
    if (json_is_string(type))
        return has_type(json_string_value(type), value);
    json_array_foreach(type, i, one)
    {
        if (has_type(json_string_value(one), value))
            return true;
    }
    return false;
}

static bool fits_value(json_t *schema, json_t *value, json_t *root)
{
    json_t *constant = json_object_get(schema, "const"), *one;
    json_t *list = json_object_get(schema, "enum"), *any = json_object_get(schema, "anyOf");
    bool is_listed = list == NULL, is_any = any == NULL;
    size_t i;
    json_array_foreach(list, i, one) is_listed |= json_equal(one, value) != 0;
    json_array_foreach(any, i, one) is_any |= fits(one, value, root);
    return is_listed && is_any && (constant == NULL || json_equal(constant, value));
}

static bool fits_members(json_t *schema, json_t *value, json_t *root)
{
    json_t *properties = json_object_get(schema, "properties"), *member, *name;
    json_t *others = json_object_get(schema, "additionalProperties");
    const char *key;
    size_t i;
    json_array_foreach(json_object_get(schema, "required"), i, name)
    {
        if (json_object_get(value, json_string_value(name)) == NULL)
            return false;
    }
    json_object_foreach(value, key, member)
    {
        json_t *property = json_object_get(properties, key);
        if (property == NULL)
            property = others;
        if (property != NULL && !fits(property, member, root)) {
            return false;
        }
    }
    return true;
}

static bool fits(json_t *schema, json_t *value, json_t *root)
{
    json_t *item, *items = json_object_get(schema, "items");
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    size_t i;
    if (json_is_boolean(schema))
        return json_is_true(schema);
    if (ref != NULL)
        return fits(json_object_get(json_object_get(root, "definitions"), ref + 14), value,
                    root);
    if (!fits_type(schema, value) || !fits_value(schema, value, root))
        return false;
    if (json_is_object(value) && !fits_members(schema, value, root))
        return false;
    if (json_is_array(value) && items != NULL)
        json_array_foreach(value, i, item)
        {
            if (!fits(items, item, root))
                return false;
        }
    return true;
}

static void a_result_fits_the_published_schema(void **state)
{
    struct fixture *f = *state;
    json_t *schema = json_load_file(TEST_SOURCE_DIR "/docs/result.schema.json", 0, NULL);
    assert_non_null(schema);
    json_t *json = written(&f->result);
    assert_true(fits(schema, json, schema));
    json_object_set_new(json, "verdict", json_string("maybe"));
    assert_false(fits(schema, json, schema));
    json_object_set_new(json, "verdict", json_string("pass"));
    json_object_set_new(json, "colour", json_string("red"));
    assert_false(fits(schema, json, schema));
    json_object_del(json, "colour");
    json_object_del(json, "digest");
    assert_false(fits(schema, json, schema));
    json_decref(json);
    f->result.seed = UINT64_MAX;
    snprintf(f->result.scenario, sizeof f->result.scenario, "%s", "not \xff utf-8");
    json = written(&f->result);
    assert_true(fits(schema, json, schema));
    json_decref(json);
    json_decref(schema);
}

static void a_suite_is_a_list(void **state)
{
    struct fixture *f = *state;
    const struct result *results[] = {&f->result, &f->result};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(report_json_suite(results, 2, out), 0);
    fclose(out);
    json_t *json = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(json), 2);
    json_decref(json);
    free(text);
}

static char *printed(void (*print)(const struct result *result, FILE *out),
                     const struct result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    print(result, out);
    fclose(out);
    return text;
}

static void the_summary_fits_on_a_screen_and_says_what_happened(void **state)
{
    struct fixture *f = *state;
    char *text = printed(report_text, &f->result);
    const char *parts[] = {
        "FAIL  scenarios/rollout/a<b>&\"c\".yaml, seed 7, sim (NOT as expected)",
        "offered 4 = skipped 1 (outside top: 1) + rejected 1 (refused: 1) + accepted 2",
        "accepted 2 = succeeded 1 + failed 0 + lost 1; duplicated 0",
        "  no-lost-activation       FAIL, 1 violation\n      first at 60.250 s: the activation "
        "of "
        "guest/hello, accepted by controller0, has no completion",
        "  latency                  not-applicable",
        "  scheduler0   from 60.000 s to (open): 2 steps, 5 requests, failed at restart; "
        "failed "
        "0, lost 1",
        "  scheduler0   restart                      failed 0, lost 1",
        "look closer  rollcage why out/x",
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(text, parts[i]) == NULL)
            print_error("missing: %s\nin:\n%s\n", parts[i], text);
        assert_non_null(strstr(text, parts[i]));
    }
    unsigned lines = 0;
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    assert_true(lines <= 45);
    free(text);
    text = printed(report_text_line, &f->result);
    assert_non_null(
        strstr(text, "NOT  scenarios/rollout/a<b>&\"c\".yaml seed 7: 0 failed, 1 lost"));
    free(text);
}

static void junit_escapes_names_and_tells_failures_from_errors(void **state)
{
    struct fixture *f = *state;
    struct result other = {0};
    const struct result *results[] = {&f->result, &other, &other};
    char *text = NULL;
    size_t size = 0;
    snprintf(other.scenario, sizeof other.scenario, "%s", "x.yaml");
    other.verdict = RESULT_INCONCLUSIVE;
    snprintf(other.reason, sizeof other.reason, "%s", "over\x01 budget");
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(report_junit(results, 3, out), 0);
    fclose(out);
    assert_non_null(strstr(text, "tests=\"3\" failures=\"1\" errors=\"2\""));
    assert_non_null(strstr(text, "classname=\"scenarios/rollout\" "
                                 "name=\"a&lt;b&gt;&amp;&quot;c&quot;.yaml seed 7\""));
    assert_non_null(strstr(text, "<failure type=\"safety\""));
    assert_non_null(strstr(text, "<error type=\"inconclusive\" message=\"over? budget\">"));
    free(text);
}

static void results_outlive_their_world(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(result_failed_checks(&f->result, true), 0);
    assert_true(result_failed_checks(&f->result, false) >= 2);
    assert_true(f->result.first_check < f->result.check_count);
    const struct result_check *first = &f->result.checks[f->result.first_check];
    assert_true(first->violations[f->result.first_example].at_ns == (int64_t)SEC(60));
    assert_int_equal(f->result.latency_count, 1);
}

static void checkpoints_are_thinned_evenly(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 1; i <= 1000; i++)
        result_add_checkpoint(&f->result, (struct result_checkpoint){.events = i, .digest = i});
    assert_in_range(f->result.checkpoint_count, 32, RESULT_CHECKPOINTS_MAX);
    uint64_t stride = f->result.checkpoints[0].events;
    for (uint32_t i = 0; i < f->result.checkpoint_count; i++)
        assert_int_equal(f->result.checkpoints[i].events, stride * (i + 1));
    json_t *json = written(&f->result), *list = json_object_get(json, "checkpoints");
    assert_int_equal(json_array_size(list), f->result.checkpoint_count);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "events")),
                     stride);
    json_decref(json);
}

static void a_checkpoint_has_events_instant_and_digest(void **state)
{
    struct fixture *f = *state;
    result_add_checkpoint(
        &f->result,
        (struct result_checkpoint){.events = 65536, .at_ns = -5, .digest = UINT64_C(0xfedcba)});
    json_t *schema = json_load_file(TEST_SOURCE_DIR "/docs/result.schema.json", 0, NULL);
    json_t *json = written(&f->result), *list = json_object_get(json, "checkpoints");
    assert_true(fits(schema, json, schema));
    assert_int_equal(json_array_size(list), 1);
    json_t *one = json_array_get(list, 0);
    assert_int_equal(json_integer_value(json_object_get(one, "events")), 65536);
    assert_true(json_integer_value(json_object_get(one, "at_ns")) == -5);
    assert_string_equal(json_string_value(json_object_get(one, "digest")), "0000000000fedcba");
    json_object_del(one, "at_ns");
    assert_false(fits(schema, json, schema));
    json_decref(json);
    json_decref(schema);
}

static void a_run_that_was_cut_short_keeps_what_was_found_before(void **state)
{
    struct fixture *f = *state;
    int failed = check_from_name("no-failed-activation");
    int lost = check_from_name("no-lost-activation");
    assert_true(failed >= 0 && lost >= 0);
    result_keep_checks(&f->result, UINT64_C(1) << failed);
    assert_int_equal(f->result.checks[failed].verdict, CHECK_FAIL);
    assert_int_equal(f->result.checks[lost].verdict, CHECK_NOT_APPLICABLE);
    assert_int_equal(f->result.checks[lost].example_count, 0);
    assert_int_equal(f->result.first_check, failed);
    result_keep_checks(&f->result, 0);
    assert_int_equal(f->result.first_check, f->result.check_count);
}

#define REPORT_TEST(f) cmocka_unit_test_setup_teardown(f, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REPORT_TEST(the_sums_of_the_activations_are_in_the_json),
        REPORT_TEST(the_first_violation_is_found_again),
        REPORT_TEST(a_result_fits_the_published_schema),
        REPORT_TEST(a_suite_is_a_list),
        REPORT_TEST(the_summary_fits_on_a_screen_and_says_what_happened),
        REPORT_TEST(junit_escapes_names_and_tells_failures_from_errors),
        REPORT_TEST(checkpoints_are_thinned_evenly),
        REPORT_TEST(results_outlive_their_world),
        REPORT_TEST(a_checkpoint_has_events_instant_and_digest),
        REPORT_TEST(a_run_that_was_cut_short_keeps_what_was_found_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
