/*
 * etcd_notify.c - the watches of the components: one message for each event and watch, in the
 * order of the revisions, and inside a revision in that of the transaction. Those over HTTP
 * have their turn in between.
 */
#include "etcd/etcd_internal.h"

static void notify_event(struct etcd_watch *watch, const struct etcd_version *version,
                         struct effects *fx)
{
    fx->cause = version->cause;
    struct message *m = effects_send(fx, MSG_WATCH_EVENT, ACTOR_MAIN_ID, watch->stream.node,
                                     watch->stream.actor);
    m->u.watch.key = version->entry->key;
    if (!version->deleted)
        m->u.watch.value = version->value;
    else if (version->older != NULL) /* prev_kv; compacted away: none */
        m->u.watch.value = version->older->value;
    m->u.watch.revision = (uint32_t)version->revision;
    m->u.watch.watch = (uint16_t)watch->id;
    m->u.watch.deleted = version->deleted;
    watch->told = true;
}

static void notify_from(struct etcd *self, struct etcd_watch *watch,
                        const struct etcd_version *version, struct effects *fx)
{
    while ((version = etcd_watch_next(watch, version)) != NULL) {
        notify_event(watch, version, fx);
        version = version->log_next;
    }
    etcd_watch_told(watch, &self->store);
}

void etcd_notify(struct etcd *self, struct effects *fx)
{
    for (uint32_t i = 0; i < self->watches.count; i++) {
        struct etcd_watch *watch = self->watches.list[i];
        if (watch->stream.number != 0)
            etcd_gateway_notify(self, watch, fx);
        else
            notify_from(self, watch, self->store.change_first, fx);
    }
}

static void notify_answer(struct effects *fx, const struct message *m, enum message_kind kind,
                          uint64_t revision)
{
    struct message *reply = effects_reply(fx, m, kind);
    reply->u.watch.key = m->u.watch.key;
    reply->u.watch.depth = m->u.watch.depth;
    reply->u.watch.watch = m->u.watch.watch;
    reply->u.watch.revision = (uint32_t)revision;
}

void etcd_notify_created(struct etcd *self, struct effects *fx, const struct message *m)
{
    char text[2 * ETCD_TEXT_MAX];
    struct etcd_watch_request request = {
        .stream = {.node = m->from, .actor = m->from_actor},
        .id = m->u.watch.watch,
        .start_revision = m->u.watch.revision,
        .prev_kv = true,
    };
    if (m->u.watch.depth == WATCH_EXACT) {
        struct etcd_name name = {.key = m->u.watch.key};
        request.span.from = etcd_name_text(&self->store, &name, text);
    } else {
        request.span =
            etcd_span_prefix(self->env->cluster, &m->u.watch.key, m->u.watch.depth, text);
    }
    enum etcd_cancel reason;
    struct etcd_watch *watch = etcd_watch_open(&self->watches, &self->store, &request, &reason);
    if (watch == NULL) {
        ASSERT_OP(reason, ==, ETCD_CANCEL_DUPLICATE_ID); /* a prefix is never empty */
        notify_answer(fx, m, MSG_WATCH_CANCELED, 0);
        return;
    }
    notify_answer(fx, m, MSG_WATCH_CREATED, self->store.revision);
    if (etcd_watch_is_too_late(watch, &self->store)) {
        notify_answer(fx, m, MSG_WATCH_CANCELED, self->store.compacted);
        etcd_watch_close(&self->watches, self->env, watch);
        return;
    }
    uint32_t cause = fx->cause;
    notify_from(self, watch, self->store.log_first, fx);
    fx->cause = cause;
}

/* An unknown id gets no answer upstream either. */
void etcd_notify_canceled(struct etcd *self, struct effects *fx, const struct message *m)
{
    struct etcd_stream stream = {.node = m->from, .actor = m->from_actor};
    struct etcd_watch *watch = etcd_watch_find(&self->watches, stream, m->u.watch.watch);
    if (watch == NULL)
        return;
    etcd_watch_close(&self->watches, self->env, watch);
    notify_answer(fx, m, MSG_WATCH_CANCELED, 0);
}
