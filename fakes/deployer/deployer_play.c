/*
 * deployer_play.c - one deploy entry as Ansible works through a play.
 *
 * Strategy `linear`: all hosts of a batch through one task before the next, `forks` at a time;
 * a host that fails drops out and the others go on; a batch of which nobody is left ends the
 * play; the next entry begins when this one has ended, well or not.
 * Source: ansible-core 2.14 lib/ansible/plugins/strategy/linear.py,
 * executor/playbook_executor.py.
 */
#include "deployer/deployer_internal.h"
#include "core/assert.h"

static void play_run(struct deployer *self, uint32_t index, struct effects *fx);

static const struct deploy_entry *entry_of(const struct deployer *self, uint32_t index)
{
    return &self->config->entries[index];
}

bool deploy_switch_is_on(const struct deploy_entry *entry, const char *name)
{
    for (uint32_t i = 0; i < entry->switch_count; i++)
        if (strcmp(entry->switches[i].name, name) == 0)
            return entry->switches[i].on != 0;
    return false;
}

void play_arm(struct deployer *self, uint32_t index, struct effects *fx)
{
    struct deploy_play *play = &self->plays[index];
    const struct deploy_entry *entry = entry_of(self, index);
    ASSERT_OP(play->state, ==, PLAY_PENDING);
    duration length = entry->has_at && entry->at > fx->at ? entry->at - fx->at : 0;
    play->state = PLAY_WAITING;
    play->timer.kind = TIMER_PLAY;
    play->timer.actor = ACTOR_MAIN_ID;
    play->timer.arg = index;
    timers_arm(&self->timers, fx, &play->timer, length + entry->pause, true);
}

static uint32_t batch_size(const struct deploy_entry *entry)
{
    uint32_t serial = entry->serial == UINT32_MAX ? entry->procedure->serial : entry->serial;
    return serial == 0 || serial > entry->node_count ? entry->node_count : serial;
}

static void play_open_batch(struct deployer *self, uint32_t index, struct effects *fx)
{
    struct deploy_play *play = &self->plays[index];
    const struct deploy_entry *entry = entry_of(self, index);
    play->batch_first = play->batch_end;
    play->batch_end = play->batch_first + batch_size(entry);
    if (play->batch_end > entry->node_count)
        play->batch_end = entry->node_count;
    play->cursor = play->batch_first;
    play->step = 0;
    for (uint32_t i = play->batch_first; i < play->batch_end; i++) {
        struct deploy_host *host = &self->hosts[play->first_slot + i];
        fsm_move(&host->state, HOST_WORKING, FSM_HOST_DEPLOY, fx, host_actor(self, host));
    }
}

void play_start(struct deployer *self, uint32_t index, struct effects *fx)
{
    struct deploy_play *play = &self->plays[index];
    ASSERT_OP(play->state, ==, PLAY_WAITING);
    play->state = PLAY_RUNNING;
    struct record *r = effects_record(fx, RECORD_DEPLOY_STARTED, ACTOR_MAIN_ID);
    r->value = index;
    play_open_batch(self, index, fx);
    play_run(self, index, fx);
}

static void play_end(struct deployer *self, uint32_t index, struct effects *fx)
{
    struct deploy_play *play = &self->plays[index];
    play->state = PLAY_ENDED;
    struct record *r = effects_record(fx, RECORD_DEPLOY_ENDED, ACTOR_MAIN_ID);
    r->value = index;
    r->outcome = play->failed_count > 0 ? OUTCOME_FAILED : OUTCOME_OK;
    uint32_t next = index + 1;
    if (next < self->config->entry_count && !entry_of(self, next)->parallel)
        play_arm(self, next, fx);
}

static uint32_t play_count_working(const struct deployer *self, const struct deploy_play *play)
{
    uint32_t count = 0;
    for (uint32_t i = play->batch_first; i < play->batch_end; i++)
        count += self->hosts[play->first_slot + i].state == HOST_WORKING;
    return count;
}

static void play_close_hosts(struct deployer *self, struct deploy_play *play,
                             enum host_state state, struct effects *fx)
{
    for (uint32_t i = play->batch_first; i < play->batch_end; i++) {
        struct deploy_host *host = &self->hosts[play->first_slot + i];
        if (host->state == HOST_WORKING)
            fsm_move(&host->state, (uint8_t)state, FSM_HOST_DEPLOY, fx, host_actor(self, host));
    }
}

/* All hosts have done the step. False: the play has ended. */
static bool play_next_step(struct deployer *self, uint32_t index, struct effects *fx)
{
    struct deploy_play *play = &self->plays[index];
    const struct deploy_entry *entry = entry_of(self, index);
    bool is_over = play->is_cut || play_count_working(self, play) == 0;
    if (!is_over && play->step + 1 < entry->procedure->step_count) {
        play->step++;
        play->cursor = play->batch_first;
        return true;
    }
    play_close_hosts(self, play, is_over ? HOST_FAILED : HOST_DONE, fx);
    if (!is_over && play->batch_end < entry->node_count) {
        play_open_batch(self, index, fx);
        return true;
    }
    play_end(self, index, fx);
    return false;
}

static void host_end_step(struct deployer *self, struct deploy_host *host,
                          enum step_outcome outcome, struct effects *fx)
{
    struct deploy_play *play = &self->plays[host->entry];
    step_record_end(self, host, outcome, fx);
    if (outcome != STEP_FAILED && outcome != STEP_GAVE_UP)
        return;
    play->failed_count++;
    play->is_cut |= host_entry(self, host)->procedure->give_up == GIVE_UP_PLAY;
    fsm_move(&host->state, HOST_FAILED, FSM_HOST_DEPLOY, fx, host_actor(self, host));
}

/* A free fork takes the next host at once, as a free worker of Ansible does. */
static void play_run(struct deployer *self, uint32_t index, struct effects *fx)
{
    struct deploy_play *play = &self->plays[index];
    uint32_t forks = entry_of(self, index)->procedure->forks;
    do {
        while (play->cursor < play->batch_end && play->active < forks) {
            struct deploy_host *host = &self->hosts[play->first_slot + play->cursor++];
            enum step_outcome outcome = STEP_OK;
            if (host->state != HOST_WORKING)
                continue;
            if (step_begin(self, host, fx, &outcome))
                play->active++;
            else
                host_end_step(self, host, outcome, fx);
        }
    } while (play->active == 0 && play_next_step(self, index, fx));
}

void play_on_step_ended(struct deployer *self, struct deploy_host *host,
                        enum step_outcome outcome, struct effects *fx)
{
    struct deploy_play *play = &self->plays[host->entry];
    ASSERT(host->is_busy && play->active > 0);
    ASSERT_OP(play->state, ==, PLAY_RUNNING);
    host->is_busy = 0;
    play->active--;
    host_end_step(self, host, outcome, fx);
    play_run(self, host->entry, fx);
}
