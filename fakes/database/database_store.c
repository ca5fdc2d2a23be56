/*
 * database_store.c - activation records, written in batches.
 */
#include "core/assert.h"
#include "database/database_internal.h"

#define BATCH_FIRST 64u

void database_store_on_request(struct database *self, const struct message *m,
                               struct effects *fx)
{
    const struct machine_env *env = self->env;
    if (self->batch_count == self->batch_max) {
        self->batch_max = self->batch_max == 0 ? BATCH_FIRST : self->batch_max * 2;
        self->batch = arena_grow(env->arena, env->node, self->batch,
                                 self->batch_max * sizeof self->batch[0]);
    }
    self->batch[self->batch_count++] = *m;
    if (timer_is_armed(&self->batch_timer))
        return;
    uint64_t entity = (uint64_t)env->incarnation << 32 | env->node;
    duration write = draw_range(env->draws, PURPOSE_DATABASE_BATCH, entity, self->batch_number,
                                env->cluster->timing[TIMING_DATABASE_BATCH]);
    self->batch_number++;
    self->batch_timer.kind = DATABASE_TIMER_BATCH;
    self->batch_timer.actor = ACTOR_MAIN_ID;
    timers_arm(&self->timers, fx, &self->batch_timer, write, false);
}

/*
 * Upstream's batcher lies in the process that stores (CouchDbRestStore): what has not been
 * written when that process dies is gone with it.
 */
void database_store_on_link(struct database *self, const struct event *ev)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < self->batch_count; i++)
        if (!ev->down || self->batch[i].from != ev->peer)
            self->batch[kept++] = self->batch[i];
    self->batch_count = kept;
}

static void keep_in_full(struct database *self, const struct message *m)
{
    struct record_document record = {.id = m->u.store.id,
                                     .action = m->u.store.action,
                                     .ns = m->u.store.ns,
                                     .start_at = m->u.store.start_at,
                                     .end_at = m->u.store.end_at,
                                     .response = m->u.store.response,
                                     .error = m->u.store.error};
    documents_version(&self->documents, self->env, record.action, record.version);
    recent_put(&self->recent, self->env, &record);
}

static void write_one(struct database *self, const struct message *m, struct effects *fx)
{
    struct record_outcome outcome = {.response = m->u.store.response,
                                     .error = m->u.store.error};
    bool is_written = records_put(&self->records, self->env, m->u.store.id, outcome, fx->at);
    if (is_written) {
        struct record *r = effects_record(fx, RECORD_STORED, ACTOR_MAIN_ID);
        r->activation = m->u.store.id;
        r->detail = m->u.store.response;
        keep_in_full(self, m);
    }
    struct message *reply = effects_reply(fx, m, MSG_DATABASE_STORED);
    reply->u.store = m->u.store;
    reply->u.store.ok = is_written;
}

void database_store_on_timer(struct database *self, struct effects *fx)
{
    for (uint32_t i = 0; i < self->batch_count; i++) {
        fx->cause = self->batch[i].cause;
        write_one(self, &self->batch[i], fx);
    }
    self->batch_count = 0;
    records_expire(&self->records, self->env, fx->at);
}
