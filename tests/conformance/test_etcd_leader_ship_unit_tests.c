/*
 * test_etcd_leader_ship_unit_tests.c - upstream's EtcdLeaderShipUnitTests: an election is a
 * put-if-absent with a lease, which is granted for it or supplied.
 *
 * Upstream's client makes the calls one after the other for whoever asks; here they are made
 * by the services that use them: the lease service grants and keeps alive, the worker elects.
 * Only tests call upstream's electLeader with a grant of its own, and keepAliveLeader.
 */
#include "support/conform.h"
#include "support/etcd_bed.h"
#include "support/service_bed.h"

#define KEY "whisk/queue/guest/guest/hello/leader"
#define VALUE "{\"host\":\"scheduler0\",\"rpcPort\":13001,\"pekkoPort\":25520}"
#define INSTANCE "whisk/instance/scheduler0/lease"
#define LEASE_ID 60
#define TTL 60
#define TXN "scheduler0/etcd-worker#0 > etcd put-if-absent " KEY " " VALUE " lease 60\n"
#define FINISHED "etcd-worker > data: finish-work " KEY "\n"

static int setup(void **state)
{
    *state = NULL; /* each test makes its own */
    return 0;
}

static int teardown(void **state)
{
    service_bed_free(*state);
    return 0;
}

/* The lease is asked for, with a time to live of 60 s, and granted. */
static struct service_bed *granted(void **state)
{
    struct service_bed *t = service_bed_new(SERVICE(LEASE) | SERVICE(WORKER), TTL);
    *state = t;
    service_bed_expect(t, "lease > lease: grant-lease\n"
                          "scheduler0/lease#0 > etcd lease-grant 0 ttl 60\n"
                          "etcd-worker > lease: get-lease\n");
    service_bed_answer_lease(t, MSG_LEASE_GRANT, LEASE_ID, ETCD_OK);
    service_bed_expect(t, "scheduler0/lease#0 > etcd lease-keepalive 60 ttl 0\n"
                          "scheduler0/lease#0 > etcd put " INSTANCE " 60 lease 60\n");
    service_bed_answer_etcd(t, MSG_ETCD_PUT, false, ETCD_OK);
    service_bed_expect(t, "lease > watcher: watch " INSTANCE " exact deletes name 0\n"
                          "lease > lease: set-watcher\n"
                          "lease: lease goes from Ready to Active\n"
                          "lease > etcd-worker: lease 60\n");
    return t;
}

static void supply(struct service_bed *t)
{
    struct post_lease lease = {.lease = LEASE_ID};
    service_bed_expect(t, "etcd-worker > lease: get-lease\n");
    service_bed_post(t, ACTOR_LEASE_ID, ACTOR_WORKER_ID, POST_LEASE, &lease, sizeof lease);
    service_bed_expect(t, "");
}

static struct service_bed *supplied(void **state)
{
    struct service_bed *t = service_bed_new(SERVICE(WORKER), TTL);
    *state = t;
    supply(t);
    return t;
}

static void elect(struct service_bed *t)
{
    struct post_data data = {.key = {.family = KEY_QUEUE, .ns = BED_GUEST},
                             .value = {.kind = VALUE_ENDPOINTS, .node = BED_SCHEDULER0},
                             .flags = DATA_RECIPIENT,
                             .recipient = SERVICE_CLIENT};
    service_bed_post(t, ACTOR_DATA_ID, ACTOR_WORKER_ID, POST_ELECT_LEADER, &data, sizeof data);
    service_bed_expect(t, TXN);
}

/* The value that is told is the candidate's own, also when another one leads. */
static void expect_elected(struct service_bed *t, bool succeeded)
{
    service_bed_answer_etcd(t, MSG_ETCD_TXN, succeeded, ETCD_OK);
    service_bed_expect(t, succeeded ? "etcd-worker > queue1: elected " KEY " = " VALUE
                                      " answer won to queue1\n" FINISHED
                                    : "etcd-worker > queue1: elected " KEY " = " VALUE
                                      " answer to queue1\n" FINISHED);
    assert_int_equal(t->data->worker.lease, LEASE_ID);
    assert_int_equal(t->data->worker.count, 0);
}

static void a_leader_is_elected_with_the_lease_that_was_granted(void **state)
{
    struct service_bed *t = granted(state);
    elect(t);
    expect_elected(t, true);
}

static void a_key_that_is_there_makes_a_follower(void **state)
{
    struct service_bed *t = granted(state);
    elect(t);
    expect_elected(t, false);
}

static void a_leader_is_elected_with_a_lease_that_was_supplied(void **state)
{
    struct service_bed *t = supplied(state);
    elect(t);
    expect_elected(t, true);
}

static void a_key_that_is_there_makes_a_follower_with_a_supplied_lease(void **state)
{
    struct service_bed *t = supplied(state);
    elect(t);
    expect_elected(t, false);
}

/* Nobody is told of a result; the worker takes it as a status error and asks for a lease. */
static void an_election_with_an_unknown_lease_fails(void **state)
{
    struct service_bed *t = supplied(state);
    elect(t);
    service_bed_answer_etcd(t, MSG_ETCD_TXN, false, ETCD_LEASE_NOT_FOUND);
    assert_int_equal(t->data->worker.lease, 0);
    supply(t);
    service_bed_pass(t, MSEC(999));
    service_bed_expect(t, "");
    service_bed_pass(t, MSEC(1));
    service_bed_expect(t, TXN);
}

/* The call of the service, the answer of etcd, and what the service makes of it: nothing. */
static void a_keep_alive_is_answered_with_the_lease_itself(void **state)
{
    struct service_bed *t = granted(state);
    struct bed *etcd = etcd_bed_new();
    etcd_bed_lease(etcd, MSG_LEASE_GRANT, LEASE_ID, TTL);
    bed_forget(etcd);
    bed_deliver(etcd, service_bed_newest(t, MSG_LEASE_KEEPALIVE));
    assert_int_equal(etcd->sent_count, 1);
    struct message answer = *bed_sent(etcd, MSG_LEASE_DONE, 0);
    bed_free(etcd);
    assert_int_equal(answer.to, BED_SCHEDULER0);
    assert_int_equal(answer.to_actor, ACTOR_LEASE_ID);
    assert_int_equal(answer.u.lease.lease, LEASE_ID);
    assert_int_equal(answer.u.lease.ttl_s, TTL);
    assert_int_equal(answer.u.lease.status, ETCD_OK);
    service_bed_deliver(t, &answer);
    service_bed_expect(t, "");
    assert_int_equal(t->lease->id, LEASE_ID);
    service_bed_pass(t, MSEC(500));
    service_bed_expect(t, "scheduler0/lease#0 > etcd lease-keepalive 60 ttl 0\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("EtcdLeaderShipUnitTests", 132,
                 a_leader_is_elected_with_the_lease_that_was_granted),
        CONFORMS("EtcdLeaderShipUnitTests", 139, a_key_that_is_there_makes_a_follower),
        CONFORMS("EtcdLeaderShipUnitTests", 150,
                 a_leader_is_elected_with_a_lease_that_was_supplied),
        CONFORMS("EtcdLeaderShipUnitTests", 157,
                 a_key_that_is_there_makes_a_follower_with_a_supplied_lease),
        CONFORMS("EtcdLeaderShipUnitTests", 167, an_election_with_an_unknown_lease_fails),
        CONFORMS("EtcdLeaderShipUnitTests", 179,
                 a_keep_alive_is_answered_with_the_lease_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
