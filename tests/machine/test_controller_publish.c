/*
 * test_controller_publish.c - from the call to Kafka: throttles, look-up, slot, send.
 */
#include "support/controller_bed.h"

#define ID ACTIVATION_ID(1, 0)
#define NO_KEY ((struct value){.kind = VALUE_EMPTY})

static struct bed *bed;

static int begin(void **state)
{
    (void)state;
    bed = controller_bed_new();
    return 0;
}

static int begin_cold(void **state)
{
    (void)state;
    bed = controller_bed_cold();
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

static void at_the_start_it_watches_reads_the_schedulers_and_joins(void **state)
{
    (void)state;
    expect_trace(bed, "controller0/watcher#0 > etcd watch-create 1 all keys\n"
                      "controller0/call#0 > etcd range prefix scheduler depth 1\n"
                      "controller0/feed#0 > kafka join completed0\n");
}

static void without_a_known_scheduler_a_call_is_answered_503_and_takes_no_slot(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, true);
    answer_action(bed, DOCUMENT_FOUND);
    expect_answer(bed, ID, 503, ERROR_NO_SCHEDULER);
    assert_int_equal(bed_record(bed, RECORD_REJECTED, 0)->value, 503);
    assert_int_equal(bed_record_count(bed, RECORD_ACCEPTED), 0);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 0);
    expect_count(bed, "0");
}

static void the_first_call_reads_the_action_once_for_all_who_wait(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, false);
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 1);
    answer_action(bed, DOCUMENT_FOUND);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 2);
    assert_int_equal(bed_sent(bed, MSG_ETCD_RANGE, 0)->corr, ID);
    bed_pass(bed, MINUTES(4));
    bed_forget(bed);
    send_invoke(bed, ACTIVATION_ID(3, 0), BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 0);
    bed_pass(bed, MINUTES(6));
    bed_forget(bed);
    send_invoke(bed, ACTIVATION_ID(4, 0), BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 1);
}

static void a_missing_action_is_404_and_an_unreadable_one_500(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_MISSING);
    expect_answer(bed, ID, 404, ERROR_NOT_FOUND);
    bed_forget(bed);
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_ERROR);
    expect_answer(bed, ID, 500, ERROR_SEND_FAILED);
    bed_forget(bed);
    send_invoke(bed, ID, BED_HELLO, false);
    bed_link(bed, BED_DATABASE, true);
    expect_answer(bed, ID, 500, ERROR_SEND_FAILED);
}

static void a_cached_leader_is_taken_without_a_look_up(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    send_invoke(bed, ID, BED_HELLO, false);
    expect_trace(bed, "controller0/producer#0 > kafka produce scheduler0 activation 1.0 "
                      "guest/hello\n");
    const struct activation *a =
        &bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.entry.u.activation;
    assert_int_equal(a->revision, 1);
    assert_int_equal(a->controller, BED_CONTROLLER0);
    assert_int_equal(a->started_at, bed->now);
    assert_int_equal(a->ns, BED_GUEST);
    assert_int_equal(a->blocking, 0);
    expect_records(bed, "accepts activation 1 of guest/hello\n");
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.entry.cause,
                     bed_record(bed, RECORD_ACCEPTED, 0)->seq);
}

static void a_cached_leader_that_is_not_known_gives_way_to_any_known_one(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER0),
                     scheduler_state(BED_SCHEDULER0, 3), true);
    bed_forget(bed);
    send_invoke(bed, ID, BED_HELLO, false);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 1));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0);
}

static void the_choice_among_known_schedulers_is_drawn(void **state)
{
    (void)state;
    unsigned counts[2] = {0, 0};
    /* the leader is a node that is no scheduler: never known */
    controller_bed_ready(bed, BED_HELLO, BED_INVOKER0);
    for (uint32_t i = 1; i <= 200; i++) {
        invoke_published(bed, ACTIVATION_ID(i, 0), BED_HELLO, false);
        counts[TOPIC_INDEX(bed_sent(bed, MSG_KAFKA_PRODUCE, i - 1)->u.produce.topic)]++;
    }
    static const unsigned first[] = {1, 0, 0, 1, 0, 0, 1, 0}; /* of the seed 1 */
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(TOPIC_INDEX(bed_sent(bed, MSG_KAFKA_PRODUCE, i)->u.produce.topic),
                         first[i]);
    assert_in_range(counts[0], 70, 130);
    assert_int_equal(counts[0] + counts[1], 200);
}

static void a_leader_found_in_etcd_is_cached_and_no_queue_is_made(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    const struct message *m = bed_sent(bed, MSG_ETCD_RANGE, 0);
    assert_int_equal(m->u.etcd.mode, RANGE_GET);
    assert_int_equal(m->u.etcd.key.family, KEY_QUEUE);
    assert_int_equal(bed_record_count(bed, RECORD_ACCEPTED), 0); /* no slot before the answer */
    answer_look_up(bed, 0, endpoints(BED_SCHEDULER0));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 0));
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 1);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 2);
}

static void without_a_leader_each_call_asks_the_scheduler_with_fewest_queues(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, true);
    answer_action(bed, DOCUMENT_FOUND);
    answer_look_up(bed, 0, NO_KEY);
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_HELLO, true);
    answer_look_up(bed, 1, NO_KEY);
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER1),
                     scheduler_state(BED_SCHEDULER1, 4), false);
    send_invoke(bed, ACTIVATION_ID(3, 0), BED_HELLO, true);
    answer_look_up(bed, 0, NO_KEY);
    expect_trace(bed,
                 "controller0/slot#0 > etcd range get whisk/queue/guest/guest/hello/leader\n"
                 "controller0/balancer#1 > scheduler0/queue-manager#0 create-queue "
                 "guest/hello\n"
                 "controller0/producer#0 > kafka produce scheduler0 activation 3.0 "
                 "guest/hello blocking\n");
    expect_records(bed, "believes that key whisk/scheduler/1 is there\n"
                        "asks scheduler0 for a queue of guest/hello\n"
                        "accepts activation 3 of guest/hello, blocking\n");
}

static void a_value_that_is_no_endpoint_counts_as_no_leader(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    answer_look_up(bed, 0, (struct value){.kind = VALUE_RAW});
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->to, BED_SCHEDULER1);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 1));
}

static void a_look_up_is_tried_twice_then_the_call_is_answered_503(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    bed_pass(bed, SEC(10)); /* no answer; the second attempt goes out at once */
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 2);
    struct message late = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    bed_deliver(bed, &late); /* of the attempt given up: ignored */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 0);
    bed_link(bed, BED_ETCD, true);
    expect_answer(bed, ID, 503, ERROR_NO_SCHEDULER);
    expect_count(bed, "0");
}

static void the_slot_counts_before_kafka_has_the_message(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    send_invoke(bed, ID, BED_HELLO, false);
    expect_count(bed, "1");
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    answer_produced(bed, 0, true);
    expect_answer(bed, ID, 202, ERROR_NONE);
    assert_int_equal(bed_record(bed, RECORD_ANSWERED, 0)->value, 202);
}

static void calls_over_the_limit_of_the_minute_are_refused(void **state)
{
    (void)state;
    bed->namespaces[BED_GUEST].invocations_per_minute = 2;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0); /* counts as the first */
    send_invoke(bed, ID, BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_SLOW, false);
    expect_answer(bed, ACTIVATION_ID(2, 0), 429, ERROR_TOO_MANY_PER_MINUTE);
    assert_int_equal(bed_record(bed, RECORD_THROTTLED, 0)->value, ERROR_TOO_MANY_PER_MINUTE);
    assert_int_equal(bed_record(bed, RECORD_REJECTED, 0)->value, 429);
    /* scenario time 0 is 20 s into a calendar minute */
    bed_forget(bed);
    bed_pass(bed, SEC(39));
    send_invoke(bed, ACTIVATION_ID(3, 0), BED_HELLO, false);
    expect_answer(bed, ACTIVATION_ID(3, 0), 429, ERROR_TOO_MANY_PER_MINUTE);
    bed_pass(bed, SEC(1));
    bed_forget(bed);
    send_invoke(bed, ACTIVATION_ID(4, 0), BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
}

static void a_limit_of_zero_refuses_all_and_the_switch_turns_it_off(void **state)
{
    (void)state;
    bed->namespaces[BED_GUEST].invocations_per_minute = 0;
    send_invoke(bed, ID, BED_HELLO, false);
    expect_answer(bed, ID, 429, ERROR_TOO_MANY_PER_MINUTE);
    bed_config(bed, "whisk.loadbalancer.fpc.use-per-min-throttles", 0);
    bed_forget(bed);
    send_invoke(bed, ID, BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 1);
}

static struct key throttling(action_id action)
{
    return bed_key(KEY_THROTTLING, BED_GUEST, action, 0);
}

static bool is_refused(activation_id id)
{
    bed_forget(bed);
    send_invoke(bed, id, BED_HELLO, false);
    bool refused = bed_sent_count(bed, MSG_INVOKE_REPLY) == 1;
    if (refused)
        expect_answer(bed, id, 429, ERROR_TOO_MANY_REQUESTS);
    return refused;
}

static void the_actions_flag_decides_and_then_the_namespaces(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    assert_false(is_refused(ACTIVATION_ID(1, 0)));
    send_watch_event(bed, throttling(BED_HELLO), flag(true), false);
    assert_true(is_refused(ACTIVATION_ID(2, 0)));
    send_watch_event(bed, throttling(BED_HELLO), flag(false), false);
    send_watch_event(bed, throttling(ACTION_NONE), flag(true), false);
    assert_false(is_refused(ACTIVATION_ID(3, 0)));
    send_watch_event(bed, throttling(BED_HELLO), flag(false), true);
    assert_true(is_refused(ACTIVATION_ID(4, 0)));
    send_watch_event(bed, throttling(ACTION_NONE), (struct value){.kind = VALUE_RAW}, false);
    assert_false(is_refused(ACTIVATION_ID(5, 0)));
    send_watch_event(bed, throttling(ACTION_NONE), flag(true), false);
    assert_true(is_refused(ACTIVATION_ID(6, 0)));
    send_watch_event(bed, throttling(ACTION_NONE), flag(true), true);
    assert_false(is_refused(ACTIVATION_ID(7, 0)));
}

static void an_invocation_that_makes_no_sense_is_rejected(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    send_invoke(bed, ID, BED_HELLO, false);
    bed_forget(bed);
    send_invoke(bed, ID, BED_HELLO, false); /* the same activation again */
    send_invoke(bed, ACTIVATION_ID(2, 0), ACTION_NONE, false);
    send_invoke(bed, 0, BED_HELLO, false);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 3);
    assert_int_equal(bed->sent_count, 0);
    expect_count(bed, "1");
}

static void sent_by_system(activation_id id)
{
    bed_forget(bed);
    send_invoke(bed, id, ACTION_HEALTH_TEST, false);
}

static void the_systems_namespace_has_sixty_in_a_minute(void **state)
{
    (void)state;
    sent_by_system(ID);
    assert_int_equal(bed_sent(bed, MSG_DATABASE_READ, 0)->u.database.action,
                     ACTION_HEALTH_TEST);
    assert_int_equal(bed_sent(bed, MSG_DATABASE_READ, 0)->u.database.ns, NAMESPACE_SYSTEM);
    for (uint32_t i = 2; i <= 60; i++) {
        sent_by_system(ACTIVATION_ID(i, 0));
        assert_int_equal(bed->sent_count + bed->record_count, 0); /* waits for the same read */
    }
    sent_by_system(ACTIVATION_ID(61, 0));
    expect_answer(bed, ACTIVATION_ID(61, 0), 429, ERROR_TOO_MANY_PER_MINUTE);
    assert_int_equal(bed_record(bed, RECORD_REJECTED, 0)->ns, NAMESPACE_SYSTEM);
    bed_forget(bed);
    send_invoke(bed, ACTIVATION_ID(62, 0), BED_HELLO, false); /* another's count */
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 1);
    assert_int_equal(bed_sent(bed, MSG_DATABASE_READ, 0)->u.database.ns, BED_GUEST);
}

static void a_refusal_is_recorded_with_its_reason(void **state)
{
    (void)state;
    bed->namespaces[BED_OTHER].invocations_per_minute = 0;
    send_invoke(bed, ID, BED_WIDE, true);
    expect_answer(bed, ID, 429, ERROR_TOO_MANY_PER_MINUTE);
    static const enum record_kind kinds[] = {RECORD_THROTTLED, RECORD_REJECTED};
    static const uint64_t values[] = {ERROR_TOO_MANY_PER_MINUTE, 429};
    static const activation_id ids[] = {0, ID};
    assert_int_equal(bed->record_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(bed->records[i].kind, kinds[i]);
        assert_int_equal(bed->records[i].activation, ids[i]);
        assert_int_equal(bed->records[i].action, BED_WIDE);
        assert_int_equal(bed->records[i].ns, BED_OTHER);
        assert_int_equal(bed->records[i].value, values[i]);
    }
    assert_int_equal(bed->sent_count, 1);
}

static void send_odd(action_id action, namespace_id ns, bool is_taken)
{
    bed_forget(bed);
    struct message m = bed_message(bed, MSG_INVOKE, BED_EDGE, ACTOR_MAIN_ID);
    m.u.invoke.id = ID;
    m.u.invoke.action = action;
    m.u.invoke.ns = ns;
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), !is_taken);
    assert_int_equal(bed->sent_count, is_taken);
}

static void actions_and_namespaces_must_be_the_clusters(void **state)
{
    (void)state;
    send_odd(BED_ACTION_COUNT, BED_GUEST, false);
    send_odd(ACTION_WARM_UP, BED_GUEST, false);
    send_odd(BED_HELLO, BED_NAMESPACE_COUNT, false);
    send_odd(BED_HELLO, NAMESPACE_NONE, false);
    send_odd(BED_HELLO, NAMESPACE_SYSTEM, true); /* a read of the action */
}

static void wait_for_leader(void)
{
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    const struct message *m = bed_sent(bed, MSG_ETCD_RANGE, 0);
    assert_int_equal(m->corr, ID);
    assert_int_equal(m->u.etcd.key.ns, BED_GUEST);
    assert_int_equal(m->u.etcd.key.action, BED_HELLO);
}

static void a_look_up_waits_ten_seconds(void **state)
{
    (void)state;
    wait_for_leader();
    bed_pass(bed, SEC(10) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 1);
    bed_pass(bed, 1);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 2);
    assert_int_equal(bed_sent(bed, MSG_ETCD_RANGE, 0)->from_actor, ACTOR(ACTOR_SLOT, 0, 0));
    assert_int_equal(bed_sent(bed, MSG_ETCD_RANGE, 1)->from_actor, ACTOR(ACTOR_SLOT, 0, 1));
    bed_pass(bed, SEC(10) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 0);
    bed_pass(bed, 1);
    expect_answer(bed, ID, 503, ERROR_NO_SCHEDULER);
    assert_int_equal(bed_record_count(bed, RECORD_ACCEPTED), 0);
}

static void an_answered_look_up_is_over(void **state)
{
    (void)state;
    wait_for_leader();
    answer_look_up(bed, 0, endpoints(BED_SCHEDULER0));
    answer_look_up(bed, 0, NO_KEY); /* the same again */
    answer_produced(bed, 0, true);
    expect_answer(bed, ID, 202, ERROR_NONE);
    bed_pass(bed, SEC(60));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 1);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
    send_ack(bed, an_ack(ID, ACK_COMPLETION, RESPONSE_SUCCESS));
    expect_forgotten(bed, ID);
    answer_produced(bed, 1, true);
    send_ack(bed, an_ack(ID, ACK_COMPLETION, RESPONSE_SUCCESS));
    answer_look_up(bed, 0, NO_KEY); /* nobody is there for it */
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 0);
}

/* It waits half a second to a second; a connection that breaks meanwhile is not its own. */
static void between_two_attempts_nothing_can_break(void **state)
{
    (void)state;
    wait_for_leader();
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    bed_link(bed, BED_ETCD, true);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 3); /* the first again, at once */
    assert_in_range(bed_next_in(bed), MSEC(500), MSEC(1000));
    bed_link(bed, BED_ETCD, true);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 1);
    assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 0)->u.invoke_reply.id, ID);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 4);
    answer_look_up(bed, 1, endpoints(BED_SCHEDULER0)); /* of the first attempt: too late */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 0);
    answer_look_up(bed, 3, endpoints(BED_SCHEDULER0));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
}

static void lose_schedulers(void)
{
    for (node_id node = BED_SCHEDULER0; node <= BED_SCHEDULER1; node++)
        send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, node), scheduler_state(node, 0),
                         true);
}

static void without_schedulers_a_look_up_comes_to_nothing(void **state)
{
    (void)state;
    wait_for_leader();
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    lose_schedulers();
    answer_look_up(bed, 0, endpoints(BED_SCHEDULER0));
    expect_answer(bed, ID, 503, ERROR_NO_SCHEDULER);
    bed_forget(bed);
    send_invoke(bed, ACTIVATION_ID(3, 0), BED_HELLO, false); /* a leader is known now */
    expect_answer(bed, ACTIVATION_ID(3, 0), 503, ERROR_NO_SCHEDULER);
    expect_count(bed, "0");
}

static void without_schedulers_no_queue_is_asked_for(void **state)
{
    (void)state;
    wait_for_leader();
    lose_schedulers();
    answer_look_up(bed, 0, NO_KEY);
    expect_answer(bed, ID, 503, ERROR_NO_SCHEDULER);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0);
    assert_int_equal(bed_record_count(bed, RECORD_QUEUE_ASKED), 0);
}

static void a_leader_that_is_not_known_gives_way_and_is_remembered(void **state)
{
    (void)state;
    send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER0),
                     scheduler_state(BED_SCHEDULER0, 0), true);
    wait_for_leader();
    answer_look_up(bed, 0, endpoints(BED_SCHEDULER0));
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 1));
    send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER0),
                     scheduler_state(BED_SCHEDULER0, 0), false);
    bed_forget(bed);
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 0));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0);
}

/* Metadata is kept for five minutes behind its last use. */
static void an_actions_copy_lasts_to_the_nanosecond(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    bed_pass(bed, MINUTES(5));
    bed_forget(bed);
    send_invoke(bed, ID, BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 0);
    bed_pass(bed, MINUTES(5) + 1);
    bed_forget(bed);
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 1);
}

/* Only those who wait for this action, in the order of their arrival. */
static void a_read_of_an_action_lets_go_on_who_waits_for_it(void **state)
{
    (void)state;
    static const action_id actions[] = {BED_HELLO, BED_SLOW, BED_HELLO, ACTION_HEALTH_TEST};
    for (uint32_t i = 0; i < 4; i++)
        send_invoke(bed, ACTIVATION_ID(i + 1, 0), actions[i], false);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 3);
    answer_action(bed, DOCUMENT_FOUND);
    answer_action(bed, DOCUMENT_FOUND); /* the same again is nobody's */
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 2);
    assert_int_equal(bed_sent(bed, MSG_ETCD_RANGE, 0)->corr, ACTIVATION_ID(1, 0));
    assert_int_equal(bed_sent(bed, MSG_ETCD_RANGE, 1)->corr, ACTIVATION_ID(3, 0));
    bed_link(bed, BED_DATABASE, true);
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 2);
    assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 0)->u.invoke_reply.id,
                     ACTIVATION_ID(2, 0));
    assert_int_equal(bed_sent(bed, MSG_INVOKE_REPLY, 1)->u.invoke_reply.id,
                     ACTIVATION_ID(4, 0));
    bed_link(bed, BED_DATABASE, true); /* there is nothing left to break */
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 2);
    send_invoke(bed, ACTIVATION_ID(5, 0), BED_SLOW, false); /* and it is read anew */
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 4);
}

static void an_action_of_the_wrong_form_is_500(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_MISMATCH);
    expect_answer(bed, ID, 500, ERROR_SEND_FAILED);
    expect_forgotten(bed, ID);
    bed_link(bed, BED_DATABASE, true);
    bed_forget(bed);
    send_invoke(bed, ID, BED_HELLO, false);
    struct message m = bed_reply(bed_sent(bed, MSG_DATABASE_READ, 0), MSG_REFUSED);
    bed_deliver(bed, &m);
    expect_answer(bed, ID, 500, ERROR_SEND_FAILED);
}

/* A read is given up after a minute, by the next who needs it. */
static void a_read_without_an_answer_is_repeated_after_a_minute(void **state)
{
    (void)state;
    send_invoke(bed, ID, BED_HELLO, false);
    bed_pass(bed, SEC(60) - 1);
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 1);
    bed_pass(bed, 1);
    send_invoke(bed, ACTIVATION_ID(3, 0), BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define COLD_TEST(name) cmocka_unit_test_setup_teardown(name, begin_cold, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COLD_TEST(at_the_start_it_watches_reads_the_schedulers_and_joins),
        COLD_TEST(without_a_known_scheduler_a_call_is_answered_503_and_takes_no_slot),
        TEST(the_first_call_reads_the_action_once_for_all_who_wait),
        TEST(a_missing_action_is_404_and_an_unreadable_one_500),
        TEST(a_cached_leader_is_taken_without_a_look_up),
        TEST(a_cached_leader_that_is_not_known_gives_way_to_any_known_one),
        TEST(the_choice_among_known_schedulers_is_drawn),
        TEST(a_leader_found_in_etcd_is_cached_and_no_queue_is_made),
        TEST(without_a_leader_each_call_asks_the_scheduler_with_fewest_queues),
        TEST(a_value_that_is_no_endpoint_counts_as_no_leader),
        TEST(a_look_up_is_tried_twice_then_the_call_is_answered_503),
        TEST(the_slot_counts_before_kafka_has_the_message),
        TEST(calls_over_the_limit_of_the_minute_are_refused),
        TEST(a_limit_of_zero_refuses_all_and_the_switch_turns_it_off),
        TEST(the_actions_flag_decides_and_then_the_namespaces),
        TEST(an_invocation_that_makes_no_sense_is_rejected),
        TEST(the_systems_namespace_has_sixty_in_a_minute),
        TEST(a_refusal_is_recorded_with_its_reason),
        TEST(actions_and_namespaces_must_be_the_clusters),
        TEST(a_look_up_waits_ten_seconds),
        TEST(an_answered_look_up_is_over),
        TEST(between_two_attempts_nothing_can_break),
        TEST(without_schedulers_a_look_up_comes_to_nothing),
        TEST(without_schedulers_no_queue_is_asked_for),
        TEST(a_leader_that_is_not_known_gives_way_and_is_remembered),
        TEST(an_actions_copy_lasts_to_the_nanosecond),
        TEST(a_read_of_an_action_lets_go_on_who_waits_for_it),
        TEST(an_action_of_the_wrong_form_is_500),
        TEST(a_read_without_an_answer_is_repeated_after_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
