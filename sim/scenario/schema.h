#pragma once
/*
 * schema.h - one table per mapping of a file: it drives the reader, the range check, the
 * defaults and docs/scenario.md.
 *
 * schema_read refuses unknown keys and missing required ones, stores every default, then reads
 * the fields in the order of the table (so that what is named is known before it is used) and
 * last the free keys in the order of the file.
 */
#include <stdio.h>
#include "core/machine.h"
#include "scenario/tree.h"

struct reader {
    struct region *region;
    struct errmsg *err;
    void *context; /* of whoever reads: struct scenario, struct procedure_file */
};

typedef int schema_read_fn(struct reader *r, const struct tree_node *node, void *target);
/* A key that the table does not name; 1: unknown here too. */
typedef int schema_member_fn(struct reader *r, const struct tree_node *key,
                             const struct tree_node *value, void *target);

enum schema_type {
    SCHEMA_TEXT, /* const char * */
    SCHEMA_BOOL, /* these store an integer of `width` bytes */
    SCHEMA_COUNT,
    SCHEMA_DURATION,
    SCHEMA_SIZE,
    SCHEMA_WORD,  /* index of one of `words` */
    SCHEMA_RATIO, /* struct ratio; no fallback: never */
    SCHEMA_OTHER, /* `read` does it; its target is what `offset` points to */
    SCHEMA_LATER, /* known, and refused for now */
};

#define SCHEMA_NONE UINT64_MAX /* fallback of a number that may be left out */

struct schema_field {
    const char *key;
    uint8_t type;  /* enum schema_type */
    uint8_t width; /* bytes of the stored integer */
    bool required;
    uint32_t offset;
    uint64_t min, max, fallback;
    const char *(*word)(unsigned index); /* SCHEMA_WORD */
    unsigned word_count;
    schema_read_fn *read;
    const char *form;     /* what is written there; NULL: follows from the type */
    const char *standard; /* the default in words, where `fallback` does not say it */
    const char *example;
    const char *about;
};

struct schema {
    const char *name; /* "cluster", "an entry of load" */
    const char *about;
    const struct schema_field *fields;
    uint32_t field_count;
    schema_member_fn *member;
    const char *member_form, *member_about; /* for the reference; NULL: none */
};

#define SCHEMA_COUNT_OF(table) ((uint32_t)(sizeof(table) / sizeof(table)[0]))

int schema_read(struct reader *r, const struct schema *schema, const struct tree_node *node,
                void *target);
/* The rows of the table, as a Markdown table. */
void schema_print(const struct schema *schema, FILE *out);
/* Is the example of this (scalar) field one that the reader takes? */
bool schema_example_fits(const struct schema_field *field);

/* One value each, with its error. Lists and mappings are refused. */
int read_text(struct reader *r, const struct tree_node *node, const char **ret);
int read_bool(struct reader *r, const struct tree_node *node, bool *ret);
int read_count(struct reader *r, const struct tree_node *node, uint64_t min, uint64_t max,
               uint64_t *ret);
int read_duration(struct reader *r, const struct tree_node *node, duration min, duration max,
                  duration *ret);
int read_size(struct reader *r, const struct tree_node *node, uint64_t min, uint64_t max,
              uint64_t *ret);
int read_ratio(struct reader *r, const struct tree_node *node, struct ratio *ret);
int read_range(struct reader *r, const struct tree_node *node, struct range *ret);
/* By unit of a configuration key or a check's field. */
int read_unit(struct reader *r, const struct tree_node *node, enum config_unit unit,
              uint64_t min, uint64_t max, uint64_t *ret);
int read_word(struct reader *r, const struct tree_node *node, const char *(*word)(unsigned),
              unsigned word_count, unsigned *ret);
int expect_kind(struct reader *r, const struct tree_node *node, enum tree_kind kind,
                const char *expected);
void print_unit(char *text, size_t size, enum config_unit unit, uint64_t value);
const char *unit_name(enum config_unit unit);
/* The word nearest to `text`, NULL if none is near: for "did you mean". */
const char *nearest_word(const char *text, const char *(*word)(const void *, unsigned),
                         const void *context, unsigned count);

#define reader_fail(r, node, code, ...) tree_fail((node), (r)->err, (code), __VA_ARGS__)
