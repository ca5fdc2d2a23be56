#pragma once
/*
 * tree.h - YAML as a tree of text, with the place of every node.
 *
 * Built from libyaml's events: scalars stay text until a schema reads them, mappings keep the
 * order of the file. Refused while reading: more than TREE_BYTES_MAX bytes or TREE_DEPTH_MAX
 * levels (libyaml itself is quadratic in depth), aliases, anchors, tags, a second document, a
 * key given twice, a key that is no text, a NUL in a text.
 */
#include <stdbool.h>
#include <stdint.h>
#include "core/digest.h"
#include "scenario/err.h"
#include "scenario/region.h"

#define TREE_BYTES_MAX ((size_t)1 << 20)
#define TREE_DEPTH_MAX 32

enum tree_kind { TREE_TEXT, TREE_LIST, TREE_MAP };

struct tree_node {
    uint8_t kind;          /* enum tree_kind */
    bool quoted;           /* TREE_TEXT in quotes or as a block: never a number to guess at */
    uint32_t line, column; /* from 1 */
    const char *file;
    const char *text;         /* TREE_TEXT; NUL-terminated */
    struct tree_node **items; /* TREE_LIST: elements; TREE_MAP: values */
    struct tree_node **keys;  /* TREE_MAP */
    uint32_t count, max;
};

/* All of a regular file, at most bytes_max; NUL added. ERR_FILE. */
int file_read(struct region *region, const char *path, size_t bytes_max, char **ret_bytes,
              size_t *ret_length, struct errmsg *err);

/* ERR_INPUT, text `file:line:column: what, expected what`. */
int tree_parse(struct region *region, const char *file, const char *bytes, size_t length,
               struct tree_node **ret_root, struct errmsg *err);
/* ERR_FILE, ERR_INPUT. */
int tree_read_file(struct region *region, const char *path, struct tree_node **ret_root,
                   struct errmsg *err);

/* A member of a map; NULL when absent or `map` is no map. */
struct tree_node *tree_get(const struct tree_node *map, const char *key);

/*
 * Put a value at a path such as `load.0.for` or `cluster.bugs.lost-creation-id`. Keys may hold
 * dots themselves: at each map the longest present key that fits wins; without one, the rest of
 * the path is one key below `config`, `timing` and `checks` and in a fault, else the next word
 * is. Missing maps are made; a list index is that of an element, or one past the last.
 * ERR_INPUT, text begins with the value's place.
 */
int tree_set(struct region *region, struct tree_node *root, const char *path,
             struct tree_node *value, struct errmsg *err);

struct tree_node *tree_copy(struct region *region, const struct tree_node *node);
void tree_digest(const struct tree_node *node, struct digest *digest);

/* `file:line:column: ` and the text. Returns -code. */
int tree_fail(const struct tree_node *at, struct errmsg *err, enum err code, const char *format,
              ...) __attribute__((format(printf, 4, 5)));
