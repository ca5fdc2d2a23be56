#pragma once
/*
 * kafka_api.h - requests of the Kafka protocol, one frame at a time, and their answers.
 *
 *   MSG_KAFKA_FRAME --> header --> the API's function --> answered | closed | later
 *
 * Each function reads its request twice: the first time (`is_trial`) nothing is written or
 * changed, so that a request which ends in nonsense has no effect; its connection is closed,
 * as by the broker. The second time, what is read makes sense. A request that waits (fetch,
 * join, sync) keeps who asked and is answered by a later step. Versions: those of `kafka_apis`
 * in kafka_api.c; ApiVersions tells them. Source: Kafka 2.7.0
 * clients/src/main/resources/common/message/, kafka.server.KafkaApis; deviations:
 * docs/fidelity.md#kafka.
 */
#include "core/message.h"
#include "kafka/kafka_wire.h"

struct kafka;
struct effects;
struct kafka_consumer_group;
struct kafka_group_member;

#define KAFKA_BROKER_ID 0 /* broker.id of the first broker: ansible/roles/kafka */
#define KAFKA_LEADER_EPOCH 0u
#define KAFKA_FETCHES_MAX 256u /* that wait; more are answered at once */

enum kafka_error {
    KAFKA_NO_ERROR = 0,
    KAFKA_OFFSET_OUT_OF_RANGE = 1,
    KAFKA_CORRUPT_MESSAGE = 2,
    KAFKA_UNKNOWN_TOPIC_OR_PARTITION = 3,
    KAFKA_LEADER_NOT_AVAILABLE = 5,
    KAFKA_MESSAGE_TOO_LARGE = 10,
    KAFKA_OFFSET_METADATA_TOO_LARGE = 12,
    KAFKA_COORDINATOR_NOT_AVAILABLE = 15,
    KAFKA_INVALID_TOPIC = 17,
    KAFKA_INVALID_REQUIRED_ACKS = 21,
    KAFKA_ILLEGAL_GENERATION = 22,
    KAFKA_INCONSISTENT_GROUP_PROTOCOL = 23,
    KAFKA_INVALID_GROUP_ID = 24,
    KAFKA_UNKNOWN_MEMBER_ID = 25,
    KAFKA_INVALID_SESSION_TIMEOUT = 26,
    KAFKA_REBALANCE_IN_PROGRESS = 27,
    KAFKA_UNSUPPORTED_VERSION = 35,
    KAFKA_TOPIC_ALREADY_EXISTS = 36,
    KAFKA_INVALID_PARTITIONS = 37,
    KAFKA_INVALID_REPLICATION_FACTOR = 38,
    KAFKA_INVALID_REPLICA_ASSIGNMENT = 39,
    KAFKA_INVALID_CONFIG = 40,
    KAFKA_INVALID_REQUEST = 42,
    KAFKA_UNSUPPORTED_FOR_MESSAGE_FORMAT = 43,
    KAFKA_POLICY_VIOLATION = 44,
    KAFKA_FETCH_SESSION_ID_NOT_FOUND = 70,
    KAFKA_FENCED_LEADER_EPOCH = 74,
    KAFKA_UNKNOWN_LEADER_EPOCH = 75,
    KAFKA_UNSUPPORTED_COMPRESSION_TYPE = 76,
    KAFKA_MEMBER_ID_REQUIRED = 79,
    KAFKA_GROUP_MAX_SIZE_REACHED = 81,
    KAFKA_INVALID_RECORD = 87,
};

enum kafka_api_key {
    KAFKA_API_PRODUCE = 0,
    KAFKA_API_FETCH = 1,
    KAFKA_API_LIST_OFFSETS = 2,
    KAFKA_API_METADATA = 3,
    KAFKA_API_OFFSET_COMMIT = 8,
    KAFKA_API_OFFSET_FETCH = 9,
    KAFKA_API_FIND_COORDINATOR = 10,
    KAFKA_API_JOIN_GROUP = 11,
    KAFKA_API_HEARTBEAT = 12,
    KAFKA_API_LEAVE_GROUP = 13,
    KAFKA_API_SYNC_GROUP = 14,
    KAFKA_API_DESCRIBE_GROUPS = 15,
    KAFKA_API_LIST_GROUPS = 16,
    KAFKA_API_VERSIONS = 18,
    KAFKA_API_CREATE_TOPICS = 19,
    KAFKA_API_DELETE_TOPICS = 20,
};

struct kafka_asker { /* what a late answer needs */
    node_id node;
    actor_id actor, to_actor;
    uint32_t corr, cause, address;
    int32_t correlation;
    int16_t version;
    bool is_gone; /* its connection was closed */
};

struct kafka_call { /* one request */
    struct kafka *self;
    struct effects *fx;
    struct kafka_asker asker;
    struct kafka_text client;
    struct kafka_in in;
    struct kafka_out out; /* begins with the correlation id */
    bool is_trial;
    bool is_later, is_silent, is_closing; /* how it ends; none: `out` is the answer */
};

static inline int16_t kafka_call_version(const struct kafka_call *call)
{
    return call->asker.version;
}

/* kafka_api.c */
void kafka_api_on_frame(struct kafka *self, const struct message *m, struct effects *fx);
void kafka_api_on_closed(struct kafka *self, const struct message *m);
/* A late answer: begin with the correlation id, then send; nothing when the asker is gone. */
struct kafka_out kafka_api_begin(struct kafka *self, const struct kafka_asker *asker,
                                 size_t room);
void kafka_api_send(struct kafka *self, struct effects *fx, const struct kafka_asker *asker,
                    struct kafka_out *out);
/* For how long clients ask, in the machine's time. */
uint64_t kafka_api_duration(const struct kafka *self, int32_t ms);

/* Index of the topic, or topic_count; nothing is looked up in a trial. */
uint32_t kafka_call_topic(const struct kafka_call *call, struct kafka_text name);

/* kafka_api_log.c, kafka_api_fetch.c */
void kafka_api_produce(struct kafka_call *call);
void kafka_api_list_offsets(struct kafka_call *call);
/* Error of the epoch that a client believes in (-1: it does not say). */
int16_t kafka_api_check_epoch(int32_t epoch);
void kafka_api_fetch(struct kafka_call *call);
uint32_t kafka_fetch_size(void); /* of a fetch that waits, in the broker's table */
/* Records were appended to this topic: fetches that wait for them have enough now? */
void kafka_fetch_wake(struct kafka *self, struct effects *fx, uint32_t topic);
void kafka_fetch_on_timer(struct kafka *self, struct effects *fx, uint32_t number);
void kafka_fetch_forget(struct kafka *self, uint32_t corr); /* the connection is gone */

/* kafka_api_topic.c */
void kafka_api_metadata(struct kafka_call *call);
void kafka_api_create_topics(struct kafka_call *call);
void kafka_api_delete_topics(struct kafka_call *call);
void kafka_api_find_coordinator(struct kafka_call *call);

/* kafka_api_describe.c */
void kafka_api_describe_groups(struct kafka_call *call);
void kafka_api_list_groups(struct kafka_call *call);

/* kafka_api_group.c, kafka_api_offsets.c */
void kafka_api_join(struct kafka_call *call);
void kafka_api_sync(struct kafka_call *call);
void kafka_api_heartbeat(struct kafka_call *call);
void kafka_api_leave(struct kafka_call *call);
void kafka_api_offset_commit(struct kafka_call *call);
void kafka_api_offset_fetch(struct kafka_call *call);
/* The answers that the coordinator gives, at once or later. */
void kafka_answer_joined(struct kafka *self, struct effects *fx,
                         const struct kafka_asker *asker,
                         const struct kafka_consumer_group *group,
                         const struct kafka_group_member *member);
void kafka_answer_not_joined(struct kafka *self, struct effects *fx,
                             const struct kafka_asker *asker, struct kafka_text member_id,
                             int16_t error);
void kafka_answer_sync(struct kafka *self, struct effects *fx, const struct kafka_asker *asker,
                       struct kafka_text assignment, int16_t error);
