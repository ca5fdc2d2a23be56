#pragma once
/*
 * runner.h - runs a scenario in virtual time and judges it.
 *
 * Phases: boot (one minute before scenario time 0, so that load meets a warm cluster), storm
 * (load, deployment, faults), calm (until nothing is owed, at most RUNNER_SETTLE after the last
 * of them), then RUNNER_TAIL more, so that keys left behind are seen.
 */
#include "report/result.h"
#include "scenario/scenario.h"

#define RUNNER_BOOT MINUTES(1)
#define RUNNER_SETTLE MINUTES(15)
#define RUNNER_TAIL SEC(20)
#define RUNNER_ARENA_BYTES ((size_t)8 << 30) /* address space; pages are touched as used */
#define RUNNER_VIRTUAL_MAX MINUTES(60 * 48)

struct run_options {
    bool any_of_expected; /* many seeds: a violation that `expect:` names is allowed, not
                             required */
    /* One more sink for every record (history); NULL: none. */
    void *sink_context;
    void (*sink)(void *context, const struct record *r);
    const volatile bool *interrupted; /* set by a signal: the run is cut short; may be NULL */
};

/*
 * Fill all of the result but version, directory and commands. The scenario's own seed is used.
 * Returns 0, or -ERR_ENVIRONMENT with err when there is no address space.
 */
int runner_run(const struct scenario *scenario, const struct run_options *options,
               struct result *ret_result, struct errmsg *err);
