/*
 * test_etcd_worker_tests.c - upstream's EtcdWorkerTests: the worker is real; its parent (the
 * data management service), the lease service and the recipient are probes. The lease service
 * answers with lease 10.
 */
#include "support/conform.h"
#include "support/service_bed.h"

#define KEY "whisk/queue/guest/guest/hello/leader"
#define FINISHED "etcd-worker > data: finish-work " KEY "\n"

static void give_lease(struct service_bed *t)
{
    struct post_lease lease = {.lease = 10};
    service_bed_expect(t, "etcd-worker > lease: get-lease\n");
    service_bed_post(t, ACTOR_LEASE_ID, ACTOR_WORKER_ID, POST_LEASE, &lease, sizeof lease);
    service_bed_expect(t, "");
}

static int setup(void **state)
{
    struct service_bed *t = service_bed_new(SERVICE(WORKER), 10);
    give_lease(t);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    service_bed_free(*state);
    return 0;
}

static void ask(struct service_bed *t, unsigned what, uint32_t value, uint32_t flags)
{
    struct post_data data = {.key = {.family = KEY_QUEUE, .ns = BED_GUEST},
                             .flags = flags,
                             .recipient = SERVICE_CLIENT};
    if (value != 0)
        data.value = (struct value){.kind = VALUE_RAW, .a = value};
    service_bed_post(t, ACTOR_DATA_ID, ACTOR_WORKER_ID, what, &data, sizeof data);
}

/* No call is open, and none will be made. */
static void expect_done(struct service_bed *t)
{
    assert_int_equal(t->data->worker.count, 0);
    assert_int_equal(t->data->worker.lease, 10);
    assert_int_equal(bed_next_in(t->bed), TSTAMP_NEVER);
    service_bed_expect(t, "");
}

static void the_elected_is_told_and_then_the_parent(void **state)
{
    struct service_bed *t = *state;
    ask(t, POST_ELECT_LEADER, 5, DATA_RECIPIENT);
    service_bed_expect(t, "scheduler0/etcd-worker#0 > etcd put-if-absent " KEY
                          " raw:5 lease 10\n");
    service_bed_answer_etcd(t, MSG_ETCD_TXN, true, ETCD_OK);
    service_bed_expect(t, "etcd-worker > queue1: elected " KEY
                          " = raw:5 answer won to queue1\n" FINISHED);
    expect_done(t);
}

static void store_initial(struct service_bed *t)
{
    ask(t, POST_REGISTER_INITIAL, 5, DATA_RECIPIENT);
    service_bed_expect(t, "scheduler0/etcd-worker#0 > etcd put-if-absent " KEY
                          " raw:5 lease 10\n");
}

static void initial_data_that_is_absent_is_stored(void **state)
{
    struct service_bed *t = *state;
    store_initial(t);
    service_bed_answer_etcd(t, MSG_ETCD_TXN, true, ETCD_OK);
    service_bed_expect(t, FINISHED "etcd-worker > queue1: initial-stored " KEY
                                   " = raw:5 answer won to queue1\n");
    expect_done(t);
}

static void initial_data_that_is_there_is_left_as_it_is(void **state)
{
    struct service_bed *t = *state;
    store_initial(t);
    service_bed_answer_etcd(t, MSG_ETCD_TXN, false, ETCD_OK);
    service_bed_expect(t, FINISHED "etcd-worker > queue1: initial-stored " KEY
                                   " = raw:5 answer to queue1\n");
    expect_done(t);
}

static void data_is_put_with_the_lease(void **state)
{
    struct service_bed *t = *state;
    ask(t, POST_REGISTER, 5, 0);
    service_bed_expect(t, "scheduler0/etcd-worker#0 > etcd put " KEY " raw:5 lease 10\n");
    service_bed_answer_etcd(t, MSG_ETCD_PUT, false, ETCD_OK);
    service_bed_expect(t, FINISHED);
    expect_done(t);
}

#define DELETE "scheduler0/etcd-worker#0 > etcd delete " KEY "\n"

static void data_is_deleted_when_its_watcher_is_closed(void **state)
{
    struct service_bed *t = *state;
    ask(t, POST_WATCHER_CLOSED, 0, 0);
    service_bed_expect(t, DELETE);
    service_bed_answer_etcd(t, MSG_ETCD_DELETE, false, ETCD_OK);
    service_bed_expect(t, FINISHED);
    expect_done(t);
}

/* Upstream's status is RESOURCE_EXHAUSTED; any status makes the worker ask for a lease. */
static void a_request_that_failed_is_made_again(void **state)
{
    struct service_bed *t = *state;
    ask(t, POST_WATCHER_CLOSED, 0, 0);
    service_bed_expect(t, DELETE);
    service_bed_answer_etcd(t, MSG_ETCD_DELETE, false, ETCD_UNAVAILABLE);
    assert_int_equal(t->data->worker.lease, 0);
    give_lease(t);
    service_bed_pass(t, MSEC(999));
    service_bed_expect(t, "");
    service_bed_pass(t, MSEC(1));
    service_bed_expect(t, DELETE);
    service_bed_answer_etcd(t, MSG_ETCD_DELETE, false, ETCD_OK);
    service_bed_expect(t, FINISHED);
    expect_done(t);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("EtcdWorkerTests", 84, the_elected_is_told_and_then_the_parent),
        CONFORMS("EtcdWorkerTests", 103, initial_data_that_is_absent_is_stored),
        CONFORMS("EtcdWorkerTests", 121, initial_data_that_is_there_is_left_as_it_is),
        CONFORMS("EtcdWorkerTests", 139, data_is_put_with_the_lease),
        CONFORMS("EtcdWorkerTests", 156, data_is_deleted_when_its_watcher_is_closed),
        CONFORMS("EtcdWorkerTests", 172, a_request_that_failed_is_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
