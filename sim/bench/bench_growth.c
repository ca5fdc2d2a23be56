/*
 * bench_growth.c - what an activation costs later in a run and in a larger cluster, and what
 * memory a run needs. See bench_model.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "bench/bench_model.h"
#include "core/assert.h"

#define MEMORY_SHORT 100000u
#define MEMORY_LONG 10000000u
#define FLAT_WARM_UP 20000u
#define FLAT_FIRST 10000u
#define FLAT_DECADES 3u /* 10^4, 10^5, 10^6 */
#define INVOKERS_FEW 3u
#define INVOKERS_MANY 300u
#define INVOKERS_RATE 17u         /* activations a second of each */
#define INVOKERS_REQUESTS 300000u /* about so many in either cluster */
#define STOPWATCH_MAX (FLAT_DECADES + 1)

/* Reads the clock when so many requests are done. Boot, first containers and the end of a run
 * lie before the first mark and behind the last. */
struct stopwatch {
    uint64_t done;
    uint64_t marks[STOPWATCH_MAX];
    double seconds[STOPWATCH_MAX];
    unsigned count, passed;
};

static void stopwatch_on_record(void *context, const struct record *r)
{
    struct stopwatch *self = context;
    if (r->kind != RECORD_REQUEST_DONE)
        return;
    self->done++;
    if (self->passed < self->count && self->done == self->marks[self->passed])
        self->seconds[self->passed++] = bench_seconds();
}

/* Microseconds per activation between two marks. */
static double stopwatch_cost(const struct stopwatch *self, unsigned from, unsigned to)
{
    ASSERT_OP(to, <, self->passed);
    return (self->seconds[to] - self->seconds[from]) * 1e6 /
           (double)(self->marks[to] - self->marks[from]);
}

static int stopwatch_run(struct stopwatch *self, struct bench_model model, uint64_t *ret_events)
{
    struct result run;
    model.watch = (struct run_options){.sink_context = self, .sink = stopwatch_on_record};
    if (bench_model_run(&model, &run) != 0)
        return -1;
    *ret_events = run.events;
    result_release(&run);
    return self->passed == self->count ? 0 : -1;
}

static double resident_mib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static int memory_run(uint32_t requests, uint64_t *ret_events, double *ret_mib)
{
    struct bench_model model = {.invokers = 3, .requests = requests};
    struct result run;
    if (bench_model_run(&model, &run) != 0)
        return -1;
    *ret_mib = resident_mib();
    *ret_events = run.events;
    bool is_whole = run.completed == requests;
    result_release(&run);
    return is_whole ? 0 : -1;
}

int bench_memory(struct bench_result *result, unsigned runs, unsigned shrink)
{
    double ours[BENCH_RUNS_MAX], reference[BENCH_RUNS_MAX];
    *result = (struct bench_result){.name = "memory", .unit = "MiB at most resident"};
    runs = bench_runs(runs);
    double before = resident_mib();
    for (unsigned i = 0; i < runs; i++) {
        uint64_t events;
        if (memory_run(MEMORY_SHORT / shrink, &events, &reference[i]) != 0 ||
            memory_run(MEMORY_LONG / shrink, &result->events, &ours[i]) != 0)
            return -1;
    }
    bench_finish(result, ours, reference, runs);
    snprintf(result->note, sizeof result->note,
             "%u activations against %u; %.1f MiB before the first (the highest counts: run it "
             "alone)",
             MEMORY_LONG / shrink, MEMORY_SHORT / shrink, before);
    return 0;
}

int bench_flat(struct bench_result *result, unsigned runs, unsigned shrink)
{
    double ours[BENCH_RUNS_MAX], reference[BENCH_RUNS_MAX], middle[BENCH_RUNS_MAX];
    *result = (struct bench_result){.name = "flat", .unit = "us per activation"};
    runs = bench_runs(runs);
    for (unsigned i = 0; i < runs; i++) {
        struct stopwatch watch = {.count = FLAT_DECADES + 1};
        uint64_t first = watch.marks[0] = FLAT_WARM_UP / shrink;
        uint64_t decade = FLAT_FIRST / shrink;
        for (unsigned k = 1; k <= FLAT_DECADES; k++, decade *= 10)
            watch.marks[k] = first + decade;
        struct bench_model model = {.invokers = 3,
                                    .requests = (uint32_t)watch.marks[FLAT_DECADES] + 1000};
        if (stopwatch_run(&watch, model, &result->events) != 0)
            return -1;
        reference[i] = stopwatch_cost(&watch, 0, 1);
        middle[i] = stopwatch_cost(&watch, 0, 2);
        ours[i] = stopwatch_cost(&watch, 0, FLAT_DECADES);
    }
    bench_finish(result, ours, reference, runs);
    snprintf(result->note, sizeof result->note,
             "over 10^4, 10^5 and 10^6 activations: %.2f, %.2f and %.2f us", result->reference,
             bench_median(middle, runs), result->ours);
    return 0;
}

static int cost_with(uint32_t invokers, unsigned shrink, uint64_t *ret_events, double *ret_cost)
{
    uint32_t rate = invokers * INVOKERS_RATE;
    struct bench_model model = {
        .invokers = invokers, .rate = rate, .seconds = 1 + INVOKERS_REQUESTS / shrink / rate};
    uint64_t expected = (uint64_t)(rate / 5 * 5) * model.seconds;
    struct stopwatch watch = {.count = 2, .marks = {expected / 10 + 1, expected / 10 * 9}};
    if (stopwatch_run(&watch, model, ret_events) != 0)
        return -1;
    *ret_cost = stopwatch_cost(&watch, 0, 1);
    return 0;
}

int bench_invokers(struct bench_result *result, unsigned runs, unsigned shrink)
{
    double ours[BENCH_RUNS_MAX], reference[BENCH_RUNS_MAX];
    uint64_t few_events = 0;
    *result = (struct bench_result){.name = "invokers", .unit = "us per activation"};
    runs = bench_runs(runs);
    for (unsigned i = 0; i < runs; i++) {
        if (cost_with(INVOKERS_FEW, shrink, &few_events, &reference[i]) != 0 ||
            cost_with(INVOKERS_MANY, shrink, &result->events, &ours[i]) != 0)
            return -1;
    }
    bench_finish(result, ours, reference, runs);
    snprintf(result->note, sizeof result->note,
             "%u invokers against %u; %" PRIu64 " events against %" PRIu64
             " for about %u activations",
             INVOKERS_MANY, INVOKERS_FEW, result->events, few_events,
             INVOKERS_REQUESTS / shrink);
    return 0;
}
