#pragma once
/*
 * kafka_server.h - the port of the Kafka machine: frames in, frames out.
 *
 * A frame is a length (4 bytes, big endian) and so many bytes. One frame of a connection is
 * given to the handler at a time; the next is read when it has been answered, as the broker
 * does. A length below 0 or over the limit ends the connection.
 */
#include "live/loop.h"
#include <stddef.h>

#define KAFKA_FRAME_MAX ((size_t)100 << 20) /* socket.request.max.bytes */

struct kafka_server;
struct kafka_server_config {
    struct loop *loop;
    const char *address;
    uint16_t port;
    uint32_t connections_max; /* 1 to 65535; further clients are closed at once */
    void *context;
    /* May answer, close and free at once. `bytes` without the length, valid in the call. */
    void (*on_frame)(void *context, uint32_t connection, const void *bytes, size_t length);
    /* By the client, or for a bad length; whole frames before that were given. Not called for
     * what kafka_server_close or kafka_server_free ended. */
    void (*on_closed)(void *context, uint32_t connection);
};
struct kafka_server *kafka_server_new(const struct kafka_server_config *config, char *ret_error,
                                      size_t error_size);
void kafka_server_free(struct kafka_server *self); /* resets every connection */
uint16_t kafka_server_port(const struct kafka_server *self);
/* IPv4 of the client as a number; 0: unknown connections. */
uint32_t kafka_server_client(const struct kafka_server *self, uint32_t connection);
/* `bytes` without the length. length 0: the request wants no answer. Unknown (closed)
 * connections: nothing. */
void kafka_server_answer(struct kafka_server *self, uint32_t connection, const void *bytes,
                         size_t length);
void kafka_server_close(struct kafka_server *self, uint32_t connection);
