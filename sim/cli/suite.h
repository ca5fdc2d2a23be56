#pragma once
/*
 * suite.h - many runs over a few processes: files x variants x seeds.
 *
 * Each worker is a process of its own (a world keeps its arena mapped, an assertion that fails
 * must not take the suite down); it takes the next number from a shared counter and writes one
 * fixed-size answer into a pipe.
 */
#include "cli/session.h"

#define SUITE_JOBS_MAX 256u

struct suite_item { /* one file, or one variant of it; runs once per seed */
    char path[SESSION_PATH_SIZE];
    char variant[64];                /* "" none */
    uint64_t seed_first, seed_count; /* given, or the file's own */
};

struct suite_answer { /* what comes through the pipe; at most PIPE_BUF, so that it is whole */
    uint32_t item;
    int32_t exit_code;
    uint64_t seed, digest, events, virtual_ns, wall_ns;
    uint64_t accepted, failed, lost, rejected, offered, skipped, completed, succeeded,
        duplicated;
    uint64_t hash;
    uint32_t check_fails, check_not_applicable; /* bit per check */
    uint8_t verdict, expected, error;           /* error: could not run; text says why */
    uint8_t is_cut;                             /* a signal ended it before it found anything */
    char text[512];                             /* reason and first violation, or the error */
    char check[40];                             /* of the first violation; "" none */
    int64_t check_at_ns;
    char directory[SESSION_PATH_SIZE];
};

struct suite {
    struct session session;
    struct suite_item *items;
    uint32_t item_count, item_max;
    uint32_t jobs; /* at most SUITE_JOBS_MAX */
    uint64_t run_count;
};

/* Add a scenario file, or every one below a folder (procedures, targets, traces left out), in
 * name order. Returns 0, or the exit code after one line on stderr. */
int suite_add(struct suite *self, const char *path, bool has_seeds, uint64_t first,
              uint64_t last);

/* Run all; `each` is called in the parent for every answer, in the order they arrive. A signal
 * to the parent cuts short what runs and begins nothing more. Returns 0, or EXIT_ENVIRONMENT
 * when a process could not be made, EXIT_SAFETY when one died. */
int suite_run(struct suite *self, void *context,
              void (*each)(void *context, const struct suite_item *item,
                           const struct suite_answer *answer));
void suite_release(struct suite *self);
