/*
 * report_json.c - result.json, and the little of it that `why` reads back.
 *
 * docs/result.schema.json describes it. 64-bit digests are texts of 16 hex digits; a seed
 * above 2^63 - 1 is a text too.
 */
#include "report/report.h"
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JSON_FORM (JSON_INDENT(1) | JSON_PRESERVE_ORDER)

json_t *report_json_string(const char *text)
{
    json_t *value = json_string(text);
    char copy[RESULT_COMMAND_SIZE];
    if (value != NULL)
        return value;
    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *at = copy; *at != '\0'; at++)
        *at = (unsigned char)*at >= 0x80 ? '?' : *at;
    return json_string(copy);
}

static void set_text(json_t *object, const char *name, const char *text)
{
    (void)json_object_set_new(object, name, report_json_string(text));
}

/* A text, or null when there is none. */
static void set_text_or_null(json_t *object, const char *name, const char *text)
{
    if (text[0] == '\0')
        (void)json_object_set_new(object, name, json_null());
    else
        set_text(object, name, text);
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
    (void)json_object_set_new(object, name, json_integer((json_int_t)number));
}

static void set_hex(json_t *object, const char *name, uint64_t number)
{
    char text[17];
    (void)snprintf(text, sizeof text, "%016" PRIx64, number);
    set_text(object, name, text);
}

static void set_bool(json_t *object, const char *name, bool value)
{
    (void)json_object_set_new(object, name, json_boolean(value));
}

static json_t *violation_json(const struct result_violation *v)
{
    json_t *object = json_object(); /* new */
    char hex[9] = "";
    (void)json_object_set_new(object, "at_ns", json_integer((json_int_t)v->at_ns));
    set_text_or_null(object, "node", v->node);
    set_text_or_null(object, "activation", v->activation);
    set_text_or_null(object, "action", v->action);
    if (v->container != 0)
        (void)snprintf(hex, sizeof hex, "%08" PRIx32, v->container);
    set_text_or_null(object, "container", hex);
    set_text_or_null(object, "key", v->key);
    set_number(object, "seq", v->seq);
    set_text(object, "text", v->text);
    return object;
}

static json_t *checks_json(const struct result *result)
{
    json_t *list = json_array(); /* new */
    for (uint32_t i = 0; i < result->check_count; i++) {
        const struct result_check *check = &result->checks[i];
        json_t *object = json_object(), *violations = json_array();
        set_text(object, "name", check->name);
        set_text(object, "verdict", check_verdict_to_string(check->verdict));
        set_number(object, "count", check->violation_count);
        for (uint32_t j = 0; j < check->example_count; j++)
            (void)json_array_append_new(violations, violation_json(&check->violations[j]));
        (void)json_object_set_new(object, "violations", violations);
        (void)json_array_append_new(list, object);
    }
    return list;
}

static json_t *counts_json(const struct result_count *counts, uint32_t count)
{
    json_t *object = json_object(); /* new */
    for (uint32_t i = 0; i < count; i++)
        set_number(object, counts[i].name, counts[i].count);
    return object;
}

static json_t *activations_json(const struct result *result)
{
    json_t *object = json_object(); /* new */
    set_number(object, "offered", result->offered);
    (void)json_object_set_new(object, "skipped",
                              counts_json(result->skipped_by, result->skipped_by_count));
    (void)json_object_set_new(object, "rejected",
                              counts_json(result->rejected_by, result->rejected_by_count));
    set_number(object, "accepted", result->accepted);
    set_number(object, "completed", result->completed);
    set_number(object, "succeeded", result->succeeded);
    set_number(object, "failed", result->failed);
    set_number(object, "lost", result->lost);
    set_number(object, "duplicated", result->duplicated);
    return object;
}

static json_t *latency_json(const struct result *result)
{
    json_t *object = json_object(); /* new */
    set_number(object, "count", result->latency_count);
    set_number(object, "p50", result->latency_p50_ns);
    set_number(object, "p90", result->latency_p90_ns);
    set_number(object, "p99", result->latency_p99_ns);
    set_number(object, "max", result->latency_max_ns);
    return object;
}

static json_t *step_json(const struct result_step *step)
{
    json_t *object = json_object(); /* new */
    set_number(object, "entry", step->entry);
    set_text(object, "instance", step->instance);
    set_text(object, "step", step->step);
    set_number(object, "start_ns", step->start_ns);
    if (step->end_ns == UINT64_MAX)
        (void)json_object_set_new(object, "end_ns", json_null());
    else
        set_number(object, "end_ns", step->end_ns);
    set_number(object, "polls", step->polls);
    set_text(object, "outcome", step->outcome);
    set_number(object, "failed", step->failed);
    set_number(object, "lost", step->lost);
    return object;
}

static json_t *deploy_json(const struct result *result)
{
    json_t *list = json_array(); /* new */
    for (uint32_t i = 0; i < result->step_count; i++)
        (void)json_array_append_new(list, step_json(&result->steps[i]));
    return list;
}

static void set_seed(json_t *object, uint64_t seed)
{
    char text[24];
    if (seed <= INT64_MAX) {
        set_number(object, "seed", seed);
        return;
    }
    (void)snprintf(text, sizeof text, "%" PRIu64, seed);
    set_text(object, "seed", text);
}

static json_t *checkpoints_json(const struct result *result)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < result->checkpoint_count; i++) {
        json_t *object = json_object();
        set_number(object, "events", result->checkpoints[i].events);
        (void)json_object_set_new(object, "at_ns",
                                  json_integer((json_int_t)result->checkpoints[i].at_ns));
        set_hex(object, "digest", result->checkpoints[i].digest);
        (void)json_array_append_new(list, object);
    }
    return list;
}

static json_t *result_json(const struct result *result)
{
    json_t *object = json_object(); /* new */
    set_text(object, "schema", "rollcage.result/1");
    set_text(object, "version", result->version);
    set_text(object, "scenario", result->scenario);
    set_text_or_null(object, "variant", result->variant);
    set_text(object, "hash", result->hash);
    set_seed(object, result->seed);
    set_text(object, "host", result->host);
    set_text(object, "verdict", result_verdict_to_string(result->verdict));
    set_bool(object, "expected", result->expected);
    (void)json_object_set_new(object, "exit", json_integer(result->exit_code));
    set_text_or_null(object, "reason", result->reason);
    (void)json_object_set_new(object, "checks", checks_json(result));
    (void)json_object_set_new(object, "activations", activations_json(result));
    (void)json_object_set_new(object, "latency", latency_json(result));
    (void)json_object_set_new(object, "deploy", deploy_json(result));
    set_number(object, "deploy_steps", result->step_total);
    set_number(object, "failed_outside_steps", result->failed_outside);
    set_number(object, "lost_outside_steps", result->lost_outside);
    set_text_or_null(object, "faults_never_fired", result->never_fired);
    set_text_or_null(object, "look_closer", result->look_closer);
    set_text_or_null(object, "reproduce", result->reproduce);
    set_number(object, "virtual_ns", result->virtual_ns);
    set_number(object, "wall_ns", result->wall_ns);
    set_number(object, "events", result->events);
    set_hex(object, "digest", result->digest);
    (void)json_object_set_new(object, "checkpoints", checkpoints_json(result));
    return object;
}

static int write_json(json_t *json, FILE *out)
{
    int status = json_dumpf(json, out, JSON_FORM);
    json_decref(json);
    if (status != 0 || fputc('\n', out) == EOF || fflush(out) != 0)
        return -1;
    return 0;
}

int report_json_write(const struct result *result, FILE *out)
{
    return write_json(result_json(result), out);
}

int report_json_suite(const struct result *const *results, uint32_t count, FILE *out)
{
    json_t *list = json_array(); /* new */
    for (uint32_t i = 0; i < count; i++)
        (void)json_array_append_new(list, result_json(results[i]));
    return write_json(list, out);
}

int report_json_file(const struct result *result, const char *path)
{
    char beside[2 * RESULT_PATH_SIZE];
    if (snprintf(beside, sizeof beside, "%s.part", path) >= (int)sizeof beside) {
        errno = ENAMETOOLONG;
        return -1;
    }
    FILE *out = fopen(beside, "w");
    if (out == NULL)
        return -1;
    int status = report_json_write(result, out), error = errno;
    if (fclose(out) != 0 && status == 0) {
        status = -1;
        error = errno;
    }
    if (status == 0 && rename(beside, path) == 0)
        return 0;
    error = status == 0 ? errno : error;
    (void)unlink(beside);
    errno = error;
    return -1;
}

static void read_text(const json_t *object, const char *name, char *text, size_t size)
{
    const char *value = json_string_value(json_object_get(object, name)); /* borrowed */
    (void)snprintf(text, size, "%s", value == NULL ? "" : value);
}

/* The earliest violation of one check object, if it is earlier than what is found already. */
static int find_in_check(const json_t *check, int found, struct report_finding *ret)
{
    size_t i;
    json_t *violation; /* borrowed */
    json_array_foreach(json_object_get(check, "violations"), i, violation)
    {
        int64_t at = json_integer_value(json_object_get(violation, "at_ns"));
        uint64_t seq = (uint64_t)json_integer_value(json_object_get(violation, "seq"));
        if (found && (at > ret->at_ns || (at == ret->at_ns && seq >= ret->seq)))
            continue;
        found = 1;
        ret->at_ns = at;
        ret->seq = seq;
        read_text(check, "name", ret->check, sizeof ret->check);
        read_text(violation, "activation", ret->activation, sizeof ret->activation);
        read_text(violation, "node", ret->node, sizeof ret->node);
        read_text(violation, "text", ret->text, sizeof ret->text);
    }
    return found;
}

static json_t *load_result(const char *path, char *errmsg, size_t size)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error); /* new */
    const char *schema = json_string_value(json_object_get(root, "schema"));
    if (root == NULL)
        (void)snprintf(errmsg, size, "%s:%d:%d: %s, expected a result.json", path,
                       error.line < 1 ? 1 : error.line, error.column < 1 ? 1 : error.column,
                       error.text);
    else if (schema == NULL || strcmp(schema, "rollcage.result/1") != 0)
        (void)snprintf(errmsg, size, "%s:1:1: schema is %s, expected rollcage.result/1", path,
                       schema == NULL ? "missing" : schema);
    else
        return root;
    json_decref(root);
    return NULL;
}

int report_json_finding(const char *path, const char *check, struct report_finding *ret,
                        char *errmsg, size_t size)
{
    json_t *root = load_result(path, errmsg, size), *each; /* each: borrowed */
    size_t i;
    int found = 0;
    if (root == NULL)
        return -1;
    *ret = (struct report_finding){0};
    json_array_foreach(json_object_get(root, "checks"), i, each)
    {
        const char *name = json_string_value(json_object_get(each, "name"));
        if (check == NULL || (name != NULL && strcmp(name, check) == 0))
            found = find_in_check(each, found, ret);
    }
    json_decref(root);
    return found;
}
