/*
 * test_invoker_drain.c - the shutdown loop: batches, when it goes on, and its two defects:
 * paused containers that are never told, and an enable that is undone.
 */
#include "support/invoker_bed.h"

#define PROXIES_MAX 120u

struct drain {
    struct invoker_bed *t;
    struct slot *slots[PROXIES_MAX];
    uint32_t count;
    uint32_t told;    /* GracefulShutdown messages to proxies */
    uint32_t leaving; /* of which have not gone */
    actor_id last[PROXIES_MAX];
};

static void drain_init(struct drain *d, uint64_t batch)
{
    *d = (struct drain){.t = invoker_bed_cold()};
    bed_config(d->t->bed, "whisk.container-pool.user-memory", UINT64_C(64) << 30);
    bed_config(d->t->bed, "whisk.container-pool.batch-deletion-size", batch);
    invoker_bed_boot(d->t);
    d->t->bed->posts_by_hand = true;
}

static void drain_add(struct drain *d, enum pool_list list, uint32_t count)
{
    while (count-- > 0) {
        struct slot *slot = invoker_slot_new(d->t->invoker, false);
        assert_non_null(slot);
        slot->pool.memory_mb = 256;
        invoker_pool_insert(&d->t->invoker->pool, list, slot, 256);
        d->slots[d->count++] = slot;
    }
}

/* Deliver what was posted to the pool, count what was posted to proxies, drop the rest. */
static void drain_sort(struct drain *d)
{
    struct bed *bed = d->t->bed;
    while (bed_posts(bed) > 0) {
        const struct message *m = bed_post(bed, 0);
        if (m->to_actor == ACTOR_POOL_ID) {
            bed_post_next(bed);
            continue;
        }
        if (ACTOR_KIND(m->to_actor) == ACTOR_PROXY) {
            assert_int_equal(m->what, POST_GRACEFUL_SHUTDOWN);
            assert_true(d->told < PROXIES_MAX);
            d->last[d->told++] = m->to_actor;
            d->leaving++;
        }
        bed->post_first++;
    }
    bed->post_first = bed->post_count = 0;
}

static void drain_switch(struct drain *d, unsigned what)
{
    struct message m = invoker_bed_post(d->t, ACTOR_MAIN_ID, ACTOR_POOL_ID, what);
    bed_deliver(d->t->bed, &m);
    drain_sort(d);
}

static void drain_pass(struct drain *d, duration length)
{
    struct bed *bed = d->t->bed;
    tstamp end = bed->now + length;
    while (bed->ops->next_wakeup(bed->machine).at <= end) {
        bed_wake(bed);
        drain_sort(d);
    }
    bed->now = end;
}

/* The oldest told proxies report that they are being removed. */
static void drain_remove(struct drain *d, uint32_t count)
{
    while (count-- > 0) {
        assert_true(d->leaving > 0);
        struct message m = invoker_bed_post(d->t, d->last[d->told - d->leaving], ACTOR_POOL_ID,
                                            POST_CONTAINER_REMOVED);
        d->leaving--;
        bed_deliver(d->t->bed, &m);
        drain_sort(d);
    }
}

static uint32_t drain_left(const struct drain *d)
{
    const struct pool *pool = &d->t->invoker->pool;
    return pool->lists[POOL_BUSY].count + pool->lists[POOL_WARMED].count;
}

/* Disable; whoever is told is gone before the next round, until no round is to come. */
static uint32_t told_when_all_leave(uint64_t batch, uint32_t busy, uint32_t warmed)
{
    struct drain d;
    drain_init(&d, batch);
    drain_add(&d, POOL_BUSY, busy);
    drain_add(&d, POOL_WARMED, warmed);
    drain_switch(&d, POST_GRACEFUL_SHUTDOWN);
    while (d.t->invoker->pool.drain_timers > 0) {
        drain_remove(&d, d.leaving);
        drain_pass(&d, SEC(5));
    }
    drain_remove(&d, d.leaving);
    assert_int_equal(drain_left(&d), busy + warmed - d.told);
    uint32_t told = d.told;
    invoker_bed_free(d.t);
    return told;
}

static void the_loop_ends_with_paused_containers_never_told(void **state)
{
    (void)state;
    assert_int_equal(told_when_all_leave(10, 0, 10), 10);
    assert_int_equal(told_when_all_leave(10, 0, 11), 10);
    assert_int_equal(told_when_all_leave(10, 0, 20), 10);
    assert_int_equal(told_when_all_leave(10, 5, 5), 10);
    assert_int_equal(told_when_all_leave(10, 5, 6), 10);
    assert_int_equal(told_when_all_leave(10, 5, 10), 10);
    assert_int_equal(told_when_all_leave(10, 10, 1), 11);
    assert_int_equal(told_when_all_leave(10, 0, 30), 20);
    assert_int_equal(told_when_all_leave(10, 0, 100), 90);
}

static void a_second_disable_tells_those_that_were_left(void **state)
{
    (void)state;
    struct drain d;
    drain_init(&d, 10);
    drain_add(&d, POOL_WARMED, 15);
    drain_switch(&d, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(d.told, 10);
    assert_int_equal(d.t->invoker->pool.drain_timers, 0);
    drain_remove(&d, 10);
    drain_pass(&d, MINUTES(2));
    assert_int_equal(d.told, 10);
    assert_int_equal(drain_left(&d), 5);
    drain_switch(&d, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(d.told, 15);
    invoker_bed_free(d.t);
}

/* Upstream's own test: the paused ones are still in progress, which keeps the loop going. */
static void at_most_a_batch_is_under_removal_at_once(void **state)
{
    (void)state;
    struct drain d;
    drain_init(&d, 3);
    drain_add(&d, POOL_BUSY, 5);
    drain_add(&d, POOL_WARMED, 6);
    for (uint32_t i = 5; i < 11; i++)
        invoker_pool_insert(&d.t->invoker->pool, POOL_IN_PROGRESS, d.slots[i], 256);
    drain_switch(&d, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(d.told, 3);
    for (unsigned i = 0; i < 3; i++) /* busy ones first */
        assert_int_equal(d.last[i], slot_actor(d.slots[i], ACTOR_PROXY));
    drain_pass(&d, SEC(5));
    assert_int_equal(d.told, 3);
    drain_remove(&d, 3);
    drain_pass(&d, SEC(5));
    assert_int_equal(d.told, 6);
    drain_remove(&d, 1);
    drain_pass(&d, SEC(5));
    assert_int_equal(d.told, 7);
    drain_remove(&d, 3);
    drain_pass(&d, SEC(5));
    assert_int_equal(d.told, 10);
    drain_remove(&d, 3);
    drain_pass(&d, SEC(5));
    assert_int_equal(d.told, 11);
    invoker_bed_free(d.t);
}

static void a_container_in_progress_is_waited_for(void **state)
{
    (void)state;
    struct drain d;
    drain_init(&d, 10);
    drain_add(&d, POOL_IN_PROGRESS, 1);
    drain_switch(&d, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(d.told, 0);
    assert_int_equal(d.t->invoker->pool.drain_timers, 1);
    invoker_pool_remove(&d.t->invoker->pool, POOL_IN_PROGRESS, d.slots[0]);
    invoker_pool_insert(&d.t->invoker->pool, POOL_BUSY, d.slots[0], 256);
    drain_pass(&d, SEC(5));
    assert_int_equal(d.told, 1);
    assert_int_equal(d.t->invoker->pool.drain_timers, 0);
    invoker_bed_free(d.t);
}

static void an_enable_within_five_seconds_is_undone(void **state)
{
    (void)state;
    struct drain d;
    drain_init(&d, 10);
    drain_add(&d, POOL_IN_PROGRESS, 1);
    drain_switch(&d, POST_GRACEFUL_SHUTDOWN);
    drain_pass(&d, SEC(3));
    drain_switch(&d, POST_ENABLE);
    assert_int_equal(d.t->invoker->pool.shutting_down, 0);
    drain_pass(&d, SEC(1));
    assert_int_equal(d.t->invoker->pool.shutting_down, 0);
    drain_pass(&d, SEC(1));
    assert_int_equal(d.t->invoker->pool.shutting_down, 1);
    invoker_bed_free(d.t);
}

static void each_disable_starts_a_chain_of_its_own(void **state)
{
    (void)state;
    struct drain d;
    drain_init(&d, 10);
    drain_add(&d, POOL_IN_PROGRESS, 1);
    drain_switch(&d, POST_GRACEFUL_SHUTDOWN);
    drain_pass(&d, SEC(2));
    drain_switch(&d, POST_GRACEFUL_SHUTDOWN);
    drain_switch(&d, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(d.t->invoker->pool.drain_timers, 3);
    drain_pass(&d, SEC(5));
    assert_int_equal(d.t->invoker->pool.drain_timers, 3);
    invoker_bed_free(d.t);
}

static void whoever_was_told_is_not_told_again(void **state)
{
    (void)state;
    struct drain d;
    drain_init(&d, 10);
    drain_add(&d, POOL_BUSY, 12);
    drain_switch(&d, POST_GRACEFUL_SHUTDOWN);
    assert_int_equal(d.told, 10);
    drain_pass(&d, SEC(20));
    assert_int_equal(d.told, 10);
    assert_int_equal(d.t->invoker->pool.disabling_count, 10);
    drain_remove(&d, 10);
    drain_pass(&d, SEC(5));
    assert_int_equal(d.told, 12);
    invoker_bed_free(d.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loop_ends_with_paused_containers_never_told),
        cmocka_unit_test(a_second_disable_tells_those_that_were_left),
        cmocka_unit_test(at_most_a_batch_is_under_removal_at_once),
        cmocka_unit_test(a_container_in_progress_is_waited_for),
        cmocka_unit_test(an_enable_within_five_seconds_is_undone),
        cmocka_unit_test(each_disable_starts_a_chain_of_its_own),
        cmocka_unit_test(whoever_was_told_is_not_told_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
