/* test_scenario_reference.c - docs/scenario.md is what the reader's tables say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "scenario/scenario_internal.h"
#include "scenario/target_internal.h"

static char *whole(FILE *file)
{
    rewind(file);
    fseek(file, 0, SEEK_END);
    long length = ftell(file);
    assert_true(length >= 0);
    rewind(file);
    char *text = calloc(1, (size_t)length + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)length, file), (size_t)length);
    return text;
}

/* UPDATE_DOCS=1 in the environment writes the file anew. */
static void the_printed_reference_is_the_one_in_docs(void **state)
{
    (void)state;
    static const char path[] = TEST_SOURCE_DIR "/docs/scenario.md";
    FILE *printed = tmpfile();
    assert_non_null(printed);
    scenario_print_reference(printed);
    char *wanted = whole(printed);
    fclose(printed);
    if (getenv("UPDATE_DOCS") != NULL) {
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        fputs(wanted, out);
        fclose(out);
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        free(wanted);
    if (file == NULL)
        fail_msg("%s is not there: run this test with UPDATE_DOCS=1", path);
    char *found = whole(file);
    fclose(file);
    size_t i = 0, line = 1;
    while (wanted[i] != '\0' && wanted[i] == found[i])
        line += wanted[i++] == '\n';
    bool is_equal = wanted[i] == found[i];
    free(wanted);
    free(found);
    if (!is_equal)
        fail_msg("docs/scenario.md differs from line %zu on: run this test with UPDATE_DOCS=1",
                 line);
}

static void every_example_is_one_that_the_reader_takes(void **state)
{
    (void)state;
    static const struct schema *const schemas[] = {&scenario_schema,
                                                   &cluster_schema,
                                                   &namespace_schema,
                                                   &action_schema,
                                                   &run_schema,
                                                   &load_schema,
                                                   &deploy_schema,
                                                   &fault_schema,
                                                   &delay_schema,
                                                   &answer_schema,
                                                   &expect_schema,
                                                   &budget_schema,
                                                   &target_schema,
                                                   &target_edge_schema,
                                                   &target_credentials_schema,
                                                   &target_login_schema,
                                                   &target_tls_schema,
                                                   &target_commands_schema,
                                                   &target_observe_schema,
                                                   &target_namespace_schema};
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++)
        for (uint32_t k = 0; k < schemas[i]->field_count; k++) {
            const struct schema_field *field = &schemas[i]->fields[k];
            assert_non_null(field->about);
            if (!schema_example_fits(field))
                fail_msg("%s.%s: example %s", schemas[i]->name, field->key,
                         field->example != NULL ? field->example : "(none)");
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_printed_reference_is_the_one_in_docs),
        cmocka_unit_test(every_example_is_one_that_the_reader_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
