/* What upstream's SchedulingDecisionMakerTests leave out, and what was decided before. */
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
    enum decision_kind old_kind; /* of 5338 and its parent */
    int32_t old_count;
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
#define PAUSE DECISION_PAUSING, 0
#define NONE (-1.0) /* no duration; 0 and -50 are known */

static const struct decision_case cases[] = {
    /* rows of the table, at their edges */
    {"throttled action", AT, 0, 0, 9, 0, 0, 9, 0, 0, NONE, 10, 10, 1, 0, SKIP, SKIP},
    {"removed", D, 0, 0, 9, 0, 0, 9, 0, 0, NONE, 10, 10, 1, 0, SKIP, SKIP},
    {"flushing, full", F, 0, 0, 1, 0, 0, 1, 2, 0, NONE, 2, 2, 1, 0, SKIP, SKIP},
    {"flushing, one comes", F, 0, 0, 1, 0, 1, 1, 0, 1, NONE, 9, 9, 1, 0, SKIP, SKIP},
    {"removing, quiet", X, 0, 0, 3, 0, 0, 0, 0, 0, NONE, 2, 2, 1, 0, SKIP, SKIP},
    {"removing, quiet, known", X, 0, 0, 3, 0, 0, 0, 0, 0, 10, 2, 2, 1, 0, SKIP, SKIP},
    {"removing, full", X, 0, 0, 3, 1, 0, 3, 2, 0, 10, 2, 2, 1, 0, SKIP, SKIP},
    {"paused, idle", I, 0, 0, 0, 0, 0, 0, 0, 0, NONE, 0, 0, 1, 0, PAUSE, PAUSE},
    {"idle", I, 0, 0, 3, 0, 0, 3, 0, 0, NONE, 9, 9, 1, 0, SKIP, SKIP},
    {"throttled, full", NT, 0, 0, 3, 1, 0, 3, 2, 0, NONE, 2, 2, 1, 0, SKIP, SKIP},
    {"first of known", R, 0, 0, 0, 0, 0, 0, 0, 0, 10, 9, 9, 1, 0, SKIP, SKIP},
    {"first of known, one waits", R, 0, 0, 1, 0, 0, 0, 0, 0, 10, 9, 9, 1, 0, ADD(1), ADD(1)},
    {"as many as messages", R, 0, 0, 2, 1, 0, 2, 1, 0, NONE, 3, 3, 1, 0, ADD(2), ADD(2)},
    {"one too many", R, 0, 0, 3, 1, 0, 3, 1, 0, NONE, 3, 3, 1, 0, THROTTLE(2), THROTTLE(2)},
    {"more stale than waiting", R, 0, 0, 2, 1, 0, 5, 1, 0, NONE, 9, 9, 1, 0, ADD(2), ADD(2)},
    {"demand just met", R, 0, 0, 4, 2, 0, 0, 2, 0, 50, 9, 9, 1, 0, ADD(0), ADD(0)},
    {"demand above", R, 0, 0, 5, 2, 0, 0, 2, 0, 50, 9, 9, 1, 0, ADD(1), ADD(1)},
    {"capped to messages", R, 0, 0, 3, 1, 0, 0, 1, 0, 1000, 9, 9, 1, 0, ADD(2), ADD(2)},
    {"zero limit of the action", R, 1, 0, 1, 1, 0, 1, 1, 0, NONE, 5, 0, 1, 0, PAUSE, ADD(1)},
    /* #5344: what counts for the stale ones */
    {"stale among others", R, 0, 0, 5, 2, 0, 2, 2, 0, 1000, 10, 10, 1, 0, ADD(3), ADD(5)},
    {"one stale among others", R, 0, 0, 5, 2, 0, 1, 2, 0, 1000, 10, 10, 1, 0, ADD(3), ADD(5)},
    {"the rest needs none", R, 0, 0, 5, 2, 0, 2, 2, 0, 50, 10, 10, 1, 0, ADD(1), ADD(3)},
    {"stale ones on their way", R, 0, 0, 12, 1, 4, 2, 1, 4, 1000, 20, 20, 1, 0, ADD(3), ADD(8)},
    {"removing, all count", X, 0, 0, 4, 1, 1, 2, 1, 1, 1000, 10, 10, 1, 0, ADD(1), ADD(3)},
    /* #5378 */
    {"three at a time", R, 0, 0, 10, 1, 0, 10, 2, 0, NONE, 10, 10, 3, 0, ADD(4), THROTTLE(8)},
    {"three, known", R, 0, 0, 20, 2, 0, 0, 2, 0, 50, 10, 10, 3, 0, ADD(2), ADD(8)},
    {"removing, three", X, 0, 0, 9, 1, 0, 9, 1, 0, NONE, 20, 20, 3, 0, ADD(3), ADD(9)},
    /* #5396 */
    {"no duration", R, 0, 0, 4, 1, 0, 2, 1, 0, 0, 10, 10, 1, 0, ADD(2), SKIP},
    {"no duration, fresh", R, 0, 0, 4, 1, 0, 0, 1, 0, 0, 10, 10, 1, 0, SKIP, SKIP},
    {"no duration, three", R, 0, 0, 9, 1, 0, 6, 1, 0, 0, 20, 20, 3, 0, ADD(2), SKIP},
    {"below zero", R, 0, 0, 4, 1, 0, 2, 1, 0, -50, 10, 10, 1, 0, ADD(2), SKIP},
    {"below zero, fresh", R, 0, 0, 4, 1, 0, 0, 1, 0, -50, 10, 10, 1, 0, SKIP, SKIP},
    /* #5287 */
    {"own limit reached", R, 0, 0, 1, 2, 0, 1, 2, 0, NONE, 10, 2, 1, 0, THROTTLE(0), ADD(1)},
    {"own limit in sight", R, 0, 0, 9, 1, 0, 9, 1, 0, NONE, 10, 5, 1, 0, ADD(4), ADD(9)},
    {"the namespace's first", R, 0, 0, 9, 1, 0, 9, 7, 0, NONE, 10, 5, 1, 0, THROTTLE(3),
     THROTTLE(3)},
    /* #5284 */
    {"above the limit", R, 0, 0, 0, 0, 0, 0, 2, 0, NONE, 2, 2, 1, 1.5, FIRST, THROTTLE_DROP},
    {"at the ratio", R, 0, 0, 0, 0, 0, 0, 3, 0, NONE, 2, 2, 1, 1.5, THROTTLE_DROP,
     THROTTLE_DROP},
    {"room again", NT, 0, 0, 0, 1, 0, 0, 2, 0, NONE, 2, 2, 1, 1.5, LIFT, SKIP},
    {"room for none", NT, 0, 0, 0, 1, 0, 0, 3, 0, NONE, 2, 2, 1, 1.5, SKIP, SKIP},
    {"room, but not first", R, 0, 0, 0, 1, 0, 0, 2, 0, NONE, 2, 2, 1, 1.5, SKIP, THROTTLE(0)},
};

static void expect_decision(const struct decision_case *c, enum behaviour behaviour,
                            enum decision_kind kind, int32_t count)
{
    const struct machine_env env = {.behaviour = (uint8_t)behaviour};
    bool has_duration = c->duration_ms != NONE;
    struct decision_input in = {.behaviour = scheduler_behaviour(&env),
                                .state = c->state,
                                .initialized = c->initialized,
                                .has_duration = has_duration,
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
                                .duration_ms = has_duration ? c->duration_ms : 0.0,
                                .stale_ms = 100.0,
                                .over_provision_ratio = c->ratio > 0.0 ? c->ratio : 1.5};
    struct decision decision = decide(&in);
    if (kind == DECISION_ADD && count == 0)
        kind = DECISION_SKIP;
    if (decision.kind != kind || decision.count != count)
        fail_msg("%s (%s): %s %d instead of %s %d", c->name, behaviour_to_string(behaviour),
                 decision_to_string(decision.kind), (int)decision.count,
                 decision_to_string(kind), (int)count);
}

static void every_case_decides_as_upstream(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_decision(&cases[i], BEHAVIOUR_HEAD, cases[i].kind, cases[i].count);
        expect_decision(&cases[i], BEHAVIOUR_5338, cases[i].old_kind, cases[i].old_count);
        expect_decision(&cases[i], BEHAVIOUR_PRE_5338, cases[i].old_kind, cases[i].old_count);
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
