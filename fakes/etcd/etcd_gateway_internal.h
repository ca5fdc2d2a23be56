#pragma once
/*
 * etcd_gateway_internal.h - shared by the files of the gateway.
 */
#include "etcd/etcd_gateway_message.h"
#include "etcd/etcd_txn.h"

/* gRPC codes that are not those of an etcd_error. */
#define CODE_UNKNOWN 2u
#define CODE_INVALID 3u
#define CODE_PRECONDITION 9u
#define CODE_UNIMPLEMENTED 12u

/* Of one member that never changes. */
#define GATEWAY_CLUSTER_ID UINT64_C(15875391935852295136)
#define GATEWAY_MEMBER_ID UINT64_C(7383792418829112008)

struct gateway_stream {
    struct timer timer; /* first member: found by it; progress notifications */
    struct message request;
    uint32_t number; /* of its watches' etcd_stream */
    int64_t next_id;
    bool has_begun; /* the answer's head is out */
};

struct gateway_call {
    struct message request;
    uint64_t *leases; /* block; those from `next` on are not answered yet */
    uint32_t count, next;
    struct gateway_out lines;
};

struct gateway_context { /* of one request */
    struct etcd *etcd;
    struct effects *fx;
    const struct message *request;
    struct etcd_text body;
    struct gateway_memory memory;
    struct gateway_out out;
    struct gateway_error error;
};

/* ---- etcd_gateway_print.c: pieces of answers ---- */
uint64_t gateway_term(const struct etcd *etcd);
/* revision 0: none is told. */
void gateway_print_header(struct gateway_out *out, const struct etcd *etcd, uint64_t revision);
/* name NULL: an element. */
void gateway_print_kv(struct gateway_out *out, const struct etcd *etcd, const char *name,
                      const struct etcd_version *version, bool keys_only);
void gateway_print_kvs(struct gateway_out *out, const struct etcd *etcd, const char *name,
                       const struct etcd_listing *list, bool keys_only);
void gateway_print_event(struct gateway_out *out, const struct etcd *etcd,
                         const struct etcd_version *version, bool prev_kv);
void gateway_print_error(struct gateway_out *out, const struct gateway_error *error);
unsigned gateway_http_status(unsigned code);
/* Into context->error; false. */
bool gateway_refuse(struct gateway_context *c, enum etcd_error error);

/* ---- calls with one answer: the arguments are read, the answer is in context->out, or the
 * error in context->error and false ---- */
typedef bool gateway_unary(struct gateway_context *c, const void *message);
gateway_unary gateway_on_range, gateway_on_put, gateway_on_delete, gateway_on_txn,
    gateway_on_compaction;
gateway_unary gateway_on_grant, gateway_on_revoke, gateway_on_ttl, gateway_on_leases;
gateway_unary gateway_on_status, gateway_on_hash, gateway_on_alarm, gateway_on_members,
    gateway_on_authenticate;

/* ---- streams: they answer by themselves ---- */
void gateway_on_watch(struct gateway_context *c);
void gateway_on_keepalive(struct gateway_context *c);
/* The first value of a stream's body cannot be read. */
void gateway_stream_failed(struct gateway_context *c);

void gateway_stream_close(struct etcd *etcd, uint32_t index);
void gateway_call_free(const struct machine_env *env, struct gateway_call *call);

/* ---- etcd_gateway_server.c ---- */
void gateway_print_version(struct gateway_out *out);
void gateway_print_metrics(struct gateway_out *out, const struct etcd *etcd);

/* ---- etcd_gateway.c ---- */
/* The head of an answer with status 200, body and `more` still to be set. */
struct message *gateway_reply_head(const struct message *request, const struct etcd *etcd,
                                   struct effects *fx);
