#pragma once
/*
 * http_client.h - the HTTP connections of one process: a pool of its own, calls side by side.
 *
 * libcurl's multi interface in our loop. Connections are kept alive and used again; freeing the
 * client cuts them all at once, as a process that dies does.
 */
#include "live/loop.h"
#include <stddef.h>

struct http_client;

enum http_failure {
    HTTP_ANSWERED,  /* status, headers and body are whole */
    HTTP_REFUSED,   /* no connection could be made: the request was never sent */
    HTTP_BROKEN,    /* it was sent, and the connection broke */
    HTTP_TIMED_OUT, /* it was sent, and timeout_ms passed */
};

struct http_result { /* borrowed */
    enum http_failure failure;
    unsigned status;
    const char *headers; /* "Name: value\n" lines */
    const char *body;    /* empty when on_piece was given */
    size_t headers_length, body_length;
    const char *reason; /* the library's words for a failure */
};

struct http_tls { /* for `validate` only; all NULL and false: the system's authorities */
    const char *ca_file, *cert_file, *key_file;
    bool is_unverified;
};

struct http_call {
    const char *method, *url; /* numeric host, or a name for `validate` */
    const char *headers;      /* "Name: value\n" lines; may be NULL */
    const void *body;         /* copied */
    size_t body_length;
    uint64_t timeout_ms; /* 0: none */
    const struct http_tls *tls;
    void *context;
    uint64_t tag;
    void (*on_done)(void *context, uint64_t tag, const struct http_result *result);
    /* Answers in pieces as they come (status < 300 only); NULL: all at once in on_done. */
    void (*on_piece)(void *context, uint64_t tag, const char *bytes, size_t length);
};

struct http_client *http_client_new(struct loop *loop); /* NULL: no memory */
/* Open calls end without a word. Not inside of a call's own function. */
void http_client_free(struct http_client *self);
/* Never calls back at once. Returns a number > 0 for http_client_cancel. */
uint64_t http_client_send(struct http_client *self, const struct http_call *call);
/* No word any more from this call; its connection is closed. Unknown numbers: nothing. */
void http_client_cancel(struct http_client *self, uint64_t number);
uint32_t http_client_open_count(const struct http_client *self);
