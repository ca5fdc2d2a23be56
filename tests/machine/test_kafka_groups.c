/*
 * test_kafka_groups.c - membership of the Kafka machine: who may read, how long a dead member
 * keeps its successor waiting, what a former member is told.
 */
#include "support/kafka_bed.h"

#define T KAFKA_BED_TOPIC

static void a_join_to_an_empty_group_waits_for_the_initial_delay(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    kafka_bed_join(bed, T, 5);
    assert_int_equal(bed->sent_count, 0);
    assert_int_equal(bed_next_in(bed), SEC(3));
    bed_wake(bed);
    const struct message *m = kafka_bed_last(bed, MSG_KAFKA_JOINED);
    assert_int_equal(m->corr, 5);
    assert_int_equal(m->to, BED_SCHEDULER1);
    assert_int_equal(m->to_actor, ACTOR_FEED_ID(0));
    assert_int_equal(m->u.kafka.topic, T);
    assert_int_equal(m->u.kafka.ok, 1);
    assert_int_equal(m->u.kafka.member, 1);
    assert_int_equal(m->u.kafka.offset, 0); /* earliest */
    bed_free(bed);
}

static void without_a_delay_a_join_to_an_empty_group_is_answered_at_once(void **state)
{
    (void)state;
    struct bed *bed = bed_new(&kafka_ops, BED_KAFKA, NULL);
    bed_config(bed, "group.initial.rebalance.delay.ms", 0);
    bed_start(bed);
    kafka_bed_join(bed, T, 5);
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_JOINED)->u.kafka.member, 1);
    bed_free(bed);
}

static void groups_of_other_topics_are_their_own(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    kafka_bed_member(bed, T);
    uint32_t other = kafka_bed_member(bed, TOPIC(TOPIC_CREATION_ACK, 1));
    assert_int_equal(other, 1);
    kafka_bed_poll(bed, T, other + 1, 0, 9);
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_RECORDS)->u.kafka.ok, 0);
    bed_free(bed);
}

static void a_successor_waits_until_the_dead_members_session_ends(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t first = kafka_bed_member(bed, T);
    kafka_bed_produce(bed, T, 4);
    bed_pass(bed, SEC(4));
    kafka_bed_heartbeat(bed, T, first); /* its last sign of life */
    bed_pass(bed, SEC(5));
    bed_link(bed, BED_SCHEDULER1, true);
    bed_pass(bed, SEC(10));
    bed_link(bed, BED_SCHEDULER1, false);
    bed_forget(bed);
    kafka_bed_join(bed, T, 6);
    bed_pass(bed, SEC(15) - 1);
    assert_int_equal(bed->sent_count, 0);
    bed_pass(bed, 1);
    const struct message *m = kafka_bed_last(bed, MSG_KAFKA_JOINED);
    assert_int_equal(m->corr, 6);
    assert_int_equal(m->u.kafka.member, first + 1);
    assert_int_equal(bed->sent_count, 1);
    bed_free(bed);
}

static void a_commit_is_a_sign_of_life_and_a_poll_is_not(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    bed_pass(bed, SEC(20));
    kafka_bed_commit(bed, T, member, 0);
    assert_int_equal(bed_next_in(bed), SEC(30));
    bed_pass(bed, SEC(20));
    kafka_bed_poll(bed, T, member, 0, 9);
    bed_pass(bed, SEC(1));
    assert_int_equal(bed_next_in(bed), SEC(9));
    kafka_bed_heartbeat(bed, T, member + 1); /* somebody else's */
    assert_int_equal(bed_next_in(bed), SEC(9));
    kafka_bed_heartbeat(bed, T, member);
    assert_int_equal(bed_next_in(bed), SEC(30));
    bed_free(bed);
}

static void a_session_that_ended_before_leaves_an_empty_group(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t first = kafka_bed_member(bed, T);
    bed_pass(bed, SEC(31));
    assert_int_equal(bed_next_in(bed), TSTAMP_NEVER);
    kafka_bed_join(bed, T, 6);
    assert_int_equal(bed_next_in(bed), SEC(3));
    bed_wake(bed);
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_JOINED)->u.kafka.member, first + 1);
    bed_free(bed);
}

static void a_former_member_can_neither_read_nor_commit(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t first = kafka_bed_member(bed, T);
    kafka_bed_produce(bed, T, 4);
    bed_pass(bed, SEC(31));
    uint32_t second = kafka_bed_member(bed, T);
    assert_true(second != first);
    kafka_bed_poll(bed, T, first, 0, 9);
    const struct message *m = kafka_bed_last(bed, MSG_KAFKA_RECORDS);
    assert_int_equal(m->u.kafka.member, 0);
    assert_int_equal(m->u.kafka.ok, 0);
    assert_int_equal(m->u.kafka.count, 0);
    m = kafka_bed_commit(bed, T, first, 1);
    assert_int_equal(m->u.kafka.member, 0);
    assert_int_equal(m->u.kafka.ok, 0);
    assert_int_equal(bed_record_count(bed, RECORD_COMMITTED), 0);
    assert_int_equal(kafka_bed_commit(bed, T, second, 1)->u.kafka.ok, 1);
    kafka_bed_poll(bed, T, 0, 0, 9); /* nobody at all */
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_RECORDS)->u.kafka.ok, 0);
    bed_free(bed);
}

static void a_poll_of_a_member_whose_session_ends_learns_it(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    bed_pass(bed, SEC(30) - MSEC(100));
    kafka_bed_poll(bed, T, member, 0, 9);
    bed_pass(bed, MSEC(100));
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_RECORDS)->u.kafka.member, 0);
    bed_pass(bed, SEC(5));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_RECORDS), 1);
    bed_free(bed);
}

static void a_dead_consumers_poll_takes_no_record_away(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    kafka_bed_poll(bed, T, member, 0, 9);
    bed_link(bed, BED_SCHEDULER1, false); /* it came up: nothing */
    bed_link(bed, BED_SCHEDULER0, true);  /* somebody else's */
    assert_int_equal(bed_next_in(bed), SEC(1));
    bed_link(bed, BED_SCHEDULER1, true);
    assert_int_equal(bed_next_in(bed), SEC(30));
    kafka_bed_produce(bed, T, 4);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_RECORDS), 0);
    bed_pass(bed, SEC(31));
    member = kafka_bed_member(bed, T);
    kafka_bed_poll(bed, T, member, 0, 9);
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_RECORDS)->u.kafka.count, 1);
    bed_free(bed);
}

static void a_join_whose_process_died_is_served_first_and_holds_a_session(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    kafka_bed_member(bed, T);
    bed_pass(bed, SEC(10));
    kafka_bed_join(bed, T, 6); /* killed again while it waits */
    bed_link(bed, BED_SCHEDULER1, true);
    kafka_bed_join(bed, T, 7);
    bed_forget(bed);
    bed_pass(bed, SEC(20));
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_JOINED)->corr, 6);
    bed_pass(bed, SEC(30) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_JOINED), 1);
    bed_pass(bed, 1);
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_JOINED)->corr, 7);
    bed_free(bed);
}

static void the_same_join_twice_is_one(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    kafka_bed_join(bed, T, 5);
    kafka_bed_join(bed, T, 5);
    bed_pass(bed, SEC(3));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_JOINED), 1);
    kafka_bed_join(bed, T, 5); /* late: the same answer again */
    assert_int_equal(bed_sent(bed, MSG_KAFKA_JOINED, 1)->u.kafka.member, 1);
    bed_pass(bed, SEC(40));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_JOINED), 2);
    bed_free(bed);
}

static void a_consumer_made_anew_has_left_its_group(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    struct message m = bed_message(bed, MSG_KAFKA_JOIN, BED_SCHEDULER1, ACTOR_MAIN_ID);
    m.u.kafka.topic = T;
    m.u.kafka.member = member;
    bed_deliver(bed, &m);
    assert_int_equal(bed_next_in(bed), SEC(3)); /* the group was empty */
    bed_wake(bed);
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_JOINED)->u.kafka.member, member + 1);
    bed_free(bed);
}

static void the_session_of_who_left_ends_nobody_elses(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    bed_pass(bed, SEC(28)); /* two seconds of it are left */
    struct message m = bed_message(bed, MSG_KAFKA_JOIN, BED_SCHEDULER1, ACTOR_MAIN_ID);
    m.u.kafka.topic = T;
    m.u.kafka.member = member;
    bed_deliver(bed, &m);
    assert_int_equal(bed_next_in(bed), SEC(3));
    bed_wake(bed);
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_JOINED)->u.kafka.member, member + 1);
    assert_int_equal(bed_next_in(bed), SEC(30));
    bed_free(bed);
}

static void who_waits_is_served_when_the_member_leaves(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    kafka_bed_join(bed, T, 6); /* another consumer of the group */
    struct message join = bed_message(bed, MSG_KAFKA_JOIN, BED_SCHEDULER1, ACTOR_MAIN_ID);
    join.u.kafka.topic = T;
    join.u.kafka.member = member;
    bed_deliver(bed, &join);
    bed_forget(bed);
    bed_pass(bed, SEC(3));
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_JOINED)->corr, 6);
    bed_free(bed);
}

static void members_outlive_the_broker_with_a_fresh_session(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint32_t member = kafka_bed_member(bed, T);
    kafka_bed_produce(bed, T, 4);
    bed_pass(bed, SEC(25));
    bed_crash(bed);
    bed->now += SEC(20);
    bed_start(bed);
    assert_int_equal(bed_next_in(bed), SEC(30));
    kafka_bed_poll(bed, T, member, 0, 9);
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_RECORDS)->u.kafka.count, 1);
    assert_int_equal(kafka_bed_commit(bed, T, member, 1)->u.kafka.ok, 1);
    bed_free(bed);
}

static void joins_that_wait_are_gone_with_the_broker(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    kafka_bed_join(bed, T, 5);
    bed_crash(bed);
    bed_start(bed);
    assert_int_equal(bed_next_in(bed), TSTAMP_NEVER);
    kafka_bed_join(bed, T, 6);
    bed_pass(bed, SEC(3));
    assert_int_equal(bed_sent_count(bed, MSG_KAFKA_JOINED), 1);
    assert_int_equal(kafka_bed_last(bed, MSG_KAFKA_JOINED)->corr, 6);
    bed_free(bed);
}

static uint64_t digest_of(const struct bed *bed)
{
    struct digest d = {0};
    bed->ops->digest(bed->machine, &d);
    return d.state;
}

static void the_digest_sees_every_part_of_the_state(void **state)
{
    (void)state;
    struct bed *bed = kafka_bed_new();
    uint64_t seen[7];
    seen[0] = digest_of(bed);
    kafka_bed_join(bed, T, 5);
    seen[1] = digest_of(bed);
    bed_pass(bed, SEC(3));
    seen[2] = digest_of(bed);
    kafka_bed_poll(bed, T, 1, 0, 9);
    seen[3] = digest_of(bed);
    bed_pass(bed, SEC(1));
    kafka_bed_produce(bed, T, 4);
    seen[4] = digest_of(bed);
    kafka_bed_commit(bed, T, 1, 1);
    seen[5] = digest_of(bed);
    kafka_bed_join(bed, T, 6);
    seen[6] = digest_of(bed);
    for (unsigned i = 0; i < 7; i++) {
        for (unsigned k = 0; k < i; k++)
            assert_true(seen[i] != seen[k]);
    }
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_join_to_an_empty_group_waits_for_the_initial_delay),
        cmocka_unit_test(without_a_delay_a_join_to_an_empty_group_is_answered_at_once),
        cmocka_unit_test(groups_of_other_topics_are_their_own),
        cmocka_unit_test(a_successor_waits_until_the_dead_members_session_ends),
        cmocka_unit_test(a_commit_is_a_sign_of_life_and_a_poll_is_not),
        cmocka_unit_test(a_session_that_ended_before_leaves_an_empty_group),
        cmocka_unit_test(a_former_member_can_neither_read_nor_commit),
        cmocka_unit_test(a_poll_of_a_member_whose_session_ends_learns_it),
        cmocka_unit_test(a_dead_consumers_poll_takes_no_record_away),
        cmocka_unit_test(a_join_whose_process_died_is_served_first_and_holds_a_session),
        cmocka_unit_test(the_same_join_twice_is_one),
        cmocka_unit_test(a_consumer_made_anew_has_left_its_group),
        cmocka_unit_test(the_session_of_who_left_ends_nobody_elses),
        cmocka_unit_test(who_waits_is_served_when_the_member_leaves),
        cmocka_unit_test(members_outlive_the_broker_with_a_fresh_session),
        cmocka_unit_test(joins_that_wait_are_gone_with_the_broker),
        cmocka_unit_test(the_digest_sees_every_part_of_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
