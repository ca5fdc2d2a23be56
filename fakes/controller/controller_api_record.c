/*
 * controller_api_record.c - activation records: one as JSON, and the routes that read them.
 *
 * Source: Activations.scala:36-236, WhiskActivation.scala:52-110, ActivationResult.scala:30-86,
 * ActivationId.scala:58-69 at 1fae641a2.
 */
#include "controller/controller_api.h"
#include "core/assert.h"

#define LOGS_STD_MB 10u /* application.conf:502 */

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

/* ---- one record ---- */

static void write_error(const struct controller *self, struct json_out *out,
                        const struct api_record *record)
{
    char text[160];
    snprintf(text, sizeof text, "%s", error_text_to_string(record->error));
    if (record->error == ERROR_TIMED_OUT)
        snprintf(text, sizeof text,
                 "The action exceeded its time limits of %" PRIu64 " milliseconds.",
                 cluster_action_timeout(self->env->cluster, record->action) / MSEC(1));
    json_out_object_begin(out);
    json_out_key(out, "error");
    json_out_string(out, text);
    json_out_object_end(out);
}

void api_record_result(const struct controller *self, struct json_out *out,
                       const struct api_record *record)
{
    if (record->response != RESPONSE_SUCCESS)
        write_error(self, out, record);
    else if (record->result.kind != JSON_INVALID)
        json_out_value(out, record->result);
    else
        json_out_raw(out, "{}");
}

static void write_response(const struct controller *self, struct json_out *out,
                           const struct api_record *record)
{
    json_out_object_begin(out);
    json_out_key(out, "result");
    api_record_result(self, out, record);
    json_out_key(out, "status");
    json_out_string(out, response_to_string(record->response));
    json_out_key(out, "success");
    json_out_bool(out, record->response == RESPONSE_SUCCESS);
    json_out_object_end(out);
}

static void write_limits(const struct controller *self, struct json_out *out, action_id action)
{
    const struct cluster *c = self->env->cluster;
    json_out_object_begin(out);
    json_out_key(out, "concurrency");
    json_out_number(out, action < c->action_count ? c->actions[action].concurrency : 1);
    if (action < c->action_count && c->actions[action].instance_limit > 0) {
        json_out_key(out, "instances");
        json_out_number(out, c->actions[action].instance_limit);
    }
    json_out_key(out, "logs");
    json_out_number(out, LOGS_STD_MB);
    json_out_key(out, "memory");
    json_out_number(out, cluster_action_memory(c, action));
    json_out_key(out, "timeout");
    json_out_number(out, cluster_action_timeout(c, action) / MSEC(1));
    json_out_object_end(out);
}

static void annotation_begin(struct json_out *out, const char *key)
{
    json_out_object_begin(out);
    json_out_key(out, "key");
    json_out_string(out, key);
    json_out_key(out, "value");
}

static void write_annotations(const struct controller *self, struct json_out *out,
                              const struct api_record *record)
{
    const struct cluster *c = self->env->cluster;
    bool is_blackbox = record->action < c->action_count && c->actions[record->action].blackbox;
    bool is_sequence = cluster_action_kind(c, record->action) == ACTION_SEQUENCE;
    json_out_array_begin(out);
    annotation_begin(out, "path");
    json_out_string(out, cluster_action_name(c, record->action));
    json_out_object_end(out);
    annotation_begin(out, "kind");
    json_out_string(out, is_sequence ? "sequence" : is_blackbox ? "blackbox" : "nodejs:20");
    json_out_object_end(out);
    if (!is_sequence) {
        annotation_begin(out, "timeout");
        json_out_bool(out, record->error == ERROR_TIMED_OUT);
        json_out_object_end(out);
    }
    annotation_begin(out, "limits");
    write_limits(self, out, record->action);
    json_out_object_end(out);
    json_out_array_end(out);
}

/* The members that the full record and the summary share, in their order. */
static void write_first(const struct controller *self, struct json_out *out,
                        const struct api_record *record)
{
    char id[33];
    cluster_activation_text(self->env->draws, record->id, id);
    json_out_object_begin(out);
    json_out_key(out, "activationId");
    json_out_string(out, id);
    json_out_key(out, "annotations");
    write_annotations(self, out, record);
    json_out_key(out, "duration");
    json_out_number(out, record->end_ms - record->start_ms);
    json_out_key(out, "end");
    json_out_number(out, record->end_ms);
}

static void write_names(const struct controller *self, struct json_out *out,
                        const struct api_record *record)
{
    const struct cluster *c = self->env->cluster;
    json_out_key(out, "name");
    json_out_string(out, last_part(cluster_action_name(c, record->action)));
    json_out_key(out, "namespace");
    json_out_string(out, cluster_namespace_name(c, record->ns));
    json_out_key(out, "publish");
    json_out_bool(out, false);
}

void api_record_write(const struct controller *self, struct json_out *out,
                      const struct api_record *record)
{
    write_first(self, out, record);
    json_out_key(out, "logs");
    json_out_raw(out, "[]");
    write_names(self, out, record);
    json_out_key(out, "response");
    write_response(self, out, record);
    json_out_key(out, "start");
    json_out_number(out, record->start_ms);
    json_out_key(out, "subject");
    json_out_string(out, cluster_namespace_name(self->env->cluster, record->ns));
    json_out_key(out, "version");
    json_out_string(out, record->version);
    json_out_object_end(out);
}

static void write_summary(const struct controller *self, struct json_out *out,
                          const struct api_record *record)
{
    write_first(self, out, record);
    write_names(self, out, record);
    json_out_key(out, "start");
    json_out_number(out, record->start_ms);
    json_out_key(out, "statusCode");
    json_out_number(out, record->response);
    json_out_key(out, "version");
    json_out_string(out, record->version);
    json_out_object_end(out);
}

/* ---- answers ---- */

static struct api_record record_of(const struct record_document *d, char *text, size_t size)
{
    snprintf(text, size, "%u.%u.%u", d->version[0], d->version[1], d->version[2]);
    return (struct api_record){.id = d->id,
                               .action = d->action,
                               .ns = d->ns,
                               .start_ms = tstamp_epoch_ms(d->start_at),
                               .end_ms = tstamp_epoch_ms(d->end_at),
                               .response = d->response,
                               .error = d->error,
                               .version = text,
                               .result = {.kind = JSON_INVALID}};
}

static void write_list(const struct controller *self, const struct api_call *call,
                       const struct message *m, struct json_out *out)
{
    struct record_document record;
    char version[24];
    const char *bytes = blob_bytes(self->env->arena, m->u.document.body);
    size_t count = blob_size(self->env->arena, m->u.document.body) / sizeof record;
    json_out_array_begin(out);
    for (size_t i = 0; i < count; i++) {
        memcpy(&record, bytes + i * sizeof record, sizeof record);
        struct api_record shown = record_of(&record, version, sizeof version);
        if (call->is_full)
            api_record_write(self, out, &shown);
        else
            write_summary(self, out, &shown);
    }
    json_out_array_end(out);
}

static void write_count(const struct api_call *call, const struct message *m,
                        struct json_out *out)
{
    uint32_t total = m->u.document.limit;
    json_out_object_begin(out);
    json_out_key(out, "activations");
    json_out_number(out, total > call->skip ? total - call->skip : 0);
    json_out_object_end(out);
}

static void write_one(const struct controller *self, const struct api_call *call,
                      const struct message *m, struct json_out *out)
{
    struct record_document record;
    char version[24];
    memcpy(&record, blob_bytes(self->env->arena, m->u.document.body), sizeof record);
    struct api_record shown = record_of(&record, version, sizeof version);
    if (call->op == API_OP_RECORD)
        api_record_write(self, out, &shown);
    else if (call->op == API_OP_RESULT)
        write_response(self, out, &shown);
    else
        json_out_raw(out, "{\"logs\":[]}");
}

void api_activations_done(struct controller *self, struct api_call *call,
                          const struct message *m, struct effects *fx)
{
    struct json_out out;
    bool is_one = call->op != API_OP_RECORDS;
    size_t size = blob_size(self->env->arena, m->u.document.body);
    if (is_one && size < sizeof(struct record_document)) {
        api_terminate(self, &call->request, fx, 404, API_DOES_NOT_EXIST);
        api_call_close(self, call);
        return;
    }
    json_out_init(&out, self->env->arena, ARENA_MESSAGE);
    if (is_one)
        write_one(self, call, m, &out);
    else if (call->is_count)
        write_count(call, m, &out);
    else
        write_list(self, call, m, &out);
    api_complete(self, &call->request, fx, 200, 0, json_out_finish(&out));
    api_call_close(self, call);
}

/* ---- requests ---- */

static void ask(struct controller *self, struct api_call *call,
                const struct record_query *query, struct effects *fx)
{
    api_call_send(self, call, DOCUMENT_RECORDS, 0,
                  blob_new(self->env->arena, ARENA_MESSAGE, query, sizeof *query), fx);
}

/* A name is `name` or `package/name`; an empty one asks for all. */
static bool read_name(struct controller *self, const struct api_request *request,
                      struct record_query *query, bool *ret_is_unknown, struct effects *fx)
{
    char name[API_NAME_MAX * 2], text[API_NAME_MAX * 4];
    const struct cluster *c = self->env->cluster;
    if (!api_query(self, request->m, "name", name, sizeof name) ||
        strspn(name, " ") == strlen(name))
        return true;
    const char *slash = strchr(name, '/');
    bool is_short = slash == NULL || strchr(slash + 1, '/') == NULL;
    if (!is_short || !api_name_is_valid(name, strlen(name), true)) {
        snprintf(text, sizeof text,
                 "Parameter may be a 'simple' name or 'package-name/simple' name: %s", name);
        api_reject_parameter(self, request->m, fx, "name", text);
        return false;
    }
    snprintf(text, sizeof text, "%s/%s", request->space, name);
    query->action = cluster_find_action(c, text, strlen(text));
    *ret_is_unknown = query->action == ACTION_NONE;
    return true;
}

static bool read_epoch(struct controller *self, const struct message *m, const char *name,
                       uint64_t *ret_ms, struct effects *fx)
{
    char text[64], reason[160];
    int64_t value = 0;
    if (!api_query(self, m, name, text, sizeof text))
        return true;
    if (!api_integer(text, INT64_MIN, INT64_MAX, &value)) {
        snprintf(reason, sizeof reason, "Parameter is not a valid value for epoch seconds: %s",
                 text);
        api_reject_parameter(self, m, fx, name, reason);
        return false;
    }
    *ret_ms = value < 0 ? 0 : (uint64_t)value;
    return true;
}

static void list(struct controller *self, const struct api_request *request, struct effects *fx)
{
    const struct message *m = request->m;
    struct record_query query = {.action = ACTION_NONE, .upto_ms = UINT64_MAX};
    uint32_t skip = 0, limit = 0;
    bool is_count = false, is_full = false, is_unknown = false;
    if (!api_query_page(self, m, "activations", &skip, &limit, fx) ||
        !api_query_bool(self, m, "count", &is_count, fx) ||
        !api_query_bool(self, m, "docs", &is_full, fx) ||
        !read_name(self, request, &query, &is_unknown, fx) ||
        !read_epoch(self, m, "since", &query.since_ms, fx) ||
        !read_epoch(self, m, "upto", &query.upto_ms, fx))
        return;
    if (is_count && is_full) {
        api_terminate(self, m, fx, 400, "The parameter 'docs' is not permitted with 'count'.");
        return;
    }
    struct api_call *call = api_call_open(self, m, API_OP_RECORDS, fx);
    call->ns = request->user;
    call->skip = skip;
    call->limit = is_count || is_unknown ? 0 : limit;
    call->is_count = is_count;
    call->is_full = is_full;
    if (is_unknown) { /* no action has had this name: nothing can match */
        query.since_ms = UINT64_MAX;
        query.upto_ms = 0;
    }
    ask(self, call, &query, fx);
}

/* NULL, or what is wrong with the id. */
static const char *id_fault(const char *text, size_t length, char *error, size_t size)
{
    if (length != 32) {
        snprintf(error, size, "Activation id length is %zu but must be 32.", length);
        return error;
    }
    return strspn(text, "0123456789abcdef") == 32 ? NULL : "The activation id is not valid.";
}

static void one(struct controller *self, const struct api_request *request, enum api_op op,
                const char *text, struct effects *fx)
{
    struct record_query query = {.action = ACTION_NONE, .upto_ms = UINT64_MAX};
    if (!cluster_activation_read(self->env->draws, text, strlen(text), &query.id) ||
        query.id == 0) { /* hexadecimal, but no id of this cluster */
        api_terminate(self, request->m, fx, 404, API_DOES_NOT_EXIST);
        return;
    }
    struct api_call *call = api_call_open(self, request->m, op, fx);
    call->ns = request->user;
    call->limit = 1;
    ask(self, call, &query, fx);
}

/* What stands behind the id; false: nothing that there is. */
static bool find_view(const struct api_request *request, enum api_op *ret_op)
{
    *ret_op = API_OP_RECORD;
    if (request->name_count < 2)
        return true;
    *ret_op = admin_text_is(request->raw[1], "result") ? API_OP_RESULT : API_OP_LOGS;
    return !request->has_slash &&
           (admin_text_is(request->raw[1], "result") || admin_text_is(request->raw[1], "logs"));
}

static bool is_allowed(const struct controller *self, const struct api_request *request,
                       const char *id, struct effects *fx)
{
    char text[API_TEXT_MAX];
    if (strcmp(request->space, cluster_namespace_name(self->env->cluster, request->user)) == 0)
        return true;
    snprintf(text, sizeof text,
             "The supplied authentication is not authorized to access '%s%s%s'.",
             request->space, id[0] == '\0' ? "" : "/", id);
    api_terminate(self, request->m, fx, 403, text);
    return false;
}

void api_activations(struct controller *self, const struct api_request *request,
                     struct effects *fx)
{
    char id[64] = "", error[64];
    enum api_op op = API_OP_RECORDS;
    if (request->m->u.http_request.method != HTTP_GET) {
        api_reject(self, request->m, fx, 404, API_NOT_FOUND, "");
        return;
    }
    if (request->name_count > 0) {
        size_t length = target_decode(request->raw[0], false, id, sizeof id);
        const char *fault = id_fault(id, length, error, sizeof error);
        if (fault != NULL) {
            api_reject(self, request->m, fx, 400, fault, "");
            return;
        }
    }
    if (!is_allowed(self, request, id, fx))
        return;
    if (request->name_count == 0)
        list(self, request, fx);
    else if (find_view(request, &op))
        one(self, request, op, id, fx);
    else
        api_reject(self, request->m, fx, 404, API_NOT_FOUND, "");
}
