/*
 * test_etcd_txn.c - transactions of the etcd machine: compares, branches, what is checked when.
 */
#include "support/etcd_bed.h"
#include <string.h>

#define OPS_MAX 4

struct case_txn { /* one transaction with room for its parts */
    struct etcd_compare compares[OPS_MAX];
    struct etcd_op success[OPS_MAX], failure[OPS_MAX];
    struct etcd_answer answers[OPS_MAX];
    struct etcd_txn txn;
    bool succeeded;
};

static struct etcd_op op_put(const char *key, const char *value, uint64_t lease)
{
    return (struct etcd_op){
        .kind = ETCD_OP_PUT,
        .put = {.name = {.key = {.family = KEY_RAW}, .text = etcd_bed_text(key)},
                .data = {.value = {.kind = VALUE_RAW}, .raw = etcd_bed_text(value)},
                .lease = lease,
                .has_value = true}};
}

static struct etcd_op op_range(const char *from, const char *end)
{
    return (struct etcd_op){.kind = ETCD_OP_RANGE, .range = {.span = etcd_bed_span(from, end)}};
}

static struct etcd_op op_delete(const char *from, const char *end)
{
    return (struct etcd_op){.kind = ETCD_OP_DELETE,
                            .delete = {.span = etcd_bed_span(from, end)}};
}

static void add_compare(struct case_txn *t, const char *key, enum etcd_target target,
                        enum etcd_relation relation, int64_t number)
{
    t->compares[t->txn.compare_count++] =
        (struct etcd_compare){.span = etcd_bed_span(key, NULL),
                              .target = (uint8_t)target,
                              .relation = (uint8_t)relation,
                              .number = number};
}

static void add_success(struct case_txn *t, struct etcd_op op)
{
    t->success[t->txn.success.count++] = op;
}

static enum etcd_error run(struct bed *bed, struct case_txn *t)
{
    t->txn.compares = t->compares;
    t->txn.success.ops = t->success;
    t->txn.failure.ops = t->failure;
    struct effects *fx = etcd_bed_fx(bed);
    return etcd_txn(etcd_of(bed), fx, &t->txn, &t->succeeded, t->answers);
}

static void the_put_if_absent_of_the_components_wins_once(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct key key = bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0);
    const struct message *m = etcd_bed_put_if_absent(bed, key, 1, 0);
    assert_int_equal(m->u.etcd_done.succeeded, 1);
    assert_int_equal(m->u.etcd_done.revision, 2);
    m = etcd_bed_put_if_absent(bed, key, 2, 0);
    assert_int_equal(m->u.etcd_done.succeeded, 0);
    assert_int_equal(m->u.etcd_done.status, ETCD_OK);
    assert_int_equal(m->u.etcd_done.revision, 2);
    m = etcd_bed_range(bed, RANGE_GET, key, 0);
    assert_int_equal(m->u.etcd_done.count, 1);
    assert_int_equal(m->u.etcd_done.value.a, 1);
    bed_free(bed);
}

static void an_unknown_lease_fails_only_the_branch_that_is_executed(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct key key = bed_key(KEY_QUEUE, BED_GUEST, BED_HELLO, 0);
    const struct message *m = etcd_bed_put_if_absent(bed, key, 1, 4242);
    assert_int_equal(m->u.etcd_done.status, ETCD_LEASE_NOT_FOUND);
    assert_int_equal(m->u.etcd_done.succeeded, 0);
    assert_int_equal(m->u.etcd_done.revision, 1);
    etcd_bed_put(bed, key, 1, 0);
    m = etcd_bed_put_if_absent(bed, key, 1, 4242); /* the compare fails: no error */
    assert_int_equal(m->u.etcd_done.status, ETCD_OK);
    assert_int_equal(m->u.etcd_done.succeeded, 0);
    bed_free(bed);
}

static void a_failing_put_leaves_the_whole_transaction_undone(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct case_txn t = {0};
    add_success(&t, op_put("a", "1", 0));
    add_success(&t, op_put("b", "1", 4242));
    assert_int_equal(run(bed, &t), ETCD_ERROR_LEASE_NOT_FOUND);
    assert_int_equal(etcd_of(bed)->store.revision, 1);
    assert_int_equal(etcd_of(bed)->store.index.count, 0);
    bed_free(bed);
}

static void the_empty_transaction_succeeds_and_changes_nothing(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct case_txn t = {0};
    assert_int_equal(run(bed, &t), ETCD_ERROR_NONE);
    assert_true(t.succeeded);
    assert_int_equal(etcd_of(bed)->store.revision, 1);
    bed_free(bed);
}

struct compare_case {
    const char *key;
    enum etcd_target target;
    enum etcd_relation relation;
    int64_t number;
    const char *value;
    bool holds;
};

/* k: created at 3, put again at 4 with lease 777; nokey is missing. */
static const struct compare_case compare_cases[] = {
    {"k", ETCD_VERSION, ETCD_EQUAL, 2, NULL, true},
    {"k", ETCD_VERSION, ETCD_EQUAL, 1, NULL, false},
    {"k", ETCD_VERSION, ETCD_GREATER, 1, NULL, true},
    {"k", ETCD_VERSION, ETCD_LESS, 2, NULL, false},
    {"k", ETCD_VERSION, ETCD_NOT_EQUAL, 2, NULL, false},
    {"k", ETCD_CREATE, ETCD_EQUAL, 3, NULL, true},
    {"k", ETCD_MOD, ETCD_EQUAL, 4, NULL, true},
    {"k", ETCD_MOD, ETCD_LESS, 5, NULL, true},
    {"k", ETCD_LEASE, ETCD_EQUAL, 777, NULL, true},
    {"k", ETCD_LEASE, ETCD_NOT_EQUAL, 777, NULL, false},
    {"k", ETCD_VALUE, ETCD_EQUAL, 0, "two", true},
    {"k", ETCD_VALUE, ETCD_GREATER, 0, "tw", true},
    {"k", ETCD_VALUE, ETCD_LESS, 0, "two", false},
    {"nokey", ETCD_VERSION, ETCD_EQUAL, 0, NULL, true},
    {"nokey", ETCD_CREATE, ETCD_EQUAL, 0, NULL, true},
    {"nokey", ETCD_MOD, ETCD_EQUAL, 0, NULL, true},
    {"nokey", ETCD_LEASE, ETCD_EQUAL, 0, NULL, true},
    {"nokey", ETCD_VERSION, ETCD_GREATER, 0, NULL, false},
    {"nokey", ETCD_VALUE, ETCD_EQUAL, 0, "", false},
    {"nokey", ETCD_VALUE, ETCD_NOT_EQUAL, 0, "x", false},
};

static void compares_hold_as_they_should(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_lease(bed, MSG_LEASE_GRANT, 777, 10);
    etcd_bed_raw_put(bed, "other", "x", 0);
    etcd_bed_raw_put(bed, "k", "one", 0);
    etcd_bed_raw_put(bed, "k", "two", 777);
    for (unsigned i = 0; i < sizeof compare_cases / sizeof compare_cases[0]; i++) {
        const struct compare_case *c = &compare_cases[i];
        struct case_txn t = {0};
        add_compare(&t, c->key, c->target, c->relation, c->number);
        if (c->value != NULL)
            t.compares[0].value = etcd_bed_text(c->value);
        assert_int_equal(run(bed, &t), ETCD_ERROR_NONE);
        if (t.succeeded != c->holds)
            fail_msg("compare case %u", i);
    }
    bed_free(bed);
}

static void all_compares_must_hold(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_raw_put(bed, "a", "1", 0);
    struct case_txn t = {0};
    add_compare(&t, "a", ETCD_VERSION, ETCD_EQUAL, 1);
    add_compare(&t, "b", ETCD_VERSION, ETCD_EQUAL, 0);
    assert_int_equal(run(bed, &t), ETCD_ERROR_NONE);
    assert_true(t.succeeded);
    etcd_bed_raw_put(bed, "b", "1", 0);
    assert_int_equal(run(bed, &t), ETCD_ERROR_NONE);
    assert_false(t.succeeded);
    bed_free(bed);
}

static void a_compare_of_a_range_is_of_every_key_in_it(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    etcd_bed_raw_put(bed, "p/a", "1", 0);
    etcd_bed_raw_put(bed, "p/b", "1", 0);
    struct case_txn t = {0};
    add_compare(&t, "p/", ETCD_VERSION, ETCD_EQUAL, 1);
    t.compares[0].span = etcd_bed_span("p/", "p0");
    run(bed, &t);
    assert_true(t.succeeded);
    etcd_bed_raw_put(bed, "p/b", "2", 0);
    run(bed, &t);
    assert_false(t.succeeded);
    t.compares[0].span = etcd_bed_span("q/", "q0"); /* empty: as one missing key */
    run(bed, &t);
    assert_false(t.succeeded);
    t.compares[0].number = 0;
    run(bed, &t);
    assert_true(t.succeeded);
    bed_free(bed);
}

static void a_branch_runs_in_order_in_one_revision(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct case_txn t = {0};
    etcd_bed_raw_put(bed, "lead", "s0", 0);
    add_success(&t, op_put("lead", "s1", 0));
    add_success(&t, op_range("lead", NULL));
    add_success(&t, op_delete("missing", NULL));
    t.success[0].put.prev_kv = true;
    assert_int_equal(run(bed, &t), ETCD_ERROR_NONE);
    assert_int_equal(etcd_of(bed)->store.revision, 3);
    assert_string_equal(etcd_bed_show_list(bed, &t.answers[1].list), "lead=s1");
    assert_int_equal(t.answers[1].list.versions[0]->revision, 3);
    assert_int_equal(t.answers[1].list.versions[0]->version, 2);
    assert_int_equal(t.answers[1].list.count, 1);
    assert_int_equal(t.answers[0].prev->version, 1);
    assert_int_equal(t.answers[2].deleted, 0);
    bed_free(bed);
}

static void the_failure_branch_runs_when_a_compare_fails(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct case_txn t = {0};
    etcd_bed_raw_put(bed, "lead", "s0", 0);
    add_compare(&t, "lead", ETCD_VERSION, ETCD_EQUAL, 0);
    add_success(&t, op_put("lead", "s1", 0));
    t.failure[t.txn.failure.count++] = op_range("lead", NULL);
    assert_int_equal(run(bed, &t), ETCD_ERROR_NONE);
    assert_false(t.succeeded);
    assert_int_equal(t.answers[0].kind, ETCD_OP_RANGE);
    assert_string_equal(etcd_bed_show_list(bed, &t.answers[0].list), "lead=s0");
    assert_int_equal(etcd_of(bed)->store.revision, 2);
    bed_free(bed);
}

static void a_key_is_put_once_and_not_also_deleted_in_a_list(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct case_txn t = {0};
    add_success(&t, op_put("a", "1", 0));
    add_success(&t, op_put("a", "2", 0));
    assert_int_equal(run(bed, &t), ETCD_ERROR_DUPLICATE_KEY);
    t.success[1] = op_delete("a", NULL);
    assert_int_equal(run(bed, &t), ETCD_ERROR_DUPLICATE_KEY);
    t.success[0] = op_delete("a", "c");
    t.success[1] = op_put("b", "1", 0);
    assert_int_equal(run(bed, &t), ETCD_ERROR_DUPLICATE_KEY);
    t.success[1] = op_put("c", "1", 0); /* the end is not in the range */
    assert_int_equal(run(bed, &t), ETCD_ERROR_NONE);
    t.success[1] = op_delete("a", NULL); /* twice deleted is fine */
    assert_int_equal(run(bed, &t), ETCD_ERROR_NONE);
    /* the list that is not executed is looked at as well */
    struct case_txn other = {0};
    other.failure[0] = op_put("a", "1", 0);
    other.failure[1] = op_put("a", "1", 0);
    other.txn.failure.count = 2;
    assert_int_equal(run(bed, &other), ETCD_ERROR_DUPLICATE_KEY);
    bed_free(bed);
}

static void what_has_no_key_is_refused(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct case_txn t = {0};
    add_compare(&t, "", ETCD_VERSION, ETCD_EQUAL, 0);
    assert_int_equal(run(bed, &t), ETCD_ERROR_NO_KEY);
    struct case_txn ops = {0};
    add_success(&ops, op_put("", "1", 0));
    assert_int_equal(run(bed, &ops), ETCD_ERROR_NO_KEY);
    ops.success[0] = op_range("", NULL);
    assert_int_equal(run(bed, &ops), ETCD_ERROR_NO_KEY);
    ops.success[0] = op_delete("", NULL);
    assert_int_equal(run(bed, &ops), ETCD_ERROR_NO_KEY);
    bed_free(bed);
}

static void a_range_at_a_wrong_revision_fails_the_whole_transaction(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct case_txn t = {0};
    add_success(&t, op_put("a", "1", 0));
    add_success(&t, op_range("a", NULL));
    t.success[1].range.revision = 99;
    assert_int_equal(run(bed, &t), ETCD_ERROR_FUTURE_REVISION);
    assert_int_equal(etcd_of(bed)->store.index.count, 0);
    bed_free(bed);
}

static void a_delete_and_puts_of_other_keys_share_the_revision(void **state)
{
    (void)state;
    struct bed *bed = etcd_bed_new();
    struct case_txn t = {0};
    etcd_bed_raw_put(bed, "a", "1", 0);
    add_success(&t, op_put("z", "1", 0));
    add_success(&t, op_put("b", "1", 0));
    add_success(&t, op_delete("a", NULL));
    assert_int_equal(run(bed, &t), ETCD_ERROR_NONE);
    assert_int_equal(t.answers[2].deleted, 1);
    assert_int_equal(etcd_of(bed)->store.revision, 3);
    const struct etcd_version *version = etcd_of(bed)->store.change_first;
    static const char names[] = "zba";
    for (unsigned i = 0; i < 3; i++, version = version->log_next) { /* in the list's order */
        assert_int_equal(version->entry->text[0], names[i]);
        assert_int_equal(version->deleted, i == 2);
    }
    assert_null(version);
    struct etcd_range range = {.span = etcd_bed_all()};
    assert_string_equal(etcd_bed_show(bed, &range), "b=1 z=1");
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_put_if_absent_of_the_components_wins_once),
        cmocka_unit_test(an_unknown_lease_fails_only_the_branch_that_is_executed),
        cmocka_unit_test(a_failing_put_leaves_the_whole_transaction_undone),
        cmocka_unit_test(the_empty_transaction_succeeds_and_changes_nothing),
        cmocka_unit_test(compares_hold_as_they_should),
        cmocka_unit_test(all_compares_must_hold),
        cmocka_unit_test(a_compare_of_a_range_is_of_every_key_in_it),
        cmocka_unit_test(a_branch_runs_in_order_in_one_revision),
        cmocka_unit_test(the_failure_branch_runs_when_a_compare_fails),
        cmocka_unit_test(a_key_is_put_once_and_not_also_deleted_in_a_list),
        cmocka_unit_test(what_has_no_key_is_refused),
        cmocka_unit_test(a_range_at_a_wrong_revision_fails_the_whole_transaction),
        cmocka_unit_test(a_delete_and_puts_of_other_keys_share_the_revision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
