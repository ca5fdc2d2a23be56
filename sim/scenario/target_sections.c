/* target_sections.c - endpoints, TLS, commands and what is looked at, of a target file. */
#include "scenario/target_internal.h"
#include <stddef.h>

#define URL_MAX 200u

/* ---- endpoints ---- */

/* It stands in command lines of the shell, too: nothing that means something there. */
static int read_url(struct reader *r, const struct tree_node *node, node_id id)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~:/[]";
    struct target_draft *draft = r->context;
    const char *url;
    int result = read_text(r, node, &url);
    if (result != 0)
        return result;
    size_t scheme = strncmp(url, "http://", 7) == 0    ? 7
                    : strncmp(url, "https://", 8) == 0 ? 8
                                                       : 0;
    size_t length = strlen(url);
    while (scheme > 0 && length > scheme && url[length - 1] == '/')
        length--;
    if (scheme == 0 || length <= scheme || length > URL_MAX || url[strspn(url, plain)] != '\0')
        return reader_fail(r, node, ERR_INPUT,
                           "\"%.80s\", expected a URL such as https://10.0.0.5:10001", url);
    draft->target->urls[id] = region_text(r->region, url, length);
    return 0;
}

static int read_tier(struct reader *r, const struct tree_node *node, enum node_kind kind)
{
    const struct cluster *cluster = &draft_of(r)->scenario->cluster;
    int result = expect_kind(r, node, TREE_LIST, "a list of URLs");
    for (uint32_t i = 0; i < node->count && result == 0; i++)
        result = read_url(r, node->items[i], cluster_node(cluster, kind, i));
    return result;
}

int target_read_controllers(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    return read_tier(r, node, NODE_CONTROLLER);
}

int target_read_schedulers(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    return read_tier(r, node, NODE_SCHEDULER);
}

int target_read_invokers(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    return read_tier(r, node, NODE_INVOKER);
}

/* ---- commands ---- */

#define COMMAND(text, which, sample, says)                                                     \
    {                                                                                          \
        .key = text, .type = SCHEMA_TEXT,                                                      \
        .offset = (uint32_t)(offsetof(struct target, commands) + (which) * sizeof(char *)),    \
        .example = sample, .about = says                                                       \
    }

static int read_edge_url(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    return read_url(r, node, cluster_node(&draft_of(r)->scenario->cluster, NODE_EDGE, 0));
}

static const struct schema_field edge_fields[] = {
    {.key = "url",
     .type = SCHEMA_OTHER,
     .required = true,
     .read = read_edge_url,
     .form = "text",
     .example = "https://api.example.com",
     .about = "Where clients invoke."},
    COMMAND("add", TARGET_EDGE_ADD, "./edge add {name}",
            "Puts a controller into the edge's list and reloads it."),
    COMMAND("remove", TARGET_EDGE_REMOVE, "./edge remove {name}", "Takes one out."),
};
const struct schema target_edge_schema = {
    .name = "edge", .fields = edge_fields, .field_count = SCHEMA_COUNT_OF(edge_fields)};

int target_read_edge(struct reader *r, const struct tree_node *node, void *target)
{
    return schema_read(r, &target_edge_schema, node, ((struct target_draft *)target)->target);
}

static const struct schema_field commands_fields[] = {
    COMMAND("stop", TARGET_STOP, "ssh {name} docker stop {name}", "Done when it is down."),
    COMMAND("start", TARGET_START, "ssh {name} docker start {name}",
            "Done when it begins to boot; that it listens is asked of its `/ping`."),
    COMMAND("pull", TARGET_PULL, "ssh {name} docker pull openwhisk/{kind}",
            "Without it the step is done at once."),
    COMMAND("remove-containers", TARGET_REMOVE_CONTAINERS,
            "ssh {name} 'docker rm -f $(docker ps -qf name=wsk)'", "The same."),
    {.key = "within",
     .type = SCHEMA_DURATION,
     .width = 8,
     .offset = (uint32_t)offsetof(struct target, command_within),
     .min = SEC(1),
     .max = MINUTES(60),
     .fallback = MINUTES(5),
     .example = "5m",
     .about = "A command that takes longer is killed and has failed."},
};
const struct schema target_commands_schema = {
    .name = "commands",
    .fields = commands_fields,
    .field_count = SCHEMA_COUNT_OF(commands_fields),
    .about =
        "Run by `/bin/sh -c` in the folder of `rollcage validate`, output to its stderr; exit "
        "status 0 is done. `{name}` is the instance (`scheduler1`), `{kind}` its tier, "
        "`{index}` its number, `{url}` its URL; also in the variables ROLLCAGE_NODE, "
        "ROLLCAGE_KIND, ROLLCAGE_INDEX, ROLLCAGE_URL. Of the edge's two the instance is the "
        "controller."};

int target_read_commands(struct reader *r, const struct tree_node *node, void *target)
{
    return schema_read(r, &target_commands_schema, node,
                       ((struct target_draft *)target)->target);
}

bool target_expand(const struct target *self, const char *command, node_id node, char *text,
                   size_t size)
{
    const struct node_info *info = &self->scenario.cluster.nodes[node];
    char index[12];
    snprintf(index, sizeof index, "%u", info->index);
    const struct {
        const char *name, *value;
    } places[] = {{"{name}", info->name},
                  {"{kind}", node_kind_to_string(info->kind)},
                  {"{index}", index},
                  {"{url}", self->urls[node]}};
    size_t length = 0;
    while (*command != '\0' && length + 1 < size) {
        size_t i = 0, count = sizeof places / sizeof places[0];
        while (i < count && strncmp(command, places[i].name, strlen(places[i].name)) != 0)
            i++;
        if (i == count) {
            text[length++] = *command++;
            continue;
        }
        length += (size_t)snprintf(text + length, size - length, "%s", places[i].value);
        command += strlen(places[i].name);
    }
    if (length >= size)
        return false;
    text[length] = '\0';
    return *command == '\0';
}

/* ---- TLS ---- */

#define TLS(key_text, member, sample, says)                                                    \
    {                                                                                          \
        .key = key_text, .type = SCHEMA_TEXT,                                                  \
        .offset = (uint32_t)offsetof(struct target, member), .example = sample, .about = says  \
    }

static const struct schema_field tls_fields[] = {
    TLS("ca", ca_file, "ca.pem", "Authorities that are trusted; else the system's."),
    TLS("certificate", cert_file, "client.pem", "The client's own, with `key`."),
    TLS("key", key_file, "client.key", "Its key."),
    {.key = "unverified",
     .type = SCHEMA_BOOL,
     .width = 1,
     .offset = (uint32_t)offsetof(struct target, is_unverified),
     .fallback = 0,
     .example = "true",
     .about = "Take any certificate, as `curl -k` does."},
};
const struct schema target_tls_schema = {.name = "tls",
                                         .fields = tls_fields,
                                         .field_count = SCHEMA_COUNT_OF(tls_fields),
                                         .about = "Of all URLs. Files from the target's "
                                                  "folder, PEM."};

static int find_file(struct reader *r, const struct tree_node *node, const char *key,
                     const char **name)
{
    char *bytes;
    size_t length;
    if (*name == NULL)
        return 0;
    *name = path_from(r->region, draft_of(r)->scenario->path, *name);
    if (file_read(r->region, *name, TREE_BYTES_MAX, &bytes, &length, r->err) == 0)
        return 0;
    return reader_fail(r, tree_get(node, key), ERR_FILE,
                       "%.200s cannot be read, expected a PEM file", *name);
}

int target_read_tls(struct reader *r, const struct tree_node *node, void *target)
{
    struct target *self = ((struct target_draft *)target)->target;
    int result = schema_read(r, &target_tls_schema, node, self);
    self->has_tls = 1;
    if (result == 0 && self->is_unverified && self->ca_file != NULL)
        return reader_fail(r, node, ERR_INPUT, "ca beside unverified, expected one of them");
    if (result == 0 && (self->cert_file == NULL) != (self->key_file == NULL))
        return reader_fail(r, node, ERR_INPUT,
                           "one of certificate and key, expected both or none");
    if (result == 0)
        result = find_file(r, node, "ca", &self->ca_file);
    if (result == 0)
        result = find_file(r, node, "certificate", &self->cert_file);
    return result == 0 ? find_file(r, node, "key", &self->key_file) : result;
}

/* ---- what is looked at ---- */

static const struct schema_field observe_fields[] = {
    {.key = "record-within",
     .type = SCHEMA_DURATION,
     .width = 8,
     .offset = (uint32_t)offsetof(struct target, record_within),
     .min = SEC(1),
     .max = MINUTES(60),
     .fallback = MINUTES(5),
     .example = "5m",
     .about = "An accepted activation that has no record by then is lost."},
    {.key = "ping-every",
     .type = SCHEMA_DURATION,
     .width = 8,
     .offset = (uint32_t)offsetof(struct target, ping_every),
     .min = MSEC(100),
     .max = MINUTES(5),
     .fallback = SEC(1),
     .example = "1s",
     .about = "How often each instance's `/ping` is asked, for `capacity-floor`."},
};
const struct schema target_observe_schema = {.name = "observe",
                                             .fields = observe_fields,
                                             .field_count = SCHEMA_COUNT_OF(observe_fields)};

int target_read_observe(struct reader *r, const struct tree_node *node, void *target)
{
    return schema_read(r, &target_observe_schema, node,
                       ((struct target_draft *)target)->target);
}
