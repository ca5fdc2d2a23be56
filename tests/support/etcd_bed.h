#pragma once
/*
 * etcd_bed.h - an etcd machine on a bed: the requests of the components in one line each, and
 * the general operations on plain texts.
 */
#include "etcd/etcd_txn.h"
#include "support/bed.h"

struct bed *etcd_bed_new(void); /* started */
struct etcd *etcd_of(struct bed *bed);

/* Requests of components; each returns the answer, the last message of its kind. */
const struct message *etcd_bed_put(struct bed *bed, struct key key, uint32_t value,
                                   uint32_t lease);
const struct message *etcd_bed_put_if_absent(struct bed *bed, struct key key, uint32_t value,
                                             uint32_t lease);
const struct message *etcd_bed_delete(struct bed *bed, struct key key);
const struct message *etcd_bed_range(struct bed *bed, enum range_mode mode, struct key key,
                                     unsigned depth);
/* Grant with id 0 or the given one; keep-alive and revoke of an id. */
const struct message *etcd_bed_lease(struct bed *bed, enum message_kind kind, uint32_t lease,
                                     uint32_t ttl_s);
/* The answer of a component's watch from its main actor: created. */
const struct message *etcd_bed_watch(struct bed *bed, node_id from, struct key prefix,
                                     unsigned depth, uint16_t number, uint32_t revision);
const struct message *etcd_bed_last(const struct bed *bed, enum message_kind kind);

/* General operations. A fresh effects buffer at the bed's time; what it held is dropped. */
struct effects *etcd_bed_fx(struct bed *bed);
struct etcd_text etcd_bed_text(const char *text);
struct etcd_span etcd_bed_span(const char *from, const char *end); /* end NULL: one key */
struct etcd_span etcd_bed_all(void);
enum etcd_error etcd_bed_raw_put(struct bed *bed, const char *key, const char *value,
                                 uint64_t lease);
/* Number of keys deleted in the span. */
uint64_t etcd_bed_raw_delete(struct bed *bed, const char *from, const char *end);
/* "key=value key=value" of the range, in order; static storage. */
const char *etcd_bed_show(struct bed *bed, const struct etcd_range *range);
const char *etcd_bed_show_list(struct bed *bed, const struct etcd_listing *list);
