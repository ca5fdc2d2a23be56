#pragma once
/*
 * wire.h - messages as bytes and back: what all codecs share. No I/O.
 *
 * Encoders print into buffers that the caller keeps and reuses; decoders read text that may be
 * anything and never fail halfway: either the whole message makes sense, or they say no.
 */
#include "core/cluster.h"
#include "core/message.h"

struct wire { /* borrowed */
    const struct cluster *cluster;
    const struct draws *draws;
    /* The servers are somebody else's: requests are what upstream's own clients send, without
     * headers of ours, signed with these texts "user:password" by namespace. NULL: ours. */
    const char *const *auths;
    const char *system_auth; /* of whisk.system; NULL: unknown, not signed */
};

struct wire_text { /* borrowed bytes, not NUL-terminated */
    const char *bytes;
    size_t length;
};
#define WIRE_TEXT(literal) ((struct wire_text){literal, sizeof(literal) - 1})

/* Grows on the heap; zeroed at first, freed with wire_buffer_free. A NUL follows the bytes. */
struct wire_buffer {
    char *bytes;
    size_t length, size;
};
void wire_buffer_clear(struct wire_buffer *self);
void wire_buffer_free(struct wire_buffer *self);
void wire_buffer_add(struct wire_buffer *self, const void *bytes, size_t length);
void wire_buffer_print(struct wire_buffer *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* As a JSON string with its quotes. */
void wire_buffer_quote(struct wire_buffer *self, struct wire_text text);
/* Standard base64 with padding, as etcd's JSON and Basic credentials use it. */
void wire_buffer_base64(struct wire_buffer *self, struct wire_text text);
/* Appends the bytes; false: not standard base64 with padding, nothing was appended. */
bool wire_base64_read(struct wire_text text, struct wire_buffer *bytes);
