/*
 * test_common_data.c - DataManagementService and EtcdWorker: upstream's
 * DataManagementServiceTests (the worker is only listened to) and EtcdWorkerTests (the worker
 * has lease 10), then its retries.
 */
#include "support/bed.h"
#include "common/data.h"

#define CLIENT_ACTOR ACTOR(ACTOR_QUEUE, 0, 3)
#define SEEN_MAX 64

struct data_host {
    struct timers timers;
    struct data *data;
    bool has_worker; /* else the posts to the worker are only kept */
    struct message seen[SEEN_MAX];
    uint32_t seen_count;
};

static bool with_worker;

static void host_init(void *self, const struct machine_env *env)
{
    struct data_host *host = self;
    timers_init(&host->timers, env->arena, env->node);
    host->data = data_new(env, &host->timers, SEC(1));
    host->has_worker = with_worker;
}

static void host_step(void *self, const struct event *ev, struct effects *fx)
{
    struct data_host *host = self;
    switch (ev->kind) {
    case EVENT_START:
        data_start(host->data, fx);
        break;
    case EVENT_DELIVER:
        if (ACTOR_KIND(ev->message->to_actor) == ACTOR_DATA ||
            (ACTOR_KIND(ev->message->to_actor) == ACTOR_WORKER && host->has_worker))
            data_on_message(host->data, ev->message, fx);
        else
            host->seen[host->seen_count++] = *ev->message;
        break;
    case EVENT_WAKE:
        data_on_timer(host->data, timers_pop(&host->timers, ev->at), fx);
        break;
    case EVENT_LINK:
        data_on_link(host->data, ev, fx);
        break;
    case EVENT_SIGNAL:
        break;
    }
}

static struct wakeup host_next_wakeup(const void *self)
{
    return timers_first(&((const struct data_host *)self)->timers);
}

static const struct machine_ops host_ops = {.name = "data-host",
                                            .size = sizeof(struct data_host),
                                            .effects_max = 64,
                                            .init = host_init,
                                            .step = host_step,
                                            .next_wakeup = host_next_wakeup};

static struct data_host *host_of(struct bed *bed)
{
    return bed->machine;
}

static void forget(struct bed *bed)
{
    bed_forget(bed);
    host_of(bed)->seen_count = 0;
}

static struct bed *bed_of_data(bool has_worker)
{
    with_worker = has_worker;
    struct bed *bed = bed_new(&host_ops, BED_SCHEDULER0, NULL);
    bed_start(bed);
    assert_int_equal(host_of(bed)->seen[0].what, POST_GET_LEASE);
    assert_int_equal(host_of(bed)->seen[0].to_actor, ACTOR_LEASE_ID);
    forget(bed);
    return bed;
}

static void post(struct bed *bed, actor_id from, actor_id to, unsigned what,
                 struct post_data data)
{
    struct message m = bed_message(bed, MSG_POST, bed->env.node, to);
    m.from_actor = from;
    m.what = (uint16_t)what;
    *MESSAGE_LOCAL(&m, struct post_data) = data;
    bed_deliver(bed, &m);
}

static struct post_data data_of(uint32_t key, uint32_t value, uint32_t flags)
{
    struct post_data data = {.key = {.family = KEY_QUEUE, .ns = BED_GUEST}, .flags = flags};
    data.key.action = (action_id)key;
    data.value = (struct value){.kind = VALUE_ENDPOINTS, .a = value};
    return data;
}

static void ask(struct bed *bed, unsigned what, uint32_t key, uint32_t value, uint32_t flags)
{
    post(bed, CLIENT_ACTOR, ACTOR_DATA_ID, what, data_of(key, value, flags));
}

static void closed(struct bed *bed, uint32_t key)
{
    struct message m = bed_message(bed, MSG_POST, bed->env.node, ACTOR_DATA_ID);
    m.from_actor = ACTOR_WATCHER_ID;
    m.what = POST_WATCHER_CLOSED;
    MESSAGE_LOCAL(&m, struct post_watch)->key = data_of(key, 0, 0).key;
    bed_deliver(bed, &m);
}

static void finish(struct bed *bed, uint32_t key)
{
    post(bed, ACTOR_WORKER_ID, ACTOR_DATA_ID, POST_FINISH_WORK, data_of(key, 0, 0));
}

static void removed(struct bed *bed, uint32_t key, uint32_t value, bool is_prefix)
{
    struct message m = bed_message(bed, MSG_POST, bed->env.node, ACTOR_DATA_ID);
    m.from_actor = ACTOR_WATCHER_ID;
    m.what = POST_REMOVED;
    struct post_watched *w = MESSAGE_LOCAL(&m, struct post_watched);
    w->key = data_of(key, 0, 0).key;
    w->value = data_of(key, value, 0).value;
    w->is_prefix = is_prefix;
    bed_deliver(bed, &m);
}

static uint32_t seen_count(struct bed *bed, actor_id to)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < host_of(bed)->seen_count; i++)
        count += host_of(bed)->seen[i].to_actor == to;
    return count;
}

/* The n-th post to this actor since the last forget. */
static const struct message *seen(struct bed *bed, actor_id to, uint32_t n)
{
    for (uint32_t i = 0; i < host_of(bed)->seen_count; i++) {
        if (host_of(bed)->seen[i].to_actor == to && n-- == 0)
            return &host_of(bed)->seen[i];
    }
    fail_msg("no such post");
    return NULL;
}

static void expect_at_worker(struct bed *bed, uint32_t n, unsigned what, uint32_t value)
{
    const struct message *m = seen(bed, ACTOR_WORKER_ID, n);
    assert_int_equal(m->what, what);
    assert_int_equal(MESSAGE_LOCAL_CONST(m, struct post_data)->value.a, value);
}

/* DataManagementServiceTests:72 */
static void each_request_of_an_idle_key_reaches_the_worker(void **state)
{
    (void)state;
    struct bed *bed = bed_of_data(false);
    ask(bed, POST_REGISTER, 0, 11, 0);
    finish(bed, 0);
    ask(bed, POST_ELECT_LEADER, 0, 12, DATA_RECIPIENT);
    finish(bed, 0);
    ask(bed, POST_REGISTER_INITIAL, 0, 13, DATA_RECIPIENT);
    finish(bed, 0);
    closed(bed, 0);
    finish(bed, 0);
    assert_int_equal(seen_count(bed, ACTOR_WORKER_ID), 4);
    expect_at_worker(bed, 0, POST_REGISTER, 11);
    expect_at_worker(bed, 1, POST_ELECT_LEADER, 12);
    expect_at_worker(bed, 2, POST_REGISTER_INITIAL, 13);
    expect_at_worker(bed, 3, POST_WATCHER_CLOSED, 0);
    const struct message *election = seen(bed, ACTOR_WORKER_ID, 1);
    assert_int_equal(MESSAGE_LOCAL_CONST(election, struct post_data)->recipient, CLIENT_ACTOR);
    bed_free(bed);
}

/* DataManagementServiceTests:95 */
static void a_second_put_of_a_key_waits_for_the_first(void **state)
{
    (void)state;
    struct bed *bed = bed_of_data(false);
    ask(bed, POST_REGISTER, 0, 1, 0);
    ask(bed, POST_REGISTER, 0, 2, 0);
    assert_int_equal(seen_count(bed, ACTOR_WORKER_ID), 1);
    finish(bed, 0);
    assert_int_equal(seen_count(bed, ACTOR_WORKER_ID), 2);
    expect_at_worker(bed, 1, POST_REGISTER, 2);
    bed_free(bed);
}

/* DataManagementServiceTests:133 */
static void different_keys_run_side_by_side(void **state)
{
    (void)state;
    struct bed *bed = bed_of_data(false);
    ask(bed, POST_REGISTER, 1, 1, 0);
    ask(bed, POST_REGISTER, 0, 2, 0);
    assert_int_equal(seen_count(bed, ACTOR_WORKER_ID), 2);
    finish(bed, 0);
    finish(bed, 0); /* makes no sense: that key is free */
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 1);
    ask(bed, POST_REGISTER, 1, 3, 0);
    assert_int_equal(seen_count(bed, ACTOR_WORKER_ID), 2);
    bed_free(bed);
}

/* DataManagementServiceTests:170, and that an election stays */
static void only_the_newest_put_or_delete_waits(void **state)
{
    (void)state;
    struct bed *bed = bed_of_data(false);
    ask(bed, POST_REGISTER, 0, 1, 0);
    ask(bed, POST_REGISTER_INITIAL, 0, 2, 0);
    ask(bed, POST_REGISTER, 0, 3, 0);
    ask(bed, POST_ELECT_LEADER, 0, 4, DATA_RECIPIENT);
    closed(bed, 0);
    ask(bed, POST_REGISTER, 0, 5, 0);
    closed(bed, 0);
    finish(bed, 0);
    finish(bed, 0);
    finish(bed, 0);
    assert_int_equal(seen_count(bed, ACTOR_WORKER_ID), 3);
    expect_at_worker(bed, 1, POST_ELECT_LEADER, 4);
    expect_at_worker(bed, 2, POST_WATCHER_CLOSED, 0);
    bed_free(bed);
}

static void put_if_absent_prunes_nothing(void **state)
{
    (void)state;
    struct bed *bed = bed_of_data(false);
    ask(bed, POST_REGISTER, 0, 1, 0);
    closed(bed, 0);
    removed(bed, 0, 9, false); /* lands behind the delete: an orphan is made */
    finish(bed, 0);
    finish(bed, 0);
    expect_at_worker(bed, 1, POST_WATCHER_CLOSED, 0);
    expect_at_worker(bed, 2, POST_REGISTER_INITIAL, 9);
    bed_free(bed);
}

/* DataManagementServiceTests:197, 210 */
static void a_vanished_key_is_put_back_if_absent_and_not_watched_again(void **state)
{
    (void)state;
    struct bed *bed = bed_of_data(false);
    removed(bed, 0, 42, false);
    assert_int_equal(seen_count(bed, ACTOR_WORKER_ID), 1);
    expect_at_worker(bed, 0, POST_REGISTER_INITIAL, 42);
    assert_int_equal(seen_count(bed, ACTOR_WATCHER_ID), 0);
    removed(bed, 1, 43, true);
    assert_int_equal(seen_count(bed, ACTOR_WORKER_ID), 1);
    bed_free(bed);
}

/* DataManagementServiceTests:222 */
static void unregister_unwatches_and_then_deletes(void **state)
{
    (void)state;
    struct bed *bed = bed_of_data(false);
    ask(bed, POST_UNREGISTER, 0, 0, 0);
    assert_int_equal(seen_count(bed, ACTOR_WORKER_ID), 0);
    const struct message *unwatch = seen(bed, ACTOR_WATCHER_ID, 0);
    const struct post_watch *what = MESSAGE_LOCAL_CONST(unwatch, struct post_watch);
    assert_int_equal(unwatch->what, POST_UNWATCH);
    assert_int_equal(what->depth, WATCH_EXACT);
    assert_int_equal(what->feedback, 1);
    closed(bed, 0);
    expect_at_worker(bed, 0, POST_WATCHER_CLOSED, 0);
    bed_free(bed);
}

/* DataManagementServiceTests:241, 254, 271 */
static void updates_are_put_when_the_value_changes(void **state)
{
    (void)state;
    struct bed *bed = bed_of_data(false);
    ask(bed, POST_UPDATE_ON_CHANGE, 0, 1, 0);
    expect_at_worker(bed, 0, POST_REGISTER, 1);
    assert_int_equal(seen_count(bed, ACTOR_WATCHER_ID), 1); /* fail-over the first time */
    ask(bed, POST_UPDATE_ON_CHANGE, 0, 1, 0);
    finish(bed, 0);
    assert_int_equal(seen_count(bed, ACTOR_WORKER_ID), 1);
    ask(bed, POST_UPDATE_ON_CHANGE, 0, 2, 0);
    expect_at_worker(bed, 1, POST_REGISTER, 2);
    assert_int_equal(seen_count(bed, ACTOR_WATCHER_ID), 1);
    bed_free(bed);
}

/* ---- the worker ---- */

static void give_lease(struct bed *bed, uint32_t lease)
{
    struct message m = bed_message(bed, MSG_POST, bed->env.node, ACTOR_WORKER_ID);
    m.from_actor = ACTOR_LEASE_ID;
    m.what = POST_LEASE;
    MESSAGE_LOCAL(&m, struct post_lease)->lease = lease;
    bed_deliver(bed, &m);
}

static struct bed *bed_of_worker(void)
{
    struct bed *bed = bed_of_data(true);
    give_lease(bed, 10);
    return bed;
}

static void answer(struct bed *bed, enum message_kind kind, bool succeeded,
                   enum etcd_status status)
{
    const struct message *request = bed_sent(bed, kind, bed_sent_count(bed, kind) - 1);
    struct message m = bed_reply(request, MSG_ETCD_DONE);
    m.u.etcd_done.succeeded = succeeded;
    m.u.etcd_done.status = (uint8_t)status;
    bed_deliver(bed, &m);
}

static void refuse(struct bed *bed, enum message_kind kind)
{
    struct message m =
        bed_reply(bed_sent(bed, kind, bed_sent_count(bed, kind) - 1), MSG_REFUSED);
    bed_deliver(bed, &m);
}

static void expect_result(struct bed *bed, uint32_t n, unsigned what, bool won, uint32_t value)
{
    const struct message *m = seen(bed, CLIENT_ACTOR, n);
    const struct post_data *data = MESSAGE_LOCAL_CONST(m, struct post_data);
    assert_int_equal(m->what, what);
    assert_int_equal((data->flags & DATA_WON) != 0, won);
    assert_int_equal(data->value.a, value);
}

/* EtcdWorkerTests:84, and the follower's own value */
static void an_election_is_a_put_if_absent_with_the_lease(void **state)
{
    (void)state;
    struct bed *bed = bed_of_worker();
    ask(bed, POST_ELECT_LEADER, 0, 5, DATA_RECIPIENT);
    const struct message *txn = bed_sent(bed, MSG_ETCD_TXN, 0);
    assert_int_equal(txn->to, BED_ETCD);
    assert_int_equal(txn->u.etcd.lease, 10);
    assert_int_equal(txn->u.etcd.value.a, 5);
    answer(bed, MSG_ETCD_TXN, true, ETCD_OK);
    expect_result(bed, 0, POST_ELECTED, true, 5);
    ask(bed, POST_ELECT_LEADER, 0, 6, DATA_RECIPIENT); /* the key is free again */
    answer(bed, MSG_ETCD_TXN, false, ETCD_OK);
    expect_result(bed, 1, POST_ELECTED, false, 6);
    bed_free(bed);
}

/* EtcdWorkerTests:103, 121 */
static void initial_data_says_whether_it_was_stored(void **state)
{
    (void)state;
    struct bed *bed = bed_of_worker();
    bed->posts_by_hand = true;
    ask(bed, POST_REGISTER_INITIAL, 0, 5, DATA_RECIPIENT);
    bed_settle(bed);
    answer(bed, MSG_ETCD_TXN, true, ETCD_OK);
    assert_int_equal(bed_post(bed, 0)->what, POST_FINISH_WORK);
    assert_int_equal(bed_post(bed, 1)->what, POST_INITIAL_STORED);
    bed_settle(bed);
    expect_result(bed, 0, POST_INITIAL_STORED, true, 5);
    bed->posts_by_hand = false;
    ask(bed, POST_REGISTER_INITIAL, 0, 5, DATA_RECIPIENT);
    answer(bed, MSG_ETCD_TXN, false, ETCD_OK);
    expect_result(bed, 1, POST_INITIAL_STORED, false, 5);
    ask(bed, POST_REGISTER_INITIAL, 0, 5, 0);
    answer(bed, MSG_ETCD_TXN, false, ETCD_OK);
    assert_int_equal(seen_count(bed, CLIENT_ACTOR), 2);
    bed_free(bed);
}

/* EtcdWorkerTests:139, 156 */
static void a_put_carries_the_lease_and_a_delete_none(void **state)
{
    (void)state;
    struct bed *bed = bed_of_worker();
    ask(bed, POST_REGISTER, 0, 5, 0);
    assert_int_equal(bed_sent(bed, MSG_ETCD_PUT, 0)->u.etcd.lease, 10);
    closed(bed, 0); /* waits */
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_DELETE), 0);
    answer(bed, MSG_ETCD_PUT, false, ETCD_OK);
    assert_int_equal(bed_sent(bed, MSG_ETCD_DELETE, 0)->u.etcd.lease, 0);
    answer(bed, MSG_ETCD_DELETE, false, ETCD_OK);
    assert_int_equal(bed_next_in(bed), TSTAMP_NEVER);
    bed_free(bed);
}

/* EtcdWorkerTests:172 */
static void a_delete_that_fails_is_tried_again(void **state)
{
    (void)state;
    struct bed *bed = bed_of_worker();
    closed(bed, 0);
    answer(bed, MSG_ETCD_DELETE, false, ETCD_UNAVAILABLE);
    bed_pass(bed, MSEC(999));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_DELETE), 1);
    bed_pass(bed, MSEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_DELETE), 2);
    answer(bed, MSG_ETCD_DELETE, false, ETCD_OK);
    assert_int_equal(bed_next_in(bed), TSTAMP_NEVER);
    bed_free(bed);
}

static void a_status_error_asks_for_a_new_lease_and_tries_again(void **state)
{
    (void)state;
    struct bed *bed = bed_of_worker();
    ask(bed, POST_REGISTER, 0, 5, 0);
    answer(bed, MSG_ETCD_PUT, false, ETCD_LEASE_NOT_FOUND);
    assert_int_equal(seen(bed, ACTOR_LEASE_ID, 0)->what, POST_GET_LEASE);
    bed_pass(bed, SEC(1)); /* still none: asked once more, nothing sent */
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_PUT), 1);
    assert_int_equal(seen_count(bed, ACTOR_LEASE_ID), 2);
    give_lease(bed, 11);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent(bed, MSG_ETCD_PUT, 1)->u.etcd.lease, 11);
    bed_free(bed);
}

static void a_broken_connection_keeps_the_lease(void **state)
{
    (void)state;
    struct bed *bed = bed_of_worker();
    ask(bed, POST_REGISTER, 0, 5, 0);
    bed_link(bed, BED_ETCD, true);
    assert_int_equal(seen_count(bed, ACTOR_LEASE_ID), 0);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent(bed, MSG_ETCD_PUT, 1)->u.etcd.lease, 10);
    answer(bed, MSG_ETCD_PUT, false, ETCD_OK);
    assert_int_equal(bed_next_in(bed), TSTAMP_NEVER);
    bed_free(bed);
}

static void a_refused_call_is_sent_twice_then_after_the_interval(void **state)
{
    (void)state;
    struct bed *bed = bed_of_worker();
    ask(bed, POST_REGISTER, 0, 5, 0);
    refuse(bed, MSG_ETCD_PUT);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_PUT), 2);
    refuse(bed, MSG_ETCD_PUT);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_PUT), 2);
    assert_int_equal(bed_next_in(bed), SEC(1));
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_PUT), 3);
    assert_int_equal(seen_count(bed, ACTOR_LEASE_ID), 0);
    bed_free(bed);
}

static void a_call_without_an_answer_is_a_status_error_after_ten_seconds(void **state)
{
    (void)state;
    struct bed *bed = bed_of_worker();
    ask(bed, POST_REGISTER, 0, 5, 0);
    bed_pass(bed, SEC(10));
    assert_int_equal(seen_count(bed, ACTOR_LEASE_ID), 1);
    give_lease(bed, 12);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent(bed, MSG_ETCD_PUT, 1)->u.etcd.lease, 12);
    bed_free(bed);
}

/* A call of another key has just been sent again at once: this one waits first. */
static void a_call_that_is_refused_soon_after_another_pauses_and_keeps_the_lease(void **state)
{
    (void)state;
    struct bed *bed = bed_of_worker();
    ask(bed, POST_REGISTER, 0, 5, 0);
    refuse(bed, MSG_ETCD_PUT);
    answer(bed, MSG_ETCD_PUT, false, ETCD_OK);
    ask(bed, POST_REGISTER, 1, 6, 0);
    refuse(bed, MSG_ETCD_PUT);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_PUT), 3);
    assert_in_range(bed_next_in(bed), MSEC(500), MSEC(1000));
    bed_link(bed, BED_ETCD, true); /* it is not on its way */
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_PUT), 3);
    bed_wake(bed);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_PUT), 4);
    assert_int_equal(bed_sent(bed, MSG_ETCD_PUT, 3)->u.etcd.value.a, 6);
    assert_int_equal(bed_next_in(bed), SEC(10));
    assert_int_equal(seen_count(bed, ACTOR_LEASE_ID), 0);
    refuse(bed, MSG_ETCD_PUT); /* the second attempt: after the interval, as the first */
    assert_int_equal(bed_next_in(bed), SEC(1));
    bed_pass(bed, SEC(1));
    refuse(bed, MSG_ETCD_PUT); /* counted from one again: at once */
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_PUT), 6);
    bed_free(bed);
}

static void what_the_worker_has_not_asked_for_is_rejected(void **state)
{
    (void)state;
    struct bed *bed = bed_of_worker();
    ask(bed, POST_REGISTER, 0, 5, 0);
    const struct message *put = bed_sent(bed, MSG_ETCD_PUT, 0);
    struct message m = bed_reply(put, MSG_ETCD_DONE);
    m.corr = put->corr + 1;
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 1);
    m.corr = 0;
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 2);
    m.kind = MSG_REFUSED; /* its connection was found broken before */
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 2);
    m.kind = MSG_LEASE_DONE;
    bed_deliver(bed, &m);
    post(bed, CLIENT_ACTOR, ACTOR_WORKER_ID, POST_UNREGISTER, data_of(0, 5, 0));
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 4);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_PUT), 1);
    assert_int_equal(bed_next_in(bed), SEC(10));
    bed_free(bed);
}

static void what_is_not_for_the_data_service_is_rejected(void **state)
{
    (void)state;
    struct bed *bed = bed_of_data(false);
    post(bed, CLIENT_ACTOR, ACTOR_DATA_ID, POST_GET_LEASE, data_of(0, 5, 0));
    finish(bed, 0); /* of a key that is not busy */
    removed(bed, 0, 5, true);
    struct message m = bed_message(bed, MSG_ETCD_DONE, BED_ETCD, ACTOR_DATA_ID);
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 4);
    assert_int_equal(host_of(bed)->seen_count, 0);
    bed_free(bed);
}

static void two_equal_requests_that_wait_become_one(void **state)
{
    (void)state;
    struct bed *bed = bed_of_data(true); /* no lease yet */
    for (int i = 0; i < 2; i++)
        post(bed, ACTOR_DATA_ID, ACTOR_WORKER_ID, POST_REGISTER, data_of(0, 5, 0));
    post(bed, ACTOR_DATA_ID, ACTOR_WORKER_ID, POST_REGISTER, data_of(0, 6, 0));
    give_lease(bed, 10);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_PUT), 2);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_of_an_idle_key_reaches_the_worker),
        cmocka_unit_test(a_second_put_of_a_key_waits_for_the_first),
        cmocka_unit_test(different_keys_run_side_by_side),
        cmocka_unit_test(only_the_newest_put_or_delete_waits),
        cmocka_unit_test(put_if_absent_prunes_nothing),
        cmocka_unit_test(a_vanished_key_is_put_back_if_absent_and_not_watched_again),
        cmocka_unit_test(unregister_unwatches_and_then_deletes),
        cmocka_unit_test(updates_are_put_when_the_value_changes),
        cmocka_unit_test(an_election_is_a_put_if_absent_with_the_lease),
        cmocka_unit_test(initial_data_says_whether_it_was_stored),
        cmocka_unit_test(a_put_carries_the_lease_and_a_delete_none),
        cmocka_unit_test(a_delete_that_fails_is_tried_again),
        cmocka_unit_test(a_status_error_asks_for_a_new_lease_and_tries_again),
        cmocka_unit_test(a_broken_connection_keeps_the_lease),
        cmocka_unit_test(a_refused_call_is_sent_twice_then_after_the_interval),
        cmocka_unit_test(a_call_without_an_answer_is_a_status_error_after_ten_seconds),
        cmocka_unit_test(a_call_that_is_refused_soon_after_another_pauses_and_keeps_the_lease),
        cmocka_unit_test(what_the_worker_has_not_asked_for_is_rejected),
        cmocka_unit_test(what_is_not_for_the_data_service_is_rejected),
        cmocka_unit_test(two_equal_requests_that_wait_become_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
