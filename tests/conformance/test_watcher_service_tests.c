/* Upstream's WatcherServiceTests. */
#include "support/common_bed.h"
#include "support/conform.h"

#define HELLO "whisk/throttling/guest/guest/hello"
#define CREATE(number) "scheduler0/watcher#0 > etcd watch-create " number " all keys\n"

static int setup(void **state)
{
    struct bed *bed = *state = common_bed_new(COMMON_WATCHER);
    expect_trace(bed, CREATE("1"));
    assert_int_equal(bed_sent(bed, MSG_WATCH_CREATE, 0)->u.watch.revision, 0);
    bed_forget(bed);
    return 0;
}

static int teardown(void **state)
{
    struct bed *bed = *state;
    expect_trace(bed, "");
    expect_records(bed, "");
    assert_int_equal(bed_next_in(bed), TSTAMP_NEVER);
    common_bed_free(bed);
    return 0;
}

static void watch(struct bed *bed, unsigned depth, uint32_t name, bool puts, bool deletes)
{
    common_watch(bed, COMMON_CLIENT, POST_WATCH, common_key(BED_HELLO), depth, name, puts,
                 deletes);
    expect_said(bed, "");
}

static void unwatch(struct bed *bed, unsigned depth, uint32_t name)
{
    common_watch(bed, COMMON_CLIENT, POST_UNWATCH, common_key(BED_HELLO), depth, name, false,
                 false);
    expect_said(bed, "");
}

/* The sizes of upstream's tables: delete, put, prefix-delete, prefix-put. */
static void expect_sizes(struct bed *bed, uint32_t deletes, uint32_t puts,
                         uint32_t prefix_deletes, uint32_t prefix_puts)
{
    const struct watcher *w = common_watcher(bed);
    uint32_t sizes[2][2] = {{0}};
    for (uint32_t i = 0; i < w->count; i++)
        sizes[w->entries[i].what.depth != WATCH_EXACT][w->entries[i].what.puts]++;
    assert_int_equal(sizes[0][0], deletes);
    assert_int_equal(sizes[0][1], puts);
    assert_int_equal(sizes[1][0], prefix_deletes);
    assert_int_equal(sizes[1][1], prefix_puts);
}

static void event(struct bed *bed, bool is_deleted)
{
    common_event(bed, common_key(BED_HELLO), common_value(true), is_deleted, 10);
}

static void an_endpoint_is_watched(void **state)
{
    struct bed *bed = *state;
    watch(bed, WATCH_EXACT, 1, false, true);
    expect_sizes(bed, 1, 0, 0, 0);
    watch(bed, WATCH_EXACT, 1, true, false);
    expect_sizes(bed, 1, 1, 0, 0);
    watch(bed, WATCH_EXACT, 2, true, true);
    expect_sizes(bed, 2, 2, 0, 0);
    watch(bed, 2, 1, false, true);
    expect_sizes(bed, 2, 2, 1, 0);
    watch(bed, 2, 1, true, false);
    expect_sizes(bed, 2, 2, 1, 1);
    watch(bed, 2, 2, true, true);
    expect_sizes(bed, 2, 2, 2, 2);
}

static void each_name_is_unwatched_alone(void **state)
{
    struct bed *bed = *state;
    watch(bed, WATCH_EXACT, 1, false, true);
    expect_sizes(bed, 1, 0, 0, 0);
    watch(bed, WATCH_EXACT, 2, false, true);
    expect_sizes(bed, 2, 0, 0, 0);
    unwatch(bed, WATCH_EXACT, 1);
    expect_sizes(bed, 1, 0, 0, 0);
    unwatch(bed, WATCH_EXACT, 2);
    expect_sizes(bed, 0, 0, 0, 0);
}

static void deletes_and_puts_are_told(void **state)
{
    struct bed *bed = *state;
    watch(bed, WATCH_EXACT, 1, true, true);
    expect_sizes(bed, 1, 1, 0, 0);
    event(bed, true);
    expect_said(bed, "queue#3: removed " HELLO " true name 1\n");
    event(bed, false);
    expect_said(bed, "queue#3: inserted " HELLO " true name 1\n");
    unwatch(bed, WATCH_EXACT, 1);
    watch(bed, 2, 2, true, true); /* whisk/throttling/guest/ */
    event(bed, true);
    expect_said(bed, "queue#3: removed " HELLO " true name 2 prefix\n");
    event(bed, false);
    expect_said(bed, "queue#3: inserted " HELLO " true name 2 prefix\n");
}

static void other_events_are_not(void **state)
{
    struct bed *bed = *state;
    watch(bed, WATCH_EXACT, 1, false, true);
    expect_sizes(bed, 1, 0, 0, 0);
    event(bed, false);
    expect_said(bed, "");
    unwatch(bed, WATCH_EXACT, 1);
    watch(bed, WATCH_EXACT, 1, true, false);
    expect_sizes(bed, 0, 1, 0, 0);
    event(bed, true);
    expect_said(bed, "");
}

static void the_same_request_is_one_entry(void **state)
{
    struct bed *bed = *state;
    for (int i = 0; i < 3; i++)
        watch(bed, WATCH_EXACT, 1, false, true);
    expect_sizes(bed, 1, 0, 0, 0);
    event(bed, true);
    expect_said(bed, "queue#3: removed " HELLO " true name 1\n");
}

static void other_names_are_entries_of_their_own(void **state)
{
    struct bed *bed = *state;
    for (uint32_t name = 1; name <= 3; name++)
        watch(bed, WATCH_EXACT, name, false, true);
    expect_sizes(bed, 3, 0, 0, 0);
    event(bed, true);
    expect_said(bed, "queue#3: removed " HELLO " true name 1\n"
                     "queue#3: removed " HELLO " true name 2\n"
                     "queue#3: removed " HELLO " true name 3\n");
}

/* The old one is closed first; the new one begins now. */
static void an_error_makes_it_watch_again(void **state)
{
    struct bed *bed = *state;
    watch(bed, WATCH_EXACT, 1, false, true);
    event(bed, true);
    expect_said(bed, "queue#3: removed " HELLO " true name 1\n");
    struct message m = bed_message(bed, MSG_WATCH_CANCELED, BED_ETCD, ACTOR_WATCHER_ID);
    m.u.watch.watch = common_watcher(bed)->watch;
    bed_deliver(bed, &m);
    expect_trace(bed, "scheduler0/watcher#0 > etcd watch-cancel 1\n" CREATE("2"));
    assert_int_equal(bed_sent(bed, MSG_WATCH_CREATE, 0)->u.watch.revision, 0);
    bed_forget(bed);
    event(bed, true);
    expect_said(bed, "queue#3: removed " HELLO " true name 1\n");
}

int main(void)
{
#define SUITE "WatcherServiceTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 94, an_endpoint_is_watched),
        CONFORMS(SUITE, 124, each_name_is_unwatched_alone),
        CONFORMS(SUITE, 147, deletes_and_puts_are_told),
        CONFORMS(SUITE, 181, other_events_are_not),
        CONFORMS(SUITE, 212, the_same_request_is_one_entry),
        CONFORMS(SUITE, 230, other_names_are_entries_of_their_own),
        CONFORMS(SUITE, 248, an_error_makes_it_watch_again),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
