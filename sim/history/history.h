#pragma once
/*
 * history.h - every record of a traced run, in fixed-size binary on the heap.
 *
 * The one thing of a world that lies outside its arena: it only grows, and is cut back when a
 * snapshot is restored. Texts are rendered later (history_jsonl.h, trail.h).
 */
#include "core/record.h"
#include <stdbool.h>
#include <stddef.h>

struct history {
    struct record *records; /* seq dense: records[i].seq = records[0].seq + i */
    size_t count, max;
    bool is_short; /* out of memory: records after the last one are missing */
};

void history_init(struct history *self);
void history_release(struct history *self);
void history_append(struct history *self, const struct record *r);
/* After a restore: forget every record from this seq on. */
void history_cut(struct history *self, uint64_t seq);
const struct record *history_find(const struct history *self, uint64_t seq); /* or NULL */
/* As a host sink (host_sinks.record); context: struct history. */
void history_sink(void *context, const struct record *r);
