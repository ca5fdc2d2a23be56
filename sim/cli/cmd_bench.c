/* cmd_bench.c - the project's own benchmarks, as ratios. */
#include "bench/bench.h"
#include "bench/bench_model.h"
#ifdef ROLLCAGE_LIVE
#include "bench/live_bench.h"
#endif
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
#ifdef ROLLCAGE_LIVE
    {"live-route", "GET /ping of a controller against a bare libmicrohttpd hello; at least 0.8",
     bench_live_route, 3},
    {"live-activations",
     "closed loop over HTTP, the Kafka protocol and etcd, nothing lost; at least 3000 "
     "activations/s",
     bench_live_activations, 1},
    {"live-10k",
     "10,000 connections, each answer 50 ms late, against the same without the delay; at "
     "least 0.8",
     bench_live_10k, 1},
    {"live-start",
     "from the start of the process until the invokers are up and an activation is answered; "
     "at most 6 s",
     bench_live_start, 3},
    {"live-topics", "records through our broker against librdkafka's mock cluster",
     bench_live_topics, 1},
    {"live-puts", "puts at the served etcd against a real one", bench_live_puts, 1},
#endif
};
#define BENCH_COUNT (sizeof benches / sizeof benches[0])

#define SMALL 10 /* the share of the work with --small */

static int run_benches(const char *name, uint64_t runs, unsigned shrink, json_t *list)
{
    int status = EXIT_EXPECTED;
    for (size_t i = 0; i < BENCH_COUNT; i++) {
        if (name && strcmp(name, benches[i].name) != 0)
            continue;
        struct bench_result result = {0};
        int failure = benches[i].run(&result, runs ? (unsigned)runs : benches[i].runs, shrink);
        if (failure != 0) {
            fprintf(stderr, "rollcage bench: %s: %s\n", benches[i].name,
                    failure == BENCH_ABSENT
                        ? "left out"
                        : "a side failed, or both did not give the same results");
            if (failure != BENCH_ABSENT)
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
                "%-16s %10.3f  against %10.3f %s: ratio %.3f (median of %u pairs)\n           "
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
    unsigned shrink = 1;
    uint64_t runs = 0;
    while (args.at < args.argc && value) {
        if (cli_flag(&args, "--json")) {
            json = true;
        } else if (cli_flag(&args, "--small")) {
            shrink = SMALL;
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
    int status = run_benches(name, runs, shrink, list);
    if (list) {
        json_dumpf(list, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(list);
    }
    return status;
}

const struct cli_command cli_bench = {
    .name = "bench",
    .usage = "[NAME] [--runs N] [--small] [--json]",
    .about = "The project's own benchmarks, each against a counterpart in the same run.",
    .options =
        "  NAME        memory, mmc, snapshot, model, rollout, flat, invokers, live-route,\n"
        "              live-activations, live-10k, live-start, live-topics, live-puts; all\n"
        "  --runs N    pairs; the median counts\n"
        "  --small     a tenth of the work: to see that it runs\n",
    .example = "rollcage bench mmc --runs 11",
    .run = bench_run,
};
