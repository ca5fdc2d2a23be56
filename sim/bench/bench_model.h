#pragma once
/*
 * bench_model.h - the whole model: against the bare heap loop, virtual against wall time, and
 * how its cost and memory grow.
 */
#include "bench/bench.h"
#include "scenario/runner.h"

/* A cluster of 2 controllers, 2 schedulers and some invokers, with five warm actions. */
struct bench_model {
    uint32_t invokers;
    uint32_t requests;        /* closed loop of 500 clients; 0: an open load */
    uint32_t rate, seconds;   /* open load, requests a second of all actions together */
    bool is_rolled;           /* tier by tier, one by one */
    struct run_options watch; /* may have a sink */
};
/* 0, or -1 when it could not be run or the checks of a cluster that is not rolled failed;
 * release the result after a 0. */
int bench_model_run(const struct bench_model *model, struct result *ret_result);

/* 2+2+3 cluster, closed loop of 500 clients, checks and digest on. Million events a second;
 * the note has events per activation and activations a second. Ratio at least 0.4. */
int bench_model(struct bench_result *result, unsigned runs, unsigned shrink);

/* 2+2+3 cluster, 5 actions, 50 activations a second, all tiers rolled one by one: virtual
 * seconds (ours) against wall seconds (reference). Ratio at least 5000. */
int bench_rollout(struct bench_result *result, unsigned runs, unsigned shrink);

/* Highest resident set of this process so far, in MiB: after 10 million activations (ours) and
 * before that after 100,000 (reference). At most 64 MiB; ratio 1 is the best. */
int bench_memory(struct bench_result *result, unsigned runs, unsigned shrink);

/* Microseconds per activation after a warm-up: the mean over 10^6 activations (ours) and over
 * the first 10^4 of them (reference). Ratio at most 1.2. */
int bench_flat(struct bench_result *result, unsigned runs, unsigned shrink);

/* Microseconds per activation with 300 invokers (ours) and 3 (reference), at 17 activations a
 * second an invoker. Ratio at most 2. */
int bench_invokers(struct bench_result *result, unsigned runs, unsigned shrink);
