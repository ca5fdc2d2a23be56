/*
 * etcd_gateway_server.c - what a client may ask about the server itself.
 */
#include "etcd/etcd_gateway_internal.h"
#include "core/digest.h"
#include <string.h>

#define VERSION_TEXT "3.4.23"
#define PAGE 4096u
#define PAGES_EMPTY 4u /* of a database without keys, in use; one more is free */
#define INDEX_FIRST 4u /* entries of the log before revision 1: member, version, ... */

static uint64_t database_pages(const struct etcd *etcd)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < etcd->store.index.count; i++) {
        const struct etcd_entry *entry = etcd->store.index.sorted[i];
        for (const struct etcd_version *v = entry->newest; v != NULL; v = v->older)
            bytes += entry->length + v->raw_length + sizeof v->value;
    }
    return PAGES_EMPTY + bytes / PAGE;
}

/* Sizes and indexes only grow and shrink with what they stand for: no disk is behind them. */
bool gateway_on_status(struct gateway_context *c, const void *message)
{
    const struct etcd *etcd = c->etcd;
    uint64_t pages = database_pages(etcd);
    uint64_t index = INDEX_FIRST + etcd->store.revision + etcd->leases.drawn;
    uint64_t term = gateway_term(etcd);
    (void)message;
    gateway_out_open(&c->out, NULL, '{');
    gateway_print_header(&c->out, etcd, etcd->store.revision);
    gateway_out_string(&c->out, "version", VERSION_TEXT);
    gateway_out_number(&c->out, "dbSize", (pages + 1) * PAGE);
    gateway_out_number(&c->out, "leader", GATEWAY_MEMBER_ID);
    gateway_out_number(&c->out, "raftIndex", index);
    gateway_out_number(&c->out, "raftTerm", term);
    gateway_out_number(&c->out, "raftAppliedIndex", index);
    gateway_out_number(&c->out, "dbSizeInUse", pages * PAGE);
    gateway_out_close(&c->out, '}');
    return true;
}

bool gateway_on_hash(struct gateway_context *c, const void *message)
{
    char text[32];
    struct digest digest = {0};
    (void)message;
    etcd_store_digest(&c->etcd->store, &digest);
    gateway_out_open(&c->out, NULL, '{');
    gateway_print_header(&c->out, c->etcd, c->etcd->store.revision);
    snprintf(text, sizeof text, ",\"hash\":%u", (uint32_t)(digest.state >> 32) | 1u);
    gateway_out_add(&c->out, text);
    gateway_out_close(&c->out, '}');
    return true;
}

/* No alarm is ever on: nothing here can run out of space. */
bool gateway_on_alarm(struct gateway_context *c, const void *message)
{
    const struct gateway_alarm *m = message;
    if (m->action == ALARM_ACTIVATE) {
        c->error.code = CODE_UNIMPLEMENTED;
        return GATEWAY_FAIL(&c->error, "alarms are not kept");
    }
    gateway_out_add(&c->out, "{}");
    return true;
}

/* Value of the Host header; length 0: none. */
static struct etcd_text host_of(const struct gateway_context *c)
{
    static const char name[] = "host:";
    const char *at = blob_bytes(c->etcd->env->arena, c->request->u.http_request.headers);
    for (; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n') {
        size_t n = 0;
        while (n < sizeof name - 1 && (at[n] == name[n] || at[n] + 'a' - 'A' == name[n]))
            n++;
        if (n < sizeof name - 1)
            continue;
        at += n + strspn(at + n, " ");
        return (struct etcd_text){at, (uint32_t)strcspn(at, "\r\n")};
    }
    return (struct etcd_text){0};
}

/* The member is reached where the client has just reached it. */
bool gateway_on_members(struct gateway_context *c, const void *message)
{
    struct etcd_text host = host_of(c);
    char url[128];
    (void)message;
    gateway_out_open(&c->out, NULL, '{');
    gateway_print_header(&c->out, c->etcd, 0);
    gateway_out_open(&c->out, "members", '[');
    gateway_out_open(&c->out, NULL, '{');
    gateway_out_number(&c->out, "ID", GATEWAY_MEMBER_ID);
    gateway_out_string(&c->out, "name", "default");
    if (host.length > 0) {
        snprintf(url, sizeof url, "http://%.*s", (int)host.length, host.bytes);
        gateway_out_open(&c->out, "clientURLs", '[');
        gateway_out_string(&c->out, NULL, url);
        gateway_out_close(&c->out, ']');
    }
    gateway_out_close(&c->out, '}');
    gateway_out_close(&c->out, ']');
    gateway_out_close(&c->out, '}');
    return true;
}

bool gateway_on_authenticate(struct gateway_context *c, const void *message)
{
    (void)message;
    c->error.code = CODE_PRECONDITION;
    return GATEWAY_FAIL(&c->error, "etcdserver: authentication is not enabled");
}

void gateway_print_version(struct gateway_out *out)
{
    gateway_out_add(out, "{\"etcdserver\":\"" VERSION_TEXT "\",\"etcdcluster\":\"3.4.0\"}");
}

static void print_metric(struct gateway_out *out, const char *name, const char *about,
                         uint64_t value)
{
    char text[256];
    snprintf(text, sizeof text, "# HELP %s %s\n# TYPE %s gauge\n%s %llu\n", name, about, name,
             name, (unsigned long long)value);
    gateway_out_add(out, text);
}

/* The few that say something of the store; the server has hundreds. */
void gateway_print_metrics(struct gateway_out *out, const struct etcd *etcd)
{
    print_metric(out, "etcd_debugging_mvcc_keys_total", "Total number of keys.",
                 etcd->store.index.count);
    print_metric(out, "etcd_debugging_mvcc_watch_stream_total",
                 "Total number of watch streams.", etcd->gateway.stream_count);
    print_metric(out, "etcd_debugging_mvcc_watcher_total", "Total number of watchers.",
                 etcd->watches.count);
    print_metric(out, "etcd_server_has_leader",
                 "Whether or not a leader exists. 1 is existence, 0 is not.", 1);
    print_metric(out, "etcd_server_is_leader",
                 "Whether or not this member is a leader. 1 if is, 0 otherwise.", 1);
}
