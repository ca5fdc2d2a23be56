#pragma once
/*
 * runner.h - runs a scenario on a host and judges it.
 *
 * Phases: boot (one minute before scenario time 0, so that load meets a warm cluster), storm
 * (load, deployment, faults), calm (until nothing is owed, at most RUNNER_SETTLE after the last
 * of them), then RUNNER_TAIL more, so that keys left behind are seen.
 */
#include "core/host.h"
#include "report/result.h"
#include "scenario/scenario.h"

#define RUNNER_BOOT MINUTES(1)
#define RUNNER_SETTLE MINUTES(15)
#define RUNNER_TAIL SEC(20)
#define RUNNER_ARENA_BYTES ((size_t)8 << 30) /* address space; pages are touched as used */
#define RUNNER_VIRTUAL_MAX MINUTES(60 * 48)

/* A host other than the simulated one, and who holds it. */
struct run_host {
    const struct host_ops *ops;
    const char *name;
    duration boot;   /* before scenario time 0 */
    bool is_outside; /* the cluster is elsewhere: see check_world; no RUNNER_TAIL, since no
                        keys are seen */
    void *context;
    /* NULL with err: ERR_ENVIRONMENT. */
    struct host *(*open)(void *context, const struct host_world *world, struct errmsg *err);
    /* What went wrong with the environment on the way, or NULL. */
    const char *(*error)(const struct host *host);
    /* The run goes on as long as somebody outside works on the cluster. NULL: nobody does. */
    bool (*is_held)(void *context);
    /* The cluster's own ids, as check_world's; with `context`. NULL: ours. */
    bool (*activation_text)(void *context, activation_id id, char ret_text[33]);
    /* Before the host is released, and after the last record. May be NULL. */
    void (*close)(void *context);
};

struct run_options {
    const struct run_host *host; /* NULL: virtual time */
    bool any_of_expected;        /* many seeds: a violation that `expect:` names is allowed, not
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
