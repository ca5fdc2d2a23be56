/* cmd_why.c - the causal trail of one activation, or of the first violation. */
#include "cli/cli.h"
#include "cli/why.h"
#include "history/trail.h"
#include "report/report.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WHY_PATH_SIZE 1200u

static bool is_hex(const char *text)
{
    size_t length = strlen(text);
    return length >= 6 && length <= 32 && strspn(text, "0123456789abcdef") == length;
}

/* The activation whose id begins with these digits, completed from the history. Returns how
 * many there are: 0, 1, or 2 for more. */
static int find_activation(const struct history_file *file, const char *prefix, char *ret_id)
{
    struct history_line line;
    uint64_t wanted = 0, mask = 0;
    for (size_t i = 0; i < 16; i++) {
        char c = i < strlen(prefix) ? prefix[i] : '\0';
        uint64_t digit = c == '\0' ? 0 : (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        wanted = wanted << 4 | digit;
        mask = mask << 4 | (c == '\0' ? 0 : 15u);
    }
    uint64_t found = 0;
    for (size_t i = 0; i < file->count; i++) {
        uint64_t token = file->lines[i].activation;
        if (token == 0 || token == found || (token & mask) != wanted)
            continue;
        if (!history_file_line(file, file->lines[i].seq, &line) ||
            strncmp(line.activation, prefix, strlen(prefix)) != 0)
            continue;
        if (found != 0)
            return 2;
        found = token;
        snprintf(ret_id, 33, "%.32s", line.activation);
    }
    return found != 0;
}

static int print_finding(const struct report_finding *finding, FILE *out)
{
    fprintf(out, "%s violated at %.6f s%s%s\n  %s\n", finding->check,
            (double)finding->at_ns * 1e-9, *finding->node ? " on " : "", finding->node,
            finding->text);
    if (*finding->activation)
        fprintf(out, "  activation %s\n", finding->activation);
    return 0;
}

static int print_trail(const char *directory, const char *activation,
                       const struct report_finding *finding, FILE *out)
{
    char path[WHY_PATH_SIZE], errmsg[512] = "", id[33];
    struct history_file file;
    snprintf(path, sizeof path, "%s/history.jsonl", directory);
    if (history_file_open(&file, path, errmsg, sizeof errmsg) != 0) {
        fprintf(stderr, "%s; run it again with --history\n", errmsg);
        return EXIT_INPUT;
    }
    struct trail_query query = {0};
    int status = EXIT_EXPECTED, found = activation ? find_activation(&file, activation, id) : 1;
    if (found != 1) {
        fprintf(stderr, "rollcage why: %s %s in %s%s\n",
                found ? "several activations begin with" : "no activation", activation, path,
                found ? ", expected more digits" : "");
        status = EXIT_INPUT;
    } else if (activation) {
        query.activation = history_activation_token(id);
        fprintf(out, "activation %s\n", id);
    } else {
        query.seq = finding->seq;
        query.activation =
            *finding->activation ? history_activation_token(finding->activation) : 0;
        print_finding(finding, out);
    }
    struct trail_source source = trail_of_file(&file);
    if (status == EXIT_EXPECTED && trail_print(&source, query, out) == 0)
        fprintf(out, "  (no record says more)\n");
    history_file_close(&file);
    return status;
}

int why_print(const char *directory, const char *about, FILE *out)
{
    char path[WHY_PATH_SIZE], errmsg[512] = "";
    const char *activation = about && is_hex(about) ? about : NULL;
    struct report_finding finding = {0};
    if (about && !activation && check_from_name(about) < 0) {
        fprintf(
            stderr,
            "rollcage why: '%s' is neither an activation nor a check, expected at least 6 hex "
            "digits, or a name as in docs/scenario.md\n",
            about);
        return EXIT_INPUT;
    }
    if (activation)
        return print_trail(directory, activation, NULL, out);
    snprintf(path, sizeof path, "%s/result.json", directory);
    int found = report_json_finding(path, about, &finding, errmsg, sizeof errmsg);
    if (found < 0) {
        fprintf(stderr, "%s\n", errmsg);
        return EXIT_INPUT;
    }
    if (found == 0) {
        fprintf(out, "%s: %s%s\n", directory, about ? about : "no check",
                about ? " was not violated" : " was violated");
        return EXIT_EXPECTED;
    }
    return print_trail(directory, NULL, &finding, out);
}

static int why_run(const struct cli_command *self, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (i >= 2 || argv[i][0] == '-')
            return cli_usage(self, "unexpected", argv[i]);
    if (argc < 1)
        return cli_usage(self, "no folder given", NULL);
    return why_print(argv[0], argc == 2 ? argv[1] : NULL, stdout);
}

const struct cli_command cli_why = {
    .name = "why",
    .usage = "DIR [ACTIVATION|CHECK]",
    .about = "The records that led to the first violation, to a check's, or through one "
             "activation.",
    .options = "  DIR          what a run left: out/latest, or a folder below it\n"
               "  ACTIVATION   its id, or the first digits of it, at least 6\n"
               "  CHECK        the first violation of this check\n",
    .example = "rollcage why out/latest no-lost-activation",
    .run = why_run,
};
