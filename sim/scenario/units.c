/* units.c - decimal texts with units, in integers only. */
#include "scenario/units.h"
#include <inttypes.h>
#include <string.h>

struct unit_name {
    const char *text;
    uint64_t factor;
};

static const struct unit_name durations[] = {
    {"ns", 1},     {"us", USEC(1)},   {"ms", MSEC(1)},
    {"s", SEC(1)}, {"m", MINUTES(1)}, {"h", MINUTES(60)},
};
static const struct unit_name sizes[] = {
    {"B", 1},
    {"KB", 1024},
    {"MB", 1024 * 1024},
    {"GB", 1024 * 1024 * 1024},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * digits [. digits] at *text, times factor, exactly; *text moves behind it. The value of a
 * decimal is (all digits) x factor / 10^(digits behind the point), and must divide evenly.
 */
static bool decimal(const char **text, uint64_t factor, uint64_t *ret)
{
    const char *c = *text;
    unsigned __int128 value = 0, scale = 1;
    bool behind = false;
    unsigned digits = 0, digits_behind = 0;
    for (; is_digit(*c) || (*c == '.' && !behind && is_digit(c[1]) && digits > 0); c++) {
        if (*c == '.') {
            behind = true;
            continue;
        }
        if (++digits > 30)
            return false;
        value = value * 10 + (unsigned)(*c - '0');
        if (behind) {
            scale *= 10;
            digits_behind++;
        }
    }
    if (digits == 0 || digits_behind > 15 || value > UINT64_MAX)
        return false;
    value *= factor;
    if (value % scale != 0 || value / scale > UINT64_MAX)
        return false;
    *ret = (uint64_t)(value / scale);
    *text = c;
    return true;
}

static const char *behind_number(const char *text)
{
    while (is_digit(*text) || *text == '.')
        text++;
    return text;
}

static bool with_unit(const char *text, const struct unit_name *units, size_t count,
                      uint64_t *ret)
{
    const char *unit = behind_number(text);
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        const char *end = text;
        if (strcmp(unit, units[i].text) != 0)
            continue;
        if (!decimal(&end, units[i].factor, &value) || end != unit)
            return false;
        *ret = value;
        return true;
    }
    return false;
}

bool units_count(const char *text, uint64_t *ret)
{
    const char *end = text;
    uint64_t value;
    if (!decimal(&end, 1, &value) || *end != '\0' || strchr(text, '.') != NULL)
        return false;
    *ret = value;
    return true;
}

bool units_duration(const char *text, duration *ret)
{
    if (strcmp(text, "0") == 0) {
        *ret = 0;
        return true;
    }
    return with_unit(text, durations, sizeof durations / sizeof durations[0], ret);
}

bool units_size(const char *text, uint64_t *ret)
{
    return with_unit(text, sizes, sizeof sizes / sizeof sizes[0], ret);
}

bool units_range(const char *text, struct range *ret)
{
    const char *dots = strstr(text, "..");
    struct range range;
    char left[40];
    if (dots == NULL) {
        if (!units_duration(text, &range.min))
            return false;
        range.max = range.min;
    } else {
        size_t length = (size_t)(dots - text);
        while (length > 0 && text[length - 1] == ' ')
            length--;
        if (length >= sizeof left)
            return false;
        memcpy(left, text, length);
        left[length] = '\0';
        for (dots += 2; *dots == ' '; dots++) {
        }
        if (!units_duration(left, &range.min) || !units_duration(dots, &range.max) ||
            range.min > range.max)
            return false;
    }
    *ret = range;
    return true;
}

bool units_ratio(const char *text, struct ratio *ret)
{
    uint64_t above, below = 1;
    const char *end = text;
    if (strchr(text, '%') != NULL) {
        if (!decimal(&end, 10000, &above) || strcmp(end, "%") != 0)
            return false;
        below = 1000000;
    } else {
        if (!decimal(&end, 1, &above))
            return false;
        if (*end == '/') {
            end++;
            if (!decimal(&end, 1, &below))
                return false;
        }
        if (*end != '\0' || strchr(text, '.') != NULL)
            return false;
    }
    if (below == 0 || above > below || below > UINT32_MAX)
        return false;
    *ret = (struct ratio){.numerator = (uint32_t)above, .denominator = (uint32_t)below};
    return true;
}

bool units_fraction(const char *text, uint64_t *ret)
{
    const char *end = text;
    uint64_t value;
    struct ratio ratio;
    if (decimal(&end, 1000000, &value) && *end == '\0') {
        *ret = value;
        return true;
    }
    if (!units_ratio(text, &ratio) ||
        (uint64_t)ratio.numerator * 1000000 % ratio.denominator != 0)
        return false;
    *ret = (uint64_t)ratio.numerator * 1000000 / ratio.denominator;
    return true;
}

bool units_milli(const char *text, uint64_t *ret)
{
    const char *end = text;
    uint64_t value;
    if (!decimal(&end, 1000, &value) || *end != '\0')
        return false;
    *ret = value;
    return true;
}

static void print_largest(char *text, size_t size, uint64_t value,
                          const struct unit_name *units, size_t count)
{
    while (count > 1 && (value == 0 || value % units[count - 1].factor != 0))
        count--;
    snprintf(text, size, "%" PRIu64 "%s", value / units[count - 1].factor,
             units[count - 1].text);
}

void units_print_duration(char *text, size_t size, duration value)
{
    if (value == 0)
        snprintf(text, size, "0s");
    else
        print_largest(text, size, value, durations, sizeof durations / sizeof durations[0]);
}

void units_print_size(char *text, size_t size, uint64_t bytes)
{
    print_largest(text, size, bytes, sizes, sizeof sizes / sizeof sizes[0]);
}
