/*
 * etcd_parity.c - see etcd_parity.h; random sequences are in etcd_parity_random.c.
 */
#include "live/etcd_parity.h"
#include "live/etcd_ops.h"
#include "support/etcd_bed.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 4000u /* for lines that the other one has sent */
#define GRACE_MS 60u  /* for lines that are too many */
#define FIRST_MS 200u /* for all that the first one sends, when it is not by hand */
#define LINES_MAX 256u

static uint64_t revision_now(struct etcd_endpoint *end)
{
    struct etcd_text_out answer = {0};
    etcd_endpoint_call(end, "POST", "/v3/kv/range", "{\"key\":\"AA==\"}", &answer);
    const char *at = strstr(answer.text, "\"revision\":\"");
    uint64_t revision = at == NULL ? 0 : strtoull(at + strlen("\"revision\":\""), NULL, 10);
    etcd_text_free(&answer);
    return revision;
}

void etcd_parity_begin(struct etcd_parity *self, struct etcd_endpoint *first,
                       const char *first_name, struct etcd_endpoint *second,
                       const char *second_name)
{
    *self = (struct etcd_parity){.ends = {first, second}, .names = {first_name, second_name}};
    etcd_parity_rebase(self);
}

void etcd_parity_rebase(struct etcd_parity *self)
{
    for (unsigned i = 0; i < 2; i++)
        self->bases[i] = revision_now(self->ends[i]);
}

void etcd_parity_end(struct etcd_parity *self)
{
    for (unsigned i = 0; i < 2; i++) {
        etcd_endpoint_free(self->ends[i]);
        etcd_text_free(&self->texts[i]);
        etcd_text_free(&self->bodies[i]);
    }
}

/* ---- bodies ---- */

static void add_base64(struct etcd_text_out *out, const unsigned char *in, size_t length)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                         (left > 2 ? in[i + 2] : 0u);
        char four[4] = {digits[group >> 18], digits[group >> 12 & 63],
                        left > 1 ? digits[group >> 6 & 63] : '=',
                        left > 2 ? digits[group & 63] : '='};
        etcd_text_add(out, four, 4);
    }
}

/* In quotes: ~ byte 0, ^ byte 255, % the sequence's prefix, ! the end of its range. */
static const char *expand_quoted(const struct etcd_parity *self, const char *at,
                                 struct etcd_text_out *out)
{
    struct etcd_text_out plain = {0};
    char end[32];
    etcd_text_clear(&plain);
    for (; *at != '\''; at++) {
        assert_true(*at != '\0');
        if (*at == '~')
            etcd_text_add(&plain, "\0", 1);
        else if (*at == '^')
            etcd_text_add(&plain, "\xff", 1);
        else if (*at == '%')
            etcd_text_add(&plain, self->prefix, strlen(self->prefix));
        else if (*at == '!')
            etcd_text_add(&plain, end,
                          (size_t)snprintf(end, sizeof end, "%.*s0",
                                           (int)strlen(self->prefix) - 1, self->prefix));
        else
            etcd_text_add(&plain, at, 1);
    }
    etcd_text_add(out, "\"", 1);
    add_base64(out, (const unsigned char *)plain.text, plain.length);
    etcd_text_add(out, "\"", 1);
    etcd_text_free(&plain);
    return at + 1;
}

/* Outside: ` a quote, $n a revision, #n a lease of the sequence. */
static void expand(const struct etcd_parity *self, unsigned side, const char *body,
                   struct etcd_text_out *out)
{
    etcd_text_clear(out);
    while (*body != '\0') {
        char number[32];
        char c = *body++;
        if (c == '`') {
            etcd_text_add(out, "\"", 1);
        } else if (c == '\'') {
            body = expand_quoted(self, body, out);
        } else if (c == '$' || c == '#') {
            uint64_t base = c == '#' ? self->lease : self->bases[side] - 1;
            uint64_t n = strtoull(body, (char **)(void *)&body, 10);
            etcd_text_add(out, number,
                          (size_t)snprintf(number, sizeof number, "%" PRIu64, base + n));
        } else {
            etcd_text_add(out, &c, 1);
        }
    }
}

/* ---- answers ---- */

static bool is_one_of(const char *const *names, const char *name, size_t length)
{
    for (; *names != NULL; names++) {
        if (strlen(*names) == length && memcmp(*names, name, length) == 0)
            return true;
    }
    return false;
}

/* The number of a member "name":"123" or "name":123, as it is compared. */
static void mask_number(const struct etcd_parity *self, unsigned side, const char *name,
                        size_t name_length, uint64_t number, bool is_drawn,
                        struct etcd_text_out *out)
{
    static const char *const own[] = {
        "cluster_id", "member_id",        "raft_term",   "dbSize", "leader", "raftIndex",
        "raftTerm",   "raftAppliedIndex", "dbSizeInUse", "hash",   NULL};
    static const char *const revisions[] = {"revision", "create_revision", "mod_revision",
                                            "compact_revision", NULL};
    char text[32];
    if (is_one_of(own, name, name_length) || (is_drawn && name_length == 2))
        snprintf(text, sizeof text, "*");
    else if (is_one_of(revisions, name, name_length))
        snprintf(text, sizeof text, "%" PRId64, (int64_t)(number - self->bases[side] + 1));
    else
        snprintf(text, sizeof text, "%" PRIu64, number);
    etcd_text_add(out, text, strlen(text));
}

/* The keys of a lease come in any order: the answer's letters from there on are sorted. */
static void sort_keys(struct etcd_text_out *text)
{
    char *keys = strstr(text->text, "\"keys\":[\"");
    if (keys == NULL)
        return;
    keys += strlen("\"keys\":[");
    size_t length = strcspn(keys, "]");
    for (size_t i = 1; i < length; i++) {
        for (size_t k = i; k > 0 && keys[k - 1] > keys[k]; k--) {
            char swap = keys[k];
            keys[k] = keys[k - 1];
            keys[k - 1] = swap;
        }
    }
}

static void mask(const struct etcd_parity *self, unsigned side, bool is_drawn,
                 struct etcd_text_out *text)
{
    struct etcd_text_out out = {0};
    const char *name = "", *at = text->text;
    size_t name_length = 0;
    etcd_text_clear(&out);
    while (*at != '\0') {
        const char *first = at;
        if (*at >= '0' && *at <= '9' && at > text->text && (at[-1] == '"' || at[-1] == ':')) {
            uint64_t number = strtoull(at, (char **)(void *)&at, 10);
            bool is_whole = (*at == '"' || *at == '}' || *at == ',') && name_length > 0;
            if (is_whole)
                mask_number(self, side, name, name_length, number, is_drawn, &out);
            else
                etcd_text_add(&out, first, (size_t)(at - first));
            name_length = 0;
        } else if (*at == '"' && at[1] != '\0') {
            size_t length = strcspn(at + 1, "\"");
            bool is_name = strncmp(at + 1 + length, "\":", 2) == 0;
            name = is_name ? at + 1 : name;
            name_length = is_name ? length : name_length;
            size_t step = is_name ? length + 2 : 1;
            etcd_text_add(&out, at, step);
            at += step;
        } else {
            etcd_text_add(&out, at++, 1);
        }
    }
    etcd_text_free(text);
    *text = out;
    sort_keys(text);
}

void etcd_parity_mask(const struct etcd_parity *self, unsigned side, struct etcd_text_out *text)
{
    mask(self, side, false, text);
}

static long watch_id(const char *line)
{
    const char *end = strchr(line, '\n'), *at = strstr(line, "\"watch_id\":\"");
    return at == NULL || at > end ? 0 : strtol(at + strlen("\"watch_id\":\""), NULL, 10);
}

/* Watches of a stream have no common order: the lines by watch. */
static void sort_lines(struct etcd_text_out *text)
{
    const char *lines[LINES_MAX];
    size_t count = 0;
    struct etcd_text_out out = {0};
    etcd_text_clear(&out);
    for (const char *at = text->text; strchr(at, '\n') != NULL; at = strchr(at, '\n') + 1) {
        assert_true(count < LINES_MAX);
        size_t i = count++;
        for (; i > 0 && watch_id(lines[i - 1]) > watch_id(at); i--)
            lines[i] = lines[i - 1];
        lines[i] = at;
    }
    for (size_t i = 0; i < count; i++)
        etcd_text_add(&out, lines[i], (size_t)(strchr(lines[i], '\n') - lines[i]) + 1);
    if (count == 0) /* an error has no line's end */
        etcd_text_add(&out, text->text, text->length);
    etcd_text_free(text);
    *text = out;
}

/* ---- the list ---- */

bool etcd_parity_compare(struct etcd_parity *self, const char *what, const char *body)
{
    bool equal = strcmp(self->texts[0].text, self->texts[1].text) == 0;
    bool is_lost = strncmp(self->texts[1].text, "0 ", 2) == 0; /* it died of the question */
    self->count.equal += equal;
    self->count.skipped += !equal && is_lost;
    self->count.different += !equal && !is_lost;
    if (equal && self->is_verbose && !self->is_quiet)
        printf("equal %s %s\n  %s\n", what, body, self->texts[0].text);
    if (!equal && !self->is_quiet)
        printf("%s %s %s\n  %s: %s\n  %s: %s\n", is_lost ? "skipped" : "DIFFERENT", what, body,
               self->names[0], self->texts[0].text, self->names[1], self->texts[1].text);
    return equal || is_lost;
}

static bool do_call(struct etcd_parity *self, const struct etcd_do_op *op)
{
    for (unsigned i = 0; i < 2; i++) {
        const char *method = op->what == ETCD_DO_POST ? "POST" : op->body;
        expand(self, i, op->what == ETCD_DO_POST ? op->body : "", &self->bodies[i]);
        etcd_endpoint_call(self->ends[i], method, op->path, self->bodies[i].text,
                           &self->texts[i]);
        mask(self, i, op->number == 1, &self->texts[i]);
    }
    return etcd_parity_compare(self, op->path, op->body);
}

bool etcd_parity_same(struct etcd_parity *self, const char *path, const char *body)
{
    for (unsigned i = 0; i < 2; i++) {
        etcd_endpoint_call(self->ends[i], "POST", path, body, &self->texts[i]);
        mask(self, i, false, &self->texts[i]);
    }
    return etcd_parity_compare(self, path, body);
}

unsigned etcd_parity_grace(const struct etcd_parity *self)
{
    return etcd_endpoint_is_by_hand(self->ends[0]) ? 0 : FIRST_MS;
}

static bool do_read(struct etcd_parity *self, const struct etcd_do_op *op)
{
    char what[32];
    snprintf(what, sizeof what, "stream %u", op->number);
    unsigned wanted = etcd_endpoint_lines(self->ends[0], op->number, 0, 0,
                                          etcd_parity_grace(self), &self->texts[0]);
    bool is_error = wanted == 0 && self->texts[0].length > 0;
    etcd_endpoint_lines(self->ends[1], op->number, wanted, WAIT_MS,
                        is_error ? 10 * GRACE_MS : GRACE_MS, &self->texts[1]);
    for (unsigned i = 0; i < 2; i++) {
        mask(self, i, false, &self->texts[i]);
        sort_lines(&self->texts[i]);
    }
    return etcd_parity_compare(self, what, "");
}

bool etcd_parity_do(struct etcd_parity *self, const struct etcd_do_op *op)
{
    switch (op->what) {
    case ETCD_DO_POST:
    case ETCD_DO_GET:
        return do_call(self, op);
    case ETCD_DO_READ:
        return do_read(self, op);
    case ETCD_DO_WATCH:
        for (unsigned i = 0; i < 2; i++) {
            expand(self, i, op->body, &self->bodies[i]);
            etcd_endpoint_watch(self->ends[i], op->number, self->bodies[i].text);
        }
        break;
    case ETCD_DO_CLOSE:
        for (unsigned i = 0; i < 2; i++)
            etcd_endpoint_close(self->ends[i], op->number);
        break;
    case ETCD_DO_SLEEP:
        for (unsigned i = 0; i < 2; i++)
            etcd_endpoint_sleep(self->ends[i], op->number);
        break;
    }
    return true;
}

void etcd_parity_list(struct etcd_parity *self)
{
    for (size_t i = 0; i < etcd_ops_count; i++)
        etcd_parity_do(self, &etcd_ops_list[i]);
}

static void print_count(const char *what, struct etcd_parity *self,
                        struct etcd_parity_count *sum)
{
    printf("%s: equal %u, different %u, skipped %u\n", what, self->count.equal,
           self->count.different, self->count.skipped);
    sum->different += self->count.different;
    self->count = (struct etcd_parity_count){0};
    fflush(stdout);
}

unsigned etcd_parity_run(const struct etcd_parity_plan *plan)
{
    struct etcd_parity parity;
    struct etcd_parity_count sum = {0};
    struct etcd_endpoint *first =
        plan->first == NULL ? etcd_endpoint_by_hand() : etcd_endpoint_url(plan->first);
    etcd_parity_begin(&parity, first, plan->first == NULL ? "machine" : plan->first,
                      etcd_endpoint_url(plan->second), plan->second);
    parity.is_verbose = plan->is_verbose;
    etcd_parity_list(&parity);
    print_count("list", &parity, &sum);
    etcd_parity_mistakes(&parity, plan->seed, plan->mistakes);
    print_count("mistakes", &parity, &sum);
    etcd_parity_random(&parity, plan->seed, plan->sequences, plan->seconds_max);
    print_count("random", &parity, &sum);
    etcd_parity_end(&parity);
    return sum.different;
}
