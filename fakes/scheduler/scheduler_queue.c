/*
 * scheduler_queue.c - MemoryQueue: its life and the dispatch of its mailbox.
 */
#include "scheduler/scheduler_queue.h"
#include <string.h>

typedef void queue_handler_fn(struct queue *q, const struct message *m, struct effects *fx);

struct key queue_key(const struct queue *q, enum key_family family)
{
    struct key key = {.family = (uint16_t)family, .ns = q->ns, .action = q->action};
    if (family == KEY_IN_PROGRESS || family == KEY_EXISTING)
        key.revision = q->revision;
    return key;
}

static void queue_init(struct queue *q, struct scheduler *self, actor_id actor)
{
    const struct machine_env *env = self->env;
    static const enum set_form forms[BUG_VALUE_COUNT] = {
        [BUG_FIXED] = SET_SAFE, [BUG_OLD] = SET_STALE, [BUG_LOST_UPDATE] = SET_LOST_UPDATE};
    enum bug_value bug = cluster_bug(env->cluster, BUG_LOST_CREATION_ID, env->behaviour);
    uint64_t queue = draw_mix((uint64_t)q->ns << 16 | q->action, q->revision);
    uint64_t entity = draw_mix((uint64_t)env->incarnation << 32 | env->node, queue);
    q->scheduler = self;
    q->actor = actor;
    q->recorded = UINT64_MAX; /* no numbers yet */
    shared_set_init(&q->containers, env, &self->timers, actor, TIMER_QUEUE_SET, forms[bug],
                    true, q->action, entity);
    shared_set_init(&q->creations, env, &self->timers, actor, TIMER_QUEUE_SET, forms[bug],
                    false, q->action, entity + 1);
    struct timer *timers[] = {&q->state_timer, &q->flush_timer, &q->removed_timer};
    for (unsigned i = 0; i < 3; i++)
        *timers[i] = (struct timer){.kind = (uint16_t)(TIMER_QUEUE_STATE + i), .actor = actor};
    q->monitor_timer = (struct timer){.kind = TIMER_QUEUE_MONITOR,
                                      .actor = SLOT_ACTOR(ACTOR_MONITOR, SLOT_REF(actor))};
}

actor_id queue_new(struct scheduler *self, struct effects *fx, namespace_id ns,
                   action_id action, uint32_t revision)
{
    uint32_t ref;
    struct queue *q = slots_take(&self->queues, self->env, &ref);
    if (q == NULL)
        return 0;
    ASSERT(scheduler_namespace_index(self, ns) != UINT32_MAX);
    q->ns = ns;
    q->action = action;
    q->revision = revision;
    queue_init(q, self, SLOT_ACTOR(ACTOR_QUEUE, ref));
    struct record *r = effects_record(fx, RECORD_QUEUE_MADE, q->actor);
    r->action = action;
    r->ns = ns;
    r->value = revision;
    return q->actor;
}

/* The constructor runs on the queue's own thread, right before its first message. */
static void queue_construct(struct queue *q, struct effects *fx)
{
    struct key in_progress = queue_key(q, KEY_IN_PROGRESS),
               existing = queue_key(q, KEY_EXISTING);
    q->counter = counter_open(q->scheduler, fx, q->ns);
    watcher_watch(fx, q->actor, &in_progress, 4, WATCH_QUEUE, true, true);
    watcher_watch(fx, q->actor, &existing, 4, WATCH_QUEUE, true, true);
}

static duration queue_silence(const struct queue *q)
{
    const struct scheduler_config *config = q->scheduler->config;
    switch ((enum queue_state)q->state) {
    case QUEUE_RUNNING:
        return config->idle_grace;
    case QUEUE_IDLE:
        return config->stop_grace;
    case QUEUE_REMOVING:
    case QUEUE_REMOVED:
        return config->graceful_shutdown_timeout;
    case QUEUE_UNINITIALIZED:
    case QUEUE_FLUSHING:
    case QUEUE_NAMESPACE_THROTTLED:
    case QUEUE_ACTION_THROTTLED:
    case QUEUE_STATE_COUNT:
        break;
    }
    return 0;
}

/* After every message the state's silence begins anew; a stopped queue gives its slot back. */
static void queue_end_turn(struct queue *q, struct effects *fx)
{
    struct scheduler *self = q->scheduler;
    if (q->is_stopped) {
        slots_release(&self->queues, SLOT_REF(q->actor));
        return;
    }
    ASSERT_OP(q->state, <, QUEUE_STATE_COUNT);
    ASSERT_OP(q->max & (q->max - 1), ==, 0);
    ASSERT_OP(q->count, <=, q->max);
    ASSERT(!timer_is_armed(&q->monitor_timer) || q->is_monitoring);
    ASSERT(q->state == QUEUE_UNINITIALIZED || q->stash_count == 0);
    duration silence = queue_silence(q);
    if (silence > 0)
        timers_arm(&self->timers, fx, &q->state_timer, silence, true);
    else
        timers_cancel(&self->timers, &q->state_timer);
}

/* The first case that matches wins: Flushing -> Removed only ends "StopQueue"
 * (MemoryQueue.scala:679-685). */
void queue_move(struct queue *q, struct effects *fx, enum queue_state to)
{
    struct scheduler *self = q->scheduler;
    uint8_t from = q->state;
    struct record *r = fsm_move(&q->state, (uint8_t)to, FSM_QUEUE, fx, q->actor);
    ASSERT(r != NULL);
    r->action = q->action;
    r->ns = q->ns;
    if (to == QUEUE_FLUSHING)
        timers_arm(&self->timers, fx, &q->flush_timer, self->config->flush_grace, true);
    else if (from == QUEUE_FLUSHING)
        timers_cancel(&self->timers, &q->flush_timer);
    else if (to == QUEUE_REMOVED && !scheduler_behaviour(self->env)->no_removed_timer)
        timers_arm(&self->timers, fx, &q->removed_timer, self->config->stop_grace, true);
}

static void queue_stash(struct queue *q, const struct message *m)
{
    const struct machine_env *env = q->scheduler->env;
    if (q->stash_count == q->stash_max) {
        q->stash_max = q->stash_max == 0 ? 8 : q->stash_max * 2;
        q->stash = arena_grow(env->arena, env->node, q->stash, q->stash_max * sizeof *q->stash);
    }
    q->stash[q->stash_count++] = *m;
}

static void queue_receive(struct queue *q, const struct message *m, struct effects *fx);

/* Pekko prepends the stash to the mailbox: its messages come next, one by one. */
static void queue_unstash(struct queue *q, struct effects *fx)
{
    struct arena *arena = q->scheduler->env->arena;
    struct message *stash = q->stash;
    uint32_t count = q->stash_count;
    q->stash = NULL;
    q->stash_count = q->stash_max = 0;
    for (uint32_t i = 0; i < count && !q->is_stopped; i++) {
        fx->cause = stash[i].cause;
        queue_receive(q, &stash[i], fx);
    }
    arena_release(arena, stash);
}

/* P1, P2 (MemoryQueue.scala:219-234) */
static void queue_on_start(struct queue *q, const struct message *m, struct effects *fx)
{
    if (q->state != QUEUE_UNINITIALIZED) {
        effects_reject(fx, q->actor, m);
        return;
    }
    queue_start_monitoring(q, fx);
    if (m->what == POST_START) {
        struct key ns_key = {.family = KEY_THROTTLING, .ns = q->ns, .action = ACTION_NONE};
        struct key leader = queue_key(q, KEY_QUEUE);
        struct value no = {.kind = VALUE_BOOL};
        data_register_initial(fx, q->actor, &ns_key, &no, false, true);
        queue_put_throttling(q, fx, true, false);
        watcher_watch(fx, q->actor, &leader, WATCH_EXACT, WATCH_QUEUE, false, true);
    }
    queue_move(q, fx, QUEUE_RUNNING);
    queue_unstash(q, fx);
}

static void queue_on_inserted(struct queue *q, const struct message *m, struct effects *fx)
{
    const struct key *key = &MESSAGE_LOCAL_CONST(m, struct post_watched)->key;
    if (key->family == KEY_IN_PROGRESS)
        shared_set_add(&q->creations, fx, key->id); /* W6 */
    else if (key->family == KEY_EXISTING)
        shared_set_add(&q->containers, fx, key->id); /* W7 */
    else
        effects_reject(fx, q->actor, m);
}

static void queue_on_deleted(struct queue *q, const struct message *m, struct effects *fx)
{
    const struct post_watched *event = MESSAGE_LOCAL_CONST(m, struct post_watched);
    if (event->key.family == KEY_IN_PROGRESS) {
        shared_set_remove(&q->creations, fx, event->key.id); /* W4 */
    } else if (event->key.family == KEY_EXISTING) {
        queue_close_polls(q, fx, event->key.id);
        shared_set_remove(&q->containers, fx, event->key.id); /* W5 */
    } else if (event->key.family == KEY_QUEUE) {
        /* The leader key: put it back, unless we gave it up ourselves. */
        if (q->state != QUEUE_REMOVING)
            data_register_initial(fx, q->actor, &event->key, &event->value, false, true);
    } else {
        effects_reject(fx, q->actor, m);
    }
}

static void queue_on_get_state(struct queue *q, const struct message *m, struct effects *fx)
{
    const struct post_question *question = MESSAGE_LOCAL_CONST(m, struct post_question);
    struct message *answer = effects_post(fx, q->actor, m->from_actor, POST_STATE);
    struct post_state *state = MESSAGE_LOCAL(answer, struct post_state);
    state->position = question->position;
    state->count = q->count;
    if (question->what != 0)
        gather_put_text(q->scheduler, m->from_actor, question->position, q);
}

static queue_handler_fn *const queue_handlers[POST_SCHEDULER_END] = {
    [POST_START] = queue_on_start,
    [POST_VERSION_UPDATED] = queue_on_start,
    [POST_ACTIVATION] = queue_on_activation,
    [POST_GET_ACTIVATION] = queue_on_get,
    [POST_DECISION] = queue_on_decision,
    [POST_ENABLE_THROTTLING] = queue_on_enable,
    [POST_DISABLE_THROTTLING] = queue_on_disable,
    [POST_JOB_SUCCEEDED] = queue_on_job_succeeded,
    [POST_JOB_FAILED] = queue_on_job_failed,
    [POST_INSERTED] = queue_on_inserted,
    [POST_REMOVED] = queue_on_deleted,
    [POST_INITIAL_STORED] = queue_on_initial_stored,
    [POST_DROP_OLD] = queue_on_drop_old,
    [POST_GRACEFUL_SHUTDOWN] = queue_on_graceful_shutdown,
    [POST_STOP_OUTDATED] = queue_on_stop_outdated,
    [POST_QUEUE_REMOVED_COMPLETED] = queue_on_removed_completed,
    [POST_GET_STATE] = queue_on_get_state,
};

static void queue_receive(struct queue *q, const struct message *m, struct effects *fx)
{
    bool starts = m->what == POST_START || m->what == POST_VERSION_UPDATED;
    if (q->state == QUEUE_UNINITIALIZED && !starts)
        queue_stash(q, m);
    else if (m->kind == MSG_POST && m->what < POST_SCHEDULER_END &&
             queue_handlers[m->what] != NULL)
        queue_handlers[m->what](q, m, fx);
    else
        effects_reject(fx, q->actor, m);
}

void queue_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    struct queue *q = queue_get(self, m->to_actor);
    if (q == NULL) { /* dead letters */
        if (m->kind == MSG_POST && m->what == POST_ACTIVATION)
            scheduler_lose(fx, m->to_actor,
                           MESSAGE_LOCAL_CONST(m, struct post_activation)->activation.id);
        return;
    }
    ASSERT_OP(q->actor, ==, m->to_actor);
    if (q->counter == NULL)
        queue_construct(q, fx);
    queue_receive(q, m, fx);
    queue_end_turn(q, fx);
}

void queue_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx)
{
    struct queue *q = queue_get(self, timer->actor);
    ASSERT(q != NULL);
    switch ((enum scheduler_timer)timer->kind) {
    case TIMER_QUEUE_FLUSH: /* repeats until cancelled */
        timers_arm(&self->timers, fx, timer, self->config->flush_grace, true);
        queue_on_silence(q, fx);
        break;
    case TIMER_QUEUE_REMOVED: /* repeats too, but the queue ends at the first */
        queue_on_silence(q, fx);
        break;
    case TIMER_QUEUE_POLL:
        queue_on_poll_timer(q, (struct poll *)(void *)timer, fx);
        break;
    case TIMER_QUEUE_STATE:
    case TIMER_QUEUE_MONITOR:
    case TIMER_QUEUE_DROP:
    case TIMER_QUEUE_SET:
    case TIMER_ASK:
    case TIMER_GATHER:
    case TIMER_CALL:
    case TIMER_JOB:
    case TIMER_RETRY:
    case TIMER_REPORT:
    case TIMER_SHUTDOWN:
    case TIMER_BOUNCE:
        ASSERT_OP(timer->kind, ==, TIMER_QUEUE_STATE);
        queue_on_silence(q, fx);
        break;
    }
    queue_end_turn(q, fx);
}

static void queue_digest_messages(const struct queue *q, struct digest *d)
{
    for (uint32_t i = 0; i < q->count; i++) {
        const struct waiting *w = &q->messages[(q->head + i) & (q->max - 1)];
        digest_two(d, w->activation.id, w->enqueued_at);
    }
    for (uint32_t i = 0; i < q->poll_count; i++)
        digest_two(d, q->polls[i]->container, q->polls[i]->ask);
    for (uint32_t i = 0; i < q->stash_count; i++)
        digest_two(d, q->stash[i].what, q->stash[i].u.words[0]);
}

void queue_digest(const struct queue *q, struct digest *d)
{
    digest_two(d, q->actor, (uint64_t)q->ns << 32 | q->action);
    digest_two(d, q->revision, (uint64_t)q->state << 8 | q->outdated);
    digest_two(d, (uint64_t)q->initialized << 8 | q->is_monitoring,
               (uint64_t)q->flush_error << 16 | (uint64_t)q->flush_text << 8 |
                   q->active_during_flush);
    digest_two(d, q->count, q->poll_count);
    shared_set_digest(&q->containers, d);
    shared_set_digest(&q->creations, d);
    for (uint32_t i = 0; i < q->duration_count; i++)
        digest_word(d, q->durations_ms[i]);
    digest_two(d, q->state_timer.at, q->monitor_timer.at);
    queue_digest_messages(q, d);
}
