/*
 * test_kafka_protocol_ops.c - each script of tests/support/kafka_ops_list.c, answered by the
 * machine as tests/golden/kafka_ops.txt has it (which a real broker agrees with, but for those
 * that say why not: tests/live/test_kafka_parity.c). UPDATE_GOLDEN=1 writes the file anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "support/kafka_ops.h"

#define GOLDEN TEST_SOURCE_DIR "/tests/golden/kafka_ops.txt"
#define GOLDEN_MAX ((size_t)1 << 20)

static char transcript[KAFKA_OPS_TRANSCRIPT];

static void run(const struct kafka_op *op)
{
    struct kafka_peer *peer = kafka_ops_machine("");
    kafka_ops_run(peer, op->script, transcript, sizeof transcript);
    kafka_peer_free(peer);
}

static void write_golden(void)
{
    FILE *file = fopen(GOLDEN, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < kafka_ops_count; i++) {
        run(&kafka_ops_list[i]);
        fprintf(file, "== %s\n%s", kafka_ops_list[i].name, transcript);
    }
    assert_int_equal(fclose(file), 0);
}

static void every_script_is_answered_as_noted(void **state)
{
    (void)state;
    if (getenv("UPDATE_GOLDEN") != NULL)
        write_golden();
    char *golden = calloc(1, GOLDEN_MAX);
    assert_non_null(golden);
    FILE *file = fopen(GOLDEN, "r");
    assert_non_null(file);
    assert_true(fread(golden, 1, GOLDEN_MAX - 1, file) > 0);
    fclose(file);
    const char *at = golden;
    for (unsigned i = 0; i < kafka_ops_count; i++) {
        char title[256];
        run(&kafka_ops_list[i]);
        snprintf(title, sizeof title, "== %s\n", kafka_ops_list[i].name);
        if (strncmp(at, title, strlen(title)) != 0)
            fail_msg("script %s is not the next in %s", kafka_ops_list[i].name, GOLDEN);
        at += strlen(title);
        if (strncmp(at, transcript, strlen(transcript)) != 0)
            fail_msg("%s: now\n%sbefore\n%.*s", kafka_ops_list[i].name, transcript, 600, at);
        at += strlen(transcript);
    }
    assert_string_equal(at, "");
    free(golden);
}

static void a_random_script_is_the_same_twice_and_harmless(void **state)
{
    (void)state;
    static char script[1 << 16], again[KAFKA_OPS_TRANSCRIPT];
    for (uint64_t seed = 1; seed <= 200; seed++) {
        kafka_ops_random(seed, 30, script, sizeof script);
        for (unsigned turn = 0; turn < 2; turn++) {
            struct kafka_peer *peer = kafka_ops_machine("");
            kafka_ops_run(peer, script, turn == 0 ? transcript : again, sizeof again);
            kafka_peer_free(peer);
        }
        assert_string_equal(transcript, again);
        assert_null(strstr(transcript, "malformed"));
        assert_null(strstr(transcript, "closed"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_script_is_answered_as_noted),
        cmocka_unit_test(a_random_script_is_the_same_twice_and_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
