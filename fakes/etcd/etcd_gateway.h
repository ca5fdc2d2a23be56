#pragma once
/*
 * etcd_gateway.h - etcd's v3 JSON gateway: requests of clients that speak HTTP.
 *
 *   stream (/v3/watch):  OPEN --first message--> answered, more follow --the asker goes--> gone
 *
 * A path names a call, the body holds its arguments in JSON; a stream's body may hold several
 * values. Who asks is (node, actor, corr) of the request. A watch's answers come as they
 * happen, each one line; keep-alives are answered together when the last one is done. Keys and
 * values are bytes here; they meet those of the components by their texts.
 * Source: etcd v3.4.23 embed/serve.go, etcdserver/api/v3rpc/{key,lease,watch,maintenance}.go,
 * etcdserver/api/etcdhttp; grpc-gateway 1.9.5 runtime/{mux,handler,errors}.go; observed.
 */
#include "core/machine.h"

struct etcd;
struct etcd_lease;
struct etcd_watch;
struct gateway_stream; /* a watch connection */
struct gateway_call;   /* keep-alives of one request, one of which waits for its dead lease */

/* Timers of the machine are told apart by their kind: 0 is a lease's. */
#define ETCD_TIMER_PROGRESS 1

struct etcd_gateway { /* gone with the process */
    struct gateway_stream **streams;
    uint32_t stream_count, stream_max;
    struct gateway_call **calls; /* in the order in which they came */
    uint32_t call_count, call_max;
    uint32_t next_number; /* of streams, from 1 */
};

void etcd_gateway_request(struct etcd *self, const struct message *m, struct effects *fx);
/* The asker of this request is gone. */
void etcd_gateway_closed(struct etcd *self, const struct message *m);
void etcd_gateway_link_down(struct etcd *self, node_id peer);
/* A watch of one of its streams: what changed since it was told last, from `version` on. */
void etcd_gateway_notify(struct etcd *self, struct etcd_watch *watch, struct effects *fx);
/* The lease is gone: who waited for that goes on. */
void etcd_gateway_revoked(struct etcd *self, uint64_t lease, struct effects *fx);
/* A progress notification is due. */
void etcd_gateway_wake(struct etcd *self, struct timer *timer, struct effects *fx);
void etcd_gateway_digest(const struct etcd *self, struct digest *d);
