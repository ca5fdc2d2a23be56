#pragma once
/* trace_internal.h - shared by trace.c (functions, placing) and trace_azure.c (the files). */
#include "scenario/trace.h"

#define TRACE_FUNCTIONS_MAX 10000u /* sent at once: each is an action */
#define TRACE_CALLS_MAX 0xffffffu  /* ordinals of one load entry */
#define TRACE_POINTS 7

struct trace_function {
    const char *owner, *app, *name; /* owner "" in the 2021 schema; name: the hash */
    uint64_t entity;                /* of draws: from the names, not from the position */
    uint32_t next;                  /* in the bucket of its app: index + 1, 0 ends */
    uint64_t call_count;
    uint32_t order; /* of its first row in the file */
    uint32_t rank;  /* 0: most calls; UINT32_MAX: not among the top */
    uint32_t memory_mb;
    bool has_memory, has_duration, memory_clipped, points_clipped;
    duration points[TRACE_POINTS];
};

struct trace_row { /* calls of one function: at one instant (2021) or in one minute (2019) */
    duration at;   /* from time zero of the recording, after speed; 2019: of the minute */
    duration span; /* 0, or the length in which it lies (a minute, after speed) */
    duration run;
    uint32_t function, count;
    uint32_t first; /* ordinal of its first call within the function */
    bool moved, clipped;
};

#define TRACE_BUCKETS 65536u

struct trace {
    struct region *region;
    struct trace_options options;
    struct trace_function *functions;
    uint32_t function_count, function_max;
    uint32_t *buckets; /* by owner and app: index + 1 of the newest function */
    struct trace_row *rows;
    uint32_t row_count, row_max;
    uint64_t call_count;
    uint32_t sent_count;  /* functions among the top */
    uint32_t *by_rank;    /* their indices */
    bool has_percentiles; /* 2019 */
    uint64_t hash;
};

/* One line of a CSV file at a time; fields are cut in place. */
#define CSV_FIELDS_MAX 1600
struct csv {
    const char *file;
    char *at, *end;
    uint32_t line;
    uint32_t field_count;
    char *fields[CSV_FIELDS_MAX];
    uint32_t columns[CSV_FIELDS_MAX]; /* byte position of each field, from 1 */
    struct errmsg *err;
};

int csv_open(struct csv *self, struct region *region, const char *path, uint64_t *hash,
             struct errmsg *err);
bool csv_next(struct csv *self); /* the next line that is not empty */
int csv_fail(const struct csv *self, uint32_t field, const char *what, const char *expected);
bool csv_has_column(const struct csv *header, const char *name);
/* The column of this name in the header line, or an error. */
int csv_column(const struct csv *header, const char *name, uint32_t *ret_column);
/* A decimal, also with an exponent, times `unit`, cut to a whole number. */
int csv_decimal(const struct csv *self, uint32_t field, uint64_t unit, uint64_t *ret);
int csv_count(const struct csv *self, uint32_t field, uint64_t max, uint64_t *ret);

uint32_t trace_bucket(const char *owner, const char *app);
struct trace_function *trace_add_function(struct trace *self, const char *owner,
                                          const char *app, const char *name);
int trace_add_row(struct trace *self, const struct csv *csv, struct trace_row row);
int trace_read_2021(struct trace *self, struct csv *csv);
int trace_read_2019(struct trace *self, struct csv *csv);
