/*
 * limits.c - two-minute windows of counts.
 */
#include "check/limits.h"
#include "core/assert.h"

struct window { /* a figure's peak in a minute and in the one before */
    uint64_t minute, now, peak, peak_before;
};

struct limits {
    const struct cluster *cluster;
    uint32_t namespaces, actions, controllers;
    struct window *requests; /* [namespace][controller]: `now` counts within the minute */
    struct window *in_flight, *containers;               /* [namespace] */
    struct window *action_in_flight, *action_containers; /* [action] */
};

static struct window *limits_windows(struct arena *arena, uint32_t count)
{
    return arena_alloc(arena, ARENA_HOST, (count + 1) * sizeof(struct window));
}

struct limits *limits_new(struct arena *arena, const struct cluster *cluster)
{
    struct limits *self = arena_alloc(arena, ARENA_HOST, sizeof *self);
    self->cluster = cluster;
    self->namespaces = cluster->namespace_count;
    self->actions = cluster->action_count;
    self->controllers = cluster->counts[NODE_CONTROLLER];
    self->requests = limits_windows(arena, self->namespaces * self->controllers);
    self->in_flight = limits_windows(arena, self->namespaces);
    self->containers = limits_windows(arena, self->namespaces);
    self->action_in_flight = limits_windows(arena, self->actions);
    self->action_containers = limits_windows(arena, self->actions);
    return self;
}

static uint64_t limits_minute(tstamp at)
{
    /* As tstamp_epoch_ms, but also right while the cluster boots, before the origin. */
    return (TSTAMP_EPOCH_MS - TSTAMP_ORIGIN / MSEC(1) + at / MSEC(1)) / 60000;
}

/* Move on to the minute of `at`; what is held stays, counts start anew. */
static void window_turn(struct window *w, tstamp at, bool held)
{
    uint64_t minute = limits_minute(at);
    if (minute == w->minute)
        return;
    w->peak_before = minute == w->minute + 1 ? w->peak : held ? w->now : 0;
    w->minute = minute;
    if (!held)
        w->now = 0;
    w->peak = w->now;
}

static void window_change(struct window *w, tstamp at, bool held, bool begins)
{
    window_turn(w, at, held);
    if (begins)
        w->now++;
    else if (w->now > 0)
        w->now--;
    if (w->now > w->peak)
        w->peak = w->now;
}

static bool window_reached(const struct window *w, tstamp at, uint64_t limit)
{
    struct window copy = *w;
    uint64_t minute = limits_minute(at);
    if (minute > copy.minute + 1) /* nothing changed for longer than the window */
        return copy.now >= limit && copy.minute != 0;
    return copy.peak >= limit || (minute == copy.minute && copy.peak_before >= limit);
}

void limits_request(struct limits *self, const struct record *r)
{
    uint32_t index = self->cluster->nodes[r->node].index;
    if (r->ns >= self->namespaces || index >= self->controllers)
        return;
    window_change(&self->requests[r->ns * self->controllers + index], r->at, false, true);
}

void limits_activation(struct limits *self, tstamp at, namespace_id ns, action_id action,
                       bool begins)
{
    if (ns < self->namespaces)
        window_change(&self->in_flight[ns], at, true, begins);
    if (action < self->actions)
        window_change(&self->action_in_flight[action], at, true, begins);
}

uint32_t limits_in_flight(const struct limits *self, action_id action)
{
    return action < self->actions ? (uint32_t)self->action_in_flight[action].now : 0;
}

void limits_container(struct limits *self, tstamp at, namespace_id ns, action_id action,
                      bool begins)
{
    if (ns < self->namespaces)
        window_change(&self->containers[ns], at, true, begins);
    if (action < self->actions)
        window_change(&self->action_containers[action], at, true, begins);
}

static bool limits_minute_reached(const struct limits *self, tstamp at, namespace_id ns,
                                  node_id controller)
{
    uint64_t limit = self->cluster->namespaces[ns].invocations_per_minute;
    for (uint32_t i = 0; i < self->controllers; i++) {
        if (controller != NODE_NONE && self->cluster->nodes[controller].index != i)
            continue;
        const struct window *w = &self->requests[ns * self->controllers + i];
        if (limits_minute(at) <= w->minute + 1 && window_reached(w, at, limit))
            return true;
    }
    return false;
}

bool limits_reached(const struct limits *self, tstamp at, namespace_id ns, action_id action,
                    node_id controller)
{
    if (ns < self->namespaces) {
        uint64_t limit = self->cluster->namespaces[ns].concurrent_invocations;
        if (limits_minute_reached(self, at, ns, controller) ||
            window_reached(&self->in_flight[ns], at, limit) ||
            window_reached(&self->containers[ns], at, limit))
            return true;
    }
    if (action >= self->actions || self->cluster->actions[action].instance_limit == 0)
        return false;
    uint64_t instances = self->cluster->actions[action].instance_limit;
    return window_reached(&self->action_in_flight[action], at, instances) ||
           window_reached(&self->action_containers[action], at, instances);
}
