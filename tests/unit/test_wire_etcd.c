/*
 * test_wire_etcd.c - requests to etcd's JSON gateway and its answers, as an etcd 3.4.23 was
 * seen to give them.
 */
#include "support/bed.h"
#include "wire/wire_etcd.h"
#include "wire/wire_key.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER(n)                                                                              \
    "\"header\":{\"cluster_id\":\"15875391935852295136\",\"member_id\":"                       \
    "\"7383792418829112008\",\"revision\":\"" #n "\",\"raft_term\":\"2\"}"
#define OK_(rest) "{" HEADER(13) rest "}"

static struct bed *bed;
static struct wire wire;
static struct wire_buffer body;

static int begin(void **state)
{
    (void)state;
    bed = bed_new(NULL, BED_SCHEDULER0, NULL);
    wire = (struct wire){.cluster = &bed->cluster, .draws = &bed->draws};
    wire_buffer_clear(&body);
    return 0;
}

static int end(void **state)
{
    (void)state;
    wire_buffer_free(&body);
    bed_free(bed);
    return 0;
}

static struct message request_of(enum message_kind kind)
{
    return (struct message){.kind = (uint16_t)kind,
                            .from = BED_SCHEDULER0,
                            .to = BED_ETCD,
                            .from_actor = ACTOR(ACTOR_WORKER, 0, 1),
                            .to_actor = ACTOR_MAIN_ID,
                            .corr = 78};
}

static struct message etcd_request(enum message_kind kind)
{
    struct message m = request_of(kind);
    m.u.etcd.key = bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER1);
    return m;
}

static void expect_request(const struct message *m, const char *path, const char *expected)
{
    wire_buffer_clear(&body);
    const char *written = wire_etcd_write(&wire, m, &body);
    assert_non_null(written);
    assert_string_equal(written, path);
    assert_string_equal(body.bytes, expected);
}

static const char *base64(const char *text, size_t length)
{
    static struct wire_buffer buffer;
    static char kept[4][512];
    static unsigned next;
    char *to = kept[next++ % 4];
    wire_buffer_clear(&buffer);
    wire_buffer_base64(&buffer, (struct wire_text){text, length});
    snprintf(to, sizeof kept[0], "%s", buffer.bytes);
    wire_buffer_free(&buffer);
    return to;
}

static const char *base64_text(const char *text)
{
    return base64(text, strlen(text));
}

/* ---- requests ---- */

static void requests_have_the_gateways_spelling(void **state)
{
    (void)state;
    struct message m = etcd_request(MSG_ETCD_RANGE); /* d2hpc2svc2NoZWR1bGVyLzE= */
    expect_request(&m, "/v3/kv/range", "{\"key\":\"d2hpc2svc2NoZWR1bGVyLzE=\"}");
    m.kind = MSG_ETCD_DELETE;
    expect_request(&m, "/v3/kv/deleterange", "{\"key\":\"d2hpc2svc2NoZWR1bGVyLzE=\"}");
    m.kind = MSG_ETCD_PUT;
    expect_request(&m, "/v3/kv/put", "{\"key\":\"d2hpc2svc2NoZWR1bGVyLzE=\",\"value\":\"\"}");
    m.u.etcd.value = (struct value){.kind = VALUE_BOOL, .a = 1};
    m.u.etcd.lease = 777;
    expect_request(&m, "/v3/kv/put",
                   "{\"key\":\"d2hpc2svc2NoZWR1bGVyLzE=\",\"value\":\"dHJ1ZQ==\","
                   "\"lease\":\"777\"}");
    m.kind = MSG_ETCD_TXN;
    expect_request(&m, "/v3/kv/txn",
                   "{\"compare\":[{\"key\":\"d2hpc2svc2NoZWR1bGVyLzE=\",\"target\":\"VERSION\","
                   "\"result\":\"EQUAL\",\"version\":\"0\"}],\"success\":[{\"request_put\":"
                   "{\"key\":\"d2hpc2svc2NoZWR1bGVyLzE=\",\"value\":\"dHJ1ZQ==\","
                   "\"lease\":\"777\"}}]}");
    m = request_of(MSG_LEASE_GRANT);
    m.u.lease.lease = 777;
    m.u.lease.ttl_s = 10;
    expect_request(&m, "/v3/lease/grant", "{\"ID\":\"777\",\"TTL\":\"10\"}");
    m.kind = MSG_LEASE_KEEPALIVE;
    expect_request(&m, "/v3/lease/keepalive", "{\"ID\":\"777\"}");
    m.kind = MSG_LEASE_REVOKE;
    expect_request(&m, "/v3/lease/revoke", "{\"ID\":\"777\"}");
    m = request_of(MSG_FETCH);
    assert_null(wire_etcd_write(&wire, &m, &body));
}

static void expect_prefix(enum key_family family, unsigned depth, const char *first,
                          const char *last)
{
    char expected[1024], next[256];
    struct message m = etcd_request(MSG_ETCD_RANGE);
    m.u.etcd.key = bed_key(family, BED_GUEST, BED_FAILS, 0);
    m.u.etcd.mode = RANGE_PREFIX;
    m.u.etcd.depth = (uint8_t)depth;
    snprintf(next, sizeof next, "%s", first);
    next[strlen(next) - 1] = last[0];
    snprintf(expected, sizeof expected, "{\"key\":\"%s\",\"range_end\":\"%s\"}",
             base64_text(first), base64_text(next));
    expect_request(&m, "/v3/kv/range", expected);
    m.u.etcd.mode = RANGE_COUNT;
    expected[strlen(expected) - 1] = '\0';
    strcat(expected, ",\"count_only\":true}");
    expect_request(&m, "/v3/kv/range", expected);
}

static void a_prefix_ends_where_its_depth_says(void **state)
{
    (void)state;
    expect_prefix(KEY_QUEUE, 1, "whisk/queue", "f");
    expect_prefix(KEY_EXISTING, 2, "whisk/namespace/guest/", "0");
    expect_prefix(KEY_WARMED, 3, "whisk/warmed/guest/guest/pack/fails/", "0");
    expect_prefix(KEY_THROTTLING, 3, "whisk/throttling/guest/guest/pack/fails", "t");
    expect_prefix(KEY_IN_PROGRESS, 4, "whisk/in-progress/guest/guest/pack/fails/null/", "0");
    struct message m = etcd_request(MSG_ETCD_RANGE);
    m.u.etcd.key = (struct key){0};
    m.u.etcd.mode = RANGE_PREFIX;
    expect_request(&m, "/v3/kv/range", "{\"key\":\"AA==\",\"range_end\":\"AA==\"}");
}

static struct message watch_request(unsigned depth)
{
    struct message m = request_of(MSG_WATCH_CREATE);
    m.u.watch.key = bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER1);
    m.u.watch.depth = (uint8_t)depth;
    m.u.watch.watch = 5;
    return m;
}

static void a_watch_is_of_a_key_or_a_prefix(void **state)
{
    (void)state;
    struct message m = watch_request(WATCH_EXACT);
    expect_request(
        &m, "/v3/watch",
        "{\"create_request\":{\"key\":\"d2hpc2svc2NoZWR1bGVyLzE=\",\"prev_kv\":true}}");
    m.u.watch.depth = 1;
    m.u.watch.revision = 19;
    expect_request(&m, "/v3/watch",
                   "{\"create_request\":{\"key\":\"d2hpc2svc2NoZWR1bGVy\",\"range_end\":"
                   "\"d2hpc2svc2NoZWR1bGVz\",\"prev_kv\":true,\"start_revision\":\"19\"}}");
}

/* ---- answers ---- */

static bool read_answer(const struct message *request, uint16_t status, const char *text,
                        struct message *ret_m)
{
    return wire_etcd_read(&wire, bed->arena, request, status,
                          (struct wire_text){text, strlen(text)}, ret_m);
}

static struct message answer_to(const struct message *request, uint16_t status,
                                const char *text)
{
    struct message m;
    assert_true(read_answer(request, status, text, &m));
    assert_int_equal(m.from, request->to);
    assert_int_equal(m.from_actor, request->to_actor);
    assert_int_equal(m.to, request->from);
    assert_int_equal(m.to_actor, request->from_actor);
    assert_int_equal(m.corr, request->corr);
    return m;
}

static const char *kv_text(const char *key, const char *value)
{
    static char text[2][1024];
    static unsigned next;
    char *to = text[next++ % 2];
    snprintf(
        to, sizeof text[0],
        "{\"key\":\"%s\",\"create_revision\":\"2\",\"mod_revision\":\"3\",\"version\":\"2\","
        "\"value\":\"%s\",\"lease\":\"777\"}",
        base64_text(key), base64_text(value));
    return to;
}

static void writes_are_answered(void **state)
{
    (void)state;
    struct message m = etcd_request(MSG_ETCD_PUT);
    struct message done = answer_to(&m, 200, OK_(""));
    assert_int_equal(done.kind, MSG_ETCD_DONE);
    assert_int_equal(done.u.etcd_done.revision, 13);
    assert_int_equal(done.u.etcd_done.status, ETCD_OK);
    m.kind = MSG_ETCD_TXN;
    done = answer_to(&m, 200,
                     OK_(",\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":"
                         "{\"revision\":\"13\"}}}]"));
    assert_int_equal(done.u.etcd_done.succeeded, 1);
    done = answer_to(&m, 200, OK_(""));
    assert_int_equal(done.u.etcd_done.succeeded, 0);
    assert_int_equal(done.u.etcd_done.status, ETCD_OK);
    m.kind = MSG_ETCD_DELETE;
    done = answer_to(&m, 200, OK_(",\"deleted\":\"1\""));
    assert_int_equal(done.u.etcd_done.count, 1);
    done = answer_to(&m, 200, OK_(""));
    assert_int_equal(done.u.etcd_done.count, 0);
}

static void errors_are_told_apart(void **state)
{
    (void)state;
    static const char not_found[] =
        "{\"error\":\"etcdserver: requested lease not found\",\"message\":\"etcdserver: "
        "requested lease not found\",\"code\":5}";
    static const char exists[] = "{\"error\":\"etcdserver: lease already exists\",\"message\":"
                                 "\"etcdserver: lease already exists\",\"code\":9}";
    static const struct {
        uint16_t status;
        const char *text;
        enum etcd_status expected;
    } errors[] = {
        {404, not_found, ETCD_LEASE_NOT_FOUND},
        {404, "Not Found", ETCD_UNAVAILABLE},
        {412, exists, ETCD_LEASE_EXISTS},
        {412, not_found, ETCD_UNAVAILABLE},
        {503, "", ETCD_UNAVAILABLE},
        {0, "", ETCD_UNAVAILABLE},
        {500, not_found, ETCD_UNAVAILABLE},
    };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct message m = etcd_request(MSG_ETCD_PUT);
        struct message done = answer_to(&m, errors[i].status, errors[i].text);
        assert_int_equal(done.u.etcd_done.status, errors[i].expected);
        m = request_of(MSG_LEASE_REVOKE);
        m.u.lease.lease = 777;
        done = answer_to(&m, errors[i].status, errors[i].text);
        assert_int_equal(done.kind, MSG_LEASE_DONE);
        assert_int_equal(done.u.lease.lease, 777);
        assert_int_equal(done.u.lease.status, errors[i].expected);
    }
}

static void leases_are_answered(void **state)
{
    (void)state;
    struct message m = request_of(MSG_LEASE_GRANT), ignored;
    m.u.lease.lease = 777;
    m.u.lease.ttl_s = 1;
    struct message done = answer_to(&m, 200, OK_(",\"ID\":\"777\",\"TTL\":\"2\""));
    assert_int_equal(done.kind, MSG_LEASE_DONE);
    assert_int_equal(done.u.lease.lease, 777);
    assert_int_equal(done.u.lease.ttl_s, 2);
    assert_false(
        read_answer(&m, 200, OK_(",\"ID\":\"1353509857835834923\",\"TTL\":\"2\""), &ignored));
    m.kind = MSG_LEASE_KEEPALIVE;
    done = answer_to(&m, 200, "{\"result\":" OK_(",\"ID\":\"777\",\"TTL\":\"10\"") "}\n");
    assert_int_equal(done.u.lease.ttl_s, 10);
    done = answer_to(&m, 200, "{\"result\":" OK_(",\"ID\":\"777\"") "}\n");
    assert_int_equal(done.u.lease.ttl_s, 0);
    assert_int_equal(done.u.lease.status, ETCD_OK);
    assert_false(read_answer(&m, 200, OK_(",\"ID\":\"777\""), &ignored));
    m.kind = MSG_LEASE_REVOKE;
    done = answer_to(&m, 200, OK_(""));
    assert_int_equal(done.u.lease.lease, 777);
    assert_int_equal(done.u.lease.status, ETCD_OK);
}

static void one_key_is_read(void **state)
{
    (void)state;
    char text[2048];
    struct message m = etcd_request(MSG_ETCD_RANGE);
    m.u.etcd.key = bed_key(KEY_THROTTLING, BED_GUEST, ACTION_NONE, 0);
    struct message done = answer_to(&m, 200, OK_(""));
    assert_int_equal(done.kind, MSG_ETCD_RANGED);
    assert_int_equal(done.u.etcd_done.count, 0);
    assert_int_equal(done.u.etcd_done.revision, 13);
    snprintf(text, sizeof text, OK_(",\"kvs\":[%s],\"count\":\"1\""),
             kv_text("whisk/throttling/guest", "true"));
    done = answer_to(&m, 200, text);
    assert_int_equal(done.u.etcd_done.count, 1);
    assert_int_equal(done.u.etcd_done.value.kind, VALUE_BOOL);
    assert_int_equal(done.u.etcd_done.value.a, 1);
    snprintf(text, sizeof text, OK_(",\"kvs\":[%s],\"count\":\"1\""),
             kv_text("whisk/throttling/guest", "odd"));
    done = answer_to(&m, 200, text);
    assert_int_equal(done.u.etcd_done.value.kind, VALUE_RAW);
}

static void a_listing_leaves_out_foreign_keys_and_a_count_does_not(void **state)
{
    (void)state;
    char text[4096];
    struct message m = etcd_request(MSG_ETCD_RANGE);
    m.u.etcd.mode = RANGE_PREFIX;
    m.u.etcd.depth = 1;
    snprintf(text, sizeof text, OK_(",\"kvs\":[%s,%s,{\"key\":\"AA==\"}],\"count\":\"3\""),
             kv_text("whisk/scheduler/0", "{\"sid\":{\"asString\":\"0\"},\"queueSize\":3,"
                                          "\"endpoints\":{\"host\":\"scheduler0\",\"rpcPort\":"
                                          "13001,\"pekkoPort\":25520}}"),
             kv_text("whisk/scheduler/1", ""));
    struct message done = answer_to(&m, 200, text);
    assert_int_equal(done.u.etcd_done.count, 2);
    assert_int_equal(blob_size(bed->arena, done.u.etcd_done.kvs), 2 * sizeof(struct etcd_kv));
    const struct etcd_kv *kvs = blob_bytes(bed->arena, done.u.etcd_done.kvs);
    assert_int_equal(kvs[0].key.node, BED_SCHEDULER0);
    assert_int_equal(kvs[0].value.kind, VALUE_SCHEDULER);
    assert_int_equal(kvs[0].value.a, 3);
    assert_int_equal(kvs[0].lease, 777);
    assert_int_equal(kvs[0].create_revision, 2);
    assert_int_equal(kvs[0].mod_revision, 3);
    assert_int_equal(kvs[0].version, 2);
    assert_int_equal(kvs[1].key.node, BED_SCHEDULER1);
    assert_int_equal(kvs[1].value.kind, VALUE_EMPTY);
    m.u.etcd.mode = RANGE_COUNT;
    done = answer_to(&m, 200, OK_(",\"count\":\"3\""));
    assert_int_equal(done.u.etcd_done.count, 3);
    assert_int_equal(done.u.etcd_done.kvs, 0);
}

static void garbage_makes_no_sense(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        OK_(",\"kvs\":{}"),
        OK_(",\"kvs\":[1]"),
        OK_(",\"kvs\":[{}]"),
        OK_(",\"kvs\":[{\"key\":\"AA\"}]"),
        OK_(",\"kvs\":[{\"key\":\"AA==\",\"value\":\"!\"}]"),
        OK_(",\"kvs\":[{\"key\":\"AA==\",\"lease\":\"-1\"}]"),
        OK_(",\"count\":\"x\""),
    };
    struct message m = etcd_request(MSG_ETCD_RANGE), ignored;
    m.u.etcd.mode = RANGE_PREFIX;
    m.u.etcd.depth = 1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_answer(&m, 200, bad[i], &ignored))
            fail_msg("%s", bad[i]);
    }
    m.kind = MSG_ETCD_TXN;
    assert_false(read_answer(&m, 200, OK_(",\"succeeded\":1"), &ignored));
}

/* ---- watches ---- */

struct told {
    struct message list[8];
    uint32_t count;
};

static void tell(void *context, const struct message *m)
{
    struct told *told = context;
    assert_true(told->count < 8);
    told->list[told->count++] = *m;
}

static bool read_line(unsigned depth, const char *text, size_t length, struct told *ret_told)
{
    struct message request = watch_request(depth);
    ret_told->count = 0;
    return wire_etcd_read_watch(&wire, &request, (struct wire_text){text, length}, ret_told,
                                tell);
}

static void a_watch_begins_and_ends(void **state)
{
    (void)state;
    struct told told;
    static const char created[] = "{\"result\":{" HEADER(17) ",\"created\":true}}\n";
    static const char canceled[] =
        "{\"result\":{\"header\":{\"cluster_id\":\"1\"},\"canceled\":"
        "true,\"compact_revision\":\"93\"}}\n";
    assert_true(read_line(1, created, sizeof created - 1, &told));
    assert_int_equal(told.count, 1);
    assert_int_equal(told.list[0].kind, MSG_WATCH_CREATED);
    assert_int_equal(told.list[0].corr, 78);
    assert_int_equal(told.list[0].to, BED_SCHEDULER0);
    assert_int_equal(told.list[0].u.watch.revision, 17);
    assert_int_equal(told.list[0].u.watch.watch, 5);
    assert_int_equal(told.list[0].u.watch.depth, 1);
    assert_true(read_line(1, canceled, sizeof canceled - 1, &told));
    assert_int_equal(told.count, 1);
    assert_int_equal(told.list[0].kind, MSG_WATCH_CANCELED);
    assert_int_equal(told.list[0].u.watch.revision, 93);
}

static size_t events_line(char *text, size_t size)
{
    return (size_t)snprintf(
        text, size,
        "{\"result\":{" HEADER(21) ",\"events\":[{\"kv\":%s},{\"type\":\"DELETE\",\"kv\":"
                                   "{\"key\":\"%s\",\"mod_revision\":\"21\"},\"prev_kv\":%s},"
                                   "{\"kv\":{\"key\":\"AA==\"}}]}}",
        kv_text("whisk/throttling/guest", "true"), base64_text("whisk/throttling/other"),
        kv_text("whisk/throttling/other", "false"));
}

static void a_watch_tells_its_events_in_order(void **state)
{
    (void)state;
    char text[4096];
    struct told told;
    assert_true(read_line(0, text, events_line(text, sizeof text), &told));
    assert_int_equal(told.count, 2); /* the third is nobody's key */
    const struct message *put = &told.list[0], *gone = &told.list[1];
    assert_int_equal(put->kind, MSG_WATCH_EVENT);
    assert_int_equal(put->u.watch.deleted, 0);
    assert_int_equal(put->u.watch.key.ns, BED_GUEST);
    assert_int_equal(put->u.watch.value.a, 1);
    assert_int_equal(put->u.watch.revision, 3);
    assert_int_equal(put->u.watch.watch, 5);
    assert_int_equal(put->from, BED_ETCD);
    assert_int_equal(gone->u.watch.deleted, 1);
    assert_int_equal(gone->u.watch.key.ns, BED_OTHER);
    assert_int_equal(gone->u.watch.value.kind, VALUE_BOOL);
    assert_int_equal(gone->u.watch.value.a, 0);
    assert_int_equal(gone->u.watch.revision, 21);
}

static void a_line_that_makes_no_sense_tells_nothing(void **state)
{
    (void)state;
    char text[4096];
    struct told told;
    size_t length = events_line(text, sizeof text);
    for (size_t at = 0; at < length; at++) {
        char *cut = malloc(at + 1);
        assert_non_null(cut);
        memcpy(cut, text, at);
        assert_false(read_line(0, cut, at, &told));
        assert_int_equal(told.count, 0);
        free(cut);
    }
    char *last = strstr(text, "{\"key\":\"AA==\"}");
    memcpy(last, "{\"key\":\"A!==\"}", 14); /* the two in front of it are good */
    assert_false(read_line(0, text, length, &told));
    assert_int_equal(told.count, 0);
    static const char error[] = "{\"error\":{\"grpc_code\":14,\"message\":\"x\"}}";
    assert_false(read_line(0, error, sizeof error - 1, &told));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(requests_have_the_gateways_spelling),
        TEST(a_prefix_ends_where_its_depth_says),
        TEST(a_watch_is_of_a_key_or_a_prefix),
        TEST(writes_are_answered),
        TEST(errors_are_told_apart),
        TEST(leases_are_answered),
        TEST(one_key_is_read),
        TEST(a_listing_leaves_out_foreign_keys_and_a_count_does_not),
        TEST(garbage_makes_no_sense),
        TEST(a_watch_begins_and_ends),
        TEST(a_watch_tells_its_events_in_order),
        TEST(a_line_that_makes_no_sense_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
