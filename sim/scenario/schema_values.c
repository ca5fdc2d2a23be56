/* schema_values.c - one scalar at a time: type, unit, range, and the error that says which. */
#include "scenario/schema.h"
#include "core/assert.h"
#include "scenario/units.h"

static const char *shown(const struct tree_node *node)
{
    switch ((enum tree_kind)node->kind) {
    case TREE_LIST:
        return "a list";
    case TREE_MAP:
        return "a mapping";
    case TREE_TEXT:
        break;
    }
    return node->text;
}

static int wrong(struct reader *r, const struct tree_node *node, const char *expected)
{
    if (node->kind != TREE_TEXT)
        return reader_fail(r, node, ERR_INPUT, "%s, expected %s", shown(node), expected);
    if (node->text[0] == '\0')
        return reader_fail(r, node, ERR_INPUT, "nothing, expected %s", expected);
    return reader_fail(r, node, ERR_INPUT, "\"%.80s\", expected %s", node->text, expected);
}

int expect_kind(struct reader *r, const struct tree_node *node, enum tree_kind kind,
                const char *expected)
{
    return node->kind == kind ? 0 : wrong(r, node, expected);
}

int read_text(struct reader *r, const struct tree_node *node, const char **ret)
{
    if (node->kind != TREE_TEXT || (node->text[0] == '\0' && !node->quoted))
        return wrong(r, node, "text");
    *ret = node->text;
    return 0;
}

int read_bool(struct reader *r, const struct tree_node *node, bool *ret)
{
    bool is_true = node->kind == TREE_TEXT && strcmp(node->text, "true") == 0;
    bool is_false = node->kind == TREE_TEXT && strcmp(node->text, "false") == 0;
    if (node->quoted || (!is_true && !is_false))
        return wrong(r, node, "true or false, without quotes");
    *ret = is_true;
    return 0;
}

static int out_of_range(struct reader *r, const struct tree_node *node, enum config_unit unit,
                        uint64_t min, uint64_t max)
{
    char low[40], high[40];
    print_unit(low, sizeof low, unit, min);
    print_unit(high, sizeof high, unit, max);
    return reader_fail(r, node, ERR_INPUT, "%.80s is out of range, expected %s to %s",
                       node->text, low, high);
}

int read_count(struct reader *r, const struct tree_node *node, uint64_t min, uint64_t max,
               uint64_t *ret)
{
    char expected[100];
    uint64_t value;
    snprintf(expected, sizeof expected, "a whole number from %" PRIu64 " to %" PRIu64, min,
             max);
    if (node->kind != TREE_TEXT || node->quoted || !units_count(node->text, &value))
        return wrong(r, node, expected);
    if (value < min || value > max)
        return out_of_range(r, node, UNIT_COUNT, min, max);
    *ret = value;
    return 0;
}

int read_duration(struct reader *r, const struct tree_node *node, duration min, duration max,
                  duration *ret)
{
    duration value;
    if (node->kind != TREE_TEXT || !units_duration(node->text, &value))
        return wrong(r, node, "a duration with its unit (ns us ms s m h), such as 1.5s");
    if (value < min || value > max)
        return out_of_range(r, node, UNIT_DURATION, min, max);
    *ret = value;
    return 0;
}

int read_size(struct reader *r, const struct tree_node *node, uint64_t min, uint64_t max,
              uint64_t *ret)
{
    uint64_t value;
    if (node->kind != TREE_TEXT || !units_size(node->text, &value))
        return wrong(r, node, "a size with its unit (B KB MB GB), such as 256MB");
    if (value < min || value > max)
        return out_of_range(r, node, UNIT_BYTES, min, max);
    *ret = value;
    return 0;
}

int read_ratio(struct reader *r, const struct tree_node *node, struct ratio *ret)
{
    if (node->kind != TREE_TEXT || !units_ratio(node->text, ret))
        return wrong(r, node, "a ratio from 0 to 1, such as 1/100 or 1%");
    return 0;
}

int read_range(struct reader *r, const struct tree_node *node, struct range *ret)
{
    struct range range;
    if (node->kind != TREE_TEXT || !units_range(node->text, &range))
        return wrong(r, node, "a duration, or a range such as 15s .. 25s");
    if (range.max > MINUTES(60 * 24 * 30))
        return reader_fail(r, node, ERR_INPUT, "%.80s is out of range, expected at most 720h",
                           node->text);
    *ret = range;
    return 0;
}

int read_unit(struct reader *r, const struct tree_node *node, enum config_unit unit,
              uint64_t min, uint64_t max, uint64_t *ret)
{
    bool flag = false;
    uint64_t value;
    switch (unit) {
    case UNIT_DURATION:
        return read_duration(r, node, min, max, ret);
    case UNIT_BYTES:
        return read_size(r, node, min, max, ret);
    case UNIT_COUNT:
        return read_count(r, node, min, max, ret);
    case UNIT_BOOL:
        if (read_bool(r, node, &flag) != 0)
            return -ERR_INPUT;
        *ret = flag;
        return 0;
    case UNIT_FRACTION:
        if (node->kind != TREE_TEXT || !units_fraction(node->text, &value))
            return wrong(r, node, "a fraction, such as 0.5, 50% or 1/2");
        if (value < min || value > max)
            return out_of_range(r, node, unit, min, max);
        *ret = value;
        return 0;
    }
    return wrong(r, node, "a value");
}

int read_word(struct reader *r, const struct tree_node *node, const char *(*word)(unsigned),
              unsigned word_count, unsigned *ret)
{
    char expected[400];
    size_t length = 0;
    expected[0] = '\0';
    for (unsigned i = 0; i < word_count; i++) {
        if (node->kind == TREE_TEXT && strcmp(node->text, word(i)) == 0) {
            *ret = i;
            return 0;
        }
        const char *comma = i == 0 ? "" : i + 1 == word_count ? " or " : ", ";
        if (length < sizeof expected)
            length += (size_t)snprintf(expected + length, sizeof expected - length, "%s%s",
                                       comma, word(i));
    }
    return wrong(r, node, expected);
}

void print_unit(char *text, size_t size, enum config_unit unit, uint64_t value)
{
    switch (unit) {
    case UNIT_DURATION:
        units_print_duration(text, size, value);
        return;
    case UNIT_BYTES:
        units_print_size(text, size, value);
        return;
    case UNIT_COUNT:
        snprintf(text, size, "%" PRIu64, value);
        return;
    case UNIT_FRACTION:
        snprintf(text, size, value % 10000 == 0 ? "%" PRIu64 "%%" : "%" PRIu64 "/1000000",
                 value % 10000 == 0 ? value / 10000 : value);
        return;
    case UNIT_BOOL:
        snprintf(text, size, "%s", value != 0 ? "true" : "false");
        return;
    }
}

const char *unit_name(enum config_unit unit)
{
    static const char *const names[] = {"duration", "size", "count", "fraction",
                                        "true or false"};
    ASSERT_OP(unit, <, sizeof names / sizeof names[0]);
    return names[unit];
}

/* Levenshtein's distance with one row; texts longer than the row are far from everything. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length >= 64 || b_length >= 64)
        return 64;
    for (unsigned j = 0; j <= b_length; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a_length; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b_length; j++) {
            unsigned replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            unsigned added = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = replaced < added ? replaced : added;
        }
    }
    return row[b_length];
}

const char *nearest_word(const char *text, const char *(*word)(const void *, unsigned),
                         const void *context, unsigned count)
{
    const char *best = NULL;
    unsigned best_distance = (unsigned)(strlen(text) < 6 ? 2 : strlen(text) / 3) + 1;
    for (unsigned i = 0; i < count; i++) {
        unsigned d = distance(text, word(context, i));
        if (d < best_distance) {
            best_distance = d;
            best = word(context, i);
        }
    }
    return best;
}
