/* scenario_faults.c - fault rules: kill, delay, answer. */
#include "scenario/scenario_internal.h"
#include <stddef.h>
#include "core/assert.h"

struct fault_draft {
    struct fault_rule rule;
    duration at;
    uint32_t kinds; /* how many of kill, delay, answer were given */
};

static schema_read_fn read_during, read_kill, read_delay, read_answer, read_ratio_field;
static schema_member_fn read_link_delay;

#define FAULT(member)                                                                          \
    .width = sizeof(((struct fault_draft *)0)->member),                                        \
    .offset = (uint32_t)offsetof(struct fault_draft, member)

#define LATER(text)                                                                            \
    {                                                                                          \
        .key = text, .type = SCHEMA_LATER, .example = "...", .about = "Refused for now."       \
    }

static const struct schema_field fault_fields[] = {
    {.key = "at",
     .type = SCHEMA_DURATION,
     FAULT(at),
     .max = MINUTES(43200),
     .fallback = SCHEMA_NONE,
     .standard = "always",
     .example = "40s",
     .about = "From then on."},
    {.key = "during",
     .type = SCHEMA_OTHER,
     .read = read_during,
     .form = "`<instance>.<step>`",
     .example = "scheduler0.drain",
     .about = "While a deploy entry takes this instance through this step."},
    {.key = "for",
     .type = SCHEMA_DURATION,
     FAULT(rule.length),
     .min = 1,
     .max = MINUTES(43200),
     .fallback = 0,
     .standard = "as long as the step, or for ever",
     .example = "10s",
     .about = "How long."},
    {.key = "ratio",
     .type = SCHEMA_OTHER,
     .read = read_ratio_field,
     .form = "ratio",
     .standard = "always",
     .example = "1/100",
     .about = "How many of the matches."},
    {.key = "nth",
     .type = SCHEMA_COUNT,
     FAULT(rule.nth),
     .min = 1,
     .max = UINT32_MAX,
     .fallback = 0,
     .standard = "each",
     .example = "3",
     .about = "Only the nth match."},
    {.key = "kill",
     .type = SCHEMA_OTHER,
     .read = read_kill,
     .form = "an instance",
     .example = "scheduler0",
     .about = "Cut it, once, without a signal. Needs `at` or `during`."},
    {.key = "delay",
     .type = SCHEMA_OTHER,
     .read = read_delay,
     .form = "mapping",
     .example = "{ link: kafka, from: controller0, by: 300ms }",
     .about = "Messages come later."},
    {.key = "answer",
     .type = SCHEMA_OTHER,
     .read = read_answer,
     .form = "mapping",
     .example = "{ node: scheduler0, route: \"GET /activation/count\", body: \"0\" }",
     .about = "A request is answered in the instance's name and does not reach it."},
    LATER("loss"),
    LATER("duplicate"),
    LATER("reorder"),
    LATER("partition"),
    LATER("refuse"),
    LATER("reset"),
    LATER("stop"),
    LATER("pause"),
    LATER("restart"),
    LATER("after"),
};
const struct schema fault_schema = {
    .name = "an entry of faults",
    .fields = fault_fields,
    .field_count = SCHEMA_COUNT_OF(fault_fields),
    .member = read_link_delay,
    .member_form = "`<link>.delay: <duration>`",
    .member_about =
        "short for `delay: { link: <link>, by: <duration> }`; links: post, http, kafka, "
        "etcd, watch, grpc, remoting, database",
    .about =
        "One of `kill`, `delay`, `answer` in each. Without `at` and `during` it holds always."};

static int read_ratio_field(struct reader *r, const struct tree_node *node, void *target)
{
    struct ratio *ratio = &((struct fault_draft *)target)->rule.ratio;
    int result = read_ratio(r, node, ratio);
    if (result == 0 && ratio->numerator == 0)
        result = reader_fail(r, node, ERR_INPUT, "0, expected a ratio above 0");
    return result;
}

static int read_during(struct reader *r, const struct tree_node *node, void *target)
{
    struct fault_draft *fault = target;
    struct draft *draft = draft_of(r);
    const char *text;
    int result = read_text(r, node, &text);
    if (result != 0)
        return result;
    const char *dot = strchr(text, '.');
    if (dot == NULL)
        return reader_fail(r, node, ERR_INPUT,
                           "\"%.60s\", expected an instance and a step such as "
                           "scheduler0.drain",
                           text);
    const char *name = region_text(r->region, text, (size_t)(dot - text));
    node_id instance = draft_find_node(draft, name);
    uint16_t step = draft_find_step(draft, dot + 1);
    if (instance == NODE_NONE)
        return reader_fail(
            r, node, ERR_INPUT,
            "no instance \"%.60s\" in the cluster, expected one such as scheduler0", name);
    bool is_taken = false;
    for (uint32_t i = 0; i < draft->scenario->deploy_count && !is_taken; i++) {
        const struct deploy_entry *entry = &draft->scenario->deploys[i];
        bool rolls = false, has_step = false;
        for (uint32_t k = 0; k < entry->node_count; k++)
            rolls |= entry->nodes[k] == instance;
        for (uint32_t k = 0; k < entry->procedure->step_count; k++)
            has_step |= entry->procedure->steps[k].id == step;
        is_taken = rolls && has_step && step != UINT16_MAX;
    }
    if (!is_taken)
        return reader_fail(
            r, node, ERR_INPUT,
            "no deploy entry takes %s through a step \"%.60s\", expected one that does", name,
            dot + 1);
    fault->rule.during_instance = instance;
    fault->rule.during_step = step;
    fault->rule.when = FAULT_DURING;
    return 0;
}

static int read_kill(struct reader *r, const struct tree_node *node, void *target)
{
    struct fault_draft *fault = target;
    int result = draft_read_node(r, node, &fault->rule.node);
    if (result != 0)
        return result;
    enum node_kind kind = cluster_kind(&draft_of(r)->scenario->cluster, fault->rule.node);
    if (kind == NODE_CLIENT || kind == NODE_DEPLOYER)
        return reader_fail(r, node, ERR_LATER,
                           "killing the %s is not there yet, expected a node of the "
                           "cluster",
                           node_kind_to_string(kind));
    fault->rule.kind = FAULT_KIND_KILL;
    fault->kinds++;
    return 0;
}

/* ---- delay ---- */

static int read_link(struct reader *r, const struct tree_node *node, const char *text,
                     uint16_t *ret_links)
{
    unsigned link = link_from_string(text);
    if (link == LINK_COUNT || link == LINK_CONTROL)
        return reader_fail(
            r, node, ERR_INPUT,
            "no link \"%.40s\", expected one of post, http, kafka, etcd, watch, grpc, "
            "remoting, database",
            text);
    *ret_links = (uint16_t)(1u << link);
    return 0;
}

static int read_delay_link(struct reader *r, const struct tree_node *node, void *target)
{
    const char *text;
    int result = read_text(r, node, &text);
    return result != 0 ? result : read_link(r, node, text, target);
}

static int read_delay_node(struct reader *r, const struct tree_node *node, void *target)
{
    return draft_read_node(r, node, target);
}

#define RULE(member)                                                                           \
    .width = sizeof(((struct fault_rule *)0)->member),                                         \
    .offset = (uint32_t)offsetof(struct fault_rule, member)
#define BY_MAX MINUTES(60)

static const struct schema_field delay_fields[] = {
    {.key = "link",
     .type = SCHEMA_OTHER,
     .read = read_delay_link,
     RULE(links),
     .form = "a link",
     .standard = "any",
     .example = "kafka",
     .about = "Which kind of message."},
    {.key = "from",
     .type = SCHEMA_OTHER,
     .read = read_delay_node,
     RULE(from),
     .form = "an instance",
     .standard = "any",
     .example = "controller0",
     .about = "Who sends."},
    {.key = "to",
     .type = SCHEMA_OTHER,
     .read = read_delay_node,
     RULE(to),
     .form = "an instance",
     .standard = "any",
     .example = "kafka",
     .about = "Who receives."},
    {.key = "by",
     .type = SCHEMA_DURATION,
     .required = true,
     RULE(by),
     .min = 1,
     .max = BY_MAX,
     .example = "300ms",
     .about = "How much later."},
};
const struct schema delay_schema = {
    .name = "delay", .fields = delay_fields, .field_count = SCHEMA_COUNT_OF(delay_fields)};

static int read_delay(struct reader *r, const struct tree_node *node, void *target)
{
    struct fault_draft *fault = target;
    fault->rule.kind = FAULT_KIND_DELAY;
    fault->kinds++;
    return schema_read(r, &delay_schema, node, &fault->rule);
}

static int read_link_delay(struct reader *r, const struct tree_node *key,
                           const struct tree_node *value, void *target)
{
    struct fault_draft *fault = target;
    const char *dot = strrchr(key->text, '.');
    if (dot == NULL)
        return 1;
    if (strcmp(dot, ".delay") != 0)
        return reader_fail(r, key, ERR_LATER,
                           "fault \"%.60s\" is not there yet, expected kill, delay "
                           "or answer",
                           key->text);
    const char *link = region_text(r->region, key->text, (size_t)(dot - key->text));
    int result = read_link(r, key, link, &fault->rule.links);
    if (result == 0)
        result = read_duration(r, value, 1, BY_MAX, &fault->rule.by);
    fault->rule.kind = FAULT_KIND_DELAY;
    fault->kinds++;
    return result;
}

/* ---- answer ---- */

static int read_answer_node(struct reader *r, const struct tree_node *node, void *target)
{
    struct fault_rule *rule = target;
    const char *text;
    int result = read_text(r, node, &text);
    if (result != 0)
        return result;
    enum node_kind tier = tier_from_string(text);
    if (tier != NODE_KIND_COUNT) {
        rule->node = NODE_NONE;
        rule->tier = (uint8_t)tier;
        return 0;
    }
    result = draft_read_node(r, node, &rule->node);
    if (result != 0)
        return result;
    rule->tier = (uint8_t)cluster_kind(&draft_of(r)->scenario->cluster, rule->node);
    if (strcmp(tier_to_string((enum node_kind)rule->tier), "unknown") == 0)
        return reader_fail(
            r, node, ERR_INPUT,
            "%s has no admin routes, expected a controller, scheduler or invoker", text);
    return 0;
}

static int read_route(struct reader *r, const struct tree_node *node, void *target)
{
    static const char *const methods[] = {"GET",     "POST", "PUT",  "DELETE",
                                          "OPTIONS", "HEAD", "PATCH"};
    struct fault_rule *rule = target;
    const char *text;
    int result = read_text(r, node, &text);
    if (result != 0)
        return result;
    for (uint8_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        size_t length = strlen(methods[i]);
        if (strncmp(text, methods[i], length) != 0 || text[length] != ' ' ||
            text[length + 1] != '/')
            continue;
        rule->method = i;
        rule->path = text + length + 1;
        return 0;
    }
    return reader_fail(r, node, ERR_INPUT,
                       "\"%.60s\", expected a method and a path such as GET /activation/count",
                       text);
}

static int read_bodies(struct reader *r, const struct tree_node *node, void *target)
{
    struct fault_rule *rule = target;
    int result = expect_kind(r, node, TREE_LIST, "a list of bodies");
    if (result == 0 && (node->count == 0 || node->count > FAULT_ANSWERS_MAX))
        result = reader_fail(r, node, ERR_INPUT, "%u bodies, expected 1 to %d", node->count,
                             FAULT_ANSWERS_MAX);
    for (uint32_t i = 0; i < node->count && result == 0; i++)
        result = read_text(r, node->items[i], &rule->bodies[i]);
    rule->body_count = node->count;
    return result;
}

static int read_body(struct reader *r, const struct tree_node *node, void *target)
{
    struct fault_rule *rule = target;
    rule->body_count = 1;
    return read_text(r, node, &rule->bodies[0]);
}

static const struct schema_field answer_fields[] = {
    {.key = "node",
     .type = SCHEMA_OTHER,
     .required = true,
     .read = read_answer_node,
     .form = "an instance or a tier",
     .example = "schedulers",
     .about = "In whose name."},
    {.key = "route",
     .type = SCHEMA_OTHER,
     .required = true,
     .read = read_route,
     .form = "method and path",
     .example = "GET /activation/count",
     .about = "Which request."},
    {.key = "status",
     .type = SCHEMA_COUNT,
     RULE(status),
     .min = 100,
     .max = 599,
     .fallback = 200,
     .example = "500",
     .about = "HTTP status."},
    {.key = "body",
     .type = SCHEMA_OTHER,
     .read = read_body,
     .form = "text",
     .standard = "empty",
     .example = "0",
     .about = "The body."},
    {.key = "bodies",
     .type = SCHEMA_OTHER,
     .read = read_bodies,
     .form = "list of texts",
     .example = "[\"3\", \"1\", \"0\", \"2\", \"0\"]",
     .about = "Bodies in turn; the last one stays."},
    {.key = "delay",
     .type = SCHEMA_DURATION,
     RULE(by),
     .max = BY_MAX,
     .fallback = 0,
     .example = "2s",
     .about = "Before the answer."},
};
const struct schema answer_schema = {
    .name = "answer", .fields = answer_fields, .field_count = SCHEMA_COUNT_OF(answer_fields)};

static int read_answer(struct reader *r, const struct tree_node *node, void *target)
{
    struct fault_draft *fault = target;
    fault->rule.kind = FAULT_KIND_ANSWER;
    fault->kinds++;
    int result = schema_read(r, &answer_schema, node, &fault->rule);
    if (result == 0 && tree_get(node, "body") != NULL && tree_get(node, "bodies") != NULL)
        result = reader_fail(r, node, ERR_INPUT, "body and bodies, expected one of them");
    return result;
}

/* ---- entries ---- */

static int read_rule(struct reader *r, const struct tree_node *node, struct fault_rule *rule)
{
    struct fault_draft fault = {.rule = {.node = NODE_NONE,
                                         .from = NODE_NONE,
                                         .to = NODE_NONE,
                                         .during_instance = NODE_NONE,
                                         .line = node->line}};
    int result = schema_read(r, &fault_schema, node, &fault);
    if (result != 0)
        return result;
    if (fault.kinds != 1)
        return reader_fail(r, node, ERR_INPUT,
                           "%u faults in one entry, expected one of kill, delay, answer",
                           fault.kinds);
    if (fault.at != SCHEMA_NONE && fault.rule.when == FAULT_DURING)
        return reader_fail(r, node, ERR_INPUT, "at and during, expected one of them");
    if (fault.at != SCHEMA_NONE) {
        fault.rule.when = FAULT_AT;
        fault.rule.at = TSTAMP_ORIGIN + fault.at;
    }
    if (fault.rule.kind == FAULT_KIND_KILL && fault.rule.when == FAULT_ALWAYS)
        return reader_fail(r, node, ERR_INPUT,
                           "a kill without its time, expected at or during");
    if (fault.rule.kind == FAULT_KIND_KILL && (fault.rule.length != 0 || fault.rule.nth > 1))
        return reader_fail(r, node, ERR_INPUT, "a kill with for or nth, expected it once");
    *rule = fault.rule;
    return 0;
}

int scenario_read_faults(struct reader *r, const struct tree_node *node, void *target)
{
    struct scenario *s = ((struct draft *)target)->scenario;
    int result = expect_kind(r, node, TREE_LIST, "a list of faults");
    if (result != 0)
        return result;
    if (node->count > FAULTS_MAX)
        return reader_fail(r, node, ERR_INPUT, "%u faults, expected at most %u", node->count,
                           FAULTS_MAX);
    s->faults = region_array(r->region, node->count, sizeof *s->faults);
    s->fault_count = node->count;
    for (uint32_t i = 0; i < node->count && result == 0; i++)
        result = read_rule(r, node->items[i], &s->faults[i]);
    return result;
}
