/*
 * test_served_etcd.c - the etcd machine behind its port answers as Debian's etcd does, or where
 * there is none, as the machine driven by hand.
 */
#include "live/etcd_parity.h"
#include "live/served_stores.h"
#include "support/etcd_bed.h"
#include <stdio.h>

static void the_served_etcd_answers_as_etcd_does(void **state)
{
    struct served_stores served;
    struct etcd_process process;
    char reason[128];
    (void)state;
    assert_true(served_stores_start(&served));
    bool has_real = etcd_process_start(&process, reason, sizeof reason);
    if (!has_real)
        printf("%s: compared with the machine by hand\n", reason);
    struct etcd_parity_plan plan = {.first = has_real ? served.etcd_url : NULL,
                                    .second = has_real ? process.url : served.etcd_url,
                                    .seed = 2,
                                    .sequences = 300,
                                    .mistakes = 100,
                                    .seconds_max = 20};
    unsigned different = etcd_parity_run(&plan);
    if (has_real)
        etcd_process_stop(&process);
    served_stores_stop(&served);
    assert_int_equal(different, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_served_etcd_answers_as_etcd_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
