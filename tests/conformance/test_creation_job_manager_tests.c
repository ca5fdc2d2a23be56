/*
 * test_creation_job_manager_tests.c - upstream's CreationJobManagerTests: one job per creation,
 * with upstream's timeout of 20 s and multiple of 2.
 *
 * What the job manager tells other actors is read from the posts; they are then delivered, and
 * what follows outside of the scheduler is in the trace.
 */
#include "core/actor.h"
#include "support/conform.h"
#include "support/scheduler_bed.h"
#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
    struct sched *s = sched_started();
    s->holds_read = true;
    s->holds_range = true;
    bed_config(s->bed, "whisk.scheduler.blackbox-multiple", 2);
    sched_forget(s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    sched_free(*state);
    return 0;
}

static struct post_create job_of(void)
{
    return (struct post_create){
        .first = 9, .count = 1, .revision = 1, .action = BED_HELLO, .ns = BED_GUEST};
}

static void register_job(struct sched *s)
{
    struct post_create job = job_of();
    sched_post(s, ACTOR_CONTAINERS_ID, ACTOR_JOBS_ID, POST_REGISTER_JOB, &job, sizeof job);
}

static void finish(struct sched *s, enum creation_error error, uint8_t retry)
{
    struct post_job job = {.creation = 9,
                           .revision = 1,
                           .action = BED_HELLO,
                           .ns = BED_GUEST,
                           .error = (uint8_t)error,
                           .retry = retry};
    s->bed->posts_by_hand = true;
    sched_post(s, ACTOR_FEED_HANDLER_ID(1), ACTOR_JOBS_ID, POST_FINISH_JOB, &job, sizeof job);
}

/* To whom, what, and about which creation or key; afterwards they are delivered. */
static void expect_posts(struct sched *s, const char *expected)
{
    char text[1024] = "", key_text[256];
    size_t length = 0;
    for (uint32_t i = 0; i < bed_posts(s->bed); i++) {
        const struct message *m = bed_post(s->bed, i);
        const struct post_job *job = MESSAGE_LOCAL_CONST(m, struct post_job);
        const struct post_data *data = MESSAGE_LOCAL_CONST(m, struct post_data);
        bool is_data = m->to_actor == ACTOR_DATA_ID;
        key_print(&s->bed->cluster, &data->key, key_text, sizeof key_text);
        int wanted =
            snprintf(text + length, sizeof text - length, "%s %s %s%s\n",
                     actor_to_string(ACTOR_KIND(m->to_actor)), scheduler_ops.post_name(m->what),
                     is_data                      ? key_text
                     : m->what == POST_RESCHEDULE ? ""
                                                  : creation_error_to_string(job->error),
                     is_data || job->creation == 9 ? "" : " of another");
        length += (size_t)wanted;
        assert_true(length < sizeof text);
    }
    assert_string_equal(text, expected);
    s->bed->posts_by_hand = false;
    bed_settle(s->bed);
    sched_pump(s);
}

#define KEY                                                                                    \
    "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/creationId/"                   \
    "a3b5ae38ea8b51d89fb3988e35886f9d"

static void a_job_has_a_key(void **state)
{
    struct sched *s = *state;
    register_job(s);
    expect_trace(s->bed, "scheduler0/etcd-worker#0 > etcd put "
                         "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/"
                         "creationId/a3b5ae38ea8b51d89fb3988e35886f9d lease 7\n");
    expect_records(s->bed, "");
    const struct message *put = bed_sent(s->bed, MSG_ETCD_PUT, 0);
    assert_int_equal(put->u.etcd.value.kind, VALUE_EMPTY);
    struct key key = put->u.etcd.key;
    struct value value = {.kind = VALUE_EMPTY};
    sched_watch(s, &key, &value, true); /* failover is off: it is not put again */
    assert_int_equal(s->bed->sent_count, 1);
}

static void a_job_is_registered_once(void **state)
{
    struct sched *s = *state;
    register_job(s);
    const struct job *job = job_find(s->machine, 9);
    tstamp at = job->timer.at;
    sched_pass(s, MSEC(400));
    uint32_t sent = bed_sent_count(s->bed, MSG_ETCD_PUT);
    register_job(s);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_PUT), sent);
    assert_int_equal(job_find(s->machine, 9)->timer.at, at); /* the first timer goes on */
    assert_int_equal(s->machine->jobs.count, 1);
    expect_trace(s->bed, "scheduler0/etcd-worker#0 > etcd put "
                         "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/"
                         "creationId/a3b5ae38ea8b51d89fb3988e35886f9d lease 7\n");
    expect_records(s->bed, "");
}

static void a_success_ends_the_job_and_is_told(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    register_job(s);
    sched_forget(s);
    finish(s, CREATION_NONE, 0);
    assert_int_equal(bed_post(s->bed, 1)->to_actor, q->actor);
    expect_posts(s, "container-manager successful-creation-job none\n"
                    "queue successful-creation-job none\n"
                    "data unregister " KEY "\n");
    expect_trace(s->bed, "scheduler0/etcd-worker#0 > etcd delete "
                         "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/"
                         "creationId/a3b5ae38ea8b51d89fb3988e35886f9d\n");
    expect_records(s->bed,
                   "closes the order of container creation 000009 for guest/hello: done\n");
    assert_int_equal(s->machine->jobs.count, 0);
}

static void a_job_fails_only_after_all_retries(void **state)
{
    struct sched *s = *state;
    register_job(s);
    sched_forget(s);
    finish(s, CREATION_UNKNOWN, 0);
    expect_posts(s, "");
    assert_int_equal(s->machine->jobs.count, 1);
    s->bed->posts_by_hand = true;
    sched_pass(s, MSEC(100) - 1);
    assert_int_equal(bed_posts(s->bed), 0);
    sched_pass(s, 1);
    const struct post_create *again =
        MESSAGE_LOCAL_CONST(bed_post(s->bed, 0), struct post_create);
    assert_int_equal(again->retry, 1); /* upstream's 0, to which it adds one there */
    assert_int_equal(again->first, 9);
    assert_int_equal(again->count, 1);
    expect_posts(s, "container-manager rescheduling-creation-job \n");
    sched_forget(s);
    finish(s, CREATION_UNKNOWN, 5);
    expect_posts(s, "container-manager failed-creation-job UnknownError\n"
                    "data unregister " KEY "\n");
    expect_trace(s->bed, "scheduler0/etcd-worker#0 > etcd delete "
                         "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/"
                         "creationId/a3b5ae38ea8b51d89fb3988e35886f9d\n");
    expect_records(s->bed, "closes the order of container creation 000009 for guest/hello: "
                           "UnknownError, failed\n");
}

static void an_error_of_the_action_is_told_at_once(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    register_job(s);
    sched_forget(s);
    finish(s, CREATION_BLACK_BOX, 0);
    assert_int_equal(bed_post(s->bed, 1)->to_actor, q->actor);
    expect_posts(s, "container-manager failed-creation-job BlackBoxError\n"
                    "queue failed-creation-job BlackBoxError\n"
                    "data unregister " KEY "\n");
    expect_trace(s->bed, "scheduler0/etcd-worker#0 > etcd delete "
                         "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/"
                         "creationId/a3b5ae38ea8b51d89fb3988e35886f9d\n");
    expect_records(
        s->bed,
        "closes the order of container creation 000009 for guest/hello: BlackBoxError, failed\n"
        "queue goes from Running to Flushing, guest/hello\n");
    assert_int_equal(s->machine->jobs.count, 0);
}

static void a_job_that_is_not_there_loses_its_key(void **state)
{
    struct sched *s = *state;
    finish(s, CREATION_UNKNOWN, 5);
    expect_posts(s, "container-manager failed-creation-job UnknownError\n"
                    "data unregister " KEY "\n");
    expect_trace(s->bed, "scheduler0/etcd-worker#0 > etcd delete "
                         "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/"
                         "creationId/a3b5ae38ea8b51d89fb3988e35886f9d\n");
    expect_records(s->bed, "");
}

static void pass_to(struct sched *s, duration length)
{
    s->bed->posts_by_hand = true; /* the report and the lease are of no interest here */
    while (bed_next_in(s->bed) < length) {
        duration step = bed_next_in(s->bed);
        bed_wake(s->bed);
        sched_pump(s);
        bed_settle(s->bed);
        sched_pump(s);
        length -= step;
    }
    s->bed->now += length;
    sched_forget(s);
}

static void a_job_has_its_time(void **state)
{
    struct sched *s = *state;
    register_job(s);
    pass_to(s, SEC(20));
    assert_int_equal(s->machine->jobs.count, 1);
    assert_int_equal(job_find(s->machine, 9)->timer.at, s->bed->now);
    while (s->machine->jobs.count > 0)
        bed_wake(s->bed);
    expect_records(s->bed, "closes the order of container creation 000009 for guest/hello: "
                           "TimeoutError, failed\n");
    for (uint32_t i = 0; i < bed_posts(s->bed); i++) {
        if (ACTOR_KIND(bed_post(s->bed, i)->from_actor) == ACTOR_CALLBACK)
            assert_int_equal(bed_post(s->bed, i)->from_actor, ACTOR_CALLBACK_ID);
    }
    bed_settle(s->bed);
    assert_int_equal(sched_deleted_count(s, KEY_IN_PROGRESS), 1);
}

static void blackbox_actions_have_more(void **state)
{
    struct sched *s = *state;
    s->bed->actions[BED_HELLO].blackbox = true;
    register_job(s);
    pass_to(s, SEC(20) + 1);
    assert_int_equal(s->machine->jobs.count, 1);
    assert_int_equal(job_find(s->machine, 9)->timer.at, s->bed->now - 1 + SEC(20));
    pass_to(s, SEC(20) - 1);
    assert_int_equal(s->machine->jobs.count, 1);
    while (s->machine->jobs.count > 0)
        bed_wake(s->bed);
    expect_records(s->bed, "closes the order of container creation 000009 for guest/hello: "
                           "TimeoutError, failed\n");
    bed_settle(s->bed);
    assert_int_equal(sched_deleted_count(s, KEY_IN_PROGRESS), 1);
    bed_config(s->bed, "whisk.scheduler.in-progress-job-retention", SEC(20) + MSEC(999));
    register_job(s); /* whole seconds, times the multiple */
    assert_int_equal(job_find(s->machine, 9)->timer.at, s->bed->now + SEC(40));
}

static void too_many_retries_are_a_failure(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    register_job(s);
    sched_forget(s);
    finish(s, CREATION_UNKNOWN, 100);
    assert_int_equal(bed_post(s->bed, 1)->to_actor, q->actor);
    expect_posts(s, "container-manager failed-creation-job UnknownError\n"
                    "queue failed-creation-job UnknownError\n"
                    "data unregister " KEY "\n");
    expect_trace(s->bed, "scheduler0/etcd-worker#0 > etcd delete "
                         "whisk/in-progress/guest/guest/hello/1-e293b536/scheduler/0/"
                         "creationId/a3b5ae38ea8b51d89fb3988e35886f9d\n");
    expect_records(
        s->bed,
        "closes the order of container creation 000009 for guest/hello: UnknownError, failed\n"
        "queue goes from Running to Flushing, guest/hello\n");
    assert_int_equal(s->machine->jobs.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMS("CreationJobManagerTests", 141, a_job_has_a_key),
        CONFORMS("CreationJobManagerTests", 151, a_job_is_registered_once),
        CONFORMS("CreationJobManagerTests", 205, a_success_ends_the_job_and_is_told),
        CONFORMS("CreationJobManagerTests", 238, a_job_fails_only_after_all_retries),
        CONFORMS("CreationJobManagerTests", 258, an_error_of_the_action_is_told_at_once),
        CONFORMS("CreationJobManagerTests", 296, a_job_that_is_not_there_loses_its_key),
        CONFORMS("CreationJobManagerTests", 309, a_job_has_its_time),
        CONFORMS("CreationJobManagerTests", 333, blackbox_actions_have_more),
        CONFORMS("CreationJobManagerTests", 385, too_many_retries_are_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
