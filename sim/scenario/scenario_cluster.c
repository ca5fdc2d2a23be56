/* scenario_cluster.c - nodes, bug switches, configuration keys, timing. */
#include "scenario/scenario_internal.h"
#include <stddef.h>
#include "cast.h"
#include "core/assert.h"
#include "scenario/units.h"

/* ---- cluster ---- */

static schema_read_fn read_bugs;
static schema_member_fn read_bug;

#define FIELD(member)                                                                          \
    .width = sizeof(((struct draft *)0)->member),                                              \
    .offset = (uint32_t)offsetof(struct draft, member)

static const char *profile_word(unsigned i)
{
    return i == PROFILE_ANSIBLE ? "ansible" : "shipped";
}

static int read_profile(struct reader *r, const struct tree_node *node, void *target)
{
    unsigned word = 0;
    int result = read_word(r, node, profile_word, PROFILE_COUNT, &word);
    ((struct draft *)target)->scenario->profile = (uint8_t)word;
    return result;
}

static const struct schema_field cluster_fields[] = {
    {.key = "controllers",
     .type = SCHEMA_COUNT,
     FIELD(controllers),
     .min = 1,
     .max = 100,
     .fallback = 2,
     .example = "2",
     .about = "How many."},
    {.key = "schedulers",
     .type = SCHEMA_COUNT,
     FIELD(schedulers),
     .min = 1,
     .max = 100,
     .fallback = 2,
     .example = "2",
     .about = "How many."},
    {.key = "invokers",
     .type = SCHEMA_COUNT,
     FIELD(invokers),
     .min = 1,
     .max = 1000,
     .fallback = 3,
     .example = "3",
     .about = "How many."},
    {.key = "tags",
     .type = SCHEMA_OTHER,
     .read = scenario_read_invoker_tags,
     .form = "invokers, each with a list",
     .standard = "none",
     .example = "{ invoker0: [gpu] }",
     .about = "What actions may want of an invoker; at most 4 each, 32 in all. An action "
              "without wishes gets such an invoker only when no other has room."},
    {.key = "dedicated",
     .type = SCHEMA_OTHER,
     .read = scenario_read_dedicated,
     .form = "invokers, each with a list",
     .standard = "none",
     .example = "{ invoker1: [guest] }",
     .about = "Namespaces (at most 2) that the invoker serves and nobody else."},
    {.key = "edge",
     .type = SCHEMA_BOOL,
     FIELD(edge),
     .fallback = 1,
     .example = "false",
     .about = "nginx in front; without it the client calls the controllers in turn."},
    {.key = "from",
     .type = SCHEMA_WORD,
     FIELD(from),
     .word = behaviour_to_string,
     .word_count = BEHAVIOUR_COUNT,
     .fallback = BEHAVIOUR_HEAD,
     .example = "pre-5338",
     .about = "Behaviour set before the roll."},
    {.key = "to",
     .type = SCHEMA_WORD,
     FIELD(to),
     .word = behaviour_to_string,
     .word_count = BEHAVIOUR_COUNT,
     .fallback = BEHAVIOUR_HEAD,
     .example = "head",
     .about = "Behaviour set of an instance that was rolled."},
    {.key = "profile",
     .type = SCHEMA_OTHER,
     .read = read_profile,
     .form = "`ansible`, `shipped`",
     .standard = "ansible",
     .example = "shipped",
     .about = "Whose defaults the configuration keys have."},
    {.key = "bugs",
     .type = SCHEMA_OTHER,
     .read = read_bugs,
     .form = "mapping",
     .example = "{ lost-creation-id: old }",
     .about = "Bug switches, on top of the behaviour set; see below."},
};
const struct schema cluster_schema = {
    .name = "cluster",
    .fields = cluster_fields,
    .field_count = SCHEMA_COUNT_OF(cluster_fields),
    .about = "There is one each of client, edge, kafka, etcd, database and deployer."};

const struct schema bugs_schema = {
    .name = "cluster.bugs",
    .member = read_bug,
    .member_form = "`<id>: fixed|old|lost-update`, `all: fixed|old`",
    .member_about =
        "what is not named has its behaviour set's value. `rollcage bugs <id>` tells more.\n\n"
        "| id | value | behaviour |\n|---|---|---|\n"
        "| `lost-creation-id` | `fixed` | every change of a queue's sets `containers` and "
        "`creationIds` is one step, seen by all threads at once |\n"
        "| `lost-creation-id` | `old` | the decision maker's snapshot, on another thread, sees "
        "a change only after `timing set.staleness`, drawn per change (choice "
        "`set.stale-read`), or with a later change |\n"
        "| `lost-creation-id` | `lost-update` | a change is load, `timing set.window`, drawn "
        "per change (choice `set.window`), store of the whole set: of two that overlap the "
        "later store wins |"};

static const char *bug_value_word(unsigned i)
{
    static const char *const words[] = {"fixed", "old", "lost-update"}; /* from BUG_FIXED on */
    return words[i];
}

/* Entries of the catalogue whose switches later work brings. */
static const char *const later_bugs[] = {"queue-manager-self-cycle",
                                         "removed-queue-still-in-pool",
                                         "drained-queue-bounces-late-mail",
                                         "client-closed-skips-unregister",
                                         "delete-key-after-drain",
                                         "eager-client-close",
                                         "prewarm-in-drain-count",
                                         "scheduler-count-misses-kafka",
                                         "zero-before-durable",
                                         "controller-count-then-disable",
                                         "sequence-gap-counts-zero",
                                         "ignore-errors-hides-drain-timeout",
                                         "two-schedulers-at-once",
                                         "feed-ignores-shutdown",
                                         "commit-before-handle",
                                         "consumer-closed-on-disable",
                                         "warmed-on-disabled-invoker",
                                         "pausing-swallows-shutdown",
                                         "enable-undone-by-pending-shutdown",
                                         "draining-scheduler-deletes-successor-leader",
                                         "client-retry-never-runs",
                                         "reschedule-has-nowhere-to-go",
                                         "late-reschedule-double-completion",
                                         "silent-client-failure",
                                         "client-created-wrong-sender",
                                         "cycle-crosses-namespaces",
                                         "lease-outlives-process",
                                         "stale-creation-replay",
                                         "version-skew-drops-messages",
                                         "controller-ready-before-view",
                                         "dead-container-in-request-buffer",
                                         "runtime-draining-503",
                                         "slot-map-reset-breaks-acks",
                                         "permits-reset-on-cluster-change",
                                         "health-backlog-flap",
                                         "eager-lease-revoke",
                                         "lease-service-wedge",
                                         "unpause-resurrects-key",
                                         "watch-stream-dies",
                                         "watch-restart-no-resync",
                                         "missing-leader-black-hole",
                                         "invoker-query-failure-loses-creation",
                                         "completion-before-result",
                                         "forced-ack-frees-busy-slot",
                                         "action-throttled-sink"};

static bool is_later_bug(const char *id)
{
    for (size_t i = 0; i < sizeof later_bugs / sizeof later_bugs[0]; i++)
        if (strcmp(later_bugs[i], id) == 0)
            return true;
    return false;
}

static int read_bug(struct reader *r, const struct tree_node *key,
                    const struct tree_node *value, void *target)
{
    uint8_t *bugs = ((struct draft *)target)->scenario->cluster.bugs;
    unsigned bug = bug_from_string(key->text), word = 0;
    bool all = strcmp(key->text, "all") == 0;
    if (is_later_bug(key->text))
        return reader_fail(r, key, ERR_LATER, "bug switch %s is not there yet, expected %s",
                           key->text, bug_to_string(BUG_LOST_CREATION_ID));
    if (!all && bug == BUG_COUNT)
        return reader_fail(r, key, ERR_INPUT, "unknown bug \"%.60s\", expected all or %s",
                           key->text, bug_to_string(BUG_LOST_CREATION_ID));
    int result =
        read_word(r, value, bug_value_word, all ? 2 : BUG_VALUE_COUNT - BUG_FIXED, &word);
    if (result != 0)
        return result;
    if (!all)
        bugs[bug] = (uint8_t)(BUG_FIXED + word);
    return 0;
}

/* `all` first, whatever the order of the file: what is named goes over it. */
static int read_bugs(struct reader *r, const struct tree_node *node, void *target)
{
    uint8_t *bugs = ((struct draft *)target)->scenario->cluster.bugs;
    const struct tree_node *all = tree_get(node, "all");
    if (all != NULL && all->kind == TREE_TEXT)
        for (unsigned i = 0; i < BUG_COUNT; i++)
            bugs[i] = strcmp(all->text, "old") == 0 ? BUG_OLD : BUG_FIXED;
    return schema_read(r, &bugs_schema, node, target);
}

static uint32_t add_nodes(struct draft *draft, struct node_info *nodes, uint32_t at,
                          enum node_kind kind, uint32_t count)
{
    struct cluster *cluster = &draft->scenario->cluster;
    bool is_numbered =
        kind == NODE_CONTROLLER || kind == NODE_SCHEDULER || kind == NODE_INVOKER;
    cluster->counts[kind] = count;
    cluster->firsts[kind] = count == 0 ? NODE_NONE : (node_id)at;
    for (uint32_t i = 0; i < count; i++, at++) {
        nodes[at] =
            (struct node_info){.kind = (uint8_t)kind,
                               .behaviour_from = is_numbered ? draft->from : BEHAVIOUR_HEAD,
                               .behaviour_to = is_numbered ? draft->to : BEHAVIOUR_HEAD,
                               .index = (uint16_t)i};
        if (is_numbered)
            snprintf(nodes[at].name, sizeof nodes[at].name, "%s%u", node_kind_to_string(kind),
                     i);
        else
            snprintf(nodes[at].name, sizeof nodes[at].name, "%s", node_kind_to_string(kind));
    }
    return at;
}

int scenario_read_cluster(struct reader *r, const struct tree_node *node, void *target)
{
    struct draft *draft = target;
    int result = schema_read(r, &cluster_schema, node, draft);
    if (result != 0)
        return result;
    const uint32_t counts[NODE_KIND_COUNT] = {
        [NODE_CLIENT] = 1,
        [NODE_EDGE] = draft->edge,
        [NODE_CONTROLLER] = draft->controllers,
        [NODE_SCHEDULER] = draft->schedulers,
        [NODE_INVOKER] = draft->invokers,
        [NODE_KAFKA] = 1,
        [NODE_ETCD] = 1,
        [NODE_DATABASE] = 1,
        [NODE_DEPLOYER] = 1,
    };
    draft_make_nodes(r, counts);
    return draft_read_tags(r);
}

void draft_make_nodes(struct reader *r, const uint32_t counts[NODE_KIND_COUNT])
{
    struct draft *draft = draft_of(r);
    uint32_t total = 0, at = 0;
    for (unsigned kind = 0; kind < NODE_KIND_COUNT; kind++)
        total += counts[kind];
    struct node_info *nodes = region_array(r->region, total, sizeof *nodes);
    for (unsigned kind = 0; kind < NODE_KIND_COUNT; kind++)
        at = add_nodes(draft, nodes, at, (enum node_kind)kind, counts[kind]);
    draft->nodes = nodes;
    draft->scenario->cluster.nodes = nodes;
    draft->scenario->cluster.node_count = total;
}

node_id draft_find_node(const struct draft *draft, const char *name)
{
    const struct cluster *cluster = &draft->scenario->cluster;
    for (uint32_t i = 0; i < cluster->node_count; i++)
        if (strcmp(cluster->nodes[i].name, name) == 0)
            return (node_id)i;
    return NODE_NONE;
}

int draft_read_node(struct reader *r, const struct tree_node *node, node_id *ret)
{
    const char *name;
    int result = read_text(r, node, &name);
    if (result != 0)
        return result;
    *ret = draft_find_node(draft_of(r), name);
    if (*ret == NODE_NONE)
        return reader_fail(
            r, node, ERR_INPUT,
            "no instance \"%.60s\" in the cluster, expected one such as scheduler0", name);
    return 0;
}

/* ---- config ---- */

static void *config_with_defaults(struct reader *r, const struct machine_ops *ops,
                                  bool is_shipped)
{
    char *config = region_alloc(r->region, ops->config_size + 1);
    for (uint32_t i = 0; i < ops->config_field_count; i++) {
        const struct config_field *field = &ops->config_fields[i];
        ASSERT_OP(field->offset + sizeof(uint64_t), <=, ops->config_size);
        *(uint64_t *)(void *)(config + field->offset) =
            is_shipped ? field->shipped : field->ansible;
    }
    return config;
}

static int read_config_key(struct reader *r, const struct tree_node *key,
                           const struct tree_node *value)
{
    struct scenario *s = draft_of(r)->scenario;
    bool is_known = false;
    for (unsigned kind = 0; kind < NODE_KIND_COUNT; kind++) {
        const struct machine_ops *ops = cast_ops((enum node_kind)kind);
        for (uint32_t i = 0; ops != NULL && i < ops->config_field_count; i++) {
            const struct config_field *field = &ops->config_fields[i];
            if (strcmp(field->key, key->text) != 0)
                continue;
            is_known = true;
            uint64_t *target = (void *)((char *)s->configs[kind] + field->offset);
            int result = read_unit(r, value, field->unit, field->min, field->max, target);
            if (result != 0)
                return result;
        }
    }
    return is_known ? 0 : 1;
}

static const char *config_word(const void *context, unsigned index)
{
    (void)context;
    for (unsigned kind = 0; kind < NODE_KIND_COUNT; kind++) {
        const struct machine_ops *ops = cast_ops((enum node_kind)kind);
        if (ops != NULL && index < ops->config_field_count)
            return ops->config_fields[index].key;
        index -= ops == NULL ? 0 : ops->config_field_count;
    }
    return "";
}

static int unknown_config_key(struct reader *r, const struct tree_node *key)
{
    unsigned count = 0;
    for (unsigned kind = 0; kind < NODE_KIND_COUNT; kind++) {
        const struct machine_ops *ops = cast_ops((enum node_kind)kind);
        count += ops == NULL ? 0 : ops->config_field_count;
    }
    const char *near = nearest_word(key->text, config_word, NULL, count);
    return reader_fail(r, key, ERR_INPUT, "unknown configuration key \"%.80s\", expected %s%s",
                       key->text, near != NULL ? near : "one of docs/scenario.md",
                       near != NULL ? "?" : "");
}

int scenario_read_config(struct reader *r, const struct tree_node *node, void *target)
{
    struct scenario *s = ((struct draft *)target)->scenario;
    for (unsigned kind = 0; kind < NODE_KIND_COUNT; kind++) {
        const struct machine_ops *ops = cast_ops((enum node_kind)kind);
        if (ops != NULL && ops->config_size > 0)
            s->configs[kind] = config_with_defaults(r, ops, s->profile == PROFILE_SHIPPED);
    }
    if (s->configs[NODE_CLIENT] == NULL)
        s->configs[NODE_CLIENT] = region_alloc(r->region, sizeof(struct client_config));
    if (s->configs[NODE_DEPLOYER] == NULL)
        s->configs[NODE_DEPLOYER] = region_alloc(r->region, sizeof(struct deployer_config));
    int result = expect_kind(r, node, TREE_MAP, "a mapping of configuration keys to values");
    for (uint32_t i = 0; i < node->count && result == 0; i++) {
        result = read_config_key(r, node->keys[i], node->items[i]);
        if (result > 0)
            result = unknown_config_key(r, node->keys[i]);
    }
    return result;
}

/* ---- timing ---- */

#define TIMING_STANDARD(id, text, low, high) {low, high},
static const struct range timing_standards[TIMING_COUNT] = {TIMING_LIST(TIMING_STANDARD)};

static const char *timing_word(const void *context, unsigned i)
{
    (void)context;
    return timing_to_string(i);
}

static int read_scale(struct reader *r, const struct tree_node *node)
{
    struct draft *draft = draft_of(r);
    const char *slash = node->kind == TREE_TEXT ? strchr(node->text, '/') : NULL;
    uint64_t above = 0, below = 1000;
    bool ok = node->kind == TREE_TEXT;
    if (ok && slash != NULL) {
        const char *left = region_text(r->region, node->text, (size_t)(slash - node->text));
        ok = units_count(left, &above) && units_count(slash + 1, &below);
    } else if (ok) {
        ok = units_milli(node->text, &above);
    }
    if (!ok || above == 0 || below == 0 || above > 1000000 || below > 1000000)
        return reader_fail(r, node, ERR_INPUT,
                           "a scale, expected a number or ratio such as 1/3 or 3");
    draft->scale_above = above;
    draft->scale_below = below;
    return 0;
}

int scenario_read_timing(struct reader *r, const struct tree_node *node, void *target)
{
    struct draft *draft = target;
    struct range *timing = draft->scenario->cluster.timing;
    memcpy(timing, timing_standards, sizeof timing_standards);
    draft->scale_above = draft->scale_below = 1;
    int result = expect_kind(r, node, TREE_MAP, "a mapping of timings to ranges");
    for (uint32_t i = 0; i < node->count && result == 0; i++) {
        const struct tree_node *key = node->keys[i];
        unsigned which = timing_from_string(key->text);
        if (strcmp(key->text, "scale") == 0)
            result = read_scale(r, node->items[i]);
        else if (which < TIMING_COUNT)
            result = read_range(r, node->items[i], &timing[which]);
        else
            result = reader_fail(r, key, ERR_INPUT, "unknown timing \"%.60s\", expected %s",
                                 key->text,
                                 nearest_word(key->text, timing_word, NULL, TIMING_COUNT)
                                     ?: "scale or one of docs/scenario.md");
    }
    for (unsigned i = 0; i < TIMING_COUNT && result == 0; i++) {
        timing[i].min = (duration)((unsigned __int128)timing[i].min * draft->scale_above /
                                   draft->scale_below);
        timing[i].max = (duration)((unsigned __int128)timing[i].max * draft->scale_above /
                                   draft->scale_below);
    }
    return result;
}
