/*
 * trace_azure.c - the two published schemas.
 *
 * Source: the Azure Functions traces of 2019 and 2021 (github.com/Azure/AzurePublicDataset):
 * functions are named by hashes; durations in ms (2019) or s (2021); memory in MB.
 */
#include "scenario/trace_internal.h"
#include <stdio.h>
#include "core/assert.h"

/* ---- 2021: one row per call ---- */

struct columns_2021 {
    uint32_t app, func, end, run;
};

static int row_2021(struct trace *self, const struct csv *csv, const struct columns_2021 *c)
{
    uint64_t end, run;
    int result = csv_decimal(csv, c->end, SEC(1), &end);
    if (result == 0)
        result = csv_decimal(csv, c->run, SEC(1), &run);
    if (result != 0)
        return result;
    if (csv->fields[c->func][0] == '\0')
        return csv_fail(csv, c->func, "nothing", "the hash of a function");
    struct trace_function *function =
        trace_add_function(self, "", csv->fields[c->app], csv->fields[c->func]);
    struct trace_row row = {.function = (uint32_t)(function - self->functions),
                            .count = 1,
                            .at = end > run ? end - run : 0,
                            .moved = run > end,
                            .run = run > TRACE_DURATION_MAX ? TRACE_DURATION_MAX : run,
                            .clipped = run > TRACE_DURATION_MAX};
    function->has_duration = true;
    return trace_add_row(self, csv, row);
}

int trace_read_2021(struct trace *self, struct csv *csv)
{
    struct columns_2021 c = {0};
    int result = csv_column(csv, "app", &c.app);
    if (result == 0)
        result = csv_column(csv, "func", &c.func);
    if (result == 0)
        result = csv_column(csv, "end_timestamp", &c.end);
    if (result == 0)
        result = csv_column(csv, "duration", &c.run);
    uint32_t width = csv->field_count;
    while (result == 0 && csv_next(csv)) {
        if (csv->field_count != width)
            return csv_fail(csv, 0, "another number of fields than the header has",
                            "one per column");
        result = row_2021(self, csv, &c);
    }
    return result;
}

/* ---- 2019: calls per minute, with two files beside ---- */

struct columns_2019 {
    uint32_t owner, app, func;
};

static int columns_2019_find(const struct csv *csv, struct columns_2019 *c)
{
    int result = csv_column(csv, "HashOwner", &c->owner);
    if (result == 0)
        result = csv_column(csv, "HashApp", &c->app);
    if (result == 0)
        result = csv_column(csv, "HashFunction", &c->func);
    return result;
}

static int row_2019(struct trace *self, const struct csv *csv, const struct columns_2019 *c,
                    uint32_t first, uint32_t minutes)
{
    if (csv->fields[c->func][0] == '\0')
        return csv_fail(csv, c->func, "nothing", "the hash of a function");
    struct trace_function *function = trace_add_function(
        self, csv->fields[c->owner], csv->fields[c->app], csv->fields[c->func]);
    for (uint32_t minute = 0; minute < minutes; minute++) {
        uint64_t count;
        int result = csv_count(csv, first + minute, TRACE_CALLS_MAX, &count);
        if (result != 0)
            return result;
        if (count == 0)
            continue;
        struct trace_row row = {.function = (uint32_t)(function - self->functions),
                                .count = (uint32_t)count,
                                .first = (uint32_t)function->call_count,
                                .at = MINUTES(minute),
                                .span = MINUTES(1)};
        result = trace_add_row(self, csv, row);
        if (result != 0)
            return result;
    }
    return 0;
}

/* The minutes are the columns 1, 2, 3 ... side by side; a whole day has 1440. */
static int minutes_2019(const struct csv *csv, uint32_t *ret_first, uint32_t *ret_count)
{
    char name[12];
    int result = csv_column(csv, "1", ret_first);
    if (result != 0)
        return result;
    uint32_t count = 0;
    for (uint32_t i = *ret_first; i < csv->field_count; i++) {
        snprintf(name, sizeof name, "%u", count + 1);
        if (strcmp(csv->fields[i], name) != 0)
            return csv_fail(csv, i, csv->fields[i], "the minutes in order, without a gap");
        count++;
    }
    *ret_count = count;
    return 0;
}

typedef int beside_fn(const struct csv *csv, const uint32_t *columns,
                      struct trace_function *function);

static int beside_durations(const struct csv *csv, const uint32_t *columns,
                            struct trace_function *function)
{
    for (int i = 0; i < TRACE_POINTS; i++) {
        uint64_t point;
        int result = csv_decimal(csv, columns[i], MSEC(1), &point);
        if (result != 0)
            return result;
        function->points_clipped |= point > TRACE_DURATION_MAX;
        function->points[i] = point > TRACE_DURATION_MAX ? TRACE_DURATION_MAX : point;
        if (i > 0 && function->points[i] < function->points[i - 1])
            return csv_fail(csv, columns[i], csv->fields[columns[i]],
                            "percentiles that do not fall");
    }
    function->has_duration = true;
    return 0;
}

static int beside_memory(const struct csv *csv, const uint32_t *columns,
                         struct trace_function *function)
{
    uint64_t thousandths;
    int result = csv_decimal(csv, columns[0], 1000, &thousandths);
    if (result != 0)
        return result;
    uint64_t mb = (thousandths + 999) / 1000;
    function->has_memory = true;
    function->memory_clipped = mb < TRACE_MEMORY_MIN_MB || mb > TRACE_MEMORY_MAX_MB;
    function->memory_mb = mb < TRACE_MEMORY_MIN_MB   ? TRACE_MEMORY_MIN_MB
                          : mb > TRACE_MEMORY_MAX_MB ? TRACE_MEMORY_MAX_MB
                                                     : (uint32_t)mb;
    return 0;
}

static bool same_function(const struct trace_function *function, const struct csv *csv,
                          const struct columns_2019 *c, bool with_func)
{
    return strcmp(function->owner, csv->fields[c->owner]) == 0 &&
           strcmp(function->app, csv->fields[c->app]) == 0 &&
           (!with_func || strcmp(function->name, csv->fields[c->func]) == 0);
}

/* Rows of a file beside the counts; those of functions that are never called are passed over.
 */
static int beside_rows(struct trace *self, struct csv *csv, const uint32_t *columns,
                       beside_fn *take, bool by_function)
{
    struct columns_2019 c = {0};
    int result = csv_column(csv, "HashOwner", &c.owner);
    if (result == 0)
        result = csv_column(csv, "HashApp", &c.app);
    if (result == 0 && by_function)
        result = csv_column(csv, "HashFunction", &c.func);
    uint32_t width = csv->field_count;
    while (result == 0 && csv_next(csv)) {
        if (csv->field_count != width)
            return csv_fail(csv, 0, "another number of fields than the header has",
                            "one per column");
        uint32_t next = self->buckets[trace_bucket(csv->fields[c.owner], csv->fields[c.app])];
        for (; next != 0 && result == 0; next = self->functions[next - 1].next)
            if (same_function(&self->functions[next - 1], csv, &c, by_function))
                result = take(csv, columns, &self->functions[next - 1]);
    }
    return result;
}

static const char *path_beside(struct region *region, const char *path, const char *word)
{
    static const char counts[] = "invocations";
    const char *found = NULL, *next = path;
    while ((next = strstr(next, counts)) != NULL)
        found = next++;
    if (found == NULL)
        return NULL;
    return region_printf(region, "%.*s%s%s", (int)(found - path), path, word,
                         found + strlen(counts));
}

static int read_beside(struct trace *self, const struct csv *counts, struct csv *space,
                       const char *word, const char *const *names, uint32_t name_count,
                       beside_fn *take)
{
    uint32_t columns[TRACE_POINTS] = {0};
    const char *path = path_beside(self->region, counts->file, word);
    if (path == NULL)
        return errmsg_set(
            counts->err, ERR_INPUT,
            "%.160s:1:1: a file of calls per minute, expected `invocations` in its "
            "name (durations and memory are found by it)",
            counts->file);
    int result = csv_open(space, self->region, path, &self->hash, counts->err);
    if (result != 0)
        return result;
    if (!csv_next(space))
        return csv_fail(space, 0, "nothing in it", "a header line");
    for (uint32_t i = 0; i < name_count && result == 0; i++)
        result = csv_column(space, names[i], &columns[i]);
    if (result != 0)
        return result;
    /* The published memory file of 2019 is per application, without a function's hash. */
    bool by_function = csv_has_column(space, "HashFunction");
    return beside_rows(self, space, columns, take, by_function);
}

int trace_read_2019(struct trace *self, struct csv *csv)
{
    static const char *const points[TRACE_POINTS] = {
        "percentile_Average_0",  "percentile_Average_1",  "percentile_Average_25",
        "percentile_Average_50", "percentile_Average_75", "percentile_Average_99",
        "percentile_Average_100"};
    static const char *const memory[] = {"AverageAllocatedMb"};
    struct columns_2019 c = {0};
    uint32_t first = 0, minutes = 0;
    self->has_percentiles = true;
    int result = columns_2019_find(csv, &c);
    if (result == 0)
        result = minutes_2019(csv, &first, &minutes);
    uint32_t width = csv->field_count;
    while (result == 0 && csv_next(csv)) {
        if (csv->field_count != width)
            return csv_fail(csv, 0, "another number of fields than the header has",
                            "one per column");
        result = row_2019(self, csv, &c, first, minutes);
    }
    struct csv *beside = region_alloc(self->region, sizeof *beside);
    if (result == 0)
        result =
            read_beside(self, csv, beside, "durations", points, TRACE_POINTS, beside_durations);
    if (result == 0)
        result = read_beside(self, csv, beside, "memory", memory, 1, beside_memory);
    return result;
}
