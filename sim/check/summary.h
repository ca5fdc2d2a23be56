#pragma once
/*
 * summary.h - the figures of a result: activations, latency, deploy steps.
 *
 * offered  = skipped + rejected + accepted      (asserted by summary_end)
 * accepted = completed + lost, completed = succeeded + failed
 *
 * A request counts where it ended: accepted when a controller took a slot for it; otherwise
 * rejected under the status that the client saw, also when it never reached a controller:
 * status 0 is a broken connection or no answer by the end of the run, 1 a refused connection.
 * completed: a completion reached a controller and the record was written; one forced by the
 * controller's timer is none. failed: completed, but with a platform error, or its caller saw
 * an error that the action did not cause.
 */
#include "core/arena.h"
#include "core/cluster.h"
#include "core/record.h"
#include "check/histogram.h"

#define SUMMARY_STEPS_MAX 2048u  /* deploy steps kept; all are counted */
#define SUMMARY_STATUSES_MAX 24u /* different statuses kept apart; the rest under the last */
#define SUMMARY_REASONS_MAX 16u

struct summary_step {
    tstamp started_at, ended_at;     /* ended_at TSTAMP_NEVER: still open */
    uint64_t started_seq, ended_seq; /* of the records; ended_seq UINT64_MAX: still open */
    node_id instance;
    uint16_t step;   /* index into step_names */
    uint16_t entry;  /* deploy entry */
    uint8_t outcome; /* enum step_outcome */
    uint32_t polls;  /* requests made */
    uint64_t failed,
        lost; /* activations that failed or were lost while it was the newest open one */
};

struct summary_status {
    uint32_t status;
    uint64_t count;
};

struct summary {
    uint64_t offered, skipped, rejected, accepted, completed, succeeded, failed, lost,
        duplicated;
    uint64_t
        skipped_by[SUMMARY_REASONS_MAX]; /* by detail of REQUEST_SKIPPED; last: all others */
    struct summary_status rejected_by[SUMMARY_STATUSES_MAX]; /* ascending by status */
    uint32_t status_count;
    struct histogram latency;   /* from sent to answered, of accepted requests */
    struct summary_step *steps; /* arena block, in order of their start */
    uint32_t step_count;
    uint64_t step_total;
    uint64_t failed_outside, lost_outside; /* while no deploy step was open */
    uint32_t deploys_started, deploys_ended, deploys_failed;
    struct arena *arena;
};

void summary_init(struct summary *self, struct arena *arena);
void summary_on_record(struct summary *self, const struct record *r); /* deploy steps */
void summary_reject(struct summary *self, uint64_t status);
void summary_unreject(struct summary *self, uint64_t status); /* accepted after all */
/* An activation failed (or, lost true, was lost) by this record: to which step it belongs. */
void summary_blame(struct summary *self, uint64_t seq, bool lost);
void summary_end(const struct summary *self); /* asserts the equations */
