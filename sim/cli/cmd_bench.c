/* cmd_bench.c - the project's own benchmarks, as ratios. */
#include "bench/bench.h"
#include "bench/bench_model.h"
#include "cli/cli.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct bench_command {
    const char *name, *about;
    int (*run)(struct bench_result *result, unsigned runs, unsigned shrink);
    unsigned runs;
};

static const struct bench_command benches[] = {
    {"memory", /* first: it asks for the highest of the process */
     "highest resident set of 10 million activations against 100,000; at most 64 MiB, ratio 1 "
     "is best",
     bench_memory, 1},
    {"mmc", "kernel against a bare heap loop, million events/s; at least 0.7", bench_mmc, 7},
    {"snapshot", "save a world against a bare copy, microseconds; 1 is best", bench_snapshot,
     7},
    {"model",
     "full cluster, closed loop of 500 clients, against the bare loop, million "
     "events/s; at least 0.4",
     bench_model, 3},
    {"rollout",
     "virtual time to wall time of a rolled 2+2+3 cluster at 50 activations/s; at "
     "least 5000",
     bench_rollout, 3},
    {"flat", "cost of an activation over 10^6 against the first 10^4; at most 1.2", bench_flat,
     3},
    {"invokers", "cost of an activation with 300 invokers against 3; at most 2", bench_invokers,
     3},
};
#define BENCH_COUNT (sizeof benches / sizeof benches[0])

static int run_benches(const char *name, uint64_t runs, json_t *list)
{
    int status = EXIT_EXPECTED;
    for (size_t i = 0; i < BENCH_COUNT; i++) {
        if (name && strcmp(name, benches[i].name) != 0)
            continue;
        struct bench_result result = {0};
        if (benches[i].run(&result, runs ? (unsigned)runs : benches[i].runs, 1) != 0) {
            fprintf(stderr, "rollcage bench: %s: the two sides did not give the same results\n",
                    benches[i].name);
            status = EXIT_SAFETY;
            continue;
        }
        if (list)
            json_array_append_new(
                list, json_pack("{s:s, s:f, s:f, s:f, s:s, s:i}", "name", benches[i].name,
                                "ours", result.ours, "reference", result.reference, "ratio",
                                result.ratio, "unit", result.unit, "runs", (int)result.runs));
        else
            printf(
                "%-10s %10.3f  against %10.3f %s: ratio %.3f (median of %u pairs)\n           "
                "%s\n",
                benches[i].name, result.ours, result.reference, result.unit, result.ratio,
                result.runs, benches[i].about);
        if (!list && *result.note)
            printf("           %s\n", result.note);
    }
    return status;
}

static int bench_run(const struct cli_command *self, int argc, char **argv)
{
    struct cli_args args = {.argc = argc, .argv = argv};
    const char *name = NULL, *value = "";
    bool json = false;
    uint64_t runs = 0;
    while (args.at < args.argc && value) {
        if (cli_flag(&args, "--json")) {
            json = true;
        } else if (cli_option(&args, "--runs", &value)) {
            if (!cli_number(value, &runs) || runs == 0 || runs > BENCH_RUNS_MAX)
                return cli_usage(self, "--runs wants a number from 1 to 101", NULL);
        } else if (args.argv[args.at][0] == '-' || name) {
            return cli_usage(self, "unexpected", args.argv[args.at]);
        } else {
            name = args.argv[args.at++];
        }
    }
    bool known = !name;
    for (size_t i = 0; i < BENCH_COUNT; i++)
        known = known || strcmp(name, benches[i].name) == 0;
    if (!value || !known)
        return cli_usage(self, value ? "no benchmark" : "an option wants a value", name);
    json_t *list = json ? json_array() : NULL;
    int status = run_benches(name, runs, list);
    if (list) {
        json_dumpf(list, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(list);
    }
    return status;
}

const struct cli_command cli_bench = {
    .name = "bench",
    .usage = "[NAME] [--runs N] [--json]",
    .about = "The project's own benchmarks, each against a counterpart in the same run.",
    .options = "  NAME        memory, mmc, snapshot, model, rollout, flat, invokers; all\n"
               "  --runs N    pairs; the median counts\n",
    .example = "rollcage bench mmc --runs 11",
    .run = bench_run,
};
