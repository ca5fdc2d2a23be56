/*
 * test_history.c - the records of a run in memory, as lines of JSON, and the trail in both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "history/trail.h"
#include "support/check_bed.h"

#define A ACTIVATION_ID(1, 0)
#define B ACTIVATION_ID(2, 0)

struct fixture {
    struct check_bed bed;
    struct history history;
    struct history_names names;
    char path[64];
};

static int open_fixture(void **state)
{
    static struct fixture f;
    check_bed_open(&f.bed);
    history_init(&f.history);
    f.bed.sink = history_sink;
    f.bed.sink_context = &f.history;
    f.bed.at = TSTAMP_ORIGIN - SEC(60);
    check_bed_begin(&f.bed);
    f.bed.at = TSTAMP_ORIGIN;
    f.names = (struct history_names){
        .cluster = f.bed.world.cluster,
        .draws = f.bed.world.draws,
        .step_names = f.bed.world.step_names,
        .step_name_count = f.bed.world.step_name_count,
    };
    snprintf(f.path, sizeof f.path, "%s", "/tmp/rollcage-history-XXXXXX");
    int fd = mkstemp(f.path);
    assert_true(fd >= 0);
    close(fd);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    history_release(&f->history);
    check_bed_close(&f->bed);
    return 0;
}

/* With a cause, as effects_record chains them. */
static uint64_t caused(struct fixture *f, struct record r, uint64_t cause)
{
    r.cause = (uint32_t)cause;
    f->bed.at += MSEC(1);
    return check_bed_feed(&f->bed, r);
}

static char *trail_text(const struct trail_source *source, struct trail_query query,
                        unsigned *ret_lines)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    *ret_lines = trail_print(source, query, out);
    fclose(out);
    return text;
}

static unsigned count_lines(const char *text)
{
    unsigned count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static void a_cut_forgets_what_came_after_a_snapshot(void **state)
{
    struct fixture *f = *state;
    size_t count = f->history.count;
    uint64_t next = f->bed.seq;
    check_bed_run_through(&f->bed, A);
    assert_true(f->history.count > count);
    history_cut(&f->history, next);
    assert_int_equal(f->history.count, count);
    assert_null(history_find(&f->history, next));
    assert_int_equal(history_find(&f->history, next - 1)->seq, next - 1);
    history_cut(&f->history, next + 100); /* nothing there to forget */
    assert_int_equal(f->history.count, count);
    history_cut(&f->history, 0);
    assert_int_equal(f->history.count, 0);
}

static void a_line_has_the_members_in_order_and_leaves_out_what_is_absent(void **state)
{
    struct fixture *f = *state;
    char *text = NULL, hex[33], expected[600];
    size_t size = 0;
    uint64_t seq = check_bed_send(&f->bed, A);
    FILE *out = open_memstream(&text, &size);
    const struct record *r = history_find(&f->history, seq);
    assert_int_equal(history_jsonl_print(&f->names, r, out), 0);
    fclose(out);
    cluster_activation_text(&f->bed.draws, A, hex);
    snprintf(
        expected, sizeof expected,
        "{\"seq\":%d,\"at\":0,\"node\":\"edge\",\"actor\":\"main\",\"kind\":\"edge-passed\","
        "\"activation\":\"%s\",\"outcome\":\"OK\",\"text\":\"passes request 1 to "
        "controller0\"}\n",
        (int)seq, hex);
    assert_string_equal(text, expected);
    free(text);
}

static void every_line_is_json_and_comes_back_from_the_file(void **state)
{
    struct fixture *f = *state;
    struct history_file file;
    struct history_line line;
    char errmsg[200], text[1024];
    check_bed_run_through(&f->bed, A);
    check_bed_key(&f->bed, RECORD_KEY_PUT, (struct key){.family = KEY_QUEUE});
    check_bed_feed(&f->bed, (struct record){.kind = RECORD_STEP_STARTED,
                                            .node = BED_DEPLOYER,
                                            .peer = BED_SCHEDULER0,
                                            .value = 1});
    assert_int_equal(history_jsonl_write(&f->history, &f->names, f->path), 0);
    assert_int_equal(history_file_open(&file, f->path, errmsg, sizeof errmsg), 0);
    assert_int_equal(file.count, f->history.count);
    for (size_t i = 0; i < file.count; i++) {
        const struct record *r = &f->history.records[i];
        assert_true(history_file_line(&file, r->seq, &line));
        assert_true(line.at_ns == history_at(r->at));
        assert_string_equal(line.node, cluster_node_name(f->names.cluster, r->node));
        assert_string_equal(line.kind, record_to_string(r->kind));
        history_text(&f->names, r, text, sizeof text);
        assert_string_equal(line.text, text);
    }
    assert_string_equal(text, "step `wait` of scheduler0 begins");
    assert_true(file.lines[0].at_ns == -(int64_t)SEC(60));
    assert_false(history_file_line(&file, 1u << 30, &line));
    history_file_close(&file);
}

static void a_file_that_is_no_history_is_refused_with_its_line(void **state)
{
    struct fixture *f = *state;
    struct history_file file;
    char errmsg[300];
    const char *bad[] = {"hello\n", "{\"seq\":1,\"at\":0}\n{\"seq\":3,\"at\":0}\n",
                         "{\"seq\":1,\"at\":0}\n{\"seq\":99999999999999999999999,\"at\":0}\n",
                         "{\"seq\":1,\"at\":0}\n{\"seq\":2,\"at\":"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FILE *out = fopen(f->path, "w");
        fputs(bad[i], out);
        fclose(out);
        assert_int_equal(history_file_open(&file, f->path, errmsg, sizeof errmsg), -1);
        assert_non_null(strstr(errmsg, i == 0 ? ":1: " : ":2: "));
    }
    assert_int_equal(history_file_open(&file, "/nowhere/x", errmsg, sizeof errmsg), -1);
    assert_int_equal(history_file_open(&file, "/tmp", errmsg, sizeof errmsg), -1);
    FILE *out = fopen(f->path, "w");
    fclose(out);
    assert_int_equal(history_file_open(&file, f->path, errmsg, sizeof errmsg), 0); /* empty */
    assert_int_equal(file.count, 0);
    history_file_close(&file);
}

/* The deploy tool stops scheduler0 with activation A in a queue. */
static uint64_t tell_a_story(struct fixture *f)
{
    check_bed_until_queued(&f->bed, A);
    check_bed_until_queued(&f->bed, B); /* has nothing to do with it */
    uint64_t step = caused(f,
                           (struct record){.kind = RECORD_STEP_STARTED,
                                           .node = BED_DEPLOYER,
                                           .peer = BED_SCHEDULER0,
                                           .value = 2},
                           0);
    uint64_t asked =
        caused(f, (struct record){.kind = RECORD_NODE_STOPPING, .node = BED_SCHEDULER0}, step);
    uint64_t down =
        caused(f, (struct record){.kind = RECORD_NODE_STOPPED, .node = BED_SCHEDULER0}, asked);
    f->bed.at += SEC(1);
    check_bed_answer(&f->bed, A, 202);
    return down;
}

static void the_trail_merges_causes_with_the_activations_own_records(void **state)
{
    struct fixture *f = *state;
    uint64_t down = tell_a_story(f);
    struct trail_source source = trail_of_history(&f->history, &f->names);
    unsigned lines;
    char *text = trail_text(&source, (struct trail_query){down, A}, &lines);
    assert_int_equal(lines, count_lines(text));
    assert_int_equal(lines, 11);
    const char *expected = "  -   0.003000 s  client main              request 1 for "
                           "guest/hello is sent, blocking\n";
    assert_memory_equal(text, expected, strlen(expected));
    assert_non_null(strstr(text, "  -   0.002000 s  deployer main            step `restart` of "
                                 "scheduler0 begins\n"));
    assert_non_null(strstr(text, "> +   0.000000 s  scheduler0 main          is down\n"));
    assert_non_null(strstr(text,
                           "  +   1.000000 s  controller0 main         answers activation "
                           "1: HTTP 202"));
    assert_null(strstr(text, "activation 2"));
    free(text);
}

static void the_trail_from_the_file_is_the_same(void **state)
{
    struct fixture *f = *state;
    struct history_file file;
    char errmsg[200], hex[33];
    unsigned lines, file_lines;
    uint64_t down = tell_a_story(f);
    struct trail_source memory = trail_of_history(&f->history, &f->names);
    char *text = trail_text(&memory, (struct trail_query){down, A}, &lines);
    assert_int_equal(history_jsonl_write(&f->history, &f->names, f->path), 0);
    assert_int_equal(history_file_open(&file, f->path, errmsg, sizeof errmsg), 0);
    struct trail_source source = trail_of_file(&file);
    cluster_activation_text(&f->bed.draws, A, hex);
    struct trail_query query = {down, history_activation_token(hex)};
    char *file_text = trail_text(&source, query, &file_lines);
    assert_string_equal(file_text, text);
    assert_int_equal(file_lines, lines);
    free(text);
    free(file_text);
    history_file_close(&file);
}

static void a_long_trail_keeps_its_ends_and_says_what_it_leaves_out(void **state)
{
    struct fixture *f = *state;
    uint64_t cause = 0, middle = 0;
    check_bed_until_queued(&f->bed, A);
    for (unsigned i = 0; i < 300; i++) {
        struct record r = {.kind = RECORD_LOOKED_UP, .node = BED_SCHEDULER0, .activation = A};
        cause = caused(f, r, cause);
        if (i == 100)
            middle = cause;
    }
    struct trail_source source = trail_of_history(&f->history, &f->names);
    uint64_t ends[] = {cause, middle, 0};
    for (unsigned i = 0; i < 3; i++) {
        unsigned lines;
        char *text = trail_text(&source, (struct trail_query){ends[i], A}, &lines);
        assert_int_equal(lines, count_lines(text));
        assert_true(lines <= TRAIL_LINES);
        assert_non_null(strstr(text, "request 1 for guest/hello is sent"));
        assert_non_null(strstr(text, "records in between are left out"));
        assert_non_null(strstr(text, "\n> +   0.000000 s  scheduler0"));
        assert_int_equal(strstr(text, "later records are left out") != NULL, i == 1);
        free(text);
    }
}

static void a_long_chain_of_causes_is_cut_at_its_far_end(void **state)
{
    struct fixture *f = *state;
    uint64_t cause = 0;
    unsigned lines;
    for (unsigned i = 0; i < 200; i++)
        cause = caused(f, (struct record){.kind = RECORD_NODE_DISABLED, .node = BED_INVOKER0},
                       cause);
    struct trail_source source = trail_of_history(&f->history, &f->names);
    char *text = trail_text(&source, (struct trail_query){cause, 0}, &lines);
    assert_true(lines <= TRAIL_LINES);
    assert_non_null(strstr(text, "earlier records that led here are left out"));
    free(text);
    text = trail_text(&source, (struct trail_query){0, 0}, &lines);
    assert_int_equal(lines, 0);
    free(text);
}

#define HISTORY_TEST(f) cmocka_unit_test_setup_teardown(f, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HISTORY_TEST(a_cut_forgets_what_came_after_a_snapshot),
        HISTORY_TEST(a_line_has_the_members_in_order_and_leaves_out_what_is_absent),
        HISTORY_TEST(every_line_is_json_and_comes_back_from_the_file),
        HISTORY_TEST(a_file_that_is_no_history_is_refused_with_its_line),
        HISTORY_TEST(the_trail_merges_causes_with_the_activations_own_records),
        HISTORY_TEST(the_trail_from_the_file_is_the_same),
        HISTORY_TEST(a_long_trail_keeps_its_ends_and_says_what_it_leaves_out),
        HISTORY_TEST(a_long_chain_of_causes_is_cut_at_its_far_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
