/*
 * test_function_pulling_container_proxy_tests.c - how a container lives, as upstream tests it:
 * its start, its client, its time-outs, its keys. The other actors are probes.
 * Source: FunctionPullingContainerProxyTests.scala at 1fae641a2.
 */
#include "support/conform.h"
#include "support/proxy_bed.h"
#include <stdio.h>

static int setup(void **state)
{
    *state = proxy_bed_new();
    return 0;
}

static int teardown(void **state)
{
    proxy_bed_free(*state);
    return 0;
}

static void asks_again(struct proxy_bed *t)
{
    proxy_bed_send(t, POST_RETRY_REQUEST, NULL, 0);
    proxy_bed_expect(t, "client: RequestActivation\n");
}

/* cleanUp of a container with an action, then docker's removal. */
static void expect_removed(struct proxy_bed *t, const char *from, const char *first,
                           const char *end)
{
    char lines[400];
    snprintf(lines, sizeof lines,
             "%s -> Removing\n"
             "%s"
             "data: unregister existing 1\n"
             "parent: ContainerRemoved(true)\n"
             "%s",
             from, first, end);
    proxy_bed_expect(t, lines);
}

static void expect_destroyed(struct proxy_bed *t)
{
    proxy_bed_until(t, &t->slot->proxy.destroy);
    proxy_bed_expect(t, "container-gone\n");
}

/* ---- the start ---- */

static void a_prewarmed_container_is_made(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_prewarm(t);
    assert_int_equal(t->slot->proxy.prewarm_mb, 256);
    proxy_bed_pass(t, SEC(60));
    proxy_bed_expect(t, "");
}

static void a_prewarmed_container_runs_what_it_gets(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_prewarm(t);
    proxy_bed_adopt(t);
    proxy_bed_first_run(t);
}

static void no_activation_until_the_grace(struct proxy_bed *t)
{
    asks_again(t);
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    proxy_bed_expect(t, "");
    proxy_bed_send(t, POST_RETRY_REQUEST, NULL, 0);
    expect_removed(t, "ClientCreated", "", "client: StopClientProxy\n");
    expect_destroyed(t);
}

static void a_prewarmed_container_without_activation_ends(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_prewarm(t);
    proxy_bed_adopt(t);
    no_activation_until_the_grace(t);
}

static void a_cold_start_runs_what_it_gets(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_cold_start(t);
    proxy_bed_first_run(t);
}

static void a_cold_start_without_activation_ends(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_cold_start(t);
    no_activation_until_the_grace(t);
}

/* The factory of clients throws: the datum does not come, but this. */
static void no_client_for_a_prewarmed_container(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_prewarm(t);
    t->slot->client.alive = 0;
    struct creation job = invoker_bed_creation(BED_HELLO, 1);
    struct message m = invoker_bed_post(t->inv, ACTOR_POOL_ID, slot_actor(t->slot, ACTOR_PROXY),
                                        POST_INITIALIZE);
    *MESSAGE_LOCAL(&m, struct creation) = job;
    bed_deliver(t->bed, &m);
    t->bed->post_first = t->bed->post_count; /* its InitializedData */
    proxy_bed_expect(t, "ContainerCreated -> CreatingClient\n");
    proxy_bed_send(t, POST_CLIENT_CREATION_FAILED, NULL, 0);
    expect_removed(t, "CreatingClient", "health: HealthMessage(false)\n", "");
    proxy_bed_expect_stopped(t);
    expect_destroyed(t);
}

static void no_client_for_a_cold_start(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_initialize(t);
    proxy_bed_expect(t, "Uninitialized -> CreatingClient\n");
    while (timer_is_armed(&t->slot->proxy.operation)) {
        bed_wake(t->bed);
        t->bed->post_first = t->bed->post_count;
    }
    proxy_bed_send(t, POST_CLIENT_CREATION_FAILED, NULL, 0);
    proxy_bed_expect(t, "container-made\n"
                        "CreatingClient -> Removing\n"
                        "health: HealthMessage(false)\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n");
    proxy_bed_expect_stopped(t);
    expect_destroyed(t);
}

/* ---- the client closes ---- */

static void the_client_closes_in_creating_client(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_initialize(t);
    proxy_bed_pass(t, SEC(1));
    proxy_bed_expect(t, "Uninitialized -> CreatingClient\n"
                        "container-made\n"
                        "client: StartClient\n");
    proxy_bed_send(t, POST_CLIENT_CLOSED, NULL, 0);
    expect_removed(t, "CreatingClient", "health: HealthMessage(false)\n", "");
    expect_destroyed(t);
}

static void the_client_closes_in_client_created(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_cold_start(t);
    proxy_bed_send(t, POST_CLIENT_CLOSED, NULL, 0);
    expect_removed(t, "ClientCreated", "", "");
    expect_destroyed(t);
}

static void runs_again(struct proxy_bed *t, uint32_t request)
{
    char lines[300];
    proxy_bed_activate(t, request, false);
    proxy_bed_pass(t, MSEC(200));
    snprintf(lines, sizeof lines,
             "run-started\n"
             "run-ended %u: success\n"
             "health: HealthMessage(true)\n"
             "client: RequestActivation after 100ms\n"
             "ack %u: completion shrunk, success\n"
             "store %u: success, 100ms\n",
             request, request, request);
    proxy_bed_expect(t, lines);
}

static void the_client_closes_in_running(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_cold_start(t);
    proxy_bed_first_run(t);
    runs_again(t, 2);
    proxy_bed_send(t, POST_CLIENT_CLOSED, NULL, 0);
    expect_removed(t, "Running", "", "");
    proxy_bed_expect_stopped(t);
    expect_destroyed(t);
}

/* ---- time-outs ---- */

static const char counts[] = "count namespace\ncount in-progress\ncount warmed\n";

/* Running, then Paused, by messages as upstream's test sends them. */
static void paused(struct proxy_bed *t)
{
    proxy_bed_cold_start(t);
    proxy_bed_first_run(t);
    proxy_bed_pause(t);
}

/* Paused -> Removing, behind `sent`; docker resumes and removes it. */
static void expect_removed_from_paused(struct proxy_bed *t, const char *sent)
{
    char lines[500];
    snprintf(lines, sizeof lines,
             "Paused -> Removing\n"
             "data: unregister warmed 1\n"
             "data: unregister existing 1\n"
             "parent: ContainerRemoved(true)\n"
             "client: StopClientProxy\n"
             "%s",
             sent);
    proxy_bed_expect(t, lines);
    proxy_bed_until(t, &t->slot->proxy.resume);
    expect_destroyed(t);
}

static void a_timeout_ends_the_container(void **state)
{
    struct proxy_bed *t = *state;
    paused(t);
    t->inv->live_count = 2;
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    expect_removed_from_paused(t, counts);
    proxy_bed_send(t, POST_CLIENT_CLOSED, NULL, 0);
    proxy_bed_expect(t, "");
    proxy_bed_expect_stopped(t);
}

static void a_count_that_fails_once_is_made_again(void **state)
{
    struct proxy_bed *t = *state;
    paused(t);
    t->inv->live_count = 2;
    t->broken_counts = 2; /* the client library tries twice */
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    proxy_bed_pass(t, MSEC(499));
    proxy_bed_expect(t, "count namespace\ncount namespace\n");
    proxy_bed_pass(t, MSEC(1));
    expect_removed_from_paused(t, counts);
    proxy_bed_send(t, POST_CLIENT_CLOSED, NULL, 0);
    proxy_bed_expect(t, "");
    proxy_bed_expect_stopped(t);
}

static void a_count_that_always_fails_removes_it_after_six(void **state)
{
    struct proxy_bed *t = *state;
    paused(t);
    t->broken_counts = 1000;
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    while (t->slot->proxy.state == PROXY_PAUSED)
        proxy_bed_pass(t, MSEC(1));
    expect_removed_from_paused(t, "count namespace\ncount namespace\n"
                                  "count namespace\ncount namespace\n"
                                  "count namespace\ncount namespace\n"
                                  "count namespace\ncount namespace\n"
                                  "count namespace\ncount namespace\n"
                                  "count namespace\ncount namespace\n");
    proxy_bed_send(t, POST_CLIENT_CLOSED, NULL, 0);
    proxy_bed_expect(t, "");
    proxy_bed_expect_stopped(t);
}

static void a_silent_client_does_not_keep_it(void **state)
{
    struct proxy_bed *t = *state;
    paused(t);
    t->inv->live_count = 2;
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    expect_removed_from_paused(t, counts);
    /* UnusedTimeout, armed after the run, is never cancelled: it comes before Removing's own.
     */
    assert_true(t->slot->proxy.unused.at < t->slot->proxy.removing.at);
    proxy_bed_pass(t, t->slot->proxy.unused.at - t->bed->now - 1);
    assert_true(t->slot->proxy.alive);
    proxy_bed_pass(t, 1);
    proxy_bed_expect(t, "");
    proxy_bed_expect_stopped(t);
}

static void a_kept_container_ends_when_its_time_is_over(void **state)
{
    struct proxy_bed *t = *state;
    t->bed->namespaces[BED_GUEST].keeping_count = 1;
    t->bed->namespaces[BED_GUEST].keeping_timeout = SEC(10);
    paused(t);
    t->inv->live_count = 0;
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    proxy_bed_expect(t, counts);
    assert_int_equal(t->slot->proxy.keeping.at - t->bed->now, SEC(10));
    proxy_bed_send(t, POST_REMOVE, NULL, 0);
    expect_removed_from_paused(t, "");
    proxy_bed_pass(t, SEC(5));
    proxy_bed_expect_stopped(t);
}

static void a_container_is_kept_up_to_the_count(void **state)
{
    struct proxy_bed *t = *state;
    t->bed->namespaces[BED_GUEST].keeping_count = 3;
    t->bed->namespaces[BED_GUEST].keeping_timeout = SEC(4);
    paused(t);
    t->inv->live_count = 1; /* of each of three kinds */
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    timers_cancel(&t->inv->invoker->timers, &t->slot->proxy.idle); /* as it has fired */
    proxy_bed_expect(t, counts);
    proxy_bed_pass(t, SEC(4) - 1);
    proxy_bed_expect(t, "");
    proxy_bed_pass(t, 1);
    expect_removed_from_paused(t, "");
}

static void a_container_beyond_the_count_ends_at_once(void **state)
{
    struct proxy_bed *t = *state;
    t->bed->namespaces[BED_GUEST].keeping_count = 2;
    paused(t);
    t->inv->live_count = 1; /* of each of three kinds */
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    expect_removed_from_paused(t, counts);
    proxy_bed_pass(t, SEC(5));
    proxy_bed_expect_stopped(t);
}

/* ---- keys ---- */

static void a_shutdown_removes_the_key_first(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_cold_start(t);
    proxy_bed_first_run(t);
    runs_again(t, 2);
    proxy_bed_send(t, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    proxy_bed_expect(t, "data: unregister existing 1\n"
                        "client: graceful-shutdown\n");
    proxy_bed_send(t, POST_CLIENT_CLOSED, NULL, 0);
    expect_removed(t, "Running", "", "");
    proxy_bed_expect_stopped(t);
    expect_destroyed(t);
}

static void a_paused_container_recovers(void **state)
{
    struct proxy_bed *t = *state;
    paused(t);
    proxy_bed_initialize(t);
    proxy_bed_expect(t, "Paused -> Running\n"
                        "data: unregister warmed 1\n");
    proxy_bed_until(t, &t->slot->proxy.resume);
    proxy_bed_expect(t, "container-used\n"
                        "data: register existing 1\n"
                        "parent: Resumed(warm)\n"
                        "client: RequestActivation of node 4\n");
    assert_int_equal(BED_SCHEDULER0, 4);
    assert_int_equal(t->slot->proxy.unused.at - t->bed->now, SEC(5));
    assert_int_equal(t->slot->proxy.timed_out, 0);
    runs_again(t, 2);
    assert_true(t->slot->proxy.has_container);
}

static void the_key_is_there_while_the_container_is(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_cold_start(t); /* registers it, with an empty value */
    proxy_bed_first_run(t);
    proxy_bed_pass(t, MSEC(4000));
    proxy_bed_expect(t, "");
    assert_true(t->slot->proxy.has_container);
}

static void the_key_goes_with_the_container(void **state)
{
    struct proxy_bed *t = *state;
    paused(t); /* registered at first, unregistered when paused */
    t->inv->live_count = 2;
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    expect_removed_from_paused(t, counts);
}

static void a_new_activation_after_the_timeout_is_run(void **state)
{
    struct proxy_bed *t = *state;
    proxy_bed_cold_start(t);
    proxy_bed_first_run(t);
    proxy_bed_pass(t, SEC(5));
    assert_int_equal(t->slot->proxy.timed_out, 1);
    proxy_bed_expect(t, "");
    runs_again(t, 2);
    assert_int_equal(t->slot->proxy.timed_out, 0);
    asks_again(t); /* not paused */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("FunctionPullingContainerProxyTests", 369, a_prewarmed_container_is_made),
        CONFORMS("FunctionPullingContainerProxyTests", 414,
                 a_prewarmed_container_runs_what_it_gets),
        CONFORMS("FunctionPullingContainerProxyTests", 480,
                 a_prewarmed_container_without_activation_ends),
        CONFORMS("FunctionPullingContainerProxyTests", 545, a_cold_start_runs_what_it_gets),
        CONFORMS("FunctionPullingContainerProxyTests", 614,
                 a_cold_start_without_activation_ends),
        CONFORMS("FunctionPullingContainerProxyTests", 678,
                 no_client_for_a_prewarmed_container),
        CONFORMS("FunctionPullingContainerProxyTests", 739, no_client_for_a_cold_start),
        CONFORMS("FunctionPullingContainerProxyTests", 800,
                 the_client_closes_in_creating_client),
        CONFORMS("FunctionPullingContainerProxyTests", 855,
                 the_client_closes_in_client_created),
        CONFORMS("FunctionPullingContainerProxyTests", 915, the_client_closes_in_running),
        CONFORMS("FunctionPullingContainerProxyTests", 986, a_timeout_ends_the_container),
        CONFORMS("FunctionPullingContainerProxyTests", 1064,
                 a_count_that_fails_once_is_made_again),
        CONFORMS("FunctionPullingContainerProxyTests", 1149,
                 a_count_that_always_fails_removes_it_after_six),
        CONFORMS("FunctionPullingContainerProxyTests", 1235, a_silent_client_does_not_keep_it),
        CONFORMS("FunctionPullingContainerProxyTests", 1313,
                 a_kept_container_ends_when_its_time_is_over),
        CONFORMS("FunctionPullingContainerProxyTests", 1391,
                 a_container_is_kept_up_to_the_count),
        CONFORMS("FunctionPullingContainerProxyTests", 1468,
                 a_container_beyond_the_count_ends_at_once),
        CONFORMS("FunctionPullingContainerProxyTests", 1545, a_shutdown_removes_the_key_first),
        CONFORMS("FunctionPullingContainerProxyTests", 1639, a_paused_container_recovers),
        CONFORMS("FunctionPullingContainerProxyTests", 2332,
                 the_key_is_there_while_the_container_is),
        CONFORMS("FunctionPullingContainerProxyTests", 2402, the_key_goes_with_the_container),
        CONFORMS("FunctionPullingContainerProxyTests", 2485,
                 a_new_activation_after_the_timeout_is_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
