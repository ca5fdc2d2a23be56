/*
 * test_invoker_routes.c - the HTTP routes: status, content type, body byte for byte.
 */
#include "support/invoker_bed.h"
#include <stdio.h>

static const char *right(void)
{
    return bed_authorization("invoker.user", "invoker.pass");
}

static void ask(struct invoker_bed *t, enum http_method method, const char *path)
{
    bed_http(t->bed, method, path, right(), NULL);
    invoker_bed_pump(t);
}

static void the_switches_answer_at_once(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    ask(t, HTTP_GET, "/isEnabled");
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "{\"enabled\":true}");
    ask(t, HTTP_POST, "/disable");
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "invoker0/0 is now disabled.");
    assert_int_equal(bed_sent_count(t->bed, MSG_WATCH_CANCEL), 1);
    ask(t, HTTP_GET, "/isEnabled");
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "{\"enabled\":false}");
    ask(t, HTTP_POST, "/disable"); /* no look at the present state */
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "invoker0/0 is now disabled.");
    assert_int_equal(bed_record_count(t->bed, RECORD_NODE_DISABLED), 2);
    assert_int_equal(bed_sent_count(t->bed, MSG_WATCH_CANCEL), 1);
    ask(t, HTTP_POST, "/enable");
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "invoker0/0 is now enabled.");
    assert_int_equal(bed_record_count(t->bed, RECORD_NODE_ENABLED), 1);
    assert_int_equal(bed_sent_count(t->bed, MSG_WATCH_CREATE), 1);
    ask(t, HTTP_GET, "/isEnabled");
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "{\"enabled\":true}");
    invoker_bed_free(t);
}

static void an_empty_pool_is_all_zeroes(void **state)
{
    (void)state;
    static const char *const body =
        "{\"busyPool\":{\"containers\":[],\"total\":0},\"inProgressCount\":0,"
        "\"pausedPool\":{\"containers\":[],\"total\":0},"
        "\"prewarmedPool\":{\"countsByKind\":{},\"total\":0},\"totalContainers\":0}";
    struct invoker_bed *t = invoker_bed_new();
    ask(t, HTTP_GET, "/pool");
    bed_expect_http(t->bed, 200, CONTENT_TEXT, body);
    ask(t, HTTP_GET, "/pool/");
    bed_expect_http(t->bed, 200, CONTENT_TEXT, body);
    ask(t, HTTP_GET, "/pool/count");
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "0");
    const struct record *r = bed_record(t->bed, RECORD_COUNT_ANSWERED, 0);
    assert_int_equal(r->value, 0);
    assert_int_equal(r->detail, 2);
    assert_int_equal(bed_record_count(t->bed, RECORD_COUNT_ANSWERED), 1);
    invoker_bed_free(t);
}

static void a_pool_names_its_containers(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    char body[512];
    struct slot *paused = invoker_bed_paused(t, BED_WIDE, 1, 1);
    struct slot *busy = invoker_bed_running(t, BED_FAILS, 2, 2);
    invoker_bed_create(t, BED_HELLO, 3);
    ask(t, HTTP_GET, "/pool");
    snprintf(body, sizeof body,
             "{\"busyPool\":{\"containers\":[{\"action\":\"fails\",\"containerId\":\"%08x\","
             "\"kind\":\"nodejs:20\",\"namespace\":\"guest\"}],\"total\":1},"
             "\"inProgressCount\":1,\"pausedPool\":{\"containers\":[{\"action\":\"wide\","
             "\"containerId\":\"%08x\",\"kind\":\"nodejs:20\",\"namespace\":\"other\"}],"
             "\"total\":1},\"prewarmedPool\":{\"countsByKind\":{},\"total\":0},"
             "\"totalContainers\":3}",
             busy->proxy.container, paused->proxy.container);
    bed_expect_http(t->bed, 200, CONTENT_TEXT, body);
    ask(t, HTTP_GET, "/pool/count");
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "3");
    invoker_bed_free(t);
}

static void ping_needs_no_credentials_and_the_rest_does(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    bed_http(t->bed, HTTP_GET, "/ping", NULL, NULL);
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "pong");
    static const char *const paths[] = {"/isEnabled", "/pool", "/pool/count", "/nope"};
    for (unsigned i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        bed_http(t->bed, HTTP_GET, paths[i], NULL, NULL);
        bed_expect_http(t->bed, 401, CONTENT_JSON, NULL);
        bed_http(t->bed, HTTP_GET, paths[i], bed_authorization("invoker.user", "x"), NULL);
        bed_expect_http(t->bed, 401, CONTENT_JSON, NULL);
    }
    bed_http(t->bed, HTTP_POST, "/disable", NULL, NULL);
    bed_expect_http(t->bed, 401, CONTENT_JSON, NULL);
    assert_int_equal(bed_record_count(t->bed, RECORD_NODE_DISABLED), 0);
    invoker_bed_free(t);
}

static void wrong_paths_and_methods(void **state)
{
    (void)state;
    static const struct {
        enum http_method method;
        const char *path;
        unsigned status;
    } rows[] = {{HTTP_GET, "/pool/count/", 404}, {HTTP_GET, "/pool/status", 404},
                {HTTP_GET, "/pool/x", 404},      {HTTP_GET, "/disable", 405},
                {HTTP_GET, "/memory", 405},      {HTTP_GET, "/nope", 405},
                {HTTP_OPTIONS, "/nope", 200}};
    struct invoker_bed *t = invoker_bed_new();
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask(t, rows[i].method, rows[i].path);
        bed_expect_http(t->bed, rows[i].status,
                        rows[i].status == 200 ? CONTENT_TEXT : CONTENT_JSON, NULL);
    }
    assert_int_equal(bed_record_count(t->bed, RECORD_COUNT_ANSWERED), 0);
    invoker_bed_free(t);
}

static void an_old_invoker_has_other_texts_and_no_pool(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_cold();
    t->bed->env.behaviour = BEHAVIOUR_PRE_5338;
    invoker_bed_boot(t);
    ask(t, HTTP_POST, "/disable");
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "Successfully disabled invoker");
    ask(t, HTTP_POST, "/enable");
    bed_expect_http(t->bed, 200, CONTENT_TEXT, "Success enable invoker");
    ask(t, HTTP_GET, "/pool/count");
    bed_expect_http(t->bed, 404, CONTENT_JSON, NULL);
    invoker_bed_free(t);
}

static void a_pool_that_does_not_answer_in_five_seconds_is_a_fault(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    t->bed->posts_by_hand = true;
    bed_http(t->bed, HTTP_GET, "/pool/count", right(), NULL);
    struct message held = *bed_post(t->bed, 0);
    assert_int_equal(held.what, POST_GET_STATE);
    t->bed->post_first++;
    bed_pass(t->bed, SEC(5));
    bed_expect_http(t->bed, 500, CONTENT_TEXT, "There was an internal server error.");
    assert_int_equal(bed_record(t->bed, RECORD_COUNT_ANSWERED, 0)->detail, 5);
    bed_settle(t->bed);
    bed_deliver(t->bed, &held); /* too late */
    bed_settle(t->bed);
    assert_int_equal(bed_sent_count(t->bed, MSG_HTTP_REPLY), 1);
    invoker_bed_free(t);
}

static void schedulers_are_warmed_up_once(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct message m = bed_message(t->bed, MSG_WATCH_EVENT, BED_ETCD, ACTOR_MAIN_ID);
    m.u.watch.watch = t->invoker->watch_number;
    m.u.watch.key = (struct key){.family = KEY_SCHEDULER, .node = BED_SCHEDULER1};
    bed_deliver(t->bed, &m);
    bed_deliver(t->bed, &m);
    assert_int_equal(bed_sent_count(t->bed, MSG_FETCH), 1);
    const struct message *fetch = bed_sent(t->bed, MSG_FETCH, 0);
    assert_int_equal(fetch->to, BED_SCHEDULER1);
    assert_int_equal(fetch->u.fetch.action, ACTION_WARM_UP);
    assert_int_equal(fetch->u.fetch.alive, 0);
    struct message answer = bed_reply(fetch, MSG_FETCHED);
    answer.u.fetched.result = FETCHED_NOTHING;
    bed_deliver(t->bed, &answer);
    m.u.watch.deleted = 1;
    bed_deliver(t->bed, &m);
    m.u.watch.deleted = 0;
    bed_deliver(t->bed, &m);
    assert_int_equal(bed_sent_count(t->bed, MSG_FETCH), 2);
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), 0);
    invoker_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_switches_answer_at_once),
        cmocka_unit_test(an_empty_pool_is_all_zeroes),
        cmocka_unit_test(a_pool_names_its_containers),
        cmocka_unit_test(ping_needs_no_credentials_and_the_rest_does),
        cmocka_unit_test(wrong_paths_and_methods),
        cmocka_unit_test(an_old_invoker_has_other_texts_and_no_pool),
        cmocka_unit_test(a_pool_that_does_not_answer_in_five_seconds_is_a_fault),
        cmocka_unit_test(schedulers_are_warmed_up_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
