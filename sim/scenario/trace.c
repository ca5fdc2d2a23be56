/* trace.c - functions of a recorded workload, the top ones, and when each call comes. */
#include "scenario/trace_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include "core/assert.h"

NAMES_DEFINE(trace_skip, TRACE_SKIP_LIST)

static int trace_finish(struct trace *self, const struct csv *csv);

int trace_read(struct region *region, const char *path, const struct trace_options *options,
               struct trace **ret_trace, struct errmsg *err)
{
    struct trace *self = region_alloc(region, sizeof *self);
    struct csv *csv = region_alloc(region, sizeof *csv);
    self->region = region;
    self->options = *options;
    self->hash = UINT64_C(0xcbf29ce484222325);
    self->buckets = region_array(region, TRACE_BUCKETS, sizeof *self->buckets);
    int result = csv_open(csv, region, path, &self->hash, err);
    if (result != 0)
        return result;
    if (!csv_next(csv))
        return csv_fail(csv, 0, "nothing in it", "a header line");
    result = csv_has_column(csv, "HashFunction") ? trace_read_2019(self, csv)
                                                 : trace_read_2021(self, csv);
    if (result == 0)
        result = trace_finish(self, csv);
    *ret_trace = self;
    return result;
}

static uint64_t text_hash(const char *text, uint64_t hash)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static void *grow(struct region *region, void *items, uint32_t count, uint32_t *max,
                  size_t size)
{
    if (count < *max)
        return items;
    *max = *max == 0 ? 64 : *max * 2;
    void *larger = region_array(region, *max, size);
    if (count > 0)
        memcpy(larger, items, count * size);
    return larger;
}

uint32_t trace_bucket(const char *owner, const char *app)
{
    uint64_t hash = text_hash(app, text_hash(owner, UINT64_C(0xcbf29ce484222325)));
    return (uint32_t)(hash >> 32) % TRACE_BUCKETS;
}

struct trace_function *trace_add_function(struct trace *self, const char *owner,
                                          const char *app, const char *name)
{
    uint64_t entity = text_hash(owner, UINT64_C(0xcbf29ce484222325));
    entity = text_hash(app, entity);
    entity = text_hash(name, entity);
    uint32_t *bucket = &self->buckets[trace_bucket(owner, app)];
    for (uint32_t next = *bucket; next != 0; next = self->functions[next - 1].next) {
        struct trace_function *function = &self->functions[next - 1];
        if (function->entity == entity && strcmp(function->name, name) == 0 &&
            strcmp(function->app, app) == 0 && strcmp(function->owner, owner) == 0)
            return function;
    }
    self->functions = grow(self->region, self->functions, self->function_count,
                           &self->function_max, sizeof *self->functions);
    struct trace_function *function = &self->functions[self->function_count];
    *function = (struct trace_function){.owner = owner,
                                        .app = app,
                                        .name = name,
                                        .entity = entity,
                                        .order = self->function_count,
                                        .next = *bucket,
                                        .rank = UINT32_MAX,
                                        .memory_mb = TRACE_MEMORY_MB};
    *bucket = ++self->function_count;
    return function;
}

int trace_add_row(struct trace *self, const struct csv *csv, struct trace_row row)
{
    if (self->call_count + row.count > TRACE_CALLS_MAX)
        return csv_fail(csv, 0, "more calls than one load may have", "at most 16777215 calls");
    uint64_t speed = self->options.speed_milli;
    ASSERT_OP(speed, >, 0);
    row.at = (duration)((unsigned __int128)row.at * 1000 / speed);
    row.span = (duration)((unsigned __int128)row.span * 1000 / speed);
    self->rows =
        grow(self->region, self->rows, self->row_count, &self->row_max, sizeof *self->rows);
    self->rows[self->row_count++] = row;
    self->functions[row.function].call_count += row.count;
    self->call_count += row.count;
    return 0;
}

struct ranked {
    uint64_t call_count;
    uint32_t index;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->call_count != right->call_count)
        return left->call_count > right->call_count ? -1 : 1;
    return left->index < right->index ? -1 : 1;
}

static int trace_finish(struct trace *self, const struct csv *csv)
{
    uint32_t count = self->function_count;
    if (self->call_count == 0)
        return errmsg_set(csv->err, ERR_INPUT,
                          "%.160s:%u:1: no call in it, expected at least one", csv->file,
                          csv->line);
    struct ranked *ranked = region_array(self->region, count, sizeof *ranked);
    self->by_rank = region_array(self->region, count, sizeof *self->by_rank);
    for (uint32_t i = 0; i < count; i++)
        ranked[i] = (struct ranked){self->functions[i].call_count, i};
    qsort(ranked, count, sizeof *ranked, compare_ranked);
    uint32_t top =
        self->options.top == 0 || self->options.top > count ? count : self->options.top;
    if (top > TRACE_FUNCTIONS_MAX)
        return errmsg_set(csv->err, ERR_INPUT,
                          "%.160s:1:1: %u functions, expected at most %u: choose with `top`",
                          csv->file, top, TRACE_FUNCTIONS_MAX);
    for (uint32_t i = 0; i < top && ranked[i].call_count > 0; i++) {
        self->functions[ranked[i].index].rank = i;
        self->by_rank[self->sent_count++] = ranked[i].index;
    }
    return 0;
}

uint32_t trace_action_count(const struct trace *self)
{
    return self->sent_count;
}

/* Is the name of this action, cut to so many digits, that of one with a higher rank? */
static bool name_is_taken(const struct trace *self, uint32_t index, int digits)
{
    const char *name = self->functions[self->by_rank[index]].name;
    for (uint32_t i = 0; i < index; i++)
        if (strncmp(self->functions[self->by_rank[i]].name, name, (size_t)digits) == 0)
            return true;
    return false;
}

void trace_action(const struct trace *self, uint32_t index, struct action_info *ret_action)
{
    ASSERT_OP(index, <, self->sent_count);
    const struct trace_function *function = &self->functions[self->by_rank[index]];
    int digits = name_is_taken(self, index, 8) ? 16 : 8;
    struct action_info action = {.run_kind = RUN_FIXED,
                                 .memory_mb = function->memory_mb,
                                 .concurrency = 1,
                                 .init = MSEC(150),
                                 .timeout = TRACE_DURATION_MAX};
    if (digits == 16 && name_is_taken(self, index, 16))
        snprintf(action.name, sizeof action.name, "trace/%.16s-%u", function->name,
                 function->order);
    else
        snprintf(action.name, sizeof action.name, "trace/%.*s", digits, function->name);
    for (char *c = action.name; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
            *c = '_';
    if (self->has_percentiles && function->has_duration) {
        action.run_kind = RUN_PERCENTILES;
        memcpy(action.run_points, function->points, sizeof action.run_points);
    }
    *ret_action = action;
}

uint32_t trace_call_count(const struct trace *self)
{
    return (uint32_t)self->call_count;
}

static int compare_calls(const void *a, const void *b)
{
    const struct trace_call *left = a, *right = b;
    if (left->at != right->at)
        return left->at < right->at ? -1 : 1;
    return left->ordinal < right->ordinal ? -1 : left->ordinal > right->ordinal;
}

static void count_row(const struct trace *self, const struct trace_row *row,
                      struct trace_stats *stats)
{
    const struct trace_function *function = &self->functions[row->function];
    stats->call_count += row->count;
    stats->moved += row->moved ? row->count : 0;
    stats->clipped += row->clipped || function->points_clipped ? row->count : 0;
    stats->no_duration += function->has_duration ? 0 : row->count;
}

void trace_place(const struct trace *self, const struct draws *draws, const action_id *actions,
                 uint32_t entry, struct trace_call *ret_calls, struct trace_stats *ret_stats)
{
    struct trace_stats stats = {.function_count = self->function_count};
    tstamp from = self->options.from;
    tstamp end =
        self->options.length == 0 ? TSTAMP_NEVER : tstamp_add(from, self->options.length);
    uint32_t n = 0;
    for (uint32_t i = 0; i < self->row_count; i++) {
        const struct trace_row *row = &self->rows[i];
        const struct trace_function *function = &self->functions[row->function];
        count_row(self, row, &stats);
        for (uint32_t k = 0; k < row->count; k++, n++) {
            tstamp at = tstamp_add(from, row->at);
            if (row->span > 0)
                at += draw_below(draws, PURPOSE_ARRIVAL, draw_mix(function->entity, entry),
                                 row->first + k, row->span);
            bool is_sent = function->rank != UINT32_MAX;
            action_id action = is_sent ? actions[function->rank] : ACTION_NONE;
            uint8_t skipped = !is_sent    ? TRACE_SKIP_NOT_IN_TOP + 1
                              : at >= end ? TRACE_SKIP_AFTER_END + 1
                                          : 0;
            if (skipped != 0)
                stats.skipped[skipped - 1]++;
            ret_calls[n] = (struct trace_call){
                .at = at, .run = row->run, .action = action, .skipped = skipped, .ordinal = n};
        }
    }
    for (uint32_t i = 0; i < self->function_count; i++) {
        stats.no_memory += !self->functions[i].has_memory;
        stats.memory_clipped += self->functions[i].memory_clipped;
    }
    ASSERT_OP(n, ==, self->call_count);
    qsort(ret_calls, n, sizeof *ret_calls, compare_calls);
    for (uint32_t i = 0; i < n; i++)
        ret_calls[i].ordinal = i + 1;
    *ret_stats = stats;
}

uint64_t trace_hash(const struct trace *self)
{
    return self->hash;
}
