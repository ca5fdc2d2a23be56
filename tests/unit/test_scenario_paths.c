/* test_scenario_paths.c - overrides by path, and variants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "cast.h"
#include "scenario/scenario.h"

static const char yaml[] = "why: x\n"
                           "namespaces: { guest: {} }\n"
                           "actions: { guest/a: { run: 1ms } }\n"
                           "config: { whisk.scheduler.queue.idle-grace: 20s }\n"
                           "load: [{ action: guest/a, arrivals: every 1s, for: 1m }]\n"
                           "expect: pass\n";
static const char with_variants[] =
    "why: x\n"
    "variants:\n"
    "  old: { bugs: { lost-creation-id: old }, expect: { violates: [latency], because: x } }\n"
    "  fixed: { cluster.bugs.lost-creation-id: fixed, cluster.invokers: 4, expect: pass }\n";

static int read_set(const char *text, const char *set, const char *variant, struct scenario *s,
                    struct errmsg *err)
{
    struct scenario_options options = {
        .sets = &set, .set_count = set != NULL, .variant = variant};
    return scenario_read_bytes("x.yaml", text, strlen(text), &options, s, err);
}

static struct scenario good(const char *set)
{
    struct scenario s;
    struct errmsg err = {{0}};
    int result = read_set(yaml, set, NULL, &s, &err);
    if (result != 0)
        print_error("%s\n", err.text);
    assert_int_equal(result, 0);
    return s;
}

static void refused(const char *set, const char *text)
{
    struct scenario s;
    struct errmsg err = {{0}};
    assert_int_equal(read_set(yaml, set, NULL, &s, &err), -ERR_INPUT);
    assert_string_equal(err.text, text);
}

static void a_list_element_a_new_map_and_a_whole_section(void **state)
{
    (void)state;
    struct scenario s = good("load.0.for=2m");
    assert_int_equal(s.loads[0].length, MINUTES(2));
    scenario_release(&s);
    s = good("cluster.bugs.lost-creation-id=old");
    assert_int_equal(s.cluster.bugs[BUG_LOST_CREATION_ID], BUG_OLD);
    scenario_release(&s);
    s = good("load.1={ action: guest/a, arrivals: every 2s, for: 3m }");
    assert_int_equal(s.load_count, 2);
    assert_int_equal(s.loads[1].length, MINUTES(3));
    scenario_release(&s);
    s = good("load=[]");
    assert_int_equal(s.load_count, 0);
    scenario_release(&s);
    s = good("actions.guest/a.run=7ms");
    assert_int_equal(s.cluster.actions[0].run_a, MSEC(7));
    scenario_release(&s);
}

static void keys_with_dots(void **state)
{
    (void)state;
    struct scenario s = good("timing.link.kafka=5ms");
    assert_int_equal(s.cluster.timing[TIMING_LINK_KAFKA].min, MSEC(5));
    scenario_release(&s);
    s = good("timing.scale=3");
    assert_int_equal(s.cluster.timing[TIMING_STOP].min, SEC(3));
    scenario_release(&s);
    s = good("config.whisk.scheduler.queue.idle-grace=9s");
    const struct machine_ops *ops = cast_ops(NODE_SCHEDULER);
    bool is_there = false;
    for (uint32_t i = 0; i < ops->config_field_count; i++)
        if (strcmp(ops->config_fields[i].key, "whisk.scheduler.queue.idle-grace") == 0)
            is_there = *(uint64_t *)(void *)((char *)s.configs[NODE_SCHEDULER] +
                                             ops->config_fields[i].offset) == SEC(9);
    assert_true(is_there);
    scenario_release(&s);
    s = good("checks.latency.p99.below=9s");
    assert_int_equal(s.checks.values[check_field_find("latency.p99", "below")], SEC(9));
    scenario_release(&s);
}

static void wrong_overrides_name_themselves(void **state)
{
    (void)state;
    refused("load.0.for", "--set load.0.for:1:1: no value, expected PATH=VALUE");
    refused("load.2.for=1m", "--set load.2.for:1:1: path load.2.for: an index past the end of "
                             "the list, expected one of "
                             "its elements or the next");
    refused(
        "load.x.for=1m",
        "--set load.x.for:1:1: path load.x.for: no index of a list, expected a number from 0");
    refused("why.a=1",
            "--set why.a:1:1: path why.a: goes into a plain value, expected a mapping or "
            "a list on the way");
    refused("load.0.for=fast",
            "--set load.0.for:1:1: \"fast\", expected a duration with its unit (ns "
            "us ms s m h), such as 1.5s");
    refused("clutser.invokers=3", "--set clutser.invokers:1:1: unknown key \"clutser\" in the "
                                  "scenario, expected \"cluster\"?");
    refused("seed=&a 1", "--set seed:1:1: an anchor, expected the value itself");
}

static void without_a_choice_every_variant_is_checked(void **state)
{
    (void)state;
    struct scenario s;
    struct errmsg err = {{0}};
    assert_int_equal(read_set(with_variants, NULL, NULL, &s, &err), 0);
    assert_int_equal(s.variant_count, 2);
    assert_string_equal(s.variants[1], "fixed");
    assert_int_equal(s.expect.kind, EXPECT_PER_VARIANT);
    assert_null(s.variant);
    scenario_release(&s);
    assert_int_equal(
        read_set("why: x\nvariants:\n  a: { expect: pass }\n  b: { seed: x, expect: pass }\n",
                 NULL, NULL, &s, &err),
        -ERR_INPUT);
    assert_string_equal(err.text, "x.yaml:4:14: \"x\", expected a whole number from 0 to "
                                  "18446744073709551615");
}

static void a_variant_has_its_own_switches_and_expectation(void **state)
{
    (void)state;
    struct scenario s;
    struct errmsg err = {{0}};
    assert_int_equal(read_set(with_variants, NULL, "old", &s, &err), 0);
    assert_string_equal(s.variant, "old");
    assert_int_equal(s.cluster.bugs[BUG_LOST_CREATION_ID], BUG_OLD);
    assert_int_equal(s.expect.kind, EXPECT_VIOLATES);
    uint64_t hash = s.hash;
    scenario_release(&s);
    assert_int_equal(read_set(with_variants, "cluster.invokers=7", "fixed", &s, &err), 0);
    assert_int_equal(s.cluster.counts[NODE_INVOKER], 7);
    assert_int_equal(s.expect.kind, EXPECT_PASS);
    assert_true(s.hash != hash);
    scenario_release(&s);
    assert_int_equal(read_set(with_variants, NULL, "new", &s, &err), -ERR_INPUT);
    assert_string_equal(err.text, "x.yaml:1:1: no variant \"new\", expected one of `variants`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_element_a_new_map_and_a_whole_section),
        cmocka_unit_test(keys_with_dots),
        cmocka_unit_test(wrong_overrides_name_themselves),
        cmocka_unit_test(without_a_choice_every_variant_is_checked),
        cmocka_unit_test(a_variant_has_its_own_switches_and_expectation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
