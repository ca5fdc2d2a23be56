/*
 * test_invoker_sigterm.c - what is done between SIGTERM and the end of the process: containers
 * are removed behind the backs of actors that work on.
 */
#include "support/invoker_bed.h"

static const struct ack *ack_of(const struct invoker_bed *t, uint32_t n)
{
    return &bed_sent(t->bed, MSG_KAFKA_PRODUCE, n)->u.produce.entry.u.ack;
}

static void a_run_that_loses_its_container_is_acked_with_a_whisk_error(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    t->bed->actions[BED_HELLO].run_a = SEC(30);
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 5);
    uint32_t container = slot->proxy.container;
    struct activation activation = invoker_bed_activation(BED_HELLO, 10, true);
    invoker_bed_give(t, slot, &activation);
    invoker_bed_pass(t, SEC(1));
    invoker_bed_forget(t);
    bed_signal(t->bed);
    assert_int_equal(t->bed->record_count, 0);
    invoker_bed_pass(t, SEC(1));
    assert_int_equal(bed_record(t->bed, RECORD_RUN_CUT, 0)->activation, activation.id);
    assert_int_equal(bed_record(t->bed, RECORD_CONTAINER_GONE, 0)->container, container);
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_GONE), 1);
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 2);
    assert_int_equal(ack_of(t, 0)->kind, ACK_RESULT);
    assert_int_equal(ack_of(t, 1)->kind, ACK_COMPLETION);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(ack_of(t, i)->status, RESPONSE_WHISK_ERROR);
        assert_int_equal(ack_of(t, i)->error, ERROR_ABNORMAL_RUN);
        assert_int_equal(ack_of(t, i)->run_ms, 0);
    }
    assert_int_equal(bed_sent_count(t->bed, MSG_DATABASE_STORE), 1);
    /* The proxy cleans up: its key goes, and the scheduler is told. */
    assert_int_equal(invoker_bed_deleted(t, KEY_EXISTING), 1);
    assert_int_equal(invoker_bed_fetches(t, slot, false), 1);
    assert_int_equal(bed_sent_count(t->bed, MSG_LEASE_REVOKE), 0);
    invoker_bed_free(t);
}

static void an_activation_that_comes_after_it_is_neither_run_nor_acked(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    char text[64];
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 5, 9);
    invoker_bed_forget(t);
    bed_signal(t->bed);
    invoker_bed_pass(t, MSEC(600));
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_GONE), 1);
    assert_int_equal(slot->proxy.state, PROXY_RUNNING); /* nobody has told it */
    struct activation activation = invoker_bed_activation(BED_HELLO, 10, true);
    invoker_bed_give(t, slot, &activation);
    invoker_bed_pass(t, MSEC(400));
    assert_int_equal(bed_record(t->bed, RECORD_FETCHED, 0)->activation, activation.id);
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_STARTED), 0);
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 0);
    assert_true(t->bed->ops->pending(t->bed->machine, text, sizeof text));
    assert_string_equal(text, "1 activations run");
    invoker_bed_free(t);
}

static void a_paused_container_is_removed_once_and_its_key_stays(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_paused(t, BED_HELLO, 5, 9);
    invoker_bed_forget(t);
    bed_signal(t->bed);
    struct message m = invoker_bed_post(t, ACTOR_POOL_ID, slot_actor(slot, ACTOR_PROXY),
                                        POST_REMOVE); /* evicted in the same moment */
    bed_deliver(t->bed, &m);
    invoker_bed_pass(t, SEC(1));
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_GONE), 1);
    invoker_bed_free(t);

    t = invoker_bed_new();
    slot = invoker_bed_paused(t, BED_HELLO, 5, 9);
    invoker_bed_forget(t);
    bed_signal(t->bed);
    invoker_bed_pass(t, SEC(1));
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_GONE), 1);
    assert_int_equal(slot->proxy.state, PROXY_PAUSED);
    assert_int_equal(invoker_bed_deleted(t, KEY_WARMED), 0);
    invoker_bed_free(t);
}

static void a_container_that_is_gone_cannot_be_paused(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 5, 9);
    invoker_bed_pass(t, SEC(10)); /* unused */
    invoker_bed_forget(t);
    bed_signal(t->bed);
    invoker_bed_pass(t, SEC(1));
    invoker_bed_answer(t, slot, FETCHED_NOTHING);
    assert_int_equal(slot->proxy.state, PROXY_PAUSING);
    invoker_bed_pass(t, MSEC(100));
    assert_int_equal(slot->proxy.state, PROXY_REMOVING);
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_PAUSED), 0);
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_GONE), 1);
    assert_null(invoker_bed_put(t, KEY_WARMED));
    invoker_bed_free(t);
}

static void the_invoker_keeps_its_lease_and_takes_creations(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    bed_signal(t->bed);
    invoker_bed_forget(t);
    invoker_bed_pass(t, SEC(1));
    assert_int_equal(bed_sent_count(t->bed, MSG_LEASE_KEEPALIVE), 2);
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 6);
    assert_int_equal(slot->proxy.has_container, 1);
    invoker_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_that_loses_its_container_is_acked_with_a_whisk_error),
        cmocka_unit_test(an_activation_that_comes_after_it_is_neither_run_nor_acked),
        cmocka_unit_test(a_paused_container_is_removed_once_and_its_key_stays),
        cmocka_unit_test(a_container_that_is_gone_cannot_be_paused),
        cmocka_unit_test(the_invoker_keeps_its_lease_and_takes_creations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
