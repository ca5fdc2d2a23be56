/*
 * test_watcher_service_tests.c - upstream's WatcherServiceTests: the service alone; etcd and
 * the subscribers are probes.
 *
 * Upstream's watcher names are numbers here; its four tables are the rows of one array.
 */
#include "support/conform.h"
#include "support/service_bed.h"

#define KEY "whisk/queue/guest/guest/hello/leader"

/* One watch over everything, from now. */
static int setup(void **state)
{
    struct service_bed *t = service_bed_new(SERVICE(WATCHER), 10);
    service_bed_expect(t, "scheduler0/watcher#0 > etcd watch-create 1 all keys\n");
    const struct message *create = service_bed_newest(t, MSG_WATCH_CREATE);
    assert_int_equal(create->u.watch.key.family, KEY_NONE);
    assert_int_equal(create->u.watch.depth, 0);
    assert_int_equal(create->u.watch.revision, 0);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    service_bed_free(*state);
    return 0;
}

static const struct key leader = {.family = KEY_QUEUE, .ns = BED_GUEST, .action = BED_HELLO};

enum { PUTS = 1, DELETES = 2, BOTH = 3 };

/* As upstream's "testKey" and its prefix "test": the key, or all keys of queues. */
static void watch(struct service_bed *t, actor_id from, bool is_prefix, uint32_t name,
                  unsigned events)
{
    struct post_watch what = {.key = leader,
                              .depth = is_prefix ? 1 : WATCH_EXACT,
                              .puts = (events & PUTS) != 0,
                              .deletes = (events & DELETES) != 0,
                              .name = name};
    service_bed_post(t, from, ACTOR_WATCHER_ID, POST_WATCH, &what, sizeof what);
}

static void unwatch(struct service_bed *t, uint32_t name)
{
    struct post_watch what = {.key = leader, .depth = WATCH_EXACT, .name = name};
    service_bed_post(t, SERVICE_CLIENT, ACTOR_WATCHER_ID, POST_UNWATCH, &what, sizeof what);
}

static void publish(struct service_bed *t, bool is_delete)
{
    struct message m = bed_message(t->bed, MSG_WATCH_EVENT, BED_ETCD, ACTOR_WATCHER_ID);
    m.u.watch.key = leader;
    m.u.watch.value = (struct value){.kind = VALUE_RAW, .a = 1};
    m.u.watch.revision = 10;
    m.u.watch.watch = t->watcher->watch;
    m.u.watch.deleted = is_delete;
    service_bed_deliver(t, &m);
}

static uint32_t table_size(const struct service_bed *t, bool is_prefix, unsigned event)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->watcher->count; i++) {
        const struct post_watch *what = &t->watcher->entries[i].what;
        assert_int_not_equal(what->puts, what->deletes);
        count += (what->depth != WATCH_EXACT) == is_prefix &&
                 (event == PUTS ? what->puts : what->deletes) != 0;
    }
    return count;
}

/* putWatchers, deleteWatchers, prefixPutWatchers, prefixDeleteWatchers. */
static void expect_tables(const struct service_bed *t, uint32_t puts, uint32_t deletes,
                          uint32_t prefix_puts, uint32_t prefix_deletes)
{
    assert_int_equal(table_size(t, false, PUTS), puts);
    assert_int_equal(table_size(t, false, DELETES), deletes);
    assert_int_equal(table_size(t, true, PUTS), prefix_puts);
    assert_int_equal(table_size(t, true, DELETES), prefix_deletes);
}

static void an_endpoint_is_watched_by_key_or_prefix_for_its_events(void **state)
{
    struct service_bed *t = *state;
    watch(t, SERVICE_CLIENT, false, 0, DELETES);
    expect_tables(t, 0, 1, 0, 0);
    watch(t, SERVICE_CLIENT, false, 0, PUTS);
    expect_tables(t, 1, 1, 0, 0);
    watch(t, SERVICE_CLIENT, false, 1, BOTH);
    expect_tables(t, 2, 2, 0, 0);
    watch(t, SERVICE_CLIENT, true, 0, DELETES);
    expect_tables(t, 2, 2, 0, 1);
    watch(t, SERVICE_CLIENT, true, 0, PUTS);
    expect_tables(t, 2, 2, 1, 1);
    watch(t, SERVICE_CLIENT, true, 1, BOTH);
    expect_tables(t, 2, 2, 2, 2);
    service_bed_expect(t, "");
}

static void unwatching_closes_the_watcher_of_that_name(void **state)
{
    struct service_bed *t = *state;
    watch(t, SERVICE_CLIENT, false, 0, DELETES);
    expect_tables(t, 0, 1, 0, 0);
    watch(t, SERVICE_CLIENT, false, 1, DELETES);
    expect_tables(t, 0, 2, 0, 0);
    unwatch(t, 0);
    expect_tables(t, 0, 1, 0, 0);
    assert_int_equal(t->watcher->entries[0].what.name, 1);
    unwatch(t, 1);
    expect_tables(t, 0, 0, 0, 0);
    service_bed_expect(t, ""); /* nobody asked for WatcherClosed */
}

static void the_subscriber_hears_of_a_delete_and_a_put(void **state)
{
    struct service_bed *t = *state;
    watch(t, SERVICE_CLIENT, false, 0, BOTH);
    expect_tables(t, 1, 1, 0, 0);
    publish(t, true);
    service_bed_expect(t, "watcher > queue1: removed " KEY " = raw:1 exact name 0\n");
    publish(t, false);
    service_bed_expect(t, "watcher > queue1: inserted " KEY " = raw:1 exact name 0\n");
    unwatch(t, 0);
    expect_tables(t, 0, 0, 0, 0);
    watch(t, SERVICE_CLIENT, true, 0, BOTH);
    expect_tables(t, 0, 0, 1, 1);
    publish(t, true);
    service_bed_expect(t, "watcher > queue1: removed " KEY " = raw:1 prefix name 0\n");
    publish(t, false);
    service_bed_expect(t, "watcher > queue1: inserted " KEY " = raw:1 prefix name 0\n");
}

static void the_subscriber_does_not_hear_of_the_other_event(void **state)
{
    struct service_bed *t = *state;
    watch(t, SERVICE_CLIENT, false, 0, DELETES);
    expect_tables(t, 0, 1, 0, 0);
    publish(t, false);
    service_bed_expect(t, "");
    unwatch(t, 0);
    expect_tables(t, 0, 0, 0, 0);
    watch(t, SERVICE_CLIENT, false, 0, PUTS);
    expect_tables(t, 1, 0, 0, 0);
    publish(t, true);
    service_bed_expect(t, "");
}

static void a_watch_that_is_registered_is_not_registered_again(void **state)
{
    struct service_bed *t = *state;
    for (int i = 0; i < 3; i++)
        watch(t, SERVICE_CLIENT, false, 0, DELETES);
    expect_tables(t, 0, 1, 0, 0);
    service_bed_expect(t, "");
    publish(t, true);
    service_bed_expect(t, "watcher > queue1: removed " KEY " = raw:1 exact name 0\n");
}

static void another_name_is_another_watch(void **state)
{
    struct service_bed *t = *state;
    for (uint32_t i = 1; i <= 3; i++)
        watch(t, SERVICE_CLIENT, false, i, DELETES);
    expect_tables(t, 0, 3, 0, 0);
    service_bed_expect(t, "");
    publish(t, true);
    service_bed_expect(t, "watcher > queue1: removed " KEY " = raw:1 exact name 1\n"
                          "watcher > queue1: removed " KEY " = raw:1 exact name 2\n"
                          "watcher > queue1: removed " KEY " = raw:1 exact name 3\n");
}

/* Upstream's onError: the server ended the watch. The subscribers are kept. */
static void an_error_restarts_the_watch_of_etcd(void **state)
{
    struct service_bed *t = *state;
    uint16_t first = t->watcher->watch;
    watch(t, SERVICE_CLIENT, false, 0, BOTH);
    publish(t, false);
    service_bed_expect(t, "watcher > queue1: inserted " KEY " = raw:1 exact name 0\n");
    assert_int_equal(bed_sent_count(t->bed, MSG_WATCH_CREATE), 1);
    struct message m = bed_message(t->bed, MSG_WATCH_CANCELED, BED_ETCD, ACTOR_WATCHER_ID);
    m.u.watch.watch = first;
    service_bed_deliver(t, &m);
    service_bed_expect(t, "watcher > watcher: restart-watcher\n"
                          "scheduler0/watcher#0 > etcd watch-cancel 1\n"
                          "scheduler0/watcher#0 > etcd watch-create 2 all keys\n");
    assert_int_equal(bed_sent_count(t->bed, MSG_WATCH_CREATE), 2);
    assert_int_equal(bed_sent(t->bed, MSG_WATCH_CANCEL, 0)->u.watch.watch, first);
    assert_int_equal(bed_sent(t->bed, MSG_WATCH_CREATE, 1)->u.watch.watch, first + 1);
    assert_int_equal(bed_sent(t->bed, MSG_WATCH_CREATE, 1)->u.watch.revision, 0);
    publish(t, true);
    service_bed_expect(t, "watcher > queue1: removed " KEY " = raw:1 exact name 0\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("WatcherServiceTests", 94,
                 an_endpoint_is_watched_by_key_or_prefix_for_its_events),
        CONFORMS("WatcherServiceTests", 124, unwatching_closes_the_watcher_of_that_name),
        CONFORMS("WatcherServiceTests", 147, the_subscriber_hears_of_a_delete_and_a_put),
        CONFORMS("WatcherServiceTests", 181, the_subscriber_does_not_hear_of_the_other_event),
        CONFORMS("WatcherServiceTests", 212,
                 a_watch_that_is_registered_is_not_registered_again),
        CONFORMS("WatcherServiceTests", 230, another_name_is_another_watch),
        CONFORMS("WatcherServiceTests", 248, an_error_restarts_the_watch_of_etcd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
