#pragma once
/*
 * wire_key.h - texts of etcd keys and values read back; key_print and value_print write them.
 *
 * Source: EtcdUtils.scala:68-250, Message.scala:465-516 at 1fae641a2.
 */
#include "wire/wire.h"

/* False: no key of the cluster's components (another cluster's, another version's, unknown
 * node, action or namespace). What was read prints as the same text. */
bool wire_key_read(const struct cluster *cluster, struct wire_text text, struct key *ret_key);
/* What a value of this family looks like; VALUE_EMPTY for an empty text. False: it does not. */
bool wire_value_read(const struct cluster *cluster, const struct key *key,
                     struct wire_text text, struct value *ret_value);
/* "1-9f2a6d" or "null", as keys and activation messages have it. */
bool wire_revision_read(struct wire_text text, uint32_t *ret_revision);
