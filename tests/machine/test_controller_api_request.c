/*
 * test_controller_api_request.c - credentials, paths, names and queries of the public API.
 */
#include "support/controller_api_bed.h"
#include <stdio.h>
#include <string.h>

#define HELLO "/api/v1/namespaces/_/actions/hello"
#define MISSING "The resource requires authentication, which was not supplied with the request"
#define INVALID "The supplied authentication is invalid"
#define NO_PATH "The requested resource could not be found."
#define ILLEGAL "The name of the entity contains illegal characters."

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

static void nobody_passes_without_credentials(void **state)
{
    (void)state;
    static const char challenge[] =
        "WWW-Authenticate: Basic realm=\"OpenWhisk secure realm\",charset=UTF-8\n";
    api_with(&t, HTTP_POST, HELLO, "X-Request-ID: t1\n", NULL);
    expect_api_error(&t, 401, MISSING);
    expect_api_header(&t, challenge, true);
    expect_api_header(&t, "Access-Control", false);
    api_with(&t, HTTP_GET, "/api/v1/nope", "X-Request-ID: t1\n", NULL);
    expect_api_error(&t, 401, MISSING);
}

static void bad_credentials_are_told_from_none(void **state)
{
    (void)state;
    static const struct {
        const char *value, *text;
    } cases[] = {
        {"Basic Z3Vlc3Q6bm9wZQ==", INVALID}, /* guest:nope */
        {"Basic Z3Vlc3Q=", INVALID},         /* no colon */
        {"Basic ====", INVALID},
        {"Basic", INVALID},
        {"Bearer abc", INVALID},
        {"Basic \xff\xfe", MISSING}, /* no header of its kind to the parser */
        {"Basic !!!!", MISSING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char headers[128];
        snprintf(headers, sizeof headers, "X-Request-ID: t1\nAuthorization: %s\n",
                 cases[i].value);
        api_with(&t, HTTP_GET, HELLO, headers, NULL);
        expect_api_error(&t, 401, cases[i].text);
        expect_api_header(&t, "WWW-Authenticate: Basic", true);
    }
}

static void with_authorization(const char *value)
{
    char headers[512];
    snprintf(headers, sizeof headers, "X-Request-ID: t1\nAuthorization: %s\n", value);
    api_with(&t, HTTP_GET, "/api/v1/namespaces", headers, NULL);
}

static void credentials_are_compared_to_their_end(void **state)
{
    (void)state;
    char good[256], value[300];
    snprintf(good, sizeof good, "%s", api_credentials(&t, BED_GUEST));
    good[strlen(good) - 1] = '\0'; /* the newline */
    const char *code = good + strlen("Authorization: Basic ");
    static const char *const schemes[] = {"basic ", "BASIC ", "bASiC "};
    for (size_t i = 0; i < 3; i++) {
        snprintf(value, sizeof value, "%s%s", schemes[i], code);
        with_authorization(value);
        expect_api(&t, 200, "[\"guest\"]");
    }
    snprintf(value, sizeof value, "Basic %sA", code);
    with_authorization(value);
    expect_api_error(&t, 401, INVALID);
    snprintf(value, sizeof value, "Basic %.*s", (int)strlen(code) - 1, code);
    with_authorization(value);
    expect_api_error(&t, 401, INVALID);
    snprintf(value, sizeof value, "Basix %s", code);
    with_authorization(value);
    expect_api_error(&t, 401, INVALID);
}

static void what_is_no_credentials_at_all_is_told_by_its_characters(void **state)
{
    (void)state;
    static const char good[] = "azAZ09-._~+/= ", bad[] = "`{@[:,;!\"*%";
    char value[16] = "Basic aXa";
    for (const char *at = good; *at != '\0'; at++) {
        value[7] = *at;
        with_authorization(value);
        expect_api_error(&t, 401, INVALID);
    }
    with_authorization("B");
    expect_api_error(&t, 401, INVALID);
    with_authorization("");
    expect_api_error(&t, 401, MISSING);
    for (const char *at = bad; *at != '\0'; at++) {
        value[7] = *at;
        with_authorization(value);
        expect_api_error(&t, 401, MISSING);
    }
}

static void each_namespace_has_its_own_credentials(void **state)
{
    (void)state;
    api_with(&t, HTTP_GET, "/api/v1/namespaces", api_credentials(&t, BED_GUEST), NULL);
    expect_api(&t, 200, "[\"guest\"]");
    api_with(&t, HTTP_GET, "/api/v1/namespaces/", api_credentials(&t, BED_OTHER), NULL);
    expect_api(&t, 200, "[\"other\"]");
    api_with(&t, HTTP_GET, "/api/v1/namespaces", api_credentials(&t, NAMESPACE_SYSTEM), NULL);
    expect_api(&t, 200, "[\"whisk.system\"]");
    expect_api_header(&t, "Access-Control-Allow-Methods: GET, DELETE, POST, PUT, HEAD\n", true);
}

static void the_root_needs_no_credentials(void **state)
{
    (void)state;
    static const char info[] = "{\"api_version\":\"1.0.0\",\"api_version_path\":\"v1\",";
    api_with(&t, HTTP_GET, "/api/v1", NULL, NULL);
    expect_api_begins(&t, 200, info);
    api_with(&t, HTTP_GET, "/api/v1/", NULL, NULL);
    expect_api_begins(&t, 200, info);
}

static void options_needs_no_credentials(void **state)
{
    (void)state;
    api_with(&t, HTTP_OPTIONS, HELLO, NULL, NULL);
    expect_api(&t, 200, "OK");
    expect_api_header(&t, "Access-Control-Allow-Origin: *\n", true);
    expect_api_header(
        &t,
        "Access-Control-Allow-Headers: Authorization, Origin, X-Requested-With, Content-Type, "
        "Accept, User-Agent\n",
        true);
}

static void other_subjects_namespaces_are_forbidden(void **state)
{
    (void)state;
    static const struct {
        enum http_method method;
        const char *target, *what;
    } cases[] = {
        {HTTP_POST, "/api/v1/namespaces/other/actions/wide", "other/wide"},
        {HTTP_GET, "/api/v1/namespaces/other/actions/wide", "other/wide"},
        {HTTP_DELETE, "/api/v1/namespaces/other/actions/p/wide", "other/p/wide"},
        {HTTP_GET, "/api/v1/namespaces/nobody/actions", "nobody"},
        {HTTP_GET, "/api/v1/namespaces/other/activations", "other"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        api(&t, cases[i].method, cases[i].target, NULL);
        snprintf(text, sizeof text,
                 "The supplied authentication is not authorized to access '%s'.",
                 cases[i].what);
        expect_api_error(&t, 403, text);
        expect_api_header(&t, "Access-Control-Allow-Origin: *", true);
    }
    assert_int_equal(bed_sent_count(t.bed, MSG_KAFKA_PRODUCE), 0);
}

static void what_no_route_takes_is_404(void **state)
{
    (void)state;
    static const struct {
        enum http_method method;
        const char *target;
    } cases[] = {
        {HTTP_GET, "/api/v1/nope"},
        {HTTP_GET, "/api/v1/namespaces/_"},
        {HTTP_GET, "/api/v1/namespaces/_/packages"},
        {HTTP_GET, "/api/v1/namespaces//actions"},
        {HTTP_GET, "/api/v1/namespaces/_/actions/a/b/c"},
        {HTTP_GET, "/api/v1/namespaces/_/actions/a/b/c/d/e/f/g/h"},
        {HTTP_GET, "/api/v1/namespaces/_/actions/hello/"},
        {HTTP_PUT, "/api/v1/namespaces/_/actions"},
        {HTTP_PATCH, HELLO},
        {HTTP_POST, "/api/v1/namespaces"},
        {HTTP_POST, "/api/v1"},
        {HTTP_PUT, "/api/v1/namespaces/_/activations"},
        {HTTP_DELETE, "/api/v1/namespaces/_/activations/0123456789abcdef0123456789abcdef"},
        {HTTP_GET, "/api/v1//"},
        {HTTP_POST, "/api/v1/"},
        {HTTP_GET, "/api/v1/namespace"},
        {HTTP_GET, "/api/v1/namespace/_/actions"},
        {HTTP_POST, "/api/v1/namespaces/"},
        {HTTP_GET, "/api/v1/namespaces/_/"},
        {HTTP_GET, "/api/v1/namespaces//"},
        {HTTP_GET, "/api/v1/namespaces/_/nope/a"},
        {HTTP_GET, "/api/v1/namespaces/_/actions//"},
        {HTTP_GET, "/api/v1/namespaces/_/actions//hello"},
        {HTTP_GET, "/api/v1/namespaces/_/actions/pack//"},
        {HTTP_GET, "/api/v1/namespaces/_/actions/pack/fails/"},
        {HTTP_POST, "/api/v1/namespaces/_/actions/hello/"},
        {HTTP_POST, "/api/v1/namespaces/_/actions"},
        {HTTP_DELETE, "/api/v1/namespaces/_/actions/"},
        {HTTP_POST, "/api/v1/namespaces/_/activations"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        api_forget(&t);
        api(&t, cases[i].method, cases[i].target, NULL);
        expect_api_error(&t, 404, NO_PATH);
        assert_int_equal(t.bed->sent_count, 1);
        expect_api_header(&t, "Access-Control", false);
    }
}

static void an_answer_to_head_has_no_body(void **state)
{
    (void)state;
    api(&t, HTTP_HEAD, HELLO, NULL);
    expect_api(&t, 404, "");
    api_with(&t, HTTP_HEAD, "/api/v1", "X-Request-ID: t1\n", NULL);
    expect_api(&t, 401, "");
    expect_api_header(&t, "WWW-Authenticate: Basic", true);
}

static void a_package_is_what_an_action_lies_in(void **state)
{
    (void)state;
    static const char *const none[] = {"pac", "pack/fail", "hello/x", "pac/fails", "packs/a"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        char target[80];
        snprintf(target, sizeof target, "/api/v1/namespaces/_/actions/%s", none[i]);
        api(&t, HTTP_GET, target, NULL);
        expect_api_error(&t, 404, "The requested resource does not exist.");
    }
    api(&t, HTTP_GET, "/api/v1/namespaces/_/actions/pack", NULL);
    expect_api_error(&t, 409, "Resource by this name exists but is not in this collection.");
    t.bed->actions[BED_FAILS].is_spare = true; /* no action: nothing lies there */
    api(&t, HTTP_GET, "/api/v1/namespaces/_/actions/pack", NULL);
    expect_api_error(&t, 404, "The requested resource does not exist.");
    api(&t, HTTP_GET, "/api/v1/namespaces/_/actions/pack/fails", NULL);
    expect_api_error(&t, 404, "The requested resource does not exist.");
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 0);
}

static void paths_beside_the_api_are_not_its_own(void **state)
{
    (void)state;
    static const struct { /* as any path that is no route's, see test_controller_route.c */
        const char *path;
        unsigned status;
    } others[] = {{"/api/v1x", 404}, {"/api/v2/namespaces", 405}, {"/api/v", 405}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        api_with(&t, HTTP_GET, others[i].path, "X-Request-ID: t1\n", NULL);
        expect_api_begins(&t, others[i].status, "{\"code\":\"t1\"");
        expect_api_header(&t, "WWW-Authenticate", false);
    }
    bed_http(t.bed, HTTP_GET, "/activation/count", NULL, NULL);
    bed_expect_http(t.bed, 200, CONTENT_JSON, "0");
}

static void names_are_checked_after_decoding(void **state)
{
    (void)state;
    static const char *const bad[] = {"a%20", "%20a",  "a%2Fb",  "-a", "a$b",
                                      "a+b",  "a%00b", "%C3%A4", "."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char target[128];
        snprintf(target, sizeof target, "/api/v1/namespaces/_/actions/%s", bad[i]);
        api(&t, HTTP_GET, target, NULL);
        expect_api_error(&t, 400, ILLEGAL);
        snprintf(target, sizeof target, "/api/v1/namespaces/_/actions/pack/%s", bad[i]);
        api(&t, HTTP_POST, target, NULL);
        expect_api_error(&t, 400, ILLEGAL);
    }
    static const char *const good[] = {"a", "z", "A", "Z", "0", "9", "_", "Z@. -&z", "a-"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char target[128];
        snprintf(target, sizeof target, "/api/v1/namespaces/_/actions/%s", good[i]);
        api(&t, HTTP_GET, target, NULL);
        api_settle(&t);
        expect_api_error(&t, 404, "The requested resource does not exist.");
    }
    api(&t, HTTP_GET, "/api/v1/namespaces/%24/actions", NULL);
    expect_api_error(&t, 400, "The namespace contains illegal characters.");
    api(&t, HTTP_GET, "/api/v1/namespaces/gu%65st/actions/hel%6Co", NULL);
    api_settle(&t);
    expect_api_begins(&t, 200, "{\"annotations\"");
}

static void long_names_are_told_so(void **state)
{
    (void)state;
    char target[600] = "/api/v1/namespaces/_/actions/";
    size_t length = strlen(target);
    memset(target + length, 'a', 257);
    api(&t, HTTP_GET, target, NULL);
    expect_api_error(&t, 400, "Name segement longer than allowed: 257 > 256.");
    target[length + 256] = '\0';
    api(&t, HTTP_GET, target, NULL);
    expect_api_error(&t, 404, "The requested resource does not exist.");
    static const char before[] = "/api/v1/namespaces/", behind[] = "/activations";
    memset(target + strlen(before), 'b', 257);
    memcpy(target + strlen(before) + 257, behind, sizeof behind);
    api(&t, HTTP_GET, target, NULL);
    expect_api_error(&t, 400, "Namespace longer than allowed: 257 > 256.");
    memcpy(target + strlen(before) + 256, behind, sizeof behind);
    api(&t, HTTP_GET, target, NULL);
    expect_api_begins(&t, 403, "{\"code\":\"t1\"");
}

static void a_namespace_may_be_a_path(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *name; /* NULL: it is none */
    } cases[] = {{"a%2Fb", "a/b"}, {"%2Fa", "/a"},   {"a%2F%2Fb%2F", "a//b/"},
                 {"%2F", NULL},    {"a%2F$", NULL},  {"$%2Fa", NULL},
                 {"a%20", NULL},   {"a%20b", "a b"}, {"a%20%2Fb", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[80], text[128];
        snprintf(target, sizeof target, "/api/v1/namespaces/%s/activations", cases[i].raw);
        snprintf(text, sizeof text,
                 "The supplied authentication is not authorized to access '%s'.",
                 cases[i].name != NULL ? cases[i].name : "");
        api(&t, HTTP_GET, target, NULL);
        expect_api_error(&t, cases[i].name != NULL ? 403 : 400,
                         cases[i].name != NULL ? text
                                               : "The namespace contains illegal characters.");
    }
}

static void bad_escapes_are_refused_before_anything(void **state)
{
    (void)state;
    static const char *const bad[] = {HELLO "%", HELLO "%4", HELLO "%zz", HELLO "?blocking=%g0",
                                      "/api/v1/%"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        api_with(&t, HTTP_POST, bad[i], NULL, NULL);
        expect_api_begins(&t, 400, "Illegal request-target");
    }
}

static void a_client_that_is_gone_changes_nothing(void **state)
{
    (void)state;
    api(&t, HTTP_GET, HELLO, NULL);
    struct message m = bed_message(t.bed, MSG_HTTP_CLOSED, BED_EDGE, ACTOR_MAIN_ID);
    bed_deliver(t.bed, &m);
    assert_int_equal(bed_record_count(t.bed, RECORD_MESSAGE_REJECTED), 0);
    api_settle(&t);
    expect_api_begins(&t, 200, "{\"annotations\"");
}

static void list_parameters_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *query, *text;
    } cases[] = {
        {"limit=201", "The query parameter 'limit' was malformed:\\nThe value '201' is not in "
                      "the range of 0 to 200 for actions."},
        {"limit=-1", "The query parameter 'limit' was malformed:\\nThe value '-1' is not in "
                     "the range of 0 to 200 for actions."},
        {"limit=x", "The query parameter 'limit' was malformed:\\nThe value 'x' is not an "
                    "integer for actions."},
        {"skip=-1", "The query parameter 'skip' was malformed:\\nThe value '-1' is not greater "
                    "than or equal to 0 for actions."},
        {"skip=99999999999", "The query parameter 'skip' was malformed:\\nThe value "
                             "'99999999999' is not an integer for actions."},
        {"count=maybe", "The query parameter 'count' was malformed:\\n'maybe' is not a valid "
                        "Boolean value"},
        {"skip=2147483648", "The query parameter 'skip' was malformed:\\nThe value "
                            "'2147483648' is not an integer for actions."},
        {"skip=-2147483648", "The query parameter 'skip' was malformed:\\nThe value "
                             "'-2147483648' is not greater than or equal to 0 for actions."},
        {"skip=-2147483649", "The query parameter 'skip' was malformed:\\nThe value "
                             "'-2147483649' is not an integer for actions."},
        {"skip=-", "The query parameter 'skip' was malformed:\\nThe value '-' is not an "
                   "integer for actions."},
        {"skip=5:", "The query parameter 'skip' was malformed:\\nThe value '5:' is not an "
                    "integer for actions."},
        {"skip=/5", "The query parameter 'skip' was malformed:\\nThe value '/5' is not an "
                    "integer for actions."},
        {"skip=-1&limit=-1&count=x", "The query parameter 'skip' was malformed:\\nThe value "
                                     "'-1' is not greater than or equal to 0 for actions."},
        {"limit=-1&count=x", "The query parameter 'limit' was malformed:\\nThe value '-1' is "
                             "not in the range of 0 to 200 for actions."},
        {"limit=%22&limit=1",
         "The query parameter 'limit' was malformed:\\nThe value '\\\"' is "
         "not an integer for actions."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[128];
        snprintf(target, sizeof target, "/api/v1/namespaces/_/actions?%s", cases[i].query);
        api(&t, HTTP_GET, target, NULL);
        expect_api_error(&t, 400, cases[i].text);
    }
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 0);
}

static void pages_are_asked_for_as_they_were_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        uint32_t skip, limit;
    } cases[] = {
        {"", 0, 30},
        {"?limit=0", 0, 200},
        {"?limit=1", 0, 1},
        {"?limit=200", 0, 200},
        {"?skip=2147483647&limit=%2B7", 2147483647, 7},
        {"?skip=1", 1, 30},
        {"?count=false", 0, 30},
        {"?count=true&limit=5&skip=2", 2, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[80];
        api_forget(&t);
        snprintf(target, sizeof target, "/api/v1/namespaces/_/actions%s", cases[i].query);
        api(&t, HTTP_GET, target, NULL);
        expect_document_call(&t, 0, DOCUMENT_LIST, ACTION_NONE, 0);
        const struct message *m = bed_sent(t.bed, MSG_DOCUMENT_CALL, 0);
        assert_int_equal(m->u.document.skip, cases[i].skip);
        assert_int_equal(m->u.document.limit, cases[i].limit);
        assert_int_equal(m->u.document.body, 0);
        assert_int_equal(t.bed->sent_count, 1);
    }
}

static void answers_find_their_own_requests(void **state)
{
    (void)state;
    static const char *const targets[] = {"/api/v1/namespaces/_/actions?count=true",
                                          "/api/v1/namespaces/_/actions?limit=200",
                                          "/api/v1/namespaces/_/actions?count=true&skip=1"};
    static const uint32_t order[] = {1, 2, 0};
    static const char *const bodies[] = {"{\"actions\":3}", "[]", "{\"actions\":2}"};
    for (size_t i = 0; i < 3; i++)
        api(&t, HTTP_GET, targets[i], NULL);
    for (uint32_t i = 0; i < 3; i++) {
        struct message m =
            bed_reply(bed_sent(t.bed, MSG_DOCUMENT_CALL, order[i]), MSG_DOCUMENT_DONE);
        m.u.document.result = DOCUMENT_FOUND;
        m.u.document.limit = 3;
        m.u.document.body = bed_blob(t.bed, "[]");
        bed_deliver(t.bed, &m);
        t.replied = i;
        expect_api(&t, 200, bodies[order[i]]);
        bed_deliver(t.bed, &m); /* the same again is nobody's */
    }
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 3);
}

/* The server's own answer, whatever the request; what comes later is nobody's. */
static void no_request_waits_longer_than_65_seconds(void **state)
{
    (void)state;
    api(&t, HTTP_GET, HELLO, NULL);
    bed_pass(t.bed, SEC(65) - 1);
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 0);
    bed_pass(t.bed, 1);
    expect_api(&t, 503,
               "The server was not able to produce a timely response to your request.\r\n"
               "Please try again in a short while!");
    expect_api_header(&t, "Access-Control", false);
    api_settle(&t);
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 1);
}

static void bodies_are_json_by_their_type(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool is_json;
    } cases[] = {{"application/json", true},   {"application/json;a=b", true},
                 {"application/json ;", true}, {"APPLICATION/JSON", true},
                 {"application/jsonx", false}, {"application/jso", false},
                 {"application/json-", false}, {"application/jsox", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char headers[512], text[200];
        api_forget(&t);
        snprintf(headers, sizeof headers, "X-Request-ID: t1\n%sContent-Type: %s\n",
                 api_credentials(&t, BED_GUEST), cases[i].type);
        api_with(&t, HTTP_PUT, HELLO "?overwrite=true", headers, "{}");
        api_settle(&t);
        snprintf(text, sizeof text,
                 "The request's Content-Type [%s] is not supported. "
                 "Expected:\\napplication/json",
                 cases[i].type);
        if (cases[i].is_json)
            expect_api_begins(&t, 200, "{\"annotations\"");
        else
            expect_api_error(&t, 415, text);
    }
    api_forget(&t);
    api_with(&t, HTTP_PUT, HELLO "?overwrite=true", api_credentials(&t, BED_GUEST), "{}");
    api_settle(&t);
    expect_api_begins(&t, 200, "{\"annotations\""); /* none is as good */
}

static void a_long_type_is_told_in_part(void **state)
{
    (void)state;
    char type[301], headers[700], text[400];
    for (int length = 256; length <= 300; length += 44) {
        memset(type, 'x', (size_t)length);
        type[length] = '\0';
        snprintf(headers, sizeof headers, "X-Request-ID: t1\n%sContent-Type: %s\n",
                 api_credentials(&t, BED_GUEST), type);
        api_with(&t, HTTP_PUT, HELLO, headers, "{}");
        snprintf(text, sizeof text,
                 "The request's Content-Type [%.256s] is not supported. "
                 "Expected:\\napplication/json",
                 type);
        expect_api_error(&t, 415, text);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(nobody_passes_without_credentials),
        TEST(bad_credentials_are_told_from_none),
        TEST(credentials_are_compared_to_their_end),
        TEST(what_is_no_credentials_at_all_is_told_by_its_characters),
        TEST(each_namespace_has_its_own_credentials),
        TEST(the_root_needs_no_credentials),
        TEST(options_needs_no_credentials),
        TEST(other_subjects_namespaces_are_forbidden),
        TEST(what_no_route_takes_is_404),
        TEST(an_answer_to_head_has_no_body),
        TEST(a_package_is_what_an_action_lies_in),
        TEST(paths_beside_the_api_are_not_its_own),
        TEST(names_are_checked_after_decoding),
        TEST(long_names_are_told_so),
        TEST(a_namespace_may_be_a_path),
        TEST(bad_escapes_are_refused_before_anything),
        TEST(a_client_that_is_gone_changes_nothing),
        TEST(list_parameters_are_checked),
        TEST(pages_are_asked_for_as_they_were_wanted),
        TEST(answers_find_their_own_requests),
        TEST(no_request_waits_longer_than_65_seconds),
        TEST(bodies_are_json_by_their_type),
        TEST(a_long_type_is_told_in_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
