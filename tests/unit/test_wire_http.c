/*
 * test_wire_http.c - requests: round trips, what clients of upstream send, what others may
 * send.
 */
#include "support/wire_http_bed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    m.u.forward.akka = 1;
    expect_round_trip(&m, NODE_SCHEDULER);
    assert_string_equal(out.path.bytes, "/akka/forward");
    m = request_of(MSG_CREATE_QUEUE);
    m.u.create_queue.action = ACTION_WARM_UP;
    m.u.create_queue.ns = NAMESPACE_SYSTEM;
    expect_round_trip(&m, NODE_SCHEDULER);
    m.u.create_queue.action = BED_WIDE;
    m.u.create_queue.ns = BED_OTHER;
    m.u.create_queue.revision = 12;
    expect_round_trip(&m, NODE_SCHEDULER);
    assert_string_equal(out.path.bytes, "/create-queue");
    m.u.create_queue.akka = 1;
    expect_round_trip(&m, NODE_SCHEDULER);
    assert_string_equal(out.path.bytes, "/akka/create-queue");
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
    const struct CMUnitTest tests[] = {
        HTTP_TEST(requests_of_the_cluster_are_read_back),
        HTTP_TEST(an_invocation_of_ours_is_read_back_by_controller_and_edge),
        HTTP_TEST(an_invocation_is_what_a_client_of_upstream_would_send),
        HTTP_TEST(every_other_call_is_a_plain_request),
        HTTP_TEST(an_administrative_request_travels_as_it_is),
        HTTP_TEST(a_stranger_is_the_host),
        HTTP_TEST(other_ports_know_their_paths_and_bodies_only),
        HTTP_TEST(a_cut_body_is_never_half_read),
        HTTP_TEST(headers_are_found_without_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
