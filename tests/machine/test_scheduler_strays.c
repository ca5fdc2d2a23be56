/*
 * test_scheduler_strays.c - messages that an actor of the scheduler does not know, or that came
 * to the wrong one: each is a record, and nothing else happens.
 */
#include "support/scheduler_bed.h"

static int setup(void **state)
{
    *state = sched_started();
    return 0;
}

static int teardown(void **state)
{
    sched_free(*state);
    return 0;
}

/* Nothing was sent, and the only record is of this message at its receiver. */
static void expect_stray(const struct sched *s, const struct message *m)
{
    assert_int_equal(s->bed->sent_count, 0);
    assert_int_equal(s->bed->record_count, 1);
    const struct record *r = &s->bed->records[0];
    assert_int_equal(r->kind, RECORD_MESSAGE_REJECTED);
    assert_int_equal(r->actor, m->to_actor);
    assert_int_equal(r->peer, m->from);
    assert_int_equal(r->detail, m->kind);
    assert_int_equal(r->value, m->what);
}

static void stray(struct sched *s, enum message_kind kind, actor_id to, unsigned what)
{
    node_id from = kind == MSG_POST ? BED_SCHEDULER0 : BED_ETCD;
    struct message m = bed_message(s->bed, kind, from, to);
    m.what = (uint16_t)what;
    sched_forget(s);
    bed_deliver(s->bed, &m);
    expect_stray(s, &m);
}

static void a_post_that_an_actor_does_not_know_is_rejected(void **state)
{
    struct sched *s = *state;
    const struct queue *q = sched_quiet(s);
    uint32_t slot = SLOT_REF(q->actor);
    const actor_id actors[] = {
        ACTOR_MAIN_ID,
        ACTOR_MANAGER_ID,
        ACTOR_CONTAINERS_ID,
        ACTOR_JOBS_ID,
        ACTOR_REPORTER_ID,
        ACTOR_CALLBACK_ID,
        ACTOR_STORE_ID,
        ACTOR_FEED_HANDLER_ID(0),
        ACTOR_FEED_HANDLER_ID(1),
        ACTOR(ACTOR_CALL, 0, 5),
        ACTOR(ACTOR_COUNTER, q->counter->generation, BED_GUEST),
        q->actor,
        SLOT_ACTOR(ACTOR_MONITOR, slot),
        SLOT_ACTOR(ACTOR_DECISION, slot),
        ACTOR(ACTOR_POOL, 0, 0), /* no such actor in a scheduler */
        ACTOR(ACTOR_BALANCER, 0, 0),
    };
    for (unsigned i = 0; i < sizeof actors / sizeof actors[0]; i++) {
        stray(s, MSG_POST, actors[i], POST_NONE);
        stray(s, MSG_POST, actors[i], POST_FEED_PROCESSED);
        stray(s, MSG_POST, actors[i], POST_SCHEDULER_END);
    }
    sched_expect_state(s, q, QUEUE_RUNNING);
}

static void a_message_of_another_node_to_an_inner_actor_is_rejected(void **state)
{
    struct sched *s = *state;
    const struct queue *q = sched_quiet(s);
    uint32_t slot = SLOT_REF(q->actor);
    const actor_id actors[] = {
        ACTOR_CONTAINERS_ID,
        ACTOR_JOBS_ID,
        ACTOR_REPORTER_ID,
        ACTOR_FEED_HANDLER_ID(0),
        ACTOR_FEED_HANDLER_ID(1),
        ACTOR(ACTOR_CALL, 0, 5),
        ACTOR(ACTOR_COUNTER, q->counter->generation, BED_GUEST),
        q->actor,
        SLOT_ACTOR(ACTOR_MONITOR, slot),
        SLOT_ACTOR(ACTOR_DECISION, slot),
        ACTOR_MAIN_ID,
        ACTOR_MANAGER_ID,
        ACTOR_CALLBACK_ID,
        ACTOR_STORE_ID,
    };
    for (unsigned i = 0; i < sizeof actors / sizeof actors[0]; i++) {
        stray(s, MSG_ETCD_DONE, actors[i], POST_NONE);
        stray(s, MSG_RESCHEDULED, actors[i], POST_ACTIVATION);
        stray(s, MSG_FETCHED, actors[i], POST_FEED_ITEM);
    }
}

/* To each actor all posts of the scheduler but its own; none must be taken for another. */
static void the_posts_of_one_actor_are_strays_at_another(void **state)
{
    struct sched *s = *state;
    static const struct {
        actor_id actor;
        unsigned known[12];
    } rows[] = {
        {ACTOR_JOBS_ID, {POST_REGISTER_JOB, POST_FINISH_JOB}},
        {ACTOR_CONTAINERS_ID,
         {POST_CREATE, POST_RESCHEDULE, POST_JOB_SUCCEEDED, POST_JOB_FAILED, POST_DELETE}},
        {ACTOR_REPORTER_ID, {0}},
        {ACTOR_CALLBACK_ID, {POST_POLL_DONE}},
        {ACTOR_MANAGER_ID,
         {POST_ACTIVATION, POST_RECOVER_QUEUE, POST_UPDATE_QUEUE, POST_CREATE_NEW_QUEUE,
          POST_QUEUE_REACTIVATED, POST_QUEUE_REMOVED, POST_QUESTION}},
        {ACTOR(ACTOR_CALL, 0, 5), {POST_ASK_ANSWER, POST_STATE, POST_SIZE}},
        {ACTOR_FEED_HANDLER_ID(0), {0}},
        {ACTOR_MAIN_ID, {0}},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned what = POST_COMPONENT; what < POST_SCHEDULER_END; what++) {
            bool is_known = false;
            for (unsigned k = 0; k < 12; k++)
                is_known |= rows[i].known[k] == what;
            if (!is_known)
                stray(s, MSG_POST, rows[i].actor, what);
        }
    }
}

/* ---- events of etcd that no watch of the receiver asked for ---- */

static void watched(struct sched *s, actor_id to, unsigned what, const struct key *key,
                    const struct value *value)
{
    struct message m = bed_message(s->bed, MSG_POST, BED_SCHEDULER0, to);
    m.what = (uint16_t)what;
    struct post_watched *post = MESSAGE_LOCAL(&m, struct post_watched);
    post->key = *key;
    post->value = *value;
    sched_forget(s);
    bed_deliver(s->bed, &m);
    expect_stray(s, &m);
}

static void the_manager_takes_leader_keys_of_known_names_alone(void **state)
{
    struct sched *s = *state;
    struct value us = endpoints_value(&s->bed->env, VALUE_ENDPOINTS, 0);
    struct value raw = {.kind = VALUE_RAW, .node = BED_SCHEDULER1};
    struct key leader = {.family = KEY_QUEUE, .ns = BED_GUEST, .action = BED_HELLO};
    const struct route *route = pool_route(s->machine, BED_GUEST, BED_HELLO);
    struct key other_family = leader, other_ns = leader, other_action = leader;
    other_family.family = KEY_THROTTLING;
    other_ns.ns = BED_NAMESPACE_COUNT;
    other_action.action = BED_ACTION_COUNT;
    watched(s, ACTOR_MANAGER_ID, POST_INSERTED, &other_family, &us);
    watched(s, ACTOR_MANAGER_ID, POST_INSERTED, &other_ns, &us);
    watched(s, ACTOR_MANAGER_ID, POST_REMOVED, &other_action, &us);
    watched(s, ACTOR_MANAGER_ID, POST_INSERTED, &leader, &raw);
    assert_int_equal(route->selection, NODE_NONE);
}

static void the_container_manager_takes_keys_of_invokers_and_warmed_ones(void **state)
{
    struct sched *s = *state;
    struct value empty = {.kind = VALUE_EMPTY};
    struct key existing = {.family = KEY_EXISTING, .node = BED_INVOKER0, .id = 1};
    struct key nobody = {.family = KEY_INVOKERS, .node = BED_NODE_COUNT};
    struct key scheduler = {.family = KEY_INVOKERS, .node = BED_SCHEDULER1};
    static const unsigned both[] = {POST_INSERTED, POST_REMOVED};
    for (unsigned i = 0; i < 2; i++) {
        watched(s, ACTOR_CONTAINERS_ID, both[i], &existing, &empty);
        watched(s, ACTOR_CONTAINERS_ID, both[i], &nobody, &empty);
        watched(s, ACTOR_CONTAINERS_ID, both[i], &scheduler, &empty);
    }
    assert_int_equal(s->machine->containers.warmed_count, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(s->machine->containers.warmed_up[i], 1); /* since the start */
}

static void a_queue_takes_keys_of_its_own_kinds_alone(void **state)
{
    struct sched *s = *state;
    const struct queue *q = sched_quiet(s);
    struct value empty = {.kind = VALUE_EMPTY};
    struct key warmed = {.family = KEY_WARMED, .node = BED_INVOKER0, .id = 1};
    struct key leader = {.family = KEY_QUEUE, .ns = BED_GUEST, .action = BED_HELLO};
    watched(s, q->actor, POST_INSERTED, &warmed, &empty);
    watched(s, q->actor, POST_REMOVED, &warmed, &empty);
    watched(s, q->actor, POST_INSERTED, &leader, &empty);
    assert_int_equal(shared_set_count(&q->containers) + shared_set_count(&q->creations), 0);
}

/* ---- what comes too late, or for a name that nobody knows ---- */

static void an_election_that_nobody_holds_is_a_stray(void **state)
{
    struct sched *s = *state;
    struct message m = bed_message(s->bed, MSG_POST, BED_SCHEDULER0, ACTOR_MANAGER_ID);
    m.what = POST_ELECTED;
    struct post_data *won = MESSAGE_LOCAL(&m, struct post_data);
    *won = (struct post_data){.key = bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0),
                              .flags = DATA_WON};
    sched_forget(s);
    bed_deliver(s->bed, &m);
    expect_stray(s, &m);
    won->key.action = BED_ACTION_COUNT; /* nor has it ever held one */
    sched_forget(s);
    bed_deliver(s->bed, &m);
    expect_stray(s, &m);
    assert_null(pool_find(s->machine, BED_GUEST, BED_HELLO, 0));
}

static void a_queue_of_an_unknown_action_is_neither_made_nor_promised(void **state)
{
    struct sched *s = *state;
    struct message m = bed_message(s->bed, MSG_CREATE_QUEUE, BED_CONTROLLER0, ACTOR_MANAGER_ID);
    m.u.create_queue.ns = BED_GUEST;
    m.u.create_queue.action = BED_ACTION_COUNT;
    m.u.create_queue.revision = 1;
    sched_forget(s);
    bed_deliver(s->bed, &m);
    expect_stray(s, &m);
    m.u.create_queue.ns = BED_NAMESPACE_COUNT;
    m.u.create_queue.action = BED_HELLO;
    sched_forget(s);
    bed_deliver(s->bed, &m);
    expect_stray(s, &m);
}

static void a_cycle_of_an_unknown_action_is_a_stray(void **state)
{
    struct sched *s = *state;
    struct message m = bed_message(s->bed, MSG_POST, BED_SCHEDULER0, ACTOR_MANAGER_ID);
    m.what = POST_ACTIVATION;
    struct post_activation *post = MESSAGE_LOCAL(&m, struct post_activation);
    post->activation = sched_activation(s, 1);
    post->activation.action = BED_ACTION_COUNT;
    post->is_own = 1;
    sched_forget(s);
    bed_deliver(s->bed, &m);
    expect_stray(s, &m);
}

static void an_activation_of_an_unknown_action_is_failed(void **state)
{
    struct sched *s = *state;
    struct activation a = sched_activation(s, 1);
    a.action = BED_ACTION_COUNT;
    sched_forget(s);
    sched_arrive(s, &a);
    sched_expect_error(s, 0, &a, RESPONSE_WHISK_ERROR, ERROR_NO_ENDPOINT, ACK_BY_SCHEDULER);
    assert_int_equal(bed_sent_count(s->bed, MSG_ETCD_RANGE), 0);
}

static void an_error_of_nobody_that_listens_is_stored_alone(void **state)
{
    struct sched *s = *state;
    struct activation a = sched_activation(s, 1);
    a.started_at -= SEC(21);
    a.controller = BED_NODE_COUNT;
    sched_forget(s);
    sched_arrive(s, &a);
    assert_int_equal(bed_record(s->bed, RECORD_DROPPED, 0)->detail, ERROR_TOO_OLD);
    assert_int_equal(bed_sent_count(s->bed, MSG_KAFKA_PRODUCE), 0);
    assert_int_equal(bed_sent(s->bed, MSG_DATABASE_STORE, 0)->u.store.id, a.id);
}

static void a_question_whose_asker_is_gone_is_a_stray(void **state)
{
    struct sched *s = *state;
    struct message m = bed_message(s->bed, MSG_POST, BED_SCHEDULER0, ACTOR_MANAGER_ID);
    m.what = POST_QUESTION;
    MESSAGE_LOCAL(&m, struct post_question)->gather = ACTOR(ACTOR_CALL, 3, 3);
    sched_forget(s);
    bed_deliver(s->bed, &m);
    expect_stray(s, &m);
}

/* Of the database and of queues that have ended, nobody waits for an answer. */
static void some_answers_mean_nothing_to_anybody(void **state)
{
    struct sched *s = *state;
    static const enum message_kind kinds[] = {MSG_DATABASE_STORED, MSG_REFUSED};
    sched_forget(s);
    for (unsigned i = 0; i < 2; i++) {
        struct message m = bed_message(s->bed, kinds[i], BED_DATABASE, ACTOR_STORE_ID);
        bed_deliver(s->bed, &m);
    }
    struct post_state none = {.count = 3};
    sched_post(s, ACTOR(ACTOR_QUEUE, 0, 0), ACTOR(ACTOR_CALL, 0, 5), POST_STATE, &none,
               sizeof none);
    sched_post(s, ACTOR(ACTOR_QUEUE, 0, 0), ACTOR(ACTOR_CALL, 0, 5), POST_SIZE, &none,
               sizeof none);
    static const enum actor_kind workers[] = {ACTOR_MONITOR, ACTOR_DECISION, ACTOR_QUEUE};
    for (unsigned i = 0; i < 3; i++)
        sched_post(s, ACTOR_MAIN_ID, ACTOR(workers[i], 7, 7), POST_NONE, NULL, 0);
    assert_int_equal(s->bed->sent_count + s->bed->record_count, 0);
}

static void a_call_takes_only_the_answer_to_its_own_question(void **state)
{
    struct sched *s = *state;
    s->holds_range = true;
    sched_forget(s);
    sched_arrive_many(s, 1, 1);
    struct message asked = *bed_sent(s->bed, MSG_ETCD_RANGE, 0);
    struct message wrong_number = bed_reply(&asked, MSG_ETCD_RANGED);
    struct message wrong_kind = bed_reply(&asked, MSG_ETCD_DONE);
    wrong_number.corr++;
    sched_forget(s);
    bed_deliver(s->bed, &wrong_number);
    expect_stray(s, &wrong_number);
    sched_forget(s);
    bed_deliver(s->bed, &wrong_kind);
    expect_stray(s, &wrong_kind);
    struct message right = bed_reply(&asked, MSG_ETCD_RANGED);
    right.u.etcd_done.count = 1;
    right.u.etcd_done.value = endpoints_value(&s->bed->env, VALUE_ENDPOINTS, 0);
    right.u.etcd_done.value.node = BED_SCHEDULER1;
    sched_forget(s);
    bed_deliver(s->bed, &right);
    assert_int_equal(bed_sent(s->bed, MSG_FORWARD, 0)->to, BED_SCHEDULER1);
    sched_forget(s);
    bed_deliver(s->bed, &right); /* said twice */
    expect_stray(s, &right);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_post_that_an_actor_does_not_know_is_rejected),
        T(a_message_of_another_node_to_an_inner_actor_is_rejected),
        T(the_posts_of_one_actor_are_strays_at_another),
        T(the_manager_takes_leader_keys_of_known_names_alone),
        T(the_container_manager_takes_keys_of_invokers_and_warmed_ones),
        T(a_queue_takes_keys_of_its_own_kinds_alone),
        T(an_election_that_nobody_holds_is_a_stray),
        T(a_queue_of_an_unknown_action_is_neither_made_nor_promised),
        T(a_cycle_of_an_unknown_action_is_a_stray),
        T(an_activation_of_an_unknown_action_is_failed),
        T(an_error_of_nobody_that_listens_is_stored_alone),
        T(a_question_whose_asker_is_gone_is_a_stray),
        T(some_answers_mean_nothing_to_anybody),
        T(a_call_takes_only_the_answer_to_its_own_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
