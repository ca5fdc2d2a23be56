/* Upstream's ContainerCounterTests: the totals of a namespace. */
#include "support/conform.h"
#include "support/scheduler_bed.h"

static int setup(void **state)
{
    *state = sched_started();
    return 0;
}

static int teardown(void **state)
{
    sched_free(*state);
    return 0;
}

static struct effects *effects(struct sched *s)
{
    s->bed->fx.message_count = s->bed->fx.record_count = 0;
    s->bed->fx.at = s->bed->now;
    return &s->bed->fx;
}

/* Registrations of both prefixes, and nothing else. */
static void expect_both(const struct sched *s, unsigned what, const struct counter *counter)
{
    static const enum key_family families[] = {KEY_IN_PROGRESS, KEY_EXISTING};
    assert_int_equal(s->bed->fx.message_count, 2);
    assert_int_equal(s->bed->fx.record_count, 0);
    for (unsigned i = 0; i < 2; i++) {
        const struct message *m = &s->bed->fx.messages[i];
        const struct post_watch *watch = MESSAGE_LOCAL_CONST(m, struct post_watch);
        assert_int_equal(m->what, what);
        assert_int_equal(m->to_actor, ACTOR_WATCHER_ID);
        assert_int_equal(m->from_actor, ACTOR(ACTOR_COUNTER, counter->generation, BED_GUEST));
        assert_int_equal(watch->key.family, families[i]);
        assert_int_equal(watch->key.ns, BED_GUEST);
        assert_int_equal(watch->depth, 2);
        assert_int_equal(watch->puts, what == POST_WATCH);
        assert_int_equal(watch->deletes, what == POST_WATCH);
        assert_int_equal(watch->feedback, 0);
    }
}

static struct counter *open_hundred(struct sched *s)
{
    struct effects *fx = effects(s);
    struct counter *first = counter_open(s->machine, fx, BED_GUEST);
    for (unsigned i = 1; i < 100; i++)
        assert_ptr_equal(counter_open(s->machine, fx, BED_GUEST), first);
    assert_int_equal(first->references, 100);
    assert_null(first->next);
    expect_both(s, POST_WATCH, first);
    return first;
}

static void a_namespace_has_one_counter(void **state)
{
    struct sched *s = *state;
    struct counter *counter = open_hundred(s);
    assert_ptr_equal(counter_of(s->machine, BED_GUEST), counter);
    assert_null(counter_of(s->machine, BED_OTHER));
}

static void the_last_close_ends_it(void **state)
{
    struct sched *s = *state;
    struct counter *counter = open_hundred(s);
    struct effects *fx = effects(s);
    for (unsigned i = 0; i < 50; i++)
        counter_close(s->machine, fx, counter);
    assert_int_equal(counter->references, 50);
    assert_int_equal(fx->message_count, 0);
    assert_ptr_equal(counter_of(s->machine, BED_GUEST), counter);
    for (unsigned i = 0; i < 50; i++)
        counter_close(s->machine, fx, counter);
    assert_int_equal(counter->references, 0);
    expect_both(s, POST_UNWATCH, counter);
    assert_null(counter_of(s->machine, BED_GUEST));
}

/* etcd's events; what it counts is in the bed's fields. */
static void publish(struct sched *s, enum key_family family, namespace_id ns, uint32_t revision,
                    uint32_t id, bool deleted)
{
    struct key key = {.family = (uint16_t)family,
                      .ns = ns,
                      .action = ns == BED_GUEST ? BED_HELLO : BED_WIDE,
                      .revision = revision,
                      .node = family == KEY_EXISTING ? BED_INVOKER0 : BED_SCHEDULER0,
                      .id = id};
    struct value empty = {.kind = VALUE_EMPTY};
    uint32_t *count = family == KEY_EXISTING ? &s->existing : &s->in_progress;
    if (ns == BED_GUEST)
        *count = deleted ? *count - 1 : *count + 1;
    sched_watch(s, &key, &empty, deleted);
}

static void expect_totals(const struct sched *s, uint32_t in_progress, uint32_t existing)
{
    const struct counter *counter = counter_of(s->machine, BED_GUEST);
    assert_int_equal(counter->in_progress, in_progress);
    assert_int_equal(counter->existing, existing);
}

static void events_of_the_namespace_change_the_totals(void **state)
{
    struct sched *s = *state;
    sched_quiet(s);
    sched_forget(s);
    expect_totals(s, 0, 0);
    publish(s, KEY_IN_PROGRESS, BED_GUEST, 1, 1, false);
    publish(s, KEY_EXISTING, BED_GUEST, 1, 1, false);
    expect_totals(s, 1, 1);
    publish(s, KEY_IN_PROGRESS, BED_GUEST, 2, 2, false);
    publish(s, KEY_EXISTING, BED_GUEST, 2, 2, false);
    expect_totals(s, 2, 2);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 4);
    publish(s, KEY_IN_PROGRESS, BED_OTHER, 1, 3, false);
    publish(s, KEY_EXISTING, BED_OTHER, 1, 3, false);
    expect_totals(s, 2, 2);
    publish(s, KEY_IN_PROGRESS, BED_GUEST, 1, 1, true);
    publish(s, KEY_IN_PROGRESS, BED_GUEST, 2, 2, true);
    expect_totals(s, 0, 2);
    publish(s, KEY_EXISTING, BED_GUEST, 1, 1, true);
    publish(s, KEY_EXISTING, BED_GUEST, 2, 2, true);
    expect_totals(s, 0, 0);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 8); /* a count for each event */
}

static void a_failed_count_is_made_up_for(void **state)
{
    struct sched *s = *state;
    sched_quiet(s);
    expect_totals(s, 0, 0);
    s->range_fails = true;
    publish(s, KEY_IN_PROGRESS, BED_GUEST, 1, 1, false);
    expect_totals(s, 0, 0);
    s->range_fails = false;
    for (uint32_t i = 2; i <= 101; i++)
        publish(s, KEY_IN_PROGRESS, BED_GUEST, 1, i, false);
    for (uint32_t i = 1; i <= 101; i++)
        publish(s, KEY_EXISTING, BED_GUEST, 1, i, false);
    expect_totals(s, 101, 101);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CONFORMS("ContainerCounterTests", 89, a_namespace_has_one_counter),
        CONFORMS("ContainerCounterTests", 113, the_last_close_ends_it),
        CONFORMS("ContainerCounterTests", 163, events_of_the_namespace_change_the_totals),
        CONFORMS("ContainerCounterTests", 252, a_failed_count_is_made_up_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
