/*
 * test_check_set.c - latency, settles, bounds, examples, digest, snapshots, summary.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check/histogram.h"
#include "check/table.h"
#include "support/check_bed.h"

#define ID(n) ACTIVATION_ID(n, 0)

static void ask(struct check_bed *bed, const char *check, const char *field, uint64_t value)
{
    int index = check_field_find(check, field);
    assert_true(index >= 0);
    bed->settings.values[index] = value;
    bed->settings.given[index] = true;
}

/* Accepted, and answered after `length`. */
static void answer_after(struct check_bed *bed, uint32_t n, duration length)
{
    check_bed_until_queued(bed, ID(n));
    check_bed_start(bed, ID(n));
    check_bed_wait(bed, length);
    check_bed_ack(bed, ID(n));
    check_bed_store(bed, ID(n));
    check_bed_answer(bed, ID(n), 200);
}

static void step(struct check_bed *bed, enum record_kind kind, uint64_t number)
{
    bool is_end = kind == RECORD_STEP_ENDED;
    check_bed_feed(bed, (struct record){.kind = (uint16_t)kind,
                                        .node = BED_DEPLOYER,
                                        .peer = BED_SCHEDULER0,
                                        .value = number,
                                        .value2 = is_end ? 5 : 0});
}

static void latency_is_judged_only_when_asked_for(void **state)
{
    struct check_bed *bed = *state;
    answer_after(bed, 1, SEC(50));
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(check_bed_result(bed, "latency").verdict, CHECK_NOT_APPLICABLE);
}

static void a_percentile_above_its_bound_is_a_violation(void **state)
{
    struct check_bed *bed = *state;
    check_bed_open(bed);
    ask(bed, "latency.p50", "below", SEC(2));
    ask(bed, "latency.p90", "below", SEC(2)); /* the ninth of ten is in it */
    ask(bed, "latency.p99", "below", SEC(2));
    check_bed_begin(bed);
    for (uint32_t i = 1; i <= 9; i++)
        answer_after(bed, i, SEC(1));
    answer_after(bed, 10, SEC(3));
    const struct violation *v = check_bed_expect(bed, "latency", 1);
    assert_string_equal(v->text, "p99 of 10 answers is 3.000 s, must be below 2.000 s");
}

static void latency_inside_a_step_takes_what_overlaps_it(void **state)
{
    struct check_bed *bed = *state;
    check_bed_open(bed);
    ask(bed, "latency.max", "below", SEC(2));
    ask(bed, "latency.max", "during", 1);
    check_bed_begin(bed);
    answer_after(bed, 1, SEC(30));
    step(bed, RECORD_STEP_STARTED, 0);
    answer_after(bed, 2, SEC(30));
    step(bed, RECORD_STEP_ENDED, 0);
    step(bed, RECORD_STEP_STARTED, 1);
    check_bed_until_queued(bed, ID(3));
    check_bed_start(bed, ID(3));
    step(bed, RECORD_STEP_ENDED, 1);
    check_bed_wait(bed, SEC(4));
    check_bed_ack(bed, ID(3));
    check_bed_store(bed, ID(3));
    check_bed_answer(bed, ID(3), 200);
    const struct violation *v = check_bed_expect(bed, "latency", 1);
    assert_string_equal(v->text,
                        "max of 1 answers during wait is 4.000 s, must be below 2.000 s");
}

static void what_is_still_owed_violates_settles(void **state)
{
    struct check_bed *bed = *state;
    check_set_settle(bed->set, bed->at, "scheduler0: 3 activations wait in a queue");
    check_set_end(bed->set, bed->at);
    struct check_result settles = check_bed_result(bed, "settles");
    assert_true(settles.liveness);
    assert_int_equal(settles.verdict, CHECK_FAIL);
    assert_string_equal(settles.examples[0].text,
                        "still owed: scheduler0: 3 activations wait in a queue");
}

static void a_check_that_is_off_is_not_applicable(void **state)
{
    struct check_bed *bed = *state;
    check_bed_open(bed);
    bed->world.checks_off = UINT64_C(1) << check_from_name("no-lost-activation");
    check_bed_begin(bed);
    check_bed_until_queued(bed, ID(1));
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(check_bed_result(bed, "no-lost-activation").verdict, CHECK_NOT_APPLICABLE);
    assert_int_equal(check_set_summary(bed->set)->lost, 1);
}

static void every_field_names_a_check_and_its_default_is_in_range(void **state)
{
    (void)state;
    unsigned count;
    const struct check_field *fields = check_fields(&count);
    struct check_settings settings;
    check_settings_default(&settings);
    assert_true(count <= CHECK_FIELDS_MAX);
    for (unsigned i = 0; i < count; i++) {
        char name[40];
        strncpy(name, fields[i].check, sizeof name - 1);
        name[sizeof name - 1] = '\0';
        char *dot = strchr(name, '.');
        if (dot != NULL)
            *dot = '\0';
        assert_true(check_from_name(name) >= 0);
        assert_true(fields[i].min <= fields[i].standard);
        assert_true(fields[i].standard <= fields[i].max);
        assert_int_equal(settings.values[i], fields[i].standard);
        assert_int_equal(check_field_find(fields[i].check, fields[i].field), (int)i);
    }
    assert_int_equal(check_field_find("latency", "colour"), -1);
    assert_int_equal(check_from_name("latency.p99"), -1);
}

static void only_a_hundred_examples_are_kept_and_all_are_counted(void **state)
{
    struct check_bed *bed = *state;
    for (uint32_t i = 1; i <= 250; i++)
        check_bed_until_queued(bed, ID(i));
    const struct violation *v = check_bed_expect(bed, "no-lost-activation", 250);
    struct check_result lost = check_bed_result(bed, "no-lost-activation");
    assert_int_equal(lost.example_count, CHECK_EXAMPLES);
    for (uint32_t i = 0; i < CHECK_EXAMPLES; i++)
        assert_int_equal(v[i].activation, ID(i + 1)); /* in order of their ids */
    assert_int_equal(check_set_summary(bed->set)->lost, 250);
}

static void failures_belong_to_the_newest_open_step(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, ID(1)); /* nothing open: lost outside */
    check_bed_wait(bed, SEC(1));
    step(bed, RECORD_STEP_STARTED, 0);
    check_bed_wait(bed, SEC(1));
    step(bed, RECORD_STEP_STARTED, 2);
    check_bed_until_queued(bed, ID(2));
    check_bed_wait(bed, SEC(1));
    step(bed, RECORD_STEP_ENDED, 2);
    check_bed_wait(bed, SEC(1));
    check_bed_send(bed, ID(3));
    check_bed_answer(bed, ID(3), 503);
    step(bed, RECORD_STEP_ENDED, 0);
    check_set_end(bed->set, bed->at);
    const struct summary *summary = check_set_summary(bed->set);
    assert_int_equal(summary->step_count, 2);
    assert_int_equal(summary->steps[0].step, 0);
    assert_int_equal(summary->steps[0].failed, 1);
    assert_int_equal(summary->steps[0].lost, 0);
    assert_int_equal(summary->steps[1].lost, 1);
    assert_int_equal(summary->steps[1].polls, 5);
    assert_int_equal(summary->lost_outside, 1);
}

static uint64_t digest_of(const struct check_bed *bed)
{
    struct digest d = {1};
    check_set_digest(bed->set, &d);
    return d.state;
}

static void a_snapshot_holds_every_check(void **state)
{
    struct check_bed *bed = *state;
    for (uint32_t i = 1; i <= 40; i++)
        check_bed_until_queued(bed, ID(i));
    struct arena_snapshot *snapshot = arena_save(bed->arena);
    struct check_bed saved = *bed;
    for (uint32_t i = 1; i <= 40; i++) {
        check_bed_start(bed, ID(i));
        check_bed_start(bed, ID(i));
    }
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    uint64_t digest = digest_of(bed);
    arena_restore(bed->arena, snapshot);
    arena_snapshot_free(snapshot);
    *bed = saved;
    assert_int_not_equal(digest_of(bed), digest);
    for (uint32_t i = 1; i <= 40; i++) {
        check_bed_start(bed, ID(i));
        check_bed_start(bed, ID(i));
    }
    check_bed_node(bed, RECORD_NODE_STOPPED, BED_INVOKER0);
    assert_int_equal(digest_of(bed), digest);
    assert_int_equal(check_bed_result(bed, "no-double-execution").violation_count, 40);
}

static void memory_does_not_grow_with_what_has_passed(void **state)
{
    struct check_bed *bed = *state;
    for (uint32_t i = 1; i <= 2000; i++) {
        check_bed_run_through(bed, ID(i));
        bed->at += MSEC(10);
    }
    size_t used = arena_used(bed->arena);
    for (uint32_t i = 2001; i <= 20000; i++) {
        check_bed_run_through(bed, ID(i));
        bed->at += MSEC(10);
    }
    assert_int_equal(arena_used(bed->arena), used);
    assert_int_equal(ledger_activations(check_set_ledger(bed->set))->count, 0);
    check_bed_expect(bed, NULL, 0);
    assert_int_equal(check_set_summary(bed->set)->succeeded, 20000);
}

static void the_first_violation_is_the_earliest(void **state)
{
    struct check_bed *bed = *state;
    check_bed_until_queued(bed, ID(1));
    uint64_t seq = check_bed_node(bed, RECORD_NODE_STOPPED, BED_SCHEDULER0);
    check_bed_wait(bed, SEC(1));
    check_bed_send(bed, ID(2));
    check_bed_answer(bed, ID(2), 503);
    check_set_end(bed->set, bed->at);
    unsigned check;
    const struct violation *v = check_set_first(bed->set, &check);
    assert_int_equal(v->seq, seq);
    assert_string_equal(check_name(check), "no-lost-activation");
}

static void percentiles_are_right_within_one_percent(void **state)
{
    (void)state;
    static struct histogram h;
    for (uint64_t i = 1; i <= 100000; i++)
        histogram_add(&h, USEC(37) * i);
    for (unsigned percent = 1; percent <= 100; percent++) {
        uint64_t exact = USEC(37) * 1000 * percent, got = histogram_percentile(&h, percent);
        assert_true(got >= exact - USEC(1) && got <= exact + exact / 100);
    }
    assert_int_equal(h.max, USEC(3700000));
    histogram_add(&h, UINT64_MAX / 2);
    assert_int_equal(histogram_percentile(&h, 100), UINT64_MAX / 2);
}

static void a_table_finds_what_it_holds_after_many_removals(void **state)
{
    (void)state;
    struct arena *arena = arena_new((size_t)16 << 20);
    struct table table;
    table_init(&table, arena, sizeof(uint64_t));
    for (uint64_t i = 0; i < 5000; i++) {
        *(uint64_t *)table_add(&table, i, i * 3) = i;
        if (i % 3 != 0)
            table_remove(&table, i, i * 3);
    }
    uint32_t seen = 0;
    for (uint64_t i = 0; i < 5000; i++) {
        uint64_t *item = table_find(&table, i, i * 3);
        assert_int_equal(item != NULL, i % 3 == 0);
        if (item != NULL)
            assert_int_equal(*item, i);
    }
    for (uint32_t i = 0; i < table.item_used; i++)
        seen += table_at(&table, i) != NULL;
    assert_int_equal(seen, table.count);
    assert_null(table_find(&table, 3, 10));
    arena_free(arena);
}

#define BED_TEST(f) cmocka_unit_test_setup_teardown(f, check_bed_setup, check_bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BED_TEST(latency_is_judged_only_when_asked_for),
        BED_TEST(a_percentile_above_its_bound_is_a_violation),
        BED_TEST(latency_inside_a_step_takes_what_overlaps_it),
        BED_TEST(what_is_still_owed_violates_settles),
        BED_TEST(a_check_that_is_off_is_not_applicable),
        cmocka_unit_test(every_field_names_a_check_and_its_default_is_in_range),
        BED_TEST(only_a_hundred_examples_are_kept_and_all_are_counted),
        BED_TEST(failures_belong_to_the_newest_open_step),
        BED_TEST(a_snapshot_holds_every_check),
        BED_TEST(memory_does_not_grow_with_what_has_passed),
        BED_TEST(the_first_violation_is_the_earliest),
        cmocka_unit_test(percentiles_are_right_within_one_percent),
        cmocka_unit_test(a_table_finds_what_it_holds_after_many_removals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
