/*
 * test_actions_api_tests.c - upstream's ActionsApiTests (its part about invocations), with and
 * without polling of the database, and FPCEntitlementTests, RateThrottleTests.
 */
#include "support/conform.h"
#include "support/controller_api_bed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO "/api/v1/namespaces/_/actions/hello"
#define WAIT HELLO "?blocking=true"
#define RESULT HELLO "?blocking=true&result=true"
#define OWN(n) ACTIVATION_ID(REQUEST_ENTRY_CONTROLLER << 24 | (n), 0)
#define SUCCESS "{\"result\":{\"test\":\"yes\"},\"status\":\"success\",\"success\":true}"
#define BODY "{\"test\":\"yes\"}"
#define BAD_TIMEOUT                                                                            \
    "The query parameter 'timeout' was malformed:\\nTimeout must be number of milliseconds "   \
    "up to 60000."

static struct api_bed t;

static int setup(void **state)
{
    (void)state;
    t = api_bed_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    api_bed_free(&t);
    return 0;
}

static const char *id_of(uint32_t n)
{
    static char text[33];
    cluster_activation_text(&t.bed->draws, OWN(n), text);
    return text;
}

static void expect_id_header(uint32_t n)
{
    char header[80];
    snprintf(header, sizeof header, "x-openwhisk-activation-id: %s\n", id_of(n));
    expect_api_header(&t, header, true);
}

/* 202 with the id in body and header. */
static void expect_accepted(uint32_t n)
{
    char body[80];
    snprintf(body, sizeof body, "{\"activationId\":\"%s\"}", id_of(n));
    expect_api(&t, 202, body);
    expect_id_header(n);
}

/* The record without logs: it ran from `start` to `end`, ms of the epoch's last digits. */
static void expect_record(uint32_t n, unsigned status, const char *response, uint64_t start,
                          uint64_t end)
{
    char body[1200];
    snprintf(body, sizeof body,
             "{\"activationId\":\"%s\",\"annotations\":[{\"key\":\"path\",\"value\":"
             "\"guest/hello\"},{\"key\":\"kind\",\"value\":\"nodejs:20\"},{\"key\":\"timeout\","
             "\"value\":false},{\"key\":\"limits\",\"value\":{\"concurrency\":1,\"logs\":10,"
             "\"memory\":256,\"timeout\":60000}}],\"duration\":%u,\"end\":%llu,"
             "\"logs\":[],\"name\":\"hello\",\"namespace\":\"guest\",\"publish\":false,"
             "\"response\":%s,\"start\":%llu,\"subject\":\"guest\",\"version\":\"0.0.1\"}",
             id_of(n), (unsigned)(end - start), (unsigned long long)end, response,
             (unsigned long long)start);
    expect_api(&t, status, body);
    expect_id_header(n);
}

static void acked(uint32_t n)
{
    struct ack ack = an_ack(OWN(n), ACK_COMBINED, RESPONSE_SUCCESS);
    ack.run_ms = 38;
    send_ack(t.bed, ack);
}

/* The slot, the send and the answer, and nothing else: no read of the action's code. */
static void expect_published(uint32_t n, bool blocking)
{
    assert_int_equal(t.bed->sent_count, blocking ? 1 : 2);
    const struct message *m = bed_sent(t.bed, MSG_KAFKA_PRODUCE, 0);
    assert_int_equal(m->u.produce.topic, TOPIC(TOPIC_SCHEDULER, 0));
    assert_int_equal(m->u.produce.entry.kind, ENTRY_ACTIVATION);
    assert_int_equal(m->u.produce.entry.u.activation.id, OWN(n));
    assert_int_equal(m->u.produce.entry.u.activation.action, BED_HELLO);
    assert_int_equal(m->u.produce.entry.u.activation.ns, BED_GUEST);
    assert_int_equal(m->u.produce.entry.u.activation.blocking, blocking);
    assert_int_equal(bed_record(t.bed, RECORD_ACCEPTED, 0)->activation, OWN(n));
    assert_int_equal(t.bed->record_count, blocking ? 1 : 2);
}

static char *too_long(size_t size)
{
    char *body = calloc(size + 1, 1);
    assert_non_null(body);
    memset(body, 'a', size);
    memcpy(body, "{\"a\":\"", 6);
    memcpy(body + size - 2, "\"}", 2);
    return body;
}

static void expect_too_large(size_t size, const char *text)
{
    char *body = too_long(size);
    api_forget(&t);
    api(&t, HTTP_POST, HELLO, body);
    expect_api_error(&t, 413, text);
    assert_int_equal(t.bed->sent_count, 1);
    assert_int_equal(t.bed->record_count, 0);
    free(body);
}

static void an_entity_over_the_systems_limit_is_413(void **state)
{
    (void)state;
    expect_too_large((1u << 20) + 1, "Request larger than allowed: 1048577 > 1048576 bytes.");
}

static void an_entity_over_the_namespaces_limit_is_413(void **state)
{
    (void)state;
    t.bed->namespaces[BED_GUEST].payload_max = 2048;
    expect_too_large(2049, "Request larger than allowed: 2049 > 2048 bytes.");
    char *body = too_long(2048);
    api_forget(&t);
    api_published(&t, HELLO, body);
    expect_accepted(2);
    free(body);
}

static void a_call_with_arguments_is_accepted(void **state)
{
    (void)state;
    api_published(&t, HELLO, "{\"xxx\":\"yyy\"}");
    expect_accepted(1);
    expect_published(1, false);
}

static void another_subject_is_forbidden(void **state)
{
    (void)state;
    char headers[512];
    snprintf(headers, sizeof headers, "X-Request-ID: t1\n%s", api_credentials(&t, BED_OTHER));
    api_with(&t, HTTP_POST, "/api/v1/namespaces/guest/actions/hello", headers, NULL);
    expect_api_error(&t, 403,
                     "The supplied authentication is not authorized to access 'guest/hello'.");
    assert_int_equal(t.bed->sent_count, 1);
    assert_int_equal(t.bed->record_count, 0);
}

static void result_means_nothing_to_a_call_that_does_not_wait(void **state)
{
    (void)state;
    api_published(&t, HELLO "?result=true", "{\"xxx\":\"yyy\"}");
    expect_accepted(1);
    expect_published(1, false);
}

static void a_call_without_a_body_is_accepted(void **state)
{
    (void)state;
    api_published(&t, HELLO, NULL);
    expect_accepted(1);
    expect_published(1, false);
}

static void answer_second_revision(void)
{
    struct message m = bed_reply(bed_sent(t.bed, MSG_DATABASE_READ, 0), MSG_DATABASE_DOCUMENT);
    m.u.database = bed_sent(t.bed, MSG_DATABASE_READ, 0)->u.database;
    m.u.database.revision = 2;
    bed_deliver(t.bed, &m);
}

static void final_parameters_cannot_be_redefined_unless_they_are_null(void **state)
{
    (void)state;
    api(&t, HTTP_PUT, HELLO "?overwrite=true",
        "{\"parameters\":[{\"key\":\"a\",\"value\":\"A\"},{\"key\":\"empty\",\"value\":null}],"
        "\"annotations\":[{\"key\":\"final\",\"value\":true}]}");
    api_settle(&t);
    api_forget(&t);
    api(&t, HTTP_POST, HELLO, "{\"a\":\"B\"}");
    answer_second_revision();
    expect_api_error(
        &t, 400,
        "Request defines parameters that are not allowed (e.g., reserved properties).");
    assert_int_equal(bed_sent_count(t.bed, MSG_KAFKA_PRODUCE), 0);
    expect_count(t.bed, "0");
    api_forget(&t);
    api_published(&t, HELLO, "{\"empty\":\"C\"}");
    expect_accepted(2);
    expect_published(2, false);
}

static void an_ack_in_time_is_a_record_or_its_result_alone(void **state)
{
    (void)state;
    api_published(&t, WAIT, BODY);
    expect_published(1, true);
    bed_pass(t.bed, MSEC(1));
    acked(1);
    expect_record(1, 200, SUCCESS, 1699999999963u, 1700000000001u);
    assert_int_equal(t.bed->sent_count, 2);
    api_forget(&t);
    api_published(&t, RESULT, BODY);
    acked(2);
    expect_api(&t, 200, BODY);
    expect_id_header(2);
}

static void a_timeout_is_from_1_to_60000_ms_and_ends_the_wait(void **state)
{
    (void)state;
    static const char *const bad[] = {"0", "65000", "60001", "-1", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char target[128];
        api_forget(&t);
        snprintf(target, sizeof target, WAIT "&timeout=%s", bad[i]);
        api(&t, HTTP_POST, target, NULL);
        expect_api_error(&t, 400, BAD_TIMEOUT);
        assert_int_equal(t.bed->sent_count, 1);
    }
    api_forget(&t);
    api_published(&t, WAIT "&timeout=100", BODY);
    bed_pass(t.bed, MSEC(99));
    assert_int_equal(t.bed->sent_count, 1);
    bed_pass(t.bed, MSEC(1));
    expect_accepted(6);
    bed_pass(t.bed, MSEC(200));
    acked(6);
    assert_int_equal(t.bed->sent_count, 2); /* nobody is there for it */
    api_forget(&t);
    api_published(&t, WAIT "&timeout=500", BODY);
    bed_pass(t.bed, MSEC(300));
    acked(7);
    expect_record(7, 200, SUCCESS, 1700000000562u, 1700000000600u);
}

static void the_actions_metadata_is_read_and_not_its_code(void **state)
{
    (void)state;
    static const char fails[] = "/api/v1/namespaces/_/actions/pack/fails";
    api(&t, HTTP_POST, fails, NULL);
    assert_int_equal(t.bed->sent_count, 1);
    const struct message *m = bed_sent(t.bed, MSG_DATABASE_READ, 0);
    assert_int_equal(m->to, BED_DATABASE);
    assert_int_equal(m->u.database.document, DOCUMENT_ACTION);
    assert_int_equal(m->u.database.action, BED_FAILS);
    assert_int_equal(m->u.database.revision, 0);
    answer_action(t.bed, DOCUMENT_FOUND);
    answer_look_up(t.bed, 0, endpoints(BED_SCHEDULER0));
    answer_produced(t.bed, 0, true);
    expect_accepted(1);
    api_forget(&t);
    api_published(&t, fails, NULL); /* from here on the copy */
    assert_int_equal(bed_sent_count(t.bed, MSG_DATABASE_READ), 0);
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 0);
    expect_accepted(2);
}

/* ---- polling ---- */

/* No ack comes; the record is in the database when it is looked for, 15 s after the send. */
static void poll(const char *target, enum response_status response)
{
    api_forget(&t);
    api_published(&t, target, BODY);
    bed_pass(t.bed, SEC(15) - 1);
    assert_int_equal(t.bed->sent_count, 1);
    bed_pass(t.bed, 1);
    assert_int_equal(t.bed->sent_count, 2);
    answer_record(t.bed, 0, DOCUMENT_FOUND, response);
    assert_int_equal(t.bed->sent_count, 3);
}

static void a_record_found_by_polling_is_an_answer(void **state)
{
    (void)state;
    poll(WAIT, RESPONSE_SUCCESS);
    expect_record(1, 200, SUCCESS, 1700000000000u, 1700000015000u);
    poll(RESULT, RESPONSE_SUCCESS);
    expect_api(&t, 200, BODY);
    expect_id_header(2);
    bed_pass(t.bed, SEC(60));
    assert_int_equal(bed_sent_count(t.bed, MSG_DATABASE_READ), 1);
}

static void a_record_of_a_whisk_error_found_by_polling_is_500(void **state)
{
    (void)state;
    poll(WAIT, RESPONSE_WHISK_ERROR);
    expect_record(1, 500,
                  "{\"result\":{\"error\":\"\"},\"status\":\"whisk internal error\","
                  "\"success\":false}",
                  1700000000000u, 1700000015000u);
}

static void without_polling(void)
{
    bed_config(t.bed, "whisk.controller.activation.polling-from-db", 0);
    bed_config(t.bed, "whisk.controller.activation.max-wait-for-blocking-activation", SEC(2));
}

static void without_an_ack_the_call_becomes_one_that_does_not_wait(void **state)
{
    (void)state;
    without_polling();
    api_published(&t, WAIT, NULL);
    bed_pass(t.bed, SEC(2) - 1);
    assert_int_equal(t.bed->sent_count, 1);
    bed_pass(t.bed, 1);
    expect_accepted(1);
    assert_int_equal(t.bed->sent_count, 2);
}

static void an_ack_with_the_id_alone_ends_the_wait_at_once(void **state)
{
    (void)state;
    without_polling();
    api_published(&t, WAIT, NULL);
    bed_pass(t.bed, MSEC(1));
    struct ack ack = an_ack(OWN(1), ACK_COMBINED, RESPONSE_SUCCESS);
    ack.shrunk = 1;
    send_ack(t.bed, ack);
    expect_accepted(1);
    assert_int_equal(t.bed->sent_count, 2);
}

/* ---- FPCEntitlementTests, RateThrottleTests ---- */

static void a_flag_refuses_invocations_and_nothing_else(void **state)
{
    (void)state;
    send_watch_event(t.bed, bed_key(KEY_THROTTLING, BED_GUEST, BED_HELLO, 0), flag(true),
                     false);
    api_forget(&t);
    api(&t, HTTP_POST, HELLO, NULL);
    expect_api_error(&t, 429, "Too many requests");
    assert_int_equal(t.bed->sent_count, 1);
    static const enum http_method others[] = {HTTP_GET, HTTP_PUT, HTTP_DELETE};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        api(&t, others[i], HELLO "?overwrite=true", others[i] == HTTP_PUT ? "{}" : NULL);
        api_settle(&t);
        expect_api_begins(&t, 200, "{\"annotations\"");
    }
    send_watch_event(t.bed, bed_key(KEY_THROTTLING, BED_GUEST, BED_FAILS, 0), flag(false),
                     false);
    api_forget(&t);
    api(&t, HTTP_POST, "/api/v1/namespaces/_/actions/pack/fails", NULL);
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 0);
    assert_int_equal(bed_sent_count(t.bed, MSG_DATABASE_READ), 1);
}

/* So many of the next calls pass, and the one behind them does not. */
static void expect_passing(uint32_t count)
{
    static uint32_t request = 1;
    for (uint32_t i = 0; i <= count; i++) {
        bed_forget(t.bed);
        send_invoke(t.bed, ACTIVATION_ID(request, 0), BED_HELLO, false);
        assert_int_equal(bed_sent_count(t.bed, MSG_KAFKA_PRODUCE), i < count);
        if (i == count)
            expect_answer(t.bed, ACTIVATION_ID(request, 0), 429, ERROR_TOO_MANY_PER_MINUTE);
        request++;
    }
}

static void the_minutes_limit_holds_until_the_next_minute_begins(void **state)
{
    (void)state;
    struct namespace_info *guest = &t.bed->namespaces[BED_GUEST];
    guest->invocations_per_minute = 0;
    expect_passing(0);
    bed_pass(t.bed, SEC(40)); /* the start of the run is 20 s into its minute */
    guest->invocations_per_minute = 1;
    expect_passing(1);
    expect_passing(0);
    bed_pass(t.bed, SEC(60) - 1);
    expect_passing(0);
    bed_pass(t.bed, 1);
    expect_passing(1);
}

static void a_namespace_may_have_a_limit_of_its_own(void **state)
{
    (void)state;
    bed_pass(t.bed, SEC(40));
    t.bed->namespaces[BED_GUEST].invocations_per_minute = 5;
    expect_passing(5);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("ActionsApiTests", 969, an_entity_over_the_systems_limit_is_413),
        CONFORMS("ActionsApiTests", 981, an_entity_over_the_namespaces_limit_is_413),
        CONFORMS("ActionsApiTests", 1822, a_call_with_arguments_is_accepted),
        CONFORMS("ActionsApiTests", 1828, another_subject_is_forbidden),
        CONFORMS("ActionsApiTests", 1841, result_means_nothing_to_a_call_that_does_not_wait),
        CONFORMS("ActionsApiTests", 1884, a_call_without_a_body_is_accepted),
        CONFORMS("ActionsApiTests", 1896,
                 final_parameters_cannot_be_redefined_unless_they_are_null),
        CONFORMS("ActionsApiTests", 1913, an_ack_in_time_is_a_record_or_its_result_alone),
        CONFORMS("ActionsApiTests", 1947, a_timeout_is_from_1_to_60000_ms_and_ends_the_wait),
        CONFORMS("ActionsApiTests", 1995, the_actions_metadata_is_read_and_not_its_code),
        CONFORMS("ActionsApiWithDbPollingTests", 65, a_record_found_by_polling_is_an_answer),
        CONFORMS("ActionsApiWithDbPollingTests", 101,
                 a_record_of_a_whisk_error_found_by_polling_is_500),
        CONFORMS("ActionsApiWithoutDbPollingTests", 67,
                 without_an_ack_the_call_becomes_one_that_does_not_wait),
        CONFORMS("ActionsApiWithoutDbPollingTests", 97,
                 an_ack_with_the_id_alone_ends_the_wait_at_once),
        CONFORMS("FPCEntitlementTests", 36, a_flag_refuses_invocations_and_nothing_else),
        CONFORMS("RateThrottleTests", 46, the_minutes_limit_holds_until_the_next_minute_begins),
        CONFORMS("RateThrottleTests", 56, a_namespace_may_have_a_limit_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
