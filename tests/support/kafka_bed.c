/*
 * kafka_bed.c - see kafka_bed.h.
 */
#include "support/kafka_bed.h"

struct bed *kafka_bed_new(void)
{
    struct bed *bed = bed_new(&kafka_ops, BED_KAFKA, NULL);
    bed_start(bed);
    return bed;
}

const struct message *kafka_bed_last(const struct bed *bed, enum message_kind kind)
{
    uint32_t count = bed_sent_count(bed, kind);
    assert_true(count > 0);
    return bed_sent(bed, kind, count - 1);
}

uint64_t kafka_bed_produce(struct bed *bed, uint32_t topic, activation_id id)
{
    struct message m = bed_message(bed, MSG_KAFKA_PRODUCE, BED_CONTROLLER0, ACTOR_MAIN_ID);
    m.u.produce.topic = topic;
    m.u.produce.entry.kind = ENTRY_ACTIVATION;
    m.u.produce.entry.u.activation.id = id;
    bed_deliver(bed, &m);
    const struct message *reply = kafka_bed_last(bed, MSG_KAFKA_PRODUCED);
    assert_int_equal(reply->u.produced.ok, 1);
    assert_int_equal(reply->u.produced.topic, topic);
    return reply->u.produced.offset;
}

static node_id reader(const struct bed *bed, uint32_t topic)
{
    static const enum node_kind kinds[] = {NODE_CONTROLLER, NODE_SCHEDULER, NODE_SCHEDULER,
                                           NODE_INVOKER};
    return cluster_node(&bed->cluster, kinds[TOPIC_KIND(topic)], TOPIC_INDEX(topic));
}

static struct message request(const struct bed *bed, enum message_kind kind, uint32_t topic,
                              uint32_t member)
{
    struct message m = bed_message(bed, kind, reader(bed, topic), ACTOR_MAIN_ID);
    m.from_actor = ACTOR_FEED_ID(0);
    m.u.kafka.topic = topic;
    m.u.kafka.member = member;
    return m;
}

void kafka_bed_join(struct bed *bed, uint32_t topic, uint32_t corr)
{
    struct message m = request(bed, MSG_KAFKA_JOIN, topic, 0);
    m.corr = corr;
    bed_deliver(bed, &m);
}

void kafka_bed_heartbeat(struct bed *bed, uint32_t topic, uint32_t member)
{
    struct message m = request(bed, MSG_KAFKA_HEARTBEAT, topic, member);
    bed_deliver(bed, &m);
}

void kafka_bed_poll(struct bed *bed, uint32_t topic, uint32_t member, uint64_t offset,
                    uint32_t count)
{
    struct message m = request(bed, MSG_KAFKA_POLL, topic, member);
    m.u.kafka.offset = offset;
    m.u.kafka.count = count;
    m.u.kafka.wait_ms = 1000;
    bed_deliver(bed, &m);
}

const struct message *kafka_bed_commit(struct bed *bed, uint32_t topic, uint32_t member,
                                       uint64_t offset)
{
    struct message m = request(bed, MSG_KAFKA_COMMIT, topic, member);
    m.u.kafka.offset = offset;
    bed_deliver(bed, &m);
    return kafka_bed_last(bed, MSG_KAFKA_COMMITTED);
}

uint32_t kafka_bed_member(struct bed *bed, uint32_t topic)
{
    kafka_bed_join(bed, topic, 1);
    bed_pass(bed, SEC(3));
    return kafka_bed_last(bed, MSG_KAFKA_JOINED)->u.kafka.member;
}

activation_id kafka_bed_id(const struct bed *bed, const struct message *records, uint32_t n)
{
    const struct entry *entries = blob_bytes(bed->arena, records->u.kafka.batch);
    assert_true(n < records->u.kafka.count);
    assert_int_equal(blob_size(bed->arena, records->u.kafka.batch),
                     records->u.kafka.count * sizeof *entries);
    return entries[n].u.activation.id;
}
