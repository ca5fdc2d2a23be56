/*
 * controller_bed.c - see controller_bed.h.
 */
#include "support/controller_bed.h"
#include "common/common.h"
#include "common/watcher.h"
#include <string.h>

/* The number of the watch is that of the first incarnation's first. */
#define WATCH_NUMBER 1u

struct bed *controller_bed_cold(void)
{
    struct bed *bed = bed_new(&controller_ops, BED_CONTROLLER0, NULL);
    bed_start(bed);
    return bed;
}

void controller_bed_schedulers(struct bed *bed, unsigned count, const uint32_t *queue_sizes)
{
    struct etcd_kv kvs[2];
    memset(kvs, 0, sizeof kvs);
    struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    for (unsigned i = 0; i < count; i++) {
        kvs[i].key = bed_key(KEY_SCHEDULER, 0, 0, (node_id)(BED_SCHEDULER0 + i));
        kvs[i].value = scheduler_state((node_id)(BED_SCHEDULER0 + i), queue_sizes[i]);
    }
    m.u.etcd_done.count = count;
    m.u.etcd_done.kvs =
        count == 0 ? 0 : blob_new(bed->arena, ARENA_MESSAGE, kvs, count * sizeof kvs[0]);
    bed_deliver(bed, &m);
}

struct bed *controller_bed_new(void)
{
    static const uint32_t sizes[] = {3, 1};
    struct bed *bed = controller_bed_cold();
    controller_bed_schedulers(bed, 2, sizes);
    for (uint32_t i = 0; i < 2; i++)
        answer_produced(bed, i, true); /* the warm-ups */
    bed_forget(bed);
    return bed;
}

void send_invoke(struct bed *bed, activation_id id, action_id action, bool blocking)
{
    struct message m = bed_message(bed, MSG_INVOKE, BED_EDGE, ACTOR_MAIN_ID);
    m.u.invoke.id = id;
    m.u.invoke.action = action;
    m.u.invoke.ns =
        action < BED_ACTION_COUNT ? bed->actions[action].ns : (namespace_id)NAMESPACE_SYSTEM;
    m.u.invoke.blocking = blocking;
    bed_deliver(bed, &m);
}

void answer_action(struct bed *bed, enum document_result result)
{
    const struct message *request = bed_sent(bed, MSG_DATABASE_READ, 0);
    assert_int_equal(request->u.database.document, DOCUMENT_ACTION);
    struct message m = bed_reply(request, MSG_DATABASE_DOCUMENT);
    m.u.database = request->u.database;
    m.u.database.result = (uint8_t)result;
    m.u.database.revision = 1;
    bed_deliver(bed, &m);
}

void answer_look_up(struct bed *bed, uint32_t n, struct value value)
{
    struct message m = bed_reply(bed_sent(bed, MSG_ETCD_RANGE, n), MSG_ETCD_RANGED);
    m.u.etcd_done.value = value;
    m.u.etcd_done.count = value.kind == VALUE_EMPTY ? 0 : 1;
    bed_deliver(bed, &m);
}

void answer_produced(struct bed *bed, uint32_t n, bool ok)
{
    struct message m = bed_reply(bed_sent(bed, MSG_KAFKA_PRODUCE, n), MSG_KAFKA_PRODUCED);
    m.u.produced.topic = bed_sent(bed, MSG_KAFKA_PRODUCE, n)->u.produce.topic;
    m.u.produced.ok = ok;
    bed_deliver(bed, &m);
}

void controller_bed_ready(struct bed *bed, action_id action, node_id leader)
{
    send_watch_event(bed, bed_key(KEY_QUEUE, bed->actions[action].ns, action, 0),
                     endpoints(leader), false);
    bed_forget(bed);
    send_invoke(bed, ACTIVATION_ID(1000 + action, 0), action, false);
    answer_action(bed, DOCUMENT_FOUND);
    answer_produced(bed, 0, true);
    send_ack(bed, an_ack(ACTIVATION_ID(1000 + action, 0), ACK_COMPLETION, RESPONSE_SUCCESS));
    bed_forget(bed);
}

void invoke_published(struct bed *bed, activation_id id, action_id action, bool blocking)
{
    uint32_t n = bed_sent_count(bed, MSG_KAFKA_PRODUCE);
    send_invoke(bed, id, action, blocking);
    answer_produced(bed, n, true);
}

void send_watch_event(struct bed *bed, struct key key, struct value value, bool deleted)
{
    struct message m = bed_message(bed, MSG_WATCH_EVENT, BED_ETCD, ACTOR_WATCHER_ID);
    m.u.watch.key = key;
    m.u.watch.value = value;
    m.u.watch.watch = WATCH_NUMBER;
    m.u.watch.deleted = deleted;
    m.u.watch.revision = 1;
    bed_deliver(bed, &m);
}

struct value endpoints(node_id scheduler)
{
    return (struct value){.kind = VALUE_ENDPOINTS, .node = scheduler};
}

struct value scheduler_state(node_id scheduler, uint32_t queue_size)
{
    return (struct value){.kind = VALUE_SCHEDULER, .node = scheduler, .a = queue_size};
}

struct value flag(bool on)
{
    return (struct value){.kind = VALUE_BOOL, .a = on};
}

struct ack an_ack(activation_id id, enum ack_kind kind, enum response_status status)
{
    return (struct ack){.id = id,
                        .kind = (uint8_t)kind,
                        .status = (uint8_t)status,
                        .instance = ACK_BY_INVOKER,
                        .signer = BED_INVOKER0,
                        .controller = BED_CONTROLLER0};
}

void send_ack(struct bed *bed, struct ack ack)
{
    struct message m = bed_message(bed, MSG_POST, bed->env.node, ACTOR_FEED_HANDLER_ID(0));
    m.from_actor = ACTOR_FEED_ID(0);
    m.what = POST_FEED_ITEM;
    struct post_item *item = MESSAGE_LOCAL(&m, struct post_item);
    item->entry.kind = ENTRY_ACK;
    item->entry.u.ack = ack;
    bed_deliver(bed, &m);
}

void answer_record(struct bed *bed, uint32_t n, enum document_result result,
                   enum response_status response)
{
    const struct message *request = bed_sent(bed, MSG_DATABASE_READ, n);
    assert_int_equal(request->u.database.document, DOCUMENT_RECORD);
    struct message m = bed_reply(request, MSG_DATABASE_DOCUMENT);
    m.u.database = request->u.database;
    m.u.database.result = (uint8_t)result;
    m.u.database.response = (uint8_t)response;
    bed_deliver(bed, &m);
}

/* What the status says of it: a success, an error of the action, else one of the system. */
static bool response_fits(unsigned status, unsigned response)
{
    if (status < 300)
        return response == RESPONSE_SUCCESS;
    if (status == 502)
        return response == RESPONSE_APPLICATION_ERROR || response == RESPONSE_DEVELOPER_ERROR;
    return response == RESPONSE_WHISK_ERROR;
}

void expect_records_fit(const struct bed *bed)
{
    for (uint32_t i = 0; i < bed->record_count; i++) {
        const struct record *r = &bed->records[i];
        if (r->kind != RECORD_ANSWERED && r->kind != RECORD_REJECTED)
            continue;
        assert_true(r->ns < BED_NAMESPACE_COUNT || r->ns == NAMESPACE_SYSTEM);
        assert_true(r->kind == RECORD_ANSWERED || r->value >= 400);
        assert_true(r->value == 429 || response_fits((unsigned)r->value, r->detail));
    }
}

/* The one record of it says the same as the answer. */
static void expect_answer_record(const struct bed *bed, const struct message *answer)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < bed->record_count; i++) {
        const struct record *r = &bed->records[i];
        if ((r->kind != RECORD_ANSWERED && r->kind != RECORD_REJECTED) ||
            r->activation != answer->u.invoke_reply.id)
            continue;
        found++;
        assert_int_equal(r->value, answer->u.invoke_reply.status);
        if (r->value != 429) /* the throttles' record does not say it */
            assert_int_equal(r->detail, answer->u.invoke_reply.response);
    }
    assert_int_equal(found, 1);
}

void expect_answer(const struct bed *bed, activation_id id, unsigned status,
                   enum error_text error)
{
    assert_int_equal(bed_sent_count(bed, MSG_INVOKE_REPLY), 1);
    const struct message *m = bed_sent(bed, MSG_INVOKE_REPLY, 0);
    assert_int_equal(m->to, BED_EDGE);
    assert_int_equal(m->to_actor, ACTOR_MAIN_ID);
    assert_int_equal(m->corr, 77);
    assert_int_equal(m->u.invoke_reply.id, id);
    assert_int_equal(m->u.invoke_reply.status, status);
    assert_int_equal(m->u.invoke_reply.error, error);
    assert_int_equal(m->u.invoke_reply.controller, BED_CONTROLLER0);
    assert_true(response_fits(status, m->u.invoke_reply.response));
    expect_records_fit(bed);
    expect_answer_record(bed, m);
}

void expect_forgotten(struct bed *bed, activation_id id)
{
    uint32_t rejected = bed_record_count(bed, RECORD_MESSAGE_REJECTED);
    send_invoke(bed, id, BED_HELLO, false);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), rejected);
}

void expect_count(struct bed *bed, const char *count)
{
    bed_http(bed, HTTP_GET, "/activation/count", NULL, NULL);
    bed_expect_http(bed, 200, CONTENT_JSON, count);
}
