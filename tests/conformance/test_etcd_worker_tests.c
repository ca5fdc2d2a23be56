/* Upstream's EtcdWorkerTests: what the lease service has answered is lease 10. */
#include "support/common_bed.h"
#include "support/conform.h"

#define HELLO "whisk/throttling/guest/guest/hello"
#define WORKER "scheduler0/etcd-worker#0 > etcd "

static int setup(void **state)
{
    *state = common_bed_new(COMMON_WORKER);
    return 0;
}

/* No request is open, and none waits. */
static int teardown(void **state)
{
    struct bed *bed = *state;
    assert_int_equal(bed_next_in(bed), TSTAMP_NEVER);
    expect_records(bed, "");
    common_bed_free(bed);
    return 0;
}

static void ask(struct bed *bed, unsigned what, uint32_t flags)
{
    common_ask(bed, what, common_key(BED_HELLO), common_value(true), flags);
    expect_said(bed, "");
}

/* FinishWork: the key's next request goes at once. */
static void expect_finished(struct bed *bed)
{
    bed_forget(bed);
    ask(bed, POST_REGISTER, 0);
    expect_trace(bed, WORKER "put " HELLO " true lease 10\n");
    common_answer_etcd(bed, MSG_ETCD_PUT, false, ETCD_OK);
}

/* The posts of an answer, by hand, in their order. */
static void expect_posts(struct bed *bed, unsigned first, unsigned second)
{
    assert_int_equal(bed_posts(bed), 2);
    assert_int_equal(bed_post(bed, 0)->what, first);
    assert_int_equal(bed_post(bed, 1)->what, second);
    bed_settle(bed);
    bed->posts_by_hand = false;
}

static void a_leader_is_elected(void **state)
{
    struct bed *bed = *state;
    ask(bed, POST_ELECT_LEADER, DATA_RECIPIENT);
    expect_trace(bed, WORKER "put-if-absent " HELLO " true lease 10\n");
    bed->posts_by_hand = true;
    common_answer_etcd(bed, MSG_ETCD_TXN, true, ETCD_OK);
    expect_posts(bed, POST_ELECTED, POST_FINISH_WORK);
    expect_said(bed, "queue#3: elected " HELLO " true answer won\n");
    expect_finished(bed);
}

static void initial(struct bed *bed, bool succeeded, const char *said)
{
    ask(bed, POST_REGISTER_INITIAL, DATA_RECIPIENT);
    expect_trace(bed, WORKER "put-if-absent " HELLO " true lease 10\n");
    bed->posts_by_hand = true;
    common_answer_etcd(bed, MSG_ETCD_TXN, succeeded, ETCD_OK);
    expect_posts(bed, POST_FINISH_WORK, POST_INITIAL_STORED);
    expect_said(bed, said);
    expect_finished(bed);
}

static void initial_data_are_stored(void **state)
{
    initial(*state, true, "queue#3: initial-stored " HELLO " true answer won\n");
}

static void initial_data_exist_already(void **state)
{
    initial(*state, false, "queue#3: initial-stored " HELLO " true answer\n");
}

static void data_are_put_with_the_lease(void **state)
{
    struct bed *bed = *state;
    ask(bed, POST_REGISTER, 0);
    expect_trace(bed, WORKER "put " HELLO " true lease 10\n");
    common_answer_etcd(bed, MSG_ETCD_PUT, false, ETCD_OK);
    expect_said(bed, "");
    expect_finished(bed);
}

static void a_key_that_nobody_watches_is_deleted(void **state)
{
    struct bed *bed = *state;
    common_closed(bed, common_key(BED_HELLO));
    expect_trace(bed, WORKER "delete " HELLO "\n");
    common_answer_etcd(bed, MSG_ETCD_DELETE, false, ETCD_OK);
    expect_said(bed, "");
    expect_finished(bed);
}

static void what_fails_is_tried_again(void **state)
{
    struct bed *bed = *state;
    common_closed(bed, common_key(BED_HELLO));
    common_answer_etcd(bed, MSG_ETCD_DELETE, false, ETCD_LEASE_NOT_FOUND);
    expect_said(bed, "lease: get-lease\n");
    bed_pass(bed, MSEC(999));
    expect_trace(bed, WORKER "delete " HELLO "\n");
    bed_pass(bed, MSEC(1));
    expect_trace(bed, WORKER "delete " HELLO "\n" WORKER "delete " HELLO "\n");
    common_answer_etcd(bed, MSG_ETCD_DELETE, false, ETCD_OK);
    bed_forget(bed);
    common_closed(bed, common_key(BED_HELLO)); /* the key is free */
    expect_trace(bed, WORKER "delete " HELLO "\n");
    common_answer_etcd(bed, MSG_ETCD_DELETE, false, ETCD_OK);
    expect_said(bed, "");
}

int main(void)
{
#define SUITE "EtcdWorkerTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 84, a_leader_is_elected),
        CONFORMS(SUITE, 103, initial_data_are_stored),
        CONFORMS(SUITE, 121, initial_data_exist_already),
        CONFORMS(SUITE, 139, data_are_put_with_the_lease),
        CONFORMS(SUITE, 156, a_key_that_nobody_watches_is_deleted),
        CONFORMS(SUITE, 172, what_fails_is_tried_again),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
