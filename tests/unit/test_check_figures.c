/*
 * test_check_figures.c - latency, the summary, the list of checks and of their bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "check/histogram.h"
#include "support/check_bed.h"

#define LATENCY "latency"
#define ID(n) ACTIVATION_ID(n, 0)
#define WAIT_STEP 1u /* of the bed's steps */

static void ask(struct check_bed *bed, const char *check, duration below, bool is_in_step)
{
    int index = check_field_find(check, "below");
    bed->settings.values[index] = below;
    bed->settings.given[index] = true;
    index = check_field_find(check, "during");
    bed->settings.values[index] = WAIT_STEP;
    bed->settings.given[index] = is_in_step;
}

static void answer(struct check_bed *bed, uint32_t n, uint64_t status)
{
    check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_DONE,
                                        .node = BED_CLIENT,
                                        .activation = ID(n),
                                        .value = status});
}

static void accepted(struct check_bed *bed, uint32_t n)
{
    check_bed_send(bed, ID(n));
    check_bed_accept(bed, ID(n));
}

static void step(struct check_bed *bed, enum record_kind kind, uint64_t number)
{
    check_bed_feed(bed, (struct record){.kind = (uint16_t)kind,
                                        .node = BED_DEPLOYER,
                                        .peer = BED_SCHEDULER0,
                                        .value = number});
}

/* `count` answers after 1 s and one after 3 s; is the percentile still below 2 s? */
static bool is_slow(struct check_bed *bed, const char *check, uint32_t count)
{
    check_bed_close(bed);
    check_bed_open(bed);
    ask(bed, check, SEC(2), false);
    check_bed_begin(bed);
    for (uint32_t i = 1; i <= count + 1; i++)
        accepted(bed, i);
    check_bed_wait(bed, SEC(1));
    for (uint32_t i = 1; i <= count; i++)
        answer(bed, i, 200);
    check_bed_wait(bed, SEC(2));
    answer(bed, count + 1, 200);
    check_set_end(bed->set, bed->at);
    return check_bed_result(bed, LATENCY).verdict == CHECK_FAIL;
}

static void each_percentile_is_the_one_it_is_called(void **state)
{
    struct check_bed *bed = *state;
    assert_false(is_slow(bed, "latency.p50", 1));
    assert_true(is_slow(bed, "latency.p50", 0));
    assert_false(is_slow(bed, "latency.p90", 9));
    assert_true(is_slow(bed, "latency.p90", 8));
    assert_false(is_slow(bed, "latency.p99", 99));
    assert_true(is_slow(bed, "latency.p99", 98));
    assert_true(is_slow(bed, "latency.max", 99));
}

static void an_answer_at_the_bound_is_too_slow(void **state)
{
    struct check_bed *bed = *state;
    for (unsigned more = 0; more < 2; more++) {
        check_bed_close(bed);
        check_bed_open(bed);
        ask(bed, "latency.max", MSEC(2500) + more, false);
        check_bed_begin(bed);
        accepted(bed, 1);
        check_bed_wait(bed, MSEC(2500));
        answer(bed, 1, 200);
        struct violation want = {.at = bed->at + SEC(1),
                                 .node = NODE_NONE,
                                 .action = ACTION_NONE,
                                 .text = "max of 1 answers is 2.500 s, must be below 2.500 s"};
        check_set_end(bed->set, bed->at + SEC(1));
        check_bed_told(bed, LATENCY, 1 - more, &want);
        assert_int_equal(check_bed_result(bed, LATENCY).verdict,
                         more != 0 ? CHECK_PASS : CHECK_FAIL);
    }
}

/* Errors count like successes; broken connections and what nobody accepted do not. */
static void only_http_answers_of_accepted_requests_count(void **state)
{
    struct check_bed *bed = *state;
    for (unsigned in_step = 0; in_step < 2; in_step++) {
        check_bed_close(bed);
        check_bed_open(bed);
        ask(bed, "latency.max", SEC(9), in_step != 0);
        check_bed_begin(bed);
        step(bed, RECORD_STEP_STARTED, WAIT_STEP);
        for (uint32_t i = 1; i <= 4; i++)
            accepted(bed, i);
        check_bed_send(bed, ID(5));
        check_bed_wait(bed, SEC(10));
        answer(bed, 1, 0);
        answer(bed, 2, 199);
        answer(bed, 5, 500);
        check_set_end(bed->set, bed->at);
        assert_int_equal(check_bed_result(bed, LATENCY).verdict, CHECK_NOT_APPLICABLE);
    }
    check_bed_close(bed);
    check_bed_open(bed);
    ask(bed, "latency.p90", SEC(9), true);
    check_bed_begin(bed);
    step(bed, RECORD_STEP_STARTED, WAIT_STEP);
    accepted(bed, 1);
    accepted(bed, 2);
    check_bed_wait(bed, SEC(10));
    answer(bed, 1, 200);
    answer(bed, 2, 500);
    check_set_end(bed->set, bed->at);
    assert_string_equal(check_bed_result(bed, LATENCY).examples[0].text,
                        "p90 of 2 answers during wait is 10.000 s, must be below 9.000 s");
}

/* Two instances in the step; one end too many is none of them. */
static void a_step_is_open_while_any_instance_is_in_it(void **state)
{
    struct check_bed *bed = *state;
    check_bed_close(bed);
    check_bed_open(bed);
    ask(bed, "latency.max", SEC(1), true);
    check_bed_begin(bed);
    step(bed, RECORD_STEP_ENDED, WAIT_STEP);
    step(bed, RECORD_STEP_STARTED, 0);
    accepted(bed, 1); /* in no step of that name */
    answer(bed, 1, 200);
    step(bed, RECORD_STEP_STARTED, WAIT_STEP);
    step(bed, RECORD_STEP_STARTED, WAIT_STEP);
    step(bed, RECORD_STEP_ENDED, WAIT_STEP);
    step(bed, RECORD_STEP_ENDED, 0);
    accepted(bed, 2); /* sent in it, answered after it */
    step(bed, RECORD_STEP_ENDED, WAIT_STEP);
    check_bed_wait(bed, SEC(2));
    answer(bed, 2, 200);
    accepted(bed, 3); /* sent before it, answered in it */
    step(bed, RECORD_STEP_STARTED, WAIT_STEP);
    answer(bed, 3, 200);
    step(bed, RECORD_STEP_ENDED, WAIT_STEP);
    accepted(bed, 4);
    answer(bed, 4, 200);
    check_set_end(bed->set, bed->at);
    assert_string_equal(check_bed_result(bed, LATENCY).examples[0].text,
                        "max of 2 answers during wait is 2.000 s, must be below 1.000 s");
    assert_int_equal(check_set_summary(bed->set)->latency.count, 4);
}

/* ---- summary ---- */

static void end_step(struct check_bed *bed, node_id instance, uint64_t number, uint64_t entry,
                     unsigned outcome)
{
    check_bed_feed(bed, (struct record){.kind = RECORD_STEP_ENDED,
                                        .node = BED_DEPLOYER,
                                        .peer = instance,
                                        .value = number,
                                        .value2 = entry << 32 | 9,
                                        .detail = (uint8_t)outcome});
}

static void a_step_ends_where_instance_number_and_entry_agree(void **state)
{
    struct check_bed *bed = *state;
    const struct summary *s = check_set_summary(bed->set);
    struct record start = {.kind = RECORD_STEP_STARTED,
                           .node = BED_DEPLOYER,
                           .peer = BED_SCHEDULER0,
                           .value = 2,
                           .value2 = 3};
    tstamp begin = bed->at;
    uint64_t seq = check_bed_feed(bed, start);
    check_bed_wait(bed, SEC(1));
    end_step(bed, BED_SCHEDULER1, 2, 3, STEP_FAILED);
    end_step(bed, BED_SCHEDULER0, 1, 3, STEP_FAILED);
    end_step(bed, BED_SCHEDULER0, 2, 4, STEP_FAILED);
    assert_int_equal(s->steps[0].ended_at, TSTAMP_NEVER);
    assert_int_equal(s->steps[0].ended_seq, UINT64_MAX);
    uint64_t ended = bed->seq;
    end_step(bed, BED_SCHEDULER0, 2, 3, STEP_IGNORED);
    end_step(bed, BED_SCHEDULER0, 2, 3, STEP_FAILED); /* has ended */
    assert_int_equal(s->steps[0].started_at, begin);
    assert_int_equal(s->steps[0].started_seq, seq);
    assert_int_equal(s->steps[0].ended_at, bed->at);
    assert_int_equal(s->steps[0].ended_seq, ended);
    assert_int_equal(s->steps[0].instance, BED_SCHEDULER0);
    assert_int_equal(s->steps[0].step, 2);
    assert_int_equal(s->steps[0].entry, 3);
    assert_int_equal(s->steps[0].outcome, STEP_IGNORED);
    assert_int_equal(s->steps[0].polls, 9);
}

static void steps_are_kept_up_to_a_number_and_all_are_counted(void **state)
{
    struct check_bed *bed = *state;
    const struct summary *s = check_set_summary(bed->set);
    for (uint64_t i = 0; i < SUMMARY_STEPS_MAX + 3; i++)
        step(bed, RECORD_STEP_STARTED, i);
    assert_int_equal(s->step_count, SUMMARY_STEPS_MAX);
    assert_int_equal(s->step_total, SUMMARY_STEPS_MAX + 3);
    for (uint32_t i = 0; i < SUMMARY_STEPS_MAX; i++)
        assert_int_equal(s->steps[i].step, i);
}

static void refuse(struct check_bed *bed, uint32_t n)
{
    check_bed_send(bed, ID(n));
    answer(bed, n, 503);
}

/* Of the 64 that started last; a record that starts or ends a step is not inside it. */
static void a_failure_is_the_newest_open_steps(void **state)
{
    struct check_bed *bed = *state;
    struct summary *s = (struct summary *)check_set_summary(bed->set);
    step(bed, RECORD_STEP_STARTED, 0);
    uint64_t first = bed->seq - 1;
    for (uint64_t i = 1; i <= 63; i++) {
        step(bed, RECORD_STEP_STARTED, i);
        end_step(bed, BED_SCHEDULER0, i, 0, STEP_OK);
    }
    refuse(bed, 1);
    assert_int_equal(s->steps[0].failed, 1);
    step(bed, RECORD_STEP_STARTED, 64);
    end_step(bed, BED_SCHEDULER0, 64, 0, STEP_OK);
    refuse(bed, 2); /* the open one is the 65th from the end */
    assert_int_equal(s->steps[0].failed, 1);
    assert_int_equal(s->failed_outside, 1);
    summary_blame(s, first, true);
    assert_int_equal(s->lost_outside, 1);
    summary_blame(s, first + 1, true);
    assert_int_equal(s->steps[0].lost, 1);
    summary_blame(s, s->steps[5].ended_seq, true);
    assert_int_equal(s->steps[5].lost, 1);
    summary_blame(s, s->steps[5].ended_seq + 1, true);
    assert_int_equal(s->steps[0].lost, 2);
}

static void statuses_are_counted_apart_in_their_order(void **state)
{
    struct check_bed *bed = *state;
    const struct summary *s = check_set_summary(bed->set);
    static const uint64_t statuses[] = {503, 404, 1, 503, 429, UINT64_C(1) << 40};
    for (uint32_t i = 0; i < 6; i++) {
        check_bed_send(bed, ID(1 + i));
        answer(bed, 1 + i, statuses[i]);
    }
    static const struct summary_status want[] = {
        {1, 1}, {404, 1}, {429, 1}, {503, 2}, {UINT32_MAX, 1}};
    assert_int_equal(s->status_count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(s->rejected_by[i].status, want[i].status);
        assert_int_equal(s->rejected_by[i].count, want[i].count);
    }
    assert_int_equal(s->rejected, 6);
}

static void the_last_status_takes_what_has_no_room(void **state)
{
    struct check_bed *bed = *state;
    const struct summary *s = check_set_summary(bed->set);
    for (uint32_t i = 0; i < SUMMARY_STATUSES_MAX + 2; i++) {
        check_bed_send(bed, ID(1 + i));
        answer(bed, 1 + i, 400 + i);
    }
    assert_int_equal(s->status_count, SUMMARY_STATUSES_MAX);
    for (uint32_t i = 0; i < SUMMARY_STATUSES_MAX; i++) {
        assert_int_equal(s->rejected_by[i].status, 400 + i);
        assert_int_equal(s->rejected_by[i].count, i + 1 == SUMMARY_STATUSES_MAX ? 3 : 1);
    }
}

static void skipped_requests_are_counted_by_reason(void **state)
{
    struct check_bed *bed = *state;
    const struct summary *s = check_set_summary(bed->set);
    static const uint8_t reasons[] = {0, 14, 15, 16, 200};
    for (uint32_t i = 0; i < 5; i++)
        check_bed_feed(bed, (struct record){.kind = RECORD_REQUEST_SKIPPED,
                                            .node = BED_CLIENT,
                                            .activation = ID(1 + i),
                                            .detail = reasons[i]});
    assert_int_equal(s->skipped_by[0], 1);
    assert_int_equal(s->skipped_by[14], 1);
    assert_int_equal(s->skipped_by[15], 3);
    assert_int_equal(s->skipped, 5);
    assert_int_equal(s->offered, 5);
}

static void deploys_are_counted_by_their_ends(void **state)
{
    struct check_bed *bed = *state;
    const struct summary *s = check_set_summary(bed->set);
    struct record r = {.kind = RECORD_DEPLOY_STARTED, .node = BED_DEPLOYER};
    for (uint32_t i = 0; i < 3; i++)
        check_bed_feed(bed, r);
    assert_int_equal(s->deploys_started, 3);
    assert_int_equal(s->deploys_ended, 0);
    r.kind = RECORD_DEPLOY_ENDED;
    check_bed_feed(bed, r);
    r.outcome = OUTCOME_FAILED;
    check_bed_feed(bed, r);
    check_bed_node(bed, RECORD_NODE_STARTED, BED_DEPLOYER); /* no deploy */
    assert_int_equal(s->deploys_started, 3);
    assert_int_equal(s->deploys_ended, 2);
    assert_int_equal(s->deploys_failed, 1);
}

static void a_bucket_ends_at_its_edge(void **state)
{
    (void)state;
    static const uint64_t us[] = {0, 1, 127, 128, 255, 256, 257, 258, 1u << 20};
    static const uint64_t edges[] = {0, 1, 127, 128, 255, 257, 257, 259, (1u << 20) + 8191};
    for (uint32_t i = 0; i < 9; i++) {
        static struct histogram h;
        memset(&h, 0, sizeof h);
        histogram_add(&h, USEC(us[i]));
        histogram_add(&h, SEC(100000));
        assert_int_equal(histogram_percentile(&h, 50), USEC(edges[i] + 1) - 1);
        assert_int_equal(histogram_percentile(&h, 51), SEC(100000));
        assert_int_equal(histogram_percentile(&h, 0), USEC(edges[i] + 1) - 1);
    }
    static struct histogram none;
    assert_int_equal(histogram_percentile(&none, 50), 0);
}

/* ---- the lists ---- */

static void every_check_is_listed_with_what_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_seen_outside;
    } rows[] = {{"no-failed-activation", true},
                {"no-lost-activation", true},
                {"no-duplicate-completion", true},
                {"no-double-execution", false},
                {"count-truthful", false},
                {"restart-safe", false},
                {"drain-reaches-zero", true},
                {"no-orphan-key", false},
                {"no-missing-key", false},
                {"no-stale-view", false},
                {"leader-stable", false},
                {"no-creation-spike", false},
                {"capacity-floor", true},
                {"bounded-wait", false},
                {"slots-conserved", false},
                {"memory-conserved", false},
                {"throttle-truthful", false},
                {"tenant-isolation", false},
                {"latency", true},
                {"settles", true}};
    assert_int_equal(check_count(), 20);
    for (unsigned i = 0; i < 20; i++) {
        assert_string_equal(check_name(i), rows[i].name);
        assert_int_equal(check_is_seen_outside(i), rows[i].is_seen_outside);
        assert_int_equal(check_is_liveness(i), i == 19);
    }
    assert_string_equal(check_verdict_to_string(CHECK_PASS), "pass");
    assert_string_equal(check_verdict_to_string(CHECK_FAIL), "fail");
    assert_string_equal(check_verdict_to_string(CHECK_NOT_APPLICABLE), "not-applicable");
    assert_string_equal(check_verdict_to_string(CHECK_NOT_OBSERVABLE), "not-observable");
    assert_string_equal(check_verdict_to_string(CHECK_NOT_OBSERVABLE + 1), "unknown");
}

static void every_bound_has_its_range_and_standard(void **state)
{
    (void)state;
#define DAY MINUTES(24 * 60)
#define PERCENTILE(name)                                                                       \
    {name, "below", CHECK_DURATION, 1, DAY, SEC(5), NULL},                                     \
    {                                                                                          \
        name, "during", CHECK_STEP, 0, UINT32_MAX, UINT32_MAX, NULL                            \
    }
    static const struct check_field rows[] = {
        {"count-truthful", "reads-after", CHECK_DURATION, 0, MINUTES(60), SEC(20), NULL},
        {"count-truthful", "too-old", CHECK_DURATION, 0, MINUTES(60), SEC(20), NULL},
        {"drain-reaches-zero", "within", CHECK_DURATION, SEC(1), DAY, MINUTES(15), NULL},
        {"capacity-floor", "controllers", CHECK_COUNT, 0, 10000, 1, NULL},
        {"capacity-floor", "schedulers", CHECK_COUNT, 0, 10000, 1, NULL},
        {"capacity-floor", "invokers", CHECK_COUNT, 0, 10000, 1, NULL},
        {"no-orphan-key", "grace", CHECK_DURATION, 0, MINUTES(60), SEC(5), NULL},
        {"no-orphan-key", "lease", CHECK_DURATION, 0, MINUTES(60), SEC(10), NULL},
        {"no-missing-key", "grace", CHECK_DURATION, 0, MINUTES(60), SEC(5), NULL},
        {"no-stale-view", "grace", CHECK_DURATION, 0, MINUTES(60), SEC(5), NULL},
        {"no-creation-spike", "window", CHECK_DURATION, MSEC(1), MINUTES(1), SEC(5), NULL},
        {"bounded-wait", "within", CHECK_DURATION, MSEC(1), DAY, SEC(10), NULL},
        PERCENTILE("latency.p50"),
        PERCENTILE("latency.p90"),
        PERCENTILE("latency.p99"),
        PERCENTILE("latency.max"),
        {"settles", "within", CHECK_DURATION, SEC(1), DAY, MINUTES(15), NULL},
    };
    unsigned count = 0;
    const struct check_field *fields = check_fields(&count);
    assert_int_equal(count, sizeof rows / sizeof *rows);
    for (unsigned i = 0; i < count; i++) {
        assert_string_equal(fields[i].check, rows[i].check);
        assert_string_equal(fields[i].field, rows[i].field);
        assert_int_equal(fields[i].unit, rows[i].unit);
        assert_int_equal(fields[i].min, rows[i].min);
        assert_int_equal(fields[i].max, rows[i].max);
        assert_int_equal(fields[i].standard, rows[i].standard);
    }
}

/* One record may violate two checks: the one that comes first in the list is named. */
static void of_two_violations_at_once_the_first_check_is_named(void **state)
{
    struct check_bed *bed = *state;
    assert_null(check_set_first(bed->set, NULL));
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_CONTROLLER1);
    check_bed_until_queued(bed, ID(1));
    uint64_t seq = check_bed_node(bed, RECORD_NODE_STOPPED, BED_CONTROLLER0);
    unsigned check = 99;
    assert_int_equal(check_set_first(bed->set, &check)->seq, seq);
    assert_string_equal(check_name(check), "restart-safe");
    assert_ptr_equal(check_set_first(bed->set, NULL), check_set_first(bed->set, &check));
    assert_int_equal(check_set_violations(bed->set), 2); /* and the floor */
}

/* Time that passes without a record ends what was given time. */
static void settling_lets_the_time_before_it_pass(void **state)
{
    struct check_bed *bed = *state;
    for (unsigned i = 0; i < 2; i++) {
        check_bed_close(bed);
        check_bed_open(bed);
        check_bed_begin(bed);
        check_bed_until_queued(bed, ID(1));
        if (i == 0)
            check_set_settle(bed->set, bed->at + SEC(10) + 1, NULL);
        else
            check_set_end(bed->set, bed->at + SEC(10) + 1);
        check_bed_told(bed, "bounded-wait", 1, NULL);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, check_bed_setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_percentile_is_the_one_it_is_called),
        TEST(an_answer_at_the_bound_is_too_slow),
        TEST(only_http_answers_of_accepted_requests_count),
        TEST(a_step_is_open_while_any_instance_is_in_it),
        TEST(a_step_ends_where_instance_number_and_entry_agree),
        TEST(steps_are_kept_up_to_a_number_and_all_are_counted),
        TEST(a_failure_is_the_newest_open_steps),
        TEST(statuses_are_counted_apart_in_their_order),
        TEST(the_last_status_takes_what_has_no_room),
        TEST(skipped_requests_are_counted_by_reason),
        TEST(deploys_are_counted_by_their_ends),
        cmocka_unit_test(a_bucket_ends_at_its_edge),
        cmocka_unit_test(every_check_is_listed_with_what_it_is),
        cmocka_unit_test(every_bound_has_its_range_and_standard),
        TEST(of_two_violations_at_once_the_first_check_is_named),
        TEST(settling_lets_the_time_before_it_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
