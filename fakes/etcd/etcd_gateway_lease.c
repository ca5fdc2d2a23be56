/*
 * etcd_gateway_lease.c - leases; keep-alives that wait for the revoke of a dead lease.
 */
#include "etcd/etcd_gateway_internal.h"
#include <string.h>

static void begin(struct gateway_context *c)
{
    gateway_out_open(&c->out, NULL, '{');
    gateway_print_header(&c->out, c->etcd, c->etcd->store.revision);
}

static bool end(struct gateway_context *c)
{
    gateway_out_close(&c->out, '}');
    return true;
}

bool gateway_on_grant(struct gateway_context *c, const void *message)
{
    const struct gateway_grant *m = message;
    const struct etcd_lease *lease = NULL;
    enum etcd_error error =
        etcd_grant(c->etcd, c->fx, (uint64_t)m->id, m->ttl, c->request->from, &lease);
    if (error != ETCD_ERROR_NONE)
        return gateway_refuse(c, error);
    begin(c);
    gateway_out_signed(&c->out, "ID", (int64_t)lease->id);
    gateway_out_number(&c->out, "TTL", lease->ttl_s);
    return end(c);
}

bool gateway_on_revoke(struct gateway_context *c, const void *message)
{
    const struct gateway_lease *m = message;
    enum etcd_error error = etcd_revoke(c->etcd, c->fx, (uint64_t)m->id);
    if (error != ETCD_ERROR_NONE)
        return gateway_refuse(c, error);
    begin(c);
    return end(c);
}

bool gateway_on_ttl(struct gateway_context *c, const void *message)
{
    const struct gateway_ttl *m = message;
    struct etcd_ttl ttl = etcd_time_to_live(c->etcd, (uint64_t)m->id, c->fx->at);
    begin(c);
    gateway_out_signed(&c->out, "ID", m->id);
    gateway_out_signed(&c->out, "TTL", ttl.ttl_s);
    gateway_out_number(&c->out, "grantedTTL", ttl.granted_s);
    if (m->keys && ttl.key_count > 0) {
        gateway_out_open(&c->out, "keys", '[');
        for (uint32_t i = 0; i < ttl.key_count; i++)
            gateway_out_element(&c->out, etcd_entry_text(ttl.keys[i]));
        gateway_out_close(&c->out, ']');
    }
    return end(c);
}

/* The one that ends next behind (deadline, id); they are listed in that order (lessor.go,
 * leasesByExpiry). */
static const struct etcd_lease *lease_after(const struct etcd_leases *leases,
                                            const struct etcd_lease *last)
{
    const struct etcd_lease *best = NULL;
    for (uint32_t i = 0; i < leases->count; i++) {
        const struct etcd_lease *lease = leases->sorted[i];
        bool is_behind = last == NULL || lease->deadline > last->deadline ||
                         (lease->deadline == last->deadline && lease->id > last->id);
        if (is_behind && (best == NULL || lease->deadline < best->deadline))
            best = lease;
    }
    return best;
}

bool gateway_on_leases(struct gateway_context *c, const void *message)
{
    const struct etcd_leases *leases = &c->etcd->leases;
    const struct etcd_lease *lease = NULL;
    (void)message;
    begin(c);
    if (leases->count > 0)
        gateway_out_open(&c->out, "leases", '[');
    while ((lease = lease_after(leases, lease)) != NULL) {
        gateway_out_open(&c->out, NULL, '{');
        gateway_out_signed(&c->out, "ID", (int64_t)lease->id);
        gateway_out_close(&c->out, '}');
    }
    if (leases->count > 0)
        gateway_out_close(&c->out, ']');
    return end(c);
}

static void call_print(struct etcd *etcd, struct gateway_call *call, uint64_t ttl_s)
{
    struct gateway_out *out = &call->lines;
    gateway_out_open(out, NULL, '{');
    gateway_out_open(out, "result", '{');
    gateway_print_header(out, etcd, etcd->store.revision);
    gateway_out_signed(out, "ID", (int64_t)call->leases[call->next]);
    gateway_out_number(out, "TTL", ttl_s);
    gateway_out_close(out, '}');
    gateway_out_close(out, '}');
    gateway_out_add(out, "\n");
    call->next++;
}

/* One keep-alive after the other, as the server takes them from its stream. False: the next
 * one has to wait. */
static bool call_run(struct etcd *etcd, struct gateway_call *call, struct effects *fx)
{
    while (call->next < call->count) {
        uint64_t id = call->leases[call->next];
        const struct etcd_lease *lease = etcd_lease_find(&etcd->leases, id);
        if (lease != NULL && etcd_lease_is_dead(lease, fx->at))
            return false;
        call_print(etcd, call, etcd_keepalive(etcd, fx, id));
    }
    return true;
}

void gateway_call_free(const struct machine_env *env, struct gateway_call *call)
{
    gateway_out_free(&call->lines);
    arena_release(env->arena, call->leases);
    arena_release(env->arena, call);
}

static void call_answer(struct etcd *etcd, struct gateway_call *call, struct effects *fx)
{
    struct message *reply = gateway_reply_head(&call->request, etcd, fx);
    reply->u.http_reply.body = gateway_out_finish(&call->lines);
    gateway_call_free(etcd->env, call);
}

/* All that the body holds; what cannot be read ends it, and is an error only at its begin. */
static bool call_read(struct gateway_context *c, struct gateway_call *call)
{
    struct gateway_body body = {c->body, 0};
    struct etcd_text value;
    uint32_t max = 0;
    for (;;) {
        struct gateway_lease m = {0};
        enum gateway_next next = gateway_body_next(&body, &value, &c->error);
        if (next == GATEWAY_END)
            return true;
        if (next == GATEWAY_BAD ||
            !gateway_message_read(&gateway_lease_message, value, &c->memory, &m, &c->error))
            return call->count > 0;
        if (call->count == max) {
            max = max == 0 ? 8 : max * 2;
            call->leases = arena_grow(c->etcd->env->arena, c->etcd->env->node, call->leases,
                                      max * sizeof call->leases[0]);
        }
        call->leases[call->count++] = (uint64_t)m.id;
    }
}

void gateway_on_keepalive(struct gateway_context *c)
{
    const struct machine_env *env = c->etcd->env;
    struct etcd_gateway *gateway = &c->etcd->gateway;
    struct gateway_call *call = arena_alloc(env->arena, env->node, sizeof *call);
    call->request = *c->request;
    memset(&call->request.u, 0, sizeof call->request.u); /* its blobs are the host's */
    call->lines.env = env;
    if (!call_read(c, call)) {
        gateway_call_free(env, call);
        gateway_stream_failed(c);
        return;
    }
    if (call_run(c->etcd, call, c->fx)) {
        call_answer(c->etcd, call, c->fx);
        return;
    }
    if (gateway->call_count == gateway->call_max) {
        gateway->call_max = gateway->call_max == 0 ? 8 : gateway->call_max * 2;
        gateway->calls = arena_grow(env->arena, env->node, gateway->calls,
                                    gateway->call_max * sizeof gateway->calls[0]);
    }
    gateway->calls[gateway->call_count++] = call;
}

void etcd_gateway_revoked(struct etcd *self, uint64_t lease, struct effects *fx)
{
    struct etcd_gateway *gateway = &self->gateway;
    uint32_t kept = 0, cause = fx->cause;
    for (uint32_t i = 0; i < gateway->call_count; i++) {
        struct gateway_call *call = gateway->calls[i];
        fx->cause = call->request.cause;
        if (call->leases[call->next] != lease || !call_run(self, call, fx))
            gateway->calls[kept++] = call;
        else
            call_answer(self, call, fx);
    }
    gateway->call_count = kept;
    fx->cause = cause;
}
