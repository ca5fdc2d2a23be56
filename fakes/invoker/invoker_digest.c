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
    }
}

static void timer_digest(const struct timer *timer, struct digest *d)
{
    digest_word(d, timer_is_armed(timer) ? timer->at : TSTAMP_NEVER);
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
    timer_digest(&p->unused, d);
    timer_digest(&p->idle, d);
    timer_digest(&p->operation, d);
    timer_digest(&p->destroy, d);
    for (const struct run *run = p->runs; run != NULL; run = run->next) {
        digest_two(d, (uint64_t)run->activation.id << 8 | run->phase,
                   (uint64_t)run->response << 8 | run->error);
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
               (uint64_t)client->alive << 24 | (uint64_t)client->state << 16 |
                   (uint64_t)client->warmed << 8 | client->closed,
               (uint64_t)client->stored << 16 | client->connected);
    proxy_digest(&slot->proxy, d);
    calls_digest(&slot->calls, d);
}

static void health_digest(const struct health *h, struct digest *d)
{
    uint64_t results = 0;
    for (unsigned i = 0; i < h->buffer_count; i++)
        results = results << 1 | (h->buffer[i] != 0);
    digest_two(d,
               (uint64_t)h->state << 24 | (uint64_t)h->buffer_count << 16 |
                   (uint64_t)h->is_written << 8 | h->is_prepared,
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
    digest_two(d, (uint64_t)self->watch_is_open << 16 | self->watch_number, self->slot_free);
    digest_two(d, (uint64_t)self->pool.shutting_down << 32 | self->pool.disabling_count,
               (uint64_t)self->pool.drain_timers << 32 | self->pool.cold_start_count);
    digest_two(d, (uint64_t)self->producer.count << 8 | self->producer.is_broken,
               (uint64_t)self->readings_open << 32 | self->runs_open);
    health_digest(&self->health, d);
    for (uint32_t i = 0; i < self->slot_count; i++)
        slot_digest(self->slots[i], d);
}
