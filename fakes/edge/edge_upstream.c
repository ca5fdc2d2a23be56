/*
 * edge_upstream.c - which server is next, and which are out.
 *
 * Source: nginx 1.22.1 ngx_http_upstream_get_peer and _free_round_robin_peer: smooth weighted
 * round robin, here with weight 1 each. One worker is modelled: without a `zone` each worker
 * keeps such a table of its own.
 */
#include "core/assert.h"
#include "edge/edge_internal.h"

void edge_upstream_load(struct edge *self, const struct edge_set *set)
{
    self->running = *set;
    self->running_count = 0;
    for (uint32_t i = 0; i < self->controller_count; i++) {
        self->servers[i] = (struct edge_server){.effective_weight = 1};
        self->running_count += edge_set_has(set, i);
    }
    ASSERT_OP(self->running_count, <=, self->controller_count);
}

static bool is_single(const struct edge *self)
{
    return self->running_count == 1;
}

static bool is_unavailable(const struct edge *self, const struct edge_server *server,
                           tstamp now)
{
    const struct edge_config *config = edge_config(self);
    return !is_single(self) && config->max_fails > 0 && server->fails >= config->max_fails &&
           now - server->checked_at <= config->fail_timeout;
}

uint32_t edge_upstream_pick(struct edge *self, const struct edge_set *tried, tstamp now)
{
    uint32_t best = EDGE_NONE;
    int32_t total = 0;
    for (uint32_t i = 0; i < self->controller_count; i++) {
        struct edge_server *server = &self->servers[i];
        if (!edge_set_has(&self->running, i) || edge_set_has(tried, i) ||
            is_unavailable(self, server, now))
            continue;
        server->current_weight += server->effective_weight;
        total += server->effective_weight;
        if (server->effective_weight < 1)
            server->effective_weight++;
        if (best == EDGE_NONE || server->current_weight > self->servers[best].current_weight)
            best = i;
    }
    if (best == EDGE_NONE)
        return EDGE_NONE;
    struct edge_server *server = &self->servers[best];
    ASSERT(edge_set_has(&self->running, best));
    server->current_weight -= total;
    if (now - server->checked_at > edge_config(self)->fail_timeout)
        server->checked_at = now; /* one request tries it; the others wait for its outcome */
    return best;
}

void edge_upstream_failed(struct edge *self, uint32_t index, tstamp now)
{
    const struct edge_config *config = edge_config(self);
    ASSERT_OP(index, <, self->controller_count);
    struct edge_server *server = &self->servers[index];
    if (!edge_set_has(&self->running, index))
        return; /* held by an old worker, whose table is gone with it */
    if (is_single(self)) {
        server->fails = 0;
        return;
    }
    server->fails++;
    server->accessed_at = server->checked_at = now;
    if (config->max_fails > 0)
        server->effective_weight -= (int32_t)(1 / config->max_fails);
    if (server->effective_weight < 0)
        server->effective_weight = 0;
}

void edge_upstream_succeeded(struct edge *self, uint32_t index)
{
    ASSERT_OP(index, <, self->controller_count);
    struct edge_server *server = &self->servers[index];
    if (is_single(self) || server->accessed_at < server->checked_at)
        server->fails = 0;
}
