#pragma once
/*
 * target.h - the target of an HTTP request: percent escapes and query parameters, read in one
 * way by whoever looks at one.
 *
 * Source: RFC 3986, 2.1; pekko-http v1.1.0 PredefinedFromStringUnmarshallers.scala (Booleans).
 */
#include "common/admin.h"

/* Each '%' is followed by two hex digits. */
bool target_is_valid(struct admin_text target);
/* Percent-decoded and NUL-terminated; the length it has in full. Escapes must be valid.
 * In a query '+' is a space. */
size_t target_decode(struct admin_text text, bool is_query, char *ret_text, size_t size);
/* The first query parameter of this name, decoded; false: there is none. */
bool target_query(struct admin_text target, const char *name, char *ret_text, size_t size);
/* "true", "yes", "on", "1" and their contraries, in any case; false: it is none of them. */
bool target_bool(const char *text, bool *ret_value);
