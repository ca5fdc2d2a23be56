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
