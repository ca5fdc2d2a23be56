/*
 * test_etcd_gateway_watch.c - watches over etcd's JSON gateway: streams, lines, ends.
 */
#include "support/etcd_http.h"
#include <stdio.h>
#include <string.h>

#define W1 "\"key\":\"dy8x\"" /* w/1 */
#define W2 "\"key\":\"dy8y\"" /* w/2 */
#define ALL "\"key\":\"AA==\",\"range_end\":\"AA==\""
#define CREATED(n) "{\"result\":{\"header\":H(" #n "),\"created\":true}}\n"
#define EVENTS(n, events) "{\"result\":{\"header\":H(" #n "),\"events\":[" events "]}}\n"
#define KV(key, create, mod, version, value)                                                   \
    "{" key ",\"create_revision\":\"" #create "\",\"mod_revision\":\"" #mod                    \
    "\",\"version\":\"" #version "\",\"value\":\"" value "\"}"
#define WATCHER 5u
#define OTHER 6u

static void post(struct bed *bed, const char *path, const char *body)
{
    etcd_http_post(bed, path, body, 1);
}

static void put(struct bed *bed, const char *key, const char *value)
{
    char body[128];
    snprintf(body, sizeof body, "{%s,\"value\":\"%s\"}", key, value);
    post(bed, "/v3/kv/put", body);
}

static void watch(struct bed *bed, const char *create)
{
    char body[512];
    snprintf(body, sizeof body, "{\"create_request\":{%s}}", create);
    etcd_http_post(bed, "/v3/watch", body, WATCHER);
}

/* From \0 on is all keys; from \0 to another end, or from another key on, is not. */
static void a_watch_of_all_keys_has_both_ends_open(void **state)
{
    static const struct {
        const char *span;
        bool first, second; /* told of */
    } cases[] = {
        {ALL, true, true},
        {"\"key\":\"AA==\",\"range_end\":\"dy8y\"", true, false},
        {"\"key\":\"AA==\",\"range_end\":\"eA==\"", true, true},
        {"\"key\":\"AA==\",\"range_end\":\"AQ==\"", false, false},
        {"\"key\":\"AA==\"", false, false},
        {"\"key\":\"dy8y\",\"range_end\":\"AA==\"", false, true},
        {"\"key\":\"AQ==\",\"range_end\":\"AA==\"", true, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bed *bed = etcd_bed_new();
        char expected[512];
        watch(bed, cases[i].span);
        put(bed, W1, "MQ==");
        put(bed, W2, "MQ==");
        snprintf(expected, sizeof expected, "%s%s%s", CREATED(1),
                 cases[i].first ? EVENTS(2, "{\"kv\":" KV(W1, 2, 2, 1, "MQ==") "}") : "",
                 cases[i].second ? EVENTS(3, "{\"kv\":" KV(W2, 3, 3, 1, "MQ==") "}") : "");
        etcd_http_expect_lines(bed, WATCHER, expected);
        bed_free(bed);
    }
}

static void changes_are_told_as_recorded(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    watch(bed, ALL ",\"prev_kv\":true");
    put(bed, W1, "MQ==");
    put(bed, W1, "Mg==");
    put(bed, W2, "MQ==");
    post(bed, "/v3/kv/deleterange", "{\"key\":\"dy8=\",\"range_end\":\"dzA=\"}");
    post(bed, "/v3/kv/txn",
         "{\"success\":[{\"request_put\":{\"key\":\"dy9i\",\"value\":\"MQ==\"}},"
         "{\"request_put\":{\"key\":\"dy9h\",\"value\":\"MQ==\"}}]}");
    const struct message *m = etcd_http_reply(bed, WATCHER);
    assert_int_equal(m->u.http_reply.status, 200);
    assert_int_equal(m->u.http_reply.content, CONTENT_JSON);
    assert_int_equal(m->u.http_reply.more, 1);
    assert_int_equal(m->u.http_reply.body, 0);
    etcd_http_expect_lines(
        bed, WATCHER,
        CREATED(1) EVENTS(2, "{\"kv\":" KV(W1, 2, 2, 1, "MQ==") "}") EVENTS(
            3, "{\"kv\":" KV(W1, 2, 3, 2, "Mg==") ",\"prev_kv\":" KV(W1, 2, 2, 1, "MQ==") "}")
            EVENTS(4, "{\"kv\":" KV(W2, 4, 4, 1, "MQ==") "}")
                EVENTS(5, "{\"type\":\"DELETE\",\"kv\":{" W1 ",\"mod_revision\":\"5\"},"
                          "\"prev_kv\":" KV(W1, 2, 3, 2,
                                            "Mg==") "},{\"type\":\"DELETE\","
                                                    "\"kv\":{" W2 ",\"mod_revision\":\"5\"},"
                                                    "\"prev_kv\":" KV(W2, 4, 4, 1, "MQ==") "}")
                    EVENTS(6, "{\"kv\":" KV("\"key\":\"dy9i\"", 6, 6, 1,
                                            "MQ==") "},"
                                                    "{\"kv\":" KV("\"key\":\"dy9h\"", 6, 6, 1,
                                                                  "MQ==") "}"));
    bed_free(bed);
}

static void without_prev_kv_none_is_told(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    put(bed, W1, "MQ==");
    watch(bed, W1);
    put(bed, W1, "Mg==");
    put(bed, W2, "Mg==");
    post(bed, "/v3/kv/deleterange", "{" W1 "}");
    etcd_http_expect_lines(
        bed, WATCHER,
        CREATED(2) EVENTS(3, "{\"kv\":" KV(W1, 2, 3, 2, "Mg==") "}")
            EVENTS(5, "{\"type\":\"DELETE\",\"kv\":{" W1 ",\"mod_revision\":\"5\"}}"));
    bed_free(bed);
}

static void an_expiry_is_one_message_in_the_order_of_the_keys(void **state)
{
#define GONE(key, mod, before)                                                                 \
    "{\"type\":\"DELETE\",\"kv\":{\"key\":\"" key "\",\"mod_revision\":\"" #mod                \
    "\"},\"prev_kv\":{\"key\":\"" key "\",\"create_revision\":\"" #before                      \
    "\",\"mod_revision\":\"" #before "\",\"version\":\"1\",\"lease\":\"501\"}}"
    (void)state;
    struct bed *bed = etcd_bed_new();
    post(bed, "/v3/lease/grant", "{\"TTL\":2,\"ID\":501}");
    post(bed, "/v3/kv/put", "{\"key\":\"dy96\",\"lease\":501}"); /* w/z */
    post(bed, "/v3/kv/put", "{\"key\":\"dy9j\",\"lease\":501}"); /* w/c */
    post(bed, "/v3/kv/put", "{\"key\":\"dy9t\",\"lease\":501}"); /* w/m */
    watch(bed, ALL ",\"prevKv\":true");
    bed_pass(bed, MSEC(2500));
    etcd_http_expect_lines(
        bed, WATCHER,
        CREATED(4) EVENTS(5, GONE("dy9j", 5, 3) "," GONE("dy9t", 5, 4) "," GONE("dy96", 5, 2)));
    bed_free(bed);
}

static void the_past_comes_in_one_message(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    put(bed, W1, "MQ==");
    put(bed, W1, "Mg==");
    put(bed, W2, "MQ==");
    post(bed, "/v3/kv/deleterange", "{" W1 "}");
    watch(bed, ALL ",\"start_revision\":\"3\"");
    put(bed, W2, "Mg==");
    etcd_http_expect_lines(
        bed, WATCHER,
        CREATED(5) EVENTS(5, "{\"kv\":" KV(W1, 2, 3, 2, "Mg==") "},{\"kv\":" KV(
                                 W2, 4, 4, 1, "MQ==") "},{\"type\":\"DELETE\",\"kv\":{" W1
                                                      ",\"mod_revision\":\"5\"}}")
            EVENTS(6, "{\"kv\":" KV(W2, 4, 6, 2, "Mg==") "}"));
    bed_free(bed);
}

static uint32_t count_lines(const struct bed *bed, uint32_t n)
{
    uint32_t events = 0;
    const char *at = bed_text(bed, bed_sent(bed, MSG_HTTP_CHUNK, n)->u.http_chunk.body);
    while ((at = strstr(at, "\"kv\":")) != NULL) {
        events++;
        at++;
    }
    return events;
}

static void a_long_past_comes_in_messages_of_a_thousand_revisions(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    for (unsigned i = 0; i < 2500; i++)
        put(bed, W1, "MQ==");
    bed_forget(bed);
    watch(bed, W1 ",\"start_revision\":1");
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_CHUNK), 4); /* the first: created */
    assert_int_equal(count_lines(bed, 1), 1000);
    assert_int_equal(count_lines(bed, 2), 1000);
    assert_int_equal(count_lines(bed, 3), 500);
    bed_free(bed);
}

static void a_start_in_the_future_passes_over_what_comes_before(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    watch(bed, ALL ",\"start_revision\":\"4\"");
    put(bed, W1, "MQ==");
    put(bed, W1, "Mg==");
    put(bed, W1, "Mw==");
    etcd_http_expect_lines(bed, WATCHER,
                           CREATED(1) EVENTS(4, "{\"kv\":" KV(W1, 2, 4, 3, "Mw==") "}"));
    bed_free(bed);
}

static void a_compacted_start_cancels_the_watch_and_not_its_stream(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    put(bed, W1, "MQ==");
    put(bed, W1, "Mg==");
    put(bed, W1, "Mw==");
    post(bed, "/v3/kv/compaction", "{\"revision\":3}");
    etcd_http_post(bed, "/v3/watch",
                   "{\"create_request\":{" W1 ",\"start_revision\":2}}"
                   "{\"create_request\":{" W1 ",\"start_revision\":3}}",
                   WATCHER);
    put(bed, W1, "NA==");
    etcd_http_expect_lines(
        bed, WATCHER,
        CREATED(4) "{\"result\":{\"header\":H(4),\"watch_id\":\"1\",\"created\":true}}\n"
                   "{\"result\":{\"header\":H(),\"canceled\":true,"
                   "\"compact_revision\":\"3\"}}\n"
                   "{\"result\":{\"header\":H(4),\"watch_id\":\"1\",\"events\":[{\"kv\":" KV(
                       W1, 2, 3, 2,
                       "Mg==") "},{\"kv\":" KV(W1, 2, 4, 3,
                                               "Mw==") "}]}}\n{\"result\":{\"header\":H(5),"
                                                       "\"watch_id\":\"1\",\"events\":[{"
                                                       "\"kv\":" KV(W1, 2, 5, 4,
                                                                    "NA==") "}]}}\n");
    bed_free(bed);
}

static void one_stream_carries_several_watches(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_post(
        bed, "/v3/watch",
        "{\"create_request\":{" W1 "}}\n{\"createRequest\":{" W2 "}}"
        "{\"create_request\":{" W2 ",\"watch_id\":\"7\"}}"
        "{\"create_request\":{" W2 ",\"watchId\":7}}"
        "{\"create_request\":{\"key\":\"Yg==\",\"range_end\":\"YQ==\"}}"
        "{\"cancel_request\":{\"watch_id\":\"1\"}}{\"cancel_request\":{\"watch_id\":9}}"
        "{\"progress_request\":{}}{}",
        WATCHER);
    put(bed, W2, "MQ==");
    etcd_http_expect_lines(
        bed, WATCHER,
        CREATED(1) "{\"result\":{\"header\":H(1),\"watch_id\":\"1\",\"created\":true}}\n"
                   "{\"result\":{\"header\":H(1),\"watch_id\":\"7\",\"created\":true}}\n"
                   "{\"result\":{\"header\":H(1),\"watch_id\":\"-1\",\"created\":true,"
                   "\"canceled\":true,\"cancel_reason\":"
                   "\"mvcc: duplicate watch ID provided on the WatchStream\"}}\n"
                   "{\"result\":{\"header\":H(1),\"watch_id\":\"-1\",\"created\":true,"
                   "\"canceled\":true,\"cancel_reason\":\"mvcc: watcher range is empty\"}}\n"
                   "{\"result\":{\"header\":H(1),\"watch_id\":\"1\",\"canceled\":true}}\n"
                   "{\"result\":{\"header\":H(1),\"watch_id\":\"-1\"}}\n"
                   "{\"result\":{\"header\":H(2),\"watch_id\":\"7\",\"events\":[{\"kv\":" KV(
                       W2, 2, 2, 1, "MQ==") "}]}}\n");
    bed_free(bed);
}

static void filters_leave_out_puts_or_deletions(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_post(bed, "/v3/watch", "{\"create_request\":{" W1 ",\"filters\":[\"NOPUT\"]}}",
                   WATCHER);
    etcd_http_post(bed, "/v3/watch", "{\"create_request\":{" W1 ",\"filters\":[1]}}", OTHER);
    put(bed, W1, "MQ==");
    post(bed, "/v3/kv/deleterange", "{" W1 "}");
    etcd_http_expect_lines(
        bed, WATCHER,
        CREATED(1) EVENTS(3, "{\"type\":\"DELETE\",\"kv\":{" W1 ",\"mod_revision\":\"3\"}}"));
    etcd_http_expect_lines(bed, OTHER,
                           CREATED(1) EVENTS(2, "{\"kv\":" KV(W1, 2, 2, 1, "MQ==") "}"));
    bed_free(bed);
}

static void the_answer_begins_with_the_first_message(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_post(bed, "/v3/watch", "", WATCHER);
    etcd_http_post(bed, "/v3/watch", "{}", OTHER);
    assert_int_equal(bed->sent_count, 0);
    assert_int_equal(etcd_of(bed)->gateway.stream_count, 2);
    bed_free(bed);
}

static void a_body_that_cannot_be_read_is_an_error_only_at_its_begin(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_expect(bed, "/v3/watch", "{bad", 500,
                     "{\"error\":\"invalid character 'b' looking for beginning of object key "
                     "string\",\"message\":\"invalid character 'b' looking for beginning of "
                     "object key string\",\"code\":2}");
    etcd_http_expect(bed, "/v3/watch", "{\"create_request\":3}", 500,
                     "{\"error\":\"json: cannot unmarshal number into Go value of type "
                     "map[string]json.RawMessage\",\"message\":\"json: cannot unmarshal number "
                     "into Go value of type map[string]json.RawMessage\",\"code\":2}");
    assert_int_equal(etcd_of(bed)->gateway.stream_count, 0);
    etcd_http_post(bed, "/v3/watch", "{\"create_request\":{" W1 "}}{bad", WATCHER);
    put(bed, W1, "MQ==");
    etcd_http_expect_lines(bed, WATCHER,
                           CREATED(1) EVENTS(2, "{\"kv\":" KV(W1, 2, 2, 1, "MQ==") "}"));
    bed_free(bed);
}

static void idle_watches_that_ask_for_it_are_told_of_the_progress(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_post(bed, "/v3/watch",
                   "{\"create_request\":{" W1 "}}{\"create_request\":{" W1
                   ",\"progress_notify\":true}}{\"create_request\":{" W2
                   ",\"progressNotify\":true}}",
                   WATCHER);
    bed_pass(bed, SEC(300));
    put(bed, W2, "MQ==");
    bed_forget(bed);
    bed_pass(bed, SEC(300)); /* W2 was told of something meanwhile */
    etcd_http_expect_lines(bed, WATCHER, "{\"result\":{\"header\":H(2),\"watch_id\":\"1\"}}\n");
    bed_forget(bed);
    bed_pass(bed, SEC(600));
    etcd_http_expect_lines(bed, WATCHER,
                           "{\"result\":{\"header\":H(2),\"watch_id\":\"1\"}}\n"
                           "{\"result\":{\"header\":H(2),\"watch_id\":\"2\"}}\n");
    bed_free(bed);
}

static void no_timer_runs_for_watches_that_do_not_ask_for_progress(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    watch(bed, ALL);
    assert_true(bed_next_in(bed) == TSTAMP_NEVER);
    etcd_http_post(bed, "/v3/watch", "{\"create_request\":{\"progress_notify\":true}}", OTHER);
    assert_true(bed_next_in(bed) == SEC(600));
    etcd_http_close(bed, OTHER);
    assert_true(bed_next_in(bed) == TSTAMP_NEVER);
    bed_free(bed);
}

static void a_client_that_is_gone_is_told_nothing_more(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    watch(bed, ALL);
    etcd_http_post(bed, "/v3/watch", "{\"create_request\":{}}{\"create_request\":{}}", OTHER);
    etcd_http_close(bed, WATCHER);
    etcd_http_close(bed, WATCHER); /* twice, or never known: nothing */
    assert_int_equal(etcd_of(bed)->gateway.stream_count, 1);
    assert_int_equal(etcd_of(bed)->watches.count, 2);
    put(bed, W1, "MQ==");
    etcd_http_expect_lines(bed, WATCHER, CREATED(1));
    bed_free(bed);
}

static void a_lost_link_ends_the_streams_of_its_node(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    watch(bed, ALL);
    struct message m = bed_message(bed, MSG_HTTP_REQUEST, BED_INVOKER0, ACTOR_MAIN_ID);
    m.u.http_request.method = HTTP_POST;
    m.u.http_request.path = bed_blob(bed, "/v3/watch");
    m.u.http_request.body = bed_blob(bed, "{\"create_request\":{" ALL "}}");
    bed_deliver(bed, &m);
    assert_int_equal(etcd_bed_last(bed, MSG_HTTP_CHUNK)->to, BED_INVOKER0);
    bed_link(bed, BED_INVOKER0, true);
    assert_int_equal(etcd_of(bed)->watches.count, 1);
    bed_forget(bed);
    put(bed, W1, "MQ==");
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_CHUNK), 1);
    assert_int_equal(etcd_bed_last(bed, MSG_HTTP_CHUNK)->to, NODE_HOST);
    bed_free(bed);
}

static void streams_end_with_the_process(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    watch(bed, ALL ",\"progress_notify\":true");
    bed_crash(bed);
    bed_start(bed);
    bed_forget(bed);
    put(bed, W1, "MQ==");
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_CHUNK), 0);
    assert_int_equal(etcd_of(bed)->gateway.stream_count, 0);
    bed_free(bed);
}

static void components_and_clients_watch_side_by_side(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct key key = bed_key(KEY_SCHEDULER, NAMESPACE_NONE, ACTION_NONE, BED_SCHEDULER0);
    watch(bed, ALL);
    etcd_bed_watch(bed, BED_SCHEDULER1, key, 1, 3, 0);
    etcd_bed_put(bed, key, 42, 0);
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_EVENT), 1);
    etcd_http_expect_lines(bed, WATCHER,
                           CREATED(1)
                               EVENTS(2, "{\"kv\":" KV("\"key\":\"d2hpc2svc2NoZWR1bGVyLzA=\"",
                                                       2, 2, 1, "NDI=") "}"));
    bed_free(bed);
}

static uint64_t digest_of(struct bed *bed)
{
    struct digest d = {0};
    bed->ops->digest(bed->machine, &d);
    return d.state;
}

static void open_streams_and_waiting_keepalives_are_part_of_the_state(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    post(bed, "/v3/lease/grant", "{\"TTL\":2,\"ID\":7}");
    bed_pass(bed, SEC(2));
    uint64_t before = digest_of(bed);
    etcd_http_post(bed, "/v3/watch", "{}", WATCHER);
    uint64_t watched = digest_of(bed);
    assert_true(watched != before);
    etcd_http_post(bed, "/v3/lease/keepalive", "{\"ID\":7}", OTHER);
    assert_true(digest_of(bed) != watched);
    etcd_http_close(bed, OTHER);
    etcd_http_close(bed, WATCHER);
    assert_true(digest_of(bed) == before);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_told_as_recorded),
        cmocka_unit_test(a_watch_of_all_keys_has_both_ends_open),
        cmocka_unit_test(without_prev_kv_none_is_told),
        cmocka_unit_test(an_expiry_is_one_message_in_the_order_of_the_keys),
        cmocka_unit_test(the_past_comes_in_one_message),
        cmocka_unit_test(a_long_past_comes_in_messages_of_a_thousand_revisions),
        cmocka_unit_test(a_start_in_the_future_passes_over_what_comes_before),
        cmocka_unit_test(a_compacted_start_cancels_the_watch_and_not_its_stream),
        cmocka_unit_test(one_stream_carries_several_watches),
        cmocka_unit_test(filters_leave_out_puts_or_deletions),
        cmocka_unit_test(the_answer_begins_with_the_first_message),
        cmocka_unit_test(a_body_that_cannot_be_read_is_an_error_only_at_its_begin),
        cmocka_unit_test(idle_watches_that_ask_for_it_are_told_of_the_progress),
        cmocka_unit_test(no_timer_runs_for_watches_that_do_not_ask_for_progress),
        cmocka_unit_test(a_client_that_is_gone_is_told_nothing_more),
        cmocka_unit_test(a_lost_link_ends_the_streams_of_its_node),
        cmocka_unit_test(streams_end_with_the_process),
        cmocka_unit_test(components_and_clients_watch_side_by_side),
        cmocka_unit_test(open_streams_and_waiting_keepalives_are_part_of_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
