/* main.c - finds the command and calls it. */
#include "cli/cli.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct cli_command *const commands[] = {&cli_run,  &cli_test, &cli_why,
                                                     &cli_bugs, &cli_lint, &cli_bench};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_commands(FILE *file)
{
    fprintf(file, "usage: rollcage COMMAND ...\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(file, "  rollcage %s %s\n      %s\n", commands[i]->name, commands[i]->usage,
                commands[i]->about);
    fprintf(file, "\nrollcage COMMAND --help has options and an example.\n");
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    cli_program = argv[0];
    if (argc < 2) {
        print_commands(stderr);
        return EXIT_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_commands(stdout);
        return EXIT_EXPECTED;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("rollcage %s\n", ROLLCAGE_VERSION);
        return EXIT_EXPECTED;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i]->name) != 0)
            continue;
        for (int j = 2; j < argc && strcmp(argv[j], "--") != 0; j++)
            if (strcmp(argv[j], "--help") == 0)
                return cli_help(commands[i]);
        return commands[i]->run(commands[i], argc - 2, argv + 2);
    }
    fprintf(stderr, "rollcage: no command '%s'; rollcage --help lists them\n", argv[1]);
    return EXIT_INPUT;
}
