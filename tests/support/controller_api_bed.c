/*
 * controller_api_bed.c - see controller_api_bed.h.
 */
#include "support/controller_api_bed.h"
#include <stdio.h>
#include <string.h>

struct api_bed api_bed_new(void)
{
    struct api_bed self = {.bed = controller_bed_new(), .database = {MINUTES(16), 4096}};
    controller_bed_ready(self.bed, BED_HELLO, BED_SCHEDULER0);
    return self;
}

void api_bed_free(struct api_bed *self)
{
    bed_free(self->bed);
}

void api_forget(struct api_bed *self)
{
    bed_forget(self->bed);
    self->answered = self->replied = 0;
}

const char *api_credentials(struct api_bed *self, namespace_id ns)
{
    static char line[256];
    char user[37], password[65];
    cluster_credentials(&self->bed->cluster, ns, user, password);
    snprintf(line, sizeof line, "%s", bed_authorization(user, password));
    return line;
}

void api_with(struct api_bed *self, enum http_method method, const char *target,
              const char *headers, const char *body)
{
    self->replied = bed_sent_count(self->bed, MSG_HTTP_REPLY);
    bed_http(self->bed, method, target, headers, body);
}

void api(struct api_bed *self, enum http_method method, const char *target, const char *body)
{
    char headers[1024];
    snprintf(headers, sizeof headers, "X-Request-ID: t1\n%s%s%s",
             api_credentials(self, BED_GUEST),
             body != NULL && body[0] != '\0' ? "Content-Type: application/json\n" : "",
             self->more != NULL ? self->more : "");
    api_with(self, method, target, headers, body);
}

static struct machine_env database_env(struct api_bed *self)
{
    struct machine_env env = self->bed->env;
    env.config = &self->database;
    env.node = BED_DATABASE;
    return env;
}

static void answer(struct api_bed *self, const struct message *call)
{
    struct machine_env env = database_env(self);
    struct message m = bed_reply(call, MSG_DOCUMENT_DONE);
    m.u.document = call->u.document;
    if (call->u.document.op == DOCUMENT_RECORDS) {
        struct record_query query;
        assert_int_equal(blob_size(env.arena, call->u.document.body), sizeof query);
        memcpy(&query, blob_bytes(env.arena, call->u.document.body), sizeof query);
        m.u.document.result = DOCUMENT_FOUND;
        m.u.document.body =
            recent_find(&self->recent, &env, call->u.document.ns, &query, call->u.document.skip,
                        call->u.document.limit, &m.u.document.limit);
    } else {
        documents_answer(&self->documents, &env, call, &m);
    }
    bed_deliver(self->bed, &m);
    blob_free(env.arena, m.u.document.body);
}

void api_settle(struct api_bed *self)
{
    while (self->answered < bed_sent_count(self->bed, MSG_DOCUMENT_CALL)) {
        struct message call = *bed_sent(self->bed, MSG_DOCUMENT_CALL, self->answered++);
        answer(self, &call);
    }
}

void api_store(struct api_bed *self, const struct record_document *record)
{
    struct machine_env env = database_env(self);
    recent_put(&self->recent, &env, record);
}

static const struct message *last(struct api_bed *self)
{
    assert_int_equal(bed_sent_count(self->bed, MSG_HTTP_REPLY), self->replied + 1);
    const struct message *m = bed_sent(self->bed, MSG_HTTP_REPLY, self->replied);
    assert_int_equal(m->to, BED_DEPLOYER); /* see bed_http */
    assert_int_equal(m->corr, 77);
    return m;
}

/* Whatever is no text is JSON, also where a HEAD leaves it away. */
static void expect_head(struct api_bed *self, unsigned status, const char *body)
{
    const struct message *m = last(self);
    bool is_json = body[0] == '\0' || body[0] == '{' || body[0] == '[';
    assert_int_equal(m->u.http_reply.status, status);
    assert_int_equal(m->u.http_reply.content, is_json ? CONTENT_JSON : CONTENT_TEXT);
    assert_int_equal(m->u.http_reply.cors, 0);
    expect_records_fit(self->bed);
}

void expect_api(struct api_bed *self, unsigned status, const char *body)
{
    assert_string_equal(bed_text(self->bed, last(self)->u.http_reply.body), body);
    expect_head(self, status, body);
}

void expect_api_error(struct api_bed *self, unsigned status, const char *text)
{
    char body[1400];
    snprintf(body, sizeof body, "{\"code\":\"t1\",\"error\":\"%s\"}", text);
    expect_api(self, status, body);
    expect_api_header(self, "x-openwhisk-activation-id", false);
}

void expect_api_begins(struct api_bed *self, unsigned status, const char *body)
{
    const char *text = bed_text(self->bed, last(self)->u.http_reply.body);
    if (strncmp(text, body, strlen(body)) != 0)
        assert_string_equal(text, body);
    expect_head(self, status, body);
}

void expect_document_call(struct api_bed *self, uint32_t n, enum document_op op,
                          action_id action, uint32_t revision)
{
    const struct message *m = bed_sent(self->bed, MSG_DOCUMENT_CALL, n);
    assert_int_equal(m->to, BED_DATABASE);
    assert_int_equal(m->to_actor, ACTOR_MAIN_ID);
    assert_int_equal(m->u.document.op, op);
    assert_int_equal(m->u.document.action, action);
    assert_int_equal(m->u.document.ns, BED_GUEST);
    assert_int_equal(m->u.document.revision, revision);
}

void expect_api_part(struct api_bed *self, const char *part)
{
    const char *text = bed_text(self->bed, last(self)->u.http_reply.body);
    if (strstr(text, part) == NULL)
        assert_string_equal(text, part);
    expect_head(self, 200, text);
}

void expect_api_header(struct api_bed *self, const char *text, bool is_there)
{
    const char *headers = bed_text(self->bed, last(self)->u.http_reply.headers);
    if ((strstr(headers, text) != NULL) != is_there)
        assert_string_equal(headers, text);
}

void api_published(struct api_bed *self, const char *target, const char *body)
{
    uint32_t sent = bed_sent_count(self->bed, MSG_KAFKA_PRODUCE);
    api(self, HTTP_POST, target, body);
    answer_produced(self->bed, sent, true);
}
