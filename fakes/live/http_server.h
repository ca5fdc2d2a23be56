#pragma once
/*
 * http_server.h - one port: requests come whole, answers go whole or in pieces, whenever.
 *
 *   exchange:  REQUESTED --answer--> answered | --begin--> STREAMING --end--> answered
 *                   \------- the client closes, server_free, reset ----------> gone
 *
 * libmicrohttpd carries the bytes; it answers by itself what it cannot parse (400, 414, 431,
 * 505). A connection whose answer is awaited is suspended. Limits: connections, size of the
 * headers (12 KiB in all) and of the body, seconds for a request to come in and for a
 * kept-alive connection to be used again. A body over the limit is answered 413 without being
 * kept.
 */
#include "live/loop.h"
#include <stddef.h>

struct http_server;

struct http_exchange {         /* what is asked; valid until answered or gone */
    const char *method, *path; /* path with query */
    const char *headers;       /* "Name: value\n" lines */
    const char *body;
    size_t headers_length, body_length;
    void *user; /* the handler's own */
};

struct http_server_config {
    struct loop *loop;
    const char *address; /* numeric, "127.0.0.1" */
    uint16_t port;       /* 0: any free one */
    uint32_t connections_max, timeout_s;
    size_t body_max;
    const char *body_too_large; /* body of the 413; NULL: none */
    void *context;
    /* May answer at once or later. */
    void (*on_request)(void *context, struct http_exchange *exchange);
    /* It ended without a whole answer: the client is gone. The exchange is invalid afterwards.
     * Not called for what http_exchange_reset or http_server_free ended. */
    void (*on_gone)(void *context, struct http_exchange *exchange);
};

/* NULL with a line of reason: "127.0.0.1:10001: Address already in use". */
struct http_server *http_server_new(const struct http_server_config *config, char *ret_error,
                                    size_t error_size);
/* Every open connection is reset, the port is free at once. Allowed inside on_request. */
void http_server_free(struct http_server *self);
/* Nobody can connect any more; open exchanges go on (a server that shuts down in order). */
void http_server_close_port(struct http_server *self);
uint16_t http_server_port(const struct http_server *self);
uint32_t http_server_connection_count(const struct http_server *self);

/* Copies. headers: "Name: value\n" lines; Content-Length is added. */
void http_exchange_answer(struct http_exchange *exchange, unsigned status, const char *headers,
                          const void *body, size_t length);
/* Transfer-Encoding: chunked; each piece is one chunk. */
void http_exchange_begin(struct http_exchange *exchange, unsigned status, const char *headers);
void http_exchange_piece(struct http_exchange *exchange, const void *bytes, size_t length);
void http_exchange_end(struct http_exchange *exchange);
/* The connection is reset: the client sees ECONNRESET. */
void http_exchange_reset(struct http_exchange *exchange);
