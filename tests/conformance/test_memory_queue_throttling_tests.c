/* Upstream's MemoryQueueTests, the rest: throttling, watch events, shutdown, dropping. */
#include "support/conform.h"
#include "support/queue_bed.h"
#include "support/queue_bed_text.h"

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

static void enable(struct qbed *b, bool drop)
{
    struct post_decision decision = {.kind = drop ? DECISION_ENABLE_THROTTLING_DROP
                                                  : DECISION_ENABLE_THROTTLING};
    qbed_tell(b, POST_ENABLE_THROTTLING, &decision, sizeof decision);
}

/* ---- throttling ---- */

static void a_full_namespace_is_throttled(void **state)
{
    struct qbed *b = *state;
    start(b);
    enable(b, true);
    qbed_expect(b, SAYS_MOVED("Running", "NamespaceThrottled") SAYS_NAMESPACE("true"));
}

/* It sends the command itself. */
static struct decision lift(struct qbed *b, const struct post_snapshot *s)
{
    if (s->state == QUEUE_NAMESPACE_THROTTLED)
        qbed_tell(b, POST_DISABLE_THROTTLING, NULL, 0);
    return (struct decision){DECISION_SKIP, 0};
}

static void throttling_ends_with_the_next_decision(void **state)
{
    struct qbed *b = *state;
    b->limit = 4;
    b->pilot = lift;
    start(b);
    enable(b, false);
    qbed_expect(b, SAYS_MOVED("Running", "NamespaceThrottled") SAYS_NAMESPACE("true"));
    qbed_pass(b, MSEC(100) - 1);
    qbed_expect(b, "");
    qbed_pass(b, 1);
    qbed_expect(b, SAYS_MOVED("NamespaceThrottled", "Running") SAYS_NAMESPACE("false"));
    assert_int_equal(b->last.namespace_limit, 4);
}

static void a_full_queue_throttles_its_action(void **state)
{
    struct qbed *b = *state;
    bed_config(b->bed, "whisk.scheduler.queue.max-retention-size", 1);
    start(b);
    qbed_message(b, 1);
    qbed_expect(b, SAYS_MOVED("Running", "ActionThrottled") SAYS_ACTION("true"));
}

static void a_fetch_below_the_fraction_lifts_it(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_messages(b, 1, 9);
    qbed_expect(b, "");
    qbed_message(b, 10);
    qbed_expect(b, SAYS_MOVED("Running", "ActionThrottled") SAYS_ACTION("true"));
    qbed_get(b, 7);
    qbed_expect(b, SAYS_MOVED("ActionThrottled",
                              "Running") "answer 7: activation 1\n" SAYS_ACTION("false"));
    qbed_expect_state(b, QUEUE_RUNNING, 9);
}

/* ---- watch events: through the watcher and etcd's counts, all in this machine ---- */

struct stored {
    uint32_t in_progress, existing; /* keys of the namespace in etcd */
    uint32_t answered;              /* of what was sent */
};

static void answer_counts(struct qbed *b, struct stored *stored)
{
    while (stored->answered < b->bed->sent_count) {
        struct message m = b->bed->sent[stored->answered++];
        if (m.kind != MSG_ETCD_RANGE)
            continue;
        struct message reply = bed_reply(&m, MSG_ETCD_RANGED);
        assert_int_equal(m.u.etcd.mode, RANGE_COUNT);
        reply.u.etcd_done.count =
            m.u.etcd.key.family == KEY_IN_PROGRESS ? stored->in_progress : stored->existing;
        bed_deliver(b->bed, &reply);
        qbed_settle(b);
    }
}

/* etcd tells of one key, and the watcher those that asked for it. */
static void publish(struct qbed *b, struct stored *stored, enum key_family family,
                    uint32_t revision, uint32_t id, bool deleted)
{
    uint32_t *count = family == KEY_IN_PROGRESS ? &stored->in_progress : &stored->existing;
    struct post_watched event = {.key = queue_key(qbed_queue(b), family), .is_prefix = 1};
    event.key.revision = revision;
    event.key.id = id;
    *count = deleted ? *count - 1 : *count + 1;
    struct message m = bed_message(b->bed, MSG_POST, BED_SCHEDULER0, 0);
    *MESSAGE_LOCAL(&m, struct post_watched) = event;
    m.what = deleted ? POST_REMOVED : POST_INSERTED;
    m.from_actor = ACTOR_WATCHER_ID;
    m.to_actor = ACTOR(ACTOR_COUNTER, counter_of(b->machine, BED_GUEST)->generation, BED_GUEST);
    bed_deliver(b->bed, &m);
    if (revision == 1) { /* the queue's prefix has the revision */
        m.to_actor = b->actor;
        bed_deliver(b->bed, &m);
    }
    qbed_settle(b);
    answer_counts(b, stored);
}

static void expect_counts(const struct qbed *b, uint32_t containers, uint32_t creations,
                          uint32_t existing, uint32_t in_progress)
{
    const struct queue *q = qbed_queue(b);
    assert_int_equal(shared_set_count(&q->containers), containers);
    assert_int_equal(shared_set_count(&q->creations), creations);
    assert_int_equal(q->counter->existing, existing);
    assert_int_equal(q->counter->in_progress, in_progress);
}

static void watch_events_count_containers(void **state)
{
    struct qbed *b = *state;
    struct stored stored = {0, 0, 0};
    b->limit = 4;
    start(b);
    expect_counts(b, 0, 0, 0, 0);
    publish(b, &stored, KEY_IN_PROGRESS, 1, 101, false);
    publish(b, &stored, KEY_EXISTING, 1, 1, false);
    publish(b, &stored, KEY_IN_PROGRESS, 2, 102, false);
    publish(b, &stored, KEY_EXISTING, 2, 2, false);
    expect_counts(b, 1, 1, 2, 2);
    publish(b, &stored, KEY_IN_PROGRESS, 1, 103, false);
    publish(b, &stored, KEY_EXISTING, 1, 3, false);
    publish(b, &stored, KEY_IN_PROGRESS, 2, 104, false);
    publish(b, &stored, KEY_EXISTING, 2, 4, false);
    expect_counts(b, 2, 2, 4, 4);
    publish(b, &stored, KEY_IN_PROGRESS, 1, 101, true);
    publish(b, &stored, KEY_IN_PROGRESS, 1, 103, true);
    publish(b, &stored, KEY_IN_PROGRESS, 2, 102, true);
    publish(b, &stored, KEY_IN_PROGRESS, 2, 104, true);
    expect_counts(b, 2, 0, 4, 0);
    publish(b, &stored, KEY_EXISTING, 1, 1, true);
    publish(b, &stored, KEY_EXISTING, 1, 3, true);
    publish(b, &stored, KEY_EXISTING, 2, 2, true);
    publish(b, &stored, KEY_EXISTING, 2, 4, true);
    expect_counts(b, 0, 0, 0, 0);
    qbed_expect(b, "");
}

/* ---- shutdown ---- */

static void a_shutdown_takes_the_keys_away(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    qbed_expect(b, SAYS_MOVED("Running", "Removing") SAYS_UNREGISTERS);

    qbed_free(b);
    *state = b = qbed_new();
    start(b);
    qbed_messages(b, 1, 10);
    qbed_expect(b, SAYS_MOVED("Running", "ActionThrottled") SAYS_ACTION("true"));
    qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    qbed_expect(b, SAYS_MOVED("ActionThrottled", "Removing") SAYS_UNREGISTERS);

    qbed_free(b);
    *state = b = qbed_new();
    start(b);
    enable(b, false);
    qbed_expect(b, SAYS_MOVED("Running", "NamespaceThrottled") SAYS_NAMESPACE("true"));
    qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    qbed_expect(b, SAYS_MOVED("NamespaceThrottled", "Removing") SAYS_UNREGISTERS);

    qbed_free(b);
    *state = b = qbed_new();
    start(b);
    qbed_failed(b, 9, CREATION_WHISK);
    qbed_expect(b, SAYS_MOVED("Running", "Flushing"));
    qbed_tell(b, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    qbed_expect(b,
                SAYS_MOVED("Flushing", "Removed") SAYS_CLEAN_UP "manager removed with key\n");
}

/* ---- dropping ---- */

static void messages_of_the_retention_age_are_dropped(void **state)
{
    static const uint32_t ages_s[] = {4, 3, 2, 1, 0};
    struct qbed *b = *state;
    bed_config(b->bed, "whisk.scheduler.queue.max-retention-ms", SEC(2));
    start(b);
    qbed_pass(b, SEC(1)); /* out of step with the worker */
    for (uint32_t i = 0; i < 5; i++) {
        qbed_message(b, i + 1);
        if (ages_s[i] > 0)
            qbed_pass(b, SEC(1));
    }
    qbed_tell(b, POST_DROP_OLD, NULL, 0);
    qbed_expect(b, "error 1 whisk: Activation processing is not initiated for 60000 ms\n"
                   "error 2 whisk: Activation processing is not initiated for 60000 ms\n"
                   "error 3 whisk: Activation processing is not initiated for 60000 ms\n");
    qbed_expect_state(b, QUEUE_RUNNING, 2);
    qbed_pass(b, SEC(1) - 1);
    qbed_tell(b, POST_DROP_OLD, NULL, 0);
    qbed_expect(b, "");
}

static void nothing_is_dropped_from_an_empty_queue(void **state)
{
    struct qbed *b = *state;
    start(b);
    qbed_tell(b, POST_DROP_OLD, NULL, 0);
    qbed_expect(b, "");
    qbed_expect_state(b, QUEUE_RUNNING, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("MemoryQueueTests", 1475, a_full_namespace_is_throttled),
        CONFORMS("MemoryQueueTests", 1526, throttling_ends_with_the_next_decision),
        CONFORMS("MemoryQueueTests", 1588, a_full_queue_throttles_its_action),
        CONFORMS("MemoryQueueTests", 1637, a_fetch_below_the_fraction_lifts_it),
        CONFORMS("MemoryQueueTests", 1696, watch_events_count_containers),
        CONFORMS("MemoryQueueTests", 1911, a_shutdown_takes_the_keys_away),
        CONFORMS("MemoryQueueTests", 1976, messages_of_the_retention_age_are_dropped),
        CONFORMS("MemoryQueueTests", 2003, nothing_is_dropped_from_an_empty_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
