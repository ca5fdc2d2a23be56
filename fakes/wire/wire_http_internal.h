#pragma once
/*
 * wire_http_internal.h - what requests and answers share.
 */
#include "wire/wire_entry.h"
#include "wire/wire_http.h"
#include "wire/wire_internal.h"

#define WIRE_SENDER_HEADER "X-Rollcage"
#define WIRE_ACTIVATION_HEADER "X-Rollcage-Activation"
#define WIRE_JSON_HEADER "Content-Type: application/json\n"

/* As X-Rollcage has it. */
struct wire_sender {
    node_id node;
    actor_id actor;
    uint32_t cause;
};
void wire_sender_write(const struct wire *self, const struct wire_sender *sender,
                       struct wire_buffer *headers);
/* False: no such header, or one that makes no sense: somebody else. */
bool wire_sender_read(const struct wire *self, struct wire_text headers,
                      struct wire_sender *ret_sender);

/* The next line of `rest`, without its end; false: there is none. */
bool wire_line_next(struct wire_text *rest, struct wire_text *ret_line);
/* Is this the name of the line's header, without case? */
bool wire_line_is(struct wire_text line, const char *name);
/* The line's value without the blanks around it. */
struct wire_text wire_line_value(struct wire_text line);
bool wire_text_is_caseless(struct wire_text text, const char *literal);
void wire_buffer_blob(struct wire_buffer *self, const struct arena *arena, blob b);
