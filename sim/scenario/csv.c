/* csv.c - lines and fields of a recorded workload, and its numbers. */
#include "scenario/trace_internal.h"
#include <stdio.h>
#include "scenario/tree.h"

int csv_open(struct csv *self, struct region *region, const char *path, uint64_t *hash,
             struct errmsg *err)
{
    char *bytes = NULL;
    size_t length = 0;
    int result = file_read(region, path, TRACE_BYTES_MAX, &bytes, &length, err);
    if (result != 0)
        return result;
    for (size_t i = 0; i < length; i++)
        *hash = (*hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    *self = (struct csv){.file = region_text(region, path, strlen(path)),
                         .at = bytes,
                         .end = bytes + length,
                         .err = err};
    if (memchr(bytes, '\0', length) != NULL)
        return errmsg_set(err, ERR_INPUT, "%.160s:1:1: bytes of value 0 in it, expected text",
                          path);
    return 0;
}

static void csv_split(struct csv *self, char *line)
{
    char *start = line;
    self->field_count = 0;
    for (char *c = line;; c++) {
        bool last = *c == '\0';
        if (*c != ',' && !last)
            continue;
        *c = '\0';
        if (self->field_count < CSV_FIELDS_MAX) {
            self->columns[self->field_count] = (uint32_t)(start - line) + 1;
            self->fields[self->field_count++] = start;
        }
        start = c + 1;
        if (last)
            return;
    }
}

bool csv_next(struct csv *self)
{
    while (self->at < self->end) {
        char *line = self->at;
        char *newline = memchr(line, '\n', (size_t)(self->end - line));
        char *end = newline != NULL ? newline : self->end;
        self->at = newline != NULL ? newline + 1 : self->end;
        self->line++;
        *end = '\0';
        if (end > line && end[-1] == '\r')
            *--end = '\0';
        if (end == line)
            continue;
        csv_split(self, line);
        return true;
    }
    return false;
}

int csv_fail(const struct csv *self, uint32_t field, const char *what, const char *expected)
{
    uint32_t column = field < self->field_count ? self->columns[field] : 1;
    return errmsg_set(self->err, ERR_INPUT, "%.160s:%u:%u: %.100s, expected %s", self->file,
                      self->line == 0 ? 1 : self->line, column, what, expected);
}

bool csv_has_column(const struct csv *header, const char *name)
{
    for (uint32_t i = 0; i < header->field_count; i++)
        if (strcmp(header->fields[i], name) == 0)
            return true;
    return false;
}

int csv_column(const struct csv *header, const char *name, uint32_t *ret_column)
{
    char expected[80];
    snprintf(expected, sizeof expected, "a column %s", name);
    if (!csv_has_column(header, name))
        return csv_fail(header, 0, "a column is missing", expected);
    for (*ret_column = 0; strcmp(header->fields[*ret_column], name) != 0; ++*ret_column) {
    }
    return 0;
}

/* digits [. digits] [e [sign] digits]; up to 19 digits count, more only move the point. */
static bool parse_decimal(const char *text, uint64_t *ret_digits, int *ret_exponent)
{
    uint64_t digits = 0;
    int exponent = 0, seen = 0, kept = 0;
    bool behind = false;
    for (; (*text >= '0' && *text <= '9') || (*text == '.' && !behind); text++) {
        if (*text == '.') {
            behind = true;
            continue;
        }
        seen++;
        exponent -= behind;
        if (kept < 18) {
            digits = digits * 10 + (uint64_t)(*text - '0');
            kept += digits != 0;
        } else {
            exponent++;
        }
    }
    if (seen == 0 || seen > 400)
        return false;
    if (*text == 'e' || *text == 'E') {
        bool minus = text[1] == '-';
        int power = 0, count = 0;
        for (text += 1 + (text[1] == '-' || text[1] == '+'); *text >= '0' && *text <= '9';
             text++)
            if (++count <= 4)
                power = power * 10 + (*text - '0');
        if (count == 0 || count > 4)
            return false;
        exponent += minus ? -power : power;
    }
    *ret_digits = digits;
    *ret_exponent = exponent;
    return *text == '\0';
}

int csv_decimal(const struct csv *self, uint32_t field, uint64_t unit, uint64_t *ret)
{
    uint64_t digits;
    int exponent;
    if (field >= self->field_count)
        return csv_fail(self, 0, "too few fields in this row", "as many as in the header");
    const char *text = self->fields[field];
    if (!parse_decimal(text, &digits, &exponent))
        return csv_fail(self, field, text[0] == '\0' ? "nothing" : text, "a number from 0");
    unsigned __int128 value = (unsigned __int128)digits * unit;
    for (; exponent > 0 && value != 0; exponent--) {
        if (value > (unsigned __int128)1 << 100)
            break;
        value *= 10;
    }
    for (; exponent < 0 && value != 0; exponent++)
        value /= 10;
    /* 100 years: far beyond any recording, far below an overflow of instants. */
    if (value > (unsigned __int128)UINT64_C(3155760000) * unit)
        return csv_fail(self, field, text, "a number that is not so large");
    *ret = (uint64_t)value;
    return 0;
}

int csv_count(const struct csv *self, uint32_t field, uint64_t max, uint64_t *ret)
{
    uint64_t thousandths;
    int result = csv_decimal(self, field, 1000, &thousandths);
    if (result != 0)
        return result;
    if (thousandths % 1000 != 0 || thousandths / 1000 > max)
        return csv_fail(self, field, self->fields[field], "a whole number of calls");
    *ret = thousandths / 1000;
    return 0;
}
