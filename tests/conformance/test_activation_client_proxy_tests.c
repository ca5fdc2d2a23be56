/*
 * test_activation_client_proxy_tests.c - a container's line to a scheduler, as upstream tests
 * it. The container proxy is a probe, the scheduler's answers are each test's own.
 *
 * Making a client cannot fail here, nor can an answer be malformed: what the callback of such
 * an event would send to the actor is sent to it.
 * Source: ActivationClientProxyTests.scala at 1fae641a2.
 */
#include "support/conform.h"
#include "support/proxy_bed.h"

static int setup(void **state)
{
    *state = proxy_bed_client();
    return 0;
}

static int teardown(void **state)
{
    proxy_bed_free(*state);
    return 0;
}

static void ready(struct proxy_bed *t)
{
    proxy_bed_send(t, POST_START_CLIENT, NULL, 0);
    proxy_bed_expect(t, "client Uninitialized -> Ready\n"
                        "proxy: ClientCreationCompleted\n");
}

static void fetching(struct proxy_bed *t)
{
    ready(t);
    proxy_bed_send(t, POST_REQUEST_ACTIVATION, NULL, 0);
    proxy_bed_expect(t, "fetch from node 4: alive\n");
    assert_int_equal(BED_SCHEDULER0, 4);
}

static void expect_stopped(const struct proxy_bed *t)
{
    assert_false(t->slot->client.alive);
}

static void fails(struct proxy_bed *t, enum failure failure)
{
    struct post_failure post = {.failure = failure};
    proxy_bed_send(t, POST_FAILURE, &post, sizeof post);
}

static void a_client_is_made(void **state)
{
    struct proxy_bed *t = *state;
    ready(t);
    assert_int_equal(t->slot->client.connected, BED_SCHEDULER0);
    assert_int_equal(t->slot->client.closed, 0);
}

static void a_client_that_cannot_be_made_ends_it(void **state)
{
    struct proxy_bed *t = *state;
    fails(t, FAILURE_OTHER);
    proxy_bed_expect(t, "client Uninitialized -> Removing\n"
                        "proxy: FailureMessage(7)\n"
                        "proxy: ClientClosed\n");
    assert_int_equal(FAILURE_OTHER, 7);
    expect_stopped(t);
}

static void an_activation_is_fetched(void **state)
{
    struct proxy_bed *t = *state;
    fetching(t);
    proxy_bed_fetched(t, FETCHED_ACTIVATION, 5);
    proxy_bed_expect(t, "fetched\n"
                        "proxy: ActivationMessage(5)\n");
}

static void another_scheduler_means_another_client(void **state)
{
    struct proxy_bed *t = *state;
    ready(t);
    struct post_request request = {.scheduler = BED_SCHEDULER1, .has_scheduler = 1};
    proxy_bed_send(t, POST_REQUEST_ACTIVATION, &request, sizeof request);
    proxy_bed_expect(t, "fetch from node 5: alive\n");
    assert_int_equal(BED_SCHEDULER1, 5);
    assert_int_equal(t->slot->client.stored, BED_SCHEDULER1);
}

static void without_a_queue_the_client_is_made_again(void **state)
{
    struct proxy_bed *t = *state;
    fetching(t);
    t->inv->leader = BED_SCHEDULER0;
    proxy_bed_fetched(t, FETCHED_NO_QUEUE, 0);
    proxy_bed_expect(t, "look up queue\n"
                        "fetch from node 4: alive\n");
}

static void another_version_ends_it(void **state)
{
    struct proxy_bed *t = *state;
    fetching(t);
    proxy_bed_fetched(t, FETCHED_MISMATCH, 0);
    proxy_bed_expect(t, "client Ready -> Removing\n"
                        "proxy: FailureMessage(6)\n"
                        "proxy: ClientClosed\n");
    assert_int_equal(FAILURE_MISMATCH, 6);
    assert_int_equal(t->slot->client.closed, 1);
    expect_stopped(t);
}

static void no_activation_is_for_the_container_to_retry(void **state)
{
    struct proxy_bed *t = *state;
    fetching(t);
    proxy_bed_fetched(t, FETCHED_NOTHING, 0);
    proxy_bed_expect(t, "proxy: RetryRequestActivation\n");
}

static void without_a_queue_the_other_scheduler_is_asked(void **state)
{
    struct proxy_bed *t = *state;
    fetching(t); /* the first client: no look-up */
    t->inv->leader = BED_SCHEDULER1;
    proxy_bed_fetched(t, FETCHED_NO_QUEUE, 0);
    proxy_bed_expect(t, "look up queue\n"
                        "fetch from node 5: alive\n");
    assert_int_equal(t->slot->client.stored, BED_SCHEDULER0);
}

static void a_malformed_answer_is_for_the_container_to_retry(void **state)
{
    struct proxy_bed *t = *state;
    fetching(t);
    fails(t, FAILURE_PARSE);
    proxy_bed_expect(t, "proxy: RetryRequestActivation\n");
}

static void a_broken_connection_means_another_client(void **state)
{
    struct proxy_bed *t = *state;
    fetching(t);
    t->inv->leader = BED_SCHEDULER1;
    struct message m = bed_reply(invoker_bed_fetch(t->inv, t->slot), MSG_REFUSED);
    m.u.refused.kind = MSG_FETCH;
    proxy_bed_deliver(t, &m);
    proxy_bed_expect(t, "look up queue\n"
                        "fetch from node 5: alive\n");
}

static void a_closed_client_ends_it(void **state)
{
    struct proxy_bed *t = *state;
    fetching(t);
    fails(t, FAILURE_CLOSED);
    proxy_bed_expect(t, "client Ready -> Removing\n"
                        "proxy: FailureMessage(5)\n"
                        "proxy: ClientClosed\n");
    assert_int_equal(FAILURE_CLOSED, 5);
    expect_stopped(t);
}

static void any_other_failure_ends_it_with_a_farewell(void **state)
{
    struct proxy_bed *t = *state;
    fetching(t);
    fails(t, FAILURE_OTHER);
    proxy_bed_expect(t, "client Ready -> Removing\n"
                        "proxy: FailureMessage(7)\n"
                        "fetch from node 4: not alive\n");
    assert_true(t->slot->client.alive);
    proxy_bed_fetched(t, FETCHED_NOTHING, 0);
    proxy_bed_expect(t, "proxy: ClientClosed\n");
    assert_int_equal(t->slot->client.closed, 1);
    expect_stopped(t);
}

static void a_shutdown_closes_it_at_the_next_request(void **state)
{
    struct proxy_bed *t = *state;
    ready(t);
    proxy_bed_send(t, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    proxy_bed_expect(t, "client Ready -> Removing\n");
    assert_int_equal(t->slot->client.closed, 0);
    proxy_bed_send(t, POST_REQUEST_ACTIVATION, NULL, 0);
    proxy_bed_expect(t, "fetch from node 4: not alive\n");
    proxy_bed_fetched(t, FETCHED_NOTHING, 0);
    proxy_bed_expect(t, "proxy: ClientClosed\n");
    assert_int_equal(t->slot->client.closed, 1);
    expect_stopped(t);
}

static void a_stop_closes_it(void **state)
{
    struct proxy_bed *t = *state;
    ready(t);
    proxy_bed_send(t, POST_STOP_CLIENT, NULL, 0);
    proxy_bed_expect(t, "fetch from node 4: not alive\n");
    assert_int_equal(t->slot->client.state, CLIENT_READY);
    proxy_bed_fetched(t, FETCHED_NOTHING, 0);
    proxy_bed_expect(t, "proxy: ClientClosed\n");
    assert_int_equal(t->slot->client.closed, 1);
    expect_stopped(t);
}

static void a_stop_of_a_closed_one_is_safe(void **state)
{
    struct proxy_bed *t = *state;
    ready(t);
    t->slot->client.closed = 1;
    proxy_bed_send(t, POST_STOP_CLIENT, NULL, 0);
    proxy_bed_expect(t, "proxy: ClientClosed\n");
    expect_stopped(t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("ActivationClientProxyTests", 95, a_client_is_made),
        CONFORMS("ActivationClientProxyTests", 113, a_client_that_cannot_be_made_ends_it),
        CONFORMS("ActivationClientProxyTests", 139, an_activation_is_fetched),
        CONFORMS("ActivationClientProxyTests", 156, another_scheduler_means_another_client),
        CONFORMS("ActivationClientProxyTests", 180, without_a_queue_the_client_is_made_again),
        CONFORMS("ActivationClientProxyTests", 203, another_version_ends_it),
        CONFORMS("ActivationClientProxyTests", 238,
                 no_activation_is_for_the_container_to_retry),
        CONFORMS("ActivationClientProxyTests", 255,
                 without_a_queue_the_other_scheduler_is_asked),
        CONFORMS("ActivationClientProxyTests", 281,
                 a_malformed_answer_is_for_the_container_to_retry),
        CONFORMS("ActivationClientProxyTests", 298, a_broken_connection_means_another_client),
        CONFORMS("ActivationClientProxyTests", 325, a_closed_client_ends_it),
        CONFORMS("ActivationClientProxyTests", 353, any_other_failure_ends_it_with_a_farewell),
        CONFORMS("ActivationClientProxyTests", 380, a_shutdown_closes_it_at_the_next_request),
        CONFORMS("ActivationClientProxyTests", 404, a_stop_closes_it),
        CONFORMS("ActivationClientProxyTests", 424, a_stop_of_a_closed_one_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
