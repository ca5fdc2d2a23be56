/*
 * admin.c - see admin.h.
 *
 * pekko's rules in short. Routes are tried in order: GET /ping (and the controller's GET /),
 * then, at HEAD, OPTIONS on any path; scheduler and invoker then ask for credentials before
 * they look at the path. A method that does not fit is remembered and a later success of the
 * method alone cancels what was remembered: under a GET prefix (a GET route that may end in a
 * slash) a wrong path is 404, elsewhere the catch-all's OPTIONS makes it 405.
 * Source: FPCSchedulerServer.scala:48-88, FPCInvokerServer.scala:48-85,
 * Controller.scala:145-229, BasicHttpService.scala:96-199 at 1fae641a2.
 */
#include "common/admin.h"
#include "common/admin_behaviour.h"
#include "core/assert.h"
#include "core/json.h"

#define TEXT_UNAUTHENTICATED                                                                   \
    "Authentication is possible but has failed or not yet been provided."
#define TEXT_WRONG_PASSWORD "username or password are wrong."
#define TEXT_NOT_FOUND "The requested resource could not be found."
#define TEXT_NOT_ALLOWED "HTTP method not allowed, supported methods: "
#define TEXT_FAULT "There was an internal server error."
#define REQUEST_ID_LENGTH 32u
#define HTTP_METHOD_COUNT 7u
#define ALLOW_MAX 64u

static const char *const method_names[HTTP_METHOD_COUNT] = {"GET",     "POST", "PUT",  "DELETE",
                                                            "OPTIONS", "HEAD", "PATCH"};

enum credentials { CREDENTIALS_NONE, CREDENTIALS_WRONG, CREDENTIALS_RIGHT };

/* ---- the request ---- */

bool admin_text_is(struct admin_text t, const char *other)
{
    return strlen(other) == t.length && memcmp(t.bytes, other, t.length) == 0;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool admin_text_is_caseless(struct admin_text t, const char *other)
{
    size_t i = 0;
    while (i < t.length && other[i] != '\0' && lower(t.bytes[i]) == lower(other[i]))
        i++;
    return i == t.length && other[i] == '\0';
}

/* The path without its query. */
struct admin_text admin_path(const struct machine_env *env, const struct message *request)
{
    struct admin_text path = {blob_bytes(env->arena, request->u.http_request.path),
                              blob_size(env->arena, request->u.http_request.path)};
    const char *query = memchr(path.bytes, '?', path.length);
    if (query != NULL)
        path.length = (size_t)(query - path.bytes);
    if (path.length == 0)
        path = (struct admin_text){"/", 1};
    return path;
}

/* The value of the first line "Name: value"; bytes NULL: none. */
struct admin_text admin_header(const struct machine_env *env, const struct message *request,
                               const char *name)
{
    const char *at = blob_bytes(env->arena, request->u.http_request.headers);
    const char *end = at + blob_size(env->arena, request->u.http_request.headers);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = newline == NULL ? end : newline;
        const char *colon = memchr(at, ':', (size_t)(line_end - at));
        if (colon != NULL &&
            admin_text_is_caseless((struct admin_text){at, (size_t)(colon - at)}, name)) {
            const char *value = colon + 1;
            while (value < line_end && *value == ' ')
                value++;
            while (line_end > value && (line_end[-1] == ' ' || line_end[-1] == '\r'))
                line_end--;
            return (struct admin_text){value, (size_t)(line_end - value)};
        }
        at = line_end + 1;
    }
    return (struct admin_text){NULL, 0};
}

size_t admin_request_id(const struct machine_env *env, const struct message *request,
                        char *text, size_t size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    struct admin_text own = admin_header(env, request, "X-Request-ID");
    ASSERT_OP(size, >, REQUEST_ID_LENGTH);
    bool is_used = own.length > 0 && !(own.length >= 4 && memcmp(own.bytes, "sid_", 4) == 0);
    if (is_used) {
        size_t length = own.length < size ? own.length : size - 1;
        memcpy(text, own.bytes, length);
        text[length] = '\0';
        return length;
    }
    uint64_t sender = (uint64_t)request->from << 32 | request->from_actor;
    uint64_t entity = draw_mix((uint64_t)env->node << 32 | request->corr, sender);
    for (uint32_t i = 0; i < REQUEST_ID_LENGTH; i++) {
        uint64_t letter =
            draw_below(env->draws, PURPOSE_TRANSACTION_TEXT, entity, i, sizeof letters - 1);
        text[i] = letters[letter];
    }
    text[REQUEST_ID_LENGTH] = '\0';
    return REQUEST_ID_LENGTH;
}

static void base64(const char *bytes, size_t length, char *text)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t out = 0;
    for (size_t i = 0; i < length; i += 3) {
        uint32_t word = (uint32_t)(unsigned char)bytes[i] << 16;
        if (i + 1 < length)
            word |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
        if (i + 2 < length)
            word |= (unsigned char)bytes[i + 2];
        text[out++] = digits[word >> 18];
        text[out++] = digits[word >> 12 & 63];
        text[out++] = i + 1 < length ? digits[word >> 6 & 63] : '=';
        text[out++] = i + 2 < length ? digits[word & 63] : '=';
    }
    text[out] = '\0';
}

#define CREDENTIALS_MAX 255u

/* "user:password" in base 64, or the empty text when it is too long. */
static void credentials_encode(const char *user, const char *password, char *text)
{
    char plain[CREDENTIALS_MAX + 1];
    size_t user_length = strlen(user), password_length = strlen(password);
    text[0] = '\0';
    if (user_length + 1 + password_length > CREDENTIALS_MAX)
        return;
    memcpy(plain, user, user_length);
    plain[user_length] = ':';
    memcpy(plain + user_length + 1, password, password_length);
    base64(plain, user_length + 1 + password_length, text);
}

static size_t append(char *text, size_t size, size_t length, const char *more)
{
    for (; *more != '\0'; more++, length++) {
        if (length + 1 < size)
            text[length] = *more;
    }
    if (size > 0)
        text[length < size ? length : size - 1] = '\0';
    return length;
}

size_t admin_authorization(const char *user, const char *password, char *text, size_t size)
{
    char encoded[(CREDENTIALS_MAX + 2) / 3 * 4 + 1];
    credentials_encode(user, password, encoded);
    size_t length = append(text, size, 0, "Authorization: Basic ");
    length = append(text, size, length, encoded);
    return append(text, size, length, "\n");
}

static enum credentials request_credentials(const struct admin *self,
                                            const struct machine_env *env,
                                            const struct message *request)
{
    char encoded[(CREDENTIALS_MAX + 2) / 3 * 4 + 1];
    struct admin_text value = admin_header(env, request, "Authorization");
    if (value.length < 6 ||
        !admin_text_is_caseless((struct admin_text){value.bytes, 6}, "basic "))
        return CREDENTIALS_NONE;
    credentials_encode(self->user, self->password, encoded);
    struct admin_text given = {value.bytes + 6, value.length - 6};
    return admin_text_is(given, encoded) ? CREDENTIALS_RIGHT : CREDENTIALS_WRONG;
}

/* ---- answers ---- */

static void reply(const struct machine_env *env, const struct message *request,
                  struct effects *fx, uint16_t status, enum content_type content, blob body,
                  bool cors, const char *headers)
{
    struct message *m = effects_reply(fx, request, MSG_HTTP_REPLY);
    ASSERT(status >= 200 && status < 600);
    m->u.http_reply.status = status;
    m->u.http_reply.content = (uint8_t)content;
    m->u.http_reply.cors = cors;
    if (request->u.http_request.method == HTTP_HEAD) {
        blob_free(env->arena, body);
        body = 0;
    }
    blob_own(env->arena, ARENA_MESSAGE, body);
    m->u.http_reply.body = body;
    if (headers[0] != '\0')
        m->u.http_reply.headers = blob_new(env->arena, ARENA_MESSAGE, headers, strlen(headers));
}

/* {"code":...,"error":...}, compact or in the printer's pretty form. */
static blob error_body(const struct machine_env *env, const struct message *request,
                       const char *error, bool pretty)
{
    char id[256];
    struct json_out out;
    json_out_init(&out, env->arena, ARENA_MESSAGE);
    admin_request_id(env, request, id, sizeof id);
    if (!pretty) {
        json_out_object_begin(&out);
        json_out_key(&out, "code");
        json_out_string(&out, id);
        json_out_key(&out, "error");
        json_out_string(&out, error);
        json_out_object_end(&out);
        return json_out_finish(&out);
    }
    json_out_raw(&out, "{\n  \"code\": ");
    out.needs_comma = false;
    json_out_string(&out, id);
    json_out_raw(&out, "\n  \"error\": "); /* the writer puts the comma before it */
    out.needs_comma = false;
    json_out_string(&out, error);
    out.needs_comma = false;
    json_out_raw(&out, "\n}");
    return json_out_finish(&out);
}

blob admin_error(const struct machine_env *env, const struct message *request,
                 const char *error)
{
    return error_body(env, request, error, false);
}

static void answer_rejection(const struct machine_env *env, const struct message *request,
                             struct effects *fx, uint16_t status, const char *error,
                             const char *headers)
{
    blob body = error_body(env, request, error, false);
    reply(env, request, fx, status, CONTENT_JSON, body, false, headers);
}

static void answer_unauthorized(const struct machine_env *env, const struct message *request,
                                struct effects *fx, const char *error)
{
    blob body = error_body(env, request, error, true);
    reply(env, request, fx, 401, CONTENT_JSON, body, !admin_behaviour(env)->no_cors, "");
}

/* Routed before everything else. */
static bool is_early(struct admin_text path)
{
    return admin_text_is(path, "/ping") || admin_text_is(path, "/");
}

void admin_answer_blob(const struct admin *self, const struct machine_env *env,
                       const struct message *request, struct effects *fx, uint16_t status,
                       enum content_type content, blob body)
{
    struct admin_text path = admin_path(env, request);
    /* Without a path: a request that waited, for which only an admin route can have asked. */
    bool is_admin_route = request->u.http_request.path == 0 || !is_early(path);
    ASSERT_OP(self->style, <=, ADMIN_CONTROLLER);
    reply(env, request, fx, status, content, body,
          is_admin_route && !admin_behaviour(env)->no_cors, "");
}

void admin_answer(const struct admin *self, const struct machine_env *env,
                  const struct message *request, struct effects *fx, uint16_t status,
                  enum content_type content, const char *body)
{
    size_t length = strlen(body);
    blob text = length == 0 ? 0 : blob_new(env->arena, ARENA_MESSAGE, body, length);
    admin_answer_blob(self, env, request, fx, status, content, text);
}

void admin_answer_fault(const struct machine_env *env, const struct message *request,
                        struct effects *fx)
{
    blob body = blob_new(env->arena, ARENA_MESSAGE, TEXT_FAULT, strlen(TEXT_FAULT));
    reply(env, request, fx, 500, CONTENT_TEXT, body, false, "");
}

/* ---- routes ---- */

static bool route_exists(const struct admin_route *route, const struct machine_env *env)
{
    return !route->since_5338 || !admin_behaviour(env)->no_roll_routes;
}

static bool route_has_path(const struct admin_route *route, struct admin_text path)
{
    if (admin_text_is(path, route->path))
        return true;
    bool has_slash = path.bytes[path.length - 1] == '/'; /* a path is never empty */
    return route->slash == SLASH_ALLOWED && has_slash &&
           admin_text_is((struct admin_text){path.bytes, path.length - 1}, route->path);
}

/* Does a GET prefix take the path? It need not end a segment (Uri.Path.startsWith): `/pool`
 * takes `/poolx` too. */
static bool route_is_prefix(const struct admin_route *route, struct admin_text path)
{
    size_t length = strlen(route->path);
    return route->method == HTTP_GET && route->slash == SLASH_ALLOWED &&
           path.length >= length && memcmp(path.bytes, route->path, length) == 0;
}

struct allowed {
    uint8_t methods[HTTP_METHOD_COUNT + 1];
    uint32_t count;
};

static void allowed_add(struct allowed *self, enum http_method method)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->methods[i] == method)
            return;
    }
    ASSERT_OP(self->count, <, HTTP_METHOD_COUNT);
    self->methods[self->count++] = (uint8_t)method;
}

/* The methods that some route wanted in place of this one, in the order of the routes. */
static struct allowed allowed_methods(const struct admin *self, const struct machine_env *env,
                                      struct admin_text path)
{
    struct allowed allowed = {.count = 0};
    if (admin_text_is(path, "/ping"))
        allowed_add(&allowed, HTTP_GET);
    for (int late = 0; late < 2; late++) {
        for (uint32_t i = 0; i < self->route_count; i++) {
            const struct admin_route *route = &self->routes[i];
            bool fits = route_has_path(route, path) || route_is_prefix(route, path);
            if (route_exists(route, env) && fits && is_early(path) == (late == 0))
                allowed_add(&allowed, route->method);
        }
        if (late == 0 && !admin_behaviour(env)->no_cors)
            allowed_add(&allowed, HTTP_OPTIONS);
    }
    return allowed;
}

static void answer_not_allowed(const struct machine_env *env, const struct message *request,
                               struct effects *fx, const struct allowed *allowed)
{
    char list[ALLOW_MAX], error[ALLOW_MAX + sizeof TEXT_NOT_ALLOWED],
        header[ALLOW_MAX + sizeof "Allow: \n"];
    size_t length = 0;
    ASSERT_OP(allowed->count, >, 0);
    list[0] = '\0';
    for (uint32_t i = 0; i < allowed->count; i++) {
        length = append(list, sizeof list, length, i > 0 ? ", " : "");
        length = append(list, sizeof list, length, method_names[allowed->methods[i]]);
    }
    length = append(error, sizeof error, 0, TEXT_NOT_ALLOWED);
    append(error, sizeof error, length, list);
    length = append(header, sizeof header, 0, "Allow: ");
    length = append(header, sizeof header, length, list);
    append(header, sizeof header, length, "\n");
    answer_rejection(env, request, fx, 405, error, header);
}

/* No route takes it. */
static void answer_unknown(const struct admin *self, const struct machine_env *env,
                           const struct message *request, struct effects *fx,
                           struct admin_text path)
{
    bool is_404 = false;
    for (uint32_t i = 0; i < self->route_count; i++) {
        is_404 |= route_exists(&self->routes[i], env) &&
                  route_is_prefix(&self->routes[i], path) &&
                  request->u.http_request.method == HTTP_GET;
    }
    /* The web-action branch takes every method and cancels what its siblings remembered. */
    is_404 |= self->style == ADMIN_CONTROLLER && path.length >= 7 &&
              memcmp(path.bytes, "/api/v1", 7) == 0;
    struct allowed allowed = allowed_methods(self, env, path);
    if (is_404 || allowed.count == 0)
        answer_rejection(env, request, fx, 404, TEXT_NOT_FOUND, "");
    else
        answer_not_allowed(env, request, fx, &allowed);
}

static int find_route(const struct admin *self, const struct machine_env *env,
                      const struct message *request, struct admin_text path)
{
    for (uint32_t i = 0; i < self->route_count; i++) {
        const struct admin_route *route = &self->routes[i];
        if (route_exists(route, env) &&
            (uint32_t)route->method == request->u.http_request.method &&
            route_has_path(route, path))
            return (int)i;
    }
    return -1;
}

/* true: there is a route, and the credentials that it asks for were given. */
static bool controller_admits(const struct admin *self, const struct machine_env *env,
                              const struct message *request, struct effects *fx, int route)
{
    ASSERT_OP(route, <, self->route_count);
    if (!self->routes[route].auth)
        return true;
    enum credentials given = request_credentials(self, env, request);
    if (given == CREDENTIALS_RIGHT)
        return true;
    answer_unauthorized(env, request, fx,
                        given == CREDENTIALS_NONE ? TEXT_UNAUTHENTICATED : TEXT_WRONG_PASSWORD);
    return false;
}

int admin_route(const struct admin *self, const struct machine_env *env,
                const struct message *request, struct effects *fx)
{
    ASSERT_OP(request->kind, ==, MSG_HTTP_REQUEST);
    struct admin_text path = admin_path(env, request);
    enum http_method method = (enum http_method)request->u.http_request.method;
    if (method == HTTP_GET && admin_text_is(path, "/ping")) {
        admin_answer(self, env, request, fx, 200, CONTENT_TEXT, "pong");
        return -1;
    }
    int route = find_route(self, env, request, path);
    if (route < 0 && method == HTTP_OPTIONS && !admin_behaviour(env)->no_cors) {
        blob ok = blob_new(env->arena, ARENA_MESSAGE, "OK", 2);
        reply(env, request, fx, 200, CONTENT_TEXT, ok, true, "");
        return -1;
    }
    if (self->style != ADMIN_CONTROLLER &&
        request_credentials(self, env, request) != CREDENTIALS_RIGHT) {
        answer_unauthorized(env, request, fx, TEXT_UNAUTHENTICATED);
        return -1;
    }
    if (route < 0) {
        answer_unknown(self, env, request, fx, path);
        return -1;
    }
    if (self->style == ADMIN_CONTROLLER && !controller_admits(self, env, request, fx, route))
        return -1;
    return route;
}
