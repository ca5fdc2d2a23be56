/*
 * test_controller_api_invoke.c - invocations through the public API: each outcome's status,
 * body and header, and that what becomes of them is the same as of MSG_INVOKE.
 */
#include "support/controller_api_bed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO "/api/v1/namespaces/_/actions/hello"
#define WAIT HELLO "?blocking=true"
#define RESULT HELLO "?blocking=true&result=true"
#define FAULT "There was an internal server error."
#define NOT_THERE "The requested resource does not exist."
#define OWN_FIRST ACTIVATION_ID(REQUEST_ENTRY_CONTROLLER << 24 | 1, 0)

static struct api_bed t;
static char id_text[33];

static int begin(void **state)
{
    (void)state;
    t = api_bed_new();
    cluster_activation_text(&t.bed->draws, OWN_FIRST, id_text);
    return 0;
}

static int end(void **state)
{
    (void)state;
    api_bed_free(&t);
    return 0;
}

static void post(const char *target, const char *body)
{
    api(&t, HTTP_POST, target, body);
}

static void acked(enum response_status status, enum error_text error)
{
    struct ack ack = an_ack(OWN_FIRST, ACK_COMBINED, status);
    ack.error = (uint8_t)error;
    ack.run_ms = 38;
    send_ack(t.bed, ack);
}

static void expect_id(unsigned status)
{
    char body[80], header[80];
    snprintf(body, sizeof body, "{\"activationId\":\"%s\"}", id_text);
    expect_api(&t, status, body);
    snprintf(header, sizeof header, "x-openwhisk-activation-id: %s\n", id_text);
    expect_api_header(&t, header, true);
    expect_api_header(&t, "Access-Control-Allow-Origin: *\n", true);
}

static void expect_record(unsigned status, const char *response, bool is_timeout)
{
    char body[1200];
    snprintf(body, sizeof body,
             "{\"activationId\":\"%s\",\"annotations\":[{\"key\":\"path\",\"value\":"
             "\"guest/hello\"},{\"key\":\"kind\",\"value\":\"nodejs:20\"},{\"key\":\"timeout\","
             "\"value\":%s},{\"key\":\"limits\",\"value\":{\"concurrency\":1,\"logs\":10,"
             "\"memory\":256,\"timeout\":60000}}],\"duration\":38,\"end\":1700000000000,"
             "\"logs\":[],\"name\":\"hello\",\"namespace\":\"guest\",\"publish\":false,"
             "\"response\":%s,\"start\":1699999999962,\"subject\":\"guest\","
             "\"version\":\"0.0.1\"}",
             id_text, is_timeout ? "true" : "false", response);
    expect_api(&t, status, body);
    expect_api_header(&t, id_text, true);
}

static void a_call_that_does_not_wait_is_answered_when_kafka_has_it(void **state)
{
    (void)state;
    post(HELLO "?result=true", "{\"a\":1}");
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 0);
    answer_produced(t.bed, 0, true);
    expect_id(202);
    expect_count(t.bed, "1");
}

static void a_success_in_time_is_a_record_with_the_input_as_result(void **state)
{
    (void)state;
    api_published(&t, WAIT, "{ \"b\" : [1, 2 ],\n\t\"a\":\"x \\\" y\" }");
    acked(RESPONSE_SUCCESS, ERROR_NONE);
    expect_record(200,
                  "{\"result\":{\"b\":[1,2],\"a\":\"x \\\" y\"},\"status\":\"success\","
                  "\"success\":true}",
                  false);
    expect_count(t.bed, "0");
}

static void without_a_body_the_result_is_empty(void **state)
{
    (void)state;
    api_published(&t, WAIT, NULL);
    acked(RESPONSE_SUCCESS, ERROR_NONE);
    expect_record(200, "{\"result\":{},\"status\":\"success\",\"success\":true}", false);
}

static void result_alone_is_answered_when_asked_for(void **state)
{
    (void)state;
    api_published(&t, RESULT, "{\"a\":1}");
    acked(RESPONSE_SUCCESS, ERROR_NONE);
    expect_api(&t, 200, "{\"a\":1}");
    expect_api_header(&t, id_text, true);
}

static void an_error_of_the_action_is_502(void **state)
{
    (void)state;
    api_published(&t, WAIT, NULL);
    acked(RESPONSE_APPLICATION_ERROR, ERROR_ACTION_ERROR);
    expect_record(502,
                  "{\"result\":{\"error\":\"The action answered with an error of its own.\"},"
                  "\"status\":\"application error\",\"success\":false}",
                  false);
}

static void an_error_alone_is_answered_when_asked_for(void **state)
{
    (void)state;
    api_published(&t, RESULT, NULL);
    acked(RESPONSE_APPLICATION_ERROR, ERROR_ACTION_ERROR);
    expect_api(&t, 502, "{\"error\":\"The action answered with an error of its own.\"}");
}

static void an_action_that_took_too_long_is_502(void **state)
{
    (void)state;
    api_published(&t, WAIT, NULL);
    acked(RESPONSE_DEVELOPER_ERROR, ERROR_TIMED_OUT);
    expect_record(502,
                  "{\"result\":{\"error\":\"The action exceeded its time limits of 60000 "
                  "milliseconds.\"},\"status\":\"action developer error\",\"success\":false}",
                  true);
}

static void an_error_of_the_system_is_500_with_its_record(void **state)
{
    (void)state;
    api_published(&t, WAIT, NULL);
    acked(RESPONSE_WHISK_ERROR, ERROR_NOT_INITIATED);
    expect_record(500,
                  "{\"result\":{\"error\":\"Activation processing is not initiated for 60000 "
                  "ms\"},\"status\":\"whisk internal error\",\"success\":false}",
                  false);
}

static void a_sequence_has_a_document_and_a_record_of_its_own_kind(void **state)
{
    (void)state;
    static const action_id parts[] = {BED_HELLO, BED_HELLO};
    t.bed->actions[BED_FAILS].kind = ACTION_SEQUENCE;
    t.bed->actions[BED_FAILS].parts = parts;
    t.bed->actions[BED_FAILS].part_count = 2;
    api(&t, HTTP_GET, "/api/v1/namespaces/_/actions/pack/fails", NULL);
    api_settle(&t);
    expect_api_begins(&t, 200,
                      "{\"annotations\":[{\"key\":\"provide-api-key\",\"value\":false},"
                      "{\"key\":\"exec\",\"value\":\"sequence\"}],\"exec\":{\"kind\":"
                      "\"sequence\",\"components\":[\"/guest/hello\",\"/guest/hello\"]},"
                      "\"limits\":");
    api_forget(&t);
    api(&t, HTTP_POST, "/api/v1/namespaces/_/actions/pack/fails?blocking=true", "{\"a\":1}");
    answer_action(t.bed, DOCUMENT_FOUND);
    for (uint32_t n = 0; n < 2; n++) {
        answer_produced(t.bed, n, true);
        assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 0);
        send_ack(t.bed,
                 an_ack(bed_sent(t.bed, MSG_KAFKA_PRODUCE, n)->u.produce.entry.u.activation.id,
                        ACK_COMBINED, RESPONSE_SUCCESS));
    }
    char body[300];
    snprintf(body, sizeof body,
             "{\"activationId\":\"%s\",\"annotations\":[{\"key\":\"path\",\"value\":"
             "\"guest/pack/fails\"},{\"key\":\"kind\",\"value\":\"sequence\"},{\"key\":"
             "\"limits\",\"value\":",
             id_text);
    expect_api_begins(&t, 200, body);
    expect_api_header(&t, id_text, true);
}

static void the_wait_ends_with_202(void **state)
{
    (void)state;
    bed_config(t.bed, "whisk.controller.activation.polling-from-db", 0);
    api_published(&t, WAIT, NULL);
    bed_pass(t.bed, SEC(59));
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 0);
    bed_pass(t.bed, SEC(1));
    expect_id(202);
}

static void a_timeout_shortens_the_wait(void **state)
{
    (void)state;
    api_published(&t, WAIT "&timeout=1500", NULL);
    bed_pass(t.bed, MSEC(1499));
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 0);
    bed_pass(t.bed, MSEC(1));
    expect_id(202);
    acked(RESPONSE_SUCCESS, ERROR_NONE); /* the activation went on */
    expect_count(t.bed, "0");
}

static void an_id_without_a_record_is_202_without_polling(void **state)
{
    (void)state;
    bed_config(t.bed, "whisk.controller.activation.polling-from-db", 0);
    api_published(&t, WAIT, NULL);
    struct ack ack = an_ack(OWN_FIRST, ACK_COMBINED, RESPONSE_SUCCESS);
    ack.shrunk = 1;
    send_ack(t.bed, ack);
    expect_id(202);
}

static void a_polled_record_is_an_answer_too(void **state)
{
    (void)state;
    api_published(&t, RESULT, "{\"a\":2}");
    bed_pass(t.bed, SEC(15));
    answer_record(t.bed, 0, DOCUMENT_FOUND, RESPONSE_SUCCESS);
    expect_api(&t, 200, "{\"a\":2}");
}

static void a_poll_that_fails_is_500(void **state)
{
    (void)state;
    api_published(&t, WAIT, NULL);
    bed_pass(t.bed, SEC(15));
    answer_record(t.bed, 0, DOCUMENT_ERROR, RESPONSE_SUCCESS);
    expect_api_error(&t, 500, FAULT);
}

static void a_malformed_timeout_is_refused_even_without_waiting(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0", "60001", "x", "", "-5", "1.5", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char target[128];
        snprintf(target, sizeof target, HELLO "?timeout=%s", bad[i]);
        post(target, NULL);
        expect_api_error(
            &t, 400,
            "The query parameter 'timeout' was malformed:\\nTimeout must be number "
            "of milliseconds up to 60000.");
    }
    expect_count(t.bed, "0");
}

static void booleans_are_read_as_pekko_reads_them(void **state)
{
    (void)state;
    api_published(&t, HELLO "?blocking=YES&timeout=1", NULL);
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 0);
    post(HELLO "?blocking=true%20", NULL);
    expect_api_error(&t, 400,
                     "The query parameter 'blocking' was malformed:\\n'true ' is not a valid "
                     "Boolean value");
    post(HELLO "?blocking=2", NULL);
    expect_api_error(&t, 400,
                     "The query parameter 'blocking' was malformed:\\n'2' is not a valid "
                     "Boolean value");
}

static void a_body_that_is_no_object_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"[]",       "1",   "\"x\"", "null",   "{",
                                      "{\"a\":}", "{}x", "\xff",  "{'a':1}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        post(HELLO, bad[i]);
        expect_api_begins(&t, 400,
                          "{\"code\":\"t1\",\"error\":\"The request content was malformed:");
        expect_api_header(&t, "x-openwhisk-activation-id", false);
    }
    expect_count(t.bed, "0");
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    size_t depth = 200000;
    char *body = malloc(depth * 2 + 16);
    assert_non_null(body);
    memcpy(body, "{\"a\":", 5);
    memset(body + 5, '[', depth);
    memset(body + 5 + depth, ']', depth);
    memcpy(body + 5 + depth * 2, "}", 2);
    post(HELLO, body);
    free(body);
    expect_api_begins(&t, 400,
                      "{\"code\":\"t1\",\"error\":\"The request content was malformed");
}

static void another_content_type_is_415(void **state)
{
    (void)state;
    char headers[400];
    snprintf(headers, sizeof headers, "X-Request-ID: t1\n%sContent-Type: text/plain\n",
             api_credentials(&t, BED_GUEST));
    api_with(&t, HTTP_POST, HELLO, headers, "{}");
    expect_api_begins(&t, 415, "{\"code\":\"t1\",\"error\":\"The request's Content-Type");
    snprintf(headers, sizeof headers, "%sContent-Type: Application/JSON; charset=utf-8\n",
             api_credentials(&t, BED_GUEST));
    api_with(&t, HTTP_POST, HELLO, headers, "{}");
    assert_int_equal(bed_sent_count(t.bed, MSG_KAFKA_PRODUCE), 1);
}

static char *body_of(size_t size)
{
    char *body = malloc(size + 1);
    assert_non_null(body);
    memset(body, 'x', size);
    memcpy(body, "{\"a\":\"", 6);
    memcpy(body + size - 2, "\"}", 3);
    return body;
}

static void a_body_over_one_mebibyte_is_413(void **state)
{
    (void)state;
    char *body = body_of((1u << 20) + 1);
    post(HELLO, body);
    expect_api_error(&t, 413, "Request larger than allowed: 1048577 > 1048576 bytes.");
    post("/api/v1/namespaces/_/actions/nope", body); /* before the action is read */
    expect_api_begins(&t, 413, "{\"code\":\"t1\"");
    free(body);
    body = body_of(1u << 20);
    api_published(&t, RESULT, body);
    send_ack(t.bed, an_ack(ACTIVATION_ID(REQUEST_ENTRY_CONTROLLER << 24 | 3, 0), ACK_COMBINED,
                           RESPONSE_SUCCESS));
    expect_api(&t, 200, body);
    free(body);
}

static void an_unknown_action_is_404(void **state)
{
    (void)state;
    post("/api/v1/namespaces/_/actions/nope", NULL);
    expect_api_error(&t, 404, NOT_THERE);
    post("/api/v1/namespaces/_/actions/nopack/fails", NULL);
    expect_api_error(&t, 404, NOT_THERE);
    expect_api_header(&t, "Access-Control-Allow-Origin: *", true);
}

static void a_slot_without_a_document_is_404(void **state)
{
    (void)state;
    t.bed->actions[BED_SLOW].is_spare = true;
    post("/api/v1/namespaces/_/actions/slow", NULL);
    answer_action(t.bed, DOCUMENT_MISSING);
    expect_api_error(&t, 404, NOT_THERE);
    expect_count(t.bed, "0");
}

static void a_package_is_no_action(void **state)
{
    (void)state;
    post("/api/v1/namespaces/_/actions/pack", NULL);
    expect_api_error(&t, 409, "Resource by this name exists but is not in this collection.");
    post("/api/v1/namespaces/_/actions/pack/fails", NULL);
    assert_int_equal(bed_sent(t.bed, MSG_DATABASE_READ, 0)->u.database.action, BED_FAILS);
}

static void too_many_in_a_minute_are_429(void **state)
{
    (void)state;
    t.bed->namespaces[BED_GUEST].invocations_per_minute = 2; /* one is gone */
    api_published(&t, HELLO, NULL);
    post(HELLO, "no JSON");
    expect_api_error(&t, 429, "Too many requests in the last minute (count: 3, allowed: 2).");
    post("/api/v1/namespaces/other/actions/wide", NULL); /* before rights */
    expect_api_error(&t, 429, "Too many requests in the last minute (count: 4, allowed: 2).");
    bed_pass(t.bed, MINUTES(1));
    post(HELLO, "no JSON");
    expect_api_begins(&t, 400, "{");
}

static void a_throttled_action_is_429(void **state)
{
    (void)state;
    send_watch_event(t.bed, bed_key(KEY_THROTTLING, BED_GUEST, BED_HELLO, 0), flag(true),
                     false);
    post(HELLO, NULL);
    expect_api_error(&t, 429, "Too many requests");
    assert_int_equal(bed_record(t.bed, RECORD_REJECTED, 0)->value, 429);
    assert_int_equal(bed_record_count(t.bed, RECORD_THROTTLED), 1);
}

static void no_scheduler_is_503(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        node_id node = (node_id)(BED_SCHEDULER0 + i);
        send_watch_event(t.bed, bed_key(KEY_SCHEDULER, 0, 0, node), scheduler_state(node, 0),
                         true);
    }
    post(WAIT, NULL);
    expect_api_error(&t, 503,
                     "The server is currently unavailable (because it is overloaded or down "
                     "for maintenance).");
}

static void a_send_that_fails_is_500(void **state)
{
    (void)state;
    post(WAIT, NULL);
    for (uint32_t i = 0; i < 4; i++) {
        answer_produced(t.bed, i, false);
        bed_pass(t.bed, MSEC(i < 3 ? 1000 : 0));
    }
    expect_api_error(&t, 500, FAULT);
    expect_count(t.bed, "1"); /* until the timer */
}

static void no_answer_within_the_request_timeout_is_503(void **state)
{
    (void)state;
    post(WAIT, NULL);
    bed_pass(t.bed, SEC(65));
    expect_api(&t, 503,
               "The server was not able to produce a timely response to your request.\r\n"
               "Please try again in a short while!");
}

static void the_header_gives_the_id_unless_it_is_in_use(void **state)
{
    (void)state;
    char line[80], text[33];
    activation_id id = ACTIVATION_ID(5, 1);
    cluster_activation_text(&t.bed->draws, id, text);
    snprintf(line, sizeof line, "X-Rollcage-Activation: %s\n", text);
    t.more = line;
    api_published(&t, HELLO, NULL);
    assert_int_equal(bed_record(t.bed, RECORD_ACCEPTED, 0)->activation, id);
    api_published(&t, HELLO, NULL);
    assert_int_equal(bed_record(t.bed, RECORD_ACCEPTED, 1)->activation, OWN_FIRST);
    t.more = "X-Rollcage-Activation: 0123456789abcdef0123456789abcdef\n";
    api_published(&t, HELLO, NULL);
    assert_int_equal(bed_record(t.bed, RECORD_ACCEPTED, 2)->activation,
                     ACTIVATION_ID(REQUEST_ENTRY_CONTROLLER << 24 | 2, 0));
}

static void any_id_of_the_cluster_may_be_given_but_0(void **state)
{
    (void)state;
    static const activation_id ids[] = {1, 0};
    for (uint32_t i = 0; i < 2; i++) {
        char line[80], text[33];
        cluster_activation_text(&t.bed->draws, ids[i], text);
        snprintf(line, sizeof line, "X-Rollcage-Activation: %s\n", text);
        t.more = line;
        api_published(&t, HELLO, NULL);
        assert_int_equal(bed_record(t.bed, RECORD_ACCEPTED, i)->activation,
                         i == 0 ? 1 : OWN_FIRST);
    }
}

/* The first id of a controller's incarnation, of a cluster with so many controllers. */
static void expect_first_id(enum bed_node node, uint32_t controllers, uint32_t incarnation,
                            uint32_t ordinal)
{
    struct api_bed other = {.bed = bed_new(&controller_ops, node, NULL)};
    other.bed->cluster.counts[NODE_CONTROLLER] = controllers;
    other.bed->namespaces[BED_GUEST].invocations_per_minute = 0;
    bed_start(other.bed);
    for (uint32_t i = 0; i < incarnation; i++) {
        bed_crash(other.bed);
        bed_start(other.bed);
    }
    api(&other, HTTP_POST, HELLO, NULL);
    expect_api_error(&other, 429,
                     "Too many requests in the last minute (count: 1, allowed: 0).");
    assert_int_equal(bed_record(other.bed, RECORD_REJECTED, 0)->activation,
                     ACTIVATION_ID(REQUEST_ENTRY_CONTROLLER << 24 | ordinal, 0));
    api_bed_free(&other);
}

/* Index in as many bits as it takes, incarnation in four, and the rest counts. */
static void the_first_id_tells_the_controller_and_its_incarnation(void **state)
{
    (void)state;
    expect_first_id(BED_CONTROLLER0, 1, 0, 1);
    expect_first_id(BED_CONTROLLER0, 1, 15, 15u << 20 | 1);
    expect_first_id(BED_CONTROLLER0, 1, 17, 1u << 20 | 1);
    expect_first_id(BED_CONTROLLER1, 2, 0, 1u << 23 | 1);
    expect_first_id(BED_CONTROLLER1, 2, 3, 1u << 23 | 3u << 19 | 1);
    expect_first_id(BED_CONTROLLER1, 3, 2, 1u << 22 | 2u << 18 | 1);
    expect_first_id(BED_CONTROLLER1, 4, 2, 1u << 22 | 2u << 18 | 1);
    expect_first_id(BED_CONTROLLER1, 5, 2, 1u << 21 | 2u << 17 | 1);
}

static void post_as_system(const char *target, const char *body)
{
    char headers[512];
    snprintf(headers, sizeof headers, "X-Request-ID: t1\n%s",
             api_credentials(&t, NAMESPACE_SYSTEM));
    api_with(&t, HTTP_POST, target, headers, body);
}

static void the_systems_own_requests_have_limits_too(void **state)
{
    (void)state;
    static const char target[] = "/api/v1/namespaces/_/actions/nope";
    char *body = body_of((1u << 20) + 1);
    post_as_system(target, body);
    expect_api_error(&t, 413, "Request larger than allowed: 1048577 > 1048576 bytes.");
    free(body);
    for (uint32_t i = 1; i < 60; i++) {
        post_as_system(target, NULL);
        expect_api_error(&t, 404, NOT_THERE);
    }
    api_forget(&t);
    post_as_system(target, NULL);
    expect_api_error(&t, 429, "Too many requests in the last minute (count: 61, allowed: 60).");
    assert_int_equal(bed_record(t.bed, RECORD_REJECTED, 0)->ns, NAMESPACE_SYSTEM);
    assert_int_equal(bed_record(t.bed, RECORD_REJECTED, 0)->action, ACTION_NONE);
}

static void the_health_test_can_be_invoked(void **state)
{
    (void)state;
    post_as_system("/api/v1/namespaces/_/actions/invokerHealthTestAction0?blocking=true", NULL);
    assert_int_equal(bed_sent(t.bed, MSG_DATABASE_READ, 0)->u.database.action,
                     ACTION_HEALTH_TEST);
    assert_int_equal(bed_sent(t.bed, MSG_DATABASE_READ, 0)->u.database.ns, NAMESPACE_SYSTEM);
    answer_action(t.bed, DOCUMENT_FOUND);
    answer_look_up(t.bed, 0, endpoints(BED_SCHEDULER0));
    answer_produced(t.bed, 0, true);
    acked(RESPONSE_SUCCESS, ERROR_NONE);
    char body[1000];
    snprintf(body, sizeof body,
             "{\"activationId\":\"%s\",\"annotations\":[{\"key\":\"path\",\"value\":"
             "\"whisk.system/invokerHealthTestAction0\"},{\"key\":\"kind\",\"value\":"
             "\"nodejs:20\"},{\"key\":\"timeout\",\"value\":false},{\"key\":\"limits\","
             "\"value\":{\"concurrency\":1,\"logs\":10,\"memory\":128,\"timeout\":60000}}],"
             "\"duration\":38,\"end\":1700000000000,\"logs\":[],\"name\":"
             "\"invokerHealthTestAction0\",\"namespace\":\"whisk.system\",\"publish\":false,"
             "\"response\":{\"result\":{},\"status\":\"success\",\"success\":true},\"start\":"
             "1699999999962,\"subject\":\"whisk.system\",\"version\":\"0.0.1\"}",
             id_text);
    expect_api(&t, 200, body);
    expect_count(t.bed, "0");
}

static void a_wait_of_one_millisecond_and_of_the_longest_are_waits(void **state)
{
    (void)state;
    bed_config(t.bed, "whisk.controller.activation.max-wait-for-blocking-activation", SEC(2));
    api_published(&t, WAIT "&timeout=1", NULL);
    bed_pass(t.bed, MSEC(1) - 1);
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 0);
    bed_pass(t.bed, 1);
    expect_id(202);
    api_published(&t, WAIT "&timeout=2000", NULL);
    bed_pass(t.bed, SEC(2) - 1);
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 1);
    bed_pass(t.bed, 1);
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 2);
    post(WAIT "&timeout=2001", NULL);
    expect_api_error(&t, 400,
                     "The query parameter 'timeout' was malformed:\\nTimeout must be number of "
                     "milliseconds up to 2000.");
}

static void ids_differ_by_controller_and_incarnation(void **state)
{
    (void)state;
    bed_crash(t.bed);
    bed_forget(t.bed);
    static const uint32_t sizes[] = {0, 0};
    bed_start(t.bed);
    controller_bed_schedulers(t.bed, 2, sizes);
    post(HELLO, NULL);
    answer_action(t.bed, DOCUMENT_FOUND);
    answer_look_up(t.bed, 1, endpoints(BED_SCHEDULER0));
    assert_int_equal(bed_record(t.bed, RECORD_ACCEPTED, 0)->activation,
                     ACTIVATION_ID(REQUEST_ENTRY_CONTROLLER << 24 | 1u << 19 | 1, 0));
}

/* Both doors, the same load: the same records but for the ids, the same messages behind. */
static void both_doors_lead_to_the_same(void **state)
{
    (void)state;
    char by_http[4096], line[512];
    size_t length = 0;
    activation_id id = ACTIVATION_ID(7, 0);
    char text[33], header[80];
    cluster_activation_text(&t.bed->draws, id, text);
    snprintf(header, sizeof header, "X-Rollcage-Activation: %s\n", text);
    t.more = header;
    api_published(&t, WAIT, NULL);
    send_ack(t.bed, an_ack(id, ACK_COMBINED, RESPONSE_SUCCESS));
    for (uint32_t i = 0; i < t.bed->record_count; i++) {
        t.bed->records[i].seq = t.bed->records[i].cause = 0;
        record_print(&t.bed->cluster, &t.bed->records[i], line, sizeof line);
        length += (size_t)snprintf(by_http + length, sizeof by_http - length, "%s\n", line);
    }
    api_forget(&t);
    uint32_t n = bed_sent_count(t.bed, MSG_KAFKA_PRODUCE);
    send_invoke(t.bed, id, BED_HELLO, true);
    answer_produced(t.bed, n, true);
    send_ack(t.bed, an_ack(id, ACK_COMBINED, RESPONSE_SUCCESS));
    for (uint32_t i = 0; i < t.bed->record_count; i++)
        t.bed->records[i].seq = t.bed->records[i].cause = 0;
    expect_records(t.bed, by_http);
    expect_answer(t.bed, id, 200, ERROR_NONE);
}

static void nothing_is_kept_of_what_was_answered(void **state)
{
    (void)state;
    api_published(&t, WAIT, "{\"a\":1}");
    acked(RESPONSE_SUCCESS, ERROR_NONE);
    api_forget(&t);
    size_t blocks = arena_blocks(t.bed->arena, BED_CONTROLLER0);
    for (uint32_t i = 0; i < 50; i++) {
        api_published(&t, WAIT, "{\"a\":1}");
        send_ack(t.bed, an_ack(bed_record(t.bed, RECORD_ACCEPTED, i)->activation, ACK_COMBINED,
                               RESPONSE_SUCCESS));
        post(HELLO, "[]");
    }
    assert_int_equal(arena_blocks(t.bed->arena, BED_CONTROLLER0), blocks);
}

static void what_waits_for_a_slot_alone_keeps_no_texts(void **state)
{
    (void)state;
    char *body = body_of(1u << 20);
    api_published(&t, HELLO, body);
    free(body);
    api_forget(&t);
    size_t blocks = arena_blocks(t.bed->arena, BED_CONTROLLER0);
    bed_pass(t.bed, MINUTES(3)); /* forced: the note goes with the slot */
    expect_count(t.bed, "0");
    api_forget(&t);
    assert_int_equal(arena_blocks(t.bed->arena, BED_CONTROLLER0), blocks - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_that_does_not_wait_is_answered_when_kafka_has_it),
        TEST(a_success_in_time_is_a_record_with_the_input_as_result),
        TEST(without_a_body_the_result_is_empty),
        TEST(result_alone_is_answered_when_asked_for),
        TEST(an_error_of_the_action_is_502),
        TEST(an_error_alone_is_answered_when_asked_for),
        TEST(an_action_that_took_too_long_is_502),
        TEST(an_error_of_the_system_is_500_with_its_record),
        TEST(a_sequence_has_a_document_and_a_record_of_its_own_kind),
        TEST(the_wait_ends_with_202),
        TEST(a_timeout_shortens_the_wait),
        TEST(an_id_without_a_record_is_202_without_polling),
        TEST(a_polled_record_is_an_answer_too),
        TEST(a_poll_that_fails_is_500),
        TEST(a_malformed_timeout_is_refused_even_without_waiting),
        TEST(booleans_are_read_as_pekko_reads_them),
        TEST(a_body_that_is_no_object_is_refused),
        TEST(deep_nesting_is_refused),
        TEST(another_content_type_is_415),
        TEST(a_body_over_one_mebibyte_is_413),
        TEST(an_unknown_action_is_404),
        TEST(a_slot_without_a_document_is_404),
        TEST(a_package_is_no_action),
        TEST(too_many_in_a_minute_are_429),
        TEST(a_throttled_action_is_429),
        TEST(no_scheduler_is_503),
        TEST(a_send_that_fails_is_500),
        TEST(no_answer_within_the_request_timeout_is_503),
        TEST(the_header_gives_the_id_unless_it_is_in_use),
        TEST(any_id_of_the_cluster_may_be_given_but_0),
        TEST(the_first_id_tells_the_controller_and_its_incarnation),
        TEST(the_systems_own_requests_have_limits_too),
        TEST(the_health_test_can_be_invoked),
        TEST(a_wait_of_one_millisecond_and_of_the_longest_are_waits),
        TEST(ids_differ_by_controller_and_incarnation),
        TEST(both_doors_lead_to_the_same),
        TEST(nothing_is_kept_of_what_was_answered),
        TEST(what_waits_for_a_slot_alone_keeps_no_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
