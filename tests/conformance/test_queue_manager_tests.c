/*
 * test_queue_manager_tests.c - upstream's QueueManagerTests: queues by election, activations
 * for other schedulers and other revisions, errors.
 *
 * Upstream's queue is a probe there; here it is the real one, kept from its first decision by a
 * namespace's limit that is never answered.
 */
#include "support/conform.h"
#include "support/manager_bed.h"

static int setup(void **state)
{
    struct sched *s = sched_started();
    s->holds_read = true;
    sched_forget(s);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    sched_free(*state);
    return 0;
}

/* The n-th activation of a queue, and what it carries. */
static void expect_waiting(const struct queue *q, uint32_t n, uint32_t request,
                           uint32_t revision)
{
    assert_true(n < q->count);
    const struct waiting *w = &q->messages[(q->head + n) & (q->max - 1)];
    assert_int_equal(w->activation.id, ACTIVATION_ID(request, 0));
    assert_int_equal(w->activation.revision, revision);
}

static void arrive(struct sched *s, uint32_t request, uint32_t revision)
{
    struct activation a = sched_activation(s, request);
    a.revision = revision;
    sched_arrive(s, &a);
}

/* The last read of an action is answered. */
static void answer_action(struct sched *s, enum document_result result, uint32_t revision)
{
    for (uint32_t i = s->bed->sent_count; i > 0; i--) {
        const struct message *m = &s->bed->sent[i - 1];
        if (m->kind != MSG_DATABASE_READ || m->u.database.document != DOCUMENT_ACTION)
            continue;
        struct message reply = bed_reply(m, MSG_DATABASE_DOCUMENT);
        reply.u.database = m->u.database;
        reply.u.database.result = (uint8_t)result;
        reply.u.database.revision = revision;
        bed_deliver(s->bed, &reply);
        sched_pump(s);
        return;
    }
    fail_msg("no action was read");
}

static void watch_leader(struct sched *s, const struct value *value, bool deleted)
{
    struct key key = {.family = KEY_QUEUE, .ns = BED_GUEST, .action = BED_HELLO};
    sched_watch(s, &key, value, deleted);
}

static bool watches_leaders(const struct watcher *watcher)
{
    for (uint32_t i = 0; i < watcher->count; i++) {
        const struct watcher_entry *entry = &watcher->entries[i];
        if (entry->actor == ACTOR_MANAGER_ID && entry->what.key.family == KEY_QUEUE)
            return true;
    }
    return false;
}

/* ---- CreateQueue ---- */

static void a_remote_manager_is_called_by_its_name(void **state)
{
    struct sched *s = *state;
    struct message m = bed_message(s->bed, MSG_CREATE_QUEUE, BED_SCHEDULER1, ACTOR_MANAGER_ID);
    m.u.create_queue.action = BED_HELLO;
    m.u.create_queue.ns = BED_GUEST;
    m.u.create_queue.revision = 1;
    bed_deliver(s->bed, &m);
    sched_pump(s);
    expect_trace(
        s->bed,
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/queue/guest/guest/hello/leader "
        "{\"host\":\"scheduler0\",\"rpcPort\":13001,\"pekkoPort\":25520} lease 7\n"
        "scheduler0/queue-manager#0 > scheduler1 queue-created guest/hello success\n"
        "scheduler0/callback#0 > database read identity none\n"
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/throttling/guest false lease 7\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/throttling/guest/guest/hello false lease "
        "7\n");
    expect_records(s->bed, "makes a queue of guest/hello\n"
                           "queue goes from Uninitialized to Running, guest/hello\n");
}

static void an_election_that_is_won_makes_a_queue(void **state)
{
    struct sched *s = *state;
    assert_true(watches_leaders(&s->machine->watcher));
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    expect_trace(
        s->bed,
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/queue/guest/guest/hello/leader "
        "{\"host\":\"scheduler0\",\"rpcPort\":13001,\"pekkoPort\":25520} lease 7\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/hello success\n"
        "scheduler0/callback#0 > database read identity none\n"
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/throttling/guest false lease 7\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/throttling/guest/guest/hello false lease "
        "7\n");
    expect_records(s->bed, "makes a queue of guest/hello\n"
                           "queue goes from Uninitialized to Running, guest/hello\n");
    assert_non_null(manager_queue(s, BED_HELLO, 1));
    assert_int_equal(pool_leader(s->machine, BED_GUEST, BED_HELLO, 1),
                     manager_queue(s, BED_HELLO, 1)->actor);
}

static void an_election_that_is_lost_is_success_too(void **state)
{
    struct sched *s = *state;
    s->election_is_lost = true;
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    expect_trace(
        s->bed,
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/queue/guest/guest/hello/leader "
        "{\"host\":\"scheduler0\",\"rpcPort\":13001,\"pekkoPort\":25520} lease 7\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/hello success\n");
    expect_records(s->bed, "");
    assert_null(manager_queue(s, BED_HELLO, 1));
}

static void a_queue_that_is_there_needs_no_election(void **state)
{
    struct sched *s = *state;
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    const struct queue *q = manager_queue(s, BED_HELLO, 1);
    sched_forget(s);
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    expect_trace(
        s->bed, "scheduler0/queue-manager#0 > controller0 queue-created guest/hello success\n");
    expect_records(s->bed, "");
    assert_ptr_equal(manager_queue(s, BED_HELLO, 1), q);
}

static void four_who_ask_at_once_share_an_election(void **state)
{
    struct sched *s = *state;
    struct message m = bed_message(s->bed, MSG_CREATE_QUEUE, BED_CONTROLLER0, ACTOR_MANAGER_ID);
    m.u.create_queue.action = BED_HELLO;
    m.u.create_queue.ns = BED_GUEST;
    m.u.create_queue.revision = 1;
    for (uint32_t i = 0; i < 4; i++) {
        m.corr = 100 + i;
        bed_deliver(s->bed, &m);
    }
    expect_trace(
        s->bed,
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/queue/guest/guest/hello/leader "
        "{\"host\":\"scheduler0\",\"rpcPort\":13001,\"pekkoPort\":25520} lease 7\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/hello success\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/hello success\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/hello success\n");
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(bed_sent(s->bed, MSG_QUEUE_CREATED, i)->corr, 101 + i);
    sched_pump(s);
    expect_trace(
        s->bed,
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/queue/guest/guest/hello/leader "
        "{\"host\":\"scheduler0\",\"rpcPort\":13001,\"pekkoPort\":25520} lease 7\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/hello success\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/hello success\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/hello success\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/hello success\n"
        "scheduler0/callback#0 > database read identity none\n"
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/throttling/guest false lease 7\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/throttling/guest/guest/hello false lease "
        "7\n");
    assert_int_equal(bed_sent(s->bed, MSG_QUEUE_CREATED, 3)->corr, 100);
    expect_records(s->bed, "makes a queue of guest/hello\n"
                           "queue goes from Uninitialized to Running, guest/hello\n");
}

static void a_warm_up_needs_no_queue(void **state)
{
    struct sched *s = *state;
    manager_create(s, NAMESPACE_SYSTEM, ACTION_WARM_UP, 1);
    expect_trace(
        s->bed,
        "scheduler0/queue-manager#0 > controller0 queue-created whisk.system/warmUp success\n");
    expect_records(s->bed, "");
    assert_int_equal(s->machine->pool.count, 0);
}

/* ---- activations for a queue elsewhere ---- */

static void a_queue_elsewhere_is_looked_up_once(void **state)
{
    struct sched *s = *state;
    s->leader = BED_SCHEDULER1;
    arrive(s, 1, 1);
    expect_trace(s->bed,
                 "scheduler0/callback#0 > etcd range get whisk/queue/guest/guest/hello/leader\n"
                 "scheduler0/callback#0 > scheduler1/queue-manager#0 forward 1.0 guest/hello "
                 "blocking\n");
    expect_records(s->bed, "looks for the queue of guest/hello, for activation 1\n"
                           "passes activation 1 of guest/hello on to scheduler1\n");
    sched_forget(s);
    arrive(s, 2, 1);
    expect_trace(
        s->bed,
        "scheduler0/handler#0 > scheduler1/queue-manager#0 forward 2.0 guest/hello blocking\n");
    expect_records(s->bed, "passes activation 2 of guest/hello on to scheduler1\n");
}

/* The last look-up is answered with an error that the etcd client does not ask again for. */
static void fail_range(struct sched *s)
{
    uint32_t count = bed_sent_count(s->bed, MSG_ETCD_RANGE);
    struct message reply =
        bed_reply(bed_sent(s->bed, MSG_ETCD_RANGE, count - 1), MSG_ETCD_RANGED);
    reply.u.etcd_done.status = ETCD_LEASE_NOT_FOUND;
    if (s->holds_range)
        bed_deliver(s->bed, &reply);
    sched_pump(s);
}

/* With two retries, for an etcd that fails or has nothing. */
static void expect_three_attempts(struct sched *s)
{
    bed_config(s->bed, "whisk.scheduler.queue-manager.max-retries-to-get-queue", 2);
    bed_config(s->bed, "whisk.scheduler.queue-manager.max-scheduling-time", SEC(10));
    arrive(s, 1, 1);
    fail_range(s);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 1);
    sched_pass(s, MSEC(1) - 1);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 1);
    sched_pass(s, 1);
    fail_range(s);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 2);
    sched_pass(s, MSEC(2) - 1);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 2);
    sched_pass(s, 1);
    fail_range(s);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 3);
    sched_pass(s, MSEC(90));
}

static void an_etcd_that_fails_is_asked_three_times(void **state)
{
    struct sched *s = *state;
    s->holds_range = true;
    expect_three_attempts(s);
    expect_trace(s->bed,
                 "scheduler0/callback#0 > etcd range get whisk/queue/guest/guest/hello/leader\n"
                 "scheduler0/callback#0 > etcd range get whisk/queue/guest/guest/hello/leader\n"
                 "scheduler0/callback#0 > etcd range get whisk/queue/guest/guest/hello/leader\n"
                 "scheduler0/producer#0 > kafka produce completed0 ack combined 1.0 whisk "
                 "internal error (unparsable)\n"
                 "scheduler0/producer#0 > database store 1.0 whisk internal error\n");
    expect_records(s->bed, "looks for the queue of guest/hello, for activation 1\n"
                           "gives activation 1 of guest/hello up: The activation has not been "
                           "processed: failed to get the queue endpoint.\n"
                           "sends a combined ack for activation 1 to controller0: whisk "
                           "internal error (no controller can read it)\n"
                           "sends the record of activation 1: whisk internal error\n");
}

static void an_etcd_that_has_nothing_is_asked_three_times(void **state)
{
    struct sched *s = *state;
    expect_three_attempts(s);
    expect_trace(s->bed,
                 "scheduler0/callback#0 > etcd range get whisk/queue/guest/guest/hello/leader\n"
                 "scheduler0/callback#0 > etcd range get whisk/queue/guest/guest/hello/leader\n"
                 "scheduler0/callback#0 > etcd range get whisk/queue/guest/guest/hello/leader\n"
                 "scheduler0/producer#0 > kafka produce completed0 ack combined 1.0 whisk "
                 "internal error (unparsable)\n"
                 "scheduler0/producer#0 > database store 1.0 whisk internal error\n");
    expect_records(s->bed, "looks for the queue of guest/hello, for activation 1\n"
                           "gives activation 1 of guest/hello up: The activation has not been "
                           "processed: failed to get the queue endpoint.\n"
                           "sends a combined ack for activation 1 to controller0: whisk "
                           "internal error (no controller can read it)\n"
                           "sends the record of activation 1: whisk internal error\n");
}

static void leaders_are_remembered_as_they_are_watched(void **state)
{
    struct sched *s = *state;
    struct value good = {.kind = VALUE_ENDPOINTS, .node = BED_SCHEDULER1};
    struct value bad = {.kind = VALUE_BOOL, .a = 1};
    const struct route *route = pool_route(s->machine, BED_GUEST, BED_HELLO);
    watch_leader(s, &good, false);
    assert_int_equal(route->selection, BED_SCHEDULER1);
    expect_records(s->bed, "believes that key whisk/queue/guest/guest/hello/leader is there\n");
    watch_leader(s, &bad, false);
    assert_int_equal(route->selection, BED_SCHEDULER1);
    expect_records(s->bed, "believes that key whisk/queue/guest/guest/hello/leader is there\n"
                           "cannot use message post from scheduler0 (13)\n");
    watch_leader(s, &good, true);
    assert_int_equal(route->selection, NODE_NONE);
    expect_trace(s->bed, "");
}

/* ---- revisions ---- */

static void a_newer_revision_makes_a_new_queue(void **state)
{
    struct sched *s = *state;
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    struct queue *old = manager_queue(s, BED_HELLO, 1);
    sched_forget(s);
    arrive(s, 1, 2);
    sched_expect_state(s, old, QUEUE_REMOVED); /* it had nothing, and has said so */
    assert_int_equal(s->machine->pool.leader_count, 0);
    answer_action(s, DOCUMENT_FOUND, 2);
    for (uint32_t request = 2; request <= 12; request++)
        arrive(s, request, 2);
    expect_trace(s->bed, "scheduler0/callback#1 > database read action guest/hello\n"
                         "scheduler0/callback#2 > etcd range prefix namespace depth 3\n"
                         "scheduler0/callback#2 > etcd range prefix warmed depth 3\n");
    expect_records(s->bed,
                   "looks for the queue of guest/hello, for activation 1\n"
                   "queue goes from Running to Removing, guest/hello\n"
                   "queue goes from Removing to Removed, guest/hello\n"
                   "makes a queue of guest/hello\n"
                   "queue goes from Uninitialized to Running, guest/hello\n"
                   "activation 1 of guest/hello waits in the queue, which has 1 now\n"
                   "activation 2 of guest/hello waits in the queue, which has 2 now\n"
                   "activation 3 of guest/hello waits in the queue, which has 3 now\n"
                   "activation 4 of guest/hello waits in the queue, which has 4 now\n"
                   "activation 5 of guest/hello waits in the queue, which has 5 now\n"
                   "activation 6 of guest/hello waits in the queue, which has 6 now\n"
                   "activation 7 of guest/hello waits in the queue, which has 7 now\n"
                   "activation 8 of guest/hello waits in the queue, which has 8 now\n"
                   "activation 9 of guest/hello waits in the queue, which has 9 now\n"
                   "activation 10 of guest/hello waits in the queue, which has 10 now\n"
                   "activation 11 of guest/hello waits in the queue, which has 11 now\n"
                   "activation 12 of guest/hello waits in the queue, which has 12 now\n");
    struct queue *q = manager_queue(s, BED_HELLO, 2);
    assert_non_null(q);
    sched_expect_state(s, q, QUEUE_RUNNING);
    assert_int_equal(q->count, 12);
    for (uint32_t i = 0; i < 12; i++)
        expect_waiting(q, i, i + 1, 2);
    assert_null(manager_queue(s, BED_HELLO, 1));
    assert_int_equal(pool_route(s->machine, BED_GUEST, BED_HELLO)->init_revision, 2);
}

static void an_update_during_the_update_takes_the_last_one(void **state)
{
    struct sched *s = *state;
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    sched_forget(s);
    arrive(s, 1, 2);
    assert_int_equal(bed_sent(s->bed, MSG_DATABASE_READ, 0)->u.database.revision, 2);
    answer_action(s, DOCUMENT_MISMATCH, 3);
    assert_int_equal(bed_sent(s->bed, MSG_DATABASE_READ, 1)->u.database.revision, 0);
    assert_null(manager_queue(s, BED_HELLO, 2));
    answer_action(s, DOCUMENT_FOUND, 3);
    expect_trace(s->bed, "scheduler0/callback#1 > database read action guest/hello\n"
                         "scheduler0/callback#2 > etcd range prefix namespace depth 3\n"
                         "scheduler0/callback#2 > etcd range prefix warmed depth 3\n"
                         "scheduler0/callback#1 > database read action guest/hello\n");
    expect_records(s->bed, "looks for the queue of guest/hello, for activation 1\n"
                           "queue goes from Running to Removing, guest/hello\n"
                           "queue goes from Removing to Removed, guest/hello\n"
                           "makes a queue of guest/hello\n"
                           "queue goes from Uninitialized to Running, guest/hello\n"
                           "activation 1 of guest/hello waits in the queue, which has 1 now\n");
    struct queue *q = manager_queue(s, BED_HELLO, 3);
    assert_non_null(q);
    assert_int_equal(q->count, 1);
    expect_waiting(q, 0, 1, 3);
    assert_int_equal(pool_route(s->machine, BED_GUEST, BED_HELLO)->init_revision, 3);
}

static void an_older_revision_is_rewritten(void **state)
{
    struct sched *s = *state;
    s->leader = BED_SCHEDULER0;
    manager_create(s, BED_GUEST, BED_HELLO, 2);
    sched_forget(s);
    arrive(s, 1, 1);
    expect_trace(
        s->bed,
        "scheduler0/callback#1 > etcd range get whisk/queue/guest/guest/hello/leader\n");
    expect_records(s->bed, "looks for the queue of guest/hello, for activation 1\n"
                           "activation 1 of guest/hello waits in the queue, which has 1 now\n");
    struct queue *q = manager_queue(s, BED_HELLO, 2);
    assert_int_equal(q->count, 1);
    expect_waiting(q, 0, 1, 2);
}

static void an_update_that_cannot_be_read_completes_it(void **state)
{
    struct sched *s = *state;
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    sched_forget(s);
    arrive(s, 1, 2);
    struct activation a = sched_activation(s, 1);
    answer_action(s, DOCUMENT_ERROR, 0);
    expect_trace(s->bed, "scheduler0/callback#1 > database read action guest/hello\n"
                         "scheduler0/callback#2 > etcd range prefix namespace depth 3\n"
                         "scheduler0/callback#2 > etcd range prefix warmed depth 3\n"
                         "scheduler0/producer#0 > kafka produce completed0 ack combined 1.0 "
                         "whisk internal error (unparsable)\n"
                         "scheduler0/producer#0 > database store 1.0 whisk internal error\n");
    expect_records(s->bed,
                   "looks for the queue of guest/hello, for activation 1\n"
                   "queue goes from Running to Removing, guest/hello\n"
                   "queue goes from Removing to Removed, guest/hello\n"
                   "gives activation 1 of guest/hello up: The action could not be read.\n"
                   "sends a combined ack for activation 1 to controller0: whisk internal error "
                   "(no controller can read it)\n"
                   "sends the record of activation 1: whisk internal error\n");
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_ACTION_UNREADABLE,
                       ACK_BY_SCHEDULER);
}

static void a_queue_that_is_missed_is_made_again_once(void **state)
{
    struct sched *s = *state;
    s->leader = BED_SCHEDULER0;
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    manager_removed(s, manager_queue(s, BED_HELLO, 1), true);
    sched_forget(s);
    for (uint32_t request = 1; request <= 2; request++) {
        struct post_activation post = {.activation = sched_activation(s, request), .is_own = 1};
        sched_post(s, ACTOR_MANAGER_ID, ACTOR_MANAGER_ID, POST_ACTIVATION, &post, sizeof post);
    }
    assert_int_equal(bed_sent_count(s->bed, MSG_DATABASE_READ), 2); /* no cache here */
    struct message second = *bed_sent(s->bed, MSG_DATABASE_READ, 1);
    struct message first = *bed_sent(s->bed, MSG_DATABASE_READ, 0);
    const struct message *const reads[] = {&first, &second};
    for (unsigned i = 0; i < 2; i++) {
        struct message reply = bed_reply(reads[i], MSG_DATABASE_DOCUMENT);
        reply.u.database = reads[i]->u.database;
        reply.u.database.revision = 1;
        bed_deliver(s->bed, &reply);
        sched_pump(s);
    }
    expect_trace(
        s->bed,
        "scheduler0/callback#1 > database read action guest/hello\n"
        "scheduler0/callback#2 > database read action guest/hello\n"
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/throttling/guest false lease 7\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/throttling/guest/guest/hello false lease "
        "7\n");
    expect_records(s->bed, "looks for the queue of guest/hello, for activation 1\n"
                           "looks for the queue of guest/hello, for activation 2\n"
                           "makes a queue of guest/hello\n"
                           "queue goes from Uninitialized to Running, guest/hello\n"
                           "activation 1 of guest/hello waits in the queue, which has 1 now\n"
                           "activation 2 of guest/hello waits in the queue, which has 2 now\n");
    struct queue *q = manager_queue(s, BED_HELLO, 1);
    assert_int_equal(q->count, 2);
    expect_waiting(q, 0, 1, 1);
    expect_waiting(q, 1, 2, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMS("QueueManagerTests", 171, a_remote_manager_is_called_by_its_name),
        CONFORMS("QueueManagerTests", 206, an_election_that_is_won_makes_a_queue),
        CONFORMS("QueueManagerTests", 234, an_election_that_is_lost_is_success_too),
        CONFORMS("QueueManagerTests", 262, a_queue_that_is_there_needs_no_election),
        CONFORMS("QueueManagerTests", 297, four_who_ask_at_once_share_an_election),
        CONFORMS("QueueManagerTests", 358, a_queue_elsewhere_is_looked_up_once),
        CONFORMS("QueueManagerTests", 413, a_newer_revision_makes_a_new_queue),
        CONFORMS("QueueManagerTests", 478, an_update_during_the_update_takes_the_last_one),
        CONFORMS("QueueManagerTests", 559, a_queue_that_is_missed_is_made_again_once),
        CONFORMS("QueueManagerTests", 618, an_older_revision_is_rewritten),
        CONFORMS("QueueManagerTests", 673, an_etcd_that_fails_is_asked_three_times),
        CONFORMS("QueueManagerTests", 704, an_etcd_that_has_nothing_is_asked_three_times),
        CONFORMS("QueueManagerTests", 736, leaders_are_remembered_as_they_are_watched),
        CONFORMS("QueueManagerTests", 906, an_update_that_cannot_be_read_completes_it),
        CONFORMS("QueueManagerTests", 1107, a_warm_up_needs_no_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
