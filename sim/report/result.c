/*
 * result.c - copies what the checks found out of the world.
 */
#include "report/result.h"
#include "core/assert.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void result_init(struct result *self)
{
    *self = (struct result){0};
}

void result_release(struct result *self)
{
    for (uint32_t i = 0; i < self->check_count; i++)
        free(self->checks[i].violations);
    free(self->steps);
    result_init(self);
}

static void capture_violation(struct result_violation *self, const struct violation *v,
                              const struct check_world *world)
{
    *self = (struct result_violation){
        .at_ns = (int64_t)(v->at - TSTAMP_ORIGIN),
        .seq = v->seq,
        .container = v->container,
    };
    if (v->node != NODE_NONE)
        (void)snprintf(self->node, sizeof self->node, "%s",
                       cluster_node_name(world->cluster, v->node));
    if (v->activation != 0 &&
        (world->activation_text == NULL ||
         !world->activation_text(world->id_context, v->activation, self->activation)))
        cluster_activation_text(world->draws, v->activation, self->activation);
    if (v->action != ACTION_NONE)
        (void)snprintf(self->action, sizeof self->action, "%s",
                       cluster_action_name(world->cluster, v->action));
    if (v->key.family != KEY_NONE)
        (void)key_print(world->cluster, &v->key, self->key, sizeof self->key);
    (void)snprintf(self->text, sizeof self->text, "%s", v->text);
}

static int capture_check(struct result_check *self, const struct check_result *check,
                         const struct check_world *world)
{
    *self = (struct result_check){
        .name = check->name,
        .verdict = check->verdict,
        .liveness = check->liveness,
        .violation_count = check->violation_count,
    };
    if (check->example_count == 0)
        return 0;
    self->violations = calloc(check->example_count, sizeof *self->violations);
    if (self->violations == NULL)
        return -1;
    self->example_count = check->example_count;
    for (uint32_t i = 0; i < check->example_count; i++)
        capture_violation(&self->violations[i], &check->examples[i], world);
    return 0;
}

/* Which is the first violation of all, as indexes. */
static void capture_first(struct result *self)
{
    self->first_check = self->check_count;
    for (uint32_t i = 0; i < self->check_count; i++) {
        const struct result_check *check = &self->checks[i];
        for (uint32_t j = 0; j < check->example_count; j++) {
            const struct result_violation *v = &check->violations[j], *first = NULL;
            if (self->first_check < self->check_count)
                first = &self->checks[self->first_check].violations[self->first_example];
            if (first != NULL &&
                (v->at_ns > first->at_ns || (v->at_ns == first->at_ns && v->seq >= first->seq)))
                continue;
            self->first_check = i;
            self->first_example = j;
        }
    }
}

static void capture_counts(struct result *self, const struct summary *summary,
                           const char *const *skip_reasons, uint32_t skip_reason_count)
{
    self->offered = summary->offered;
    self->skipped = summary->skipped;
    self->rejected = summary->rejected;
    self->accepted = summary->accepted;
    self->completed = summary->completed;
    self->succeeded = summary->succeeded;
    self->failed = summary->failed;
    self->lost = summary->lost;
    self->duplicated = summary->duplicated;
    for (uint32_t i = 0; i < SUMMARY_REASONS_MAX; i++) {
        if (summary->skipped_by[i] == 0)
            continue;
        struct result_count *count = &self->skipped_by[self->skipped_by_count++];
        count->count = summary->skipped_by[i];
        if (skip_reasons != NULL && i < skip_reason_count && skip_reasons[i][0] != '\0')
            (void)snprintf(count->name, sizeof count->name, "%s", skip_reasons[i]);
        else
            (void)snprintf(count->name, sizeof count->name, "reason %" PRIu32, i);
    }
    for (uint32_t i = 0; i < summary->status_count; i++) {
        const struct summary_status *status = &summary->rejected_by[i];
        if (status->count == 0)
            continue;
        struct result_count *count = &self->rejected_by[self->rejected_by_count++];
        count->count = status->count;
        if (status->status <= 1)
            (void)snprintf(count->name, sizeof count->name, "%s",
                           status->status == 0 ? "broken" : "refused");
        else
            (void)snprintf(count->name, sizeof count->name, "%" PRIu32, status->status);
    }
}

static void capture_latency(struct result *self, const struct histogram *latency)
{
    self->latency_count = latency->count;
    self->latency_p50_ns = histogram_percentile(latency, 50);
    self->latency_p90_ns = histogram_percentile(latency, 90);
    self->latency_p99_ns = histogram_percentile(latency, 99);
    self->latency_max_ns = latency->max;
}

static void capture_step(struct result_step *self, const struct summary_step *step,
                         const struct check_world *world)
{
    static const char *const outcomes[] = {"ok", "failed", "ignored", "skipped", "gave-up"};
    bool is_open = step->ended_at == TSTAMP_NEVER;
    *self = (struct result_step){
        .start_ns = step->started_at - TSTAMP_ORIGIN,
        .end_ns = is_open ? UINT64_MAX : step->ended_at - TSTAMP_ORIGIN,
        .entry = step->entry,
        .polls = step->polls,
        .outcome = "open",
        .failed = step->failed,
        .lost = step->lost,
    };
    if (!is_open && step->outcome < sizeof outcomes / sizeof *outcomes)
        self->outcome = outcomes[step->outcome];
    (void)snprintf(self->instance, sizeof self->instance, "%s",
                   cluster_node_name(world->cluster, step->instance));
    if (step->step < world->step_name_count)
        (void)snprintf(self->step, sizeof self->step, "%s", world->step_names[step->step]);
    else
        (void)snprintf(self->step, sizeof self->step, "step %u", step->step);
}

static int capture_steps(struct result *self, const struct summary *summary,
                         const struct check_world *world)
{
    self->step_total = summary->step_total;
    self->failed_outside = summary->failed_outside;
    self->lost_outside = summary->lost_outside;
    self->deploys_started = summary->deploys_started;
    self->deploys_ended = summary->deploys_ended;
    self->deploys_failed = summary->deploys_failed;
    if (summary->step_count == 0)
        return 0;
    self->steps = calloc(summary->step_count, sizeof *self->steps);
    if (self->steps == NULL)
        return -1;
    self->step_count = summary->step_count;
    for (uint32_t i = 0; i < summary->step_count; i++)
        capture_step(&self->steps[i], &summary->steps[i], world);
    return 0;
}

int result_capture(struct result *self, const struct check_set *set,
                   const struct check_world *world, const char *const *skip_reasons,
                   uint32_t skip_reason_count)
{
    const struct summary *summary = check_set_summary(set);
    int status = 0;
    _Static_assert(SUMMARY_REASONS_MAX <= RESULT_COUNTS_MAX, "room for every reason");
    _Static_assert(SUMMARY_STATUSES_MAX <= RESULT_COUNTS_MAX, "room for every status");
    for (unsigned i = 0; i < check_count() && status == 0; i++) {
        struct check_result check = check_set_result(set, i);
        status = capture_check(&self->checks[self->check_count], &check, world);
        self->check_count++;
    }
    capture_first(self);
    capture_counts(self, summary, skip_reasons, skip_reason_count);
    capture_latency(self, &summary->latency);
    if (status == 0)
        status = capture_steps(self, summary, world);
    return status;
}

void result_add_checkpoint(struct result *self, struct result_checkpoint checkpoint)
{
    if (self->checkpoint_stride == 0)
        self->checkpoint_stride = 1;
    if (++self->checkpoint_seen % self->checkpoint_stride != 0)
        return;
    if (self->checkpoint_count == RESULT_CHECKPOINTS_MAX) {
        for (uint32_t i = 1; i < RESULT_CHECKPOINTS_MAX; i += 2)
            self->checkpoints[i / 2] = self->checkpoints[i];
        self->checkpoint_count = RESULT_CHECKPOINTS_MAX / 2;
        self->checkpoint_stride *= 2;
        if (self->checkpoint_seen % self->checkpoint_stride != 0)
            return;
    }
    self->checkpoints[self->checkpoint_count++] = checkpoint;
}

void result_keep_checks(struct result *self, uint64_t mask)
{
    for (uint32_t i = 0; i < self->check_count; i++) {
        struct result_check *check = &self->checks[i];
        if ((mask >> i & 1) != 0 || check->verdict == CHECK_NOT_OBSERVABLE)
            continue;
        check->verdict = CHECK_NOT_APPLICABLE;
        check->violation_count = 0;
        check->example_count = 0;
    }
    capture_first(self);
}

const char *result_verdict_to_string(unsigned verdict)
{
    static const char *const names[] = {"pass", "fail", "inconclusive"};
    return verdict < sizeof names / sizeof *names ? names[verdict] : "unknown";
}

uint32_t result_failed_checks(const struct result *self, bool liveness)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->check_count; i++)
        count += self->checks[i].verdict == CHECK_FAIL && self->checks[i].liveness == liveness;
    return count;
}
