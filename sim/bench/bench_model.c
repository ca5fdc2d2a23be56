/* bench_model.c - the full cluster under load, timed. */
#include "bench/bench_model.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "scenario/runner.h"

static const char cluster_text[] =
    "why: a benchmark\n"
    "cluster: { controllers: 2, schedulers: 2, invokers: 3 }\n"
    "config: { whisk.container-pool.user-memory: 64GB }\n"
    "namespaces:\n"
    "  guest: { invocations-per-minute: 100000000, concurrent-invocations: 100000 }\n"
    "actions:\n"
    "  guest/a: { memory: 128MB, init: 100ms, run: 20ms }\n"
    "  guest/b: { memory: 128MB, init: 100ms, run: 20ms }\n"
    "  guest/c: { memory: 128MB, init: 100ms, run: 20ms }\n"
    "  guest/d: { memory: 128MB, init: 100ms, run: 20ms }\n"
    "  guest/e: { memory: 128MB, init: 100ms, run: 20ms }\n";

#define MODEL_CLIENTS 500u
#define MODEL_REQUESTS 400000u
#define MODEL_ACTIONS 5u

static int run_text(const char *text, bool closed, struct result *result)
{
    struct scenario scenario;
    struct errmsg err = {0};
    struct scenario_options options = {.procedures_dir = "scenarios/procedures"};
    struct run_options run = {.any_of_expected = true};
    int status = scenario_read_bytes("bench", text, strlen(text), &options, &scenario, &err);
    if (status != 0) {
        fprintf(stderr, "%s\n", err.text);
        return status;
    }
    for (uint32_t i = 0; closed && i < scenario.load_count; i++) {
        scenario.loads[i].arrivals = ARRIVALS_CLOSED;
        scenario.loads[i].burst_count = MODEL_CLIENTS / MODEL_ACTIONS;
        scenario.loads[i].request_max = MODEL_REQUESTS / MODEL_ACTIONS;
    }
    status = runner_run(&scenario, &run, result, &err);
    if (status != 0)
        fprintf(stderr, "%s\n", err.text);
    scenario_release(&scenario);
    return status;
}

int bench_model(struct bench_result *result, unsigned runs)
{
    static double ours[BENCH_RUNS_MAX], reference[BENCH_RUNS_MAX], rates[BENCH_RUNS_MAX];
    char text[2048];
    int length = snprintf(text, sizeof text, "%sload:\n", cluster_text);
    for (char name = 'a'; name < 'a' + (char)MODEL_ACTIONS; name++)
        length += snprintf(text + length, sizeof text - (size_t)length,
                           "  - { action: guest/%c, arrivals: every 10ms, from: 1s, for: 24h, "
                           "blocking: true }\n",
                           name);
    snprintf(text + length, sizeof text - (size_t)length, "expect: pass\n");
    double per_activation = 0;
    for (unsigned i = 0; i < runs; i++) {
        struct result run;
        result_init(&run);
        double start = bench_seconds();
        if (run_text(text, true, &run) != 0)
            return -1;
        double spent = bench_seconds() - start;
        struct bench_result bare = {0};
        if (bench_mmc(&bare, 1) != 0)
            return -1;
        ours[i] = (double)run.events / spent * 1e-6;
        reference[i] = bare.reference;
        rates[i] = (double)run.completed / spent;
        per_activation = (double)run.events / (double)run.completed;
        result->events = run.events;
        result_release(&run);
    }
    result->name = "model";
    result->unit = "million events/s";
    bench_finish(result, ours, reference, runs);
    snprintf(result->note, sizeof result->note,
             "%.1f events per activation, %.0f activations/s, %" PRIu64 " events a run",
             per_activation, bench_median(rates, runs), result->events);
    return 0;
}

int bench_rollout(struct bench_result *result, unsigned runs)
{
    static double ours[BENCH_RUNS_MAX], reference[BENCH_RUNS_MAX];
    char text[2048];
    int length = snprintf(text, sizeof text, "%sload:\n", cluster_text);
    for (char name = 'a'; name < 'a' + (char)MODEL_ACTIONS; name++)
        length +=
            snprintf(text + length, sizeof text - (size_t)length,
                     "  - { action: guest/%c, arrivals: poisson 10/s, from: 0s, for: 14m, "
                     "blocking: true }\n",
                     name);
    snprintf(text + length, sizeof text - (size_t)length,
             "deploy:\n"
             "  - { at: 30s, roll: controllers, procedure: upstream, serial: 1 }\n"
             "  - { roll: schedulers, procedure: upstream, serial: 1 }\n"
             "  - { roll: invokers, procedure: upstream, serial: 1 }\n"
             "expect: pass\n");
    for (unsigned i = 0; i < runs; i++) {
        struct result run;
        result_init(&run);
        double start = bench_seconds();
        if (run_text(text, false, &run) != 0)
            return -1;
        reference[i] = bench_seconds() - start;
        ours[i] = (double)run.virtual_ns * 1e-9;
        snprintf(result->note, sizeof result->note,
                 "%" PRIu64 " activations, %" PRIu64 " events", run.completed, run.events);
        result_release(&run);
    }
    result->name = "rollout";
    result->unit = "seconds";
    bench_finish(result, ours, reference, runs);
    return 0;
}
