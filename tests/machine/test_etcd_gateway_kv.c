/*
 * test_etcd_gateway_kv.c - keys over etcd's JSON gateway: recorded pairs, byte for byte.
 */
#include "support/etcd_http.h"
#include <stdio.h>
#include <string.h>

#define A "\"key\":\"d2hpc2svYQ==\""                          /* whisk/a */
#define B "\"key\":\"d2hpc2svYg==\""                          /* whisk/b */
#define ALL "\"key\":\"d2hpc2sv\",\"range_end\":\"d2hpc2sw\"" /* whisk/... */
#define LEAD "\"key\":\"bGVhZA==\""                           /* lead */
#define ERROR(text, code) "{\"error\":\"" text "\",\"message\":\"" text "\",\"code\":" #code "}"
#define NO_KEY ERROR("etcdserver: key is not provided", 3)
#define NO_LEASE ERROR("etcdserver: requested lease not found", 5)
#define COMPACTED ERROR("etcdserver: mvcc: required revision has been compacted", 11)
#define FUTURE ERROR("etcdserver: mvcc: required revision is a future revision", 11)

struct pair { /* one call on what those above it have left */
    const char *path, *body;
    unsigned status;
    const char *answer;
};

static void run(struct bed *bed, const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        etcd_http_expect(bed, pairs[i].path, pairs[i].body, pairs[i].status, pairs[i].answer);
}
#define RUN(bed, pairs) run(bed, pairs, sizeof(pairs) / sizeof((pairs)[0]))

static void puts_ranges_and_deletions_are_answered_as_recorded(void **state)
{
    static const struct pair pairs[] = {
        {"/v3/kv/put", "{" A ",\"value\":\"djE=\"}", 200, "{\"header\":H(2)}"},
        {"/v3/kv/put", "{" A ",\"value\":\"djI=\",\"prev_kv\":true}", 200,
         "{\"header\":H(3),\"prev_kv\":{" A ",\"create_revision\":\"2\",\"mod_revision\":\"2\","
         "\"version\":\"1\",\"value\":\"djE=\"}}"},
        {"/v3/kv/range", "{" A "}", 200,
         "{\"header\":H(3),\"kvs\":[{" A ",\"create_revision\":\"2\",\"mod_revision\":\"3\","
         "\"version\":\"2\",\"value\":\"djI=\"}],\"count\":\"1\"}"},
        {"/v3/kv/range", "{\"key\":\"bm9rZXk=\"}", 200, "{\"header\":H(3)}"},
        {"/v3/kv/put", "{" B ",\"value\":\"\"}", 200, "{\"header\":H(4)}"},
        {"/v3/kv/range", "{" ALL "}", 200,
         "{\"header\":H(4),\"kvs\":[{" A ",\"create_revision\":\"2\",\"mod_revision\":\"3\","
         "\"version\":\"2\",\"value\":\"djI=\"},{" B ",\"create_revision\":\"4\","
         "\"mod_revision\":\"4\",\"version\":\"1\"}],\"count\":\"2\"}"},
        {"/v3/kv/range", "{" ALL ",\"count_only\":true}", 200,
         "{\"header\":H(4),\"count\":\"2\"}"},
        {"/v3/kv/range", "{" ALL ",\"limit\":1}", 200,
         "{\"header\":H(4),\"kvs\":[{" A ",\"create_revision\":\"2\",\"mod_revision\":\"3\","
         "\"version\":\"2\",\"value\":\"djI=\"}],\"more\":true,\"count\":\"2\"}"},
        {"/v3/kv/range", "{" ALL ",\"keysOnly\":true,\"limit\":\"-1\"}", 200,
         "{\"header\":H(4),\"kvs\":[{" A ",\"create_revision\":\"2\",\"mod_revision\":\"3\","
         "\"version\":\"2\"},{" B ",\"create_revision\":\"4\",\"mod_revision\":\"4\","
         "\"version\":\"1\"}],\"count\":\"2\"}"},
        {"/v3/kv/range", "{" A ",\"revision\":2}", 200,
         "{\"header\":H(4),\"kvs\":[{" A ",\"create_revision\":\"2\",\"mod_revision\":\"2\","
         "\"version\":\"1\",\"value\":\"djE=\"}],\"count\":\"1\"}"},
        {"/v3/kv/range", "{" A ",\"revision\":\"99\"}", 400, FUTURE},
        {"/v3/kv/deleterange", "{" A "}", 200, "{\"header\":H(5),\"deleted\":\"1\"}"},
        {"/v3/kv/deleterange", "{" A "}", 200, "{\"header\":H(5)}"},
        {"/v3/kv/put", "{" A ",\"value\":\"djM=\"}", 200, "{\"header\":H(6)}"},
        {"/v3/kv/range", "{" A "}", 200,
         "{\"header\":H(6),\"kvs\":[{" A ",\"create_revision\":\"6\",\"mod_revision\":\"6\","
         "\"version\":\"1\",\"value\":\"djM=\"}],\"count\":\"1\"}"},
        {"/v3/kv/deleterange", "{" ALL ",\"prev_kv\":true}", 200,
         "{\"header\":H(7),\"deleted\":\"2\",\"prev_kvs\":[{" A ",\"create_revision\":\"6\","
         "\"mod_revision\":\"6\",\"version\":\"1\",\"value\":\"djM=\"},{" B
         ",\"create_revision\":\"4\",\"mod_revision\":\"4\",\"version\":\"1\"}]}"},
        {"/v3/kv/compaction", "{\"revision\":\"6\"}", 200, "{\"header\":H(7)}"},
        {"/v3/kv/compaction", "{\"revision\":\"6\"}", 400, COMPACTED},
        {"/v3/kv/compaction", "{\"revision\":\"106\"}", 400, FUTURE},
        {"/v3/kv/range", "{" A ",\"revision\":\"5\"}", 400, COMPACTED},
        {"/v3/kv/range", "{" A ",\"revision\":\"6\",\"count_only\":true}", 200,
         "{\"header\":H(7),\"count\":\"1\"}"},
    };
    (void)state;
    struct bed *bed = etcd_bed_new();
    RUN(bed, pairs);
    bed_free(bed);
}

#define TXN_LEAD                                                                               \
    "\"compare\":[{" LEAD ",\"target\":\"VERSION\",\"result\":\"EQUAL\",\"version\":\"0\"}],"  \
    "\"success\":[{\"request_put\":{" LEAD ",\"value\":\"czA=\"}}]"
#define TXN_LEASE(number)                                                                      \
    "{\"compare\":[{" LEAD ",\"version\":\"" #number "\"}],"                                   \
    "\"success\":[{\"request_put\":{" LEAD ",\"lease\":4242}}]}"

static void transactions_are_answered_as_recorded(void **state)
{
    static const struct pair pairs[] = {
        {"/v3/kv/txn", "{" TXN_LEAD "}", 200,
         "{\"header\":H(2),\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":"
         "{\"revision\":\"2\"}}}]}"},
        {"/v3/kv/txn", "{" TXN_LEAD "}", 200, "{\"header\":H(2)}"},
        {"/v3/kv/txn", "{" TXN_LEAD ",\"failure\":[{\"request_range\":{" LEAD "}}]}", 200,
         "{\"header\":H(2),\"responses\":[{\"response_range\":{\"header\":{\"revision\":\"2\"},"
         "\"kvs\":[{" LEAD
         ",\"create_revision\":\"2\",\"mod_revision\":\"2\",\"version\":\"1\","
         "\"value\":\"czA=\"}],\"count\":\"1\"}}]}"},
        {"/v3/kv/txn",
         "{\"success\":[{\"request_put\":{" LEAD ",\"value\":\"czE=\",\"prev_kv\":true}},"
         "{\"request_range\":{" LEAD "}},{\"request_delete_range\":{\"key\":\"bm9rZXk=\"}}]}",
         200,
         "{\"header\":H(3),\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":"
         "{\"revision\":\"3\"},\"prev_kv\":{" LEAD ",\"create_revision\":\"2\","
         "\"mod_revision\":\"2\",\"version\":\"1\",\"value\":\"czA=\"}}},{\"response_range\":"
         "{\"header\":{\"revision\":\"3\"},\"kvs\":[{" LEAD ",\"create_revision\":\"2\","
         "\"mod_revision\":\"3\",\"version\":\"2\",\"value\":\"czE=\"}],\"count\":\"1\"}},"
         "{\"response_delete_range\":{\"header\":{\"revision\":\"3\"}}}]}"},
        {"/v3/kv/txn", /* an operation in front of the first change tells the former revision */
         "{\"success\":[{\"requestRange\":{" A "}},{\"requestDeleteRange\":{" A "}},"
         "{\"requestPut\":{" B "}}]}",
         200,
         "{\"header\":H(4),\"succeeded\":true,\"responses\":[{\"response_range\":{\"header\":"
         "{\"revision\":\"3\"}}},{\"response_delete_range\":{\"header\":{\"revision\":\"3\"}}},"
         "{\"response_put\":{\"header\":{\"revision\":\"4\"}}}]}"},
        {"/v3/kv/txn",
         "{\"success\":[{\"request_put\":{" LEAD "}},{\"request_put\":{" LEAD "}}]}", 400,
         ERROR("etcdserver: duplicate key given in txn request", 3)},
        {"/v3/kv/txn", TXN_LEASE(2), 404, NO_LEASE},
        {"/v3/kv/txn", TXN_LEASE(9), 200, "{\"header\":H(4)}"},
        {"/v3/kv/txn", "{}", 200, "{\"header\":H(4),\"succeeded\":true}"},
        {"/v3/kv/txn", "", 200, "{\"header\":H(4),\"succeeded\":true}"},
        {"/v3/kv/txn", "{\"compare\":[{}]}", 400, NO_KEY},
        {"/v3/kv/txn", "{\"success\":[{\"request_range\":{}}]}", 400, NO_KEY},
        {"/v3/kv/txn", "{\"failure\":[{}]}", 400, ERROR("etcdserver: key not found", 3)},
        {"/v3/kv/txn", "{\"success\":[{\"request_put\":null}]}", 400,
         ERROR("etcdserver: key not found", 3)},
        {"/v3/kv/txn", "{\"success\":[{\"request_txn\":{}}]}", 200,
         "{\"header\":H(4),\"succeeded\":true,\"responses\":[{\"response_txn\":{\"header\":{},"
         "\"succeeded\":true}}]}"},
        {"/v3/kv/txn", /* inner compares look at what was before the outer puts */
         "{\"success\":[{\"request_put\":{\"key\":\"eA==\"}},{\"request_txn\":{\"compare\":["
         "{\"key\":\"eA==\",\"version\":1}],\"failure\":[{\"request_range\":{\"key\":\"eA==\","
         "\"count_only\":true}}]}}]}",
         200,
         "{\"header\":H(5),\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":"
         "{\"revision\":\"5\"}}},{\"response_txn\":{\"header\":{},\"responses\":["
         "{\"response_range\":{\"header\":{\"revision\":\"5\"},\"count\":\"1\"}}]}}]}"},
        {"/v3/kv/txn",
         "{\"success\":[{\"request_put\":{\"key\":\"eA==\"}},{\"request_txn\":{\"failure\":["
         "{\"request_put\":{\"key\":\"eA==\"}}]}}]}",
         400, ERROR("etcdserver: duplicate key given in txn request", 3)},
        {"/v3/kv/txn", /* branches exclude each other */
         "{\"success\":[{\"request_txn\":{\"success\":[{\"request_put\":{\"key\":\"eA==\"}}],"
         "\"failure\":[{\"request_put\":{\"key\":\"eA==\"}}]}}]}",
         200,
         "{\"header\":H(6),\"succeeded\":true,\"responses\":[{\"response_txn\":{\"header\":{},"
         "\"succeeded\":true,\"responses\":[{\"response_put\":{\"header\":{\"revision\":"
         "\"6\"}}}]}}]}"},
    };
    (void)state;
    struct bed *bed = etcd_bed_new();
    RUN(bed, pairs);
    bed_free(bed);
}

/* lead: created at 2, changed at 3, value s1, lease 777. */
static void compares_take_names_numbers_and_defaults(void **state)
{
    static const struct {
        const char *compare;
        bool holds;
    } cases[] = {
        {"{" LEAD ",\"version\":\"2\"}", true},
        {"{" LEAD ",\"version\":2}", true},
        {"{" LEAD ",\"version\":3}", false},
        {"{" LEAD "}", false},
        {"{" LEAD ",\"result\":1}", true},
        {"{" LEAD ",\"result\":\"GREATER\",\"version\":\"-1\"}", true},
        {"{" LEAD ",\"result\":\"LESS\",\"version\":\"-1\"}", false},
        {"{" LEAD ",\"result\":\"NOT_EQUAL\",\"version\":7}", true},
        {"{" LEAD ",\"target\":\"CREATE\",\"create_revision\":\"2\"}", true},
        {"{" LEAD ",\"target\":1,\"createRevision\":\"2\"}", true},
        {"{" LEAD ",\"target\":\"MOD\",\"mod_revision\":\"3\"}", true},
        {"{" LEAD ",\"target\":\"MOD\",\"modRevision\":\"2\",\"result\":\"LESS\"}", false},
        {"{" LEAD ",\"target\":\"VALUE\",\"value\":\"czE=\"}", true},
        {"{" LEAD ",\"target\":\"VALUE\",\"value\":\"czA=\",\"result\":\"GREATER\"}", true},
        {"{" LEAD ",\"target\":\"VALUE\",\"value\":\"czA=\"}", false},
        {"{" LEAD ",\"target\":\"LEASE\",\"lease\":\"777\"}", true},
        {"{" LEAD ",\"target\":\"MOD\",\"version\":\"3\"}", false}, /* not its field: 0 */
        {"{" A ",\"target\":\"VERSION\",\"version\":\"0\"}", true},
        {"{" A ",\"target\":\"LEASE\"}", true},
        {"{" A ",\"target\":\"VALUE\",\"value\":\"\"}", false},
        {"{" A ",\"target\":\"VALUE\",\"value\":\"eA==\",\"result\":\"NOT_EQUAL\"}", false},
        {"{\"key\":\"AA==\",\"range_end\":\"AA==\",\"target\":\"MOD\",\"result\":\"GREATER\","
         "\"mod_revision\":\"1\"}",
         true},
        {"{\"key\":\"AA==\",\"rangeEnd\":\"AA==\",\"target\":\"MOD\",\"result\":\"GREATER\","
         "\"mod_revision\":\"3\"}",
         false},
    };
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_post(bed, "/v3/lease/grant", "{\"TTL\":10,\"ID\":777}", 1);
    etcd_http_post(bed, "/v3/kv/put", "{" LEAD ",\"value\":\"czA=\"}", 1);
    etcd_http_post(bed, "/v3/kv/put", "{" LEAD ",\"value\":\"czE=\",\"lease\":\"777\"}", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[512];
        snprintf(body, sizeof body, "{\"compare\":[%s]}", cases[i].compare);
        etcd_http_expect(bed, "/v3/kv/txn", body, 200,
                         cases[i].holds ? "{\"header\":H(3),\"succeeded\":true}"
                                        : "{\"header\":H(3)}");
    }
    bed_free(bed);
}

static void the_front_door_refuses_with_the_servers_words(void **state)
{
    static const struct pair pairs[] = {
        {"/v3/kv/put", "{}", 400, NO_KEY},
        {"/v3/kv/put", "", 400, NO_KEY},
        {"/v3/kv/put", "null", 400, NO_KEY},
        {"/v3/kv/range", "{}", 400, NO_KEY},
        {"/v3/kv/deleterange", "{}", 400, NO_KEY},
        {"/v3/kv/put", "{\"key\":\"YQ==\",\"value\":\"YQ==\",\"lease\":\"1234\"}", 404,
         NO_LEASE},
        {"/v3/kv/put", "{" A ",\"ignore_value\":true}", 400,
         ERROR("etcdserver: key not found", 3)},
        {"/v3/kv/put", "{" A ",\"ignoreLease\":true}", 400,
         ERROR("etcdserver: key not found", 3)},
        {"/v3/kv/put", "{" A ",\"ignore_value\":true,\"value\":\"YQ==\"}", 400,
         ERROR("etcdserver: value is provided", 3)},
        {"/v3/kv/put", "{" A ",\"ignore_lease\":true,\"lease\":\"1\"}", 400,
         ERROR("etcdserver: lease is provided", 3)},
        /* of two errors a put alone tells of the lease, one in a transaction of the key */
        {"/v3/kv/put", "{" A ",\"ignore_value\":true,\"lease\":\"1234\"}", 404, NO_LEASE},
        {"/v3/kv/txn",
         "{\"success\":[{\"request_put\":{" A ",\"ignore_value\":true,\"lease\":\"1234\"}}]}",
         400, ERROR("etcdserver: key not found", 3)},
        {"/v3/kv/range", "{" A "}", 200, "{\"header\":H(1)}"},
    };
    (void)state;
    struct bed *bed = etcd_bed_new();
    RUN(bed, pairs);
    bed_free(bed);
}

static void ignored_values_and_leases_are_kept(void **state)
{
    static const struct pair pairs[] = {
        {"/v3/lease/grant", "{\"TTL\":\"10\",\"ID\":\"777\"}", 200,
         "{\"header\":H(1),\"ID\":\"777\",\"TTL\":\"10\"}"},
        {"/v3/kv/put", "{" A ",\"value\":\"djE=\",\"lease\":777}", 200, "{\"header\":H(2)}"},
        {"/v3/kv/put", "{" A ",\"ignore_value\":true,\"ignore_lease\":true}", 200,
         "{\"header\":H(3)}"},
        {"/v3/kv/range", "{" A "}", 200,
         "{\"header\":H(3),\"kvs\":[{" A ",\"create_revision\":\"2\",\"mod_revision\":\"3\","
         "\"version\":\"2\",\"value\":\"djE=\",\"lease\":\"777\"}],\"count\":\"1\"}"},
        {"/v3/kv/put", "{" A ",\"ignore_value\":true}", 200, "{\"header\":H(4)}"},
        {"/v3/kv/range", "{" A "}", 200,
         "{\"header\":H(4),\"kvs\":[{" A ",\"create_revision\":\"2\",\"mod_revision\":\"4\","
         "\"version\":\"3\",\"value\":\"djE=\"}],\"count\":\"1\"}"},
    };
    (void)state;
    struct bed *bed = etcd_bed_new();
    RUN(bed, pairs);
    bed_free(bed);
}

/* Keys and values of a range, "key=value " each; both in base64. */
static void expect_order(struct bed *bed, const char *body, const char *expected)
{
    char got[512] = "";
    etcd_http_post(bed, "/v3/kv/range", body, 1);
    const char *at = bed_text(bed, etcd_http_reply(bed, 1)->u.http_reply.body);
    while ((at = strstr(at, "{\"key\":\"")) != NULL) {
        at += strlen("{\"key\":\"");
        snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s ", (int)strcspn(at, "\""),
                 at);
    }
    assert_string_equal(got, expected);
}

/* a=3 at 2, b=1 at 3 and 5, c=2 at 4. */
static void ranges_are_sorted_and_chosen_from(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_post(bed, "/v3/kv/put", "{\"key\":\"YQ==\",\"value\":\"Mw==\"}", 1);
    etcd_http_post(bed, "/v3/kv/put", "{\"key\":\"Yg==\",\"value\":\"MQ==\"}", 1);
    etcd_http_post(bed, "/v3/kv/put", "{\"key\":\"Yw==\",\"value\":\"Mg==\"}", 1);
    etcd_http_post(bed, "/v3/kv/put", "{\"key\":\"Yg==\",\"value\":\"MQ==\"}", 1);
#define RANGE(more) "{\"key\":\"AA==\",\"range_end\":\"AA==\"" more "}"
    expect_order(bed, RANGE(""), "YQ== Yg== Yw== ");
    expect_order(bed, RANGE(",\"sort_order\":\"DESCEND\""), "Yw== Yg== YQ== ");
    expect_order(bed, RANGE(",\"sort_order\":2,\"limit\":2"), "Yw== Yg== ");
    expect_order(bed, RANGE(",\"sort_target\":\"VALUE\""), "Yg== Yw== YQ== ");
    expect_order(bed, RANGE(",\"sortTarget\":\"MOD\",\"sortOrder\":\"ASCEND\""),
                 "YQ== Yw== Yg== ");
    expect_order(bed, RANGE(",\"sort_target\":\"VERSION\",\"sort_order\":\"DESCEND\""),
                 "Yg== YQ== Yw== ");
    expect_order(bed, RANGE(",\"sort_target\":\"VERSION\",\"sort_order\":\"ASCEND\""),
                 "YQ== Yw== Yg== "); /* equal ones keep their order */
    expect_order(bed, RANGE(",\"sort_target\":\"CREATE\",\"limit\":1"), "YQ== ");
    /* without an order only what the limit lets in, and one more, is sorted */
    expect_order(bed, RANGE(",\"sort_target\":\"VALUE\",\"limit\":1"), "Yg== ");
    etcd_http_post(bed, "/v3/kv/put", "{\"key\":\"Yw==\",\"value\":\"MA==\"}", 1);
    expect_order(bed, RANGE(",\"sort_target\":\"VALUE\",\"limit\":1"), "Yg== ");
    expect_order(bed, RANGE(",\"sort_target\":\"VALUE\",\"sort_order\":1,\"limit\":1"),
                 "Yw== ");
    etcd_http_post(bed, "/v3/kv/put", "{\"key\":\"Yg==\",\"value\":\"MQ==\"}", 1);
    expect_order(bed, RANGE(",\"min_mod_revision\":\"4\""), "Yg== Yw== ");
    expect_order(bed, RANGE(",\"max_mod_revision\":\"6\""), "YQ== Yw== ");
    expect_order(bed, RANGE(",\"min_create_revision\":3,\"maxCreateRevision\":3"), "Yg== ");
    etcd_http_expect(bed, "/v3/kv/range", RANGE(",\"min_mod_revision\":4,\"count_only\":true"),
                     200, "{\"header\":H(7),\"count\":\"3\"}");
    etcd_http_expect(bed, "/v3/kv/range", RANGE(",\"min_mod_revision\":99,\"limit\":1"), 200,
                     "{\"header\":H(7),\"count\":\"3\"}");
    etcd_http_expect(bed, "/v3/kv/range", "{\"key\":\"Yg==\",\"range_end\":\"YQ==\"}", 200,
                     "{\"header\":H(7)}");
    bed_free(bed);
}

struct sorted { /* a key, and what it is sorted by */
    unsigned key, value;
};

static void expect_sorted(struct bed *bed, struct sorted *rows, unsigned count, bool downwards)
{
    char body[128], expected[512] = "";
    for (unsigned i = 1; i < count; i++) { /* insertion: equal ones stay as they are */
        for (unsigned at = i; at > 0 && (downwards ? rows[at - 1].value < rows[at].value
                                                   : rows[at - 1].value > rows[at].value);
             at--) {
            struct sorted row = rows[at];
            rows[at] = rows[at - 1];
            rows[at - 1] = row;
        }
    }
    for (unsigned i = 0; i < count; i++)
        snprintf(expected + strlen(expected), 8, "YW%c= ", "EIMQUYcgkosw048"[rows[i].key]);
    snprintf(body, sizeof body, RANGE(",\"sort_target\":\"VALUE\",\"sort_order\":\"%s\""),
             downwards ? "DESCEND" : "ASCEND");
    expect_order(bed, body, expected);
}

/* Keys aA ... of up to 15, with values of few kinds, in any order. */
static void any_number_of_keys_is_sorted_and_equal_ones_keep_their_order(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (unsigned round = 0; round < 120; round++) {
        unsigned count = round % 15 + 1;
        struct bed *bed = etcd_bed_new();
        struct sorted rows[15];
        for (unsigned i = 0; i < count; i++) {
            char body[96];
            seed = draw_mix(seed, i);
            rows[i] = (struct sorted){i, (unsigned)(seed >> 7) % (round / 15 + 1)};
            snprintf(body, sizeof body, "{\"key\":\"YW%c=\",\"value\":\"M%c==\"}",
                     "EIMQUYcgkosw048"[i], "AQgw"[rows[i].value % 4]);
            rows[i].value %= 4;
            etcd_http_post(bed, "/v3/kv/put", body, 1);
        }
        struct sorted again[15];
        memcpy(again, rows, sizeof rows);
        expect_sorted(bed, rows, count, false);
        expect_sorted(bed, again, count, true);
        bed_free(bed);
    }
}

#define TXN_OF(compare) "{\"request_txn\":{\"compare\":[" compare "]}}"

static void numbers_that_name_nothing_are_refused_or_passed_over(void **state)
{
#define UNKNOWN ERROR("unknown target or result of a compare", 12)
    static const struct pair pairs[] = {
        {"/v3/kv/txn", "{\"compare\":[{" A ",\"target\":5}]}", 501, UNKNOWN},
        {"/v3/kv/txn", "{\"compare\":[{" A ",\"target\":-1}]}", 501, UNKNOWN},
        {"/v3/kv/txn", "{\"compare\":[{" A ",\"result\":4}]}", 501, UNKNOWN},
        {"/v3/kv/txn", "{\"compare\":[{" A ",\"result\":-1}]}", 501, UNKNOWN},
        {"/v3/kv/txn", "{\"compare\":[{" A "},{" A ",\"target\":5}]}", 501, UNKNOWN},
        {"/v3/kv/txn",
         "{\"success\":[" TXN_OF("{" A ",\"target\":5}") ",{\"request_put\":{" A "}}]}", 501,
         UNKNOWN},
        {"/v3/kv/txn", "{\"failure\":[" TXN_OF("{" A ",\"result\":4}") "]}", 501, UNKNOWN},
        {"/v3/kv/txn", "{\"compare\":[{" A ",\"target\":4,\"result\":3}]}", 200,
         "{\"header\":H(1)}"},
        {"/v3/kv/put", "{" A ",\"value\":\"MQ==\"}", 200, "{\"header\":H(2)}"},
        {"/v3/kv/put", "{" B ",\"value\":\"MA==\"}", 200, "{\"header\":H(3)}"},
        {"/v3/kv/range", "{" ALL ",\"keys_only\":true,\"sort_order\":3,\"sort_target\":5}", 200,
         "{\"header\":H(3),\"kvs\":[{" A ",\"create_revision\":\"2\",\"mod_revision\":\"2\","
         "\"version\":\"1\"},{" B ",\"create_revision\":\"3\","
         "\"mod_revision\":\"3\",\"version\":\"1\"}],\"count\":\"2\"}"},
        {"/v3/kv/range",
         "{" ALL ",\"limit\":-1,\"sort_order\":-1,\"sort_target\":-1,"
         "\"count_only\":true,\"revision\":-1}",
         200, "{\"header\":H(3),\"count\":\"2\"}"},
        {"/v3/kv/range", "{" ALL ",\"keys_only\":true,\"limit\":1}", 200,
         "{\"header\":H(3),\"kvs\":[{" A ",\"create_revision\":\"2\",\"mod_revision\":\"2\","
         "\"version\":\"1\"}],\"more\":true,\"count\":\"2\"}"},
    };
    (void)state;
    struct bed *bed = etcd_bed_new();
    RUN(bed, pairs);
    bed_free(bed);
}

static void keys_of_the_components_are_met_by_their_texts(void **state)
{
    static const char value[] =
        "{\"header\":H(2),\"kvs\":[{\"key\":\"d2hpc2svaW5zdGFuY2UvaW52b2tl"
        "cjAvMC9sZWFzZQ==\",\"create_revision\":\"2\","
        "\"mod_revision\":\"2\",\"version\":\"1\",\"value\":\"NDI=\"}],"
        "\"count\":\"1\"}";
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct key key = bed_key(KEY_INSTANCE, NAMESPACE_NONE, ACTION_NONE, BED_INVOKER0);
    char text[256];
    key_print(&bed->cluster, &key, text, sizeof text);
    assert_string_equal(text, "whisk/instance/invoker0/0/lease");
    etcd_bed_put(bed, key, 42, 0);
    etcd_http_expect(bed, "/v3/kv/range",
                     "{\"key\":\"d2hpc2svaW5zdGFuY2UvaW52b2tlcjAvMC9sZWFzZQ==\"}", 200, value);
    etcd_http_expect(bed, "/v3/kv/deleterange",
                     "{\"key\":\"d2hpc2svaW5zdGFuY2UvaW52b2tlcjAvMC9sZWFzZQ==\"}", 200,
                     "{\"header\":H(3),\"deleted\":\"1\"}");
    const struct message *m = etcd_bed_range(bed, RANGE_GET, key, 0);
    assert_int_equal(m->u.etcd_done.count, 0);
    assert_int_equal(bed_record_count(bed, RECORD_KEY_PUT), 1);
    assert_int_equal(bed_record_count(bed, RECORD_KEY_DELETED), 1);
    bed_free(bed);
}

static void foreign_keys_leave_no_records(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_post(bed, "/v3/kv/put", "{" A ",\"value\":\"djE=\"}", 1);
    etcd_http_post(bed, "/v3/kv/deleterange", "{" ALL "}", 1);
    assert_int_equal(bed->record_count, 0);
    bed_free(bed);
}

static void what_is_stored_outlives_the_process_and_the_term_grows(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_post(bed, "/v3/kv/put", "{" A ",\"value\":\"djE=\"}", 1);
    bed_crash(bed);
    bed_start(bed);
    etcd_http_post(bed, "/v3/kv/range", "{" A "}", 1);
    assert_string_equal(
        bed_text(bed, etcd_http_reply(bed, 1)->u.http_reply.body),
        "{\"header\":{\"cluster_id\":\"15875391935852295136\",\"member_id\":"
        "\"7383792418829112008\",\"revision\":\"2\",\"raft_term\":\"3\"},\"kvs\":[{" A
        ",\"create_revision\":\"2\",\"mod_revision\":\"2\",\"version\":\"1\",\"value\":"
        "\"djE=\"}],\"count\":\"1\"}");
    bed_free(bed);
}

#define PUT_A "{\"request_put\":{\"key\":\"YQ==\"}}"
#define PUT_B "{\"request_put\":{\"key\":\"Yg==\"}}"
#define DELETE_A "{\"request_delete_range\":{\"key\":\"YQ==\"}}"
#define TXN(then, otherwise)                                                                   \
    "{\"request_txn\":{\"success\":[" then "],\"failure\":[" otherwise "]}}"

static void what_a_transaction_puts_and_then_deletes_is_gone_and_both_are_told(void **state)
{
    static const char both[] =
        "{\"success\":[" TXN(PUT_A, "") "," TXN(DELETE_A "," DELETE_A, "") "]}";
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_post(bed, "/v3/watch", "{\"create_request\":{\"key\":\"YQ==\",\"prev_kv\":true}}",
                   9);
    for (unsigned round = 0; round < 3; round++)
        etcd_http_post(bed, "/v3/kv/txn", both, 1);
    etcd_http_expect(bed, "/v3/kv/range", "{\"key\":\"YQ==\"}", 200, "{\"header\":H(4)}");
    etcd_http_expect(bed, "/v3/kv/range", "{\"key\":\"YQ==\",\"revision\":2}", 200,
                     "{\"header\":H(4)}");
#define KV_AT(n)                                                                               \
    "{\"key\":\"YQ==\",\"create_revision\":\"" #n "\",\"mod_revision\":\"" #n                  \
    "\",\"version\":\"1\"}"
#define TOLD_AT(n)                                                                             \
    "{\"result\":{\"header\":H(" #n "),\"events\":[{\"kv\":" KV_AT(                            \
        n) "},{\"type\":"                                                                      \
           "\"DELETE\",\"kv\":{\"key\":\"YQ==\",\"mod_revision\":\"" #n                        \
           "\"},\"prev_kv\":" KV_AT(n) "}]}}\n"
    etcd_http_expect_lines(bed, 9,
                           "{\"result\":{\"header\":H(1),\"created\":true}}\n" TOLD_AT(2)
                               TOLD_AT(3) TOLD_AT(4));
    etcd_http_expect(bed, "/v3/kv/compaction", "{\"revision\":3}", 200, "{\"header\":H(4)}");
    etcd_http_expect(bed, "/v3/kv/compaction", "{\"revision\":4}", 200, "{\"header\":H(4)}");
    etcd_http_expect(bed, "/v3/kv/put", "{\"key\":\"YQ==\"}", 200, "{\"header\":H(5)}");
    etcd_http_expect(bed, "/v3/kv/range", "{\"key\":\"YQ==\"}", 200,
                     "{\"header\":H(5),\"kvs\":[" KV_AT(5) "],\"count\":\"1\"}");
    bed_free(bed);
}

/* Deletions of a level and of transactions before stand against a put, puts of transactions
 * before too, but not the other branch (key.go, checkIntervals). */
static void a_key_is_put_once_and_not_where_it_is_deleted(void **state)
{
    static const struct {
        const char *ops;
        bool collides;
    } cases[] = {
        {PUT_A "," PUT_A, true},
        {PUT_A "," PUT_B, false},
        {PUT_A "," DELETE_A, true},
        {PUT_B "," DELETE_A, false},
        {TXN(PUT_A, PUT_A), false},
        {TXN(DELETE_A, PUT_A), false},
        {TXN(PUT_A, DELETE_A), false},
        {TXN(PUT_A "," DELETE_A, ""), true},
        {TXN("", DELETE_A "," PUT_A), true},
        {TXN(DELETE_A, "") "," TXN(PUT_A, ""), true},
        {TXN(DELETE_A, "") "," TXN("", PUT_A), true},
        {TXN("", DELETE_A) "," TXN("", PUT_A), true},
        {TXN(DELETE_A, "") "," TXN(PUT_B, PUT_B), false},
        {TXN(PUT_A, "") "," TXN(DELETE_A, ""), false},
        {TXN(PUT_A, "") "," TXN("", PUT_A), true},
        {TXN("", PUT_A) "," TXN(PUT_A, ""), true},
        {TXN("", PUT_A) "," TXN(PUT_B, ""), false},
        {PUT_A "," TXN(PUT_A, ""), true},
        {PUT_A "," TXN("", PUT_A), true},
        {PUT_B "," TXN("", PUT_A), false},
        {PUT_A "," TXN(DELETE_A, ""), true},
        {PUT_A "," TXN("", DELETE_A), true},
        {TXN(TXN(DELETE_A, ""), "") "," PUT_A, true},
        {TXN(TXN(DELETE_A, ""), "") "," PUT_B, false},
        {TXN(TXN("", PUT_A), "") "," PUT_A, true},
        {TXN(TXN("", PUT_A), "") "," PUT_B, false},
        {DELETE_A "," TXN(TXN(PUT_A, ""), ""), true},
        {DELETE_A "," TXN("", TXN("", PUT_A)), true},
        {DELETE_A "," TXN("", TXN("", PUT_B)), false},
        {TXN(TXN(PUT_A, ""), "") "," TXN("", TXN("", PUT_A)), true},
        {TXN(TXN(DELETE_A, ""), "") "," TXN("", TXN("", PUT_A)), true},
        {TXN(TXN(PUT_B, ""), "") "," TXN("", TXN("", PUT_A)), false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bed *bed = etcd_bed_new();
        char body[2048];
        for (unsigned branch = 0; branch < 2; branch++) { /* also of the branch not taken */
            snprintf(body, sizeof body, "{\"%s\":[%s]}", branch == 0 ? "success" : "failure",
                     cases[i].ops);
            etcd_http_post(bed, "/v3/kv/txn", body, 1);
            const struct message *m = etcd_http_reply(bed, 1);
            if (m->u.http_reply.status != (cases[i].collides ? 400 : 200))
                fail_msg("%s\n%s", body, bed_text(bed, m->u.http_reply.body));
            bed_forget(bed);
        }
        bed_free(bed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_ranges_and_deletions_are_answered_as_recorded),
        cmocka_unit_test(transactions_are_answered_as_recorded),
        cmocka_unit_test(compares_take_names_numbers_and_defaults),
        cmocka_unit_test(the_front_door_refuses_with_the_servers_words),
        cmocka_unit_test(ignored_values_and_leases_are_kept),
        cmocka_unit_test(ranges_are_sorted_and_chosen_from),
        cmocka_unit_test(any_number_of_keys_is_sorted_and_equal_ones_keep_their_order),
        cmocka_unit_test(numbers_that_name_nothing_are_refused_or_passed_over),
        cmocka_unit_test(keys_of_the_components_are_met_by_their_texts),
        cmocka_unit_test(foreign_keys_leave_no_records),
        cmocka_unit_test(what_is_stored_outlives_the_process_and_the_term_grows),
        cmocka_unit_test(a_key_is_put_once_and_not_where_it_is_deleted),
        cmocka_unit_test(what_a_transaction_puts_and_then_deletes_is_gone_and_both_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
