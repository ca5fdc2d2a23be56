/* session.c - one seed of one scenario, and the folder that it leaves. */
#include "cli/session.h"
#include "history/history.h"
#include "history/history_jsonl.h"
#include "report/report.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

volatile bool session_interrupted;

static void on_signal(int number)
{
    (void)number;
    if (session_interrupted)
        _exit(128 + SIGINT);
    session_interrupted = true;
}

void session_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

struct scenario_options session_scenario_options(void)
{
    return (struct scenario_options){.procedures_dir =
                                         ROLLCAGE_SOURCE_DIR "/scenarios/procedures"};
}

int session_read(const struct session *self, const char *path, const char *variant,
                 bool has_seed, uint64_t seed, struct scenario *ret_scenario,
                 struct errmsg *err)
{
    struct scenario_options options = session_scenario_options();
    options.sets = self->sets;
    options.set_count = self->set_count;
    options.variant = variant;
    options.has_seed = has_seed;
    options.seed = seed;
    int status = scenario_read(path, &options, ret_scenario, err);
    if (status == 0 && !(ret_scenario->hosts & HOSTS_SIM)) {
        scenario_release(ret_scenario);
        return errmsg_set(err, ERR_LATER,
                          "%s:1:1: its `hosts` leave out sim, expected sim in it", path);
    }
    return status;
}

/* "rollout" for .../scenarios/rollout/x.yaml, "bugs/cold" likewise, else the file's own folder.
 */
static void folder_of(const char *path, char *text, size_t size)
{
    const char *end = strrchr(path, '/'), *start = strstr(path, "scenarios/");
    if (!end) {
        snprintf(text, size, "scenario");
        return;
    }
    if (start && start + strlen("scenarios/") <= end) {
        start += strlen("scenarios/");
    } else {
        start = end;
        while (start > path && start[-1] != '/')
            start--;
    }
    snprintf(text, size, "%.*s", (int)(end - start), start);
    if (text[0] == '\0' || text[0] == '.')
        snprintf(text, size, "scenario");
}

static int make_directories(const char *path, struct errmsg *err)
{
    char part[SESSION_PATH_SIZE];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = part + 1;; slash++) {
        if (*slash != '/' && *slash != '\0')
            continue;
        char end = *slash;
        *slash = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return errmsg_set(err, ERR_ENVIRONMENT,
                              "%s: cannot be made (%s); give another folder with --out", part,
                              strerror(errno));
        *slash = end;
        if (end == '\0')
            return 0;
    }
}

static void append(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);
    snprintf(text + length, size - length, "%s", more);
}

static void name_commands(const struct session *self, const struct scenario *scenario,
                          struct result *result)
{
    char word[SESSION_PATH_SIZE];
    size_t size = sizeof result->reproduce;
    snprintf(result->reproduce, size, "%s run ", cli_program);
    cli_quote(word, sizeof word, scenario->path);
    append(result->reproduce, size, word);
    snprintf(word, sizeof word, " --seed %" PRIu64, scenario->seed);
    append(result->reproduce, size, word);
    for (uint32_t i = 0; i < self->set_count; i++) {
        append(result->reproduce, size, " --set ");
        cli_quote(word, sizeof word, self->sets[i]);
        append(result->reproduce, size, word);
    }
    if (*result->directory) {
        cli_quote(word, sizeof word, result->directory);
        snprintf(result->look_closer, sizeof result->look_closer, "%s why %s", cli_program,
                 word);
    }
}

static int write_repro(const struct session *self, const struct scenario *scenario,
                       const struct result *result)
{
    char path[SESSION_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/repro.yaml", result->directory);
    FILE *file = fopen(path, "w");
    if (!file)
        return -1;
    fprintf(file,
            "repro: 1\nversion: %s\nscenario: %s\nhash: '%016" PRIx64 "'\nseed: %" PRIu64
            "\ndigest: '%016" PRIx64 "'\n",
            ROLLCAGE_VERSION, scenario->path, scenario->hash, scenario->seed, result->digest);
    if (scenario->variant)
        fprintf(file, "variant: %s\n", scenario->variant);
    if (self->set_count > 0)
        fprintf(file, "set:\n");
    for (uint32_t i = 0; i < self->set_count; i++)
        fprintf(file, "  - '%s'\n", self->sets[i]);
    fprintf(file, "overrides: [] # every choice as the seed draws it\ncommand: %s\n",
            result->reproduce);
    return fclose(file);
}

static void link_latest(const struct session *self, const char *directory)
{
    char link[SESSION_PATH_SIZE + 16], absolute[PATH_MAX];
    snprintf(link, sizeof link, "%s/latest", self->out);
    if (!realpath(directory, absolute))
        return;
    unlink(link);
    if (symlink(absolute, link) != 0)
        fprintf(stderr, "rollcage: %s: %s\n", link, strerror(errno));
}

/* The second run of a world that did not do what was expected: with a history. */
static int run_traced(const struct session *self, const struct scenario *scenario,
                      const struct result *first, struct errmsg *err)
{
    struct history history;
    history_init(&history);
    struct run_options options = {.any_of_expected = self->any_of_expected,
                                  .sink_context = &history,
                                  .sink = history_sink,
                                  .interrupted = &session_interrupted};
    struct result again;
    result_init(&again);
    int status = runner_run(scenario, &options, &again, err);
    if (status == 0 && again.digest != first->digest && !session_interrupted)
        status = errmsg_set(err, ERR_ENVIRONMENT,
                            "the traced run had digest %016" PRIx64 ", the first %016" PRIx64
                            ": see docs/determinism.md",
                            again.digest, first->digest);
    char path[SESSION_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/history.jsonl", first->directory);
    struct draws draws = {.seed = scenario->seed};
    struct history_names names = {.cluster = &scenario->cluster,
                                  .draws = &draws,
                                  .step_names = scenario->step_names,
                                  .step_name_count = scenario->step_name_count};
    if (status == 0 && (history.is_short || history_jsonl_write(&history, &names, path) != 0))
        status = errmsg_set(err, ERR_ENVIRONMENT, "%s: %s", path,
                            history.is_short ? "out of memory" : strerror(errno));
    history_release(&history);
    result_release(&again);
    return status;
}

static int leave(const struct session *self, const struct scenario *scenario, bool traced,
                 struct result *result, struct errmsg *err)
{
    char folder[256], path[SESSION_PATH_SIZE + 16];
    folder_of(scenario->path, folder, sizeof folder);
    snprintf(result->directory, sizeof result->directory, "%s/%s/%s%s%s/%" PRIu64, self->out,
             folder, scenario->name, scenario->variant ? "/" : "",
             scenario->variant ? scenario->variant : "", scenario->seed);
    name_commands(self, scenario, result);
    int status = make_directories(result->directory, err);
    if (status == 0 && traced)
        status = run_traced(self, scenario, result, err);
    snprintf(path, sizeof path, "%s/result.json", result->directory);
    if (status == 0 && report_json_file(result, path) != 0)
        status = errmsg_set(err, ERR_ENVIRONMENT, "%s: %s", path, strerror(errno));
    if (status == 0 && traced && write_repro(self, scenario, result) != 0)
        status = errmsg_set(err, ERR_ENVIRONMENT, "%s/repro.yaml: %s", result->directory,
                            strerror(errno));
    if (status == 0)
        link_latest(self, result->directory);
    return status;
}

int session_run(const struct session *self, const struct scenario *scenario,
                struct result *ret_result, struct errmsg *err)
{
    struct run_options options = {.any_of_expected = self->any_of_expected,
                                  .interrupted = &session_interrupted};
    int status = runner_run(scenario, &options, ret_result, err);
    if (status != 0)
        return status;
    snprintf(ret_result->version, sizeof ret_result->version, "%s", ROLLCAGE_VERSION);
    name_commands(self, scenario, ret_result);
    bool unexpected = !ret_result->expected && !session_interrupted;
    bool traced = self->history || unexpected ||
                  (self->keep && ret_result->verdict == RESULT_FAIL && !session_interrupted);
    if (!self->keep && !traced)
        return 0;
    return leave(self, scenario, traced, ret_result, err);
}
