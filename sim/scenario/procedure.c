/* procedure.c - procedure files: read, checked, found. */
#include "scenario/procedure_internal.h"
#include <unistd.h>
#include "core/assert.h"
#include "core/digest.h"

static const char *const tier_names[NODE_KIND_COUNT] = {[NODE_CONTROLLER] = "controllers",
                                                        [NODE_SCHEDULER] = "schedulers",
                                                        [NODE_INVOKER] = "invokers"};

enum node_kind tier_from_string(const char *text)
{
    for (unsigned i = 0; i < NODE_KIND_COUNT; i++)
        if (tier_names[i] != NULL && strcmp(tier_names[i], text) == 0)
            return (enum node_kind)i;
    return NODE_KIND_COUNT;
}

const char *tier_to_string(enum node_kind kind)
{
    return kind < NODE_KIND_COUNT && tier_names[kind] != NULL ? tier_names[kind] : "unknown";
}

static bool section_has_switch(const struct procedure_section *section, const char *name)
{
    for (uint32_t i = 0; i < section->switch_count; i++)
        if (strcmp(section->switches[i].name, name) == 0)
            return true;
    return false;
}

static int check_names(struct reader *r, const struct procedure_section *section,
                       uint32_t index, const struct tree_node *node)
{
    const struct step *step = &section->steps[index];
    const char *const switches[] = {step->when_switch, step->when_also_switch,
                                    step->when_not_switch, step->ignore_switch};
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (switches[i] != NULL && !section_has_switch(section, switches[i]))
            return reader_fail(
                r, node, ERR_INPUT,
                "step %s asks for switch \"%.60s\", expected one of the section's "
                "`switches`",
                step->name, switches[i]);
    bool is_known = step->when_step == NULL;
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(section->steps[i].name, step->name) == 0)
            return reader_fail(r, node, ERR_INPUT,
                               "step name \"%.60s\" given twice, expected it once in a section",
                               step->name);
        if (step->when_step != NULL && strcmp(section->steps[i].name, step->when_step) == 0)
            is_known = section->steps[i].kind == STEP_REQUEST;
    }
    if (!is_known)
        return reader_fail(
            r, node, ERR_INPUT,
            "step %s asks for the answer to \"%.60s\", expected an earlier request", step->name,
            step->when_step);
    return 0;
}

int procedure_check_step(struct reader *r, const struct procedure_section *section,
                         uint32_t index, const struct tree_node *node)
{
    const struct step *step = &section->steps[index];
    bool is_request = step->kind == STEP_REQUEST;
    if (strpbrk(step->name, ". \t") != NULL)
        return reader_fail(r, node, ERR_INPUT,
                           "step name \"%.60s\", expected one word without dots", step->name);
    if (is_request && (step->path == NULL || step->path[0] != '/'))
        return reader_fail(r, node, ERR_INPUT, "request %s without a path, expected one from /",
                           step->name);
    for (uint32_t i = 0; i < step->until_count; i++)
        if (step->until[i].text != NULL && strlen(step->until[i].text) > PROCEDURE_TEXT_MAX)
            return reader_fail(r, node, ERR_INPUT,
                               "a long text in step %s, expected at most %d bytes", step->name,
                               PROCEDURE_TEXT_MAX);
    if ((step->path != NULL && strlen(step->path) > PROCEDURE_TEXT_MAX) ||
        (step->when_text != NULL && strlen(step->when_text) > PROCEDURE_TEXT_MAX))
        return reader_fail(r, node, ERR_INPUT,
                           "a long text in step %s, expected at most %d bytes", step->name,
                           PROCEDURE_TEXT_MAX);
    static const char *const for_requests[] = {"path", "method", "ask",
                                               "auth", "until",  "status"};
    for (size_t i = 0; i < sizeof for_requests / sizeof for_requests[0] && !is_request; i++)
        if (tree_get(node, for_requests[i]) != NULL &&
            !(step->kind == STEP_INVOKE && strcmp(for_requests[i], "status") == 0))
            return reader_fail(r, tree_get(node, for_requests[i]), ERR_INPUT,
                               "%s in step %s, expected it with `do: request` only",
                               for_requests[i], step->name);
    if ((step->kind == STEP_INVOKE) != (section->invoke_actions[index] != NULL))
        return reader_fail(r, node, ERR_INPUT,
                           "step %s, expected `action` with `do: invoke` only", step->name);
    if (step->kind == STEP_SLEEP && tree_get(node, "delay") == NULL)
        return reader_fail(r, node, ERR_INPUT, "sleep %s without its delay, expected one",
                           step->name);
    return check_names(r, section, index, node);
}

/* Only a controller stands in the edge and takes invocations: elsewhere such a step never ends.
 */
static int check_tiers(struct reader *r, const struct procedure_file *file,
                       const struct tree_node *root)
{
    static const enum node_kind tiers[] = {NODE_SCHEDULER, NODE_INVOKER};
    for (size_t t = 0; t < sizeof tiers / sizeof tiers[0]; t++) {
        const struct procedure_section *section = &file->sections[tiers[t]];
        for (uint32_t i = 0; i < section->step_count; i++) {
            const struct step *step = &section->steps[i];
            const struct tree_node *steps =
                tree_get(tree_get(root, tier_names[tiers[t]]), "steps");
            if (step->kind == STEP_EDGE_REMOVE || step->kind == STEP_EDGE_ADD ||
                step->kind == STEP_INVOKE)
                return reader_fail(r, tree_get(steps->items[i], "do"), ERR_INPUT,
                                   "step %s in %s, expected it in controllers only", step->name,
                                   tier_names[tiers[t]]);
        }
    }
    return 0;
}

static int procedure_from_tree(struct region *region, const char *path, struct tree_node *root,
                               struct procedure_file **ret_file, struct errmsg *err)
{
    struct reader r = {.region = region, .err = err};
    struct digest digest = {0};
    struct procedure_file *file = region_alloc(region, sizeof *file);
    file->path = region_text(region, path, strlen(path));
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(name, '.');
    file->name = region_text(region, name, dot == NULL ? strlen(name) : (size_t)(dot - name));
    tree_digest(root, &digest);
    file->hash = digest.state;
    *ret_file = file;
    int result = schema_read(&r, &procedure_file_schema, root, file);
    return result == 0 ? check_tiers(&r, file, root) : result;
}

int procedure_read_bytes(struct region *region, const char *path, const char *bytes,
                         size_t length, struct procedure_file **ret_file, struct errmsg *err)
{
    struct tree_node *root;
    int result =
        tree_parse(region, region_text(region, path, strlen(path)), bytes, length, &root, err);
    return result != 0 ? result : procedure_from_tree(region, path, root, ret_file, err);
}

int procedure_read(struct region *region, const char *path, struct procedure_file **ret_file,
                   struct errmsg *err)
{
    struct tree_node *root;
    int result = tree_read_file(region, path, &root, err);
    return result != 0 ? result : procedure_from_tree(region, path, root, ret_file, err);
}

const char *path_from(struct region *region, const char *file, const char *relative)
{
    const char *slash = strrchr(file, '/');
    if (relative[0] == '/' || slash == NULL)
        return region_text(region, relative, strlen(relative));
    return region_printf(region, "%.*s/%s", (int)(slash - file), file, relative);
}

static bool can_be_read(const char *path)
{
    return access(path, R_OK) == 0;
}

/* `a/b/c.yaml`: a/b, a, then above: `a/..` would need links resolved, so ./.. of the start. */
const char *procedure_find(struct region *region, const char *name, const char *scenario_path,
                           const char *shipped_dir)
{
    static const char *const below[] = {"procedures", "scenarios/procedures"};
    if (strchr(name, '/') != NULL || strchr(name, '.') != NULL)
        return path_from(region, scenario_path, name);
    const char *folder = path_from(region, scenario_path, "");
    for (int level = 0; level < 8; level++) {
        for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
            const char *path = region_printf(region, "%s%s/%s.yaml", folder, below[i], name);
            if (can_be_read(path))
                return path;
        }
        folder = region_printf(region, "%s../", folder);
    }
    if (shipped_dir != NULL)
        return region_printf(region, "%s/%s.yaml", shipped_dir, name);
    return path_from(region, scenario_path, region_printf(region, "%s.yaml", name));
}
