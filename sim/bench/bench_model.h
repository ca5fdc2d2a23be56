#pragma once
/*
 * bench_model.h - the whole model against the bare heap loop, and virtual against wall time.
 */
#include "bench/bench.h"

/* 2+2+3 cluster, closed loop of 500 clients, checks and digest on. Million events a second;
 * the note has events per activation and activations a second. */
int bench_model(struct bench_result *result, unsigned runs);

/* 2+2+3 cluster, 5 actions, 50 activations a second, all tiers rolled one by one: virtual
 * seconds (ours) against wall seconds (reference). */
int bench_rollout(struct bench_result *result, unsigned runs);
