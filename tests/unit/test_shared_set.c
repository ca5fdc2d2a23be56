/*
 * test_shared_set.c - the three forms of a set that several threads reach.
 */
#include "support/bed.h"
#include "core/shared_set.h"

#define SET_TIMER 40u

struct fixture {
    struct bed *bed;
    struct timers timers;
    struct shared_set set;
};
static struct fixture f;

static void begin_form(enum set_form form)
{
    f.bed = bed_new(NULL, BED_SCHEDULER0, NULL);
    timers_init(&f.timers, f.bed->arena, BED_SCHEDULER0);
    f.bed->fx.at = f.bed->now;
    shared_set_init(&f.set, &f.bed->env, &f.timers, ACTOR(ACTOR_QUEUE, 1, 2), SET_TIMER, form,
                    true, BED_HELLO, 99);
}

static void end_form(void)
{
    shared_set_release(&f.set);
    assert_int_equal(timers_first(&f.timers).at, TSTAMP_NEVER);
    bed_free(f.bed);
}

static const struct record *last_record(void)
{
    assert_true(f.bed->fx.record_count > 0);
    return &f.bed->fx.records[f.bed->fx.record_count - 1];
}

static void fire(void)
{
    tstamp at = timers_first(&f.timers).at;
    assert_true(at != TSTAMP_NEVER);
    f.bed->fx.at = at;
    struct timer *timer = timers_pop(&f.timers, at);
    assert_int_equal(timer->kind, SET_TIMER);
    assert_int_equal(timer->actor, ACTOR(ACTOR_QUEUE, 1, 2));
    shared_set_store(&f.bed->fx, timer);
}

static void a_safe_change_is_seen_at_once(void **state)
{
    (void)state;
    begin_form(SET_SAFE);
    for (uint32_t id = 20; id > 0; id--)
        shared_set_add(&f.set, &f.bed->fx, id);
    assert_int_equal(shared_set_count(&f.set), 20);
    assert_int_equal(last_record()->kind, RECORD_SET_CHANGED);
    assert_int_equal(last_record()->detail, SET_ADD);
    assert_int_equal(last_record()->container, 1);
    assert_int_equal(last_record()->value, 20);
    assert_int_equal(last_record()->action, BED_HELLO);
    shared_set_remove(&f.set, &f.bed->fx, 7);
    assert_false(shared_set_has(&f.set, 7));
    assert_true(shared_set_has(&f.set, 8));
    assert_int_equal(last_record()->detail, SET_REMOVE);
    assert_int_equal(shared_set_count_elsewhere(&f.set, &f.bed->fx), 19);
    uint32_t records = f.bed->fx.record_count;
    shared_set_remove(&f.set, &f.bed->fx, 7);
    shared_set_add(&f.set, &f.bed->fx, 8);
    assert_int_equal(f.bed->fx.record_count, records);
    end_form();
}

static void a_stale_read_sees_what_the_set_was(void **state)
{
    (void)state;
    begin_form(SET_STALE);
    f.bed->cluster.timing[TIMING_SET_STALENESS] = (struct range){MSEC(100), MSEC(100)};
    shared_set_add(&f.set, &f.bed->fx, 1);
    assert_int_equal(shared_set_count(&f.set), 1);
    assert_int_equal(shared_set_count_elsewhere(&f.set, &f.bed->fx), 0);
    assert_int_equal(last_record()->detail, SET_READ_STALE);
    f.bed->fx.at += MSEC(60);
    shared_set_add(&f.set, &f.bed->fx, 2);
    f.bed->fx.at += MSEC(40);
    assert_int_equal(shared_set_count_elsewhere(&f.set, &f.bed->fx), 1);
    f.bed->fx.at += MSEC(60);
    uint32_t records = f.bed->fx.record_count;
    assert_int_equal(shared_set_count_elsewhere(&f.set, &f.bed->fx), 2);
    assert_int_equal(f.bed->fx.record_count, records);
    end_form();
}

static void a_later_change_brings_what_was_not_seen_before(void **state)
{
    (void)state;
    struct range *staleness;
    begin_form(SET_STALE);
    staleness = &f.bed->cluster.timing[TIMING_SET_STALENESS];
    *staleness = (struct range){SEC(10), SEC(10)};
    shared_set_add(&f.set, &f.bed->fx, 1);
    shared_set_add(&f.set, &f.bed->fx, 2);
    *staleness = (struct range){MSEC(1), MSEC(1)};
    shared_set_remove(&f.set, &f.bed->fx, 1);
    assert_int_equal(shared_set_count_elsewhere(&f.set, &f.bed->fx), 0);
    f.bed->fx.at += MSEC(1);
    assert_int_equal(shared_set_count_elsewhere(&f.set, &f.bed->fx), 1);
    f.bed->fx.at += SEC(10); /* the two older versions are not seen now either */
    assert_int_equal(shared_set_count_elsewhere(&f.set, &f.bed->fx), 1);
    end_form();
}

static void a_stale_read_is_said_once_for_the_change_that_it_misses(void **state)
{
    (void)state;
    begin_form(SET_STALE);
    f.bed->cluster.timing[TIMING_SET_STALENESS] = (struct range){SEC(1), SEC(1)};
    shared_set_add(&f.set, &f.bed->fx, 7);
    f.bed->fx.at += SEC(1);
    assert_int_equal(shared_set_count_elsewhere(&f.set, &f.bed->fx), 1);
    assert_int_equal(shared_set_why(&f.set), last_record()->seq); /* what brought 7 in */
    shared_set_remove(&f.set, &f.bed->fx, 7);
    uint64_t removal = last_record()->seq;
    f.bed->fx.cause = 3;
    assert_int_equal(shared_set_count_elsewhere(&f.set, &f.bed->fx), 1);
    const struct record *stale = last_record();
    assert_int_equal(stale->detail, SET_READ_STALE);
    assert_int_equal(stale->container, 7);
    assert_int_equal(stale->value, 1);
    assert_int_equal(stale->value2, 0); /* the real size, and not an addition */
    assert_int_equal(stale->cause, removal);
    assert_int_equal(shared_set_why(&f.set), stale->seq);
    assert_int_equal(f.bed->fx.cause, 3);
    uint32_t records = f.bed->fx.record_count;
    assert_int_equal(shared_set_count_elsewhere(&f.set, &f.bed->fx), 1);
    assert_int_equal(f.bed->fx.record_count, records);
    f.bed->fx.at += SEC(1);
    assert_int_equal(shared_set_count_elsewhere(&f.set, &f.bed->fx), 0);
    assert_int_equal(shared_set_why(&f.set), 0);
    end_form();
}

static void the_memory_of_stale_versions_is_bounded(void **state)
{
    (void)state;
    begin_form(SET_STALE);
    for (uint32_t i = 0; i < 10000; i++) {
        f.bed->fx.at += MSEC(10);
        shared_set_add(&f.set, &f.bed->fx, i + 1);
        shared_set_remove(&f.set, &f.bed->fx, i + 1);
    }
    assert_true(f.set.version_max <= 256);
    assert_int_equal(shared_set_count(&f.set), 0);
    end_form();
}

static void of_two_changes_that_overlap_the_later_store_wins(void **state)
{
    (void)state;
    begin_form(SET_LOST_UPDATE);
    f.bed->cluster.timing[TIMING_SET_WINDOW] = (struct range){MSEC(5), MSEC(5)};
    shared_set_add(&f.set, &f.bed->fx, 1);
    assert_int_equal(last_record()->detail, SET_LOAD);
    assert_int_equal(shared_set_count(&f.set), 0);
    fire();
    assert_true(shared_set_has(&f.set, 1));
    shared_set_remove(&f.set, &f.bed->fx, 1);
    shared_set_add(&f.set, &f.bed->fx, 2);
    assert_int_equal(f.set.open, 2);
    fire();
    assert_int_equal(shared_set_count(&f.set), 0);
    fire(); /* it loaded before the removal was stored: 1 is back */
    assert_int_equal(last_record()->detail, SET_STORE);
    assert_true(shared_set_has(&f.set, 1));
    assert_true(shared_set_has(&f.set, 2));
    assert_int_equal(f.set.open, 0);
    end_form();
}

static void changes_that_overlap_lead_to_each_other(void **state)
{
    (void)state;
    begin_form(SET_LOST_UPDATE);
    struct range *window = &f.bed->cluster.timing[TIMING_SET_WINDOW];
    for (uint32_t id = 1; id <= 2; id++) {
        shared_set_add(&f.set, &f.bed->fx, id);
        fire();
    }
    *window = (struct range){MSEC(9), MSEC(9)};
    f.bed->fx.cause = 5;
    shared_set_remove(&f.set, &f.bed->fx, 2);
    uint64_t first = last_record()->seq;
    assert_int_equal(last_record()->cause, 5);
    assert_int_equal(f.bed->fx.cause, 5); /* a load leads to nothing in its own turn */
    *window = (struct range){MSEC(3), MSEC(3)};
    shared_set_remove(&f.set, &f.bed->fx, 1);
    assert_int_equal(last_record()->cause, first);
    fire();
    assert_int_equal(last_record()->cause, first + 1);
    assert_int_equal(last_record()->value2, 0);
    fire(); /* without 2, but with what it had loaded before 1 went */
    assert_int_equal(last_record()->cause, first + 2);
    assert_int_equal(last_record()->value, 1);
    assert_int_equal(last_record()->value2,
                     UINT64_C(1) << 32 | 1u << SET_MORE_SHIFT | SET_IS_BACK);
    assert_int_equal(shared_set_why(&f.set), last_record()->seq);
    end_form();
}

static void a_store_that_loses_an_id_names_it(void **state)
{
    (void)state;
    begin_form(SET_LOST_UPDATE);
    f.bed->cluster.timing[TIMING_SET_WINDOW] = (struct range){MSEC(5), MSEC(5)};
    shared_set_add(&f.set, &f.bed->fx, 1);
    shared_set_add(&f.set, &f.bed->fx, 2);
    fire();
    fire();
    assert_int_equal(last_record()->container, 2);
    assert_int_equal(last_record()->value2,
                     UINT64_C(1) << 32 | 1u << SET_MORE_SHIFT | SET_IS_ADD);
    assert_int_equal(shared_set_count(&f.set), 1);
    assert_false(shared_set_has(&f.set, 1));
    end_form();
}

static void changes_apart_are_not_lost(void **state)
{
    (void)state;
    begin_form(SET_LOST_UPDATE);
    for (uint32_t id = 1; id <= 50; id++) {
        shared_set_add(&f.set, &f.bed->fx, id);
        fire();
    }
    assert_int_equal(shared_set_count(&f.set), 50);
    end_form();
}

static void releasing_a_set_ends_its_open_changes(void **state)
{
    (void)state;
    begin_form(SET_LOST_UPDATE);
    for (uint32_t id = 1; id <= 5; id++)
        shared_set_add(&f.set, &f.bed->fx, id);
    for (uint32_t i = 0; i < 5; i++)
        fire(); /* now the timers have their room */
    size_t blocks = arena_blocks(f.bed->arena, BED_SCHEDULER0);
    for (uint32_t id = 1; id <= 5; id++)
        shared_set_add(&f.set, &f.bed->fx, id);
    shared_set_release(&f.set);
    /* what the set itself had is given back, and no change is left */
    assert_int_equal(arena_blocks(f.bed->arena, BED_SCHEDULER0), blocks - 1);
    end_form();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_safe_change_is_seen_at_once),
        cmocka_unit_test(a_stale_read_sees_what_the_set_was),
        cmocka_unit_test(a_later_change_brings_what_was_not_seen_before),
        cmocka_unit_test(a_stale_read_is_said_once_for_the_change_that_it_misses),
        cmocka_unit_test(the_memory_of_stale_versions_is_bounded),
        cmocka_unit_test(of_two_changes_that_overlap_the_later_store_wins),
        cmocka_unit_test(changes_that_overlap_lead_to_each_other),
        cmocka_unit_test(a_store_that_loses_an_id_names_it),
        cmocka_unit_test(changes_apart_are_not_lost),
        cmocka_unit_test(releasing_a_set_ends_its_open_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
