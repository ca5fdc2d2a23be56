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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(final_parameters_cannot_be_overridden),
        TEST(a_document_that_is_not_at_hand_is_read),
        TEST(a_database_that_breaks_ends_the_read_of_a_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
