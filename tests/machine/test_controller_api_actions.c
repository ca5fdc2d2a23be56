/*
 * test_controller_api_actions.c - actions as clients create, read, update, list, delete them.
 */
#include "support/controller_api_bed.h"
#include <stdio.h>
#include <string.h>

#define ACTIONS "/api/v1/namespaces/_/actions"
#define NEW ACTIONS "/new"
#define HELLO ACTIONS "/hello"
#define AGAIN "?overwrite=true"
#define NOT_THERE "The requested resource does not exist."
#define CONFORMANCE "Resource by this name exists but is not in this collection."
#define CONFLICT "Concurrent modification to resource detected."
#define FAULT "There was an internal server error."
#define EXEC "\"exec\":{\"kind\":\"nodejs:20\",\"code\":\"x()\"}"

static struct api_bed t;

/* BED_SLOW's place is a spare slot that is called guest/new. */
static int begin(void **state)
{
    (void)state;
    t = api_bed_new();
    t.bed->actions[BED_SLOW].is_spare = true;
    snprintf(t.bed->actions[BED_SLOW].name, sizeof t.bed->actions[BED_SLOW].name, "guest/new");
    return 0;
}

static int end(void **state)
{
    (void)state;
    api_bed_free(&t);
    return 0;
}

static void call(enum http_method method, const char *target, const char *body)
{
    api(&t, method, target, body);
    api_settle(&t);
}

static void put(const char *target, const char *body)
{
    call(HTTP_PUT, target, body);
}

#define HELLO_ANNOTATIONS                                                                      \
    "{\"annotations\":[{\"key\":\"provide-api-key\",\"value\":false},{\"key\":\"exec\","       \
    "\"value\":\"nodejs:20\"}]"
#define HELLO_LIMITS                                                                           \
    "\"limits\":{\"concurrency\":1,\"logs\":10,\"memory\":256,\"timeout\":60000}"
#define HELLO_REST                                                                             \
    HELLO_LIMITS ",\"name\":\"hello\",\"namespace\":\"guest\",\"parameters\":[],"              \
                 "\"publish\":false,\"updated\":1700000000000,\"version\":\"0.0.1\"}"

static void an_action_of_the_scenario_is_there(void **state)
{
    (void)state;
    call(HTTP_GET, HELLO, NULL);
    expect_api(&t, 200,
               HELLO_ANNOTATIONS ",\"exec\":{\"kind\":\"nodejs:20\",\"code\":\"function main("
                                 "params) { return params; }\",\"binary\":false}," HELLO_REST);
    call(HTTP_GET, HELLO "?code=false", NULL);
    expect_api(&t, 200,
               HELLO_ANNOTATIONS
               ",\"exec\":{\"kind\":\"nodejs:20\",\"binary\":false}," HELLO_REST);
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 1); /* the cache has it */
    call(HTTP_GET, ACTIONS "/pack/fails", NULL);
    expect_api_begins(&t, 200, HELLO_ANNOTATIONS);
    const struct message *m = bed_sent(t.bed, MSG_HTTP_REPLY, 2);
    assert_non_null(strstr(bed_text(t.bed, m->u.http_reply.body),
                           "\"name\":\"fails\",\"namespace\":\"guest/pack\""));
}

#define MADE                                                                                   \
    "{\"annotations\":[{\"key\":\"a\",\"value\":[1]},{\"key\":\"provide-api-key\",\"value\":"  \
    "false},{\"key\":\"exec\",\"value\":\"nodejs:20\"}],\"exec\":{\"kind\":\"nodejs:20\","     \
    "\"code\":\"x()\",\"binary\":false},\"limits\":{\"concurrency\":1,\"logs\":10,"            \
    "\"memory\":128,\"timeout\":60000},\"name\":\"new\",\"namespace\":\"guest\","              \
    "\"parameters\":[{\"key\":\"p\",\"value\":{\"q\":1}}],\"publish\":false,"                  \
    "\"updated\":1700000000000,\"version\":\"0.0.1\"}"
#define MAKE                                                                                   \
    "{" EXEC ", \"limits\":{\"memory\":128}, \"annotations\":[{\"key\":\"a\",\"value\":[1]}]," \
    "\"parameters\":[{\"key\":\"p\",\"value\":{ \"q\": 1 }}],\"more\":true}"

static void a_put_makes_an_action_with_defaults(void **state)
{
    (void)state;
    call(HTTP_GET, NEW, NULL);
    expect_api_error(&t, 404, NOT_THERE);
    put(NEW, MAKE);
    expect_api(&t, 200, MADE);
    expect_api_header(&t, "Access-Control-Allow-Origin: *", true);
    call(HTTP_GET, NEW, NULL);
    expect_api(&t, 200, MADE);
    call(HTTP_DELETE, NEW, NULL);
    put(NEW AGAIN, MAKE); /* overwrite makes no difference to an absent one */
    expect_api(&t, 200, MADE);
}

static void an_update_keeps_what_is_not_given(void **state)
{
    (void)state;
    put(NEW, MAKE);
    bed_pass(t.bed, MSEC(12));
    put(NEW AGAIN, "{\"limits\":{\"timeout\":100,\"instances\":3},\"publish\":true,"
                   "\"annotations\":[{\"key\":\"b\",\"value\":2}]}");
    expect_api(&t, 200,
               "{\"annotations\":[{\"key\":\"a\",\"value\":[1]},{\"key\":\"provide-api-key\","
               "\"value\":"
               "false},{\"key\":\"exec\",\"value\":\"nodejs:20\"},{\"key\":\"b\",\"value\":2}],"
               "\"exec\":"
               "{\"kind\":\"nodejs:20\",\"code\":\"x()\",\"binary\":false},\"limits\":{"
               "\"concurrency\":"
               "1,\"instances\":3,\"logs\":10,\"memory\":128,\"timeout\":100},\"name\":\"new\","
               "\"namespace\":\"guest\",\"parameters\":[{\"key\":\"p\",\"value\":{\"q\":1}}],"
               "\"publish\":true,\"updated\":1700000000012,\"version\":\"0.0.2\"}");
    put(NEW AGAIN, "{\"delAnnotations\":[\"a\",\"nope\",\"b\"],\"parameters\":[],"
                   "\"version\":\"1.2\",\"annotations\":[{\"key\":\"a\",\"value\":9}]}");
    const struct message *m = bed_sent(t.bed, MSG_HTTP_REPLY, 2);
    const char *text = bed_text(t.bed, m->u.http_reply.body);
    assert_non_null(strstr(text, "{\"annotations\":[{\"key\":\"provide-api-key\",\"value\":"
                                 "false},{\"key\":\"exec\",\"value\":\"nodejs:20\"},{\"key\":"
                                 "\"a\",\"value\":9}]"));
    assert_non_null(strstr(text, "\"parameters\":[],\"publish\":true"));
    assert_non_null(strstr(text, "\"version\":\"1.2.0\"}"));
}

static void an_action_that_is_there_is_not_overwritten_unasked(void **state)
{
    (void)state;
    put(HELLO, "{" EXEC "}");
    expect_api_error(&t, 409, "resource already exists");
    put(HELLO "?overwrite=false", "{" EXEC "}");
    expect_api_error(&t, 409, "resource already exists");
    assert_int_equal(bed_sent_count(t.bed, MSG_CACHE_INVALIDATION), 0);
}

static void a_conflict_drops_the_copy_so_that_the_same_again_succeeds(void **state)
{
    (void)state;
    put(NEW, MAKE);
    t.documents.slots[BED_SLOW].revision = 7; /* another controller has written */
    put(NEW AGAIN, "{}");
    expect_api_error(&t, 409, CONFLICT);
    put(NEW AGAIN, "{}");
    expect_api_begins(&t, 200, "{\"annotations\"");
    t.documents.slots[BED_SLOW].revision = 17;
    call(HTTP_DELETE, NEW, NULL);
    expect_api_error(&t, 409, CONFLICT);
    call(HTTP_DELETE, NEW, NULL);
    expect_api_begins(&t, 200, "{\"annotations\"");
}

static void two_creations_at_once_conflict(void **state)
{
    (void)state;
    api(&t, HTTP_PUT, NEW, MAKE);
    api(&t, HTTP_PUT, NEW, MAKE);
    api_settle(&t);
    assert_int_equal(bed_sent_count(t.bed, MSG_HTTP_REPLY), 2);
    assert_int_equal(bed_sent(t.bed, MSG_HTTP_REPLY, 0)->u.http_reply.status, 200);
    t.replied = 1;
    expect_api_error(&t, 409, CONFLICT);
}

static void a_delete_answers_the_action_as_it_was(void **state)
{
    (void)state;
    put(NEW, MAKE);
    call(HTTP_DELETE, NEW, NULL);
    expect_api(&t, 200, MADE);
    call(HTTP_DELETE, NEW, NULL);
    expect_api_error(&t, 404, NOT_THERE);
    call(HTTP_GET, NEW, NULL);
    expect_api_error(&t, 404, NOT_THERE);
    put(NEW, MAKE);
    expect_api(&t, 200, MADE);
    assert_int_equal(t.documents.slots[BED_SLOW].revision, 3); /* it goes on */
}

static void names_of_other_kinds_are_409(void **state)
{
    (void)state;
    static const enum http_method methods[] = {HTTP_GET, HTTP_DELETE, HTTP_PUT};
    for (size_t i = 0; i < 3; i++) {
        call(methods[i], ACTIONS "/pack", methods[i] == HTTP_PUT ? "{" EXEC "}" : NULL);
        expect_api_error(&t, 409, CONFORMANCE);
    }
    put(ACTIONS "/pack" AGAIN, "{" EXEC "}");
    expect_api_error(&t, 409, CONFORMANCE);
}

static void what_is_in_no_package_that_exists_is_404(void **state)
{
    (void)state;
    static const enum http_method methods[] = {HTTP_GET, HTTP_DELETE, HTTP_PUT};
    for (size_t i = 0; i < 3; i++) {
        call(methods[i], ACTIONS "/nopack/a", methods[i] == HTTP_PUT ? "{" EXEC "}" : NULL);
        expect_api_error(&t, 404, NOT_THERE);
    }
}

static void a_table_without_room_is_500(void **state)
{
    (void)state;
    put(ACTIONS "/nowhere", "{" EXEC "}");
    expect_api_error(&t, 500, FAULT);
    call(HTTP_GET, ACTIONS "/nowhere", NULL);
    expect_api_error(&t, 404, NOT_THERE);
}

static void what_needs_the_action_is_checked_behind(void **state)
{
    (void)state;
    put(NEW, "{}");
    expect_api_error(&t, 400, "exec undefined");
    put(HELLO AGAIN, "{\"limits\":{\"instances\":101}}");
    expect_api_error(&t, 400,
                     "Max action instance concurrency must not exceed your namespace "
                     "concurrency of 100.");
}

static void another_content_type_is_415(void **state)
{
    (void)state;
    char headers[400];
    snprintf(headers, sizeof headers, "X-Request-ID: t1\n%sContent-Type: text/xml\n",
             api_credentials(&t, BED_GUEST));
    api_with(&t, HTTP_PUT, HELLO, headers, "{}");
    expect_api_error(&t, 415,
                     "The request's Content-Type [text/xml] is not supported. "
                     "Expected:\\napplication/json");
}

static void lists_show_the_last_updated_first(void **state)
{
    (void)state;
    bed_pass(t.bed, MSEC(5));
    put(NEW, MAKE);
    call(HTTP_GET, ACTIONS "?limit=2", NULL);
    expect_api_begins(
        &t, 200,
        "[{\"annotations\":[{\"key\":\"a\",\"value\":[1]},{\"key\":"
        "\"provide-api-key\",\"value\":false},{\"key\":\"exec\",\"value\":"
        "\"nodejs:20\"}],\"exec\":{\"binary\":false},\"limits\":{\"concurrency\":1,"
        "\"logs\":10,\"memory\":128,\"timeout\":60000},\"name\":\"new\","
        "\"namespace\":\"guest\",\"publish\":false,\"updated\":1700000000005,"
        "\"version\":\"0.0.1\"},{\"annotations\"");
    call(HTTP_GET, ACTIONS "/?skip=3", NULL);
    expect_api(&t, 200, "[]");
    call(HTTP_GET, ACTIONS "?count=true", NULL);
    expect_api(&t, 200, "{\"actions\":3}");
    call(HTTP_GET, ACTIONS "?count=true&skip=5", NULL);
    expect_api(&t, 200, "{\"actions\":0}");
}

/* A write is seen at once by its controller, by others when they read of it. */
static void a_write_is_told_to_the_other_controllers(void **state)
{
    (void)state;
    put(HELLO AGAIN, "{\"version\":\"2.0.0\"}");
    const struct message *m = bed_sent(t.bed, MSG_CACHE_INVALIDATION, 0);
    assert_int_equal(bed_sent_count(t.bed, MSG_CACHE_INVALIDATION), 1);
    assert_int_equal(m->to, BED_CONTROLLER1);
    assert_int_equal(m->u.invalidation.action, BED_HELLO);
    assert_int_equal(m->u.invalidation.revision, 2);
    api(&t, HTTP_POST, HELLO, NULL);
    assert_int_equal(bed_sent(t.bed, MSG_DATABASE_READ, 0)->u.database.action, BED_HELLO);
}

static void send_invalidation(uint32_t revision)
{
    struct message m =
        bed_message(t.bed, MSG_CACHE_INVALIDATION, BED_CONTROLLER1, ACTOR_MAIN_ID);
    m.u.invalidation.action = BED_HELLO;
    m.u.invalidation.revision = revision;
    bed_deliver(t.bed, &m);
}

static void the_old_version_is_answered_until_the_word_comes(void **state)
{
    (void)state;
    call(HTTP_GET, HELLO, NULL);
    struct machine_env env = t.bed->env;
    static const char body[] = "{\"version\":\"9.0.0\"}";
    struct message write = bed_message(t.bed, MSG_DOCUMENT_CALL, BED_CONTROLLER1, 0), done;
    write.u.document.action = BED_HELLO;
    write.u.document.revision = 1;
    write.u.document.op = DOCUMENT_PUT;
    write.u.document.body = bed_blob(t.bed, body);
    env.node = BED_DATABASE;
    documents_answer(&t.documents, &env, &write, &done);
    assert_int_equal(done.u.document.result, DOCUMENT_FOUND);
    call(HTTP_GET, HELLO, NULL);
    expect_api_begins(&t, 200, HELLO_ANNOTATIONS);
    api(&t, HTTP_POST, HELLO, NULL);
    assert_int_equal(bed_sent_count(t.bed, MSG_DATABASE_READ), 0);
    send_invalidation(2);
    call(HTTP_GET, HELLO, NULL);
    expect_api(&t, 200, body);
    api(&t, HTTP_POST, HELLO, NULL);
    assert_int_equal(bed_sent_count(t.bed, MSG_DATABASE_READ), 1);
}

static void a_read_overtaken_by_the_word_is_not_kept(void **state)
{
    (void)state;
    api(&t, HTTP_GET, HELLO, NULL);
    send_invalidation(2);
    api_settle(&t); /* still revision 1 */
    expect_api_begins(&t, 200, HELLO_ANNOTATIONS);
    call(HTTP_GET, HELLO, NULL);
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 2);
}

/* Each request's calls of the database, with the revision that it has seen. */
static void reads_come_first_and_writes_have_their_revision(void **state)
{
    (void)state;
    call(HTTP_GET, HELLO, NULL);
    expect_document_call(&t, 0, DOCUMENT_GET, BED_HELLO, 0);
    put(HELLO AGAIN, "{}"); /* with the copy */
    expect_document_call(&t, 1, DOCUMENT_PUT, BED_HELLO, 1);
    put(HELLO AGAIN, "{}");
    expect_document_call(&t, 2, DOCUMENT_PUT, BED_HELLO, 2);
    call(HTTP_GET, HELLO, NULL);
    call(HTTP_DELETE, HELLO, NULL);
    expect_document_call(&t, 3, DOCUMENT_DELETE, BED_HELLO, 3);
    call(HTTP_GET, HELLO, NULL); /* no copy is left */
    expect_document_call(&t, 4, DOCUMENT_GET, BED_HELLO, 0);
    put(HELLO, "{" EXEC "}");
    expect_document_call(&t, 5, DOCUMENT_GET, BED_HELLO, 0);
    expect_document_call(&t, 6, DOCUMENT_PUT, BED_HELLO, 0);
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 7);
    assert_int_equal(bed_sent_count(t.bed, MSG_CACHE_INVALIDATION), 4);
    static const uint32_t revisions[] = {2, 3, 4, 5};
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(bed_sent(t.bed, MSG_CACHE_INVALIDATION, i)->u.invalidation.revision,
                         revisions[i]);
}

static void a_write_of_what_is_gone_is_500_and_drops_the_copy(void **state)
{
    (void)state;
    call(HTTP_GET, HELLO, NULL);
    static const enum http_method methods[] = {HTTP_PUT, HTTP_DELETE};
    for (uint32_t i = 0; i < 2; i++) {
        api(&t, methods[i], HELLO AGAIN, methods[i] == HTTP_PUT ? "{}" : NULL);
        struct message m =
            bed_reply(bed_sent(t.bed, MSG_DOCUMENT_CALL, 2 * i + 1), MSG_DOCUMENT_DONE);
        m.u.document.result = DOCUMENT_MISSING;
        bed_deliver(t.bed, &m);
        expect_api_error(&t, 500, FAULT);
        t.answered = 2 * i + 2;
        call(HTTP_GET, HELLO, NULL);
        expect_document_call(&t, 2 * i + 2, DOCUMENT_GET, BED_HELLO, 0);
    }
    assert_int_equal(bed_sent_count(t.bed, MSG_CACHE_INVALIDATION), 0);
}

/* Its body is looked at first. */
static void a_put_on_a_package_is_409_if_it_is_one_of_an_action(void **state)
{
    (void)state;
    put(ACTIONS "/pack", "{\"limits\":{\"timeout\":1}}");
    expect_api_error(&t, 400,
                     "duration 1 milliseconds below allowed threshold of 100 milliseconds");
    put(ACTIONS "/pack", "{}");
    expect_api_error(&t, 409, CONFORMANCE);
    put(ACTIONS "/nowhere", "{\"limits\":{\"timeout\":1}}");
    expect_api_error(&t, 400,
                     "duration 1 milliseconds below allowed threshold of 100 milliseconds");
}

/* GET and how many reads of the database that took. */
static void expect_reads(uint32_t count)
{
    api_forget(&t);
    call(HTTP_GET, HELLO, NULL);
    expect_api_begins(&t, 200, "{\"annotations\"");
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), count);
}

static void only_a_word_of_something_newer_drops_the_copy(void **state)
{
    (void)state;
    put(HELLO AGAIN, "{}");
    put(HELLO AGAIN, "{}"); /* revision 3 */
    send_invalidation(2);
    expect_reads(0);
    send_invalidation(3);
    expect_reads(0);
    send_invalidation(4);
    send_invalidation(2);
    expect_reads(1);
    expect_reads(1); /* still revision 3: too old to be kept */
    t.documents.slots[BED_HELLO].revision = 4;
    expect_reads(1);
    expect_reads(0);
    t.bed->cluster.action_count = BED_HELLO; /* of an action that is in no table */
    send_invalidation(9);
    t.bed->cluster.action_count = BED_ACTION_COUNT;
    expect_reads(0);
}

/* An invocation, the metadata's revision that a read of it finds; 0: it is at hand. */
static void expect_metadata(uint32_t revision)
{
    api_forget(&t);
    api(&t, HTTP_POST, HELLO, NULL);
    assert_int_equal(bed_sent_count(t.bed, MSG_DATABASE_READ), revision != 0);
    if (revision == 0)
        return;
    struct message m = bed_reply(bed_sent(t.bed, MSG_DATABASE_READ, 0), MSG_DATABASE_DOCUMENT);
    m.u.database = bed_sent(t.bed, MSG_DATABASE_READ, 0)->u.database;
    m.u.database.revision = revision;
    bed_deliver(t.bed, &m);
}

static void metadata_older_than_the_word_is_used_and_not_kept(void **state)
{
    (void)state;
    expect_metadata(0);
    send_invalidation(3);
    send_invalidation(2);
    expect_metadata(2);
    expect_metadata(3);
    expect_metadata(0);
}

static void copies_last_five_minutes(void **state)
{
    (void)state;
    call(HTTP_GET, HELLO, NULL);
    bed_pass(t.bed, MINUTES(5));
    expect_reads(0);
    api_forget(&t);
    bed_pass(t.bed, MINUTES(5) + 1);
    call(HTTP_GET, HELLO, NULL);
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 1);
    api_forget(&t);
    bed_pass(t.bed, MINUTES(5) + 1);
    call(HTTP_GET, HELLO, NULL);
    bed_pass(t.bed, MINUTES(4));
    call(HTTP_GET, HELLO, NULL);
    bed_pass(t.bed, MINUTES(4));
    call(HTTP_GET, HELLO, NULL);
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 1);
    bed_pass(t.bed, MINUTES(5) + 1);
    call(HTTP_GET, HELLO, NULL);
    assert_int_equal(bed_sent_count(t.bed, MSG_DOCUMENT_CALL), 2);
}

static void a_database_that_is_gone_is_500(void **state)
{
    (void)state;
    api(&t, HTTP_PUT, NEW, MAKE);
    bed_link(t.bed, BED_DATABASE, true);
    expect_api_error(&t, 500, FAULT);
    api(&t, HTTP_GET, HELLO, NULL);
    struct message m = bed_reply(bed_sent(t.bed, MSG_DOCUMENT_CALL, 1), MSG_DOCUMENT_DONE);
    m.u.document.result = DOCUMENT_ERROR;
    bed_deliver(t.bed, &m);
    expect_api_error(&t, 500, FAULT);
}

static void nothing_but_the_copy_is_kept(void **state)
{
    (void)state;
    put(NEW, MAKE);
    api_forget(&t);
    size_t blocks = arena_blocks(t.bed->arena, BED_CONTROLLER0);
    for (int i = 0; i < 20; i++) {
        put(NEW AGAIN, MAKE);
        put(NEW, MAKE);
        put(NEW, "{}");
        call(HTTP_GET, NEW "?code=false", NULL);
        call(HTTP_GET, ACTIONS, NULL);
    }
    assert_int_equal(arena_blocks(t.bed->arena, BED_CONTROLLER0), blocks);
    call(HTTP_DELETE, NEW, NULL);
    assert_int_equal(arena_blocks(t.bed->arena, BED_CONTROLLER0), blocks - 1);
}

static void the_digest_tells_waiting_requests_and_copies(void **state)
{
    (void)state;
    struct digest before = {0}, asked = {0}, kept = {0};
    t.bed->ops->digest(t.bed->machine, &before);
    api(&t, HTTP_GET, HELLO, NULL);
    t.bed->ops->digest(t.bed->machine, &asked);
    api_settle(&t);
    t.bed->ops->digest(t.bed->machine, &kept);
    assert_true(before.state != asked.state);
    assert_true(asked.state != kept.state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_action_of_the_scenario_is_there),
        TEST(a_put_makes_an_action_with_defaults),
        TEST(an_update_keeps_what_is_not_given),
        TEST(an_action_that_is_there_is_not_overwritten_unasked),
        TEST(a_conflict_drops_the_copy_so_that_the_same_again_succeeds),
        TEST(two_creations_at_once_conflict),
        TEST(a_delete_answers_the_action_as_it_was),
        TEST(names_of_other_kinds_are_409),
        TEST(what_is_in_no_package_that_exists_is_404),
        TEST(a_table_without_room_is_500),
        TEST(what_needs_the_action_is_checked_behind),
        TEST(another_content_type_is_415),
        TEST(lists_show_the_last_updated_first),
        TEST(a_write_is_told_to_the_other_controllers),
        TEST(the_old_version_is_answered_until_the_word_comes),
        TEST(a_read_overtaken_by_the_word_is_not_kept),
        TEST(reads_come_first_and_writes_have_their_revision),
        TEST(a_write_of_what_is_gone_is_500_and_drops_the_copy),
        TEST(a_put_on_a_package_is_409_if_it_is_one_of_an_action),
        TEST(only_a_word_of_something_newer_drops_the_copy),
        TEST(metadata_older_than_the_word_is_used_and_not_kept),
        TEST(copies_last_five_minutes),
        TEST(a_database_that_is_gone_is_500),
        TEST(nothing_but_the_copy_is_kept),
        TEST(the_digest_tells_waiting_requests_and_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
