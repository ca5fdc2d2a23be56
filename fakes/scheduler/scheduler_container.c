/*
 * scheduler_container.c - ContainerManager: warmed containers and who reserved them, messages
 * to invokers, warm-ups, deletion of containers of old revisions. The choice of an invoker is
 * in scheduler_place.c. Source: ContainerManager.scala:80-142, 209-324, 350-394 at 1fae641a2.
 */
#include "scheduler/scheduler_internal.h"
#include <string.h>

#define WATCH_CONTAINERS 0x303u

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

/* What an earlier attempt of the creation reserved counts as anybody's, and then gives way. */
node_id container_reserve(struct scheduler *self, const struct post_create *create, uint32_t id)
{
    const struct key *key = warmed_find(self, create);
    if (key == NULL)
        return NODE_NONE;
    reservation_put(self, id, key);
    return key->node;
}

/* ---- sending ---- */

void container_send(struct scheduler *self, struct effects *fx, actor_id actor,
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
void container_fail(struct scheduler *self, struct effects *fx, actor_id actor,
                    const struct post_create *create, uint32_t id, enum creation_error error)
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
void container_warm_up(struct scheduler *self, struct effects *fx, node_id invoker)
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

/* ---- containers of old revisions (ContainerManager.scala:209-237) ---- */

static void deletion_send(struct scheduler *self, struct effects *fx, const struct call *call)
{
    const struct cluster *cluster = self->env->cluster;
    for (uint32_t index = 0; index < cluster->counts[NODE_INVOKER]; index++) {
        if (!call->marks[index])
            continue;
        struct entry entry = {.kind = ENTRY_CREATION, .cause = fx->cause};
        entry.u.creation =
            (struct creation){.action = call->u.create.action,
                              .ns = call->u.create.ns,
                              .revision = call->u.create.revision,
                              .scheduler = NODE_NONE,
                              .invoker = cluster_node(cluster, NODE_INVOKER, index),
                              .deletion = 1};
        scheduler_produce(self, fx, TOPIC(TOPIC_INVOKER, index), &entry);
    }
}

static void deletion_end(struct scheduler *self, struct call *call)
{
    arena_release(self->env->arena, call->marks);
    call->marks = NULL;
    call_release(self, call);
}

/* Newer revisions are left out only as long as nothing else came: dropWhile. */
static void deletion_mark(struct scheduler *self, struct call *call, const struct message *m)
{
    const struct cluster *cluster = self->env->cluster;
    const struct etcd_kv *kvs = blob_bytes(self->env->arena, m->u.etcd_done.kvs);
    for (uint32_t i = 0; i < m->u.etcd_done.count; i++) {
        const struct key *key = &kvs[i].key;
        if (!call->is_past && key->revision > call->u.create.revision)
            continue;
        call->is_past = true;
        if (key->node < cluster->node_count && cluster_kind(cluster, key->node) == NODE_INVOKER)
            call->marks[cluster->nodes[key->node].index] = 1;
    }
}

static void deletion_ask(struct scheduler *self, struct effects *fx, struct call *call,
                         enum key_family family)
{
    struct key prefix = {
        .family = (uint16_t)family, .ns = call->u.create.ns, .action = call->u.create.action};
    call->family = (uint8_t)family;
    call_range(self, fx, call, RANGE_PREFIX, &prefix, 3);
}

/* Its running containers, then its warmed ones; a listing that fails ends it. */
void container_on_old(struct scheduler *self, struct call *call, const struct message *m,
                      struct effects *fx)
{
    ASSERT_OP(call->kind, ==, CALL_DELETE);
    fx->cause = call->cause;
    if (m == NULL) {
        deletion_end(self, call);
        return;
    }
    if (m->u.etcd_done.count > 0)
        deletion_mark(self, call, m);
    if (call->family == KEY_EXISTING) {
        deletion_ask(self, fx, call, KEY_WARMED);
        return;
    }
    deletion_send(self, fx, call);
    deletion_end(self, call);
}

static void container_on_deletion(struct scheduler *self, const struct message *m,
                                  struct effects *fx)
{
    const struct machine_env *env = self->env;
    struct call *call = call_new(self, CALL_DELETE);
    if (call == NULL) {
        effects_reject(fx, ACTOR_CONTAINERS_ID, m);
        return;
    }
    call->u.create = *MESSAGE_LOCAL_CONST(m, struct post_create);
    call->marks = arena_alloc(env->arena, env->node, env->cluster->counts[NODE_INVOKER] + 1);
    deletion_ask(self, fx, call, KEY_EXISTING);
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
    case POST_DELETE:
        container_on_deletion(self, m, fx);
        break;
    default:
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
