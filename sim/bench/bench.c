/*
 * bench.c - what the benchmarks share.
 */
#include "bench/bench.h"

#include <stdlib.h>
#include <time.h>

#include "core/assert.h"

double bench_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

unsigned bench_runs(unsigned runs)
{
    return runs == 0 ? 1 : runs > BENCH_RUNS_MAX ? BENCH_RUNS_MAX : runs;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double bench_median(double *values, unsigned count)
{
    ASSERT_OP(count, >, 0);
    qsort(values, count, sizeof values[0], compare);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

void bench_finish(struct bench_result *result, double *ours, double *reference, unsigned runs)
{
    ASSERT_OP(runs, <=, BENCH_RUNS_MAX);
    double ratios[BENCH_RUNS_MAX];
    for (unsigned i = 0; i < runs; i++)
        ratios[i] = ours[i] / reference[i];
    result->ratio = bench_median(ratios, runs);
    result->ours = bench_median(ours, runs);
    result->reference = bench_median(reference, runs);
    result->runs = runs;
}
