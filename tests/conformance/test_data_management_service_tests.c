/*
 * test_data_management_service_tests.c - upstream's DataManagementServiceTests: the service is
 * real, the worker and the watcher are probes.
 */
#include "support/conform.h"
#include "support/service_bed.h"

#define KEY "whisk/queue/guest/guest/hello/leader"
#define OTHER_KEY "whisk/queue/guest/guest/slow/leader"
#define REJECTED "data: cannot use message post from scheduler0 (23)\n"

static int setup(void **state)
{
    struct service_bed *t = service_bed_new(SERVICE(DATA), 10);
    service_bed_expect(t, "");
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    service_bed_free(*state);
    return 0;
}

static const struct key keys[] = {
    {.family = KEY_QUEUE, .ns = BED_GUEST, .action = BED_HELLO},
    {.family = KEY_QUEUE, .ns = BED_GUEST, .action = BED_SLOW},
};

static void ask(struct service_bed *t, unsigned what, uint32_t key, uint32_t value,
                uint32_t flags)
{
    struct post_data data = {.key = keys[key], .flags = flags};
    if (value != 0)
        data.value = (struct value){.kind = VALUE_RAW, .a = value};
    service_bed_post(t, SERVICE_CLIENT, ACTOR_DATA_ID, what, &data, sizeof data);
}

static void closed(struct service_bed *t)
{
    struct post_watch what = {.key = keys[0], .depth = WATCH_EXACT};
    service_bed_post(t, ACTOR_WATCHER_ID, ACTOR_DATA_ID, POST_WATCHER_CLOSED, &what,
                     sizeof what);
}

static void finish(struct service_bed *t, uint32_t key)
{
    struct post_data data = {.key = keys[key]};
    service_bed_post(t, ACTOR_WORKER_ID, ACTOR_DATA_ID, POST_FINISH_WORK, &data, sizeof data);
}

static void removed(struct service_bed *t, bool is_prefix)
{
    struct post_watched what = {
        .key = keys[0], .value = {.kind = VALUE_RAW, .a = 1}, .is_prefix = is_prefix};
    service_bed_post(t, ACTOR_WATCHER_ID, ACTOR_DATA_ID, POST_REMOVED, &what, sizeof what);
}

/* Neither at the worker nor waiting: one more FinishWork is of nothing. */
static void expect_idle(struct service_bed *t, uint32_t key)
{
    finish(t, key);
    service_bed_expect(t, REJECTED);
    assert_int_equal(t->data->key_count, 0);
    assert_int_equal(t->data->waiting_count, 0);
}

static void requests_of_an_idle_key_reach_the_worker(void **state)
{
    struct service_bed *t = *state;
    ask(t, POST_REGISTER, 0, 1, DATA_FAILOVER);
    service_bed_expect(t, "data > watcher: watch " KEY " exact deletes name 0\n"
                          "data > etcd-worker: register " KEY " = raw:1 failover to queue1\n");
    finish(t, 0);
    ask(t, POST_ELECT_LEADER, 0, 2, DATA_RECIPIENT);
    service_bed_expect(t,
                       "data > etcd-worker: elect-leader " KEY " = raw:2 answer to queue1\n");
    finish(t, 0);
    ask(t, POST_REGISTER_INITIAL, 0, 3, DATA_FAILOVER | DATA_RECIPIENT);
    service_bed_expect(t, "data > watcher: watch " KEY " exact deletes name 0\n"
                          "data > etcd-worker: register-initial " KEY
                          " = raw:3 failover answer to queue1\n");
    finish(t, 0);
    closed(t);
    service_bed_expect(t, "data > etcd-worker: watcher-closed " KEY "\n");
    finish(t, 0);
    service_bed_expect(t, "");
    expect_idle(t, 0);
}

static void requests_of_one_key_follow_each_other(void **state)
{
    struct service_bed *t = *state;
    ask(t, POST_REGISTER, 0, 1, 0);
    service_bed_expect(t, "data > etcd-worker: register " KEY " = raw:1 to queue1\n");
    ask(t, POST_REGISTER, 0, 2, 0);
    service_bed_pass(t, SEC(1));
    service_bed_expect(t, "");
    finish(t, 0);
    service_bed_expect(t, "data > etcd-worker: register " KEY " = raw:2 to queue1\n");
    finish(t, 0);
    service_bed_expect(t, "");
    expect_idle(t, 0);
}

static void requests_of_different_keys_run_side_by_side(void **state)
{
    struct service_bed *t = *state;
    ask(t, POST_REGISTER, 0, 1, 0);
    ask(t, POST_REGISTER, 1, 2, 0);
    service_bed_expect(t, "data > etcd-worker: register " KEY " = raw:1 to queue1\n"
                          "data > etcd-worker: register " OTHER_KEY " = raw:2 to queue1\n");
    finish(t, 1); /* first, as the other one is slow */
    service_bed_expect(t, "");
    assert_int_equal(t->data->key_count, 1);
    finish(t, 0);
    service_bed_expect(t, "");
    expect_idle(t, 0);
    expect_idle(t, 1);
}

/* Bit i of `puts`: the i-th of the four is a put, else a delete. Upstream draws one order. */
static void wait_in_this_order(struct service_bed *t, unsigned puts)
{
    ask(t, POST_REGISTER, 0, 1, 0);
    service_bed_expect(t, "data > etcd-worker: register " KEY " = raw:1 to queue1\n");
    ask(t, POST_REGISTER_INITIAL, 0, 9, 0);
    for (uint32_t i = 0; i < 4; i++) {
        if ((puts >> i & 1) != 0)
            ask(t, POST_REGISTER, 0, 10 + i, 0);
        else
            closed(t);
        assert_int_equal(t->data->waiting_count, 1);
    }
    service_bed_expect(t, "");
    finish(t, 0);
    if ((puts >> 3) != 0)
        service_bed_expect(t, "data > etcd-worker: register " KEY " = raw:13 to queue1\n");
    else
        service_bed_expect(t, "data > etcd-worker: watcher-closed " KEY "\n");
    finish(t, 0);
    service_bed_expect(t, "");
    expect_idle(t, 0);
}

static void of_puts_and_deletes_that_wait_the_last_one_is_left(void **state)
{
    static const unsigned two_of_four[] = {3, 5, 6, 9, 10, 12};
    for (size_t i = 0; i < sizeof two_of_four / sizeof two_of_four[0]; i++)
        wait_in_this_order(*state, two_of_four[i]);
}

static void a_key_that_vanished_is_registered_and_not_watched_again(void **state)
{
    struct service_bed *t = *state;
    removed(t, false);
    service_bed_expect(t, "data > data: register-initial " KEY " = raw:1\n"
                          "data > etcd-worker: register-initial " KEY " = raw:1 to data\n");
    finish(t, 0);
    service_bed_expect(t, "");
    expect_idle(t, 0);
}

static void a_removal_under_a_prefix_is_ignored(void **state)
{
    struct service_bed *t = *state;
    removed(t, true);
    service_bed_expect(
        t, "data: cannot use message post from scheduler0 (14)\n"); /* an error in the log */
    expect_idle(t, 0);
}

static void a_key_is_unwatched_and_then_deleted(void **state)
{
    struct service_bed *t = *state;
    ask(t, POST_UNREGISTER, 0, 0, 0);
    service_bed_expect(t, "data > watcher: unwatch " KEY " exact feedback name 0\n");
    closed(t);
    service_bed_expect(t, "data > etcd-worker: watcher-closed " KEY "\n");
    finish(t, 0);
    service_bed_expect(t, "");
    expect_idle(t, 0);
}

static void expect_cached(const struct service_bed *t, uint32_t value)
{
    assert_int_equal(t->data->cache_count, 1);
    assert_true(key_equal(&t->data->cache[0].key, &keys[0]));
    assert_int_equal(t->data->cache[0].value.kind, VALUE_RAW);
    assert_int_equal(t->data->cache[0].value.a, value);
}

static void update_first(struct service_bed *t)
{
    assert_int_equal(t->data->cache_count, 0);
    ask(t, POST_UPDATE_ON_CHANGE, 0, 1, 0);
    service_bed_expect(t, "data > data: register " KEY " = raw:1 failover\n"
                          "data > watcher: watch " KEY " exact deletes name 0\n"
                          "data > etcd-worker: register " KEY " = raw:1 failover to data\n");
    expect_cached(t, 1);
}

static void the_first_value_is_stored(void **state)
{
    update_first(*state);
}

static void the_same_value_is_not_stored_again(void **state)
{
    struct service_bed *t = *state;
    update_first(t);
    ask(t, POST_UPDATE_ON_CHANGE, 0, 1, 0);
    service_bed_expect(t, "");
    expect_cached(t, 1);
    finish(t, 0);
    service_bed_expect(t, ""); /* nothing waited */
    expect_idle(t, 0);
}

static void another_value_is_stored_without_failover(void **state)
{
    struct service_bed *t = *state;
    update_first(t);
    finish(t, 0);
    ask(t, POST_UPDATE_ON_CHANGE, 0, 2, 0);
    service_bed_expect(t, "data > data: register " KEY " = raw:2\n"
                          "data > etcd-worker: register " KEY " = raw:2 to data\n");
    expect_cached(t, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("DataManagementServiceTests", 72, requests_of_an_idle_key_reach_the_worker),
        CONFORMS("DataManagementServiceTests", 95, requests_of_one_key_follow_each_other),
        CONFORMS("DataManagementServiceTests", 133,
                 requests_of_different_keys_run_side_by_side),
        CONFORMS("DataManagementServiceTests", 170,
                 of_puts_and_deletes_that_wait_the_last_one_is_left),
        CONFORMS("DataManagementServiceTests", 197,
                 a_key_that_vanished_is_registered_and_not_watched_again),
        CONFORMS("DataManagementServiceTests", 210, a_removal_under_a_prefix_is_ignored),
        CONFORMS("DataManagementServiceTests", 222, a_key_is_unwatched_and_then_deleted),
        CONFORMS("DataManagementServiceTests", 241, the_first_value_is_stored),
        CONFORMS("DataManagementServiceTests", 254, the_same_value_is_not_stored_again),
        CONFORMS("DataManagementServiceTests", 271, another_value_is_stored_without_failover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
