/*
 * tenant_isolation.c - an activation runs, or its keys are written, under another invocation
 * namespace.
 *
 * A container belongs to the namespace for which it was made, a creation to the one whose
 * queue ordered it.
 */
#include "check/check_internal.h"

struct tenant_creation { /* by creation */
    namespace_id ns;
};
struct tenants {
    struct table creations; /* ordered and not done */
};

static void tenant_begin(void *self, const struct check_context *ctx)
{
    struct tenants *tenants = self;
    table_init(&tenants->creations, ctx->arena, sizeof(struct tenant_creation));
}

static const char *tenant(const struct check_context *ctx, namespace_id ns)
{
    return cluster_namespace_name(ctx->world->cluster, ns);
}

static void tenant_on_run(const struct check_context *ctx, const struct record *r)
{
    const struct ledger_activation *a = ledger_activation(ctx->ledger, r->activation);
    const struct ledger_thing *container = ledger_container(ctx->ledger, r->container);
    if (a == NULL || container == NULL)
        return;
    check_applies(ctx);
    if (container->ns == a->ns)
        return;
    struct violation v = violation_of(r);
    check_report(ctx, &v, "the activation of %s for namespace %s runs in a container of %s",
                 check_action(ctx, a->action), tenant(ctx, a->ns), tenant(ctx, container->ns));
}

static void tenant_on_key(const struct tenants *tenants, const struct check_context *ctx,
                          const struct record *r)
{
    namespace_id owner = r->key.ns;
    if (r->key.family == KEY_EXISTING || r->key.family == KEY_WARMED)
        /* The ledger knows it by this key, and one that nobody made as the key's own. */
        owner = ledger_container(ctx->ledger, r->key.id)->ns;
    else if (r->key.family == KEY_IN_PROGRESS) {
        const struct tenant_creation *creation = table_find(&tenants->creations, r->key.id, 0);
        owner = creation != NULL ? creation->ns : r->key.ns;
    } else
        return;
    check_applies(ctx);
    if (owner == r->key.ns)
        return;
    char text[160];
    struct violation v = violation_of(r);
    v.key = r->key;
    v.action = r->key.action;
    (void)key_print(ctx->world->cluster, &r->key, text, sizeof text);
    check_report(ctx, &v, "key %s is of namespace %s, what it names belongs to %s", text,
                 tenant(ctx, r->key.ns), tenant(ctx, owner));
}

static void tenant_on_record(void *self, const struct check_context *ctx,
                             const struct record *r)
{
    struct tenants *tenants = self;
    if (r->kind == RECORD_RUN_STARTED)
        tenant_on_run(ctx, r);
    else if (r->kind == RECORD_KEY_PUT)
        tenant_on_key(tenants, ctx, r);
    else if (r->creation != 0) {
        struct tenant_creation *creation = table_find(&tenants->creations, r->creation, 0);
        if (r->kind == RECORD_CREATION_DONE && creation != NULL)
            table_remove(&tenants->creations, r->creation, 0);
        else if (r->kind == RECORD_CREATION_ORDERED && creation == NULL) {
            creation = table_add(&tenants->creations, r->creation, 0);
            creation->ns = r->ns;
        }
    }
}

const struct check_ops check_tenant_isolation = {
    .name = "tenant-isolation",
    .size = sizeof(struct tenants),
    .kinds = (const uint16_t[]){RECORD_RUN_STARTED, RECORD_KEY_PUT, RECORD_CREATION_ORDERED,
                                RECORD_CREATION_DONE, RECORD_NONE},
    .begin = tenant_begin,
    .on_record = tenant_on_record,
};
