/*
 * etcd_watch.c - see etcd_watch.h.
 */
#include "etcd/etcd_watch.h"
#include "core/assert.h"
#include <string.h>

NAMES_DEFINE(etcd_cancel, ETCD_CANCEL_LIST)

#define WATCHES_FIRST 16u

static bool stream_equal(struct etcd_stream a, struct etcd_stream b)
{
    return a.node == b.node && a.actor == b.actor && a.number == b.number;
}

struct etcd_watch *etcd_watch_find(const struct etcd_watches *self, struct etcd_stream stream,
                                   int64_t id)
{
    for (uint32_t i = 0; i < self->count; i++) {
        struct etcd_watch *watch = self->list[i];
        if (watch->id == id && stream_equal(watch->stream, stream))
            return watch;
    }
    return NULL;
}

/* 0, 1, 2 ... per stream, none twice; ids that the client chose are passed over. */
static int64_t watch_draw_id(const struct etcd_watches *self,
                             const struct etcd_watch_request *request)
{
    ASSERT(request->stream_next_id != NULL);
    int64_t id = *request->stream_next_id;
    while (etcd_watch_find(self, request->stream, id) != NULL)
        id++;
    *request->stream_next_id = id + 1;
    return id;
}

static struct etcd_watch *watch_new(const struct machine_env *env, const struct etcd_span *span)
{
    uint32_t length = span->from.length + span->end.length;
    struct etcd_watch *watch = arena_alloc(env->arena, env->node, sizeof *watch + length);
    watch->from_length = span->from.length;
    watch->end_length = span->end.length;
    memcpy(watch->text, span->from.bytes, span->from.length);
    if (span->end.length > 0)
        memcpy(watch->text + span->from.length, span->end.bytes, span->end.length);
    watch->all = span->from.length == 1 && span->from.bytes[0] == '\0' &&
                 span->end.length == 1 && span->end.bytes[0] == '\0';
    return watch;
}

struct etcd_watch *etcd_watch_open(struct etcd_watches *self, const struct etcd_store *store,
                                   const struct etcd_watch_request *request,
                                   enum etcd_cancel *ret_reason)
{
    const struct machine_env *env = store->env;
    struct etcd_span span = request->span;
    if (span.from.length == 0)
        span.from = ETCD_ZERO_BYTE;
    *ret_reason = ETCD_CANCEL_NONE;
    int64_t id = request->id;
    if (etcd_span_is_empty(&span))
        *ret_reason = ETCD_CANCEL_EMPTY_RANGE;
    else if (id == ETCD_WATCH_ID_DRAWN)
        id = watch_draw_id(self, request);
    else if (etcd_watch_find(self, request->stream, id) != NULL)
        *ret_reason = ETCD_CANCEL_DUPLICATE_ID;
    if (*ret_reason != ETCD_CANCEL_NONE)
        return NULL;
    struct etcd_watch *watch = watch_new(env, &span);
    watch->stream = request->stream;
    watch->id = id;
    watch->next = request->start_revision == 0 ? store->revision + 1 : request->start_revision;
    watch->prev_kv = request->prev_kv;
    watch->no_put = request->no_put;
    watch->no_delete = request->no_delete;
    watch->progress_notify = request->progress_notify;
    if (self->count == self->max) {
        self->max = self->max == 0 ? WATCHES_FIRST : self->max * 2;
        self->list =
            arena_grow(env->arena, env->node, self->list, self->max * sizeof self->list[0]);
    }
    self->list[self->count++] = watch;
    return watch;
}

bool etcd_watch_is_too_late(const struct etcd_watch *self, const struct etcd_store *store)
{
    return self->next < store->compacted;
}

void etcd_watch_close(struct etcd_watches *self, const struct machine_env *env,
                      struct etcd_watch *watch)
{
    uint32_t at = 0;
    while (at < self->count && self->list[at] != watch)
        at++;
    ASSERT_OP(at, <, self->count);
    self->count--;
    memmove(self->list + at, self->list + at + 1, (self->count - at) * sizeof self->list[0]);
    arena_release(env->arena, watch);
}

static void watches_close(struct etcd_watches *self, const struct machine_env *env,
                          struct etcd_stream stream, bool whole_node)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < self->count; i++) {
        struct etcd_stream other = self->list[i]->stream;
        if (whole_node ? other.node == stream.node : stream_equal(other, stream))
            arena_release(env->arena, self->list[i]);
        else
            self->list[kept++] = self->list[i];
    }
    self->count = kept;
}

void etcd_watches_close_node(struct etcd_watches *self, const struct machine_env *env,
                             node_id node)
{
    watches_close(self, env, (struct etcd_stream){.node = node}, true);
}

void etcd_watches_close_stream(struct etcd_watches *self, const struct machine_env *env,
                               struct etcd_stream stream)
{
    watches_close(self, env, stream, false);
}

static struct etcd_span watch_span(const struct etcd_watch *self)
{
    return (struct etcd_span){{self->text, self->from_length},
                              {self->text + self->from_length, self->end_length}};
}

bool etcd_watch_wants(const struct etcd_watch *self, const struct etcd_version *version)
{
    if (version->revision < self->next || (version->deleted ? self->no_delete : self->no_put))
        return false;
    if (self->all)
        return true;
    struct etcd_span span = watch_span(self);
    return etcd_span_has(&span, etcd_entry_text(version->entry));
}

const struct etcd_version *etcd_watch_next(const struct etcd_watch *self,
                                           const struct etcd_version *from)
{
    while (from != NULL && !etcd_watch_wants(self, from))
        from = from->log_next;
    return from;
}

void etcd_watch_told(struct etcd_watch *self, const struct etcd_store *store)
{
    if (self->next <= store->revision)
        self->next = store->revision + 1;
}

bool etcd_watch_is_idle(struct etcd_watch *self)
{
    bool idle = !self->told;
    self->told = false;
    return idle;
}

void etcd_watches_digest(const struct etcd_watches *self, struct digest *d)
{
    digest_word(d, self->count);
    for (uint32_t i = 0; i < self->count; i++) {
        const struct etcd_watch *watch = self->list[i];
        digest_two(d, (uint64_t)watch->stream.node << 32 | watch->stream.actor,
                   watch->stream.number);
        digest_two(d, (uint64_t)watch->id, watch->next);
        digest_two(d, (uint64_t)watch->from_length << 32 | watch->end_length,
                   (uint64_t)watch->all << 5 | (uint64_t)watch->prev_kv << 4 |
                       (uint64_t)watch->no_put << 3 | (uint64_t)watch->no_delete << 2 |
                       (uint64_t)watch->progress_notify << 1 | watch->told);
        for (uint32_t c = 0; c < watch->from_length + watch->end_length; c++)
            digest_word(d, (unsigned char)watch->text[c]);
    }
}
