#pragma once
/*
 * live_target_internal.h - what the host calls of live_target.c, and what that and
 * live_target_record.c share.
 */
#include "live/host_live_internal.h"

#define LIVE_ORDERS_MAX 256u

enum live_sight { SIGHT_NONE, SIGHT_DISABLE, SIGHT_ENABLE, SIGHT_COUNT, SIGHT_PING };

struct live_target_node {
    bool is_up, is_listening;
    uint8_t failures; /* of /ping, one after the other */
    tstamp stopped_at, pinged_at;
};

struct live_target_order { /* of somebody here, not done yet */
    struct host *host;
    struct message asked;
    uint8_t order; /* enum live_order */
    bool is_open;
};

/* An accepted activation whose record is looked for. */
struct live_looking {
    activation_id id;
    action_id action;
    namespace_id ns;
    node_id node; /* that answered */
    uint32_t cause, next_free;
    tstamp since;
    duration pause; /* until the next look */
    bool is_open, has_result;
    uint8_t response; /* of the result that the answer had */
    char name[33];    /* the cluster's id */
};

struct live_target {
    const struct host_live_target *given;
    struct http_client *client; /* of pings and looks */
    struct live_target_node *nodes;
    struct live_target_order orders[LIVE_ORDERS_MAX];
    struct live_looking *looking;
    uint32_t looking_count, looking_max, looking_free, looking_open;
    uint32_t reads_open;
};

/* ---- called by the host ---- */
void live_target_open(struct host *self, const struct host_live_target *given);
const char *live_target_url(const struct host *self, node_id node); /* NULL: it runs here */
const struct http_tls *live_target_tls(const struct host *self);
void live_target_start(struct host *self, node_id node);
void live_target_on_control(struct host *self, const struct message *m);
void live_target_on_edge_change(struct host *self, const struct message *m);
/* What the answer to this request will show of its receiver: enum live_sight. */
uint8_t live_target_sight(const struct host *self, const struct wire_http *out,
                          const struct message *m);
void live_target_done(struct host *self, const struct live_call *call,
                      const struct http_result *result);
void live_target_on_look(struct host *self, uint32_t slot);
void live_target_on_ping(struct host *self, node_id node);
bool live_target_pending(const struct host *self, char *text, size_t size);
void live_target_release(struct host *self);

/* ---- live_target_record.c ---- */
/* An answer to a request of the client. */
void live_target_on_answer(struct host *self, const struct message *request,
                           const struct wire_http_in *in);
