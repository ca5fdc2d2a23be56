/* target_secrets.c - credentials of the three tiers and of the namespaces. */
#include "scenario/target_internal.h"
#include <stddef.h>

#define SECRET_BYTES_MAX 4096u

struct secret { /* one of the three */
    const char *text, *file, *variable;
};

static int from_file(struct reader *r, const struct tree_node *node, const char *name,
                     const char **ret)
{
    char *bytes;
    size_t length;
    const char *path = path_from(r->region, draft_of(r)->scenario->path, name);
    int result = file_read(r->region, path, SECRET_BYTES_MAX, &bytes, &length, r->err);
    if (result != 0)
        return reader_fail(r, node, ERR_FILE,
                           "%.200s cannot be read, expected a file with the secret", path);
    bytes[strcspn(bytes, "\r\n")] = '\0';
    *ret = bytes;
    return 0;
}

static int from_environment(struct reader *r, const struct tree_node *node, const char *name,
                            const char **ret)
{
    const struct target_draft *draft = r->context;
    const char *value =
        draft->options->environment == NULL ? NULL : draft->options->environment(name);
    if (value == NULL)
        return reader_fail(r, node, ERR_INPUT,
                           "%.80s is not set, expected the secret in this variable", name);
    *ret = region_text(r->region, value, strlen(value));
    return 0;
}

/* Never printed, whatever is wrong with it. */
static int secret_get(struct reader *r, const struct tree_node *node, const char *what,
                      const struct secret *secret, const char **ret)
{
    int given = (secret->text != NULL) + (secret->file != NULL) + (secret->variable != NULL);
    int result = 0;
    if (given != 1)
        return reader_fail(r, node, ERR_INPUT,
                           "%s of %s, expected one of %s, %s-file and %s-env",
                           given == 0 ? "none" : "more than one", what, what, what, what);
    *ret = secret->text;
    if (secret->file != NULL)
        result = from_file(r, node, secret->file, ret);
    else if (secret->variable != NULL)
        result = from_environment(r, node, secret->variable, ret);
    if (result == 0 && (strlen(*ret) == 0 || strlen(*ret) > 240))
        result = reader_fail(r, node, ERR_INPUT, "%s, expected 1 to 240 characters", what);
    return result;
}

/* ---- tiers ---- */

struct login {
    const char *user;
    struct secret password;
};
#define LOGIN(member) .type = SCHEMA_TEXT, .offset = (uint32_t)offsetof(struct login, member)

static const struct schema_field login_fields[] = {
    {.key = "user",
     LOGIN(user),
     .required = true,
     .example = "controller.user",
     .about = "Of the tier's admin routes."},
    {.key = "password",
     LOGIN(password.text),
     .example = "controller.pass",
     .about = "In the file itself; or one of the next two."},
    {.key = "password-file",
     LOGIN(password.file),
     .example = "controller.secret",
     .about = "The first line of this file, from the target's folder."},
    {.key = "password-env",
     LOGIN(password.variable),
     .example = "CONTROLLER_PASSWORD",
     .about = "An environment variable of `rollcage validate`."},
};
const struct schema target_login_schema = {.name = "credentials of a tier",
                                           .fields = login_fields,
                                           .field_count = SCHEMA_COUNT_OF(login_fields),
                                           .about = "Basic credentials."};

static schema_read_fn read_controller, read_scheduler, read_invoker;

#define TIER(text, reader)                                                                     \
    {                                                                                          \
        .key = text, .type = SCHEMA_OTHER, .read = reader, .form = "mapping",                  \
        .example = "{ user: " text ".user, password-env: PASSWORD }",                          \
        .about = "Wanted if a step of the procedure signs in there (`auth: own`)."             \
    }
static const struct schema_field credentials_fields[] = {
    TIER("controller", read_controller),
    TIER("scheduler", read_scheduler),
    TIER("invoker", read_invoker),
};
const struct schema target_credentials_schema = {.name = "credentials",
                                                 .fields = credentials_fields,
                                                 .field_count =
                                                     SCHEMA_COUNT_OF(credentials_fields)};

static int read_login(struct reader *r, const struct tree_node *node, enum node_kind kind)
{
    struct target_draft *draft = r->context;
    struct login login = {0};
    const char *password = NULL;
    int result = schema_read(r, &target_login_schema, node, &login);
    if (result == 0)
        result = secret_get(r, node, "password", &login.password, &password);
    if (result == 0 && (strlen(login.user) > 240 || strchr(login.user, ':') != NULL))
        result = reader_fail(r, node, ERR_INPUT,
                             "user, expected at most 240 characters without a colon");
    draft->target->users[kind] = login.user;
    draft->target->passwords[kind] = password;
    return result;
}

static int read_controller(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    return read_login(r, node, NODE_CONTROLLER);
}

static int read_scheduler(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    return read_login(r, node, NODE_SCHEDULER);
}

static int read_invoker(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    return read_login(r, node, NODE_INVOKER);
}

int target_read_credentials(struct reader *r, const struct tree_node *node, void *target)
{
    return schema_read(r, &target_credentials_schema, node, target);
}

/* ---- namespaces ---- */

struct signed_namespace {
    struct namespace_info info;
    struct secret auth;
};
#define SIGNED(member) .offset = (uint32_t)offsetof(struct signed_namespace, member)

static const struct schema_field namespace_fields[] = {
    {.key = "auth",
     .type = SCHEMA_TEXT,
     SIGNED(auth.text),
     .example = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12C",
     .about = "Uuid and key, as in `.wskprops`; or one of the next two."},
    {.key = "auth-file",
     .type = SCHEMA_TEXT,
     SIGNED(auth.file),
     .example = "auth.guest",
     .about = "The first line of this file, from the target's folder."},
    {.key = "auth-env",
     .type = SCHEMA_TEXT,
     SIGNED(auth.variable),
     .example = "GUEST_AUTH",
     .about = "An environment variable of `rollcage validate`."},
    {.key = "invocations-per-minute",
     .type = SCHEMA_COUNT,
     .width = 8,
     SIGNED(info.invocations_per_minute),
     .max = 1000000000,
     .fallback = 60,
     .example = "1000000",
     .about = "As the cluster has it: a 429 above it is no failure."},
    {.key = "concurrent-invocations",
     .type = SCHEMA_COUNT,
     .width = 8,
     SIGNED(info.concurrent_invocations),
     .max = 1000000000,
     .fallback = 30,
     .example = "1000",
     .about = "The same."},
};
const struct schema target_namespace_schema = {
    .name = "a namespace",
    .fields = namespace_fields,
    .field_count = SCHEMA_COUNT_OF(namespace_fields),
    .about = "The key is its name. `whisk.system` may be there for the steps of a procedure "
             "that invoke one of its actions."};

static int read_namespace(struct reader *r, const struct tree_node *key,
                          const struct tree_node *value)
{
    struct target_draft *draft = r->context;
    struct signed_namespace given = {0};
    const char *auth = NULL;
    bool is_system = strcmp(key->text, "whisk.system") == 0;
    int result = schema_read(r, &target_namespace_schema, value, &given);
    if (result == 0)
        result = secret_get(r, value, "auth", &given.auth, &auth);
    if (result == 0 && strchr(auth, ':') == NULL)
        result = reader_fail(r, value, ERR_INPUT, "auth without a colon, expected uuid:key");
    if (result != 0)
        return result;
    if (is_system) {
        draft->target->system_auth = auth;
        return 0;
    }
    struct namespace_info *ns = draft_open_namespace(r, key);
    if (ns == NULL)
        return -ERR_INPUT;
    ns->invocations_per_minute = given.info.invocations_per_minute;
    ns->concurrent_invocations = given.info.concurrent_invocations;
    ns->fires_per_minute = given.info.fires_per_minute;
    ns->payload_max = given.info.payload_max;
    draft->target->auths[draft->draft.scenario->cluster.namespace_count - 1] = auth;
    return 0;
}

int target_read_namespaces(struct reader *r, const struct tree_node *node, void *target)
{
    (void)target;
    int result = expect_kind(r, node, TREE_MAP, "a mapping of names to namespaces");
    for (uint32_t i = 0; i < node->count && result == 0; i++)
        result = read_namespace(r, node->keys[i], node->items[i]);
    return result;
}
