/*
 * fuzz_controller_api.c - the public API with garbage: each request is answered once or waits
 * for exactly one other node, and nothing of it stays.
 *
 * Requests are pieces of good ones, put together and changed by draws of a fixed seed.
 */
#include "support/controller_api_bed.h"
#include <stdio.h>
#include <string.h>

#define ROUNDS 60000u

static const char *const pieces[] = {"/api/v1",
                                     "/namespaces",
                                     "/_",
                                     "/guest",
                                     "/other",
                                     "/actions",
                                     "/activations",
                                     "/hello",
                                     "/pack",
                                     "/fails",
                                     "/",
                                     "?",
                                     "&",
                                     "=",
                                     "limit=",
                                     "skip=",
                                     "count=true",
                                     "docs=true",
                                     "blocking=true",
                                     "result=1",
                                     "timeout=",
                                     "overwrite=true",
                                     "code=false",
                                     "name=hello",
                                     "since=",
                                     "upto=",
                                     "1",
                                     "-1",
                                     "200",
                                     "99999999999999999999",
                                     "%",
                                     "%2F",
                                     "%00",
                                     "%zz",
                                     "+",
                                     "0123456789abcdef0123456789abcdef",
                                     "/result",
                                     "/logs"};
static const char *const bodies[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     "\"",
                                     ":",
                                     ",",
                                     "\"exec\"",
                                     "\"kind\":\"nodejs:20\"",
                                     "\"code\":\"x\"",
                                     "\"parameters\"",
                                     "\"annotations\"",
                                     "{\"key\":\"a\",\"value\":1}",
                                     "\"limits\"",
                                     "\"memory\":256",
                                     "\"version\":\"1.2.3\"",
                                     "\"delAnnotations\":[\"a\"]",
                                     "\"publish\":true",
                                     "null",
                                     "1e9",
                                     "-",
                                     "\\",
                                     "\\u0041",
                                     "\xff",
                                     " ",
                                     "{}",
                                     "{\"a\":1}",
                                     "{\"exec\":{\"kind\":\"nodejs:20\",\"code\":\"\"}}"};

static uint64_t seed;
static uint32_t seen[600]; /* answers by status */

static uint32_t draw(uint32_t below)
{
    seed = draw_mix(seed, 1);
    return (uint32_t)(seed % below);
}

static void compose(const char *const *from, uint32_t count, uint32_t most, char *text,
                    size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t n = draw(most + 1); n > 0 && length + 64 < size; n--)
        length += (size_t)snprintf(text + length, size - length, "%s", from[draw(count)]);
    if (length > 0 && draw(4) == 0)
        text[draw((uint32_t)length)] = (char)(1 + draw(255));
}

static void ask(struct api_bed *t)
{
    char path[1024], tail[512], body[1024], headers[600];
    static const char *const starts[] = {"",
                                         "/api/v1",
                                         "/api/v1/namespaces/other/actions/wide?",
                                         "/api/v1/namespaces/_/actions/hello",
                                         "/api/v1/namespaces/_/actions/hello?",
                                         "/api/v1/namespaces/_/actions/slow?",
                                         "/api/v1/namespaces/guest/activations?",
                                         "/api/v1/namespaces/_/actions?"};
    compose(pieces, sizeof pieces / sizeof pieces[0], 6, tail, sizeof tail);
    compose(bodies, sizeof bodies / sizeof bodies[0], 8, body, sizeof body);
    snprintf(path, sizeof path, "%s%s", starts[draw(sizeof starts / sizeof starts[0])], tail);
    if (draw(2) == 0)
        snprintf(body, sizeof body, "%s",
                 bodies[sizeof bodies / sizeof bodies[0] - 1 - draw(3)]);
    snprintf(headers, sizeof headers, "X-Request-ID: t1\n%s%s",
             draw(16) > 0 ? api_credentials(t, BED_GUEST) : "Authorization: Basic x\n",
             draw(8) > 0 ? "" : "Content-Type: text/plain\n");
    api_with(t, (enum http_method)draw(HTTP_PATCH + 1), path, headers, body);
}

/* The read of an action that an invocation waits for. */
static void answer_read(struct api_bed *t)
{
    const struct message *read = bed_sent(t->bed, MSG_DATABASE_READ, 0);
    struct message m = bed_reply(read, MSG_DATABASE_DOCUMENT);
    m.u.database = read->u.database;
    m.u.database.revision =
        documents_revision(&t->documents, &t->bed->env, read->u.database.action);
    m.u.database.result =
        m.u.database.revision == 0 ? DOCUMENT_MISSING : (uint8_t)DOCUMENT_FOUND;
    bed_deliver(t->bed, &m);
}

/* What the request has left to wait for; the database breaks, Kafka answers. */
static void settle(struct api_bed *t)
{
    if (draw(8) == 0)
        bed_link(t->bed, BED_DATABASE, true);
    else if (bed_sent_count(t->bed, MSG_DATABASE_READ) > 0)
        answer_read(t);
    if (draw(8) == 0)
        bed_link(t->bed, BED_DATABASE, true);
    else
        api_settle(t);
    for (uint32_t i = 0; i < bed_sent_count(t->bed, MSG_KAFKA_PRODUCE); i++)
        answer_produced(t->bed, i, true);
    bed_pass(t->bed, SEC(66));
    assert_int_equal(bed_sent_count(t->bed, MSG_HTTP_REPLY), 1);
    assert_int_equal(bed_record_count(t->bed, RECORD_MESSAGE_REJECTED), 0);
    seen[bed_sent(t->bed, MSG_HTTP_REPLY, 0)->u.http_reply.status]++;
    api_forget(t);
}

static void every_request_is_answered_once(void **state)
{
    (void)state;
    struct api_bed t = api_bed_new();
    seed = 7;
    t.bed->actions[BED_SLOW].is_spare = true;
    send_watch_event(t.bed, bed_key(KEY_QUEUE, BED_GUEST, BED_SLOW, 0),
                     endpoints(BED_SCHEDULER1), false);
    api_forget(&t);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        ask(&t);
        settle(&t);
    }
    bed_pass(t.bed, MINUTES(5));
    char text[64];
    if (t.bed->ops->pending(t.bed->machine, text, sizeof text))
        assert_string_equal(text, "");
    static const unsigned wanted[] = {200, 202, 400, 401, 403, 404, 409, 415, 500};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (seen[wanted[i]] == 0)
            fail_msg("no request was answered %u", wanted[i]);
    }
    api_bed_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_request_is_answered_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
