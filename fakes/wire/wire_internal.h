#pragma once
/*
 * wire_internal.h - pieces of texts that several codecs print and read.
 */
#include "core/json.h"
#include "wire/wire.h"

#define WIRE_ADD(buffer, literal) wire_buffer_add(buffer, literal, sizeof(literal) - 1)
#define WIRE_NAME_MAX 256u /* of any name, id or revision, decoded */

/* ---- printing ---- */
void wire_buffer_text(struct wire_buffer *self, const char *text);
void wire_buffer_number(struct wire_buffer *self, uint64_t number);
void wire_write_name(struct wire_buffer *self, const char *name); /* quoted */
/* `"guest/hello"` in two: {"name":..,"path":..,"version":..}. */
void wire_write_action(const struct wire *self, action_id action, struct wire_buffer *buffer);
/* Quoted, or null. */
void wire_write_revision(uint32_t revision, struct wire_buffer *buffer);
/* "guest/pack/hello": the last piece. */
const char *wire_action_last(const char *name);
/* Of an ack that says that a creation failed. */
const char *wire_creation_reason(const struct creation *creation);

/* ---- reading ---- */
bool wire_text_is(struct wire_text text, const char *literal);
bool wire_text_begins(struct wire_text text, const char *literal);
/* Only digits, at most `max`. */
bool wire_decimal(struct wire_text text, uint64_t max, uint64_t *ret_number);
struct wire_json_text { /* a decoded string: a view, or in the scratch */
    struct wire_text text;
    char scratch[WIRE_NAME_MAX];
};
/* False: no string, too long, or with a NUL in it. */
bool wire_json_text(struct json_in value, struct wire_json_text *ret_text);
bool wire_json_is(struct json_in value, const char *literal);
bool wire_json_bool(struct json_in value, bool *ret_value);
bool wire_json_number(struct json_in value, uint64_t max, uint64_t *ret_number);
/* False: absent (null counts as absent). */
bool wire_json_has(struct json_in value);
bool wire_read_action(const struct wire *self, struct json_in value, action_id *ret_action);
action_id wire_find_action(const struct wire *self, struct wire_text name);
bool wire_read_namespace(const struct wire *self, struct json_in value, namespace_id *ret_ns);
bool wire_read_revision(struct json_in value, uint32_t *ret_revision);
bool wire_read_activation_id(const struct wire *self, struct json_in value,
                             activation_id *ret_id);
bool wire_read_activation(const struct wire *self, struct json_in value,
                          struct activation *ret_activation);
/* By its text; ERROR_TEXT_COUNT: none of ours. */
enum error_text wire_find_error(struct wire_text text);
