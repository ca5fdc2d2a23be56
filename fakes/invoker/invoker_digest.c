/*
 * invoker_digest.c - the full state, field by field, in the order of slots.
 */
#include "invoker/invoker_internal.h"

static void calls_digest(const struct calls *calls, struct digest *d)
{
    digest_word(d, calls->count);
    for (uint32_t i = 0; i < calls->count; i++) {
        const struct call *call = &calls->items[i];
        digest_two(d, (uint64_t)call->corr << 32 | call->arg,
                   (uint64_t)call->peer << 16 | (uint64_t)call->kind << 8 | call->tries);
        digest_word(d, call->until);
    }
}

static void timer_digest(const struct timer *timer, struct digest *d)
{
    digest_word(d, timer_is_armed(timer) ? timer->at : TSTAMP_NEVER);
}

static void stash_digest(const struct message *stash, uint32_t count, struct digest *d)
{
    for (uint32_t i = 0; i < count; i++)
        digest_two(d, (uint64_t)stash[i].from_actor << 32 | stash[i].what, stash[i].u.words[0]);
}

static void proxy_digest(const struct proxy *p, struct digest *d)
{
    digest_two(d,
               (uint64_t)p->alive << 32 | (uint64_t)p->state << 24 | (uint64_t)p->datum << 16 |
                   (uint64_t)p->timed_out << 8 | p->has_container,
               (uint64_t)p->action << 32 | (uint64_t)p->ns << 16 | p->scheduler);
    digest_two(d, (uint64_t)p->container << 32 | p->creation,
               (uint64_t)p->revision << 32 | p->warm_revision);
    digest_two(d, (uint64_t)p->running_count << 32 | p->stash_count, p->last_used);
    digest_two(d,
               (uint64_t)p->destroy_after_resume << 16 | (uint64_t)p->determine_attempt << 8 |
                   (uint64_t)p->is_crashed << 4 | p->early,
               (uint64_t)p->operation_count << 32 | p->run_ordinal);
    digest_two(d, (uint64_t)p->prewarm_mb << 32 | p->prewarm_kind, p->prewarm_ttl);
    digest_two(d, (uint64_t)p->ping_failures << 32 | p->ping_ordinal, p->ping_from);
    digest_word(d, p->rescheduled.id);
    const struct timer *const timers[] = {&p->unused,       &p->idle,       &p->keeping,
                                          &p->determine,    &p->running,    &p->removing,
                                          &p->operation,    &p->resume,     &p->destroy,
                                          &p->rescheduling, &p->ping_cache, &p->health_ping};
    for (unsigned i = 0; i < sizeof timers / sizeof timers[0]; i++)
        timer_digest(timers[i], d);
    stash_digest(p->stash, p->stash_count, d);
    for (const struct run *run = p->runs; run != NULL; run = run->next) {
        digest_two(d, (uint64_t)run->activation.id << 8 | run->phase,
                   run->left << 16 | (uint64_t)run->response << 8 | run->error);
        digest_two(d, run->result_corr, (uint64_t)run->is_refused << 8 | run->crashes);
        timer_digest(&run->timer, d);
    }
}

static void slot_digest(const struct slot *slot, struct digest *d)
{
    const struct pool_entry *e = &slot->pool;
    const struct client *client = &slot->client;
    digest_two(d, (uint64_t)slot->generation << 8 | slot->used, slot->corr);
    digest_two(d,
               (uint64_t)e->in[POOL_IN_PROGRESS] << 32 | (uint64_t)e->in[POOL_BUSY] << 24 |
                   (uint64_t)e->in[POOL_WARMED] << 16 | (uint64_t)e->disabling << 8 |
                   e->has_creation,
               (uint64_t)e->memory_mb << 32 | e->creation.id);
    digest_two(d,
               (uint64_t)e->in[POOL_PREWARMED] << 16 |
                   (uint64_t)e->in[POOL_PREWARM_STARTING] << 8 | e->kind,
               e->expires_at);
    digest_two(d, (uint64_t)e->revision << 32 | (uint64_t)e->action << 16 | e->ns,
               e->last_used << 1 | e->is_warm);
    digest_two(d,
               (uint64_t)client->alive << 24 | (uint64_t)client->state << 16 |
                   (uint64_t)client->warmed << 8 | client->closed,
               (uint64_t)client->stored << 16 | client->connected);
    stash_digest(client->stash, client->stash_count, d);
    proxy_digest(&slot->proxy, d);
    calls_digest(&slot->calls, d);
}

/* Which containers the pool knows, in its order: the order decides who is chosen. */
static void pool_digest(const struct pool *pool, struct digest *d)
{
    digest_two(d, (uint64_t)pool->shutting_down << 32 | pool->disabling_count,
               (uint64_t)pool->drain_timers << 32 | pool->prewarm_failed_count);
    timer_digest(&pool->sync, d);
    timer_digest(&pool->prewarm_pace, d);
    timer_digest(&pool->prewarm_check, d);
    digest_two(d, pool->used_mb, pool->prewarm_queue_count);
    for (uint32_t i = 0; i < pool->prewarm_queue_count; i++)
        digest_two(
            d, (uint64_t)pool->prewarm_queue[i].kind << 32 | pool->prewarm_queue[i].memory_mb,
            pool->prewarm_queue[i].ttl);
    for (uint32_t i = 0; i < pool->prewarm_config_count; i++)
        digest_word(d, pool->prewarm_configs[i].cold_starts);
    for (unsigned list = 0; list < POOL_LIST_COUNT; list++) {
        digest_two(d, pool->lists[list].count, pool->lists[list].memory_mb);
        for (const struct slot *s = pool->lists[list].head; s != NULL; s = s->pool.next[list])
            digest_word(d, s->index);
    }
}

/* Acks that wait for Kafka, and creations that wait for the database. */
static void waiting_digest(const struct invoker *self, struct digest *d)
{
    producer_digest(&self->producer, d);
    digest_word(d, (uint64_t)self->readings_open << 32 | self->runs_open);
    for (uint32_t i = 0; i < self->reading_count; i++) {
        const struct reading *reading = &self->readings[i];
        if (reading->used)
            digest_two(d, i, (uint64_t)reading->creation.id << 1 | reading->has_identity);
    }
}

/* What was read before, and whom the warm-up has reached. */
static void caches_digest(const struct invoker *self, struct digest *d)
{
    const struct cluster *c = self->env->cluster;
    for (uint32_t i = 0; i < c->action_count; i++)
        digest_word(d, self->action_revisions[i]);
    for (uint32_t i = 0; i < c->namespace_count; i++)
        digest_two(d, self->identities[i], self->blocked != NULL && self->blocked[i] != 0);
    for (uint32_t i = 0; i < c->counts[NODE_SCHEDULER]; i++)
        digest_word(d, self->warmed_schedulers[i]);
}

static void health_digest(const struct health *h, struct digest *d)
{
    uint64_t results = 0;
    for (unsigned i = 0; i < h->buffer_count; i++)
        results = results << 1 | (h->buffer[i] != 0);
    digest_two(d,
               (uint64_t)h->buffer_next << 32 | (uint64_t)h->state << 24 |
                   (uint64_t)h->buffer_count << 16 | (uint64_t)h->is_written << 8 |
                   h->is_prepared,
               results);
    digest_two(d, (uint64_t)h->free_mb << 32 | h->busy_mb,
               (uint64_t)h->in_progress_mb << 32 | h->proxy);
}

void invoker_digest(const void *memory, struct digest *d)
{
    const struct invoker *self = memory;
    digest_two(d, (uint64_t)self->kept.container_ordinal << 32 | self->kept.test_ordinal,
               self->kept.corr);
    feed_digest(&self->feed, d);
    lease_digest(&self->lease, d);
    watcher_digest(&self->watcher, d);
    data_digest(self->data, d);
    calls_digest(&self->calls, d);
    digest_two(d,
               (uint64_t)self->etcd_is_down << 32 | (uint64_t)self->watch_is_open << 16 |
                   self->watch_number,
               (uint64_t)self->watch_revision << 32 | self->slot_free);
    pool_digest(&self->pool, d);
    waiting_digest(self, d);
    caches_digest(self, d);
    health_digest(&self->health, d);
    for (uint32_t i = 0; i < self->slot_count; i++)
        slot_digest(self->slots[i], d);
}
