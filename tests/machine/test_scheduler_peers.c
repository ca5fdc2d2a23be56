/*
 * test_scheduler_peers.c - the scheduler's start, message by message, and what a broken
 * connection or an etcd that fails does to each of its parts.
 */
#include "support/scheduler_bed.h"

static void the_start_is_upstreams_in_its_order(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    bed_start(s->bed);
    expect_trace(s->bed, "scheduler0/watcher#0 > etcd watch-create 1 all keys\n"
                         "scheduler0/callback#0 > etcd range prefix invokers depth 1\n"
                         "scheduler0/lease#0 > etcd lease-grant 0 ttl 10\n"
                         "scheduler0/feed#1 > kafka join creationAck0\n"
                         "scheduler0/feed#0 > kafka join scheduler0\n");
    sched_free(s);
}

/* Two seconds after the start: lease granted, own key written, nothing open but Kafka. */
static int setup(void **state)
{
    struct sched *s = sched_started();
    sched_pass(s, SEC(2));
    sched_forget(s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    sched_free(*state);
    return 0;
}

static void after_a_break_of_kafka_all_that_was_open_goes_again(void **state)
{
    struct sched *s = *state;
    bed_link(s->bed, BED_KAFKA, true);
    expect_trace(s->bed, "");
    bed_link(s->bed, BED_KAFKA, false);
    bed_pass(s->bed, MSEC(499));
    expect_trace(s->bed, "scheduler0/producer#0 > kafka produce invoker0 warm-up\n"
                         "scheduler0/producer#0 > kafka produce invoker1 warm-up\n"
                         "scheduler0/producer#0 > kafka produce invoker2 warm-up\n");
    sched_forget(s);
    bed_pass(s->bed, MSEC(501));
    expect_trace(s->bed, "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
                         "scheduler0/feed#0 > kafka join scheduler0\n"
                         "scheduler0/feed#1 > kafka join creationAck0\n");
}

static void after_a_break_of_etcd_the_watch_is_made_anew(void **state)
{
    struct sched *s = *state;
    bed_link(s->bed, BED_ETCD, true);
    expect_trace(s->bed, "");
    bed_link(s->bed, BED_ETCD, false);
    expect_trace(s->bed, "scheduler0/watcher#0 > etcd watch-create 2 all keys\n");
}

static void elect(struct sched *s)
{
    struct message m = bed_message(s->bed, MSG_CREATE_QUEUE, BED_CONTROLLER0, ACTOR_MANAGER_ID);
    m.u.create_queue.revision = 1;
    bed_deliver(s->bed, &m);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_TXN), 1);
}

static void a_write_that_broke_off_is_tried_again_after_a_second(void **state)
{
    struct sched *s = *state;
    elect(s);
    bed_link(s->bed, BED_ETCD, true);
    bed_link(s->bed, BED_ETCD, false);
    bed_pass(s->bed, SEC(1) - 1);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_TXN), 1);
    bed_pass(s->bed, 1);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_TXN), 2);
    sched_pump(s);
    assert_int_equal(bed_sent(s->bed, MSG_QUEUE_CREATED, 0)->u.queue_created.success, 1);
    assert_int_equal(bed_record_count(s->bed, RECORD_QUEUE_MADE), 1);
}

static void a_write_that_failed_is_tried_again_after_a_second(void **state)
{
    struct sched *s = *state;
    elect(s);
    struct message reply = bed_reply(bed_sent(s->bed, MSG_ETCD_TXN, 0), MSG_ETCD_DONE);
    reply.u.etcd_done.status = ETCD_UNAVAILABLE;
    bed_deliver(s->bed, &reply);
    bed_pass(s->bed, SEC(1) - 1);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_TXN), 1);
    bed_pass(s->bed, 1);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_TXN), 2);
    bed_deliver(s->bed, &reply); /* of the first, again: it is over */
    assert_int_equal(bed_sent_count(s->bed, MSG_QUEUE_CREATED), 0);
}

static void keep_alives_go_on_after_a_break(void **state)
{
    struct sched *s = *state;
    bed_pass(s->bed, MSEC(500));
    assert_int_equal(bed_sent_count(s->bed, MSG_LEASE_KEEPALIVE), 1);
    sched_forget(s);
    bed_link(s->bed, BED_ETCD, true);
    bed_link(s->bed, BED_ETCD, false);
    bed_pass(s->bed, MSEC(1500));
    expect_trace(s->bed, "scheduler0/watcher#0 > etcd watch-create 2 all keys\n"
                         "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n");
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_start_is_upstreams_in_its_order),
        T(after_a_break_of_kafka_all_that_was_open_goes_again),
        T(after_a_break_of_etcd_the_watch_is_made_anew),
        T(a_write_that_broke_off_is_tried_again_after_a_second),
        T(a_write_that_failed_is_tried_again_after_a_second),
        T(keep_alives_go_on_after_a_break),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
