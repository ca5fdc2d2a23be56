/*
 * test_record.c - effects that make records, and records as words.
 */
#include "support/bed.h"
#include "core/fsm.h"

static struct bed *bed;

static int begin(void **state)
{
    (void)state;
    bed = bed_new(NULL, BED_SCHEDULER0, NULL);
    bed->fx.at = bed->now;
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

static void expect_words(const struct record *r, const char *expected)
{
    char text[512];
    size_t length = record_print(&bed->cluster, r, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
}

static void records_are_numbered_and_chained_by_cause(void **state)
{
    (void)state;
    bed->fx.cause = 7;
    struct record *r = effects_record(&bed->fx, RECORD_NODE_STARTED, ACTOR_MAIN_ID);
    assert_int_equal(r->seq, 1);
    assert_int_equal(r->cause, 7);
    r = effects_record(&bed->fx, RECORD_NODE_LISTENING, ACTOR_MAIN_ID);
    assert_int_equal(r->seq, 2);
    assert_int_equal(r->cause, 1);
    assert_int_equal(r->action, ACTION_NONE);
    struct message *m = effects_post(&bed->fx, ACTOR_MAIN_ID, ACTOR_DATA_ID, 3);
    assert_int_equal(m->cause, 2);
    assert_int_equal(m->to, BED_SCHEDULER0);
}

static void the_buffer_grows_and_keeps_what_it_has(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        effects_record(&bed->fx, RECORD_QUEUED, ACTOR_MAIN_ID)->value = i;
        effects_post(&bed->fx, ACTOR_MAIN_ID, ACTOR_DATA_ID, i % 50);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(bed->fx.records[i].value, i);
        assert_int_equal(bed->fx.messages[i].what, i % 50);
    }
}

static void a_refused_message_is_recorded_with_what_it_carried(void **state)
{
    (void)state;
    struct message m = bed_message(bed, MSG_FORWARD, BED_SCHEDULER1, ACTOR_MAIN_ID);
    m.u.activation.id = ACTIVATION_ID(9, 0);
    effects_reject(&bed->fx, ACTOR_MAIN_ID, &m);
    const struct record *r = &bed->fx.records[0];
    assert_int_equal(r->kind, RECORD_MESSAGE_REJECTED);
    assert_int_equal(r->peer, BED_SCHEDULER1);
    assert_int_equal(r->detail, MSG_FORWARD);
    assert_int_equal(r->activation, ACTIVATION_ID(9, 0));
    expect_words(r, "cannot use message forward from scheduler1 (0), with it activation 9");
}

static void a_move_is_recorded_except_a_feeds(void **state)
{
    (void)state;
    uint8_t queue = 0, feed = 0;
    struct record *r = fsm_move(&queue, 1, FSM_QUEUE, &bed->fx, ACTOR(ACTOR_QUEUE, 0, 0));
    r->action = BED_HELLO;
    assert_int_equal(queue, 1);
    expect_words(r, "queue goes from Uninitialized to Running, guest/hello");
    assert_null(fsm_move(&feed, 2, FSM_FEED, &bed->fx, ACTOR_FEED_ID(0)));
    assert_int_equal(feed, 2);
    assert_int_equal(bed->fx.record_count, 1);
    assert_string_equal(fsm_state_name(FSM_PROXY, 9), "Removing");
    assert_string_equal(fsm_state_name(FSM_PROXY, 10), "unknown");
    assert_string_equal(fsm_state_name(FSM_HEALTH, 2), "Healthy");
}

static void records_read_as_plain_words(void **state)
{
    (void)state;
    struct record r = {.kind = RECORD_REQUEST_DONE,
                       .activation = ACTIVATION_ID(17, 0),
                       .action = BED_HELLO,
                       .value = 502,
                       .value2 = ERROR_NO_UPSTREAM,
                       .outcome = OUTCOME_FAILED};
    expect_words(&r, "request 17 for guest/hello ended: HTTP 502, no live upstreams, failed");
    r = (struct record){.kind = RECORD_HANDED_OVER,
                        .activation = ACTIVATION_ID(3, 1),
                        .container = 0xabc,
                        .peer = BED_INVOKER2};
    expect_words(&r, "hands activation 3'1 to container 00000abc on invoker2");
    r = (struct record){.kind = RECORD_APPENDED,
                        .activation = ACTIVATION_ID(4, 0),
                        .peer = BED_CONTROLLER1,
                        .value = TOPIC(TOPIC_SCHEDULER, 1),
                        .value2 = 12};
    expect_words(&r, "appends 4 from controller1 to topic scheduler1 at 12");
    r = (struct record){.kind = RECORD_KEY_DELETED,
                        .detail = 1,
                        .key = {.family = KEY_SCHEDULER, .node = BED_SCHEDULER1}};
    expect_words(&r, "key whisk/scheduler/1 is deleted with its lease");
    r = (struct record){.kind = RECORD_ACKED,
                        .activation = ACTIVATION_ID(4, 0),
                        .peer = BED_CONTROLLER0,
                        .value = RESPONSE_WHISK_ERROR,
                        .value2 = ACK_BY_SCHEDULER,
                        .detail = ACK_COMBINED};
    expect_words(&r, "sends a combined ack for activation 4 to controller0: whisk internal "
                     "error (no controller can read it)");
}

static void a_change_of_a_shared_set_says_what_it_does_to_others(void **state)
{
    (void)state;
    struct record r = {.kind = RECORD_SET_CHANGED,
                       .action = BED_HELLO,
                       .creation = 0x12,
                       .value = 2,
                       .value2 = SET_IS_ADD,
                       .detail = SET_ADD};
    expect_words(&r, "creations of guest/hello: 000012 is in, 2 now");
    r.detail = SET_LOAD;
    expect_words(&r, "creations of guest/hello: 2 loaded, to put in 000012");
    r.detail = SET_STORE;
    expect_words(&r, "creations of guest/hello: 2 stored, with 000012");
    r.value2 = UINT64_C(0x10) << 32 | 3u << SET_MORE_SHIFT | SET_IS_BACK;
    expect_words(&r, "creations of guest/hello: 2 stored, without 000012, over 3 stored since "
                     "the load: 000010 is back");
    r.value2 = UINT64_C(0x10) << 32 | 1u << SET_MORE_SHIFT | SET_IS_ADD;
    expect_words(&r, "creations of guest/hello: 2 stored, with 000012, over 1 stored since "
                     "the load: 000010 is lost");
    r = (struct record){.kind = RECORD_SET_CHANGED,
                        .action = BED_HELLO,
                        .container = 0xabc,
                        .value = 1,
                        .detail = SET_READ_STALE};
    expect_words(&r, "containers of guest/hello: a reader elsewhere still sees 1, not 0: "
                     "00000abc is out");
}

static void every_kind_prints_whatever_its_fields_hold(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        struct record r = {.kind = (uint16_t)kind};
        char text[512];
        assert_true(record_print(&bed->cluster, &r, text, sizeof text) > 5);
        assert_null(strchr(text, '%'));
        memset(&r, 0xff, sizeof r);
        r.kind = (uint16_t)kind;
        assert_true(record_print(&bed->cluster, &r, text, sizeof text) > 5);
        assert_true(record_print(&bed->cluster, &r, text, 4) > 5);
        assert_int_equal(strlen(text), 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_are_numbered_and_chained_by_cause, begin, end),
        cmocka_unit_test_setup_teardown(the_buffer_grows_and_keeps_what_it_has, begin, end),
        cmocka_unit_test_setup_teardown(a_refused_message_is_recorded_with_what_it_carried,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_move_is_recorded_except_a_feeds, begin, end),
        cmocka_unit_test_setup_teardown(records_read_as_plain_words, begin, end),
        cmocka_unit_test_setup_teardown(a_change_of_a_shared_set_says_what_it_does_to_others,
                                        begin, end),
        cmocka_unit_test_setup_teardown(every_kind_prints_whatever_its_fields_hold, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
