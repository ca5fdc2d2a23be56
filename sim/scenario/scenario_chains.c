/* scenario_chains.c - sequences and triggers: actions that have others as parts. */
#include "scenario/scenario_internal.h"
#include <stddef.h>
#include "core/assert.h"

#define PARTS_MAX 50u /* limits_actions_sequence_maxLength */

/* Those named so far only: nothing can be part of itself. The last is the one that is read. */
static int read_parts(struct reader *r, const struct tree_node *node, uint32_t min,
                      struct action_info *whole)
{
    const struct draft *draft = draft_of(r);
    int result = expect_kind(r, node, TREE_LIST, "a list of actions");
    if (result != 0)
        return result;
    if (node->count < min || node->count > PARTS_MAX)
        return reader_fail(r, node, ERR_INPUT, "%u actions, expected %u to %u", node->count,
                           min, PARTS_MAX);
    action_id *parts = region_array(r->region, node->count + 1, sizeof *parts);
    for (uint32_t i = 0; i < node->count; i++) {
        const struct tree_node *item = node->items[i];
        const char *name = item->kind == TREE_TEXT ? item->text : "";
        parts[i] = draft_find_action(draft, name);
        if (parts[i] == ACTION_NONE || whole == &draft->actions[parts[i]])
            return reader_fail(r, item, ERR_INPUT,
                               "no action \"%.80s\" above, expected one of those", name);
    }
    whole->parts = parts;
    whole->part_count = node->count;
    return 0;
}

int read_sequence(struct reader *r, const struct tree_node *node, void *target)
{
    struct action_info *action = target;
    action->kind = ACTION_SEQUENCE;
    return read_parts(r, node, 1, action);
}

static int read_rules(struct reader *r, const struct tree_node *node, void *target)
{
    return read_parts(r, node, 0, target);
}

static const struct schema_field trigger_fields[] = {
    {.key = "rules",
     .type = SCHEMA_OTHER,
     .required = true,
     .read = read_rules,
     .form = "list of actions",
     .example = "[guest/hello]",
     .about = "The action of each active rule. Without one a firing is answered 204."},
};
const struct schema trigger_schema = {
    .name = "a trigger",
    .fields = trigger_fields,
    .field_count = SCHEMA_COUNT_OF(trigger_fields),
    .about =
        "The key is `namespace/name`. Each rule becomes a request of its own, non-blocking, "
        "from the controller to itself."};

action_id draft_find_trigger(const struct draft *draft, const char *name)
{
    for (uint32_t i = 0; i < draft->scenario->cluster.action_count; i++)
        if (draft->actions[i].kind == ACTION_TRIGGER &&
            strcmp(draft->actions[i].name, name) == 0)
            return (action_id)i;
    return ACTION_NONE;
}

int scenario_read_triggers(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    int result = expect_kind(r, node, TREE_MAP, "a mapping of names to triggers");
    if (result == 0 && (draft_of(r)->scenario->hosts & HOSTS_LIVE) != 0)
        return reader_fail(r, node, ERR_INPUT, "triggers, expected `hosts: [sim]` with them");
    for (uint32_t i = 0; i < node->count && result == 0; i++) {
        struct action_info *trigger = draft_add_action(r, node->keys[i]);
        if (trigger == NULL)
            return -ERR_INPUT;
        trigger->kind = ACTION_TRIGGER;
        trigger->memory_mb = 256;
        trigger->timeout = SEC(60);
        result = read_action_name(r, node->keys[i], trigger);
        if (result == 0)
            result = schema_read(r, &trigger_schema, node->items[i], trigger);
    }
    return result;
}
