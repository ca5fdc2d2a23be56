/* suite.c - the processes of a suite. */
#include "cli/suite.h"
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(sizeof(struct suite_answer) <= PIPE_BUF, "an answer arrives whole");

static struct suite_item *add_item(struct suite *self, const char *path, const char *variant)
{
    if (self->item_count == self->item_max) {
        self->item_max = self->item_max ? 2 * self->item_max : 64;
        self->items = realloc(self->items, self->item_max * sizeof *self->items);
    }
    struct suite_item *item = &self->items[self->item_count++];
    memset(item, 0, sizeof *item);
    snprintf(item->path, sizeof item->path, "%s", path);
    snprintf(item->variant, sizeof item->variant, "%s", variant ? variant : "");
    return item;
}

static int add_file(struct suite *self, const char *path, bool has_seeds, uint64_t first,
                    uint64_t last)
{
    struct scenario scenario;
    struct errmsg err = {0};
    int status = session_read(&self->session, path, NULL, false, 0, &scenario, &err);
    if (status != 0) {
        fprintf(stderr, "%s\n", err.text);
        return err_exit(status);
    }
    uint32_t count = scenario.variant_count > 0 ? scenario.variant_count : 1;
    for (uint32_t i = 0; i < count; i++) {
        const char *variant = scenario.variant_count > 0 ? scenario.variants[i] : NULL;
        struct suite_item *item = add_item(self, path, variant);
        item->seed_first = has_seeds ? first : scenario.seed;
        item->seed_count = has_seeds ? last - first + 1 : 1;
        self->run_count += item->seed_count;
    }
    scenario_release(&scenario);
    return 0;
}

static int is_wanted(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "procedures") != 0 &&
           strcmp(entry->d_name, "targets") != 0 && strcmp(entry->d_name, "traces") != 0;
}

static int add_folder(struct suite *self, const char *path, bool has_seeds, uint64_t first,
                      uint64_t last)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_wanted, alphasort), status = 0;
    if (count < 0) {
        fprintf(stderr, "%s: %s; give a folder that can be read\n", path, strerror(errno));
        return EXIT_ENVIRONMENT;
    }
    for (int i = 0; i < count; i++) {
        char child[SESSION_PATH_SIZE];
        struct stat info;
        size_t length = strlen(path), name = strlen(entries[i]->d_name);
        bool is_yaml = name > 5 && strcmp(entries[i]->d_name + name - 5, ".yaml") == 0;
        snprintf(child, sizeof child, "%s%s%s", path,
                 length > 0 && path[length - 1] == '/' ? "" : "/", entries[i]->d_name);
        free(entries[i]);
        if (lstat(child, &info) == 0 && S_ISDIR(info.st_mode)) /* no link: it may be a loop */
            status = cli_worse(status, add_folder(self, child, has_seeds, first, last));
        else if (is_yaml)
            status = cli_worse(status, add_file(self, child, has_seeds, first, last));
    }
    free(entries);
    return status;
}

int suite_add(struct suite *self, const char *path, bool has_seeds, uint64_t first,
              uint64_t last)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return add_file(self, path, has_seeds, first, last);
    uint32_t before = self->item_count;
    int status = add_folder(self, path, has_seeds, first, last);
    if (status == 0 && self->item_count == before) {
        fprintf(stderr, "%s:1:1: no scenario in this folder, expected a *.yaml file\n", path);
        return EXIT_INPUT;
    }
    return status;
}

static void fill_answer(struct suite_answer *answer, const struct result *result)
{
    answer->exit_code = result->exit_code;
    answer->digest = result->digest;
    answer->events = result->events;
    answer->virtual_ns = result->virtual_ns;
    answer->wall_ns = result->wall_ns;
    answer->offered = result->offered;
    answer->skipped = result->skipped;
    answer->rejected = result->rejected;
    answer->accepted = result->accepted;
    answer->completed = result->completed;
    answer->succeeded = result->succeeded;
    answer->failed = result->failed;
    answer->lost = result->lost;
    answer->duplicated = result->duplicated;
    answer->hash = strtoull(result->hash, NULL, 16);
    answer->verdict = (uint8_t)result->verdict;
    answer->expected = result->expected;
    for (uint32_t i = 0; i < result->check_count; i++) {
        answer->check_fails |= (uint32_t)(result->checks[i].verdict == CHECK_FAIL) << i;
        answer->check_not_applicable |=
            (uint32_t)(result->checks[i].verdict == CHECK_NOT_APPLICABLE) << i;
    }
    snprintf(answer->directory, sizeof answer->directory, "%s", result->directory);
    snprintf(answer->text, sizeof answer->text, "%s", result->reason);
    if (result->first_check == result->check_count)
        return;
    const struct result_check *check = &result->checks[result->first_check];
    snprintf(answer->check, sizeof answer->check, "%s", check->name);
    answer->check_at_ns = check->violations[result->first_example].at_ns;
    snprintf(answer->text, sizeof answer->text, "%s%s%s", result->reason,
             *result->reason ? "; " : "", check->violations[result->first_example].text);
}

/* A worker keeps the scenario of its last item: consecutive seeds of one file read it once. */
struct worker {
    struct scenario scenario;
    uint32_t item;
    bool is_open;
};

static void work_one(const struct suite *suite, struct worker *worker, uint32_t index,
                     uint64_t seed, struct suite_answer *answer)
{
    const struct suite_item *item = &suite->items[index];
    struct errmsg err = {0};
    int status = 0;
    memset(answer, 0, sizeof *answer);
    answer->item = index;
    answer->seed = seed;
    if (worker->is_open && worker->item == index) {
        scenario_reseed(&worker->scenario, seed);
    } else {
        if (worker->is_open)
            scenario_release(&worker->scenario);
        status =
            session_read(&suite->session, item->path, *item->variant ? item->variant : NULL,
                         true, seed, &worker->scenario, &err);
        worker->is_open = status == 0;
        worker->item = index;
    }
    struct result result;
    result_init(&result);
    answer->hash = status == 0 ? worker->scenario.hash : 0;
    if (status == 0)
        status = session_run(&suite->session, &worker->scenario, &result, &err);
    if (status == 0) {
        fill_answer(answer, &result);
        answer->is_cut = *session_interrupted && result.exit_code == EXIT_INCONCLUSIVE;
    } else {
        answer->error = 1;
        answer->exit_code = err_exit(status);
        snprintf(answer->text, sizeof answer->text, "%.510s", err.text);
    }
    result_release(&result);
}

/* What the processes share. */
struct suite_shared {
    uint64_t next; /* number of the next run */
    volatile bool is_interrupted;
    struct {
        uint32_t item;
        uint64_t seed;
        bool is_busy;
    } at[SUITE_JOBS_MAX]; /* what each worker does: named when it dies of it */
};

static void work(const struct suite *suite, struct suite_shared *shared, uint32_t self,
                 int pipe_out)
{
    struct worker worker = {0};
    /* Signals of the terminal reach all: the parent alone listens, and tells by the flag. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        uint64_t run = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
        uint32_t index = 0;
        while (index < suite->item_count && run >= suite->items[index].seed_count)
            run -= suite->items[index++].seed_count;
        if (index == suite->item_count || *session_interrupted)
            break;
        struct suite_answer answer;
        shared->at[self].item = index;
        shared->at[self].seed = suite->items[index].seed_first + run;
        shared->at[self].is_busy = true;
        work_one(suite, &worker, index, shared->at[self].seed, &answer);
        shared->at[self].is_busy = false;
        if (write(pipe_out, &answer, sizeof answer) != (ssize_t)sizeof answer)
            break;
    }
    if (worker.is_open)
        scenario_release(&worker.scenario);
}

static bool read_answer(int pipe_in, struct suite_answer *answer)
{
    size_t got = 0;
    while (got < sizeof *answer) {
        ssize_t n = read(pipe_in, (char *)answer + got, sizeof *answer - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

static int start_workers(const struct suite *self, struct suite_shared *shared, int pipes[2],
                         pid_t *pids)
{
    fflush(stdout);
    fflush(stderr);
    for (uint32_t i = 0; i < self->jobs; i++) {
        pids[i] = fork();
        if (pids[i] < 0) {
            fprintf(stderr, "rollcage: process %u of %u: %s; ask for fewer with --jobs\n",
                    i + 1, self->jobs, strerror(errno));
            return EXIT_ENVIRONMENT;
        }
        if (pids[i] == 0) {
            close(pipes[0]);
            work(self, shared, i, pipes[1]);
            exit(EXIT_SUCCESS);
        }
    }
    return 0;
}

static int wait_for_workers(const struct suite *self, const struct suite_shared *shared,
                            const pid_t *pids)
{
    int status = 0;
    for (uint32_t i = 0; i < self->jobs && pids[i] > 0; i++) {
        int child = 0;
        while (waitpid(pids[i], &child, 0) < 0 && errno == EINTR)
            ;
        if (child == 0)
            continue;
        fprintf(stderr, "rollcage: a worker died of %s %d",
                WIFSIGNALED(child) ? "signal" : "status",
                WIFSIGNALED(child) ? WTERMSIG(child) : WEXITSTATUS(child));
        if (shared->at[i].is_busy)
            fprintf(stderr, " in %s %s seed %" PRIu64, self->items[shared->at[i].item].path,
                    self->items[shared->at[i].item].variant, shared->at[i].seed);
        fprintf(stderr, "\n");
        status = EXIT_SAFETY;
    }
    return status;
}

int suite_run(struct suite *self, void *context,
              void (*each)(void *context, const struct suite_item *item,
                           const struct suite_answer *answer))
{
    int pipes[2];
    struct suite_shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    static pid_t pids[SUITE_JOBS_MAX]; /* static: a worker that exits leaks nothing */
    if (shared == MAP_FAILED || pipe(pipes) != 0) {
        fprintf(stderr, "rollcage: no pipe or memory for a suite: %s; end other programs\n",
                strerror(errno));
        return EXIT_ENVIRONMENT;
    }
    shared->is_interrupted = *session_interrupted;
    session_interrupted = &shared->is_interrupted; /* shared to the end of the program */
    int status = start_workers(self, shared, pipes, pids);
    close(pipes[1]);
    struct suite_answer answer;
    while (read_answer(pipes[0], &answer))
        each(context, &self->items[answer.item], &answer);
    close(pipes[0]);
    return cli_worse(status, wait_for_workers(self, shared, pids));
}

void suite_release(struct suite *self)
{
    free(self->items);
    self->items = NULL;
}
