/* ContainerCounter beyond upstream's tests: closed twice, frozen, read by those that ended; and
 * the look-ups of limits that wait for one read. */
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

static void superseded(struct sched *s, const struct queue *q)
{
    struct post_data data = {.key = queue_key(q, KEY_QUEUE)};
    sched_post(s, ACTOR_DATA_ID, q->actor, POST_INITIAL_STORED, &data, sizeof data);
}

static void count(struct sched *s, uint32_t existing)
{
    s->existing = existing;
    sched_watch_container(s, 50 + existing, false);
}

/* A queue that is superseded once more in Removed closes twice, and takes another's reference:
 * what that one reads stays as it was, and a new queue counts from zero. */
static void a_counter_closed_twice_freezes(void **state)
{
    struct sched *s = *state;
    s->holds_read = true;
    struct queue *first = sched_make_queue(s, BED_GUEST, BED_HELLO);
    struct queue *other = sched_make_queue(s, BED_GUEST, BED_SLOW);
    assert_ptr_equal(first->counter, other->counter);
    assert_int_equal(first->counter->references, 2);
    count(s, 3);
    assert_int_equal(other->counter->existing, 3);
    s->bed->posts_by_hand = true; /* the manager's answer would end it */
    superseded(s, first);
    superseded(s, first);
    assert_int_equal(other->counter->references, 0);
    assert_null(counter_of(s->machine, BED_GUEST));
    s->bed->posts_by_hand = false;
    bed_settle(s->bed);
    sched_pump(s);
    assert_non_null(other->counter);
    count(s, 4); /* nobody watches */
    assert_int_equal(other->counter->existing, 3);

    struct queue *late = sched_make_queue(s, BED_GUEST, BED_FAILS);
    assert_ptr_not_equal(late->counter, other->counter);
    assert_int_equal(late->counter->existing, 0);
    count(s, 5);
    assert_int_equal(late->counter->existing, 5);
    assert_int_equal(other->counter->existing, 3);
    /* The frozen one is not unwatched again, and goes with its last reader. */
    superseded(s, other);
    assert_int_equal(late->counter->references, 1);
    assert_ptr_equal(s->machine->counters[BED_GUEST].first, late->counter);
    assert_null(late->counter->next);
    count(s, 6);
    assert_int_equal(late->counter->existing, 6);
}

/* An answer that comes when the counter is closed still goes to those that read it, and not to
 * the counter of a queue that came after it. */
static void a_late_count_goes_to_the_closed_counter(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    s->holds_range = true;
    sched_forget(s);
    count(s, 7);
    s->bed->posts_by_hand = true;
    superseded(s, q);
    assert_null(counter_of(s->machine, BED_GUEST));
    struct effects *fx = &s->bed->fx;
    fx->message_count = fx->record_count = 0;
    struct counter *late = counter_open(s->machine, fx, BED_GUEST);
    s->holds_range = false;
    s->answered = 0;
    sched_pump(s);
    assert_int_equal(q->counter->existing, 7);
    assert_int_equal(late->existing, 0);
    s->bed->posts_by_hand = false;
    bed_settle(s->bed);
    assert_ptr_equal(s->machine->counters[BED_GUEST].first, late);
    assert_null(late->next);
}

/* Of the last namespace, and an event that comes after the end. */
static void each_namespace_counts_for_itself(void **state)
{
    struct sched *s = *state;
    s->holds_read = true;
    struct queue *q = sched_make_queue(s, BED_OTHER, BED_WIDE);
    struct key key = {.family = KEY_EXISTING,
                      .ns = BED_OTHER,
                      .action = BED_WIDE,
                      .node = BED_INVOKER0,
                      .revision = 1,
                      .id = 4};
    struct value empty = {.kind = VALUE_EMPTY};
    s->existing = 6;
    sched_watch(s, &key, &empty, false);
    assert_int_equal(q->counter->existing, 6);
    assert_int_equal(q->counter->ns, BED_OTHER);
    actor_id actor = ACTOR(ACTOR_COUNTER, q->counter->generation, BED_OTHER);
    superseded(s, q);
    assert_null(s->machine->counters[BED_OTHER].first);
    sched_forget(s);
    struct post_watched event = {.key = key};
    sched_post(s, ACTOR_WATCHER_ID, actor, POST_INSERTED, &event, sizeof event);
    assert_int_equal(s->bed->sent_count, 0);
    assert_int_equal(s->bed->record_count, 0);
}

static void a_count_after_the_last_reader_means_nothing(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    s->holds_range = true;
    sched_forget(s);
    count(s, 7);
    superseded(s, q); /* to the end */
    assert_null(s->machine->counters[BED_GUEST].first);
    s->holds_range = false;
    s->answered = 0;
    sched_pump(s);
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_REJECTED), 0);
    sched_quiet(s);
    assert_int_equal(counter_of(s->machine, BED_GUEST)->existing, 0);
}

/* Each round has its callback, also that of a worker that was stopped meanwhile. */
static void every_look_up_that_waited_makes_a_decision(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_silence(s, q);
    sched_arrive_many(s, 1, 1);
    sched_expect_state(s, q, QUEUE_RUNNING);
    assert_int_equal(q->limit_waits, 2);
    uint32_t reads = bed_sent_count(s->bed, MSG_DATABASE_READ);
    assert_int_equal(reads, 1);
    s->holds_read = false;
    s->answered = 0;
    sched_pump(s);
    assert_int_equal(q->limit_waits, 0);
    assert_int_equal(bed_record_count(s->bed, RECORD_DECIDED), 2); /* from the same snapshot */
    assert_int_equal(shared_set_count(&q->creations), 2);
    assert_true(timer_is_armed(&q->monitor_timer));
}

static void a_stopped_worker_does_not_go_on_after_its_read(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_quiet(s);
    sched_silence(s, q);
    sched_expect_state(s, q, QUEUE_IDLE);
    s->holds_read = false;
    s->answered = 0;
    sched_pump(s);
    assert_int_equal(q->limit_waits, 0);
    assert_false(timer_is_armed(&q->monitor_timer));
    assert_int_equal(bed_record_count(s->bed, RECORD_SNAPSHOT), 1); /* the callback's */
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(a_counter_closed_twice_freezes),
        T(a_late_count_goes_to_the_closed_counter),
        T(each_namespace_counts_for_itself),
        T(a_count_after_the_last_reader_means_nothing),
        T(every_look_up_that_waited_makes_a_decision),
        T(a_stopped_worker_does_not_go_on_after_its_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
