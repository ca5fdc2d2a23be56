/*
 * wire_http_request.c - requests: invocations as upstream's clients send them, the calls that
 * are gRPC or remoting upstream as POSTs with the same members in JSON.
 *
 * Source: Actions.scala:244-330, activation.proto, ActivationServiceImpl.scala:36-110,
 * QueueManager.scala:51-66 at 1fae641a2.
 */
#include "core/actor.h"
#include "core/assert.h"
#include "wire/wire_http_internal.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define PATH_NAMESPACES "/api/v1/namespaces/"
#define PATH_ACTIONS "/actions/"
#define PATH_AKKA "/akka" /* in front of a remote message's path: its sender speaks Akka */
#define ACTOR_QUEUE_MANAGER_ID ACTOR(ACTOR_QUEUE_MANAGER, 0, 0)

static const char *const method_names[] = {"GET",     "POST", "PUT",  "DELETE",
                                           "OPTIONS", "HEAD", "PATCH"};

/* ---- written ---- */

/* "Authorization: Basic ..." of the namespace's subject. */
static void write_credentials(const struct wire *self, namespace_id ns,
                              struct wire_buffer *headers)
{
    if (self->auths != NULL) {
        const char *auth =
            ns < self->cluster->namespace_count ? self->auths[ns] : self->system_auth;
        if (auth == NULL)
            return;
        WIRE_ADD(headers, "Authorization: Basic ");
        wire_buffer_base64(headers, (struct wire_text){auth, strlen(auth)});
        WIRE_ADD(headers, "\n");
        return;
    }
    char pair[36 + 1 + 65];
    cluster_credentials(self->cluster, ns, pair, pair + 37);
    pair[36] = ':';
    WIRE_ADD(headers, "Authorization: Basic ");
    wire_buffer_base64(headers, (struct wire_text){pair, sizeof pair - 1});
    WIRE_ADD(headers, "\n");
}

static void write_invoke(const struct wire *self, const struct message *m,
                         struct wire_http *out)
{
    const char *name = cluster_action_name(self->cluster, m->u.invoke.action);
    const char *slash = strchr(name, '/');
    char id[33];
    ASSERT(slash != NULL);
    cluster_activation_text(self->draws, m->u.invoke.id, id);
    out->method = "POST";
    WIRE_ADD(&out->path, PATH_NAMESPACES);
    wire_buffer_add(&out->path, name, (size_t)(slash - name));
    WIRE_ADD(&out->path, PATH_ACTIONS);
    wire_buffer_text(&out->path, slash + 1);
    wire_buffer_text(&out->path, m->u.invoke.blocking ? "?blocking=true" : "?blocking=false");
    write_credentials(self, m->u.invoke.ns, &out->headers);
    WIRE_ADD(&out->headers, WIRE_JSON_HEADER);
    if (self->auths == NULL) {
        WIRE_ADD(&out->headers, WIRE_ACTIVATION_HEADER ": ");
        wire_buffer_add(&out->headers, id, 32);
        WIRE_ADD(&out->headers, "\n");
    }
    WIRE_ADD(&out->body, "{}");
}

static void write_post(struct wire_http *out, const char *path)
{
    out->method = "POST";
    wire_buffer_text(&out->path, path);
    WIRE_ADD(&out->headers, WIRE_JSON_HEADER);
}

/* Members `fqn`, `invocationNamespace`: of a queue. */
static void write_queue(const struct wire *self, action_id action, namespace_id ns,
                        struct wire_buffer *body)
{
    WIRE_ADD(body, "\"fqn\":");
    wire_write_action(self, action, body);
    WIRE_ADD(body, ",\"invocationNamespace\":");
    wire_write_name(body, cluster_namespace_name(self->cluster, ns));
}

static void write_fetch(const struct wire *self, const struct message *m, struct wire_http *out)
{
    struct wire_buffer *body = &out->body;
    write_post(out, "/fetch");
    wire_buffer_print(body, "{\"alive\":%s,\"containerId\":\"%08x\",",
                      m->u.fetch.alive ? "true" : "false", (unsigned)m->u.fetch.container);
    write_queue(self, m->u.fetch.action, m->u.fetch.ns, body);
    if (m->u.fetch.has_duration) {
        WIRE_ADD(body, ",\"lastDuration\":");
        wire_buffer_number(body, m->u.fetch.duration_ms);
    }
    WIRE_ADD(body, ",\"rev\":");
    wire_write_revision(m->u.fetch.revision, body);
    wire_buffer_text(body, m->u.fetch.warmed ? ",\"warmed\":true}" : ",\"warmed\":false}");
}

static void write_create_queue(const struct wire *self, const struct message *m,
                               struct wire_http *out)
{
    write_post(out, m->u.create_queue.akka ? PATH_AKKA "/create-queue" : "/create-queue");
    WIRE_ADD(&out->body, "{");
    write_queue(self, m->u.create_queue.action, m->u.create_queue.ns, &out->body);
    WIRE_ADD(&out->body, ",\"revision\":");
    wire_write_revision(m->u.create_queue.revision, &out->body);
    WIRE_ADD(&out->body, "}");
}

static void write_as_it_is(const struct arena *arena, const struct message *m,
                           struct wire_http *out)
{
    ASSERT_OP(m->u.http_request.method, <, COUNT(method_names));
    out->method = method_names[m->u.http_request.method];
    wire_buffer_blob(&out->path, arena, m->u.http_request.path);
    wire_buffer_blob(&out->headers, arena, m->u.http_request.headers);
    wire_buffer_blob(&out->body, arena, m->u.http_request.body);
}

void wire_http_write_request(const struct wire *self, const struct arena *arena,
                             const struct message *m, struct wire_http *out)
{
    struct wire_sender sender = {m->from, m->from_actor, m->cause};
    wire_http_clear(out);
    switch ((enum message_kind)m->kind) {
    case MSG_HTTP_REQUEST:
        write_as_it_is(arena, m, out);
        break;
    case MSG_INVOKE:
        write_invoke(self, m, out);
        break;
    case MSG_FETCH:
        write_fetch(self, m, out);
        break;
    case MSG_RESCHEDULE:
        write_post(out, "/reschedule");
        wire_activation_write(self, &m->u.activation, &out->body);
        break;
    case MSG_FORWARD:
        write_post(out, m->u.forward.akka ? PATH_AKKA "/forward" : "/forward");
        wire_activation_write(self, &m->u.activation, &out->body);
        break;
    case MSG_CREATE_QUEUE:
        write_create_queue(self, m, out);
        break;
    default: /* a caller's mistake */
        ASSERT_OP(wire_http_port((enum message_kind)m->kind), <, WIRE_PORT_COUNT);
        break;
    }
    if (self->auths == NULL)
        wire_sender_write(self, &sender, &out->headers);
}

void wire_http_write_record_request(const struct wire *self, namespace_id ns, const char *id,
                                    struct wire_http *out)
{
    wire_http_clear(out);
    out->method = "GET";
    WIRE_ADD(&out->path, PATH_NAMESPACES);
    wire_buffer_text(&out->path, cluster_namespace_name(self->cluster, ns));
    WIRE_ADD(&out->path, "/activations/");
    wire_buffer_text(&out->path, id);
    write_credentials(self, ns, &out->headers);
}

/* ---- read: invocations ---- */

static bool is_signed_by(const struct wire *self, namespace_id ns, struct wire_text headers)
{
    struct wire_text given = wire_header(headers, "Authorization");
    struct wire_buffer expected = {0};
    if (given.length < 6)
        return false;
    write_credentials(self, ns, &expected);
    struct wire_text line = {expected.bytes, expected.length - 1},
                     value = wire_line_value(line);
    bool is_same = wire_text_is_caseless((struct wire_text){given.bytes, 6}, "basic ") &&
                   given.length == value.length &&
                   memcmp(given.bytes + 6, value.bytes + 6, value.length - 6) == 0;
    wire_buffer_free(&expected);
    return is_same;
}

/* Nothing but `blocking`, if anything. */
static bool read_query(struct wire_text query, uint8_t *ret_blocking)
{
    *ret_blocking = wire_text_is(query, "?blocking=true");
    return *ret_blocking || query.length == 0 || wire_text_is(query, "?blocking=false");
}

/* NS/actions/NAME: an action of the namespace itself. */
static bool read_target(const struct wire *self, struct wire_text path, struct message *m)
{
    char name[2 * WIRE_NAME_MAX];
    size_t skip = sizeof PATH_ACTIONS - 1, ns_length = 0;
    while (ns_length < path.length && path.bytes[ns_length] != '/')
        ns_length++;
    struct wire_text ns = {path.bytes, ns_length};
    struct wire_text rest = {path.bytes + ns_length, path.length - ns_length};
    if (!wire_text_begins(rest, PATH_ACTIONS) || path.length > sizeof name)
        return false;
    memcpy(name, ns.bytes, ns.length);
    name[ns.length] = '/';
    memcpy(name + ns.length + 1, rest.bytes + skip, rest.length - skip);
    size_t length = ns.length + 1 + rest.length - skip;
    action_id action = wire_find_action(self, (struct wire_text){name, length});
    m->u.invoke.action = action;
    m->u.invoke.ns = action == ACTION_HEALTH_TEST
                         ? NAMESPACE_SYSTEM
                         : cluster_find_namespace(self->cluster, ns.bytes, ns.length);
    return action == ACTION_HEALTH_TEST ||
           (action < self->cluster->action_count &&
            self->cluster->actions[action].ns == m->u.invoke.ns);
}

static bool read_invoke(const struct wire *self, const struct wire_http_in *in,
                        struct message *m)
{
    struct wire_text id = wire_header(in->headers, WIRE_ACTIVATION_HEADER);
    struct wire_text path = in->path, query = {in->path.bytes + in->path.length, 0};
    size_t skip = sizeof PATH_NAMESPACES - 1;
    if (id.length == 0 || !wire_text_is(in->method, "POST") ||
        !(in->body.length == 0 || wire_text_is(in->body, "{}")) ||
        !wire_text_begins(path, PATH_NAMESPACES))
        return false;
    const char *mark = memchr(path.bytes, '?', path.length);
    if (mark != NULL) {
        query = (struct wire_text){mark, path.length - (size_t)(mark - path.bytes)};
        path.length -= query.length;
    }
    path = (struct wire_text){path.bytes + skip, path.length - skip};
    return cluster_activation_read(self->draws, id.bytes, id.length, &m->u.invoke.id) &&
           read_query(query, &m->u.invoke.blocking) && read_target(self, path, m) &&
           is_signed_by(self, m->u.invoke.ns, in->headers);
}

/* ---- read: the rest ---- */

/* All lines but the sender's, which is for the host alone. */
static blob headers_blob(struct arena *arena, struct wire_text headers)
{
    struct wire_text rest = headers, line;
    struct wire_buffer kept = {0};
    if (wire_header(headers, WIRE_SENDER_HEADER).length == 0)
        return headers.length == 0
                   ? 0
                   : blob_new(arena, ARENA_MESSAGE, headers.bytes, headers.length);
    while (wire_line_next(&rest, &line)) {
        if (wire_line_is(line, WIRE_SENDER_HEADER))
            continue;
        wire_buffer_add(&kept, line.bytes, line.length);
        WIRE_ADD(&kept, "\n");
    }
    blob b = kept.length == 0 ? 0 : blob_new(arena, ARENA_MESSAGE, kept.bytes, kept.length);
    wire_buffer_free(&kept);
    return b;
}

static bool read_as_it_is(struct arena *arena, const struct wire_http_in *in, struct message *m)
{
    uint32_t method = 0;
    while (method < COUNT(method_names) && !wire_text_is(in->method, method_names[method]))
        method++;
    if (method == COUNT(method_names))
        return false;
    m->kind = MSG_HTTP_REQUEST;
    m->u.http_request.method = method;
    if (in->path.length > 0)
        m->u.http_request.path =
            blob_new(arena, ARENA_MESSAGE, in->path.bytes, in->path.length);
    m->u.http_request.headers = headers_blob(arena, in->headers);
    if (in->body.length > 0)
        m->u.http_request.body =
            blob_new(arena, ARENA_MESSAGE, in->body.bytes, in->body.length);
    return true;
}

static bool read_container(struct json_in value, uint32_t *ret_container)
{
    struct wire_json_text text;
    uint32_t container = 0;
    if (!wire_json_text(value, &text) || text.text.length != 8)
        return false;
    for (size_t i = 0; i < 8; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, text.text.bytes[i], 16);
        if (digit == NULL)
            return false;
        container = container << 4 | (uint32_t)(digit - digits);
    }
    *ret_container = container;
    return true;
}

static bool read_fetch(const struct wire *self, struct json_in body, struct message *m)
{
    static const char *const names[] = {
        "alive", "containerId", "fqn", "invocationNamespace", "rev", "warmed", "lastDuration"};
    struct json_in members[COUNT(names)];
    bool alive, warmed;
    uint64_t duration_ms = 0;
    json_in_members(body, names, COUNT(names), members);
    m->u.fetch.has_duration = wire_json_has(members[6]);
    if (!wire_json_bool(members[0], &alive) ||
        !read_container(members[1], &m->u.fetch.container) ||
        !wire_read_action(self, members[2], &m->u.fetch.action) ||
        !wire_read_namespace(self, members[3], &m->u.fetch.ns) ||
        !wire_read_revision(members[4], &m->u.fetch.revision) ||
        !wire_json_bool(members[5], &warmed) ||
        (m->u.fetch.has_duration && !wire_json_number(members[6], UINT32_MAX, &duration_ms)))
        return false;
    m->u.fetch.alive = alive;
    m->u.fetch.warmed = warmed;
    m->u.fetch.duration_ms = (uint32_t)duration_ms;
    return true;
}

static bool read_create_queue(const struct wire *self, struct json_in body, struct message *m)
{
    static const char *const names[] = {"fqn", "invocationNamespace", "revision"};
    struct json_in members[COUNT(names)];
    json_in_members(body, names, COUNT(names), members);
    return wire_read_action(self, members[0], &m->u.create_queue.action) &&
           wire_read_namespace(self, members[1], &m->u.create_queue.ns) &&
           wire_read_revision(members[2], &m->u.create_queue.revision);
}

/* What a scheduler's own ports know; MSG_POST: no such path. */
static enum message_kind kind_of(enum wire_port port, const struct wire_http_in *in,
                                 uint8_t *ret_akka)
{
    static const struct {
        const char *path;
        enum message_kind kind;
        uint8_t akka;
    } routes[] = {{"/fetch", MSG_FETCH, 0},
                  {"/reschedule", MSG_RESCHEDULE, 0},
                  {"/create-queue", MSG_CREATE_QUEUE, 0},
                  {"/forward", MSG_FORWARD, 0},
                  {PATH_AKKA "/create-queue", MSG_CREATE_QUEUE, 1},
                  {PATH_AKKA "/forward", MSG_FORWARD, 1}};
    for (size_t i = 0; i < COUNT(routes); i++) {
        if (wire_http_port(routes[i].kind) == port && wire_text_is(in->method, "POST") &&
            wire_text_is(in->path, routes[i].path)) {
            *ret_akka = routes[i].akka;
            return routes[i].kind;
        }
    }
    return MSG_POST;
}

static bool read_call(const struct wire *self, enum message_kind kind, uint8_t akka,
                      struct wire_text text, struct message *m)
{
    struct json_in body = json_in_parse(text.bytes, text.length);
    m->kind = (uint16_t)kind;
    if (wire_http_port(kind) == WIRE_REMOTING)
        m->to_actor = ACTOR_QUEUE_MANAGER_ID;
    if (kind == MSG_FETCH)
        return read_fetch(self, body, m);
    if (kind == MSG_CREATE_QUEUE) {
        m->u.create_queue.akka = akka;
        return read_create_queue(self, body, m);
    }
    if (kind == MSG_FORWARD)
        m->u.forward.akka = akka;
    return wire_read_activation(self, body, &m->u.activation);
}

bool wire_http_read_request(const struct wire *self, struct arena *arena, enum node_kind server,
                            enum wire_port port, const struct wire_http_in *in,
                            struct message *ret_m, uint16_t *ret_status)
{
    struct message m = {.from = NODE_HOST};
    struct wire_sender sender;
    bool is_ours = wire_sender_read(self, in->headers, &sender), is_read;
    if (is_ours) {
        m.from = sender.node;
        m.from_actor = sender.actor;
        m.cause = sender.cause;
    }
    struct message invoke = m;
    invoke.kind = MSG_INVOKE;
    *ret_m = m;
    if (port == WIRE_API) {
        bool takes_calls = server == NODE_CONTROLLER || server == NODE_EDGE;
        *ret_status = 405;
        is_read = is_ours && takes_calls && read_invoke(self, in, &invoke);
        m = is_read ? invoke : m;
        is_read = is_read || read_as_it_is(arena, in, &m);
    } else {
        uint8_t akka = 0;
        enum message_kind kind = server == NODE_SCHEDULER ? kind_of(port, in, &akka) : MSG_POST;
        *ret_status = kind == MSG_POST ? 404 : 400;
        is_read = kind != MSG_POST && read_call(self, kind, akka, in->body, &m);
    }
    if (is_read)
        *ret_m = m;
    return is_read;
}
