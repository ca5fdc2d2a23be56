/*
 * scheduler_counter.c - ContainerCounter: how many containers a namespace has, in all.
 *
 * Totals start at 0 and are counted anew in etcd after each event under one of two prefixes;
 * events that come while a count is open cause one more. Source: ContainerCounter.scala:35-119.
 */
#include "scheduler/scheduler_internal.h"

#define WATCH_COUNTER 0x301u
enum counter_prefix { PREFIX_IN_PROGRESS, PREFIX_EXISTING };

static struct key counter_key(namespace_id ns, unsigned prefix)
{
    return (struct key){.family = prefix == PREFIX_IN_PROGRESS ? KEY_IN_PROGRESS : KEY_EXISTING,
                        .ns = ns};
}

struct counter *counter_of(struct scheduler *self, namespace_id ns)
{
    uint32_t index = scheduler_namespace_index(self, ns);
    ASSERT(index != UINT32_MAX);
    return &self->counters[index];
}

static actor_id counter_actor(struct scheduler *self, namespace_id ns)
{
    return ACTOR(ACTOR_COUNTER, counter_of(self, ns)->generation,
                 scheduler_namespace_index(self, ns));
}

uint32_t counter_open(struct scheduler *self, struct effects *fx, namespace_id ns)
{
    struct counter *counter = counter_of(self, ns);
    if (counter->references > 0) {
        counter->references++;
        return counter->generation;
    }
    uint32_t generation = (counter->generation + 1) & 0x3ffu;
    *counter = (struct counter){.references = 1, .generation = generation};
    for (unsigned prefix = 0; prefix < 2; prefix++) {
        struct key key = counter_key(ns, prefix);
        watcher_watch(fx, counter_actor(self, ns), &key, 2, WATCH_COUNTER, true, true);
    }
    return generation;
}

/* A queue may close twice, and so take another's reference (ContainerCounter.scala:100-107). */
void counter_close(struct scheduler *self, struct effects *fx, namespace_id ns,
                   uint32_t generation)
{
    struct counter *counter = counter_of(self, ns);
    ASSERT(counter->references >= 0);
    if (counter->generation != generation || counter->references == 0)
        return;
    counter->references--;
    if (counter->references > 0)
        return;
    for (unsigned prefix = 0; prefix < 2; prefix++) {
        struct key key = counter_key(ns, prefix);
        watcher_unwatch(fx, counter_actor(self, ns), &key, 2, WATCH_COUNTER, false);
    }
}

static void counter_count(struct scheduler *self, struct effects *fx, namespace_id ns,
                          unsigned prefix)
{
    struct call *call = call_new(self, CALL_COUNT);
    struct key key = counter_key(ns, prefix);
    if (call == NULL)
        return;
    call->ns = ns;
    call->family = (uint8_t)prefix;
    call->asker = counter_actor(self, ns);
    call_range(self, fx, call, RANGE_COUNT, &key, 2);
}

/* The callback writes the total; a failed count leaves the old one (ContainerCounter.scala:71).
 */
void counter_on_answer(struct scheduler *self, struct call *call, const struct message *m,
                       struct effects *fx)
{
    struct counter *counter = counter_of(self, call->ns);
    actor_id callback = call->actor, actor = call->asker;
    unsigned prefix = call->family;
    ASSERT_OP(prefix, <=, PREFIX_EXISTING);
    if (m != NULL && actor == counter_actor(self, call->ns)) {
        if (prefix == PREFIX_IN_PROGRESS)
            counter->in_progress = m->u.etcd_done.count;
        else
            counter->existing = m->u.etcd_done.count;
    }
    call_release(self, call);
    struct message *post = effects_post(fx, callback, actor, POST_COUNT_READY);
    MESSAGE_LOCAL(post, struct post_work)->epoch = prefix;
}

void counter_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    uint32_t index = ACTOR_INDEX(m->to_actor);
    uint32_t count = self->env->cluster->namespace_count;
    ASSERT_OP(index, <=, count);
    namespace_id ns = index == count ? NAMESPACE_SYSTEM : (namespace_id)index;
    struct counter *counter = &self->counters[index];
    if (counter->generation != ACTOR_GENERATION(m->to_actor))
        return; /* closed meanwhile: dead letters */
    if (m->what == POST_INSERTED || m->what == POST_REMOVED) {
        const struct key *key = &MESSAGE_LOCAL_CONST(m, struct post_watched)->key;
        unsigned prefix = key->family == KEY_IN_PROGRESS ? PREFIX_IN_PROGRESS : PREFIX_EXISTING;
        if (counter->counting[prefix]) {
            counter->again[prefix] = 1;
            return;
        }
        counter->counting[prefix] = 1;
        counter_count(self, fx, ns, prefix);
    } else if (m->what == POST_COUNT_READY) {
        unsigned prefix = MESSAGE_LOCAL_CONST(m, struct post_work)->epoch & 1u;
        counter->counting[prefix] = counter->again[prefix];
        counter->again[prefix] = 0;
        if (counter->counting[prefix])
            counter_count(self, fx, ns, prefix);
    } else {
        effects_reject(fx, m->to_actor, m);
    }
}
