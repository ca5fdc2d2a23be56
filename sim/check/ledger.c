/*
 * ledger.c - start, dispatch and end of the ledger; letting go of what is finished.
 */
#include "check/ledger_internal.h"
#include "core/assert.h"

typedef void ledger_handler_fn(struct ledger *self, const struct record *r);

/* Kinds that are not here move nothing (REQUEST_SKIPPED and deploy steps: summary.c). */
static ledger_handler_fn *const handlers[RECORD_KIND_COUNT] = {
    [RECORD_REQUEST_SENT] = ledger_on_request,
    [RECORD_REQUEST_DONE] = ledger_on_request,
    [RECORD_EDGE_PASSED] = ledger_on_request,
    [RECORD_ACCEPTED] = ledger_on_request,
    [RECORD_REJECTED] = ledger_on_request,
    [RECORD_ANSWERED] = ledger_on_request,
    [RECORD_APPENDED] = ledger_on_topic,
    [RECORD_COMMITTED] = ledger_on_topic,
    [RECORD_DELIVERED] = ledger_on_movement,
    [RECORD_LOOKED_UP] = ledger_on_movement,
    [RECORD_FORWARDED] = ledger_on_movement,
    [RECORD_QUEUED] = ledger_on_movement,
    [RECORD_HANDED_OVER] = ledger_on_movement,
    [RECORD_FETCHED] = ledger_on_movement,
    [RECORD_RUN_STARTED] = ledger_on_movement,
    [RECORD_RUN_ENDED] = ledger_on_movement,
    [RECORD_RUN_CUT] = ledger_on_movement,
    [RECORD_DROPPED] = ledger_on_movement,
    [RECORD_RESCHEDULED] = ledger_on_movement,
    [RECORD_MESSAGE_LOST] = ledger_on_movement,
    [RECORD_MESSAGE_REJECTED] = ledger_on_movement,
    [RECORD_ACKED] = ledger_on_completion,
    [RECORD_ACK_RECEIVED] = ledger_on_completion,
    [RECORD_SLOT_FORCED] = ledger_on_completion,
    [RECORD_STORED] = ledger_on_completion,
    [RECORD_EDGE_CHANGED] = ledger_on_node,
    [RECORD_NODE_STARTED] = ledger_on_node,
    [RECORD_NODE_LISTENING] = ledger_on_node,
    [RECORD_NODE_STOPPING] = ledger_on_node,
    [RECORD_NODE_STOPPED] = ledger_on_node,
    [RECORD_NODE_DISABLED] = ledger_on_node,
    [RECORD_NODE_ENABLED] = ledger_on_node,
    [RECORD_CONTAINER_MADE] = ledger_on_container,
    [RECORD_CONTAINER_USED] = ledger_on_container,
    [RECORD_CONTAINER_PAUSED] = ledger_on_container,
    [RECORD_CONTAINER_GONE] = ledger_on_container,
    [RECORD_QUEUE_MADE] = ledger_on_queue,
    [RECORD_QUEUE_GONE] = ledger_on_queue,
    [RECORD_STATE] = ledger_on_state,
    [RECORD_KEY_PUT] = ledger_on_key,
    [RECORD_KEY_DELETED] = ledger_on_key,
    [RECORD_PERMITS] = ledger_on_permits,
    [RECORD_CREATION_ORDERED] = ledger_on_creation,
    [RECORD_CREATION_DONE] = ledger_on_creation,
    [RECORD_CHAIN_STARTED] = ledger_on_chain,
    [RECORD_CHAIN_ENDED] = ledger_on_chain,
};

struct ledger *ledger_new(struct arena *arena, const struct check_world *world,
                          struct summary *summary)
{
    const struct cluster *cluster = world->cluster;
    struct ledger *self = arena_alloc(arena, ARENA_HOST, sizeof *self);
    self->arena = arena;
    self->cluster = cluster;
    self->draws = world->draws;
    self->summary = summary;
    self->limits = limits_new(arena, cluster);
    self->nodes =
        arena_alloc(arena, ARENA_HOST, (cluster->node_count + 1) * sizeof *self->nodes);
    self->topics = arena_alloc(arena, ARENA_HOST,
                               (cluster->counts[NODE_SCHEDULER] + 1) * sizeof *self->topics);
    table_init(&self->activations, arena, sizeof(struct ledger_activation));
    table_init(&self->things, arena, sizeof(struct ledger_thing));
    table_init(&self->queues, arena, sizeof(struct ledger_queue));
    table_init(&self->creations, arena, sizeof(struct ledger_creation));
    for (uint32_t i = 0; i < cluster->node_count; i++) {
        struct ledger_node *node = &self->nodes[i];
        node->kind = cluster->nodes[i].kind;
        node->in_file = node->in_edge = node->kind == NODE_CONTROLLER;
    }
    return self;
}

void ledger_on_record(struct ledger *self, const struct record *r)
{
    ledger_handler_fn *handler = handlers[r->kind];
    self->changed_count = 0;
    self->is_late = false;
    if (handler != NULL)
        handler(self, r);
}

/* Nobody can ask for it any more, and nothing about it is still on its way. */
static bool ledger_is_finished(const struct ledger_activation *a)
{
    uint32_t open = LEDGER_SLOT | LEDGER_REQUEST | LEDGER_SUSPECT;
    if ((a->flags & open) != 0 || a->place != PLACE_NONE || a->invoker != NODE_NONE)
        return false;
    if ((a->flags & LEDGER_RETURNED) != 0)
        return a->completions_received >= a->completions_sent;
    if ((a->flags & LEDGER_DONE) == 0)
        return false;
    if ((a->flags & LEDGER_ACCEPTED) == 0) /* else a controller may still accept it */
        return (a->flags & LEDGER_REFUSED) != 0 || a->request_node == NODE_NONE;
    return ledger_is_completed(a) && a->completions_received >= a->completions_sent;
}

static void ledger_count(struct ledger *self, const struct ledger_activation *a)
{
    if ((a->flags & LEDGER_RETURNED) != 0 || (a->flags & LEDGER_ACCEPTED) == 0 ||
        ledger_is_part(a->id))
        return;
    if (!ledger_is_completed(a))
        self->summary->lost++;
    else {
        self->summary->completed++;
        if ((a->flags & LEDGER_FAILED) != 0)
            self->summary->failed++;
        else
            self->summary->succeeded++;
    }
}

void ledger_let_go(struct ledger *self, struct ledger_activation *a)
{
    if (!ledger_is_finished(a))
        return;
    ledger_count(self, a);
    table_remove(&self->activations, a->id, 0);
}

void ledger_retire(struct ledger *self, const struct record *r)
{
    if (!ledger_follows(r->activation))
        return;
    struct ledger_activation *a = ledger_find_request(self, r->activation);
    if (a != NULL)
        ledger_let_go(self, a);
}

void ledger_end(struct ledger *self, tstamp now)
{
    for (uint32_t i = 0; i < self->activations.item_used; i++) {
        struct ledger_activation *a = table_at(&self->activations, i);
        if (a == NULL)
            continue;
        ASSERT_OP(a->last_at, <=, now);
        if ((a->flags & (LEDGER_ACCEPTED | LEDGER_RETURNED)) == 0 && !a->status_counted &&
            !ledger_is_part(a->id)) {
            summary_reject(self->summary, 0); /* no answer when the run ended */
            a->status_counted = 1;
        }
        ledger_count(self, a);
    }
}

struct ledger_activation *ledger_activation(const struct ledger *self, activation_id id)
{
    return ledger_follows(id) ? table_find(&self->activations, id, 0) : NULL;
}

const struct ledger_node *ledger_node(const struct ledger *self, node_id node)
{
    ASSERT_OP(node, <, self->cluster->node_count);
    return &self->nodes[node];
}

const struct limits *ledger_limits(const struct ledger *self)
{
    return self->limits;
}

const struct table *ledger_activations(const struct ledger *self)
{
    return &self->activations;
}

uint32_t ledger_action_in_flight(const struct ledger *self, action_id action)
{
    return limits_in_flight(self->limits, action);
}

bool ledger_is_running(const struct ledger_activation *a)
{
    return a->runs > 0 && a->invoker != NODE_NONE && a->completions_sent == 0 &&
           (a->flags & (LEDGER_FETCHED | LEDGER_STORED | LEDGER_CUT)) == LEDGER_FETCHED;
}

uint32_t ledger_in_flight(const struct ledger *self)
{
    return self->in_flight;
}

uint32_t ledger_creations_open(const struct ledger *self)
{
    return self->creations.count;
}

bool ledger_is_late(const struct ledger *self)
{
    return self->is_late;
}

bool ledger_is_completed(const struct ledger_activation *a)
{
    return a->completions_received > 0 && (a->flags & LEDGER_STORED) != 0;
}

void ledger_digest(const struct ledger *self, struct digest *d)
{
    digest_two(d, self->in_flight, self->activations.count);
    digest_two(d, self->things.count, self->queues.count);
    for (uint32_t i = 0; i < self->cluster->node_count; i++) {
        const struct ledger_node *n = &self->nodes[i];
        digest_two(d, (uint64_t)n->topic_count << 32 | n->held_count,
                   (uint64_t)n->invoker_count << 32 | n->slot_count);
        digest_two(d, n->request_count,
                   (uint64_t)(n->up << 5 | n->listening << 4 | n->disabled << 3 |
                              n->in_edge << 2 | n->has_key << 1 | n->healthy));
    }
}
