/*
 * test_kafka_protocol_groups.c - consumer groups over time: delays, sessions, restarts.
 */
#include <stdio.h>
#include <string.h>
#include "kafka/kafka_api.h"
#include "support/kafka_peer.h"

#define JOIN                                                                                   \
    "group=g session=10000 rebalance=60000 type=consumer protocols[name=range metadata=r]"
#define SYNC_ALL "group=g generation=1 member=$1 assignments[id=$1 bytes=all]"

static struct kafka_peer *peer_with_topic(void)
{
    struct kafka_peer *peer = kafka_peer_machine("");
    uint32_t c = kafka_peer_open(peer);
    kafka_peer_call(peer, c, TEXT_CREATE, 0, "topics[name=t partitions=1]");
    return peer;
}

static uint32_t member_of_g(struct kafka_peer *peer)
{
    uint32_t c = kafka_peer_open(peer);
    assert_string_equal(kafka_peer_call(peer, c, TEXT_JOIN, 3, JOIN),
                        "error=0 generation=1 protocol=range leader=$1 member=$1 "
                        "members[id=$1 metadata=r]");
    assert_string_equal(kafka_peer_call(peer, c, TEXT_SYNC, 3, SYNC_ALL), "error=0 bytes=all");
    return c;
}

static void a_join_to_an_empty_group_waits_its_initial_delay(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer);
    kafka_peer_send(peer, c, TEXT_JOIN, 3, JOIN);
    assert_string_equal(kafka_peer_receive(peer, c, 2999), "nothing");
    assert_non_null(strstr(kafka_peer_receive(peer, c, 1), "generation=1"));
    kafka_peer_free(peer);
}

static void
the_initial_delay_goes_on_with_each_who_joins_up_to_the_rebalance_timeout(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t a = kafka_peer_open(peer), b = kafka_peer_open(peer), c = kafka_peer_open(peer);
    static const char join[] = "group=g session=10000 rebalance=7000 type=consumer "
                               "protocols[name=range metadata=r]";
    kafka_peer_send(peer, a, TEXT_JOIN, 3, join);
    kafka_peer_wait(peer, 1000);
    kafka_peer_send(peer, b, TEXT_JOIN, 3, join);
    kafka_peer_wait(peer, 3000); /* it would have been over after 3 s */
    kafka_peer_send(peer, c, TEXT_JOIN, 3, join);
    assert_string_equal(kafka_peer_receive(peer, a, 2000), "nothing"); /* 6 s */
    const char *answer = kafka_peer_receive(peer, a, 1500);            /* 7 s: no longer */
    assert_int_equal(kafka_peer_waited(peer), 1000);
    assert_non_null(strstr(answer, "members[id=$1 metadata=r; id=$2 metadata=r; id=$3"));
    assert_non_null(strstr(kafka_peer_receive(peer, b, 0), "members[]"));
    assert_non_null(strstr(kafka_peer_receive(peer, c, 0), "members[]"));
    kafka_peer_free(peer);
}

static void a_closed_connection_removes_no_member_its_session_does(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t dead = member_of_g(peer), next = kafka_peer_open(peer);
    kafka_peer_wait(peer, 4000);
    kafka_peer_close(peer, dead);
    kafka_peer_send(peer, next, TEXT_JOIN, 3, JOIN);
    assert_string_equal(kafka_peer_receive(peer, next, 5999), "nothing");
    assert_non_null(strstr(kafka_peer_receive(peer, next, 1), "generation=2"));
    kafka_peer_free(peer);
}

static void a_join_whose_connection_closed_still_counts_and_is_answered_to_nobody(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer);
    kafka_peer_send(peer, c, TEXT_JOIN, 3, JOIN);
    kafka_peer_close(peer, c);
    kafka_peer_wait(peer, 3500);
    assert_string_equal(kafka_peer_receive(peer, c, 0), "nothing");
    uint32_t next = kafka_peer_open(peer);
    kafka_peer_send(peer, next, TEXT_JOIN, 3, JOIN);
    assert_string_equal(kafka_peer_receive(peer, next, 9000), "nothing"); /* its session */
    assert_non_null(strstr(kafka_peer_receive(peer, next, 1000), "generation=2"));
    kafka_peer_free(peer);
}

/* Of three members the first leads; the connection of one that waits breaks. */
static void a_sync_whose_connection_closed_is_answered_to_nobody_the_others_are(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c[3], other = kafka_peer_open(peer);
    for (unsigned i = 0; i < 3; i++) {
        c[i] = kafka_peer_open(peer);
        kafka_peer_send(peer, c[i], TEXT_JOIN, 3, JOIN);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_non_null(strstr(kafka_peer_receive(peer, c[i], 60000), "generation=1"));
    kafka_peer_send(peer, c[1], TEXT_SYNC, 3, "group=g generation=1 member=$2");
    kafka_peer_send(peer, c[2], TEXT_SYNC, 3, "group=g generation=1 member=$3");
    kafka_peer_close(peer, other);
    kafka_peer_close(peer, c[1]);
    assert_string_equal(kafka_peer_call(peer, c[0], TEXT_SYNC, 3,
                                        "group=g generation=1 member=$1 assignments[id=$1 "
                                        "bytes=a; id=$2 bytes=b; id=$3 bytes=c]"),
                        "error=0 bytes=a");
    assert_string_equal(kafka_peer_receive(peer, c[2], 0), "error=0 bytes=c");
    assert_string_equal(kafka_peer_receive(peer, c[1], 0), "nothing");
    kafka_peer_free(peer);
}

static void a_join_is_answered_whoever_elses_connection_closes(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer), other = kafka_peer_open(peer);
    kafka_peer_send(peer, c, TEXT_JOIN, 3, JOIN);
    kafka_peer_close(peer, other);
    assert_non_null(strstr(kafka_peer_receive(peer, c, 3000), "generation=1"));
    kafka_peer_free(peer);
}

static void a_rebalance_is_over_with_the_last_who_joins_again(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t a = member_of_g(peer), b = kafka_peer_open(peer);
    kafka_peer_send(peer, b, TEXT_JOIN, 3, JOIN);
    assert_string_equal(kafka_peer_receive(peer, b, 1000), "nothing");
    kafka_peer_send(peer, a, TEXT_JOIN, 3, JOIN " member=$1");
    assert_string_equal(kafka_peer_receive(peer, a, 0),
                        "error=0 generation=2 protocol=range leader=$1 member=$1 "
                        "members[id=$1 metadata=r; id=$2 metadata=r]");
    assert_string_equal(kafka_peer_receive(peer, b, 0),
                        "error=0 generation=2 protocol=range leader=$1 member=$2 members[]");
    kafka_peer_send(peer, a, TEXT_JOIN, 3, JOIN " member=$1"); /* again: the same answer */
    assert_non_null(strstr(kafka_peer_receive(peer, a, 0), "generation=2"));
    kafka_peer_call(peer, a, TEXT_SYNC, 3,
                    "group=g generation=2 member=$1 assignments[id=$1 bytes=a; id=$2 bytes=b]");
    kafka_peer_send(peer, a, TEXT_JOIN, 3, JOIN " member=$1"); /* the leader: a rebalance */
    assert_string_equal(kafka_peer_receive(peer, a, 1000), "nothing");
    kafka_peer_call(peer, b, TEXT_LEAVE, 1, "group=g member=$2"); /* who was waited for */
    assert_non_null(strstr(kafka_peer_receive(peer, a, 0), "generation=3"));
    kafka_peer_free(peer);
}

static void groups_are_bounded(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer);
    for (unsigned i = 0; i < 4098; i++) {
        char text[96];
        snprintf(text, sizeof text, "group=g%u topics[name=t partitions[index=0 offset=1]]", i);
        assert_string_equal(kafka_peer_call(peer, c, TEXT_OFFSET_COMMIT, 2, text),
                            i < 4096 ? "topics[name=t partitions[index=0 error=0]]"
                                     : "topics[name=t partitions[index=0 error=15]]");
    }
    assert_string_equal(kafka_peer_call(peer, c, TEXT_JOIN, 3, JOIN),
                        "error=15 generation=-1 protocol= leader=none member=none members[]");
    kafka_peer_call(peer, c, TEXT_DELETE, 0, "topics[t]"); /* and with it all of them */
    kafka_peer_send(peer, c, TEXT_JOIN, 3, JOIN);
    assert_non_null(strstr(kafka_peer_receive(peer, c, 3000), "generation=1"));
    kafka_peer_free(peer);
}

static void a_member_that_waits_for_others_does_not_expire_until_five_minutes(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t a = kafka_peer_open(peer), b = kafka_peer_open(peer);
    static const char join[] = "group=g session=6000 rebalance=1000000 type=consumer "
                               "protocols[name=range metadata=r]";
    kafka_peer_call(peer, a, TEXT_JOIN, 3, join);
    kafka_peer_call(peer, a, TEXT_SYNC, 3, SYNC_ALL);
    kafka_peer_send(peer, b, TEXT_JOIN, 3, join);
    for (unsigned i = 0; i < 74; i++) { /* the first lives and does not join again */
        kafka_peer_wait(peer, 4000);
        assert_string_equal(
            kafka_peer_call(peer, a, TEXT_HEARTBEAT, 3, "group=g generation=1 member=$1"),
            "error=27");
    }
    assert_string_equal(kafka_peer_receive(peer, b, 3000), "nothing");
    assert_string_equal(kafka_peer_receive(peer, b, 2000),
                        "error=25 generation=-1 protocol= leader=none member=none members[]");
    kafka_peer_free(peer);
}

static void without_a_delay_the_first_member_is_answered_with_its_join(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    bed_config(kafka_peer_bed(peer), "group.initial.rebalance.delay.ms", 0);
    uint32_t c = kafka_peer_open(peer);
    kafka_peer_send(peer, c, TEXT_JOIN, 3, JOIN);
    assert_int_equal(bed_next_in(kafka_peer_bed(peer)), SEC(10)); /* its session alone */
    assert_non_null(strstr(kafka_peer_receive(peer, c, 0), "generation=1"));
    kafka_peer_free(peer);
}

static void expect_session(const struct kafka_peer *peer, duration left)
{
    assert_int_equal(bed_next_in(kafka_peer_bed(peer)), left);
}

static void syncs_heartbeats_and_commits_prolong_a_session_and_nothing_else_does(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer);
    kafka_peer_call(peer, c, TEXT_JOIN, 3, JOIN);
    expect_session(peer, SEC(10));
    kafka_peer_wait(peer, 4000);
    kafka_peer_call(peer, c, TEXT_SYNC, 3, SYNC_ALL);
    expect_session(peer, SEC(10));
    kafka_peer_wait(peer, 4000);
    kafka_peer_call(peer, c, TEXT_HEARTBEAT, 3, "group=g generation=1 member=$1");
    expect_session(peer, SEC(10));
    kafka_peer_wait(peer, 4000);
    kafka_peer_call(peer, c, TEXT_OFFSET_COMMIT, 7,
                    "group=g generation=1 member=$1 topics[name=t partitions[index=0]]");
    expect_session(peer, SEC(10));
    kafka_peer_wait(peer, 4000);
    kafka_peer_call(peer, c, TEXT_HEARTBEAT, 3, "group=g generation=2 member=$1");
    kafka_peer_call(peer, c, TEXT_OFFSET_COMMIT, 7,
                    "group=g generation=2 member=$1 topics[name=t partitions[index=0]]");
    kafka_peer_call(peer, c, TEXT_OFFSET_FETCH, 5, "group=g topics=null");
    kafka_peer_call(peer, c, TEXT_DESCRIBE, 4, "groups[g]");
    kafka_peer_call(peer, c, TEXT_FETCH, 11, "topics[name=t partitions[index=0]]");
    expect_session(peer, SEC(6));
    kafka_peer_call(peer, c, TEXT_SYNC, 3, SYNC_ALL); /* of a stable group: told again */
    expect_session(peer, SEC(10));
    kafka_peer_call(peer, c, TEXT_LEAVE, 1, "group=g member=$1");
    expect_session(peer, TSTAMP_NEVER);
    kafka_peer_free(peer);
}

/* Each brings the protocols that it likes, the best first. */
static void expect_protocol(const char *const likes[3], const char *chosen)
{
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c[3];
    for (unsigned i = 0; i < 3; i++) {
        char join[160];
        c[i] = kafka_peer_open(peer);
        snprintf(join, sizeof join,
                 "group=g session=10000 protocols[name=%.1s; name=%.1s; "
                 "name=%.1s]",
                 likes[i], likes[i] + 1, likes[i] + 2);
        kafka_peer_send(peer, c[i], TEXT_JOIN, 3, join);
    }
    const char *answer = kafka_peer_receive(peer, c[0], 10000);
    if (strstr(answer, chosen) == NULL)
        fail_msg("%s %s %s: %s", likes[0], likes[1], likes[2], answer);
    kafka_peer_free(peer);
}

static void the_protocol_with_most_votes_is_chosen_and_the_first_of_equals(void **state)
{
    (void)state;
    expect_protocol((const char *const[]){"abc", "bac", "bca"}, "protocol=b");
    expect_protocol((const char *const[]){"abc", "bac", "acb"}, "protocol=a");
    expect_protocol((const char *const[]){"abc", "bac", "cab"}, "protocol=a");
    expect_protocol((const char *const[]){"cba", "bca", "abc"}, "protocol=c");
    expect_protocol((const char *const[]){"xbc", "bcy", "zcb"}, "protocol=b");
}

static void sessions_may_be_as_short_and_as_long_as_the_broker_says(void **state)
{
    static const struct {
        const char *session;
        int16_t error;
    } cases[] = {{"-1", KAFKA_INVALID_SESSION_TIMEOUT},
                 {"0", KAFKA_INVALID_SESSION_TIMEOUT},
                 {"5999", KAFKA_INVALID_SESSION_TIMEOUT},
                 {"6000", KAFKA_NO_ERROR},
                 {"1800000", KAFKA_NO_ERROR},
                 {"1800001", KAFKA_INVALID_SESSION_TIMEOUT}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kafka_peer *peer = peer_with_topic();
        uint32_t c = kafka_peer_open(peer);
        char join[128], answer[64];
        snprintf(join, sizeof join, "group=g session=%s protocols[name=range metadata=r]",
                 cases[i].session);
        snprintf(answer, sizeof answer, "error=%d ", cases[i].error);
        const char *got = kafka_peer_call(peer, c, TEXT_JOIN, 3, join);
        assert_memory_equal(got, answer, strlen(answer));
        kafka_peer_free(peer);
    }
}

static void an_id_that_is_not_used_holds_the_group_for_a_session(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t a = member_of_g(peer), b = kafka_peer_open(peer);
    assert_string_equal(kafka_peer_call(peer, b, TEXT_JOIN, 4, JOIN),
                        "error=79 generation=-1 protocol= leader=none member=$2 members[]");
    kafka_peer_send(peer, a, TEXT_JOIN, 3, JOIN " member=$1");
    assert_string_equal(kafka_peer_receive(peer, a, 9999), "nothing");
    assert_non_null(strstr(kafka_peer_receive(peer, a, 1), "members[id=$1 metadata=r]"));
    kafka_peer_free(peer);
}

static void members_offsets_and_ids_survive_a_restart(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    struct bed *bed = kafka_peer_bed(peer);
    uint32_t c = member_of_g(peer);
    kafka_peer_call(peer, c, TEXT_OFFSET_COMMIT, 7,
                    "group=g generation=1 member=$1 topics[name=t partitions[index=0 offset=7 "
                    "metadata=note]]");
    kafka_peer_wait(peer, 9000);
    bed_crash(bed);
    bed_start(bed);
    kafka_peer_wait(peer, 9000); /* its session starts anew with the broker */
    c = kafka_peer_open(peer);
    assert_string_equal(
        kafka_peer_call(peer, c, TEXT_HEARTBEAT, 3, "group=g generation=1 member=$1"),
        "error=0");
    assert_string_equal(
        kafka_peer_call(peer, c, TEXT_SYNC, 3, "group=g generation=1 member=$1"),
        "error=0 bytes=all");
    assert_string_equal(
        kafka_peer_call(peer, c, TEXT_OFFSET_FETCH, 5, "group=g topics=null"),
        "topics[name=t partitions[index=0 offset=7 leader_epoch=-1 metadata=note error=0]] "
        "error=0");
    kafka_peer_wait(peer, 10001);
    assert_string_equal(
        kafka_peer_call(peer, c, TEXT_HEARTBEAT, 3, "group=g generation=1 member=$1"),
        "error=25");
    kafka_peer_free(peer);
}

static void a_restart_in_a_rebalance_goes_back_to_the_last_stable_generation(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    struct bed *bed = kafka_peer_bed(peer);
    member_of_g(peer);
    uint32_t b = kafka_peer_open(peer);
    assert_non_null(strstr(kafka_peer_call(peer, b, TEXT_JOIN, 4, JOIN), "member=$2"));
    kafka_peer_send(peer, b, TEXT_JOIN, 4, JOIN " member=$2");
    bed_crash(bed);
    bed_start(bed);
    uint32_t c = kafka_peer_open(peer);
    assert_string_equal(
        kafka_peer_call(peer, c, TEXT_HEARTBEAT, 3, "group=g generation=1 member=$1"),
        "error=0");
    assert_non_null(
        strstr(kafka_peer_call(peer, c, TEXT_JOIN, 4, JOIN " member=$2"), "error=25"));
    kafka_peer_free(peer);
}

static void shorter_sessions_are_taken_when_the_broker_says_so(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer);
    static const char join[] = "group=g session=300 type=consumer protocols[name=range]";
    assert_non_null(strstr(kafka_peer_call(peer, c, TEXT_JOIN, 3, join), "error=26"));
    bed_config(kafka_peer_bed(peer), "group.min.session.timeout.ms", MSEC(300));
    bed_config(kafka_peer_bed(peer), "kafka.client-speed", 10);
    assert_non_null(strstr(kafka_peer_call(peer, c, TEXT_JOIN, 3, join), "error=0"));
    kafka_peer_call(peer, c, TEXT_SYNC, 3, SYNC_ALL);
    kafka_peer_wait(peer, 2999); /* ten times as long in the broker's time */
    assert_string_equal(
        kafka_peer_call(peer, c, TEXT_HEARTBEAT, 3, "group=g generation=1 member=$1"),
        "error=0");
    kafka_peer_wait(peer, 3001);
    assert_string_equal(
        kafka_peer_call(peer, c, TEXT_HEARTBEAT, 3, "group=g generation=1 member=$1"),
        "error=25");
    kafka_peer_free(peer);
}

static void a_group_is_full_at_some_point(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    struct bed *bed = kafka_peer_bed(peer);
    struct kafka_names *names = kafka_peer_names(peer);
    for (uint32_t i = 0; i <= 256; i++) {
        struct kafka_bytes frame = kafka_text_request(names, TEXT_JOIN, 4, 1, JOIN);
        struct message m = bed_message(bed, MSG_KAFKA_FRAME, NODE_HOST, ACTOR_MAIN_ID);
        m.corr = 100 + i;
        m.u.kafka_frame.bytes = blob_new(bed->arena, ARENA_MESSAGE, frame.bytes, frame.length);
        bed_deliver(bed, &m);
        blob_free(bed->arena, m.u.kafka_frame.bytes);
        const uint8_t *answer =
            blob_bytes(bed->arena, bed_sent(bed, MSG_KAFKA_ANSWER, 0)->u.kafka_frame.bytes);
        assert_int_equal(answer[9],
                         i < 256 ? KAFKA_MEMBER_ID_REQUIRED : KAFKA_GROUP_MAX_SIZE_REACHED);
        bed_forget(bed);
        kafka_bytes_free(&frame);
    }
    kafka_peer_free(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_join_to_an_empty_group_waits_its_initial_delay),
        cmocka_unit_test(
            the_initial_delay_goes_on_with_each_who_joins_up_to_the_rebalance_timeout),
        cmocka_unit_test(a_closed_connection_removes_no_member_its_session_does),
        cmocka_unit_test(a_join_whose_connection_closed_still_counts_and_is_answered_to_nobody),
        cmocka_unit_test(a_sync_whose_connection_closed_is_answered_to_nobody_the_others_are),
        cmocka_unit_test(a_join_is_answered_whoever_elses_connection_closes),
        cmocka_unit_test(a_rebalance_is_over_with_the_last_who_joins_again),
        cmocka_unit_test(groups_are_bounded),
        cmocka_unit_test(a_member_that_waits_for_others_does_not_expire_until_five_minutes),
        cmocka_unit_test(without_a_delay_the_first_member_is_answered_with_its_join),
        cmocka_unit_test(syncs_heartbeats_and_commits_prolong_a_session_and_nothing_else_does),
        cmocka_unit_test(the_protocol_with_most_votes_is_chosen_and_the_first_of_equals),
        cmocka_unit_test(sessions_may_be_as_short_and_as_long_as_the_broker_says),
        cmocka_unit_test(an_id_that_is_not_used_holds_the_group_for_a_session),
        cmocka_unit_test(members_offsets_and_ids_survive_a_restart),
        cmocka_unit_test(a_restart_in_a_rebalance_goes_back_to_the_last_stable_generation),
        cmocka_unit_test(shorter_sessions_are_taken_when_the_broker_says_so),
        cmocka_unit_test(a_group_is_full_at_some_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
