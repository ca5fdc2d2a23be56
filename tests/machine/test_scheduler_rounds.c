/* What a queue orders and when: its monitoring rounds, and the totals of its namespace
 * (MemoryQueue.scala, ContainerCounter.scala). */
#include "support/scheduler_bed.h"

static int setup(void **state)
{
    *state = sched_started();
    return 0;
}

static int teardown(void **state)
{
    sched_free(*state);
    return 0;
}

static const struct creation *sent_creation(const struct sched *s, uint32_t n,
                                            uint32_t *ret_topic)
{
    uint32_t left = n;
    for (uint32_t i = 0; i < s->bed->sent_count; i++) {
        const struct message *m = &s->bed->sent[i];
        if (m->kind == MSG_KAFKA_PRODUCE && m->u.produce.entry.kind == ENTRY_CREATION &&
            left-- == 0) {
            *ret_topic = m->u.produce.topic;
            return &m->u.produce.entry.u.creation;
        }
    }
    fail_msg("creation %u was not sent", n);
    return NULL;
}

/* ---- the monitoring round ---- */

static void a_new_queue_orders_its_first_container(void **state)
{
    struct sched *s = *state;
    sched_forget(s);
    struct queue *q = sched_hello(s);
    const struct record *snapshot = bed_record(s->bed, RECORD_SNAPSHOT, 0);
    assert_int_equal(snapshot->value + snapshot->value2, 0);
    const struct record *decided = bed_record(s->bed, RECORD_DECIDED, 0);
    assert_int_equal(decided->detail, DECISION_ADD_INITIAL);
    assert_int_equal(decided->value, 1);
    const struct record *ordered = bed_record(s->bed, RECORD_CREATION_ORDERED, 0);
    assert_int_equal(ordered->creation, 1); /* scheduler 0, first */
    uint32_t topic = 0;
    const struct creation *creation = sent_creation(s, 0, &topic);
    assert_int_equal(creation->id, 1);
    assert_int_equal(creation->scheduler, BED_SCHEDULER0);
    assert_int_equal(creation->action, BED_HELLO);
    assert_int_equal(TOPIC_KIND(topic), TOPIC_INVOKER);
    const struct record *sent = bed_record(s->bed, RECORD_CREATION_SENT, 0);
    assert_int_equal(sent->peer, BED_INVOKER0 + TOPIC_INDEX(topic));
    const struct message *key = sched_put(s, KEY_IN_PROGRESS, 0);
    assert_int_equal(key->u.etcd.key.id, 1);
    assert_int_equal(key->u.etcd.key.node, BED_SCHEDULER0);
    assert_true(shared_set_has(&q->creations, 1));
    assert_true(q->initialized);
}

static void rounds_come_every_hundred_milliseconds(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    sched_forget(s);
    sched_arrive_many(s, 1, 1);
    sched_pass(s, MSEC(100)); /* the message is 100 ms old: stale */
    assert_int_equal(bed_record_count(s->bed, RECORD_SNAPSHOT), 1);
    assert_int_equal(bed_record(s->bed, RECORD_SNAPSHOT, 0)->value, 1); /* one creation */
    assert_int_equal(bed_record(s->bed, RECORD_SNAPSHOT, 0)->value2, UINT64_C(1) << 32 | 1);
    assert_int_equal(bed_record_count(s->bed, RECORD_DECIDED), 0); /* 1 stale - 1 coming */
    sched_pass(s, MSEC(300));
    assert_int_equal(bed_record_count(s->bed, RECORD_SNAPSHOT), 1); /* the same numbers */
    assert_int_equal(q->count, 1);
}

static void the_average_of_ten_durations_decides(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    for (uint32_t i = 1; i <= 12; i++) {
        struct message m = sched_fetch_message(s, 5);
        m.u.fetch.has_duration = 1;
        m.u.fetch.duration_ms = i * 10;
        bed_deliver(s->bed, &m);
    }
    sched_pass(s, MSEC(100));
    assert_true(q->has_average);
    assert_int_equal((int)q->average_ms, 75); /* 30 .. 120 */
    sched_farewell(s, 5);
}

static void the_limit_is_read_once_for_all_queues_of_a_namespace(void **state)
{
    struct sched *s = *state;
    sched_forget(s);
    s->holds_read = true;
    sched_make_queue(s, BED_GUEST, BED_HELLO);
    sched_make_queue(s, BED_GUEST, BED_SLOW);
    assert_int_equal(bed_sent_count(s->bed, MSG_DATABASE_READ), 1);
    const struct message *read = bed_sent(s->bed, MSG_DATABASE_READ, 0);
    assert_int_equal(read->u.database.document, DOCUMENT_IDENTITY);
    struct message refused = bed_reply(read, MSG_REFUSED);
    bed_deliver(s->bed, &refused); /* no snapshot this round */
    assert_int_equal(bed_record_count(s->bed, RECORD_SNAPSHOT), 0);
    s->holds_read = false;
    sched_forget(s);
    sched_pass(s, MSEC(100));
    assert_int_equal(bed_sent_count(s->bed, MSG_DATABASE_READ), 1);
    assert_int_equal(bed_record_count(s->bed, RECORD_SNAPSHOT), 2);
    sched_pass(s, MSEC(500));
    assert_int_equal(bed_sent_count(s->bed, MSG_DATABASE_READ), 1);
}

static void the_limit_is_read_again_after_five_minutes(void **state)
{
    struct sched *s = *state;
    sched_hello(s);
    sched_watch_container(s, 5, false); /* keeps the queue running */
    sched_forget(s);
    sched_pass(s, MINUTES(5) - MSEC(100));
    assert_int_equal(bed_sent_count(s->bed, MSG_DATABASE_READ), 0);
    sched_pass(s, MSEC(100));
    assert_int_equal(bed_sent_count(s->bed, MSG_DATABASE_READ), 1);
    sched_pass(s, SEC(1));
    assert_int_equal(bed_sent_count(s->bed, MSG_DATABASE_READ), 1);
}

/* ---- namespace totals ---- */

static void totals_are_counted_after_each_event_and_once_more(void **state)
{
    struct sched *s = *state;
    sched_quiet(s);
    const struct counter *counter = counter_of(s->machine, BED_GUEST);
    s->existing = 5;
    s->in_progress = 3;
    s->holds_range = true;
    sched_forget(s);
    sched_watch_container(s, 1, false);
    sched_watch_container(s, 2, false);
    sched_watch_container(s, 3, false);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 1); /* the rest: once more */
    s->holds_range = false;
    s->answered = 0;
    sched_pump(s);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 2);
    assert_int_equal(counter->existing, 5);
    assert_int_equal(counter->in_progress, 0); /* no event of that prefix yet */
    s->range_fails = true;
    s->existing = 9;
    sched_watch_container(s, 3, true);
    assert_int_equal(counter->existing, 5);
    s->range_fails = false;
    sched_watch_container(s, 2, true);
    assert_int_equal(counter->existing, 9);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_new_queue_orders_its_first_container),
        T(rounds_come_every_hundred_milliseconds),
        T(the_average_of_ten_durations_decides),
        T(the_limit_is_read_once_for_all_queues_of_a_namespace),
        T(the_limit_is_read_again_after_five_minutes),
        T(totals_are_counted_after_each_event_and_once_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
