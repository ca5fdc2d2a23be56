/* cmd_test.c - every scenario below the given paths; its own `expect:` decides. */
#include "cli/cli.h"
#include "cli/suite.h"
#include "report/report.h"
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tally { /* per item */
    uint64_t runs, expected;
    uint64_t fails[CHECKS_MAX];
    uint64_t virtual_ns, wall_ns;
    struct suite_answer first_bad;
    bool has_bad;
};

struct test_command {
    struct suite suite;
    struct tally *tallies;
    struct suite_answer *answers; /* kept for --json and --junit only */
    uint64_t answer_count, answer_max;
    bool json, keep;
    const char *junit;
    FILE
        *junit_file; /* open from the start: to learn after an hour that it cannot be is late */
    uint64_t done, bad;
    double start, said;
    int status;
};

static void say_progress(struct test_command *self, bool last)
{
    double now = cli_wall_seconds(), spent = now - self->start;
    bool terminal = isatty(STDERR_FILENO);
    if (!last && now - self->said < (terminal ? 0.2 : 5.0))
        return;
    self->said = now;
    double rate = spent > 0 ? (double)self->done / spent : 0;
    double left = rate > 0 ? (double)(self->suite.run_count - self->done) / rate : 0;
    if (terminal)
        fprintf(stderr,
                "\r%" PRIu64 " of %" PRIu64 " runs, %.1f/s, %" PRIu64
                " not as expected, %.0f s left   %s",
                self->done, self->suite.run_count, rate, self->bad, left, last ? "\n" : "");
    else if (!last)
        fprintf(stderr,
                "%" PRIu64 " of %" PRIu64 " runs, %.1f/s, %" PRIu64 " not as expected\n",
                self->done, self->suite.run_count, rate, self->bad);
}

static void keep_answer(struct test_command *self, const struct suite_answer *answer)
{
    if (self->answer_count == self->answer_max) {
        self->answer_max = self->answer_max ? 2 * self->answer_max : 256;
        self->answers = realloc(self->answers, self->answer_max * sizeof *self->answers);
    }
    self->answers[self->answer_count++] = *answer;
}

static void on_answer(void *context, const struct suite_item *item,
                      const struct suite_answer *answer)
{
    struct test_command *self = context;
    (void)item;
    if (answer->is_cut)
        return; /* counts among those that were not made */
    struct tally *tally = &self->tallies[answer->item];
    tally->runs++;
    tally->expected += answer->expected;
    tally->virtual_ns += answer->virtual_ns;
    tally->wall_ns += answer->wall_ns;
    for (unsigned i = 0; i < check_count(); i++)
        tally->fails[i] += answer->check_fails >> i & 1;
    if (!answer->expected) {
        self->bad++;
        if (!tally->has_bad || answer->seed < tally->first_bad.seed)
            tally->first_bad = *answer;
        tally->has_bad = true;
    }
    self->status = cli_worse(self->status, answer->exit_code);
    self->done++;
    if (self->keep)
        keep_answer(self, answer);
    say_progress(self, false);
}

static void name_reproduce(const struct test_command *self, const struct suite_answer *answer,
                           char *text, size_t size)
{
    const struct suite_item *item = &self->suite.items[answer->item];
    session_command(&self->suite.session, item->path, *item->variant ? item->variant : NULL,
                    answer->seed, text, size);
}

static void print_tally(const struct test_command *self, uint32_t index)
{
    const struct suite_item *item = &self->suite.items[index];
    const struct tally *tally = &self->tallies[index];
    const char *word = tally->expected < tally->runs ? "FAIL" : tally->runs ? "ok  " : "--  ";
    printf("%s %s%s%s", word, item->path, *item->variant ? " " : "", item->variant);
    if (tally->runs < item->seed_count)
        printf(": %" PRIu64 " of %" PRIu64 " seeds were run", tally->runs, item->seed_count);
    if (tally->runs > 1)
        printf(": %" PRIu64 " of %" PRIu64 " seeds as expected", tally->expected, tally->runs);
    bool first = true;
    for (unsigned i = 0; i < check_count(); i++) {
        if (tally->fails[i] == 0)
            continue;
        printf("%s%s", first ? (tally->runs > 1 ? "; violated " : ": violated ") : ", ",
               check_name(i));
        if (tally->runs > 1)
            printf(" in %" PRIu64, tally->fails[i]);
        first = false;
    }
    printf("\n");
    if (!tally->has_bad)
        return;
    char command[RESULT_COMMAND_SIZE], directory[2 * SESSION_PATH_SIZE];
    name_reproduce(self, &tally->first_bad, command, sizeof command);
    printf("     seed %" PRIu64 ": %s\n     %s\n", tally->first_bad.seed, tally->first_bad.text,
           command);
    if (*tally->first_bad.directory &&
        cli_quote(directory, sizeof directory, tally->first_bad.directory))
        printf("     %s why %s\n", cli_program, directory);
}

static int compare_answers(const void *a, const void *b)
{
    const struct suite_answer *x = a, *y = b;
    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    return x->seed < y->seed ? -1 : x->seed > y->seed;
}

static json_t *answer_json(const struct suite_item *item, const struct suite_answer *answer)
{
    char digest[17], hash[17], seed[24];
    snprintf(digest, sizeof digest, "%016" PRIx64, answer->digest);
    snprintf(hash, sizeof hash, "%016" PRIx64, answer->hash);
    json_t *violated = json_array();
    for (unsigned i = 0; i < check_count(); i++)
        if (answer->check_fails >> i & 1)
            json_array_append_new(violated, json_string(check_name(i)));
    snprintf(seed, sizeof seed, "%" PRIu64, answer->seed);
    return json_pack(
        "{s:o, s:s, s:s, s:o, s:s, s:b, s:i, s:o, s:s, s:I, s:I, s:I, s:o, s:{s:I, s:I, s:I, "
        "s:I, s:I, s:I, s:I, s:I, s:I}}",
        "scenario", report_json_string(item->path), "variant", item->variant, "hash", hash,
        "seed",
        answer->seed > INT64_MAX ? json_string(seed) : json_integer((json_int_t)answer->seed),
        "verdict", result_verdict_to_string(answer->verdict), "expected", answer->expected,
        "exit", answer->exit_code, "violated", violated, "digest", digest, "events",
        (json_int_t)answer->events, "virtual_ns", (json_int_t)answer->virtual_ns, "wall_ns",
        (json_int_t)answer->wall_ns, "text", report_json_string(answer->text), "activations",
        "offered", (json_int_t)answer->offered, "skipped", (json_int_t)answer->skipped,
        "rejected", (json_int_t)answer->rejected, "accepted", (json_int_t)answer->accepted,
        "completed", (json_int_t)answer->completed, "succeeded", (json_int_t)answer->succeeded,
        "failed", (json_int_t)answer->failed, "lost", (json_int_t)answer->lost, "duplicated",
        (json_int_t)answer->duplicated);
}

static void print_json(struct test_command *self)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < self->answer_count; i++)
        json_array_append_new(
            list, answer_json(&self->suite.items[self->answers[i].item], &self->answers[i]));
    json_dumpf(list, stdout, JSON_INDENT(1));
    printf("\n");
    json_decref(list);
}

static int cannot_write_junit(const struct test_command *self)
{
    fprintf(stderr, "%s: %s; give another file with --junit\n", self->junit, strerror(errno));
    return EXIT_ENVIRONMENT;
}

/* As results, for JUnit: one check with one example is all it needs. */
static int write_junit(struct test_command *self)
{
    struct result *results = calloc(self->answer_count, sizeof *results);
    const struct result **list = calloc(self->answer_count, sizeof *list);
    for (uint64_t i = 0; i < self->answer_count; i++) {
        const struct suite_answer *answer = &self->answers[i];
        struct result *result = &results[i];
        result_init(result);
        snprintf(result->scenario, sizeof result->scenario, "%s",
                 self->suite.items[answer->item].path);
        snprintf(result->variant, sizeof result->variant, "%s",
                 self->suite.items[answer->item].variant);
        snprintf(result->reason, sizeof result->reason, "%.255s", answer->text);
        result->seed = answer->seed;
        result->verdict = answer->verdict;
        result->expected = answer->expected;
        result->exit_code = answer->exit_code;
        result->wall_ns = answer->wall_ns;
        result->digest = answer->digest;
        name_reproduce(self, answer, result->reproduce, sizeof result->reproduce);
        list[i] = result;
    }
    int failed = report_junit(list, (uint32_t)self->answer_count, self->junit_file);
    failed = fclose(self->junit_file) != 0 || failed != 0;
    int status = failed ? cannot_write_junit(self) : EXIT_EXPECTED;
    for (uint64_t i = 0; i < self->answer_count; i++)
        result_release(&results[i]);
    free(results);
    free(list);
    return status;
}

static int finish(struct test_command *self)
{
    say_progress(self, true);
    if (self->keep)
        qsort(self->answers, self->answer_count, sizeof *self->answers, compare_answers);
    if (self->json) {
        print_json(self);
    } else {
        for (uint32_t i = 0; i < self->suite.item_count; i++)
            print_tally(self, i);
        double spent = cli_wall_seconds() - self->start;
        printf("%" PRIu64 " runs in %.1f s: %" PRIu64 " as expected, %" PRIu64 " not\n",
               self->done, spent, self->done - self->bad, self->bad);
    }
    int status = self->junit ? cli_worse(self->status, write_junit(self)) : self->status;
    if (self->done < self->suite.run_count) {
        fflush(stdout);
        fprintf(stderr, "rollcage test: %s%" PRIu64 " of %" PRIu64 " runs were not made\n",
                *session_interrupted ? "cut short: " : "", self->suite.run_count - self->done,
                self->suite.run_count);
        status = cli_worse(status, EXIT_INCONCLUSIVE);
    }
    for (uint32_t i = 0; i < self->suite.item_count; i++) {
        char command[RESULT_COMMAND_SIZE];
        if (!self->tallies[i].has_bad)
            continue;
        name_reproduce(self, &self->tallies[i].first_bad, command, sizeof command);
        fflush(stdout);
        fprintf(stderr, "reproduce: %s\n", command);
        break;
    }
    return status;
}

struct test_paths {
    const char *paths[256];
    uint32_t count;
    bool has_seeds;
    uint64_t first, last;
};

/* -1: go on. */
static int parse(const struct cli_command *self, struct test_command *command,
                 struct test_paths *paths, int argc, char **argv)
{
    struct cli_args args = {.argc = argc, .argv = argv};
    const char *value = "";
    uint64_t jobs = 1;
    while (args.at < args.argc && value) {
        if (cli_flag(&args, "--json")) {
            command->json = true;
        } else if (cli_flag(&args, "--history")) {
            command->suite.session.history = true;
        } else if (cli_option(&args, "--jobs", &value)) {
            if (value && (!cli_number(value, &jobs) || jobs == 0 || jobs > SUITE_JOBS_MAX))
                return cli_usage(self, "--jobs wants a number from 1 to 256, not", value);
        } else if (cli_option(&args, "--seeds", &value)) {
            paths->has_seeds = true;
            if (value && (!cli_span(value, &paths->first, &paths->last) ||
                          paths->last - paths->first == UINT64_MAX))
                return cli_usage(self, "--seeds wants A..B, A not above B, not", value);
        } else if (cli_option(&args, "--junit", &value)) {
            command->junit = value;
        } else if (cli_option(&args, "--out", &value)) {
            command->suite.session.out = value;
        } else if (args.argv[args.at][0] == '-' || paths->count == 256) {
            return cli_usage(self, "unexpected", args.argv[args.at]);
        } else {
            paths->paths[paths->count++] = args.argv[args.at++];
        }
    }
    if (!value || paths->count == 0)
        return cli_usage(self, value ? "no path given" : "the last option wants a value", NULL);
    if (*command->suite.session.out == '\0')
        return cli_usage(self, "--out wants the name of a folder", NULL);
    command->suite.session.any_of_expected = paths->has_seeds;
    command->suite.jobs = (uint32_t)jobs;
    command->keep = command->json || command->junit;
    return -1;
}

static int test_run(const struct cli_command *self, int argc, char **argv)
{
    struct test_command command = {.suite = {.session = {.out = "out"}, .jobs = 1}};
    struct test_paths paths = {0};
    int status = parse(self, &command, &paths, argc, argv);
    if (status >= 0)
        return status;
    session_catch_signals();
    for (uint32_t i = 0; i < paths.count; i++)
        command.status =
            cli_worse(command.status, suite_add(&command.suite, paths.paths[i], paths.has_seeds,
                                                paths.first, paths.last));
    if (command.junit && !(command.junit_file = fopen(command.junit, "w"))) {
        suite_release(&command.suite);
        return cli_worse(command.status, cannot_write_junit(&command));
    }
    command.tallies = calloc(command.suite.item_count + 1u, sizeof *command.tallies);
    command.start = command.said = cli_wall_seconds();
    status = suite_run(&command.suite, &command, on_answer);
    command.status = cli_worse(command.status, status);
    status = finish(&command);
    free(command.tallies);
    free(command.answers);
    suite_release(&command.suite);
    return status;
}

const struct cli_command cli_test = {
    .name = "test",
    .usage =
        "PATH... [--jobs N] [--seeds A..B] [--junit FILE] [--out DIR] [--history] [--json]",
    .about = "Run every scenario below the paths; the `expect:` of each decides.",
    .options = "  --jobs N        processes; 1\n"
               "  --seeds A..B    each with these seeds; what `expect:` names is then allowed, "
               "not required\n"
               "  --junit FILE    a JUnit report\n"
               "  --out DIR       where runs that were not as expected are left; out\n"
               "  --history       leave history.jsonl of every run\n"
               "  --json          a list of results, nothing else on stdout\n",
    .example = "rollcage test scenarios/rollout --jobs 2 --seeds 1..20",
    .run = test_run,
};
