/*
 * invoker_bed.c - see invoker_bed.h.
 */
#include "support/invoker_bed.h"
#include "common/common_behaviour.h"
#include <stdlib.h>

#define LEASE_OF_TEST 7001u

struct invoker_bed *invoker_bed_cold(void)
{
    struct invoker_bed *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->bed = bed_new(&invoker_ops, BED_INVOKER0, NULL);
    t->invoker = t->bed->machine;
    t->leader = NODE_NONE;
    t->document = DOCUMENT_FOUND;
    return t;
}

void invoker_bed_boot(struct invoker_bed *t)
{
    bed_start(t->bed);
    invoker_bed_pump(t);
    invoker_bed_pass(t, SEC(15));
    assert_int_equal(t->invoker->health.state, HEALTH_HEALTHY);
    invoker_bed_forget(t);
}

struct invoker_bed *invoker_bed_new(void)
{
    struct invoker_bed *t = invoker_bed_cold();
    invoker_bed_boot(t);
    return t;
}

void invoker_bed_free(struct invoker_bed *t)
{
    bed_free(t->bed);
    free(t);
}

static void answer_etcd(struct invoker_bed *t, const struct message *m)
{
    struct message reply = bed_reply(m, MSG_ETCD_DONE);
    if (m->kind == MSG_ETCD_RANGE) {
        reply.kind = MSG_ETCD_RANGED;
        reply.u.etcd_done.count = m->u.etcd.mode == RANGE_COUNT ? t->live_count : 0;
        if (m->u.etcd.mode == RANGE_GET && t->leader != NODE_NONE) {
            reply.u.etcd_done.count = 1;
            reply.u.etcd_done.value =
                (struct value){.kind = VALUE_ENDPOINTS,
                               .status = common_behaviour(&t->bed->env)->akka,
                               .node = t->leader};
        }
    } else if (m->kind == MSG_LEASE_GRANT || m->kind == MSG_LEASE_KEEPALIVE ||
               m->kind == MSG_LEASE_REVOKE) {
        reply.kind = MSG_LEASE_DONE;
        reply.u.lease.lease = LEASE_OF_TEST;
        reply.u.lease.ttl_s = 10;
    } else if (m->kind == MSG_WATCH_CREATE) {
        reply.kind = MSG_WATCH_CREATED;
        reply.u.watch.watch = m->u.watch.watch;
    } else if (m->kind == MSG_WATCH_CANCEL) {
        return;
    } else {
        reply.u.etcd_done.succeeded = 1;
    }
    bed_deliver(t->bed, &reply);
}

static void answer_kafka(struct invoker_bed *t, const struct message *m)
{
    struct message reply = bed_reply(m, MSG_KAFKA_PRODUCED);
    if (m->kind != MSG_KAFKA_PRODUCE)
        return; /* the feed of these tests has nothing to read */
    reply.u.produced.topic = m->u.produce.topic;
    reply.u.produced.ok = 1;
    bed_deliver(t->bed, &reply);
}

static void answer_database(struct invoker_bed *t, const struct message *m)
{
    struct message reply = bed_reply(m, MSG_DATABASE_STORED);
    if (m->kind == MSG_DATABASE_READ) {
        reply.kind = MSG_DATABASE_DOCUMENT;
        reply.u.database = m->u.database;
        reply.u.database.revision = REVISION_FIRST;
        reply.u.database.result = t->document;
        reply.u.database.response =
            t->is_blocked && m->u.database.document == DOCUMENT_IDENTITY;
    } else {
        reply.u.store.id = m->u.store.id;
        reply.u.store.ok = 1;
    }
    bed_deliver(t->bed, &reply);
}

void invoker_bed_peer(struct invoker_bed *t, const struct message *m)
{
    if (m->kind == MSG_FETCH && ACTOR_KIND(m->from_actor) == ACTOR_ACTIVATION_CLIENT)
        t->fetches[ACTOR_INDEX(m->from_actor) % INVOKER_BED_SLOTS] = *m;
    if (m->to == BED_ETCD && !t->is_etcd_silent)
        answer_etcd(t, m);
    else if (m->to == BED_KAFKA && !t->is_kafka_silent)
        answer_kafka(t, m);
    else if (m->to == BED_DATABASE && !t->is_database_silent)
        answer_database(t, m);
}

void invoker_bed_pump(struct invoker_bed *t)
{
    while (t->answered < t->bed->sent_count) {
        struct message m = t->bed->sent[t->answered++];
        invoker_bed_peer(t, &m);
    }
}

void invoker_bed_pass(struct invoker_bed *t, duration length)
{
    tstamp end = tstamp_add(t->bed->now, length);
    while (t->bed->ops->next_wakeup(t->bed->machine).at <= end) {
        bed_wake(t->bed);
        invoker_bed_pump(t);
    }
    t->bed->now = end;
}

void invoker_bed_forget(struct invoker_bed *t)
{
    bed_forget(t->bed);
    t->answered = 0;
}

struct message invoker_bed_post(const struct invoker_bed *t, actor_id from, actor_id to,
                                unsigned what)
{
    struct message m = bed_message(t->bed, MSG_POST, BED_INVOKER0, to);
    m.from_actor = from;
    m.corr = 0;
    m.what = (uint16_t)what;
    return m;
}

struct creation invoker_bed_creation(action_id action, uint32_t id)
{
    return (struct creation){.id = id,
                             .revision = REVISION_FIRST,
                             .action = action,
                             .ns = action == BED_WIDE ? BED_OTHER : BED_GUEST,
                             .scheduler = BED_SCHEDULER0,
                             .invoker = BED_INVOKER0};
}

void invoker_bed_create(struct invoker_bed *t, action_id action, uint32_t id)
{
    struct message m = invoker_bed_post(t, ACTOR_FEED_ID(0), ACTOR_CONSUMER_ID, POST_FEED_ITEM);
    struct post_item *item = MESSAGE_LOCAL(&m, struct post_item);
    item->entry.kind = ENTRY_CREATION;
    item->entry.cause = id;
    item->entry.u.creation = invoker_bed_creation(action, id);
    bed_deliver(t->bed, &m);
    invoker_bed_pump(t);
}

static struct slot *slot_of_creation(const struct invoker_bed *t, uint32_t id)
{
    for (uint32_t i = 0; i < t->invoker->slot_count; i++) {
        struct slot *slot = t->invoker->slots[i];
        if (slot->used && slot->proxy.creation == id)
            return slot;
    }
    fail_msg("no container for creation %u", id);
    return NULL;
}

struct slot *invoker_bed_container(struct invoker_bed *t, action_id action, uint32_t id)
{
    invoker_bed_create(t, action, id);
    struct slot *slot = slot_of_creation(t, id);
    invoker_bed_pass(t, SEC(1));
    assert_int_equal(slot->proxy.state, PROXY_CLIENT_CREATED);
    return slot;
}

struct slot *invoker_bed_running(struct invoker_bed *t, action_id action, uint32_t id,
                                 uint32_t request)
{
    struct slot *slot = invoker_bed_container(t, action, id);
    struct activation activation = invoker_bed_activation(action, request, true);
    invoker_bed_give(t, slot, &activation);
    invoker_bed_pass(t, MSEC(600));
    assert_int_equal(slot->proxy.state, PROXY_RUNNING);
    assert_int_equal(slot->proxy.running_count, 0);
    return slot;
}

struct slot *invoker_bed_paused(struct invoker_bed *t, action_id action, uint32_t id,
                                uint32_t request)
{
    struct slot *slot = invoker_bed_running(t, action, id, request);
    invoker_bed_pass(t, SEC(10));
    invoker_bed_answer(t, slot, FETCHED_NOTHING);
    invoker_bed_pass(t, MSEC(100));
    assert_int_equal(slot->proxy.state, PROXY_PAUSED);
    return slot;
}

static bool is_fetch_of(const struct message *m, const struct slot *slot)
{
    return m->kind == MSG_FETCH && m->from_actor == slot_actor(slot, ACTOR_ACTIVATION_CLIENT);
}

const struct message *invoker_bed_fetch(const struct invoker_bed *t, const struct slot *slot)
{
    const struct message *m = &t->fetches[slot->index % INVOKER_BED_SLOTS];
    assert_int_equal(m->from_actor, slot_actor(slot, ACTOR_ACTIVATION_CLIENT));
    return m;
}

uint32_t invoker_bed_fetches(const struct invoker_bed *t, const struct slot *slot, bool alive)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->bed->sent_count; i++) {
        const struct message *m = &t->bed->sent[i];
        count += is_fetch_of(m, slot) && (m->u.fetch.alive != 0) == alive;
    }
    return count;
}

struct activation invoker_bed_activation(action_id action, uint32_t request, bool blocking)
{
    return (struct activation){.id = ACTIVATION_ID(request, 0),
                               .revision = REVISION_FIRST,
                               .started_at = TSTAMP_ORIGIN,
                               .action = action,
                               .ns = action == BED_WIDE ? BED_OTHER : BED_GUEST,
                               .controller = BED_CONTROLLER1,
                               .blocking = blocking};
}

void invoker_bed_give(struct invoker_bed *t, const struct slot *slot,
                      const struct activation *activation)
{
    struct message m = bed_reply(invoker_bed_fetch(t, slot), MSG_FETCHED);
    m.u.fetched.activation = *activation;
    m.u.fetched.result = FETCHED_ACTIVATION;
    bed_deliver(t->bed, &m);
    invoker_bed_pump(t);
}

void invoker_bed_answer(struct invoker_bed *t, const struct slot *slot,
                        enum fetch_result result)
{
    struct message m = bed_reply(invoker_bed_fetch(t, slot), MSG_FETCHED);
    m.u.fetched.result = (uint8_t)result;
    bed_deliver(t->bed, &m);
    invoker_bed_pump(t);
}

const struct message *invoker_bed_put(const struct invoker_bed *t, enum key_family family)
{
    for (uint32_t i = t->bed->sent_count; i > 0; i--) {
        const struct message *m = &t->bed->sent[i - 1];
        if ((m->kind == MSG_ETCD_PUT || m->kind == MSG_ETCD_TXN) &&
            m->u.etcd.key.family == family)
            return m;
    }
    return NULL;
}

uint32_t invoker_bed_deleted(const struct invoker_bed *t, enum key_family family)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < t->bed->sent_count; i++) {
        const struct message *m = &t->bed->sent[i];
        count += m->kind == MSG_ETCD_DELETE && m->u.etcd.key.family == family;
    }
    return count;
}
