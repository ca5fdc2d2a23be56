/*
 * Upstream's EtcdLeaderShipUnitTests: an election as etcd answers it, with a lease of 60 s, and
 * as who was given a lease takes the answer.
 */
#include "support/common_bed.h"
#include "support/conform.h"
#include "support/etcd_bed.h"

#define LEASE 60u
#define LEADER "whisk/throttling/guest/guest/hello"
#define WORKER "scheduler0/etcd-worker#0 > etcd "

static int setup(void **state)
{
    *state = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return 0;
}

/* An etcd that has granted 60 s. */
static struct bed *granted(uint32_t *ret_lease)
{
    struct bed *bed = etcd_bed_new();
    const struct message *done = etcd_bed_lease(bed, MSG_LEASE_GRANT, 0, LEASE);
    assert_int_equal(done->u.lease.status, ETCD_OK);
    assert_int_equal(done->u.lease.ttl_s, LEASE);
    *ret_lease = done->u.lease.lease;
    bed_forget(bed);
    return bed;
}

static void expect_elected(const struct message *done, bool succeeded)
{
    assert_int_equal(done->u.etcd_done.status, ETCD_OK);
    assert_int_equal(done->u.etcd_done.succeeded, succeeded);
}

static void a_leader_is_elected(void **state)
{
    (void)state;
    uint32_t lease;
    struct bed *bed = granted(&lease);
    struct key key = bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0);
    expect_elected(etcd_bed_put_if_absent(bed, key, 1, lease), true);
    assert_int_equal(bed->sent_count, 1);
    const struct message *found = etcd_bed_range(bed, RANGE_GET, key, WATCH_EXACT);
    assert_int_equal(found->u.etcd_done.count, 1);
    assert_int_equal(found->u.etcd_done.value.a, 1);
    etcd_bed_lease(bed, MSG_LEASE_REVOKE, lease, 0); /* the key was the lease's */
    assert_int_equal(etcd_bed_range(bed, RANGE_GET, key, WATCH_EXACT)->u.etcd_done.count, 0);
    bed_free(bed);
}

static void a_second_one_is_not(void **state)
{
    (void)state;
    uint32_t lease;
    struct bed *bed = granted(&lease);
    struct key key = bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0);
    expect_elected(etcd_bed_put_if_absent(bed, key, 1, lease), true);
    expect_elected(etcd_bed_put_if_absent(bed, key, 2, lease), false);
    assert_int_equal(bed->sent_count, 2);
    const struct message *found = etcd_bed_range(bed, RANGE_GET, key, WATCH_EXACT);
    assert_int_equal(found->u.etcd_done.value.a, 1);
    bed_free(bed);
}

/* With the lease that it was given, 10. */
static struct bed *election(bool succeeded, enum etcd_status status)
{
    struct bed *bed = common_bed_new(COMMON_WORKER);
    common_ask(bed, POST_ELECT_LEADER, common_key(BED_HELLO), common_value(true),
               DATA_RECIPIENT);
    expect_trace(bed, WORKER "put-if-absent " LEADER " true lease 10\n");
    common_answer_etcd(bed, MSG_ETCD_TXN, succeeded, status);
    expect_trace(bed, WORKER "put-if-absent " LEADER " true lease 10\n");
    expect_records(bed, "");
    return bed;
}

static void a_leader_is_told(void **state)
{
    (void)state;
    struct bed *bed = election(true, ETCD_OK);
    expect_said(bed, "queue#3: elected " LEADER " true answer won\n");
    assert_int_equal(bed_next_in(bed), TSTAMP_NEVER);
    common_bed_free(bed);
}

/* With its own value, not the leader's. */
static void a_follower_is_told(void **state)
{
    (void)state;
    struct bed *bed = election(false, ETCD_OK);
    expect_said(bed, "queue#3: elected " LEADER " true answer\n");
    assert_int_equal(bed_next_in(bed), TSTAMP_NEVER);
    common_bed_free(bed);
}

/* Nobody is told; a lease is asked for, and the election held again. */
static void a_lease_that_does_not_exist_fails_it(void **state)
{
    (void)state;
    uint32_t lease;
    struct bed *bed = granted(&lease);
    struct key key = bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0);
    const struct message *done = etcd_bed_put_if_absent(bed, key, 1, lease + 1);
    assert_int_equal(done->u.etcd_done.status, ETCD_LEASE_NOT_FOUND);
    assert_int_equal(etcd_bed_range(bed, RANGE_GET, key, WATCH_EXACT)->u.etcd_done.count, 0);
    bed_free(bed);
    bed = election(false, ETCD_LEASE_NOT_FOUND);
    expect_said(bed, "lease: get-lease\n");
    assert_int_equal(bed_next_in(bed), SEC(1));
    common_bed_free(bed);
}

static void a_lease_is_kept_alive(void **state)
{
    (void)state;
    uint32_t lease;
    struct bed *bed = granted(&lease);
    bed_pass(bed, SEC(59));
    assert_int_equal(bed->sent_count, 0);
    const struct message *done = etcd_bed_lease(bed, MSG_LEASE_KEEPALIVE, lease, 0);
    assert_int_equal(done->u.lease.lease, lease);
    assert_int_equal(done->u.lease.ttl_s, LEASE);
    assert_int_equal(done->u.lease.status, ETCD_OK);
    bed_pass(bed, SEC(59));
    done = etcd_bed_lease(bed, MSG_LEASE_KEEPALIVE, lease, 0);
    assert_int_equal(done->u.lease.ttl_s, LEASE);
    assert_int_equal(bed->sent_count, 2);
    bed_free(bed);
}

int main(void)
{
#define SUITE "EtcdLeaderShipUnitTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 132, a_leader_is_elected),
        CONFORMS(SUITE, 139, a_second_one_is_not),
        CONFORMS(SUITE, 150, a_leader_is_told),
        CONFORMS(SUITE, 157, a_follower_is_told),
        CONFORMS(SUITE, 167, a_lease_that_does_not_exist_fails_it),
        CONFORMS(SUITE, 179, a_lease_is_kept_alive),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
