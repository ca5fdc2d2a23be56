/*
 * no_failed_activation.c - a client saw an error or a broken connection, or an activation
 * ended in a platform error, that the action itself did not cause.
 *
 * The action's own: an application error, and a developer error from a run whose container
 * did not die under it (its time limit). The caller's own, which only clients from outside
 * cause: 400, 413 and 415, a body that is not JSON, too large, or declared as something else,
 * and 404 for an action that clients make and delete themselves. A 429, and a drop for too
 * many at once, count only if the load did not reach the scenario's limits. One violation per
 * activation, at the first record that shows it.
 */
#include "check/check_internal.h"
#include <inttypes.h>

static bool failed_is_limit(const struct check_context *ctx, const struct record *r,
                            const struct ledger_activation *a)
{
    namespace_id ns = a->ns != NAMESPACE_NONE ? a->ns : r->ns;
    node_id controller = r->kind == RECORD_REQUEST_DONE ? a->request_node : NODE_NONE;
    return limits_reached(ledger_limits(ctx->ledger), r->at, ns, a->action, controller);
}

/* Counts it once; false when it was counted before. */
static bool failed_mark(const struct check_context *ctx, struct ledger_activation *a,
                        uint64_t seq)
{
    if ((a->flags & LEDGER_FAILED) != 0)
        return false;
    a->flags |= LEDGER_FAILED;
    summary_blame(ctx->summary, seq, false);
    return true;
}

/* Only of clients that are not ours: a request of the load itself is never at fault. */
static bool failed_is_callers_own(const struct check_context *ctx, const struct record *r,
                                  const struct ledger_activation *a)
{
    const struct cluster *cluster = ctx->world->cluster;
    if (ACTIVATION_ENTRY(r->activation) != REQUEST_ENTRY_FOREIGN)
        return false;
    if (r->value == 404)
        return a->action < cluster->action_count && cluster->actions[a->action].is_spare;
    return r->value == 400 || r->value == 413 || r->value == 415; /* the bytes decide alone */
}

/* Did the caller get what is his action's own, or his own, or a success? */
static bool failed_answer_is_own(const struct check_context *ctx, const struct record *r,
                                 const struct ledger_activation *a)
{
    bool is_limit_error =
        r->value2 == ERROR_TOO_MANY_CONCURRENT || r->value2 == ERROR_NAMESPACE_LIMIT;
    if ((r->value >= 200 && r->value < 300) || failed_is_callers_own(ctx, r, a))
        return true;
    /* Of a firing: its own limit alone can say so. */
    if (r->value == 429 &&
        cluster_action_kind(ctx->world->cluster, r->action) == ACTION_TRIGGER)
        return true;
    if (r->value == 429 || is_limit_error)
        return failed_is_limit(ctx, r, a);
    return r->value == 502 &&
           (r->detail == RESPONSE_APPLICATION_ERROR || r->detail == RESPONSE_DEVELOPER_ERROR);
}

static void failed_on_done(const struct check_context *ctx, const struct record *r,
                           struct ledger_activation *a)
{
    struct violation v = violation_of(r);
    v.action = a->action;
    if (failed_answer_is_own(ctx, r, a) || !failed_mark(ctx, a, r->seq))
        return;
    const char *action = check_action(ctx, a->action);
    const char *text = error_text_to_string((unsigned)r->value2);
    const char *before = text[0] == '\0' ? "" : ": ";
    if (r->value == 0)
        check_report(ctx, &v, "the caller of %s saw its connection break%s%s", action, before,
                     text);
    else if (r->value == 1)
        check_report(ctx, &v, "the caller of %s was refused a connection%s%s", action, before,
                     text);
    else
        check_report(ctx, &v, "the caller of %s saw HTTP %" PRIu64 "%s%s", action, r->value,
                     before, text);
}

static void failed_on_drop(const struct check_context *ctx, const struct record *r,
                           struct ledger_activation *a)
{
    struct violation v = violation_of(r);
    v.action = a->action;
    if ((r->detail == ERROR_TOO_MANY_CONCURRENT || r->detail == ERROR_NAMESPACE_LIMIT) &&
        failed_is_limit(ctx, r, a))
        return;
    if (failed_mark(ctx, a, r->seq))
        check_report(ctx, &v, "%s gave the activation of %s up: %s", check_node(ctx, r->node),
                     check_action(ctx, a->action), error_text_to_string(r->detail));
}

static void failed_on_result(const struct check_context *ctx, const struct record *r,
                             struct ledger_activation *a)
{
    uint64_t response = r->kind == RECORD_ACKED ? r->value : r->detail;
    bool is_platform = response == RESPONSE_WHISK_ERROR ||
                       (response == RESPONSE_DEVELOPER_ERROR && (a->flags & LEDGER_CUT) != 0);
    struct violation v = violation_of(r);
    v.action = a->action;
    if ((a->flags & LEDGER_DROPPED) != 0 || !is_platform) /* a drop was judged as such */
        return;
    if (failed_mark(ctx, a, r->seq))
        check_report(ctx, &v, "the activation of %s ended with a %s at %s%s",
                     check_action(ctx, a->action), response_to_string((unsigned)response),
                     check_node(ctx, r->node),
                     (a->flags & LEDGER_CUT) != 0 ? ": its container died under it" : "");
}

static void failed_on_record(void *self, const struct check_context *ctx,
                             const struct record *r)
{
    struct ledger_activation *a = ledger_activation(ctx->ledger, r->activation);
    (void)self;
    if (a == NULL && r->kind == RECORD_REQUEST_DONE)
        a = ledger_find_request(ctx->ledger, r->activation);
    if (a == NULL)
        return;
    check_applies(ctx);
    if (r->kind == RECORD_REQUEST_DONE)
        failed_on_done(ctx, r, a);
    else if (r->kind == RECORD_DROPPED)
        failed_on_drop(ctx, r, a);
    else
        failed_on_result(ctx, r, a);
}

const struct check_ops check_no_failed_activation = {
    .name = "no-failed-activation",
    .is_seen_outside = true,
    .kinds = (const uint16_t[]){RECORD_REQUEST_DONE, RECORD_DROPPED, RECORD_RUN_ENDED,
                                RECORD_ACKED, RECORD_STORED, RECORD_NONE},
    .on_record = failed_on_record,
};
