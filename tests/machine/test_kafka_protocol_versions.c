/*
 * test_kafka_protocol_versions.c - every request in every version, and topics with an
 * assignment of their own: the answers are those of tests/golden/kafka_versions.txt, which
 * UPDATE_GOLDEN=1 writes anew. Most are compared with a real broker in tests/live.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "support/kafka_ops.h"

#define GOLDEN TEST_SOURCE_DIR "/tests/golden/kafka_versions.txt"
#define GOLDEN_MAX ((size_t)512 << 10)
#define MEMBER "protocols[name=range metadata=r; name=sticky metadata=s]"

/* `before` once; `call` in each version, with the version for every %d. */
static const struct {
    const char *name, *before, *call;
    int first, last;
} rows[] = {
    {"CreateTopics", "",
     "1 CreateTopics %d topics[name=~t%d partitions=2; name=~u%d; name=a/b]\n", 0, 4},
    {"CreateTopics, validated", "", "1 CreateTopics %d topics[name=~t] validate=1\n", 1, 4},
    {"Metadata", "1 CreateTopics 0 topics[name=~t partitions=2; name=~u]\n",
     "1 Metadata %d topics[~t; ~u; a/b]\n1 Metadata %d topics[~none] auto=0 cluster_ops=1 "
     "topic_ops=1\n",
     0, 8},
    {"Produce", "1 CreateTopics 0 topics[name=~t]\n",
     "1 Produce %d topics[name=~t partitions[index=0 records=@2; index=3 records=@1]; name=~no "
     "partitions[index=0 records=@1]]\n1 Produce %d transactional=x topics[name=~t "
     "partitions[index=0 records=@1]]\n",
     3, 7},
    {"Produce of batches that are not right", "1 CreateTopics 0 topics[name=~t]\n",
     "1 Produce %d topics[name=~t partitions[index=0 records=@2]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=@1!magic]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=@1!old]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=@1!two]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=@1!zstd]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=@1!long]]\n",
     0, 7},
    {"Produce with every number of acks", "1 CreateTopics 0 topics[name=~t]\n",
     "1 Produce %d acks=-3 topics[name=~t partitions[index=0 records=@1]]\n"
     "1 Produce %d acks=-2 topics[name=~t partitions[index=0 records=@1]]\n"
     "1 Produce %d acks=-1 topics[name=~t partitions[index=0 records=@1]]\n"
     "1 Produce %d acks=0 topics[name=~t partitions[index=0 records=@1]]\n"
     "1 Produce %d acks=1 topics[name=~t partitions[index=0 records=@1]]\n"
     "1 Produce %d acks=2 topics[name=~t partitions[index=0 records=@1]]\n",
     7, 7},
    {"Produce of batches whose lengths lie", "1 CreateTopics 0 topics[name=~t]\n",
     "1 Produce %d topics[name=~t partitions[index=0 records=@1!length-1]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=@1!length0]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=@1!length13]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=@1!length14]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=@1!length2147483647]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=@1!short]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=@0]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=#11]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=#12]]\n"
     "1 Produce %d topics[name=~t partitions[index=0 records=#17]]\n",
     7, 7},
    {"Fetch",
     "1 CreateTopics 0 topics[name=~t partitions=2]\n"
     "1 Produce 7 topics[name=~t partitions[index=0 records=@2; index=1 records=@1x50]]\n",
     "1 Fetch %d wait=0 topics[name=~t partitions[index=0 offset=1; index=1; index=2]; "
     "name=~no "
     "partitions[index=0]]\n1 Fetch %d wait=0 min=5000 topics[name=~t partitions[index=0 "
     "offset=9]]\n",
     4, 11},
    {"Fetch of nothing, and of a part", "1 CreateTopics 0 topics[name=~t]\n",
     "1 Produce %d topics[name=~t partitions[index=0 records=@1x50]]\n"
     "1 Fetch 11 wait=9 topics[name=~t partitions[]; name=~u partitions[]]\n"
     "1 Fetch 11 wait=9 topics[name=~t partitions[]; name=~t partitions[index=0 offset=0]]\n"
     "1 Fetch 11 wait=9 min=1 session=5 epoch=0 topics[]\n"
     "1 Fetch 11 wait=9 min=1 session=5 epoch=1 topics[name=~t partitions[index=0]]\n"
     "1 Fetch 11 wait=9 min=1 epoch=-2 topics[name=~t partitions[index=0]]\n",
     7, 7},
    {"ListOffsets",
     "1 CreateTopics 0 topics[name=~t]\n"
     "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n",
     "1 ListOffsets %d topics[name=~t partitions[index=0 time=-1; index=0 time=-2; index=1 "
     "time=-1]]\n",
     0, 5},
    {"ListOffsets of the oldest version",
     "1 CreateTopics 0 topics[name=~t]\n"
     "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n",
     "1 ListOffsets %d topics[name=~t partitions[index=0 time=-1 most=-1; index=0 time=-1 "
     "most=0; index=0 time=-1 most=1; index=0 time=-1 most=2; index=0 time=-1 most=3]]\n",
     0, 0},
    {"OffsetCommit", "1 CreateTopics 0 topics[name=~t partitions=2]\n",
     "1 OffsetCommit %d group=~g%d topics[name=~t partitions[index=0 offset=5 leader_epoch=3 "
     "metadata=m; index=1 offset=6; index=2 offset=7]]\n1 OffsetFetch 5 group=~g%d "
     "topics=null\n",
     0, 7},
    {"OffsetCommit of a generation to groups without members",
     "1 CreateTopics 0 topics[name=~t]\n"
     "1 OffsetCommit 7 group=~g topics[name=~t partitions[index=0 offset=5]]\n",
     "1 OffsetCommit %d group=~g generation=0 topics[name=~t partitions[index=0 offset=6]]\n"
     "1 OffsetCommit %d group=~none generation=0 topics[name=~t partitions[index=0 "
     "offset=6]]\n"
     "1 OffsetCommit %d group=~g generation=-2 topics[name=~t partitions[index=0 offset=7]]\n"
     "1 OffsetFetch 5 group=~g topics=null\n1 ListGroups 2\n",
     7, 7},
    {"OffsetCommit of members",
     "1 CreateTopics 0 topics[name=~t]\n1 JoinGroup 3 group=~g session=60000 " MEMBER "\n"
     "1 SyncGroup 3 group=~g generation=1 member=$1 assignments[id=$1 bytes=a]\n",
     "1 OffsetCommit %d group=~g generation=1 member=$1 topics[name=~t partitions[index=0 "
     "offset=5 leader_epoch=3]]\n1 OffsetCommit %d group=~g generation=2 member=$1 "
     "topics[name=~t partitions[index=0 offset=5]]\n1 OffsetCommit %d group=~g generation=1 "
     "member=x topics[name=~t partitions[index=0 offset=5]]\n",
     0, 7},
    {"OffsetFetch",
     "1 CreateTopics 0 topics[name=~t partitions=2]\n"
     "1 OffsetCommit 6 group=~g topics[name=~t partitions[index=0 offset=5 leader_epoch=3 "
     "metadata=m; index=1 offset=9]]\n",
     "1 OffsetFetch %d group=~g topics[name=~t partitions[0; 1; 4]; name=~no partitions[0]]\n"
     "1 OffsetFetch %d group=~none topics[name=~t partitions[0]]\n1 OffsetFetch %d group=~g "
     "topics[]\n",
     0, 5},
    {"FindCoordinator", "", "1 FindCoordinator %d key=~g\n1 FindCoordinator %d key=~g type=1\n",
     0, 2},
    {"JoinGroup", "",
     "1 JoinGroup %d group=~g%d session=60000 " MEMBER "\n"
     "1 JoinGroup %d group=~h%d session=60000 instance=fixed " MEMBER "\n",
     0, 5},
    {"Heartbeat",
     "1 JoinGroup 3 group=~g session=60000 " MEMBER "\n"
     "1 SyncGroup 3 group=~g generation=1 member=$1 assignments[id=$1 bytes=a]\n",
     "1 Heartbeat %d group=~g generation=1 member=$1\n1 Heartbeat %d group=~g generation=2 "
     "member=$1\n",
     0, 3},
    {"SyncGroup", "1 JoinGroup 3 group=~g session=60000 " MEMBER "\n",
     "1 SyncGroup %d group=~g generation=1 member=$1 assignments[id=$1 bytes=a]\n", 0, 3},
    {"members that nobody knows", "1 JoinGroup 3 group=~g session=60000 " MEMBER "\n",
     "1 JoinGroup %d group=~g session=60000 member=x " MEMBER "\n"
     "1 JoinGroup %d group=~none session=60000 member=x " MEMBER "\n"
     "1 SyncGroup 3 group=~g generation=1 member=x\n"
     "1 Heartbeat 3 group=~g generation=1 member=\n"
     "1 LeaveGroup 1 group=~g member=\n"
     "1 ListGroups 1\n",
     3, 5},
    {"members with an instance",
     "1 CreateTopics 0 topics[name=~t]\n1 JoinGroup 3 group=~g session=60000 " MEMBER "\n",
     "1 SyncGroup %d group=~g generation=1 member=$1 instance=i assignments[id=$1 bytes=a]\n"
     "1 Heartbeat %d group=~g generation=1 member=$1 instance=i\n"
     "1 LeaveGroup %d group=~g members[id=$1 instance=i]\n"
     "1 OffsetCommit 7 group=~g generation=1 member=$1 instance=i topics[name=~t "
     "partitions[index=0 offset=5]]\n"
     "1 SyncGroup %d group=~g generation=1 member=$1 assignments[id=$1 bytes=a]\n"
     "1 LeaveGroup %d group=~g members[id=$1]\n",
     3, 3},
    {"LeaveGroup", "",
     "1 JoinGroup 3 group=~g%d session=60000 " MEMBER
     "\n1 LeaveGroup %d group=~g%d member=last "
     "members[id=last]\n",
     0, 3},
    {"DescribeGroups",
     "1 JoinGroup 3 group=~g session=60000 " MEMBER "\n"
     "1 SyncGroup 3 group=~g generation=1 member=$1 assignments[id=$1 bytes=a]\n",
     "1 DescribeGroups %d groups[~g; ~none] allowed=1\n", 0, 4},
    {"ListGroups", "1 JoinGroup 3 group=~g session=60000 " MEMBER "\n", "1 ListGroups %d\n", 0,
     2},
    {"ApiVersions", "", "1 ApiVersions %d\n", 0, 3},
    {"names and releases of software", "",
     "1 ApiVersions %d software=AZaz09\n"
     "1 ApiVersions %d software=a-b\n"
     "1 ApiVersions %d software=a.b\n"
     "1 ApiVersions %d software=-a\n"
     "1 ApiVersions %d software=a-\n"
     "1 ApiVersions %d software=a.\n"
     "1 ApiVersions %d software=.a\n"
     "1 ApiVersions %d software=a_b\n"
     "1 ApiVersions %d software=@\n"
     "1 ApiVersions %d software=a@b\n"
     "1 ApiVersions %d software=`\n"
     "1 ApiVersions %d software={\n"
     "1 ApiVersions %d software=a(b\n"
     "1 ApiVersions %d software=/\n"
     "1 ApiVersions %d software=a/b\n"
     "1 ApiVersions %d software=:\n"
     "1 ApiVersions %d software=-\n"
     "1 ApiVersions %d software=\n"
     "1 ApiVersions %d release=_\n1 ApiVersions %d release=\n",
     3, 3},
    {"DeleteTopics", "",
     "1 CreateTopics 0 topics[name=~t%d]\n1 DeleteTopics %d topics[~t%d; ~none]\n", 0, 3},
    {"a topic whose partitions are placed", "",
     "1 CreateTopics %d topics[name=~a%d partitions=-1 replicas=-1 assignments[index=0 "
     "brokers[0]; index=1 brokers[0]]]\n1 Metadata 1 topics[~a%d]\n"
     "1 CreateTopics %d topics[name=~b%d partitions=-1 replicas=-1 assignments[index=0 "
     "brokers[1]]]\n"
     "1 CreateTopics %d topics[name=~c%d partitions=-1 replicas=-1 assignments[index=1 "
     "brokers[0]]]\n"
     "1 CreateTopics %d topics[name=~d%d partitions=-1 replicas=-1 assignments[index=0 "
     "brokers[0; 0]]]\n"
     "1 CreateTopics %d topics[name=~e%d partitions=-1 replicas=-1 assignments[index=0 "
     "brokers[]]]\n"
     "1 CreateTopics %d topics[name=~f%d partitions=-1 replicas=1 assignments[index=0 "
     "brokers[0]]]\n"
     "1 CreateTopics %d topics[name=~h%d partitions=1 replicas=-1 assignments[index=0 "
     "brokers[0]]]\n",
     4, 4},
    {"names of topics", "",
     "1 CreateTopics %d topics[name=a; name=z; name=A; name=Z; name=0; name=9; name=.x; "
     "name=_; name=-; name=AZaz09._-; name=`; name={; name=@; name=/; name=^; name=,; "
     "name=a+b]\n",
     4, 4},
    {"settings of a topic", "",
     "1 CreateTopics %d topics[name=~a%d configs[name=max.message.bytes value=0]]\n"
     "1 CreateTopics %d topics[name=~b%d configs[name=max.message.bytes value=-1]]\n"
     "1 CreateTopics %d topics[name=~c%d configs[name=retention.ms value=-1]]\n"
     "1 CreateTopics %d topics[name=~d%d configs[name=retention.ms value=-2]]\n"
     "1 CreateTopics %d topics[name=~e%d configs[name=retention.bytes value=-1; "
     "name=retention.bytes value=x]]\n"
     "1 CreateTopics %d topics[name=~f%d configs[name=segment.bytes value=13]]\n"
     "1 CreateTopics %d topics[name=~h%d configs[name=segment.bytes value=14]]\n"
     "1 CreateTopics %d topics[name=~i%d configs[name=segment.bytes value=null]]\n"
     "1 CreateTopics %d topics[name=~k%d configs[name=retention.ms value=]]\n"
     "1 CreateTopics %d topics[name=~l%d configs[name=retention.ms value=2147483647]]\n"
     "1 CreateTopics %d topics[name=~m%d configs[name=max.message.bytes value=2147483647]]\n"
     "1 CreateTopics %d topics[name=~n%d configs[name=max.message.bytes value=2147483648]]\n"
     "1 CreateTopics %d topics[name=~o%d configs[name=max.message.bytes value=]]\n"
     "1 CreateTopics %d topics[name=~p%d configs[name=max.message.bytes value=10919]]\n"
     "1 CreateTopics %d topics[name=~q%d configs[name=max.message.bytes value=1/]]\n"
     "1 CreateTopics %d topics[name=~r%d configs[name=max.message.bytes value=:1]]\n"
     "1 CreateTopics %d topics[name=~s%d configs[name=max.message.bytes value=21474836470]]\n"
     "1 CreateTopics %d topics[name=~j%d configs[name=cleanup.policy value=compact]]\n",
     4, 4},
};

static char transcript[KAFKA_OPS_TRANSCRIPT], all[GOLDEN_MAX];

/* Every %d becomes the version. */
static void fill(char *script, size_t size, const char *call, int version)
{
    size_t length = strlen(script);
    for (; *call != '\0' && length + 3 < size; call++) {
        bool is_version = call[0] == '%' && call[1] == 'd';
        if (is_version) {
            length += (size_t)snprintf(script + length, size - length, "%d", version);
            call++;
        } else
            script[length++] = *call;
    }
    script[length] = '\0';
}

static void run_all(void)
{
    size_t length = 0;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char script[1 << 14];
        snprintf(script, sizeof script, "%s", rows[i].before);
        for (int version = rows[i].first; version <= rows[i].last; version++)
            fill(script, sizeof script, rows[i].call, version);
        struct kafka_peer *peer = kafka_ops_machine("");
        kafka_peer_names(peer)->has_all = true;
        kafka_ops_run(peer, script, transcript, sizeof transcript);
        kafka_peer_free(peer);
        length += (size_t)snprintf(all + length, sizeof all - length, "== %s\n%s", rows[i].name,
                                   transcript);
        assert_true(length < sizeof all);
    }
}

static void every_request_is_answered_as_noted_in_every_version(void **state)
{
    (void)state;
    static char golden[GOLDEN_MAX];
    run_all();
    if (getenv("UPDATE_GOLDEN") != NULL) {
        FILE *out = fopen(GOLDEN, "w");
        assert_non_null(out);
        fputs(all, out);
        assert_int_equal(fclose(out), 0);
    }
    FILE *file = fopen(GOLDEN, "r");
    assert_non_null(file);
    golden[fread(golden, 1, sizeof golden - 1, file)] = '\0';
    fclose(file);
    size_t same = 0, line = 0;
    while (all[same] == golden[same] && all[same] != '\0') {
        if (all[same++] == '\n')
            line = same;
    }
    if (all[same] != golden[same])
        fail_msg("now\n%.600s\nbefore\n%.600s", all + line, golden + line);
}

static void expect_earliest(struct kafka_peer *peer, uint32_t c, const char *offset)
{
    char answer[128];
    snprintf(answer, sizeof answer,
             "topics[name=t partitions[index=0 error=0 time=-1 offset=%s]]", offset);
    assert_string_equal(kafka_peer_call(peer, c, TEXT_LIST_OFFSETS, 1,
                                        "topics[name=t partitions[index=0 time=-2]]"),
                        answer);
}

static void produce(struct kafka_peer *peer, uint32_t c)
{
    const char *answer = kafka_peer_call(peer, c, TEXT_PRODUCE, 7,
                                         "topics[name=t partitions[index=0 records=@1x100]]");
    assert_non_null(strstr(answer, "error=0"));
}

static void commit(struct kafka_peer *peer, uint32_t c, unsigned offset)
{
    char text[128];
    snprintf(text, sizeof text, "group=g topics[name=t partitions[index=0 offset=%u]]", offset);
    kafka_peer_call(peer, c, TEXT_OFFSET_COMMIT, 2, text);
}

/* A batch of one record of 100 bytes has 170. */
static void what_all_have_read_goes_first_and_the_last_batch_stays(void **state)
{
    (void)state;
    struct kafka_peer *peer = kafka_peer_machine("");
    bed_config(kafka_peer_bed(peer), "kafka.log-bytes", 2 * 170);
    bed_config(kafka_peer_bed(peer), "kafka.log-bytes-max", 4 * 170);
    uint32_t c = kafka_peer_open(peer);
    kafka_peer_call(peer, c, TEXT_CREATE, 0, "topics[name=t]");
    for (unsigned i = 0; i < 4; i++)
        produce(peer, c);
    expect_earliest(peer, c, "0"); /* nobody has read */
    produce(peer, c);
    expect_earliest(peer, c, "1"); /* over the larger bound: read or not */
    commit(peer, c, 2);
    produce(peer, c);
    expect_earliest(peer, c, "2");
    commit(peer, c, 9);
    produce(peer, c);
    expect_earliest(peer, c, "5"); /* two are kept */
    bed_config(kafka_peer_bed(peer), "kafka.log-bytes", 1);
    produce(peer, c);
    expect_earliest(peer, c, "7"); /* the last one */
    kafka_peer_free(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_is_answered_as_noted_in_every_version),
        cmocka_unit_test(what_all_have_read_goes_first_and_the_last_batch_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
