/*
 * no_creation_spike.c - in any 5 s more containers of an action start than twice the most that
 * were needed in the minute before, and 2.
 *
 * Needed at an instant: the action's activations that a controller has accepted and not
 * completed, by how many a container takes at once. A second's peak begins with what the one
 * before left in flight, so every record that ends an activation is looked at as well. One
 * violation for each burst: after it the starts are counted anew.
 */
#include "check/check_internal.h"
#include <inttypes.h>
#include "core/assert.h"

#define SPIKE_SECONDS 61u /* the minute before, and the second that runs */

struct spike {                     /* of one action */
    uint64_t second;               /* of the newest peak */
    uint32_t in_flight;            /* since the newest record of it */
    uint32_t peaks[SPIKE_SECONDS]; /* most in flight, by second, round about */
    tstamp *starts;                /* arena block: a ring of those in the window */
    uint32_t head, count, max;
};
struct spikes {
    struct spike *actions;
    uint32_t action_count;
};

static void spike_begin(void *self, const struct check_context *ctx)
{
    struct spikes *spikes = self;
    spikes->action_count = ctx->world->cluster->action_count;
    spikes->actions = arena_alloc(ctx->arena, ARENA_HOST,
                                  (spikes->action_count + 1) * sizeof *spikes->actions);
}

/* What is in flight when a second begins is its first peak. */
static void spike_turn(struct spike *s, tstamp at, uint32_t in_flight)
{
    uint64_t second = at / SEC(1);
    uint64_t passed = second - s->second;
    for (uint64_t i = 1; i <= passed && i <= SPIKE_SECONDS; i++)
        s->peaks[(s->second + i) % SPIKE_SECONDS] = s->in_flight;
    s->second = second;
    s->in_flight = in_flight;
    uint32_t *peak = &s->peaks[second % SPIKE_SECONDS];
    *peak = in_flight > *peak ? in_flight : *peak;
}

static uint32_t spike_needed(const struct spike *s, uint32_t concurrency)
{
    uint32_t peak = 0;
    for (uint32_t i = 0; i < SPIKE_SECONDS; i++)
        peak = s->peaks[i] > peak ? s->peaks[i] : peak;
    return (peak + concurrency - 1) / concurrency;
}

static void spike_push(const struct check_context *ctx, struct spike *s, tstamp at)
{
    if (s->count == s->max) {
        uint32_t max = s->max == 0 ? 8 : s->max * 2;
        tstamp *starts = arena_alloc(ctx->arena, ARENA_HOST, max * sizeof *starts);
        for (uint32_t i = 0; i < s->count; i++)
            starts[i] = s->starts[(s->head + i) % s->max];
        if (s->starts != NULL)
            arena_release(ctx->arena, s->starts);
        s->starts = starts;
        s->head = 0;
        s->max = max;
    }
    s->starts[(s->head + s->count++) % s->max] = at;
}

static void spike_on_start(const struct check_context *ctx, struct spike *s,
                           const struct record *r)
{
    duration window = check_bound(ctx, BOUND_SPIKE_WINDOW);
    uint32_t concurrency = ctx->world->cluster->actions[r->action].concurrency;
    check_applies(ctx);
    while (s->count > 0 && tstamp_add(s->starts[s->head], window) < r->at) {
        s->head = (s->head + 1) % s->max;
        s->count--;
    }
    spike_push(ctx, s, r->at);
    uint32_t needed = spike_needed(s, concurrency == 0 ? 1 : concurrency);
    if (s->count <= 2 * needed + 2)
        return;
    struct violation v = violation_of(r);
    check_report(ctx, &v,
                 "%" PRIu32 " containers of %s start within " CHECK_SECONDS
                 ", and no more than %" PRIu32 " were needed in the minute before",
                 s->count, check_action(ctx, r->action), CHECK_SPAN_OF(window), needed);
    s->count = 0;
}

static void spike_follow(struct spikes *spikes, const struct check_context *ctx,
                         action_id action, tstamp at)
{
    if (action < spikes->action_count)
        spike_turn(&spikes->actions[action], at, ledger_action_in_flight(ctx->ledger, action));
}

static void spike_on_record(void *self, const struct check_context *ctx, const struct record *r)
{
    struct spikes *spikes = self;
    if (r->kind == RECORD_NODE_STOPPED) {
        for (uint32_t i = 0; i < spikes->action_count; i++)
            spike_follow(spikes, ctx, (action_id)i, r->at);
    } else if (r->kind == RECORD_ACCEPTED || r->kind == RECORD_CONTAINER_MADE) {
        spike_follow(spikes, ctx, r->action, r->at);
        if (r->kind == RECORD_CONTAINER_MADE && r->action < spikes->action_count)
            spike_on_start(ctx, &spikes->actions[r->action], r);
    } else { /* a completion, which does not name its action */
        const struct ledger_activation *a = ledger_activation(ctx->ledger, r->activation);
        if (a != NULL)
            spike_follow(spikes, ctx, a->action, r->at);
    }
}

const struct check_ops check_no_creation_spike = {
    .name = "no-creation-spike",
    .size = sizeof(struct spikes),
    .kinds = (const uint16_t[]){RECORD_ACCEPTED, RECORD_ACK_RECEIVED, RECORD_SLOT_FORCED,
                                RECORD_NODE_STOPPED, RECORD_CONTAINER_MADE, RECORD_NONE},
    .begin = spike_begin,
    .on_record = spike_on_record,
};
