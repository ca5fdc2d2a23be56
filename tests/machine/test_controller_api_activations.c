/*
 * test_controller_api_activations.c - activation records through the public API.
 */
#include "support/controller_api_bed.h"
#include "core/json.h"
#include <stdio.h>
#include <string.h>

#define LIST "/api/v1/namespaces/_/activations"
#define NOT_THERE "The requested resource does not exist."

static struct api_bed t;

/* guest/hello at 1 s and 3 s (an application error), guest/pack/fails at 2 s, other/wide. */
static int begin(void **state)
{
    (void)state;
    static const struct {
        uint32_t request;
        action_id action;
        namespace_id ns;
        uint32_t at_s;
        uint8_t response, error;
    } records[] = {
        {1, BED_HELLO, BED_GUEST, 1, RESPONSE_SUCCESS, ERROR_NONE},
        {3, BED_HELLO, BED_GUEST, 3, RESPONSE_APPLICATION_ERROR, ERROR_ACTION_ERROR},
        {2, BED_FAILS, BED_GUEST, 2, RESPONSE_WHISK_ERROR, ERROR_TOO_OLD},
        {4, BED_WIDE, BED_OTHER, 4, RESPONSE_SUCCESS, ERROR_NONE},
    };
    t = api_bed_new();
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        struct record_document record = {.id = ACTIVATION_ID(records[i].request, 0),
                                         .action = records[i].action,
                                         .ns = records[i].ns,
                                         .start_at = TSTAMP_ORIGIN + SEC(records[i].at_s),
                                         .version = {0, 0, 1},
                                         .response = records[i].response,
                                         .error = records[i].error};
        record.end_at = record.start_at + MSEC(38);
        api_store(&t, &record);
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    api_bed_free(&t);
    return 0;
}

static void get(const char *target)
{
    api(&t, HTTP_GET, target, NULL);
    api_settle(&t);
}

static const char *id_of(uint32_t request)
{
    static char text[33];
    cluster_activation_text(&t.bed->draws, ACTIVATION_ID(request, 0), text);
    return text;
}

static void get_one(uint32_t request, const char *behind)
{
    char target[128];
    snprintf(target, sizeof target, LIST "/%s%s", id_of(request), behind);
    get(target);
}

/* The activations listed are these, in this order: a digit for each. */
static void expect_list(const char *target, const char *requests)
{
    get(target);
    const struct message *m =
        bed_sent(t.bed, MSG_HTTP_REPLY, bed_sent_count(t.bed, MSG_HTTP_REPLY) - 1);
    const char *text = bed_text(t.bed, m->u.http_reply.body);
    struct json_in list = json_in_parse(text, strlen(text)), element, id;
    char found[33];
    assert_int_equal(m->u.http_reply.status, 200);
    assert_int_equal(json_in_count(list), strlen(requests));
    for (size_t i = 0; requests[i] != '\0'; i++) {
        assert_true(json_in_element(list, i, &element));
        assert_true(json_in_member(element, "activationId", &id));
        assert_true(json_in_string(id, found, sizeof found));
        assert_string_equal(found, id_of((uint32_t)(requests[i] - '0')));
    }
}

#define ANNOTATIONS(path, memory)                                                              \
    "\"annotations\":[{\"key\":\"path\",\"value\":\"" path                                     \
    "\"},{\"key\":\"kind\",\"value\":\"nodejs:20\"},{\"key\":\"timeout\",\"value\":false},"    \
    "{\"key\":\"limits\",\"value\":{\"concurrency\":1,\"logs\":10,\"memory\":" memory          \
    ",\"timeout\":60000}}]"

static void one_record_is_full(void **state)
{
    (void)state;
    char body[1000];
    static const char rest[] = ANNOTATIONS(
        "guest/hello",
        "256") ",\"duration\":38,\"end\":1700000001038,\"logs\":[],\"name\":\"hello\","
               "\"namespace\":"
               "\"guest\",\"publish\":false,\"response\":{\"result\":{},\"status\":\"success\","
               "\"success\":true},\"start\":1700000001000,\"subject\":\"guest\",\"version\":"
               "\"0.0.1\"}";
    snprintf(body, sizeof body, "{\"activationId\":\"%s\",%s", id_of(1), rest);
    get_one(1, "");
    expect_api(&t, 200, body);
    expect_api_header(&t, "Access-Control-Allow-Origin: *", true);
    get_one(1, "/");
    expect_api(&t, 200, body);
}

static void its_result_and_logs_can_be_had_alone(void **state)
{
    (void)state;
    get_one(3, "/result");
    expect_api(&t, 200,
               "{\"result\":{\"error\":\"The action answered with an error of its own.\"},"
               "\"status\":\"application error\",\"success\":false}");
    get_one(3, "/logs");
    expect_api(&t, 200, "{\"logs\":[]}");
    static const char *const bad[] = {"/result/", "/logs/", "/nope", "/result/x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        get_one(3, bad[i]);
        expect_api_error(&t, 404, "The requested resource could not be found.");
    }
}

static void ids_are_checked(void **state)
{
    (void)state;
    get(LIST "/0123456789abcdef0123456789abcde");
    expect_api_error(&t, 400, "Activation id length is 31 but must be 32.");
    get(LIST "/0123456789ABCDEF0123456789abcdef");
    expect_api_error(&t, 400, "The activation id is not valid.");
    get(LIST "/0123456789abcdef0123456789abcdef");
    expect_api_error(&t, 404, NOT_THERE);
    get_one(9, "");
    expect_api_error(&t, 404, NOT_THERE);
    get_one(4, ""); /* another namespace's */
    expect_api_error(&t, 404, NOT_THERE);
    get_one(9, "/result");
    expect_api_error(&t, 404, NOT_THERE);
}

static void the_newest_start_comes_first(void **state)
{
    (void)state;
    expect_list(LIST, "321");
    expect_list(LIST "/", "321");
    expect_list(LIST "?skip=1", "21");
    expect_list(LIST "?limit=2", "32");
    expect_list(LIST "?limit=0", "321");
    expect_list(LIST "?skip=5", "");
}

static void lists_are_filtered_by_name_and_start(void **state)
{
    (void)state;
    expect_list(LIST "?name=hello", "31");
    expect_list(LIST "?name=pack/fails", "2");
    expect_list(LIST "?name=pack%2Ffails", "2");
    expect_list(LIST "?name=fails", "");
    expect_list(LIST "?name=", "321");
    expect_list(LIST "?since=1700000002000", "32");
    expect_list(LIST "?upto=1700000002000", "21");
    expect_list(LIST "?since=1700000001001&upto=1700000002999", "2");
    expect_list(LIST "?since=-5", "321");
}

static void a_summary_has_the_status_as_a_number(void **state)
{
    (void)state;
    char body[1000];
    snprintf(body, sizeof body,
             "[{\"activationId\":\"%s\"," ANNOTATIONS(
                 "guest/pack/fails",
                 "128") ",\"duration\":38,\"end\":1700000002038,\"name\":\"fails\","
                        "\"namespace\":\"guest\",\"publish\":false,\"start\":1700000002000,"
                        "\"statusCode\":3,\"version\":\"0.0.1\"}]",
             id_of(2));
    get(LIST "?name=pack/fails");
    expect_api(&t, 200, body);
}

static void docs_are_full_records(void **state)
{
    (void)state;
    expect_list(LIST "?docs=true", "321");
    get(LIST "?docs=true&limit=1");
    const struct message *m =
        bed_sent(t.bed, MSG_HTTP_REPLY, bed_sent_count(t.bed, MSG_HTTP_REPLY) - 1);
    assert_non_null(strstr(bed_text(t.bed, m->u.http_reply.body), "\"response\":{\"result\""));
}

static void a_count_is_what_skip_leaves(void **state)
{
    (void)state;
    get(LIST "?count=true");
    expect_api(&t, 200, "{\"activations\":3}");
    get(LIST "?count=true&skip=2&limit=1");
    expect_api(&t, 200, "{\"activations\":1}");
    get(LIST "?count=true&skip=20");
    expect_api(&t, 200, "{\"activations\":0}");
    get(LIST "?count=true&name=hello");
    expect_api(&t, 200, "{\"activations\":2}");
    get(LIST "?count=true&name=nobody");
    expect_api(&t, 200, "{\"activations\":0}");
}

static void malformed_parameters_are_400(void **state)
{
    (void)state;
    static const struct {
        const char *query, *text;
    } cases[] = {
        {"limit=201", "The query parameter 'limit' was malformed:\\nThe value '201' is not in "
                      "the range of 0 to 200 for activations."},
        {"skip=x",
         "The query parameter 'skip' was malformed:\\nThe value 'x' is not an integer "
         "for activations."},
        {"since=x",
         "The query parameter 'since' was malformed:\\nParameter is not a valid value "
         "for epoch seconds: x"},
        {"upto=", "The query parameter 'upto' was malformed:\\nParameter is not a valid value "
                  "for epoch seconds: "},
        {"name=a/b/c",
         "The query parameter 'name' was malformed:\\nParameter may be a 'simple' "
         "name or 'package-name/simple' name: a/b/c"},
        {"name=$", "The query parameter 'name' was malformed:\\nParameter may be a 'simple' "
                   "name or 'package-name/simple' name: $"},
        {"name=a/b/", "The query parameter 'name' was malformed:\\nParameter may be a 'simple' "
                      "name or 'package-name/simple' name: a/b/"},
        {"name=/", "The query parameter 'name' was malformed:\\nParameter may be a 'simple' "
                   "name or 'package-name/simple' name: /"},
        {"name=a/$", "The query parameter 'name' was malformed:\\nParameter may be a 'simple' "
                     "name or 'package-name/simple' name: a/$"},
        {"since=9223372036854775808", "The query parameter 'since' was malformed:\\nParameter "
                                      "is not a valid value for epoch "
                                      "seconds: 9223372036854775808"},
        {"upto=-9223372036854775809",
         "The query parameter 'upto' was malformed:\\nParameter is not a valid value for epoch "
         "seconds: -9223372036854775809"},
        {"docs=x", "The query parameter 'docs' was malformed:\\n'x' is not a valid Boolean "
                   "value"},
        {"docs=true&count=true", "The parameter 'docs' is not permitted with 'count'."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[128];
        snprintf(target, sizeof target, LIST "?%s", cases[i].query);
        get(target);
        expect_api_error(&t, 400, cases[i].text);
    }
}

/* What the last request asks the database for. */
static void expect_query(activation_id id, action_id action, uint64_t since, uint64_t upto,
                         uint32_t skip, uint32_t limit)
{
    struct record_query query;
    expect_document_call(&t, 0, DOCUMENT_RECORDS, ACTION_NONE, 0);
    const struct message *m = bed_sent(t.bed, MSG_DOCUMENT_CALL, 0);
    assert_int_equal(m->u.document.skip, skip);
    assert_int_equal(m->u.document.limit, limit);
    assert_int_equal(blob_size(t.bed->arena, m->u.document.body), sizeof query);
    memcpy(&query, blob_bytes(t.bed->arena, m->u.document.body), sizeof query);
    assert_int_equal(query.id, id);
    assert_int_equal(query.action, action);
    assert_int_equal(query.since_ms, since);
    assert_int_equal(query.upto_ms, upto);
    assert_int_equal(t.bed->sent_count, 1);
}

static void what_is_wanted_is_asked_of_the_database(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        action_id action;
        uint32_t skip, limit;
        uint64_t since, upto;
    } cases[] = {
        {"", ACTION_NONE, 0, 30, 0, UINT64_MAX},
        {"?skip=3&limit=0", ACTION_NONE, 3, 200, 0, UINT64_MAX},
        {"?limit=7&docs=true", ACTION_NONE, 0, 7, 0, UINT64_MAX},
        {"?count=true&limit=7&skip=1", ACTION_NONE, 1, 0, 0, UINT64_MAX},
        {"?name=hello&since=1&upto=0", BED_HELLO, 0, 30, 1, 0},
        {"?name=pack/fails", BED_FAILS, 0, 30, 0, UINT64_MAX},
        {"?name=nobody", ACTION_NONE, 0, 0, UINT64_MAX, 0},
        {"?name=nobody&count=true", ACTION_NONE, 0, 0, UINT64_MAX, 0},
        {"?name=%20%20", ACTION_NONE, 0, 30, 0, UINT64_MAX},
        {"?since=-1&upto=-1", ACTION_NONE, 0, 30, 0, 0},
        {"?since=9223372036854775807&upto=%2B5", ACTION_NONE, 0, 30, INT64_MAX, 5},
        {"?since=-9223372036854775808", ACTION_NONE, 0, 30, 0, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[128];
        api_forget(&t);
        snprintf(target, sizeof target, LIST "%s", cases[i].query);
        api(&t, HTTP_GET, target, NULL);
        expect_query(0, cases[i].action, cases[i].since, cases[i].upto, cases[i].skip,
                     cases[i].limit);
    }
}

static void one_is_asked_for_by_its_id(void **state)
{
    (void)state;
    char target[128], text[33];
    for (activation_id id = 1; id < 3; id++) {
        api_forget(&t);
        cluster_activation_text(&t.bed->draws, id, text);
        snprintf(target, sizeof target, LIST "/%s", text);
        api(&t, HTTP_GET, target, NULL);
        expect_query(id, ACTION_NONE, 0, UINT64_MAX, 0, 1);
    }
    api_forget(&t);
    cluster_activation_text(&t.bed->draws, 0, text);
    snprintf(target, sizeof target, LIST "/%s", text);
    api(&t, HTTP_GET, target, NULL);
    expect_api_error(&t, 404, NOT_THERE);
    assert_int_equal(t.bed->sent_count, 1);
}

static void others_activations_are_forbidden(void **state)
{
    (void)state;
    char text[128];
    api(&t, HTTP_GET, "/api/v1/namespaces/other/activations/0123456789abcdef0123456789abcdef",
        NULL);
    expect_api_error(&t, 403,
                     "The supplied authentication is not authorized to access "
                     "'other/0123456789abcdef0123456789abcdef'.");
    api(&t, HTTP_GET, "/api/v1/namespaces/other/activations/nope", NULL);
    snprintf(text, sizeof text, "Activation id length is 4 but must be 32.");
    expect_api_error(&t, 400, text); /* its form comes first */
}

static void long_and_short_ids_are_told_so(void **state)
{
    (void)state;
    static const char hex[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
                              "0123456789abcdef";
    static const size_t lengths[] = {1, 31, 33, 63, 64, 80};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char target[256], text[80];
        snprintf(target, sizeof target, LIST "/%.*s", (int)lengths[i], hex);
        snprintf(text, sizeof text, "Activation id length is %zu but must be 32.", lengths[i]);
        get(target);
        expect_api_error(&t, 400, text);
    }
    get(LIST "/g123456789abcdef0123456789abcdef");
    expect_api_error(&t, 400, "The activation id is not valid.");
    get(LIST "/0123456789abcdef0123456789abcde%2F");
    expect_api_error(&t, 400, "The activation id is not valid.");
}

/* Of each kind of action, and what its limits are. */
static void records_say_what_kind_of_action_ran(void **state)
{
    (void)state;
    t.bed->actions[BED_HELLO].blackbox = true;
    t.bed->actions[BED_HELLO].instance_limit = 1;
    t.bed->actions[BED_FAILS].kind = ACTION_SEQUENCE;
    get_one(1, "");
    expect_api_part(&t, "{\"key\":\"kind\",\"value\":\"blackbox\"},{\"key\":\"timeout\","
                        "\"value\":false},{\"key\":\"limits\",\"value\":{\"concurrency\":1,"
                        "\"instances\":1,\"logs\":10,\"memory\":256,\"timeout\":60000}}]");
    get_one(2, "");
    expect_api_part(&t, "{\"key\":\"kind\",\"value\":\"sequence\"},{\"key\":\"limits\","
                        "\"value\":{\"concurrency\":1,\"logs\":10,\"memory\":128,\"timeout\":"
                        "60000}}]");
    expect_api_part(&t, "\"response\":{\"result\":{\"error\":\"");
}

static void a_database_that_is_gone_is_500(void **state)
{
    (void)state;
    api(&t, HTTP_GET, LIST, NULL);
    char text[64];
    assert_true(t.bed->ops->pending(t.bed->machine, text, sizeof text));
    assert_string_equal(text, "1 requests not answered");
    struct message m = bed_reply(bed_sent(t.bed, MSG_DOCUMENT_CALL, 0), MSG_REFUSED);
    bed_deliver(t.bed, &m);
    expect_api_error(&t, 500, "There was an internal server error.");
    api(&t, HTTP_GET, LIST, NULL);
    bed_link(t.bed, BED_DATABASE, true);
    expect_api_error(&t, 500, "There was an internal server error.");
    assert_false(t.bed->ops->pending(t.bed->machine, text, sizeof text));
}

static void a_database_that_is_silent_is_503(void **state)
{
    (void)state;
    api(&t, HTTP_GET, LIST, NULL);
    bed_pass(t.bed, SEC(65));
    expect_api_begins(&t, 503, "The server was not able to produce a timely response");
    api_settle(&t); /* too late */
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_record_is_full),
        TEST(its_result_and_logs_can_be_had_alone),
        TEST(ids_are_checked),
        TEST(the_newest_start_comes_first),
        TEST(lists_are_filtered_by_name_and_start),
        TEST(a_summary_has_the_status_as_a_number),
        TEST(docs_are_full_records),
        TEST(a_count_is_what_skip_leaves),
        TEST(malformed_parameters_are_400),
        TEST(what_is_wanted_is_asked_of_the_database),
        TEST(one_is_asked_for_by_its_id),
        TEST(others_activations_are_forbidden),
        TEST(long_and_short_ids_are_told_so),
        TEST(records_say_what_kind_of_action_ran),
        TEST(a_database_that_is_gone_is_500),
        TEST(a_database_that_is_silent_is_503),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
