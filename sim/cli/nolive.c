/* nolive.c - a build without the network libraries: live commands say so. */
#include "cli/live.h"
#include <stdio.h>
#include <string.h>

bool live_option(struct live_options *self, struct cli_args *args, const char **ret_value,
                 const char **ret_error)
{
    (void)self;
    static const char *const names[] = {"--speed", "--ports", "--etcd",
                                        "--kafka", "--edge",  "--listen"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!cli_option(args, names[i], ret_value))
            continue;
        *ret_error = NULL;
        return true;
    }
    return false;
}

int live_check(const struct cli_command *command, const struct live_options *self)
{
    (void)self;
    fprintf(stderr,
            "rollcage %s: built without the live host; configure with -DWITH_LIVE=ON (it needs "
            "libmicrohttpd, libcurl and librdkafka)\n",
            command->name);
    return EXIT_ENVIRONMENT;
}

void live_options_text(const struct live_options *self, bool is_run, char *text, size_t size)
{
    (void)self;
    (void)is_run;
    snprintf(text, size, "%s", "");
}

struct live_run *live_run_new(const struct live_options *options, struct scenario *scenario,
                              const struct live_hooks *hooks)
{
    (void)options;
    (void)scenario;
    (void)hooks;
    return NULL;
}

void live_run_free(struct live_run *self)
{
    (void)self;
}

const struct run_host *live_run_host(const struct live_run *self)
{
    (void)self;
    return NULL;
}
