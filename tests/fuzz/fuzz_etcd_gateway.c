/*
 * fuzz_etcd_gateway.c - bodies from outside at the etcd machine's JSON gateway: each request
 * has one answer, in JSON, and nothing stays behind when its asker is gone.
 *
 * The first byte chooses the path, the others are the body. With clang -fsanitize=fuzzer
 * -DFUZZ_LIBFUZZER a libFuzzer target; else a program: fuzz_etcd_gateway [-n COUNT] [FILE...]
 * replays files, and without any tries COUNT random changes of bodies of its own.
 */
#include "core/json.h"
#include "support/etcd_http.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORR 9u
#define REQUESTS_MAX 2000u /* of one machine: then its store is full enough */
#define BODY_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char *const paths[] = {
    "/v3/kv/range",         "/v3/kv/put",          "/v3/kv/deleterange",
    "/v3/kv/txn",           "/v3/kv/compaction",   "/v3/watch",
    "/v3/lease/grant",      "/v3/lease/revoke",    "/v3/lease/leases",
    "/v3/lease/timetolive", "/v3/lease/keepalive", "/v3/maintenance/alarm",
    "/v3/maintenance/hash",
};
#define PATHS (sizeof paths / sizeof paths[0])
#define PATH_WATCH 5u
#define PATH_KEEPALIVE 10u

static void check_json(const struct bed *bed, blob body, bool is_lines)
{
    const char *text = bed_text(bed, body), *end;
    for (; is_lines && (end = strchr(text, '\n')) != NULL; text = end + 1) {
        struct json_in value = json_in_parse(text, (size_t)(end - text));
        ASSERT_OP(value.kind, ==, JSON_OBJECT);
    }
    if (*text == '\0')
        return;
    struct json_in value = json_in_parse(text, strlen(text));
    ASSERT_OP(value.kind, ==, JSON_OBJECT);
}

static void check_answers(const struct bed *bed, unsigned path)
{
    bool is_stream = path == PATH_WATCH || path == PATH_KEEPALIVE;
    uint32_t replies = bed_sent_count(bed, MSG_HTTP_REPLY);
    ASSERT_OP(replies, <=, 1);
    ASSERT(replies == 1 || is_stream);
    for (uint32_t i = 0; i < bed->sent_count; i++) {
        const struct message *m = &bed->sent[i];
        ASSERT_OP(m->corr, ==, CORR);
        ASSERT_OP(m->to, ==, NODE_HOST);
        if (m->kind == MSG_HTTP_CHUNK) {
            ASSERT(path == PATH_WATCH && i > 0);
            check_json(bed, m->u.http_chunk.body, true);
            continue;
        }
        ASSERT_OP(m->kind, ==, MSG_HTTP_REPLY);
        unsigned status = m->u.http_reply.status;
        ASSERT(status == 200 || status == 400 || status == 404 || status == 412 ||
               status == 500 || status == 501);
        ASSERT(!m->u.http_reply.more || path == PATH_WATCH);
        check_json(bed, m->u.http_reply.body, is_stream);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct bed *bed;
    static unsigned requests;
    char body[BODY_MAX + 1];
    if (size == 0 || size > BODY_MAX)
        return 0;
    if (bed == NULL)
        bed = etcd_bed_new();
    unsigned path = bytes[0] % PATHS;
    memcpy(body, bytes + 1, size - 1);
    body[size - 1] = '\0';
    bed_forget(bed);
    etcd_http_post(bed, paths[path], body, CORR);
    check_answers(bed, path);
    etcd_http_close(bed, CORR);
    ASSERT_OP(etcd_of(bed)->gateway.stream_count, ==, 0);
    ASSERT_OP(etcd_of(bed)->gateway.call_count, ==, 0);
    ASSERT_OP(etcd_of(bed)->watches.count, ==, 0);
    bed_pass(bed, MSEC(10));
    if (++requests % REQUESTS_MAX == 0) {
        bed_free(bed);
        bed = NULL;
    }
    return 0;
}

#ifndef FUZZ_LIBFUZZER /* libFuzzer has a main of its own */

#define COUNT_DEFAULT 100000u

static const struct {
    unsigned path;
    const char *body;
} bodies[] = {
    {0, "{\"key\":\"AA==\",\"range_end\":\"AA==\",\"limit\":\"3\",\"sort_order\":\"DESCEND\","
        "\"sort_target\":\"MOD\",\"min_mod_revision\":1}"},
    {0, "{\"key\":\"YQ==\",\"revision\":\"3\",\"keysOnly\":true}"},
    {1, "{\"key\":\"YQ==\",\"value\":\"YWJj\",\"lease\":\"7\",\"prev_kv\":true}"},
    {1, "{\"key\":[97,98],\"ignore_value\":true,\"ignoreLease\":true}"},
    {2, "{\"key\":\"YQ==\",\"range_end\":\"Yg==\",\"prev_kv\":true}"},
    {3, "{\"compare\":[{\"key\":\"YQ==\",\"target\":\"VALUE\",\"value\":\"YQ==\"},{\"key\":"
        "\"Yg==\",\"result\":3}],\"success\":[{\"request_put\":{\"key\":\"YQ==\"}},"
        "{\"request_range\":{\"key\":\"YQ==\"}}],\"failure\":[{\"request_delete_range\":"
        "{\"key\":\"YQ==\",\"prev_kv\":true}}]}"},
    {4, "{\"revision\":\"4\"}"},
    {5, "{\"create_request\":{\"key\":\"AA==\",\"range_end\":\"AA==\",\"start_revision\":1,"
        "\"prev_kv\":true,\"filters\":[\"NOPUT\",1]}}{\"cancel_request\":{\"watch_id\":1}}"
        "{\"progress_request\":{}}{\"createRequest\":{\"watchId\":7,\"progressNotify\":true}}"},
    {6, "{\"TTL\":\"10\",\"ID\":\"7\"}"},
    {7, "{\"ID\":\"7\"}"},
    {8, "{}"},
    {9, "{\"ID\":7,\"keys\":true}"},
    {10, "{\"ID\":\"7\"}{\"ID\":8} {\"ID\":null}"},
    {11, "{\"action\":\"GET\",\"memberID\":1,\"alarm\":\"NOSPACE\"}"},
    {12, "null"},
};
static const char pieces[] = "{}[]\":,\\\"0123456789-+.eEtrufalsnAQ=/ \t\n\x01\xff\x80";

/* Replace, remove or insert a byte. */
static size_t change(uint64_t seed, uint64_t *count, char *text, size_t size)
{
    size_t at = 1 + (size_t)(draw_mix(seed, (*count)++) % size), rest = size - at;
    char piece = pieces[draw_mix(seed, (*count)++) % (sizeof pieces - 1)];
    switch (draw_mix(seed, (*count)++) % 3) {
    case 0:
        if (rest > 0)
            text[at] = piece;
        return size;
    case 1:
        if (rest == 0)
            return size;
        memmove(text + at, text + at + 1, rest - 1);
        return size - 1;
    default:
        memmove(text + at + 1, text + at, rest);
        text[at] = piece;
        return size + 1;
    }
}

static void try_changes(uint64_t count)
{
    char text[BODY_MAX];
    for (uint64_t i = 0; i < count; i++) {
        uint64_t seed = draw_mix(i, 1), n = 0;
        unsigned body = (unsigned)(draw_mix(seed, n++) % (sizeof bodies / sizeof bodies[0]));
        size_t size = 1 + strlen(bodies[body].body);
        text[0] = (char)bodies[body].path;
        memcpy(text + 1, bodies[body].body, size - 1);
        for (uint64_t left = draw_mix(seed, n++) % 4; left > 0; left--)
            size = change(seed, &n, text, size);
        LLVMFuzzerTestOneInput((const uint8_t *)text, size);
    }
}

static bool replay(const char *name)
{
    uint8_t text[BODY_MAX];
    FILE *file = fopen(name, "rb");
    if (file == NULL)
        return false;
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    LLVMFuzzerTestOneInput(text, size);
    return true;
}

int main(int argc, char **argv)
{
    uint64_t count = COUNT_DEFAULT;
    int first = 1;
    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        count = strtoull(argv[2], NULL, 10);
        first = 3;
    }
    for (int i = first; i < argc; i++) {
        if (!replay(argv[i])) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return 2;
        }
    }
    if (first == argc)
        try_changes(count);
    return 0;
}
#endif
