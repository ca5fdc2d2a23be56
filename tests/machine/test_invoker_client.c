/*
 * test_invoker_client.c - the client of a container, row by row: which answers make it ask
 * again, look the leader up, say farewell, or end.
 */
#include "support/invoker_bed.h"

static void post(struct invoker_bed *t, const struct slot *slot, unsigned what)
{
    struct message m = invoker_bed_post(t, slot_actor(slot, ACTOR_PROXY),
                                        slot_actor(slot, ACTOR_ACTIVATION_CLIENT), what);
    bed_deliver(t->bed, &m);
}

static void break_with(struct invoker_bed *t, const struct slot *slot, enum failure failure)
{
    struct message m =
        invoker_bed_post(t, slot_actor(slot, ACTOR_CALLBACK),
                         slot_actor(slot, ACTOR_ACTIVATION_CLIENT), POST_FAILURE);
    MESSAGE_LOCAL(&m, struct post_failure)->failure = failure;
    bed_deliver(t->bed, &m);
}

static void request(struct invoker_bed *t, const struct slot *slot, node_id scheduler)
{
    struct message m =
        invoker_bed_post(t, slot_actor(slot, ACTOR_PROXY),
                         slot_actor(slot, ACTOR_ACTIVATION_CLIENT), POST_REQUEST_ACTIVATION);
    *MESSAGE_LOCAL(&m, struct post_request) = (struct post_request){
        .scheduler = scheduler, .has_scheduler = 1, .duration_ms = 40, .has_duration = 1};
    bed_deliver(t->bed, &m);
    invoker_bed_pump(t);
}

/* The proxy is not to react: only the client's own doing is seen. */
static void hold(struct invoker_bed *t)
{
    invoker_bed_forget(t);
    t->bed->posts_by_hand = true;
}

static bool is_posted(const struct invoker_bed *t, enum actor_kind to, unsigned what)
{
    for (uint32_t i = 0; i < bed_posts(t->bed); i++) {
        const struct message *m = bed_post(t->bed, i);
        if (ACTOR_KIND(m->to_actor) == to && m->what == what)
            return true;
    }
    return false;
}

static void an_unopened_client_keeps_everything_back(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    invoker_bed_create(t, BED_HELLO, 1);
    struct slot *slot = t->invoker->pool.lists[POOL_IN_PROGRESS].head;
    t->bed->posts_by_hand = true;
    while (!slot->client.alive)
        bed_wake(t->bed);
    t->bed->post_first = t->bed->post_count = 0;
    post(t, slot, POST_GRACEFUL_SHUTDOWN);
    post(t, slot, POST_STOP_CLIENT);
    assert_int_equal(slot->client.stash_count, 2);
    post(t, slot, POST_START_CLIENT);
    assert_int_equal(bed_posts(t->bed), 1);
    assert_int_equal(bed_post(t->bed, 0)->what, POST_CLIENT_OPENED);
    bed_post_next(t->bed);
    assert_true(is_posted(t, ACTOR_PROXY, POST_CLIENT_CREATION_COMPLETED));
    assert_int_equal(slot->client.state, CLIENT_REMOVING); /* through Ready */
    assert_int_equal(slot->client.stash_count, 0);
    assert_int_equal(bed_sent(t->bed, MSG_FETCH, 0)->u.fetch.alive, 0);
    invoker_bed_free(t);
}

static void nothing_to_do_is_passed_to_the_container(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    hold(t);
    invoker_bed_answer(t, slot, FETCHED_NOTHING);
    assert_int_equal(bed_posts(t->bed), 1);
    assert_true(is_posted(t, ACTOR_PROXY, POST_RETRY_REQUEST));
    assert_int_equal(slot->client.state, CLIENT_READY);
    invoker_bed_free(t);
}

static void another_scheduler_means_another_client_and_the_duration_is_lost(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    invoker_bed_forget(t);
    request(t, slot, BED_SCHEDULER1);
    const struct message *fetch = invoker_bed_fetch(t, slot);
    assert_int_equal(fetch->to, BED_SCHEDULER1);
    assert_int_equal(fetch->u.fetch.has_duration, 0);
    assert_int_equal(slot->client.stored, BED_SCHEDULER1);
    request(t, slot, BED_SCHEDULER1); /* the same: no new client, the duration goes along */
    assert_int_equal(invoker_bed_fetch(t, slot)->u.fetch.duration_ms, 40);
    assert_int_equal(bed_sent_count(t->bed, MSG_ETCD_RANGE), 0);
    invoker_bed_free(t);
}

static void without_a_queue_the_leader_is_looked_up_and_the_old_address_kept(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    invoker_bed_forget(t);
    t->leader = BED_SCHEDULER1;
    invoker_bed_answer(t, slot, FETCHED_NO_QUEUE);
    const struct message *range = bed_sent(t->bed, MSG_ETCD_RANGE, 0);
    assert_int_equal(range->u.etcd.mode, RANGE_GET);
    assert_int_equal(range->u.etcd.key.family, KEY_QUEUE);
    assert_int_equal(range->u.etcd.key.ns, BED_GUEST);
    assert_int_equal(range->u.etcd.key.action, BED_HELLO);
    const struct message *fetch = invoker_bed_fetch(t, slot);
    assert_int_equal(fetch->to, BED_SCHEDULER1);
    assert_int_equal(fetch->u.fetch.alive, 1);
    assert_int_equal(slot->client.stored, BED_SCHEDULER0);
    assert_int_equal(slot->client.state, CLIENT_READY);
    assert_int_equal(bed_record_count(t->bed, RECORD_STATE), 0);
    invoker_bed_free(t);
}

static void without_a_leader_key_the_container_is_destroyed(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    invoker_bed_forget(t);
    invoker_bed_answer(t, slot, FETCHED_NO_QUEUE);
    assert_int_equal(bed_sent_count(t->bed, MSG_ETCD_RANGE), 1); /* not tried again */
    assert_int_equal(slot->client.state, CLIENT_REMOVING);
    assert_int_equal(slot->proxy.state, PROXY_REMOVING);
    assert_int_equal(invoker_bed_fetches(t, slot, true), 0);
    invoker_bed_pass(t, SEC(1));
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_GONE), 1);
    invoker_bed_free(t);
}

/* As if there were none: a value that Akka's time wrote cannot be parsed after #5551. */
static void a_leader_that_cannot_be_parsed_destroys_the_container_too(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    t->is_etcd_silent = true;
    invoker_bed_answer(t, slot, FETCHED_NO_QUEUE);
    struct message m = bed_reply(bed_sent(t->bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    m.u.etcd_done.count = 1;
    m.u.etcd_done.value = (struct value){
        .kind = VALUE_ENDPOINTS, .status = ENDPOINTS_AKKA, .node = BED_SCHEDULER1};
    bed_deliver(t->bed, &m);
    assert_int_equal(slot->client.state, CLIENT_REMOVING);
    assert_int_equal(slot->proxy.state, PROXY_REMOVING);
    invoker_bed_free(t);
}

static void a_scheduler_that_goes_down_breaks_the_fetch(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    invoker_bed_forget(t);
    t->leader = BED_SCHEDULER1;
    bed_link(t->bed, BED_SCHEDULER1, true); /* another one */
    assert_int_equal(bed_sent_count(t->bed, MSG_ETCD_RANGE), 0);
    bed_link(t->bed, BED_SCHEDULER0, true);
    invoker_bed_pump(t);
    assert_int_equal(bed_sent_count(t->bed, MSG_ETCD_RANGE), 1);
    assert_int_equal(invoker_bed_fetch(t, slot)->to, BED_SCHEDULER1);
    invoker_bed_free(t);
}

static void an_activation_that_crossed_the_break_is_lost_on_record(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    struct activation activation = invoker_bed_activation(BED_HELLO, 7, true);
    invoker_bed_forget(t);
    bed_link(t->bed, BED_SCHEDULER0, true);
    invoker_bed_give(t, slot, &activation);
    assert_int_equal(bed_record(t->bed, RECORD_MESSAGE_REJECTED, 0)->activation, activation.id);
    assert_int_equal(bed_record_count(t->bed, RECORD_FETCHED), 0);
    invoker_bed_free(t);
}

static void a_refused_fetch_is_a_status_error_too(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    t->leader = BED_SCHEDULER1;
    struct message m = bed_reply(invoker_bed_fetch(t, slot), MSG_REFUSED);
    m.u.refused.kind = MSG_FETCH;
    bed_deliver(t->bed, &m);
    invoker_bed_pump(t);
    assert_int_equal(invoker_bed_fetch(t, slot)->to, BED_SCHEDULER1);
    bed_deliver(t->bed, &m); /* that call is over */
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), 1);
    invoker_bed_free(t);
}

static void a_look_up_is_sent_twice_when_etcd_is_silent(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    invoker_bed_forget(t);
    t->is_etcd_silent = true;
    invoker_bed_answer(t, slot, FETCHED_NO_QUEUE);
    invoker_bed_pass(t, SEC(10));
    assert_int_equal(bed_sent_count(t->bed, MSG_ETCD_RANGE), 2);
    assert_int_equal(slot->client.state, CLIENT_READY);
    invoker_bed_pass(t, SEC(10));
    assert_int_equal(bed_sent_count(t->bed, MSG_ETCD_RANGE), 2);
    assert_int_equal(slot->client.state, CLIENT_REMOVING);
    invoker_bed_free(t);
}

static void failures_in_ready(void **state)
{
    (void)state;
    static const struct {
        enum failure failure;
        bool is_reported, is_closed, has_farewell;
        enum client_state next;
    } rows[] = {{FAILURE_PARSE, false, false, false, CLIENT_READY},
                {FAILURE_HOST, true, true, false, CLIENT_REMOVING},
                {FAILURE_CLOSED, true, true, false, CLIENT_REMOVING},
                {FAILURE_OTHER, true, false, true, CLIENT_REMOVING}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct invoker_bed *t = invoker_bed_new();
        struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
        hold(t);
        break_with(t, slot, rows[i].failure);
        assert_int_equal(is_posted(t, ACTOR_PROXY, POST_FAILURE), rows[i].is_reported);
        assert_int_equal(is_posted(t, ACTOR_PROXY, POST_RETRY_REQUEST), !rows[i].is_reported);
        assert_int_equal(is_posted(t, ACTOR_ACTIVATION_CLIENT, POST_CLIENT_CLOSED),
                         rows[i].is_closed);
        assert_int_equal(invoker_bed_fetches(t, slot, false), rows[i].has_farewell);
        assert_int_equal(slot->client.state, rows[i].next);
        invoker_bed_free(t);
    }
}

static void a_mismatch_ends_the_container(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    invoker_bed_forget(t);
    invoker_bed_answer(t, slot, FETCHED_MISMATCH);
    assert_int_equal(bed_sent_count(t->bed, MSG_FETCH), 0); /* closed without a farewell */
    assert_false(slot->client.alive);
    assert_false(slot->proxy.alive);
    invoker_bed_pass(t, SEC(1));
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_GONE), 1);
    invoker_bed_free(t);
}

static void graceful_shutdown_only_changes_the_state(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    hold(t);
    post(t, slot, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(slot->client.state, CLIENT_REMOVING);
    assert_int_equal(bed_posts(t->bed), 0);
    assert_int_equal(bed_sent_count(t->bed, MSG_FETCH), 0);
    invoker_bed_free(t);
}

static void in_removing_an_activation_is_still_run_and_a_request_is_a_farewell(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    struct activation activation = invoker_bed_activation(BED_HELLO, 2, true);
    post(t, slot, POST_GRACEFUL_SHUTDOWN);
    invoker_bed_forget(t);
    invoker_bed_give(t, slot, &activation);
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_STARTED), 1);
    invoker_bed_pass(t, MSEC(110));
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 2);
    assert_int_equal(invoker_bed_fetches(t, slot, true), 0);
    assert_int_equal(invoker_bed_fetches(t, slot, false), 1);
    assert_true(slot->client.alive);
    invoker_bed_answer(t, slot, FETCHED_NOTHING);
    assert_false(slot->proxy.alive);
    invoker_bed_free(t);
}

static void in_removing_a_queue_error_says_farewell_and_closes_at_once(void **state)
{
    (void)state;
    static const enum fetch_result results[] = {FETCHED_NOTHING, FETCHED_NO_QUEUE,
                                                FETCHED_MISMATCH};
    for (unsigned i = 0; i < 3; i++) {
        struct invoker_bed *t = invoker_bed_new();
        struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
        post(t, slot, POST_GRACEFUL_SHUTDOWN);
        invoker_bed_forget(t);
        invoker_bed_answer(t, slot, results[i]);
        assert_int_equal(invoker_bed_fetches(t, slot, false), 1);
        assert_int_equal(bed_sent_count(t->bed, MSG_ETCD_RANGE), 0);
        assert_false(slot->client.alive); /* not waiting for the farewell's answer */
        assert_false(slot->proxy.alive);
        invoker_bed_free(t);
    }
}

static void in_removing_a_broken_fetch_says_farewell(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    post(t, slot, POST_GRACEFUL_SHUTDOWN);
    invoker_bed_forget(t);
    bed_link(t->bed, BED_SCHEDULER0, true);
    invoker_bed_pump(t);
    assert_int_equal(invoker_bed_fetches(t, slot, false), 1);
    assert_int_equal(bed_sent_count(t->bed, MSG_ETCD_RANGE), 0);
    struct message m = bed_reply(invoker_bed_fetch(t, slot), MSG_REFUSED);
    bed_deliver(t->bed, &m); /* the farewell fails: closed all the same */
    assert_false(slot->proxy.alive);
    invoker_bed_free(t);
}

static void a_client_reopened_while_removing_fetches_once_more(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    t->leader = BED_SCHEDULER1;
    t->is_etcd_silent = true;
    invoker_bed_answer(t, slot, FETCHED_NO_QUEUE);
    const struct message *range = bed_sent(t->bed, MSG_ETCD_RANGE, 0);
    struct message m = bed_reply(range, MSG_ETCD_RANGED);
    post(t, slot, POST_GRACEFUL_SHUTDOWN);
    m.u.etcd_done.count = 1;
    m.u.etcd_done.value = (struct value){.kind = VALUE_ENDPOINTS, .node = BED_SCHEDULER1};
    invoker_bed_forget(t);
    bed_deliver(t->bed, &m);
    invoker_bed_pump(t);
    assert_int_equal(invoker_bed_fetches(t, slot, true), 1);
    assert_int_equal(invoker_bed_fetch(t, slot)->to, BED_SCHEDULER1);
    invoker_bed_free(t);
}

static void stop_says_farewell_and_ends_with_its_answer(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    struct message poll = *invoker_bed_fetch(t, slot);
    hold(t);
    post(t, slot, POST_STOP_CLIENT);
    assert_int_equal(slot->client.state, CLIENT_READY);
    invoker_bed_pump(t);
    const struct message *farewell = invoker_bed_fetch(t, slot);
    assert_int_equal(farewell->u.fetch.alive, 0);
    struct message m = bed_reply(&poll, MSG_FETCHED); /* in Ready it is still forwarded */
    m.u.fetched.activation = invoker_bed_activation(BED_HELLO, 3, true);
    bed_deliver(t->bed, &m);
    assert_true(is_posted(t, ACTOR_PROXY, POST_ACTIVATION));
    invoker_bed_answer(t, slot, FETCHED_NOTHING);
    assert_true(is_posted(t, ACTOR_ACTIVATION_CLIENT, POST_CLIENT_CLOSED));
    bed_settle(t->bed);
    assert_false(slot->client.alive);
    invoker_bed_free(t);
}

static void a_fetch_on_a_closed_client_ends_it(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    t->is_etcd_silent = true;
    invoker_bed_answer(t, slot, FETCHED_NO_QUEUE); /* the old client is closed meanwhile */
    hold(t);
    post(t, slot, POST_REQUEST_ACTIVATION);
    assert_int_equal(bed_sent_count(t->bed, MSG_FETCH), 0);
    assert_true(is_posted(t, ACTOR_ACTIVATION_CLIENT, POST_CLIENT_CLOSED));
    invoker_bed_free(t);
}

static void an_activation_for_a_client_that_has_stopped_is_lost_on_record(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    struct message late = bed_reply(invoker_bed_fetch(t, slot), MSG_FETCHED);
    late.u.fetched.activation = invoker_bed_activation(BED_HELLO, 3, true);
    invoker_bed_answer(t, slot, FETCHED_MISMATCH);
    invoker_bed_pass(t, SEC(1));
    bed_deliver(t->bed, &late);
    const struct record *r = bed_record(t->bed, RECORD_MESSAGE_REJECTED, 0);
    assert_int_equal(r->activation, late.u.fetched.activation.id);
    assert_int_equal(r->peer, BED_SCHEDULER0);
    assert_int_equal(bed_record_count(t->bed, RECORD_FETCHED), 1);
    invoker_bed_free(t);
}

/* With several polls out, the first one to end closes the client under the others. */
static void of_several_polls_one_that_ends_loses_what_the_others_bring(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_WIDE, 1, 1);
    assert_int_equal(slot->calls.count, 10);
    struct message nothing = bed_reply(invoker_bed_fetch(t, slot), MSG_FETCHED);
    struct message late = nothing;
    nothing.u.fetched.result = FETCHED_NOTHING;
    late.corr--; /* the poll before it */
    late.u.fetched.activation = invoker_bed_activation(BED_WIDE, 2, true);
    post(t, slot, POST_GRACEFUL_SHUTDOWN);
    bed_deliver(t->bed, &nothing);
    assert_false(slot->client.alive);
    bed_deliver(t->bed, &late);
    const struct record *r = bed_record(t->bed, RECORD_MESSAGE_REJECTED, 0);
    assert_int_equal(r->activation, late.u.fetched.activation.id);
    invoker_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unopened_client_keeps_everything_back),
        cmocka_unit_test(nothing_to_do_is_passed_to_the_container),
        cmocka_unit_test(another_scheduler_means_another_client_and_the_duration_is_lost),
        cmocka_unit_test(without_a_queue_the_leader_is_looked_up_and_the_old_address_kept),
        cmocka_unit_test(without_a_leader_key_the_container_is_destroyed),
        cmocka_unit_test(a_leader_that_cannot_be_parsed_destroys_the_container_too),
        cmocka_unit_test(a_scheduler_that_goes_down_breaks_the_fetch),
        cmocka_unit_test(an_activation_that_crossed_the_break_is_lost_on_record),
        cmocka_unit_test(a_refused_fetch_is_a_status_error_too),
        cmocka_unit_test(a_look_up_is_sent_twice_when_etcd_is_silent),
        cmocka_unit_test(failures_in_ready),
        cmocka_unit_test(a_mismatch_ends_the_container),
        cmocka_unit_test(graceful_shutdown_only_changes_the_state),
        cmocka_unit_test(in_removing_an_activation_is_still_run_and_a_request_is_a_farewell),
        cmocka_unit_test(in_removing_a_queue_error_says_farewell_and_closes_at_once),
        cmocka_unit_test(in_removing_a_broken_fetch_says_farewell),
        cmocka_unit_test(a_client_reopened_while_removing_fetches_once_more),
        cmocka_unit_test(stop_says_farewell_and_ends_with_its_answer),
        cmocka_unit_test(a_fetch_on_a_closed_client_ends_it),
        cmocka_unit_test(an_activation_for_a_client_that_has_stopped_is_lost_on_record),
        cmocka_unit_test(of_several_polls_one_that_ends_loses_what_the_others_bring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
