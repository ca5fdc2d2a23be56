#pragma once
/*
 * result.h - one finished run, as it is reported: result.json, the summary on stdout, JUnit.
 *
 * On the heap and independent of the world it came from, so that a suite can keep many. The
 * runner fills the first part, result_capture the rest from the checks.
 */
#include "check/check.h"
#include "check/summary.h"

struct result_violation {
    int64_t at_ns; /* since scenario start; the cluster boots before it */
    uint64_t seq;  /* record of the history; 0: none */
    char node[24]; /* "" none */
    char activation[33];
    char action[96];
    uint32_t container;
    char key[160];
    char text[CHECK_TEXT_SIZE];
};
struct result_check {
    const char *name; /* static */
    enum check_verdict verdict;
    bool liveness;
    uint64_t violation_count;
    struct result_violation *violations; /* the first CHECK_EXAMPLES */
    uint32_t example_count;
};
struct result_step {
    uint64_t start_ns, end_ns; /* since scenario start; end_ns UINT64_MAX: still open */
    char instance[24];
    char step[64];
    uint32_t entry, polls;
    const char *outcome; /* static: ok, failed, ignored, skipped, gave-up, open */
    uint64_t failed, lost;
};
struct result_count { /* one member of `skipped` or `rejected` */
    char name[40];
    uint64_t count;
};

struct result_checkpoint { /* the digest after so many events, all machines' state in it */
    uint64_t events;
    int64_t at_ns;
    uint64_t digest;
};
#define RESULT_CHECKPOINTS_MAX 64u /* when full, every second one goes */

enum result_verdict { RESULT_PASS, RESULT_FAIL, RESULT_INCONCLUSIVE };
#define RESULT_PATH_SIZE 1024u
#define RESULT_COMMAND_SIZE 8192u
#define RESULT_COUNTS_MAX 24u

struct result {
    /* filled by the runner; texts are copied in (cut when too long) */
    char version[40];
    char scenario[RESULT_PATH_SIZE]; /* as the user named it */
    char variant[64];                /* "" none */
    char hash[72];                   /* of the scenario, hex */
    char why[512];                   /* the scenario's first key */
    char host[8];                    /* "sim", "live" or "target" */
    uint64_t seed;
    enum result_verdict verdict;
    bool expected; /* the outcome that `expect:` names */
    int exit_code;
    char reason[256]; /* inconclusive, or unexpected: why; "" */
    uint64_t virtual_ns, wall_ns, events, digest;
    char directory[RESULT_PATH_SIZE]; /* where history.jsonl and result.json are; "" none */
    char look_closer[2 * RESULT_PATH_SIZE]; /* command: rollcage why DIR */
    char reproduce[RESULT_COMMAND_SIZE];    /* command that runs it again */
    char never_fired[512];                  /* fault rules that never applied, in words; "" */
    struct result_checkpoint checkpoints[RESULT_CHECKPOINTS_MAX];
    uint32_t checkpoint_count;
    uint64_t checkpoint_stride, checkpoint_seen;
    /* filled by result_capture */
    struct result_check checks[CHECKS_MAX];
    uint32_t check_count;
    uint32_t first_check; /* of the first violation; check_count: none */
    uint32_t first_example;
    uint64_t offered, skipped, rejected, accepted, completed, succeeded, failed, lost,
        duplicated;
    struct result_count skipped_by[RESULT_COUNTS_MAX], rejected_by[RESULT_COUNTS_MAX];
    uint32_t skipped_by_count, rejected_by_count;
    uint64_t latency_p50_ns, latency_p90_ns, latency_p99_ns, latency_max_ns, latency_count;
    struct result_step *steps;
    uint32_t step_count;
    uint64_t step_total; /* steps beyond the kept ones are only counted */
    uint64_t failed_outside, lost_outside;
    uint32_t deploys_started, deploys_ended, deploys_failed;
};

/* Zeroed; release gives back what capture took. */
void result_init(struct result *self);
void result_release(struct result *self);
/*
 * Copy checks and figures out of a set after check_set_end.
 * skip_reasons: names of the details of REQUEST_SKIPPED (NULL: numbers).
 * Returns 0, or -1 when out of memory.
 */
int result_capture(struct result *self, const struct check_set *set,
                   const struct check_world *world, const char *const *skip_reasons,
                   uint32_t skip_reason_count);
/* Keep a checkpoint, thinned evenly over the run. */
void result_add_checkpoint(struct result *self, struct result_checkpoint checkpoint);
/* A run that was cut short: only the checks in the mask had found something before the cut, the
 * others say nothing. */
void result_keep_checks(struct result *self, uint64_t mask);
const char *result_verdict_to_string(unsigned verdict);
/* Number of safety and of liveness checks that failed. */
uint32_t result_failed_checks(const struct result *self, bool liveness);
