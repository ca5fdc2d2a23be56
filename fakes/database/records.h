#pragma once
/*
 * records.h - outcomes of activations, kept for a while.
 *
 * Two bits each, in pages of 4096 requests: none, success, application error, or another one
 * that lies in a table aside (as do records of repeated requests). A page goes when its last
 * record is older than the retention.
 */
#include "core/machine.h"

#define RECORDS_PAGE 4096u

struct records_page {
    uint32_t number; /* request id / RECORDS_PAGE */
    tstamp last_at;
    uint64_t bits[RECORDS_PAGE / 32];
};
struct records_other {
    activation_id id; /* 0: unused */
    uint8_t response, error;
    tstamp at;
};

struct records {                 /* durable, blocks and all */
    struct records_page **pages; /* by number */
    uint32_t page_count, page_max, page_cursor;
    struct records_other *others;    /* open addressing, found by id, never walked in order */
    uint32_t other_count, other_max; /* max: a power of two */
    uint64_t written;                /* how many, ever */
    uint64_t digest;                 /* over all that were written */
};

struct record_outcome {
    uint8_t response, error; /* enum response_status, enum error_text */
};

/* env->config is the database's: its retention. False if there is one already: a conflict. */
bool records_put(struct records *self, const struct machine_env *env, activation_id id,
                 struct record_outcome outcome, tstamp now);
bool records_get(const struct records *self, activation_id id,
                 struct record_outcome *ret_outcome);
/* Let go what is older than the retention; looks at a few pages only. */
void records_expire(struct records *self, const struct machine_env *env, tstamp now);
