/*
 * test_invoker_runs.c - activations side by side in one container, limits to the nanosecond,
 * and what is still open when a container ends.
 */
#include "support/invoker_bed.h"

static const struct ratio always = {1, 1};

static void give(struct invoker_bed *t, const struct slot *slot, const struct activation *a)
{
    struct message m = invoker_bed_post(t, slot_actor(slot, ACTOR_ACTIVATION_CLIENT),
                                        slot_actor(slot, ACTOR_PROXY), POST_ACTIVATION);
    *MESSAGE_LOCAL(&m, struct activation) = *a;
    bed_deliver(t->bed, &m);
    invoker_bed_pump(t);
}

static void find_documents(bool is_in_order)
{
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_container(t, BED_WIDE, 1);
    struct activation first = invoker_bed_activation(BED_WIDE, 1, true), second, third;
    give(t, slot, &first);
    invoker_bed_pass(t, SEC(1));
    t->is_database_silent = true;
    second = invoker_bed_activation(BED_WIDE, 2, true);
    third = invoker_bed_activation(BED_WIDE, 3, true);
    second.revision = third.revision = 2;
    invoker_bed_forget(t);
    give(t, slot, &second);
    give(t, slot, &third);
    assert_int_equal(bed_sent_count(t->bed, MSG_DATABASE_READ), 2);
    for (uint32_t n = 0; n < 2; n++) {
        struct message m =
            bed_reply(bed_sent(t->bed, MSG_DATABASE_READ, is_in_order ? n : 1 - n),
                      MSG_DATABASE_DOCUMENT);
        m.u.database.result = DOCUMENT_FOUND;
        bed_deliver(t->bed, &m);
    }
    assert_int_equal(bed_record(t->bed, RECORD_RUN_STARTED, is_in_order ? 0 : 1)->activation,
                     second.id);
    assert_int_equal(bed_record(t->bed, RECORD_RUN_STARTED, is_in_order ? 1 : 0)->activation,
                     third.id);
    assert_int_equal(t->invoker->action_revisions[BED_WIDE], 2);
    invoker_bed_free(t);
}

static void documents_find_their_activation_in_any_order(void **state)
{
    (void)state;
    find_documents(true);
    find_documents(false);
}

/* A document of an action that the cluster does not have is read for each activation. */
static void an_unknown_actions_document_is_in_no_cache(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_container(t, BED_WIDE, 1);
    struct activation a = invoker_bed_activation(BED_WIDE, 1, true);
    a.action = BED_ACTION_COUNT;
    give(t, slot, &a);
    assert_int_equal(t->invoker->action_revisions[BED_ACTION_COUNT], 0);
    a.id = ACTIVATION_ID(2, 0);
    give(t, slot, &a);
    assert_int_equal(t->invoker->action_revisions[BED_ACTION_COUNT], 0);
    invoker_bed_free(t);
}

static void a_crash_without_logs_ends_all_at_once(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    t->bed->actions[BED_WIDE].logs_off = true;
    struct slot *slot = invoker_bed_container(t, BED_WIDE, 1);
    struct activation first = invoker_bed_activation(BED_WIDE, 1, true);
    give(t, slot, &first);
    invoker_bed_pass(t, SEC(1));
    t->bed->actions[BED_WIDE].faults[ACTION_FAULT_CRASH] = always;
    struct activation crashes = invoker_bed_activation(BED_WIDE, 2, true);
    struct activation cut = invoker_bed_activation(BED_WIDE, 3, false);
    give(t, slot, &crashes);
    invoker_bed_pass(t, MSEC(1));
    give(t, slot, &cut);
    invoker_bed_forget(t);
    invoker_bed_pass(t, MSEC(19));
    assert_int_equal(bed_record(t->bed, RECORD_RUN_CUT, 0)->activation, cut.id);
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_ENDED), 1);
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 2);
    assert_int_equal(bed_record(t->bed, RECORD_ACKED, 0)->detail, ACK_COMPLETION);
    assert_int_equal(bed_record(t->bed, RECORD_ACKED, 1)->detail, ACK_COMBINED);
    assert_int_equal(slot->proxy.running_count, 0);
    invoker_bed_pass(t, SEC(5)); /* its time would be over */
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_ENDED), 1);
    assert_int_equal(bed_record_count(t->bed, RECORD_STORE_SENT), 2);
    invoker_bed_free(t);
}

static void an_init_that_loses_its_container_ends_at_once(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    t->bed->actions[BED_HELLO].init = SEC(5);
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 1);
    struct activation a = invoker_bed_activation(BED_HELLO, 1, true);
    invoker_bed_forget(t);
    give(t, slot, &a);
    invoker_bed_pass(t, MSEC(10));
    bed_signal(t->bed);
    tstamp removed = slot->proxy.destroy.at;
    invoker_bed_pass(t, removed - t->bed->now);
    assert_int_equal(bed_record(t->bed, RECORD_RUN_CUT, 0)->activation, a.id);
    assert_int_equal(bed_record(t->bed, RECORD_ACKED, 0)->value, RESPONSE_WHISK_ERROR);
    invoker_bed_pass(t, MSEC(5)); /* the logs */
    const struct message *store = bed_sent(t->bed, MSG_DATABASE_STORE, 0);
    assert_int_equal(store->u.store.response, RESPONSE_WHISK_ERROR);
    assert_int_equal(store->u.store.error, ERROR_ABNORMAL_RUN);
    assert_int_equal(store->u.store.start_at, removed);
    assert_int_equal(store->u.store.end_at, removed);
    invoker_bed_pass(t, SEC(5));
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_STARTED), 0);
    invoker_bed_free(t);
}

/* ---- limits ---- */

static void expect_end(duration init, duration run, enum response_status response,
                       enum error_text error, duration took)
{
    struct invoker_bed *t = invoker_bed_new();
    t->bed->actions[BED_HELLO].init = init;
    t->bed->actions[BED_HELLO].run_a = run;
    t->bed->actions[BED_HELLO].timeout = SEC(1);
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 1);
    struct activation a = invoker_bed_activation(BED_HELLO, 1, false);
    invoker_bed_forget(t);
    tstamp start = t->bed->now;
    give(t, slot, &a);
    invoker_bed_pass(t, SEC(3));
    const struct message *store = bed_sent(t->bed, MSG_DATABASE_STORE, 0);
    assert_int_equal(store->u.store.response, response);
    assert_int_equal(store->u.store.error, error);
    assert_int_equal(store->u.store.start_at, start);
    assert_int_equal(store->u.store.end_at, start + took);
    invoker_bed_free(t);
}

static void what_takes_as_long_as_the_limit_is_cut(void **state)
{
    (void)state;
    expect_end(SEC(1), MSEC(1), RESPONSE_DEVELOPER_ERROR, ERROR_TIMED_OUT, SEC(1));
    expect_end(SEC(1) - 1, 1, RESPONSE_SUCCESS, ERROR_NONE, SEC(1));
    expect_end(1, SEC(1), RESPONSE_DEVELOPER_ERROR, ERROR_TIMED_OUT, SEC(1) + 1);
    expect_end(1, SEC(1) - 1, RESPONSE_SUCCESS, ERROR_NONE, SEC(1));
}

/* ---- pauses ---- */

static void a_container_is_idle_from_its_pause_on(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_paused(t, BED_HELLO, 1, 1);
    const struct record *paused = bed_record(t->bed, RECORD_CONTAINER_PAUSED, 0);
    assert_int_equal(slot->proxy.idle.at, paused->at + MINUTES(10));
    invoker_bed_free(t);
}

/* ---- the end ---- */

static void a_count_that_outlives_its_container_means_nothing(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_paused(t, BED_HELLO, 1, 1);
    tstamp idle = slot->proxy.idle.at;
    invoker_bed_pass(t, idle - t->bed->now - 1);
    t->is_etcd_silent = true;
    invoker_bed_forget(t);
    invoker_bed_pass(t, 1);
    assert_int_equal(slot->calls.count, 1);
    struct message late = bed_reply(bed_sent(t->bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    struct message m =
        invoker_bed_post(t, ACTOR_POOL_ID, slot_actor(slot, ACTOR_PROXY), POST_REMOVE);
    bed_deliver(t->bed, &m);
    invoker_bed_pass(t, SEC(1));
    invoker_bed_answer(t, slot, FETCHED_NOTHING); /* its farewell */
    invoker_bed_pass(t, SEC(8));
    assert_false(slot->used);
    assert_false(timer_is_armed(&slot->call_timer));
    bed_forget(t->bed);
    bed_deliver(t->bed, &late);
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), 1);
    t->answered = 0;
    bed_forget(t->bed);
    t->is_etcd_silent = false;
    invoker_bed_pass(t, SEC(30));
    invoker_bed_container(t, BED_HELLO, 2); /* in the same slot */
    assert_true(slot->used);
    invoker_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_find_their_activation_in_any_order),
        cmocka_unit_test(an_unknown_actions_document_is_in_no_cache),
        cmocka_unit_test(a_crash_without_logs_ends_all_at_once),
        cmocka_unit_test(an_init_that_loses_its_container_ends_at_once),
        cmocka_unit_test(what_takes_as_long_as_the_limit_is_cut),
        cmocka_unit_test(a_container_is_idle_from_its_pause_on),
        cmocka_unit_test(a_count_that_outlives_its_container_means_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
