/*
 * report_text.c - the summary of a run on one screen.
 */
#include "core/tstamp.h"
#include "report/report.h"
#include <inttypes.h>
#include <string.h>

#define INSTANCE_ROWS_MAX 16u
#define BLAME_ROWS_MAX 8u

static void print_seconds(FILE *out, uint64_t ns)
{
    (void)fprintf(out, "%" PRIu64 ".%03" PRIu64 " s", ns / SEC(1), ns % SEC(1) / MSEC(1));
}

static void print_counts(FILE *out, const struct result_count *counts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        (void)fprintf(out, "%s%s: %" PRIu64, i == 0 ? " (" : ", ", counts[i].name,
                      counts[i].count);
    if (count > 0)
        (void)fputc(')', out);
}

static const char *verdict_word(const struct result *result)
{
    static const char *const words[] = {"PASS", "FAIL", "INCONCLUSIVE"};
    return words[result->verdict];
}

void report_text_line(const struct result *result, FILE *out)
{
    (void)fprintf(out, "%-4s %s%s%s%s seed %" PRIu64 ": %" PRIu64 " failed, %" PRIu64 " lost",
                  result->expected ? "ok" : "NOT", result->scenario,
                  result->variant[0] == '\0' ? "" : " [", result->variant,
                  result->variant[0] == '\0' ? "" : "]", result->seed, result->failed,
                  result->lost);
    (void)fprintf(out, ", %s%s%s\n", result_verdict_to_string(result->verdict),
                  result->reason[0] == '\0' ? "" : ": ", result->reason);
}

static void print_head(const struct result *result, FILE *out)
{
    (void)fprintf(out, "%s  %s%s%s%s, seed %" PRIu64 ", %s%s\n", verdict_word(result),
                  result->scenario, result->variant[0] == '\0' ? "" : " [", result->variant,
                  result->variant[0] == '\0' ? "" : "]", result->seed, result->host,
                  result->expected ? " (as expected)" : " (NOT as expected)");
    if (result->why[0] != '\0')
        (void)fprintf(out, "  %s\n", result->why);
    if (result->reason[0] != '\0')
        (void)fprintf(out, "  %s\n", result->reason);
}

static void print_activations(const struct result *result, FILE *out)
{
    (void)fprintf(out, "\nactivations  offered %" PRIu64 " = skipped %" PRIu64, result->offered,
                  result->skipped);
    print_counts(out, result->skipped_by, result->skipped_by_count);
    (void)fprintf(out, " + rejected %" PRIu64, result->rejected);
    print_counts(out, result->rejected_by, result->rejected_by_count);
    (void)fprintf(out, " + accepted %" PRIu64 "\n", result->accepted);
    (void)fprintf(out,
                  "             accepted %" PRIu64 " = succeeded %" PRIu64 " + failed %" PRIu64
                  " + lost %" PRIu64 "; duplicated %" PRIu64 "\n",
                  result->accepted, result->succeeded, result->failed, result->lost,
                  result->duplicated);
    (void)fprintf(out, "latency      p50 ");
    print_seconds(out, result->latency_p50_ns);
    (void)fprintf(out, ", p90 ");
    print_seconds(out, result->latency_p90_ns);
    (void)fprintf(out, ", p99 ");
    print_seconds(out, result->latency_p99_ns);
    (void)fprintf(out, ", max ");
    print_seconds(out, result->latency_max_ns);
    (void)fprintf(out, "\nrun          ");
    print_seconds(out, result->virtual_ns);
    (void)fprintf(out, " of virtual time in ");
    print_seconds(out, result->wall_ns);
    (void)fprintf(out, ", %" PRIu64 " events, digest %016" PRIx64 "\n", result->events,
                  result->digest);
}

static void print_check(const struct result_check *check, FILE *out)
{
    if (check->verdict != CHECK_FAIL) {
        (void)fprintf(out, "  %-24s %s\n", check->name,
                      check->verdict == CHECK_NOT_OBSERVABLE
                          ? "not observable"
                          : check_verdict_to_string(check->verdict));
        return;
    }
    (void)fprintf(out, "  %-24s FAIL, %" PRIu64 " violation%s\n", check->name,
                  check->violation_count, check->violation_count == 1 ? "" : "s");
    if (check->example_count == 0)
        return;
    const struct result_violation *v = &check->violations[0];
    (void)fprintf(out, "      first at ");
    if (v->at_ns < 0)
        (void)fputc('-', out);
    print_seconds(out, (uint64_t)(v->at_ns < 0 ? -v->at_ns : v->at_ns));
    (void)fprintf(out, ": %s\n", v->text);
}

/* One row per instance and deploy entry: from its first step to its last. */
struct instance_row {
    uint32_t entry, steps, polls;
    const char *instance, *outcome, *at_step;
    uint64_t start_ns, end_ns, failed, lost;
};

/* What a host is remembered by: what ended it, else what was skipped, else ignored. */
static unsigned outcome_weight(const char *outcome)
{
    static const char *const order[] = {"ok",   "ignored", "skipped",
                                        "open", "failed",  "gave-up"};
    unsigned i = 0;
    while (i < sizeof order / sizeof order[0] - 1 && strcmp(order[i], outcome) != 0)
        i++;
    return i;
}

static void row_add(struct instance_row *row, const struct result_step *step)
{
    row->steps++;
    row->polls += step->polls;
    row->failed += step->failed;
    row->lost += step->lost;
    if (step->end_ns > row->end_ns)
        row->end_ns = step->end_ns;
    if (outcome_weight(step->outcome) > outcome_weight(row->outcome)) {
        row->outcome = step->outcome;
        row->at_step = step->step;
    }
}

static uint32_t gather_rows(const struct result *result, struct instance_row *rows)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < result->step_count; i++) {
        const struct result_step *step = &result->steps[i];
        uint32_t at = 0;
        while (at < count && (rows[at].entry != step->entry ||
                              strcmp(rows[at].instance, step->instance) != 0))
            at++;
        if (at == INSTANCE_ROWS_MAX)
            continue;
        if (at == count)
            rows[count++] = (struct instance_row){.entry = step->entry,
                                                  .instance = step->instance,
                                                  .outcome = "ok",
                                                  .at_step = "",
                                                  .start_ns = step->start_ns};
        row_add(&rows[at], step);
    }
    return count;
}

static void print_deploy(const struct result *result, FILE *out)
{
    struct instance_row rows[INSTANCE_ROWS_MAX];
    uint32_t count = gather_rows(result, rows);
    if (result->step_total == 0)
        return;
    (void)fprintf(out,
                  "\ndeployment   %" PRIu32 " begun, %" PRIu32 " over, %" PRIu32
                  " failed; %" PRIu64 " steps\n",
                  result->deploys_started, result->deploys_ended, result->deploys_failed,
                  result->step_total);
    for (uint32_t i = 0; i < count; i++) {
        const struct instance_row *row = &rows[i];
        (void)fprintf(out, "  %-12s from ", row->instance);
        print_seconds(out, row->start_ns);
        (void)fprintf(out, " to ");
        if (row->end_ns == UINT64_MAX)
            (void)fprintf(out, "(open)");
        else
            print_seconds(out, row->end_ns);
        (void)fprintf(out,
                      ": %" PRIu32 " steps, %" PRIu32 " requests, %s%s%s; failed %" PRIu64
                      ", lost %" PRIu64 "\n",
                      row->steps, row->polls, row->outcome,
                      row->at_step[0] == '\0' ? "" : " at ", row->at_step, row->failed,
                      row->lost);
    }
    if (count == INSTANCE_ROWS_MAX)
        (void)fprintf(out, "  ... (all of them in result.json)\n");
}

static void print_blame(const struct result *result, FILE *out)
{
    uint64_t outside = result->failed_outside + result->lost_outside, inside = 0;
    uint32_t printed = 0;
    for (uint32_t i = 0; i < result->step_count; i++)
        inside += result->steps[i].failed + result->steps[i].lost;
    if (inside + outside == 0)
        return;
    (void)fprintf(out, "\nfailures by step\n");
    for (uint32_t i = 0; i < result->step_count && printed < BLAME_ROWS_MAX; i++) {
        const struct result_step *step = &result->steps[i];
        if (step->failed + step->lost == 0)
            continue;
        printed++;
        inside -= step->failed + step->lost;
        (void)fprintf(out, "  %-12s %-28s failed %" PRIu64 ", lost %" PRIu64 "\n",
                      step->instance, step->step, step->failed, step->lost);
    }
    if (inside > 0)
        (void)fprintf(out, "  in other steps: %" PRIu64 "\n", inside);
    if (outside > 0)
        (void)fprintf(out, "  %-41s failed %" PRIu64 ", lost %" PRIu64 "\n",
                      "while no step was open", result->failed_outside, result->lost_outside);
}

void report_text(const struct result *result, FILE *out)
{
    print_head(result, out);
    print_activations(result, out);
    (void)fprintf(out, "\nchecks\n");
    for (uint32_t i = 0; i < result->check_count; i++)
        print_check(&result->checks[i], out);
    print_deploy(result, out);
    print_blame(result, out);
    if (result->never_fired[0] != '\0')
        (void)fprintf(out, "\nfaults that never struck: %s\n", result->never_fired);
    if (result->directory[0] != '\0')
        (void)fprintf(out, "\nresult       %s\n", result->directory);
    if (result->look_closer[0] != '\0' && result->first_check < result->check_count)
        (void)fprintf(out, "look closer  %s\n", result->look_closer);
}
