/*
 * test_invoker_faults.c - what may go wrong with a container and its runs, by the action's
 * ratios; and what acks, keep decisions and reads do about it.
 */
#include "support/proxy_bed.h"
#include <string.h>

#define ALWAYS ((struct ratio){1, 1})

static void always(struct proxy_bed *t, action_id action, enum action_fault fault)
{
    t->bed->actions[action].faults[fault] = ALWAYS;
}

static struct proxy_bed *running(void)
{
    struct proxy_bed *t = proxy_bed_new();
    proxy_bed_cold_start(t);
    proxy_bed_first_run(t);
    return t;
}

static void faults_are_drawn_by_container_or_activation(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    const struct cluster *c = &t->bed->cluster;
    const struct draws *d = &t->bed->draws;
    unsigned found = 0, differ = 0;
    t->bed->actions[BED_HELLO].faults[ACTION_FAULT_CRASH] = (struct ratio){1, 4};
    t->bed->actions[BED_HELLO].faults[ACTION_FAULT_HANG] = (struct ratio){1, 4};
    for (uint32_t i = 0; i < 1000; i++) {
        bool fails = cluster_action_fault(c, d, BED_HELLO, ACTION_FAULT_CRASH, i, 0);
        found += fails;
        differ += fails != cluster_action_fault(c, d, BED_HELLO, ACTION_FAULT_HANG, i, 0);
        differ += fails != cluster_action_fault(c, d, BED_HELLO, ACTION_FAULT_CRASH, i, 1);
        assert_false(cluster_action_fault(c, d, BED_HELLO, ACTION_FAULT_LOGS, i, 0));
        assert_false(cluster_action_fault(c, d, ACTION_NONE, ACTION_FAULT_CRASH, i, 0));
    }
    assert_true(found > 200 && found < 300);
    assert_true(differ > 500);
    proxy_bed_free(t);
}

static void a_pause_that_fails_removes_the_container(void **state)
{
    (void)state;
    struct proxy_bed *t = running();
    always(t, BED_HELLO, ACTION_FAULT_PAUSE);
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    proxy_bed_send(t, POST_RETRY_REQUEST, NULL, 0);
    proxy_bed_until(t, &t->slot->proxy.operation);
    proxy_bed_expect(t, "Running -> Pausing\n"
                        "Pausing -> Removing\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n");
    proxy_bed_free(t);
}

static void a_resume_that_fails_is_said_to_the_pool_and_removes_it(void **state)
{
    (void)state;
    struct proxy_bed *t = running();
    proxy_bed_pause(t);
    always(t, BED_HELLO, ACTION_FAULT_RESUME);
    proxy_bed_initialize(t);
    proxy_bed_until(t, &t->slot->proxy.resume);
    proxy_bed_expect(t, "Paused -> Running\n"
                        "Running -> Removing\n"
                        "data: unregister warmed 1\n"
                        "parent: ResumeFailed\n"
                        "health: HealthMessage(false)\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n");
    proxy_bed_until(t, &t->slot->proxy.destroy);
    proxy_bed_expect(t, "container-gone\n");
    proxy_bed_free(t);
}

static void what_cannot_be_resumed_for_its_removal_is_left_behind(void **state)
{
    (void)state;
    struct proxy_bed *t = running();
    proxy_bed_pause(t);
    always(t, BED_HELLO, ACTION_FAULT_RESUME);
    proxy_bed_send(t, POST_REMOVE, NULL, 0);
    proxy_bed_send(t, POST_CLIENT_CLOSED, NULL, 0);
    proxy_bed_until(t, &t->slot->proxy.resume);
    proxy_bed_expect(t, "Paused -> Removing\n"
                        "data: unregister warmed 1\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n");
    proxy_bed_pass(t, MINUTES(1));
    proxy_bed_expect(t, "");
    assert_int_equal(t->slot->proxy.has_container, 1);
    assert_int_equal(t->slot->used, 1);
    proxy_bed_free(t);
}

static void a_black_box_is_told_apart(void **state)
{
    (void)state;
    for (unsigned is_blackbox = 0; is_blackbox < 2; is_blackbox++) {
        struct proxy_bed *t = proxy_bed_new();
        always(t, BED_HELLO, ACTION_FAULT_CREATE);
        t->bed->actions[BED_HELLO].blackbox = is_blackbox;
        proxy_bed_initialize(t);
        while (timer_is_armed(&t->slot->proxy.operation)) {
            t->bed->post_first = t->bed->post_count;
            bed_wake(t->bed);
        }
        const struct message *m = bed_post(t->bed, 0);
        assert_int_equal(m->what, POST_CREATION_FAILED);
        assert_int_equal(MESSAGE_LOCAL_CONST(m, struct post_failure)->failure, FAILURE_CREATE);
        assert_int_equal(MESSAGE_LOCAL_CONST(m, struct post_failure)->is_blackbox, is_blackbox);
        proxy_bed_free(t);
    }
}

static void an_init_without_answer_is_cut_at_the_limit(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    proxy_bed_cold_start(t);
    always(t, BED_HELLO, ACTION_FAULT_INIT_HANGS);
    proxy_bed_activate(t, 1, true);
    proxy_bed_pass(t, SEC(60) - 1);
    proxy_bed_expect(t, "read\n");
    proxy_bed_pass(t, MSEC(5) + 1);
    proxy_bed_expect(t, "ClientCreated -> Removing\n"
                        "health: HealthMessage(true)\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n"
                        "ack 1: result, action developer error: "
                        "The action exceeded its time limits.\n"
                        "ack 1: completion, action developer error: "
                        "The action exceeded its time limits.\n"
                        "store 1: action developer error, 60000ms\n");
    proxy_bed_free(t);
}

static void a_run_without_answer_is_cut_at_the_limit(void **state)
{
    (void)state;
    struct proxy_bed *t = running();
    always(t, BED_HELLO, ACTION_FAULT_HANG);
    proxy_bed_activate(t, 2, false);
    proxy_bed_pass(t, SEC(60) - 1);
    proxy_bed_expect(t, "run-started\n");
    proxy_bed_pass(t, MSEC(5) + 1);
    proxy_bed_expect(t, "run-ended 2: action developer error\n"
                        "Running -> Removing\n"
                        "health: HealthMessage(true)\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n"
                        "ack 2: completion shrunk, action developer error: "
                        "The action exceeded its time limits.\n"
                        "store 2: action developer error, 60000ms\n");
    proxy_bed_free(t);
}

/* To the proxy, as its client hands it on. */
static void give(struct invoker_bed *t, const struct slot *slot, uint32_t request)
{
    struct message m = invoker_bed_post(t, slot_actor(slot, ACTOR_ACTIVATION_CLIENT),
                                        slot_actor(slot, ACTOR_PROXY), POST_ACTIVATION);
    *MESSAGE_LOCAL(&m, struct activation) = invoker_bed_activation(BED_WIDE, request, true);
    bed_deliver(t->bed, &m);
    invoker_bed_pump(t);
}

/* Its process ends with a run: the others break off, and nobody listens for the next. */
static void a_crash_ends_all_runs_of_the_container(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_container(t, BED_WIDE, 1);
    give(t, slot, 1);
    invoker_bed_pass(t, MSEC(51)); /* init, and 1 ms of 20 */
    t->bed->actions[BED_WIDE].faults[ACTION_FAULT_CRASH] = ALWAYS;
    give(t, slot, 2);
    invoker_bed_pass(t, MSEC(1));
    give(t, slot, 3);
    invoker_bed_forget(t);
    invoker_bed_pass(t, MSEC(19)); /* 1 ends well, 2 has crashed at its end, 3 was cut */
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_ENDED), 2);
    assert_int_equal(bed_record(t->bed, RECORD_RUN_ENDED, 0)->detail, RESPONSE_SUCCESS);
    assert_int_equal(bed_record(t->bed, RECORD_RUN_ENDED, 1)->detail, RESPONSE_DEVELOPER_ERROR);
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_CUT), 1);
    assert_int_equal(bed_record(t->bed, RECORD_RUN_CUT, 0)->activation, ACTIVATION_ID(3, 0));
    assert_int_equal(slot->proxy.is_crashed, 1);
    give(t, slot, 4);
    invoker_bed_pass(t, 0);
    assert_int_equal(slot->proxy.state, PROXY_RESCHEDULING);
    invoker_bed_free(t);
}

static void a_completion_waits_for_the_results_send(void **state)
{
    (void)state;
    struct proxy_bed *t = running();
    t->inv->is_kafka_silent = true;
    proxy_bed_activate(t, 2, true);
    proxy_bed_pass(t, MSEC(105));
    proxy_bed_expect(t, "run-started\n"
                        "run-ended 2: success\n"
                        "health: HealthMessage(true)\n"
                        "client: RequestActivation after 100ms\n" /* does not wait */
                        "ack 2: result, success\n"
                        "store 2: success, 100ms\n");
    assert_int_equal(t->slot->proxy.running_count, 0);
    proxy_bed_activate(t, 3, true);
    proxy_bed_pass(t, MSEC(105));
    struct run *first = t->inv->invoker->acking_first;
    assert_non_null(first);
    assert_ptr_equal(t->inv->invoker->acking_last, first->acking_next);
    invoker_ack_on_produced(t->inv->invoker, first->acking_next->result_corr, &t->bed->fx);
    assert_ptr_equal(t->inv->invoker->acking_last, first);
    invoker_ack_on_produced(t->inv->invoker, 4711, &t->bed->fx); /* of no result */
    invoker_ack_on_produced(t->inv->invoker, first->result_corr, &t->bed->fx);
    assert_null(t->inv->invoker->acking_first);
    assert_null(t->inv->invoker->acking_last);
    assert_null(t->slot->proxy.runs);
    proxy_bed_free(t);
}

static void a_result_given_up_is_followed_all_the_same(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    t->is_kafka_silent = true;
    struct slot *slot = invoker_bed_running(t, BED_HELLO, 1, 1);
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 1);
    invoker_bed_pass(t, MINUTES(3));
    assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 2);
    assert_int_equal(bed_record(t->bed, RECORD_ACKED, 1)->detail, ACK_COMPLETION);
    assert_null(slot->proxy.runs);
    invoker_bed_free(t);
}

static void an_action_read_anew_has_no_revision(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    proxy_bed_cold_start(t);
    t->inv->is_database_silent = true;
    proxy_bed_activate(t, 1, false);
    struct message reply =
        bed_reply(bed_sent(t->bed, MSG_DATABASE_READ, 0), MSG_DATABASE_DOCUMENT);
    reply.u.database.result = DOCUMENT_MISMATCH;
    proxy_bed_deliver(t, &reply);
    assert_int_equal(bed_sent(t->bed, MSG_DATABASE_READ, 1)->u.database.revision, 0);
    reply = bed_reply(bed_sent(t->bed, MSG_DATABASE_READ, 1), MSG_DATABASE_DOCUMENT);
    reply.u.database.result = DOCUMENT_FOUND;
    proxy_bed_deliver(t, &reply);
    t->inv->is_database_silent = false;
    proxy_bed_pass(t, MSEC(400));
    assert_int_equal(t->slot->proxy.warm_revision, 0);
    proxy_bed_expect(t, "run-started\n"
                        "ClientCreated -> Running\n"
                        "run-ended 1: success\n"
                        "client: ContainerWarmed\n"
                        "health: HealthMessage(true)\n"
                        "client: RequestActivation after 300ms\n"
                        "read\n"
                        "read\n"
                        "ack 1: completion shrunk, success\n"
                        "store 1: success, 300ms\n");
    proxy_bed_send(t, POST_STATE_TIMEOUT, NULL, 0);
    proxy_bed_send(t, POST_RETRY_REQUEST, NULL, 0);
    proxy_bed_until(t, &t->slot->proxy.operation);
    proxy_bed_expect(t, "Running -> Pausing\n"
                        "container-paused\n"
                        "Pausing -> Paused\n"
                        "data: register warmed 0\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerIsPaused(warm)\n");
    proxy_bed_free(t);
}

static void what_cannot_be_read_is_answered_and_ends_the_container(void **state)
{
    (void)state;
    static const struct {
        enum document_result result;
        const char *ack;
    } rows[] = {
        {DOCUMENT_MISSING, "ack 1: combined, application error: "
                           "Action could not be found or may have been deleted.\n"
                           "store 1: application error, 0ms\n"},
        {DOCUMENT_ERROR, "ack 1: combined, whisk internal error: "
                         "The action could not be read.\n"
                         "store 1: whisk internal error, 0ms\n"},
    };
    for (unsigned i = 0; i < 2; i++) {
        struct proxy_bed *t = proxy_bed_new();
        char lines[400] = "ClientCreated -> Removing\n"
                          "data: unregister existing 1\n"
                          "parent: ContainerRemoved(true)\n"
                          "client: StopClientProxy\n"
                          "read\n";
        proxy_bed_cold_start(t);
        t->inv->document = (uint8_t)rows[i].result;
        proxy_bed_activate(t, 1, true);
        strcat(lines, rows[i].ack);
        proxy_bed_expect(t, lines);
        proxy_bed_free(t);
    }
}

static void only_namespaces_that_will_be_blocked_are_asked_for(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_new();
    assert_null(t->inv->invoker->blocked);
    assert_false(timer_is_armed(&t->inv->invoker->blacklist));
    proxy_bed_free(t);
    t = proxy_bed_cold();
    t->bed->namespaces[BED_OTHER].blocked_from = SEC(1);
    t->inv->is_blocked = true;
    proxy_bed_boot(t);
    assert_false(invoker_blacklist_has(t->inv->invoker, BED_GUEST));
    assert_true(invoker_blacklist_has(t->inv->invoker, BED_OTHER));
    assert_false(invoker_blacklist_has(t->inv->invoker, NAMESPACE_SYSTEM));
    t->inv->is_blocked = false;
    t->inv->is_database_silent = true;
    proxy_bed_pass(t, MINUTES(5));
    assert_true(invoker_blacklist_has(t->inv->invoker, BED_OTHER));
    bed_link(t->bed, BED_DATABASE, true); /* a read that fails changes nothing */
    assert_true(invoker_blacklist_has(t->inv->invoker, BED_OTHER));
    t->inv->is_database_silent = false;
    bed_forget(t->bed);
    t->sent_seen = 0;
    proxy_bed_pass(t, MINUTES(5));
    assert_false(invoker_blacklist_has(t->inv->invoker, BED_OTHER));
    proxy_bed_free(t);
}

/* A run that met nobody, told to a proxy that is leaving: its activation is lost with it. */
static void a_failed_run_is_named_when_nobody_gives_it_back(void **state)
{
    (void)state;
    struct proxy_bed *t = running();
    proxy_bed_fail(t, FAILURE_RUN);
    t->records_seen = t->bed->record_count;
    uint32_t before = bed_record_count(t->bed, RECORD_MESSAGE_REJECTED);
    proxy_bed_fail(t, FAILURE_RUN);
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), before);
    proxy_bed_fail(t, FAILURE_HEALTH_RUN);
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), before + 1);
    assert_int_equal(bed_record(t->bed, RECORD_MESSAGE_REJECTED, before)->activation,
                     ACTIVATION_ID(1, 0));
    proxy_bed_free(t);
}

static void a_namespace_blocked_between_two_reads_is_blocked(void **state)
{
    (void)state;
    struct proxy_bed *t = proxy_bed_cold();
    t->bed->namespaces[BED_GUEST].blocked_from = SEC(1);
    proxy_bed_boot(t);
    proxy_bed_cold_start(t);
    t->inv->is_database_silent = true;
    proxy_bed_activate(t, 1, false);
    struct message reply =
        bed_reply(bed_sent(t->bed, MSG_DATABASE_READ, 0), MSG_DATABASE_DOCUMENT);
    reply.u.database.result = DOCUMENT_MISMATCH;
    t->inv->invoker->blocked[BED_GUEST] = 1;
    proxy_bed_deliver(t, &reply);
    proxy_bed_expect(t, "ClientCreated -> Removing\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n"
                        "read\n"
                        "ack 1: combined shrunk, application error: "
                        "The action was not invoked due to a blacklisted namespace.\n");
    proxy_bed_free(t);
}

static void two_counts_under_way_do_not_mix(void **state)
{
    (void)state;
    struct proxy_bed *t = running();
    t->bed->namespaces[BED_GUEST].keeping_count = 5;
    proxy_bed_pause(t);
    t->inv->is_etcd_silent = true;
    proxy_bed_send(t, POST_DETERMINE_KEEP, NULL, 0);
    struct message first = *bed_sent(t->bed, MSG_ETCD_RANGE, 0);
    tstamp deadline = t->bed->now + SEC(10);
    proxy_bed_pass(t, SEC(1));
    proxy_bed_send(t, POST_DETERMINE_KEEP, NULL, 0);
    assert_int_equal(t->slot->call_timer.at, deadline); /* of the first that was sent */
    proxy_bed_expect(t, "count namespace\ncount namespace\n");
    struct message reply = bed_reply(&first, MSG_ETCD_RANGED);
    reply.u.etcd_done.count = 6;
    t->inv->live_count = 0;
    proxy_bed_deliver(t, &reply);
    assert_int_equal(t->slot->call_timer.at, deadline + SEC(1));
    t->inv->is_etcd_silent = false;
    uint32_t last = bed_sent_count(t->bed, MSG_ETCD_RANGE) - 1;
    reply = bed_reply(bed_sent(t->bed, MSG_ETCD_RANGE, last), MSG_ETCD_RANGED);
    proxy_bed_deliver(t, &reply); /* its own three: 6 in all */
    assert_int_equal(t->slot->proxy.state, PROXY_REMOVING);
    proxy_bed_free(t);
}

static void a_job_ends_every_timer_of_paused(void **state)
{
    (void)state;
    struct proxy_bed *t = running();
    proxy_bed_pause(t);
    proxy_bed_send(t, POST_KEEP, NULL, 0);
    t->broken_counts = 2;
    proxy_bed_send(t, POST_DETERMINE_KEEP, NULL, 0);
    assert_true(timer_is_armed(&t->slot->proxy.determine));
    assert_int_equal(t->slot->proxy.determine_attempt, 1);
    proxy_bed_initialize(t);
    assert_false(timer_is_armed(&t->slot->proxy.keeping));
    assert_false(timer_is_armed(&t->slot->proxy.determine));
    assert_false(timer_is_armed(&t->slot->proxy.idle));
    proxy_bed_free(t);
}

static void a_run_without_a_container_finds_no_route(void **state)
{
    (void)state;
    struct proxy_bed *t = running();
    t->slot->proxy.has_container = 0;
    proxy_bed_activate(t, 2, false);
    proxy_bed_pass(t, SEC(3) - 1);
    proxy_bed_expect(t, "");
    proxy_bed_pass(t, 1);
    proxy_bed_expect(t, "Running -> Rescheduling\n"
                        "client: RescheduleActivation(2)\n");
    proxy_bed_free(t);
    t = proxy_bed_new();
    proxy_bed_cold_start(t);
    t->slot->proxy.has_container = 0;
    proxy_bed_activate(t, 1, false);
    proxy_bed_pass(t, SEC(60) - 1);
    proxy_bed_expect(t, "read\n");
    proxy_bed_pass(t, MSEC(5) + 1);
    proxy_bed_expect(t, "ClientCreated -> Removing\n"
                        "health: HealthMessage(true)\n"
                        "data: unregister existing 1\n"
                        "parent: ContainerRemoved(true)\n"
                        "client: StopClientProxy\n"
                        "ack 1: completion shrunk, action developer error: "
                        "The action exceeded its time limits.\n"
                        "store 1: action developer error, 60000ms\n");
    proxy_bed_free(t);
}

static void kept_without_a_time_of_its_own_is_kept_as_configured(void **state)
{
    (void)state;
    struct proxy_bed *t = running();
    proxy_bed_pause(t);
    proxy_bed_send(t, POST_KEEP, NULL, 0);
    assert_int_equal(t->slot->proxy.keeping.at - t->bed->now, SEC(5));
    proxy_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_are_drawn_by_container_or_activation),
        cmocka_unit_test(a_pause_that_fails_removes_the_container),
        cmocka_unit_test(a_resume_that_fails_is_said_to_the_pool_and_removes_it),
        cmocka_unit_test(what_cannot_be_resumed_for_its_removal_is_left_behind),
        cmocka_unit_test(a_black_box_is_told_apart),
        cmocka_unit_test(an_init_without_answer_is_cut_at_the_limit),
        cmocka_unit_test(a_run_without_answer_is_cut_at_the_limit),
        cmocka_unit_test(a_crash_ends_all_runs_of_the_container),
        cmocka_unit_test(a_completion_waits_for_the_results_send),
        cmocka_unit_test(a_result_given_up_is_followed_all_the_same),
        cmocka_unit_test(an_action_read_anew_has_no_revision),
        cmocka_unit_test(what_cannot_be_read_is_answered_and_ends_the_container),
        cmocka_unit_test(only_namespaces_that_will_be_blocked_are_asked_for),
        cmocka_unit_test(a_failed_run_is_named_when_nobody_gives_it_back),
        cmocka_unit_test(a_namespace_blocked_between_two_reads_is_blocked),
        cmocka_unit_test(two_counts_under_way_do_not_mix),
        cmocka_unit_test(a_job_ends_every_timer_of_paused),
        cmocka_unit_test(a_run_without_a_container_finds_no_route),
        cmocka_unit_test(kept_without_a_time_of_its_own_is_kept_as_configured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
