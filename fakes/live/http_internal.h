#pragma once
/*
 * http_internal.h - what http_server.c (daemon, loop, life) and http_exchange.c (requests and
 * answers) share. Not for anyone else.
 *
 * One struct per connection, used again for each of its requests and, from a free list, for
 * later connections: a request costs no allocation once its buffers have grown.
 */
#include "live/http_server.h"
#include <microhttpd.h>

#define BUFFER_KEPT_MAX ((size_t)64 << 10) /* of a connection, between its requests */
#define BACKLOG_MAX ((size_t)64 << 20)     /* pieces nobody reads: then the client is cut off */

struct bytes {
    char *at;
    size_t length, max;
};

enum connection_state {
    CONNECTION_IDLE,      /* no request, or its first line came */
    CONNECTION_READING,   /* headers are there, the body comes */
    CONNECTION_REQUESTED, /* the handler has it */
    CONNECTION_STREAMING,
    CONNECTION_ANSWERED,
    CONNECTION_DROPPED, /* gone or reset: libmicrohttpd is to close it */
};

struct http_connection {
    struct http_exchange exchange; /* first: what the handler sees */
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct http_connection *next, *previous; /* all of the server, or spares (next) */
    uint64_t since_ns;                       /* when it began to wait for a request */
    int fd;
    enum connection_state state;
    bool is_suspended; /* libmicrohttpd does not look at it */
    bool is_watched;   /* we look whether the client closes */
    bool is_peer_closed, is_refused, has_ended;
    struct bytes in; /* path, method, headers, body, each with a NUL */
    size_t path_length, method_length, headers_length;
    struct bytes out; /* the body of the answer, or pieces: length (4 bytes) and bytes */
    size_t out_sent, piece_left;
};

struct farewell { /* refused while it still sends: read on, or it never sees the answer */
    struct farewell *next;
    struct http_server *server;
    uint64_t until_ns;
    int fd;
};

struct http_server {
    struct http_server_config config;
    struct loop_part part;
    struct MHD_Daemon *daemon;
    int listen_fd, epoll_fd;
    uint16_t port;
    bool is_ready;   /* libmicrohttpd's descriptor has something */
    bool has_work;   /* a connection was resumed */
    bool is_running; /* inside of MHD_run */
    bool is_freed;   /* inside of MHD_run: the rest is done when it returns */
    uint64_t now_ns, due_ns;
    uint64_t look_ns; /* for slow clients */
    struct http_connection *connections, *spares;
    uint32_t connection_count, spare_count;
    struct farewell *farewells;
    uint32_t farewell_count;
    struct bytes scratch;
};

bool bytes_append(struct bytes *self, const void *at, size_t length); /* false: no memory */
void bytes_trim(struct bytes *self, size_t keep_max);

/* http_server.c */
void http_connection_suspend(struct http_connection *self);
void http_connection_resume(struct http_connection *self);     /* if it is suspended */
void http_connection_disconnect(struct http_connection *self); /* the client sees a reset */

/* http_exchange.c: what libmicrohttpd calls */
void *http_exchange_on_line(void *context, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_exchange_on_data(void *context, struct MHD_Connection *mhd,
                                      const char *url, const char *method, const char *version,
                                      const char *data, size_t *length, void **connection);
void http_exchange_on_completed(void *context, struct MHD_Connection *mhd, void **connection,
                                enum MHD_RequestTerminationCode code);
/* The client closed while its answer is awaited. */
void http_exchange_on_peer_closed(struct http_connection *self);
