/*
 * bounded_wait.c - an activation waits at the schedulers, or goes round between them, for more
 * than 10 s.
 *
 * The wait begins when a feed hands the activation over, or, when a container gave it back,
 * with its new place in a queue; it ends when a container gets it or a scheduler gives it up.
 * What died meanwhile is no-lost-activation's.
 */
#include "check/check_internal.h"
#include "check/grace.h"
#include "core/payload.h"
#include <inttypes.h>

struct waits {
    struct grace list; /* of activations, by id */
};

static void wait_begin(void *self, const struct check_context *ctx)
{
    struct waits *waits = self;
    grace_init(&waits->list, ctx->arena, check_bound(ctx, BOUND_WAIT_WITHIN));
}

static void wait_on_record(void *self, const struct check_context *ctx, const struct record *r)
{
    struct waits *waits = self;
    if (r->kind == RECORD_DELIVERED && TOPIC_KIND((uint32_t)r->value) != TOPIC_SCHEDULER)
        return;
    struct ledger_activation *a = ledger_activation(ctx->ledger, r->activation);
    if (a == NULL)
        return;
    bool is_over = r->kind == RECORD_HANDED_OVER || r->kind == RECORD_DROPPED;
    if (is_over)
        a->wait_seq = 0;
    if (is_over || a->wait_seq != 0)
        return;
    check_applies(ctx);
    a->wait_seq = r->seq;
    grace_add(&waits->list, r->at, r->activation, r->seq);
    check_due(ctx, grace_due(&waits->list));
}

static void wait_judge(const struct waits *waits, const struct check_context *ctx,
                       const struct grace_item *item)
{
    const struct ledger_activation *a =
        ledger_activation(ctx->ledger, (activation_id)item->name);
    if (a == NULL || a->wait_seq != item->seq || a->place < PLACE_FEED)
        return;
    static const char *const places[PLACE_COUNT] = {[PLACE_FEED] = "its feed",
                                                    [PLACE_HANDLER] =
                                                        "the queue manager's mailbox",
                                                    [PLACE_LOOK_UP] = "a look-up",
                                                    [PLACE_FORWARDED] = "a message to another",
                                                    [PLACE_QUEUE] = "its memory queue"};
    struct violation v = {.at = tstamp_add(item->since, waits->list.length),
                          .seq = item->seq,
                          .activation = a->id,
                          .node = a->scheduler,
                          .action = a->action};
    check_report(ctx, &v,
                 "the activation of %s waits at the schedulers for " CHECK_SECONDS
                 " already: now in %s of %s",
                 check_action(ctx, a->action), CHECK_SPAN_OF(waits->list.length),
                 places[a->place], check_node(ctx, a->scheduler));
}

static void wait_on_tick(void *self, const struct check_context *ctx, tstamp now)
{
    struct waits *waits = self;
    struct grace_item item;
    while (grace_take(&waits->list, now, &item))
        wait_judge(waits, ctx, &item);
    check_due(ctx, grace_due(&waits->list));
}

const struct check_ops check_bounded_wait = {
    .name = "bounded-wait",
    .size = sizeof(struct waits),
    .kinds = (const uint16_t[]){RECORD_DELIVERED, RECORD_QUEUED, RECORD_HANDED_OVER,
                                RECORD_DROPPED, RECORD_NONE},
    .begin = wait_begin,
    .on_record = wait_on_record,
    .on_tick = wait_on_tick,
};
