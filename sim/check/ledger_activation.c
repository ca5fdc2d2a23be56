/*
 * ledger_activation.c - the movements of an activation.
 */
#include "check/ledger_internal.h"
#include "core/assert.h"
#include "core/message.h"

#define TOPIC_RING_FIRST 64u
#define ATTEMPTS_MAX 4u

static void ledger_bump(uint8_t *count)
{
    if (*count < UINT8_MAX)
        ++*count;
}

static void ledger_touch(struct ledger_activation *a, const struct record *r)
{
    a->last_at = r->at;
    a->last_seq = r->seq;
}

/* Something moved it: whatever it seemed to have died of, it has not. */
static void ledger_alive(struct ledger_activation *a, const struct record *r)
{
    ledger_touch(a, r);
    a->lost_at = 0;
    a->lost_seq = 0;
    a->lost_node = NODE_NONE;
}

void ledger_lost(struct ledger_activation *a, const struct record *r, node_id node,
                 enum ledger_place place)
{
    if (a->lost_at != 0)
        return;
    a->lost_at = r->at;
    a->lost_seq = r->seq;
    a->lost_node = node;
    a->lost_place = (uint8_t)place;
}

static uint32_t *ledger_place_count(struct ledger *self, const struct ledger_activation *a)
{
    struct ledger_node *node = &self->nodes[a->scheduler];
    return a->place == PLACE_TOPIC ? &node->topic_count : &node->held_count;
}

void ledger_place_set(struct ledger *self, struct ledger_activation *a, enum ledger_place place,
                      node_id node)
{
    ASSERT((place == PLACE_NONE) == (node == NODE_NONE));
    if (a->place != PLACE_NONE) {
        ASSERT_OP(*ledger_place_count(self, a), >, 0);
        --*ledger_place_count(self, a);
    }
    a->place = (uint8_t)place;
    a->scheduler = node;
    if (place != PLACE_NONE)
        ++*ledger_place_count(self, a);
}

void ledger_invoker_set(struct ledger *self, struct ledger_activation *a, node_id node)
{
    if (a->invoker != NODE_NONE) {
        ASSERT_OP(self->nodes[a->invoker].invoker_count, >, 0);
        self->nodes[a->invoker].invoker_count--;
    }
    a->invoker = node;
    if (node != NODE_NONE)
        self->nodes[node].invoker_count++;
}

void ledger_slot_set(struct ledger *self, struct ledger_activation *a, bool open)
{
    if (open == ((a->flags & LEDGER_SLOT) != 0))
        return;
    a->flags ^= LEDGER_SLOT;
    self->nodes[a->controller].slot_count += open ? 1u : UINT32_MAX;
    self->in_flight += open ? 1u : UINT32_MAX;
}

void ledger_request_set(struct ledger *self, struct ledger_activation *a, node_id node)
{
    if ((a->flags & LEDGER_REQUEST) != 0) {
        ASSERT_OP(self->nodes[a->request_node].request_count, >, 0);
        self->nodes[a->request_node].request_count--;
        a->flags &= ~(uint32_t)LEDGER_REQUEST;
    }
    if (node == NODE_NONE)
        return; /* request_node keeps who had it last */
    a->flags |= LEDGER_REQUEST;
    a->request_node = node;
    self->nodes[node].request_count++;
}

static struct ledger_activation *ledger_add(struct ledger *self, const struct record *r,
                                            uint32_t flags)
{
    struct ledger_activation *a = table_add(&self->activations, r->activation, 0);
    a->id = r->activation;
    a->flags = flags | (ledger_is_part(r->activation) ? LEDGER_DONE : 0u); /* nobody waits */
    a->action = r->action;
    a->ns = r->ns;
    a->sent_at = r->at;
    a->controller = a->request_node = a->scheduler = a->invoker = a->lost_node = NODE_NONE;
    if ((flags & LEDGER_RETURNED) == 0 && !ledger_is_part(a->id))
        self->summary->offered++;
    ledger_touch(a, r);
    return a;
}

struct ledger_activation *ledger_find_request(const struct ledger *self, activation_id id)
{
    struct ledger_activation *a = table_find(&self->activations, id, 0);
    for (uint32_t i = 0; a == NULL && i < ATTEMPTS_MAX; i++)
        a = table_find(&self->activations, ACTIVATION_ID(ACTIVATION_REQUEST(id), i), 0);
    return a;
}

/*
 * The entry for this attempt. A later attempt takes over the entry of an earlier one that no
 * controller accepted: it is the same request, sent again.
 */
static struct ledger_activation *ledger_attempt(struct ledger *self, const struct record *r)
{
    struct ledger_activation *a = table_find(&self->activations, r->activation, 0);
    if (a != NULL)
        return a;
    struct ledger_activation *former = ledger_find_request(self, r->activation);
    if (former == NULL || (former->flags & (LEDGER_ACCEPTED | LEDGER_RETURNED)) != 0)
        return ledger_add(self, r, LEDGER_SENT);
    struct ledger_activation copy = *former;
    table_remove(&self->activations, copy.id, 0);
    a = table_add(&self->activations, r->activation, 0);
    *a = copy;
    a->id = r->activation;
    return a;
}

/* A chain's part of the controller's memory; limits are of what runs in containers. */
static void ledger_hold(struct ledger *self, struct ledger_activation *a, tstamp at, bool open)
{
    if (open == ((a->flags & LEDGER_SLOT) != 0))
        return;
    ledger_slot_set(self, a, open);
    if ((a->flags & LEDGER_CHAIN) == 0)
        limits_activation(self->limits, at, a->ns, a->action, open);
}

/* Does the minute's limit of invocations count it? Not components, nor firings (theirs is
 * another limit); rules are requests like any other. */
static bool ledger_is_charged(const struct ledger *self, const struct record *r)
{
    bool is_component = ledger_is_part(r->activation) && r->value != 0;
    return !is_component && cluster_action_kind(self->cluster, r->action) != ACTION_TRIGGER;
}

static void ledger_accept(struct ledger *self, const struct record *r)
{
    struct ledger_activation *a = ledger_attempt(self, r);
    if (ledger_is_charged(self, r))
        limits_request(self->limits, r);
    if ((a->flags & LEDGER_ACCEPTED) != 0)
        return;
    if (a->status_counted) {
        summary_unreject(self->summary, a->status);
        a->status_counted = 0;
    }
    if (!ledger_is_part(a->id))
        self->summary->accepted++;
    a->flags |= LEDGER_ACCEPTED | (r->value != 0 ? LEDGER_BLOCKING : 0u);
    a->controller = r->node;
    a->accepted_at = r->at;
    a->action = r->action;
    a->ns = r->ns;
    a->flags |= r->kind == RECORD_CHAIN_STARTED ? LEDGER_CHAIN : 0u;
    ledger_hold(self, a, r->at, true);
    if ((a->flags & (LEDGER_REQUEST | LEDGER_DONE)) == 0)
        ledger_request_set(self, a, r->node);
    ledger_touch(a, r);
}

static void ledger_done(struct ledger *self, const struct record *r)
{
    struct ledger_activation *a = ledger_find_request(self, r->activation);
    if (a == NULL || (a->flags & LEDGER_DONE) != 0)
        return;
    a->flags |= LEDGER_DONE;
    a->status = (uint16_t)r->value;
    ledger_request_set(self, a, NODE_NONE);
    ledger_touch(a, r);
    if ((a->flags & LEDGER_ACCEPTED) == 0) {
        summary_reject(self->summary, r->value);
        a->status_counted = 1;
    } else if (r->value >= 200)
        histogram_add(&self->summary->latency, r->at - a->sent_at);
}

void ledger_on_request(struct ledger *self, const struct record *r)
{
    if (!ledger_follows(r->activation))
        return;
    struct ledger_activation *a;
    if (r->kind == RECORD_REQUEST_SENT) {
        a = ledger_attempt(self, r);
        a->flags |= r->value != 0 ? LEDGER_BLOCKING : 0u;
        a->action = r->action;
        a->ns = r->ns;
    } else if (r->kind == RECORD_EDGE_PASSED) {
        a = ledger_attempt(self, r);
        if ((a->flags & LEDGER_DONE) == 0)
            ledger_request_set(self, a, r->peer);
        ledger_touch(a, r);
    } else if (r->kind == RECORD_ACCEPTED)
        ledger_accept(self, r);
    else if (r->kind == RECORD_REQUEST_DONE)
        ledger_done(self, r);
    else { /* REJECTED, ANSWERED: the controller has done with the request */
        if (r->kind == RECORD_REJECTED)
            limits_request(self->limits, r);
        a = ledger_find_request(self, r->activation);
        if (a == NULL)
            return;
        if ((a->flags & LEDGER_ACCEPTED) == 0)
            a->flags |= LEDGER_REFUSED;
        ledger_request_set(self, a, NODE_NONE);
        ledger_touch(a, r);
    }
}

static struct ledger_topic *ledger_topic(struct ledger *self, const struct record *r)
{
    uint32_t topic = (uint32_t)r->value;
    return TOPIC_KIND(topic) == TOPIC_SCHEDULER &&
                   TOPIC_INDEX(topic) < self->cluster->counts[NODE_SCHEDULER]
               ? &self->topics[TOPIC_INDEX(topic)]
               : NULL;
}

static void ledger_topic_push(struct ledger *self, struct ledger_topic *t, uint64_t offset,
                              activation_id id)
{
    if (t->count == t->max) {
        uint32_t max = t->max == 0 ? TOPIC_RING_FIRST : t->max * 2;
        struct ledger_waiting *ring = arena_alloc(self->arena, ARENA_HOST, max * sizeof *ring);
        for (uint32_t i = 0; i < t->count; i++)
            ring[i] = t->ring[(t->head + i) & (t->max - 1)];
        arena_release(self->arena, t->ring);
        t->ring = ring;
        t->head = 0;
        t->max = max;
    }
    t->ring[(t->head + t->count++) & (t->max - 1)] =
        (struct ledger_waiting){.offset = offset, .id = id};
}

void ledger_on_topic(struct ledger *self, const struct record *r)
{
    struct ledger_topic *t = ledger_topic(self, r);
    if (t == NULL)
        return;
    node_id node = cluster_node(self->cluster, NODE_SCHEDULER, TOPIC_INDEX((uint32_t)r->value));
    if (r->kind == RECORD_APPENDED) {
        struct ledger_activation *a = ledger_activation(self, r->activation);
        if (a == NULL)
            return;
        ledger_topic_push(self, t, r->value2, a->id);
        ledger_alive(a, r);
        ledger_place_set(self, a, PLACE_TOPIC, node);
        return;
    }
    while (t->count > 0 && t->ring[t->head].offset < r->value2) {
        struct ledger_activation *a = ledger_activation(self, t->ring[t->head].id);
        t->head = (t->head + 1) & (t->max - 1);
        t->count--;
        if (a == NULL || a->place != PLACE_TOPIC || a->scheduler != node)
            continue;
        ledger_touch(a, r);
        if (self->nodes[node].up)
            ledger_place_set(self, a, PLACE_FEED, node);
        else { /* the commit outlived its process, which had the batch */
            ledger_place_set(self, a, PLACE_NONE, NODE_NONE);
            ledger_lost(a, r, node, PLACE_FEED);
        }
    }
}

/* A message is lost: of those that carry an activation some were its only bearer. */
static void ledger_message_lost(struct ledger *self, struct ledger_activation *a,
                                const struct record *r)
{
    if (r->detail == MSG_POST) { /* dead letter inside a scheduler */
        enum ledger_place place = (enum ledger_place)a->place;
        ledger_place_set(self, a, PLACE_NONE, NODE_NONE);
        if ((a->flags & LEDGER_FETCHED) == 0)
            ledger_invoker_set(self, a, NODE_NONE);
        ledger_lost(a, r, r->node, place == PLACE_NONE ? PLACE_HANDLER : place);
    } else if (r->detail == MSG_FORWARD) {
        ledger_place_set(self, a, PLACE_NONE, NODE_NONE);
        ledger_lost(a, r, r->peer, PLACE_FORWARDED);
    } else if (r->detail == MSG_FETCHED) {
        ledger_invoker_set(self, a, NODE_NONE);
        ledger_lost(a, r, r->peer, PLACE_NONE);
    } else if (r->detail == MSG_INVOKE) {
        ledger_request_set(self, a, NODE_NONE);
        a->request_node = NODE_NONE;
    } else if (r->detail == MSG_DATABASE_STORE || r->detail == MSG_KAFKA_PRODUCE)
        ledger_lost(a, r, r->peer, PLACE_NONE);
}

/* An invoker's container that was on its way out had it and will not run it. */
static void ledger_rejected(struct ledger *self, struct ledger_activation *a,
                            const struct record *r)
{
    if (self->cluster->nodes[r->node].kind != NODE_INVOKER || a->runs > 0)
        return;
    ledger_invoker_set(self, a, NODE_NONE);
    ledger_lost(a, r, r->node, PLACE_NONE);
}

static void ledger_start_run(struct ledger *self, const struct record *r)
{
    struct ledger_activation *a = ledger_activation(self, r->activation);
    if (a == NULL) { /* finished before: this is a second execution */
        self->is_late = true;
        a = ledger_add(self, r, LEDGER_RETURNED | LEDGER_DONE);
        a->completions_sent = a->completions_received = 1;
        a->runs = 1;
    }
    ledger_alive(a, r);
    ledger_bump(&a->runs);
    a->container = r->container;
    a->flags |= LEDGER_FETCHED;
    ledger_place_set(self, a, PLACE_NONE, NODE_NONE);
    ledger_invoker_set(self, a, r->node);
}

static void ledger_hand_over(struct ledger *self, struct ledger_activation *a,
                             const struct record *r)
{
    ledger_place_set(self, a, PLACE_NONE, NODE_NONE);
    a->container = r->container;
    if (r->kind == RECORD_HANDED_OVER) {
        a->handed_at = r->at;
        a->flags &= ~(uint32_t)LEDGER_FETCHED;
        ledger_invoker_set(self, a, r->peer);
    } else {
        a->flags |= LEDGER_FETCHED;
        ledger_invoker_set(self, a, r->node);
    }
}

/* Movements inside schedulers and invokers, of an activation that is followed. */
static void ledger_move(struct ledger *self, struct ledger_activation *a,
                        const struct record *r)
{
    if (r->kind == RECORD_DELIVERED)
        ledger_place_set(self, a, PLACE_HANDLER, r->node);
    else if (r->kind == RECORD_LOOKED_UP)
        ledger_place_set(self, a, PLACE_LOOK_UP, r->node);
    else if (r->kind == RECORD_FORWARDED)
        ledger_place_set(self, a, PLACE_FORWARDED, r->peer);
    else if (r->kind == RECORD_QUEUED)
        ledger_place_set(self, a, PLACE_QUEUE, r->node);
    else if (r->kind == RECORD_HANDED_OVER || r->kind == RECORD_FETCHED)
        ledger_hand_over(self, a, r);
    else if (r->kind == RECORD_RUN_CUT)
        a->flags |= LEDGER_CUT;
    else if (r->kind == RECORD_DROPPED) {
        a->flags |= LEDGER_DROPPED;
        ledger_place_set(self, a, PLACE_NONE, NODE_NONE);
    } else if (r->kind == RECORD_RESCHEDULED && r->outcome == OUTCOME_OK) {
        a->runs = 0; /* its run did not take place */
        ledger_invoker_set(self, a, NODE_NONE);
    }
}

void ledger_on_movement(struct ledger *self, const struct record *r)
{
    if (!ledger_follows(r->activation))
        return;
    if (r->kind == RECORD_RUN_STARTED) {
        ledger_start_run(self, r);
        return;
    }
    if (r->kind == RECORD_DELIVERED && ledger_topic(self, r) == NULL)
        return;
    struct ledger_activation *a = ledger_activation(self, r->activation);
    if (a == NULL)
        self->is_late = r->kind != RECORD_MESSAGE_LOST && r->kind != RECORD_MESSAGE_REJECTED;
    else if (r->kind == RECORD_MESSAGE_LOST)
        ledger_message_lost(self, a, r);
    else if (r->kind == RECORD_MESSAGE_REJECTED)
        ledger_rejected(self, a, r);
    else {
        ledger_alive(a, r);
        ledger_move(self, a, r);
    }
}

/* It is over when its record is written, which its controller's death prevents until then. */
void ledger_on_chain(struct ledger *self, const struct record *r)
{
    if (!ledger_follows(r->activation))
        return;
    if (r->kind == RECORD_CHAIN_STARTED) {
        ledger_accept(self, r);
        return;
    }
    struct ledger_activation *a = ledger_activation(self, r->activation);
    if (a == NULL)
        return;
    ledger_bump(&a->completions_sent);
    ledger_bump(&a->completions_received);
    ledger_touch(a, r);
}

static void ledger_acked(struct ledger *self, struct ledger_activation *a,
                         const struct record *r)
{
    if (r->detail == ACK_RESULT)
        return;
    if (a == NULL) { /* finished before: another completion is on its way */
        self->is_late = true;
        a = ledger_add(self, r, LEDGER_RETURNED | LEDGER_DONE | LEDGER_STORED);
        a->completions_sent = a->completions_received = 1;
    }
    ledger_bump(&a->completions_sent);
}

static void ledger_ack_received(struct ledger *self, struct ledger_activation *a,
                                const struct record *r)
{
    if (r->detail == ACK_RESULT)
        return;
    if (r->outcome == OUTCOME_FAILED) {
        a->flags |= LEDGER_UNREADABLE;
        if (a->completions_sent > 0)
            a->completions_sent--; /* never to be received as a completion */
        if (a->completions_received == 0)
            ledger_lost(a, r, r->node, PLACE_NONE);
        return;
    }
    ledger_bump(&a->completions_received);
    if (r->value == 1)
        ledger_hold(self, a, r->at, false);
}

void ledger_on_completion(struct ledger *self, const struct record *r)
{
    if (!ledger_follows(r->activation))
        return;
    struct ledger_activation *a = ledger_activation(self, r->activation);
    if (r->kind == RECORD_ACKED) {
        ledger_acked(self, a, r);
        a = ledger_activation(self, r->activation);
    }
    if (a == NULL) { /* the same ack once more, or a record of what is finished */
        self->is_late = true;
        return;
    }
    ledger_touch(a, r);
    if (r->kind == RECORD_ACK_RECEIVED)
        ledger_ack_received(self, a, r);
    else if (r->kind == RECORD_STORED) {
        a->flags |= LEDGER_STORED;
        if ((a->flags & LEDGER_CHAIN) != 0)
            ledger_hold(self, a, r->at, false);
    } else if (r->kind == RECORD_SLOT_FORCED) {
        a->flags |= LEDGER_FORCED;
        ledger_hold(self, a, r->at, false);
    }
    bool is_acked = a->completions_sent > 0 || (a->flags & LEDGER_UNREADABLE) != 0;
    if (a->invoker != NODE_NONE && is_acked && (a->flags & LEDGER_STORED) != 0 &&
        ((a->flags & LEDGER_RETURNED) == 0 || a->completions_sent > 1))
        ledger_invoker_set(self, a, NODE_NONE);
}

static void ledger_stop_activation(struct ledger *self, struct ledger_activation *a,
                                   const struct record *r)
{
    node_id node = r->node;
    if (a->scheduler == node && a->place != PLACE_TOPIC) {
        ledger_lost(a, r, node, (enum ledger_place)a->place);
        ledger_place_set(self, a, PLACE_NONE, NODE_NONE);
    }
    if (a->invoker == node) {
        ledger_lost(a, r, node, PLACE_NONE);
        ledger_invoker_set(self, a, NODE_NONE);
    }
    if ((a->flags & LEDGER_SLOT) != 0 && a->controller == node) {
        ledger_lost(a, r, node, PLACE_NONE);
        ledger_hold(self, a, r->at, false);
    }
    if (a->request_node == node) {
        ledger_request_set(self, a, NODE_NONE);
        a->request_node = NODE_NONE;
    }
    ledger_let_go(self, a);
}

void ledger_stop_activations(struct ledger *self, const struct record *r)
{
    for (uint32_t i = 0; i < self->activations.item_used; i++) {
        struct ledger_activation *a = table_at(&self->activations, i);
        if (a != NULL)
            ledger_stop_activation(self, a, r);
    }
    ASSERT_OP(self->nodes[r->node].held_count, ==, 0);
    ASSERT_OP(self->nodes[r->node].invoker_count, ==, 0);
    ASSERT_OP(self->nodes[r->node].slot_count + self->nodes[r->node].request_count, ==, 0);
}
