/*
 * test_etcd_watch.c - watches of the etcd machine: start, order, filters, ends.
 */
#include "support/etcd_bed.h"
#include <stdio.h>
#include <string.h>

static const struct key all = {0};

static struct key flag_key(namespace_id ns, action_id action)
{
    return bed_key(KEY_THROTTLING, ns, action, 0);
}

/* "watch:revision+key=value" or "-" for a delete, of all events sent; static storage. */
static const char *events(const struct bed *bed)
{
    static char line[2048];
    size_t length = 0;
    line[0] = '\0';
    for (uint32_t i = 0; i < bed_sent_count(bed, MSG_WATCH_EVENT); i++) {
        const struct message *m = bed_sent(bed, MSG_WATCH_EVENT, i);
        length += (size_t)snprintf(line + length, sizeof line - length, "%s%u:%u%s%u=%u",
                                   i == 0 ? "" : " ", m->u.watch.watch, m->u.watch.revision,
                                   m->u.watch.deleted ? "-" : "+", m->u.watch.key.action,
                                   m->u.watch.value.a);
    }
    return line;
}

static void a_watch_answers_created_with_the_revision(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 1, 0);
    const struct message *m = etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 7, 0);
    assert_int_equal(m->u.watch.revision, 2);
    assert_int_equal(m->u.watch.watch, 7);
    assert_int_equal(m->to, BED_CONTROLLER0);
    assert_int_equal(m->corr, 77);
    assert_string_equal(events(bed), ""); /* no listing of what is there */
    bed_free(bed);
}

static void events_come_in_order_each_once(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 0);
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 5, 0);
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 5, 0);
    etcd_bed_put(bed, flag_key(BED_GUEST, 0), 6, 0);
    etcd_bed_delete(bed, flag_key(BED_GUEST, 1));
    etcd_bed_delete(bed, flag_key(BED_GUEST, 1));
    assert_string_equal(events(bed), "1:2+1=5 1:3+1=5 1:4+0=6 1:5-1=5");
    const struct message *m = bed_sent(bed, MSG_WATCH_EVENT, 3);
    struct key key = flag_key(BED_GUEST, 1);
    assert_true(key_equal(&m->u.watch.key, &key));
    assert_int_equal(m->cause, bed_record(bed, RECORD_KEY_DELETED, 0)->seq);
    bed_free(bed);
}

static void every_watch_gets_every_event(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 0);
    etcd_bed_watch(bed, BED_SCHEDULER0, all, 0, 1, 0); /* same number, another stream */
    etcd_bed_watch(bed, BED_SCHEDULER0, all, 0, 2, 0);
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 5, 0);
    assert_string_equal(events(bed), "1:2+1=5 1:2+1=5 2:2+1=5");
    assert_int_equal(bed_sent(bed, MSG_WATCH_EVENT, 0)->to, BED_CONTROLLER0);
    assert_int_equal(bed_sent(bed, MSG_WATCH_EVENT, 1)->to, BED_SCHEDULER0);
    bed_free(bed);
}

static void a_prefix_and_a_key_are_watched_alone(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_watch(bed, BED_CONTROLLER0, flag_key(BED_GUEST, 0), 1, 1, 0);
    etcd_bed_watch(bed, BED_CONTROLLER0, flag_key(BED_GUEST, 0), 2, 2, 0);
    etcd_bed_watch(bed, BED_CONTROLLER0, flag_key(BED_GUEST, 0), WATCH_EXACT, 3, 0);
    etcd_bed_put(bed, flag_key(BED_GUEST, 0), 5, 0);
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 6, 0);
    etcd_bed_put(bed, flag_key(BED_OTHER, 0), 7, 0);
    etcd_bed_put(bed, bed_key(KEY_QUEUE, BED_GUEST, 0, 0), 8, 0);
    assert_string_equal(events(bed), "1:2+0=5 2:2+0=5 3:2+0=5 1:3+1=6 2:3+1=6 1:4+0=7");
    bed_free(bed);
}

static void a_watch_takes_up_where_it_left_off(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    for (uint32_t i = 0; i < 4; i++)
        etcd_bed_put(bed, flag_key(BED_GUEST, 1), i, 0); /* 2 .. 5 */
    etcd_bed_delete(bed, flag_key(BED_GUEST, 1));        /* 6 */
    const struct message *m = etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 4);
    assert_int_equal(m->u.watch.revision, 6);
    assert_string_equal(events(bed), "1:4+1=2 1:5+1=3 1:6-1=3");
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 9, 0);
    assert_string_equal(events(bed), "1:4+1=2 1:5+1=3 1:6-1=3 1:7+1=9");
    bed_free(bed);
}

static void history_survives_a_restart(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 0);
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 1, 0);
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 2, 0);
    bed_crash(bed);
    bed_start(bed);
    bed_forget(bed);
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 3, 0);
    assert_string_equal(events(bed), ""); /* watches are gone with the process */
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 2, 3);
    assert_string_equal(events(bed), "2:3+1=2 2:4+1=3");
    bed_free(bed);
}

static void a_future_start_skips_what_comes_before(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 4);
    for (uint32_t i = 0; i < 4; i++)
        etcd_bed_put(bed, flag_key(BED_GUEST, 1), i, 0);
    assert_string_equal(events(bed), "1:4+1=2 1:5+1=3");
    bed_free(bed);
}

static void a_start_before_the_compaction_is_created_and_canceled(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 0);
    for (uint32_t i = 0; i < 3; i++)
        etcd_bed_put(bed, flag_key(BED_GUEST, 1), i, 0);
    assert_int_equal(etcd_compact(etcd_of(bed), 3), ETCD_ERROR_NONE);
    bed_forget(bed);
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 2, 2);
    assert_int_equal(bed->sent_count, 2);
    assert_int_equal(bed->sent[0].kind, MSG_WATCH_CREATED);
    assert_int_equal(bed->sent[1].kind, MSG_WATCH_CANCELED);
    assert_int_equal(bed->sent[1].u.watch.watch, 2);
    assert_int_equal(bed->sent[1].u.watch.revision, 3); /* compact_revision */
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 9, 0);
    assert_string_equal(events(bed), "1:5+1=9"); /* the stream and its others go on */
    bed_free(bed);
}

static void a_start_at_the_compaction_is_allowed(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 1, 0); /* 2 */
    etcd_bed_put(bed, flag_key(BED_GUEST, 2), 2, 0); /* 3 */
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 3, 0); /* 4 */
    etcd_bed_delete(bed, flag_key(BED_GUEST, 1));    /* 5 */
    etcd_compact(etcd_of(bed), 3);
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 3);
    assert_string_equal(events(bed), "1:3+2=2 1:4+1=3 1:5-1=3");
    etcd_compact(etcd_of(bed), 5); /* at the delete's revision: it is no longer delivered */
    bed_forget(bed);
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 2, 5);
    assert_string_equal(events(bed), "");
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CANCELED), 0);
    bed_free(bed);
}

static void a_canceled_watch_is_answered_and_silent(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 0);
    struct message m = bed_message(bed, MSG_WATCH_CANCEL, BED_CONTROLLER0, ACTOR_MAIN_ID);
    m.u.watch.watch = 2;
    bed_deliver(bed, &m); /* unknown: no answer */
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CANCELED), 0);
    m.u.watch.watch = 1;
    bed_deliver(bed, &m);
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CANCELED), 1);
    assert_int_equal(bed_sent(bed, MSG_WATCH_CANCELED, 0)->u.watch.watch, 1);
    assert_int_equal(bed_sent(bed, MSG_WATCH_CANCELED, 0)->u.watch.revision, 0);
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 1, 0);
    assert_string_equal(events(bed), "");
    bed_free(bed);
}

static void a_number_is_open_once_in_a_stream(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 0);
    struct message m = bed_message(bed, MSG_WATCH_CREATE, BED_CONTROLLER0, ACTOR_MAIN_ID);
    m.u.watch.watch = 1;
    bed_deliver(bed, &m);
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CREATED), 1);
    assert_int_equal(bed_sent_count(bed, MSG_WATCH_CANCELED), 1);
    assert_int_equal(bed_sent(bed, MSG_WATCH_CANCELED, 0)->u.watch.watch, 1);
    assert_int_equal(bed_sent(bed, MSG_WATCH_CANCELED, 0)->u.watch.revision, 0);
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 1, 0);
    assert_string_equal(events(bed), "1:2+1=1"); /* the first goes on */
    bed_free(bed);
}

static void a_dead_client_is_told_nothing_more(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 0);
    etcd_bed_watch(bed, BED_SCHEDULER0, all, 0, 2, 0);
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 3, 0);
    bed_link(bed, BED_CONTROLLER0, true);
    bed_link(bed, BED_CONTROLLER0, false);
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 1, 0);
    assert_string_equal(events(bed), "2:2+1=1");
    bed_free(bed);
}

/* ---- the general form ---- */

static struct etcd_watch *opened(struct bed *bed, struct etcd_watch_request request,
                                 enum etcd_cancel *ret_reason)
{
    struct etcd *etcd = etcd_of(bed);
    request.stream = (struct etcd_stream){BED_CLIENT, ACTOR_MAIN_ID, 5};
    return etcd_watch_open(&etcd->watches, &etcd->store, &request, ret_reason);
}

static void ids_are_counted_per_stream_and_not_given_twice(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct etcd *etcd = etcd_of(bed);
    int64_t next_id = 0;
    enum etcd_cancel reason;
    struct etcd_watch_request request = {
        .span = etcd_bed_all(), .id = ETCD_WATCH_ID_DRAWN, .stream_next_id = &next_id};
    assert_int_equal(opened(bed, request, &reason)->id, 0);
    assert_int_equal(opened(bed, request, &reason)->id, 1);
    etcd_watch_close(&etcd->watches, &bed->env, etcd->watches.list[1]);
    request.id = 2; /* asked for */
    assert_int_equal(opened(bed, request, &reason)->id, 2);
    request.id = ETCD_WATCH_ID_DRAWN;
    assert_int_equal(opened(bed, request, &reason)->id, 3);
    request.id = 3;
    assert_null(opened(bed, request, &reason));
    assert_int_equal(reason, ETCD_CANCEL_DUPLICATE_ID);
    request.span = etcd_bed_span("b", "a");
    assert_null(opened(bed, request, &reason));
    assert_string_equal(etcd_cancel_to_string(reason), "mvcc: watcher range is empty");
    request.span = etcd_bed_span("a", "a");
    assert_null(opened(bed, request, &reason));
    assert_int_equal(reason, ETCD_CANCEL_EMPTY_RANGE);
    bed_free(bed);
}

static uint32_t wanted(struct bed *bed, const struct etcd_watch *watch)
{
    uint32_t count = 0;
    const struct etcd_version *version = etcd_of(bed)->store.log_first;
    while ((version = etcd_watch_next(watch, version)) != NULL) {
        count++;
        version = version->log_next;
    }
    return count;
}

static void filters_keep_puts_or_deletes_away(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_raw_put(bed, "a", "1", 0);
    etcd_bed_raw_put(bed, "b", "1", 0);
    etcd_bed_raw_delete(bed, "a", NULL);
    enum etcd_cancel reason;
    struct etcd_watch_request request = {.span = etcd_bed_all(), .start_revision = 1};
    assert_int_equal(wanted(bed, opened(bed, request, &reason)), 3);
    request.id = 1;
    request.no_put = true;
    assert_int_equal(wanted(bed, opened(bed, request, &reason)), 1);
    request.id = 2;
    request.no_put = false;
    request.no_delete = true;
    assert_int_equal(wanted(bed, opened(bed, request, &reason)), 2);
    request.id = 3;
    request.no_delete = false;
    request.span = etcd_bed_span("a", NULL);
    assert_int_equal(wanted(bed, opened(bed, request, &reason)), 2);
    request.id = 4;
    request.span = (struct etcd_span){0}; /* an empty key counts as \0: that one key */
    assert_int_equal(wanted(bed, opened(bed, request, &reason)), 0);
    request.id = 5;
    request.span.end = ETCD_ZERO_BYTE;
    assert_int_equal(wanted(bed, opened(bed, request, &reason)), 3);
    bed_free(bed);
}

static void a_transaction_is_told_in_its_own_order(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 0);
    struct etcd_op ops[2] = {{.kind = ETCD_OP_PUT}, {.kind = ETCD_OP_PUT}};
    ops[0].put.name.key = flag_key(BED_GUEST, 2);
    ops[1].put.name.key = flag_key(BED_GUEST, 1);
    struct etcd_txn txn = {.success = {ops, 2}};
    struct etcd_answer answers[2];
    bool succeeded;
    struct effects *fx = etcd_bed_fx(bed);
    assert_int_equal(etcd_txn(etcd_of(bed), fx, &txn, &succeeded, answers), ETCD_ERROR_NONE);
    assert_int_equal(fx->message_count, 2);
    assert_int_equal(fx->messages[0].u.watch.key.action, 2);
    assert_int_equal(fx->messages[1].u.watch.key.action, 1);
    assert_int_equal(fx->messages[0].u.watch.revision, 2);
    assert_int_equal(fx->messages[1].u.watch.revision, 2);
    bed_free(bed);
}

static void an_idle_watch_is_one_that_was_told_nothing(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_watch(bed, BED_CONTROLLER0, all, 0, 1, 0);
    struct etcd_watch *watch = etcd_of(bed)->watches.list[0];
    assert_true(etcd_watch_is_idle(watch));
    etcd_bed_put(bed, flag_key(BED_GUEST, 1), 1, 0);
    assert_false(etcd_watch_is_idle(watch));
    assert_true(etcd_watch_is_idle(watch));
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_answers_created_with_the_revision),
        cmocka_unit_test(events_come_in_order_each_once),
        cmocka_unit_test(every_watch_gets_every_event),
        cmocka_unit_test(a_prefix_and_a_key_are_watched_alone),
        cmocka_unit_test(a_watch_takes_up_where_it_left_off),
        cmocka_unit_test(history_survives_a_restart),
        cmocka_unit_test(a_future_start_skips_what_comes_before),
        cmocka_unit_test(a_start_before_the_compaction_is_created_and_canceled),
        cmocka_unit_test(a_start_at_the_compaction_is_allowed),
        cmocka_unit_test(a_canceled_watch_is_answered_and_silent),
        cmocka_unit_test(a_number_is_open_once_in_a_stream),
        cmocka_unit_test(a_dead_client_is_told_nothing_more),
        cmocka_unit_test(ids_are_counted_per_stream_and_not_given_twice),
        cmocka_unit_test(filters_keep_puts_or_deletes_away),
        cmocka_unit_test(a_transaction_is_told_in_its_own_order),
        cmocka_unit_test(an_idle_watch_is_one_that_was_told_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
