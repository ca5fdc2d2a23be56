/*
 * invoker_consumer.c - what the feed of topic invoker<N> calls: reads the identity and the
 * action of a creation, then tells the pool; a failed read is answered at once.
 *
 * Identities and actions are cached from their first read on (upstream's entries end five
 * minutes after their last use, which a running container's PingCache prevents).
 * The feed goes on while the invoker is disabled: the pool then refuses.
 * Source: ContainerMessageConsumer.scala:54-138 at 1fae641a2.
 */
#include "invoker/invoker_internal.h"

static void consumer_processed(struct effects *fx, actor_id from)
{
    effects_post(fx, from, ACTOR_FEED_ID(0), POST_FEED_PROCESSED);
}

void invoker_creation_answer(struct invoker *self, actor_id from,
                             const struct creation *creation, enum creation_error error,
                             struct effects *fx)
{
    struct record *r = effects_record(fx, RECORD_CREATION_ANSWERED, from);
    r->creation = creation->id;
    r->action = creation->action;
    r->ns = creation->ns;
    r->detail = (uint8_t)error;
    r->outcome = error == CREATION_NONE ? OUTCOME_OK : OUTCOME_FAILED;
    const struct cluster *c = self->env->cluster;
    if (creation->scheduler >= c->node_count ||
        cluster_kind(c, creation->scheduler) != NODE_SCHEDULER)
        return; /* no topic to answer to */
    struct entry entry = {.kind = ENTRY_CREATION_ACK, .cause = fx->cause};
    entry.u.creation = *creation;
    entry.u.creation.invoker = self->env->node;
    entry.u.creation.error = (uint8_t)error;
    uint32_t topic = TOPIC(TOPIC_CREATION_ACK, c->nodes[creation->scheduler].index);
    producer_send(&self->producer, fx, ACTOR_PRODUCER_ID, invoker_corr(self), topic, &entry);
}

static uint32_t reading_new(struct invoker *self, const struct entry *entry)
{
    uint32_t i = 0;
    while (i < self->reading_count && self->readings[i].used)
        i++;
    if (i == self->reading_count) {
        self->reading_count = self->reading_count == 0 ? 8 : self->reading_count * 2;
        self->readings = arena_grow(self->env->arena, self->env->node, self->readings,
                                    self->reading_count * sizeof *self->readings);
    }
    self->readings[i] =
        (struct reading){.creation = entry->u.creation, .cause = entry->cause, .used = true};
    self->readings_open++;
    return i;
}

/* The next document: a completed future when it is cached, else a request. */
static void reading_continue(struct invoker *self, uint32_t index, struct effects *fx)
{
    ASSERT_OP(index, <, self->reading_count);
    const struct reading *reading = &self->readings[index];
    ASSERT(reading->used);
    const struct creation *creation = &reading->creation;
    const struct cluster *c = self->env->cluster;
    bool is_cached;
    if (reading->has_identity)
        is_cached = creation->action < c->action_count &&
                    self->action_revisions[creation->action] == creation->revision;
    else
        is_cached = creation->ns < c->namespace_count && self->identities[creation->ns] != 0;
    if (!is_cached) {
        invoker_read(self, CALLBACK_CONSUMER_ID, CALL_READING, index,
                     reading->has_identity ? DOCUMENT_ACTION : DOCUMENT_IDENTITY, creation, fx);
        return;
    }
    struct message *m = effects_post(fx, CALLBACK_CONSUMER_ID, CALLBACK_CONSUMER_ID, POST_READ);
    *MESSAGE_LOCAL(m, struct post_reading) = (struct post_reading){index, DOCUMENT_FOUND};
}

void invoker_consumer_on_message(struct invoker *self, const struct message *m,
                                 struct effects *fx)
{
    if (m->kind != MSG_POST || m->what != POST_FEED_ITEM) {
        effects_reject(fx, m->to_actor, m);
        return;
    }
    const struct entry *entry = &MESSAGE_LOCAL_CONST(m, struct post_item)->entry;
    fx->cause = entry->cause;
    bool is_creation = entry->kind == ENTRY_CREATION && !entry->u.creation.deletion;
    if (is_creation && entry->u.creation.action != ACTION_WARM_UP) {
        reading_continue(self, reading_new(self, entry), fx);
        return;
    }
    if (entry->kind == ENTRY_CREATION && entry->u.creation.deletion) {
        struct message *post =
            effects_post(fx, ACTOR_CONSUMER_ID, ACTOR_POOL_ID, POST_DELETION_CONTAINER);
        *MESSAGE_LOCAL(post, struct creation) = entry->u.creation;
    } else if (!is_creation && entry->kind != ENTRY_WARM_UP) {
        effects_reject(fx, m->to_actor, m);
    } /* warm-ups are done by being read */
    consumer_processed(fx, ACTOR_CONSUMER_ID);
}

/* A namespace's own limits of actions are not modelled: the check between the two always holds,
 * and InvalidActionLimitError is never sent. */
static void reading_end(struct invoker *self, const struct reading *reading,
                        enum document_result result, struct effects *fx)
{
    if (result == DOCUMENT_FOUND) {
        struct message *m =
            effects_post(fx, CALLBACK_CONSUMER_ID, ACTOR_POOL_ID, POST_CREATION_CONTAINER);
        *MESSAGE_LOCAL(m, struct creation) = reading->creation;
    } else {
        struct creation failed = reading->creation;
        failed.document = (uint8_t)result;
        invoker_creation_answer(self, CALLBACK_CONSUMER_ID, &failed, CREATION_DB_FETCH, fx);
    }
    consumer_processed(fx, CALLBACK_CONSUMER_ID);
}

/* A document was read, or could not be: missing, another revision, a broken connection. */
void invoker_consumer_on_callback(struct invoker *self, const struct message *m,
                                  struct effects *fx)
{
    const struct post_reading *done = MESSAGE_LOCAL_CONST(m, struct post_reading);
    const struct cluster *c = self->env->cluster;
    if (m->what != POST_READ || done->reading >= self->reading_count ||
        !self->readings[done->reading].used) {
        effects_reject(fx, m->to_actor, m);
        return;
    }
    struct reading *reading = &self->readings[done->reading];
    fx->cause = reading->cause;
    if (done->result == DOCUMENT_FOUND && !reading->has_identity) {
        if (reading->creation.ns < c->namespace_count)
            self->identities[reading->creation.ns] = 1;
        reading->has_identity = true;
        reading_continue(self, done->reading, fx);
        return;
    }
    if (done->result == DOCUMENT_FOUND && reading->creation.action < c->action_count)
        self->action_revisions[reading->creation.action] = reading->creation.revision;
    ASSERT_OP(self->readings_open, >, 0);
    reading->used = false;
    self->readings_open--;
    reading_end(self, reading, (enum document_result)done->result, fx);
}
