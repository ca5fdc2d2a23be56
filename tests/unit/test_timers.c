/*
 * test_timers.c - deadlines of one machine: lists for fixed lengths, a heap for drawn ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/timers.h"

#define ROOM ((size_t)4 << 20)
#define NODE 9u

struct bench {
    struct arena *arena;
    struct timers timers;
    struct effects fx;
    uint64_t number, seq;
};

static void bench_init(struct bench *b)
{
    *b = (struct bench){.arena = arena_new(ROOM), .number = 1, .seq = 1};
    b->fx = (struct effects){
        .arena = b->arena, .next_number = &b->number, .next_seq = &b->seq, .at = TSTAMP_ORIGIN};
    timers_init(&b->timers, b->arena, NODE);
}

static void equal_instants_fire_in_the_order_they_were_armed(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    struct timer timers[4] = {0};
    timers_arm(&b.timers, &b.fx, &timers[0], 500, true);
    timers_arm(&b.timers, &b.fx, &timers[1], 500, false);
    b.fx.at += 100;
    timers_arm(&b.timers, &b.fx, &timers[2], 400, true);
    timers_arm(&b.timers, &b.fx, &timers[3], 399, false);
    tstamp due = TSTAMP_ORIGIN + 500;
    assert_int_equal(timers_first(&b.timers).at, due - 1);
    assert_ptr_equal(timers_pop(&b.timers, due - 1), &timers[3]);
    assert_int_equal(timers_first(&b.timers).number, timers[0].number);
    for (int i = 0; i < 3; i++) {
        assert_true(timer_is_armed(&timers[i]));
        assert_ptr_equal(timers_pop(&b.timers, due), &timers[i]);
        assert_false(timer_is_armed(&timers[i]));
    }
    assert_int_equal(timers_first(&b.timers).at, TSTAMP_NEVER);
    arena_free(b.arena);
}

static void a_cancelled_timer_is_gone_and_an_armed_one_can_be_moved(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    struct timer list[3] = {0}, heap[3] = {0};
    for (int i = 0; i < 3; i++) {
        timers_arm(&b.timers, &b.fx, &list[i], 100, true);
        timers_arm(&b.timers, &b.fx, &heap[i], 100 + (duration)i, false);
    }
    timers_cancel(&b.timers, &list[1]);
    timers_cancel(&b.timers, &list[1]);
    timers_cancel(&b.timers, &heap[0]);
    timers_arm(&b.timers, &b.fx, &list[0], 200, true);
    struct timer *expected[] = {&list[2], &heap[1], &heap[2], &list[0]};
    for (int i = 0; i < 4; i++)
        assert_ptr_equal(timers_pop(&b.timers, timers_first(&b.timers).at), expected[i]);
    assert_int_equal(timers_first(&b.timers).at, TSTAMP_NEVER);
    arena_free(b.arena);
}

static void more_lengths_than_lists_keep_the_order(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    enum { COUNT = TIMERS_LISTS_MAX * 2 };
    static struct timer timers[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        timers[i].arg = COUNT - 1 - i;
        timers_arm(&b.timers, &b.fx, &timers[i], 1000 - (duration)i, true);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(timers_pop(&b.timers, TSTAMP_ORIGIN + 1000)->arg, i);
    arena_free(b.arena);
}

/* A plain search over an array says what the heap must give. */
static void a_thousand_drawn_timers_come_out_in_order(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    enum { COUNT = 1000 };
    static struct timer timers[COUNT];
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < COUNT; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        timers_arm(&b.timers, &b.fx, &timers[i], random % 300, random % 5 == 0);
    }
    for (int i = 0; i < COUNT; i += 3)
        timers_cancel(&b.timers, &timers[i]);
    for (;;) {
        struct timer *least = NULL;
        for (int i = 0; i < COUNT; i++) {
            struct timer *t = &timers[i];
            if (timer_is_armed(t) && (least == NULL || t->at < least->at ||
                                      (t->at == least->at && t->number < least->number)))
                least = t;
        }
        if (least == NULL)
            break;
        assert_ptr_equal(timers_pop(&b.timers, least->at), least);
    }
    assert_int_equal(timers_first(&b.timers).at, TSTAMP_NEVER);
    assert_int_equal(arena_blocks(b.arena, NODE), 3);
    arena_free(b.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_instants_fire_in_the_order_they_were_armed),
        cmocka_unit_test(a_cancelled_timer_is_gone_and_an_armed_one_can_be_moved),
        cmocka_unit_test(more_lengths_than_lists_keep_the_order),
        cmocka_unit_test(a_thousand_drawn_timers_come_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
