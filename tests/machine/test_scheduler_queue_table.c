/*
 * MemoryQueue, every event in every state: what it says and what it is afterwards are as
 * tests/golden/queue_table.txt has them (the table of MemoryQueue.scala:218-677).
 */
#include "support/queue_bed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN TEST_SOURCE_DIR "/tests/golden/queue_table.txt"
#define TABLE_MAX (1u << 18)

struct cell_event {
    const char *name;
    void (*happen)(struct qbed *b);
    bool needs_timer; /* of silence, or of Flushing */
};

static void on_start(struct qbed *b)
{
    qbed_tell(b, POST_START, NULL, 0);
}

static void on_version_updated(struct qbed *b)
{
    qbed_tell(b, POST_VERSION_UPDATED, NULL, 0);
}

static void on_message(struct qbed *b)
{
    qbed_message(b, 2);
}

static void on_message_with_container(struct qbed *b)
{
    qbed_set_containers(b, 1);
    qbed_message(b, 2);
}

static void on_message_with_nothing(struct qbed *b)
{
    qbed_set_creations(b, 0);
    qbed_message(b, 2);
}

static void on_many_messages(struct qbed *b)
{
    qbed_messages(b, 2, 10);
}

static void on_poll_then_message(struct qbed *b)
{
    qbed_get(b, 7);
    qbed_get(b, 8);
    qbed_message(b, 2);
    qbed_pass(b, SEC(1));
}

static void on_get(struct qbed *b)
{
    qbed_get_after(b, 7, 40);
}

static void on_farewell(struct qbed *b)
{
    qbed_set_containers(b, 2);
    qbed_farewell(b, 1);
}

static void on_mismatch(struct qbed *b)
{
    struct post_get get = {.container = 7, .revision = 2, .action = BED_HELLO, .alive = 1};
    struct message m = bed_message(b->bed, MSG_POST, BED_SCHEDULER0, b->actor);
    *MESSAGE_LOCAL(&m, struct post_get) = get;
    m.what = POST_GET_ACTIVATION;
    m.from_actor = ACTOR(ACTOR_CALL, 0, 7);
    bed_deliver(b->bed, &m);
    qbed_settle(b);
}

static void on_initial(struct qbed *b)
{
    qbed_decide(b, DECISION_ADD_INITIAL, 1);
}

static void on_add(struct qbed *b)
{
    qbed_decide(b, DECISION_ADD, 2);
}

static void on_no_add(struct qbed *b)
{
    qbed_decide(b, DECISION_ADD, 0);
}

static void on_enable(struct qbed *b)
{
    qbed_decide(b, DECISION_ENABLE_THROTTLING, 2);
}

static void on_enable_drop(struct qbed *b)
{
    qbed_decide(b, DECISION_ENABLE_THROTTLING_DROP, 0);
}

static void on_disable(struct qbed *b)
{
    qbed_decide(b, DECISION_DISABLE_THROTTLING, 0);
}

static void on_pausing(struct qbed *b)
{
    qbed_decide(b, DECISION_PAUSING, 0);
}

static void on_succeeded(struct qbed *b)
{
    qbed_succeeded(b, QBED_CREATION);
}

static void on_whisk_failure(struct qbed *b)
{
    qbed_failed(b, QBED_CREATION, CREATION_RESOURCE_NOT_ENOUGH);
}

static void on_developer_failure(struct qbed *b)
{
    qbed_failed(b, QBED_CREATION, CREATION_BLACK_BOX);
}

static void on_failure_with_container(struct qbed *b)
{
    qbed_set_containers(b, 1);
    qbed_failed(b, QBED_CREATION, CREATION_BLACK_BOX);
}

static void on_invalid_limit(struct qbed *b)
{
    qbed_failed(b, QBED_CREATION, CREATION_INVALID_ACTION_LIMIT);
}

static void on_creation_put(struct qbed *b)
{
    qbed_watched(b, KEY_IN_PROGRESS, 5, false);
}

static void on_creation_deleted(struct qbed *b)
{
    qbed_watched(b, KEY_IN_PROGRESS, QBED_CREATION, true);
}

static void on_container_put(struct qbed *b)
{
    qbed_watched(b, KEY_EXISTING, 5, false);
}

static void on_container_deleted(struct qbed *b)
{
    qbed_set_containers(b, 2);
    qbed_watched(b, KEY_EXISTING, 2, true);
}

static void on_leader_deleted(struct qbed *b)
{
    qbed_watched(b, KEY_QUEUE, 0, true);
}

static void on_leader_stored(struct qbed *b)
{
    qbed_leader_stored(b, true);
}

static void on_leader_taken(struct qbed *b)
{
    qbed_leader_stored(b, false);
}

static void on_throttling_stored(struct qbed *b)
{
    struct post_data data = {
        .key = {.family = KEY_THROTTLING, .ns = BED_GUEST, .action = ACTION_NONE}};
    qbed_tell(b, POST_INITIAL_STORED, &data, sizeof data);
}

static void drop_at(struct qbed *b, duration age)
{
    const struct queue *q = qbed_queue(b);
    if (q->count > 0)
        queue_head(q)->enqueued_at -= age;
    qbed_tell(b, POST_DROP_OLD, NULL, 0);
}

static void on_drop_old(struct qbed *b)
{
    drop_at(b, SEC(10));
}

static void on_drop_old_too_early(struct qbed *b)
{
    drop_at(b, SEC(10) - 1);
}

static void on_shutdown(struct qbed *b)
{
    qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
}

static void on_outdated(struct qbed *b)
{
    qbed_tell(b, POST_STOP_OUTDATED, NULL, 0);
}

static void on_outdated_with_container(struct qbed *b)
{
    qbed_set_containers(b, 1);
    qbed_tell(b, POST_STOP_OUTDATED, NULL, 0);
}

static void on_completed(struct qbed *b)
{
    qbed_tell(b, POST_QUEUE_REMOVED_COMPLETED, NULL, 0);
}

static const struct cell_event events[] = {
    {"Start", on_start, false},
    {"VersionUpdated", on_version_updated, false},
    {"ActivationMessage", on_message, false},
    {"ActivationMessage, one container", on_message_with_container, false},
    {"ActivationMessage, no creation", on_message_with_nothing, false},
    {"ten of them", on_many_messages, false},
    {"two polls, ActivationMessage, 1 s", on_poll_then_message, false},
    {"GetActivation", on_get, false},
    {"GetActivation, not alive", on_farewell, false},
    {"GetActivation of another revision", on_mismatch, false},
    {"AddInitialContainer 1", on_initial, false},
    {"AddContainer 2", on_add, false},
    {"AddContainer 0", on_no_add, false},
    {"EnableNamespaceThrottling 2", on_enable, false},
    {"EnableNamespaceThrottling, drop", on_enable_drop, false},
    {"DisableNamespaceThrottling", on_disable, false},
    {"Pausing", on_pausing, false},
    {"SuccessfulCreationJob", on_succeeded, false},
    {"FailedCreationJob, whisk", on_whisk_failure, false},
    {"FailedCreationJob, developer", on_developer_failure, false},
    {"FailedCreationJob, developer, one container", on_failure_with_container, false},
    {"FailedCreationJob, action limit", on_invalid_limit, false},
    {"PUT of a creation", on_creation_put, false},
    {"DELETE of a creation", on_creation_deleted, false},
    {"PUT of a container", on_container_put, false},
    {"DELETE of a container", on_container_deleted, false},
    {"DELETE of the leader key", on_leader_deleted, false},
    {"leader key stored", on_leader_stored, false},
    {"leader key taken", on_leader_taken, false},
    {"throttling key stored", on_throttling_stored, false},
    {"StateTimeout", qbed_timeout, true},
    {"DropOld at 10 s", on_drop_old, false},
    {"DropOld 1 ns before", on_drop_old_too_early, false},
    {"GracefulShutdown", on_shutdown, false},
    {"StopSchedulingAsOutdated", on_outdated, false},
    {"StopSchedulingAsOutdated, one container", on_outdated_with_container, false},
    {"QueueRemovedCompleted", on_completed, false},
};

/* With message 1 where the state can have one, and one creation on its way. */
static struct qbed *reach(enum queue_state state)
{
    struct qbed *b = qbed_new();
    qbed_make(b, BED_HELLO);
    if (state == QUEUE_UNINITIALIZED)
        return b;
    qbed_tell(b, POST_START, NULL, 0);
    if (state == QUEUE_IDLE || state == QUEUE_REMOVED)
        qbed_timeout(b);
    else
        qbed_message(b, 1);
    if (state == QUEUE_REMOVED)
        qbed_timeout(b);
    else if (state == QUEUE_FLUSHING)
        qbed_failed(b, 9, CREATION_WHISK);
    else if (state != QUEUE_RUNNING && state != QUEUE_IDLE)
        qbed_set_state(b, state);
    qbed_set_creations(b, 1);
    return b;
}

static size_t put_state(const struct qbed *b, char *text, size_t size)
{
    const struct queue *q = qbed_queue(b);
    if (q == NULL)
        return 0;
    int length = snprintf(
        text, size, "= %s, %u waiting, %u containers, %u creations%s%s%s%s, %s%s%s%s\n",
        fsm_state_name(FSM_QUEUE, q->state), q->count, shared_set_count(&q->containers),
        shared_set_count(&q->creations), q->stash_count > 0 ? ", stashed" : "",
        q->initialized ? ", initialized" : "", q->outdated ? ", outdated" : "",
        q->active_during_flush ? ", active" : "", q->is_monitoring ? "monitor" : "no monitor",
        q->worker != NULL ? ", worker" : "", q->flush_error != 0 ? ", " : "",
        q->flush_error != 0 ? creation_error_to_string(q->flush_error) : "");
    return (size_t)length;
}

static size_t put_cell(enum queue_state state, const struct cell_event *event, char *text,
                       size_t size)
{
    struct qbed *b = reach(state);
    const struct queue *q = qbed_queue(b);
    b->length = 0;
    if (event->needs_timer && !timer_is_armed(&q->state_timer) &&
        !timer_is_armed(&q->flush_timer)) {
        qbed_free(b);
        return 0;
    }
    event->happen(b);
    size_t length =
        (size_t)snprintf(text, size, "%s: %s\n%.*s", fsm_state_name(FSM_QUEUE, state),
                         event->name, (int)b->length, b->text);
    length += put_state(b, text + length, size - length);
    qbed_free(b);
    return length;
}

static void every_event_in_every_state(void **state)
{
    (void)state;
    char *table = calloc(2, TABLE_MAX), *golden = table + TABLE_MAX;
    assert_non_null(table);
    size_t length = 0;
    for (unsigned s = 0; s < QUEUE_STATE_COUNT; s++)
        for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
            length +=
                put_cell((enum queue_state)s, &events[i], table + length, TABLE_MAX - length);
    assert_true(length + 1 < TABLE_MAX);
    bool writes = getenv("UPDATE_GOLDEN") != NULL;
    FILE *file = fopen(GOLDEN, writes ? "w" : "r");
    assert_non_null(file);
    if (writes)
        assert_int_equal(fwrite(table, 1, length, file), length);
    else
        assert_true(fread(golden, 1, TABLE_MAX - 1, file) > 0);
    fclose(file);
    if (!writes && strcmp(table, golden) != 0) {
        size_t at = 0;
        while (table[at] == golden[at])
            at++;
        while (at > 0 && table[at - 1] != '\n')
            at--;
        fail_msg("---- expected\n%.400s\n---- got\n%.400s", golden + at, table + at);
    }
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_event_in_every_state)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
