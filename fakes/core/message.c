/*
 * message.c - what the host knows of each message kind, and messages as text.
 */
#include "core/message.h"
#include "core/actor.h"
#include "core/assert.h"
#include "core/cluster.h"
#include "core/record.h"
#include "core/text.h"

NAMES_DEFINE(message, MESSAGE_LIST)
NAMES_DEFINE(link, LINK_LIST)

/* Kafka, watches and remoting run over one connection per pair of nodes; posts over none. */
#define IS_ORDERED(link)                                                                       \
    ((link) == LINK_POST || (link) == LINK_KAFKA || (link) == LINK_WATCH ||                    \
     (link) == LINK_REMOTING || (link) == LINK_CONTROL)
#define MESSAGE_INFO(id, text, link_id, call_flag, carries_flag)                               \
    [MSG_##id] = {.link = LINK_##link_id,                                                      \
                  .call = (call_flag),                                                         \
                  .carries = (carries_flag),                                                   \
                  .ordered = IS_ORDERED(LINK_##link_id)},
const struct message_info message_infos[MESSAGE_KIND_COUNT] = {MESSAGE_LIST(MESSAGE_INFO)};

/* What an entry is about: stays the same when other requests are taken out of the load. */
static uint64_t entry_key(const struct entry *e)
{
    switch ((enum entry_kind)e->kind) {
    case ENTRY_ACTIVATION:
    case ENTRY_WARM_UP:
        return (uint64_t)e->u.activation.id << 8 | e->kind;
    case ENTRY_ACK:
        return (uint64_t)e->u.ack.id << 8 | (uint64_t)e->u.ack.kind << 4 | e->kind;
    case ENTRY_UNPARSABLE:
        return e->kind;
    case ENTRY_CREATION:
    case ENTRY_CREATION_ACK:
        return ((uint64_t)e->u.creation.id << 8 | e->kind) ^
               (uint64_t)e->u.creation.retry << 48 ^ (uint64_t)e->u.creation.deletion << 56;
    }
    return e->kind;
}

uint64_t message_key(const struct message *m)
{
    ASSERT_OP(m->kind, <, MESSAGE_KIND_COUNT);
    uint64_t kind = (uint64_t)m->kind << 16 | m->what;
    if (message_infos[m->kind].carries)
        return draw_mix(kind, m->u.invoke.id);
    switch ((enum message_kind)m->kind) {
    case MSG_KAFKA_PRODUCE:
        return draw_mix(kind ^ (uint64_t)m->u.produce.topic << 32,
                        entry_key(&m->u.produce.entry));
    case MSG_WATCH_EVENT:
        return draw_mix(kind ^ (uint64_t)m->u.watch.watch << 32, m->u.watch.revision);
    case MSG_KAFKA_HEARTBEAT:
        return draw_mix(kind ^ (uint64_t)m->u.kafka.topic << 32, m->u.kafka.member);
    case MSG_POST:
        return draw_mix(kind ^ (uint64_t)m->to_actor << 32,
                        draw_mix(m->from_actor, m->u.words[0]));
    default: /* a request or its answer: the asker's actor and number */
        break;
    }
    bool is_request = message_infos[m->kind].call || m->kind == MSG_CREATE_QUEUE;
    uint64_t asker = is_request ? m->from_actor : m->to_actor;
    return draw_mix(kind ^ asker << 32, m->corr);
}

unsigned message_blobs(struct message *m, blob *ret_blobs[3])
{
    switch ((enum message_kind)m->kind) {
    case MSG_HTTP_REQUEST:
        ret_blobs[0] = &m->u.http_request.path;
        ret_blobs[1] = &m->u.http_request.headers;
        ret_blobs[2] = &m->u.http_request.body;
        return 3;
    case MSG_HTTP_REPLY:
        ret_blobs[0] = &m->u.http_reply.headers;
        ret_blobs[1] = &m->u.http_reply.body;
        return 2;
    case MSG_HTTP_CHUNK:
        ret_blobs[0] = &m->u.http_chunk.body;
        return 1;
    case MSG_KAFKA_FRAME:
    case MSG_KAFKA_ANSWER:
        ret_blobs[0] = &m->u.kafka_frame.bytes;
        return 1;
    case MSG_DOCUMENT_CALL:
    case MSG_DOCUMENT_DONE:
        ret_blobs[0] = &m->u.document.body;
        return 1;
    case MSG_KAFKA_RECORDS:
        ret_blobs[0] = &m->u.kafka.batch;
        return 1;
    case MSG_ETCD_RANGED:
        ret_blobs[0] = &m->u.etcd_done.kvs;
        return 1;
    default: /* no other kind has any */
        return 0;
    }
}

struct out {
    const struct cluster *cluster;
    struct text_out to;
};

#define OUT(o, ...) TEXT_ADD(&(o)->to, __VA_ARGS__)

static void out_address(struct out *o, node_id node, actor_id actor)
{
    OUT(o, "%s", cluster_node_name(o->cluster, node));
    if (actor != 0)
        OUT(o, "/%s#%" PRIu32, actor_to_string(ACTOR_KIND(actor)), ACTOR_INDEX(actor));
}

static void out_activation_id(struct out *o, activation_id id)
{
    const char *system = (id & ACTIVATION_SYSTEM) != 0 ? "s" : "";
    OUT(o, " %s%" PRIu32 ".%" PRIu32, system, ACTIVATION_REQUEST(id & ~ACTIVATION_SYSTEM),
        id & 3);
}

static void out_action(struct out *o, action_id action)
{
    OUT(o, " %s", cluster_action_name(o->cluster, action));
}

static void out_activation(struct out *o, const struct activation *a)
{
    out_activation_id(o, a->id);
    out_action(o, a->action);
    OUT(o, "%s", a->blocking ? " blocking" : "");
}

static void out_key(struct out *o, const struct key *key)
{
    char text[320];
    key_print(o->cluster, key, text, sizeof text);
    OUT(o, " %s", text);
}

static void out_value(struct out *o, const struct value *value)
{
    char text[384];
    if (value->kind == VALUE_EMPTY)
        return;
    value_print(o->cluster, value, text, sizeof text);
    OUT(o, " %s", text);
}

static void out_topic(struct out *o, uint32_t topic)
{
    static const char *const names[TOPIC_KIND_COUNT] = {"completed", "scheduler", "creationAck",
                                                        "invoker"};
    const char *name =
        TOPIC_KIND(topic) < TOPIC_KIND_COUNT ? names[TOPIC_KIND(topic)] : "topic";
    OUT(o, " %s%" PRIu32, name, TOPIC_INDEX(topic));
}

static void out_creation(struct out *o, const struct creation *c)
{
    OUT(o, c->deletion ? " deletion" : " creation %06" PRIx32, c->id);
    out_action(o, c->action);
    if (c->retry > 0)
        OUT(o, " retry %u", c->retry);
    if (c->error != CREATION_NONE)
        OUT(o, " %s", creation_error_to_string(c->error));
}

static void out_entry(struct out *o, const struct entry *e)
{
    static const char *const acks[] = {"completion", "result", "combined"};
    switch ((enum entry_kind)e->kind) {
    case ENTRY_ACTIVATION:
        OUT(o, " activation");
        out_activation(o, &e->u.activation);
        break;
    case ENTRY_WARM_UP:
        OUT(o, " warm-up");
        break;
    case ENTRY_UNPARSABLE:
        OUT(o, " unparsable bytes");
        break;
    case ENTRY_ACK:
        OUT(o, " ack %s", e->u.ack.kind <= ACK_COMBINED ? acks[e->u.ack.kind] : "?");
        out_activation_id(o, e->u.ack.id);
        OUT(o, " %s", response_to_string(e->u.ack.status));
        if (e->u.ack.instance == ACK_BY_SCHEDULER)
            OUT(o, " (unparsable)");
        break;
    case ENTRY_CREATION:
    case ENTRY_CREATION_ACK:
        out_creation(o, &e->u.creation);
        break;
    }
}

static void out_http(struct out *o, const struct message *m)
{
    static const char *const methods[] = {"GET",     "POST", "PUT",  "DELETE",
                                          "OPTIONS", "HEAD", "PATCH"};
    if (m->kind == MSG_HTTP_REPLY)
        OUT(o, " %u", m->u.http_reply.status);
    else if (m->u.http_request.method <= HTTP_PATCH)
        OUT(o, " %s", methods[m->u.http_request.method]);
}

static void out_kafka(struct out *o, const struct message *m)
{
    out_topic(o, m->u.kafka.topic);
    if (m->kind == MSG_KAFKA_JOINED || m->kind == MSG_KAFKA_HEARTBEAT)
        OUT(o, " member %" PRIu32, m->u.kafka.member);
    if (m->kind == MSG_KAFKA_RECORDS || m->kind == MSG_KAFKA_POLL)
        OUT(o, " x%" PRIu32, m->u.kafka.count);
    if (m->kind == MSG_KAFKA_RECORDS || m->kind == MSG_KAFKA_COMMIT ||
        m->kind == MSG_KAFKA_POLL)
        OUT(o, " at %" PRIu64, m->u.kafka.offset);
    if (m->kind == MSG_KAFKA_RECORDS || m->kind == MSG_KAFKA_JOINED ||
        m->kind == MSG_KAFKA_COMMITTED)
        OUT(o, m->u.kafka.ok ? " ok" : " failed");
}

static void out_prefix(struct out *o, const struct key *prefix, unsigned depth)
{
    if (depth == 0)
        OUT(o, " all keys");
    else
        OUT(o, " %s depth %u", key_family_to_string(prefix->family), depth);
}

static void out_etcd(struct out *o, const struct message *m)
{
    static const char *const modes[] = {"get", "prefix", "count"};
    static const char *const statuses[] = {"ok", "lease not found", "unavailable",
                                           "lease exists"};
    if (m->kind == MSG_ETCD_RANGED || m->kind == MSG_ETCD_DONE) {
        OUT(o, " %s x%" PRIu32,
            m->u.etcd_done.status <= ETCD_LEASE_EXISTS ? statuses[m->u.etcd_done.status] : "?",
            m->u.etcd_done.count);
        OUT(o, m->u.etcd_done.succeeded ? " succeeded" : "");
        out_value(o, &m->u.etcd_done.value);
        return;
    }
    if (m->kind == MSG_ETCD_RANGE)
        OUT(o, " %s", m->u.etcd.mode <= RANGE_COUNT ? modes[m->u.etcd.mode] : "?");
    if (m->kind == MSG_ETCD_RANGE && m->u.etcd.mode != RANGE_GET) {
        out_prefix(o, &m->u.etcd.key, m->u.etcd.depth);
        return;
    }
    out_key(o, &m->u.etcd.key);
    out_value(o, &m->u.etcd.value);
    if (m->u.etcd.lease != 0)
        OUT(o, " lease %" PRIu32, m->u.etcd.lease);
}

static void out_watch(struct out *o, const struct message *m)
{
    OUT(o, " %u", m->u.watch.watch);
    if (m->kind == MSG_WATCH_CREATE) {
        out_prefix(o, &m->u.watch.key, m->u.watch.depth);
    } else if (m->kind == MSG_WATCH_EVENT) {
        OUT(o, m->u.watch.deleted ? " deleted" : " put");
        out_key(o, &m->u.watch.key);
        out_value(o, &m->u.watch.value);
    }
}

static void out_database(struct out *o, const struct message *m)
{
    static const char *const documents[] = {"action", "identity", "record"};
    static const char *const results[] = {"found", "missing", "mismatch", "error", "conflict"};
    if (m->u.database.document <= DOCUMENT_RECORD)
        OUT(o, " %s", documents[m->u.database.document]);
    if (m->u.database.id != 0)
        out_activation_id(o, m->u.database.id);
    out_action(o, m->u.database.action);
    if (m->kind == MSG_DATABASE_DOCUMENT && m->u.database.result <= DOCUMENT_CONFLICT)
        OUT(o, " %s", results[m->u.database.result]);
}

static void out_document(struct out *o, const struct message *m)
{
    static const char *const ops[] = {"get", "put", "delete", "list", "records"};
    static const char *const results[] = {"found", "missing", "mismatch", "error", "conflict"};
    if (m->u.document.op <= DOCUMENT_RECORDS)
        OUT(o, " %s", ops[m->u.document.op]);
    if (m->u.document.action != ACTION_NONE)
        out_action(o, m->u.document.action);
    if (m->kind == MSG_DOCUMENT_DONE && m->u.document.result <= DOCUMENT_CONFLICT)
        OUT(o, " %s", results[m->u.document.result]);
}

static void out_fetched(struct out *o, const struct message *m)
{
    static const char *const results[] = {"", " nothing", " no queue", " mismatch"};
    if (m->u.fetched.result == FETCHED_ACTIVATION)
        out_activation(o, &m->u.fetched.activation);
    else
        OUT(o, "%s",
            m->u.fetched.result <= FETCHED_MISMATCH ? results[m->u.fetched.result] : "");
}

static void out_control(struct out *o, const struct message *m)
{
    static const char *const ops[] = {"stop", "kill", "start", "pull", "remove-containers"};
    if (m->u.control.op <= CONTROL_REMOVE_CONTAINERS)
        OUT(o, " %s", ops[m->u.control.op]);
    OUT(o, " %s", cluster_node_name(o->cluster, m->u.control.node));
    if (m->kind == MSG_CONTROL_DONE)
        OUT(o, m->u.control_done.ok ? " ok" : " failed");
}

/* Calls between client, edge, controllers, schedulers, invokers and database. */
static void out_calls(struct out *o, const struct message *m)
{
    switch ((enum message_kind)m->kind) {
    case MSG_INVOKE:
        out_activation_id(o, m->u.invoke.id);
        out_action(o, m->u.invoke.action);
        OUT(o, "%s", m->u.invoke.blocking ? " blocking" : "");
        break;
    case MSG_INVOKE_REPLY:
        out_activation_id(o, m->u.invoke_reply.id);
        OUT(o, " %u %s", m->u.invoke_reply.status,
            response_to_string(m->u.invoke_reply.response));
        break;
    case MSG_EDGE_CHANGE:
    case MSG_EDGE_CHANGED:
        OUT(o, " %s %s", m->u.edge_change.add ? "add" : "remove",
            cluster_node_name(o->cluster, m->u.edge_change.controller));
        break;
    case MSG_FETCH:
        out_action(o, m->u.fetch.action);
        OUT(o, " container %08" PRIx32, m->u.fetch.container);
        break;
    case MSG_FETCHED:
        out_fetched(o, m);
        break;
    case MSG_RESCHEDULE:
    case MSG_FORWARD:
        out_activation(o, &m->u.activation);
        break;
    case MSG_RESCHEDULED:
        out_activation_id(o, m->u.rescheduled.id);
        OUT(o, m->u.rescheduled.ok ? " ok" : " failed");
        break;
    case MSG_CREATE_QUEUE:
    case MSG_QUEUE_CREATED:
        out_action(o, m->u.create_queue.action);
        if (m->kind == MSG_QUEUE_CREATED)
            OUT(o, m->u.queue_created.success ? " success" : " failed");
        break;
    case MSG_DATABASE_STORE:
    case MSG_DATABASE_STORED:
        out_activation_id(o, m->u.store.id);
        OUT(o, " %s", response_to_string(m->u.store.response));
        break;
    default: /* printed by out_payload */
        break;
    }
}

static void out_payload(struct out *o, const struct message *m)
{
    switch ((enum message_kind)m->kind) {
    case MSG_POST:
        OUT(o, " %u", m->what);
        break;
    case MSG_REFUSED:
        OUT(o, " %s", message_to_string(m->u.refused.kind));
        break;
    case MSG_CONTROL:
    case MSG_CONTROL_DONE:
        out_control(o, m);
        break;
    case MSG_HTTP_REQUEST:
    case MSG_HTTP_REPLY:
        out_http(o, m);
        break;
    case MSG_KAFKA_PRODUCE:
        out_topic(o, m->u.produce.topic);
        out_entry(o, &m->u.produce.entry);
        break;
    case MSG_KAFKA_PRODUCED:
        out_topic(o, m->u.produced.topic);
        OUT(o, m->u.produced.ok ? " ok at %" PRIu64 : " failed", m->u.produced.offset);
        break;
    case MSG_DOCUMENT_CALL:
    case MSG_DOCUMENT_DONE:
        out_document(o, m);
        break;
    case MSG_CACHE_INVALIDATION:
        out_action(o, m->u.invalidation.action);
        OUT(o, " revision %" PRIu32, m->u.invalidation.revision);
        break;
    case MSG_HTTP_CHUNK:
    case MSG_HTTP_CLOSED:
    case MSG_KAFKA_FRAME:
    case MSG_KAFKA_ANSWER:
    case MSG_KAFKA_CLOSED:
        OUT(o, " %" PRIu32, m->corr);
        break;
    case MSG_LEASE_GRANT:
    case MSG_LEASE_KEEPALIVE:
    case MSG_LEASE_REVOKE:
    case MSG_LEASE_DONE:
        OUT(o, " %" PRIu32 " ttl %" PRIu32, m->u.lease.lease, m->u.lease.ttl_s);
        break;
    case MSG_DATABASE_READ:
    case MSG_DATABASE_DOCUMENT:
        out_database(o, m);
        break;
    default: /* by the link it goes over */
        if (message_infos[m->kind].link == LINK_KAFKA)
            out_kafka(o, m);
        else if (message_infos[m->kind].link == LINK_ETCD)
            out_etcd(o, m);
        else if (message_infos[m->kind].link == LINK_WATCH)
            out_watch(o, m);
        else
            out_calls(o, m);
        break;
    }
}

size_t message_print(const struct cluster *cluster, const struct message *m, char *text,
                     size_t size)
{
    struct out o = {.cluster = cluster, .to = text_start(text, size)};
    out_address(&o, m->from, m->from_actor);
    OUT(&o, " > ");
    out_address(&o, m->to, m->to_actor);
    OUT(&o, " %s", message_to_string(m->kind));
    ASSERT_OP(m->kind, <, MESSAGE_KIND_COUNT);
    out_payload(&o, m);
    return o.to.length;
}
