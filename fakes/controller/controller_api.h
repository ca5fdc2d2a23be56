#pragma once
/*
 * controller_api.h - the public API, /api/v1, as clients use it: invoke, activations, actions.
 *
 *   any:      credentials --401--> path --404, 400--> namespace --403--> the route
 *   invoke:   throttles --429--> body --413, 400, 415--> as MSG_INVOKE, another answer
 *   PUT:      body --413, 400--> READ (own cache or database) --409, 400--> WRITE --409--> 200
 *   GET:      READ --404--> 200      DELETE: READ --404--> WRITE --409--> 200
 *   records, lists: READ --> 200
 *
 * A call that waits for the database is a struct api_call. An invocation is the balancer's own
 * (struct invocation) with a struct api_invoke aside; what becomes of it is the same as of one
 * that came as MSG_INVOKE.
 *
 * Ids of invocations that bring none: load entry 31, so that no load's request has them. Of
 * the ordinal's 24 bits the upper ones are the controller's index (as many as the cluster
 * needs), then 4 of the incarnation; the rest count: with 2 controllers 524,288 ids, then the
 * first are given again unless they are in use.
 *
 * Files: controller_api.c routing and credentials; controller_api_request.c paths, queries,
 * names; controller_api_reply.c answers; controller_api_invoke.c invocations;
 * controller_api_record.c activation records; controller_api_action.c actions;
 * controller_api_put.c the body of a PUT; controller_api_document.c what it makes of an action.
 * Source: RestAPIs.scala, Actions.scala, Activations.scala, Entities.scala, ApiUtils.scala,
 * AuthorizedRouteDispatcher.scala, BasicAuthenticationDirective.scala, ErrorResponse.scala at
 * 1fae641a2; deviations: docs/fidelity.md#controller.
 */
#include "common/target.h"
#include "controller/controller_internal.h"
#include "core/json.h"
#include <stdio.h>

#define API_NAME_MAX 256u /* EntityPath.scala:199 */
#define API_TEXT_MAX 1024u
#define API_LIST_MAX 200u          /* application.conf:519 */
#define API_LIST_STD 30u           /* application.conf:520 */
#define API_PAYLOAD_MAX (1u << 20) /* application.conf:438 */
#define API_ID_INCARNATION_BITS 4u

enum api_collection { API_ACTIONS, API_ACTIVATIONS };

struct api_request { /* what the path and the credentials say */
    const struct message *m;
    namespace_id user;
    enum api_collection collection;
    struct admin_text raw[2];          /* segments behind the collection */
    uint32_t name_count;               /* of those, 0 to 2 */
    bool has_slash;                    /* the path ends in one */
    char space[API_NAME_MAX + 1];      /* the namespace's name */
    char names[2][API_NAME_MAX + 1];   /* decoded and checked */
    char full[3 * (API_NAME_MAX + 1)]; /* namespace/package/name */
};

/* ---- controller_api_request.c ---- */
enum { API_SEGMENTS_MAX = 8 };
/* The path's segments; more than API_SEGMENTS_MAX: false. */
bool api_segments(struct admin_text path, struct admin_text *ret_segments, uint32_t *ret_count);
/* What the request asks for, undecoded. */
struct admin_text api_target(const struct controller *self, const struct message *m);
bool api_name_is_valid(const char *text, size_t length, bool is_path);
/* The first query parameter of this name, decoded; false: there is none. */
bool api_query(const struct controller *self, const struct message *m, const char *name,
               char *ret_text, size_t size);
/* These answer 400 and return false when the parameter is malformed. */
bool api_query_bool(struct controller *self, const struct message *m, const char *name,
                    bool *ret_value, struct effects *fx);
bool api_query_page(struct controller *self, const struct message *m, const char *collection,
                    uint32_t *ret_skip, uint32_t *ret_limit, struct effects *fx);
/* Decimal with an optional sign, as Scala's toInt and toLong. */
bool api_integer(const char *text, int64_t min, int64_t max, int64_t *ret_value);

/* ---- controller_api_reply.c ---- */
#define API_NOT_FOUND "The requested resource could not be found."
#define API_DOES_NOT_EXIST "The requested resource does not exist."
#define API_CONFLICT "Concurrent modification to resource detected."
#define API_CONFORMANCE "Resource by this name exists but is not in this collection."
#define API_MALFORMED "The request content was malformed:\n"
/* Completed by a route: with CORS headers. id: of the activation, 0: none. */
void api_complete(const struct controller *self, const struct message *m, struct effects *fx,
                  uint16_t status, activation_id id, blob body);
void api_terminate(const struct controller *self, const struct message *m, struct effects *fx,
                   uint16_t status, const char *error);
/* Rejected: without them. */
void api_reject(const struct controller *self, const struct message *m, struct effects *fx,
                uint16_t status, const char *error, const char *headers);
void api_reject_parameter(const struct controller *self, const struct message *m,
                          struct effects *fx, const char *name, const char *reason);
void api_reject_timeout(const struct controller *self, const struct message *m,
                        struct effects *fx);
void api_reject_target(const struct controller *self, const struct message *m,
                       struct effects *fx);
void api_answer_options(const struct controller *self, const struct message *m,
                        struct effects *fx);
/*
 * The body as JSON, an object or (has_any false) nothing; answers 400 or 415 and returns false
 * when it is neither.
 */
bool api_body(struct controller *self, const struct message *m, bool may_be_empty,
              struct json_in *ret_body, struct effects *fx);

/* ---- controller_api.c ---- */
action_id api_find_action(const struct controller *self, const struct api_request *request);
/* A package is what an action that is no spare slot lies in. */
bool api_is_package(const struct controller *self, const char *full);

enum api_op {
    API_OP_GET,
    API_OP_PUT,
    API_OP_DELETE,
    API_OP_LIST,
    API_OP_RECORD,
    API_OP_RESULT,
    API_OP_LOGS,
    API_OP_RECORDS
};
enum api_stage { API_STAGE_READ, API_STAGE_WRITE };

struct api_call { /* waits for the database */
    struct api_call *next;
    uint32_t corr;
    action_id action;
    namespace_id ns;
    uint8_t op, stage;
    bool is_count, is_full; /* count=true; docs=true, code=true, overwrite=true */
    uint32_t skip, limit;
    blob document;          /* PUT: the new one; DELETE: the old one */
    struct message request; /* headers and body are the call's own */
    struct timer timer;
};
struct api_call *api_call_open(struct controller *self, const struct message *m, enum api_op op,
                               struct effects *fx);
void api_call_close(struct controller *self, struct api_call *call);
/* Ask the database; body is given away. */
void api_call_send(struct controller *self, struct api_call *call, enum document_op op,
                   uint32_t revision, blob body, struct effects *fx);

/* ---- controller_api_action.c ---- */
void api_action(struct controller *self, const struct api_request *request, struct effects *fx);
void api_action_done(struct controller *self, struct api_call *call, const struct message *m,
                     struct effects *fx);

/* ---- controller_api_put.c ---- */
#define API_KIND_MAX 64u
#define API_VERSION_MAX 40u
/* Ours, so that a merge is quick: parameters or annotations of a body, annotations in all. */
#define API_ENTRIES_MAX 1024u
#define API_ANNOTATIONS_MAX 4096u
enum api_limit {
    LIMIT_CONCURRENCY,
    LIMIT_INSTANCES,
    LIMIT_LOGS,
    LIMIT_MEMORY,
    LIMIT_TIMEOUT,
    LIMIT_COUNT
};
extern const char *const api_limit_names[LIMIT_COUNT];
struct api_put { /* views into the body; kind JSON_INVALID: not given */
    struct json_in exec, code, main, image, parameters, annotations, removed;
    char kind[API_KIND_MAX], version[API_VERSION_MAX];
    bool is_binary, has_publish, is_public;
    bool has_limit[LIMIT_COUNT];
    int64_t limits[LIMIT_COUNT];
};
/* Answers 400 or 413 and returns false when the body is none. */
bool api_put_read(struct controller *self, const struct message *m, struct json_in body,
                  struct api_put *ret_put, struct effects *fx);
/* NULL or why the limits are refused. */
const char *api_put_limits(const struct api_put *put, char *text, size_t size);
bool api_entry_read(struct json_in entry, struct json_in *ret_key, struct json_in *ret_value);

/* ---- controller_api_document.c ---- */
/* old: kind JSON_INVALID when the action is made; space: the namespace with the package. */
blob api_document_make(const struct machine_env *env, const struct api_put *put,
                       struct json_in old, const char *space, const char *name,
                       uint64_t now_ms);
/* How many annotations there could be afterwards. */
size_t api_document_annotations(const struct api_put *put, struct json_in old);
blob api_document_without_code(const struct machine_env *env, struct json_in document);
/* Does one of the parameters try to change what `final` protects? */
bool api_document_forbids(struct json_in document, struct json_in parameters);

/* ---- controller_api_invoke.c ---- */
void api_invoke(struct controller *self, const struct api_request *request, struct effects *fx);

/* ---- controller_api_record.c ---- */
struct api_record {
    activation_id id;
    action_id action;
    namespace_id ns;
    uint64_t start_ms, end_ms;
    uint8_t response, error;
    const char *version;
    struct json_in result; /* of a success; JSON_INVALID: {} */
};
void api_record_write(const struct controller *self, struct json_out *out,
                      const struct api_record *record);
void api_record_result(const struct controller *self, struct json_out *out,
                       const struct api_record *record);
void api_activations(struct controller *self, const struct api_request *request,
                     struct effects *fx);
void api_activations_done(struct controller *self, struct api_call *call,
                          const struct message *m, struct effects *fx);
