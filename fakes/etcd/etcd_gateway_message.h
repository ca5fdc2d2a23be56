#pragma once
/*
 * etcd_gateway_message.h - the requests of etcd's v3 API as the gateway reads them.
 *
 * Each message is a struct and a table of its fields; one reader fills any of them. Both
 * spellings of a name are taken (the camel one wins), the last of equal names counts, unknown
 * names and `null` do nothing. Texts and lists lie in the request's own memory.
 * Source: etcd v3.4.23 etcdserver/etcdserverpb/rpc.proto; golang/protobuf 1.3.2
 * jsonpb/jsonpb.go, unmarshal.
 */
#include "etcd/etcd_gateway_json.h"

/* Blocks of one request, freed together. */
struct gateway_block {
    struct gateway_block *next;
    uint64_t spare; /* keeps what follows aligned */
    char bytes[];
};
struct gateway_memory {
    const struct machine_env *env;
    struct gateway_block *first;
    uint32_t depth; /* of the messages inside of messages that are being read */
};
/* A transaction that nests deeper is refused whatever it holds (key.go, checkRequestOp). */
#define GATEWAY_DEPTH_MAX 129u
void *gateway_alloc(struct gateway_memory *self, size_t size); /* zeroed, never NULL */
void gateway_memory_free(struct gateway_memory *self);

struct gateway_list { /* of messages, or of int32_t */
    void *items;
    uint32_t count;
};

struct gateway_range {
    struct etcd_text key, range_end;
    int64_t limit, revision;
    int64_t min_mod_revision, max_mod_revision, min_create_revision, max_create_revision;
    int32_t sort_order, sort_target;
    bool serializable, keys_only, count_only;
};
struct gateway_put {
    struct etcd_text key, value;
    int64_t lease;
    bool prev_kv, ignore_value, ignore_lease;
};
struct gateway_delete {
    struct etcd_text key, range_end;
    bool prev_kv;
};
struct gateway_compare {
    int32_t result, target;
    struct etcd_text key, range_end, value;
    int64_t version, create_revision, mod_revision, lease;
};
struct gateway_txn {
    struct gateway_list compare, success, failure;
};
struct gateway_op { /* one of them, or none */
    struct gateway_range *range;
    struct gateway_put *put;
    struct gateway_delete *delete;
    struct gateway_txn *txn;
};
struct gateway_compaction {
    int64_t revision;
    bool physical;
};
struct gateway_grant {
    int64_t ttl, id;
};
struct gateway_lease { /* revoke, keep-alive */
    int64_t id;
};
struct gateway_ttl {
    int64_t id;
    bool keys;
};
struct gateway_create {
    struct etcd_text key, range_end;
    int64_t start_revision, watch_id;
    struct gateway_list filters; /* of int32_t */
    bool progress_notify, prev_kv, fragment;
};
struct gateway_cancel {
    int64_t watch_id;
};
struct gateway_progress {
    bool spare; /* it has no fields */
};
struct gateway_watch { /* one of them, or none */
    struct gateway_create *create;
    struct gateway_cancel *cancel;
    struct gateway_progress *progress;
};
struct gateway_alarm {
    int32_t action, alarm;
    int64_t member;
};
struct gateway_empty {
    bool spare;
};

enum gateway_kind { /* of a field, by its type in Go */
                    GATEWAY_BYTES,
                    GATEWAY_INT64,
                    GATEWAY_BOOL,
                    GATEWAY_ENUM,     /* int32_t */
                    GATEWAY_ENUMS,    /* struct gateway_list of them */
                    GATEWAY_MESSAGE,  /* pointer */
                    GATEWAY_MESSAGES, /* struct gateway_list */
};
struct gateway_enum {
    const char *type;
    const char *names[6]; /* by number; NULL behind the last */
};
struct gateway_message;
struct gateway_field {
    const char *name, *camel;
    uint32_t kind, offset;
    const struct gateway_enum *values;
    const struct gateway_message *message;
};
struct gateway_message {
    const struct gateway_field *fields;
    uint32_t field_count;
    size_t size;
};
extern const struct gateway_message gateway_range_message, gateway_put_message,
    gateway_delete_message, gateway_txn_message, gateway_compaction_message,
    gateway_grant_message, gateway_lease_message, gateway_ttl_message, gateway_watch_message,
    gateway_alarm_message, gateway_empty_message;

enum gateway_alarm_action { ALARM_GET, ALARM_ACTIVATE, ALARM_DEACTIVATE };
enum gateway_filter { FILTER_NO_PUT, FILTER_NO_DELETE };

/* One scanned value into `ret_message`, which is zeroed. */
bool gateway_message_read(const struct gateway_message *message, struct etcd_text value,
                          struct gateway_memory *memory, void *ret_message,
                          struct gateway_error *error);
