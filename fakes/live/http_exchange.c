/*
 * http_exchange.c - see http_server.h: a request comes in, its answer goes out.
 *
 * libmicrohttpd 0.9.75 takes a response for a connection that is suspended (MHD_queue_response
 * keeps it for when the connection is resumed), so an answer is copied once, here, and the
 * handler of libmicrohttpd is not called again for it.
 */
#include "live/http_internal.h"
#include "core/assert.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define STREAM_BLOCK 4096 /* used for HTTP/1.0 only: without chunks */

static ssize_t next_piece(void *context, uint64_t position, char *ret_bytes, size_t max);

static struct http_connection *connection_of(struct http_exchange *exchange)
{
    return (struct http_connection *)exchange;
}

/* ---- the request ---- */

void *http_exchange_on_line(void *context, const char *uri, struct MHD_Connection *mhd)
{
    (void)context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_connection *self = info->socket_context;
    self->state = CONNECTION_IDLE;
    self->has_ended = false;
    self->in.length = self->out.length = self->out_sent = self->piece_left = 0;
    self->exchange.user = NULL;
    self->path_length = strlen(uri);
    if (!bytes_append(&self->in, uri, self->path_length + 1))
        self->state = CONNECTION_DROPPED;
    return self;
}

static enum MHD_Result add_header(void *context, enum MHD_ValueKind kind, const char *name,
                                  size_t name_length, const char *value, size_t value_length)
{
    (void)kind;
    struct bytes *in = context;
    size_t before = in->length;
    if (!bytes_append(in, name, name_length) || !bytes_append(in, ": ", 2) ||
        (value != NULL && !bytes_append(in, value, value_length)) || !bytes_append(in, "\n", 1))
        return MHD_NO;
    char *nul;
    while ((nul = memchr(in->at + before, 0, in->length - before)) != NULL)
        *nul = ' '; /* RFC 9110, 5.5: a NUL is replaced or the message refused */
    return MHD_YES;
}

/* Method and headers behind the path. */
static bool gather(struct http_connection *self, const char *method)
{
    self->method_length = strlen(method);
    if (!bytes_append(&self->in, method, self->method_length + 1))
        return false;
    size_t before = self->in.length;
    int count = MHD_get_connection_values_n(self->mhd, MHD_HEADER_KIND, NULL, NULL);
    if (MHD_get_connection_values_n(self->mhd, MHD_HEADER_KIND, add_header, &self->in) != count)
        return false;
    self->headers_length = self->in.length - before;
    return bytes_append(&self->in, "", 1);
}

static size_t body_offset(const struct http_connection *self)
{
    return self->path_length + self->method_length + self->headers_length + 3;
}

static bool has_too_large_body(struct http_connection *self)
{
    const char *length =
        MHD_lookup_connection_value(self->mhd, MHD_HEADER_KIND, "Content-Length");
    return length != NULL && strtoull(length, NULL, 10) > self->server->config.body_max;
}

/*
 * libmicrohttpd takes no response while a body comes in, so this one is written past it;
 * nothing else of this request was sent (but perhaps the 100).
 */
static enum MHD_Result refuse_body(struct http_connection *self)
{
    const char *body = self->server->config.body_too_large;
    if (body == NULL)
        body = "";
    char text[2048];
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
                          "Content-Type: text/plain; charset=UTF-8\r\n"
                          "Content-Length: %zu\r\n\r\n%s",
                          strlen(body), body);
    ASSERT(length > 0 && (size_t)length < sizeof text);
    (void)send(self->fd, text, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
    self->state = CONNECTION_DROPPED;
    self->is_refused = true;
    return MHD_NO;
}

static void report_gone(struct http_connection *self)
{
    self->state = CONNECTION_DROPPED;
    if (!self->server->is_freed)
        self->server->config.on_gone(self->server->config.context, &self->exchange);
}

static enum MHD_Result deliver(struct http_connection *self)
{
    if (!bytes_append(&self->in, "", 1))
        return MHD_NO;
    const char *at = self->in.at;
    struct http_exchange *exchange = &self->exchange;
    exchange->path = at;
    exchange->method = at + self->path_length + 1;
    exchange->headers = exchange->method + self->method_length + 1;
    exchange->headers_length = self->headers_length;
    exchange->body = at + body_offset(self);
    exchange->body_length = self->in.length - 1 - body_offset(self);
    self->state = CONNECTION_REQUESTED;
    self->server->config.on_request(self->server->config.context, exchange);
    if (self->server->is_freed || self->state == CONNECTION_DROPPED)
        return MHD_NO;
    if (self->state != CONNECTION_REQUESTED)
        return MHD_YES;
    if (self->is_peer_closed) {
        report_gone(self);
        return MHD_NO;
    }
    http_connection_suspend(self);
    return MHD_YES;
}

enum MHD_Result http_exchange_on_data(void *context, struct MHD_Connection *mhd,
                                      const char *url, const char *method, const char *version,
                                      const char *data, size_t *length, void **connection)
{
    (void)context, (void)mhd, (void)url, (void)version;
    struct http_connection *self = *connection;
    if (self->server->is_freed || self->state == CONNECTION_DROPPED)
        return MHD_NO;
    if (self->state == CONNECTION_IDLE) {
        self->state = CONNECTION_READING;
        if (!gather(self, method))
            return MHD_NO;
        return has_too_large_body(self) ? refuse_body(self) : MHD_YES;
    }
    ASSERT_OP(self->state, ==, CONNECTION_READING);
    if (*length == 0)
        return deliver(self);
    size_t have = self->in.length - body_offset(self);
    if (*length > self->server->config.body_max - have)
        return refuse_body(self);
    bool is_kept = bytes_append(&self->in, data, *length);
    *length = 0;
    return is_kept ? MHD_YES : MHD_NO;
}

void http_exchange_on_completed(void *context, struct MHD_Connection *mhd, void **connection,
                                enum MHD_RequestTerminationCode code)
{
    (void)context, (void)mhd, (void)code;
    struct http_connection *self = *connection;
    if (self->state == CONNECTION_REQUESTED || self->state == CONNECTION_STREAMING)
        report_gone(self);
    self->state = CONNECTION_IDLE;
    bytes_trim(&self->in, BUFFER_KEPT_MAX);
    bytes_trim(&self->out, BUFFER_KEPT_MAX);
    self->since_ns = self->server->now_ns;
}

void http_exchange_on_peer_closed(struct http_connection *self)
{
    self->is_peer_closed = true;
    if (self->state != CONNECTION_REQUESTED && self->state != CONNECTION_STREAMING)
        return; /* libmicrohttpd sees it, or the server's look at those that wait */
    if (self->is_suspended)
        http_connection_resume(self);
    else
        (void)shutdown(self->fd, SHUT_RDWR); /* it may wait for room to write */
    report_gone(self);
}

/* ---- the answer ---- */

/* "Name: value\n" lines; what libmicrohttpd counts by itself is left out. */
static void add_headers(struct http_server *server, struct MHD_Response *response,
                        const char *headers)
{
    struct bytes *scratch = &server->scratch;
    scratch->length = 0;
    if (headers == NULL || !bytes_append(scratch, headers, strlen(headers) + 1))
        return;
    for (char *line = scratch->at, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        char *value = strchr(line, ':');
        if (value == NULL)
            continue;
        *value++ = '\0';
        value += *value == ' ';
        if (strcasecmp(line, "Content-Length") != 0 &&
            strcasecmp(line, "Transfer-Encoding") != 0)
            (void)MHD_add_response_header(response, line, value);
    }
}

/* A response that cannot be made or is refused (no memory): the connection ends. */
static void queue(struct http_connection *self, unsigned status, struct MHD_Response *response,
                  enum connection_state next)
{
    self->state = next;
    if (response == NULL || MHD_queue_response(self->mhd, status, response) != MHD_YES) {
        self->state = CONNECTION_DROPPED;
        (void)shutdown(self->fd, SHUT_RDWR);
    }
    if (response != NULL)
        MHD_destroy_response(response);
    http_connection_resume(self);
}

void http_exchange_answer(struct http_exchange *exchange, unsigned status, const char *headers,
                          const void *body, size_t length)
{
    struct http_connection *self = connection_of(exchange);
    ASSERT_OP(self->state, ==, CONNECTION_REQUESTED);
    ASSERT(status >= 200 && status <= 999);
    self->out.length = 0;
    struct MHD_Response *response = NULL;
    if (bytes_append(&self->out, body, length)) /* it stays until the answer is written */
        response =
            MHD_create_response_from_buffer(length, self->out.at, MHD_RESPMEM_PERSISTENT);
    if (response != NULL)
        add_headers(self->server, response, headers);
    queue(self, status, response, CONNECTION_ANSWERED);
}

void http_exchange_begin(struct http_exchange *exchange, unsigned status, const char *headers)
{
    struct http_connection *self = connection_of(exchange);
    ASSERT_OP(self->state, ==, CONNECTION_REQUESTED);
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK, next_piece, self, NULL);
    if (response != NULL)
        add_headers(self->server, response, headers);
    queue(self, status, response, CONNECTION_STREAMING);
}

static ssize_t next_piece(void *context, uint64_t position, char *ret_bytes, size_t max)
{
    (void)position;
    struct http_connection *self = context;
    if (self->server->is_freed || self->state == CONNECTION_DROPPED)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (self->out_sent == self->out.length) {
        self->out_sent = self->out.length = 0;
        if (self->has_ended)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (self->is_peer_closed) {
            report_gone(self);
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
        http_connection_suspend(self);
        return 0;
    }
    if (self->piece_left == 0) {
        uint32_t length;
        memcpy(&length, self->out.at + self->out_sent, sizeof length);
        self->piece_left = length;
        self->out_sent += sizeof length;
    }
    size_t length = self->piece_left < max ? self->piece_left : max;
    memcpy(ret_bytes, self->out.at + self->out_sent, length);
    self->out_sent += length;
    self->piece_left -= length;
    return (ssize_t)length;
}

void http_exchange_piece(struct http_exchange *exchange, const void *bytes, size_t length)
{
    struct http_connection *self = connection_of(exchange);
    if (self->state == CONNECTION_DROPPED || length == 0)
        return; /* an empty chunk would be the last one */
    ASSERT_OP(self->state, ==, CONNECTION_STREAMING);
    ASSERT_OP(length, <=, UINT32_MAX);
    uint32_t prefix = (uint32_t)length;
    if (self->out_sent > BUFFER_KEPT_MAX && self->out_sent > self->out.length / 2) {
        self->out.length -= self->out_sent;
        memmove(self->out.at, self->out.at + self->out_sent, self->out.length);
        self->out_sent = 0;
    }
    if (self->out.length - self->out_sent + length > BACKLOG_MAX ||
        !bytes_append(&self->out, &prefix, sizeof prefix) ||
        !bytes_append(&self->out, bytes, length)) {
        (void)shutdown(self->fd, SHUT_RDWR); /* on_gone follows */
        return;
    }
    http_connection_resume(self);
}

void http_exchange_end(struct http_exchange *exchange)
{
    struct http_connection *self = connection_of(exchange);
    if (self->state == CONNECTION_DROPPED)
        return;
    ASSERT_OP(self->state, ==, CONNECTION_STREAMING);
    self->has_ended = true;
    self->state = CONNECTION_ANSWERED;
    http_connection_resume(self);
}

void http_exchange_reset(struct http_exchange *exchange)
{
    struct http_connection *self = connection_of(exchange);
    ASSERT(self->state == CONNECTION_REQUESTED || self->state == CONNECTION_STREAMING);
    self->state = CONNECTION_DROPPED;
    http_connection_disconnect(self);
    http_connection_resume(self);
}
