/* test_scenario_good.c - what a scenario says is what the run gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "cast.h"
#include "scenario/scenario.h"

static struct scenario read_with(const char *yaml, const struct scenario_options *options)
{
    struct scenario s;
    struct errmsg err = {{0}};
    int result = scenario_read_bytes("tests/x.yaml", yaml, strlen(yaml), options, &s, &err);
    if (result != 0)
        print_error("%s\n", err.text);
    assert_int_equal(result, 0);
    return s;
}

static struct scenario read_yaml(const char *yaml)
{
    struct scenario_options options = {.procedures_dir = "scenarios/procedures"};
    return read_with(yaml, &options);
}

static void the_smallest_scenario_has_every_default(void **state)
{
    (void)state;
    struct scenario s = read_yaml("why: x\nexpect: pass\n");
    assert_string_equal(s.why, "x");
    assert_string_equal(s.name, "x");
    assert_int_equal(s.seed, 1);
    assert_int_equal(s.hosts, HOSTS_SIM);
    assert_int_equal(s.profile, PROFILE_ANSIBLE);
    assert_int_equal(s.cluster.node_count, 13);
    assert_int_equal(s.cluster.counts[NODE_CONTROLLER], 2);
    assert_int_equal(s.cluster.counts[NODE_SCHEDULER], 2);
    assert_int_equal(s.cluster.counts[NODE_INVOKER], 3);
    assert_string_equal(s.cluster.nodes[0].name, "client");
    assert_string_equal(s.cluster.nodes[1].name, "edge");
    assert_string_equal(s.cluster.nodes[5].name, "scheduler1");
    assert_int_equal(s.cluster.nodes[5].index, 1);
    assert_string_equal(s.cluster.nodes[12].name, "deployer");
    assert_int_equal(s.cluster.firsts[NODE_ETCD], 10);
    assert_int_equal(s.cluster.timing[TIMING_PULL].max, SEC(120));
    assert_int_equal(s.expect.kind, EXPECT_PASS);
    assert_int_equal(s.budget[NODE_SCHEDULER], BUDGET_UNLIMITED);
    scenario_release(&s);
}

static void a_cluster_with_behaviours_bugs_and_no_edge(void **state)
{
    (void)state;
    struct scenario s =
        read_yaml("why: x\ncluster: { controllers: 1, invokers: 5, edge: false, "
                  "from: pre-5338, to: head, bugs: { all: fixed, lost-creation-id: "
                  "lost-update } }\nexpect: pass\n");
    assert_int_equal(s.cluster.node_count, 13);
    assert_int_equal(s.cluster.counts[NODE_EDGE], 0);
    node_id scheduler = cluster_node(&s.cluster, NODE_SCHEDULER, 0);
    assert_int_equal(s.cluster.nodes[scheduler].behaviour_from, BEHAVIOUR_PRE_5338);
    assert_int_equal(s.cluster.nodes[scheduler].behaviour_to, BEHAVIOUR_HEAD);
    assert_int_equal(s.cluster.bugs[BUG_LOST_CREATION_ID], BUG_LOST_UPDATE);
    scenario_release(&s);
}

static uint64_t config_value(const struct scenario *s, enum node_kind kind, const char *key)
{
    const struct machine_ops *ops = cast_ops(kind);
    for (uint32_t i = 0; i < ops->config_field_count; i++)
        if (strcmp(ops->config_fields[i].key, key) == 0)
            return *(uint64_t *)(void *)((char *)s->configs[kind] +
                                         ops->config_fields[i].offset);
    fail_msg("no key %s", key);
    return 0;
}

static void configuration_lies_on_top_of_the_profile(void **state)
{
    (void)state;
    const char key[] = "whisk.scheduler.queue.idle-grace";
    struct scenario s =
        read_yaml("why: x\nconfig: { whisk.scheduler.queue.idle-grace: 7s }\nexpect: pass\n");
    assert_int_equal(config_value(&s, NODE_SCHEDULER, key), SEC(7));
    scenario_release(&s);
    s = read_yaml("why: x\ncluster: { profile: shipped }\nexpect: pass\n");
    const struct machine_ops *ops = cast_ops(NODE_SCHEDULER);
    for (uint32_t i = 0; i < ops->config_field_count; i++)
        assert_int_equal(config_value(&s, NODE_SCHEDULER, ops->config_fields[i].key),
                         ops->config_fields[i].shipped);
    scenario_release(&s);
}

static void a_scale_multiplies_all_timings(void **state)
{
    (void)state;
    struct scenario s = read_yaml(
        "why: x\ntiming: { scale: 1/3, stop: 3s, link.kafka: 2ms .. 4ms }\nexpect: pass\n");
    assert_int_equal(s.cluster.timing[TIMING_STOP].min, SEC(1));
    assert_int_equal(s.cluster.timing[TIMING_PULL].max, SEC(40));
    assert_int_equal(s.cluster.timing[TIMING_LINK_KAFKA].min, MSEC(2) / 3);
    scenario_release(&s);
}

static void invokers_with_the_same_labels_share_them(void **state)
{
    (void)state;
    struct scenario s =
        read_yaml("why: x\n"
                  "cluster:\n"
                  "  invokers: 5\n"
                  "  tags: { invoker1: [gpu, disk], invoker2: [disk, gpu], invoker3: [disk] }\n"
                  "  dedicated: { invoker3: [b, a], invoker4: [a] }\n"
                  "namespaces: { a: {}, b: {} }\n"
                  "actions:\n"
                  "  a/x: { run: 1ms, tags: [tpu, gpu], tags-strict: false, blackbox: true }\n"
                  "  a/y: { run: 1ms, tags: [disk] }\n"
                  "expect: pass\n");
    const struct cluster *c = &s.cluster;
    node_id first = c->firsts[NODE_INVOKER];
    static const uint8_t labels[5] = {0, 1, 1, 2, 3};
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(c->nodes[first + i].labels, labels[i]);
    assert_int_equal(c->label_count, 4);
    assert_int_equal(c->tag_count, 3);
    assert_string_equal(c->tags[0], "gpu");
    assert_string_equal(c->tags[2], "tpu");
    assert_int_equal(cluster_labels(c, 0)->tags | cluster_labels(c, 9)->tags, 0);
    assert_int_equal(cluster_labels(c, 1)->tags, 3);
    assert_int_equal(cluster_labels(c, 2)->tags, 2);
    assert_int_equal(cluster_labels(c, 2)->dedicated[0], 0);
    assert_int_equal(cluster_labels(c, 2)->dedicated[1], 1);
    assert_true(labels_serve(cluster_labels(c, 1), 1));
    assert_true(labels_serve(cluster_labels(c, 3), 0));
    assert_false(labels_serve(cluster_labels(c, 3), 1));
    assert_int_equal(c->actions[0].resources, 5);
    assert_true(c->actions[0].lax_resources && c->actions[0].blackbox);
    assert_int_equal(c->actions[1].resources, 2);
    assert_false(c->actions[1].lax_resources || c->actions[1].blackbox);
    scenario_release(&s);
}

static void sequences_and_triggers_have_their_parts(void **state)
{
    (void)state;
    struct scenario s =
        read_yaml("why: x\n"
                  "namespaces: { guest: { trigger-fires-per-minute: 7 } }\n"
                  "actions:\n"
                  "  guest/a: { run: 1ms }\n"
                  "  guest/b: { sequence: [guest/a, guest/a], timeout: 9s }\n"
                  "triggers: { guest/b: { rules: [guest/b, guest/a, guest/b] } }\n"
                  "load:\n"
                  "  - { trigger: guest/b, arrivals: every 1s, for: 1s }\n"
                  "  - { action: guest/b, arrivals: every 1s, for: 1s }\n"
                  "expect: pass\n");
    const struct action_info *actions = s.cluster.actions;
    assert_int_equal(s.cluster.action_count, 3);
    assert_int_equal(s.cluster.namespaces[0].fires_per_minute, 7);
    assert_int_equal(actions[0].kind, ACTION_CODE);
    assert_int_equal(actions[0].part_count, 0);
    assert_int_equal(actions[1].kind, ACTION_SEQUENCE);
    assert_int_equal(actions[1].timeout, SEC(9));
    assert_int_equal(actions[1].part_count, 2);
    assert_int_equal(actions[1].parts[1], 0);
    assert_int_equal(actions[2].kind, ACTION_TRIGGER);
    assert_int_equal(actions[2].part_count, 3);
    assert_int_equal(actions[2].parts[0], 1);
    assert_int_equal(actions[2].parts[1], 0);
    const struct client_config *client = s.configs[NODE_CLIENT];
    assert_int_equal(client->entries[0].action, 2);
    assert_int_equal(client->entries[1].action, 1);
    scenario_release(&s);
}

static const char loaded[] =
    "why: x\n"
    "namespaces: { guest: { concurrent-invocations: 1000 } }\n"
    "actions:\n"
    "  guest/hello: { memory: 256MB, init: 100ms, run: { p50: 40ms, p99: 400ms } }\n"
    "  guest/pack/bad: { run: 5ms, timeout: 1s, fails: 1/100, memory: 128MB, instances: 4 }\n"
    "load:\n"
    "  - { action: guest/hello, arrivals: poisson 50/s, from: 10s, for: 8m, blocking: true }\n"
    "  - { action: guest/pack/bad, arrivals: bursts 50 every 10s, for: 1m, requests: 99 }\n"
    "  - { action: guest/hello, arrivals: every 100ms, for: 1m }\n"
    "  - { action: guest/hello, arrivals: closed 500, for: 1m }\n"
    "expect: pass\n";

static void what_goes_wrong_with_containers(void **state)
{
    (void)state;
    struct scenario s = read_yaml(
        "why: x\n"
        "namespaces: { guest: { warmed-container-keeping-count: 2, "
        "warmed-container-keeping-timeout: 3m, blocked-from: 30s }, other: {} }\n"
        "actions:\n"
        "  guest/a: { run: 40ms, create-fails: 1/2, pause-fails: 1/3, resume-fails: 1/4, "
        "init-fails: 1/5, init-refuses: 1/6, init-hangs: 1/7, unreachable: 1/8, crashes: 1/9, "
        "hangs: 1/10, logs-fail: 1/11, log-limit: 0MB }\n"
        "  guest/b: { run: 40ms, log-limit: 1MB }\n"
        "expect: pass\n");
    const struct namespace_info *guest = &s.cluster.namespaces[0];
    assert_int_equal(guest->keeping_count, 2);
    assert_int_equal(guest->keeping_timeout, MINUTES(3));
    assert_int_equal(guest->blocked_from, SEC(30));
    assert_int_equal(s.cluster.namespaces[1].keeping_count, 0);
    assert_int_equal(s.cluster.namespaces[1].keeping_timeout, 0);
    assert_int_equal(s.cluster.namespaces[1].blocked_from, 0);
    for (unsigned i = 0; i < ACTION_FAULT_COUNT; i++) {
        assert_int_equal(s.cluster.actions[0].faults[i].numerator, 1);
        assert_int_equal(s.cluster.actions[0].faults[i].denominator, 2 + i);
        assert_int_equal(s.cluster.actions[1].faults[i].denominator, 0);
    }
    assert_true(s.cluster.actions[0].logs_off);
    assert_false(s.cluster.actions[1].logs_off);
    scenario_release(&s);
}

static void actions_and_loads(void **state)
{
    (void)state;
    struct scenario s = read_yaml(loaded);
    assert_int_equal(s.cluster.namespaces[0].invocations_per_minute, 60);
    assert_int_equal(s.cluster.namespaces[0].concurrent_invocations, 1000);
    const struct action_info *hello = &s.cluster.actions[0], *bad = &s.cluster.actions[1];
    assert_int_equal(hello->run_kind, RUN_LOGNORMAL);
    assert_int_equal(hello->run_b, MSEC(400));
    assert_int_equal(hello->timeout, SEC(60));
    assert_string_equal(bad->name, "guest/pack/bad");
    assert_int_equal(bad->memory_mb, 128);
    assert_int_equal(bad->fails.denominator, 100);
    assert_int_equal(bad->instance_limit, 4);
    const struct client_config *client = s.configs[NODE_CLIENT];
    assert_int_equal(client->entry_count, 4);
    const struct load_entry *e = client->entries;
    assert_int_equal(e[0].arrivals, ARRIVALS_POISSON);
    assert_int_equal(e[0].interval, MSEC(20));
    assert_int_equal(e[0].from, TSTAMP_ORIGIN + SEC(10));
    assert_int_equal(e[0].length, MINUTES(8));
    assert_int_equal(e[0].blocking, 1);
    assert_int_equal(e[1].arrivals, ARRIVALS_BURSTS);
    assert_int_equal(e[1].burst_count, 50);
    assert_int_equal(e[1].interval, SEC(10));
    assert_int_equal(e[1].request_max, 99);
    assert_int_equal(e[1].action, 1);
    assert_int_equal(e[2].arrivals, ARRIVALS_EVERY);
    assert_int_equal(e[3].arrivals, ARRIVALS_CLOSED);
    assert_int_equal(e[3].burst_count, 500);
    scenario_release(&s);
}

static void deploy_entries_with_their_procedures(void **state)
{
    (void)state;
    struct scenario s =
        read_yaml("why: x\ndeploy:\n"
                  "  - { at: 30s, roll: schedulers, procedure: upstream, order: reverse }\n"
                  "  - { roll: invokers, procedure: upstream, serial: 2, pause: 5s }\n"
                  "  - { roll: [controller1], procedure: guarded }\n"
                  "  - { at: 1m, roll: schedulers, procedure: upstream, parallel: true,\n"
                  "      switches: { scheduler_deployment_ignore_error: true } }\n"
                  "expect: pass\n");
    assert_int_equal(s.deploy_count, 4);
    const struct deploy_entry *e = s.deploys;
    assert_int_equal(e[0].at, TSTAMP_ORIGIN + SEC(30));
    assert_string_equal(s.cluster.nodes[e[0].nodes[0]].name, "scheduler1");
    assert_int_equal(e[0].serial, UINT32_MAX);
    assert_int_equal(e[0].procedure->serial, 1);
    assert_int_equal(e[1].has_at, 0);
    assert_int_equal(e[1].pause, SEC(5));
    assert_int_equal(e[1].serial, 2);
    assert_int_equal(e[1].procedure->serial, 0);
    assert_int_equal(e[2].node_count, 1);
    assert_int_equal(e[2].procedure->give_up, GIVE_UP_PLAY);
    assert_ptr_equal(e[0].procedure, e[3].procedure);
    assert_int_equal(e[3].parallel, 1);
    assert_string_equal(e[3].switches[1].name, "scheduler_deployment_ignore_error");
    assert_int_equal(e[3].switches[1].on, 1);
    assert_int_equal(e[0].switches[1].on, 0);
    const struct deployer_config *config = s.configs[NODE_DEPLOYER];
    assert_int_equal(config->entry_count, 4);
    assert_string_equal(config->users[NODE_INVOKER], "invoker.user");
    assert_string_equal(config->step_names[e[0].procedure->steps[2].id], "drain");
    assert_int_equal(e[0].procedure->steps[2].id, e[1].procedure->steps[1].id);
    scenario_release(&s);
}

static void faults_of_each_kind(void **state)
{
    (void)state;
    struct scenario s = read_yaml(
        "why: x\ndeploy: [{ roll: schedulers, procedure: upstream }]\n"
        "faults:\n"
        "  - { at: 40s, kill: scheduler0 }\n"
        "  - { during: scheduler0.drain, kafka.delay: 300ms, for: 10s, ratio: 1/2 }\n"
        "  - { at: 1s, delay: { link: http, from: edge, to: controller1, by: 2s }, nth: 3 }\n"
        "  - { answer: { node: schedulers, route: \"GET /activation/count\", bodies: [\"3\", "
        "\"0\"] } }\n"
        "  - { answer: { node: scheduler1, route: GET /activation/count, status: 500, body: x, "
        "delay: 1s } }\n"
        "expect: pass\n");
    const struct fault_rule *f = s.faults;
    assert_int_equal(s.fault_count, 5);
    assert_int_equal(f[0].kind, FAULT_KIND_KILL);
    assert_int_equal(f[0].at, TSTAMP_ORIGIN + SEC(40));
    assert_int_equal(f[0].node, cluster_node(&s.cluster, NODE_SCHEDULER, 0));
    assert_int_equal(f[0].line, 4);
    assert_int_equal(f[1].when, FAULT_DURING);
    assert_string_equal(s.step_names[f[1].during_step], "drain");
    assert_int_equal(f[1].links, 1u << LINK_KAFKA);
    assert_int_equal(f[1].length, SEC(10));
    assert_int_equal(f[1].ratio.denominator, 2);
    assert_int_equal(f[1].from, NODE_NONE);
    assert_int_equal(f[2].to, cluster_node(&s.cluster, NODE_CONTROLLER, 1));
    assert_int_equal(f[2].nth, 3);
    assert_int_equal(f[3].when, FAULT_ALWAYS);
    assert_int_equal(f[3].node, NODE_NONE);
    assert_int_equal(f[3].tier, NODE_SCHEDULER);
    assert_int_equal(f[3].body_count, 2);
    assert_string_equal(f[3].path, "/activation/count");
    assert_int_equal(f[3].status, 200);
    assert_int_equal(f[4].status, 500);
    assert_int_equal(f[4].by, SEC(1));
    scenario_release(&s);
}

static void checks_expectations_and_budget(void **state)
{
    (void)state;
    struct scenario s =
        read_yaml("why: x\nhosts: [sim, live]\nbudget: { schedulers: 1, etcd: 1 }\n"
                  "checks: { latency.p99: { below: 3s }, capacity-floor.schedulers: 2, "
                  "settles: false }\n"
                  "expect: { violates: [latency, settles], because: C9 }\n");
    int below = check_field_find("latency.p99", "below");
    int floor_ = check_field_find("capacity-floor", "schedulers");
    assert_true(below >= 0 && floor_ >= 0);
    assert_int_equal(s.checks.values[below], SEC(3));
    assert_true(s.checks.given[below]);
    assert_int_equal(s.checks.values[floor_], 2);
    assert_true(s.checks_off == UINT64_C(1) << check_from_name("settles"));
    assert_int_equal(s.budget[NODE_SCHEDULER], 1);
    assert_int_equal(s.budget[NODE_INVOKER], 0);
    assert_int_equal(s.hosts, HOSTS_SIM | HOSTS_LIVE);
    assert_int_equal(s.expect.kind, EXPECT_VIOLATES);
    assert_true(s.expect.violates == (UINT64_C(1) << check_from_name("latency") |
                                      UINT64_C(1) << check_from_name("settles")));
    assert_string_equal(s.expect.because, "C9");
    scenario_release(&s);
}

static void the_option_seed_goes_over_the_files(void **state)
{
    (void)state;
    struct scenario_options options = {.has_seed = true, .seed = 42};
    struct scenario s = read_with("why: x\nseed: 7\nexpect: pass\n", &options);
    assert_int_equal(s.seed, 42);
    assert_int_equal(s.own_seed, 7); /* what `expect` was found with */
    uint64_t hash = s.hash;
    scenario_release(&s);
    s = read_yaml("why: x\nseed: 7\nexpect: pass\n");
    assert_int_equal(s.seed, 7);
    assert_int_equal(s.own_seed, 7);
    assert_true(s.hash == hash);
    scenario_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_scenario_has_every_default),
        cmocka_unit_test(a_cluster_with_behaviours_bugs_and_no_edge),
        cmocka_unit_test(configuration_lies_on_top_of_the_profile),
        cmocka_unit_test(a_scale_multiplies_all_timings),
        cmocka_unit_test(invokers_with_the_same_labels_share_them),
        cmocka_unit_test(sequences_and_triggers_have_their_parts),
        cmocka_unit_test(actions_and_loads),
        cmocka_unit_test(what_goes_wrong_with_containers),
        cmocka_unit_test(deploy_entries_with_their_procedures),
        cmocka_unit_test(faults_of_each_kind),
        cmocka_unit_test(checks_expectations_and_budget),
        cmocka_unit_test(the_option_seed_goes_over_the_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
