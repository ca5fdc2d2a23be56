/*
 * ledger_risk.c - what a kill of a process would lose at this instant (product terms in
 * ledger.h). Called where a process answers 0 or stops: once over what is in flight.
 */
#include "check/ledger_internal.h"
#include <inttypes.h>
#include <stdio.h>

/* An activation handed over and not fetched for so long was lost on its way: gRPC answers
 * take a millisecond. */
#define FETCH_LOST_AFTER SEC(5)

struct risk_query {
    node_id node;
    tstamp now;
    duration reads_after, too_old;
};

static bool risk_at_scheduler(const struct ledger_activation *a, const struct risk_query *q,
                              struct ledger_risk *risk)
{
    if (a->place == PLACE_NONE || a->scheduler != q->node)
        return false;
    if (a->place == PLACE_TOPIC) {
        if (tstamp_add(q->now, q->reads_after) <= tstamp_add(a->accepted_at, q->too_old))
            return false;
        risk->topic++;
    } else if (a->place == PLACE_FEED)
        risk->feed++;
    else if (a->place == PLACE_QUEUE)
        risk->queue++;
    else
        risk->look_up++;
    return true;
}

static bool risk_at_invoker(const struct ledger_activation *a, const struct risk_query *q,
                            struct ledger_risk *risk)
{
    if (a->invoker != q->node)
        return false;
    if (a->completions_sent > 0)
        risk->unstored++;
    else if ((a->flags & LEDGER_STORED) != 0)
        risk->unacked++;
    else if ((a->flags & LEDGER_FETCHED) == 0 && q->now - a->handed_at > FETCH_LOST_AFTER)
        return false;
    else
        risk->running++;
    return true;
}

/* Its completion cannot come any more, whatever becomes of the controller. */
static bool risk_is_dead(const struct ledger_activation *a, node_id controller)
{
    return (a->lost_at != 0 && a->lost_node != controller) ||
           ((a->flags & LEDGER_UNREADABLE) != 0 && a->completions_received == 0);
}

static bool risk_at_controller(const struct ledger_activation *a, const struct risk_query *q,
                               struct ledger_risk *risk)
{
    if ((a->flags & LEDGER_SLOT) != 0 && a->controller == q->node &&
        !risk_is_dead(a, q->node)) {
        risk->slots++;
        return true;
    }
    if ((a->flags & LEDGER_REQUEST) == 0 || a->request_node != q->node)
        return false;
    risk->requests++;
    return true;
}

struct ledger_risk ledger_risk(const struct ledger *self, node_id node, tstamp now,
                               duration reads_after, duration too_old)
{
    struct ledger_risk risk = {.action = ACTION_NONE};
    const struct ledger_node *n = ledger_node(self, node);
    struct risk_query query = {node, now, reads_after, too_old};
    if (n->topic_count + n->held_count + n->invoker_count + n->slot_count + n->request_count ==
        0)
        return risk;
    for (uint32_t i = 0; i < self->activations.item_used; i++) {
        const struct ledger_activation *a = table_at(&self->activations, i);
        if (a == NULL)
            continue;
        if (!risk_at_scheduler(a, &query, &risk) && !risk_at_invoker(a, &query, &risk) &&
            !risk_at_controller(a, &query, &risk))
            continue;
        risk.total++;
        if (risk.first == 0 || a->id < risk.first) {
            risk.first = a->id;
            risk.action = a->action;
        }
    }
    return risk;
}

void ledger_risk_print(const struct ledger_risk *risk, char *text, size_t size)
{
    const struct {
        uint32_t count;
        const char *where;
    } parts[] = {
        {risk->topic, "in its topic"},
        {risk->feed, "fetched and not handled"},
        {risk->look_up, "being looked up"},
        {risk->queue, "in its queues"},
        {risk->running, "running"},
        {risk->unacked, "not acknowledged"},
        {risk->unstored, "without a record"},
        {risk->slots, "unfinished"},
        {risk->requests, "with an open request"},
    };
    size_t length = 0;
    if (size > 0)
        text[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].count == 0 || length >= size)
            continue;
        int wrote = snprintf(text + length, size - length, "%s%" PRIu32 " %s",
                             length == 0 ? "" : ", ", parts[i].count, parts[i].where);
        length += wrote > 0 ? (size_t)wrote : 0;
    }
}
