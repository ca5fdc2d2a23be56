/*
 * scheduler_container.c - ContainerManager: chooses an invoker for each creation.
 *
 * Placement runs in the callback of an etcd listing. Of its misfeatures these are behaviour:
 * a batch sees only its latest choice deducted; a second warmed container on an invoker that
 * has just left the list ends the callback, and the cold part of the batch with it; a
 * reservation stays when its creation ends up nowhere.
 * Source: ContainerManager.scala:86-207, 311-578 at 1fae641a2.
 */
#include "scheduler/scheduler_internal.h"
#include <string.h>

#define WATCH_CONTAINERS 0x303u
#define MEMORY_MIN_MB 128u
#define PPM 1000000.0

static const struct key warmed_prefix = {.family = KEY_WARMED};
static const struct key invokers_prefix = {.family = KEY_INVOKERS};

void container_start(struct scheduler *self, struct effects *fx)
{
    const struct machine_env *env = self->env;
    watcher_watch(fx, ACTOR_CONTAINERS_ID, &warmed_prefix, 1, WATCH_CONTAINERS, true, true);
    watcher_watch(fx, ACTOR_CONTAINERS_ID, &invokers_prefix, 1, WATCH_CONTAINERS, true, true);
    size_t size = env->cluster->counts[NODE_INVOKER] + 1;
    self->containers.warmed_up = arena_alloc(env->arena, env->node, size);
    struct call *call = call_new(self, CALL_WARM_UP);
    ASSERT(call != NULL);
    call_range(self, fx, call, RANGE_PREFIX, &invokers_prefix, 1);
}

/* ---- warmed containers and their reservations ---- */

static uint32_t warmed_place(const struct scheduler *self, const struct key *key)
{
    const struct containers *containers = &self->containers;
    uint32_t low = 0, high = containers->warmed_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (key_compare(self->env->cluster, &containers->warmed[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void warmed_change(struct scheduler *self, const struct key *key, bool add)
{
    struct containers *c = &self->containers;
    uint32_t place = warmed_place(self, key);
    bool has = place < c->warmed_count && key_equal(&c->warmed[place], key);
    if (has == add)
        return;
    ASSERT_OP(c->warmed_count, <=, c->warmed_max);
    if (add && c->warmed_count == c->warmed_max) {
        c->warmed_max = c->warmed_max == 0 ? 16 : c->warmed_max * 2;
        c->warmed = arena_grow(self->env->arena, self->env->node, c->warmed,
                               c->warmed_max * sizeof *c->warmed);
    }
    struct key *at = c->warmed + place;
    if (add) {
        memmove(at + 1, at, (c->warmed_count - place) * sizeof *at);
        *at = *key;
        c->warmed_count++;
    } else {
        memmove(at, at + 1, (c->warmed_count - place - 1) * sizeof *at);
        c->warmed_count--;
    }
}

static bool reservation_has(const struct containers *c, const struct key *key)
{
    for (uint32_t i = 0; i < c->reservation_count; i++) {
        if (key_equal(&c->reservations[i].key, key))
            return true;
    }
    return false;
}

static void reservation_put(struct scheduler *self, uint32_t creation, const struct key *key)
{
    struct containers *c = &self->containers;
    uint32_t i = 0;
    while (i < c->reservation_count && c->reservations[i].creation != creation)
        i++;
    if (i == c->reservation_max) {
        c->reservation_max = c->reservation_max == 0 ? 16 : c->reservation_max * 2;
        c->reservations = arena_grow(self->env->arena, self->env->node, c->reservations,
                                     c->reservation_max * sizeof *c->reservations);
    }
    if (i == c->reservation_count)
        c->reservation_count++;
    c->reservations[i] = (struct reservation){.creation = creation, .key = *key};
}

static void reservation_remove(struct containers *c, uint32_t creation)
{
    for (uint32_t i = 0; i < c->reservation_count; i++) {
        if (c->reservations[i].creation != creation)
            continue;
        memmove(c->reservations + i, c->reservations + i + 1,
                (c->reservation_count - i - 1) * sizeof *c->reservations);
        c->reservation_count--;
        return;
    }
}

/* The first warmed container of the action's revision that nobody reserved, or NULL. */
static const struct key *warmed_find(const struct scheduler *self,
                                     const struct post_create *create)
{
    const struct containers *c = &self->containers;
    struct key prefix = {.family = KEY_WARMED,
                         .ns = create->ns,
                         .action = create->action,
                         .revision = create->revision};
    for (uint32_t i = 0; i < c->warmed_count; i++) {
        if (key_has_prefix(&c->warmed[i], &prefix, 4) && !reservation_has(c, &c->warmed[i]))
            return &c->warmed[i];
    }
    return NULL;
}

/* ---- sending ---- */

static void container_send(struct scheduler *self, struct effects *fx, actor_id actor,
                           const struct post_create *create, uint32_t id, node_id invoker)
{
    struct message *m = effects_post(fx, actor, ACTOR_JOBS_ID, POST_REGISTER_JOB);
    struct post_create *job = MESSAGE_LOCAL(m, struct post_create);
    *job = *create;
    ASSERT(id - create->first < create->count);
    job->first = id;
    job->count = 1;
    struct record *r = effects_record(fx, RECORD_CREATION_SENT, actor);
    r->creation = id;
    r->action = create->action;
    r->ns = create->ns;
    r->peer = invoker;
    r->value = create->retry;
    struct entry entry = {.kind = ENTRY_CREATION, .cause = fx->cause};
    entry.u.creation = (struct creation){.id = id,
                                         .revision = create->revision,
                                         .action = create->action,
                                         .ns = create->ns,
                                         .scheduler = self->env->node,
                                         .invoker = invoker,
                                         .retry = (uint8_t)create->retry};
    uint32_t index = self->env->cluster->nodes[invoker].index;
    scheduler_produce(self, fx, TOPIC(TOPIC_INVOKER, index), &entry);
}

/* Straight to the queue, if it is in the pool and leads; no job, no key. */
static void container_fail(struct scheduler *self, struct effects *fx, actor_id actor,
                           const struct post_create *create, uint32_t id,
                           enum creation_error error)
{
    if (job_find(self, id) == NULL) { /* else its timer still closes it */
        struct record *r = effects_record(fx, RECORD_CREATION_DONE, actor);
        r->creation = id;
        r->action = create->action;
        r->ns = create->ns;
        r->detail = (uint8_t)error;
        r->outcome = OUTCOME_FAILED;
    }
    actor_id queue = pool_leader(self, create->ns, create->action, create->revision);
    if (queue == 0)
        return;
    struct message *m = effects_post(fx, actor, queue, POST_JOB_FAILED);
    *MESSAGE_LOCAL(m, struct post_job) = (struct post_job){.creation = id,
                                                           .revision = create->revision,
                                                           .action = create->action,
                                                           .ns = create->ns,
                                                           .error = (uint8_t)error};
}

/* Once, as long as its key is there (warmedInvokers, ContainerManager.scala:116-131, 311). */
static void container_warm_up(struct scheduler *self, struct effects *fx, node_id invoker)
{
    const struct cluster *cluster = self->env->cluster;
    if (invoker >= cluster->node_count || cluster_kind(cluster, invoker) != NODE_INVOKER)
        return;
    uint32_t index = cluster->nodes[invoker].index;
    if (self->containers.warmed_up[index])
        return;
    struct entry entry = {.kind = ENTRY_WARM_UP, .cause = fx->cause};
    entry.u.creation = (struct creation){.action = ACTION_WARM_UP,
                                         .ns = NAMESPACE_SYSTEM,
                                         .scheduler = self->env->node,
                                         .invoker = invoker};
    self->containers.warmed_up[index] = 1;
    scheduler_produce(self, fx, TOPIC(TOPIC_INVOKER, index), &entry);
}

/* ---- placement ---- */

struct placement { /* one batch */
    struct scheduler *self;
    struct effects *fx;
    actor_id actor;
    struct post_create create;
    struct candidate *list;
    uint32_t count;
    uint32_t memory;
    uint32_t cause; /* of every creation of it */
};

bool candidates_deduct(struct candidate *list, uint32_t *count, node_id node, uint32_t memory)
{
    uint32_t i = 0;
    while (i < *count && list[i].node != node)
        i++;
    if (i == *count)
        return false;
    list[i].free_mb = list[i].free_mb > memory ? list[i].free_mb - memory : 0;
    if (list[i].free_mb < MEMORY_MIN_MB) {
        memmove(list + i, list + i + 1, (*count - i - 1) * sizeof *list);
        (*count)--;
    }
    return true;
}

/* Up, and with enough memory; in the listing's order (ContainerManager.scala:591-625). */
static uint32_t placement_candidates(const struct message *m, const struct etcd_kv *kvs,
                                     uint32_t memory, struct candidate *list)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->u.etcd_done.count; i++) {
        const struct value *value = &kvs[i].value;
        if (value->kind == VALUE_INVOKER && value->status == INVOKER_UP && value->a >= memory)
            list[count++] = (struct candidate){.node = kvs[i].key.node, .free_mb = value->a};
    }
    return count;
}

static bool placement_has(const struct placement *p, node_id node)
{
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->list[i].node == node)
            return true;
    }
    return false;
}

static void placement_send(const struct placement *p, uint32_t i, node_id invoker)
{
    p->fx->cause = p->cause;
    container_send(p->self, p->fx, p->actor, &p->create, p->create.first + i, invoker);
}

static void placement_fail(const struct placement *p, uint32_t i)
{
    p->fx->cause = p->cause;
    container_fail(p->self, p->fx, p->actor, &p->create, p->create.first + i,
                   CREATION_NO_AVAILABLE_INVOKERS);
}

/* Where the warmed container of each creation is; NODE_NONE: it is a cold one. */
static void placement_reserve(struct placement *p, node_id *chosen)
{
    for (uint32_t i = 0; i < p->create.count; i++) {
        const struct key *key = warmed_find(p->self, &p->create);
        chosen[i] = NODE_NONE;
        if (key == NULL)
            continue;
        struct key warmed = *key;
        reservation_put(p->self, p->create.first + i, &warmed);
        if (placement_has(p, warmed.node))
            chosen[i] = warmed.node;
    }
}

/* ContainerManager.scala:177-186; false: an exception ended the callback. */
static bool placement_send_warmed(struct placement *p, const node_id *chosen)
{
    for (uint32_t i = 0; i < p->create.count; i++) {
        if (chosen[i] != NODE_NONE)
            placement_send(p, i, chosen[i]);
    }
    for (uint32_t i = 0; i < p->create.count; i++) {
        if (chosen[i] != NODE_NONE &&
            !candidates_deduct(p->list, &p->count, chosen[i], p->memory))
            return false;
    }
    return true;
}

/* A random one of the pool's members that have the memory; NODE_NONE: none has. */
static node_id placement_choose(const struct placement *p, const struct candidate *list,
                                uint32_t count, uint32_t managed, uint32_t id)
{
    uint32_t fitting = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < managed; j++)
            fitting += p->list[j].node == list[i].node && list[i].free_mb >= p->memory;
    }
    if (fitting == 0)
        return NODE_NONE;
    uint64_t pick =
        draw_below(p->self->env->draws, PURPOSE_PICK_INVOKER, id, p->create.retry, fitting);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < managed; j++) {
            if (p->list[j].node != list[i].node || list[i].free_mb < p->memory)
                continue;
            if (pick-- == 0)
                return list[i].node;
        }
    }
    return NODE_NONE;
}

/* ContainerManager.scala:441-557: each choice sees the list of before, less the latest one; a
 * message that finds nobody takes nothing away, and the next sees the whole list again. */
static void placement_send_cold(struct placement *p, const node_id *warmed, node_id *chosen,
                                struct candidate *list)
{
    double share = (double)p->self->config->managed_fraction / PPM;
    int32_t managed = ceil_int((double)p->count * share);
    uint32_t pool = managed < 1 ? 1 : (uint32_t)managed;
    if (pool > p->count)
        pool = p->count;
    uint32_t count = p->count;
    memcpy(list, p->list, count * sizeof *list);
    for (uint32_t i = 0; i < p->create.count; i++) {
        if (warmed[i] != NODE_NONE)
            continue;
        chosen[i] = placement_choose(p, list, count, pool, p->create.first + i);
        count = p->count;
        memcpy(list, p->list, count * sizeof *list);
        if (chosen[i] != NODE_NONE)
            candidates_deduct(list, &count, chosen[i], p->memory);
    }
    for (uint32_t i = p->create.count; i > 0; i--) { /* the list was built from its end */
        if (warmed[i - 1] != NODE_NONE)
            continue;
        if (chosen[i - 1] != NODE_NONE)
            placement_send(p, i - 1, chosen[i - 1]);
        else
            placement_fail(p, i - 1);
    }
}

static void placement_run(struct placement *p)
{
    const struct machine_env *env = p->self->env;
    ASSERT_OP(p->create.count, >, 0);
    if (p->count == 0) {
        for (uint32_t i = 0; i < p->create.count; i++)
            placement_fail(p, i);
        return;
    }
    size_t size = p->create.count * sizeof(node_id);
    node_id *warmed = arena_alloc(env->arena, env->node, size);
    node_id *chosen = arena_alloc(env->arena, env->node, size);
    struct candidate *list = arena_alloc(env->arena, env->node, p->count * sizeof *list);
    placement_reserve(p, warmed);
    if (placement_send_warmed(p, warmed))
        placement_send_cold(p, warmed, chosen, list);
    arena_release(env->arena, list);
    arena_release(env->arena, chosen);
    arena_release(env->arena, warmed);
}

/* m NULL: a listing that failed counts as one without invokers. */
void container_on_listing(struct scheduler *self, struct call *call, const struct message *m,
                          struct effects *fx)
{
    const struct machine_env *env = self->env;
    ASSERT(call->kind == CALL_PLACE || call->kind == CALL_WARM_UP);
    struct placement p = {.self = self,
                          .fx = fx,
                          .actor = call->actor,
                          .create = call->u.create,
                          .cause = fx->cause};
    bool is_warm_up = call->kind == CALL_WARM_UP;
    call_release(self, call);
    const struct etcd_kv *kvs = NULL;
    p.memory =
        is_warm_up ? MEMORY_MIN_MB : cluster_action_memory(env->cluster, p.create.action);
    if (m != NULL && m->u.etcd_done.count > 0) {
        kvs = blob_bytes(env->arena, m->u.etcd_done.kvs);
        ASSERT_OP(blob_size(env->arena, m->u.etcd_done.kvs), >=,
                  m->u.etcd_done.count * sizeof *kvs);
        p.list = arena_alloc(env->arena, env->node, m->u.etcd_done.count * sizeof *p.list);
        p.count = placement_candidates(m, kvs, p.memory, p.list);
    }
    if (is_warm_up) {
        for (uint32_t i = 0; i < p.count; i++)
            container_warm_up(self, fx, p.list[i].node);
    } else {
        placement_run(&p);
    }
    arena_release(env->arena, p.list);
}

/* ---- mailbox ---- */

static void container_on_creation(struct scheduler *self, const struct message *m,
                                  struct effects *fx)
{
    struct call *call = call_new(self, CALL_PLACE);
    if (call == NULL) {
        effects_reject(fx, ACTOR_CONTAINERS_ID, m);
        return;
    }
    call->u.create = *MESSAGE_LOCAL_CONST(m, struct post_create);
    call_range(self, fx, call, RANGE_PREFIX, &invokers_prefix, 1);
}

static void container_on_watched(struct scheduler *self, const struct message *m,
                                 struct effects *fx)
{
    const struct key *key = &MESSAGE_LOCAL_CONST(m, struct post_watched)->key;
    const struct cluster *cluster = self->env->cluster;
    bool is_put = m->what == POST_INSERTED;
    if (key->family == KEY_WARMED) {
        watcher_believes(fx, ACTOR_CONTAINERS_ID, key, is_put, NODE_NONE);
        warmed_change(self, key, is_put);
    } else if (key->family == KEY_INVOKERS && key->node < cluster->node_count &&
               cluster_kind(cluster, key->node) == NODE_INVOKER) {
        if (is_put) /* whatever its status says */
            container_warm_up(self, fx, key->node);
        else
            self->containers.warmed_up[cluster->nodes[key->node].index] = 0;
    } else {
        effects_reject(fx, ACTOR_CONTAINERS_ID, m);
    }
}

void container_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    switch (m->what) {
    case POST_CREATE:
    case POST_RESCHEDULE:
        container_on_creation(self, m, fx);
        break;
    case POST_JOB_SUCCEEDED:
    case POST_JOB_FAILED:
        reservation_remove(&self->containers,
                           MESSAGE_LOCAL_CONST(m, struct post_job)->creation);
        break;
    case POST_INSERTED:
    case POST_REMOVED:
        container_on_watched(self, m, fx);
        break;
    case POST_GRACEFUL_SHUTDOWN:
        watcher_unwatch(fx, ACTOR_CONTAINERS_ID, &warmed_prefix, 1, WATCH_CONTAINERS, false);
        watcher_unwatch(fx, ACTOR_CONTAINERS_ID, &invokers_prefix, 1, WATCH_CONTAINERS, false);
        effects_post(fx, ACTOR_CONTAINERS_ID, ACTOR_JOBS_ID, POST_GRACEFUL_SHUTDOWN);
        break;
    default: /* POST_DELETE: only an update of an action sends it */
        effects_reject(fx, ACTOR_CONTAINERS_ID, m);
    }
}

void container_digest(const struct scheduler *self, struct digest *d)
{
    const struct containers *c = &self->containers;
    for (uint32_t i = 0; i < c->warmed_count; i++)
        digest_word(d, key_hash(&c->warmed[i]));
    for (uint32_t i = 0; i < c->reservation_count; i++)
        digest_two(d, c->reservations[i].creation, key_hash(&c->reservations[i].key));
    for (uint32_t i = 0; i < self->env->cluster->counts[NODE_INVOKER]; i++)
        digest_word(d, c->warmed_up[i]);
}
