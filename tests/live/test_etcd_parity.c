/*
 * test_etcd_parity.c - the etcd machine answers as etcd does: one list of questions and many
 * random ones, asked both of the machine driven by hand and of Debian's etcd.
 *
 * ROLLCAGE_ETCD_URL: an etcd that runs already (its store should be empty) instead of one of
 * our own. ROLLCAGE_ETCD_FIRST: an URL to put in the machine's place. ROLLCAGE_ETCD_SEED,
 * ROLLCAGE_ETCD_SEQUENCES, ROLLCAGE_ETCD_SECONDS: other random sequences, or more of them.
 * ROLLCAGE_ETCD_VERBOSE: equal answers are printed, too.
 */
#include "live/etcd_parity.h"
#include "support/etcd_bed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long number_of(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoul(text, NULL, 10);
}

static struct etcd_parity_plan plan_of(const char *url)
{
    return (struct etcd_parity_plan){
        .first = getenv("ROLLCAGE_ETCD_FIRST"),
        .second = url,
        .seed = number_of("ROLLCAGE_ETCD_SEED", 1),
        .sequences = (unsigned)number_of("ROLLCAGE_ETCD_SEQUENCES", 1000),
        .mistakes = 500,
        .is_verbose = getenv("ROLLCAGE_ETCD_VERBOSE") != NULL,
        .seconds_max = (unsigned)number_of("ROLLCAGE_ETCD_SECONDS", 42),
    };
}

static void the_machine_answers_as_etcd_does(void **state)
{
    struct etcd_process process;
    char reason[128];
    (void)state;
    const char *url = getenv("ROLLCAGE_ETCD_URL");
    if (url != NULL) {
        struct etcd_parity_plan plan = plan_of(url);
        assert_int_equal(etcd_parity_run(&plan), 0);
        return;
    }
    if (!etcd_process_start(&process, reason, sizeof reason)) {
        printf("skipped: %s\n", reason);
        skip();
    }
    struct etcd_parity_plan plan = plan_of(process.url);
    unsigned different = etcd_parity_run(&plan);
    etcd_process_stop(&process);
    assert_int_equal(different, 0);
}

/* A list that compares nothing would always be equal. */
static void an_answer_that_differs_is_counted(void **state)
{
    struct etcd_parity parity;
    struct etcd_endpoint *changed = etcd_endpoint_by_hand();
    (void)state;
    etcd_endpoint_call(changed, "POST", "/v3/kv/put", "{\"key\":\"YQ==\"}", NULL);
    etcd_parity_begin(&parity, etcd_endpoint_by_hand(), "empty", changed, "changed");
    parity.is_quiet = true;
    assert_true(etcd_parity_same(&parity, "/v3/kv/range", "{\"key\":\"Yg==\"}"));
    assert_false(etcd_parity_same(&parity, "/v3/kv/range", "{\"key\":\"YQ==\"}"));
    assert_int_equal(parity.count.equal, 1);
    assert_int_equal(parity.count.different, 1);
    etcd_parity_end(&parity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_differs_is_counted),
        cmocka_unit_test(the_machine_answers_as_etcd_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
