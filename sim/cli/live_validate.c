/*
 * live_validate.c - validate: load, procedure and checks against a cluster that is not ours.
 *
 * The client and the deploy tool run here, everything else is the target's. Before any load is
 * sent the target is asked whether it is there and takes the credentials (live_preflight.h).
 */
#include "cli/live_command.h"
#include "cli/live_preflight.h"
#include "cli/session.h"
#include "live/host_live.h"
#include "report/report.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOOT SEC(1)

struct validate {
    struct session session;
    const char *path, *procedure;
    char procedure_path[PATH_MAX];
    bool has_seed, json;
    uint64_t seed;
    char host_options[SESSION_PATH_SIZE];

    struct target target;
    struct http_tls tls;
    struct host_live_target live;
    struct live_commands *commands;
    struct host *host;
};

/* ---- the host ---- */

static bool order(void *context, node_id node, enum live_order what, void *done_context,
                  void (*done)(void *done_context, bool ok))
{
    static const enum target_command commands[] = {
        [LIVE_ORDER_STOP] = TARGET_STOP,
        [LIVE_ORDER_START] = TARGET_START,
        [LIVE_ORDER_PULL] = TARGET_PULL,
        [LIVE_ORDER_REMOVE_CONTAINERS] = TARGET_REMOVE_CONTAINERS,
        [LIVE_ORDER_EDGE_REMOVE] = TARGET_EDGE_REMOVE,
        [LIVE_ORDER_EDGE_ADD] = TARGET_EDGE_ADD};
    struct validate *self = context;
    return live_commands_begin(self->commands, node, commands[what], done_context, done);
}

static struct host *open_host(void *context, const struct host_world *world, struct errmsg *err)
{
    struct validate *self = context;
    char error[LIVE_ERROR_SIZE] = "";
    struct host_live_config config = {.world = *world, .speed = 1, .target = &self->live};
    self->host = host_live_open(&config, error);
    if (!self->host) {
        errmsg_set(err, ERR_ENVIRONMENT, "%s", error);
        return NULL;
    }
    self->commands = live_commands_new(host_live_loop(self->host), &self->target);
    return self->host;
}

static void close_host(void *context)
{
    struct validate *self = context;
    live_commands_free(self->commands);
    self->commands = NULL;
}

static bool activation_text(void *context, activation_id id, char ret_text[33])
{
    const struct validate *self = context;
    return live_names_text(self->live.names, id, ret_text);
}

static void use_target(struct validate *self)
{
    const struct target *t = &self->target;
    const struct client_config *client = t->scenario.configs[NODE_CLIENT];
    self->tls = (struct http_tls){.ca_file = t->ca_file,
                                  .cert_file = t->cert_file,
                                  .key_file = t->key_file,
                                  .is_unverified = t->is_unverified};
    self->live = (struct host_live_target){.urls = t->urls,
                                           .tls = t->has_tls ? &self->tls : NULL,
                                           .auths = t->auths,
                                           .system_auth = t->system_auth,
                                           .patience = client->patience,
                                           .record_within = t->record_within,
                                           .ping_every = t->ping_every,
                                           .names = live_names_new(),
                                           .context = self,
                                           .order = order};
}

/* ---- the command line ---- */

static int parse(const struct cli_command *command, struct validate *self, int argc,
                 char **argv)
{
    struct cli_args args = {.argc = argc, .argv = argv};
    const char *value = "";
    while (args.at < args.argc && value) {
        if (cli_flag(&args, "--json")) {
            self->json = true;
        } else if (cli_flag(&args, "--history")) {
            self->session.history = true;
        } else if (cli_option(&args, "--seed", &value)) {
            self->has_seed = true;
            if (value && !cli_number(value, &self->seed))
                return cli_usage(command, "--seed wants a whole number, not", value);
        } else if (cli_option(&args, "--procedure", &value)) {
            self->procedure = value;
        } else if (cli_option(&args, "--out", &value)) {
            self->session.out = value;
        } else if (cli_option(&args, "--set", &value)) {
            if (self->session.set_count == SESSION_SETS_MAX)
                return cli_usage(command, "too many --set", NULL);
            self->session.sets[self->session.set_count++] = value;
        } else if (args.argv[args.at][0] == '-' || self->path) {
            return cli_usage(command, "unexpected", args.argv[args.at]);
        } else {
            self->path = args.argv[args.at++];
        }
    }
    if (!value || !self->session.out || !*self->session.out ||
        (self->procedure && !*self->procedure))
        return cli_usage(command, "the last option wants a value", NULL);
    if (!self->path)
        return cli_usage(command, "no target given", NULL);
    return 0;
}

static const char *environment(const char *name)
{
    return getenv(name);
}

/* A path on the command line starts where the command was given, not at the target's file. */
static void place_procedure(struct validate *self)
{
    char quoted[SESSION_PATH_SIZE - 32];
    const char *given = self->procedure;
    bool is_path = given && (strchr(given, '/') || strchr(given, '.'));
    if (given && cli_quote(quoted, sizeof quoted, given))
        snprintf(self->host_options, sizeof self->host_options, " --procedure %s", quoted);
    if (is_path && realpath(given, self->procedure_path))
        self->procedure = self->procedure_path;
}

static int read_target(struct validate *self, struct errmsg *err)
{
    struct target_options options = {.scenario = session_scenario_options(),
                                     .procedure = self->procedure,
                                     .environment = environment};
    options.scenario.sets = self->session.sets;
    options.scenario.set_count = self->session.set_count;
    options.scenario.has_seed = self->has_seed;
    options.scenario.seed = self->seed;
    return target_read(self->path, &options, &self->target, err);
}

static int run(struct validate *self, struct result *result, struct errmsg *err)
{
    const struct scenario *scenario = &self->target.scenario;
    const struct run_host host = {.ops = &host_live_ops,
                                  .name = "target",
                                  .boot = BOOT,
                                  .is_outside = true,
                                  .context = self,
                                  .open = open_host,
                                  .error = host_live_error,
                                  .activation_text = activation_text,
                                  .close = close_host};
    fprintf(stderr, "rollcage %s: %s, hash %016" PRIx64 ", seed %" PRIu64 ", host target\n",
            ROLLCAGE_VERSION, scenario->path, scenario->hash, scenario->seed);
    int status = live_preflight(&self->target, self->live.tls, err);
    if (status != 0)
        return status;
    fprintf(stderr,
            "the target is there and takes the credentials; instances: %u, "
            "namespaces: %u, actions: %u\n",
            scenario->cluster.counts[NODE_CONTROLLER] +
                scenario->cluster.counts[NODE_SCHEDULER] +
                scenario->cluster.counts[NODE_INVOKER],
            scenario->cluster.namespace_count, scenario->cluster.action_count);
    self->session.hosts = HOSTS_LIVE;
    self->session.host = &host;
    self->session.command = "validate";
    self->session.host_options = self->host_options;
    return session_run(&self->session, scenario, result, err);
}

static void tell(const struct validate *self, const struct result *result)
{
    if (self->json)
        report_json_write(result, stdout);
    else
        report_text(result, stdout);
    fflush(stdout);
    if (!result->expected)
        fprintf(stderr, "reproduce: %s\n", result->reproduce);
}

static int validate_run(const struct cli_command *command, int argc, char **argv)
{
    struct validate self = {.session = {.out = "out", .keep = true}};
    struct errmsg err = {0};
    int status = parse(command, &self, argc, argv);
    if (status != 0)
        return status;
    place_procedure(&self);
    session_catch_signals();
    status = read_target(&self, &err);
    if (status != 0) {
        fprintf(stderr, "%s\n", err.text);
        return err_exit(status);
    }
    struct result result;
    result_init(&result);
    use_target(&self);
    status = run(&self, &result, &err);
    if (status != 0)
        fprintf(stderr, "rollcage validate: %s\n", err.text);
    if (*result.version != '\0')
        tell(&self, &result);
    status = status == 0 ? result.exit_code : err_exit(status);
    result_release(&result);
    live_names_free(self.live.names);
    scenario_release(&self.target.scenario);
    return status;
}

const struct cli_command cli_validate = {
    .name = "validate",
    .usage = "TARGET [--procedure P] [--seed N] [--set PATH=VALUE]... [--out DIR] [--history] "
             "[--json]",
    .about = "The same load, procedure and checks on a real cluster, judged from outside.",
    .options =
        "  TARGET             where it is, its credentials, commands, load (docs/scenario.md)\n"
        "  --procedure P      of every deploy entry, over the file's\n"
        "  --seed N           of the load\n"
        "  --set PATH=VALUE   change a key of the target\n"
        "  --out DIR          the result's folder; out\n"
        "  --history          leave history.jsonl also when all checks held\n"
        "  --json             the result as JSON, nothing else on stdout\n",
    .example = "rollcage validate scenarios/targets/served.yaml --procedure guarded",
    .run = validate_run,
};
