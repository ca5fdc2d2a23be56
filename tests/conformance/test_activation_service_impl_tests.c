/*
 * test_activation_service_impl_tests.c - upstream's ActivationServiceImplTests: what containers
 * ask over gRPC.
 */
#include "support/conform.h"
#include "support/scheduler_bed.h"
#include "wire/wire_http.h"
#include <string.h>

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

static void the_queue_answers_a_fetch(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    sched_arrive_many(s, 1, 1);
    sched_forget(s);
    struct message m = sched_fetch_message(s, 5);
    m.u.fetch.has_duration = 1;
    m.u.fetch.duration_ms = 40;
    m.u.fetch.warmed = 1;
    s->bed->posts_by_hand = true;
    bed_deliver(s->bed, &m);
    assert_int_equal(bed_posts(s->bed), 1);
    assert_int_equal(bed_post(s->bed, 0)->to_actor, q->actor);
    assert_int_equal(bed_post(s->bed, 0)->what, POST_GET_ACTIVATION);
    const struct post_get *get = MESSAGE_LOCAL_CONST(bed_post(s->bed, 0), struct post_get);
    assert_int_equal(get->container, 5);
    assert_int_equal(get->action, BED_HELLO);
    assert_int_equal(get->revision, 1);
    assert_int_equal(get->invoker, BED_INVOKER0);
    assert_int_equal(get->duration_ms, 40);
    assert_true(get->has_duration && get->warmed && get->alive);
    s->bed->posts_by_hand = false;
    bed_settle(s->bed);
    expect_trace(s->bed,
                 "scheduler0 > invoker0/client-proxy#5 fetched 1.0 guest/hello blocking\n");
    expect_records(s->bed, "containers of guest/hello: 00000005 is in, 1 now\n"
                           "hands activation 1 to container 00000005 on invoker0\n");
    const struct message *answer = bed_sent(s->bed, MSG_FETCHED, 0);
    assert_int_equal(answer->corr, 77);
    assert_int_equal(answer->u.fetched.activation.id, ACTIVATION_ID(1, 0));
    assert_int_equal(answer->u.fetched.activation.controller, BED_CONTROLLER0);
}

static void without_a_queue_the_answer_comes_at_once(void **state)
{
    struct sched *s = *state;
    sched_fetch(s, 5);
    expect_trace(s->bed, "scheduler0 > invoker0/client-proxy#5 fetched no queue\n");
    expect_records(s->bed, "");
    assert_int_equal(s->machine->pool.count, 0);
}

static void another_revision_is_a_mismatch(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    sched_arrive_many(s, 1, 1);
    sched_forget(s);
    struct message m = sched_fetch_message(s, 5);
    m.u.fetch.revision = 2;
    bed_deliver(s->bed, &m);
    expect_trace(s->bed, "scheduler0 > invoker0/client-proxy#5 fetched mismatch\n");
    expect_records(s->bed, "");
    assert_int_equal(q->count, 1);
    assert_int_equal(shared_set_count(&q->containers), 0);
}

static void a_queue_that_is_silent_means_nothing(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    q->state = QUEUE_UNINITIALIZED; /* keeps what it is asked */
    sched_forget(s);
    sched_fetch(s, 5);
    sched_pass(s, SEC(5) - 1);
    assert_int_equal(bed_sent_count(s->bed, MSG_FETCHED), 0);
    sched_pass(s, 1);
    assert_int_equal(bed_sent_count(s->bed, MSG_FETCHED), 1);
    assert_int_equal(bed_sent(s->bed, MSG_FETCHED, 0)->u.fetched.result, FETCHED_NOTHING);
    expect_trace(s->bed,
                 "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
                 "scheduler0/etcd-worker#0 > etcd put whisk/scheduler/0 "
                 "{\"sid\":{\"asString\":\"0\"},\"queueSize\":1,\"endpoints\":{\"host\":"
                 "\"scheduler0\",\"rpcPort\":13001,\"pekkoPort\":25520}} lease 7\n"
                 "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
                 "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
                 "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
                 "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
                 "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
                 "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
                 "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
                 "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n"
                 "scheduler0 > invoker0/client-proxy#5 fetched nothing\n"
                 "scheduler0/lease#0 > etcd lease-keepalive 7 ttl 0\n");
    expect_records(s->bed, "");
    q->state = QUEUE_RUNNING;
}

static void a_warm_up_is_told_nothing(void **state)
{
    struct sched *s = *state;
    sched_hello(s);
    sched_arrive_many(s, 1, 1);
    sched_forget(s);
    struct message m = sched_fetch_message(s, 5);
    m.u.fetch.action = ACTION_WARM_UP;
    bed_deliver(s->bed, &m);
    expect_trace(s->bed, "scheduler0 > invoker0/client-proxy#5 fetched nothing\n");
    expect_records(s->bed, "");
}

/* A fetch whose body has `from` changed to this: no fetch, and 400. */
static void expect_unreadable(struct sched *s, const char *from)
{
    struct bed *bed = s->bed;
    struct wire wire = {.cluster = &bed->cluster, .draws = &bed->draws};
    struct wire_http out = {0};
    struct message m = sched_fetch_message(s, 5), again;
    uint16_t status = 0;
    wire_http_write_request(&wire, bed->arena, &m, &out);
    char *at = strstr(out.body.bytes, from);
    assert_non_null(at);
    memset(at, 'a', strlen(from));
    struct wire_http_in in = {.method = {out.method, strlen(out.method)},
                              .path = {out.path.bytes, out.path.length},
                              .headers = {out.headers.bytes, out.headers.length},
                              .body = {out.body.bytes, out.body.length}};
    assert_false(wire_http_read_request(&wire, bed->arena, NODE_SCHEDULER, WIRE_RPC, &in,
                                        &again, &status));
    assert_int_equal(status, 400);
    wire_http_free(&out);
    expect_trace(bed, "");
    expect_records(bed, "");
}

static void an_action_that_is_none_fails_the_call(void **state)
{
    struct sched *s = *state;
    sched_hello(s);
    sched_forget(s);
    expect_unreadable(s, "hello");
}

static void a_revision_that_is_none_fails_the_call(void **state)
{
    struct sched *s = *state;
    sched_hello(s);
    sched_forget(s);
    expect_unreadable(s, "1-e293b536");
}

static struct message reschedule_message(const struct sched *s)
{
    struct message m = bed_message(s->bed, MSG_RESCHEDULE, BED_INVOKER0, ACTOR_MAIN_ID);
    m.u.activation = sched_activation(s, 1);
    return m;
}

static void an_activation_is_given_back_to_its_queue(void **state)
{
    struct sched *s = *state;
    struct queue *q = sched_hello(s);
    sched_forget(s);
    struct message m = reschedule_message(s);
    bed_deliver(s->bed, &m);
    expect_trace(s->bed, "scheduler0 > invoker0 rescheduled 1.0 ok\n");
    expect_records(s->bed, "activation 1 of guest/hello waits in the queue, which has 1 now\n");
    assert_int_equal(bed_sent(s->bed, MSG_RESCHEDULED, 0)->corr, 77);
    assert_int_equal(q->count, 1);
    assert_int_equal(queue_head(q)->activation.id, ACTIVATION_ID(1, 0));
}

static void without_a_queue_it_is_not_taken(void **state)
{
    struct sched *s = *state;
    struct message m = reschedule_message(s);
    bed_deliver(s->bed, &m);
    expect_trace(s->bed, "scheduler0 > invoker0 rescheduled 1.0 failed\n");
    expect_records(s->bed, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMS("ActivationServiceImplTests", 93, the_queue_answers_a_fetch),
        CONFORMS("ActivationServiceImplTests", 122, without_a_queue_the_answer_comes_at_once),
        CONFORMS("ActivationServiceImplTests", 140, another_revision_is_a_mismatch),
        CONFORMS("ActivationServiceImplTests", 161, a_queue_that_is_silent_means_nothing),
        CONFORMS("ActivationServiceImplTests", 183, a_warm_up_is_told_nothing),
        CONFORMS("ActivationServiceImplTests", 204, an_action_that_is_none_fails_the_call),
        CONFORMS("ActivationServiceImplTests", 225, a_revision_that_is_none_fails_the_call),
        CONFORMS("ActivationServiceImplTests", 246, an_activation_is_given_back_to_its_queue),
        CONFORMS("ActivationServiceImplTests", 262, without_a_queue_it_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
