#pragma once
/*
 * trace.h - recorded workloads in the Azure Functions schemas of 2019 and 2021.
 *
 * 2021: `app,func,end_timestamp,duration`, one row per call, in seconds; a call starts at
 * end - duration and runs for its duration. 2019: calls per minute in columns 1..1440;
 * durations and memory come from the files whose names have `durations` and `memory` in place
 * of `invocations`; a call lies evenly at random in its minute and runs as the percentiles of
 * its function say, linear between them.
 *
 * Every call of the file is in the result: sent, or skipped with its reason. What was changed
 * is counted (struct trace_stats). Nothing stops half-way: a wrong row is an error of the file.
 */
#include "core/cluster.h"
#include "scenario/err.h"
#include "scenario/region.h"

/* Why a call is not sent; trace_call.skipped is one more than this. */
#define TRACE_SKIP_LIST(X)                                                                     \
    X(NOT_IN_TOP, "its function is not among the `top`")                                       \
    X(AFTER_END, "it starts after the end of the load (`for`)")
#define TRACE_SKIP_MEMBER(id, text) TRACE_SKIP_##id,
enum trace_skip { TRACE_SKIP_LIST(TRACE_SKIP_MEMBER) TRACE_SKIP_COUNT };
NAMES_DECLARE(trace_skip)

#define TRACE_MEMORY_MIN_MB 128u /* upstream's limits of an action */
#define TRACE_MEMORY_MAX_MB 512u
#define TRACE_MEMORY_MB 256u /* of a function without a memory row */
#define TRACE_DURATION_MAX MINUTES(5)
#define TRACE_BYTES_MAX ((size_t)512 << 20)

struct trace_stats {
    uint64_t call_count, function_count;
    uint64_t skipped[TRACE_SKIP_COUNT];
    uint64_t moved;          /* started before time zero: sent at zero */
    uint64_t clipped;        /* ran longer than an action may */
    uint64_t no_duration;    /* 2019: calls of functions without a row of durations */
    uint64_t no_memory;      /* functions without a row of memory */
    uint64_t memory_clipped; /* functions outside an action's memory limits */
};

struct trace; /* one file, read */

struct trace_options {
    uint64_t speed_milli; /* arrivals come so many thousandths faster; 1000: as recorded */
    uint32_t top;         /* only so many functions, those with most calls; 0: all */
    tstamp from;          /* time zero of the recording */
    duration length;      /* 0: no end */
};

/* ERR_FILE, ERR_INPUT with file:line:column. */
int trace_read(struct region *region, const char *path, const struct trace_options *options,
               struct trace **ret_trace, struct errmsg *err);
/* Functions that are sent, most calls first, and as actions: `trace/<first 8 of the hash>`. */
uint32_t trace_action_count(const struct trace *self);
void trace_action(const struct trace *self, uint32_t index, struct action_info *ret_action);
uint32_t trace_call_count(const struct trace *self);
/* Place the calls: by start, then by their order in the file; ordinals from 1 in that order.
 * actions: one for each of trace_action_count. */
void trace_place(const struct trace *self, const struct draws *draws, const action_id *actions,
                 uint32_t entry, struct trace_call *ret_calls, struct trace_stats *ret_stats);
uint64_t trace_hash(const struct trace *self); /* of the files' bytes */
