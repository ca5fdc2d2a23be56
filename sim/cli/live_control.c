/* live_control.c - see live_control.h. */
#include "cli/live_control.h"
#include "live/http_client.h"
#include "live/http_server.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define OPERATION_LIST(X)                                                                      \
    X(STOP, "stop")                                                                            \
    X(START, "start")                                                                          \
    X(RESTART, "restart")                                                                      \
    X(KILL, "kill")                                                                            \
    X(DISABLE, "disable")                                                                      \
    X(STATUS, "status")                                                                        \
    X(EDGE_REMOVE, "edge-remove")                                                              \
    X(EDGE_ADD, "edge-add")                                                                    \
    X(REMOVE_CONTAINERS, "remove-containers")
#define OPERATION_MEMBER(id, text) OPERATION_##id,
enum operation { OPERATION_LIST(OPERATION_MEMBER) OPERATION_COUNT };
#define OPERATION_TEXT(id, text) text,
static const char *const operation_texts[] = {OPERATION_LIST(OPERATION_TEXT)};

#define WAITING_MAX 64u

struct waiting { /* an operation that is not done yet */
    struct live_control *control;
    struct http_exchange *exchange; /* NULL: whoever asked is gone */
    node_id node;
    uint8_t operation; /* enum operation */
    bool is_open;
};

struct live_control {
    struct host *host;
    struct live_files *files;
    struct http_server *server;
    struct http_client *client;
    struct waiting waiting[WAITING_MAX];
};

static void answer_json(struct http_exchange *x, unsigned status, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    http_exchange_answer(x, status, "Content-Type: application/json\n", text ? text : "",
                         text ? strlen(text) : 0);
    free(text);
    json_decref(json);
}

static void answer_error(struct http_exchange *x, unsigned status, const char *what)
{
    answer_json(x, status, json_pack("{s:s}", "error", what));
}

static void answer_done(struct waiting *w, bool ok)
{
    struct live_control *self = w->control;
    struct http_exchange *x = w->exchange;
    const char *name = self->files->scenario->cluster.nodes[w->node].name;
    const char *state = host_live_endpoint(self->host, w->node).state;
    w->is_open = false;
    if (x != NULL)
        answer_json(x, ok ? 200 : 409,
                    json_pack("{s:s, s:s, s:b, s:s}", "node", name, "operation",
                              operation_texts[w->operation], "ok", ok, "state", state));
}

static void on_done(void *context, bool ok)
{
    answer_done(context, ok);
}

static void on_stopped(void *context, bool ok)
{
    struct waiting *w = context;
    if (!ok || !host_live_control(w->control->host, w->node, CONTROL_START, w, on_done))
        answer_done(w, false);
}

static void on_disabled(void *context, uint64_t tag, const struct http_result *result)
{
    (void)tag;
    answer_done(context, result->failure == HTTP_ANSWERED && result->status == 200);
}

/* The node's own route, with its tier's credentials, as a procedure would ask it. */
static bool disable(struct live_control *self, struct waiting *w)
{
    const struct node_info *info = &self->files->scenario->cluster.nodes[w->node];
    json_t *cluster = live_files_json(self->files);
    const char *user = NULL, *password = NULL;
    if (json_unpack(cluster, "{s:{s:{s:s, s:s}}}", "credentials",
                    node_kind_to_string(info->kind), "user", &user, "password",
                    &password) != 0) {
        json_decref(cluster);
        return false;
    }
    char url[128];
    struct wire_buffer headers = {0}, both = {0};
    wire_buffer_print(&both, "%s:%s", user, password);
    wire_buffer_print(&headers, "Authorization: Basic ");
    wire_buffer_base64(&headers, (struct wire_text){both.bytes, both.length});
    wire_buffer_print(&headers, "\n");
    snprintf(url, sizeof url, "%s/disable", host_live_endpoint(self->host, w->node).url);
    struct http_call call = {.method = "POST",
                             .url = url,
                             .headers = headers.bytes,
                             .timeout_ms = 10000,
                             .context = w,
                             .on_done = on_disabled};
    (void)http_client_send(self->client, &call);
    wire_buffer_free(&both);
    wire_buffer_free(&headers);
    json_decref(cluster);
    return true;
}

static bool begin(struct live_control *self, struct waiting *w)
{
    struct host *host = self->host;
    bool is_controller =
        cluster_kind(&self->files->scenario->cluster, w->node) == NODE_CONTROLLER;
    switch ((enum operation)w->operation) {
    case OPERATION_STOP:
        return host_live_control(host, w->node, CONTROL_STOP, w, on_done);
    case OPERATION_START:
        return host_live_control(host, w->node, CONTROL_START, w, on_done);
    case OPERATION_RESTART:
        return host_live_control(host, w->node, CONTROL_STOP, w, on_stopped);
    case OPERATION_KILL:
        return host_live_control(host, w->node, CONTROL_KILL, w, on_done);
    case OPERATION_REMOVE_CONTAINERS:
        return host_live_control(host, w->node, CONTROL_REMOVE_CONTAINERS, w, on_done);
    case OPERATION_DISABLE:
        return disable(self, w);
    case OPERATION_EDGE_REMOVE:
        return is_controller && host_live_edge(host, w->node, false, w, on_done);
    case OPERATION_EDGE_ADD:
        return is_controller && host_live_edge(host, w->node, true, w, on_done);
    case OPERATION_STATUS:
        answer_done(w, true);
        return true;
    case OPERATION_COUNT:
        break;
    }
    return false;
}

static struct waiting *waiting_new(struct live_control *self)
{
    for (uint32_t i = 0; i < WAITING_MAX; i++)
        if (!self->waiting[i].is_open)
            return &self->waiting[i];
    return NULL;
}

/* "/nodes/scheduler0/restart" */
static void on_operation(struct live_control *self, struct http_exchange *x)
{
    const char *name = x->path + strlen("/nodes/");
    const char *slash = strchr(name, '/');
    size_t length = slash != NULL ? (size_t)(slash - name) : strlen(name);
    node_id node = cluster_find_node(&self->files->scenario->cluster, name, length);
    unsigned operation = 0;
    while (slash != NULL && operation < OPERATION_COUNT &&
           strcmp(slash + 1, operation_texts[operation]) != 0)
        operation++;
    if (node == NODE_NONE) {
        answer_error(x, 404, "no such node");
        return;
    }
    if (slash == NULL || operation == OPERATION_COUNT) {
        answer_error(x, 404, "no such operation");
        return;
    }
    struct waiting *w = waiting_new(self);
    if (w == NULL) {
        answer_error(x, 503, "too many operations at once");
        return;
    }
    *w = (struct waiting){.control = self,
                          .exchange = x,
                          .node = node,
                          .operation = (uint8_t)operation,
                          .is_open = true};
    x->user = w;
    if (!begin(self, w)) {
        w->is_open = false;
        answer_error(x, 409, "this node takes no such operation");
    }
}

static bool is_allowed(const struct live_control *self, const struct http_exchange *x)
{
    struct wire_text headers = {x->headers, x->headers_length};
    struct wire_text given = wire_header(headers, "Authorization");
    char wanted[16 + LIVE_TOKEN_SIZE];
    int length = snprintf(wanted, sizeof wanted, "Bearer %s", self->files->token);
    return given.length == (size_t)length && memcmp(given.bytes, wanted, (size_t)length) == 0;
}

static void on_request(void *context, struct http_exchange *x)
{
    struct live_control *self = context;
    bool is_get = strcmp(x->method, "GET") == 0;
    x->user = NULL;
    if (!is_allowed(self, x)) {
        answer_error(x, 401, "wrong token: cluster.json has it");
    } else if (is_get && strcmp(x->path, "/cluster") == 0) {
        answer_json(x, 200, live_files_json(self->files));
    } else if (is_get && strcmp(x->path, "/nodes") == 0) {
        const struct cluster *c = &self->files->scenario->cluster;
        json_t *states = json_object();
        for (uint32_t i = 0; i < c->node_count; i++)
            json_object_set_new(states, c->nodes[i].name,
                                json_string(host_live_endpoint(self->host, (node_id)i).state));
        answer_json(x, 200, states);
    } else if (!is_get && strncmp(x->path, "/nodes/", 7) == 0) {
        on_operation(self, x);
    } else {
        answer_error(x, 404, "GET /cluster, GET /nodes or POST /nodes/NAME/OPERATION");
    }
}

static void on_gone(void *context, struct http_exchange *x)
{
    struct waiting *w = x->user;
    (void)context;
    if (w != NULL)
        w->exchange = NULL; /* the operation goes on */
}

static bool make_token(char token[LIVE_TOKEN_SIZE])
{
    unsigned char bytes[(LIVE_TOKEN_SIZE - 1) / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

struct live_control *live_control_new(struct host *host, struct live_files *files,
                                      struct errmsg *err)
{
    char error[LIVE_ERROR_SIZE] = "no random bytes for a token";
    struct live_control *self = calloc(1, sizeof *self);
    if (self == NULL)
        abort();
    self->host = host;
    self->files = files;
    struct http_server_config config = {.loop = host_live_loop(host),
                                        .address = "127.0.0.1",
                                        .connections_max = 256,
                                        .timeout_s = 60,
                                        .body_max = 65536,
                                        .context = self,
                                        .on_request = on_request,
                                        .on_gone = on_gone};
    if (make_token(files->token))
        self->server = http_server_new(&config, error, sizeof error);
    if (self->server == NULL) {
        free(self);
        errmsg_set(err, ERR_ENVIRONMENT, "control address: %s", error);
        return NULL;
    }
    self->client = http_client_new(host_live_loop(host));
    snprintf(files->control_url, sizeof files->control_url, "http://127.0.0.1:%u",
             http_server_port(self->server));
    return self;
}

void live_control_free(struct live_control *self)
{
    if (self == NULL)
        return;
    http_server_free(self->server);
    http_client_free(self->client);
    free(self);
}
