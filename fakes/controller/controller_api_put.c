/*
 * controller_api_put.c - the body of a PUT: its form, its sizes, its limits.
 *
 * One runtime is known, as GET / says, and `blackbox`; sequences are not. Limits are those of
 * the shipped files, which the Ansible roles leave as they are.
 * Source: Exec.scala:304-392, Parameter.scala:282-330, WhiskEntity.scala:190-225,
 * WhiskAction.scala:40-60, Actions.scala:639-660; common application.conf:485-516 at 1fae641a2.
 */
#include "controller/controller_api.h"
#include "core/assert.h"

#define KIND "nodejs:20"
#define KIND_DEFAULT "nodejs:default"
#define BLACKBOX "blackbox"
#define EXEC_MAX (48u << 20)      /* application.conf:516 */
#define PARAMETERS_MAX (1u << 20) /* application.conf:513 */

const char *const api_limit_names[LIMIT_COUNT] = {
    [LIMIT_CONCURRENCY] = "concurrency", [LIMIT_INSTANCES] = "instances", [LIMIT_LOGS] = "logs",
    [LIMIT_MEMORY] = "memory",           [LIMIT_TIMEOUT] = "timeout",
};
/* What is wrong with a limit that is no whole number, and with one that is no number. */
static const char *const limit_texts[LIMIT_COUNT][2] = {
    [LIMIT_CONCURRENCY] = {"intra concurrency limit must be whole number",
                           "intra concurrency limit malformed"},
    [LIMIT_INSTANCES] = {"instance concurrency limit must be whole number",
                         "instance concurrency limit malformed"},
    [LIMIT_LOGS] = {"log limit must be whole number", "log limit malformed"},
    [LIMIT_MEMORY] = {"memory limit must be whole number", "memory limit malformed"},
    [LIMIT_TIMEOUT] = {"time limit must be whole number", "time limit malformed"},
};

/* application.conf:485-510. In the order in which they are checked. */
static const struct range_text {
    enum api_limit limit;
    int64_t min, max;
    const char *above, *below;
} ranges[] = {
    {LIMIT_MEMORY, 128, 512, "memory size %" PRId64 " MB exceeds allowed threshold of 512 MB",
     "memory size %" PRId64 " MB below allowed threshold of 128 MB"},
    {LIMIT_TIMEOUT, 100, 300000,
     "duration %" PRId64 " milliseconds exceeds allowed threshold of 300000 milliseconds",
     "duration %" PRId64 " milliseconds below allowed threshold of 100 milliseconds"},
    {LIMIT_LOGS, 0, 10, "log size %" PRId64 " MB exceeds allowed threshold of 10 MB",
     "log size %" PRId64 " MB below allowed threshold of 0 MB"},
    {LIMIT_CONCURRENCY, 1, 1, "concurrency %" PRId64 " exceeds allowed threshold of 1",
     "concurrency %" PRId64 " below allowed threshold of 1"},
};

const char *api_put_limits(const struct api_put *put, char *text, size_t size)
{
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        const struct range_text *range = &ranges[i];
        int64_t value = put->limits[range->limit];
        if (!put->has_limit[range->limit] || (value >= range->min && value <= range->max))
            continue;
        snprintf(text, size, value > range->max ? range->above : range->below, value);
        return text;
    }
    return NULL;
}

/* ---- members ---- */

/* A member that is not null. */
static bool member(struct json_in object, const char *name, struct json_in *ret_value)
{
    struct json_in value;
    *ret_value = (struct json_in){.kind = JSON_INVALID};
    if (!json_in_member(object, name, &value) || value.kind == JSON_NULL)
        return false;
    *ret_value = value;
    return true;
}

bool api_entry_read(struct json_in entry, struct json_in *ret_key, struct json_in *ret_value)
{
    return entry.kind == JSON_OBJECT && json_in_member(entry, "key", ret_key) &&
           ret_key->kind == JSON_STRING && json_in_member(entry, "value", ret_value);
}

static const char *read_entries(struct json_in array, uint64_t *ret_size)
{
    struct json_in key, value, entry;
    struct json_walk walk = json_walk_begin(array);
    uint32_t count = 0;
    *ret_size = 0;
    if (array.kind != JSON_ARRAY)
        return "parameters malformed!";
    while (json_walk_next(&walk, &key, &entry)) {
        if (++count > API_ENTRIES_MAX || !api_entry_read(entry, &key, &value))
            return "parameters malformed!";
        *ret_size += key.length - 2 + value.length;
    }
    return NULL;
}

static const char *read_limits(struct json_in limits, struct api_put *put)
{
    struct json_in value;
    if (limits.kind != JSON_OBJECT)
        return "Object expected";
    for (unsigned i = 0; i < LIMIT_COUNT; i++) {
        if (!member(limits, api_limit_names[i], &value))
            continue;
        bool is_whole = json_in_number(value, &put->limits[i]);
        put->has_limit[i] = true;
        if (!is_whole)
            return limit_texts[i][value.kind == JSON_NUMBER ? 0 : 1];
        if (i == LIMIT_INSTANCES && put->limits[i] < 0)
            return "Action container concurrency must be greater than or equal to 0.";
    }
    return NULL;
}

/* Up to three numbers with points between, not all 0: written again as three. */
static const char *read_version(struct json_in value, struct api_put *put)
{
    char text[API_VERSION_MAX];
    int64_t parts[3] = {0};
    unsigned count = 0;
    if (!json_in_string(value, text, sizeof text))
        return "semantic version malformed";
    for (char *at = text; at != NULL && count < 3; count++) {
        char *point = strchr(at, '.');
        if (point != NULL)
            *point = '\0';
        if (!api_integer(at, 0, UINT16_MAX, &parts[count]))
            return "semantic version malformed";
        at = point == NULL ? NULL : point + 1;
    }
    if (parts[0] == 0 && parts[1] == 0 && parts[2] == 0)
        return "semantic version malformed";
    snprintf(put->version, sizeof put->version, "%" PRId64 ".%" PRId64 ".%" PRId64, parts[0],
             parts[1], parts[2]);
    return NULL;
}

static const char *read_names(struct json_in array)
{
    struct json_in key, value;
    struct json_walk walk = json_walk_begin(array);
    uint32_t count = 0;
    if (array.kind != JSON_ARRAY)
        return "Expected List as JsArray";
    while (json_walk_next(&walk, &key, &value)) {
        if (value.kind != JSON_STRING || ++count > API_ENTRIES_MAX)
            return "Expected String as JsString";
    }
    return NULL;
}

/* ---- exec ---- */

static bool is_base64(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '+' || c == '/';
}

/* Exec.isBinaryCode, on the text as it stands in JSON (an escape is no base 64; `\/` is). */
static bool is_binary_code(struct json_in code)
{
    const char *at = code.text + 1, *end = code.text + code.length - 1;
    size_t count = 0, pads = 0;
    while (*at == ' ') /* at the latest the quotes end the blanks */
        at++;
    while (end[-1] == ' ')
        end--;
    for (; at < end; at++, count++) {
        at += *at == '\\' && at[1] == '/';
        pads += *at == '=';
        if (*at != '=' && (pads > 0 || !is_base64(*at)))
            return false;
    }
    return count > 0 && count % 4 == 0 && pads <= 2;
}

static const char *kind_fault(const char *kind, char *text, size_t size)
{
    snprintf(text, size,
             "The specified runtime '%s' is not supported by this platform. Valid values are: "
             "'" KIND "', 'sequence', 'blackbox'.",
             kind);
    return text;
}

static const char *read_code(struct api_put *put, char *text, size_t size)
{
    bool is_blackbox = strcmp(put->kind, BLACKBOX) == 0;
    bool has_code = json_in_member(put->exec, "code", &put->code) ||
                    json_in_member(put->exec, "jar", &put->code);
    if (has_code && put->code.kind == JSON_STRING)
        put->is_binary = is_binary_code(put->code);
    if (is_blackbox && !has_code)
        return NULL;
    if (has_code && put->code.kind == JSON_STRING)
        return NULL;
    snprintf(text, size,
             "'code' must be a string or attachment object defined in 'exec' for '%s' actions",
             put->kind);
    return text;
}

static const char *read_kind(struct api_put *put, char *text, size_t size)
{
    struct json_in kind;
    char *to = put->kind;
    if (put->exec.kind != JSON_OBJECT)
        return "JSON object expected";
    if (!json_in_member(put->exec, "kind", &kind) || kind.kind != JSON_STRING)
        return "'kind' must be a string defined in 'exec'";
    if (!json_in_string(kind, put->kind, sizeof put->kind))
        return kind_fault("...", text, size);
    for (const char *from = put->kind; *from != '\0'; from++) {
        if (*from != ' ')
            *to++ = *from >= 'A' && *from <= 'Z' ? (char)(*from | 0x20) : *from;
    }
    *to = '\0';
    if (strcmp(put->kind, KIND_DEFAULT) == 0)
        snprintf(put->kind, sizeof put->kind, KIND);
    if (strcmp(put->kind, "sequence") == 0)
        return "sequences are not part of this model";
    if (strcmp(put->kind, KIND) != 0 && strcmp(put->kind, BLACKBOX) != 0)
        return kind_fault(put->kind, text, size);
    return NULL;
}

static const char *read_exec(struct api_put *put, char *text, size_t size)
{
    const char *fault = read_kind(put, text, size);
    if (fault != NULL)
        return fault;
    if (strcmp(put->kind, BLACKBOX) == 0 &&
        (!json_in_member(put->exec, "image", &put->image) || put->image.kind != JSON_STRING))
        return "'image' must be a string defined in 'exec' for 'blackbox' actions";
    if (json_in_member(put->exec, "main", &put->main) && put->main.kind != JSON_STRING) {
        snprintf(text, size, "if defined, 'main' be a string in 'exec' for '%s' actions",
                 put->kind);
        return text;
    }
    return read_code(put, text, size);
}

/* ---- the whole ---- */

struct sizes {
    uint64_t exec, parameters, annotations;
};

static uint64_t string_size(struct json_in value)
{
    return value.kind == JSON_STRING ? value.length - 2 : 0;
}

static const char *read_form(struct json_in body, struct api_put *put, struct sizes *sizes,
                             char *text, size_t size)
{
    struct json_in limits, version, publish;
    const char *fault = NULL;
    if (member(body, "exec", &put->exec))
        fault = read_exec(put, text, size);
    if (fault == NULL && member(body, "parameters", &put->parameters))
        fault = read_entries(put->parameters, &sizes->parameters);
    if (fault == NULL && member(body, "annotations", &put->annotations))
        fault = read_entries(put->annotations, &sizes->annotations);
    if (fault == NULL && member(body, "limits", &limits))
        fault = read_limits(limits, put);
    if (fault == NULL && member(body, "version", &version))
        fault = read_version(version, put);
    if (fault == NULL && member(body, "delAnnotations", &put->removed))
        fault = read_names(put->removed);
    if (fault == NULL && member(body, "publish", &publish)) {
        put->has_publish = true;
        put->is_public = publish.kind == JSON_TRUE;
        if (publish.kind != JSON_TRUE && publish.kind != JSON_FALSE)
            fault = "Expected JsBoolean";
    }
    sizes->exec = string_size(put->code) + string_size(put->main) + string_size(put->image);
    return fault;
}

static bool size_fits(const struct controller *self, const struct message *m, const char *field,
                      uint64_t size, uint64_t max, struct effects *fx)
{
    char text[128];
    if (size <= max)
        return true;
    snprintf(text, sizeof text, "%s larger than allowed: %" PRIu64 " > %" PRIu64 " bytes.",
             field, size, max);
    api_terminate(self, m, fx, 413, text);
    return false;
}

bool api_put_read(struct controller *self, const struct message *m, struct json_in body,
                  struct api_put *ret_put, struct effects *fx)
{
    char text[256], error[sizeof API_MALFORMED + sizeof text];
    struct sizes sizes = {0};
    *ret_put = (struct api_put){.version = ""};
    const char *fault = read_form(body, ret_put, &sizes, text, sizeof text);
    if (fault != NULL) {
        snprintf(error, sizeof error, API_MALFORMED "%s", fault);
        api_reject(self, m, fx, 400, error, "");
        return false;
    }
    return size_fits(self, m, "exec", sizes.exec, EXEC_MAX, fx) &&
           size_fits(self, m, "parameters", sizes.parameters, PARAMETERS_MAX, fx) &&
           size_fits(self, m, "annotations", sizes.annotations, PARAMETERS_MAX, fx);
}
