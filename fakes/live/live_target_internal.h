#pragma once
/*
 * live_target_internal.h - what live_target.c and live_target_record.c share.
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

/* An answer to a request of the client. */
void live_target_on_answer(struct host *self, const struct message *request,
                           const struct wire_http_in *in);
