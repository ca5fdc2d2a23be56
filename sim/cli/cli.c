/* cli.c - what all commands share: options, numbers, help. */
#include "cli/cli.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *cli_program = "rollcage";

int cli_worse(int a, int b)
{
    static const int order[] = {EXIT_INPUT,    EXIT_ENVIRONMENT,  EXIT_SAFETY,  EXIT_REPLAY,
                                EXIT_LIVENESS, EXIT_INCONCLUSIVE, EXIT_EXPECTED};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (order[i] == a || order[i] == b)
            return order[i];
    return a;
}

int cli_help(const struct cli_command *command)
{
    printf("usage: rollcage %s %s\n\n%s\n", command->name, command->usage, command->about);
    if (command->options)
        printf("\n%s", command->options);
    printf("\nexample: %s\n", command->example);
    return EXIT_EXPECTED;
}

int cli_usage(const struct cli_command *command, const char *wrong, const char *what)
{
    char line[1024];
    snprintf(line, sizeof line, "%s%s%s", wrong, what ? " " : "", what ? what : "");
    cli_one_line(line);
    int first_line = (int)strcspn(command->usage, "\n");
    fprintf(stderr, "rollcage %s: %s; usage: rollcage %s %.*s\n", command->name, line,
            command->name, first_line, command->usage);
    return EXIT_INPUT;
}

void cli_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

bool cli_flag(struct cli_args *args, const char *name)
{
    if (args->at >= args->argc || strcmp(args->argv[args->at], name) != 0)
        return false;
    args->at++;
    return true;
}

bool cli_option(struct cli_args *args, const char *name, const char **ret_value)
{
    if (args->at >= args->argc)
        return false;
    const char *argument = args->argv[args->at];
    size_t length = strlen(name);
    if (strncmp(argument, name, length) != 0)
        return false;
    if (argument[length] == '=') {
        *ret_value = argument + length + 1;
        args->at++;
        return true;
    }
    if (argument[length] != '\0')
        return false;
    *ret_value = args->at + 1 < args->argc ? args->argv[args->at + 1] : NULL;
    args->at += *ret_value ? 2 : 1;
    return true;
}

bool cli_number(const char *text, uint64_t *ret_number)
{
    if (!text || *text < '0' || *text > '9')
        return false;
    char *end;
    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

bool cli_span(const char *text, uint64_t *ret_first, uint64_t *ret_last)
{
    const char *dots = text ? strstr(text, "..") : NULL;
    if (!dots) {
        if (!cli_number(text, ret_first))
            return false;
        *ret_last = *ret_first;
        return true;
    }
    char first[24];
    if ((size_t)(dots - text) >= sizeof first)
        return false;
    memcpy(first, text, (size_t)(dots - text));
    first[dots - text] = '\0';
    return cli_number(first, ret_first) && cli_number(dots + 2, ret_last) &&
           *ret_first <= *ret_last;
}

double cli_wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

bool cli_quote(char *text, size_t size, const char *argument)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./=:,+@%";
    if (argument[strspn(argument, plain)] == '\0' && *argument != '\0')
        return (size_t)snprintf(text, size, "%s", argument) < size;
    size_t used = 0;
    text[used++] = '\'';
    for (; *argument != '\0' && used + 6 < size; argument++) {
        if (*argument == '\'') { /* out of the quotes, one quote, into them again */
            memcpy(text + used, "'\\''", 4);
            used += 4;
        } else {
            text[used++] = *argument;
        }
    }
    text[used++] = '\'';
    text[used] = '\0';
    return *argument == '\0';
}
