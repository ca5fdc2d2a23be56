/*
 * key.c - texts and order of etcd keys and values.
 *
 * A key's text is a row of pieces, each ended by '/' or by the end of the text; two keys of a
 * family differ first in the first piece that differs, so comparing pieces with what ends them
 * is comparing the texts. Source: EtcdUtils.scala:68-250 at 1fae641a2.
 */
#include "core/key.h"
#include "core/assert.h"
#include "core/cluster.h"
#include "core/text.h"

NAMES_DEFINE(key_family, KEY_LIST)
NAMES_DEFINE(invoker_status, INVOKER_STATUS_LIST)

#define REVISION_SEED UINT64_C(0x7265766973696f6e)
#define CREATION_SEED UINT64_C(0x6f70656e77686973) /* as cluster_creation_text */

bool key_equal(const struct key *a, const struct key *b)
{
    return a->family == b->family && a->ns == b->ns && a->action == b->action &&
           a->node == b->node && a->revision == b->revision && a->id == b->id;
}

bool value_equal(const struct value *a, const struct value *b)
{
    return a->kind == b->kind && a->status == b->status && a->node == b->node && a->a == b->a &&
           a->b == b->b && a->c == b->c;
}

/* Two pieces with their ends (0: end of the text). */
static int piece_compare(const char *a, char a_end, const char *b, char b_end)
{
    size_t i = 0;
    while (a[i] != '\0' && a[i] == b[i])
        i++;
    unsigned char left = (unsigned char)(a[i] == '\0' ? a_end : a[i]);
    unsigned char right = (unsigned char)(b[i] == '\0' ? b_end : b[i]);
    return (int)left - (int)right;
}

static const char *number_text(char text[12], uint32_t number)
{
    char *at = text + 11;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return at;
}

static int number_compare(uint32_t a, uint32_t b, char end)
{
    char left[12], right[12];
    if (a == b)
        return 0;
    return piece_compare(number_text(left, a), end, number_text(right, b), end);
}

static uint32_t revision_hash(uint32_t revision)
{
    return (uint32_t)draw_mix(REVISION_SEED, revision);
}

/* `null` for none, else `<n>-<hash>`. */
static int revision_compare(uint32_t a, uint32_t b)
{
    if (a == b)
        return 0;
    if (a == 0 || b == 0)
        return a == 0 ? 1 : -1;
    return number_compare(a, b, '-');
}

static uint32_t node_index(const struct cluster *c, node_id node)
{
    return node < c->node_count ? c->nodes[node].index : node;
}

static int node_compare(const struct cluster *c, node_id a, node_id b, char end)
{
    if (a == b)
        return 0;
    if (a < c->node_count && b < c->node_count && c->nodes[a].kind != c->nodes[b].kind) {
        return piece_compare(node_kind_to_string(c->nodes[a].kind), '0',
                             node_kind_to_string(c->nodes[b].kind), '0');
    }
    return number_compare(node_index(c, a), node_index(c, b), end);
}

/* The namespace's own throttling key ends after the namespace. */
static char namespace_end(const struct key *key)
{
    return key->family == KEY_THROTTLING && key->action == ACTION_NONE ? '\0' : '/';
}

static char action_end(const struct key *key)
{
    return key->family == KEY_THROTTLING ? '\0' : '/';
}

static int id_compare(const struct key *a, const struct key *b)
{
    if (a->id == b->id)
        return 0;
    if (a->family != KEY_IN_PROGRESS)
        return a->id < b->id ? -1 : 1;
    return draw_mix(CREATION_SEED, a->id) < draw_mix(CREATION_SEED, b->id) ? -1 : 1;
}

static int names_compare(const struct cluster *c, const struct key *a, const struct key *b)
{
    char a_end = namespace_end(a), b_end = namespace_end(b);
    if (a->ns != b->ns || a_end != b_end) {
        int order = piece_compare(cluster_namespace_name(c, a->ns), a_end,
                                  cluster_namespace_name(c, b->ns), b_end);
        if (order != 0)
            return order;
    }
    if (a->action == b->action)
        return 0;
    return piece_compare(cluster_action_name(c, a->action), action_end(a),
                         cluster_action_name(c, b->action), action_end(b));
}

/* Of one invoker: the longer text begins with the shorter. */
static int naming_compare(uint32_t a, uint32_t b)
{
    static const uint8_t pieces[INVOKER_NAMING_COUNT] = {
        [INVOKER_UNNAMED] = 1, [INVOKER_UNIQUE] = 2, [INVOKER_DISPLAYED] = 3};
    ASSERT(a < INVOKER_NAMING_COUNT && b < INVOKER_NAMING_COUNT);
    return (int)pieces[a] - (int)pieces[b];
}

int key_compare(const struct cluster *cluster, const struct key *a, const struct key *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    int order = 0;
    switch ((enum key_family)a->family) {
    case KEY_NONE:
        return 0;
    case KEY_INSTANCE:
    case KEY_INVOKERS:
        return a->node == b->node ? naming_compare(a->id, b->id)
                                  : node_compare(cluster, a->node, b->node, '/');
    case KEY_SCHEDULER:
        return node_compare(cluster, a->node, b->node, '\0');
    case KEY_QUEUE:
    case KEY_THROTTLING:
        return names_compare(cluster, a, b);
    case KEY_IN_PROGRESS:
    case KEY_EXISTING:
    case KEY_WARMED:
        order = names_compare(cluster, a, b);
        if (order == 0)
            order = revision_compare(a->revision, b->revision);
        if (order == 0)
            order = node_compare(cluster, a->node, b->node, '/');
        return order != 0 ? order : id_compare(a, b);
    case KEY_RAW:
        return id_compare(a, b);
    case KEY_FAMILY_COUNT:
        break;
    }
    ASSERT_OP(a->family, <, KEY_FAMILY_COUNT);
    return 0;
}

bool key_has_prefix(const struct key *key, const struct key *prefix, unsigned depth)
{
    if (depth == 0 && prefix->family == KEY_NONE)
        return true;
    if (key->family != prefix->family)
        return false;
    if (depth >= 2 && (key->ns != prefix->ns || namespace_end(key) != '/'))
        return false;
    if (depth >= 3 && key->action != prefix->action)
        return false;
    return depth < 4 || key->revision == prefix->revision;
}

size_t key_print_revision(uint32_t revision, char *text, size_t size)
{
    if (revision == 0)
        return (size_t)snprintf(text, size, "null");
    return (size_t)snprintf(text, size, "%" PRIu32 "-%08" PRIx32, revision,
                            revision_hash(revision));
}

static int key_print_invoker(const struct cluster *c, const struct key *key, char *text,
                             size_t size)
{
    uint32_t index = node_index(c, key->node);
    if (key->id == INVOKER_UNNAMED)
        return snprintf(text, size, "whisk/invokers/%" PRIu32, index);
    if (key->id == INVOKER_DISPLAYED)
        return snprintf(text, size, "whisk/invokers/%" PRIu32 "/%" PRIu32 "/%s", index, index,
                        cluster_node_name(c, key->node));
    return snprintf(text, size, "whisk/invokers/%" PRIu32 "/%" PRIu32, index, index);
}

static int key_print_node(const struct cluster *c, const struct key *key, char *text,
                          size_t size)
{
    uint32_t index = node_index(c, key->node);
    bool is_invoker = key->node < c->node_count && c->nodes[key->node].kind == NODE_INVOKER;
    if (key->family == KEY_SCHEDULER)
        return snprintf(text, size, "whisk/scheduler/%" PRIu32, index);
    if (key->family == KEY_INVOKERS)
        return key_print_invoker(c, key, text, size);
    if (is_invoker)
        return snprintf(text, size, "whisk/instance/invoker%" PRIu32 "/%" PRIu32 "/lease",
                        index, index);
    return snprintf(text, size, "whisk/instance/scheduler%" PRIu32 "/lease", index);
}

/* in-progress, namespace, warmed: the part behind the revision is each one's own. */
static int key_print_container(const struct cluster *c, const struct key *key, char *text,
                               size_t size)
{
    char revision[24], tail[80], creation[33];
    uint32_t index = node_index(c, key->node);
    key_print_revision(key->revision, revision, sizeof revision);
    if (key->family == KEY_IN_PROGRESS) {
        cluster_creation_text(NULL, key->id, creation);
        snprintf(tail, sizeof tail, "scheduler/%" PRIu32 "/creationId/%s", index, creation);
    } else {
        snprintf(tail, sizeof tail, "invoker%s%" PRIu32 "/container/%08" PRIx32,
                 key->family == KEY_WARMED ? "/" : "", index, key->id);
    }
    return snprintf(text, size, "whisk/%s/%s/%s/%s/%s", key_family_to_string(key->family),
                    cluster_namespace_name(c, key->ns), cluster_action_name(c, key->action),
                    revision, tail);
}

size_t key_print(const struct cluster *cluster, const struct key *key, char *text, size_t size)
{
    const char *ns = cluster_namespace_name(cluster, key->ns);
    const char *action = cluster_action_name(cluster, key->action);
    switch ((enum key_family)key->family) {
    case KEY_INSTANCE:
    case KEY_INVOKERS:
    case KEY_SCHEDULER:
        return (size_t)key_print_node(cluster, key, text, size);
    case KEY_QUEUE:
        return (size_t)snprintf(text, size, "whisk/queue/%s/%s/leader", ns, action);
    case KEY_THROTTLING:
        if (key->action == ACTION_NONE)
            return (size_t)snprintf(text, size, "whisk/throttling/%s", ns);
        return (size_t)snprintf(text, size, "whisk/throttling/%s/%s", ns, action);
    case KEY_IN_PROGRESS:
    case KEY_EXISTING:
    case KEY_WARMED:
        return (size_t)key_print_container(cluster, key, text, size);
    case KEY_RAW:
        return (size_t)snprintf(text, size, "raw:%" PRIu32, key->id);
    case KEY_NONE:
    case KEY_FAMILY_COUNT:
        break;
    }
    return (size_t)snprintf(text, size, "%s", "");
}

static int endpoints_print(const struct cluster *c, const struct value *value, char *text,
                           size_t size)
{
    uint32_t index = node_index(c, value->node);
    return snprintf(text, size, "{\"host\":\"%s\",\"rpcPort\":%" PRIu32 ",\"%s\":%" PRIu32 "}",
                    cluster_node_name(c, value->node), KEY_RPC_PORT + index,
                    value->status == ENDPOINTS_AKKA ? "akkaPort" : "pekkoPort",
                    KEY_PEKKO_PORT + index);
}

/* {"status":..}, tags and dedicated namespaces in the order of the cluster's lists. */
static size_t invoker_print(const struct cluster *c, const struct value *value, char *text,
                            size_t size)
{
    struct text_out out = text_start(text, size);
    const struct labels *labels = cluster_labels(c, value->node);
    const char *comma = "";
    TEXT_ADD(&out,
             "{\"status\":\"%s\",\"freeMemory\":%" PRIu32 ",\"busyMemory\":%" PRIu32
             ",\"inProgressMemory\":%" PRIu32 ",\"tags\":[",
             invoker_status_to_string(value->status), value->a, value->b, value->c);
    for (uint32_t i = 0; i < c->tag_count; i++) {
        if ((labels->tags >> i & 1) == 0)
            continue;
        TEXT_ADD(&out, "%s\"%s\"", comma, c->tags[i]);
        comma = ",";
    }
    TEXT_ADD(&out, "],\"dedicatedNamespaces\":[");
    for (uint32_t i = 0; i < labels->dedicated_count; i++)
        TEXT_ADD(&out, "%s\"%s\"", i > 0 ? "," : "",
                 cluster_namespace_name(c, labels->dedicated[i]));
    TEXT_ADD(&out, "]}");
    return out.length;
}

size_t value_print(const struct cluster *cluster, const struct value *value, char *text,
                   size_t size)
{
    char endpoints[96];
    switch ((enum value_kind)value->kind) {
    case VALUE_ENDPOINTS:
        return (size_t)endpoints_print(cluster, value, text, size);
    case VALUE_SCHEDULER:
        endpoints_print(cluster, value, endpoints, sizeof endpoints);
        return (size_t)snprintf(text, size,
                                "{\"sid\":{\"asString\":\"%" PRIu32 "\"},\"queueSize\":%" PRIu32
                                ",\"endpoints\":%s}",
                                node_index(cluster, value->node), value->a, endpoints);
    case VALUE_INVOKER:
        return invoker_print(cluster, value, text, size);
    case VALUE_BOOL:
        return (size_t)snprintf(text, size, "%s", value->a != 0 ? "true" : "false");
    case VALUE_LEASE:
        return (size_t)snprintf(text, size, "%" PRIu32, value->a);
    case VALUE_RAW:
        return (size_t)snprintf(text, size, "raw:%" PRIu32, value->a);
    case VALUE_EMPTY:
    case VALUE_KIND_COUNT:
        break;
    }
    return (size_t)snprintf(text, size, "%s", "");
}

uint64_t key_hash(const struct key *key)
{
    uint64_t names = (uint64_t)key->family << 48 | (uint64_t)key->ns << 32 |
                     (uint64_t)key->action << 16 | key->node;
    return draw_mix(names, (uint64_t)key->revision << 32 | key->id);
}
