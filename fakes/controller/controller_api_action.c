/*
 * controller_api_action.c - actions: read, write, remove, list.
 *
 * Each controller keeps documents for 5 minutes after their last use and writes with the
 * revision it read: what another one has written since is a conflict, after which this copy is
 * dropped and the same request again succeeds.
 * Source: Actions.scala:211-435, 505-609; ApiUtils.scala:137-159, 308-426;
 * MultipleReadersSingleWriterCache.scala:94-211, RemoteCacheInvalidation.scala:67-100 at
 * 1fae641a2.
 */
#include "controller/controller_api.h"
#include "core/assert.h"

#define CACHE_LIFE MINUTES(5)

/* ---- documents at hand ---- */

static struct document_cache *cache_of(struct controller *self, action_id action)
{
    uint32_t count = self->env->cluster->action_count;
    ASSERT_OP(action, <, count);
    if (self->documents == NULL)
        self->documents =
            arena_alloc(self->env->arena, self->env->node, count * sizeof self->documents[0]);
    return &self->documents[action];
}

static void cache_drop(struct controller *self, action_id action)
{
    struct document_cache *cache = cache_of(self, action);
    blob_free(self->env->arena, cache->body);
    cache->body = 0;
    cache->revision = 0;
}

static void cache_keep(struct controller *self, action_id action, blob body, uint32_t revision,
                       tstamp at)
{
    struct document_cache *cache = cache_of(self, action);
    cache_drop(self, action);
    if (revision < cache->least)
        return; /* read before a write that this controller knows of */
    cache->body = blob_copy(self->env->arena, self->env->node, body);
    cache->revision = revision;
    cache->used_at = at;
}

const struct document_cache *controller_api_document(struct controller *self, action_id action,
                                                     tstamp at)
{
    struct document_cache *cache = cache_of(self, action);
    if (cache->body == 0 || at - cache->used_at > CACHE_LIFE)
        return NULL;
    cache->used_at = at;
    return cache;
}

void controller_api_keep(struct controller *self, const struct message *m, tstamp at)
{
    cache_keep(self, m->u.document.action, m->u.document.body, m->u.document.revision, at);
}

void controller_invalidate(struct controller *self, action_id action, uint32_t revision)
{
    struct action_cache *metadata = controller_cache(self, action);
    if (revision > metadata->least)
        metadata->least = revision;
    metadata->is_cached = false;
    if (action >= self->env->cluster->action_count)
        return;
    struct document_cache *cache = cache_of(self, action);
    if (revision > cache->least)
        cache->least = revision;
    if (cache->revision < revision)
        cache_drop(self, action);
}

/* The own copies at once, the others' when they read of it. */
static void invalidate_all(struct controller *self, action_id action, uint32_t revision,
                           struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    controller_invalidate(self, action, revision);
    for (uint32_t i = 0; i < c->counts[NODE_CONTROLLER]; i++) {
        node_id other = cluster_node(c, NODE_CONTROLLER, i);
        if (other == self->env->node)
            continue;
        struct message *m =
            effects_send(fx, MSG_CACHE_INVALIDATION, ACTOR_MAIN_ID, other, ACTOR_MAIN_ID);
        m->corr = controller_number(self);
        m->u.invalidation.action = action;
        m->u.invalidation.revision = revision;
    }
}

/* ---- what a call does with the document; body 0: there is none ---- */

static struct json_in parse(const struct controller *self, blob body)
{
    return json_in_parse(blob_bytes(self->env->arena, body), blob_size(self->env->arena, body));
}

static void end(struct controller *self, struct api_call *call, uint16_t status,
                const char *error, struct effects *fx)
{
    api_terminate(self, &call->request, fx, status, error);
    api_call_close(self, call);
}

static void end_with(struct controller *self, struct api_call *call, blob body,
                     struct effects *fx)
{
    api_complete(self, &call->request, fx, 200, 0, body);
    api_call_close(self, call);
}

static void have_get(struct controller *self, struct api_call *call, blob body,
                     struct effects *fx)
{
    if (body == 0)
        end(self, call, 404, API_DOES_NOT_EXIST, fx);
    else if (call->is_full)
        end_with(self, call, blob_copy(self->env->arena, ARENA_MESSAGE, body), fx);
    else
        end_with(self, call, api_document_without_code(self->env, parse(self, body)), fx);
}

static void have_delete(struct controller *self, struct api_call *call, blob body,
                        uint32_t revision, struct effects *fx)
{
    if (body == 0) {
        end(self, call, 404, API_DOES_NOT_EXIST, fx);
        return;
    }
    call->document = blob_copy(self->env->arena, self->env->node, body);
    call->stage = API_STAGE_WRITE;
    api_call_send(self, call, DOCUMENT_DELETE, revision, 0, fx);
}

/* ns/[package/]name as the path before the last part and that part. */
static void split_name(const char *full, char *ret_space, size_t size, const char **ret_name)
{
    const char *slash = strrchr(full, '/');
    ASSERT(slash != NULL);
    size_t length = (size_t)(slash - full);
    ASSERT_OP(length, <, size);
    memcpy(ret_space, full, length);
    ret_space[length] = '\0';
    *ret_name = slash + 1;
}

/* What keeps the action from being made or changed, or NULL. */
static const char *put_fault(const struct controller *self, const struct api_call *call,
                             const struct api_put *put, bool exists, char *text, size_t size)
{
    uint64_t most = call->ns == NAMESPACE_SYSTEM
                        ? UINT32_MAX
                        : self->env->cluster->namespaces[call->ns].concurrent_invocations;
    if (put->has_limit[LIMIT_INSTANCES] && (uint64_t)put->limits[LIMIT_INSTANCES] > most) {
        snprintf(text, size,
                 "Max action instance concurrency must not exceed your namespace concurrency "
                 "of %" PRIu64 ".",
                 most);
        return text;
    }
    return !exists && put->exec.kind == JSON_INVALID ? "exec undefined" : NULL;
}

static void have_put(struct controller *self, struct api_call *call, blob body,
                     uint32_t revision, struct effects *fx)
{
    struct arena *arena = self->env->arena;
    struct api_put put;
    struct json_in old = parse(self, body);
    char text[160], space[2 * (API_NAME_MAX + 1)];
    const char *name;
    if (body != 0 && !call->is_full) {
        end(self, call, 409, "resource already exists", fx);
        return;
    }
    bool ok = api_put_read(self, &call->request, parse(self, call->request.u.http_request.body),
                           &put, fx);
    ASSERT(ok); /* it was read before */
    const char *fault = put_fault(self, call, &put, body != 0, text, sizeof text);
    if (fault != NULL) {
        end(self, call, 400, fault, fx);
        return;
    }
    size_t count = api_document_annotations(&put, old);
    if (count > API_ANNOTATIONS_MAX) {
        snprintf(text, sizeof text, "annotations larger than allowed: %zu > %u entries.", count,
                 API_ANNOTATIONS_MAX);
        end(self, call, 413, text, fx);
        return;
    }
    split_name(cluster_action_name(self->env->cluster, call->action), space, sizeof space,
               &name);
    blob made = api_document_make(self->env, &put, old, space, name, tstamp_epoch_ms(fx->at));
    call->document = blob_copy(arena, self->env->node, made);
    call->stage = API_STAGE_WRITE;
    api_call_send(self, call, DOCUMENT_PUT, revision, made, fx);
}

static void have(struct controller *self, struct api_call *call, blob body, uint32_t revision,
                 struct effects *fx)
{
    if (call->op == API_OP_GET)
        have_get(self, call, body, fx);
    else if (call->op == API_OP_DELETE)
        have_delete(self, call, body, revision, fx);
    else
        have_put(self, call, body, revision, fx);
}

/* ---- answers of the database ---- */

static void listed(struct controller *self, struct api_call *call, const struct message *m,
                   struct effects *fx)
{
    struct json_out out;
    uint32_t total = m->u.document.limit;
    if (!call->is_count) {
        end_with(self, call, blob_copy(self->env->arena, ARENA_MESSAGE, m->u.document.body),
                 fx);
        return;
    }
    json_out_init(&out, self->env->arena, ARENA_MESSAGE);
    json_out_object_begin(&out);
    json_out_key(&out, "actions");
    json_out_number(&out, total > call->skip ? total - call->skip : 0);
    json_out_object_end(&out);
    end_with(self, call, json_out_finish(&out), fx);
}

/* A failed write drops the copy, so that the same request again reads anew. */
static void written(struct controller *self, struct api_call *call, const struct message *m,
                    struct effects *fx)
{
    action_id action = call->action;
    uint32_t revision = m->u.document.revision;
    if (m->u.document.result != DOCUMENT_FOUND) {
        cache_drop(self, action);
        if (m->u.document.result == DOCUMENT_CONFLICT)
            end(self, call, 409, API_CONFLICT, fx);
        else
            end(self, call, 500, error_text_to_string(ERROR_SEND_FAILED), fx);
        return;
    }
    invalidate_all(self, action, revision, fx);
    if (call->op == API_OP_PUT)
        cache_keep(self, action, call->document, revision, fx->at);
    end_with(self, call, blob_copy(self->env->arena, ARENA_MESSAGE, call->document), fx);
}

void api_action_done(struct controller *self, struct api_call *call, const struct message *m,
                     struct effects *fx)
{
    bool is_found = m->u.document.result == DOCUMENT_FOUND;
    if (call->op == API_OP_LIST) {
        listed(self, call, m, fx);
        return;
    }
    if (call->stage == API_STAGE_WRITE) {
        written(self, call, m, fx);
        return;
    }
    if (is_found)
        controller_api_keep(self, m, fx->at);
    have(self, call, is_found ? m->u.document.body : 0, is_found ? m->u.document.revision : 0,
         fx);
}

/* ---- requests ---- */

static void begin(struct controller *self, const struct api_request *request, enum api_op op,
                  bool is_full, struct effects *fx)
{
    action_id action = api_find_action(self, request);
    bool is_table = action < self->env->cluster->action_count;
    if (!is_table) { /* no document can be there; a new one has no room */
        if (op == API_OP_PUT)
            api_terminate(self, request->m, fx, 500, error_text_to_string(ERROR_SEND_FAILED));
        else
            api_terminate(self, request->m, fx, 404, API_DOES_NOT_EXIST);
        return;
    }
    struct api_call *call = api_call_open(self, request->m, op, fx);
    call->action = action;
    call->ns = request->user;
    call->is_full = is_full;
    const struct document_cache *cache = controller_api_document(self, action, fx->at);
    if (cache != NULL)
        have(self, call, cache->body, cache->revision, fx);
    else
        api_call_send(self, call, DOCUMENT_GET, 0, 0, fx);
}

static void get(struct controller *self, const struct api_request *request, struct effects *fx)
{
    bool has_code = true;
    if (api_query_bool(self, request->m, "code", &has_code, fx))
        begin(self, request, API_OP_GET, has_code, fx);
}

static void put(struct controller *self, const struct api_request *request, bool is_package,
                struct effects *fx)
{
    struct json_in body;
    struct api_put content;
    bool overwrites = false;
    char text[160];
    if (!api_body(self, request->m, false, &body, fx) ||
        !api_put_read(self, request->m, body, &content, fx) ||
        !api_query_bool(self, request->m, "overwrite", &overwrites, fx))
        return;
    const char *fault = api_put_limits(&content, text, sizeof text);
    if (fault != NULL)
        api_terminate(self, request->m, fx, 400, fault);
    else if (is_package)
        api_terminate(self, request->m, fx, 409, API_CONFORMANCE);
    else
        begin(self, request, API_OP_PUT, overwrites, fx);
}

static void list(struct controller *self, const struct api_request *request, struct effects *fx)
{
    uint32_t skip = 0, limit = 0;
    bool is_count = false;
    if (!api_query_page(self, request->m, "actions", &skip, &limit, fx) ||
        !api_query_bool(self, request->m, "count", &is_count, fx))
        return;
    struct api_call *call = api_call_open(self, request->m, API_OP_LIST, fx);
    call->ns = request->user;
    call->skip = skip;
    call->limit = is_count ? 0 : limit;
    call->is_count = is_count;
    api_call_send(self, call, DOCUMENT_LIST, 0, 0, fx);
}

static bool is_own(const struct controller *self, const struct api_request *request)
{
    return strcmp(request->space, cluster_namespace_name(self->env->cluster, request->user)) ==
           0;
}

static void forbid(const struct controller *self, const struct api_request *request,
                   struct effects *fx)
{
    char text[API_TEXT_MAX];
    snprintf(text, sizeof text, "The supplied authentication is not authorized to access '%s'.",
             request->full);
    api_terminate(self, request->m, fx, 403, text);
}

/* A package read comes first for what lies in one; a package's own name is no action's. */
static bool package_admits(const struct controller *self, const struct api_request *request,
                           struct effects *fx)
{
    char package[2 * (API_NAME_MAX + 1)];
    snprintf(package, sizeof package, "%s/%s", request->space, request->names[0]);
    bool is_package = api_is_package(self, package);
    if (request->name_count == 2 && !is_package)
        api_terminate(self, request->m, fx, 404, API_DOES_NOT_EXIST);
    return request->name_count == 1 || is_package;
}

static void entity(struct controller *self, const struct api_request *request,
                   struct effects *fx)
{
    enum http_method method = (enum http_method)request->m->u.http_request.method;
    bool is_package = request->name_count == 1 && api_is_package(self, request->full);
    if (is_package && method != HTTP_PUT)
        api_terminate(self, request->m, fx, 409, API_CONFORMANCE);
    else if (method == HTTP_GET)
        get(self, request, fx);
    else if (method == HTTP_DELETE)
        begin(self, request, API_OP_DELETE, false, fx);
    else
        put(self, request, is_package, fx);
}

void api_action(struct controller *self, const struct api_request *request, struct effects *fx)
{
    enum http_method method = (enum http_method)request->m->u.http_request.method;
    bool is_listing = request->name_count == 0;
    bool is_known = is_listing
                        ? method == HTTP_GET
                        : !request->has_slash && (method == HTTP_GET || method == HTTP_PUT ||
                                                  method == HTTP_DELETE || method == HTTP_POST);
    if (!is_known) {
        api_reject(self, request->m, fx, 404, API_NOT_FOUND, "");
        return;
    }
    if (!is_listing && method == HTTP_POST) {
        api_invoke(self, request, fx); /* throttles come before rights */
        return;
    }
    if (!is_own(self, request))
        forbid(self, request, fx);
    else if (is_listing)
        list(self, request, fx);
    else if (package_admits(self, request, fx))
        entity(self, request, fx);
}
