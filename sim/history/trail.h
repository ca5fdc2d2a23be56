#pragma once
/*
 * trail.h - what led to a violation, or what became of an activation, on one screen.
 *
 * The records that led to the violation's by `cause`, merged with all records of its
 * activation, in order, one line each: time relative to the violation, node, actor, what
 * happened. At most TRAIL_LINES; what is left out is said. Reads a history in memory or from
 * its file.
 */
#include "history/history_jsonl.h"

#define TRAIL_LINES 40u

struct trail_entry {
    int64_t at_ns;
    uint64_t seq, cause;
    uint64_t activation; /* a token of the source; 0: none */
};
struct trail_source {
    const void *self, *names;
    uint64_t first, count; /* seqs first .. first + count - 1 */
    void (*entry)(const struct trail_source *source, uint64_t seq, struct trail_entry *ret);
    void (*line)(const struct trail_source *source, uint64_t seq, struct history_line *ret);
};
/* Token of an activation: its id. */
struct trail_source trail_of_history(const struct history *history,
                                     const struct history_names *names);
/* Token of an activation: history_activation_token. */
struct trail_source trail_of_file(const struct history_file *file);

struct trail_query {
    uint64_t seq;        /* where it ends; 0: with the activation's last record */
    uint64_t activation; /* token; 0: none */
};
/* Returns the number of lines, 0 when the history has neither. */
unsigned trail_print(const struct trail_source *source, struct trail_query query, FILE *out);
