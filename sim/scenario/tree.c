/* tree.c - from libyaml's events to a tree. */
#include "scenario/tree.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

struct tree_builder {
    struct region *region;
    const char *file;
    struct errmsg *err;
    const char *bytes;
    size_t length;
    struct tree_node *root;
    struct tree_node *stack[TREE_DEPTH_MAX];
    struct tree_node *keys[TREE_DEPTH_MAX]; /* the key whose value comes next */
    uint32_t depth;
    uint32_t document_count;
};

static int tree_on_event(struct tree_builder *b, const yaml_event_t *event);
static int tree_parser_failed(struct tree_builder *b, const yaml_parser_t *parser);

int tree_fail(const struct tree_node *at, struct errmsg *err, enum err code, const char *format,
              ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return errmsg_set(err, code, "%.160s:%u:%u: %s", at->file, at->line, at->column, text);
}

int file_read(struct region *region, const char *path, size_t bytes_max, char **ret_bytes,
              size_t *ret_length, struct errmsg *err)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return errmsg_set(err, ERR_FILE, "%.160s:1:1: %s, expected a file that can be read",
                          path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return errmsg_set(err, ERR_FILE, "%.160s:1:1: %s, expected a regular file", path,
                          S_ISDIR(info.st_mode) ? "a directory" : "not a regular file");
    if ((uint64_t)info.st_size > bytes_max)
        return errmsg_set(err, ERR_FILE, "%.160s:1:1: %llu bytes, expected at most %zu", path,
                          (unsigned long long)info.st_size, bytes_max);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return errmsg_set(err, ERR_FILE, "%.160s:1:1: %s, expected a file that can be read",
                          path, strerror(errno));
    char *bytes = region_alloc(region, (size_t)info.st_size + 1);
    size_t length = fread(bytes, 1, (size_t)info.st_size, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed)
        return errmsg_set(err, ERR_FILE, "%.160s:1:1: reading failed, expected a whole file",
                          path);
    *ret_bytes = bytes;
    *ret_length = length;
    return 0;
}

int tree_parse(struct region *region, const char *file, const char *bytes, size_t length,
               struct tree_node **ret_root, struct errmsg *err)
{
    if (length > TREE_BYTES_MAX)
        return errmsg_set(err, ERR_INPUT, "%.160s:1:1: %zu bytes, expected at most %zu", file,
                          length, TREE_BYTES_MAX);
    struct tree_builder b = {
        .region = region, .file = file, .err = err, .bytes = bytes, .length = length};
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return errmsg_set(err, ERR_ENVIRONMENT, "no memory for the YAML reader");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, length);
    int result = 0;
    for (bool done = false; !done && result == 0;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            result = tree_parser_failed(&b, &parser);
            break;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        result = tree_on_event(&b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (result == 0 && b.root == NULL)
        result =
            errmsg_set(err, ERR_INPUT, "%.160s:1:1: nothing in it, expected a mapping", file);
    *ret_root = b.root;
    return result;
}

int tree_read_file(struct region *region, const char *path, struct tree_node **ret_root,
                   struct errmsg *err)
{
    char *bytes = NULL;
    size_t length = 0;
    int result = file_read(region, path, TREE_BYTES_MAX, &bytes, &length, err);
    if (result != 0)
        return result;
    return tree_parse(region, region_text(region, path, strlen(path)), bytes, length, ret_root,
                      err);
}

struct tree_node *tree_get(const struct tree_node *map, const char *key)
{
    if (map == NULL || map->kind != TREE_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}

struct tree_node *tree_copy(struct region *region, const struct tree_node *node)
{
    struct tree_node *copy = region_alloc(region, sizeof *copy);
    *copy = *node;
    if (node->kind == TREE_TEXT)
        return copy;
    copy->max = node->count;
    copy->items = region_array(region, node->count, sizeof *copy->items);
    if (node->kind == TREE_MAP)
        copy->keys = region_array(region, node->count, sizeof *copy->keys);
    for (uint32_t i = 0; i < node->count; i++) {
        copy->items[i] = tree_copy(region, node->items[i]);
        if (node->kind == TREE_MAP)
            copy->keys[i] = node->keys[i]; /* never changed */
    }
    return copy;
}

void tree_digest(const struct tree_node *node, struct digest *digest)
{
    digest_two(digest, node->kind, node->count);
    if (node->kind == TREE_TEXT)
        for (const char *c = node->text; *c != '\0'; c++)
            digest_word(digest, (uint64_t)(unsigned char)*c);
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->kind == TREE_MAP)
            tree_digest(node->keys[i], digest);
        tree_digest(node->items[i], digest);
    }
}

/* ---- building ---- */

static int tree_fail_at(struct tree_builder *b, yaml_mark_t mark, const char *text)
{
    return errmsg_set(b->err, ERR_INPUT, "%.160s:%zu:%zu: %s", b->file, mark.line + 1,
                      mark.column + 1, text);
}

/* Scanner and parser give a mark; the byte reader only an offset. */
static int tree_parser_failed(struct tree_builder *b, const yaml_parser_t *parser)
{
    const char *problem = parser->problem != NULL ? parser->problem : "unreadable";
    size_t line = parser->problem_mark.line + 1, column = parser->problem_mark.column + 1;
    if (parser->error == YAML_READER_ERROR) {
        line = column = 1;
        for (size_t i = 0; i < parser->problem_offset && i < b->length; i++) {
            line += b->bytes[i] == '\n';
            column = b->bytes[i] == '\n' ? 1 : column + 1;
        }
    }
    return errmsg_set(b->err, ERR_INPUT, "%.160s:%zu:%zu: %s, expected valid YAML", b->file,
                      line, column, problem);
}

static int compare_keys(const void *a, const void *b)
{
    const struct tree_node *left = *(struct tree_node *const *)a;
    const struct tree_node *right = *(struct tree_node *const *)b;
    int order = strcmp(left->text, right->text);
    if (order != 0)
        return order;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return left->column < right->column ? -1 : left->column > right->column;
}

/* By sorting: a file may hold a hundred thousand keys. */
static int tree_check_keys(struct tree_builder *b, const struct tree_node *map)
{
    if (map->count < 2)
        return 0;
    struct tree_node **sorted = malloc(map->count * sizeof *sorted);
    if (sorted == NULL)
        return errmsg_set(b->err, ERR_ENVIRONMENT, "no memory for the YAML reader");
    memcpy(sorted, map->keys, map->count * sizeof *sorted);
    qsort(sorted, map->count, sizeof *sorted, compare_keys);
    int result = 0;
    for (uint32_t i = 1; i < map->count && result == 0; i++)
        if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0)
            result = tree_fail(sorted[i], b->err, ERR_INPUT,
                               "key \"%.80s\" given twice, expected it once (first in line %u)",
                               sorted[i]->text, sorted[i - 1]->line);
    free(sorted);
    return result;
}

static void tree_grow(struct region *region, struct tree_node *parent)
{
    uint32_t max = parent->max == 0 ? 8 : parent->max * 2;
    struct tree_node **items = region_array(region, max, sizeof *items);
    struct tree_node **keys = region_array(region, max, sizeof *keys);
    if (parent->count > 0) {
        memcpy(items, parent->items, parent->count * sizeof *items);
        if (parent->kind == TREE_MAP)
            memcpy(keys, parent->keys, parent->count * sizeof *keys);
    }
    parent->items = items;
    parent->keys = keys;
    parent->max = max;
}

/* Hang a finished head of a node into its parent, as element, key or value. */
static int tree_attach(struct tree_builder *b, struct tree_node *node)
{
    if (b->depth == 0) {
        b->root = node;
        return 0;
    }
    struct tree_node *parent = b->stack[b->depth - 1];
    struct tree_node **key = &b->keys[b->depth - 1];
    if (parent->kind == TREE_MAP && *key == NULL) {
        if (node->kind != TREE_TEXT)
            return tree_fail(node, b->err, ERR_INPUT,
                             "a key that is a list or a mapping, expected text");
        *key = node;
        return 0;
    }
    if (parent->count == parent->max)
        tree_grow(b->region, parent);
    if (parent->kind == TREE_MAP)
        parent->keys[parent->count] = *key;
    parent->items[parent->count++] = node;
    *key = NULL;
    return 0;
}

static int tree_open(struct tree_builder *b, enum tree_kind kind, const yaml_event_t *event,
                     const yaml_char_t *anchor, const yaml_char_t *tag)
{
    yaml_mark_t mark = event->start_mark;
    if (anchor != NULL)
        return tree_fail_at(b, mark, "an anchor, expected the value itself");
    if (tag != NULL)
        return tree_fail_at(b, mark, "a tag, expected the value itself");
    if (kind != TREE_TEXT && b->depth == TREE_DEPTH_MAX)
        return tree_fail_at(b, mark, "nested too deep, expected at most 32 levels");
    struct tree_node *node = region_alloc(b->region, sizeof *node);
    node->kind = (uint8_t)kind;
    node->file = b->file;
    node->line = (uint32_t)mark.line + 1;
    node->column = (uint32_t)mark.column + 1;
    if (kind == TREE_TEXT) {
        const char *text = (const char *)event->data.scalar.value;
        if (memchr(text, '\0', event->data.scalar.length) != NULL)
            return tree_fail_at(b, mark, "a NUL in a text, expected printable text");
        node->text = region_text(b->region, text, event->data.scalar.length);
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    }
    int result = tree_attach(b, node);
    if (result == 0 && kind != TREE_TEXT) {
        b->keys[b->depth] = NULL;
        b->stack[b->depth++] = node;
    }
    return result;
}

static int tree_on_event(struct tree_builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return tree_open(b, TREE_TEXT, event, event->data.scalar.anchor,
                         event->data.scalar.tag);
    case YAML_SEQUENCE_START_EVENT:
        return tree_open(b, TREE_LIST, event, event->data.sequence_start.anchor,
                         event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return tree_open(b, TREE_MAP, event, event->data.mapping_start.anchor,
                         event->data.mapping_start.tag);
    case YAML_MAPPING_END_EVENT:
        return tree_check_keys(b, b->stack[--b->depth]);
    case YAML_SEQUENCE_END_EVENT:
        b->depth--;
        return 0;
    case YAML_ALIAS_EVENT:
        return tree_fail_at(b, event->start_mark, "an alias, expected the value itself");
    case YAML_DOCUMENT_START_EVENT:
        if (b->document_count++ > 0)
            return tree_fail_at(b, event->start_mark, "a second document, expected one");
        if (event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end)
            return tree_fail_at(b, event->start_mark, "a tag directive, expected no tags");
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return 0;
    }
    return 0;
}
