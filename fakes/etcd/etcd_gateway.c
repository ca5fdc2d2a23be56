/*
 * etcd_gateway.c - paths, askers, answers; see etcd_gateway.h.
 */
#include "etcd/etcd_gateway_internal.h"
#include <string.h>

/* The server's own handler puts them in front of everything (embed/serve.go). */
#define CORS                                                                                   \
    "Access-Control-Allow-Headers: accept, content-type, authorization\n"                      \
    "Access-Control-Allow-Methods: POST, GET, OPTIONS, PUT, DELETE\n"                          \
    "Access-Control-Allow-Origin: *\n"
#define FROM_GRPC "Grpc-Metadata-Content-Type: application/grpc\n"
#define NO_SNIFFING "X-Content-Type-Options: nosniff\n"

struct route { /* of POSTs */
    const char *path;
    const struct gateway_message *message; /* arguments; NULL: a stream reads them itself */
    gateway_unary *unary;                  /* neither: a call that is not served */
    void (*stream)(struct gateway_context *c);
};

#define UNARY(path, message, function)                                                         \
    {                                                                                          \
        "/v3/" path, &gateway_##message##_message, gateway_on_##function, NULL                 \
    }
#define STREAM(path, function)                                                                 \
    {                                                                                          \
        "/v3/" path, NULL, NULL, gateway_on_##function                                         \
    }
#define UNSERVED(path)                                                                         \
    {                                                                                          \
        "/v3/" path, NULL, NULL, NULL                                                          \
    }
static const struct route routes[] = {
    UNARY("kv/range", range, range),
    UNARY("kv/put", put, put),
    UNARY("kv/deleterange", delete, delete),
    UNARY("kv/txn", txn, txn),
    UNARY("kv/compaction", compaction, compaction),
    STREAM("watch", watch),
    UNARY("lease/grant", grant, grant),
    UNARY("lease/revoke", lease, revoke),
    UNARY("kv/lease/revoke", lease, revoke),
    STREAM("lease/keepalive", keepalive),
    UNARY("lease/timetolive", ttl, ttl),
    UNARY("kv/lease/timetolive", ttl, ttl),
    UNARY("lease/leases", empty, leases),
    UNARY("kv/lease/leases", empty, leases),
    UNARY("maintenance/status", empty, status),
    UNARY("maintenance/alarm", alarm, alarm),
    UNARY("maintenance/hash", empty, hash),
    UNARY("cluster/member/list", empty, members),
    UNARY("auth/authenticate", empty, authenticate),
    UNSERVED("maintenance/defragment"),
    UNSERVED("maintenance/snapshot"),
    UNSERVED("maintenance/transfer-leadership"),
    UNSERVED("cluster/member/add"),
    UNSERVED("cluster/member/remove"),
    UNSERVED("cluster/member/update"),
    UNSERVED("cluster/member/promote"),
    UNSERVED("auth/enable"),
    UNSERVED("auth/disable"),
    UNSERVED("auth/user/add"),
    UNSERVED("auth/user/get"),
    UNSERVED("auth/user/list"),
    UNSERVED("auth/user/delete"),
    UNSERVED("auth/user/changepw"),
    UNSERVED("auth/user/grant"),
    UNSERVED("auth/user/revoke"),
    UNSERVED("auth/role/add"),
    UNSERVED("auth/role/get"),
    UNSERVED("auth/role/list"),
    UNSERVED("auth/role/delete"),
    UNSERVED("auth/role/grant"),
    UNSERVED("auth/role/revoke"),
    UNSERVED("election/campaign"),
    UNSERVED("election/proclaim"),
    UNSERVED("election/leader"),
    UNSERVED("election/observe"),
    UNSERVED("election/resign"),
    UNSERVED("lock/lock"),
    UNSERVED("lock/unlock"),
};

static struct message *reply_begin(const struct message *request, const struct machine_env *env,
                                   struct effects *fx, unsigned status,
                                   enum content_type content, const char *headers)
{
    struct message *reply = effects_reply(fx, request, MSG_HTTP_REPLY);
    reply->u.http_reply.status = (uint16_t)status;
    reply->u.http_reply.content = (uint8_t)content;
    reply->u.http_reply.headers = blob_new(env->arena, ARENA_MESSAGE, headers, strlen(headers));
    return reply;
}

struct message *gateway_reply_head(const struct message *request, const struct etcd *etcd,
                                   struct effects *fx)
{
    return reply_begin(request, etcd->env, fx, 200, CONTENT_JSON, CORS FROM_GRPC);
}

static void answer(struct gateway_context *c, unsigned status, enum content_type content,
                   const char *headers)
{
    struct message *reply =
        reply_begin(c->request, c->etcd->env, c->fx, status, content, headers);
    reply->u.http_reply.body = gateway_out_finish(&c->out);
}

/* net/http's Error. */
static void answer_text(struct gateway_context *c, unsigned status, const char *headers,
                        const char *text)
{
    gateway_out_add(&c->out, text);
    gateway_out_add(&c->out, "\n");
    answer(c, status, CONTENT_TEXT, headers);
}

static void answer_error(struct gateway_context *c)
{
    gateway_out_clear(&c->out);
    gateway_print_error(&c->out, &c->error);
    answer(c, gateway_http_status(c->error.code), CONTENT_JSON, CORS);
}

/* Not of the server but of the gateway in front of it: an error without a code. */
void gateway_stream_failed(struct gateway_context *c)
{
    c->error.code = CODE_UNKNOWN;
    answer_error(c);
}

static void run_unary(struct gateway_context *c, const struct route *route)
{
    struct gateway_body body = {c->body, 0};
    struct etcd_text value;
    void *message = gateway_alloc(&c->memory, route->message->size);
    enum gateway_next next = gateway_body_next(&body, &value, &c->error);
    c->error.code = CODE_INVALID;
    if (next == GATEWAY_BAD ||
        (next == GATEWAY_VALUE &&
         !gateway_message_read(route->message, value, &c->memory, message, &c->error)) ||
        !route->unary(c, message))
        answer_error(c);
    else
        answer(c, 200, CONTENT_JSON, CORS FROM_GRPC);
}

static void run_route(struct gateway_context *c, const struct route *route)
{
    if (route->unary != NULL) {
        run_unary(c, route);
    } else if (route->stream != NULL) {
        route->stream(c);
    } else {
        c->error.code = CODE_UNIMPLEMENTED;
        (void)GATEWAY_FAIL(&c->error, "%s is not served", route->path);
        answer_error(c);
    }
}

static void on_gateway_path(struct gateway_context *c, const char *path)
{
    bool is_post = c->request->u.http_request.method == HTTP_POST;
    for (uint32_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (strcmp(routes[i].path, path) != 0)
            continue;
        if (is_post)
            run_route(c, &routes[i]);
        else
            answer_text(c, 405, CORS NO_SNIFFING, "Method Not Allowed");
        return;
    }
    answer_text(c, 404, CORS NO_SNIFFING, "Not Found");
}

static void on_plain_path(struct gateway_context *c, const char *path)
{
    bool is_version = strcmp(path, "/version") == 0, is_health = strcmp(path, "/health") == 0;
    if ((is_version || is_health) && c->request->u.http_request.method != HTTP_GET) {
        answer_text(c, 405, CORS NO_SNIFFING "Allow: GET\n", "Method Not Allowed");
    } else if (is_version) {
        gateway_print_version(&c->out);
        answer(c, 200, CONTENT_JSON, CORS);
    } else if (is_health) {
        gateway_out_add(&c->out, "{\"health\":\"true\"}");
        answer(c, 200, CONTENT_TEXT, CORS);
    } else if (strcmp(path, "/metrics") == 0) {
        gateway_print_metrics(&c->out, c->etcd);
        answer(c, 200, CONTENT_TEXT, CORS);
    } else {
        answer_text(c, 404, CORS NO_SNIFFING, "404 page not found");
    }
}

/* Without its query, and with the former name of the version as the present one. */
static char *path_of(struct gateway_context *c)
{
    static const char beta[] = "/v3beta/";
    blob path = c->request->u.http_request.path;
    const char *bytes = blob_bytes(c->etcd->env->arena, path);
    size_t length = strcspn(bytes, "?"), cut = sizeof beta - 1;
    char *text = gateway_alloc(&c->memory, length + 1);
    if (strncmp(bytes, beta, cut) != 0) {
        memcpy(text, bytes, length);
        return text;
    }
    memcpy(text, "/v3/", 4);
    memcpy(text + 4, bytes + cut, length - cut);
    return text;
}

void etcd_gateway_request(struct etcd *self, const struct message *m, struct effects *fx)
{
    const struct machine_env *env = self->env;
    blob body = m->u.http_request.body;
    struct gateway_context c = {
        .etcd = self,
        .fx = fx,
        .request = m,
        .body = {blob_bytes(env->arena, body), (uint32_t)blob_size(env->arena, body)},
        .memory = {.env = env},
        .out = {.env = env},
    };
    const char *path = path_of(&c);
    if (m->u.http_request.method == HTTP_OPTIONS)
        answer(&c, 200, CONTENT_NONE, CORS);
    else if (strncmp(path, "/v3/", 4) == 0)
        on_gateway_path(&c, path);
    else
        on_plain_path(&c, path);
    gateway_out_free(&c.out);
    gateway_memory_free(&c.memory);
}

static bool is_asker(const struct message *request, const struct message *m)
{
    return request->from == m->from && request->from_actor == m->from_actor &&
           request->corr == m->corr;
}

/* Those of the asker of `m`, or of the whole node when it is NULL. */
static void gateway_close(struct etcd *self, const struct message *m, node_id node)
{
    struct etcd_gateway *gateway = &self->gateway;
    uint32_t kept = 0;
    for (uint32_t i = gateway->stream_count; i > 0; i--) {
        const struct message *request = &gateway->streams[i - 1]->request;
        if (m != NULL ? is_asker(request, m) : request->from == node)
            gateway_stream_close(self, i - 1);
    }
    for (uint32_t i = 0; i < gateway->call_count; i++) {
        struct gateway_call *call = gateway->calls[i];
        if (m != NULL ? is_asker(&call->request, m) : call->request.from == node)
            gateway_call_free(self->env, call);
        else
            gateway->calls[kept++] = call;
    }
    gateway->call_count = kept;
}

void etcd_gateway_closed(struct etcd *self, const struct message *m)
{
    gateway_close(self, m, NODE_NONE);
}

void etcd_gateway_link_down(struct etcd *self, node_id peer)
{
    gateway_close(self, NULL, peer);
}

/* Nothing when nobody speaks HTTP with it, as in simulated runs. */
void etcd_gateway_digest(const struct etcd *self, struct digest *d)
{
    const struct etcd_gateway *gateway = &self->gateway;
    for (uint32_t i = 0; i < gateway->stream_count; i++) {
        const struct gateway_stream *stream = gateway->streams[i];
        digest_two(d, (uint64_t)stream->request.from << 32 | stream->request.from_actor,
                   stream->request.corr);
        digest_two(d, (uint64_t)stream->number << 1 | stream->has_begun,
                   (uint64_t)stream->next_id);
        digest_word(d, stream->timer.at);
    }
    for (uint32_t i = 0; i < gateway->call_count; i++) {
        const struct gateway_call *call = gateway->calls[i];
        digest_two(d, (uint64_t)call->request.from << 32 | call->request.from_actor,
                   call->request.corr);
        for (uint32_t n = call->next; n < call->count; n++)
            digest_two(d, call->leases[n], call->lines.length);
    }
}
