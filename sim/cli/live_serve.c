/*
 * live_serve.c - serve: the cluster stays up until a signal; exec: until a command has ended.
 *
 * Then what is under way comes to its end, the checks judge, the result is told as by run. The
 * scenario's own `deploy:` is left to whoever deploys from outside. A second signal ends the
 * program at once.
 */
#include "cli/live.h"
#include "cli/live_control.h"
#include "cli/live_files.h"
#include "report/report.h"
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 10.0 /* for a command that was told to end */

struct served {
    struct session session;
    struct live_options live;
    const char *path, *inventory;
    bool has_seed, json;
    uint64_t seed;
    char host_options[1024];
    char **command; /* exec; NULL: serve */

    struct scenario *scenario;
    struct host *host;
    bool has_ended_load;
    struct live_files files;
    struct live_control *control;
    pid_t child; /* 0: not begun, or over */
    bool is_over;
    double told_at;
    int status; /* of waitpid */
};

static volatile sig_atomic_t released;

static void on_signal(int number)
{
    if (released)
        _exit(128 + number);
    released = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- while it runs ---- */

static void say_where(const struct served *self, const struct host *host)
{
    fprintf(stderr, "edge %s, etcd %s, kafka %s\n", host_live_edge_url(host),
            host_live_etcd_url(host), host_live_bootstrap(host));
    fprintf(stderr,
            "%s/cluster.json has every endpoint and credential; rollcage ctl reads it\n",
            self->session.out);
}

static bool on_opened(void *context, struct host *host, struct errmsg *err)
{
    struct served *self = context;
    char out[1024];
    self->host = host;
    self->files = (struct live_files){.scenario = self->scenario, .host = host};
    self->control = live_control_new(host, &self->files, err);
    if (!self->control)
        return false;
    if (live_files_write(&self->files, self->session.out, self->inventory, err) != 0 ||
        !realpath(self->session.out, out)) {
        live_control_free(self->control);
        return false;
    }
    /* Again, with the folder as a path that holds from anywhere. */
    (void)live_files_write(&self->files, out, self->inventory, err);
    live_files_export(&self->files, out);
    say_where(self, host);
    if (!self->command)
        fprintf(stderr,
                "serving until a signal (SIGINT, SIGTERM); a second one stops at once\n");
    return true;
}

static void on_closing(void *context, struct host *host)
{
    struct served *self = context;
    (void)host;
    live_control_free(self->control);
    self->control = NULL;
}

static void begin_command(struct served *self)
{
    fflush(NULL);
    self->child = fork();
    if (self->child == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        signal(SIGPIPE, SIG_DFL);
        dup2(STDERR_FILENO, STDOUT_FILENO); /* stdout is the result's alone */
        execvp(self->command[0], self->command);
        fprintf(stderr, "rollcage exec: %s: %s\n", self->command[0], strerror(errno));
        _exit(127);
    }
    if (self->child < 0) {
        fprintf(stderr, "rollcage exec: no process for the command: %s\n", strerror(errno));
        self->is_over = true;
    }
}

static void end_command(struct served *self)
{
    double now = cli_wall_seconds();
    if (self->told_at == 0) {
        self->told_at = now;
        kill(self->child, SIGTERM);
    } else if (now - self->told_at > PATIENCE_S) {
        kill(self->child, SIGKILL);
    }
}

/* Asked once a second from scenario time 0 on. */
static bool holds(struct served *self)
{
    if (!self->command)
        return !released;
    if (self->is_over)
        return false;
    if (self->child == 0) {
        if (released)
            return false;
        begin_command(self);
        return !self->is_over;
    }
    if (waitpid(self->child, &self->status, WNOHANG) == self->child) {
        self->child = 0;
        self->is_over = true;
        return false;
    }
    if (released)
        end_command(self);
    return true;
}

/* With whoever deployed gone the load ends too: the cluster is to come to rest. */
static void end_load(struct served *self)
{
    tstamp now = host_live_ops.now(self->host);
    for (uint32_t i = 0; i < self->scenario->load_count; i++) {
        struct load_entry *load = &self->scenario->loads[i];
        duration length = now > load->from ? now - load->from : 0;
        if (length < load->length)
            load->length = length;
        load->call_count = 0;
    }
}

static bool is_held(void *context)
{
    struct served *self = context;
    if (holds(self))
        return true;
    if (!self->has_ended_load)
        end_load(self);
    self->has_ended_load = true;
    return false;
}

/* ---- the command lines ---- */

static int parse(const struct cli_command *self, struct served *served, int argc, char **argv,
                 bool is_exec)
{
    struct cli_args args = {.argc = argc, .argv = argv};
    const char *value = "", *wrong = NULL;
    while (args.at < args.argc && value) {
        if (is_exec && cli_flag(&args, "--")) {
            served->command = argv + args.at;
            break;
        } else if (cli_flag(&args, "--json")) {
            served->json = true;
        } else if (cli_flag(&args, "--history")) {
            served->session.history = true;
        } else if (cli_flag(&args, "--no-history")) {
            served->session.no_history = true;
        } else if (cli_option(&args, "--seed", &value)) {
            served->has_seed = true;
            if (value && !cli_number(value, &served->seed))
                return cli_usage(self, "--seed wants a whole number, not", value);
        } else if (cli_option(&args, "--out", &value)) {
            served->session.out = value;
        } else if (cli_option(&args, "--variant", &value)) {
            served->session.variant = value;
        } else if (cli_option(&args, "--inventory", &value)) {
            served->inventory = value;
        } else if (live_option(&served->live, &args, &value, &wrong)) {
            if (wrong)
                return cli_usage(self, wrong, value);
        } else if (cli_option(&args, "--set", &value)) {
            if (served->session.set_count == SESSION_SETS_MAX)
                return cli_usage(self, "too many --set", NULL);
            served->session.sets[served->session.set_count++] = value;
        } else if (args.argv[args.at][0] == '-' || served->path) {
            return cli_usage(self, "unexpected", args.argv[args.at]);
        } else {
            served->path = args.argv[args.at++];
        }
    }
    if (!value || !served->session.out || !*served->session.out)
        return cli_usage(self, "the last option wants a value", NULL);
    if (!served->path)
        return cli_usage(self, "no scenario given", NULL);
    if (is_exec && (!served->command || !served->command[0]))
        return cli_usage(self, "no command given behind --", NULL);
    return live_check(self, &served->live);
}

static void leave_deployment(const struct served *self, struct scenario *scenario)
{
    struct deployer_config *config = scenario->configs[NODE_DEPLOYER];
    if (scenario->deploy_count > 0)
        fprintf(stderr, "its `deploy:` is left to %s\n",
                self->command ? "the command" : "whoever deploys from outside");
    config->entry_count = 0;
    scenario->deploy_count = 0;
}

static void say_child(const struct served *self)
{
    if (!self->command || self->told_at > 0)
        return;
    if (WIFSIGNALED(self->status))
        fprintf(stderr, "the command was ended by signal %d\n", WTERMSIG(self->status));
    else
        fprintf(stderr, "the command ended with status %d\n", WEXITSTATUS(self->status));
}

static int run_served(struct served *self, struct result *result)
{
    struct scenario scenario;
    struct errmsg err = {0};
    live_options_text(&self->live, false, self->host_options, sizeof self->host_options);
    self->session.hosts = HOSTS_LIVE;
    self->session.host_options = self->host_options;
    self->session.command = self->command ? "exec" : "serve";
    int status = session_read(&self->session, self->path, self->session.variant, self->has_seed,
                              self->seed, &scenario, &err);
    if (status != 0) {
        fprintf(stderr, "%s\n", err.text);
        return err_exit(status);
    }
    fprintf(stderr, "rollcage %s: %s, hash %016" PRIx64 ", seed %" PRIu64 ", host live\n",
            ROLLCAGE_VERSION, scenario.path, scenario.hash, scenario.seed);
    leave_deployment(self, &scenario);
    self->scenario = &scenario;
    struct live_hooks hooks = {
        .context = self, .opened = on_opened, .is_held = is_held, .closing = on_closing};
    struct live_run *live = live_run_new(&self->live, &scenario, &hooks);
    self->session.host = live_run_host(live);
    status = session_run(&self->session, &scenario, result, &err);
    live_run_free(live);
    scenario_release(&scenario);
    if (status == 0)
        return result->exit_code;
    fprintf(stderr, "%s\n", err.text);
    return err_exit(status);
}

static int serve(const struct cli_command *self, int argc, char **argv, bool is_exec)
{
    struct served served = {.session = {.out = "out", .keep = true}};
    int status = parse(self, &served, argc, argv, is_exec);
    if (status != 0)
        return status;
    catch_signals();
    struct result result;
    result_init(&result);
    status = run_served(&served, &result);
    bool has_run = *result.version != '\0';
    if (has_run) {
        say_child(&served);
        if (served.json)
            report_json_write(&result, stdout);
        else
            report_text(&result, stdout);
        fflush(stdout);
        if (!result.expected && !is_exec)
            fprintf(stderr, "reproduce: %s\n", result.reproduce);
        else if (!result.expected)
            fprintf(stderr, "reproduce: %s -- COMMAND\n", result.reproduce);
    }
    result_release(&result);
    return status;
}

static int serve_run(const struct cli_command *self, int argc, char **argv)
{
    return serve(self, argc, argv, false);
}

static int exec_run(const struct cli_command *self, int argc, char **argv)
{
    return serve(self, argc, argv, true);
}

#define SERVED_OPTIONS                                                                         \
    "  --seed N           of the load and of what the nodes draw\n"                            \
    "  --variant NAME     one of the file's variants\n"                                        \
    "  --set PATH=VALUE   change a key of the scenario\n"                                      \
    "  --out DIR          cluster.json, cluster.env, inventory.ini and the result; out\n"      \
    "  --inventory FILE   the Ansible inventory, elsewhere\n"                                  \
    "  --listen ADDRESS   for the cluster's ports; 127.0.0.1\n"                                \
    "  --history          leave history.jsonl also when all went as expected\n"                \
    "  --json             the result as JSON, nothing else on stdout\n" LIVE_OPTIONS

const struct cli_command cli_serve = {
    .name = "serve",
    .usage = "SCENARIO [--out DIR] [--inventory FILE] [--listen ADDRESS] [--seed N] [--json]\n"
             "             " LIVE_USAGE,
    .about = "Keep the scenario's cluster and load up on real sockets until a signal; then "
             "settle and judge.",
    .options = SERVED_OPTIONS,
    .example = "rollcage serve scenarios/live/steady.yaml --ports upstream",
    .run = serve_run,
};

const struct cli_command cli_exec = {
    .name = "exec",
    .usage = "SCENARIO [--out DIR] [--inventory FILE] [--seed N] [--json] -- COMMAND...\n"
             "             " LIVE_USAGE,
    .about = "Serve the scenario's cluster, run the command as its deployment, then judge.",
    .options = SERVED_OPTIONS,
    .example = "rollcage exec scenarios/live/steady.yaml -- ./our-deploy-script",
    .run = exec_run,
};
