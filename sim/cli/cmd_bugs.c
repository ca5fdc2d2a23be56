/* cmd_bugs.c - the catalogue of bugs that a switch brings back. */
#include "cli/cli.h"
#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct bug_entry {
    const char *id, *status, *component, *checks, *scenario, *citation;
    const char *symptom, *cause, *fix, *values, *found;
};

static const struct bug_entry catalogue[] = {
    {
        .id = "lost-creation-id",
        .status = "FIXED",
        .component = "scheduler / MemoryQueue",
        .checks = "no-failed-activation",
        .scenario = "scenarios/bugs/lost-creation-id.yaml",
        .citation = "apache/openwhisk #5338 (651a2e957), MemoryQueue.scala:172-173",
        .symptom = "Now and then an activation waits a minute in its queue and fails with "
                   "\"Activation processing is not initiated for 60000 ms\", although every "
                   "invoker has room.",
        .cause =
            "The queue's sets `containers` and `creationIds` were plain variables holding "
            "immutable sets, written in the queue's turn and read every 100 ms by the "
            "decision snapshot on another thread. Too large a sum makes the decision maker "
            "wait for containers that are not coming.",
        .fix = "Concurrent sets: every change is one step, seen by all threads at once.",
        .values =
            "fixed | old (the snapshot sees a change only after `timing set.staleness`, mostly "
            "under a second, at times minutes, or with a later change) | lost-update (a change "
            "is load, `timing set.window`, store, and the later store wins; stronger than "
            "upstream, which has one writing thread)",
        .found = "named by the author of #5338 as one cause of failed activations during a "
                 "deployment",
    },
};
#define CATALOGUE_COUNT (sizeof catalogue / sizeof catalogue[0])

static void print_entry(const struct bug_entry *bug)
{
    printf(
        "%s\n  component  %s (%s)\n  symptom    %s\n  cause      %s\n  fix        %s\n"
        "  values     %s\n  found      %s\n  checks     %s\n  scenario   %s\n  source     %s\n",
        bug->id, bug->component, bug->status, bug->symptom, bug->cause, bug->fix, bug->values,
        bug->found, bug->checks, bug->scenario, bug->citation);
}

static int print_json(const char *id)
{
    json_t *list = json_array();
    for (size_t i = 0; i < CATALOGUE_COUNT; i++) {
        const struct bug_entry *bug = &catalogue[i];
        if (id && strcmp(id, bug->id) != 0)
            continue;
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:[s], s:s, s:n, s:s}", "id", bug->id,
                                        "status", bug->status, "component", bug->component,
                                        "checks", bug->checks, "scenario", bug->scenario,
                                        "cold_scenario", "citation", bug->citation));
    }
    json_dumpf(list, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(list);
    return EXIT_EXPECTED;
}

static int bugs_run(const struct cli_command *self, int argc, char **argv)
{
    struct cli_args args = {.argc = argc, .argv = argv};
    const char *id = NULL;
    bool json = false;
    while (args.at < args.argc) {
        if (cli_flag(&args, "--json")) {
            json = true;
        } else if (args.argv[args.at][0] == '-' || id) {
            return cli_usage(self, "unexpected", args.argv[args.at]);
        } else {
            id = args.argv[args.at++];
        }
    }
    const struct bug_entry *found = NULL;
    for (size_t i = 0; i < CATALOGUE_COUNT; i++)
        if (id && strcmp(id, catalogue[i].id) == 0)
            found = &catalogue[i];
    if (id && !found) {
        fprintf(stderr, "rollcage bugs: no bug '%s'; rollcage bugs lists them\n", id);
        return EXIT_INPUT;
    }
    if (json)
        return print_json(id);
    if (found) {
        print_entry(found);
        return EXIT_EXPECTED;
    }
    for (size_t i = 0; i < CATALOGUE_COUNT; i++)
        printf("%-24s %-6s %-26s %s\n", catalogue[i].id, catalogue[i].status,
               catalogue[i].component, catalogue[i].scenario);
    return EXIT_EXPECTED;
}

const struct cli_command cli_bugs = {
    .name = "bugs",
    .usage = "[ID] [--json]",
    .about = "The bugs that a switch brings back: symptom, cause, fix, scenario, how found.",
    .options = "  ID       only this one; without it a line for each\n"
               "  --json   a list, nothing else on stdout\n",
    .example = "rollcage bugs lost-creation-id",
    .run = bugs_run,
};
