/*
 * test_etcd_leases.c - leases of the etcd machine: grant, keep-alive, expiry, dead zone,
 * revoke, attachments, restart.
 */
#include "support/etcd_bed.h"
#include <string.h>

static struct key invoker_key(node_id node)
{
    return bed_key(KEY_INVOKERS, 0, 0, node);
}

static struct key flag_key(action_id action)
{
    return bed_key(KEY_THROTTLING, BED_GUEST, action, 0);
}

static uint32_t granted(struct bed *bed, uint32_t ttl_s)
{
    return etcd_bed_lease(bed, MSG_LEASE_GRANT, 0, ttl_s)->u.lease.lease;
}

/* Let time pass until the next lease is revoked; returns how long it took. */
static duration passed_until_expiry(struct bed *bed)
{
    tstamp from = bed->now;
    bed_wake(bed);
    assert_true(bed_record_count(bed, RECORD_LEASE_EXPIRED) > 0);
    return bed->now - from;
}

static void a_grant_answers_an_id_and_the_ttl(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    const struct message *m = etcd_bed_lease(bed, MSG_LEASE_GRANT, 0, 10);
    assert_int_equal(m->u.lease.status, ETCD_OK);
    assert_int_equal(m->u.lease.ttl_s, 10);
    assert_true(m->u.lease.lease != 0);
    assert_int_equal(m->to, BED_INVOKER0);
    uint32_t first = m->u.lease.lease;
    assert_true(granted(bed, 10) != first);
    const struct record *r = bed_record(bed, RECORD_LEASE_GRANTED, 0);
    assert_int_equal(r->peer, BED_INVOKER0);
    assert_int_equal(r->value, first);
    bed_free(bed);
}

static void an_id_of_the_clients_choice_is_granted_once(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    const struct message *m = etcd_bed_lease(bed, MSG_LEASE_GRANT, 777, 10);
    assert_int_equal(m->u.lease.lease, 777);
    assert_int_equal(m->u.lease.status, ETCD_OK);
    m = etcd_bed_lease(bed, MSG_LEASE_GRANT, 777, 10);
    assert_int_equal(m->u.lease.status, ETCD_LEASE_EXISTS);
    assert_int_equal(bed_record_count(bed, RECORD_LEASE_GRANTED), 1);
    bed_free(bed);
}

static void a_ttl_below_two_seconds_is_raised(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct etcd *etcd = etcd_of(bed);
    static const int64_t asked[] = {1, 0, -1, 2, 3};
    static const uint64_t expected[] = {2, 2, 2, 2, 3};
    const struct etcd_lease *lease;
    for (unsigned i = 0; i < 5; i++) {
        struct effects *fx = etcd_bed_fx(bed);
        assert_int_equal(etcd_grant(etcd, fx, 0, asked[i], BED_CLIENT, &lease),
                         ETCD_ERROR_NONE);
        assert_int_equal(lease->ttl_s, expected[i]);
    }
    assert_int_equal(
        etcd_grant(etcd, etcd_bed_fx(bed), 0, INT64_C(9000000001), BED_CLIENT, &lease),
        ETCD_ERROR_TTL_TOO_LARGE);
    assert_int_equal(
        etcd_grant(etcd, etcd_bed_fx(bed), 0, INT64_C(9000000000), BED_CLIENT, &lease),
        ETCD_ERROR_NONE);
    assert_int_equal(etcd_bed_lease(bed, MSG_LEASE_GRANT, 0, 1)->u.lease.ttl_s, 2);
    bed_free(bed);
}

static void a_lease_expires_its_ttl_and_up_to_half_a_second_after_its_grant(void **state)
{
    (void)state;
    duration least = TSTAMP_NEVER, most = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct bed *bed = etcd_bed_new();
        bed->draws.seed = seed;
        granted(bed, 10);
        duration length = passed_until_expiry(bed);
        least = length < least ? length : least;
        most = length > most ? length : most;
        bed_free(bed);
    }
    assert_true(least >= SEC(10) && least < SEC(10) + MSEC(25));
    assert_true(most <= SEC(10) + MSEC(500) && most > SEC(10) + MSEC(475));
}

static void a_keepalive_gives_the_full_ttl_again(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    uint32_t lease = granted(bed, 10);
    for (unsigned i = 0; i < 100; i++) {
        bed_pass(bed, SEC(9));
        const struct message *m = etcd_bed_lease(bed, MSG_LEASE_KEEPALIVE, lease, 0);
        assert_int_equal(m->u.lease.ttl_s, 10);
        assert_int_equal(m->u.lease.lease, lease);
        assert_int_equal(m->u.lease.status, ETCD_OK);
        bed_forget(bed);
    }
    duration length = passed_until_expiry(bed);
    assert_true(length >= SEC(10) && length <= SEC(10) + MSEC(500));
    bed_free(bed);
}

static void a_keepalive_of_an_unknown_lease_answers_ttl_0_without_an_error(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    const struct message *m = etcd_bed_lease(bed, MSG_LEASE_KEEPALIVE, 778, 0);
    assert_int_equal(m->u.lease.ttl_s, 0);
    assert_int_equal(m->u.lease.lease, 778);
    assert_int_equal(m->u.lease.status, ETCD_OK);
    uint32_t lease = granted(bed, 2);
    bed_pass(bed, SEC(3)); /* expired and revoked */
    assert_int_equal(etcd_bed_lease(bed, MSG_LEASE_KEEPALIVE, lease, 0)->u.lease.ttl_s, 0);
    bed_free(bed);
}

static void an_expiry_deletes_all_keys_in_one_revision_in_key_order(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    uint32_t lease = granted(bed, 5);
    etcd_bed_put(bed, flag_key(BED_SLOW), 1, lease);
    etcd_bed_put(bed, invoker_key(BED_INVOKER0), 2, lease);
    etcd_bed_put(bed, flag_key(BED_HELLO), 3, lease);
    etcd_bed_put(bed, invoker_key(BED_INVOKER1), 4, 0); /* stays */
    struct key all = {0};
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 0);
    bed_forget(bed);
    passed_until_expiry(bed);
    struct key expected[] = {invoker_key(BED_INVOKER0), flag_key(BED_HELLO),
                             flag_key(BED_SLOW)};
    static const uint32_t values[] = {2, 3, 1};
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_EVENT), 3);
    assert_int_equal(bed->record_count, 4);
    const struct record *expired = bed_record(bed, RECORD_LEASE_EXPIRED, 0);
    assert_int_equal(expired->peer, BED_INVOKER0);
    assert_int_equal(expired->value, lease);
    for (unsigned i = 0; i < 3; i++) {
        const struct message *m = bed_sent(bed, MSG_WATCH_EVENT, i);
        assert_true(key_equal(&m->u.watch.key, &expected[i]));
        assert_int_equal(m->u.watch.revision, 6);
        assert_int_equal(m->u.watch.deleted, 1);
        assert_int_equal(m->u.watch.value.a, values[i]); /* prev_kv */
        const struct record *r = bed_record(bed, RECORD_KEY_DELETED, i);
        assert_true(key_equal(&r->key, &expected[i]));
        assert_int_equal(r->detail, 1);
        assert_int_equal(r->cause, expired->seq);
        assert_int_equal(m->cause, r->seq);
    }
    struct key none = {0};
    assert_int_equal(etcd_bed_range(bed, RANGE_COUNT, none, 0)->u.etcd_done.count, 1);
    bed_free(bed);
}

static void an_expiry_without_keys_makes_no_revision(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    granted(bed, 2);
    bed_pass(bed, SEC(3));
    assert_int_equal(bed_record_count(bed, RECORD_LEASE_EXPIRED), 1);
    assert_int_equal(etcd_of(bed)->store.revision, 1);
    bed_free(bed);
}

/* A lease of 2 s and the instant between its deadline and its revoke. */
static uint32_t lease_in_dead_zone(struct bed *bed)
{
    while (true) {
        uint32_t lease = granted(bed, 2);
        if (bed_next_in(bed) > SEC(2) + MSEC(20)) {
            etcd_bed_put(bed, invoker_key(BED_INVOKER0), 1, lease);
            bed_pass(bed, SEC(2) + MSEC(5));
            bed_forget(bed);
            return lease;
        }
        etcd_bed_lease(bed, MSG_LEASE_REVOKE, lease, 0);
    }
}

static void between_deadline_and_revoke_a_lease_cannot_be_revived(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    uint32_t lease = lease_in_dead_zone(bed);
    struct message m = bed_message(bed, MSG_LEASE_KEEPALIVE, BED_INVOKER0, ACTOR_MAIN_ID);
    m.u.lease.lease = lease;
    bed_deliver(bed, &m);
    m.corr = 78;
    bed_deliver(bed, &m);
    assert_int_equal(bed->sent_count, 0); /* it waits for the revoke */
    struct etcd_ttl ttl = etcd_time_to_live(etcd_of(bed), lease, bed->now);
    assert_int_equal(ttl.ttl_s, 0);
    assert_int_equal(ttl.granted_s, 2);
    assert_int_equal(ttl.key_count, 1);
    bed_wake(bed);
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_DONE), 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct message *done = bed_sent(bed, MSG_LEASE_DONE, i);
        assert_int_equal(done->corr, 77 + i);
        assert_int_equal(done->to, BED_INVOKER0);
        assert_int_equal(done->u.lease.lease, lease);
        assert_int_equal(done->u.lease.ttl_s, 0);
        assert_int_equal(done->u.lease.status, ETCD_OK);
    }
    assert_int_equal(etcd_time_to_live(etcd_of(bed), lease, bed->now).ttl_s, -1);
    bed_free(bed);
}

static void a_put_in_the_dead_zone_is_accepted_and_goes_with_the_revoke(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    uint32_t lease = lease_in_dead_zone(bed);
    const struct message *m = etcd_bed_put(bed, flag_key(BED_HELLO), 1, lease);
    assert_int_equal(m->u.etcd_done.status, ETCD_OK);
    bed_wake(bed);
    assert_int_equal(bed_record_count(bed, RECORD_KEY_DELETED), 2);
    assert_int_equal(etcd_of(bed)->store.index.count, 0);
    m = etcd_bed_put(bed, flag_key(BED_HELLO), 1, lease);
    assert_int_equal(m->u.etcd_done.status, ETCD_LEASE_NOT_FOUND);
    bed_free(bed);
}

static void a_waiting_keepalive_of_a_dead_process_is_forgotten(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    uint32_t lease = lease_in_dead_zone(bed);
    struct message m = bed_message(bed, MSG_LEASE_KEEPALIVE, BED_INVOKER0, ACTOR_MAIN_ID);
    m.u.lease.lease = lease;
    bed_deliver(bed, &m);
    m.from = BED_INVOKER1;
    bed_deliver(bed, &m);
    bed_link(bed, BED_INVOKER0, true);
    bed_wake(bed);
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_DONE), 1);
    assert_int_equal(bed_sent(bed, MSG_LEASE_DONE, 0)->to, BED_INVOKER1);
    bed_free(bed);
}

static void a_revoke_deletes_all_keys_in_one_revision(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    uint32_t lease = granted(bed, 10);
    etcd_bed_put(bed, flag_key(BED_SLOW), 1, lease);
    etcd_bed_put(bed, flag_key(BED_HELLO), 1, lease);
    const struct message *m = etcd_bed_lease(bed, MSG_LEASE_REVOKE, lease, 0);
    assert_int_equal(m->u.lease.status, ETCD_OK);
    assert_int_equal(etcd_of(bed)->store.revision, 4);
    struct key first = flag_key(BED_HELLO);
    assert_true(key_equal(&bed_record(bed, RECORD_KEY_DELETED, 0)->key, &first));
    assert_int_equal(bed_record(bed, RECORD_KEY_DELETED, 1)->detail, 0); /* no expiry */
    assert_int_equal(bed_record_count(bed, RECORD_LEASE_EXPIRED), 0);
    assert_int_equal(bed_next_in(bed), TSTAMP_NEVER);
    m = etcd_bed_lease(bed, MSG_LEASE_REVOKE, lease, 0);
    assert_int_equal(m->u.lease.status, ETCD_LEASE_NOT_FOUND);
    bed_free(bed);
}

static void a_put_moves_its_key_to_another_lease(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct etcd *etcd = etcd_of(bed);
    uint32_t a = granted(bed, 10), b = granted(bed, 10);
    struct key key = flag_key(BED_HELLO);
    etcd_bed_put(bed, key, 1, a);
    assert_int_equal(etcd_time_to_live(etcd, a, bed->now).key_count, 1);
    etcd_bed_put(bed, key, 1, b);
    assert_int_equal(etcd_time_to_live(etcd, a, bed->now).key_count, 0);
    assert_int_equal(etcd_time_to_live(etcd, b, bed->now).key_count, 1);
    etcd_bed_lease(bed, MSG_LEASE_REVOKE, a, 0);
    assert_int_equal(etcd->store.index.count, 1);
    etcd_bed_put(bed, key, 1, 0); /* detached from any */
    etcd_bed_lease(bed, MSG_LEASE_REVOKE, b, 0);
    assert_int_equal(etcd->store.index.count, 1);
    bed_free(bed);
}

static void a_delete_detaches_and_a_refused_put_does_not(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct etcd *etcd = etcd_of(bed);
    uint32_t lease = granted(bed, 10);
    struct key key = flag_key(BED_HELLO);
    etcd_bed_put(bed, key, 1, lease);
    etcd_bed_put(bed, key, 2, 4242); /* unknown: nothing changes */
    assert_int_equal(etcd_time_to_live(etcd, lease, bed->now).key_count, 1);
    etcd_bed_delete(bed, key);
    assert_int_equal(etcd_time_to_live(etcd, lease, bed->now).key_count, 0);
    etcd_bed_put(bed, key, 3, 0);
    etcd_bed_lease(bed, MSG_LEASE_REVOKE, lease, 0);
    assert_int_equal(etcd->store.index.count, 1);
    bed_free(bed);
}

static void time_to_live_rounds_down_and_lists_keys_in_order(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    uint32_t lease = granted(bed, 10);
    etcd_bed_raw_put(bed, "l/b", "", lease);
    etcd_bed_raw_put(bed, "l/a", "", lease);
    bed_pass(bed, MSEC(100));
    struct etcd_ttl ttl = etcd_time_to_live(etcd_of(bed), lease, bed->now);
    assert_int_equal(ttl.ttl_s, 9);
    assert_int_equal(ttl.granted_s, 10);
    assert_int_equal(ttl.key_count, 2);
    assert_memory_equal(ttl.keys[0]->text, "l/a", 3);
    assert_memory_equal(ttl.keys[1]->text, "l/b", 3);
    assert_int_equal(etcd_time_to_live(etcd_of(bed), 778, bed->now).ttl_s, -1);
    bed_free(bed);
}

static void a_restart_gives_each_lease_its_full_ttl_and_a_second(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct bed *bed = etcd_bed_new();
        bed->draws.seed = seed;
        uint32_t lease = granted(bed, 6);
        etcd_bed_put(bed, flag_key(BED_HELLO), 1, lease);
        bed_pass(bed, MSEC(4300));
        bed_crash(bed);
        bed->now += MSEC(2800);
        bed_start(bed);
        duration length = passed_until_expiry(bed);
        assert_true(length >= SEC(7) && length <= SEC(7) + MSEC(500));
        assert_int_equal(bed_record_count(bed, RECORD_KEY_DELETED), 1); /* still attached */
        bed_free(bed);
    }
}

static void a_restart_revives_a_lease_of_the_dead_zone(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    uint32_t lease = lease_in_dead_zone(bed);
    bed_crash(bed);
    bed_start(bed);
    assert_int_equal(etcd_bed_lease(bed, MSG_LEASE_KEEPALIVE, lease, 0)->u.lease.ttl_s, 2);
    bed_free(bed);
}

static void another_lease_changes_no_draw_of_this_one(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_lease(bed, MSG_LEASE_GRANT, 501, 10);
    duration alone = bed_next_in(bed);
    bed_free(bed);
    bed = etcd_bed_new();
    etcd_bed_lease(bed, MSG_LEASE_GRANT, 500, 20);
    etcd_bed_lease(bed, MSG_LEASE_GRANT, 501, 10);
    assert_int_equal(bed_next_in(bed), alone);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grant_answers_an_id_and_the_ttl),
        cmocka_unit_test(an_id_of_the_clients_choice_is_granted_once),
        cmocka_unit_test(a_ttl_below_two_seconds_is_raised),
        cmocka_unit_test(a_lease_expires_its_ttl_and_up_to_half_a_second_after_its_grant),
        cmocka_unit_test(a_keepalive_gives_the_full_ttl_again),
        cmocka_unit_test(a_keepalive_of_an_unknown_lease_answers_ttl_0_without_an_error),
        cmocka_unit_test(an_expiry_deletes_all_keys_in_one_revision_in_key_order),
        cmocka_unit_test(an_expiry_without_keys_makes_no_revision),
        cmocka_unit_test(between_deadline_and_revoke_a_lease_cannot_be_revived),
        cmocka_unit_test(a_put_in_the_dead_zone_is_accepted_and_goes_with_the_revoke),
        cmocka_unit_test(a_waiting_keepalive_of_a_dead_process_is_forgotten),
        cmocka_unit_test(a_revoke_deletes_all_keys_in_one_revision),
        cmocka_unit_test(a_put_moves_its_key_to_another_lease),
        cmocka_unit_test(a_delete_detaches_and_a_refused_put_does_not),
        cmocka_unit_test(time_to_live_rounds_down_and_lists_keys_in_order),
        cmocka_unit_test(a_restart_gives_each_lease_its_full_ttl_and_a_second),
        cmocka_unit_test(a_restart_revives_a_lease_of_the_dead_zone),
        cmocka_unit_test(another_lease_changes_no_draw_of_this_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
