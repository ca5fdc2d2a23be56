/*
 * live_activations.c - activations a second from end to end, load and checks included.
 *
 * A closed loop, so that it asks for as much as it gets. Counted is what a client got between
 * the end of the warm-up (containers start, connections are made) and that of the load; the
 * whole run is judged by the checks, and must pass.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/live_bench.h"
#include "cli/live.h"

#define CALLERS 300u
#define ACTIONS 5u
#define WARM_S 3u
#define SECONDS 8u
#define BUDGET 3000.0
#define SMALL_SPEED 5u /* boot and the quiet behind the load are most of a small run */

static const char cluster_text[] =
    "why: a benchmark\n"
    "hosts: [sim, live]\n"
    "cluster: { controllers: 2, schedulers: 2, invokers: 3 }\n"
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

struct window {
    tstamp from, until;
    uint64_t done;
    double cpu_from, cpu_until; /* of the process, all threads */
};

static double process_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void count_done(void *context, const struct record *r)
{
    struct window *window = context;
    if (r->at < window->from)
        return;
    if (window->cpu_from == 0)
        window->cpu_from = process_seconds();
    if (r->at >= window->until) {
        if (window->cpu_until == 0)
            window->cpu_until = process_seconds();
        return;
    }
    window->done += r->kind == RECORD_REQUEST_DONE && r->outcome == OUTCOME_OK;
}

static bool read_model(unsigned seconds, struct scenario *ret_scenario)
{
    char text[4096];
    struct errmsg err = {0};
    struct scenario_options options = {.procedures_dir = "scenarios/procedures"};
    size_t length = (size_t)snprintf(text, sizeof text, "%s", cluster_text);
    for (unsigned i = 0; i < ACTIONS; i++)
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "  - { action: guest/%c, arrivals: closed %u, from: 0s, "
                                   "for: %us, blocking: true }\n",
                                   'a' + (int)i, CALLERS / ACTIONS, WARM_S + seconds);
    snprintf(text + length, sizeof text - length, "expect: pass\n");
    if (scenario_read_bytes("bench", text, strlen(text), &options, ret_scenario, &err) == 0)
        return true;
    fprintf(stderr, "%s\n", err.text);
    return false;
}

static int run_model(unsigned seconds, unsigned speed, struct window *window,
                     struct result *ret_result)
{
    struct scenario scenario;
    struct errmsg err = {0};
    struct live_options options = {.speed = speed};
    if (!read_model(seconds, &scenario))
        return -1;
    struct live_run *live = live_run_new(&options, &scenario, NULL);
    struct run_options watch = {
        .host = live_run_host(live), .sink_context = window, .sink = count_done};
    result_init(ret_result);
    int status = runner_run(&scenario, &watch, ret_result, &err);
    live_run_free(live);
    scenario_release(&scenario);
    if (status == 0 && ret_result->verdict == RESULT_PASS)
        return 0;
    fprintf(stderr, "%s\n", status != 0 ? err.text : ret_result->reason);
    result_release(ret_result);
    return -1;
}

int bench_live_activations(struct bench_result *result, unsigned runs, unsigned shrink)
{
    double ours[BENCH_RUNS_MAX], reference[BENCH_RUNS_MAX], per_activation = 0;
    double spent[BENCH_RUNS_MAX];
    unsigned seconds = SECONDS / shrink == 0 ? 1 : SECONDS / shrink;
    unsigned speed = shrink > 1 ? SMALL_SPEED : 1;
    uint64_t total = 0;
    *result = (struct bench_result){.name = "live-activations", .unit = "activations/s"};
    runs = bench_runs(runs);
    for (unsigned i = 0; i < runs; i++) {
        struct result run;
        struct window window = {.from = TSTAMP_ORIGIN + SEC(WARM_S),
                                .until = TSTAMP_ORIGIN + SEC(WARM_S + seconds)};
        if (run_model(seconds, speed, &window, &run) != 0)
            return -1;
        ours[i] = (double)window.done * speed / seconds;
        reference[i] = BUDGET;
        spent[i] = (window.cpu_until - window.cpu_from) / (double)window.done;
        per_activation = (double)run.events / (double)run.completed;
        total = run.completed;
        result->events = run.events;
        result_release(&run);
    }
    bench_finish(result, ours, reference, runs);
    snprintf(result->note, sizeof result->note,
             "%u callers, %" PRIu64 " activations, none lost; each %.1f events and %.0f us of "
             "processor time; the reference is the budget: nothing bare does the same",
             CALLERS, total, per_activation, bench_median(spent, runs) * 1e6);
    return 0;
}
