/*
 * edge_call.c - one request: passed to a server, or to the next, or answered by nginx itself.
 *
 * Source: nginx 1.22.1 ngx_http_upstream_next with the default `proxy_next_upstream error
 * timeout`: a POST that was sent is not passed on. Bodies are those of nginx's error pages
 * (server_tokens off).
 */
#include "core/assert.h"
#include "edge/edge_internal.h"

#define REQUEST_ID_LENGTH 32u
#define ERROR_PAGE(status)                                                                     \
    "<html>\r\n<head><title>" status "</title></head>\r\n<body>\r\n<center><h1>" status        \
    "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"

static void call_pass(struct edge *self, struct edge_call *call, struct effects *fx,
                      enum error_text last_error);

/* ---- the table of calls ---- */

static struct edge_call *call_open(struct edge *self, const struct message *m)
{
    struct edge_call *call = slab_open(&self->calls);
    call->timer.kind = EDGE_TIMER_READ;
    call->timer.actor = ACTOR_MAIN_ID;
    call->timer.arg = call->item.slot;
    call->request = *m;
    return call;
}

static void call_close(struct edge *self, struct edge_call *call)
{
    blob *blobs[3];
    ASSERT(edge_set_has(&call->tried, call->controller) || !timer_is_armed(&call->timer));
    for (unsigned n = message_blobs(&call->request, blobs); n > 0; n--)
        blob_free(self->env->arena, *blobs[n - 1]);
    timers_cancel(&self->timers, &call->timer);
    slab_close(&self->calls, call);
}

/* ---- answers of nginx's own ---- */

static void answer_page(struct edge *self, const struct message *request, struct effects *fx,
                        uint16_t status, const char *page)
{
    static const char header[] = "Content-Type: text/html\n";
    struct arena *arena = self->env->arena;
    struct message *m = effects_reply(fx, request, MSG_HTTP_REPLY);
    m->u.http_reply.status = status;
    m->u.http_reply.content = CONTENT_NONE;
    m->u.http_reply.headers = blob_new(arena, ARENA_MESSAGE, header, sizeof header - 1);
    m->u.http_reply.body = blob_new(arena, ARENA_MESSAGE, page, strlen(page));
}

static void call_answer(struct edge *self, struct edge_call *call, struct effects *fx,
                        uint16_t status, enum error_text error)
{
    const struct message *request = &call->request;
    if (request->kind == MSG_INVOKE) {
        struct message *m = effects_reply(fx, request, MSG_INVOKE_REPLY);
        m->u.invoke_reply.id = request->u.invoke.id;
        m->u.invoke_reply.status = status;
        m->u.invoke_reply.response = RESPONSE_WHISK_ERROR;
        m->u.invoke_reply.error = (uint8_t)error;
        m->u.invoke_reply.controller = NODE_NONE;
    } else {
        answer_page(self, request, fx, status,
                    status == 504 ? ERROR_PAGE("504 Gateway Time-out")
                                  : ERROR_PAGE("502 Bad Gateway"));
    }
    call_close(self, call);
}

/* ---- passing on ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_request_id(const char *line, size_t length)
{
    static const char name[] = "x-request-id:";
    size_t i = 0;
    while (i < sizeof name - 1 && i < length && lower(line[i]) == name[i])
        i++;
    return i == sizeof name - 1;
}

/* The client's headers with nginx's own request id in place of any (nginx.conf.j2:83-88). */
static blob pass_headers(struct edge *self, const struct message *request)
{
    static const char hex[] = "0123456789abcdef", name[] = "X-Request-ID: ";
    struct arena *arena = self->env->arena;
    size_t size = blob_size(arena, request->u.http_request.headers), length = 0;
    size_t more = sizeof name - 1 + REQUEST_ID_LENGTH + 1;
    blob out = blob_new(arena, ARENA_MESSAGE, NULL, size + 1 + more);
    char *text = blob_bytes_mutable(arena, out);
    const char *at = blob_bytes(arena, request->u.http_request.headers), *end = at + size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line = newline == NULL ? (size_t)(end - at) : (size_t)(newline - at);
        if (!is_request_id(at, line)) {
            memcpy(text + length, at, line);
            text[length + line] = '\n';
            length += line + 1;
        }
        at += line + 1;
    }
    memcpy(text + length, name, sizeof name - 1);
    length += sizeof name - 1;
    uint64_t entity = draw_mix((uint64_t)self->env->node << 32 | request->corr,
                               (uint64_t)request->from << 32 | request->from_actor);
    for (uint32_t i = 0; i < REQUEST_ID_LENGTH; i++)
        text[length++] =
            hex[draw_below(self->env->draws, PURPOSE_TRANSACTION_TEXT, entity, i, 16)];
    text[length++] = '\n';
    blob exact = blob_new(arena, ARENA_MESSAGE, text, length);
    blob_free(arena, out);
    return exact;
}

static void call_send(struct edge *self, struct edge_call *call, struct effects *fx)
{
    struct message *request = &call->request;
    struct arena *arena = self->env->arena;
    node_id controller = edge_controller(self, call->controller);
    ASSERT(controller != NODE_NONE);
    ASSERT(call->item.is_open);
    if (request->kind == MSG_INVOKE) {
        struct record *r = effects_record(fx, RECORD_EDGE_PASSED, ACTOR_MAIN_ID);
        r->activation = request->u.invoke.id;
        r->peer = controller;
        request->cause = fx->cause; /* what becomes of it goes on from here */
    }
    struct message *m = effects_send(fx, (enum message_kind)request->kind, ACTOR_MAIN_ID,
                                     controller, ACTOR_MAIN_ID);
    m->corr = slab_number(call);
    m->u = request->u;
    if (request->kind == MSG_HTTP_REQUEST) {
        m->u.http_request.path = blob_copy(arena, ARENA_MESSAGE, request->u.http_request.path);
        m->u.http_request.body = blob_copy(arena, ARENA_MESSAGE, request->u.http_request.body);
        m->u.http_request.headers = pass_headers(self, request);
    }
    timers_arm(&self->timers, fx, &call->timer, edge_config(self)->read_timeout, true);
}

/* To the next server; last_error: what the former attempt ended with. */
static void call_pass(struct edge *self, struct edge_call *call, struct effects *fx,
                      enum error_text last_error)
{
    uint32_t tried = 0;
    for (uint32_t i = 0; i < EDGE_CONTROLLERS_MAX / 64; i++)
        tried += (uint32_t)__builtin_popcountll(call->tried.words[i]);
    uint32_t index = EDGE_NONE;
    if (tried == 0 || tried < self->running_count) {
        index = edge_upstream_pick(self, &call->tried, fx->at);
        last_error = ERROR_NO_UPSTREAM;
    }
    if (index == EDGE_NONE) {
        call_answer(self, call, fx, last_error == ERROR_UPSTREAM_TIMEOUT ? 504 : 502,
                    last_error);
        return;
    }
    ASSERT(edge_set_has(&self->running, index));
    ASSERT(!edge_set_has(&call->tried, index));
    edge_set_put(&call->tried, index, true);
    call->controller = index;
    call_send(self, call, fx);
}

/* Answered by the edge itself, never passed on: denied, or (its own files, a redirection) not
 * found (nginx.conf.j2:141-163). */
static bool answer_own_path(struct edge *self, const struct message *m, struct effects *fx)
{
    static const char *const own[] = {"/cli", "/blackbox.tar.gz", "/ui"};
    static const char denied[] = "/metrics";
    const char *path = blob_bytes(self->env->arena, m->u.http_request.path);
    if (strncmp(path, denied, sizeof denied - 1) == 0) {
        answer_page(self, m, fx, 403, ERROR_PAGE("403 Forbidden"));
        return true;
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (strncmp(path, own[i], strlen(own[i])) == 0) {
            answer_page(self, m, fx, 404, ERROR_PAGE("404 Not Found"));
            return true;
        }
    }
    return false;
}

void edge_call_on_request(struct edge *self, const struct message *m, struct effects *fx)
{
    if (m->kind == MSG_HTTP_REQUEST && answer_own_path(self, m, fx))
        return;
    struct edge_call *call = call_open(self, m);
    blob *blobs[3];
    for (unsigned n = message_blobs(&call->request, blobs); n > 0; n--)
        *blobs[n - 1] = blob_copy(self->env->arena, self->env->node, *blobs[n - 1]);
    call_pass(self, call, fx, ERROR_NO_UPSTREAM);
}

void edge_call_on_reply(struct edge *self, const struct message *m, struct effects *fx)
{
    struct edge_call *call = slab_find(&self->calls, m->corr);
    if (call == NULL || edge_controller(self, call->controller) != m->from) {
        effects_reject(fx, ACTOR_MAIN_ID, m); /* nginx has answered in its place */
        return;
    }
    struct arena *arena = self->env->arena;
    struct message *reply = effects_reply(fx, &call->request, (enum message_kind)m->kind);
    reply->u = m->u;
    if (m->kind == MSG_HTTP_REPLY) {
        reply->u.http_reply.headers = blob_copy(arena, ARENA_MESSAGE, m->u.http_reply.headers);
        reply->u.http_reply.body = blob_copy(arena, ARENA_MESSAGE, m->u.http_reply.body);
    }
    edge_upstream_succeeded(self, call->controller);
    call_close(self, call);
}

void edge_call_on_refused(struct edge *self, const struct message *m, struct effects *fx)
{
    struct edge_call *call = slab_find(&self->calls, m->corr);
    if (call == NULL || edge_controller(self, call->controller) != m->from)
        return; /* its connection was found broken before */
    edge_upstream_failed(self, call->controller, fx->at);
    call_pass(self, call, fx, ERROR_CONNECTION_REFUSED);
}

/* The request had been sent. */
static void call_fail_sent(struct edge *self, struct edge_call *call, struct effects *fx,
                           uint16_t status, enum error_text error)
{
    const struct message *request = &call->request;
    bool is_post = request->kind == MSG_INVOKE || request->u.http_request.method == HTTP_POST ||
                   request->u.http_request.method == HTTP_PATCH;
    fx->cause = request->cause;
    edge_upstream_failed(self, call->controller, fx->at);
    if (is_post)
        call_answer(self, call, fx, status, error);
    else
        call_pass(self, call, fx, error);
}

void edge_call_on_timer(struct edge *self, struct timer *timer, struct effects *fx)
{
    struct edge_call *call = slab_at(&self->calls, timer->arg);
    ASSERT(call != NULL);
    call_fail_sent(self, call, fx, 504, ERROR_UPSTREAM_TIMEOUT);
}

void edge_call_on_link_down(struct edge *self, uint32_t index, struct effects *fx)
{
    for (uint32_t slot = 0; slot < slab_slots(&self->calls); slot++) {
        struct edge_call *call = slab_at(&self->calls, slot);
        if (call != NULL && call->controller == index)
            call_fail_sent(self, call, fx, 502, ERROR_CONNECTION_BROKEN);
    }
}
