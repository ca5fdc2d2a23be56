#pragma once
/* edge_internal.h - what the edge's files share. */
#include "common/common.h"
#include "common/slab.h"
#include "edge/edge.h"

#define EDGE_CONTROLLERS_MAX 256u
#define EDGE_NONE UINT32_MAX

enum edge_timer { EDGE_TIMER_READ = TIMER_COMPONENT, EDGE_TIMER_EDIT };

/* A set of controllers by index. */
struct edge_set {
    uint64_t words[EDGE_CONTROLLERS_MAX / 64];
};
static inline bool edge_set_has(const struct edge_set *set, uint32_t i)
{
    return (set->words[i / 64] >> (i % 64) & 1) != 0;
}
static inline void edge_set_put(struct edge_set *set, uint32_t i, bool in)
{
    uint64_t bit = UINT64_C(1) << (i % 64);
    set->words[i / 64] = in ? set->words[i / 64] | bit : set->words[i / 64] & ~bit;
}

/* A server line of the running configuration, weight 1. */
struct edge_server {
    int32_t current_weight, effective_weight;
    uint64_t fails;
    tstamp accessed_at, checked_at;
};

struct edge_call { /* one request on its way */
    struct slab_item item;
    struct timer timer;
    struct message request; /* with its blobs, which the edge owns */
    struct edge_set tried;
    uint32_t controller; /* index */
};

struct edge_edit {
    struct timer timer;
    struct message request;
    struct edge_set read; /* the file as it was read */
    uint8_t has_read;
};

struct edge {
    struct edge_set file, was_running; /* durable */
    uint8_t is_installed;              /* durable: the first boot is over */

    const struct machine_env *env;
    struct timers timers;
    struct edge_set running;
    struct edge_server *servers; /* one per controller of the cluster */
    uint32_t controller_count, running_count;

    struct slab calls;
    struct edge_edit **edits; /* in the order of their requests */
    uint32_t edit_count, edit_max;
    uint32_t *changes; /* per controller: ordinal of its edits, for draws */
};

static inline const struct edge_config *edge_config(const struct edge *self)
{
    return self->env->config;
}
static inline node_id edge_controller(const struct edge *self, uint32_t index)
{
    return cluster_node(self->env->cluster, NODE_CONTROLLER, index);
}
/* EDGE_NONE if the node is no controller. */
static inline uint32_t edge_index(const struct edge *self, node_id node)
{
    const struct cluster *c = self->env->cluster;
    bool is_one = node < c->node_count && c->nodes[node].kind == NODE_CONTROLLER;
    return is_one ? c->nodes[node].index : EDGE_NONE;
}

/* ---- edge_upstream.c ---- */
/* New workers: the servers of `set`, all believed to be live. */
void edge_upstream_load(struct edge *self, const struct edge_set *set);
/* The next server that was not tried, or EDGE_NONE: no live upstreams. */
uint32_t edge_upstream_pick(struct edge *self, const struct edge_set *tried, tstamp now);
void edge_upstream_failed(struct edge *self, uint32_t index, tstamp now);
void edge_upstream_succeeded(struct edge *self, uint32_t index);

/* ---- edge_call.c ---- */
void edge_call_on_request(struct edge *self, const struct message *m, struct effects *fx);
void edge_call_on_reply(struct edge *self, const struct message *m, struct effects *fx);
void edge_call_on_refused(struct edge *self, const struct message *m, struct effects *fx);
void edge_call_on_timer(struct edge *self, struct timer *timer, struct effects *fx);
void edge_call_on_link_down(struct edge *self, uint32_t index, struct effects *fx);

/* ---- edge_file.c ---- */
void edge_file_boot(struct edge *self, struct effects *fx);
void edge_edit_on_request(struct edge *self, const struct message *m, struct effects *fx);
void edge_edit_on_timer(struct edge *self, struct timer *timer, struct effects *fx);
