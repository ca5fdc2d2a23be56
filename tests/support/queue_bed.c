#include "support/queue_bed.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_TEXT 192

static const struct {
    const char *key;
    uint64_t value;
} fixture[] = {
    {"whisk.scheduler.queue.idle-grace", SEC(5)},
    {"whisk.scheduler.queue.stop-grace", SEC(10)},
    {"whisk.scheduler.queue.flush-grace", SEC(5)},
    {"whisk.scheduler.queue.graceful-shutdown-timeout", SEC(5)},
    {"whisk.scheduler.queue.max-retention-size", 10},
    {"whisk.scheduler.queue.max-retention-ms", SEC(10)},
    {"whisk.scheduler.queue.max-blackbox-retention-ms", SEC(20)},
    {"whisk.scheduler.queue.throttling-fraction", 900000},
    {"whisk.scheduler.queue.duration-buffer-size", 10},
    {"whisk.scheduler.scheduling.stale-threshold", MSEC(100)},
    {"whisk.scheduler.scheduling.check-interval", MSEC(100)},
    {"whisk.scheduler.scheduling.drop-interval", SEC(10)},
};

/* ---- life ---- */

struct qbed *qbed_new(void)
{
    struct qbed *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->bed = bed_new(&scheduler_ops, BED_SCHEDULER0, NULL);
    b->machine = b->bed->machine;
    b->bed->posts_by_hand = true;
    b->bed->cluster.bugs[BUG_LOST_CREATION_ID] = BUG_FIXED;
    b->limit = 2;
    for (size_t i = 0; i < sizeof fixture / sizeof fixture[0]; i++)
        bed_config(b->bed, fixture[i].key, fixture[i].value);
    return b;
}

/* Of the machine nothing is started but what the queue makes. */
void qbed_make(struct qbed *b, action_id action)
{
    struct bed *bed = b->bed;
    b->action = action;
    bed->ops->init(bed->machine, &bed->env);
    bed->fx.at = bed->now;
    bed->fx.message_count = bed->fx.record_count = 0;
    namespace_id ns = bed->actions[action].ns;
    b->actor = queue_new(b->machine, &bed->fx, ns, action, 1);
    assert_int_not_equal(b->actor, 0);
    assert_int_equal(bed->fx.message_count, 0);
}

struct qbed *qbed_running(void)
{
    struct qbed *b = qbed_new();
    qbed_make(b, BED_HELLO);
    qbed_tell(b, POST_START, NULL, 0);
    b->length = 0;
    return b;
}

void qbed_free(struct qbed *b)
{
    bed_free(b->bed);
    free(b);
}

struct queue *qbed_queue(const struct qbed *b)
{
    return queue_get(b->machine, b->actor);
}

/* ---- what is written down ---- */

__attribute__((format(printf, 2, 3))) static void note(struct qbed *b, const char *format, ...)
{
    va_list args;
    size_t room = sizeof b->text - b->length;
    va_start(args, format);
    int wanted = vsnprintf(b->text + b->length, room, format, args);
    va_end(args);
    assert_true(wanted > 0 && (size_t)wanted < room);
    b->length += (size_t)wanted;
}

static void note_watch(struct qbed *b, const struct message *m)
{
    const struct post_watch *w = MESSAGE_LOCAL_CONST(m, struct post_watch);
    char key[KEY_TEXT];
    key_print(&b->bed->cluster, &w->key, key, sizeof key);
    if (w->depth == WATCH_EXACT)
        note(b, "%s %s", m->what == POST_WATCH ? "watch" : "unwatch", key);
    else /* a prefix has no text of its own */
        note(b, "%s %s %s* of depth %d", m->what == POST_WATCH ? "watch" : "unwatch",
             key_family_to_string(w->key.family),
             w->depth > 2 ? b->bed->actions[w->key.action].name
                          : b->bed->namespaces[w->key.ns].name,
             w->depth);
    if (w->name == WATCH_QUEUE)
        note(b, " as queue");
    note(b, "%s%s%s\n", w->puts ? " put" : "", w->deletes ? " delete" : "",
         w->feedback ? " feedback" : "");
}

static void note_data(struct qbed *b, const struct message *m)
{
    const struct post_data *d = MESSAGE_LOCAL_CONST(m, struct post_data);
    char key[KEY_TEXT], value[KEY_TEXT];
    key_print(&b->bed->cluster, &d->key, key, sizeof key);
    note(b, "data %s %s", common_post_to_string(m->what), key);
    if (m->what != POST_UNREGISTER) {
        value_print(&b->bed->cluster, &d->value, value, sizeof value);
        note(b, " %s", value);
    }
    note(b, "%s%s\n", (d->flags & DATA_FAILOVER) != 0 ? " failover" : "",
         (d->flags & DATA_RECIPIENT) != 0 ? " answer" : "");
}

/* What is forwarded leads back to the record that brought this activation here. */
static void expect_trail(const struct qbed *b, uint32_t cause, activation_id id)
{
    for (uint32_t i = 0; i < b->bed->record_count; i++) {
        const struct record *r = &b->bed->records[i];
        if (r->seq == cause) {
            assert_int_equal(r->kind, RECORD_QUEUED);
            assert_int_equal(r->activation, id);
            return;
        }
    }
    fail_msg("no record %u", cause);
}

static void note_manager(struct qbed *b, const struct message *m)
{
    if (m->what == POST_QUEUE_REMOVED) {
        const struct post_removed *r = MESSAGE_LOCAL_CONST(m, struct post_removed);
        assert_int_equal(r->action, b->action);
        assert_int_equal(r->revision, 1);
        note(b, "manager removed%s\n", r->has_key ? " with key" : "");
        return;
    }
    const struct post_activation *p = MESSAGE_LOCAL_CONST(m, struct post_activation);
    assert_int_equal(m->what, POST_ACTIVATION);
    assert_false(p->is_own);
    expect_trail(b, m->cause, p->activation.id);
    note(b, "manager activation %u\n", ACTIVATION_REQUEST(p->activation.id));
}

static void note_containers(struct qbed *b, const struct message *m)
{
    const struct post_create *c = MESSAGE_LOCAL_CONST(m, struct post_create);
    assert_int_equal(c->action, b->action);
    assert_int_equal(c->ns, b->bed->actions[b->action].ns);
    assert_int_equal(c->revision, 1);
    assert_int_equal(c->retry, 0);
    if (m->what == POST_DELETE)
        note(b, "containers delete\n");
    else
        note(b, "containers %s %u\n", m->what == POST_CREATE ? "create" : "?", c->count);
}

static void note_answer(struct qbed *b, const struct message *m)
{
    const struct post_answer *a = MESSAGE_LOCAL_CONST(m, struct post_answer);
    static const char *const results[] = {[FETCHED_NOTHING] = "nothing",
                                          [FETCHED_NO_QUEUE] = "no queue",
                                          [FETCHED_MISMATCH] = "mismatch"};
    assert_int_equal(m->what, POST_ASK_ANSWER);
    assert_int_equal(m->to_actor, ACTOR(ACTOR_CALL, 0, a->container));
    if (a->result == FETCHED_ACTIVATION)
        note(b, "answer %u: activation %u\n", a->container,
             ACTIVATION_REQUEST(a->activation.id));
    else
        note(b, "answer %u: %s\n", a->container, results[a->result]);
}

/* ---- records, and what goes to other nodes ---- */

static const char *state_name(uint64_t state)
{
    return fsm_state_name(FSM_QUEUE, (unsigned)state);
}

/* The record is followed by that of its ack and that of its way into the store. */
static void note_dropped(struct qbed *b, uint32_t i)
{
    const struct record *r = &b->bed->records[i];
    assert_true(i + 2 < b->bed->record_count);
    assert_int_equal(r[1].kind, RECORD_ACKED);
    assert_int_equal(r[1].activation, r->activation);
    assert_int_equal(r[1].detail, ACK_COMPLETION);
    assert_int_equal(r[1].value, r->value);
    assert_int_equal(r[1].value2, ACK_BY_PLACEHOLDER);
    assert_int_equal(r[2].kind, RECORD_STORE_SENT);
    assert_int_equal(r[2].activation, r->activation);
    assert_int_equal(r[2].detail, r->value);
    note(b, "error %u %s: %s\n", ACTIVATION_REQUEST(r->activation),
         r->value == RESPONSE_WHISK_ERROR ? "whisk" : "developer",
         error_text_to_string(r->detail));
}

static void note_records(struct qbed *b)
{
    for (; b->records_seen < b->bed->record_count; b->records_seen++) {
        const struct record *r = &b->bed->records[b->records_seen];
        switch ((enum record_kind)r->kind) {
        case RECORD_STATE:
            note(b, "state %s -> %s\n", state_name(r->value), state_name(r->value2));
            break;
        case RECORD_DROPPED:
            note_dropped(b, b->records_seen);
            break;
        case RECORD_MESSAGE_REJECTED:
            note(b, "ignored\n");
            break;
        case RECORD_MESSAGE_LOST:
            note(b, "lost %u\n", ACTIVATION_REQUEST(r->activation));
            break;
        case RECORD_LOOKED_UP: /* the manager's turn at once: it has no queue in its pool */
            note(b, "manager activation %u\n", ACTIVATION_REQUEST(r->activation));
            break;
        case RECORD_QUEUE_GONE:
            note(b, "end\n");
            break;
        default: /* told by a message, or by the queue's length */
            break;
        }
    }
}

static void answer_read(struct qbed *b, const struct message *m)
{
    struct message reply = bed_reply(m, MSG_DATABASE_DOCUMENT);
    reply.u.database = m->u.database;
    reply.u.database.result = b->has_no_identity ? DOCUMENT_MISSING : DOCUMENT_FOUND;
    reply.u.database.concurrent_limit = b->limit;
    bed_deliver(b->bed, &reply);
}

static void answer_produce(struct qbed *b, const struct message *m)
{
    struct message reply = bed_reply(m, MSG_KAFKA_PRODUCED);
    reply.u.produced.topic = m->u.produce.topic;
    reply.u.produced.ok = 1;
    bed_deliver(b->bed, &reply);
}

static void answer_sent(struct qbed *b)
{
    while (b->sent_seen < b->bed->sent_count) {
        struct message m = b->bed->sent[b->sent_seen++];
        if (m.kind == MSG_DATABASE_READ)
            answer_read(b, &m);
        else if (m.kind == MSG_KAFKA_PRODUCE)
            answer_produce(b, &m);
        else if (m.kind != MSG_DATABASE_STORE && m.kind != MSG_ETCD_RANGE)
            fail_msg("%s to another node", message_to_string(m.kind));
    }
}

/* ---- posts ---- */

static void run_pilot(struct qbed *b, const struct message *m)
{
    b->last = *MESSAGE_LOCAL_CONST(m, struct post_snapshot);
    b->snapshots++;
    if (b->pilot == NULL)
        return;
    struct decision d = b->pilot(b, &b->last);
    if (d.kind != DECISION_SKIP)
        qbed_decide(b, d.kind, d.count);
}

static bool is_for_probe(const struct qbed *b, const struct message *m)
{
    switch (ACTOR_KIND(m->to_actor)) {
    case ACTOR_WATCHER:
    case ACTOR_DATA:
    case ACTOR_QUEUE_MANAGER:
    case ACTOR_CONTAINER_MANAGER:
    case ACTOR_CALL:
        return true;
    case ACTOR_DECISION:
        return !b->has_real_decision_maker && m->what == POST_SNAPSHOT;
    default:
        return false;
    }
}

static void probe(struct qbed *b, const struct message *m)
{
    switch (ACTOR_KIND(m->to_actor)) {
    case ACTOR_WATCHER:
        note_watch(b, m);
        break;
    case ACTOR_DATA:
        note_data(b, m);
        break;
    case ACTOR_QUEUE_MANAGER:
        note_manager(b, m);
        break;
    case ACTOR_CONTAINER_MANAGER:
        note_containers(b, m);
        break;
    case ACTOR_CALL:
        note_answer(b, m);
        break;
    default:
        run_pilot(b, m);
    }
}

void qbed_settle(struct qbed *b)
{
    struct bed *bed = b->bed;
    for (;;) {
        note_records(b);
        answer_sent(b);
        if (bed_posts(bed) == 0)
            return;
        struct message m = *bed_post(bed, 0);
        if (!is_for_probe(b, &m)) {
            bed_post_next(bed);
            continue;
        }
        bed->post_first++;
        if (bed->post_first == bed->post_count)
            bed->post_first = bed->post_count = 0;
        probe(b, &m);
    }
}

/* ---- when ---- */

static void deliver_from(struct qbed *b, actor_id from, unsigned what, const void *payload,
                         size_t size)
{
    struct message m = bed_message(b->bed, MSG_POST, BED_SCHEDULER0, b->actor);
    m.from_actor = from;
    m.what = (uint16_t)what;
    assert_true(size <= sizeof m.u.local);
    if (size > 0)
        memcpy(m.u.local, payload, size);
    bed_deliver(b->bed, &m);
}

void qbed_tell(struct qbed *b, unsigned what, const void *payload, size_t size)
{
    deliver_from(b, ACTOR_MANAGER_ID, what, payload, size);
    qbed_settle(b);
}

void qbed_message(struct qbed *b, uint32_t number)
{
    struct post_activation post = {.activation = {.id = ACTIVATION_ID(number, 0),
                                                  .revision = 1,
                                                  .started_at = b->bed->now,
                                                  .action = b->action,
                                                  .ns = b->bed->actions[b->action].ns,
                                                  .controller = BED_CONTROLLER0}};
    qbed_tell(b, POST_ACTIVATION, &post, sizeof post);
}

void qbed_messages(struct qbed *b, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        qbed_message(b, first + i);
}

static void get(struct qbed *b, const struct post_get *given)
{
    struct post_get post = *given;
    post.revision = 1;
    post.action = b->action;
    post.invoker = BED_INVOKER0;
    deliver_from(b, ACTOR(ACTOR_CALL, 0, post.container), POST_GET_ACTIVATION, &post,
                 sizeof post);
    qbed_settle(b);
}

void qbed_get(struct qbed *b, uint32_t container)
{
    get(b, &(struct post_get){.container = container, .alive = 1});
}

void qbed_get_after(struct qbed *b, uint32_t container, uint32_t duration_ms)
{
    get(b,
        &(struct post_get){
            .container = container, .alive = 1, .has_duration = 1, .duration_ms = duration_ms});
}

void qbed_get_warmed(struct qbed *b, uint32_t container)
{
    get(b, &(struct post_get){.container = container, .alive = 1, .warmed = 1});
}

void qbed_farewell(struct qbed *b, uint32_t container)
{
    get(b, &(struct post_get){.container = container});
}

void qbed_failed(struct qbed *b, uint32_t creation, enum creation_error error)
{
    struct post_job job = {.creation = creation, .action = b->action, .error = (uint8_t)error};
    qbed_tell(b, POST_JOB_FAILED, &job, sizeof job);
}

void qbed_succeeded(struct qbed *b, uint32_t creation)
{
    struct post_job job = {.creation = creation, .action = b->action};
    qbed_tell(b, POST_JOB_SUCCEEDED, &job, sizeof job);
}

void qbed_decide(struct qbed *b, enum decision_kind kind, int32_t count)
{
    struct post_decision decision = {.kind = kind, .count = count};
    qbed_tell(b, POST_DECISION, &decision, sizeof decision);
}

void qbed_leader_stored(struct qbed *b, bool won)
{
    struct post_data data = {.key = queue_key(qbed_queue(b), KEY_QUEUE),
                             .flags = won ? DATA_WON : 0};
    qbed_tell(b, POST_INITIAL_STORED, &data, sizeof data);
}

void qbed_watched(struct qbed *b, enum key_family family, uint32_t id, bool deleted)
{
    struct post_watched event = {.key = queue_key(qbed_queue(b), family)};
    event.key.id = id;
    if (family == KEY_QUEUE)
        event.value = (struct value){.kind = VALUE_ENDPOINTS, .node = BED_SCHEDULER0};
    else
        event.is_prefix = 1;
    qbed_tell(b, deleted ? POST_REMOVED : POST_INSERTED, &event, sizeof event);
}

/* Upstream's tests send the message themselves: a timer that fires at once does the same. */
void qbed_timeout(struct qbed *b)
{
    struct queue *q = qbed_queue(b);
    struct timer *timer = q->state == QUEUE_FLUSHING ? &q->flush_timer : &q->state_timer;
    assert_true(timer_is_armed(timer));
    b->bed->fx.at = b->bed->now;
    timers_arm(&b->machine->timers, &b->bed->fx, timer, 0, false);
    bed_wake(b->bed);
    qbed_settle(b);
}

void qbed_pass(struct qbed *b, duration length)
{
    tstamp end = b->bed->now + length;
    while (b->bed->ops->next_wakeup(b->machine).at <= end) {
        bed_wake(b->bed);
        qbed_settle(b);
    }
    b->bed->now = end;
}

static void fill(struct qbed *b, struct shared_set *set, uint32_t first, uint32_t count)
{
    b->bed->fx.message_count = b->bed->fx.record_count = 0;
    while (set->count > 0)
        shared_set_remove(set, &b->bed->fx, set->items[0].id);
    for (uint32_t i = 0; i < count; i++)
        shared_set_add(set, &b->bed->fx, first + i);
}

void qbed_set_containers(struct qbed *b, uint32_t count)
{
    fill(b, &qbed_queue(b)->containers, 1, count);
}

void qbed_set_creations(struct qbed *b, uint32_t count)
{
    fill(b, &qbed_queue(b)->creations, QBED_CREATION, count);
}

void qbed_set_state(struct qbed *b, enum queue_state state)
{
    b->bed->fx.message_count = b->bed->fx.record_count = 0;
    b->bed->fx.at = b->bed->now;
    queue_move(qbed_queue(b), &b->bed->fx, state);
    /* A message that nobody minds makes the state's own timer run. */
    struct post_data data = {
        .key = {.family = KEY_THROTTLING, .ns = BED_GUEST, .action = ACTION_NONE}};
    qbed_tell(b, POST_INITIAL_STORED, &data, sizeof data);
}

/* ---- then ---- */

void qbed_expect(struct qbed *b, const char *lines)
{
    b->text[b->length] = '\0';
    b->length = 0;
    if (strcmp(b->text, lines) == 0)
        return;
    fail_msg("---- expected\n%s---- got\n%s----", lines, b->text);
}

void qbed_expect_state(const struct qbed *b, enum queue_state state, uint32_t waiting)
{
    const struct queue *q = qbed_queue(b);
    assert_non_null(q);
    assert_string_equal(state_name(q->state), state_name(state));
    assert_int_equal(q->count, waiting);
}
