/*
 * etcd_range.c - ranges over the store, and the ranges that prefixes stand for.
 */
#include "etcd/etcd_store.h"
#include "core/assert.h"
#include <stdio.h>
#include <string.h>

#define LISTING_FIRST 16u

static bool is_zero_byte(struct etcd_text text)
{
    return text.length == 1 && text.bytes[0] == '\0';
}

bool etcd_span_is_single(const struct etcd_span *span)
{
    return span->end.length == 0;
}

bool etcd_span_is_empty(const struct etcd_span *span)
{
    return !etcd_span_is_single(span) && !is_zero_byte(span->end) &&
           etcd_text_compare(span->end, span->from) <= 0;
}

bool etcd_span_has(const struct etcd_span *span, struct etcd_text text)
{
    int order = etcd_text_compare(text, span->from);
    if (etcd_span_is_single(span))
        return order == 0;
    return order >= 0 && (is_zero_byte(span->end) || etcd_text_compare(text, span->end) < 0);
}

/* Length of the prefix inside the text of a whole key of its family; see key.h. */
static size_t prefix_length(const struct cluster *cluster, const struct key *prefix,
                            unsigned depth, char *text)
{
    const char *ns = cluster_namespace_name(cluster, prefix->ns);
    const char *action = cluster_action_name(cluster, prefix->action);
    size_t length =
        (size_t)snprintf(text, ETCD_TEXT_MAX, "whisk/%s", key_family_to_string(prefix->family));
    if (depth >= 2)
        length = (size_t)snprintf(text + length, ETCD_TEXT_MAX - length, "/%s/", ns) + length;
    if (depth >= 3) /* only a throttling key ends behind its action */
        length += (size_t)snprintf(text + length, ETCD_TEXT_MAX - length, "%s%s", action,
                                   prefix->family == KEY_THROTTLING ? "" : "/");
    ASSERT_OP(length, <, ETCD_TEXT_MAX);
    if (depth >= 4) {
        char whole[ETCD_TEXT_MAX];
        size_t whole_length = key_print(cluster, prefix, whole, sizeof whole);
        ASSERT(whole_length < sizeof whole && memcmp(whole, text, length) == 0);
        do
            text[length] = whole[length];
        while (whole[length++] != '/');
    }
    return length;
}

struct etcd_span etcd_span_prefix(const struct cluster *cluster, const struct key *prefix,
                                  unsigned depth, char text[2 * ETCD_TEXT_MAX])
{
    if (prefix->family == KEY_NONE)
        return (struct etcd_span){ETCD_ZERO_BYTE, ETCD_ZERO_BYTE};
    ASSERT_OP(depth, >=, 1);
    char *end = text + ETCD_TEXT_MAX;
    uint32_t length = (uint32_t)prefix_length(cluster, prefix, depth, text);
    memcpy(end, text, length);
    end[length - 1]++; /* names are ASCII: never 0xff */
    return (struct etcd_span){{text, length}, {end, length}};
}

struct etcd_cursor etcd_store_range(const struct etcd_store *self, const struct etcd_span *span)
{
    struct etcd_cursor cursor = {.store = self};
    cursor.at = etcd_index_lower(&self->index, span->from);
    if (etcd_span_is_single(span)) {
        cursor.end = cursor.at;
        if (cursor.at < self->index.count &&
            etcd_span_has(span, etcd_entry_text(self->index.sorted[cursor.at])))
            cursor.end++;
    } else if (is_zero_byte(span->end)) {
        cursor.end = self->index.count;
    } else {
        cursor.end = etcd_index_lower(&self->index, span->end);
    }
    return cursor;
}

const struct etcd_version *etcd_cursor_next(struct etcd_cursor *self)
{
    if (self->at >= self->end)
        return NULL;
    return self->store->index.sorted[self->at++]->newest;
}

uint64_t etcd_store_count(const struct etcd_store *self, const struct etcd_span *span)
{
    struct etcd_cursor cursor = etcd_store_range(self, span);
    return cursor.at >= cursor.end ? 0 : cursor.end - cursor.at;
}

void etcd_listing_add(struct etcd_listing *self, const struct machine_env *env,
                      const struct etcd_version *version)
{
    if (self->length == self->max) {
        self->max = self->max == 0 ? LISTING_FIRST : self->max * 2;
        self->versions = arena_grow(env->arena, env->node, self->versions,
                                    self->max * sizeof self->versions[0]);
    }
    self->versions[self->length++] = version;
}

void etcd_listing_free(struct etcd_listing *self, const struct machine_env *env)
{
    arena_release(env->arena, self->versions);
    *self = (struct etcd_listing){0};
}

static int numbers_compare(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int versions_compare(const struct etcd_store *store, enum etcd_sort_by by,
                            const struct etcd_version *a, const struct etcd_version *b)
{
    char one[ETCD_TEXT_MAX], other[ETCD_TEXT_MAX];
    switch (by) {
    case ETCD_BY_KEY:
        return etcd_text_compare(etcd_entry_text(a->entry), etcd_entry_text(b->entry));
    case ETCD_BY_VERSION:
        return numbers_compare(a->version, b->version);
    case ETCD_BY_CREATE:
        return numbers_compare(a->create_revision, b->create_revision);
    case ETCD_BY_MOD:
        return numbers_compare(a->revision, b->revision);
    case ETCD_BY_VALUE:
        return etcd_text_compare(etcd_version_value(store, a, one),
                                 etcd_version_value(store, b, other));
    }
    return 0;
}

/* Merge runs of doubling length between the list and a second array. */
void etcd_listing_sort(struct etcd_listing *self, const struct etcd_store *store,
                       enum etcd_sort_by by, bool downwards)
{
    const struct machine_env *env = store->env;
    uint32_t n = self->length;
    if (n < 2)
        return;
    const struct etcd_version **from = self->versions,
                              **to = arena_alloc(env->arena, env->node, n * sizeof to[0]);
    for (uint32_t run = 1; run < n; run *= 2) {
        for (uint32_t first = 0; first < n; first += 2 * run) {
            uint32_t middle = first + run < n ? first + run : n;
            uint32_t end = middle + run < n ? middle + run : n, a = first, b = middle;
            for (uint32_t at = first; at < end; at++) {
                int order = a == middle || b == end
                                ? (a == middle) - (b == end)
                                : versions_compare(store, by, from[a], from[b]);
                bool is_second = a < middle && b < end && downwards ? order < 0 : order > 0;
                to[at] = is_second ? from[b++] : from[a++];
            }
        }
        const struct etcd_version **swap = from;
        from = to;
        to = swap;
    }
    self->versions = from;
    self->max = n;
    arena_release(env->arena, to);
}

/* What this life was at the revision, put where its key belongs. */
static void past_add(const struct etcd_store *self, const struct etcd_entry *entry,
                     uint64_t revision, struct etcd_listing *list)
{
    const struct etcd_version *version = entry->newest;
    while (version != NULL && version->revision > revision)
        version = version->older;
    if (version == NULL || version->deleted)
        return;
    etcd_listing_add(list, self->env, version);
    uint32_t at = list->length - 1;
    while (at > 0 && etcd_text_compare(etcd_entry_text(list->versions[at - 1]->entry),
                                       etcd_entry_text(entry)) > 0) {
        list->versions[at] = list->versions[at - 1];
        at--;
    }
    list->versions[at] = version;
}

void etcd_store_past(const struct etcd_store *self, const struct etcd_span *span,
                     uint64_t revision, struct etcd_listing *ret_list)
{
    *ret_list = (struct etcd_listing){0};
    struct etcd_cursor cursor = etcd_store_range(self, span);
    const struct etcd_version *version;
    while ((version = etcd_cursor_next(&cursor)) != NULL)
        past_add(self, version->entry, revision, ret_list);
    for (version = self->log_first; version != NULL; version = version->log_next) {
        if (version->deleted && etcd_span_has(span, etcd_entry_text(version->entry)))
            past_add(self, version->entry, revision, ret_list);
    }
    ret_list->count = ret_list->length;
}
