/*
 * test_controller_queue.c - createQueue, recreation, watched keys, scheduler warm-up.
 */
#include "support/controller_wide_bed.h"
#include <string.h>

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

/* The first call of an action that has no queue: scheduler1 is asked. */
static void ask_for_queue(void)
{
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    answer_look_up(bed, 0, NO_KEY);
    answer_produced(bed, 0, true);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 1);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->to, BED_SCHEDULER1);
}

static void queue_created(uint32_t n, bool success)
{
    struct message m = bed_reply(bed_sent(bed, MSG_CREATE_QUEUE, n), MSG_QUEUE_CREATED);
    m.u.queue_created.success = success;
    bed_deliver(bed, &m);
}

static void any_answer_ends_the_asking(void **state)
{
    (void)state;
    ask_for_queue();
    queue_created(0, false);
    bed_pass(bed, SEC(50));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 1);
}

static void no_answer_in_eight_seconds_asks_another_scheduler(void **state)
{
    (void)state;
    ask_for_queue();
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->u.create_queue.revision, 1);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->to_actor,
                     ACTOR(ACTOR_QUEUE_MANAGER, 0, 0));
    bed_pass(bed, SEC(8) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 1);
    bed_pass(bed, 1);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 1)->to, BED_SCHEDULER0);
    assert_int_equal(bed_record(bed, RECORD_QUEUE_ASKED, 1)->peer, BED_SCHEDULER0);
    queue_created(0, true); /* late, of the first: ignored */
    bed_pass(bed, SEC(50)); /* none is left that was not asked: it gives up in silence */
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 2);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 0);
    /* the message stays in the first one's topic */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 1));
}

static void a_dead_scheduler_costs_the_whole_time(void **state)
{
    (void)state;
    ask_for_queue();
    bed_link(bed, BED_SCHEDULER1, true);
    bed_pass(bed, SEC(8) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 1);
}

static void a_leaders_put_is_cached_and_its_deletion_forgotten(void **state)
{
    (void)state;
    struct key leader = bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0);
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    send_watch_event(bed, leader, endpoints(BED_SCHEDULER1), false);
    send_watch_event(bed, leader, (struct value){.kind = VALUE_RAW}, false); /* ignored */
    send_invoke(bed, ID, BED_HELLO, false);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 1));
    answer_produced(bed, 0, true);
    send_ack(bed, an_ack(ID, ACK_COMPLETION, RESPONSE_SUCCESS));
    send_watch_event(bed, leader, endpoints(BED_SCHEDULER1), true);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0); /* no slot needs it */
    send_invoke(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 1);
}

static void a_vanished_leader_is_made_again_for_a_slot_that_needs_it(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    controller_bed_ready(bed, BED_SLOW, BED_SCHEDULER0);
    invoke_published(bed, ID, BED_HELLO, false);
    invoke_published(bed, ACTIVATION_ID(2, 0), BED_HELLO, false);
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_SLOW, 0), endpoints(BED_SCHEDULER0),
                     true);
    assert_int_equal(bed->sent_count, 0); /* another action's */
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0),
                     endpoints(BED_SCHEDULER0), true);
    expect_trace(bed, "controller0/balancer#1 > scheduler1/queue-manager#0 create-queue "
                      "guest/hello\n");
    expect_records(bed, "believes that key whisk/queue/guest/guest/slow/leader is gone\n"
                        "believes that key whisk/queue/guest/guest/hello/leader is gone\n"
                        "asks scheduler1 for a queue of guest/hello\n");
    bed_pass(bed, SEC(8));
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 1)->to, BED_SCHEDULER0);
    queue_created(1, true);
    bed_pass(bed, SEC(20));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 2);
}

static void the_dead_scheduler_may_be_chosen_because_its_key_is_deleted_later(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER1); /* it has the fewest queues */
    invoke_published(bed, ID, BED_HELLO, false);
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0),
                     endpoints(BED_SCHEDULER1), true);
    send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER1),
                     scheduler_state(BED_SCHEDULER1, 1), true);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->to, BED_SCHEDULER1);
    bed_pass(bed, SEC(8));
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 1)->to, BED_SCHEDULER0);
}

static void without_any_scheduler_nothing_is_made_again(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER1);
    invoke_published(bed, ID, BED_HELLO, false);
    for (node_id node = BED_SCHEDULER0; node <= BED_SCHEDULER1; node++)
        send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, node), scheduler_state(node, 1),
                         true);
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0),
                     endpoints(BED_SCHEDULER1), true);
    assert_int_equal(bed->sent_count, 0);
}

static void a_recreation_reads_the_action_when_its_copy_is_too_old(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_SLOW, BED_SCHEDULER0);
    invoke_published(bed, ID, BED_SLOW, false);
    struct key leader = bed_key(KEY_QUEUE, BED_GUEST, BED_SLOW, 0);
    bed_pass(bed, SEC(301));
    bed_forget(bed);
    send_watch_event(bed, leader, endpoints(BED_SCHEDULER0), true);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0);
    answer_action(bed, DOCUMENT_ERROR); /* not handled: nothing happens */
    bed_pass(bed, SEC(20));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0);
    bed_forget(bed);
    send_watch_event(bed, leader, endpoints(BED_SCHEDULER0), true);
    answer_action(bed, DOCUMENT_FOUND);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 1);
}

static void a_new_scheduler_is_warmed_up_once(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 0};
    bed_forget(bed);
    bed_free(bed);
    bed = controller_bed_cold();
    controller_bed_schedulers(bed, 1, sizes);
    const struct message *m = bed_sent(bed, MSG_KAFKA_PRODUCE, 0);
    assert_int_equal(m->u.produce.topic, TOPIC(TOPIC_SCHEDULER, 0));
    assert_int_equal(m->u.produce.entry.kind, ENTRY_WARM_UP);
    assert_int_equal(m->u.produce.entry.u.activation.action, ACTION_WARM_UP);
    m = bed_sent(bed, MSG_CREATE_QUEUE, 0);
    assert_int_equal(m->to, BED_SCHEDULER0);
    assert_int_equal(m->u.create_queue.action, ACTION_WARM_UP);
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER0),
                     scheduler_state(BED_SCHEDULER0, 9), false);
    assert_int_equal(bed->sent_count, 0);
    send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER1),
                     scheduler_state(BED_SCHEDULER1, 0), false);
    assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, 0)->u.produce.topic,
                     TOPIC(TOPIC_SCHEDULER, 1));
    assert_int_equal(bed_record_count(bed, RECORD_QUEUE_ASKED), 0);
    queue_created(0, true); /* nobody waits for it */
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 0);
    expect_count(bed, "0");
}

static void a_late_first_read_brings_a_deleted_scheduler_back(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 0};
    struct key key = bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER0);
    send_watch_event(bed, key, scheduler_state(BED_SCHEDULER0, 0), true);
    controller_bed_schedulers(bed, 1, sizes);
    bed_forget(bed);
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 1);
}

static void a_first_read_that_fails_twice_is_not_repeated(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), i + 1);
        struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, i), MSG_REFUSED);
        m.u.refused.kind = MSG_ETCD_RANGE;
        bed_deliver(bed, &m);
    }
    bed_pass(bed, MINUTES(5));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 2);
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER1),
                     scheduler_state(BED_SCHEDULER1, 2), false); /* its next PUT */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 1);
}

/* Eight schedulers, the n-th with n queues in front of it. */
static void begin_wide(void)
{
    bed_free(bed);
    bed = controller_wide_bed_of(WIDE_SCHEDULERS_MAX);
    bed_start(bed);
    for (uint32_t i = 0; i < WIDE_SCHEDULERS_MAX; i++)
        send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, wide_scheduler(bed, i)),
                         scheduler_state(wide_scheduler(bed, i), i + 1), false);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), WIDE_SCHEDULERS_MAX);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), WIDE_SCHEDULERS_MAX);
    for (uint32_t i = 0; i < WIDE_SCHEDULERS_MAX; i++)
        answer_produced(bed, i, true);
    bed_forget(bed);
}

static void six_schedulers_are_asked_at_most(void **state)
{
    (void)state;
    begin_wide();
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    answer_look_up(bed, 0, NO_KEY);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), i + 1);
        const struct message *m = bed_sent(bed, MSG_CREATE_QUEUE, i);
        assert_int_equal(m->to, wide_scheduler(bed, i));
        assert_int_equal(m->from_actor, ACTOR(ACTOR_BALANCER, 1, i + 1));
        assert_int_equal(m->corr, ID);
        assert_int_equal(m->u.create_queue.action, BED_HELLO);
        assert_int_equal(m->u.create_queue.ns, BED_GUEST);
        assert_int_equal(m->u.create_queue.revision, 1);
        bed_pass(bed, SEC(8));
    }
    bed_pass(bed, MINUTES(1));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 6);
}

static void of_equal_schedulers_the_first_is_asked(void **state)
{
    (void)state;
    begin_wide();
    static const uint32_t sizes[] = {9, 4, 4, 5, 4, 9, 9, 9};
    for (uint32_t i = 0; i < WIDE_SCHEDULERS_MAX; i++)
        send_watch_event(bed, bed_key(KEY_SCHEDULER, 0, 0, wide_scheduler(bed, i)),
                         scheduler_state(wide_scheduler(bed, i), sizes[i]), false);
    assert_int_equal(bed->sent_count, 0); /* they are warm */
    send_invoke(bed, ID, BED_HELLO, false);
    answer_action(bed, DOCUMENT_FOUND);
    answer_look_up(bed, 0, NO_KEY);
    static const uint32_t order[] = {1, 2, 4, 3};
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, i)->to, wide_scheduler(bed, order[i]));
        bed_pass(bed, SEC(8));
    }
}

/* The first call of each action; each ends by itself, wherever it stands. */
static void several_askings_do_not_touch_each_other(void **state)
{
    (void)state;
    static const action_id actions[] = {BED_HELLO, BED_SLOW, BED_FAILS, BED_WIDE};
    begin_wide();
    for (uint32_t i = 0; i < 4; i++) {
        send_invoke(bed, ACTIVATION_ID(i + 1, 0), actions[i], false);
        struct message m =
            bed_reply(bed_sent(bed, MSG_DATABASE_READ, i), MSG_DATABASE_DOCUMENT);
        m.u.database.result = DOCUMENT_FOUND;
        m.u.database.revision = i + 1;
        bed_deliver(bed, &m);
        answer_look_up(bed, i, NO_KEY);
        assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, i)->u.create_queue.revision, i + 1);
        bed_pass(bed, MSEC(1));
    }
    queue_created(1, true);
    queue_created(3, true);
    queue_created(0, true);
    bed_pass(bed, SEC(9));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 5);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 4)->u.create_queue.action, BED_FAILS);
    queue_created(2, true); /* the first attempt's comes too late */
    bed_pass(bed, SEC(8));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 6);
    queue_created(5, true);
    bed_pass(bed, SEC(20));
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 6);
}

static void answer_read(uint32_t n, enum document_result result)
{
    struct message m = bed_reply(bed_sent(bed, MSG_DATABASE_READ, n), MSG_DATABASE_DOCUMENT);
    m.u.database.result = (uint8_t)result;
    m.u.database.revision = 1;
    bed_deliver(bed, &m);
}

static void each_recreation_waits_for_its_own_action(void **state)
{
    (void)state;
    bed->actions[BED_HELLO].timeout = SEC(300);
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    controller_bed_ready(bed, BED_SLOW, BED_SCHEDULER0);
    invoke_published(bed, ACTIVATION_ID(1, 0), BED_HELLO, false);
    invoke_published(bed, ACTIVATION_ID(2, 0), BED_SLOW, false);
    bed_pass(bed, SEC(301));
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0), NO_KEY, true);
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_SLOW, 0), NO_KEY, true);
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0), NO_KEY, true);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_READ), 2);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0);
    answer_read(1, DOCUMENT_FOUND);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 1);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->u.create_queue.action, BED_SLOW);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->from_actor,
                     ACTOR(ACTOR_BALANCER, 2, 1));
    answer_read(0, DOCUMENT_FOUND);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 3);
    for (uint32_t i = 1; i < 3; i++)
        assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, i)->u.create_queue.action, BED_HELLO);
    /* later reads of an action begin none of them again */
    struct message word =
        bed_message(bed, MSG_CACHE_INVALIDATION, BED_CONTROLLER1, ACTOR_MAIN_ID);
    word.u.invalidation.action = BED_SLOW;
    word.u.invalidation.revision = 1;
    bed_deliver(bed, &word);
    send_invoke(bed, ACTIVATION_ID(4, 0), BED_SLOW, false);
    answer_read(2, DOCUMENT_FOUND);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 3);
    bed_pass(bed, SEC(301));
    bed_forget(bed);
    send_invoke(bed, ACTIVATION_ID(3, 0), BED_SLOW, false);
    answer_read(0, DOCUMENT_FOUND);
    assert_int_equal(bed_sent_count(bed, MSG_CREATE_QUEUE), 0);
}

/* Of the same name in another namespace, or without a slot: nothing needs it. */
static void a_queue_that_no_slot_needs_is_not_made_again(void **state)
{
    (void)state;
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    invoke_published(bed, ID, BED_HELLO, true);
    bed_forget(bed);
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_OTHER, BED_HELLO, 0), NO_KEY, true);
    assert_int_equal(bed->sent_count, 0);
    send_ack(bed, an_ack(ID, ACK_COMPLETION, RESPONSE_SUCCESS)); /* the call still waits */
    send_watch_event(bed, bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0), NO_KEY, true);
    assert_int_equal(bed->sent_count, 0);
}

/* What a controller believes of a key, by what the watch tells of it. */
static void only_what_can_be_read_is_believed(void **state)
{
    (void)state;
    static const struct value raw = {.kind = VALUE_RAW};
    const struct {
        enum key_family family;
        struct value value;
        bool deleted, is_believed, is_there;
        node_id owner;
    } cases[] = {
        {KEY_QUEUE, endpoints(BED_SCHEDULER1), false, true, true, BED_SCHEDULER1},
        {KEY_QUEUE, raw, false, false, false, 0},
        {KEY_QUEUE, flag(true), false, false, false, 0},
        {KEY_QUEUE, raw, true, true, false, 0},
        {KEY_QUEUE, endpoints(BED_SCHEDULER1), true, true, false, BED_SCHEDULER1},
        {KEY_SCHEDULER, scheduler_state(BED_SCHEDULER0, 4), false, true, true, NODE_NONE},
        {KEY_SCHEDULER, raw, false, false, false, 0},
        {KEY_SCHEDULER, raw, true, false, false, 0},
        {KEY_SCHEDULER, scheduler_state(BED_SCHEDULER0, 4), true, true, false, NODE_NONE},
        {KEY_THROTTLING, flag(true), false, true, true, NODE_NONE},
        {KEY_THROTTLING, flag(false), false, true, false, NODE_NONE},
        {KEY_THROTTLING, raw, false, true, false, NODE_NONE},
        {KEY_THROTTLING, flag(true), true, true, false, NODE_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct key key = bed_key(cases[i].family, BED_GUEST, BED_HELLO, BED_SCHEDULER0);
        bed_forget(bed);
        send_watch_event(bed, key, cases[i].value, cases[i].deleted);
        assert_int_equal(bed_record_count(bed, RECORD_VIEW_CHANGED), cases[i].is_believed);
        assert_int_equal(bed->sent_count, 0);
        if (!cases[i].is_believed)
            continue;
        const struct record *r = bed_record(bed, RECORD_VIEW_CHANGED, 0);
        assert_int_equal(r->detail, cases[i].is_there);
        assert_int_equal(r->peer, cases[i].owner);
    }
}

/* A scheduler that was not there is not gone either; one that comes back is warmed up again. */
static void schedulers_come_and_go(void **state)
{
    (void)state;
    struct key key = bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER0);
    for (uint32_t i = 0; i < 2; i++)
        send_watch_event(bed, key, scheduler_state(BED_SCHEDULER0, 0), true);
    controller_bed_ready(bed, BED_HELLO, BED_SCHEDULER0);
    for (uint32_t i = 1; i <= 20; i++) {
        send_invoke(bed, ACTIVATION_ID(i, 0), BED_HELLO, false);
        assert_int_equal(bed_sent(bed, MSG_KAFKA_PRODUCE, i - 1)->u.produce.topic,
                         TOPIC(TOPIC_SCHEDULER, 1));
    }
    bed_forget(bed);
    send_watch_event(bed, key, scheduler_state(BED_SCHEDULER0, 0), false);
    expect_trace(bed, "controller0/producer#0 > kafka produce scheduler0 warm-up\n"
                      "controller0/balancer#0 > scheduler0/queue-manager#0 create-queue "
                      "whisk.system/warmUp\n");
    send_watch_event(bed, key, scheduler_state(BED_INVOKER0, 0),
                     false); /* it is no scheduler */
    assert_int_equal(bed->sent_count, 2);
}

static void a_warm_up_is_an_activation_without_an_id(void **state)
{
    (void)state;
    bed_pass(bed, SEC(3));
    begin_wide();
    bed_pass(bed, SEC(3));
    struct key key = bed_key(KEY_SCHEDULER, 0, 0, wide_scheduler(bed, 2));
    send_watch_event(bed, key, scheduler_state(wide_scheduler(bed, 2), 0), true);
    bed_forget(bed);
    send_watch_event(bed, key, scheduler_state(wide_scheduler(bed, 2), 0), false);
    const struct message *m = bed_sent(bed, MSG_KAFKA_PRODUCE, 0);
    const struct activation *a = &m->u.produce.entry.u.activation;
    assert_int_equal(m->u.produce.topic, TOPIC(TOPIC_SCHEDULER, 2));
    assert_int_equal(a->id, 0);
    assert_int_equal(a->revision, 0);
    assert_int_equal(a->started_at, bed->now);
    assert_int_equal(a->action, ACTION_WARM_UP);
    assert_int_equal(a->ns, NAMESPACE_SYSTEM);
    assert_int_equal(a->controller, BED_CONTROLLER0);
    assert_int_equal(a->blocking, 0);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->u.create_queue.ns, NAMESPACE_SYSTEM);
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->to_actor,
                     ACTOR(ACTOR_QUEUE_MANAGER, 0, 0));
    assert_int_equal(bed_sent(bed, MSG_CREATE_QUEUE, 0)->from_actor,
                     ACTOR(ACTOR_BALANCER, 3, 0));
}

static void the_read_at_the_start_waits_ten_seconds_for_each_attempt(void **state)
{
    (void)state;
    bed_pass(bed, SEC(10) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 1);
    bed_pass(bed, 1);
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 2);
    static const uint32_t sizes[] = {0, 0};
    controller_bed_schedulers(bed, 2, sizes); /* to the first attempt: too late */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 0);
    bed_pass(bed, SEC(10));
    struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, 1), MSG_ETCD_RANGED);
    bed_deliver(bed, &m);
    bed_pass(bed, MINUTES(1));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 2);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_PRODUCE), 0);
}

static void what_is_read_at_the_start_is_believed(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {2, 0};
    bed_forget(bed);
    bed_free(bed);
    bed = controller_bed_cold();
    controller_bed_schedulers(bed, 2, sizes);
    expect_records(bed, "believes that key whisk/scheduler/0 is there\n"
                        "believes that key whisk/scheduler/1 is there\n");
    bed_pass(bed, SEC(30));
    assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGE), 1); /* its time-out is over */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define COLD_TEST(name) cmocka_unit_test_setup_teardown(name, begin_cold, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_answer_ends_the_asking),
        TEST(no_answer_in_eight_seconds_asks_another_scheduler),
        TEST(a_dead_scheduler_costs_the_whole_time),
        TEST(a_leaders_put_is_cached_and_its_deletion_forgotten),
        TEST(a_vanished_leader_is_made_again_for_a_slot_that_needs_it),
        TEST(the_dead_scheduler_may_be_chosen_because_its_key_is_deleted_later),
        TEST(without_any_scheduler_nothing_is_made_again),
        TEST(a_recreation_reads_the_action_when_its_copy_is_too_old),
        TEST(a_new_scheduler_is_warmed_up_once),
        COLD_TEST(a_late_first_read_brings_a_deleted_scheduler_back),
        COLD_TEST(a_first_read_that_fails_twice_is_not_repeated),
        TEST(six_schedulers_are_asked_at_most),
        TEST(of_equal_schedulers_the_first_is_asked),
        TEST(several_askings_do_not_touch_each_other),
        TEST(each_recreation_waits_for_its_own_action),
        TEST(a_queue_that_no_slot_needs_is_not_made_again),
        TEST(only_what_can_be_read_is_believed),
        TEST(schedulers_come_and_go),
        TEST(a_warm_up_is_an_activation_without_an_id),
        COLD_TEST(the_read_at_the_start_waits_ten_seconds_for_each_attempt),
        TEST(what_is_read_at_the_start_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
