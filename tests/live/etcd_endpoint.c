/*
 * etcd_endpoint.c - see etcd_endpoint.h; the process is in etcd_process.c.
 */
#include "live/etcd_endpoint.h"
#include "support/etcd_http.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALL_CORR 1u
#define STREAM_CORR 100u
#define CALL_MS 10000u    /* longest wait for an answer */
#define HAND_STEP MSEC(2) /* of virtual time for each call */

struct stream {
    CURL *easy; /* URL only */
    bool is_open;
    unsigned status;
    struct etcd_text_out text;
};

struct etcd_endpoint {
    struct stream streams[ETCD_STREAMS_MAX];
    struct bed *bed; /* by hand */
    bool is_answered, is_head;
    struct etcd_text_out *answer;
    char *url; /* else */
    CURL *easy;
    CURLM *multi;
};

void etcd_text_add(struct etcd_text_out *self, const char *text, size_t length)
{
    if (self->length + length + 1 > self->size) {
        self->size = (self->length + length + 1) * 2;
        self->text = realloc(self->text, self->size);
        assert_non_null(self->text);
    }
    memcpy(self->text + self->length, text, length);
    self->length += length;
    self->text[self->length] = '\0';
}

void etcd_text_clear(struct etcd_text_out *self)
{
    self->length = 0;
    etcd_text_add(self, "", 0);
}

void etcd_text_free(struct etcd_text_out *self)
{
    free(self->text);
    *self = (struct etcd_text_out){0};
}

/* ---- by hand ---- */

struct etcd_endpoint *etcd_endpoint_by_hand(void)
{
    struct etcd_endpoint *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->bed = bed_new(&etcd_ops, BED_ETCD, NULL);
    bed_config(self->bed, "etcd.history-revisions", UINT64_C(1) << 40); /* as etcd: all */
    bed_start(self->bed);
    return self;
}

static void hand_answer(struct etcd_endpoint *self, const struct message *m)
{
    static const char *const contents[] = {"none", "text", "json"};
    char head[32];
    const char *body = bed_text(self->bed, m->u.http_reply.body);
    int length = snprintf(head, sizeof head, "%u %s ", m->u.http_reply.status,
                          contents[m->u.http_reply.content]);
    self->is_answered = true;
    if (self->answer == NULL)
        return;
    etcd_text_add(self->answer, head, (size_t)length);
    if (!self->is_head) /* whose body no server sends */
        etcd_text_add(self->answer, body, strlen(body));
}

/* What the machine has sent, to whom it belongs. */
static void hand_drain(struct etcd_endpoint *self)
{
    struct bed *bed = self->bed;
    for (uint32_t i = 0; i < bed->sent_count; i++) {
        const struct message *m = &bed->sent[i];
        assert_int_equal(m->to, NODE_HOST);
        if (m->corr == CALL_CORR) {
            hand_answer(self, m);
            continue;
        }
        struct stream *stream = &self->streams[m->corr - STREAM_CORR];
        bool is_head = m->kind == MSG_HTTP_REPLY;
        const char *text = bed_text(bed, is_head ? m->u.http_reply.body : m->u.http_chunk.body);
        if (is_head)
            stream->status = m->u.http_reply.status;
        etcd_text_add(&stream->text, text, strlen(text));
    }
    bed_forget(bed);
}

static void hand_pass(struct etcd_endpoint *self, duration length)
{
    bed_pass(self->bed, length);
    hand_drain(self);
}

static enum http_method hand_method(const char *method)
{
    static const char *const names[] = {"GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(method, names[i]) == 0)
            return (enum http_method)i;
    }
    fail_msg("no method %s", method);
    return HTTP_GET;
}

static void hand_request(struct etcd_endpoint *self, const char *method, const char *path,
                         const char *body, uint32_t corr)
{
    struct bed *bed = self->bed;
    struct message m = bed_message(bed, MSG_HTTP_REQUEST, NODE_HOST, ACTOR_MAIN_ID);
    m.corr = corr;
    m.u.http_request.method = hand_method(method);
    m.u.http_request.path = bed_blob(bed, path);
    m.u.http_request.body = bed_blob(bed, body);
    bed_deliver(bed, &m);
    blob_free(bed->arena, m.u.http_request.path);
    blob_free(bed->arena, m.u.http_request.body);
    hand_drain(self);
}

static void hand_call(struct etcd_endpoint *self, const char *method, const char *path,
                      const char *body)
{
    self->is_answered = false;
    self->is_head = strcmp(method, "HEAD") == 0;
    hand_request(self, method, path, body, CALL_CORR);
    for (unsigned ms = 0; ms < CALL_MS && !self->is_answered; ms += 2)
        hand_pass(self, HAND_STEP);
    hand_pass(self, HAND_STEP);
}

/* ---- at a URL ---- */

struct etcd_endpoint *etcd_endpoint_url(const char *url)
{
    struct etcd_endpoint *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->url = strdup(url);
    self->easy = curl_easy_init();
    self->multi = curl_multi_init();
    assert_true(self->url != NULL && self->easy != NULL && self->multi != NULL);
    return self;
}

static size_t url_take(char *bytes, size_t size, size_t count, void *context)
{
    etcd_text_add(context, bytes, size * count);
    return size * count;
}

/* The body must outlive the transfer but for copied ones. */
static void url_prepare(const struct etcd_endpoint *self, CURL *easy, const char *method,
                        const char *path, const char *body, struct etcd_text_out *out)
{
    char url[256];
    bool is_post = strcmp(method, "POST") == 0;
    snprintf(url, sizeof url, "%s%s", self->url, path);
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, url_take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, out);
    if (is_post) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body);
    } else {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    }
    if (strcmp(method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
}

static void url_call(struct etcd_endpoint *self, const char *method, const char *path,
                     const char *body, struct etcd_text_out *answer)
{
    struct etcd_text_out out = {0};
    char head[32];
    long status = 0;
    const char *type = NULL;
    etcd_text_clear(&out);
    url_prepare(self, self->easy, method, path, body, &out);
    curl_easy_setopt(self->easy, CURLOPT_TIMEOUT_MS, (long)CALL_MS);
    if (curl_easy_perform(self->easy) == CURLE_OK) {
        curl_easy_getinfo(self->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(self->easy, CURLINFO_CONTENT_TYPE, &type);
    }
    const char *content = type == NULL                         ? "none"
                          : strstr(type, "json") != NULL       ? "json"
                          : strstr(type, "text/plain") != NULL ? "text"
                                                               : type;
    if (answer != NULL && status != 0) {
        int length = snprintf(head, sizeof head, "%ld %s ", status, content);
        etcd_text_add(answer, head, (size_t)length);
        etcd_text_add(answer, out.text, out.length);
    }
    etcd_text_free(&out);
}

static int64_t now_ms(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static unsigned count_lines(const struct etcd_text_out *out)
{
    unsigned count = 0;
    for (size_t i = 0; i < out->length; i++)
        count += out->text[i] == '\n';
    return count;
}

/* Until `stream` has so many lines, or the time is over. */
static void url_pump(struct etcd_endpoint *self, const struct stream *stream, unsigned wanted,
                     unsigned wait_ms)
{
    int64_t end = now_ms() + wait_ms;
    for (;;) {
        int running = 0;
        curl_multi_perform(self->multi, &running);
        int64_t left = end - now_ms();
        if (left <= 0 || (stream != NULL && count_lines(&stream->text) >= wanted))
            return;
        curl_multi_poll(self->multi, NULL, 0, (int)left, NULL);
    }
}

static void url_watch(struct etcd_endpoint *self, struct stream *stream, const char *body)
{
    stream->easy = curl_easy_init();
    assert_non_null(stream->easy);
    url_prepare(self, stream->easy, "POST", "/v3/watch", body, &stream->text);
    curl_multi_add_handle(self->multi, stream->easy);
    url_pump(self, stream, 1, 0);
}

/* ---- both ---- */

bool etcd_endpoint_is_by_hand(const struct etcd_endpoint *self)
{
    return self->bed != NULL;
}

void etcd_endpoint_free(struct etcd_endpoint *self)
{
    for (unsigned i = 0; i < ETCD_STREAMS_MAX; i++) {
        etcd_endpoint_close(self, i);
        etcd_text_free(&self->streams[i].text);
    }
    if (self->bed != NULL)
        bed_free(self->bed);
    if (self->easy != NULL)
        curl_easy_cleanup(self->easy);
    if (self->multi != NULL)
        curl_multi_cleanup(self->multi);
    free(self->url);
    free(self);
}

void etcd_endpoint_call(struct etcd_endpoint *self, const char *method, const char *path,
                        const char *body, struct etcd_text_out *answer)
{
    if (answer != NULL)
        etcd_text_clear(answer);
    self->answer = answer;
    if (self->bed != NULL)
        hand_call(self, method, path, body);
    else
        url_call(self, method, path, body, answer);
    if (answer != NULL && answer->length == 0)
        etcd_text_add(answer, "0 ", 2);
}

void etcd_endpoint_watch(struct etcd_endpoint *self, unsigned number, const char *body)
{
    assert_true(number < ETCD_STREAMS_MAX);
    struct stream *stream = &self->streams[number];
    assert_false(stream->is_open);
    stream->is_open = true;
    stream->status = 0;
    etcd_text_clear(&stream->text);
    if (self->bed != NULL)
        hand_request(self, "POST", "/v3/watch", body, STREAM_CORR + number);
    else
        url_watch(self, stream, body);
}

unsigned etcd_endpoint_lines(struct etcd_endpoint *self, unsigned number, unsigned wanted,
                             unsigned wait_ms, unsigned grace_ms, struct etcd_text_out *lines)
{
    struct stream *stream = &self->streams[number];
    if (self->bed == NULL) {
        url_pump(self, stream, wanted, wait_ms);
        url_pump(self, NULL, 0, grace_ms);
    }
    etcd_text_clear(lines);
    etcd_text_add(lines, stream->text.text, stream->text.length);
    etcd_text_clear(&stream->text);
    return count_lines(lines);
}

void etcd_endpoint_await(struct etcd_endpoint *self, unsigned number, unsigned wait_ms)
{
    if (self->bed == NULL)
        url_pump(self, &self->streams[number], 1, wait_ms);
}

void etcd_endpoint_close(struct etcd_endpoint *self, unsigned number)
{
    struct stream *stream = &self->streams[number];
    if (!stream->is_open)
        return;
    stream->is_open = false;
    if (self->bed != NULL) {
        etcd_http_close(self->bed, STREAM_CORR + number);
        return;
    }
    curl_multi_remove_handle(self->multi, stream->easy);
    curl_easy_cleanup(stream->easy);
    stream->easy = NULL;
}

void etcd_endpoint_sleep(struct etcd_endpoint *self, unsigned ms)
{
    if (self->bed != NULL)
        hand_pass(self, MSEC(ms));
    else
        url_pump(self, NULL, 0, ms);
}
