/*
 * test_controller_queue.c - createQueue, recreation, watched keys, scheduler warm-up.
 */
#include "support/controller_bed.h"

#define ID ACTIVATION_ID(1, 0)
#define NO_KEY ((struct value){.kind = VALUE_EMPTY})

static struct bed *bed;

static int begin(void **state)
{
    (void)state;
    bed = controller_bed_new();
    return 0;
}

static int begin_cold(void **state)
{
    (void)state;
    bed = controller_bed_cold();
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

/* The first call of an action that has no queue: scheduler1 is asked. */
static void ask_for_queue(void)
{
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    answer_look_up(bed, 0, NO_KEY);
    answer_produced(bed, 0, true);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 1);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->to, BED_SCHEDULER1);
}

static void queue_created(uint32_t n, bool success)
{
    struct message m = bed_reply(bed_sent(bed, MSG_CREATE_QUEUE, n), MSG_QUEUE_CREATED);
    m.u.queue_created.success = success;
    bed_deliver(bed, &m);
}

static void any_answer_ends_the_asking(void **state)
{
    (void)state;
    ask_for_queue();
    queue_created(0, false);
    bed_pass(bed, SEC(50));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 1);
}

static void no_answer_in_eight_seconds_asks_another_scheduler(void **state)
{
    (void)state;
    ask_for_queue();
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->u.create_queue.revision, 1);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->to_actor,
                     ACTOR(ACTOR_QUEUE_MANAGER, 0, 0));
    bed_pass(bed, SEC(8) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 1);
    bed_pass(bed, 1);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 1)->to, BED_SCHEDULER0);
    assert_int_equal(bed_record(bed, RECORD_QUEUE_ASKED, 1)->peer, BED_SCHEDULER0);
    queue_created(0, true); /* late, of the first: ignored */
    bed_pass(bed, SEC(50)); /* none is left that was not asked: it gives up in silence */
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 2);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 0);
    /* the message stays in the first one's topic */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 1));
}

static void a_dead_scheduler_costs_the_whole_time(void **state)
{
    (void)state;
    ask_for_queue();
    bed_link(bed, BED_SCHEDULER1, true);
    bed_pass(bed, SEC(8) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 1);
}

static void a_leaders_put_is_cached_and_its_deletion_forgotten(void **state)
{
    (void)state;
    struct key leader = bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0);
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    send_watch_event(bed, leader, endpoints(BED_SCHEDULER1), false);
    send_watch_event(bed, leader, (struct value){.kind = VALUE_RAW}, false); /* ignored */
    send_invoke(bed, ID, BED_HELLO, false);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 1));
    answer_produced(bed, 0, true);
    send_ack(bed, an_ack(ID, ACK_COMPLETION, RESPONSE_SUCCESS));
    send_watch_event(bed, leader, endpoints(BED_SCHEDULER1), true);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0); /* no slot needs it */
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 1);
}

static void a_vanished_leader_is_made_again_for_a_slot_that_needs_it(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    controller_bed_ready(bed, BED_SLOW, BED_SCHEDULER0);
    invoke_published(bed, ID, BED_HELLO, false);
    invoke_published(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_SLOW, 0), endpoints(BED_SCHEDULER0),
                     true);
    assert_int_equal(bed->sent_count, 0); /* another action's */
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0),
                     endpoints(BED_SCHEDULER0), true);
    expect_trace(bed, "controller0/balancer#1 > scheduler1/queue-manager#0 create-queue "
                      "guest/hello\n");
    expect_records(bed, "believes that key whisk/queue/guest/guest/slow/leader is gone\n"
                        "believes that key whisk/queue/guest/guest/hello/leader is gone\n"
                        "asks scheduler1 for a queue of guest/hello\n");
    bed_pass(bed, SEC(8));
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 1)->to, BED_SCHEDULER0);
    queue_created(1, true);
    bed_pass(bed, SEC(20));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 2);
}

static void the_dead_scheduler_may_be_chosen_because_its_key_is_deleted_later(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER1); /* it has the fewest queues */
    invoke_published(bed, ID, BED_HELLO, false);
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0),
                     endpoints(BED_SCHEDULER1), true);
    send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER1),
                     scheduler_state(BED_SCHEDULER1, 1), true);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->to, BED_SCHEDULER1);
    bed_pass(bed, SEC(8));
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 1)->to, BED_SCHEDULER0);
}

static void without_any_scheduler_nothing_is_made_again(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER1);
    invoke_published(bed, ID, BED_HELLO, false);
    for (node_id node = BED_SCHEDULER0; node <= BED_SCHEDULER1; node++)
        send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, node), scheduler_state(node, 1),
                         true);
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0),
                     endpoints(BED_SCHEDULER1), true);
    assert_int_equal(bed->sent_count, 0);
}

static void a_recreation_reads_the_action_when_its_copy_is_too_old(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_SLOW, BED_SCHEDULER0);
    invoke_published(bed, ID, BED_SLOW, false);
    struct key leader = bed_key(KEY_QUEUE, BED_GUEST, BED_SLOW, 0);
    bed_pass(bed, SEC(301));
    bed_forget(bed);
    send_watch_event(bed, leader, endpoints(BED_SCHEDULER0), true);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0);
    answer_action(bed, DOCUMENT_ERROR); /* not handled: nothing happens */
    bed_pass(bed, SEC(20));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0);
    bed_forget(bed);
    send_watch_event(bed, leader, endpoints(BED_SCHEDULER0), true);
    answer_action(bed, DOCUMENT_FOUND);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 1);
}

static void a_new_scheduler_is_warmed_up_once(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 0};
    bed_forget(bed);
    bed_free(bed);
    bed = controller_bed_cold();
    controller_bed_schedulers(bed, 1, sizes);
    const struct message *m = bed_sent(bed, MSG_KAFKA_PRODUCE, 0);
    assert_int_equal(m->u.produce.topic, TOPIC(TOPIC_SCHEDULER, 0));
    assert_int_equal(m->u.produce.entry.kind, ENTRY_WARM_UP);
    assert_int_equal(m->u.produce.entry.u.activation.action, ACTION_WARM_UP);
    m = bed_sent(bed, MSG_CREATE_QUEUE, 0);
    assert_int_equal(m->to, BED_SCHEDULER0);
    assert_int_equal(m->u.create_queue.action, ACTION_WARM_UP);
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER0),
                     scheduler_state(BED_SCHEDULER0, 9), false);
    assert_int_equal(bed->sent_count, 0);
    send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER1),
                     scheduler_state(BED_SCHEDULER1, 0), false);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 1));
    assert_int_equal(bed_record_count(bed, RECORD_QUEUE_ASKED), 0);
    queue_created(0, true); /* nobody waits for it */
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 0);
    expect_count(bed, "0");
}

static void a_late_first_read_brings_a_deleted_scheduler_back(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 0};
    struct key key = bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER0);
    send_watch_event(bed, key, scheduler_state(BED_SCHEDULER0, 0), true);
    controller_bed_schedulers(bed, 1, sizes);
    bed_forget(bed);
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 1);
}

static void a_first_read_that_fails_twice_is_not_repeated(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), i + 1);
        struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, i), MSG_REFUSED);
        m.u.refused.kind = MSG_ETCD_RANGE;
        bed_deliver(bed, &m);
    }
    bed_pass(bed, MINUTES(5));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 2);
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER1),
                     scheduler_state(BED_SCHEDULER1, 2), false); /* its next PUT */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define COLD_TEST(name) cmocka_unit_test_setup_teardown(name, begin_cold, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_answer_ends_the_asking),
        TEST(no_answer_in_eight_seconds_asks_another_scheduler),
        TEST(a_dead_scheduler_costs_the_whole_time),
        TEST(a_leaders_put_is_cached_and_its_deletion_forgotten),
        TEST(a_vanished_leader_is_made_again_for_a_slot_that_needs_it),
        TEST(the_dead_scheduler_may_be_chosen_because_its_key_is_deleted_later),
        TEST(without_any_scheduler_nothing_is_made_again),
        TEST(a_recreation_reads_the_action_when_its_copy_is_too_old),
        TEST(a_new_scheduler_is_warmed_up_once),
        COLD_TEST(a_late_first_read_brings_a_deleted_scheduler_back),
        COLD_TEST(a_first_read_that_fails_twice_is_not_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
