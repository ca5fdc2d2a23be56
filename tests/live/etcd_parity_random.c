/*
 * etcd_parity_random.c - random sequences and bodies with mistakes; see etcd_parity.h.
 */
#include "live/etcd_parity.h"
#include "live/etcd_ops.h"
#include "core/draw.h"
#include "support/etcd_bed.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define OPS_MAX 20u
#define BODY_MAX 8192u
#define STREAMS 2u
#define SETTLE_MS 2000u /* longest wait for the watches of a sequence */
#define LEASES 2u

struct draw { /* one stream of numbers */
    uint64_t state;
};

static unsigned below(struct draw *draw, unsigned limit)
{
    draw->state = draw_mix(draw->state, 0x9e3779b97f4a7c15u);
    return (unsigned)(draw->state >> 33) % limit;
}

static bool chance(struct draw *draw, unsigned percent)
{
    return below(draw, 100) < percent;
}

struct sequence {
    struct etcd_do_op ops[OPS_MAX];
    char bodies[OPS_MAX][BODY_MAX];
    unsigned count, streams;
};

/* ---- bodies ---- */

struct text { /* a body that is being written */
    char *at;
    size_t left;
};

static void put(struct text *text, const char *piece)
{
    size_t length = strlen(piece);
    assert_true(length < text->left);
    memcpy(text->at, piece, length + 1);
    text->at += length;
    text->left -= length;
}

static void put_one_of(struct text *text, struct draw *draw, const char *const *pieces,
                       unsigned count)
{
    put(text, pieces[below(draw, count)]);
}
#define ONE_OF(text, draw, ...)                                                                \
    put_one_of(text, draw, (const char *const[]){__VA_ARGS__},                                 \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void put_key(struct text *text, struct draw *draw)
{
    put(text, "`key`:");
    ONE_OF(text, draw, "'%a'", "'%b'", "'%c'", "'%aa'");
}

static void put_span(struct text *text, struct draw *draw)
{
    put_key(text, draw);
    if (chance(draw, 50))
        ONE_OF(text, draw, ",`range_end`:'!'", ",`range_end`:'%c'", ",`range_end`:'%ab'");
}

static void put_revision(struct text *text, struct draw *draw, const char *name)
{
    char piece[64];
    snprintf(piece, sizeof piece, ",`%s`:`$%u`", name, 1 + below(draw, 14));
    put(text, piece);
}

static void put_range(struct text *text, struct draw *draw)
{
    put(text, "{");
    put_span(text, draw);
    if (chance(draw, 20))
        ONE_OF(text, draw, ",`limit`:1", ",`limit`:2", ",`limit`:`0`");
    if (chance(draw, 20))
        put_revision(text, draw, "revision");
    if (chance(draw, 10))
        put(text, ",`count_only`:true");
    if (chance(draw, 10))
        put(text, ",`keys_only`:true");
    if (chance(draw, 15))
        ONE_OF(text, draw, ",`sort_order`:`DESCEND`", ",`sort_order`:`ASCEND`");
    if (chance(draw, 15))
        ONE_OF(text, draw, ",`sort_target`:`MOD`", ",`sort_target`:`VALUE`",
               ",`sort_target`:`CREATE`", ",`sort_target`:`VERSION`");
    if (chance(draw, 8))
        put_revision(text, draw, "min_mod_revision");
    if (chance(draw, 8))
        put_revision(text, draw, "max_create_revision");
    put(text, "}");
}

static void put_put(struct text *text, struct draw *draw)
{
    put(text, "{");
    put_key(text, draw);
    if (chance(draw, 80))
        ONE_OF(text, draw, ",`value`:'1'", ",`value`:'2'", ",`value`:'3'", ",`value`:''");
    if (chance(draw, 30))
        ONE_OF(text, draw, ",`lease`:`#1`", ",`lease`:`#2`", ",`lease`:`#3`");
    if (chance(draw, 20))
        put(text, ",`prev_kv`:true");
    if (chance(draw, 8))
        put(text, ",`ignore_value`:true");
    if (chance(draw, 8))
        put(text, ",`ignore_lease`:true");
    put(text, "}");
}

static void put_delete(struct text *text, struct draw *draw)
{
    put(text, "{");
    put_span(text, draw);
    if (chance(draw, 40))
        put(text, ",`prev_kv`:true");
    put(text, "}");
}

static void put_compare(struct text *text, struct draw *draw)
{
    put(text, "{");
    put_key(text, draw);
    if (chance(draw, 15))
        put(text, ",`range_end`:'!'");
    if (chance(draw, 80))
        ONE_OF(text, draw, ",`version`:`0`", ",`version`:1", ",`target`:`VERSION`,`version`:2",
               ",`target`:`MOD`,`mod_revision`:`$3`",
               ",`target`:`CREATE`,`create_revision`:`$2`", ",`target`:`VALUE`,`value`:'1'",
               ",`target`:`LEASE`,`lease`:`#1`", ",`target`:`LEASE`",
               ",`target`:`MOD`,`version`:1", ",`target`:`VALUE`");
    if (chance(draw, 50))
        ONE_OF(text, draw, ",`result`:`GREATER`", ",`result`:`LESS`", ",`result`:`NOT_EQUAL`",
               ",`result`:`EQUAL`");
    put(text, "}");
}

static void put_txn(struct text *text, struct draw *draw, unsigned depth);

static void put_branch(struct text *text, struct draw *draw, const char *name, unsigned depth)
{
    unsigned count = below(draw, depth == 0 ? 4 : 3);
    put(text, ",`");
    put(text, name);
    put(text, "`:[");
    for (unsigned i = 0; i < count; i++) {
        unsigned what = below(draw, depth < 2 ? 12 : 10);
        put(text, i == 0 ? "{" : ",{");
        put(text, what < 5    ? "`request_put`:"
                  : what < 8  ? "`request_range`:"
                  : what < 10 ? "`request_delete_range`:"
                              : "`request_txn`:");
        if (what < 5)
            put_put(text, draw);
        else if (what < 8)
            put_range(text, draw);
        else if (what < 10)
            put_delete(text, draw);
        else
            put_txn(text, draw, depth + 1);
        put(text, "}");
    }
    put(text, "]");
}

static void put_txn(struct text *text, struct draw *draw, unsigned depth)
{
    unsigned count = below(draw, 3);
    put(text, "{`compare`:[");
    for (unsigned i = 0; i < count; i++) {
        put(text, i == 0 ? "" : ",");
        put_compare(text, draw);
    }
    put(text, "]");
    put_branch(text, draw, "success", depth);
    if (chance(draw, 40))
        put_branch(text, draw, "failure", depth);
    put(text, "}");
}

static void put_watch(struct text *text, struct draw *draw)
{
    put(text, "{`create_request`:{`key`:'%',`range_end`:'!'");
    if (chance(draw, 40))
        put_revision(text, draw, "start_revision");
    if (chance(draw, 50))
        put(text, ",`prev_kv`:true");
    if (chance(draw, 10))
        ONE_OF(text, draw, ",`filters`:[`NOPUT`]", ",`filters`:[`NODELETE`]");
    put(text, "}}");
}

static const char *const lease_ids[] = {"{`ID`:`#1`}", "{`ID`:`#2`}", "{`ID`:`#3`}"};

static const char *make_body(struct text *text, struct draw *draw, unsigned what)
{
    if (what < 34) {
        put_put(text, draw);
        return "/v3/kv/put";
    }
    if (what < 50) {
        put_range(text, draw);
        return "/v3/kv/range";
    }
    if (what < 62) {
        put_delete(text, draw);
        return "/v3/kv/deleterange";
    }
    if (what < 80) {
        put_txn(text, draw, 0);
        return "/v3/kv/txn";
    }
    if (what < 84) {
        put(text, "{`physical`:true"); /* else a deletion at the revision may still be told */
        put_revision(text, draw, "revision");
        put(text, "}");
        return "/v3/kv/compaction";
    }
    if (what < 90) {
        ONE_OF(text, draw, "{`TTL`:600,`ID`:`#1`}", "{`TTL`:`600`,`ID`:#2}");
        return "/v3/lease/grant";
    }
    if (what < 94) {
        ONE_OF(text, draw, "{`ID`:`#1`,`keys`:true}", "{`ID`:#2,`keys`:true}");
        return "/v3/lease/timetolive";
    }
    put_one_of(text, draw, lease_ids, 3);
    return what < 97 ? "/v3/lease/keepalive" : "/v3/lease/revoke";
}

/* A compaction may overtake the history of a watch: whether it does is a matter of time. */
static bool is_race(const struct etcd_do_op *op, bool has_past)
{
    return has_past && strcmp(op->path, "/v3/kv/compaction") == 0;
}

static void make_sequence(struct sequence *s, uint64_t seed)
{
    struct draw draw = {draw_mix(seed, 1)};
    bool may_watch = chance(&draw, 35), has_past = false;
    s->count = 6 + below(&draw, OPS_MAX - 6);
    s->streams = 0;
    for (unsigned i = 0; i < s->count; i++) {
        struct text text = {s->bodies[i], BODY_MAX};
        struct etcd_do_op *op = &s->ops[i];
        *op = (struct etcd_do_op){.what = ETCD_DO_POST, .body = s->bodies[i]};
        if (may_watch && s->streams < STREAMS && chance(&draw, 15)) {
            op->what = ETCD_DO_WATCH;
            op->number = s->streams++;
            put_watch(&text, &draw);
            has_past |= strstr(op->body, "start_revision") != NULL;
        } else {
            op->path = make_body(&text, &draw, below(&draw, 100));
            if (is_race(op, has_past))
                op->path = "/v3/kv/range";
        }
    }
}

/* ---- one run ---- */

/* Events alone, whatever messages they came in; the other lines as they are. */
static void flatten(struct etcd_text_out *text)
{
    struct etcd_text_out out = {0};
    etcd_text_clear(&out);
    for (const char *at = text->text; *at != '\0';) {
        size_t length = strcspn(at, "\n") + 1;
        const char *events = strstr(at, "\"events\":[");
        if (events != NULL && events < at + length) {
            const char *first = events + strlen("\"events\":[");
            etcd_text_add(&out, first, length - (size_t)(first - at) - strlen("]}}\n"));
            etcd_text_add(&out, ",", 1);
        } else {
            const char *rest = strstr(at, "}") == NULL ? at : strstr(at, "}") + 1;
            etcd_text_add(&out, rest, length - (size_t)(rest - at));
        }
        at += length;
    }
    etcd_text_free(text);
    *text = out;
}

/* What came on the stream: equal in the end, or not in time. */
static bool read_stream(struct etcd_parity *self, unsigned stream)
{
    struct etcd_text_out piece = {0}, all = {0};
    etcd_text_clear(&all);
    etcd_endpoint_lines(self->ends[0], stream, 0, 0, etcd_parity_grace(self), &self->texts[0]);
    etcd_parity_mask(self, 0, &self->texts[0]);
    flatten(&self->texts[0]);
    for (unsigned ms = 0; ms < SETTLE_MS; ms += 10) {
        etcd_endpoint_lines(self->ends[1], stream, 1, ms == 0 ? 0 : 10, 0, &piece);
        etcd_text_add(&all, piece.text, piece.length);
        etcd_text_clear(&self->texts[1]);
        etcd_text_add(&self->texts[1], all.text, all.length);
        etcd_parity_mask(self, 1, &self->texts[1]);
        flatten(&self->texts[1]);
        if (strcmp(self->texts[0].text, self->texts[1].text) == 0)
            break;
    }
    etcd_text_free(&piece);
    etcd_text_free(&all);
    return etcd_parity_compare(self, "watch", "");
}

/* The watch is there before the next operation: its first line was seen. */
static void await_stream(struct etcd_parity *self, unsigned stream)
{
    for (unsigned i = 0; i < 2; i++)
        etcd_endpoint_await(self->ends[i], stream, SETTLE_MS);
}

static bool has_lease(const struct sequence *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (s->ops[i].path != NULL && strcmp(s->ops[i].path, "/v3/lease/grant") == 0)
            return true;
    }
    return false;
}

static bool run_sequence(struct etcd_parity *self, const struct sequence *s)
{
    static const struct etcd_do_op ends[] = {
        {ETCD_DO_POST, 0, "/v3/kv/put", "{`key`:'%zz'}"}, /* the last that watches are told */
        {ETCD_DO_POST, 0, "/v3/kv/deleterange", "{`key`:'%zz'}"},
        {ETCD_DO_POST, 0, "/v3/kv/range", "{`key`:'%',`range_end`:'!'}"},
    };
    bool equal = true, is_open[STREAMS] = {false};
    snprintf(self->prefix, sizeof self->prefix, "r%u/", self->runs);
    self->lease = 1000000 + 10 * (uint64_t)self->runs++;
    etcd_parity_rebase(self);
    for (unsigned i = 0; i < s->count && equal; i++) {
        equal = etcd_parity_do(self, &s->ops[i]);
        if (s->ops[i].what == ETCD_DO_WATCH) {
            is_open[s->ops[i].number] = true;
            await_stream(self, s->ops[i].number);
        }
    }
    for (unsigned i = 0; i < sizeof ends / sizeof ends[0] && equal; i++)
        equal = etcd_parity_do(self, &ends[i]);
    for (unsigned i = 0; i < STREAMS; i++) {
        if (is_open[i] && equal)
            equal = read_stream(self, i);
        for (unsigned side = 0; side < 2; side++)
            etcd_endpoint_close(self->ends[side], i);
    }
    for (unsigned i = 0; i < LEASES && has_lease(s); i++) {
        struct etcd_do_op revoke = {ETCD_DO_POST, 0, "/v3/lease/revoke", lease_ids[i]};
        if (equal)
            equal = etcd_parity_do(self, &revoke);
    }
    return equal;
}

/* ---- shorter ---- */

/* The streams keep their numbers: at most two, and each is opened once. */
static void without(const struct sequence *s, unsigned index, struct sequence *ret_shorter)
{
    ret_shorter->count = 0;
    for (unsigned i = 0; i < s->count; i++) {
        if (i != index)
            ret_shorter->ops[ret_shorter->count++] = s->ops[i];
    }
}

static void print_sequence(const struct sequence *s, uint64_t seed, const char *what)
{
    printf("seed %llu %s\n", (unsigned long long)seed, what);
    for (unsigned i = 0; i < s->count; i++)
        printf("  %s %s\n", s->ops[i].path == NULL ? "watch" : s->ops[i].path, s->ops[i].body);
}

/* Drop operations as long as the rest still differs. */
static void shrink(struct etcd_parity *self, struct sequence *s)
{
    static struct sequence shorter;
    bool again = true;
    while (again) {
        again = false;
        for (unsigned i = 0; i < s->count; i++) {
            without(s, i, &shorter);
            if (run_sequence(self, &shorter))
                continue;
            memcpy(s->ops, shorter.ops, sizeof s->ops);
            s->count = shorter.count;
            again = true;
            i--;
        }
    }
}

/* What differs once and not again is a matter of time in the other one: the machine is the
 * same each time. */
static void on_difference(struct etcd_parity *self, struct sequence *s, uint64_t seed)
{
    struct etcd_parity_count count = self->count;
    self->is_quiet = true;
    if (run_sequence(self, s)) {
        print_sequence(s, seed, "differed once, and not again:");
        count.different--;
        count.skipped++;
    } else {
        shrink(self, s);
        print_sequence(s, seed, "differs; shortest:");
        self->is_quiet = false;
        run_sequence(self, s);
    }
    self->is_quiet = false;
    self->count = count;
}

void etcd_parity_random(struct etcd_parity *self, uint64_t seed, unsigned sequences,
                        unsigned seconds_max)
{
    static struct sequence s;
    struct timespec begin, now;
    unsigned shown = 0, done = 0;
    timespec_get(&begin, TIME_UTC);
    for (; done < sequences; done++) {
        timespec_get(&now, TIME_UTC);
        if (now.tv_sec - begin.tv_sec >= seconds_max)
            break;
        make_sequence(&s, seed + done);
        self->is_quiet = true;
        bool equal = run_sequence(self, &s);
        self->is_quiet = false;
        if (!equal && shown++ < 5)
            on_difference(self, &s, seed + done);
    }
    printf("random: %u of %u sequences from seed %llu\n", done, sequences,
           (unsigned long long)seed);
}

/* ---- mistakes ---- */

static void spoil(struct draw *draw, char *body)
{
    static const char signs[] = "{}[]:,\"'0123456789.-+eE\\ntrufalsx \t<&\x01\x7f\xc3";
    size_t length = strlen(body);
    for (unsigned n = 1 + below(draw, 3); n > 0 && length > 1; n--) {
        size_t at = below(draw, (unsigned)length);
        char sign = signs[below(draw, sizeof signs - 1)];
        switch (below(draw, 3)) {
        case 0:
            body[at] = sign;
            break;
        case 1:
            memmove(body + at, body + at + 1, length - at);
            length--;
            break;
        default:
            memmove(body + at + 1, body + at, length - at + 1);
            body[at] = sign;
            length++;
            break;
        }
    }
}

void etcd_parity_mistakes(struct etcd_parity *self, uint64_t seed, unsigned bodies)
{
    static const struct {
        const char *path, *body;
    } models[] = {
        {"/v3/kv/range", "{\"key\":\"YWI=\",\"range_end\":\"YWM=\",\"limit\":\"12\"}"},
        {"/v3/kv/range",
         "{\"key\":\"YWI=\",\"x\":[1,-2.5e+3,{\"y\":null}],\"count_only\":true}"},
        {"/v3/kv/put", "{\"key\":\"YWI=\",\"value\":\"\\u0041\\n==\",\"lease\":0}"},
        {"/v3/kv/txn", "{\"compare\":[{\"key\":\"YQ==\",\"version\":1}],\"success\":[{"
                       "\"request_put\":{\"key\":\"YQ==\"}}]}"},
        {"/v3/lease/keepalive", "{\"ID\":\"77\"}{\"ID\":78} {\"ID\":null}"},
        {"/v3/lease/timetolive", "{\"ID\":\"12345\",\"keys\":true}"},
    };
    struct draw draw = {draw_mix(seed, 2)};
    etcd_parity_rebase(self);
    for (unsigned i = 0; i < bodies; i++) {
        char body[256];
        unsigned model = below(&draw, sizeof models / sizeof models[0]);
        strcpy(body, models[model].body);
        spoil(&draw, body);
        etcd_parity_same(self, models[model].path, body);
    }
}
