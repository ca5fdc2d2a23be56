/*
 * wire_entry_read.c - records of topics as upstream's readers read them.
 *
 * Each object is walked once for the members that count; fields that only upstream's own types
 * want are asked for, not looked at. Optional members may be absent or null, all others must be
 * there; unknown ones are skipped.
 * Source: Message.scala:53-753, InstanceId.scala:77-196, TransactionId.scala:270-304 at
 * 1fae641a2.
 */
#include "core/assert.h"
#include "core/record.h"
#include "wire/wire_entry.h"
#include "wire/wire_internal.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define EPOCH_BASE_MS (TSTAMP_EPOCH_MS - TSTAMP_ORIGIN / MSEC(1))     /* of the instant 0 */
#define EPOCH_MAX_MS (EPOCH_BASE_MS + SEC(3600) * 24 * 365 / MSEC(1)) /* saturates */
#define INDEX_MAX UINT16_MAX
#define INSTANCE_NAME_MAX 128u

static const char *const topic_names[TOPIC_KIND_COUNT] = {"completed", "scheduler",
                                                          "creationAck", "invoker"};
static const uint8_t topic_nodes[TOPIC_KIND_COUNT] = {NODE_CONTROLLER, NODE_SCHEDULER,
                                                      NODE_SCHEDULER, NODE_INVOKER};

/* ---- topics ---- */

void wire_topic_write(uint32_t topic, struct wire_buffer *buffer)
{
    ASSERT_OP(TOPIC_KIND(topic), <, TOPIC_KIND_COUNT);
    wire_buffer_text(buffer, topic_names[TOPIC_KIND(topic)]);
    wire_buffer_number(buffer, TOPIC_INDEX(topic));
}

bool wire_topic_read(const struct cluster *cluster, struct wire_text text, uint32_t *ret_topic)
{
    for (unsigned kind = 0; kind < TOPIC_KIND_COUNT; kind++) {
        size_t length = strlen(topic_names[kind]);
        if (!wire_text_begins(text, topic_names[kind]))
            continue;
        struct wire_text rest = {text.bytes + length, text.length - length};
        uint64_t index;
        bool is_padded = rest.length > 1 && rest.bytes[0] == '0';
        if (is_padded || !wire_decimal(rest, INDEX_MAX, &index) ||
            index >= cluster->counts[topic_nodes[kind]])
            return false;
        *ret_topic = TOPIC(kind, index);
        return true;
    }
    return false;
}

static node_id topic_node(const struct wire *self, uint32_t topic)
{
    return cluster_node(self->cluster, (enum node_kind)topic_nodes[TOPIC_KIND(topic)],
                        TOPIC_INDEX(topic));
}

/* ---- pieces ---- */

/* What cannot be read becomes sid_unknown, which starts when it is read: here, at the first
 * instant that there is. */
static tstamp read_transaction(struct json_in value)
{
    struct json_in id, start;
    uint64_t ms;
    if (!json_in_element(value, 0, &id) || !json_in_element(value, 1, &start) ||
        id.kind != JSON_STRING || !wire_json_number(start, INT64_MAX, &ms) ||
        ms < EPOCH_BASE_MS)
        return 0;
    return ((ms > EPOCH_MAX_MS ? EPOCH_MAX_MS : ms) - EPOCH_BASE_MS) * MSEC(1);
}

/* Ids of controllers and schedulers become part of topics (InstanceId.scala:170-187). */
static bool is_instance_name(struct wire_text text)
{
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        bool is_alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric && c != '.' && c != '_' && c != '-')
            return false;
    }
    return text.length > 0 && text.length <= INSTANCE_NAME_MAX;
}

/* {"asString":"0"} with the type or without; NODE_NONE: one that the cluster has not. */
static bool read_as_string(const struct wire *self, struct json_in value, enum node_kind kind,
                           node_id *ret_node)
{
    static const char *const names[] = {"asString", "instanceType"};
    struct json_in members[COUNT(names)];
    struct wire_json_text text;
    uint64_t index;
    json_in_members(value, names, COUNT(names), members);
    if (!wire_json_text(members[0], &text) || !is_instance_name(text.text))
        return false;
    if (kind == NODE_CONTROLLER && members[1].kind != JSON_INVALID &&
        !wire_json_is(members[1], "controller"))
        return false;
    *ret_node = wire_decimal(text.text, INDEX_MAX, &index)
                    ? cluster_node(self->cluster, kind, (uint32_t)index)
                    : NODE_NONE;
    return true;
}

/* "0 MB": a number, blanks, a unit (Size.scala:158-186). */
static bool read_memory(struct json_in value, bool *ret_is_zero)
{
    struct wire_json_text size;
    uint64_t number;
    if (!wire_json_text(value, &size))
        return false;
    struct wire_text digits = {size.text.bytes, 0};
    while (digits.length < size.text.length && digits.bytes[digits.length] >= '0' &&
           digits.bytes[digits.length] <= '9')
        digits.length++;
    *ret_is_zero = wire_decimal(digits, INT64_MAX, &number) && number == 0;
    return digits.length > 0 && digits.length < size.text.length;
}

struct instance {
    node_id node;  /* NODE_NONE: one that the cluster has not */
    bool is_empty; /* without memory: nobody's */
};

static bool read_invoker(const struct wire *self, struct json_in value,
                         struct instance *ret_instance)
{
    static const char *const names[] = {"instance", "userMemory", "instanceType", "tags",
                                        "dedicatedNamespaces"};
    struct json_in members[COUNT(names)];
    uint64_t index;
    json_in_members(value, names, COUNT(names), members);
    if (!wire_json_number(members[0], INT32_MAX, &index) ||
        !read_memory(members[1], &ret_instance->is_empty) ||
        !wire_json_is(members[2], "invoker") || members[3].kind != JSON_ARRAY ||
        members[4].kind != JSON_ARRAY)
        return false;
    ret_instance->node = cluster_node(self->cluster, NODE_INVOKER, (uint32_t)index);
    return true;
}

/* ---- activations ---- */

bool wire_read_activation(const struct wire *self, struct json_in value,
                          struct activation *ret_activation)
{
    static const char *const names[] = {"action",   "activationId", "blocking",
                                        "initArgs", "lockedArgs",   "revision",
                                        "transid",  "user",         "rootControllerIndex"};
    static const char *const user_names[] = {"namespace", "subject", "authkey", "rights"};
    struct json_in members[COUNT(names)], user[COUNT(user_names)], ns;
    struct activation a = {0};
    bool blocking;
    json_in_members(value, names, COUNT(names), members);
    json_in_members(members[7], user_names, COUNT(user_names), user);
    if (!wire_read_action(self, members[0], &a.action) ||
        !wire_json_bool(members[2], &blocking) || members[3].kind != JSON_ARRAY ||
        members[4].kind != JSON_OBJECT || !wire_read_revision(members[5], &a.revision) ||
        members[6].kind == JSON_INVALID || !json_in_member(user[0], "name", &ns) ||
        !wire_read_namespace(self, ns, &a.ns) || user[1].kind != JSON_STRING ||
        user[2].kind != JSON_OBJECT || user[3].kind != JSON_ARRAY ||
        !read_as_string(self, members[8], NODE_CONTROLLER, &a.controller))
        return false;
    if (!wire_read_activation_id(self, members[1], &a.id)) {
        if (a.action != ACTION_WARM_UP || members[1].kind != JSON_STRING)
            return false;
        a.id = 0; /* made up by somebody else; nothing becomes of it */
    }
    a.blocking = blocking;
    a.started_at = read_transaction(members[6]);
    *ret_activation = a;
    return true;
}

bool wire_activation_read(const struct wire *self, struct wire_text text,
                          struct activation *ret_activation)
{
    struct json_in value = json_in_parse(text.bytes, text.length);
    return wire_read_activation(self, value, ret_activation);
}

/* ---- acks ---- */

/* All required fields of a record (WhiskActivation.scala:52-64). */
static bool has_record(const struct json_in *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!wire_json_has(members[i]))
            return false;
    }
    return true;
}

/* The whole name is in the annotation `path`; the record's own name lacks the package. */
static action_id read_record_action(const struct wire *self, struct json_in annotations)
{
    static const char *const names[] = {"key", "value"};
    struct json_in item, members[COUNT(names)];
    struct wire_json_text text;
    for (size_t i = 0; i < 16 && json_in_element(annotations, i, &item); i++) {
        json_in_members(item, names, COUNT(names), members);
        if (wire_json_is(members[0], "path") && wire_json_text(members[1], &text))
            return wire_find_action(self, text.text);
    }
    return ACTION_NONE;
}

/* A text that is none of ours is the action's own error, or it is left out. */
static enum error_text read_error(struct json_in result, uint8_t status)
{
    struct json_in value;
    struct wire_json_text text;
    enum error_text other =
        status == RESPONSE_APPLICATION_ERROR ? ERROR_ACTION_ERROR : ERROR_NONE;
    if (!json_in_member(result, "error", &value))
        return ERROR_NONE;
    if (!wire_json_text(value, &text))
        return other;
    enum error_text error = wire_find_error(text.text);
    return error < ERROR_TEXT_COUNT ? error : other;
}

static bool read_record(const struct wire *self, struct json_in value, struct ack *ack)
{
    static const char *const names[] = {"activationId", "annotations", "end",     "logs",
                                        "name",         "namespace",   "publish", "response",
                                        "start",        "subject",     "version", "duration"};
    static const char *const response_names[] = {"statusCode", "result"};
    struct json_in members[COUNT(names)], response[COUNT(response_names)];
    uint64_t status, run_ms = 0;
    json_in_members(value, names, COUNT(names), members);
    if (!has_record(members, COUNT(names) - 1) ||
        !wire_read_activation_id(self, members[0], &ack->id))
        return false;
    json_in_members(members[7], response_names, COUNT(response_names), response);
    if (!wire_json_number(response[0], RESPONSE_COUNT - 1, &status) ||
        (wire_json_has(members[11]) && !wire_json_number(members[11], UINT32_MAX, &run_ms)))
        return false;
    ack->status = (uint8_t)status;
    ack->error = (uint8_t)read_error(response[1], ack->status);
    ack->run_ms = (uint32_t)run_ms;
    ack->action = read_record_action(self, members[1]);
    if (!wire_read_namespace(self, members[5], &ack->ns))
        ack->ns = NAMESPACE_NONE;
    return true;
}

static bool read_instance(const struct wire *self, struct json_in value, struct ack *ack)
{
    struct json_in type;
    struct instance instance;
    if (!json_in_member(value, "instanceType", &type)) {
        ack->instance = ACK_BY_SCHEDULER;
        return read_as_string(self, value, NODE_SCHEDULER, &ack->signer);
    }
    if (wire_json_is(type, "controller")) {
        ack->instance = ACK_BY_INVOKER;
        return read_as_string(self, value, NODE_CONTROLLER, &ack->signer);
    }
    if (!read_invoker(self, value, &instance))
        return false;
    ack->instance = instance.is_empty ? ACK_BY_PLACEHOLDER : ACK_BY_INVOKER;
    ack->signer = instance.is_empty ? NODE_NONE : instance.node;
    return true;
}

/* An id, or a record that says more. */
static bool read_response(const struct wire *self, struct json_in value, struct ack *ack)
{
    if (value.kind == JSON_OBJECT)
        return read_record(self, value, ack);
    ack->shrunk = 1;
    return wire_read_activation_id(self, value, &ack->id);
}

static bool read_ack(const struct wire *self, uint32_t topic, struct json_in value,
                     struct entry *ret_entry)
{
    static const char *const names[] = {"instance", "response", "isSystemError", "transid",
                                        "activationId"};
    struct json_in members[COUNT(names)];
    struct ack ack = {.signer = NODE_NONE,
                      .controller = topic_node(self, topic),
                      .action = ACTION_NONE,
                      .ns = NAMESPACE_NONE};
    bool is_system_error = false;
    json_in_members(value, names, COUNT(names), members);
    bool has_instance = members[0].kind != JSON_INVALID;
    bool has_response = members[1].kind != JSON_INVALID;
    ack.kind = (uint8_t)(!has_instance  ? ACK_RESULT
                         : has_response ? ACK_COMBINED
                                        : ACK_COMPLETION);
    if (members[3].kind == JSON_INVALID)
        return false;
    if (has_instance && wire_json_has(members[2]) &&
        !wire_json_bool(members[2], &is_system_error))
        return false;
    if (is_system_error)
        ack.status = RESPONSE_WHISK_ERROR;
    if (has_instance && !read_instance(self, members[0], &ack))
        return false;
    if (ack.kind == ACK_COMPLETION ? !wire_read_activation_id(self, members[4], &ack.id)
                                   : !read_response(self, members[1], &ack))
        return false;
    ret_entry->kind = ENTRY_ACK;
    ret_entry->u.ack = ack;
    return true;
}

/* ---- creations ---- */

/* What creations, deletions and their acks have in common. */
enum {
    BASE_ACTION,
    BASE_NAMESPACE,
    BASE_REVISION,
    BASE_TRANSACTION,
    BASE_METADATA,
    BASE_ID,
    BASE_RETRY,
    BASE_HOST,
    BASE_PORT,
    BASE_ROOT,
    BASE_ERROR,
    BASE_REASON,
    BASE_COUNT
};

static bool read_creation_base(const struct wire *self, const struct json_in *members,
                               struct creation *creation)
{
    return wire_read_action(self, members[BASE_ACTION], &creation->action) &&
           wire_read_namespace(self, members[BASE_NAMESPACE], &creation->ns) &&
           wire_read_revision(members[BASE_REVISION], &creation->revision) &&
           members[BASE_TRANSACTION].kind != JSON_INVALID &&
           members[BASE_METADATA].kind == JSON_OBJECT;
}

static bool read_creation_id(struct json_in value, struct creation *creation)
{
    struct wire_json_text text;
    if (!wire_json_text(value, &text))
        return false;
    if (cluster_creation_read(text.text.bytes, text.text.length, &creation->id))
        return true;
    creation->id = 0; /* as an activation's */
    return creation->action == ACTION_WARM_UP;
}

static bool read_creation_rest(const struct json_in *members, struct creation *creation)
{
    uint64_t retry, port;
    if (!read_creation_id(members[BASE_ID], creation) ||
        !wire_json_number(members[BASE_RETRY], UINT8_MAX, &retry) ||
        members[BASE_HOST].kind != JSON_STRING ||
        !wire_json_number(members[BASE_PORT], UINT16_MAX, &port))
        return false;
    creation->retry = (uint8_t)retry;
    return true;
}

static bool read_creation(const struct wire *self, uint32_t topic, struct json_in value,
                          struct entry *ret_entry)
{
    static const char *const names[BASE_COUNT - 2] = {
        "action",     "invocationNamespace", "revision",      "transid", "whiskActionMetaData",
        "creationId", "retryCount",          "schedulerHost", "rpcPort", "rootSchedulerIndex"};
    struct json_in members[COUNT(names)];
    struct creation creation = {.scheduler = NODE_NONE, .invoker = topic_node(self, topic)};
    json_in_members(value, names, COUNT(names), members);
    if (!read_creation_base(self, members, &creation))
        return false;
    creation.deletion = members[BASE_ID].kind == JSON_INVALID;
    if (!creation.deletion &&
        (!read_creation_rest(members, &creation) ||
         !read_as_string(self, members[BASE_ROOT], NODE_SCHEDULER, &creation.scheduler)))
        return false;
    bool is_warm_up = creation.action == ACTION_WARM_UP && !creation.deletion;
    ret_entry->kind = is_warm_up ? ENTRY_WARM_UP : ENTRY_CREATION;
    ret_entry->u.creation = creation;
    return true;
}

/* Upstream compares names in upper case, without blanks around them (Message.scala:699-724). */
static bool read_creation_error(struct json_in value, struct creation *creation)
{
    struct wire_json_text text;
    if (!wire_json_has(value))
        return true;
    if (!wire_json_text(value, &text))
        return false;
    for (unsigned error = CREATION_NONE + 1; error < CREATION_ERROR_COUNT; error++) {
        const char *name = creation_error_to_string(error);
        size_t length = strlen(name), i = 0;
        while (i < length && length == text.text.length &&
               ((name[i] ^ text.text.bytes[i]) & ~0x20) == 0)
            i++;
        if (i == length) {
            creation->error = (uint8_t)error;
            return true;
        }
    }
    return false;
}

/* Which read has failed, of one that a machine of ours wrote. */
static bool read_creation_reason(struct json_in value, struct creation *creation)
{
    struct wire_json_text text;
    if (creation->error != CREATION_DB_FETCH || !wire_json_has(value))
        return true;
    if (!wire_json_text(value, &text))
        return false;
    for (unsigned result = DOCUMENT_MISSING; result <= DOCUMENT_ERROR; result++) {
        struct creation as = {.error = CREATION_DB_FETCH, .document = (uint8_t)result};
        const char *reason = wire_creation_reason(&as);
        if (strlen(reason) == text.text.length &&
            memcmp(reason, text.text.bytes, text.text.length) == 0)
            creation->document = (uint8_t)result;
    }
    return true;
}

static bool read_creation_ack(const struct wire *self, uint32_t topic, struct json_in value,
                              struct entry *ret_entry)
{
    static const char *const names[BASE_COUNT] = {
        "action",         "invocationNamespace", "revision",   "transid",
        "actionMetaData", "creationId",          "retryCount", "schedulerHost",
        "rpcPort",        "rootInvokerIndex",    "error",      "reason"};
    struct json_in members[COUNT(names)];
    struct creation creation = {.scheduler = topic_node(self, topic)};
    struct instance instance;
    json_in_members(value, names, COUNT(names), members);
    if (!read_creation_base(self, members, &creation) ||
        !read_creation_rest(members, &creation) ||
        !read_invoker(self, members[BASE_ROOT], &instance) ||
        !read_creation_error(members[BASE_ERROR], &creation) ||
        !read_creation_reason(members[BASE_REASON], &creation))
        return false;
    creation.invoker = instance.node;
    ret_entry->kind = ENTRY_CREATION_ACK;
    ret_entry->u.creation = creation;
    return true;
}

/* ---- by topic ---- */

static bool read_activation_entry(const struct wire *self, struct json_in value,
                                  struct entry *ret_entry)
{
    if (!wire_read_activation(self, value, &ret_entry->u.activation))
        return false;
    bool is_warm_up = ret_entry->u.activation.action == ACTION_WARM_UP;
    ret_entry->kind = is_warm_up ? ENTRY_WARM_UP : ENTRY_ACTIVATION;
    return true;
}

struct entry wire_entry_read(const struct wire *self, uint32_t topic, struct wire_text text)
{
    struct entry entry = {.kind = ENTRY_UNPARSABLE};
    struct json_in value = json_in_parse(text.bytes, text.length);
    entry.not_json = value.kind == JSON_INVALID;
    if (value.kind != JSON_OBJECT)
        return entry;
    bool is_read = false;
    switch (TOPIC_KIND(topic)) {
    case TOPIC_COMPLETED:
        is_read = read_ack(self, topic, value, &entry);
        break;
    case TOPIC_SCHEDULER:
        is_read = read_activation_entry(self, value, &entry);
        break;
    case TOPIC_CREATION_ACK:
        is_read = read_creation_ack(self, topic, value, &entry);
        break;
    case TOPIC_INVOKER:
        is_read = read_creation(self, topic, value, &entry);
        break;
    case TOPIC_KIND_COUNT:
        break;
    }
    return is_read ? entry : (struct entry){.kind = ENTRY_UNPARSABLE};
}
