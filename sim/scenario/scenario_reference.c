/* scenario_reference.c - docs/scenario.md, printed from the tables that drive the reader. */
#include "scenario/scenario_internal.h"
#include "scenario/target_internal.h"
#include "cast.h"

static const char header[] =
    "# Scenario and procedure files\n"
    "\n"
    "Printed from the reader's own tables (a test compares): do not edit.\n"
    "\n"
    "A scenario is one YAML document of at most 1 MiB and 32 levels, without tags, anchors "
    "and\n"
    "aliases. Unknown keys, keys given twice and values of the wrong type, unit or range are\n"
    "errors: exit 2 and one line, `file:line:column: what, and what was expected`.\n"
    "\n"
    "| value | written | |\n"
    "|---|---|---|\n"
    "| duration | `1.5s` | ns us ms s m h; decimals are exact or refused; `0` needs no unit |\n"
    "| size | `256MB` | B KB MB GB, of 1024 each |\n"
    "| ratio | `1/100` | also `1%`, `1` |\n"
    "| fraction | `0.5` | also `50%`, `1/2`; to a millionth |\n"
    "| range | `15s .. 25s` | uniform, both ends in it; or one duration |\n"
    "| count | `3` | a whole number, without quotes |\n"
    "| truth | `true` | or `false`, nothing else, without quotes |\n"
    "\n"
    "Paths of traces and procedures start at the file. `--set PATH=VALUE` and `variants` put "
    "a\n"
    "value at a path before anything is read: `load.0.for=2m`, "
    "`cluster.bugs.lost-creation-id=old`.\n"
    "Keys may hold dots themselves: the longest present key that fits wins; below `config`,\n"
    "`timing` and `checks` the rest of the path is one key.\n";

static void print_section(const struct schema *schema, const char *title, FILE *out)
{
    fprintf(out, "\n## %s\n\n", title);
    if (schema->about != NULL)
        fprintf(out, "%s\n\n", schema->about);
    schema_print(schema, out);
}

static void print_config(FILE *out)
{
    fprintf(
        out,
        "\n## config\n\n"
        "Upstream's keys; the last column is the project's word on each. A key that several\n"
        "components know sets all of them.\n\n"
        "| key | component | value | ansible | shipped | range | meaning |\n"
        "|---|---|---|---|---|---|---|\n");
    for (unsigned kind = 0; kind < NODE_KIND_COUNT; kind++) {
        const struct machine_ops *ops = cast_ops((enum node_kind)kind);
        for (uint32_t i = 0; ops != NULL && i < ops->config_field_count; i++) {
            const struct config_field *f = &ops->config_fields[i];
            char ansible[40], shipped[40], low[40], high[40];
            print_unit(ansible, sizeof ansible, f->unit, f->ansible);
            print_unit(shipped, sizeof shipped, f->unit, f->shipped);
            print_unit(low, sizeof low, f->unit, f->min);
            print_unit(high, sizeof high, f->unit, f->max);
            fprintf(out, "| `%s` | %s | %s | %s | %s | %s to %s | %s |\n", f->key,
                    node_kind_to_string(kind), unit_name(f->unit), ansible, shipped, low, high,
                    f->about != NULL ? f->about : "");
        }
    }
}

#define TIMING_STANDARD(id, text, low, high) {low, high},
static const struct range timing_standards[TIMING_COUNT] = {TIMING_LIST(TIMING_STANDARD)};

static void print_timing(FILE *out)
{
    fprintf(
        out,
        "\n## timing\n\n"
        "What no configuration key of upstream says. Each is uniform in its range, drawn per\n"
        "event. None is upstream's: they are the project's estimates of a cluster on virtual\n"
        "machines, and `scale` (`1/3`, `3`) multiplies all of them. `set.staleness` alone is "
        "drawn by\n"
        "octaves: 1 to 2 ms is as likely as 1 to 2 s, since upstream's plain variables set no "
        "bound.\n\n"
        "| key | default |\n|---|---|\n");
    for (unsigned i = 0; i < TIMING_COUNT; i++) {
        char low[40], high[40];
        print_unit(low, sizeof low, UNIT_DURATION, timing_standards[i].min);
        print_unit(high, sizeof high, UNIT_DURATION, timing_standards[i].max);
        fprintf(out, "| `%s` | %s .. %s |\n", timing_to_string(i), low, high);
    }
    fprintf(out, "| `scale` | 1 |\n");
}

static void print_checks(FILE *out)
{
    unsigned count;
    const struct check_field *fields = check_fields(&count);
    fprintf(out,
            "\n## checks\n\n`<check>: { <bound>: <value> }`, or `<check>.<bound>: <value>`; "
            "`<check>: false` leaves a check out.\n\nChecks:");
    for (unsigned i = 0; i < check_count(); i++)
        fprintf(out, "%s `%s`", i == 0 ? "" : ",", check_name(i));
    fprintf(out, ".\n\n| bound | value | default | range | meaning |\n|---|---|---|---|---|\n");
    for (unsigned i = 0; i < count; i++) {
        const struct check_field *f = &fields[i];
        enum config_unit unit = f->unit == CHECK_DURATION ? UNIT_DURATION : UNIT_COUNT;
        char standard[40], low[40], high[40];
        print_unit(standard, sizeof standard, unit, f->standard);
        print_unit(low, sizeof low, unit, f->min);
        print_unit(high, sizeof high, unit, f->max);
        if (f->unit == CHECK_STEP)
            fprintf(out, "| `%s.%s` | name of a step | none | | %s |\n", f->check, f->field,
                    f->about);
        else
            fprintf(out, "| `%s.%s` | %s | %s | %s to %s | %s |\n", f->check, f->field,
                    unit_name(unit), f->standard == UINT64_MAX ? "none" : standard, low,
                    f->max == UINT64_MAX ? "any" : high, f->about);
    }
}

static void print_traces(FILE *out)
{
    fprintf(
        out,
        "\n### Recorded workloads\n\n"
        "Azure Functions 2021 (`app,func,end_timestamp,duration`, seconds, one row per call) "
        "or 2019\n"
        "(calls per minute in columns `1`, `2`, ...; the files of durations and memory are "
        "found by\n"
        "putting `durations` and `memory` for `invocations` in the file's name). Each function "
        "becomes\n"
        "action `trace/<first 8 of its hash>` (16 where two would be the same).\n\n"
        "| what | done |\n|---|---|\n"
        "| a call that starts before time zero | sent at time zero, counted as moved |\n"
        "| a duration above 5 min, upstream's limit | clipped to it, counted |\n"
        "| memory below 128 MB or above 512 MB, upstream's limits | clipped, counted; without "
        "a row "
        "256 MB |\n"
        "| a function without a row of durations (2019) | runs for 0, counted |\n"
        "| the place of a call in its minute (2019) | drawn, evenly |\n"
        "| timeout, init, concurrency of the action | 5m, 150ms, 1; an action of that name "
        "under `actions` "
        "goes over it |\n\n"
        "Calls are never dropped in silence; those not sent have one of these reasons:\n\n");
    for (unsigned i = 0; i < TRACE_SKIP_COUNT; i++)
        fprintf(out, "- %s\n", trace_skip_to_string(i));
}

void scenario_print_reference(FILE *out)
{
    fputs(header, out);
    print_section(&scenario_schema, "A scenario", out);
    print_section(&cluster_schema, "cluster", out);
    print_section(&bugs_schema, "cluster.bugs", out);
    print_config(out);
    print_timing(out);
    print_section(&namespace_schema, "namespaces", out);
    print_section(&action_schema, "actions", out);
    print_section(&run_schema, "actions: run", out);
    print_section(&trigger_schema, "triggers", out);
    print_section(&load_schema, "load", out);
    print_traces(out);
    print_section(&deploy_schema, "deploy", out);
    print_section(&budget_schema, "budget", out);
    print_section(&fault_schema, "faults", out);
    print_section(&delay_schema, "faults: delay", out);
    print_section(&answer_schema, "faults: answer", out);
    print_checks(out);
    print_section(&expect_schema, "expect", out);
    fprintf(out, "\n## Procedure files\n");
    procedure_print_reference(out);
    target_print_reference(out);
}
