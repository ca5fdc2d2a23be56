/*
 * test_invoker_proxy.c - the container proxy, state by state: each row with its messages, its
 * keys and its next state. The other actors are real unless posts are kept.
 */
#include "support/invoker_bed.h"

static void post(struct invoker_bed *t, const struct slot *slot, unsigned what)
{
    struct message m = invoker_bed_post(t, slot_actor(slot, ACTOR_CALLBACK),
                                        slot_actor(slot, ACTOR_PROXY), what);
    bed_deliver(t->bed, &m);
}

/* From here on what the proxy posts is kept: expect_post takes it in order. */
static void hold(struct invoker_bed *t)
{
    assert_int_equal(bed_posts(t->bed), 0);
    t->bed->posts_by_hand = true;
}

static void expect_post(struct invoker_bed *t, enum actor_kind to, unsigned what)
{
    assert_true(bed_posts(t->bed) > 0);
    const struct message *m = bed_post(t->bed, 0);
    assert_int_equal(ACTOR_KIND(m->to_actor), to);
    assert_int_equal(m->what, what);
    t->bed->post_first++;
}

static void expect_key(struct invoker_bed *t, unsigned what, enum key_family family)
{
    const struct message *m = bed_post(t->bed, 0);
    assert_int_equal(MESSAGE_LOCAL_CONST(m, struct post_data)->key.family, family);
    expect_post(t, ACTOR_DATA, what);
}

static void expect_no_post(struct invoker_bed *t)
{
    assert_int_equal(bed_posts(t->bed), 0);
    t->bed->post_first = t->bed->post_count = 0;
}

/* cleanUp: key, pool, client or its own end. */
static void expect_clean_up(struct invoker_bed *t, const struct slot *slot, bool with_client)
{
    expect_key(t, POST_UNREGISTER, KEY_EXISTING);
    expect_post(t, ACTOR_POOL, POST_CONTAINER_REMOVED);
    if (with_client)
        expect_post(t, ACTOR_ACTIVATION_CLIENT, POST_STOP_CLIENT);
    else
        expect_post(t, ACTOR_PROXY, POST_CLIENT_CLOSED);
    expect_no_post(t);
    assert_int_equal(slot->proxy.state, PROXY_REMOVING);
    assert_true(timer_is_armed(&slot->proxy.removing));
}

static struct slot *creating(struct invoker_bed *t)
{
    invoker_bed_create(t, BED_HELLO, 1);
    struct slot *slot = t->invoker->pool.lists[POOL_IN_PROGRESS].head;
    assert_non_null(slot);
    assert_int_equal(slot->proxy.state, PROXY_CREATING_CLIENT);
    return slot;
}

static void creation_takes_docker_time_and_then_makes_the_client(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = creating(t);
    assert_false(slot->client.alive);
    assert_true(timer_is_armed(&slot->proxy.operation));
    assert_true(slot->proxy.operation.at - t->bed->now >= MSEC(300));
    assert_true(slot->proxy.operation.at - t->bed->now <= SEC(1));
    hold(t);
    while (timer_is_armed(&slot->proxy.operation)) {
        t->bed->post_first = t->bed->post_count;
        bed_wake(t->bed);
    }
    expect_post(t, ACTOR_PROXY, POST_INITIALIZED_DATA);
    expect_no_post(t);
    assert_true(slot->client.alive);
    post(t, slot, POST_INITIALIZED_DATA);
    expect_post(t, ACTOR_ACTIVATION_CLIENT, POST_START_CLIENT);
    post(t, slot, POST_CLIENT_CREATION_COMPLETED);
    expect_key(t, POST_REGISTER, KEY_EXISTING);
    expect_post(t, ACTOR_PROXY, POST_INITIALIZED_DATA);
    assert_int_equal(slot->proxy.state, PROXY_CLIENT_CREATED);
    post(t, slot, POST_INITIALIZED_DATA);
    expect_post(t, ACTOR_POOL, POST_INITIALIZED);
    expect_post(t, ACTOR_ACTIVATION_CLIENT, POST_REQUEST_ACTIVATION);
    expect_no_post(t);
    assert_true(timer_is_armed(&slot->proxy.unused));
    invoker_bed_free(t);
}

static void a_client_that_cannot_be_made_is_unhealthy(void **state)
{
    (void)state;
    static const unsigned whats[] = {POST_CLIENT_CREATION_FAILED, POST_CLIENT_CLOSED};
    for (unsigned i = 0; i < 2; i++) {
        struct invoker_bed *t = invoker_bed_new();
        struct slot *slot = creating(t);
        hold(t);
        post(t, slot, POST_INITIALIZED_DATA);
        expect_post(t, ACTOR_ACTIVATION_CLIENT, POST_START_CLIENT);
        post(t, slot, whats[i]);
        expect_post(t, ACTOR_HEALTH, POST_HEALTH_MESSAGE);
        expect_clean_up(t, slot, false);
        invoker_bed_free(t);
    }
}

static void a_failure_while_creating_leaves_the_container_behind(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = creating(t);
    slot->proxy.has_container = 1; /* made, and then the client failed */
    hold(t);
    post(t, slot, POST_FAILURE);
    expect_post(t, ACTOR_POOL, POST_CONTAINER_REMOVED);
    expect_no_post(t);
    assert_false(slot->proxy.alive);
    assert_false(timer_is_armed(&slot->proxy.operation));
    assert_false(timer_is_armed(&slot->proxy.destroy));
    assert_true(slot->used);
    invoker_bed_free(t);
}

static void what_comes_before_the_first_activation_waits(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 1);
    struct activation activation = invoker_bed_activation(BED_HELLO, 1, true);
    post(t, slot, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(slot->proxy.stash_count, 1);
    assert_int_equal(slot->proxy.state, PROXY_CLIENT_CREATED);
    invoker_bed_give(t, slot, &activation);
    invoker_bed_forget(t);
    invoker_bed_pass(t, MSEC(200));
    assert_int_equal(slot->proxy.state, PROXY_RUNNING); /* replayed on entering it */
    assert_int_equal(slot->proxy.stash_count, 0);
    assert_int_equal(slot->client.state, CLIENT_REMOVING);
    assert_int_equal(invoker_bed_deleted(t, KEY_EXISTING), 1);
    invoker_bed_pass(t, MSEC(200));
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 2); /* it was still run */
    assert_int_equal(invoker_bed_fetches(t, slot, false), 1);
    invoker_bed_free(t);
}

static void a_container_without_work_gives_up_after_the_grace(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 1);
    invoker_bed_answer(t, slot, FETCHED_NOTHING);
    assert_int_equal(slot->proxy.state, PROXY_CLIENT_CREATED);
    assert_int_equal(invoker_bed_fetches(t, slot, true), 2);
    invoker_bed_pass(t, SEC(10));
    assert_true(slot->proxy.timed_out);
    hold(t);
    post(t, slot, POST_RETRY_REQUEST);
    expect_clean_up(t, slot, true);
    invoker_bed_free(t);
}

static void failures_before_the_first_run_clean_up(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 1);
    hold(t);
    post(t, slot, POST_FAILURE);
    expect_clean_up(t, slot, true);
    invoker_bed_free(t);
    t = invoker_bed_new();
    slot = invoker_bed_container(t, BED_HELLO, 1);
    hold(t);
    post(t, slot, POST_CLIENT_CLOSED);
    expect_clean_up(t, slot, false);
    invoker_bed_free(t);
}

static void an_initialised_container_asks_once_per_further_slot(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_container(t, BED_WIDE, 1);
    struct activation activation = invoker_bed_activation(BED_WIDE, 1, true);
    invoker_bed_give(t, slot, &activation);
    invoker_bed_forget(t);
    invoker_bed_pass(t, MSEC(50));
    assert_int_equal(slot->proxy.state, PROXY_RUNNING);
    assert_int_equal(slot->client.warmed, 1);
    assert_int_equal(invoker_bed_fetches(t, slot, true), 9);
    assert_int_equal(invoker_bed_fetch(t, slot)->u.fetch.warmed, 1);
    invoker_bed_free(t);
}

static void running_asks_again_unless_it_has_timed_out(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    hold(t);
    post(t, slot, POST_RETRY_REQUEST);
    expect_post(t, ACTOR_ACTIVATION_CLIENT, POST_REQUEST_ACTIVATION);
    post(t, slot, POST_STATE_TIMEOUT);
    expect_no_post(t);
    post(t, slot, POST_RETRY_REQUEST);
    expect_no_post(t);
    assert_int_equal(slot->proxy.state, PROXY_PAUSING);
    post(t, slot, POST_CONTAINER_PAUSED);
    expect_key(t, POST_REGISTER, KEY_WARMED);
    expect_key(t, POST_UNREGISTER, KEY_EXISTING);
    expect_post(t, ACTOR_POOL, POST_CONTAINER_IS_PAUSED);
    expect_no_post(t);
    assert_int_equal(slot->proxy.state, PROXY_PAUSED);
    assert_true(timer_is_armed(&slot->proxy.idle));
    invoker_bed_free(t);
}

static void an_activation_takes_the_time_out_back(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    struct activation activation = invoker_bed_activation(BED_HELLO, 2, true);
    invoker_bed_pass(t, SEC(10));
    assert_true(slot->proxy.timed_out);
    invoker_bed_give(t, slot, &activation);
    assert_false(slot->proxy.timed_out);
    assert_false(timer_is_armed(&slot->proxy.unused));
    invoker_bed_pass(t, SEC(1));
    invoker_bed_answer(t, slot, FETCHED_NOTHING);
    assert_int_equal(slot->proxy.state, PROXY_RUNNING);
    invoker_bed_free(t);
}

static void running_shuts_down_key_first(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    hold(t);
    post(t, slot, POST_GRACEFUL_SHUTDOWN);
    expect_key(t, POST_UNREGISTER, KEY_EXISTING);
    expect_post(t, ACTOR_ACTIVATION_CLIENT, POST_GRACEFUL_SHUTDOWN);
    expect_no_post(t);
    assert_int_equal(slot->proxy.state, PROXY_RUNNING);
    post(t, slot, POST_CLIENT_CLOSED);
    expect_clean_up(t, slot, false);
    invoker_bed_free(t);
}

static void a_closed_client_waits_for_what_runs(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    struct activation activation = invoker_bed_activation(BED_HELLO, 2, true);
    invoker_bed_give(t, slot, &activation);
    hold(t);
    post(t, slot, POST_CLIENT_CLOSED);
    expect_no_post(t);
    assert_int_equal(slot->proxy.state, PROXY_RUNNING);
    assert_true(timer_is_armed(&slot->proxy.running));
    assert_int_equal(slot->proxy.running.at - t->bed->now, SEC(10));
    t->bed->posts_by_hand = false;
    invoker_bed_pass(t, SEC(10));
    assert_int_equal(slot->proxy.state, PROXY_REMOVING);
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_CUT), 0);
    invoker_bed_free(t);
}

static void failures_while_running_clean_up_and_some_are_unhealthy(void **state)
{
    (void)state;
    static const struct {
        unsigned what;
        enum failure failure;
        bool is_unhealthy;
    } rows[] = {{POST_RESUME_FAILED, FAILURE_RUN, true},
                {POST_FAILURE, FAILURE_HEALTH, true},
                {POST_FAILURE, FAILURE_RUN, false},
                {POST_FAILURE, FAILURE_OTHER, false}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct invoker_bed *t = invoker_bed_new();
        struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
        hold(t);
        struct message m = invoker_bed_post(t, slot_actor(slot, ACTOR_CALLBACK),
                                            slot_actor(slot, ACTOR_PROXY), rows[i].what);
        MESSAGE_LOCAL(&m, struct post_failure)->failure = rows[i].failure;
        bed_deliver(t->bed, &m);
        if (rows[i].is_unhealthy)
            expect_post(t, ACTOR_HEALTH, POST_HEALTH_MESSAGE);
        expect_clean_up(t, slot, true);
        assert_true(timer_is_armed(&slot->proxy.destroy));
        invoker_bed_free(t);
    }
}

static void a_shutdown_while_pausing_is_swallowed(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    invoker_bed_pass(t, SEC(10));
    invoker_bed_answer(t, slot, FETCHED_NOTHING);
    assert_int_equal(slot->proxy.state, PROXY_PAUSING);
    post(t, slot, POST_GRACEFUL_SHUTDOWN);
    invoker_bed_pass(t, MSEC(100));
    assert_int_equal(slot->proxy.state, PROXY_PAUSED);
    assert_int_equal(slot->proxy.stash_count, 1);
    invoker_bed_pass(t, MINUTES(9));
    assert_int_equal(slot->proxy.state, PROXY_PAUSED);
    invoker_bed_create(t, BED_HELLO, 2); /* a resume replays it at once */
    assert_int_equal(slot->proxy.stash_count, 0);
    assert_int_equal(slot->client.state, CLIENT_REMOVING);
    invoker_bed_free(t);
}

static void a_paused_container_that_leaves_is_resumed_and_destroyed(void **state)
{
    (void)state;
    static const unsigned whats[] = {POST_REMOVE, POST_GRACEFUL_SHUTDOWN};
    for (unsigned i = 0; i < 2; i++) {
        struct invoker_bed *t = invoker_bed_new();
        struct slot *slot = invoker_bed_paused(t, BED_HELLO, 1, 1);
        hold(t);
        post(t, slot, whats[i]);
        expect_key(t, POST_UNREGISTER, KEY_WARMED);
        expect_clean_up(t, slot, true);
        assert_int_equal(slot->proxy.resume.kind, TIMER_RESUME);
        assert_false(timer_is_armed(&slot->proxy.destroy));
        assert_true(slot->proxy.resume.at - t->bed->now <= MSEC(60));
        t->bed->posts_by_hand = false;
        invoker_bed_pass(t, MSEC(60));
        assert_true(timer_is_armed(&slot->proxy.destroy));
        invoker_bed_pass(t, MSEC(500));
        assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_GONE), 1);
        invoker_bed_free(t);
    }
}

static void the_keep_decision_counts_three_kinds_of_keys(void **state)
{
    (void)state;
    static const uint16_t families[] = {KEY_EXISTING, KEY_IN_PROGRESS, KEY_WARMED};
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_paused(t, BED_HELLO, 1, 1);
    invoker_bed_forget(t);
    invoker_bed_pass(t, MINUTES(10));
    for (unsigned i = 0; i < 3; i++) {
        const struct message *m = bed_sent(t->bed, MSG_ETCD_RANGE, i);
        assert_int_equal(m->u.etcd.mode, RANGE_COUNT);
        assert_int_equal(m->u.etcd.depth, 4);
        assert_int_equal(m->u.etcd.key.family, families[i]);
        assert_int_equal(m->u.etcd.key.revision, REVISION_FIRST);
    }
    /* No live container at all: 0 is not more than the keeping count, so it is kept. */
    assert_int_equal(slot->proxy.state, PROXY_PAUSED);
    assert_true(timer_is_armed(&slot->proxy.keeping));
    invoker_bed_pass(t, MINUTES(10));
    assert_int_equal(slot->proxy.state, PROXY_REMOVING);
    invoker_bed_free(t);
}

static void a_count_that_fails_six_times_removes_the_container(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_paused(t, BED_HELLO, 1, 1);
    t->is_etcd_silent = true; /* each attempt takes 10 s, and has a second one */
    post(t, slot, POST_STATE_TIMEOUT);
    invoker_bed_pass(t, SEC(107));
    assert_int_equal(slot->proxy.state, PROXY_PAUSED);
    assert_int_equal(slot->proxy.determine_attempt, DETERMINE_TRIES_MAX);
    invoker_bed_pass(t, SEC(21));
    assert_int_equal(slot->proxy.state, PROXY_REMOVING);
    invoker_bed_free(t);
}

static void a_job_in_paused_resumes_at_once_and_asks_the_new_scheduler(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_paused(t, BED_HELLO, 1, 1);
    hold(t);
    struct message m =
        invoker_bed_post(t, ACTOR_POOL_ID, slot_actor(slot, ACTOR_PROXY), POST_INITIALIZE);
    struct creation job = invoker_bed_creation(BED_HELLO, 2);
    job.scheduler = BED_SCHEDULER1;
    *MESSAGE_LOCAL(&m, struct creation) = job;
    bed_deliver(t->bed, &m);
    expect_key(t, POST_UNREGISTER, KEY_WARMED);
    expect_no_post(t);
    assert_int_equal(slot->proxy.state, PROXY_RUNNING);
    assert_false(timer_is_armed(&slot->proxy.idle));
    while (timer_is_armed(&slot->proxy.resume)) {
        t->bed->post_first = t->bed->post_count;
        bed_wake(t->bed);
    }
    expect_key(t, POST_REGISTER, KEY_EXISTING);
    expect_post(t, ACTOR_POOL, POST_RESUMED);
    const struct post_request *request =
        MESSAGE_LOCAL_CONST(bed_post(t->bed, 0), struct post_request);
    assert_int_equal(request->has_scheduler, 1);
    assert_int_equal(request->scheduler, BED_SCHEDULER1);
    expect_post(t, ACTOR_ACTIVATION_CLIENT, POST_REQUEST_ACTIVATION);
    expect_no_post(t);
    assert_true(timer_is_armed(&slot->proxy.unused));
    invoker_bed_free(t);
}

static void removing_drops_an_activation_and_says_so(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    struct activation activation = invoker_bed_activation(BED_HELLO, 7, true);
    post(t, slot, POST_FAILURE);
    assert_int_equal(slot->proxy.state, PROXY_REMOVING);
    invoker_bed_pass(t, SEC(5));
    struct message m = invoker_bed_post(t, slot_actor(slot, ACTOR_ACTIVATION_CLIENT),
                                        slot_actor(slot, ACTOR_PROXY), POST_ACTIVATION);
    *MESSAGE_LOCAL(&m, struct activation) = activation;
    bed_deliver(t->bed, &m);
    const struct record *r = bed_record(t->bed, RECORD_MESSAGE_REJECTED, 0);
    assert_int_equal(r->activation, activation.id);
    assert_int_equal(slot->proxy.removing.at - t->bed->now, SEC(10)); /* silence starts anew */
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_STARTED), 1);
    invoker_bed_pass(t, SEC(10));
    assert_false(slot->used); /* the client never said that it is closed */
    invoker_bed_free(t);
}

static void a_container_destroyed_under_its_runs_breaks_them(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    t->bed->actions[BED_WIDE].run_a = SEC(30);
    struct slot *slot = invoker_bed_container(t, BED_WIDE, 1);
    struct activation activation = invoker_bed_activation(BED_WIDE, 1, true);
    invoker_bed_give(t, slot, &activation);
    invoker_bed_pass(t, MSEC(50));
    activation.id = ACTIVATION_ID(2, 0);
    invoker_bed_give(t, slot, &activation);
    assert_int_equal(slot->proxy.running_count, 2);
    invoker_bed_forget(t);
    post(t, slot, POST_FAILURE);
    invoker_bed_pass(t, SEC(1));
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_CUT), 2);
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_ENDED), 0);
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_GONE), 1);
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(bed_record(t->bed, RECORD_ACKED, i)->value, RESPONSE_WHISK_ERROR);
    assert_int_equal(t->invoker->runs_open, 0);
    invoker_bed_free(t);
}

static void a_container_destroyed_while_it_resumes_fails_the_resume(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_paused(t, BED_HELLO, 1, 1);
    uint32_t ordinal = t->invoker->kept.container_ordinal;
    invoker_bed_create(t, BED_HELLO, 2);
    assert_int_equal(slot->proxy.state, PROXY_RUNNING);
    slot->proxy.has_container = 0; /* as if docker had lost it */
    invoker_bed_pass(t, MSEC(60));
    assert_int_equal(slot->proxy.state, PROXY_REMOVING);
    assert_int_equal(t->invoker->kept.container_ordinal, ordinal + 1); /* chosen again */
    assert_int_equal(t->invoker->pool.lists[POOL_IN_PROGRESS].count, 1);
    invoker_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation_takes_docker_time_and_then_makes_the_client),
        cmocka_unit_test(a_client_that_cannot_be_made_is_unhealthy),
        cmocka_unit_test(a_failure_while_creating_leaves_the_container_behind),
        cmocka_unit_test(what_comes_before_the_first_activation_waits),
        cmocka_unit_test(a_container_without_work_gives_up_after_the_grace),
        cmocka_unit_test(failures_before_the_first_run_clean_up),
        cmocka_unit_test(an_initialised_container_asks_once_per_further_slot),
        cmocka_unit_test(running_asks_again_unless_it_has_timed_out),
        cmocka_unit_test(an_activation_takes_the_time_out_back),
        cmocka_unit_test(running_shuts_down_key_first),
        cmocka_unit_test(a_closed_client_waits_for_what_runs),
        cmocka_unit_test(failures_while_running_clean_up_and_some_are_unhealthy),
        cmocka_unit_test(a_shutdown_while_pausing_is_swallowed),
        cmocka_unit_test(a_paused_container_that_leaves_is_resumed_and_destroyed),
        cmocka_unit_test(the_keep_decision_counts_three_kinds_of_keys),
        cmocka_unit_test(a_count_that_fails_six_times_removes_the_container),
        cmocka_unit_test(a_job_in_paused_resumes_at_once_and_asks_the_new_scheduler),
        cmocka_unit_test(removing_drops_an_activation_and_says_so),
        cmocka_unit_test(a_container_destroyed_under_its_runs_breaks_them),
        cmocka_unit_test(a_container_destroyed_while_it_resumes_fails_the_resume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
