/* scenario_deploy.c - deploy entries, with their procedures compiled for the deployer. */
#include "scenario/scenario_internal.h"
#include <stddef.h>
#include "core/assert.h"

struct deploy_draft {
    const struct tree_node *roll, *switches;
    const char *procedure;
    duration at, pause, after;
    uint32_t serial;
    uint8_t order; /* 0 as the procedure says, 1 forward, 2 reverse */
    uint8_t parallel;
};

static schema_read_fn keep_node;

#define DEPLOY(member)                                                                         \
    .width = sizeof(((struct deploy_draft *)0)->member),                                       \
    .offset = (uint32_t)offsetof(struct deploy_draft, member)

static const char *order_word(unsigned i)
{
    static const char *const words[] = {"procedure", "forward", "reverse"};
    return words[i];
}

static const struct schema_field deploy_fields[] = {
    {.key = "roll",
     .type = SCHEMA_OTHER,
     .required = true,
     .read = keep_node,
     .offset = (uint32_t)offsetof(struct deploy_draft, roll),
     .form = "`controllers`, `schedulers`, `invokers`, or a list of instances of one of these",
     .example = "schedulers",
     .about = "What is rolled."},
    {.key = "procedure",
     .type = SCHEMA_TEXT,
     .required = true,
     .offset = (uint32_t)offsetof(struct deploy_draft, procedure),
     .example = "upstream",
     .about = "`upstream`, `upstream-5338`, `restart-only`, `guarded`, or the path of a file."},
    {.key = "at",
     .type = SCHEMA_DURATION,
     DEPLOY(at),
     .max = MINUTES(43200),
     .fallback = SCHEMA_NONE,
     .standard = "when the former entry has ended",
     .example = "30s",
     .about = "When it starts, and not before the former has ended."},
    {.key = "pause",
     .type = SCHEMA_DURATION,
     DEPLOY(pause),
     .max = MINUTES(43200),
     .fallback = 0,
     .example = "10s",
     .about = "Waits so long before it starts."},
    {.key = "after",
     .type = SCHEMA_DURATION,
     DEPLOY(after),
     .max = MINUTES(43200),
     .fallback = 0,
     .example = "10s",
     .about = "The same, without `at`: so long after the former's end."},
    {.key = "serial",
     .type = SCHEMA_COUNT,
     DEPLOY(serial),
     .max = 10000,
     .fallback = UINT32_MAX,
     .standard = "the procedure's",
     .example = "1",
     .about = "Hosts per batch; 0: all."},
    {.key = "order",
     .type = SCHEMA_WORD,
     DEPLOY(order),
     .word = order_word,
     .word_count = 3,
     .fallback = 0,
     .example = "reverse",
     .about = "Of the instances of a tier."},
    {.key = "switches",
     .type = SCHEMA_OTHER,
     .read = keep_node,
     .offset = (uint32_t)offsetof(struct deploy_draft, switches),
     .form = "mapping",
     .example = "{ scheduler_deployment_ignore_error: true }",
     .about = "Over those of the procedure."},
    {.key = "parallel",
     .type = SCHEMA_BOOL,
     DEPLOY(parallel),
     .fallback = 0,
     .example = "true",
     .about = "Starts at `at` also while the former still runs."},
};
const struct schema deploy_schema = {
    .name = "an entry of deploy",
    .fields = deploy_fields,
    .field_count = SCHEMA_COUNT_OF(deploy_fields),
    .about = "An entry that fails does not keep the next from starting."};

static int keep_node(struct reader *r, const struct tree_node *node, void *target)
{
    (void)r;
    *(const struct tree_node **)target = node;
    return 0;
}

/* ---- procedures ---- */

uint16_t draft_find_step(const struct draft *draft, const char *name)
{
    for (uint32_t i = 0; i < draft->scenario->step_name_count; i++)
        if (strcmp(draft->step_names[i], name) == 0)
            return (uint16_t)i;
    return UINT16_MAX;
}

static int step_id(struct reader *r, const struct tree_node *at, struct step *step)
{
    struct draft *draft = draft_of(r);
    uint32_t *count = &draft->scenario->step_name_count;
    uint16_t id = draft_find_step(draft, step->name);
    if (id == UINT16_MAX && *count == STEP_NAMES_MAX)
        return reader_fail(r, at, ERR_INPUT, "too many step names, expected at most %u",
                           STEP_NAMES_MAX);
    if (draft->step_names == NULL)
        draft->step_names = region_array(r->region, STEP_NAMES_MAX, sizeof(char *));
    if (id == UINT16_MAX) {
        id = (uint16_t)*count;
        draft->step_names[(*count)++] = step->name;
    }
    step->id = id;
    return 0;
}

static int load_file(struct reader *r, const struct tree_node *at, const char *name,
                     const struct procedure_file **ret)
{
    struct draft *draft = draft_of(r);
    struct scenario *s = draft->scenario;
    const char *path = procedure_find(r->region, name, s->path, draft->options->procedures_dir);
    for (uint32_t i = 0; i < draft->file_count; i++) {
        if (strcmp(draft->files[i]->path, path) == 0) {
            *ret = draft->files[i];
            return 0;
        }
    }
    if (draft->file_count == PROCEDURES_MAX)
        return reader_fail(r, at, ERR_INPUT, "too many procedures, expected at most %u",
                           PROCEDURES_MAX);
    struct procedure_file *file = NULL;
    int result = procedure_read(r->region, path, &file, r->err);
    if (result == -ERR_FILE && strchr(name, '/') == NULL)
        return reader_fail(
            r, at, ERR_FILE,
            "no procedure \"%.60s\", expected upstream, upstream-5338, restart-only, "
            "guarded, or the path of a file",
            name);
    if (result != 0)
        return result;
    s->hash = draw_mix(s->hash, file->hash);
    draft->files[draft->file_count++] = *ret = file;
    return 0;
}

static int compile(struct reader *r, const struct tree_node *at,
                   const struct procedure_file *file, enum node_kind tier,
                   const struct procedure **ret)
{
    struct draft *draft = draft_of(r);
    const struct procedure_section *section = &file->sections[tier];
    for (uint32_t i = 0; i < draft->procedure_count; i++) {
        if (draft->procedures[i].file == file && draft->procedures[i].tier == tier) {
            *ret = &draft->procedures[i].procedure;
            return 0;
        }
    }
    if (!section->is_present)
        return reader_fail(r, at, ERR_INPUT, "procedure %s has no section %s, expected one",
                           file->name, tier_to_string(tier));
    if (draft->procedure_count == PROCEDURES_MAX)
        return reader_fail(r, at, ERR_INPUT, "too many procedures, expected at most %u",
                           PROCEDURES_MAX);
    for (uint32_t i = 0; i < section->step_count; i++) {
        struct step *step = &section->steps[i];
        const char *action = section->invoke_actions[i];
        int result = step_id(r, at, step);
        if (result != 0)
            return result;
        if (action == NULL)
            continue;
        step->invoke_action = strcmp(action, PROCEDURE_HEALTH_TEST) == 0
                                  ? ACTION_HEALTH_TEST
                                  : draft_find_action(draft, action);
        if (step->invoke_action == ACTION_NONE)
            return reader_fail(r, at, ERR_INPUT,
                               "procedure %s invokes \"%.60s\", expected one of `actions`",
                               file->name, action);
    }
    struct compiled_procedure *compiled = &draft->procedures[draft->procedure_count++];
    *compiled = (struct compiled_procedure){.file = file,
                                            .tier = (uint8_t)tier,
                                            .procedure = {.name = file->name,
                                                          .steps = section->steps,
                                                          .step_count = section->step_count,
                                                          .serial = section->serial,
                                                          .forks = section->forks,
                                                          .give_up = section->give_up}};
    *ret = &compiled->procedure;
    return 0;
}

/* ---- entries ---- */

static int roll_of_tier(struct reader *r, const struct tree_node *roll,
                        struct deploy_entry *entry)
{
    const struct cluster *cluster = &draft_of(r)->scenario->cluster;
    enum node_kind tier = tier_from_string(roll->text);
    if (tier == NODE_KIND_COUNT)
        return reader_fail(
            r, roll, ERR_INPUT,
            "no tier \"%.60s\", expected controllers, schedulers or invokers, or a list "
            "of instances",
            roll->text);
    node_id *nodes = region_array(r->region, cluster->counts[tier], sizeof *nodes);
    for (uint32_t i = 0; i < cluster->counts[tier]; i++)
        nodes[i] = cluster_node(cluster, tier, i);
    entry->tier = (uint8_t)tier;
    entry->nodes = nodes;
    entry->node_count = cluster->counts[tier];
    return 0;
}

static int roll_of_list(struct reader *r, const struct tree_node *roll,
                        struct deploy_entry *entry)
{
    const struct cluster *cluster = &draft_of(r)->scenario->cluster;
    if (roll->count == 0 || roll->count > cluster->node_count)
        return reader_fail(r, roll, ERR_INPUT, "%u instances, expected at least one, each once",
                           roll->count);
    node_id *nodes = region_array(r->region, roll->count, sizeof *nodes);
    for (uint32_t i = 0; i < roll->count; i++) {
        int result = draft_read_node(r, roll->items[i], &nodes[i]);
        if (result != 0)
            return result;
        enum node_kind kind = cluster_kind(cluster, nodes[i]);
        if (kind != NODE_CONTROLLER && kind != NODE_SCHEDULER && kind != NODE_INVOKER)
            return reader_fail(r, roll->items[i], ERR_INPUT,
                               "%s, expected a controller, scheduler or invoker",
                               cluster->nodes[nodes[i]].name);
        if (i > 0 && kind != cluster_kind(cluster, nodes[0]))
            return reader_fail(r, roll->items[i], ERR_INPUT,
                               "instances of two tiers, expected those of one");
        for (uint32_t k = 0; k < i; k++)
            if (nodes[k] == nodes[i])
                return reader_fail(r, roll->items[i], ERR_INPUT,
                                   "given twice, expected it once");
    }
    entry->tier = (uint8_t)cluster_kind(cluster, nodes[0]);
    entry->nodes = nodes;
    entry->node_count = roll->count;
    return 0;
}

static void reverse(struct deploy_entry *entry)
{
    node_id *nodes = (node_id *)(uintptr_t)entry->nodes;
    for (uint32_t i = 0; i < entry->node_count / 2; i++) {
        node_id other = nodes[i];
        nodes[i] = nodes[entry->node_count - 1 - i];
        nodes[entry->node_count - 1 - i] = other;
    }
}

static int resolve_switches(struct reader *r, const struct tree_node *given,
                            const struct procedure_section *section, struct deploy_entry *entry)
{
    struct deploy_switch *switches =
        region_array(r->region, section->switch_count, sizeof *switches);
    for (uint32_t i = 0; i < section->switch_count; i++)
        switches[i] = (struct deploy_switch){.name = section->switches[i].name,
                                             .on = section->switches[i].on};
    entry->switches = switches;
    entry->switch_count = section->switch_count;
    if (given == NULL)
        return 0;
    int result = expect_kind(r, given, TREE_MAP, "a mapping of switches to true or false");
    for (uint32_t i = 0; i < given->count && result == 0; i++) {
        const char *name = given->keys[i]->text;
        bool on;
        uint32_t k = 0;
        while (k < section->switch_count && strcmp(switches[k].name, name) != 0)
            k++;
        if (k == section->switch_count)
            return reader_fail(r, given->keys[i], ERR_INPUT,
                               "no switch \"%.60s\" in the procedure, expected %s%s", name,
                               section->switch_count > 0 ? "one such as " : "none",
                               section->switch_count > 0 ? switches[0].name : "");
        result = read_bool(r, given->items[i], &on);
        if (result == 0)
            switches[k].on = on;
    }
    return result;
}

static int read_entry(struct reader *r, const struct tree_node *node,
                      struct deploy_entry *entry)
{
    struct deploy_draft d = {0};
    const struct procedure_file *file = NULL;
    int result = schema_read(r, &deploy_schema, node, &d);
    if (result == 0)
        result = d.roll->kind == TREE_LIST ? roll_of_list(r, d.roll, entry)
                 : d.roll->kind == TREE_TEXT
                     ? roll_of_tier(r, d.roll, entry)
                     : expect_kind(r, d.roll, TREE_TEXT, "a tier, or a list of instances");
    if (result == 0)
        result = load_file(r, tree_get(node, "procedure"), d.procedure, &file);
    if (result == 0)
        result = compile(r, tree_get(node, "procedure"), file, entry->tier, &entry->procedure);
    if (result != 0)
        return result;
    bool has_at = d.at != SCHEMA_NONE;
    if (has_at && tree_get(node, "after") != NULL)
        return reader_fail(r, tree_get(node, "after"), ERR_INPUT,
                           "after beside at, expected one of them");
    if (!has_at && d.parallel != 0)
        return reader_fail(r, node, ERR_INPUT, "parallel without at, expected both");
    if (tree_get(node, "pause") != NULL && tree_get(node, "after") != NULL)
        return reader_fail(r, node, ERR_INPUT, "pause and after, expected one of them");
    const struct procedure_section *section = &file->sections[entry->tier];
    entry->has_at = has_at;
    entry->at = has_at ? TSTAMP_ORIGIN + d.at : 0;
    entry->pause = d.pause + d.after;
    entry->serial = d.serial;
    entry->parallel = d.parallel;
    if (d.order == 2 || (d.order == 0 && section->reverse))
        reverse(entry);
    return resolve_switches(r, d.switches, section, entry);
}

int scenario_read_deploy(struct reader *r, const struct tree_node *node, void *target)
{
    struct scenario *s = ((struct draft *)target)->scenario;
    int result = expect_kind(r, node, TREE_LIST, "a list of deploy entries");
    if (result != 0)
        return result;
    if (node->count > DEPLOYS_MAX)
        return reader_fail(r, node, ERR_INPUT, "%u entries, expected at most %u", node->count,
                           DEPLOYS_MAX);
    s->deploys = region_array(r->region, node->count, sizeof *s->deploys);
    s->deploy_count = node->count;
    for (uint32_t i = 0; i < node->count && result == 0; i++)
        result = read_entry(r, node->items[i], &s->deploys[i]);
    return result;
}
