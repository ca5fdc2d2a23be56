/*
 * kafka_text.c - see kafka_text.h: the table of all requests and answers.
 *
 * A field of a table: name:type, the first version with it, -last version, =default. Types: b h
 * i l integers, s string, n nullable string, B bytes, R record batches, M member id, o a name
 * that takes its element out of an answer when it is not of this run; name[...] an array, whose
 * elements may be one value without a name. Names of fields that start with a dot are left out
 * of answers.
 */
#include "support/kafka_text.h"
#include <stdlib.h>
#include <string.h>
#include "support/bed.h"
#include "support/kafka_text_fields.h"

#define VERSION_MAX 999

const struct kafka_text_info kafka_texts[TEXT_API_COUNT] = {
    [TEXT_PRODUCE] = {"Produce",
                      "transactional:n3 acks:h=1 timeout:i=3000 "
                      "topics[name:s partitions[index:i records:B]]",
                      "topics[name:s partitions[index:i error:h base:l append:l2 start:l5]] "
                      ".throttle:i1",
                      0, 7, 0},
    [TEXT_FETCH] = {"Fetch",
                    "replica:i=-1 wait:i min:i max:i3=1000000 isolation:b4 session:i7 "
                    "epoch:i7=-1 topics[name:s partitions[index:i leader_epoch:i9=-1 offset:l "
                    "start:l5=-1 max:i=1000000]] forgotten[name:s partitions[:i]]7 rack:s11",
                    ".throttle:i1 error:h7 session:i7 topics[name:s partitions[index:i error:h "
                    "high:l stable:l4 start:l5 aborted[producer:l first:l]4 preferred:i11 "
                    "records:R]]",
                    1, 11, 0},
    [TEXT_LIST_OFFSETS] = {"ListOffsets",
                           "replica:i=-1 isolation:b2 topics[name:s partitions[index:i "
                           "leader_epoch:i4=-1 time:l=-1 most:i0-0=1]]",
                           ".throttle:i2 topics[name:s partitions[index:i error:h "
                           "offsets[:l]0-0 time:l1 offset:l1 leader_epoch:i4]]",
                           2, 5, 0},
    [TEXT_METADATA] = {"Metadata", "topics[:s] auto:b4=1 cluster_ops:b8 topic_ops:b8",
                       ".throttle:i3 brokers[.node:i .host:s .port:i rack:n1] .cluster:n2 "
                       ".controller:i1 topics[error:h name:s internal:b1 partitions[error:h "
                       "index:i .leader:i leader_epoch:i7 .replicas[:i] .isr[:i] "
                       "offline[:i]5] topic_ops:i8] cluster_ops:i8",
                       3, 8, 0},
    [TEXT_OFFSET_COMMIT] = {"OffsetCommit",
                            "group:s generation:i1=-1 member:s1 instance:n7 retention:l2-4=-1 "
                            "topics[name:s partitions[index:i offset:l leader_epoch:i6=-1 "
                            "time:l1-1=-1 metadata:n]]",
                            ".throttle:i3 topics[name:s partitions[index:i error:h]]", 8, 7, 0},
    [TEXT_OFFSET_FETCH] = {"OffsetFetch", "group:s topics[name:s partitions[:i]]",
                           ".throttle:i3 topics[name:s partitions[index:i offset:l "
                           "leader_epoch:i5 metadata:n error:h]] error:h2",
                           9, 5, 0},
    [TEXT_FIND_COORDINATOR] = {"FindCoordinator", "key:s type:b1",
                               ".throttle:i1 error:h .message:n1 .node:i .host:s .port:i", 10,
                               2, 0},
    [TEXT_JOIN] = {"JoinGroup",
                   "group:s session:i=10000 rebalance:i1=10000 member:s instance:n5 "
                   "type:s=consumer protocols[name:s metadata:B]",
                   ".throttle:i2 error:h generation:i protocol:s leader:M member:M "
                   "members[id:M instance:n5 metadata:B]",
                   11, 5, 0},
    [TEXT_HEARTBEAT] = {"Heartbeat", "group:s generation:i member:s instance:n3",
                        ".throttle:i1 error:h", 12, 3, 0},
    [TEXT_LEAVE] = {"LeaveGroup", "group:s member:s0-2 members[id:s instance:n]3",
                    ".throttle:i1 error:h members[id:M instance:n error:h]3", 13, 3, 0},
    [TEXT_SYNC] = {"SyncGroup",
                   "group:s generation:i member:s instance:n3 assignments[id:s bytes:B]",
                   ".throttle:i1 error:h bytes:B", 14, 3, 0},
    [TEXT_DESCRIBE] = {"DescribeGroups", "groups[:s] allowed:b3",
                       ".throttle:i1 groups[error:h name:s state:s type:s protocol:s "
                       "members[id:M instance:n4 client:s host:s metadata:B assignment:B] "
                       "allowed:i3]",
                       15, 4, 0},
    [TEXT_LIST] = {"ListGroups", "", ".throttle:i1 error:h groups[name:o type:s]", 16, 2, 0},
    [TEXT_VERSIONS] = {"ApiVersions", "software:s3=rollcage release:s3=1",
                       "error:h apis[key:h min:h max:h] .throttle:i1", 18, 3, 3},
    [TEXT_CREATE] = {"CreateTopics",
                     "topics[name:s partitions:i=1 replicas:h=1 assignments[index:i "
                     "brokers[:i]] configs[name:s value:n]] timeout:i=5000 validate:b1",
                     ".throttle:i2 topics[name:s error:h .message:n1]", 19, 4, 0},
    [TEXT_DELETE] = {"DeleteTopics", "topics[:s] timeout:i=5000",
                     ".throttle:i1 topics[name:s error:h]", 20, 3, 0},
};

const char *kafka_field_closing(const char *at)
{
    for (int depth = 1;; at++) {
        depth += *at == '[' ? 1 : *at == ']' ? -1 : 0;
        if (depth == 0)
            return at;
        assert_int_not_equal(*at, 0);
    }
}

const char *kafka_field_next(const char *at, struct kafka_field *field)
{
    while (*at == ' ')
        at++;
    if (*at == '\0' || *at == ']')
        return NULL;
    *field = (struct kafka_field){.name = at, .until = VERSION_MAX};
    field->name_length = strcspn(at, ":[");
    at += field->name_length;
    if (*at == '[') {
        field->type = '[';
        field->inner = at + 1;
        at = kafka_field_closing(at + 1) + 1;
    } else {
        field->type = at[1];
        at += 2;
    }
    char *end;
    field->since = (int)strtol(at, &end, 10);
    at = end;
    if (*at == '-') {
        field->until = (int)strtol(at + 1, &end, 10);
        at = end;
    }
    if (*at == '=') {
        field->text = at + 1;
        field->text_length = strcspn(field->text, " ]");
        field->number = strtoll(field->text, NULL, 10);
        at = field->text + field->text_length;
    }
    return at;
}

bool kafka_field_is_in(const struct kafka_field *field, int16_t version)
{
    return version >= field->since && version <= field->until;
}
