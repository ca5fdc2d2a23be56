/*
 * test_served_kafka.c - the Kafka machine behind its port answers as the machine driven by hand
 * does, which test_kafka_parity.c compares with a real broker.
 */
#include "live/served_stores.h"
#include "support/kafka_ops.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define RANDOM_SCRIPTS 300u
#define RANDOM_STEPS 10u
#define SCRIPT_SIZE ((size_t)64 << 10)

static char ours[KAFKA_OPS_TRANSCRIPT], theirs[KAFKA_OPS_TRANSCRIPT];
static struct served_stores served;

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return served_stores_start(&served) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    served_stores_stop(&served);
    return 0;
}

static bool is_same(unsigned number, const char *name, const char *script)
{
    char prefix[32];
    snprintf(prefix, sizeof prefix, "s%u-", number);
    struct kafka_peer *machine = kafka_ops_machine(prefix);
    kafka_ops_run(machine, script, ours, sizeof ours);
    kafka_peer_free(machine);
    struct kafka_peer *broker = kafka_peer_address(served.bootstrap, prefix);
    assert_non_null(broker);
    kafka_ops_run(broker, script, theirs, sizeof theirs);
    kafka_peer_free(broker);
    if (strcmp(ours, theirs) == 0)
        return true;
    printf("different: %s\n%s-- by hand\n%s-- served\n%s\n", name, script, ours, theirs);
    return false;
}

static void every_script_is_answered_alike(void **state)
{
    (void)state;
    unsigned equal = 0, different = 0, skipped = 0;
    for (unsigned i = 0; i < kafka_ops_count; i++) {
        const struct kafka_op *op = &kafka_ops_list[i];
        if ((op->flags & OPS_MACHINE_ONLY) != 0) {
            skipped++;
            continue;
        }
        bool is_equal = is_same(i, op->name, op->script);
        equal += is_equal;
        different += !is_equal;
    }
    printf("served Kafka: %u equal, %u different, %u skipped\n", equal, different, skipped);
    assert_int_equal(different, 0);
}

static void random_scripts_are_answered_alike(void **state)
{
    (void)state;
    static char script[SCRIPT_SIZE];
    unsigned different = 0;
    for (unsigned seed = 1; seed <= RANDOM_SCRIPTS; seed++) {
        kafka_ops_random(seed, RANDOM_STEPS, script, sizeof script);
        different += !is_same(kafka_ops_count + seed, "random", script);
    }
    printf("served Kafka, random scripts: %u equal, %u different\n", RANDOM_SCRIPTS - different,
           different);
    assert_int_equal(different, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_script_is_answered_alike),
        cmocka_unit_test(random_scripts_are_answered_alike),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
