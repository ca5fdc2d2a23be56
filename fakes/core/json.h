#pragma once
/*
 * json.h - the two small JSON tools a machine may use.
 *
 * json_out writes into a growing arena buffer; objects come out with keys sorted, as
 * upstream's printer does for records. json_in reads without allocation.
 */
#include "core/blob.h"
#include <stdbool.h>

#define JSON_DEPTH_MAX 64
enum json_kind {
    JSON_INVALID,
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};
struct json_in { /* a view of one value */
    const char *text;
    size_t length;
    enum json_kind kind;
};

struct json_out {
    struct arena *arena;
    uint32_t owner;
    char *text; /* arena block */
    size_t length, size;
    bool needs_comma;
};

void json_out_init(struct json_out *self, struct arena *arena, uint32_t owner);
void json_out_object_begin(struct json_out *self);
void json_out_object_end(struct json_out *self);
void json_out_array_begin(struct json_out *self);
void json_out_array_end(struct json_out *self);
/* Keys must be given in ascending byte order within one object (asserted by the caller's
 * tests). */
void json_out_key(struct json_out *self, const char *key);
void json_out_string(struct json_out *self, const char *text);
void json_out_number(struct json_out *self, uint64_t value);
void json_out_bool(struct json_out *self, bool value);
void json_out_raw(struct json_out *self, const char *json);
/* A valid value as it was read, without the blanks between its tokens. */
void json_out_value(struct json_out *self, struct json_in value);
/* The text as a blob; the builder is empty afterwards. */
blob json_out_finish(struct json_out *self);

/* The whole text is one valid value? Kind JSON_INVALID if not. RFC 8259, depth-bounded. */
struct json_in json_in_parse(const char *text, size_t length);
size_t json_in_count(struct json_in value); /* members or elements; 0 for others */
bool json_in_member(struct json_in object, const char *name, struct json_in *ret_value);
/* Several members in one walk, in the order of `names`; those that miss are JSON_INVALID. */
void json_in_members(struct json_in object, const char *const *names, size_t count,
                     struct json_in *ret_values);
/* One item after the other, each once: for long lists, where json_in_element begins anew. The
 * key's kind is JSON_INVALID in an array. False: there are no more. */
struct json_walk {
    const char *at, *end;
    bool is_object, is_started;
};
struct json_walk json_walk_begin(struct json_in container);
bool json_walk_next(struct json_walk *self, struct json_in *ret_key, struct json_in *ret_value);
bool json_in_element(struct json_in array, size_t index, struct json_in *ret_value);
bool json_in_number(struct json_in value, int64_t *ret_number); /* integers only */
/* Decoded string, NUL-terminated; false if not a string or too long. */
bool json_in_string(struct json_in value, char *ret_text, size_t size);
/* The same text as this one, decoded? False if it is not a string. */
bool json_in_is(struct json_in value, const char *text);
