/*
 * wire_etcd_read.c - answers of etcd's gateway: what has its default value is not there,
 * numbers are strings or numbers. A text is read whole before anything is told of it.
 */
#include "core/assert.h"
#include "wire/wire_etcd.h"
#include "wire/wire_internal.h"
#include "wire/wire_key.h"
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define STATUS_OK 200
#define STATUS_NOT_FOUND 404    /* gRPC code 5 */
#define STATUS_PRECONDITION 412 /* gRPC code 9 */

/* ---- pieces of answers ---- */

/* A string or a number; absent is 0. */
static bool read_number(struct json_in value, uint64_t max, uint64_t *ret_number)
{
    struct wire_json_text text;
    *ret_number = 0;
    if (!wire_json_has(value))
        return true;
    if (value.kind == JSON_NUMBER)
        return wire_json_number(value, max, ret_number);
    return wire_json_text(value, &text) && wire_decimal(text.text, max, ret_number);
}

static bool read_flag(struct json_in value, bool *ret_flag)
{
    *ret_flag = false;
    return !wire_json_has(value) || wire_json_bool(value, ret_flag);
}

/* Absent is empty. */
static bool read_bytes(struct json_in value, struct wire_buffer *bytes)
{
    wire_buffer_clear(bytes);
    if (!wire_json_has(value))
        return true;
    struct wire_text encoded = {value.text + 1, value.length - 2};
    return value.kind == JSON_STRING && wire_base64_read(encoded, bytes);
}

static bool read_revision(struct json_in body, uint64_t *ret_revision)
{
    struct json_in header, revision;
    return json_in_member(body, "header", &header) &&
           json_in_member(header, "revision", &revision) &&
           read_number(revision, INT64_MAX, ret_revision);
}

/* What the key's family does not have is somebody's raw value; its bytes are not kept. */
static struct value value_of(const struct wire *self, const struct key *key,
                             const struct wire_buffer *bytes)
{
    struct value value;
    struct wire_text text = {bytes->bytes, bytes->length};
    if (!wire_value_read(self->cluster, key, text, &value))
        value = (struct value){.kind = VALUE_RAW};
    return value;
}

/* False: the text makes no sense. *ret_is_ours false: a key that no component wrote. */
static bool read_kv(const struct wire *self, struct json_in value, struct wire_buffer *bytes,
                    struct etcd_kv *ret_kv, bool *ret_is_ours)
{
    static const char *const names[] = {"key",          "value",   "create_revision",
                                        "mod_revision", "version", "lease"};
    struct json_in members[COUNT(names)];
    struct etcd_kv kv = {0};
    json_in_members(value, names, COUNT(names), members);
    if (members[0].kind != JSON_STRING || !read_bytes(members[0], bytes))
        return false;
    *ret_is_ours =
        wire_key_read(self->cluster, (struct wire_text){bytes->bytes, bytes->length}, &kv.key);
    if (!read_bytes(members[1], bytes) ||
        !read_number(members[2], INT64_MAX, &kv.create_revision) ||
        !read_number(members[3], INT64_MAX, &kv.mod_revision) ||
        !read_number(members[4], INT64_MAX, &kv.version) ||
        !read_number(members[5], INT64_MAX, &kv.lease))
        return false;
    if (*ret_is_ours)
        kv.value = value_of(self, &kv.key, bytes);
    *ret_kv = kv;
    return true;
}

/* ---- answers ---- */

struct listing {
    const struct wire *wire;
    struct wire_buffer bytes, kvs; /* struct etcd_kv[count] */
    uint32_t count;
};

static bool read_listing(struct listing *self, struct json_in kvs)
{
    struct json_in none, item;
    struct json_walk walk = json_walk_begin(kvs);
    while (json_walk_next(&walk, &none, &item)) {
        struct etcd_kv kv;
        bool is_ours;
        if (!read_kv(self->wire, item, &self->bytes, &kv, &is_ours))
            return false;
        if (!is_ours)
            continue;
        wire_buffer_add(&self->kvs, &kv, sizeof kv);
        self->count++;
    }
    return true;
}

/* One key: whatever it is called, it is the one that was asked for. */
static bool read_got(const struct wire *self, const struct key *key, struct json_in kvs,
                     struct listing *listing, struct message *m)
{
    struct json_in item, value = {.kind = JSON_INVALID};
    if (!json_in_element(kvs, 0, &item))
        return true;
    if (item.kind != JSON_OBJECT)
        return false;
    json_in_member(item, "value", &value);
    if (!read_bytes(value, &listing->bytes))
        return false;
    m->u.etcd_done.count = 1;
    m->u.etcd_done.value = value_of(self, key, &listing->bytes);
    return true;
}

static bool read_ranged(const struct wire *self, struct arena *arena,
                        const struct message *request, struct json_in body, struct message *m)
{
    static const char *const names[] = {"kvs", "count"};
    struct json_in members[COUNT(names)];
    struct listing listing = {.wire = self};
    uint64_t count;
    json_in_members(body, names, COUNT(names), members);
    if ((wire_json_has(members[0]) && members[0].kind != JSON_ARRAY) ||
        !read_number(members[1], UINT32_MAX, &count))
        return false;
    bool is_read = true;
    if (request->u.etcd.mode == RANGE_COUNT) {
        m->u.etcd_done.count = (uint32_t)count;
    } else if (request->u.etcd.mode == RANGE_GET) {
        is_read = read_got(self, &request->u.etcd.key, members[0], &listing, m);
    } else {
        is_read = read_listing(&listing, members[0]);
        m->u.etcd_done.count = listing.count;
    }
    if (is_read && listing.count > 0)
        m->u.etcd_done.kvs =
            blob_new(arena, ARENA_MESSAGE, listing.kvs.bytes, listing.kvs.length);
    wire_buffer_free(&listing.bytes);
    wire_buffer_free(&listing.kvs);
    return is_read;
}

static bool read_done(const struct message *request, struct json_in body, struct message *m)
{
    static const char *const names[] = {"deleted", "succeeded"};
    struct json_in members[COUNT(names)];
    uint64_t deleted;
    bool succeeded;
    json_in_members(body, names, COUNT(names), members);
    if (!read_number(members[0], UINT32_MAX, &deleted) || !read_flag(members[1], &succeeded))
        return false;
    if (request->kind == MSG_ETCD_DELETE)
        m->u.etcd_done.count = (uint32_t)deleted;
    if (request->kind == MSG_ETCD_TXN)
        m->u.etcd_done.succeeded = succeeded;
    return true;
}

/* A keep-alive is a stream of one. */
static bool read_lease(const struct message *request, struct json_in body, struct message *m)
{
    static const char *const names[] = {"ID", "TTL", "header"};
    struct json_in members[COUNT(names)], result = body;
    uint64_t lease, ttl_s;
    if (request->kind == MSG_LEASE_KEEPALIVE && !json_in_member(body, "result", &result))
        return false;
    json_in_members(result, names, COUNT(names), members);
    if (!read_number(members[0], UINT32_MAX, &lease) ||
        !read_number(members[1], UINT32_MAX, &ttl_s) || members[2].kind != JSON_OBJECT ||
        (lease != request->u.lease.lease && request->kind != MSG_LEASE_REVOKE))
        return false;
    if (request->kind != MSG_LEASE_REVOKE)
        m->u.lease.ttl_s = (uint32_t)ttl_s;
    return true;
}

static uint8_t status_of(uint16_t status, struct json_in body)
{
    struct json_in code;
    int64_t number = 0;
    if (!json_in_member(body, "code", &code) || !json_in_number(code, &number))
        return ETCD_UNAVAILABLE; /* not etcd's own words */
    if (status == STATUS_NOT_FOUND && number == 5)
        return ETCD_LEASE_NOT_FOUND;
    return status == STATUS_PRECONDITION && number == 9 ? ETCD_LEASE_EXISTS : ETCD_UNAVAILABLE;
}

static struct message reply_to(const struct message *request, enum message_kind kind)
{
    return (struct message){.kind = (uint16_t)kind,
                            .from = request->to,
                            .from_actor = request->to_actor,
                            .to = request->from,
                            .to_actor = request->from_actor,
                            .corr = request->corr};
}

static struct message watch_reply(const struct message *request, enum message_kind kind,
                                  uint64_t revision)
{
    struct message m = reply_to(request, kind);
    m.u.watch.key = request->u.watch.key;
    m.u.watch.depth = request->u.watch.depth;
    m.u.watch.watch = request->u.watch.watch;
    m.u.watch.revision = (uint32_t)revision;
    return m;
}

static bool is_lease(enum message_kind kind)
{
    return kind == MSG_LEASE_GRANT || kind == MSG_LEASE_KEEPALIVE || kind == MSG_LEASE_REVOKE;
}

bool wire_etcd_read(const struct wire *self, struct arena *arena, const struct message *request,
                    uint16_t status, struct wire_text body, struct message *ret_m)
{
    enum message_kind kind = (enum message_kind)request->kind;
    struct json_in value = json_in_parse(body.bytes, body.length);
    bool is_read = true;
    if (kind == MSG_WATCH_CREATE) {
        *ret_m = watch_reply(request, MSG_WATCH_CANCELED, 0);
        return true;
    }
    struct message m = reply_to(request, is_lease(kind)           ? MSG_LEASE_DONE
                                         : kind == MSG_ETCD_RANGE ? MSG_ETCD_RANGED
                                                                  : MSG_ETCD_DONE);
    if (is_lease(kind)) {
        m.u.lease.lease = request->u.lease.lease;
        if (status == STATUS_OK)
            is_read = read_lease(request, value, &m);
        else
            m.u.lease.status = status_of(status, value);
    } else if (status != STATUS_OK) {
        m.u.etcd_done.status = status_of(status, value);
    } else {
        is_read = read_revision(value, &m.u.etcd_done.revision) &&
                  (kind == MSG_ETCD_RANGE ? read_ranged(self, arena, request, value, &m)
                                          : read_done(request, value, &m));
    }
    if (is_read)
        *ret_m = m;
    return is_read;
}

/* ---- watches ---- */

struct watch_line {
    const struct wire *wire;
    const struct message *request;
    struct wire_buffer bytes;
    void *context;
    void (*each)(void *context, const struct message *m); /* NULL: only look */
};

/* A delete carries the previous value, if it is still known. */
static bool read_event(struct watch_line *self, struct json_in event)
{
    static const char *const names[] = {"kv", "prev_kv", "type"};
    struct json_in members[COUNT(names)];
    struct etcd_kv kv, previous = {0};
    bool is_ours, was_ours;
    json_in_members(event, names, COUNT(names), members);
    bool is_deleted = wire_json_is(members[2], "DELETE");
    if (!is_deleted && wire_json_has(members[2]) && !wire_json_is(members[2], "PUT"))
        return false;
    if (!read_kv(self->wire, members[0], &self->bytes, &kv, &is_ours) ||
        kv.mod_revision > UINT32_MAX)
        return false;
    if (wire_json_has(members[1]) &&
        !read_kv(self->wire, members[1], &self->bytes, &previous, &was_ours))
        return false;
    if (self->each == NULL || !is_ours)
        return true;
    struct message m = watch_reply(self->request, MSG_WATCH_EVENT, kv.mod_revision);
    m.corr = 0;
    m.u.watch.depth = 0;
    m.u.watch.key = kv.key;
    m.u.watch.value = is_deleted ? previous.value : kv.value;
    m.u.watch.deleted = is_deleted;
    self->each(self->context, &m);
    return true;
}

static bool read_events(struct watch_line *self, struct json_in events)
{
    struct json_in none, item;
    struct json_walk walk = json_walk_begin(events);
    while (json_walk_next(&walk, &none, &item)) {
        if (!read_event(self, item))
            return false;
    }
    return !wire_json_has(events) || events.kind == JSON_ARRAY;
}

static void tell(struct watch_line *self, enum message_kind kind, uint64_t revision)
{
    struct message m = watch_reply(self->request, kind, revision);
    self->each(self->context, &m);
}

bool wire_etcd_read_watch(const struct wire *self, const struct message *request,
                          struct wire_text line, void *context,
                          void (*each)(void *context, const struct message *m))
{
    static const char *const names[] = {"created", "canceled", "compact_revision", "events"};
    struct json_in members[COUNT(names)], result;
    struct watch_line watch = {.wire = self, .request = request, .context = context};
    uint64_t revision = 0, compacted;
    bool created, canceled;
    if (!json_in_member(json_in_parse(line.bytes, line.length), "result", &result))
        return false;
    json_in_members(result, names, COUNT(names), members);
    bool is_read = read_flag(members[0], &created) && read_flag(members[1], &canceled) &&
                   read_number(members[2], UINT32_MAX, &compacted) &&
                   (canceled || read_revision(result, &revision)) && revision <= UINT32_MAX &&
                   read_events(&watch, members[3]);
    if (is_read) {
        watch.each = each;
        if (created && !canceled)
            tell(&watch, MSG_WATCH_CREATED, revision);
        read_events(&watch, members[3]);
        if (canceled)
            tell(&watch, MSG_WATCH_CANCELED, compacted);
    }
    wire_buffer_free(&watch.bytes);
    return is_read;
}
