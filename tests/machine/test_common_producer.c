/*
 * test_common_producer.c - the Kafka producer by itself: order, how much is on its way, and
 * each way a send ends. What a component makes of it is tested with the component.
 */
#include "support/bed.h"
#include "common/producer.h"

#define SEND_ACTOR ACTOR(ACTOR_PRODUCER, 0, 0)
#define TOPIC_USED TOPIC(TOPIC_COMPLETED, 0)
#define TOPIC_NEW TOPIC(TOPIC_COMPLETED, 1)
#define IN_FLIGHT_MAX 160u

struct producer_host {
    struct timers timers;
    struct producer producer;
    uint32_t ok_count, failed_count, failed; /* the last */
};

static void host_init(void *self, const struct machine_env *env)
{
    struct producer_host *host = self;
    timers_init(&host->timers, env->arena, env->node);
    producer_init(&host->producer, env, &host->timers);
}

static void host_failed(struct producer_host *host, uint32_t corr)
{
    host->failed_count++;
    host->failed = corr;
}

/* An invocation is sent on, its action's number being the topic. */
static void host_deliver(struct producer_host *host, const struct message *m,
                         struct effects *fx)
{
    if (m->kind == MSG_INVOKE) {
        struct entry entry = {.kind = ENTRY_ACTIVATION};
        entry.u.activation.id = m->u.invoke.id;
        producer_send(&host->producer, fx, SEND_ACTOR, m->u.invoke.id,
                      m->u.invoke.action == 0 ? TOPIC_USED : TOPIC_NEW, &entry);
        return;
    }
    enum produced result = producer_on_message(&host->producer, m, fx);
    host->ok_count += result == PRODUCED_OK;
    if (result == PRODUCED_FAILED)
        host_failed(host, m->corr);
}

static void host_step(void *self, const struct event *ev, struct effects *fx)
{
    struct producer_host *host = self;
    const struct produce *p = NULL;
    switch (ev->kind) {
    case EVENT_DELIVER:
        host_deliver(host, ev->message, fx);
        break;
    case EVENT_WAKE:
        assert_ptr_equal(timers_pop(&host->timers, ev->at), &host->producer.timer);
        while ((p = producer_expire(&host->producer, fx)) != NULL)
            host_failed(host, p->corr);
        producer_on_timer(&host->producer, fx);
        break;
    case EVENT_LINK:
        producer_on_link(&host->producer, ev, fx);
        break;
    case EVENT_START:
    case EVENT_SIGNAL:
        break;
    }
}

static struct wakeup host_next_wakeup(const void *self)
{
    return timers_first(&((const struct producer_host *)self)->timers);
}

static const struct machine_ops host_ops = {.name = "producer-host",
                                            .size = sizeof(struct producer_host),
                                            .effects_max = 512,
                                            .init = host_init,
                                            .step = host_step,
                                            .next_wakeup = host_next_wakeup};

static struct bed *bed;
static struct producer_host *host;

static void send_to(uint32_t topic, uint32_t first, uint32_t last)
{
    for (uint32_t id = first; id <= last; id++) {
        struct message m = bed_message(bed, MSG_INVOKE, BED_EDGE, ACTOR_MAIN_ID);
        m.u.invoke.id = id;
        m.u.invoke.action = topic == TOPIC_USED ? 0 : 1;
        bed_deliver(bed, &m);
    }
}

static void answer(uint32_t n, bool is_ok)
{
    struct message m = bed_reply(bed_sent(bed, MSG_KAFKA_PRODUCE, n), MSG_KAFKA_PRODUCED);
    m.u.produced.ok = is_ok;
    bed_deliver(bed, &m);
}

static void refuse(uint32_t n)
{
    struct message m = bed_reply(bed_sent(bed, MSG_KAFKA_PRODUCE, n), MSG_REFUSED);
    m.u.refused.kind = MSG_KAFKA_PRODUCE;
    bed_deliver(bed, &m);
}

/* Since bed_forget just these were sent. */
static void expect_sent(uint32_t first, uint32_t last)
{
    uint32_t count = bed_sent_count(bed, MSG_KAFKA_PRODUCE);
    assert_int_equal(count, last + 1 - first);
    for (uint32_t i = 0; i < count; i++) {
        const struct message *m = bed_sent(bed, MSG_KAFKA_PRODUCE, i);
        assert_int_equal(m->corr, first + i);
        assert_int_equal(m->u.produce.entry.u.activation.id, first + i);
        assert_int_equal(m->from_actor, SEND_ACTOR);
    }
}

/* With metadata of TOPIC_USED. */
static int begin(void **state)
{
    (void)state;
    bed = bed_new(&host_ops, BED_INVOKER0, NULL);
    bed_start(bed);
    host = bed->machine;
    assert_int_equal(host->producer.timer.actor, ACTOR(ACTOR_PRODUCER, 0, 0));
    send_to(TOPIC_USED, 1000, 1000);
    answer(0, true);
    host->ok_count = 0;
    bed_forget(bed);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

static void only_so_many_are_on_their_way_and_the_others_follow_in_order(void **state)
{
    (void)state;
    send_to(TOPIC_USED, 1, 300);
    expect_sent(1, IN_FLIGHT_MAX);
    answer(3, true); /* any answer makes room */
    expect_sent(1, IN_FLIGHT_MAX + 1);
    for (uint32_t n = 0; n < 300; n++) {
        if (n != 3)
            answer(n, true);
    }
    expect_sent(1, 300);
    assert_int_equal(host->ok_count, 300);
    assert_int_equal(producer_count(&host->producer), 0);
    assert_true(bed_next_in(bed) == TSTAMP_NEVER);
}

static void what_is_sent_while_the_connection_is_broken_goes_behind_the_rest(void **state)
{
    (void)state;
    send_to(TOPIC_USED, 1, 3);
    answer(1, true);
    bed_link(bed, BED_KAFKA, true);
    send_to(TOPIC_USED, 4, 40); /* the ring grows meanwhile */
    bed_forget(bed);
    bed_pass(bed, MSEC(100));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 39);
    for (uint32_t i = 0; i < 39; i++)
        assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, i)->corr, i == 0 ? 1 : i + 2);
}

static void the_pause_doubles_up_to_a_second_until_something_succeeds(void **state)
{
    (void)state;
    static const duration pauses[] = {MSEC(100), MSEC(200), MSEC(400),
                                      MSEC(800), SEC(1),    SEC(1)};
    send_to(TOPIC_USED, 1, 2);
    for (unsigned i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        refuse(0);
        refuse(1); /* of the same connection */
        assert_int_equal(bed_next_in(bed), pauses[i]);
        bed_forget(bed);
        bed_wake(bed);
        expect_sent(1, 2);
    }
    answer(0, true);
    refuse(1);
    assert_int_equal(bed_next_in(bed), MSEC(100));
}

static void only_a_request_of_thirty_seconds_breaks_the_connection(void **state)
{
    (void)state;
    send_to(TOPIC_USED, 1, 1);
    for (uint32_t n = 0; n < 40; n++) { /* never empty, but none is old */
        bed_pass(bed, SEC(1));
        send_to(TOPIC_USED, n + 2, n + 2);
        answer(n, true);
    }
    expect_sent(1, 41);
    bed_forget(bed);
    bed_pass(bed, SEC(30) + MSEC(99));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 0);
    bed_pass(bed, MSEC(1));
    expect_sent(41, 41);
}

static void a_send_is_given_up_after_two_minutes_and_once(void **state)
{
    (void)state;
    send_to(TOPIC_USED, 1, 1);
    bed_pass(bed, SEC(1));
    send_to(TOPIC_USED, 2, 2);
    bed_pass(bed, SEC(119) - 1);
    assert_int_equal(host->failed_count, 0);
    bed_pass(bed, 1);
    assert_int_equal(host->failed_count, 1);
    assert_int_equal(host->failed, 1);
    bed_pass(bed, SEC(10));
    assert_int_equal(host->failed_count, 2);
    assert_int_equal(host->failed, 2);
    assert_int_equal(producer_count(&host->producer), 0);
    answer(0, true); /* much too late */
    assert_int_equal(host->ok_count, 0);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 0);
}

static void without_metadata_it_is_one_minute_and_overtakes_older_sends(void **state)
{
    (void)state;
    send_to(TOPIC_USED, 1, 1);
    send_to(TOPIC_NEW, 2, 2);
    bed_pass(bed, SEC(60));
    assert_int_equal(host->failed_count, 1);
    assert_int_equal(host->failed, 2);
    assert_int_equal(producer_count(&host->producer), 2); /* the first holds its place */
    send_to(TOPIC_USED, 3, 3);                            /* the failure forgot this topic */
    bed_pass(bed, SEC(60));
    assert_int_equal(host->failed_count, 3);
    assert_int_equal(producer_count(&host->producer), 0);
}

static void the_fourth_error_of_the_broker_is_the_last(void **state)
{
    (void)state;
    send_to(TOPIC_USED, 1, 1);
    for (uint32_t n = 0; n < 4; n++) {
        assert_int_equal(host->failed_count, 0);
        answer(n, false);
        if (n < 3)
            bed_pass(bed, MSEC(100));
    }
    assert_int_equal(host->failed_count, 1);
    assert_int_equal(producer_count(&host->producer), 0);
}

static void a_link_without_sends_or_to_another_node_is_nothing(void **state)
{
    (void)state;
    bed_link(bed, BED_KAFKA, true);
    send_to(TOPIC_USED, 1, 1);
    bed_link(bed, BED_ETCD, true);
    bed_link(bed, BED_KAFKA, false);
    expect_sent(1, 1);
    assert_int_equal(bed_next_in(bed), SEC(30));
}

static void a_wake_up_that_comes_late_is_served_as_of_then(void **state)
{
    (void)state;
    send_to(TOPIC_USED, 1, 2);
    bed_oversleep(bed, SEC(31)); /* the request's thirty seconds ended one ago */
    bed_wake(bed);
    assert_int_equal(bed_next_in(bed), MSEC(100));
    bed_forget(bed);
    bed_oversleep(bed, SEC(1)); /* and so did the pause */
    bed_wake(bed);
    expect_sent(1, 2);
    assert_int_equal(bed_next_in(bed), SEC(30));
}

static void a_send_is_given_up_by_a_late_wake_up_behind_an_answer_that_plans_anew(void **state)
{
    (void)state;
    send_to(TOPIC_USED, 1, 1);
    bed_pass(bed, SEC(1));
    send_to(TOPIC_USED, 2, 2);
    bed_pass(bed, SEC(119) - 1);
    bed_oversleep(bed, MSEC(5)); /* two minutes are over, and the timer was not served */
    refuse(bed_sent_count(bed, MSG_KAFKA_PRODUCE) - 1);
    assert_int_equal(host->failed_count, 0);
    assert_int_equal(bed_next_in(bed), 0);
    bed_wake(bed);
    assert_int_equal(host->failed_count, 1);
    assert_int_equal(host->failed, 1);
    assert_int_equal(bed_next_in(bed), MSEC(800)); /* the pause of the fourth break */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_so_many_are_on_their_way_and_the_others_follow_in_order),
        TEST(what_is_sent_while_the_connection_is_broken_goes_behind_the_rest),
        TEST(the_pause_doubles_up_to_a_second_until_something_succeeds),
        TEST(only_a_request_of_thirty_seconds_breaks_the_connection),
        TEST(a_send_is_given_up_after_two_minutes_and_once),
        TEST(without_metadata_it_is_one_minute_and_overtakes_older_sends),
        TEST(the_fourth_error_of_the_broker_is_the_last),
        TEST(a_wake_up_that_comes_late_is_served_as_of_then),
        TEST(a_send_is_given_up_by_a_late_wake_up_behind_an_answer_that_plans_anew),
        TEST(a_link_without_sends_or_to_another_node_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
