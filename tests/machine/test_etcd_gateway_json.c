/*
 * test_etcd_gateway_json.c - what etcd's JSON gateway reads, what it refuses in which words,
 * and paths and methods.
 */
#include "support/etcd_http.h"
#include <stdio.h>
#include <string.h>

#define K5 "\\u006b\\u006b\\u006b\\u006b\\u006b"
#define LONG_NAME K5 K5 K5 K5 K5 K5 /* longer than any name, however it is written */
#define BYTES_AS_LIST "[97,98,null]"

/* A put with this body is refused with this text, code 3. */
static const struct refusal {
    const char *body, *text;
} refusals[] = {
    {"{bad json", "invalid character 'b' looking for beginning of object key string"},
    {"{\"key\":\"YQ==\",\"value\":\"Yg==\"", "unexpected EOF"},
    {"{\"key\":\"YQ", "unexpected EOF"},
    {"{\"key\"", "unexpected EOF"},
    {"[", "unexpected EOF"},
    {"}", "invalid character '}' looking for beginning of value"},
    {"{\"key\" 1}", "invalid character '1' after object key"},
    {"{\"key\":1 2}", "invalid character '2' after object key:value pair"},
    {"{\"key\":[1 2]}", "invalid character '2' after array element"},
    {"{\"key\":[1,]}", "invalid character ']' looking for beginning of value"},
    {"{\"key\":1,}", "invalid character '}' looking for beginning of object key string"},
    {"{\"key\":tru}", "invalid character '}' in literal true (expecting 'e')"},
    {"{\"key\":nul", "unexpected EOF"},
    {"{\"key\":falsy}", "invalid character 'y' in literal false (expecting 'e')"},
    {"{\"key\":-x}", "invalid character 'x' in numeric literal"},
    {"{\"key\":01}", "invalid character '1' after object key:value pair"},
    {"{\"key\":1.}", "invalid character '}' after decimal point in numeric literal"},
    {"{\"key\":1e+}", "invalid character '}' in exponent of numeric literal"},
    {"{\"key\":\"\t\"}", "invalid character '\\\\t' in string literal"},
    {"{\"key\":\"\\x\"}", "invalid character 'x' in string escape code"},
    {"{\"key\":\"\\u00g0\"}", "invalid character 'g' in \\\\u hexadecimal character escape"},
    {"{'key'}", "invalid character '\\\\'' looking for beginning of object key string"},
    {"{\x01}", "invalid character '\\\\x01' looking for beginning of object key string"},
    {"{\xc3}", "invalid character '\xc3\x83' looking for beginning of object key string"},
    {"{<}", "invalid character '\\u003c' looking for beginning of object key string"},
    {"3", "json: cannot unmarshal number into Go value of type map[string]json.RawMessage"},
    {"\"x\"", "json: cannot unmarshal string into Go value of type map[string]json.RawMessage"},
    {"[]", "json: cannot unmarshal array into Go value of type map[string]json.RawMessage"},
    {"true", "json: cannot unmarshal bool into Go value of type map[string]json.RawMessage"},
    {"{\"key\":5}", "json: cannot unmarshal number into Go value of type []uint8"},
    {"{\"key\":{}}", "json: cannot unmarshal object into Go value of type []uint8"},
    {"{\"key\":[true]}", "json: cannot unmarshal bool into Go value of type uint8"},
    {"{\"key\":[256]}", "json: cannot unmarshal number 256 into Go value of type uint8"},
    {"{\"key\":\"YQ\"}", "illegal base64 data at input byte 0"},
    {"{\"key\":\"YQ=\"}", "illegal base64 data at input byte 3"},
    {"{\"key\":\"YWJjZA\"}", "illegal base64 data at input byte 4"},
    {"{\"key\":\"Y Q==\"}", "illegal base64 data at input byte 1"},
    {"{\"key\":\"YQ==YQ==\"}", "illegal base64 data at input byte 4"},
    {"{\"key\":\"_-8=\"}", "illegal base64 data at input byte 0"},
    {"{\"key\":\"YQ=x\"}", "illegal base64 data at input byte 2"},
    {"{\"key\":\"====\"}", "illegal base64 data at input byte 0"},
    {"{\"lease\":\"x\"}", "invalid character 'x' looking for beginning of value"},
    {"{\"lease\":\"\"}", "unexpected end of JSON input"},
    {"{\"lease\":\"1.\"}", "invalid character ' ' after decimal point in numeric literal"},
    {"{\"lease\":\"1e\"}", "invalid character ' ' in exponent of numeric literal"},
    {"{\"lease\":\"-\"}", "invalid character ' ' in numeric literal"},
    {"{\"lease\":\"nul\"}", "invalid character ' ' in literal null (expecting 'l')"},
    {"{\"lease\":\"[1\"}", "unexpected end of JSON input"},
    {"{\"lease\":\"1x\"}", "invalid character 'x' after top-level value"},
    {"{\"lease\":1.5}", "json: cannot unmarshal number 1.5 into Go value of type int64"},
    {"{\"lease\":\"1.5\"}", "json: cannot unmarshal number 1.5 into Go value of type int64"},
    {"{\"lease\":1e3}", "json: cannot unmarshal number 1e3 into Go value of type int64"},
    {"{\"lease\":9223372036854775808}",
     "json: cannot unmarshal number 9223372036854775808 into Go value of type int64"},
    {"{\"lease\":-9223372036854775809}",
     "json: cannot unmarshal number -9223372036854775809 into Go value of type int64"},
    {"{\"lease\":true}", "json: cannot unmarshal bool into Go value of type int64"},
    {"{\"lease\":{}}", "json: cannot unmarshal object into Go value of type int64"},
    {"{\"prev_kv\":\"true\"}", "json: cannot unmarshal string into Go value of type bool"},
    {"{\"prev_kv\":1}", "json: cannot unmarshal number into Go value of type bool"},
};

static void bad_bodies_are_refused_in_the_words_of_the_decoder(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        char answer[512];
        snprintf(answer, sizeof answer, "{\"error\":\"%s\",\"message\":\"%s\",\"code\":3}",
                 refusals[i].text, refusals[i].text);
        etcd_http_expect(bed, "/v3/kv/put", refusals[i].body, 400, answer);
    }
    assert_int_equal(etcd_of(bed)->store.revision, 1);
    bed_free(bed);
}

/* The same of other fields than a put has. */
static void enums_lists_and_messages_have_their_own_words(void **state)
{
    static const struct {
        const char *path, *body, *text;
    } cases[] = {
        {"/v3/kv/range", "{\"sort_order\":\"FOO\"}",
         "unknown value \\\"FOO\\\" for enum etcdserverpb.RangeRequest_SortOrder"},
        {"/v3/kv/range", "{\"sortTarget\":1.5}",
         "json: cannot unmarshal number 1.5 into Go value of type "
         "etcdserverpb.RangeRequest_SortTarget"},
        {"/v3/kv/txn", "{\"compare\":{}}",
         "json: cannot unmarshal object into Go value of type []json.RawMessage"},
        {"/v3/kv/txn", "{\"compare\":[3]}",
         "json: cannot unmarshal number into Go value of type map[string]json.RawMessage"},
        {"/v3/kv/txn", "{\"compare\":[{\"target\":\"SIZE\"}]}",
         "unknown value \\\"SIZE\\\" for enum etcdserverpb.Compare_CompareTarget"},
        {"/v3/kv/txn", "{\"success\":[{\"request_put\":{\"key\":\"?\"}}]}",
         "illegal base64 data at input byte 0"},
    };
    (void)state;
    struct bed *bed = etcd_bed_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char answer[512];
        snprintf(answer, sizeof answer, "{\"error\":\"%s\",\"message\":\"%s\",\"code\":3}",
                 cases[i].text, cases[i].text);
        etcd_http_expect(bed, cases[i].path, cases[i].body, 400, answer);
    }
    bed_free(bed);
}

/* Each body puts (or ranges over) this key and value. */
static void bodies_are_read_generously(void **state)
{
    static const struct {
        const char *body, *shown;
    } cases[] = {
        {"{\"key\":\"YQ==\",\"value\":\"Yg==\"} trash", "a=b"},
        {" \r\n\t{ \"key\" : \"YQ==\" , \"value\" : \"Yw==\" } ", "a=c"},
        {"{\"key\":\"Yg==\",\"nobody\":{\"knows\":[1,{\"it\":null}]}}", "a=c b="},
        {"{\"key\":\"YQ==\",\"key\":\"Yw==\"}", "a=c b= c="},
        {"{\"\\u006bey\":\"YQ\\u003d=\",\"value\":\"ZA==\"}", "a=d b= c="},
        {"{\"key\":\"YQ=\\n=\",\"value\":null,\"lease\":null,\"prev_kv\":null}", "a= b= c="},
        {"{\"key\":" BYTES_AS_LIST "}", "a= ab"},
        {"{\"key\":\"YQ==\",\"value\":\"\\r\\nYWJj\\nZGVm\"}", "a=abcdef ab"},
        {"{\"key\":\"YQ==\",\"lease\":\"0\",\"prevKv\":false,\"prev_kv\":true}", "a= ab"},
        {"{\"key\":\"YQ==\",\"lease\":\" 0 \"}", "a= ab"},
        {"{\"key\":\"YQ==\",\"value\":\"MQ==\",\"" LONG_NAME "\":\"Mg==\"}", "a=1 ab"},
    };
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct etcd_range all = {.span = etcd_bed_all()};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        etcd_http_post(bed, "/v3/kv/put", cases[i].body, 1);
        const struct message *m = etcd_http_reply(bed, 1);
        if (m->u.http_reply.status != 200 ||
            strncmp(etcd_bed_show(bed, &all), cases[i].shown, strlen(cases[i].shown)) != 0)
            print_error("%s\n%s\n", cases[i].body, bed_text(bed, m->u.http_reply.body));
        assert_int_equal(m->u.http_reply.status, 200);
        assert_memory_equal(etcd_bed_show(bed, &all), cases[i].shown, strlen(cases[i].shown));
        assert_null(strstr(bed_text(bed, m->u.http_reply.body), "prev_kv"));
    }
    bed_free(bed);
}

static void all_bytes_come_back_as_they_went_in(void **state)
{
    static const char *const values[] = {"AA==", "AP8=", "/+8B", "AAAA", "gICAgIA=", "w6QK"};
    (void)state;
    struct bed *bed = etcd_bed_new();
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char body[128], answer[512];
        unsigned revision = (unsigned)i + 2;
        snprintf(body, sizeof body, "{\"key\":\"%s\",\"value\":\"%s\"}", values[i], values[i]);
        etcd_http_post(bed, "/v3/kv/put", body, 1);
        snprintf(body, sizeof body, "{\"key\":\"%s\"}", values[i]);
        snprintf(
            answer, sizeof answer,
            "{\"header\":H(%u),\"kvs\":[{\"key\":\"%s\",\"create_revision\":\"%u\","
            "\"mod_revision\":\"%u\",\"version\":\"1\",\"value\":\"%s\"}],\"count\":\"1\"}",
            revision, values[i], revision, revision, values[i]);
        etcd_http_expect(bed, "/v3/kv/range", body, 200, answer);
    }
    bed_free(bed);
}

static void a_body_may_nest_deep_but_not_without_end(void **state)
{
    enum { DEPTH = 10000 };
    static char body[2 * DEPTH + 64];
    (void)state;
    struct bed *bed = etcd_bed_new();
    size_t at = (size_t)snprintf(body, sizeof body, "{\"key\":\"YQ==\",\"x\":");
    memset(body + at, '[', DEPTH - 1);
    memset(body + at + DEPTH - 1, ']', DEPTH - 1);
    strcpy(body + at + 2 * (DEPTH - 1), "}");
    etcd_http_expect(bed, "/v3/kv/put", body, 200, "{\"header\":H(2)}");
    memset(body + at, '[', DEPTH);
    etcd_http_expect(bed, "/v3/kv/put", body, 400,
                     "{\"error\":\"exceeded max depth\",\"message\":\"exceeded max depth\","
                     "\"code\":3}");
    bed_free(bed);
}

/* `depth` transactions, each the only operation of the one around it. */
static void expect_nested(struct bed *bed, unsigned depth, unsigned status, const char *answer)
{
    static const char open[] = "{\"success\":[{\"request_txn\":", close[] = "}]}";
    static char body[200000];
    size_t at = 0;
    for (unsigned i = 1; i < depth; i++, at += sizeof open - 1)
        memcpy(body + at, open, sizeof open - 1);
    at += (size_t)snprintf(body + at, sizeof body - at, "{}");
    for (unsigned i = 1; i < depth; i++, at += sizeof close - 1)
        memcpy(body + at, close, sizeof close - 1);
    body[at] = '\0';
    etcd_http_post(bed, "/v3/kv/txn", body, 1);
    const struct message *m = etcd_http_reply(bed, 1);
    assert_int_equal(m->u.http_reply.status, status);
    assert_non_null(strstr(bed_text(bed, m->u.http_reply.body), answer));
}

static void transactions_nest_as_deep_as_they_have_operations(void **state)
{
    static const char refused[] = "\"etcdserver: too many operations in txn request\"";
    (void)state;
    struct bed *bed = etcd_bed_new();
    expect_nested(bed, 129, 200, "\"succeeded\":true");
    expect_nested(bed, 130, 400, refused);
    expect_nested(bed, 3000, 400, refused);
    bed_free(bed);
}

static void paths_and_methods_are_those_of_the_server(void **state)
{
    static const struct {
        enum http_method method;
        const char *path;
        unsigned status;
        enum content_type content;
        const char *body;
    } cases[] = {
        {HTTP_GET, "/version", 200, CONTENT_JSON,
         "{\"etcdserver\":\"3.4.23\",\"etcdcluster\":\"3.4.0\"}"},
        {HTTP_GET, "/health", 200, CONTENT_TEXT, "{\"health\":\"true\"}"},
        {HTTP_GET, "/health?exclude=NOSPACE", 200, CONTENT_TEXT, "{\"health\":\"true\"}"},
        {HTTP_POST, "/version", 405, CONTENT_TEXT, "Method Not Allowed\n"},
        {HTTP_PUT, "/health", 405, CONTENT_TEXT, "Method Not Allowed\n"},
        {HTTP_GET, "/v3/kv/range", 405, CONTENT_TEXT, "Method Not Allowed\n"},
        {HTTP_PUT, "/v3/watch", 405, CONTENT_TEXT, "Method Not Allowed\n"},
        {HTTP_GET, "/v3beta/lease/leases", 405, CONTENT_TEXT, "Method Not Allowed\n"},
        {HTTP_POST, "/v3/nothing", 404, CONTENT_TEXT, "Not Found\n"},
        {HTTP_GET, "/v3/nothing", 404, CONTENT_TEXT, "Not Found\n"},
        {HTTP_POST, "/v3/kv/range/", 404, CONTENT_TEXT, "Not Found\n"},
        {HTTP_POST, "/v3alpha/kv/range", 404, CONTENT_TEXT, "404 page not found\n"},
        {HTTP_GET, "/", 404, CONTENT_TEXT, "404 page not found\n"},
        {HTTP_GET, "/v2/keys", 404, CONTENT_TEXT, "404 page not found\n"},
        {HTTP_OPTIONS, "/v3/kv/put", 200, CONTENT_NONE, ""},
    };
    (void)state;
    struct bed *bed = etcd_bed_new();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bed_http(bed, cases[i].method, cases[i].path, NULL, NULL);
        bed_expect_http(bed, cases[i].status, cases[i].content, cases[i].body);
    }
    etcd_http_expect(bed, "/v3beta/kv/put", "{\"key\":\"YQ==\"}", 200, "{\"header\":H(2)}");
    etcd_http_expect(bed, "/v3/kv/range?key=YQ==", "{\"key\":\"YQ==\",\"count_only\":true}",
                     200, "{\"header\":H(2),\"count\":\"1\"}");
    bed_free(bed);
}

static void answers_carry_the_headers_of_the_server(void **state)
{
    static const char cors[] =
        "Access-Control-Allow-Headers: accept, content-type, authorization\n"
        "Access-Control-Allow-Methods: POST, GET, OPTIONS, PUT, DELETE\n"
        "Access-Control-Allow-Origin: *\n";
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_post(bed, "/v3/kv/put", "{\"key\":\"YQ==\"}", 1);
    const struct message *m = etcd_http_reply(bed, 1);
    assert_int_equal(m->u.http_reply.content, CONTENT_JSON);
    const char *headers = bed_text(bed, m->u.http_reply.headers);
    assert_memory_equal(headers, cors, sizeof cors - 1);
    assert_string_equal(headers + sizeof cors - 1,
                        "Grpc-Metadata-Content-Type: application/grpc\n");
    etcd_http_post(bed, "/v3/kv/put", "", 1);
    m = etcd_http_reply(bed, 1);
    assert_int_equal(m->u.http_reply.content, CONTENT_JSON);
    assert_string_equal(bed_text(bed, m->u.http_reply.headers), cors);
    bed_free(bed);
}

static void the_metrics_count_keys_and_watches(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_post(bed, "/v3/kv/put", "{\"key\":\"YQ==\"}", 1);
    etcd_http_post(bed, "/v3/watch", "{\"create_request\":{}}{\"create_request\":{}}", 2);
    bed_http(bed, HTTP_GET, "/metrics", NULL, NULL);
    const char *text = bed_text(bed, etcd_bed_last(bed, MSG_HTTP_REPLY)->u.http_reply.body);
    assert_non_null(strstr(text, "\netcd_debugging_mvcc_keys_total 1\n"));
    assert_non_null(strstr(text, "\netcd_debugging_mvcc_watch_stream_total 1\n"));
    assert_non_null(strstr(text, "\netcd_debugging_mvcc_watcher_total 2\n"));
    bed_free(bed);
}

/* What a request needed is given back, whether it is answered or refused. */
static void requests_leave_nothing_behind(void **state)
{
    static const char *const bodies[] = {"{\"key\":\"YQ==\",\"range_end\":\"Yg==\"}",
                                         "{\"key\":\"\\u0059Q==\"}", "{\"key\":[1,2,3]}",
                                         "{\"key\":\"YQ\"}", "{bad json"};
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_http_post(bed, "/v3/kv/put", "{\"key\":\"YQ==\",\"value\":\"Yg==\"}", 1);
    size_t blocks = 0;
    for (unsigned round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
            etcd_http_post(bed, "/v3/kv/range", bodies[i], 1);
        bed_forget(bed);
        if (round == 10)
            blocks = arena_blocks(bed->arena, BED_ETCD);
    }
    assert_int_equal(arena_blocks(bed->arena, BED_ETCD), blocks);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_bodies_are_refused_in_the_words_of_the_decoder),
        cmocka_unit_test(enums_lists_and_messages_have_their_own_words),
        cmocka_unit_test(bodies_are_read_generously),
        cmocka_unit_test(all_bytes_come_back_as_they_went_in),
        cmocka_unit_test(a_body_may_nest_deep_but_not_without_end),
        cmocka_unit_test(transactions_nest_as_deep_as_they_have_operations),
        cmocka_unit_test(paths_and_methods_are_those_of_the_server),
        cmocka_unit_test(answers_carry_the_headers_of_the_server),
        cmocka_unit_test(the_metrics_count_keys_and_watches),
        cmocka_unit_test(requests_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
