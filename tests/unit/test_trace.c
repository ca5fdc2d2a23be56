/* test_trace.c - recorded workloads: every call accounted for, every wrong row placed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "core/cluster.h"
#include "scenario/scenario.h"

static char folder[] = "/tmp/rollcage_trace_XXXXXX";

static const char *write_file(const char *name, const char *text)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"t.csv", "a-invocations.csv", "a-durations.csv",
                                        "a-memory.csv", "calls.csv"};
    char path[200];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static struct scenario load(const char *entry)
{
    char yaml[600];
    struct scenario s;
    struct errmsg err = {{0}};
    struct scenario_options options = {0};
    snprintf(yaml, sizeof yaml, "why: x\nload: [%s]\nexpect: pass\n", entry);
    int result = scenario_read_bytes("x.yaml", yaml, strlen(yaml), &options, &s, &err);
    if (result != 0)
        print_error("%s\n", err.text);
    assert_int_equal(result, 0);
    return s;
}

static struct scenario load_trace(const char *path, const char *more)
{
    char entry[400];
    snprintf(entry, sizeof entry, "{ trace: %s%s }", path, more);
    return load(entry);
}

/* sent + skipped = calls, ordinals dense, instants in order, ids in order. */
static uint64_t count_sent(const struct scenario *s, uint32_t entry)
{
    const struct load_entry *e = &s->loads[entry];
    uint64_t sent = 0, skipped = 0;
    for (uint32_t i = 0; i < e->call_count; i++) {
        const struct trace_call *call = &s->cluster.calls[e->first_call + i];
        assert_int_equal(call->ordinal, i + 1);
        assert_int_equal(s->cluster.call_requests[e->first_call + i], REQUEST_ID(entry, i + 1));
        assert_true(i == 0 || call->at >= call[-1].at);
        assert_true(call->at >= e->from);
        sent += call->skipped == 0;
        assert_true(call->skipped != 0 || call->action < s->cluster.action_count);
    }
    for (unsigned i = 0; i < TRACE_SKIP_COUNT; i++)
        skipped += s->traces[entry].skipped[i];
    assert_int_equal(sent + skipped, e->call_count);
    assert_int_equal(s->traces[entry].call_count, e->call_count);
    return sent;
}

static const char rows_2021[] = "app,func,end_timestamp,duration\n"
                                "a1,f1aaaaaaaaaaaa,10.5,0.5\n"
                                "a1,f2bbbbbbbbbbbb,3.25,4.0\r\n"
                                "a2,f3cccccccccccc,700.0,405.25\n"
                                "a1,f1aaaaaaaaaaaa,10.079490900039673,7.8e-02\n"
                                "a2,f3cccccccccccc,20,0"; /* no final newline */

static void rows_of_2021_become_calls(void **state)
{
    (void)state;
    struct scenario s = load_trace(write_file("t.csv", rows_2021), ", from: 1m");
    assert_int_equal(count_sent(&s, 0), 5);
    const struct trace_call *c = s.cluster.calls;
    tstamp zero = TSTAMP_ORIGIN + MINUTES(1);
    assert_int_equal(c[0].at, zero); /* 3.25 - 4: moved to zero */
    assert_int_equal(c[0].run, SEC(4));
    assert_int_equal(c[1].at - zero, SEC(10));
    assert_int_equal(c[1].run, MSEC(500));
    assert_int_equal(c[2].at - zero, 10079490900u - 78000000u);
    assert_int_equal(c[3].at - zero, SEC(20));
    assert_int_equal(c[3].run, 0);
    assert_int_equal(c[4].at - zero, MSEC(294750));
    assert_int_equal(c[4].run, MINUTES(5)); /* the limit of an action */
    assert_int_equal(s.traces[0].moved, 1);
    assert_int_equal(s.traces[0].clipped, 1);
    assert_int_equal(s.traces[0].function_count, 3);
    assert_int_equal(s.traces[0].no_memory, 3);
    assert_string_equal(s.cluster.actions[0].name, "trace/f1aaaaaa");
    assert_int_equal(s.cluster.actions[0].memory_mb, 256);
    assert_int_equal(s.cluster.actions[0].timeout, MINUTES(5));
    assert_string_equal(s.cluster.namespaces[s.cluster.actions[0].ns].name, "trace");
    scenario_release(&s);
}

static void speed_top_and_end(void **state)
{
    (void)state;
    struct scenario s =
        load_trace(write_file("t.csv", rows_2021), ", speed: 2, top: 2, for: 2m");
    assert_int_equal(count_sent(&s, 0), 3);
    assert_int_equal(s.traces[0].skipped[TRACE_SKIP_NOT_IN_TOP], 1);
    assert_int_equal(s.traces[0].skipped[TRACE_SKIP_AFTER_END], 1);
    assert_int_equal(s.cluster.action_count, 2);
    assert_int_equal(s.cluster.calls[1].at, TSTAMP_ORIGIN + SEC(5));
    assert_int_equal(s.cluster.calls[1].run, MSEC(500)); /* durations keep their length */
    assert_int_equal(s.cluster.calls[0].action, ACTION_NONE);
    scenario_release(&s);
}

static void write_2019(const char *durations)
{
    write_file("a-durations.csv", durations);
    write_file("a-memory.csv", "HashOwner,HashApp,HashFunction,SampleCount,AverageAllocatedMb\n"
                               "o,a,f1,9,170.2\no,a,f2,9,40\n");
    write_file("a-invocations.csv",
               "HashOwner,HashApp,HashFunction,Trigger,1,2,3\no,a,f1,http,2,0,1\n"
               "o,a,f2,timer,0,1,0\no,b,f3,queue,1,0,0");
}

static const char good_durations[] =
    "HashOwner,HashApp,HashFunction,Average,Count,Minimum,Maximum,percentile_Average_0,"
    "percentile_Average_1,percentile_Average_25,percentile_Average_50,percentile_Average_75,"
    "percentile_Average_99,percentile_Average_100\n"
    "o,a,f1,1,3,1,9,1,2,3,4.5,5,6,400000\n";

static void counts_of_2019_are_spread_in_their_minutes(void **state)
{
    (void)state;
    char path[200];
    write_2019(good_durations);
    snprintf(path, sizeof path, "%s/a-invocations.csv", folder);
    struct scenario s = load_trace(path, "");
    assert_int_equal(count_sent(&s, 0), 5);
    uint32_t minutes[3] = {0};
    for (uint32_t i = 0; i < 5; i++)
        minutes[(s.cluster.calls[i].at - TSTAMP_ORIGIN) / MINUTES(1)]++;
    assert_int_equal(minutes[0], 3);
    assert_int_equal(minutes[1], 1);
    assert_int_equal(minutes[2], 1);
    const struct action_info *f1 = &s.cluster.actions[0];
    assert_string_equal(f1->name, "trace/f1");
    assert_int_equal(f1->run_kind, RUN_PERCENTILES);
    assert_int_equal(f1->run_points[3], USEC(4500));
    assert_int_equal(f1->run_points[6], MINUTES(5));
    assert_int_equal(f1->memory_mb, 171);
    assert_int_equal(s.cluster.actions[1].memory_mb, 128);
    assert_int_equal(s.traces[0].memory_clipped, 1);
    assert_int_equal(s.traces[0].no_memory, 1);
    assert_int_equal(s.traces[0].no_duration, 2);
    assert_int_equal(s.traces[0].clipped, 3);
    scenario_release(&s);
}

static void another_seed_spreads_them_anew_in_the_same_minutes(void **state)
{
    (void)state;
    char path[200];
    write_2019(good_durations);
    snprintf(path, sizeof path, "%s/a-invocations.csv", folder);
    struct scenario s = load_trace(path, "");
    tstamp first = s.cluster.calls[0].at;
    scenario_reseed(&s, 99);
    assert_true(s.cluster.calls[0].at != first);
    assert_int_equal(count_sent(&s, 0), 5);
    scenario_reseed(&s, 1);
    assert_true(s.cluster.calls[0].at == first);
    scenario_release(&s);
}

static void refused(const char *path, const char *text)
{
    struct region *region = region_new();
    struct trace *trace;
    struct errmsg err = {{0}};
    char expected[400];
    struct trace_options options = {.speed_milli = 1000};
    assert_int_equal(trace_read(region, path, &options, &trace, &err), -ERR_INPUT);
    snprintf(expected, sizeof expected, "%s/%s", folder, text);
    assert_string_equal(err.text, expected);
    region_free(region);
}

static void wrong_files_of_2021(void **state)
{
    (void)state;
    refused(write_file("t.csv", ""), "t.csv:1:1: nothing in it, expected a header line");
    refused(write_file("t.csv", "app,func,duration\na,f,1\n"),
            "t.csv:1:1: a column is missing, expected a column end_timestamp");
    refused(write_file("t.csv", "app,func,end_timestamp,duration\na,f,1,2\na,f,1,x2\n"),
            "t.csv:3:7: x2, expected a number from 0");
    refused(write_file("t.csv", "app,func,end_timestamp,duration\na,f,,2\n"),
            "t.csv:2:5: nothing, expected a number from 0");
    refused(write_file("t.csv", "app,func,end_timestamp,duration\na,f,1,-2\n"),
            "t.csv:2:7: -2, expected a number from 0");
    refused(write_file("t.csv", "app,func,end_timestamp,duration\na,f,1e99,2\n"),
            "t.csv:2:5: 1e99, expected a number that is not so large");
    refused(write_file("t.csv", "app,func,end_timestamp,duration\na,f,1\n"),
            "t.csv:2:1: another number of fields than the header has, expected one per column");
    refused(write_file("t.csv", "app,func,end_timestamp,duration\n"),
            "t.csv:1:1: no call in it, expected at least one");
}

static void wrong_files_of_2019(void **state)
{
    (void)state;
    char path[200];
    write_2019("HashOwner,HashApp,HashFunction,percentile_Average_0\n");
    snprintf(path, sizeof path, "%s/a-invocations.csv", folder);
    refused(path,
            "a-durations.csv:1:1: a column is missing, expected a column percentile_Average_1");
    refused(write_file("a-invocations.csv",
                       "HashOwner,HashApp,HashFunction,Trigger,1,3\no,a,f1,http,2,0\n"),
            "a-invocations.csv:1:42: 3, expected the minutes in order, without a gap");
    refused(write_file("a-invocations.csv",
                       "HashOwner,HashApp,HashFunction,Trigger,1\no,a,f1,http,2.5\n"),
            "a-invocations.csv:2:13: 2.5, expected a whole number of calls");
    refused(
        write_file("calls.csv", "HashOwner,HashApp,HashFunction,Trigger,1\no,a,f1,http,2\n"),
        "calls.csv:1:1: a file of calls per minute, expected `invocations` in its name "
        "(durations and memory are found by it)");
}

static void the_bundled_recordings(void **state)
{
    (void)state;
    struct scenario s =
        load_trace(TEST_SOURCE_DIR "/scenarios/traces/azure-2021-small.csv", "");
    assert_int_equal(count_sent(&s, 0), 300);
    assert_int_equal(s.traces[0].moved, 1);
    assert_int_equal(s.traces[0].clipped, 1);
    scenario_release(&s);
    s = load_trace(TEST_SOURCE_DIR "/scenarios/traces/azure-2019-small-invocations.csv",
                   ", for: 20m");
    assert_int_equal(s.loads[0].call_count, 323);
    assert_true(count_sent(&s, 0) < 323);
    scenario_release(&s);
}

static void the_same_recording_twice_shares_its_actions(void **state)
{
    (void)state;
    char entry[500];
    const char *path = write_file("t.csv", rows_2021);
    snprintf(entry, sizeof entry, "{ trace: %s }, { trace: %s, from: 1h }", path, path);
    struct scenario s = load(entry);
    assert_int_equal(s.cluster.action_count, 3);
    assert_int_equal(s.cluster.call_count, 10);
    assert_int_equal(count_sent(&s, 0), 5);
    assert_int_equal(count_sent(&s, 1), 5);
    scenario_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_2021_become_calls),
        cmocka_unit_test(speed_top_and_end),
        cmocka_unit_test(counts_of_2019_are_spread_in_their_minutes),
        cmocka_unit_test(another_seed_spreads_them_anew_in_the_same_minutes),
        cmocka_unit_test(wrong_files_of_2021),
        cmocka_unit_test(wrong_files_of_2019),
        cmocka_unit_test(the_bundled_recordings),
        cmocka_unit_test(the_same_recording_twice_shares_its_actions),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
