#pragma once
/*
 * cli.h - the commands. Each takes what stands behind its name and returns the exit code.
 *
 * Data goes to stdout, talk to stderr. Exit codes: 0 expected, 1 safety, 2 usage or input,
 * 3 did not settle, 5 environment, 6 inconclusive; when several apply the first of 2, 5, 1,
 * 3, 6.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

enum exit_code {
    EXIT_EXPECTED = 0,
    EXIT_SAFETY = 1,
    EXIT_INPUT = 2,
    EXIT_LIVENESS = 3,
    EXIT_REPLAY = 4,
    EXIT_ENVIRONMENT = 5,
    EXIT_INCONCLUSIVE = 6,
};

struct cli_command {
    const char *name;
    const char *usage;   /* what stands behind the name */
    const char *about;   /* one sentence */
    const char *options; /* one line each; NULL: none */
    const char *example;
    int (*run)(const struct cli_command *self, int argc, char **argv);
};

extern const struct cli_command cli_run, cli_test, cli_lint, cli_bench, cli_bugs, cli_why;
/* Only with the live host (ROLLCAGE_LIVE). */
extern const struct cli_command cli_serve, cli_ctl, cli_exec, cli_validate;

/* The worse of two exit codes, in the order of the contract. */
int cli_worse(int a, int b);

/* Print usage with example to stdout (--help: returns 0) or, with `wrong`, one line to stderr
 * (returns 2). */
int cli_help(const struct cli_command *command);
int cli_usage(const struct cli_command *command, const char *wrong, const char *what);

/*
 * Options. Takes the next argument when it is the option `name`; with `ret_value` the option
 * has a value (`--seed 3` or `--seed=3`). Returns false when it is another one; *ret_error is
 * set when the value is missing.
 */
struct cli_args {
    int argc, at;
    char **argv;
};
bool cli_flag(struct cli_args *args, const char *name);
bool cli_option(struct cli_args *args, const char *name, const char **ret_value);

/* A whole number, or false. `A..B` with A <= B, or one number for both. */
bool cli_number(const char *text, uint64_t *ret_number);
bool cli_span(const char *text, uint64_t *ret_first, uint64_t *ret_last);

/* Seconds of wall time, for rates and reports only. */
double cli_wall_seconds(void);

/* Quote an argument for a command line that can be pasted into a shell. Size at least 16;
 * false: it was cut. */
bool cli_quote(char *text, size_t size, const char *argument);

/* Line ends and control characters become '?'. */
void cli_one_line(char *text);

/* The program as it was called, quoted, for commands to repeat. */
extern const char *cli_program;
