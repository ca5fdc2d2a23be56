#pragma once
/*
 * admin.h - the rules by which all three components answer HTTP: credentials, unknown path,
 * wrong method, OPTIONS, CORS, X-Request-ID; they differ by behaviour set.
 *
 * A component gives its table of routes; admin_route either answers by itself (ping, 401, 404,
 * 405, OPTIONS) and returns -1, or returns the index of the route that the component serves.
 * Source: BasicHttpService.scala, FPCSchedulerServer.scala, FPCInvokerServer.scala,
 * Controller.scala at 1fae641a2 and 651a2e95; pekko-http v1.1.0 rejection rules.
 */
#include "common/common.h"

enum admin_slash { SLASH_NEVER, SLASH_ALLOWED };
struct admin_route {
    enum http_method method;
    const char *path;       /* without query, without trailing slash */
    enum admin_slash slash; /* a trailing slash is the same route */
    bool since_5338;        /* unknown to pre-5338 */
    bool auth;              /* controller only: this route wants credentials */
};

enum admin_style { ADMIN_SCHEDULER, ADMIN_INVOKER, ADMIN_CONTROLLER };
struct admin {
    const struct admin_route *routes;
    uint32_t route_count;
    enum admin_style style;
    const char *user, *password;
};

int admin_route(const struct admin *self, const struct machine_env *env,
                const struct message *request, struct effects *fx);

/* Answers with the headers that the routes of this component carry. Body: text, copied. A
 * request that waited for its answer may have lost its path, not its headers. */
void admin_answer(const struct admin *self, const struct machine_env *env,
                  const struct message *request, struct effects *fx, uint16_t status,
                  enum content_type content, const char *body);
void admin_answer_blob(const struct admin *self, const struct machine_env *env,
                       const struct message *request, struct effects *fx, uint16_t status,
                       enum content_type content, blob body);
/* 500 text/plain `There was an internal server error.`: a future that failed. */
void admin_answer_fault(const struct machine_env *env, const struct message *request,
                        struct effects *fx);
/*
 * The value of X-Request-ID that goes with every answer but a fault's, and the `code` of error
 * bodies: the request's own, or 32 drawn letters and digits. size > 32; longer ones are cut.
 */
size_t admin_request_id(const struct machine_env *env, const struct message *request,
                        char *text, size_t size);
/* "Authorization: Basic ..." line for these credentials, with newline; NUL-terminated. */
size_t admin_authorization(const char *user, const char *password, char *text, size_t size);

/* ---- for routes that a component answers by itself (the controller's /api/v1) ---- */

struct admin_text { /* a view; bytes NULL: there is none */
    const char *bytes;
    size_t length;
};
bool admin_text_is(struct admin_text text, const char *other);
bool admin_text_is_caseless(struct admin_text text, const char *other);
/* The path without its query. */
struct admin_text admin_path(const struct machine_env *env, const struct message *request);
/* The value of the first line "Name: value", by name without case. */
struct admin_text admin_header(const struct machine_env *env, const struct message *request,
                               const char *name);
/* {"code":"<request id>","error":"<error>"}, compact, as a blob of ARENA_MESSAGE. */
blob admin_error(const struct machine_env *env, const struct message *request,
                 const char *error);
