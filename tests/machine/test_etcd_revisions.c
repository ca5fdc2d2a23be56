/*
 * test_etcd_revisions.c - revisions, ranges, puts and compaction of the etcd machine.
 */
#include "support/etcd_bed.h"
#include <string.h>

static struct key scheduler_key(node_id node)
{
    return bed_key(KEY_SCHEDULER, 0, 0, node);
}

static struct key container_key(namespace_id ns, action_id action, uint32_t container)
{
    struct key key = bed_key(KEY_EXISTING, ns, action, BED_INVOKER0);
    key.revision = 1;
    key.id = container;
    return key;
}

static struct etcd_kv kv_at(const struct bed *bed, const struct message *m, uint32_t i)
{
    const struct etcd_kv *kvs = blob_bytes(bed->arena, m->u.etcd_done.kvs);
    assert_true(i < m->u.etcd_done.count);
    return kvs[i];
}

static void an_empty_store_is_at_revision_1(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    const struct message *m = etcd_bed_range(bed, RANGE_GET, scheduler_key(BED_SCHEDULER0), 0);
    assert_int_equal(m->u.etcd_done.revision, 1);
    assert_int_equal(m->u.etcd_done.count, 0);
    assert_int_equal(m->u.etcd_done.status, ETCD_OK);
    assert_int_equal(m->corr, 77);
    assert_int_equal(m->to, BED_SCHEDULER0);
    bed_free(bed);
}

static void each_change_adds_one_also_a_put_of_the_same_value(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct key key = scheduler_key(BED_SCHEDULER0);
    assert_int_equal(etcd_bed_put(bed, key, 5, 0)->u.etcd_done.revision, 2);
    assert_int_equal(etcd_bed_put(bed, key, 5, 0)->u.etcd_done.revision, 3);
    assert_int_equal(etcd_bed_delete(bed, key)->u.etcd_done.revision, 4);
    assert_int_equal(etcd_bed_last(bed, MSG_ETCD_DONE)->u.etcd_done.count, 1);
    bed_free(bed);
}

static void what_changes_nothing_makes_no_revision(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct key key = scheduler_key(BED_SCHEDULER0);
    etcd_bed_put(bed, key, 5, 0);
    const struct message *m = etcd_bed_delete(bed, scheduler_key(BED_SCHEDULER1));
    assert_int_equal(m->u.etcd_done.revision, 2);
    assert_int_equal(m->u.etcd_done.count, 0);
    m = etcd_bed_put_if_absent(bed, key, 6, 0);
    assert_int_equal(m->u.etcd_done.revision, 2);
    assert_int_equal(m->u.etcd_done.succeeded, 0);
    uint32_t lease = etcd_bed_lease(bed, MSG_LEASE_GRANT, 0, 10)->u.lease.lease;
    etcd_bed_lease(bed, MSG_LEASE_KEEPALIVE, lease, 0);
    assert_int_equal(etcd_bed_lease(bed, MSG_LEASE_REVOKE, lease, 0)->u.lease.status, ETCD_OK);
    m = etcd_bed_put(bed, key, 5, 12345); /* no such lease: nothing changes */
    assert_int_equal(m->u.etcd_done.status, ETCD_LEASE_NOT_FOUND);
    assert_int_equal(m->u.etcd_done.revision, 2);
    assert_int_equal(bed_record_count(bed, RECORD_KEY_PUT), 1);
    bed_free(bed);
}

static void a_key_counts_its_versions_and_begins_anew_after_a_delete(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct key key = scheduler_key(BED_SCHEDULER0);
    etcd_bed_put(bed, scheduler_key(BED_SCHEDULER1), 1, 0);
    etcd_bed_put(bed, key, 5, 0);
    etcd_bed_put(bed, key, 6, 0);
    const struct message *m = etcd_bed_range(bed, RANGE_PREFIX, key, 1);
    assert_int_equal(m->u.etcd_done.count, 2);
    assert_int_equal(m->u.etcd_done.revision, 4);
    struct etcd_kv kv = kv_at(bed, m, 0);
    assert_true(key_equal(&kv.key, &key));
    assert_int_equal(kv.value.a, 6);
    assert_int_equal(kv.create_revision, 3);
    assert_int_equal(kv.mod_revision, 4);
    assert_int_equal(kv.version, 2);
    etcd_bed_delete(bed, key);
    etcd_bed_put(bed, key, 7, 0);
    m = etcd_bed_range(bed, RANGE_PREFIX, key, 1);
    kv = kv_at(bed, m, 0);
    assert_int_equal(kv.create_revision, 6);
    assert_int_equal(kv.mod_revision, 6);
    assert_int_equal(kv.version, 1);
    bed_free(bed);
}

static void changes_are_recorded_once_with_their_key(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct key key = scheduler_key(BED_SCHEDULER0);
    etcd_bed_put(bed, key, 5, 0);
    etcd_bed_put(bed, key, 6, 0);
    etcd_bed_delete(bed, key);
    assert_int_equal(bed->record_count, 3);
    const struct record *r = bed_record(bed, RECORD_KEY_PUT, 0);
    assert_true(key_equal(&r->key, &key));
    assert_int_equal(r->detail, 1);
    assert_int_equal(r->node, BED_ETCD);
    assert_int_equal(bed_record(bed, RECORD_KEY_PUT, 1)->detail, 0);
    r = bed_record(bed, RECORD_KEY_DELETED, 0);
    assert_true(key_equal(&r->key, &key));
    assert_int_equal(r->detail, 0);
    bed_free(bed);
}

static void prefixes_end_at_their_slash(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    memcpy(bed->namespaces[BED_OTHER].name, "guest0", sizeof "guest0");
    for (uint32_t container = 0; container < 3; container++) {
        etcd_bed_put(bed, container_key(BED_GUEST, BED_HELLO, container), 0, 0);
        etcd_bed_put(bed, container_key(BED_OTHER, BED_HELLO, container), 0, 0);
    }
    etcd_bed_put(bed, container_key(BED_GUEST, BED_SLOW, 9), 0, 0);
    struct key other_revision = container_key(BED_GUEST, BED_HELLO, 8);
    other_revision.revision = 12;
    etcd_bed_put(bed, other_revision, 0, 0);
    struct key prefix = container_key(BED_GUEST, BED_HELLO, 0);
    static const uint32_t expected[] = {8, 5, 4, 3};
    for (unsigned depth = 1; depth <= 4; depth++) {
        const struct message *m = etcd_bed_range(bed, RANGE_COUNT, prefix, depth);
        assert_int_equal(m->u.etcd_done.count, expected[depth - 1]);
        assert_int_equal(m->u.etcd_done.kvs, 0);
        m = etcd_bed_range(bed, RANGE_PREFIX, prefix, depth);
        assert_int_equal(m->u.etcd_done.count, expected[depth - 1]);
        for (uint32_t i = 0; i < m->u.etcd_done.count; i++) {
            struct etcd_kv kv = kv_at(bed, m, i);
            assert_true(key_has_prefix(&kv.key, &prefix, depth));
        }
    }
    struct key none = {0};
    assert_int_equal(etcd_bed_range(bed, RANGE_COUNT, none, 0)->u.etcd_done.count, 8);
    bed_free(bed);
}

static void a_listing_is_in_key_order(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct key none = {0};
    for (uint32_t i = 0; i < 40; i++) {
        struct key key = container_key((namespace_id)(i % 2), (action_id)(i % 4), i * 7 % 40);
        if (i % 3 == 0)
            key.family = KEY_WARMED;
        if (i % 3 == 1)
            key.family = KEY_IN_PROGRESS;
        etcd_bed_put(bed, key, 0, 0);
    }
    const struct message *m = etcd_bed_range(bed, RANGE_PREFIX, none, 0);
    assert_int_equal(m->u.etcd_done.count, 40);
    for (uint32_t i = 1; i < 40; i++) {
        struct etcd_kv before = kv_at(bed, m, i - 1), kv = kv_at(bed, m, i);
        assert_true(key_compare(&bed->cluster, &before.key, &kv.key) < 0);
    }
    bed_free(bed);
}

static void keys_are_bytes_ordered_bytewise(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    static const char *const keys[] = {"o/b", "o/a", "o/9", "o/a/x", "o/", "o/10", "o/A"};
    for (unsigned i = 0; i < 7; i++)
        etcd_bed_raw_put(bed, keys[i], "v", 0);
    struct etcd_range range = {.span = etcd_bed_span("o/", "o0")};
    assert_string_equal(etcd_bed_show(bed, &range),
                        "o/=v o/10=v o/9=v o/A=v o/a=v o/a/x=v o/b=v");
    range.span = etcd_bed_all();
    assert_string_equal(etcd_bed_show(bed, &range),
                        "o/=v o/10=v o/9=v o/A=v o/a=v o/a/x=v o/b=v");
    range.span = etcd_bed_span("o/A", "o/a/x"); /* half open */
    assert_string_equal(etcd_bed_show(bed, &range), "o/A=v o/a=v");
    range.span = etcd_bed_span("o/a", NULL); /* one key */
    assert_string_equal(etcd_bed_show(bed, &range), "o/a=v");
    range.span.end = ETCD_ZERO_BYTE; /* everything from there */
    assert_string_equal(etcd_bed_show(bed, &range), "o/a=v o/a/x=v o/b=v");
    range.span = etcd_bed_span("o/b", "o/a"); /* empty */
    assert_string_equal(etcd_bed_show(bed, &range), "");
    bed_free(bed);
}

static void the_count_is_of_all_whatever_the_limit(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_raw_put(bed, "a", "1", 0);
    etcd_bed_raw_put(bed, "b", "2", 0);
    struct etcd_range range = {.span = etcd_bed_all(), .limit = 1};
    struct etcd_listing list;
    assert_int_equal(etcd_range(etcd_of(bed), &range, &list), ETCD_ERROR_NONE);
    assert_int_equal(list.count, 2);
    assert_true(list.more);
    assert_string_equal(etcd_bed_show_list(bed, &list), "a=1");
    range.limit = 2;
    etcd_range(etcd_of(bed), &range, &list);
    assert_false(list.more);
    assert_int_equal(list.length, 2);
    range.limit = -1; /* none */
    etcd_range(etcd_of(bed), &range, &list);
    assert_int_equal(list.length, 2);
    range.count_only = true;
    etcd_range(etcd_of(bed), &range, &list);
    assert_int_equal(list.length, 0);
    assert_int_equal(list.count, 2);
    assert_false(list.more);
    bed_free(bed);
}

static void a_past_revision_is_read_as_it_was(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_raw_put(bed, "b", "1", 0);  /* 2 */
    etcd_bed_raw_put(bed, "a", "2", 0);  /* 3 */
    etcd_bed_raw_put(bed, "b", "3", 0);  /* 4 */
    etcd_bed_raw_delete(bed, "b", NULL); /* 5 */
    etcd_bed_raw_put(bed, "b", "4", 0);  /* 6 */
    static const char *const expected[] = {"", "b=1", "a=2 b=1", "a=2 b=3", "a=2", "a=2 b=4"};
    for (uint64_t revision = 1; revision <= 6; revision++) {
        struct etcd_range range = {.span = etcd_bed_all(), .revision = revision};
        assert_string_equal(etcd_bed_show(bed, &range), expected[revision - 1]);
        range.span = etcd_bed_span("b", NULL);
        const char *b = strchr(expected[revision - 1], 'b');
        assert_string_equal(etcd_bed_show(bed, &range), b == NULL ? "" : b);
    }
    struct etcd_range range = {.span = etcd_bed_all(), .revision = 7};
    struct etcd_listing list;
    assert_int_equal(etcd_range(etcd_of(bed), &range, &list), ETCD_ERROR_FUTURE_REVISION);
    bed_free(bed);
}

static void a_compaction_forgets_what_came_before(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct etcd *etcd = etcd_of(bed);
    etcd_bed_raw_put(bed, "a", "1", 0);  /* 2 */
    etcd_bed_raw_put(bed, "a", "2", 0);  /* 3 */
    etcd_bed_raw_put(bed, "b", "3", 0);  /* 4 */
    etcd_bed_raw_delete(bed, "b", NULL); /* 5 */
    assert_int_equal(etcd_compact(etcd, 6), ETCD_ERROR_FUTURE_REVISION);
    assert_int_equal(etcd_compact(etcd, 4), ETCD_ERROR_NONE);
    assert_int_equal(etcd_compact(etcd, 4), ETCD_ERROR_COMPACTED);
    assert_int_equal(etcd->store.revision, 5); /* no new one */
    struct etcd_range range = {.span = etcd_bed_all(), .revision = 3};
    struct etcd_listing list;
    assert_int_equal(etcd_range(etcd, &range, &list), ETCD_ERROR_COMPACTED);
    range.revision = 4;
    assert_string_equal(etcd_bed_show(bed, &range), "a=2 b=3");
    range.revision = 5;
    assert_string_equal(etcd_bed_show(bed, &range), "a=2");
    assert_int_equal(etcd_compact(etcd, 5), ETCD_ERROR_NONE);
    assert_string_equal(etcd_bed_show(bed, &range), "a=2");
    bed_free(bed);
}

static void a_range_is_deleted_in_one_revision(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct etcd *etcd = etcd_of(bed);
    etcd_bed_raw_put(bed, "w/a", "1", 0);
    etcd_bed_raw_put(bed, "w/b", "", 0);
    etcd_bed_raw_put(bed, "x", "3", 0);
    struct etcd_delete request = {.span = etcd_bed_span("w/", "w0"), .prev_kv = true};
    struct etcd_answer answer;
    assert_int_equal(etcd_delete(etcd, etcd_bed_fx(bed), &request, &answer), ETCD_ERROR_NONE);
    assert_int_equal(answer.deleted, 2);
    assert_string_equal(etcd_bed_show_list(bed, &answer.list), "w/a=1 w/b=");
    assert_int_equal(etcd->store.revision, 5);
    assert_int_equal(bed->fx.record_count, 0); /* no component's keys */
    assert_int_equal(etcd_bed_raw_delete(bed, "w/", "w0"), 0);
    assert_int_equal(etcd->store.revision, 5);
    request.span.from.length = 0;
    assert_int_equal(etcd_delete(etcd, etcd_bed_fx(bed), &request, &answer), ETCD_ERROR_NO_KEY);
    bed_free(bed);
}

static void a_put_can_keep_the_value_or_the_lease(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct etcd *etcd = etcd_of(bed);
    uint32_t lease = etcd_bed_lease(bed, MSG_LEASE_GRANT, 0, 10)->u.lease.lease;
    struct etcd_put put = {.name = {.key = {.family = KEY_RAW}, .text = etcd_bed_text("k")},
                           .data = {.value = {.kind = VALUE_RAW}, .raw = etcd_bed_text("v")},
                           .has_value = true,
                           .ignore_lease = true};
    struct etcd_answer answer;
    assert_int_equal(etcd_put(etcd, etcd_bed_fx(bed), &put, &answer), ETCD_ERROR_KEY_NOT_FOUND);
    etcd_bed_raw_put(bed, "k", "v", lease);
    put.data.raw = etcd_bed_text("w");
    put.prev_kv = true;
    assert_int_equal(etcd_put(etcd, etcd_bed_fx(bed), &put, &answer), ETCD_ERROR_NONE);
    assert_int_equal(answer.prev->version, 1);
    assert_int_equal(etcd->store.log_last->lease, lease);
    put.ignore_value = true;
    assert_int_equal(etcd_put(etcd, etcd_bed_fx(bed), &put, &answer),
                     ETCD_ERROR_VALUE_PROVIDED);
    put.has_value = put.ignore_lease = false;
    assert_int_equal(etcd_put(etcd, etcd_bed_fx(bed), &put, &answer), ETCD_ERROR_NONE);
    struct etcd_range range = {.span = etcd_bed_all()};
    assert_string_equal(etcd_bed_show(bed, &range), "k=w");
    assert_int_equal(etcd->store.log_last->lease, 0);
    put.ignore_lease = true;
    put.lease = lease;
    assert_int_equal(etcd_put(etcd, etcd_bed_fx(bed), &put, &answer),
                     ETCD_ERROR_LEASE_PROVIDED);
    assert_int_equal(etcd_bed_raw_put(bed, "", "v", 0), ETCD_ERROR_NO_KEY);
    bed_free(bed);
}

static void a_text_and_a_components_key_are_the_same_key(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct key key = scheduler_key(BED_SCHEDULER1);
    etcd_bed_raw_put(bed, "whisk/scheduler/1", "x", 0);
    const struct message *m = etcd_bed_put(bed, key, 8, 0);
    assert_int_equal(m->u.etcd_done.revision, 3);
    m = etcd_bed_range(bed, RANGE_PREFIX, key, 1);
    assert_int_equal(m->u.etcd_done.count, 1);
    struct etcd_kv kv = kv_at(bed, m, 0);
    assert_true(key_equal(&kv.key, &key));
    assert_int_equal(kv.version, 2);
    assert_int_equal(etcd_bed_raw_delete(bed, "whisk/scheduler/1", NULL), 1);
    assert_int_equal(etcd_bed_delete(bed, key)->u.etcd_done.count, 0);
    bed_free(bed);
}

static void a_restart_keeps_keys_and_revision(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct key key = scheduler_key(BED_SCHEDULER0);
    etcd_bed_put(bed, key, 5, 0);
    etcd_bed_put(bed, scheduler_key(BED_SCHEDULER1), 6, 0);
    etcd_bed_delete(bed, key);
    bed_crash(bed);
    bed_start(bed);
    const struct message *m = etcd_bed_range(bed, RANGE_PREFIX, key, 1);
    assert_int_equal(m->u.etcd_done.revision, 4);
    assert_int_equal(m->u.etcd_done.count, 1);
    assert_int_equal(kv_at(bed, m, 0).value.a, 6);
    struct etcd_range range = {.span = etcd_bed_all(), .revision = 3};
    assert_string_equal(etcd_bed_show(bed, &range), "whisk/scheduler/0=5 whisk/scheduler/1=6");
    bed_free(bed);
}

static void history_stays_within_its_bound(void **state)
{
    (void)state;
    struct bed *bed = bed_new(&etcd_ops, BED_ETCD, NULL);
    bed_config(bed, "etcd.history-revisions", 10);
    bed_start(bed);
    for (uint32_t i = 0; i < 500; i++) {
        etcd_bed_put(bed, container_key(BED_GUEST, BED_HELLO, i), i, 0);
        etcd_bed_delete(bed, container_key(BED_GUEST, BED_HELLO, i));
        bed_forget(bed);
    }
    struct etcd *etcd = etcd_of(bed);
    assert_int_equal(etcd->store.revision, 1001);
    assert_int_equal(etcd->store.compacted, 991);
    assert_true(arena_blocks(bed->arena, BED_ETCD) < 40);
    struct etcd_range range = {.span = etcd_bed_all(), .revision = 991};
    struct etcd_listing list;
    assert_int_equal(etcd_range(etcd, &range, &list), ETCD_ERROR_NONE);
    range.revision = 990;
    assert_int_equal(etcd_range(etcd, &range, &list), ETCD_ERROR_COMPACTED);
    bed_free(bed);
}

static void errors_carry_the_texts_and_codes_of_the_server(void **state)
{
    (void)state;
    assert_string_equal(etcd_error_to_string(ETCD_ERROR_DUPLICATE_KEY),
                        "etcdserver: duplicate key given in txn request");
    assert_int_equal(etcd_error_code(ETCD_ERROR_DUPLICATE_KEY), 3);
    assert_int_equal(etcd_error_code(ETCD_ERROR_LEASE_NOT_FOUND), 5);
    assert_int_equal(etcd_error_code(ETCD_ERROR_LEASE_EXISTS), 9);
    assert_int_equal(etcd_error_code(ETCD_ERROR_FUTURE_REVISION), 11);
}

static void requests_without_sense_are_rejected(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct message m = bed_message(bed, MSG_ETCD_PUT, BED_SCHEDULER0, ACTOR_MAIN_ID);
    bed_deliver(bed, &m); /* no key */
    m.kind = MSG_ETCD_RANGE;
    m.u.etcd.key.family = KEY_QUEUE;
    m.u.etcd.mode = RANGE_PREFIX; /* depth 0 of a family */
    bed_deliver(bed, &m);
    m.u.etcd.mode = 9;
    bed_deliver(bed, &m);
    m.kind = MSG_FETCH;
    bed_deliver(bed, &m);
    assert_int_equal(bed_record_count(bed, RECORD_MESSAGE_REJECTED), 4);
    assert_int_equal(bed->sent_count, 0);
    bed_free(bed);
}

/* Families are those between none and a raw text; a prefix names one to four of its parts. */
static void keys_and_prefixes_are_known_from_end_to_end(void **state)
{
    static const struct {
        enum key_family family;
        uint8_t depth; /* WATCH_EXACT: the key itself */
        bool known;
    } cases[] = {
        {KEY_NONE, WATCH_EXACT, false}, {KEY_NONE, 0, true},
        {KEY_NONE, 1, false},           {KEY_QUEUE, WATCH_EXACT, true},
        {KEY_EXISTING, 0, false},       {KEY_EXISTING, 1, true},
        {KEY_EXISTING, 4, true},        {KEY_EXISTING, 5, false},
        {KEY_RAW, WATCH_EXACT, false},  {KEY_RAW, 1, false},
        {KEY_NONE + 1, 1, true},        {KEY_RAW - 1, 1, true},
    };
    static const enum message_kind named[] = {MSG_ETCD_PUT, MSG_ETCD_TXN, MSG_ETCD_DELETE};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bed *bed = etcd_bed_new();
        bool is_exact = cases[i].depth == WATCH_EXACT;
        struct message m = bed_message(bed, MSG_ETCD_RANGE, BED_SCHEDULER0, ACTOR_MAIN_ID);
        m.u.etcd.key.family = (uint16_t)cases[i].family;
        m.u.etcd.mode = is_exact ? RANGE_GET : RANGE_COUNT;
        m.u.etcd.depth = cases[i].depth;
        bed_deliver(bed, &m);
        assert_int_equal(bed_sent_count(bed, MSG_ETCD_RANGED), cases[i].known);
        struct message w = bed_message(bed, MSG_WATCH_CREATE, BED_SCHEDULER0, ACTOR_MAIN_ID);
        w.u.watch.key.family = (uint16_t)cases[i].family;
        w.u.watch.depth = cases[i].depth;
        w.u.watch.watch = 1;
        bed_deliver(bed, &w);
        assert_int_equal(bed_sent_count(bed, MSG_WATCH_CREATED), cases[i].known);
        for (unsigned n = 0; is_exact && n < sizeof named / sizeof named[0]; n++) {
            bed_forget(bed);
            m.kind = (uint16_t)named[n];
            bed_deliver(bed, &m);
            assert_int_equal(bed_sent_count(bed, MSG_ETCD_DONE), cases[i].known);
        }
        bed_free(bed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_store_is_at_revision_1),
        cmocka_unit_test(each_change_adds_one_also_a_put_of_the_same_value),
        cmocka_unit_test(what_changes_nothing_makes_no_revision),
        cmocka_unit_test(a_key_counts_its_versions_and_begins_anew_after_a_delete),
        cmocka_unit_test(changes_are_recorded_once_with_their_key),
        cmocka_unit_test(prefixes_end_at_their_slash),
        cmocka_unit_test(a_listing_is_in_key_order),
        cmocka_unit_test(keys_are_bytes_ordered_bytewise),
        cmocka_unit_test(the_count_is_of_all_whatever_the_limit),
        cmocka_unit_test(a_past_revision_is_read_as_it_was),
        cmocka_unit_test(a_compaction_forgets_what_came_before),
        cmocka_unit_test(a_range_is_deleted_in_one_revision),
        cmocka_unit_test(a_put_can_keep_the_value_or_the_lease),
        cmocka_unit_test(a_text_and_a_components_key_are_the_same_key),
        cmocka_unit_test(a_restart_keeps_keys_and_revision),
        cmocka_unit_test(history_stays_within_its_bound),
        cmocka_unit_test(errors_carry_the_texts_and_codes_of_the_server),
        cmocka_unit_test(requests_without_sense_are_rejected),
        cmocka_unit_test(keys_and_prefixes_are_known_from_end_to_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
