/*
 * no_lost_activation.c - an accepted activation has no completion (one forced by the
 * controller's timer is none), or no record.
 *
 * Only the end can tell: a completion may come late, a record is written after it. The
 * violation stands where the activation died, as far as the records show it: with the process
 * that held it, with the message that carried it, or at the last place it was seen.
 */
#include "check/check_internal.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const place_words[PLACE_COUNT] = {
    [PLACE_NONE] = "with",
    [PLACE_TOPIC] = "in the topic of",
    [PLACE_FEED] = "fetched and not handled at",
    [PLACE_HANDLER] = "in a mailbox of",
    [PLACE_LOOK_UP] = "in a look-up at",
    [PLACE_FORWARDED] = "on its way to",
    [PLACE_QUEUE] = "in a queue of",
};

/* Where it died or was last seen, in words. */
static void lost_where(const struct check_context *ctx, const struct ledger_activation *a,
                       char *text, size_t size)
{
    const char *node = check_node(ctx, a->lost_node);
    if ((a->flags & LEDGER_UNREADABLE) != 0 && a->completions_received == 0)
        (void)snprintf(text, size, "its completion was one that no controller can read");
    else if (a->lost_at != 0)
        (void)snprintf(text, size, "it died %s %s at " CHECK_SECONDS,
                       place_words[a->lost_place], node, CHECK_SECONDS_OF(a->lost_at));
    else if (a->place != PLACE_NONE)
        (void)snprintf(text, size, "at the end it is still %s %s", place_words[a->place],
                       check_node(ctx, a->scheduler));
    else if (a->invoker != NODE_NONE)
        (void)snprintf(text, size, "at the end it is still at %s", check_node(ctx, a->invoker));
    else
        (void)snprintf(text, size, "nothing moved it after " CHECK_SECONDS,
                       CHECK_SECONDS_OF(a->last_at));
}

static void lost_report(const struct check_context *ctx, const struct ledger_activation *a)
{
    struct violation v = {
        .at = a->lost_at != 0 ? a->lost_at : a->last_at,
        .seq = a->lost_seq != 0 ? a->lost_seq : a->last_seq,
        .activation = a->id,
        .action = a->action,
        .node = a->lost_node != NODE_NONE ? a->lost_node : a->controller,
    };
    char where[120];
    lost_where(ctx, a, where, sizeof where);
    if ((a->flags & LEDGER_FAILED) == 0) /* else its step was named when it failed */
        summary_blame(ctx->summary, v.seq, true);
    if (ctx->world->is_outside)
        check_report(ctx, &v, "the activation of %s, accepted by %s, has no record",
                     check_action(ctx, a->action), check_node(ctx, a->controller));
    else if (a->completions_received > 0)
        check_report(ctx, &v, "the activation of %s ended, but no record of it was written",
                     check_action(ctx, a->action));
    else
        check_report(ctx, &v, "the activation of %s, accepted by %s, has no completion: %s%s",
                     check_action(ctx, a->action), check_node(ctx, a->controller), where,
                     (a->flags & LEDGER_FORCED) != 0 ? "; the controller's timer closed it"
                                                     : "");
}

static int lost_compare(const void *left, const void *right)
{
    activation_id a = *(const activation_id *)left, b = *(const activation_id *)right;
    return a < b ? -1 : a > b;
}

static void lost_end(void *self, const struct check_context *ctx, tstamp now)
{
    const struct table *all = ledger_activations(ctx->ledger);
    activation_id *ids = arena_alloc(ctx->arena, ARENA_HOST, (all->count + 1) * sizeof *ids);
    uint32_t count = 0;
    (void)self;
    (void)now;
    for (uint32_t i = 0; i < all->item_used; i++) {
        const struct ledger_activation *a = table_at(all, i);
        if (a != NULL && (a->flags & LEDGER_ACCEPTED) != 0 && !ledger_is_completed(a))
            ids[count++] = a->id;
    }
    qsort(ids, count, sizeof *ids, lost_compare);
    for (uint32_t i = 0; i < count; i++)
        lost_report(ctx, ledger_activation(ctx->ledger, ids[i]));
    arena_release(ctx->arena, ids);
}

static void lost_on_record(void *self, const struct check_context *ctx, const struct record *r)
{
    (void)self;
    if (ledger_follows(r->activation))
        check_applies(ctx);
}

const struct check_ops check_no_lost_activation = {
    .name = "no-lost-activation",
    .is_seen_outside = true,
    .kinds = (const uint16_t[]){RECORD_ACCEPTED, RECORD_NONE},
    .on_record = lost_on_record,
    .end = lost_end,
};
