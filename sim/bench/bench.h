#pragma once
/*
 * bench.h - the project's own benchmarks: each measures itself against a counterpart in the
 * same process, in pairs that alternate, so that only the ratio depends on little.
 *
 * Every benchmark has the signature of bench_mmc: `shrink` divides its work (1: as reported;
 * tests use more), and it returns 0, or -1 when the two sides do not give the same results.
 */
#include <stdint.h>

#define BENCH_RUNS_MAX 101u
#define BENCH_ABSENT 1 /* returned when a tool is not installed; it was said which */

struct bench_result {
    const char *name;
    const char *unit;       /* of ours and reference */
    double ours, reference; /* medians */
    double ratio;    /* median over the pairs; see each benchmark for which way is good */
    unsigned runs;   /* pairs */
    uint64_t events; /* of one run; 0 where it means nothing */
    char note[200];  /* further figures in words; "" none */
};

/* CPU time of this thread, seconds. */
double bench_seconds(void);
/* From 1 to BENCH_RUNS_MAX. */
unsigned bench_runs(unsigned runs);
/* Median of `count` values, which are sorted in place. */
double bench_median(double *values, unsigned count);
/* Fill a result from the pairs' figures; ratio of a pair: ours over reference. */
void bench_finish(struct bench_result *result, double *ours, double *reference, unsigned runs);

/*
 * Closed M/M/c queue: 1000 clients that think, 64 servers. Ours: two machines on the simulated
 * host, digest on. Reference: one 4-ary heap and a loop, with the same draws, the same number
 * of events and the same results (asserted). Million events a second; ratio at least 0.7.
 */
int bench_mmc(struct bench_result *result, unsigned runs, unsigned shrink);

/*
 * Snapshot and restore of the same world, loaded. Microseconds: ours: save, reference: a bare
 * copy of as many bytes; ratio 1 is the best.
 */
int bench_snapshot(struct bench_result *result, unsigned runs, unsigned shrink);
