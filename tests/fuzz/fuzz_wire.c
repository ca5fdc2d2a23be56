/*
 * fuzz_wire.c - the codecs on bytes from outside: no byte is read that is not there, and what
 * was understood is written and understood again as the same.
 *
 * The first byte of an input chooses the reader, the rest is its text. With clang
 * -fsanitize=fuzzer -DFUZZ_LIBFUZZER a libFuzzer target; else a program: fuzz_wire [-n COUNT]
 * [FILE...] replays files, and without any tries COUNT random changes of texts that the codecs
 * write themselves.
 */
#include "core/assert.h"
#include "core/draw.h"
#include "support/bed.h"
#include "wire/wire_entry.h"
#include "wire/wire_etcd.h"
#include "wire/wire_http.h"
#include "wire/wire_key.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct bed *bed;
static struct wire wire;
static struct wire_buffer buffer;
static struct wire_http http;

static void prepare(void)
{
    if (bed != NULL)
        return;
    bed = bed_new(NULL, BED_KAFKA, NULL);
    wire = (struct wire){.cluster = &bed->cluster, .draws = &bed->draws};
}

static void free_blobs(struct message *m)
{
    blob *blobs[3];
    for (unsigned n = message_blobs(m, blobs); n > 0; n--)
        blob_free(bed->arena, *blobs[n - 1]);
}

/* ---- records ---- */

static struct entry write_and_read(uint32_t topic, const struct entry *entry)
{
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, entry, &buffer);
    return wire_entry_read(&wire, topic, (struct wire_text){buffer.bytes, buffer.length});
}

/* Nodes that the cluster has not become index 0 when written; then nothing changes any more. */
static void check_entry(uint32_t topic, struct wire_text text)
{
    struct entry entry = wire_entry_read(&wire, topic, text);
    if (entry.kind == ENTRY_UNPARSABLE)
        return;
    struct entry again = write_and_read(topic, &entry);
    ASSERT_OP(again.kind, ==, entry.kind);
    struct entry third = write_and_read(topic, &again);
    ASSERT(memcmp(&again, &third, sizeof again) == 0);
}

/* ---- keys and values ---- */

static void check_key(struct wire_text text)
{
    struct key key;
    char printed[512];
    if (!wire_key_read(&bed->cluster, text, &key))
        return;
    ASSERT_OP(key_print(&bed->cluster, &key, printed, sizeof printed), ==, text.length);
    ASSERT(memcmp(printed, text.bytes, text.length) == 0);
}

static void check_values(struct wire_text text)
{
    for (unsigned family = KEY_IN_PROGRESS; family < KEY_RAW; family++) {
        struct key key = {.family = (uint16_t)family};
        struct value value, again;
        char printed[512];
        if (!wire_value_read(&bed->cluster, &key, text, &value))
            continue;
        size_t length = value_print(&bed->cluster, &value, printed, sizeof printed);
        ASSERT_OP(length, <, sizeof printed);
        bool is_read =
            wire_value_read(&bed->cluster, &key, (struct wire_text){printed, length}, &again);
        ASSERT(is_read && value_equal(&value, &again));
    }
}

static void check_base64(struct wire_text text)
{
    struct wire_buffer bytes = {0}, again = {0};
    if (wire_base64_read(text, &bytes)) {
        ASSERT_OP(bytes.length, <=, text.length);
        wire_buffer_base64(&again, (struct wire_text){bytes.bytes, bytes.length});
        ASSERT_OP(again.length, ==, text.length);
    } else {
        ASSERT_OP(bytes.length, ==, 0);
    }
    wire_buffer_free(&bytes);
    wire_buffer_free(&again);
}

/* ---- HTTP ---- */

/* "METHOD path", header lines, an empty line, the body; what misses is empty. */
static struct wire_http_in split(struct wire_text text)
{
    struct wire_http_in in = {.status = 200};
    size_t line = 0, blank = 0, head;
    while (line < text.length && text.bytes[line] != '\n')
        line++;
    while (blank < line && text.bytes[blank] != ' ')
        blank++;
    in.method = (struct wire_text){text.bytes, blank};
    in.path =
        (struct wire_text){text.bytes + blank + (blank < line), line - blank - (blank < line)};
    head = line + (line < text.length);
    size_t end = head;
    while (end < text.length &&
           !(text.bytes[end] == '\n' && (end == head || text.bytes[end - 1] == '\n')))
        end++;
    in.headers = (struct wire_text){text.bytes + head, end - head};
    end += end < text.length;
    in.body = (struct wire_text){text.bytes + end, text.length - end};
    return in;
}

static void check_again(enum node_kind server, enum wire_port port, const struct message *m)
{
    struct message again;
    uint16_t status;
    if (m->kind == MSG_HTTP_REQUEST)
        return;
    wire_http_write_request(&wire, bed->arena, m, &http);
    struct wire_http_in in = {.method = {http.method, strlen(http.method)},
                              .path = {http.path.bytes, http.path.length},
                              .headers = {http.headers.bytes, http.headers.length},
                              .body = {http.body.bytes, http.body.length}};
    bool is_read =
        wire_http_read_request(&wire, bed->arena, server, port, &in, &again, &status);
    ASSERT(is_read);
    ASSERT_OP(again.kind, ==, m->kind);
    ASSERT_OP(again.from, ==, m->from);
    ASSERT_OP(again.cause, ==, m->cause);
}

static void check_requests(struct wire_text text)
{
    static const enum node_kind servers[] = {NODE_CONTROLLER, NODE_EDGE, NODE_SCHEDULER,
                                             NODE_INVOKER};
    struct wire_http_in in = split(text);
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        for (unsigned port = 0; port < WIRE_PORT_COUNT; port++) {
            struct message m;
            uint16_t status = 0;
            bool is_read = wire_http_read_request(&wire, bed->arena, servers[i],
                                                  (enum wire_port)port, &in, &m, &status);
            if (!is_read) {
                ASSERT(status >= 400 && status < 500);
                continue;
            }
            ASSERT(m.from == NODE_HOST || m.from < bed->cluster.node_count);
            check_again(servers[i], (enum wire_port)port, &m);
            free_blobs(&m);
        }
    }
}

static void check_replies(struct wire_text text)
{
    static const enum message_kind kinds[] = {MSG_HTTP_REQUEST, MSG_INVOKE, MSG_FETCH,
                                              MSG_RESCHEDULE, MSG_CREATE_QUEUE};
    static const uint16_t statuses[] = {200, 202, 404, 429, 500, 502, 503, 504};
    struct wire_http_in in = split(text);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (size_t k = 0; k < sizeof statuses / sizeof statuses[0]; k++) {
            struct message request = {.kind = (uint16_t)kinds[i], .corr = 7}, m;
            in.status = statuses[k];
            wire_http_read_reply(&wire, bed->arena, &request, &in, &m);
            ASSERT(m.kind == kinds[i] + 1 && m.corr == 7);
            if (m.kind == MSG_INVOKE_REPLY)
                ASSERT(m.u.invoke_reply.response < RESPONSE_COUNT &&
                       m.u.invoke_reply.error < ERROR_TEXT_COUNT);
            if (m.kind == MSG_FETCHED)
                ASSERT_OP(m.u.fetched.result, <=, FETCHED_MISMATCH);
            free_blobs(&m);
        }
    }
}

/* ---- etcd ---- */

static void count_told(void *context, const struct message *m)
{
    ASSERT(m->kind == MSG_WATCH_CREATED || m->kind == MSG_WATCH_EVENT ||
           m->kind == MSG_WATCH_CANCELED);
    ++*(uint32_t *)context;
}

static void check_etcd(struct wire_text text)
{
    static const enum message_kind kinds[] = {
        MSG_ETCD_RANGE,  MSG_ETCD_PUT,     MSG_ETCD_TXN,        MSG_ETCD_DELETE,
        MSG_LEASE_GRANT, MSG_LEASE_REVOKE, MSG_LEASE_KEEPALIVE, MSG_WATCH_CREATE};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (unsigned mode = RANGE_GET; mode <= RANGE_COUNT; mode++) {
            struct message request = {.kind = (uint16_t)kinds[i], .corr = 7}, m;
            if (kinds[i] == MSG_ETCD_RANGE) {
                request.u.etcd.mode = (uint8_t)mode;
                request.u.etcd.key = bed_key(KEY_THROTTLING, BED_GUEST, ACTION_NONE, 0);
            } else if (mode != RANGE_GET) {
                break;
            }
            if (!wire_etcd_read(&wire, bed->arena, &request, mode == 0 ? 404 : 200, text, &m) ||
                !wire_etcd_read(&wire, bed->arena, &request, 200, text, &m))
                continue;
            ASSERT_OP(m.corr, ==, 7);
            if (m.kind == MSG_ETCD_RANGED && mode == RANGE_PREFIX)
                ASSERT_OP(blob_size(bed->arena, m.u.etcd_done.kvs), ==,
                          m.u.etcd_done.count * sizeof(struct etcd_kv));
            free_blobs(&m);
        }
    }
    struct message request = {.kind = MSG_WATCH_CREATE};
    uint32_t told = 0;
    bool is_read = wire_etcd_read_watch(&wire, &request, text, &told, count_told);
    ASSERT(is_read || told == 0);
}

/* ---- one input ---- */

enum reader {
    READ_COMPLETED,
    READ_SCHEDULER,
    READ_CREATION_ACK,
    READ_INVOKER,
    READ_KEY,
    READ_VALUE,
    READ_BASE64,
    READ_REQUEST,
    READ_REPLY,
    READ_ETCD,
    READER_COUNT
};

static void check(enum reader reader, struct wire_text text)
{
    switch (reader) {
    case READ_COMPLETED:
    case READ_SCHEDULER:
    case READ_CREATION_ACK:
    case READ_INVOKER:
        check_entry(TOPIC(reader, 1), text);
        break;
    case READ_KEY:
        check_key(text);
        break;
    case READ_VALUE:
        check_values(text);
        break;
    case READ_BASE64:
        check_base64(text);
        break;
    case READ_REQUEST:
        check_requests(text);
        break;
    case READ_REPLY:
        check_replies(text);
        break;
    case READ_ETCD:
        check_etcd(text);
        break;
    case READER_COUNT:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    prepare();
    char *text = malloc(size); /* of its own, so that reading past it shows */
    ASSERT(text != NULL);
    if (size > 1)
        memcpy(text, bytes + 1, size - 1);
    check((enum reader)(bytes[0] % READER_COUNT), (struct wire_text){text, size - 1});
    free(text);
    return 0;
}

#ifndef FUZZ_LIBFUZZER /* libFuzzer has a main of its own */

#define COUNT_DEFAULT 60000u
#define SIZE_MAX_TRIED 2048u
#define SEEDS_MAX 64u
#define FILE_SIZE_MAX ((size_t)4 << 20)

struct seed {
    uint8_t reader;
    char text[SIZE_MAX_TRIED];
    size_t length;
};
static struct seed seeds[SEEDS_MAX];
static uint32_t seed_count;
static const char pieces[] = "{}[]\":,\\\"0123456789-+.eEtrufalsn \t\n\x01\xff\x80/?=";

static void add_seed(enum reader reader, const char *text, size_t length)
{
    ASSERT(seed_count < SEEDS_MAX && length <= SIZE_MAX_TRIED);
    struct seed *seed = &seeds[seed_count++];
    seed->reader = (uint8_t)reader;
    seed->length = length;
    memcpy(seed->text, text, length);
}

static void add_entry(enum reader reader, struct entry entry)
{
    wire_buffer_clear(&buffer);
    wire_entry_write(&wire, &entry, &buffer);
    add_seed(reader, buffer.bytes, buffer.length);
}

static void add_entries(void)
{
    struct entry entry = {.kind = ENTRY_ACTIVATION};
    entry.u.activation = (struct activation){.id = ACTIVATION_ID(7, 0),
                                             .revision = 2,
                                             .started_at = TSTAMP_ORIGIN,
                                             .action = BED_FAILS,
                                             .controller = BED_CONTROLLER1};
    add_entry(READ_SCHEDULER, entry);
    for (unsigned kind = ACK_COMPLETION; kind <= ACK_COMBINED; kind++) {
        for (unsigned instance = 0; instance <= ACK_BY_SCHEDULER; instance++) {
            entry = (struct entry){.kind = ENTRY_ACK};
            entry.u.ack = (struct ack){.id = ACTIVATION_ID(7, 0),
                                       .kind = (uint8_t)kind,
                                       .instance = (uint8_t)instance,
                                       .signer = instance == ACK_BY_SCHEDULER ? BED_SCHEDULER1
                                                                              : BED_INVOKER1,
                                       .status = RESPONSE_WHISK_ERROR,
                                       .error = ERROR_TOO_OLD,
                                       .action = BED_HELLO,
                                       .shrunk = instance == ACK_BY_PLACEHOLDER};
            add_entry(READ_COMPLETED, entry);
        }
    }
    entry = (struct entry){.kind = ENTRY_CREATION};
    entry.u.creation = (struct creation){.id = 9,
                                         .revision = 1,
                                         .action = BED_HELLO,
                                         .scheduler = BED_SCHEDULER0,
                                         .invoker = BED_INVOKER1};
    add_entry(READ_INVOKER, entry);
    entry.u.creation.deletion = 1;
    add_entry(READ_INVOKER, entry);
    entry.u.creation.deletion = 0;
    entry.kind = ENTRY_CREATION_ACK;
    entry.u.creation.error = CREATION_DB_FETCH;
    add_entry(READ_CREATION_ACK, entry);
}

static void add_keys(void)
{
    static const struct value values[] = {{.kind = VALUE_ENDPOINTS, .node = BED_SCHEDULER1},
                                          {.kind = VALUE_SCHEDULER, .node = BED_SCHEDULER0},
                                          {.kind = VALUE_INVOKER, .status = INVOKER_UP},
                                          {.kind = VALUE_BOOL},
                                          {.kind = VALUE_LEASE, .a = 77}};
    char text[512];
    for (unsigned family = KEY_IN_PROGRESS; family < KEY_RAW; family++) {
        struct key key =
            bed_key((enum key_family)family, BED_GUEST, BED_FAILS,
                    family == KEY_SCHEDULER || family == KEY_IN_PROGRESS ? BED_SCHEDULER1
                                                                         : BED_INVOKER1);
        key.revision = 3;
        add_seed(READ_KEY, text, key_print(&bed->cluster, &key, text, sizeof text));
    }
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        add_seed(READ_VALUE, text, value_print(&bed->cluster, &values[i], text, sizeof text));
}

static void add_http(enum reader reader)
{
    wire_buffer_clear(&buffer);
    wire_buffer_print(&buffer, "%s %s\n%s\n%s", http.method == NULL ? "" : http.method,
                      http.path.bytes, http.headers.bytes, http.body.bytes);
    add_seed(reader, buffer.bytes, buffer.length);
}

static void add_calls(void)
{
    static const enum message_kind kinds[] = {MSG_INVOKE, MSG_FETCH, MSG_RESCHEDULE,
                                              MSG_CREATE_QUEUE, MSG_FORWARD};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct message m = {.kind = (uint16_t)kinds[i], .from = BED_EDGE, .cause = 9};
        if (kinds[i] == MSG_INVOKE)
            m.u.invoke.id = ACTIVATION_ID(3, 0);
        wire_http_write_request(&wire, bed->arena, &m, &http);
        add_http(READ_REQUEST);
    }
    struct message m = {.kind = MSG_INVOKE_REPLY, .from = BED_CONTROLLER0};
    m.u.invoke_reply.status = 502;
    m.u.invoke_reply.response = RESPONSE_DEVELOPER_ERROR;
    m.u.invoke_reply.error = ERROR_TIMED_OUT;
    wire_http_write_reply(&wire, bed->arena, &m, &http);
    add_http(READ_REPLY);
    m = (struct message){.kind = MSG_FETCHED, .from = BED_SCHEDULER0};
    wire_http_write_reply(&wire, bed->arena, &m, &http);
    add_http(READ_REPLY);
    m.u.fetched.result = FETCHED_NO_QUEUE;
    wire_http_write_reply(&wire, bed->arena, &m, &http);
    add_http(READ_REPLY);
}

/* Answers as an etcd 3.4.23 was seen to give them; keys and values are those of our own. */
static void add_etcd(void)
{
    static const char *const texts[] = {
        "{\"header\":{\"revision\":\"13\"}}",
        "{\"header\":{\"revision\":\"4\"},\"kvs\":[{\"key\":\"d2hpc2svdGhyb3R0bGluZy9ndWVzdA=="
        "\","
        "\"create_revision\":\"2\",\"mod_revision\":\"3\",\"version\":\"2\",\"value\":"
        "\"dHJ1ZQ==\"},{\"key\":\"AA==\",\"version\":1}],\"count\":\"2\"}",
        "{\"header\":{\"revision\":\"13\"},\"ID\":\"777\",\"TTL\":\"10\"}",
        "{\"result\":{\"header\":{\"revision\":\"21\"},\"events\":[{\"kv\":{\"key\":"
        "\"d2hpc2svdGhyb3R0bGluZy9ndWVzdA==\",\"mod_revision\":\"21\",\"value\":\"dHJ1ZQ==\"}},"
        "{\"type\":\"DELETE\",\"kv\":{\"key\":\"dy8x\",\"mod_revision\":\"21\"}}]}}\n",
        "{\"result\":{\"header\":{\"revision\":\"17\"},\"created\":true}}\n",
        "{\"result\":{\"canceled\":true,\"compact_revision\":\"93\"}}\n",
        "{\"error\":\"etcdserver: requested lease not found\",\"code\":5}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        add_seed(READ_ETCD, texts[i], strlen(texts[i]));
    add_seed(READ_BASE64, "d2hpc2svYQ==", 12);
}

struct random {
    uint64_t seed, count;
};

static size_t draw_below_count(struct random *r, size_t bound)
{
    return (size_t)(draw_mix(r->seed, r->count++) % bound);
}

/* Remove, double, replace or insert a stretch, or flip a bit. */
static size_t change(struct random *r, char *text, size_t size)
{
    size_t at = draw_below_count(r, size + 1), length = 1 + draw_below_count(r, 16);
    size_t rest = size - at, how = draw_below_count(r, 5);
    length = length > rest ? rest : length;
    if (how == 0) {
        memmove(text + at, text + at + length, rest - length);
        return size - length;
    }
    if (how == 1 && size + length <= SIZE_MAX_TRIED) {
        memmove(text + at + length, text + at, rest);
        return size + length;
    }
    char piece = pieces[draw_below_count(r, sizeof pieces - 1)];
    if (how == 2 && rest > 0) {
        text[at] = piece;
        return size;
    }
    if (how == 3 && rest > 0) {
        text[at] = (char)(text[at] ^ (1 << draw_below_count(r, 8)));
        return size;
    }
    if (size == SIZE_MAX_TRIED)
        return size;
    memmove(text + at + 1, text + at, rest);
    text[at] = piece;
    return size + 1;
}

static void try_changes(uint64_t count)
{
    static char input[SIZE_MAX_TRIED + 1];
    for (uint64_t i = 0; i < count; i++) {
        struct random r = {.seed = draw_mix(i, 2)};
        const struct seed *from = &seeds[i % seed_count];
        size_t size = from->length, changes = draw_below_count(&r, 6);
        input[0] = (char)from->reader;
        memcpy(input + 1, from->text, size);
        while (changes-- > 0)
            size = change(&r, input + 1, size);
        LLVMFuzzerTestOneInput((const uint8_t *)input, size + 1);
    }
}

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(FILE_SIZE_MAX);
    if (file == NULL || bytes == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        free(bytes);
        if (file != NULL)
            fclose(file);
        return 1;
    }
    size_t size = fread(bytes, 1, FILE_SIZE_MAX, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t count = COUNT_DEFAULT;
    int first = 1, failed = 0;
    if (argc > 2 && strcmp(argv[1], "-n") == 0) {
        count = strtoull(argv[2], NULL, 10);
        first = 3;
    }
    prepare();
    for (int i = first; i < argc; i++)
        failed |= replay(argv[i]);
    if (first == argc) {
        add_entries();
        add_keys();
        add_calls();
        add_etcd();
        try_changes(count);
    }
    wire_buffer_free(&buffer);
    wire_http_free(&http);
    bed_free(bed);
    return failed;
}

#endif
