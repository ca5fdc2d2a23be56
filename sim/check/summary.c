/*
 * summary.c - figures by status, reason and deploy step.
 */
#include "check/summary.h"
#include "core/assert.h"

#define SUMMARY_STEPS_FIRST 32u
#define SUMMARY_OPEN_MAX 64u /* how far back an open step is looked for */

void summary_init(struct summary *self, struct arena *arena)
{
    *self = (struct summary){.arena = arena};
}

static void summary_step_start(struct summary *self, const struct record *r)
{
    self->step_total++;
    if (self->step_count == SUMMARY_STEPS_MAX)
        return;
    size_t max = self->steps == NULL ? 0 : arena_block_size(self->steps) / sizeof *self->steps;
    if (self->step_count == max) {
        size_t more = max == 0 ? SUMMARY_STEPS_FIRST : max * 2;
        self->steps =
            arena_grow(self->arena, ARENA_HOST, self->steps, more * sizeof *self->steps);
    }
    self->steps[self->step_count++] = (struct summary_step){
        .started_at = r->at,
        .ended_at = TSTAMP_NEVER,
        .started_seq = r->seq,
        .ended_seq = UINT64_MAX,
        .instance = r->peer,
        .step = (uint16_t)r->value,
        .entry = (uint16_t)r->value2,
    };
}

static void summary_step_end(struct summary *self, const struct record *r)
{
    uint16_t entry = (uint16_t)(r->value2 >> 32);
    for (uint32_t i = self->step_count; i > 0; i--) {
        struct summary_step *step = &self->steps[i - 1];
        if (step->instance != r->peer || step->step != r->value || step->entry != entry ||
            step->ended_at != TSTAMP_NEVER)
            continue;
        step->ended_at = r->at;
        step->ended_seq = r->seq;
        step->polls = (uint32_t)r->value2;
        step->outcome = r->detail;
        return;
    }
}

static void summary_skip(struct summary *self, uint32_t reason)
{
    if (reason >= SUMMARY_REASONS_MAX)
        reason = SUMMARY_REASONS_MAX - 1;
    self->offered++;
    self->skipped++;
    self->skipped_by[reason]++;
}

void summary_on_record(struct summary *self, const struct record *r)
{
    if (r->kind == RECORD_REQUEST_SKIPPED)
        summary_skip(self, r->detail);
    else if (r->kind == RECORD_STEP_STARTED)
        summary_step_start(self, r);
    else if (r->kind == RECORD_STEP_ENDED)
        summary_step_end(self, r);
    else if (r->kind == RECORD_DEPLOY_STARTED)
        self->deploys_started++;
    else if (r->kind == RECORD_DEPLOY_ENDED) {
        self->deploys_ended++;
        self->deploys_failed += r->outcome == OUTCOME_FAILED;
    }
}

/* The row of a status, made where it belongs; the last row takes what has no room. */
static struct summary_status *summary_status_row(struct summary *self, uint64_t status)
{
    uint32_t at = 0, wanted = status > UINT32_MAX ? UINT32_MAX : (uint32_t)status;
    while (at < self->status_count && self->rejected_by[at].status < wanted)
        at++;
    if (at < self->status_count && self->rejected_by[at].status == wanted)
        return &self->rejected_by[at];
    if (self->status_count == SUMMARY_STATUSES_MAX)
        return &self->rejected_by[SUMMARY_STATUSES_MAX - 1];
    for (uint32_t i = self->status_count; i > at; i--)
        self->rejected_by[i] = self->rejected_by[i - 1];
    self->status_count++;
    self->rejected_by[at] = (struct summary_status){.status = wanted};
    return &self->rejected_by[at];
}

void summary_reject(struct summary *self, uint64_t status)
{
    self->rejected++;
    summary_status_row(self, status)->count++;
}

void summary_unreject(struct summary *self, uint64_t status)
{
    struct summary_status *row = summary_status_row(self, status);
    ASSERT_OP(self->rejected, >, 0);
    ASSERT_OP(row->count, >, 0);
    self->rejected--;
    row->count--;
}

/* Number of steps that had started by then. */
static uint32_t summary_started(const struct summary *self, uint64_t seq)
{
    uint32_t low = 0, high = self->step_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (self->steps[middle].started_seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void summary_blame(struct summary *self, uint64_t seq, bool lost)
{
    uint32_t last = summary_started(self, seq);
    uint32_t first = last > SUMMARY_OPEN_MAX ? last - SUMMARY_OPEN_MAX : 0;
    for (uint32_t i = last; i > first; i--) {
        struct summary_step *step = &self->steps[i - 1];
        if (step->ended_seq < seq)
            continue;
        step->lost += lost;
        step->failed += !lost;
        return;
    }
    self->lost_outside += lost;
    self->failed_outside += !lost;
}

void summary_end(const struct summary *self)
{
    ASSERT_OP(self->offered, ==, self->skipped + self->rejected + self->accepted);
    ASSERT_OP(self->accepted, ==, self->completed + self->lost);
    ASSERT_OP(self->completed, ==, self->succeeded + self->failed);
}
