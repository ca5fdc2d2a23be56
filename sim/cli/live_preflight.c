/* live_preflight.c - see live_preflight.h. */
#include "cli/live_preflight.h"
#include "cli/cli.h"
#include "wire/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_MAX_COUNT 16u
#define TIMEOUT_MS 10000u
#define TURN_NS 100000000

enum probe_kind { PROBE_NAMESPACE, PROBE_ACTION, PROBE_PING, PROBE_COUNT };
struct probe {
    uint8_t kind; /* enum probe_kind */
    node_id node;
    uint16_t index; /* of the namespace or action */
};

struct preflight {
    const struct target *target;
    const struct http_tls *tls;
    struct http_client *client;
    struct probe *probes;
    uint32_t count, next, open;
    uint32_t failed; /* the first in order; count: none */
    char text[512];
};

/* ---- what is asked ---- */

static void add(struct preflight *self, enum probe_kind kind, node_id node, uint32_t index)
{
    self->probes[self->count++] =
        (struct probe){.kind = (uint8_t)kind, .node = node, .index = (uint16_t)index};
}

static void add_all(struct preflight *self)
{
    const struct cluster *c = &self->target->scenario.cluster;
    node_id edge = cluster_node(c, NODE_EDGE, 0);
    self->probes =
        calloc(c->namespace_count + c->action_count + 2 * c->node_count, sizeof *self->probes);
    if (!self->probes)
        abort();
    for (uint32_t i = 0; i < c->namespace_count; i++)
        add(self, PROBE_NAMESPACE, edge, i);
    for (uint32_t i = 0; i < c->action_count; i++)
        add(self, PROBE_ACTION, edge, i);
    for (uint32_t i = 0; i < c->node_count; i++) {
        enum node_kind kind = cluster_kind(c, (node_id)i);
        if (!self->target->urls[i] || kind == NODE_EDGE)
            continue;
        add(self, PROBE_PING, (node_id)i, 0);
        if (self->target->users[kind])
            add(self, PROBE_COUNT, (node_id)i, 0);
    }
    self->failed = self->count;
}

static void write_path(const struct preflight *self, const struct probe *probe, char *path,
                       size_t size)
{
    const struct cluster *c = &self->target->scenario.cluster;
    bool is_invoker = cluster_kind(c, probe->node) == NODE_INVOKER;
    const char *name, *slash;
    switch ((enum probe_kind)probe->kind) {
    case PROBE_NAMESPACE:
        snprintf(path, size, "/api/v1/namespaces");
        return;
    case PROBE_ACTION:
        name = c->actions[probe->index].name;
        slash = strchr(name, '/');
        snprintf(path, size, "/api/v1/namespaces/%.*s/actions/%s", (int)(slash - name), name,
                 slash + 1);
        return;
    case PROBE_PING:
        snprintf(path, size, "/ping");
        return;
    case PROBE_COUNT:
        snprintf(path, size, "%s", is_invoker ? "/pool/count" : "/activation/count");
        return;
    }
}

static void write_headers(const struct preflight *self, const struct probe *probe,
                          struct wire_buffer *headers)
{
    const struct cluster *c = &self->target->scenario.cluster;
    enum node_kind kind = cluster_kind(c, probe->node);
    struct wire_buffer both = {0};
    if (probe->kind == PROBE_PING)
        return;
    if (probe->kind == PROBE_NAMESPACE)
        wire_buffer_print(&both, "%s", self->target->auths[probe->index]);
    else if (probe->kind == PROBE_ACTION)
        wire_buffer_print(&both, "%s", self->target->auths[c->actions[probe->index].ns]);
    else
        wire_buffer_print(&both, "%s:%s", self->target->users[kind],
                          self->target->passwords[kind]);
    wire_buffer_print(headers, "Authorization: Basic ");
    wire_buffer_base64(headers, (struct wire_text){both.bytes, both.length});
    wire_buffer_print(headers, "\n");
    wire_buffer_free(&both);
}

/* ---- what it says ---- */

static bool names_namespace(const struct http_result *result, const char *name)
{
    char quoted[80], *body = strndup(result->body, result->body_length);
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    bool found = body && strstr(body, quoted);
    free(body);
    return found;
}

/* What is wrong with the answer, in words, or NULL. */
static const char *judge(const struct preflight *self, const struct probe *probe,
                         const struct http_result *result, char *text, size_t size)
{
    const struct cluster *c = &self->target->scenario.cluster;
    const char *tier = node_kind_to_string(cluster_kind(c, probe->node));
    bool is_denied = result->status == 401 || result->status == 403;
    switch ((enum probe_kind)probe->kind) {
    case PROBE_NAMESPACE: {
        const char *name = c->namespaces[probe->index].name;
        if (is_denied)
            snprintf(text, size, "the credentials of namespace %s are refused", name);
        else if (result->status == 200 && !names_namespace(result, name))
            snprintf(text, size, "the credentials of namespace %s are another one's", name);
        else if (result->status != 200)
            break;
        else
            return NULL;
        return text;
    }
    case PROBE_ACTION:
        if (result->status == 200)
            return NULL;
        if (result->status != 404)
            break;
        snprintf(text, size, "there is no action %s; create it", c->actions[probe->index].name);
        return text;
    case PROBE_PING:
        if (result->status == 200)
            return NULL;
        break;
    case PROBE_COUNT: /* other answers are the procedure's matter; old versions have no count */
        if (!is_denied)
            return NULL;
        snprintf(text, size, "the credentials of `credentials: %s` are refused", tier);
        return text;
    }
    snprintf(text, size, "it answers HTTP %u", result->status);
    return text;
}

static void on_done(void *context, uint64_t tag, const struct http_result *result)
{
    struct preflight *self = context;
    const struct probe *probe = &self->probes[tag];
    const struct cluster *c = &self->target->scenario.cluster;
    char text[256], path[300];
    const char *wrong = NULL, *then = "";
    self->open--;
    if (result->failure != HTTP_ANSWERED) {
        wrong = result->reason;
        then = "; is it up, and does this machine reach and trust it?";
    } else
        wrong = judge(self, probe, result, text, sizeof text);
    if (!wrong || tag >= self->failed)
        return;
    self->failed = (uint32_t)tag;
    write_path(self, probe, path, sizeof path);
    snprintf(self->text, sizeof self->text, "%s, %s%s: %s%s", c->nodes[probe->node].name,
             self->target->urls[probe->node], path, wrong, then);
    cli_one_line(self->text); /* a library's words, and the target's */
}

static void send_next(struct preflight *self)
{
    uint32_t tag = self->next++;
    const struct probe *probe = &self->probes[tag];
    char path[300], url[600];
    struct wire_buffer headers = {0};
    write_path(self, probe, path, sizeof path);
    write_headers(self, probe, &headers);
    snprintf(url, sizeof url, "%s%s", self->target->urls[probe->node], path);
    struct http_call call = {.method = "GET",
                             .url = url,
                             .headers = headers.bytes,
                             .timeout_ms = TIMEOUT_MS,
                             .tls = self->tls,
                             .context = self,
                             .tag = tag,
                             .on_done = on_done};
    self->open++;
    (void)http_client_send(self->client, &call);
    wire_buffer_free(&headers);
}

int live_preflight(const struct target *target, const struct http_tls *tls, struct errmsg *err)
{
    struct preflight self = {.target = target, .tls = tls};
    struct loop *loop = loop_new();
    self.client = loop ? http_client_new(loop) : NULL;
    if (!self.client) {
        if (loop)
            loop_free(loop);
        return errmsg_set(err, ERR_ENVIRONMENT, "no descriptors for a connection");
    }
    add_all(&self);
    while ((self.next < self.count && self.failed == self.count) || self.open > 0) {
        while (self.next < self.count && self.open < OPEN_MAX_COUNT &&
               self.failed == self.count)
            send_next(&self);
        loop_turn(loop, TURN_NS);
    }
    http_client_free(self.client);
    loop_free(loop);
    free(self.probes);
    if (self.failed == self.count)
        return 0;
    return errmsg_set(err, ERR_ENVIRONMENT, "%s", self.text);
}
