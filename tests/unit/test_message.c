/*
 * test_message.c - what the host knows of messages, and their texts.
 */
#include "support/bed.h"

static struct bed *bed;

static int begin(void **state)
{
    (void)state;
    bed = bed_new(NULL, BED_CONTROLLER0, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

static void expect_text(const struct message *m, const char *expected)
{
    char text[512];
    message_print(&bed->cluster, m, text, sizeof text);
    assert_string_equal(text, expected);
}

static void links_say_which_messages_keep_their_order(void **state)
{
    (void)state;
    assert_true(message_infos[MSG_KAFKA_PRODUCE].ordered);
    assert_true(message_infos[MSG_WATCH_EVENT].ordered);
    assert_true(message_infos[MSG_FORWARD].ordered);
    assert_false(message_infos[MSG_FETCH].ordered);
    assert_false(message_infos[MSG_ETCD_PUT].ordered);
    assert_false(message_infos[MSG_HTTP_REQUEST].ordered);
    assert_true(message_infos[MSG_FETCH].call);
    assert_false(message_infos[MSG_CREATE_QUEUE].call);
    assert_true(message_infos[MSG_INVOKE].carries);
    assert_false(message_infos[MSG_KAFKA_PRODUCE].carries);
}

static void messages_read_as_one_line_with_names(void **state)
{
    (void)state;
    struct message m = bed_message(bed, MSG_INVOKE, BED_EDGE, ACTOR_MAIN_ID);
    m.u.invoke.id = ACTIVATION_ID(17, 1);
    m.u.invoke.action = BED_HELLO;
    m.u.invoke.blocking = 1;
    expect_text(&m, "edge > controller0 invoke 17.1 guest/hello blocking");

    m = bed_message(bed, MSG_KAFKA_PRODUCE, BED_CONTROLLER0, ACTOR_MAIN_ID);
    m.to = BED_KAFKA;
    m.from_actor = ACTOR(ACTOR_PRODUCER, 0, 3);
    m.u.produce.topic = TOPIC(TOPIC_SCHEDULER, 1);
    m.u.produce.entry.kind = ENTRY_ACTIVATION;
    m.u.produce.entry.u.activation.id = ACTIVATION_ID(17, 0);
    expect_text(
        &m, "controller0/producer#3 > kafka produce scheduler1 activation 17.0 guest/hello");

    m = bed_message(bed, MSG_ETCD_RANGE, BED_CONTROLLER0, ACTOR_MAIN_ID);
    m.to = BED_ETCD;
    m.u.etcd.key = bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0);
    expect_text(&m, "controller0 > etcd range get whisk/queue/guest/guest/hello/leader");

    m = bed_message(bed, MSG_WATCH_EVENT, BED_ETCD, ACTOR_WATCHER_ID);
    m.u.watch.key = bed_key(KEY_SCHEDULER, 0, 0, BED_SCHEDULER0);
    m.u.watch.watch = 1;
    m.u.watch.deleted = 1;
    expect_text(&m, "etcd > controller0/watcher#0 watch-event 1 deleted whisk/scheduler/0");
}

static void every_kind_prints_whatever_its_payload_holds(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < MESSAGE_KIND_COUNT; kind++) {
        struct message m = bed_message(bed, (enum message_kind)kind, BED_EDGE, ACTOR_MAIN_ID);
        char text[512];
        assert_true(message_print(&bed->cluster, &m, text, sizeof text) > 10);
        assert_non_null(strstr(text, message_to_string(kind)));
        memset(&m.u, 0xff, sizeof m.u);
        assert_true(message_print(&bed->cluster, &m, text, sizeof text) > 10);
        assert_true(message_print(&bed->cluster, &m, NULL, 0) > 10);
    }
}

static void the_key_of_a_message_is_what_it_is_about(void **state)
{
    (void)state;
    struct message a = bed_message(bed, MSG_INVOKE, BED_EDGE, ACTOR_MAIN_ID), b = a;
    a.u.invoke.id = b.u.invoke.id = ACTIVATION_ID(5, 0);
    b.corr = a.corr + 1; /* other requests may have come before */
    assert_int_equal(message_key(&a), message_key(&b));
    b.u.invoke.id = ACTIVATION_ID(6, 0);
    assert_int_not_equal(message_key(&a), message_key(&b));
    a = bed_message(bed, MSG_ETCD_RANGE, BED_CONTROLLER0, ACTOR_MAIN_ID);
    b = a;
    b.corr = a.corr + 1;
    assert_int_not_equal(message_key(&a), message_key(&b));
    b = a;
    b.from_actor = ACTOR(ACTOR_DATA, 0, 0);
    assert_int_not_equal(message_key(&a), message_key(&b));
}

static void blobs_are_those_of_the_kind(void **state)
{
    (void)state;
    blob *blobs[3];
    struct message m = bed_message(bed, MSG_HTTP_REQUEST, BED_EDGE, ACTOR_MAIN_ID);
    assert_int_equal(message_blobs(&m, blobs), 3);
    assert_ptr_equal(blobs[2], &m.u.http_request.body);
    m.kind = MSG_HTTP_REPLY;
    assert_int_equal(message_blobs(&m, blobs), 2);
    m.kind = MSG_KAFKA_RECORDS;
    assert_int_equal(message_blobs(&m, blobs), 1);
    m.kind = MSG_ETCD_RANGED;
    assert_int_equal(message_blobs(&m, blobs), 1);
    assert_ptr_equal(blobs[0], &m.u.etcd_done.kvs);
    m.kind = MSG_INVOKE;
    assert_int_equal(message_blobs(&m, blobs), 0);
}

static void payload_structs_have_the_sizes_they_promise(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct activation), 24);
    assert_int_equal(sizeof(struct ack), 24);
    assert_int_equal(sizeof(struct creation), 24);
    assert_int_equal(sizeof(struct entry), 32);
    assert_int_equal(sizeof(struct key), 16);
    assert_int_equal(sizeof(struct value), 16);
    assert_int_equal(sizeof(struct etcd_kv), 64);
    assert_int_equal(sizeof(struct record_query), 24);
    assert_int_equal(sizeof(struct record_document), 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(links_say_which_messages_keep_their_order, begin, end),
        cmocka_unit_test_setup_teardown(messages_read_as_one_line_with_names, begin, end),
        cmocka_unit_test_setup_teardown(every_kind_prints_whatever_its_payload_holds, begin,
                                        end),
        cmocka_unit_test_setup_teardown(the_key_of_a_message_is_what_it_is_about, begin, end),
        cmocka_unit_test_setup_teardown(blobs_are_those_of_the_kind, begin, end),
        cmocka_unit_test_setup_teardown(payload_structs_have_the_sizes_they_promise, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
