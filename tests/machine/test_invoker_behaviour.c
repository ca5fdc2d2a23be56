/*
 * test_invoker_behaviour.c - what the behaviour sets of an invoker's container side differ in:
 * each field, old and new.
 */
#include "support/proxy_bed.h"
#include <string.h>

static const uint8_t sets[] = {BEHAVIOUR_PRE_5338, BEHAVIOUR_5338, BEHAVIOUR_HEAD};
#define SETS 3

static struct proxy_bed *client_ready(uint8_t behaviour)
{
    struct proxy_bed *t = proxy_bed_client();
    t->bed->env.behaviour = behaviour;
    proxy_bed_send(t, POST_START_CLIENT, NULL, 0);
    proxy_bed_expect(t, "client Uninitialized -> Ready\n"
                        "proxy: ClientCreationCompleted\n");
    return t;
}

static void fields_have_the_values_of_their_commits(void **state)
{
    (void)state;
    static const struct {
        bool orphan, close, fetch, silent_end, no_count, race, silent, drops;
    } rows[SETS] = {{1, 1, 1, 1, 1, 1, 1, 1}, {1, 0, 0, 0, 0, 1, 1, 1}, {0}};
    for (unsigned i = 0; i < SETS; i++) {
        struct machine_env env = {.behaviour = sets[i]};
        const struct invoker_behaviour *b = invoker_behaviour(&env);
        assert_int_equal(b->orphan_existing_key, rows[i].orphan);
        assert_int_equal(b->client_close_on_shutdown, rows[i].close);
        assert_int_equal(b->fetch_after_shutdown, rows[i].fetch);
        assert_int_equal(b->not_alive_not_sent, rows[i].silent_end);
        assert_int_equal(b->no_pool_count, rows[i].no_count);
        assert_int_equal(b->plain_switch_texts, rows[i].no_count);
        assert_int_equal(b->client_created_race, rows[i].race);
        assert_int_equal(b->silent_client_failure, rows[i].silent);
        assert_int_equal(b->rescheduling_drops, rows[i].drops);
    }
}

static void a_closed_client_left_the_key_behind(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SETS; i++) {
        struct proxy_bed *t = proxy_bed_new();
        proxy_bed_cold_start(t);
        proxy_bed_first_run(t);
        t->bed->env.behaviour = sets[i];
        proxy_bed_send(t, POST_CLIENT_CLOSED, NULL, 0);
        proxy_bed_expect(t, sets[i] == BEHAVIOUR_HEAD ? "Running -> Removing\n"
                                                        "data: unregister existing 1\n"
                                                        "parent: ContainerRemoved(true)\n"
                                                      : "Running -> Removing\n"
                                                        "parent: ContainerRemoved(false)\n");
        assert_int_equal(t->slot->proxy.ping_from != 0, sets[i] != BEHAVIOUR_HEAD);
        proxy_bed_until(t, &t->slot->proxy.destroy);
        proxy_bed_free(t);
    }
}

static void a_shutdown_closed_the_client_at_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SETS; i++) {
        struct proxy_bed *t = client_ready(sets[i]);
        proxy_bed_send(t, POST_GRACEFUL_SHUTDOWN, NULL, 0);
        proxy_bed_expect(t, sets[i] == BEHAVIOUR_PRE_5338 ? "client Ready -> Removing\n"
                                                            "fetch from node 4: not alive\n"
                                                          : "client Ready -> Removing\n");
        proxy_bed_free(t);
    }
}

static void a_request_after_the_shutdown_was_a_fetch(void **state)
{
    (void)state;
    struct post_request request = {.duration_ms = 9, .has_duration = 1};
    for (unsigned i = 0; i < SETS; i++) {
        struct proxy_bed *t = client_ready(sets[i]);
        bool is_old = sets[i] == BEHAVIOUR_PRE_5338;
        proxy_bed_send(t, POST_GRACEFUL_SHUTDOWN, NULL, 0);
        t->sends[0] = '\0';
        proxy_bed_expect(t, "client Ready -> Removing\n");
        proxy_bed_send(t, POST_REQUEST_ACTIVATION, &request, sizeof request);
        proxy_bed_expect(t, is_old ? "fetch from node 4: alive, duration\n"
                                   : "fetch from node 4: not alive\n");
        struct post_request other = {.scheduler = BED_SCHEDULER1, .has_scheduler = 1};
        proxy_bed_send(t, POST_REQUEST_ACTIVATION, &other, sizeof other);
        proxy_bed_expect(t, is_old ? "fetch from node 5: alive\n"
                                   : "fetch from node 4: not alive\n");
        proxy_bed_free(t);
    }
}

static void the_end_of_a_leaving_client_was_not_told(void **state)
{
    (void)state;
    static const enum fetch_result ends[] = {FETCHED_NOTHING, FETCHED_NO_QUEUE,
                                             FETCHED_MISMATCH};
    for (unsigned i = 0; i < SETS * 3; i++) {
        struct proxy_bed *t = client_ready(sets[i % SETS]);
        proxy_bed_send(t, POST_REQUEST_ACTIVATION, NULL, 0);
        proxy_bed_expect(t, "fetch from node 4: alive\n");
        t->slot->client.state = CLIENT_REMOVING;
        proxy_bed_fetched(t, ends[i / SETS], 0);
        proxy_bed_expect(t, sets[i % SETS] == BEHAVIOUR_PRE_5338
                                ? "proxy: ClientClosed\n"
                                : "proxy: ClientClosed\n"
                                  "fetch from node 4: not alive\n");
        assert_false(t->slot->client.alive);
        proxy_bed_free(t);
    }
}

/* Each failure, first with what the container is told of it, then without. */
static void failures_of_the_client_were_silent(void **state)
{
    (void)state;
    static const struct {
        enum failure failure;
        const char *told, *rest;
    } rows[] = {
        {FAILURE_HOST, "proxy: FailureMessage(3)\n", "proxy: ClientClosed\n"},
        {FAILURE_CLOSED, "proxy: FailureMessage(5)\n", "proxy: ClientClosed\n"},
        {FAILURE_OTHER, "proxy: FailureMessage(7)\n", "fetch from node 4: not alive\n"},
    };
    for (unsigned i = 0; i < SETS * 3; i++) {
        struct proxy_bed *t = client_ready(sets[i % SETS]);
        struct post_failure post = {.failure = rows[i / SETS].failure};
        char lines[200] = "client Ready -> Removing\n";
        proxy_bed_send(t, POST_FAILURE, &post, sizeof post);
        if (sets[i % SETS] == BEHAVIOUR_HEAD)
            strcat(lines, rows[i / SETS].told);
        strcat(lines, rows[i / SETS].rest);
        proxy_bed_expect(t, lines);
        proxy_bed_free(t);
    }
}

static void a_mismatch_and_a_failed_start_were_silent_too(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SETS; i++) {
        bool is_old = sets[i] != BEHAVIOUR_HEAD;
        struct proxy_bed *t = client_ready(sets[i]);
        proxy_bed_send(t, POST_REQUEST_ACTIVATION, NULL, 0);
        proxy_bed_fetched(t, FETCHED_MISMATCH, 0);
        proxy_bed_expect(t, is_old ? "client Ready -> Removing\n"
                                     "proxy: ClientClosed\n"
                                     "fetch from node 4: alive\n"
                                   : "client Ready -> Removing\n"
                                     "proxy: FailureMessage(6)\n"
                                     "proxy: ClientClosed\n"
                                     "fetch from node 4: alive\n");
        proxy_bed_free(t);
        t = proxy_bed_client();
        t->bed->env.behaviour = sets[i];
        struct post_failure post = {.failure = FAILURE_OTHER};
        proxy_bed_send(t, POST_FAILURE, &post, sizeof post);
        proxy_bed_expect(t, is_old ? "client Uninitialized -> Removing\n"
                                     "proxy: ClientClosed\n"
                                   : "client Uninitialized -> Removing\n"
                                     "proxy: FailureMessage(7)\n"
                                     "proxy: ClientClosed\n");
        proxy_bed_free(t);
    }
}

static void dockers_callback_started_the_client(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SETS; i++) {
        struct proxy_bed *t = proxy_bed_new();
        t->bed->env.behaviour = sets[i];
        proxy_bed_initialize(t);
        proxy_bed_expect(t, "Uninitialized -> CreatingClient\n");
        bed_wake(t->bed);
        while (timer_is_armed(&t->slot->proxy.operation)) {
            t->bed->post_first = t->bed->post_count;
            bed_wake(t->bed);
        }
        unsigned first = bed_post(t->bed, 0)->what;
        bool is_old = sets[i] != BEHAVIOUR_HEAD;
        assert_int_equal(first, is_old ? POST_START_CLIENT : POST_INITIALIZED_DATA);
        assert_int_equal(bed_posts(t->bed), is_old ? 2 : 1);
        proxy_bed_pass(t, 0);
        proxy_bed_free(t);
    }
}

/* Its word came before the container was known, and went round until then. */
static void what_the_client_said_too_early_went_round(void **state)
{
    (void)state;
    static const unsigned words[] = {POST_CLIENT_CREATION_COMPLETED, POST_CLIENT_CLOSED};
    for (unsigned i = 0; i < SETS * 2; i++) {
        bool is_old = sets[i % SETS] != BEHAVIOUR_HEAD;
        struct proxy_bed *t = proxy_bed_new();
        t->bed->env.behaviour = sets[i % SETS];
        proxy_bed_initialize(t);
        proxy_bed_send(t, words[i / SETS], NULL, 0);
        proxy_bed_expect(t, "Uninitialized -> CreatingClient\n");
        assert_int_equal(t->slot->proxy.stash_count, !is_old);
        proxy_bed_until(t, &t->slot->proxy.operation);
        if (!is_old)
            proxy_bed_expect(t, "container-made\n"
                                "client: StartClient\n");
        else if (words[i / SETS] == POST_CLIENT_CLOSED)
            proxy_bed_expect(t, "container-made\n"
                                "CreatingClient -> Removing\n"
                                "client: StartClient\n"
                                "health: HealthMessage(false)\n"
                                "data: unregister existing 1\n"
                                "parent: ContainerRemoved(true)\n");
        else
            proxy_bed_expect(t, "container-made\n"
                                "CreatingClient -> ClientCreated\n"
                                "container-used\n"
                                "client: StartClient\n"
                                "data: register existing 1\n"
                                "parent: Initialized(initialized)\n"
                                "client: RequestActivation\n");
        proxy_bed_free(t);
    }
}

static void a_prewarmed_container_started_its_client_itself(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SETS; i++) {
        struct proxy_bed *t = proxy_bed_new();
        t->bed->env.behaviour = sets[i];
        proxy_bed_prewarm(t);
        proxy_bed_adopt(t); /* the same words */
        proxy_bed_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_have_the_values_of_their_commits),
        cmocka_unit_test(a_closed_client_left_the_key_behind),
        cmocka_unit_test(a_shutdown_closed_the_client_at_once),
        cmocka_unit_test(a_request_after_the_shutdown_was_a_fetch),
        cmocka_unit_test(the_end_of_a_leaving_client_was_not_told),
        cmocka_unit_test(failures_of_the_client_were_silent),
        cmocka_unit_test(a_mismatch_and_a_failed_start_were_silent_too),
        cmocka_unit_test(dockers_callback_started_the_client),
        cmocka_unit_test(what_the_client_said_too_early_went_round),
        cmocka_unit_test(a_prewarmed_container_started_its_client_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
