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
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        api(&t, cases[i].method, cases[i].target, NULL);
        expect_api_error(&t, 404, NO_PATH);
        expect_api_header(&t, "Access-Control", false);
    }
}

static void paths_beside_the_api_are_not_its_own(void **state)
{
    (void)state;
    bed_http(t.bed, HTTP_GET, "/api/v1x", "X-Request-ID: t1\n", NULL);
    expect_api_begins(&t, 404, "{\"code\":\"t1\"");
    bed_http(t.bed, HTTP_GET, "/activation/count", NULL, NULL);
    bed_expect_http(t.bed, 200, CONTENT_JSON, "0");
}

static void names_are_checked_after_decoding(void **state)
{
    (void)state;
    static const char *const bad[] = {"a%20", "%20a",  "a%2Fb",  "-a",
                                      "a$b",  "a%00b", "%C3%A4", "."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char target[128];
        snprintf(target, sizeof target, "/api/v1/namespaces/_/actions/%s", bad[i]);
        api(&t, HTTP_GET, target, NULL);
        expect_api_error(&t, 400, ILLEGAL);
        snprintf(target, sizeof target, "/api/v1/namespaces/_/actions/pack/%s", bad[i]);
        api(&t, HTTP_POST, target, NULL);
        expect_api_error(&t, 400, ILLEGAL);
    }
    static const char *const good[] = {"a", "z", "A", "Z", "0", "9", "_", "Z@. -z"};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_passes_without_credentials, begin, end),
        cmocka_unit_test_setup_teardown(bad_credentials_are_told_from_none, begin, end),
        cmocka_unit_test_setup_teardown(each_namespace_has_its_own_credentials, begin, end),
        cmocka_unit_test_setup_teardown(the_root_needs_no_credentials, begin, end),
        cmocka_unit_test_setup_teardown(options_needs_no_credentials, begin, end),
        cmocka_unit_test_setup_teardown(other_subjects_namespaces_are_forbidden, begin, end),
        cmocka_unit_test_setup_teardown(what_no_route_takes_is_404, begin, end),
        cmocka_unit_test_setup_teardown(paths_beside_the_api_are_not_its_own, begin, end),
        cmocka_unit_test_setup_teardown(names_are_checked_after_decoding, begin, end),
        cmocka_unit_test_setup_teardown(long_names_are_told_so, begin, end),
        cmocka_unit_test_setup_teardown(bad_escapes_are_refused_before_anything, begin, end),
        cmocka_unit_test_setup_teardown(a_client_that_is_gone_changes_nothing, begin, end),
        cmocka_unit_test_setup_teardown(list_parameters_are_checked, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
