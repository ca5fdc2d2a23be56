/*
 * test_invoker_warm_up.c - the watch and the listing of schedulers, whose connections are
 * warmed up by one fetch each; and how the watch comes again.
 */
#include "support/invoker_bed.h"

/* Of the invoker's own watch, not of its watcher's; the n-th since forget. */
static const struct message *own_watch(const struct invoker_bed *t, enum message_kind kind,
                                       uint32_t n)
{
    for (uint32_t i = 0; i < t->bed->sent_count; i++) {
        const struct message *m = &t->bed->sent[i];
        if (m->kind == kind && m->from_actor == ACTOR_MAIN_ID && n-- == 0)
            return m;
    }
    return NULL;
}

static void expect_watch(const struct message *m, uint32_t number, uint32_t revision)
{
    assert_non_null(m);
    assert_int_equal(m->to, BED_ETCD);
    assert_int_equal(m->to_actor, ACTOR_MAIN_ID);
    assert_int_equal(m->corr, number);
    assert_int_equal(m->u.watch.watch, number);
    assert_int_equal(m->u.watch.key.family, KEY_SCHEDULER);
    assert_int_equal(m->u.watch.depth, 1);
    assert_int_equal(m->u.watch.revision, revision);
}

static struct message event_of(const struct invoker_bed *t, node_id node, uint32_t revision)
{
    struct message m = bed_message(t->bed, MSG_WATCH_EVENT, BED_ETCD, ACTOR_MAIN_ID);
    m.u.watch.watch = t->invoker->watch_number;
    m.u.watch.revision = revision;
    m.u.watch.key = (struct key){.family = KEY_SCHEDULER, .node = node};
    return m;
}

/* ---- start ---- */

static void the_start_watches_and_lists_the_schedulers(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_cold();
    bed_start(t->bed);
    expect_watch(own_watch(t, MSG_WATCH_CREATE, 0), 0x8001, 0);
    assert_null(own_watch(t, MSG_WATCH_CREATE, 1));
    assert_int_equal(bed_sent_count(t->bed, MSG_ETCD_RANGE), 1);
    const struct message *list = bed_sent(t->bed, MSG_ETCD_RANGE, 0);
    assert_int_equal(list->u.etcd.key.family, KEY_SCHEDULER);
    assert_int_equal(list->u.etcd.mode, RANGE_PREFIX);
    assert_int_equal(list->u.etcd.depth, 1);
    bed_crash(t->bed);
    bed_forget(t->bed);
    bed_start(t->bed); /* another process: another number */
    expect_watch(own_watch(t, MSG_WATCH_CREATE, 0), 0x8101, 0);
    invoker_bed_free(t);
}

/* ---- the listing ---- */

static void answer_list(struct invoker_bed *t, enum etcd_status status)
{
    struct etcd_kv kvs[4] = {
        {.key = {.family = KEY_SCHEDULER, .node = BED_SCHEDULER0}},
        {.key = {.family = KEY_SCHEDULER, .node = BED_INVOKER1}},    /* none of them */
        {.key = {.family = KEY_INVOKERS, .node = BED_SCHEDULER1}},   /* of another kind */
        {.key = {.family = KEY_SCHEDULER, .node = BED_CONTROLLER1}}, /* just before them */
    };
    struct message reply = bed_reply(bed_sent(t->bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    reply.u.etcd_done.status = (uint8_t)status;
    reply.u.etcd_done.count = 4;
    reply.u.etcd_done.kvs = blob_new(t->bed->arena, ARENA_MESSAGE, kvs, sizeof kvs);
    bed_deliver(t->bed, &reply);
    blob_free(t->bed->arena, reply.u.etcd_done.kvs);
}

static void the_schedulers_of_the_listing_are_warmed_up(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_cold();
    bed_start(t->bed);
    answer_list(t, ETCD_OK);
    assert_int_equal(bed_sent_count(t->bed, MSG_FETCH), 1);
    const struct message *fetch = bed_sent(t->bed, MSG_FETCH, 0);
    assert_int_equal(fetch->to, BED_SCHEDULER0);
    assert_int_equal(fetch->to_actor, ACTOR_MAIN_ID);
    assert_int_equal(fetch->u.fetch.action, ACTION_WARM_UP);
    assert_int_equal(fetch->u.fetch.ns, NAMESPACE_SYSTEM);
    struct message event = event_of(t, BED_SCHEDULER0, 5); /* is known already */
    bed_deliver(t->bed, &event);
    assert_int_equal(bed_sent_count(t->bed, MSG_FETCH), 1);
    invoker_bed_free(t);
}

static void a_listing_that_fails_warms_up_nobody(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_cold();
    bed_start(t->bed);
    answer_list(t, ETCD_UNAVAILABLE);
    assert_int_equal(bed_sent_count(t->bed, MSG_FETCH), 0);
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), 0);
    struct message late = bed_reply(bed_sent(t->bed, MSG_ETCD_RANGE, 0), MSG_ETCD_RANGED);
    bed_deliver(t->bed, &late); /* it has been answered */
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), 1);
    invoker_bed_free(t);
}

/* ---- events ---- */

static void events_of_another_watch_or_kind_mean_nothing(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct message other = event_of(t, BED_SCHEDULER1, 9);
    other.u.watch.watch++;
    bed_deliver(t->bed, &other);
    struct message invoker = event_of(t, BED_INVOKER0, 10);
    bed_deliver(t->bed, &invoker);
    invoker.u.watch.deleted = 1;
    bed_deliver(t->bed, &invoker);
    assert_int_equal(t->bed->sent_count + t->bed->record_count, 0);
    assert_int_equal(t->invoker->watch_revision, 10);
    struct message key = event_of(t, BED_SCHEDULER1, 11);
    bed_deliver(t->bed, &key);
    assert_int_equal(bed_sent_count(t->bed, MSG_FETCH), 1);
    struct message deleted = event_of(t, BED_SCHEDULER1, 12);
    deleted.u.watch.deleted = 1;
    deleted.u.watch.key.family = KEY_INVOKERS; /* not its own key */
    bed_deliver(t->bed, &deleted);
    bed_deliver(t->bed, &key);
    assert_int_equal(bed_sent_count(t->bed, MSG_FETCH), 1);
    invoker_bed_free(t);
}

/* ---- the watch comes again ---- */

static void a_new_connection_watches_behind_the_last_event(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    bed_link(t->bed, BED_ETCD, true);
    assert_null(own_watch(t, MSG_WATCH_CREATE, 0));
    bed_link(t->bed, BED_KAFKA, false); /* another one's */
    assert_null(own_watch(t, MSG_WATCH_CREATE, 0));
    bed_link(t->bed, BED_ETCD, false);
    expect_watch(own_watch(t, MSG_WATCH_CREATE, 0), 0x8002, 0); /* no event yet */
    struct message event = event_of(t, BED_SCHEDULER1, 41);
    bed_deliver(t->bed, &event);
    bed_link(t->bed, BED_ETCD, true);
    bed_link(t->bed, BED_ETCD, false);
    expect_watch(own_watch(t, MSG_WATCH_CREATE, 1), 0x8003, 42);
    assert_null(own_watch(t, MSG_WATCH_CREATE, 2));
    invoker_bed_free(t);
}

static void a_disabled_invoker_watches_nothing(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    const char *who = bed_authorization("invoker.user", "invoker.pass");
    struct message event = event_of(t, BED_SCHEDULER1, 41);
    bed_deliver(t->bed, &event);
    bed_http(t->bed, HTTP_POST, "/disable", who, NULL);
    expect_watch(own_watch(t, MSG_WATCH_CANCEL, 0), 0x8001, 0);
    bed_link(t->bed, BED_ETCD, true);
    bed_link(t->bed, BED_ETCD, false);
    assert_null(own_watch(t, MSG_WATCH_CREATE, 0));
    event.u.watch.deleted = 1; /* still on its way: it is not heard */
    bed_deliver(t->bed, &event);
    assert_int_equal(t->invoker->warmed_schedulers[1], 1);
    bed_http(t->bed, HTTP_POST, "/enable", who, NULL);
    expect_watch(own_watch(t, MSG_WATCH_CREATE, 0), 0x8002, 0);
    invoker_bed_free(t);
}

static struct message refusal(const struct invoker_bed *t)
{
    struct message m = bed_message(t->bed, MSG_REFUSED, BED_ETCD, ACTOR_MAIN_ID);
    m.corr = t->invoker->watch_number;
    m.u.refused.kind = MSG_WATCH_CREATE;
    return m;
}

static void a_refused_watch_is_asked_for_again(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_new();
    struct message other_number = refusal(t), other_kind = refusal(t), down = refusal(t);
    other_number.corr++;
    bed_deliver(t->bed, &other_number);
    other_kind.u.refused.kind = MSG_WATCH_CANCEL;
    bed_deliver(t->bed, &other_kind);
    bed_link(t->bed, BED_ETCD, true);
    bed_deliver(t->bed, &down); /* the connection's return will do it */
    assert_null(own_watch(t, MSG_WATCH_CREATE, 0));
    bed_link(t->bed, BED_ETCD, false);
    struct message again = refusal(t);
    bed_deliver(t->bed, &again);
    expect_watch(own_watch(t, MSG_WATCH_CREATE, 1), 0x8003, 0);
    bed_http(t->bed, HTTP_POST, "/disable", bed_authorization("invoker.user", "invoker.pass"),
             NULL);
    struct message closed = refusal(t);
    bed_deliver(t->bed, &closed);
    assert_null(own_watch(t, MSG_WATCH_CREATE, 2));
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), 0);
    invoker_bed_free(t);
}

/* The fetch and the listing of a process whose peer goes down end, and nobody minds. */
static void calls_of_no_container_break_with_their_peer_alone(void **state)
{
    (void)state;
    struct invoker_bed *t = invoker_bed_cold();
    bed_start(t->bed);
    struct message event = event_of(t, BED_SCHEDULER0, 1);
    bed_deliver(t->bed, &event);
    uint32_t open = t->invoker->calls.count; /* document, listing, fetch */
    assert_int_equal(open, 3);
    bed_link(t->bed, BED_SCHEDULER1, true);
    assert_int_equal(t->invoker->calls.count, 3);
    bed_link(t->bed, BED_SCHEDULER0, false);
    assert_int_equal(t->invoker->calls.count, 3);
    bed_link(t->bed, BED_SCHEDULER0, true);
    assert_int_equal(t->invoker->calls.count, 2);
    bed_link(t->bed, BED_DATABASE, true);
    assert_int_equal(t->invoker->calls.count, 1);
    bed_link(t->bed, BED_ETCD, true);
    assert_int_equal(t->invoker->calls.count, 0);
    assert_int_equal(bed_sent_count(t->bed, MSG_FETCH), 1);
    invoker_bed_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_start_watches_and_lists_the_schedulers),
        cmocka_unit_test(the_schedulers_of_the_listing_are_warmed_up),
        cmocka_unit_test(a_listing_that_fails_warms_up_nobody),
        cmocka_unit_test(events_of_another_watch_or_kind_mean_nothing),
        cmocka_unit_test(a_new_connection_watches_behind_the_last_event),
        cmocka_unit_test(a_disabled_invoker_watches_nothing),
        cmocka_unit_test(a_refused_watch_is_asked_for_again),
        cmocka_unit_test(calls_of_no_container_break_with_their_peer_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
