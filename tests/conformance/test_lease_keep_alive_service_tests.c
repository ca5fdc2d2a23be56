/*
 * test_lease_keep_alive_service_tests.c - upstream's LeaseKeepAliveServiceTests: the service
 * alone, with a time to live of 1 s; etcd answers with lease 10, then with 20.
 */
#include "support/conform.h"
#include "support/service_bed.h"

#define KEY "whisk/instance/scheduler0/lease"
#define TTL 1
#define GRANT "scheduler0/lease#0 > etcd lease-grant 0 ttl 1\n"
#define WATCH "lease > watcher: watch " KEY " exact deletes name 0\n"

static int setup(void **state)
{
    struct service_bed *t = service_bed_new(SERVICE(LEASE), TTL);
    service_bed_expect(t, "lease > lease: grant-lease\n" GRANT);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    service_bed_free(*state);
    return 0;
}

static void expect_state(const struct service_bed *t, enum lease_state wanted, uint32_t id)
{
    assert_int_equal(t->lease->state, wanted);
    assert_int_equal(t->lease->id, id);
}

static void grant_10(struct service_bed *t)
{
    expect_state(t, LEASE_READY, 0);
    service_bed_answer_lease(t, MSG_LEASE_GRANT, 10, ETCD_OK);
    service_bed_expect(t, "scheduler0/lease#0 > etcd lease-keepalive 10 ttl 0\n"
                          "scheduler0/lease#0 > etcd put " KEY " 10 lease 10\n");
    expect_state(t, LEASE_READY, 10);
    service_bed_answer_etcd(t, MSG_ETCD_PUT, false, ETCD_OK);
}

static void become_active(struct service_bed *t)
{
    grant_10(t);
    service_bed_expect(t, WATCH "lease > lease: set-watcher\n"
                                "lease: lease goes from Ready to Active\n");
    expect_state(t, LEASE_ACTIVE, 10);
}

static void become_active_again(struct service_bed *t)
{
    service_bed_answer_lease(t, MSG_LEASE_REVOKE, 10, ETCD_OK);
    service_bed_expect(t, "lease > lease: grant-lease\n" GRANT);
    service_bed_answer_lease(t, MSG_LEASE_GRANT, 20, ETCD_OK);
    service_bed_expect(t, "scheduler0/lease#0 > etcd lease-keepalive 20 ttl 0\n"
                          "scheduler0/lease#0 > etcd put " KEY " 20 lease 20\n");
    expect_state(t, LEASE_READY, 20);
    service_bed_answer_etcd(t, MSG_ETCD_PUT, false, ETCD_OK);
    service_bed_expect(t, WATCH "lease > lease: set-watcher\n"
                                "lease: lease goes from Ready to Active\n");
    expect_state(t, LEASE_ACTIVE, 20);
}

/* One period, to the millisecond, in which etcd answers. */
static void keep_alive(struct service_bed *t, const char *request, uint32_t lease)
{
    service_bed_answer_lease(t, MSG_LEASE_KEEPALIVE, lease, ETCD_OK);
    service_bed_pass(t, MSEC(499));
    service_bed_expect(t, "");
    service_bed_pass(t, MSEC(1));
    service_bed_expect(t, request);
}

static void a_lease_is_granted_stored_and_watched(void **state)
{
    struct service_bed *t = *state;
    become_active(t);
    keep_alive(t, "scheduler0/lease#0 > etcd lease-keepalive 10 ttl 0\n", 10);
    keep_alive(t, "scheduler0/lease#0 > etcd lease-keepalive 10 ttl 0\n", 10);
    expect_state(t, LEASE_ACTIVE, 10);
}

static void another_lease_is_granted_when_the_key_is_deleted(void **state)
{
    struct service_bed *t = *state;
    become_active(t);
    service_bed_answer_lease(t, MSG_LEASE_KEEPALIVE, 10, ETCD_OK);
    struct post_watched removed = {.key = {.family = KEY_INSTANCE, .node = BED_SCHEDULER0},
                                   .value = {.kind = VALUE_LEASE, .a = 10}};
    service_bed_post(t, ACTOR_WATCHER_ID, ACTOR_LEASE_ID, POST_REMOVED, &removed,
                     sizeof removed);
    service_bed_expect(t, "lease: lease goes from Active to Ready\n"
                          "scheduler0/lease#0 > etcd lease-revoke 10 ttl 0\n"
                          "lease > watcher: unwatch " KEY " exact name 0\n");
    expect_state(t, LEASE_READY, 0);
    service_bed_pass(t, MSEC(500)); /* the timer is cancelled */
    service_bed_expect(t, "");
    become_active_again(t);
    keep_alive(t, "scheduler0/lease#0 > etcd lease-keepalive 20 ttl 0\n", 20);
}

static void the_lease_is_told_to_who_asks(void **state)
{
    struct service_bed *t = *state;
    service_bed_post(t, SERVICE_CLIENT, ACTOR_LEASE_ID, POST_GET_LEASE, NULL, 0);
    service_bed_expect(t, ""); /* not yet: stashed */
    grant_10(t);
    service_bed_expect(t, WATCH "lease > lease: set-watcher\n"
                                "lease: lease goes from Ready to Active\n"
                                "lease > queue1: lease 10\n");
    service_bed_post(t, SERVICE_OTHER, ACTOR_LEASE_ID, POST_GET_LEASE, NULL, 0);
    service_bed_expect(t, "lease > queue2: lease 10\n");
}

static void another_lease_is_granted_when_a_keep_alive_fails(void **state)
{
    struct service_bed *t = *state;
    become_active(t);
    keep_alive(t, "scheduler0/lease#0 > etcd lease-keepalive 10 ttl 0\n", 10);
    keep_alive(t, "scheduler0/lease#0 > etcd lease-keepalive 10 ttl 0\n", 10);
    expect_state(t, LEASE_ACTIVE, 10);
    service_bed_answer_lease(t, MSG_LEASE_KEEPALIVE, 10, ETCD_UNAVAILABLE);
    service_bed_expect(t, "lease > lease: regrant-lease\n"
                          "lease: lease goes from Active to Ready\n"
                          "scheduler0/lease#0 > etcd lease-revoke 10 ttl 0\n"
                          "lease > watcher: unwatch " KEY " exact name 0\n");
    expect_state(t, LEASE_READY, 0);
    become_active_again(t);
    keep_alive(t, "scheduler0/lease#0 > etcd lease-keepalive 20 ttl 0\n", 20);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("LeaseKeepAliveServiceTests", 94, a_lease_is_granted_stored_and_watched),
        CONFORMS("LeaseKeepAliveServiceTests", 115,
                 another_lease_is_granted_when_the_key_is_deleted),
        CONFORMS("LeaseKeepAliveServiceTests", 164, the_lease_is_told_to_who_asks),
        CONFORMS("LeaseKeepAliveServiceTests", 175,
                 another_lease_is_granted_when_a_keep_alive_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
