/*
 * test_invoker_consumer.c - creations as the feed hands them over, one activation's document
 * and run, and the producer of acks.
 */
#include "support/invoker_bed.h"

static void hand_over(struct invoker_bed *t, const struct entry *entry)
{
    struct message m = invoker_bed_post(t, ACTOR_FEED_ID(0), ACTOR_CONSUMER_ID, POST_FEED_ITEM);
    MESSAGE_LOCAL(&m, struct post_item)->entry = *entry;
    bed_deliver(t->bed, &m);
}

static uint32_t posted(const struct invoker_bed *t, unsigned what)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < bed_posts(t->bed); i++)
        count += bed_post(t->bed, i)->what == what;
    return count;
}

static void the_identity_is_read_before_the_action_and_both_once(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    invoker_bed_create(t, BED_HELLO, 1);
    assert_int_equal(bed_sent_count(t->bed, MSG_DATABASE_READ), 2);
    const struct message *identity = bed_sent(t->bed, MSG_DATABASE_READ, 0);
    assert_int_equal(identity->u.database.document, DOCUMENT_IDENTITY);
    assert_int_equal(identity->u.database.ns, BED_GUEST);
    const struct message *action = bed_sent(t->bed, MSG_DATABASE_READ, 1);
    assert_int_equal(action->u.database.document, DOCUMENT_ACTION);
    assert_int_equal(action->u.database.action, BED_HELLO);
    assert_int_equal(action->u.database.revision, REVISION_FIRST);
    assert_int_equal(t->invoker->pool.lists[POOL_IN_PROGRESS].count, 1);
    invoker_bed_create(t, BED_HELLO, 2);
    assert_int_equal(bed_sent_count(t->bed, MSG_DATABASE_READ), 2);
    assert_int_equal(t->invoker->pool.lists[POOL_IN_PROGRESS].count, 2);
    invoker_bed_free(t);
}

static void each_callback_is_a_turn_of_its_own(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    invoker_bed_create(t, BED_HELLO, 1);
    t->bed->posts_by_hand = true;
    struct entry entry = {.kind = ENTRY_CREATION, .cause = 3};
    entry.u.creation = invoker_bed_creation(BED_HELLO, 2);
    hand_over(t, &entry);
    assert_int_equal(bed_posts(t->bed), 1);
    assert_int_equal(bed_post(t->bed, 0)->to_actor, CALLBACK_CONSUMER_ID);
    bed_post_next(t->bed);
    assert_int_equal(bed_posts(t->bed), 1); /* the action */
    bed_post_next(t->bed);
    assert_int_equal(bed_posts(t->bed), 2);
    assert_int_equal(bed_post(t->bed, 0)->what, POST_CREATION_CONTAINER);
    assert_int_equal(bed_post(t->bed, 0)->cause, 3);
    assert_int_equal(bed_post(t->bed, 1)->what, POST_FEED_PROCESSED);
    assert_int_equal(bed_post(t->bed, 1)->to_actor, ACTOR_FEED_ID(0));
    invoker_bed_free(t);
}

static void a_failed_read_is_answered_and_the_capacity_given_back(void **state)
{
    (void)state;
    static const uint8_t results[] = {DOCUMENT_MISSING, DOCUMENT_MISMATCH, DOCUMENT_ERROR};
    for (unsigned i = 0; i < 3; i++) {
        struct invoker_bed *t = invoker_bed_new();
        t->document = results[i];
        t->is_database_silent = true;
        invoker_bed_create(t, BED_HELLO, 1);
        struct message m =
            bed_reply(bed_sent(t->bed, MSG_DATABASE_READ, 0), MSG_DATABASE_DOCUMENT);
        m.u.database.result = results[i];
        t->bed->posts_by_hand = true;
        bed_deliver(t->bed, &m);
        const struct message *ack = bed_sent(t->bed, MSG_KAFKA_PRODUCE, 0);
        assert_int_equal(ack->u.produce.entry.u.creation.error, CREATION_DB_FETCH);
        assert_int_equal(posted(t, POST_FEED_PROCESSED), 1);
        assert_int_equal(posted(t, POST_CREATION_CONTAINER), 0);
        assert_int_equal(t->invoker->readings_open, 0);
        invoker_bed_free(t);
    }
}

static void a_database_that_goes_down_fails_the_reads(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    t->is_database_silent = true;
    invoker_bed_create(t, BED_HELLO, 1);
    invoker_bed_create(t, BED_SLOW, 2);
    bed_link(t->bed, BED_DATABASE, true);
    assert_int_equal(bed_record_count(t->bed, RECORD_CREATION_ANSWERED), 2);
    assert_int_equal(bed_record(t->bed, RECORD_CREATION_ANSWERED, 0)->creation, 1);
    assert_int_equal(bed_record(t->bed, RECORD_CREATION_ANSWERED, 1)->creation, 2);
    assert_int_equal(bed_record(t->bed, RECORD_CREATION_ANSWERED, 1)->detail,
                     CREATION_DB_FETCH);
    invoker_bed_free(t);
}

static void warm_ups_and_what_cannot_be_read_are_only_processed(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    t->bed->posts_by_hand = true;
    struct entry entry = {.kind = ENTRY_WARM_UP};
    hand_over(t, &entry);
    entry.kind = ENTRY_CREATION;
    entry.u.creation = invoker_bed_creation(BED_HELLO, 2);
    entry.u.creation.action = ACTION_WARM_UP;
    hand_over(t, &entry);
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), 0);
    entry.kind = ENTRY_ACTIVATION;
    hand_over(t, &entry);
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), 1);
    assert_int_equal(posted(t, POST_FEED_PROCESSED), 3);
    assert_int_equal(bed_posts(t->bed), 3);
    assert_int_equal(bed_sent_count(t->bed, MSG_DATABASE_READ), 0);
    invoker_bed_free(t);
}

static void an_activation_of_another_revision_reads_the_document(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 1);
    struct activation activation = invoker_bed_activation(BED_HELLO, 2, true);
    activation.revision = 2;
    t->is_database_silent = true;
    invoker_bed_forget(t);
    invoker_bed_give(t, slot, &activation);
    const struct message *read = bed_sent(t->bed, MSG_DATABASE_READ, 0);
    assert_int_equal(read->u.database.revision, 2);
    struct message m = bed_reply(read, MSG_DATABASE_DOCUMENT);
    m.u.database.result = DOCUMENT_MISMATCH;
    bed_deliver(t->bed, &m); /* tried again with the latest one */
    read = bed_sent(t->bed, MSG_DATABASE_READ, 1);
    assert_int_equal(read->u.database.revision, 0);
    m = bed_reply(read, MSG_DATABASE_DOCUMENT);
    m.u.database.result = DOCUMENT_MISSING;
    bed_deliver(t->bed, &m);
    const struct ack *ack = &bed_sent(t->bed, MSG_KAFKA_PRODUCE, 0)->u.produce.entry.u.ack;
    assert_int_equal(ack->kind, ACK_COMBINED);
    assert_int_equal(ack->status, RESPONSE_APPLICATION_ERROR);
    assert_int_equal(bed_sent_count(t->bed, MSG_DATABASE_STORE), 1);
    assert_int_equal(bed_record_count(t->bed, RECORD_RUN_STARTED), 0);
    assert_int_equal(slot->proxy.state, PROXY_REMOVING);
    invoker_bed_free(t);
}

static void an_action_that_fails_keeps_its_container_and_one_too_slow_does_not(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_running(t, BED_FAILS, 1, 1);
    const struct record *ended = bed_record(t->bed, RECORD_RUN_ENDED, 0);
    assert_int_equal(ended->detail, RESPONSE_APPLICATION_ERROR);
    assert_int_equal(bed_record(t->bed, RECORD_ACKED, 1)->value, RESPONSE_APPLICATION_ERROR);
    assert_int_equal(slot->proxy.state, PROXY_RUNNING);
    t->bed->actions[BED_HELLO].run_a = SEC(61);
    struct slot *slow = invoker_bed_container(t, BED_HELLO, 2);
    struct activation activation = invoker_bed_activation(BED_HELLO, 3, true);
    invoker_bed_forget(t);
    invoker_bed_give(t, slow, &activation);
    invoker_bed_pass(t, SEC(61));
    ended = bed_record(t->bed, RECORD_RUN_ENDED, 0);
    assert_int_equal(ended->detail, RESPONSE_DEVELOPER_ERROR);
    assert_int_equal(ended->value, SEC(60));
    const struct ack *ack = &bed_sent(t->bed, MSG_KAFKA_PRODUCE, 1)->u.produce.entry.u.ack;
    assert_int_equal(ack->kind, ACK_COMPLETION);
    assert_int_equal(ack->error, ERROR_TIMED_OUT);
    assert_int_equal(bed_record_count(t->bed, RECORD_CONTAINER_GONE), 1);
    assert_int_equal(t->invoker->health.state, HEALTH_HEALTHY); /* no whisk error */
    invoker_bed_free(t);
}

static void acks_are_sent_again_in_order_when_kafka_was_down(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    t->is_kafka_silent = true;
    invoker_bed_running(t, BED_HELLO, 1, 1); /* a creation ack, a result; completion waits */
    assert_int_equal(producer_count(&t->invoker->producer), 2);
    invoker_bed_forget(t);
    bed_link(t->bed, BED_KAFKA, true);
    invoker_bed_pass(t, MSEC(99));
    assert_int_equal(bed_sent_count(t->bed, MSG_KAFKA_PRODUCE), 0);
    t->is_kafka_silent = false;
    invoker_bed_pass(t, MSEC(1));
    assert_int_equal(bed_sent_count(t->bed, MSG_KAFKA_PRODUCE), 3);
    const struct entry *entries[3];
    for (unsigned i = 0; i < 3; i++)
        entries[i] = &bed_sent(t->bed, MSG_KAFKA_PRODUCE, i)->u.produce.entry;
    assert_int_equal(entries[0]->kind, ENTRY_CREATION_ACK);
    assert_int_equal(entries[1]->u.ack.kind, ACK_RESULT);
    assert_int_equal(entries[2]->u.ack.kind, ACK_COMPLETION); /* when the result has gone */
    assert_int_equal(producer_count(&t->invoker->producer), 0);
    invoker_bed_free(t);
}

static void an_answer_that_crossed_the_break_is_not_heard(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    t->is_kafka_silent = true;
    invoker_bed_container(t, BED_HELLO, 1);
    const struct message *produce = bed_sent(t->bed, MSG_KAFKA_PRODUCE, 0);
    struct message reply = bed_reply(produce, MSG_KAFKA_PRODUCED);
    reply.u.produced.topic = produce->u.produce.topic;
    reply.u.produced.ok = 1;
    bed_link(t->bed, BED_KAFKA, true);
    bed_deliver(t->bed, &reply);
    assert_int_equal(producer_count(&t->invoker->producer), 1);
    invoker_bed_forget(t);
    t->is_kafka_silent = false;
    invoker_bed_pass(t, SEC(1));
    assert_int_equal(bed_sent_count(t->bed, MSG_KAFKA_PRODUCE), 1);
    assert_int_equal(producer_count(&t->invoker->producer), 0);
    invoker_bed_container(t, BED_HELLO, 2);
    assert_int_equal(bed_sent_count(t->bed, MSG_KAFKA_PRODUCE), 2);
    invoker_bed_free(t);
}

static void an_ack_that_cannot_be_sent_for_two_minutes_is_lost(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    char text[64];
    invoker_bed_container(t, BED_HELLO, 1); /* then it has metadata of the topic */
    t->is_kafka_silent = true;
    invoker_bed_container(t, BED_HELLO, 2);
    assert_true(t->bed->ops->pending(t->bed->machine, text, sizeof text));
    assert_string_equal(text, "1 acks are on their way");
    invoker_bed_forget(t);
    invoker_bed_pass(t, SEC(118));
    assert_int_equal(bed_sent_count(t->bed, MSG_KAFKA_PRODUCE), 3); /* each 30 s */
    invoker_bed_pass(t, SEC(3));
    assert_int_equal(producer_count(&t->invoker->producer), 0);
    assert_false(t->bed->ops->pending(t->bed->machine, text, sizeof text));
    invoker_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_identity_is_read_before_the_action_and_both_once),
        cmocka_unit_test(each_callback_is_a_turn_of_its_own),
        cmocka_unit_test(a_failed_read_is_answered_and_the_capacity_given_back),
        cmocka_unit_test(a_database_that_goes_down_fails_the_reads),
        cmocka_unit_test(warm_ups_and_what_cannot_be_read_are_only_processed),
        cmocka_unit_test(an_activation_of_another_revision_reads_the_document),
        cmocka_unit_test(an_action_that_fails_keeps_its_container_and_one_too_slow_does_not),
        cmocka_unit_test(acks_are_sent_again_in_order_when_kafka_was_down),
        cmocka_unit_test(an_answer_that_crossed_the_break_is_not_heard),
        cmocka_unit_test(an_ack_that_cannot_be_sent_for_two_minutes_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
