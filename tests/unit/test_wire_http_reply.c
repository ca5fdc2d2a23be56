/*
 * test_wire_http_reply.c - answers: round trips, what clients of upstream see, what a server
 * that is not ours may say.
 */
#include "core/record.h"
#include "support/wire_http_bed.h"
#include <stdio.h>
#include <string.h>

static struct message reply_of(const struct message *request, enum message_kind kind)
{
    struct message m = bed_reply(request, kind);
    m.cause = 31;
    return m;
}

static struct message read_reply(const struct message *request, const struct message *reply)
{
    struct message again;
    wire_http_write_reply(&wire, bed->arena, reply, &out);
    struct wire_http_in in = in_of(&out);
    wire_http_read_reply(&wire, bed->arena, request, &in, &again);
    return again;
}

static void expect_reply_back(const struct message *request, const struct message *reply)
{
    struct message again = read_reply(request, reply);
    if (memcmp(&again, reply, sizeof again) != 0)
        fail_msg("%u %s", out.status, out.body.bytes);
}

static void answers_of_the_cluster_are_read_back(void **state)
{
    (void)state;
    struct message request = fetch_request();
    struct message reply = reply_of(&request, MSG_FETCHED);
    for (unsigned result = FETCHED_NOTHING; result <= FETCHED_MISMATCH; result++) {
        reply.u.fetched.result = (uint8_t)result;
        expect_reply_back(&request, &reply);
    }
    reply.u.fetched.result = FETCHED_ACTIVATION;
    reply.u.fetched.activation = sample_activation();
    expect_reply_back(&request, &reply);
    request = request_of(MSG_RESCHEDULE);
    request.u.activation = sample_activation();
    reply = reply_of(&request, MSG_RESCHEDULED);
    reply.u.rescheduled.id = request.u.activation.id;
    expect_reply_back(&request, &reply);
    reply.u.rescheduled.ok = 1;
    expect_reply_back(&request, &reply);
    request = request_of(MSG_CREATE_QUEUE);
    request.u.create_queue.action = BED_WIDE;
    request.u.create_queue.ns = BED_OTHER;
    request.u.create_queue.revision = 3;
    reply = reply_of(&request, MSG_QUEUE_CREATED);
    reply.u.queue_created = request.u.create_queue;
    expect_reply_back(&request, &reply);
    reply.u.queue_created.success = 1;
    expect_reply_back(&request, &reply);
}

static void a_fetch_answers_as_upstream_prints_it(void **state)
{
    (void)state;
    struct message request = fetch_request();
    struct message reply = reply_of(&request, MSG_FETCHED);
    reply.u.fetched.result = FETCHED_MISMATCH;
    read_reply(&request, &reply);
    assert_string_equal(out.body.bytes,
                        "{\"message\":{\"actionMisMatch\":\"action version does not match\","
                        "\"type\":\"ActionMismatch\"}}");
}

static struct message invoke_reply(const struct message *request, uint16_t status,
                                   enum response_status response, enum error_text error)
{
    struct message m = reply_of(request, MSG_INVOKE_REPLY);
    m.u.invoke_reply.id = request->u.invoke.id;
    m.u.invoke_reply.status = status;
    m.u.invoke_reply.response = (uint8_t)response;
    m.u.invoke_reply.error = (uint8_t)error;
    m.u.invoke_reply.controller = BED_CONTROLLER1;
    return m;
}

static void answers_to_invocations_are_read_back(void **state)
{
    (void)state;
    static const struct {
        uint16_t status;
        enum response_status response;
        enum error_text error;
    } answers[] = {
        {202, RESPONSE_SUCCESS, ERROR_NONE},
        {200, RESPONSE_SUCCESS, ERROR_NONE},
        {502, RESPONSE_APPLICATION_ERROR, ERROR_ACTION_ERROR},
        {502, RESPONSE_DEVELOPER_ERROR, ERROR_TIMED_OUT},
        {502, RESPONSE_DEVELOPER_ERROR, ERROR_ABNORMAL_RUN},
        {502, RESPONSE_DEVELOPER_ERROR, ERROR_TOO_MANY_CONCURRENT},
        {500, RESPONSE_WHISK_ERROR, ERROR_TOO_OLD},
        {500, RESPONSE_WHISK_ERROR, ERROR_NOT_INITIATED},
        {500, RESPONSE_WHISK_ERROR, ERROR_NONE},
        {500, RESPONSE_WHISK_ERROR, ERROR_SEND_FAILED},
        {503, RESPONSE_WHISK_ERROR, ERROR_NO_SCHEDULER},
        {503, RESPONSE_WHISK_ERROR, ERROR_REQUEST_TIMEOUT},
        {429, RESPONSE_WHISK_ERROR, ERROR_TOO_MANY_REQUESTS},
        {429, RESPONSE_WHISK_ERROR, ERROR_TOO_MANY_PER_MINUTE},
        {404, RESPONSE_WHISK_ERROR, ERROR_NOT_FOUND},
        {502, RESPONSE_WHISK_ERROR, ERROR_NO_UPSTREAM},
        {504, RESPONSE_WHISK_ERROR, ERROR_UPSTREAM_TIMEOUT},
    };
    struct message request = invoke_request();
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct message reply =
            invoke_reply(&request, answers[i].status, answers[i].response, answers[i].error);
        expect_reply_back(&request, &reply);
        assert_int_equal(out.status, answers[i].status);
    }
}

static void a_page_of_the_edge_does_not_tell_why(void **state)
{
    (void)state;
    struct message request = invoke_request();
    struct message reply =
        invoke_reply(&request, 502, RESPONSE_WHISK_ERROR, ERROR_CONNECTION_BROKEN);
    reply.u.invoke_reply.controller = NODE_NONE;
    struct message again = read_reply(&request, &reply);
    assert_int_equal(again.u.invoke_reply.error, ERROR_NO_UPSTREAM);
    assert_int_equal(again.u.invoke_reply.controller, NODE_NONE);
    assert_non_null(strstr(out.body.bytes, "<h1>502 Bad Gateway</h1>"));
}

static void answers_to_invocations_are_what_clients_of_upstream_see(void **state)
{
    (void)state;
    char id[33], expected[512];
    struct message request = invoke_request();
    cluster_activation_text(&bed->draws, request.u.invoke.id, id);
    struct message reply = invoke_reply(&request, 202, RESPONSE_SUCCESS, ERROR_NONE);
    read_reply(&request, &reply);
    snprintf(expected, sizeof expected, "{\"activationId\":\"%s\"}", id);
    assert_string_equal(out.body.bytes, expected);
    struct wire_text given =
        wire_header(buffer_text(&out.headers), "X-OpenWhisk-Activation-Id");
    assert_int_equal(given.length, 32);
    assert_memory_equal(given.bytes, id, 32);
    reply = invoke_reply(&request, 502, RESPONSE_DEVELOPER_ERROR, ERROR_TIMED_OUT);
    read_reply(&request, &reply);
    snprintf(expected, sizeof expected,
             "{\"activationId\":\"%s\",\"annotations\":[],\"logs\":[],\"publish\":false,"
             "\"response\":{\"result\":{\"error\":\"The action exceeded its time limits.\"},"
             "\"status\":\"action developer error\",\"success\":false},\"version\":\"0.0.1\"}",
             id);
    assert_string_equal(out.body.bytes, expected);
    reply = invoke_reply(&request, 429, RESPONSE_WHISK_ERROR, ERROR_TOO_MANY_REQUESTS);
    read_reply(&request, &reply);
    snprintf(expected, sizeof expected, "{\"code\":\"%s\",\"error\":\"Too many requests\"}",
             id);
    assert_string_equal(out.body.bytes, expected);
}

static struct message read_foreign(uint16_t status, const char *answer_headers,
                                   const char *body)
{
    struct message request = invoke_request(), again;
    struct wire_http_in in = {
        .headers = text_of(answer_headers), .body = text_of(body), .status = status};
    wire_http_read_reply(&wire, bed->arena, &request, &in, &again);
    assert_int_equal(again.kind, MSG_INVOKE_REPLY);
    assert_int_equal(again.u.invoke_reply.id, request.u.invoke.id);
    return again;
}

static void garbage_is_a_broken_call(void **state)
{
    (void)state;
    static const char json[] = "Content-Type: application/json\n";
    static const char *const bodies[] = {
        "", "{", "[]", "{}", "{\"response\":{}}", "{\"response\":{\"status\":\"odd\"}}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        static const uint16_t statuses[] = {200, 202, 500};
        for (size_t k = 0; k < 3; k++) {
            struct message m = read_foreign(statuses[k], json, bodies[i]);
            assert_int_equal(m.u.invoke_reply.status, 0);
            assert_int_equal(m.u.invoke_reply.response, RESPONSE_WHISK_ERROR);
            assert_int_equal(m.u.invoke_reply.error, ERROR_CONNECTION_BROKEN);
        }
    }
    struct message m = read_foreign(429, json,
                                    "{\"code\":\"x\",\"error\":\"Too many requests in the last "
                                    "minute (count: 61, allowed: 60).\"}");
    assert_int_equal(m.u.invoke_reply.error, ERROR_TOO_MANY_PER_MINUTE);
    m = read_foreign(502, json,
                     "{\"response\":{\"result\":{\"error\":{\"a\":1}},\"status\":\"application "
                     "error\"}}");
    assert_int_equal(m.u.invoke_reply.status, 502);
    assert_int_equal(m.u.invoke_reply.error, ERROR_ACTION_ERROR);
    struct message request = fetch_request(), again;
    struct wire_http_in in = {.status = 500, .body = text_of("{\"message\":{}}")};
    wire_http_read_reply(&wire, bed->arena, &request, &in, &again);
    assert_int_equal(again.kind, MSG_FETCHED);
    assert_int_equal(again.u.fetched.result, FETCHED_NOTHING);
}

static void an_administrative_answer_travels_with_its_headers(void **state)
{
    (void)state;
    struct message request = request_of(MSG_HTTP_REQUEST);
    struct message reply = reply_of(&request, MSG_HTTP_REPLY);
    reply.u.http_reply.status = 405;
    reply.u.http_reply.content = CONTENT_JSON;
    reply.u.http_reply.cors = 1;
    reply.u.http_reply.headers = bed_blob(bed, "Allow: OPTIONS\n");
    reply.u.http_reply.body = bed_blob(bed, "{\"code\":\"x\"}");
    struct message again = read_reply(&request, &reply);
    assert_int_equal(again.u.http_reply.status, 405);
    assert_int_equal(again.u.http_reply.content, CONTENT_JSON);
    assert_int_equal(again.u.http_reply.cors, 1);
    assert_int_equal(again.cause, 31);
    assert_int_equal(again.from, request.to);
    assert_string_equal(bed_text(bed, again.u.http_reply.headers), "Allow: OPTIONS\n");
    assert_string_equal(bed_text(bed, again.u.http_reply.body), "{\"code\":\"x\"}");
    assert_non_null(strstr(out.headers.bytes, "Access-Control-Allow-Methods: OPTIONS, GET, "
                                              "POST\n"));
    reply.u.http_reply.content = CONTENT_NONE;
    reply.u.http_reply.cors = 0;
    reply.u.http_reply.headers = bed_blob(bed, "Content-Type: text/html\n");
    again = read_reply(&request, &reply);
    assert_int_equal(again.u.http_reply.content, CONTENT_NONE);
    assert_int_equal(again.u.http_reply.cors, 0);
    assert_string_equal(bed_text(bed, again.u.http_reply.headers), "Content-Type: text/html\n");
    reply.u.http_reply.content = CONTENT_TEXT;
    reply.u.http_reply.headers = 0;
    again = read_reply(&request, &reply);
    assert_int_equal(again.u.http_reply.content, CONTENT_TEXT);
    assert_int_equal(again.u.http_reply.headers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(answers_of_the_cluster_are_read_back),
        HTTP_TEST(a_fetch_answers_as_upstream_prints_it),
        HTTP_TEST(answers_to_invocations_are_read_back),
        HTTP_TEST(a_page_of_the_edge_does_not_tell_why),
        HTTP_TEST(answers_to_invocations_are_what_clients_of_upstream_see),
        HTTP_TEST(garbage_is_a_broken_call),
        HTTP_TEST(an_administrative_answer_travels_with_its_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
