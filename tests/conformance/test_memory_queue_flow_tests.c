/* Upstream's MemoryQueueFlowTests, up to Flushing: whole lives of a queue. */
#include "support/conform.h"
#include "support/queue_bed.h"
#include "support/queue_bed_text.h"

#define END_OF_LIFE                                                                            \
    SAYS_MOVED("Running", "Idle")                                                              \
    SAYS_MOVED("Idle", "Removed") SAYS_CLEAN_UP "manager removed with key\n"
#define WHISK_TEXT "whisk error(recoverable) happens"
#define NO_CODE "no executable found for the action"

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

/* Start, and the answer about the leader key. Decisions of the first tick come after the keys
 * that it puts. */
static void start(struct qbed *b)
{
    qbed_make(b, BED_HELLO);
    qbed_tell(b, POST_START, NULL, 0);
    qbed_leader_stored(b, true);
}

static struct decision initial_one(struct qbed *b, const struct post_snapshot *s)
{
    (void)b;
    return (struct decision){s->initialized ? DECISION_SKIP : DECISION_ADD_INITIAL, 1};
}

static uint32_t created(const struct qbed *b)
{
    const struct shared_set *set = &qbed_queue(b)->creations;
    assert_int_equal(set->count, 1);
    return set->items[0].id;
}

/* Two timeouts, a third in Removed, and the manager's answer, which comes too late. */
static void expect_normal_end(struct qbed *b)
{
    qbed_timeout(b);
    qbed_timeout(b);
    qbed_expect(b, END_OF_LIFE);
    qbed_timeout(b);
    qbed_expect(b, "end\nmanager removed with key\n");
    qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
    qbed_expect(b, "");
}

static void a_queue_serves_and_goes(void **state)
{
    struct qbed *b = *state;
    b->pilot = initial_one;
    start(b);
    qbed_expect(b, SAYS_STARTED "containers create 1\n");
    qbed_message(b, 1);
    uint32_t creation = created(b);
    qbed_get(b, 7);
    qbed_succeeded(b, creation);
    qbed_farewell(b, 7);
    qbed_expect(b, "answer 7: activation 1\nanswer 7: nothing\n");
    expect_normal_end(b);
}

static void an_idle_queue_runs_again(void **state)
{
    struct qbed *b = *state;
    b->has_real_decision_maker = true;
    start(b);
    qbed_expect(b, SAYS_STARTED "containers create 1\n");
    qbed_message(b, 1);
    qbed_get(b, 7);
    qbed_succeeded(b, created(b));
    qbed_farewell(b, 7);
    qbed_timeout(b);
    qbed_expect(b, "answer 7: activation 1\nanswer 7: nothing\n" SAYS_MOVED("Running", "Idle"));
    qbed_message(b, 2); /* the monitor runs at once */
    qbed_expect(b, SAYS_MOVED("Idle", "Running") "containers create 1\n");
    qbed_timeout(b);
    qbed_expect(b, "");
    qbed_expect_state(b, QUEUE_RUNNING, 1);
    qbed_get(b, 7);
    qbed_succeeded(b, created(b));
    qbed_farewell(b, 7);
    qbed_expect(b, "answer 7: activation 2\nanswer 7: nothing\n");
    expect_normal_end(b);
}

static struct decision throttle_and_drop(struct qbed *b, const struct post_snapshot *s)
{
    (void)b;
    return (struct decision){
        s->state == QUEUE_RUNNING ? DECISION_ENABLE_THROTTLING_DROP : DECISION_SKIP, 0};
}

static void a_namespace_without_room_drops(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_expect(b, SAYS_STARTED);
    b->pilot = throttle_and_drop;
    qbed_message(b, 1);
    qbed_pass(b, MSEC(100));
    qbed_expect(b, "error 1 developer: " TOO_MANY
                   "\n" SAYS_MOVED("Running", "NamespaceThrottled") SAYS_NAMESPACE("true"));
    qbed_expect_state(b, QUEUE_NAMESPACE_THROTTLED, 0);
    qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    qbed_expect(b, SAYS_MOVED("NamespaceThrottled", "Removing") SAYS_UNREGISTERS);
    qbed_timeout(b);
    qbed_expect(b, SAYS_MOVED("Removing", "Removed") SAYS_UNWATCHES SAYS_UNCOUNTED);
    qbed_timeout(b);
    qbed_expect(b, "end\nmanager removed with key\n");
}

static void a_namespace_with_a_container_keeps_its_messages(void **state)
{
    struct qbed *b = *state;
    b->has_real_decision_maker = true;
    b->limit = 1;
    start(b);
    qbed_expect(b, SAYS_STARTED "containers create 1\n");
    qbed_messages(b, 1, 2);
    qbed_succeeded(b, created(b));
    qbed_queue(b)->counter->in_progress = 1;
    qbed_get(b, 1);
    qbed_expect(b, "answer 1: activation 1\n");
    qbed_pass(b, MSEC(100));
    qbed_expect(b, SAYS_MOVED("Running", "NamespaceThrottled") SAYS_NAMESPACE("true"));
    qbed_expect_state(b, QUEUE_NAMESPACE_THROTTLED, 1);
    qbed_farewell(b, 1);
    qbed_queue(b)->counter->in_progress = 0;
    qbed_expect(b, "answer 1: nothing\n");
    qbed_pass(b, MSEC(100));
    qbed_expect(b, SAYS_MOVED("NamespaceThrottled", "Running") SAYS_NAMESPACE("false"));
    qbed_pass(b, MSEC(100));
    qbed_expect(b, "containers create 1\n");
    qbed_succeeded(b, created(b));
    qbed_get(b, 2);
    qbed_farewell(b, 2);
    qbed_expect(b, "answer 2: activation 2\nanswer 2: nothing\n");
    expect_normal_end(b);
}

static void serve(struct qbed *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        qbed_get(b, 1);
}

static void too_many_messages_throttle_the_action(void **state)
{
    struct qbed *b = *state;
    b->has_real_decision_maker = true;
    b->limit = 1;
    bed_config(b->bed, "whisk.scheduler.queue.throttling-fraction", 800000);
    start(b);
    qbed_expect(b, SAYS_STARTED "containers create 1\n");
    qbed_message(b, 20);
    qbed_succeeded(b, created(b));
    qbed_queue(b)->counter->existing = 1;
    qbed_get(b, 1);
    qbed_expect(b, "answer 1: activation 20\n");
    qbed_messages(b, 1, 10);
    qbed_expect(b, SAYS_MOVED("Running", "ActionThrottled") SAYS_ACTION("true"));
    qbed_messages(b, 11, 2);
    qbed_expect(b, "error 11 developer: " TOO_MANY "\nerror 12 developer: " TOO_MANY "\n");
    serve(b, 1);
    qbed_expect(b, "answer 1: activation 1\n"); /* 9 are left */
    serve(b, 1);
    qbed_expect(b, SAYS_MOVED("ActionThrottled",
                              "Running") "answer 1: activation 2\n" SAYS_ACTION("false"));
    serve(b, 8);
    qbed_expect(b, "answer 1: activation 3\nanswer 1: activation 4\nanswer 1: activation 5\n"
                   "answer 1: activation 6\nanswer 1: activation 7\nanswer 1: activation 8\n"
                   "answer 1: activation 9\nanswer 1: activation 10\n");
    qbed_pass(b, MSEC(100));
    qbed_expect(b, SAYS_MOVED("Running", "NamespaceThrottled") SAYS_NAMESPACE("true"));
    qbed_farewell(b, 1);
    qbed_queue(b)->counter->existing = 0;
    qbed_pass(b, MSEC(100));
    qbed_expect(b, "answer 1: nothing\n" SAYS_MOVED("NamespaceThrottled", "Running")
                       SAYS_NAMESPACE("false"));
    /* H18: the dropping worker went on without a master, and no more than that is left. */
    expect_normal_end(b);
}

static void a_limit_of_zero_flushes_until_it_is_raised(void **state)
{
    struct qbed *b = *state;
    b->has_real_decision_maker = true;
    b->limit = 0;
    qbed_make(b, BED_HELLO);
    qbed_message(b, 1); /* stashed */
    qbed_expect_state(b, QUEUE_UNINITIALIZED, 0);
    qbed_tell(b, POST_START, NULL, 0);
    qbed_leader_stored(b, true);
    qbed_expect(b, SAYS_WATCHES SAYS_MOVED("Uninitialized", "Running")
                       SAYS_INITIAL_DATA SAYS_MOVED("Running", "Flushing"));
    qbed_expect_state(b, QUEUE_FLUSHING, 1);
    qbed_pass(b, SEC(5) - 1);
    qbed_message(b, 2);
    qbed_pass(b, SEC(5)); /* the first tick finds nothing old, the second is 1 ns away */
    qbed_expect(b, "");
    qbed_pass(b, 1);
    qbed_expect(b, "error 1 whisk: " ZERO_LIMIT "\n");
    qbed_expect_state(b, QUEUE_FLUSHING, 1);
    b->machine->limits[BED_GUEST].concurrent = 10; /* the cached identity, read again */
    qbed_pass(b, MSEC(100));
    qbed_expect(b, "containers create 1\n");
    qbed_succeeded(b, created(b));
    qbed_expect(b, SAYS_MOVED("Flushing", "Running"));
    qbed_queue(b)->counter->existing = 1;
    qbed_get(b, 1);
    qbed_farewell(b, 1);
    qbed_queue(b)->counter->existing = 0;
    qbed_expect(b, "answer 1: activation 2\nanswer 1: nothing\n");
    expect_normal_end(b);
}

static void a_limit_of_zero_flushes_to_the_end(void **state)
{
    struct qbed *b = *state;
    b->has_real_decision_maker = true;
    b->limit = 0;
    qbed_make(b, BED_HELLO);
    qbed_message(b, 1);
    qbed_tell(b, POST_START, NULL, 0);
    qbed_leader_stored(b, true);
    qbed_message(b, 2);
    qbed_expect(b, SAYS_WATCHES SAYS_MOVED("Uninitialized", "Running")
                       SAYS_INITIAL_DATA SAYS_MOVED("Running", "Flushing"));
    qbed_pass(b, SEC(10) - 1);
    qbed_tell(b, POST_DROP_OLD, NULL, 0);
    qbed_expect(b, "");
    qbed_expect_state(b, QUEUE_FLUSHING, 2);
    b->bed->now++;
    qbed_tell(b, POST_DROP_OLD, NULL, 0);
    /* active was taken down by the tick at 5 s, so that this one ends it */
    qbed_expect(b, "error 1 whisk: " ZERO_LIMIT "\nerror 2 whisk: " ZERO_LIMIT "\n" SAYS_MOVED(
                       "Flushing", "Removed") SAYS_CLEAN_UP "manager removed with key\n");
    qbed_timeout(b);
    qbed_expect(b, "end\nmanager removed with key\n");
}

static void fail_first_creation(struct qbed *b, enum creation_error error)
{
    start(b);
    qbed_expect(b, SAYS_STARTED "containers create 1\n");
    qbed_message(b, 1);
    qbed_failed(b, created(b), error);
}

static void a_whisk_error_flushes(void **state)
{
    struct qbed *b = *state;
    b->pilot = initial_one;
    fail_first_creation(b, CREATION_WHISK);
    qbed_expect(b, SAYS_MOVED("Running", "Flushing"));
    qbed_message(b, 2);
    qbed_pass(b, SEC(10) - 1);
    qbed_expect(b, "");
    qbed_expect_state(b, QUEUE_FLUSHING, 2);
    qbed_pass(b, 1); /* the worker's DropOld */
    qbed_expect(b, "error 1 whisk: " WHISK_TEXT "\nerror 2 whisk: " WHISK_TEXT "\n" SAYS_MOVED(
                       "Flushing", "Removed") SAYS_CLEAN_UP "manager removed with key\n");
    qbed_timeout(b);
    qbed_expect(b, "end\nmanager removed with key\n");
}

static void a_container_ends_flushing(void **state)
{
    struct qbed *b = *state;
    b->pilot = initial_one;
    fail_first_creation(b, CREATION_WHISK);
    qbed_expect(b, SAYS_MOVED("Running", "Flushing"));
    b->has_real_decision_maker = true;
    qbed_pass(b, MSEC(100)); /* it goes on trying */
    qbed_expect(b, "containers create 1\n");
    qbed_pass(b, SEC(1));
    qbed_message(b, 2);
    qbed_pass(b, SEC(9) - MSEC(100));
    qbed_expect(b, "error 1 whisk: " WHISK_TEXT "\n");
    qbed_expect_state(b, QUEUE_FLUSHING, 1);
    qbed_succeeded(b, created(b));
    qbed_expect(b, SAYS_MOVED("Flushing", "Running"));
    qbed_get(b, 1);
    qbed_farewell(b, 1);
    qbed_expect(b, "answer 1: activation 2\nanswer 1: nothing\n");
    expect_normal_end(b);
}

static void a_developer_error_flushes(void **state)
{
    struct qbed *b = *state;
    b->pilot = initial_one;
    fail_first_creation(b, CREATION_NON_EXECUTABLE);
    qbed_expect(b, "error 1 developer: " NO_CODE "\n" SAYS_MOVED("Running", "Flushing"));
    qbed_expect_state(b, QUEUE_FLUSHING, 0);
    qbed_message(b, 2);
    qbed_expect(b, "error 2 developer: " NO_CODE "\n");
    qbed_expect_state(b, QUEUE_FLUSHING, 0);
    qbed_timeout(b);
    qbed_expect(b, "");
    qbed_timeout(b);
    qbed_expect(b,
                SAYS_MOVED("Flushing", "Removed") SAYS_CLEAN_UP "manager removed with key\n");
    qbed_timeout(b);
    qbed_expect(b, "end\nmanager removed with key\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("MemoryQueueFlowTests", 93, a_queue_serves_and_goes),
        CONFORMS("MemoryQueueFlowTests", 190, an_idle_queue_runs_again),
        CONFORMS("MemoryQueueFlowTests", 306, a_namespace_without_room_drops),
        CONFORMS("MemoryQueueFlowTests", 397, a_namespace_with_a_container_keeps_its_messages),
        CONFORMS("MemoryQueueFlowTests", 523, too_many_messages_throttle_the_action),
        CONFORMS("MemoryQueueFlowTests", 675, a_limit_of_zero_flushes_until_it_is_raised),
        CONFORMS("MemoryQueueFlowTests", 792, a_limit_of_zero_flushes_to_the_end),
        CONFORMS("MemoryQueueFlowTests", 872, a_whisk_error_flushes),
        CONFORMS("MemoryQueueFlowTests", 975, a_container_ends_flushing),
        CONFORMS("MemoryQueueFlowTests", 1080, a_developer_error_flushes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
