/*
 * controller_wide_bed.c - see controller_wide_bed.h.
 */
#include "support/controller_wide_bed.h"
#include <stdio.h>
#include <string.h>

#define WIDE_NODES (BED_NODE_COUNT + WIDE_SCHEDULERS_MAX + WIDE_INVOKERS)

static void add(struct node_info *nodes, struct cluster *c, enum node_kind kind, node_id first,
                uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct node_info *node = &nodes[first + i];
        *node = (struct node_info){.kind = (uint8_t)kind, .index = (uint16_t)i};
        snprintf(node->name, sizeof node->name, "%s%u", node_kind_to_string(kind), (unsigned)i);
    }
    c->firsts[kind] = first;
    c->counts[kind] = count;
}

struct bed *controller_wide_bed_new(void)
{
    return controller_wide_bed_of(WIDE_SCHEDULERS);
}

struct bed *controller_wide_bed_of(uint32_t schedulers)
{
    static struct node_info nodes[WIDE_NODES];
    struct bed *bed = bed_new(&controller_ops, BED_CONTROLLER0, NULL);
    memcpy(nodes, bed->nodes, sizeof bed->nodes);
    add(nodes, &bed->cluster, NODE_SCHEDULER, BED_NODE_COUNT, schedulers);
    add(nodes, &bed->cluster, NODE_INVOKER, (node_id)(BED_NODE_COUNT + schedulers),
        WIDE_INVOKERS);
    bed->cluster.nodes = nodes;
    bed->cluster.node_count = BED_NODE_COUNT + schedulers + WIDE_INVOKERS;
    return bed;
}

node_id wide_invoker(const struct bed *bed, uint32_t index)
{
    return cluster_node(&bed->cluster, NODE_INVOKER, index);
}

node_id wide_scheduler(const struct bed *bed, uint32_t index)
{
    return cluster_node(&bed->cluster, NODE_SCHEDULER, index);
}

void wide_get_invokers(struct bed *bed, const char *path, const uint8_t *statuses,
                       uint32_t count)
{
    struct etcd_kv kvs[WIDE_INVOKERS];
    uint32_t found = 0, n = bed_sent_count(bed, MSG_ETCD_RANGE);
    memset(kvs, 0, sizeof kvs);
    bed_http(bed, HTTP_GET, path, "X-Request-ID: abc\n", NULL);
    for (uint32_t i = 0; i < count; i++) {
        if (statuses[i] == INVOKER_STATUS_COUNT)
            continue;
        kvs[found].key = bed_key(KEY_INVOKERS, 0, 0, wide_invoker(bed, i));
        kvs[found++].value = (struct value){.kind = VALUE_INVOKER, .status = statuses[i]};
    }
    struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, n), MSG_ETCD_RANGED);
    m.u.etcd_done.count = found;
    m.u.etcd_done.kvs =
        found == 0 ? 0 : blob_new(bed->arena, ARENA_MESSAGE, kvs, found * sizeof kvs[0]);
    bed_deliver(bed, &m);
}
