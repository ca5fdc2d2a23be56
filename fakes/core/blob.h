#pragma once
/*
 * blob.h - variable-length bytes in the arena behind a 32-bit handle: HTTP paths and bodies,
 * Kafka batches, etcd listings.
 *
 * A blob put into a message goes with it: the host frees it after the receiver's step, unless
 * the receiver took it (blob_keep). A dropped message frees its blobs, a doubled one copies
 * them. Handle 0 is the empty blob. Handles are offsets: stable over snapshot and restore,
 * never digested (contents are).
 */
#include "core/arena.h"

typedef uint32_t blob; /* 0: none */

blob blob_new(struct arena *arena, uint32_t owner, const void *bytes, size_t size);
blob blob_copy(struct arena *arena, uint32_t owner, blob b);
void blob_free(struct arena *arena, blob b);
void blob_own(struct arena *arena, uint32_t owner, blob b);
const void *blob_bytes(const struct arena *arena, blob b); /* NUL follows the last byte */
void *blob_bytes_mutable(struct arena *arena, blob b);
size_t blob_size(const struct arena *arena, blob b);
