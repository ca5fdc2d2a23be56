/* test_scenario_bad.c - every wrong scenario is one line with its place, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "scenario/scenario.h"

static const char end[] = "expect: pass\n";

static void expect_error(const char *bytes, size_t length, enum err code, const char *text)
{
    struct scenario s;
    struct errmsg err = {{0}};
    struct scenario_options options = {.procedures_dir = "scenarios/procedures"};
    int result = scenario_read_bytes("x.yaml", bytes, length, &options, &s, &err);
    assert_int_equal(result, -(int)code);
    assert_string_equal(err.text, text);
    assert_int_equal(err_exit(result), 2);
}

static void refused(const char *yaml, const char *text)
{
    expect_error(yaml, strlen(yaml), ERR_INPUT, text);
}

static void refused_for_now(const char *yaml, const char *text)
{
    expect_error(yaml, strlen(yaml), ERR_LATER, text);
}

static void files_that_are_none(void **state)
{
    (void)state;
    struct scenario s;
    struct errmsg err;
    struct scenario_options options = {0};
    assert_int_equal(scenario_read("/nowhere/x.yaml", &options, &s, &err), -ERR_FILE);
    assert_string_equal(err.text,
                        "/nowhere/x.yaml:1:1: No such file or directory, expected a file "
                        "that can be read");
    assert_int_equal(scenario_read("/tmp", &options, &s, &err), -ERR_FILE);
    assert_string_equal(err.text, "/tmp:1:1: a directory, expected a regular file");
    assert_int_equal(scenario_read("/dev/zero", &options, &s, &err), -ERR_FILE);
    assert_string_equal(err.text, "/dev/zero:1:1: not a regular file, expected a regular file");
}

static void a_file_of_50_megabytes_is_not_read(void **state)
{
    (void)state;
    char path[] = "/tmp/rollcage_large_XXXXXX", expected[200];
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, 50 << 20), 0);
    close(file);
    struct scenario s;
    struct errmsg err;
    struct scenario_options options = {0};
    int result = scenario_read(path, &options, &s, &err);
    unlink(path);
    snprintf(expected, sizeof expected, "%s:1:1: 52428800 bytes, expected at most 1048576",
             path);
    assert_int_equal(result, -ERR_FILE);
    assert_string_equal(err.text, expected);
}

static void what_is_no_yaml(void **state)
{
    (void)state;
    refused("", "x.yaml:1:1: nothing in it, expected a mapping");
    refused("# a comment\n", "x.yaml:1:1: nothing in it, expected a mapping");
    refused("just text",
            "x.yaml:1:1: \"just text\", expected a mapping with the keys of a scenario");
    refused("- a\n", "x.yaml:1:1: a list, expected a mapping with the keys of a scenario");
    refused("why: x\n\tload: []\n",
            "x.yaml:2:1: found a tab character that violates indentation, expected valid YAML");
    refused("why: a: b\n",
            "x.yaml:1:7: mapping values are not allowed in this context, expected valid YAML");
    expect_error("why: x\n\x01\n", 9, ERR_INPUT,
                 "x.yaml:2:1: control characters are not allowed, expected valid YAML");
    expect_error("why: \xff\xfe\n", 8, ERR_INPUT,
                 "x.yaml:1:6: invalid leading UTF-8 octet, expected valid YAML");
    expect_error("\x7f"
                 "ELF\x02\x01\x00\x00",
                 8, ERR_INPUT,
                 "x.yaml:1:1: control characters are not allowed, expected valid YAML");
    refused("why: \"cut", "x.yaml:1:10: found unexpected end of stream, expected valid YAML");
}

static void what_yaml_has_and_a_scenario_has_not(void **state)
{
    (void)state;
    refused("why: &a x\n", "x.yaml:1:6: an anchor, expected the value itself");
    refused("why: x\nload: *a\n", "x.yaml:2:7: an alias, expected the value itself");
    refused("why: !!str x\n", "x.yaml:1:6: a tag, expected the value itself");
    refused("why: x\n---\nwhy: y\n", "x.yaml:2:1: a second document, expected one");
    refused("why: x\nseed: 1\nwhy: y\n",
            "x.yaml:3:1: key \"why\" given twice, expected it once (first in line 1)");
    refused("? [a]\n: x\n", "x.yaml:1:3: a key that is a list or a mapping, expected text");
    refused("why: \"a\\0b\"\n", "x.yaml:1:6: a NUL in a text, expected printable text");
}

static void nesting_deeper_than_32_is_refused_at_its_place(void **state)
{
    (void)state;
    char text[2100];
    memset(text, '[', 2000);
    text[2000] = '\0';
    refused(text, "x.yaml:1:33: nested too deep, expected at most 32 levels");
    memcpy(text, "why: ", 6);
    for (int i = 0; i < 500; i++)
        memcpy(text + 5 + 4 * i, "{a: ", 5);
    refused(text, "x.yaml:1:130: nested too deep, expected at most 32 levels");
}

static void unknown_keys(void **state)
{
    (void)state;
    refused("why: x\nlaod: []\n",
            "x.yaml:2:1: unknown key \"laod\" in the scenario, expected \"load\"?");
    refused("why: x\ncluster: { controlers: 2 }\n",
            "x.yaml:2:12: unknown key \"controlers\" in cluster, expected \"controllers\"?");
    refused(
        "why: x\nconfig: { whisk.scheduler.queue.idle-grase: 1s }\n",
        "x.yaml:2:11: unknown configuration key \"whisk.scheduler.queue.idle-grase\", expected "
        "whisk.scheduler.queue.idle-grace?");
    refused("why: x\ntiming: { restart.controler: 1s }\n",
            "x.yaml:2:11: unknown timing \"restart.controler\", expected restart.controller");
    refused("why: x\ncluster: { bugs: { lost: old } }\n",
            "x.yaml:2:20: unknown bug \"lost\", expected all or lost-creation-id");
    refused("why: x\nchecks: { latenci: { below: 1s } }\n",
            "x.yaml:2:22: no bound \"below\" of check \"latenci\", expected one of "
            "docs/scenario.md");
    refused("why: x\nexpect: { violates: [latenci], because: C9 }\n",
            "x.yaml:2:22: no check \"latenci\", expected latency?");
}

static void missing_keys(void **state)
{
    (void)state;
    refused("seed: 1\n",
            "x.yaml:1:1: no \"why\" in the scenario, expected why: Schedulers one by "
            "one; C9 may strike.");
    refused("why: x\n", "x.yaml:1:1: no \"expect\" in the scenario, expected `expect: pass` or "
                        "`expect: { violates: [...], because: ... }`");
    refused("why: x\nexpect: { violates: [latency] }\n",
            "x.yaml:2:9: no \"because\" in expect, expected because: C9");
    refused("why: x\nnamespaces: { guest: {} }\nactions:\n  guest/a: { memory: 256MB }\n",
            "x.yaml:4:12: an action, expected either `run` or `sequence`");
}

static void wrong_types_and_units(void **state)
{
    (void)state;
    refused("why: [x]\n", "x.yaml:1:6: a list, expected text");
    refused("why:\n", "x.yaml:1:5: nothing, expected text");
    refused("why: x\nseed: \"7\"\n",
            "x.yaml:2:7: \"7\", expected a whole number from 0 to 18446744073709551615");
    refused("why: x\ncluster: { controllers: two }\n",
            "x.yaml:2:25: \"two\", expected a whole number from 1 to 100");
    refused("why: x\ncluster: { edge: yes }\n",
            "x.yaml:2:18: \"yes\", expected true or false, without quotes");
    refused("why: x\nconfig: { whisk.scheduler.queue.idle-grace: 20 }\n",
            "x.yaml:2:45: \"20\", expected a duration with its unit (ns us ms s m h), such as "
            "1.5s");
    refused("why: x\nconfig: { whisk.scheduler.queue.idle-grace: 20MB }\n",
            "x.yaml:2:45: \"20MB\", expected a duration with its unit (ns us ms s m h), such "
            "as 1.5s");
    refused("why: x\ntiming: { pull: 3s..1s }\n",
            "x.yaml:2:17: \"3s..1s\", expected a duration, or a range such as 15s .. 25s");
    refused(
        "why: x\nnamespaces: { guest: {} }\nactions: { guest/a: { run: 1ms, memory: 256 } }\n",
        "x.yaml:3:41: \"256\", expected a size with its unit (B KB MB GB), such as 256MB");
    refused(
        "why: x\nnamespaces: { guest: {} }\nactions: { guest/a: { run: 1ms, fails: 3/2 } }\n",
        "x.yaml:3:40: \"3/2\", expected a ratio from 0 to 1, such as 1/100 or 1%");
    refused("why: x\ncluster: { profile: docker }\n",
            "x.yaml:2:21: \"docker\", expected ansible or shipped");
}

static void numbers_out_of_range(void **state)
{
    (void)state;
    refused("why: x\nseed: 18446744073709551616\n",
            "x.yaml:2:7: \"18446744073709551616\", expected a whole number from 0 to "
            "18446744073709551615");
    refused("why: x\nseed: -1\n",
            "x.yaml:2:7: \"-1\", expected a whole number from 0 to 18446744073709551615");
    refused("why: x\ncluster: { invokers: 0 }\n",
            "x.yaml:2:22: 0 is out of range, expected 1 to 1000");
    refused("why: x\ntiming: { pull: 99999999999999999999s }\n",
            "x.yaml:2:17: \"99999999999999999999s\", expected a duration, or a range such as "
            "15s .. 25s");
    refused("why: x\ntiming: { pull: -1s }\n",
            "x.yaml:2:17: \"-1s\", expected a duration, or a range such as 15s .. 25s");
    refused(
        "why: x\ntiming: { pull: 0.0000000001s }\n",
        "x.yaml:2:17: \"0.0000000001s\", expected a duration, or a range such as 15s .. 25s");
    refused(
        "why: x\nnamespaces: { guest: {} }\nactions: { guest/a: { run: 1ms, memory: 1GB } }\n",
        "x.yaml:3:41: 1GB is out of range, expected 128MB to 512MB");
    refused(
        "why: x\nnamespaces: { guest: {} }\nactions: { guest/a: { run: 1ms, timeout: 6m } }\n",
        "x.yaml:3:42: 6m is out of range, expected 100ms to 5m");
}

static void loads_that_cannot_be(void **state)
{
    (void)state;
    const char head[] =
        "why: x\nnamespaces: { guest: {} }\nactions: { guest/a: { run: 1ms } }\n";
    static const char *const rows[][2] = {
        {"load: [{ action: guest/b, arrivals: every 1s, for: 1m }]\n",
         "x.yaml:4:18: no action \"guest/b\", expected one of `actions`"},
        {"load: [{ action: guest/a, arrivals: poisson 50, for: 1m }]\n",
         "x.yaml:4:37: poisson 50, expected `poisson 50/s`, `every 100ms`, `bursts 50 every "
         "10s` or "
         "`closed 500`"},
        {"load: [{ action: guest/a, arrivals: poisson 0/s, for: 1m }]\n",
         "x.yaml:4:37: poisson 0/s, expected `poisson 50/s`, `every 100ms`, `bursts 50 every "
         "10s` or "
         "`closed 500`"},
        {"load: [{ action: guest/a, arrivals: every 1s }]\n",
         "x.yaml:4:8: a load of an action or a trigger, expected `arrivals` and `for`"},
        {"load: [{ for: 1s }]\n",
         "x.yaml:4:8: a load, expected one of `action`, `trigger` and `trace`"},
        {"load: [{ action: guest/a, arrivals: poisson 1000000/s, for: 1h }]\n",
         "x.yaml:4:37: 3600000001 requests, expected at most 16677215 in one entry"},
        {"load: { action: guest/a }\n", "x.yaml:4:7: a mapping, expected a list of loads"},
        {"load: [{ trace: nowhere.csv }]\n",
         "nowhere.csv:1:1: No such file or directory, expected a file that can be read"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[600];
        snprintf(text, sizeof text, "%s%s%s", head, rows[i][0], end);
        expect_error(text, strlen(text), i == 7 ? ERR_FILE : ERR_INPUT, rows[i][1]);
    }
}

static void names_that_are_wrong_or_there_twice(void **state)
{
    (void)state;
    refused("why: x\nnamespaces: { guest: {}, guest: {} }\n",
            "x.yaml:2:26: key \"guest\" given twice, expected it once (first in line 2)");
    refused(
        "why: x\nnamespaces: { \"a b\": {} }\n",
        "x.yaml:2:15: \"a b\", expected the name of a namespace (letters, digits and _ @ . -)");
    refused("why: x\nactions: { other/a: { run: 1ms } }\n",
            "x.yaml:2:12: no namespace \"other\", expected one of `namespaces`");
    refused("why: x\nnamespaces: { guest: {} }\nactions: { guest: { run: 1ms } }\n",
            "x.yaml:3:12: \"guest\", expected the name of an action, such as guest/hello");
}

static void rolls_that_cannot_be(void **state)
{
    (void)state;
    refused(
        "why: x\ndeploy: [{ roll: gateways, procedure: upstream }]\n",
        "x.yaml:2:18: no tier \"gateways\", expected controllers, schedulers or invokers, or a "
        "list of instances");
    refused("why: x\ndeploy: [{ roll: [scheduler2], procedure: upstream }]\n",
            "x.yaml:2:19: no instance \"scheduler2\" in the cluster, expected one such as "
            "scheduler0");
    refused("why: x\ndeploy: [{ roll: [scheduler0, invoker0], procedure: upstream }]\n",
            "x.yaml:2:31: instances of two tiers, expected those of one");
    refused("why: x\ndeploy: [{ roll: [kafka], procedure: upstream }]\n",
            "x.yaml:2:19: kafka, expected a controller, scheduler or invoker");
    refused(
        "why: x\ndeploy: [{ roll: schedulers }]\n",
        "x.yaml:2:10: no \"procedure\" in an entry of deploy, expected procedure: upstream");
    refused(
        "why: x\ndeploy: [{ roll: schedulers, procedure: upstream, switches: { a: true } }]\n",
        "x.yaml:2:63: no switch \"a\" in the procedure, expected one such as "
        "zerodowntime_deployment_switch");
    refused("why: x\ndeploy: [{ roll: schedulers, procedure: upstream, parallel: true }]\n",
            "x.yaml:2:10: parallel without at, expected both");
    const char *none = "why: x\ndeploy: [{ roll: schedulers, procedure: none }]\n";
    expect_error(
        none, strlen(none), ERR_FILE,
        "x.yaml:2:41: no procedure \"none\", expected upstream, upstream-5338, restart-only, "
        "guarded, or the path of a file");
}

static void faults_that_cannot_be(void **state)
{
    (void)state;
    const char head[] = "why: x\ndeploy: [{ roll: schedulers, procedure: upstream }]\n";
    static const char *const rows[][2] = {
        {"faults: [{ kill: scheduler0 }]\n",
         "x.yaml:3:10: a kill without its time, expected at or during"},
        {"faults: [{ at: 1s, kill: scheduler7 }]\n",
         "x.yaml:3:26: no instance \"scheduler7\" in the cluster, expected one such as "
         "scheduler0"},
        {"faults: [{ at: 1s }]\n",
         "x.yaml:3:10: 0 faults in one entry, expected one of kill, delay, answer"},
        {"faults: [{ at: 1s, carrier.delay: 3s }]\n",
         "x.yaml:3:20: no link \"carrier\", expected one of post, http, kafka, etcd, watch, "
         "grpc, "
         "remoting, database"},
        {"faults: [{ during: scheduler0.dance, kafka.delay: 3s }]\n",
         "x.yaml:3:20: no deploy entry takes scheduler0 through a step \"dance\", expected one "
         "that does"},
        {"faults: [{ during: invoker0.drain, kafka.delay: 3s }]\n",
         "x.yaml:3:20: no deploy entry takes invoker0 through a step \"drain\", expected one "
         "that does"},
        {"faults: [{ at: 1s, during: scheduler0.drain, kafka.delay: 3s }]\n",
         "x.yaml:3:10: at and during, expected one of them"},
        {"faults: [{ answer: { node: kafka, route: GET /x } }]\n",
         "x.yaml:3:28: kafka has no admin routes, expected a controller, scheduler or invoker"},
        {"faults: [{ answer: { node: invoker0, route: /x } }]\n",
         "x.yaml:3:45: \"/x\", expected a method and a path such as GET /activation/count"},
        {"faults: [{ answer: { node: invoker0, route: GET /x, bodies: [] } }]\n",
         "x.yaml:3:61: 0 bodies, expected 1 to 8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[600];
        snprintf(text, sizeof text, "%s%s%s", head, rows[i][0], end);
        refused(text, rows[i][1]);
    }
}

static void labels_of_invokers_and_wishes_of_actions(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"cluster: { tags: { invoker3: [gpu] } }\n",
         "x.yaml:2:20: no invoker \"invoker3\" in the cluster, expected one such as invoker0"},
        {"cluster: { tags: { scheduler0: [gpu] } }\n",
         "x.yaml:2:20: no invoker \"scheduler0\" in the cluster, expected one such as "
         "invoker0"},
        {"cluster: { tags: { invoker0: [] } }\n", "x.yaml:2:30: 0 tags, expected 1 to 4"},
        {"cluster: { tags: { invoker0: [a, b, c, d, e] } }\n",
         "x.yaml:2:30: 5 tags, expected 1 to 4"},
        {"cluster: { tags: { invoker0: [abcdefghijklmnop] } }\n",
         "x.yaml:2:31: \"abcdefghijklmnop\", expected a tag of 1 to 15 letters, digits and _ . "
         "-"},
        {"cluster: { dedicated: { invoker0: [nobody] } }\n",
         "x.yaml:2:36: no namespace \"nobody\", expected one of `namespaces`"},
        {"cluster: { dedicated: { invoker0: [] } }\n",
         "x.yaml:2:35: 0 namespaces, expected 1 to 2"},
        {"cluster: { dedicated: [invoker0] }\n",
         "x.yaml:2:23: a list, expected a mapping of invokers to lists of namespaces"},
        {"namespaces: { g: {} }\nactions: { g/a: { run: 1ms, tags: gpu } }\n",
         "x.yaml:3:35: \"gpu\", expected a list of tags"},
        {"namespaces: { g: {} }\nactions: { g/a: { run: 1ms, tags-strict: maybe } }\n",
         "x.yaml:3:42: \"maybe\", expected true or false, without quotes"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[600];
        snprintf(text, sizeof text, "why: x\n%s%s", rows[i][0], end);
        refused(text, rows[i][1]);
    }
}

static void
a_sequence_has_actions_named_above_it_and_a_trigger_runs_in_virtual_time(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"  guest/b: { run: 1ms, sequence: [guest/a] }\n",
         "x.yaml:5:12: an action, expected either `run` or `sequence`"},
        {"  guest/b: { memory: 128MB }\n",
         "x.yaml:5:12: an action, expected either `run` or `sequence`"},
        {"  guest/b: { sequence: [] }\n", "x.yaml:5:24: 0 actions, expected 1 to 50"},
        {"  guest/b: { sequence: [guest/b] }\n",
         "x.yaml:5:25: no action \"guest/b\" above, expected one of those"},
        {"  guest/b: { sequence: [guest/c] }\n  guest/c: { run: 1ms }\n",
         "x.yaml:5:25: no action \"guest/c\" above, expected one of those"},
        {"triggers: { guest/t: {} }\n",
         "x.yaml:5:22: no \"rules\" in a trigger, expected rules: [guest/hello]"},
        {"triggers: { guest/t: { rules: [guest/t] } }\n",
         "x.yaml:5:32: no action \"guest/t\" above, expected one of those"},
        {"hosts: [sim, live]\ntriggers: { guest/t: { rules: [] } }\n",
         "x.yaml:6:11: triggers, expected `hosts: [sim]` with them"},
        {"load: [{ trigger: guest/t, arrivals: every 1s, for: 1s }]\n",
         "x.yaml:5:19: no trigger \"guest/t\", expected one of `triggers`"},
        {"load: [{ action: guest/a, namespace: nobody, arrivals: every 1s, for: 1s }]\n",
         "x.yaml:5:38: no namespace \"nobody\" for an action, expected one of `namespaces`"},
        {"hosts: [sim, live]\nload: [{ action: guest/a, namespace: guest, arrivals: every 1s, "
         "for: 1s }]\n",
         "x.yaml:6:38: a binding, expected `hosts: [sim]` with it"},
        {"load: [{ trigger: guest/t, action: guest/a, arrivals: every 1s, for: 1s }]\n",
         "x.yaml:5:8: a load, expected one of `action`, `trigger` and `trace`"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[600];
        snprintf(text, sizeof text,
                 "why: x\nnamespaces: { guest: {} }\nactions:\n  guest/a: { run: 1ms }\n%s"
                 "expect: pass\n",
                 rows[i][0]);
        refused(text, rows[i][1]);
    }
}

static void what_is_not_there_yet_is_refused_by_name(void **state)
{
    (void)state;
    refused_for_now("why: x\ncluster: { bugs: { eager-client-close: old } }\n",
                    "x.yaml:2:20: bug switch eager-client-close is not there yet, expected "
                    "lost-creation-id");
    refused_for_now("why: x\nfaults: [{ at: 1s, partition: [a, b] }]\n",
                    "x.yaml:2:31: partition is not there yet, expected a scenario without it");
    refused("why: x\ncluster: { bugs: { lost-creation-id: maybe } }\n",
            "x.yaml:2:38: \"maybe\", expected fixed, old or lost-update");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_are_none),
        cmocka_unit_test(a_file_of_50_megabytes_is_not_read),
        cmocka_unit_test(what_is_no_yaml),
        cmocka_unit_test(what_yaml_has_and_a_scenario_has_not),
        cmocka_unit_test(nesting_deeper_than_32_is_refused_at_its_place),
        cmocka_unit_test(unknown_keys),
        cmocka_unit_test(missing_keys),
        cmocka_unit_test(wrong_types_and_units),
        cmocka_unit_test(numbers_out_of_range),
        cmocka_unit_test(loads_that_cannot_be),
        cmocka_unit_test(names_that_are_wrong_or_there_twice),
        cmocka_unit_test(rolls_that_cannot_be),
        cmocka_unit_test(faults_that_cannot_be),
        cmocka_unit_test(labels_of_invokers_and_wishes_of_actions),
        cmocka_unit_test(
            a_sequence_has_actions_named_above_it_and_a_trigger_runs_in_virtual_time),
        cmocka_unit_test(what_is_not_there_yet_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
