/*
 * target.c - see target.h.
 */
#include "common/target.h"
#include <string.h>
#include "core/assert.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool target_is_valid(struct admin_text target)
{
    for (size_t i = 0; i < target.length; i++) {
        if (target.bytes[i] != '%')
            continue;
        if (i + 2 >= target.length || hex_value(target.bytes[i + 1]) < 0 ||
            hex_value(target.bytes[i + 2]) < 0)
            return false;
        i += 2;
    }
    return true;
}

size_t target_decode(struct admin_text text, bool is_query, char *ret_text, size_t size)
{
    size_t length = 0;
    ASSERT_OP(size, >, 0);
    for (size_t i = 0; i < text.length; i++, length++) {
        char c = text.bytes[i];
        if (c == '%' && i + 2 < text.length) {
            c = (char)(hex_value(text.bytes[i + 1]) << 4 | hex_value(text.bytes[i + 2]));
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        if (length + 1 < size)
            ret_text[length] = c;
    }
    ret_text[length < size ? length : size - 1] = '\0';
    return length;
}

bool target_query(struct admin_text target, const char *name, char *ret_text, size_t size)
{
    const char *end = target.bytes + target.length;
    const char *at = memchr(target.bytes, '?', target.length);
    while (at != NULL && at < end) {
        at++;
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        const char *key_end = equals == NULL ? stop : equals;
        const char *value = equals == NULL ? stop : equals + 1;
        char key[64];
        target_decode((struct admin_text){at, (size_t)(key_end - at)}, true, key, sizeof key);
        if (strcmp(key, name) == 0) {
            target_decode((struct admin_text){value, (size_t)(stop - value)}, true, ret_text,
                          size);
            return true;
        }
        at = stop;
    }
    return false;
}

static bool is_one_of(const char *text, const char *const *words)
{
    struct admin_text view = {text, strlen(text)};
    while (*words != NULL && !admin_text_is_caseless(view, *words))
        words++;
    return *words != NULL;
}

bool target_bool(const char *text, bool *ret_value)
{
    static const char *const yes[] = {"true", "yes", "on", "1", NULL};
    static const char *const no[] = {"false", "no", "off", "0", NULL};
    *ret_value = is_one_of(text, yes);
    return *ret_value || is_one_of(text, no);
}
