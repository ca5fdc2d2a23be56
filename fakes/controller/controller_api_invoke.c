/*
 * controller_api_invoke.c - an invocation as clients ask for it, and its answer.
 *
 * Source: Actions.scala:244-330, PrimitiveActions.scala:152-215, Entities.scala:44-62, 119-126;
 * FPCEntitlement.scala:46-75, Entitlement.scala:298-330 at 1fae641a2.
 */
#include "controller/controller_api.h"
#include "core/assert.h"

#define ID_HEADER "X-Rollcage-Activation" /* ours: which id the invocation has */
#define TEXT_UNAVAILABLE                                                                       \
    "The server is currently unavailable (because it is overloaded or down for maintenance)."
#define TEXT_FORBIDDEN_PARAMETERS                                                              \
    "Request defines parameters that are not allowed (e.g., reserved properties)."

struct api_invoke {
    struct message request; /* the headers are its own, path and body gone */
    blob parameters;        /* the body: what an action that hands on its input answers */
    char version[API_VERSION_MAX];
    bool wants_result, is_reading, is_refused;
};

/* ---- ids ---- */

static uint32_t index_bits(const struct controller *self)
{
    uint32_t bits = 0;
    while (1u << bits < self->env->cluster->counts[NODE_CONTROLLER])
        bits++;
    return bits;
}

static activation_id own_id(struct controller *self)
{
    const struct machine_env *env = self->env;
    uint32_t bits = 24 - index_bits(self) - API_ID_INCARNATION_BITS, index = 0;
    activation_id id = 0;
    index = env->cluster->nodes[env->node].index;
    uint32_t incarnation = env->incarnation & ((1u << API_ID_INCARNATION_BITS) - 1);
    do {
        self->api_ids++;
        uint32_t count = self->api_ids & ((1u << bits) - 1);
        uint32_t ordinal = (index << API_ID_INCARNATION_BITS | incarnation) << bits | count;
        id = ACTIVATION_ID(REQUEST_ENTRY_CONTROLLER << 24 | ordinal, 0);
    } while (controller_has_id(self, id));
    return id;
}

static activation_id choose_id(struct controller *self, const struct message *m)
{
    struct admin_text header = admin_header(self->env, m, ID_HEADER);
    activation_id id = 0;
    bool is_given = header.length > 0 &&
                    cluster_activation_read(self->env->draws, header.bytes, header.length, &id);
    if (is_given && id != 0 && !controller_has_id(self, id))
        return id;
    return own_id(self);
}

/* ---- the request ---- */

static void answer_throttled(const struct controller *self, const struct api_request *request,
                             enum error_text error, struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    bool is_system = request->user == NAMESPACE_SYSTEM;
    uint32_t count = self->minutes[is_system ? c->namespace_count : request->user].count;
    char text[128];
    snprintf(text, sizeof text, "%s", error_text_to_string(error));
    if (error == ERROR_TOO_MANY_PER_MINUTE)
        snprintf(text, sizeof text, "%s (count: %" PRIu32 ", allowed: %" PRIu64 ").",
                 error_text_to_string(error), count,
                 controller_minute_limit(self, request->user));
    api_terminate(self, request->m, fx, 429, text);
}

/* Throttles first, then rights (Entitlement.check). */
static bool is_admitted(struct controller *self, const struct api_request *request,
                        action_id action, activation_id *ret_id, struct effects *fx)
{
    char text[API_TEXT_MAX];
    enum error_text error = controller_throttled(self, request->user, action, fx->at);
    *ret_id = choose_id(self, request->m);
    if (error != ERROR_NONE) {
        controller_record_refused(fx, *ret_id, request->user, action, error);
        answer_throttled(self, request, error, fx);
        return false;
    }
    if (strcmp(request->space, cluster_namespace_name(self->env->cluster, request->user)) !=
        0) {
        snprintf(text, sizeof text,
                 "The supplied authentication is not authorized to access '%s'.",
                 request->full);
        api_terminate(self, request->m, fx, 403, text);
        return false;
    }
    return true;
}

static bool body_fits(const struct controller *self, const struct message *m, namespace_id user,
                      struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    size_t length = blob_size(self->env->arena, m->u.http_request.body);
    uint64_t most =
        user < c->namespace_count ? c->namespaces[user].payload_max : API_PAYLOAD_MAX;
    char text[128];
    if (length <= most)
        return true;
    snprintf(text, sizeof text, "Request larger than allowed: %zu > %" PRIu64 " bytes.", length,
             most);
    api_terminate(self, m, fx, 413, text);
    return false;
}

struct options {
    bool is_blocking, wants_result;
    duration wait;
};

static bool read_options(struct controller *self, const struct message *m,
                         struct options *ret_options, struct effects *fx)
{
    int64_t most = (int64_t)(self->config->blocking_wait_max_ns / MSEC(1)), wait = most;
    char text[64], reason[128];
    *ret_options = (struct options){.is_blocking = false};
    if (!api_query_bool(self, m, "blocking", &ret_options->is_blocking, fx) ||
        !api_query_bool(self, m, "result", &ret_options->wants_result, fx))
        return false;
    if (api_query(self, m, "timeout", text, sizeof text) &&
        !api_integer(text, 1, most, &wait)) {
        snprintf(reason, sizeof reason,
                 "Timeout must be number of milliseconds up to %" PRId64 ".", most);
        api_reject_parameter(self, m, fx, "timeout", reason);
        return false;
    }
    ret_options->wait = MSEC(wait);
    return true;
}

static struct api_invoke *note_new(struct controller *self, const struct message *m,
                                   const struct options *options)
{
    struct arena *arena = self->env->arena;
    node_id owner = self->env->node;
    struct api_invoke *note = arena_alloc(arena, owner, sizeof *note);
    note->request = *m;
    note->request.u.http_request.path = note->request.u.http_request.body = 0;
    note->request.u.http_request.headers = blob_copy(arena, owner, m->u.http_request.headers);
    note->parameters = blob_copy(arena, owner, m->u.http_request.body);
    note->wants_result = options->wants_result;
    snprintf(note->version, sizeof note->version, "0.0.1");
    return note;
}

/* The slot may stay for minutes; the texts are for the answer. */
static void note_drop_texts(struct controller *self, struct api_invoke *note)
{
    blob_free(self->env->arena, note->request.u.http_request.headers);
    blob_free(self->env->arena, note->parameters);
    note->request.u.http_request.headers = note->parameters = 0;
}

void controller_api_forget(struct controller *self, struct api_invoke *note)
{
    note_drop_texts(self, note);
    arena_release(self->env->arena, note);
}

/* The names of the path, or an answer: no action is called so. */
static bool has_action(const struct controller *self, const struct api_request *request,
                       action_id action, struct effects *fx)
{
    if (action != ACTION_NONE)
        return true;
    bool is_package = request->name_count == 1 && api_is_package(self, request->full);
    api_terminate(self, request->m, fx, is_package ? 409 : 404,
                  is_package ? API_CONFORMANCE : API_DOES_NOT_EXIST);
    return false;
}

void api_invoke(struct controller *self, const struct api_request *request, struct effects *fx)
{
    action_id action = api_find_action(self, request);
    activation_id id = 0;
    struct json_in body;
    struct options options;
    if (!is_admitted(self, request, action, &id, fx) ||
        !body_fits(self, request->m, request->user, fx) ||
        !read_options(self, request->m, &options, fx) ||
        !api_body(self, request->m, true, &body, fx) || !has_action(self, request, action, fx))
        return;
    struct message m = *request->m;
    m.u.invoke.id = id;
    m.u.invoke.action = action;
    m.u.invoke.ns = request->user;
    m.u.invoke.sent_at = fx->at;
    m.u.invoke.blocking = options.is_blocking;
    struct api_invoke *note = note_new(self, request->m, &options);
    controller_begin(self, &m, note, options.wait, fx);
}

/* ---- the action's document ---- */

static bool admits(struct controller *self, struct invocation *i, blob document,
                   struct effects *fx)
{
    struct arena *arena = self->env->arena;
    struct api_invoke *note = i->http;
    struct json_in version;
    struct json_in text =
        json_in_parse(blob_bytes(arena, document), blob_size(arena, document));
    struct json_in parameters =
        json_in_parse(blob_bytes(arena, note->parameters), blob_size(arena, note->parameters));
    if (text.kind == JSON_OBJECT && json_in_member(text, "version", &version))
        json_in_string(version, note->version, sizeof note->version);
    if (text.kind != JSON_OBJECT || !api_document_forbids(text, parameters))
        return true;
    note->is_refused = true;
    i->stage = STAGE_OVER;
    controller_answer(self, i, fx, 400, RESPONSE_WHISK_ERROR, ERROR_NONE);
    return false;
}

/* An action as the scenario has it protects nothing; any other's document must be looked at. */
bool controller_api_admits(struct controller *self, struct invocation *i, struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    struct api_invoke *note = i->http;
    bool is_scenarios =
        i->action >= c->action_count ||
        (!c->actions[i->action].is_spare && controller_cache(self, i->action)->revision == 1);
    if (is_scenarios)
        return true;
    const struct document_cache *cache = controller_api_document(self, i->action, fx->at);
    if (cache != NULL)
        return admits(self, i, cache->body, fx);
    if (note->is_reading)
        return false;
    note->is_reading = true;
    struct message *m = effects_send(fx, MSG_DOCUMENT_CALL, CALL_ACTOR(CALL_INVOKE_DOCUMENT, 0),
                                     self->database, ACTOR_MAIN_ID);
    m->corr = i->id;
    m->u.document.action = i->action;
    m->u.document.ns = i->ns;
    m->u.document.op = DOCUMENT_GET;
    return false;
}

/* What the read comes to moves it out of this stage. */
static bool reads_document(const struct invocation *i)
{
    return i->http != NULL && i->http->is_reading && i->stage == STAGE_ACTION;
}

static void document_failed(struct controller *self, struct invocation *i, bool is_missing,
                            struct effects *fx)
{
    i->stage = STAGE_OVER;
    controller_answer(self, i, fx, is_missing ? 404 : 500, RESPONSE_WHISK_ERROR,
                      is_missing ? ERROR_NOT_FOUND : ERROR_SEND_FAILED);
}

void controller_api_on_invoke_document(struct controller *self, const struct message *m,
                                       struct effects *fx)
{
    struct invocation *i = controller_find(self, m->corr);
    if (i == NULL || !reads_document(i))
        return;
    fx->cause = i->cause;
    if (m->kind == MSG_REFUSED || m->u.document.result != DOCUMENT_FOUND) {
        document_failed(self, i,
                        m->kind != MSG_REFUSED && m->u.document.result == DOCUMENT_MISSING, fx);
        return;
    }
    controller_api_keep(self, m, fx->at);
    if (admits(self, i, m->u.document.body, fx))
        controller_publish_admitted(self, i, fx);
}

void controller_api_invokes_reset(struct controller *self, struct effects *fx)
{
    struct invocation *next = NULL;
    for (struct invocation *i = self->first; i != NULL; i = next) {
        next = i->next;
        if (reads_document(i)) {
            fx->cause = i->cause;
            document_failed(self, i, false, fx);
        }
    }
}

/* ---- the answer ---- */

static blob id_body(const struct controller *self, activation_id id)
{
    char text[33], body[64];
    cluster_activation_text(self->env->draws, id, text);
    snprintf(body, sizeof body, "{\"activationId\":\"%s\"}", text);
    return blob_new(self->env->arena, ARENA_MESSAGE, body, strlen(body));
}

static blob record_body(const struct controller *self, const struct invocation *i, tstamp now,
                        enum response_status response, enum error_text error)
{
    struct arena *arena = self->env->arena;
    const struct api_invoke *note = i->http;
    uint64_t now_ms = tstamp_epoch_ms(now), start_ms = tstamp_epoch_ms(i->received_at);
    struct json_out out;
    struct api_record record = {
        .id = i->id,
        .action = i->action,
        .ns = i->ns,
        .start_ms = i->has_run ? now_ms - i->run_ms : start_ms,
        .end_ms = now_ms,
        .response = (uint8_t)response,
        .error = (uint8_t)error,
        .version = note->version,
        .result = json_in_parse(blob_bytes(arena, note->parameters),
                                blob_size(arena, note->parameters)),
    };
    json_out_init(&out, arena, ARENA_MESSAGE);
    if (note->wants_result)
        api_record_result(self, &out, &record);
    else
        api_record_write(self, &out, &record);
    return json_out_finish(&out);
}

static void answer(const struct controller *self, const struct invocation *i,
                   struct effects *fx, uint16_t status, enum response_status response,
                   enum error_text error)
{
    const struct message *m = &i->http->request;
    if (status == 202)
        api_complete(self, m, fx, 202, i->id, id_body(self, i->id));
    else if (error == ERROR_REQUEST_TIMEOUT)
        api_reject_timeout(self, m, fx);
    else if (i->http->is_refused)
        api_terminate(self, m, fx, status, TEXT_FORBIDDEN_PARAMETERS);
    else if (error == ERROR_NO_SCHEDULER)
        api_terminate(self, m, fx, status, TEXT_UNAVAILABLE);
    else if (error == ERROR_SEND_FAILED || error == ERROR_NOT_FOUND)
        api_terminate(self, m, fx, status, error_text_to_string(error));
    else
        api_complete(self, m, fx, status, i->id, record_body(self, i, fx->at, response, error));
}

void controller_api_answer(struct controller *self, struct invocation *i, struct effects *fx,
                           uint16_t status, enum response_status response,
                           enum error_text error)
{
    answer(self, i, fx, status, response, error);
    note_drop_texts(self, i->http);
}
