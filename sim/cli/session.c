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

static volatile bool own_interrupted;
volatile bool *session_interrupted = &own_interrupted;

static void on_signal(int number)
{
    static volatile sig_atomic_t seen;
    if (seen)
        _exit(128 + number);
    seen = 1;
    *session_interrupted = true;
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
    uint8_t wanted = self->hosts ? self->hosts : HOSTS_SIM;
    if (status == 0 && !(ret_scenario->hosts & wanted)) {
        const char *name = wanted == HOSTS_SIM ? "sim" : "live";
        scenario_release(ret_scenario);
        return errmsg_set(err, ERR_LATER, "%s:1:1: its `hosts` leave out %s, expected %s in it",
                          path, name, name);
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
    if (text[0] == '\0' || text[0] == '.' || strstr(text, "/.") != NULL)
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

static bool append(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);
    return (size_t)snprintf(text + length, size - length, "%s", more) < size - length;
}

static bool append_option(char *text, size_t size, const char *option, const char *value)
{
    char word[SESSION_PATH_SIZE * 2];
    return append(text, size, option) && cli_quote(word, sizeof word, value) &&
           append(text, size, word);
}

bool session_command(const struct session *self, const char *path, const char *variant,
                     uint64_t seed, char *text, size_t size)
{
    char number[24];
    snprintf(text, size, "%s", cli_program);
    snprintf(number, sizeof number, "%" PRIu64, seed);
    bool fits =
        append(text, size, " ") && append(text, size, self->command ? self->command : "run") &&
        append_option(text, size, " ", path) && append_option(text, size, " --seed ", number);
    if (fits && self->host_options)
        fits = append(text, size, self->host_options);
    if (fits && variant)
        fits = append_option(text, size, " --variant ", variant);
    for (uint32_t i = 0; i < self->set_count && fits; i++)
        fits = append_option(text, size, " --set ", self->sets[i]);
    if (fits && strcmp(self->out, "out") != 0)
        fits = append_option(text, size, " --out ", self->out);
    if (!fits)
        snprintf(text, size, "the command as it was given, with --seed %" PRIu64, seed);
    return fits;
}

static void name_commands(const struct session *self, const struct scenario *scenario,
                          struct result *result)
{
    session_command(self, scenario->path, scenario->variant, scenario->seed, result->reproduce,
                    sizeof result->reproduce);
    snprintf(result->look_closer, sizeof result->look_closer, "%s", cli_program);
    if (!*result->directory || !append_option(result->look_closer, sizeof result->look_closer,
                                              " why ", result->directory))
        result->look_closer[0] = '\0';
}

static int cannot_write(struct errmsg *err, const char *path)
{
    int error = errno;
    return errmsg_set(err, ERR_ENVIRONMENT,
                      "%s: %s; make room, or give another folder with --out", path,
                      strerror(error ? error : EIO));
}

/* A text in double quotes as YAML reads it, whatever is in it. */
static void print_yaml(FILE *file, const char *before, const char *text)
{
    fprintf(file, "%s\"", before);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(file, "\\%c", *text);
        else if ((unsigned char)*text < ' ' || *text == 0x7f)
            fprintf(file, "\\x%02x", (unsigned)(unsigned char)*text);
        else
            fputc(*text, file);
    }
    fprintf(file, "\"\n");
}

static int write_repro(const struct session *self, const struct scenario *scenario,
                       const struct result *result)
{
    char path[SESSION_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/repro.yaml", result->directory);
    FILE *file = fopen(path, "w");
    if (!file)
        return -1;
    fprintf(file, "repro: 1\nversion: \"%s\"\n", ROLLCAGE_VERSION);
    print_yaml(file, "scenario: ", scenario->path);
    fprintf(file, "hash: \"%016" PRIx64 "\"\nseed: %" PRIu64 "\ndigest: \"%016" PRIx64 "\"\n",
            scenario->hash, scenario->seed, result->digest);
    if (scenario->variant)
        print_yaml(file, "variant: ", scenario->variant);
    if (self->set_count > 0)
        fprintf(file, "set:\n");
    for (uint32_t i = 0; i < self->set_count; i++)
        print_yaml(file, "  - ", self->sets[i]);
    fprintf(file, "overrides: [] # every choice as the seed draws it\n");
    print_yaml(file, "command: ", result->reproduce);
    int failed = ferror(file);
    return fclose(file) || failed ? -1 : 0;
}

static void link_latest(const struct session *self, const char *directory)
{
    char link[SESSION_PATH_SIZE + 16], beside[SESSION_PATH_SIZE + 48], absolute[PATH_MAX];
    snprintf(link, sizeof link, "%s/latest", self->out);
    snprintf(beside, sizeof beside, "%s.%ld", link, (long)getpid()); /* workers do it too */
    if (!realpath(directory, absolute))
        return;
    if (symlink(absolute, beside) == 0 && rename(beside, link) == 0)
        return;
    fprintf(stderr, "rollcage: %s: %s\n", link, strerror(errno));
    unlink(beside);
}

static int write_history(const struct scenario *scenario, const struct history *history,
                         const char *directory, struct errmsg *err)
{
    char path[SESSION_PATH_SIZE + 16];
    snprintf(path, sizeof path, "%s/history.jsonl", directory);
    struct draws draws = {.seed = scenario->seed};
    struct history_names names = {.cluster = &scenario->cluster,
                                  .draws = &draws,
                                  .step_names = scenario->step_names,
                                  .step_name_count = scenario->step_name_count};
    if (history_jsonl_write(history, &names, path) == 0)
        return 0;
    int status = cannot_write(err, path);
    unlink(path);
    return status;
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
                                  .interrupted = session_interrupted};
    struct result again;
    result_init(&again);
    int status = runner_run(scenario, &options, &again, err);
    bool is_cut = *session_interrupted; /* half a history would explain half of the result */
    if (status == 0 && again.digest != first->digest && !is_cut)
        status = errmsg_set(err, ERR_ENVIRONMENT,
                            "the traced run had digest %016" PRIx64 ", the first %016" PRIx64
                            ": see docs/determinism.md",
                            again.digest, first->digest);
    if (status == 0 && !is_cut && history.is_short)
        status =
            errmsg_set(err, ERR_ENVIRONMENT, "%s/history.jsonl: out of memory; run it shorter",
                       first->directory);
    else if (status == 0 && !is_cut)
        status = write_history(scenario, &history, first->directory, err);
    history_release(&history);
    result_release(&again);
    return status;
}

/* What an earlier run left there tells of that run, not of this one. */
static void remove_former(const char *directory)
{
    static const char *const names[] = {"result.json", "history.jsonl", "repro.yaml"};
    char path[SESSION_PATH_SIZE + 16];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
}

/* kept: the history of this very run, if it had one. */
static int leave(const struct session *self, const struct scenario *scenario, bool traced,
                 const struct history *kept, struct result *result, struct errmsg *err)
{
    char folder[256], path[SESSION_PATH_SIZE + 16];
    folder_of(scenario->path, folder, sizeof folder);
    int length = snprintf(result->directory, sizeof result->directory, "%s/%s/%s%s%s/%" PRIu64,
                          self->out, folder, scenario->name, scenario->variant ? "/" : "",
                          scenario->variant ? scenario->variant : "", scenario->seed);
    if (length >= (int)sizeof result->directory)
        return errmsg_set(err, ERR_ENVIRONMENT,
                          "%.100s...: a path too long; give another folder with --out",
                          self->out);
    name_commands(self, scenario, result);
    int status = make_directories(result->directory, err);
    if (status == 0)
        remove_former(result->directory);
    bool has_history = traced && (kept ? !kept->is_short : !*session_interrupted);
    if (status == 0 && has_history)
        status = kept ? write_history(scenario, kept, result->directory, err)
                      : run_traced(self, scenario, result, err);
    if (!has_history)
        result->look_closer[0] = '\0'; /* without a history there is nothing to look at */
    snprintf(path, sizeof path, "%s/result.json", result->directory);
    if (status == 0 && report_json_file(result, path) != 0)
        status = cannot_write(err, path);
    snprintf(path, sizeof path, "%s/repro.yaml", result->directory);
    if (status == 0 && traced && write_repro(self, scenario, result) != 0)
        status = cannot_write(err, path);
    if (status == 0)
        link_latest(self, result->directory);
    return status;
}

/* What cannot be run again is kept as it goes; too long a run keeps nothing. */
static void live_sink(void *context, const struct record *r)
{
    struct history *history = context;
    if (history->is_short)
        return;
    if (history->count < SESSION_LIVE_RECORDS_MAX) {
        history_append(history, r);
        return;
    }
    history_release(history);
    history->is_short = true;
}

int session_run(const struct session *self, const struct scenario *scenario,
                struct result *ret_result, struct errmsg *err)
{
    /* `expect` was found with the file's own seed: of others it is allowed, not required. */
    bool any = self->any_of_expected || scenario->seed != scenario->own_seed;
    struct session with = *self;
    with.any_of_expected = any;
    struct history kept;
    history_init(&kept);
    kept.is_short = self->no_history;
    struct run_options options = {
        .any_of_expected = any, .interrupted = session_interrupted, .host = self->host};
    if (self->host) {
        options.sink = live_sink;
        options.sink_context = &kept;
    }
    int status = runner_run(scenario, &options, ret_result, err);
    if (status == 0) {
        snprintf(ret_result->version, sizeof ret_result->version, "%s", ROLLCAGE_VERSION);
        name_commands(self, scenario, ret_result);
        bool is_cut = *session_interrupted && !self->host;
        bool traced = !is_cut && (self->history || !ret_result->expected ||
                                  (self->keep && ret_result->verdict == RESULT_FAIL));
        if (self->keep || traced)
            status = leave(&with, scenario, traced, self->host ? &kept : NULL, ret_result, err);
    }
    history_release(&kept);
    return status;
}
