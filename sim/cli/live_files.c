/* live_files.c - see live_files.h. */
#include "cli/live_files.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
    enum node_kind kind;
    const char *group; /* upstream's group of hosts */
} tiers[] = {
    {NODE_CONTROLLER, "controllers"},
    {NODE_SCHEDULER, "schedulers"},
    {NODE_INVOKER, "invokers"},
};
#define TIER_COUNT (sizeof tiers / sizeof tiers[0])

static const char *user_of(const struct live_files *self, enum node_kind kind)
{
    const struct deployer_config *config = self->scenario->configs[NODE_DEPLOYER];
    return config->users[kind];
}

static const char *password_of(const struct live_files *self, enum node_kind kind)
{
    const struct deployer_config *config = self->scenario->configs[NODE_DEPLOYER];
    return config->passwords[kind];
}

static json_t *node_json(const struct live_files *self, node_id node)
{
    const struct node_info *info = &self->scenario->cluster.nodes[node];
    struct host_live_endpoint at = host_live_endpoint(self->host, node);
    json_t *object =
        json_pack("{s:s, s:s, s:i, s:s}", "name", info->name, "kind",
                  node_kind_to_string(info->kind), "index", (int)info->index, "url", at.url);
    if (object != NULL && info->kind == NODE_SCHEDULER) {
        json_object_set_new(object, "rpc_port", json_integer(at.ports[WIRE_RPC]));
        json_object_set_new(object, "remoting_port", json_integer(at.ports[WIRE_REMOTING]));
    }
    return object;
}

static json_t *nodes_json(const struct live_files *self)
{
    json_t *nodes = json_array();
    for (size_t t = 0; t < TIER_COUNT; t++) {
        const struct cluster *c = &self->scenario->cluster;
        for (uint32_t i = 0; i < c->counts[tiers[t].kind]; i++)
            json_array_append_new(nodes, node_json(self, cluster_node(c, tiers[t].kind, i)));
    }
    return nodes;
}

json_t *live_files_json(const struct live_files *self)
{
    const struct cluster *c = &self->scenario->cluster;
    json_t *credentials = json_object(), *namespaces = json_object();
    for (size_t t = 0; t < TIER_COUNT; t++)
        json_object_set_new(credentials, node_kind_to_string(tiers[t].kind),
                            json_pack("{s:s, s:s}", "user", user_of(self, tiers[t].kind),
                                      "password", password_of(self, tiers[t].kind)));
    for (uint32_t i = 0; i < c->namespace_count; i++) {
        char user[37], password[65];
        cluster_credentials(c, (namespace_id)i, user, password);
        json_object_set_new(namespaces, c->namespaces[i].name,
                            json_pack("{s:s, s:s}", "uuid", user, "key", password));
    }
    return json_pack("{s:i, s:o, s:s, s:s, s:s, s:o, s:o, s:o}", "version", 1, "control",
                     json_pack("{s:s, s:s}", "url", self->control_url, "token", self->token),
                     "edge", host_live_edge_url(self->host), "etcd",
                     host_live_etcd_url(self->host), "kafka", host_live_bootstrap(self->host),
                     "nodes", nodes_json(self), "credentials", credentials, "namespaces",
                     namespaces);
}

/* ---- variables ---- */

/* Calls `each` for NAME and value of every variable. */
static void variables(const struct live_files *self, const char *directory, void *context,
                      void (*each)(void *context, const char *name, const char *value))
{
    const struct cluster *c = &self->scenario->cluster;
    char name[96], value[1200];
    snprintf(value, sizeof value, "%s/cluster.json", directory);
    each(context, "ROLLCAGE_CLUSTER", value);
    each(context, "ROLLCAGE_EDGE_URL", host_live_edge_url(self->host));
    each(context, "ROLLCAGE_ETCD_URL", host_live_etcd_url(self->host));
    each(context, "ROLLCAGE_KAFKA_BOOTSTRAP", host_live_bootstrap(self->host));
    for (size_t t = 0; t < TIER_COUNT; t++) {
        const char *kind = node_kind_to_string(tiers[t].kind);
        char upper[24] = "";
        for (size_t i = 0; kind[i] != '\0' && i + 1 < sizeof upper; i++)
            upper[i] = (char)(kind[i] - 'a' + 'A');
        snprintf(name, sizeof name, "ROLLCAGE_%s_USER", upper);
        each(context, name, user_of(self, tiers[t].kind));
        snprintf(name, sizeof name, "ROLLCAGE_%s_PASSWORD", upper);
        each(context, name, password_of(self, tiers[t].kind));
        snprintf(name, sizeof name, "ROLLCAGE_%s_COUNT", upper);
        snprintf(value, sizeof value, "%u", c->counts[tiers[t].kind]);
        each(context, name, value);
        for (uint32_t i = 0; i < c->counts[tiers[t].kind]; i++) {
            node_id node = cluster_node(c, tiers[t].kind, i);
            snprintf(name, sizeof name, "ROLLCAGE_%s%u_URL", upper, i);
            each(context, name, host_live_endpoint(self->host, node).url);
        }
    }
    for (uint32_t i = 0; i < c->namespace_count; i++) {
        char user[37], password[65];
        cluster_credentials(c, (namespace_id)i, user, password);
        snprintf(name, sizeof name, "ROLLCAGE_AUTH_%s", c->namespaces[i].name);
        for (char *at = name; *at != '\0'; at++)
            if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_",
                       *at) == NULL)
                *at = '_';
        snprintf(value, sizeof value, "%s:%s", user, password);
        each(context, name, value);
    }
}

static void print_variable(void *context, const char *name, const char *value)
{
    fprintf(context, "%s='%s'\n", name, value); /* no value holds a quote */
}

static void export_variable(void *context, const char *name, const char *value)
{
    (void)context;
    setenv(name, value, 1);
}

void live_files_export(const struct live_files *self, const char *directory)
{
    variables(self, directory, NULL, export_variable);
}

/* ---- inventory ---- */

/* A group of one host; `at` ends with its port. */
static void print_single(FILE *file, const char *group, const char *host, const char *variable,
                         const char *at)
{
    const char *port = strrchr(at, ':');
    fprintf(file, "[%s]\n%s ansible_connection=local ", group, host);
    if (port != NULL && port[1] >= '0' && port[1] <= '9')
        fprintf(file, "port=%.*s ", (int)strspn(port + 1, "0123456789"), port + 1);
    fprintf(file, "%s=%s\n\n", variable, at);
}

static void print_inventory(const struct live_files *self, const char *directory, FILE *file)
{
    const struct cluster *c = &self->scenario->cluster;
    for (size_t t = 0; t < TIER_COUNT; t++) {
        fprintf(file, "[%s]\n", tiers[t].group);
        for (uint32_t i = 0; i < c->counts[tiers[t].kind]; i++) {
            node_id node = cluster_node(c, tiers[t].kind, i);
            struct host_live_endpoint at = host_live_endpoint(self->host, node);
            fprintf(file, "%s ansible_connection=local index=%u port=%u url=%s\n",
                    c->nodes[node].name, i, at.ports[WIRE_API], at.url);
        }
        fprintf(file, "\n");
    }
    print_single(file, "edge", "edge0", "url", host_live_edge_url(self->host));
    print_single(file, "etcd", "etcd0", "url", host_live_etcd_url(self->host));
    print_single(file, "kafkas", "kafka0", "bootstrap", host_live_bootstrap(self->host));
    fprintf(file, "[all:vars]\n");
    fprintf(file, "rollcage_cluster=%s/cluster.json\n", directory);
    for (size_t t = 0; t < TIER_COUNT; t++) {
        const char *kind = node_kind_to_string(tiers[t].kind);
        fprintf(file, "%s_user=%s\n%s_password=%s\n", kind, user_of(self, tiers[t].kind), kind,
                password_of(self, tiers[t].kind));
    }
}

/* ---- files ---- */

static int cannot(struct errmsg *err, const char *path)
{
    return errmsg_set(err, ERR_ENVIRONMENT, "%s: %s; give another folder with --out", path,
                      strerror(errno ? errno : EIO));
}

static int write_text(const struct live_files *self, const char *directory, const char *path,
                      void (*print)(const struct live_files *self, const char *directory,
                                    FILE *file),
                      struct errmsg *err)
{
    char whole[1300]; /* whoever waits for the file finds all of it */
    errno = 0;
    snprintf(whole, sizeof whole, "%s.new", path);
    FILE *file = fopen(whole, "w");
    if (file == NULL)
        return cannot(err, path);
    print(self, directory, file);
    bool failed = ferror(file) != 0;
    if (fclose(file) != 0 || failed || rename(whole, path) != 0)
        return cannot(err, path);
    return 0;
}

static void print_env(const struct live_files *self, const char *directory, FILE *file)
{
    variables(self, directory, file, print_variable);
}

static void print_json(const struct live_files *self, const char *directory, FILE *file)
{
    (void)directory;
    json_t *json = live_files_json(self);
    json_dumpf(json, file, JSON_INDENT(2));
    fputc('\n', file);
    json_decref(json);
}

int live_files_write(const struct live_files *self, const char *directory,
                     const char *inventory, struct errmsg *err)
{
    char path[1200];
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return cannot(err, directory);
    snprintf(path, sizeof path, "%s/cluster.json", directory);
    int status = write_text(self, directory, path, print_json, err);
    if (status == 0)
        (void)chmod(path, 0600); /* it holds the token */
    snprintf(path, sizeof path, "%s/cluster.env", directory);
    if (status == 0)
        status = write_text(self, directory, path, print_env, err);
    snprintf(path, sizeof path, "%s/inventory.ini", directory);
    if (status == 0)
        status =
            write_text(self, directory, inventory ? inventory : path, print_inventory, err);
    return status;
}

int live_files_read(const char *path, struct live_cluster_file *ret, struct errmsg *err)
{
    json_error_t error;
    json_t *json = json_load_file(path, 0, &error);
    const char *url = NULL, *token = NULL;
    if (json == NULL)
        return errmsg_set(err, ERR_ENVIRONMENT,
                          "%s:%d:%d: %s; expected the cluster.json of `rollcage serve`", path,
                          error.line < 1 ? 1 : error.line, error.column < 1 ? 1 : error.column,
                          error.text);
    int status = 0;
    if (json_unpack(json, "{s:{s:s, s:s}}", "control", "url", &url, "token", &token) != 0 ||
        strlen(url) >= sizeof ret->control_url || strlen(token) >= sizeof ret->token)
        status = errmsg_set(err, ERR_INPUT,
                            "%s:1:1: no control address in it, expected the cluster.json of "
                            "`rollcage serve`",
                            path);
    if (status == 0) {
        snprintf(ret->control_url, sizeof ret->control_url, "%s", url);
        snprintf(ret->token, sizeof ret->token, "%s", token);
    }
    json_decref(json);
    return status;
}
