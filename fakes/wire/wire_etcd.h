#pragma once
/*
 * wire_etcd.h - the components' requests to etcd as its v3 JSON interface takes them, and its
 * answers read back. The server's side is fakes/etcd/etcd_gateway.c.
 *
 * Leases have 32 bits here: the caller chooses the id of a grant, so that any etcd will do.
 * Source: etcd v3.4.23 JSON gateway, observed; EtcdClient.scala:94-144 at 1fae641a2.
 */
#include "wire/wire.h"

/* Path ("/v3/kv/put") and body of a typed request; NULL: no request to etcd. */
const char *wire_etcd_write(const struct wire *self, const struct message *m,
                            struct wire_buffer *body);
/*
 * The typed answer to `request` (kind, payload, corr, addresses swapped), blobs in the arena
 * with owner ARENA_MESSAGE. status 0: no answer came. False: the body makes no sense.
 * Keys that no component wrote are left out of listings, but counted where the mode counts; a
 * value that its key's family does not have is VALUE_RAW without bytes. A watch-create has its
 * answers in a stream: here it is canceled, for none came.
 */
bool wire_etcd_read(const struct wire *self, struct arena *arena, const struct message *request,
                    uint16_t status, struct wire_text body, struct message *ret_m);
/*
 * One line of a watch's stream: calls `each` for the messages it holds, in order
 * (watch-created, watch-event, watch-canceled), addressed to the watch's owner. False: the line
 * makes no sense.
 */
bool wire_etcd_read_watch(const struct wire *self, const struct message *request,
                          struct wire_text line, void *context,
                          void (*each)(void *context, const struct message *m));
