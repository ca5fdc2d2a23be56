/*
 * ledger_thing.c - nodes, and what etcd keys name: containers, queues, endpoints.
 *
 * A container ought to have a key from its first use to its removal, unless its invoker is
 * disabled: a draining proxy gives its key back first and runs on
 * (FunctionPullingContainerProxy.scala at 1fae641a2, GracefulShutdown in Running). A queue
 * ought to have one unless it is Removing or Removed, or its scheduler is disabled. An endpoint
 * ought to have one while its process listens, is not disabled and not asked to stop.
 */
#include "check/ledger_internal.h"
#include "core/assert.h"
#include "core/fsm.h"
#include <string.h>

#define THING_NAME(kind, id) ((uint64_t)(kind) + 1) << 32 | (uint32_t)(id)
#define CHANGED_FIRST 16u
#define KEY_BIT_OWN 1u
#define KEY_BIT_WARMED 2u

static void ledger_changed_add(struct ledger *self, const struct ledger_thing *thing)
{
    if (self->changed_count == self->changed_max) {
        self->changed_max = self->changed_max == 0 ? CHANGED_FIRST : self->changed_max * 2;
        self->changed = arena_grow(self->arena, ARENA_HOST, self->changed,
                                   self->changed_max * sizeof *self->changed);
    }
    self->changed[self->changed_count++] = thing->name;
}

static struct ledger_thing *thing_take(struct ledger *self, enum ledger_thing_kind kind,
                                       uint32_t id)
{
    uint64_t name = THING_NAME(kind, id);
    struct ledger_thing *thing = table_find(&self->things, name, 0);
    if (thing != NULL)
        return thing;
    thing = table_add(&self->things, name, 0);
    thing->kind = (uint8_t)kind;
    thing->name = name;
    thing->node = NODE_NONE;
    thing->action = ACTION_NONE;
    thing->ns = NAMESPACE_NONE;
    return thing;
}

static void thing_begin(uint64_t *began, bool is_so, const struct record *r)
{
    if (!is_so)
        *began = 0;
    else if (*began == 0)
        *began = r->seq;
}

/* After a change: is key and thing at odds; forget it when neither is there. */
static void thing_changed(struct ledger *self, struct ledger_thing *thing,
                          const struct record *r)
{
    uint64_t orphan = thing->orphan_seq, missing = thing->missing_seq;
    if (thing->exists != 0)
        thing->by_stop = false;
    thing_begin(&thing->orphan_seq, thing->keys != 0 && thing->exists == 0, r);
    thing_begin(&thing->missing_seq, thing->is_wanted && thing->keys == 0 && thing->exists != 0,
                r);
    if (thing->orphan_seq != orphan || thing->missing_seq != missing)
        ledger_changed_add(self, thing);
    if (thing->exists == 0 && thing->keys == 0)
        table_remove(&self->things, thing->name, 0);
}

static void endpoint_update(struct ledger *self, node_id node, const struct record *r)
{
    const struct ledger_node *n = &self->nodes[node];
    if (n->kind != NODE_SCHEDULER && n->kind != NODE_INVOKER)
        return;
    struct ledger_thing *thing = thing_take(self, THING_ENDPOINT, node);
    thing->node = node;
    if (thing->key.family == KEY_NONE)
        thing->key = (struct key){
            .family = n->kind == NODE_SCHEDULER ? KEY_SCHEDULER : KEY_INVOKERS, .node = node};
    if (thing->exists != 0 && !n->up)
        thing->by_stop = true;
    thing->exists = n->up;
    thing->is_wanted = n->up && n->listening && !n->disabled && !n->stopping;
    thing_changed(self, thing, r);
}

/* The queues of one action, over all schedulers. */
static void queue_update(struct ledger *self, namespace_id ns, action_id action, bool stopped,
                         const struct record *r)
{
    struct ledger_thing *thing =
        thing_take(self, THING_QUEUE, (uint32_t)ns << 16 | (uint32_t)action);
    uint32_t before = thing->exists;
    thing->ns = ns;
    thing->action = action;
    if (thing->key.family == KEY_NONE)
        thing->key = (struct key){.family = KEY_QUEUE, .ns = ns, .action = action};
    thing->exists = 0;
    thing->is_wanted = false;
    for (uint32_t i = 0; i < self->cluster->counts[NODE_SCHEDULER]; i++) {
        node_id node = cluster_node(self->cluster, NODE_SCHEDULER, i);
        const struct ledger_queue *q =
            table_find(&self->queues, node, (uint32_t)ns << 16 | (uint32_t)action);
        if (q == NULL)
            continue;
        thing->exists += q->count;
        thing->is_wanted |= !q->is_leaving && !self->nodes[node].disabled;
    }
    if (before != 0 && thing->exists == 0)
        thing->by_stop = stopped;
    thing_changed(self, thing, r);
}

/* What an invoker accounts: paused containers count as free (its pool's own rule,
 * FunctionPullingContainerPool.scala:515-522), and one on its way out is not the pool's. */
static void container_hold(struct ledger *self, struct ledger_thing *thing,
                           const struct record *r)
{
    struct ledger_node *node = &self->nodes[thing->node];
    bool holds = thing->exists != 0 && !thing->is_paused && !thing->is_leaving &&
                 thing->action != ACTION_NONE;
    uint32_t memory = holds ? cluster_action_memory(self->cluster, thing->action) : 0;
    if (thing->action < self->cluster->action_count)
        node->memory_held += memory - thing->memory_held;
    else
        node->memory_system += memory - thing->memory_held;
    thing->memory_held = memory;
    node->memory_at = r->at;
}

void ledger_on_permits(struct ledger *self, const struct record *r)
{
    struct ledger_node *node = &self->nodes[r->node];
    if (r->detail != PERMITS_MEMORY)
        return;
    node->memory_free = (uint32_t)r->value;
    node->memory_total = (uint32_t)r->value2;
    node->memory_seq = r->seq;
}

void ledger_on_queue(struct ledger *self, const struct record *r)
{
    uint64_t a = r->node, b = (uint32_t)r->ns << 16 | (uint32_t)r->action;
    struct ledger_queue *q = table_find(&self->queues, a, b);
    if (r->kind == RECORD_QUEUE_MADE) {
        if (q == NULL)
            q = table_add(&self->queues, a, b);
        *q = (struct ledger_queue){.a = a,
                                   .b = b,
                                   .count = q->count + 1,
                                   .node = r->node,
                                   .action = r->action,
                                   .ns = r->ns,
                                   .since = r->at};
    } else if (q == NULL)
        return;
    else if (--q->count == 0)
        table_remove(&self->queues, a, b);
    queue_update(self, r->ns, r->action, false, r);
}

static void queue_on_state(struct ledger *self, const struct record *r)
{
    const char *to = fsm_state_name(FSM_QUEUE, (unsigned)r->value2);
    bool is_leaving = strcmp(to, "Removing") == 0 || strcmp(to, "Removed") == 0;
    for (uint32_t i = 0; i < self->queues.item_used; i++) {
        struct ledger_queue *q = table_at(&self->queues, i);
        if (q == NULL || q->node != r->node || q->action != r->action ||
            (r->ns != NAMESPACE_NONE && q->ns != r->ns) || q->is_leaving == is_leaving)
            continue;
        q->is_leaving = is_leaving;
        queue_update(self, q->ns, q->action, false, r);
    }
}

void ledger_on_state(struct ledger *self, const struct record *r)
{
    if (r->detail == FSM_QUEUE)
        queue_on_state(self, r);
    else if (r->detail == FSM_HEALTH)
        self->nodes[r->node].healthy =
            strcmp(fsm_state_name(FSM_HEALTH, (unsigned)r->value2), "Healthy") == 0;
    else if (r->detail == FSM_PROXY && r->container != 0 &&
             strcmp(fsm_state_name(FSM_PROXY, (unsigned)r->value2), "Removing") == 0) {
        struct ledger_thing *thing =
            table_find(&self->things, THING_NAME(THING_CONTAINER, r->container), 0);
        if (thing == NULL)
            return;
        thing->is_wanted = false;
        thing->is_leaving = true;
        container_hold(self, thing, r);
        thing_changed(self, thing, r);
    }
}

void ledger_on_container(struct ledger *self, const struct record *r)
{
    if (r->container == 0)
        return;
    struct ledger_thing *thing = thing_take(self, THING_CONTAINER, r->container);
    uint32_t before = thing->exists;
    thing->container = r->container;
    thing->node = r->node;
    thing->exists = r->kind != RECORD_CONTAINER_GONE;
    if (r->kind == RECORD_CONTAINER_MADE || thing->ns == NAMESPACE_NONE) {
        thing->action = r->action;
        thing->ns = r->ns;
        thing->key = (struct key){.family = KEY_EXISTING,
                                  .ns = r->ns,
                                  .action = r->action,
                                  .node = r->node,
                                  .id = r->container};
    }
    if (r->kind == RECORD_CONTAINER_USED || r->kind == RECORD_CONTAINER_PAUSED)
        thing->is_wanted = !self->nodes[r->node].disabled;
    else if (r->kind == RECORD_CONTAINER_GONE) {
        thing->is_wanted = false;
        if (before != 0 && self->nodes[r->node].stopping)
            thing->by_stop = true; /* the process removes its containers when asked to stop */
    }
    if (before != thing->exists)
        limits_container(self->limits, r->at, thing->ns, thing->action, thing->exists != 0);
    thing->is_paused = r->kind == RECORD_CONTAINER_PAUSED;
    thing->is_leaving = thing->is_leaving && before != 0;
    container_hold(self, thing, r);
    thing_changed(self, thing, r);
}

/* The thing that a key names, or NULL: a key that names none. */
static struct ledger_thing *thing_of_key(struct ledger *self, const struct key *key)
{
    switch ((enum key_family)key->family) {
    case KEY_EXISTING:
    case KEY_WARMED: {
        struct ledger_thing *thing = thing_take(self, THING_CONTAINER, key->id);
        if (thing->exists == 0) {
            thing->container = key->id;
            thing->node = key->node;
            thing->action = key->action;
            thing->ns = key->ns;
        }
        return thing;
    }
    case KEY_QUEUE:
        return thing_take(self, THING_QUEUE, (uint32_t)key->ns << 16 | (uint32_t)key->action);
    case KEY_SCHEDULER:
    case KEY_INVOKERS:
        return thing_take(self, THING_ENDPOINT, key->node);
    case KEY_NONE:
    case KEY_IN_PROGRESS: /* names a creation */
    case KEY_INSTANCE:
    case KEY_THROTTLING:
    case KEY_RAW:
    case KEY_FAMILY_COUNT:
        return NULL;
    }
    return NULL;
}

void ledger_on_key(struct ledger *self, const struct record *r)
{
    const struct key *key = &r->key;
    bool is_put = r->kind == RECORD_KEY_PUT;
    if ((key->family == KEY_SCHEDULER || key->family == KEY_INVOKERS) &&
        key->node < self->cluster->node_count)
        self->nodes[key->node].has_key = is_put;
    struct ledger_thing *thing = thing_of_key(self, key);
    if (thing == NULL)
        return;
    unsigned bit = key->family == KEY_WARMED ? KEY_BIT_WARMED : KEY_BIT_OWN;
    thing->keys = (uint8_t)(is_put ? thing->keys | bit : thing->keys & ~bit);
    if (is_put) {
        thing->key = *key;
        if (thing->kind == THING_QUEUE) {
            thing->ns = key->ns;
            thing->action = key->action;
        } else if (thing->kind == THING_ENDPOINT)
            thing->node = key->node;
    }
    thing_changed(self, thing, r);
}

void ledger_on_creation(struct ledger *self, const struct record *r)
{
    if (r->creation == 0)
        return;
    struct ledger_creation *creation = table_find(&self->creations, r->creation, 0);
    if (r->kind == RECORD_CREATION_ORDERED && creation == NULL) {
        creation = table_add(&self->creations, r->creation, 0);
        *creation = (struct ledger_creation){.id = r->creation, .node = r->node};
    } else if (r->kind == RECORD_CREATION_DONE && creation != NULL)
        table_remove(&self->creations, r->creation, 0);
}

/* Containers of an invoker that stopped or was disabled or enabled. */
static void ledger_node_containers(struct ledger *self, const struct record *r)
{
    bool is_stop = r->kind == RECORD_NODE_STOPPED;
    for (uint32_t i = 0; i < self->things.item_used; i++) {
        struct ledger_thing *thing = table_at(&self->things, i);
        if (thing == NULL || thing->kind != THING_CONTAINER || thing->node != r->node)
            continue;
        if (thing->exists == 0 && (!is_stop || !thing->by_stop))
            continue;
        if (is_stop && thing->exists == 0)
            thing->orphan_seq = 0; /* gone while it was stopping: counted from now */
        else if (is_stop) {
            thing->exists = 0;
            thing->by_stop = true;
            container_hold(self, thing, r);
            limits_container(self->limits, r->at, thing->ns, thing->action, false);
        }
        thing->is_wanted = false; /* after an enable: from its next use */
        thing_changed(self, thing, r);
    }
}

static void ledger_node_queues(struct ledger *self, const struct record *r)
{
    for (uint32_t i = 0; i < self->queues.item_used; i++) {
        struct ledger_queue *q = table_at(&self->queues, i);
        if (q == NULL || q->node != r->node)
            continue;
        namespace_id ns = q->ns;
        action_id action = q->action;
        bool is_stop = r->kind == RECORD_NODE_STOPPED;
        if (is_stop)
            table_remove(&self->queues, q->a, q->b);
        queue_update(self, ns, action, is_stop, r);
    }
    for (uint32_t i = 0; r->kind == RECORD_NODE_STOPPED && i < self->creations.item_used; i++) {
        struct ledger_creation *creation = table_at(&self->creations, i);
        if (creation != NULL && creation->node == r->node)
            table_remove(&self->creations, creation->id, 0);
    }
}

static void ledger_edge_changed(struct ledger *self, const struct record *r)
{
    if (r->peer >= self->cluster->node_count)
        return;
    self->nodes[r->peer].in_file = r->value != 0;
    if (r->outcome == OUTCOME_OK) /* else nginx runs on with the list it has */
        self->nodes[r->peer].in_edge = r->value != 0;
}

void ledger_on_node(struct ledger *self, const struct record *r)
{
    if (r->kind == RECORD_EDGE_CHANGED) {
        ledger_edge_changed(self, r);
        return;
    }
    ASSERT_OP(r->node, <, self->cluster->node_count);
    struct ledger_node *node = &self->nodes[r->node];
    if (r->kind == RECORD_NODE_STARTED || r->kind == RECORD_NODE_STOPPED) {
        node->up = r->kind == RECORD_NODE_STARTED;
        node->listening = node->disabled = node->stopping = false;
        node->memory_total = 0; /* no claim yet */
        if (node->up) /* its key says `up` until the lease ends or the successor writes it */
            node->healthy = false;
    } else if (r->kind == RECORD_NODE_LISTENING) {
        node->listening_at = node->listening ? node->listening_at : r->at;
        node->up = node->listening = true;
    } else if (r->kind == RECORD_NODE_STOPPING)
        node->stopping = true;
    else if (r->kind == RECORD_NODE_DISABLED || r->kind == RECORD_NODE_ENABLED)
        node->disabled = r->kind == RECORD_NODE_DISABLED;
    if (r->kind == RECORD_NODE_STOPPED)
        ledger_stop_activations(self, r);
    bool is_change = r->kind == RECORD_NODE_STOPPED || r->kind == RECORD_NODE_DISABLED ||
                     r->kind == RECORD_NODE_ENABLED;
    if (is_change && node->kind == NODE_INVOKER)
        ledger_node_containers(self, r);
    if (is_change && node->kind == NODE_SCHEDULER)
        ledger_node_queues(self, r);
    endpoint_update(self, r->node, r);
}

const struct ledger_thing *ledger_container(const struct ledger *self, uint32_t container)
{
    return table_find(&self->things, THING_NAME(THING_CONTAINER, container), 0);
}

static const struct ledger_queue *queue_that_serves(const struct ledger *self, node_id node,
                                                    namespace_id ns, action_id action)
{
    const struct ledger_queue *q =
        table_find(&self->queues, node, (uint32_t)ns << 16 | (uint32_t)action);
    return q != NULL && !q->is_leaving ? q : NULL;
}

bool ledger_queue_serves(const struct ledger *self, node_id scheduler, namespace_id ns,
                         action_id action)
{
    return queue_that_serves(self, scheduler, ns, action) != NULL;
}

tstamp ledger_queue_since(const struct ledger *self, node_id scheduler, namespace_id ns,
                          action_id action)
{
    const struct ledger_queue *q = queue_that_serves(self, scheduler, ns, action);
    return q == NULL ? TSTAMP_NEVER : q->since;
}

uint32_t ledger_changed_count(const struct ledger *self)
{
    return self->changed_count;
}

const struct ledger_thing *ledger_changed(const struct ledger *self, uint32_t index)
{
    ASSERT_OP(index, <, self->changed_count);
    return table_find(&self->things, self->changed[index], 0);
}

const struct ledger_thing *ledger_thing(const struct ledger *self, uint64_t name)
{
    return table_find(&self->things, name, 0);
}
