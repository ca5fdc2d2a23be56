/*
 * test_etcd_gateway_lease.c - leases over etcd's JSON gateway; what is asked of the server.
 */
#include "support/etcd_http.h"
#include <string.h>

#define LA "\"key\":\"bC9h\"" /* l/a */
#define LB "\"key\":\"bC9i\"" /* l/b */
#define ERROR(text, code) "{\"error\":\"" text "\",\"message\":\"" text "\",\"code\":" #code "}"
#define NO_LEASE ERROR("etcdserver: requested lease not found", 5)

static void post(struct bed *bed, const char *path, const char *body)
{
    etcd_http_post(bed, path, body, 1);
}

static void grants_are_answered_as_recorded(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_expect(bed, "/v3/lease/grant", "{\"TTL\":10,\"ID\":\"777\"}", 200,
                     "{\"header\":H(1),\"ID\":\"777\",\"TTL\":\"10\"}");
    etcd_http_expect(bed, "/v3/lease/grant", "{\"TTL\":10,\"ID\":\"777\"}", 412,
                     ERROR("etcdserver: lease already exists", 9));
    etcd_http_expect(bed, "/v3/lease/grant", "{\"TTL\":\"1\",\"ID\":3}", 200,
                     "{\"header\":H(1),\"ID\":\"3\",\"TTL\":\"2\"}");
    etcd_http_expect(bed, "/v3/lease/grant", "{\"TTL\":\"-1\",\"ID\":4}", 200,
                     "{\"header\":H(1),\"ID\":\"4\",\"TTL\":\"2\"}");
    etcd_http_expect(bed, "/v3/lease/grant", "{\"ID\":\"-5\"}", 200,
                     "{\"header\":H(1),\"ID\":\"-5\",\"TTL\":\"2\"}");
    etcd_http_expect(bed, "/v3/lease/grant", "{\"TTL\":\"9000000001\"}", 400,
                     ERROR("etcdserver: too large lease TTL", 11));
    bed_free(bed);
}

static void a_grant_without_an_id_gets_one(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    post(bed, "/v3/lease/grant", "");
    const char *text = bed_text(bed, etcd_http_reply(bed, 1)->u.http_reply.body);
    const char *id = strstr(text, "\"ID\":\"");
    assert_non_null(id);
    assert_true(strspn(id + 6, "0123456789") > 0);
    assert_non_null(strstr(text, "\"TTL\":\"2\"}"));
    assert_int_equal(etcd_of(bed)->leases.count, 1);
    bed_free(bed);
}

static void what_hangs_on_a_lease_is_told_as_recorded(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    post(bed, "/v3/lease/grant", "{\"TTL\":10,\"ID\":777}");
    post(bed, "/v3/kv/put", "{" LB ",\"value\":\"MQ==\",\"lease\":\"777\"}");
    etcd_http_expect(bed, "/v3/kv/put", "{" LA ",\"value\":\"MQ==\",\"lease\":\"777\"}", 200,
                     "{\"header\":H(3)}");
    etcd_http_expect(bed, "/v3/kv/range", "{" LA "}", 200,
                     "{\"header\":H(3),\"kvs\":[{" LA ",\"create_revision\":\"3\","
                     "\"mod_revision\":\"3\",\"version\":\"1\",\"value\":\"MQ==\","
                     "\"lease\":\"777\"}],\"count\":\"1\"}");
    bed_pass(bed, MSEC(900));
    etcd_http_expect(bed, "/v3/lease/timetolive", "{\"ID\":\"777\",\"keys\":true}", 200,
                     "{\"header\":H(3),\"ID\":\"777\",\"TTL\":\"9\",\"grantedTTL\":\"10\","
                     "\"keys\":[\"bC9h\",\"bC9i\"]}");
    etcd_http_expect(bed, "/v3/lease/timetolive", "{\"ID\":\"777\"}", 200,
                     "{\"header\":H(3),\"ID\":\"777\",\"TTL\":\"9\",\"grantedTTL\":\"10\"}");
    etcd_http_expect(bed, "/v3/kv/lease/timetolive", "{\"ID\":\"778\",\"keys\":true}", 200,
                     "{\"header\":H(3),\"ID\":\"778\",\"TTL\":\"-1\"}");
    etcd_http_expect(bed, "/v3/kv/put", "{" LA ",\"value\":\"Mg==\"}", 200,
                     "{\"header\":H(4)}");
    etcd_http_expect(bed, "/v3/lease/timetolive", "{\"ID\":\"777\",\"keys\":true}", 200,
                     "{\"header\":H(4),\"ID\":\"777\",\"TTL\":\"9\",\"grantedTTL\":\"10\","
                     "\"keys\":[\"bC9i\"]}");
    etcd_http_expect(bed, "/v3/lease/revoke", "{\"ID\":\"777\"}", 200, "{\"header\":H(5)}");
    etcd_http_expect(bed, "/v3/lease/revoke", "{\"ID\":\"777\"}", 404, NO_LEASE);
    etcd_http_expect(bed, "/v3/kv/range", "{" LB "}", 200, "{\"header\":H(5)}");
    bed_free(bed);
}

static void the_revoke_of_a_lease_without_keys_makes_no_revision(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    post(bed, "/v3/lease/grant", "{\"TTL\":10,\"ID\":777}");
    etcd_http_expect(bed, "/v3/kv/lease/revoke", "{\"ID\":\"777\"}", 200, "{\"header\":H(1)}");
    bed_free(bed);
}

static void leases_are_listed_in_the_order_in_which_they_end(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_expect(bed, "/v3/lease/leases", "{}", 200, "{\"header\":H(1)}");
    post(bed, "/v3/lease/grant", "{\"TTL\":30,\"ID\":1}");
    etcd_http_expect(bed, "/v3/lease/leases", "{}", 200,
                     "{\"header\":H(1),\"leases\":[{\"ID\":\"1\"}]}");
    post(bed, "/v3/lease/grant", "{\"TTL\":10,\"ID\":2}");
    post(bed, "/v3/lease/grant", "{\"TTL\":20,\"ID\":3}");
    post(bed, "/v3/lease/grant", "{\"TTL\":20,\"ID\":4}");
    etcd_http_expect(
        bed, "/v3/lease/leases", "", 200,
        "{\"header\":H(1),\"leases\":[{\"ID\":\"2\"},{\"ID\":\"3\"},{\"ID\":\"4\"},"
        "{\"ID\":\"1\"}]}");
    bed_free(bed);
}

static void keepalives_are_answered_as_recorded(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    post(bed, "/v3/lease/grant", "{\"TTL\":10,\"ID\":777}");
    bed_pass(bed, SEC(5));
    etcd_http_expect(bed, "/v3/lease/keepalive", "{\"ID\":\"777\"}", 200,
                     "{\"result\":{\"header\":H(1),\"ID\":\"777\",\"TTL\":\"10\"}}\n");
    etcd_http_expect(bed, "/v3/lease/timetolive", "{\"ID\":\"777\"}", 200,
                     "{\"header\":H(1),\"ID\":\"777\",\"TTL\":\"10\",\"grantedTTL\":\"10\"}");
    etcd_http_expect(bed, "/v3/lease/keepalive", "{\"ID\":\"778\"}", 200,
                     "{\"result\":{\"header\":H(1),\"ID\":\"778\"}}\n");
    etcd_http_expect(bed, "/v3/lease/keepalive", "{}", 200, "{\"result\":{\"header\":H(1)}}\n");
    etcd_http_expect(bed, "/v3/lease/keepalive", "{\"ID\":\"777\"} {\"ID\":778}\n{\"ID\":777}",
                     200,
                     "{\"result\":{\"header\":H(1),\"ID\":\"777\",\"TTL\":\"10\"}}\n"
                     "{\"result\":{\"header\":H(1),\"ID\":\"778\"}}\n"
                     "{\"result\":{\"header\":H(1),\"ID\":\"777\",\"TTL\":\"10\"}}\n");
    etcd_http_expect(bed, "/v3/lease/keepalive", "", 200, "");
    etcd_http_expect(bed, "/v3/lease/keepalive", "{\"ID\":1}{bad", 200,
                     "{\"result\":{\"header\":H(1),\"ID\":\"1\"}}\n");
    etcd_http_expect(
        bed, "/v3/lease/keepalive", "{bad", 500,
        ERROR("invalid character 'b' looking for beginning of object key string", 2));
    bed_free(bed);
}

static void a_keepalive_of_a_dead_lease_waits_for_its_revoke(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    post(bed, "/v3/lease/grant", "{\"TTL\":2,\"ID\":777}");
    post(bed, "/v3/lease/grant", "{\"TTL\":10,\"ID\":778}");
    post(bed, "/v3/kv/put", "{" LA ",\"lease\":777}");
    bed_pass(bed, SEC(2)); /* dead, and not yet revoked */
    bed_forget(bed);
    etcd_http_post(bed, "/v3/lease/keepalive", "{\"ID\":778}{\"ID\":777}{\"ID\":778}", 9);
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REPLY), 0);
    etcd_http_expect(bed, "/v3/lease/timetolive", "{\"ID\":\"777\"}", 200,
                     "{\"header\":H(2),\"ID\":\"777\",\"grantedTTL\":\"2\"}");
    bed_pass(bed, MSEC(500));
    assert_string_equal(
        bed_text(bed, etcd_http_reply(bed, 9)->u.http_reply.body),
        etcd_http_expand("{\"result\":{\"header\":H(2),\"ID\":\"778\",\"TTL\":\"10\"}}\n"
                         "{\"result\":{\"header\":H(3),\"ID\":\"777\"}}\n"
                         "{\"result\":{\"header\":H(3),\"ID\":\"778\",\"TTL\":\"10\"}}\n"));
    etcd_http_expect(bed, "/v3/lease/timetolive", "{\"ID\":\"777\"}", 200,
                     "{\"header\":H(3),\"ID\":\"777\",\"TTL\":\"-1\"}");
    bed_free(bed);
}

static void a_keepalive_can_wait_for_one_lease_after_the_other(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    post(bed, "/v3/lease/grant", "{\"TTL\":2,\"ID\":777}");
    post(bed, "/v3/lease/grant", "{\"TTL\":2,\"ID\":778}");
    bed_pass(bed, SEC(2));
    bed_forget(bed);
    etcd_http_post(bed, "/v3/lease/keepalive", "{\"ID\":777}{\"ID\":778}", 9);
    post(bed, "/v3/lease/revoke", "{\"ID\":777}");
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REPLY), 1); /* the revoke's own */
    post(bed, "/v3/lease/revoke", "{\"ID\":778}");
    assert_string_equal(bed_text(bed, etcd_http_reply(bed, 9)->u.http_reply.body),
                        etcd_http_expand("{\"result\":{\"header\":H(1),\"ID\":\"777\"}}\n"
                                         "{\"result\":{\"header\":H(1),\"ID\":\"778\"}}\n"));
    bed_free(bed);
}

static void who_is_gone_waits_for_no_revoke(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    post(bed, "/v3/lease/grant", "{\"TTL\":2,\"ID\":777}");
    bed_pass(bed, SEC(2));
    bed_forget(bed);
    etcd_http_post(bed, "/v3/lease/keepalive", "{\"ID\":777}", 9);
    etcd_http_post(bed, "/v3/lease/keepalive", "{\"ID\":777}", 10);
    etcd_http_post(bed, "/v3/lease/keepalive", "{\"ID\":777}", 11);
    etcd_http_close(bed, 10);
    bed_pass(bed, MSEC(500));
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REPLY), 2);
    assert_int_equal(bed_sent(bed, MSG_HTTP_REPLY, 0)->corr, 9);
    assert_int_equal(bed_sent(bed, MSG_HTTP_REPLY, 1)->corr, 11);
    bed_free(bed);
}

static void the_server_says_who_it_is(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_expect(
        bed, "/v3/maintenance/status", "{}", 200,
        "{\"header\":H(1),\"version\":\"3.4.23\",\"dbSize\":\"20480\","
        "\"leader\":\"7383792418829112008\",\"raftIndex\":\"5\",\"raftTerm\":\"2\","
        "\"raftAppliedIndex\":\"5\",\"dbSizeInUse\":\"16384\"}");
    etcd_http_expect(bed, "/v3/maintenance/alarm", "{\"action\":\"GET\"}", 200, "{}");
    etcd_http_expect(bed, "/v3/maintenance/alarm", "{\"action\":1}", 501,
                     ERROR("alarms are not kept", 12));
    etcd_http_expect(bed, "/v3/auth/authenticate", "{\"name\":\"a\",\"password\":\"b\"}", 412,
                     ERROR("etcdserver: authentication is not enabled", 9));
    etcd_http_expect(bed, "/v3/lock/lock", "{}", 501, ERROR("/v3/lock/lock is not served", 12));
    bed_free(bed);
}

static void the_hash_changes_with_the_store(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    post(bed, "/v3/maintenance/hash", "{}");
    char first[256];
    const char *text = bed_text(bed, etcd_http_reply(bed, 1)->u.http_reply.body);
    strncpy(first, strstr(text, "\"hash\":"), sizeof first - 1);
    first[sizeof first - 1] = '\0';
    post(bed, "/v3/kv/put", "{" LA "}");
    post(bed, "/v3/maintenance/hash", "{}");
    text = bed_text(bed, etcd_http_reply(bed, 1)->u.http_reply.body);
    assert_string_not_equal(strstr(text, "\"hash\":"), first);
    bed_free(bed);
}

static void the_member_is_where_the_client_has_reached_it(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    bed_http(bed, HTTP_POST, "/v3/cluster/member/list",
             "accept: */*\nmost: else\nhosts: else\nhost: 127.0.0.1:2379\n", "{}");
    bed_expect_http(
        bed, 200, CONTENT_JSON,
        etcd_http_expand("{\"header\":H(),\"members\":[{\"ID\":\"7383792418829112008\","
                         "\"name\":\"default\",\"clientURLs\":["
                         "\"http://127.0.0.1:2379\"]}]}"));
    bed_http(bed, HTTP_POST, "/v3/cluster/member/list", NULL, NULL);
    bed_expect_http(
        bed, 200, CONTENT_JSON,
        etcd_http_expand("{\"header\":H(),\"members\":[{\"ID\":\"7383792418829112008\","
                         "\"name\":\"default\"}]}"));
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grants_are_answered_as_recorded),
        cmocka_unit_test(a_grant_without_an_id_gets_one),
        cmocka_unit_test(what_hangs_on_a_lease_is_told_as_recorded),
        cmocka_unit_test(the_revoke_of_a_lease_without_keys_makes_no_revision),
        cmocka_unit_test(leases_are_listed_in_the_order_in_which_they_end),
        cmocka_unit_test(keepalives_are_answered_as_recorded),
        cmocka_unit_test(a_keepalive_of_a_dead_lease_waits_for_its_revoke),
        cmocka_unit_test(a_keepalive_can_wait_for_one_lease_after_the_other),
        cmocka_unit_test(who_is_gone_waits_for_no_revoke),
        cmocka_unit_test(the_server_says_who_it_is),
        cmocka_unit_test(the_hash_changes_with_the_store),
        cmocka_unit_test(the_member_is_where_the_client_has_reached_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
