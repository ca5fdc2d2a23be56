/*
 * wire_etcd.c - see wire_etcd.h: requests, in the gateway's spelling: bytes are base64, numbers
 * are strings, what has its default value is left out.
 */
#include "wire/wire_etcd.h"
#include "common/common.h"
#include "core/assert.h"
#include "wire/wire_internal.h"
#include <stdio.h>

#define TEXT_MAX 512u /* of a key or a value */

/* ---- requests ---- */

static void write_bytes(struct wire_buffer *body, const char *name, const char *bytes,
                        size_t length)
{
    wire_write_name(body, name);
    WIRE_ADD(body, ":\"");
    wire_buffer_base64(body, (struct wire_text){bytes, length});
    WIRE_ADD(body, "\"");
}

static void write_number(struct wire_buffer *body, const char *name, uint64_t number)
{
    wire_write_name(body, name);
    WIRE_ADD(body, ":\"");
    wire_buffer_number(body, number);
    WIRE_ADD(body, "\"");
}

static void write_key(const struct wire *self, const struct key *key, struct wire_buffer *body)
{
    char text[TEXT_MAX];
    size_t length = key_print(self->cluster, key, text, sizeof text);
    ASSERT_OP(length, <, sizeof text);
    write_bytes(body, "key", text, length);
}

/* The text in front of all keys that key_has_prefix finds; see key.h. */
static size_t prefix_print(const struct cluster *cluster, const struct key *prefix,
                           unsigned depth, char text[TEXT_MAX])
{
    char revision[24];
    const char *action = cluster_action_name(cluster, prefix->action);
    size_t length =
        (size_t)snprintf(text, TEXT_MAX, "whisk/%s", key_family_to_string(prefix->family));
    if (depth >= 2)
        length += (size_t)snprintf(text + length, TEXT_MAX - length, "/%s/",
                                   cluster_namespace_name(cluster, prefix->ns));
    if (depth >= 3) /* only a throttling key ends behind its action */
        length += (size_t)snprintf(text + length, TEXT_MAX - length, "%s%s", action,
                                   prefix->family == KEY_THROTTLING ? "" : "/");
    if (depth >= 4) {
        key_print_revision(prefix->revision, revision, sizeof revision);
        length += (size_t)snprintf(text + length, TEXT_MAX - length, "%s/", revision);
    }
    ASSERT_OP(length, <, TEXT_MAX);
    return length;
}

/* All that begins with it: up to the text whose last byte is one more. */
static void write_prefix(const struct wire *self, const struct key *prefix, unsigned depth,
                         struct wire_buffer *body)
{
    char text[TEXT_MAX] = "";
    size_t length = 1;
    bool is_all = prefix->family == KEY_NONE;
    if (!is_all)
        length = prefix_print(self->cluster, prefix, depth, text);
    write_bytes(body, "key", text, length);
    if (!is_all)
        text[length - 1]++; /* names are ASCII: never 0xff */
    WIRE_ADD(body, ",");
    write_bytes(body, "range_end", text, length);
}

static void write_range(const struct wire *self, const struct message *m,
                        struct wire_buffer *body)
{
    WIRE_ADD(body, "{");
    if (m->u.etcd.mode == RANGE_GET)
        write_key(self, &m->u.etcd.key, body);
    else
        write_prefix(self, &m->u.etcd.key, m->u.etcd.depth, body);
    if (m->u.etcd.mode == RANGE_COUNT)
        WIRE_ADD(body, ",\"count_only\":true");
    WIRE_ADD(body, "}");
}

static void write_put(const struct wire *self, const struct message *m,
                      struct wire_buffer *body)
{
    char text[TEXT_MAX];
    size_t length = value_print(self->cluster, &m->u.etcd.value, text, sizeof text);
    ASSERT_OP(length, <, sizeof text);
    WIRE_ADD(body, "{");
    write_key(self, &m->u.etcd.key, body);
    WIRE_ADD(body, ",");
    write_bytes(body, "value", text, length);
    if (m->u.etcd.lease != 0) {
        WIRE_ADD(body, ",");
        write_number(body, "lease", m->u.etcd.lease);
    }
    WIRE_ADD(body, "}");
}

/* EtcdClient.scala:123-137 */
static void write_put_if_absent(const struct wire *self, const struct message *m,
                                struct wire_buffer *body)
{
    WIRE_ADD(body, "{\"compare\":[{");
    write_key(self, &m->u.etcd.key, body);
    WIRE_ADD(body, ",\"target\":\"VERSION\",\"result\":\"EQUAL\",\"version\":\"0\"}],"
                   "\"success\":[{\"request_put\":");
    write_put(self, m, body);
    WIRE_ADD(body, "}]}");
}

static void write_delete(const struct wire *self, const struct message *m,
                         struct wire_buffer *body)
{
    WIRE_ADD(body, "{");
    write_key(self, &m->u.etcd.key, body);
    WIRE_ADD(body, "}");
}

static void write_lease(const struct message *m, struct wire_buffer *body)
{
    WIRE_ADD(body, "{");
    write_number(body, "ID", m->u.lease.lease);
    if (m->kind == MSG_LEASE_GRANT) {
        ASSERT(m->u.lease.lease != 0); /* else etcd would choose 63 bits */
        WIRE_ADD(body, ",");
        write_number(body, "TTL", m->u.lease.ttl_s);
    }
    WIRE_ADD(body, "}");
}

static void write_watch(const struct wire *self, const struct message *m,
                        struct wire_buffer *body)
{
    WIRE_ADD(body, "{\"create_request\":{");
    if (m->u.watch.depth == WATCH_EXACT)
        write_key(self, &m->u.watch.key, body);
    else
        write_prefix(self, &m->u.watch.key, m->u.watch.depth, body);
    WIRE_ADD(body, ",\"prev_kv\":true");
    if (m->u.watch.revision != 0) {
        WIRE_ADD(body, ",");
        write_number(body, "start_revision", m->u.watch.revision);
    }
    WIRE_ADD(body, "}}");
}

const char *wire_etcd_write(const struct wire *self, const struct message *m,
                            struct wire_buffer *body)
{
    switch ((enum message_kind)m->kind) {
    case MSG_ETCD_RANGE:
        write_range(self, m, body);
        return "/v3/kv/range";
    case MSG_ETCD_PUT:
        write_put(self, m, body);
        return "/v3/kv/put";
    case MSG_ETCD_TXN:
        write_put_if_absent(self, m, body);
        return "/v3/kv/txn";
    case MSG_ETCD_DELETE:
        write_delete(self, m, body);
        return "/v3/kv/deleterange";
    case MSG_LEASE_GRANT:
        write_lease(m, body);
        return "/v3/lease/grant";
    case MSG_LEASE_KEEPALIVE:
        write_lease(m, body);
        return "/v3/lease/keepalive";
    case MSG_LEASE_REVOKE:
        write_lease(m, body);
        return "/v3/lease/revoke";
    case MSG_WATCH_CREATE:
        write_watch(self, m, body);
        return "/v3/watch";
    default: /* the others have other ways */
        return NULL;
    }
}
