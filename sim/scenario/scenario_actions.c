/* scenario_actions.c - namespaces and actions. */
#include "scenario/scenario_internal.h"
#include <stddef.h>
#include "core/assert.h"

#define NAMESPACE(member)                                                                      \
    .width = 8, .offset = (uint32_t)offsetof(struct namespace_info, member)

static const struct schema_field namespace_fields[] = {
    {.key = "invocations-per-minute",
     .type = SCHEMA_COUNT,
     NAMESPACE(invocations_per_minute),
     .max = 1000000000,
     .fallback = 60,
     .example = "1000000",
     .about = "Above it 429; 60 is upstream's default."},
    {.key = "concurrent-invocations",
     .type = SCHEMA_COUNT,
     NAMESPACE(concurrent_invocations),
     .max = 1000000000,
     .fallback = 30,
     .example = "1000",
     .about = "Containers at once; 30 is upstream's default."},
    {.key = "warmed-container-keeping-count",
     .type = SCHEMA_COUNT,
     .width = sizeof(((struct namespace_info *)0)->keeping_count),
     .offset = (uint32_t)offsetof(struct namespace_info, keeping_count),
     .max = 1000000,
     .example = "1",
     .about = "Paused containers of an action that stay when they have been idle for too "
              "long."},
    {.key = "warmed-container-keeping-timeout",
     .type = SCHEMA_DURATION,
     NAMESPACE(keeping_timeout),
     .max = MINUTES(1440),
     .standard = "`whisk.container-proxy.timeouts.keeping-duration`",
     .example = "10m",
     .about = "How long they stay."},
    {.key = "blocked-from",
     .type = SCHEMA_DURATION,
     NAMESPACE(blocked_from),
     .min = MSEC(1),
     .max = MINUTES(43200),
     .standard = "never",
     .example = "30s",
     .about = "When its subject is blocked; each invoker knows when it next reads the "
              "blacklist."},
    {.key = "payload-max",
     .type = SCHEMA_SIZE,
     NAMESPACE(payload_max),
     .max = UINT64_C(1) << 20,
     .fallback = UINT64_C(1) << 20,
     .example = "1MB",
     .about = "Of a request's parameters on real sockets; above it 413."},
    {.key = "trigger-fires-per-minute",
     .type = SCHEMA_COUNT,
     NAMESPACE(fires_per_minute),
     .max = 1000000000,
     .fallback = 60,
     .example = "1000000",
     .about = "Above it 429; 60 is upstream's default."},
};
const struct schema namespace_schema = {
    .name = "a namespace",
    .fields = namespace_fields,
    .field_count = SCHEMA_COUNT_OF(namespace_fields),
    .about =
        "The key is its name. Recorded workloads run in namespace `trace`, which has limits "
        "of 1000000 and 1000 unless it is named here."};

static bool is_name(const char *text, size_t length)
{
    if (length == 0 || length > 60)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  (strchr("_@.-", c) != NULL && i > 0) || c == '_';
        if (!ok)
            return false;
    }
    return true;
}

struct namespace_info *draft_add_namespace(struct reader *r, const struct tree_node *at,
                                           const char *name)
{
    struct draft *draft = draft_of(r);
    struct cluster *cluster = &draft->scenario->cluster;
    if (cluster->namespace_count == NAMESPACES_MAX) {
        reader_fail(r, at, ERR_INPUT, "too many namespaces, expected at most %u",
                    NAMESPACES_MAX);
        return NULL;
    }
    if (cluster->namespace_count == draft->namespace_max) {
        draft->namespace_max = draft->namespace_max == 0 ? 8 : draft->namespace_max * 2;
        struct namespace_info *larger =
            region_array(r->region, draft->namespace_max, sizeof *larger);
        if (cluster->namespace_count > 0)
            memcpy(larger, draft->namespaces, cluster->namespace_count * sizeof *larger);
        draft->namespaces = larger;
    }
    struct namespace_info *ns = &draft->namespaces[cluster->namespace_count++];
    snprintf(ns->name, sizeof ns->name, "%s", name);
    return ns;
}

struct namespace_info *draft_open_namespace(struct reader *r, const struct tree_node *key)
{
    const char *name = key->text;
    if (is_name(name, strlen(name)) && strcmp(name, "whisk.system") != 0)
        return draft_add_namespace(r, key, name);
    reader_fail(r, key, ERR_INPUT,
                "\"%.60s\", expected the name of a namespace (letters, digits and _ @ . -)",
                name);
    return NULL;
}

int scenario_read_namespaces(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    int result = expect_kind(r, node, TREE_MAP, "a mapping of names to namespaces");
    for (uint32_t i = 0; i < node->count && result == 0; i++) {
        struct namespace_info *ns = draft_open_namespace(r, node->keys[i]);
        result =
            ns == NULL ? -ERR_INPUT : schema_read(r, &namespace_schema, node->items[i], ns);
    }
    return result;
}

namespace_id draft_find_namespace(const struct draft *draft, const char *name, size_t length)
{
    for (uint32_t i = 0; i < draft->scenario->cluster.namespace_count; i++)
        if (strlen(draft->namespaces[i].name) == length &&
            memcmp(draft->namespaces[i].name, name, length) == 0)
            return (namespace_id)i;
    return NAMESPACE_NONE;
}

/* ---- actions ---- */

struct run_draft {
    duration p50, p99;
};
static const struct schema_field run_fields[] = {
    {.key = "p50",
     .type = SCHEMA_DURATION,
     .required = true,
     .width = 8,
     .offset = (uint32_t)offsetof(struct run_draft, p50),
     .max = MINUTES(60),
     .example = "40ms",
     .about = "Half of the runs are shorter."},
    {.key = "p99",
     .type = SCHEMA_DURATION,
     .required = true,
     .width = 8,
     .offset = (uint32_t)offsetof(struct run_draft, p99),
     .max = MINUTES(60),
     .example = "400ms",
     .about = "One in a hundred is longer; log-normal through both."},
};
const struct schema run_schema = {.name = "run",
                                  .fields = run_fields,
                                  .field_count = SCHEMA_COUNT_OF(run_fields),
                                  .about = "One duration (`40ms`: always), or:"};

static int read_run(struct reader *r, const struct tree_node *node, void *target)
{
    struct action_info *action = target;
    struct run_draft run = {0};
    if (node->kind == TREE_TEXT) {
        action->run_kind = RUN_FIXED;
        return read_duration(r, node, 0, MINUTES(60), &action->run_a);
    }
    int result = schema_read(r, &run_schema, node, &run);
    if (result == 0 && (run.p50 == 0 || run.p99 < run.p50))
        result =
            reader_fail(r, node, ERR_INPUT, "percentiles that fall, expected 0 < p50 <= p99");
    action->run_kind = RUN_LOGNORMAL;
    action->run_a = run.p50;
    action->run_b = run.p99;
    return result;
}

static int read_memory(struct reader *r, const struct tree_node *node, void *target)
{
    uint64_t bytes;
    int result = read_size(r, node, UINT64_C(128) << 20, UINT64_C(512) << 20, &bytes);
    if (result == 0 && bytes % ((uint64_t)1 << 20) != 0)
        result = reader_fail(r, node, ERR_INPUT, "%s, expected whole MB", node->text);
    if (result == 0)
        ((struct action_info *)target)->memory_mb = (uint32_t)(bytes >> 20);
    return result;
}

/* limits.logs: whether logs are collected, not how many. */
static int read_log_limit(struct reader *r, const struct tree_node *node, void *target)
{
    uint64_t bytes;
    int result = read_size(r, node, 0, UINT64_C(10) << 20, &bytes);
    if (result == 0)
        ((struct action_info *)target)->logs_off = bytes == 0;
    return result;
}

#define ACTION_FAULT_FIELD(id, text, meaning)                                                  \
    {.key = text,                                                                              \
     .type = SCHEMA_RATIO,                                                                     \
     .offset = (uint32_t)offsetof(struct action_info, faults) +                                \
               (uint32_t)ACTION_FAULT_##id * (uint32_t)sizeof(struct ratio),                   \
     .example = "1/100",                                                                       \
     .about = meaning},

#define ACTION(member)                                                                         \
    .width = sizeof(((struct action_info *)0)->member),                                        \
    .offset = (uint32_t)offsetof(struct action_info, member)

static const struct schema_field action_fields[] = {
    {.key = "memory",
     .type = SCHEMA_OTHER,
     .read = read_memory,
     .form = "size, 128MB to 512MB",
     .standard = "256MB",
     .example = "256MB",
     .about = "Of its container."},
    {.key = "init",
     .type = SCHEMA_DURATION,
     ACTION(init),
     .max = MINUTES(5),
     .fallback = MSEC(150),
     .example = "150ms",
     .about = "Of `/init` in a new container."},
    {.key = "run",
     .type = SCHEMA_OTHER,
     .read = read_run,
     .form = "duration, or `{ p50, p99 }`",
     .standard = "this or `sequence`",
     .example = "{ p50: 40ms, p99: 400ms }",
     .about = "How long the code runs; what is longer than `timeout` is cut and fails."},
    {.key = "timeout",
     .type = SCHEMA_DURATION,
     ACTION(timeout),
     .min = MSEC(100),
     .max = MINUTES(5),
     .fallback = SEC(60),
     .example = "60s",
     .about = "The action's limit."},
    {.key = "concurrency",
     .type = SCHEMA_COUNT,
     ACTION(concurrency),
     .min = 1,
     .max = 500,
     .fallback = 1,
     .example = "1",
     .about = "Activations at once in one container."},
    {.key = "instances",
     .type = SCHEMA_COUNT,
     ACTION(instance_limit),
     .min = 1,
     .max = 1000000,
     .fallback = 0,
     .standard = "none",
     .example = "10",
     .about = "Containers of the action at once."},
    {.key = "fails",
     .type = SCHEMA_RATIO,
     .offset = (uint32_t)offsetof(struct action_info, fails),
     .example = "1/100",
     .about = "How often it answers with an error of its own, which is no failed activation."},
    ACTION_FAULT_LIST(ACTION_FAULT_FIELD){
        .key = "log-limit",
        .type = SCHEMA_OTHER,
        .read = read_log_limit,
        .form = "size, 0 to 10MB",
        .standard = "10MB",
        .example = "10MB",
        .about = "0: its logs are not collected, and acks do not wait for them."},
    {.key = "sequence",
     .type = SCHEMA_OTHER,
     .read = read_sequence,
     .form = "list of actions above",
     .standard = "this or `run`",
     .example = "[guest/hello, guest/hello]",
     .about = "Its components, run one after the other; of the other keys only `timeout` and "
              "`memory` mean something then."},
    {.key = "blackbox",
     .type = SCHEMA_BOOL,
     ACTION(blackbox),
     .fallback = 0,
     .example = "true",
     .about = "An image of its own: invokers from the end of the list, and more patience. "
              "Fetching the image takes no time."},
    {.key = "tags",
     .type = SCHEMA_OTHER,
     .read = scenario_read_action_tags,
     .form = "list",
     .standard = "none",
     .example = "[gpu]",
     .about = "Its invoker must have them all (annotation `invoker-resources`); at most 4."},
    {.key = "tags-strict",
     .type = SCHEMA_OTHER,
     .read = scenario_read_strict,
     .form = "true or false",
     .standard = "true",
     .example = "false",
     .about = "Without such an invoker there is no container; `false`: any other makes it."},
};
const struct schema action_schema = {.name = "an action",
                                     .fields = action_fields,
                                     .field_count = SCHEMA_COUNT_OF(action_fields),
                                     .about = "The key is `namespace/name` or "
                                              "`namespace/package/name`."};

struct action_info *draft_add_action(struct reader *r, const struct tree_node *at)
{
    struct draft *draft = draft_of(r);
    struct cluster *cluster = &draft->scenario->cluster;
    if (cluster->action_count == ACTIONS_MAX) {
        reader_fail(r, at, ERR_INPUT, "too many actions, expected at most %u", ACTIONS_MAX);
        return NULL;
    }
    if (cluster->action_count == draft->action_max) {
        draft->action_max = draft->action_max == 0 ? 16 : draft->action_max * 2;
        struct action_info *larger = region_array(r->region, draft->action_max, sizeof *larger);
        if (cluster->action_count > 0)
            memcpy(larger, draft->actions, cluster->action_count * sizeof *larger);
        draft->actions = larger;
    }
    return &draft->actions[cluster->action_count++];
}

action_id draft_find_action(const struct draft *draft, const char *name)
{
    for (uint32_t i = 0; i < draft->scenario->cluster.action_count; i++)
        if (draft->actions[i].kind != ACTION_TRIGGER &&
            strcmp(draft->actions[i].name, name) == 0)
            return (action_id)i;
    return ACTION_NONE;
}

int read_action_name(struct reader *r, const struct tree_node *key, struct action_info *action)
{
    const char *slash = strchr(key->text, '/');
    const char *second = slash == NULL ? NULL : strchr(slash + 1, '/');
    size_t length = strlen(key->text);
    bool ok = slash != NULL && length < sizeof action->name &&
              is_name(key->text, (size_t)(slash - key->text));
    if (ok && second == NULL)
        ok = is_name(slash + 1, strlen(slash + 1));
    else if (ok)
        ok = is_name(slash + 1, (size_t)(second - slash - 1)) &&
             is_name(second + 1, strlen(second + 1));
    if (!ok)
        return reader_fail(r, key, ERR_INPUT,
                           "\"%.80s\", expected the name of an action, such as guest/hello",
                           key->text);
    action->ns = draft_find_namespace(draft_of(r), key->text, (size_t)(slash - key->text));
    if (action->ns == NAMESPACE_NONE)
        return reader_fail(r, key, ERR_INPUT,
                           "no namespace \"%.*s\", expected one of `namespaces`",
                           (int)(slash - key->text), key->text);
    snprintf(action->name, sizeof action->name, "%s", key->text);
    return 0;
}

int scenario_read_actions(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    int result = expect_kind(r, node, TREE_MAP, "a mapping of names to actions");
    for (uint32_t i = 0; i < node->count && result == 0; i++) {
        struct action_info *action = draft_add_action(r, node->keys[i]);
        if (action == NULL)
            return -ERR_INPUT;
        action->memory_mb = 256;
        result = read_action_name(r, node->keys[i], action);
        if (result == 0)
            result = schema_read(r, &action_schema, node->items[i], action);
        bool has_run = tree_get(node->items[i], "run") != NULL;
        if (result == 0 && has_run == (action->kind == ACTION_SEQUENCE))
            result = reader_fail(r, node->items[i], ERR_INPUT,
                                 "an action, expected either `run` or `sequence`");
    }
    return result;
}
