/*
 * test_common_watcher.c - WatcherService: upstream's WatcherServiceTests, then what happens
 * when the stream breaks.
 */
#include "support/bed.h"
#include "common/watcher.h"

#define SUBSCRIBER ACTOR(ACTOR_QUEUE, 0, 1)
#define OTHER_SUBSCRIBER ACTOR(ACTOR_QUEUE, 0, 2)
#define SEEN_MAX 32

struct watcher_host {
    struct watcher watcher;
    struct message seen[SEEN_MAX]; /* posts to subscribers */
    uint32_t seen_count;
};

static void host_init(void *self, const struct machine_env *env)
{
    watcher_init(&((struct watcher_host *)self)->watcher, env);
}

static void host_step(void *self, const struct event *ev, struct effects *fx)
{
    struct watcher_host *host = self;
    switch (ev->kind) {
    case EVENT_START:
        watcher_start(&host->watcher, fx);
        break;
    case EVENT_DELIVER:
        if (ACTOR_KIND(ev->message->to_actor) == ACTOR_WATCHER)
            watcher_on_message(&host->watcher, ev->message, fx);
        else
            host->seen[host->seen_count++] = *ev->message;
        break;
    case EVENT_LINK:
        watcher_on_link(&host->watcher, ev, fx);
        break;
    case EVENT_WAKE:
    case EVENT_SIGNAL:
        break;
    }
}

static struct wakeup host_next_wakeup(const void *self)
{
    (void)self;
    return (struct wakeup){.at = TSTAMP_NEVER};
}

static const struct machine_ops host_ops = {.name = "watcher-host",
                                            .size = sizeof(struct watcher_host),
                                            .effects_max = 64,
                                            .init = host_init,
                                            .step = host_step,
                                            .next_wakeup = host_next_wakeup};

static struct watcher_host *host_of(struct bed *bed)
{
    return bed->machine;
}

static struct bed *bed_of_watcher(void)
{
    struct bed *bed = bed_new(&host_ops, BED_SCHEDULER0, NULL);
    bed_start(bed);
    return bed;
}

static const struct key leader = {.family = KEY_QUEUE, .ns = BED_GUEST, .action = BED_HELLO};

static struct post_watch registration(unsigned depth, uint32_t name, bool puts, bool deletes)
{
    return (struct post_watch){
        .key = leader, .depth = (uint8_t)depth, .name = name, .puts = puts, .deletes = deletes};
}

static void post(struct bed *bed, actor_id from, unsigned what, struct post_watch watch)
{
    struct message m = bed_message(bed, MSG_POST, bed->env.node, ACTOR_WATCHER_ID);
    m.from_actor = from;
    m.what = (uint16_t)what;
    *MESSAGE_LOCAL(&m, struct post_watch) = watch;
    bed_deliver(bed, &m);
}

static void event(struct bed *bed, const struct key *key, uint32_t value, bool deleted,
                  uint32_t revision)
{
    struct message m = bed_message(bed, MSG_WATCH_EVENT, BED_ETCD, ACTOR_WATCHER_ID);
    m.u.watch.key = *key;
    m.u.watch.value = (struct value){.kind = VALUE_ENDPOINTS, .a = value};
    m.u.watch.revision = revision;
    m.u.watch.watch = host_of(bed)->watcher.watch;
    m.u.watch.deleted = deleted;
    bed_deliver(bed, &m);
}

/* Rows of the four tables: exact or prefix, put or delete. */
static uint32_t table_size(struct bed *bed, bool is_exact, bool is_put)
{
    const struct watcher *w = &host_of(bed)->watcher;
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->count; i++)
        count += (w->entries[i].what.depth == WATCH_EXACT) == is_exact &&
                 w->entries[i].what.puts == is_put;
    return count;
}

static void expect_seen(struct bed *bed, uint32_t n, unsigned what, uint32_t name,
                        bool is_prefix)
{
    assert_true(n < host_of(bed)->seen_count);
    const struct message *m = &host_of(bed)->seen[n];
    const struct post_watched *w = MESSAGE_LOCAL_CONST(m, struct post_watched);
    assert_int_equal(m->what, what);
    assert_int_equal(m->from_actor, ACTOR_WATCHER_ID);
    assert_int_equal(w->name, name);
    assert_int_equal(w->is_prefix, is_prefix);
    assert_true(key_equal(&w->key, &leader));
}

/* WatcherServiceTests:94 */
static void registrations_go_to_the_tables_of_their_events(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    for (int i = 0; i < 2; i++) {
        unsigned depth = i == 0 ? WATCH_EXACT : 1;
        post(bed, SUBSCRIBER, POST_WATCH, registration(depth, 1, false, true));
        assert_int_equal(table_size(bed, i == 0, false), 1);
        post(bed, SUBSCRIBER, POST_WATCH, registration(depth, 1, true, false));
        assert_int_equal(table_size(bed, i == 0, true), 1);
        post(bed, SUBSCRIBER, POST_WATCH, registration(depth, 2, true, true));
        assert_int_equal(table_size(bed, i == 0, true), 2);
        assert_int_equal(table_size(bed, i == 0, false), 2);
    }
    bed_free(bed);
}

/* WatcherServiceTests:124 */
static void unwatching_one_name_leaves_the_other(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    post(bed, SUBSCRIBER, POST_WATCH, registration(WATCH_EXACT, 1, true, true));
    post(bed, SUBSCRIBER, POST_WATCH, registration(WATCH_EXACT, 2, true, true));
    post(bed, SUBSCRIBER, POST_UNWATCH, registration(WATCH_EXACT, 1, false, false));
    assert_int_equal(table_size(bed, true, false), 1);
    post(bed, SUBSCRIBER, POST_UNWATCH, registration(WATCH_EXACT, 2, false, false));
    assert_int_equal(table_size(bed, true, false), 0);
    assert_int_equal(host_of(bed)->seen_count, 0); /* no feedback was asked for */
    bed_free(bed);
}

/* WatcherServiceTests:147 */
static void events_reach_exact_and_prefix_watchers(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    post(bed, SUBSCRIBER, POST_WATCH, registration(WATCH_EXACT, 1, true, true));
    post(bed, OTHER_SUBSCRIBER, POST_WATCH, registration(1, 2, true, true));
    event(bed, &leader, 5, true, 10);
    event(bed, &leader, 6, false, 11);
    assert_int_equal(host_of(bed)->seen_count, 4);
    expect_seen(bed, 0, POST_REMOVED, 1, false);
    expect_seen(bed, 1, POST_REMOVED, 2, true);
    expect_seen(bed, 2, POST_INSERTED, 1, false);
    expect_seen(bed, 3, POST_INSERTED, 2, true);
    assert_int_equal(host_of(bed)->seen[1].to_actor, OTHER_SUBSCRIBER);
    assert_int_equal(MESSAGE_LOCAL_CONST(&host_of(bed)->seen[0], struct post_watched)->value.a,
                     5);
    bed_free(bed);
}

/* WatcherServiceTests:181 */
static void a_watcher_hears_only_the_events_it_asked_for(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    post(bed, SUBSCRIBER, POST_WATCH, registration(WATCH_EXACT, 1, false, true));
    event(bed, &leader, 1, false, 10);
    assert_int_equal(host_of(bed)->seen_count, 0);
    post(bed, SUBSCRIBER, POST_UNWATCH, registration(WATCH_EXACT, 1, false, false));
    post(bed, SUBSCRIBER, POST_WATCH, registration(WATCH_EXACT, 2, true, false));
    event(bed, &leader, 1, true, 11);
    assert_int_equal(host_of(bed)->seen_count, 0);
    bed_free(bed);
}

/* WatcherServiceTests:212 */
static void one_name_three_times_is_one_entry_and_the_last_actor_hears(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    for (int i = 0; i < 2; i++)
        post(bed, SUBSCRIBER, POST_WATCH, registration(WATCH_EXACT, 1, true, false));
    post(bed, OTHER_SUBSCRIBER, POST_WATCH, registration(WATCH_EXACT, 1, true, false));
    assert_int_equal(table_size(bed, true, true), 1);
    event(bed, &leader, 1, false, 10);
    assert_int_equal(host_of(bed)->seen_count, 1);
    assert_int_equal(host_of(bed)->seen[0].to_actor, OTHER_SUBSCRIBER);
    bed_free(bed);
}

/* WatcherServiceTests:230 */
static void three_names_are_three_entries(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    for (uint32_t name = 1; name <= 3; name++)
        post(bed, SUBSCRIBER, POST_WATCH, registration(WATCH_EXACT, name, true, false));
    assert_int_equal(table_size(bed, true, true), 3);
    event(bed, &leader, 1, false, 10);
    assert_int_equal(host_of(bed)->seen_count, 3);
    bed_free(bed);
}

/* WatcherServiceTests:248 */
static void a_cancelled_watch_is_restarted_from_now(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    event(bed, &leader, 1, false, 10);
    struct message m = bed_message(bed, MSG_WATCH_CANCELED, BED_ETCD, ACTOR_WATCHER_ID);
    m.u.watch.watch = host_of(bed)->watcher.watch;
    bed_deliver(bed, &m);
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CREATE), 2);
    assert_int_equal(bed_sent(bed, MSG_WATCH_CREATE, 1)->u.watch.revision, 0);
    bed_free(bed);
}

static struct bed *bed_of_set(enum behaviour behaviour)
{
    struct bed *bed = bed_of_watcher();
    bed->env.behaviour = (uint8_t)behaviour;
    post(bed, SUBSCRIBER, POST_WATCH, registration(WATCH_EXACT, 1, true, true));
    event(bed, &leader, 1, false, 10);
    assert_int_equal(host_of(bed)->seen_count, 1);
    return bed;
}

static void before_5486_a_watcher_whose_stream_has_ended_stays_blind(void **state)
{
    (void)state;
    for (int set = 0; set < BEHAVIOUR_COUNT; set++) {
        bool is_head = set == BEHAVIOUR_HEAD;
        struct bed *bed = bed_of_set((enum behaviour)set);
        struct message m = bed_message(bed, MSG_WATCH_CANCELED, BED_ETCD, ACTOR_WATCHER_ID);
        m.u.watch.watch = host_of(bed)->watcher.watch;
        bed_deliver(bed, &m);
        assert_int_equal(bed_sent_count(bed, MSG_WATCH_CREATE), is_head ? 2 : 1);
        event(bed, &leader, 1, true, 11);
        assert_int_equal(host_of(bed)->seen_count, is_head ? 2 : 1);
        bed_link(bed, BED_ETCD, true);
        bed_link(bed, BED_ETCD, false);
        assert_int_equal(bed_sent_count(bed, MSG_WATCH_CREATE), is_head ? 3 : 1);
        bed_free(bed);
    }
}

/* It means nothing before #5338, the end until #5486, and afterwards a stream for nobody. */
static void a_graceful_shutdown_clears_the_tables_and_closes_the_stream(void **state)
{
    (void)state;
    static const uint32_t cancels[BEHAVIOUR_COUNT] = {
        [BEHAVIOUR_HEAD] = 2, [BEHAVIOUR_5338] = 1, [BEHAVIOUR_PRE_5338] = 0};
    static const uint32_t creates[BEHAVIOUR_COUNT] = {
        [BEHAVIOUR_HEAD] = 2, [BEHAVIOUR_5338] = 1, [BEHAVIOUR_PRE_5338] = 1};
    for (int set = 0; set < BEHAVIOUR_COUNT; set++) {
        struct bed *bed = bed_of_set((enum behaviour)set);
        post(bed, SUBSCRIBER, POST_GRACEFUL_SHUTDOWN, (struct post_watch){0});
        assert_int_equal(bed_sent_count(bed, MSG_WATCH_CANCEL), cancels[set]);
        assert_int_equal(bed_sent_count(bed, MSG_WATCH_CREATE), creates[set]);
        event(bed, &leader, 1, true, 11);
        assert_int_equal(host_of(bed)->seen_count, set == BEHAVIOUR_PRE_5338 ? 2 : 1);
        bed_free(bed);
    }
}

static void a_prefix_ends_where_its_depth_says(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    struct key prefix = {.family = KEY_EXISTING, .ns = BED_GUEST, .action = BED_HELLO};
    struct key key = {.family = KEY_EXISTING,
                      .ns = BED_GUEST,
                      .action = BED_HELLO,
                      .node = BED_INVOKER1,
                      .revision = 1,
                      .id = 99};
    struct post_watch by_revision = {.key = prefix, .depth = 4, .puts = 1, .name = 1};
    struct post_watch by_namespace = {.key = prefix, .depth = 2, .puts = 1, .name = 2};
    by_revision.key.revision = 1;
    by_namespace.key.id = 7; /* what a prefix does not name is not looked at */
    post(bed, SUBSCRIBER, POST_WATCH, by_revision);
    post(bed, SUBSCRIBER, POST_WATCH, by_namespace);
    event(bed, &key, 1, false, 10);
    assert_int_equal(host_of(bed)->seen_count, 2);
    key.revision = 2;
    event(bed, &key, 1, false, 11);
    assert_int_equal(host_of(bed)->seen_count, 3);
    key.ns = BED_OTHER;
    event(bed, &key, 1, false, 12);
    assert_int_equal(host_of(bed)->seen_count, 3);
    bed_free(bed);
}

/* Of a prefix that ends behind its action. */
static void a_prefix_names_its_action_and_nothing_behind_it(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    struct post_watch by_action = registration(3, 1, true, false);
    struct key key = leader;
    by_action.key.action = BED_SLOW;
    by_action.key.revision = 5;
    post(bed, SUBSCRIBER, POST_WATCH, by_action);
    event(bed, &key, 1, false, 10); /* another action */
    assert_int_equal(host_of(bed)->seen_count, 0);
    key.action = BED_SLOW;
    key.revision = 6;
    event(bed, &key, 1, false, 11);
    assert_int_equal(host_of(bed)->seen_count, 1);
    key.ns = BED_OTHER;
    event(bed, &key, 1, false, 12);
    assert_int_equal(host_of(bed)->seen_count, 1);
    bed_free(bed);
}

static void unwatch_with_feedback_is_answered_also_when_nothing_was_watched(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    struct post_watch unwatch = registration(WATCH_EXACT, 4, false, false);
    unwatch.feedback = 1;
    post(bed, SUBSCRIBER, POST_UNWATCH, unwatch);
    assert_int_equal(host_of(bed)->seen_count, 1);
    const struct message *m = &host_of(bed)->seen[0];
    assert_int_equal(m->what, POST_WATCHER_CLOSED);
    assert_int_equal(m->to_actor, SUBSCRIBER);
    assert_int_equal(MESSAGE_LOCAL_CONST(m, struct post_watch)->name, 4);
    bed_free(bed);
}

static void a_broken_stream_goes_on_behind_the_last_event(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    post(bed, SUBSCRIBER, POST_WATCH, registration(WATCH_EXACT, 1, true, true));
    event(bed, &leader, 1, false, 41);
    bed_link(bed, BED_ETCD, true);
    event(bed, &leader, 1, true, 42); /* was on its way */
    assert_int_equal(host_of(bed)->seen_count, 1);
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CREATE), 1);
    bed_link(bed, BED_ETCD, false);
    const struct message *create = bed_sent(bed, MSG_WATCH_CREATE, 1);
    assert_int_equal(create->u.watch.revision, 42);
    assert_int_not_equal(create->u.watch.watch,
                         bed_sent(bed, MSG_WATCH_CREATE, 0)->u.watch.watch);
    event(bed, &leader, 1, true, 42);
    assert_int_equal(host_of(bed)->seen_count, 2);
    bed_free(bed);
}

static void a_stream_that_told_nothing_yet_starts_from_now(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    bed_link(bed, BED_ETCD, true);
    struct message m = bed_reply(bed_sent(bed, MSG_WATCH_CREATE, 0), MSG_REFUSED);
    bed_deliver(bed, &m);
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CREATE), 1);
    bed_link(bed, BED_ETCD, false);
    assert_int_equal(bed_sent(bed, MSG_WATCH_CREATE, 1)->u.watch.revision, 0);
    bed_free(bed);
}

static void a_refusal_while_the_server_is_up_opens_the_stream_again(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    post(bed, SUBSCRIBER, POST_WATCH, registration(WATCH_EXACT, 1, true, true));
    struct message m = bed_reply(bed_sent(bed, MSG_WATCH_CREATE, 0), MSG_REFUSED);
    bed_deliver(bed, &m);
    assert_int_equal(bed_sent(bed, MSG_WATCH_CREATE, 1)->u.watch.revision, 0);
    bed_deliver(bed, &m); /* of the one before */
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CREATE), 2);
    event(bed, &leader, 1, false, 1);
    m = bed_reply(bed_sent(bed, MSG_WATCH_CREATE, 1), MSG_REFUSED);
    bed_deliver(bed, &m);
    assert_int_equal(bed_sent(bed, MSG_WATCH_CREATE, 2)->u.watch.revision, 2);
    event(bed, &leader, 1, false, 9);
    event(bed, &leader, 1, false, 8); /* older ones take nothing back */
    bed_link(bed, BED_KAFKA, true);   /* another's */
    bed_link(bed, BED_ETCD, false);
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CREATE), 3);
    m = bed_reply(bed_sent(bed, MSG_WATCH_CREATE, 2), MSG_REFUSED);
    bed_deliver(bed, &m);
    assert_int_equal(bed_sent(bed, MSG_WATCH_CREATE, 3)->u.watch.revision, 10);
    bed_free(bed);
}

static void numbers_of_watches_begin_anew_at_one(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    host_of(bed)->watcher.watch = UINT16_MAX - 1;
    for (unsigned i = 0; i < 3; i++)
        post(bed, ACTOR_WATCHER_ID, POST_RESTART_WATCHER, (struct post_watch){0});
    static const uint16_t numbers[] = {UINT16_MAX, 1, 2};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(bed_sent(bed, MSG_WATCH_CREATE, i + 1)->u.watch.watch, numbers[i]);
        assert_int_equal(bed_sent(bed, MSG_WATCH_CREATE, i + 1)->corr, numbers[i]);
        assert_int_equal(bed_sent(bed, MSG_WATCH_CANCEL, i)->u.watch.watch,
                         i == 0 ? UINT16_MAX - 1 : numbers[i - 1]);
    }
    bed_free(bed);
}

static void what_is_not_for_a_watcher_is_rejected(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    post(bed, SUBSCRIBER, POST_GET_LEASE, (struct post_watch){0});
    struct message m = bed_message(bed, MSG_ETCD_DONE, BED_ETCD, ACTOR_WATCHER_ID);
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 2);
    m.kind = MSG_WATCH_CREATED;
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 2);
    assert_int_equal(bed->sent_count, 1);
    bed_free(bed);
}

static void events_of_an_older_watch_are_ignored(void **state)
{
    (void)state;
    struct bed *bed = bed_of_watcher();
    post(bed, SUBSCRIBER, POST_WATCH, registration(WATCH_EXACT, 1, true, true));
    post(bed, ACTOR_WATCHER_ID, POST_RESTART_WATCHER, (struct post_watch){0});
    struct message m = bed_message(bed, MSG_WATCH_EVENT, BED_ETCD, ACTOR_WATCHER_ID);
    m.u.watch.key = leader;
    m.u.watch.watch = (uint16_t)(host_of(bed)->watcher.watch - 1);
    bed_deliver(bed, &m);
    assert_int_equal(host_of(bed)->seen_count, 0);
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CANCEL), 1);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registrations_go_to_the_tables_of_their_events),
        cmocka_unit_test(unwatching_one_name_leaves_the_other),
        cmocka_unit_test(events_reach_exact_and_prefix_watchers),
        cmocka_unit_test(a_watcher_hears_only_the_events_it_asked_for),
        cmocka_unit_test(one_name_three_times_is_one_entry_and_the_last_actor_hears),
        cmocka_unit_test(three_names_are_three_entries),
        cmocka_unit_test(a_cancelled_watch_is_restarted_from_now),
        cmocka_unit_test(before_5486_a_watcher_whose_stream_has_ended_stays_blind),
        cmocka_unit_test(a_graceful_shutdown_clears_the_tables_and_closes_the_stream),
        cmocka_unit_test(a_prefix_ends_where_its_depth_says),
        cmocka_unit_test(a_prefix_names_its_action_and_nothing_behind_it),
        cmocka_unit_test(unwatch_with_feedback_is_answered_also_when_nothing_was_watched),
        cmocka_unit_test(a_broken_stream_goes_on_behind_the_last_event),
        cmocka_unit_test(a_stream_that_told_nothing_yet_starts_from_now),
        cmocka_unit_test(a_refusal_while_the_server_is_up_opens_the_stream_again),
        cmocka_unit_test(numbers_of_watches_begin_anew_at_one),
        cmocka_unit_test(what_is_not_for_a_watcher_is_rejected),
        cmocka_unit_test(events_of_an_older_watch_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
