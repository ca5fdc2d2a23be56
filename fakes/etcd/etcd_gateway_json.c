/*
 * etcd_gateway_json.c - JSON and base64 read; see etcd_gateway_json.h.
 */
#include "etcd/etcd_gateway_json.h"
#include "core/assert.h"
#include <string.h>

#define DEPTH_MAX 10000u /* scanner.go, maxNestingDepth */

/* What may come next. */
enum scan_mode {
    WANT_VALUE,
    WANT_ITEM_OR_END,
    WANT_KEY,
    WANT_KEY_OR_END,
    WANT_COLON,
    WANT_NEXT
};

struct scan {
    const char *bytes;
    uint32_t at, length;
    uint32_t depth;
    bool is_cut;    /* the text ended too early */
    bool is_padded; /* an imagined blank behind it is complained of first (scanner.go, eof) */
    enum scan_mode mode;
    struct gateway_error *error;
    unsigned char is_object[DEPTH_MAX / 8 + 1]; /* by depth */
};

/* scanner.go, quoteChar: a byte counts as the character of its number. */
static void quote_byte(unsigned char c, char text[8])
{
    static const char plain[] = "\a\b\f\n\r\t\v", letters[] = "abfnrtv";
    const char *found = c == 0 ? NULL : strchr(plain, c);
    if (c == '\'' || c == '\\')
        snprintf(text, 8, "\\%c", c);
    else if (found != NULL)
        snprintf(text, 8, "\\%c", letters[found - plain]);
    else if (c < 0x20 || c == 0x7f)
        snprintf(text, 8, "\\x%02x", c);
    else if (c < 0x80)
        snprintf(text, 8, "%c", c);
    else if (c <= 0xa0 || c == 0xad) /* not printable */
        snprintf(text, 8, "\\u%04x", c);
    else
        snprintf(text, 8, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
}

/* context empty: between tokens or inside of a string, where a blank may stand. */
static bool scan_bad(struct scan *s, const char *context)
{
    char quoted[8];
    bool is_end = s->at == s->length;
    if (is_end && (!s->is_padded || context[0] == '\0')) {
        s->is_cut = true;
        return false;
    }
    quote_byte(is_end ? ' ' : (unsigned char)s->bytes[s->at], quoted);
    return GATEWAY_FAIL(s->error, "invalid character '%s' %s", quoted, context);
}

static bool scan_is(const struct scan *s, char c)
{
    return s->at < s->length && s->bytes[s->at] == c;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void scan_blanks(struct scan *s)
{
    while (s->at < s->length && is_blank(s->bytes[s->at]))
        s->at++;
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

static bool scan_digits(struct scan *s, const char *context)
{
    if (s->at == s->length || !is_digit(s->bytes[s->at]))
        return scan_bad(s, context);
    while (s->at < s->length && is_digit(s->bytes[s->at]))
        s->at++;
    return true;
}

static bool scan_number(struct scan *s)
{
    if (scan_is(s, '-'))
        s->at++;
    if (scan_is(s, '0'))
        s->at++;
    else if (!scan_digits(s, "in numeric literal"))
        return false;
    if (scan_is(s, '.')) {
        s->at++;
        if (!scan_digits(s, "after decimal point in numeric literal"))
            return false;
    }
    if (!scan_is(s, 'e') && !scan_is(s, 'E'))
        return true;
    s->at++;
    if (scan_is(s, '+') || scan_is(s, '-'))
        s->at++;
    return scan_digits(s, "in exponent of numeric literal");
}

static bool scan_escape(struct scan *s)
{
    if (s->at == s->length || strchr("bfnrt\\/\"u", s->bytes[s->at]) == NULL ||
        s->bytes[s->at] == '\0')
        return scan_bad(s, "in string escape code");
    if (s->bytes[s->at++] != 'u')
        return true;
    for (int i = 0; i < 4; i++, s->at++) {
        if (s->at == s->length || hex_digit(s->bytes[s->at]) < 0)
            return scan_bad(s, "in \\u hexadecimal character escape");
    }
    return true;
}

static bool scan_string(struct scan *s)
{
    s->at++;
    while (s->at < s->length && s->bytes[s->at] != '"') {
        if ((unsigned char)s->bytes[s->at] < 0x20)
            return scan_bad(s, "in string literal");
        if (s->bytes[s->at++] == '\\' && !scan_escape(s))
            return false;
    }
    if (s->at == s->length)
        return scan_bad(s, "");
    s->at++;
    return true;
}

static bool scan_word(struct scan *s, const char *word)
{
    for (const char *at = word; *at != '\0'; at++, s->at++) {
        if (!scan_is(s, *at)) {
            char context[40];
            snprintf(context, sizeof context, "in literal %s (expecting '%c')", word, *at);
            return scan_bad(s, context);
        }
    }
    return true;
}

static bool scan_open(struct scan *s, bool is_object)
{
    if (s->depth == DEPTH_MAX)
        return GATEWAY_FAIL(s->error, "exceeded max depth");
    unsigned char bit = (unsigned char)(1u << s->depth % 8),
                  *place = &s->is_object[s->depth / 8];
    *place = (unsigned char)(is_object ? *place | bit : *place & ~bit);
    s->depth++;
    s->at++;
    s->mode = is_object ? WANT_KEY_OR_END : WANT_ITEM_OR_END;
    return true;
}

static bool scan_value(struct scan *s)
{
    char c = s->bytes[s->at];
    s->mode = WANT_NEXT;
    if (c == '{' || c == '[')
        return scan_open(s, c == '{');
    if (c == '"')
        return scan_string(s);
    if (c == 't')
        return scan_word(s, "true");
    if (c == 'f')
        return scan_word(s, "false");
    if (c == 'n')
        return scan_word(s, "null");
    return c == '-' || is_digit(c) ? scan_number(s)
                                   : scan_bad(s, "looking for beginning of value");
}

static bool scan_end(struct scan *s)
{
    s->at++;
    s->depth--;
    s->mode = WANT_NEXT;
    return true;
}

static bool scan_key(struct scan *s)
{
    if (!scan_is(s, '"'))
        return scan_bad(s, "looking for beginning of object key string");
    s->mode = WANT_COLON;
    return scan_string(s);
}

/* Behind a value inside of a container. */
static bool scan_next(struct scan *s)
{
    uint32_t depth = s->depth - 1;
    bool is_object = (s->is_object[depth / 8] >> depth % 8 & 1) != 0;
    if (scan_is(s, is_object ? '}' : ']'))
        return scan_end(s);
    if (!scan_is(s, ','))
        return scan_bad(s, is_object ? "after object key:value pair" : "after array element");
    s->at++;
    s->mode = is_object ? WANT_KEY : WANT_VALUE;
    return true;
}

static bool scan_step(struct scan *s)
{
    if (s->at == s->length)
        return scan_bad(s, "");
    switch (s->mode) {
    case WANT_ITEM_OR_END:
        return scan_is(s, ']') ? scan_end(s) : scan_value(s);
    case WANT_VALUE:
        return scan_value(s);
    case WANT_KEY_OR_END:
        return scan_is(s, '}') ? scan_end(s) : scan_key(s);
    case WANT_KEY:
        return scan_key(s);
    case WANT_COLON:
        if (!scan_is(s, ':'))
            return scan_bad(s, "after object key");
        s->at++;
        s->mode = WANT_VALUE;
        return true;
    case WANT_NEXT:
        return scan_next(s);
    }
    return false;
}

/* One value from s->at on; blanks in front of it are passed over. */
static bool scan_whole(struct scan *s)
{
    s->depth = 0;
    s->mode = WANT_VALUE;
    do {
        scan_blanks(s);
        if (!scan_step(s))
            return false;
    } while (s->depth > 0 || s->mode != WANT_NEXT);
    return true;
}

enum gateway_next gateway_body_next(struct gateway_body *self, struct etcd_text *ret_value,
                                    struct gateway_error *error)
{
    struct scan s; /* but for its stack, of which nothing is read unwritten */
    s.bytes = self->text.bytes;
    s.at = self->at;
    s.length = self->text.length;
    s.is_cut = s.is_padded = false;
    s.error = error;
    scan_blanks(&s);
    uint32_t first = s.at;
    if (first == s.length)
        return GATEWAY_END;
    if (!scan_whole(&s)) {
        if (s.is_cut)
            (void)GATEWAY_FAIL(error, "unexpected EOF");
        return GATEWAY_BAD;
    }
    self->at = s.at;
    *ret_value = (struct etcd_text){s.bytes + first, s.at - first};
    return GATEWAY_VALUE;
}

bool gateway_json_check(struct etcd_text text, struct gateway_error *error)
{
    struct scan s;
    s.bytes = text.bytes;
    s.at = 0;
    s.length = text.length;
    s.is_cut = false;
    s.is_padded = true;
    s.error = error;
    if (!scan_whole(&s))
        return s.is_cut ? GATEWAY_FAIL(error, "unexpected end of JSON input") : false;
    scan_blanks(&s);
    return s.at == s.length ? true : scan_bad(&s, "after top-level value");
}

/* Behind the value that begins at `at`; strings hide brackets. */
static uint32_t walk_skip(struct etcd_text text, uint32_t at)
{
    uint32_t depth = 0;
    do {
        ASSERT_OP(at, <, text.length);
        char c = text.bytes[at++];
        if (c == '"') {
            while (text.bytes[at] != '"')
                at += text.bytes[at] == '\\' ? 2 : 1;
            at++;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
        } else if (depth == 0) { /* number or word */
            while (at < text.length && strchr(",]} \t\r\n", text.bytes[at]) == NULL)
                at++;
        }
    } while (depth > 0);
    return at;
}

static void walk_blanks(struct gateway_walk *self)
{
    while (is_blank(self->value.bytes[self->at]) || self->value.bytes[self->at] == ',' ||
           self->value.bytes[self->at] == ':')
        self->at++;
}

static struct etcd_text walk_item(struct gateway_walk *self)
{
    walk_blanks(self);
    uint32_t first = self->at;
    self->at = walk_skip(self->value, first);
    return (struct etcd_text){self->value.bytes + first, self->at - first};
}

struct gateway_walk gateway_walk_start(struct etcd_text value)
{
    return (struct gateway_walk){value, 1}; /* behind its bracket */
}

bool gateway_walk_next(struct gateway_walk *self, struct etcd_text *ret_name,
                       struct etcd_text *ret_item)
{
    bool is_object = self->value.bytes[0] == '{';
    walk_blanks(self);
    if (self->value.bytes[self->at] == (is_object ? '}' : ']'))
        return false;
    if (is_object)
        *ret_name = walk_item(self);
    *ret_item = walk_item(self);
    return true;
}

static uint32_t decode_hex4(const char *text)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 4 | (uint32_t)hex_digit(text[i]);
    return value;
}

static uint32_t encode_utf8(uint32_t point, char *bytes)
{
    if (point < 0x80) {
        bytes[0] = (char)point;
        return 1;
    }
    uint32_t count = point < 0x800 ? 2 : 3; /* a surrogate stands alone */
    for (uint32_t i = count - 1; i > 0; i--, point >>= 6)
        bytes[i] = (char)(0x80 | (point & 0x3f));
    bytes[0] = (char)((count == 2 ? 0xc0u : 0xe0u) | point);
    return count;
}

uint32_t gateway_json_decode(struct etcd_text string, char *bytes)
{
    static const char letters[] = "bfnrt\"\\/", meant[] = "\b\f\n\r\t\"\\/";
    uint32_t length = 0;
    for (uint32_t at = 1; at + 1 < string.length; at++) {
        char c = string.bytes[at];
        if (c != '\\') {
            bytes[length++] = c;
        } else if (string.bytes[++at] != 'u') {
            bytes[length++] = meant[strchr(letters, string.bytes[at]) - letters];
        } else {
            length += encode_utf8(decode_hex4(string.bytes + at + 1), bytes + length);
            at += 4;
        }
    }
    return length;
}

bool gateway_json_is(struct etcd_text string, const char *text)
{
    char bytes[160];
    size_t wanted = strlen(text);
    if (memchr(string.bytes, '\\', string.length) == NULL)
        return string.length == wanted + 2 && memcmp(string.bytes + 1, text, wanted) == 0;
    if (string.length > sizeof bytes)
        return false; /* an escape makes 6 bytes of one, at most: none of our names */
    return gateway_json_decode(string, bytes) == wanted && memcmp(bytes, text, wanted) == 0;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (is_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Line ends may stand anywhere (base64.go, decodeQuantum). */
static uint32_t base64_pass(struct etcd_text text, uint32_t at)
{
    while (at < text.length && (text.bytes[at] == '\n' || text.bytes[at] == '\r'))
        at++;
    return at;
}

/* The padding behind `have` digits; at: behind the first sign of it. */
static bool base64_padding(struct etcd_text text, uint32_t at, unsigned have, uint32_t *ret_bad)
{
    *ret_bad = at - 1;
    if (have < 2)
        return false;
    if (have == 2) {
        at = base64_pass(text, at);
        *ret_bad = at == text.length ? text.length : at - 1;
        if (at == text.length || text.bytes[at++] != '=')
            return false;
    }
    at = base64_pass(text, at);
    *ret_bad = at;
    return at == text.length;
}

bool gateway_base64_read(struct etcd_text text, char *bytes, uint32_t *ret_length)
{
    uint32_t length = 0, group = 0, at = 0;
    unsigned have = 0;
    bool is_padded = false;
    while (!is_padded && (at = base64_pass(text, at)) < text.length) {
        char c = text.bytes[at++];
        int digit = base64_digit(c);
        if (digit >= 0) {
            group = group << 6 | (uint32_t)digit;
            if (++have < 4)
                continue;
            for (int i = 2; i >= 0; i--)
                bytes[length++] = (char)(group >> 8 * i);
            have = group = 0;
        } else if (c != '=') {
            *ret_length = at - 1;
            return false;
        } else {
            is_padded = true;
            if (!base64_padding(text, at, have, ret_length))
                return false;
        }
    }
    if (have > 0 && !is_padded) {
        *ret_length = text.length - have; /* so much is left over */
        return false;
    }
    if (have > 0)
        bytes[length++] = (char)(group >> (have == 2 ? 4 : 10));
    if (have == 3)
        bytes[length++] = (char)(group >> 2);
    *ret_length = length;
    return true;
}
