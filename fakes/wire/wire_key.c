/*
 * wire_key.c - see wire_key.h.
 *
 * A key is read loosely, piece by piece, and printed again: only if that gives the same text is
 * it one of the cluster's. An action's name has two or three pieces, so what follows it is
 * counted from the end.
 */
#include "wire/wire_key.h"
#include "core/assert.h"
#include "wire/wire_internal.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KEY_TEXT_MAX 512u
#define PIECES_MAX 12u
#define INDEX_MAX UINT16_MAX

struct pieces {
    struct wire_text list[PIECES_MAX];
    size_t count;
};

static bool split(struct wire_text text, struct pieces *ret_pieces)
{
    size_t first = 0;
    ret_pieces->count = 0;
    for (size_t i = 0; i <= text.length; i++) {
        if (i < text.length && text.bytes[i] != '/')
            continue;
        if (ret_pieces->count == PIECES_MAX)
            return false;
        ret_pieces->list[ret_pieces->count++] =
            (struct wire_text){text.bytes + first, i - first};
        first = i + 1;
    }
    return true;
}

/* A node by its index behind a prefix ("invoker2"), or alone ("2"). */
static bool read_node(const struct cluster *cluster, struct wire_text text, const char *prefix,
                      enum node_kind kind, node_id *ret_node)
{
    size_t length = strlen(prefix);
    uint64_t index;
    if (!wire_text_begins(text, prefix) ||
        !wire_decimal((struct wire_text){text.bytes + length, text.length - length}, INDEX_MAX,
                      &index))
        return false;
    *ret_node = cluster_node(cluster, kind, (uint32_t)index);
    return *ret_node != NODE_NONE;
}

static bool read_ns(const struct cluster *cluster, struct wire_text text, struct key *key)
{
    key->ns = wire_text_is(text, cluster_namespace_name(cluster, NAMESPACE_SYSTEM))
                  ? NAMESPACE_SYSTEM
                  : cluster_find_namespace(cluster, text.bytes, text.length);
    return key->ns != NAMESPACE_NONE;
}

/* Pieces first to end, as they stand in the text. */
static bool read_action(const struct cluster *cluster, const struct pieces *pieces,
                        size_t first, size_t end, struct key *key)
{
    struct wire wire = {.cluster = cluster};
    if (end <= first)
        return false;
    const char *from = pieces->list[first].bytes;
    const char *to = pieces->list[end - 1].bytes + pieces->list[end - 1].length;
    key->action = wire_find_action(&wire, (struct wire_text){from, (size_t)(to - from)});
    return key->action != ACTION_NONE;
}

static bool read_container(struct wire_text text, uint32_t *ret_id)
{
    uint32_t id = 0;
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < text.length; i++) {
        const char *digit = memchr(digits, text.bytes[i], 16);
        if (digit == NULL)
            return false;
        id = id << 4 | (uint32_t)(digit - digits);
    }
    *ret_id = id;
    return text.length == 8;
}

/* in-progress, namespace, warmed: whisk/FAMILY/NS/ACTION/REVISION/... */
static bool read_container_key(const struct cluster *cluster, const struct pieces *p,
                               struct key *key)
{
    size_t tail = key->family == KEY_EXISTING ? 4 : 5;
    if (p->count < 3 + tail)
        return false;
    const struct wire_text *rest = &p->list[p->count - tail], *last = &rest[tail - 1];
    if (!read_ns(cluster, p->list[2], key) ||
        !read_action(cluster, p, 3, p->count - tail, key) ||
        !wire_revision_read(rest[0], &key->revision))
        return false;
    if (key->family == KEY_IN_PROGRESS)
        return read_node(cluster, rest[2], "", NODE_SCHEDULER, &key->node) &&
               cluster_creation_read(last->bytes, last->length, &key->id);
    bool is_warmed = key->family == KEY_WARMED;
    return read_node(cluster, rest[is_warmed ? 2 : 1], is_warmed ? "" : "invoker", NODE_INVOKER,
                     &key->node) &&
           read_container(*last, &key->id);
}

static bool read_fields(const struct cluster *cluster, const struct pieces *p, struct key *key)
{
    if (p->count < 3)
        return false;
    struct wire_text third = p->list[2];
    switch ((enum key_family)key->family) {
    case KEY_INSTANCE:
        return read_node(cluster, third, "scheduler", NODE_SCHEDULER, &key->node) ||
               read_node(cluster, third, "invoker", NODE_INVOKER, &key->node);
    case KEY_INVOKERS: /* by the number of pieces; printed again, the names must be ours */
        key->id = p->count == 3   ? INVOKER_UNNAMED
                  : p->count == 4 ? INVOKER_UNIQUE
                                  : INVOKER_DISPLAYED;
        return read_node(cluster, third, "", NODE_INVOKER, &key->node);
    case KEY_SCHEDULER:
        return read_node(cluster, third, "", NODE_SCHEDULER, &key->node);
    case KEY_QUEUE:
        return read_ns(cluster, third, key) && read_action(cluster, p, 3, p->count - 1, key);
    case KEY_THROTTLING:
        key->action = ACTION_NONE;
        return read_ns(cluster, third, key) &&
               (p->count == 3 || read_action(cluster, p, 3, p->count, key));
    case KEY_IN_PROGRESS:
    case KEY_EXISTING:
    case KEY_WARMED:
        return read_container_key(cluster, p, key);
    case KEY_NONE:
    case KEY_RAW:
    case KEY_FAMILY_COUNT:
        break;
    }
    return false;
}

bool wire_key_read(const struct cluster *cluster, struct wire_text text, struct key *ret_key)
{
    struct pieces pieces;
    struct key key = {.family = KEY_IN_PROGRESS};
    char printed[KEY_TEXT_MAX];
    if (text.length == 0 || text.length >= sizeof printed || !split(text, &pieces) ||
        pieces.count < 3)
        return false;
    while (key.family < KEY_RAW &&
           !wire_text_is(pieces.list[1], key_family_to_string(key.family)))
        key.family++;
    if (!read_fields(cluster, &pieces, &key))
        return false;
    size_t length = key_print(cluster, &key, printed, sizeof printed);
    if (length != text.length || memcmp(printed, text.bytes, length) != 0)
        return false;
    *ret_key = key;
    return true;
}

/* ---- values ---- */

/* The host is a scheduler's name; not both ports are 0 (SchedulerEndpoints). By the name of the
 * third member the machine tells whether it can read the value. */
static bool read_endpoints(const struct cluster *cluster, struct json_in value,
                           uint8_t *ret_dialect, node_id *ret_node)
{
    static const char *const names[] = {"host", "rpcPort", "pekkoPort", "akkaPort"};
    struct json_in members[COUNT(names)];
    struct wire_json_text host;
    uint64_t rpc, remote;
    json_in_members(value, names, COUNT(names), members);
    *ret_dialect = wire_json_has(members[2]) ? ENDPOINTS_PEKKO : ENDPOINTS_AKKA;
    if (!wire_json_text(members[0], &host) || !wire_json_number(members[1], UINT16_MAX, &rpc) ||
        !wire_json_number(members[2 + *ret_dialect], UINT16_MAX, &remote) ||
        (rpc == 0 && remote == 0))
        return false;
    *ret_node = cluster_find_node(cluster, host.text.bytes, host.text.length);
    return *ret_node != NODE_NONE && cluster_kind(cluster, *ret_node) == NODE_SCHEDULER;
}

static bool read_scheduler(const struct cluster *cluster, struct json_in json,
                           struct value *value)
{
    static const char *const names[] = {"sid", "queueSize", "endpoints"};
    struct json_in members[COUNT(names)], id;
    struct wire_json_text sid;
    uint64_t size;
    node_id host;
    json_in_members(json, names, COUNT(names), members);
    value->kind = VALUE_SCHEDULER;
    if (!json_in_member(members[0], "asString", &id) || !wire_json_text(id, &sid) ||
        !read_node(cluster, sid.text, "", NODE_SCHEDULER, &value->node) ||
        !wire_json_number(members[1], UINT32_MAX, &size) ||
        !read_endpoints(cluster, members[2], &value->status, &host))
        return false;
    value->a = (uint32_t)size;
    return true;
}

static bool read_tags(const struct cluster *cluster, struct json_in list, uint32_t *ret_tags)
{
    struct json_walk walk = json_walk_begin(list);
    struct json_in key, item;
    *ret_tags = 0;
    while (json_walk_next(&walk, &key, &item)) {
        uint32_t tag = 0;
        while (tag < cluster->tag_count && !json_in_is(item, cluster->tags[tag]))
            tag++;
        if (tag == cluster->tag_count)
            return false;
        *ret_tags |= UINT32_C(1) << tag;
    }
    return true;
}

static bool read_dedicated(const struct cluster *cluster, struct json_in list,
                           struct labels *labels)
{
    struct json_walk walk = json_walk_begin(list);
    struct json_in key, item;
    struct wire_json_text name;
    while (json_walk_next(&walk, &key, &item)) {
        if (labels->dedicated_count == DEDICATED_MAX || !wire_json_text(item, &name))
            return false;
        namespace_id ns = cluster_find_namespace(cluster, name.text.bytes, name.text.length);
        if (ns == NAMESPACE_NONE)
            return false;
        labels->dedicated[labels->dedicated_count++] = ns;
    }
    return true;
}

/* One of the cluster's sets of labels; in which order they stand does not matter. */
static bool read_labels(const struct cluster *cluster, struct json_in tags,
                        struct json_in dedicated, node_id *ret_labels)
{
    struct labels read = {0};
    uint32_t found = 0;
    if (tags.kind != JSON_ARRAY || dedicated.kind != JSON_ARRAY ||
        !read_tags(cluster, tags, &read.tags) || !read_dedicated(cluster, dedicated, &read))
        return false;
    if (read.tags == 0 && read.dedicated_count == 0) {
        *ret_labels = 0;
        return true;
    }
    while (found < cluster->label_count) {
        const struct labels *labels = cluster_labels(cluster, found);
        bool same =
            labels->tags == read.tags && labels->dedicated_count == read.dedicated_count;
        for (uint32_t i = 0; i < read.dedicated_count; i++)
            same = same && labels_serve(labels, read.dedicated[i]);
        if (same)
            break;
        found++;
    }
    *ret_labels = (node_id)found;
    return found < cluster->label_count;
}

/* All fields are required; a status of another name counts as down (Message.scala:465-516). */
static bool read_invoker(const struct cluster *cluster, struct json_in json,
                         struct value *value)
{
    static const char *const names[] = {"status", "freeMemory",          "busyMemory",
                                        "tags",   "dedicatedNamespaces", "inProgressMemory"};
    struct json_in members[COUNT(names)];
    struct wire_json_text status;
    uint64_t sizes[3];
    json_in_members(json, names, COUNT(names), members);
    if (!wire_json_text(members[0], &status) ||
        !wire_json_number(members[1], UINT32_MAX, &sizes[0]) ||
        !wire_json_number(members[2], UINT32_MAX, &sizes[1]) ||
        !read_labels(cluster, members[3], members[4], &value->node) ||
        !wire_json_number(members[5], UINT32_MAX, &sizes[2]))
        return false;
    value->kind = VALUE_INVOKER;
    value->status = INVOKER_DOWN;
    for (unsigned i = 0; i < INVOKER_STATUS_COUNT; i++) {
        if (wire_text_is(status.text, invoker_status_to_string(i)))
            value->status = (uint8_t)i;
    }
    value->a = (uint32_t)sizes[0];
    value->b = (uint32_t)sizes[1];
    value->c = (uint32_t)sizes[2];
    return true;
}

static bool read_value(const struct cluster *cluster, const struct key *key,
                       struct wire_text text, struct value *value)
{
    uint64_t number;
    switch ((enum key_family)key->family) {
    case KEY_QUEUE:
        value->kind = VALUE_ENDPOINTS;
        return read_endpoints(cluster, json_in_parse(text.bytes, text.length), &value->status,
                              &value->node);
    case KEY_SCHEDULER:
        return read_scheduler(cluster, json_in_parse(text.bytes, text.length), value);
    case KEY_INVOKERS:
        return read_invoker(cluster, json_in_parse(text.bytes, text.length), value);
    case KEY_THROTTLING:
        value->kind = VALUE_BOOL;
        value->a = wire_text_is(text, "true");
        return value->a == 1 || wire_text_is(text, "false");
    case KEY_INSTANCE:
        if (!wire_decimal(text, UINT32_MAX, &number))
            return false;
        value->kind = VALUE_LEASE;
        value->a = (uint32_t)number;
        return true;
    case KEY_IN_PROGRESS: /* empty ones have been dealt with */
    case KEY_EXISTING:
    case KEY_WARMED:
    case KEY_NONE:
    case KEY_RAW:
    case KEY_FAMILY_COUNT:
        break;
    }
    return false;
}

bool wire_value_read(const struct cluster *cluster, const struct key *key,
                     struct wire_text text, struct value *ret_value)
{
    struct value value = {.kind = VALUE_EMPTY};
    if (text.length > 0 && !read_value(cluster, key, text, &value))
        return false;
    *ret_value = value;
    return true;
}
