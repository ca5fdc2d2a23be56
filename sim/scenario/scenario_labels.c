/*
 * scenario_labels.c - tags and dedicated namespaces of invokers, tags that actions want.
 *
 * Tags are numbered as they are met: those of the invokers, then those of the actions, which
 * may want one that no invoker has. Invokers with the same tags and namespaces share an entry
 * of cluster.labels; a cluster without any has none.
 */
#include "scenario/scenario_internal.h"
#include <stddef.h>
#include "core/assert.h"

static bool is_tag(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length < TAG_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
               length;
}

static int read_tag(struct reader *r, const struct tree_node *node, uint32_t *tags)
{
    struct draft *draft = draft_of(r);
    struct cluster *cluster = &draft->scenario->cluster;
    const char *text;
    uint32_t tag = 0;
    int result = read_text(r, node, &text);
    if (result != 0)
        return result;
    if (!is_tag(text))
        return reader_fail(r, node, ERR_INPUT,
                           "\"%.60s\", expected a tag of 1 to %u letters, digits and _ . -",
                           text, TAG_MAX - 1);
    while (tag < cluster->tag_count && strcmp(draft->tags[tag], text) != 0)
        tag++;
    if (tag == TAGS_MAX)
        return reader_fail(r, node, ERR_INPUT, "too many tags, expected at most %u", TAGS_MAX);
    if (tag == cluster->tag_count) {
        if (draft->tags == NULL)
            draft->tags = region_array(r->region, TAGS_MAX, sizeof *draft->tags);
        snprintf(draft->tags[tag], TAG_MAX, "%s", text);
        cluster->tags = draft->tags;
        cluster->tag_count++;
    }
    *tags |= UINT32_C(1) << tag;
    return 0;
}

static int read_tags(struct reader *r, const struct tree_node *node, uint32_t *ret_tags)
{
    int result = expect_kind(r, node, TREE_LIST, "a list of tags");
    if (result == 0 && (node->count == 0 || node->count > LABEL_TAGS_MAX))
        result = reader_fail(r, node, ERR_INPUT, "%u tags, expected 1 to %u",
                             (unsigned)node->count, LABEL_TAGS_MAX);
    for (uint32_t i = 0; i < node->count && result == 0; i++)
        result = read_tag(r, node->items[i], ret_tags);
    return result;
}

int scenario_read_action_tags(struct reader *r, const struct tree_node *node, void *target)
{
    return read_tags(r, node, &((struct action_info *)target)->resources);
}

int scenario_read_strict(struct reader *r, const struct tree_node *node, void *target)
{
    bool is_strict = true;
    int result = read_bool(r, node, &is_strict);
    ((struct action_info *)target)->lax_resources = !is_strict;
    return result;
}

/* ---- invokers ---- */

int scenario_read_invoker_tags(struct reader *r, const struct tree_node *node, void *target)
{
    ((struct draft *)target)->tags_at = node;
    return expect_kind(r, node, TREE_MAP, "a mapping of invokers to lists of tags");
}

int scenario_read_dedicated(struct reader *r, const struct tree_node *node, void *target)
{
    ((struct draft *)target)->dedicated_at = node;
    return expect_kind(r, node, TREE_MAP, "a mapping of invokers to lists of namespaces");
}

static struct labels *labels_by_name(struct reader *r, const struct tree_node *key)
{
    struct draft *draft = draft_of(r);
    node_id node = draft_find_node(draft, key->text);
    if (node != NODE_NONE && cluster_kind(&draft->scenario->cluster, node) == NODE_INVOKER)
        return &draft->labels[node];
    reader_fail(r, key, ERR_INPUT,
                "no invoker \"%.60s\" in the cluster, expected one such as "
                "invoker0",
                key->text);
    return NULL;
}

int draft_read_tags(struct reader *r)
{
    struct draft *draft = draft_of(r);
    const struct tree_node *node = draft->tags_at;
    int result = 0;
    draft->labels =
        region_array(r->region, draft->scenario->cluster.node_count, sizeof *draft->labels);
    for (uint32_t i = 0; node != NULL && i < node->count && result == 0; i++) {
        struct labels *labels = labels_by_name(r, node->keys[i]);
        result = labels == NULL ? -ERR_INPUT : read_tags(r, node->items[i], &labels->tags);
    }
    return result;
}

static int read_namespaces(struct reader *r, const struct tree_node *node,
                           struct labels *labels)
{
    int result = expect_kind(r, node, TREE_LIST, "a list of namespaces");
    if (result == 0 && (node->count == 0 || node->count > DEDICATED_MAX))
        result = reader_fail(r, node, ERR_INPUT, "%u namespaces, expected 1 to %u",
                             (unsigned)node->count, DEDICATED_MAX);
    for (uint32_t i = 0; i < node->count && result == 0; i++) {
        const char *name;
        result = read_text(r, node->items[i], &name);
        if (result != 0)
            return result;
        namespace_id ns = draft_find_namespace(draft_of(r), name, strlen(name));
        if (ns == NAMESPACE_NONE)
            return reader_fail(r, node->items[i], ERR_INPUT,
                               "no namespace \"%.60s\", expected one of `namespaces`", name);
        uint32_t at = labels->dedicated_count++; /* ascending: equal sets are equal lists */
        for (; at > 0 && labels->dedicated[at - 1] > ns; at--)
            labels->dedicated[at] = labels->dedicated[at - 1];
        labels->dedicated[at] = ns;
    }
    return result;
}

/* The entry with these labels, made if there is none; UINT32_MAX: too many. */
static uint32_t labels_entry(struct cluster *cluster, struct labels *list,
                             const struct labels *labels)
{
    uint32_t i = 0;
    while (i < cluster->label_count && memcmp(&list[i], labels, sizeof *labels) != 0)
        i++;
    if (i > LABELS_MAX)
        return UINT32_MAX;
    if (i == cluster->label_count)
        list[cluster->label_count++] = *labels;
    return i;
}

int draft_finish_labels(struct reader *r, const struct tree_node *root)
{
    struct draft *draft = draft_of(r);
    struct cluster *cluster = &draft->scenario->cluster;
    const struct tree_node *node = draft->dedicated_at;
    if (draft->tags_at == NULL && node == NULL)
        return 0;
    for (uint32_t i = 0; node != NULL && i < node->count; i++) {
        struct labels *labels = labels_by_name(r, node->keys[i]);
        int result = labels == NULL ? -ERR_INPUT : read_namespaces(r, node->items[i], labels);
        if (result != 0)
            return result;
    }
    struct labels *list = region_array(r->region, LABELS_MAX + 1, sizeof *list);
    cluster->labels = list;
    cluster->label_count = 1;
    for (uint32_t i = 0; i < cluster->node_count; i++) {
        uint32_t entry = labels_entry(cluster, list, &draft->labels[i]);
        if (entry == UINT32_MAX)
            return reader_fail(r, root, ERR_INPUT,
                               "too many different invokers, expected at most %u", LABELS_MAX);
        ASSERT_OP(entry, <=, LABELS_MAX);
        draft->nodes[i].labels = (uint8_t)entry;
    }
    return 0;
}
