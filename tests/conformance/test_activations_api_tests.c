/*
 * test_activations_api_tests.c - upstream's ActivationsApiTests (records by id, parameters of
 * lists), RespondWithHeadersTests and BasicAuthenticateTests.
 */
#include "support/conform.h"
#include "support/controller_api_bed.h"
#include <stdio.h>
#include <string.h>

#define LIST "/api/v1/namespaces/_/activations"
#define MALFORMED(name) "The query parameter '" name "' was malformed:\\n"
#define MISSING "The resource requires authentication, which was not supplied with the request"
#define INVALID "The supplied authentication is invalid"

static struct api_bed t;

/* One record of guest/hello's, number 1, that ran for 38 ms. */
static int setup(void **state)
{
    (void)state;
    t = api_bed_new();
    struct record_document record = {.id = ACTIVATION_ID(1, 0),
                                     .action = BED_HELLO,
                                     .ns = BED_GUEST,
                                     .start_at = TSTAMP_ORIGIN + SEC(1),
                                     .end_at = TSTAMP_ORIGIN + SEC(1) + MSEC(38),
                                     .version = {0, 0, 1},
                                     .response = RESPONSE_SUCCESS};
    api_store(&t, &record);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    api_bed_free(&t);
    return 0;
}

static const char *id_text(void)
{
    static char text[33];
    cluster_activation_text(&t.bed->draws, ACTIVATION_ID(1, 0), text);
    return text;
}

/* Refused without asking the database. */
static void expect_refused(const char *query, const char *text)
{
    char target[160];
    snprintf(target, sizeof target, LIST "?%s", query);
    api_forget(&t);
    api(&t, HTTP_GET, target, NULL);
    expect_api_error(&t, 400, text);
    assert_int_equal(t.bed->sent_count, 1);
    assert_int_equal(t.bed->record_count, 0);
}

static void docs_and_count_exclude_each_other(void **state)
{
    (void)state;
    expect_refused("docs=true&count=true",
                   "The parameter 'docs' is not permitted with 'count'.");
}

static void a_limit_over_200_is_refused(void **state)
{
    (void)state;
    expect_refused("limit=201", MALFORMED("limit") "The value '201' is not in the range of 0 "
                                                   "to 200 for activations.");
    api(&t, HTTP_GET, LIST "?limit=200", NULL);
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 1);
}

static void a_limit_that_is_no_integer_is_refused(void **state)
{
    (void)state;
    expect_refused("limit=string",
                   MALFORMED("limit") "The value 'string' is not an integer for activations.");
}

static void a_negative_skip_is_refused(void **state)
{
    (void)state;
    expect_refused("skip=-1", MALFORMED("skip") "The value '-1' is not greater than or equal "
                                                "to 0 for activations.");
}

static void a_skip_that_is_no_integer_is_refused(void **state)
{
    (void)state;
    expect_refused("skip=string",
                   MALFORMED("skip") "The value 'string' is not an integer for activations.");
}

static void get_record(const char *space, const char *behind)
{
    char target[160];
    snprintf(target, sizeof target, "/api/v1/namespaces/%s/activations/%s%s", space, id_text(),
             behind);
    api_forget(&t);
    api(&t, HTTP_GET, target, NULL);
    api_settle(&t);
}

static void expect_record(void)
{
    char body[1000];
    snprintf(body, sizeof body,
             "{\"activationId\":\"%s\",\"annotations\":[{\"key\":\"path\",\"value\":"
             "\"guest/hello\"},{\"key\":\"kind\",\"value\":\"nodejs:20\"},{\"key\":\"timeout\","
             "\"value\":false},{\"key\":\"limits\",\"value\":{\"concurrency\":1,\"logs\":10,"
             "\"memory\":256,\"timeout\":60000}}],\"duration\":38,\"end\":1700000001038,"
             "\"logs\":[],\"name\":\"hello\",\"namespace\":\"guest\",\"publish\":false,"
             "\"response\":{\"result\":{},\"status\":\"success\",\"success\":true},\"start\":"
             "1700000001000,\"subject\":\"guest\",\"version\":\"0.0.1\"}",
             id_text());
    expect_api(&t, 200, body);
    assert_int_equal(t.bed->sent_count, 2); /* one call of the database, one answer */
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 1);
}

static void a_record_is_found_by_its_id(void **state)
{
    (void)state;
    get_record("_", "");
    expect_record();
}

static void a_record_is_found_in_the_namespace_by_name(void **state)
{
    (void)state;
    get_record("guest", "");
    expect_record();
}

static void another_subjects_records_are_forbidden(void **state)
{
    (void)state;
    char target[160], headers[512], text[160];
    snprintf(target, sizeof target, "/api/v1/namespaces/guest/activations/%s", id_text());
    snprintf(text, sizeof text,
             "The supplied authentication is not authorized to access 'guest/%s'.", id_text());
    snprintf(headers, sizeof headers, "X-Request-ID: t1\n%s", api_credentials(&t, BED_OTHER));
    api_with(&t, HTTP_GET, target, headers, NULL);
    expect_api_error(&t, 403, text);
    assert_int_equal(t.bed->sent_count, 1);
}

static void a_result_is_had_alone(void **state)
{
    (void)state;
    get_record("_", "/result");
    expect_api(&t, 200, "{\"result\":{},\"status\":\"success\",\"success\":true}");
    assert_int_equal(t.bed->sent_count, 2);
}

static void logs_are_had_alone(void **state)
{
    (void)state;
    get_record("_", "/logs");
    expect_api(&t, 200, "{\"logs\":[]}");
    assert_int_equal(t.bed->sent_count, 2);
}

static void another_part_of_a_record_is_404(void **state)
{
    (void)state;
    get_record("_", "/bogus");
    expect_api_error(&t, 404, "The requested resource could not be found.");
    assert_int_equal(t.bed->sent_count, 1);
}

static void an_id_is_32_hexadecimal_digits(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"0123456789abcdef0123456789abcde", "Activation id length is 31 but must be 32."},
        {"0123456789abcdef0123456789abcdefxxx", "Activation id length is 35 but must be 32."},
        {"0123456789abcdef0123456789abcdez", "The activation id is not valid."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char target[160];
        snprintf(target, sizeof target, LIST "/%s", rows[i][0]);
        api_forget(&t);
        api(&t, HTTP_GET, target, NULL);
        expect_api_error(&t, 400, rows[i][1]);
        assert_int_equal(t.bed->sent_count, 1);
    }
}

/* ---- RespondWithHeadersTests ---- */

static void expect_options(const char *target)
{
    api_forget(&t);
    api_with(&t, HTTP_OPTIONS, target, NULL, NULL);
    expect_api(&t, 200, "OK");
    expect_api_header(&t, "Access-Control-Allow-Origin: *\n", true);
    expect_api_header(
        &t,
        "Access-Control-Allow-Headers: Authorization, Origin, X-Requested-With, Content-Type, "
        "Accept, User-Agent\n",
        true);
    assert_int_equal(t.bed->sent_count, 1);
}

static void options_on_the_root_is_answered_with_the_headers(void **state)
{
    (void)state;
    expect_options("/api/v1");
}

static void options_on_every_route_is_answered_with_the_headers(void **state)
{
    (void)state;
    expect_options("/api/v1/namespaces");
    expect_options("/api/v1/namespaces/_/actions/hello");
}

static void options_on_what_is_no_route_is_answered_with_the_headers(void **state)
{
    (void)state;
    expect_options("/api/v1/bogus");
}

/* Since #5351 the administration routes answer OPTIONS on any path, with headers of theirs. */
static void options_beside_the_api_is_not_the_apis(void **state)
{
    (void)state;
    t.bed->env.behaviour = BEHAVIOUR_5338;
    api_with(&t, HTTP_OPTIONS, "/api", "X-Request-ID: t1\n", NULL);
    expect_api_error(&t, 404, "The requested resource could not be found.");
    expect_api_header(&t, "Access-Control", false);
    assert_int_equal(t.bed->sent_count, 1);
    t.bed->env.behaviour = BEHAVIOUR_HEAD;
    api_with(&t, HTTP_OPTIONS, "/api", "X-Request-ID: t1\n", NULL);
    bed_expect_http(t.bed, 200, CONTENT_TEXT, "OK");
    assert_int_equal(bed_sent(t.bed, MSG_HTTP_REPLY, 1)->u.http_reply.cors, 1);
}

/* ---- BasicAuthenticateTests ---- */

static void sign_in(const char *user, const char *password)
{
    char headers[512];
    snprintf(headers, sizeof headers, "X-Request-ID: t1\n%s",
             bed_authorization(user, password));
    api_forget(&t);
    api_with(&t, HTTP_GET, "/api/v1/namespaces", headers, NULL);
    assert_int_equal(t.bed->sent_count, 1); /* no identity is read */
}

static void expect_unknown(const char *user, const char *password)
{
    sign_in(user, password);
    expect_api_error(&t, 401, INVALID);
    expect_api_header(&t, "WWW-Authenticate: Basic", true);
}

static void a_subject_signs_in_to_each_of_its_namespaces_with_that_ones_key(void **state)
{
    (void)state;
    static const char *const lists[] = {"[\"guest\"]", "[\"other\"]"};
    char user[37], password[65], other_user[37], other[65], changed[80];
    for (uint32_t ns = 0; ns < 4; ns++) { /* twice: upstream's second time is from its cache */
        cluster_credentials(&t.bed->cluster, (namespace_id)(ns % 2), user, password);
        sign_in(user, password);
        expect_api(&t, 200, lists[ns % 2]);
    }
    cluster_credentials(&t.bed->cluster, BED_GUEST, user, password);
    cluster_credentials(&t.bed->cluster, BED_OTHER, other_user, other);
    expect_unknown(user, password + 1);
    snprintf(changed, sizeof changed, "%.*s", (int)strlen(password) - 1, password);
    expect_unknown(user, changed);
    snprintf(changed, sizeof changed, "%sx", password);
    expect_unknown(user, changed);
    expect_unknown(user, other);
}

/* Upstream looks into its log; here nothing that leaves the machine may have it. */
static void the_key_is_told_to_nobody(void **state)
{
    (void)state;
    static const char key[] = "OneSecretThatNobodyKnows";
    expect_unknown("0b2a7f1e-53d1-4d0e-9c3b-6a1f5c7e8d90", key);
    const struct message *m = bed_sent(t.bed, MSG_HTTP_REPLY, 0);
    assert_null(strstr(bed_text(t.bed, m->u.http_reply.body), key));
    assert_null(strstr(bed_text(t.bed, m->u.http_reply.headers), key));
    assert_null(strstr(bed_text(t.bed, m->u.http_reply.headers),
                       bed_authorization("0b2a7f1e-53d1-4d0e-9c3b-6a1f5c7e8d90", key) +
                           sizeof "Authorization: Basic " - 1));
    assert_int_equal(t.bed->record_count, 0);
}

static void an_unknown_subject_is_401(void **state)
{
    (void)state;
    expect_unknown("0b2a7f1e-53d1-4d0e-9c3b-6a1f5c7e8d90",
                   "Yq3kP0vX8ZtB6mRf1WcD5sLh2NjG7aEuYq3kP0vX8ZtB6mRf1WcD5sLh2NjG7aEu");
}

static void without_credentials_it_is_401(void **state)
{
    (void)state;
    api_with(&t, HTTP_GET, "/api/v1/namespaces", "X-Request-ID: t1\n", NULL);
    expect_api_error(&t, 401, MISSING);
    assert_int_equal(t.bed->sent_count, 1);
}

static void a_malformed_user_is_401(void **state)
{
    (void)state;
    char user[37], password[65];
    cluster_credentials(&t.bed->cluster, BED_GUEST, user, password);
    expect_unknown("x", password);
}

static void a_malformed_secret_is_401(void **state)
{
    (void)state;
    char user[37], password[65];
    cluster_credentials(&t.bed->cluster, BED_GUEST, user, password);
    expect_unknown(user, "x");
}

static void malformed_credentials_are_401(void **state)
{
    (void)state;
    expect_unknown("x", "y");
}

#define RECORDS(line, function) CONFORMS("ActivationsApiTests", line, function)
#define SIGNS(line, function) CONFORMS("BasicAuthenticateTests", line, function)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        RECORDS(404, docs_and_count_exclude_each_other),
        RECORDS(415, a_limit_over_200_is_refused),
        RECORDS(426, a_limit_that_is_no_integer_is_refused),
        RECORDS(437, a_negative_skip_is_refused),
        RECORDS(448, a_skip_that_is_no_integer_is_refused),
        RECORDS(530, a_record_is_found_by_its_id),
        RECORDS(549, a_record_is_found_in_the_namespace_by_name),
        RECORDS(556, another_subjects_records_are_forbidden),
        RECORDS(567, a_result_is_had_alone),
        RECORDS(741, logs_are_had_alone),
        RECORDS(765, another_part_of_a_record_is_404),
        RECORDS(786, an_id_is_32_hexadecimal_digits),
        CONFORMS("RespondWithHeadersTests", 64,
                 options_on_the_root_is_answered_with_the_headers),
        CONFORMS("RespondWithHeadersTests", 70,
                 options_on_every_route_is_answered_with_the_headers),
        CONFORMS("RespondWithHeadersTests", 79,
                 options_on_what_is_no_route_is_answered_with_the_headers),
        CONFORMS("RespondWithHeadersTests", 85, options_beside_the_api_is_not_the_apis),
        SIGNS(47, a_subject_signs_in_to_each_of_its_namespaces_with_that_ones_key),
        SIGNS(104, the_key_is_told_to_nobody),
        SIGNS(115, an_unknown_subject_is_401),
        SIGNS(125, without_credentials_it_is_401),
        SIGNS(133, a_malformed_user_is_401),
        SIGNS(143, a_malformed_secret_is_401),
        SIGNS(153, malformed_credentials_are_401),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
