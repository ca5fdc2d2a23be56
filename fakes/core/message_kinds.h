#pragma once
/*
 * message_kinds.h - the links between nodes, and every kind of message with the link it takes.
 */
#include "core/names.h"

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
