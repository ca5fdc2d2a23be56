/*
 * controller_api_reply.c - the forms of answers: completed, rejected, and the body's own check.
 *
 * Source: ErrorResponse.scala:277-306, BasicHttpService.scala:192-199,
 * CorsSettings.scala:33-66, RestAPIs.scala:92-110 at 1fae641a2; pekko-http v1.1.0
 * RejectionHandler.scala, HttpServerBluePrint.scala:375-384.
 */
#include "controller/controller_api.h"
#include "core/assert.h"

#define CORS                                                                                   \
    "Access-Control-Allow-Origin: *\n"                                                         \
    "Access-Control-Allow-Headers: Authorization, Origin, X-Requested-With, Content-Type, "    \
    "Accept, User-Agent\n"                                                                     \
    "Access-Control-Allow-Methods: GET, DELETE, POST, PUT, HEAD\n"
#define TEXT_TIMEOUT                                                                           \
    "The server was not able to produce a timely response to your request.\r\n"                \
    "Please try again in a short while!"
#define TEXT_TARGET "Illegal request-target: Invalid percent-encoding"

static void reply(const struct controller *self, const struct message *m, struct effects *fx,
                  uint16_t status, enum content_type content, blob body, const char *headers)
{
    struct arena *arena = self->env->arena;
    struct message *r = effects_reply(fx, m, MSG_HTTP_REPLY);
    ASSERT(status >= 200 && status < 600);
    r->u.http_reply.status = status;
    r->u.http_reply.content = (uint8_t)content;
    if (m->u.http_request.method == HTTP_HEAD) {
        blob_free(arena, body);
        body = 0;
    }
    blob_own(arena, ARENA_MESSAGE, body);
    r->u.http_reply.body = body;
    if (headers[0] != '\0')
        r->u.http_reply.headers = blob_new(arena, ARENA_MESSAGE, headers, strlen(headers));
}

void api_complete(const struct controller *self, const struct message *m, struct effects *fx,
                  uint16_t status, activation_id id, blob body)
{
    char headers[sizeof CORS + 80], text[33];
    snprintf(headers, sizeof headers, "%s", CORS);
    if (id != 0) {
        cluster_activation_text(self->env->draws, id, text);
        snprintf(headers, sizeof headers, CORS "x-openwhisk-activation-id: %s\n", text);
    }
    reply(self, m, fx, status, CONTENT_JSON, body, headers);
}

void api_terminate(const struct controller *self, const struct message *m, struct effects *fx,
                   uint16_t status, const char *error)
{
    api_complete(self, m, fx, status, 0, admin_error(self->env, m, error));
}

void api_reject(const struct controller *self, const struct message *m, struct effects *fx,
                uint16_t status, const char *error, const char *headers)
{
    reply(self, m, fx, status, CONTENT_JSON, admin_error(self->env, m, error), headers);
}

void api_reject_parameter(const struct controller *self, const struct message *m,
                          struct effects *fx, const char *name, const char *reason)
{
    char text[API_TEXT_MAX];
    snprintf(text, sizeof text, "The query parameter '%s' was malformed:\n%s", name, reason);
    api_reject(self, m, fx, 400, text, "");
}

void api_reject_timeout(const struct controller *self, const struct message *m,
                        struct effects *fx)
{
    reply(self, m, fx, 503, CONTENT_TEXT,
          blob_new(self->env->arena, ARENA_MESSAGE, TEXT_TIMEOUT, sizeof TEXT_TIMEOUT - 1), "");
}

void api_reject_target(const struct controller *self, const struct message *m,
                       struct effects *fx)
{
    reply(self, m, fx, 400, CONTENT_TEXT,
          blob_new(self->env->arena, ARENA_MESSAGE, TEXT_TARGET, sizeof TEXT_TARGET - 1), "");
}

void api_answer_options(const struct controller *self, const struct message *m,
                        struct effects *fx)
{
    reply(self, m, fx, 200, CONTENT_TEXT, blob_new(self->env->arena, ARENA_MESSAGE, "OK", 2),
          CORS);
}

/* ---- the body ---- */

static bool is_json_type(struct admin_text type)
{
    static const char json[] = "application/json";
    size_t length = sizeof json - 1;
    if (type.length < length)
        return false;
    if (!admin_text_is_caseless((struct admin_text){type.bytes, length}, json))
        return false;
    return type.length == length || type.bytes[length] == ';' || type.bytes[length] == ' ';
}

bool api_body(struct controller *self, const struct message *m, bool may_be_empty,
              struct json_in *ret_body, struct effects *fx)
{
    char text[API_TEXT_MAX];
    size_t length = blob_size(self->env->arena, m->u.http_request.body);
    const char *bytes = blob_bytes(self->env->arena, m->u.http_request.body);
    struct admin_text type = admin_header(self->env, m, "Content-Type");
    *ret_body = (struct json_in){.kind = JSON_INVALID};
    if (length == 0) {
        if (!may_be_empty)
            api_reject(self, m, fx, 400, "Request entity expected but not supplied", "");
        return may_be_empty;
    }
    if (type.length > 0 && !is_json_type(type)) {
        snprintf(text, sizeof text,
                 "The request's Content-Type [%.*s] is not supported. Expected:\n"
                 "application/json",
                 type.length > 256 ? 256 : (int)type.length, type.bytes);
        api_reject(self, m, fx, 415, text, "");
        return false;
    }
    *ret_body = json_in_parse(bytes, length);
    if (ret_body->kind == JSON_OBJECT)
        return true;
    api_reject(self, m, fx, 400,
               ret_body->kind == JSON_INVALID ? API_MALFORMED "Unexpected character or nesting"
                                              : API_MALFORMED "Object expected",
               "");
    return false;
}
