/*
 * http_client.c - see http_client.h.
 *
 * A call is handed to libcurl in the next turn, and finished calls are told in a turn, so that
 * nothing calls back at once and nothing enters libcurl from inside of it. Calls and their
 * handles are kept and used again.
 *
 * libcurl 7.88 sends a request again, up to five times, when a connection that it used again
 * breaks before the first byte of an answer (lib/transfer.c, Curl_retry_request): a server that
 * dies over a POST would get it twice. So before each sending it is asked whether anything was
 * sent already, and stopped. What remains is what the retry is for: a kept connection that the
 * server had reset, which libcurl takes for open (it sees only an orderly end) until it writes.
 */
#include "live/http_client.h"
#include "core/assert.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

#define SPARES_MAX 1024u
#define CONNECTIONS_KEPT_MAX 1024L
/*
 * A connection that lay idle for longer is not used again. Our servers and an nginx close
 * theirs after 75 s; a request that comes in that instant is lost with its connection.
 * libcurl's own bound is 118 s.
 */
#define IDLE_MAX_S 60L
#define ANSWER_MAX ((size_t)256 << 20) /* more than any answer: it is broken off */
#define BUFFER_KEPT_MAX ((size_t)256 << 10)

struct bytes {
    char *at;
    size_t length, max;
};

struct call {
    struct http_client *client;
    CURL *easy;
    struct curl_slist *headers;
    struct call *next;      /* in `pending` or `spares` */
    struct http_call given; /* its callbacks; method, url, headers, body: in `text` */
    struct bytes text, answer_headers, answer_body;
    uint32_t index, serial;
    unsigned status;
    bool is_pending, is_cancelled, has_tls;
    bool is_stopped; /* before it was sent a second time */
    char reason[CURL_ERROR_SIZE];
};

struct http_client {
    struct loop *loop;
    struct loop_part part;
    CURLM *multi;
    uint64_t due_ns;     /* libcurl's timer */
    struct call **calls; /* by index; NULL: free */
    uint32_t *free_indexes;
    uint32_t call_max, free_count, open_count, serials;
    struct call *pending_first, *pending_last, *spares;
    uint32_t spare_count;
    bool has_finished;  /* libcurl may have messages */
    bool has_cancelled; /* inside of libcurl */
    bool is_inside;     /* libcurl is calling us */
};

static int64_t wait_ns(void *context);
static void turn(void *context);
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *of_socket);
static int on_timer(CURLM *multi, long ms, void *context);
static size_t on_header(char *bytes, size_t size, size_t count, void *context);
static size_t on_body(char *bytes, size_t size, size_t count, void *context);
static int on_about_to_send(void *context, char *to, char *from, int to_port, int from_port);

/* ---- making ---- */

struct http_client *http_client_new(struct loop *loop)
{
    struct http_client *self = calloc(1, sizeof *self);
    if (self == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(self);
        return NULL;
    }
    self->loop = loop;
    self->due_ns = UINT64_MAX;
    self->multi = curl_multi_init();
    if (self->multi == NULL) {
        free(self);
        return NULL;
    }
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(self->multi, CURLMOPT_SOCKETDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(self->multi, CURLMOPT_TIMERDATA, self);
    curl_multi_setopt(self->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT_MAX);
    self->part = (struct loop_part){self, wait_ns, turn};
    loop_add_part(loop, &self->part);
    return self;
}

static void free_call(struct call *call)
{
    if (call == NULL)
        return;
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    free(call->text.at);
    free(call->answer_headers.at);
    free(call->answer_body.at);
    free(call);
}

void http_client_free(struct http_client *self)
{
    if (self == NULL)
        return;
    ASSERT(!self->is_inside);
    loop_remove_part(self->loop, &self->part);
    for (uint32_t i = 0; i < self->call_max; i++) {
        struct call *call = self->calls[i];
        if (call != NULL && !call->is_pending)
            curl_multi_remove_handle(self->multi, call->easy);
        free_call(call);
    }
    for (struct call *call = self->spares, *next; call != NULL; call = next) {
        next = call->next;
        free_call(call);
    }
    curl_multi_cleanup(self->multi);
    curl_global_cleanup();
    free(self->calls);
    free(self->free_indexes);
    free(self);
}

uint32_t http_client_open_count(const struct http_client *self)
{
    return self->open_count;
}

/* ---- one call ---- */

static bool append(struct bytes *self, const void *at, size_t length)
{
    if (length > self->max - self->length) {
        size_t max = self->max == 0 ? 1024 : self->max;
        while (max - self->length < length)
            max *= 2;
        char *grown = realloc(self->at, max);
        if (grown == NULL)
            return false;
        self->at = grown;
        self->max = max;
    }
    if (length != 0)
        memcpy(self->at + self->length, at, length);
    self->length += length;
    return true;
}

static void trim(struct bytes *self)
{
    self->length = 0;
    if (self->max <= BUFFER_KEPT_MAX)
        return;
    free(self->at);
    *self = (struct bytes){0};
}

static struct call *new_call(struct http_client *self)
{
    struct call *call = self->spares;
    if (call != NULL) {
        self->spares = call->next;
        self->spare_count--;
        return call;
    }
    call = calloc(1, sizeof *call);
    ASSERT(call != NULL);
    call->client = self;
    CURL *easy = call->easy = curl_easy_init();
    ASSERT(easy != NULL);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->reason);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_about_to_send);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
    return call;
}

static uint32_t take_index(struct http_client *self)
{
    if (self->free_count == 0) {
        uint32_t max = self->call_max == 0 ? 64 : self->call_max * 2;
        self->calls = realloc(self->calls, max * sizeof *self->calls);
        self->free_indexes = realloc(self->free_indexes, max * sizeof *self->free_indexes);
        ASSERT(self->calls != NULL && self->free_indexes != NULL);
        for (uint32_t i = max; i-- > self->call_max;) {
            self->calls[i] = NULL;
            self->free_indexes[self->free_count++] = i;
        }
        self->call_max = max;
    }
    return self->free_indexes[--self->free_count];
}

static void copy_given(struct call *call, const struct http_call *given)
{
    const char *headers = given->headers == NULL ? "" : given->headers;
    size_t method = strlen(given->method) + 1, url = strlen(given->url) + 1;
    size_t lines = strlen(headers) + 1;
    call->given = *given;
    bool is_copied = append(&call->text, given->method, method) &&
                     append(&call->text, given->url, url) &&
                     append(&call->text, headers, lines) &&
                     append(&call->text, given->body, given->body_length);
    ASSERT(is_copied);
    call->given.method = call->text.at;
    call->given.url = call->text.at + method;
    call->given.headers = call->text.at + method + url;
    call->given.body = call->text.at + method + url + lines;
}

static bool add_line(struct call *call, const char *line)
{
    struct curl_slist *list = curl_slist_append(call->headers, line);
    if (list != NULL)
        call->headers = list;
    return list != NULL;
}

/* Lines as given; what libcurl would add by itself is taken away, unless it is given. */
static void set_headers(struct call *call, bool has_body)
{
    bool has_accept = false, has_type = false, is_made = true;
    struct bytes copy = {0};
    for (const char *at = call->given.headers, *end; (end = strchr(at, '\n')) != NULL;
         at = end + 1) {
        size_t length = (size_t)(end - at);
        copy.length = 0;
        is_made &= append(&copy, at, length) && append(&copy, "", 1);
        if (!is_made)
            break;
        if (length > 1 && copy.at[length - 1] == ' ' && copy.at[length - 2] == ':')
            memcpy(copy.at + length - 2, ";", 2); /* no value: libcurl's way to say it */
        has_accept |= strncasecmp(at, "Accept:", 7) == 0;
        has_type |= strncasecmp(at, "Content-Type:", 13) == 0;
        is_made &= add_line(call, copy.at);
    }
    free(copy.at);
    if (!has_accept)
        is_made &= add_line(call, "Accept:");
    if (has_body && !has_type)
        is_made &= add_line(call, "Content-Type:");
    if (has_body)
        is_made &= add_line(call, "Expect:");
    ASSERT(is_made);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_method(struct call *call)
{
    const char *method = call->given.method;
    bool is_head = strcmp(method, "HEAD") == 0;
    bool has_body = call->given.body_length > 0 || strcmp(method, "POST") == 0 ||
                    strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
    if (has_body) {
        curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->given.body);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)call->given.body_length);
    } else if (is_head) {
        curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
    } else {
        curl_easy_setopt(call->easy, CURLOPT_HTTPGET, 1L); /* and no NOBODY */
    }
    curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST,
                     is_head || strcmp(method, has_body ? "POST" : "GET") == 0 ? NULL : method);
    set_headers(call, has_body);
}

static void set_tls(struct call *call)
{
    const struct http_tls *tls = call->given.tls;
    if (tls == NULL)
        return;
    call->has_tls = true;
    if (tls->ca_file != NULL)
        curl_easy_setopt(call->easy, CURLOPT_CAINFO, tls->ca_file);
    curl_easy_setopt(call->easy, CURLOPT_SSLCERT, tls->cert_file);
    curl_easy_setopt(call->easy, CURLOPT_SSLKEY, tls->key_file);
    curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, tls->is_unverified ? 0L : 1L);
    curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, tls->is_unverified ? 0L : 2L);
}

uint64_t http_client_send(struct http_client *self, const struct http_call *given)
{
    struct call *call = new_call(self);
    copy_given(call, given);
    call->index = take_index(self);
    call->serial = ++self->serials;
    self->calls[call->index] = call;
    self->open_count++;
    curl_easy_setopt(call->easy, CURLOPT_URL, call->given.url);
    curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS,
                     given->timeout_ms > LONG_MAX ? 0L : (long)given->timeout_ms);
    set_method(call);
    set_tls(call);
    call->given.tls = NULL; /* borrowed until here */
    call->is_pending = true;
    call->next = NULL;
    *(self->pending_first == NULL ? &self->pending_first : &self->pending_last->next) = call;
    self->pending_last = call;
    return (uint64_t)call->serial << 32 | (call->index + 1);
}

/* Back to the spares; it is not in libcurl's hands. */
static void end_call(struct call *call)
{
    struct http_client *self = call->client;
    self->calls[call->index] = NULL;
    self->free_indexes[self->free_count++] = call->index;
    self->open_count--;
    /* The library's own authorities cannot be set again: a handle with others is not kept. */
    if (self->spare_count == SPARES_MAX || call->has_tls) {
        free_call(call);
        return;
    }
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(call->headers);
    call->headers = NULL;
    trim(&call->text);
    trim(&call->answer_headers);
    trim(&call->answer_body);
    call->status = 0;
    call->is_pending = call->is_cancelled = call->is_stopped = false;
    call->reason[0] = '\0';
    call->next = self->spares;
    self->spares = call;
    self->spare_count++;
}

void http_client_cancel(struct http_client *self, uint64_t number)
{
    uint32_t index = (uint32_t)number - 1;
    struct call *call = index < self->call_max ? self->calls[index] : NULL;
    if (call == NULL || call->serial != number >> 32 || call->is_cancelled)
        return;
    call->is_cancelled = true;
    if (call->is_pending)
        return; /* still in the list; it is not begun */
    if (self->is_inside) {
        self->has_cancelled = true;
        return;
    }
    curl_multi_remove_handle(self->multi, call->easy);
    end_call(call);
}

/* ---- what libcurl calls ---- */

static void on_fd(void *context, int fd, uint32_t events)
{
    struct http_client *self = context;
    int mask = 0, running;
    if ((events & EPOLLIN) != 0)
        mask |= CURL_CSELECT_IN;
    if ((events & EPOLLOUT) != 0)
        mask |= CURL_CSELECT_OUT;
    if ((events & (EPOLLERR | EPOLLHUP)) != 0)
        mask |= CURL_CSELECT_ERR;
    self->is_inside = true;
    curl_multi_socket_action(self->multi, fd, mask, &running);
    self->is_inside = false;
    self->has_finished = true;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *of_socket)
{
    (void)easy, (void)of_socket;
    struct http_client *self = context;
    if (what == CURL_POLL_REMOVE) {
        loop_unwatch(self->loop, fd);
        return 0;
    }
    uint32_t events = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= EPOLLOUT;
    return loop_watch(self->loop, fd, events, on_fd, self) == 0 ? 0 : -1;
}

static int on_timer(CURLM *multi, long ms, void *context)
{
    (void)multi;
    struct http_client *self = context;
    self->due_ns = ms < 0    ? UINT64_MAX
                   : ms == 0 ? 0
                             : loop_now_ns() + (uint64_t)ms * UINT64_C(1000000);
    return 0;
}

static bool is_sent(const struct call *call)
{
    long size = 0;
    curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &size);
    return size > 0 || call->is_stopped;
}

static int on_about_to_send(void *context, char *to, char *from, int to_port, int from_port)
{
    (void)to, (void)from, (void)to_port, (void)from_port;
    struct call *call = context;
    call->is_stopped = is_sent(call);
    return call->is_stopped ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* A status line begins anew (after a 100); the others become "Name: value\n". */
static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct call *call = context;
    size_t given = size * count, length = given;
    while (length > 0 && (bytes[length - 1] == '\r' || bytes[length - 1] == '\n'))
        length--;
    if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        const char *space = memchr(bytes, ' ', length);
        call->status = 0;
        for (const char *at = space + 1; space != NULL && at < bytes + length && *at >= '0' &&
                                         *at <= '9' && call->status < 100;
             at++)
            call->status = call->status * 10 + (unsigned)(*at - '0');
        call->answer_headers.length = 0;
        return given;
    }
    const char *colon = memchr(bytes, ':', length);
    if (colon == NULL)
        return given; /* the empty line */
    const char *value = colon + 1, *end = bytes + length;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    struct bytes *to = &call->answer_headers;
    bool is_kept = append(to, bytes, (size_t)(colon - bytes)) && append(to, ": ", 2) &&
                   append(to, value, (size_t)(end - value)) && append(to, "\n", 1);
    return is_kept ? given : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct call *call = context;
    size_t length = size * count;
    if (call->is_cancelled)
        return length; /* it is removed in this turn */
    if (call->given.on_piece != NULL && call->status < 300) {
        if (length > 0)
            call->given.on_piece(call->given.context, call->given.tag, bytes, length);
        return length;
    }
    if (length > ANSWER_MAX - call->answer_body.length ||
        !append(&call->answer_body, bytes, length))
        return 0;
    return length;
}

/* ---- the turn ---- */

static int64_t wait_ns(void *context)
{
    struct http_client *self = context;
    if (self->pending_first != NULL || self->has_finished || self->due_ns == 0)
        return 0;
    if (self->due_ns == UINT64_MAX)
        return LOOP_FOREVER;
    uint64_t now = loop_now_ns();
    return self->due_ns <= now ? 0 : (int64_t)(self->due_ns - now);
}

static void begin_pending(struct http_client *self)
{
    struct call *call;
    while ((call = self->pending_first) != NULL) {
        self->pending_first = call->next;
        call->is_pending = false;
        if (call->is_cancelled) {
            end_call(call);
            continue;
        }
        CURLMcode code = curl_multi_add_handle(self->multi, call->easy);
        ASSERT_OP(code, ==, CURLM_OK);
    }
}

static void run_timer(struct http_client *self)
{
    int running;
    if (self->due_ns == UINT64_MAX || (self->due_ns != 0 && self->due_ns > loop_now_ns()))
        return;
    self->due_ns = UINT64_MAX;
    self->is_inside = true;
    curl_multi_socket_action(self->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    self->is_inside = false;
    self->has_finished = true;
}

static void remove_cancelled(struct http_client *self)
{
    if (!self->has_cancelled)
        return;
    self->has_cancelled = false;
    for (uint32_t i = 0; i < self->call_max; i++) {
        struct call *call = self->calls[i];
        if (call == NULL || !call->is_cancelled || call->is_pending)
            continue;
        curl_multi_remove_handle(self->multi, call->easy);
        end_call(call);
    }
}

static enum http_failure failure_of(const struct call *call, CURLcode code)
{
    if (code == CURLE_OK)
        return HTTP_ANSWERED;
    if (!is_sent(call))
        return HTTP_REFUSED;
    return code == CURLE_OPERATION_TIMEDOUT ? HTTP_TIMED_OUT : HTTP_BROKEN;
}

static void tell(struct call *call, CURLcode code)
{
    struct http_result result = {.failure = failure_of(call, code), .status = call->status};
    const char *reason = call->reason[0] != '\0' ? call->reason : curl_easy_strerror(code);
    result.reason = call->is_stopped ? "the connection closed without an answer" : reason;
    bool is_made = append(&call->answer_headers, "", 1) && append(&call->answer_body, "", 1);
    ASSERT(is_made);
    result.headers = call->answer_headers.at;
    result.headers_length = call->answer_headers.length - 1;
    result.body = call->answer_body.at;
    result.body_length = call->answer_body.length - 1;
    if (call->given.on_done != NULL)
        call->given.on_done(call->given.context, call->given.tag, &result);
}

static void turn(void *context)
{
    struct http_client *self = context;
    begin_pending(self);
    run_timer(self);
    remove_cancelled(self);
    self->has_finished = false;
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(self->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct call *call;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        curl_multi_remove_handle(self->multi, call->easy);
        /* It cannot be cancelled any more: it is told, and no longer libcurl's. */
        call->is_pending = true;
        tell(call, code);
        end_call(call);
    }
}
