/*
 * test_edge.c - nginx: turns, failed attempts, what is passed on and what is not, and the
 * upstream list with its file.
 */
#include "support/bed.h"
#include "edge/edge.h"

static struct bed *bed_of_edge(void)
{
    struct bed *bed = bed_new(&edge_ops, BED_EDGE, NULL);
    bed_config(bed, "edge.edit-start", 0);
    bed_config(bed, "edge.edit-window", 0);
    bed_start(bed);
    return bed;
}

static void invoke(struct bed *bed, uint32_t request)
{
    struct message m = bed_message(bed, MSG_INVOKE, BED_CLIENT, ACTOR_MAIN_ID);
    m.corr = 1000 + request;
    m.u.invoke.id = ACTIVATION_ID(request, 0);
    m.u.invoke.blocking = 1;
    bed_deliver(bed, &m);
}

static const struct message *passed(struct bed *bed, uint32_t n)
{
    return bed_sent(bed, MSG_INVOKE, n);
}

static void answer(struct bed *bed, const struct message *request, uint16_t status)
{
    struct message m = bed_reply(request, MSG_INVOKE_REPLY);
    m.u.invoke_reply.id = request->u.invoke.id;
    m.u.invoke_reply.status = status;
    bed_deliver(bed, &m);
}

static void refuse(struct bed *bed, const struct message *request)
{
    struct message m = bed_reply(request, MSG_REFUSED);
    bed_deliver(bed, &m);
}

static const struct message *last_answer(struct bed *bed)
{
    return bed_sent(bed, MSG_INVOKE_REPLY, bed_sent_count(bed, MSG_INVOKE_REPLY) - 1);
}

static void change(struct bed *bed, node_id controller, bool add)
{
    struct message m = bed_message(bed, MSG_EDGE_CHANGE, BED_DEPLOYER, ACTOR_MAIN_ID);
    m.corr = 500u + controller;
    m.u.edge_change.controller = controller;
    m.u.edge_change.add = add;
    bed_deliver(bed, &m);
}

static const struct message *last_change(struct bed *bed)
{
    return bed_sent(bed, MSG_EDGE_CHANGED, bed_sent_count(bed, MSG_EDGE_CHANGED) - 1);
}

static void expect_change_record(struct bed *bed, uint32_t n, node_id controller, bool in,
                                 enum outcome outcome)
{
    const struct record *r = bed_record(bed, RECORD_EDGE_CHANGED, n);
    assert_int_equal(r->peer, controller);
    assert_int_equal(r->value, in);
    assert_int_equal(r->outcome, outcome);
}

static void controllers_take_turns(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    for (uint32_t i = 0; i < 4; i++) {
        invoke(bed, i + 1);
        assert_int_equal(passed(bed, i)->to, i % 2 == 0 ? BED_CONTROLLER0 : BED_CONTROLLER1);
        assert_int_equal(bed_record(bed, RECORD_EDGE_PASSED, i)->activation,
                         ACTIVATION_ID(i + 1, 0));
    }
    bed_free(bed);
}

static void an_answer_goes_back_to_who_asked(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    invoke(bed, 1);
    invoke(bed, 2);
    answer(bed, passed(bed, 1), 200);
    const struct message *m = last_answer(bed);
    assert_int_equal(m->to, BED_CLIENT);
    assert_int_equal(m->corr, 1002);
    assert_int_equal(m->u.invoke_reply.status, 200);
    assert_int_equal(m->u.invoke_reply.id, ACTIVATION_ID(2, 0));
    answer(bed, passed(bed, 1), 200); /* twice: nobody waits any more */
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 1);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 1);
    bed_free(bed);
}

static void a_refused_request_goes_to_the_next_and_the_server_is_out_for_a_minute(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    invoke(bed, 1);
    refuse(bed, passed(bed, 0));
    assert_int_equal(passed(bed, 1)->to, BED_CONTROLLER1);
    answer(bed, passed(bed, 1), 202);
    assert_int_equal(last_answer(bed)->u.invoke_reply.status, 202);
    for (uint32_t i = 2; i < 6; i++) {
        invoke(bed, i);
        assert_int_equal(passed(bed, i)->to, BED_CONTROLLER1);
    }
    bed_pass(bed, SEC(60) + 1);
    bed_forget(bed);
    for (uint32_t i = 6; i < 10; i++) /* one request tries it; until it is answered: out */
        invoke(bed, i);
    uint32_t tries = 0;
    const struct message *trial = NULL;
    for (uint32_t i = 0; i < 4; i++) {
        if (passed(bed, i)->to == BED_CONTROLLER0) {
            tries++;
            trial = passed(bed, i);
        }
    }
    assert_int_equal(tries, 1);
    answer(bed, trial, 200);
    invoke(bed, 10);
    invoke(bed, 11);
    assert_int_not_equal(passed(bed, 4)->to, passed(bed, 5)->to);
    bed_free(bed);
}

static void when_all_have_failed_the_answer_is_502_without_an_attempt(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    invoke(bed, 1);
    refuse(bed, passed(bed, 0));
    refuse(bed, passed(bed, 1));
    assert_int_equal(last_answer(bed)->u.invoke_reply.status, 502);
    assert_int_equal(last_answer(bed)->u.invoke_reply.error, ERROR_CONNECTION_REFUSED);
    for (uint32_t i = 2; i < 5; i++) { /* as tried with nginx 1.22.1: three times in a row */
        invoke(bed, i);
        assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 2);
        assert_int_equal(last_answer(bed)->u.invoke_reply.status, 502);
        assert_int_equal(last_answer(bed)->u.invoke_reply.error, ERROR_NO_UPSTREAM);
    }
    bed_free(bed);
}

static void a_single_server_is_tried_each_time(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    change(bed, BED_CONTROLLER0, false);
    bed_pass(bed, 0);
    for (uint32_t i = 0; i < 3; i++) {
        invoke(bed, i + 1);
        assert_int_equal(bed_sent_count(bed, MSG_INVOKE), i + 1);
        refuse(bed, passed(bed, i));
        assert_int_equal(last_answer(bed)->u.invoke_reply.error, ERROR_CONNECTION_REFUSED);
    }
    bed_free(bed);
}

static void a_post_that_was_sent_is_not_passed_on_when_the_connection_breaks(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    invoke(bed, 1);
    invoke(bed, 2);
    bed_link(bed, BED_CONTROLLER0, true);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE), 2);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 1);
    const struct message *m = last_answer(bed);
    assert_int_equal(m->u.invoke_reply.id, ACTIVATION_ID(1, 0));
    assert_int_equal(m->u.invoke_reply.status, 502);
    assert_int_equal(m->u.invoke_reply.error, ERROR_CONNECTION_BROKEN);
    assert_int_equal(m->u.invoke_reply.response, RESPONSE_WHISK_ERROR);
    invoke(bed, 3);
    assert_int_equal(passed(bed, 2)->to, BED_CONTROLLER1);
    bed_free(bed);
}

static void an_answer_that_does_not_come_is_504_after_75_seconds(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    invoke(bed, 1);
    bed_pass(bed, SEC(75) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    bed_pass(bed, 1);
    assert_int_equal(last_answer(bed)->u.invoke_reply.status, 504);
    assert_int_equal(last_answer(bed)->u.invoke_reply.error, ERROR_UPSTREAM_TIMEOUT);
    bed_free(bed);
}

static void a_get_is_passed_on_with_an_id_of_the_edges_own(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    bed_http(bed, HTTP_GET, "/invokers", "X-Request-ID: mine\nAccept: x\n", NULL);
    const struct message *first = bed_sent(bed, MSG_HTTP_REQUEST, 0);
    const char *headers = bed_text(bed, first->u.http_request.headers);
    assert_string_equal(bed_text(bed, first->u.http_request.path), "/invokers");
    assert_null(strstr(headers, "mine"));
    assert_int_equal(strncmp(headers, "Accept: x\nX-Request-ID: ", 24), 0);
    assert_int_equal(strspn(headers + 24, "0123456789abcdef"), 32);
    bed_link(bed, BED_CONTROLLER0, true);
    const struct message *second = bed_sent(bed, MSG_HTTP_REQUEST, 1);
    assert_int_equal(second->to, BED_CONTROLLER1);
    struct message reply = bed_reply(second, MSG_HTTP_REPLY);
    reply.u.http_reply.status = 200;
    reply.u.http_reply.content = CONTENT_JSON;
    reply.u.http_reply.body = bed_blob(bed, "{}");
    bed_deliver(bed, &reply);
    bed_expect_http(bed, 200, CONTENT_JSON, "{}");
    bed_free(bed);
}

/* proxy_next_upstream: what is idempotent goes on, also when it was sent. */
static void a_put_and_a_delete_that_were_sent_are_passed_on(void **state)
{
    (void)state;
    static const enum http_method methods[] = {HTTP_PUT, HTTP_DELETE};
    for (size_t i = 0; i < 2; i++) {
        struct bed *bed = bed_of_edge();
        bed_http(bed, methods[i], "/api/v1/namespaces/_/actions/a", NULL, "{\"publish\":true}");
        node_id first = bed_sent(bed, MSG_HTTP_REQUEST, 0)->to;
        bed_link(bed, first, true);
        const struct message *second = bed_sent(bed, MSG_HTTP_REQUEST, 1);
        assert_int_not_equal(second->to, first);
        assert_int_equal(second->u.http_request.method, methods[i]);
        assert_string_equal(bed_text(bed, second->u.http_request.body), "{\"publish\":true}");
        bed_free(bed);
    }
}

static void a_post_through_the_edge_gets_the_error_page(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    bed_http(bed, HTTP_POST, "/disable", NULL, NULL);
    bed_link(bed, BED_CONTROLLER0, true);
    bed_expect_http(
        bed, 502, CONTENT_NONE,
        "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
        "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx" /* server_tokens off */
        "</center>\r\n</body>\r\n</html>\r\n");
    bed_http(bed, HTTP_GET, "/metrics", NULL, NULL);
    bed_expect_http(bed, 403, CONTENT_NONE, NULL); /* deny all */
    bed_http(bed, HTTP_GET, "/cli/go", NULL, NULL);
    bed_expect_http(bed, 404, CONTENT_NONE, NULL);
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REQUEST), 1);
    bed_free(bed);
}

static void a_controller_that_is_taken_out_gets_nothing_new_but_keeps_what_it_has(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    invoke(bed, 1);
    change(bed, BED_CONTROLLER0, false);
    bed_pass(bed, 0);
    assert_int_equal(last_change(bed)->u.edge_changed.ok, 1);
    assert_int_equal(last_change(bed)->corr, 500 + BED_CONTROLLER0);
    expect_change_record(bed, 0, BED_CONTROLLER0, false, OUTCOME_OK);
    for (uint32_t i = 0; i < 3; i++) {
        invoke(bed, 2 + i);
        assert_int_equal(passed(bed, 1 + i)->to, BED_CONTROLLER1);
    }
    answer(bed, passed(bed, 0), 200); /* by an old worker */
    assert_int_equal(last_answer(bed)->u.invoke_reply.status, 200);
    change(bed, BED_CONTROLLER0, true);
    bed_pass(bed, 0);
    expect_change_record(bed, 1, BED_CONTROLLER0, true, OUTCOME_OK);
    invoke(bed, 6);
    assert_int_equal(passed(bed, 4)->to, BED_CONTROLLER0);
    bed_free(bed);
}

/* C1: the reload after the last line is commented out is refused; the file stays empty. */
static void an_empty_list_is_refused_and_later_reloads_use_the_file(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    change(bed, BED_CONTROLLER0, false);
    bed_pass(bed, 0);
    change(bed, BED_CONTROLLER1, false);
    bed_pass(bed, 0);
    assert_int_equal(last_change(bed)->u.edge_changed.ok, 0);
    expect_change_record(bed, 1, BED_CONTROLLER1, false, OUTCOME_FAILED);
    invoke(bed, 1);
    assert_int_equal(passed(bed, 0)->to, BED_CONTROLLER1); /* what ran goes on */
    change(bed, BED_CONTROLLER0, true);
    bed_pass(bed, 0);
    assert_int_equal(last_change(bed)->u.edge_changed.ok, 1);
    expect_change_record(bed, 2, BED_CONTROLLER0, true, OUTCOME_OK);
    expect_change_record(bed, 3, BED_CONTROLLER1, false, OUTCOME_OK); /* alive, and out */
    invoke(bed, 2);
    invoke(bed, 3);
    assert_int_equal(passed(bed, 1)->to, BED_CONTROLLER0);
    assert_int_equal(passed(bed, 2)->to, BED_CONTROLLER0);
    bed_free(bed);
}

/* Both read the file before either has written it: the later write undoes the earlier. */
static void edits_that_cross_lose_one(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    struct override overrides[] = {
        {.entity = BED_CONTROLLER0, .ordinal = 1, .value = MSEC(10)},
        {.entity = BED_CONTROLLER1, .ordinal = 1, .value = MSEC(20)},
    };
    overrides[0].purpose = overrides[1].purpose = PURPOSE_EDGE_WINDOW;
    bed->draws.overrides = overrides;
    bed->draws.override_count = 2;
    bed->draws.override_purposes = UINT64_C(1) << PURPOSE_EDGE_WINDOW;
    change(bed, BED_CONTROLLER0, false);
    change(bed, BED_CONTROLLER1, false);
    bed_pass(bed, MSEC(10));
    expect_change_record(bed, 0, BED_CONTROLLER0, false, OUTCOME_OK);
    bed_pass(bed, MSEC(10));
    assert_int_equal(last_change(bed)->u.edge_changed.ok, 1);
    expect_change_record(bed, 1, BED_CONTROLLER0, true, OUTCOME_OK); /* back, unasked */
    expect_change_record(bed, 2, BED_CONTROLLER1, false, OUTCOME_OK);
    bed_free(bed);
}

static void about_a_quarter_of_simultaneous_edits_cross(void **state)
{
    (void)state;
    uint32_t lost = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct bed *bed = bed_new(&edge_ops, BED_EDGE, NULL);
        bed->draws.seed = seed;
        bed_start(bed);
        change(bed, BED_CONTROLLER0, true);
        change(bed, BED_CONTROLLER1, false);
        bed_pass(bed, SEC(1));
        /* An edit that changes nothing, written last from an old read, brings it back. */
        lost +=
            bed_record(bed, RECORD_EDGE_CHANGED, bed_record_count(bed, RECORD_EDGE_CHANGED) - 1)
                    ->value == 1 &&
            bed_record(bed, RECORD_EDGE_CHANGED, bed_record_count(bed, RECORD_EDGE_CHANGED) - 1)
                    ->peer == BED_CONTROLLER1;
        bed_free(bed);
    }
    assert_in_range(lost, 10, 50); /* half of the crossings end this way */
}

static void the_file_survives_the_process(void **state)
{
    (void)state;
    struct bed *bed = bed_of_edge();
    change(bed, BED_CONTROLLER0, false);
    bed_pass(bed, 0);
    bed_forget(bed);
    bed_crash(bed);
    bed_start(bed);
    assert_int_equal(bed_record_count(bed, RECORD_EDGE_CHANGED), 0);
    invoke(bed, 1);
    assert_int_equal(passed(bed, 0)->to, BED_CONTROLLER1);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(controllers_take_turns),
        cmocka_unit_test(an_answer_goes_back_to_who_asked),
        cmocka_unit_test(a_refused_request_goes_to_the_next_and_the_server_is_out_for_a_minute),
        cmocka_unit_test(when_all_have_failed_the_answer_is_502_without_an_attempt),
        cmocka_unit_test(a_single_server_is_tried_each_time),
        cmocka_unit_test(a_post_that_was_sent_is_not_passed_on_when_the_connection_breaks),
        cmocka_unit_test(an_answer_that_does_not_come_is_504_after_75_seconds),
        cmocka_unit_test(a_get_is_passed_on_with_an_id_of_the_edges_own),
        cmocka_unit_test(a_put_and_a_delete_that_were_sent_are_passed_on),
        cmocka_unit_test(a_post_through_the_edge_gets_the_error_page),
        cmocka_unit_test(a_controller_that_is_taken_out_gets_nothing_new_but_keeps_what_it_has),
        cmocka_unit_test(an_empty_list_is_refused_and_later_reloads_use_the_file),
        cmocka_unit_test(edits_that_cross_lose_one),
        cmocka_unit_test(about_a_quarter_of_simultaneous_edits_cross),
        cmocka_unit_test(the_file_survives_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
