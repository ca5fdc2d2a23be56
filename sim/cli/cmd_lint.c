/* cmd_lint.c - read and check scenario files, run nothing. */
#include "cli/cli.h"
#include "cli/session.h"
#include "report/report.h"
#include <jansson.h>
#include <stdio.h>

static int lint_file(const char *path, bool json, json_t *list)
{
    struct scenario scenario;
    struct errmsg err = {0};
    struct scenario_options options = session_scenario_options();
    int result = scenario_read(path, &options, &scenario, &err);
    if (json)
        json_array_append_new(
            list,
            json_pack("{s:o, s:b, s:o}", "file", report_json_string(path), "ok", result == 0,
                      "error", result == 0 ? json_null() : report_json_string(err.text)));
    if (result != 0) {
        fprintf(stderr, "%s\n", err.text);
        return err_exit(result);
    }
    scenario_release(&scenario);
    return EXIT_EXPECTED;
}

static int lint_run(const struct cli_command *self, int argc, char **argv)
{
    struct cli_args args = {.argc = argc, .argv = argv};
    bool json = false;
    int status = EXIT_EXPECTED, files = 0;
    json_t *list = json_array();
    for (; args.at < args.argc;) {
        if (cli_flag(&args, "--json")) {
            json = true;
        } else if (args.argv[args.at][0] == '-') {
            json_decref(list);
            return cli_usage(self, "unknown option", args.argv[args.at]);
        } else {
            args.at++;
            files++;
        }
    }
    for (int i = 0; i < argc && files > 0; i++)
        if (argv[i][0] != '-')
            status = cli_worse(status, lint_file(argv[i], json, list));
    if (json) {
        json_dumpf(list, stdout, JSON_INDENT(2));
        printf("\n");
    }
    json_decref(list);
    if (files == 0)
        return cli_usage(self, "no scenario given", NULL);
    if (status == EXIT_EXPECTED && !json)
        printf("%d file%s read, nothing wrong\n", files, files == 1 ? "" : "s");
    return status;
}

const struct cli_command cli_lint = {
    .name = "lint",
    .usage = "SCENARIO... [--json]",
    .about = "Read and check scenario files; run nothing.",
    .options = "  --json   a list of {file, ok, error}, nothing else on stdout\n",
    .example = "rollcage lint scenarios/rollout/demo.yaml",
    .run = lint_run,
};
