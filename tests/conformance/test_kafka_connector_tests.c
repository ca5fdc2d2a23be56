/*
 * test_kafka_connector_tests.c - upstream's KafkaConnectorTests: what is sent is read, and what
 * a consumer that was put out of its group read comes again.
 */
#include "support/conform.h"
#include "support/kafka_bed.h"

#define T KAFKA_BED_TOPIC

static struct bed *bed;

static int setup(void **state)
{
    (void)state;
    bed = kafka_bed_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

/* A poll from the committed offset on: exactly these ids, from `first` upwards. */
static uint64_t expect_read(uint32_t member, uint64_t offset, activation_id first,
                            uint32_t count)
{
    bed_forget(bed);
    kafka_bed_poll(bed, T, member, offset, 128);
    assert_int_equal(bed->sent_count, 1);
    const struct message *m = kafka_bed_last(bed, MSG_KAFKA_RECORDS);
    assert_int_equal(m->u.kafka.ok, 1);
    assert_int_equal(m->u.kafka.offset, offset);
    assert_int_equal(m->u.kafka.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(kafka_bed_id(bed, m, i), first + i);
    return offset + count;
}

static void what_is_sent_is_read_and_committed(void **state)
{
    (void)state;
    uint32_t member = kafka_bed_member(bed, T);
    uint64_t offset = 0;
    for (activation_id i = 1; i <= 5; i++) {
        assert_int_equal(kafka_bed_produce(bed, T, i), i - 1);
        offset = expect_read(member, offset, i, 1);
        assert_int_equal(kafka_bed_commit(bed, T, member, offset)->u.kafka.ok, 1);
    }
}

/* Put out between poll and commit: the commit fails, and what was read comes again. */
static void what_was_not_committed_in_time_comes_again(void **state)
{
    (void)state;
    activation_id first = 1;
    for (uint32_t i = 1; i <= 2; i++) {
        uint32_t member = kafka_bed_member(bed, T);
        kafka_bed_produce(bed, T, first + i - 1);
        uint64_t end = expect_read(member, 0, first, i);
        bed_pass(bed, SEC(31)); /* no sign of life */
        assert_int_equal(kafka_bed_commit(bed, T, member, end)->u.kafka.ok, 0);
    }
    uint32_t member = kafka_bed_member(bed, T);
    kafka_bed_produce(bed, T, 3);
    uint64_t end = expect_read(member, 0, first, 3);
    assert_int_equal(kafka_bed_commit(bed, T, member, end)->u.kafka.ok, 1);
    kafka_bed_produce(bed, T, 4);
    end = expect_read(member, end, 4, 1);
    assert_int_equal(kafka_bed_commit(bed, T, member, end)->u.kafka.ok, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMS("KafkaConnectorTests", 114, what_is_sent_is_read_and_committed),
        CONFORMS("KafkaConnectorTests", 123, what_was_not_committed_in_time_comes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
