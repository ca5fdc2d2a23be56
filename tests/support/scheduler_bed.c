#include "support/scheduler_bed.h"
#include "common/common_behaviour.h"
#include <stdlib.h>
#include <string.h>

struct sched *sched_new(void)
{
    struct sched *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->bed = bed_new(&scheduler_ops, BED_SCHEDULER0, NULL);
    s->machine = s->bed->machine;
    s->leader = NODE_NONE;
    s->leader_value = VALUE_ENDPOINTS;
    s->limit = 30;
    s->identity = DOCUMENT_FOUND;
    for (unsigned i = 0; i < 3; i++) {
        s->invokers[i].free_mb = 1024;
        s->invokers[i].status = INVOKER_UP;
        s->invokers[i].is_listed = true;
    }
    return s;
}

void sched_start(struct sched *s)
{
    s->answered = s->bed->sent_count;
    bed_start(s->bed);
    sched_pump(s);
}

struct sched *sched_started(void)
{
    struct sched *s = sched_new();
    sched_start(s);
    return s;
}

void sched_free(struct sched *s)
{
    bed_free(s->bed);
    free(s);
}

static blob sched_invokers(struct sched *s, uint32_t *ret_count)
{
    struct etcd_kv kvs[3];
    memset(kvs, 0, sizeof kvs);
    uint32_t count = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (!s->invokers[i].is_listed)
            continue;
        kvs[count].key =
            (struct key){.family = KEY_INVOKERS, .node = (node_id)(BED_INVOKER0 + i)};
        kvs[count].value = (struct value){.kind = VALUE_INVOKER,
                                          .status = s->invokers[i].status,
                                          .a = s->invokers[i].free_mb};
        count++;
    }
    *ret_count = count;
    return blob_new(s->bed->arena, ARENA_MESSAGE, kvs, count * sizeof kvs[0]);
}

static void sched_answer_range(struct sched *s, const struct message *m)
{
    struct message reply = bed_reply(m, MSG_ETCD_RANGED);
    const struct key *key = &m->u.etcd.key;
    if (s->holds_range)
        return;
    if (s->range_fails)
        reply.u.etcd_done.status = ETCD_UNAVAILABLE;
    if (m->u.etcd.mode == RANGE_COUNT) {
        reply.u.etcd_done.count = key->family == KEY_EXISTING ? s->existing : s->in_progress;
    } else if (m->u.etcd.mode == RANGE_PREFIX && key->family == KEY_INVOKERS) {
        reply.u.etcd_done.kvs = sched_invokers(s, &reply.u.etcd_done.count);
    } else if (key->family == KEY_QUEUE && s->leader != NODE_NONE) {
        reply.u.etcd_done.count = 1;
        reply.u.etcd_done.value = (struct value){.kind = s->leader_value, .node = s->leader};
        reply.u.etcd_done.value.status = common_behaviour(&s->bed->env)->akka;
    } else if (key->family == KEY_SCHEDULER && s->is_registered) {
        reply.u.etcd_done.count = 1;
        reply.u.etcd_done.value = endpoints_value(&s->bed->env, VALUE_SCHEDULER, s->queue_size);
    }
    blob kvs = reply.u.etcd_done.kvs;
    bed_deliver(s->bed, &reply);
    blob_free(s->bed->arena, kvs);
}

static void sched_answer_read(struct sched *s, const struct message *m)
{
    struct message reply = bed_reply(m, MSG_DATABASE_DOCUMENT);
    if (s->holds_read)
        return;
    reply.u.database = m->u.database;
    if (m->u.database.document == DOCUMENT_IDENTITY)
        reply.u.database.result = s->identity;
    if (s->read_fails)
        reply.u.database.result = DOCUMENT_ERROR;
    reply.u.database.revision = 1;
    reply.u.database.concurrent_limit = s->limit;
    bed_deliver(s->bed, &reply);
}

static void sched_answer_etcd(struct sched *s, const struct message *m, bool succeeded)
{
    struct message reply = bed_reply(m, MSG_ETCD_DONE);
    reply.u.etcd_done.succeeded = succeeded;
    reply.u.etcd_done.count = 1;
    bed_deliver(s->bed, &reply);
}

static void sched_answer_lease(struct sched *s, const struct message *m)
{
    struct message reply = bed_reply(m, MSG_LEASE_DONE);
    reply.u.lease.lease = 7;
    reply.u.lease.ttl_s = 10;
    bed_deliver(s->bed, &reply);
}

void sched_pump(struct sched *s)
{
    while (s->answered < s->bed->sent_count) {
        struct message m = s->bed->sent[s->answered++];
        switch ((enum message_kind)m.kind) {
        case MSG_LEASE_GRANT:
        case MSG_LEASE_KEEPALIVE:
        case MSG_LEASE_REVOKE:
            sched_answer_lease(s, &m);
            break;
        case MSG_ETCD_PUT:
        case MSG_ETCD_DELETE:
            sched_answer_etcd(s, &m, true);
            break;
        case MSG_ETCD_TXN:
            sched_answer_etcd(s, &m, !s->election_is_lost || m.u.etcd.key.family != KEY_QUEUE);
            break;
        case MSG_ETCD_RANGE:
            sched_answer_range(s, &m);
            break;
        case MSG_DATABASE_READ:
            sched_answer_read(s, &m);
            break;
        default:
            break;
        }
    }
}

void sched_pass(struct sched *s, duration length)
{
    tstamp end = s->bed->now + length;
    while (bed_next_in(s->bed) <= end - s->bed->now) {
        bed_wake(s->bed);
        sched_pump(s);
    }
    s->bed->now = end;
}

void sched_forget(struct sched *s)
{
    bed_forget(s->bed);
    s->answered = 0;
}

struct queue *sched_make_queue(struct sched *s, namespace_id ns, action_id action)
{
    struct message m = bed_message(s->bed, MSG_CREATE_QUEUE, BED_CONTROLLER0, ACTOR_MANAGER_ID);
    m.u.create_queue.action = action;
    m.u.create_queue.ns = ns;
    m.u.create_queue.revision = 1;
    m.u.create_queue.akka = common_behaviour(&s->bed->env)->akka;
    bed_deliver(s->bed, &m);
    sched_pump(s);
    struct pool_entry *entry = pool_find(s->machine, ns, action, 1);
    return entry == NULL ? NULL : queue_get(s->machine, entry->queue);
}

struct queue *sched_hello(struct sched *s)
{
    struct queue *q = sched_make_queue(s, BED_GUEST, BED_HELLO);
    assert_non_null(q);
    return q;
}

struct queue *sched_quiet(struct sched *s)
{
    s->holds_read = true; /* the limit look-up: no snapshot without it */
    return sched_hello(s);
}

struct activation sched_activation(const struct sched *s, uint32_t request)
{
    return (struct activation){.id = ACTIVATION_ID(request, 0),
                               .revision = 1,
                               .started_at = s->bed->now,
                               .action = BED_HELLO,
                               .ns = BED_GUEST,
                               .controller = BED_CONTROLLER0,
                               .blocking = 1};
}

void sched_arrive(struct sched *s, const struct activation *a)
{
    struct post_item item = {.entry = {.kind = ENTRY_ACTIVATION}};
    item.entry.u.activation = *a;
    sched_post(s, ACTOR_FEED_ID(0), ACTOR_FEED_HANDLER_ID(0), POST_FEED_ITEM, &item,
               sizeof item);
}

void sched_arrive_many(struct sched *s, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct activation a = sched_activation(s, first + i);
        sched_arrive(s, &a);
    }
}

struct message sched_fetch_message(const struct sched *s, uint32_t container)
{
    struct message m = bed_message(s->bed, MSG_FETCH, BED_INVOKER0, ACTOR_MAIN_ID);
    m.from_actor = ACTOR(ACTOR_ACTIVATION_CLIENT, 0, container & 0xffffu);
    m.u.fetch.action = BED_HELLO;
    m.u.fetch.ns = BED_GUEST;
    m.u.fetch.revision = 1;
    m.u.fetch.container = container;
    m.u.fetch.alive = 1;
    return m;
}

void sched_fetch(struct sched *s, uint32_t container)
{
    struct message m = sched_fetch_message(s, container);
    bed_deliver(s->bed, &m);
    sched_pump(s);
}

void sched_farewell(struct sched *s, uint32_t container)
{
    struct message m = sched_fetch_message(s, container);
    m.u.fetch.alive = 0;
    bed_deliver(s->bed, &m);
    sched_pump(s);
}

void sched_post(struct sched *s, actor_id from, actor_id to, unsigned what, const void *payload,
                size_t size)
{
    struct message m = bed_message(s->bed, MSG_POST, BED_SCHEDULER0, to);
    m.from_actor = from;
    m.what = (uint16_t)what;
    assert_true(size <= sizeof m.u.local);
    if (size > 0)
        memcpy(m.u.local, payload, size);
    bed_deliver(s->bed, &m);
    sched_pump(s);
}

void sched_job_failed(struct sched *s, const struct queue *q, uint32_t creation,
                      enum creation_error error)
{
    struct post_job job = {.creation = creation,
                           .revision = 1,
                           .action = q->action,
                           .ns = q->ns,
                           .error = (uint8_t)error};
    sched_post(s, ACTOR_JOBS_ID, q->actor,
               error == CREATION_NONE ? POST_JOB_SUCCEEDED : POST_JOB_FAILED, &job, sizeof job);
}

void sched_decide(struct sched *s, const struct queue *q, enum decision_kind kind, int count)
{
    struct post_decision decision = {.kind = kind, .count = count};
    sched_post(s, SLOT_ACTOR(ACTOR_DECISION, SLOT_REF(q->actor)), q->actor, POST_DECISION,
               &decision, sizeof decision);
}

/* Wakes until this very timer has fired; others of the machine fire on the way. */
void sched_silence(struct sched *s, const struct queue *q)
{
    actor_id actor = q->actor;
    assert_true(timer_is_armed(&q->state_timer));
    tstamp at = q->state_timer.at;
    uint64_t number = q->state_timer.number;
    for (;;) {
        struct wakeup next = s->bed->ops->next_wakeup(s->machine);
        bool is_it = next.at == at && next.number == number;
        bed_wake(s->bed);
        sched_pump(s);
        if (is_it || queue_get(s->machine, actor) == NULL)
            return;
    }
}

void sched_watch(struct sched *s, const struct key *key, const struct value *value,
                 bool deleted)
{
    struct message m = bed_message(s->bed, MSG_WATCH_EVENT, BED_ETCD, ACTOR_WATCHER_ID);
    m.u.watch.key = *key;
    m.u.watch.value = *value;
    m.u.watch.revision = s->machine->watcher.revision + 1;
    m.u.watch.watch = s->machine->watcher.watch;
    m.u.watch.deleted = deleted;
    bed_deliver(s->bed, &m);
    sched_pump(s);
}

void sched_watch_container(struct sched *s, uint32_t container, bool deleted)
{
    struct key key = {.family = KEY_EXISTING,
                      .ns = BED_GUEST,
                      .action = BED_HELLO,
                      .node = BED_INVOKER0,
                      .revision = 1,
                      .id = container};
    struct value empty = {.kind = VALUE_EMPTY};
    sched_watch(s, &key, &empty, deleted);
}

const struct message *sched_put(const struct sched *s, enum key_family family, uint32_t n)
{
    uint32_t left = n;
    for (uint32_t i = 0; i < s->bed->sent_count; i++) {
        const struct message *m = &s->bed->sent[i];
        bool is_put = m->kind == MSG_ETCD_PUT || m->kind == MSG_ETCD_TXN;
        if (is_put && m->u.etcd.key.family == family && left-- == 0)
            return m;
    }
    fail_msg("put %u of %s was not sent", n, key_family_to_string(family));
    return NULL;
}

uint32_t sched_deleted_count(const struct sched *s, enum key_family family)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->bed->sent_count; i++)
        count += s->bed->sent[i].kind == MSG_ETCD_DELETE &&
                 s->bed->sent[i].u.etcd.key.family == family;
    return count;
}

void sched_expect_state(const struct sched *s, const struct queue *q, enum queue_state state)
{
    (void)s;
    assert_string_equal(fsm_state_name(FSM_QUEUE, q->state), fsm_state_name(FSM_QUEUE, state));
}

static const struct ack *sched_ack(const struct sched *s, uint32_t n)
{
    uint32_t left = n;
    for (uint32_t i = 0; i < s->bed->sent_count; i++) {
        const struct message *m = &s->bed->sent[i];
        if (m->kind == MSG_KAFKA_PRODUCE && m->u.produce.entry.kind == ENTRY_ACK &&
            left-- == 0) {
            assert_int_equal(TOPIC_KIND(m->u.produce.topic), TOPIC_COMPLETED);
            return &m->u.produce.entry.u.ack;
        }
    }
    fail_msg("ack %u was not sent", n);
    return NULL;
}

void sched_expect_error(const struct sched *s, uint32_t n, const struct activation *a,
                        enum response_status response, enum error_text error,
                        enum ack_instance instance)
{
    const struct record *r = bed_record(s->bed, RECORD_DROPPED, n);
    enum ack_kind kind = a->blocking ? ACK_COMBINED : ACK_COMPLETION;
    assert_int_equal(r->activation, a->id);
    assert_int_equal(r->action, a->action);
    assert_int_equal(r->detail, error);
    assert_int_equal(r->value, response);
    const struct record *acked = bed_record(s->bed, RECORD_ACKED, n);
    assert_int_equal(acked->activation, a->id);
    assert_int_equal(acked->cause, r->seq);
    assert_int_equal(acked->detail, kind);
    assert_int_equal(acked->value, response);
    assert_int_equal(acked->value2, instance);
    const struct record *stored = bed_record(s->bed, RECORD_STORE_SENT, n);
    assert_int_equal(stored->activation, a->id);
    assert_int_equal(stored->detail, response);
    const struct ack *ack = sched_ack(s, n);
    assert_int_equal(ack->id, a->id);
    assert_int_equal(ack->kind, kind);
    assert_int_equal(ack->status, response);
    assert_int_equal(ack->error, error);
    assert_int_equal(ack->instance, instance);
    assert_int_equal(ack->controller, a->controller);
    const struct message *store = bed_sent(s->bed, MSG_DATABASE_STORE, n);
    assert_int_equal(store->u.store.id, a->id);
    assert_int_equal(store->u.store.response, response);
    assert_int_equal(store->u.store.error, error);
    assert_int_equal(store->u.store.start_at, store->u.store.end_at);
}
