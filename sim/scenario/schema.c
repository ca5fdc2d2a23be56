/* schema.c - mappings by table: unknown and missing keys, defaults, the printed reference. */
#include "scenario/schema.h"
#include "core/assert.h"
#include "scenario/units.h"

static const struct schema_field *schema_find(const struct schema *schema, const char *key)
{
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (strcmp(schema->fields[i].key, key) == 0)
            return &schema->fields[i];
    return NULL;
}

static const char *field_word(const void *context, unsigned index)
{
    return ((const struct schema *)context)->fields[index].key;
}

static int unknown_key(struct reader *r, const struct schema *schema,
                       const struct tree_node *key)
{
    const char *near = nearest_word(key->text, field_word, schema, schema->field_count);
    char expected[400];
    size_t length = 0;
    expected[0] = '\0';
    if (near != NULL)
        return reader_fail(r, key, ERR_INPUT, "unknown key \"%.80s\" in %s, expected \"%s\"?",
                           key->text, schema->name, near);
    for (uint32_t i = 0; i < schema->field_count && length < sizeof expected; i++)
        length += (size_t)snprintf(expected + length, sizeof expected - length, "%s%s",
                                   i == 0 ? "" : ", ", schema->fields[i].key);
    return reader_fail(r, key, ERR_INPUT, "unknown key \"%.80s\" in %s, expected %s%s",
                       key->text, schema->name, schema->field_count > 1 ? "one of " : "",
                       expected);
}

static void store(const struct schema_field *field, void *target, uint64_t value)
{
    char *at = (char *)target + field->offset;
    switch (field->width) {
    case 1:
        *(uint8_t *)at = (uint8_t)value;
        return;
    case 2:
        *(uint16_t *)at = (uint16_t)value;
        return;
    case 4:
        *(uint32_t *)at = (uint32_t)value;
        return;
    case 8:
        *(uint64_t *)at = value;
        return;
    }
    ASSERT(false); /* width of a schema field */
}

static bool is_integer(const struct schema_field *field)
{
    return field->type == SCHEMA_BOOL || field->type == SCHEMA_COUNT ||
           field->type == SCHEMA_DURATION || field->type == SCHEMA_SIZE ||
           field->type == SCHEMA_WORD;
}

static int read_field(struct reader *r, const struct schema_field *field,
                      const struct tree_node *node, void *target)
{
    uint64_t value = 0;
    unsigned word = 0;
    bool flag = false;
    int result = 0;
    switch ((enum schema_type)field->type) {
    case SCHEMA_TEXT:
        return read_text(r, node, (const char **)(void *)((char *)target + field->offset));
    case SCHEMA_RATIO:
        return read_ratio(r, node, (struct ratio *)(void *)((char *)target + field->offset));
    case SCHEMA_OTHER:
        return field->read(r, node, (char *)target + field->offset);
    case SCHEMA_LATER:
        return reader_fail(r, node, ERR_LATER,
                           "%s is not there yet, expected a scenario without it", field->key);
    case SCHEMA_BOOL:
        result = read_bool(r, node, &flag);
        value = flag;
        break;
    case SCHEMA_WORD:
        result = read_word(r, node, field->word, field->word_count, &word);
        value = word;
        break;
    case SCHEMA_COUNT:
        result = read_count(r, node, field->min, field->max, &value);
        break;
    case SCHEMA_DURATION:
        result = read_duration(r, node, field->min, field->max, &value);
        break;
    case SCHEMA_SIZE:
        result = read_size(r, node, field->min, field->max, &value);
        break;
    }
    if (result == 0)
        store(field, target, value);
    return result;
}

static int check_keys(struct reader *r, const struct schema *schema,
                      const struct tree_node *node)
{
    if (schema->member == NULL)
        for (uint32_t i = 0; i < node->count; i++)
            if (schema_find(schema, node->keys[i]->text) == NULL)
                return unknown_key(r, schema, node->keys[i]);
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (schema->fields[i].required && tree_get(node, schema->fields[i].key) == NULL)
            return reader_fail(r, node, ERR_INPUT, "no \"%s\" in %s, expected %s: %s",
                               schema->fields[i].key, schema->name, schema->fields[i].key,
                               schema->fields[i].example);
    return 0;
}

int schema_read(struct reader *r, const struct schema *schema, const struct tree_node *node,
                void *target)
{
    char expected[100];
    snprintf(expected, sizeof expected, "a mapping with the keys of %s", schema->name);
    int result = expect_kind(r, node, TREE_MAP, expected);
    if (result == 0)
        result = check_keys(r, schema, node);
    for (uint32_t i = 0; i < schema->field_count && result == 0; i++)
        if (is_integer(&schema->fields[i]))
            store(&schema->fields[i], target, schema->fields[i].fallback);
    for (uint32_t i = 0; i < schema->field_count && result == 0; i++) {
        const struct tree_node *value = tree_get(node, schema->fields[i].key);
        if (value != NULL)
            result = read_field(r, &schema->fields[i], value, target);
    }
    for (uint32_t i = 0; i < node->count && result == 0 && schema->member != NULL; i++) {
        if (schema_find(schema, node->keys[i]->text) != NULL)
            continue;
        result = schema->member(r, node->keys[i], node->items[i], target);
        if (result > 0)
            result = unknown_key(r, schema, node->keys[i]);
    }
    return result;
}

/* ---- the reference ---- */

static const char *form_of(const struct schema_field *field, char *text, size_t size)
{
    static const char *const forms[] = {
        "text", "true or false", "count", "duration", "size", "", "ratio", "", "not there yet"};
    if (field->form != NULL)
        return field->form;
    if (field->type != SCHEMA_WORD)
        return forms[field->type];
    size_t length = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < field->word_count && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s`%s`", i == 0 ? "" : ", ",
                                   field->word(i));
    return text;
}

static void print_number(const struct schema_field *field, uint64_t value, char *text,
                         size_t size)
{
    if (field->type == SCHEMA_DURATION)
        units_print_duration(text, size, value);
    else if (field->type == SCHEMA_SIZE)
        units_print_size(text, size, value);
    else if (field->type == SCHEMA_BOOL)
        snprintf(text, size, "%s", value != 0 ? "true" : "false");
    else if (field->type == SCHEMA_WORD)
        snprintf(text, size, "%s", field->word((unsigned)value));
    else
        snprintf(text, size, "%" PRIu64, value);
}

static void print_default(const struct schema_field *field, char *text, size_t size)
{
    if (field->required)
        snprintf(text, size, "required");
    else if (field->standard != NULL)
        snprintf(text, size, "%s", field->standard);
    else if (is_integer(field) && field->fallback != SCHEMA_NONE)
        print_number(field, field->fallback, text, size);
    else
        snprintf(text, size, "none");
}

static void print_limits(const struct schema_field *field, char *text, size_t size)
{
    char low[40], high[40];
    text[0] = '\0';
    if (field->type != SCHEMA_COUNT && field->type != SCHEMA_DURATION &&
        field->type != SCHEMA_SIZE)
        return;
    print_number(field, field->min, low, sizeof low);
    print_number(field, field->max, high, sizeof high);
    snprintf(text, size, ", %s to %s", low, high);
}

void schema_print(const struct schema *schema, FILE *out)
{
    char form[400], standard[80], limits[100];
    if (schema->field_count > 0)
        fprintf(out, "| key | value | default | example | meaning |\n|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct schema_field *field = &schema->fields[i];
        print_default(field, standard, sizeof standard);
        print_limits(field, limits, sizeof limits);
        fprintf(out, "| `%s` | %s%s | %s | `%s` | %s |\n", field->key,
                form_of(field, form, sizeof form), limits, standard,
                field->example != NULL ? field->example : "", field->about);
    }
    if (schema->member_form != NULL)
        fprintf(out, "%s%s: %s\n", schema->field_count > 0 ? "\n" : "", schema->member_form,
                schema->member_about);
}

bool schema_example_fits(const struct schema_field *field)
{
    struct errmsg err;
    uint64_t space[4] = {0};
    struct schema_field copy = *field;
    struct tree_node node = {.kind = TREE_TEXT, .text = field->example, .file = "example"};
    struct reader r = {.err = &err};
    copy.offset = 0;
    if (field->type == SCHEMA_OTHER || field->type == SCHEMA_LATER)
        return true;
    return field->example != NULL && read_field(&r, &copy, &node, space) == 0;
}
