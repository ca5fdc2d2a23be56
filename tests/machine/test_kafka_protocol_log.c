/*
 * test_kafka_protocol_log.c - byte logs: what is kept, who is woken, what survives.
 */
#include <stdio.h>
#include <string.h>
#include "support/kafka_peer.h"

#define CREATE "topics[name=t partitions=1]"
#define PRODUCE "topics[name=t partitions[index=0 records=@10x1000]]" /* a batch of 10 KiB */
#define EARLIEST "topics[name=t partitions[index=0 time=-2]]"

static struct kafka_peer *peer_with_topic(void)
{
    struct kafka_peer *peer = kafka_peer_machine("");
    uint32_t c = kafka_peer_open(peer);
    kafka_peer_call(peer, c, TEXT_CREATE, 0, CREATE);
    return peer;
}

static long long earliest(struct kafka_peer *peer, uint32_t c)
{
    long long offset = -7;
    const char *answer = kafka_peer_call(peer, c, TEXT_LIST_OFFSETS, 1, EARLIEST);
    assert_int_equal(
        sscanf(answer, "topics[name=t partitions[index=0 error=0 time=-1 offset=%lld", &offset),
        1);
    return offset;
}

static void produce(struct kafka_peer *peer, uint32_t c, unsigned batches)
{
    for (unsigned i = 0; i < batches; i++) {
        const char *answer = kafka_peer_call(peer, c, TEXT_PRODUCE, 7, PRODUCE);
        assert_non_null(strstr(answer, "error=0"));
    }
}

static void commit(struct kafka_peer *peer, uint32_t c, const char *group, unsigned offset)
{
    char text[128];
    snprintf(text, sizeof text, "group=%s topics[name=t partitions[index=0 offset=%u]]", group,
             offset);
    assert_string_equal(kafka_peer_call(peer, c, TEXT_OFFSET_COMMIT, 2, text),
                        "topics[name=t partitions[index=0 error=0]]");
}

static void what_every_group_has_read_is_dropped_over_the_bound(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer);
    bed_config(kafka_peer_bed(peer), "kafka.log-bytes", 100 << 10);
    produce(peer, c, 20);
    assert_int_equal(earliest(peer, c), 0); /* nobody has read it */
    commit(peer, c, "slow", 35);
    commit(peer, c, "fast", 200);
    produce(peer, c, 1);
    assert_int_equal(earliest(peer, c), 30); /* whole batches below the slower one */
    commit(peer, c, "slow", 40);             /* the end of a batch: all of it is read */
    produce(peer, c, 1);
    assert_int_equal(earliest(peer, c), 40);
    commit(peer, c, "slow", 200);
    produce(peer, c, 1);
    assert_int_equal(earliest(peer, c), 130); /* down to the bound, no further */
    kafka_peer_free(peer);
}

/* Segments of version 0: starts that are not later, the end when the time is not past. */
static void expect_segments(struct kafka_peer *peer, uint32_t c, long long time,
                            const char *offsets)
{
    char text[128], expected[128];
    snprintf(text, sizeof text, "topics[name=t partitions[index=0 time=%lld most=9]]", time);
    snprintf(expected, sizeof expected,
             "topics[name=t partitions[index=0 error=0 offsets[%s]]]", offsets);
    assert_string_equal(kafka_peer_call(peer, c, TEXT_LIST_OFFSETS, 0, text), expected);
}

static void the_oldest_version_lists_what_a_time_leaves_of_the_log(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer);
    long long made = (long long)TSTAMP_EPOCH_MS, changed = made + 5000;
    expect_segments(peer, c, -1, "0"); /* an empty log has one start */
    expect_segments(peer, c, -2, "0");
    kafka_peer_wait(peer, 5000);
    produce(peer, c, 1);
    expect_segments(peer, c, changed, "10; 0");
    kafka_peer_wait(peer, 5000);
    expect_segments(peer, c, -1, "10; 0");
    expect_segments(peer, c, -2, "0");
    expect_segments(peer, c, -3, "0");
    expect_segments(peer, c, 0, "");
    expect_segments(peer, c, changed - 1, "");
    expect_segments(peer, c, changed, "0");
    expect_segments(peer, c, changed + 4999, "0");
    expect_segments(peer, c, changed + 5000, "10; 0");
    expect_segments(peer, c, changed + 5001, "10; 0");
    kafka_peer_free(peer);
}

static void a_null_of_topics_asks_for_all_offsets_from_version_2_on(void **state)
{
    (void)state;
    for (int16_t version = 0; version <= 2; version++) {
        struct kafka_peer *peer = peer_with_topic();
        uint32_t c = kafka_peer_open(peer);
        assert_string_equal(
            kafka_peer_call(peer, c, TEXT_OFFSET_FETCH, version, "group=g topics=null"),
            version < 2 ? "closed" : "topics[] error=0");
        kafka_peer_free(peer);
    }
}

static void a_fetch_is_answered_with_just_the_bytes_it_waits_for(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer), one = kafka_peer_open(peer),
             two = kafka_peer_open(peer);
#define BATCH_170 "topics[name=t partitions[index=0 records=@1x100]]"
    kafka_peer_send(peer, one, TEXT_FETCH, 11,
                    "wait=1000 min=340 topics[name=t partitions[index=0]]");
    kafka_peer_send(peer, two, TEXT_FETCH, 11,
                    "wait=1000 min=341 topics[name=t partitions[index=0]]");
    kafka_peer_call(peer, c, TEXT_PRODUCE, 7, BATCH_170);
    assert_string_equal(kafka_peer_receive(peer, one, 1), "nothing");
    kafka_peer_call(peer, c, TEXT_PRODUCE, 7, BATCH_170);
    assert_non_null(strstr(kafka_peer_receive(peer, one, 0), "records=( 0+1/170 1+1/170 )"));
    assert_string_equal(kafka_peer_receive(peer, two, 998), "nothing");
    assert_non_null(strstr(kafka_peer_receive(peer, two, 1), "records=( 0+1/170 1+1/170 )"));
    kafka_peer_send(peer, one, TEXT_FETCH, 11,
                    "wait=0 min=1 topics[name=t partitions[index=0 offset=2]]");
    assert_int_equal(bed_next_in(kafka_peer_bed(peer)), TSTAMP_NEVER); /* it has been told */
    assert_non_null(strstr(kafka_peer_receive(peer, one, 0), "records=( )"));
    for (int min = -1; min <= 0; min++) { /* nothing is enough */
        char text[96];
        snprintf(text, sizeof text,
                 "wait=9000 min=%d topics[name=t partitions[index=0 offset=2]]", min);
        kafka_peer_send(peer, one, TEXT_FETCH, 11, text);
        assert_non_null(strstr(kafka_peer_receive(peer, one, 0), "records=( )"));
    }
    kafka_peer_free(peer);
}

/* A fetch of two partitions of two batches of 170 bytes each. */
static void bounds_of_a_fetch_leave_whole_batches_out_but_for_the_first(void **state)
{
#define BOTH(max, first) "max=" max " topics[name=u partitions[index=0 max=" first "; index=1]]"
#define TOLD(first, second)                                                                    \
    "error=0 session=0 topics[name=u partitions[index=0 error=0 high=2 stable=2 start=0 "      \
    "abortednull preferred=-1 records=(" first " ); index=1 error=0 high=2 stable=2 start=0 "  \
    "abortednull preferred=-1 records=(" second " )]]"
#define ONE " 0+1/170"
#define TWO " 0+1/170 1+1/170"
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {BOTH("680", "340"), TOLD(TWO, TWO)}, {BOTH("679", "340"), TOLD(TWO, ONE)},
        {BOTH("510", "340"), TOLD(TWO, ONE)}, {BOTH("509", "340"), TOLD(TWO, "")},
        {BOTH("340", "340"), TOLD(TWO, "")},  {BOTH("339", "340"), TOLD(ONE, "")},
        {BOTH("1", "340"), TOLD(ONE, "")},    {BOTH("0", "340"), TOLD(ONE, "")},
        {BOTH("-1", "340"), TOLD(ONE, "")},   {BOTH("680", "339"), TOLD(ONE, TWO)},
        {BOTH("680", "0"), TOLD(ONE, TWO)},   {BOTH("680", "-1"), TOLD(ONE, TWO)},
    };
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer);
    kafka_peer_call(peer, c, TEXT_CREATE, 0, "topics[name=u partitions=2]");
    for (unsigned i = 0; i < 2; i++)
        kafka_peer_call(peer, c, TEXT_PRODUCE, 7,
                        "topics[name=u partitions[index=0 records=@1x100; index=1 "
                        "records=@1x100]]");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(kafka_peer_call(peer, c, TEXT_FETCH, 11, cases[i].request),
                            cases[i].answer);
    kafka_peer_free(peer);
}

static void over_the_hard_bound_the_oldest_are_dropped_read_or_not(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer);
    bed_config(kafka_peer_bed(peer), "kafka.log-bytes", 50 << 10);
    bed_config(kafka_peer_bed(peer), "kafka.log-bytes-max", 100 << 10);
    produce(peer, c, 30);
    long long start = earliest(peer, c);
    assert_in_range(start, 200, 220);
    assert_string_equal(
        kafka_peer_call(peer, c, TEXT_FETCH, 4, "topics[name=t partitions[index=0 offset=5]]"),
        "topics[name=t partitions[index=0 error=1 high=-1 stable=-1 abortednull records=( )]]");
    char text[96], expected[96];
    snprintf(text, sizeof text, "max=1 topics[name=t partitions[index=0 offset=%lld]]", start);
    snprintf(expected, sizeof expected, "records=( %lld+10/", start);
    assert_non_null(strstr(kafka_peer_call(peer, c, TEXT_FETCH, 4, text), expected));
    kafka_peer_free(peer);
}

static void memory_stays_flat_however_much_goes_through(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    struct bed *bed = kafka_peer_bed(peer);
    uint32_t c = kafka_peer_open(peer);
    bed_config(bed, "kafka.log-bytes", 1 << 20);
    unsigned offset = 0;
    size_t used = 0;
    for (unsigned round = 0; round < 40; round++) { /* 20 MiB */
        produce(peer, c, 50);
        offset += 500;
        commit(peer, c, "g", offset);
        kafka_peer_call(peer, c, TEXT_FETCH, 11,
                        "max=2000000 topics[name=t partitions[index=0 offset=0 max=2000000]]");
        if (round == 8)
            used = arena_used(bed->arena);
    }
    assert_true(arena_used(bed->arena) <= used + (used >> 3));
    kafka_peer_free(peer);
}

static void records_survive_a_restart(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    struct bed *bed = kafka_peer_bed(peer);
    uint32_t c = kafka_peer_open(peer);
    produce(peer, c, 3);
    bed_crash(bed);
    bed_start(bed);
    assert_non_null(strstr(
        kafka_peer_call(peer, c, TEXT_FETCH, 4, "topics[name=t partitions[index=0 offset=15]]"),
        "records=( 10+10/"));
    produce(peer, c, 1);
    assert_non_null(strstr(kafka_peer_call(peer, c, TEXT_LIST_OFFSETS, 1,
                                           "topics[name=t partitions[index=0 time=-1]]"),
                           "offset=40"));
    kafka_peer_free(peer);
}

static void a_fetch_of_a_closed_connection_is_forgotten(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    uint32_t c = kafka_peer_open(peer), gone = kafka_peer_open(peer);
    kafka_peer_send(peer, gone, TEXT_FETCH, 11,
                    "wait=60000 min=1 topics[name=t partitions[index=0]]");
    kafka_peer_close(peer, gone);
    produce(peer, c, 1);
    assert_string_equal(kafka_peer_receive(peer, gone, 100000), "nothing");
    kafka_peer_free(peer);
}

static void a_fetch_that_waits_is_told_nothing_after_a_restart(void **state)
{
    (void)state;
    struct kafka_peer *peer = peer_with_topic();
    struct bed *bed = kafka_peer_bed(peer);
    uint32_t c = kafka_peer_open(peer);
    kafka_peer_send(peer, c, TEXT_FETCH, 11,
                    "wait=5000 min=1 topics[name=t partitions[index=0]]");
    bed_crash(bed);
    bed_start(bed);
    assert_string_equal(kafka_peer_receive(peer, c, 10000), "nothing");
    kafka_peer_free(peer);
}

static void the_clusters_topics_exist_and_take_upstreams_largest_message(void **state)
{
    (void)state;
    struct kafka_peer *peer = kafka_peer_machine("");
    uint32_t c = kafka_peer_open(peer);
    const char *answer = kafka_peer_call(peer, c, TEXT_METADATA, 1, "topics=null");
    static const char *const names[] = {"completed0", "completed1",   "scheduler0",
                                        "scheduler1", "creationAck0", "creationAck1",
                                        "invoker0",   "invoker1",     "invoker2"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        char told[96];
        snprintf(told, sizeof told, "error=0 name=%s internal=0 partitions[error=0 index=0]",
                 names[i]);
        assert_non_null(strstr(answer, told));
    }
    /* a batch of one record of this size takes 74 bytes more */
    assert_non_null(
        strstr(kafka_peer_call(peer, c, TEXT_PRODUCE, 7,
                               "topics[name=invoker0 partitions[index=0 records=@1x1054570]]"),
               "error=0"));
    assert_non_null(
        strstr(kafka_peer_call(peer, c, TEXT_PRODUCE, 7,
                               "topics[name=invoker0 partitions[index=0 records=@1x1054571]]"),
               "error=10"));
    kafka_peer_free(peer);
}

static void no_topic_is_made_when_the_broker_does_not_want_to(void **state)
{
    (void)state;
    struct kafka_peer *peer = kafka_peer_machine("");
    uint32_t c = kafka_peer_open(peer);
    bed_config(kafka_peer_bed(peer), "auto.create.topics.enable", 0);
    for (unsigned i = 0; i < 2; i++)
        assert_string_equal(kafka_peer_call(peer, c, TEXT_METADATA, 0, "topics[u]"),
                            "brokers[] topics[error=3 name=u partitions[]]");
    kafka_peer_free(peer);
}

static void records_that_nobody_reads_are_still_owed(void **state)
{
    (void)state;
    struct kafka_peer *peer = kafka_peer_machine("");
    struct bed *bed = kafka_peer_bed(peer);
    uint32_t c = kafka_peer_open(peer);
    char text[128];
    kafka_peer_call(peer, c, TEXT_PRODUCE, 7,
                    "topics[name=scheduler1 partitions[index=0 records=@3]]");
    assert_true(bed->ops->pending(bed->machine, text, sizeof text));
    assert_string_equal(text, "3 records of topic scheduler1 unread");
    kafka_peer_call(peer, c, TEXT_OFFSET_COMMIT, 2,
                    "group=scheduler1 topics[name=scheduler1 partitions[index=0 offset=3]]");
    assert_false(bed->ops->pending(bed->machine, text, sizeof text));
    kafka_peer_free(peer);
}

static void topics_are_bounded(void **state)
{
    (void)state;
    struct kafka_peer *peer = kafka_peer_machine("");
    uint32_t c = kafka_peer_open(peer);
    assert_string_equal(
        kafka_peer_call(peer, c, TEXT_CREATE, 0, "topics[name=a partitions=1001]"),
        "topics[name=a error=44]");
    for (unsigned i = 0; i < 4; i++) {
        char text[64];
        snprintf(text, sizeof text, "topics[name=a%u partitions=1000]", i);
        assert_non_null(strstr(kafka_peer_call(peer, c, TEXT_CREATE, 0, text),
                               i < 3 ? "error=0" : "error=44"));
    }
    /* nine are the cluster's own */
    assert_string_equal(
        kafka_peer_call(peer, c, TEXT_CREATE, 0, "topics[name=b partitions=992]"),
        "topics[name=b error=44]");
    assert_string_equal(
        kafka_peer_call(peer, c, TEXT_CREATE, 0, "topics[name=b partitions=990]"),
        "topics[name=b error=0]");
    assert_string_equal(kafka_peer_call(peer, c, TEXT_METADATA, 0, "topics[made]"),
                        "brokers[] topics[error=5 name=made partitions[]]");
    assert_string_equal(kafka_peer_call(peer, c, TEXT_METADATA, 0, "topics[more]"),
                        "brokers[] topics[error=3 name=more partitions[]]");
    kafka_peer_free(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_every_group_has_read_is_dropped_over_the_bound),
        cmocka_unit_test(the_oldest_version_lists_what_a_time_leaves_of_the_log),
        cmocka_unit_test(a_null_of_topics_asks_for_all_offsets_from_version_2_on),
        cmocka_unit_test(a_fetch_is_answered_with_just_the_bytes_it_waits_for),
        cmocka_unit_test(bounds_of_a_fetch_leave_whole_batches_out_but_for_the_first),
        cmocka_unit_test(over_the_hard_bound_the_oldest_are_dropped_read_or_not),
        cmocka_unit_test(memory_stays_flat_however_much_goes_through),
        cmocka_unit_test(records_survive_a_restart),
        cmocka_unit_test(a_fetch_of_a_closed_connection_is_forgotten),
        cmocka_unit_test(a_fetch_that_waits_is_told_nothing_after_a_restart),
        cmocka_unit_test(the_clusters_topics_exist_and_take_upstreams_largest_message),
        cmocka_unit_test(no_topic_is_made_when_the_broker_does_not_want_to),
        cmocka_unit_test(records_that_nobody_reads_are_still_owed),
        cmocka_unit_test(topics_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
