#pragma once
/*
 * etcd_gateway_json.h - JSON as the gateway of etcd reads and prints it.
 *
 * Reading: texts are first scanned as Go's encoding/json does, with its words for what is
 * wrong; what was scanned is walked without further checks. Bytes travel as base64. Printing:
 * members with their default value are left out, 64-bit numbers are strings. Source: Go 1.19
 * encoding/json/scanner.go, encoding/base64/base64.go; golang/protobuf 1.3.2 jsonpb;
 * grpc-gateway 1.9.5 runtime/marshal_jsonpb.go.
 */
#include "etcd/etcd_index.h"
#include <stdio.h>

#define GATEWAY_ERROR_MAX 256u
struct gateway_error {
    unsigned code; /* gRPC */
    char text[GATEWAY_ERROR_MAX];
};
/* Prints the text; false. */
#define GATEWAY_FAIL(error, ...)                                                               \
    (snprintf((error)->text, GATEWAY_ERROR_MAX, __VA_ARGS__), false)

/* ---- reading ---- */
struct gateway_body { /* values one after the other */
    struct etcd_text text;
    uint32_t at;
};
enum gateway_next { GATEWAY_VALUE, GATEWAY_END, GATEWAY_BAD };
/* The next value of the body; anything behind it is not looked at. */
enum gateway_next gateway_body_next(struct gateway_body *self, struct etcd_text *ret_value,
                                    struct gateway_error *error);
/* The whole text is one value. */
bool gateway_json_check(struct etcd_text text, struct gateway_error *error);

/* Items of a scanned object or array, in order. */
struct gateway_walk {
    struct etcd_text value;
    uint32_t at;
};
struct gateway_walk gateway_walk_start(struct etcd_text value);
/* ret_name: of an object's member, with its quotes; else untouched. False: no more. */
bool gateway_walk_next(struct gateway_walk *self, struct etcd_text *ret_name,
                       struct etcd_text *ret_item);
bool gateway_json_is(struct etcd_text string, const char *text); /* a quoted string, decoded */
/* Decodes a quoted string into room for string.length bytes; returns its length. */
uint32_t gateway_json_decode(struct etcd_text string, char *bytes);

/* Standard base64 with padding into room for length / 4 * 3 + 3 bytes. False: *ret_length is
 * the offset of the byte that is wrong. */
bool gateway_base64_read(struct etcd_text text, char *bytes, uint32_t *ret_length);

/* ---- printing ---- */
struct gateway_out { /* a growing block of the node */
    const struct machine_env *env;
    char *text;
    size_t length, size;
};
void gateway_out_free(struct gateway_out *self);
void gateway_out_clear(struct gateway_out *self);
void gateway_out_add(struct gateway_out *self, const char *text);
/* name NULL: an element of an array. */
void gateway_out_open(struct gateway_out *self, const char *name, char bracket);
void gateway_out_close(struct gateway_out *self, char bracket);
/* A member; nothing when the value is its type's default. */
void gateway_out_number(struct gateway_out *self, const char *name, uint64_t value);
void gateway_out_signed(struct gateway_out *self, const char *name, int64_t value);
void gateway_out_bool(struct gateway_out *self, const char *name, bool value);
void gateway_out_string(struct gateway_out *self, const char *name, const char *text);
void gateway_out_bytes(struct gateway_out *self, const char *name, struct etcd_text bytes);
/* An element of an array, also when it is empty. */
void gateway_out_element(struct gateway_out *self, struct etcd_text bytes);
/* The text as a blob for a message; the builder is empty afterwards. */
blob gateway_out_finish(struct gateway_out *self);
