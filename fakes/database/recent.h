#pragma once
/*
 * recent.h - the newest activation records in full, for who reads them by id or lists them.
 *
 * A ring of `database.recent-records`; it grows with what is written, so short runs pay
 * little. Its contents follow from what was stored, which `records` digests as it is written.
 */
#include "core/machine.h"

struct recent { /* durable, block and all */
    struct record_document *items;
    uint32_t count, max; /* max: allotted */
    uint32_t next;       /* where the next one goes once the ring is full */
};

void recent_put(struct recent *self, const struct machine_env *env,
                const struct record_document *record);
/*
 * Those of the namespace that the query asks for, the newest start first, without the first
 * `skip`, at most `limit`, as a blob of ARENA_MESSAGE; ret_total: how many there are in all.
 */
blob recent_find(const struct recent *self, const struct machine_env *env, namespace_id ns,
                 const struct record_query *query, uint32_t skip, uint32_t limit,
                 uint32_t *ret_total);
