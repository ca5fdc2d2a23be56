/* Upstream's MemoryQueueFlowTests, the rest: shutdown, successors and updates in every state.
 */
#include "support/conform.h"
#include "support/queue_bed.h"
#include "support/queue_bed_text.h"
#include <stdio.h>

#define WHISK_ERROR_1 "error 1 whisk: whisk error(recoverable) happens\n"
#define GONE "end\nmanager removed with key\n"

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
    qbed_leader_stored(b, true);
}

/* "X -> Y" as it is written down. */
static const char *moved(enum queue_state from, const char *to, char *text, size_t size)
{
    snprintf(text, size, "state %s -> %s\n", fsm_state_name(FSM_QUEUE, from), to);
    return text;
}

static void expect_moved(struct qbed *b, enum queue_state from, const char *to,
                         const char *rest)
{
    char text[1024], line[64];
    snprintf(text, sizeof text, "%s%s", moved(from, to, line, sizeof line), rest);
    qbed_expect(b, text);
}

static void expect_gone(struct qbed *b)
{
    qbed_timeout(b);
    qbed_expect(b, GONE);
    assert_null(qbed_queue(b));
}

/* ---- a shutdown, step by step ---- */

static void a_shut_queue_drains(void **state)
{
    struct qbed *b = *state;
    b->has_real_decision_maker = true;
    start(b);
    qbed_expect(b, SAYS_STARTED "containers create 1\n");
    qbed_message(b, 1);
    qbed_get(b, 7);
    qbed_succeeded(b, qbed_queue(b)->creations.items[0].id);
    qbed_expect(b, "answer 7: activation 1\n");
    qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    expect_moved(b, QUEUE_RUNNING, "Removing", SAYS_UNREGISTERS);
    qbed_message(b, 2);
    qbed_get(b, 7);
    qbed_expect(b, "answer 7: activation 2\n");
    qbed_message(b, 3);
    qbed_timeout(b);
    qbed_expect(b, "");
    qbed_expect_state(b, QUEUE_REMOVING, 1);
    qbed_get(b, 7);
    qbed_expect(b, "answer 7: activation 3\n");
    qbed_timeout(b);
    expect_moved(b, QUEUE_REMOVING, "Removed", SAYS_UNWATCHES SAYS_UNCOUNTED);
    expect_gone(b);
    qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
    qbed_expect(b, "");
}

/* ---- a successor ---- */

static const enum queue_state all_states[] = {QUEUE_RUNNING,
                                              QUEUE_IDLE,
                                              QUEUE_FLUSHING,
                                              QUEUE_ACTION_THROTTLED,
                                              QUEUE_NAMESPACE_THROTTLED,
                                              QUEUE_REMOVING,
                                              QUEUE_REMOVED};
#define EACH_STATE(i)                                                                          \
    size_t i = 0;                                                                              \
    i < sizeof all_states / sizeof all_states[0];                                              \
    i++

/* Upstream sets the state alone, and so Removing with the data of Running, which asks for its
 * key; with its own data it does not. */
static void supersede(struct qbed *b, enum queue_state in)
{
    start(b);
    qbed_message(b, 1);
    qbed_expect(b, SAYS_STARTED);
    qbed_set_state(b, in);
    qbed_watched(b, KEY_QUEUE, 0, true);
    if (in == QUEUE_REMOVING)
        qbed_expect(b, "");
    else
        qbed_expect(
            b, "data register-initial " LEADER_KEY
               " {\"host\":\"scheduler0\",\"rpcPort\":13001,\"pekkoPort\":25520} answer\n");
    qbed_leader_stored(b, false);
    expect_moved(
        b, in, "Removed",
        "manager removed with key\nmanager activation 1\n" SAYS_UNWATCHES SAYS_UNCOUNTED);
}

static void a_superseded_queue_forwards_and_goes(void **state)
{
    for (EACH_STATE(i)) {
        struct qbed *b = *state;
        supersede(b, all_states[i]);
        qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
        qbed_expect(b, "end\n");
        qbed_free(b);
        *state = qbed_new();
    }
}

static void a_superseded_queue_goes_without_an_answer(void **state)
{
    for (EACH_STATE(i)) {
        struct qbed *b = *state;
        supersede(b, all_states[i]);
        qbed_pass(b, SEC(5) - 1);
        qbed_expect(b, "");
        qbed_pass(b, 1);
        qbed_expect(b, GONE);
        qbed_free(b);
        *state = qbed_new();
    }
}

/* ---- every state, with its own data and one message where it can have one ---- */

static void reach(struct qbed *b, enum queue_state state)
{
    start(b);
    switch (state) {
    case QUEUE_IDLE:
        qbed_timeout(b);
        break;
    case QUEUE_REMOVED:
        qbed_timeout(b);
        qbed_timeout(b);
        break;
    case QUEUE_FLUSHING:
        qbed_message(b, 1);
        qbed_failed(b, 9, CREATION_WHISK);
        break;
    case QUEUE_REMOVING:
        qbed_message(b, 1);
        qbed_set_state(b, QUEUE_REMOVING);
        qbed_queue(b)->outdated = 1;
        break;
    default:
        qbed_message(b, 1);
        qbed_set_state(b, state);
    }
    qbed_expect_state(b, state, state != QUEUE_IDLE && state != QUEUE_REMOVED);
    b->length = 0;
}

static void stop_removing(struct qbed *b)
{
    qbed_set_containers(b, 1);
    qbed_tell(b, POST_STOP_OUTDATED, NULL, 0);
    qbed_expect(b, "");
    qbed_get(b, 7);
    qbed_expect(b, "answer 7: activation 1\n");
    qbed_message(b, 1);
    qbed_set_containers(b, 0);
    qbed_tell(b, POST_STOP_OUTDATED, NULL, 0);
    expect_moved(b, QUEUE_REMOVING, "Removed",
                 "manager activation 1\n" SAYS_UNWATCHES SAYS_UNCOUNTED "containers delete\n");
    expect_gone(b);
}

static void stop(struct qbed *b, enum queue_state state)
{
    if (state == QUEUE_REMOVING) {
        stop_removing(b);
        return;
    }
    qbed_tell(b, POST_STOP_OUTDATED, NULL, 0);
    switch (state) {
    case QUEUE_REMOVED:
        qbed_expect(b, "");
        break;
    case QUEUE_IDLE:
        expect_moved(b, state, "Removed",
                     SAYS_UNWATCHES SAYS_UNCOUNTED "manager removed\ncontainers delete\n");
        break;
    case QUEUE_FLUSHING: /* and takes the successor's keys along */
        qbed_expect(b, WHISK_ERROR_1 SAYS_MOVED("Flushing",
                                                "Removed") "manager removed\n" SAYS_CLEAN_UP);
        break;
    default:
        expect_moved(b, state, "Removing", "manager removed\nmanager activation 1\n");
        qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
        expect_moved(b, QUEUE_REMOVING, "Removed",
                     SAYS_UNWATCHES SAYS_UNCOUNTED "containers delete\n");
        qbed_pass(b, SEC(5));
        qbed_expect(b, GONE);
        return;
    }
    qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
    qbed_expect(b, "end\n");
}

static void an_outdated_queue_goes_from_every_state(void **state)
{
    for (EACH_STATE(i)) {
        reach(*state, all_states[i]);
        stop(*state, all_states[i]);
        qbed_free(*state);
        *state = qbed_new();
    }
}

static void drain(struct qbed *b, const char *last)
{
    qbed_timeout(b);
    qbed_expect(b, "");
    qbed_get(b, 7);
    qbed_expect(b, "answer 7: activation 1\n");
    qbed_timeout(b);
    expect_moved(b, QUEUE_REMOVING, "Removed", last);
    expect_gone(b);
}

static void shut(struct qbed *b, enum queue_state state)
{
    qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    switch (state) {
    case QUEUE_REMOVING: /* what outdated it is not forgotten */
        qbed_expect(b, "");
        drain(b, SAYS_UNWATCHES SAYS_UNCOUNTED "containers delete\n");
        break;
    case QUEUE_REMOVED:
        qbed_expect(b, "");
        qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
        qbed_expect(b, "end\n");
        break;
    case QUEUE_IDLE:
        expect_moved(b, state, "Removed", SAYS_CLEAN_UP "manager removed with key\n");
        expect_gone(b);
        break;
    case QUEUE_FLUSHING:
        qbed_expect(b, WHISK_ERROR_1 SAYS_MOVED("Flushing", "Removed") SAYS_CLEAN_UP
                    "manager removed with key\n");
        expect_gone(b);
        break;
    default:
        expect_moved(b, state, "Removing", SAYS_UNREGISTERS);
        drain(b, SAYS_UNWATCHES SAYS_UNCOUNTED);
    }
}

static void a_shut_queue_goes_from_every_state(void **state)
{
    for (EACH_STATE(i)) {
        reach(*state, all_states[i]);
        shut(*state, all_states[i]);
        qbed_free(*state);
        *state = qbed_new();
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("MemoryQueueFlowTests", 1189, a_shut_queue_drains),
        CONFORMS("MemoryQueueFlowTests", 1297, a_superseded_queue_forwards_and_goes),
        CONFORMS("MemoryQueueFlowTests", 1384, a_superseded_queue_goes_without_an_answer),
        CONFORMS("MemoryQueueFlowTests", 1474, an_outdated_queue_goes_from_every_state),
        CONFORMS("MemoryQueueFlowTests", 1653, a_shut_queue_goes_from_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
