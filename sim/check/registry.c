/*
 * registry.c - all checks, and all bounds that a scenario may set.
 */
#include "check/check_internal.h"
#include "core/assert.h"
#include <string.h>

static const struct check_ops *const checks[] = {
    &check_no_failed_activation,
    &check_no_lost_activation,
    &check_no_duplicate_completion,
    &check_no_double_execution,
    &check_count_truthful,
    &check_restart_safe,
    &check_drain_reaches_zero,
    &check_no_orphan_key,
    &check_no_missing_key,
    &check_no_stale_view,
    &check_leader_stable,
    &check_no_creation_spike,
    &check_capacity_floor,
    &check_bounded_wait,
    &check_slots_conserved,
    &check_memory_conserved,
    &check_throttle_truthful,
    &check_tenant_isolation,
    &check_latency,
    &check_settles,
};
#define CHECK_TOTAL (sizeof checks / sizeof *checks)

#define LATENCY_BOUNDS(id, check, what)                                                        \
    [BOUND_LATENCY_FIRST +                                                                     \
        2 * (id)] = {check,                                                                    \
                     "below",                                                                  \
                     CHECK_DURATION,                                                           \
                     1,                                                                        \
                     MINUTES(24 * 60),                                                         \
                     SEC(5),                                                                   \
                     what " of the answers must be faster"},                                   \
            [BOUND_LATENCY_FIRST + 2 * (id) +                                                  \
                1] = {check,                                                                   \
                      "during",                                                                \
                      CHECK_STEP,                                                              \
                      0,                                                                       \
                      UINT32_MAX,                                                              \
                      UINT32_MAX,                                                              \
                      "only requests sent or answered while this deploy step is open"}

static const struct check_field fields[BOUND_COUNT] = {
    [BOUND_TRUTHFUL_READS_AFTER] = {"count-truthful", "reads-after", CHECK_DURATION, 0,
                                    MINUTES(60), SEC(20),
                                    "the successor of a stopped scheduler reads its topic at "
                                    "the earliest so long after the stop"},
    [BOUND_TRUTHFUL_TOO_OLD] = {"count-truthful", "too-old", CHECK_DURATION, 0, MINUTES(60),
                                SEC(20),
                                "age at which a scheduler fails an activation that it reads"},
    [BOUND_DRAIN_WITHIN] = {"drain-reaches-zero", "within", CHECK_DURATION, SEC(1),
                            MINUTES(24 * 60), MINUTES(15),
                            "time from the disable to the first 0 of the gate"},
    [BOUND_FLOOR_CONTROLLERS] = {"capacity-floor", "controllers", CHECK_COUNT, 0, 10000, 1,
                                 "least number listed in the edge and listening"},
    [BOUND_FLOOR_SCHEDULERS] = {"capacity-floor", "schedulers", CHECK_COUNT, 0, 10000, 1,
                                "least number with their key in etcd"},
    [BOUND_FLOOR_INVOKERS] = {"capacity-floor", "invokers", CHECK_COUNT, 0, 10000, 1,
                              "least number that are `up` in etcd"},
    [BOUND_ORPHAN_GRACE] = {"no-orphan-key", "grace", CHECK_DURATION, 0, MINUTES(60), SEC(5),
                            "how long a key may outlive what it names"},
    [BOUND_ORPHAN_LEASE] = {"no-orphan-key", "lease", CHECK_DURATION, 0, MINUTES(60), SEC(10),
                            "how much longer when the process was stopped or killed"},
    [BOUND_MISSING_GRACE] = {"no-missing-key", "grace", CHECK_DURATION, 0, MINUTES(60), SEC(5),
                             "how long something live may be without its key"},
    [BOUND_STALE_GRACE] = {"no-stale-view", "grace", CHECK_DURATION, 0, MINUTES(60), SEC(5),
                           "how long after the last change of a key a watcher may be wrong"},
    [BOUND_SPIKE_WINDOW] = {"no-creation-spike", "window", CHECK_DURATION, MSEC(1), MINUTES(1),
                            SEC(5), "the time in which starts of containers are counted"},
    [BOUND_WAIT_WITHIN] = {"bounded-wait", "within", CHECK_DURATION, MSEC(1), MINUTES(24 * 60),
                           SEC(10), "how long an activation may wait at the schedulers"},
    LATENCY_BOUNDS(0, "latency.p50", "50 %"),
    LATENCY_BOUNDS(1, "latency.p90", "90 %"),
    LATENCY_BOUNDS(2, "latency.p99", "99 %"),
    LATENCY_BOUNDS(3, "latency.max", "all"),
    [BOUND_SETTLES_WITHIN] = {"settles", "within", CHECK_DURATION, SEC(1), MINUTES(24 * 60),
                              MINUTES(15),
                              "time after the last fault and step until nothing is owed"},
};
_Static_assert(BOUND_COUNT <= CHECK_FIELDS_MAX, "check_settings has room for every bound");

const struct check_field *check_fields(unsigned *ret_count)
{
    *ret_count = BOUND_COUNT;
    return fields;
}

int check_field_find(const char *check, const char *field)
{
    for (int i = 0; i < BOUND_COUNT; i++) {
        if (strcmp(fields[i].check, check) == 0 && strcmp(fields[i].field, field) == 0)
            return i;
    }
    return -1;
}

void check_settings_default(struct check_settings *self)
{
    *self = (struct check_settings){0};
    for (unsigned i = 0; i < BOUND_COUNT; i++)
        self->values[i] = fields[i].standard;
}

const struct check_ops *check_ops_at(unsigned index)
{
    ASSERT_OP(index, <, CHECK_TOTAL);
    return checks[index];
}

unsigned check_count(void)
{
    return CHECK_TOTAL;
}

const char *check_name(unsigned index)
{
    return check_ops_at(index)->name;
}

int check_from_name(const char *name)
{
    for (unsigned i = 0; i < CHECK_TOTAL; i++) {
        if (strcmp(checks[i]->name, name) == 0)
            return (int)i;
    }
    return -1;
}

bool check_is_liveness(unsigned index)
{
    return check_ops_at(index)->is_liveness;
}

bool check_is_seen_outside(unsigned index)
{
    return check_ops_at(index)->is_seen_outside;
}

const char *check_verdict_to_string(unsigned verdict)
{
    static const char *const names[] = {"pass", "fail", "not-applicable", "not-observable"};
    return verdict < sizeof names / sizeof *names ? names[verdict] : "unknown";
}
