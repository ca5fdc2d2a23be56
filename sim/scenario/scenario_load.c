/* scenario_load.c - load entries: arrivals of one action, or a recorded workload. */
#include "scenario/scenario_internal.h"
#include <stddef.h>
#include <stdlib.h>
#include "core/assert.h"
#include "scenario/units.h"

#define REQUESTS_MAX                                                                           \
    (REQUEST_ORDINAL_MAX - 100000u) /* room for the spread of Poisson arrivals */
#define LENGTH_MAX MINUTES(60 * 24 * 30)

struct load_draft {
    struct load_entry entry;
    const char *action, *trigger, *trace, *ns;
    const struct tree_node *arrivals_node;
    duration from, length;
    uint64_t speed_milli;
    uint32_t top;
};

static schema_read_fn read_arrivals, read_speed;

#define LOAD(member)                                                                           \
    .width = sizeof(((struct load_draft *)0)->member),                                         \
    .offset = (uint32_t)offsetof(struct load_draft, member)

static const struct schema_field load_fields[] = {
    {.key = "action",
     .type = SCHEMA_TEXT,
     .offset = (uint32_t)offsetof(struct load_draft, action),
     .standard = "this, `trigger` or `trace`",
     .example = "guest/hello",
     .about = "What is invoked."},
    {.key = "trigger",
     .type = SCHEMA_TEXT,
     .offset = (uint32_t)offsetof(struct load_draft, trigger),
     .standard = "this, `action` or `trace`",
     .example = "guest/tick",
     .about = "What is fired; `blocking` is of no use then."},
    {.key = "namespace",
     .type = SCHEMA_TEXT,
     .offset = (uint32_t)offsetof(struct load_draft, ns),
     .standard = "the action's own",
     .example = "other",
     .about = "Who invokes it, through a binding of its package; in virtual time only."},
    {.key = "arrivals",
     .type = SCHEMA_OTHER,
     .read = read_arrivals,
     .form = "`poisson 50/s`, `every 100ms`, `bursts 50 every 10s`, `closed 500`",
     .standard = "required but with `trace`",
     .example = "poisson 50/s",
     .about =
         "A rate is per `s`, `m` or `h`. `closed`: so many callers, each sends the next when "
         "it has its answer."},
    {.key = "trace",
     .type = SCHEMA_TEXT,
     .offset = (uint32_t)offsetof(struct load_draft, trace),
     .standard = "this, `action` or `trigger`",
     .example = "../traces/morning-2021.csv",
     .about = "A recorded workload in one of the two Azure Functions schemas, from the file's "
              "folder; see below."},
    {.key = "from",
     .type = SCHEMA_DURATION,
     LOAD(from),
     .max = LENGTH_MAX,
     .fallback = 0,
     .example = "10s",
     .about = "When it begins."},
    {.key = "for",
     .type = SCHEMA_DURATION,
     LOAD(length),
     .min = MSEC(1),
     .max = LENGTH_MAX,
     .fallback = SCHEMA_NONE,
     .standard = "required but with `trace`",
     .example = "8m",
     .about = "How long. Calls of a recording that come later are skipped and counted."},
    {.key = "blocking",
     .type = SCHEMA_BOOL,
     LOAD(entry.blocking),
     .fallback = 0,
     .example = "true",
     .about = "The caller waits for the result."},
    {.key = "requests",
     .type = SCHEMA_COUNT,
     LOAD(entry.request_max),
     .min = 1,
     .max = REQUESTS_MAX,
     .fallback = 0,
     .standard = "no limit",
     .example = "1000",
     .about = "Stop after so many."},
    {.key = "speed",
     .type = SCHEMA_OTHER,
     .read = read_speed,
     .form = "number, 0.001 to 100000",
     .standard = "1",
     .example = "2",
     .about = "How much faster than recorded the calls come."},
    {.key = "top",
     .type = SCHEMA_COUNT,
     LOAD(top),
     .min = 1,
     .max = 10000,
     .fallback = 0,
     .standard = "all",
     .example = "20",
     .about = "Only the functions with most calls; calls of others are skipped and counted."},
};
const struct schema load_schema = {.name = "an entry of load",
                                   .fields = load_fields,
                                   .field_count = SCHEMA_COUNT_OF(load_fields)};

static int read_speed(struct reader *r, const struct tree_node *node, void *target)
{
    struct load_draft *load = target;
    if (node->kind != TREE_TEXT || !units_milli(node->text, &load->speed_milli) ||
        load->speed_milli == 0 || load->speed_milli > 100000000)
        return reader_fail(r, node, ERR_INPUT,
                           "a speed, expected a number from 0.001 to 100000");
    return 0;
}

/* `50/s` as the mean length between two. */
static bool parse_rate(const char *text, duration *ret)
{
    static const struct {
        const char *text;
        duration length;
    } per[] = {{"/s", SEC(1)}, {"/m", MINUTES(1)}, {"/h", MINUTES(60)}};
    const char *slash = strchr(text, '/');
    char number[32];
    uint64_t milli;
    if (slash == NULL || (size_t)(slash - text) >= sizeof number)
        return false;
    memcpy(number, text, (size_t)(slash - text));
    number[slash - text] = '\0';
    if (!units_milli(number, &milli) || milli == 0)
        return false;
    for (size_t i = 0; i < sizeof per / sizeof per[0]; i++) {
        if (strcmp(slash, per[i].text) != 0)
            continue;
        *ret = (duration)((unsigned __int128)per[i].length * 1000 / milli);
        return *ret > 0;
    }
    return false;
}

/* Up to four words of the text. */
static unsigned split_words(const char *text, char words[4][32])
{
    unsigned count = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (length > 0) {
            if (count == 4 || length >= 32)
                return 5;
            memcpy(words[count], text, length);
            words[count++][length] = '\0';
        }
        text += length + (text[length] == ' ');
    }
    return count;
}

static int read_arrivals(struct reader *r, const struct tree_node *node, void *target)
{
    struct load_draft *load = target;
    struct load_entry *entry = &load->entry;
    char words[4][32];
    uint64_t count = 0;
    unsigned n = node->kind == TREE_TEXT ? split_words(node->text, words) : 0;
    bool ok = false;
    load->arrivals_node = node;
    if (n == 2 && strcmp(words[0], "poisson") == 0) {
        entry->arrivals = ARRIVALS_POISSON;
        ok = parse_rate(words[1], &entry->interval);
    } else if (n == 2 && strcmp(words[0], "every") == 0) {
        entry->arrivals = ARRIVALS_EVERY;
        ok = units_duration(words[1], &entry->interval);
    } else if (n == 4 && strcmp(words[0], "bursts") == 0 && strcmp(words[2], "every") == 0) {
        entry->arrivals = ARRIVALS_BURSTS;
        ok = units_count(words[1], &count) && count > 0 && count <= 1000000 &&
             units_duration(words[3], &entry->interval);
    } else if (n == 2 && strcmp(words[0], "closed") == 0) {
        entry->arrivals = ARRIVALS_CLOSED;
        ok = units_count(words[1], &count) && count > 0 && count <= 1000000;
        entry->interval = SEC(1);
    }
    entry->burst_count = (uint32_t)count;
    if (!ok || entry->interval == 0 || entry->interval > LENGTH_MAX)
        return reader_fail(
            r, node, ERR_INPUT,
            "%.60s, expected `poisson 50/s`, `every 100ms`, `bursts 50 every 10s` or "
            "`closed 500`",
            node->kind == TREE_TEXT ? node->text : "no text");
    return 0;
}

static int check_action_load(struct reader *r, const struct tree_node *node,
                             struct load_draft *load)
{
    struct load_entry *entry = &load->entry;
    if (load->arrivals_node == NULL || load->length == SCHEMA_NONE)
        return reader_fail(r, node, ERR_INPUT,
                           "a load of an action or a trigger, expected `arrivals` and `for`");
    if (load->speed_milli != 0 || load->top != 0)
        return reader_fail(r, node, ERR_INPUT, "speed or top, expected them with `trace` only");
    bool is_trigger = load->trigger != NULL;
    entry->action = is_trigger ? draft_find_trigger(draft_of(r), load->trigger)
                               : draft_find_action(draft_of(r), load->action);
    if (entry->action == ACTION_NONE && is_trigger)
        return reader_fail(r, tree_get(node, "trigger"), ERR_INPUT,
                           "no trigger \"%.80s\", expected one of `triggers`", load->trigger);
    if (entry->action == ACTION_NONE)
        return reader_fail(r, tree_get(node, "action"), ERR_INPUT,
                           "no action \"%.80s\", expected one of `actions`", load->action);
    if (load->ns != NULL) {
        entry->ns = draft_find_namespace(draft_of(r), load->ns, strlen(load->ns));
        entry->is_bound = true;
        if (entry->ns == NAMESPACE_NONE || is_trigger)
            return reader_fail(r, tree_get(node, "namespace"), ERR_INPUT,
                               "no namespace \"%.80s\" for an action, expected one of "
                               "`namespaces`",
                               load->ns);
        if ((draft_of(r)->scenario->hosts & HOSTS_LIVE) != 0)
            return reader_fail(r, tree_get(node, "namespace"), ERR_INPUT,
                               "a binding, expected `hosts: [sim]` with it");
    }
    uint64_t at_once = entry->arrivals == ARRIVALS_BURSTS ? entry->burst_count : 1;
    uint64_t requests = (load->length / entry->interval + 1) * at_once;
    if (entry->arrivals != ARRIVALS_CLOSED && entry->request_max == 0 &&
        requests > REQUESTS_MAX)
        return reader_fail(r, load->arrivals_node, ERR_INPUT,
                           "%llu requests, expected at most %u in one entry",
                           (unsigned long long)requests, REQUESTS_MAX);
    entry->from = TSTAMP_ORIGIN + load->from;
    entry->length = load->length;
    return 0;
}

/* An action of this name that is there (the same recording twice, or one of the file's own) is
 * taken as it is. */
static int add_trace_actions(struct reader *r, const struct tree_node *node,
                             struct trace_source *source, namespace_id ns)
{
    struct draft *draft = draft_of(r);
    uint32_t count = trace_action_count(source->trace);
    source->actions = region_array(r->region, count, sizeof *source->actions);
    for (uint32_t i = 0; i < count; i++) {
        struct action_info action;
        trace_action(source->trace, i, &action);
        source->actions[i] = draft_find_action(draft, action.name);
        if (source->actions[i] != ACTION_NONE)
            continue;
        struct action_info *added = draft_add_action(r, node);
        if (added == NULL)
            return -ERR_INPUT;
        *added = action;
        added->ns = ns;
        source->actions[i] = (action_id)(draft->scenario->cluster.action_count - 1);
    }
    return 0;
}

static int read_trace(struct reader *r, const struct tree_node *node, struct load_draft *load,
                      uint32_t index)
{
    struct draft *draft = draft_of(r);
    struct scenario *s = draft->scenario;
    struct trace_source *source = &s->trace_sources[index];
    struct trace_options options = {.speed_milli =
                                        load->speed_milli == 0 ? 1000 : load->speed_milli,
                                    .top = load->top,
                                    .from = TSTAMP_ORIGIN + load->from,
                                    .length = load->length == SCHEMA_NONE ? 0 : load->length};
    if (load->arrivals_node != NULL)
        return reader_fail(r, load->arrivals_node, ERR_INPUT,
                           "arrivals of a recorded workload, expected `speed` and `top` only");
    const char *path = path_from(r->region, s->path, load->trace);
    int result = trace_read(r->region, path, &options, &source->trace, r->err);
    if (result != 0)
        return result;
    const struct trace *trace = source->trace;
    namespace_id ns = draft_find_namespace(draft, TRACE_NAMESPACE, strlen(TRACE_NAMESPACE));
    if (ns == NAMESPACE_NONE) {
        struct namespace_info *added = draft_add_namespace(r, node, TRACE_NAMESPACE);
        if (added == NULL)
            return -ERR_INPUT;
        added->invocations_per_minute = 1000000;
        added->concurrent_invocations = 1000;
        added->fires_per_minute = 60;
        added->payload_max = UINT64_C(1) << 20;
        ns = draft_find_namespace(draft, TRACE_NAMESPACE, strlen(TRACE_NAMESPACE));
    }
    source->has_end = options.length != 0;
    load->entry.action = ACTION_NONE;
    result = add_trace_actions(r, node, source, ns);
    if (result != 0)
        return result;
    load->entry.arrivals = ARRIVALS_TRACE;
    load->entry.from = options.from;
    load->entry.length = options.length;
    load->entry.call_count = trace_call_count(trace);
    s->hash = draw_mix(s->hash, trace_hash(trace));
    return 0;
}

int scenario_read_load(struct reader *r, const struct tree_node *node, void *target)
{
    struct scenario *s = ((struct draft *)target)->scenario;
    int result = expect_kind(r, node, TREE_LIST, "a list of loads");
    if (result != 0)
        return result;
    if (node->count > LOAD_ENTRIES_MAX)
        return reader_fail(r, node, ERR_INPUT, "%u loads, expected at most %d", node->count,
                           LOAD_ENTRIES_MAX);
    s->loads = region_array(r->region, node->count, sizeof *s->loads);
    s->traces = region_array(r->region, node->count, sizeof *s->traces);
    s->trace_sources = region_array(r->region, node->count, sizeof *s->trace_sources);
    s->load_count = node->count;
    for (uint32_t i = 0; i < node->count && result == 0; i++) {
        struct load_draft load = {0};
        const struct tree_node *item = node->items[i];
        result = schema_read(r, &load_schema, item, &load);
        int named = (load.action != NULL) + (load.trigger != NULL) + (load.trace != NULL);
        if (result == 0 && named != 1)
            result = reader_fail(r, item, ERR_INPUT,
                                 "a load, expected one of `action`, `trigger` and `trace`");
        if (result == 0)
            result = load.trace != NULL ? read_trace(r, item, &load, i)
                                        : check_action_load(r, item, &load);
        s->loads[i] = load.entry;
    }
    return result;
}

/* ---- recorded calls ---- */

/* Entries lie one after the other, so the list is sorted by request id. */
void scenario_place_calls(struct scenario *self)
{
    struct draws draws = {.seed = self->seed};
    struct trace_call *calls = (struct trace_call *)(uintptr_t)self->cluster.calls;
    uint32_t *requests = (uint32_t *)(uintptr_t)self->cluster.call_requests;
    for (uint32_t i = 0; i < self->load_count; i++) {
        struct load_entry *load = &self->loads[i];
        if (self->trace_sources[i].trace == NULL)
            continue;
        struct trace_call *first = calls + load->first_call;
        const struct trace_source *source = &self->trace_sources[i];
        trace_place(source->trace, &draws, source->actions, i, first, &self->traces[i]);
        if (!source->has_end)
            load->length = first[load->call_count - 1].at - load->from + 1;
        for (uint32_t k = 0; k < load->call_count; k++)
            requests[load->first_call + k] = REQUEST_ID(i, first[k].ordinal);
    }
}

void scenario_finish_loads(struct draft *draft)
{
    struct scenario *s = draft->scenario;
    uint32_t total = 0;
    for (uint32_t i = 0; i < s->load_count; i++) {
        if (s->trace_sources[i].trace == NULL)
            continue;
        s->loads[i].first_call = total;
        total += s->loads[i].call_count;
    }
    s->cluster.call_count = total;
    s->cluster.calls = region_array(s->region, total, sizeof(struct trace_call));
    s->cluster.call_requests = region_array(s->region, total, sizeof(uint32_t));
    scenario_place_calls(s);
    struct client_config *client = s->configs[NODE_CLIENT];
    client->entries = s->loads;
    client->entry_count = s->load_count;
}
