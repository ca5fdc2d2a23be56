/* Upstream's MemoryQueueTests, from its start to what becomes of an update of the action. */
#include "support/conform.h"
#include "support/queue_bed.h"
#include "support/queue_bed_text.h"

#define QUEUE "whisk.scheduler.queue."

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

static void short_graces(struct qbed *b)
{
    bed_config(b->bed, QUEUE "idle-grace", MSEC(10));
    bed_config(b->bed, QUEUE "stop-grace", MSEC(10));
    bed_config(b->bed, QUEUE "graceful-shutdown-timeout", MSEC(10));
}

static void expect_workers(const struct qbed *b, unsigned count)
{
    const struct queue *q = qbed_queue(b);
    const struct drop_worker *worker = q->workers;
    assert_int_equal(timer_is_armed(&q->monitor_timer), count > 0);
    for (unsigned i = 0; i < count; i++, worker = worker->next)
        assert_non_null(worker);
    assert_null(worker);
}

/* ---- timers ---- */

static void silence_leads_from_running_to_the_end(void **state)
{
    struct qbed *b = *state;
    short_graces(b);
    start(b);
    assert_true(timer_is_armed(&qbed_queue(b)->state_timer));
    qbed_pass(b, MSEC(10) - 1);
    qbed_expect(b, "");
    qbed_pass(b, 1);
    qbed_expect(b, SAYS_MOVED("Running", "Idle"));
    assert_true(timer_is_armed(&qbed_queue(b)->state_timer));
    qbed_pass(b, MSEC(10) - 1);
    qbed_expect(b, "");
    qbed_pass(b, 1);
    qbed_expect(b, SAYS_MOVED("Idle", "Removed") SAYS_CLEAN_UP "manager removed with key\n");
    assert_true(timer_is_armed(&qbed_queue(b)->state_timer));
    qbed_pass(b, MSEC(10) - 1);
    qbed_expect(b, "");
    qbed_pass(b, 1);
    qbed_expect(b, "end\nmanager removed with key\n");
}

static void flushing_is_timed_by_stop_queue(void **state)
{
    struct qbed *b = *state;
    short_graces(b);
    bed_config(b->bed, QUEUE "idle-grace", SEC(10));
    bed_config(b->bed, QUEUE "flush-grace", MSEC(10));
    start(b);
    qbed_failed(b, 9, CREATION_NO_AVAILABLE_INVOKERS);
    qbed_expect(b, SAYS_MOVED("Running", "Flushing"));
    assert_true(timer_is_armed(&qbed_queue(b)->flush_timer));
    assert_false(timer_is_armed(&qbed_queue(b)->state_timer));
    qbed_pass(b, MSEC(10) - 1);
    qbed_expect(b, "");
    qbed_pass(b, 1);
    qbed_expect(b,
                SAYS_MOVED("Flushing", "Removed") SAYS_CLEAN_UP "manager removed with key\n");
    assert_false(timer_is_armed(&qbed_queue(b)->flush_timer));
    assert_false(timer_is_armed(&qbed_queue(b)->removed_timer)); /* the first case matched */
}

/* ---- start ---- */

static void a_start_registers_and_watches(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_leader_stored(b, true);
    qbed_expect(b, "");
    qbed_expect_state(b, QUEUE_RUNNING, 0);
}

static void a_superseded_queue_goes_to_removed(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_leader_stored(b, false);
    qbed_expect(
        b, SAYS_MOVED("Running",
                      "Removed") "manager removed with key\n" SAYS_UNWATCHES SAYS_UNCOUNTED);
    expect_workers(b, 0);
}

static void an_update_stores_nothing(void **state)
{
    struct qbed *b = *state;
    qbed_make(b, BED_HELLO);
    qbed_tell(b, POST_VERSION_UPDATED, NULL, 0);
    qbed_expect(b, SAYS_MOVED("Uninitialized", "Running") SAYS_WATCHES);
    expect_workers(b, 1);
}

/* ---- timeouts ---- */

static void a_timeout_removes_a_queue_without_containers(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_set_containers(b, 1);
    qbed_timeout(b);
    qbed_expect(b, "");
    expect_workers(b, 1);
    qbed_set_containers(b, 0);
    qbed_timeout(b);
    qbed_expect(b, SAYS_MOVED("Running", "Idle"));
    expect_workers(b, 0);
    qbed_timeout(b);
    qbed_expect(b, SAYS_MOVED("Idle", "Removed") SAYS_CLEAN_UP "manager removed with key\n");
    qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
    qbed_expect(b, "end\n");
    assert_null(qbed_queue(b));
}

static void a_message_wakes_an_idle_queue(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_timeout(b);
    qbed_expect(b, SAYS_MOVED("Running", "Idle"));
    qbed_message(b, 1);
    qbed_expect(b, SAYS_MOVED("Idle", "Running"));
    qbed_expect_state(b, QUEUE_RUNNING, 1);
    expect_workers(b, 1);
    qbed_get(b, 7);
    qbed_expect(b, "answer 7: activation 1\n");
    qbed_expect_state(b, QUEUE_RUNNING, 0);
    qbed_set_containers(b, 0);
    qbed_timeout(b);
    qbed_expect(b, SAYS_MOVED("Running", "Idle"));
    qbed_get(b, 7);
    qbed_expect(b, "answer 7: nothing\n");
    assert_int_equal(shared_set_count(&qbed_queue(b)->containers), 0);
}

static void a_message_does_not_wake_a_removed_queue(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_timeout(b);
    qbed_timeout(b);
    qbed_expect(b, SAYS_MOVED("Running", "Idle") SAYS_MOVED("Idle", "Removed") SAYS_CLEAN_UP
                "manager removed with key\n");
    qbed_message(b, 1);
    qbed_pass(b, MSEC(5)); /* our leg of the bounce */
    qbed_expect_state(b, QUEUE_REMOVED, 0);
    qbed_pass(b, MSEC(5));
    qbed_expect(b, "manager activation 1\n");
    qbed_timeout(b);
    qbed_expect(b, "end\nmanager removed with key\n");
}

/* ---- in and out ---- */

static void a_message_is_stored(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_expect_state(b, QUEUE_RUNNING, 0);
    qbed_message(b, 1);
    qbed_expect(b, "");
    qbed_expect_state(b, QUEUE_RUNNING, 1);
}

static void a_message_answers_a_fetch(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_message(b, 1);
    qbed_get(b, 7);
    qbed_expect(b, "answer 7: activation 1\n");
    qbed_expect_state(b, QUEUE_RUNNING, 0);
}

static void a_fetch_of_nothing_takes_a_second(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_get(b, 7);
    qbed_pass(b, SEC(1) - 1);
    qbed_expect(b, "");
    qbed_pass(b, 1);
    qbed_expect(b, "answer 7: nothing\n");
}

static void polls_are_answered_one_by_one(void **state)
{
    struct qbed *b = *state;
    start(b);
    for (unsigned i = 0; i < 4; i++)
        qbed_get(b, 7);
    qbed_messages(b, 1, 3);
    qbed_expect(b, "answer 7: activation 1\nanswer 7: activation 2\nanswer 7: activation 3\n");
    qbed_pass(b, SEC(1));
    qbed_expect(b, "answer 7: nothing\n");
}

static void a_deleted_container_gets_no_message(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_get(b, 1);
    qbed_get(b, 2);
    qbed_farewell(b, 2);
    qbed_message(b, 1);
    qbed_expect(b, "answer 2: nothing\nanswer 2: nothing\nanswer 1: activation 1\n");
    qbed_get(b, 1);
    qbed_get(b, 2);
    qbed_watched(b, KEY_EXISTING, 2, true);
    qbed_message(b, 2);
    qbed_expect(b, "answer 2: nothing\nanswer 1: activation 2\n");
    qbed_pass(b, SEC(2));
    qbed_expect(b, "");
}

static void polls_are_served_by_warmth_and_id(void **state)
{
    struct qbed *b = *state;
    start(b);
    for (uint32_t i = 1; i <= 4; i++)
        qbed_get(b, i);
    qbed_messages(b, 1, 3);
    qbed_expect(b, "answer 4: activation 1\nanswer 3: activation 2\nanswer 2: activation 3\n");
    qbed_pass(b, SEC(1));
    qbed_expect(b, "answer 1: nothing\n");
    qbed_get_warmed(b, 1);
    for (uint32_t i = 2; i <= 4; i++)
        qbed_get(b, i);
    qbed_messages(b, 4, 3);
    qbed_expect(b, "answer 1: activation 4\nanswer 4: activation 5\nanswer 3: activation 6\n");
    qbed_pass(b, SEC(1));
    qbed_expect(b, "answer 2: nothing\n");
}

/* ---- creations ---- */

static struct decision add_one(struct qbed *b, const struct post_snapshot *s)
{
    (void)b, (void)s;
    return (struct decision){DECISION_ADD, 1};
}

static void a_new_queue_orders_a_container(void **state)
{
    struct qbed *b = *state;
    b->pilot = add_one;
    qbed_make(b, BED_HELLO);
    qbed_tell(b, POST_START, NULL, 0);
    qbed_expect(b, SAYS_STARTED "containers create 1\n");
    assert_int_equal(b->snapshots, 1);
    assert_int_equal(shared_set_count(&qbed_queue(b)->creations), 1);
}

static void a_developer_error_completes_at_once(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_messages(b, 1, 3);
    qbed_failed(b, 9, CREATION_NON_EXECUTABLE);
    qbed_expect(b, "error 1 developer: no executable found for the action\n"
                   "error 2 developer: no executable found for the action\n"
                   "error 3 developer: no executable found for the action\n" SAYS_MOVED(
                       "Running", "Flushing"));
    qbed_message(b, 4);
    qbed_expect(b, "error 4 developer: no executable found for the action\n");
    qbed_pass(b, SEC(5)); /* was active */
    qbed_expect(b, "");
    qbed_pass(b, SEC(5));
    qbed_expect(b,
                SAYS_MOVED("Flushing", "Removed") SAYS_CLEAN_UP "manager removed with key\n");
    qbed_timeout(b);
    qbed_expect(b, "end\nmanager removed with key\n");
}

static void a_whisk_error_completes_after_the_retention(void **state)
{
    struct qbed *b = *state;
    b->limit = 10000;
    bed_config(b->bed, QUEUE "flush-grace", SEC(10));
    start(b);
    qbed_messages(b, 1, 3);
    qbed_failed(b, 9, CREATION_NO_AVAILABLE_INVOKERS);
    qbed_expect(b, SAYS_MOVED("Running", "Flushing"));
    qbed_pass(b, SEC(5));
    qbed_messages(b, 4, 3);
    qbed_pass(b, SEC(5) - 1);
    qbed_expect(b, "");
    qbed_pass(b, 1); /* the dropping worker's turn, and the flush grace */
    qbed_expect(b, "error 1 whisk: " NO_INVOKER "\nerror 2 whisk: " NO_INVOKER
                   "\nerror 3 whisk: " NO_INVOKER "\n");
    qbed_expect_state(b, QUEUE_FLUSHING, 3);
    qbed_succeeded(b, 9);
    qbed_expect(b, SAYS_MOVED("Flushing", "Running"));
    qbed_failed(b, 9, CREATION_RESOURCE_NOT_ENOUGH);
    qbed_expect(b, SAYS_MOVED("Running", "Flushing"));
    qbed_pass(b, SEC(5) - 1);
    qbed_tell(b, POST_DROP_OLD, NULL, 0);
    qbed_expect(b, "");
    qbed_pass(b, 1);
    qbed_tell(b, POST_DROP_OLD, NULL, 0);
    qbed_expect(b, "error 4 whisk: invoker(s) have not enough resources\n"
                   "error 5 whisk: invoker(s) have not enough resources\n"
                   "error 6 whisk: invoker(s) have not enough resources\n" SAYS_MOVED(
                       "Flushing", "Removed") SAYS_CLEAN_UP "manager removed with key\n");
    qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
    qbed_expect(b, "end\n");
}

static void a_blackbox_action_has_its_own_retention(void **state)
{
    struct qbed *b = *state;
    b->limit = 10000;
    b->bed->actions[BED_HELLO].blackbox = true;
    bed_config(b->bed, QUEUE "flush-grace", SEC(10));
    start(b);
    qbed_messages(b, 1, 3);
    qbed_failed(b, 9, CREATION_NO_AVAILABLE_INVOKERS);
    qbed_message(b, 4);
    qbed_expect(b, SAYS_MOVED("Running", "Flushing"));
    qbed_pass(b, SEC(20) - 1);
    qbed_tell(b, POST_DROP_OLD, NULL, 0);
    qbed_expect(b, "");
    qbed_pass(b, 1);
    qbed_expect(b, "error 1 whisk: " NO_INVOKER "\nerror 2 whisk: " NO_INVOKER
                   "\nerror 3 whisk: " NO_INVOKER "\nerror 4 whisk: " NO_INVOKER
                   "\n" SAYS_MOVED("Flushing", "Removed") SAYS_CLEAN_UP
                "manager removed with key\n");
    qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
    qbed_expect(b, "end\n");
}

/* ---- updates of the action ---- */

static void an_outdated_queue_without_containers_forwards(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_message(b, 1);
    qbed_tell(b, POST_STOP_OUTDATED, NULL, 0);
    qbed_expect(b, SAYS_MOVED("Running", "Removing") "manager removed\nmanager activation 1\n");
    qbed_expect_state(b, QUEUE_REMOVING, 0);
}

static void an_outdated_queue_serves_its_containers(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_message(b, 1);
    qbed_set_containers(b, 1);
    qbed_tell(b, POST_STOP_OUTDATED, NULL, 0);
    qbed_expect(b, SAYS_MOVED("Running", "Removing") "manager removed\n");
    qbed_get(b, 1);
    qbed_expect(b, "answer 1: activation 1\n");
}

static void a_missing_namespace_stops_the_queue(void **state)
{
    struct qbed *b = *state;
    b->has_no_identity = true;
    qbed_make(b, BED_HELLO);
    qbed_tell(b, POST_START, NULL, 0);
    qbed_expect(b, SAYS_STARTED SAYS_MOVED("Running", "Removing") "manager removed\n");
    qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
    qbed_expect(b, SAYS_MOVED("Removing", "Removed") SAYS_UNWATCHES SAYS_UNCOUNTED
                "containers delete\n");
    qbed_pass(b, SEC(5) - 1);
    qbed_expect(b, "");
    qbed_pass(b, 1);
    qbed_expect(b, "end\nmanager removed with key\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("MemoryQueueTests", 144, silence_leads_from_running_to_the_end),
        CONFORMS("MemoryQueueTests", 204, flushing_is_timed_by_stop_queue),
        CONFORMS("MemoryQueueTests", 267, a_start_registers_and_watches),
        CONFORMS("MemoryQueueTests", 324, a_superseded_queue_goes_to_removed),
        CONFORMS("MemoryQueueTests", 385, an_update_stores_nothing),
        CONFORMS("MemoryQueueTests", 442, a_timeout_removes_a_queue_without_containers),
        CONFORMS("MemoryQueueTests", 518, a_message_wakes_an_idle_queue),
        CONFORMS("MemoryQueueTests", 598, a_message_does_not_wake_a_removed_queue),
        CONFORMS("MemoryQueueTests", 675, a_message_is_stored),
        CONFORMS("MemoryQueueTests", 717, a_message_answers_a_fetch),
        CONFORMS("MemoryQueueTests", 758, a_fetch_of_nothing_takes_a_second),
        CONFORMS("MemoryQueueTests", 798, polls_are_answered_one_by_one),
        CONFORMS("MemoryQueueTests", 847, a_deleted_container_gets_no_message),
        CONFORMS("MemoryQueueTests", 902, polls_are_served_by_warmth_and_id),
        CONFORMS("MemoryQueueTests", 970, a_new_queue_orders_a_container),
        CONFORMS("MemoryQueueTests", 1040, a_developer_error_completes_at_once),
        CONFORMS("MemoryQueueTests", 1121, a_whisk_error_completes_after_the_retention),
        CONFORMS("MemoryQueueTests", 1230, an_outdated_queue_without_containers_forwards),
        CONFORMS("MemoryQueueTests", 1273, an_outdated_queue_serves_its_containers),
        CONFORMS("MemoryQueueTests", 1319, a_blackbox_action_has_its_own_retention),
        CONFORMS("MemoryQueueTests", 1421, a_missing_namespace_stops_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
