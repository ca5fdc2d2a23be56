/*
 * json_in.c - a reader of JSON that allocates nothing: views into a text.
 *
 * The whole text is checked once by json_in_parse (RFC 8259, depth-bounded); the others walk a
 * valid text again, which is quick enough for the small bodies of admin routes.
 */
#include "core/json.h"
#include "core/assert.h"
#include <string.h>

struct scan {
    const char *at, *end;
    enum json_kind kind; /* of the value last read */
    const char *first;   /* where it begins */
};

static bool scan_value(struct scan *s, unsigned depth);

static void scan_blanks(struct scan *s)
{
    while (s->at < s->end &&
           (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool scan_char(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool scan_digits(struct scan *s)
{
    const char *first = s->at;
    while (s->at < s->end && is_digit(*s->at))
        s->at++;
    return s->at > first;
}

static bool scan_number(struct scan *s)
{
    scan_char(s, '-');
    if (!scan_char(s, '0') && !scan_digits(s))
        return false;
    if (scan_char(s, '.') && !scan_digits(s))
        return false;
    if (scan_char(s, 'e') || scan_char(s, 'E')) {
        if (!scan_char(s, '+'))
            scan_char(s, '-');
        return scan_digits(s);
    }
    return true;
}

static bool scan_escape(struct scan *s)
{
    if (s->at == s->end)
        return false;
    char c = *s->at++;
    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    for (int i = 0; i < 4; i++, s->at++) {
        if (s->at == s->end || hex_digit(*s->at) < 0)
            return false;
    }
    return true;
}

static bool scan_string(struct scan *s)
{
    if (!scan_char(s, '"'))
        return false;
    while (s->at < s->end) {
        char c = *s->at++;
        if (c == '"')
            return true;
        if ((unsigned char)c < 0x20 || (c == '\\' && !scan_escape(s)))
            return false;
    }
    return false;
}

static bool scan_word(struct scan *s, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0)
        return false;
    s->at += length;
    return true;
}

/* One member or element; leaves s->at behind it. */
static bool scan_item(struct scan *s, bool is_object, unsigned depth)
{
    scan_blanks(s);
    if (is_object) {
        if (!scan_string(s))
            return false;
        scan_blanks(s);
        if (!scan_char(s, ':'))
            return false;
    }
    return scan_value(s, depth);
}

static bool scan_container(struct scan *s, bool is_object, unsigned depth)
{
    char close = is_object ? '}' : ']';
    s->at++;
    scan_blanks(s);
    if (scan_char(s, close))
        return true;
    do {
        if (!scan_item(s, is_object, depth + 1))
            return false;
        scan_blanks(s);
    } while (scan_char(s, ','));
    return scan_char(s, close);
}

static bool scan_value(struct scan *s, unsigned depth)
{
    scan_blanks(s);
    if (s->at == s->end || depth > JSON_DEPTH_MAX)
        return false;
    const char *first = s->at;
    enum json_kind kind = JSON_NUMBER;
    bool ok;
    switch (*s->at) {
    case '{':
        kind = JSON_OBJECT;
        ok = scan_container(s, true, depth);
        break;
    case '[':
        kind = JSON_ARRAY;
        ok = scan_container(s, false, depth);
        break;
    case '"':
        kind = JSON_STRING;
        ok = scan_string(s);
        break;
    case 't':
        kind = JSON_TRUE;
        ok = scan_word(s, "true");
        break;
    case 'f':
        kind = JSON_FALSE;
        ok = scan_word(s, "false");
        break;
    case 'n':
        kind = JSON_NULL;
        ok = scan_word(s, "null");
        break;
    default: /* a byte, not an enum */
        ok = scan_number(s);
        break;
    }
    s->first = first;
    s->kind = kind;
    return ok;
}

static struct json_in scan_view(const struct scan *s)
{
    return (struct json_in){s->first, (size_t)(s->at - s->first), s->kind};
}

struct json_in json_in_parse(const char *text, size_t length)
{
    struct json_in none = {text, 0, JSON_INVALID};
    if (length == 0)
        return none;
    struct scan s = {.at = text, .end = text + length};
    if (!scan_value(&s, 0))
        return none;
    struct json_in value = scan_view(&s);
    scan_blanks(&s);
    return s.at == s.end ? value : none;
}

/* Start a walk over the items; false when there are none. */
static bool walk_begin(struct json_in value, struct scan *ret_scan)
{
    if (value.kind != JSON_OBJECT && value.kind != JSON_ARRAY)
        return false;
    *ret_scan = (struct scan){.at = value.text + 1, .end = value.text + value.length};
    scan_blanks(ret_scan);
    return *ret_scan->at != (value.kind == JSON_OBJECT ? '}' : ']');
}

static bool walk_next(struct scan *s)
{
    scan_blanks(s);
    return scan_char(s, ',');
}

struct json_walk json_walk_begin(struct json_in container)
{
    if (container.kind != JSON_OBJECT && container.kind != JSON_ARRAY)
        return (struct json_walk){.at = NULL};
    return (struct json_walk){.at = container.text + 1,
                              .end = container.text + container.length,
                              .is_object = container.kind == JSON_OBJECT};
}

bool json_walk_next(struct json_walk *self, struct json_in *ret_key, struct json_in *ret_value)
{
    if (self->at == NULL)
        return false;
    struct scan s = {.at = self->at, .end = self->end};
    scan_blanks(&s);
    bool is_end = self->is_started ? !scan_char(&s, ',') : *s.at == '}' || *s.at == ']';
    self->is_started = true;
    self->at = is_end ? NULL : s.at;
    if (is_end)
        return false;
    *ret_key = (struct json_in){.kind = JSON_INVALID};
    bool ok = true;
    if (self->is_object) {
        scan_blanks(&s);
        const char *first = s.at;
        ok = scan_string(&s);
        *ret_key = (struct json_in){first, (size_t)(s.at - first), JSON_STRING};
        scan_blanks(&s);
        ok = ok && scan_char(&s, ':');
    }
    ok = ok && scan_value(&s, 0);
    ASSERT(ok); /* the view came out of a valid text */
    *ret_value = scan_view(&s);
    self->at = s.at;
    return true;
}

size_t json_in_count(struct json_in value)
{
    struct scan s;
    size_t count = 0;
    if (!walk_begin(value, &s))
        return 0;
    do {
        bool ok = scan_item(&s, value.kind == JSON_OBJECT, 0);
        ASSERT(ok); /* the view came out of a valid text */
        count++;
    } while (walk_next(&s));
    return count;
}

static bool decoded_is(struct json_in string, const char *text);

/* Of equal names the last counts, as in spray-json's map. */
bool json_in_member(struct json_in object, const char *name, struct json_in *ret_value)
{
    struct json_in value;
    json_in_members(object, &name, 1, &value);
    if (value.kind == JSON_INVALID)
        return false;
    *ret_value = value;
    return true;
}

void json_in_members(struct json_in object, const char *const *names, size_t count,
                     struct json_in *ret_values)
{
    struct json_in key, value;
    for (size_t i = 0; i < count; i++)
        ret_values[i] = (struct json_in){.kind = JSON_INVALID};
    if (object.kind != JSON_OBJECT)
        return;
    struct json_walk walk = json_walk_begin(object);
    while (json_walk_next(&walk, &key, &value)) {
        for (size_t i = 0; i < count; i++) {
            if (decoded_is(key, names[i]))
                ret_values[i] = value;
        }
    }
}

bool json_in_element(struct json_in array, size_t index, struct json_in *ret_value)
{
    struct scan s;
    if (array.kind != JSON_ARRAY || !walk_begin(array, &s))
        return false;
    do {
        bool ok = scan_value(&s, 0);
        ASSERT(ok);
        if (index-- == 0) {
            *ret_value = scan_view(&s);
            return true;
        }
    } while (walk_next(&s));
    return false;
}

bool json_in_number(struct json_in value, int64_t *ret_number)
{
    uint64_t magnitude = 0;
    bool is_negative = value.kind == JSON_NUMBER && value.text[0] == '-';
    if (value.kind != JSON_NUMBER)
        return false;
    for (size_t i = is_negative ? 1 : 0; i < value.length; i++) {
        if (!is_digit(value.text[i]))
            return false; /* a fraction or an exponent */
        uint64_t digit = (uint64_t)(value.text[i] - '0');
        if (magnitude > ((uint64_t)INT64_MAX - digit) / 10)
            return false;
        magnitude = magnitude * 10 + digit;
    }
    *ret_number = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

static uint32_t decode_hex4(const char *text)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 4 | (uint32_t)hex_digit(text[i]);
    return value;
}

/* UTF-8 of one code point; returns its length. */
static size_t encode_utf8(uint32_t point, char bytes[4])
{
    if (point < 0x80) {
        bytes[0] = (char)point;
        return 1;
    }
    size_t count = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = count - 1; i > 0; i--, point >>= 6)
        bytes[i] = (char)(0x80 | (point & 0x3f));
    bytes[0] = (char)((0xf00u >> count & 0xf0) | point);
    return count;
}

/* The next decoded character of a valid string; moves *at. */
static size_t decode_next(const char **at, const char *end, char bytes[4])
{
    const char *p = *at;
    if (*p != '\\') {
        bytes[0] = *p;
        *at = p + 1;
        return 1;
    }
    static const char letters[] = "bfnrt\"\\/", meant[] = "\b\f\n\r\t\"\\/";
    if (p[1] != 'u') {
        bytes[0] = meant[strchr(letters, p[1]) - letters];
        *at = p + 2;
        return 1;
    }
    uint32_t point = decode_hex4(p + 2);
    p += 6;
    if (point >= 0xd800 && point < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
        uint32_t low = decode_hex4(p + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
            p += 6;
        }
    }
    *at = p;
    return encode_utf8(point, bytes);
}

bool json_in_string(struct json_in value, char *ret_text, size_t size)
{
    if (value.kind != JSON_STRING || size == 0)
        return false;
    const char *at = value.text + 1, *end = value.text + value.length - 1;
    size_t length = 0;
    while (at < end) {
        char bytes[4];
        size_t count = decode_next(&at, end, bytes);
        if (length + count >= size)
            return false;
        memcpy(ret_text + length, bytes, count);
        length += count;
    }
    ret_text[length] = '\0';
    return true;
}

static bool decoded_is(struct json_in string, const char *text)
{
    const char *at = string.text + 1, *end = string.text + string.length - 1;
    while (at < end) {
        char bytes[4];
        size_t count = decode_next(&at, end, bytes);
        for (size_t i = 0; i < count; i++, text++) {
            if (*text == '\0' || *text != bytes[i])
                return false;
        }
    }
    return *text == '\0';
}

bool json_in_is(struct json_in value, const char *text)
{
    return value.kind == JSON_STRING && decoded_is(value, text);
}
