/*
 * test_judged_scenarios.c - shipped scenarios that are over in no time: each check fires where
 * scenarios/broken says so and nowhere else, and scenarios/smoke violates nothing.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "scenario/runner.h"

#define FOLDER TEST_SOURCE_DIR "/scenarios/"

static void run_one(const char *path, const char *variant)
{
    struct scenario scenario;
    struct result result;
    struct errmsg err = {0};
    struct scenario_options options = {.procedures_dir = FOLDER "procedures",
                                       .variant = variant};
    struct run_options run = {0};
    if (scenario_read(path, &options, &scenario, &err) != 0)
        fail_msg("%s", err.text);
    if (scenario.expect.kind == EXPECT_PER_VARIANT) {
        for (uint32_t i = 0; i < scenario.variant_count; i++)
            run_one(path, scenario.variants[i]);
    } else if (scenario.hosts & HOSTS_SIM) {
        result_init(&result);
        if (runner_run(&scenario, &run, &result, &err) != 0)
            fail_msg("%s", err.text);
        if (!result.expected)
            fail_msg("%s: %s", path, result.reason);
        result_release(&result);
    }
    scenario_release(&scenario);
}

static void run_folder(const char *folder)
{
    char path[512];
    unsigned count = 0;
    snprintf(path, sizeof path, FOLDER "%s", folder);
    DIR *entries = opendir(path);
    assert_non_null(entries);
    for (struct dirent *e = readdir(entries); e != NULL; e = readdir(entries)) {
        if (strstr(e->d_name, ".yaml") == NULL)
            continue;
        snprintf(path, sizeof path, FOLDER "%s/%.200s", folder, e->d_name);
        run_one(path, NULL);
        count++;
    }
    closedir(entries);
    assert_true(count > 0);
}

static void every_check_fires_in_its_broken_scenario_alone(void **state)
{
    (void)state;
    run_folder("broken");
}

static void smoke_scenarios_violate_nothing(void **state)
{
    (void)state;
    run_folder("smoke");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_check_fires_in_its_broken_scenario_alone),
        cmocka_unit_test(smoke_scenarios_violate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
