/* target.c - from a target file to a scenario without a cluster of ours: the order of things.
 */
#include "scenario/target_internal.h"
#include <stddef.h>
#include "core/assert.h"

static schema_read_fn read_why, read_seed, read_checks;

#define SECTION(text, reader, what, sample, says)                                              \
    {                                                                                          \
        .key = text, .type = SCHEMA_OTHER, .read = reader, .form = what, .example = sample,    \
        .about = says                                                                          \
    }

static const struct schema_field target_fields[] = {
    {.key = "why",
     .type = SCHEMA_OTHER,
     .required = true,
     .read = read_why,
     .form = "text",
     .example = "Staging, schedulers one by one.",
     .about = "What is shown. Comes first."},
    {.key = "seed",
     .type = SCHEMA_OTHER,
     .read = read_seed,
     .form = "count",
     .standard = "1",
     .example = "7",
     .about = "The load's instants depend on it; `--seed` goes over it."},
    {.key = "edge",
     .type = SCHEMA_OTHER,
     .required = true,
     .read = target_read_edge,
     .form = "mapping",
     .example = "{ url: https://api.example.com }",
     .about = "Where clients invoke."},
    SECTION("controllers", target_read_controllers, "list of URLs",
            "[https://10.0.0.5:10001, https://10.0.0.6:10001]",
            "`controller0`, `controller1`, ..."),
    SECTION("schedulers", target_read_schedulers, "list of URLs", "[http://10.0.0.7:14001]",
            "`scheduler0`, ..."),
    SECTION("invokers", target_read_invokers, "list of URLs", "[http://10.0.0.9:12001]",
            "`invoker0`, ..."),
    SECTION("credentials", target_read_credentials, "mapping",
            "{ scheduler: { user: scheduler.user, password-env: SCHEDULER_PASSWORD } }",
            "Of the tiers' admin routes."),
    SECTION("tls", target_read_tls, "mapping", "{ ca: ca.pem }", "Of all https URLs."),
    SECTION("commands", target_read_commands, "mapping",
            "{ stop: \"ssh {name} docker stop {name}\" }",
            "What `docker` is to the upstream roles."),
    SECTION("observe", target_read_observe, "mapping", "{ record-within: 5m }",
            "What is looked at, and how long."),
    {.key = "namespaces",
     .type = SCHEMA_OTHER,
     .required = true,
     .read = target_read_namespaces,
     .form = "mapping of names",
     .example = "{ guest: { auth-env: GUEST_AUTH } }",
     .about = "Who invokes, with which credentials, and how much they may."},
    SECTION("actions", scenario_read_actions, "mapping of names",
            "{ guest/hello: { run: 40ms } }",
            "As in a scenario. They must be there; nothing is created, and what stands here of "
            "their run is not imposed on them."),
    SECTION("load", scenario_read_load, "list",
            "[{ action: guest/hello, arrivals: poisson 5/s, for: 8m }]", "As in a scenario."),
    SECTION("deploy", scenario_read_deploy, "list",
            "[{ at: 30s, roll: schedulers, procedure: guarded }]",
            "As in a scenario; `--procedure` goes over each entry's."),
    SECTION("checks", read_checks, "mapping", "{ latency.p99: { below: 5s } }",
            "Bounds of the checks that can be judged from outside."),
};
const struct schema target_schema = {.name = "the target",
                                     .fields = target_fields,
                                     .field_count = SCHEMA_COUNT_OF(target_fields)};

static int read_why(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    return read_text(r, node, &draft_of(r)->scenario->why);
}

static int read_seed(struct reader *r, const struct tree_node *node, void *target)
{
    struct scenario *s = draft_of(r)->scenario;
    (void)target;
    int result = read_count(r, node, 0, UINT64_MAX, &s->own_seed);
    if (result == 0 && !draft_of(r)->options->has_seed)
        s->seed = s->own_seed;
    return result;
}

static int read_checks(struct reader *r, const struct tree_node *node, void *target)
{
    int result = scenario_read_checks(r, node, target);
    for (uint32_t i = 0; i < node->count && result == 0; i++) {
        const char *text = node->keys[i]->text;
        for (unsigned c = 0; c < check_count(); c++) {
            size_t length = strlen(check_name(c));
            bool is_it = strncmp(text, check_name(c), length) == 0 &&
                         (text[length] == '\0' || text[length] == '.');
            if (is_it && !check_is_seen_outside(c))
                return reader_fail(r, node->keys[i], ERR_INPUT,
                                   "%s cannot be judged from outside, expected checks that "
                                   "can",
                                   check_name(c));
        }
    }
    return result;
}

/* ---- what must be there besides ---- */

static int wants_command(struct reader *r, const struct tree_node *at,
                         const struct target *target, const struct step *step)
{
    static const char *const names[TARGET_COMMAND_COUNT] = {[TARGET_STOP] = "commands: stop",
                                                            [TARGET_START] = "commands: start",
                                                            [TARGET_EDGE_REMOVE] =
                                                                "edge: remove",
                                                            [TARGET_EDGE_ADD] = "edge: add"};
    bool is_restart = step->kind == STEP_RESTART;
    const bool wanted[TARGET_COMMAND_COUNT] = {
        [TARGET_STOP] = is_restart || step->kind == STEP_STOP,
        [TARGET_START] = is_restart || step->kind == STEP_START,
        [TARGET_EDGE_REMOVE] = step->kind == STEP_EDGE_REMOVE,
        [TARGET_EDGE_ADD] = step->kind == STEP_EDGE_ADD};
    for (unsigned i = 0; i < TARGET_COMMAND_COUNT; i++)
        if (wanted[i] && target->commands[i] == NULL)
            return reader_fail(r, at, ERR_INPUT,
                               "step %s has no command to run, expected `%s` in the file",
                               step->name, names[i]);
    return 0;
}

static int check_step(struct reader *r, const struct tree_node *at,
                      const struct deploy_entry *entry, const struct step *step)
{
    const struct target *target = ((struct target_draft *)r->context)->target;
    enum node_kind tier = (enum node_kind)(step->ask != 0 ? step->ask : entry->tier);
    if (step->kind == STEP_REQUEST && step->auth == 1 && target->users[tier] == NULL)
        return reader_fail(r, at, ERR_INPUT,
                           "step %s signs in at the %ss, expected `credentials: %s` in the "
                           "file",
                           step->name, node_kind_to_string(tier), node_kind_to_string(tier));
    if (step->kind == STEP_INVOKE && step->invoke_action == ACTION_HEALTH_TEST &&
        target->system_auth == NULL)
        return reader_fail(r, at, ERR_INPUT,
                           "step %s invokes an action of whisk.system, expected it in "
                           "`namespaces`",
                           step->name);
    return wants_command(r, at, target, step);
}

static int check_entries(struct reader *r, const struct tree_node *root)
{
    const struct scenario *s = draft_of(r)->scenario;
    const struct tree_node *deploy = tree_get(root, "deploy");
    for (uint32_t i = 0; i < s->deploy_count; i++) {
        const struct deploy_entry *entry = &s->deploys[i];
        if (entry->node_count == 0)
            return reader_fail(r, deploy->items[i], ERR_INPUT,
                               "no instance of the tier, expected their URLs in the file");
        for (uint32_t k = 0; k < entry->procedure->step_count; k++) {
            const struct tree_node *at = tree_get(deploy->items[i], "procedure");
            int result = check_step(r, at, entry, &entry->procedure->steps[k]);
            if (result != 0)
                return result;
        }
    }
    return 0;
}

static int check_namespaces(struct reader *r, const struct tree_node *root)
{
    const struct target_draft *draft = r->context;
    for (uint32_t i = 0; i < draft->draft.scenario->cluster.namespace_count; i++)
        if (draft->target->auths[i] == NULL)
            return reader_fail(r, tree_get(root, "namespaces"), ERR_INPUT,
                               "no credentials of namespace %.60s, expected it here",
                               draft->draft.namespaces[i].name);
    return 0;
}

/* ---- the order ---- */

static uint32_t count_of(const struct tree_node *root, const char *key)
{
    const struct tree_node *node = tree_get(root, key);
    return node == NULL || node->kind != TREE_LIST ? 0 : node->count;
}

static int make_cluster(struct reader *r, const struct tree_node *root)
{
    static const struct {
        enum node_kind kind;
        const char *key;
        uint32_t max;
    } tiers[] = {{NODE_CONTROLLER, "controllers", 100},
                 {NODE_SCHEDULER, "schedulers", 100},
                 {NODE_INVOKER, "invokers", 1000}};
    struct target_draft *draft = r->context;
    uint32_t counts[NODE_KIND_COUNT] = {
        [NODE_CLIENT] = 1, [NODE_EDGE] = 1, [NODE_DEPLOYER] = 1};
    for (size_t i = 0; i < sizeof tiers / sizeof tiers[0]; i++) {
        counts[tiers[i].kind] = count_of(root, tiers[i].key);
        if (counts[tiers[i].kind] > tiers[i].max)
            return reader_fail(r, tree_get(root, tiers[i].key), ERR_INPUT,
                               "%u instances, expected at most %u", counts[tiers[i].kind],
                               tiers[i].max);
    }
    draft_make_nodes(r, counts);
    uint32_t nodes = draft->draft.scenario->cluster.node_count;
    draft->target->urls = region_array(r->region, nodes, sizeof(char *));
    draft->target->auths = region_array(r->region, NAMESPACES_MAX, sizeof(char *));
    return 0;
}

static int override_procedures(struct reader *r, struct tree_node *root)
{
    const struct target_draft *draft = r->context;
    const char *name = draft->options->procedure;
    uint32_t count = count_of(root, "deploy");
    if (name == NULL)
        return 0;
    if (count == 0)
        return reader_fail(r, root, ERR_INPUT,
                           "--procedure without an entry of `deploy`, expected one");
    for (uint32_t i = 0; i < count; i++) {
        struct tree_node *value = region_alloc(r->region, sizeof *value);
        *value = (struct tree_node){.kind = TREE_TEXT,
                                    .quoted = true,
                                    .line = 1,
                                    .column = 1,
                                    .file = "--procedure",
                                    .text = name};
        int result = tree_set(
            r->region, root, region_printf(r->region, "deploy.%u.procedure", i), value, r->err);
        if (result != 0)
            return result;
    }
    return 0;
}

/* Defaults of sections that a target does not have. */
static int read_defaults(struct reader *r, struct tree_node *root)
{
    static const char *const always[] = {"checks", "observe", "commands"};
    struct draft *draft = draft_of(r);
    struct tree_node *empty = scenario_empty_map(r->region, root);
    int result = scenario_read_config(r, empty, draft);
    if (result == 0)
        result = scenario_read_timing(r, empty, draft);
    for (size_t i = 0; i < sizeof always / sizeof always[0] && result == 0; i++)
        if (tree_get(root, always[i]) == NULL)
            result = tree_set(r->region, root, always[i], scenario_empty_map(r->region, root),
                              r->err);
    return result;
}

static void use_credentials(struct target *self)
{
    struct deployer_config *config = self->scenario.configs[NODE_DEPLOYER];
    for (unsigned kind = 0; kind < NODE_KIND_COUNT; kind++) {
        if (self->users[kind] == NULL)
            continue;
        config->users[kind] = self->users[kind];
        config->passwords[kind] = self->passwords[kind];
    }
}

static int from_tree(struct target_draft *draft, struct tree_node *root, struct errmsg *err)
{
    struct scenario *s = draft->draft.scenario;
    struct reader r = {.region = s->region, .err = err, .context = draft};
    struct digest digest = {0};
    int result = expect_kind(&r, root, TREE_MAP, "a mapping with the keys of a target");
    if (result == 0)
        result = scenario_apply(s->region, root, draft->draft.options, err);
    if (result == 0)
        result = override_procedures(&r, root);
    if (result == 0)
        result = make_cluster(&r, root);
    if (result == 0)
        result = read_defaults(&r, root);
    if (result != 0)
        return result;
    tree_digest(root, &digest);
    s->hash = digest.state;
    result = schema_read(&r, &target_schema, root, draft);
    if (result == 0)
        result = check_namespaces(&r, root);
    if (result == 0)
        result = check_entries(&r, root);
    if (result != 0)
        return result;
    scenario_compile(&draft->draft);
    use_credentials(draft->target);
    return 0;
}

int target_read(const char *path, const struct target_options *options,
                struct target *ret_target, struct errmsg *err)
{
    struct region *region = region_new();
    struct tree_node *root;
    *ret_target = (struct target){0};
    scenario_init(&ret_target->scenario, region, path, &options->scenario);
    ret_target->scenario.hosts = HOSTS_LIVE;
    struct target_draft *draft = region_alloc(region, sizeof *draft);
    *draft = (struct target_draft){
        .draft = {.scenario = &ret_target->scenario, .options = &options->scenario},
        .target = ret_target,
        .options = options};
    int result = tree_read_file(region, ret_target->scenario.path, &root, err);
    if (result == 0)
        result = from_tree(draft, root, err);
    if (result != 0)
        region_free(region);
    return result;
}

/* ---- the reference ---- */

static void print_section(const struct schema *schema, const char *title, FILE *out)
{
    fprintf(out, "\n### %s\n\n", title);
    if (schema->about != NULL)
        fprintf(out, "%s\n\n", schema->about);
    schema_print(schema, out);
}

void target_print_reference(FILE *out)
{
    fprintf(out,
            "\n## Target files\n\n"
            "What `rollcage validate` reads: a real cluster, and what is to happen to it. The "
            "load and the\nprocedure run against it; expected is that every check holds. "
            "Judged are");
    for (unsigned i = 0; i < check_count(); i++)
        if (check_is_seen_outside(i))
            fprintf(out, " `%s`", check_name(i));
    fprintf(out, ";\nthe others are not observable. Secrets stand in the file, in another one, "
                 "or in the environment.\n\n");
    schema_print(&target_schema, out);
    print_section(&target_edge_schema, "Target: edge", out);
    print_section(&target_credentials_schema, "Target: credentials", out);
    print_section(&target_login_schema, "Target: credentials of a tier", out);
    print_section(&target_tls_schema, "Target: tls", out);
    print_section(&target_commands_schema, "Target: commands", out);
    print_section(&target_observe_schema, "Target: observe", out);
    print_section(&target_namespace_schema, "Target: namespaces", out);
}
