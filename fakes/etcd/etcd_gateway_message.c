/*
 * etcd_gateway_message.c - the tables of the requests; see etcd_gateway_message.h.
 */
#include "etcd/etcd_gateway_message.h"

#define FIELD(type, member, name_, camel_, kind_)                                              \
    {                                                                                          \
        .name = (name_), .camel = (camel_), .kind = GATEWAY_##kind_,                           \
        .offset = offsetof(struct gateway_##type, member)                                      \
    }
#define CHOICE(type, member, name_, camel_, kind_, of)                                         \
    {                                                                                          \
        .name = (name_), .camel = (camel_), .kind = GATEWAY_##kind_,                           \
        .offset = offsetof(struct gateway_##type, member), .values = (of)                      \
    }
#define NESTED(type, member, name_, camel_, kind_, of)                                         \
    {                                                                                          \
        .name = (name_), .camel = (camel_), .kind = GATEWAY_##kind_,                           \
        .offset = offsetof(struct gateway_##type, member), .message = (of)                     \
    }
#define MESSAGE(type)                                                                          \
    {                                                                                          \
        .fields = type##_fields,                                                               \
        .field_count = sizeof type##_fields / sizeof type##_fields[0],                         \
        .size = sizeof(struct gateway_##type)                                                  \
    }

static const struct gateway_enum sort_orders = {"etcdserverpb.RangeRequest_SortOrder",
                                                {"NONE", "ASCEND", "DESCEND"}};
static const struct gateway_enum sort_targets = {"etcdserverpb.RangeRequest_SortTarget",
                                                 {"KEY", "VERSION", "CREATE", "MOD", "VALUE"}};
static const struct gateway_enum compare_results = {"etcdserverpb.Compare_CompareResult",
                                                    {"EQUAL", "GREATER", "LESS", "NOT_EQUAL"}};
static const struct gateway_enum compare_targets = {
    "etcdserverpb.Compare_CompareTarget", {"VERSION", "CREATE", "MOD", "VALUE", "LEASE"}};
static const struct gateway_enum filters = {"etcdserverpb.WatchCreateRequest_FilterType",
                                            {"NOPUT", "NODELETE"}};
static const struct gateway_enum alarm_actions = {"etcdserverpb.AlarmRequest_AlarmAction",
                                                  {"GET", "ACTIVATE", "DEACTIVATE"}};
static const struct gateway_enum alarm_types = {"etcdserverpb.AlarmType",
                                                {"NONE", "NOSPACE", "CORRUPT"}};

/* Fields stand in the order in which upstream reads them: the first bad one is told. */
static const struct gateway_field range_fields[] = {
    FIELD(range, key, "key", "key", BYTES),
    FIELD(range, range_end, "range_end", "rangeEnd", BYTES),
    FIELD(range, limit, "limit", "limit", INT64),
    FIELD(range, revision, "revision", "revision", INT64),
    CHOICE(range, sort_order, "sort_order", "sortOrder", ENUM, &sort_orders),
    CHOICE(range, sort_target, "sort_target", "sortTarget", ENUM, &sort_targets),
    FIELD(range, serializable, "serializable", "serializable", BOOL),
    FIELD(range, keys_only, "keys_only", "keysOnly", BOOL),
    FIELD(range, count_only, "count_only", "countOnly", BOOL),
    FIELD(range, min_mod_revision, "min_mod_revision", "minModRevision", INT64),
    FIELD(range, max_mod_revision, "max_mod_revision", "maxModRevision", INT64),
    FIELD(range, min_create_revision, "min_create_revision", "minCreateRevision", INT64),
    FIELD(range, max_create_revision, "max_create_revision", "maxCreateRevision", INT64),
};
const struct gateway_message gateway_range_message = MESSAGE(range);

static const struct gateway_field put_fields[] = {
    FIELD(put, key, "key", "key", BYTES),
    FIELD(put, value, "value", "value", BYTES),
    FIELD(put, lease, "lease", "lease", INT64),
    FIELD(put, prev_kv, "prev_kv", "prevKv", BOOL),
    FIELD(put, ignore_value, "ignore_value", "ignoreValue", BOOL),
    FIELD(put, ignore_lease, "ignore_lease", "ignoreLease", BOOL),
};
const struct gateway_message gateway_put_message = MESSAGE(put);

static const struct gateway_field delete_fields[] = {
    FIELD(delete, key, "key", "key", BYTES),
    FIELD(delete, range_end, "range_end", "rangeEnd", BYTES),
    FIELD(delete, prev_kv, "prev_kv", "prevKv", BOOL),
};
const struct gateway_message gateway_delete_message = MESSAGE(delete);

static const struct gateway_field compare_fields[] = {
    CHOICE(compare, result, "result", "result", ENUM, &compare_results),
    CHOICE(compare, target, "target", "target", ENUM, &compare_targets),
    FIELD(compare, key, "key", "key", BYTES),
    FIELD(compare, range_end, "range_end", "rangeEnd", BYTES),
    FIELD(compare, version, "version", "version", INT64),
    FIELD(compare, create_revision, "create_revision", "createRevision", INT64),
    FIELD(compare, mod_revision, "mod_revision", "modRevision", INT64),
    FIELD(compare, value, "value", "value", BYTES),
    FIELD(compare, lease, "lease", "lease", INT64),
};
static const struct gateway_message compare_message = MESSAGE(compare);

static const struct gateway_field op_fields[] = {
    NESTED(op, range, "request_range", "requestRange", MESSAGE, &gateway_range_message),
    NESTED(op, put, "request_put", "requestPut", MESSAGE, &gateway_put_message),
    NESTED(op, delete, "request_delete_range", "requestDeleteRange", MESSAGE,
           &gateway_delete_message),
    NESTED(op, txn, "request_txn", "requestTxn", MESSAGE, &gateway_txn_message),
};
static const struct gateway_message op_message = MESSAGE(op);

static const struct gateway_field txn_fields[] = {
    NESTED(txn, compare, "compare", "compare", MESSAGES, &compare_message),
    NESTED(txn, success, "success", "success", MESSAGES, &op_message),
    NESTED(txn, failure, "failure", "failure", MESSAGES, &op_message),
};
const struct gateway_message gateway_txn_message = MESSAGE(txn);

static const struct gateway_field compaction_fields[] = {
    FIELD(compaction, revision, "revision", "revision", INT64),
    FIELD(compaction, physical, "physical", "physical", BOOL),
};
const struct gateway_message gateway_compaction_message = MESSAGE(compaction);

static const struct gateway_field grant_fields[] = {
    FIELD(grant, ttl, "TTL", "TTL", INT64),
    FIELD(grant, id, "ID", "ID", INT64),
};
const struct gateway_message gateway_grant_message = MESSAGE(grant);

static const struct gateway_field lease_fields[] = {
    FIELD(lease, id, "ID", "ID", INT64),
};
const struct gateway_message gateway_lease_message = MESSAGE(lease);

static const struct gateway_field ttl_fields[] = {
    FIELD(ttl, id, "ID", "ID", INT64),
    FIELD(ttl, keys, "keys", "keys", BOOL),
};
const struct gateway_message gateway_ttl_message = MESSAGE(ttl);

static const struct gateway_field create_fields[] = {
    FIELD(create, key, "key", "key", BYTES),
    FIELD(create, range_end, "range_end", "rangeEnd", BYTES),
    FIELD(create, start_revision, "start_revision", "startRevision", INT64),
    FIELD(create, progress_notify, "progress_notify", "progressNotify", BOOL),
    CHOICE(create, filters, "filters", "filters", ENUMS, &filters),
    FIELD(create, prev_kv, "prev_kv", "prevKv", BOOL),
    FIELD(create, watch_id, "watch_id", "watchId", INT64),
    FIELD(create, fragment, "fragment", "fragment", BOOL),
};
static const struct gateway_message create_message = MESSAGE(create);

static const struct gateway_field cancel_fields[] = {
    FIELD(cancel, watch_id, "watch_id", "watchId", INT64),
};
static const struct gateway_message cancel_message = MESSAGE(cancel);
static const struct gateway_message progress_message = {.size =
                                                            sizeof(struct gateway_progress)};

static const struct gateway_field watch_fields[] = {
    NESTED(watch, create, "create_request", "createRequest", MESSAGE, &create_message),
    NESTED(watch, cancel, "cancel_request", "cancelRequest", MESSAGE, &cancel_message),
    NESTED(watch, progress, "progress_request", "progressRequest", MESSAGE, &progress_message),
};
const struct gateway_message gateway_watch_message = MESSAGE(watch);

static const struct gateway_field alarm_fields[] = {
    CHOICE(alarm, action, "action", "action", ENUM, &alarm_actions),
    FIELD(alarm, member, "memberID", "memberID", INT64),
    CHOICE(alarm, alarm, "alarm", "alarm", ENUM, &alarm_types),
};
const struct gateway_message gateway_alarm_message = MESSAGE(alarm);
const struct gateway_message gateway_empty_message = {.size = sizeof(struct gateway_empty)};
