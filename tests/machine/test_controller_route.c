/*
 * test_controller_route.c - the controller's administration routes, byte for byte.
 */
#include "support/controller_bed.h"
#include "core/json.h"
#include <stdio.h>
#include <string.h>

#define GOOD bed_authorization("controller.user", "controller.pass")
#define TRACE "X-Request-ID: abc\n"

static struct bed *bed;

static int begin(void **state)
{
    (void)state;
    bed = controller_bed_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

static void expect_cors(bool cors)
{
    uint32_t count = bed_sent_count(bed, MSG_HTTP_REPLY);
    assert_int_equal(bed_sent(bed, MSG_HTTP_REPLY, count - 1)->u.http_reply.cors, cors);
}

static void get(const char *path)
{
    bed_http(bed, HTTP_GET, path, TRACE, NULL);
}

/* Answer the last read of the invokers: statuses by position, INVOKER_STATUS_COUNT: no key. */
static void answer_invokers(const uint8_t *statuses, uint32_t count)
{
    struct etcd_kv kvs[3];
    uint32_t found = 0;
    uint32_t n = bed_sent_count(bed, MSG_ETCD_RANGE) - 1;
    assert_int_equal(bed_sent(bed, MSG_ETCD_RANGE, n)->u.etcd.key.family, KEY_INVOKERS);
    memset(kvs, 0, sizeof kvs);
    for (uint32_t i = 0; i < count; i++) {
        if (statuses[i] == INVOKER_STATUS_COUNT)
            continue;
        kvs[found].key = bed_key(KEY_INVOKERS, 0, 0, (node_id)(BED_INVOKER0 + i));
        kvs[found++].value = (struct value){.kind = VALUE_INVOKER, .status = statuses[i]};
    }
    struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, n), MSG_ETCD_RANGED);
    m.u.etcd_done.count = found;
    m.u.etcd_done.kvs =
        found == 0 ? 0 : blob_new(bed->arena, ARENA_MESSAGE, kvs, found * sizeof kvs[0]);
    bed_deliver(bed, &m);
}

#define NO_KEY INVOKER_STATUS_COUNT

static void ping_says_pong_whatever_happened(void **state)
{
    (void)state;
    get("/ping");
    bed_expect_http(bed, 200, CONTENT_TEXT, "pong");
    expect_cors(false);
    bed_http(bed, HTTP_POST, "/disable", GOOD, NULL);
    get("/ping");
    bed_expect_http(bed, 200, CONTENT_TEXT, "pong");
}

static void the_root_says_what_it_is(void **state)
{
    (void)state;
    struct json_in member;
    get("/");
    bed_expect_http(bed, 200, CONTENT_JSON, NULL);
    const char *text = bed_text(bed, bed_sent(bed, MSG_HTTP_REPLY, 0)->u.http_reply.body);
    struct json_in body = json_in_parse(text, strlen(text));
    assert_int_equal(json_in_count(body), 5);
    assert_true(json_in_member(body, "limits", &member));
    assert_int_equal(json_in_count(member), 16);
    assert_non_null(
        strstr(text, "{\"api_paths\":[\"/api/v1\"],\"description\":\"OpenWhisk\","));
}

static void the_count_is_the_number_of_slots(void **state)
{
    (void)state;
    get("/activation/count");
    bed_expect_http(bed, 200, CONTENT_JSON, "0");
    expect_cors(true);
    assert_int_equal(bed_record(bed, RECORD_COUNT_ANSWERED, 0)->value, 0);
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    for (uint32_t i = 1; i <= 12; i++)
        send_invoke(bed, ACTIVATION_ID(i, 0), BED_HELLO, false);
    get("/activation/count");
    bed_expect_http(bed, 200, CONTENT_JSON, "12");
    assert_int_equal(bed_record(bed, RECORD_COUNT_ANSWERED, 0)->value, 12);
    assert_int_equal(bed_record(bed, RECORD_COUNT_ANSWERED, 0)->detail, 2);
}

static void the_list_has_ids_and_actions_in_the_order_of_arrival(void **state)
{
    (void)state;
    char first[33], second[33], expected[256];
    get("/activation");
    bed_expect_http(bed, 200, CONTENT_JSON, "[]");
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    controller_bed_ready(bed, BED_FAILS, BED_SCHEDULER0);
    send_invoke(bed, ACTIVATION_ID(9, 0), BED_HELLO, false);
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_FAILS, false);
    cluster_activation_text(&bed->draws, ACTIVATION_ID(9, 0), first);
    cluster_activation_text(&bed->draws, ACTIVATION_ID(2, 0), second);
    snprintf(expected, sizeof expected,
             "[[\"%s\",\"guest/hello@0.0.1\"],[\"%s\",\"guest/pack/fails@0.0.1\"]]", first,
             second);
    get("/activation/");
    bed_expect_http(bed, 200, CONTENT_JSON, expected);
}

static void invokers_are_read_from_etcd_at_each_request(void **state)
{
    (void)state;
    static const uint8_t all[] = {INVOKER_UP, INVOKER_UNHEALTHY, INVOKER_DOWN};
    static const uint8_t gap[] = {INVOKER_UP, NO_KEY, INVOKER_UP};
    static const uint8_t late[] = {NO_KEY, NO_KEY, INVOKER_UP};
    get("/invokers");
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REPLY), 0);
    answer_invokers(all, 3);
    bed_expect_http(bed, 200, CONTENT_JSON,
                    "{\"invoker0/0\":\"up\",\"invoker1/1\":\"unhealthy\","
                    "\"invoker2/2\":\"down\"}");
    get("/invokers/");
    answer_invokers(gap, 3);
    bed_expect_http(bed, 200, CONTENT_JSON,
                    "{\"invoker0/0\":\"up\",\"invoker1/1\":\"down\",\"invoker2/2\":\"up\"}");
    get("/invokers");
    answer_invokers(late, 3);
    bed_expect_http(bed, 200, CONTENT_JSON, "{\"invoker2/2\":\"up\"}");
    get("/invokers");
    answer_invokers(late, 0);
    bed_expect_http(bed, 200, CONTENT_JSON, "{}");
    expect_cors(true);
}

static void before_5464_the_list_began_at_zero(void **state)
{
    (void)state;
    static const uint8_t late[] = {NO_KEY, NO_KEY, INVOKER_UP};
    bed->env.behaviour = BEHAVIOUR_5338;
    get("/invokers");
    answer_invokers(late, 3);
    bed_expect_http(bed, 200, CONTENT_JSON,
                    "{\"invoker0/0\":\"down\",\"invoker1/1\":\"down\",\"invoker2/2\":\"up\"}");
    expect_cors(false);
}

static void the_healthy_are_counted(void **state)
{
    (void)state;
    static const uint8_t two[] = {INVOKER_UP, INVOKER_UNHEALTHY, INVOKER_UP};
    get("/invokers/healthy/count");
    answer_invokers(two, 3);
    bed_expect_http(bed, 200, CONTENT_JSON, "2");
}

static void ready_means_all_healthy_whatever_the_fraction(void **state)
{
    (void)state;
    static const uint8_t all[] = {INVOKER_UP, INVOKER_UP, INVOKER_UP};
    static const uint8_t one[] = {INVOKER_UP, INVOKER_DOWN, INVOKER_UNHEALTHY};
    get("/invokers/ready");
    answer_invokers(all, 1);
    bed_expect_http(bed, 200, CONTENT_JSON, "{\"healthy\":\"1/1\"}");
    get("/invokers/ready");
    answer_invokers(all, 3);
    bed_expect_http(bed, 200, CONTENT_JSON, "{\"healthy\":\"3/3\"}");
    get("/invokers/ready");
    answer_invokers(all, 0);
    bed_expect_http(bed, 500, CONTENT_JSON, "{\"unhealthy\":\"0/0\"}");
    bed_config(bed, "whisk.controller.readiness-fraction", 300000);
    get("/invokers/ready");
    answer_invokers(one, 3);
    bed_expect_http(bed, 500, CONTENT_JSON, "{\"unhealthy\":\"2/3\"}");
    bed_config(bed, "whisk.controller.readiness-fraction", 1);
    get("/invokers/ready");
    answer_invokers(one, 3);
    bed_expect_http(bed, 500, CONTENT_JSON, "{\"unhealthy\":\"2/3\"}");
    bed_config(bed, "whisk.controller.readiness-fraction", 0);
    get("/invokers/ready");
    answer_invokers(one, 3);
    bed_expect_http(bed, 200, CONTENT_JSON, "{\"healthy\":\"1/3\"}");
}

static void an_etcd_fault_is_a_plain_500(void **state)
{
    (void)state;
    get("/invokers");
    bed_link(bed, BED_ETCD, true);
    bed_wake(bed); /* no answer to the second attempt either */
    bed_expect_http(bed, 500, CONTENT_TEXT, "There was an internal server error.");
    expect_cors(false);
    bed_forget(bed);
    get("/invokers/healthy/count");
    static const uint8_t bad[] = {INVOKER_STATUS_COUNT + 1};
    answer_invokers(bad, 1);
    bed_expect_http(bed, 500, CONTENT_TEXT, "There was an internal server error.");
}

static void several_reads_at_once_get_their_own_answers(void **state)
{
    (void)state;
    static const uint8_t one[] = {INVOKER_UP};
    get("/invokers");
    get("/invokers/healthy/count");
    answer_invokers(one, 1); /* the second's */
    bed_expect_http(bed, 200, CONTENT_JSON, "1");
    struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    bed_deliver(bed, &m);
    bed_expect_http(bed, 200, CONTENT_JSON, "{}");
}

static void disable_wants_the_right_credentials(void **state)
{
    (void)state;
    bed_http(bed, HTTP_POST, "/disable", TRACE, NULL);
    bed_expect_http(
        bed, 401, CONTENT_JSON,
        "{\n  \"code\": \"abc\",\n  \"error\": \"Authentication is possible but has "
        "failed or not yet been provided.\"\n}");
    bed_http(bed, HTTP_POST, "/disable", bed_authorization("controller.user", "wrong"), NULL);
    bed_expect_http(bed, 401, CONTENT_JSON, NULL);
    const char *text = bed_text(bed, bed_sent(bed, MSG_HTTP_REPLY, 1)->u.http_reply.body);
    assert_non_null(strstr(text, "\"error\": \"username or password are wrong.\"\n}"));
    assert_int_equal(bed_record_count(bed, RECORD_NODE_DISABLED), 0);
}

static void disable_stops_the_watching_and_nothing_else(void **state)
{
    (void)state;
    struct key leader = bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0);
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    for (unsigned i = 0; i < 2; i++) { /* a second call does the same */
        bed_http(bed, HTTP_POST, "/disable", GOOD, NULL);
        bed_expect_http(bed, 200, CONTENT_TEXT, "controller is disabled");
        assert_int_equal(bed_record_count(bed, RECORD_NODE_DISABLED), i + 1);
    }
    bed_forget(bed);
    send_watch_event(bed, leader, endpoints(BED_SCHEDULER1), false); /* not seen */
    invoke_published(bed, ACTIVATION_ID(1, 0), BED_HELLO, true);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 0));
    send_watch_event(bed, leader, endpoints(BED_SCHEDULER1), true);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0); /* not made again */
    send_ack(bed, an_ack(ACTIVATION_ID(1, 0), ACK_COMBINED, RESPONSE_SUCCESS));
    expect_answer(bed, ACTIVATION_ID(1, 0), 200, ERROR_NONE); /* acks are still taken */
    expect_count(bed, "0");
}

static void disable_sends_three_unwatches_and_a_shutdown_to_the_feed(void **state)
{
    (void)state;
    static const enum key_family families[] = {KEY_QUEUE, KEY_SCHEDULER, KEY_THROTTLING};
    bed->posts_by_hand = true;
    bed_http(bed, HTTP_POST, "/disable", GOOD, NULL);
    assert_int_equal(bed_posts(bed), 4);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(bed_post(bed, i)->what, POST_UNWATCH);
        assert_int_equal(bed_post(bed, i)->to_actor, ACTOR_WATCHER_ID);
        assert_int_equal(bed_post(bed, i)->from_actor, ACTOR(ACTOR_BALANCER, 0, 0));
        const struct post_watch *watch =
            MESSAGE_LOCAL_CONST(bed_post(bed, i), struct post_watch);
        assert_int_equal(watch->key.family, families[i]);
        assert_int_equal(watch->depth, 1);
        assert_int_equal(watch->name, 1);
        assert_int_equal(watch->feedback, 0);
    }
    assert_int_equal(bed_post(bed, 3)->what, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(bed_post(bed, 3)->to_actor, ACTOR_FEED_ID(0));
}

struct wrong {
    enum http_method method;
    const char *path;
    unsigned head, pr; /* status at HEAD and at #5338 */
    const char *allow; /* at HEAD, of a 405 */
};

/* The controller's part of the table of wrong paths and methods. */
static const struct wrong wrongs[] = {
    {HTTP_GET, "/activation/count/", 404, 404, NULL},
    {HTTP_GET, "/invokers/healthy/count/", 404, 404, NULL},
    {HTTP_GET, "/activation/x", 404, 404, NULL},
    {HTTP_GET, "/invokers/x", 404, 404, NULL},
    {HTTP_POST, "/activation/count", 405, 405, "OPTIONS, GET"},
    {HTTP_GET, "/disable", 405, 405, "OPTIONS, POST"},
    {HTTP_POST, "/disable/", 405, 404, "OPTIONS"},
    {HTTP_POST, "/enable", 405, 404, "OPTIONS"},
    {HTTP_GET, "/nope", 405, 404, "OPTIONS"},
    {HTTP_GET, "/ping/", 405, 404, "OPTIONS"},
    {HTTP_POST, "/ping", 405, 405, "GET, OPTIONS"},
};

static void wrong_paths_and_methods_are_answered_as_pekko_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        char error[160] = "{\"code\":\"abc\",\"error\":\"The requested resource could not be "
                          "found.\"}";
        bed_forget(bed);
        bed_http(bed, wrongs[i].method, wrongs[i].path, TRACE, NULL);
        if (wrongs[i].head == 405)
            snprintf(
                error, sizeof error,
                "{\"code\":\"abc\",\"error\":\"HTTP method not allowed, supported methods: "
                "%s\"}",
                wrongs[i].allow);
        bed_expect_http(bed, wrongs[i].head, CONTENT_JSON, error);
        expect_cors(false);
    }
    bed->env.behaviour = BEHAVIOUR_5338;
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        bed_forget(bed);
        bed_http(bed, wrongs[i].method, wrongs[i].path, TRACE, NULL);
        bed_expect_http(bed, wrongs[i].pr, CONTENT_JSON, NULL);
    }
}

static void options_on_any_path_is_ok(void **state)
{
    (void)state;
    bed_http(bed, HTTP_OPTIONS, "/whatever", NULL, NULL);
    bed_expect_http(bed, 200, CONTENT_TEXT, "OK");
    expect_cors(true);
}

static void before_5338_there_are_no_drain_routes(void **state)
{
    (void)state;
    static const uint8_t one[] = {INVOKER_UP};
    bed->env.behaviour = BEHAVIOUR_PRE_5338;
    get("/activation/count");
    bed_expect_http(
        bed, 404, CONTENT_JSON,
        "{\"code\":\"abc\",\"error\":\"The requested resource could not be found.\"}");
    bed_http(bed, HTTP_POST, "/disable", GOOD, NULL);
    bed_expect_http(bed, 404, CONTENT_JSON, NULL);
    get("/activation");
    bed_expect_http(bed, 404, CONTENT_JSON, NULL);
    assert_int_equal(bed_record_count(bed, RECORD_COUNT_ANSWERED), 0);
    get("/invokers/healthy/count");
    answer_invokers(one, 1);
    bed_expect_http(bed, 200, CONTENT_JSON, "1");
}

static void an_attempt_to_read_waits_ten_seconds(void **state)
{
    (void)state;
    get("/invokers");
    bed_pass(bed, SEC(10) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 1);
    bed_pass(bed, 1);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 2);
    struct message late = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    bed_deliver(bed, &late);
    bed_pass(bed, SEC(10) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REPLY), 0);
    bed_pass(bed, 1);
    bed_expect_http(bed, 500, CONTENT_TEXT, "There was an internal server error.");
    late = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, 1), MSG_ETCD_RANGED);
    bed_deliver(bed, &late);
    bed_pass(bed, MINUTES(1));
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REPLY), 1);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 2);
}

static void fail_read(uint32_t n, enum message_kind kind, enum etcd_status status)
{
    struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, n), kind);
    m.u.etcd_done.status = (uint8_t)status;
    bed_deliver(bed, &m);
}

static void a_read_is_repeated_once(void **state)
{
    (void)state;
    get("/invokers");
    fail_read(0, MSG_REFUSED, ETCD_OK);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 2); /* at once */
    fail_read(1, MSG_ETCD_RANGED, ETCD_UNAVAILABLE);
    bed_expect_http(bed, 500, CONTENT_TEXT, "There was an internal server error.");
    get("/invokers");
    fail_read(2, MSG_ETCD_RANGED, ETCD_UNAVAILABLE);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 3); /* too soon after the last one */
    assert_in_range(bed_next_in(bed), MSEC(500), MSEC(1000));
    bed_link(bed, BED_ETCD, true); /* nothing of it is under way */
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 4);
    static const uint8_t one[] = {INVOKER_UP};
    answer_invokers(one, 1);
    bed_expect_http(bed, 200, CONTENT_JSON, "{\"invoker0/0\":\"up\"}");
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REPLY), 2);
    bed_pass(bed, MINUTES(1));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 4);
}

static void a_broken_connection_ends_all_reads_in_their_order(void **state)
{
    (void)state;
    static const char *const paths[] = {"/invokers", "/invokers/ready",
                                        "/invokers/healthy/count"};
    for (uint32_t i = 0; i < 3; i++)
        get(paths[i]);
    bed_link(bed, BED_KAFKA, true);
    bed_link(bed, BED_DATABASE, true);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 3);
    bed_link(bed, BED_ETCD, true);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 6);
    bed_link(bed, BED_ETCD, true);
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REPLY), 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(bed_sent(bed, MSG_HTTP_REPLY, i)->u.http_reply.status, 500);
}

/* What stands there must be an invoker's state, of an invoker. */
static void a_value_that_cannot_be_read_is_a_fault(void **state)
{
    (void)state;
    const struct etcd_kv good = {.key = bed_key(KEY_INVOKERS, 0, 0, BED_INVOKER1),
                                 .value = {.kind = VALUE_INVOKER, .status = INVOKER_UP}};
    struct etcd_kv bad[4] = {good, good, good, good};
    bad[0].value.kind = VALUE_RAW;
    bad[1].value.status = INVOKER_STATUS_COUNT;
    bad[2].key.node = BED_SCHEDULER0;
    bad[3].key.node = BED_NODE_COUNT;
    for (uint32_t i = 0; i < 4; i++) {
        struct etcd_kv kvs[] = {bad[i], good};
        get("/invokers");
        struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, i), MSG_ETCD_RANGED);
        m.u.etcd_done.count = 2;
        m.u.etcd_done.kvs = blob_new(bed->arena, ARENA_MESSAGE, kvs, sizeof kvs);
        bed_deliver(bed, &m);
        assert_int_equal(bed_sent_count(bed, MSG_HTTP_REPLY), i + 1);
        bed_expect_http(bed, 500, CONTENT_TEXT, "There was an internal server error.");
    }
}

static void a_count_is_recorded_with_what_it_says(void **state)
{
    (void)state;
    bed_http(bed, HTTP_POST, "/disable", GOOD, NULL);
    assert_int_equal(bed->record_count, 1);
    assert_int_equal(bed_record(bed, RECORD_NODE_DISABLED, 0)->activation, 0);
    get("/activation");
    get("/invokers/ready");
    assert_int_equal(bed->record_count, 1);
    get("/activation/count");
    assert_int_equal(bed->record_count, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ping_says_pong_whatever_happened),
        TEST(the_root_says_what_it_is),
        TEST(the_count_is_the_number_of_slots),
        TEST(the_list_has_ids_and_actions_in_the_order_of_arrival),
        TEST(invokers_are_read_from_etcd_at_each_request),
        TEST(before_5464_the_list_began_at_zero),
        TEST(the_healthy_are_counted),
        TEST(ready_means_all_healthy_whatever_the_fraction),
        TEST(an_etcd_fault_is_a_plain_500),
        TEST(several_reads_at_once_get_their_own_answers),
        TEST(disable_wants_the_right_credentials),
        TEST(disable_stops_the_watching_and_nothing_else),
        TEST(disable_sends_three_unwatches_and_a_shutdown_to_the_feed),
        TEST(wrong_paths_and_methods_are_answered_as_pekko_does),
        TEST(options_on_any_path_is_ok),
        TEST(before_5338_there_are_no_drain_routes),
        TEST(an_attempt_to_read_waits_ten_seconds),
        TEST(a_read_is_repeated_once),
        TEST(a_broken_connection_ends_all_reads_in_their_order),
        TEST(a_value_that_cannot_be_read_is_a_fault),
        TEST(a_count_is_recorded_with_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
