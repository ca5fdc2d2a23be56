/*
 * kafka_api_topic.c - Metadata, CreateTopics, DeleteTopics, FindCoordinator: one broker, who is
 * all of it.
 *
 * A topic that Metadata makes (auto.create.topics.enable) is there when the client asks again:
 * the first answer says LEADER_NOT_AVAILABLE, as upstream's does.
 * Source: Kafka 2.7.0 KafkaApis.handleTopicMetadataRequest, handleFindCoordinatorRequest,
 * handleDeleteTopicsRequest, AdminManager.createTopics, LogConfig.
 */
#include <stdio.h>
#include "kafka/kafka_api.h"
#include "kafka/kafka_coordinator.h"
#include "kafka/kafka_internal.h"
#include "kafka/kafka_topic.h"

#define MESSAGE_MAX 1048588u /* message.max.bytes: 1 MiB and a batch's overhead */
#define PARTITIONS_DEFAULT 1 /* num.partitions */
#define OPERATIONS_NOT_ASKED INT32_MIN
#define OPERATIONS_OF_TOPIC 3576 /* bits of AclOperation: all that a topic has */
#define OPERATIONS_OF_CLUSTER 8096
#define KEY_TYPE_GROUP 0
#define KEY_TYPE_TRANSACTION 1
#define NOBODY (-1)

static const char *const topic_configs[] = {
    /* LogConfig.configNames */
    "cleanup.policy",
    "compression.type",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "index.interval.bytes",
    "leader.replication.throttled.replicas",
    "max.compaction.lag.ms",
    "max.message.bytes",
    "message.downconversion.enable",
    "message.format.version",
    "message.timestamp.difference.max.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "preallocate",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.jitter.ms",
    "segment.ms",
    "unclean.leader.election.enable",
};
#define TOPIC_CONFIG_COUNT (sizeof topic_configs / sizeof topic_configs[0])

static void write_address(struct kafka_call *call)
{
    const struct kafka_config *config = kafka_config(call->self);
    unsigned address = (unsigned)config->advertised_address;
    char host[16];
    snprintf(host, sizeof host, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
             address >> 8 & 255, address & 255);
    kafka_out_i32(&call->out, KAFKA_BROKER_ID);
    kafka_out_string(&call->out, kafka_text_of(host));
    kafka_out_i32(&call->out, (int32_t)config->advertised_port);
}

/* ---- Metadata ---- */

struct metadata {
    bool may_create, wants_cluster, wants_topic;
};

static void write_partition(struct kafka_call *call, uint32_t number)
{
    struct kafka_out *out = &call->out;
    kafka_out_i16(out, KAFKA_NO_ERROR);
    kafka_out_i32(out, (int32_t)number);
    kafka_out_i32(out, KAFKA_BROKER_ID); /* leader */
    if (kafka_call_version(call) >= 7)
        kafka_out_i32(out, (int32_t)KAFKA_LEADER_EPOCH);
    for (unsigned i = 0; i < 2; i++) { /* replicas, in-sync replicas */
        kafka_out_array(out, 1);
        kafka_out_i32(out, KAFKA_BROKER_ID);
    }
    if (kafka_call_version(call) >= 5)
        kafka_out_array(out, 0); /* offline replicas */
}

static void write_topic(struct kafka_call *call, const struct metadata *asked,
                        struct kafka_text name, int16_t error, uint32_t partitions)
{
    kafka_out_i16(&call->out, error);
    kafka_out_string(&call->out, name);
    if (kafka_call_version(call) >= 1)
        kafka_out_i8(&call->out, 0); /* internal */
    kafka_out_array(&call->out, partitions);
    for (uint32_t p = 0; p < partitions; p++)
        write_partition(call, p);
    if (kafka_call_version(call) >= 8)
        kafka_out_i32(&call->out,
                      asked->wants_topic ? OPERATIONS_OF_TOPIC : OPERATIONS_NOT_ASKED);
}

static void write_asked_topic(struct kafka_call *call, const struct metadata *asked,
                              struct kafka_text name)
{
    struct kafka *self = call->self;
    uint32_t topic = kafka_topics_find(self, name);
    uint32_t partitions = 0;
    int16_t error = KAFKA_NO_ERROR;
    if (topic < self->store->topic_count)
        partitions = self->store->topics[topic].partition_count;
    else if (!kafka_topic_name_is_valid(name))
        error = KAFKA_INVALID_TOPIC;
    else if (!asked->may_create)
        error = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    else if (kafka_topics_collide(self, name))
        error = KAFKA_INVALID_TOPIC;
    else if (kafka_topics_create(self, name, PARTITIONS_DEFAULT, MESSAGE_MAX))
        error = KAFKA_LEADER_NOT_AVAILABLE;
    else
        error = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    write_topic(call, asked, name, error, partitions);
}

static void read_metadata(struct kafka_call *call, struct metadata *ret_asked)
{
    int16_t version = kafka_call_version(call);
    uint32_t count = kafka_in_array(&call->in, 2, NULL);
    for (uint32_t i = 0; i < count && call->in.ok; i++)
        (void)kafka_in_string(&call->in);
    ret_asked->may_create = version < 4 || kafka_in_i8(&call->in) != 0;
    ret_asked->wants_cluster = version >= 8 && kafka_in_i8(&call->in) != 0;
    ret_asked->wants_topic = version >= 8 && kafka_in_i8(&call->in) != 0;
}

static void write_brokers(struct kafka_call *call)
{
    int16_t version = kafka_call_version(call);
    if (version >= 3)
        kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    kafka_out_array(&call->out, 1);
    write_address(call);
    if (version >= 1)
        kafka_out_i16(&call->out, -1); /* rack: none */
    if (version >= 2)
        kafka_out_string(&call->out, kafka_text_of("rollcage"));
    if (version >= 1)
        kafka_out_i32(&call->out, KAFKA_BROKER_ID); /* controller */
}

static void write_all_topics(struct kafka_call *call, const struct metadata *asked)
{
    const struct kafka_store *store = call->self->store;
    size_t mark = kafka_out_mark(&call->out);
    int32_t told = 0;
    for (uint32_t t = 0; t < store->topic_count; t++) {
        const struct kafka_text_topic *topic = &store->topics[t];
        if (topic->name == NULL)
            continue;
        write_topic(call, asked, kafka_topic_name(topic), KAFKA_NO_ERROR,
                    topic->partition_count);
        told++;
    }
    kafka_out_patch(&call->out, mark, told);
}

void kafka_api_metadata(struct kafka_call *call)
{
    struct kafka_in topics = call->in;
    struct metadata asked;
    read_metadata(call, &asked);
    if (call->is_trial)
        return;
    asked.may_create &= kafka_config(call->self)->auto_create != 0;
    write_brokers(call);
    bool is_null;
    uint32_t count = kafka_in_array(&topics, 2, &is_null);
    if (is_null || (kafka_call_version(call) == 0 && count == 0)) { /* all */
        write_all_topics(call, &asked);
    } else {
        kafka_out_array(&call->out, count);
        for (uint32_t i = 0; i < count; i++)
            write_asked_topic(call, &asked, kafka_in_string(&topics));
    }
    if (kafka_call_version(call) >= 8)
        kafka_out_i32(&call->out,
                      asked.wants_cluster ? OPERATIONS_OF_CLUSTER : OPERATIONS_NOT_ASKED);
}

/* ---- CreateTopics ---- */

struct creatable {
    struct kafka_text name;
    int32_t partitions;
    int16_t replicas;
    uint32_t assignment_count;
    uint64_t message_max;
    int16_t assignment_error, config_error; /* enum kafka_error */
};

static bool read_number(struct kafka_text text, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9' || number > INT32_MAX)
            return false;
        number = number * 10 + (uint64_t)(text.bytes[i] - '0');
    }
    *ret_number = number;
    return text.length > 0 && number <= INT32_MAX;
}

static void read_config(struct kafka_call *call, struct creatable *topic)
{
    struct kafka_text name = kafka_in_string(&call->in);
    struct kafka_text value = kafka_in_nullable(&call->in);
    bool is_known = false;
    for (unsigned i = 0; i < TOPIC_CONFIG_COUNT; i++)
        is_known |= kafka_text_equal(name, kafka_text_of(topic_configs[i]));
    if (value.is_null)
        topic->config_error = KAFKA_INVALID_REQUEST;
    else if (topic->config_error == KAFKA_NO_ERROR && !is_known)
        topic->config_error = KAFKA_INVALID_CONFIG;
    else if (kafka_text_equal(name, kafka_text_of("max.message.bytes")) &&
             !read_number(value, &topic->message_max))
        topic->config_error = KAFKA_INVALID_CONFIG;
}

/* Partitions count from 0 and lie on this broker, once. */
static void read_assignment(struct kafka_call *call, struct creatable *topic, uint32_t expected)
{
    int32_t partition = kafka_in_i32(&call->in);
    uint32_t count = kafka_in_array(&call->in, 4, NULL);
    bool is_here = count == 1;
    for (uint32_t i = 0; i < count; i++)
        is_here &= kafka_in_i32(&call->in) == KAFKA_BROKER_ID;
    if (!is_here || partition != (int32_t)expected)
        topic->assignment_error = KAFKA_INVALID_REPLICA_ASSIGNMENT;
}

static struct creatable read_creatable(struct kafka_call *call)
{
    struct creatable topic = {.name = kafka_in_string(&call->in), .message_max = MESSAGE_MAX};
    topic.partitions = kafka_in_i32(&call->in);
    topic.replicas = kafka_in_i16(&call->in);
    topic.assignment_count = kafka_in_array(&call->in, 8, NULL);
    for (uint32_t i = 0; i < topic.assignment_count && call->in.ok; i++)
        read_assignment(call, &topic, i);
    uint32_t configs = kafka_in_array(&call->in, 4, NULL);
    for (uint32_t i = 0; i < configs && call->in.ok; i++)
        read_config(call, &topic);
    return topic;
}

/* How often the name stands among all topics of the request, and before the `until`-th. */
static uint32_t count_name(struct kafka_call *call, const struct kafka_in *topics,
                           struct kafka_text name, uint32_t until)
{
    struct kafka_in saved = call->in;
    call->in = *topics;
    uint32_t found = 0, count = kafka_in_array(&call->in, 14, NULL);
    for (uint32_t i = 0; i < count && i < until; i++)
        found += kafka_text_equal(read_creatable(call).name, name);
    call->in = saved;
    return found;
}

static int16_t create_check(struct kafka *self, struct creatable *topic)
{
    bool is_assigned = topic->assignment_count > 0;
    if (!kafka_topic_name_is_valid(topic->name))
        return KAFKA_INVALID_TOPIC;
    if (kafka_topics_find(self, topic->name) < self->store->topic_count)
        return KAFKA_TOPIC_ALREADY_EXISTS;
    if (kafka_topics_collide(self, topic->name))
        return KAFKA_INVALID_TOPIC;
    if (is_assigned && (topic->partitions != NOBODY || topic->replicas != NOBODY))
        return KAFKA_INVALID_REQUEST;
    if (is_assigned)
        topic->partitions = (int32_t)topic->assignment_count;
    else if (topic->partitions == NOBODY)
        topic->partitions = PARTITIONS_DEFAULT;
    if (topic->partitions <= 0)
        return KAFKA_INVALID_PARTITIONS;
    if (!is_assigned && topic->replicas != NOBODY && topic->replicas != 1)
        return KAFKA_INVALID_REPLICATION_FACTOR;
    if (topic->assignment_error != KAFKA_NO_ERROR)
        return topic->assignment_error;
    if (topic->partitions > (int32_t)KAFKA_TOPIC_PARTITIONS_MAX)
        return KAFKA_POLICY_VIOLATION;
    return topic->config_error;
}

static const char *create_text(int16_t error)
{
    switch ((enum kafka_error)error) {
    case KAFKA_NO_ERROR:
        return NULL;
    case KAFKA_INVALID_TOPIC:
        return "The topic name is invalid, or collides with an existing one.";
    case KAFKA_TOPIC_ALREADY_EXISTS:
        return "Topic already exists.";
    case KAFKA_INVALID_PARTITIONS:
        return "Number of partitions must be larger than 0.";
    case KAFKA_INVALID_REPLICATION_FACTOR:
        return "Replication factor must be 1: there is one broker.";
    case KAFKA_INVALID_CONFIG:
        return "Unknown topic config name, or a value that it cannot have.";
    case KAFKA_POLICY_VIOLATION:
        return "More partitions than this broker keeps.";
    default:
        return "The topic cannot be created as asked for.";
    }
}

static void create_topic(struct kafka_call *call, const struct kafka_in *topics,
                         struct creatable *topic, bool is_validation)
{
    struct kafka *self = call->self;
    int16_t error = count_name(call, topics, topic->name, UINT32_MAX) > 1
                        ? KAFKA_INVALID_REQUEST
                        : create_check(self, topic);
    if (error == KAFKA_NO_ERROR && !is_validation &&
        !kafka_topics_create(self, topic->name, (uint32_t)topic->partitions,
                             topic->message_max))
        error = KAFKA_POLICY_VIOLATION;
    kafka_out_string(&call->out, topic->name);
    kafka_out_i16(&call->out, error);
    const char *text = create_text(error);
    if (kafka_call_version(call) >= 1)
        kafka_out_nullable(&call->out, text != NULL ? kafka_text_of(text)
                                                    : (struct kafka_text){.is_null = true});
}

/* A name that is asked for twice is answered once. */
void kafka_api_create_topics(struct kafka_call *call)
{
    struct kafka_in topics = call->in;
    uint32_t count = kafka_in_array(&call->in, 14, NULL);
    if (count > KAFKA_TOPIC_PARTITIONS_MAX)
        call->in.ok = false; /* bounds the search for names that come twice */
    for (uint32_t i = 0; i < count && call->in.ok; i++)
        (void)read_creatable(call);
    (void)kafka_in_i32(&call->in); /* timeout: it is done at once */
    bool is_validation = kafka_call_version(call) >= 1 && kafka_in_i8(&call->in) != 0;
    if (call->is_trial)
        return;
    if (kafka_call_version(call) >= 2)
        kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    size_t mark = kafka_out_mark(&call->out);
    uint32_t answered = 0;
    call->in = topics;
    (void)kafka_in_array(&call->in, 14, NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct creatable topic = read_creatable(call);
        if (count_name(call, &topics, topic.name, i) > 0)
            continue;
        create_topic(call, &topics, &topic, is_validation);
        answered++;
    }
    kafka_out_patch(&call->out, mark, (int32_t)answered);
}

/* ---- DeleteTopics ---- */

static bool is_named_before(struct kafka_in names, struct kafka_text name, uint32_t until)
{
    (void)kafka_in_array(&names, 2, NULL);
    for (uint32_t i = 0; i < until; i++) {
        if (kafka_text_equal(kafka_in_string(&names), name))
            return true;
    }
    return false;
}

/* What was committed for it goes too, and fetches that wait for it are told. */
static int16_t delete_topic(struct kafka_call *call, struct kafka_text name)
{
    struct kafka *self = call->self;
    uint32_t topic = kafka_topics_find(self, name);
    if (topic == self->store->topic_count)
        return KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    kafka_topics_delete(self, topic);
    kafka_coordinator_on_deleted(self, topic);
    kafka_fetch_wake(self, call->fx, topic);
    return KAFKA_NO_ERROR;
}

/* A name that is asked for twice is answered once. */
void kafka_api_delete_topics(struct kafka_call *call)
{
    struct kafka_in names = call->in;
    uint32_t answered = 0, count = kafka_in_array(&call->in, 2, NULL);
    if (count > KAFKA_TOPIC_PARTITIONS_MAX)
        call->in.ok = false; /* as for CreateTopics */
    for (uint32_t i = 0; i < count && call->in.ok; i++)
        (void)kafka_in_string(&call->in);
    (void)kafka_in_i32(&call->in); /* timeout: it is done at once */
    if (call->is_trial)
        return;
    if (kafka_call_version(call) >= 1)
        kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    size_t mark = kafka_out_mark(&call->out);
    call->in = names;
    (void)kafka_in_array(&call->in, 2, NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct kafka_text name = kafka_in_string(&call->in);
        if (is_named_before(names, name, i))
            continue;
        kafka_out_string(&call->out, name);
        kafka_out_i16(&call->out, delete_topic(call, name));
        answered++;
    }
    kafka_out_patch(&call->out, mark, (int32_t)answered);
}

/* ---- FindCoordinator ---- */

void kafka_api_find_coordinator(struct kafka_call *call)
{
    int16_t version = kafka_call_version(call);
    (void)kafka_in_string(&call->in); /* every group's is here */
    int8_t type = version >= 1 ? kafka_in_i8(&call->in) : (int8_t)KEY_TYPE_GROUP;
    if (call->is_trial)
        return;
    int16_t error = type == KEY_TYPE_GROUP         ? KAFKA_NO_ERROR
                    : type == KEY_TYPE_TRANSACTION ? KAFKA_COORDINATOR_NOT_AVAILABLE
                                                   : KAFKA_INVALID_REQUEST;
    if (version >= 1)
        kafka_out_i32(&call->out, 0); /* throttle_time_ms */
    kafka_out_i16(&call->out, error);
    if (version >= 1)
        kafka_out_nullable(&call->out, (struct kafka_text){.is_null = true});
    if (error == KAFKA_NO_ERROR) {
        write_address(call);
        return;
    }
    kafka_out_i32(&call->out, NOBODY);
    kafka_out_string(&call->out, kafka_text_of(""));
    kafka_out_i32(&call->out, NOBODY);
}
