/* bench_model.c - the full cluster under load, timed. */
#include "bench/bench_model.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MODEL_CLIENTS 500u
#define MODEL_REQUESTS 400000u
#define MODEL_ACTIONS 5u
#define ROLLOUT_RATE 50u
#define ROLLOUT_SECONDS 840u

static const char cluster_text[] =
    "why: a benchmark\n"
    "cluster: { controllers: 2, schedulers: 2, invokers: %u }\n"
    "config: { whisk.container-pool.user-memory: 64GB }\n"
    "namespaces:\n"
    "  guest: { invocations-per-minute: 100000000, concurrent-invocations: 100000 }\n"
    "actions:\n"
    "  guest/a: { memory: 128MB, init: 100ms, run: 20ms }\n"
    "  guest/b: { memory: 128MB, init: 100ms, run: 20ms }\n"
    "  guest/c: { memory: 128MB, init: 100ms, run: 20ms }\n"
    "  guest/d: { memory: 128MB, init: 100ms, run: 20ms }\n"
    "  guest/e: { memory: 128MB, init: 100ms, run: 20ms }\n"
    "load:\n";
static const char deploy_text[] = "deploy:\n"
                                  "  - { at: 30s, roll: controllers, procedure: upstream, "
                                  "serial: 1 }\n"
                                  "  - { roll: schedulers, procedure: upstream, serial: 1 }\n"
                                  "  - { roll: invokers, procedure: upstream, serial: 1 }\n";

static void model_text(const struct bench_model *model, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, cluster_text, model->invokers);
    uint32_t rate = model->requests > 0 ? 100 : model->rate / MODEL_ACTIONS;
    for (unsigned i = 0; i < MODEL_ACTIONS; i++)
        length += (size_t)snprintf(text + length, size - length,
                                   "  - { action: guest/%c, arrivals: poisson %u/s, from: %s, "
                                   "for: %us, blocking: true }\n",
                                   'a' + (int)i, rate, model->is_rolled ? "0s" : "1s",
                                   model->requests > 0 ? 86400 : model->seconds);
    snprintf(text + length, size - length, "%sexpect: pass\n",
             model->is_rolled ? deploy_text : "");
}

int bench_model_run(const struct bench_model *model, struct result *ret_result)
{
    struct scenario scenario;
    struct errmsg err = {0};
    struct scenario_options options = {.procedures_dir = "scenarios/procedures"};
    char text[4096];
    model_text(model, text, sizeof text);
    int status = scenario_read_bytes("bench", text, strlen(text), &options, &scenario, &err);
    if (status != 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    for (uint32_t i = 0; model->requests > 0 && i < scenario.load_count; i++) {
        scenario.loads[i].arrivals = ARRIVALS_CLOSED;
        scenario.loads[i].burst_count = MODEL_CLIENTS / MODEL_ACTIONS;
        scenario.loads[i].request_max = model->requests / MODEL_ACTIONS;
    }
    result_init(ret_result);
    status = runner_run(&scenario, &model->watch, ret_result, &err);
    scenario_release(&scenario);
    /* upstream's procedures lose activations: a rolled cluster is not expected to pass */
    if (status == 0 && (model->is_rolled || ret_result->verdict == RESULT_PASS))
        return 0;
    fprintf(stderr, "%s\n", status != 0 ? err.text : ret_result->reason);
    result_release(ret_result);
    return -1;
}

int bench_model(struct bench_result *result, unsigned runs, unsigned shrink)
{
    double ours[BENCH_RUNS_MAX], reference[BENCH_RUNS_MAX], rates[BENCH_RUNS_MAX];
    struct bench_model model = {.invokers = 3, .requests = MODEL_REQUESTS / shrink};
    double per_activation = 0;
    *result = (struct bench_result){.name = "model", .unit = "million events/s"};
    runs = bench_runs(runs);
    for (unsigned i = 0; i < runs; i++) {
        struct result run;
        double start = bench_seconds();
        if (bench_model_run(&model, &run) != 0)
            return -1;
        double spent = bench_seconds() - start;
        struct bench_result bare;
        ours[i] = (double)run.events / spent * 1e-6;
        rates[i] = (double)run.completed / spent;
        per_activation = (double)run.events / (double)run.completed;
        result->events = run.events;
        result_release(&run);
        if (bench_mmc(&bare, 1, shrink) != 0)
            return -1;
        reference[i] = bare.reference;
    }
    bench_finish(result, ours, reference, runs);
    snprintf(result->note, sizeof result->note,
             "%.1f events per activation, %.0f activations/s, %" PRIu64 " events a run",
             per_activation, bench_median(rates, runs), result->events);
    return 0;
}

int bench_rollout(struct bench_result *result, unsigned runs, unsigned shrink)
{
    double ours[BENCH_RUNS_MAX], reference[BENCH_RUNS_MAX];
    struct bench_model model = {.invokers = 3,
                                .rate = ROLLOUT_RATE,
                                .seconds = ROLLOUT_SECONDS / shrink,
                                .is_rolled = true};
    *result = (struct bench_result){.name = "rollout", .unit = "seconds"};
    runs = bench_runs(runs);
    for (unsigned i = 0; i < runs; i++) {
        struct result run;
        double start = bench_seconds();
        if (bench_model_run(&model, &run) != 0)
            return -1;
        reference[i] = bench_seconds() - start;
        ours[i] = (double)run.virtual_ns * 1e-9;
        result->events = run.events;
        snprintf(result->note, sizeof result->note,
                 "%" PRIu64 " activations, %" PRIu64 " events", run.completed, run.events);
        result_release(&run);
    }
    bench_finish(result, ours, reference, runs);
    return 0;
}
