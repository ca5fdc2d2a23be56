/*
 * test_database_documents.c - actions as documents with revisions, and records in full.
 */
#include "support/bed.h"
#include "database/database.h"
#include <stdio.h>
#include <string.h>

static struct bed *bed;

static int begin(void **state)
{
    (void)state;
    bed = bed_new(&database_ops, BED_DATABASE, NULL);
    bed->cluster.timing[TIMING_DATABASE_BATCH] = (struct range){MSEC(200), MSEC(200)};
    bed->cluster.timing[TIMING_DATABASE_READ] = (struct range){MSEC(5), MSEC(5)};
    bed->actions[BED_SLOW].is_spare = true;
    bed_start(bed);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bed_free(bed);
    return 0;
}

static const struct message *call(enum document_op op, action_id action, uint32_t revision,
                                  const char *body)
{
    struct message m = bed_message(bed, MSG_DOCUMENT_CALL, BED_CONTROLLER0, ACTOR_MAIN_ID);
    m.u.document.op = (uint8_t)op;
    m.u.document.action = action;
    m.u.document.ns = BED_GUEST;
    m.u.document.revision = revision;
    m.u.document.limit = 200;
    m.u.document.body = bed_blob(bed, body);
    bed_deliver(bed, &m);
    blob_free(bed->arena, m.u.document.body); /* as the host does behind the step */
    bed_pass(bed, MSEC(5));
    return bed_sent(bed, MSG_DOCUMENT_DONE, bed_sent_count(bed, MSG_DOCUMENT_DONE) - 1);
}

static void expect_done(const struct message *m, enum document_result result, uint32_t revision)
{
    assert_int_equal(m->to, BED_CONTROLLER0);
    assert_int_equal(m->corr, 77);
    assert_int_equal(m->u.document.result, result);
    assert_int_equal(m->u.document.revision, revision);
}

static enum document_result read_action(action_id action, uint32_t revision,
                                        uint32_t *ret_revision)
{
    struct message m = bed_message(bed, MSG_DATABASE_READ, BED_SCHEDULER0, ACTOR_MAIN_ID);
    m.u.database.action = action;
    m.u.database.revision = revision;
    bed_deliver(bed, &m);
    bed_pass(bed, MSEC(5));
    const struct message *a =
        bed_sent(bed, MSG_DATABASE_DOCUMENT, bed_sent_count(bed, MSG_DATABASE_DOCUMENT) - 1);
    *ret_revision = a->u.database.revision;
    return (enum document_result)a->u.database.result;
}

static void a_document_takes_its_time(void **state)
{
    (void)state;
    struct message m = bed_message(bed, MSG_DOCUMENT_CALL, BED_CONTROLLER0, ACTOR_MAIN_ID);
    m.u.document.action = BED_HELLO;
    bed_deliver(bed, &m);
    bed_pass(bed, MSEC(5) - 1);
    assert_int_equal(bed->sent_count, 0);
    bed_pass(bed, 1);
    const struct message *done = bed_sent(bed, MSG_DOCUMENT_DONE, 0);
    expect_done(done, DOCUMENT_FOUND, 1);
    assert_string_equal(
        bed_text(bed, done->u.document.body),
        "{\"annotations\":[{\"key\":\"provide-api-key\",\"value\":false},{\"key\":\"exec\","
        "\"value\":\"nodejs:20\"}],\"exec\":{\"kind\":\"nodejs:20\",\"code\":\"function "
        "main(params) { return params; }\",\"binary\":false},\"limits\":{\"concurrency\":1,"
        "\"logs\":10,\"memory\":256,\"timeout\":60000},\"name\":\"hello\",\"namespace\":"
        "\"guest\",\"parameters\":[],\"publish\":false,\"updated\":1700000000000,\"version\":"
        "\"0.0.1\"}");
}

static void revisions_grow_with_each_write(void **state)
{
    (void)state;
    expect_done(call(DOCUMENT_PUT, BED_HELLO, 1, "{\"version\":\"0.0.2\"}"), DOCUMENT_FOUND, 2);
    expect_done(call(DOCUMENT_PUT, BED_HELLO, 2, "{\"version\":\"0.0.3\"}"), DOCUMENT_FOUND, 3);
    const struct message *m = call(DOCUMENT_GET, BED_HELLO, 0, NULL);
    expect_done(m, DOCUMENT_FOUND, 3);
    assert_string_equal(bed_text(bed, m->u.document.body), "{\"version\":\"0.0.3\"}");
}

static void an_old_revision_is_a_conflict(void **state)
{
    (void)state;
    expect_done(call(DOCUMENT_PUT, BED_HELLO, 0, "{}"), DOCUMENT_CONFLICT, 1);
    call(DOCUMENT_PUT, BED_HELLO, 1, "{}");
    expect_done(call(DOCUMENT_PUT, BED_HELLO, 1, "{\"a\":1}"), DOCUMENT_CONFLICT, 2);
    expect_done(call(DOCUMENT_DELETE, BED_HELLO, 1, NULL), DOCUMENT_CONFLICT, 2);
    assert_string_equal(bed_text(bed, call(DOCUMENT_GET, BED_HELLO, 0, NULL)->u.document.body),
                        "{}");
}

static void a_deleted_document_leaves_its_revision(void **state)
{
    (void)state;
    uint32_t revision = 0;
    expect_done(call(DOCUMENT_DELETE, BED_HELLO, 1, NULL), DOCUMENT_FOUND, 2);
    expect_done(call(DOCUMENT_GET, BED_HELLO, 0, NULL), DOCUMENT_MISSING, 2);
    assert_int_equal(read_action(BED_HELLO, 0, &revision), DOCUMENT_MISSING);
    expect_done(call(DOCUMENT_DELETE, BED_HELLO, 2, NULL), DOCUMENT_CONFLICT, 2);
    expect_done(call(DOCUMENT_PUT, BED_HELLO, 1, "{}"), DOCUMENT_CONFLICT, 2);
    expect_done(call(DOCUMENT_PUT, BED_HELLO, 0, "{}"), DOCUMENT_FOUND, 3);
    assert_int_equal(read_action(BED_HELLO, 0, &revision), DOCUMENT_FOUND);
    assert_int_equal(revision, 3);
    assert_int_equal(read_action(BED_HELLO, 1, &revision), DOCUMENT_MISMATCH);
}

static void a_spare_slot_is_there_once_it_is_written(void **state)
{
    (void)state;
    uint32_t revision = 0;
    assert_int_equal(read_action(BED_SLOW, 0, &revision), DOCUMENT_MISSING);
    expect_done(call(DOCUMENT_GET, BED_SLOW, 0, NULL), DOCUMENT_MISSING, 0);
    expect_done(call(DOCUMENT_PUT, BED_SLOW, 0, "{}"), DOCUMENT_FOUND, 1);
    assert_int_equal(read_action(BED_SLOW, 1, &revision), DOCUMENT_FOUND);
    assert_int_equal(revision, 1);
}

static void long_code_is_a_second_write(void **state)
{
    (void)state;
    static char body[17 * 1024];
    int length = snprintf(body, sizeof body, "{\"exec\":{\"code\":\"");
    memset(body + length, 'x', 16 * 1024);
    memcpy(body + length + 16 * 1024, "\"}}", 4);
    expect_done(call(DOCUMENT_PUT, BED_HELLO, 1, body), DOCUMENT_FOUND, 3);
    memcpy(body + length + 16 * 1024 - 1, "\"}}", 4);
    expect_done(call(DOCUMENT_PUT, BED_HELLO, 3, body), DOCUMENT_FOUND, 4);
}

static void what_is_no_document_is_refused(void **state)
{
    (void)state;
    expect_done(call(DOCUMENT_PUT, BED_HELLO, 1, "[]"), DOCUMENT_ERROR, 1);
    expect_done(call(DOCUMENT_PUT, BED_HELLO, 1, "{"), DOCUMENT_ERROR, 1);
    expect_done(call(DOCUMENT_PUT, BED_ACTION_COUNT, 0, "{}"), DOCUMENT_ERROR, 0);
    expect_done(call(DOCUMENT_GET, BED_ACTION_COUNT, 0, NULL), DOCUMENT_MISSING, 0);
    expect_done(call(DOCUMENT_DELETE, BED_ACTION_COUNT, 0, NULL), DOCUMENT_MISSING, 0);
    expect_done(call(DOCUMENT_RECORDS, ACTION_NONE, 0, "short"), DOCUMENT_ERROR, 0);
}

static void documents_survive_the_process(void **state)
{
    (void)state;
    call(DOCUMENT_PUT, BED_HELLO, 1, "{\"version\":\"0.0.2\"}");
    struct message m = bed_message(bed, MSG_DOCUMENT_CALL, BED_CONTROLLER0, ACTOR_MAIN_ID);
    m.u.document.op = DOCUMENT_PUT;
    m.u.document.body = bed_blob(bed, "{}");
    bed_deliver(bed, &m); /* not written yet */
    blob_free(bed->arena, m.u.document.body);
    bed_crash(bed);
    bed_start(bed);
    const struct message *done = call(DOCUMENT_GET, BED_HELLO, 0, NULL);
    expect_done(done, DOCUMENT_FOUND, 2);
    assert_string_equal(bed_text(bed, done->u.document.body), "{\"version\":\"0.0.2\"}");
}

static void the_digest_changes_with_a_write(void **state)
{
    (void)state;
    struct digest before = {0}, after = {0};
    bed->ops->digest(bed->machine, &before);
    call(DOCUMENT_PUT, BED_HELLO, 1, "{}");
    bed->ops->digest(bed->machine, &after);
    assert_true(before.state != after.state);
}

static void a_list_has_what_is_there(void **state)
{
    (void)state;
    call(DOCUMENT_DELETE, BED_HELLO, 1, NULL);
    call(DOCUMENT_PUT, BED_SLOW, 0,
         "{\"exec\":{\"binary\":true},\"name\":\"s\",\"parameters\":[],\"updated\":5}");
    const struct message *m = call(DOCUMENT_LIST, ACTION_NONE, 0, NULL);
    expect_done(m, DOCUMENT_FOUND, 0);
    assert_int_equal(m->u.document.limit, 2);
    assert_non_null(strstr(bed_text(bed, m->u.document.body),
                           "\"version\":\"0.0.1\"},{\"exec\":{\"binary\":true},\"name\":\"s\","
                           "\"updated\":5}]"));
}

/* ---- records ---- */

static void store(uint32_t request, tstamp start_at)
{
    struct message m = bed_message(bed, MSG_DATABASE_STORE, BED_INVOKER0, ACTOR_MAIN_ID);
    m.u.store.id = ACTIVATION_ID(request, 0);
    m.u.store.action = BED_HELLO;
    m.u.store.ns = BED_GUEST;
    m.u.store.start_at = start_at;
    m.u.store.end_at = start_at + MSEC(7);
    bed_deliver(bed, &m);
    bed_pass(bed, MSEC(200));
}

static const struct message *ask(struct record_query query, uint32_t skip, uint32_t limit)
{
    struct message m = bed_message(bed, MSG_DOCUMENT_CALL, BED_CONTROLLER0, ACTOR_MAIN_ID);
    m.u.document.op = DOCUMENT_RECORDS;
    m.u.document.action = ACTION_NONE;
    m.u.document.ns = BED_GUEST;
    m.u.document.skip = skip;
    m.u.document.limit = limit;
    m.u.document.body = blob_new(bed->arena, ARENA_MESSAGE, &query, sizeof query);
    bed_deliver(bed, &m);
    blob_free(bed->arena, m.u.document.body);
    bed_pass(bed, MSEC(5));
    return bed_sent(bed, MSG_DOCUMENT_DONE, bed_sent_count(bed, MSG_DOCUMENT_DONE) - 1);
}

static void expect_found(const struct message *m, const char *requests)
{
    struct record_document records[10];
    size_t size = blob_size(bed->arena, m->u.document.body);
    assert_int_equal(size, strlen(requests) * sizeof records[0]);
    memcpy(records, blob_bytes(bed->arena, m->u.document.body), size);
    for (size_t i = 0; requests[i] != '\0'; i++)
        assert_int_equal(records[i].id, ACTIVATION_ID((uint32_t)(requests[i] - '0'), 0));
}

static const struct record_query all = {.action = ACTION_NONE, .upto_ms = UINT64_MAX};

static void records_are_kept_in_full_with_the_version_of_then(void **state)
{
    (void)state;
    struct record_document record;
    store(1, TSTAMP_ORIGIN + SEC(1));
    call(DOCUMENT_PUT, BED_HELLO, 1, "{\"version\":\"1.2.3\"}");
    store(2, TSTAMP_ORIGIN + SEC(2));
    const struct message *m = ask(all, 0, 10);
    expect_found(m, "21");
    memcpy(&record, blob_bytes(bed->arena, m->u.document.body), sizeof record);
    assert_int_equal(record.start_at, TSTAMP_ORIGIN + SEC(2));
    assert_int_equal(record.end_at, TSTAMP_ORIGIN + SEC(2) + MSEC(7));
    assert_int_equal(record.version[0] * 100 + record.version[1] * 10 + record.version[2], 123);
}

static void the_newest_start_comes_first_whatever_was_written_first(void **state)
{
    (void)state;
    store(1, TSTAMP_ORIGIN + SEC(5));
    store(2, TSTAMP_ORIGIN + SEC(3));
    store(3, TSTAMP_ORIGIN + SEC(9));
    expect_found(ask(all, 0, 10), "312");
    expect_found(ask(all, 1, 1), "1");
    expect_found(ask(all, 3, 1), "");
    struct record_query one = all;
    one.id = ACTIVATION_ID(2, 0);
    expect_found(ask(one, 0, 1), "2");
}

static void the_ring_keeps_the_newest(void **state)
{
    (void)state;
    bed_config(bed, "database.recent-records", 3);
    for (uint32_t i = 1; i <= 5; i++)
        store(i, TSTAMP_ORIGIN + SEC(i));
    expect_found(ask(all, 0, 10), "543");
    assert_int_equal(ask(all, 0, 10)->u.document.limit, 3);
    bed_crash(bed);
    bed_start(bed);
    expect_found(ask(all, 0, 10), "543");
    store(6, TSTAMP_ORIGIN + SEC(6));
    expect_found(ask(all, 0, 10), "654");
}

static void a_second_record_of_one_activation_is_not_kept(void **state)
{
    (void)state;
    store(1, TSTAMP_ORIGIN + SEC(1));
    store(1, TSTAMP_ORIGIN + SEC(2));
    expect_found(ask(all, 0, 10), "1");
}

static void no_ring_keeps_none(void **state)
{
    (void)state;
    bed_config(bed, "database.recent-records", 0);
    store(1, TSTAMP_ORIGIN + SEC(1));
    expect_found(ask(all, 0, 10), "");
}

static void nothing_is_left_of_a_call(void **state)
{
    (void)state;
    call(DOCUMENT_PUT, BED_HELLO, 1, "{}");
    store(1, TSTAMP_ORIGIN);
    bed_forget(bed);
    size_t blocks = arena_blocks(bed->arena, BED_DATABASE);
    for (uint32_t i = 2; i < 20; i++) {
        call(DOCUMENT_PUT, BED_HELLO, i, "{\"a\":1}");
        call(DOCUMENT_GET, BED_HELLO, 0, NULL);
        call(DOCUMENT_LIST, ACTION_NONE, 0, NULL);
        ask(all, 0, 10);
    }
    bed_forget(bed);
    assert_int_equal(arena_blocks(bed->arena, BED_DATABASE), blocks);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_document_takes_its_time),
        TEST(revisions_grow_with_each_write),
        TEST(an_old_revision_is_a_conflict),
        TEST(a_deleted_document_leaves_its_revision),
        TEST(a_spare_slot_is_there_once_it_is_written),
        TEST(long_code_is_a_second_write),
        TEST(what_is_no_document_is_refused),
        TEST(documents_survive_the_process),
        TEST(the_digest_changes_with_a_write),
        TEST(a_list_has_what_is_there),
        TEST(records_are_kept_in_full_with_the_version_of_then),
        TEST(the_newest_start_comes_first_whatever_was_written_first),
        TEST(the_ring_keeps_the_newest),
        TEST(a_second_record_of_one_activation_is_not_kept),
        TEST(no_ring_keeps_none),
        TEST(nothing_is_left_of_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
