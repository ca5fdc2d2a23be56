/*
 * test_kafka_log.c - records and offsets of the Kafka machine: append, poll, commit, restart;
 * random sequences against a naive model.
 */
#include "support/kafka_bed.h"
#include <string.h>

#define T KAFKA_BED_TOPIC

static void records_are_appended_at_dense_offsets(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(kafka_bed_produce(bed, T, ACTIVATION_ID(i + 1, 0)), i);
    assert_int_equal(kafka_bed_produce(bed, TOPIC(TOPIC_SCHEDULER, 0), 4), 0);
    const struct message *m = bed_sent(bed, MSG_KAFKA_PRODUCED, 0);
    assert_int_equal(m->corr, 77);
    assert_int_equal(m->to, BED_CONTROLLER0);
    const struct record *r = bed_record(bed, RECORD_APPENDED, 4);
    assert_int_equal(r->activation, ACTIVATION_ID(5, 0));
    assert_int_equal(r->peer, BED_CONTROLLER0);
    assert_int_equal(r->value, T);
    assert_int_equal(r->value2, 4);
    bed_free(bed);
}

static void each_kind_of_record_is_named_by_its_id(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    struct message m = bed_message(bed, MSG_KAFKA_PRODUCE, BED_INVOKER0, ACTOR_MAIN_ID);
    m.u.produce.topic = TOPIC(TOPIC_COMPLETED, 0);
    m.u.produce.entry.kind = ENTRY_ACK;
    m.u.produce.entry.u.ack.id = 8;
    bed_deliver(bed, &m);
    m.u.produce.topic = TOPIC(TOPIC_INVOKER, 2);
    m.u.produce.entry.kind = ENTRY_CREATION;
    m.u.produce.entry.u.creation.id = 9;
    bed_deliver(bed, &m);
    m.u.produce.topic = TOPIC(TOPIC_CREATION_ACK, 1);
    m.u.produce.entry.kind = ENTRY_CREATION_ACK;
    bed_deliver(bed, &m);
    m.u.produce.entry.kind = ENTRY_WARM_UP;
    bed_deliver(bed, &m);
    static const uint32_t activations[] = {8, 0, 0, 0}, creations[] = {0, 9, 9, 0};
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(bed_record(bed, RECORD_APPENDED, i)->activation, activations[i]);
        assert_int_equal(bed_record(bed, RECORD_APPENDED, i)->creation, creations[i]);
    }
    bed_free(bed);
}

static void a_record_goes_on_from_its_append(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    kafka_bed_produce(bed, T, 4);
    kafka_bed_poll(bed, T, member, 0, 10);
    const struct message *m = kafka_bed_last(bed, MSG_KAFKA_RECORDS);
    const struct entry *entries = blob_bytes(bed->arena, m->u.kafka.batch);
    assert_int_equal(entries[0].cause, bed_record(bed, RECORD_APPENDED, 0)->seq);
    bed_free(bed);
}

static void a_poll_returns_what_is_there_at_once_and_at_most_what_was_asked(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    for (uint32_t i = 1; i <= 5; i++)
        kafka_bed_produce(bed, T, i << 2);
    kafka_bed_poll(bed, T, member, 0, 3);
    const struct message *m = kafka_bed_last(bed, MSG_KAFKA_RECORDS);
    assert_int_equal(m->u.kafka.topic, T);
    assert_int_equal(m->u.kafka.member, member);
    assert_int_equal(m->u.kafka.ok, 1);
    assert_int_equal(m->u.kafka.offset, 0);
    assert_int_equal(m->u.kafka.count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(kafka_bed_id(bed, m, i), (i + 1) << 2);
    kafka_bed_poll(bed, T, member, 3, 3);
    m = kafka_bed_last(bed, MSG_KAFKA_RECORDS);
    assert_int_equal(m->u.kafka.offset, 3);
    assert_int_equal(m->u.kafka.count, 2);
    assert_int_equal(kafka_bed_id(bed, m, 1), 5 << 2);
    bed_free(bed);
}

static void a_poll_of_nothing_waits_its_time(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    kafka_bed_poll(bed, T, member, 0, 3);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_RECORDS), 0);
    assert_int_equal(bed_next_in(bed), SEC(1));
    bed_wake(bed);
    const struct message *m = kafka_bed_last(bed, MSG_KAFKA_RECORDS);
    assert_int_equal(m->u.kafka.count, 0);
    assert_int_equal(m->u.kafka.ok, 1);
    assert_int_equal(m->u.kafka.member, member);
    assert_int_equal(m->u.kafka.batch, 0);
    bed_free(bed);
}

static void an_append_wakes_the_poll_that_waits(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    kafka_bed_poll(bed, T, member, 0, 3);
    bed_pass(bed, MSEC(400));
    kafka_bed_produce(bed, TOPIC(TOPIC_SCHEDULER, 0), 4); /* another topic */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_RECORDS), 0);
    kafka_bed_produce(bed, T, 8);
    const struct message *m = kafka_bed_last(bed, MSG_KAFKA_RECORDS);
    assert_int_equal(m->u.kafka.count, 1);
    assert_int_equal(kafka_bed_id(bed, m, 0), 8);
    bed_forget(bed);
    assert_int_equal(bed_next_in(bed), SEC(30) - MSEC(400)); /* its session alone */
    bed_pass(bed, SEC(5));                                   /* answered once */
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_RECORDS), 0);
    bed_free(bed);
}

static void a_commit_is_recorded_when_it_moves(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    kafka_bed_produce(bed, T, 4);
    const struct message *m = kafka_bed_commit(bed, T, member, 1);
    assert_int_equal(m->u.kafka.ok, 1);
    assert_int_equal(m->u.kafka.member, member);
    assert_int_equal(m->u.kafka.offset, 1);
    assert_int_equal(kafka_bed_commit(bed, T, member, 1)->u.kafka.ok, 1);
    assert_int_equal(bed_record_count(bed, RECORD_COMMITTED), 1);
    assert_int_equal(bed_record(bed, RECORD_COMMITTED, 0)->value, T);
    assert_int_equal(bed_record(bed, RECORD_COMMITTED, 0)->value2, 1);
    struct message beyond = bed_message(bed, MSG_KAFKA_COMMIT, BED_SCHEDULER1, ACTOR_MAIN_ID);
    beyond.u.kafka.topic = T;
    beyond.u.kafka.member = member;
    beyond.u.kafka.offset = 2; /* not yet written */
    bed_deliver(bed, &beyond);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 1);
    bed_free(bed);
}

static void a_restart_keeps_records_and_offsets(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    for (uint32_t i = 1; i <= 3; i++)
        kafka_bed_produce(bed, T, i << 2);
    kafka_bed_commit(bed, T, member, 1);
    bed_crash(bed);
    bed_start(bed);
    assert_int_equal(kafka_bed_produce(bed, T, 16), 3);
    bed_pass(bed, SEC(30)); /* nobody spoke for the old member */
    member = kafka_bed_member(bed, T);
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_JOINED)->u.kafka.offset, 1);
    kafka_bed_poll(bed, T, member, 1, 10);
    const struct message *m = kafka_bed_last(bed, MSG_KAFKA_RECORDS);
    assert_int_equal(m->u.kafka.count, 3);
    assert_int_equal(kafka_bed_id(bed, m, 0), 8);
    assert_int_equal(kafka_bed_id(bed, m, 2), 16);
    bed_free(bed);
}

static void what_was_not_committed_comes_again(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    kafka_bed_produce(bed, T, 4);
    kafka_bed_produce(bed, T, 8);
    kafka_bed_poll(bed, T, member, 0, 10);
    kafka_bed_commit(bed, T, member, 1); /* dies before the second commit */
    bed_pass(bed, SEC(30));
    member = kafka_bed_member(bed, T);
    kafka_bed_poll(bed, T, member, kafka_bed_last(bed, MSG_KAFKA_JOINED)->u.kafka.offset, 9);
    const struct message *m = kafka_bed_last(bed, MSG_KAFKA_RECORDS);
    assert_int_equal(m->u.kafka.count, 1);
    assert_int_equal(kafka_bed_id(bed, m, 0), 8);
    bed_free(bed);
}

static void memory_is_bound_by_what_is_not_committed(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    uint64_t read = 0, written = 0;
    for (uint32_t round = 0; round < 400; round++) {
        for (uint32_t i = 0; i < 50; i++)
            assert_int_equal(kafka_bed_produce(bed, T, (uint32_t)(written + i + 1) << 2),
                             written + i);
        written += 50;
        for (; read + 60 < written; read += 30) {
            kafka_bed_poll(bed, T, member, read, 30);
            const struct message *m = kafka_bed_last(bed, MSG_KAFKA_RECORDS);
            assert_int_equal(m->u.kafka.count, 30);
            assert_int_equal(m->u.kafka.offset, read);
            for (uint32_t i = 0; i < 30; i++)
                assert_int_equal(kafka_bed_id(bed, m, i), (read + i + 1) << 2);
            kafka_bed_commit(bed, T, member, read + 30);
        }
        bed_forget(bed);
        bed_pass(bed, MSEC(10));
    }
    assert_true(arena_used(bed->arena) < 200000);
    bed_free(bed);
}

static void a_position_out_of_range_starts_at_the_earliest(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    for (uint32_t i = 1; i <= 4; i++)
        kafka_bed_produce(bed, T, i << 2);
    kafka_bed_commit(bed, T, member, 2);
    kafka_bed_poll(bed, T, member, 99, 10);
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_RECORDS)->u.kafka.offset, 2);
    kafka_bed_poll(bed, T, member, 0, 10); /* dropped below the committed offset */
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_RECORDS)->u.kafka.offset, 2);
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_RECORDS)->u.kafka.count, 2);
    bed_free(bed);
}

static void what_is_unread_is_pending(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    char text[80];
    assert_false(kafka_ops.pending(bed->machine, text, sizeof text));
    kafka_bed_produce(bed, T, 4);
    kafka_bed_produce(bed, T, 8);
    assert_true(kafka_ops.pending(bed->machine, text, sizeof text));
    assert_string_equal(text, "2 records of topic scheduler1 unread");
    uint32_t member = kafka_bed_member(bed, T);
    kafka_bed_commit(bed, T, member, 2);
    assert_false(kafka_ops.pending(bed->machine, text, sizeof text));
    bed_free(bed);
}

static void an_unknown_topic_or_kind_is_rejected(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    static const uint32_t topics[] = {TOPIC(TOPIC_SCHEDULER, 2), TOPIC(TOPIC_KIND_COUNT, 0),
                                      UINT32_MAX};
    for (unsigned i = 0; i < 3; i++) {
        struct message m = bed_message(bed, MSG_KAFKA_PRODUCE, BED_CLIENT, ACTOR_MAIN_ID);
        m.u.produce.topic = topics[i];
        bed_deliver(bed, &m);
    }
    struct message m = bed_message(bed, MSG_INVOKE, BED_CLIENT, ACTOR_MAIN_ID);
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 4);
    assert_int_equal(bed->sent_count, 0);
    bed_free(bed);
}

/* ---- random sequences ---- */

#define SEQUENCES 1000u
#define STEPS 80u

struct model {
    struct bed *bed;
    uint64_t seed, draws;
    uint32_t ids[4 * STEPS]; /* by offset */
    uint64_t end, committed, position;
    uint32_t member;
    bool waits;
    uint64_t waits_at;
    tstamp waits_until;
};

static uint64_t draw(struct model *m, uint64_t bound)
{
    return draw_mix(m->seed, m->draws++) % bound;
}

/* The one answer to a poll, if any, is as many as there are from the position, at most 7. */
static void check_records(struct model *m, uint64_t from)
{
    uint64_t count = m->end - from < 7 ? m->end - from : 7;
    const struct message *reply = kafka_bed_last(m->bed, MSG_KAFKA_RECORDS);
    assert_int_equal(bed_sent_count(m->bed, MSG_KAFKA_RECORDS), 1);
    assert_int_equal(reply->u.kafka.count, count);
    assert_int_equal(reply->u.kafka.offset, from);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(kafka_bed_id(m->bed, reply, i), m->ids[from + i]);
    m->position = from + count;
    m->waits = false;
}

static void step_produce(struct model *m)
{
    uint32_t id = (uint32_t)(m->end + 1) << 2;
    m->ids[m->end] = id;
    assert_int_equal(kafka_bed_produce(m->bed, T, id), m->end++);
    if (m->waits)
        check_records(m, m->waits_at);
}

static void step_poll(struct model *m)
{
    if (m->waits)
        return;
    kafka_bed_poll(m->bed, T, m->member, m->position, 7);
    if (m->position < m->end) {
        check_records(m, m->position);
        return;
    }
    assert_int_equal(bed_sent_count(m->bed, MSG_KAFKA_RECORDS), 0);
    m->waits = true;
    m->waits_at = m->position;
    m->waits_until = m->bed->now + SEC(1);
}

static void step_pass(struct model *m)
{
    bed_pass(m->bed, draw(m, MSEC(700)));
    if (m->waits && m->bed->now >= m->waits_until)
        check_records(m, m->waits_at);
    else
        assert_int_equal(bed_sent_count(m->bed, MSG_KAFKA_RECORDS), 0);
}

static void step_restart(struct model *m, bool broker)
{
    if (broker) {
        bed_crash(m->bed);
        bed_start(m->bed);
    } else {
        bed_link(m->bed, BED_SCHEDULER1, true);
    }
    bed_pass(m->bed, SEC(30));
    m->member = kafka_bed_member(m->bed, T);
    assert_int_equal(kafka_bed_last(m->bed, MSG_KAFKA_JOINED)->u.kafka.offset, m->committed);
    m->position = m->committed;
    m->waits = false;
}

static void step(struct model *m)
{
    uint64_t pick = draw(m, 20);
    bed_forget(m->bed);
    if (pick < 9) {
        step_produce(m);
    } else if (pick < 13) {
        step_poll(m);
    } else if (pick < 16) {
        m->committed = m->position;
        assert_int_equal(kafka_bed_commit(m->bed, T, m->member, m->position)->u.kafka.ok, 1);
    } else if (pick < 19) {
        kafka_bed_heartbeat(m->bed, T, m->member);
        step_pass(m);
    } else {
        step_restart(m, draw(m, 2) == 0);
    }
}

static void random_sequences_do_as_the_naive_model(void **state)
{
    (void)state;
    static struct model m;
    for (uint64_t seed = 1; seed <= SEQUENCES; seed++) {
        memset(&m, 0, sizeof m);
        m.seed = seed;
        m.bed = kafka_bed_new();
        m.member = kafka_bed_member(m.bed, T);
        for (uint32_t i = 0; i < STEPS; i++)
            step(&m);
        bed_free(m.bed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_appended_at_dense_offsets),
        cmocka_unit_test(each_kind_of_record_is_named_by_its_id),
        cmocka_unit_test(a_record_goes_on_from_its_append),
        cmocka_unit_test(a_poll_returns_what_is_there_at_once_and_at_most_what_was_asked),
        cmocka_unit_test(a_poll_of_nothing_waits_its_time),
        cmocka_unit_test(an_append_wakes_the_poll_that_waits),
        cmocka_unit_test(a_commit_is_recorded_when_it_moves),
        cmocka_unit_test(a_restart_keeps_records_and_offsets),
        cmocka_unit_test(what_was_not_committed_comes_again),
        cmocka_unit_test(memory_is_bound_by_what_is_not_committed),
        cmocka_unit_test(a_position_out_of_range_starts_at_the_earliest),
        cmocka_unit_test(what_is_unread_is_pending),
        cmocka_unit_test(an_unknown_topic_or_kind_is_rejected),
        cmocka_unit_test(random_sequences_do_as_the_naive_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
