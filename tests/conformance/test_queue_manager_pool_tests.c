/*
 * test_queue_manager_pool_tests.c - upstream's QueueManagerTests: the pool of queues, questions
 * about it, the age of activations, shutdown.
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

/* ---- the pool ---- */

static void a_removed_queue_leaves_the_pool(void **state)
{
    struct sched *s = *state;
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    const struct route *route = pool_route(s->machine, BED_GUEST, BED_HELLO);
    struct queue *q = manager_queue(s, BED_HELLO, 1);
    sched_forget(s);
    s->bed->posts_by_hand = true;
    manager_removed(s, q, true);
    assert_int_equal(s->machine->pool.count, 0);
    assert_int_equal(s->machine->pool.leader_count, 0);
    assert_int_equal(route->init_revision, 0);
    assert_int_equal(bed_posts(s->bed), 1);
    assert_int_equal(bed_post(s->bed, 0)->what, POST_QUEUE_REMOVED_COMPLETED);
    assert_int_equal(bed_post(s->bed, 0)->to_actor, q->actor);
    expect_trace(s->bed, "");
    expect_records(s->bed, "");
    s->bed->posts_by_hand = false;
    bed_settle(s->bed);
    manager_ask(s, "/queues/count");
    bed_expect_http(s->bed, 200, CONTENT_JSON, "0");
}

static void a_queue_may_come_back(void **state)
{
    struct sched *s = *state;
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    const struct route *route = pool_route(s->machine, BED_GUEST, BED_HELLO);
    struct queue *q = manager_queue(s, BED_HELLO, 1);
    manager_removed(s, q, true);
    assert_int_equal(s->machine->pool.count, 0);
    sched_forget(s);
    struct post_removed back = {.revision = 1, .action = BED_HELLO, .ns = BED_GUEST};
    sched_post(s, q->actor, ACTOR_MANAGER_ID, POST_QUEUE_REACTIVATED, &back, sizeof back);
    assert_int_equal(s->machine->pool.count, 1);
    assert_int_equal(pool_leader(s->machine, BED_GUEST, BED_HELLO, 1), q->actor);
    assert_int_equal(route->init_revision, 1);
    expect_trace(s->bed, "");
    expect_records(s->bed, "");
    manager_ask(s, "/queues/count");
    bed_expect_http(s->bed, 200, CONTENT_JSON, "1");
}

/* ---- questions and reports ---- */

static void queues_are_counted_and_described(void **state)
{
    struct sched *s = *state;
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    sched_forget(s);
    manager_ask(s, "/queues/count");
    bed_expect_http(s->bed, 200, CONTENT_JSON, "1");
    manager_ask(s, "/queues");
    bed_expect_http(s->bed, 200, CONTENT_JSON,
                    "[{\"data\":\"RunningData\",\"fqn\":\"guest/hello@0.0.1\","
                    "\"invocationNamespace\":\"guest\",\"status\":\"Running\","
                    "\"waitingActivation\":[]}]");
    expect_trace(s->bed, "scheduler0 > deployer http-reply 200\n"
                         "scheduler0 > deployer http-reply 200\n");
    expect_records(s->bed, "");
}

static void the_number_of_queues_is_published(void **state)
{
    struct sched *s = *state;
    static const action_id actions[] = {BED_HELLO, BED_SLOW, BED_FAILS};
    sched_pass(s, SEC(1)); /* the first report */
    for (uint32_t i = 0; i < 3; i++) {
        manager_create(s, BED_GUEST, actions[i], 1);
        uint32_t before = i + 1;
        sched_pass(s, SEC(2));
        uint32_t count = 0;
        for (uint32_t k = 0; k < s->bed->sent_count; k++) {
            const struct message *m = &s->bed->sent[k];
            if (m->kind == MSG_ETCD_PUT && m->u.etcd.key.family == KEY_SCHEDULER)
                assert_int_equal(m->u.etcd.value.a, count++);
        }
        assert_int_equal(count, before + 1); /* only what changed */
    }
    expect_trace(
        s->bed,
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/scheduler/0 "
        "{\"sid\":{\"asString\":\"0\"},\"queueSize\":0,\"endpoints\":{\"host\":\"scheduler0\","
        "\"rpcPort\":13001,\"pekkoPort\":25520}} lease 7\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/queue/guest/guest/hello/leader "
        "{\"host\":\"scheduler0\",\"rpcPort\":13001,\"pekkoPort\":25520} lease 7\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/hello success\n"
        "scheduler0/callback#0 > database read identity none\n"
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/throttling/guest false lease 7\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/throttling/guest/guest/hello false lease 7\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/scheduler/0 "
        "{\"sid\":{\"asString\":\"0\"},\"queueSize\":1,\"endpoints\":{\"host\":\"scheduler0\","
        "\"rpcPort\":13001,\"pekkoPort\":25520}} lease 7\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/queue/guest/guest/slow/leader "
        "{\"host\":\"scheduler0\",\"rpcPort\":13001,\"pekkoPort\":25520} lease 7\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/slow success\n"
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/throttling/guest false lease 7\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/throttling/guest/guest/slow false lease 7\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/scheduler/0 "
        "{\"sid\":{\"asString\":\"0\"},\"queueSize\":2,\"endpoints\":{\"host\":\"scheduler0\","
        "\"rpcPort\":13001,\"pekkoPort\":25520}} lease 7\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/etcd-worker#0 > etcd put-if-absent "
        "whisk/queue/guest/guest/pack/fails/leader "
        "{\"host\":\"scheduler0\",\"rpcPort\":13001,\"pekkoPort\":25520} lease 7\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/pack/fails success\n"
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/throttling/guest false lease 7\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/throttling/guest/guest/pack/fails false "
        "lease 7\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/scheduler/0 "
        "{\"sid\":{\"asString\":\"0\"},\"queueSize\":3,\"endpoints\":{\"host\":\"scheduler0\","
        "\"rpcPort\":13001,\"pekkoPort\":25520}} lease 7\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
        "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n");
    expect_records(s->bed, "makes a queue of guest/hello\n"
                           "queue goes from Uninitialized to Running, guest/hello\n"
                           "makes a queue of guest/slow\n"
                           "queue goes from Uninitialized to Running, guest/slow\n"
                           "makes a queue of guest/pack/fails\n"
                           "queue goes from Uninitialized to Running, guest/pack/fails\n");
}

/* ---- age ---- */

static void an_activation_that_is_too_old_is_completed(void **state)
{
    struct sched *s = *state;
    bed_config(s->bed, "whisk.scheduler.queue-manager.max-retries-to-get-queue", 2);
    bed_config(s->bed, "whisk.scheduler.queue-manager.max-scheduling-time", SEC(10));
    sched_pass(s, SEC(11));
    sched_forget(s);
    struct activation a = sched_activation(s, 1);
    a.started_at = s->bed->now - SEC(11);
    sched_arrive(s, &a);
    expect_trace(s->bed, "scheduler0/producer#0 > kafka produce completed0 ack combined 1.0 "
                         "whisk internal error (unparsable)\n"
                         "scheduler0/producer#0 > database store 1.0 whisk internal error\n");
    expect_records(s->bed, "gives activation 1 of guest/hello up: The activation has not been "
                           "processed: too old activation is arrived.\n"
                           "sends a combined ack for activation 1 to controller0: whisk "
                           "internal error (no controller can read it)\n"
                           "sends the record of activation 1: whisk internal error\n");
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_TOO_OLD, ACK_BY_SCHEDULER);
    sched_forget(s);
    a.started_at = s->bed->now - SEC(10) - MSEC(1);
    sched_arrive(s, &a);
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_TOO_OLD, ACK_BY_SCHEDULER);
}

static void one_that_is_not_too_old_goes_on(void **state)
{
    struct sched *s = *state;
    bed_config(s->bed, "whisk.scheduler.queue-manager.max-retries-to-get-queue", 2);
    bed_config(s->bed, "whisk.scheduler.queue-manager.max-scheduling-time", SEC(10));
    s->leader = BED_SCHEDULER1;
    sched_pass(s, SEC(11));
    sched_forget(s);
    struct activation a = sched_activation(s, 1);
    a.started_at = s->bed->now - SEC(9);
    sched_arrive(s, &a);
    expect_trace(s->bed,
                 "scheduler0/callback#0 > etcd range get whisk/queue/guest/guest/hello/leader\n"
                 "scheduler0/callback#0 > scheduler1/queue-manager#0 forward 1.0 guest/hello "
                 "blocking\n");
    expect_records(s->bed, "looks for the queue of guest/hello, for activation 1\n"
                           "passes activation 1 of guest/hello on to scheduler1\n");
    sched_forget(s);
    a.started_at = s->bed->now - SEC(10); /* not above the limit */
    sched_arrive(s, &a);
    expect_trace(
        s->bed,
        "scheduler0/handler#0 > scheduler1/queue-manager#0 forward 1.0 guest/hello blocking\n");
}

/* ---- shutdown ---- */

static void a_shutdown_reaches_every_queue_and_every_new_one(void **state)
{
    struct sched *s = *state;
    manager_create(s, BED_GUEST, BED_HELLO, 1);
    manager_create(s, BED_GUEST, BED_SLOW, 1);
    manager_create(s, BED_OTHER, BED_WIDE, 1);
    sched_forget(s);
    sched_post(s, ACTOR_MAIN_ID, ACTOR_MANAGER_ID, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    expect_trace(s->bed,
                 "scheduler0/etcd-worker#0 > etcd delete whisk/scheduler/0\n"
                 "scheduler0/etcd-worker#0 > etcd delete whisk/queue/guest/guest/hello/leader\n"
                 "scheduler0/etcd-worker#0 > etcd delete whisk/throttling/guest\n"
                 "scheduler0/etcd-worker#0 > etcd delete whisk/throttling/guest/guest/hello\n"
                 "scheduler0/etcd-worker#0 > etcd delete whisk/queue/guest/guest/slow/leader\n"
                 "scheduler0/etcd-worker#0 > etcd delete whisk/throttling/guest/guest/slow\n"
                 "scheduler0/etcd-worker#0 > etcd delete whisk/queue/other/other/wide/leader\n"
                 "scheduler0/etcd-worker#0 > etcd delete whisk/throttling/other\n"
                 "scheduler0/etcd-worker#0 > etcd delete whisk/throttling/other/other/wide\n"
                 "scheduler0/etcd-worker#0 > etcd delete whisk/throttling/guest\n");
    expect_records(s->bed, "queue goes from Running to Removing, guest/hello\n"
                           "queue goes from Running to Removing, guest/slow\n"
                           "queue goes from Running to Removing, other/wide\n");
    sched_forget(s);
    manager_create(s, BED_GUEST, BED_FAILS, 1);
    sched_expect_state(s, manager_queue(s, BED_FAILS, 1), QUEUE_REMOVING);
    struct post_activation post = {.activation = sched_activation(s, 1)};
    post.activation.revision = 2;
    sched_post(s, ACTOR_CALLBACK_ID, ACTOR_MANAGER_ID, POST_CREATE_NEW_QUEUE, &post,
               sizeof post);
    sched_expect_state(s, manager_queue(s, BED_HELLO, 2), QUEUE_REMOVING);
    post.activation.action = BED_SLOW;
    post.activation.id = ACTIVATION_ID(2, 0);
    sched_post(s, ACTOR_CALLBACK_ID, ACTOR_MANAGER_ID, POST_RECOVER_QUEUE, &post, sizeof post);
    sched_expect_state(s, manager_queue(s, BED_SLOW, 2), QUEUE_REMOVING);
    expect_trace(
        s->bed,
        "scheduler0/etcd-worker#0 > etcd put-if-absent "
        "whisk/queue/guest/guest/pack/fails/leader "
        "{\"host\":\"scheduler0\",\"rpcPort\":13001,\"pekkoPort\":25520} lease 7\n"
        "scheduler0/queue-manager#0 > controller0 queue-created guest/pack/fails success\n"
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/throttling/guest false lease 7\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/throttling/guest/guest/pack/fails false "
        "lease 7\n"
        "scheduler0/etcd-worker#0 > etcd delete whisk/queue/guest/guest/pack/fails/leader\n"
        "scheduler0/etcd-worker#0 > etcd delete whisk/throttling/guest\n"
        "scheduler0/etcd-worker#0 > etcd delete whisk/throttling/guest/guest/pack/fails\n"
        "scheduler0/etcd-worker#0 > etcd delete whisk/queue/guest/guest/hello/leader\n"
        "scheduler0/etcd-worker#0 > etcd delete whisk/throttling/guest\n"
        "scheduler0/etcd-worker#0 > etcd delete whisk/throttling/guest/guest/hello\n"
        "scheduler0/etcd-worker#0 > etcd put-if-absent whisk/throttling/guest false lease 7\n"
        "scheduler0/etcd-worker#0 > etcd put whisk/throttling/guest/guest/slow false lease 7\n"
        "scheduler0/etcd-worker#0 > etcd delete whisk/queue/guest/guest/slow/leader\n"
        "scheduler0/etcd-worker#0 > etcd delete whisk/throttling/guest\n"
        "scheduler0/etcd-worker#0 > etcd delete whisk/throttling/guest/guest/slow\n");
    expect_records(s->bed, "makes a queue of guest/pack/fails\n"
                           "queue goes from Uninitialized to Running, guest/pack/fails\n"
                           "queue goes from Running to Removing, guest/pack/fails\n"
                           "makes a queue of guest/hello\n"
                           "queue goes from Uninitialized to Running, guest/hello\n"
                           "activation 1 of guest/hello waits in the queue, which has 1 now\n"
                           "queue goes from Running to Removing, guest/hello\n"
                           "makes a queue of guest/slow\n"
                           "queue goes from Uninitialized to Running, guest/slow\n"
                           "activation 2 of guest/slow waits in the queue, which has 1 now\n"
                           "queue goes from Running to Removing, guest/slow\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMS("QueueManagerTests", 778, queues_are_counted_and_described),
        CONFORMS("QueueManagerTests", 809, an_activation_that_is_too_old_is_completed),
        CONFORMS("QueueManagerTests", 854, one_that_is_not_too_old_goes_on),
        CONFORMS("QueueManagerTests", 958, a_removed_queue_leaves_the_pool),
        CONFORMS("QueueManagerTests", 992, a_queue_may_come_back),
        CONFORMS("QueueManagerTests", 1032, the_number_of_queues_is_published),
        CONFORMS("QueueManagerTests", 1144, a_shutdown_reaches_every_queue_and_every_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
