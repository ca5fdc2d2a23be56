/*
 * place_bed.c - see place_bed.h.
 */
#include "support/place_bed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char tags[4][TAG_MAX] = {"cpu", "memory", "disk", "none"};

static void place_fill_nodes(struct place *p)
{
    struct cluster *cluster = &p->s->bed->cluster;
    memcpy(p->nodes, p->s->bed->nodes, sizeof p->s->bed->nodes);
    for (uint32_t i = BED_INVOKER0; i <= BED_INVOKER2; i++)
        p->nodes[i].kind = NODE_CLIENT;
    for (uint32_t i = 0; i < p->count; i++) {
        struct node_info *info = &p->nodes[PLACE_INVOKER(i)];
        *info = (struct node_info){.kind = NODE_INVOKER, .index = (uint16_t)i};
        snprintf(info->name, sizeof info->name, "invoker%u", (unsigned)i);
    }
    cluster->nodes = p->nodes;
    cluster->node_count = BED_NODE_COUNT + p->count;
    cluster->counts[NODE_INVOKER] = p->count;
    cluster->firsts[NODE_INVOKER] = PLACE_INVOKER(0);
}

static void place_fill_labels(struct place *p)
{
    struct cluster *cluster = &p->s->bed->cluster;
    p->labels[PLACE_CPU_MEMORY].tags = TAG_CPU | TAG_MEMORY;
    p->labels[PLACE_MEMORY_DISK].tags = TAG_MEMORY | TAG_DISK;
    p->labels[PLACE_DISK_CPU].tags = TAG_DISK | TAG_CPU;
    p->labels[PLACE_FOR_GUEST].dedicated_count = 1;
    p->labels[PLACE_FOR_GUEST].dedicated[0] = BED_GUEST;
    p->labels[PLACE_FOR_OTHER].dedicated_count = 1;
    p->labels[PLACE_FOR_OTHER].dedicated[0] = BED_OTHER;
    cluster->labels = p->labels;
    cluster->label_count = PLACE_LABELS;
    cluster->tags = tags;
    cluster->tag_count = 4;
}

struct place *place_new(uint32_t count, uint32_t free_mb)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    assert_true(count <= PLACE_MAX);
    p->s = sched_new();
    p->s->holds_range = true;
    p->s->holds_read = true;
    p->count = count;
    for (uint32_t i = 0; i < count; i++) {
        p->invokers[i].free_mb = free_mb;
        p->invokers[i].status = INVOKER_UP;
    }
    place_fill_nodes(p);
    place_fill_labels(p);
    return p;
}

void place_start(struct place *p)
{
    sched_start(p->s);
    place_pump(p);
}

struct place *place_started(uint32_t count, uint32_t free_mb)
{
    struct place *p = place_new(count, free_mb);
    place_start(p);
    place_forget(p);
    return p;
}

void place_free(struct place *p)
{
    sched_free(p->s);
    free(p);
}

void place_forget(struct place *p)
{
    sched_forget(p->s);
    p->answered = 0;
}

/* ---- listings ---- */

static uint32_t place_list(const struct place *p, const struct message *m, struct etcd_kv *kvs)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < p->count && m->u.etcd.key.family == KEY_INVOKERS; i++) {
        if (p->invokers[i].is_gone)
            continue;
        kvs[count].key = (struct key){.family = KEY_INVOKERS, .node = PLACE_INVOKER(i)};
        kvs[count++].value = (struct value){.kind = VALUE_INVOKER,
                                            .status = p->invokers[i].status,
                                            .node = p->invokers[i].labels,
                                            .a = p->invokers[i].free_mb};
    }
    for (uint32_t i = 0; i < p->container_count; i++) {
        if (key_has_prefix(&p->containers[i].key, &m->u.etcd.key, m->u.etcd.depth))
            kvs[count++] = p->containers[i];
    }
    for (uint32_t i = 1; i < count; i++) {
        struct etcd_kv kv = kvs[i];
        uint32_t at = i;
        for (; at > 0 && key_compare(&p->s->bed->cluster, &kv.key, &kvs[at - 1].key) < 0; at--)
            kvs[at] = kvs[at - 1];
        kvs[at] = kv;
    }
    return count;
}

static void place_answer(struct place *p, const struct message *m)
{
    struct etcd_kv kvs[PLACE_MAX + 8];
    struct message reply = bed_reply(m, MSG_ETCD_RANGED);
    memset(kvs, 0, sizeof kvs);
    if (p->fails) {
        reply.u.etcd_done.status = ETCD_LEASE_NOT_FOUND; /* not asked for again */
        bed_deliver(p->s->bed, &reply);
        return;
    }
    uint32_t count = place_list(p, m, kvs);
    blob list = blob_new(p->s->bed->arena, ARENA_MESSAGE, kvs, count * sizeof kvs[0]);
    reply.u.etcd_done.count = count;
    reply.u.etcd_done.kvs = list;
    bed_deliver(p->s->bed, &reply);
    blob_free(p->s->bed->arena, list);
}

void place_pump(struct place *p)
{
    const struct bed *bed = p->s->bed;
    sched_pump(p->s);
    while (p->answered < bed->sent_count) {
        struct message m = bed->sent[p->answered++];
        if (m.kind == MSG_ETCD_RANGE && m.u.etcd.mode == RANGE_PREFIX)
            place_answer(p, &m);
        sched_pump(p->s);
    }
}

/* ---- events ---- */

void place_create(struct place *p, action_id action, uint32_t first, uint32_t count)
{
    struct post_create create = {.first = first,
                                 .count = count,
                                 .revision = 1,
                                 .action = action,
                                 .ns = p->s->bed->actions[action].ns};
    sched_post(p->s, ACTOR(ACTOR_QUEUE, 0, 0), ACTOR_CONTAINERS_ID, POST_CREATE, &create,
               sizeof create);
    place_pump(p);
}

void place_watch_warmed(struct place *p, action_id action, uint32_t revision, uint32_t invoker,
                        uint32_t container, bool deleted)
{
    struct key key = {.family = KEY_WARMED,
                      .ns = BED_GUEST,
                      .action = action,
                      .node = PLACE_INVOKER(invoker),
                      .revision = revision,
                      .id = container};
    struct value value = {.kind = VALUE_EMPTY};
    sched_watch(p->s, &key, &value, deleted);
}

void place_watch_invoker(struct place *p, uint32_t invoker, enum invoker_status status,
                         bool deleted)
{
    struct key key = {.family = KEY_INVOKERS, .node = PLACE_INVOKER(invoker)};
    struct value value = {.kind = VALUE_INVOKER, .status = (uint8_t)status};
    sched_watch(p->s, &key, &value, deleted);
}

void place_add_container(struct place *p, enum key_family family, uint32_t revision,
                         uint32_t invoker, uint32_t id)
{
    assert_true(p->container_count < sizeof p->containers / sizeof p->containers[0]);
    p->containers[p->container_count++] =
        (struct etcd_kv){.key = {.family = (uint16_t)family,
                                 .ns = BED_GUEST,
                                 .action = BED_HELLO,
                                 .node = PLACE_INVOKER(invoker),
                                 .revision = revision,
                                 .id = id},
                         .value = {.kind = VALUE_EMPTY}};
}

uint32_t place_sent_to(const struct place *p, uint32_t id)
{
    const struct bed *bed = p->s->bed;
    for (uint32_t i = bed->record_count; i > 0; i--) {
        const struct record *r = &bed->records[i - 1];
        if (r->kind == RECORD_CREATION_SENT && r->creation == id)
            return (uint32_t)r->peer - PLACE_INVOKER(0);
    }
    return UINT32_MAX;
}

enum creation_error place_failed(const struct place *p, uint32_t id)
{
    const struct bed *bed = p->s->bed;
    for (uint32_t i = bed->record_count; i > 0; i--) {
        const struct record *r = &bed->records[i - 1];
        if (r->kind == RECORD_CREATION_DONE && r->creation == id)
            return (enum creation_error)r->detail;
    }
    return CREATION_NONE;
}
