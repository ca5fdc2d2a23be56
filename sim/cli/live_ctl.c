/* live_ctl.c - ctl: what a deploy tool calls instead of docker, for a cluster that is served.
 */
#include "cli/cli.h"
#include "cli/live_files.h"
#include "live/http_client.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 60000
#define TURN_NS 100000000

struct ctl {
    bool is_done;
    int status;
    const char *node;
};

static void say_states(const char *body, const char *node, struct ctl *ctl)
{
    json_t *states = json_loads(body, 0, NULL), *state;
    const char *name;
    bool found = false;
    json_object_foreach(states, name, state)
    {
        if (strcmp(node, "all") != 0 && strcmp(node, name) != 0)
            continue;
        found = true;
        if (strcmp(node, "all") == 0)
            printf("%s %s\n", name, json_string_value(state));
        else
            printf("%s\n", json_string_value(state));
    }
    json_decref(states);
    if (found)
        return;
    fprintf(stderr, "rollcage ctl: no node '%s'; rollcage ctl all status lists them\n", node);
    ctl->status = EXIT_INPUT;
}

static void on_done(void *context, uint64_t tag, const struct http_result *result)
{
    struct ctl *ctl = context;
    bool is_status = tag != 0;
    char body[512];
    ctl->is_done = true;
    if (result->failure != HTTP_ANSWERED) {
        fprintf(stderr, "rollcage ctl: %s; is the cluster still served?\n", result->reason);
        ctl->status = EXIT_ENVIRONMENT;
        return;
    }
    ctl->status = result->status == 200   ? EXIT_EXPECTED
                  : result->status == 409 ? EXIT_SAFETY
                  : result->status == 401 ? EXIT_ENVIRONMENT
                                          : EXIT_INPUT;
    snprintf(body, sizeof body, "%.*s", (int)result->body_length, result->body);
    if (result->status == 200 && is_status) {
        char *whole = strndup(result->body, result->body_length);
        say_states(whole, ctl->node, ctl);
        free(whole);
    } else if (result->status == 200) {
        printf("%s\n", body);
    } else {
        fprintf(stderr, "rollcage ctl: %s: %s\n", ctl->node, body);
    }
}

static int ask(const struct live_cluster_file *file, const char *node, const char *operation)
{
    struct ctl ctl = {.node = node, .status = EXIT_ENVIRONMENT};
    char url[256], headers[128];
    bool is_status = strcmp(operation, "status") == 0;
    if (is_status)
        snprintf(url, sizeof url, "%s/nodes", file->control_url);
    else
        snprintf(url, sizeof url, "%s/nodes/%s/%s", file->control_url, node, operation);
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\n", file->token);
    struct loop *loop = loop_new();
    struct http_client *client = loop ? http_client_new(loop) : NULL;
    if (!client)
        return EXIT_ENVIRONMENT;
    struct http_call call = {.method = is_status ? "GET" : "POST",
                             .url = url,
                             .headers = headers,
                             .timeout_ms = TIMEOUT_MS,
                             .context = &ctl,
                             .tag = is_status,
                             .on_done = on_done};
    (void)http_client_send(client, &call);
    while (!ctl.is_done)
        loop_turn(loop, TURN_NS);
    http_client_free(client);
    loop_free(loop);
    return ctl.status;
}

static bool is_plain_word(const char *text)
{
    return *text != '\0' && strlen(text) < 64 &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static int ctl_run(const struct cli_command *self, int argc, char **argv)
{
    struct cli_args args = {.argc = argc, .argv = argv};
    const char *path = getenv("ROLLCAGE_CLUSTER"), *words[2];
    unsigned count = 0;
    while (args.at < args.argc) {
        if (cli_option(&args, "--cluster", &path)) {
            if (!path)
                return cli_usage(self, "--cluster wants a file", NULL);
        } else if (args.argv[args.at][0] == '-' || count == 2) {
            return cli_usage(self, "unexpected", args.argv[args.at]);
        } else {
            words[count++] = args.argv[args.at++];
        }
    }
    if (count < 2)
        return cli_usage(self, "a node and an operation, please", NULL);
    if (!is_plain_word(words[0]) || !is_plain_word(words[1]))
        return cli_usage(self, "not the name of a node or an operation:", words[0]);
    if (!path || !*path) {
        fprintf(stderr, "rollcage ctl: no cluster; give --cluster FILE (the cluster.json of "
                        "`rollcage serve`) or set ROLLCAGE_CLUSTER\n");
        return EXIT_ENVIRONMENT;
    }
    struct live_cluster_file file;
    struct errmsg err = {0};
    int status = live_files_read(path, &file, &err);
    if (status != 0) {
        fprintf(stderr, "%s\n", err.text);
        return err_exit(status);
    }
    return ask(&file, words[0], words[1]);
}

const struct cli_command cli_ctl = {
    .name = "ctl",
    .usage = "[--cluster FILE] NODE "
             "restart|stop|start|kill|disable|status|edge-remove|edge-add|remove-containers",
    .about = "What a deploy tool calls instead of docker, for a cluster that is served.",
    .options =
        "  --cluster FILE     the cluster.json of `rollcage serve`; else ROLLCAGE_CLUSTER "
        "names it\n"
        "  NODE               controller0, scheduler1, invoker2, ...; `all status` lists them\n"
        "  start, restart     done when the process begins to boot: ask its /ping\n"
        "  edge-remove        take the controller out of the edge's list and reload (edge-add: "
        "in)\n",
    .example = "rollcage ctl scheduler0 restart",
    .run = ctl_run,
};
