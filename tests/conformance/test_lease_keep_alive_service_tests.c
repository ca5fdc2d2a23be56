/* Upstream's LeaseKeepAliveServiceTests: a lease of one second. */
#include "support/common_bed.h"
#include "support/conform.h"
#include <stdio.h>

#define KEY "whisk/instance/scheduler0/lease"
#define LEASE "scheduler0/lease#0 > etcd "
#define OLD 10u
#define NEW 20u

static int setup(void **state)
{
    struct bed *bed = *state = common_bed_new(COMMON_LEASE);
    expect_trace(bed, LEASE "lease-grant 0 ttl 1\n");
    expect_said(bed, "");
    return 0;
}

static int teardown(void **state)
{
    common_bed_free(*state);
    return 0;
}

/* Active, with this lease: granted, kept alive, stored, watched. */
static void become_active(struct bed *bed, uint32_t lease)
{
    char sent[256];
    struct message granted =
        bed_reply(bed_sent(bed, MSG_LEASE_GRANT, bed_sent_count(bed, MSG_LEASE_GRANT) - 1),
                  MSG_LEASE_DONE);
    granted.u.lease.lease = lease;
    granted.u.lease.ttl_s = 1;
    bed_forget(bed);
    bed_deliver(bed, &granted);
    snprintf(sent, sizeof sent,
             LEASE "lease-keepalive %u ttl 0\n" LEASE "put " KEY " %u lease %u\n", lease, lease,
             lease);
    expect_trace(bed, sent);
    expect_records(bed, "");
    expect_said(bed, "");
    assert_int_equal(common_lease(bed)->state, LEASE_READY);
    common_answer_etcd(bed, MSG_ETCD_PUT, false, ETCD_OK);
    expect_trace(bed, sent);
    expect_records(bed, "lease goes from Ready to Active\n");
    expect_said(bed, "watcher: watch " KEY " exact name 0 deletes\n");
    assert_int_equal(common_lease(bed)->state, LEASE_ACTIVE);
    assert_int_equal(common_lease(bed)->id, lease);
}

/* Unwatched, revoked, granted anew. */
static void expect_regrant(struct bed *bed)
{
    expect_said(bed, "watcher: unwatch " KEY " exact name 0\n");
    expect_trace(bed, LEASE "lease-revoke 10 ttl 0\n");
    expect_records(bed, "lease goes from Active to Ready\n");
    common_answer_lease(bed, MSG_LEASE_REVOKE, OLD, ETCD_OK);
    expect_trace(bed, LEASE "lease-revoke 10 ttl 0\n" LEASE "lease-grant 0 ttl 1\n");
    become_active(bed, NEW);
}

static void a_lease_is_granted(void **state)
{
    become_active(*state, OLD);
}

static void one_that_is_gone_is_granted_anew(void **state)
{
    struct bed *bed = *state;
    struct key key = {.family = KEY_INSTANCE, .node = BED_SCHEDULER0};
    become_active(bed, OLD);
    bed_forget(bed);
    common_removed(bed, ACTOR_LEASE_ID, key, (struct value){.kind = VALUE_LEASE, .a = OLD},
                   false);
    expect_regrant(bed);
}

static void whoever_asks_gets_it(void **state)
{
    struct bed *bed = *state;
    common_post(bed, ACTOR_WORKER_ID, ACTOR_LEASE_ID, POST_GET_LEASE);
    expect_said(bed, "");
    common_answer_lease(bed, MSG_LEASE_GRANT, OLD, ETCD_OK);
    expect_said(bed, "");
    common_answer_etcd(bed, MSG_ETCD_PUT, false, ETCD_OK);
    expect_said(bed, "watcher: watch " KEY " exact name 0 deletes\n"
                     "etcd-worker: lease 10\n");
    common_post(bed, COMMON_CLIENT, ACTOR_LEASE_ID, POST_GET_LEASE);
    expect_said(bed, "queue#3: lease 10\n");
}

static void a_failed_keep_alive_grants_anew(void **state)
{
    struct bed *bed = *state;
    become_active(bed, OLD);
    for (int i = 0; i < 2; i++) { /* the first is of the grant's own instant */
        common_answer_lease(bed, MSG_LEASE_KEEPALIVE, OLD, ETCD_OK);
        bed_forget(bed);
        bed_pass(bed, MSEC(499));
        expect_trace(bed, "");
        bed_pass(bed, MSEC(1));
        expect_trace(bed, LEASE "lease-keepalive 10 ttl 0\n");
    }
    struct message failed = bed_reply(bed_sent(bed, MSG_LEASE_KEEPALIVE, 0), MSG_LEASE_DONE);
    failed.u.lease.status = ETCD_UNAVAILABLE;
    bed_forget(bed);
    bed_deliver(bed, &failed);
    expect_regrant(bed);
}

int main(void)
{
#define SUITE "LeaseKeepAliveServiceTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 94, a_lease_is_granted),
        CONFORMS(SUITE, 115, one_that_is_gone_is_granted_anew),
        CONFORMS(SUITE, 164, whoever_asks_gets_it),
        CONFORMS(SUITE, 175, a_failed_keep_alive_grants_anew),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
