/*
 * test_kafka_protocol_admin.c - topics that go, and what is told of groups, over time: slots
 * and numbers that are used again, restarts.
 */
#include <stdio.h>
#include <string.h>
#include "kafka/kafka_api.h"
#include "support/kafka_peer.h"

#define JOIN                                                                                   \
    "group=g session=10000 rebalance=60000 type=consumer protocols[name=range metadata=r]"
#define SYNC_ALL "group=g generation=1 member=$1 assignments[id=$1 bytes=all]"
#define STABLE                                                                                 \
    "groups[error=0 name=g state=Stable type=consumer protocol=range members[id=$1 "           \
    "instance=null client=test host=/127.0.0.1 metadata=r assignment=all] "                    \
    "allowed=-2147483648]"

static struct kafka_peer *new_peer(void)
{
    struct kafka_peer *peer = kafka_peer_machine("");
    bed_config(kafka_peer_bed(peer), "group.initial.rebalance.delay.ms", 0);
    return peer;
}

static void expect(struct kafka_peer *peer, uint32_t c, enum kafka_text_api api,
                   int16_t version, const char *request, const char *answer)
{
    assert_string_equal(kafka_peer_call(peer, c, api, version, request), answer);
}

static void join(struct kafka_peer *peer, uint32_t c)
{
    expect(peer, c, TEXT_JOIN, 3, JOIN,
           "error=0 generation=1 protocol=range leader=$1 member=$1 members[id=$1 metadata=r]");
    expect(peer, c, TEXT_SYNC, 3, SYNC_ALL, "error=0 bytes=all");
}

static void a_restarted_broker_describes_its_groups_as_before(void **state)
{
    (void)state;
    struct kafka_peer *peer = new_peer();
    uint32_t c = kafka_peer_open(peer);
    join(peer, c);
    expect(peer, c, TEXT_DESCRIBE, 4, "groups[g]", STABLE);
    bed_crash(kafka_peer_bed(peer));
    bed_start(kafka_peer_bed(peer));
    c = kafka_peer_open(peer);
    expect(peer, c, TEXT_DESCRIBE, 4, "groups[g]", STABLE);
    expect(peer, c, TEXT_LEAVE, 1, "group=g member=$1", "error=0");
    bed_crash(kafka_peer_bed(peer));
    bed_start(kafka_peer_bed(peer));
    c = kafka_peer_open(peer);
    expect(peer, c, TEXT_DESCRIBE, 2, "groups[g]",
           "groups[error=0 name=g state=Empty type=consumer protocol= members[]]");
    expect(peer, c, TEXT_LIST, 2, "", "error=0 groups[name=g type=consumer]");
    kafka_peer_free(peer);
}

static void a_topic_in_the_place_of_a_deleted_one_is_another(void **state)
{
    (void)state;
    struct kafka_peer *peer = new_peer();
    uint32_t c = kafka_peer_open(peer), d = kafka_peer_open(peer);
    expect(peer, c, TEXT_CREATE, 0, "topics[name=a; name=b]",
           "topics[name=a error=0; name=b error=0]");
    kafka_peer_call(peer, c, TEXT_PRODUCE, 7, "topics[name=a partitions[index=0 records=@3]]");
    kafka_peer_call(peer, c, TEXT_OFFSET_COMMIT, 2,
                    "group=g topics[name=a partitions[index=0 offset=3]; name=b "
                    "partitions[index=0 offset=7]]");
    kafka_peer_send(peer, d, TEXT_FETCH, 11,
                    "wait=60000 min=1 topics[name=b partitions[index=0]]");
    expect(peer, c, TEXT_DELETE, 0, "topics[a]", "topics[name=a error=0]");
    expect(peer, c, TEXT_CREATE, 0, "topics[name=c]", "topics[name=c error=0]");
    expect(peer, c, TEXT_LIST_OFFSETS, 1, "topics[name=c partitions[index=0 time=-1]]",
           "topics[name=c partitions[index=0 error=0 time=-1 offset=0]]");
    expect(peer, c, TEXT_OFFSET_FETCH, 2, "group=g topics=null",
           "topics[name=b partitions[index=0 offset=7 metadata= error=0]] error=0");
    assert_string_equal(kafka_peer_receive(peer, d, 100), "nothing"); /* it waits for b */
    kafka_peer_call(peer, c, TEXT_PRODUCE, 7, "topics[name=b partitions[index=0 records=@1]]");
    assert_non_null(
        strstr(kafka_peer_receive(peer, d, 0), "name=b partitions[index=0 error=0"));
    kafka_peer_free(peer);
}

static void an_id_from_a_group_that_died_is_unknown(void **state)
{
    (void)state;
    struct kafka_peer *peer = new_peer();
    uint32_t c = kafka_peer_open(peer);
    kafka_peer_call(peer, c, TEXT_CREATE, 0, "topics[name=t]");
    assert_non_null(strstr(kafka_peer_call(peer, c, TEXT_JOIN, 4, JOIN), "error=79"));
    expect(peer, c, TEXT_DELETE, 3, "topics[t]", "topics[name=t error=0]");
    expect(peer, c, TEXT_LIST, 0, "", "error=0 groups[]");
    assert_non_null(
        strstr(kafka_peer_call(peer, c, TEXT_JOIN, 4, JOIN " member=$1"), "error=25"));
    kafka_peer_wait(peer, 20000); /* no session of it is left */
    expect(peer, c, TEXT_JOIN, 3, JOIN,
           "error=0 generation=1 protocol=range leader=$2 member=$2 members[id=$2 metadata=r]");
    kafka_peer_free(peer);
}

/* What one round leaves behind does not grow: slots, partitions, group numbers. */
static void topics_and_groups_come_and_go_for_ever(void **state)
{
    (void)state;
    struct kafka_peer *peer = new_peer();
    struct bed *bed = kafka_peer_bed(peer);
    uint32_t c = kafka_peer_open(peer);
    size_t blocks = 0;
    for (unsigned round = 0; round < 5000; round++) {
        char text[128];
        snprintf(text, sizeof text, "topics[name=t%u partitions=900]", round);
        assert_non_null(strstr(kafka_peer_call(peer, c, TEXT_CREATE, 0, text), "error=0"));
        snprintf(text, sizeof text, "topics[name=t%u partitions[index=0 records=@3]]", round);
        assert_non_null(strstr(kafka_peer_call(peer, c, TEXT_PRODUCE, 7, text), "error=0"));
        snprintf(text, sizeof text,
                 "group=g%u topics[name=t%u partitions[index=0 offset=1 metadata=m]]", round,
                 round);
        assert_non_null(
            strstr(kafka_peer_call(peer, c, TEXT_OFFSET_COMMIT, 2, text), "error=0"));
        snprintf(text, sizeof text, "topics[t%u]", round);
        assert_non_null(strstr(kafka_peer_call(peer, c, TEXT_DELETE, 3, text), "error=0"));
        bed_forget(bed);
        if (round == 100)
            blocks = arena_blocks(bed->arena, BED_KAFKA);
    }
    expect(peer, c, TEXT_LIST, 2, "", "error=0 groups[]");
    assert_int_equal(arena_blocks(bed->arena, BED_KAFKA), blocks);
    kafka_peer_free(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restarted_broker_describes_its_groups_as_before),
        cmocka_unit_test(a_topic_in_the_place_of_a_deleted_one_is_another),
        cmocka_unit_test(an_id_from_a_group_that_died_is_unknown),
        cmocka_unit_test(topics_and_groups_come_and_go_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
