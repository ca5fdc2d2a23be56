/*
 * test_fpc_scheduler_server_tests.c - upstream's FPCSchedulerServerTests: the admin routes.
 */
#include "support/conform.h"
#include "support/manager_bed.h"
#include <stdio.h>

static int setup(void **state)
{
    struct sched *s = sched_started();
    s->holds_read = true;
    sched_make_queue(s, BED_GUEST, BED_HELLO);
    sched_make_queue(s, BED_GUEST, BED_SLOW);
    sched_arrive_many(s, 1, 2);
    sched_forget(s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    sched_free(*state);
    return 0;
}

static void disable(struct sched *s, const char *user, const char *password)
{
    const char *headers = user == NULL ? NULL : bed_authorization(user, password);
    bed_http(s->bed, HTTP_POST, "/disable", headers, NULL);
}

static void who_may_disables_it(void **state)
{
    struct sched *s = *state;
    s->bed->posts_by_hand = true;
    disable(s, SCHEDULER_USER, SCHEDULER_PASSWORD);
    bed_expect_http(s->bed, 200, CONTENT_TEXT, "scheduler disabled");
    assert_int_equal(bed_posts(s->bed), 2); /* once: the two managers, and nobody else */
    static const actor_id told[] = {ACTOR_CONTAINERS_ID, ACTOR_MANAGER_ID};
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(bed_post(s->bed, i)->what, POST_GRACEFUL_SHUTDOWN);
        assert_int_equal(bed_post(s->bed, i)->to_actor, told[i]);
    }
    expect_trace(s->bed, "scheduler0 > deployer http-reply 200\n");
    expect_records(s->bed, "is disabled\n");
}

static void its_state_is_two_texts(void **state)
{
    struct sched *s = *state;
    s->is_registered = true;
    s->queue_size = 5;
    manager_ask(s, "/state");
    bed_expect_http(s->bed, 200, CONTENT_JSON, "{\"queue\":\"5\",\"creationCount\":\"0\"}");
    expect_trace(s->bed, "scheduler0/callback#1 > etcd range get whisk/scheduler/0\n"
                         "scheduler0 > deployer http-reply 200\n");
    expect_records(s->bed, "");
}

static void the_number_of_queues_is_bare(void **state)
{
    struct sched *s = *state;
    manager_ask(s, "/queues/count");
    bed_expect_http(s->bed, 200, CONTENT_JSON, "2");
    expect_trace(s->bed, "scheduler0 > deployer http-reply 200\n");
    expect_records(s->bed, "");
}

static void all_queues_are_told_of(void **state)
{
    struct sched *s = *state;
    char first[33], second[33], expected[640];
    cluster_activation_text(&s->bed->draws, ACTIVATION_ID(1, 0), first);
    cluster_activation_text(&s->bed->draws, ACTIVATION_ID(2, 0), second);
    snprintf(expected, sizeof expected,
             "[{\"data\":\"RunningData\",\"fqn\":\"guest/hello@0.0.1\","
             "\"invocationNamespace\":\"guest\",\"status\":\"Running\","
             "\"waitingActivation\":[\"%s\",\"%s\"]},"
             "{\"data\":\"RunningData\",\"fqn\":\"guest/slow@0.0.1\","
             "\"invocationNamespace\":\"guest\",\"status\":\"Running\","
             "\"waitingActivation\":[]}]",
             first, second);
    manager_ask(s, "/queues");
    bed_expect_http(s->bed, 200, CONTENT_JSON, expected);
    expect_trace(s->bed, "scheduler0 > deployer http-reply 200\n");
    expect_records(s->bed, "");
}

static void who_may_not_is_refused(void **state)
{
    struct sched *s = *state;
    disable(s, "invaliduser", "invalidpass");
    expect_trace(s->bed, "scheduler0 > deployer http-reply 401\n");
    expect_records(s->bed, "");
    assert_false(s->machine->is_shutting_down);
}

static void who_is_nobody_is_refused(void **state)
{
    struct sched *s = *state;
    disable(s, NULL, NULL);
    expect_trace(s->bed, "scheduler0 > deployer http-reply 401\n");
    expect_records(s->bed, "");
    assert_false(s->machine->is_shutting_down);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMS("FPCSchedulerServerTests", 76, who_may_disables_it),
        CONFORMS("FPCSchedulerServerTests", 86, its_state_is_two_texts),
        CONFORMS("FPCSchedulerServerTests", 97, the_number_of_queues_is_bare),
        CONFORMS("FPCSchedulerServerTests", 107, all_queues_are_told_of),
        CONFORMS("FPCSchedulerServerTests", 117, who_may_not_is_refused),
        CONFORMS("FPCSchedulerServerTests", 127, who_is_nobody_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
