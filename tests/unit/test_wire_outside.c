/*
 * test_wire_outside.c - requests to a cluster that is not ours, and what its answers say.
 */
#include "core/record.h"
#include "support/bed.h"
#include "wire/wire_http.h"
#include <string.h>

#define ID "d0d67fe23ea14e8ed67fe23ea17e8e39"

static struct bed *bed;
static struct wire wire;
static struct wire_http out;
static const char *auths[4] = {"some-uuid:some-key", "b:b", "c:c", "d:d"};

static int begin(void **state)
{
    (void)state;
    bed = bed_new(NULL, BED_ETCD, NULL);
    assert_true(bed->cluster.namespace_count <= 4);
    wire = (struct wire){
        .cluster = &bed->cluster, .draws = &bed->draws, .auths = auths, .system_auth = "s:t"};
    return 0;
}

static int end(void **state)
{
    (void)state;
    wire_http_free(&out);
    bed_free(bed);
    return 0;
}

static struct wire_http_in answer(uint16_t status, const char *type, const char *body)
{
    return (struct wire_http_in){
        .status = status, .headers = {type, strlen(type)}, .body = {body, strlen(body)}};
}

static struct message invoke(void)
{
    struct message m = {.kind = MSG_INVOKE, .from = BED_CLIENT, .to = BED_EDGE, .cause = 9};
    m.u.invoke.id = ACTIVATION_ID(21, 0);
    m.u.invoke.action = BED_HELLO;
    m.u.invoke.ns = BED_GUEST;
    m.u.invoke.blocking = 1;
    return m;
}

static void an_invocation_carries_the_given_credentials_and_nothing_of_ours(void **state)
{
    (void)state;
    struct message m = invoke();
    wire_http_write_request(&wire, bed->arena, &m, &out);
    assert_string_equal(out.path.bytes, "/api/v1/namespaces/guest/actions/hello?blocking=true");
    assert_string_equal(out.headers.bytes, "Authorization: Basic c29tZS11dWlkOnNvbWUta2V5\n"
                                           "Content-Type: application/json\n");
    assert_string_equal(out.body.bytes, "{}");
}

static void an_action_of_the_system_is_signed_by_the_systems_credentials(void **state)
{
    (void)state;
    struct message m = invoke();
    m.u.invoke.action = ACTION_HEALTH_TEST;
    m.u.invoke.ns = NAMESPACE_SYSTEM;
    wire_http_write_request(&wire, bed->arena, &m, &out);
    assert_non_null(strstr(out.headers.bytes, "Basic czp0\n"));
    wire.system_auth = NULL;
    wire_http_write_request(&wire, bed->arena, &m, &out);
    assert_null(strstr(out.headers.bytes, "Authorization"));
}

static void a_record_is_asked_for_by_the_clusters_own_id(void **state)
{
    (void)state;
    wire_http_write_record_request(&wire, BED_GUEST, ID, &out);
    assert_string_equal(out.method, "GET");
    assert_string_equal(out.path.bytes, "/api/v1/namespaces/guest/activations/" ID);
    assert_string_equal(out.headers.bytes, "Authorization: Basic c29tZS11dWlkOnNvbWUta2V5\n");
}

static void an_answer_names_its_activation_and_perhaps_its_result(void **state)
{
    (void)state;
    struct wire_activation seen;
    struct wire_http_in in = answer(202, "", "{\"activationId\":\"" ID "\"}");
    assert_true(wire_http_read_activation(&in, &seen));
    assert_string_equal(seen.id, ID);
    assert_false(seen.has_record);
    in = answer(502, "",
                "{\"activationId\":\"" ID "\",\"response\":{\"result\":{\"error\":\"no\"},"
                "\"status\":\"application error\",\"success\":false}}");
    assert_true(wire_http_read_activation(&in, &seen));
    assert_true(seen.has_record);
    assert_int_equal(seen.response, RESPONSE_APPLICATION_ERROR);
}

static void what_could_not_stand_in_a_path_is_no_id(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "{\"activationId\":7}",
        "{\"activationId\":\"abc\"}",
        "{\"activationId\":\"../../../../../../../../../../xx\"}",
        "{\"activationId\":\"D0D67FE23EA14E8ED67FE23EA17E8E39\"}",
        "{\"error\":\"Too many requests\",\"code\":\"x\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct wire_http_in in = answer(200, "", bodies[i]);
        struct wire_activation seen;
        assert_false(wire_http_read_activation(&in, &seen));
    }
}

static void an_error_page_of_whoever_keeps_its_status(void **state)
{
    (void)state;
    struct message m = invoke(), reply;
    struct wire_http_in in = answer(503, "Content-Type: application/xml\n", "<busy/>");
    wire_http_read_reply(&wire, bed->arena, &m, &in, &reply);
    assert_int_equal(reply.u.invoke_reply.status, 503);
    wire.auths = NULL; /* of ours it makes no sense */
    wire_http_read_reply(&wire, bed->arena, &m, &in, &reply);
    assert_int_equal(reply.u.invoke_reply.status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(an_invocation_carries_the_given_credentials_and_nothing_of_ours),
        TEST(an_action_of_the_system_is_signed_by_the_systems_credentials),
        TEST(a_record_is_asked_for_by_the_clusters_own_id),
        TEST(an_answer_names_its_activation_and_perhaps_its_result),
        TEST(what_could_not_stand_in_a_path_is_no_id),
        TEST(an_error_page_of_whoever_keeps_its_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
