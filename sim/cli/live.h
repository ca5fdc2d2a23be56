#pragma once
/*
 * live.h - what run, serve, exec and validate share of the live host: their options, and the
 * host of one run.
 *
 * In a build without the network libraries (WITH_LIVE=OFF) live_check says so; nothing else is
 * called then.
 */
#include "cli/session.h"

struct live_options {
    uint64_t speed; /* 0: not given, 1 */
    bool upstream_ports;
    const char *etcd, *kafka, *edge, *listen;
};
#define LIVE_USAGE                                                                             \
    "[--speed F] [--ports upstream] [--etcd URL] [--kafka BOOTSTRAP] [--edge URL]"
#define LIVE_OPTIONS                                                                           \
    "  --speed F          every duration is divided by F; not with an etcd or a broker of\n"   \
    "                     somebody else, whose own timers do not scale\n"                      \
    "  --ports upstream   the ports of upstream's deployment: 10001, 12001, 14001, ...\n"      \
    "  --etcd URL         an etcd of your own (v3 JSON interface), empty under whisk/\n"       \
    "  --kafka HOST:PORT  a broker of your own\n"                                              \
    "  --edge URL         an edge of your own in front of the controllers\n"                   \
    "  --no-history       keep no records for history.jsonl: memory of a long run stays "      \
    "flat\n"

/* Takes the next argument if it is one of these options: true. *ret_error: one line of what is
 * wrong with it, else NULL. *ret_value as cli_option's. */
bool live_option(struct live_options *self, struct cli_args *args, const char **ret_value,
                 const char **ret_error);
/* What goes together, and whether this build can: 0 or an exit code after a line on stderr. */
int live_check(const struct cli_command *command, const struct live_options *self);
/* As a command line has them, with `--host live` for run. */
void live_options_text(const struct live_options *self, bool is_run, char *text, size_t size);

struct live_run;
/* What a command does while the host runs. */
struct live_hooks {
    void *context;
    /* The host is open, its ports are bound; false: it could not be done, err says why. */
    bool (*opened)(void *context, struct host *host, struct errmsg *err);
    bool (*is_held)(void *context); /* NULL: the run ends when nothing is owed */
    void (*closing)(void *context, struct host *host); /* may be NULL */
};
/*
 * A host for session.host. The scenario's cluster gets spare actions for clients to create, and
 * must not be used before. hooks: copied, may be NULL.
 */
struct live_run *live_run_new(const struct live_options *options, struct scenario *scenario,
                              const struct live_hooks *hooks);
void live_run_free(struct live_run *self);
const struct run_host *live_run_host(const struct live_run *self);
