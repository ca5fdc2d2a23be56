/*
 * invoker_pool_prewarm.c - containers made ahead of the actions that will run in them.
 *
 * Each configuration (a kind, a memory size, a count) is topped up at the start, when a removed
 * container asks for its replacement, and at each check; a container that is taken is replaced
 * at once, past every limit. With a pace, what is lacking waits in a queue.
 * Checks, expiry and counts that follow the cold starts need a reactive configuration. The
 * invoker has none: FPCInvokerReactive.scala:332-339 drops that part of the manifest.
 * Source: FunctionPullingContainerPool.scala:157-208, 434-513, 533-616, 790-900 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"
#include <string.h>

#define QUEUE_FIRST 8u

static const char *const kind_names[] = {EXEC_KIND_LIST(NAMES_ENTRY)};

const char *exec_kind_to_string(unsigned kind)
{
    return kind < EXEC_KIND_COUNT ? kind_names[kind] : "?";
}

enum exec_kind invoker_action_kind(const struct invoker *self, action_id action)
{
    return cluster_action(self->env->cluster, action)->blackbox ? KIND_BLACKBOX
                                                                : KIND_NODEJS_20;
}

/* Kind, count and memory of the manifest's stem cells, and nothing else of them. */
void invoker_prewarm_init(struct invoker *self)
{
    struct pool *pool = &self->pool;
    if (self->config->stem_cell_count == 0)
        return;
    pool->prewarm_config_count = 1;
    pool->prewarm_configs[0] = (struct prewarm_config){
        .kind = KIND_NODEJS_20,
        .memory_mb = (uint32_t)(self->config->stem_cell_bytes >> 20),
        .initial_count = (uint32_t)self->config->stem_cell_count,
    };
}

/* Nothing comes of it when all slots are in use. */
static void prewarm_make(struct invoker *self, const struct prewarm *what, struct effects *fx)
{
    struct slot *slot = invoker_slot_new(self, false);
    if (slot == NULL)
        return;
    slot->pool.kind = (uint8_t)what->kind;
    slot->pool.memory_mb = what->memory_mb;
    invoker_pool_insert(&self->pool, POOL_PREWARM_STARTING, slot, what->memory_mb);
    struct message *m =
        effects_post(fx, ACTOR_POOL_ID, slot_actor(slot, ACTOR_PROXY), POST_START);
    *MESSAGE_LOCAL(m, struct post_start) =
        (struct post_start){what->ttl, what->memory_mb, what->kind};
}

static void prewarm_enqueue(struct invoker *self, const struct prewarm *what)
{
    struct pool *pool = &self->pool;
    if (pool->prewarm_queue_count == pool->prewarm_queue_max) {
        pool->prewarm_queue_max =
            pool->prewarm_queue_max == 0 ? QUEUE_FIRST : pool->prewarm_queue_max * 2;
        pool->prewarm_queue = arena_grow(self->env->arena, self->env->node, pool->prewarm_queue,
                                         pool->prewarm_queue_max * sizeof *pool->prewarm_queue);
    }
    pool->prewarm_queue[pool->prewarm_queue_count++] = *what;
}

static bool slot_fits(const struct slot *slot, const struct prewarm_config *config)
{
    return slot->pool.kind == config->kind && slot->pool.memory_mb == config->memory_mb;
}

/* Ready, also if expired; starting; or queued. */
static uint32_t prewarm_current(const struct pool *pool, const struct prewarm_config *config)
{
    uint32_t count = 0;
    for (unsigned list = POOL_PREWARMED; list <= POOL_PREWARM_STARTING; list++) {
        for (const struct slot *s = pool->lists[list].head; s != NULL; s = s->pool.next[list])
            count += slot_fits(s, config);
    }
    for (uint32_t i = 0; i < pool->prewarm_queue_count; i++)
        count += pool->prewarm_queue[i].kind == config->kind &&
                 pool->prewarm_queue[i].memory_mb == config->memory_mb;
    return count;
}

static uint32_t prewarm_desired(const struct prewarm_config *config, bool is_init,
                                bool is_scheduled)
{
    if (is_init || !config->is_reactive)
        return config->initial_count;
    if (!is_scheduled || config->cold_starts == 0)
        return config->min_count;
    ASSERT_OP(config->threshold, >, 0);
    uint32_t wanted = config->cold_starts / config->threshold * config->increment;
    wanted = wanted > config->min_count ? wanted : config->min_count;
    return wanted < config->max_count ? wanted : config->max_count;
}

static bool is_expired(const struct invoker *self, const struct slot *slot, tstamp now)
{
    const struct pool *pool = &self->pool;
    for (uint32_t i = 0; i < pool->prewarm_config_count; i++) {
        const struct prewarm_config *config = &pool->prewarm_configs[i];
        if (config->is_reactive && slot_fits(slot, config))
            return slot->pool.expires_at < now;
    }
    return false;
}

static void prewarm_expire(struct invoker *self, struct effects *fx)
{
    struct pool *pool = &self->pool;
    for (uint64_t n = 0; n < self->config->prewarm_expiration_limit; n++) {
        struct slot *oldest = NULL;
        for (struct slot *s = pool->lists[POOL_PREWARMED].head; s != NULL;
             s = s->pool.next[POOL_PREWARMED]) {
            if (is_expired(self, s, fx->at) &&
                (oldest == NULL || s->pool.expires_at < oldest->pool.expires_at))
                oldest = s;
        }
        if (oldest == NULL)
            return;
        invoker_pool_remove(pool, POOL_PREWARMED, oldest);
        effects_post(fx, ACTOR_POOL_ID, slot_actor(oldest, ACTOR_PROXY), POST_REMOVE);
    }
}

/* The pace's timer starts also when nothing waits; its first turn then ends it. */
static void prewarm_fill(struct invoker *self, const uint32_t *lacking, struct effects *fx)
{
    struct pool *pool = &self->pool;
    bool is_paced = self->config->prewarm_pace_count > 0;
    for (uint32_t i = 0; i < pool->prewarm_config_count; i++) {
        const struct prewarm_config *config = &pool->prewarm_configs[i];
        const struct prewarm what = {config->kind, config->memory_mb,
                                     config->is_reactive ? config->ttl : 0};
        for (uint32_t n = 0; n < lacking[i]; n++) {
            if (is_paced)
                prewarm_enqueue(self, &what);
            else
                prewarm_make(self, &what, fx);
        }
    }
    if (is_paced && !timer_is_armed(&pool->prewarm_pace))
        timers_arm(&self->timers, fx, &pool->prewarm_pace, 0, false);
}

void invoker_prewarm_adjust(struct invoker *self, bool is_init, bool is_scheduled,
                            struct effects *fx)
{
    struct pool *pool = &self->pool;
    uint32_t lacking[PREWARM_CONFIGS_MAX] = {0};
    if (pool->shutting_down)
        return;
    if (is_scheduled)
        prewarm_expire(self, fx);
    for (uint32_t i = 0; i < pool->prewarm_config_count; i++) {
        const struct prewarm_config *config = &pool->prewarm_configs[i];
        uint32_t current = prewarm_current(pool, config);
        uint32_t desired = prewarm_desired(config, is_init, is_scheduled);
        if (pool->prewarm_failed_count <= self->config->prewarm_retry_max && current < desired)
            lacking[i] = desired - current;
    }
    prewarm_fill(self, lacking, fx);
    for (uint32_t i = 0; is_scheduled && i < pool->prewarm_config_count; i++)
        pool->prewarm_configs[i].cold_starts = 0;
}

void invoker_prewarm_start(struct invoker *self, struct effects *fx)
{
    struct pool *pool = &self->pool;
    const struct invoker_config *config = self->config;
    bool is_reactive = false;
    pool->prewarm_pace.kind = TIMER_PREWARM_PACE;
    pool->prewarm_check.kind = TIMER_PREWARM_CHECK;
    pool->prewarm_pace.actor = pool->prewarm_check.actor = ACTOR_POOL_ID;
    invoker_prewarm_adjust(self, true, false, fx);
    for (uint32_t i = 0; i < pool->prewarm_config_count; i++)
        is_reactive = is_reactive || pool->prewarm_configs[i].is_reactive;
    if (!is_reactive)
        return;
    uint64_t seconds = config->prewarm_check_variance_ns / SEC(1);
    pool->prewarm_check_interval = config->prewarm_check_interval_ns;
    if (seconds > 0)
        pool->prewarm_check_interval +=
            SEC(draw_below(self->env->draws, PURPOSE_PREWARM_CHECK, self->number,
                           self->env->incarnation, seconds));
    timers_arm(&self->timers, fx, &pool->prewarm_check, config->prewarm_check_delay_ns, false);
}

/* The scheduler's message; a fixed rate, and a turn of its own. */
void invoker_prewarm_on_timer(struct invoker *self, struct timer *timer, struct effects *fx)
{
    bool is_pace = timer->kind == TIMER_PREWARM_PACE;
    duration period =
        is_pace ? self->config->prewarm_pace_ns : self->pool.prewarm_check_interval;
    timers_arm(&self->timers, fx, timer, period, false);
    effects_post(fx, ACTOR_POOL_ID, ACTOR_POOL_ID,
                 is_pace ? POST_PREWARM_CONTAINER : POST_ADJUST_PREWARMED);
}

static void prewarm_on_pace(struct invoker *self, struct effects *fx)
{
    struct pool *pool = &self->pool;
    if (pool->prewarm_queue_count == 0)
        timers_cancel(&self->timers, &pool->prewarm_pace);
    for (uint64_t n = 0; n < self->config->prewarm_pace_count && pool->prewarm_queue_count > 0;
         n++) {
        struct prewarm first = pool->prewarm_queue[0];
        pool->prewarm_queue_count--;
        memmove(pool->prewarm_queue, pool->prewarm_queue + 1,
                pool->prewarm_queue_count * sizeof first);
        prewarm_make(self, &first, fx);
    }
}

bool invoker_prewarm_on_message(struct invoker *self, unsigned what, struct effects *fx)
{
    if (what == POST_PREWARM_CONTAINER) {
        prewarm_on_pace(self, fx);
    } else if (what == POST_ADJUST_PREWARMED) {
        self->pool.prewarm_failed_count = 0;
        invoker_prewarm_adjust(self, false, true, fx);
    } else {
        return false;
    }
    return true;
}

/* The replacement lives as long as the action's memory says, not as its own does. */
struct slot *invoker_prewarm_take(struct invoker *self, enum exec_kind kind, uint32_t need_mb,
                                  int64_t cap_mb, struct effects *fx)
{
    struct pool *pool = &self->pool;
    struct slot *best = NULL;
    for (struct slot *s = pool->lists[POOL_PREWARMED].head; s != NULL;
         s = s->pool.next[POOL_PREWARMED]) {
        uint32_t memory_mb = s->pool.memory_mb;
        if (s->pool.kind == kind && memory_mb >= need_mb && (int64_t)memory_mb <= cap_mb &&
            (best == NULL || memory_mb < best->pool.memory_mb))
            best = s;
    }
    if (best == NULL)
        return NULL;
    invoker_pool_remove(pool, POOL_PREWARMED, best);
    struct prewarm next = {kind, best->pool.memory_mb, 0};
    for (uint32_t i = 0; i < pool->prewarm_config_count; i++) {
        const struct prewarm_config *config = &pool->prewarm_configs[i];
        if (config->kind == kind && config->memory_mb == need_mb) {
            next.ttl = config->is_reactive ? config->ttl : 0;
            break;
        }
    }
    prewarm_make(self, &next, fx);
    return best;
}

void invoker_prewarm_count_cold(struct invoker *self, enum exec_kind kind, uint32_t memory_mb)
{
    for (uint32_t i = 0; i < self->pool.prewarm_config_count; i++) {
        struct prewarm_config *config = &self->pool.prewarm_configs[i];
        config->cold_starts += config->kind == kind && config->memory_mb == memory_mb;
    }
}
