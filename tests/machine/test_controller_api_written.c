/*
 * test_controller_api_written.c - invocations of an action that a client wrote: its document is
 * read first, and what it says of its parameters holds.
 */
#include "support/controller_api_bed.h"
#include <string.h>

#define HELLO "/api/v1/namespaces/_/actions/hello"
#define WAIT HELLO "?blocking=true"
#define RESULT HELLO "?blocking=true&result=true"
#define FAULT "There was an internal server error."
#define OWN_FIRST ACTIVATION_ID(REQUEST_ENTRY_CONTROLLER << 24 | 1, 0)

static struct api_bed t;

static int begin(void **state)
{
    (void)state;
    t = api_bed_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    api_bed_free(&t);
    return 0;
}

/* An action that was written: its document is looked at before the invocation goes on. */
static void write_action(const char *body)
{
    api(&t, HTTP_PUT, HELLO "?overwrite=true", body);
    api_settle(&t);
    expect_api_begins(&t, 200, "{\"annotations\"");
    api_forget(&t);
}

static void answer_revision(uint32_t revision)
{
    struct message m = bed_reply(bed_sent(t.bed, MSG_DATABASE_READ, 0), MSG_DATABASE_DOCUMENT);
    m.u.database = bed_sent(t.bed, MSG_DATABASE_READ, 0)->u.database;
    m.u.database.revision = revision;
    bed_deliver(t.bed, &m);
}

#define FINAL                                                                                  \
    "{\"parameters\":[{\"key\":\"a\",\"value\":1},{\"key\":\"b\",\"value\":null}],"            \
    "\"annotations\":[{\"key\":\"final\",\"value\":true}]}"

static void final_parameters_cannot_be_overridden(void **state)
{
    (void)state;
    write_action(FINAL);
    api(&t, HTTP_POST, HELLO, "{\"a\":2}");
    answer_revision(2);
    expect_api_error(
        &t, 400,
        "Request defines parameters that are not allowed (e.g., reserved properties).");
    expect_count(t.bed, "0");
    api_published(&t, RESULT, "{\"b\":2}"); /* it has no value yet */
    assert_int_equal(
        bed_sent(t.bed, MSG_KAFKA_PRODUCE, 0)->u.produce.entry.u.activation.revision, 2);
}

static void a_document_that_is_not_at_hand_is_read(void **state)
{
    (void)state;
    write_action(FINAL);
    bed_pass(t.bed, MINUTES(6)); /* both copies are too old */
    api_forget(&t);
    t.answered = 0;
    api(&t, HTTP_POST, WAIT, "{\"c\":2}");
    answer_revision(2);
    assert_int_equal(bed_sent_count(t.bed, MSG_KAFKA_PRODUCE), 0);
    api_settle(&t);
    answer_produced(t.bed, 0, true);
    send_ack(t.bed, an_ack(OWN_FIRST, ACK_COMBINED, RESPONSE_SUCCESS));
    expect_api_begins(&t, 200, "{\"activationId\"");
    const struct message *m = bed_sent(t.bed, MSG_HTTP_REPLY, 0);
    assert_non_null(strstr(bed_text(t.bed, m->u.http_reply.body), "\"version\":\"0.0.2\"}"));
}

static void a_database_that_breaks_ends_the_read_of_a_document(void **state)
{
    (void)state;
    write_action(FINAL);
    bed_pass(t.bed, MINUTES(6));
    api_forget(&t);
    api(&t, HTTP_POST, WAIT, "{\"c\":2}");
    answer_revision(2);
    bed_link(t.bed, BED_DATABASE, true);
    expect_api_error(&t, 500, FAULT);
    expect_count(t.bed, "0");
}

static struct message read_call;

/* An invocation that waits for the document: both copies are too old. */
static void wait_for_document(const char *target, const char *body)
{
    write_action(FINAL);
    bed_pass(t.bed, MINUTES(6));
    api_forget(&t);
    api(&t, HTTP_POST, target, body);
    answer_revision(2);
    expect_document_call(&t, 0, DOCUMENT_GET, BED_HELLO, 0);
    assert_int_equal(t.bed->sent_count, 2);
    read_call = *bed_sent(t.bed, MSG_DOCUMENT_CALL, 0);
    api_forget(&t);
}

static void answer_document(enum message_kind kind, enum document_result result,
                            const char *body)
{
    struct message m = bed_reply(&read_call, kind);
    m.u.document.action = BED_HELLO;
    m.u.document.revision = 2;
    m.u.document.result = (uint8_t)result;
    m.u.document.body = body == NULL ? 0 : bed_blob(t.bed, body);
    bed_deliver(t.bed, &m);
}

static void without_a_document_it_is_404(void **state)
{
    (void)state;
    wait_for_document(WAIT, "{\"c\":2}");
    answer_document(MSG_DOCUMENT_DONE, DOCUMENT_MISSING, NULL);
    expect_api_error(&t, 404, "The requested resource does not exist.");
    expect_records(t.bed, "turns activation 503316481 of guest/hello away: HTTP 404\n");
    expect_count(t.bed, "0");
    answer_document(MSG_DOCUMENT_DONE, DOCUMENT_FOUND, "{}"); /* nobody waits any more */
    assert_int_equal(bed_sent_count(t.bed, MSG_KAFKA_PRODUCE), 0);
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 2);
}

static void a_read_that_fails_is_500(void **state)
{
    (void)state;
    wait_for_document(WAIT, "{\"c\":2}");
    answer_document(MSG_DOCUMENT_DONE, DOCUMENT_ERROR, NULL);
    expect_api_error(&t, 500, FAULT);
    assert_int_equal(t.bed->sent_count, 1);
    expect_count(t.bed, "0");
    expect_forgotten(t.bed, OWN_FIRST);
}

static void a_read_that_is_refused_is_500(void **state)
{
    (void)state;
    wait_for_document(WAIT, "{\"c\":2}");
    answer_document(MSG_REFUSED, DOCUMENT_FOUND, NULL);
    expect_api_error(&t, 500, FAULT);
    assert_int_equal(t.bed->sent_count, 1);
    expect_count(t.bed, "0");
    expect_forgotten(t.bed, OWN_FIRST);
}

static void a_document_that_comes_after_the_servers_own_answer_lets_it_go_on(void **state)
{
    (void)state;
    wait_for_document(WAIT, "{\"c\":2}");
    bed_pass(t.bed, SEC(65));
    expect_api_begins(&t, 503, "The server was not able");
    answer_document(MSG_DOCUMENT_DONE, DOCUMENT_FOUND, "{}");
    assert_int_equal(bed_sent_count(t.bed, MSG_KAFKA_PRODUCE), 1);
    answer_document(MSG_DOCUMENT_DONE, DOCUMENT_FOUND, "{}");
    assert_int_equal(bed_sent_count(t.bed, MSG_KAFKA_PRODUCE), 1);
    expect_count(t.bed, "1");
}

/* The first still reads when the metadata that the second asks for lets both go on. */
static void an_invocation_reads_the_document_once(void **state)
{
    (void)state;
    wait_for_document(HELLO, "{\"c\":2}");
    struct message word =
        bed_message(t.bed, MSG_CACHE_INVALIDATION, BED_CONTROLLER1, ACTOR_MAIN_ID);
    word.u.invalidation.action = BED_HELLO;
    word.u.invalidation.revision = 2;
    bed_deliver(t.bed, &word);
    api(&t, HTTP_POST, HELLO, NULL);
    answer_revision(2);
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 1);
    assert_int_equal(bed_sent(t.bed, MSG_DOCUMENT_CALL, 0)->corr,
                     ACTIVATION_ID(REQUEST_ENTRY_CONTROLLER << 24 | 2, 0));
    assert_int_equal(bed_sent_count(t.bed, MSG_KAFKA_PRODUCE), 0);
    answer_document(MSG_DOCUMENT_DONE, DOCUMENT_FOUND, "{}");
    assert_int_equal(bed_sent_count(t.bed, MSG_KAFKA_PRODUCE), 1);
    assert_int_equal(bed_sent(t.bed, MSG_KAFKA_PRODUCE, 0)->u.produce.entry.u.activation.id,
                     OWN_FIRST);
    api_published(&t, HELLO, NULL); /* the next has it at hand */
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 1);
}

static void a_broken_database_ends_only_those_who_wait_for_it(void **state)
{
    (void)state;
    wait_for_document(WAIT, "{\"c\":2}");
    send_invoke(t.bed, ACTIVATION_ID(9, 0), BED_HELLO, false);
    assert_int_equal(bed_sent_count(t.bed, MSG_KAFKA_PRODUCE), 1);
    bed_link(t.bed, BED_DATABASE, true);
    expect_api_error(&t, 500, FAULT);
    assert_int_equal(t.bed->sent_count, 2);
    answer_produced(t.bed, 0, true);
    expect_answer(t.bed, ACTIVATION_ID(9, 0), 202, ERROR_NONE);
}

/* What is said of the action's parameters, and what a call brings. */
static void only_final_parameters_with_a_value_are_protected(void **state)
{
    (void)state;
#define PARAMETER "\"parameters\":[{\"key\":\"z\",\"value\":0},{\"key\":\"a\",\"value\":false}]"
#define WITH(annotation)                                                                       \
    "{" PARAMETER ",\"annotations\":[{\"key\":\"x\",\"value\":true}," annotation "]}"
    static const struct {
        const char *action, *body;
        bool is_refused;
    } cases[] = {
        {WITH("{\"key\":\"final\",\"value\":true}"), "{\"b\":1,\"a\":2}", true},
        {WITH("{\"key\":\"final\",\"value\":true}"), "{\"a\":null}", true},
        {WITH("{\"key\":\"final\",\"value\":true}"), "{\"b\":1}", false},
        {WITH("{\"key\":\"final\",\"value\":true}"), "{}", false},
        {WITH("{\"key\":\"final\",\"value\":true}"), NULL, false},
        {WITH("{\"key\":\"final\",\"value\":false}"), "{\"a\":2}", false},
        {WITH("{\"key\":\"final\",\"value\":\"true\"}"), "{\"a\":2}", false},
        {WITH("{\"key\":\"final\",\"value\":null}"), "{\"a\":2}", false},
        {"{\"delAnnotations\":[\"final\"]}", "{\"a\":2}", false},
    };
    for (uint32_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        write_action(cases[n].action);
        api(&t, HTTP_POST, HELLO, cases[n].body);
        answer_revision(n + 2);
        assert_int_equal(bed_sent_count(t.bed, MSG_KAFKA_PRODUCE), cases[n].is_refused ? 0 : 1);
        if (cases[n].is_refused)
            expect_api_error(&t, 400,
                             "Request defines parameters that are not allowed (e.g., reserved "
                             "properties).");
        if (cases[n].is_refused)
            expect_forgotten(t.bed, ACTIVATION_ID(REQUEST_ENTRY_CONTROLLER << 24 | (n + 1), 0));
    }
}

/* A spare slot's first document has revision 1, as those of the scenario. */
static void a_new_actions_first_document_is_looked_at_too(void **state)
{
    (void)state;
    t.bed->actions[BED_SLOW].is_spare = true;
    api(&t, HTTP_POST, "/api/v1/namespaces/_/actions/slow", NULL);
    answer_revision(1);
    expect_document_call(&t, 0, DOCUMENT_GET, BED_SLOW, 0);
    assert_int_equal(t.bed->sent_count, 2);
}

/* What is no object says nothing of itself. */
static void a_document_that_is_none_protects_nothing(void **state)
{
    (void)state;
    wait_for_document(WAIT, "{\"a\":2}");
    answer_document(MSG_DOCUMENT_DONE, DOCUMENT_FOUND, "[]");
    answer_produced(t.bed, 0, true);
    send_ack(t.bed, an_ack(OWN_FIRST, ACK_COMBINED, RESPONSE_SUCCESS));
    expect_api_part(&t, "\"version\":\"0.0.1\"}");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(final_parameters_cannot_be_overridden),
        TEST(a_document_that_is_not_at_hand_is_read),
        TEST(a_database_that_breaks_ends_the_read_of_a_document),
        TEST(without_a_document_it_is_404),
        TEST(a_read_that_fails_is_500),
        TEST(a_read_that_is_refused_is_500),
        TEST(a_document_that_comes_after_the_servers_own_answer_lets_it_go_on),
        TEST(an_invocation_reads_the_document_once),
        TEST(a_broken_database_ends_only_those_who_wait_for_it),
        TEST(only_final_parameters_with_a_value_are_protected),
        TEST(a_new_actions_first_document_is_looked_at_too),
        TEST(a_document_that_is_none_protects_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
