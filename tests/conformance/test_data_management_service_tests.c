/* Upstream's DataManagementServiceTests: the worker is only listened to. */
#include "support/common_bed.h"
#include "support/conform.h"

#define HELLO "whisk/throttling/guest/guest/hello"
#define SLOW "whisk/throttling/guest/guest/slow"

static int setup(void **state)
{
    *state = common_bed_new(COMMON_DATA);
    return 0;
}

/* Nothing leaves the process, and nothing is worth a record unless a test says so. */
static int teardown(void **state)
{
    struct bed *bed = *state;
    expect_trace(bed, "");
    expect_records(bed, "");
    common_bed_free(bed);
    return 0;
}

static void ask(struct bed *bed, unsigned what, bool value, uint32_t flags)
{
    common_ask(bed, what, common_key(BED_HELLO), common_value(value), flags);
}

static void finish(struct bed *bed)
{
    common_finish(bed, common_key(BED_HELLO));
    expect_said(bed, "");
}

static void each_request_reaches_the_worker(void **state)
{
    struct bed *bed = *state;
    ask(bed, POST_REGISTER, true, DATA_FAILOVER);
    expect_said(bed, "watcher: watch " HELLO " exact name 0 deletes\n"
                     "etcd-worker: register " HELLO " true failover for queue#3\n");
    finish(bed);
    ask(bed, POST_ELECT_LEADER, true, DATA_RECIPIENT);
    expect_said(bed, "etcd-worker: elect-leader " HELLO " true answer for queue#3\n");
    finish(bed);
    ask(bed, POST_REGISTER_INITIAL, true, DATA_FAILOVER | DATA_RECIPIENT);
    expect_said(bed,
                "watcher: watch " HELLO " exact name 0 deletes\n"
                "etcd-worker: register-initial " HELLO " true failover answer for queue#3\n");
    finish(bed);
    common_closed(bed, common_key(BED_HELLO));
    expect_said(bed, "etcd-worker: watcher-closed " HELLO "\n");
    finish(bed);
}

static void requests_for_one_key_wait_for_each_other(void **state)
{
    struct bed *bed = *state;
    ask(bed, POST_REGISTER, false, 0);
    expect_said(bed, "etcd-worker: register " HELLO " false for queue#3\n");
    ask(bed, POST_REGISTER, true, 0);
    bed_pass(bed, SEC(1));
    expect_said(bed, "");
    common_finish(bed, common_key(BED_HELLO));
    expect_said(bed, "etcd-worker: register " HELLO " true for queue#3\n");
    finish(bed);
}

static void requests_for_other_keys_do_not(void **state)
{
    struct bed *bed = *state;
    ask(bed, POST_REGISTER, false, 0);
    expect_said(bed, "etcd-worker: register " HELLO " false for queue#3\n");
    common_ask(bed, POST_REGISTER, common_key(BED_SLOW), common_value(true), 0);
    expect_said(bed, "etcd-worker: register " SLOW " true for queue#3\n");
    common_finish(bed, common_key(BED_SLOW));
    finish(bed);
}

/* Upstream shuffles two puts and two deletes; here each may be the last. */
static void only_the_last_of_what_waits_is_left(void **state)
{
    struct bed *bed = *state;
    for (unsigned order = 0; order < 16; order++) {
        ask(bed, POST_REGISTER, true, 0);
        expect_said(bed, "etcd-worker: register " HELLO " true for queue#3\n");
        ask(bed, POST_REGISTER_INITIAL, true, 0);
        for (unsigned i = 0; i < 4; i++) {
            if ((order >> i & 1) != 0)
                ask(bed, POST_REGISTER, false, 0);
            else
                common_closed(bed, common_key(BED_HELLO));
        }
        expect_said(bed, "");
        common_finish(bed, common_key(BED_HELLO));
        expect_said(bed, order >= 8 ? "etcd-worker: register " HELLO " false for queue#3\n"
                                    : "etcd-worker: watcher-closed " HELLO "\n");
        finish(bed);
    }
}

static void a_vanished_key_is_put_again(void **state)
{
    struct bed *bed = *state;
    common_removed(bed, ACTOR_DATA_ID, common_key(BED_HELLO), common_value(true), false);
    expect_said(bed, "etcd-worker: register-initial " HELLO " true for data#0\n");
}

static void that_of_a_prefix_is_not(void **state)
{
    struct bed *bed = *state;
    common_removed(bed, ACTOR_DATA_ID, common_key(BED_HELLO), common_value(true), true);
    expect_said(bed, "");
    expect_records(bed, "cannot use message post from scheduler0 (14)\n");
    bed_forget(bed);
}

static void unregistering_unwatches_and_deletes(void **state)
{
    struct bed *bed = *state;
    ask(bed, POST_UNREGISTER, false, 0);
    expect_said(bed, "watcher: unwatch " HELLO " exact name 0 feedback\n");
    common_closed(bed, common_key(BED_HELLO));
    expect_said(bed, "etcd-worker: watcher-closed " HELLO "\n");
}

static void a_first_update_is_stored_and_watched(void **state)
{
    struct bed *bed = *state;
    ask(bed, POST_UPDATE_ON_CHANGE, true, 0);
    expect_said(bed, "watcher: watch " HELLO " exact name 0 deletes\n"
                     "etcd-worker: register " HELLO " true failover for data#0\n");
}

static void the_same_value_again_is_not(void **state)
{
    struct bed *bed = *state;
    a_first_update_is_stored_and_watched(state);
    ask(bed, POST_UPDATE_ON_CHANGE, true, 0);
    expect_said(bed, "");
    finish(bed); /* neither did it wait */
}

static void another_value_is_stored(void **state)
{
    struct bed *bed = *state;
    a_first_update_is_stored_and_watched(state);
    finish(bed);
    ask(bed, POST_UPDATE_ON_CHANGE, false, 0);
    expect_said(bed, "etcd-worker: register " HELLO " false for data#0\n");
}

int main(void)
{
#define SUITE "DataManagementServiceTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 72, each_request_reaches_the_worker),
        CONFORMS(SUITE, 95, requests_for_one_key_wait_for_each_other),
        CONFORMS(SUITE, 133, requests_for_other_keys_do_not),
        CONFORMS(SUITE, 170, only_the_last_of_what_waits_is_left),
        CONFORMS(SUITE, 197, a_vanished_key_is_put_again),
        CONFORMS(SUITE, 210, that_of_a_prefix_is_not),
        CONFORMS(SUITE, 222, unregistering_unwatches_and_deletes),
        CONFORMS(SUITE, 241, a_first_update_is_stored_and_watched),
        CONFORMS(SUITE, 254, the_same_value_again_is_not),
        CONFORMS(SUITE, 271, another_value_is_stored),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
