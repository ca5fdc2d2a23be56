/*
 * scheduler_place.c - placement: which invoker makes each container of a batch.
 *
 * It runs in the callback of an etcd listing, and no other one comes in between. Of its
 * misfeatures these are behaviour: a batch sees only its latest choice deducted; a second
 * warmed container on an invoker that has just left the list ends the callback, and the cold
 * part of the batch with it; a reservation stays when its creation ends up nowhere. Source:
 * ContainerManager.scala:142-207, 328-625 at 1fae641a2.
 */
#include "scheduler/scheduler_internal.h"
#include <string.h>

#define MEMORY_MIN_MB 128u
#define PPM 1000000.0

struct candidate { /* an usable invoker of the listing */
    node_id node;
    uint32_t free_mb;
    uint32_t tags;
    bool in_pool; /* untagged, and of the action's pool: managed or blackbox */
};

struct placement { /* one batch */
    struct scheduler *self;
    struct effects *fx;
    actor_id actor;
    struct post_create create;
    struct candidate *list;
    uint32_t count;
    uint32_t memory;
    uint32_t resources; /* tags that the action wants */
    bool is_strict, is_blackbox;
    uint32_t cause; /* of every creation of it */
};

struct choice {
    node_id node;  /* NODE_NONE: see error */
    uint8_t error; /* enum creation_error */
};

/* Which of the candidates are looked at. */
enum group { GROUP_POOL, GROUP_TAGGED, GROUP_WITH_RESOURCES, GROUP_UNTAGGED };

static bool group_has(const struct placement *p, enum group group, const struct candidate *c)
{
    switch (group) {
    case GROUP_POOL: /* looks at the memory at once, the others only when they choose */
        return c->in_pool && c->free_mb >= p->memory;
    case GROUP_TAGGED:
        return c->tags != 0;
    case GROUP_WITH_RESOURCES:
        return (p->resources & ~c->tags) == 0;
    case GROUP_UNTAGGED:
        return c->tags == 0;
    }
    ASSERT_OP(group, <=, GROUP_UNTAGGED);
    return false;
}

static uint32_t group_count(const struct placement *p, enum group group,
                            const struct candidate *list, uint32_t count)
{
    uint32_t members = 0;
    for (uint32_t i = 0; i < count; i++)
        members += group_has(p, group, &list[i]);
    return members;
}

static bool group_fits(const struct placement *p, enum group group, const struct candidate *c)
{
    return group_has(p, group, c) && c->free_mb >= p->memory;
}

/*
 * chooseInvokerFromCandidates (ContainerManager.scala:559-578). Upstream draws among all and
 * throws away those that are too small: each of the others is as likely as any.
 */
static struct choice group_choose(const struct placement *p, enum group group,
                                  const struct candidate *list, uint32_t count, uint32_t id)
{
    uint32_t fitting = 0, i = 0;
    for (uint32_t n = 0; n < count; n++)
        fitting += group_fits(p, group, &list[n]);
    if (fitting == 0)
        return (struct choice){NODE_NONE, CREATION_NO_AVAILABLE_RESOURCE_INVOKERS};
    uint64_t pick =
        draw_below(p->self->env->draws, PURPOSE_PICK_INVOKER, id, p->create.retry, fitting);
    while (!group_fits(p, group, &list[i]) || pick-- > 0) {
        i++;
        ASSERT_OP(i, <, count);
    }
    return (struct choice){list[i].node, CREATION_NONE};
}

/* For an action without wishes: its pool, then whoever has tags (468-497). */
static struct choice choose_plain(const struct placement *p, const struct candidate *list,
                                  uint32_t count, uint32_t id)
{
    if (group_count(p, GROUP_POOL, list, count) > 0)
        return group_choose(p, GROUP_POOL, list, count, id);
    if (group_count(p, GROUP_TAGGED, list, count) > 0)
        return group_choose(p, GROUP_TAGGED, list, count, id);
    return (struct choice){NODE_NONE, CREATION_NO_AVAILABLE_INVOKERS};
}

/* For one that wants tags: who has them all; unless it is strict, those without tags, then
 * those with others (502-545). */
static struct choice choose_with_resources(const struct placement *p,
                                           const struct candidate *list, uint32_t count,
                                           uint32_t id)
{
    if (group_count(p, GROUP_WITH_RESOURCES, list, count) > 0)
        return group_choose(p, GROUP_WITH_RESOURCES, list, count, id);
    if (p->is_strict)
        return (struct choice){NODE_NONE, CREATION_NO_AVAILABLE_RESOURCE_INVOKERS};
    if (group_count(p, GROUP_UNTAGGED, list, count) > 0)
        return group_choose(p, GROUP_UNTAGGED, list, count, id);
    if (group_count(p, GROUP_TAGGED, list, count) > 0)
        return group_choose(p, GROUP_TAGGED, list, count, id);
    return (struct choice){NODE_NONE, CREATION_NO_AVAILABLE_INVOKERS};
}

/* ---- the list ---- */

/* updateInvokerMemory (396-416): an invoker left with less than the least leaves the list.
 * False: it is not in it. */
static bool candidates_deduct(struct candidate *list, uint32_t *count, node_id node,
                              uint32_t memory)
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

/* Up, with enough memory, and serving the namespace; in the listing's order (591-625). */
static uint32_t placement_candidates(const struct scheduler *self, const struct message *m,
                                     const struct etcd_kv *kvs, uint32_t memory,
                                     namespace_id ns, struct candidate *list)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->u.etcd_done.count; i++) {
        const struct value *value = &kvs[i].value;
        if (value->kind != VALUE_INVOKER || value->status != INVOKER_UP || value->a < memory)
            continue;
        const struct labels *labels = cluster_labels(self->env->cluster, value->node);
        if (ns != NAMESPACE_NONE && !labels_serve(labels, ns))
            continue;
        list[count++] = (struct candidate){
            .node = kvs[i].key.node, .free_mb = value->a, .tags = labels->tags};
    }
    return count;
}

static double share_of(uint64_t ppm)
{
    ASSERT_OP(ppm, <=, 1000000);
    return (double)ppm / PPM;
}

uint32_t placement_managed(const struct scheduler_config *config, uint32_t untagged)
{
    int32_t size = ceil_int((double)untagged * share_of(config->managed_fraction));
    return size < 1 ? 1 : (uint32_t)size;
}

uint32_t placement_blackbox(const struct scheduler_config *config, uint32_t untagged)
{
    double share = share_of(config->blackbox_fraction);
    double rest = 1.0 - share_of(config->managed_fraction);
    uint32_t size = (uint32_t)((double)untagged * (share < rest ? rest : share)); /* floor */
    return size < 1 ? 1 : size;
}

/* The first so many of the untagged, or for blackbox actions the last so many. */
static void placement_mark_pool(struct placement *p)
{
    const struct scheduler_config *config = p->self->config;
    uint32_t untagged = group_count(p, GROUP_UNTAGGED, p->list, p->count);
    uint32_t managed = placement_managed(config, untagged);
    uint32_t blackbox = placement_blackbox(config, untagged), rank = 0;
    uint32_t first = p->is_blackbox && blackbox < untagged ? untagged - blackbox : 0;
    uint32_t end = p->is_blackbox ? untagged : managed;
    for (uint32_t i = 0; i < p->count; i++) {
        if (p->list[i].tags != 0)
            continue;
        p->list[i].in_pool = rank >= first && rank < end;
        rank++;
    }
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

static void placement_fail(const struct placement *p, uint32_t i, uint8_t error)
{
    p->fx->cause = p->cause;
    container_fail(p->self, p->fx, p->actor, &p->create, p->create.first + i,
                   (enum creation_error)error);
}

/* ---- warmed and cold ones ---- */

/* Where the warmed container of each creation is; NODE_NONE: it is a cold one. */
static void placement_reserve(struct placement *p, node_id *chosen)
{
    for (uint32_t i = 0; i < p->create.count; i++) {
        node_id invoker = container_reserve(p->self, &p->create, p->create.first + i);
        chosen[i] = placement_has(p, invoker) ? invoker : NODE_NONE;
    }
}

/* 164-195; false: an exception ended the callback. */
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

/* 441-557: each choice sees the list of before, less the latest one; a message that finds
 * nobody takes nothing away, and the next sees the whole list again. */
static void placement_send_cold(struct placement *p, const node_id *warmed,
                                struct choice *choices, struct candidate *list)
{
    uint32_t count = p->count;
    placement_mark_pool(p);
    memcpy(list, p->list, count * sizeof *list);
    for (uint32_t i = 0; i < p->create.count; i++) {
        if (warmed[i] != NODE_NONE)
            continue;
        uint32_t id = p->create.first + i;
        choices[i] = p->resources != 0 ? choose_with_resources(p, list, count, id)
                                       : choose_plain(p, list, count, id);
        count = p->count;
        memcpy(list, p->list, count * sizeof *list);
        if (choices[i].node != NODE_NONE)
            candidates_deduct(list, &count, choices[i].node, p->memory);
    }
    for (uint32_t i = p->create.count; i > 0; i--) { /* the list was built from its end */
        if (warmed[i - 1] != NODE_NONE)
            continue;
        if (choices[i - 1].node != NODE_NONE)
            placement_send(p, i - 1, choices[i - 1].node);
        else
            placement_fail(p, i - 1, choices[i - 1].error);
    }
}

static void placement_run(struct placement *p)
{
    const struct machine_env *env = p->self->env;
    ASSERT_OP(p->create.count, >, 0);
    if (p->count == 0) {
        for (uint32_t i = 0; i < p->create.count; i++)
            placement_fail(p, i, CREATION_NO_AVAILABLE_INVOKERS);
        return;
    }
    node_id *warmed = arena_alloc(env->arena, env->node, p->create.count * sizeof *warmed);
    struct choice *choices =
        arena_alloc(env->arena, env->node, p->create.count * sizeof *choices);
    struct candidate *list = arena_alloc(env->arena, env->node, p->count * sizeof *list);
    placement_reserve(p, warmed);
    if (placement_send_warmed(p, warmed))
        placement_send_cold(p, warmed, choices, list);
    arena_release(env->arena, list);
    arena_release(env->arena, choices);
    arena_release(env->arena, warmed);
}

static void placement_action(struct placement *p)
{
    const struct cluster *cluster = p->self->env->cluster;
    const struct action_info *action = cluster_action(cluster, p->create.action);
    p->memory = cluster_action_memory(cluster, p->create.action);
    p->resources = action->resources;
    p->is_strict = !action->lax_resources;
    p->is_blackbox = action->blackbox;
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
                          .cause = fx->cause,
                          .memory = MEMORY_MIN_MB};
    bool is_warm_up = call->kind == CALL_WARM_UP;
    call_release(self, call);
    if (!is_warm_up)
        placement_action(&p);
    if (m != NULL && m->u.etcd_done.count > 0) {
        const struct etcd_kv *kvs = blob_bytes(env->arena, m->u.etcd_done.kvs);
        ASSERT_OP(blob_size(env->arena, m->u.etcd_done.kvs), >=,
                  m->u.etcd_done.count * sizeof *kvs);
        p.list = arena_alloc(env->arena, env->node, m->u.etcd_done.count * sizeof *p.list);
        p.count = placement_candidates(self, m, kvs, p.memory,
                                       is_warm_up ? NAMESPACE_NONE : p.create.ns, p.list);
    }
    if (is_warm_up) {
        for (uint32_t i = 0; i < p.count; i++)
            container_warm_up(self, fx, p.list[i].node);
    } else {
        placement_run(&p);
    }
    arena_release(env->arena, p.list);
}
