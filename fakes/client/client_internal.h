#pragma once
/* client_internal.h - what client.c (events, requests) and client_load.c (arrivals) share. */
#include "client/client.h"
#include "common/common.h"
#include "common/slab.h"

/* All requests break at once, or a burst: a message or a record each. */
#define CLIENT_EFFECTS_MAX (1u << 20)

enum client_timer { CLIENT_TIMER_ARRIVAL = TIMER_COMPONENT, CLIENT_TIMER_PATIENCE };

struct client_request {
    struct slab_item item;
    struct timer timer; /* patience */
    activation_id id;
    action_id action;
    node_id to;
    uint32_t entry;
    uint32_t cause; /* its REQUEST_SENT */
};

/* One entry of the load. */
struct client_entry {
    struct timer timer; /* the next arrival; arg: index of the entry */
    tstamp next_at;
    uint32_t sent_count; /* given ordinals, or calls of the trace that are behind us */
};

struct client {
    const struct machine_env *env;
    struct timers timers;
    struct client_entry *entries;
    struct slab requests;
};

static inline const struct client_config *client_config(const struct client *self)
{
    return self->env->config;
}
static inline const struct load_entry *client_load(const struct client *self, uint32_t entry)
{
    return &client_config(self)->entries[entry];
}

/* ---- client.c ---- */
void client_send(struct client *self, uint32_t entry, uint32_t ordinal, action_id action,
                 struct effects *fx);

/* ---- client_load.c ---- */
void client_load_start(struct client *self, uint32_t entry, struct effects *fx);
void client_load_on_arrival(struct client *self, uint32_t entry, struct effects *fx);
/* A request of this entry has ended: a closed loop sends its next. */
void client_load_on_done(struct client *self, uint32_t entry, struct effects *fx);
