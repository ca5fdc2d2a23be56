/*
 * test_common_lease.c - LeaseKeepAliveService: upstream's LeaseKeepAliveServiceTests, then the
 * defects that are behaviour (a zombie lease, stuck in Ready, a stale RegrantLease).
 */
#include "support/bed.h"
#include "common/etcd_call.h"
#include "common/lease.h"

#define CLIENT_ACTOR ACTOR_WORKER_ID
#define SEEN_MAX 32

struct lease_host {
    struct timers timers;
    struct lease lease;
    struct message seen[SEEN_MAX]; /* posts to others: watcher, worker */
    uint32_t seen_count;
};

static void host_init(void *self, const struct machine_env *env)
{
    struct lease_host *host = self;
    timers_init(&host->timers, env->arena, env->node);
    lease_init(&host->lease, env, &host->timers, 10);
}

static void host_step(void *self, const struct event *ev, struct effects *fx)
{
    struct lease_host *host = self;
    switch (ev->kind) {
    case EVENT_START:
        lease_start(&host->lease, fx);
        break;
    case EVENT_DELIVER:
        if (ACTOR_KIND(ev->message->to_actor) == ACTOR_LEASE)
            lease_on_message(&host->lease, ev->message, fx);
        else
            host->seen[host->seen_count++] = *ev->message;
        break;
    case EVENT_WAKE:
        timers_pop(&host->timers, ev->at);
        lease_on_timer(&host->lease, fx);
        break;
    case EVENT_LINK:
        lease_on_link(&host->lease, ev, fx);
        break;
    case EVENT_SIGNAL:
        break;
    }
}

static struct wakeup host_next_wakeup(const void *self)
{
    return timers_first(&((const struct lease_host *)self)->timers);
}

static const struct machine_ops host_ops = {.name = "lease-host",
                                            .size = sizeof(struct lease_host),
                                            .effects_max = 64,
                                            .init = host_init,
                                            .step = host_step,
                                            .next_wakeup = host_next_wakeup};

static struct lease_host *host_of(struct bed *bed)
{
    return bed->machine;
}

static struct lease *lease_of(struct bed *bed)
{
    return &host_of(bed)->lease;
}

static const struct message *last_sent(struct bed *bed, enum message_kind kind)
{
    return bed_sent(bed, kind, bed_sent_count(bed, kind) - 1);
}

static void answer_lease(struct bed *bed, enum message_kind kind, uint32_t id,
                         enum etcd_status status)
{
    struct message m = bed_reply(last_sent(bed, kind), MSG_LEASE_DONE);
    m.u.lease.lease = id;
    m.u.lease.ttl_s = status == ETCD_OK ? 10 : 0;
    m.u.lease.status = (uint8_t)status;
    bed_deliver(bed, &m);
}

static void answer_put(struct bed *bed, enum etcd_status status)
{
    struct message m = bed_reply(last_sent(bed, MSG_ETCD_PUT), MSG_ETCD_DONE);
    m.u.etcd_done.status = (uint8_t)status;
    bed_deliver(bed, &m);
}

static void post(struct bed *bed, actor_id from, unsigned what)
{
    struct message m = bed_message(bed, MSG_POST, bed->env.node, ACTOR_LEASE_ID);
    m.from_actor = from;
    m.what = (uint16_t)what;
    bed_deliver(bed, &m);
}

static void post_removed(struct bed *bed)
{
    struct message m = bed_message(bed, MSG_POST, bed->env.node, ACTOR_LEASE_ID);
    m.from_actor = ACTOR_WATCHER_ID;
    m.what = POST_REMOVED;
    MESSAGE_LOCAL(&m, struct post_watched)->key =
        (struct key){.family = KEY_INSTANCE, .node = BED_INVOKER0};
    bed_deliver(bed, &m);
}

static struct bed *bed_of_lease(void)
{
    struct bed *bed = bed_new(&host_ops, BED_INVOKER0, NULL);
    bed_start(bed);
    return bed;
}

static struct bed *bed_active(uint32_t id)
{
    struct bed *bed = bed_of_lease();
    answer_lease(bed, MSG_LEASE_GRANT, id, ETCD_OK);
    answer_put(bed, ETCD_OK);
    assert_int_equal(lease_of(bed)->state, LEASE_ACTIVE);
    return bed;
}

static uint32_t seen_count(struct bed *bed, unsigned what)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < host_of(bed)->seen_count; i++)
        count += host_of(bed)->seen[i].what == what;
    return count;
}

/* LeaseKeepAliveServiceTests:94 */
static void it_grants_stores_its_key_and_watches_it(void **state)
{
    (void)state;
    struct bed *bed = bed_of_lease();
    assert_int_equal(bed_sent(bed, MSG_LEASE_GRANT, 0)->u.lease.ttl_s, 10);
    answer_lease(bed, MSG_LEASE_GRANT, 123, ETCD_OK);
    const struct message *put = bed_sent(bed, MSG_ETCD_PUT, 0);
    assert_int_equal(put->u.etcd.key.family, KEY_INSTANCE);
    assert_int_equal(put->u.etcd.key.node, BED_INVOKER0);
    assert_int_equal(put->u.etcd.value.a, 123);
    assert_int_equal(put->u.etcd.lease, 123);
    assert_int_equal(lease_of(bed)->state, LEASE_READY);
    answer_put(bed, ETCD_OK);
    assert_int_equal(lease_of(bed)->state, LEASE_ACTIVE);
    assert_int_equal(host_of(bed)->seen_count, 1);
    const struct message *watch = &host_of(bed)->seen[0];
    const struct post_watch *what = MESSAGE_LOCAL_CONST(watch, struct post_watch);
    assert_int_equal(watch->what, POST_WATCH);
    assert_int_equal(what->depth, WATCH_EXACT);
    assert_int_equal(what->puts, 0);
    assert_int_equal(what->deletes, 1);
    bed_free(bed);
}

/* LeaseKeepAliveServiceTests:115 */
static void the_deletion_of_its_key_makes_a_new_lease(void **state)
{
    (void)state;
    struct bed *bed = bed_active(123);
    post_removed(bed);
    assert_int_equal(lease_of(bed)->state, LEASE_READY);
    assert_int_equal(seen_count(bed, POST_UNWATCH), 1);
    assert_int_equal(bed_sent(bed, MSG_LEASE_REVOKE, 0)->u.lease.lease, 123);
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_GRANT), 1);
    answer_lease(bed, MSG_LEASE_REVOKE, 123, ETCD_LEASE_NOT_FOUND); /* fails: all the same */
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_GRANT), 2);
    answer_lease(bed, MSG_LEASE_GRANT, 456, ETCD_OK);
    answer_put(bed, ETCD_OK);
    assert_int_equal(lease_of(bed)->state, LEASE_ACTIVE);
    assert_int_equal(lease_of(bed)->id, 456);
    assert_int_equal(seen_count(bed, POST_WATCH), 2);
    bed_free(bed);
}

/* LeaseKeepAliveServiceTests:164 */
static void a_lease_is_answered_also_to_who_asked_before_it_was_active(void **state)
{
    (void)state;
    struct bed *bed = bed_of_lease();
    post(bed, CLIENT_ACTOR, POST_GET_LEASE);
    answer_lease(bed, MSG_LEASE_GRANT, 123, ETCD_OK);
    assert_int_equal(seen_count(bed, POST_LEASE), 0);
    answer_put(bed, ETCD_OK);
    assert_int_equal(seen_count(bed, POST_LEASE), 1);
    post(bed, CLIENT_ACTOR, POST_GET_LEASE);
    assert_int_equal(seen_count(bed, POST_LEASE), 2);
    const struct message *m = &host_of(bed)->seen[host_of(bed)->seen_count - 1];
    assert_int_equal(m->to_actor, CLIENT_ACTOR);
    assert_int_equal(MESSAGE_LOCAL_CONST(m, struct post_lease)->lease, 123);
    bed_free(bed);
}

/* LeaseKeepAliveServiceTests:175 */
static void a_failed_keep_alive_makes_a_new_lease(void **state)
{
    (void)state;
    struct bed *bed = bed_active(123);
    for (int i = 0; i < 2; i++) {
        answer_lease(bed, MSG_LEASE_KEEPALIVE, 123, ETCD_OK);
        bed_pass(bed, MSEC(500));
    }
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_KEEPALIVE), 3);
    answer_lease(bed, MSG_LEASE_KEEPALIVE, 123, ETCD_UNAVAILABLE);
    assert_int_equal(lease_of(bed)->state, LEASE_READY);
    assert_int_equal(seen_count(bed, POST_UNWATCH), 1);
    answer_lease(bed, MSG_LEASE_REVOKE, 123, ETCD_OK);
    answer_lease(bed, MSG_LEASE_GRANT, 456, ETCD_OK);
    answer_put(bed, ETCD_OK);
    assert_int_equal(lease_of(bed)->state, LEASE_ACTIVE);
    assert_int_equal(lease_of(bed)->id, 456);
    assert_int_equal(seen_count(bed, POST_WATCH), 2);
    bed_free(bed);
}

static void keep_alives_begin_at_once_and_wait_for_one_answer(void **state)
{
    (void)state;
    struct bed *bed = bed_of_lease();
    answer_lease(bed, MSG_LEASE_GRANT, 123, ETCD_OK);
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_KEEPALIVE), 1);
    bed_pass(bed, SEC(2));
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_KEEPALIVE), 1);
    answer_lease(bed, MSG_LEASE_KEEPALIVE, 123, ETCD_OK);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_KEEPALIVE), 2);
    bed_free(bed);
}

/* A zombie: the answer of an expired lease is a success with TTL 0. */
static void an_expired_lease_whose_deletion_was_missed_stays(void **state)
{
    (void)state;
    struct bed *bed = bed_active(123);
    struct message m = bed_reply(last_sent(bed, MSG_LEASE_KEEPALIVE), MSG_LEASE_DONE);
    m.u.lease.lease = 123;
    m.u.lease.ttl_s = 0;
    m.u.lease.status = ETCD_OK;
    bed_deliver(bed, &m);
    bed_pass(bed, SEC(60));
    assert_int_equal(lease_of(bed)->state, LEASE_ACTIVE);
    assert_int_equal(lease_of(bed)->id, 123);
    bed_free(bed);
}

/* Stuck: the GrantLease that follows is stashed. */
static void a_failed_put_of_its_key_leaves_it_in_ready_for_ever(void **state)
{
    (void)state;
    struct bed *bed = bed_of_lease();
    answer_lease(bed, MSG_LEASE_GRANT, 123, ETCD_OK);
    answer_put(bed, ETCD_UNAVAILABLE);
    answer_lease(bed, MSG_LEASE_KEEPALIVE, 123, ETCD_OK);
    bed_forget(bed);
    post(bed, CLIENT_ACTOR, POST_GET_LEASE);
    bed_pass(bed, SEC(60));
    assert_int_equal(lease_of(bed)->state, LEASE_READY);
    assert_int_equal(seen_count(bed, POST_LEASE), 0);
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_GRANT), 0);
    assert_true(bed_sent_count(bed, MSG_LEASE_KEEPALIVE) > 0); /* the lease lives on */
    bed_free(bed);
}

/* Two ticks wait for the one keep-alive that fails; neither regrant names its lease. */
static void a_stale_regrant_revokes_the_new_lease(void **state)
{
    (void)state;
    struct bed *bed = bed_active(123);
    bed_pass(bed, MSEC(600));
    answer_lease(bed, MSG_LEASE_KEEPALIVE, 123, ETCD_UNAVAILABLE); /* two regrants */
    answer_lease(bed, MSG_LEASE_REVOKE, 123, ETCD_OK);
    answer_lease(bed, MSG_LEASE_GRANT, 456, ETCD_OK);
    answer_put(bed, ETCD_OK);
    assert_int_equal(lease_of(bed)->state, LEASE_READY);
    assert_int_equal(last_sent(bed, MSG_LEASE_REVOKE)->u.lease.lease, 456);
    bed_free(bed);
}

/* The same by a delete event that was on its way when the lease was given up. */
static void a_stashed_delete_event_revokes_the_new_lease(void **state)
{
    (void)state;
    struct bed *bed = bed_active(123);
    post(bed, ACTOR_LEASE_ID, POST_REGRANT_LEASE);
    post_removed(bed);
    answer_lease(bed, MSG_LEASE_REVOKE, 123, ETCD_OK);
    answer_lease(bed, MSG_LEASE_GRANT, 456, ETCD_OK);
    answer_put(bed, ETCD_OK);
    assert_int_equal(last_sent(bed, MSG_LEASE_REVOKE)->u.lease.lease, 456);
    bed_free(bed);
}

static void the_deletion_of_another_key_or_of_a_prefix_is_not_its_own(void **state)
{
    (void)state;
    for (int is_prefix = 0; is_prefix < 2; is_prefix++) {
        struct bed *bed = bed_active(123);
        struct message m = bed_message(bed, MSG_POST, bed->env.node, ACTOR_LEASE_ID);
        m.from_actor = ACTOR_WATCHER_ID;
        m.what = POST_REMOVED;
        struct post_watched *w = MESSAGE_LOCAL(&m, struct post_watched);
        w->key = (struct key){.family = KEY_INSTANCE,
                              .node = is_prefix ? BED_INVOKER0 : BED_INVOKER1};
        w->is_prefix = is_prefix != 0;
        bed_deliver(bed, &m);
        m.what = POST_INSERTED;
        bed_deliver(bed, &m);
        assert_int_equal(lease_of(bed)->state, LEASE_ACTIVE);
        assert_int_equal(bed_sent_count(bed, MSG_LEASE_REVOKE), 0);
        bed_free(bed);
    }
}

static void a_grant_that_fails_is_asked_again(void **state)
{
    (void)state;
    struct bed *bed = bed_of_lease();
    answer_lease(bed, MSG_LEASE_GRANT, 0, ETCD_UNAVAILABLE);
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_GRANT), 2);
    bed_pass(bed, SEC(10)); /* never answered: the call's own time */
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_GRANT), 3);
    bed_free(bed);
}

static void a_refused_grant_is_sent_once_more_by_the_client_library(void **state)
{
    (void)state;
    struct bed *bed = bed_of_lease();
    for (uint32_t i = 1; i <= 2; i++) {
        struct message m = bed_reply(last_sent(bed, MSG_LEASE_GRANT), MSG_REFUSED);
        bed_deliver(bed, &m);
        assert_int_equal(bed_sent_count(bed, MSG_LEASE_GRANT), i + 1);
    }
    struct message m = bed_reply(last_sent(bed, MSG_LEASE_GRANT), MSG_REFUSED);
    bed_deliver(bed, &m); /* the second immediate retry within a second: it waits */
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_GRANT), 3);
    assert_in_range(bed_next_in(bed), MSEC(500), MSEC(1000));
    bed_wake(bed);
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_GRANT), 4);
    bed_free(bed);
}

static void refuse(struct bed *bed, enum message_kind kind)
{
    struct message m = bed_reply(last_sent(bed, kind), MSG_REFUSED);
    bed_deliver(bed, &m);
}

/* The second call that is refused within a second waits, and is not given up meanwhile. */
static void expect_pause(struct bed *bed, enum message_kind kind)
{
    uint32_t sent = bed_sent_count(bed, kind);
    refuse(bed, kind);
    assert_int_equal(bed_sent_count(bed, kind), sent);
    assert_in_range(lease_of(bed)->call_timer.at - bed->now, MSEC(500), MSEC(1000));
    bed_link(bed, BED_ETCD, true); /* it is not on its way */
    bed_link(bed, BED_ETCD, false);
    assert_int_equal(bed_sent_count(bed, kind), sent);
    bed_pass(bed, lease_of(bed)->call_timer.at - bed->now);
    assert_int_equal(bed_sent_count(bed, kind), sent + 1);
    assert_int_equal(lease_of(bed)->call_timer.at - bed->now, SEC(10));
}

static void each_call_that_is_refused_is_sent_again_after_its_pause(void **state)
{
    (void)state;
    struct bed *bed = bed_of_lease();
    refuse(bed, MSG_LEASE_GRANT); /* at once */
    answer_lease(bed, MSG_LEASE_GRANT, 123, ETCD_OK);
    expect_pause(bed, MSG_ETCD_PUT);
    assert_int_equal(last_sent(bed, MSG_ETCD_PUT)->u.etcd.lease, 123);
    answer_put(bed, ETCD_OK);
    assert_int_equal(lease_of(bed)->state, LEASE_ACTIVE);
    post(bed, ACTOR_LEASE_ID, POST_REGRANT_LEASE);
    bed_pass(bed, SEC(1));
    refuse(bed, MSG_LEASE_REVOKE); /* at once, a second later */
    answer_lease(bed, MSG_LEASE_REVOKE, 123, ETCD_OK);
    expect_pause(bed, MSG_LEASE_GRANT);
    answer_lease(bed, MSG_LEASE_GRANT, 124, ETCD_OK);
    answer_put(bed, ETCD_OK);
    bed_pass(bed, SEC(1));
    post(bed, ACTOR_LEASE_ID, POST_REGRANT_LEASE);
    refuse(bed, MSG_LEASE_REVOKE);
    refuse(bed, MSG_LEASE_REVOKE); /* twice: its future has failed, and it goes on */
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_REVOKE), 4);
    expect_pause(bed, MSG_LEASE_GRANT);
    bed_free(bed);
}

static void a_call_that_was_on_its_way_when_the_connection_broke_has_failed(void **state)
{
    (void)state;
    struct bed *bed = bed_active(123);
    post(bed, ACTOR_LEASE_ID, POST_REGRANT_LEASE);
    uint32_t grants = bed_sent_count(bed, MSG_LEASE_GRANT);
    bed_link(bed, BED_KAFKA, true); /* another's */
    bed_link(bed, BED_ETCD, false);
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_GRANT), grants);
    bed_link(bed, BED_ETCD, true);
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_GRANT), grants + 1);
    answer_lease(bed, MSG_LEASE_GRANT, 124, ETCD_OK);
    bed_link(bed, BED_ETCD, true); /* of the put: stuck */
    answer_put(bed, ETCD_OK);      /* too late */
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 1);
    assert_int_equal(lease_of(bed)->state, LEASE_READY);
    bed_free(bed);
}

static void what_nobody_asked_for_is_rejected_and_a_late_refusal_is_nothing(void **state)
{
    (void)state;
    struct bed *bed = bed_active(123);
    struct message m = bed_message(bed, MSG_LEASE_DONE, BED_ETCD, ACTOR_LEASE_ID);
    uint32_t rejected = 0;
    for (uint32_t corr = 0; corr < 4; corr += 2) {
        m.corr = corr;
        m.kind = MSG_LEASE_DONE;
        bed_deliver(bed, &m);
        assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), ++rejected);
        m.kind = MSG_ETCD_DONE;
        bed_deliver(bed, &m);
        assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), ++rejected);
        m.kind = MSG_REFUSED;
        bed_deliver(bed, &m);
    }
    m.corr = 1; /* of a keep-alive before this one */
    m.kind = MSG_LEASE_DONE;
    m.u.lease.status = ETCD_UNAVAILABLE;
    bed_deliver(bed, &m);
    m.kind = MSG_REFUSED;
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), rejected);
    m.kind = MSG_KAFKA_JOINED;
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), ++rejected);
    assert_int_equal(lease_of(bed)->state, LEASE_ACTIVE);
    assert_int_equal(bed_next_in(bed), MSEC(500)); /* the keep-alive alone */
    bed_free(bed);
}

static void a_keep_alive_that_is_refused_is_sent_with_the_next_tick(void **state)
{
    (void)state;
    struct bed *bed = bed_active(123);
    refuse(bed, MSG_LEASE_KEEPALIVE);
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_KEEPALIVE), 1);
    bed_pass(bed, MSEC(500) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_KEEPALIVE), 1);
    bed_pass(bed, 1);
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_KEEPALIVE), 2);
    assert_int_equal(lease_of(bed)->state, LEASE_ACTIVE);
    bed_free(bed);
}

/* etcd-java's GrpcClient. */
static void a_call_is_repeated_at_once_only_once_a_second(void **state)
{
    (void)state;
    struct bed *bed = bed_of_lease();
    struct etcd_retry retry = {0};
    duration least = SEC(9), most = 0;
    tstamp now = bed->now;
    assert_int_equal(etcd_retry_delay(&retry, &bed->env, ACTOR_LEASE_ID, now), 0);
    for (unsigned i = 0; i < 20000; i++) {
        duration delay = etcd_retry_delay(&retry, &bed->env, ACTOR_LEASE_ID, now + SEC(1) - 1);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
    }
    assert_in_range(least, MSEC(500), MSEC(500) + USEC(500));
    assert_in_range(most, MSEC(1000) - USEC(500), MSEC(1000));
    assert_int_equal(etcd_retry_delay(&retry, &bed->env, ACTOR_LEASE_ID, now + SEC(1)), 0);
    assert_int_not_equal(etcd_retry_delay(&retry, &bed->env, ACTOR_LEASE_ID, now + SEC(2) - 1),
                         0);
    bed_free(bed);
}

static void a_reset_keep_alive_does_not_fail_and_is_sent_again(void **state)
{
    (void)state;
    struct bed *bed = bed_active(123);
    bed_link(bed, BED_ETCD, true);
    bed_link(bed, BED_ETCD, false);
    bed_pass(bed, MSEC(500));
    assert_int_equal(bed_sent_count(bed, MSG_LEASE_KEEPALIVE), 2);
    assert_int_equal(lease_of(bed)->state, LEASE_ACTIVE);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grants_stores_its_key_and_watches_it),
        cmocka_unit_test(the_deletion_of_its_key_makes_a_new_lease),
        cmocka_unit_test(a_lease_is_answered_also_to_who_asked_before_it_was_active),
        cmocka_unit_test(a_failed_keep_alive_makes_a_new_lease),
        cmocka_unit_test(keep_alives_begin_at_once_and_wait_for_one_answer),
        cmocka_unit_test(an_expired_lease_whose_deletion_was_missed_stays),
        cmocka_unit_test(a_failed_put_of_its_key_leaves_it_in_ready_for_ever),
        cmocka_unit_test(a_stale_regrant_revokes_the_new_lease),
        cmocka_unit_test(a_stashed_delete_event_revokes_the_new_lease),
        cmocka_unit_test(the_deletion_of_another_key_or_of_a_prefix_is_not_its_own),
        cmocka_unit_test(a_grant_that_fails_is_asked_again),
        cmocka_unit_test(a_refused_grant_is_sent_once_more_by_the_client_library),
        cmocka_unit_test(each_call_that_is_refused_is_sent_again_after_its_pause),
        cmocka_unit_test(a_call_that_was_on_its_way_when_the_connection_broke_has_failed),
        cmocka_unit_test(what_nobody_asked_for_is_rejected_and_a_late_refusal_is_nothing),
        cmocka_unit_test(a_keep_alive_that_is_refused_is_sent_with_the_next_tick),
        cmocka_unit_test(a_call_is_repeated_at_once_only_once_a_second),
        cmocka_unit_test(a_reset_keep_alive_does_not_fail_and_is_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
