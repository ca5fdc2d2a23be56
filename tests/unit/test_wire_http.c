/*
 * test_wire_http.c - requests and answers: round trips, what clients of upstream's see, what
 * others may send.
 */
#include "core/record.h"
#include "support/bed.h"
#include "wire/wire_http.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bed *bed;
static struct wire wire;
static struct wire_http out;

static int begin(void **state)
{
    (void)state;
    bed = bed_new(NULL, BED_ETCD, NULL);
    wire = (struct wire){.cluster = &bed->cluster, .draws = &bed->draws};
    wire_http_clear(&out);
    return 0;
}

static int end(void **state)
{
    (void)state;
    wire_http_free(&out);
    bed_free(bed);
    return 0;
}

static struct wire_text text_of(const char *text)
{
    return (struct wire_text){text, strlen(text)};
}

static struct wire_text buffer_text(const struct wire_buffer *buffer)
{
    return (struct wire_text){buffer->bytes, buffer->length};
}

/* What was written, as it comes in. */
static struct wire_http_in in_of(const struct wire_http *http)
{
    return (struct wire_http_in){.method =
                                     http->method == NULL ? text_of("") : text_of(http->method),
                                 .path = buffer_text(&http->path),
                                 .headers = buffer_text(&http->headers),
                                 .body = buffer_text(&http->body),
                                 .status = http->status};
}

static struct message request_of(enum message_kind kind)
{
    return (struct message){.kind = (uint16_t)kind,
                            .from = BED_INVOKER1,
                            .to = BED_SCHEDULER0,
                            .from_actor = ACTOR(ACTOR_ACTIVATION_CLIENT, 3, 4),
                            .to_actor = ACTOR_MAIN_ID,
                            .corr = 77,
                            .cause = 4000000001u};
}

static struct activation sample_activation(void)
{
    return (struct activation){.id = ACTIVATION_ID(5, 1),
                               .revision = 2,
                               .started_at = TSTAMP_ORIGIN + SEC(1),
                               .action = BED_FAILS,
                               .ns = BED_GUEST,
                               .controller = BED_CONTROLLER0,
                               .blocking = 1};
}

static struct message invoke_request(void)
{
    struct message m = request_of(MSG_INVOKE);
    m.from = BED_EDGE;
    m.u.invoke.id = ACTIVATION_ID(21, 2);
    m.u.invoke.action = BED_FAILS;
    m.u.invoke.ns = BED_GUEST;
    m.u.invoke.blocking = 1;
    return m;
}

static struct message fetch_request(void)
{
    struct message m = request_of(MSG_FETCH);
    m.u.fetch.action = BED_HELLO;
    m.u.fetch.ns = BED_OTHER;
    m.u.fetch.revision = 9;
    m.u.fetch.container = 0x0000c1ff;
    m.u.fetch.duration_ms = 350;
    m.u.fetch.has_duration = 1;
    m.u.fetch.alive = 1;
    return m;
}

static bool read_request(enum node_kind server, enum wire_port port,
                         const struct wire_http_in *in, struct message *ret_m,
                         uint16_t *ret_status)
{
    return wire_http_read_request(&wire, bed->arena, server, port, in, ret_m, ret_status);
}

/* Whole but for what is the caller's: corr, to, to_actor. */
static struct message read_again(const struct message *m, enum node_kind server)
{
    struct message again;
    uint16_t status;
    wire_http_write_request(&wire, bed->arena, m, &out);
    struct wire_http_in in = in_of(&out);
    enum wire_port port = wire_http_port((enum message_kind)m->kind);
    assert_true(read_request(server, port, &in, &again, &status));
    return again;
}

static void expect_round_trip(const struct message *m, enum node_kind server)
{
    struct message again = read_again(m, server), expected = *m;
    bool names_actor = m->kind == MSG_CREATE_QUEUE || m->kind == MSG_FORWARD;
    expected.corr = 0;
    expected.to = 0;
    expected.to_actor = names_actor ? ACTOR(ACTOR_QUEUE_MANAGER, 0, 0) : 0;
    assert_memory_equal(&again, &expected, sizeof again);
}

static void requests_of_the_cluster_are_read_back(void **state)
{
    (void)state;
    struct message m = fetch_request();
    expect_round_trip(&m, NODE_SCHEDULER);
    m.u.fetch.has_duration = 0;
    m.u.fetch.duration_ms = 0;
    m.u.fetch.warmed = 1;
    m.u.fetch.alive = 0;
    m.u.fetch.revision = 0;
    expect_round_trip(&m, NODE_SCHEDULER);
    m = request_of(MSG_RESCHEDULE);
    m.u.activation = sample_activation();
    expect_round_trip(&m, NODE_SCHEDULER);
    m.kind = MSG_FORWARD;
    expect_round_trip(&m, NODE_SCHEDULER);
    m = request_of(MSG_CREATE_QUEUE);
    m.u.create_queue.action = ACTION_WARM_UP;
    m.u.create_queue.ns = NAMESPACE_SYSTEM;
    expect_round_trip(&m, NODE_SCHEDULER);
    m.u.create_queue.action = BED_WIDE;
    m.u.create_queue.ns = BED_OTHER;
    m.u.create_queue.revision = 12;
    expect_round_trip(&m, NODE_SCHEDULER);
}

static void an_invocation_of_ours_is_read_back_by_controller_and_edge(void **state)
{
    (void)state;
    struct message m = invoke_request();
    expect_round_trip(&m, NODE_CONTROLLER);
    expect_round_trip(&m, NODE_EDGE);
    m.u.invoke.blocking = 0;
    m.u.invoke.action = BED_HELLO;
    expect_round_trip(&m, NODE_CONTROLLER);
    m.u.invoke.action = ACTION_HEALTH_TEST;
    m.u.invoke.ns = NAMESPACE_SYSTEM;
    m.u.invoke.id = ACTIVATION_SYSTEM | 3;
    expect_round_trip(&m, NODE_CONTROLLER);
}

static void an_invocation_is_what_a_client_of_upstream_would_send(void **state)
{
    (void)state;
    struct message m = invoke_request();
    char id[33], expected[64];
    cluster_activation_text(&bed->draws, m.u.invoke.id, id);
    wire_http_write_request(&wire, bed->arena, &m, &out);
    assert_string_equal(out.method, "POST");
    assert_string_equal(out.path.bytes,
                        "/api/v1/namespaces/guest/actions/pack/fails?blocking=true");
    assert_string_equal(out.body.bytes, "{}");
    struct wire_text headers = buffer_text(&out.headers);
    struct wire_text basic = wire_header(headers, "authorization");
    char user[37], password[65], pair[128];
    cluster_credentials(&bed->cluster, BED_GUEST, user, password);
    snprintf(pair, sizeof pair, "%s:%s", user, password);
    struct wire_buffer encoded = {0};
    wire_buffer_print(&encoded, "Basic ");
    wire_buffer_base64(&encoded, text_of(pair));
    assert_int_equal(basic.length, encoded.length);
    assert_memory_equal(basic.bytes, encoded.bytes, basic.length);
    wire_buffer_free(&encoded);
    struct wire_text sender = wire_header(headers, "X-Rollcage");
    snprintf(expected, sizeof expected, "edge %u 4000000001", (unsigned)m.from_actor);
    assert_int_equal(sender.length, strlen(expected));
    assert_memory_equal(sender.bytes, expected, sender.length);
    assert_memory_equal(wire_header(headers, "X-Rollcage-Activation").bytes, id, 32);
}

/* ---- what is not an invocation of ours ---- */

static struct wire_http_in invoke_in;
static char path[256], headers[1024];

static void prepare_invoke(void)
{
    struct message m = invoke_request();
    wire_http_write_request(&wire, bed->arena, &m, &out);
    invoke_in = in_of(&out);
    snprintf(headers, sizeof headers, "%s", out.headers.bytes);
    snprintf(path, sizeof path, "%s", out.path.bytes);
    invoke_in.headers = text_of(headers);
    invoke_in.path = text_of(path);
}

static void expect_request(enum node_kind server, const char *why)
{
    struct message m;
    uint16_t status;
    if (!read_request(server, WIRE_API, &invoke_in, &m, &status) || m.kind != MSG_HTTP_REQUEST)
        fail_msg("%s: kind %u", why, m.kind);
    assert_int_equal(blob_size(bed->arena, m.u.http_request.path), invoke_in.path.length);
    assert_int_equal(blob_size(bed->arena, m.u.http_request.body), invoke_in.body.length);
    prepare_invoke();
}

static void change_header(const char *name, const char *value)
{
    char *at = strstr(headers, name), rest[1024];
    assert_non_null(at);
    at += strlen(name);
    snprintf(rest, sizeof rest, "%s", strchr(at, '\n'));
    snprintf(at, sizeof headers - (size_t)(at - headers), "%s%s", value, rest);
    invoke_in.headers = text_of(headers);
}

static void every_other_call_is_a_plain_request(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/api/v1/namespaces/guest/actions/pack/fails?blocking=true&result=true",
        "/api/v1/namespaces/guest/actions/pack/fails?blocking=1",
        "/api/v1/namespaces/guest/actions/nobody",
        "/api/v1/namespaces/guest/actions/",
        "/api/v1/namespaces/guest/actions",
        "/api/v1/namespaces/_/actions/hello",
        "/api/v1/namespaces/other/actions/wide",
        "/api/v1/namespaces/whisk.system/actions/warmUp",
        "/api/v1/namespaces/",
        "/ping",
        "",
    };
    struct message m;
    uint16_t status;
    prepare_invoke();
    change_header("X-Rollcage: ", "edge 0 0"); /* as it is, or changed in what does not count */
    invoke_in.body = text_of("");
    assert_true(read_request(NODE_CONTROLLER, WIRE_API, &invoke_in, &m, &status));
    assert_int_equal(m.kind, MSG_INVOKE);
    prepare_invoke();
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        invoke_in.path = text_of(paths[i]);
        expect_request(NODE_CONTROLLER, paths[i]);
    }
    invoke_in.body = text_of("{\"a\":1}");
    expect_request(NODE_CONTROLLER, "a body");
    invoke_in.method = text_of("PUT");
    expect_request(NODE_CONTROLLER, "another method");
    change_header("Authorization: ", "Basic Zm86YmFy");
    expect_request(NODE_CONTROLLER, "credentials");
    change_header("X-Rollcage: ", "nobody 0 0");
    expect_request(NODE_CONTROLLER, "unknown sender");
    change_header("X-Rollcage: ", "edge 0 4294967296");
    expect_request(NODE_CONTROLLER, "cause out of range");
    change_header("X-Rollcage: ", "edge 4294967295 0");
    expect_request(NODE_CONTROLLER, "no such actor");
    change_header("X-Rollcage: ", "edge 0");
    expect_request(NODE_CONTROLLER, "no cause");
    change_header("X-Rollcage-Activation: ", "0123456789abcdef0123456789abcdef");
    expect_request(NODE_CONTROLLER, "foreign id");
    expect_request(NODE_SCHEDULER, "not a controller");
}

static void an_administrative_request_travels_as_it_is(void **state)
{
    (void)state;
    struct message m = request_of(MSG_HTTP_REQUEST);
    m.from = BED_DEPLOYER;
    m.from_actor = ACTOR(ACTOR_HOST_DEPLOY, 0, 2);
    m.u.http_request.method = HTTP_PUT;
    m.u.http_request.path = bed_blob(bed, "/disable?x=y");
    m.u.http_request.headers = bed_blob(bed, "Authorization: Basic eDp5\nX-Request-ID: a\n");
    m.u.http_request.body = bed_blob(bed, "{\"a\":1}");
    struct message again = read_again(&m, NODE_INVOKER);
    assert_int_equal(again.kind, MSG_HTTP_REQUEST);
    assert_int_equal(again.from, BED_DEPLOYER);
    assert_int_equal(again.from_actor, m.from_actor);
    assert_int_equal(again.cause, m.cause);
    assert_int_equal(again.u.http_request.method, HTTP_PUT);
    assert_string_equal(bed_text(bed, again.u.http_request.path), "/disable?x=y");
    assert_string_equal(bed_text(bed, again.u.http_request.headers),
                        "Authorization: Basic eDp5\nX-Request-ID: a\n");
    assert_string_equal(bed_text(bed, again.u.http_request.body), "{\"a\":1}");
}

static void a_stranger_is_the_host(void **state)
{
    (void)state;
    struct message m;
    uint16_t status;
    struct wire_http_in in = {.method = text_of("GET"), .path = text_of("/ping")};
    assert_true(read_request(NODE_CONTROLLER, WIRE_API, &in, &m, &status));
    assert_int_equal(m.from, NODE_HOST);
    assert_int_equal(m.from_actor, 0);
    assert_int_equal(m.u.http_request.headers, 0);
    in.method = text_of("BREW");
    assert_false(read_request(NODE_CONTROLLER, WIRE_API, &in, &m, &status));
}

static void other_ports_know_their_paths_and_bodies_only(void **state)
{
    (void)state;
    struct message m = fetch_request(), again;
    uint16_t status = 0;
    wire_http_write_request(&wire, bed->arena, &m, &out);
    struct wire_http_in in = in_of(&out);
    assert_false(read_request(NODE_SCHEDULER, WIRE_REMOTING, &in, &again, &status));
    assert_int_equal(status, 404);
    assert_false(read_request(NODE_INVOKER, WIRE_RPC, &in, &again, &status));
    assert_int_equal(status, 404);
    in.body = text_of("{\"alive\":true}");
    assert_false(read_request(NODE_SCHEDULER, WIRE_RPC, &in, &again, &status));
    assert_int_equal(status, 400);
    in = in_of(&out);
    in.method = text_of("GET");
    assert_false(read_request(NODE_SCHEDULER, WIRE_RPC, &in, &again, &status));
    assert_int_equal(status, 404);
}

static void a_cut_body_is_never_half_read(void **state)
{
    (void)state;
    struct message requests[4] = {fetch_request(), request_of(MSG_RESCHEDULE),
                                  request_of(MSG_CREATE_QUEUE), request_of(MSG_FORWARD)};
    requests[1].u.activation = requests[3].u.activation = sample_activation();
    requests[2].u.create_queue.action = BED_WIDE;
    requests[2].u.create_queue.ns = BED_OTHER;
    for (unsigned i = 0; i < 4; i++) {
        enum wire_port port = wire_http_port((enum message_kind)requests[i].kind);
        struct message m;
        uint16_t status;
        wire_http_write_request(&wire, bed->arena, &requests[i], &out);
        for (size_t length = 0; length < out.body.length; length++) {
            char *cut = malloc(length + 1);
            assert_non_null(cut);
            memcpy(cut, out.body.bytes, length);
            struct wire_http_in in = in_of(&out);
            in.body = (struct wire_text){cut, length};
            assert_false(read_request(NODE_SCHEDULER, port, &in, &m, &status));
            assert_int_equal(status, 400);
            free(cut);
        }
    }
}

/* ---- answers ---- */

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

static void headers_are_found_without_case(void **state)
{
    (void)state;
    struct wire_text lines = text_of("A: 1\nContent-Type:\t x y \r\nEmpty:\nLast: z");
    assert_int_equal(wire_header(lines, "content-type").length, 3);
    assert_int_equal(wire_header(lines, "LAST").length, 1);
    assert_int_equal(wire_header(lines, "Empty").length, 0);
    assert_int_equal(wire_header(lines, "Content").length, 0);
    assert_int_equal(wire_header((struct wire_text){NULL, 0}, "A").length, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(requests_of_the_cluster_are_read_back),
        TEST(an_invocation_of_ours_is_read_back_by_controller_and_edge),
        TEST(an_invocation_is_what_a_client_of_upstream_would_send),
        TEST(every_other_call_is_a_plain_request),
        TEST(an_administrative_request_travels_as_it_is),
        TEST(a_stranger_is_the_host),
        TEST(other_ports_know_their_paths_and_bodies_only),
        TEST(a_cut_body_is_never_half_read),
        TEST(answers_of_the_cluster_are_read_back),
        TEST(a_fetch_answers_as_upstream_prints_it),
        TEST(answers_to_invocations_are_read_back),
        TEST(a_page_of_the_edge_does_not_tell_why),
        TEST(answers_to_invocations_are_what_clients_of_upstream_see),
        TEST(garbage_is_a_broken_call),
        TEST(an_administrative_answer_travels_with_its_headers),
        TEST(headers_are_found_without_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
