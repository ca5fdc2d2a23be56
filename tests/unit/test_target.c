/* test_target.c - target files: what they become, and what is wrong with them, with its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "scenario/target.h"

#define HEAD                                                                                   \
    "why: x\nedge: { url: \"https://edge.example:8443/\" }\n"                                  \
    "schedulers: [\"http://10.0.0.1:14001\", \"http://10.0.0.2:14001\"]\n"
#define LOGIN "credentials: { scheduler: { user: u, password-env: IT } }\n"
#define GUEST "namespaces: { guest: { auth: \"a:b\" } }\n"
#define REST                                                                                   \
    "actions: { guest/hello: { run: 1ms } }\n"                                                 \
    "load:\n  - { action: guest/hello, arrivals: every 1s, for: 5s }\n"
#define ROLL "deploy:\n  - { at: 1s, roll: schedulers, procedure: restart-only }\n"

static char path[] = "/tmp/rollcage_target_XXXXXX";

static const char *environment(const char *name)
{
    return strcmp(name, "IT") == 0 ? "hush-hush" : NULL;
}

static int read_text_of(const char *yaml, const char *procedure, struct target *target,
                        struct errmsg *err)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(yaml, file);
    fclose(file);
    struct target_options options = {
        .scenario = {.procedures_dir = TEST_SOURCE_DIR "/scenarios/procedures"},
        .procedure = procedure,
        .environment = environment};
    *err = (struct errmsg){{0}};
    return target_read(path, &options, target, err);
}

static void refused(const char *yaml, const char *place, const char *text)
{
    struct target target;
    struct errmsg err;
    char wanted[768];
    int result = read_text_of(yaml, NULL, &target, &err);
    snprintf(wanted, sizeof wanted, "%s:%s: %s", path, place, text);
    assert_string_equal(err.text, wanted);
    assert_int_equal(err_exit(result), 2);
    assert_null(strstr(err.text, "hush-hush"));
}

static void a_target_is_a_scenario_without_stores(void **state)
{
    (void)state;
    struct target t;
    struct errmsg err;
    assert_int_equal(read_text_of(HEAD LOGIN
                                  "commands: { stop: a, start: b }\n" GUEST REST ROLL,
                                  NULL, &t, &err),
                     0);
    const struct cluster *c = &t.scenario.cluster;
    assert_int_equal(c->counts[NODE_SCHEDULER], 2);
    assert_int_equal(c->counts[NODE_CONTROLLER] + c->counts[NODE_INVOKER], 0);
    assert_int_equal(c->counts[NODE_KAFKA] + c->counts[NODE_ETCD] + c->counts[NODE_DATABASE],
                     0);
    assert_string_equal(t.urls[cluster_node(c, NODE_EDGE, 0)], "https://edge.example:8443");
    assert_string_equal(t.urls[cluster_node(c, NODE_SCHEDULER, 1)], "http://10.0.0.2:14001");
    assert_null(t.urls[cluster_node(c, NODE_DEPLOYER, 0)]);
    assert_string_equal(t.auths[0], "a:b");
    const struct deployer_config *deployer = t.scenario.configs[NODE_DEPLOYER];
    assert_string_equal(deployer->passwords[NODE_SCHEDULER], "hush-hush");
    assert_int_equal(deployer->entry_count, 1);
    assert_int_equal(t.scenario.expect.kind, EXPECT_PASS);
    assert_true(t.record_within == MINUTES(5) && t.command_within == MINUTES(5));
    const struct client_config *client = t.scenario.configs[NODE_CLIENT];
    assert_int_equal(client->entry_count, 1);
    scenario_release(&t.scenario);
}

static void the_command_lines_procedure_is_every_entrys(void **state)
{
    (void)state;
    struct target t;
    struct errmsg err;
    assert_int_equal(read_text_of(HEAD LOGIN
                                  "commands: { stop: a, start: b }\n" GUEST REST ROLL,
                                  "upstream", &t, &err),
                     0);
    assert_string_equal(t.scenario.deploys[0].procedure->name, "upstream");
    scenario_release(&t.scenario);
    assert_int_equal(read_text_of(HEAD GUEST REST, "upstream", &t, &err), -ERR_INPUT);
}

static void a_command_gets_the_node_it_is_for(void **state)
{
    (void)state;
    struct target t;
    struct errmsg err;
    char text[128];
    assert_int_equal(read_text_of(HEAD GUEST REST, NULL, &t, &err), 0);
    node_id node = cluster_node(&t.scenario.cluster, NODE_SCHEDULER, 1);
    assert_true(
        target_expand(&t, "x {name} {kind}/{index} {url} {} {what}", node, text, sizeof text));
    assert_string_equal(text, "x scheduler1 scheduler/1 http://10.0.0.2:14001 {} {what}");
    assert_false(target_expand(&t, "{url}", node, text, 10));
    assert_false(target_expand(&t, "0123456789", node, text, 10));
    assert_true(target_expand(&t, "012345678", node, text, 10));
    scenario_release(&t.scenario);
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    refused("why: x\n" GUEST, "1:1",
            "no \"edge\" in the target, expected edge: { url: https://api.example.com }");
    refused(HEAD "egde: x\n" GUEST REST, "4:1",
            "unknown key \"egde\" in the target, expected \"edge\"?");
    refused("why: x\nedge: { url: \"ftp://x\" }\n" GUEST REST, "2:14",
            "\"ftp://x\", expected a URL such as https://10.0.0.5:10001");
    refused("why: x\nedge: { url: \"http://x/$(reboot)\" }\n" GUEST REST, "2:14",
            "\"http://x/$(reboot)\", expected a URL such as https://10.0.0.5:10001");
    refused(HEAD GUEST REST "checks: { no-orphan-key.grace: 1s }\n", "8:11",
            "no-orphan-key cannot be judged from outside, expected checks that can");
    refused(HEAD "tls: { certificate: x }\n" GUEST REST, "4:6",
            "one of certificate and key, expected both or none");
    refused(HEAD "tls: { ca: /nowhere/ca.pem }\n" GUEST REST, "4:12",
            "/nowhere/ca.pem cannot be read, expected a PEM file");
}

static void secrets_are_wanted_once_and_never_printed(void **state)
{
    (void)state;
    refused(HEAD "namespaces: { guest: {} }\n" REST, "4:22",
            "none of auth, expected one of auth, auth-file and auth-env");
    refused(HEAD "namespaces: { guest: { auth: \"hush-hush\", auth-env: IT } }\n" REST, "4:22",
            "more than one of auth, expected one of auth, auth-file and auth-env");
    refused(HEAD "namespaces: { guest: { auth-env: IT } }\n" REST, "4:22",
            "auth without a colon, expected uuid:key");
    refused(HEAD "namespaces: { guest: { auth-env: OTHER } }\n" REST, "4:22",
            "OTHER is not set, expected the secret in this variable");
    refused(HEAD "namespaces: { guest: { auth-file: /nowhere/x } }\n" REST, "4:22",
            "/nowhere/x cannot be read, expected a file with the secret");
}

static void what_the_procedure_needs_must_be_there(void **state)
{
    (void)state;
    refused(HEAD GUEST REST ROLL, "9:44",
            "step restart has no command to run, expected `commands: stop` in the file");
    refused(HEAD "commands: { stop: a, start: b }\n" GUEST REST
                 "deploy:\n  - { at: 1s, roll: schedulers, procedure: guarded }\n",
            "10:44",
            "step known signs in at the schedulers, expected `credentials: scheduler` in the "
            "file");
    refused(HEAD GUEST REST
            "deploy:\n  - { at: 1s, roll: invokers, procedure: restart-only }\n",
            "9:5", "no instance of the tier, expected their URLs in the file");
}

static int make_file(void **state)
{
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_a_scenario_without_stores),
        cmocka_unit_test(the_command_lines_procedure_is_every_entrys),
        cmocka_unit_test(a_command_gets_the_node_it_is_for),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(secrets_are_wanted_once_and_never_printed),
        cmocka_unit_test(what_the_procedure_needs_must_be_there),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
