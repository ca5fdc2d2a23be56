/*
 * test_database.c - documents after their reading time, records in batches, and what is let go.
 */
#include "support/bed.h"
#include "database/database.h"
#include "database/records.h"

static struct bed *bed_of_database(void)
{
    struct bed *bed = bed_new(&database_ops, BED_DATABASE, NULL);
    bed->cluster.timing[TIMING_DATABASE_BATCH] = (struct range){MSEC(200), MSEC(200)};
    bed->cluster.timing[TIMING_DATABASE_READ] = (struct range){MSEC(5), MSEC(5)};
    bed_start(bed);
    return bed;
}

static struct message read_of(const struct bed *bed, enum document_kind document)
{
    struct message m = bed_message(bed, MSG_DATABASE_READ, BED_SCHEDULER0, ACTOR_MAIN_ID);
    m.u.database.document = (uint8_t)document;
    return m;
}

static const struct message *answer(struct bed *bed)
{
    return bed_sent(bed, MSG_DATABASE_DOCUMENT, bed_sent_count(bed, MSG_DATABASE_DOCUMENT) - 1);
}

static const struct message *ask(struct bed *bed, struct message m)
{
    bed_deliver(bed, &m);
    bed_pass(bed, MSEC(5));
    return answer(bed);
}

static const struct message *ask_record(struct bed *bed, activation_id id)
{
    struct message m = read_of(bed, DOCUMENT_RECORD);
    m.u.database.id = id;
    return ask(bed, m);
}

static void store(struct bed *bed, activation_id id, enum response_status response,
                  enum error_text error)
{
    struct message m = bed_message(bed, MSG_DATABASE_STORE, BED_INVOKER0, ACTOR_MAIN_ID);
    m.corr = id;
    m.cause = 5000 + id;
    m.u.store.id = id;
    m.u.store.response = (uint8_t)response;
    m.u.store.error = (uint8_t)error;
    bed_deliver(bed, &m);
}

static void an_action_is_read_after_its_time(void **state)
{
    (void)state;
    struct bed *bed = bed_of_database();
    struct message m = read_of(bed, DOCUMENT_ACTION);
    m.u.database.action = BED_SLOW;
    bed_deliver(bed, &m);
    bed_pass(bed, MSEC(5) - 1);
    assert_int_equal(bed->sent_count, 0);
    bed_pass(bed, 1);
    const struct message *a = answer(bed);
    assert_int_equal(a->to, BED_SCHEDULER0);
    assert_int_equal(a->corr, 77);
    assert_int_equal(a->u.database.result, DOCUMENT_FOUND);
    assert_int_equal(a->u.database.revision, 1);
    assert_int_equal(a->u.database.action, BED_SLOW);
    bed_free(bed);
}

static void reading_times_are_drawn_in_their_range(void **state)
{
    (void)state;
    struct bed *bed = bed_of_database();
    bed->cluster.timing[TIMING_DATABASE_READ] = (struct range){MSEC(2), MSEC(10)};
    duration least = MSEC(10), most = 0;
    for (int i = 0; i < 200; i++) {
        struct message m = read_of(bed, DOCUMENT_ACTION);
        bed_deliver(bed, &m);
        duration length = bed_next_in(bed);
        least = length < least ? length : least;
        most = length > most ? length : most;
        bed_pass(bed, MSEC(11));
    }
    assert_in_range(least, MSEC(2), MSEC(3));
    assert_in_range(most, MSEC(9), MSEC(10));
    bed_free(bed);
}

static void what_does_not_exist_or_has_another_revision_is_said(void **state)
{
    (void)state;
    struct bed *bed = bed_of_database();
    struct message m = read_of(bed, DOCUMENT_ACTION);
    m.u.database.action = BED_ACTION_COUNT;
    assert_int_equal(ask(bed, m)->u.database.result, DOCUMENT_MISSING);
    m.u.database.action = BED_HELLO;
    m.u.database.revision = 2;
    assert_int_equal(ask(bed, m)->u.database.result, DOCUMENT_MISMATCH);
    m.u.database.revision = 1;
    assert_int_equal(ask(bed, m)->u.database.result, DOCUMENT_FOUND);
    m.u.database.action = ACTION_HEALTH_TEST;
    assert_int_equal(ask(bed, m)->u.database.result, DOCUMENT_FOUND);
    m.u.database.document = 9;
    assert_int_equal(ask(bed, m)->u.database.result, DOCUMENT_ERROR);
    bed_free(bed);
}

static void a_subject_comes_with_its_limit(void **state)
{
    (void)state;
    struct bed *bed = bed_of_database();
    struct message m = read_of(bed, DOCUMENT_IDENTITY);
    m.u.database.ns = BED_OTHER;
    assert_int_equal(ask(bed, m)->u.database.concurrent_limit, 100);
    m.u.database.ns = NAMESPACE_SYSTEM;
    assert_int_equal(ask(bed, m)->u.database.concurrent_limit, 30);
    m.u.database.ns = BED_NAMESPACE_COUNT;
    assert_int_equal(ask(bed, m)->u.database.result, DOCUMENT_MISSING);
    bed_free(bed);
}

static void an_identity_says_whether_its_subject_is_blocked(void **state)
{
    (void)state;
    struct bed *bed = bed_of_database();
    bed->namespaces[BED_OTHER].blocked_from = SEC(3);
    struct message m = read_of(bed, DOCUMENT_IDENTITY);
    m.u.database.ns = BED_OTHER;
    bed->cluster.timing[TIMING_DATABASE_READ] = (struct range){MSEC(5), MSEC(5)};
    bed->now = TSTAMP_ORIGIN + SEC(3) - MSEC(5) - 1;
    assert_int_equal(ask(bed, m)->u.database.response, 0);
    bed->now = TSTAMP_ORIGIN + SEC(3) - MSEC(5);
    assert_int_equal(ask(bed, m)->u.database.response, 1);
    assert_int_equal(ask(bed, m)->u.database.result, DOCUMENT_FOUND);
    m.u.database.ns = BED_GUEST; /* never */
    assert_int_equal(ask(bed, m)->u.database.response, 0);
    m.u.database.ns = NAMESPACE_SYSTEM;
    assert_int_equal(ask(bed, m)->u.database.response, 0);
    bed_free(bed);
}

static void records_are_written_and_answered_with_their_batch(void **state)
{
    (void)state;
    struct bed *bed = bed_of_database();
    store(bed, ACTIVATION_ID(1, 0), RESPONSE_SUCCESS, ERROR_NONE);
    bed_pass(bed, MSEC(150));
    store(bed, ACTIVATION_ID(2, 0), RESPONSE_DEVELOPER_ERROR, ERROR_TIMED_OUT);
    bed_pass(bed, MSEC(50) - 1);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORED), 0);
    bed_pass(bed, 1);
    assert_int_equal(bed_sent_count(bed, MSG_DATABASE_STORED), 2);
    const struct message *m = bed_sent(bed, MSG_DATABASE_STORED, 1);
    assert_int_equal(m->to, BED_INVOKER0);
    assert_int_equal(m->u.store.id, ACTIVATION_ID(2, 0));
    assert_int_equal(m->u.store.ok, 1);
    const struct record *r = bed_record(bed, RECORD_STORED, 1);
    assert_int_equal(r->activation, ACTIVATION_ID(2, 0));
    assert_int_equal(r->detail, RESPONSE_DEVELOPER_ERROR);
    assert_int_equal(r->cause, 5000 + ACTIVATION_ID(2, 0));
    store(bed, ACTIVATION_ID(3, 0), RESPONSE_SUCCESS, ERROR_NONE); /* opens the next batch */
    assert_int_equal(bed_next_in(bed), MSEC(200));
    bed_free(bed);
}

static void a_poll_finds_a_record_only_once_it_is_written(void **state)
{
    (void)state;
    struct bed *bed = bed_of_database();
    activation_id id = ACTIVATION_ID(7, 0);
    store(bed, id, RESPONSE_WHISK_ERROR, ERROR_TOO_OLD);
    assert_int_equal(ask_record(bed, id)->u.database.result, DOCUMENT_MISSING);
    bed_pass(bed, MSEC(200));
    const struct message *m = ask_record(bed, id);
    assert_int_equal(m->u.database.result, DOCUMENT_FOUND);
    assert_int_equal(m->u.database.response, RESPONSE_WHISK_ERROR);
    assert_int_equal(m->u.database.error, ERROR_TOO_OLD);
    assert_int_equal(ask_record(bed, ACTIVATION_ID(8, 0))->u.database.result, DOCUMENT_MISSING);
    bed_free(bed);
}

static void every_outcome_is_kept_as_it_was(void **state)
{
    (void)state;
    struct bed *bed = bed_of_database();
    static const struct record_outcome outcomes[] = {
        {RESPONSE_SUCCESS, ERROR_NONE},
        {RESPONSE_APPLICATION_ERROR, ERROR_ACTION_ERROR},
        {RESPONSE_APPLICATION_ERROR, ERROR_NONE},
        {RESPONSE_DEVELOPER_ERROR, ERROR_ABNORMAL_RUN},
        {RESPONSE_WHISK_ERROR, ERROR_NO_ENDPOINT},
    };
    for (uint32_t i = 0; i < 1000; i++)
        store(bed, ACTIVATION_ID(i * 97 + 1, i % 2), outcomes[i % 5].response,
              outcomes[i % 5].error);
    store(bed, ACTIVATION_SYSTEM | 5, RESPONSE_SUCCESS, ERROR_NONE);
    bed_pass(bed, MSEC(200));
    for (uint32_t i = 0; i < 1000; i++) {
        const struct message *m = ask_record(bed, ACTIVATION_ID(i * 97 + 1, i % 2));
        assert_int_equal(m->u.database.result, DOCUMENT_FOUND);
        assert_int_equal(m->u.database.response, outcomes[i % 5].response);
        assert_int_equal(m->u.database.error, outcomes[i % 5].error);
        bed_forget(bed);
    }
    assert_int_equal(ask_record(bed, ACTIVATION_SYSTEM | 5)->u.database.result, DOCUMENT_FOUND);
    bed_free(bed);
}

static void a_second_record_of_an_activation_is_a_conflict(void **state)
{
    (void)state;
    struct bed *bed = bed_of_database();
    activation_id id = ACTIVATION_ID(9, 0);
    store(bed, id, RESPONSE_SUCCESS, ERROR_NONE);
    store(bed, id, RESPONSE_WHISK_ERROR, ERROR_TOO_OLD);
    bed_pass(bed, MSEC(200));
    assert_int_equal(bed_record_count(bed, RECORD_STORED), 1);
    assert_int_equal(bed_sent(bed, MSG_DATABASE_STORED, 1)->u.store.ok, 0);
    assert_int_equal(ask_record(bed, id)->u.database.response, RESPONSE_SUCCESS);
    bed_free(bed);
}

static void records_survive_the_process_and_the_open_batch_does_not(void **state)
{
    (void)state;
    struct bed *bed = bed_of_database();
    store(bed, ACTIVATION_ID(1, 0), RESPONSE_SUCCESS, ERROR_NONE);
    store(bed, ACTIVATION_ID(2, 0), RESPONSE_WHISK_ERROR, ERROR_TOO_OLD);
    bed_pass(bed, MSEC(200));
    store(bed, ACTIVATION_ID(3, 0), RESPONSE_SUCCESS, ERROR_NONE);
    bed_crash(bed);
    bed_start(bed);
    bed_pass(bed, SEC(1));
    assert_int_equal(ask_record(bed, ACTIVATION_ID(1, 0))->u.database.result, DOCUMENT_FOUND);
    assert_int_equal(ask_record(bed, ACTIVATION_ID(2, 0))->u.database.error, ERROR_TOO_OLD);
    assert_int_equal(ask_record(bed, ACTIVATION_ID(3, 0))->u.database.result, DOCUMENT_MISSING);
    bed_free(bed);
}

/* An hour at 40 a second: what is kept is that of the last 16 minutes and a little. */
static void memory_follows_the_rate_and_not_the_number(void **state)
{
    (void)state;
    struct bed *bed = bed_of_database();
    size_t blocks_max = 0;
    for (uint32_t second = 0; second < 3600; second++) {
        for (uint32_t i = 0; i < 40; i++) {
            uint32_t request = second * 40 + i + 1;
            bool fails = request % 50 == 0;
            store(bed, ACTIVATION_ID(request, 0),
                  fails ? RESPONSE_WHISK_ERROR : RESPONSE_SUCCESS,
                  fails ? ERROR_TOO_OLD : ERROR_NONE);
        }
        bed_pass(bed, SEC(1));
        bed_forget(bed);
        size_t blocks = arena_blocks(bed->arena, BED_DATABASE);
        blocks_max = blocks > blocks_max ? blocks : blocks_max;
    }
    const struct records *records = bed->machine; /* stands first: it is durable */
    assert_int_equal(records->written, 3600 * 40);
    assert_in_range(records->page_count, 9, 13); /* 16 min x 40/s / 4096 = 9.4 */
    assert_in_range(records->other_max, 1024, 8192);
    assert_in_range(blocks_max, 1, 24);
    bed_free(bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_action_is_read_after_its_time),
        cmocka_unit_test(reading_times_are_drawn_in_their_range),
        cmocka_unit_test(what_does_not_exist_or_has_another_revision_is_said),
        cmocka_unit_test(a_subject_comes_with_its_limit),
        cmocka_unit_test(an_identity_says_whether_its_subject_is_blocked),
        cmocka_unit_test(records_are_written_and_answered_with_their_batch),
        cmocka_unit_test(a_poll_finds_a_record_only_once_it_is_written),
        cmocka_unit_test(every_outcome_is_kept_as_it_was),
        cmocka_unit_test(a_second_record_of_an_activation_is_a_conflict),
        cmocka_unit_test(records_survive_the_process_and_the_open_batch_does_not),
        cmocka_unit_test(memory_follows_the_rate_and_not_the_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
