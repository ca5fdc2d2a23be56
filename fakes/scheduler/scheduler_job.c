/*
 * scheduler_job.c - CreationJobManager: one job per creation, until its ack or its time is up.
 * Source: CreationJobManager.scala:55-227 at 1fae641a2.
 */
#include "scheduler/scheduler_internal.h"
#include <string.h>

#define RETRIES_MAX 5u
#define RETRY_DELAY MSEC(100)

static struct key job_key(const struct scheduler *self, const struct post_create *create)
{
    return (struct key){.family = KEY_IN_PROGRESS,
                        .ns = create->ns,
                        .action = create->action,
                        .revision = create->revision,
                        .node = self->env->node,
                        .id = create->first};
}

static uint32_t job_place(const struct jobs *jobs, uint32_t creation)
{
    uint32_t low = 0, high = jobs->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (jobs->open[middle]->create.first < creation)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct job *job_find(struct scheduler *self, uint32_t creation)
{
    const struct jobs *jobs = &self->jobs;
    uint32_t place = job_place(jobs, creation);
    if (place == jobs->count || jobs->open[place]->create.first != creation)
        return NULL;
    return jobs->open[place];
}

static duration job_timeout(const struct scheduler *self, action_id action)
{
    duration timeout = self->config->in_progress_job_retention;
    if (!cluster_action(self->env->cluster, action)->blackbox)
        return timeout;
    return timeout / SEC(1) * self->config->blackbox_multiple * SEC(1); /* whole seconds */
}

/* A retry finds its job open, and the first timer goes on. */
static void job_register(struct scheduler *self, const struct post_create *create,
                         struct effects *fx)
{
    const struct machine_env *env = self->env;
    struct jobs *jobs = &self->jobs;
    ASSERT_OP(create->count, ==, 1);
    if (job_find(self, create->first) != NULL)
        return;
    if (jobs->count == jobs->max) {
        jobs->max = jobs->max == 0 ? 16 : jobs->max * 2;
        jobs->open =
            arena_grow(env->arena, env->node, jobs->open, jobs->max * sizeof *jobs->open);
    }
    struct job *job = arena_alloc(env->arena, env->node, sizeof *job);
    job->create = *create;
    job->timer.kind = TIMER_JOB;
    job->timer.actor = ACTOR_CALLBACK_ID;
    uint32_t place = job_place(jobs, create->first);
    memmove(jobs->open + place + 1, jobs->open + place,
            (jobs->count - place) * sizeof *jobs->open);
    jobs->open[place] = job;
    jobs->count++;
    ASSERT(place == 0 || jobs->open[place - 1]->create.first < create->first);
    struct key key = job_key(self, create);
    struct value empty = {.kind = VALUE_EMPTY};
    data_register(fx, ACTOR_JOBS_ID, &key, &empty, false);
    timers_arm(&self->timers, fx, &job->timer, job_timeout(self, create->action), true);
}

/* Take the job out and say so; nothing if it is not open (any more). */
static void job_close(struct scheduler *self, struct effects *fx, actor_id actor,
                      uint32_t creation, uint8_t error)
{
    struct jobs *jobs = &self->jobs;
    uint32_t place = job_place(jobs, creation);
    struct job *job = job_find(self, creation);
    if (job == NULL)
        return;
    ASSERT(place < jobs->count && jobs->open[place] == job);
    jobs->count--;
    memmove(jobs->open + place, jobs->open + place + 1,
            (jobs->count - place) * sizeof *jobs->open);
    timers_cancel(&self->timers, &job->timer);
    struct record *r = effects_record(fx, RECORD_CREATION_DONE, actor);
    r->creation = creation;
    r->action = job->create.action;
    r->ns = job->create.ns;
    r->detail = error;
    r->outcome = error == CREATION_NONE ? OUTCOME_OK : OUTCOME_FAILED;
    arena_release(self->env->arena, job);
}

/* To the container manager, and to the queue if it is in the pool and leads. */
static void job_tell(struct scheduler *self, struct effects *fx, actor_id actor,
                     const struct post_job *job)
{
    unsigned what = job->error == CREATION_NONE ? POST_JOB_SUCCEEDED : POST_JOB_FAILED;
    struct message *m = effects_post(fx, actor, ACTOR_CONTAINERS_ID, what);
    *MESSAGE_LOCAL(m, struct post_job) = *job;
    actor_id queue = pool_leader(self, job->ns, job->action, job->revision);
    if (queue == 0)
        return;
    m = effects_post(fx, actor, queue, what);
    *MESSAGE_LOCAL(m, struct post_job) = *job;
}

static void job_end(struct scheduler *self, struct effects *fx, actor_id actor,
                    const struct post_job *job)
{
    struct post_create create = {.first = job->creation,
                                 .count = 1,
                                 .revision = job->revision,
                                 .action = job->action,
                                 .ns = job->ns};
    struct key key = job_key(self, &create);
    job_close(self, fx, actor, job->creation, job->error);
    job_tell(self, fx, actor, job);
    data_unregister(fx, actor, &key);
}

static void job_retry_later(struct scheduler *self, struct effects *fx,
                            const struct post_job *job)
{
    ASSERT_OP(job->retry, <, RETRIES_MAX);
    struct retry *retry = arena_alloc(self->env->arena, self->env->node, sizeof *retry);
    retry->timer.kind = TIMER_RETRY;
    retry->timer.actor = ACTOR_JOBS_ID;
    retry->create = (struct post_create){.first = job->creation,
                                         .count = 1,
                                         .revision = job->revision,
                                         .action = job->action,
                                         .ns = job->ns,
                                         .retry = job->retry + 1u};
    retry->next = self->jobs.retries;
    if (retry->next != NULL)
        retry->next->prev = retry;
    self->jobs.retries = retry;
    timers_arm(&self->timers, fx, &retry->timer, RETRY_DELAY << job->retry, false);
}

static void job_finish(struct scheduler *self, const struct post_job *job, struct effects *fx)
{
    bool is_again = job->error != CREATION_NONE && creation_is_whisk_error(job->error) &&
                    job->retry < RETRIES_MAX;
    if (is_again)
        job_retry_later(self, fx, job);
    else
        job_end(self, fx, ACTOR_JOBS_ID, job);
}

void job_on_retry(struct scheduler *self, struct timer *timer, struct effects *fx)
{
    struct retry *retry = (struct retry *)(void *)timer;
    ASSERT(retry->prev != NULL || self->jobs.retries == retry);
    struct message *m = effects_post(fx, ACTOR_JOBS_ID, ACTOR_CONTAINERS_ID, POST_RESCHEDULE);
    *MESSAGE_LOCAL(m, struct post_create) = retry->create;
    if (retry->next != NULL)
        retry->next->prev = retry->prev;
    if (retry->prev != NULL)
        retry->prev->next = retry->next;
    else
        self->jobs.retries = retry->next;
    arena_release(self->env->arena, retry);
}

/* A callback of the scheduler of the actor system (CreationJobManager.scala:182-198). */
void job_on_timer(struct scheduler *self, struct timer *timer, struct effects *fx)
{
    const struct job *job = (const struct job *)(const void *)timer;
    struct post_job failed = {.creation = job->create.first,
                              .revision = job->create.revision,
                              .action = job->create.action,
                              .ns = job->create.ns,
                              .error = CREATION_TIMEOUT};
    ASSERT(job_find(self, failed.creation) == job);
    job_end(self, fx, ACTOR_CALLBACK_ID, &failed);
}

void job_on_message(struct scheduler *self, const struct message *m, struct effects *fx)
{
    switch (m->what) {
    case POST_REGISTER_JOB:
        job_register(self, MESSAGE_LOCAL_CONST(m, struct post_create), fx);
        break;
    case POST_FINISH_JOB:
        job_finish(self, MESSAGE_LOCAL_CONST(m, struct post_job), fx);
        break;
    case POST_GRACEFUL_SHUTDOWN: /* ignored by the feed */
        effects_post(fx, ACTOR_JOBS_ID, ACTOR_FEED_ID(1), POST_GRACEFUL_SHUTDOWN);
        break;
    default:
        effects_reject(fx, ACTOR_JOBS_ID, m);
    }
}

/* The reader does not know two of the names that invokers write (Message.scala:699-712). */
static bool ack_is_parsable(const struct creation *ack)
{
    return ack->error != CREATION_SHUTTING_DOWN && ack->error != CREATION_NON_EXECUTABLE &&
           ack->error < CREATION_ERROR_COUNT;
}

void job_on_item(struct scheduler *self, const struct message *m, struct effects *fx)
{
    const struct post_item *item = MESSAGE_LOCAL_CONST(m, struct post_item);
    const struct creation *ack = &item->entry.u.creation;
    (void)self;
    if (item->entry.kind == ENTRY_CREATION_ACK && ack_is_parsable(ack)) {
        struct message *post = effects_post(fx, m->to_actor, ACTOR_JOBS_ID, POST_FINISH_JOB);
        *MESSAGE_LOCAL(post, struct post_job) = (struct post_job){.creation = ack->id,
                                                                  .revision = ack->revision,
                                                                  .action = ack->action,
                                                                  .ns = ack->ns,
                                                                  .error = ack->error,
                                                                  .retry = ack->retry};
    }
    effects_post(fx, m->to_actor, ACTOR_FEED_ID(item->feed), POST_FEED_PROCESSED);
}

void job_digest(const struct scheduler *self, struct digest *d)
{
    for (uint32_t i = 0; i < self->jobs.count; i++)
        digest_two(d, self->jobs.open[i]->create.first, self->jobs.open[i]->timer.at);
    for (const struct retry *retry = self->jobs.retries; retry != NULL; retry = retry->next)
        digest_two(d, retry->create.first, retry->timer.at);
}
