#pragma once
/*
 * deployer_internal.h - plays, their hosts, and who calls whom.
 *
 * deployer.c       events, deadlines, digest
 * deployer_play.c  entries, batches, lock-step, who drops out
 * deployer_step.c  what one step does on one host
 * deployer_answer.c  what an answer means: conditions, repetitions, ignored errors
 */
#include "common/admin.h"
#include "core/fsm.h"
#include "deployer/deployer.h"

enum host_state { HOST_WAITING, HOST_WORKING, HOST_DONE, HOST_FAILED };
enum play_state { PLAY_PENDING, PLAY_WAITING, PLAY_RUNNING, PLAY_ENDED };
enum deployer_timer {
    TIMER_PLAY = TIMER_COMPONENT, /* an entry's `at` or pause is over; arg: entry */
    TIMER_SLEEP,                  /* a sleep is over; arg: host slot */
    TIMER_AGAIN,                  /* the pause between two requests is over; arg: host slot */
    TIMER_TIMEOUT,                /* of a request; arg: host slot */
};

struct deploy_host {
    struct timer timer;
    uint64_t found; /* bit per step whose `when_text` was in the answer of its `when_step` */
    node_id node;
    node_id target; /* of the open call; NODE_NONE: none */
    uint32_t corr;  /* of the open call; 0: none */
    uint32_t polls; /* requests of this step so far */
    uint32_t cause; /* record of the step's start */
    uint16_t entry;
    uint8_t state;      /* enum host_state */
    uint8_t is_busy;    /* in a step that takes time */
    uint8_t is_started; /* second half of a restart */
};

struct deploy_play {
    struct timer timer;
    uint32_t first_slot;
    uint32_t batch_first, batch_end; /* positions within the entry */
    uint32_t cursor;                 /* the next position to take the step */
    uint32_t step;
    uint32_t active; /* hosts in the step at this moment */
    uint32_t failed_count;
    uint8_t state;  /* enum play_state */
    uint8_t is_cut; /* a host failed and the procedure ends the play with it */
};

struct deployer {
    const struct machine_env *env;
    const struct deployer_config *config;
    struct timers timers;
    struct deploy_play *plays; /* arena blocks of the node */
    struct deploy_host *hosts;
    uint32_t host_count;
    uint32_t corr, invoke_count;
};

static inline const struct deploy_entry *host_entry(const struct deployer *self,
                                                    const struct deploy_host *host)
{
    return &self->config->entries[host->entry];
}
static inline const struct step *host_step(const struct deployer *self,
                                           const struct deploy_host *host)
{
    return &host_entry(self, host)->procedure->steps[self->plays[host->entry].step];
}
static inline actor_id host_actor(const struct deployer *self, const struct deploy_host *host)
{
    return ACTOR(ACTOR_HOST_DEPLOY, 0, (uint32_t)(host - self->hosts));
}

/* deployer_play.c */
void play_arm(struct deployer *self, uint32_t entry, struct effects *fx);
void play_start(struct deployer *self, uint32_t entry, struct effects *fx);
/* A host has ended the step it was in; goes on with whatever can go on. */
void play_on_step_ended(struct deployer *self, struct deploy_host *host,
                        enum step_outcome outcome, struct effects *fx);
bool deploy_switch_is_on(const struct deploy_entry *entry, const char *name);

/* deployer_step.c */
/* Begin the play's step on this host; true: it takes time. Else *ret_outcome says how it ended.
 */
bool step_begin(struct deployer *self, struct deploy_host *host, struct effects *fx,
                enum step_outcome *ret_outcome);
void step_again(struct deployer *self, struct deploy_host *host, struct effects *fx);
void step_send_control(struct deployer *self, struct deploy_host *host, enum control_op op,
                       struct effects *fx);
void step_record_end(struct deployer *self, struct deploy_host *host, enum step_outcome outcome,
                     struct effects *fx);
/* `<i>` becomes the host's index. Cut to size; NUL-terminated. */
void step_expand(const struct deployer *self, const struct deploy_host *host, const char *text,
                 char *ret_text, size_t size);

/* deployer_answer.c */
void answer_on_message(struct deployer *self, struct deploy_host *host, const struct message *m,
                       struct effects *fx);
/* The open call's connection is refused or broken, or its time is over. */
void answer_on_broken(struct deployer *self, struct deploy_host *host, struct effects *fx);
