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
#include "core/names.h"
#include "core/payload.h"
#include "core/tstamp.h"

/* Links: latency and order. HTTP, gRPC, etcd and database calls are free of order; Kafka,
 * watch and remoting keep the order of (sender, receiver). */
#define LINK_LIST(X)                                                                           \
    X(POST, "post")                                                                            \
    X(HTTP, "http")                                                                            \
    X(KAFKA, "kafka")                                                                          \
    X(ETCD, "etcd")                                                                            \
    X(WATCH, "watch")                                                                          \
    X(GRPC, "grpc")                                                                            \
    X(REMOTING, "remoting")                                                                    \
    X(DATABASE, "database")                                                                    \
    X(CONTROL, "control")
#define LINK_MEMBER(id, text) LINK_##id,
enum link { LINK_LIST(LINK_MEMBER) LINK_COUNT };
NAMES_DECLARE(link)

/* X(NAME, text, link, call, carries): call 1: the host answers MSG_REFUSED when nobody
 * listens; carries 1: the payload begins with the activation's id. The kinds behind `stored`
 * are what clients on real sockets need besides; nothing simulated sends them. Append only: the
 * number of a kind is part of its draws. */
#define MESSAGE_LIST(X)                                                                        \
    X(POST, "post", POST, 0, 0)                                                                \
    X(REFUSED, "refused", HTTP, 0, 0)                                                          \
    X(CONTROL, "control", CONTROL, 0, 0)                                                       \
    X(CONTROL_DONE, "control-done", CONTROL, 0, 0)                                             \
    X(HTTP_REQUEST, "http-request", HTTP, 1, 0)                                                \
    X(HTTP_REPLY, "http-reply", HTTP, 0, 0)                                                    \
    X(INVOKE, "invoke", HTTP, 1, 1)                                                            \
    X(INVOKE_REPLY, "invoke-reply", HTTP, 0, 1)                                                \
    X(EDGE_CHANGE, "edge-change", HTTP, 1, 0)                                                  \
    X(EDGE_CHANGED, "edge-changed", HTTP, 0, 0)                                                \
    X(KAFKA_PRODUCE, "produce", KAFKA, 1, 0)                                                   \
    X(KAFKA_PRODUCED, "produced", KAFKA, 0, 0)                                                 \
    X(KAFKA_JOIN, "join", KAFKA, 1, 0)                                                         \
    X(KAFKA_JOINED, "joined", KAFKA, 0, 0)                                                     \
    X(KAFKA_HEARTBEAT, "heartbeat", KAFKA, 0, 0)                                               \
    X(KAFKA_POLL, "poll", KAFKA, 1, 0)                                                         \
    X(KAFKA_RECORDS, "records", KAFKA, 0, 0)                                                   \
    X(KAFKA_COMMIT, "commit", KAFKA, 1, 0)                                                     \
    X(KAFKA_COMMITTED, "committed", KAFKA, 0, 0)                                               \
    X(ETCD_RANGE, "range", ETCD, 1, 0)                                                         \
    X(ETCD_RANGED, "ranged", ETCD, 0, 0)                                                       \
    X(ETCD_PUT, "put", ETCD, 1, 0)                                                             \
    X(ETCD_TXN, "put-if-absent", ETCD, 1, 0)                                                   \
    X(ETCD_DELETE, "delete", ETCD, 1, 0)                                                       \
    X(ETCD_DONE, "etcd-done", ETCD, 0, 0)                                                      \
    X(LEASE_GRANT, "lease-grant", ETCD, 1, 0)                                                  \
    X(LEASE_KEEPALIVE, "lease-keepalive", ETCD, 1, 0)                                          \
    X(LEASE_REVOKE, "lease-revoke", ETCD, 1, 0)                                                \
    X(LEASE_DONE, "lease-done", ETCD, 0, 0)                                                    \
    X(WATCH_CREATE, "watch-create", WATCH, 1, 0)                                               \
    X(WATCH_CREATED, "watch-created", WATCH, 0, 0)                                             \
    X(WATCH_EVENT, "watch-event", WATCH, 0, 0)                                                 \
    X(WATCH_CANCEL, "watch-cancel", WATCH, 0, 0)                                               \
    X(WATCH_CANCELED, "watch-canceled", WATCH, 0, 0)                                           \
    X(FETCH, "fetch", GRPC, 1, 0)                                                              \
    X(FETCHED, "fetched", GRPC, 0, 0)                                                          \
    X(RESCHEDULE, "reschedule", GRPC, 1, 1)                                                    \
    X(RESCHEDULED, "rescheduled", GRPC, 0, 1)                                                  \
    X(CREATE_QUEUE, "create-queue", REMOTING, 0, 0)                                            \
    X(QUEUE_CREATED, "queue-created", REMOTING, 0, 0)                                          \
    X(FORWARD, "forward", REMOTING, 0, 1)                                                      \
    X(DATABASE_READ, "read", DATABASE, 1, 0)                                                   \
    X(DATABASE_DOCUMENT, "document", DATABASE, 0, 0)                                           \
    X(DATABASE_STORE, "store", DATABASE, 1, 1)                                                 \
    X(DATABASE_STORED, "stored", DATABASE, 0, 1)                                               \
    X(HTTP_CHUNK, "http-chunk", HTTP, 0, 0)                                                    \
    X(HTTP_CLOSED, "http-closed", HTTP, 0, 0)                                                  \
    X(KAFKA_FRAME, "kafka-frame", KAFKA, 0, 0)                                                 \
    X(KAFKA_ANSWER, "kafka-answer", KAFKA, 0, 0)                                               \
    X(KAFKA_CLOSED, "kafka-closed", KAFKA, 0, 0)                                               \
    X(DOCUMENT_CALL, "document-call", DATABASE, 1, 0)                                          \
    X(DOCUMENT_DONE, "document-done", DATABASE, 0, 0)                                          \
    X(CACHE_INVALIDATION, "cache-invalidation", KAFKA, 0, 0)
#define MESSAGE_MEMBER(id, ...) MSG_##id,
enum message_kind { MESSAGE_LIST(MESSAGE_MEMBER) MESSAGE_KIND_COUNT };
NAMES_DECLARE(message)

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
            activation_id id;
            uint32_t ok;
        } rescheduled;
        struct {
            action_id action;
            namespace_id ns;
            uint32_t revision;
            uint32_t success;
        } create_queue, queue_created;
        struct { /* read, document */
            activation_id id;
            action_id action;
            namespace_id ns;
            uint32_t revision; /* asked for, 0: latest; answer: the stored one */
            uint8_t document, result, response, error;
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

/* What a message's draws are keyed by, besides its sender and receiver. */
uint64_t message_key(const struct message *m);
/* Its blobs: writes up to 3 pointers to handles; returns how many the kind has. */
unsigned message_blobs(struct message *m, blob *ret_blobs[3]);
/* One line for traces; cluster for names. Returns the length it wanted. */
size_t message_print(const struct cluster *cluster, const struct message *m, char *text,
                     size_t size);
