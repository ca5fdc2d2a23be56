#pragma once
/*
 * names.h - enums with their texts from one list.
 *
 * A list is `#define X_LIST(X) X(NAME, "text") ...`; ENUM_MEMBER makes `PREFIX_NAME`.
 * NAMES_DECLARE / NAMES_DEFINE give `<name>_to_string` (never NULL) and
 * `<name>_from_string` (count when unknown).
 */
#include <stddef.h>
#include <string.h>

#define NAMES_DECLARE(name)                                                                    \
    const char *name##_to_string(unsigned value);                                              \
    unsigned name##_from_string(const char *text);

#define NAMES_ENTRY(id, text, ...) text,
#define NAMES_DEFINE(name, LIST)                                                               \
    static const char *const name##_texts[] = {LIST(NAMES_ENTRY)};                             \
    const char *name##_to_string(unsigned value)                                               \
    {                                                                                          \
        return value < sizeof name##_texts / sizeof name##_texts[0] ? name##_texts[value]      \
                                                                    : "unknown";               \
    }                                                                                          \
    unsigned name##_from_string(const char *text)                                              \
    {                                                                                          \
        unsigned count = sizeof name##_texts / sizeof name##_texts[0], i = 0;                  \
        while (i < count && strcmp(name##_texts[i], text) != 0)                                \
            i++;                                                                               \
        return i;                                                                              \
    }
