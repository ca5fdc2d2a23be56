/* scenario.c - from a file to a struct scenario: the order of things. */
#include "scenario/scenario_internal.h"
#include <stddef.h>
#include "cast.h"
#include "core/assert.h"

static schema_read_fn read_why, read_seed;

#define SECTION(text, reader, what, sample, says)                                              \
    {                                                                                          \
        .key = text, .type = SCHEMA_OTHER, .read = reader, .form = what, .example = sample,    \
        .about = says                                                                          \
    }

static const struct schema_field scenario_fields[] = {
    {.key = "why",
     .type = SCHEMA_OTHER,
     .required = true,
     .read = read_why,
     .form = "text",
     .example = "Schedulers one by one; C9 may strike.",
     .about = "What the file shows. Comes first."},
    {.key = "seed",
     .type = SCHEMA_OTHER,
     .read = read_seed,
     .form = "count",
     .standard = "1",
     .example = "7",
     .about = "Every draw depends on it; `--seed` goes over it."},
    {.key = "hosts",
     .type = SCHEMA_OTHER,
     .read = scenario_read_hosts,
     .form = "list of `sim`, `live`",
     .standard = "[sim]",
     .example = "[sim, live]",
     .about = "Where it may run."},
    SECTION("cluster", scenario_read_cluster, "mapping", "{ controllers: 2 }", "Who is there."),
    SECTION("config", scenario_read_config, "mapping",
            "{ whisk.scheduler.queue.idle-grace: 20s }",
            "Upstream's configuration keys, on top of the profile."),
    SECTION("timing", scenario_read_timing, "mapping", "{ restart.controller: 15s .. 25s }",
            "What no configuration key says."),
    SECTION("namespaces", scenario_read_namespaces, "mapping of names",
            "{ guest: { concurrent-invocations: 1000 } }",
            "Who invokes, and how much they may."),
    SECTION("actions", scenario_read_actions, "mapping of names",
            "{ guest/hello: { run: 40ms } }", "What can be invoked."),
    SECTION("triggers", scenario_read_triggers, "mapping of names",
            "{ guest/tick: { rules: [guest/hello] } }", "What can be fired, on `sim` only."),
    SECTION("load", scenario_read_load, "list",
            "[{ action: guest/hello, arrivals: poisson 50/s, for: 8m }]",
            "Who sends what and when; at most 29 entries."),
    SECTION("deploy", scenario_read_deploy, "list",
            "[{ at: 30s, roll: schedulers, procedure: upstream }]",
            "What is rolled, one entry after the other."),
    SECTION("budget", scenario_read_budget, "mapping", "{ schedulers: 1, etcd: 1 }",
            "How many may be hurt at once; beyond it a violation is inconclusive."),
    SECTION("faults", scenario_read_faults, "list", "[{ at: 40s, kill: scheduler0 }]",
            "What goes wrong."),
    SECTION("checks", scenario_read_checks, "mapping", "{ latency.p99: { below: 5s } }",
            "Bounds of the checks."),
    SECTION("expect", scenario_read_expect, "`pass`, or a mapping",
            "{ violates: [latency], because: C9 }",
            "What the file's own seed shows. Required, here or in every variant."),
    SECTION(
        "variants", scenario_read_variants, "mapping of names",
        "{ old: { cluster.bugs.lost-creation-id: old, expect: pass } }",
        "The same seed and load once per variant, each a mapping of path to value; `bugs` is "
        "short for `cluster.bugs`."),
};
const struct schema scenario_schema = {.name = "the scenario",
                                       .fields = scenario_fields,
                                       .field_count = SCHEMA_COUNT_OF(scenario_fields)};

static int read_why(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    return read_text(r, node, &draft_of(r)->scenario->why);
}

static int read_seed(struct reader *r, const struct tree_node *node, void *target)
{
    uint64_t seed;
    (void)target;
    int result = read_count(r, node, 0, UINT64_MAX, &seed);
    if (result != 0)
        return result;
    draft_of(r)->scenario->own_seed = seed;
    if (!draft_of(r)->options->has_seed)
        draft_of(r)->scenario->seed = seed;
    return 0;
}

void scenario_init(struct scenario *self, struct region *region, const char *path,
                   const struct scenario_options *options)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(name, '.');
    size_t length = dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
    *self = (struct scenario){.region = region,
                              .path = region_text(region, path, strlen(path)),
                              .name = region_text(region, name, length),
                              .seed = options->has_seed ? options->seed : 1,
                              .own_seed = 1,
                              .hosts = HOSTS_SIM};
    for (unsigned i = 0; i < NODE_KIND_COUNT; i++)
        self->budget[i] = BUDGET_UNLIMITED;
    for (unsigned i = 0; i < TIMING_COUNT; i++)
        self->cluster.timing[i] = (struct range){0, 0};
}

/* The deployer sends what the roles send: the three components' own credentials. */
static void fill_deployer(struct draft *draft)
{
    struct scenario *s = draft->scenario;
    struct deployer_config *config = s->configs[NODE_DEPLOYER];
    s->step_names = draft->step_names;
    *config = (struct deployer_config){.entries = s->deploys,
                                       .entry_count = s->deploy_count,
                                       .step_names = s->step_names,
                                       .step_name_count = s->step_name_count};
    static const enum node_kind tiers[] = {NODE_CONTROLLER, NODE_SCHEDULER, NODE_INVOKER};
    for (size_t i = 0; i < sizeof tiers / sizeof tiers[0]; i++) {
        const char *kind = node_kind_to_string(tiers[i]);
        config->users[tiers[i]] = region_printf(s->region, "%s.user", kind);
        config->passwords[tiers[i]] = region_printf(s->region, "%s.pass", kind);
    }
}

static int scenario_finish(struct reader *r, const struct tree_node *root)
{
    struct draft *draft = draft_of(r);
    struct scenario *s = draft->scenario;
    if (!draft->has_expect) {
        if (s->variant_count == 0 || s->variant != NULL)
            return reader_fail(r, root, ERR_INPUT,
                               "no \"expect\" in the scenario%s%s, expected `expect: pass` or "
                               "`expect: { violates: [...], because: ... }`",
                               s->variant != NULL ? " with variant " : "",
                               s->variant != NULL ? s->variant : "");
        s->expect.kind = EXPECT_PER_VARIANT;
    }
    int result = draft_finish_labels(r, root);
    if (result == 0)
        scenario_compile(draft);
    return result;
}

void scenario_compile(struct draft *draft)
{
    draft->scenario->cluster.namespaces = draft->namespaces;
    draft->scenario->cluster.actions = draft->actions;
    fill_deployer(draft);
    scenario_finish_loads(draft);
}

struct tree_node *scenario_empty_map(struct region *region, const struct tree_node *root)
{
    struct tree_node *node = region_alloc(region, sizeof *node);
    *node = (struct tree_node){
        .kind = TREE_MAP, .file = root->file, .line = root->line, .column = root->column};
    return node;
}

static int scenario_from_tree(struct scenario *s, struct tree_node *root,
                              const struct scenario_options *options, struct errmsg *err)
{
    struct draft *draft = region_alloc(s->region, sizeof *draft);
    struct reader r = {.region = s->region, .err = err, .context = draft};
    struct digest digest = {0};
    *draft = (struct draft){.scenario = s, .options = options};
    int result = expect_kind(&r, root, TREE_MAP, "a mapping with the keys of a scenario");
    if (result == 0)
        result = scenario_apply(s->region, root, options, err);
    if (result != 0)
        return result;
    tree_digest(root, &digest);
    s->hash = digest.state;
    /* Sections that have work to do also when the file does not name them. */
    static const char *const always[] = {"cluster", "config", "timing", "checks"};
    for (size_t i = 0; i < sizeof always / sizeof always[0] && result == 0; i++)
        if (tree_get(root, always[i]) == NULL)
            result =
                tree_set(s->region, root, always[i], scenario_empty_map(s->region, root), err);
    if (result == 0)
        result = schema_read(&r, &scenario_schema, root, draft);
    return result == 0 ? scenario_finish(&r, root) : result;
}

static int read_once(const char *path, const char *bytes, size_t length,
                     const struct scenario_options *options, struct scenario *ret,
                     struct errmsg *err)
{
    struct region *region = region_new();
    struct tree_node *root;
    scenario_init(ret, region, path, options);
    int result = tree_parse(region, ret->path, bytes, length, &root, err);
    if (result == 0)
        result = scenario_from_tree(ret, root, options, err);
    if (result != 0)
        region_free(region);
    return result;
}

int scenario_read_bytes(const char *path, const char *bytes, size_t length,
                        const struct scenario_options *options, struct scenario *ret_scenario,
                        struct errmsg *err)
{
    int result = read_once(path, bytes, length, options, ret_scenario, err);
    if (result != 0 || options->variant != NULL)
        return result;
    for (uint32_t i = 0; i < ret_scenario->variant_count && result == 0; i++) {
        struct scenario_options with = *options;
        struct scenario variant;
        with.variant = ret_scenario->variants[i];
        result = read_once(path, bytes, length, &with, &variant, err);
        if (result == 0)
            scenario_release(&variant);
    }
    if (result != 0)
        scenario_release(ret_scenario);
    return result;
}

int scenario_read(const char *path, const struct scenario_options *options,
                  struct scenario *ret_scenario, struct errmsg *err)
{
    struct region *region = region_new();
    char *bytes = NULL;
    size_t length = 0;
    int result = file_read(region, path, TREE_BYTES_MAX, &bytes, &length, err);
    if (result == 0)
        result = scenario_read_bytes(path, bytes, length, options, ret_scenario, err);
    region_free(region);
    return result;
}

void scenario_reseed(struct scenario *self, uint64_t seed)
{
    self->seed = seed;
    scenario_place_calls(self);
}

void scenario_release(struct scenario *self)
{
    region_free(self->region);
    *self = (struct scenario){0};
}
