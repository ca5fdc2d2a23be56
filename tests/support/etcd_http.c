/*
 * etcd_http.c - see etcd_http.h.
 */
#include "support/etcd_http.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 65536

static struct message http_message(struct bed *bed, enum message_kind kind, uint32_t corr)
{
    struct message m = bed_message(bed, kind, NODE_HOST, ACTOR_MAIN_ID);
    m.corr = corr;
    return m;
}

void etcd_http_post(struct bed *bed, const char *path, const char *body, uint32_t corr)
{
    struct message m = http_message(bed, MSG_HTTP_REQUEST, corr);
    m.u.http_request.method = HTTP_POST;
    m.u.http_request.path = bed_blob(bed, path);
    m.u.http_request.body = bed_blob(bed, body);
    bed_deliver(bed, &m);
    blob_free(bed->arena, m.u.http_request.path);
    blob_free(bed->arena, m.u.http_request.body);
}

void etcd_http_close(struct bed *bed, uint32_t corr)
{
    struct message m = http_message(bed, MSG_HTTP_CLOSED, corr);
    bed_deliver(bed, &m);
}

const struct message *etcd_http_reply(const struct bed *bed, uint32_t corr)
{
    const struct message *found = NULL;
    for (uint32_t i = 0; i < bed->sent_count; i++) {
        if (bed->sent[i].kind == MSG_HTTP_REPLY && bed->sent[i].corr == corr)
            found = &bed->sent[i];
    }
    assert_non_null(found);
    assert_int_equal(found->to, NODE_HOST);
    return found;
}

void etcd_http_expect(struct bed *bed, const char *path, const char *body, unsigned status,
                      const char *expected)
{
    uint32_t before = bed_sent_count(bed, MSG_HTTP_REPLY);
    etcd_http_post(bed, path, body, ETCD_HTTP_CORR);
    assert_int_equal(bed_sent_count(bed, MSG_HTTP_REPLY), before + 1);
    const struct message *m = etcd_http_reply(bed, ETCD_HTTP_CORR);
    const char *got = bed_text(bed, m->u.http_reply.body);
    if (strcmp(got, etcd_http_expand(expected)) != 0 || m->u.http_reply.status != status)
        print_error("POST %s %s\n", path, body);
    assert_string_equal(got, etcd_http_expand(expected));
    assert_int_equal(m->u.http_reply.status, status);
    assert_int_equal(m->u.http_reply.more, 0);
}

void etcd_http_expect_lines(struct bed *bed, uint32_t corr, const char *expected)
{
    static char text[TEXT_MAX];
    size_t length = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < bed->sent_count; i++) {
        const struct message *m = &bed->sent[i];
        if (m->kind != MSG_HTTP_CHUNK || m->corr != corr)
            continue;
        assert_int_equal(m->to, NODE_HOST);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s",
                                   bed_text(bed, m->u.http_chunk.body),
                                   m->u.http_chunk.last ? "END" : "");
        assert_true(length < sizeof text);
    }
    assert_string_equal(text, etcd_http_expand(expected));
}

const char *etcd_http_expand(const char *text)
{
    static char rooms[2][TEXT_MAX];
    static unsigned turn;
    char *out = rooms[turn++ % 2];
    size_t length = 0;
    while (*text != '\0') {
        char revision[32] = "";
        if (strncmp(text, "H(", 2) != 0) {
            out[length++] = *text++;
            assert_true(length < TEXT_MAX);
            continue;
        }
        long number = strtol(text + 2, (char **)(void *)&text, 10);
        text += *text == 'H' ? 3 : 1; /* H() has no number */
        if (number > 0)
            snprintf(revision, sizeof revision, "\"revision\":\"%ld\",", number);
        length += (size_t)snprintf(out + length, TEXT_MAX - length,
                                   "{\"cluster_id\":\"15875391935852295136\","
                                   "\"member_id\":\"7383792418829112008\",%s"
                                   "\"raft_term\":\"2\"}",
                                   revision);
        assert_true(length < TEXT_MAX);
    }
    out[length] = '\0';
    return out;
}
