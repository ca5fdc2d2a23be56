/* The workers of a queue: what a snapshot holds, when they run, what outlives them; and a queue
 * that is not the first of everything. */
#include "support/queue_bed.h"
#include "support/queue_bed_text.h"
#include <stdio.h>

static int setup(void **state)
{
    *state = qbed_new();
    return 0;
}

static int teardown(void **state)
{
    qbed_free(*state);
    return 0;
}

static void start(struct qbed *b)
{
    qbed_make(b, BED_HELLO);
    qbed_tell(b, POST_START, NULL, 0);
    qbed_expect(b, SAYS_STARTED);
}

/* ---- snapshots ---- */

static void a_snapshot_holds_what_the_queue_knows(void **state)
{
    struct qbed *b = *state;
    b->limit = 77;
    start(b);
    assert_int_equal(b->snapshots, 1); /* at once */
    assert_int_equal(b->last.state, QUEUE_RUNNING);
    assert_int_equal(b->last.waiting + b->last.stale + b->last.existing, 0);
    assert_int_equal(b->last.initialized + b->last.has_duration + b->last.incoming, 0);
    qbed_messages(b, 1, 4);
    qbed_set_containers(b, 3);
    qbed_decide(b, DECISION_ADD_INITIAL, 2);
    qbed_get_after(b, 1, 40);
    qbed_queue(b)->counter->existing = 8;
    qbed_queue(b)->counter->in_progress = 9;
    qbed_decide(b, DECISION_ENABLE_THROTTLING, 0);
    qbed_pass(b, MSEC(100) - 1);
    assert_int_equal(b->snapshots, 1);
    qbed_pass(b, 1);
    assert_int_equal(b->snapshots, 2);
    assert_int_equal(b->last.state, QUEUE_NAMESPACE_THROTTLED);
    assert_int_equal(b->last.waiting, 3);
    assert_int_equal(b->last.existing, 3);
    assert_int_equal(b->last.in_progress, 2);
    assert_int_equal(b->last.namespace_existing, 8);
    assert_int_equal(b->last.namespace_in_progress, 9);
    assert_int_equal(b->last.namespace_limit, 77);
    assert_int_equal(b->last.initialized, 1);
    assert_int_equal(b->last.has_duration, 1);
    assert_true(b->last.duration_ms == 40.0);
    assert_int_equal(b->last.incoming, 0);
    assert_int_equal(b->last.stale, 3); /* they came 100 ms ago */
}

static void a_message_is_stale_at_the_threshold(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_message(b, 1);
    qbed_pass(b, 1);
    qbed_message(b, 2);
    qbed_pass(b, MSEC(100) - 1);
    assert_int_equal(b->last.waiting, 2);
    assert_int_equal(b->last.stale, 1);
    qbed_pass(b, MSEC(100));
    assert_int_equal(b->last.stale, 2);
}

/* ---- the dropping worker ---- */

static void the_lost_worker_drops_beside_the_new_one(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_decide(b, DECISION_ENABLE_THROTTLING, 0);
    qbed_decide(b, DECISION_DISABLE_THROTTLING, 0);
    qbed_timeout(b);
    qbed_pass(b, SEC(3));
    b->length = 0;
    qbed_message(b, 1);
    qbed_expect(b, SAYS_MOVED("Idle", "Running")); /* a second one, at 3, 13, 23 s */
    qbed_pass(b, SEC(6));
    qbed_message(b, 2); /* at 9 s */
    qbed_pass(b, SEC(4) - 1);
    qbed_expect(b, "");
    qbed_pass(b, 1);
    qbed_expect(b, "error 1 whisk: Activation processing is not initiated for 60000 ms\n");
    qbed_pass(b, SEC(7) - 1);
    qbed_expect(b, "");
    qbed_pass(b, 1); /* 20 s: the first one still runs */
    qbed_expect(b, "error 2 whisk: Activation processing is not initiated for 60000 ms\n");
    qbed_message(b, 3);
    qbed_pass(b, SEC(10) - 1); /* 30 s, by the lost one again */
    qbed_expect(b, "");
    qbed_pass(b, 1);
    qbed_expect(b, "error 3 whisk: Activation processing is not initiated for 60000 ms\n");
}

/* ---- why it was dropped ---- */

static const struct record *last_record(const struct qbed *b, enum record_kind kind)
{
    uint32_t count = bed_record_count(b->bed, kind);
    return bed_record(b->bed, kind, count - 1);
}

static void a_drop_is_explained_by_what_the_decision_maker_saw(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_message(b, 1);
    qbed_pass(b, SEC(10)); /* its retention, and the worker's turn */
    const struct record *dropped = last_record(b, RECORD_DROPPED), *seen = NULL;
    for (uint32_t i = 0; b->bed->records[i].seq < dropped->seq; i++) {
        if (b->bed->records[i].kind == RECORD_SNAPSHOT)
            seen = &b->bed->records[i];
    }
    assert_non_null(seen);
    assert_true(seen->seq > last_record(b, RECORD_QUEUED)->seq);
    assert_int_equal(dropped->cause, seen->seq);
}

static void a_flushed_drop_is_explained_by_the_arrival(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_message(b, 1);
    qbed_pass(b, MSEC(200));
    const struct record *arrived = last_record(b, RECORD_QUEUED);
    uint64_t arrival = arrived->seq;
    assert_true(last_record(b, RECORD_SNAPSHOT)->seq > arrival);
    qbed_failed(b, 1, CREATION_NO_AVAILABLE_INVOKERS);
    qbed_expect_state(b, QUEUE_FLUSHING, 1);
    qbed_pass(b, SEC(10));
    assert_int_equal(last_record(b, RECORD_DROPPED)->activation, ACTIVATION_ID(1, 0));
    assert_int_equal(last_record(b, RECORD_DROPPED)->cause, arrival);
}

/* ---- after the end ---- */

static void workers_of_an_ended_queue_do_nothing(void **state)
{
    struct qbed *b = *state;
    qbed_make(b, BED_HELLO);
    struct message m = bed_message(b->bed, MSG_POST, BED_SCHEDULER0, b->actor);
    m.what = POST_START;
    bed_deliver(b->bed, &m); /* the first turns of both workers wait */
    qbed_queue(b)->state = QUEUE_REMOVED;
    m.what = POST_QUEUE_REMOVED_COMPLETED;
    bed_deliver(b->bed, &m);
    m.what = POST_SNAPSHOT;
    m.to_actor = SLOT_ACTOR(ACTOR_DECISION, SLOT_REF(b->actor));
    bed_deliver(b->bed, &m);
    m.what = POST_DECIDED;
    bed_deliver(b->bed, &m);
    b->has_real_decision_maker = true;
    qbed_settle(b);
    qbed_expect(b,
                SAYS_MOVED("Uninitialized", "Running") "end\n" SAYS_WATCHES SAYS_INITIAL_DATA);
    assert_int_equal(b->bed->ops->next_wakeup(b->machine).at, TSTAMP_NEVER);
}

static void what_bounces_at_the_end_is_lost(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_timeout(b);
    qbed_timeout(b);
    b->length = 0;
    qbed_message(b, 1);
    qbed_timeout(b);
    qbed_expect(b, "end\nlost 1\nmanager removed with key\n");
}

static void a_removed_queue_forwards_what_it_holds(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_messages(b, 1, 2);
    qbed_set_state(b, QUEUE_REMOVED);
    qbed_get(b, 7);
    qbed_expect(b, "manager activation 1\nmanager activation 2\nanswer 7: no queue\n");
}

/* ---- the ring ---- */

static void a_wrapped_ring_grows_in_order(void **state)
{
    struct qbed *b = *state;
    bed_config(b->bed, "whisk.scheduler.queue.max-retention-size", 1000);
    start(b);
    qbed_messages(b, 1, 16);
    for (uint32_t i = 1; i <= 5; i++)
        qbed_get(b, 7);
    qbed_messages(b, 17, 5);
    qbed_message(b, 22); /* more than it had room for */
    b->length = 0;
    qbed_expect_state(b, QUEUE_RUNNING, 17);
    for (uint32_t i = 6; i <= 22; i++) {
        char line[64];
        snprintf(line, sizeof line, "answer 7: activation %u\n", i);
        qbed_get(b, 7);
        qbed_expect(b, line);
    }
}

/* ---- a queue of another namespace: ids that are not 0 ---- */

#define WIDE_LEADER "whisk/queue/other/other/wide/leader"
#define WIDE_ACTION "whisk/throttling/other/other/wide"

static void expect_ids(const struct qbed *b, enum record_kind kind, uint32_t count)
{
    assert_int_equal(bed_record_count(b->bed, kind), count);
    for (uint32_t i = 0; i < count; i++) {
        const struct record *r = bed_record(b->bed, kind, i);
        assert_int_equal(r->action, BED_WIDE);
        assert_int_equal(r->ns, BED_OTHER);
    }
}

static void a_queue_of_another_namespace_has_its_own_keys(void **state)
{
    struct qbed *b = *state;
    qbed_make(b, BED_WIDE);
    qbed_tell(b, POST_START, NULL, 0);
    qbed_expect(b, "state Uninitialized -> Running\n"
                   "watch in-progress other* of depth 2 put delete\n"
                   "watch namespace other* of depth 2 put delete\n"
                   "watch in-progress other/wide* of depth 4 as queue put delete\n"
                   "watch namespace other/wide* of depth 4 as queue put delete\n"
                   "data register-initial whisk/throttling/other false answer\n"
                   "data register " WIDE_ACTION " false\n"
                   "watch " WIDE_LEADER " as queue delete\n");
    assert_int_equal(b->last.namespace_limit, 2);
    qbed_messages(b, 1, 2);
    qbed_decide(b, DECISION_ADD, 2);
    qbed_expect(b, "containers create 2\n");
    qbed_succeeded(b, 1);
    assert_true(shared_set_has(&qbed_queue(b)->creations, 2));
    qbed_succeeded(b, 2);
    assert_int_equal(shared_set_count(&qbed_queue(b)->creations), 0);
    qbed_get(b, 7);
    qbed_decide(b, DECISION_ENABLE_THROTTLING_DROP, 0);
    qbed_expect(b, "answer 7: activation 1\nerror 2 developer: " TOO_MANY "\n" SAYS_MOVED(
                       "Running", "NamespaceThrottled") "data register whisk/throttling/other "
                                                        "true\n");
    expect_records(
        b->bed,
        "queue goes from Uninitialized to Running, other/wide\n"
        "queue of other/wide sees 0 containers, 0 creations, 0 waiting, 0 of them stale\n"
        "activation 1 of other/wide waits in the queue, which has 1 now\n"
        "activation 2 of other/wide waits in the queue, which has 2 now\n"
        "orders container creation 000001 for other/wide\n"
        "orders container creation 000002 for other/wide\n"
        "creations of other/wide: 000001 is in, 1 now\n"
        "creations of other/wide: 000002 is in, 2 now\n"
        "creations of other/wide: 000001 is out, 1 now\n"
        "creations of other/wide: 000002 is out, 0 now\n"
        "containers of other/wide: 00000007 is in, 1 now\n"
        "hands activation 1 to container 00000007 on invoker0\n"
        "gives activation 2 of other/wide up: Too many concurrent requests in flight.\n"
        "sends a completion ack for activation 2 to controller0: action developer error\n"
        "sends the record of activation 2: action developer error\n"
        "queue goes from Running to NamespaceThrottled, other/wide\n");
    expect_ids(b, RECORD_STATE, 2);
    expect_ids(b, RECORD_QUEUED, 2);
    expect_ids(b, RECORD_CREATION_ORDERED, 2);
    expect_ids(b, RECORD_DROPPED, 1);
    expect_ids(b, RECORD_SNAPSHOT, 1);
    qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    qbed_pass(b, SEC(10));
    assert_null(qbed_queue(b));
    expect_ids(b, RECORD_QUEUE_GONE, 1);
    expect_ids(b, RECORD_STATE, 4);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(a_snapshot_holds_what_the_queue_knows),
        T(a_message_is_stale_at_the_threshold),
        T(the_lost_worker_drops_beside_the_new_one),
        T(a_drop_is_explained_by_what_the_decision_maker_saw),
        T(a_flushed_drop_is_explained_by_the_arrival),
        T(workers_of_an_ended_queue_do_nothing),
        T(what_bounces_at_the_end_is_lost),
        T(a_removed_queue_forwards_what_it_holds),
        T(a_wrapped_ring_grows_in_order),
        T(a_queue_of_another_namespace_has_its_own_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
