/*
 * live_http.c - requests that come in, and the machines' answers to them.
 *
 * A request becomes a message whose corr is the slot of its exchange, with a generation, so
 * that an answer to one that is gone finds nothing. Each request gets an X-Request-ID if it has
 * none (or a system's, `sid_...`): the machine's error bodies and the answer's header show the
 * same one (BasicHttpService.scala:76-117). Invocations by clients that are not ours get an id,
 * and their place in the history.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/target.h"
#include "core/text.h"
#include "live/host_live_internal.h"

#define SLOT_BITS 20u
#define SLOT_MAX (1u << SLOT_BITS)
#define CONNECTIONS_MAX 12000u
#define TIMEOUT_S                                                                              \
    75u /* longer than the 60 s of a blocking call and than nginx's keep-alive                 \
         */
#define BODY_MAX ((size_t)50 << 20) /* pekko.http.parsing.max-content-length */

static uint32_t corr_of(const struct live_exchange *e, uint32_t slot)
{
    return (uint32_t)e->generation << SLOT_BITS | slot;
}

static struct live_exchange *exchange_at(struct host *self, uint32_t corr, node_id node)
{
    uint32_t slot = corr & (SLOT_MAX - 1);
    if (slot >= self->exchange_count)
        return NULL;
    struct live_exchange *e = &self->exchanges[slot];
    return e->exchange != NULL && e->node == node && corr_of(e, slot) == corr ? e : NULL;
}

static struct live_exchange *exchange_new(struct host *self, uint32_t *ret_slot)
{
    uint32_t slot = self->exchange_free;
    if (slot != UINT32_MAX) {
        self->exchange_free = self->exchanges[slot].next_free;
    } else {
        if (self->exchange_count == SLOT_MAX)
            return NULL;
        if (self->exchange_count == self->exchange_max) {
            self->exchange_max = self->exchange_max == 0 ? 256 : self->exchange_max * 2;
            self->exchanges =
                realloc(self->exchanges, self->exchange_max * sizeof *self->exchanges);
            ASSERT(self->exchanges != NULL);
        }
        slot = self->exchange_count++;
        self->exchanges[slot] = (struct live_exchange){0};
    }
    self->exchange_open++;
    *ret_slot = slot;
    uint16_t generation = (uint16_t)((self->exchanges[slot].generation + 1) & 0xfff);
    self->exchanges[slot] = (struct live_exchange){.generation = generation};
    return &self->exchanges[slot];
}

static void exchange_end(struct host *self, struct live_exchange *e)
{
    e->exchange = NULL;
    e->next_free = self->exchange_free;
    self->exchange_free = (uint32_t)(e - self->exchanges);
    self->exchange_open--;
}

/* ---- clients that are not ours ---- */

static void foreign_sent(struct host *self, struct live_exchange *e, bool is_blocking)
{
    struct record r = live_record(self, RECORD_REQUEST_SENT, self->client);
    r.activation = e->activation;
    r.action = e->action;
    r.ns = self->world.cluster->actions[e->action].ns;
    r.value = is_blocking;
    e->cause = (uint32_t)r.seq;
    live_keep(self, &r);
}

/* What the client saw; status 0: its connection broke. */
static void foreign_done(struct host *self, struct live_exchange *e, uint16_t status,
                         struct wire_text body)
{
    if (e->activation == 0 || !e->is_foreign)
        return;
    struct message request = {.kind = MSG_INVOKE}, reply;
    request.u.invoke.id = e->activation;
    struct wire_http_in in = {.status = status, .body = body};
    wire_http_read_reply(&self->wire, self->world.arena, &request, &in, &reply);
    struct record r = live_record(self, RECORD_REQUEST_DONE, self->client);
    bool is_ok = status == 200 || status == 202 ||
                 (status == 502 && reply.u.invoke_reply.response == RESPONSE_APPLICATION_ERROR);
    r.activation = e->activation;
    r.action = e->action;
    r.ns = self->world.cluster->actions[e->action].ns;
    r.cause = e->cause;
    r.value = status;
    r.value2 = status == 0 ? ERROR_CONNECTION_BROKEN : reply.u.invoke_reply.error;
    r.detail = status == 0 ? RESPONSE_WHISK_ERROR : reply.u.invoke_reply.response;
    r.outcome = is_ok ? OUTCOME_OK : OUTCOME_FAILED;
    live_keep(self, &r);
}

/* Moves *at to the end of its segment, decoded in ret_text; false: no name can be so. */
static bool read_segment(const char **at, const char *end, char *ret_text, size_t size)
{
    const char *stop = memchr(*at, '/', (size_t)(end - *at));
    struct admin_text raw = {*at, (size_t)((stop == NULL ? end : stop) - *at)};
    size_t length = target_decode(raw, false, ret_text, size);
    *at += raw.length;
    return length > 0 && length < size && strlen(ret_text) == length &&
           strchr(ret_text, '/') == NULL;
}

/* "/api/v1/namespaces/NS/actions/NAME" or PACKAGE/NAME, decoded as the controller does: the
 * action's full name, without the namespace when that is the signer's own ("_"). */
static bool action_path(const struct http_exchange *x, struct text_out *out, bool *ret_is_own)
{
    static const char prefix[] = "/api/v1/namespaces/", middle[] = "/actions";
    struct admin_text target = {x->path, strlen(x->path)};
    const char *at = x->path + sizeof prefix - 1, *end = x->path + strcspn(x->path, "?");
    char part[160];
    if (!target_is_valid(target) || strncmp(x->path, prefix, sizeof prefix - 1) != 0 ||
        !read_segment(&at, end, part, sizeof part) ||
        strncmp(at, middle, sizeof middle - 1) != 0)
        return false;
    at += sizeof middle - 1;
    *ret_is_own = strcmp(part, "_") == 0;
    if (!*ret_is_own)
        TEXT_ADD(out, "%s", part);
    uint32_t names = 0;
    for (; at < end && *at == '/'; names++) {
        at++;
        if (!read_segment(&at, end, part, sizeof part))
            return false;
        TEXT_ADD(out, "%s%s", names == 0 && *ret_is_own ? "" : "/", part);
    }
    return at == end && names > 0 && out->length < out->size;
}

/* Whose credentials these are; NAMESPACE_NONE: nobody's. */
static namespace_id signer(struct host *self, const struct http_exchange *x)
{
    struct wire_text headers = {x->headers, x->headers_length};
    struct wire_text given = wire_header(headers, "Authorization");
    const struct cluster *c = self->world.cluster;
    if (given.length < 6 || memcmp(given.bytes, "Basic ", 6) != 0)
        return NAMESPACE_NONE;
    given = (struct wire_text){given.bytes + 6, given.length - 6};
    wire_buffer_clear(&self->text);
    if (!wire_base64_read(given, &self->text))
        return NAMESPACE_NONE;
    for (uint32_t i = 0; i < c->namespace_count; i++) {
        char user[37], password[65], both[104];
        cluster_credentials(c, (namespace_id)i, user, password);
        int length = snprintf(both, sizeof both, "%s:%s", user, password);
        if (self->text.length == (size_t)length &&
            memcmp(self->text.bytes, both, (size_t)length) == 0)
            return (namespace_id)i;
    }
    return NAMESPACE_NONE;
}

/* A client creates an action that the scenario does not know: a spare slot gets its name. */
static void name_action(struct host *self, const char *name, namespace_id ns)
{
    struct action_info *actions = self->spare_actions;
    uint32_t count = actions == NULL ? 0 : self->world.cluster->action_count;
    for (uint32_t i = 0; i < count; i++) {
        if (!actions[i].is_spare || actions[i].name[0] != '\0')
            continue;
        if (strlen(name) < sizeof actions[i].name) {
            actions[i].ns = ns;
            snprintf(actions[i].name, sizeof actions[i].name, "%s", name);
        }
        return;
    }
}

/* The full name of the action that the request is about and its owner's namespace. */
static namespace_id named_action(struct host *self, const struct http_exchange *x, char *name,
                                 size_t size)
{
    bool is_own = false;
    char part[160];
    struct text_out out = text_start(part, sizeof part);
    if (!action_path(x, &out, &is_own))
        return NAMESPACE_NONE;
    namespace_id ns = signer(self, x);
    const struct cluster *c = self->world.cluster;
    if (ns == NAMESPACE_NONE)
        return NAMESPACE_NONE;
    const char *own = c->namespaces[ns].name;
    if (is_own)
        snprintf(name, size, "%s/%s", own, part);
    else
        snprintf(name, size, "%s", part);
    bool is_allowed = strncmp(name, own, strlen(own)) == 0 && name[strlen(own)] == '/';
    return is_allowed ? ns : NAMESPACE_NONE;
}

static bool is_blocking(const struct http_exchange *x)
{
    char text[8];
    bool value = false;
    struct admin_text target = {x->path, strlen(x->path)};
    return target_query(target, "blocking", text, sizeof text) && target_bool(text, &value) &&
           value;
}

/* An invocation that somebody else sends: ret_id is 0 when it is none, or may not. */
static activation_id note_foreign(struct host *self, struct live_exchange *e)
{
    const struct http_exchange *x = e->exchange;
    char name[224];
    bool is_post = strcmp(x->method, "POST") == 0, is_put = strcmp(x->method, "PUT") == 0;
    if (!is_post && !is_put)
        return 0;
    namespace_id ns = named_action(self, x, name, sizeof name);
    if (ns == NAMESPACE_NONE)
        return 0;
    action_id action = cluster_find_action(self->world.cluster, name, strlen(name));
    if (is_put) {
        if (action == ACTION_NONE)
            name_action(self, name, ns);
        return 0;
    }
    if (action == ACTION_NONE || self->client == NODE_NONE)
        return 0;
    uint32_t ordinal = ++self->foreign_count & 0xffffff;
    e->is_foreign = true;
    e->action = action;
    e->activation = ACTIVATION_ID(REQUEST_ENTRY_FOREIGN << 24 | ordinal, 0);
    foreign_sent(self, e, is_blocking(x));
    return e->activation;
}

/* ---- in ---- */

/* Not printed: each request passes here twice. */
static void add_request_id(struct wire_buffer *headers, const struct live_exchange *e)
{
    static const char name[] = "X-Request-ID: ";
    wire_buffer_add(headers, name, sizeof name - 1);
    wire_buffer_add(headers, e->request_id, strlen(e->request_id));
    wire_buffer_add(headers, "\n", 1);
}

static void keep_request_id(struct host *self, struct live_exchange *e,
                            struct wire_buffer *headers)
{
    static const char digits[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    struct wire_text given =
        wire_header((struct wire_text){headers->bytes, headers->length}, "X-Request-ID");
    if (given.length > 0 && given.length < sizeof e->request_id &&
        !(given.length >= 4 && memcmp(given.bytes, "sid_", 4) == 0)) {
        memcpy(e->request_id, given.bytes, given.length);
        e->request_id[given.length] = '\0';
        return;
    }
    uint64_t salt = draw_mix(self->start_ns, ++self->next_number), bits = 0;
    for (unsigned i = 0; i < 32; i++) {
        bits = i % 8 == 0 ? draw_mix(salt, i) : bits / (sizeof digits - 1);
        e->request_id[i] = digits[bits % (sizeof digits - 1)];
    }
    e->request_id[32] = '\0';
    add_request_id(headers, e);
}

/* What the machine is to see of the request's headers. */
static struct wire_text headers_in(struct host *self, struct live_exchange *e, bool is_api)
{
    struct wire_buffer *headers = &self->http.headers;
    const struct http_exchange *x = e->exchange;
    struct wire_text given = {x->headers, x->headers_length};
    wire_buffer_clear(headers);
    if (!is_api) /* calls of the cluster's own: nobody looks at them */
        return given;
    activation_id id = 0;
    if (wire_header(given, "X-Rollcage-Activation").length == 0)
        id = note_foreign(self, e);
    wire_buffer_add(headers, x->headers, x->headers_length);
    if (id != 0) {
        char text[33];
        cluster_activation_text(self->world.draws, id, text);
        wire_buffer_print(headers, "X-Rollcage-Activation: %s\n", text);
    }
    keep_request_id(self, e, headers);
    return (struct wire_text){headers->bytes, headers->length};
}

static void refuse_request(struct host *self, struct live_exchange *e, uint16_t status)
{
    struct http_exchange *x = e->exchange;
    exchange_end(self, e);
    http_exchange_answer(x, status == 0 ? 405 : status, "", "", 0);
}

static void on_request(void *context, struct http_exchange *x)
{
    struct live_port *port = context;
    struct live_node *n = port->node;
    struct host *self = n->host;
    if (!live_listens(n->state)) {
        http_exchange_reset(x);
        return;
    }
    live_read_clock(self);
    uint32_t slot;
    struct live_exchange *e = exchange_new(self, &slot);
    if (e == NULL) {
        http_exchange_reset(x);
        return;
    }
    e->exchange = x;
    e->node = n->env.node;
    x->user = (void *)(uintptr_t)corr_of(e, slot);
    enum node_kind kind = cluster_kind(self->world.cluster, n->env.node);
    bool is_api = port->port == WIRE_API && kind != NODE_ETCD;
    struct wire_http_in in = {.method = {x->method, strlen(x->method)},
                              .path = {x->path, strlen(x->path)},
                              .headers = headers_in(self, e, is_api),
                              .body = {x->body, x->body_length}};
    struct message m;
    uint16_t status = 0;
    if (!wire_http_read_request(&self->wire, self->world.arena, kind,
                                (enum wire_port)port->port, &in, &m, &status)) {
        foreign_done(self, e, status == 0 ? 405 : status, (struct wire_text){"", 0});
        refuse_request(self, e, status);
        return;
    }
    m.to = n->env.node;
    m.corr = corr_of(e, slot);
    e->kind = m.kind;
    if (m.kind == MSG_FORWARD) { /* remoting does not answer */
        exchange_end(self, e);
        http_exchange_answer(x, 202, "", "", 0);
    }
    if (m.kind == MSG_HTTP_REQUEST && live_fault_at_receiver(self, &m))
        return;
    live_push(self, self->now, ITEM_DELIVER, &m);
    /* An answer that is given before this returns spares libmicrohttpd the connection's
     * suspension: two calls of epoll_ctl, one more of recv, another run of the daemon. */
    live_run_ring(self);
}

static void on_gone(void *context, struct http_exchange *x)
{
    struct live_port *port = context;
    struct host *self = port->node->host;
    uint32_t corr = (uint32_t)(uintptr_t)x->user;
    struct live_exchange *e = exchange_at(self, corr, port->node->env.node);
    if (e == NULL)
        return;
    live_read_clock(self);
    foreign_done(self, e, 0, (struct wire_text){"", 0});
    bool is_etcd = port->node->env.node == self->etcd; /* its keep-alives wait, too */
    if ((e->is_stream || is_etcd) && live_listens(port->node->state)) {
        struct message m = {.kind = MSG_HTTP_CLOSED,
                            .from = NODE_HOST,
                            .to = port->node->env.node,
                            .corr = corr};
        live_push(self, self->now, ITEM_DELIVER, &m);
    }
    exchange_end(self, e);
}

/* ---- out ---- */

static void reply_chunk(struct host *self, struct live_exchange *e, const struct message *m)
{
    const struct arena *arena = self->world.arena;
    struct http_exchange *x = e->exchange;
    size_t length = blob_size(arena, m->u.http_chunk.body);
    if (length > 0)
        http_exchange_piece(x, blob_bytes(arena, m->u.http_chunk.body), length);
    if (m->u.http_chunk.last) {
        exchange_end(self, e);
        http_exchange_end(x);
    }
}

static void reply_whole(struct host *self, struct live_exchange *e, struct message *m)
{
    struct http_exchange *x = e->exchange;
    wire_http_clear(&self->http);
    wire_http_write_reply(&self->wire, self->world.arena, m, &self->http);
    struct wire_http *out = &self->http;
    if (e->request_id[0] != '\0')
        add_request_id(&out->headers, e);
    wire_buffer_add(&out->headers, "", 0); /* there is text, if empty */
    const char *headers = out->headers.bytes != NULL ? out->headers.bytes : "";
    const char *body = out->body.bytes != NULL ? out->body.bytes : "";
    if (m->kind == MSG_HTTP_REPLY && m->u.http_reply.more) {
        e->is_stream = true;
        http_exchange_begin(x, out->status, headers);
        if (out->body.length > 0)
            http_exchange_piece(x, body, out->body.length);
        return;
    }
    foreign_done(self, e, out->status, (struct wire_text){body, out->body.length});
    exchange_end(self, e);
    http_exchange_answer(x, out->status, headers, body, out->body.length);
}

void live_http_reply(struct host *self, struct message *m)
{
    struct live_exchange *e = exchange_at(self, m->corr, m->from);
    if (e != NULL && m->kind == MSG_HTTP_CHUNK)
        reply_chunk(self, e, m);
    else if (e != NULL)
        reply_whole(self, e, m);
    live_free_blobs(self, m);
}

/* ---- ports ---- */

bool live_http_open(struct host *self, struct live_port *port)
{
    char error[LIVE_ERROR_SIZE];
    if (port->server != NULL)
        return true;
    struct http_server_config config = {
        .loop = self->loop,
        .address = self->listen,
        .port = port->number,
        .connections_max = CONNECTIONS_MAX,
        .timeout_s = TIMEOUT_S,
        .body_max = BODY_MAX,
        .body_too_large =
            "{\"error\":\"The request content is larger than the server is willing or able to "
            "process.\"}",
        .context = port,
        .on_request = on_request,
        .on_gone = on_gone};
    port->server = http_server_new(&config, error, sizeof error);
    if (port->server == NULL) {
        live_fail(self, "%s: %s", port->node->name, error);
        return false;
    }
    port->number = http_server_port(port->server);
    snprintf(port->url, sizeof port->url, "http://%s:%u",
             strcmp(self->listen, "0.0.0.0") == 0 ? "127.0.0.1" : self->listen, port->number);
    return true;
}

void live_http_close(struct host *self, struct live_port *port)
{
    if (port->server == NULL)
        return;
    for (uint32_t i = 0; i < self->exchange_count; i++) {
        struct live_exchange *e = &self->exchanges[i];
        if (e->exchange == NULL || e->node != port->node->env.node)
            continue;
        foreign_done(self, e, 0, (struct wire_text){"", 0});
        exchange_end(self, e);
    }
    http_server_free(port->server);
    port->server = NULL;
}

void live_http_release(struct host *self)
{
    free(self->exchanges);
}
