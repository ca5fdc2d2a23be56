/*
 * wire_http_reply.c - answers: what a client of upstream's sees, and what our own clients make
 * of it.
 *
 * An answer to an invocation has one of five forms: the id alone (202), a record (a result
 * came, or an error that was stored), an error with a code, pekko's plain text when the
 * request's time is over, nginx's page when it had nobody to ask. The error is told by its
 * text. Source: Actions.scala:244-330, ErrorResponse.scala:281-306, CorsSettings.scala:33-66,
 * QueueManager.scala:711-768 at 1fae641a2; pekko-http HttpServerBluePrint.scala:375-384.
 */
#include "core/assert.h"
#include "core/record.h"
#include "wire/wire_http_internal.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ALLOW_ORIGIN "Access-Control-Allow-Origin: *\n"
#define ALLOW_HEADERS                                                                          \
    "Access-Control-Allow-Headers: Authorization, Origin, X-Requested-With, Content-Type, "    \
    "Accept, User-Agent\n"
#define ALLOW_ADMIN "Access-Control-Allow-Methods: OPTIONS, GET, POST\n"
#define ALLOW_API "Access-Control-Allow-Methods: GET, DELETE, POST, PUT, HEAD\n"
#define TEXT_HEADER "Content-Type: text/plain; charset=UTF-8\n"
#define PAGE(status)                                                                           \
    "<html>\r\n<head><title>" status "</title></head>\r\n<body>\r\n<center><h1>" status        \
    "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
#define TIMEOUT_TAIL "\r\nPlease try again in a short while!"

static const char *const cors_lines[] = {ALLOW_ORIGIN, ALLOW_HEADERS, ALLOW_ADMIN};

/* How each result of a fetch but an activation is written. */
static const struct {
    const char *type, *member, *text;
} fetch_errors[] = {
    [FETCHED_NOTHING] = {"NoActivationMessage", "noActivationMessage",
                         "no activation message exist"},
    [FETCHED_NO_QUEUE] = {"NoMemoryQueue", "noMemoryQueue", "no memory queue exist"},
    [FETCHED_MISMATCH] = {"ActionMismatch", "actionMisMatch", "action version does not match"},
};

/* ---- written ---- */

static void write_http_reply(const struct arena *arena, const struct message *m,
                             struct wire_http *out)
{
    static const char *const types[] = {"", TEXT_HEADER, WIRE_JSON_HEADER};
    ASSERT_OP(m->u.http_reply.content, <, COUNT(types));
    out->status = m->u.http_reply.status;
    wire_buffer_text(&out->headers, types[m->u.http_reply.content]);
    for (size_t i = 0; m->u.http_reply.cors && i < COUNT(cors_lines); i++)
        wire_buffer_text(&out->headers, cors_lines[i]);
    wire_buffer_blob(&out->headers, arena, m->u.http_reply.headers);
    wire_buffer_blob(&out->body, arena, m->u.http_reply.body);
}

enum reply_form { FORM_ID, FORM_RECORD, FORM_ERROR, FORM_TEXT, FORM_PAGE };

static enum reply_form reply_form(const struct message *m)
{
    uint16_t status = m->u.invoke_reply.status;
    if (status == 202)
        return FORM_ID;
    switch (m->u.invoke_reply.error) {
    case ERROR_NO_UPSTREAM:
    case ERROR_UPSTREAM_TIMEOUT:
    case ERROR_CONNECTION_BROKEN: /* the edge's, to the last controller that it tried */
    case ERROR_CONNECTION_REFUSED:
        return FORM_PAGE;
    case ERROR_REQUEST_TIMEOUT:
        return FORM_TEXT;
    case ERROR_SEND_FAILED:
        return FORM_ERROR;
    default: /* by the status */
        return status == 200 || status == 500 || status == 502 ? FORM_RECORD : FORM_ERROR;
    }
}

static void write_record(const struct message *m, const char *id, struct wire_buffer *body)
{
    uint8_t error = m->u.invoke_reply.error, response = m->u.invoke_reply.response;
    WIRE_ADD(body, "{\"activationId\":\"");
    wire_buffer_add(body, id, 32);
    WIRE_ADD(body, "\",\"annotations\":[],\"logs\":[],\"publish\":false,\"response\":"
                   "{\"result\":{");
    if (error != ERROR_NONE) {
        WIRE_ADD(body, "\"error\":");
        wire_write_name(body, error_text_to_string(error));
    }
    WIRE_ADD(body, "},\"status\":");
    wire_write_name(body, response_to_string(response));
    wire_buffer_text(body, response == RESPONSE_SUCCESS ? ",\"success\":true}"
                                                        : ",\"success\":false}");
    WIRE_ADD(body, ",\"version\":\"0.0.1\"}");
}

static void write_invoke_headers(enum reply_form form, const char *id,
                                 struct wire_buffer *headers)
{
    if (form == FORM_PAGE) {
        WIRE_ADD(headers, "Content-Type: text/html\n");
        return;
    }
    if (form == FORM_TEXT) {
        WIRE_ADD(headers, TEXT_HEADER);
        return;
    }
    WIRE_ADD(headers, WIRE_JSON_HEADER ALLOW_ORIGIN ALLOW_HEADERS ALLOW_API);
    if (form == FORM_ERROR)
        return;
    WIRE_ADD(headers, "x-openwhisk-activation-id: ");
    wire_buffer_add(headers, id, 32);
    WIRE_ADD(headers, "\n");
}

static void write_invoke_reply(const struct wire *self, const struct message *m,
                               struct wire_http *out)
{
    const char *error = error_text_to_string(m->u.invoke_reply.error);
    enum reply_form form = reply_form(m);
    char id[33];
    ASSERT_OP(m->u.invoke_reply.status, >=, 200);
    cluster_activation_text(self->draws, m->u.invoke_reply.id, id);
    out->status = m->u.invoke_reply.status;
    write_invoke_headers(form, id, &out->headers);
    switch (form) {
    case FORM_ID:
        WIRE_ADD(&out->body, "{\"activationId\":\"");
        wire_buffer_add(&out->body, id, 32);
        WIRE_ADD(&out->body, "\"}");
        break;
    case FORM_RECORD:
        write_record(m, id, &out->body);
        break;
    case FORM_ERROR:
        WIRE_ADD(&out->body, "{\"code\":\"");
        wire_buffer_add(&out->body, id, 32);
        WIRE_ADD(&out->body, "\",\"error\":");
        wire_write_name(&out->body, error);
        WIRE_ADD(&out->body, "}");
        break;
    case FORM_TEXT:
        wire_buffer_text(&out->body, error);
        WIRE_ADD(&out->body, TIMEOUT_TAIL);
        break;
    case FORM_PAGE:
        wire_buffer_text(&out->body, out->status == 504 ? PAGE("504 Gateway Time-out")
                                                        : PAGE("502 Bad Gateway"));
        break;
    }
}

static void write_fetched(const struct wire *self, const struct message *m,
                          struct wire_buffer *body)
{
    uint8_t result = m->u.fetched.result;
    ASSERT_OP(result, <=, FETCHED_MISMATCH);
    WIRE_ADD(body, "{\"message\":");
    if (result == FETCHED_ACTIVATION)
        wire_activation_write(self, &m->u.fetched.activation, body);
    else
        wire_buffer_print(body, "{\"%s\":\"%s\",\"type\":\"%s\"}", fetch_errors[result].member,
                          fetch_errors[result].text, fetch_errors[result].type);
    WIRE_ADD(body, "}");
}

void wire_http_write_reply(const struct wire *self, const struct arena *arena,
                           const struct message *m, struct wire_http *out)
{
    struct wire_sender sender = {m->from, m->from_actor, m->cause};
    wire_http_clear(out);
    out->status = 200;
    switch ((enum message_kind)m->kind) {
    case MSG_HTTP_REPLY:
        write_http_reply(arena, m, out);
        break;
    case MSG_INVOKE_REPLY: /* who answered, even if it goes through the edge */
        if (m->u.invoke_reply.controller < self->cluster->node_count)
            sender.node = m->u.invoke_reply.controller;
        write_invoke_reply(self, m, out);
        break;
    case MSG_FETCHED:
        WIRE_ADD(&out->headers, WIRE_JSON_HEADER);
        write_fetched(self, m, &out->body);
        break;
    case MSG_RESCHEDULED:
        WIRE_ADD(&out->headers, WIRE_JSON_HEADER);
        wire_buffer_text(&out->body, m->u.rescheduled.ok ? "{\"isRescheduled\":true}"
                                                         : "{\"isRescheduled\":false}");
        break;
    case MSG_QUEUE_CREATED:
        WIRE_ADD(&out->headers, WIRE_JSON_HEADER);
        wire_buffer_text(&out->body, m->u.queue_created.success ? "{\"success\":true}"
                                                                : "{\"success\":false}");
        break;
    default: /* a caller's mistake: nothing else is answered over HTTP */
        ASSERT_OP(m->kind, ==, MSG_HTTP_REPLY);
        break;
    }
    wire_sender_write(self, &sender, &out->headers);
}

/* ---- read: administration ---- */

/* What the carrier adds, or the struct says in another way. */
static bool is_line_kept(struct wire_text line, bool has_cors, bool has_type)
{
    static const char *const dropped[] = {"Content-Length", "Date",         "Connection",
                                          "Keep-Alive",     "X-Request-ID", "Transfer-Encoding",
                                          "X-Rollcage"};
    for (size_t i = 0; i < COUNT(dropped); i++) {
        if (wire_line_is(line, dropped[i]))
            return false;
    }
    if (has_type && wire_line_is(line, "Content-Type"))
        return false;
    return !has_cors || !(wire_line_is(line, "Access-Control-Allow-Origin") ||
                          wire_line_is(line, "Access-Control-Allow-Headers") ||
                          wire_line_is(line, "Access-Control-Allow-Methods"));
}

static bool has_cors_lines(struct wire_text headers)
{
    for (size_t i = 0; i < COUNT(cors_lines); i++) {
        const char *line = cors_lines[i], *colon = strchr(line, ':');
        char name[64];
        size_t length = (size_t)(colon - line);
        ASSERT_OP(length, <, sizeof name);
        memcpy(name, line, length);
        name[length] = '\0';
        struct wire_text value = wire_header(headers, name);
        size_t expected = strlen(colon + 2) - 1; /* without the line's end */
        if (value.length != expected || memcmp(value.bytes, colon + 2, expected) != 0)
            return false;
    }
    return true;
}

static uint8_t read_content(struct wire_text headers)
{
    struct wire_text type = wire_header(headers, "Content-Type");
    if (wire_text_is_caseless(type, "application/json"))
        return CONTENT_JSON;
    return wire_text_is_caseless(type, "text/plain; charset=UTF-8") ? CONTENT_TEXT
                                                                    : CONTENT_NONE;
}

static void read_http_reply(struct arena *arena, const struct wire_http_in *in,
                            struct message *m)
{
    struct wire_text rest = in->headers, line;
    struct wire_buffer kept = {0};
    bool has_cors = has_cors_lines(in->headers);
    m->u.http_reply.status = in->status;
    m->u.http_reply.content = read_content(in->headers);
    m->u.http_reply.cors = has_cors;
    while (wire_line_next(&rest, &line)) {
        if (line.length == 0 ||
            !is_line_kept(line, has_cors, m->u.http_reply.content != CONTENT_NONE))
            continue;
        wire_buffer_add(&kept, line.bytes, line.length);
        WIRE_ADD(&kept, "\n");
    }
    if (kept.length > 0)
        m->u.http_reply.headers = blob_new(arena, ARENA_MESSAGE, kept.bytes, kept.length);
    wire_buffer_free(&kept);
    if (in->body.length > 0)
        m->u.http_reply.body = blob_new(arena, ARENA_MESSAGE, in->body.bytes, in->body.length);
}

/* ---- read: invocations ---- */

/* A counted limit is printed behind some texts. */
static enum error_text read_error(struct json_in value)
{
    struct wire_json_text text;
    if (!wire_json_text(value, &text))
        return ERROR_NONE;
    enum error_text error = wire_find_error(text.text);
    if (error < ERROR_TEXT_COUNT)
        return error;
    return wire_text_begins(text.text, error_text_to_string(ERROR_TOO_MANY_PER_MINUTE))
               ? ERROR_TOO_MANY_PER_MINUTE
               : ERROR_NONE;
}

static bool read_record(struct json_in record, struct message *m)
{
    static const char *const names[] = {"result", "status"};
    struct json_in members[COUNT(names)], error;
    unsigned response = 0;
    json_in_members(record, names, COUNT(names), members);
    while (response < RESPONSE_COUNT && !wire_json_is(members[1], response_to_string(response)))
        response++;
    if (response == RESPONSE_COUNT)
        return false;
    m->u.invoke_reply.response = (uint8_t)response;
    if (!json_in_member(members[0], "error", &error))
        return true;
    m->u.invoke_reply.error = (uint8_t)read_error(error);
    if (m->u.invoke_reply.error == ERROR_NONE && response == RESPONSE_APPLICATION_ERROR)
        m->u.invoke_reply.error = ERROR_ACTION_ERROR; /* whatever the action says */
    return true;
}

static bool read_invoke_json(const struct wire_http_in *in, struct message *m)
{
    static const char *const names[] = {"activationId", "response", "error"};
    struct json_in members[COUNT(names)];
    struct json_in body = json_in_parse(in->body.bytes, in->body.length);
    json_in_members(body, names, COUNT(names), members);
    if (wire_json_has(members[1]))
        return in->status != 202 && read_record(members[1], m);
    if (in->status == 202) {
        m->u.invoke_reply.response = RESPONSE_SUCCESS;
        return members[0].kind == JSON_STRING;
    }
    m->u.invoke_reply.response = RESPONSE_WHISK_ERROR;
    m->u.invoke_reply.error = (uint8_t)read_error(members[2]);
    return members[2].kind == JSON_STRING && in->status >= 300;
}

bool wire_http_read_activation(const struct wire_http_in *in, struct wire_activation *ret)
{
    static const char *const names[] = {"activationId", "response"};
    struct json_in members[COUNT(names)];
    struct json_in body = json_in_parse(in->body.bytes, in->body.length);
    struct wire_json_text text;
    struct message m = {.kind = MSG_INVOKE_REPLY};
    json_in_members(body, names, COUNT(names), members);
    *ret = (struct wire_activation){0};
    if (!wire_json_text(members[0], &text) || text.text.length != sizeof ret->id - 1)
        return false;
    for (size_t i = 0; i < text.text.length; i++) {
        if (strchr("0123456789abcdef", text.text.bytes[i]) == NULL)
            return false; /* it goes into a path */
    }
    memcpy(ret->id, text.text.bytes, text.text.length);
    ret->has_record = wire_json_has(members[1]) && read_record(members[1], &m);
    ret->response = m.u.invoke_reply.response;
    ret->error = m.u.invoke_reply.error;
    return true;
}

/* A page, or plain text: not the controller's routes. */
static bool read_invoke_text(const struct wire_http_in *in, struct message *m)
{
    struct wire_text type = wire_header(in->headers, "Content-Type");
    const char *timeout = error_text_to_string(ERROR_REQUEST_TIMEOUT);
    m->u.invoke_reply.response = RESPONSE_WHISK_ERROR;
    if (in->status < 300)
        return false;
    if (wire_text_begins(type, "text/html")) {
        if (in->status == 502)
            m->u.invoke_reply.error = ERROR_NO_UPSTREAM;
        else if (in->status == 504)
            m->u.invoke_reply.error = ERROR_UPSTREAM_TIMEOUT;
        return true;
    }
    if (!wire_text_begins(type, "text/plain"))
        return false;
    if (wire_text_begins(in->body, timeout))
        m->u.invoke_reply.error = ERROR_REQUEST_TIMEOUT;
    else if (wire_text_begins(in->body, error_text_to_string(ERROR_SEND_FAILED)))
        m->u.invoke_reply.error = ERROR_SEND_FAILED;
    return true;
}

static void read_invoke_reply(const struct wire *self, const struct message *request,
                              const struct wire_http_in *in, struct message *m)
{
    struct wire_sender sender;
    node_id controller = NODE_NONE;
    if (wire_sender_read(self, in->headers, &sender) &&
        cluster_kind(self->cluster, sender.node) == NODE_CONTROLLER)
        controller = sender.node;
    m->u.invoke_reply.status = in->status;
    bool is_read = in->status >= 200 && (read_invoke_json(in, m) || read_invoke_text(in, m));
    if (!is_read && self->auths != NULL && in->status >= 300) { /* a page of whoever's */
        m->u.invoke_reply.response = RESPONSE_WHISK_ERROR;
        m->u.invoke_reply.error = ERROR_NONE;
    } else if (!is_read) {
        m->u.invoke_reply.status = 0;
        m->u.invoke_reply.response = RESPONSE_WHISK_ERROR;
        m->u.invoke_reply.error = ERROR_CONNECTION_BROKEN;
    }
    m->u.invoke_reply.id = request->u.invoke.id;
    m->u.invoke_reply.controller = controller;
}

/* ---- read: the rest ---- */

static void read_fetched(const struct wire *self, struct json_in body, struct message *m)
{
    struct json_in message, type;
    m->u.fetched.result = FETCHED_NOTHING;
    if (!json_in_member(body, "message", &message))
        return;
    if (!json_in_member(message, "type", &type)) {
        if (wire_read_activation(self, message, &m->u.fetched.activation))
            m->u.fetched.result = FETCHED_ACTIVATION;
        return;
    }
    for (unsigned result = FETCHED_NOTHING; result < COUNT(fetch_errors); result++) {
        if (wire_json_is(type, fetch_errors[result].type))
            m->u.fetched.result = (uint8_t)result;
    }
}

static bool read_true(struct json_in body, const char *name)
{
    struct json_in value;
    return json_in_member(body, name, &value) && value.kind == JSON_TRUE;
}

static void read_call_reply(const struct wire *self, const struct message *request,
                            const struct wire_http_in *in, struct message *m)
{
    struct json_in body = {.kind = JSON_INVALID};
    if (in->status == 200)
        body = json_in_parse(in->body.bytes, in->body.length);
    if (request->kind == MSG_FETCH) {
        m->kind = MSG_FETCHED;
        read_fetched(self, body, m);
    } else if (request->kind == MSG_RESCHEDULE) {
        m->kind = MSG_RESCHEDULED;
        m->u.rescheduled.id = request->u.activation.id;
        m->u.rescheduled.ok = read_true(body, "isRescheduled");
    } else {
        ASSERT_OP(request->kind, ==, MSG_CREATE_QUEUE); /* a forward has no answer */
        m->kind = MSG_QUEUE_CREATED;
        m->u.queue_created = request->u.create_queue;
        m->u.queue_created.success = read_true(body, "success");
    }
}

void wire_http_read_reply(const struct wire *self, struct arena *arena,
                          const struct message *request, const struct wire_http_in *in,
                          struct message *ret_m)
{
    struct message m = {.from = request->to,
                        .from_actor = request->to_actor,
                        .to = request->from,
                        .to_actor = request->from_actor,
                        .corr = request->corr};
    struct wire_sender sender;
    if (wire_sender_read(self, in->headers, &sender))
        m.cause = sender.cause;
    if (request->kind == MSG_HTTP_REQUEST) {
        m.kind = MSG_HTTP_REPLY;
        read_http_reply(arena, in, &m);
    } else if (request->kind == MSG_INVOKE) {
        m.kind = MSG_INVOKE_REPLY;
        read_invoke_reply(self, request, in, &m);
    } else {
        read_call_reply(self, request, in, &m);
    }
    *ret_m = m;
}
