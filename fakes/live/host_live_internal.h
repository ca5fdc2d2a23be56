#pragma once
/*
 * host_live_internal.h - what the parts of the live host share.
 */
#include "core/actor.h"
#include "core/assert.h"
#include "core/host_rules.h"
#include "live/host_live.h"
#include "live/http_client.h"
#include "live/http_server.h"
#include "live/kafka_client.h"
#include "live/kafka_server.h"
#include "wire/wire.h"

enum live_state {
    LIVE_DOWN,
    LIVE_ENDING,
    LIVE_BOOTING,
    LIVE_UP,
    LIVE_STOPPING,
    LIVE_ELSEWHERE
};

struct live_consumer;

struct live_node {
    void *machine; /* NULL: elsewhere */
    const struct machine_ops *ops;
    const char *name;
    uint64_t fault_mask;
    uint8_t state, is_updated; /* state: enum live_state */
    uint32_t boots, pulls, cause;
    tstamp cut_at;
    struct wakeup wake;
    struct machine_env env;
    struct live_port {
        struct live_node *node;
        uint8_t port; /* enum wire_port */
        uint16_t number;
        struct http_server *server;
        char url[64];
    } ports[WIRE_PORT_COUNT];
    struct http_client *client;
    struct kafka_server *broker;
    struct kafka_producer *producer;
    struct live_consumer *consumers; /* list */
    struct host *host;
};

/* A message that has not arrived yet. */
struct live_item {
    tstamp at;
    uint64_t number;
    uint32_t incarnation; /* of the receiver when it was put here */
    uint8_t kind;         /* enum live_item_kind */
    struct message message;
};
enum live_item_kind {
    ITEM_DELIVER,
    ITEM_SEND,
    ITEM_CONTROL,
    ITEM_TASK,
    ITEM_LINK_DOWN,
    ITEM_LINK_UP,
    ITEM_LOOK, /* corr: whose record is looked for */
    ITEM_PING  /* from: the node elsewhere */
};

enum live_task_kind { LIVE_TASK_BOOT, LIVE_TASK_LISTEN, LIVE_TASK_CUT, LIVE_TASK_DONE };
struct live_task { /* in the payload of an ITEM_TASK's message */
    uint8_t kind, op;
    node_id node;
    uint32_t incarnation, asker; /* asker: its incarnation; or the slot of an outside asker */
};

/* An answer that is owed to a socket; its slot and generation are the request's corr. */
struct live_exchange {
    struct http_exchange *exchange; /* NULL: free */
    node_id node;
    uint16_t kind;       /* of the message it became */
    uint16_t generation; /* part of the corr */
    bool is_stream, is_foreign;
    activation_id activation; /* foreign invocations; else 0 */
    action_id action;
    uint32_t cause, next_free;
    char request_id[72];
};

/* A call of a machine that is on its way. */
struct live_call {
    struct message message; /* its blobs are gone */
    uint64_t number;        /* the client's */
    struct host *host;
    bool is_open, is_stale, is_watch;
    uint8_t sight; /* enum live_sight */
    uint32_t next_free;
    struct wire_buffer line; /* watch: the piece of a line that came */
};

/* What a rule delays on an ordered link holds up what its sender sends behind it. */
struct live_hold {
    node_id from, to;
    actor_id from_actor;
    tstamp until;
};
#define LIVE_HOLDS_MAX 256u

struct live_outside { /* somebody outside who waits for an operation */
    host_live_done_fn done;
    void *context;
    bool is_open;
};

struct host {
    struct host_world world;
    struct wire wire;
    struct effects fx;
    struct loop *loop;
    struct live_node *nodes;
    uint32_t node_count, speed;
    struct action_info *spare_actions;
    bool is_interrupted, has_error;
    char error[LIVE_ERROR_SIZE];
    const char *listen;
    bool upstream_ports;
    uint64_t start_ns; /* of the monotonic clock, at `begin` */
    tstamp now;
    uint64_t event_count, next_seq, next_number;
    uint64_t blob_kinds;

    struct live_item *ring; /* due now, in order */
    uint32_t ring_head, ring_count, ring_max;
    struct live_item *heap;
    uint32_t heap_count, heap_max;

    struct live_exchange *exchanges;
    uint32_t exchange_count, exchange_max, exchange_free, exchange_open;
    struct live_call *calls;
    uint32_t call_count, call_max, call_free, call_open;
    struct live_outside outsides[64];
    struct live_hold holds[LIVE_HOLDS_MAX];
    uint32_t hold_count;
    struct wire_http http; /* scratch */
    struct wire_buffer text;
    uint32_t foreign_count;

    struct live_target *target; /* NULL: the cluster runs here */
    /* etcd */
    node_id etcd, kafka, edge, client;
    const char *etcd_url_given, *bootstrap_given, *edge_url_given;
    char etcd_url[128], bootstrap[128], edge_url[128];
    struct http_client *observer;
    uint64_t observer_call, observer_revision;
    struct wire_buffer observer_line;
    tstamp observer_retry_at;
    uint64_t lease_salt, lease_count;
    /* kafka */
    struct live_log *logs; /* by topic */
    struct live_produce *produces;
    uint32_t produce_count, produce_max, produce_free;
    char topic_prefix[32];
};

static inline bool live_listens(uint8_t state)
{
    return state >= LIVE_UP;
}
static inline struct live_node *live_node_at(struct host *self, node_id node)
{
    return node < self->node_count ? &self->nodes[node] : NULL;
}
static inline uint64_t live_real_ms(const struct host *self, duration length)
{
    return (length / self->speed + MSEC(1) - 1) / MSEC(1);
}

/* --- host_live.c --- */
void live_step(struct host *self, node_id node, struct event *ev, uint32_t cause);
struct record live_record(struct host *self, enum record_kind kind, node_id node);
void live_keep(struct host *self, const struct record *r);
void live_read_clock(struct host *self);
/* Into the ring (at <= now) or the heap. */
struct live_item *live_push(struct host *self, tstamp at, enum live_item_kind kind,
                            const struct message *m);
void live_run_ring(struct host *self); /* what is due now; never inside of a step */
void live_fail(struct host *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void live_free_blobs(struct host *self, struct message *m);

/* --- live_send.c --- */
/* What a machine sends: the plan is asked, then it goes its way. Copies. */
void live_send(struct host *self, const struct message *m);
void live_route(struct host *self, struct message *m); /* its way, without a question */
/* To a machine of this process: the plan is asked when the message came from outside. */
void live_arrive(struct host *self, struct message *m, bool ask);
void live_refuse(struct host *self, const struct message *m);
void live_record_lost(struct host *self, const struct message *m);
/* The plan's answer at the receiver of an HTTP request; true: it was dealt with. */
bool live_fault_at_receiver(struct host *self, struct message *m);

/* --- live_node.c --- */
bool live_nodes_open(struct host *self);
void live_start(struct host *self, node_id node);
void live_stop(struct host *self, node_id node);
void live_cut(struct host *self, node_id node, bool by_fault);
void live_on_control(struct host *self, const struct message *m);
void live_on_task(struct host *self, const struct message *m);
void live_on_plan(struct host *self);
/* The answer to a MSG_CONTROL. */
void live_answer_control(struct host *self, const struct message *asked, bool ok);
/* The operation that somebody outside asked for is over; slot: the corr of its request. */
void live_outside_done(struct host *self, uint32_t slot, bool ok);
void live_link_event(struct host *self, node_id node, node_id peer, bool down);

/* --- live_http.c: what comes in --- */
bool live_http_open(struct host *self, struct live_port *port);
void live_http_close(struct host *self, struct live_port *port);
/* An answer of a machine; takes the blobs. */
void live_http_reply(struct host *self, struct message *m);
void live_http_release(struct host *self);

/* --- live_call.c: what goes out --- */
void live_call_http(struct host *self, struct message *m, const char *base_url);
uint32_t live_call_new(struct host *self, const struct message *m);
struct live_call *live_call_at(struct host *self, uint32_t slot);
void live_call_end(struct host *self, uint32_t slot);
/* Its connection broke: the machine is told that the peer was lost for a moment. */
void live_call_broken(struct host *self, struct live_call *call);
void live_call_broken_alone(struct host *self, const struct message *request);
void live_calls_drop(struct host *self, node_id node); /* of a node that died */
void live_calls_are_stale(struct host *self, node_id node, node_id peer);
void live_call_release(struct host *self);

/* --- live_etcd.c --- */
bool live_etcd_open(struct host *self);
void live_etcd_send(struct host *self, struct message *m);
void live_etcd_turn(struct host *self); /* keeps the observer watching */
void live_etcd_release(struct host *self);

/* --- live_kafka.c --- */
bool live_kafka_open(struct host *self);
void live_kafka_send(struct host *self, struct message *m);
void live_kafka_drop(struct host *self, struct live_node *n, bool is_broker);
bool live_kafka_pending(struct host *self, char *text, size_t size);
void live_kafka_release(struct host *self);

/* --- live_broker.c --- */
bool live_broker_listen(struct host *self, struct live_node *n);
void live_broker_answer(struct host *self, struct message *m); /* takes the blob */
bool live_broker_close(struct live_node *n);                   /* false: it was not open */
