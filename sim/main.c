/* main.c - finds the command and calls it. */
#include "cli/cli.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct cli_command *const commands[] = {&cli_run,      &cli_test, &cli_why,
#ifdef ROLLCAGE_LIVE
                                                     &cli_serve,    &cli_ctl,  &cli_exec,
                                                     &cli_validate,
#endif
                                                     &cli_bugs,     &cli_lint, &cli_bench};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_commands(FILE *file)
{
    fprintf(file, "usage: rollcage COMMAND ...\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(file, "  rollcage %s %s\n      %s\n", commands[i]->name, commands[i]->usage,
                commands[i]->about);
    fprintf(file, "\nrollcage COMMAND --help has options and an example.\n");
}

/* What could not be printed was not said: the exit code must not claim it was. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "rollcage: stdout: %s; make room, or send it elsewhere\n",
            strerror(errno ? errno : EIO));
    return cli_worse(status, EXIT_ENVIRONMENT);
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static int run_command(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr);
        return EXIT_INPUT;
    }
    if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
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
            if (is_help(argv[j]))
                return cli_help(commands[i]);
        return commands[i]->run(commands[i], argc - 2, argv + 2);
    }
    cli_one_line(argv[1]);
    fprintf(stderr, "rollcage: no command '%s'; rollcage --help lists them\n", argv[1]);
    return EXIT_INPUT;
}

int main(int argc, char **argv)
{
    static char program[4096];
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file too large is an error of write, as a full disk is */
    if (argc > 0 && cli_quote(program, sizeof program, argv[0]))
        cli_program = program;
    return finish(run_command(argc, argv));
}
