/* The 40 cases of upstream's SchedulingDecisionMakerTests, and what they leave out. */
#include "scheduler/scheduler_decision.h"
#include "support/bed.h"
#include <string.h>

struct decision_case {
    const char *name;
    enum queue_state state;
    bool initialized;
    int32_t incoming, waiting, existing, in_progress, stale, namespace_existing,
        namespace_in_progress;
    double duration_ms; /* below 0: none */
    int32_t namespace_limit, action_limit, concurrency;
    double ratio; /* 0: no over-provision */
    enum decision_kind kind;
    int32_t count;
};

#define R QUEUE_RUNNING
#define I QUEUE_IDLE
#define F QUEUE_FLUSHING
#define X QUEUE_REMOVING
#define D QUEUE_REMOVED
#define NT QUEUE_NAMESPACE_THROTTLED
#define AT QUEUE_ACTION_THROTTLED
#define SKIP DECISION_SKIP, 0
#define ADD(n) DECISION_ADD, n
#define FIRST DECISION_ADD_INITIAL, 1
#define THROTTLE(n) DECISION_ENABLE_THROTTLING, n
#define THROTTLE_DROP DECISION_ENABLE_THROTTLING_DROP, 0
#define LIFT DECISION_DISABLE_THROTTLING, 0
#define NONE (-1.0)

static const struct decision_case cases[] = {
    {"DM-1", R, 0, 0, 0, 0, 0, 0, 0, 0, NONE, 0, 0, 1, 0, DECISION_PAUSING, 0},
    {"DM-2", F, 0, 0, 0, 0, 0, 0, 0, 0, NONE, 0, 0, 1, 0, SKIP},
    {"DM-3 R", R, 0, 0, 0, 1, 2, 0, 1, 2, NONE, 10, 10, 1, 0, SKIP},
    {"DM-3 I", I, 0, 0, 0, 1, 2, 0, 1, 2, NONE, 10, 10, 1, 0, SKIP},
    {"DM-3 F", F, 0, 0, 0, 1, 2, 0, 1, 2, NONE, 10, 10, 1, 0, SKIP},
    {"DM-3 X", X, 0, 0, 0, 1, 2, 0, 1, 2, NONE, 10, 10, 1, 0, SKIP},
    {"DM-3 D", D, 0, 0, 0, 1, 2, 0, 1, 2, NONE, 10, 10, 1, 0, SKIP},
    {"DM-4 R", R, 0, 0, 0, 3, 5, 0, 5, 8, 1.0, 20, 20, 1, 0, SKIP},
    {"DM-4 I", I, 0, 0, 0, 3, 5, 0, 5, 8, 1.0, 20, 20, 1, 0, SKIP},
    {"DM-4 F", F, 0, 0, 0, 3, 5, 0, 5, 8, 1.0, 20, 20, 1, 0, SKIP},
    {"DM-4 X", X, 0, 0, 0, 3, 5, 0, 5, 8, 1.0, 20, 20, 1, 0, SKIP},
    {"DM-4 D", D, 0, 0, 0, 3, 5, 0, 5, 8, 1.0, 20, 20, 1, 0, SKIP},
    {"DM-5", R, 1, 0, 0, 0, 0, 0, 1, 1, NONE, 2, 2, 1, 0, THROTTLE_DROP},
    {"DM-6", R, 0, 0, 0, 1, 1, 0, 2, 2, NONE, 4, 4, 1, 0, THROTTLE(0)},
    {"DM-7", R, 0, 0, 0, 0, 0, 0, 1, 1, NONE, 2, 2, 1, 1.5, FIRST},
    {"DM-8", R, 1, 0, 0, 0, 0, 0, 1, 1, NONE, 2, 2, 1, 1.0, THROTTLE_DROP},
    {"DM-9", NT, 0, 0, 0, 1, 0, 0, 1, 1, NONE, 2, 2, 1, 1.1, LIFT},
    {"DM-10", R, 0, 0, 0, 1, 0, 0, 1, 1, NONE, 2, 2, 1, 1.0, THROTTLE(0)},
    {"DM-11", R, 0, 0, 0, 1, 1, 0, 2, 2, NONE, 4, 4, 1, 1.5, SKIP},
    {"DM-12", R, 0, 0, 0, 0, 0, 0, 1, 1, NONE, 4, 4, 1, 0, FIRST},
    {"DM-13", NT, 0, 0, 1, 0, 0, 0, 1, 1, NONE, 4, 4, 1, 0, LIFT},
    {"DM-14", NT, 0, 0, 0, 1, 1, 0, 1, 1, NONE, 4, 4, 1, 0, LIFT},
    {"DM-15", R, 1, 1, 0, 0, 0, 0, 1, 1, NONE, 4, 4, 1, 0, ADD(1)},
    {"DM-16", R, 1, 0, 0, 0, 0, 0, 1, 1, NONE, 4, 4, 1, 0, SKIP},
    {"DM-17", F, 1, 0, 0, 0, 0, 0, 1, 1, NONE, 4, 4, 1, 0, FIRST},
    {"DM-18", F, 1, 0, 0, 0, 0, 0, 1, 1, NONE, 4, 4, 1, 0, FIRST},
    {"DM-19", R, 0, 0, 2, 1, 0, 2, 1, 1, NONE, 4, 4, 1, 0, ADD(2)},
    {"DM-20", R, 0, 0, 2, 1, 1, 2, 1, 1, NONE, 4, 4, 1, 0, ADD(1)},
    {"DM-21", R, 0, 0, 6, 1, 1, 6, 1, 1, NONE, 4, 4, 1, 0, THROTTLE(2)},
    {"DM-22", R, 0, 0, 2, 1, 6, 2, 1, 6, NONE, 10, 10, 1, 0, SKIP},
    {"DM-23", R, 0, 0, 6, 1, 0, 6, 1, 0, 50, 10, 10, 1, 0, ADD(3)},
    {"DM-24", R, 0, 0, 2, 1, 0, 2, 1, 0, 1000, 10, 10, 1, 0, ADD(2)},
    {"DM-25", R, 0, 0, 10, 1, 0, 10, 1, 0, 1000, 4, 4, 1, 0, THROTTLE(3)},
    {"DM-26", R, 0, 4, 2, 1, 0, 0, 1, 0, 1000, 10, 10, 1, 0, ADD(5)},
    {"DM-27", R, 0, 4, 2, 1, 0, 0, 1, 0, 1000, 4, 4, 1, 0, THROTTLE(3)},
    {"DM-28", R, 0, 0, 4, 5, 0, 0, 5, 0, 1000, 10, 10, 1, 0, SKIP},
    {"DM-29", R, 1, 0, 4, 0, 0, 0, 0, 0, NONE, 10, 10, 1, 0, ADD(1)},
    {"DM-30", X, 0, 0, 4, 1, 1, 4, 1, 1, 1000, 10, 10, 1, 0, ADD(3)},
    {"DM-31", X, 0, 0, 4, 1, 2, 4, 1, 2, NONE, 10, 10, 1, 0, ADD(2)},
    {"DM-32", R, 0, 0, 5, 2, 0, 2, 2, 0, 1000, 10, 10, 1, 0, ADD(3)},
    {"DM-33", R, 0, 0, 5, 2, 0, 2, 2, 0, 50, 10, 10, 1, 0, ADD(1)},
    {"DM-34", X, 0, 0, 4, 1, 2, 4, 1, 2, NONE, 4, 4, 1, 0, THROTTLE(1)},
    {"DM-35", R, 0, 0, 4, 2, 0, 0, 2, 0, 100, 4, 4, 2, 0, SKIP},
    {"DM-36", R, 0, 0, 20, 2, 0, 0, 2, 0, 50, 10, 10, 3, 0, ADD(2)},
    {"DM-37", R, 0, 0, 30, 2, 0, 10, 2, 0, 50, 10, 10, 3, 0, ADD(4)},
    {"DM-38", R, 0, 0, 10, 1, 0, 10, 2, 0, NONE, 10, 10, 3, 0, ADD(4)},
    {"DM-39", R, 0, 0, 100, 1, 0, 0, 2, 0, 100, 10, 5, 3, 0, ADD(4)},
    {"DM-40", R, 0, 0, 100, 1, 0, 0, 7, 0, 100, 10, 5, 3, 0, THROTTLE(3)},
    /* Ours. */
    {"throttled action", AT, 0, 0, 9, 0, 0, 9, 0, 0, NONE, 10, 10, 1, 0, SKIP},
    {"own limit reached", R, 0, 0, 1, 2, 0, 1, 2, 0, NONE, 10, 2, 1, 0, THROTTLE(0)},
    {"flushing, full", F, 0, 0, 1, 0, 0, 1, 2, 0, NONE, 2, 2, 1, 0, SKIP},
    {"removing, quiet", X, 0, 0, 3, 0, 0, 0, 0, 0, NONE, 2, 2, 1, 0, SKIP},
    {"negative sp", R, 0, 0, 12, 1, 4, 2, 1, 4, 1000, 20, 20, 1, 0, ADD(3)},
    {"zero duration", R, 0, 0, 4, 1, 0, 2, 1, 0, 0, 10, 10, 1, 0, ADD(2)},
    {"paused, idle", I, 0, 0, 0, 0, 0, 0, 0, 0, NONE, 0, 0, 1, 0, DECISION_PAUSING, 0},
};

static void every_case_decides_as_upstream(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct decision_case *c = &cases[i];
        struct decision_input in = {.state = c->state,
                                    .initialized = c->initialized,
                                    .has_duration = c->duration_ms >= 0.0,
                                    .allow_over_provision = c->ratio > 0.0,
                                    .incoming = c->incoming,
                                    .waiting = c->waiting,
                                    .existing = c->existing,
                                    .in_progress = c->in_progress,
                                    .stale = c->stale,
                                    .namespace_existing = c->namespace_existing,
                                    .namespace_in_progress = c->namespace_in_progress,
                                    .namespace_limit = c->namespace_limit,
                                    .action_limit = c->action_limit,
                                    .concurrency = c->concurrency,
                                    .duration_ms = c->duration_ms >= 0.0 ? c->duration_ms : 0.0,
                                    .stale_ms = 100.0,
                                    .over_provision_ratio = c->ratio > 0.0 ? c->ratio : 1.5};
        struct decision decision = decide(&in);
        if (decision.kind != c->kind || decision.count != c->count)
            fail_msg("%s: %s %d instead of %s %d", c->name, decision_to_string(decision.kind),
                     (int)decision.count, decision_to_string(c->kind), (int)c->count);
    }
}

static void ceil_rounds_up_and_saturates(void **state)
{
    (void)state;
    assert_int_equal(ceil_int(2.0), 2);
    assert_int_equal(ceil_int(2.1), 3);
    assert_int_equal(ceil_int(-2.1), -2);
    assert_int_equal(ceil_int(-0.5), 0);
    assert_int_equal(ceil_int(1e300), INT32_MAX);
    assert_int_equal(ceil_int(-1e300), INT32_MIN);
    assert_int_equal(ceil_int(__builtin_nan("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_decides_as_upstream),
        cmocka_unit_test(ceil_rounds_up_and_saturates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
