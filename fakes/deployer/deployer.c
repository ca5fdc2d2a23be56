/* deployer.c - events and deadlines of the deploy tool. */
#include "deployer/deployer_internal.h"
#include <stdio.h>
#include "core/assert.h"

/* One turn at its worst: all hosts of a batch skip all steps, two records each. */
#define DEPLOYER_EFFECTS_MAX (1u << 18)

static void deployer_init(void *machine, const struct machine_env *env)
{
    struct deployer *self = machine;
    self->env = env;
    self->config = env->config;
    timers_init(&self->timers, env->arena, env->node);
    uint32_t count = self->config->entry_count, slot = 0;
    ASSERT_OP(count, <, UINT16_MAX);
    for (uint32_t i = 0; i < count; i++)
        self->host_count += self->config->entries[i].node_count;
    ASSERT_OP(self->host_count, <=, UINT16_MAX);
    if (count == 0)
        return;
    self->plays = arena_alloc(env->arena, env->node, count * sizeof *self->plays);
    self->hosts = arena_alloc(env->arena, env->node, self->host_count * sizeof *self->hosts);
    for (uint32_t i = 0; i < count; i++) {
        const struct deploy_entry *entry = &self->config->entries[i];
        ASSERT(entry->node_count > 0 && entry->procedure->step_count > 0);
        ASSERT_OP(entry->procedure->step_count, <=, 64);
        self->plays[i].first_slot = slot;
        for (uint32_t k = 0; k < entry->node_count; k++, slot++) {
            self->hosts[slot].node = entry->nodes[k];
            self->hosts[slot].target = NODE_NONE;
            self->hosts[slot].entry = (uint16_t)i;
        }
    }
}

static void deployer_on_start(struct deployer *self, struct effects *fx)
{
    for (uint32_t i = 0; i < self->config->entry_count; i++)
        if (i == 0 || self->config->entries[i].parallel)
            play_arm(self, i, fx);
}

static void deployer_on_message(struct deployer *self, const struct message *m,
                                struct effects *fx)
{
    uint32_t slot = ACTOR_INDEX(m->to_actor);
    if (ACTOR_KIND(m->to_actor) != ACTOR_HOST_DEPLOY || slot >= self->host_count) {
        effects_reject(fx, m->to_actor, m);
        return;
    }
    answer_on_message(self, &self->hosts[slot], m, fx);
}

/* Every open call to the peer is reset. */
static void deployer_on_link(struct deployer *self, node_id peer, struct effects *fx)
{
    for (uint32_t i = 0; i < self->host_count; i++)
        if (self->hosts[i].corr != 0 && self->hosts[i].target == peer)
            answer_on_broken(self, &self->hosts[i], fx);
}

static void deployer_on_wake(struct deployer *self, tstamp now, struct effects *fx)
{
    struct timer *timer = timers_pop(&self->timers, now);
    if (timer->kind == TIMER_PLAY) {
        play_start(self, timer->arg, fx);
        return;
    }
    ASSERT_OP(timer->arg, <, self->host_count);
    struct deploy_host *host = &self->hosts[timer->arg];
    fx->cause = host->cause;
    switch ((enum deployer_timer)timer->kind) {
    case TIMER_SLEEP:
        play_on_step_ended(self, host, STEP_OK, fx);
        return;
    case TIMER_AGAIN:
        step_again(self, host, fx);
        return;
    case TIMER_TIMEOUT:
        answer_on_broken(self, host, fx);
        return;
    case TIMER_PLAY:
        return;
    }
    ASSERT(false); /* timer kind of the deployer */
}

static void deployer_step(void *machine, const struct event *ev, struct effects *fx)
{
    struct deployer *self = machine;
    switch (ev->kind) {
    case EVENT_START:
        deployer_on_start(self, fx);
        return;
    case EVENT_DELIVER:
        deployer_on_message(self, ev->message, fx);
        return;
    case EVENT_WAKE:
        deployer_on_wake(self, ev->at, fx);
        return;
    case EVENT_LINK:
        if (ev->down)
            deployer_on_link(self, ev->peer, fx);
        return;
    case EVENT_SIGNAL:
        return;
    }
}

static struct wakeup deployer_next_wakeup(const void *machine)
{
    return timers_first(&((const struct deployer *)machine)->timers);
}

static void deployer_digest(const void *machine, struct digest *d)
{
    const struct deployer *self = machine;
    digest_two(d, self->corr, self->invoke_count);
    for (uint32_t i = 0; i < self->config->entry_count; i++) {
        const struct deploy_play *play = &self->plays[i];
        digest_two(d, (uint64_t)play->state << 32 | play->is_cut, play->step);
        digest_two(d, (uint64_t)play->batch_first << 32 | play->batch_end,
                   (uint64_t)play->cursor << 32 | play->active);
        digest_two(d, play->failed_count, timer_is_armed(&play->timer) ? play->timer.at : 0);
    }
    for (uint32_t i = 0; i < self->host_count; i++) {
        const struct deploy_host *host = &self->hosts[i];
        digest_two(
            d, (uint64_t)host->state << 16 | (uint64_t)host->is_busy << 8 | host->is_started,
            host->found);
        digest_two(d, (uint64_t)host->target << 32 | host->corr, host->polls);
        digest_two(d, host->cause, timer_is_armed(&host->timer) ? host->timer.at : 0);
    }
}

/* The first step under way, else the first entry that has not ended. */
static bool deployer_pending(const void *machine, char *text, size_t size)
{
    const struct deployer *self = machine;
    const struct cluster *cluster = self->env->cluster;
    for (uint32_t i = 0; i < self->host_count; i++) {
        const struct deploy_host *host = &self->hosts[i];
        if (!host->is_busy)
            continue;
        snprintf(text, size, "step %s of %s under way (deploy entry %u, %u requests so far)",
                 host_step(self, host)->name, cluster_node_name(cluster, host->node),
                 (unsigned)host->entry, host->polls);
        return true;
    }
    for (uint32_t i = 0; i < self->config->entry_count; i++) {
        if (self->plays[i].state == PLAY_ENDED)
            continue;
        snprintf(text, size, "deploy entry %u not yet done", i);
        return true;
    }
    return false;
}

static const char *deployer_post_name(unsigned what)
{
    return common_post_to_string(what);
}

const struct machine_ops deployer_ops = {
    .name = "deployer",
    .size = sizeof(struct deployer),
    .effects_max = DEPLOYER_EFFECTS_MAX,
    .init = deployer_init,
    .step = deployer_step,
    .next_wakeup = deployer_next_wakeup,
    .digest = deployer_digest,
    .pending = deployer_pending,
    .post_name = deployer_post_name,
    .config_size = sizeof(struct deployer_config),
};
