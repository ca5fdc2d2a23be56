/*
 * test_kernel_nodes.c - boot, signal, cut, kill; what peers see; what a deploy tool can do.
 */
#include "support/toys.h"

/* A toy that only logs, and answers requests. It keeps one durable and one plain block. */
static void on_plain(struct toy *self, const struct event *ev, struct effects *fx)
{
    (void)toy_log(self, ev);
    if (ev->kind == EVENT_START) {
        self->words[0]++; /* durable: boots */
        assert_int_equal(self->words[TOY_DURABLE_WORDS], 0);
        self->words[TOY_DURABLE_WORDS] = 1;
        (void)arena_alloc(self->env->arena, self->env->node, 100);
        (void)arena_alloc_durable(self->env->arena, self->env->node, 100);
        toy_arm(self, fx, 0, SEC(100000));
    }
    if (ev->kind == EVENT_DELIVER && ev->message->kind == MSG_INVOKE)
        effects_reply(fx, ev->message, MSG_INVOKE_REPLY)->u.invoke_reply.status = 200;
}

static void send(struct toys *t, enum message_kind kind, node_id from, node_id to,
                 uint32_t corr)
{
    struct message m = {.kind = (uint16_t)kind, .from = from, .to = to, .corr = corr};
    m.to_actor = 5;
    m.from_actor = 6;
    host_sim_send(t->host, &m);
}

static void control(struct toys *t, enum control_op op, node_id node, uint32_t corr)
{
    struct message m = {.kind = MSG_CONTROL, .from = TOY_CLIENT, .to = NODE_HOST, .corr = corr};
    m.u.control.op = (uint8_t)op;
    m.u.control.node = node;
    host_sim_send(t->host, &m);
}

static struct toys *plain_world(void)
{
    struct toys *t = toys_new(on_plain);
    toys_start(t);
    host_sim_run_until(t->host, TSTAMP_ORIGIN + SEC(1));
    toys_forget(t);
    return t;
}

static tstamp run_for(struct toys *t, duration length)
{
    return host_sim_run_until(t->host, host_sim_now(t->host) + length);
}

static void the_first_boot_takes_no_time_and_is_recorded(void **state)
{
    (void)state;
    struct toys *t = toys_new(on_plain);
    toys_start(t);
    assert_int_equal(toys_count(t, NODE_NONE, EVENT_START), TOY_NODE_COUNT);
    assert_int_equal(toys_count(t, NODE_NONE, EVENT_LINK), 0);
    const struct record *r = toys_record(t, RECORD_NODE_STARTED, 1);
    assert_int_equal(r->node, TOY_CONTROLLER);
    assert_int_equal(r->value, 0);
    assert_int_equal(r->value2, BEHAVIOUR_PRE_5338);
    assert_int_equal(toys_record(t, RECORD_NODE_LISTENING, 1)->at, TSTAMP_ORIGIN);
    assert_true(host_sim_is_listening(t->host, TOY_CONTROLLER));
    host_sim_start(t->host, TOY_CONTROLLER); /* runs already */
    assert_int_equal(toys_record_count(t, RECORD_NODE_STARTED), TOY_NODE_COUNT);
    toys_free(t);
}

static void a_crash_frees_the_blocks_of_its_node_except_durable_ones(void **state)
{
    (void)state;
    struct toys *t = plain_world();
    size_t before = arena_blocks(t->arena, TOY_KAFKA);
    size_t other = arena_blocks(t->arena, TOY_SCHEDULER);
    host_sim_kill(t->host, TOY_KAFKA);
    assert_true(before > 1);
    assert_int_equal(arena_blocks(t->arena, TOY_KAFKA), 1);
    assert_int_equal(arena_blocks(t->arena, TOY_SCHEDULER), other);
    assert_int_equal(toys_record(t, RECORD_NODE_STOPPED, 0)->detail, 1);
    assert_false(host_sim_is_listening(t->host, TOY_KAFKA));
    host_sim_start(t->host, TOY_KAFKA);
    const struct toy *kafka = host_sim_machine(t->host, TOY_KAFKA);
    assert_int_equal(kafka->words[0], 2);
    assert_int_equal(host_sim_incarnation(t->host, TOY_KAFKA), 1);
    assert_int_equal(toys_record(t, RECORD_NODE_STARTED, 0)->value, 1);
    assert_int_equal(arena_blocks(t->arena, TOY_KAFKA), before + 1);
    toys_free(t);
}

static void peers_see_a_node_go_down_and_listen_again_in_node_order(void **state)
{
    (void)state;
    struct toys *t = plain_world();
    host_sim_kill(t->host, TOY_CONTROLLER);
    (void)run_for(t, 1);
    static const node_id peers[] = {TOY_CLIENT, TOY_SCHEDULER, TOY_KAFKA};
    assert_int_equal(toys_count(t, NODE_NONE, EVENT_LINK), 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct toy_line *line = toys_line(t, NODE_NONE, EVENT_LINK, i);
        assert_int_equal(line->node, peers[i]);
        assert_int_equal(line->peer, TOY_CONTROLLER);
        assert_int_equal(line->down, 1);
    }
    toys_forget(t);
    host_sim_kill(t->host, TOY_SCHEDULER);
    host_sim_start(t->host, TOY_CONTROLLER);
    (void)run_for(t, 1);
    assert_int_equal(toys_count(t, TOY_CONTROLLER, EVENT_START), 1);
    assert_int_equal(toys_count(t, TOY_SCHEDULER, EVENT_LINK), 0);
    const struct toy_line *up = toys_line(t, TOY_KAFKA, EVENT_LINK, 1);
    assert_int_equal(up->peer, TOY_CONTROLLER);
    assert_int_equal(up->down, 0);
    toys_free(t);
}

static void a_call_to_a_dead_node_is_refused_and_other_messages_are_recorded_lost(void **state)
{
    (void)state;
    struct toys *t = plain_world();
    host_sim_kill(t->host, TOY_CONTROLLER);
    (void)run_for(t, 1);
    toys_forget(t);
    tstamp sent_at = host_sim_now(t->host);
    send(t, MSG_INVOKE, TOY_CLIENT, TOY_CONTROLLER, 17);
    send(t, MSG_INVOKE_REPLY, TOY_CLIENT, TOY_CONTROLLER, 18);
    (void)run_for(t, SEC(1));
    const struct toy_line *line = toys_line(t, TOY_CLIENT, EVENT_DELIVER, 0);
    assert_int_equal(line->message_kind, MSG_REFUSED);
    assert_int_equal(line->peer, TOY_CONTROLLER);
    assert_int_equal(line->corr, 17);
    assert_int_equal(line->word, MSG_INVOKE);       /* refused.kind */
    assert_in_range(line->at - sent_at, 200, 2000); /* there and back */
    assert_int_equal(toys_count(t, TOY_CLIENT, EVENT_DELIVER), 1);
    assert_int_equal(toys_record_count(t, RECORD_MESSAGE_LOST), 1);
    const struct record *lost = toys_record(t, RECORD_MESSAGE_LOST, 0);
    assert_int_equal(lost->detail, MSG_INVOKE_REPLY);
    assert_int_equal(lost->node, TOY_CLIENT);
    assert_int_equal(lost->peer, TOY_CONTROLLER);
    toys_free(t);
}

static void a_message_on_its_way_to_a_former_incarnation_never_arrives(void **state)
{
    (void)state;
    struct toys *t = plain_world();
    send(t, MSG_INVOKE, TOY_CLIENT, TOY_KAFKA, 21); /* a call */
    send(t, MSG_FORWARD, TOY_CLIENT, TOY_KAFKA, 22);
    send(t, MSG_INVOKE, TOY_KAFKA, TOY_CLIENT, 23); /* the sender dies, not the receiver */
    host_sim_kill(t->host, TOY_KAFKA);
    host_sim_start(t->host, TOY_KAFKA);
    (void)run_for(t, SEC(1));
    assert_int_equal(toys_count(t, TOY_KAFKA, EVENT_DELIVER), 1); /* the client's reply to 23 */
    assert_int_equal(toys_line(t, TOY_KAFKA, EVENT_DELIVER, 0)->corr, 23);
    assert_int_equal(toys_count(t, TOY_CLIENT, EVENT_DELIVER), 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct toy_line *line = toys_line(t, TOY_CLIENT, EVENT_DELIVER, i);
        assert_true((line->corr == 21 && line->message_kind == MSG_REFUSED) ||
                    (line->corr == 23 && line->message_kind == MSG_INVOKE));
    }
    assert_int_equal(toys_record(t, RECORD_MESSAGE_LOST, 0)->detail, MSG_FORWARD);
    toys_free(t);
}

static void nobody_is_told_of_a_refusal_when_the_caller_died_too(void **state)
{
    (void)state;
    struct toys *t = plain_world();
    send(t, MSG_INVOKE, TOY_CLIENT, TOY_KAFKA, 21);
    host_sim_kill(t->host, TOY_CLIENT);
    host_sim_kill(t->host, TOY_KAFKA);
    host_sim_start(t->host, TOY_CLIENT); /* a new incarnation may use the same number */
    (void)run_for(t, SEC(1));
    assert_int_equal(toys_count(t, TOY_CLIENT, EVENT_DELIVER), 0);
    toys_free(t);
}

static void a_stop_is_a_signal_and_then_a_cut_after_at_most_ten_seconds(void **state)
{
    (void)state;
    for (unsigned run = 0; run < 2; run++) {
        struct toys *t = toys_new(on_plain);
        duration grace = run == 0 ? SEC(1) : SEC(100);
        t->cluster.timing[TIMING_STOP] = (struct range){.min = grace, .max = grace};
        toys_start(t);
        host_sim_stop(t->host, TOY_SCHEDULER);
        host_sim_stop(t->host, TOY_SCHEDULER); /* one signal */
        assert_int_equal(toys_count(t, TOY_SCHEDULER, EVENT_SIGNAL), 1);
        assert_true(host_sim_is_listening(t->host, TOY_SCHEDULER));
        (void)run_for(t, SEC(20));
        assert_int_equal(toys_record(t, RECORD_NODE_STOPPING, 0)->at, TSTAMP_ORIGIN);
        const struct record *stopped = toys_record(t, RECORD_NODE_STOPPED, 0);
        assert_int_equal(stopped->at, TSTAMP_ORIGIN + (run == 0 ? SEC(1) : SEC(10)));
        assert_int_equal(stopped->detail, 0);
        assert_false(host_sim_is_listening(t->host, TOY_SCHEDULER));
        toys_free(t);
    }
}

static const struct toy_line *done(const struct toys *t, uint32_t corr)
{
    for (uint32_t i = 0;; i++) {
        const struct toy_line *line = toys_line(t, TOY_CLIENT, EVENT_DELIVER, i);
        if (line->message_kind == MSG_CONTROL_DONE && line->corr == corr)
            return line;
    }
}

/* op, ok, node as the first word shows them */
static uint64_t done_word(enum control_op op, bool ok, node_id node)
{
    struct message m = {0};
    m.u.control_done.op = (uint8_t)op;
    m.u.control_done.ok = ok;
    m.u.control_done.node = node;
    return m.u.words[0];
}

static void a_deploy_tool_stops_and_starts_a_node_of_the_new_version(void **state)
{
    (void)state;
    struct toys *t = plain_world();
    tstamp begin = host_sim_now(t->host);
    control(t, CONTROL_STOP, TOY_SCHEDULER, 1);
    (void)run_for(t, SEC(30));
    assert_int_equal(done(t, 1)->at, begin + SEC(1));
    assert_int_equal(done(t, 1)->word, done_word(CONTROL_STOP, true, TOY_SCHEDULER));
    assert_int_equal(done(t, 1)->peer, NODE_HOST);
    begin = host_sim_now(t->host);
    control(t, CONTROL_START, TOY_SCHEDULER, 2);
    (void)run_for(t, SEC(30));
    assert_int_equal(done(t, 2)->at, begin + MSEC(500));
    const struct record *started = toys_record(t, RECORD_NODE_STARTED, 0);
    assert_int_equal(started->at, begin + MSEC(500));
    assert_int_equal(started->value, 1);
    assert_int_equal(started->value2, BEHAVIOUR_HEAD);
    const struct record *listening = toys_record(t, RECORD_NODE_LISTENING, 0);
    assert_in_range(listening->at - started->at, SEC(10), SEC(20));
    assert_int_equal(toys_line(t, TOY_SCHEDULER, EVENT_START, 0)->at, listening->at);
    toys_free(t);
}

static void a_fault_does_not_make_a_node_new(void **state)
{
    (void)state;
    struct toys *t = plain_world();
    host_sim_kill(t->host, TOY_SCHEDULER);
    host_sim_start(t->host, TOY_SCHEDULER);
    assert_int_equal(toys_record(t, RECORD_NODE_STARTED, 0)->value2, BEHAVIOUR_PRE_5338);
    toys_free(t);
}

static void starting_what_runs_or_stopping_what_is_down_is_done_at_once(void **state)
{
    (void)state;
    struct toys *t = plain_world();
    control(t, CONTROL_START, TOY_KAFKA, 1);
    control(t, CONTROL_KILL, TOY_CONTROLLER, 2);
    tstamp begin = run_for(t, 1) - 1;
    control(t, CONTROL_STOP, TOY_CONTROLLER, 3);
    (void)run_for(t, SEC(30));
    assert_int_equal(done(t, 1)->word, done_word(CONTROL_START, true, TOY_KAFKA));
    assert_int_equal(host_sim_incarnation(t->host, TOY_KAFKA), 0);
    assert_int_equal(done(t, 2)->at, begin);
    assert_int_equal(done(t, 3)->at, begin + 1);
    assert_int_equal(toys_record(t, RECORD_NODE_STOPPED, 0)->detail, 0); /* no fault */
    toys_free(t);
}

static void a_start_while_it_still_stops_fails_and_a_stop_while_it_boots_cuts(void **state)
{
    (void)state;
    struct toys *t = plain_world();
    control(t, CONTROL_STOP, TOY_SCHEDULER, 1);
    control(t, CONTROL_START, TOY_SCHEDULER, 2); /* after 0.5 s of the 1 s */
    (void)run_for(t, SEC(2));
    assert_int_equal(done(t, 2)->word, done_word(CONTROL_START, false, TOY_SCHEDULER));
    control(t, CONTROL_START, TOY_SCHEDULER, 3);
    (void)run_for(t, SEC(2));
    toys_forget(t);
    control(t, CONTROL_STOP, TOY_SCHEDULER, 4);
    (void)run_for(t, SEC(60));
    assert_int_equal(toys_record_count(t, RECORD_NODE_STOPPED), 1);
    assert_int_equal(toys_record_count(t, RECORD_NODE_LISTENING), 0);
    assert_int_equal(toys_count(t, TOY_SCHEDULER, EVENT_SIGNAL), 0);
    assert_int_equal(toys_count(t, NODE_NONE, EVENT_LINK), 0);
    toys_free(t);
}

static void pulling_and_removing_take_their_time(void **state)
{
    (void)state;
    struct toys *t = plain_world();
    tstamp begin = host_sim_now(t->host);
    control(t, CONTROL_PULL, TOY_SCHEDULER, 1);
    control(t, CONTROL_PULL, TOY_SCHEDULER, 2);
    control(t, CONTROL_REMOVE_CONTAINERS, TOY_SCHEDULER, 3);
    control(t, CONTROL_PULL, 99, 4); /* no such node */
    (void)run_for(t, SEC(200));
    assert_in_range(done(t, 1)->at - begin, SEC(30), SEC(120));
    assert_in_range(done(t, 2)->at - begin, SEC(30), SEC(120));
    assert_int_not_equal(done(t, 1)->at, done(t, 2)->at);
    assert_int_equal(done(t, 3)->at, begin + MSEC(100));
    assert_int_equal(done(t, 4)->word, done_word(CONTROL_PULL, false, 99));
    toys_free(t);
}

static void a_killed_node_is_not_woken_and_its_posts_are_gone(void **state)
{
    (void)state;
    struct toys *t = plain_world();
    struct message post = {.kind = MSG_POST, .from = TOY_KAFKA, .to = TOY_KAFKA};
    host_sim_send(t->host, &post);
    host_sim_kill(t->host, TOY_KAFKA);
    assert_int_equal(host_sim_run_until(t->host, TSTAMP_NEVER),
                     TSTAMP_ORIGIN + SEC(100000)); /* the others' timers */
    assert_int_equal(toys_count(t, TOY_KAFKA, EVENT_WAKE), 0);
    assert_int_equal(toys_count(t, TOY_KAFKA, EVENT_DELIVER), 0);
    assert_int_equal(toys_count(t, NODE_NONE, EVENT_WAKE), TOY_NODE_COUNT - 1);
    assert_int_equal(toys_record_count(t, RECORD_MESSAGE_LOST), 0);
    toys_free(t);
}

/* A world whose scheduler's actor system ends at SIGTERM. */
static struct toys *ending_world(struct machine_ops *ending)
{
    struct toys *t = toys_new(on_plain);
    *ending = *t->machines[TOY_SCHEDULER].ops;
    ending->ends_at_signal = true;
    t->machines[TOY_SCHEDULER].ops = ending;
    toys_start(t);
    (void)run_for(t, SEC(1));
    toys_forget(t);
    return t;
}

static void what_ends_at_the_signal_is_cut_there_and_its_stop_takes_its_time(void **state)
{
    (void)state;
    struct machine_ops ending;
    struct toys *t = ending_world(&ending);
    tstamp begin = host_sim_now(t->host);
    control(t, CONTROL_STOP, TOY_SCHEDULER, 1);
    (void)run_for(t, MSEC(100));
    assert_int_equal(toys_count(t, TOY_SCHEDULER, EVENT_SIGNAL), 1);
    assert_int_equal(toys_record(t, RECORD_NODE_STOPPING, 0)->at, begin);
    assert_int_equal(toys_record(t, RECORD_NODE_STOPPED, 0)->at, begin);
    assert_int_equal(toys_record(t, RECORD_NODE_STOPPED, 0)->detail, 0);
    assert_int_equal(toys_line(t, TOY_CLIENT, EVENT_LINK, 0)->at, begin);
    assert_false(host_sim_is_listening(t->host, TOY_SCHEDULER));
    assert_int_equal(arena_blocks(t->arena, TOY_SCHEDULER), 1); /* the durable one */
    send(t, MSG_INVOKE, TOY_CLIENT, TOY_SCHEDULER, 17);
    (void)run_for(t, SEC(5));
    assert_int_equal(toys_line(t, TOY_CLIENT, EVENT_DELIVER, 0)->message_kind, MSG_REFUSED);
    assert_int_equal(done(t, 1)->at, begin + SEC(1));
    assert_int_equal(done(t, 1)->word, done_word(CONTROL_STOP, true, TOY_SCHEDULER));
    assert_int_equal(toys_record_count(t, RECORD_NODE_STOPPED), 1);
    control(t, CONTROL_START, TOY_SCHEDULER, 2);
    (void)run_for(t, SEC(30));
    assert_int_equal(done(t, 2)->word, done_word(CONTROL_START, true, TOY_SCHEDULER));
    assert_true(host_sim_is_listening(t->host, TOY_SCHEDULER));
    toys_free(t);
}

static void a_start_before_the_empty_process_is_gone_fails(void **state)
{
    (void)state;
    struct machine_ops ending;
    struct toys *t = ending_world(&ending);
    control(t, CONTROL_STOP, TOY_SCHEDULER, 1);
    control(t, CONTROL_START, TOY_SCHEDULER, 2); /* after 0.5 s of the 1 s */
    (void)run_for(t, MSEC(700));
    tstamp again = host_sim_now(t->host);
    control(t, CONTROL_STOP, TOY_SCHEDULER, 3); /* waits for the same end */
    host_sim_stop(t->host, TOY_SCHEDULER);
    (void)run_for(t, SEC(30));
    assert_int_equal(done(t, 2)->word, done_word(CONTROL_START, false, TOY_SCHEDULER));
    assert_int_equal(toys_record_count(t, RECORD_NODE_STARTED), 0);
    assert_int_equal(toys_count(t, TOY_SCHEDULER, EVENT_SIGNAL), 1);
    assert_int_equal(done(t, 3)->at, done(t, 1)->at);
    assert_int_equal(done(t, 3)->at, again + MSEC(300));
    assert_int_equal(toys_record_count(t, RECORD_NODE_STOPPED), 1);
    toys_free(t);
}

static void a_stop_after_a_kill_waits_for_nothing(void **state)
{
    (void)state;
    struct machine_ops ending;
    for (unsigned run = 0; run < 2; run++) { /* a plain node, and one that ends at the signal */
        struct toys *t = run == 0 ? plain_world() : ending_world(&ending);
        control(t, CONTROL_STOP, TOY_SCHEDULER, 1);
        (void)run_for(t, MSEC(100));
        host_sim_kill(t->host, TOY_SCHEDULER);
        (void)run_for(t, MSEC(100));
        tstamp begin = host_sim_now(t->host);
        control(t, CONTROL_STOP, TOY_SCHEDULER, 2);
        control(t, CONTROL_START, TOY_SCHEDULER, 3);
        (void)run_for(t, SEC(30));
        assert_int_equal(done(t, 2)->at, begin);
        assert_int_equal(done(t, 3)->at, begin + MSEC(500));
        assert_int_equal(done(t, 3)->word, done_word(CONTROL_START, true, TOY_SCHEDULER));
        assert_int_equal(toys_record_count(t, RECORD_NODE_STOPPED), 1);
        assert_true(host_sim_is_listening(t->host, TOY_SCHEDULER)); /* no old cut hits it */
        toys_free(t);
    }
}

static void a_stop_that_takes_no_time_is_a_stop(void **state)
{
    (void)state;
    struct toys *t = toys_new(on_plain);
    t->cluster.timing[TIMING_STOP] = (struct range){0, 0};
    toys_start(t);
    (void)run_for(t, SEC(1));
    toys_forget(t);
    tstamp begin = host_sim_now(t->host);
    control(t, CONTROL_STOP, TOY_KAFKA, 1);
    (void)run_for(t, SEC(1));
    assert_int_equal(done(t, 1)->at, begin);
    assert_int_equal(toys_record(t, RECORD_NODE_STOPPED, 0)->at, begin);
    assert_false(host_sim_is_listening(t->host, TOY_KAFKA));
    toys_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_boot_takes_no_time_and_is_recorded),
        cmocka_unit_test(a_crash_frees_the_blocks_of_its_node_except_durable_ones),
        cmocka_unit_test(peers_see_a_node_go_down_and_listen_again_in_node_order),
        cmocka_unit_test(a_call_to_a_dead_node_is_refused_and_other_messages_are_recorded_lost),
        cmocka_unit_test(a_message_on_its_way_to_a_former_incarnation_never_arrives),
        cmocka_unit_test(nobody_is_told_of_a_refusal_when_the_caller_died_too),
        cmocka_unit_test(a_stop_is_a_signal_and_then_a_cut_after_at_most_ten_seconds),
        cmocka_unit_test(a_deploy_tool_stops_and_starts_a_node_of_the_new_version),
        cmocka_unit_test(a_fault_does_not_make_a_node_new),
        cmocka_unit_test(starting_what_runs_or_stopping_what_is_down_is_done_at_once),
        cmocka_unit_test(a_start_while_it_still_stops_fails_and_a_stop_while_it_boots_cuts),
        cmocka_unit_test(pulling_and_removing_take_their_time),
        cmocka_unit_test(a_killed_node_is_not_woken_and_its_posts_are_gone),
        cmocka_unit_test(what_ends_at_the_signal_is_cut_there_and_its_stop_takes_its_time),
        cmocka_unit_test(a_start_before_the_empty_process_is_gone_fails),
        cmocka_unit_test(a_stop_after_a_kill_waits_for_nothing),
        cmocka_unit_test(a_stop_that_takes_no_time_is_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
