/* tree_path.c - overrides: put a value where a path points. */
#include "scenario/tree.h"
#include <stdlib.h>
#include <string.h>

struct tree_walk {
    struct region *region;
    const char *path;
    struct tree_node *value;
    struct errmsg *err;
};

static int walk_failed(const struct tree_walk *w, const char *what, const char *expected)
{
    return tree_fail(w->value, w->err, ERR_INPUT, "path %.100s: %s, expected %s", w->path, what,
                     expected);
}

static void node_append(struct region *region, struct tree_node *parent, struct tree_node *key,
                        struct tree_node *item)
{
    struct tree_node **items = region_array(region, parent->count + 1u, sizeof *items);
    struct tree_node **keys = region_array(region, parent->count + 1u, sizeof *keys);
    for (uint32_t i = 0; i < parent->count; i++) {
        items[i] = parent->items[i];
        keys[i] = parent->kind == TREE_MAP ? parent->keys[i] : NULL;
    }
    items[parent->count] = item;
    keys[parent->count] = key;
    parent->items = items;
    parent->keys = keys;
    parent->count++;
    parent->max = parent->count;
}

/* The member whose key is the rest, or the longest that the rest begins with. */
static uint32_t longest_key(const struct tree_node *map, const char *rest, size_t *ret_length)
{
    uint32_t best = UINT32_MAX;
    *ret_length = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        size_t length = strlen(map->keys[i]->text);
        if (length > 0 && length > *ret_length &&
            strncmp(rest, map->keys[i]->text, length) == 0 &&
            (rest[length] == '\0' || rest[length] == '.')) {
            best = i;
            *ret_length = length;
        }
    }
    return best;
}

static struct tree_node *node_like(struct region *region, const struct tree_node *value,
                                   enum tree_kind kind)
{
    struct tree_node *node = region_alloc(region, sizeof *node);
    node->kind = (uint8_t)kind;
    node->file = value->file;
    node->line = value->line;
    node->column = value->column;
    return node;
}

/* Where keys hold dots themselves, a rest without a present key is one key. */
static bool has_dotted_keys(const char *path, const char *rest)
{
    static const char *const prefixes[] = {"config.", "timing.", "checks.", "faults."};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t length = strlen(prefixes[i]);
        if (strncmp(path, prefixes[i], length) == 0 && rest > path)
            return true;
    }
    return false;
}

static int walk_map(const struct tree_walk *w, struct tree_node *map, const char **rest,
                    struct tree_node ***ret_slot)
{
    size_t length;
    uint32_t found = longest_key(map, *rest, &length);
    if (found == UINT32_MAX) {
        length = has_dotted_keys(w->path, *rest) ? strlen(*rest) : strcspn(*rest, ".");
        if (length == 0)
            return walk_failed(w, "an empty word", "words with dots between");
        struct tree_node *key = node_like(w->region, w->value, TREE_TEXT);
        key->text = region_text(w->region, *rest, length);
        node_append(w->region, map, key, node_like(w->region, w->value, TREE_MAP));
        found = map->count - 1;
    }
    *ret_slot = &map->items[found];
    *rest += length;
    return 0;
}

static int walk_list(const struct tree_walk *w, struct tree_node *list, const char **rest,
                     struct tree_node ***ret_slot)
{
    size_t length = strcspn(*rest, ".");
    if (length == 0 || length > 6 || strspn(*rest, "0123456789") < length)
        return walk_failed(w, "no index of a list", "a number from 0");
    unsigned long index = strtoul(*rest, NULL, 10);
    if (index > list->count)
        return walk_failed(w, "an index past the end of the list",
                           "one of its elements or the next");
    if (index == list->count)
        node_append(w->region, list, NULL, node_like(w->region, w->value, TREE_MAP));
    *ret_slot = &list->items[index];
    *rest += length;
    return 0;
}

int tree_set(struct region *region, struct tree_node *root, const char *path,
             struct tree_node *value, struct errmsg *err)
{
    struct tree_walk w = {.region = region, .path = path, .value = value, .err = err};
    struct tree_node *node = root, **slot = NULL;
    for (const char *rest = path;;) {
        int result = 0;
        if (node->kind == TREE_MAP)
            result = walk_map(&w, node, &rest, &slot);
        else if (node->kind == TREE_LIST)
            result = walk_list(&w, node, &rest, &slot);
        else
            return walk_failed(&w, "goes into a plain value", "a mapping or a list on the way");
        if (result != 0)
            return result;
        if (*rest == '\0')
            break;
        rest++;
        node = *slot;
    }
    *slot = value;
    return 0;
}
