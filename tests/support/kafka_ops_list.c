/*
 * kafka_ops_list.c - what a client can see of a broker: one script for each thing.
 */
#include "support/kafka_ops.h"

#define JOIN_RANGE " type=consumer protocols[name=range metadata=r] "
/* A member: version 3 needs no id first. */
#define JOIN(connection, more)                                                                 \
    connection " JoinGroup 3 group=~g session=1000" JOIN_RANGE more "\n"
/* Topic ~t, and $1 as the one member of group ~g, generation 1, with an assignment. */
#define WITH_TOPIC "1 CreateTopics 4 topics[name=~t]\n"
#define WITH_MEMBER                                                                            \
    JOIN("1", "")                                                                              \
    "1 SyncGroup 3 group=~g generation=1 member=$1 assignments[id=$1 bytes=all]\n"
#define COMMIT(more) "OffsetCommit 7 group=~g " more "\n"
#define COMMITTED "1 OffsetFetch 5 group=~g topics[name=~t partitions[0]]\n"

const struct kafka_op kafka_ops_list[] = {
    /* ---- topics ---- */
    {.name = "a topic is made and described",
     .script = "1 CreateTopics 4 topics[name=~t partitions=3]\n"
               "1 Metadata 8 topics[~t]\n1 Metadata 7 topics[~t]\n1 Metadata 5 topics[~t]\n"
               "1 Metadata 4 topics[~t]\n1 Metadata 2 topics[~t]\n1 Metadata 1 topics[~t]\n"
               "1 Metadata 0 topics[~t]\n"},
    {.name = "a topic is made in the oldest version",
     .script = "1 CreateTopics 0 topics[name=~t]\n1 Metadata 1 topics[~t]\n"},
    {.name = "what one may do is told when asked for",
     .script = WITH_TOPIC "1 Metadata 8 topics[~t] topic_ops=1\n"},
    {.name = "an unknown topic is not made against the client's will",
     .script = "1 Metadata 4 topics[~none] auto=0\n1 Metadata 8 topics[~none] auto=0\n"},
    {.name = "no topics are asked for", .script = "1 Metadata 1 topics[]\n"},
    {.name = "an unknown topic that is asked for is made",
     .script = "1 Metadata 4 topics[~auto]\nwait 1000\n1 Metadata 4 topics[~auto]\n",
     .flags = OPS_DIFFERS,
     .why = "2.7 says LEADER_NOT_AVAILABLE at first, 3.x UNKNOWN_TOPIC_OR_PARTITION"},
    {.name = "a name that cannot be is refused by metadata",
     .script = "1 Metadata 4 topics[a/b]\n1 Metadata 4 topics[..]\n"},
    {.name = "a topic cannot be made twice",
     .script = WITH_TOPIC "1 CreateTopics 4 topics[name=~t]\n1 CreateTopics 0 topics[name=~t]\n"
                          "1 CreateTopics 4 topics[name=~t partitions=0]\n"},
    {.name = "a topic that is asked for twice at once is not made",
     .script = "1 CreateTopics 4 topics[name=~t; name=~t; name=~u]\n"
               "1 Metadata 4 topics[~t; ~u] auto=0\n"},
    {.name = "names that cannot be are refused",
     .script = "1 CreateTopics 4 topics[name=a/b]\n1 CreateTopics 4 topics[name=.]\n"
               "1 CreateTopics 4 topics[name=..]\n1 CreateTopics 4 topics[name=]\n"
               "1 CreateTopics 4 topics[name=#250]\n1 CreateTopics 4 topics[name=a:b]\n"},
    {.name = "a name of 249 characters is none too long",
     .script = "1 CreateTopics 4 topics[name=#249] validate=1\n"},
    {.name = "names that differ in dot and underscore collide",
     .script = "1 CreateTopics 4 topics[name=~a.b]\n1 CreateTopics 4 topics[name=~a_b]\n"},
    {.name = "numbers of partitions that cannot be are refused",
     .script = "1 CreateTopics 4 topics[name=~t partitions=0]\n"
               "1 CreateTopics 4 topics[name=~t partitions=-2]\n"},
    {.name = "the number of partitions is the broker's when it is not given",
     .script = "1 CreateTopics 4 topics[name=~t partitions=-1 replicas=-1]\n"
               "1 Metadata 4 topics[~t]\n"},
    {.name = "more replicas than brokers are refused",
     .script = "1 CreateTopics 4 topics[name=~t replicas=2]\n"
               "1 CreateTopics 4 topics[name=~t replicas=0]\n"},
    {.name = "a topic is only validated",
     .script = "1 CreateTopics 4 topics[name=~t] validate=1\n"
               "1 Metadata 4 topics[~t] auto=0\n"},
    {.name = "an assignment and a number of partitions exclude each other",
     .script = "1 CreateTopics 4 topics[name=~t partitions=1 assignments[index=0 "
               "brokers[1]]]\n"},
    {.name = "an unknown setting of a topic is refused",
     .script = "1 CreateTopics 4 topics[name=~t configs[name=partitions value=1]]\n"
               "1 CreateTopics 4 topics[name=~t configs[name=max.message.bytes value=many]]\n"},
    {.name = "settings that upstream gives are taken",
     .script = "1 CreateTopics 4 topics[name=~t configs[name=retention.bytes value=1073741824; "
               "name=retention.ms value=3600000; name=segment.bytes value=536870912; "
               "name=max.message.bytes value=1054644]]\n"},
    /* ---- produce ---- */
    {.name = "records get their offsets",
     .script =
         WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n"
                    "1 Produce 3 topics[name=~t partitions[index=0 records=@1]]\n"
                    "1 Produce 5 acks=-1 topics[name=~t partitions[index=0 records=@2]]\n"},
    {.name = "a producer that wants no acknowledgement gets none",
     .script = WITH_TOPIC
     "1 > Produce 7 acks=0 topics[name=~t partitions[index=0 records=@3]]\n"
     "1 < 0..200\n1 ListOffsets 1 topics[name=~t partitions[index=0 time=-1]]\n"},
    {.name = "a producer without acknowledgement learns an error from the connection's end",
     .script = "1 > Produce 7 acks=0 topics[name=~none partitions[index=5 records=@1]]\n"
               "1 < 0..500\n"},
    {.name = "other acknowledgements are refused",
     .script =
         WITH_TOPIC "1 Produce 7 acks=2 topics[name=~t partitions[index=0 records=@1]]\n"},
    {.name = "an unknown topic or partition takes no records",
     .script = WITH_TOPIC "1 Produce 7 topics[name=~none partitions[index=0 records=@1]]\n"
                          "1 Produce 7 topics[name=~t partitions[index=1 records=@1]]\n"
                          "1 Produce 7 topics[name=~t partitions[index=-1 records=@1]]\n"},
    {.name = "one bad partition does not hold up another",
     .script = WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@1; index=4 "
                          "records=@1]]\n"},
    {.name = "a batch that is broken is refused",
     .script = WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@1!crc]]\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=@1!count]]\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=@1!base]]\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=@1!two]]\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=@1!long]]\n"
                          "1 Produce 6 topics[name=~t partitions[index=0 records=@1!zstd]]\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=]]\n"
                          "1 ListOffsets 1 topics[name=~t partitions[index=0 time=-1]]\n"},
    {.name = "a batch of an unknown magic is refused",
     .script = WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@1!magic]]\n"},
    {.name = "a message that is too large for its topic is refused",
     .script = "1 CreateTopics 4 topics[name=~t configs[name=max.message.bytes value=200]]\n"
               "1 Produce 7 topics[name=~t partitions[index=0 records=@1x100]]\n"
               "1 Produce 7 topics[name=~t partitions[index=0 records=@1x200]]\n"},
    {.name = "a message of the broker's largest size is taken, one byte more is not",
     .script =
         WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@1x1048516]]\n"
                    "1 Produce 7 topics[name=~t partitions[index=0 records=@1x1048517]]\n"},
    /* ---- fetch ---- */
    {.name = "records are fetched in every version that can hold them",
     .script = WITH_TOPIC
     "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n"
     "1 Fetch 4 wait=0 topics[name=~t partitions[index=0 offset=0]]\n"
     "1 Fetch 5 wait=0 topics[name=~t partitions[index=0 offset=0]]\n"
     "1 Fetch 7 wait=0 topics[name=~t partitions[index=0 offset=0]]\n"
     "1 Fetch 9 wait=0 topics[name=~t partitions[index=0 offset=0]]\n"
     "1 Fetch 10 wait=0 topics[name=~t partitions[index=0 offset=0]]\n"
     "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=0]]\n"
     "1 Fetch 11 wait=0 isolation=1 topics[name=~t partitions[index=0 offset=0]]\n"},
    {.name = "whole batches come from the one that holds the offset on",
     .script = WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=@2]]\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=@1]]\n"
                          "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=1]]\n"
                          "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=3]]\n"
                          "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=5]]\n"
                          "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=6]]\n"},
    {.name = "an answer is bounded, and has one batch at least",
     .script =
         WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@1x100]]\n"
                    "1 Produce 7 topics[name=~t partitions[index=0 records=@1x100]]\n"
                    "1 Produce 7 topics[name=~t partitions[index=0 records=@1x100]]\n"
                    "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=0 max=1]]\n"
                    "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=1 max=400]]\n"
                    "1 Fetch 11 wait=0 max=1 topics[name=~t partitions[index=0 offset=0]]\n"
                    "1 Fetch 11 wait=0 max=400 topics[name=~t partitions[index=0 offset=0]]\n"},
    {.name = "the bound is of all partitions together",
     .script =
         "1 CreateTopics 4 topics[name=~t partitions=3]\n"
         "1 Produce 7 topics[name=~t partitions[index=0 records=@1x100; index=1 "
         "records=@1x100; index=2 records=@1x100]]\n"
         "1 Fetch 11 wait=0 max=1 topics[name=~t partitions[index=0; index=1; index=2]]\n"
         "1 Fetch 11 wait=0 max=400 topics[name=~t partitions[index=0; index=1; index=2]]\n"
         "1 Fetch 11 wait=0 topics[name=~t partitions[index=0; index=1; index=2]]\n"},
    {.name = "an offset out of range is told at once",
     .script = WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n"
                          "1 > Fetch 11 wait=3000 min=1 topics[name=~t partitions[index=0 "
                          "offset=4]]\n1 < 0..1000\n"
                          "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=-1]]\n"
                          "1 Fetch 4 wait=0 topics[name=~t partitions[index=0 offset=9]]\n"},
    {.name = "an unknown topic or partition is told at once",
     .script =
         WITH_TOPIC "1 > Fetch 11 wait=3000 min=1 topics[name=~none partitions[index=0]]\n"
                    "1 < 0..1000\n"
                    "1 Fetch 11 wait=0 topics[name=~t partitions[index=7]]\n"},
    {.name = "an epoch of the leader that is not its own is told",
     .script = WITH_TOPIC
     "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 leader_epoch=0]]\n"
     "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 leader_epoch=7]]\n"
     "1 ListOffsets 5 topics[name=~t partitions[index=0 leader_epoch=7 time=-1]]\n"
     "1 ListOffsets 5 topics[name=~t partitions[index=0 leader_epoch=0 time=-1]]\n"},
    {.name = "an empty fetch waits as long as it asked for",
     .script = WITH_TOPIC "1 > Fetch 11 wait=500 min=1 topics[name=~t partitions[index=0]]\n"
                          "1 < 450..1000\n"
                          "1 > Fetch 11 wait=0 min=1 topics[name=~t partitions[index=0]]\n"
                          "1 < 0..300\n"
                          "1 > Fetch 11 wait=3000 min=0 topics[name=~t partitions[index=0]]\n"
                          "1 < 0..300\n"},
    {.name = "an append wakes a fetch that waits",
     .script = WITH_TOPIC "2 > Fetch 11 wait=5000 min=1 topics[name=~t partitions[index=0]]\n"
                          "wait 200\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=@2]]\n"
                          "2 < 0..1000\n"},
    {.name = "an append to another partition wakes no fetch",
     .script = "1 CreateTopics 4 topics[name=~t partitions=2]\n"
               "2 > Fetch 11 wait=1000 min=1 topics[name=~t partitions[index=0]]\nwait 200\n"
               "1 Produce 7 topics[name=~t partitions[index=1 records=@2]]\n"
               "2 < 500..2000\n"},
    {.name = "a fetch waits until there is as much as it asked for",
     .script = WITH_TOPIC "2 > Fetch 11 wait=5000 min=300 topics[name=~t partitions[index=0]]\n"
                          "wait 200\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=@1x100]]\n"
                          "2 < 0..300\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=@1x200]]\n"
                          "2 < 0..1000\n"},
    {.name = "a fetch that waits for more than there is gets what is there in the end",
     .script =
         WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@1]]\n"
                    "1 > Fetch 11 wait=500 min=100000 topics[name=~t partitions[index=0]]\n"
                    "1 < 400..1500\n"},
    {.name = "a fetch session that is not known is told",
     .script = WITH_TOPIC "1 Fetch 11 wait=0 session=77 epoch=3 topics[name=~t "
                          "partitions[index=0]]\n"},
    {.name = "a fetch session is offered",
     .script = WITH_TOPIC "1 Fetch 11 wait=0 epoch=0 topics[name=~t partitions[index=0]]\n",
     .flags = OPS_DIFFERS,
     .why = "no sessions are made: id 0, which a client takes for a full cache"},
    {.name = "old versions cannot read new records",
     .script = WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@1]]\n"
                          "1 Fetch 2 wait=0 topics[name=~t partitions[index=0]]\n",
     .flags = OPS_DIFFERS,
     .why = "records are not converted: as with log.message.downconversion.enable=false"},
    /* ---- offsets of a log ---- */
    {.name = "the earliest and the latest offset",
     .script = WITH_TOPIC
     "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n"
     "1 ListOffsets 1 topics[name=~t partitions[index=0 time=-1]]\n"
     "1 ListOffsets 1 topics[name=~t partitions[index=0 time=-2]]\n"
     "1 ListOffsets 2 topics[name=~t partitions[index=0 time=-1]]\n"
     "1 ListOffsets 4 topics[name=~t partitions[index=0 time=-1]]\n"
     "1 ListOffsets 5 isolation=1 topics[name=~t partitions[index=0 time=-2]]\n"},
    {.name = "the offsets of an empty log",
     .script = WITH_TOPIC "1 ListOffsets 5 topics[name=~t partitions[index=0 time=-1]]\n"
                          "1 ListOffsets 5 topics[name=~t partitions[index=0 time=-2]]\n"
                          "1 ListOffsets 5 topics[name=~t partitions[index=0 time=5]]\n"
                          "1 ListOffsets 0 topics[name=~t partitions[index=0 time=-1]]\n"},
    {.name = "offsets in the oldest version",
     .script =
         WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n"
                    "1 ListOffsets 0 topics[name=~t partitions[index=0 time=-1 most=1]]\n"
                    "1 ListOffsets 0 topics[name=~t partitions[index=0 time=-1 most=9]]\n"
                    "1 ListOffsets 0 topics[name=~t partitions[index=0 time=-2 most=9]]\n"
                    "1 ListOffsets 0 topics[name=~t partitions[index=3 time=-2 most=9]]\n"},
    {.name = "the first offset at or after a time",
     .script = WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n"
                          "1 ListOffsets 1 topics[name=~t partitions[index=0 time=0]]\n"
                          "1 ListOffsets 1 topics[name=~t partitions[index=0 time=1001]]\n"
                          "1 ListOffsets 1 topics[name=~t partitions[index=0 time=1003]]\n"
                          "1 ListOffsets 5 topics[name=~t partitions[index=0 time=1005]]\n"
                          "1 ListOffsets 5 topics[name=~t partitions[index=0 time=1006]]\n"},
    {.name = "an unknown topic or partition has no offsets",
     .script = WITH_TOPIC "1 ListOffsets 5 topics[name=~none partitions[index=0 time=-1]]\n"
                          "1 ListOffsets 1 topics[name=~t partitions[index=9 time=-1]]\n"},
    /* ---- offsets of a group ---- */
    {.name = "a commit is there after it, with its note",
     .script = WITH_TOPIC WITH_MEMBER
     "1 " COMMIT("generation=1 member=$1 topics[name=~t partitions[index=0 offset=42 "
                 "metadata=note leader_epoch=0]]") COMMITTED
     "1 OffsetFetch 1 group=~g topics[name=~t partitions[0; 5]]\n"
     "1 OffsetFetch 2 group=~g topics=null\n1 OffsetFetch 5 group=~g topics=null\n"},
    {.name = "a commit overwrites, also backwards",
     .script = WITH_TOPIC WITH_MEMBER "1 " COMMIT(
         "generation=1 member=$1 topics[name=~t "
         "partitions[index=0 offset=42]]") "1 " COMMIT("generation=1 member=$1 topics[name=~t "
                                                       "partitions[index=0 offset=7]]")
         COMMITTED},
    {.name = "a consumer that comes again resumes at the committed offset",
     .script = WITH_TOPIC
     "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n" WITH_MEMBER
     "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=0]]\n"
     "1 " COMMIT("generation=1 member=$1 topics[name=~t partitions[index=0 "
                 "offset=3]]") "1 Produce 7 topics[name=~t partitions[index=0 "
                               "records=@2]]\n"
                               "1 LeaveGroup 1 group=~g member=$1\n" JOIN(
                                   "1", "") "1 SyncGroup 3 group=~g generation=3 "
                                            "member=$2 assignments[id=$2 "
                                            "bytes=all]\n" COMMITTED
                                            "1 Fetch 11 wait=0 topics[name=~t "
                                            "partitions[index=0 offset=3]]\n"},
    {.name = "a consumer that comes again without a commit reads all again",
     .script =
         WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n" WITH_MEMBER
                    "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=0]]\n"
                    "1 LeaveGroup 1 group=~g member=$1\n" JOIN("1", "") COMMITTED
     "1 ListOffsets 1 topics[name=~t partitions[index=0 time=-2]]\n"
     "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=0]]\n"},
    {.name = "a committed offset behind the end is kept, and out of range for a fetch",
     .script = WITH_TOPIC WITH_MEMBER
     "1 " COMMIT("generation=1 member=$1 topics[name=~t partitions[index=0 offset=99]]")
         COMMITTED "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=99]]\n"
                   "1 ListOffsets 1 topics[name=~t partitions[index=0 time=-2]]\n"},
    {.name = "offsets without a group's members",
     .script = WITH_TOPIC "1 " COMMIT("topics[name=~t partitions[index=0 offset=5 metadata=m]]")
         COMMITTED "1 OffsetCommit 2 group=~h topics[name=~t partitions[index=0 offset=6]]\n"
                   "1 OffsetFetch 3 group=~h topics=null\n"},
    {.name = "who is no member cannot commit to a group that has some",
     .script = WITH_TOPIC WITH_MEMBER
     "1 " COMMIT("topics[name=~t partitions[index=0 offset=5]]") "1 " COMMIT(
         "generation=1 member=other topics[name=~t partitions[index=0 offset=5]]") COMMITTED},
    {.name = "a commit of another generation is refused",
     .script = WITH_TOPIC WITH_MEMBER
     "1 " COMMIT("generation=0 member=$1 topics[name=~t partitions[index=0 "
                 "offset=5]]") "1 " COMMIT("generation=2 member=$1 "
                                           "topics[name=~t partitions[index=0 "
                                           "offset=5]]") "1 OffsetCommit 3 "
                                                         "group=~none "
                                                         "generation=4 "
                                                         "member=m "
                                                         "topics[name=~t "
                                                         "partitions[index=0 "
                                                         "offset=5]]"
                                                         "\n" COMMITTED},
    {.name = "a commit to an unknown topic or partition is refused",
     .script = WITH_TOPIC WITH_MEMBER
     "1 " COMMIT("generation=1 member=$1 topics[name=~none partitions[index=0 offset=5]; "
                 "name=~t partitions[index=0 offset=5; index=9 offset=5]]") COMMITTED},
    {.name = "a note that is too long is refused",
     .script = WITH_TOPIC
     "1 " COMMIT("topics[name=~t partitions[index=0 offset=5 metadata=#4096]]") "1 " COMMIT(
         "topics[name=~t partitions[index=0 offset=6 metadata=#4097]]") COMMITTED},
    {.name = "a group that nobody knows has no offsets",
     .script = "1 OffsetFetch 5 group=~none topics[name=~t partitions[0]]\n"
               "1 OffsetFetch 2 group=~none topics=null\n"},
    /* ---- groups ---- */
    {.name = "the coordinator is found",
     .script = "1 FindCoordinator 0 key=~g\n1 FindCoordinator 2 key=~g\n"
               "1 FindCoordinator 1 key=~g type=9\n"},
    {.name = "a member joins in every version",
     .script =
         "1 JoinGroup 0 group=~0" JOIN_RANGE "\n1 JoinGroup 1 group=~1" JOIN_RANGE
         "\n1 JoinGroup 2 group=~2" JOIN_RANGE "\n1 JoinGroup 3 group=~3" JOIN_RANGE "\n"},
    {.name = "a new member is told its id first",
     .script =
         "1 JoinGroup 4 group=~g" JOIN_RANGE "\n1 JoinGroup 4 group=~g member=$1" JOIN_RANGE
         "\n1 SyncGroup 3 group=~g generation=1 member=$1 assignments[id=$1 "
         "bytes=all]\n1 JoinGroup 5 group=~h" JOIN_RANGE
         "\n1 JoinGroup 5 group=~h member=$2" JOIN_RANGE "\n"},
    {.name = "sync in every version",
     .script = WITH_MEMBER "1 SyncGroup 0 group=~g generation=1 member=$1\n"
                           "1 SyncGroup 1 group=~g generation=1 member=$1\n"
                           "1 SyncGroup 2 group=~g generation=1 member=$1\n"
                           "1 SyncGroup 3 group=~g generation=1 member=$1\n"},
    {.name = "a member is alive",
     .script = WITH_MEMBER "1 Heartbeat 0 group=~g generation=1 member=$1\n"
                           "1 Heartbeat 3 group=~g generation=1 member=$1\n"
                           "1 Heartbeat 3 group=~g generation=0 member=$1\n"
                           "1 Heartbeat 3 group=~g generation=1 member=other\n"
                           "1 Heartbeat 3 group=~none generation=1 member=other\n"},
    {.name = "sessions that are too short or too long are refused",
     .script = "1 JoinGroup 3 group=~g session=999" JOIN_RANGE
               "\n1 JoinGroup 3 group=~g session=1800001" JOIN_RANGE
               "\n1 JoinGroup 3 group=~g session=1800000" JOIN_RANGE "\n"},
    {.name = "a group without a name is refused",
     .script = "1 JoinGroup 3 group=" JOIN_RANGE "\n1 SyncGroup 3 group=\n"
               "1 Heartbeat 3 group=\n1 LeaveGroup 1 group=\n1 LeaveGroup 3 group= "
               "members[id=m]\n"},
    {.name = "an unknown member cannot join by its id",
     .script = "1 JoinGroup 3 group=~none member=other" JOIN_RANGE "\n" WITH_MEMBER
               "1 JoinGroup 3 group=~g member=other" JOIN_RANGE "\n"},
    {.name = "members without a common protocol are refused",
     .script =
         WITH_MEMBER "2 JoinGroup 3 group=~g type=consumer protocols[name=sticky metadata=s]\n"
                     "2 JoinGroup 3 group=~g type=connect protocols[name=range metadata=s]\n"
                     "2 JoinGroup 3 group=~h type=consumer protocols[]\n"
                     "2 JoinGroup 3 group=~h type= protocols[name=range metadata=s]\n"},
    {.name = "a sync of another generation or member is refused",
     .script = WITH_MEMBER "1 SyncGroup 3 group=~g generation=2 member=$1\n"
                           "1 SyncGroup 3 group=~g generation=1 member=other\n"
                           "1 SyncGroup 3 group=~none generation=1 member=other\n"},
    {.name = "after a clean leave the next member has the group at once",
     .script =
         WITH_MEMBER "1 LeaveGroup 1 group=~g member=$1\n2 > JoinGroup 3 group=~g" JOIN_RANGE
                     "\n2 < 0..1000\n2 Heartbeat 3 group=~g generation=3 member=$2\n"
                     "1 Heartbeat 3 group=~g generation=1 member=$1\n"},
    {.name = "leaving in every version",
     .script = WITH_MEMBER "1 LeaveGroup 0 group=~g member=other\n"
                           "1 LeaveGroup 2 group=~none member=other\n"
                           "1 LeaveGroup 3 group=~g members[id=$1; id=other]\n"
                           "1 LeaveGroup 3 group=~g members[id=$1]\n"
                           "1 LeaveGroup 3 group=~none members[id=$1]\n"},
    {.name = "a dead member holds the group until its session ends",
     .script = WITH_MEMBER "close 1\nwait 300\n2 > JoinGroup 3 group=~g" JOIN_RANGE
                           "\n2 < 400..3000\n2 SyncGroup 3 group=~g generation=2 member=$2 "
                           "assignments[id=$2 bytes=all]\n"},
    {.name = "a heartbeat prolongs the session",
     .script = WITH_MEMBER "wait 600\n1 Heartbeat 3 group=~g generation=1 member=$1\nwait 600\n"
                           "1 Heartbeat 3 group=~g generation=1 member=$1\nwait 1600\n"
                           "1 Heartbeat 3 group=~g generation=1 member=$1\n"},
    {.name = "a member whose session ended cannot commit and rejoins where it had committed",
     .script = WITH_TOPIC WITH_MEMBER "1 " COMMIT(
         "generation=1 member=$1 topics[name=~t partitions[index=0 "
         "offset=5]]") "wait 1700\n"
                       "1 " COMMIT("generation=1 member=$1 topics[name=~t "
                                   "partitions[index=0 offset=9]]") JOIN("1", "") COMMITTED},
    {.name = "a second member joins: both join again, and the leader assigns",
     .script = WITH_MEMBER "2 > JoinGroup 3 group=~g" JOIN_RANGE
                           "\nwait 200\n1 Heartbeat 3 group=~g generation=1 member=$1\n"
                           "1 JoinGroup 3 group=~g member=$1 session=1000" JOIN_RANGE
                           "\n2 < 0..1000\n2 > SyncGroup 3 group=~g generation=2 member=$2\n"
                           "2 < 0..200\n"
                           "1 SyncGroup 3 group=~g generation=2 member=$1 assignments[id=$1 "
                           "bytes=one; id=$2 bytes=two]\n2 < 0..1000\n"
                           "1 Heartbeat 3 group=~g generation=2 member=$1\n"
                           "2 Heartbeat 3 group=~g generation=2 member=$2\n"},
    {.name = "a member may commit while the others join again, not before its sync",
     .script = WITH_TOPIC WITH_MEMBER
     "2 > JoinGroup 3 group=~g" JOIN_RANGE "\nwait 200\n"
     "1 " COMMIT("generation=1 member=$1 topics[name=~t partitions[index=0 "
                 "offset=5]]") "1 JoinGroup 3 group=~g member=$1 "
                               "session=1000" JOIN_RANGE "\n"
                               "1 " COMMIT("generation=2 member=$1 topics[name=~t "
                                           "partitions[index=0 offset=6]]") COMMITTED},
    {.name = "who does not join again in time is out",
     .script = "1 JoinGroup 3 group=~g session=5000 rebalance=500" JOIN_RANGE
               "\n1 SyncGroup 3 group=~g generation=1 member=$1 assignments[id=$1 bytes=a]\n"
               "2 > JoinGroup 3 group=~g session=5000 rebalance=500" JOIN_RANGE
               "\n2 < 300..2000\n1 Heartbeat 3 group=~g generation=1 member=$1\n"},
    {.name = "the leader that joins again starts a rebalance",
     .script = WITH_MEMBER "1 JoinGroup 3 group=~g member=$1 session=1000" JOIN_RANGE
                           "\n1 Heartbeat 3 group=~g generation=1 member=$1\n"
                           "1 Heartbeat 3 group=~g generation=2 member=$1\n"},
    {.name = "a member that asks for its generation again gets it",
     .script = JOIN("1", "") "1 JoinGroup 3 group=~g member=$1 session=1000" JOIN_RANGE "\n"},
    {.name = "the protocol that most like best is chosen",
     .script = "1 JoinGroup 3 group=~g session=5000 type=consumer protocols[name=a metadata=1; "
               "name=b metadata=1]\n"
               "2 > JoinGroup 3 group=~g session=5000 type=consumer protocols[name=b "
               "metadata=2; name=c metadata=2]\nwait 200\n"
               "1 JoinGroup 3 group=~g member=$1 session=5000 type=consumer protocols[name=a "
               "metadata=1; name=b metadata=1]\n2 < 0..1000\n"},
    {.name = "a sync that waits learns of the next rebalance",
     .script =
         WITH_MEMBER "2 > JoinGroup 3 group=~g session=5000" JOIN_RANGE
                     "\nwait 200\n1 JoinGroup 3 group=~g member=$1 session=5000" JOIN_RANGE
                     "\n2 < 0..1000\n2 > SyncGroup 3 group=~g generation=2 member=$2\n"
                     "wait 200\n1 LeaveGroup 1 group=~g member=$1\n2 < 0..1000\n"},
    {.name = "a static member is refused",
     .script = "1 JoinGroup 5 group=~g instance=i" JOIN_RANGE "\n",
     .flags = OPS_DIFFERS,
     .why = "no static members: as a cluster with inter.broker.protocol.version below 2.3"},
    /* ---- what admin clients ask ---- */
    {.name = "a group is described in every version",
     .script = WITH_MEMBER "1 DescribeGroups 0 groups[~g]\n1 DescribeGroups 1 groups[~g]\n"
                           "1 DescribeGroups 2 groups[~g]\n1 DescribeGroups 3 groups[~g]\n"
                           "1 DescribeGroups 4 groups[~g]\n"},
    {.name = "what one may do with a group is told when asked for",
     .script = WITH_MEMBER "1 DescribeGroups 4 groups[~g] allowed=1\n"},
    {.name = "a group that nobody knows is described as dead",
     .script = "1 DescribeGroups 4 groups[~none; ~none]\n1 DescribeGroups 0 groups[]\n"
               "1 DescribeGroups 4 groups[;~none]\n"},
    {.name = "a group is described in each of its states",
     .script = JOIN("1", "") "1 DescribeGroups 4 groups[~g]\n"
                             "1 SyncGroup 3 group=~g generation=1 member=$1 "
                             "assignments[id=$1 bytes=all]\n1 DescribeGroups 4 groups[~g]\n"
                             "2 > JoinGroup 3 group=~g" JOIN_RANGE
                             "\nwait 200\n1 DescribeGroups 4 groups[~g]\n"
                             "1 LeaveGroup 1 group=~g member=$1\n2 < 0..1000\n"
                             "1 DescribeGroups 4 groups[~g]\n"
                             "1 LeaveGroup 1 group=~g member=$2\n"
                             "1 DescribeGroups 4 groups[~g]\n1 ListGroups 2\n"},
    {.name = "who has an id and has not joined with it is no member",
     .script = "1 JoinGroup 4 group=~g" JOIN_RANGE "\n1 DescribeGroups 4 groups[~g]\n"
               "1 ListGroups 1\n"},
    {.name = "groups are listed in every version, with those that have offsets only",
     .script = WITH_TOPIC WITH_MEMBER
     "1 OffsetCommit 2 group=~h topics[name=~t partitions[index=0 offset=6]]\n"
     "1 ListGroups 0\n1 ListGroups 1\n1 ListGroups 2\n"
     "1 DescribeGroups 4 groups[~h; ~g]\n"},
    {.name = "a topic is deleted in every version",
     .script = "1 CreateTopics 4 topics[name=~0; name=~1; name=~2; name=~3]\n"
               "1 DeleteTopics 0 topics[~0]\n1 DeleteTopics 1 topics[~1]\n"
               "1 DeleteTopics 2 topics[~2]\n1 DeleteTopics 3 topics[~3; ~none]\n"
               "wait 1000\n1 Metadata 4 topics[~0; ~1; ~2; ~3] auto=0\n"
               "1 DeleteTopics 3 topics[~3]\n1 DeleteTopics 3 topics[]\n"},
    {.name = "a topic that is asked to be deleted twice at once",
     .script = WITH_TOPIC "1 DeleteTopics 3 topics[~t; ~t]\n",
     .flags = OPS_DIFFERS,
     .why = "2.7 deletes it and answers once, a broker without ZooKeeper refuses both"},
    {.name = "of a deleted topic nothing is left",
     .script = WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n"
                          "1 DeleteTopics 3 topics[~t]\nwait 1000\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=@1]]\n"
                          "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=0]]\n"
                          "1 ListOffsets 5 topics[name=~t partitions[index=0 time=-1]]\n"
                          "1 " COMMIT("topics[name=~t partitions[index=0 offset=5]]")},
    {.name = "a deleted topic is made again, and is empty",
     .script = WITH_TOPIC "1 Produce 7 topics[name=~t partitions[index=0 records=@3]]\n"
                          "1 DeleteTopics 1 topics[~t]\nwait 1000\n" WITH_TOPIC
                          "1 ListOffsets 1 topics[name=~t partitions[index=0 time=-1]]\n"
                          "1 Produce 7 topics[name=~t partitions[index=0 records=@2]]\n"
                          "1 Fetch 11 wait=0 topics[name=~t partitions[index=0 offset=0]]\n"},
    {.name = "a fetch that waits learns that its topic was deleted",
     .script = WITH_TOPIC "2 > Fetch 11 wait=8000 min=1 topics[name=~t partitions[index=0]]\n"
                          "wait 200\n1 DeleteTopics 3 topics[~t]\n2 < 0..2000\n"},
    {.name = "offsets go with their topic, and a group that had nothing else is dead",
     .script = "1 CreateTopics 4 topics[name=~t; name=~u]\n"
               "1 OffsetCommit 7 group=~h topics[name=~t partitions[index=0 offset=1]]\n"
               "1 OffsetCommit 7 group=~k topics[name=~t partitions[index=0 offset=2]; "
               "name=~u partitions[index=0 offset=3]]\n1 ListGroups 2\n"
               "1 DeleteTopics 3 topics[~t]\nwait 1500\n"
               "1 OffsetFetch 5 group=~h topics=null\n1 OffsetFetch 5 group=~k topics=null\n"
               "1 DescribeGroups 4 groups[~h; ~k]\n1 ListGroups 2\n"},
    {.name = "a group with a member outlives its topic",
     .script = WITH_TOPIC WITH_MEMBER
     "1 " COMMIT("generation=1 member=$1 topics[name=~t partitions[index=0 "
                 "offset=4]]") "1 DeleteTopics 3 topics[~t]\nwait 300\n"
                               "1 Heartbeat 3 group=~g generation=1 "
                               "member=$1\nwait 500\n"
                               "1 OffsetFetch 5 group=~g topics=null\n"
                               "1 Heartbeat 3 group=~g generation=1 "
                               "member=$1\n1 DescribeGroups 4 groups[~g]\n"},
    /* ---- what the mock cluster can do, too ---- */
    {.name = "a batch of today in a request of yesterday",
     .script = WITH_TOPIC "1 Produce 1 topics[name=~t partitions[index=0 records=@3]]\n"
                          "1 Produce 0 topics[name=~t partitions[index=0 records=@1]]\n",
     .flags = OPS_MOCK_EQUAL},
    {.name = "one batch is fetched",
     .script = WITH_TOPIC
     "1 Produce 1 topics[name=~t partitions[index=0 records=@3]]\n"
     "1 Fetch 11 wait=0 isolation=1 topics[name=~t partitions[index=0 offset=1]]\n"
     "1 Fetch 11 wait=0 isolation=1 topics[name=~t partitions[index=0 offset=3]]\n"},
    {.name = "an empty log is fetched for as long as was asked for",
     .script = WITH_TOPIC
     "1 > Fetch 11 wait=500 min=1 isolation=1 topics[name=~t partitions[index=0]]\n"
     "1 < 450..2000\n",
     .flags = OPS_MOCK_EQUAL},
    {.name = "the ends of a log in the versions of most clients",
     .script = WITH_TOPIC "1 Produce 1 topics[name=~t partitions[index=0 records=@3]]\n"
                          "1 ListOffsets 1 topics[name=~t partitions[index=0 time=-1]]\n"
                          "1 ListOffsets 2 topics[name=~t partitions[index=0 time=-2]]\n"
                          "1 ListOffsets 3 topics[name=~t partitions[index=0 time=-1]]\n"
                          "1 ListOffsets 0 topics[name=~t partitions[index=0 time=-1]]\n"
                          "1 ListOffsets 1 topics[name=~t partitions[index=9 time=-1]]\n",
     .flags = OPS_MOCK_EQUAL},
    {.name = "a commit and its reading without a member",
     .script = WITH_TOPIC
     "1 OffsetCommit 2 group=~g topics[name=~t partitions[index=0 offset=5 metadata=m]]\n"
     "1 OffsetFetch 1 group=~g topics[name=~t partitions[0]]\n"
     "1 OffsetCommit 7 group=~g topics[name=~t partitions[index=0 offset=6 metadata=n]]\n"
     "1 OffsetFetch 5 group=~g topics[name=~t partitions[0]]\n",
     .flags = OPS_MOCK_EQUAL},
    {.name = "the coordinator of a group",
     .script = "1 FindCoordinator 0 key=~g\n1 FindCoordinator 1 key=~g\n"
               "1 FindCoordinator 2 key=~g\n",
     .flags = OPS_MOCK_EQUAL},
    {.name = "metadata of a topic in the oldest versions",
     .script = WITH_TOPIC
     "1 Metadata 0 topics[~t]\n1 Metadata 1 topics[~t]\n1 Metadata 2 topics[~t]\n",
     .flags = OPS_MOCK_EQUAL},
    /* ---- versions ---- */
    {.name = "a client without a proper name is told so",
     .script = "1 ApiVersions 3 software=-x\n"},
    {.name = "the versions are told",
     .script = "1 ApiVersions 0\n1 ApiVersions 2\n1 ApiVersions 3\n",
     .flags = OPS_DIFFERS,
     .why = "a real broker has more requests and higher versions"},
};
const unsigned kafka_ops_count = sizeof kafka_ops_list / sizeof kafka_ops_list[0];
