/* scenario_variants.c - variants, `--set`, hosts, expect, budget, checks. */
#include "scenario/scenario_internal.h"
#include <stddef.h>
#include "core/assert.h"

/* ---- overrides ---- */

static const struct tree_node *find_variant(const struct tree_node *root, const char *name)
{
    return tree_get(tree_get(root, "variants"), name);
}

static int apply_variant(struct region *region, struct tree_node *root, const char *name,
                         struct errmsg *err)
{
    const struct tree_node *variant = find_variant(root, name);
    if (variant == NULL)
        return tree_fail(root, err, ERR_INPUT,
                         "no variant \"%.60s\", expected one of `variants`", name);
    if (variant->kind != TREE_MAP)
        return tree_fail(variant, err, ERR_INPUT, "variant %.60s, expected a mapping of paths",
                         name);
    for (uint32_t i = 0; i < variant->count; i++) {
        const char *path = variant->keys[i]->text;
        if (strncmp(path, "variants", 8) == 0)
            return tree_fail(variant->keys[i], err, ERR_INPUT,
                             "a variant of variants, expected a path to another key");
        if (strcmp(path, "bugs") == 0 || strncmp(path, "bugs.", 5) == 0)
            path = region_printf(region, "cluster.%s", path);
        int result = tree_set(region, root, path, tree_copy(region, variant->items[i]), err);
        if (result != 0)
            return result;
    }
    return 0;
}

static int apply_set(struct region *region, struct tree_node *root, const char *set,
                     struct errmsg *err)
{
    const char *equals = strchr(set, '=');
    if (equals == NULL || equals == set)
        return errmsg_set(err, ERR_INPUT, "--set %.100s:1:1: no value, expected PATH=VALUE",
                          set);
    struct tree_node *value;
    const char *path = region_text(region, set, (size_t)(equals - set));
    const char *name = region_printf(region, "--set %s", path);
    int result = tree_parse(region, name, equals + 1, strlen(equals + 1), &value, err);
    if (result != 0)
        return result;
    if (strncmp(path, "variants", 8) == 0)
        return tree_fail(value, err, ERR_INPUT, "a path into variants, expected another key");
    return tree_set(region, root, path, value, err);
}

int scenario_apply(struct region *region, struct tree_node *root,
                   const struct scenario_options *options, struct errmsg *err)
{
    int result = 0;
    if (options->variant != NULL)
        result = apply_variant(region, root, options->variant, err);
    for (uint32_t i = 0; i < options->set_count && result == 0; i++)
        result = apply_set(region, root, options->sets[i], err);
    return result;
}

int scenario_read_variants(struct reader *r, const struct tree_node *node, void *target)
{
    struct scenario *s = draft_of(r)->scenario;
    (void)target;
    int result = expect_kind(r, node, TREE_MAP, "a mapping of names to overrides");
    if (result != 0)
        return result;
    if (node->count == 0 || node->count > VARIANTS_MAX)
        return reader_fail(r, node, ERR_INPUT, "%u variants, expected 1 to %u", node->count,
                           VARIANTS_MAX);
    const char **names = region_array(r->region, node->count, sizeof *names);
    for (uint32_t i = 0; i < node->count; i++) {
        names[i] = node->keys[i]->text;
        size_t length = strlen(names[i]);
        if (length == 0 || length > 60 || names[i][0] == '.' ||
            strpbrk(names[i], "/\\ ") != NULL)
            return reader_fail(
                r, node->keys[i], ERR_INPUT,
                "name \"%.60s\" of a variant, expected one word that can name a folder",
                names[i]);
        result = expect_kind(r, node->items[i], TREE_MAP, "a mapping of paths to values");
        if (result != 0)
            return result;
        if (draft_of(r)->options->variant != NULL &&
            strcmp(names[i], draft_of(r)->options->variant) == 0)
            s->variant = names[i];
    }
    s->variants = names;
    s->variant_count = node->count;
    return 0;
}

/* ---- hosts ---- */

static const char *host_word(unsigned i)
{
    return i == 0 ? "sim" : "live";
}

int scenario_read_hosts(struct reader *r, const struct tree_node *node, void *target)
{
    uint8_t hosts = 0;
    (void)target;
    int result = expect_kind(r, node, TREE_LIST, "a list of sim, live");
    for (uint32_t i = 0; i < node->count && result == 0; i++) {
        unsigned word;
        result = read_word(r, node->items[i], host_word, 2, &word);
        if (result == 0 && (hosts & 1u << word) != 0)
            result = reader_fail(r, node->items[i], ERR_INPUT, "given twice, expected it once");
        if (result == 0)
            hosts = (uint8_t)(hosts | 1u << word);
    }
    if (result == 0 && hosts == 0)
        result = reader_fail(r, node, ERR_INPUT, "an empty list, expected sim or live");
    draft_of(r)->scenario->hosts = hosts;
    return result;
}

/* ---- expect ---- */

struct expect_draft {
    uint64_t violates;
    const char *because;
};

static const char *check_word(const void *context, unsigned i)
{
    (void)context;
    return check_name(i);
}

static int read_check_name(struct reader *r, const struct tree_node *node, uint64_t *violates)
{
    int check = node->kind == TREE_TEXT ? check_from_name(node->text) : -1;
    if (check < 0) {
        const char *near = node->kind != TREE_TEXT
                               ? NULL
                               : nearest_word(node->text, check_word, NULL, check_count());
        return reader_fail(r, node, ERR_INPUT, "no check \"%.60s\", expected %s%s",
                           node->kind == TREE_TEXT ? node->text : "(a list)",
                           near != NULL ? near : "the name of a check",
                           near != NULL ? "?" : " (docs/scenario.md lists them)");
    }
    if ((*violates >> check & 1) != 0)
        return reader_fail(r, node, ERR_INPUT, "check %s given twice, expected it once",
                           node->text);
    *violates |= UINT64_C(1) << check;
    return 0;
}

static int read_violates(struct reader *r, const struct tree_node *node, void *target)
{
    uint64_t *violates = target;
    if (node->kind == TREE_TEXT)
        return read_check_name(r, node, violates);
    int result = expect_kind(r, node, TREE_LIST, "a list of checks");
    if (result == 0 && node->count == 0)
        result = reader_fail(r, node, ERR_INPUT,
                             "an empty list, expected a check, or `expect: pass`");
    for (uint32_t i = 0; i < node->count && result == 0; i++)
        result = read_check_name(r, node->items[i], violates);
    return result;
}

static const struct schema_field expect_fields[] = {
    {.key = "violates",
     .type = SCHEMA_OTHER,
     .required = true,
     .read = read_violates,
     .offset = (uint32_t)offsetof(struct expect_draft, violates),
     .form = "list of checks",
     .example = "[latency, no-failed-activation]",
     .about =
         "Exactly these are violated with the seed of the file; with other seeds they may be."},
    {.key = "because",
     .type = SCHEMA_TEXT,
     .required = true,
     .offset = (uint32_t)offsetof(struct expect_draft, because),
     .example = "C9",
     .about = "The hazard's id (docs/hazards.md)."},
};
const struct schema expect_schema = {.name = "expect",
                                     .fields = expect_fields,
                                     .field_count = SCHEMA_COUNT_OF(expect_fields),
                                     .about = "`pass`, or:"};

int scenario_read_expect(struct reader *r, const struct tree_node *node, void *target)
{
    struct draft *draft = target;
    struct expect_draft expect = {0};
    draft->has_expect = true;
    if (node->kind == TREE_TEXT && strcmp(node->text, "pass") == 0) {
        draft->scenario->expect.kind = EXPECT_PASS;
        return 0;
    }
    if (node->kind != TREE_MAP)
        return reader_fail(r, node, ERR_INPUT,
                           "%s, expected pass or { violates: [...], because: ... }",
                           node->kind == TREE_TEXT ? node->text : "a list");
    int result = schema_read(r, &expect_schema, node, &expect);
    draft->scenario->expect = (struct expectation){
        .kind = EXPECT_VIOLATES, .violates = expect.violates, .because = expect.because};
    return result;
}

/* ---- budget ---- */

#define BUDGET(text, kind)                                                                     \
    {                                                                                          \
        .key = text, .type = SCHEMA_COUNT, .width = 4, .offset = (kind)*4, .max = 1000,        \
        .fallback = 0, .example = "1", .about = "How many of these at once."                   \
    }
static const struct schema_field budget_fields[] = {
    BUDGET("controllers", NODE_CONTROLLER),
    BUDGET("schedulers", NODE_SCHEDULER),
    BUDGET("invokers", NODE_INVOKER),
    BUDGET("edge", NODE_EDGE),
    BUDGET("kafka", NODE_KAFKA),
    BUDGET("etcd", NODE_ETCD),
    BUDGET("database", NODE_DATABASE),
};
const struct schema budget_schema = {
    .name = "budget",
    .fields = budget_fields,
    .field_count = SCHEMA_COUNT_OF(budget_fields),
    .about =
        "Without a budget any number may be hurt; with one, what it does not name may not."};

int scenario_read_budget(struct reader *r, const struct tree_node *node, void *target)
{
    return schema_read(r, &budget_schema, node, ((struct draft *)target)->scenario->budget);
}

/* ---- checks ---- */

static int set_check(struct reader *r, const struct tree_node *key, const char *check,
                     const char *field, const struct tree_node *value)
{
    struct check_settings *settings = &draft_of(r)->scenario->checks;
    int index = check_field_find(check, field);
    unsigned count;
    if (index < 0)
        return reader_fail(
            r, key, ERR_INPUT,
            "no bound \"%.60s\" of check \"%.60s\", expected one of docs/scenario.md", field,
            check);
    const struct check_field *f = &check_fields(&count)[index];
    if (settings->given[index])
        return reader_fail(r, key, ERR_INPUT, "%s of %s given twice, expected it once", field,
                           check);
    settings->given[index] = true;
    uint64_t *target = &settings->values[index];
    switch (f->unit) {
    case CHECK_DURATION:
        return read_duration(r, value, f->min, f->max, target);
    case CHECK_COUNT:
        return read_count(r, value, f->min, f->max, target);
    case CHECK_STEP:
        break;
    }
    uint16_t step =
        value->kind == TREE_TEXT ? draft_find_step(draft_of(r), value->text) : UINT16_MAX;
    if (step == UINT16_MAX)
        return reader_fail(r, value, ERR_INPUT,
                           "no deploy entry has such a step, expected the name of one");
    *target = step;
    return 0;
}

static int read_check(struct reader *r, const struct tree_node *key,
                      const struct tree_node *value)
{
    const char *dot = strrchr(key->text, '.');
    int check = check_from_name(key->text);
    if (value->kind == TREE_MAP) {
        int result = 0;
        for (uint32_t i = 0; i < value->count && result == 0; i++)
            result =
                set_check(r, value->keys[i], key->text, value->keys[i]->text, value->items[i]);
        return result;
    }
    if (check >= 0) {
        bool on;
        int result = read_bool(r, value, &on);
        if (result == 0 && !on)
            draft_of(r)->scenario->checks_off |= UINT64_C(1) << check;
        return result;
    }
    if (dot == NULL)
        return reader_fail(r, key, ERR_INPUT,
                           "no check \"%.60s\", expected one of docs/scenario.md", key->text);
    return set_check(r, key, region_text(r->region, key->text, (size_t)(dot - key->text)),
                     dot + 1, value);
}

int scenario_read_checks(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    check_settings_default(&draft_of(r)->scenario->checks);
    int result = expect_kind(r, node, TREE_MAP, "a mapping of checks to bounds");
    for (uint32_t i = 0; i < node->count && result == 0; i++)
        result = read_check(r, node->keys[i], node->items[i]);
    return result;
}
