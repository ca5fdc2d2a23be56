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

static struct counters *counter_list(struct scheduler *self, namespace_id ns)
{
    uint32_t index = scheduler_namespace_index(self, ns);
    ASSERT(index != UINT32_MAX);
    return &self->counters[index];
}

/* Any that matches; a closed one counts on as long as a queue reads it. */
static struct counter *counter_find(struct scheduler *self, namespace_id ns,
                                    uint32_t generation)
{
    struct counter *counter = counter_list(self, ns)->first;
    while (counter != NULL && counter->generation != generation)
        counter = counter->next;
    return counter;
}

struct counter *counter_of(struct scheduler *self, namespace_id ns)
{
    struct counter *counter = counter_list(self, ns)->first;
    while (counter != NULL && !counter->is_listed)
        counter = counter->next;
    return counter;
}

static actor_id counter_actor(struct scheduler *self, const struct counter *counter)
{
    return ACTOR(ACTOR_COUNTER, counter->generation,
                 scheduler_namespace_index(self, counter->ns));
}

static struct counter *counter_new(struct scheduler *self, namespace_id ns)
{
    struct counters *list = counter_list(self, ns);
    struct counter *counter = arena_alloc(self->env->arena, self->env->node, sizeof *counter);
    list->generation = (list->generation + 1) & 0x3ffu;
    counter->generation = list->generation;
    counter->ns = ns;
    counter->is_listed = true;
    counter->next = list->first;
    list->first = counter;
    return counter;
}

/* NamespaceContainerCount(...), for a queue that will read it until it ends. */
struct counter *counter_open(struct scheduler *self, struct effects *fx, namespace_id ns)
{
    struct counter *counter = counter_of(self, ns);
    if (counter == NULL)
        counter = counter_new(self, ns);
    counter->holders++;
    if (++counter->references != 1)
        return counter;
    for (unsigned prefix = 0; prefix < 2; prefix++) {
        struct key key = counter_key(ns, prefix);
        watcher_watch(fx, counter_actor(self, counter), &key, 2, WATCH_COUNTER, true, true);
    }
    return counter;
}

/* A queue may close twice, and so take another's reference: that one's totals freeze, and the
 * next queue gets a counter of its own, from zero (ContainerCounter.scala:100-107). */
void counter_close(struct scheduler *self, struct effects *fx, struct counter *counter)
{
    ASSERT_OP(counter->holders, >, 0);
    if (--counter->references != 0)
        return;
    counter->is_listed = false;
    for (unsigned prefix = 0; prefix < 2; prefix++) {
        struct key key = counter_key(counter->ns, prefix);
        watcher_unwatch(fx, counter_actor(self, counter), &key, 2, WATCH_COUNTER, false);
    }
}

void counter_release(struct scheduler *self, struct counter *counter)
{
    struct counter **link = &counter_list(self, counter->ns)->first;
    ASSERT_OP(counter->holders, >, 0);
    if (--counter->holders > 0)
        return;
    while (*link != counter)
        link = &(*link)->next;
    *link = counter->next;
    arena_release(self->env->arena, counter);
}

static void counter_count(struct scheduler *self, struct effects *fx,
                          const struct counter *counter, unsigned prefix)
{
    struct call *call = call_new(self, CALL_COUNT);
    struct key key = counter_key(counter->ns, prefix);
    if (call == NULL)
        return;
    call->ns = counter->ns;
    call->family = (uint8_t)prefix;
    call->asker = counter_actor(self, counter);
    call_range(self, fx, call, RANGE_COUNT, &key, 2);
}

/* The callback writes the total; a failed count leaves the old one (ContainerCounter.scala:71).
 */
void counter_on_answer(struct scheduler *self, struct call *call, const struct message *m,
                       struct effects *fx)
{
    actor_id callback = call->actor, actor = call->asker;
    struct counter *counter = counter_find(self, call->ns, ACTOR_GENERATION(actor));
    unsigned prefix = call->family;
    ASSERT_OP(prefix, <=, PREFIX_EXISTING);
    call_release(self, call);
    if (counter == NULL)
        return; /* nobody reads it */
    if (m != NULL && prefix == PREFIX_IN_PROGRESS)
        counter->in_progress = m->u.etcd_done.count;
    else if (m != NULL)
        counter->existing = m->u.etcd_done.count;
    struct message *post = effects_post(fx, callback, actor, POST_COUNT_READY);
    MESSAGE_LOCAL(post, struct post_work)->epoch = prefix;
}

static void counter_on_watched(struct scheduler *self, struct counter *counter,
                               const struct message *m, struct effects *fx)
{
    const struct key *key = &MESSAGE_LOCAL_CONST(m, struct post_watched)->key;
    unsigned prefix = key->family == KEY_IN_PROGRESS ? PREFIX_IN_PROGRESS : PREFIX_EXISTING;
    if (counter->counting[prefix]) {
        counter->again[prefix] = true;
        return;
    }
    counter->counting[prefix] = true;
    counter_count(self, fx, counter, prefix);
}

static void counter_on_ready(struct scheduler *self, struct counter *counter,
                             const struct message *m, struct effects *fx)
{
    unsigned prefix = MESSAGE_LOCAL_CONST(m, struct post_work)->epoch & 1u;
    counter->counting[prefix] = counter->again[prefix];
    counter->again[prefix] = false;
    if (counter->counting[prefix])
        counter_count(self, fx, counter, prefix);
}

void counter_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    uint32_t index = ACTOR_INDEX(m->to_actor);
    uint32_t count = self->env->cluster->namespace_count;
    ASSERT_OP(index, <=, count);
    namespace_id ns = index == count ? NAMESPACE_SYSTEM : (namespace_id)index;
    struct counter *counter = counter_find(self, ns, ACTOR_GENERATION(m->to_actor));
    if (counter == NULL)
        return; /* nobody reads it */
    if (m->what == POST_INSERTED || m->what == POST_REMOVED)
        counter_on_watched(self, counter, m, fx);
    else if (m->what == POST_COUNT_READY)
        counter_on_ready(self, counter, m, fx);
    else
        effects_reject(fx, m->to_actor, m);
}

void counter_digest(const struct scheduler *self, struct digest *d)
{
    for (uint32_t i = 0; i <= self->env->cluster->namespace_count; i++) {
        digest_word(d, self->counters[i].generation);
        for (const struct counter *c = self->counters[i].first; c != NULL; c = c->next) {
            digest_two(d, (uint64_t)c->existing << 32 | c->in_progress,
                       (uint64_t)c->generation << 32 | (uint32_t)c->references);
            digest_two(d, (uint64_t)c->holders << 8 | c->is_listed,
                       (uint64_t)c->counting[0] << 24 | (uint64_t)c->counting[1] << 16 |
                           (uint64_t)c->again[0] << 8 | c->again[1]);
        }
    }
}
