/*
 * controller_api.c - /api/v1: credentials, the path, the namespace; calls that wait for the
 * database.
 *
 * Source: RestAPIs.scala:175-230, AuthorizedRouteDispatcher.scala:55-180,
 * Actions.scala:116-197, BasicAuthenticationDirective.scala:38-100, Namespaces.scala:43-47 at
 * 1fae641a2.
 */
#include "controller/controller_api.h"
#include "core/assert.h"

#define TEXT_NO_CREDENTIALS                                                                    \
    "The resource requires authentication, which was not supplied with the request"
#define TEXT_BAD_CREDENTIALS "The supplied authentication is invalid"
#define CHALLENGE "WWW-Authenticate: Basic realm=\"OpenWhisk secure realm\",charset=UTF-8\n"
/* RestAPIs.scala:185-194; the build as the commit that this follows. */
#define INFO                                                                                   \
    "{\"api_version\":\"1.0.0\",\"api_version_path\":\"v1\",\"build\":\"2026-08-06\","         \
    "\"buildno\":\"1fae641a2\",\"description\":\"OpenWhisk API\",\"swagger_paths\":{"          \
    "\"api-docs\":\"/api-docs\",\"ui\":\"/docs\"}}"

/* ---- calls ---- */

struct api_call *api_call_open(struct controller *self, const struct message *m, enum api_op op,
                               struct effects *fx)
{
    struct arena *arena = self->env->arena;
    node_id owner = self->env->node;
    struct api_call *call = arena_alloc(arena, owner, sizeof *call);
    call->corr = controller_number(self);
    call->op = (uint8_t)op;
    call->action = ACTION_NONE;
    call->request = *m;
    call->request.u.http_request.path = 0;
    call->request.u.http_request.headers = blob_copy(arena, owner, m->u.http_request.headers);
    call->request.u.http_request.body = blob_copy(arena, owner, m->u.http_request.body);
    call->timer.kind = TIMER_API;
    call->timer.actor = CALL_ACTOR(CALL_DOCUMENT, 0);
    struct api_call **link = &self->api_calls;
    while (*link != NULL)
        link = &(*link)->next;
    *link = call;
    self->api_call_count++;
    controller_arm(self, fx, &call->timer, self->config->request_timeout_ns);
    return call;
}

void api_call_close(struct controller *self, struct api_call *call)
{
    struct arena *arena = self->env->arena;
    struct api_call **link = &self->api_calls;
    while (*link != call) {
        ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    ASSERT_OP(self->api_call_count, >, 0);
    *link = call->next;
    self->api_call_count--;
    timers_cancel(&self->timers, &call->timer);
    blob_free(arena, call->request.u.http_request.headers);
    blob_free(arena, call->request.u.http_request.body);
    blob_free(arena, call->document);
    arena_release(arena, call);
}

void api_call_send(struct controller *self, struct api_call *call, enum document_op op,
                   uint32_t revision, blob body, struct effects *fx)
{
    struct message *m = effects_send(fx, MSG_DOCUMENT_CALL, CALL_ACTOR(CALL_DOCUMENT, 0),
                                     self->database, ACTOR_MAIN_ID);
    m->corr = call->corr;
    m->u.document.action = call->action;
    m->u.document.ns = call->ns;
    m->u.document.revision = revision;
    m->u.document.skip = call->skip;
    m->u.document.limit = call->limit;
    m->u.document.op = (uint8_t)op;
    m->u.document.body = body;
}

static void call_done(struct controller *self, struct api_call *call, const struct message *m,
                      struct effects *fx)
{
    fx->cause = call->request.cause;
    if (m->kind == MSG_REFUSED || m->u.document.result == DOCUMENT_ERROR) {
        api_terminate(self, &call->request, fx, 500, error_text_to_string(ERROR_SEND_FAILED));
        api_call_close(self, call);
    } else if (call->op >= API_OP_RECORD) {
        api_activations_done(self, call, m, fx);
    } else {
        api_action_done(self, call, m, fx);
    }
}

void controller_api_on_document(struct controller *self, const struct message *m,
                                struct effects *fx)
{
    struct api_call *call = self->api_calls;
    while (call != NULL && call->corr != m->corr)
        call = call->next;
    if (call != NULL) /* else the server has answered in its place */
        call_done(self, call, m, fx);
}

void controller_api_timer(struct controller *self, struct api_call *call, struct effects *fx)
{
    fx->cause = call->request.cause;
    api_reject_timeout(self, &call->request, fx);
    api_call_close(self, call);
}

void controller_api_reset(struct controller *self, struct effects *fx)
{
    static const struct message broken = {.kind = MSG_REFUSED};
    while (self->api_calls != NULL)
        call_done(self, self->api_calls, &broken, fx);
}

void controller_api_digest(const struct controller *self, struct digest *d)
{
    if (self->api_ids != 0 || self->documents != NULL)
        digest_two(d, self->api_ids, self->api_call_count);
    for (const struct api_call *call = self->api_calls; call != NULL; call = call->next)
        digest_two(d, (uint64_t)call->corr << 32 | (uint64_t)call->op << 8 | call->stage,
                   call->timer.at);
    uint32_t count = self->documents == NULL ? 0 : self->env->cluster->action_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct document_cache *cache = &self->documents[i];
        digest_two(d, (uint64_t)cache->revision << 32 | cache->least, cache->used_at);
    }
}

/* ---- credentials ---- */

static bool is_blank_or_token68(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~+/= ", c) != NULL);
}

/* What the HTTP parser cannot read as a header of its kind counts as absent. */
static bool has_credentials(struct admin_text value)
{
    for (size_t i = 0; i < value.length; i++) {
        if (!is_blank_or_token68(value.bytes[i]))
            return false;
    }
    return value.length > 0;
}

static bool signs_in(const struct cluster *c, namespace_id ns, struct admin_text value)
{
    static const char scheme[] = "basic ";
    char user[37], password[65], line[256];
    size_t prefix = sizeof "Authorization: Basic " - 1;
    cluster_credentials(c, ns, user, password);
    size_t length = admin_authorization(user, password, line, sizeof line);
    ASSERT(length < sizeof line && length > prefix);
    line[length - 1] = '\0';
    if (value.length < sizeof scheme - 1 ||
        !admin_text_is_caseless((struct admin_text){value.bytes, sizeof scheme - 1}, scheme))
        return false;
    struct admin_text given = {value.bytes + sizeof scheme - 1,
                               value.length - (sizeof scheme - 1)};
    return admin_text_is(given, line + prefix);
}

/* NAMESPACE_NONE: it was answered. */
static namespace_id sign_in(const struct controller *self, const struct message *m,
                            struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    struct admin_text value = admin_header(self->env, m, "Authorization");
    for (uint32_t i = 0; value.length > 0 && i < c->namespace_count; i++) {
        if (signs_in(c, (namespace_id)i, value))
            return (namespace_id)i;
    }
    if (value.length > 0 && signs_in(c, NAMESPACE_SYSTEM, value))
        return NAMESPACE_SYSTEM;
    api_reject(self, m, fx, 401,
               has_credentials(value) ? TEXT_BAD_CREDENTIALS : TEXT_NO_CREDENTIALS, CHALLENGE);
    return NAMESPACE_NONE;
}

/* ---- the path ---- */

/* A segment's text and what is wrong with it, or NULL. */
static const char *segment_fault(struct admin_text raw, bool is_space, char *ret_name,
                                 char *text, size_t size)
{
    size_t length = target_decode(raw, false, ret_name, API_NAME_MAX + 1);
    if (length > API_NAME_MAX) {
        snprintf(text, size, "%s longer than allowed: %zu > %u.",
                 is_space ? "Namespace" : "Name segement", length, API_NAME_MAX);
        return text;
    }
    if (api_name_is_valid(ret_name, length, is_space))
        return NULL;
    return is_space ? "The namespace contains illegal characters."
                    : "The name of the entity contains illegal characters.";
}

static bool read_space(const struct controller *self, struct api_request *request,
                       struct admin_text raw, struct effects *fx)
{
    char text[128];
    const char *fault = segment_fault(raw, true, request->space, text, sizeof text);
    if (fault != NULL) {
        api_reject(self, request->m, fx, 400, fault, "");
        return false;
    }
    if (strcmp(request->space, "_") == 0)
        snprintf(request->space, sizeof request->space, "%s",
                 cluster_namespace_name(self->env->cluster, request->user));
    return true;
}

static bool read_names(const struct controller *self, struct api_request *request,
                       struct effects *fx)
{
    char text[128];
    snprintf(request->full, sizeof request->full, "%s", request->space);
    if (request->collection != API_ACTIONS)
        return true;
    for (uint32_t i = 0; i < request->name_count; i++) {
        const char *fault =
            segment_fault(request->raw[i], false, request->names[i], text, sizeof text);
        if (fault != NULL) {
            api_reject(self, request->m, fx, 400, fault, "");
            return false;
        }
        size_t length = strlen(request->full);
        snprintf(request->full + length, sizeof request->full - length, "/%s",
                 request->names[i]);
    }
    return true;
}

static bool find_collection(struct admin_text segment, enum api_collection *ret_collection)
{
    bool is_actions = admin_text_is(segment, "actions");
    *ret_collection = is_actions ? API_ACTIONS : API_ACTIVATIONS;
    return is_actions || admin_text_is(segment, "activations");
}

static bool not_found(const struct controller *self, const struct message *m,
                      struct effects *fx)
{
    api_reject(self, m, fx, 404, API_NOT_FOUND, "");
    return false;
}

/* Segments from the namespace on, two at least: NS/COLLECTION[/NAME[/NAME]][/]. */
static bool read_path(const struct controller *self, struct api_request *request,
                      const struct admin_text *segments, uint32_t count, struct effects *fx)
{
    if (segments[0].length == 0 || !find_collection(segments[1], &request->collection))
        return not_found(self, request->m, fx);
    request->has_slash = segments[count - 1].length == 0;
    request->name_count = count - 2 - request->has_slash;
    if (request->name_count > 2)
        return not_found(self, request->m, fx);
    for (uint32_t i = 0; i < request->name_count; i++) {
        request->raw[i] = segments[2 + i];
        if (segments[2 + i].length == 0)
            return not_found(self, request->m, fx);
    }
    return read_space(self, request, segments[0], fx) && read_names(self, request, fx);
}

action_id api_find_action(const struct controller *self, const struct api_request *request)
{
    const struct cluster *c = self->env->cluster;
    if (strcmp(request->full, cluster_action_name(c, ACTION_HEALTH_TEST)) == 0)
        return ACTION_HEALTH_TEST;
    return cluster_find_action(c, request->full, strlen(request->full));
}

bool api_is_package(const struct controller *self, const char *full)
{
    const struct cluster *c = self->env->cluster;
    size_t length = strlen(full);
    for (uint32_t i = 0; i < c->action_count; i++) {
        const char *name = c->actions[i].name;
        if (!c->actions[i].is_spare && strncmp(name, full, length) == 0 && name[length] == '/')
            return true;
    }
    return false;
}

/* ---- routing ---- */

static void answer_text(const struct controller *self, const struct message *m,
                        struct effects *fx, const char *text)
{
    api_complete(self, m, fx, 200, 0,
                 blob_new(self->env->arena, ARENA_MESSAGE, text, strlen(text)));
}

static void route(struct controller *self, struct api_request *request,
                  const struct admin_text *segments, uint32_t count, struct effects *fx)
{
    const struct message *m = request->m;
    bool is_listing = count == 3 || (count == 4 && segments[3].length == 0);
    bool is_namespaces = count >= 3 && admin_text_is(segments[2], "namespaces");
    if (is_namespaces && is_listing && m->u.http_request.method == HTTP_GET) {
        char text[128];
        snprintf(text, sizeof text, "[\"%s\"]",
                 cluster_namespace_name(self->env->cluster, request->user));
        answer_text(self, m, fx, text);
        return;
    }
    if (!is_namespaces || count < 5) {
        (void)not_found(self, m, fx);
        return;
    }
    if (!read_path(self, request, segments + 3, count - 3, fx))
        return;
    if (request->collection == API_ACTIONS)
        api_action(self, request, fx);
    else
        api_activations(self, request, fx);
}

static bool is_below(struct admin_text path)
{
    static const char prefix[] = "/api/v1";
    size_t length = sizeof prefix - 1;
    return path.length >= length && memcmp(path.bytes, prefix, length) == 0 &&
           (path.length == length || path.bytes[length] == '/');
}

bool controller_api_on_http(struct controller *self, const struct message *m,
                            struct effects *fx)
{
    struct admin_text path = admin_path(self->env, m), segments[API_SEGMENTS_MAX];
    struct api_request request = {.m = m};
    uint32_t count = 0;
    if (!is_below(path))
        return false;
    if (!target_is_valid(api_target(self, m))) {
        api_reject_target(self, m, fx);
        return true;
    }
    bool is_short = api_segments(path, segments, &count);
    bool is_root = count == 2 || (count == 3 && segments[2].length == 0);
    if (m->u.http_request.method == HTTP_OPTIONS) {
        api_answer_options(self, m, fx);
        return true;
    }
    if (is_root && m->u.http_request.method == HTTP_GET) {
        answer_text(self, m, fx, INFO);
        return true;
    }
    request.user = sign_in(self, m, fx);
    if (request.user == NAMESPACE_NONE)
        return true;
    if (is_short)
        route(self, &request, segments, count, fx);
    else
        (void)not_found(self, m, fx);
    return true;
}
