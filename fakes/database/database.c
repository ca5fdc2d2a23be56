/*
 * database.c - see database.h: events and documents.
 */
#include "core/assert.h"
#include "database/database_internal.h"
#include <stdio.h>

#define REVISION 1u           /* of documents that are not written here */
#define SYSTEM_CONCURRENT 30u /* upstream's default limit; whisk.system has none of its own */

static void database_init(void *self_, const struct machine_env *env)
{
    struct database *self = self_;
    self->env = env;
    timers_init(&self->timers, env->arena, env->node);
    slab_init(&self->reads, env->arena, env->node, sizeof(struct database_read));
}

/* What is asked, for the draw. */
static uint64_t read_what(const struct message *m)
{
    if (m->kind == MSG_DOCUMENT_CALL)
        return (uint64_t)(DOCUMENT_RECORD + 1 + m->u.document.op) << 56 |
               (uint64_t)m->u.document.ns << 40 | (uint64_t)m->u.document.action << 24;
    uint64_t what = (uint64_t)m->u.database.document << 56 | (uint64_t)m->u.database.ns << 40 |
                    (uint64_t)m->u.database.action << 24;
    return what ^ m->u.database.id;
}

/*
 * How long a read takes. The draw is named by what is read and by when, not by how many reads
 * there were: taking one out moves no other.
 */
static duration read_time(const struct database *self, const struct message *m, tstamp now)
{
    const struct machine_env *env = self->env;
    uint64_t who = (uint64_t)m->from << 32 | m->from_actor;
    uint64_t entity = draw_mix(read_what(m), who);
    return draw_range(env->draws, PURPOSE_DATABASE_READ, entity, now - TSTAMP_ORIGIN,
                      env->cluster->timing[TIMING_DATABASE_READ]);
}

static void on_read(struct database *self, const struct message *m, struct effects *fx)
{
    struct database_read *read = slab_open(&self->reads);
    read->request = *m;
    if (m->kind == MSG_DOCUMENT_CALL)
        read->request.u.document.body =
            blob_copy(self->env->arena, self->env->node, m->u.document.body);
    read->timer.kind = DATABASE_TIMER_READ;
    read->timer.actor = ACTOR_MAIN_ID;
    read->timer.arg = read->item.slot;
    timers_arm(&self->timers, fx, &read->timer, read_time(self, m, fx->at), false);
}

static enum document_result read_action(const struct database *self, const struct message *m,
                                        uint32_t *ret_revision)
{
    uint32_t asked = m->u.database.revision;
    *ret_revision = documents_revision(&self->documents, self->env, m->u.database.action);
    if (*ret_revision == 0)
        return DOCUMENT_MISSING;
    return asked == 0 || asked == *ret_revision ? DOCUMENT_FOUND : DOCUMENT_MISMATCH;
}

static enum document_result read_identity(const struct database *self, namespace_id ns,
                                          uint32_t *ret_limit)
{
    const struct cluster *c = self->env->cluster;
    *ret_limit = SYSTEM_CONCURRENT;
    if (ns == NAMESPACE_SYSTEM)
        return DOCUMENT_FOUND;
    if (ns >= c->namespace_count)
        return DOCUMENT_MISSING;
    uint64_t limit = c->namespaces[ns].concurrent_invocations;
    *ret_limit = limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
    return DOCUMENT_FOUND;
}

/* The blacklist's view of the subjects: is this namespace's one blocked? */
static bool is_blocked(const struct database *self, namespace_id ns, tstamp now)
{
    const struct cluster *c = self->env->cluster;
    return ns < c->namespace_count && c->namespaces[ns].blocked_from != 0 &&
           now >= tstamp_add(TSTAMP_ORIGIN, c->namespaces[ns].blocked_from);
}

static void answer_read(struct database *self, const struct message *m, struct effects *fx)
{
    struct record_outcome outcome = {0};
    enum document_result result = DOCUMENT_ERROR;
    uint32_t limit = 0, revision = REVISION;
    switch ((enum document_kind)m->u.database.document) {
    case DOCUMENT_ACTION:
        result = read_action(self, m, &revision);
        break;
    case DOCUMENT_IDENTITY:
        result = read_identity(self, m->u.database.ns, &limit);
        break;
    case DOCUMENT_RECORD:
        result = records_get(&self->records, m->u.database.id, &outcome) ? DOCUMENT_FOUND
                                                                         : DOCUMENT_MISSING;
        break;
    }
    struct message *reply = effects_reply(fx, m, MSG_DATABASE_DOCUMENT);
    reply->u.database = m->u.database;
    reply->u.database.revision = revision != 0 ? revision : REVISION;
    reply->u.database.result = (uint8_t)result;
    reply->u.database.response = m->u.database.document == DOCUMENT_IDENTITY
                                     ? is_blocked(self, m->u.database.ns, fx->at)
                                     : outcome.response;
    reply->u.database.error = outcome.error;
    reply->u.database.concurrent_limit = limit;
}

static void answer_records(struct database *self, const struct message *m,
                           struct message *reply)
{
    const struct machine_env *env = self->env;
    struct record_query query;
    reply->u.document = m->u.document;
    reply->u.document.body = 0;
    reply->u.document.result = DOCUMENT_ERROR;
    if (blob_size(env->arena, m->u.document.body) != sizeof query)
        return;
    memcpy(&query, blob_bytes(env->arena, m->u.document.body), sizeof query);
    reply->u.document.result = DOCUMENT_FOUND;
    reply->u.document.body =
        recent_find(&self->recent, env, m->u.document.ns, &query, m->u.document.skip,
                    m->u.document.limit, &reply->u.document.limit);
}

static void answer_call(struct database *self, const struct message *m, struct effects *fx)
{
    struct message *reply = effects_reply(fx, m, MSG_DOCUMENT_DONE);
    if (m->u.document.op == DOCUMENT_RECORDS)
        answer_records(self, m, reply);
    else
        documents_answer(&self->documents, self->env, m, reply);
    blob_free(self->env->arena, m->u.document.body);
}

static void on_wake(struct database *self, tstamp now, struct effects *fx)
{
    struct timer *timer = timers_pop(&self->timers, now);
    if (timer->kind == DATABASE_TIMER_BATCH) {
        database_store_on_timer(self, fx);
        return;
    }
    struct database_read *read = slab_at(&self->reads, timer->arg);
    ASSERT(read != NULL);
    ASSERT_OP(timer->kind, ==, DATABASE_TIMER_READ);
    fx->cause = read->request.cause;
    if (read->request.kind == MSG_DOCUMENT_CALL)
        answer_call(self, &read->request, fx);
    else
        answer_read(self, &read->request, fx);
    slab_close(&self->reads, read);
}

static void on_message(struct database *self, const struct message *m, struct effects *fx)
{
    switch ((enum message_kind)m->kind) {
    case MSG_DATABASE_READ:
    case MSG_DOCUMENT_CALL:
        on_read(self, m, fx);
        return;
    case MSG_DATABASE_STORE:
        database_store_on_request(self, m, fx);
        return;
    default: /* no other kind is for a database */
        effects_reject(fx, ACTOR_MAIN_ID, m);
        return;
    }
}

static void database_step(void *self_, const struct event *ev, struct effects *fx)
{
    struct database *self = self_;
    switch (ev->kind) {
    case EVENT_DELIVER:
        on_message(self, ev->message, fx);
        break;
    case EVENT_WAKE:
        on_wake(self, ev->at, fx);
        break;
    case EVENT_LINK: /* an answer to a dead process is lost on its way */
        database_store_on_link(self, ev);
        break;
    case EVENT_START:
    case EVENT_SIGNAL:
        break;
    }
}

static struct wakeup database_next_wakeup(const void *self)
{
    return timers_first(&((const struct database *)self)->timers);
}

static void database_digest(const void *self_, struct digest *d)
{
    const struct database *self = self_;
    digest_two(d, self->records.written, self->records.digest);
    documents_digest(&self->documents, d);
    digest_two(d, self->records.page_count, self->records.other_count);
    digest_two(d, self->batch_count, self->batch_timer.at);
    for (uint32_t i = 0; i < self->batch_count; i++)
        digest_two(d, self->batch[i].u.store.id, self->batch[i].u.store.response);
    for (uint32_t slot = 0; slot < slab_slots(&self->reads); slot++) {
        const struct database_read *r = slab_at(&self->reads, slot);
        if (r == NULL)
            continue;
        digest_two(d, (uint64_t)r->request.from << 32 | r->request.corr, r->timer.at);
    }
}

static bool database_pending(const void *self_, char *text, size_t size)
{
    const struct database *self = self_;
    if (self->batch_count == 0 && self->reads.open_count == 0)
        return false;
    if (self->batch_count > 0)
        snprintf(text, size, "%" PRIu32 " records not written yet", self->batch_count);
    else
        snprintf(text, size, "%" PRIu32 " reads open", self->reads.open_count);
    return true;
}

static const char *database_post_name(unsigned what)
{
    return common_post_to_string(what);
}

static const struct config_field database_fields[] = {
    {"database.record-retention", UNIT_DURATION, MINUTES(1), MINUTES(1440), MINUTES(16),
     MINUTES(16), (uint32_t)offsetof(struct database_config, record_retention),
     "how long the outcome of an activation can be read"},
    {"database.recent-records", UNIT_COUNT, 0, 1000000, 4096, 4096,
     (uint32_t)offsetof(struct database_config, recent_records),
     "how many activation records are kept in full, the newest"},
};

const struct machine_ops database_ops = {
    .name = "database",
    .size = sizeof(struct database),
    .durable_size = offsetof(struct database, env),
    .effects_max = DATABASE_EFFECTS_MAX,
    .init = database_init,
    .step = database_step,
    .next_wakeup = database_next_wakeup,
    .digest = database_digest,
    .pending = database_pending,
    .post_name = database_post_name,
    .config_fields = database_fields,
    .config_field_count = sizeof database_fields / sizeof database_fields[0],
    .config_size = sizeof(struct database_config),
};
