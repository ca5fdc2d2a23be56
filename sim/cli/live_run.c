/* live_run.c - the live host of one run: opened with the options of the command. */
#include "cli/live.h"
#include "live/host_live.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define BOOT SEC(8) /* feeds join (3 s), leases are granted, invokers test themselves */
#define SPARE_ACTIONS 64u
#define SPEED_MAX 1000u

struct live_run {
    struct live_options options;
    struct live_hooks hooks;
    struct action_info *actions;
    struct host *host;
    struct run_host run_host;
};

bool live_option(struct live_options *self, struct cli_args *args, const char **ret_value,
                 const char **ret_error)
{
    const struct {
        const char *name;
        const char **value;
    } texts[] = {{"--etcd", &self->etcd},
                 {"--kafka", &self->kafka},
                 {"--edge", &self->edge},
                 {"--listen", &self->listen}};
    *ret_error = NULL;
    if (cli_option(args, "--speed", ret_value)) {
        if (*ret_value && (!cli_number(*ret_value, &self->speed) || self->speed == 0 ||
                           self->speed > SPEED_MAX))
            *ret_error = "--speed wants a whole number from 1 to 1000, not";
        return true;
    }
    if (cli_option(args, "--ports", ret_value)) {
        self->upstream_ports = true;
        if (*ret_value && strcmp(*ret_value, "upstream") != 0)
            *ret_error = "--ports wants `upstream`, not";
        return true;
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!cli_option(args, texts[i].name, ret_value))
            continue;
        *texts[i].value = *ret_value;
        return true;
    }
    return false;
}

static bool is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 && text[7] != '\0';
}

int live_check(const struct cli_command *command, const struct live_options *self)
{
    if (self->speed > 1 && (self->etcd || self->kafka))
        return cli_usage(command,
                         "--speed cannot be used with --etcd or --kafka: their timers do not "
                         "scale",
                         NULL);
    if (self->etcd && !is_url(self->etcd))
        return cli_usage(command, "--etcd wants a URL such as http://127.0.0.1:2379, not",
                         self->etcd);
    if (self->edge && !is_url(self->edge))
        return cli_usage(command, "--edge wants a URL such as http://127.0.0.1:8080, not",
                         self->edge);
    if (self->kafka && !strchr(self->kafka, ':'))
        return cli_usage(command, "--kafka wants HOST:PORT, not", self->kafka);
    return 0;
}

void live_options_text(const struct live_options *self, bool is_run, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s", is_run ? " --host live" : "");
    if (self->speed > 1 && used < size)
        used += (size_t)snprintf(text + used, size - used, " --speed %" PRIu64, self->speed);
    if (self->upstream_ports && used < size)
        used += (size_t)snprintf(text + used, size - used, " --ports upstream");
    const struct {
        const char *name, *value;
    } rest[] = {{"--etcd", self->etcd},
                {"--kafka", self->kafka},
                {"--edge", self->edge},
                {"--listen", self->listen}};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        char quoted[256];
        if (!rest[i].value || used >= size || !cli_quote(quoted, sizeof quoted, rest[i].value))
            continue;
        used += (size_t)snprintf(text + used, size - used, " %s %s", rest[i].name, quoted);
    }
}

/* ---- the host of a run ---- */

/* A shell's usual 1,024 would be used up by a flood of connections, and the load with them; a
 * JVM raises its own, too. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static struct host *open_host(void *context, const struct host_world *world, struct errmsg *err)
{
    struct live_run *self = context;
    char error[LIVE_ERROR_SIZE] = "";
    raise_descriptors();
    struct host_live_config config = {
        .world = *world,
        .spare_actions = self->actions,
        .speed = self->options.speed == 0 ? 1 : (uint32_t)self->options.speed,
        .upstream_ports = self->options.upstream_ports,
        .listen = self->options.listen,
        .etcd_url = self->options.etcd,
        .bootstrap = self->options.kafka,
        .edge_url = self->options.edge};
    self->host = host_live_open(&config, error);
    if (!self->host) {
        errmsg_set(err, ERR_ENVIRONMENT, "%s", error);
        return NULL;
    }
    if (self->hooks.opened && !self->hooks.opened(self->hooks.context, self->host, err)) {
        host_live_ops.release(self->host);
        self->host = NULL;
    }
    return self->host;
}

static bool is_held(void *context)
{
    const struct live_run *self = context;
    return self->hooks.is_held && self->hooks.is_held(self->hooks.context);
}

static void closing(void *context)
{
    struct live_run *self = context;
    if (self->hooks.closing)
        self->hooks.closing(self->hooks.context, self->host);
    self->host = NULL;
}

static void add_spares(struct live_run *self, struct scenario *scenario)
{
    struct cluster *cluster = &scenario->cluster;
    uint32_t count = cluster->action_count;
    self->actions =
        region_array(scenario->region, count + SPARE_ACTIONS, sizeof *self->actions);
    if (count > 0)
        memcpy(self->actions, cluster->actions, count * sizeof *self->actions);
    for (uint32_t i = count; i < count + SPARE_ACTIONS; i++)
        self->actions[i] = (struct action_info){.is_spare = true,
                                                .memory_mb = 256,
                                                .concurrency = 1,
                                                .init = MSEC(50),
                                                .run_kind = RUN_FIXED,
                                                .run_a = MSEC(10),
                                                .timeout = MINUTES(1)};
    cluster->actions = self->actions;
    cluster->action_count = count + SPARE_ACTIONS;
}

struct live_run *live_run_new(const struct live_options *options, struct scenario *scenario,
                              const struct live_hooks *hooks)
{
    struct live_run *self = calloc(1, sizeof *self);
    if (!self)
        abort();
    self->options = *options;
    if (hooks)
        self->hooks = *hooks;
    add_spares(self, scenario);
    self->run_host = (struct run_host){.ops = &host_live_ops,
                                       .name = "live",
                                       .boot = BOOT,
                                       .context = self,
                                       .open = open_host,
                                       .error = host_live_error,
                                       .is_held = is_held,
                                       .close = closing};
    return self;
}

void live_run_free(struct live_run *self)
{
    free(self);
}

const struct run_host *live_run_host(const struct live_run *self)
{
    return &self->run_host;
}
