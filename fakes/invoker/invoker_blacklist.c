/*
 * invoker_blacklist.c - NamespaceBlacklist: whose activations are answered without being run.
 *
 * Upstream reads one view of all blocked subjects, at once and each `poll-interval`; here each
 * namespace that will ever be blocked is asked for. A read that fails changes nothing.
 * Source: NamespaceBlacklist.scala, FPCInvokerReactive.scala:137-144 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

static void blacklist_read(struct invoker *self, struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    for (uint32_t ns = 0; ns < c->namespace_count; ns++) {
        if (c->namespaces[ns].blocked_from == 0)
            continue;
        struct creation what = {.action = ACTION_NONE, .ns = (namespace_id)ns};
        invoker_read(self, CALLBACK_MAIN_ID, CALL_BLACKLIST, ns, DOCUMENT_IDENTITY, &what, fx);
    }
}

void invoker_blacklist_start(struct invoker *self, struct effects *fx)
{
    const struct cluster *c = self->env->cluster;
    uint32_t ns = 0;
    while (ns < c->namespace_count && c->namespaces[ns].blocked_from == 0)
        ns++;
    if (ns == c->namespace_count)
        return;
    self->blocked = arena_alloc(self->env->arena, self->env->node, c->namespace_count);
    self->blacklist.kind = TIMER_BLACKLIST;
    self->blacklist.actor = CALLBACK_MAIN_ID;
    invoker_blacklist_on_timer(self, fx);
}

void invoker_blacklist_on_timer(struct invoker *self, struct effects *fx)
{
    timers_arm(&self->timers, fx, &self->blacklist, self->config->blacklist_interval_ns, true);
    blacklist_read(self, fx);
}

void invoker_blacklist_on_read(struct invoker *self, namespace_id ns, const struct message *m)
{
    ASSERT(self->blocked != NULL && ns < self->env->cluster->namespace_count);
    if (m->kind == MSG_DATABASE_DOCUMENT && m->u.database.result == DOCUMENT_FOUND)
        self->blocked[ns] = m->u.database.response != 0;
}

bool invoker_blacklist_has(const struct invoker *self, namespace_id ns)
{
    return self->blocked != NULL && ns < self->env->cluster->namespace_count &&
           self->blocked[ns] != 0;
}
