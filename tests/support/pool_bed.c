/*
 * pool_bed.c - see pool_bed.h.
 */
#include "support/pool_bed.h"
#include <stdio.h>

static struct prewarm_config configs_given[2];
static uint32_t config_count;

static void put_configs(void *machine)
{
    struct pool *pool = &((struct invoker *)machine)->pool;
    memcpy(pool->prewarm_configs, configs_given, sizeof configs_given);
    pool->prewarm_config_count = config_count;
}

struct actor_bed *pool_bed_new(unsigned units)
{
    struct actor_bed *t = actor_bed_new(ACTOR_POOL_ID, 0);
    bed_config(t->bed, "whisk.container-pool.user-memory", (uint64_t)units * STD_MB << 20);
    bed_config(t->bed, "whisk.container-pool.memory-sync-interval", MINUTES(1));
    bed_config(t->bed, "whisk.container-pool.prewarm-max-retry-limit", 3);
    config_count = 0;
    return t;
}

void pool_bed_prewarm(struct actor_bed *t, const struct prewarm_config *configs, uint32_t count)
{
    assert_true(count <= 2);
    memcpy(configs_given, configs, count * sizeof *configs);
    config_count = count;
    t->bed->on_init = put_configs;
}

void pool_bed_start(struct actor_bed *t, const char *lines)
{
    char text[1024];
    actor_bed_start(t);
    actor_bed_expect(t, lines);
    actor_bed_pass(t, 0);
    uint64_t all = t->invoker->config->user_memory_bytes >> 20;
    if (t->invoker->config->prewarm_pace_count == 0) {
        snprintf(text, sizeof text, "health: MemoryInfo %u 0 0\n", (unsigned)all);
        actor_bed_expect(t, text);
    }
}

void pool_bed_create(struct actor_bed *t, action_id action, uint32_t id, uint32_t revision)
{
    struct creation creation = invoker_bed_creation(action, id);
    creation.revision = revision;
    actor_bed_send(t, ACTOR_CONSUMER_ID, POST_CREATION_CONTAINER, &creation, sizeof creation);
}

static void report(struct actor_bed *t, uint32_t container, unsigned what, const void *payload,
                   size_t size)
{
    assert_true(container < t->invoker->slot_count);
    actor_bed_send(t, slot_actor(t->invoker->slots[container], ACTOR_PROXY), what, payload,
                   size);
}

void pool_bed_report(struct actor_bed *t, uint32_t container, unsigned what)
{
    struct post_datum datum = {.last_used = t->bed->now, .revision = REVISION_FIRST};
    datum.is_warm = what == POST_RESUMED || what == POST_RESUME_FAILED;
    report(t, container, what, &datum, sizeof datum);
}

void pool_bed_paused(struct actor_bed *t, uint32_t container, tstamp last_used)
{
    struct post_datum datum = {
        .last_used = last_used, .revision = REVISION_FIRST, .is_warm = 1};
    report(t, container, POST_CONTAINER_IS_PAUSED, &datum, sizeof datum);
}

void pool_bed_removed(struct actor_bed *t, uint32_t container, bool replace)
{
    struct post_datum datum = {.replace = replace};
    report(t, container, POST_CONTAINER_REMOVED, &datum, sizeof datum);
}

void pool_bed_ready(struct actor_bed *t, uint32_t container, uint32_t kind, uint32_t memory_mb,
                    tstamp expires_at)
{
    struct post_prewarmed datum = {expires_at, memory_mb, kind};
    report(t, container, POST_READY_TO_WORK, &datum, sizeof datum);
}

uint32_t pool_bed_warmed(struct actor_bed *t, tstamp last_used)
{
    struct slot *slot = invoker_slot_new(t->invoker, false);
    assert_non_null(slot);
    slot->pool.action = BED_HELLO;
    slot->pool.ns = BED_GUEST;
    pool_bed_paused(t, slot->index, last_used);
    return slot->index;
}

void pool_bed_expect_pools(const struct actor_bed *t, uint32_t in_progress, uint32_t busy,
                           uint32_t warmed, uint32_t prewarmed, uint32_t starting)
{
    const struct pool_chain *lists = t->invoker->pool.lists;
    assert_int_equal(lists[POOL_IN_PROGRESS].count, in_progress);
    assert_int_equal(lists[POOL_BUSY].count, busy);
    assert_int_equal(lists[POOL_WARMED].count, warmed);
    assert_int_equal(lists[POOL_PREWARMED].count, prewarmed);
    assert_int_equal(lists[POOL_PREWARM_STARTING].count, starting);
}
