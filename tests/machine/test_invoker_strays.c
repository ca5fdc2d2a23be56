/*
 * test_invoker_strays.c - messages that an actor of the invoker does not know, or that came to
 * the wrong one or too late: each is a record, and nothing else happens.
 */
#include "support/invoker_bed.h"

/* Nothing was sent, and the only record is of this message at its receiver. */
static void expect_stray(const struct invoker_bed *t, const struct message *m)
{
    assert_int_equal(t->bed->sent_count, 0);
    assert_int_equal(t->bed->record_count, 1);
    const struct record *r = &t->bed->records[0];
    assert_int_equal(r->kind, RECORD_MESSAGE_REJECTED);
    assert_int_equal(r->actor, m->to_actor);
    assert_int_equal(r->detail, m->kind);
    assert_int_equal(r->value, m->what);
}

static void stray(struct invoker_bed *t, enum message_kind kind, actor_id to, unsigned what)
{
    struct message m =
        bed_message(t->bed, kind, kind == MSG_POST ? BED_INVOKER0 : BED_SCHEDULER1, to);
    m.what = (uint16_t)what;
    invoker_bed_forget(t);
    bed_deliver(t->bed, &m);
    expect_stray(t, &m);
}

static void what_an_actor_does_not_know_is_rejected(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 5);
    static const actor_id actors[] = {
        ACTOR_MAIN_ID,           ACTOR_POOL_ID,
        ACTOR_HEALTH_ID,         ACTOR_CONSUMER_ID,
        CALLBACK_MAIN_ID,        CALLBACK_HEALTH_ID,
        CALLBACK_CONSUMER_ID,    ACTOR(ACTOR_QUEUE_MANAGER, 0, 0),
        ACTOR(ACTOR_SLOT, 0, 0), ACTOR(ACTOR_FEED_HANDLER, 0, 0),
    };
    for (unsigned i = 0; i < sizeof actors / sizeof actors[0]; i++) {
        stray(t, MSG_POST, actors[i], POST_INVOKER_END);
        stray(t, MSG_POST, actors[i], POST_KEEP);
        stray(t, MSG_RESCHEDULED, actors[i], POST_NONE);
        stray(t, MSG_HTTP_REPLY, actors[i], POST_READ);
    }
    stray(t, MSG_RESCHEDULED, slot_actor(slot, ACTOR_CALLBACK), POST_NONE);
    stray(t, MSG_RESCHEDULED, slot_actor(slot, ACTOR_PROXY), POST_NONE);
    stray(t, MSG_HTTP_REPLY, slot_actor(slot, ACTOR_ACTIVATION_CLIENT), POST_NONE);
    assert_int_equal(slot->proxy.state, PROXY_CLIENT_CREATED);
    invoker_bed_free(t);
}

/* Dead letters, of which only an activation matters. */
static void sent_to_nobody(struct invoker_bed *t, actor_id proxy)
{
    struct message m = invoker_bed_post(t, ACTOR_POOL_ID, proxy, POST_KEEP);
    invoker_bed_forget(t);
    bed_deliver(t->bed, &m);
    assert_int_equal(t->bed->sent_count + t->bed->record_count, 0);
    m.what = POST_ACTIVATION;
    MESSAGE_LOCAL(&m, struct activation)->id = ACTIVATION_ID(9, 0);
    bed_deliver(t->bed, &m);
    expect_stray(t, &m);
    assert_int_equal(t->bed->records[0].activation, ACTIVATION_ID(9, 0));
}

static void what_comes_for_a_container_that_is_gone_is_rejected(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct slot *slot = invoker_bed_container(t, BED_HELLO, 5);
    actor_id next = ACTOR(ACTOR_CALLBACK, slot->generation + 1u, slot->index);
    actor_id beyond = ACTOR(ACTOR_CALLBACK, 0, t->invoker->slot_count);
    stray(t, MSG_ETCD_RANGED, next, POST_NONE);
    stray(t, MSG_ETCD_RANGED, beyond, POST_NONE);
    sent_to_nobody(t, ACTOR(ACTOR_PROXY, slot->generation + 1u, slot->index));
    sent_to_nobody(t, ACTOR(ACTOR_PROXY, 0, t->invoker->slot_count));
    invoker_bed_free(t);
}

static void a_read_that_nobody_began_is_rejected(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    invoker_bed_container(t, BED_HELLO, 5); /* reading 0 came to its end, and there are more */
    static const uint32_t readings[] = {0, 1, 8, 9};
    for (unsigned i = 0; i < 4; i++) {
        struct message m =
            invoker_bed_post(t, CALLBACK_CONSUMER_ID, CALLBACK_CONSUMER_ID, POST_READ);
        *MESSAGE_LOCAL(&m, struct post_reading) =
            (struct post_reading){readings[i], DOCUMENT_FOUND};
        invoker_bed_forget(t);
        bed_deliver(t->bed, &m);
        expect_stray(t, &m);
    }
    invoker_bed_free(t);
}

/* ---- names that no cluster has ---- */

static void create(struct invoker_bed *t, const struct creation *creation)
{
    struct message m = invoker_bed_post(t, ACTOR_FEED_ID(0), ACTOR_CONSUMER_ID, POST_FEED_ITEM);
    struct post_item *item = MESSAGE_LOCAL(&m, struct post_item);
    item->entry.kind = ENTRY_CREATION;
    item->entry.u.creation = *creation;
    invoker_bed_forget(t);
    bed_deliver(t->bed, &m);
    invoker_bed_pump(t);
}

static void a_job_of_no_scheduler_is_not_answered(void **state)
{
    (void)state;
    static const node_id schedulers[] = {NODE_NONE, BED_NODE_COUNT, BED_CONTROLLER1};
    for (unsigned i = 0; i < 3; i++) {
        struct invoker_bed *t = invoker_bed_new();
        struct creation job = invoker_bed_creation(BED_HELLO, 5);
        job.scheduler = schedulers[i];
        t->document = DOCUMENT_MISSING;
        create(t, &job);
        const struct record *r = bed_record(t->bed, RECORD_CREATION_ANSWERED, 0);
        assert_int_equal(r->creation, 5);
        assert_int_equal(r->action, BED_HELLO);
        assert_int_equal(r->ns, BED_GUEST);
        assert_int_equal(r->detail, CREATION_DB_FETCH);
        assert_int_equal(r->outcome, OUTCOME_FAILED);
        assert_int_equal(bed_sent_count(t->bed, MSG_KAFKA_PRODUCE), 0);
        invoker_bed_free(t);
    }
}

/* It is read each time: there is no place where such a name would be remembered. */
static void unknown_names_are_in_no_cache(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct creation job = invoker_bed_creation(BED_HELLO, 5);
    job.ns = BED_NAMESPACE_COUNT;
    job.action = BED_ACTION_COUNT;
    t->document = DOCUMENT_FOUND;
    for (unsigned i = 0; i < 2; i++) {
        create(t, &job);
        assert_int_equal(bed_sent_count(t->bed, MSG_DATABASE_READ), 2);
        assert_int_equal(bed_sent(t->bed, MSG_DATABASE_READ, 0)->u.database.document,
                         DOCUMENT_IDENTITY);
        const struct message *action = bed_sent(t->bed, MSG_DATABASE_READ, 1);
        assert_int_equal(action->u.database.document, DOCUMENT_ACTION);
        assert_int_equal(action->u.database.action, BED_ACTION_COUNT);
        assert_int_equal(action->u.database.revision, REVISION_FIRST);
    }
    assert_int_equal(t->invoker->action_revisions[BED_ACTION_COUNT], 0);
    assert_int_equal(t->invoker->identities[BED_NAMESPACE_COUNT], 0);
    invoker_bed_free(t);
}

static void an_ack_goes_to_controllers_alone(void **state)
{
    (void)state;
    static const node_id controllers[] = {BED_NODE_COUNT, BED_SCHEDULER1};
    for (unsigned i = 0; i < 2; i++) {
        struct invoker_bed *t = invoker_bed_new();
        struct slot *slot = invoker_bed_container(t, BED_HELLO, 5);
        struct activation activation = invoker_bed_activation(BED_HELLO, 9, true);
        activation.controller = controllers[i];
        invoker_bed_forget(t);
        invoker_bed_give(t, slot, &activation);
        invoker_bed_pass(t, MSEC(600));
        assert_int_equal(bed_sent_count(t->bed, MSG_KAFKA_PRODUCE), 0);
        assert_int_equal(bed_record_count(t->bed, RECORD_ACKED), 0);
        assert_int_equal(bed_sent(t->bed, MSG_DATABASE_STORE, 0)->u.store.id, activation.id);
        assert_int_equal(bed_record(t->bed, RECORD_RUN_ENDED, 0)->activation, activation.id);
        invoker_bed_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_actor_does_not_know_is_rejected),
        cmocka_unit_test(what_comes_for_a_container_that_is_gone_is_rejected),
        cmocka_unit_test(a_read_that_nobody_began_is_rejected),
        cmocka_unit_test(a_job_of_no_scheduler_is_not_answered),
        cmocka_unit_test(unknown_names_are_in_no_cache),
        cmocka_unit_test(an_ack_goes_to_controllers_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
