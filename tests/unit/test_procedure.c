/* test_procedure.c - procedure files: the shipped ones are the roles', wrong ones say where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "scenario/procedure.h"

static const struct procedure_file *shipped(struct region *region, const char *name)
{
    struct procedure_file *file;
    struct errmsg err = {{0}};
    char path[300];
    snprintf(path, sizeof path, "%s/scenarios/procedures/%s.yaml", TEST_SOURCE_DIR, name);
    int result = procedure_read(region, path, &file, &err);
    if (result != 0)
        print_error("%s\n", err.text);
    assert_int_equal(result, 0);
    assert_string_equal(file->name, name);
    return file;
}

static void expect_steps(const struct procedure_section *section, const char *names)
{
    char text[600] = "";
    for (uint32_t i = 0; i < section->step_count; i++) {
        strncat(text, i == 0 ? "" : " ", sizeof text - strlen(text) - 1);
        strncat(text, section->steps[i].name, sizeof text - strlen(text) - 1);
    }
    assert_string_equal(text, names);
}

static void the_upstream_controller_role(void **state)
{
    (void)state;
    struct region *region = region_new();
    const struct procedure_section *s = &shipped(region, "upstream")->sections[NODE_CONTROLLER];
    expect_steps(s,
                 "prepare edge-remove fire-triggers drain disable close-consumer restart ping "
                 "warm-up wait-for-invokers edge-add");
    assert_int_equal(s->serial, 0);
    assert_int_equal(s->forks, 5);
    const struct step *drain = &s->steps[3], *ping = &s->steps[7], *wait = &s->steps[9];
    assert_int_equal(drain->retries, 180);
    assert_int_equal(drain->delay, SEC(5));
    assert_int_equal(drain->auth, 1);
    assert_int_equal(drain->until[0].kind, UNTIL_BODY_IS);
    assert_string_equal(drain->until[0].text, "0");
    assert_int_equal(drain->ignore_errors, 2);
    assert_string_equal(drain->ignore_switch, "controller_deployment_ignore_error");
    assert_int_equal(s->steps[4].method, HTTP_POST);
    assert_int_equal(s->steps[4].until_count, 0);
    assert_int_equal(ping->retries, 12);
    assert_int_equal(ping->delay, SEC(10));
    assert_null(ping->when_switch);
    assert_int_equal(s->steps[8].ignore_errors, 1);
    assert_string_equal(s->invoke_actions[8], PROCEDURE_HEALTH_TEST);
    assert_int_equal(wait->retries, 14);
    assert_int_equal(wait->until[0].kind, UNTIL_JSON_NOT_EMPTY);
    assert_int_equal(wait->until[1].kind, UNTIL_BODY_LACKS);
    assert_string_equal(s->steps[10].when_step, "wait-for-invokers");
    assert_string_equal(s->steps[10].when_text, "up");
    assert_int_equal(s->steps[10].ignore_errors, 1);
    region_free(region);
}

static void the_upstream_scheduler_and_invoker_roles(void **state)
{
    (void)state;
    struct region *region = region_new();
    const struct procedure_file *file = shipped(region, "upstream");
    const struct procedure_section *s = &file->sections[NODE_SCHEDULER];
    expect_steps(s, "prepare disable drain restart ping");
    assert_int_equal(s->serial, 1);
    assert_int_equal(s->steps[4].delay, SEC(5));
    s = &file->sections[NODE_INVOKER];
    expect_steps(s, "disable drain stop remove-containers pull start ping");
    assert_int_equal(s->serial, 0);
    assert_string_equal(s->steps[1].path, "/pool/count");
    assert_string_equal(s->steps[1].when_also_switch, "scheduler_enable");
    assert_int_equal(s->steps[2].ignore_errors, 1);
    assert_true(s->switches[0].on && s->switches[1].on && !s->switches[2].on);
    region_free(region);
}

static void both_upstream_revisions_have_the_same_steps(void **state)
{
    (void)state;
    struct region *region = region_new();
    const struct procedure_file *head = shipped(region, "upstream");
    const struct procedure_file *merge = shipped(region, "upstream-5338");
    for (unsigned tier = 0; tier < NODE_KIND_COUNT; tier++) {
        assert_int_equal(head->sections[tier].step_count, merge->sections[tier].step_count);
        for (uint32_t i = 0; i < head->sections[tier].step_count; i++)
            assert_string_equal(head->sections[tier].steps[i].name,
                                merge->sections[tier].steps[i].name);
    }
    region_free(region);
}

static void the_careless_and_the_guarded_one(void **state)
{
    (void)state;
    struct region *region = region_new();
    expect_steps(&shipped(region, "restart-only")->sections[NODE_SCHEDULER], "restart");
    const struct procedure_file *guarded = shipped(region, "guarded");
    static const enum node_kind tiers[] = {NODE_CONTROLLER, NODE_SCHEDULER, NODE_INVOKER};
    for (size_t i = 0; i < 3; i++) {
        const struct procedure_section *s = &guarded->sections[tiers[i]];
        assert_int_equal(s->serial, 1);
        assert_int_equal(s->give_up, GIVE_UP_PLAY);
        assert_int_equal(s->switch_count, 0);
        assert_string_equal(s->steps[0].name, "prepare");
    }
    region_free(region);
}

/* Its gates come before the first step that changes anything: without another instance, or
 * with a count that is not answered, nothing has been touched. */
static void the_guarded_one_looks_before_it_touches_anything(void **state)
{
    (void)state;
    static const struct {
        enum node_kind tier;
        const char *gate, *first;
    } rows[] = {{NODE_CONTROLLER, "another-answers", "edge-remove"},
                {NODE_SCHEDULER, "another-answers", "disable"},
                {NODE_INVOKER, "another-enabled", "disable"}};
    struct region *region = region_new();
    const struct procedure_file *guarded = shipped(region, "guarded");
    for (size_t i = 0; i < 3; i++) {
        const struct procedure_section *s = &guarded->sections[rows[i].tier];
        const struct step *known = &s->steps[1], *gate = &s->steps[2];
        uint32_t n = 3;
        assert_string_equal(known->name, "known");
        assert_int_equal(known->until[0].kind, UNTIL_STATUS);
        assert_int_equal(known->retries, 12);
        assert_string_equal(gate->name, rows[i].gate);
        assert_int_equal(gate->ask, rows[i].tier);
        for (; strcmp(s->steps[n].name, rows[i].first) != 0; n++)
            assert_true(s->steps[n].kind == STEP_REQUEST && s->steps[n].method == HTTP_GET);
        for (uint32_t k = 1; k <= n; k++)
            assert_int_equal(s->steps[k].ignore_errors, 0);
    }
    region_free(region);
}

static void refused(const char *yaml, const char *text)
{
    struct region *region = region_new();
    struct procedure_file *file;
    struct errmsg err = {{0}};
    int result = procedure_read_bytes(region, "p.yaml", yaml, strlen(yaml), &file, &err);
    assert_int_equal(result, -ERR_INPUT);
    assert_string_equal(err.text, text);
    region_free(region);
}

static void wrong_procedures(void **state)
{
    (void)state;
    refused("why: x\ngateways: {}\n",
            "p.yaml:2:1: unknown key \"gateways\" in a procedure file, "
            "expected one of why, controllers, schedulers, invokers");
    refused(
        "why: x\ninvokers: { steps: [{ name: a, do: dance }] }\n",
        "p.yaml:2:36: \"dance\", expected request, sleep, edge-remove, edge-add, stop, start, "
        "restart, remove-containers, pull or invoke");
    refused("why: x\ninvokers: { steps: [{ name: a, do: request }] }\n",
            "p.yaml:2:21: request a without a path, expected one from /");
    refused("why: x\ninvokers: { steps: [{ name: a, do: sleep }] }\n",
            "p.yaml:2:21: sleep a without its delay, expected one");
    refused("why: x\ninvokers: { steps: [{ name: a, do: stop, path: /x }] }\n",
            "p.yaml:2:48: path in step a, expected it with `do: request` only");
    refused(
        "why: x\ninvokers: { steps: [{ name: a, do: stop, when: s }] }\n",
        "p.yaml:2:21: step a asks for switch \"s\", expected one of the section's `switches`");
    refused("why: x\ninvokers: { steps: [{ name: a, do: stop }, { name: a, do: start }] }\n",
            "p.yaml:2:44: step name \"a\" given twice, expected it once in a section");
    refused("why: x\ninvokers: { steps: [{ name: a, do: stop, when: { step: b, has: c } }] }\n",
            "p.yaml:2:21: step a asks for the answer to \"b\", expected an earlier request");
    refused("why: x\ninvokers: { steps: [{ name: a, do: invoke }] }\n",
            "p.yaml:2:21: step a, expected `action` with `do: invoke` only");
    refused("why: x\ninvokers: { steps: [{ name: a, do: edge-remove }] }\n",
            "p.yaml:2:36: step a in invokers, expected it in controllers only");
    refused("why: x\nschedulers: { steps: [{ name: a, do: invoke, action: a/b }] }\n",
            "p.yaml:2:38: step a in schedulers, expected it in controllers only");
    refused("why: x\ninvokers: { steps: [] }\n", "p.yaml:2:20: 0 steps, expected 1 to 64");
    refused("why: x\ninvokers: { steps: [{ name: a.b, do: stop }] }\n",
            "p.yaml:2:21: step name \"a.b\", expected one word without dots");
    refused("why: x\ninvokers: { steps: [{ name: a, do: request, path: /x, until: {} }] }\n",
            "p.yaml:2:62: 0 conditions, expected 1 to 4");
}

static void a_name_is_looked_for_above_the_scenario(void **state)
{
    (void)state;
    struct region *region = region_new();
    const char *scenario = region_printf(region, "%s/scenarios/smoke/x.yaml", TEST_SOURCE_DIR);
    const char *found = procedure_find(region, "guarded", scenario, "/nowhere");
    struct procedure_file *file;
    struct errmsg err;
    assert_int_equal(procedure_read(region, found, &file, &err), 0);
    assert_string_equal(procedure_find(region, "guarded", "/x.yaml", "/shipped"),
                        "/shipped/guarded.yaml");
    assert_string_equal(procedure_find(region, "./mine.yaml", "a/b.yaml", "/shipped"),
                        "a/./mine.yaml");
    assert_string_equal(procedure_find(region, "/abs/mine.yaml", "a/b.yaml", NULL),
                        "/abs/mine.yaml");
    region_free(region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_upstream_controller_role),
        cmocka_unit_test(the_upstream_scheduler_and_invoker_roles),
        cmocka_unit_test(both_upstream_revisions_have_the_same_steps),
        cmocka_unit_test(the_careless_and_the_guarded_one),
        cmocka_unit_test(the_guarded_one_looks_before_it_touches_anything),
        cmocka_unit_test(wrong_procedures),
        cmocka_unit_test(a_name_is_looked_for_above_the_scenario),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
