#pragma once
/*
 * pool_bed.h - the container pool among probes, with upstream's fixture: actions of 256 and
 * 512 MB, a memory report once a minute (its second is in no way of the tests then).
 */
#include "support/actor_bed.h"

#define STD_MB 256u

/* Memory for `units` of 256 MB; not started. */
struct actor_bed *pool_bed_new(unsigned units);
/* The pool's own configurations, reactive or not, instead of the manifest's. At most two. */
void pool_bed_prewarm(struct actor_bed *t, const struct prewarm_config *configs,
                      uint32_t count);
/* Started; "health: MemoryInfo" is forgotten. What was started is expected. */
void pool_bed_start(struct actor_bed *t, const char *lines);

void pool_bed_create(struct actor_bed *t, action_id action, uint32_t id, uint32_t revision);
/* From a container. */
void pool_bed_report(struct actor_bed *t, uint32_t container, unsigned what);
void pool_bed_paused(struct actor_bed *t, uint32_t container, tstamp last_used);
void pool_bed_removed(struct actor_bed *t, uint32_t container, bool replace);
void pool_bed_ready(struct actor_bed *t, uint32_t container, uint32_t kind, uint32_t memory_mb,
                    tstamp expires_at);
/* A paused container of guest/hello that the pool hears of first by this. */
uint32_t pool_bed_warmed(struct actor_bed *t, tstamp last_used);
void pool_bed_expect_pools(const struct actor_bed *t, uint32_t in_progress, uint32_t busy,
                           uint32_t warmed, uint32_t prewarmed, uint32_t starting);
