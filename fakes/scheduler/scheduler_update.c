/*
 * scheduler_update.c - an action was updated: the new revision's metadata, before its queue.
 *
 * The read goes through the document cache, whose key is the action and its revision: reads of
 * one revision at the same time are one, and a result holds for five minutes. The empty
 * revision is never in the cache; it is asked for when the wanted one is not stored any more.
 * Each call of createNewQueue is a call of ours (scheduler_call.h), also while it only waits
 * for another one's read. The cache keeps the newest revision of each action: the manager
 * never asks for an older one, since it rewrites such messages before.
 * Source: QueueManager.scala:148-184, 373-410, MultipleReadersSingleWriterCache.scala:146-219
 * at 1fae641a2.
 */
#include "scheduler/scheduler_internal.h"

#define METADATA_LIFE MINUTES(5)

static struct metadata *metadata_of(struct scheduler *self, action_id action)
{
    uint32_t count = self->env->cluster->action_count;
    return action < count ? &self->metadata[action] : NULL;
}

static void update_fail(struct scheduler *self, struct effects *fx, actor_id actor,
                        const struct activation *a)
{
    scheduler_complete(self, fx, actor, a, RESPONSE_WHISK_ERROR, ERROR_ACTION_UNREADABLE,
                       ACK_BY_SCHEDULER);
}

/* self ! CreateNewQueue: the message goes on with the revision that is stored. */
static void update_found(struct effects *fx, const struct call *call, uint32_t revision)
{
    struct message *post =
        effects_post(fx, call->actor, ACTOR_MANAGER_ID, POST_CREATE_NEW_QUEUE);
    struct post_activation *new = MESSAGE_LOCAL(post, struct post_activation);
    new->activation = call->u.activation;
    new->activation.revision = revision;
}

/* The call that reads this revision now, or NULL. */
static struct call *update_reader(struct scheduler *self, const struct activation *a)
{
    for (uint32_t i = 0; i < self->calls.count; i++) {
        struct call *call = slots_at(&self->calls, i);
        if (call != NULL && call->kind == CALL_UPDATE && call->corr != 0 &&
            call->u.activation.action == a->action && call->u.activation.revision != 0 &&
            call->u.activation.revision == a->revision)
            return call;
    }
    return NULL;
}

static void update_wait(struct call *reader, struct call *call)
{
    struct call **link = &reader->waiting;
    while (*link != NULL)
        link = &(*link)->waiting;
    *link = call;
}

static void update_read(struct scheduler *self, struct call *call, struct effects *fx)
{
    const struct activation *a = &call->u.activation;
    struct call *reader = update_reader(self, a);
    const struct metadata *known = metadata_of(self, a->action);
    call->ns = a->ns;
    call->cause = fx->cause;
    if (reader != NULL) {
        update_wait(reader, call);
    } else if (known != NULL && a->revision != 0 && known->revision == a->revision &&
               fx->at - known->read_at < METADATA_LIFE) {
        update_found(fx, call, a->revision);
        call_release(self, call);
    } else {
        call_read(self, fx, call, DOCUMENT_ACTION, a->action, a->revision);
    }
}

void update_start(struct scheduler *self, struct effects *fx, const struct activation *a)
{
    struct call *call = call_new(self, CALL_UPDATE);
    if (call == NULL) {
        update_fail(self, fx, ACTOR_MANAGER_ID, a);
        return;
    }
    struct record *r = effects_record(fx, RECORD_LOOKED_UP, ACTOR_MANAGER_ID);
    r->activation = a->id;
    r->action = a->action;
    call->u.activation = *a;
    update_read(self, call, fx);
}

static void update_on_result(struct scheduler *self, struct call *call,
                             enum document_result result, uint32_t revision, struct effects *fx)
{
    fx->cause = call->cause;
    if (result == DOCUMENT_MISMATCH && call->u.activation.revision != 0) {
        call->u.activation.revision = 0;
        update_read(self, call, fx);
        return;
    }
    if (result == DOCUMENT_FOUND)
        update_found(fx, call, revision);
    else
        update_fail(self, fx, call->actor, &call->u.activation);
    call_release(self, call);
}

void update_on_answer(struct scheduler *self, struct call *call, const struct message *m,
                      struct effects *fx)
{
    enum document_result result = DOCUMENT_ERROR;
    uint32_t revision = 0;
    struct call *waiting = call->waiting;
    ASSERT_OP(call->kind, ==, CALL_UPDATE);
    call->waiting = NULL;
    if (m != NULL) {
        result = (enum document_result)m->u.database.result;
        revision = m->u.database.revision;
    }
    struct metadata *known = metadata_of(self, call->u.activation.action);
    if (known != NULL && result == DOCUMENT_FOUND && call->u.activation.revision != 0)
        *known = (struct metadata){.revision = revision, .read_at = fx->at};
    update_on_result(self, call, result, revision, fx);
    while (waiting != NULL) {
        struct call *next = waiting->waiting;
        waiting->waiting = NULL;
        update_on_result(self, waiting, result, revision, fx);
        waiting = next;
    }
}

void update_digest(const struct scheduler *self, struct digest *d)
{
    for (uint32_t i = 0; i < self->env->cluster->action_count; i++) {
        if (self->metadata[i].revision != 0)
            digest_two(d, (uint64_t)i << 32 | self->metadata[i].revision,
                       self->metadata[i].read_at);
    }
}
