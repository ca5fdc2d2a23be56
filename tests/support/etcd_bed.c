/*
 * etcd_bed.c - see etcd_bed.h.
 */
#include "support/etcd_bed.h"
#include <stdio.h>
#include <string.h>

struct bed *etcd_bed_new(void)
{
    struct bed *bed = bed_new(&etcd_ops, BED_ETCD, NULL);
    bed_start(bed);
    return bed;
}

struct etcd *etcd_of(struct bed *bed)
{
    return bed->machine;
}

const struct message *etcd_bed_last(const struct bed *bed, enum message_kind kind)
{
    uint32_t count = bed_sent_count(bed, kind);
    assert_true(count > 0);
    return bed_sent(bed, kind, count - 1);
}

static const struct message *key_request(struct bed *bed, enum message_kind kind,
                                         struct key key, uint32_t value, uint32_t lease)
{
    struct message m = bed_message(bed, kind, BED_SCHEDULER0, ACTOR_MAIN_ID);
    m.u.etcd.key = key;
    m.u.etcd.lease = lease;
    if (kind != MSG_ETCD_DELETE)
        m.u.etcd.value = (struct value){.kind = VALUE_LEASE, .a = value};
    bed_deliver(bed, &m);
    return etcd_bed_last(bed, MSG_ETCD_DONE);
}

const struct message *etcd_bed_put(struct bed *bed, struct key key, uint32_t value,
                                   uint32_t lease)
{
    return key_request(bed, MSG_ETCD_PUT, key, value, lease);
}

const struct message *etcd_bed_put_if_absent(struct bed *bed, struct key key, uint32_t value,
                                             uint32_t lease)
{
    return key_request(bed, MSG_ETCD_TXN, key, value, lease);
}

const struct message *etcd_bed_delete(struct bed *bed, struct key key)
{
    return key_request(bed, MSG_ETCD_DELETE, key, 0, 0);
}

const struct message *etcd_bed_range(struct bed *bed, enum range_mode mode, struct key key,
                                     unsigned depth)
{
    struct message m = bed_message(bed, MSG_ETCD_RANGE, BED_SCHEDULER0, ACTOR_MAIN_ID);
    m.u.etcd.key = key;
    m.u.etcd.mode = (uint8_t)mode;
    m.u.etcd.depth = (uint8_t)depth;
    bed_deliver(bed, &m);
    return etcd_bed_last(bed, MSG_ETCD_RANGED);
}

const struct message *etcd_bed_lease(struct bed *bed, enum message_kind kind, uint32_t lease,
                                     uint32_t ttl_s)
{
    struct message m = bed_message(bed, kind, BED_INVOKER0, ACTOR_MAIN_ID);
    m.u.lease.lease = lease;
    m.u.lease.ttl_s = ttl_s;
    bed_deliver(bed, &m);
    return etcd_bed_last(bed, MSG_LEASE_DONE);
}

const struct message *etcd_bed_watch(struct bed *bed, node_id from, struct key prefix,
                                     unsigned depth, uint16_t number, uint32_t revision)
{
    struct message m = bed_message(bed, MSG_WATCH_CREATE, from, ACTOR_MAIN_ID);
    m.u.watch.key = prefix;
    m.u.watch.depth = (uint8_t)depth;
    m.u.watch.watch = number;
    m.u.watch.revision = revision;
    bed_deliver(bed, &m);
    return etcd_bed_last(bed, MSG_WATCH_CREATED);
}

struct effects *etcd_bed_fx(struct bed *bed)
{
    bed->fx.message_count = bed->fx.record_count = 0;
    bed->fx.at = bed->now;
    bed->fx.cause = 0;
    return &bed->fx;
}

struct etcd_text etcd_bed_text(const char *text)
{
    return (struct etcd_text){text, (uint32_t)strlen(text)};
}

struct etcd_span etcd_bed_span(const char *from, const char *end)
{
    struct etcd_span span = {.from = etcd_bed_text(from)};
    if (end != NULL)
        span.end = etcd_bed_text(end);
    return span;
}

struct etcd_span etcd_bed_all(void)
{
    return (struct etcd_span){ETCD_ZERO_BYTE, ETCD_ZERO_BYTE};
}

enum etcd_error etcd_bed_raw_put(struct bed *bed, const char *key, const char *value,
                                 uint64_t lease)
{
    struct etcd_put put = {
        .name = {.key = {.family = KEY_RAW}, .text = etcd_bed_text(key)},
        .data = {.value = {.kind = VALUE_RAW}, .raw = etcd_bed_text(value)},
        .lease = lease,
        .has_value = value[0] != '\0',
    };
    struct etcd_answer answer;
    return etcd_put(etcd_of(bed), etcd_bed_fx(bed), &put, &answer);
}

uint64_t etcd_bed_raw_delete(struct bed *bed, const char *from, const char *end)
{
    struct etcd_delete request = {.span = etcd_bed_span(from, end)};
    struct etcd_answer answer;
    enum etcd_error error = etcd_delete(etcd_of(bed), etcd_bed_fx(bed), &request, &answer);
    assert_int_equal(error, ETCD_ERROR_NONE);
    return answer.deleted;
}

const char *etcd_bed_show_list(struct bed *bed, const struct etcd_listing *list)
{
    static char line[4096];
    char buffer[ETCD_TEXT_MAX];
    size_t length = 0;
    line[0] = '\0';
    for (uint32_t i = 0; i < list->length; i++) {
        const struct etcd_version *version = list->versions[i];
        struct etcd_text value = etcd_version_value(&etcd_of(bed)->store, version, buffer);
        length += (size_t)snprintf(line + length, sizeof line - length, "%s%.*s=%.*s",
                                   i == 0 ? "" : " ", (int)version->entry->length,
                                   version->entry->text, (int)value.length, value.bytes);
        assert_true(length < sizeof line);
    }
    return line;
}

const char *etcd_bed_show(struct bed *bed, const struct etcd_range *range)
{
    struct etcd_listing list;
    assert_int_equal(etcd_range(etcd_of(bed), range, &list), ETCD_ERROR_NONE);
    const char *line = etcd_bed_show_list(bed, &list);
    etcd_listing_free(&list, &bed->env);
    return line;
}
