/*
 * etcd_gateway_print.c - the pieces of which answers are made.
 */
#include "etcd/etcd_gateway_internal.h"

#define TERM_FIRST 2u /* of a member that elects itself; each start is an election */

uint64_t gateway_term(const struct etcd *etcd)
{
    return TERM_FIRST + etcd->env->incarnation;
}

void gateway_print_header(struct gateway_out *out, const struct etcd *etcd, uint64_t revision)
{
    gateway_out_open(out, "header", '{');
    gateway_out_number(out, "cluster_id", GATEWAY_CLUSTER_ID);
    gateway_out_number(out, "member_id", GATEWAY_MEMBER_ID);
    gateway_out_number(out, "revision", revision);
    gateway_out_number(out, "raft_term", gateway_term(etcd));
    gateway_out_close(out, '}');
}

void gateway_print_kv(struct gateway_out *out, const struct etcd *etcd, const char *name,
                      const struct etcd_version *version, bool keys_only)
{
    char text[ETCD_TEXT_MAX];
    gateway_out_open(out, name, '{');
    gateway_out_bytes(out, "key", etcd_entry_text(version->entry));
    gateway_out_number(out, "create_revision", version->create_revision);
    gateway_out_number(out, "mod_revision", version->revision);
    gateway_out_number(out, "version", version->version);
    if (!version->deleted && !keys_only)
        gateway_out_bytes(out, "value", etcd_version_value(&etcd->store, version, text));
    gateway_out_signed(out, "lease", (int64_t)version->lease);
    gateway_out_close(out, '}');
}

void gateway_print_kvs(struct gateway_out *out, const struct etcd *etcd, const char *name,
                       const struct etcd_listing *list, bool keys_only)
{
    if (list->length == 0)
        return;
    gateway_out_open(out, name, '[');
    for (uint32_t i = 0; i < list->length; i++)
        gateway_print_kv(out, etcd, NULL, list->versions[i], keys_only);
    gateway_out_close(out, ']');
}

void gateway_print_event(struct gateway_out *out, const struct etcd *etcd,
                         const struct etcd_version *version, bool prev_kv)
{
    gateway_out_open(out, NULL, '{');
    if (version->deleted)
        gateway_out_string(out, "type", "DELETE");
    gateway_print_kv(out, etcd, "kv", version, false);
    if (prev_kv && version->older != NULL) /* compacted away: none */
        gateway_print_kv(out, etcd, "prev_kv", version->older, false);
    gateway_out_close(out, '}');
}

void gateway_print_error(struct gateway_out *out, const struct gateway_error *error)
{
    char code[24];
    gateway_out_open(out, NULL, '{');
    gateway_out_string(out, "error", error->text);
    gateway_out_string(out, "message", error->text);
    snprintf(code, sizeof code, ",\"code\":%u", error->code);
    gateway_out_add(out, code);
    gateway_out_close(out, '}');
}

/* runtime/errors.go, HTTPStatusFromCode, for the codes that occur. */
unsigned gateway_http_status(unsigned code)
{
    switch (code) { /* a number of gRPC, not an enum of ours */
    case 3:         /* INVALID_ARGUMENT */
    case 11:        /* OUT_OF_RANGE */
        return 400;
    case 5: /* NOT_FOUND */
        return 404;
    case CODE_PRECONDITION:
        return 412;
    case CODE_UNIMPLEMENTED:
        return 501;
    default:
        return 500;
    }
}

bool gateway_refuse(struct gateway_context *c, enum etcd_error error)
{
    c->error.code = etcd_error_code(error);
    return GATEWAY_FAIL(&c->error, "%s", etcd_error_to_string(error));
}
