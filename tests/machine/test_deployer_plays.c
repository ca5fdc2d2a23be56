/* test_deployer_plays.c - entries, batches, lock-step, forks, who drops out. */
#include "support/bed.h"
#include "core/fsm.h"
#include "deployer/deployer.h"
#include <string.h>

static const char *const names[] = {"a", "b", "c", "d"};
static const node_id invokers[] = {BED_INVOKER0, BED_INVOKER1, BED_INVOKER2};
static const node_id controllers[] = {BED_CONTROLLER0, BED_CONTROLLER1};
static struct step steps[4];
static struct procedure procedure;
static struct deploy_entry entries[3];
static struct deployer_config config;

static struct deploy_entry entry_of(const node_id *nodes, uint32_t count, uint32_t serial)
{
    return (struct deploy_entry){
        .nodes = nodes, .node_count = count, .procedure = &procedure, .serial = serial};
}

static struct step step_of(uint16_t id, enum step_kind kind)
{
    return (struct step){.name = names[id],
                         .id = id,
                         .kind = (uint8_t)kind,
                         .delay = SEC(2),
                         .timeout = SEC(30),
                         .status = 200,
                         .path = "/x",
                         .invoke_action = ACTION_HEALTH_TEST};
}

static struct bed *start(uint32_t entry_count, uint32_t step_count)
{
    procedure = (struct procedure){.name = "p",
                                   .steps = steps,
                                   .step_count = step_count,
                                   .forks = procedure.forks,
                                   .give_up = procedure.give_up};
    config = (struct deployer_config){.entries = entries,
                                      .entry_count = entry_count,
                                      .step_names = names,
                                      .step_name_count = 4};
    struct bed *bed = bed_new(&deployer_ops, BED_DEPLOYER, &config);
    bed_start(bed);
    bed_pass(bed, 0);
    return bed;
}

static void done(struct bed *bed, uint32_t n, bool ok)
{
    struct message m = bed_reply(bed_sent(bed, MSG_CONTROL, n), MSG_CONTROL_DONE);
    m.u.control_done.ok = ok;
    bed_deliver(bed, &m);
}

static void expect_control(const struct bed *bed, uint32_t n, enum control_op op, node_id node)
{
    const struct message *m = bed_sent(bed, MSG_CONTROL, n);
    assert_int_equal(m->to, NODE_HOST);
    assert_int_equal(m->u.control.op, op);
    assert_int_equal(m->u.control.node, node);
}

static int reset(void **state)
{
    (void)state;
    procedure = (struct procedure){.forks = 5};
    return 0;
}

static void all_hosts_do_one_step_before_the_next_begins(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_PULL);
    steps[1] = step_of(1, STEP_START);
    entries[0] = entry_of(invokers, 3, 0);
    struct bed *bed = start(1, 2);
    for (uint32_t i = 0; i < 3; i++)
        expect_control(bed, i, CONTROL_PULL, invokers[i]);
    done(bed, 2, true);
    done(bed, 0, true);
    assert_int_equal(bed_sent_count(bed, MSG_CONTROL), 3);
    done(bed, 1, true);
    assert_int_equal(bed_sent_count(bed, MSG_CONTROL), 6);
    for (uint32_t i = 0; i < 3; i++)
        expect_control(bed, 3 + i, CONTROL_START, invokers[i]);
    for (uint32_t i = 3; i < 6; i++)
        done(bed, i, true);
    assert_int_equal(bed_record(bed, RECORD_DEPLOY_ENDED, 0)->outcome, OUTCOME_OK);
    bed_free(bed);
}

static void forks_bound_the_hosts_at_work(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_PULL);
    procedure.forks = 2;
    entries[0] = entry_of(invokers, 3, 0);
    struct bed *bed = start(1, 1);
    assert_int_equal(bed_sent_count(bed, MSG_CONTROL), 2);
    done(bed, 1, true); /* the free fork takes the third at once */
    expect_control(bed, 2, CONTROL_PULL, BED_INVOKER2);
    bed_free(bed);
}

static void serial_takes_batches_one_after_the_other(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_STOP);
    steps[1] = step_of(1, STEP_START);
    entries[0] = entry_of(invokers, 3, 2);
    struct bed *bed = start(1, 2);
    done(bed, 0, true);
    done(bed, 1, true);
    expect_control(bed, 2, CONTROL_START, BED_INVOKER0);
    done(bed, 2, true);
    assert_int_equal(bed_sent_count(bed, MSG_CONTROL), 4);
    done(bed, 3, true);
    expect_control(bed, 4, CONTROL_STOP, BED_INVOKER2);
    done(bed, 4, true);
    done(bed, 5, true);
    assert_int_equal(bed_record_count(bed, RECORD_DEPLOY_ENDED), 1);
    bed_free(bed);
}

static void a_host_that_fails_drops_out_and_the_others_go_on(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_STOP);
    steps[1] = step_of(1, STEP_START);
    entries[0] = entry_of(invokers, 3, 0);
    struct bed *bed = start(1, 2);
    done(bed, 0, true);
    done(bed, 1, false);
    done(bed, 2, true);
    assert_int_equal(bed_sent_count(bed, MSG_CONTROL), 5);
    expect_control(bed, 3, CONTROL_START, BED_INVOKER0);
    expect_control(bed, 4, CONTROL_START, BED_INVOKER2);
    done(bed, 3, true);
    done(bed, 4, true);
    assert_int_equal(bed_record(bed, RECORD_DEPLOY_ENDED, 0)->outcome, OUTCOME_FAILED);
    bed_free(bed);
}

static void a_batch_that_fails_whole_ends_the_play(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_STOP);
    entries[0] = entry_of(invokers, 3, 1);
    struct bed *bed = start(1, 1);
    done(bed, 0, false);
    assert_int_equal(bed_sent_count(bed, MSG_CONTROL), 1);
    assert_int_equal(bed_record(bed, RECORD_DEPLOY_ENDED, 0)->outcome, OUTCOME_FAILED);
    bed_free(bed);
}

static void give_up_play_ends_it_with_the_first_failure_after_the_step(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_STOP);
    steps[1] = step_of(1, STEP_START);
    procedure.give_up = GIVE_UP_PLAY;
    entries[0] = entry_of(invokers, 3, 2);
    struct bed *bed = start(1, 2);
    done(bed, 0, false);
    assert_int_equal(bed_record_count(bed, RECORD_DEPLOY_ENDED), 0);
    done(bed, 1, true);
    assert_int_equal(bed_sent_count(bed, MSG_CONTROL), 2);
    assert_int_equal(bed_record_count(bed, RECORD_DEPLOY_ENDED), 1);
    bed_free(bed);
}

static void entries_follow_each_other_with_their_times(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_SLEEP);
    entries[0] = entry_of(controllers, 2, 0);
    entries[0].has_at = 1;
    entries[0].at = TSTAMP_ORIGIN + SEC(10);
    entries[1] = entry_of(invokers, 1, 0);
    entries[1].pause = SEC(3);
    entries[2] = entry_of(invokers + 1, 1, 0);
    entries[2].has_at = 1;
    entries[2].parallel = 1;
    entries[2].at = TSTAMP_ORIGIN + SEC(11);
    struct bed *bed = start(3, 1);
    bed_pass(bed, TSTAMP_ORIGIN + SEC(10) - bed->now);
    assert_int_equal(bed_record(bed, RECORD_DEPLOY_STARTED, 0)->value, 0);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_record(bed, RECORD_DEPLOY_STARTED, 1)->value, 2);
    bed_pass(bed, SEC(1)); /* entry 0 sleeps 2 s, then 1 waits 3 s */
    assert_int_equal(bed_record(bed, RECORD_DEPLOY_ENDED, 0)->value, 0);
    bed_pass(bed, SEC(3) - 1);
    assert_int_equal(bed_record_count(bed, RECORD_DEPLOY_STARTED), 2);
    bed_pass(bed, 1);
    assert_int_equal(bed_record(bed, RECORD_DEPLOY_STARTED, 2)->value, 1);
    bed_free(bed);
}

static void an_entry_that_fails_does_not_keep_the_next_from_starting(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_STOP);
    entries[0] = entry_of(invokers, 1, 0);
    entries[1] = entry_of(invokers + 1, 1, 0);
    struct bed *bed = start(2, 1);
    done(bed, 0, false);
    bed_pass(bed, 0);
    expect_control(bed, 1, CONTROL_STOP, BED_INVOKER1);
    bed_free(bed);
}

static void a_restart_is_a_stop_and_a_start(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_RESTART);
    entries[0] = entry_of(invokers, 1, 0);
    struct bed *bed = start(1, 1);
    expect_control(bed, 0, CONTROL_STOP, BED_INVOKER0);
    done(bed, 0, true);
    expect_control(bed, 1, CONTROL_START, BED_INVOKER0);
    assert_int_equal(bed_record_count(bed, RECORD_STEP_ENDED), 0);
    done(bed, 1, true);
    assert_int_equal(bed_record(bed, RECORD_STEP_ENDED, 0)->detail, STEP_OK);
    bed_free(bed);
}

static void a_repeated_restart_stops_and_starts_again(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_RESTART);
    steps[0].retries = 1;
    entries[0] = entry_of(invokers, 1, 0);
    struct bed *bed = start(1, 1);
    done(bed, 0, true);
    done(bed, 1, false); /* the start fails */
    bed_pass(bed, SEC(2));
    expect_control(bed, 2, CONTROL_STOP, BED_INVOKER0);
    done(bed, 2, true);
    assert_int_equal(bed_record_count(bed, RECORD_STEP_ENDED), 0);
    expect_control(bed, 3, CONTROL_START, BED_INVOKER0);
    done(bed, 3, true);
    assert_int_equal(bed_record(bed, RECORD_STEP_ENDED, 0)->detail, STEP_OK);
    bed_free(bed);
}

static void a_refused_reload_fails_its_host_and_an_ignored_one_does_not(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_EDGE_REMOVE);
    steps[1] = step_of(1, STEP_EDGE_ADD);
    steps[1].ignore_errors = 1;
    entries[0] = entry_of(controllers, 2, 0);
    struct bed *bed = start(1, 2);
    assert_int_equal(bed_sent(bed, MSG_EDGE_CHANGE, 0)->to, BED_EDGE);
    assert_int_equal(bed_sent(bed, MSG_EDGE_CHANGE, 0)->u.edge_change.controller,
                     BED_CONTROLLER0);
    assert_int_equal(bed_sent(bed, MSG_EDGE_CHANGE, 1)->u.edge_change.add, 0);
    struct message m = bed_reply(bed_sent(bed, MSG_EDGE_CHANGE, 0), MSG_EDGE_CHANGED);
    m.u.edge_changed.ok = 1;
    bed_deliver(bed, &m);
    m = bed_reply(bed_sent(bed, MSG_EDGE_CHANGE, 1), MSG_EDGE_CHANGED);
    bed_deliver(bed, &m);
    assert_int_equal(bed_sent_count(bed, MSG_EDGE_CHANGE), 3);
    assert_int_equal(bed_sent(bed, MSG_EDGE_CHANGE, 2)->u.edge_change.add, 1);
    m = bed_reply(bed_sent(bed, MSG_EDGE_CHANGE, 2), MSG_REFUSED);
    bed_deliver(bed, &m);
    assert_int_equal(bed_record(bed, RECORD_STEP_ENDED, 2)->detail, STEP_IGNORED);
    assert_int_equal(bed_record(bed, RECORD_DEPLOY_ENDED, 0)->outcome, OUTCOME_FAILED);
    bed_free(bed);
}

static void the_warm_up_counts_as_failed_when_it_works_and_is_ignored(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_INVOKE);
    steps[0].ignore_errors = 1;
    entries[0] = entry_of(controllers, 1, 0);
    struct bed *bed = start(1, 1);
    const struct message *sent = bed_sent(bed, MSG_INVOKE, 0);
    assert_int_equal(sent->to, BED_CONTROLLER0);
    assert_int_equal(sent->u.invoke.action, ACTION_HEALTH_TEST);
    assert_int_equal(sent->u.invoke.ns, NAMESPACE_SYSTEM);
    assert_true((sent->u.invoke.id & ACTIVATION_SYSTEM) != 0);
    struct message m = bed_reply(sent, MSG_INVOKE_REPLY);
    m.u.invoke_reply.id = sent->u.invoke.id;
    m.u.invoke_reply.status = 202;
    bed_deliver(bed, &m);
    assert_int_equal(bed_record(bed, RECORD_STEP_ENDED, 0)->detail, STEP_IGNORED);
    assert_int_equal(bed_record(bed, RECORD_DEPLOY_ENDED, 0)->outcome, OUTCOME_OK);
    bed_free(bed);
}

static void a_step_depends_on_switches_and_on_an_earlier_answer(void **state)
{
    (void)state;
    static const struct deploy_switch switches[] = {{"on", 1}, {"off", 0}};
    steps[0] = step_of(0, STEP_REQUEST);
    steps[1] = step_of(1, STEP_PULL);
    steps[1].when_switch = "on";
    steps[1].when_also_switch = "off";
    steps[2] = step_of(2, STEP_STOP);
    steps[2].when_step = "a";
    steps[2].when_text = "up";
    steps[3] = step_of(3, STEP_START);
    steps[3].when_not_switch = "off";
    entries[0] = entry_of(controllers, 2, 0);
    entries[0].switches = switches;
    entries[0].switch_count = 2;
    struct bed *bed = start(1, 4);
    for (uint32_t i = 0; i < 2; i++) {
        struct message m = bed_reply(bed_sent(bed, MSG_HTTP_REQUEST, i), MSG_HTTP_REPLY);
        m.u.http_reply.status = 200;
        m.u.http_reply.body = bed_blob(bed, i == 0 ? "all down" : "one up");
        bed_deliver(bed, &m);
    }
    expect_control(bed, 0, CONTROL_STOP, BED_CONTROLLER1);
    assert_int_equal(bed_sent_count(bed, MSG_CONTROL), 1);
    done(bed, 0, true);
    expect_control(bed, 1, CONTROL_START, BED_CONTROLLER0);
    expect_control(bed, 2, CONTROL_START, BED_CONTROLLER1);
    assert_int_equal(bed_record(bed, RECORD_STEP_ENDED, 2)->detail, STEP_SKIPPED);
    assert_int_equal(bed_record(bed, RECORD_STEP_ENDED, 2)->value, 1);
    bed_free(bed);
}

static void a_message_for_nobody_is_rejected(void **state)
{
    (void)state;
    steps[0] = step_of(0, STEP_SLEEP);
    entries[0] = entry_of(controllers, 1, 0);
    struct bed *bed = start(1, 1);
    struct message m = bed_message(bed, MSG_CONTROL_DONE, BED_EDGE, ACTOR_MAIN_ID);
    bed_deliver(bed, &m);
    m = bed_message(bed, MSG_CONTROL_DONE, BED_EDGE, ACTOR(ACTOR_HOST_DEPLOY, 0, 0));
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 2);
    assert_int_equal(bed_next_in(bed), SEC(2));
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_hosts_do_one_step_before_the_next_begins, reset),
        cmocka_unit_test_setup(forks_bound_the_hosts_at_work, reset),
        cmocka_unit_test_setup(serial_takes_batches_one_after_the_other, reset),
        cmocka_unit_test_setup(a_host_that_fails_drops_out_and_the_others_go_on, reset),
        cmocka_unit_test_setup(a_batch_that_fails_whole_ends_the_play, reset),
        cmocka_unit_test_setup(give_up_play_ends_it_with_the_first_failure_after_the_step,
                               reset),
        cmocka_unit_test_setup(entries_follow_each_other_with_their_times, reset),
        cmocka_unit_test_setup(an_entry_that_fails_does_not_keep_the_next_from_starting, reset),
        cmocka_unit_test_setup(a_restart_is_a_stop_and_a_start, reset),
        cmocka_unit_test_setup(a_repeated_restart_stops_and_starts_again, reset),
        cmocka_unit_test_setup(a_refused_reload_fails_its_host_and_an_ignored_one_does_not,
                               reset),
        cmocka_unit_test_setup(the_warm_up_counts_as_failed_when_it_works_and_is_ignored,
                               reset),
        cmocka_unit_test_setup(a_step_depends_on_switches_and_on_an_earlier_answer, reset),
        cmocka_unit_test_setup(a_message_for_nobody_is_rejected, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
