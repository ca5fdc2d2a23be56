/*
 * latency.c - a percentile of the time from sent to answered passes its bound, overall or
 * inside a deploy step. Judged at the end, and only the percentiles that a scenario asks for.
 *
 * Counted are accepted requests that got an HTTP answer; inside a step: sent or answered
 * while it was open on some instance.
 */
#include "check/check_internal.h"
#include <inttypes.h>

#define LATENCY_RULES 4u
static const struct {
    const char *name;
    unsigned percent;
} latency_rules[LATENCY_RULES] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"max", 100}};

struct latency_rule {
    bool is_asked;
    uint32_t step;               /* UINT32_MAX: overall */
    uint32_t open;               /* instances that are in the step */
    struct histogram *histogram; /* arena block; NULL: overall */
};
struct latency {
    struct latency_rule rules[LATENCY_RULES];
};

static enum bound latency_bound(uint32_t rule, uint32_t field)
{
    return (enum bound)(BOUND_LATENCY_FIRST + 2 * rule + field);
}

static void latency_begin(void *self, const struct check_context *ctx)
{
    struct latency *latency = self;
    for (uint32_t i = 0; i < LATENCY_RULES; i++) {
        struct latency_rule *rule = &latency->rules[i];
        rule->is_asked = check_bound_given(ctx, latency_bound(i, 0));
        rule->step = check_bound_given(ctx, latency_bound(i, 1))
                         ? (uint32_t)check_bound(ctx, latency_bound(i, 1))
                         : UINT32_MAX;
        if (rule->is_asked && rule->step != UINT32_MAX)
            rule->histogram = arena_alloc(ctx->arena, ARENA_HOST, sizeof *rule->histogram);
    }
}

static void latency_on_step(struct latency *latency, const struct record *r)
{
    for (uint32_t i = 0; i < LATENCY_RULES; i++) {
        struct latency_rule *rule = &latency->rules[i];
        if (rule->step != r->value)
            continue;
        if (r->kind == RECORD_STEP_STARTED)
            rule->open++;
        else if (rule->open > 0)
            rule->open--;
    }
}

static void latency_on_record(void *self, const struct check_context *ctx,
                              const struct record *r)
{
    struct latency *latency = self;
    if (r->kind == RECORD_STEP_STARTED || r->kind == RECORD_STEP_ENDED) {
        latency_on_step(latency, r);
        return;
    }
    struct ledger_activation *a = ledger_find_request(ctx->ledger, r->activation);
    if (a == NULL)
        return;
    for (uint32_t i = 0; i < LATENCY_RULES; i++) {
        struct latency_rule *rule = &latency->rules[i];
        if (rule->histogram == NULL)
            continue;
        if (r->kind == RECORD_REQUEST_SENT) {
            if (rule->open > 0)
                a->flags |= (uint32_t)LEDGER_STEP << i;
        } else if ((a->flags & LEDGER_ACCEPTED) != 0 && r->value >= 200 &&
                   (rule->open > 0 || (a->flags & (uint32_t)LEDGER_STEP << i) != 0))
            histogram_add(rule->histogram, r->at - a->sent_at);
    }
}

static void latency_judge(const struct check_context *ctx, const struct latency_rule *rule,
                          uint32_t index, tstamp now)
{
    const struct histogram *histogram =
        rule->histogram != NULL ? rule->histogram : &ctx->summary->latency;
    duration bound = check_bound(ctx, latency_bound(index, 0));
    if (histogram->count == 0)
        return;
    check_applies(ctx);
    duration length = histogram_percentile(histogram, latency_rules[index].percent);
    if (length < bound)
        return;
    const char *step =
        rule->step < ctx->world->step_name_count ? ctx->world->step_names[rule->step] : "";
    struct violation v = {.at = now, .node = NODE_NONE, .action = ACTION_NONE};
    check_report(ctx, &v,
                 "%s of %" PRIu64 " answers%s%s is %" PRIu64 ".%03" PRIu64
                 " s, must be below %" PRIu64 ".%03" PRIu64 " s",
                 latency_rules[index].name, histogram->count, step[0] == '\0' ? "" : " during ",
                 step, length / SEC(1), length % SEC(1) / MSEC(1), bound / SEC(1),
                 bound % SEC(1) / MSEC(1));
}

static void latency_end(void *self, const struct check_context *ctx, tstamp now)
{
    struct latency *latency = self;
    for (uint32_t i = 0; i < LATENCY_RULES; i++) {
        if (latency->rules[i].is_asked)
            latency_judge(ctx, &latency->rules[i], i, now);
    }
}

const struct check_ops check_latency = {
    .name = "latency",
    .is_seen_outside = true,
    .size = sizeof(struct latency),
    .kinds = (const uint16_t[]){RECORD_REQUEST_SENT, RECORD_REQUEST_DONE, RECORD_STEP_STARTED,
                                RECORD_STEP_ENDED, RECORD_NONE},
    .begin = latency_begin,
    .on_record = latency_on_record,
    .end = latency_end,
};
