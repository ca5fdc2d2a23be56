#pragma once
/*
 * session.h - what run and test share: reading with the program's defaults, running one seed,
 * and what a run leaves in its folder.
 */
#include "cli/cli.h"
#include "scenario/runner.h"

#define SESSION_SETS_MAX 64u
#define SESSION_PATH_SIZE 1024u

struct session {
    const char *sets[SESSION_SETS_MAX];
    uint32_t set_count;
    const char *out;     /* "out" unless --out */
    const char *variant; /* run: only this one; NULL: all */
    bool history;        /* always write history.jsonl */
    bool no_history;     /* of a live run: keep none, so that memory does not grow with it */
    bool keep; /* write result.json and link out/latest; a suite keeps failures only */
    bool any_of_expected;
    const struct run_host *host; /* NULL: virtual time */
    uint8_t hosts;               /* HOSTS_SIM or HOSTS_LIVE: what the file must allow; 0: sim */
    const char *host_options;    /* of the command that repeats the run: " --host live"; NULL */
    const char *command;         /* that repeats it; NULL: run */
};

/* Records of a run that cannot be repeated are kept up to so many (256 MiB). */
#define SESSION_LIVE_RECORDS_MAX ((size_t)1 << 22)

/* Where shipped procedures are looked for last: beside the sources the program was built from.
 */
struct scenario_options session_scenario_options(void);

/* ERR_FILE, ERR_INPUT, ERR_LATER as scenario_read. */
int session_read(const struct session *self, const char *path, const char *variant,
                 bool has_seed, uint64_t seed, struct scenario *ret_scenario,
                 struct errmsg *err);

/*
 * Run a scenario that was read. When the outcome was not the expected one (or with history) the
 * run is repeated with tracing and leaves history.jsonl and repro.yaml beside result.json (a
 * live run is no second time the same: its history is kept as it goes, as far as it fits). The
 * result owns memory: result_release. Errors: ERR_ENVIRONMENT.
 */
int session_run(const struct session *self, const struct scenario *scenario,
                struct result *ret_result, struct errmsg *err);

/* The command that runs one seed again; false: it does not fit, the text says so. */
bool session_command(const struct session *self, const char *path, const char *variant,
                     uint64_t seed, char *text, size_t size);

/* The first SIGINT or SIGTERM cuts runs short, the second one ends the program at once. A suite
 * puts the flag where its workers see it too. */
void session_catch_signals(void);
extern volatile bool *session_interrupted;
