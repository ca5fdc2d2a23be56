/*
 * history.c - a growing array of records.
 */
#include "history/history.h"
#include "core/assert.h"
#include <stdlib.h>

#define HISTORY_FIRST 4096u

void history_init(struct history *self)
{
    *self = (struct history){0};
}

void history_release(struct history *self)
{
    free(self->records);
    history_init(self);
}

void history_append(struct history *self, const struct record *r)
{
    if (self->is_short)
        return;
    if (self->count == self->max) {
        size_t max = self->max == 0 ? HISTORY_FIRST : self->max * 2;
        struct record *records = realloc(self->records, max * sizeof *records);
        if (records == NULL) {
            self->is_short = true;
            return;
        }
        self->records = records;
        self->max = max;
    }
    ASSERT(self->count == 0 || r->seq == self->records[self->count - 1].seq + 1);
    self->records[self->count++] = *r;
}

void history_cut(struct history *self, uint64_t seq)
{
    if (self->count == 0 || seq >= self->records[0].seq + self->count)
        return;
    self->count = seq <= self->records[0].seq ? 0 : (size_t)(seq - self->records[0].seq);
    self->is_short = false;
}

const struct record *history_find(const struct history *self, uint64_t seq)
{
    if (self->count == 0 || seq < self->records[0].seq ||
        seq - self->records[0].seq >= self->count)
        return NULL;
    return &self->records[seq - self->records[0].seq];
}

void history_sink(void *context, const struct record *r)
{
    history_append(context, r);
}
