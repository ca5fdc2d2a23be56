/* procedure_schema.c - the tables of a procedure file and the readers of its odd values. */
#include "scenario/procedure_internal.h"
#include <stddef.h>
#include "core/assert.h"

static schema_read_fn read_section, read_steps, read_until, read_when, read_ignore, read_ask;
static schema_member_fn read_switch;

static const char *step_kind_word(unsigned i)
{
    static const char *const words[] = {"request", "sleep", "edge-remove", "edge-add",
                                        "stop",    "start", "restart",     "remove-containers",
                                        "pull",    "invoke"};
    return words[i];
}
static const char *method_word(unsigned i)
{
    static const char *const words[] = {"GET",     "POST", "PUT",  "DELETE",
                                        "OPTIONS", "HEAD", "PATCH"};
    return words[i];
}
static const char *auth_word(unsigned i)
{
    static const char *const words[] = {"none", "own", "wrong"};
    return words[i];
}
static const char *give_up_word(unsigned i)
{
    static const char *const words[] = {"host", "play"};
    return words[i];
}
static const char *order_word(unsigned i)
{
    static const char *const words[] = {"forward", "reverse"};
    return words[i];
}

#define STEP(member)                                                                           \
    .width = sizeof(((struct step *)0)->member),                                               \
    .offset = (uint32_t)offsetof(struct step_draft, step.member)
#define TEXT(member) .offset = (uint32_t)offsetof(struct step_draft, step.member)

static const struct schema_field step_fields[] = {
    {.key = "name",
     .type = SCHEMA_TEXT,
     .required = true,
     TEXT(name),
     .example = "drain",
     .about = "Names the step in reports and in `during: scheduler0.drain`; once per section."},
    {.key = "do",
     .type = SCHEMA_WORD,
     .required = true,
     STEP(kind),
     .word = step_kind_word,
     .word_count = 10,
     .example = "request",
     .about =
         "What is done. `edge-remove` and `edge-add` comment the controller out of nginx or "
         "put it back, and reload; `stop`, `start`, `restart`, `pull`, `remove-containers` "
         "are Docker's work; `invoke` is one non-blocking invocation at this controller."},
    {.key = "method",
     .type = SCHEMA_WORD,
     STEP(method),
     .word = method_word,
     .word_count = 7,
     .example = "GET",
     .about = "Of a request."},
    {.key = "path",
     .type = SCHEMA_TEXT,
     TEXT(path),
     .standard = "required for a request",
     .example = "/activation/count",
     .about = "Of a request. `<i>` stands for the host's index."},
    {.key = "ask",
     .type = SCHEMA_OTHER,
     .read = read_ask,
     TEXT(ask),
     .form = "tier",
     .standard = "the host itself",
     .example = "controllers",
     .about = "Sends the request to another instance of this tier, the next one at each "
              "repetition."},
    {.key = "auth",
     .type = SCHEMA_WORD,
     STEP(auth),
     .word = auth_word,
     .word_count = 3,
     .example = "own",
     .about = "Basic credentials: none, the component's own, wrong ones."},
    {.key = "status",
     .type = SCHEMA_COUNT,
     STEP(status),
     .max = 599,
     .fallback = 200,
     .example = "200",
     .about = "The status that counts as an answer; 0: any. Another one is a "
              "failure, after `until` has had its say."},
    {.key = "until",
     .type = SCHEMA_OTHER,
     .read = read_until,
     .form = "conditions",
     .example = "{ body: \"0\" }",
     .about = "Repeat until the answer is so; see below. A refused or broken connection is an "
              "empty body and no status."},
    {.key = "retries",
     .type = SCHEMA_COUNT,
     STEP(retries),
     .max = 100000,
     .fallback = 0,
     .example = "180",
     .about = "N retries are N + 1 requests with N pauses."},
    {.key = "delay",
     .type = SCHEMA_DURATION,
     STEP(delay),
     .max = MINUTES(1440),
     .fallback = SEC(5),
     .example = "5s",
     .about = "Between repetitions; the length of a `sleep`."},
    {.key = "timeout",
     .type = SCHEMA_DURATION,
     STEP(timeout),
     .min = MSEC(1),
     .max = MINUTES(1440),
     .fallback = SEC(30),
     .example = "30s",
     .about = "Of one request; 30 s is Ansible's."},
    {.key = "ignore-errors",
     .type = SCHEMA_OTHER,
     .read = read_ignore,
     .form = "true, false, or a switch",
     .standard = "false",
     .example = "scheduler_deployment_ignore_error",
     .about = "Go on as if nothing had happened."},
    {.key = "when",
     .type = SCHEMA_OTHER,
     .read = read_when,
     .form = "a switch, or conditions",
     .standard = "always",
     .example = "zerodowntime_deployment_switch",
     .about = "Do the step only then; see below."},
    {.key = "action",
     .type = SCHEMA_TEXT,
     .offset = (uint32_t)offsetof(struct step_draft, invoke_action),
     .standard = "required for `invoke`",
     .example = PROCEDURE_HEALTH_TEST,
     .about =
         "What `invoke` invokes: an action of the scenario, or this one, whose number is the "
         "host's index."},
};
const struct schema procedure_step_schema = {
    .name = "a step",
    .fields = step_fields,
    .field_count = SCHEMA_COUNT_OF(step_fields),
    .about =
        "Steps are done in order; all hosts of a batch finish one before the next begins."};

struct until_draft {
    const char *body, *has, *lacks;
    uint16_t status;
    uint8_t json;
};
static const struct schema_field until_fields[] = {
    {.key = "status",
     .type = SCHEMA_COUNT,
     .width = 2,
     .offset = (uint32_t)offsetof(struct until_draft, status),
     .min = 100,
     .max = 599,
     .standard = "none",
     .example = "200",
     .about = "The status is this."},
    {.key = "json-not-empty",
     .type = SCHEMA_BOOL,
     .width = 1,
     .offset = (uint32_t)offsetof(struct until_draft, json),
     .example = "true",
     .about = "The body is JSON and has a member. Anything that is not JSON ends the step at "
              "once, without its retries."},
    {.key = "body",
     .type = SCHEMA_TEXT,
     .offset = (uint32_t)offsetof(struct until_draft, body),
     .example = "0",
     .about = "The body is exactly this."},
    {.key = "has",
     .type = SCHEMA_TEXT,
     .offset = (uint32_t)offsetof(struct until_draft, has),
     .example = "up",
     .about = "The body has this text somewhere."},
    {.key = "lacks",
     .type = SCHEMA_TEXT,
     .offset = (uint32_t)offsetof(struct until_draft, lacks),
     .example = "unhealthy",
     .about = "The body has this text nowhere."},
};
static const struct schema until_schema = {
    .name = "until",
    .fields = until_fields,
    .field_count = SCHEMA_COUNT_OF(until_fields),
    .about = "All that are given must hold; they are looked at in the order of this table."};

static const struct schema_field when_fields[] = {
    {.key = "switch",
     .type = SCHEMA_TEXT,
     TEXT(when_switch),
     .example = "zerodowntime_deployment_switch",
     .about = "This switch is on."},
    {.key = "also",
     .type = SCHEMA_TEXT,
     TEXT(when_also_switch),
     .example = "scheduler_enable",
     .about = "So is this one."},
    {.key = "not-switch",
     .type = SCHEMA_TEXT,
     TEXT(when_not_switch),
     .example = "scheduler_enable",
     .about = "This switch is off."},
    {.key = "step",
     .type = SCHEMA_TEXT,
     TEXT(when_step),
     .example = "wait-for-invokers",
     .about = "The last answer to this earlier step has the text `has`."},
    {.key = "has",
     .type = SCHEMA_TEXT,
     TEXT(when_text),
     .example = "up",
     .about = "Goes with `step`."},
};
static const struct schema when_schema = {.name = "when",
                                          .fields = when_fields,
                                          .field_count = SCHEMA_COUNT_OF(when_fields),
                                          .about = "A text alone is a switch that must be on."};

#define SECTION(member)                                                                        \
    .width = sizeof(((struct procedure_section *)0)->member),                                  \
    .offset = (uint32_t)offsetof(struct procedure_section, member)

static const struct schema switches_schema = {
    .name = "switches",
    .member = read_switch,
    .member_form = "`<name>: true|false`",
    .member_about = "a switch with its default; a deploy entry of a scenario may set it."};
static int read_switches(struct reader *r, const struct tree_node *node, void *target)
{
    return schema_read(r, &switches_schema, node, target);
}

static const struct schema_field section_fields[] = {
    {.key = "serial",
     .type = SCHEMA_COUNT,
     SECTION(serial),
     .max = 10000,
     .fallback = 0,
     .example = "1",
     .about = "Hosts per batch; 0: all in one batch. A batch that fails whole "
              "ends the play."},
    {.key = "forks",
     .type = SCHEMA_COUNT,
     SECTION(forks),
     .min = 1,
     .max = 10000,
     .fallback = 5,
     .example = "5",
     .about = "Hosts at work at a time within a step."},
    {.key = "order",
     .type = SCHEMA_WORD,
     SECTION(reverse),
     .word = order_word,
     .word_count = 2,
     .example = "reverse",
     .about = "Of the hosts."},
    {.key = "give-up",
     .type = SCHEMA_WORD,
     SECTION(give_up),
     .word = give_up_word,
     .word_count = 2,
     .example = "play",
     .about = "What a failed step ends: its host (the others go on), or the play."},
    {.key = "switches",
     .type = SCHEMA_OTHER,
     .read = read_switches,
     .offset = (uint32_t)offsetof(struct procedure_section, switches),
     .form = "mapping",
     .example = "{ scheduler_enable: true }",
     .about = "Switches that steps ask for."},
    {.key = "steps",
     .type = SCHEMA_OTHER,
     .required = true,
     .read = read_steps,
     .offset = (uint32_t)offsetof(struct procedure_section, steps),
     .form = "list of steps",
     .example = "[{ name: stop, do: stop }]",
     .about = "In order."},
};
static const struct schema section_schema = {.name = "a section",
                                             .fields = section_fields,
                                             .field_count = SCHEMA_COUNT_OF(section_fields),
                                             .about = "How one tier is rolled."};

#define TIER(kind, text)                                                                       \
    {                                                                                          \
        .key = text, .type = SCHEMA_OTHER, .read = read_section, .form = "a section",          \
        .example = "{ steps: [...] }", .about = "How these are rolled.",                       \
        .offset = (uint32_t)(offsetof(struct procedure_file, sections) +                       \
                             (kind) * sizeof(struct procedure_section))                        \
    }

static const struct schema_field file_fields[] = {
    {.key = "why",
     .type = SCHEMA_TEXT,
     .required = true,
     .offset = (uint32_t)offsetof(struct procedure_file, why),
     .example = "As the roles are at HEAD.",
     .about = "What this procedure is."},
    TIER(NODE_CONTROLLER, "controllers"),
    TIER(NODE_SCHEDULER, "schedulers"),
    TIER(NODE_INVOKER, "invokers"),
};
const struct schema procedure_file_schema = {
    .name = "a procedure file",
    .fields = file_fields,
    .field_count = SCHEMA_COUNT_OF(file_fields),
    .about = "A procedure is found by its name in `scenarios/procedures`, or by its path."};

static int read_section(struct reader *r, const struct tree_node *node, void *target)
{
    struct procedure_section *section = target;
    int result = schema_read(r, &section_schema, node, section);
    section->is_present = true;
    return result;
}

static int read_switch(struct reader *r, const struct tree_node *key,
                       const struct tree_node *value, void *target)
{
    struct procedure_switch **switches = target;
    struct procedure_section *section =
        (void *)((char *)switches - offsetof(struct procedure_section, switches));
    struct procedure_switch *larger =
        region_array(r->region, section->switch_count + 1u, sizeof *larger);
    if (section->switch_count > 0)
        memcpy(larger, *switches, section->switch_count * sizeof *larger);
    *switches = larger;
    larger[section->switch_count].name = key->text;
    return read_bool(r, value, &larger[section->switch_count++].on);
}

static int read_ask(struct reader *r, const struct tree_node *node, void *target)
{
    enum node_kind tier =
        node->kind == TREE_TEXT ? tier_from_string(node->text) : NODE_KIND_COUNT;
    if (tier == NODE_KIND_COUNT)
        return reader_fail(r, node, ERR_INPUT,
                           "no tier, expected controllers, schedulers or invokers");
    *(uint8_t *)target = (uint8_t)tier;
    return 0;
}

static int read_ignore(struct reader *r, const struct tree_node *node, void *target)
{
    struct step *step = target;
    bool flag;
    const char *text;
    int result = read_text(r, node, &text);
    if (result != 0)
        return result;
    if (!node->quoted && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
        result = read_bool(r, node, &flag);
        step->ignore_errors = flag;
    } else {
        step->ignore_errors = 2;
        step->ignore_switch = text;
    }
    return result;
}

static int read_when(struct reader *r, const struct tree_node *node, void *target)
{
    struct step_draft *draft = target;
    if (node->kind == TREE_TEXT)
        return read_text(r, node, &draft->step.when_switch);
    int result = schema_read(r, &when_schema, node, draft);
    if (result == 0 && (draft->step.when_step == NULL) != (draft->step.when_text == NULL))
        result = reader_fail(r, node, ERR_INPUT, "only one of step and has, expected both");
    return result;
}

static void add_until(struct step *step, enum until_kind kind, uint16_t status,
                      const char *text)
{
    ASSERT_OP(step->until_count, <, UNTIL_MAX);
    step->until[step->until_count++] =
        (struct until){.kind = (uint8_t)kind, .status = status, .text = text};
}

static int read_until(struct reader *r, const struct tree_node *node, void *target)
{
    struct step *step = target;
    struct until_draft draft = {0};
    int result = schema_read(r, &until_schema, node, &draft);
    if (result != 0)
        return result;
    if (node->count == 0 || node->count > UNTIL_MAX)
        return reader_fail(r, node, ERR_INPUT, "%u conditions, expected 1 to %d", node->count,
                           UNTIL_MAX);
    if (draft.status != 0)
        add_until(step, UNTIL_STATUS, draft.status, NULL);
    if (draft.json != 0)
        add_until(step, UNTIL_JSON_NOT_EMPTY, 0, NULL);
    if (draft.body != NULL)
        add_until(step, UNTIL_BODY_IS, 0, draft.body);
    if (draft.has != NULL)
        add_until(step, UNTIL_BODY_HAS, 0, draft.has);
    if (draft.lacks != NULL)
        add_until(step, UNTIL_BODY_LACKS, 0, draft.lacks);
    return 0;
}

static int read_steps(struct reader *r, const struct tree_node *node, void *target)
{
    struct step **steps = target;
    struct procedure_section *section =
        (void *)((char *)steps - offsetof(struct procedure_section, steps));
    int result = expect_kind(r, node, TREE_LIST, "a list of steps");
    if (result != 0)
        return result;
    if (node->count == 0 || node->count > PROCEDURE_STEPS_MAX)
        return reader_fail(r, node, ERR_INPUT, "%u steps, expected 1 to %u", node->count,
                           PROCEDURE_STEPS_MAX);
    section->steps = region_array(r->region, node->count, sizeof *section->steps);
    section->invoke_actions = region_array(r->region, node->count, sizeof(char *));
    for (uint32_t i = 0; i < node->count && result == 0; i++) {
        struct step_draft draft = {.step = {.invoke_action = ACTION_NONE}};
        result = schema_read(r, &procedure_step_schema, node->items[i], &draft);
        section->steps[i] = draft.step;
        section->invoke_actions[i] = draft.invoke_action;
        section->step_count = i + 1;
        if (result == 0)
            result = procedure_check_step(r, section, i, node->items[i]);
    }
    return result;
}

void procedure_print_reference(FILE *out)
{
    static const struct schema *const schemas[] = {
        &procedure_file_schema, &section_schema, &switches_schema,
        &procedure_step_schema, &until_schema,   &when_schema};
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        fprintf(out, "\n### %s\n\n", schemas[i]->name);
        if (schemas[i]->about != NULL)
            fprintf(out, "%s\n\n", schemas[i]->about);
        schema_print(schemas[i], out);
    }
}
