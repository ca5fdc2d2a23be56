/*
 * Upstream's KafkaConnectorTests: a topic with its one consumer, at the broker. A consumer that
 * does not poll in time leaves its group; here its session ends.
 */
#include "support/conform.h"
#include "support/kafka_bed.h"

#define T KAFKA_BED_TOPIC
#define PEEK 128u

static int setup(void **state)
{
    *state = kafka_bed_new();
    return 0;
}

static int teardown(void **state)
{
    bed_free(*state);
    return 0;
}

/* A poll from here on gets these, and no more. */
static void expect_peeked(struct bed *bed, uint32_t member, uint64_t offset, uint32_t count)
{
    kafka_bed_poll(bed, T, member, offset, PEEK);
    const struct message *records = kafka_bed_last(bed, MSG_KAFKA_RECORDS);
    assert_int_equal(records->u.kafka.ok, 1);
    assert_int_equal(records->u.kafka.offset, offset);
    assert_int_equal(records->u.kafka.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(kafka_bed_id(bed, records, i), offset + i + 1);
}

static void a_message_is_sent_and_received(void **state)
{
    struct bed *bed = *state;
    uint32_t member = kafka_bed_member(bed, T);
    for (uint32_t i = 0; i < 5; i++) {
        bed_forget(bed);
        assert_int_equal(kafka_bed_produce(bed, T, i + 1), i);
        expect_peeked(bed, member, i, 1);
        const struct message *done = kafka_bed_commit(bed, T, member, i + 1);
        assert_int_equal(done->u.kafka.ok, 1);
        assert_int_equal(bed->sent_count, 3);
    }
    bed_forget(bed);
    kafka_bed_poll(bed, T, member, 5, PEEK);
    assert_int_equal(bed->sent_count, 0); /* nothing is left: it waits for more */
}

/* Commits of one whose session is over fail, and what they would have committed comes again. */
static void what_was_not_committed_in_time_comes_again(void **state)
{
    struct bed *bed = *state;
    uint32_t member = kafka_bed_member(bed, T);
    kafka_bed_produce(bed, T, 1);
    expect_peeked(bed, member, 0, 1);
    assert_int_equal(kafka_bed_commit(bed, T, member, 1)->u.kafka.ok, 1);
    for (uint32_t i = 1; i <= 2; i++) {
        kafka_bed_produce(bed, T, i + 1);
        expect_peeked(bed, member, 1, i);
        bed_pass(bed, SEC(31));
        assert_int_equal(kafka_bed_commit(bed, T, member, 1 + i)->u.kafka.ok, 0);
        uint32_t before = member;
        member = kafka_bed_member(bed, T);
        assert_int_not_equal(member, before);
        assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_JOINED)->u.kafka.offset, 1);
    }
    kafka_bed_produce(bed, T, 4);
    expect_peeked(bed, member, 1, 3);
    assert_int_equal(kafka_bed_commit(bed, T, member, 4)->u.kafka.ok, 1);
    kafka_bed_produce(bed, T, 5);
    expect_peeked(bed, member, 4, 1);
    assert_int_equal(kafka_bed_commit(bed, T, member, 5)->u.kafka.ok, 1);
}

int main(void)
{
#define SUITE "KafkaConnectorTests"
    static const struct CMUnitTest tests[] = {
        CONFORMS(SUITE, 114, a_message_is_sent_and_received),
        CONFORMS(SUITE, 123, what_was_not_committed_in_time_comes_again),
    };
    return cmocka_run_group_tests_name(SUITE, tests, NULL, NULL);
}
