#pragma once
/*
 * message.h - everything one node can send another, and what an actor sends itself.
 *
 * 64 bytes by value; longer things are blob handles. Zeroed when allotted and free of
 * padding, so the host digests the payload word by word. A request carries `corr`, chosen by
 * the sender; its reply carries the same. MSG_POST is an actor's message inside its own node:
 * `what` is the component's own kind, the payload its own struct (MESSAGE_LOCAL).
 */
#include "core/blob.h"
#include "core/ids.h"
#include "core/key.h"
#include "core/message_kinds.h"
#include "core/payload.h"
#include "core/tstamp.h"

struct message {
    uint16_t kind;
    uint16_t what; /* MSG_POST: the component's kind; else 0 */
    node_id from, to;
    actor_id from_actor, to_actor;
    uint32_t corr;
    uint32_t cause; /* seq of the record that led here; 0: none */
    union {         /* 40 bytes */
        uint64_t words[5];
        uint64_t local[5]; /* MSG_POST */
        struct {
            uint16_t kind; /* of the request that nobody took */
        } refused;
        struct {
            uint8_t op, ok;
            node_id node;
        } control, control_done;
        struct {
            blob path, headers, body; /* headers: "Name: value\n" lines */
            uint32_t method;
        } http_request;
        struct {
            blob headers, body; /* further headers than content type, CORS, X-Request-ID */
            uint16_t status;
            uint8_t content; /* enum content_type */
            uint8_t cors;    /* 1: the admin routes' CORS headers go with it */
            uint8_t more; /* 1: MSG_HTTP_CHUNKs with the same corr follow, until a last one */
            uint8_t spare[3];
        } http_reply;
        struct {
            blob body;
            uint8_t last, spare[3];
        } http_chunk; /* http-closed: nothing; who asked for `corr` is gone */
        struct {      /* corr: the connection; one frame at a time, answered before the next */
            blob bytes;    /* without the length in front; an empty answer: none is sent */
            uint8_t close; /* answer: close the connection */
            uint8_t spare[3];
            uint32_t address; /* frame: IPv4 of the client, as a number */
        } kafka_frame;
        struct {
            activation_id id;
            action_id action;
            namespace_id ns;
            tstamp sent_at;
            uint8_t blocking, spare[7];
        } invoke;
        struct {
            activation_id id;
            uint16_t status;         /* HTTP; 0: broken connection, 1: refused */
            uint8_t response, error; /* enum response_status, enum error_text */
            node_id controller;
        } invoke_reply;
        struct {
            node_id controller;
            uint8_t add; /* 0: comment out and reload, 1: put back and reload */
            uint8_t ok;  /* answer: 0 when the reload was refused */
        } edge_change, edge_changed;
        struct {
            uint32_t topic, spare;
            struct entry entry;
        } produce;
        struct {
            uint32_t topic;
            uint32_t ok;
            uint64_t offset;
        } produced;
        struct { /* join, joined, heartbeat, poll, records, commit, committed */
            uint32_t topic;
            uint32_t member; /* generation of the membership; 0: not a member (error) */
            uint64_t offset; /* commit: next to read; records: of the first */
            uint32_t count;  /* poll: at most; records: how many in the batch */
            uint32_t wait_ms;
            blob batch; /* struct entry[count] */
            uint32_t ok;
        } kafka;
        struct { /* range, put, put-if-absent, delete */
            struct key key;
            struct value value;
            uint32_t lease;
            uint8_t mode, depth; /* enum range_mode; key_has_prefix's depth */
            uint16_t spare;
        } etcd;
        struct { /* ranged, etcd-done */
            struct value value;
            uint64_t revision;
            uint32_t count; /* kvs; deleted; found (0 or 1) */
            blob kvs;       /* struct etcd_kv[count], RANGE_PREFIX only, in key order */
            uint8_t status; /* enum etcd_status */
            uint8_t succeeded;
            uint8_t spare[6];
        } etcd_done;
        struct {
            uint32_t lease, ttl_s; /* done: ttl 0: unknown or expired */
            uint8_t status, spare[3];
            uint32_t spare2;
        } lease;
        struct {
            struct key key;     /* create: prefix with depth; event: the key */
            struct value value; /* event: new value; of a delete the previous one */
            uint32_t revision;
            uint16_t watch; /* the client's number of the watch */
            uint8_t depth, deleted;
        } watch;
        struct {
            action_id action;
            namespace_id ns;
            uint32_t revision;
            uint32_t container; /* its id; the invoker is `from` */
            uint32_t duration_ms;
            uint8_t warmed, alive, has_duration, spare;
        } fetch;
        struct {
            struct activation activation;
            uint8_t result; /* enum fetch_result */
            uint8_t spare[7];
        } fetched;
        struct activation activation; /* reschedule, forward */
        struct {
            struct activation activation;
            uint8_t akka; /* remoting: 1: its sender speaks Akka, not Pekko */
            uint8_t spare[7];
        } forward;
        struct {
            activation_id id;
            uint32_t ok;
        } rescheduled;
        struct {
            action_id action;
            namespace_id ns;
            uint32_t revision;
            uint32_t success;
            uint8_t akka; /* as in forward */
            uint8_t spare[3];
        } create_queue, queue_created;
        struct { /* read, document */
            activation_id id;
            action_id action;
            namespace_id ns;
            uint32_t revision; /* asked for, 0: latest; answer: the stored one */
            uint8_t document, result;
            uint8_t response, error; /* of a record; of an identity: response 1: blocked */
            uint32_t concurrent_limit;
        } database;
        struct { /* document-call, document-done: an action as a document, or records */
            action_id action;
            namespace_id ns;
            uint32_t revision; /* put, delete: the one that was read (0: none); done: of it */
            uint32_t skip, limit; /* list, records; done: limit: how many there are in all */
            blob body;  /* put, get, delete: the document as JSON; list, done: a JSON array of
                         * summaries; records: struct record_query, done: struct
                         * record_document[] */
            uint8_t op; /* enum document_op */
            uint8_t result; /* enum document_result */
            uint8_t spare[2];
        } document;
        struct { /* cache-invalidation: controller to controller */
            action_id action;
            uint16_t spare;
            uint32_t revision; /* what is older must not be used any more */
        } invalidation;
        struct { /* store, stored */
            activation_id id;
            action_id action;
            namespace_id ns;
            tstamp start_at, end_at;
            uint8_t response, error, ok, spare[5];
        } store;
    } u;
};
_Static_assert(sizeof(struct message) == 64, "a message is 64 bytes");

/* The payload of a MSG_POST as the component's own struct (at most 40 bytes, no padding). */
#define MESSAGE_LOCAL(m, type)                                                                 \
    ((type *)(void *)(m)->u.local + 0 * sizeof(char[sizeof(type) <= 40 ? 1 : -1]))
#define MESSAGE_LOCAL_CONST(m, type)                                                           \
    ((const type *)(const void *)(m)->u.local + 0 * sizeof(char[sizeof(type) <= 40 ? 1 : -1]))

struct message_info {
    uint8_t link;    /* enum link */
    uint8_t call;    /* a call: refused when nobody listens */
    uint8_t carries; /* the payload begins with an activation id */
    uint8_t ordered; /* FIFO per (sender, receiver) */
};
extern const struct message_info message_infos[MESSAGE_KIND_COUNT];

/* The activation that a message of a carrying kind is about; 0: another kind. */
static inline activation_id message_activation(const struct message *m)
{
    return message_infos[m->kind].carries ? m->u.invoke.id : 0;
}

/* What a message's draws are keyed by, besides its sender and receiver. */
uint64_t message_key(const struct message *m);
/* Its blobs: writes up to 3 pointers to handles; returns how many the kind has. */
unsigned message_blobs(struct message *m, blob *ret_blobs[3]);
/* One line for traces; cluster for names. Returns the length it wanted. */
size_t message_print(const struct cluster *cluster, const struct message *m, char *text,
                     size_t size);
