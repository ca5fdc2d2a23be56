/* What a queue does otherwise at #5338 and before it: each field of the list, old and new. */
#include "support/queue_bed.h"
#include "support/queue_bed_text.h"
#include <stdio.h>

#define GONE "end\nmanager removed with key\n"
#define DRAINED SAYS_MOVED("Removing", "Removed") SAYS_UNWATCHES SAYS_UNCOUNTED

static struct qbed *bed;

static int setup(void **state)
{
    (void)state;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (bed != NULL)
        qbed_free(bed);
    bed = NULL;
    return 0;
}

/* A running queue of this set; the one before ends. */
static struct qbed *of(enum behaviour behaviour)
{
    if (bed != NULL)
        qbed_free(bed);
    bed = qbed_new();
    bed->bed->env.behaviour = (uint8_t)behaviour;
    qbed_make(bed, BED_HELLO);
    qbed_tell(bed, POST_START, NULL, 0);
    qbed_expect(bed, SAYS_STARTED);
    return bed;
}

/* ---- leaving ---- */

static void expect_shutdown(enum behaviour behaviour, const char *told, const char *drained)
{
    struct qbed *b = of(behaviour);
    qbed_message(b, 1);
    qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    qbed_expect(b, told);
    qbed_timeout(b);
    qbed_expect(b, ""); /* it holds a message */
    qbed_get(b, 7);
    qbed_timeout(b);
    qbed_expect(b, drained);
}

static void a_shut_queue_left_the_pool_at_once(void **state)
{
    (void)state;
    expect_shutdown(BEHAVIOUR_PRE_5338,
                    SAYS_MOVED("Running", "Removing") SAYS_UNREGISTERS
                    "manager removed with key\n",
                    "answer 7: activation 1\n" DRAINED "end\n");
    expect_shutdown(BEHAVIOUR_5338, SAYS_MOVED("Running", "Removing") SAYS_UNREGISTERS,
                    "answer 7: activation 1\n" DRAINED);
    expect_shutdown(BEHAVIOUR_HEAD, SAYS_MOVED("Running", "Removing") SAYS_UNREGISTERS,
                    "answer 7: activation 1\n" DRAINED);
}

static void expect_throttled_shutdown(enum behaviour behaviour, const char *told)
{
    struct qbed *b = of(behaviour);
    qbed_messages(b, 1, 10);
    b->length = 0;
    qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    qbed_expect(b, told);
}

static void so_did_a_throttled_one(void **state)
{
    (void)state;
    expect_throttled_shutdown(BEHAVIOUR_PRE_5338,
                              SAYS_MOVED("ActionThrottled", "Removing") SAYS_UNREGISTERS
                              "manager removed with key\n");
    expect_throttled_shutdown(BEHAVIOUR_5338,
                              SAYS_MOVED("ActionThrottled", "Removing") SAYS_UNREGISTERS);
}

/* An outdated queue is told of twice: at once without the key, and drained it stops itself. */
static void an_outdated_queue_completed_itself(void **state)
{
    (void)state;
    struct qbed *b = of(BEHAVIOUR_PRE_5338);
    qbed_tell(b, POST_STOP_OUTDATED, NULL, 0);
    qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
    qbed_expect(b, SAYS_MOVED("Running", "Removing") "manager removed\n" DRAINED
                                                     "containers delete\nend\n");
    assert_null(qbed_queue(b));
    b = of(BEHAVIOUR_HEAD);
    qbed_tell(b, POST_STOP_OUTDATED, NULL, 0);
    qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
    qbed_expect(b, SAYS_MOVED("Running", "Removing") "manager removed\n" DRAINED
                                                     "containers delete\n");
    qbed_expect_state(b, QUEUE_REMOVED, 0);
}

static void expect_told(enum behaviour behaviour, const char *told)
{
    char text[2048];
    struct qbed *b = of(behaviour);
    qbed_timeout(b);
    b->length = 0;
    qbed_timeout(b);
    snprintf(text, sizeof text, "%s%s", SAYS_MOVED("Idle", "Removed") SAYS_CLEAN_UP, told);
    qbed_expect(b, text);

    b = of(behaviour);
    qbed_timeout(b);
    b->length = 0;
    qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    qbed_expect(b, text);

    b = of(behaviour);
    qbed_failed(b, 9, CREATION_WHISK);
    b->length = 0;
    qbed_timeout(b);
    snprintf(text, sizeof text, "%s%s", SAYS_MOVED("Flushing", "Removed") SAYS_CLEAN_UP, told);
    qbed_expect(b, text);
}

static void idle_and_flushing_queues_left_in_silence(void **state)
{
    (void)state;
    expect_told(BEHAVIOUR_PRE_5338, "manager removed with key\n");
    expect_told(BEHAVIOUR_5338, "");
    expect_told(BEHAVIOUR_HEAD, "manager removed with key\n");
}

/* Activations that come all the time keep a removed queue awake. */
static void expect_longest_life(enum behaviour behaviour, bool ends)
{
    struct qbed *b = of(behaviour);
    qbed_timeout(b);
    qbed_timeout(b);
    for (uint32_t i = 0; i < 4; i++) {
        qbed_pass(b, SEC(2) + MSEC(499));
        qbed_get(b, 7);
    }
    b->length = 0;
    qbed_pass(b, MSEC(4) - 1); /* 10 s are nearly over */
    assert_non_null(qbed_queue(b));
    assert_int_equal(timer_is_armed(&qbed_queue(b)->removed_timer), ends);
    qbed_pass(b, 1);
    qbed_expect(b, ends ? GONE : "");
    assert_int_equal(qbed_queue(b) == NULL, ends);
}

static void nothing_ended_a_removed_queue_that_was_kept_awake(void **state)
{
    (void)state;
    expect_longest_life(BEHAVIOUR_PRE_5338, false);
    expect_longest_life(BEHAVIOUR_5338, false);
    expect_longest_life(BEHAVIOUR_HEAD, true);
}

static void expect_invalid_limit(enum behaviour behaviour, const char *lines)
{
    struct qbed *b = of(behaviour);
    qbed_failed(b, 9, CREATION_WHISK);
    qbed_message(b, 1);
    b->length = 0;
    qbed_failed(b, 10, CREATION_INVALID_ACTION_LIMIT);
    qbed_expect(b, lines);
}

static void an_invalid_limit_did_not_end_flushing(void **state)
{
    (void)state;
    expect_invalid_limit(BEHAVIOUR_HEAD,
                         "error 1 whisk: whisk error(recoverable) happens\n" SAYS_MOVED(
                             "Flushing", "Removed") SAYS_CLEAN_UP "manager removed with key\n");
    expect_invalid_limit(BEHAVIOUR_5338, "");
    expect_invalid_limit(BEHAVIOUR_PRE_5338, "");
    assert_int_equal(qbed_queue(bed)->flush_error, CREATION_INVALID_ACTION_LIMIT);
    assert_int_equal(qbed_queue(bed)->flush_text, ERROR_INVALID_ACTION_LIMIT);
}

/* ---- averages ---- */

/* What the decision maker is told after these durations. */
static double average(enum behaviour behaviour, const uint32_t *durations, unsigned count)
{
    struct qbed *b = of(behaviour);
    assert_false(b->last.has_duration);
    qbed_messages(b, 1, 9);
    for (unsigned i = 0; i < count; i++)
        qbed_get_after(b, 7, durations[i]);
    qbed_pass(b, MSEC(100));
    assert_true(b->last.has_duration);
    return b->last.duration_ms;
}

static void the_average_left_out_the_extremes(void **state)
{
    (void)state;
    static const uint32_t few[] = {10, 31}, three[] = {10, 20, 90};
    static const uint32_t peak[] = {900, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    assert_true(average(BEHAVIOUR_HEAD, few, 2) == 20.5);
    assert_true(average(BEHAVIOUR_5338, few, 2) == 20.5);
    assert_true(average(BEHAVIOUR_HEAD, three, 3) == 40.0);
    assert_true(average(BEHAVIOUR_5338, three, 3) == 30.0); /* (120 - 90 - 0) / 1 */
    assert_true(average(BEHAVIOUR_PRE_5338, three, 2) == 15.0);
    /* The peak has left the ring, and is still taken off: below zero. */
    assert_true(average(BEHAVIOUR_HEAD, peak, 11) == 1.0);
    assert_true(average(BEHAVIOUR_5338, peak, 11) == (10.0 - 900.0) / 8.0);
    assert_true(average(BEHAVIOUR_PRE_5338, peak, 11) == (10.0 - 900.0) / 8.0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        T(a_shut_queue_left_the_pool_at_once),
        T(so_did_a_throttled_one),
        T(an_outdated_queue_completed_itself),
        T(idle_and_flushing_queues_left_in_silence),
        T(nothing_ended_a_removed_queue_that_was_kept_awake),
        T(an_invalid_limit_did_not_end_flushing),
        T(the_average_left_out_the_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
