/*
 * test_common_behaviour.c - what the behaviour sets differ in for all components: each field,
 * and what processes that speak Akka and Pekko make of each other. The watcher's fields are
 * used in test_common_watcher.c.
 */
#include "common/common_behaviour.h"
#include "support/controller_bed.h"
#include "support/manager_bed.h"
#include "support/scheduler_bed.h"
#include <string.h>

static const struct value pekko = {.kind = VALUE_ENDPOINTS, .node = BED_SCHEDULER1},
                          akka = {.kind = VALUE_ENDPOINTS,
                                  .status = ENDPOINTS_AKKA,
                                  .node = BED_SCHEDULER1};

static void fields_have_the_values_of_their_commits(void **state)
{
    (void)state;
    static const struct {
        bool watch_dies, watcher_ignores_shutdown, akka;
    } rows[BEHAVIOUR_COUNT] = {[BEHAVIOUR_PRE_5338] = {true, true, true},
                               [BEHAVIOUR_5338] = {true, false, true},
                               [BEHAVIOUR_HEAD] = {false, false, false}};
    for (unsigned i = 0; i < BEHAVIOUR_COUNT; i++) {
        struct machine_env env = {.behaviour = (uint8_t)i};
        const struct common_behaviour *b = common_behaviour(&env);
        assert_int_equal(b->watch_dies, rows[i].watch_dies);
        assert_int_equal(b->watcher_ignores_shutdown, rows[i].watcher_ignores_shutdown);
        assert_int_equal(b->akka, rows[i].akka);
    }
}

/* ---- values ---- */

static void a_set_reads_what_it_writes_and_no_other_dialect(void **state)
{
    (void)state;
    struct bed *bed = bed_new(NULL, BED_SCHEDULER1, NULL);
    for (unsigned writer = 0; writer < BEHAVIOUR_COUNT; writer++) {
        struct machine_env writes = bed->env, reads = bed->env;
        writes.behaviour = (uint8_t)writer;
        struct value leader = endpoints_value(&writes, VALUE_ENDPOINTS, 0);
        struct value self = endpoints_value(&writes, VALUE_SCHEDULER, 5);
        assert_memory_equal(&leader, writer == BEHAVIOUR_HEAD ? &pekko : &akka, sizeof leader);
        assert_int_equal(self.a, 5);
        for (unsigned reader = 0; reader < BEHAVIOUR_COUNT; reader++) {
            bool is_same = (writer == BEHAVIOUR_HEAD) == (reader == BEHAVIOUR_HEAD);
            reads.behaviour = (uint8_t)reader;
            assert_int_equal(endpoints_parse(&reads, VALUE_ENDPOINTS, &leader), is_same);
            assert_int_equal(endpoints_parse(&reads, VALUE_SCHEDULER, &self), is_same);
            assert_false(endpoints_parse(&reads, VALUE_SCHEDULER, &leader));
            assert_false(endpoints_parse(&reads, VALUE_ENDPOINTS, &self));
            assert_int_equal(remoting_connects(&reads, writer != BEHAVIOUR_HEAD), is_same);
        }
    }
    bed_free(bed);
}

static void a_value_must_name_somebody(void **state)
{
    (void)state;
    struct bed *bed = bed_new(NULL, BED_SCHEDULER1, NULL);
    struct value value = pekko;
    value.node = BED_INVOKER0; /* whose address it is the text does not tell */
    assert_true(endpoints_parse(&bed->env, VALUE_ENDPOINTS, &value));
    value.node = BED_NODE_COUNT;
    assert_false(endpoints_parse(&bed->env, VALUE_ENDPOINTS, &value));
    bed_free(bed);
}

static void the_third_port_is_called_otherwise(void **state)
{
    (void)state;
    struct bed *bed = bed_new(NULL, BED_SCHEDULER1, NULL);
    struct value value = akka;
    char text[160];
    value_print(&bed->cluster, &akka, text, sizeof text);
    assert_string_equal(text, "{\"host\":\"scheduler1\",\"rpcPort\":13002,\"akkaPort\":25521}");
    value.kind = VALUE_SCHEDULER;
    value_print(&bed->cluster, &value, text, sizeof text);
    assert_string_equal(text,
                        "{\"sid\":{\"asString\":\"1\"},\"queueSize\":0,\"endpoints\":"
                        "{\"host\":\"scheduler1\",\"rpcPort\":13002,\"akkaPort\":25521}}");
    bed_free(bed);
}

/* ---- a scheduler ---- */

static void told(struct sched *s, struct value value)
{
    struct post_watched w = {.key = {.family = KEY_QUEUE, .ns = BED_GUEST, .action = BED_HELLO},
                             .value = value};
    w.is_prefix = 1;
    sched_post(s, ACTOR_WATCHER_ID, ACTOR_MANAGER_ID, POST_INSERTED, &w, sizeof w);
}

static void a_queue_manager_keeps_the_leader_that_it_knows(void **state)
{
    (void)state;
    struct sched *s = sched_started();
    told(s, pekko);
    sched_forget(s);
    struct value other = akka;
    other.node = BED_SCHEDULER0;
    told(s, other);
    assert_int_equal(bed_record_count(s->bed, RECORD_VIEW_CHANGED), 0);
    assert_int_equal(bed_record_count(s->bed, RECORD_MESSAGE_REJECTED), 1);
    sched_arrive_many(s, 1, 1);
    assert_int_equal(bed_sent(s->bed, MSG_FORWARD, 0)->to, BED_SCHEDULER1);
    assert_int_equal(bed_sent(s->bed, MSG_FORWARD, 0)->u.forward.akka, 0);
    s->bed->env.behaviour = BEHAVIOUR_5338;
    told(s, akka);
    sched_arrive_many(s, 2, 1);
    assert_int_equal(bed_sent(s->bed, MSG_FORWARD, 1)->u.forward.akka, 1);
    sched_free(s);
}

/* Nobody is told, and nothing follows. */
static void a_scheduler_gets_no_remote_message_of_the_other(void **state)
{
    (void)state;
    static const enum message_kind kinds[] = {MSG_CREATE_QUEUE, MSG_FORWARD};
    for (unsigned i = 0; i < 4; i++) {
        struct sched *s = sched_started();
        bool is_akka = i >= 2;
        if (is_akka)
            s->bed->env.behaviour = BEHAVIOUR_5338;
        struct message m = bed_message(s->bed, kinds[i % 2], BED_CONTROLLER0, ACTOR_MANAGER_ID);
        if (m.kind == MSG_FORWARD) {
            m.u.forward.activation = sched_activation(s, 1);
            m.u.forward.akka = !is_akka;
        } else {
            m.u.create_queue.action = ACTION_WARM_UP;
            m.u.create_queue.akka = !is_akka;
        }
        sched_forget(s);
        bed_deliver(s->bed, &m);
        assert_int_equal(s->bed->sent_count, 0);
        assert_int_equal(s->bed->record_count, 1);
        const struct record *r = bed_record(s->bed, RECORD_MESSAGE_LOST, 0);
        assert_int_equal(r->detail, m.kind);
        assert_int_equal(r->peer, BED_SCHEDULER0);
        assert_int_equal(r->activation, m.kind == MSG_FORWARD ? m.u.activation.id : 0);
        if (m.kind == MSG_CREATE_QUEUE) { /* its own kind's are answered */
            m.u.create_queue.akka = is_akka;
            bed_deliver(s->bed, &m);
            assert_int_equal(bed_sent_count(s->bed, MSG_QUEUE_CREATED), 1);
        }
        sched_free(s);
    }
}

/* What its predecessor of the other kind has left in etcd (Scheduler.scala:118). */
static void its_own_key_of_the_other_kind_counts_as_minus_one(void **state)
{
    (void)state;
    struct sched *s = sched_started();
    struct value value = akka;
    value.kind = VALUE_SCHEDULER;
    value.a = 3;
    s->holds_range = true;
    sched_forget(s);
    manager_ask(s, "/state");
    struct message m = bed_reply(bed_sent(s->bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    m.u.etcd_done.count = 1;
    m.u.etcd_done.value = value;
    bed_deliver(s->bed, &m);
    bed_expect_http(s->bed, 200, CONTENT_JSON, "{\"queue\":\"-1\",\"creationCount\":\"0\"}");
    sched_free(s);
}

/* ---- a controller ---- */

static void see(struct bed *bed, enum key_family family, struct value value, bool deleted)
{
    struct key key = {.family = (uint16_t)family, .node = value.node};
    if (family == KEY_QUEUE)
        key = bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0);
    send_watch_event(bed, key, value, deleted);
}

static void a_controller_does_not_learn_of_the_other_kind_of_scheduler(void **state)
{
    (void)state;
    struct bed *bed = controller_bed_cold();
    controller_bed_schedulers(bed, 0, NULL);
    struct value value = akka;
    value.kind = VALUE_SCHEDULER;
    bed_forget(bed);
    see(bed, KEY_SCHEDULER, value, false);
    assert_int_equal(bed->sent_count, 0); /* it is not warmed up */
    assert_int_equal(bed_record_count(bed, RECORD_VIEW_CHANGED), 0);
    send_invoke(bed, ACTIVATION_ID(1, 0), BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    expect_answer(bed, ACTIVATION_ID(1, 0), 503, ERROR_NO_SCHEDULER);
    bed_free(bed);
}

static void it_keeps_what_it_knows_of_one(void **state)
{
    (void)state;
    struct bed *bed = controller_bed_new(); /* 0 has 3 queues, 1 has one */
    struct value value = {
        .kind = VALUE_SCHEDULER, .status = ENDPOINTS_AKKA, .node = BED_SCHEDULER1, .a = 9};
    see(bed, KEY_SCHEDULER, value, false);
    see(bed, KEY_SCHEDULER, value, true);
    send_invoke(bed, ACTIVATION_ID(1, 0), BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    answer_look_up(bed, 0, akka); /* as if there were no leader: a queue is asked for */
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->to, BED_SCHEDULER1);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->u.create_queue.akka, 0);
    bed_forget(bed);
    see(bed, KEY_QUEUE, pekko, false);
    struct value other = akka;
    other.node = BED_SCHEDULER0;
    see(bed, KEY_QUEUE, other, false);
    assert_int_equal(bed_record_count(bed, RECORD_VIEW_CHANGED), 1);
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 1));
    bed_free(bed);
}

static void an_older_controllers_questions_are_akkas(void **state)
{
    (void)state;
    struct bed *bed = controller_bed_cold();
    bed->env.behaviour = BEHAVIOUR_5338;
    controller_bed_schedulers(bed, 0, NULL);
    struct value value = akka;
    value.kind = VALUE_SCHEDULER;
    bed_forget(bed);
    see(bed, KEY_SCHEDULER, value, false);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->u.create_queue.akka, 1);
    assert_int_equal(bed_record_count(bed, RECORD_VIEW_CHANGED), 1);
    send_invoke(bed, ACTIVATION_ID(1, 0), BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    answer_look_up(bed, 0, pekko);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 1)->u.create_queue.akka, 1);
    bed_free(bed);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_have_the_values_of_their_commits),
        cmocka_unit_test(a_set_reads_what_it_writes_and_no_other_dialect),
        cmocka_unit_test(a_value_must_name_somebody),
        cmocka_unit_test(the_third_port_is_called_otherwise),
        cmocka_unit_test(a_queue_manager_keeps_the_leader_that_it_knows),
        cmocka_unit_test(a_scheduler_gets_no_remote_message_of_the_other),
        cmocka_unit_test(its_own_key_of_the_other_kind_counts_as_minus_one),
        cmocka_unit_test(a_controller_does_not_learn_of_the_other_kind_of_scheduler),
        cmocka_unit_test(it_keeps_what_it_knows_of_one),
        cmocka_unit_test(an_older_controllers_questions_are_akkas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
