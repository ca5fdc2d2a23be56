/*
 * test_invoker_reschedule.c - a run that met nobody: the proxy in Rescheduling, its time-out
 * and what restarts it; the client that gives the activation back.
 */
#include "support/proxy_bed.h"
#include <string.h>

static const char fallen_back[] = "rescheduled 1: 1\n"
                                  "Rescheduling -> Removing\n"
                                  "data: unregister existing 1\n"
                                  "parent: ContainerRemoved(true)\n"
                                  "client: StopClientProxy\n"
                                  "ack 1: combined shrunk, whisk internal error: "
                                  "The action did not produce a valid response and exited "
                                  "unexpectedly.\n"
                                  "store 1: whisk internal error, 0ms\n";

static void rescheduling(struct proxy_bed *t)
{
    proxy_bed_cold_start(t);
    proxy_bed_first_run(t);
    proxy_bed_fail(t, FAILURE_HEALTH_RUN);
    proxy_bed_expect(t, "Running -> Rescheduling\n"
                        "client: RescheduleActivation(1)\n");
}

static void responds(struct proxy_bed *t, bool ok)
{
    struct post_rescheduled response = {.ok = ok};
    proxy_bed_send(t, POST_RESCHEDULE_RESPONSE, &response, sizeof response);
}

static void what_was_given_back_ends_the_container_without_an_ack(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    rescheduling(t);
    responds(t, true);
    proxy_bed_expect(t, "Rescheduling -> Removing\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n");
    assert_false(timer_is_armed(&t->slot->proxy.rescheduling));
    proxy_bed_until(t, &t->slot->proxy.destroy);
    proxy_bed_expect(t, "container-gone\n");
    proxy_bed_free(t);
}

static void what_was_not_given_back_ends_with_an_error(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    rescheduling(t);
    responds(t, false);
    proxy_bed_expect(t, fallen_back);
    proxy_bed_free(t);
}

static void ten_seconds_of_silence_end_with_an_error(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_cold();
    bed_config(t->bed, "whisk.container-proxy.timeouts.pause-grace", SEC(11));
    proxy_bed_boot(t);
    rescheduling(t);
    proxy_bed_pass(t, SEC(10) - 1);
    proxy_bed_expect(t, "");
    proxy_bed_pass(t, 1);
    char lines[512];
    strcpy(lines, fallen_back);
    lines[strlen("rescheduled 1: ")] = '2'; /* OUTCOME_UNKNOWN */
    proxy_bed_expect(t, lines);
    proxy_bed_free(t);
}

static void each_message_restarts_the_silence_and_waits(void **state)
{
    (void)state;
    static const unsigned whats[] = {
        POST_GRACEFUL_SHUTDOWN, POST_CLIENT_CLOSED, POST_RETRY_REQUEST,  POST_REMOVE,
        POST_RUN_COMPLETED,     POST_ACTIVATION,    POST_RUN_ACTIVATION, POST_INITIALIZE,
        POST_RESUME_FAILED,     POST_DETERMINE_KEEP};
    for (unsigned i = 0; i < sizeof whats / sizeof whats[0]; i++) {
        struct proxy_bed *t = proxy_bed_cold();
        bed_config(t->bed, "whisk.container-proxy.timeouts.pause-grace", SEC(30));
        proxy_bed_boot(t);
        rescheduling(t);
        proxy_bed_pass(t, SEC(9));
        proxy_bed_send(t, whats[i], NULL, 0);
        assert_int_equal(t->slot->proxy.stash_count, 1);
        proxy_bed_pass(t, SEC(10) - 1);
        proxy_bed_expect(t, "");
        assert_int_equal(t->slot->proxy.state, PROXY_RESCHEDULING);
        proxy_bed_pass(t, 1);
        assert_int_equal(t->slot->proxy.stash_count, 0); /* replayed in Removing */
        assert_int_not_equal(t->slot->proxy.state, PROXY_RESCHEDULING);
        proxy_bed_free(t);
    }
}

static void an_unused_timeout_is_taken_for_the_silence(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    rescheduling(t); /* the run's UnusedTimeout of 5 s is still armed */
    duration left = t->slot->proxy.unused.at - t->bed->now;
    assert_true(left < SEC(5));
    proxy_bed_pass(t, left - 1);
    proxy_bed_expect(t, "");
    proxy_bed_pass(t, 1);
    assert_int_equal(t->slot->proxy.state, PROXY_REMOVING);
    proxy_bed_free(t);
}

static void the_minutes_ping_restarts_the_silence(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_cold();
    bed_config(t->bed, "whisk.container-proxy.timeouts.pause-grace", MINUTES(3));
    proxy_bed_boot(t);
    proxy_bed_cold_start(t);
    tstamp from = t->bed->now;
    proxy_bed_first_run(t);
    proxy_bed_pass(t, from + SEC(115) - t->bed->now);
    proxy_bed_fail(t, FAILURE_HEALTH_RUN);
    proxy_bed_expect(t, "Running -> Rescheduling\n"
                        "client: RescheduleActivation(1)\n");
    proxy_bed_pass(t, SEC(15) - 1); /* pinged after 5 s */
    proxy_bed_expect(t, "");
    proxy_bed_pass(t, 1);
    assert_int_equal(t->slot->proxy.state, PROXY_REMOVING);
    assert_int_equal(t->slot->proxy.ping_from, 0);
    proxy_bed_free(t);
}

static void the_ping_comes_again_each_minute(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_cold();
    bed_config(t->bed, "whisk.container-proxy.timeouts.pause-grace", MINUTES(5));
    proxy_bed_boot(t);
    proxy_bed_cold_start(t);
    tstamp from = t->bed->now;
    proxy_bed_first_run(t);
    proxy_bed_pass(t, from + SEC(55) - t->bed->now);
    proxy_bed_fail(t, FAILURE_HEALTH_RUN);
    for (tstamp at = from + SEC(64); at <= from + SEC(118); at += SEC(9)) {
        proxy_bed_pass(t, at - t->bed->now);
        proxy_bed_send(t, POST_RETRY_REQUEST, NULL, 0);
    }
    proxy_bed_pass(t, from + SEC(130) - 1 - t->bed->now); /* pinged at 120 s */
    assert_int_equal(t->slot->proxy.state, PROXY_RESCHEDULING);
    proxy_bed_pass(t, 1);
    assert_int_equal(t->slot->proxy.state, PROXY_REMOVING);
    assert_false(timer_is_armed(&t->slot->proxy.ping_cache));
    proxy_bed_free(t);
}

static void before_5348_rescheduling_drops_what_it_does_not_know(void **state)
{
    (void)state;
    static const uint8_t sets[] = {BEHAVIOUR_PRE_5338, BEHAVIOUR_5338, BEHAVIOUR_HEAD};
    for (unsigned i = 0; i < 3; i++) {
        struct proxy_bed *t = proxy_bed_new();
        rescheduling(t);
        t->bed->env.behaviour = sets[i];
        proxy_bed_activate(t, 2, false);
        assert_int_equal(t->slot->proxy.stash_count, sets[i] == BEHAVIOUR_HEAD);
        proxy_bed_expect(t, sets[i] == BEHAVIOUR_HEAD ? "" : "message-rejected\n");
        assert_int_equal(t->slot->proxy.rescheduling.at - t->bed->now, SEC(10));
        proxy_bed_free(t);
    }
}

static void the_first_run_too_may_meet_nobody(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    proxy_bed_cold_start(t);
    proxy_bed_fail(t, FAILURE_HEALTH_RUN);
    proxy_bed_expect(t, "ClientCreated -> Rescheduling\n"
                        "client: RescheduleActivation(1)\n");
    responds(t, true);
    assert_int_equal(t->slot->proxy.state, PROXY_REMOVING);
    proxy_bed_free(t);
}

/* ---- the client ---- */

static void reschedule(struct proxy_bed *t)
{
    struct activation activation = invoker_bed_activation(BED_HELLO, 6, true);
    proxy_bed_send(t, POST_RESCHEDULE, &activation, sizeof activation);
}

static struct proxy_bed *client_ready(void)
{
    struct proxy_bed *t = proxy_bed_client();
    proxy_bed_send(t, POST_START_CLIENT, NULL, 0);
    proxy_bed_expect(t, "client Uninitialized -> Ready\n"
                        "proxy: ClientCreationCompleted\n");
    return t;
}

static void the_scheduler_says_whether_it_took_it(void **state)
{
    (void)state;
    for (unsigned ok = 0; ok < 2; ok++) {
        struct proxy_bed *t = client_ready();
        reschedule(t);
        struct message reply = bed_reply(bed_sent(t->bed, MSG_RESCHEDULE, 0), MSG_RESCHEDULED);
        const struct activation *sent = &bed_sent(t->bed, MSG_RESCHEDULE, 0)->u.activation;
        assert_int_equal(sent->id, ACTIVATION_ID(6, 0));
        assert_int_equal(sent->blocking, 1);
        proxy_bed_expect(t, "rescheduled 6: 0\n"
                            "reschedule 6 to node 4\n");
        reply.u.rescheduled.id = ACTIVATION_ID(6, 0);
        reply.u.rescheduled.ok = ok;
        proxy_bed_deliver(t, &reply);
        proxy_bed_expect(t, ok ? "proxy: RescheduleResponse(true)\n"
                               : "proxy: RescheduleResponse(false)\n");
        assert_int_equal(t->slot->client.state, CLIENT_READY);
        proxy_bed_free(t);
    }
}

static void an_error_counts_as_not_taken(void **state)
{
    (void)state;
    struct proxy_bed *t = client_ready();
    reschedule(t);
    struct message refused = bed_reply(bed_sent(t->bed, MSG_RESCHEDULE, 0), MSG_REFUSED);
    refused.u.refused.kind = MSG_RESCHEDULE;
    proxy_bed_deliver(t, &refused);
    proxy_bed_expect(t, "rescheduled 6: 0\n"
                        "proxy: RescheduleResponse(false)\n"
                        "reschedule 6 to node 4\n");
    reschedule(t);
    proxy_bed_expect(t, "rescheduled 6: 0\n"
                        "reschedule 6 to node 4\n");
    bed_link(t->bed, BED_SCHEDULER0, true);
    proxy_bed_pass(t, 0);
    assert_int_equal(t->slot->calls.count, 0);
    proxy_bed_free(t);
}

static void a_client_that_is_leaving_drops_it(void **state)
{
    (void)state;
    struct proxy_bed *t = client_ready();
    proxy_bed_send(t, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    reschedule(t);
    proxy_bed_expect(t, "client Ready -> Removing\n"
                        "message-rejected\n");
    proxy_bed_free(t);
}

/* The call throws in the actor, whose supervisor starts it anew; nobody starts a client. */
static void a_closed_client_makes_the_actor_start_anew(void **state)
{
    (void)state;
    struct proxy_bed *t = client_ready();
    proxy_bed_send(t, POST_CONTAINER_WARMED, NULL, 0);
    proxy_bed_send(t, POST_REQUEST_ACTIVATION, NULL, 0);
    struct message other = bed_reply(invoker_bed_fetch(t->inv, t->slot), MSG_FETCHED);
    other.u.fetched.result = FETCHED_NOTHING;
    proxy_bed_expect(t, "fetch from node 4: alive, warmed\n");
    t->slot->client.closed = 1;
    reschedule(t);
    proxy_bed_send(t, POST_STOP_CLIENT, NULL, 0);
    proxy_bed_deliver(t, &other);
    proxy_bed_expect(t, "client Ready -> Uninitialized\n");
    assert_int_equal(t->slot->client.stash_count, 2);
    assert_int_equal(t->slot->client.warmed, 0);
    struct post_opened opened = {.stored = BED_SCHEDULER0, .connected = BED_SCHEDULER1};
    proxy_bed_send(t, POST_CLIENT_OPENED, &opened, sizeof opened); /* a look-up ends */
    proxy_bed_expect(t, "client Uninitialized -> Ready\n"
                        "proxy: ClientCreationCompleted\n"
                        "proxy: RetryRequestActivation\n"
                        "fetch from node 5: not alive\n");
    proxy_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_given_back_ends_the_container_without_an_ack),
        cmocka_unit_test(what_was_not_given_back_ends_with_an_error),
        cmocka_unit_test(ten_seconds_of_silence_end_with_an_error),
        cmocka_unit_test(each_message_restarts_the_silence_and_waits),
        cmocka_unit_test(an_unused_timeout_is_taken_for_the_silence),
        cmocka_unit_test(the_minutes_ping_restarts_the_silence),
        cmocka_unit_test(the_ping_comes_again_each_minute),
        cmocka_unit_test(before_5348_rescheduling_drops_what_it_does_not_know),
        cmocka_unit_test(the_first_run_too_may_meet_nobody),
        cmocka_unit_test(the_scheduler_says_whether_it_took_it),
        cmocka_unit_test(an_error_counts_as_not_taken),
        cmocka_unit_test(a_client_that_is_leaving_drops_it),
        cmocka_unit_test(a_closed_client_makes_the_actor_start_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
