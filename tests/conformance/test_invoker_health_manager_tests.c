/*
 * test_invoker_health_manager_tests.c - the health manager, as upstream tests it. Its container
 * is a probe; tags are not modelled, so the records have none.
 * Source: InvokerHealthManagerTests.scala at 1fae641a2.
 */
#include "support/actor_bed.h"
#include "support/conform.h"

#define TEST_READ                                                                              \
    "invoker0/callback#65535 > database read action whisk.system/invokerHealthTestAction0\n"
#define PUBLISHED(status, free, busy, progress)                                                \
    "data: update-on-change {\"status\":\"" status "\",\"freeMemory\":" #free                  \
    ",\"busyMemory\":" #busy ",\"inProgressMemory\":" #progress                                \
    ",\"tags\":[],\"dedicatedNamespaces\":[]}\n"

/* Of HealthMessages: the buffer's size less the tolerance, as upstream sends them. */
#define GOOD (HEALTH_BUFFER - HEALTH_TOLERANCE)

static int setup(void **state)
{
    struct actor_bed *t = actor_bed_new(ACTOR_HEALTH_ID, CALLBACK_HEALTH_ID);
    *state = t;
    actor_bed_start(t); /* the constructor's Enable is not delivered */
    actor_bed_expect(t, "");
    assert_int_equal(t->invoker->health.state, HEALTH_OFFLINE);
    return 0;
}

static int teardown(void **state)
{
    actor_bed_free(*state);
    return 0;
}

static void results(struct actor_bed *t, bool good, unsigned count)
{
    struct post_health health = {.good = good};
    for (unsigned i = 0; i < count; i++)
        actor_bed_send(t, ACTOR(ACTOR_PROXY, 0, 0), POST_HEALTH_MESSAGE, &health,
                       sizeof health);
}

static void memory(struct actor_bed *t, uint32_t free_mb, uint32_t busy_mb, uint32_t progress)
{
    struct post_memory info = {free_mb, busy_mb, progress, 0};
    actor_bed_send(t, ACTOR_POOL_ID, POST_MEMORY_INFO, &info, sizeof info);
}

/* The memory it has is recorded when it is first told, and when it changes. */
static void enabled(struct actor_bed *t)
{
    bool was_told = t->invoker->health.is_memory_told;
    actor_bed_send(t, ACTOR_MAIN_ID, POST_ENABLE, NULL, 0);
    actor_bed_expect(t, was_told
                            ? "health goes from Offline to Unhealthy\n" TEST_READ PUBLISHED(
                                  "unhealthy", 1024, 0, 0)
                            : "health goes from Offline to Unhealthy\nhas 1024 permits of "
                              "1024\n" TEST_READ PUBLISHED("unhealthy", 1024, 0, 0));
}

static void healthy(struct actor_bed *t)
{
    enabled(t);
    results(t, true, GOOD);
    actor_bed_expect(t, "health goes from Unhealthy to Healthy\n" PUBLISHED("up", 1024, 0, 0));
}

static void disabled(struct actor_bed *t)
{
    actor_bed_send(t, ACTOR_MAIN_ID, POST_GRACEFUL_SHUTDOWN, NULL, 0);
    actor_bed_expect(t, "health goes from Healthy to Offline\n" PUBLISHED("down", 1024, 0, 0));
}

static void good_results_make_it_healthy(void **state)
{
    healthy(*state);
}

static void bad_results_make_it_unhealthy(void **state)
{
    struct actor_bed *t = *state;
    healthy(t);
    results(t, false, HEALTH_TOLERANCE - 1);
    actor_bed_expect(t, "");
    results(t, false, 1);
    actor_bed_expect(
        t, "health goes from Healthy to Unhealthy\n"
           "invoker0/callback#65535 > database read action "
           "whisk.system/invokerHealthTestAction0\n" PUBLISHED("unhealthy", 1024, 0, 0));
    results(t, false, 1);
    actor_bed_expect(t, "");
}

static void memory_is_published_with_the_state(void **state)
{
    struct actor_bed *t = *state;
    healthy(t);
    memory(t, 512, 256, 256);
    actor_bed_expect(t, "has 512 permits of 1024\n" PUBLISHED("up", 512, 256, 256));
}

static void changed_memory_is_published_again(void **state)
{
    struct actor_bed *t = *state;
    healthy(t);
    memory(t, 512, 256, 256);
    actor_bed_expect(t, "has 512 permits of 1024\n" PUBLISHED("up", 512, 256, 256));
    memory(t, 256, 512, 256);
    actor_bed_expect(t, "has 256 permits of 1024\n" PUBLISHED("up", 256, 512, 256));
}

static void it_is_disabled_and_enabled(void **state)
{
    struct actor_bed *t = *state;
    healthy(t);
    disabled(t);
    healthy(t);
}

static void offline_stays_until_it_is_enabled(void **state)
{
    struct actor_bed *t = *state;
    healthy(t);
    disabled(t);
    results(t, true, GOOD);
    actor_bed_expect(t, "");
    memory(t, 256, 512, 256);
    actor_bed_expect(t, "has 256 permits of 1024\n" PUBLISHED("down", 256, 512, 256));
    assert_int_equal(t->invoker->health.state, HEALTH_OFFLINE);
}

#define SUITE(line, function) CONFORMS("InvokerHealthManagerTests", line, function)
int main(void)
{
    static const struct CMUnitTest tests[] = {
        SUITE(87, good_results_make_it_healthy),
        SUITE(125, bad_results_make_it_unhealthy),
        SUITE(165, memory_is_published_with_the_state),
        SUITE(215, changed_memory_is_published_again),
        SUITE(281, it_is_disabled_and_enabled),
        SUITE(364, offline_stays_until_it_is_enabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
